//! A clock that only moves when told.

use std::sync::atomic::{AtomicI64, Ordering};

use mithaq_model::{Millis, Timestamp};

/// A clock that only moves when told.
#[derive(Debug)]
pub struct FakeClock(AtomicI64);

impl FakeClock {
    /// A clock that stands at an instant.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_millis()))
    }

    /// The instant it stands at.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    /// Sets it, also back, as clocks that were wrong are set.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves it on.
    pub fn advance(&self, span: impl Into<Millis>) {
        let now = self.now().plus(span);
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }
}
