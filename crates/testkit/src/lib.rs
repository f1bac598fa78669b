//! Builders, a fake clock, sample agreements and the slow reference engine. Development only.
//!
//! Invented persons; agencies named by function. Nothing here is a default of the product.
#![expect(clippy::expect_used, reason = "a builder that cannot build is a broken test and says so at once")]

mod clock;
mod edges;
mod reference;
mod sample;

pub use clock::FakeClock;
pub use edges::{Edge, Edges, ed25519_edges};
pub use reference::{refuses, refuses_hop};
pub use sample::{
    Sample, agreement, ask, asking, context, officer, party, person, report, sample_roots, subject_named,
    text, time,
};
