//! A clock that only moves as it was told.

use std::sync::atomic::{AtomicI64, Ordering};

use mithaq_model::{Millis, Timestamp};

/// A clock that stands until it is moved, or moves a little each time somebody looks.
#[derive(Debug)]
pub struct FakeClock {
    now: AtomicI64,
    step: AtomicI64,
}

impl FakeClock {
    /// A clock that stands at an instant.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { now: AtomicI64::new(now.as_millis()), step: AtomicI64::new(0) }
    }

    /// The instant it stands at.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.fetch_add(self.step.load(Ordering::SeqCst), Ordering::SeqCst))
    }

    /// From now on it moves by so many milliseconds with every look, as time passes between two lines of a program.
    pub fn run(&self, step: i64) {
        self.step.store(step, Ordering::SeqCst);
    }

    /// Sets it, also back, as clocks that were wrong are set.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves it on.
    pub fn advance(&self, span: impl Into<Millis>) {
        let now = self.now().plus(span);
        self.now.store(now.as_millis(), Ordering::SeqCst);
    }
}
