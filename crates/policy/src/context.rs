//! Everything the release decision is told beside the report itself. What is not known is written as the
//! answer that refuses: [`Context::nothing_known`].

use mithaq_model::{
    AgreementId, Assurance, ExcludedPredicate, Level, OfficerId, PartyId, ProtectedRole, RiskDimension,
    RiskLevel, Role, SpecialCategory, SubjectId, Timestamp,
};

/// Which node decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The receiver, before anything is kept readable.
    Receiver,
    /// The sender, before anything is sealed.
    Sender,
}

/// Step 1: who acts, for which case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// A role held allows it.
    pub role_may: bool,
    /// The case is open and not past its review.
    pub case_open: bool,
    /// The actor is assigned to it.
    pub case_assigned: bool,
}

/// A transfer-risk assessment: of a partner, and of what this person or use adds to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RiskAssessment {
    /// Dimensions and levels; a dimension that is missing was not assessed.
    pub levels: Vec<(RiskDimension, RiskLevel)>,
    /// Who says so, a reference.
    pub source: String,
    /// When it was made.
    pub made_on: Timestamp,
    /// It carries no transfer after that.
    pub valid_to: Timestamp,
}

impl RiskAssessment {
    /// Returns the level of a dimension. Not assessed means high: what nobody looked at is no safety.
    #[must_use]
    pub fn level(&self, dimension: RiskDimension) -> RiskLevel {
        let found = self.levels.iter().filter(|(one, _)| *one == dimension).map(|(_, level)| *level);
        found.max().unwrap_or(RiskLevel::High)
    }
}

/// A clearance of a protected role: by the legal adviser and a senior.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clearance {
    /// Whose role.
    pub subject: SubjectId,
    /// Which role.
    pub role: ProtectedRole,
    /// The legal adviser.
    pub adviser: OfficerId,
    /// The senior, another person.
    pub senior: OfficerId,
}

/// Everything beside the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Step 1.
    pub work: Work,
    /// Step 2: signatures of both sides verified.
    pub signatures_good: bool,
    /// Step 2: the rule set the other side applies.
    pub rule_set: Option<AgreementId>,
    /// Step 3: the request an answer names is an open one of its recipient; not asked for anything else.
    pub reply_bound: bool,
    /// A legal or oversight hold.
    pub hold: bool,
    /// Step 5: what the screen found, and the legal adviser has not cleared.
    pub special_categories: Vec<SpecialCategory>,
    /// Step 6: clearances of protected roles.
    pub clearances: Vec<Clearance>,
    /// Step 7: an excluded predicate somebody flagged.
    pub excluded: Option<ExcludedPredicate>,
    /// Step 9: originators that consented to this recipient and use.
    pub consents: Vec<PartyId>,
    /// Step 10: what the recipient's node is accredited for, beside what the agreement says.
    pub recipient_level: Level,
    /// Step 10: what the channel is accredited for.
    pub channel_level: Level,
    /// Step 11: the partner.
    pub partner_risk: Option<RiskAssessment>,
    /// Step 11: what this person or this use adds.
    pub further_risks: Vec<(RiskDimension, RiskLevel)>,
    /// Step 11: whether the offence is capital where the recipient is.
    pub capital_offence: bool,
    /// Step 11: written assurances by the recipient for this case.
    pub assurances: Vec<Assurance>,
    /// Step 13: reports left today.
    pub reports_left: u64,
    /// Step 13: bytes left today.
    pub bytes_left: u64,
    /// Step 13: bytes of this disclosure.
    pub bytes: u64,
    /// Two persons opened it because a life is at risk: lifts the clearance of protected roles (step 6) and the
    /// day's budget (step 13), where purpose and urgency say so too, and nothing else (domain page, §4.15).
    pub life_at_risk: bool,
    /// Step 14: who approved, and in which role. One person counts once, whatever roles they hold.
    pub approvals: Vec<(OfficerId, Role)>,
}

impl Context {
    /// Returns the context in which nothing is known: every step refuses.
    #[must_use]
    pub const fn nothing_known() -> Self {
        Self {
            work: Work { role_may: false, case_open: false, case_assigned: false },
            signatures_good: false,
            rule_set: None,
            reply_bound: false,
            hold: true,
            special_categories: Vec::new(),
            clearances: Vec::new(),
            excluded: None,
            consents: Vec::new(),
            recipient_level: Level::Unclassified,
            channel_level: Level::Unclassified,
            partner_risk: None,
            further_risks: Vec::new(),
            capital_offence: true,
            assurances: Vec::new(),
            reports_left: 0,
            bytes_left: 0,
            bytes: 0,
            life_at_risk: false,
            approvals: Vec::new(),
        }
    }
}
