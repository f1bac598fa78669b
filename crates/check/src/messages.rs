//! The documents of a check. Carried inside sealed envelopes of the exchange: who sent them is proven there.

use mithaq_model::{AgreementId, CaseId, Millis, PartyId, Purpose, SubjectClass, Timestamp};
use mithaq_wire::WireError;
use mithaq_wire::cbor::{Reader, Writer};
use sha2::{Digest as _, Sha256};

use crate::oprf::{BATCH_MAX, Element, Proof};
use crate::set::party;

/// Number of a check, made at random by the asking side.
pub type CheckId = [u8; 16];
/// Longest code of a vocabulary.
const CODE_MAX: usize = 64;
/// Most claims of one message: one per evaluation at most, and a check with more hits is none.
pub const CLAIMS_MAX: usize = 1_024;

/// The question. Nothing in it depends on whom it is about but the blinded elements, which are uniform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Number of the check.
    pub check: CheckId,
    /// Agreement.
    pub agreement: AgreementId,
    /// Who asks.
    pub asking: PartyId,
    /// Who is asked.
    pub asked: PartyId,
    /// Epoch of the key.
    pub epoch: u32,
    /// Hash of the policy of tokens.
    pub policy: [u8; 32],
    /// The case, a number that means something on the asking side only.
    pub case: CaseId,
    /// What for.
    pub purpose: Purpose,
    /// In what capacity the persons appear.
    pub class: SubjectClass,
    /// Pseudonym of the officer, meaningful to the asking side's oversight only.
    pub officer: [u8; 16],
    /// How many subjects.
    pub subjects: u32,
    /// When it was made, by the asking side's clock.
    pub created: Timestamp,
    /// Commitment to the query set ([`crate::Opening`]): both sides log it.
    pub commitment: [u8; 32],
    /// What is to be evaluated.
    pub elements: Vec<Element>,
}

impl Request {
    /// Returns the bytes: an array of 15 parts in the order of the fields, after the version.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(15).uint(1).bytes(&self.check).bytes(self.agreement.as_bytes());
        w.text(self.asking.as_str())
            .text(self.asked.as_str())
            .uint(u64::from(self.epoch))
            .bytes(&self.policy);
        w.bytes(self.case.as_bytes()).text(self.purpose.code()).text(self.class.code()).bytes(&self.officer);
        w.uint(u64::from(self.subjects)).int(self.created.as_millis()).bytes(&self.commitment);
        w.bytes(&joined(&self.elements));
        w.finish()
    }

    /// Reads a request.
    ///
    /// # Errors
    /// When it is none. Elements are not checked here but when they are used.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        versioned(&mut r, 15)?;
        let request = Self {
            check: r.array()?,
            agreement: AgreementId::new(r.array()?),
            asking: party(&mut r)?,
            asked: party(&mut r)?,
            epoch: r.u32()?,
            policy: r.array()?,
            case: CaseId::new(r.array()?),
            purpose: Purpose::from_code(r.text(CODE_MAX)?).map_err(|_unknown| WireError::Code)?,
            class: SubjectClass::from_code(r.text(CODE_MAX)?).map_err(|_unknown| WireError::Code)?,
            officer: r.array()?,
            subjects: r.u32()?,
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
}

/// What the asked side says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Evaluated, or made to look so: where the agreement says so a refusal has this form too.
    Evaluated {
        /// Number of the check.
        check: CheckId,
        /// Digest of the request.
        request: [u8; 32],
        /// One per element of the request.
        elements: Vec<Element>,
        /// The proof, under a verifiable agreement.
        proof: Option<Proof>,
    },
    /// Refused, where the agreement lets it be seen.
    Refused {
        /// Number of the check.
        check: CheckId,
        /// Digest of the request.
        request: [u8; 32],
        /// Stable code.
        code: String,
    },
}

impl Answer {
    /// Returns the bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        match self {
            Self::Evaluated { check, request, elements, proof } => {
                w.array(6).uint(1).uint(0).bytes(check).bytes(request).bytes(&joined(elements));
                match proof {
                    Some(proof) => w.bytes(&proof.0),
                    None => w.null(),
                };
            }
            Self::Refused { check, request, code } => {
                w.array(5).uint(1).uint(1).bytes(check).bytes(request).text(code);
            }
        }
        w.finish()
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let parts = r.list(6)?;
        if r.uint()? != 1 {
            return Err(WireError::Version);
        }
        let (form, check, request) = (r.uint()?, r.array()?, r.array()?);
        let answer = match (form, parts) {
            (0, 6) => {
                let elements = elements(&mut r)?;
                let proof = if r.null() { None } else { Some(Proof(r.array()?)) };
                Self::Evaluated { check, request, elements, proof }
            }
            (1, 5) => Self::Refused { check, request, code: code(r.text(CODE_MAX)?)? },
            _other => return Err(WireError::Type),
        };
        r.end()?;
        Ok(answer)
    }

    /// Returns how long after the request arrived the answer leaves: from the number of elements alone, longer than
    /// any refusal and any evaluation takes, so that neither shows in the time.
    #[must_use]
    pub fn leaves_after(elements: usize) -> Millis {
        Millis(250 + u64::try_from(elements).unwrap_or(u64::MAX) / 4)
    }
}

