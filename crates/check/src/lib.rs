//! The private check: does a partner know the same subject? Yes or no, and nothing else.
//!
//! The asked side holds a key per agreement and epoch and publishes a set of tags of its subjects; the asking side
//! blinds its tokens, has them evaluated within a budget, and compares ([`oprf`]). Neither the tag set, nor a
//! transcript, nor both together allow a guess to be tested without one more evaluation by the asked side. Exact
//! bytes and what remains possible: `docs/spec/check.md`.
#![deny(missing_docs)]

pub mod oprf;
