//! Reports, own and received: one row per report, one encrypted content per version, and who approved it.
//!
//! A version's content is a draft while it is written and the sealed bytes from its release or receipt on.
//! Erasing takes the content and its key; number, hash, dates and a tombstone stay, and the object never
//! comes in again by any route. Which change of state is allowed, and who may read, is `app`'s matter.

mod approvals;
mod erase;
mod leaving;
mod list;

use std::collections::{BTreeMap, BTreeSet};

use mithaq_db::{Row, Tx, Value, lock_clause};
use mithaq_model::{
    AgreementId, CaseId, Level, ObjectId, OfficerId, PartyId, ReportId, ReportState, ReportVersion, Timestamp,
};
use mithaq_wire::Digest;

use crate::sight::{self, Sight};
use crate::sql::{Of, count, id, in_lists, insert_new, sha256, time};
use crate::vault::{Kind, Plain, Record, erase_key};
use crate::{StoreError, Vault};

pub use approvals::{Approval, Decision, add_decisions, approvals, approvals_of, approve, decisions};
pub use erase::{
    Erasure, Quarantined, buried, bury, erase, holds_erased, in_quarantine, is_buried, quarantine,
    quarantined, resolve_quarantine, tombstones,
};
pub use leaving::{Leaving, acknowledge, release};
pub use list::{expired, of_case, with_state};

const OF: Of = Of("report");
const OF_VERSION: Of = Of("report_version");
const COLUMNS: &str =
    "SELECT r.id, r.direction, r.originator, r.agreement, r.case_id, r.author, r.state, r.version,
    r.level, r.created_at, r.changed_at, r.expires_at FROM report r";

/// Most reports of one call: what a batch of a partner brings, and all that may wait behind the gap it closes. A lower limit
/// would refuse the batch each time it came.
pub const BATCH_MAX: usize = mithaq_wire::limits::BATCH_MESSAGES_MAX + mithaq_wire::limits::REORDER_MAX;

/// Where a report is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Written at this node.
    Own,
    /// From a partner.
    Received,
}

impl Direction {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Received => "received",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        [Self::Own, Self::Received].into_iter().find(|direction| direction.code() == code)
    }
}

/// What the content of a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The body as it is being written, encoded by the caller.
    Draft,
    /// The object as its originator sealed it.
    Sealed,
    /// Nothing any more.
    Erased,
}

impl Form {
    const fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Sealed => "sealed",
            Self::Erased => "erased",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        [Self::Draft, Self::Sealed, Self::Erased].into_iter().find(|form| form.code() == code)
    }
}

/// The row of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportHead {
    /// Number, also the number of the object it travels as.
    pub id: ReportId,
    /// Own or received.
    pub direction: Direction,
    /// The party in control.
    pub originator: PartyId,
    /// The agreement it is under.
    pub agreement: Option<AgreementId>,
    /// The case of this node it belongs to.
    pub case: Option<CaseId>,
    /// Who wrote it here.
    pub author: Option<OfficerId>,
    /// State.
    pub state: ReportState,
    /// The newest version.
    pub version: ReportVersion,
    /// Classification.
    pub level: Level,
    /// When it was written, or received.
    pub created: Timestamp,
    /// When its row was changed last.
    pub changed: Timestamp,
    /// When it is erased unless somebody decides to keep it.
    pub expires: Timestamp,
}

/// A version to store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewVersion<'a> {
    /// Its number.
    pub version: ReportVersion,
    /// The version it replaces.
    pub supersedes: Option<ReportVersion>,
    /// Draft or sealed.
    pub form: Form,
    /// The bytes.
    pub content: &'a [u8],
    /// When.
    pub at: Timestamp,
}

/// A version as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVersion {
    /// Its number.
    pub version: ReportVersion,
    /// The version it replaces.
    pub supersedes: Option<ReportVersion>,
    /// What the content is.
    pub form: Form,
    /// SHA-256 of the content; stays when the content goes.
    pub hash: Digest,
    /// When it was stored.
    pub at: Timestamp,
    /// Counts the edits of a draft, from 1.
    pub revision: u32,
}

/// The place of a content under its report: version in the upper, revision in the lower half.
fn content_version(version: ReportVersion, revision: u32) -> u64 {
    u64::from(version.get()) << 32 | u64::from(revision)
}

fn record(id: &ReportId, version: ReportVersion, revision: u32) -> Record<'_> {
    Record { kind: Kind::Report, id: id.as_bytes(), version: content_version(version, revision) }
}

