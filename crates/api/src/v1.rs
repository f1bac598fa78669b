//! The client API, version 1: people's programs and the command line.

pub(crate) mod agreements;
pub(crate) mod attachments;
pub(crate) mod cases;
pub(crate) mod checks;
pub(crate) mod checks_joint;
pub(crate) mod checks_left;
pub(crate) mod checks_standing;
pub(crate) mod checks_view;
pub(crate) mod courier;
pub(crate) mod evidence;
pub(crate) mod holds;
pub(crate) mod justifications;
mod keys;
pub(crate) mod onward;
pub(crate) mod ops;
pub(crate) mod people;
pub(crate) mod plans;
pub(crate) mod reports;
pub(crate) mod request_review;
pub(crate) mod requests;
pub(crate) mod rights;
pub(crate) mod subjects;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use mithaq_app::{App, AppError};
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Longest request of a person's program in bytes: a published list is the longest.
pub const BODY_MAX: usize = 64 * 1024 * 1024;

#[derive(OpenApi)]
#[openapi(
    info(title = "Mithaq client API", description = "One node's interface for the people who work at it."),
    modifiers(&Bearer),
    security(("bearer" = []))
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

fn parts() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(people::sign_in))
        .routes(routes!(people::sign_out))
        .routes(routes!(people::me))
        .routes(routes!(people::set_password))
        .routes(routes!(people::roles))
        .routes(routes!(people::add_officer, people::list_officers))
        .routes(routes!(people::lock_officer))
        .routes(routes!(cases::open_case, cases::my_cases))
        .routes(routes!(cases::assign))
        .routes(routes!(cases::close_case))
        .routes(routes!(cases::add_subjects))
        .routes(routes!(cases::import_un_list))
        .routes(routes!(cases::search))
        .routes(routes!(cases::read_subject))
        .routes(routes!(reports::write::draft, reports::list))
        .routes(routes!(reports::release::release))
        .routes(routes!(reports::write::grade))
        .routes(routes!(reports::release::review))
        .routes(routes!(reports::release::clear))
        .routes(routes!(reports::release::approve))
        .routes(routes!(reports::write::correct))
        .routes(routes!(reports::write::revise))
        .routes(routes!(reports::release::recall))
        .routes(routes!(reports::release::expire))
        .merge(rights_parts())
        .routes(routes!(reports::read))
        .routes(routes!(reports::receipts))
        .routes(routes!(attachments::begin, attachments::list))
        .routes(routes!(attachments::read))
        .routes(routes!(attachments::remove))
        .routes(routes!(attachments::progress, attachments::cancel))
        .routes(routes!(attachments::under_way))
        .routes(routes!(attachments::chunk))
        .routes(routes!(requests::new, requests::list))
        .routes(routes!(requests::figures))
        .routes(routes!(requests::approve))
        .routes(routes!(requests::send))
        .routes(routes!(requests::open))
        .routes(routes!(requests::show))
        .routes(routes!(requests::step))
        .routes(routes!(requests::answer))
        .routes(routes!(request_review::review))
        .merge(check_parts())
        .merge(onward_parts())
        .routes(routes!(agreements::add, agreements::list))
        .routes(routes!(agreements::sign))
        .routes(routes!(agreements::step))
        .routes(routes!(agreements::agree_resume))
        .routes(routes!(agreements::manifest))
        .routes(routes!(agreements::own_manifest))
        .routes(routes!(agreements::assess))
        .merge(key_calls())
        .routes(routes!(evidence::export))
        .routes(routes!(evidence::log))
        .routes(routes!(evidence::health))
        .routes(routes!(ops::lanes))
        .routes(routes!(ops::outbox))
        .routes(routes!(ops::outbox_message))
        .routes(routes!(ops::retry))
        .routes(routes!(courier::export))
        .routes(routes!(courier::import))
}

/// The calls about rights.
fn rights_parts() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(rights::clear_role))
        .routes(routes!(rights::confirm_clearance))
        .routes(routes!(rights::quarantined))
        .routes(routes!(rights::inspect))
        .routes(routes!(rights::judge))
        .routes(routes!(rights::invoke))
        .routes(routes!(rights::confirm))
        .routes(routes!(rights::review))
        .routes(routes!(rights::emergencies))
        .routes(routes!(rights::rulings))
        .routes(routes!(rights::alarms))
        .routes(routes!(rights::see_to))
        .routes(routes!(justifications::draw))
        .routes(routes!(justifications::open))
        .routes(routes!(justifications::judge))
        .routes(routes!(holds::list))
        .routes(routes!(holds::word))
}

