//! Reports: graded, handled information. Facts and assessments are kept apart (LED, Art. 7).

use core::num::NonZeroU32;

use crate::code::codes;
use crate::{
    AgreementId, Ask, Attachment, CrimeArea, Grade, Handling, Level, Link, PartyId, Purpose, ReportId,
    Subject, SubjectId, Text, Tie, Timestamp, Urgency,
};

codes! {
    /// What a report is.
    ReportKind as "report kind" {
        /// A warning.
        Alert = "alert",
        /// Analysis.
        Analysis = "analysis",
        /// Core data after a confirmed hit.
        CoreData = "core_data",
        /// Information.
        Information = "information",
        /// Intelligence.
        Intelligence = "intelligence",
        /// A way of committing offences; no persons.
        ModusOperandi = "modus_operandi",
        /// A request for information: what it tells is disclosed like any other information.
        Request = "request",
        /// Statistics; no persons.
        Statistical = "statistical",
    }
}

codes! {
    /// Life of a report (domain page, §4.2).
    ReportState as "report state" {
        /// The receiver's node acknowledged it.
        Acknowledged = "acknowledged",
        /// Waits for the originator of a part.
        ConsentPending = "consent_pending",
        /// At the receiver's node.
        Delivered = "delivered",
        /// Being written.
        Draft = "draft",
        /// Content gone; number, hash, date and reason remain.
        Erased = "erased",
        /// Graded and marked.
        Graded = "graded",
        /// Used in a case of the receiver.
        InUse = "in_use",
        /// Failed the receiver's rules: nobody reads it.
        Quarantined = "quarantined",
        /// Taken back by the originator.
        Recalled = "recalled",
        /// Released by two persons.
        Released = "released",
        /// Checked by a second person.
        Reviewed = "reviewed",
        /// A later version replaced it.
        Superseded = "superseded",
    }
}

codes! {
    /// How likely, in words of estimative language; the bands are 01–05, 05–20, 20–45, 45–55, 55–80, 80–95, 95–99 %.
    Likelihood as "likelihood" {
        /// 01–05 %.
        AlmostNoChance = "almost_no_chance",
        /// 05–20 %.
        VeryUnlikely = "very_unlikely",
        /// 20–45 %.
        Unlikely = "unlikely",
        /// 45–55 %.
        RoughlyEven = "roughly_even",
        /// 55–80 %.
        Likely = "likely",
        /// 80–95 %.
        VeryLikely = "very_likely",
        /// 95–99 %.
        AlmostCertain = "almost_certain",
    }
}

codes! {
    /// How well founded an assessment is.
    Confidence as "confidence" {
        /// High.
        High = "high",
        /// Low.
        Low = "low",
        /// Moderate.
        Moderate = "moderate",
    }
}

/// The number of a version, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportVersion(NonZeroU32);

impl ReportVersion {
    /// The first version.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// Takes a number from 1.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Returns the next version; the last one has none.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }
}

/// Something observed or documented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What.
    pub text: Text,
    /// How reliable.
    pub grade: Grade,
}

/// Something concluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// What.
    pub text: Text,
    /// How likely.
    pub likelihood: Likelihood,
    /// How well founded.
    pub confidence: Confidence,
}

/// Where information first came from, so that its own echo never corroborates it (limit L12).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Provenance {
    /// The party in control.
    pub originator: PartyId,
    /// Digest that names the root without telling it; equal roots are one source.
    pub root: [u8; 32],
}

/// A report: what is sealed and sent. The fields of the domain page, §1c.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Number, through all versions.
    pub id: ReportId,
    /// Version.
    pub version: ReportVersion,
    /// What it is.
    pub kind: ReportKind,
    /// The party in control.
    pub originator: PartyId,
    /// Where it first came from.
    pub provenance: Provenance,
    /// The agreement it is released under.
    pub agreement: AgreementId,
    /// Recipients. Never empty when released; empty means nobody.
    pub recipients: Vec<PartyId>,
    /// What it may be used for.
    pub purpose: Purpose,
    /// Area of crime.
    pub area: CrimeArea,
    /// The offence with its statute.
    pub offence: Text,
    /// Why a clock is short.
    pub urgency: Urgency,
    /// The originator's case, a number that tells the partner nothing.
    pub case_ref: crate::CaseId,
    /// Title.
    pub title: Text,
    /// Facts.
    pub facts: Vec<Fact>,
    /// Assessments.
    pub assessments: Vec<Assessment>,
    /// Subjects with their claims.
    pub subjects: Vec<Subject>,
    /// Links between them.
    pub links: Vec<Link>,
    /// Grade of the whole.
    pub grade: Option<Grade>,
    /// Handling of the whole.
    pub handling: Handling,
    /// Classification.
    pub level: Level,
    /// Last day of use.
    pub expires: Timestamp,
    /// Whether it holds something that may exonerate (limit L14: no handling code blocks its disclosure).
    pub exculpatory: bool,
    /// Whether a machine wrote part of it; then it is never graded above X4.
    pub machine_made: bool,
    /// Whether there is suspicion that it was obtained in violation of rights (limit L26).
    pub obtained_in_violation: bool,
    /// When it was written.
    pub created: Timestamp,
    /// The question it asks or answers. Asks exactly when its kind is [`ReportKind::Request`].
    pub tie: Option<Tie>,
    /// Files it carries. Named and sealed with it; their bytes travel apart.
    pub attachments: Vec<Attachment>,
}

impl Report {
    /// Most facts and most assessments.
    pub const PARTS_MAX: usize = 256;
    /// Most subjects and most links.
    pub const SUBJECTS_MAX: usize = 1_024;

    /// Returns what it asks, if it is a request.
    #[must_use]
    pub fn asks(&self) -> Option<&Ask> {
        match &self.tie {
            Some(Tie::Asks(ask)) => Some(ask),
            Some(Tie::Answers { .. }) | None => None,
        }
    }

    /// Returns the request it answers, and whether in part, if it answers one.
    #[must_use]
    pub const fn answers(&self) -> Option<(ReportId, bool)> {
        match &self.tie {
            Some(Tie::Answers { request, part }) => Some((*request, *part)),
            Some(Tie::Asks(_)) | None => None,
        }
    }

    /// Returns whether kind and tie say the same.
    #[must_use]
    pub const fn is_tied_right(&self) -> bool {
        matches!(self.kind, ReportKind::Request) == matches!(self.tie, Some(Tie::Asks(_)))
    }

    /// Returns the subject of that number.
    #[must_use]
    pub fn subject(&self, id: SubjectId) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.id() == id)
    }

    /// Returns the handling that binds the receiver: that of the report, of every claim and of every link,
    /// joined.
    #[must_use]
    pub fn effective_handling(&self) -> Handling {
        let subjects = self.subjects.iter().filter_map(Subject::handling);
        let links = self.links.iter().map(|link| link.handling.clone());
        subjects.chain(links).fold(self.handling.clone(), |joined, next| joined.join(&next))
    }
}
