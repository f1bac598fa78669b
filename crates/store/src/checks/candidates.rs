//! Candidates of a check: one row under the handle that both sides speak of, what each side said and did. What the
//! partner showed of its side (a year of birth, a sex) is encrypted.

use mithaq_check::Strength;
use mithaq_check::follow::{Released, Stage, Verdict};
use mithaq_db::{Row, Tx, Value, lock_clause};
use mithaq_model::{ObjectId, OfficerId, PartyId, ReportId, SubjectId, Timestamp};

use crate::sql::{Of, PAGE_MAX, id, insert_new, int, time};
use crate::vault::{Kind, Plain, Record, erase_keys};
use crate::{StoreError, Vault};

const OF: Of = Of("check_candidate");
const COLUMNS: &str =
    "SELECT c.check_id, c.handle, c.subject, c.strength, c.stage, c.ours, c.ours_by, c.theirs,
    c.due_at, c.ours_out, c.theirs_out, c.report, c.ground, c.compared, c.told, c.since, c.version
    FROM check_candidate c";

/// A candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Check.
    pub check: ObjectId,
    /// The number both sides speak of it by.
    pub handle: ObjectId,
    /// This node's own subject.
    pub subject: SubjectId,
    /// Band.
    pub strength: Strength,
    /// Where it stands.
    pub stage: Stage,
    /// The report this node released, if it did.
    pub report: Option<ReportId>,
    /// The ground this node refused on, if it did.
    pub ground: Option<String>,
    /// Whether a person of this node compares, and so minimal discriminators are shown to the partner.
    pub compared: bool,
    /// Whether the partner knows all that this side said.
    pub told: bool,
    /// When the handle was made.
    pub since: Timestamp,
    /// Counts the changes, from 1.
    pub version: u64,
}

const fn verdict_code(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "same",
        Verdict::Other => "other",
    }
}

const fn released_code(released: Released) -> &'static str {
    match released {
        Released::Report => "report",
        Released::Refusal => "refusal",
    }
}

fn verdict(code: Option<&str>) -> Result<Option<Verdict>, StoreError> {
    match code {
        None => Ok(None),
        Some("same") => Ok(Some(Verdict::Same)),
        Some("other") => Ok(Some(Verdict::Other)),
        Some(_unknown) => Err(OF.broken()),
    }
}

fn released(code: Option<&str>) -> Result<Option<Released>, StoreError> {
    match code {
        None => Ok(None),
        Some("report") => Ok(Some(Released::Report)),
        Some("refusal") => Ok(Some(Released::Refusal)),
        Some(_unknown) => Err(OF.broken()),
    }
}

/// Stage, what was said by whom, due date, what was released.
fn stage_columns(stage: &Stage) -> [Value; 7] {
    let none = || Value::from(None::<&str>);
    let words = |code: Option<&'static str>| Value::from(code);
    let nothing = |code: &'static str| {
        [
            Value::from(code),
            none(),
            Value::from(None::<Vec<u8>>),
            none(),
            Value::from(None::<i64>),
            none(),
            none(),
        ]
    };
    match stage {
        Stage::PossibleHit { ours, theirs } => [
            Value::from("possible_hit"),
            words(ours.map(|(said, _)| verdict_code(said))),
            Value::from(ours.map(|(_, who)| who.as_bytes().to_vec())),
            words(theirs.map(verdict_code)),
            Value::from(None::<i64>),
            none(),
            none(),
        ],
        Stage::Confirmed { due, ours, theirs } => [
            Value::from("confirmed"),
            none(),
            Value::from(None::<Vec<u8>>),
            none(),
            Value::from(Some(due.as_millis())),
            words(ours.map(released_code)),
            words(theirs.map(released_code)),
        ],
        Stage::Rejected => nothing("rejected"),
        Stage::CoreExchanged => nothing("core_exchanged"),
        Stage::Aborted => nothing("aborted"),
        Stage::Closed => nothing("closed"),
    }
}