fn head_columns(head: &ReportHead) -> Vec<Value> {
    vec![
        id(head.id),
        Value::from(head.direction.code()),
        Value::from(head.originator.as_str()),
        Value::from(head.agreement.map(|number| *number.as_bytes())),
        Value::from(head.case.map(|case| *case.as_bytes())),
        Value::from(head.author.map(|author| *author.as_bytes())),
        Value::from(head.state.code()),
        Value::from(head.version.get()),
        Value::from(head.level.code()),
        time(head.created),
        time(head.changed),
        time(head.expires),
    ]
}

fn version_columns(number: ReportId, new: &NewVersion<'_>, content: Vec<u8>) -> Vec<Value> {
    vec![
        id(number),
        Value::from(new.version.get()),
        Value::from(new.supersedes.map(ReportVersion::get)),
        Value::from(new.form.code()),
        Value::from(sha256(new.content).0),
        time(new.at),
        Value::from(content),
    ]
}

const PUT_REPORT: &str =
    "INSERT INTO report (id, direction, originator, agreement, case_id, author, state, version,
    level, created_at, changed_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const PUT_VERSION: &str =
    "INSERT INTO report_version (id, version, supersedes, form, hash, at, revision, content)
    VALUES ($1, $2, $3, $4, $5, $6, 1, $7)";

