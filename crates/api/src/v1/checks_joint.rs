//! One question to several partners: written and authorised as one, one check for each.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use mithaq_app::{App, AppError, JointPart, NewJointCheck, intent};
use mithaq_model::{CaseId, Lang, ObjectId, PartyId, SubjectClass, SubjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{ApiError, Problem, language};
use crate::session::{Signed, blocking, field, may, number};
use crate::v1::cases::Why;
use crate::v1::checks_standing::StandingBody;
use crate::v1::reports::InCase;

/// A partner, and the agreement it is asked under.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedBody {
    agreement: String,
    partner: String,
}

/// A question to several partners.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewJointBody {
    why: Why,
    case: String,
    /// Who is asked, each once.
    partners: Vec<AskedBody>,
    /// Class of the persons, a code; all are of this class.
    class: String,
    /// Persons of the case, by number.
    subjects: Vec<String>,
    /// Reference of the warrant: for wanted persons.
    warrant: Option<String>,
    /// The question shall stay with each partner.
    standing: Option<StandingBody>,
}

impl NewJointBody {
    fn question(&self) -> Result<NewJointCheck, AppError> {
        let subjects = self.subjects.iter().map(|id| field("subjects", id.parse::<SubjectId>()));
        let partners = self.partners.iter().map(|one| {
            let agreement = field("partners", one.agreement.parse())?;
            Ok((agreement, field("partners", PartyId::new(&one.partner))?))
        });
        Ok(NewJointCheck {
            partners: partners.collect::<Result<_, AppError>>()?,
            class: field("class", SubjectClass::from_code(&self.class))?,
            subjects: subjects.collect::<Result<_, _>>()?,
            warrant: self.warrant.clone(),
            standing: self.standing.as_ref().map(StandingBody::standing).transpose()?,
        })
    }
}

/// The part of one partner. A refusal for one holds up no other.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JointPartView {
    agreement: String,
    partner: String,
    /// Its check, once written.
    check: Option<String>,
    /// What it costs, once authorised.
    evaluations: Option<u32>,
    /// Code of the refusal; null when it was done.
    refused: Option<String>,
    /// Words of the refusal.
    text: Option<&'static str>,
    /// What to do next, if there is something.
    hint: Option<&'static str>,
}

impl JointPartView {
    fn of<T>(part: &JointPart<T>, lang: Lang) -> Self {
        let no = part.outcome.as_ref().err();
        Self {
            agreement: part.agreement.to_string(),
            partner: part.partner.to_string(),
            check: None,
            evaluations: None,
            refused: no.map(|no| no.code().to_owned()),
            text: no.map(|no| no.words().get(lang)),
            hint: no.and_then(AppError::next_step),
        }
    }
}

/// A question to several partners, with its parts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JointView {
    /// Number of the question. It stays on this node.
    joint: String,
    parts: Vec<JointPartView>,
}

/// Writes one question to several partners as drafts, one check for each. No partner learns of another.
#[utoipa::path(post, path = "/api/v1/checks/joint", tag = "checks", request_body = NewJointBody,
    responses((status = 201, body = JointView), (status = 400, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn ask(
    State(app): State<App>,
    Signed(actor): Signed,
    headers: HeaderMap,
    Json(body): Json<NewJointBody>,
) -> Result<(StatusCode, Json<JointView>), ApiError> {
    let may = may(&app, &actor, intent::AskCheck).await?;
    let (case, new): (CaseId, NewJointCheck) = (number(&body.case)?, body.question()?);
    let (joint, parts) = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.draft_joint_check(may, &access, &new)
    })
    .await?;
    let lang = language(&headers);
    let view = |part: &JointPart<ObjectId>| JointPartView {
        check: part.outcome.as_ref().ok().map(ToString::to_string),
        ..JointPartView::of(part, lang)
    };
    let view = JointView { joint: joint.to_string(), parts: parts.iter().map(view).collect() };
    Ok((StatusCode::CREATED, Json(view)))
}

/// Authorises what is left to authorise of a question to several partners. Each part is decided and charged by itself.
#[utoipa::path(post, path = "/api/v1/checks/joint/{joint}/authorise", tag = "checks", params(("joint" = String, Path)),
    request_body = InCase, responses((status = 200, body = [JointPartView]), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn authorise(
    State(app): State<App>,
    Signed(actor): Signed,
    headers: HeaderMap,
    Path(joint): Path<String>,
    Json(body): Json<InCase>,
) -> Result<Json<Vec<JointPartView>>, ApiError> {
    let may = may(&app, &actor, intent::AuthoriseCheck).await?;
    let (joint, case): (ObjectId, CaseId) = (number(&joint)?, number(&body.case)?);
    let parts = blocking(app, move |app| {
        let access = body.why.enter(app, &actor, case)?;
        app.authorise_joint_check(may, &access, joint)
    })
    .await?;
    let lang = language(&headers);
    let view = |part: &JointPart<u32>| JointPartView {
        evaluations: part.outcome.as_ref().ok().copied(),
        ..JointPartView::of(part, lang)
    };
    Ok(Json(parts.iter().map(view).collect()))
}
