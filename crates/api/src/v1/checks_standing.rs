//! Standing checks: what is asked with a check, shown of it, renewed by two persons, taken back.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use mithaq_app::{App, AppError, NewStanding, Renewal, intent};
use mithaq_model::{CaseId, ObjectId, Timestamp};
use mithaq_store::checks::StoredStanding;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem};
use crate::session::{Signed, blocking, field, may, number};
use crate::v1::cases::Why;

/// That a question shall stay with the partner.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StandingBody {
    /// Until when, for example `2027-01-31`: within what is agreed, ninety days at most.
    until: String,
    /// When the warrant ends.
    warrant_ends: String,
}

impl StandingBody {
    pub(crate) fn standing(&self) -> Result<NewStanding, AppError> {
        Ok(NewStanding {
            until: field("standing.until", Timestamp::parse(&self.until).ok_or(()))?,
            warrant_ends: field("standing.warrant_ends", Timestamp::parse(&self.warrant_ends).ok_or(()))?,
        })
    }
}

/// A standing check.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StandingView {
    /// `draft`, `asked`, `placing`, `placed`, `renewing`, `ending`, `refused` or `over`.
    state: &'static str,
    /// Reference of the warrant.
    warrant: String,
    warrant_ends: String,
    until: String,
    /// Until when a renewal would last that waits for its second person or for the partner.
    renewal_until: Option<String>,
    /// Whether a second person authorised that renewal.
    renewal_authorised: bool,
}

impl From<&StoredStanding> for StandingView {
    fn from(one: &StoredStanding) -> Self {
        Self {
            state: one.state.code(),
            warrant: one.title.reference.clone(),
            warrant_ends: one.title.ends.to_string(),
            until: one.title.until.to_string(),
            renewal_until: one.next.as_ref().map(|next| next.until.to_string()),
            renewal_authorised: one.next.as_ref().is_some_and(|next| next.second.is_some()),
        }
    }
}

/// What a person does about a standing check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum StandingStep {
    /// Ask that it stays longer, as the first of two persons.
    Renew {
        /// Reference of the warrant.
        warrant: String,
        /// When the warrant ends.
        warrant_ends: String,
        /// Until when.
        until: String,
    },
    /// Authorise the renewal that somebody else asked for.
    Authorise,
    /// Take it back: the partner forgets it.
    End,
}

/// What is done, and in which case.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StandingStepBody {
    why: Why,
    case: String,
    what: StandingStep,
}

/// Renews a standing check, authorises the renewal, or takes the check back.
#[utoipa::path(post, path = "/api/v1/checks/{id}/standing", tag = "checks", params(("id" = String, Path)),
    request_body = StandingStepBody, responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn standing(
    State(app): State<App>,
    Signed(actor): Signed,
    Path(id): Path<String>,
    Json(body): Json<StandingStepBody>,
) -> Result<StatusCode, ApiError> {
    let (id, case): (ObjectId, CaseId) = (number(&id)?, number(&body.case)?);
    match body.what {
        StandingStep::Renew { warrant, warrant_ends, until } => {
            let may = may(&app, &actor, intent::AskCheck).await?;
            let renewal = Renewal { warrant, life: StandingBody { until, warrant_ends }.standing()? };
            blocking(app, move |app| {
                let access = body.why.enter(app, &actor, case)?;
                app.renew_standing(may, &access, (id, renewal))
            })
            .await?;
        }
        StandingStep::Authorise => {
            let may = may(&app, &actor, intent::AuthoriseCheck).await?;
            blocking(app, move |app| {
                let access = body.why.enter(app, &actor, case)?;
                app.authorise_renewal(may, &access, id)
            })
            .await?;
        }
        StandingStep::End => {
            let may = may(&app, &actor, intent::AuthoriseCheck).await?;
            blocking(app, move |app| {
                let access = body.why.enter(app, &actor, case)?;
                app.end_standing(may, &access, id)
            })
            .await?;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
