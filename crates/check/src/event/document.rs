//! The documents of deconfliction. Each question has a key of its own on the asked side, made for it and forgotten with its
//! answer: there is no set to keep, and nothing of one question says anything about another.

use mithaq_model::{AgreementId, Lang, PartyId, Purpose, Text, Timestamp};
use mithaq_wire::WireError;
use mithaq_wire::cbor::{Reader, Writer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::TokenKey;
use crate::messages::{CheckId, code};
use crate::oprf::{Element, Output};
use crate::set::party;

use super::{EVENT_CELLS, EVENT_PLANS_MAX};

/// Tags of an answer, however many plans there are: those of [`EVENT_PLANS_MAX`] plans.
pub const EVENT_TAGS: usize = EVENT_PLANS_MAX * EVENT_CELLS;
/// Longest point of contact in bytes.
pub const CONTACT_MAX: usize = 256;
/// Most points of contact of one conflict.
pub const EVENT_CONTACTS_MAX: usize = 32;
const CODE_MAX: usize = 64;

/// A tag of a plan under a question's key.
pub type EventTag = [u8; 16];

/// "Do you plan something near this?" Nothing in it depends on where or when but the blinded element. One question is one
/// cell: by form there is no room for a second.
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
    /// Commitment to the cell ([`crate::Opening`]): both sides log it.
    pub commitment: [u8; 32],
    /// What is to be evaluated.
    pub element: Element,
}

impl EventRequest {
    /// Returns the bytes: `[1, ask, agreement, asking, asked, purpose, case, officer, created, commitment, element]`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(11).uint(1).bytes(&self.ask).bytes(self.agreement.as_bytes());
        w.text(self.asking.as_str()).text(self.asked.as_str()).text(self.purpose.code());
        w.bytes(&self.case).bytes(&self.officer).int(self.created.as_millis()).bytes(&self.commitment);
        w.bytes(&self.element.0);
        w.finish()
    }

    /// Reads a request.
    ///
    /// # Errors
    /// When it is none.
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
            element: Element(r.array()?),
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

fn version(r: &mut Reader<'_>) -> Result<(), WireError> {
    if r.uint()? == 1 { Ok(()) } else { Err(WireError::Version) }
}

/// What the asked side says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventAnswer {
    /// Evaluated, with the tags of its plans and random ones, rising.
    Evaluated(Element, Vec<EventTag>),
    /// Refused, with a code.
    Refused(String),
}

impl EventAnswer {
    /// Returns the bytes: `[1, ask, H(request), element, tags]` or `[1, ask, H(request), code]`.
    #[must_use]
    pub fn to_bytes(&self, ask: &CheckId, request: &[u8; 32]) -> Vec<u8> {
        let mut w = Writer::default();
        match self {
            Self::Evaluated(element, tags) => {
                w.array(5).uint(1).bytes(ask).bytes(request).bytes(&element.0).bytes(&tags.concat());
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
    /// When it is none, or its tags are another number than [`EVENT_TAGS`] or not in rising order.
    pub fn from_bytes(bytes: &[u8]) -> Result<(CheckId, [u8; 32], Self), WireError> {
        let mut r = Reader::new(bytes);
        let parts = r.list(5)?;
        version(&mut r)?;
        let (ask, request) = (r.array()?, r.array()?);
        let answer = match parts {
            4 => Self::Refused(code(r.text(CODE_MAX)?)?),
            5 => {
                let element = Element(r.array()?);
                let (tags, rest) = r.bytes(16 * EVENT_TAGS)?.as_chunks::<16>();
                if tags.len() != EVENT_TAGS || !rest.is_empty() {
                    return Err(WireError::Type);
                }
                if !tags.is_sorted_by(|a, b| a < b) {
                    return Err(WireError::NotCanonical);
                }
                Self::Evaluated(element, tags.to_vec())
            }
            _other => return Err(WireError::Type),
        };
        r.end()?;
        Ok((ask, request, answer))
    }
}

/// "It met": the second half of the output that is among the tags, and whom to call.
#[derive(Clone, PartialEq, Eq)]
pub struct EventClaim {
    /// Number of the question.
    pub ask: CheckId,
    /// The second half.
    pub half: [u8; 32],
    /// The asking side's point of contact.
    pub contact: String,
}

impl core::fmt::Debug for EventClaim {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("<claim of a conflict>")
    }
}

impl EventClaim {
    /// Returns the bytes: `[1, ask, half, contact]`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(4).uint(1).bytes(&self.ask).bytes(&self.half).text(&self.contact);
        w.finish()
    }

    /// Reads a claim.
    ///
    /// # Errors
    /// When it is none, or the contact is no line.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        r.tuple(4)?;
        version(&mut r)?;
        let claim = Self { ask: r.array()?, half: r.array()?, contact: contact(&mut r)? };
        r.end()?;
        Ok(claim)
    }

