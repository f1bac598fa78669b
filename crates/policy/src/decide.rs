//! The release decision (domain page, §2.13): seventeen steps, first failure wins, on the sender and on the
//! receiver. This module alone makes a [`Permit`], and only from a rule set that said yes.

use mithaq_model::{
    AgreementId, Attribute, Days, DenialCode, Millis, ObjectId, PartyId, Purpose, RefusalGround, Report,
    ReportId, ReportVersion, Timestamp, Words4,
};

use crate::context::{Context, Side};
use crate::facts::{Facts, Sources, retention_cap};
use crate::life::Standing;
use crate::rules::{Mark, Outcome, Rules};
use crate::words;

/// One disclosure to be decided: this report, to this recipient, seen from this side.
#[derive(Debug, Clone, Copy)]
pub struct Disclosure<'a> {
    /// The report.
    pub report: &'a Report,
    /// To whom. One decision per recipient.
    pub recipient: &'a PartyId,
    /// Which node decides.
    pub side: Side,
    /// Everything beside the report.
    pub context: &'a Context,
    /// Where the agreement stands.
    pub standing: &'a Standing,
}

/// The answer. Not an error: a refusal is a result, logged and explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes, exactly this.
    Permit(Permit),
    /// No, and why.
    Refuse(Refusal),
}

/// Proof that [`decide`] allowed exactly this disclosure. Only this module can build one; what is sealed needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    report: ReportId,
    version: ReportVersion,
    originator: PartyId,
    recipient: PartyId,
    agreement: AgreementId,
    purpose: Purpose,
    clause: String,
    decided_at: Timestamp,
    retain_until: Timestamp,
    lease: Days,
    feedback_by: Timestamp,
    attributes: Vec<Attribute>,
    /// Roots of the attachments it was decided with, in their order.
    attachments: Vec<[u8; 32]>,
}

impl Permit {
    /// Returns the report.
    #[must_use]
    pub const fn report(&self) -> ReportId {
        self.report
    }

    /// Returns its version.
    #[must_use]
    pub const fn version(&self) -> ReportVersion {
        self.version
    }

    /// Returns the party in control.
    #[must_use]
    pub const fn originator(&self) -> &PartyId {
        &self.originator
    }

    /// Returns the recipient.
    #[must_use]
    pub const fn recipient(&self) -> &PartyId {
        &self.recipient
    }

    /// Returns the agreement.
    #[must_use]
    pub const fn agreement(&self) -> AgreementId {
        self.agreement
    }

    /// Returns the purpose.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Returns the clause that permits.
    #[must_use]
    pub fn clause(&self) -> &str {
        &self.clause
    }

    /// Returns when it was decided.
    #[must_use]
    pub const fn decided_at(&self) -> Timestamp {
        self.decided_at
    }

    /// Returns how long the receiver may keep it at most: the strictest cap of the agreement.
    #[must_use]
    pub const fn retain_until(&self) -> Timestamp {
        self.retain_until
    }

    /// Returns the lease: unreadable after it without sight of the originator's control lane.
    #[must_use]
    pub const fn lease(&self) -> Days {
        self.lease
    }

    /// Returns when feedback is due (step 17).
    #[must_use]
    pub const fn feedback_by(&self) -> Timestamp {
        self.feedback_by
    }

    /// Returns whether a claim of this attribute may be part of it; the others are left out before sealing
    /// (step 12, minimisation).
    #[must_use]
    pub fn covers(&self, attribute: Attribute) -> bool {
        self.attributes.contains(&attribute)
    }

    /// Returns whether the permit is for exactly this report to this recipient.
    #[must_use]
    pub fn is_for(&self, report: &Report, recipient: &PartyId) -> bool {
        self.report == report.id
            && self.version == report.version
            && self.originator == report.originator
            && self.agreement == report.agreement
            && self.purpose == report.purpose
            && self.recipient == *recipient
            && report.recipients.contains(recipient)
            && report.attachments.iter().map(|one| one.root).eq(self.attachments.iter().copied())
            && report.subjects.iter().flat_map(|s| s.claims()).all(|claim| self.covers(claim.attribute))
    }
}

