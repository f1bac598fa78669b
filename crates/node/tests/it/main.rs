//! Real nodes with real listeners, in one process: what they answer, refuse, log and do when they are stopped.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so at once")]

mod attachments;
mod fetch;
mod hanging;
mod hidden;
mod isolation;
mod moved;
mod operations;
mod senders;
mod versions;
mod world;