fn read_stage(row: &Row) -> Result<Stage, StoreError> {
    Ok(match row.text(4)? {
        "possible_hit" => {
            let who: Option<OfficerId> = OF.opt_id(row, 6)?;
            Stage::PossibleHit {
                ours: verdict(row.opt_text(5)?)?.zip(who),
                theirs: verdict(row.opt_text(7)?)?,
            }
        }
        "confirmed" => Stage::Confirmed {
            due: OF.opt_time(row, 8)?.ok_or(OF.broken())?,
            ours: released(row.opt_text(9)?)?,
            theirs: released(row.opt_text(10)?)?,
        },
        "rejected" => Stage::Rejected,
        "core_exchanged" => Stage::CoreExchanged,
        "aborted" => Stage::Aborted,
        "closed" => Stage::Closed,
        _unknown => return Err(OF.broken()),
    })
}

fn columns(one: &Candidate) -> Result<Vec<Value>, StoreError> {
    let mut args = vec![id(one.check), id(one.handle)];
    args.extend(stage_columns(&one.stage));
    args.extend([
        Value::from(one.report.map(|report| report.as_bytes().to_vec())),
        Value::from(one.ground.as_deref()),
        Value::from(one.compared),
        Value::from(one.told),
        int(one.version)?,
    ]);
    Ok(args)
}

/// Adds a candidate.
///
/// # Errors
/// [`StoreError::Conflict`] when the handle is taken.
pub fn add_candidate(tx: &mut dyn Tx, one: &Candidate) -> Result<(), StoreError> {
    let mut args = columns(one)?;
    args.extend([id(one.subject), Value::from(one.strength.code()), time(one.since)]);
    insert_new(
        tx,
        "INSERT INTO check_candidate (check_id, handle, stage, ours, ours_by, theirs, due_at, ours_out, theirs_out,
         report, ground, compared, told, version, subject, strength, since)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT DO NOTHING",
        &args,
        "candidate",
    )
}

/// Stores where a candidate stands.
///
/// # Errors
/// [`StoreError::Conflict`] when the row was changed since it was read, or is gone.
pub fn save_candidate(tx: &mut dyn Tx, one: &Candidate) -> Result<(), StoreError> {
    insert_new(
        tx,
        "UPDATE check_candidate SET stage = $3, ours = $4, ours_by = $5, theirs = $6, due_at = $7, ours_out = $8,
         theirs_out = $9, report = $10, ground = $11, compared = $12, told = $13, version = version + 1
         WHERE check_id = $1 AND handle = $2 AND version = $14",
        &columns(one)?,
        "candidate",
    )
}

/// Returns a candidate, locked until the job ends.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn candidate(
    tx: &mut dyn Tx,
    check: ObjectId,
    handle: ObjectId,
) -> Result<Option<Candidate>, StoreError> {
    let sql = format!("{COLUMNS} WHERE c.check_id = $1 AND c.handle = $2{}", lock_clause(tx.engine()));
    tx.query_opt(&sql, &[id(check), id(handle)])?.map(|row| read(&row)).transpose()
}

/// Returns the candidates of a check.
///
/// # Errors
/// As [`candidate`].
pub fn candidates(tx: &mut dyn Tx, check: ObjectId) -> Result<Vec<Candidate>, StoreError> {
    let sql = format!("{COLUMNS} WHERE c.check_id = $1 ORDER BY c.handle LIMIT 1024");
    tx.query(&sql, &[id(check)])?.iter().map(read).collect()
}

/// Returns the candidates of checks this node asked a partner, as long as either side has something to say.
///
/// # Errors
/// As [`candidate`].
pub fn open_candidates(tx: &mut dyn Tx, partner: &PartyId) -> Result<Vec<Candidate>, StoreError> {
    let sql = format!(
        "{COLUMNS} JOIN check_query q ON q.id = c.check_id WHERE q.direction = 'own' AND q.partner = $1
         AND (c.stage IN ('possible_hit', 'confirmed') OR c.told = 0) ORDER BY c.since, c.handle LIMIT $2"
    );
    tx.query(&sql, &[Value::from(partner.as_str()), Value::from(PAGE_MAX)])?.iter().map(read).collect()
}

