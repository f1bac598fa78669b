//! When to try again. Clocks may jump: a time that is farther off than the longest delay counts as reached.

use mithaq_model::{Millis, Timestamp};

/// First delay, ms.
pub const DELAY_FIRST_MS: u64 = 1_000;
/// Longest delay, ms: a partner that comes back waits no longer than this.
pub const DELAY_MAX_MS: u64 = 15 * 60_000;

/// Returns the delay after so many attempts without progress: ×1.5 each, at most [`DELAY_MAX_MS`], then
/// shortened by up to a fifth by `jitter` (a random number), so that nodes do not return in step.
#[must_use]
pub fn delay(attempts: u32, jitter: u16) -> Millis {
    let mut ms = DELAY_FIRST_MS;
    for _attempt in 1..attempts.min(64) {
        ms = ms.saturating_mul(3) / 2;
        if ms >= DELAY_MAX_MS {
            ms = DELAY_MAX_MS;
            break;
        }
    }
    Millis(ms - ms / 5 * u64::from(jitter) / u64::from(u16::MAX))
}

/// Returns whether a retry time is reached.
#[must_use]
pub fn is_due(retry_at: Timestamp, now: Timestamp) -> bool {
    now >= retry_at || now.plus(Millis(DELAY_MAX_MS)) < retry_at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_cap_and_never_to_nothing() {
        assert_eq!(delay(0, 0), Millis(1_000));
        assert_eq!(delay(1, 0), Millis(1_000));
        assert_eq!(delay(2, 0), Millis(1_500));
        assert_eq!(delay(3, 0), Millis(2_250));
        assert_eq!(delay(u32::MAX, 0), Millis(DELAY_MAX_MS));
        for attempts in 0..80 {
            let (slow, quick) = (delay(attempts, 0), delay(attempts, u16::MAX));
            assert!(quick <= slow && quick.0 * 5 >= slow.0 * 4);
        }
    }

    #[test]
    fn a_clock_set_back_does_not_stop_a_lane() {
        let at = Timestamp::from_millis(1_000_000_000);
        assert!(is_due(at, at) && !is_due(at, Timestamp::from_millis(999_999_999)));
        assert!(is_due(at, Timestamp::from_millis(0)), "ten days back");
    }
}
