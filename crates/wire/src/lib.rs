//! Versioned documents between nodes: canonical bytes, limits, parsing into model types.
#![deny(missing_docs)]

mod doc;
pub mod limits;

pub use doc::{
    Ack, BatchAnswer, Digest, EnvelopeHeader, Lane, LaneId, LaterReceipt, Manifest, MessageKind, Notice,
    Order, OrderReason, Position, ReceiptBatch, SealHeader, Statement, Verdict,
};
