//! The checker's own reading of papers: envelopes and receipts decoded and verified here, with nothing taken
//! from the code that writes them.

use sha2::{Digest, Sha256};

use crate::history::{LaneKey, Place};

/// What the checker reads of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) lane: LaneKey,
    pub(super) at: Place,
    pub(super) prev: [u8; 32],
}

/// What the checker reads of a receipt.
pub(super) struct SeenReceipt {
    pub(super) lane: LaneKey,
    /// Place, envelope, verdict code.
    pub(super) statements: Vec<(Place, [u8; 32], String)>,
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

struct Left<'a>(&'a [u8]);

impl<'a> Left<'a> {
    fn cut(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.cut(1)?.first().copied()
    }

    fn number(&mut self, n: usize) -> Option<u64> {
        Some(self.cut(n)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn h32(&mut self) -> Option<[u8; 32]> {
        self.cut(32)?.try_into().ok()
    }

    fn string(&mut self) -> Option<String> {
        let n = usize::from(self.u8()?);
        String::from_utf8(self.cut(n)?.to_vec()).ok()
    }

    fn lane(&mut self) -> Option<LaneKey> {
        Some(LaneKey { from: self.string()?, to: self.string()?, agreement: self.h32()?, class: self.u8()? })
    }

    fn place(&mut self) -> Option<Place> {
        let epoch = self.number(4)?;
        Some((u32::try_from(epoch).ok()?, self.number(8)?))
    }
}

fn is_signed(bytes: &[u8], party: &str, manifest: [u8; 32], domain: u8) -> bool {
    let known = sha256(&[b"manifest".as_slice(), party.as_bytes(), &1_u32.to_be_bytes()].concat());
    let Some((signature, body)) = bytes.split_at_checked(32) else { return false };
    let right = sha256(&[b"hand of ".as_slice(), party.as_bytes(), &manifest, &[domain], body].concat());
    manifest == known && signature == right
}

/// Reads an envelope if its signature is right.
pub(super) fn envelope(bytes: &[u8]) -> Option<Seen> {
    let mut left = Left(bytes.get(33..)?);
    let (lane, at, prev) = (left.lane()?, left.place()?, left.h32()?);
    let manifest = left.h32()?;
    is_signed(bytes, &lane.from, manifest, 1).then_some(Seen { lane, at, prev })
}

/// Reads a receipt if its signature is right.
pub(super) fn receipt(bytes: &[u8]) -> Option<SeenReceipt> {
    let mut left = Left(bytes.get(32..)?);
    let (lane, manifest) = (left.lane()?, left.h32()?);
    let _stored_at = left.number(8)?;
    let mut statements = Vec::new();
    for _one in 0..left.u8()? {
        let (at, hash, class, code) = (left.place()?, left.h32()?, left.u8()?, left.string()?);
        statements.push((at, hash, if class == 0 { "accepted".to_owned() } else { code }));
    }
    is_signed(bytes, &lane.to, manifest, 2).then_some(SeenReceipt { lane, statements })
}
