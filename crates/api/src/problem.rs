//! How a failure looks on the wire: a status, a stable code, words in the caller's language and a next step.
//! Content, names and secrets are never part of it (see `AppError`).

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mithaq_app::{AppError, ErrorKind};
use mithaq_model::Lang;
use serde::Serialize;
use utoipa::ToSchema;

/// Why an intent was not carried out.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// What kind of failure: `refused`, `unauthenticated`, `forbidden`, `invalid`, `not_found`, `conflict`,
    /// `peer_misbehaved`, `unavailable`, `integrity` or `bug`.
    pub kind: &'static str,
    /// Stable dotted code.
    pub code: String,
    /// Words in the language asked for with `Accept-Language`, English by default.
    pub text: &'static str,
    /// What to do next, if there is something.
    pub hint: Option<&'static str>,
    /// Step of the release decision that refused.
    pub step: Option<u8>,
    /// Clause of the agreement that refused.
    pub clause: Option<String>,
    /// Ground from the closed list.
    pub ground: Option<&'static str>,
}

/// An error of the application with the language to say it in.
#[derive(Debug)]
pub(crate) struct ApiError {
    error: AppError,
    lang: Lang,
}

impl ApiError {
    /// Takes an error and the headers that say the language.
    pub(crate) fn new(error: AppError, headers: &HeaderMap) -> Self {
        Self { error, lang: language(headers) }
    }
}

impl From<AppError> for ApiError {
    /// In the language of the request that is being answered.
    fn from(error: AppError) -> Self {
        Self { error, lang: ASKED.try_with(|lang| *lang).unwrap_or(Lang::EN) }
    }
}

tokio::task_local! {
    static ASKED: Lang;
}

/// Answers a request; what goes wrong meanwhile is said in the language its headers ask for.
pub(crate) async fn answering<F: Future>(headers: &HeaderMap, answer: F) -> F::Output {
    ASKED.scope(language(headers), answer).await
}

/// The answer to a request that was refused before any handler saw it. `status` where the kind has a closer one.
#[must_use]
pub fn refusal(error: AppError, headers: &HeaderMap, status: Option<StatusCode>) -> Response {
    let mut response = ApiError::new(error, headers).into_response();
    if let Some(status) = status {
        *response.status_mut() = status;
    }
    response
}

/// The first language of `Accept-Language` that the interface has; English for none.
pub(crate) fn language(headers: &HeaderMap) -> Lang {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let codes = wanted.split(',').take(16).filter_map(|part| part.trim().get(..2));
    codes
        .filter_map(|code| Lang::INTERFACE.iter().copied().find(|lang| lang.code() == code))
        .next()
        .unwrap_or(Lang::EN)
}

const fn status(kind: ErrorKind) -> (StatusCode, &'static str) {
    match kind {
        ErrorKind::Refused => (StatusCode::FORBIDDEN, "refused"),
        ErrorKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
        ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
        ErrorKind::Invalid => (StatusCode::BAD_REQUEST, "invalid"),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
        ErrorKind::Conflict => (StatusCode::CONFLICT, "conflict"),
        ErrorKind::PeerMisbehaved => (StatusCode::BAD_GATEWAY, "peer_misbehaved"),
        ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        ErrorKind::Integrity => (StatusCode::SERVICE_UNAVAILABLE, "integrity"),
        ErrorKind::Bug => (StatusCode::INTERNAL_SERVER_ERROR, "bug"),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, kind) = status(self.error.kind());
        if status.is_server_error() {
            // The chain speaks of codes and of our own tables, never of rows.
            let mut chain = self.error.to_string();
            let mut source = std::error::Error::source(&self.error);
            while let Some(cause) = source {
                chain = format!("{chain}: {cause}");
                source = cause.source();
            }
            tracing::error!(code = self.error.code(), chain, "request failed");
        }
        let problem = Problem {
            kind,
            code: self.error.code().to_owned(),
            text: self.error.words().get(self.lang),
            hint: self.error.next_step(),
            step: self.error.step(),
            clause: self.error.clause().map(ToOwned::to_owned),
            ground: self.error.ground().map(mithaq_model::RefusalGround::code),
        };
        let mut response = (status, Json(problem)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_language_wins() {
        let headers = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, value.parse().unwrap());
            headers
        };
        assert_eq!(language(&headers("de-DE,fr;q=0.9,ar;q=0.8")), Lang::FR);
        assert_eq!(language(&headers("ar-MA")), Lang::AR);
        assert_eq!(language(&headers("x")), Lang::EN);
        assert_eq!(language(&HeaderMap::new()), Lang::EN);
    }

    #[tokio::test]
    async fn a_busy_store_is_503_with_a_time_to_come_again_and_no_word_of_the_database() {
        let response = ApiError::from(AppError::busy("store.busy")).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), "5");
        let body = axum::body::to_bytes(response.into_body(), 4_096).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("\"store.busy\"") && body.contains("try again later"), "{body}");
        for word in ["SELECT", "40001", "40P01", "deadlock", "database"] {
            assert!(!body.contains(word), "{body}");
        }
        let refused = ApiError::from(AppError::conflict("hold.stands")).into_response();
        assert!(refused.headers().get(header::RETRY_AFTER).is_none(), "coming again changes nothing there");
    }

    #[test]
    fn a_missing_and_a_hidden_object_answer_alike() {
        let a = ApiError::from(AppError::not_found()).into_response();
        assert_eq!(a.status(), StatusCode::NOT_FOUND);
    }
}
