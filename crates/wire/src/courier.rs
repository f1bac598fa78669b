//! A volume that travels by hand between nodes without a line between them: the batches or answers of one journey, and
//! what is signed about them. Exact bytes: `docs/spec/courier.md`.

use mithaq_model::{AgreementId, PartyId, Timestamp};

use crate::attachment::CHUNK_LIST_MAX;
use crate::cbor::{Reader, WireError, Writer};
use crate::codec::{Part, get_list, put_list};
use crate::doc::{Digest, Lane};

const VERSION: u64 = 1;
/// The first bytes of every volume: a name, and line ends that a careless copy as text would change.
pub const COURIER_MAGIC: &[u8; 8] = b"MXB\r\n\x1a\n1";
/// Longest volume in bytes: one request body in memory.
pub const COURIER_MAX: usize = 48 * 1024 * 1024;
/// Most parts of a volume: their list is signed in one header.
pub const COURIER_PARTS_MAX: usize = 512;
/// Longest part: a batch, or an answer, with its frame.
pub const COURIER_PART_MAX: usize = 1024 * 1024 + 64 * 1024;
/// Longest head in bytes.
const HEAD_MAX: usize = 60 * 1024;
/// Longest signed head in bytes.
const SIGNED_MAX: usize = 62 * 1024;
/// Longest checkpoint in bytes.
const CHECKPOINT_MAX: usize = 4 * 1024;

/// What the parts of a volume are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CourierKind {
    /// Batches on their way to the recipient.
    Batches,
    /// Answers to batches on their way back: the receipts.
    Answers,
}

/// One part: a batch or an answer of one lane; of class bulk, a piece of an attachment ([`CourierPiece`]) or how far one
/// is there ([`CourierHave`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourierPart {
    /// Agreement of the lane.
    pub agreement: AgreementId,
    /// Class of the lane.
    pub lane: Lane,
    /// SHA-256 of the part.
    pub digest: Digest,
}

/// What the node that made a volume signs about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourierHead {
    /// What the parts are.
    pub kind: CourierKind,
    /// Who made it.
    pub from: PartyId,
    /// For whom.
    pub to: PartyId,
    /// Number of the journey, random; that of the batches in their answers.
    pub journey: [u8; 16],
    /// Number of the volume in its journey, from 1.
    pub volume: u32,
    /// Whether it is the last of its journey.
    pub last: bool,
    /// The manifest whose node key signs.
    pub manifest: Digest,
    /// When it was made, by the maker's clock. Advisory.
    pub made: Timestamp,
    /// The maker's last checkpoint note, if it has one.
    pub checkpoint: Option<Vec<u8>>,
    /// The parts, in the order they stand in and are to be taken in. Not empty.
    pub parts: Vec<CourierPart>,
}

impl Part for CourierPart {
    fn put(&self, w: &mut Writer) {
        w.array(3);
        self.agreement.put(w);
        self.lane.put(w);
        self.digest.put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(3)?;
        Ok(Self { agreement: Part::get(r)?, lane: Part::get(r)?, digest: Part::get(r)? })
    }
}

/// Returns the canonical bytes of a head.
#[must_use]
pub fn encode_courier_head(head: &CourierHead) -> Vec<u8> {
    let mut w = Writer::default();
    w.array(11).uint(VERSION).uint(match head.kind {
        CourierKind::Batches => 0,
        CourierKind::Answers => 1,
    });
    head.from.put(&mut w);
    head.to.put(&mut w);
    w.bytes(&head.journey).uint(u64::from(head.volume)).bool(head.last);
    head.manifest.put(&mut w);
    head.made.put(&mut w);
    match &head.checkpoint {
        Some(note) => w.bytes(note),
        None => w.null(),
    };
    put_list(&mut w, &head.parts);
    w.finish()
}

