//! The shell: tokio, TLS, HTTP client, clock, randomness, timers, outbox pump, configuration, wiring.
