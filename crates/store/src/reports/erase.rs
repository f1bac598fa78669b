//! The end of a report: erasing content with its key, tombstones that outlive it, and quarantine.

use std::collections::BTreeSet;

use mithaq_db::{Row, Tx, Value};
use mithaq_exchange::{Tombstone, Versions};
use mithaq_model::{AgreementId, ObjectId, PartyId, ReportId, ReportState, ReportVersion, Timestamp};
use mithaq_wire::{OrderReason, Position};

use super::{OF_VERSION, version_value};
use crate::StoreError;
use crate::lanes::LaneKey;
use crate::sql::{Of, PAGE_MAX, id, insert_new, int, time};

/// Why content is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure<'a> {
    /// The object.
    pub object: ObjectId,
    /// Its versions.
    pub versions: &'a Versions,
    /// Why.
    pub reason: OrderReason,
    /// The party in control of it.
    pub originator: &'a PartyId,
    /// The agreement it came or went under, if any.
    pub agreement: Option<AgreementId>,
    /// When.
    pub at: Timestamp,
    /// The state of the report afterwards, when nothing of it is left: recalled or erased.
    pub state: ReportState,
}

/// Erases content, keys, salts and the envelopes it came in, and sets tombstones, also for what was never here. Returns the versions
/// whose content was there. What else was made of it (subjects, links, files) is erased by its own
/// repositories, which the caller calls in the same job.
///
/// # Errors
/// When the engine refuses.
pub fn erase(tx: &mut dyn Tx, erasure: &Erasure<'_>) -> Result<Vec<ReportVersion>, StoreError> {
    let number = ReportId::from(erasure.object);
    let held = held_versions(tx, number)?;
    let gone: Vec<_> = held.iter().filter(|held| erasure.versions.holds(held.0)).copied().collect();
    let (mut keys, mut rows) = (Vec::with_capacity(gone.len()), Vec::with_capacity(gone.len()));
    for (version, revision) in &gone {
        keys.push(vec![id(number), int(super::content_version(*version, *revision))?]);
        rows.push(vec![id(number), version_value(*version)]);
    }
    tx.exec_many("DELETE FROM record_key WHERE id = $1 AND kind = 6 AND version = $2", &keys)?;
    tx.exec_many(
        "UPDATE report_version SET content = NULL, form = 'erased' WHERE id = $1 AND version = $2",
        &rows,
    )?;
    for (version, _) in &gone {
        // Nobody can judge what is not there any more.
        tx.exec(
            "UPDATE quarantine SET resolved_at = $3, resolution = 'erased'
             WHERE object = $1 AND version = $2 AND resolved_at IS NULL",
            &[id(number), version_value(*version), time(erasure.at)],
        )?;
        crate::ledger::erase_salts(tx, erasure.object, Some(version.get()))?;
    }
    if *erasure.versions == Versions::All {
        crate::ledger::erase_salts(tx, erasure.object, None)?;
    }
    crate::lanes::forget_object(tx, erasure.object, erasure.versions)?;
    crate::attachments::unlink_versions(tx, erasure.object, erasure.versions, erasure.at)?;
    let Erasure { object, reason, originator, agreement, at, .. } = erasure;
    let stone = Stone { object: *object, originator, agreement: *agreement, reason: *reason, at: *at };
    put_stones(tx, &stone, erasure.versions)?;
    if gone.len() == held.len() {
        tx.exec(
            "UPDATE report SET state = $2, changed_at = $3, expires_at = $4 WHERE id = $1",
            &[id(number), Value::from(erasure.state.code()), time(erasure.at), time(Timestamp::MAX)],
        )?;
    }
    Ok(gone.into_iter().map(|(version, _)| version).collect())
}

fn held_versions(tx: &mut dyn Tx, number: ReportId) -> Result<Vec<(ReportVersion, u32)>, StoreError> {
    let sql =
        "SELECT version, revision FROM report_version WHERE id = $1 AND form <> 'erased' ORDER BY version";
    let rows = tx.query(sql, &[id(number)])?;
    rows.iter().map(|row| Ok((OF_VERSION.version(row, 0)?, OF_VERSION.u32(row, 1)?))).collect()
}