    /// Returns whether what is claimed is this half, in a time that says nothing of how far the two agree.
    #[must_use]
    pub fn is_of(&self, half: &[u8; 32]) -> bool {
        self.half.ct_eq(half).into()
    }
}

/// Returns whether a text is a point of contact: one line, and nothing in it makes it read as something else.
#[must_use]
pub fn is_contact(text: &str) -> bool {
    // The language does not matter: no more is asked of it than to be a line.
    text.len() <= CONTACT_MAX && Text::line(Lang::EN, text).is_ok_and(|line| line.reveal() == text)
}

fn contact(r: &mut Reader<'_>) -> Result<String, WireError> {
    let text = r.text(CONTACT_MAX)?;
    if is_contact(text) { Ok(text.to_owned()) } else { Err(WireError::Value) }
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
        for _ in 0..r.list(EVENT_CONTACTS_MAX)? {
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
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in crate::event) fn request() -> EventRequest {
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
            element: Element([7; 32]),
        }
    }

    fn tags(first: u128) -> Vec<EventTag> {
        (first..).take(EVENT_TAGS).map(u128::to_be_bytes).collect()
    }

    #[test]
    fn documents_read_what_they_write() {
        let request = request();
        assert_eq!(EventRequest::from_bytes(&request.to_bytes()), Ok(request.clone()));
        let digest = request.digest();
        for answer in
            [EventAnswer::Evaluated(request.element, tags(1)), EventAnswer::Refused("BUD".to_owned())]
        {
            let bytes = answer.to_bytes(&[1; 16], &digest);
            assert_eq!(EventAnswer::from_bytes(&bytes), Ok(([1; 16], digest, answer)));
        }
        let claim = EventClaim { ask: [1; 16], half: [1; 32], contact: "desk 12".to_owned() };
        assert_eq!(EventClaim::from_bytes(&claim.to_bytes()), Ok(claim.clone()));
        let contacts = EventContacts { ask: [1; 16], contacts: vec!["a".to_owned(), "b".to_owned()] };
        assert_eq!(EventContacts::from_bytes(&contacts.to_bytes()), Ok(contacts));
        assert_eq!(format!("{claim:?}"), "<claim of a conflict>", "no contact in a log");
    }

    #[test]
    fn what_has_another_number_or_order_or_is_no_line_is_refused() {
        // Two elements in the place of one: there is no question about two cells.
        let mut w = Writer::default();
        w.array(11).uint(1).bytes(&[1; 16]).bytes(&[2; 32]).text("ma-security").text("es-police");
        w.text(Purpose::Investigate.code()).bytes(&[3; 16]).bytes(&[4; 16]).int(5).bytes(&[6; 32]);
        w.bytes(&[7; 64]);
        assert!(EventRequest::from_bytes(&w.finish()).is_err());
        let answer = |tags| EventAnswer::Evaluated(request().element, tags).to_bytes(&[1; 16], &[0; 32]);
        let turned = tags(1).into_iter().rev().collect();
        assert_eq!(EventAnswer::from_bytes(&answer(turned)), Err(WireError::NotCanonical));
        assert_eq!(EventAnswer::from_bytes(&answer(vec![[1; 16]; EVENT_TAGS])), Err(WireError::NotCanonical));
        let (fewer, more) = (tags(1).split_off(1), [tags(1), vec![[9; 16]]].concat());
        assert_eq!(EventAnswer::from_bytes(&answer(fewer)), Err(WireError::Type));
        assert!(EventAnswer::from_bytes(&answer(more)).is_err());
        let line = |contact: &str| EventClaim { ask: [1; 16], half: [1; 32], contact: contact.to_owned() };
        for bad in ["", "  ", " room 12", "two\nlines", "room \u{202e}21", "tab\t1"] {
            assert_eq!(EventClaim::from_bytes(&line(bad).to_bytes()), Err(WireError::Value), "{bad:?}");
        }
        assert!(EventClaim::from_bytes(&line(&"a".repeat(256)).to_bytes()).is_ok());
        assert!(EventClaim::from_bytes(&line(&"a".repeat(257)).to_bytes()).is_err());
        let many = (0..=EVENT_CONTACTS_MAX).map(|n| format!("{n:03}")).collect::<Vec<_>>();
        assert!(
            EventContacts::from_bytes(&EventContacts { ask: [1; 16], contacts: many }.to_bytes()).is_err()
        );
        let twice = EventContacts { ask: [1; 16], contacts: vec!["b".to_owned(), "b".to_owned()] };
        assert_eq!(EventContacts::from_bytes(&twice.to_bytes()), Err(WireError::NotCanonical));
    }

    #[test]
    fn a_claim_is_of_one_half_and_of_none_that_differs_in_a_bit() {
        let claim = EventClaim { ask: [1; 16], half: [0xa5; 32], contact: "desk 12".to_owned() };
        assert!(claim.is_of(&[0xa5; 32]));
        for bit in 0..256 {
            let mut other = claim.half;
            if let Some(byte) = other.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
            assert!(!claim.is_of(&other), "bit {bit}");
        }
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
