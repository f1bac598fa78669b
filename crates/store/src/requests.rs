//! Requests for information: one row for where each stands and its clock, the sentences said about it (their words
//! encrypted), and which reports answer it. The request's own content is a report (`crate::reports`). Which step is
//! allowed is `exchange`'s matter, who may take it `app`'s.

use std::collections::BTreeSet;

use mithaq_db::{Row, Tx, Value, lock_clause};
use mithaq_exchange::request::Dialogue;
use mithaq_model::{
    AgreementId, CrimeArea, Level, Millis, ObjectId, PartyId, Purpose, RefusalGround, ReportId, RequestState,
    StepKind, Timestamp, Urgency,
};

use crate::reports::Direction;
use crate::sight::{self, Sight};
use crate::sql::{Of, Page, id, in_lists, insert_new, int, time};
use crate::vault::{Kind, Plain, Record, erase_keys};
use crate::{StoreError, Vault};

const OF: Of = Of("request");
const OF_STEP: Of = Of("request_step");
const COLUMNS: &str = "SELECT id, direction, partner, agreement, area, purpose, urgency, level, state, limit_ms,
    direct, accepted, created_at, expires_at, started_at, stopped_at, paused_ms, delayed_until, questions, escalation,
    ended_at, in_time, ground, useful, accuracy, version, closed_at, review_at FROM request";

/// A request between this node and one partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Number: that of its report.
    pub id: ReportId,
    /// Own: this node asked. Received: it owes the answer.
    pub direction: Direction,
    /// The other party.
    pub partner: PartyId,
    /// Agreement.
    pub agreement: AgreementId,
    /// Area of crime.
    pub area: CrimeArea,
    /// Purpose.
    pub purpose: Purpose,
    /// Classification; its steps have it too.
    pub level: Level,
    /// When it was sealed here or stored here.
    pub created: Timestamp,
    /// Its own last day.
    pub expires: Timestamp,
    /// Where it stands.
    pub dialogue: Dialogue,
    /// When people look at it again; none once they erased it.
    pub review: Option<Timestamp>,
    /// Counts the changes, from 1.
    pub version: u64,
}

/// A sentence about a request. Its words, if it had any, are apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number, also that of the sealed object it travels as.
    pub id: ObjectId,
    /// Whether this node said it.
    pub own: bool,
    /// What kind.
    pub kind: StepKind,
    /// When it was said.
    pub at: Timestamp,
    /// When it was stored at the other side, by its receipt.
    pub stored: Option<Timestamp>,
}

fn columns(request: &Request) -> Result<Vec<Value>, StoreError> {
    let one = &request.dialogue;
    let opt = |at: Option<Timestamp>| Value::from(at.map(Timestamp::as_millis));
    Ok(vec![
        id(request.id),
        Value::from(one.state.code()),
        int(one.limit.0)?,
        Value::from(i64::from(one.direct)),
        Value::from(i64::from(one.accepted)),
        opt(one.started),
        opt(one.stopped),
        int(one.paused.0)?,
        opt(one.delayed_until),
        opt(one.due()),
        Value::from(one.questions),
        Value::from(u32::from(one.level)),
        opt(one.ended),
        Value::from(one.in_time.map(i64::from)),
        Value::from(one.ground.map(RefusalGround::code)),
        Value::from(one.marks.map(|(useful, _)| i64::from(useful))),
        Value::from(one.marks.map(|(_, accuracy)| i64::from(accuracy))),
        int(request.version)?,
        opt(one.closed),
        opt(request.review),
    ])
}

/// Adds a request.
///
/// # Errors
/// [`StoreError::Conflict`] when the number is taken.
pub fn add(tx: &mut dyn Tx, request: &Request) -> Result<(), StoreError> {
    let mut args = columns(request)?;
    args.extend([
        Value::from(request.direction.code()),
        Value::from(request.partner.as_str()),
        crate::sql::agreement(&request.agreement),
        Value::from(request.area.code()),
        Value::from(request.purpose.code()),
        Value::from(request.dialogue.urgency.code()),
        Value::from(request.level.code()),
        time(request.created),
        time(request.expires),
    ]);
    insert_new(
        tx,
        "INSERT INTO request (id, state, limit_ms, direct, accepted, started_at, stopped_at, paused_ms, delayed_until,
         due_at, questions, escalation, ended_at, in_time, ground, useful, accuracy, version, closed_at, review_at,
         direction, partner, agreement, area, purpose, urgency, level, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
         $23, $24, $25, $26, $27, $28, $29) ON CONFLICT DO NOTHING",
        &args,
        "request",
    )
}