/// Returns whether an erasure that names these versions is not so: one of them has content here, or, where none is named,
/// a version that may not come again has.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn holds_erased(
    tx: &mut dyn Tx,
    object: ObjectId,
    versions: &[ReportVersion],
) -> Result<bool, StoreError> {
    let held = held_versions(tx, ReportId::from(object))?.into_iter().map(|(version, _)| (object, version));
    let held: Vec<_> = held.collect();
    if versions.is_empty() {
        return any_buried(tx, &held);
    }
    Ok(held.iter().any(|(_, version)| versions.contains(version)))
}

struct Stone<'a> {
    object: ObjectId,
    originator: &'a PartyId,
    agreement: Option<AgreementId>,
    reason: OrderReason,
    at: Timestamp,
}

/// One row per version, where 0 stands for all.
fn put_stones(tx: &mut dyn Tx, stone: &Stone<'_>, versions: &Versions) -> Result<(), StoreError> {
    let numbers: Vec<u32> = match versions {
        Versions::All => vec![0],
        Versions::Only(versions) => versions.iter().map(|version| version.get()).collect(),
    };
    let row = |number: u32| {
        vec![
            id(stone.object),
            Value::from(stone.originator.as_str()),
            Value::from(number),
            Value::from(stone.agreement.map(|agreement| *agreement.as_bytes())),
            Value::from(reason_code(stone.reason)),
            time(stone.at),
        ]
    };
    let rows: Vec<_> = numbers.into_iter().map(row).collect();
    tx.exec_many(
        "INSERT INTO tombstone (object, originator, version, agreement, reason, at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        &rows,
    )?;
    Ok(())
}

/// Sets the tombstones a step of the protocol returned. The first reason and time stand.
///
/// # Errors
/// When the engine refuses.
pub fn bury(tx: &mut dyn Tx, tombstones: &[Tombstone]) -> Result<(), StoreError> {
    for tombstone in tombstones {
        let stone = Stone {
            object: tombstone.object,
            originator: &tombstone.originator,
            agreement: Some(tombstone.agreement),
            reason: tombstone.reason,
            at: tombstone.since,
        };
        put_stones(tx, &stone, &tombstone.versions)?;
    }
    Ok(())
}

const REASONS: [OrderReason; 6] = [
    OrderReason::Originator,
    OrderReason::Inaccurate,
    OrderReason::Retention,
    OrderReason::Court,
    OrderReason::Rights,
    OrderReason::Misdirected,
];

const fn reason_code(reason: OrderReason) -> &'static str {
    match reason {
        OrderReason::Originator => "originator",
        OrderReason::Inaccurate => "inaccurate",
        OrderReason::Retention => "retention",
        OrderReason::Court => "court",
        OrderReason::Rights => "rights",
        OrderReason::Misdirected => "misdirected",
    }
}

/// Returns whether an object may not come again in that version.
///
/// # Errors
/// When the engine refuses.
pub fn is_buried(tx: &mut dyn Tx, object: ObjectId, version: ReportVersion) -> Result<bool, StoreError> {
    any_buried(tx, &[(object, version)])
}

pub(super) fn any_buried(tx: &mut dyn Tx, objects: &[(ObjectId, ReportVersion)]) -> Result<bool, StoreError> {
    Ok(!buried(tx, objects)?.is_empty())
}

/// Returns which of these are under a tombstone, by whomever: what was taken back does not come again from a third
/// node either. The number of parameters is a power of two, so that few statements are prepared.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn buried(
    tx: &mut dyn Tx,
    objects: &[(ObjectId, ReportVersion)],
) -> Result<BTreeSet<(ObjectId, ReportVersion)>, StoreError> {
    let mut found = BTreeSet::new();
    let mut numbers: Vec<_> = objects.iter().map(|(object, _)| id(*object)).collect();
    let Some(last) = numbers.last().cloned() else { return Ok(found) };
    numbers.resize(numbers.len().next_power_of_two(), last);
    let places: Vec<_> = (1..=numbers.len()).map(|n| format!("${n}")).collect();
    let sql = format!("SELECT object, version FROM tombstone WHERE object IN ({})", places.join(", "));
    let of = Of("tombstone");
    for row in tx.query(&sql, &numbers)? {
        let (object, version): (ObjectId, u32) = (of.id(&row, 0)?, of.u32(&row, 1)?);
        let meant =
            |one: &&(ObjectId, ReportVersion)| one.0 == object && (version == 0 || one.1.get() == version);
        found.extend(objects.iter().filter(meant).copied());
    }
    Ok(found)
}

