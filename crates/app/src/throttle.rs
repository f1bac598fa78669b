//! How often the log speaks of sign-ins that failed and of batches that no lane can be told of. Whoever can reach the
//! door could otherwise fill the log; whoever is refused must still leave a trace. Per hour the first tries are entries one by one, then each
//! doubling of their number is: 16 + log2(n) entries for n tries, and the count is never wrong by more than half.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use mithaq_model::{OfficerId, PartyId, Timestamp};

/// Tries in an hour that are entries one by one.
const PLAIN: u32 = 16;

/// Who tried.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// All with a name that nobody has, together.
    Stranger,
    /// An officer of this node.
    Officer(OfficerId),
    /// A partner this node knows.
    Partner(PartyId),
}

/// Counts failed tries of the hour, per known officer and partner, and for all strangers together: the table is
/// bounded. In memory only: a restart begins anew, which costs at most sixteen entries more.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<Hour>);

#[derive(Debug, Default)]
struct Hour {
    number: i64,
    tries: BTreeMap<Who, u32>,
}

impl Throttle {
    /// Counts one failed try and returns how many the hour has seen, if this one is worth an entry.
    pub(crate) fn count(&self, who: Who, now: Timestamp) -> Option<u32> {
        let mut hour = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.as_millis().div_euclid(3_600_000);
        if hour.number != number {
            *hour = Hour { number, ..Hour::default() };
        }
        let seen = hour.tries.entry(who).or_default();
        *seen = seen.saturating_add(1);
        (*seen <= PLAIN || seen.is_power_of_two()).then_some(*seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(throttle: &Throttle, who: &Who, tries: u32, at: i64) -> Vec<u32> {
        let now = Timestamp::from_millis(at);
        (0..tries).filter_map(|_| throttle.count(who.clone(), now)).collect()
    }

    #[test]
    fn a_flood_leaves_few_entries_and_the_number_of_its_tries() {
        let throttle = Throttle::default();
        let seen = entries(&throttle, &Who::Stranger, 10_000, 0);
        assert_eq!(seen.len(), 16 + 9);
        assert_eq!(seen.last(), Some(&8_192));
        assert_eq!(entries(&throttle, &Who::Stranger, 1, 3_600_000), [1], "the next hour begins anew");
    }

    #[test]
    fn strangers_do_not_hide_tries_at_an_officer() {
        let throttle = Throttle::default();
        entries(&throttle, &Who::Stranger, 1_000, 0);
        let officer = Who::Officer(OfficerId::new([1; 16]));
        assert_eq!(entries(&throttle, &officer, 3, 0), [1, 2, 3]);
    }
}