/// Stores where a request stands.
///
/// # Errors
/// [`StoreError::Conflict`] when the row was changed since it was read, or is gone.
pub fn save(tx: &mut dyn Tx, request: &Request) -> Result<(), StoreError> {
    insert_new(
        tx,
        "UPDATE request SET state = $2, limit_ms = $3, direct = $4, accepted = $5, started_at = $6, stopped_at = $7,
         paused_ms = $8, delayed_until = $9, due_at = $10, questions = $11, escalation = $12, ended_at = $13,
         in_time = $14, ground = $15, useful = $16, accuracy = $17, closed_at = $19, review_at = $20,
         version = version + 1
         WHERE id = $1 AND version = $18",
        &columns(request)?,
        "request",
    )
}

/// Returns a request.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn get(tx: &mut dyn Tx, number: ReportId) -> Result<Option<Request>, StoreError> {
    let row = tx.query_opt(&format!("{COLUMNS} WHERE id = $1"), &[id(number)])?;
    row.map(|row| read(&row)).transpose()
}

/// Returns which of these numbers are requests.
///
/// # Errors
/// When the engine refuses.
pub fn among(tx: &mut dyn Tx, numbers: &[ReportId]) -> Result<BTreeSet<ReportId>, StoreError> {
    let values: Vec<_> = numbers.iter().map(|number| id(*number)).collect();
    let mut found = BTreeSet::new();
    for (marks, list) in in_lists(&values, 1) {
        for row in tx.query(&format!("SELECT id FROM request WHERE id IN ({marks})"), &list)? {
            found.insert(OF.id(&row, 0)?);
        }
    }
    Ok(found)
}

/// Returns a request, locked until the job ends: to be read before it is changed.
///
/// # Errors
/// As [`get`].
pub fn locked(tx: &mut dyn Tx, number: ReportId) -> Result<Option<Request>, StoreError> {
    let sql = format!("{COLUMNS} WHERE id = $1{}", lock_clause(tx.engine()));
    let row = tx.query_opt(&sql, &[id(number)])?;
    row.map(|row| read(&row)).transpose()
}

/// Returns a page of requests of one direction.
///
/// # Errors
/// As [`get`].
pub fn list(
    tx: &mut dyn Tx,
    direction: Direction,
    sight: Sight,
    page: &Page<ReportId>,
) -> Result<Vec<Request>, StoreError> {
    let mut args = vec![Value::from(direction.code()), page.key(), page.rows()];
    let seen = sight.and(sight::REQUESTS, &mut args);
    let sql = format!("{COLUMNS} WHERE direction = $1 AND id > $2{seen} ORDER BY id LIMIT $3");
    tx.query(&sql, &args)?.iter().map(read).collect()
}

/// Returns requests whose clock ran out by `now`, the longest overdue first.
///
/// # Errors
/// As [`get`].
pub fn due(tx: &mut dyn Tx, now: Timestamp, limit: u32) -> Result<Vec<Request>, StoreError> {
    let sql = format!(
        "{COLUMNS} WHERE due_at IS NOT NULL AND due_at < $1 AND escalation < 2 ORDER BY due_at, id LIMIT $2"
    );
    tx.query(&sql, &[time(now), Value::from(limit)])?.iter().map(read).collect()
}

/// Returns open requests whose own last day is over.
///
/// # Errors
/// As [`get`].
pub fn past_their_day(tx: &mut dyn Tx, now: Timestamp, limit: u32) -> Result<Vec<Request>, StoreError> {
    let sql = format!(
        "{COLUMNS} WHERE expires_at < $1 AND state IN ('sent', 'received', 'under_evaluation', 'clarification',
         'accepted', 'delayed') ORDER BY id LIMIT $2"
    );
    tx.query(&sql, &[time(now), Value::from(limit)])?.iter().map(read).collect()
}

/// Returns requests that ended before an instant and wait to be closed, and those answered in part whose own last day
/// is over.
///
/// # Errors
/// As [`get`].
pub fn to_close(
    tx: &mut dyn Tx,
    (ended_before, now): (Timestamp, Timestamp),
    limit: u32,
) -> Result<Vec<Request>, StoreError> {
    let sql = format!(
        "{COLUMNS} WHERE ended_at < $1 AND (state IN ('answered_full', 'refused', 'withdrawn')
         OR (state = 'answered_part' AND expires_at < $2)) ORDER BY id LIMIT $3"
    );
    tx.query(&sql, &[time(ended_before), time(now), Value::from(limit)])?.iter().map(read).collect()
}

