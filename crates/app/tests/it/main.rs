//! The application whole: two agencies in one process, real seals, envelopes, receipts and ledgers, one clock.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on says so at once"
)]

mod alarms;
mod attachments;
mod attachments_gone;
mod by_hand;
mod checks;
mod courier;
mod courier_files;
mod doors;
mod emergency;
mod entries;
mod erased;
mod full;
mod holds;
mod justifications;
mod keys;
mod later;
mod limits;
mod logs;
mod lost;
mod lost_onward;
mod onward;
mod onward_corrected;
mod onward_forged;
mod orphans;
mod path;
mod peers;
mod proof;
mod recorded;
mod refused;
mod removed;
mod requests;
mod requests_closed;
mod requests_early;
mod retention;
mod rights;
mod scenarios;
mod shared;
mod tightened;
mod unproven;
mod wiped;
mod world;
