//! How much a partner may ask: what bounds a curious one, for names are guessable.
//!
//! Counted in evaluations, on the asked side, per partner, officer, case and day. The counters are rows of the shell:
//! it loads them, [`charge`] gives the new ones, and they are durable **before** anything is evaluated. A crash in
//! between costs the partner its budget and gives it nothing; nothing is ever refunded.

use mithaq_policy::PrivateCheck;
use thiserror::Error;

/// Evaluations of one day (UTC) under one agreement for one partner, and the two narrower counters of this check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// For the partner as a whole.
    pub partner: u32,
    /// For the officer's pseudonym.
    pub officer: u32,
    /// For the case.
    pub case: u32,
    /// Evaluations since the last hit that was shown to be one; does not start anew with the day.
    pub since_hit: u32,
}

/// Which budget a check would exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Exceeded {
    /// The partner's.
    #[error("the partner's evaluations of the day are used up")]
    Partner,
    /// The officer's.
    #[error("the officer's evaluations of the day are used up")]
    Officer,
    /// The case's.
    #[error("the case's evaluations of the day are used up")]
    Case,
}

/// Charges a whole check or nothing of it.
///
/// # Errors
/// The widest budget it would exceed.
pub fn charge(terms: &PrivateCheck, counters: Counters, evaluations: u32) -> Result<Counters, Exceeded> {
    let add = |used: u32, cap: u32, exceeded| {
        let sum = used.checked_add(evaluations).filter(|sum| *sum <= cap);
        sum.ok_or(exceeded)
    };
    Ok(Counters {
        partner: add(counters.partner, terms.daily_cap, Exceeded::Partner)?,
        officer: add(counters.officer, terms.officer_cap, Exceeded::Officer)?,
        case: add(counters.case, terms.case_cap, Exceeded::Case)?,
        since_hit: counters.since_hit.saturating_add(evaluations),
    })
}

/// Returns whether people must look at this partner's checks: so many evaluations without a hit.
#[must_use]
pub const fn review_due(terms: &PrivateCheck, counters: &Counters) -> bool {
    counters.since_hit >= terms.review_after
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TERMS: PrivateCheck = PrivateCheck {
        batch_cap: 25,
        daily_cap: 100,
        officer_cap: 60,
        case_cap: 40,
        review_after: 80,
        token_policy: None,
        verifiable: false,
        refuse_silently: false,
        standing: None,
        events: false,
    };

    #[test]
    fn each_budget_refuses_the_whole_check() {
        let of = |partner, officer, case| Counters { partner, officer, case, since_hit: 0 };
        assert_eq!(charge(&TERMS, of(91, 0, 0), 10), Err(Exceeded::Partner));
        assert_eq!(charge(&TERMS, of(90, 51, 0), 10), Err(Exceeded::Officer));
        assert_eq!(charge(&TERMS, of(90, 50, 31), 10), Err(Exceeded::Case));
        let after = charge(&TERMS, of(90, 50, 30), 10).unwrap();
        assert_eq!((after.partner, after.officer, after.case, after.since_hit), (100, 60, 40, 10));
        assert_eq!(charge(&TERMS, of(u32::MAX, 0, 0), 1), Err(Exceeded::Partner), "no overflow");
    }

    #[test]
    fn many_evaluations_without_a_hit_raise_a_review() {
        let counters = Counters { since_hit: 79, ..Counters::default() };
        assert!(!review_due(&TERMS, &counters));
        assert!(review_due(&TERMS, &charge(&TERMS, counters, 1).unwrap()));
    }

    proptest! {
        #[test]
        fn no_sequence_of_charges_passes_a_cap(charges in proptest::collection::vec(0_u32..50, 0..40)) {
            let mut counters = Counters::default();
            for n in charges {
                if let Ok(next) = charge(&TERMS, counters, n) { counters = next; }
                prop_assert!(counters.partner <= 100 && counters.officer <= 60 && counters.case <= 40);
            }
        }
    }
}