/// Returns requests that people must look at again, the longest due first.
///
/// # Errors
/// As [`get`].
pub fn to_review(tx: &mut dyn Tx, now: Timestamp, limit: u32) -> Result<Vec<Request>, StoreError> {
    let sql =
        format!("{COLUMNS} WHERE review_at IS NOT NULL AND review_at < $1 ORDER BY review_at, id LIMIT $2");
    tx.query(&sql, &[time(now), Value::from(limit)])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Request, StoreError> {
    let flag = |i| row.int(i).map(|n| n == 1);
    let mark = |i| -> Result<Option<u8>, StoreError> {
        let number = row.opt_unsigned(i)?.map(u8::try_from);
        number.transpose().map_err(|_large| OF.broken())
    };
    let in_time = row.opt_unsigned(21)?.map(|n| n == 1);
    let dialogue = Dialogue {
        state: OF.code(row, 8, RequestState::from_code)?,
        urgency: OF.code(row, 6, Urgency::from_code)?,
        limit: Millis(row.unsigned(9)?),
        direct: flag(10)?,
        accepted: flag(11)?,
        started: OF.opt_time(row, 14)?,
        stopped: OF.opt_time(row, 15)?,
        paused: Millis(row.unsigned(16)?),
        delayed_until: OF.opt_time(row, 17)?,
        questions: OF.u32(row, 18)?,
        level: u8::try_from(row.unsigned(19)?).map_err(|_large| OF.broken())?,
        ended: OF.opt_time(row, 20)?,
        in_time,
        ground: OF.opt_code(row, 22, RefusalGround::from_code)?,
        marks: mark(23)?.zip(mark(24)?),
        closed: OF.opt_time(row, 26)?,
    };
    Ok(Request {
        id: OF.id(row, 0)?,
        direction: Direction::from_code(row.text(1)?).ok_or(OF.broken())?,
        partner: OF.party(row, 2)?,
        agreement: OF.agreement(row, 3)?,
        area: OF.code(row, 4, CrimeArea::from_code)?,
        purpose: OF.code(row, 5, Purpose::from_code)?,
        level: OF.code(row, 7, Level::from_code)?,
        created: OF.time(row, 12)?,
        expires: OF.time(row, 13)?,
        dialogue,
        review: OF.opt_time(row, 27)?,
        version: row.unsigned(25)?,
    })
}

fn record<'a>(id: &'a ObjectId) -> Record<'a> {
    Record { kind: Kind::RequestStep, id: id.as_bytes(), version: 1 }
}

/// Adds a sentence about a request, with its words encrypted.
///
/// # Errors
/// [`StoreError::Conflict`] when it is there already.
pub fn add_step(
    tx: &mut dyn Tx,
    vault: &Vault,
    request: ReportId,
    (step, words): (&Step, Option<&[u8]>),
) -> Result<(), StoreError> {
    let sealed = words.map(|words| vault.seal(&record(&step.id), words)).transpose()?;
    let (content, key) = sealed.map_or((None, None), |sealed| (Some(sealed.content), Some(sealed.key)));
    insert_new(
        tx,
        "INSERT INTO request_step (request, id, own, kind, at, stored_at, content)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &[
            id(request),
            id(step.id),
            Value::from(i64::from(step.own)),
            Value::from(step.kind.code()),
            time(step.at),
            Value::from(step.stored.map(Timestamp::as_millis)),
            Value::from(content),
        ],
        "step",
    )?;
    key.map_or(Ok(()), |key| Vault::put_keys(tx, &[key]))
}

/// Notes when a sentence of this node was stored at the other side, and returns the request and the kind.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn step_stored(
    tx: &mut dyn Tx,
    step: ObjectId,
    stored: Timestamp,
) -> Result<Option<(ReportId, StepKind)>, StoreError> {
    let sql = "UPDATE request_step SET stored_at = $2 WHERE id = $1 AND own = 1 AND stored_at IS NULL";
    if tx.exec(sql, &[id(step), time(stored)])? == 0 {
        return Ok(None);
    }
    let row =
        tx.query_opt("SELECT request, kind FROM request_step WHERE id = $1 AND own = 1", &[id(step)])?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((OF_STEP.id(&row, 0)?, OF_STEP.code(&row, 1, StepKind::from_code)?)))
}

