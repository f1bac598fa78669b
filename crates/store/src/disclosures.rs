//! The disclosure ledger: which version of which object went to whom, and what the recipient has signed for
//! it since. The list to work through for a correction or recall, and of what is not proven.

use mithaq_db::{Row, Tx, Value};
use mithaq_model::{AgreementId, ObjectId, PartyId, ReportVersion, Timestamp};
use mithaq_wire::{Position, Statement, Verdict};

use crate::StoreError;
use crate::lanes::{LaneKey, verdict_code};
use crate::sql::{Of, PAGE_MAX, agreement, change_one, id, int, time};

const OF: Of = Of("disclosure");
const COLUMNS: &str =
    "SELECT object, version, recipient, agreement, lane, epoch, seq, sent_at, stored_at, verdict,
    decided_at, read_at, erased_at, undelivered_at, answer_by, confirm_by FROM disclosure";

/// One disclosure to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// The object.
    pub object: ObjectId,
    /// Its version.
    pub version: ReportVersion,
    /// To whom.
    pub recipient: PartyId,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// By which lane.
    pub lane: LaneKey,
    /// Its place there.
    pub place: Position,
    /// When it was committed for sending (R0).
    pub sent: Timestamp,
    /// What came back.
    pub answers: Answers,
}

/// What the recipient has signed, and what is still owed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answers {
    /// R1: durable there.
    pub stored: Option<Timestamp>,
    /// R2: `accepted`, `quarantined:<code>` or `refused:<code>`, and when.
    pub verdict: Option<(String, Timestamp)>,
    /// R3: first read.
    pub read: Option<Timestamp>,
    /// R4: erased.
    pub erased: Option<Timestamp>,
    /// N1: not delivered by the deadline.
    pub undelivered: Option<Timestamp>,
    /// An answer to an order about it is owed by then.
    pub answer_by: Option<Timestamp>,
    /// A receipt that accepts what allows less (a correction, an earlier last day) is owed by then.
    pub confirm_by: Option<Timestamp>,
}

/// Stores new disclosures.
///
/// # Errors
/// The same version to the same recipient a second time is a violated constraint.
pub fn add_many(tx: &mut dyn Tx, disclosures: &[Disclosure]) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(disclosures.len());
    for new in disclosures {
        rows.push(vec![
            id(new.object),
            Value::from(new.version.get()),
            Value::from(new.recipient.as_str()),
            agreement(&new.agreement),
            Value::from(new.lane.0),
            Value::from(new.place.epoch),
            int(new.place.seq)?,
            time(new.sent),
            Value::from(new.answers.confirm_by.map(Timestamp::as_millis)),
        ]);
    }
    tx.exec_many(
        "INSERT INTO disclosure (object, version, recipient, agreement, lane, epoch, seq, sent_at, confirm_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &rows,
    )?;
    Ok(())
}

/// Takes R1 and R2 of a receipt batch of one lane, in the lane's order. The first answer stands.
///
/// # Errors
/// When the engine refuses.
pub fn receipted(
    tx: &mut dyn Tx,
    lane: LaneKey,
    statements: &[Statement],
    stored: Timestamp,
) -> Result<u64, StoreError> {
    // Neighbours with one verdict, as nearly every batch has them, are one statement.
    let next = |a: &Statement, b: &Statement| {
        a.at.epoch == b.at.epoch && a.at.seq.checked_add(1) == Some(b.at.seq) && a.verdict == b.verdict
    };
    let mut rows = Vec::new();
    for run in statements.chunk_by(next) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        rows.push(vec![
            lane.value(),
            Value::from(first.at.epoch),
            int(first.at.seq)?,
            int(last.at.seq)?,
            time(stored),
            Value::from(verdict_code(&first.verdict)),
        ]);
    }
    Ok(tx.exec_many(
        "UPDATE disclosure SET stored_at = $5, verdict = $6, decided_at = $5,
         confirm_by = CASE WHEN $6 = 'accepted' THEN NULL ELSE confirm_by END
         WHERE lane = $1 AND epoch = $2 AND seq >= $3 AND seq <= $4 AND stored_at IS NULL",
        &rows,
    )?)
}

