//! The documents of deconfliction. Each question has a key of its own on the asked side, made for it and forgotten with its
//! answer: there is no set to keep, and nothing of one question says anything about another.

use mithaq_model::{AgreementId, PartyId, Purpose, Timestamp};
use mithaq_wire::WireError;
use mithaq_wire::cbor::{Reader, Writer};
use sha2::{Digest as _, Sha256};

use crate::TokenKey;
use crate::messages::{CheckId, code};
use crate::oprf::{Element, Output};
use crate::set::party;

/// Queries of one question: 27 cells and dummies.
pub const EVENT_QUERIES: usize = 32;
/// Most tags of an answer: 62 plans a partner may meet at once, and more are as good as all.
pub const EVENT_TAGS_MAX: usize = 4_096;
/// Tags are filled up to a multiple of this.
pub const EVENT_TAGS_STEP: usize = 32;
/// Longest point of contact in bytes.
pub const CONTACT_MAX: usize = 256;
const CODE_MAX: usize = 64;

/// A tag of a plan under a question's key.
pub type EventTag = [u8; 16];

/// "Do you plan something near this?" Nothing in it depends on where or when but the blinded elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRequest {
    /// Number of the question.
    pub ask: CheckId,
    /// Agreement.
    pub agreement: AgreementId,
    /// Who asks.
    pub asking: PartyId,
    /// Who is asked.
    pub asked: PartyId,
    /// What for.
    pub purpose: Purpose,
    /// Pseudonym of the case.
    pub case: [u8; 16],
    /// Pseudonym of the officer.
    pub officer: [u8; 16],
    /// When it was made.
    pub created: Timestamp,
    /// Commitment to the cells ([`crate::Opening`]): both sides log it.
    pub commitment: [u8; 32],
    /// [`EVENT_QUERIES`] elements.
    pub elements: Vec<Element>,
}

impl EventRequest {
    /// Returns the bytes: `[1, ask, agreement, asking, asked, purpose, case, officer, created, commitment, elements]`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(11).uint(1).bytes(&self.ask).bytes(self.agreement.as_bytes());
        w.text(self.asking.as_str()).text(self.asked.as_str()).text(self.purpose.code());
        w.bytes(&self.case).bytes(&self.officer).int(self.created.as_millis()).bytes(&self.commitment);
        w.bytes(&self.elements.iter().flat_map(|element| element.0).collect::<Vec<u8>>());
        w.finish()
    }

    /// Reads a request.
    ///
    /// # Errors
    /// When it is none, or has another number of elements.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        r.tuple(11)?;
        version(&mut r)?;
        let request = Self {
            ask: r.array()?,
            agreement: AgreementId::new(r.array()?),
            asking: party(&mut r)?,
            asked: party(&mut r)?,
            purpose: Purpose::from_code(r.text(CODE_MAX)?).map_err(|_unknown| WireError::Code)?,
            case: r.array()?,
            officer: r.array()?,
            created: Timestamp::from_millis(r.int()?),
            commitment: r.array()?,
            elements: elements(&mut r)?,
        };
        r.end()?;
        Ok(request)
    }

    /// Returns SHA-256 of the bytes: what an answer names.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_bytes()).into()
    }

    /// Returns what the function is asked for a cell: 64 bytes, bound to this question.
    #[must_use]
    pub fn input(&self, cell: &TokenKey) -> [u8; 64] {
        let short = |text: &str| [&[u8::try_from(text.len()).unwrap_or(u8::MAX)], text.as_bytes()].concat();
        let binding: [u8; 32] = Sha256::new()
            .chain_update(b"mithaq/event-input/1")
            .chain_update(self.agreement.as_bytes())
            .chain_update(short(self.asked.as_str()))
            .chain_update(short(self.asking.as_str()))
            .chain_update(self.ask)
            .finalize()
            .into();
        let mut input = [0; 64];
        input.iter_mut().zip(binding.iter().chain(cell)).for_each(|(slot, byte)| *slot = *byte);
        input
    }

    /// Returns the tag of an output.
    #[must_use]
    pub fn tag(&self, output: &Output) -> EventTag {
        let hash = Sha256::new()
            .chain_update(b"mithaq/event-tag/1")
            .chain_update(self.ask)
            .chain_update(output.get(..32).unwrap_or_default())
            .finalize();
        hash.first_chunk().copied().unwrap_or_default()
    }
}