/// Returns the candidates older than an instant that wait for a person or for the partner to be told, the oldest first.
///
/// # Errors
/// As [`candidate`].
pub fn candidates_waiting(
    tx: &mut dyn Tx,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<Candidate>, StoreError> {
    let sql = format!(
        "{COLUMNS} JOIN check_query q ON q.id = c.check_id WHERE c.since <= $1 AND (c.stage IN ('possible_hit', 'confirmed')
         OR (q.direction = 'own' AND c.told = 0)) ORDER BY c.since, c.check_id, c.handle LIMIT $2"
    );
    tx.query(&sql, &[time(before), Value::from(limit.min(PAGE_MAX))])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        check: OF.id(row, 0)?,
        handle: OF.id(row, 1)?,
        subject: OF.id(row, 2)?,
        strength: Strength::from_code(row.text(3)?).ok_or(OF.broken())?,
        stage: read_stage(row)?,
        report: OF.opt_id(row, 11)?,
        ground: row.opt_text(12)?.map(ToOwned::to_owned),
        compared: row.int(13)? == 1,
        told: row.int(14)? == 1,
        since: OF.time(row, 15)?,
        version: row.unsigned(16)?,
    })
}

/// `check || handle`: a handle is unique within its check only.
fn name(check: ObjectId, handle: ObjectId) -> Vec<u8> {
    [check.as_bytes().as_slice(), handle.as_bytes()].concat()
}

/// Stores what the partner shows of a candidate, encrypted; again replaces nothing.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such candidate.
pub fn show(
    tx: &mut dyn Tx,
    vault: &Vault,
    (check, handle): (ObjectId, ObjectId),
    what: &[u8],
) -> Result<(), StoreError> {
    let name = name(check, handle);
    let sealed = vault.seal(&Record { kind: Kind::CheckCandidate, id: &name, version: 1 }, what)?;
    let sql =
        "UPDATE check_candidate SET content = $3 WHERE check_id = $1 AND handle = $2 AND content IS NULL";
    if tx.exec(sql, &[id(check), id(handle), Value::from(sealed.content)])? == 1 {
        Vault::put_keys(tx, &[sealed.key])?;
    }
    Ok(())
}

/// Returns what the partner showed of a candidate.
///
/// # Errors
/// [`StoreError::Integrity`] when it is damaged.
pub fn shown(
    tx: &mut dyn Tx,
    vault: &Vault,
    (check, handle): (ObjectId, ObjectId),
) -> Result<Option<Plain>, StoreError> {
    let name = name(check, handle);
    let sql = "SELECT c.content, k.master, k.wrapped FROM check_candidate c
               LEFT JOIN record_key k ON k.id = $3 AND k.kind = 14 AND k.version = 1
               WHERE c.check_id = $1 AND c.handle = $2";
    let row = tx.query_opt(sql, &[id(check), id(handle), Value::from(name.clone())])?;
    let Some(row) = row else { return Ok(None) };
    if row.opt_bytes(0)?.is_none() {
        return Ok(None);
    }
    vault.open_row(&Record { kind: Kind::CheckCandidate, id: &name, version: 1 }, &row, 0).map(Some)
}

/// Erases the candidates of a check with what was shown of them.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn erase_candidates(tx: &mut dyn Tx, check: ObjectId) -> Result<(), StoreError> {
    let names: Vec<Vec<u8>> =
        candidates(tx, check)?.into_iter().map(|one| name(one.check, one.handle)).collect();
    let keys: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    erase_keys(tx, Kind::CheckCandidate, &keys)?;
    tx.exec("DELETE FROM check_candidate WHERE check_id = $1", &[id(check)])?;
    Ok(())
}