/// Takes a later verdict on something that was in quarantine.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such disclosure.
pub fn decided(tx: &mut dyn Tx, key: &Key<'_>, verdict: &Verdict, at: Timestamp) -> Result<(), StoreError> {
    let mut args = key.args();
    args.extend([Value::from(verdict_code(verdict)), time(at)]);
    let sql = format!(
        "UPDATE disclosure SET verdict = $4, decided_at = $5,
         confirm_by = CASE WHEN $4 = 'accepted' THEN NULL ELSE confirm_by END {WHERE_KEY}"
    );
    change_one(tx, &sql, &args, "disclosure")
}

/// Which disclosure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    /// The object.
    pub object: ObjectId,
    /// Its version.
    pub version: ReportVersion,
    /// To whom.
    pub recipient: &'a PartyId,
}

const WHERE_KEY: &str = "WHERE object = $1 AND version = $2 AND recipient = $3";

impl Key<'_> {
    fn args(&self) -> Vec<Value> {
        vec![id(self.object), Value::from(self.version.get()), Value::from(self.recipient.as_str())]
    }
}

/// What became of one disclosure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// R3.
    Read,
    /// R4.
    Erased,
    /// N1, made here.
    Undelivered,
}

impl Answer {
    const fn column(self) -> &'static str {
        match self {
            Self::Read => "read_at",
            Self::Erased => "erased_at",
            Self::Undelivered => "undelivered_at",
        }
    }
}

/// Takes an answer. The first stands; R4 also settles what was owed.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such disclosure.
pub fn answered(tx: &mut dyn Tx, key: &Key<'_>, answer: Answer, at: Timestamp) -> Result<(), StoreError> {
    let (column, settled) = match answer {
        Answer::Erased => (answer.column(), ", answer_by = NULL, confirm_by = NULL"),
        Answer::Read | Answer::Undelivered => (answer.column(), ""),
    };
    let sql = format!("UPDATE disclosure SET {column} = COALESCE({column}, $4){settled} {WHERE_KEY}");
    let mut args = key.args();
    args.push(time(at));
    change_one(tx, &sql, &args, "disclosure")
}

/// Notes until when every recipient of an object (or one of them) owes an answer to an order, unless it answered
/// already, and returns how many owe one.
///
/// # Errors
/// When the engine refuses.
pub fn ask_by(
    tx: &mut dyn Tx,
    object: ObjectId,
    recipient: Option<&PartyId>,
    answer_by: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "UPDATE disclosure SET answer_by = $2, confirm_by = NULL, escalated = 0
               WHERE object = $1 AND (recipient = $3 OR $4 = 1) AND erased_at IS NULL";
    let (one, all) = (recipient.map_or("", PartyId::as_str), i64::from(recipient.is_none()));
    Ok(tx.exec(sql, &[id(object), time(answer_by), Value::from(one), Value::from(all)])?)
}

/// Notes until when a recipient owes the receipt for an order about an object that leaves it the object: on the newest
/// version that it stored.
///
/// # Errors
/// When the engine refuses.
pub fn confirm_by(
    tx: &mut dyn Tx,
    object: ObjectId,
    recipient: &PartyId,
    confirm_by: Timestamp,
) -> Result<(), StoreError> {
    let held = "object = $1 AND recipient = $2 AND stored_at IS NOT NULL AND erased_at IS NULL";
    let sql = format!(
        "UPDATE disclosure SET confirm_by = $3, escalated = 0 WHERE {held} AND answer_by IS NULL
         AND version = (SELECT MAX(version) FROM disclosure WHERE {held})"
    );
    tx.exec(&sql, &[id(object), Value::from(recipient.as_str()), time(confirm_by)])?;
    Ok(())
}

/// Notes that a recipient accepted every order that [`confirm_by`] waits for. Corrections that have no receipt stay owed.
///
/// # Errors
/// When the engine refuses.
pub fn confirmed(tx: &mut dyn Tx, object: ObjectId, recipient: &PartyId) -> Result<(), StoreError> {
    let sql = "UPDATE disclosure SET confirm_by = NULL
               WHERE object = $1 AND recipient = $2 AND verdict = 'accepted'";
    tx.exec(sql, &[id(object), Value::from(recipient.as_str())])?;
    Ok(())
}