fn elements(r: &mut Reader<'_>) -> Result<Vec<Element>, WireError> {
    let (elements, rest) = r.bytes(32 * EVENT_QUERIES)?.as_chunks::<32>();
    if elements.len() != EVENT_QUERIES || !rest.is_empty() {
        return Err(WireError::Type);
    }
    Ok(elements.iter().map(|bytes| Element(*bytes)).collect())
}

fn version(r: &mut Reader<'_>) -> Result<(), WireError> {
    if r.uint()? == 1 { Ok(()) } else { Err(WireError::Version) }
}

/// What the asked side says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventAnswer {
    /// Evaluated, with the tags of its plans and random ones, rising.
    Evaluated(Vec<Element>, Vec<EventTag>),
    /// Refused, with a code.
    Refused(String),
}

impl EventAnswer {
    /// Returns the bytes: `[1, ask, H(request), elements, tags]` or `[1, ask, H(request), code]`.
    #[must_use]
    pub fn to_bytes(&self, ask: &CheckId, request: &[u8; 32]) -> Vec<u8> {
        let mut w = Writer::default();
        match self {
            Self::Evaluated(elements, tags) => {
                w.array(5).uint(1).bytes(ask).bytes(request);
                w.bytes(&elements.iter().flat_map(|element| element.0).collect::<Vec<u8>>());
                w.bytes(&tags.concat());
            }
            Self::Refused(code) => {
                w.array(4).uint(1).bytes(ask).bytes(request).text(code);
            }
        }
        w.finish()
    }

    /// Reads an answer with the number and digest it names.
    ///
    /// # Errors
    /// When it is none, or tags are none, too many or not in rising order.
    pub fn from_bytes(bytes: &[u8]) -> Result<(CheckId, [u8; 32], Self), WireError> {
        let mut r = Reader::new(bytes);
        let parts = r.list(5)?;
        version(&mut r)?;
        let (ask, request) = (r.array()?, r.array()?);
        let answer = match parts {
            4 => Self::Refused(code(r.text(CODE_MAX)?)?),
            5 => {
                let elements = elements(&mut r)?;
                let (tags, rest) = r.bytes(16 * EVENT_TAGS_MAX)?.as_chunks::<16>();
                if tags.is_empty() || !rest.is_empty() {
                    return Err(WireError::Type);
                }
                if !tags.is_sorted_by(|a, b| a < b) {
                    return Err(WireError::NotCanonical);
                }
                Self::Evaluated(elements, tags.to_vec())
            }
            _other => return Err(WireError::Type),
        };
        r.end()?;
        Ok((ask, request, answer))
    }
}

/// "These met": the second halves of the outputs that are among the tags, and whom to call.
#[derive(Clone, PartialEq, Eq)]
pub struct EventClaim {
    /// Number of the question.
    pub ask: CheckId,
    /// Second halves, rising.
    pub halves: Vec<[u8; 32]>,
    /// The asking side's point of contact.
    pub contact: String,
}

impl core::fmt::Debug for EventClaim {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "<claim of {} cells>", self.halves.len())
    }
}

impl EventClaim {
    /// Returns the bytes: `[1, ask, halves, contact]`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(4).uint(1).bytes(&self.ask).bytes(&self.halves.concat()).text(&self.contact);
        w.finish()
    }

    /// Reads a claim.
    ///
    /// # Errors
    /// When it is none, halves are none, too many or not rising, or the contact is no line.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        r.tuple(4)?;
        version(&mut r)?;
        let ask = r.array()?;
        let (halves, rest) = r.bytes(32 * EVENT_QUERIES)?.as_chunks::<32>();
        if halves.is_empty() || !rest.is_empty() {
            return Err(WireError::Type);
        }
        if !halves.is_sorted_by(|a, b| a < b) {
            return Err(WireError::NotCanonical);
        }
        let (halves, contact) = (halves.to_vec(), contact(&mut r)?);
        r.end()?;
        Ok(Self { ask, halves, contact })
    }
}

fn contact(r: &mut Reader<'_>) -> Result<String, WireError> {
    let text = r.text(CONTACT_MAX)?;
    let line = !text.trim().is_empty() && !text.chars().any(char::is_control);
    if line { Ok(text.to_owned()) } else { Err(WireError::Value) }
}

