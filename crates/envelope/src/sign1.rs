//! COSE_Sign1 (RFC 9052, §4.2) in the one shape this protocol uses: Ed25519, a fixed protected header, nothing
//! unprotected, the payload inside. Own strict reading, because one signed thing must have one encoding; any COSE
//! library reads the result (a test does so with one).

use mithaq_wire::WireError;
use mithaq_wire::cbor::{Reader, Writer};

use crate::error::KeyError;
use crate::keys::{Verifier, key_name};

/// Label of the algorithm (RFC 9052, §3.1).
const ALG: i64 = 1;
/// Label of the list of labels that must be understood.
const CRIT: i64 = 2;
/// Label of the key's name.
const KID: i64 = 4;
/// Label of this protocol's document, of the private range (RFC 9052, §11.1).
const DOCUMENT: i64 = -70_001;
/// Label of the number of the log that has the entry, of the private range; what signs into its first log leaves it out.
const LOG: i64 = -70_002;
/// Ed25519 (EdDSA, RFC 9053, §2.2).
const EDDSA: i64 = -8;
/// Most labels of a protected header, most critical labels.
const LABELS_MAX: usize = 16;
/// Longest value of a label that is not understood, in bytes.
const FOREIGN_MAX: usize = 1024;
/// Longest protected header in bytes.
pub(crate) const PROTECTED_MAX: usize = 64 * 1024;

/// What is signed: part of the signed bytes, so that a signature for one purpose never counts for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    Courier,
    Envelope,
    Receipts,
    Seal,
    Token,
}

impl Context {
    const fn aad(self) -> &'static [u8] {
        match self {
            Self::Courier => b"mithaq/1 courier",
            Self::Envelope => b"mithaq/1 envelope",
            Self::Receipts => b"mithaq/1 receipts",
            Self::Seal => b"mithaq/1 seal",
            Self::Token => b"mithaq/1 onward",
        }
    }
}

/// Why bytes are no signed structure of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParseError {
    Malformed,
    Unsupported,
}

impl From<WireError> for ParseError {
    fn from(_not_ours: WireError) -> Self {
        Self::Malformed
    }
}

/// A signed structure, read but not verified. Borrows the bytes.
pub(crate) struct Sign1<'a> {
    pub(crate) protected: &'a [u8],
    pub(crate) kid: [u8; 8],
    pub(crate) document: &'a [u8],
    /// Value of the label of the log, as it stands there.
    pub(crate) log: Option<&'a [u8]>,
    pub(crate) payload: &'a [u8],
    signature: [u8; 64],
}

/// The protected header around a document.
pub(crate) fn protected(document: &[u8], key: &[u8; 32]) -> Vec<u8> {
    protected_in(document, key, None)
}

/// The same; what is signed says which log has the entry.
pub(crate) fn protected_in(document: &[u8], key: &[u8; 32], log: Option<u32>) -> Vec<u8> {
    let mut w = Writer::default();
    // Keys in the order of their bytes: 01, 02, 04, 3a…
    w.map(if log.is_some() { 5 } else { 4 }).int(ALG).int(EDDSA).int(CRIT).array(1).int(DOCUMENT);
    w.int(KID).bytes(&key_name(key)).int(DOCUMENT).bytes(document);
    if let Some(log) = log {
        w.int(LOG).bytes(&log.to_be_bytes());
    }
    w.finish()
}

fn to_be_signed(context: Context, protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut w = Writer::default();
    w.array(4).text("Signature1").bytes(protected).bytes(context.aad()).bytes(payload);
    w.finish()
}

/// Signs and puts together.
pub(crate) fn make(
    context: Context,
    protected: &[u8],
    payload: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<[u8; 64], KeyError>,
) -> Result<Vec<u8>, KeyError> {
    let signature = sign(&to_be_signed(context, protected, payload))?;
    let mut w = Writer::default();
    w.array(4).bytes(protected).map(0).bytes(payload).bytes(&signature);
    Ok(w.finish())
}

impl<'a> Sign1<'a> {
    pub(crate) fn parse(bytes: &'a [u8], max: usize) -> Result<Self, ParseError> {
        if bytes.len() > max {
            return Err(ParseError::Malformed);
        }
        let mut r = Reader::new(bytes);
        r.tuple(4)?;
        let protected = r.bytes(PROTECTED_MAX)?;
        r.map(0)?;
        let payload = r.bytes(max)?;
        let signature = r.array()?;
        r.end()?;
        let Labels { kid, document, log } = Labels::read(protected)?;
        Ok(Self { protected, kid, document, log, payload, signature })
    }

    pub(crate) fn verify(&self, context: Context, key: &Verifier) -> bool {
        self.kid == key.name()
            && key.verify(&to_be_signed(context, self.protected, self.payload), &self.signature)
    }
}

/// What a protected header says.
struct Labels<'a> {
    kid: [u8; 8],
    document: &'a [u8],
    log: Option<&'a [u8]>,
}

impl<'a> Labels<'a> {
    /// Reads the labels we know, in order and once each. Others are passed over when they are byte strings and nobody
    /// called them critical; they are signed like the rest.
    fn read(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes);
        let (mut alg, mut crit, mut kid, mut document, mut log) = (None, None, None, None, None);
        let mut last: Option<Vec<u8>> = None;
        for _ in 0..r.map(LABELS_MAX)? {
            let label = r.int()?;
            let mut w = Writer::default();
            w.int(label);
            let spelled = w.finish();
            // RFC 8949, §4.2.1: bytewise lexicographic, which also excludes a second of the same key.
            if last.as_ref().is_some_and(|last| *last >= spelled) {
                return Err(ParseError::Malformed);
            }
            last = Some(spelled);
            match label {
                ALG => alg = Some(r.int()?),
                CRIT => crit = Some(critical(&mut r)?),
                KID => kid = Some(r.array()?),
                DOCUMENT => document = Some(r.bytes(PROTECTED_MAX)?),
                LOG => log = Some(r.bytes(FOREIGN_MAX)?),
                _foreign => {
                    r.bytes(FOREIGN_MAX)?;
                }
            }
        }
        r.end()?;
        // Ours must be called critical: a reader that does not know it must not take the payload for something else.
        if alg.ok_or(ParseError::Malformed)? != EDDSA || crit.ok_or(ParseError::Malformed)? != [DOCUMENT] {
            return Err(ParseError::Unsupported);
        }
        Ok(Self {
            kid: kid.ok_or(ParseError::Malformed)?,
            document: document.ok_or(ParseError::Malformed)?,
            log,
        })
    }
}

fn critical(r: &mut Reader<'_>) -> Result<Vec<i64>, ParseError> {
    let mut list = Vec::new();
    for _ in 0..r.list(LABELS_MAX)? {
        list.push(r.int()?);
    }
    Ok(list)
}