/// Returns all disclosures of an object, at most 1,000.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn of_object(tx: &mut dyn Tx, object: ObjectId) -> Result<Vec<Disclosure>, StoreError> {
    let sql = format!("{COLUMNS} WHERE object = $1 ORDER BY version, recipient LIMIT 1000");
    tx.query(&sql, &[id(object)])?.iter().map(read).collect()
}

/// What a recipient owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owed {
    /// Its signature that it erased.
    Erasure,
    /// A receipt that accepts what allows less.
    Receipt,
}

impl Owed {
    /// Whose recipient owes it since.
    pub(crate) fn late(self) -> String {
        let column = self.column();
        format!("WHERE {column} IS NOT NULL AND {column} <= $1")
    }

    pub(crate) const fn column(self) -> &'static str {
        match self {
            Self::Erasure => "answer_by",
            Self::Receipt => "confirm_by",
        }
    }
}

/// Returns disclosures whose answer was owed by `now` and did not come: the list of what is not proven.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn overdue(
    tx: &mut dyn Tx,
    owed: Owed,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Disclosure>, StoreError> {
    let sql = format!("{COLUMNS} {} ORDER BY {}, object LIMIT $2", owed.late(), owed.column());
    tx.query(&sql, &[time(now), Value::from(limit.min(PAGE_MAX))])?.iter().map(read).collect()
}

/// Who was told that a proof did not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Escalated {
    /// The data-protection officer.
    Dpo,
    /// Oversight too.
    Oversight,
}

impl Escalated {
    pub(crate) fn value(self) -> Value {
        Value::from(match self {
            Self::Dpo => 1_i64,
            Self::Oversight => 2,
        })
    }
}

/// Returns disclosures whose answer was owed by an instant, did not come, and which these people were not told of yet.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn untold(
    tx: &mut dyn Tx,
    owed: Owed,
    by: Timestamp,
    whom: Escalated,
    limit: u32,
) -> Result<Vec<Disclosure>, StoreError> {
    let (late, column) = (owed.late(), owed.column());
    let sql = format!("{COLUMNS} {late} AND escalated < $2 ORDER BY {column}, object LIMIT $3");
    let args = [time(by), whom.value(), Value::from(limit.min(PAGE_MAX))];
    tx.query(&sql, &args)?.iter().map(read).collect()
}

/// Notes that people were told that a recipient proved nothing of an object.
///
/// # Errors
/// When the engine refuses.
pub fn told(
    tx: &mut dyn Tx,
    object: ObjectId,
    recipient: &PartyId,
    whom: Escalated,
) -> Result<(), StoreError> {
    tx.exec(
        "UPDATE disclosure SET escalated = $3 WHERE object = $1 AND recipient = $2 AND escalated < $3",
        &[id(object), Value::from(recipient.as_str()), whom.value()],
    )?;
    Ok(())
}

/// Counts the disclosures of [`overdue`].
///
/// # Errors
/// When the engine refuses.
pub fn count_overdue(tx: &mut dyn Tx, owed: Owed, now: Timestamp) -> Result<u64, StoreError> {
    let sql = format!("SELECT COUNT(*) FROM disclosure {}", owed.late());
    Ok(tx.query_one(&sql, &[time(now)])?.unsigned(0)?)
}

fn read(row: &Row) -> Result<Disclosure, StoreError> {
    let verdict = row.opt_text(9)?.map(str::to_owned);
    Ok(Disclosure {
        object: OF.id(row, 0)?,
        version: OF.version(row, 1)?,
        recipient: OF.party(row, 2)?,
        agreement: OF.agreement(row, 3)?,
        lane: LaneKey(row.array(4)?),
        place: Position { epoch: OF.u32(row, 5)?, seq: row.unsigned(6)? },
        sent: OF.time(row, 7)?,
        answers: Answers {
            stored: OF.opt_time(row, 8)?,
            verdict: verdict.zip(OF.opt_time(row, 10)?),
            read: OF.opt_time(row, 11)?,
            erased: OF.opt_time(row, 12)?,
            undelivered: OF.opt_time(row, 13)?,
            answer_by: OF.opt_time(row, 14)?,
            confirm_by: OF.opt_time(row, 15)?,
        },
    })
}