/// Whom to call about what met: the asked side's points of contact, each once, rising; none when it was chance.
#[derive(Clone, PartialEq, Eq)]
pub struct EventContacts {
    /// Number of the question.
    pub ask: CheckId,
    /// Points of contact.
    pub contacts: Vec<String>,
}

impl core::fmt::Debug for EventContacts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "<{} points of contact>", self.contacts.len())
    }
}

impl EventContacts {
    /// Returns the bytes: `[1, ask, [contact, …]]`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(3).uint(1).bytes(&self.ask).array(self.contacts.len());
        for contact in &self.contacts {
            w.text(contact);
        }
        w.finish()
    }

    /// Reads contacts.
    ///
    /// # Errors
    /// When they are none, too many, or not in rising order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        r.tuple(3)?;
        version(&mut r)?;
        let ask = r.array()?;
        let mut contacts = Vec::new();
        for _ in 0..r.list(EVENT_QUERIES)? {
            contacts.push(contact(&mut r)?);
        }
        r.end()?;
        if contacts.is_sorted_by(|a, b| a < b) {
            Ok(Self { ask, contacts })
        } else {
            Err(WireError::NotCanonical)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request() -> EventRequest {
        EventRequest {
            ask: [1; 16],
            agreement: AgreementId::new([2; 32]),
            asking: PartyId::new("ma-security").unwrap(),
            asked: PartyId::new("es-police").unwrap(),
            purpose: Purpose::Investigate,
            case: [3; 16],
            officer: [4; 16],
            created: Timestamp::from_millis(5),
            commitment: [6; 32],
            elements: vec![Element([7; 32]); EVENT_QUERIES],
        }
    }

    #[test]
    fn documents_read_what_they_write() {
        let request = request();
        assert_eq!(EventRequest::from_bytes(&request.to_bytes()), Ok(request.clone()));
        let digest = request.digest();
        for answer in [
            EventAnswer::Evaluated(request.elements.clone(), vec![[1; 16], [2; 16]]),
            EventAnswer::Refused("BUD".to_owned()),
        ] {
            let bytes = answer.to_bytes(&[1; 16], &digest);
            assert_eq!(EventAnswer::from_bytes(&bytes), Ok(([1; 16], digest, answer)));
        }
        let claim = EventClaim { ask: [1; 16], halves: vec![[1; 32]], contact: "desk 12".to_owned() };
        assert_eq!(EventClaim::from_bytes(&claim.to_bytes()), Ok(claim.clone()));
        let contacts = EventContacts { ask: [1; 16], contacts: vec!["a".to_owned(), "b".to_owned()] };
        assert_eq!(EventContacts::from_bytes(&contacts.to_bytes()), Ok(contacts));
        assert_eq!(format!("{claim:?}"), "<claim of 1 cells>", "no contact in a log");
    }

    #[test]
    fn what_has_another_number_or_order_or_is_no_line_is_refused() {
        let few = EventRequest { elements: vec![Element([7; 32]); 31], ..request() };
        assert_eq!(EventRequest::from_bytes(&few.to_bytes()), Err(WireError::Type));
        let turned =
            EventAnswer::Evaluated(request().elements, vec![[2; 16], [1; 16]]).to_bytes(&[1; 16], &[0; 32]);
        assert_eq!(EventAnswer::from_bytes(&turned), Err(WireError::NotCanonical));
        let line =
            |contact: &str| EventClaim { ask: [1; 16], halves: vec![[1; 32]], contact: contact.to_owned() };
        for bad in ["", "  ", "two\nlines"] {
            assert_eq!(EventClaim::from_bytes(&line(bad).to_bytes()), Err(WireError::Value), "{bad:?}");
        }
        assert!(EventClaim::from_bytes(&line(&"a".repeat(257)).to_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn foreign_bytes_have_one_spelling(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
            if let Ok(read) = EventRequest::from_bytes(&bytes) { prop_assert_eq!(read.to_bytes(), bytes.clone()); }
            if let Ok((ask, digest, read)) = EventAnswer::from_bytes(&bytes) { prop_assert_eq!(read.to_bytes(&ask, &digest), bytes.clone()); }
            if let Ok(read) = EventClaim::from_bytes(&bytes) { prop_assert_eq!(read.to_bytes(), bytes.clone()); }
            if let Ok(read) = EventContacts::from_bytes(&bytes) { prop_assert_eq!(read.to_bytes(), bytes); }
        }
    }
}