/// Why not: step, guard, clause, ground, and words that are safe to show to anyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    step: u8,
    code: DenialCode,
    rule: String,
    clause: Option<String>,
    ground: Option<RefusalGround>,
    words: Words4,
}

impl Refusal {
    /// A refusal by a rule of this crate, which no agreement wrote.
    pub(crate) fn by_rule(step: u8, code: DenialCode, rule: &str, words: &str) -> Self {
        Self { step, code, rule: rule.to_owned(), clause: None, ground: None, words: words::of(words) }
    }

    /// Returns the step of the release decision that failed first, 1 to 17.
    #[must_use]
    pub const fn step(&self) -> u8 {
        self.step
    }

    /// Returns the guard: the code of the ledger entry and of the receipt.
    #[must_use]
    pub const fn code(&self) -> DenialCode {
        self.code
    }

    /// Returns the id of the rule.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// Returns the clause of the agreement; none for a safeguard, which no agreement wrote.
    #[must_use]
    pub fn clause(&self) -> Option<&str> {
        self.clause.as_deref()
    }

    /// Returns the ground of the closed list that a partner may be told.
    #[must_use]
    pub const fn ground(&self) -> Option<RefusalGround> {
        self.ground
    }

    /// Returns the reason in four languages.
    #[must_use]
    pub const fn words(&self) -> &Words4 {
        &self.words
    }
}

/// Decides one disclosure.
#[must_use]
pub fn decide(rules: &Rules, disclosure: &Disclosure<'_>, now: Timestamp) -> Decision {
    let facts = Facts::gather(&sources(rules, disclosure, now));
    let report = disclosure.report;
    match rules.evaluate(&facts, &report.originator, &report.id.to_string()) {
        Outcome::Permitted => Decision::Permit(permit(rules, disclosure, now)),
        Outcome::Forbidden(mark) => Decision::Refuse(Refusal::from(mark)),
        Outcome::Unanswered => Decision::Refuse(Refusal::unanswered()),
    }
}

/// What the facts of a disclosure are gathered from.
pub(crate) fn sources<'a>(rules: &'a Rules, disclosure: &Disclosure<'a>, now: Timestamp) -> Sources<'a> {
    Sources {
        agreement: rules.agreement(),
        standing: disclosure.standing,
        report: disclosure.report,
        recipient: disclosure.recipient,
        side: disclosure.side,
        context: disclosure.context,
        now,
    }
}

impl From<Mark> for Refusal {
    fn from(mark: Mark) -> Self {
        Self {
            step: mark.step,
            code: mark.code,
            rule: mark.id,
            clause: mark.clause,
            ground: mark.ground,
            words: words::of(&mark.words),
        }
    }
}

impl Refusal {
    /// Nobody said no and nobody said yes: that is no.
    pub(crate) fn unanswered() -> Self {
        Self {
            step: 3,
            code: DenialCode::Agreement,
            rule: "unanswered".to_owned(),
            clause: None,
            ground: Some(RefusalGround::NoAgreementCover),
            words: words::of("agreement"),
        }
    }
}

fn permit(rules: &Rules, disclosure: &Disclosure<'_>, now: Timestamp) -> Permit {
    let (agreement, report) = (rules.agreement(), disclosure.report);
    let cap = now.plus(retention_cap(report, agreement));
    Permit {
        report: report.id,
        version: report.version,
        originator: report.originator.clone(),
        recipient: disclosure.recipient.clone(),
        agreement: agreement.id(),
        purpose: report.purpose,
        clause: "scope".to_owned(),
        decided_at: now,
        retain_until: report.expires.min(cap),
        lease: agreement.lease,
        feedback_by: now.plus(Millis::from(Days(30))),
        attributes: agreement.attributes.clone(),
        attachments: report.attachments.iter().map(|one| one.root).collect(),
    }
}

