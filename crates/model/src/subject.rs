//! A subject is a bundle of claims: nothing is "known" about it, everything was said by somebody, with a
//! grade, a handling and an end.

use thiserror::Error;

use crate::code::codes;
use crate::{
    Attribute, ClaimId, Grade, Handling, PartyId, ProtectedRole, ReportId, SubjectClass, SubjectId,
    Timestamp, Value,
};

codes! {
    /// What kind of thing a subject is.
    SubjectKind as "subject kind" {
        /// Something that happened.
        Event = "event",
        /// A thing: vehicle, weapon, account.
        Object = "object",
        /// An organisation or group.
        Organisation = "organisation",
        /// A human being.
        Person = "person",
        /// A place.
        Place = "place",
    }
}

codes! {
    /// Whether a person lives.
    PersonStatus as "person status" {
        /// Dead.
        Dead = "dead",
        /// Living.
        Living = "living",
        /// Missing.
        Missing = "missing",
    }
}

codes! {
    /// Where a claim came from.
    ClaimSource as "claim source" {
        /// An officer of this node.
        Officer = "officer",
        /// A published list, for example of the United Nations.
        PublicList = "public_list",
        /// A report received from a partner.
        Received = "received",
    }
}

/// One statement about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Number.
    pub id: ClaimId,
    /// Which side of the subject.
    pub attribute: Attribute,
    /// What is said.
    pub value: Value,
    /// Who said it first: the party in control of it.
    pub originator: PartyId,
    /// Where this node has it from.
    pub source: ClaimSource,
    /// Reference within the source, for example a list number; a ledger reference, never a sentence.
    pub source_ref: String,
    /// The report it came in, for received claims.
    pub report: Option<ReportId>,
    /// How reliable.
    pub grade: Grade,
    /// What may be done with it.
    pub handling: Handling,
    /// When it was recorded here.
    pub recorded: Timestamp,
    /// When it is erased unless somebody decides to keep it.
    pub expires: Timestamp,
}

/// Why claims make no subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SubjectError {
    /// More claims than [`Subject::CLAIMS_MAX`].
    #[error("a subject has at most {max} claims")]
    TooMany {
        /// The limit.
        max: usize,
    },
    /// A value does not belong to its attribute.
    #[error("the value does not belong to the attribute {attribute}")]
    Misplaced {
        /// The attribute.
        attribute: Attribute,
    },
    /// A person without a data-subject class.
    #[error("a person needs a data-subject class")]
    ClassMissing,
    /// A class for something that is no person.
    #[error("only a person has a data-subject class")]
    ClassMisplaced,
}

/// A person, organisation, place, event or object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    id: SubjectId,
    kind: SubjectKind,
    class: Option<SubjectClass>,
    protected: Vec<ProtectedRole>,
    minor: bool,
    claims: Vec<Claim>,
}

impl Subject {
    /// Most claims of one subject.
    pub const CLAIMS_MAX: usize = 4_096;

    /// Takes a subject with its claims. A person must have a class (LED, Art. 6), nothing else may.
    ///
    /// # Errors
    /// When there are too many claims, one is misplaced, or the class is missing or misplaced.
    pub fn new(
        id: SubjectId,
        kind: SubjectKind,
        class: Option<SubjectClass>,
        claims: Vec<Claim>,
    ) -> Result<Self, SubjectError> {
        if claims.len() > Self::CLAIMS_MAX {
            return Err(SubjectError::TooMany { max: Self::CLAIMS_MAX });
        }
        if let Some(claim) = claims.iter().find(|claim| !claim.value.fits(claim.attribute)) {
            return Err(SubjectError::Misplaced { attribute: claim.attribute });
        }
        match (kind, class) {
            (SubjectKind::Person, None) => Err(SubjectError::ClassMissing),
            (
                SubjectKind::Event | SubjectKind::Object | SubjectKind::Organisation | SubjectKind::Place,
                Some(_),
            ) => Err(SubjectError::ClassMisplaced),
            (_, class) => Ok(Self { id, kind, class, protected: Vec::new(), minor: false, claims }),
        }
    }

    /// Returns the subject marked with a protected role.
    #[must_use]
    pub fn with_protected_role(mut self, role: ProtectedRole) -> Self {
        if !self.protected.contains(&role) {
            self.protected.push(role);
        }
        self
    }

    /// Returns the subject marked as under eighteen.
    #[must_use]
    pub fn with_minor(mut self) -> Self {
        self.minor = true;
        self
    }

    /// Returns the subject with each claim bound by this handling too.
    #[must_use]
    pub fn bound_by(mut self, handling: &Handling) -> Self {
        for claim in &mut self.claims {
            claim.handling = claim.handling.join(handling);
        }
        self
    }

    /// Returns the number.
    #[must_use]
    pub const fn id(&self) -> SubjectId {
        self.id
    }

    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> SubjectKind {
        self.kind
    }

    /// Returns the data-subject class; there is one exactly for persons.
    #[must_use]
    pub const fn class(&self) -> Option<SubjectClass> {
        self.class
    }

    /// Returns the protected roles known.
    #[must_use]
    pub fn protected_roles(&self) -> &[ProtectedRole] {
        &self.protected
    }

    /// Returns whether the person is under eighteen.
    #[must_use]
    pub const fn is_minor(&self) -> bool {
        self.minor
    }

    /// Returns the claims.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// Returns the handling of the whole: that of all its claims joined; `None` without claims.
    #[must_use]
    pub fn handling(&self) -> Option<Handling> {
        let mut all = self.claims.iter().map(|claim| &claim.handling);
        let first = all.next()?.clone();
        Some(all.fold(first, |joined, next| joined.join(next)))
    }
}
