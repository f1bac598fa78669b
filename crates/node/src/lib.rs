//! The shell of a node: tokio, TLS, HTTP, clock, randomness, timers, the outbox pump, configuration, wiring.
//!
//! Decides nothing about content: it moves bytes, keeps keys and calls the application.

mod admission;
pub mod backup;
mod bulk;
mod client;
pub mod config;
pub mod keyfile;
mod log_key;
mod machine;
pub mod mark;
mod ops;
mod pump;
mod restore;
mod serve;
mod server;
pub mod setup;
mod tls;
mod witness;

pub use client::{Endpoint, PeerClient, PeerIoError};
pub use log_key::LogKey;
pub use machine::{SystemClock, SystemEntropy};
pub use serve::{Addresses, Ended, serve, stop_on_signal};
pub use tls::Identity;