/// Decides whether a step in the conversation about a request may be said, on either side: the agreement is in force,
/// both are parties, and its words speak of no special category of a person (limit L1).
///
/// # Errors
/// The refusal.
pub fn permit_step(
    rules: &Rules,
    standing: &Standing,
    (step, words): (ObjectId, Option<&mithaq_model::Text>),
    (sender, recipient): (&PartyId, &PartyId),
    now: Timestamp,
) -> Result<OrderPermit, Refusal> {
    let permit = permit_order(rules, standing, (OrderKind::Step, step), (sender, sender, recipient), now)?;
    let screened = words.is_none_or(|words| crate::screen::text(words.reveal()).is_empty());
    if screened {
        return Ok(permit);
    }
    Err(Refusal {
        step: 5,
        code: DenialCode::SpecialCategory,
        rule: "o05-special".to_owned(),
        clause: None,
        ground: Some(RefusalGround::CategoryNotAllowed),
        words: words::of("text_category"),
    })
}

/// What an originator may order about an object it controls, or a party say about an agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    /// Delete by law.
    Delete,
    /// A new last day of use.
    Expiry,
    /// Receipts of reading and erasing.
    LaterReceipts,
    /// The agreement is suspended, resumed or ended.
    Notice,
    /// Ask for consent to pass something on, or give it: only while the agreement is in force.
    Consent,
    /// What is owed about something passed on: a refusal, a taking back, what became of a copy, an order carried on.
    Onward,
    /// Take back.
    Recall,
    /// A step in the conversation about a request.
    Step,
}

/// Proof that an order, notice or later receipt may go out. Duties survive an agreement: these flow where
/// reports no longer do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPermit {
    kind: OrderKind,
    object: ObjectId,
    sender: PartyId,
    recipient: PartyId,
    agreement: AgreementId,
}

impl OrderPermit {
    /// Returns what it is for.
    #[must_use]
    pub const fn kind(&self) -> OrderKind {
        self.kind
    }

    /// Returns the object it is about; for notices and receipts a number of its own.
    #[must_use]
    pub const fn object(&self) -> ObjectId {
        self.object
    }

    /// Returns who says it.
    #[must_use]
    pub const fn sender(&self) -> &PartyId {
        &self.sender
    }

    /// Returns to whom.
    #[must_use]
    pub const fn recipient(&self) -> &PartyId {
        &self.recipient
    }

    /// Returns under which agreement.
    #[must_use]
    pub const fn agreement(&self) -> AgreementId {
        self.agreement
    }
}

/// Decides whether an order, notice or later receipt may go out: both are parties, duties are still alive, and
/// orders are given by the originator alone.
///
/// # Errors
/// The refusal.
pub fn permit_order(
    rules: &Rules,
    standing: &Standing,
    (kind, object): (OrderKind, ObjectId),
    (sender, originator, recipient): (&PartyId, &PartyId, &PartyId),
    now: Timestamp,
) -> Result<OrderPermit, Refusal> {
    let agreement = rules.agreement();
    let refuse = |step, code, rule: &str, words: &str| Refusal {
        step,
        code,
        rule: rule.to_owned(),
        clause: None,
        ground: None,
        words: words::of(words),
    };
    // Duties survive an agreement; a conversation about a request or a consent is no duty and stops with it.
    let flows = !matches!(kind, OrderKind::Step | OrderKind::Consent) || standing.is_in_force(now);
    if !flows || !standing.duties_alive(now) {
        return Err(refuse(3, DenialCode::Agreement, "o03-duties", "agreement"));
    }
    let parties = agreement.party(sender).is_some() && agreement.party(recipient).is_some();
    if !parties || sender == recipient {
        return Err(refuse(3, DenialCode::Agreement, "o03-parties", "recipient"));
    }
    let by_originator = match kind {
        OrderKind::Delete | OrderKind::Expiry | OrderKind::Recall => sender == originator,
        OrderKind::Consent
        | OrderKind::LaterReceipts
        | OrderKind::Notice
        | OrderKind::Onward
        | OrderKind::Step => true,
    };
    if !by_originator {
        return Err(refuse(9, DenialCode::Originator, "o09-originator", "originator"));
    }
    Ok(OrderPermit {
        kind,
        object,
        sender: sender.clone(),
        recipient: recipient.clone(),
        agreement: agreement.id(),
    })
}