/// Stores up to [`BATCH_MAX`] new reports, each with one version.
///
/// # Errors
/// [`StoreError::Tombstone`] when one of them was taken back, [`StoreError::Limit`] for too many; a number that
/// is taken is a violated constraint.
pub fn add_many(
    tx: &mut dyn Tx,
    vault: &Vault,
    reports: &[(ReportHead, NewVersion<'_>)],
) -> Result<(), StoreError> {
    if reports.len() > BATCH_MAX {
        return Err(StoreError::Limit { what: "number of reports" });
    }
    let objects: Vec<_> = reports.iter().map(|(head, new)| (ObjectId::from(head.id), new.version)).collect();
    if erase::any_buried(tx, &objects)? {
        return Err(StoreError::Tombstone);
    }
    let (mut heads, mut versions, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for (head, new) in reports {
        let sealed = vault.seal(&record(&head.id, new.version, 1), new.content)?;
        heads.push(head_columns(head));
        versions.push(version_columns(head.id, new, sealed.content));
        keys.push(sealed.key);
    }
    tx.exec_many(PUT_REPORT, &heads)?;
    tx.exec_many(PUT_VERSION, &versions)?;
    Vault::put_keys(tx, &keys)
}

/// Adds a version to a report. The newest version of the report is the larger of both, so that a correction
/// that overtakes its report does no harm.
///
/// # Errors
/// [`StoreError::Tombstone`] when it was taken back, [`StoreError::Missing`] when there is no such report,
/// [`StoreError::Conflict`] when the version is there.
pub fn add_version(
    tx: &mut dyn Tx,
    vault: &Vault,
    number: ReportId,
    new: &NewVersion<'_>,
) -> Result<(), StoreError> {
    if erase::any_buried(tx, &[(number.into(), new.version)])? {
        return Err(StoreError::Tombstone);
    }
    let sql = "UPDATE report SET version = CASE WHEN version < $2 THEN $2 ELSE version END, changed_at = $3
               WHERE id = $1";
    crate::sql::change_one(tx, sql, &[id(number), Value::from(new.version.get()), time(new.at)], "report")?;
    let sealed = vault.seal(&record(&number, new.version, 1), new.content)?;
    let sql = format!("{PUT_VERSION} ON CONFLICT DO NOTHING");
    insert_new(tx, &sql, &version_columns(number, new, sealed.content), "version")?;
    Vault::put_keys(tx, &[sealed.key])
}

/// Replaces the content of a draft: by a later draft, or by the sealed bytes at its release. What was there
/// goes with its key, and approvals of it fall away.
///
/// # Errors
/// [`StoreError::Conflict`] when it is no draft any more or was edited since it was read at `revision`.
pub fn write_draft(
    tx: &mut dyn Tx,
    vault: &Vault,
    (number, revision): (ReportId, u32),
    new: &NewVersion<'_>,
) -> Result<u32, StoreError> {
    let next = revision.checked_add(1).ok_or(StoreError::Limit { what: "number of edits" })?;
    let sealed = vault.seal(&record(&number, new.version, next), new.content)?;
    insert_new(tx, EDIT, &edit_columns((number, revision), new, sealed.content), "draft")?;
    erase_key(tx, &record(&number, new.version, revision))?;
    Vault::put_keys(tx, &[sealed.key])?;
    if new.form == Form::Draft {
        let sql = "DELETE FROM report_approval WHERE id = $1 AND version = $2";
        tx.exec(sql, &[id(number), Value::from(new.version.get())])?;
    }
    tx.exec("UPDATE report SET changed_at = $2 WHERE id = $1", &[id(number), time(new.at)])?;
    Ok(next)
}

const EDIT: &str =
    "UPDATE report_version SET form = $4, hash = $5, at = $6, revision = revision + 1, content = $7
    WHERE id = $1 AND version = $2 AND revision = $3 AND form = 'draft'";
/// Gives reports another state when they have the one it follows. Returns how many had it.
fn set_states(
    tx: &mut dyn Tx,
    numbers: &[ReportId],
    (from, to): (ReportState, ReportState),
    at: Timestamp,
) -> Result<u64, StoreError> {
    let values: Vec<_> = numbers.iter().map(|number| id(*number)).collect();
    let mut changed: u64 = 0;
    for (marks, list) in in_lists(&values, 4) {
        let sql =
            format!("UPDATE report SET state = $2, changed_at = $3 WHERE state = $1 AND id IN ({marks})");
        let mut args = vec![Value::from(from.code()), Value::from(to.code()), time(at)];
        args.extend(list);
        changed = changed.saturating_add(tx.exec(&sql, &args)?);
    }
    Ok(changed)
}

/// Every one of them was there to be changed.
fn all_of(changed: u64, wanted: usize, what: &'static str) -> Result<(), StoreError> {
    if changed == count(wanted) { Ok(()) } else { Err(StoreError::Conflict { what }) }
}

fn edit_columns((number, revision): (ReportId, u32), new: &NewVersion<'_>, content: Vec<u8>) -> Vec<Value> {
    vec![
        id(number),
        Value::from(new.version.get()),
        Value::from(revision),
        Value::from(new.form.code()),
        Value::from(sha256(new.content).0),
        time(new.at),
        Value::from(content),
    ]
}

/// Changes the state, if it still is `from`.
///
/// # Errors
/// [`StoreError::Conflict`] when it is not, or there is no such report.
pub fn set_state(
    tx: &mut dyn Tx,
    number: ReportId,
    from: ReportState,
    to: ReportState,
    at: Timestamp,
) -> Result<(), StoreError> {
    all_of(set_states(tx, &[number], (from, to), at)?, 1, "report")
}

/// Changes the last day of use.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such report.
pub fn set_expiry(tx: &mut dyn Tx, number: ReportId, expires: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE report SET expires_at = $2 WHERE id = $1 AND state <> 'erased'";
    crate::sql::change_one(tx, sql, &[id(number), time(expires)], "report")
}

/// Puts a report into a case of this node, and perhaps under an agreement.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such report.
pub fn assign(
    tx: &mut dyn Tx,
    number: ReportId,
    case: Option<CaseId>,
    agreement: Option<AgreementId>,
) -> Result<(), StoreError> {
    let sql = "UPDATE report SET case_id = $2, agreement = $3 WHERE id = $1";
    let case = Value::from(case.map(|case| *case.as_bytes()));
    let agreement = Value::from(agreement.map(|number| *number.as_bytes()));
    crate::sql::change_one(tx, sql, &[id(number), case, agreement], "report")
}

/// Returns the row of a report.
///
/// # Errors
/// [`StoreError::Integrity`] when it is damaged.
pub fn head(tx: &mut dyn Tx, number: ReportId) -> Result<Option<ReportHead>, StoreError> {
    let row = tx.query_opt(&format!("{COLUMNS} WHERE r.id = $1"), &[id(number)])?;
    row.map(|row| read_head(&row)).transpose()
}

/// Returns the row of a report if a person sees it.
///
/// # Errors
/// As [`head`].
pub fn head_seen(tx: &mut dyn Tx, number: ReportId, sight: Sight) -> Result<Option<ReportHead>, StoreError> {
    let mut args = vec![id(number)];
    let seen = sight.and(sight::REPORTS, &mut args);
    let row = tx.query_opt(&format!("{COLUMNS} WHERE r.id = $1{seen}"), &args)?;
    row.map(|row| read_head(&row)).transpose()
}

/// Returns the row of a report, locked until the job ends: to be read before it is changed.
///
/// # Errors
/// As [`head`], and [`StoreError::Missing`].
pub fn head_locked(tx: &mut dyn Tx, number: ReportId) -> Result<ReportHead, StoreError> {
    heads_locked(tx, &[number])?.pop().ok_or(StoreError::Missing { what: "report" })
}

/// Returns the rows of reports in the order of their numbers, locked until the job ends.
///
/// # Errors
/// As [`head_locked`].
pub fn heads_locked(tx: &mut dyn Tx, numbers: &[ReportId]) -> Result<Vec<ReportHead>, StoreError> {
    let lock = lock_clause(tx.engine());
    let values: Vec<_> = numbers.iter().map(|number| id(*number)).collect();
    let mut found = BTreeMap::new();
    for (marks, list) in in_lists(&values, 1) {
        // In one order, so that no two transactions wait for each other's row.
        for row in tx.query(&format!("{COLUMNS} WHERE r.id IN ({marks}) ORDER BY r.id{lock}"), &list)? {
            let head = read_head(&row)?;
            found.insert(head.id, head);
        }
    }
    let one = |number| found.get(number).cloned().ok_or(StoreError::Missing { what: "report" });
    numbers.iter().map(one).collect()
}

/// Returns the versions of a report without their content.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn versions(tx: &mut dyn Tx, number: ReportId) -> Result<Vec<StoredVersion>, StoreError> {
    let sql = "SELECT version, supersedes, form, hash, at, revision FROM report_version
               WHERE id = $1 ORDER BY version LIMIT 1000";
    tx.query(sql, &[id(number)])?.iter().map(read_version).collect()
}

/// Returns a version with its content, whose hash is checked after decryption.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such version or it was erased, [`StoreError::Integrity`] when it
/// disagrees with itself.
pub fn content(
    tx: &mut dyn Tx,
    vault: &Vault,
    number: ReportId,
    version: ReportVersion,
) -> Result<(StoredVersion, Plain), StoreError> {
    contents(tx, vault, &[(number, version)])?.pop().ok_or(StoreError::Missing { what: "version" })
}

const CONTENT: &str =
    "SELECT v.version, v.supersedes, v.form, v.hash, v.at, v.revision, v.content, k.master, k.wrapped
     FROM report_version v LEFT JOIN record_key k ON k.id = v.id AND k.kind = 6
     AND k.version = v.version * 4294967296 + v.revision
     WHERE v.id = $1 AND v.version = $2";

/// Returns versions with their contents, in the order given.
///
/// # Errors
/// As [`content`].
pub fn contents(
    tx: &mut dyn Tx,
    vault: &Vault,
    versions: &[(ReportId, ReportVersion)],
) -> Result<Vec<(StoredVersion, Plain)>, StoreError> {
    let found = tx.query_many(CONTENT, &version_keys(versions))?;
    let open = |((number, version), rows): (&(ReportId, ReportVersion), Vec<Row>)| {
        let row = rows.first().ok_or(StoreError::Missing { what: "version" })?;
        let stored = read_version(row)?;
        let plain = vault.open_row(&record(number, *version, stored.revision), row, 6)?;
        if sha256(&plain) == stored.hash { Ok((stored, plain)) } else { Err(OF_VERSION.broken()) }
    };
    versions.iter().zip(found).map(open).collect()
}

/// One list of values for each version: its report and its number.
pub(super) fn version_keys(versions: &[(ReportId, ReportVersion)]) -> Vec<Vec<Value>> {
    versions.iter().map(|(number, version)| vec![id(*number), version_value(*version)]).collect()
}

/// Returns which of these objects are there in that version; for telling a duplicate from a first receipt.
///
/// # Errors
/// When the engine refuses.
pub fn existing(
    tx: &mut dyn Tx,
    objects: &[(ReportId, ReportVersion)],
) -> Result<BTreeSet<(ReportId, ReportVersion)>, StoreError> {
    let mut found = BTreeSet::new();
    for (number, version) in objects {
        let sql = "SELECT 1 FROM report_version WHERE id = $1 AND version = $2";
        if tx.query_opt(sql, &[id(*number), Value::from(version.get())])?.is_some() {
            found.insert((*number, *version));
        }
    }
    Ok(found)
}

pub(super) fn read_head(row: &Row) -> Result<ReportHead, StoreError> {
    Ok(ReportHead {
        id: OF.id(row, 0)?,
        direction: Direction::from_code(row.text(1)?).ok_or(OF.broken())?,
        originator: OF.party(row, 2)?,
        agreement: OF.opt_agreement(row, 3)?,
        case: OF.opt_id(row, 4)?,
        author: OF.opt_id(row, 5)?,
        state: OF.code(row, 6, ReportState::from_code)?,
        version: OF.version(row, 7)?,
        level: OF.code(row, 8, Level::from_code)?,
        created: OF.time(row, 9)?,
        changed: OF.time(row, 10)?,
        expires: OF.time(row, 11)?,
    })
}

fn read_version(row: &Row) -> Result<StoredVersion, StoreError> {
    let of = OF_VERSION;
    let supersedes = row.opt_unsigned(1)?.map(|n| u32::try_from(n).ok().and_then(ReportVersion::new));
    Ok(StoredVersion {
        version: of.version(row, 0)?,
        supersedes: supersedes.map(|version| version.ok_or(of.broken())).transpose()?,
        form: Form::from_code(row.text(2)?).ok_or(of.broken())?,
        hash: of.digest(row, 3)?,
        at: of.time(row, 4)?,
        revision: of.u32(row, 5)?,
    })
}

pub(super) fn version_value(version: ReportVersion) -> Value {
    Value::from(version.get())
}
