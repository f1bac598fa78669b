//! The clock and the randomness of the machine: the only place of the node that asks for either.

use std::time::{SystemTime, UNIX_EPOCH};

use mithaq_app::ports::{Clock, Entropy, NoEntropy};
use mithaq_model::Timestamp;

/// The system clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        };
        Timestamp::from_millis(millis)
    }
}

/// The system's source of randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, out: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(out).map_err(|_failed| NoEntropy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_in_this_age_and_randomness_differs() {
        assert!(SystemClock.now() > Timestamp::parse("2024-01-01").unwrap());
        let (mut a, mut b) = ([0; 32], [0; 32]);
        SystemEntropy.fill(&mut a).unwrap();
        SystemEntropy.fill(&mut b).unwrap();
        assert_ne!(a, b);
    }
}
