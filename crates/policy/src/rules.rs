//! What an agreement compiles to: Cedar policies. One `permit` for its subject matter, `forbid` policies for its
//! limits, and the safeguards, which are the same in every rule set. Every `forbid` carries its step, so that
//! the first failing step of the release decision is named although all are evaluated at once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr as _;
use std::sync::LazyLock;

use cedar_policy::{
    Authorizer, Decision as Verdict, Entities, EntityUid, PolicyId, PolicySet, Request, Schema,
    ValidationMode, Validator,
};
use mithaq_model::{DenialCode, PartyId, RefusalGround};
use thiserror::Error;

use crate::agreement::{Agreement, Onward};
use crate::facts::Facts;

/// The compiled-in limits.
const SAFEGUARDS: &str = include_str!("safeguards.cedar");
const SCHEMA: &str = include_str!("schema.cedarschema");

/// The schema is ours and the same for all: read once.
static VALIDATOR: LazyLock<Result<Validator, String>> = LazyLock::new(|| {
    let schema = Schema::from_cedarschema_str(SCHEMA);
    schema.map(|(schema, _warnings)| Validator::new(schema)).map_err(|error| error.to_string())
});

/// Why a rule set could not be compiled. A fault of ours: every parsed agreement compiles.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The policies are malformed.
    #[error("the rule set does not compile: {0}")]
    Policies(String),
    /// The policies do not fit the schema.
    #[error("the rule set does not fit its schema: {0}")]
    Schema(String),
}

/// What a policy that forbids says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) id: String,
    pub(crate) step: u8,
    pub(crate) code: DenialCode,
    pub(crate) clause: Option<String>,
    pub(crate) ground: Option<RefusalGround>,
    pub(crate) words: String,
}

/// A compiled rule set: one agreement and the safeguards.
pub struct Rules {
    agreement: Agreement,
    policies: PolicySet,
    marks: BTreeMap<PolicyId, Mark>,
    authorizer: Authorizer,
    entities: Entities,
    action: EntityUid,
}

impl core::fmt::Debug for Rules {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Rules({})", self.agreement.id())
    }
}

/// What the policies answered.
pub(crate) enum Outcome {
    Permitted,
    Forbidden(Mark),
    /// No `permit` applied, or a policy could not be evaluated: nobody said yes.
    Unanswered,
}

impl Rules {
    /// Compiles an agreement.
    ///
    /// # Errors
    /// A [`CompileError`]; a fault of this crate, not of the agreement.
    pub fn compile(agreement: &Agreement) -> Result<Self, CompileError> {
        let text = policies_of(agreement);
        let policies =
            PolicySet::from_str(&text).map_err(|error| CompileError::Policies(error.to_string()))?;
        let marks = marks(&policies)?;
        let action =
            EntityUid::from_str("Action::\"disclose\"").map_err(|e| CompileError::Policies(e.to_string()))?;
        let rules = Self {
            agreement: agreement.clone(),
            policies,
            marks,
            authorizer: Authorizer::new(),
            entities: Entities::empty(),
            action,
        };
        rules.validate()?;
        Ok(rules)
    }

    /// Strict validation: a policy that could err at run time is not part of a rule set.
    fn validate(&self) -> Result<(), CompileError> {
        let validator = VALIDATOR.as_ref().map_err(|error| CompileError::Schema(error.clone()))?;
        let result = validator.validate(&self.policies, ValidationMode::Strict);
        if result.validation_passed() {
            return Ok(());
        }
        let errors: Vec<String> = result.validation_errors().map(ToString::to_string).collect();
        Err(CompileError::Schema(errors.join("; ")))
    }

    /// Returns the agreement behind the rules.
    #[must_use]
    pub const fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// Returns the policies as text, for people and for symbolic analysis.
    #[must_use]
    pub fn policies(&self) -> &PolicySet {
        &self.policies
    }

    /// Returns the schema the policies are written for.
    #[must_use]
    pub const fn schema() -> &'static str {
        SCHEMA
    }

    /// Returns the safeguards as text.
    #[must_use]
    pub const fn safeguards() -> &'static str {
        SAFEGUARDS
    }

    pub(crate) fn evaluate(&self, facts: &Facts, sender: &PartyId, report: &str) -> Outcome {
        match self.forbidding(facts, sender, report).map(|marks| marks.into_iter().next()) {
            Some(None) => Outcome::Permitted,
            Some(Some(mark)) => Outcome::Forbidden(mark),
            None => Outcome::Unanswered,
        }
    }

    /// The marks of every policy that forbids, in the order of the steps; empty when it is permitted, nothing when
    /// nobody said yes or no.
    pub(crate) fn forbidding(&self, facts: &Facts, sender: &PartyId, report: &str) -> Option<Vec<Mark>> {
        let request = self.request(facts, sender, report)?;
        let response = self.authorizer.is_authorized(&request, &self.policies, &self.entities);
        if response.diagnostics().errors().next().is_some() {
            return None;
        }
        match response.decision() {
            Verdict::Allow => Some(Vec::new()),
            Verdict::Deny => {
                let mut marks: Vec<Mark> =
                    response.diagnostics().reason().filter_map(|id| self.marks.get(id)).cloned().collect();
                marks.sort_by(|a, b| (a.step, &a.id).cmp(&(b.step, &b.id)));
                (!marks.is_empty()).then_some(marks)
            }
        }
    }

    fn request(&self, facts: &Facts, sender: &PartyId, report: &str) -> Option<Request> {
        let principal = entity("Party", sender.as_str())?;
        let resource = entity("Report", report)?;
        let context = facts.context()?;
        Request::new(principal, self.action.clone(), resource, context, None).ok()
    }
}

