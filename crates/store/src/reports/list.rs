//! Lists of reports, always a page and always by something: a case, a state, a clock.

use mithaq_db::{Tx, Value};
use mithaq_model::{CaseId, ReportId, ReportState, Timestamp};

use super::{COLUMNS, OF, ReportHead, read_head};
use crate::StoreError;
use crate::sight::{self, Sight};
use crate::sql::{PAGE_MAX, Page, id, time};

/// Returns a page of the reports of a case, in the order of their numbers.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn of_case(tx: &mut dyn Tx, case: CaseId, page: &Page<ReportId>) -> Result<Vec<ReportHead>, StoreError> {
    let sql = format!("{COLUMNS} WHERE r.case_id = $1 AND r.id > $2 ORDER BY r.id LIMIT $3");
    tx.query(&sql, &[id(case), page.key(), page.rows()])?.iter().map(read_head).collect()
}

/// Returns a page of the reports in a state that a person sees, in the order of their numbers.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn with_state(
    tx: &mut dyn Tx,
    state: ReportState,
    sight: Sight,
    page: &Page<ReportId>,
) -> Result<Vec<ReportHead>, StoreError> {
    let mut args = vec![Value::from(state.code()), page.key(), page.rows()];
    let seen = sight.and(sight::REPORTS, &mut args);
    let sql = format!("{COLUMNS} WHERE r.state = $1 AND r.id > $2{seen} ORDER BY r.id LIMIT $3");
    tx.query(&sql, &args)?.iter().map(read_head).collect()
}

/// Returns reports whose time is over by `now`, the longest first. Erasing takes them off this list.
///
/// # Errors
/// When the engine refuses.
pub fn expired(tx: &mut dyn Tx, now: Timestamp, limit: u32) -> Result<Vec<ReportId>, StoreError> {
    let sql = format!(
        "SELECT id FROM report WHERE expires_at <= $1 AND {} ORDER BY expires_at, id LIMIT $2",
        crate::holds::NOT_HELD
    );
    let rows = tx.query(&sql, &[time(now), Value::from(limit.min(PAGE_MAX))])?;
    rows.iter().map(|row| OF.id(row, 0)).collect()
}
