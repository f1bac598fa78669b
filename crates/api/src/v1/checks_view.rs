//! How private checks look to people's programs: codes, numbers, counts, years of birth; never a name.

use mithaq_app::CheckShown;
use mithaq_check::follow::{Released, Stage, Verdict};
use mithaq_check::{CheckState, Shown, Strength};
use mithaq_model::{Sex, Timestamp};
use mithaq_store::checks::{Candidate, Check};
use serde::Serialize;
use utoipa::ToSchema;

use crate::v1::checks_standing::StandingView;

/// Where a check stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckView {
    id: String,
    /// `own`: asked by this node; `received`: this node was asked.
    direction: &'static str,
    partner: String,
    agreement: String,
    /// Case; of a received check the pseudonym it came with.
    case: String,
    purpose: &'static str,
    class: &'static str,
    /// How many persons.
    subjects: u32,
    /// How many evaluations it cost.
    evaluations: u32,
    /// State, a code.
    state: &'static str,
    /// Why it ended so, a code.
    outcome: Option<String>,
    /// What to do next, if there is something.
    hint: Option<&'static str>,
    /// Number of the question to several partners it is part of, on this node.
    joint: Option<String>,
    created: String,
    ended: Option<String>,
    hits: u32,
    confirmed: u32,
    rejected: u32,
}

impl From<&Check> for CheckView {
    fn from(check: &Check) -> Self {
        Self {
            id: check.id.to_string(),
            direction: check.direction.code(),
            partner: check.partner.to_string(),
            agreement: check.agreement.to_string(),
            case: check.case.to_string(),
            purpose: check.purpose.code(),
            class: check.class.code(),
            subjects: check.subjects,
            evaluations: check.queries,
            state: check.state.code(),
            outcome: check.outcome.clone(),
            hint: hint(check),
            joint: check.joint.map(|joint| joint.to_string()),
            created: check.created.to_string(),
            ended: check.ended.map(|at: Timestamp| at.to_string()),
            hits: check.hits,
            confirmed: check.confirmed,
            rejected: check.rejected,
        }
    }
}

/// The next step, for who sees a check that ended without a result.
fn hint(check: &Check) -> Option<&'static str> {
    match (check.state, check.outcome.as_deref()?) {
        (CheckState::Aborted, "check.restarted") => Some(
            "the node ended while it was under way and cannot take it up: ask anew; what it cost stays spent",
        ),
        (CheckState::Aborted, "check.timeout") => Some(
            "the partner did not answer in 24 hours: `mithaq lanes` shows whether it is there; then ask anew",
        ),
        (CheckState::Aborted, "check.epoch" | "check.no_set") => {
            Some("the partner has a new key: when `mithaq check sets` shows its new set, ask anew")
        }
        (CheckState::Aborted, "check.unanswered") => {
            Some("the partner's node knows nothing of it: speak to its desk, then ask anew")
        }
        (CheckState::Aborted, _fault) => {
            Some("the partner's answer did not hold: tell your security officer before you ask anew")
        }
        (CheckState::Refused, "BUD") => {
            Some("a budget is used up: `mithaq check budget`; it begins anew at midnight UTC")
        }
        _other => None,
    }
}

/// Minimal discriminators.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiscriminatorsView {
    /// First and last year of birth.
    years: Option<(u16, u16)>,
    /// Sex, a code.
    sex: Option<&'static str>,
}

impl From<&Shown> for DiscriminatorsView {
    fn from(shown: &Shown) -> Self {
        Self { years: shown.years, sex: shown.sex.map(Sex::code) }
    }
}

/// A candidate.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CandidateView {
    /// The number both sides speak of it by.
    handle: String,
    /// This node's own subject.
    subject: String,
    /// `possible`, `likely` or `strong`.
    band: &'static str,
    /// `possible_hit`, `confirmed`, `rejected`, `core_exchanged`, `aborted`.
    stage: &'static str,
    /// What this side said, while both have not.
    ours: Option<&'static str>,
    /// What the partner said, while both have not.
    theirs: Option<&'static str>,
    /// When core data is due.
    due: Option<String>,
    /// `report` or `refusal`: what this side did.
    released: Option<&'static str>,
    /// What the partner did.
    partner_released: Option<&'static str>,
    /// What this side shows the partner.
    shows: Option<DiscriminatorsView>,
    /// What the partner shows.
    shown: Option<DiscriminatorsView>,
}

const fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "same",
        Verdict::Other => "other",
    }
}

const fn did(released: Released) -> &'static str {
    match released {
        Released::Report => "report",
        Released::Refusal => "refusal",
    }
}

impl CandidateView {
    fn of((one, ours, theirs): &(Candidate, Option<Shown>, Option<Shown>)) -> Self {
        let mut view = Self {
            handle: one.handle.to_string(),
            subject: one.subject.to_string(),
            band: one.strength.code(),
            stage: "possible_hit",
            ours: None,
            theirs: None,
            due: None,
            released: None,
            partner_released: None,
            shows: ours.as_ref().map(DiscriminatorsView::from),
            shown: theirs.as_ref().map(DiscriminatorsView::from),
        };
        match one.stage {
            Stage::PossibleHit { ours, theirs } => {
                (view.ours, view.theirs) = (ours.map(|(verdict, _)| said(verdict)), theirs.map(said));
            }
            Stage::Confirmed { due, ours, theirs } => {
                view.stage = "confirmed";
                view.due = Some(due.to_string());
                (view.released, view.partner_released) = (ours.map(did), theirs.map(did));
            }
            Stage::Rejected => view.stage = "rejected",
            Stage::CoreExchanged => view.stage = "core_exchanged",
            Stage::Aborted => view.stage = "aborted",
            Stage::Closed => view.stage = "closed",
        }
        view
    }
}

/// A person of the question.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AskedView {
    subject: String,
    /// The band of a hit; null without one.
    band: Option<&'static str>,
}

/// A check with its persons and candidates.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShownView {
    check: CheckView,
    /// Persons it is about; none on the asked side.
    subjects: Vec<AskedView>,
    candidates: Vec<CandidateView>,
    /// Its standing check, if it has one.
    standing: Option<StandingView>,
}

impl From<&CheckShown> for ShownView {
    fn from(shown: &CheckShown) -> Self {
        let asked = shown.subjects.iter();
        Self {
            check: CheckView::from(&shown.check),
            subjects: asked
                .map(|(subject, band)| AskedView {
                    subject: subject.to_string(),
                    band: band.map(Strength::code),
                })
                .collect(),
            candidates: shown.candidates.iter().map(CandidateView::of).collect(),
            standing: shown.standing.as_ref().map(StandingView::from),
        }
    }
}