/// The calls of the private check.
fn check_parts() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(checks::ask, checks::list))
        .routes(routes!(checks::publish, checks::sets))
        .routes(routes!(checks::figures))
        .routes(routes!(checks_joint::ask))
        .routes(routes!(checks_joint::authorise))
        .routes(routes!(checks_left::budget))
        .routes(routes!(checks_left::tokens))
        .routes(routes!(checks_standing::standing))
        .routes(routes!(plans::draft))
        .routes(routes!(plans::list))
        .routes(routes!(plans::authorise))
        .routes(routes!(plans::end))
        .routes(routes!(checks::authorise))
        .routes(routes!(checks::show))
        .routes(routes!(checks::candidate))
        .routes(routes!(checks::reconsider))
        .routes(routes!(checks::close))
        .routes(routes!(checks::opening))
}

/// The calls of passing on.
fn onward_parts() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(onward::ask, onward::list))
        .routes(routes!(onward::show))
        .routes(routes!(onward::grant))
        .routes(routes!(onward::refuse))
        .routes(routes!(onward::revoke))
        .routes(routes!(onward::send))
        .routes(routes!(onward::holders))
        .routes(routes!(onward::overdue))
}

fn key_calls() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(keys::status))
        .routes(routes!(keys::propose))
        .routes(routes!(keys::confirm))
        .routes(routes!(keys::checkpoint))
        .routes(routes!(keys::logs))
        .routes(routes!(keys::judge_log))
}

/// Returns the router of the client API.
pub fn router(app: App) -> Router {
    let (router, _document) = parts().split_for_parts();
    let router = router.layer(middleware::from_fn(documents_only));
    router.layer(DefaultBodyLimit::max(BODY_MAX)).with_state(app)
}

/// What the framework refuses by itself it explains in a line of text that quotes the request, and with it content:
/// such an answer is replaced by a document of ours.
async fn documents_only(request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let response = crate::problem::answering(&headers, next.run(request)).await;
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let plain = kind.is_none_or(|kind| kind.starts_with("text/plain"));
    if !(response.status().is_client_error() && plain) {
        return response;
    }
    let error = match response.status() {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => AppError::not_found(),
        _malformed => AppError::invalid("body").hint("docs/reference/openapi.json says what each call takes"),
    };
    crate::problem::refusal(error, &headers, Some(response.status()))
}

/// Returns the OpenAPI 3.1 document, as checked in under `docs/reference/openapi.json`.
///
/// # Errors
/// Never for a document this crate made.
pub fn openapi() -> Result<String, serde_json::Error> {
    let (_router, document) = parts().split_for_parts();
    document.to_pretty_json()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    /// Names of all fields and parameters in a part of a document, with what it refers to.
    fn names(document: &Value, part: &Value, found: &mut BTreeSet<String>) {
        match part {
            Value::Object(fields) => {
                if let Some(Value::Object(properties)) = fields.get("properties") {
                    found.extend(properties.keys().cloned());
                }
                if let (Some(Value::String(name)), true) = (fields.get("name"), fields.contains_key("in")) {
                    found.insert(name.clone());
                }
                if let Some(Value::String(to)) = fields.get("$ref") {
                    names(document, document.pointer(to.trim_start_matches('#')).unwrap(), found);
                }
                fields.values().for_each(|one| names(document, one, found));
            }
            Value::Array(list) => list.iter().for_each(|one| names(document, one, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// CVE-2026-21887: an import was given an address and fetched from the machine's own network.
    #[test]
    fn no_call_takes_an_address_to_fetch_from() {
        let document: Value = serde_json::from_str(&super::openapi().unwrap()).unwrap();
        let mut found = BTreeSet::new();
        let calls = document["paths"].as_object().unwrap().values();
        for call in calls.flat_map(|path| path.as_object().unwrap().values()) {
            // What a call takes; an answer may say where a partner's node is reached.
            for part in ["parameters", "requestBody"] {
                call.get(part).into_iter().for_each(|part| names(&document, part, &mut found));
            }
        }
        assert!(found.len() > 50, "the document was read");
        for name in found {
            let word = name.to_lowercase();
            assert!(
                !["url", "uri", "href", "endpoint", "address", "host"].iter().any(|no| word.contains(no)),
                "{name}"
            );
        }
    }
}