/// "These were hits": the second half of each output that is in the set. Only who had it evaluated knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Number of the check.
    pub check: CheckId,
    /// Second halves of outputs; none twice.
    pub halves: Vec<[u8; 32]>,
    /// "Not that person" (limit L18): each for one of the halves. What it names is no hit again.
    pub cleared: Vec<Cleared>,
}

/// That the subject behind a half was compared with the one behind a handle, and is another person. Both sides keep the
/// handle of what was rejected; only who was a side of it knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cleared {
    /// Second half of an output of the subject that is asked about.
    pub half: [u8; 32],
    /// The handle under which a person rejected the candidate.
    pub handle: [u8; 16],
}

impl Cleared {
    const BYTES: usize = 32 + 16;

    fn bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let (half, handle) = bytes.split_at_mut(32);
        half.copy_from_slice(&self.half);
        handle.copy_from_slice(&self.handle);
        bytes
    }

    fn of_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let (half, handle) = bytes.split_first_chunk::<32>()?;
        Some(Self { half: *half, handle: *handle.first_chunk::<16>()? })
    }
}

impl Claims {
    /// Returns the bytes: three parts where nobody was cleared, four else.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        let parts = if self.cleared.is_empty() { 3 } else { 4 };
        w.array(parts).uint(1).bytes(&self.check).bytes(&self.halves.concat());
        if !self.cleared.is_empty() {
            w.bytes(&cleared_bytes(&self.cleared));
        }
        w.finish()
    }

    /// Reads claims.
    ///
    /// # Errors
    /// When they are none, too many, or not in rising order; when one is cleared that is not claimed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let parts = r.list(4)?;
        if r.uint()? != 1 {
            return Err(WireError::Version);
        }
        let check = r.array()?;
        let (halves, rest) = r.bytes(32 * CLAIMS_MAX)?.as_chunks::<32>();
        let cleared = match parts {
            3 => Vec::new(),
            4 => read_cleared(r.bytes(Cleared::BYTES * CLAIMS_MAX)?)?,
            _other => return Err(WireError::Type),
        };
        r.end()?;
        if !rest.is_empty() || halves.is_empty() {
            return Err(WireError::Type);
        }
        let of_claims = |one: &Cleared| halves.binary_search(&one.half).is_ok();
        if !halves.is_sorted_by(|a, b| a < b)
            || (parts == 4 && cleared.is_empty())
            || !cleared.iter().all(of_claims)
        {
            return Err(WireError::NotCanonical);
        }
        Ok(Self { check, halves: halves.to_vec(), cleared })
    }
}

/// Returns who was cleared as a store keeps it.
#[must_use]
pub fn cleared_bytes(cleared: &[Cleared]) -> Vec<u8> {
    cleared.iter().flat_map(Cleared::bytes).collect()
}

/// Reads who was cleared.
///
/// # Errors
/// When they are none, or not in rising order.
pub fn read_cleared(bytes: &[u8]) -> Result<Vec<Cleared>, WireError> {
    let (chunks, rest) = bytes.as_chunks::<{ Cleared::BYTES }>();
    let cleared: Vec<Cleared> = chunks.iter().filter_map(Cleared::of_bytes).collect();
    if !rest.is_empty() {
        return Err(WireError::Type);
    }
    if cleared.is_sorted_by(|a, b| a < b) { Ok(cleared) } else { Err(WireError::NotCanonical) }
}

/// What each claim is answered with, in its order: a handle for a hit, nothing for chance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handles {
    /// Number of the check.
    pub check: CheckId,
    /// One per claim: a random number under which both sides speak of the candidate.
    pub handles: Vec<Option<[u8; 16]>>,
}

impl Handles {
    /// Returns the bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(3).uint(1).bytes(&self.check).array(self.handles.len());
        for handle in &self.handles {
            match handle {
                Some(handle) => w.bytes(handle),
                None => w.null(),
            };
        }
        w.finish()
    }

    /// Reads handles.
    ///
    /// # Errors
    /// When they are none or too many.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        versioned(&mut r, 3)?;
        let check = r.array()?;
        let count = r.list(CLAIMS_MAX)?;
        let mut handles = Vec::new();
        for _ in 0..count {
            handles.push(if r.null() { None } else { Some(r.array()?) });
        }
        r.end()?;
        Ok(Self { check, handles })
    }
}