/// Returns what was said about a request, in order, with the words where they are still there.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn steps(
    tx: &mut dyn Tx,
    vault: &Vault,
    request: ReportId,
) -> Result<Vec<(Step, Option<Plain>)>, StoreError> {
    let rows = tx.query(
        "SELECT s.id, s.own, s.kind, s.at, s.stored_at, s.content, k.master, k.wrapped FROM request_step s
         LEFT JOIN record_key k ON k.id = s.id AND k.kind = 9 AND k.version = 1
         WHERE s.request = $1 ORDER BY s.at, s.id LIMIT 1000",
        &[id(request)],
    )?;
    rows.iter()
        .map(|row| {
            let number: ObjectId = OF_STEP.id(row, 0)?;
            let step = Step {
                id: number,
                own: row.int(1)? == 1,
                kind: OF_STEP.code(row, 2, StepKind::from_code)?,
                at: OF_STEP.time(row, 3)?,
                stored: OF_STEP.opt_time(row, 4)?,
            };
            let there = row.opt_bytes(5)?.is_some();
            let words = there.then(|| vault.open_row(&record(&number), row, 5)).transpose()?;
            Ok((step, words))
        })
        .collect()
}

/// Erases the words said about a request, with their keys.
///
/// # Errors
/// When the engine refuses.
pub fn erase_words(tx: &mut dyn Tx, request: ReportId) -> Result<(), StoreError> {
    let rows = tx.query("SELECT id FROM request_step WHERE request = $1", &[id(request)])?;
    let ids: Vec<ObjectId> = rows.iter().map(|row| OF_STEP.id(row, 0)).collect::<Result<_, _>>()?;
    let bytes: Vec<&[u8]> = ids.iter().map(|id| id.as_bytes().as_slice()).collect();
    erase_keys(tx, Kind::RequestStep, &bytes)?;
    tx.exec("UPDATE request_step SET content = NULL WHERE request = $1", &[id(request)])?;
    Ok(())
}

/// Notes that a report answers a request. A correction of the answer changes nothing.
///
/// # Errors
/// When the engine refuses.
pub fn add_answer(
    tx: &mut dyn Tx,
    request: ReportId,
    (report, part): (ReportId, bool),
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        "INSERT INTO request_answer (request, report, part, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        &[id(request), id(report), Value::from(i64::from(part)), time(at)],
    )?;
    Ok(())
}

/// Returns the reports that answer a request: number, whether in part, when.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn answers(tx: &mut dyn Tx, request: ReportId) -> Result<Vec<(ReportId, bool, Timestamp)>, StoreError> {
    let sql = "SELECT report, part, at FROM request_answer WHERE request = $1 ORDER BY at, report LIMIT 1000";
    let of = Of("request_answer");
    let rows = tx.query(sql, &[id(request)])?;
    rows.iter().map(|row| Ok((of.id(row, 0)?, row.int(1)? == 1, of.time(row, 2)?))).collect()
}

/// One kind of request and how many of it there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Own or received.
    pub direction: Direction,
    /// The other party.
    pub partner: PartyId,
    /// Urgency.
    pub urgency: Urgency,
    /// State.
    pub state: RequestState,
    /// Whether the clock was kept; none while it runs, or when nothing was owed.
    pub in_time: Option<bool>,
    /// Ground of a refusal.
    pub ground: Option<RefusalGround>,
    /// How often escalated.
    pub level: u8,
    /// How many.
    pub count: u64,
}

/// Counts the requests created from `from` until before `until`.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn tally(tx: &mut dyn Tx, from: Timestamp, until: Timestamp) -> Result<Vec<Tally>, StoreError> {
    let rows = tx.query(
        "SELECT direction, partner, urgency, state, in_time, ground, escalation, COUNT(*) FROM request
         WHERE created_at >= $1 AND created_at < $2
         GROUP BY direction, partner, urgency, state, in_time, ground, escalation
         ORDER BY direction, partner, urgency, state, escalation",
        &[time(from), time(until)],
    )?;
    rows.iter()
        .map(|row| {
            Ok(Tally {
                direction: Direction::from_code(row.text(0)?).ok_or(OF.broken())?,
                partner: OF.party(row, 1)?,
                urgency: OF.code(row, 2, Urgency::from_code)?,
                state: OF.code(row, 3, RequestState::from_code)?,
                in_time: row.opt_unsigned(4)?.map(|n| n == 1),
                ground: OF.opt_code(row, 5, RefusalGround::from_code)?,
                level: u8::try_from(row.unsigned(6)?).map_err(|_large| OF.broken())?,
                count: row.unsigned(7)?,
            })
        })
        .collect()
}
