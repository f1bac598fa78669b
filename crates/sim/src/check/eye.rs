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
    /// Which of the receiver's logs has the entries.
    pub(super) log: u64,
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

    fn h16(&mut self) -> Option<[u8; 16]> {
        self.cut(16)?.try_into().ok()
    }

    fn version(&mut self) -> Option<u32> {
        u32::try_from(self.number(4)?).ok()
    }

    fn time(&mut self) -> Option<i64> {
        Some(self.number(8)?.cast_signed())
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let n = usize::try_from(self.number(4)?).ok()?;
        self.cut(n)
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
    let (_stored_at, log) = (left.number(8)?, left.number(4)?);
    let mut statements = Vec::new();
    for _one in 0..left.u8()? {
        let (at, hash, class, code) = (left.place()?, left.h32()?, left.u8()?, left.string()?);
        statements.push((at, hash, if class == 0 { "accepted".to_owned() } else { code }));
    }
    is_signed(bytes, &lane.to, manifest, 2).then_some(SeenReceipt { lane, log, statements })
}

/// What the checker reads of an envelope beyond its place: the kind, and what was sealed.
pub(super) fn letter(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut left = Left(bytes.get(33..)?);
    let _lane = left.lane()?;
    // Place, hash before, manifest, number.
    left.cut(12 + 32 + 32 + 16)?;
    let kind = left.u8()?;
    left.cut(16)?;
    for _ack in 0..left.u8()? {
        left.cut(1 + 12 + 32)?;
    }
    Some((kind, left.0))
}

/// What an agency sealed, read by the checker.
pub(super) struct SeenSeal<'a> {
    pub(super) object: [u8; 16],
    pub(super) version: u32,
    pub(super) originator: String,
    pub(super) recipients: Vec<String>,
    /// What is said, its class first.
    pub(super) content: &'a [u8],
}

fn is_sealed(bytes: &[u8], party: &str, domain: u8) -> bool {
    let Some((signature, body)) = bytes.split_at_checked(32) else { return false };
    signature == sha256(&[b"hand of ".as_slice(), party.as_bytes(), &[0; 32], &[domain], body].concat())
}

/// Reads what was sealed if its originator signed it.
pub(super) fn seal(bytes: &[u8]) -> Option<SeenSeal<'_>> {
    let mut left = Left(bytes.get(32..)?);
    let (object, version, _replaced) = (left.h16()?, left.version()?, left.version()?);
    let originator = left.string()?;
    let mut recipients = Vec::new();
    for _one in 0..left.u8()? {
        recipients.push(left.string()?);
    }
    // Agreement, lease, time.
    left.cut(32 + 8 + 8)?;
    let seen = SeenSeal { object, version, originator, recipients, content: left.0 };
    is_sealed(bytes, &seen.originator, 3).then_some(seen)
}

/// A consent, read by the checker.
pub(super) struct SeenToken {
    pub(super) consent: [u8; 16],
    pub(super) originator: String,
    pub(super) object: [u8; 16],
    pub(super) version: u32,
    pub(super) content: [u8; 32],
    pub(super) by: String,
    pub(super) to: String,
    pub(super) use_by: i64,
}

/// Reads a token if its originator signed it.
pub(super) fn token(bytes: &[u8]) -> Option<SeenToken> {
    let mut left = Left(bytes.get(32..)?);
    let seen = SeenToken {
        consent: left.h16()?,
        originator: left.string()?,
        object: left.h16()?,
        version: left.version()?,
        content: left.h32()?,
        by: left.string()?,
        to: left.string()?,
        use_by: left.time()?,
    };
    is_sealed(bytes, &seen.originator, 4).then_some(seen)
}

/// Token and seal that a hop carries.
pub(super) fn hop(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut left = Left(content);
    if left.u8()? != 11 {
        return None;
    }
    Some((left.bytes()?, left.bytes()?))
}

/// What an originator says about an object.
pub(super) enum Said<'a> {
    /// These versions are taken back; none named: all.
    Back([u8; 16], Vec<u32>),
    /// The last day.
    Ends([u8; 16], i64),
    /// A consent is given.
    Granted(&'a [u8]),
    /// The copy by a consent is taken back.
    Revoked([u8; 16]),
    /// What is older than this version is out of date.
    Superseded([u8; 16], u32),
}

/// Reads an order or a step.
pub(super) fn said(content: &[u8]) -> Option<Said<'_>> {
    let mut left = Left(content);
    let class = left.u8()?;
    if (1..=3).contains(&class) {
        let object = left.h16()?;
        let mut versions = Vec::new();
        for _version in 0..left.u8()? {
            versions.push(left.version()?);
        }
        let day = left.time()?;
        return Some(if class == 3 { Said::Ends(object, day) } else { Said::Back(object, versions) });
    }
    if class != 12 {
        return None;
    }
    match left.u8()? {
        2 => {
            let _consent = left.h16()?;
            left.bytes().map(Said::Granted)
        }
        4 => left.h16().map(Said::Revoked),
        8 => Some(Said::Superseded(left.h16()?, left.version()?)),
        _other => None,
    }
}
