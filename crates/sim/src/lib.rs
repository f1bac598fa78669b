//! Many nodes under a faulty network, replayed from one number. Development only.
//!
//! [`paper`] stands in for cryptography, [`store`] for the database.

mod codec;
pub mod paper;
pub mod store;
