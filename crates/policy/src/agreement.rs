//! An agreement as a rule set people can read: one TOML file. Both parties sign its exact bytes, so the text is
//! the agreement and these types are a view of it. Unknown keys and codes are errors: a rule nobody understands
//! is not passed over. Signing is the matter of `envelope`.

mod file;
mod template;

use std::collections::BTreeMap;

use mithaq_model::{
    AgreementId, Attribute, CrimeArea, Days, Equivalence, HandlingCodes, IdError, Lang, Level, Millis, Pap,
    PartyId, Purpose, RefusalGround, SubjectClass, Timestamp, Tlp, Urgency,
};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

pub use template::{TemplateParty, template};

/// What is hashed before the text, so that no other document has the number of an agreement.
const CONTEXT: &[u8] = b"mithaq/agreement/1\n";
/// Longest agreement file in bytes.
pub const TEXT_MAX: usize = 256 * 1024;

/// What kind of instrument it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// For one team and one term.
    AdHocTeam,
    /// Between ministries.
    InterMinisterial,
    /// Between services, under another instrument.
    TechnicalArrangement,
    /// A treaty.
    Treaty,
}

/// A party as the agreement names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementParty {
    /// Its name.
    pub id: PartyId,
    /// State, ISO 3166-1 alpha-2.
    pub state: String,
    /// Fingerprint of its root keys (`docs/spec/envelope.md`, fingerprints): trust begins here.
    pub root: [u8; 32],
    /// The office that signs, a title.
    pub signatory: String,
    /// The highest level it may be sent.
    pub max_level: Level,
}

/// What may be passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Onward {
    /// With the originator's consent each time.
    Consent,
    /// To nobody.
    Forbidden,
    /// To these parties without asking, to others with consent.
    List(Vec<PartyId>),
}

/// How many and how much a party may send in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budgets {
    /// Reports per day.
    pub reports_per_day: u32,
    /// Bytes of sealed content per day.
    pub bytes_per_day: u64,
}

/// An agreement, parsed. Fields follow the domain page, §1c.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    pub(crate) id: AgreementId,
    pub(crate) text: String,
    /// Titles, one per language of the interface.
    pub titles: BTreeMap<Lang, String>,
    /// Kind of instrument.
    pub kind: Kind,
    /// Version of the rule set, from 1.
    pub version: u32,
    /// The agreement it replaces.
    pub supersedes: Option<AgreementId>,
    /// Parties, two or more.
    pub parties: Vec<AgreementParty>,
    /// When it was signed on paper.
    pub signed_on: Timestamp,
    /// First instant it may be in force.
    pub in_force_on: Timestamp,
    /// Last instant.
    pub expires_on: Timestamp,
    /// Notice of denunciation.
    pub notice: Days,
    /// Areas of crime covered.
    pub areas: Vec<CrimeArea>,
    /// Purposes covered.
    pub purposes: Vec<Purpose>,
    /// Data-subject classes that may be disclosed.
    pub subject_classes: Vec<SubjectClass>,
    /// Attributes of subjects that may be disclosed; others are left out.
    pub attributes: Vec<Attribute>,
    /// Whether data about minors may be disclosed, and then only to protect them.
    pub minors_protective: bool,
    /// The highest level that travels.
    pub max_level: Level,
    /// National labels and what they stand for.
    pub equivalence: Equivalence,
    /// Handling that binds what comes without stricter handling.
    pub handling: (HandlingCodes, Tlp, Pap),
    /// Longest retention at the receiver per class; the default for the rest.
    pub retention: BTreeMap<SubjectClass, Days>,
    /// Longest retention where no class has its own.
    pub retention_default: Days,
    /// Content is unreadable after this without sight of the originator's control lane.
    pub lease: Days,
    /// What may be passed on.
    pub onward: Onward,
    /// Whether use in court needs consent first.
    pub evidence_needs_consent: bool,
    /// Clocks that differ from the defaults.
    pub clocks: BTreeMap<Urgency, Millis>,
    /// Grounds a party may refuse on.
    pub refusal_grounds: Vec<RefusalGround>,
    /// Budgets.
    pub budgets: Budgets,
    /// Languages of the exchange.
    pub languages: Vec<Lang>,
    /// How long a refusal or silence of a partner's risk assessment may be old, in days.
    pub assessment_max: Days,
    /// How often the agreement is reviewed.
    pub review_every: Days,
    /// How long duties about what was sent survive its end.
    pub survival: Days,
    /// Who settles disputes.
    pub dispute_body: String,
    /// Who bears costs.
    pub costs: String,
    /// On what grounds it may be suspended.
    pub suspension_grounds: Vec<String>,
    /// Liaison posts.
    pub liaison_posts: Vec<String>,
    /// Whether oversight bodies see content that came from the other side, or metadata only.
    pub oversight_sees_content: bool,
    /// How many other parties must have countersigned a party's log before its evidence counts.
    pub countersignatures: u32,
    /// Private check, if it is agreed on.
    pub private_check: Option<PrivateCheck>,
}

