//! The application whole: two agencies in one process, real seals, envelopes, receipts and ledgers, one clock.

mod path;
mod world;
