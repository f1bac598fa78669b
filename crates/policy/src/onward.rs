//! Passing on what another party originated. Two decisions: the originator's, whether it consents
//! ([`permit_consent`]); and, at both ends of the hop, whether what was consented to may go under the agreement
//! between forwarder and recipient ([`decide_onward`]): the release decision itself, asked about the report as if
//! the forwarder sent it, with the originator as a third party.
//!
//! Source of the rule: originator control of the handling codes (Europol H2, "not to be disseminated without
//! permission of the provider"); third-party rule of Directive (EU) 2016/680, Art. 35(1)(c) and (e).

use mithaq_model::{
    DenialCode, OfficerId, PartyId, Purpose, Report, ReportId, ReportVersion, RiskDimension, RiskLevel, Role,
    SubjectKind, Timestamp, Tlp,
};

use crate::agreement::Onward;
use crate::context::{Context, RiskAssessment, Side};
use crate::decide::{Decision, Disclosure, Permit, Refusal, decide};
use crate::life::Standing;
use crate::rules::Rules;

/// What an originator consented to: this version, from this party to that one, for this purpose, until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Who consents.
    pub originator: PartyId,
    /// The report.
    pub report: ReportId,
    /// Its version, and no other.
    pub version: ReportVersion,
    /// Who may pass it on.
    pub by: PartyId,
    /// To whom.
    pub to: PartyId,
    /// For what.
    pub purpose: Purpose,
    /// It opens nothing after this.
    pub use_by: Timestamp,
    /// The recipient's last day of use.
    pub keep_until: Timestamp,
}

/// What is wrong with a consent, or that there is none. The codes go into receipts and to the originator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConsentFault {
    /// There is none.
    Missing,
    /// Not signed by the originator, or not readable.
    Forged,
    /// For another object, version or content.
    Version,
    /// For another party to pass on.
    Forwarder,
    /// For another recipient.
    Recipient,
    /// For another purpose.
    Purpose,
    /// Its day is over.
    Expired,
    /// It was used before.
    Used,
    /// The originator took it back.
    Revoked,
}

impl ConsentFault {
    /// Every fault.
    pub const ALL: &'static [Self] = &[
        Self::Missing,
        Self::Forged,
        Self::Version,
        Self::Forwarder,
        Self::Recipient,
        Self::Purpose,
        Self::Expired,
        Self::Used,
        Self::Revoked,
    ];

    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "onward.missing",
            Self::Forged => "onward.forged",
            Self::Version => "onward.version",
            Self::Forwarder => "onward.forwarder",
            Self::Recipient => "onward.recipient",
            Self::Purpose => "onward.purpose",
            Self::Expired => "onward.expired",
            Self::Used => "onward.used",
            Self::Revoked => "onward.revoked",
        }
    }
}

/// One hop to be decided, seen from one side.
#[derive(Debug, Clone, Copy)]
pub struct HopDisclosure<'a> {
    /// The report as its originator sealed it.
    pub report: &'a Report,
    /// Who passes it on.
    pub forwarder: &'a PartyId,
    /// To whom.
    pub recipient: &'a PartyId,
    /// The consent, verified; or what is wrong with it.
    pub consent: Result<&'a Consent, ConsentFault>,
    /// Which node decides.
    pub side: Side,
    /// Everything beside the report. Its own consents do not count: this hop has one.
    pub context: &'a Context,
    /// Where the agreement between forwarder and recipient stands.
    pub standing: &'a Standing,
}

/// Why a hop is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HopRefusal {
    /// By the originator: there is no consent, or not for this.
    Consent(ConsentFault),
    /// By the rules of the agreement under which it would go.
    Rules(Refusal),
}

/// Proof that [`decide_onward`] allowed exactly this hop. What is sealed as one needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopPermit {
    permit: Permit,
    consent: Consent,
    forwarder: PartyId,
}

impl HopPermit {
    /// Returns the permit of the release decision, as if the forwarder were the originator.
    #[must_use]
    pub const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Returns the consent it stands on.
    #[must_use]
    pub const fn consent(&self) -> &Consent {
        &self.consent
    }

    /// Returns who passes it on.
    #[must_use]
    pub const fn forwarder(&self) -> &PartyId {
        &self.forwarder
    }
}

impl Consent {
    /// Whether a question is about a correction of what this consent let go, by the same way, for no longer.
    fn covers(&self, asked: &ConsentQuestion<'_>) -> bool {
        let same = self.originator == asked.report.originator
            && self.report == asked.report.id
            && self.by == *asked.by
            && self.to == *asked.to
            && self.purpose == asked.purpose;
        same && self.version < asked.report.version && asked.keep_until <= self.keep_until
    }

