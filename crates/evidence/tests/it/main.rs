//! Bundles as an oversight body receives them: good ones, forged ones, and true ones that show a wrong.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on says so at once"
)]

mod distrusted;
mod forged;
mod proven;
mod world;