/// What was agreed about the private check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrivateCheck {
    /// Most subjects of one check.
    pub batch_cap: u32,
    /// Most evaluations a day, for the partner as a whole.
    pub daily_cap: u32,
    /// Most evaluations a day for one officer of the partner; at most `daily_cap`.
    pub officer_cap: u32,
    /// Most evaluations a day for one case; at most `daily_cap`.
    pub case_cap: u32,
    /// Evaluations without a confirmed hit after which people review the partner's checks.
    pub review_after: u32,
    /// Hash of the policy of tokens (`docs/spec/check.md`): both sides make tokens alike.
    pub token_policy: Option<[u8; 32]>,
    /// Every evaluation comes with a proof of the key it was made with.
    pub verifiable: bool,
    /// A refused check looks like one without a hit. Cannot be had together with `verifiable`.
    pub refuse_silently: bool,
    /// Longest life of a standing check and of each renewal; none: there are no standing checks.
    pub standing: Option<Days>,
    /// Whether planned actions are deconflicted.
    pub events: bool,
}

/// Why a file is no agreement. Names the field, never content beyond the caller's own file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AgreementError {
    /// Not UTF-8 text with LF line ends within the limit.
    #[error("the file is not plain text: {0}")]
    Text(&'static str),
    /// Not TOML, a missing or an unknown key.
    #[error("line {line}: {problem}")]
    Toml {
        /// Line, from 1.
        line: usize,
        /// What the parser says.
        problem: String,
    },
    /// A field holds what it may not hold.
    #[error("line {line}: `{field}` {problem}")]
    Field {
        /// Line, from 1; 0 when the field is missing.
        line: usize,
        /// Field.
        field: String,
        /// What is wrong and what to write instead.
        problem: String,
    },
}

impl Agreement {
    /// Reads an agreement file.
    ///
    /// # Errors
    /// An [`AgreementError`] with line, field and what to write instead.
    pub fn parse(text: &str) -> Result<Self, AgreementError> {
        file::parse(text)
    }

    /// Returns its number: SHA-256 of `mithaq/agreement/1\n` and the exact text. Both sides sign this.
    #[must_use]
    pub const fn id(&self) -> AgreementId {
        self.id
    }

    /// Returns the exact text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns a party by name.
    #[must_use]
    pub fn party(&self, id: &PartyId) -> Option<&AgreementParty> {
        self.parties.iter().find(|party| party.id == *id)
    }

    /// Returns the parties other than one.
    pub fn partners<'a>(&'a self, of: &'a PartyId) -> impl Iterator<Item = &'a PartyId> {
        self.parties.iter().map(|party| &party.id).filter(move |id| *id != of)
    }

    /// Returns the longest retention for a class.
    #[must_use]
    pub fn retention(&self, class: Option<SubjectClass>) -> Days {
        class.and_then(|class| self.retention.get(&class)).copied().unwrap_or(self.retention_default)
    }

    /// Returns how long an answer may take.
    #[must_use]
    pub fn clock(&self, urgency: Urgency) -> Millis {
        self.clocks.get(&urgency).copied().unwrap_or_else(|| default_clock(urgency))
    }
}

/// Returns the number of an agreement text without reading it.
#[must_use]
pub fn agreement_id(text: &[u8]) -> AgreementId {
    AgreementId::new(Sha256::new().chain_update(CONTEXT).chain_update(text).finalize().into())
}

/// Clocks where the agreement says nothing (Directive (EU) 2023/977, Art. 5; domain page, §2.3).
#[must_use]
pub const fn default_clock(urgency: Urgency) -> Millis {
    match urgency {
        Urgency::ThreatToLife | Urgency::PublicSecurityImminent => Millis::hours(8),
        Urgency::DetentionDecision | Urgency::LossOfRelevance => Millis::hours(72),
        Urgency::Routine => Millis::hours(7 * 24),
        Urgency::Complex => Millis::hours(14 * 24),
    }
}

impl From<IdError> for AgreementError {
    fn from(error: IdError) -> Self {
        Self::Field { line: 0, field: "id".to_owned(), problem: error.to_string() }
    }
}

#[cfg(test)]
mod tests;