/// Reads the bytes.
///
/// # Errors
/// When they are not the canonical encoding of a head within its limits.
pub fn decode_courier_head(bytes: &[u8]) -> Result<CourierHead, WireError> {
    if bytes.len() > HEAD_MAX {
        return Err(WireError::Limit);
    }
    let mut r = Reader::new(bytes);
    r.tuple(11)?;
    if r.uint()? != VERSION {
        return Err(WireError::Version);
    }
    let kind = match r.uint()? {
        0 => CourierKind::Batches,
        1 => CourierKind::Answers,
        _other => return Err(WireError::Code),
    };
    let head = CourierHead {
        kind,
        from: PartyId::get(&mut r)?,
        to: PartyId::get(&mut r)?,
        journey: r.array()?,
        volume: r.u32()?,
        last: r.bool()?,
        manifest: Digest::get(&mut r)?,
        made: Timestamp::get(&mut r)?,
        checkpoint: if r.null() { None } else { Some(r.bytes(CHECKPOINT_MAX)?.to_vec()) },
        parts: get_list(&mut r, COURIER_PARTS_MAX)?,
    };
    r.end()?;
    // A journey has a first volume, and a volume carries something.
    if head.volume == 0 || head.parts.is_empty() { Err(WireError::Value) } else { Ok(head) }
}

/// Returns the bytes of a volume: magic, parts, and the signed head at the end.
#[must_use]
pub fn encode_courier<P: AsRef<[u8]>>(parts: &[P], signed: &[u8]) -> Vec<u8> {
    let mut w = Writer::default();
    w.array(2).array(parts.len());
    parts.iter().for_each(|part| {
        w.bytes(part.as_ref());
    });
    w.bytes(signed);
    let body = w.finish();
    [COURIER_MAGIC.as_slice(), &body].concat()
}

/// Takes a volume apart: its parts and the signed head. Nothing is verified.
///
/// # Errors
/// When the bytes are no volume in its only spelling, or beyond the limits.
pub fn decode_courier(bytes: &[u8]) -> Result<(Vec<&[u8]>, &[u8]), WireError> {
    if bytes.len() > COURIER_MAX {
        return Err(WireError::Limit);
    }
    let body = bytes.strip_prefix(COURIER_MAGIC.as_slice()).ok_or(WireError::Version)?;
    let mut r = Reader::new(body);
    r.tuple(2)?;
    let length = r.list(COURIER_PARTS_MAX)?;
    let mut parts = Vec::new();
    for _ in 0..length {
        parts.push(r.bytes(COURIER_PART_MAX)?);
    }
    let signed = r.bytes(SIGNED_MAX)?;
    r.end()?;
    Ok((parts, signed))
}

/// A piece of an attachment as a part of a volume: the list of its chunks, or one encrypted chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourierPiece<'a> {
    /// Which attachment.
    pub root: Digest,
    /// Number of the chunk, from 0; none: the bytes are the list.
    pub index: Option<u64>,
    /// The bytes as they would go over the line.
    pub bytes: &'a [u8],
}

/// Returns the canonical bytes of a piece.
#[must_use]
pub fn encode_courier_piece(piece: &CourierPiece<'_>) -> Vec<u8> {
    let mut w = Writer::default();
    w.array(4).uint(VERSION);
    piece.root.put(&mut w);
    put_number(&mut w, piece.index);
    w.bytes(piece.bytes);
    w.finish()
}

/// Reads the bytes.
///
/// # Errors
/// When they are not the canonical encoding of a piece within its limits.
pub fn decode_courier_piece(bytes: &[u8]) -> Result<CourierPiece<'_>, WireError> {
    let mut r = version_of(bytes, 4)?;
    let (root, index) = (Digest::get(&mut r)?, get_number(&mut r)?);
    // The list of the longest attachment is a little longer than a chunk.
    let piece = CourierPiece { root, index, bytes: r.bytes(CHUNK_LIST_MAX)? };
    r.end()?;
    Ok(piece)
}

/// How far the receiving side has an attachment: the answer to a piece of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CourierHave {
    /// Which attachment.
    pub root: Digest,
    /// Chunks it has from the beginning, durable; none: it lacks the list too.
    pub have: Option<u64>,
}

/// Returns the canonical bytes.
#[must_use]
pub fn encode_courier_have(have: &CourierHave) -> Vec<u8> {
    let mut w = Writer::default();
    w.array(3).uint(VERSION);
    have.root.put(&mut w);
    put_number(&mut w, have.have);
    w.finish()
}

/// Reads the bytes.
///
/// # Errors
/// When they are not the canonical encoding.
pub fn decode_courier_have(bytes: &[u8]) -> Result<CourierHave, WireError> {
    let mut r = version_of(bytes, 3)?;
    let have = CourierHave { root: Digest::get(&mut r)?, have: get_number(&mut r)? };
    r.end()?;
    Ok(have)
}

