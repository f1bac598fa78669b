//! The node-to-node protocol MX/1 as a state machine over stored rows, without input or output.
//!
//! A shell loads rows inside a database transaction, calls one step, stores everything the step returned in
//! the same transaction, and only after its commit sends or answers. Nothing that matters lives in memory: a
//! crash loses exactly what was not committed, and that was never sent. Steps of the sender: [`enqueue`],
//! [`Window::next`], [`settle`], [`failed`], [`overdue`]. Steps of the receiver: [`inspect`] (no rows: may run
//! in parallel), [`receive`], [`may_read`]. Exact rules: `docs/spec/exchange.md`.
//!
//! What is not here: bytes and keys (`envelope`, behind the traits of [`ports`]), the decision about content
//! (`policy`, behind [`ports::Judge`]), storage, time, randomness.
#![deny(missing_docs)]

mod backoff;
mod code;
mod content;
mod enqueue;
mod fact;
mod inspect;
mod number;
pub mod ports;
mod pump;
mod read;
mod receive;
pub mod request;
mod rows;
mod settle;
mod take;

pub use backoff::{DELAY_FIRST_MS, DELAY_MAX_MS, delay, is_due};
pub use code::{Alarm, PeerFault, Refuse, Stop};
pub use content::{Carried, Content, Effect, Opened};
pub use enqueue::{EnqueueError, Outgoing, Queued, Stamp, enqueue, start_epoch};
pub use fact::{Fact, Happened, Logged, Subject};
pub use inspect::{Arrived, Door, Inspection, inspect, inspect_kept};
pub use number::{is_number_of, object_number};
pub use pump::{Batch, Flow, Window, pick_lane};
pub use read::{Locked, PartnerControl, announced, heads, may_read};
pub use receive::{ReceiveError, Received, Shelf, receive};
pub use rows::{
    AheadRow, Halt, HeldVersion, Holding, InRow, LaneIn, LaneOut, Modified, OutMessage, OutState, ReceiptRow,
    Tombstone, VersionState, Versions,
};
pub use settle::{Answered, SettleError, Settled, acknowledge, failed, overdue, settle};
pub use take::EquivocationProof;