fn entity(kind: &str, id: &str) -> Option<EntityUid> {
    let name = cedar_policy::EntityTypeName::from_str(kind).ok()?;
    Some(EntityUid::from_type_name_and_id(name, cedar_policy::EntityId::new(id)))
}

fn marks(policies: &PolicySet) -> Result<BTreeMap<PolicyId, Mark>, CompileError> {
    let mut marks = BTreeMap::new();
    for policy in policies.policies() {
        let Some(step) = policy.annotation("step") else { continue };
        let bad = |what: &str| {
            CompileError::Policies(format!("the annotation `{what}` of {} is malformed", policy.id()))
        };
        let id = policy.annotation("id").ok_or_else(|| bad("id"))?;
        let code = policy.annotation("code").ok_or_else(|| bad("code"))?;
        let ground = policy.annotation("ground").map(RefusalGround::from_code).transpose();
        let mark = Mark {
            id: id.to_owned(),
            step: step.parse().map_err(|_not_a_number| bad("step"))?,
            code: DenialCode::from_code(code).map_err(|_unknown| bad("code"))?,
            clause: policy.annotation("clause").map(ToOwned::to_owned),
            ground: ground.map_err(|_unknown| bad("ground"))?,
            words: policy.annotation("words").ok_or_else(|| bad("words"))?.to_owned(),
        };
        marks.insert(policy.id().clone(), mark);
    }
    Ok(marks)
}

/// The policies of an agreement and the safeguards. Every value written into them is one of our own codes or a
/// party's name: none can hold a quote.
#[expect(
    clippy::too_many_lines,
    reason = "one statement per limit of the agreement, in the order of the steps"
)]
fn policies_of(agreement: &Agreement) -> String {
    let mut out = String::with_capacity(8 * 1024);
    let parties = set(agreement.parties.iter().map(|party| party.id.as_str()));
    let _infallible = writeln!(
        out,
        "@id(\"a03-base\") @clause(\"scope\")\npermit (principal, action == Action::\"disclose\", resource) when {{ context.agreement == \"{}\" && {parties}.contains(context.sender) && {parties}.contains(context.recipient) }};",
        agreement.id()
    );
    let mut limit = |id: &str,
                     step: u8,
                     code: &str,
                     clause: &str,
                     ground: &str,
                     words: &str,
                     condition: String| {
        let ground = if ground.is_empty() { String::new() } else { format!(" @ground(\"{ground}\")") };
        let _infallible = writeln!(
            out,
            "@id(\"{id}\") @step(\"{step}\") @code(\"{code}\") @clause(\"{clause}\"){ground} @words(\"{words}\")\nforbid (principal, action == Action::\"disclose\", resource) unless {{ {condition} }};"
        );
    };
    limit(
        "a02-rules",
        2,
        "SIG",
        "id",
        "",
        "signature",
        format!("context.agreement == \"{}\"", agreement.id()),
    );
    limit(
        "a03-parties",
        3,
        "AGR",
        "party",
        "R03",
        "recipient",
        format!("{parties}.contains(context.sender) && {parties}.contains(context.recipient)"),
    );
    let areas = set(agreement.areas.iter().map(|code| code.code()));
    limit("a03-areas", 3, "AGR", "scope.areas", "R03", "area", format!("{areas}.contains(context.area)"));
    let purposes = set(agreement.purposes.iter().map(|code| code.code()));
    limit(
        "a03-purposes",
        3,
        "PUR",
        "scope.purposes",
        "R03",
        "purpose",
        format!("{purposes}.contains(context.purpose)"),
    );
    let classes = set(agreement.subject_classes.iter().map(|code| code.code()));
    limit(
        "a04-classes",
        4,
        "CAT",
        "scope.subject_classes",
        "R05",
        "class",
        format!("{classes}.containsAll(context.classes)"),
    );
    let minors = if agreement.minors_protective {
        "!context.minors || context.purpose == \"threat_to_life\" || context.purpose == \"locate_missing\" || context.purpose == \"identify_victim\""
    } else {
        "!context.minors"
    };
    limit("a04-minors", 4, "CAT", "scope.minors", "R05", "minors", minors.to_owned());
    if agreement.onward == Onward::Forbidden {
        limit("a09-onward", 9, "ORC", "onward", "R12", "originator", "!context.third_party".to_owned());
    }
    limit(
        "a10-level",
        10,
        "CLS",
        "scope.max_level",
        "R22",
        "level",
        format!("context.level <= {}", level_number(agreement.max_level)),
    );
    limit(
        "a12-attributes",
        12,
        "RET",
        "scope.attributes",
        "R05",
        "attributes",
        "context.minimised".to_owned(),
    );
    limit(
        "a13-reports",
        13,
        "BUD",
        "budgets.reports_per_day",
        "R19",
        "budget",
        "context.reports_left >= 1 || context.life_at_risk".to_owned(),
    );
    limit(
        "a13-bytes",
        13,
        "BUD",
        "budgets.bytes_per_day",
        "R19",
        "budget",
        "context.bytes_left >= context.bytes || context.life_at_risk".to_owned(),
    );
    out.push_str(SAFEGUARDS);
    out
}

/// Levels as numbers, from 0.
pub(crate) fn level_number(level: mithaq_model::Level) -> i64 {
    let place = mithaq_model::Level::ALL.iter().position(|one| *one == level).unwrap_or(usize::MAX);
    i64::try_from(place).unwrap_or(i64::MAX)
}

fn set<'a>(codes: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = codes.map(|code| format!("\"{code}\"")).collect();
    format!("[{}]", quoted.join(", "))
}
