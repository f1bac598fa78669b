//! What a receiving node signs for a batch: the root of its statements, so that one of them can be shown alone.

use mithaq_model::Timestamp;

use crate::cbor::{Reader, WireError, Writer};
use crate::codec::Part;
use crate::doc::{Digest, LaneId};
use crate::limits::RECEIPTS_MAX;

const VERSION: u64 = 1;
/// Longest document in bytes.
const HEAD_MAX: usize = 1024;

/// The signed part of a receipt batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptHead {
    /// The lane of the messages.
    pub lane: LaneId,
    /// Hash of the receiver's manifest whose node key signs.
    pub manifest: Digest,
    /// When it was durable, by the receiver's clock.
    pub stored_at: Timestamp,
    /// How many statements, 1 to [`RECEIPTS_MAX`].
    pub count: u32,
    /// Root of the tree over the statements (RFC 6962, §2.1).
    pub root: Digest,
}

/// Returns the canonical bytes of the signed part of a receipt batch.
#[must_use]
pub fn encode_receipt_head(head: &ReceiptHead) -> Vec<u8> {
    let mut w = Writer::default();
    w.array(6).uint(VERSION);
    head.lane.put(&mut w);
    head.manifest.put(&mut w);
    head.stored_at.put(&mut w);
    w.uint(u64::from(head.count));
    head.root.put(&mut w);
    w.finish()
}

/// Reads the bytes.
///
/// # Errors
/// When they are not the canonical encoding of the document within its limits.
pub fn decode_receipt_head(bytes: &[u8]) -> Result<ReceiptHead, WireError> {
    if bytes.len() > HEAD_MAX {
        return Err(WireError::Limit);
    }
    let mut r = Reader::new(bytes);
    r.tuple(6)?;
    if r.uint()? != VERSION {
        return Err(WireError::Version);
    }
    let head = ReceiptHead {
        lane: LaneId::get(&mut r)?,
        manifest: Digest::get(&mut r)?,
        stored_at: Timestamp::get(&mut r)?,
        count: r.u32()?,
        root: Digest::get(&mut r)?,
    };
    r.end()?;
    let possible = usize::try_from(head.count).is_ok_and(|count| (1..=RECEIPTS_MAX).contains(&count));
    if possible { Ok(head) } else { Err(WireError::Limit) }
}
