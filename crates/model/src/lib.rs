//! The words of the field: ids, parties, subjects as claims, links, reports, grading, handling, purposes,
//! time, text with its language.
//!
//! Holds invariants only: a value of these types is well formed. It does not decide who may see what
//! (`policy`), knows no bytes of the wire (`wire`), and reads no clock or randomness. There is no field for
//! special categories of data (religion, ethnicity, opinion, health, sexuality, union): what has no place
//! cannot be filled.
#![deny(missing_docs)]

mod attachment;
mod case;
mod classify;
mod code;
mod date;
mod enums;
mod grade;
mod ground;
mod handling;
mod id;
mod link;
mod onward;
mod party;
mod people;
mod report;
mod request;
mod subject;
mod text;
mod time;
mod value;

pub use attachment::{Attachment, MediaType};
pub use case::{Case, CaseState};
pub use classify::{Equivalence, EquivalenceRow, Level, UnknownLabel};
pub use code::UnknownCode;
pub use date::{DateError, PartialDate};
pub use enums::{
    Assurance, Channel, CrimeArea, DenialCode, ExcludedPredicate, ProtectedRole, Purpose, ReceiptKind,
    RefusalGround, RiskDimension, RiskLevel, SpecialCategory, SubjectClass, Urgency,
};
pub use grade::{Admiralty, AdmiraltyCredibility, AdmiraltyReliability, Grade, InfoGrade, SourceGrade};
pub use handling::{Handling, HandlingCode, HandlingCodes, Pap, Tlp};
pub use id::{
    AgreementId, CaseId, ClaimId, Id16, IdError, LinkId, ObjectId, OfficerId, PartyId, ReportId, SubjectId,
    UnitId,
};
pub use link::{Link, LinkRole};
pub use onward::{ConsentState, CopyState};
pub use party::{Agency, Competence, Office, Party};
pub use people::{Officer, Role, RoleSet};
pub use report::{
    Assessment, Confidence, Fact, Likelihood, Provenance, Report, ReportKind, ReportState, ReportVersion,
};
pub use request::{Ask, Connection, RequestState, StepKind, Tie};
pub use subject::{Claim, ClaimSource, PersonStatus, Subject, SubjectError, SubjectKind};
pub use text::{Lang, Sensitive, Text, TextError, Words4, moves_text};
pub use time::{Days, Millis, Timestamp};
pub use value::{Attribute, Coordinates, Document, NameForm, NameKind, NameQuality, Script, Sex, Value};
