//! The shell of a node: tokio, TLS, HTTP, clock, randomness, timers, the outbox pump, configuration, wiring.
//!
//! Decides nothing about content: it moves bytes, keeps keys and calls the application.

mod admission;
pub mod backup;
mod bulk;
mod checks;
mod client;
pub mod config;
mod generations;
pub mod keyfile;
mod line;
mod log_key;
mod machine;
pub mod mark;
mod ops;
mod papers;
mod pump;
mod restore;
mod serve;
mod server;
pub mod setup;
mod tls;
mod turns;
mod witness;

pub use client::{Endpoint, PeerClient, PeerIoError};
pub use generations::{Next, Prepared, prepare};
pub use log_key::LogKey;
pub use machine::{SystemClock, SystemEntropy};
pub use serve::{Addresses, Ended, serve, stop_on_signal};
pub use tls::{Identity, TlsSetupError};
