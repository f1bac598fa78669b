//! Figures of timeliness (Directive (EU) 2023/977, Art. 18): how many requests, answered in time or late, refused on
//! which ground, still owed. Counts only, and small ones are not shown: a count of one is a person.

use std::collections::BTreeMap;

use mithaq_model::{PartyId, RefusalGround, RequestState, Timestamp, Urgency};
use mithaq_store::reports::Direction;
use mithaq_store::requests::{self, Tally};

use crate::App;
use crate::error::AppError;
use crate::rights::{May, intent};

/// Counts below this are not shown (domain page, §5: small cells suppressed).
pub const SMALL: u64 = 10;

/// A count, or that it is too small to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// So many; 0, or at least [`SMALL`].
    Count(u64),
    /// Not shown: small itself, or it would give a small one away.
    Hidden,
}

/// The requests with one partner in one direction, of one urgency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Own: asked by this node.
    pub direction: Direction,
    /// The other party.
    pub partner: PartyId,
    /// Urgency.
    pub urgency: Urgency,
    /// All of them.
    pub total: Cell,
    /// Answered within the clock, whole or in part.
    pub in_time: Cell,
    /// Answered after it.
    pub late: Cell,
    /// Refused.
    pub refused: Cell,
    /// Still owed, and the clock ran out.
    pub overdue: Cell,
    /// Everything else: still owed in time, withdrawn, expired unanswered.
    pub other: Cell,
}

/// Figures of a span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFigures {
    /// One row per direction, partner and urgency.
    pub rows: Vec<Row>,
    /// Refusals by direction and ground, over all partners.
    pub grounds: Vec<(Direction, RefusalGround, Cell)>,
}

impl App {
    /// Counts the requests of a span of time.
    ///
    /// # Errors
    /// When the store fails.
    pub fn request_figures(
        &self,
        _may: May<intent::ReadFigures>,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<RequestFigures, AppError> {
        let tallies = self.read(move |_app, tx| Ok(requests::tally(tx, from, until)?))?;
        Ok(figures(&tallies))
    }
}

/// Where a request is counted: in time, late, refused, overdue, other.
fn column(tally: &Tally) -> usize {
    match (tally.state, tally.in_time) {
        (RequestState::Refused, _) => 2,
        (RequestState::AnsweredFull | RequestState::AnsweredPart, Some(false)) => 1,
        (RequestState::AnsweredFull | RequestState::AnsweredPart, _) => 0,
        (RequestState::Closed, Some(kept)) => match (tally.ground.is_some(), kept) {
            (true, _) => 2,
            (false, true) => 0,
            (false, false) => 1,
        },
        (state, _) if state.is_open() && tally.level > 0 => 3,
        _other => 4,
    }
}

fn figures(tallies: &[Tally]) -> RequestFigures {
    let mut rows: BTreeMap<(&'static str, PartyId, Urgency), (Direction, [u64; 5])> = BTreeMap::new();
    let mut grounds: BTreeMap<(&'static str, RefusalGround), (Direction, u64)> = BTreeMap::new();
    for tally in tallies {
        let key = (tally.direction.code(), tally.partner.clone(), tally.urgency);
        let (_, counts) = rows.entry(key).or_insert((tally.direction, [0; 5]));
        if let Some(count) = counts.get_mut(column(tally)) {
            *count = count.saturating_add(tally.count);
        }
        if let Some(ground) = tally.ground {
            let entry = grounds.entry((tally.direction.code(), ground)).or_insert((tally.direction, 0));
            entry.1 = entry.1.saturating_add(tally.count);
        }
    }
    let row = |((_, partner, urgency), (direction, counts)): ((_, _, _), (_, [u64; 5]))| {
        let total = counts.iter().sum();
        let [in_time, late, refused, overdue, other] = suppress(counts);
        Row { direction, partner, urgency, total: cell(total), in_time, late, refused, overdue, other }
    };
    RequestFigures {
        rows: rows.into_iter().map(row).collect(),
        grounds: grounds
            .into_iter()
            .map(|((_, ground), (direction, count))| (direction, ground, cell(count)))
            .collect(),
    }
}

const fn cell(count: u64) -> Cell {
    if count == 0 || count >= SMALL { Cell::Count(count) } else { Cell::Hidden }
}

/// Hides small counts, and where that leaves exactly one hidden, the next smallest too: the total must not give it
/// away by subtraction.
fn suppress(counts: [u64; 5]) -> [Cell; 5] {
    let mut cells = counts.map(cell);
    if cells.iter().filter(|one| **one == Cell::Hidden).count() != 1 {
        return cells;
    }
    let shown = cells.iter().zip(counts).enumerate().filter(|(_, (one, _))| **one != Cell::Hidden);
    // A zero hides nothing by itself, but a count that may be zero or not does.
    let next = shown.min_by_key(|(_, (_, count))| if *count == 0 { u64::MAX } else { *count });
    let at = next.map(|(at, _)| at);
    if let Some(one) = at.and_then(|at| cells.get_mut(at)) {
        *one = Cell::Hidden;
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_small_count_is_hidden_and_not_given_away() {
        assert_eq!(suppress([0, 0, 0, 0, 0]), [Cell::Count(0); 5]);
        let [a, b, c, d, e] = suppress([40, 3, 12, 0, 25]);
        assert_eq!((b, c), (Cell::Hidden, Cell::Hidden), "3, and 12 with it");
        assert_eq!((a, d, e), (Cell::Count(40), Cell::Count(0), Cell::Count(25)));
        assert_eq!(suppress([3, 4, 20, 0, 0])[2], Cell::Count(20), "two hide each other");
        assert_eq!(suppress([3, 0, 0, 0, 0])[0], Cell::Hidden);
    }

    proptest! {
        #[test]
        fn no_total_gives_a_small_count_away(counts in prop::array::uniform5(0_u64..30)) {
            let cells = suppress(counts);
            let hidden = cells.iter().filter(|one| **one == Cell::Hidden).count();
            prop_assert!(hidden != 1, "{counts:?}");
            for (one, count) in cells.iter().zip(counts) {
                if let Cell::Count(shown) = one {
                    prop_assert_eq!(*shown, count);
                    prop_assert!(count == 0 || count >= SMALL);
                }
            }
        }
    }
}
