//! Versioned documents between nodes: canonical bytes, limits, parsing into model types.
//!
//! One document has one encoding ([`WireError::NotCanonical`] for any other), so that a hash or signature over
//! the bytes is one over the value. Every length is bounded before memory is taken. Nothing here signs,
//! encrypts, decides or stores. Exact bytes: `docs/spec/envelope.md`.
#![deny(missing_docs)]

mod attachment;
pub mod cbor;
mod codec;
mod courier;
mod doc;
mod exchange;
mod heads;
pub mod limits;
mod onward;
mod receipt;
mod report;
mod request;
#[cfg(test)]
mod tests;

pub use attachment::{
    CHUNK_LIST_MAX, ChunkList, Want, chunks_of, decode_chunk_list, decode_wants, encode_chunk_list,
    encode_wants,
};
pub use cbor::WireError;
pub use courier::{
    COURIER_MAGIC, COURIER_MAX, COURIER_PART_MAX, COURIER_PARTS_MAX, CourierHave, CourierHead, CourierKind,
    CourierPart, CourierPiece, decode_courier, decode_courier_have, decode_courier_head,
    decode_courier_piece, encode_courier, encode_courier_have, encode_courier_head, encode_courier_piece,
};
pub use doc::{
    Ack, BatchAnswer, Digest, EnvelopeHeader, Lane, LaneId, LaterReceipt, Manifest, MessageKind, Notice,
    Order, OrderReason, Position, ReceiptBatch, SealHeader, Statement, Verdict,
};
pub use exchange::{
    LaterReceipts, decode_batch, decode_batch_answer, decode_envelope_header, decode_later_receipts,
    decode_manifest, decode_notice, decode_order, decode_seal_header, decode_statement, encode_batch,
    encode_batch_answer, encode_envelope_header, encode_later_receipts, encode_manifest, encode_notice,
    encode_order, encode_seal_header, encode_statement,
};
pub use heads::{Heads, decode_heads, encode_heads};
pub use onward::{
    CARRIED_MAX, Hop, OnwardStep, OnwardToken, decode_hop, decode_onward_step, decode_onward_token,
    encode_hop, encode_onward_step, encode_onward_token,
};
pub use receipt::{ReceiptHead, decode_receipt_head, encode_receipt_head};
pub use report::{decode_report, decode_subject, encode_report, encode_subject};
pub use request::{MARK_MAX, RequestStep, STEP_TEXT_MAX, Said, decode_request_step, encode_request_step};
