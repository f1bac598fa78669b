//! Who calls: the token of a request becomes an [`Actor`] before any handler runs, and work that waits for the
//! disk runs off the network threads.

use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::http::request::Parts;
use mithaq_app::{Actor, App, AppError, Intent, May};

use crate::problem::ApiError;

/// An authenticated caller.
pub(crate) struct Signed(pub(crate) Actor);

impl FromRequestParts<App> for Signed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let State(app): State<App> = State(app.clone());
        let refused = || ApiError::new(AppError::unauthenticated(), &parts.headers);
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(refused)?.to_owned();
        let found = blocking(app, move |app| app.authenticate(&token)).await;
        found.map(Signed).map_err(|error| ApiError::new(error, &parts.headers))
    }
}

/// Proves that the caller may do a kind of thing; a refusal is an entry of the ledger before it is the answer.
///
/// # Errors
/// When no role held allows it.
pub(crate) async fn may<I: Intent>(app: &App, actor: &Actor, intent: I) -> Result<May<I>, AppError> {
    match actor.may(intent) {
        Ok(may) => Ok(may),
        Err(_to_be_logged) => {
            let actor = actor.clone();
            blocking(app.clone(), move |app| app.may(&actor, intent)).await
        }
    }
}

/// Runs work that may wait for the disk.
///
/// # Errors
/// The work's own; [`mithaq_app::ErrorKind::Bug`] when it panicked.
pub(crate) async fn blocking<T, F>(app: App, work: F) -> Result<T, AppError>
where
    T: Send + 'static,
    F: FnOnce(&App) -> Result<T, AppError> + Send + 'static,
{
    let done = tokio::task::spawn_blocking(move || work(&app)).await;
    done.unwrap_or_else(|panicked| Err(AppError::bug("api.task").because(panicked)))
}

/// Reads one of our own vocabularies or numbers out of a request.
///
/// # Errors
/// [`mithaq_app::ErrorKind::Invalid`] with the name of the field.
pub(crate) fn field<T, E>(name: &str, value: Result<T, E>) -> Result<T, AppError> {
    // What the parser says may quote the caller's text: only the field is named.
    value.map_err(|_quoted| AppError::invalid(name))
}

/// Reads the number of an object out of a path. A malformed number and an unknown one answer alike.
///
/// # Errors
/// [`mithaq_app::ErrorKind::NotFound`].
pub(crate) fn number<T: core::str::FromStr>(text: &str) -> Result<T, AppError> {
    text.parse().map_err(|_malformed| AppError::not_found())
}
