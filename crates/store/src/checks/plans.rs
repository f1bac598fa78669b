//! Planned actions of this node. Place, time and point of contact are encrypted and erased with their keys when the plan is
//! over; its end, to six hours, is a column. Questions about plans and what met are [`super::plan_asks`]'.

use mithaq_db::{Row, Tx, Value, lock_clause};
use mithaq_model::{AgreementId, CaseId, ObjectId, OfficerId, Purpose, Timestamp};

use super::plan_asks::erase_conflicts;
use crate::sql::{Of, PAGE_MAX, agreement, id, insert_new, int, time};
use crate::vault::{Kind, Plain, Record, erase_keys};
use crate::{StoreError, Vault};

const OF: Of = Of("check_plan");
const PLAN: &str = "SELECT id, agreement, case_id, purpose, author, authoriser, state, until_at, over_at, version FROM check_plan";

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $state:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$of])* $state),+ }

        impl $name {
            /// All states.
            pub const ALL: &[Self] = &[$(Self::$state),+];

            /// Returns the stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$state => $code),+ }
            }

            pub(super) fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.code() == code)
            }
        }
    };
}
pub(super) use states;

states! {
    /// Where a plan is.
    PlanState {
        /// Written; nothing was asked, and nobody meets it.
        Draft = "draft",
        /// Authorised: partners are asked, and meet it.
        Open = "open",
        /// Its time is over, or it was taken back: place, time and contact are erased.
        Over = "over",
        /// What opens its questions is destroyed too.
        Closed = "closed",
    }
}

/// A planned action of this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPlan {
    /// Number.
    pub id: ObjectId,
    /// The agreement under whose parties it is deconflicted.
    pub agreement: AgreementId,
    /// Case.
    pub case: CaseId,
    /// What for.
    pub purpose: Purpose,
    /// Who wrote it.
    pub author: OfficerId,
    /// Who authorised it.
    pub authoriser: Option<OfficerId>,
    /// Where it is.
    pub state: PlanState,
    /// When it is over by itself: to six hours, for it is kept in clear.
    pub until: Timestamp,
    /// When it was over.
    pub over: Option<Timestamp>,
    /// Counts the changes, from 1.
    pub version: u64,
}

fn plan_record(number: &ObjectId) -> Record<'_> {
    Record { kind: Kind::CheckPlan, id: number.as_bytes(), version: 1 }
}

/// Adds a plan with its content, encrypted.
///
/// # Errors
/// [`StoreError::Conflict`] when the number is taken.
pub fn add_plan(tx: &mut dyn Tx, vault: &Vault, plan: &StoredPlan, content: &[u8]) -> Result<(), StoreError> {
    let sealed = vault.seal(&plan_record(&plan.id), content)?;
    insert_new(
        tx,
        "INSERT INTO check_plan (id, agreement, case_id, purpose, author, authoriser, state, until_at, over_at, version, content)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        &[
            id(plan.id),
            agreement(&plan.agreement),
            id(plan.case),
            Value::from(plan.purpose.code()),
            id(plan.author),
            Value::from(plan.authoriser.map(|who| who.as_bytes().to_vec())),
            Value::from(plan.state.code()),
            time(plan.until),
            Value::from(plan.over.map(Timestamp::as_millis)),
            int(plan.version)?,
            Value::from(sealed.content),
        ],
        "plan",
    )?;
    Vault::put_keys(tx, &[sealed.key])
}

/// Stores where a plan is.
///
/// # Errors
/// [`StoreError::Conflict`] when the row was changed since it was read, or is gone.
pub fn save_plan(tx: &mut dyn Tx, plan: &StoredPlan) -> Result<(), StoreError> {
    let sql = "UPDATE check_plan SET authoriser = $2, state = $3, over_at = $5, version = version + 1
               WHERE id = $1 AND version = $4";
    let args = [
        id(plan.id),
        Value::from(plan.authoriser.map(|who| who.as_bytes().to_vec())),
        Value::from(plan.state.code()),
        int(plan.version)?,
        Value::from(plan.over.map(Timestamp::as_millis)),
    ];
    insert_new(tx, sql, &args, "plan")
}

/// Returns a plan.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn plan(tx: &mut dyn Tx, number: ObjectId) -> Result<Option<StoredPlan>, StoreError> {
    tx.query_opt(&format!("{PLAN} WHERE id = $1"), &[id(number)])?.map(|row| read_plan(&row)).transpose()
}

/// As [`plan`], locked until the job ends: for who will change it.
///
/// # Errors
/// As [`plan`].
pub fn plan_locked(tx: &mut dyn Tx, number: ObjectId) -> Result<Option<StoredPlan>, StoreError> {
    let sql = format!("{PLAN} WHERE id = $1{}", lock_clause(tx.engine()));
    tx.query_opt(&sql, &[id(number)])?.map(|row| read_plan(&row)).transpose()
}

