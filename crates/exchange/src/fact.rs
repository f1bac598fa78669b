//! What a step wants in the ledger, and the proof that it is there. The application turns each [`Fact`] into
//! one entry, appends it in the transaction of the step, and after the commit says so with [`Logged`]; what
//! leaves the node asks for that value.

use mithaq_model::{AgreementId, ObjectId, PartyId};
use mithaq_wire::{Digest, Lane, Position};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Happened {
    /// R0: a message took its place in a lane of this node.
    Queued,
    /// R1 and R2 of a message of this node arrived and verified.
    Decided,
    /// N1: no receipt by the deadline.
    NotDelivered,
    /// A receipt came after N1.
    LateReceipt,
    /// A partner that lost what it had decided decided it again, otherwise.
    DecidedAnew,
    /// A message of a partner was stored and judged.
    Taken,
    /// A partner signed two envelopes for one place.
    Equivocation,
    /// A partner broke the protocol.
    PeerFault,
    /// A batch, or the rest of one, was not taken.
    Stopped,
}

impl Happened {
    /// Returns the ledger's code of the kind.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Queued => "message.queued",
            Self::Decided => "message.decided",
            Self::NotDelivered => "message.not_delivered",
            Self::LateReceipt => "message.late_receipt",
            Self::DecidedAnew => "message.decided_anew",
            Self::Taken => "message.taken",
            Self::Equivocation => "peer.equivocation",
            Self::PeerFault => "peer.fault",
            Self::Stopped => "peer.stopped",
        }
    }
}

/// What a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An object.
    Object(ObjectId),
    /// A place in a lane.
    Place(Lane, Position),
}

/// One entry for the ledger. No content: codes, references and the hash of ciphertext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What happened.
    pub happened: Happened,
    /// About what.
    pub subject: Subject,
    /// The other party.
    pub counterparty: PartyId,
    /// The agreement.
    pub agreement: AgreementId,
    /// Verdict or code.
    pub verdict: Option<String>,
    /// Hash of the envelope. It commits: the ciphertext in it is random.
    pub envelope: Option<Digest>,
}

impl Fact {
    /// Returns the reference the ledger's entry stands under: the object's number, or lane, epoch and number
    /// of the message.
    #[must_use]
    pub fn reference(&self) -> String {
        match self.subject {
            Subject::Object(object) => object.to_string(),
            Subject::Place(lane, at) => {
                let lane = match lane {
                    Lane::Control => "control",
                    Lane::Report => "report",
                    Lane::Bulk => "bulk",
                };
                format!("{lane}/{}/{}", at.epoch, at.seq)
            }
        }
    }
}

/// Returns a verdict's code as the ledger may hold it: a partner's code that is no reference becomes a word
/// that says so.
pub(crate) fn ledger_word(code: &str) -> String {
    let plain = code.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:/".contains(&b));
    let begins = code.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if plain && begins && code.len() <= 64 { code.to_owned() } else { "code.malformed".to_owned() }
}

/// Says that the transaction with a step's rows and ledger entries is durable. Whoever makes one asserts it;
/// search for [`Logged::committed`] to review every such place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logged {
    position: u64,
}

impl Logged {
    /// Asserts that the entries from `position` on, and the rows stored with them, are durable.
    #[must_use]
    pub const fn committed(position: u64) -> Self {
        Self { position }
    }

    /// Returns the index of the first entry in the ledger.
    #[must_use]
    pub const fn position(self) -> u64 {
        self.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_fits_the_ledger() {
        for code in ["AGR", "envelope.expired", "R01"] {
            assert_eq!(ledger_word(code), code);
        }
        for code in ["", ".x", "two words", "é", &"a".repeat(65)] {
            assert_eq!(ledger_word(code), "code.malformed");
        }
        let place = Subject::Place(Lane::Control, Position { epoch: u32::MAX, seq: u64::MAX });
        for subject in [place, Subject::Object(ObjectId::new([9; 16]))] {
            let fact = Fact {
                happened: Happened::Queued,
                subject,
                counterparty: PartyId::new("es-police").unwrap(),
                agreement: AgreementId::new([1; 32]),
                verdict: None,
                envelope: None,
            };
            assert!(mithaq_ledger::Id::new(&fact.reference()).is_ok());
            assert!(mithaq_ledger::Code::new(fact.happened.code()).is_ok());
        }
    }
}
