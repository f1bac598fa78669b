//! HTTP: the endpoints of partners and the client API with OpenAPI 3.1. Parses, asks the application, answers.
//! Decides nothing, stores nothing.

mod peer;
mod problem;
mod session;
mod v1;

pub use peer::{BATCH_MAX, ConnectedPeer, router as peer_router};
pub use problem::{Problem, refusal};
pub use v1::{BODY_MAX, openapi, router as client_router};
