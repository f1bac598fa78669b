//! Legal and oversight holds: cases and reports that are neither disclosed nor erased by the passing of time while
//! one stands. One row is one person's hold; the written reason is a ruling. Who may set and lift is `app`'s question.

use mithaq_db::{Row, Tx, Value};
use mithaq_model::{CaseId, Id16, OfficerId, ReportId, Role, Timestamp};

use crate::StoreError;
use crate::sql::{Of, PAGE_MAX, id, time};

const OF: Of = Of("hold");
/// The rest of a condition: no hold stands on a report of the query or on its case.
pub(crate) const NOT_HELD: &str =
    "NOT EXISTS (SELECT 1 FROM hold h WHERE (h.object = report.id AND h.scope = 'report')
     OR (h.object = report.case_id AND h.scope = 'case'))";
/// The same for a subject: none on a case it is in, none on a report it came with.
pub(crate) const SUBJECT_NOT_HELD: &str = "NOT EXISTS (SELECT 1 FROM hold h JOIN subject_case c ON c.case_id = h.object
     WHERE c.subject = subject.id AND h.scope = 'case')
     AND NOT EXISTS (SELECT 1 FROM hold h JOIN subject_report r ON r.report = h.object WHERE r.subject = subject.id
     AND h.scope = 'report')";

/// What a hold is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// A case and all in it.
    Case(CaseId),
    /// One report.
    Report(ReportId),
}

impl Scope {
    const fn code(self) -> &'static str {
        match self {
            Self::Case(_) => "case",
            Self::Report(_) => "report",
        }
    }

    /// Returns the number of the case or report.
    #[must_use]
    pub fn number(self) -> [u8; 16] {
        match self {
            Self::Case(case) => case.to_bytes(),
            Self::Report(report) => report.to_bytes(),
        }
    }
}

/// One person's hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// On what.
    pub scope: Scope,
    /// Who set it.
    pub officer: OfficerId,
    /// In which role.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
}

/// Sets a hold; `false` when this person's stands already.
///
/// # Errors
/// When the engine refuses.
pub fn set(tx: &mut dyn Tx, hold: &Hold) -> Result<bool, StoreError> {
    let sql = "INSERT INTO hold (object, officer, scope, role, since) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING";
    let args = [
        Value::from(hold.scope.number()),
        id(hold.officer),
        Value::from(hold.scope.code()),
        Value::from(hold.role.code()),
        time(hold.since),
    ];
    Ok(tx.exec(sql, &args)? == 1)
}

/// Lifts the holds that one role set, or all of them. Returns how many stood.
///
/// # Errors
/// When the engine refuses.
pub fn lift(tx: &mut dyn Tx, scope: Scope, role: Option<Role>) -> Result<u64, StoreError> {
    let object = Value::from(scope.number());
    Ok(match role {
        Some(role) => {
            tx.exec("DELETE FROM hold WHERE object = $1 AND role = $2", &[object, Value::from(role.code())])?
        }
        None => tx.exec("DELETE FROM hold WHERE object = $1", &[object])?,
    })
}

/// Whether a hold stands on a report or on its case.
///
/// # Errors
/// When the engine refuses.
pub fn stands(tx: &mut dyn Tx, report: ReportId, case: Option<CaseId>) -> Result<bool, StoreError> {
    // No case has the empty number.
    let case = case.map_or_else(Vec::new, |case| case.to_bytes().to_vec());
    let sql = "SELECT 1 FROM hold WHERE (object = $1 AND scope = 'report') OR (object = $2 AND scope = 'case') LIMIT 1";
    Ok(tx.query_opt(sql, &[id(report), Value::from(case)])?.is_some())
}

/// Returns the holds that stand, the oldest first.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn list(tx: &mut dyn Tx, limit: u32) -> Result<Vec<Hold>, StoreError> {
    let sql = "SELECT object, officer, scope, role, since FROM hold ORDER BY since, object, officer LIMIT $1";
    tx.query(sql, &[Value::from(limit.min(PAGE_MAX))])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Hold, StoreError> {
    let scope = match row.text(2)? {
        "case" => Scope::Case(OF.id(row, 0)?),
        "report" => Scope::Report(OF.id(row, 0)?),
        _other => return Err(OF.broken()),
    };
    Ok(Hold {
        scope,
        officer: OF.id(row, 1)?,
        role: OF.code(row, 3, Role::from_code)?,
        since: OF.time(row, 4)?,
    })
}
