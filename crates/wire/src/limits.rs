//! Every number a partner could push on has a limit here, with its reason.

/// Longest envelope in bytes. Larger content travels as an attachment.
pub const ENVELOPE_MAX: usize = 256 * 1024;
/// Most envelopes in one batch: bounds what one transaction of the receiver holds.
pub const BATCH_MESSAGES_MAX: usize = 64;
/// Longest batch in bytes: one request body the receiver keeps in memory.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Most batches a sender has in flight per lane: hides the round trip without a queue at the receiver.
pub const BATCHES_IN_FLIGHT_MAX: usize = 4;
/// Envelopes a receiver keeps ahead of a gap, per lane.
pub const REORDER_MAX: usize = 256;
/// Most acknowledgements in one header: one per lane and epoch in use.
pub const ACKS_MAX: usize = 8;
/// Most recipients of one sealed object.
pub const RECIPIENTS_MAX: usize = 32;
/// Deepest nesting of CBOR that is read; our documents need fewer than ten.
pub const DEPTH_MAX: usize = 16;
/// Most statements in one receipt batch.
pub const RECEIPTS_MAX: usize = BATCH_MESSAGES_MAX;
/// Longest sealed object in bytes: an envelope less its own header, key and padding.
pub const SEALED_MAX: usize = 224 * 1024;
/// Longest validity of an envelope: a year. What takes longer is sent anew.
pub const VALIDITY_MAX_MS: u64 = 366 * 86_400_000;
/// Clocks further apart than this are flagged, never refused.
pub const SKEW_FLAG_MS: u64 = 10 * 60_000;
/// Padded sizes are powers of two from this: the length of a message tells only its magnitude.
pub const PAD_MIN: usize = 1024;
/// Largest padded size: the step below the power of two that would not leave room for header and key.
pub const PAD_MAX: usize = 240 * 1024;
/// Bytes of a file in one chunk of an attachment: what a request body and an answer hold with their frame.
pub const PLAIN_CHUNK: u64 = 1024 * 1024;
/// Bytes that sealing adds to a chunk: the tag of ChaCha20-Poly1305.
pub const CHUNK_TAG: u64 = 16;
/// Most chunks of one attachment: 32 GiB of them, so that the list of their hashes fits one answer.
pub const CHUNKS_MAX: usize = 32 * 1024;
/// Most attachments a party says at once that it wants.
pub const WANTS_MAX: usize = 64;
