//! Integration tests of the ledger, in one binary.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;
mod evidence;
mod oracle;
mod vectors;
