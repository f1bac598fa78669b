//! The release decision seen from outside: each step, each limit, and the laws of the whole.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so at once")]

mod check;
mod laws;
mod onward;
mod reference;
mod steps;
