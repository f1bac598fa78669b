//! Receipts of a batch: one signature over the root of the statements, so that any one of them can be shown alone to
//! someone who is not entitled to the others.

use mithaq_wire::cbor::{Reader, Writer};
use mithaq_wire::limits::RECEIPTS_MAX;
use mithaq_wire::{
    Digest, ReceiptBatch, ReceiptHead, Statement, WireError, decode_receipt_head, decode_statement,
    encode_receipt_head, encode_statement,
};
use sha2::{Digest as _, Sha256};

use crate::error::ReceiptError;
use crate::keys::NodeSigner;
use crate::manifest::VerifiedManifest;
use crate::sign1::{self, Context, ParseError, Sign1};

const VERSION: u64 = 1;
/// Longest receipts in bytes (`mithaq_wire` takes no longer ones in an answer).
const RECEIPTS_BYTES_MAX: usize = 64 * 1024;
/// Longest statement in bytes.
const STATEMENT_MAX: usize = 512;
/// The log of a node that was never restored; logs count from it.
const FIRST_LOG: u32 = 1;
/// Longest path: 64 statements need six hashes.
const PATH_MAX: usize = 6;

impl From<ParseError> for ReceiptError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Malformed => Self::Malformed,
            ParseError::Unsupported => Self::Unsupported,
        }
    }
}

impl From<WireError> for ReceiptError {
    fn from(_not_ours: WireError) -> Self {
        Self::Malformed
    }
}

fn leaf(statement: &[u8]) -> Digest {
    Digest(Sha256::new().chain_update([0]).chain_update(statement).finalize().into())
}

fn node(left: &Digest, right: &Digest) -> Digest {
    Digest(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// Root of a tree (RFC 6962, §2.1); of nothing it is zero, which nothing signs.
fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::ZERO,
        [one] => *one,
        more => {
            let (left, right) = more.split_at(split(more.len()));
            node(&root(left), &root(right))
        }
    }
}

/// The largest power of two below a length of at least two.
const fn split(length: usize) -> usize {
    length.next_power_of_two() / 2
}

/// Path of a leaf, from its side up (RFC 6962, §2.1.1).
fn path(leaves: &[Digest], index: usize, out: &mut Vec<Digest>) {
    if leaves.len() < 2 {
        return;
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (inside, at, outside) =
        if index < left.len() { (left, index, right) } else { (right, index - left.len(), left) };
    path(inside, at, out);
    out.push(root(outside));
}

/// Root that a leaf and its path give (RFC 9162, §2.1.3.2); nothing when the path has another length than it must.
fn root_from(leaf: Digest, index: u32, count: u32, path: &[Digest]) -> Option<Digest> {
    let (mut at, mut last) = (index, count.checked_sub(1)?);
    if at > last {
        return None;
    }
    let mut hash = leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if at % 2 == 1 || at == last {
            hash = node(sibling, &hash);
            while at % 2 == 0 && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            hash = node(&hash, sibling);
        }
        (at, last) = (at / 2, last / 2);
    }
    (last == 0).then_some(hash)
}

/// Signs the receipts of a batch.
///
/// # Errors
/// When the batch is empty or beyond the limits, or the key fails.
pub fn sign_receipts(batch: &ReceiptBatch, signer: &dyn NodeSigner) -> Result<Vec<u8>, ReceiptError> {
    let statements: Vec<Vec<u8>> = batch.statements.iter().map(encode_statement).collect();
    let leaves: Vec<Digest> = statements.iter().map(|statement| leaf(statement)).collect();
    let possible = (1..=RECEIPTS_MAX).contains(&statements.len());
    let readable = statements
        .iter()
        .zip(&batch.statements)
        .all(|(bytes, value)| bytes.len() <= STATEMENT_MAX && decode_statement(bytes).as_ref() == Ok(value));
    if !possible || !readable || batch.log < FIRST_LOG {
        return Err(ReceiptError::Malformed);
    }
    let head = ReceiptHead {
        lane: batch.lane.clone(),
        manifest: batch.manifest,
        stored_at: batch.stored_at,
        count: u32::try_from(statements.len()).map_err(|_many| ReceiptError::Malformed)?,
        root: root(&leaves),
    };
    // The first log is not named: who never lost anything signs what nodes of every version read alike.
    let log = (batch.log != FIRST_LOG).then_some(batch.log);
    let protected = sign1::protected_in(&encode_receipt_head(&head), &signer.node_key(), log);
    let signed = sign1::make(Context::Receipts, &protected, &[], |tbs| signer.sign_node(tbs))
        .map_err(|_key| ReceiptError::Key)?;
    let mut w = Writer::default();
    w.array(3).uint(VERSION).bytes(&signed).array(statements.len());
    statements.iter().for_each(|statement| {
        w.bytes(statement);
    });
    Ok(w.finish())
}

/// Receipts read, not verified.
pub(crate) struct Parts<'a> {
    pub(crate) signed: &'a [u8],
    head: ReceiptHead,
    log: u32,
    pub(crate) statements: Vec<&'a [u8]>,
}

impl<'a> Parts<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > RECEIPTS_BYTES_MAX {
            return Err(ReceiptError::Malformed);
        }
        let mut r = Reader::new(bytes);
        r.tuple(3)?;
        if r.uint()? != VERSION {
            return Err(ReceiptError::Unsupported);
        }
        let signed = r.bytes(RECEIPTS_BYTES_MAX)?;
        let mut statements = Vec::new();
        for _ in 0..r.list(RECEIPTS_MAX)? {
            statements.push(r.bytes(STATEMENT_MAX)?);
        }
        r.end()?;
        let (head, log) = read_head(&Sign1::parse(signed, RECEIPTS_BYTES_MAX)?)?;
        Ok(Self { signed, head, log, statements })
    }
}