fn version_of(bytes: &[u8], members: u64) -> Result<Reader<'_>, WireError> {
    if bytes.len() > COURIER_PART_MAX {
        return Err(WireError::Limit);
    }
    let mut r = Reader::new(bytes);
    r.tuple(members)?;
    if r.uint()? == VERSION { Ok(r) } else { Err(WireError::Version) }
}

fn put_number(w: &mut Writer, number: Option<u64>) {
    match number {
        Some(number) => w.uint(number),
        None => w.null(),
    };
}

fn get_number(r: &mut Reader<'_>) -> Result<Option<u64>, WireError> {
    Ok(if r.null() { None } else { Some(r.uint()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_attachments_and_how_far_they_are_have_one_spelling() {
        for (index, bytes) in [(None, b"list".as_slice()), (Some(0), b""), (Some(u64::MAX), b"chunk")] {
            let piece = CourierPiece { root: Digest([4; 32]), index, bytes };
            let encoded = encode_courier_piece(&piece);
            assert_eq!(decode_courier_piece(&encoded), Ok(piece));
            let have = CourierHave { root: Digest([4; 32]), have: index };
            let told = encode_courier_have(&have);
            assert_eq!(decode_courier_have(&told), Ok(have));
            for cut in 0..encoded.len() {
                assert!(decode_courier_piece(&encoded[..cut]).is_err());
            }
            for cut in 0..told.len() {
                assert!(decode_courier_have(&told[..cut]).is_err());
            }
        }
        let long = vec![0; CHUNK_LIST_MAX + 1];
        let long = CourierPiece { root: Digest([4; 32]), index: Some(1), bytes: &long };
        assert_eq!(decode_courier_piece(&encode_courier_piece(&long)), Err(WireError::Limit));
    }

    fn head() -> CourierHead {
        let part = |lane| CourierPart { agreement: AgreementId::new([7; 32]), lane, digest: Digest([5; 32]) };
        CourierHead {
            kind: CourierKind::Batches,
            from: PartyId::new("ma-security").unwrap(),
            to: PartyId::new("es-police").unwrap(),
            journey: [9; 16],
            volume: 1,
            last: true,
            manifest: Digest([3; 32]),
            made: Timestamp::from_millis(1_000),
            checkpoint: Some(b"note".to_vec()),
            parts: vec![part(Lane::Control), part(Lane::Report)],
        }
    }

    #[test]
    fn a_head_has_one_spelling() {
        for head in
            [head(), CourierHead { kind: CourierKind::Answers, checkpoint: None, last: false, ..head() }]
        {
            let bytes = encode_courier_head(&head);
            assert_eq!(decode_courier_head(&bytes), Ok(head));
            for cut in 0..bytes.len() {
                assert!(decode_courier_head(&bytes[..cut]).is_err());
            }
        }
    }

    #[test]
    fn a_head_without_parts_or_number_is_none() {
        for wrong in [CourierHead { parts: Vec::new(), ..head() }, CourierHead { volume: 0, ..head() }] {
            assert_eq!(decode_courier_head(&encode_courier_head(&wrong)), Err(WireError::Value));
        }
        let many = CourierHead { parts: vec![head().parts[0].clone(); COURIER_PARTS_MAX + 1], ..head() };
        assert_eq!(decode_courier_head(&encode_courier_head(&many)), Err(WireError::Limit));
    }

    #[test]
    fn a_volume_is_taken_apart_and_no_half_of_it_is() {
        let bytes = encode_courier(&[b"one".as_slice(), b"two"], b"signed");
        let (parts, signed) = decode_courier(&bytes).unwrap();
        assert_eq!((parts, signed), (vec![b"one".as_slice(), b"two"], b"signed".as_slice()));
        for cut in 0..bytes.len() {
            assert!(decode_courier(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(decode_courier(&[bytes.clone(), vec![0]].concat()).is_err());
        let as_text = bytes.iter().copied().filter(|byte| *byte != b'\r').collect::<Vec<_>>();
        assert_eq!(decode_courier(&as_text), Err(WireError::Version), "a copy as text is seen");
    }
}