    fn check(&self, hop: &HopDisclosure<'_>, now: Timestamp) -> Result<(), ConsentFault> {
        let report = hop.report;
        if self.originator != report.originator {
            return Err(ConsentFault::Forged);
        }
        if self.report != report.id || self.version != report.version {
            return Err(ConsentFault::Version);
        }
        if self.by != *hop.forwarder {
            return Err(ConsentFault::Forwarder);
        }
        if self.to != *hop.recipient {
            return Err(ConsentFault::Recipient);
        }
        if self.purpose != report.purpose {
            return Err(ConsentFault::Purpose);
        }
        if self.use_by <= now || self.keep_until <= now {
            return Err(ConsentFault::Expired);
        }
        Ok(())
    }
}

/// Decides one hop: first the originator's consent, then the release decision under the agreement between forwarder
/// and recipient.
///
/// # Errors
/// The refusal.
pub fn decide_onward(
    rules: &Rules,
    hop: &HopDisclosure<'_>,
    now: Timestamp,
) -> Result<HopPermit, HopRefusal> {
    let consent = hop.consent.map_err(HopRefusal::Consent)?;
    consent.check(hop, now).map_err(HopRefusal::Consent)?;
    if hop.report.asks().is_some() {
        // A question has a clock and two ends: it is asked anew, not passed on.
        let refusal = Refusal::by_rule(9, DenialCode::Originator, "o09-request", "originator");
        return Err(HopRefusal::Rules(refusal));
    }
    if for_named_only(hop.report) {
        let refusal = Refusal::by_rule(9, DenialCode::Originator, "o09-named", "originator");
        return Err(HopRefusal::Rules(refusal));
    }
    let seen = as_sent(rules, hop, consent);
    let context = Context { consents: vec![consent.originator.clone()], ..hop.context.clone() };
    let disclosure = Disclosure {
        report: &seen,
        recipient: hop.recipient,
        side: hop.side,
        context: &context,
        standing: hop.standing,
    };
    let permit = match decide(rules, &disclosure, now) {
        Decision::Permit(permit) => permit,
        Decision::Refuse(refusal) => return Err(HopRefusal::Rules(refusal)),
    };
    // The seal is not ours to open: nothing can be left out of it.
    let mut claims = seen.subjects.iter().flat_map(mithaq_model::Subject::claims);
    if !claims.all(|claim| permit.covers(claim.attribute)) {
        let refusal = Refusal::by_rule(12, DenialCode::Retention, "o12-whole", "attributes");
        return Err(HopRefusal::Rules(refusal));
    }
    let (consent, forwarder) = (consent.clone(), hop.forwarder.clone());
    Ok(HopPermit { permit, consent, forwarder })
}

/// Whether a report is for those whom its originator named and for nobody after them, whoever consents: TLP:RED.
#[must_use]
pub fn for_named_only(report: &Report) -> bool {
    report.handling.tlp() == Tlp::Red
}

/// The report as if the forwarder had written it for this recipient. Claims, links and provenance keep their
/// originators: to the decision they are a third party's.
fn as_sent(rules: &Rules, hop: &HopDisclosure<'_>, consent: &Consent) -> Report {
    Report {
        agreement: rules.agreement().id(),
        originator: hop.forwarder.clone(),
        recipients: vec![hop.recipient.clone()],
        expires: hop.report.expires.min(consent.keep_until),
        tie: None,
        ..hop.report.clone()
    }
}

/// A consent to be decided by the originator.
#[derive(Debug, Clone, Copy)]
pub struct ConsentQuestion<'a> {
    /// The report of this party.
    pub report: &'a Report,
    /// Who asks to pass it on.
    pub by: &'a PartyId,
    /// To whom.
    pub to: &'a PartyId,
    /// For what.
    pub purpose: Purpose,
    /// The token opens nothing after this.
    pub use_by: Timestamp,
    /// The recipient's last day of use.
    pub keep_until: Timestamp,
    /// Where the transfer leads: this party's own assessment of the further recipient.
    pub risk: Option<&'a RiskAssessment>,
    /// Who grants it, in which role.
    pub approvals: &'a [(OfficerId, Role)],
    /// The consent to an earlier version that was used: what corrects that version goes the same way and no further.
    /// A recipient that was told something is told that it was wrong (Directive (EU) 2016/680, Art. 16(5)).
    pub follows: Option<&'a Consent>,
}

/// Proof that [`permit_consent`] allowed exactly this consent. A token is signed with it only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentPermit {
    consent: Consent,
}

impl ConsentPermit {
    /// Returns what may be consented to.
    #[must_use]
    pub const fn consent(&self) -> &Consent {
        &self.consent
    }
}

