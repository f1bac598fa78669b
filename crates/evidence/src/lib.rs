//! What an evidence bundle proves, judged offline by someone who trusts neither node: that the agreement is signed
//! by both, that the keys are those of the parties, that entries are in a countersigned log, and what a partner
//! has signed for each message. Says as plainly what is *not* proven.
//!
//! Pure: no clock, file or socket. Deliberately not here: the form of a bundle and the proofs of the log
//! (`ledger`), the signatures themselves (`envelope`), what is put into a bundle (`app`), words for people (the
//! command line). Exact bytes: `docs/spec/ledger.md`, evidence bundle.
#![deny(missing_docs)]

mod distrust;
mod error;
mod judge;
mod judgement;
mod life;
mod messages;
mod names;
mod papers;
mod roots;

pub use distrust::size_proven;
pub use error::{JudgeError, PaperFault};
pub use judge::judge;
pub use judgement::{
    AgreementFinding, Anchors, Contents, Countersigned, DistrustFinding, Gap, Judgement, Later, LaterKind,
    Line, ManifestFinding, Message, Quorum, Receipt, Root, RootSource, Violation,
};
pub use names::{
    agreement_name, distrust_name, envelope_name, later_name, manifest_name, receipt_name, receipts_name,
    successor_key,
};