/// Returns the plans of a case, the newest end first.
///
/// # Errors
/// As [`plan`].
pub fn plans_of(tx: &mut dyn Tx, case: CaseId) -> Result<Vec<StoredPlan>, StoreError> {
    let sql = format!("{PLAN} WHERE case_id = $1 ORDER BY until_at DESC, id LIMIT $2");
    tx.query(&sql, &[id(case), Value::from(PAGE_MAX)])?.iter().map(read_plan).collect()
}

/// Returns the open plans under an agreement that are not over, at most `limit`.
///
/// # Errors
/// As [`plan`].
pub fn open_plans(
    tx: &mut dyn Tx,
    of: &AgreementId,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<StoredPlan>, StoreError> {
    let sql = format!(
        "{PLAN} WHERE agreement = $1 AND state = 'open' AND until_at > $2 ORDER BY until_at, id LIMIT $3"
    );
    let limit = u32::try_from(limit).unwrap_or(u32::MAX).min(PAGE_MAX);
    tx.query(&sql, &[agreement(of), time(now), Value::from(limit)])?.iter().map(read_plan).collect()
}

/// Returns plans of a case that are not over, a page of them.
///
/// # Errors
/// As [`plan`].
pub fn plans_alive(tx: &mut dyn Tx, case: CaseId) -> Result<Vec<StoredPlan>, StoreError> {
    let sql =
        format!("{PLAN} WHERE case_id = $1 AND state IN ('draft', 'open') ORDER BY until_at, id LIMIT $2");
    tx.query(&sql, &[id(case), Value::from(PAGE_MAX)])?.iter().map(read_plan).collect()
}

/// Returns plans whose time is over and that are not.
///
/// # Errors
/// As [`plan`].
pub fn plans_ended(tx: &mut dyn Tx, now: Timestamp, limit: u32) -> Result<Vec<StoredPlan>, StoreError> {
    let sql =
        format!("{PLAN} WHERE state IN ('draft', 'open') AND until_at <= $1 ORDER BY until_at, id LIMIT $2");
    tx.query(&sql, &[time(now), Value::from(limit.min(PAGE_MAX))])?.iter().map(read_plan).collect()
}

/// Returns plans that were over before an instant: what opens their questions can go.
///
/// # Errors
/// As [`plan`].
pub fn plans_over(tx: &mut dyn Tx, before: Timestamp, limit: u32) -> Result<Vec<StoredPlan>, StoreError> {
    let sql = format!("{PLAN} WHERE state = 'over' AND over_at < $1 ORDER BY until_at, id LIMIT $2");
    tx.query(&sql, &[time(before), Value::from(limit.min(PAGE_MAX))])?.iter().map(read_plan).collect()
}

fn read_plan(row: &Row) -> Result<StoredPlan, StoreError> {
    Ok(StoredPlan {
        id: OF.id(row, 0)?,
        agreement: OF.agreement(row, 1)?,
        case: OF.id(row, 2)?,
        purpose: OF.code(row, 3, Purpose::from_code)?,
        author: OF.id(row, 4)?,
        authoriser: OF.opt_id(row, 5)?,
        state: PlanState::from_code(row.text(6)?).ok_or(OF.broken())?,
        until: OF.time(row, 7)?,
        over: row.opt_int(8)?.map(Timestamp::from_millis),
        version: row.unsigned(9)?,
    })
}

/// Returns what a plan says; none once it is over.
///
/// # Errors
/// [`StoreError::Integrity`] when it is damaged.
pub fn plan_content(tx: &mut dyn Tx, vault: &Vault, number: ObjectId) -> Result<Option<Plain>, StoreError> {
    let sql = "SELECT p.content, k.master, k.wrapped FROM check_plan p
               LEFT JOIN record_key k ON k.id = p.id AND k.kind = 21 AND k.version = 1 WHERE p.id = $1";
    opened(tx, vault, sql, &[id(number)], &plan_record(&number))
}

pub(super) fn opened(
    tx: &mut dyn Tx,
    vault: &Vault,
    sql: &str,
    args: &[Value],
    record: &Record<'_>,
) -> Result<Option<Plain>, StoreError> {
    let Some(row) = tx.query_opt(sql, args)? else { return Ok(None) };
    if row.opt_bytes(0)?.is_none() {
        return Ok(None);
    }
    vault.open_row(record, &row, 0).map(Some)
}

/// Erases what a plan says and what met it. What opens its questions stays for oversight until the plan is closed.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn erase_plan(tx: &mut dyn Tx, number: ObjectId) -> Result<(), StoreError> {
    erase_keys(tx, Kind::CheckPlan, &[number.as_bytes().as_slice()])?;
    tx.exec("UPDATE check_plan SET content = NULL WHERE id = $1", &[id(number)])?;
    erase_conflicts(tx, number)
}