/// Decides whether an originator may consent: the agreement with the forwarder is in force and does not forbid it,
/// nothing in the report is a third party's, it is not TLP:RED, the recipient is assessed and no risk stands against it, it ends no later
/// than the report, and two persons in two roles say so. A recipient that the agreement lists needs no persons, nor does
/// the correction of a version that two persons let go the same way.
///
/// # Errors
/// The refusal.
pub fn permit_consent(
    rules: &Rules,
    standing: &Standing,
    asked: &ConsentQuestion<'_>,
    now: Timestamp,
) -> Result<ConsentPermit, Refusal> {
    let (agreement, report) = (rules.agreement(), asked.report);
    let no = |step, code, rule: &str, words: &str| Err(Refusal::by_rule(step, code, rule, words));
    if !standing.is_in_force(now) || report.agreement != agreement.id() {
        return no(3, DenialCode::Agreement, "c03-force", "agreement");
    }
    let parties = agreement.party(asked.by).is_some() && report.recipients.contains(asked.by);
    if !parties || *asked.by == report.originator || asked.to == asked.by || *asked.to == report.originator {
        return no(3, DenialCode::Agreement, "c03-parties", "recipient");
    }
    if asked.purpose != report.purpose {
        return no(3, DenialCode::Purpose, "c03-purpose", "purpose");
    }
    let own = |party: &PartyId| *party == report.originator;
    let claims = report.subjects.iter().flat_map(mithaq_model::Subject::claims);
    let whole = claims.map(|claim| &claim.originator).chain(report.links.iter().map(|link| &link.originator));
    let whole = whole.chain([&report.provenance.originator]).all(own);
    if agreement.onward == Onward::Forbidden
        || !whole
        || report.obtained_in_violation
        || report.asks().is_some()
    {
        return no(9, DenialCode::Originator, "c09-originator", "originator");
    }
    if for_named_only(report) {
        return no(9, DenialCode::Originator, "c09-named", "originator");
    }
    if let Some((rule, words)) = risk_against(report, asked.risk, agreement.assessment_max.into(), now) {
        return no(11, DenialCode::Risk, rule, words);
    }
    if asked.use_by <= now || asked.keep_until <= now || asked.keep_until > report.expires {
        return no(12, DenialCode::Retention, "c12-end", "retention");
    }
    let listed = matches!(&agreement.onward, Onward::List(parties) if parties.contains(asked.to));
    let followed = asked.follows.is_some_and(|earlier| earlier.covers(asked));
    if !listed && !followed && !two(asked.approvals) {
        return no(14, DenialCode::TwoPerson, "c14-two", "two_persons");
    }
    Ok(ConsentPermit {
        consent: Consent {
            originator: report.originator.clone(),
            report: report.id,
            version: report.version,
            by: asked.by.clone(),
            to: asked.to.clone(),
            purpose: asked.purpose,
            use_by: asked.use_by,
            keep_until: asked.keep_until,
        },
    })
}

fn two(approvals: &[(OfficerId, Role)]) -> bool {
    let Some(((officer, role), rest)) = approvals.split_first() else { return false };
    rest.iter().any(|(other, _)| other != officer) && rest.iter().any(|(_, other)| other != role)
}

/// Step 11 for the further recipient; persons in the report make it ask for more than that it was assessed.
fn risk_against(
    report: &Report,
    risk: Option<&RiskAssessment>,
    oldest: mithaq_model::Millis,
    now: Timestamp,
) -> Option<(&'static str, &'static str)> {
    let current = |risk: &&RiskAssessment| {
        risk.made_on <= now && now < risk.valid_to && now.since(risk.made_on) <= oldest
    };
    let Some(risk) = risk.filter(current) else { return Some(("c11-assessment", "assessment")) };
    if !report.subjects.iter().any(|subject| subject.kind() == SubjectKind::Person) {
        return None;
    }
    let stops = [
        (RiskDimension::TortureCidt, RiskLevel::Real, "torture"),
        (RiskDimension::EnforcedDisappearance, RiskLevel::Real, "torture"),
        (RiskDimension::DeathPenalty, RiskLevel::Real, "death_penalty"),
        (RiskDimension::Refoulement, RiskLevel::Real, "asylum"),
        (RiskDimension::UnfairTrial, RiskLevel::High, "trial"),
        (RiskDimension::PoliticalMisuse, RiskLevel::High, "political"),
        (RiskDimension::OnwardLeak, RiskLevel::High, "originator"),
    ];
    let stop = stops.iter().find(|(dimension, from, _)| risk.level(*dimension) >= *from);
    stop.map(|(_, _, words)| ("c11-risk", *words))
}
