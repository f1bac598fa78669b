//! From report and context to what the policies are asked. Gathers, counts and compares; decides nothing: each
//! field is a plain answer about the report, in the direction that refuses when it is not known.

use std::collections::BTreeSet;

use cedar_policy::{Context as CedarContext, RestrictedExpression as Expr};
use mithaq_model::{
    Assurance, Attribute, Days, Grade, PartyId, ProtectedRole, Report, ReportKind, RiskDimension, RiskLevel,
    Subject, SubjectKind, Timestamp,
};

use crate::agreement::Agreement;
use crate::context::{Context, Side};
use crate::life::Standing;
use crate::rules::level_number;

/// Answers to what the schema asks, by the names of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    flags: Vec<(&'static str, bool)>,
    numbers: Vec<(&'static str, i64)>,
    words: Vec<(&'static str, String)>,
    sets: Vec<(&'static str, BTreeSet<String>)>,
}

/// What the facts are gathered from.
pub(crate) struct Sources<'a> {
    pub(crate) agreement: &'a Agreement,
    pub(crate) standing: &'a Standing,
    pub(crate) report: &'a Report,
    pub(crate) recipient: &'a PartyId,
    pub(crate) side: Side,
    pub(crate) context: &'a Context,
    pub(crate) now: Timestamp,
}

impl Facts {
    pub(crate) fn gather(from: &Sources<'_>) -> Self {
        let mut facts = Self {
            flags: Vec::with_capacity(26),
            numbers: Vec::with_capacity(18),
            words: Vec::new(),
            sets: Vec::new(),
        };
        facts.procedure(from);
        facts.persons(from);
        facts.content(from);
        facts.transfer(from);
        facts
    }

    pub(crate) fn context(&self) -> Option<CedarContext> {
        let flags = self.flags.iter().map(|(name, value)| ((*name).to_owned(), Expr::new_bool(*value)));
        let numbers = self.numbers.iter().map(|(name, value)| ((*name).to_owned(), Expr::new_long(*value)));
        let words =
            self.words.iter().map(|(name, value)| ((*name).to_owned(), Expr::new_string(value.clone())));
        let sets = self.sets.iter().map(|(name, values)| {
            ((*name).to_owned(), Expr::new_set(values.iter().map(|value| Expr::new_string(value.clone()))))
        });
        CedarContext::from_pairs(flags.chain(numbers).chain(words).chain(sets)).ok()
    }

    /// Steps 1 to 3, 13 and 14.
    fn procedure(&mut self, from: &Sources<'_>) {
        let (context, report) = (from.context, from.report);
        // Case and role are the sender's matter; the receiver's node acts by itself.
        let own = from.side == Side::Receiver;
        self.flags.extend([
            ("role_may", own || context.work.role_may),
            ("case_open", own || context.work.case_open),
            ("case_assigned", own || context.work.case_assigned),
            ("signatures_good", context.signatures_good && context.rule_set == Some(from.agreement.id())),
            ("life_at_risk", context.life_at_risk && claims_life(report)),
            ("in_force", from.standing.is_in_force(from.now)),
            ("hold", context.hold),
            ("request_complete", request_complete(report)),
            ("reply_bound", report.answers().is_none() || context.reply_bound),
        ]);
        self.words.extend([
            ("agreement", report.agreement.to_string()),
            ("sender", report.originator.to_string()),
            ("recipient", from.recipient.to_string()),
            ("area", report.area.code().to_owned()),
            ("purpose", report.purpose.code().to_owned()),
        ]);
        self.sets.push(("recipients", report.recipients.iter().map(ToString::to_string).collect()));
        let persons: BTreeSet<_> = context.approvals.iter().map(|(officer, _)| *officer).collect();
        let roles: BTreeSet<_> = context.approvals.iter().map(|(_, role)| *role).collect();
        self.numbers.extend([
            ("reports_left", small(context.reports_left)),
            ("bytes_left", small(context.bytes_left)),
            ("bytes", small(context.bytes)),
            ("approvals", count(persons.len())),
            ("approval_roles", count(roles.len())),
        ]);
    }

    /// Steps 4 and 6.
    fn persons(&mut self, from: &Sources<'_>) {
        let report = from.report;
        let persons = || report.subjects.iter().filter(|subject| subject.kind() == SubjectKind::Person);
        let classes = persons().filter_map(Subject::class).map(|class| class.code().to_owned()).collect();
        let nonpersonal = matches!(report.kind, ReportKind::ModusOperandi | ReportKind::Statistical)
            || report.purpose == mithaq_model::Purpose::StrategicNonpersonal;
        let recipient_state = from.agreement.party(from.recipient).map(|party| party.state.as_str());
        self.sets.push(("classes", classes));
        self.numbers.push(("persons", count(persons().count())));
        self.flags.extend([
            ("nonpersonal", nonpersonal),
            ("minors", persons().any(is_child)),
            ("name_only", persons().any(name_only)),
            ("protected_uncleared", persons().any(|subject| !cleared(subject, from.context))),
            ("asylum_to_own_state", persons().any(|subject| asylum_exposed(subject, recipient_state))),
        ]);
    }

    /// Steps 5, 7 to 10 and 12.
    fn content(&mut self, from: &Sources<'_>) {
        let (context, report) = (from.context, from.report);
        let weakest = report.facts.iter().map(|fact| fact.grade).chain(report.grade);
        self.flags.extend([
            ("special_category", !context.special_categories.is_empty()),
            ("excluded_predicate", context.excluded.is_some()),
            ("offence_named", offence_named(report.offence.reveal())),
            ("graded", report.grade.is_some()),
            ("machine_made", report.machine_made),
            (
                "unevaluated",
                report
                    .grade
                    .is_none_or(|grade| grade.as_four_by_four() == Grade::UNEVALUATED.as_four_by_four()),
            ),
            ("weak_grade", weakest.clone().count() == 0 || weakest.clone().any(Grade::is_weak)),
            ("obtained_in_violation", report.obtained_in_violation),
            ("minimised", from.side == Side::Sender || minimised(report, from.agreement)),
            ("third_party", third_parties(report).next().is_some()),
            ("originator_consents", third_parties(report).all(|party| consents(report, from, party))),
        ]);
        let own_level = from.agreement.party(from.recipient).map(|party| level_number(party.max_level));
        self.numbers.extend([
            ("level", level_number(report.level)),
            ("recipient_level", own_level.unwrap_or(-1).min(level_number(context.recipient_level))),
            ("channel_level", level_number(context.channel_level)),
            ("retention_days", retention(report, from.agreement, from.now)),
        ]);
    }

    /// Step 11.
    fn transfer(&mut self, from: &Sources<'_>) {
        let context = from.context;
        let personal = from.report.subjects.iter().any(|subject| subject.kind() == SubjectKind::Person);
        let current = context.partner_risk.as_ref().is_some_and(|risk| {
            let age = from.now.since(risk.made_on);
            risk.made_on <= from.now
                && from.now < risk.valid_to
                && age <= from.agreement.assessment_max.into()
        });
        // The receiver does not assess itself: where its transfer leads is the sender's question.
        let asked = from.side == Side::Sender && personal;
        let level = |dimension| if asked { risk(context, dimension) } else { 0 };
        self.numbers.extend([
            ("risk_torture", level(RiskDimension::TortureCidt)),
            ("risk_disappearance", level(RiskDimension::EnforcedDisappearance)),
            ("risk_death", level(RiskDimension::DeathPenalty)),
            ("risk_refoulement", level(RiskDimension::Refoulement)),
            ("risk_trial", level(RiskDimension::UnfairTrial)),
            ("risk_political", level(RiskDimension::PoliticalMisuse)),
        ]);
        self.flags.extend([
            ("assessment_current", from.side == Side::Receiver || current),
            ("capital_offence", asked && context.capital_offence),
            ("assured_no_death_penalty", context.assurances.contains(&Assurance::WrittenNoDeathPenalty)),
        ]);
    }
}

/// A request that can be judged: kind and content agree, it is lawful at home, urgent only with a reason, to one party
/// (whose clock it starts), and every person in it is linked to its purpose (Directive (EU) 2023/977, Art. 4; limit L11).
fn request_complete(report: &Report) -> bool {
    let Some(ask) = report.asks() else { return report.is_tied_right() };
    let persons = report.subjects.iter().filter(|subject| subject.kind() == SubjectKind::Person);
    let linked = |subject: &Subject| ask.connections.iter().any(|one| one.subject == subject.id());
    report.is_tied_right()
        && ask.lawful_at_home
        && !ask.sought.is_empty()
        && report.recipients.len() == 1
        && (!report.urgency.is_urgent() || ask.urgency_reason.is_some())
        && persons.into_iter().all(linked)
}

/// The higher of what the partner brings and what this person or use adds.
fn risk(context: &Context, dimension: RiskDimension) -> i64 {
    let partner = context.partner_risk.as_ref().map_or(RiskLevel::High, |risk| risk.level(dimension));
    let further = context.further_risks.iter().filter(|(one, _)| *one == dimension).map(|(_, level)| *level);
    let level = further.fold(partner, RiskLevel::max);
    count(RiskLevel::ALL.iter().position(|one| *one == level).unwrap_or(RiskLevel::ALL.len()))
}

/// A name alone never identifies (limit L19): a second identifier must be there.
fn name_only(subject: &Subject) -> bool {
    let second = |attribute| {
        matches!(
            attribute,
            Attribute::Born
                | Attribute::Document
                | Attribute::Place
                | Attribute::Contact
                | Attribute::Listing
        )
    };
    !subject.claims().iter().any(|claim| second(claim.attribute))
}

/// The report itself says that a life is at risk: an opening lifts nothing for any other.
fn claims_life(report: &Report) -> bool {
    report.purpose == mithaq_model::Purpose::ThreatToLife
        && report.urgency == mithaq_model::Urgency::ThreatToLife
}

/// Under eighteen, or protected as a child: either word is enough.
fn is_child(subject: &Subject) -> bool {
    subject.is_minor() || subject.protected_roles().contains(&ProtectedRole::Child)
}

/// Every protected role of the subject was cleared by two different persons. A child is a matter of step 4.
fn cleared(subject: &Subject, context: &Context) -> bool {
    let clearance = |role: ProtectedRole| {
        context
            .clearances
            .iter()
            .any(|one| one.subject == subject.id() && one.role == role && one.adviser != one.senior)
    };
    subject.protected_roles().iter().all(|role| *role == ProtectedRole::Child || clearance(*role))
}

/// Somebody who seeks asylum is never disclosed to the state they may have fled: one of their nationalities, or
/// any state where none is known (limit L9).
fn asylum_exposed(subject: &Subject, state: Option<&str>) -> bool {
    if !subject.protected_roles().contains(&ProtectedRole::AsylumSeekerRefugee) {
        return false;
    }
    let mut nationalities =
        subject.claims().iter().filter(|claim| claim.attribute == Attribute::Nationality).peekable();
    if nationalities.peek().is_none() {
        return true;
    }
    nationalities.any(|claim| match &claim.value {
        mithaq_model::Value::Text(text) => {
            let text = text.reveal();
            // Two letters are compared; a written name cannot be, and then may be that state.
            text.len() != 2 || state.is_none_or(|state| text.eq_ignore_ascii_case(state))
        }
        mithaq_model::Value::Name { .. }
        | mithaq_model::Value::Date(_)
        | mithaq_model::Value::Document(_)
        | mithaq_model::Value::Position(_)
        | mithaq_model::Value::Sex(_)
        | mithaq_model::Value::Status(_)
        | mithaq_model::Value::Class { .. } => true,
    })
}

/// An offence names its statute: words and a number. A bare label does not.
fn offence_named(text: &str) -> bool {
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count();
    words >= 2 && text.chars().any(char::is_numeric)
}

/// Every claim is of an attribute the agreement names. The sender leaves the others out before sealing, with the
/// permit in hand; what arrives with them was not minimised.
fn minimised(report: &Report, agreement: &Agreement) -> bool {
    let mut claims = report.subjects.iter().flat_map(Subject::claims);
    claims.all(|claim| agreement.attributes.contains(&claim.attribute))
}

/// Originators of parts that are not the sender's own.
fn third_parties(report: &Report) -> impl Iterator<Item = &PartyId> {
    let claims = report.subjects.iter().flat_map(Subject::claims).map(|claim| &claim.originator);
    let links = report.links.iter().map(|link| &link.originator);
    let all = claims.chain(links).chain(core::iter::once(&report.provenance.originator));
    all.filter(|party| **party != report.originator)
}

/// The originator consented, or its own handling names the recipient. An empty list names nobody.
fn consents(report: &Report, from: &Sources<'_>, originator: &PartyId) -> bool {
    let by_handling = report
        .subjects
        .iter()
        .flat_map(Subject::claims)
        .filter(|claim| claim.originator == *originator)
        .map(|claim| &claim.handling)
        .chain(report.links.iter().filter(|link| link.originator == *originator).map(|link| &link.handling))
        .collect::<Vec<_>>();
    let named = !by_handling.is_empty() && by_handling.iter().all(|h| h.onward().contains(from.recipient));
    let root = report.provenance.originator != *originator || from.context.consents.contains(originator);
    from.context.consents.contains(originator) || (named && root)
}

/// Whole days until the report ends, at most what the agreement allows for its strictest class; 0 when it ends
/// now, has no end worth the name, or ends later than allowed.
fn retention(report: &Report, agreement: &Agreement, now: Timestamp) -> i64 {
    let days = report.expires.since(now).0.div_ceil(86_400_000);
    let caps = report.subjects.iter().map(|subject| agreement.retention(subject.class()));
    let cap = caps.min().unwrap_or(agreement.retention_default);
    if report.expires > now && days <= u64::from(cap.0) { small(days) } else { 0 }
}

/// The strictest cap of the report's classes.
pub(crate) fn retention_cap(report: &Report, agreement: &Agreement) -> Days {
    let caps = report.subjects.iter().map(|subject| agreement.retention(subject.class()));
    caps.min().unwrap_or(agreement.retention_default)
}

fn small(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
