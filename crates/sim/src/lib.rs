//! Many nodes under a faulty network, replayed from one number. Development only.
//!
//! [`run`] makes a world from a seed: nodes that act through the steps of `mithaq-exchange` over an in-memory
//! store, a network that drops, duplicates, delays, reorders and cuts, crashes at every commit, clocks ten
//! years off, consents to pass on, copies and their recalls, and in most runs one partner that lies. What crossed the wire and what was committed goes into a
//! [`history::History`]; [`check`] judges it without the protocol's code. [`paper`] stands in for
//! cryptography, [`store`] for the database.

mod bug;
pub mod check;
mod codec;
pub mod consents;
mod dice;
pub mod history;
mod liar;
mod node;
mod onward;
mod outgoing;
pub mod paper;
mod restore;
mod run;
pub mod store;
mod work;
mod world;

pub use bug::Bug;
pub use run::{Options, Outcome, run};
