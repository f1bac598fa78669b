//! Event deconfliction: the same machine over coarse cells of place and time. Two planners learn that they plan in the
//! same cell or the next, and a point of contact; neither learns what, exactly where, or when.

mod document;
mod sides;

use mithaq_model::{Coordinates, Millis, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::TokenKey;

pub use document::{
    CONTACT_MAX, EVENT_QUERIES, EVENT_TAGS_MAX, EVENT_TAGS_STEP, EventAnswer, EventClaim, EventContacts,
    EventRequest, EventTag,
};
pub use sides::{
    EventError, EventEvaluated, event_answer, event_ask, event_conclude, event_fill, event_opening,
};

const CONTEXT: &[u8] = b"mithaq/event/1";
/// Side of a cell: a tenth of a degree, eleven kilometres from south to north.
const CELL_E6: i64 = 100_000;
/// Length of a cell in time: six hours.
const WINDOW: Millis = Millis::hours(6);
/// Cells round the globe from west to east.
const AROUND: i64 = 360_000_000 / CELL_E6;

/// A planned action: place and time, as coarse as they are meant to be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Where.
    pub at: Coordinates,
    /// When it begins.
    pub from: Timestamp,
}

fn cell(plan: &Plan) -> (i64, i64, i64) {
    let window = i64::try_from(WINDOW.0).unwrap_or(1);
    (
        i64::from(plan.at.latitude_e6).div_euclid(CELL_E6),
        i64::from(plan.at.longitude_e6).div_euclid(CELL_E6),
        plan.from.as_millis().div_euclid(window),
    )
}

fn key((north, east, time): (i64, i64, i64)) -> TokenKey {
    let mut hash = Sha256::new().chain_update(CONTEXT);
    [north, east.rem_euclid(AROUND), time].iter().for_each(|n| hash.update(n.to_be_bytes()));
    hash.finalize().into()
}

/// Returns the token of the asked side: its own cell.
#[must_use]
pub fn held(plan: &Plan) -> TokenKey {
    key(cell(plan))
}

/// Returns the tokens of the asking side: its cell and the 26 around it.
#[must_use]
pub fn asked(plan: &Plan) -> Vec<TokenKey> {
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

    pub(super) fn plan(latitude: f64, longitude: f64, hours: i64) -> Plan {
        let e6 = |degrees: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "degrees of a test")]
            let e6 = (degrees * 1e6) as i32;
            e6
        };
        Plan {
            at: Coordinates { latitude_e6: e6(latitude), longitude_e6: e6(longitude), precision_m: 10_000 },
            from: Timestamp::from_millis(hours * 3_600_000),
        }
    }

    #[test]
    fn near_in_place_and_time_meet_and_far_do_not() {
        let ours = asked(&plan(35.78, -5.81, 100));
        assert_eq!(ours.len(), 27);
        for near in [plan(35.78, -5.81, 100), plan(35.83, -5.75, 105), plan(35.69, -5.89, 97)] {
            assert!(ours.contains(&held(&near)), "{near:?}");
        }
        for far in [plan(36.2, -5.81, 100), plan(35.78, -5.2, 100), plan(35.78, -5.81, 120)] {
            assert!(!ours.contains(&held(&far)), "{far:?}");
        }
        // Across the line where longitudes begin anew, and below zero.
        assert!(asked(&plan(-0.05, 179.99, 0)).contains(&held(&plan(0.05, -179.99, -1))));
    }
}