/// What was signed, and the number of the log that has the entries.
fn read_head(signed: &Sign1<'_>) -> Result<(ReceiptHead, u32), ReceiptError> {
    let log = match signed.log.map(<[u8; 4]>::try_from) {
        None => Some(FIRST_LOG),
        Some(Ok(number)) => Some(u32::from_be_bytes(number)).filter(|number| *number > FIRST_LOG),
        Some(Err(_length)) => None,
    };
    match log {
        Some(log) if signed.payload.is_empty() => Ok((decode_receipt_head(signed.document)?, log)),
        _other => Err(ReceiptError::Malformed),
    }
}

fn verify_head(signed: &[u8], receiver: &VerifiedManifest) -> Result<ReceiptHead, ReceiptError> {
    let signed = Sign1::parse(signed, RECEIPTS_BYTES_MAX)?;
    let (head, _log) = read_head(&signed)?;
    // The receiver of the messages is who signs.
    if head.manifest != receiver.hash() || head.lane.to != receiver.manifest().party {
        return Err(ReceiptError::Signer);
    }
    if signed.verify(Context::Receipts, receiver.node_key()) {
        Ok(head)
    } else {
        Err(ReceiptError::Signature)
    }
}

/// Reads which manifest receipts claim to be signed under. Nothing is verified.
///
/// # Errors
/// When the bytes are no receipts.
pub fn peek_receipts(bytes: &[u8]) -> Result<ReceiptHead, ReceiptError> {
    Parts::read(bytes).map(|parts| parts.head)
}

/// Verifies receipts with the receiver's manifest.
///
/// # Errors
/// When the bytes are no receipts, the manifest is another, the signature is refused, or the statements are others.
pub fn verify_receipts(bytes: &[u8], receiver: &VerifiedManifest) -> Result<ReceiptBatch, ReceiptError> {
    let parts = Parts::read(bytes)?;
    let head = verify_head(parts.signed, receiver)?;
    let leaves: Vec<Digest> = parts.statements.iter().map(|statement| leaf(statement)).collect();
    if usize::try_from(head.count) != Ok(leaves.len()) || root(&leaves) != head.root {
        return Err(ReceiptError::Root);
    }
    let statements =
        parts.statements.iter().map(|bytes| decode_statement(bytes)).collect::<Result<_, _>>()?;
    let ReceiptHead { lane, manifest, stored_at, .. } = head;
    Ok(ReceiptBatch { lane, manifest, stored_at, log: parts.log, statements })
}

/// Returns the proof of one statement of signed receipts: `index` from 0.
///
/// # Errors
/// When the bytes are no receipts or there is no such statement.
pub fn receipt_proof(receipts: &[u8], index: usize) -> Result<Vec<u8>, ReceiptError> {
    let parts = Parts::read(receipts)?;
    let statement = parts.statements.get(index).ok_or(ReceiptError::Malformed)?;
    let leaves: Vec<Digest> = parts.statements.iter().map(|statement| leaf(statement)).collect();
    let mut hashes = Vec::new();
    path(&leaves, index, &mut hashes);
    let mut w = Writer::default();
    let number = u64::try_from(index).map_err(|_wide| ReceiptError::Malformed)?;
    w.array(5).uint(VERSION).bytes(parts.signed).uint(number).bytes(statement).array(hashes.len());
    hashes.iter().for_each(|hash| {
        w.bytes(&hash.0);
    });
    Ok(w.finish())
}

/// Reads which manifest the proof of a statement claims to be signed under. Nothing is verified.
///
/// # Errors
/// When the bytes are no proof.
pub fn peek_receipt_proof(proof: &[u8]) -> Result<ReceiptHead, ReceiptError> {
    read_head(&Sign1::parse(Proof::read(proof)?.signed, RECEIPTS_BYTES_MAX)?).map(|(head, _log)| head)
}

/// The proof of one statement, read, not verified.
struct Proof<'a> {
    signed: &'a [u8],
    index: u32,
    statement: &'a [u8],
    hashes: Vec<Digest>,
}

impl<'a> Proof<'a> {
    fn read(proof: &'a [u8]) -> Result<Self, ReceiptError> {
        if proof.len() > RECEIPTS_BYTES_MAX {
            return Err(ReceiptError::Malformed);
        }
        let mut r = Reader::new(proof);
        r.tuple(5)?;
        if r.uint()? != VERSION {
            return Err(ReceiptError::Unsupported);
        }
        let (signed, index, statement) = (r.bytes(RECEIPTS_BYTES_MAX)?, r.u32()?, r.bytes(STATEMENT_MAX)?);
        let mut hashes = Vec::new();
        for _ in 0..r.list(PATH_MAX)? {
            hashes.push(Digest(r.array()?));
        }
        r.end()?;
        Ok(Self { signed, index, statement, hashes })
    }
}

/// Verifies the proof of one statement; returns what was signed and the statement.
///
/// # Errors
/// As [`verify_receipts`].
pub fn verify_receipt_proof(
    proof: &[u8],
    receiver: &VerifiedManifest,
) -> Result<(ReceiptHead, Statement), ReceiptError> {
    let Proof { signed, index, statement, hashes } = Proof::read(proof)?;
    let head = verify_head(signed, receiver)?;
    if root_from(leaf(statement), index, head.count, &hashes) != Some(head.root) {
        return Err(ReceiptError::Root);
    }
    Ok((head, decode_statement(statement)?))
}
