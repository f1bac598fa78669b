//! Append-only Merkle log: leaves, tiles, checkpoints, signed notes, inclusion and consistency proofs,
//! partner countersignatures and the offline evidence bundle.
//!
//! Pure: no clock, randomness, key store, file or socket. A database keeps the tiles and the state row
//! ([`TileSource`], [`Appended`]); the caller signs through [`NoteSigner`]. Leaves hold codes, references
//! and salted commitments, never content ([`Entry`]). Exact bytes: `docs/spec/ledger.md`.
#![deny(missing_docs)]

mod append;
mod bundle;
mod checkpoint;
mod entry;
mod fork;
mod frontier;
mod hash;
mod key;
mod note;
mod proof;
mod read;
mod tile;
mod tree;
mod witness;

pub use append::{AppendError, Appended, Appender, RestoreError, TileWrite};
pub use bundle::{
    BundleBuilder, BundleError, Document, EncodeError, Opened, Opening, Segment, VerifiedBundle,
    bundle_documents, verify_bundle,
};
pub use checkpoint::{
    Checkpoint, CheckpointError, Cosigner, SignCheckpointError, Trust, VerifiedCheckpoint,
    VerifyCheckpointError, verify_checkpoint,
};
pub use entry::{Code, Entry, EntryError, FieldError, Id, MAX_ENTRY, Pseudonym};
pub use fork::{Fork, ForkError, ForkProof, HistoryError, same_history};
pub use frontier::{Frontier, FrontierError, LogFull, MAX_SIZE};
pub use hash::{
    EMPTY_ROOT, Hash, HashParseError, commit, commit_digest, content_digest, leaf_hash, node_hash,
};
pub use key::{KeyError, KeyKind, KeyName, NoteSigner, VerifierKey, key_id};
pub use note::{NoteError, NoteSignature, NoteVerifyError, SignedNote, VerifiedSignature};
pub use proof::{ProofError, range_root, verify_consistency, verify_inclusion};
pub use tile::{
    EntryBundleError, MAX_LEAF, MemoryTiles, TILE_WIDTH, TileId, TilePath, TilePathError, TileSource,
    encode_entry_bundle, parse_entry_bundle,
};
pub use tree::{ProveError, prove_consistency, prove_inclusion, prove_range, root_at};
pub use witness::{AddCheckpoint, Held, RequestError, WitnessRefusal, witness_step};
