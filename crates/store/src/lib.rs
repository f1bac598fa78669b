//! Repositories in model types over db, and the conformance suite that runs on both engines.
