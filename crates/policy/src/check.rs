//! Whether a private check may be asked, and whether it may be answered: the same function on both sides.
//!
//! Narrower than the release decision, because nothing is disclosed yet, and stricter in one thing: whom it may be
//! about is compiled in ([`CHECKABLE`], domain page §4.3 and §4.8). What the answer costs is the matter of the
//! budgets (`mithaq-check`); what follows a hit goes through [`crate::decide`] like any other release.

use mithaq_model::{AgreementId, DenialCode, PartyId, Purpose, SubjectClass, Timestamp};

use crate::agreement::PrivateCheck;
use crate::context::Work;
use crate::{Refusal, Rules, Side, Standing};

/// Classes a private check may be about. Victims, witnesses, contacts, informants and the uncategorised are none.
pub const CHECKABLE: &[SubjectClass] = &[
    SubjectClass::SuspectCommitted,
    SubjectClass::SuspectAboutTo,
    SubjectClass::Convicted,
    SubjectClass::Wanted,
    SubjectClass::Missing,
];

/// What is known about a check beside the agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckFacts {
    /// Which node decides.
    pub side: Side,
    /// Case and role: the asking side's matter.
    pub work: Work,
    /// The agreement number the other side applies.
    pub rule_set: AgreementId,
    /// A legal or oversight hold.
    pub hold: bool,
    /// Who asks.
    pub asking: PartyId,
    /// Who is asked.
    pub asked: PartyId,
    /// What for.
    pub purpose: Purpose,
    /// In what capacity the persons appear.
    pub class: SubjectClass,
    /// How many subjects.
    pub subjects: u32,
    /// Hash of the policy of tokens.
    pub token_policy: [u8; 32],
}

/// Proof that [`permit_check`] allowed exactly this check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckPermit {
    facts: CheckFacts,
    terms: PrivateCheck,
    agreement: AgreementId,
    decided_at: Timestamp,
}

impl CheckPermit {
    /// Returns what was decided on.
    #[must_use]
    pub const fn facts(&self) -> &CheckFacts {
        &self.facts
    }

    /// Returns what the agreement says about checks.
    #[must_use]
    pub const fn terms(&self) -> &PrivateCheck {
        &self.terms
    }

    /// Returns the agreement.
    #[must_use]
    pub const fn agreement(&self) -> AgreementId {
        self.agreement
    }

    /// Returns when it was decided.
    #[must_use]
    pub const fn decided_at(&self) -> Timestamp {
        self.decided_at
    }
}

/// Decides one check. The steps carry the numbers of the release decision.
///
/// # Errors
/// The first refusal.
pub fn permit_check(
    rules: &Rules,
    standing: &Standing,
    facts: &CheckFacts,
    now: Timestamp,
) -> Result<CheckPermit, Refusal> {
    let agreement = rules.agreement();
    let refuse = |step, code, rule: &str, words: &str| Err(Refusal::by_rule(step, code, rule, words));
    let parties = (&facts.asking, &facts.asked);
    permit_asking((rules, standing), (facts.side, facts.work), (facts.rule_set, facts.hold), parties, now)?;
    let Some(terms) = agreement.private_check.filter(|terms| terms.token_policy == Some(facts.token_policy))
    else {
        return refuse(3, DenialCode::Agreement, "k03-private-check", "private_check");
    };
    if facts.purpose == Purpose::StrategicNonpersonal || !agreement.purposes.contains(&facts.purpose) {
        return refuse(3, DenialCode::Purpose, "k03-purpose", "purpose");
    }
    if !CHECKABLE.contains(&facts.class) || !agreement.subject_classes.contains(&facts.class) {
        return refuse(4, DenialCode::Category, "k04-class", "check_class");
    }
    if facts.subjects == 0 || facts.subjects > terms.batch_cap {
        return refuse(13, DenialCode::Budget, "k13-batch", "check_batch");
    }
    Ok(CheckPermit { facts: facts.clone(), terms, agreement: agreement.id(), decided_at: now })
}

/// Decides whether a question may stay with the asked side, or stay longer. Both sides ask.
///
/// # Errors
/// The first refusal: of the check itself, or because the agreement provides for no standing checks, or not until then,
/// or the warrant ends before.
pub fn permit_standing(
    rules: &Rules,
    standing: &Standing,
    facts: &CheckFacts,
    (until, warrant_ends): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<CheckPermit, Refusal> {
    let permit = permit_check(rules, standing, facts, now)?;
    let no = |rule: &str| Refusal::by_rule(3, DenialCode::Agreement, rule, "check_standing");
    let days = permit.terms.standing.ok_or_else(|| no("k03-standing"))?;
    if until <= now || until > now.plus(days) || until > warrant_ends {
        return Err(no("k03-standing-life"));
    }
    Ok(permit)
}

/// Case, role, rules, hold and parties of a question of either kind.
fn permit_asking(
    (rules, standing): (&Rules, &Standing),
    (side, work): (Side, Work),
    (rule_set, hold): (AgreementId, bool),
    (asking, asked): (&PartyId, &PartyId),
    now: Timestamp,
) -> Result<(), Refusal> {
    let agreement = rules.agreement();
    let refuse = |step, code, rule: &str, words: &str| Err(Refusal::by_rule(step, code, rule, words));
    if side == Side::Sender && !work.role_may {
        return refuse(1, DenialCode::Role, "k01-role", "role");
    }
    if side == Side::Sender && !(work.case_open && work.case_assigned) {
        return refuse(1, DenialCode::Case, "k01-case", "case");
    }
    if rule_set != agreement.id() {
        return refuse(2, DenialCode::Signature, "k02-rules", "signature");
    }
    if hold {
        return refuse(3, DenialCode::Hold, "k03-hold", "hold");
    }
    let parties = agreement.party(asking).is_some() && agreement.party(asked).is_some();
    if !standing.is_in_force(now) || !parties || asking == asked {
        return refuse(3, DenialCode::Agreement, "k03-agreement", "agreement");
    }
    Ok(())
}

/// What is known of a question about planned actions beside the agreement. It is about no person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFacts {
    /// Which node decides.
    pub side: Side,
    /// Case and role: the asking side's matter.
    pub work: Work,
    /// The agreement number the other side applies.
    pub rule_set: AgreementId,
    /// Who asks.
    pub asking: PartyId,
    /// Who is asked.
    pub asked: PartyId,
    /// What for.
    pub purpose: Purpose,
}

/// Decides whether planned actions may be compared, and returns what the agreement says about the cost. Both sides ask.
///
/// # Errors
/// The first refusal.
pub fn permit_event(
    rules: &Rules,
    standing: &Standing,
    facts: &EventFacts,
    now: Timestamp,
) -> Result<PrivateCheck, Refusal> {
    let agreement = rules.agreement();
    let parties = (&facts.asking, &facts.asked);
    permit_asking((rules, standing), (facts.side, facts.work), (facts.rule_set, false), parties, now)?;
    let no = |code, rule: &str, words: &str| Refusal::by_rule(3, code, rule, words);
    let terms = agreement.private_check.filter(|terms| terms.events);
    let terms = terms.ok_or_else(|| no(DenialCode::Agreement, "k03-events", "check_events"))?;
    if facts.purpose == Purpose::StrategicNonpersonal || !agreement.purposes.contains(&facts.purpose) {
        return Err(no(DenialCode::Purpose, "k03-purpose", "purpose"));
    }
    Ok(terms)
}
