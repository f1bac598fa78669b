//! The application whole: two agencies in one process, real seals, envelopes, receipts and ledgers, one clock.

mod doors;
mod path;
mod peers;
mod refused;
mod world;
