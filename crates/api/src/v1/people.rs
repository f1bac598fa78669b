//! Sign-in, officers, the table of roles.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use mithaq_app::{App, NewOfficer, intent};
use mithaq_model::{Lang, Officer, OfficerId, Role, RoleSet, Sensitive, UnitId};
use mithaq_store::Page;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may, number};

/// What a person signs in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// Sign-in name.
    login: String,
    /// Password.
    password: String,
}

/// A token, shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenView {
    /// Send it as `Authorization: Bearer …`.
    token: String,
    /// It opens nothing from then on (RFC 3339).
    expires: String,
}

/// Signs a person in.
#[utoipa::path(post, path = "/api/v1/sign-in", tag = "people", request_body = SignIn, security(()),
    responses((status = 200, body = TokenView), (status = 401, body = Problem)))]
pub(crate) async fn sign_in(
    State(app): State<App>,
    Json(asked): Json<SignIn>,
) -> Result<Json<TokenView>, ApiError> {
    let issued = blocking(app, move |app| app.sign_in(&asked.login, &asked.password)).await?;
    Ok(Json(TokenView { token: issued.secret.to_string(), expires: issued.expires.to_string() }))
}

/// Ends every session of the caller.
#[utoipa::path(post, path = "/api/v1/sign-out", tag = "people",
    responses((status = 204), (status = 401, body = Problem)))]
pub(crate) async fn sign_out(State(app): State<App>, Signed(actor): Signed) -> Result<StatusCode, ApiError> {
    blocking(app, move |app| app.sign_out(&actor)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An officer.
#[derive(Serialize, ToSchema)]
pub(crate) struct OfficerView {
    /// Number.
    id: String,
    /// Sign-in name.
    login: String,
    /// Name.
    name: String,
    /// Unit.
    unit: String,
    /// Roles, as codes.
    roles: Vec<&'static str>,
    /// Language.
    lang: String,
    /// Whether the officer may sign in.
    active: bool,
}

impl From<&Officer> for OfficerView {
    fn from(officer: &Officer) -> Self {
        Self {
            id: officer.id.to_string(),
            login: officer.login.clone(),
            name: officer.name.reveal().clone(),
            unit: officer.unit.to_string(),
            roles: officer.roles.iter().map(Role::code).collect(),
            lang: officer.lang.code().to_owned(),
            active: officer.active,
        }
    }
}

/// Says who the caller is.
#[utoipa::path(get, path = "/api/v1/me", tag = "people",
    responses((status = 200, body = OfficerView), (status = 401, body = Problem)))]
pub(crate) async fn me(Signed(actor): Signed) -> Json<OfficerView> {
    Json(OfficerView::from(actor.officer()))
}

/// One kind of thing people do, and the roles that may.
#[derive(Serialize, ToSchema)]
pub(crate) struct RightView {
    /// Code of the intent.
    intent: &'static str,
    /// Roles that may, as codes.
    roles: Vec<&'static str>,
}

/// Says who may do what.
#[utoipa::path(get, path = "/api/v1/roles", tag = "people", responses((status = 200, body = [RightView])))]
pub(crate) async fn roles(Signed(_actor): Signed) -> Json<Vec<RightView>> {
    let view = |(intent, roles): &(&'static str, &[Role])| RightView {
        intent,
        roles: roles.iter().copied().map(Role::code).collect(),
    };
    Json(mithaq_app::INTENTS.iter().map(view).collect())
}

/// What is needed to add an officer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOfficerBody {
    /// Sign-in name: 3 to 64 of `a-z 0-9 . - _`.
    login: String,
    /// Name.
    name: String,
    /// Unit number.
    unit: String,
    /// Roles, as codes; not empty.
    roles: Vec<String>,
    /// Language, `ar`, `fr`, `es` or `en`.
    lang: String,
}

/// The number of something new.
#[derive(Serialize, ToSchema)]
pub(crate) struct Created {
    /// Number.
    pub(crate) id: String,
}

/// Adds an officer.
#[utoipa::path(post, path = "/api/v1/officers", tag = "people", request_body = NewOfficerBody,
    responses((status = 201, body = Created), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn add_officer(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<NewOfficerBody>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let may = may(&app, &actor, intent::GovernOfficers).await?;
    let roles = body.roles.iter().map(|code| field("roles", Role::from_code(code)));
    let new = NewOfficer {
        login: body.login,
        name: Sensitive::new(body.name),
        unit: field("unit", body.unit.parse::<UnitId>())?,
        roles: roles.collect::<Result<RoleSet, _>>()?,
        lang: field("lang", Lang::new(&body.lang))?,
    };
    let id = blocking(app, move |app| app.add_officer(may, &new)).await?;
    Ok((StatusCode::CREATED, Json(Created { id: id.to_string() })))
}

/// Lists officers.
#[utoipa::path(get, path = "/api/v1/officers", tag = "people",
    responses((status = 200, body = [OfficerView]), (status = 403, body = Problem)))]
pub(crate) async fn list_officers(
    State(app): State<App>,
    Signed(actor): Signed,
) -> Result<Json<Vec<OfficerView>>, ApiError> {
    let may = may(&app, &actor, intent::GovernOfficers).await?;
    let officers = blocking(app, move |app| app.officers(may, &Page::first(1_000))).await?;
    Ok(Json(officers.iter().map(OfficerView::from).collect()))
}

/// Locks an officer out, at once.
#[utoipa::path(post, path = "/api/v1/officers/{id}/lock", tag = "people", params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn lock_officer(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let may = may(&app, &actor, intent::GovernOfficers).await?;
    let id: OfficerId = number(&id)?;
    blocking(app, move |app| app.lock_officer(may, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// At least 12 characters.
    password: String,
}

/// Changes the caller's own password.
#[utoipa::path(put, path = "/api/v1/me/password", tag = "people", request_body = NewPassword,
    responses((status = 204), (status = 400, body = Problem)))]
pub(crate) async fn set_password(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<NewPassword>,
) -> Result<StatusCode, ApiError> {
    blocking(app, move |app| app.set_password(actor.id(), &body.password)).await?;
    Ok(StatusCode::NO_CONTENT)
}
