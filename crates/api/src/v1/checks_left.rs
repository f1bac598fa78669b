//! What is left of the budgets of checks, and which tokens a subject would make.

use axum::Json;
use axum::extract::State;
use mithaq_app::{App, CheckBudget, Left, TokenShown, TokensExplained, Whose, Without, intent};
use mithaq_model::{AgreementId, CaseId, SubjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may, number};
use crate::v1::cases::Why;

/// A budget: evaluations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeftView {
    used: u32,
    cap: u32,
    left: u32,
}

impl From<Left> for LeftView {
    fn from(one: Left) -> Self {
        Self { used: one.used, cap: one.cap, left: one.left() }
    }
}

/// The budget of one officer or case.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WhoseView {
    /// An officer or case of this node by number; of the partner by the pseudonym it asks with.
    of: String,
    /// Whether it is a pseudonym.
    pseudonym: bool,
    used: u32,
    cap: u32,
    left: u32,
}

impl From<&(Whose, Left)> for WhoseView {
    fn from((whose, left): &(Whose, Left)) -> Self {
        let (of, pseudonym) = match whose {
            Whose::Officer(id) => (id.to_string(), false),
            Whose::Case(id) => (id.to_string(), false),
            Whose::Pseudonym(id) => (id.to_string(), true),
        };
        Self { of, pseudonym, used: left.used, cap: left.cap, left: left.left() }
    }
}

/// What is left today with one partner under one agreement.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BudgetView {
    /// `own`: what this node may still ask there, by its own count; `received`: what the partner may still ask here.
    direction: &'static str,
    partner: String,
    agreement: String,
    /// The partner as a whole, until midnight UTC.
    all: LeftView,
    /// Officers who asked today; of `own` the caller too, who may ask.
    officers: Vec<WhoseView>,
    /// Cases that were asked for today.
    cases: Vec<WhoseView>,
    /// Most a day of an officer.
    officer_cap: u32,
    /// Most a day of a case.
    case_cap: u32,
    /// Most persons of one check.
    batch_cap: u32,
    /// Evaluations since the last confirmed hit; at the cap people must look.
    review: LeftView,
}

impl From<&CheckBudget> for BudgetView {
    fn from(one: &CheckBudget) -> Self {
        Self {
            direction: one.direction.code(),
            partner: one.partner.to_string(),
            agreement: one.agreement.to_string(),
            all: one.all.into(),
            officers: one.officers.iter().map(WhoseView::from).collect(),
            cases: one.cases.iter().map(WhoseView::from).collect(),
            officer_cap: one.each.0,
            case_cap: one.each.1,
            batch_cap: one.batch_cap,
            review: one.review.into(),
        }
    }
}

/// Returns what is left today of every budget of checks, for asking and for being asked.
#[utoipa::path(get, path = "/api/v1/checks/budget", tag = "checks",
    responses((status = 200, body = [BudgetView]), (status = 403, body = Problem)))]
pub(crate) async fn budget(
    State(app): State<App>,
    Signed(actor): Signed,
) -> Result<Json<Vec<BudgetView>>, ApiError> {
    let may = may(&app, &actor, intent::ReadCheck).await?;
    let found = blocking(app, move |app| app.check_budgets(may)).await?;
    Ok(Json(found.iter().map(BudgetView::from).collect()))
}

/// Whose tokens to explain.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokensBody {
    why: Why,
    case: String,
    /// The agreement whose policy of tokens applies.
    agreement: String,
    /// Person of the case, by number.
    subject: String,
}

/// A token as people read it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenView {
    /// Sounds of the names in it: one beside a document, two or three beside the rest.
    sounds: Vec<String>,
    /// What the names say, in bits.
    bits: f64,
    /// `day`, `year`, `place` or `document`.
    kind: &'static str,
    /// The second identifier.
    second: String,
    /// Of a year, how precisely each side knows the birth: `day_asks_year`, `year_asks_day`, `year_asks_year`.
    meets: Option<&'static str>,
    /// Band of a hit on it: `possible`, `likely`, `strong`.
    band: &'static str,
}

impl From<&TokenShown> for TokenView {
    fn from(one: &TokenShown) -> Self {
        Self {
            sounds: one.sounds.clone(),
            bits: f64::from(one.eighths) / 8.0,
            kind: one.kind,
            second: one.second.clone(),
            meets: one.meets,
            band: one.band.code(),
        }
    }
}

/// The tokens of a person under an agreement's policy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokensView {
    /// Tokens it would be asked by.
    asking: Vec<TokenView>,
    /// What asking about it alone costs: a multiple of eight.
    evaluations: u32,
    /// Tokens it would have in a set for partners.
    asked: Vec<TokenView>,
    /// What stands in the way: `class`, `protected_role`, `minor`, `case`, `claims`, `documents`,
    /// `name_alone`, `no_name`.
    without: Vec<&'static str>,
    /// So many claims make no token: a partner's, expired, TLP:RED or under code H3.
    claims_left_out: u32,
    /// So many documents make no token: the issuing state is no code of two letters (`IQ`), or the number is too short.
    documents_left_out: u32,
}

impl From<&TokensExplained> for TokensView {
    fn from(one: &TokensExplained) -> Self {
        let count = |of: fn(&Without) -> Option<u32>| one.without.iter().find_map(of).unwrap_or(0);
        let code = |why: &Without| match why {
            Without::Class => "class",
            Without::ProtectedRole => "protected_role",
            Without::Minor => "minor",
            Without::Case => "case",
            Without::Claims(_) => "claims",
            Without::NameAlone => "name_alone",
            Without::NoName => "no_name",
            Without::Documents(_) => "documents",
        };
        Self {
            asking: one.asking.iter().map(TokenView::from).collect(),
            evaluations: one.evaluations,
            asked: one.asked.iter().map(TokenView::from).collect(),
            without: one.without.iter().map(code).collect(),
            claims_left_out: count(|why| if let Without::Claims(n) = why { Some(*n) } else { None }),
            documents_left_out: count(|why| if let Without::Documents(n) = why { Some(*n) } else { None }),
        }
    }
}

/// Explains which tokens a person of a case makes under an agreement's policy. Nothing is sent; logged with the reason.
#[utoipa::path(post, path = "/api/v1/checks/tokens", tag = "checks", request_body = TokensBody,
    responses((status = 200, body = TokensView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn tokens(
    State(app): State<App>,
    Signed(actor): Signed,
    Json(body): Json<TokensBody>,
) -> Result<Json<TokensView>, ApiError> {
    let may = may(&app, &actor, intent::ReadSubject).await?;
    let case: CaseId = number(&body.case)?;
    let agreement: AgreementId = field("agreement", body.agreement.parse())?;
    let subject: SubjectId = field("subject", body.subject.parse())?;
    let found = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.explain_tokens(may, &access, (agreement, subject))
    })
    .await?;
    Ok(Json(TokensView::from(&found)))
}
