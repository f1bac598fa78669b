//! How often the log speaks of sign-ins that failed. Whoever can reach the sign-in could otherwise fill the log;
//! whoever is refused must still leave a trace. Per hour the first tries are entries one by one, then each
//! doubling of their number is: 16 + log2(n) entries for n tries, and the count is never wrong by more than half.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use mithaq_model::{OfficerId, Timestamp};

/// Tries in an hour that are entries one by one.
const PLAIN: u32 = 16;

/// Counts failed tries of the hour, per known officer and for all strangers together. In memory only: a restart
/// begins anew, which costs at most sixteen entries more.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<Hour>);

#[derive(Debug, Default)]
struct Hour {
    number: i64,
    strangers: u32,
    known: BTreeMap<OfficerId, u32>,
}

impl Throttle {
    /// Counts one failed try and returns how many the hour has seen, if this one is worth an entry. A stranger is
    /// `None`; officers are as many as the node has, so the table is bounded.
    pub(crate) fn count(&self, who: Option<OfficerId>, now: Timestamp) -> Option<u32> {
        let mut hour = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.as_millis().div_euclid(3_600_000);
        if hour.number != number {
            *hour = Hour { number, ..Hour::default() };
        }
        let seen = match who {
            Some(officer) => hour.known.entry(officer).or_default(),
            None => &mut hour.strangers,
        };
        *seen = seen.saturating_add(1);
        (*seen <= PLAIN || seen.is_power_of_two()).then_some(*seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(throttle: &Throttle, who: Option<OfficerId>, tries: u32, at: i64) -> Vec<u32> {
        let now = Timestamp::from_millis(at);
        (0..tries).filter_map(|_| throttle.count(who, now)).collect()
    }

    #[test]
    fn a_flood_leaves_few_entries_and_the_number_of_its_tries() {
        let throttle = Throttle::default();
        let seen = entries(&throttle, None, 10_000, 0);
        assert_eq!(seen.len(), 16 + 9);
        assert_eq!(seen.last(), Some(&8_192));
        assert_eq!(entries(&throttle, None, 1, 3_600_000), [1], "the next hour begins anew");
    }

    #[test]
    fn strangers_do_not_hide_tries_at_an_officer() {
        let throttle = Throttle::default();
        entries(&throttle, None, 1_000, 0);
        let officer = Some(OfficerId::new([1; 16]));
        assert_eq!(entries(&throttle, officer, 3, 0), [1, 2, 3]);
    }
}
