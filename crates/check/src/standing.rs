//! Standing checks: under a named warrant a question stays with the asked side, and gives a hit when that side later
//! learns of the subject.
//!
//! The documents are in [`document`]. After an ordinary check the asking side hands over the second halves of the outputs it got. The asked side compares
//! them with the outputs of each subject it adds. This costs the asking side something: the asked side holds the key
//! and can try guesses against a standing question, as a thief of its node can. The specification says so.

pub(crate) mod document;

use mithaq_model::{Days, OfficerId, Timestamp};
use thiserror::Error;

use crate::ask::half;
use crate::messages::CheckId;
use crate::oprf::Output;

/// Longest life of a standing check, and of each renewal.
pub const LIFE_MAX: Days = Days(90);

/// The title it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warrant {
    /// Reference of the order, never a sentence.
    pub reference: String,
    /// The two persons who asked for it or renewed it.
    pub persons: [OfficerId; 2],
    /// Its own end.
    pub ends: Timestamp,
}

/// A question that stays with the asked side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The check whose outputs they are.
    pub check: CheckId,
    warrant: Warrant,
    /// Sorted.
    halves: Vec<[u8; 32]>,
    expires: Timestamp,
}

/// Why a standing check is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StandingError {
    /// No reference of a warrant.
    #[error("a standing check needs the reference of a warrant")]
    Warrant,
    /// One person is not two.
    #[error("two different persons must ask for or renew a standing check")]
    TwoPerson,
    /// Ends in the past, or later than the warrant or 90 days.
    #[error("a standing check ends within {} days and not after its warrant", LIFE_MAX.0)]
    Life,
    /// No token, or more than one check has.
    #[error("a standing check has at least one token and at most those of one check")]
    Count,
    /// It is over; a new warrant is needed.
    #[error("the standing check is over")]
    Over,
}

impl Standing {
    /// Takes a question under a warrant.
    ///
    /// # Errors
    /// When the warrant, its persons, its life or the number of tokens does not do.
    pub fn new(
        check: CheckId,
        warrant: Warrant,
        mut halves: Vec<[u8; 32]>,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<Self, StandingError> {
        holds(&warrant, expires, now)?;
        if halves.is_empty() || halves.len() > crate::CLAIMS_MAX {
            return Err(StandingError::Count);
        }
        halves.sort_unstable();
        halves.dedup();
        Ok(Self { check, warrant, halves, expires })
    }

    /// Takes up what [`Standing::new`] accepted and a store kept.
    #[must_use]
    pub const fn kept(check: CheckId, warrant: Warrant, halves: Vec<[u8; 32]>, expires: Timestamp) -> Self {
        Self { check, warrant, halves, expires }
    }

    /// Renews it under a warrant, before it is over.
    ///
    /// # Errors
    /// As [`Standing::new`]; [`StandingError::Over`] when it ended.
    pub fn renew(self, warrant: Warrant, expires: Timestamp, now: Timestamp) -> Result<Self, StandingError> {
        if now >= self.expires {
            return Err(StandingError::Over);
        }
        holds(&warrant, expires, now)?;
        Ok(Self { warrant, expires, ..self })
    }

    /// Returns whether an output of a subject that was added is one of its tokens. Never after its end.
    #[must_use]
    pub fn hits(&self, output: &Output, now: Timestamp) -> bool {
        now < self.expires && self.halves.binary_search(&half(output)).is_ok()
    }

    /// Returns its tokens, rising: second halves of outputs.
    #[must_use]
    pub fn halves(&self) -> &[[u8; 32]] {
        &self.halves
    }

    /// Returns its end: then it is erased.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Returns the title.
    #[must_use]
    pub const fn warrant(&self) -> &Warrant {
        &self.warrant
    }
}

fn holds(warrant: &Warrant, expires: Timestamp, now: Timestamp) -> Result<(), StandingError> {
    let [one, other] = warrant.persons;
    if warrant.reference.is_empty() {
        Err(StandingError::Warrant)
    } else if one == other {
        Err(StandingError::TwoPerson)
    } else if expires <= now || expires > warrant.ends || expires > now.plus(LIFE_MAX) {
        Err(StandingError::Life)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(0);

    fn warrant(persons: [u8; 2]) -> Warrant {
        Warrant {
            reference: "order-7".to_owned(),
            persons: persons.map(|n| OfficerId::new([n; 16])),
            ends: NOW.plus(Days(400)),
        }
    }

    fn made(warrant: Warrant, days: u32) -> Result<Standing, StandingError> {
        Standing::new([1; 16], warrant, vec![[7; 32]], NOW.plus(Days(days)), NOW)
    }

    #[test]
    fn it_needs_a_warrant_two_persons_and_an_end() {
        assert!(made(warrant([1, 2]), 90).is_ok());
        assert_eq!(made(warrant([1, 1]), 90), Err(StandingError::TwoPerson));
        assert_eq!(made(warrant([1, 2]), 91), Err(StandingError::Life));
        assert_eq!(made(warrant([1, 2]), 0), Err(StandingError::Life));
        assert_eq!(
            made(Warrant { reference: String::new(), ..warrant([1, 2]) }, 9),
            Err(StandingError::Warrant)
        );
        assert_eq!(made(Warrant { ends: NOW.plus(Days(3)), ..warrant([1, 2]) }, 4), Err(StandingError::Life));
        let none = Standing::new([1; 16], warrant([1, 2]), Vec::new(), NOW.plus(Days(1)), NOW);
        assert_eq!(none, Err(StandingError::Count));
    }

    #[test]
    fn it_hits_until_its_end_and_is_renewed_by_two() {
        let standing = made(warrant([1, 2]), 10).unwrap();
        let mut output = [0; 64];
        output[32..].copy_from_slice(&[7; 32]);
        let end = standing.expires();
        assert!(standing.hits(&output, NOW) && !standing.hits(&output, end) && !standing.hits(&[0; 64], NOW));
        let again = standing.clone().renew(warrant([2, 3]), end.plus(Days(5)), NOW).unwrap();
        assert!(again.hits(&output, end));
        assert_eq!(
            standing.clone().renew(warrant([2, 2]), end.plus(Days(5)), NOW),
            Err(StandingError::TwoPerson)
        );
        assert_eq!(standing.renew(warrant([2, 3]), end.plus(Days(5)), end), Err(StandingError::Over));
    }
}
