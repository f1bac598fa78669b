//! One function per intent of a person or a partner; where authorise, decide, store and log meet.
//!
//! Everything that changes something is one transaction: rows, ledger entries and outbox together. Nothing
//! here moves bytes between machines, reads a clock or draws randomness by itself ([`ports`]), or knows HTTP.
#![deny(missing_docs)]

mod agreements;
mod alarms;
mod attachments;
mod cases;
mod checks;
mod clearances;
mod correct;
mod courier;
mod drafts;
mod emergency;
mod error;
mod evidence;
mod fetch;
mod heads;
mod holds;
mod import;
mod inbound;
mod justifications;
mod keys;
mod log;
mod logs;
mod node;
mod onward;
mod ops;
mod orders;
mod outbound;
mod people;
pub mod ports;
mod quarantine;
mod reading;
mod registry;
mod release;
mod requests;
mod restore;
mod resume;
mod retention;
mod rights;
mod rotation;
mod rulings;
mod shared;
mod sight;
mod subjects;
mod tally;
mod terms;
mod throttle;
mod wipe;
mod witness;

pub use attachments::{
    AttachmentLimits, AttachmentReader, AttachmentState, NewAttachment, Pulled, UploadState, Want,
};
pub use cases::{CaseAccess, NewCase, REVIEW_MAX};
pub use checks::{
    CheckBudget, CheckCall, CheckFigures, CheckKind, CheckReply, CheckShown, CheckedOn, JointPart, JudgedAs,
    Left, NewCheck, NewJointCheck, NewPlan, NewStanding, Outcome, PlanShown, Planned, Renewal, TokenShown,
    TokensExplained, Whose, Without,
};
pub use clearances::GROUND_MIN;
pub use correct::Changes;
pub use courier::{Exported, Imported as ImportedVolume, Journey, PartTaken, VOLUME_MAX, VOLUME_MIN};
pub use drafts::NewReport;
pub use emergency::{Emergency, Finding};
pub use error::{AppError, ErrorKind};
pub use evidence::Extent;
pub use import::{Imported, LIST_MAX};
pub use justifications::Judgement;
pub use keys::{KeyLoader, Keys};
pub use logs::{LogCause, LogMatter, LogRuling};
pub use mithaq_envelope::Distrust;
pub use mithaq_store::attachments::UnderWay;
pub use mithaq_store::holds::{Hold, Scope as HoldScope};
pub use node::{App, Parts};
pub use onward::{Holder, HolderStanding};
pub use ops::{DISK_LOW, Figures, KeyState, OutboxRow};
pub use orders::order_reason;
pub use outbound::{OutBatch, Windows};
pub use people::{IssuedToken, NewOfficer, SIGN_IN, TOKEN_MAX};
pub use quarantine::{Held, Judged, QUARANTINE_MAX, Ruling};
pub use registry::{KEY_OVERLAP, KeyStanding, Known, Peer, Registry};
pub use release::{RELEASE_MAX, Released, Use};
pub use requests::{Cell, Conversation, RequestFigures, Retained, Row, SMALL, Shown};
pub use restore::Restored;
pub use rights::{Actor, INTENTS, Intent, May, intent, role_matrix};
pub use rotation::{ENDING, KeyPaper, KeyProposal, ManifestView, PartyKeys};
pub use shared::LEASE;
pub use subjects::{BATCH_MAX, HITS_MAX, Hit, Query};
pub use witness::{LogView, WitnessAnswer, WitnessRequest, WitnessView};
