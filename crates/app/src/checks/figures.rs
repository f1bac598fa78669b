//! What is published of checks: how many, what they cost, how many candidates people confirmed or rejected. Small counts
//! are not shown; the share of false hits is given from ten outcomes on.

use mithaq_check::follow::Figures;
use mithaq_model::{AgreementId, PartyId, Timestamp};
use mithaq_store::checks::{self, Tally};
use mithaq_store::reports::Direction;

use crate::App;
use crate::error::AppError;
use crate::requests::{Cell, SMALL};
use crate::rights::{May, intent};

/// Checks of one direction, with one partner under one agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedOn {
    /// Asked by this node, or received.
    pub direction: Direction,
    /// The other party.
    pub partner: PartyId,
    /// Agreement.
    pub agreement: AgreementId,
    /// Checks.
    pub checks: Cell,
    /// Of these, refused.
    pub refused: Cell,
    /// Evaluations: what bounds a partner; hidden with a small count of checks, which they would give away.
    pub evaluations: Cell,
    /// Candidates.
    pub hits: Cell,
    /// Confirmed by both sides.
    pub confirmed: Cell,
    /// Rejected by one.
    pub rejected: Cell,
    /// False hits in thousandths of those with an outcome; none below ten.
    pub false_per_mille: Option<u32>,
}

/// Figures of a span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckFigures {
    /// One row per direction, partner and agreement.
    pub rows: Vec<CheckedOn>,
}

impl App {
    /// Returns the figures of checks created from one instant until before another.
    ///
    /// # Errors
    /// When the store fails.
    pub fn check_figures(
        &self,
        _may: May<intent::ReadFigures>,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<CheckFigures, AppError> {
        let tallies = self.read(move |_app, tx| Ok(checks::tally(tx, from, until)?))?;
        Ok(CheckFigures { rows: tallies.into_iter().map(row).collect() })
    }
}

const fn cell(count: u64) -> Cell {
    if count == 0 || count >= SMALL { Cell::Count(count) } else { Cell::Hidden }
}

fn row(tally: Tally) -> CheckedOn {
    let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let figures = Figures { confirmed: narrow(tally.confirmed), rejected: narrow(tally.rejected) };
    // A share beside one shown count would give the other away: both or neither.
    let (confirmed, rejected) = match (cell(tally.confirmed), cell(tally.rejected)) {
        (Cell::Count(_), Cell::Hidden) | (Cell::Hidden, Cell::Count(_)) => (Cell::Hidden, Cell::Hidden),
        both => both,
    };
    let shown = confirmed != Cell::Hidden;
    let checks = cell(tally.checks);
    CheckedOn {
        direction: tally.direction,
        partner: tally.partner,
        agreement: tally.agreement,
        checks,
        refused: cell(tally.refused),
        evaluations: if checks == Cell::Hidden { checks } else { Cell::Count(tally.queries) },
        hits: if shown { cell(tally.hits) } else { Cell::Hidden },
        confirmed,
        rejected,
        false_per_mille: figures.false_per_mille().filter(|_| shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(confirmed: u64, rejected: u64) -> CheckedOn {
        of(40, confirmed, rejected)
    }

    fn of(checks: u64, confirmed: u64, rejected: u64) -> CheckedOn {
        row(Tally {
            direction: Direction::Own,
            partner: mithaq_testkit::party("es-police"),
            agreement: AgreementId::new([1; 32]),
            checks,
            refused: 0,
            queries: checks * 8,
            hits: confirmed + rejected,
            confirmed,
            rejected,
        })
    }

    #[test]
    fn small_counts_are_hidden_and_not_given_away() {
        let one = tally(20, 3);
        assert_eq!((one.hits, one.confirmed, one.rejected), (Cell::Hidden, Cell::Hidden, Cell::Hidden));
        assert_eq!(one.false_per_mille, None);
        let many = tally(30, 10);
        assert_eq!(
            (many.confirmed, many.rejected, many.false_per_mille),
            (Cell::Count(30), Cell::Count(10), Some(250))
        );
        assert_eq!(tally(0, 0).false_per_mille, None);
        assert_eq!(tally(0, 0).evaluations, Cell::Count(320));
        assert_eq!((of(3, 0, 0).checks, of(3, 0, 0).evaluations), (Cell::Hidden, Cell::Hidden));
    }
}