/// The head of a document: so many parts, of which the first is the version.
pub(crate) fn versioned(r: &mut Reader<'_>, parts: u64) -> Result<(), WireError> {
    r.tuple(parts)?;
    if r.uint()? == 1 { Ok(()) } else { Err(WireError::Version) }
}

/// A stable code: letters, digits, dot and underscore.
pub(crate) fn code(text: &str) -> Result<String, WireError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'_';
    if text.is_empty() || !text.bytes().all(plain) { Err(WireError::Value) } else { Ok(text.to_owned()) }
}

fn joined(elements: &[Element]) -> Vec<u8> {
    elements.iter().flat_map(|element| element.0).collect()
}

fn elements(r: &mut Reader<'_>) -> Result<Vec<Element>, WireError> {
    let (elements, rest) = r.bytes(32 * BATCH_MAX)?.as_chunks::<32>();
    if elements.is_empty() || !rest.is_empty() {
        return Err(WireError::Type);
    }
    Ok(elements.iter().map(|bytes| Element(*bytes)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request() -> Request {
        Request {
            check: [1; 16],
            agreement: AgreementId::new([2; 32]),
            asking: PartyId::new("ma-security").unwrap(),
            asked: PartyId::new("es-police").unwrap(),
            epoch: 1,
            policy: [3; 32],
            case: CaseId::new([4; 16]),
            purpose: Purpose::Investigate,
            class: SubjectClass::Wanted,
            officer: [5; 16],
            subjects: 1,
            created: Timestamp::from_millis(9),
            commitment: [6; 32],
            elements: vec![Element([7; 32]); 3],
        }
    }

    #[test]
    fn documents_read_what_they_write() {
        let request = request();
        assert_eq!(Request::from_bytes(&request.to_bytes()), Ok(request.clone()));
        let (check, digest) = ([1; 16], request.digest());
        let elements = vec![Element([8; 32]); 3];
        for answer in [
            Answer::Evaluated { check, request: digest, elements: elements.clone(), proof: None },
            Answer::Evaluated { check, request: digest, elements, proof: Some(Proof([9; 64])) },
            Answer::Refused { check, request: digest, code: "BUD".to_owned() },
        ] {
            assert_eq!(Answer::from_bytes(&answer.to_bytes()), Ok(answer));
        }
        let halves = vec![[1; 32], [2; 32]];
        let claims = Claims { check, halves: halves.clone(), cleared: Vec::new() };
        let plain = claims.to_bytes();
        assert_eq!(Claims::from_bytes(&plain), Ok(claims));
        let twice = Claims { check, halves: vec![[2; 32], [2; 32]], cleared: Vec::new() };
        assert_eq!(Claims::from_bytes(&twice.to_bytes()), Err(WireError::NotCanonical));
        let cleared = |half: u8, handle: u8| Cleared { half: [half; 32], handle: [handle; 16] };
        let of = |cleared: Vec<Cleared>| Claims { check, halves: halves.clone(), cleared };
        let both = of(vec![cleared(1, 9), cleared(2, 7)]);
        assert_eq!(Claims::from_bytes(&both.to_bytes()), Ok(both));
        for wrong in [vec![cleared(2, 7), cleared(1, 9)], vec![cleared(1, 9); 2], vec![cleared(3, 1)]] {
            assert_eq!(Claims::from_bytes(&of(wrong).to_bytes()), Err(WireError::NotCanonical));
        }
        // Four parts of which the last says nothing would be a second spelling.
        let mut empty = plain;
        empty[0] = 0x84;
        empty.push(0x40);
        assert_eq!(Claims::from_bytes(&empty), Err(WireError::NotCanonical));
        let handles = Handles { check, handles: vec![None, Some([3; 16])] };
        assert_eq!(Handles::from_bytes(&handles.to_bytes()), Ok(handles));
    }

    proptest! {
        #[test]
        fn foreign_bytes_have_one_spelling(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(read) = Request::from_bytes(&bytes) { prop_assert_eq!(read.to_bytes(), bytes.clone()); }
            if let Ok(read) = Answer::from_bytes(&bytes) { prop_assert_eq!(read.to_bytes(), bytes.clone()); }
            if let Ok(read) = Claims::from_bytes(&bytes) { prop_assert_eq!(read.to_bytes(), bytes.clone()); }
            if let Ok(read) = Handles::from_bytes(&bytes) { prop_assert_eq!(read.to_bytes(), bytes); }
        }
    }
}
