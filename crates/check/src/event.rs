//! Event deconfliction: the same machine over coarse cells of place and time. Two planners learn that they plan in the
//! same cell or the next, and a point of contact; neither learns what, exactly where, or when.
//!
//! The asking side asks for its one cell; the asked side tags, for each of its plans, the cell and the 26 around it. So an
//! answer says *near* and not where: who would know more needs more questions, each charged and logged on both sides.

mod document;
mod sides;

use mithaq_model::{Coordinates, Millis, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::TokenKey;

pub use document::{
    CONTACT_MAX, EVENT_CONTACTS_MAX, EVENT_TAGS, EventAnswer, EventClaim, EventContacts, EventRequest,
    EventTag, is_contact,
};
pub use sides::{
    EventError, EventEvaluated, event_answer, event_ask, event_check, event_conclude, event_opening,
};

const CONTEXT: &[u8] = b"mithaq/event/1";
/// Side of a cell: a tenth of a degree, eleven kilometres from south to north.
const CELL_E6: i64 = 100_000;
/// Length of a cell in time: six hours.
const WINDOW: Millis = Millis::hours(6);
/// Cells round the globe from west to east.
const AROUND: i64 = 360_000_000 / CELL_E6;

/// Cells in which a plan is met: its own and the 26 around it in place and time. A question tests so many of the asked
/// side's cells at once, and costs so many evaluations.
pub const EVENT_CELLS: usize = 27;
/// Most plans under one agreement that can be met at once.
pub const EVENT_PLANS_MAX: usize = 128;

/// A planned action: place and time, as coarse as they are meant to be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Where.
    pub at: Coordinates,
    /// When it begins.
    pub from: Timestamp,
}

impl Plan {
    /// Returns the plan as it is compared: the middle of its cell, the beginning of its window. It has the same cell.
    #[must_use]
    pub fn coarse(&self) -> Self {
        let (north, east, _) = cell(self);
        let middle = |cell: i64, most: i64| {
            let middle = (cell * CELL_E6 + CELL_E6 / 2).clamp(-most, most);
            i32::try_from(middle).unwrap_or_default()
        };
        Self {
            at: Coordinates {
                latitude_e6: middle(north, 90_000_000),
                longitude_e6: middle(east, 180_000_000),
                precision_m: 10_000,
            },
            from: self.window().0,
        }
    }

    /// Returns beginning and end of its window.
    #[must_use]
    pub fn window(&self) -> (Timestamp, Timestamp) {
        let begins = cell(self).2.saturating_mul(millis(WINDOW));
        (Timestamp::from_millis(begins), Timestamp::from_millis(begins.saturating_add(millis(WINDOW))))
    }

    /// Returns when nothing meets it any more: the end of the window after its own.
    #[must_use]
    pub fn over(&self) -> Timestamp {
        self.window().1.plus(WINDOW)
    }
}

fn millis(length: Millis) -> i64 {
    i64::try_from(length.0).unwrap_or(1)
}

fn cell(plan: &Plan) -> (i64, i64, i64) {
    (
        i64::from(plan.at.latitude_e6).div_euclid(CELL_E6),
        i64::from(plan.at.longitude_e6).div_euclid(CELL_E6),
        plan.from.as_millis().div_euclid(millis(WINDOW)),
    )
}

fn key((north, east, time): (i64, i64, i64)) -> TokenKey {
    let mut hash = Sha256::new().chain_update(CONTEXT);
    [north, east.rem_euclid(AROUND), time].iter().for_each(|n| hash.update(n.to_be_bytes()));
    hash.finalize().into()
}

/// Returns the token of the asking side: its cell.
#[must_use]
pub fn asked(plan: &Plan) -> TokenKey {
    key(cell(plan))
}

/// Returns the tokens of the asked side: the cell of its plan and the 26 around it.
#[must_use]
pub fn held(plan: &Plan) -> Vec<TokenKey> {
    let (north, east, time) = cell(plan);
    let near = || -1..=1_i64;
    near()
        .flat_map(|n| near().flat_map(move |e| near().map(move |t| (n, e, t))))
        .map(|(n, e, t)| key((north + n, east + e, time + t)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    pub(super) fn plan(latitude: f64, longitude: f64, hours: i64) -> Plan {
        let e6 = |degrees: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "degrees of a test")]
            let e6 = (degrees * 1e6) as i32;
            e6
        };
        Plan {
            at: Coordinates { latitude_e6: e6(latitude), longitude_e6: e6(longitude), precision_m: 10_000 },
            from: Timestamp::from_millis(hours * HOUR),
        }
    }

    #[test]
    fn near_in_place_and_time_meet_whoever_asks_and_far_do_not() {
        let ours = plan(35.78, -5.81, 100);
        assert_eq!(held(&ours).len(), EVENT_CELLS);
        for near in [plan(35.78, -5.81, 100), plan(35.83, -5.75, 105), plan(35.69, -5.89, 97)] {
            assert!(held(&ours).contains(&asked(&near)), "{near:?}");
            assert!(held(&near).contains(&asked(&ours)), "{near:?}");
        }
        for far in [plan(36.2, -5.81, 100), plan(35.78, -5.2, 100), plan(35.78, -5.81, 120)] {
            assert!(!held(&ours).contains(&asked(&far)), "{far:?}");
            assert!(!held(&far).contains(&asked(&ours)), "{far:?}");
        }
        // Across the line where longitudes begin anew, and below zero.
        assert!(held(&plan(-0.05, 179.99, 0)).contains(&asked(&plan(0.05, -179.99, -1))));
    }

    #[test]
    fn a_coarse_plan_is_the_same_cell_and_nothing_finer() {
        for fine in [
            plan(35.78, -5.81, 101),
            plan(0.0, 0.0, 0),
            plan(-0.01, -0.01, -1),
            plan(90.0, 180.0, 7),
            plan(-90.0, -180.0, 7),
        ] {
            let coarse = fine.coarse();
            assert_eq!(asked(&coarse), asked(&fine), "{fine:?}");
            assert_eq!(coarse.coarse(), coarse);
        }
        let (one, other) = (plan(35.78, -5.81, 97), plan(35.71, -5.89, 101));
        assert_eq!(one.coarse(), other.coarse());
        let at = |hours: i64| Timestamp::from_millis(hours * HOUR);
        assert_eq!((one.window(), one.over()), ((at(96), at(102)), at(108)));
    }
}