/// Returns the tombstones of an object that orders under an agreement left, one per originator.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn tombstones(tx: &mut dyn Tx, object: ObjectId) -> Result<Vec<Tombstone>, StoreError> {
    let of = Of("tombstone");
    let rows = tx.query(
        "SELECT originator, version, agreement, reason, at FROM tombstone
         WHERE object = $1 AND agreement IS NOT NULL ORDER BY originator, version LIMIT 10000",
        &[id(object)],
    )?;
    let mut all: Vec<Tombstone> = Vec::new();
    for row in &rows {
        let reason = row.text(3)?;
        let versions = match ReportVersion::new(of.u32(row, 1)?) {
            None => Versions::All,
            Some(version) => Versions::Only(vec![version]),
        };
        let stone = Tombstone {
            originator: of.party(row, 0)?,
            object,
            agreement: of.agreement(row, 2)?,
            versions,
            reason: REASONS.into_iter().find(|known| reason_code(*known) == reason).ok_or(of.broken())?,
            since: of.time(row, 4)?,
        };
        match all.last_mut().filter(|last| last.originator == stone.originator) {
            Some(last) => {
                last.versions = last.versions.union(&stone.versions);
                last.since = last.since.min(stone.since);
            }
            None => all.push(stone),
        }
    }
    Ok(all)
}

/// Something received that people must decide about; nobody reads it until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The object.
    pub object: ObjectId,
    /// Its version.
    pub version: ReportVersion,
    /// The lane it came by.
    pub lane: LaneKey,
    /// Its place there.
    pub place: Position,
    /// Why, a code.
    pub code: String,
    /// When.
    pub at: Timestamp,
}

/// Puts an object into quarantine.
///
/// # Errors
/// [`StoreError::Conflict`] when it is or was there.
pub fn quarantine(tx: &mut dyn Tx, object: &Quarantined) -> Result<(), StoreError> {
    insert_new(
        tx,
        "INSERT INTO quarantine (object, version, lane, epoch, seq, code, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &[
            id(object.object),
            version_value(object.version),
            Value::from(object.lane.0),
            Value::from(object.place.epoch),
            int(object.place.seq)?,
            Value::from(object.code.as_str()),
            time(object.at),
        ],
        "quarantined object",
    )
}

/// Returns what is in quarantine, the longest first.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn quarantined(tx: &mut dyn Tx, limit: u32) -> Result<Vec<Quarantined>, StoreError> {
    let rows = tx.query(
        "SELECT object, version, lane, epoch, seq, code, at FROM quarantine
         WHERE resolved_at IS NULL ORDER BY at, object LIMIT $1",
        &[Value::from(limit.min(PAGE_MAX))],
    )?;
    rows.iter().map(read_quarantined).collect()
}

/// Returns the newest version of an object that is in quarantine.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn in_quarantine(tx: &mut dyn Tx, object: ObjectId) -> Result<Option<Quarantined>, StoreError> {
    let row = tx.query_opt(
        "SELECT object, version, lane, epoch, seq, code, at FROM quarantine
         WHERE object = $1 AND resolved_at IS NULL ORDER BY version DESC LIMIT 1",
        &[id(object)],
    )?;
    row.map(|row| read_quarantined(&row)).transpose()
}

fn read_quarantined(row: &Row) -> Result<Quarantined, StoreError> {
    let of = Of("quarantine");
    Ok(Quarantined {
        object: of.id(row, 0)?,
        version: of.version(row, 1)?,
        lane: LaneKey(row.array(2)?),
        place: Position { epoch: of.u32(row, 3)?, seq: row.unsigned(4)? },
        code: row.text(5)?.to_owned(),
        at: of.time(row, 6)?,
    })
}

/// Ends the quarantine of an object with what people decided, a code.
///
/// # Errors
/// [`StoreError::Missing`] when it is not in quarantine.
pub fn resolve_quarantine(
    tx: &mut dyn Tx,
    object: ObjectId,
    version: ReportVersion,
    resolution: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    crate::sql::change_one(
        tx,
        "UPDATE quarantine SET resolved_at = $4, resolution = $3
         WHERE object = $1 AND version = $2 AND resolved_at IS NULL",
        &[id(object), version_value(version), Value::from(resolution), time(at)],
        "quarantined object",
    )
}
