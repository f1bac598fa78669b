//! Questions about planned actions, asked and received, and what met. What opens a question, what answers a claim and points of
//! contact are encrypted, and erased with their keys.

use mithaq_db::{Row, Tx, Value, lock_clause};
use mithaq_model::{AgreementId, ObjectId, PartyId, Timestamp};

use super::plans::{opened, states};
use crate::reports::Direction;
use crate::sql::{Of, PAGE_MAX, agreement, change_one, id, insert_new, int, time};
use crate::vault::{Kind, Plain, Record, erase_keys};
use crate::{StoreError, Vault};

const OF_ASK: Of = Of("check_plan_ask");
const OF_CONFLICT: Of = Of("check_conflict");
const ASK: &str = "SELECT id, direction, partner, agreement, plan, state, outcome, digest, asked_at, version FROM check_plan_ask";

states! {
    /// Where a question about a plan is.
    AskState {
        /// On its way.
        Asking = "asking",
        /// It met something; points of contact are exchanged.
        Claiming = "claiming",
        /// It met nothing, or a refusal that looks so.
        Clear = "clear",
        /// It met. Without a point of contact when the partner has none to give any more (`outcome`).
        Conflict = "conflict",
        /// Refused, openly or not.
        Refused = "refused",
        /// Evaluated, on the asked side.
        Evaluated = "evaluated",
        /// On the asked side: its day is over, and what was kept for it is gone.
        Forgotten = "forgotten",
        /// Ended without a result.
        Lost = "lost",
    }
}

/// A question about a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanAsk {
    /// Number.
    pub id: ObjectId,
    /// Own: asked by this node. Received: asked of it.
    pub direction: Direction,
    /// The other party.
    pub partner: PartyId,
    /// Agreement.
    pub agreement: AgreementId,
    /// The plan it is about, on the asking side.
    pub plan: Option<ObjectId>,
    /// Where it is.
    pub state: AskState,
    /// Why it ended so, a code.
    pub outcome: Option<String>,
    /// Digest of the request.
    pub digest: [u8; 32],
    /// When it was asked, or came.
    pub asked: Timestamp,
    /// Counts the changes, from 1.
    pub version: u64,
}

fn ask_record(number: &ObjectId) -> Record<'_> {
    Record { kind: Kind::CheckPlanAsk, id: number.as_bytes(), version: 1 }
}

/// Adds a question.
///
/// # Errors
/// [`StoreError::Conflict`] when the number is taken.
pub fn add_ask(tx: &mut dyn Tx, one: &PlanAsk) -> Result<(), StoreError> {
    insert_new(
        tx,
        "INSERT INTO check_plan_ask (id, direction, partner, agreement, plan, state, outcome, digest, asked_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        &[
            id(one.id),
            Value::from(one.direction.code()),
            Value::from(one.partner.as_str()),
            agreement(&one.agreement),
            Value::from(one.plan.map(|plan| plan.as_bytes().to_vec())),
            Value::from(one.state.code()),
            Value::from(one.outcome.as_deref()),
            Value::from(one.digest),
            time(one.asked),
            int(one.version)?,
        ],
        "question",
    )
}

/// Stores where a question is.
///
/// # Errors
/// [`StoreError::Conflict`] when the row was changed since it was read, or is gone.
pub fn save_ask(tx: &mut dyn Tx, one: &PlanAsk) -> Result<(), StoreError> {
    let sql = "UPDATE check_plan_ask SET state = $2, outcome = $3, version = version + 1 WHERE id = $1 AND version = $4";
    let args =
        [id(one.id), Value::from(one.state.code()), Value::from(one.outcome.as_deref()), int(one.version)?];
    insert_new(tx, sql, &args, "question")
}

/// Returns a question.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn plan_ask(tx: &mut dyn Tx, number: ObjectId) -> Result<Option<PlanAsk>, StoreError> {
    tx.query_opt(&format!("{ASK} WHERE id = $1"), &[id(number)])?.map(|row| read_ask(&row)).transpose()
}

/// As [`plan_ask`], locked until the job ends: for who will change it.
///
/// # Errors
/// As [`plan_ask`].
pub fn plan_ask_locked(tx: &mut dyn Tx, number: ObjectId) -> Result<Option<PlanAsk>, StoreError> {
    let sql = format!("{ASK} WHERE id = $1{}", lock_clause(tx.engine()));
    tx.query_opt(&sql, &[id(number)])?.map(|row| read_ask(&row)).transpose()
}

/// Returns the questions to a partner that are on their way.
///
/// # Errors
/// As [`plan_ask`].
pub fn open_asks(tx: &mut dyn Tx, partner: &PartyId) -> Result<Vec<PlanAsk>, StoreError> {
    let sql = format!(
        "{ASK} WHERE partner = $1 AND direction = 'own' AND state IN ('asking', 'claiming') ORDER BY id LIMIT $2"
    );
    tx.query(&sql, &[Value::from(partner.as_str()), Value::from(PAGE_MAX)])?.iter().map(read_ask).collect()
}

/// Returns the questions about a plan.
///
/// # Errors
/// As [`plan_ask`].
pub fn asks_of(tx: &mut dyn Tx, plan: ObjectId) -> Result<Vec<PlanAsk>, StoreError> {
    let sql = format!("{ASK} WHERE plan = $1 ORDER BY partner, id LIMIT 1000");
    tx.query(&sql, &[id(plan)])?.iter().map(read_ask).collect()
}

/// Returns own questions that were asked before an instant and are still on their way.
///
/// # Errors
/// As [`plan_ask`].
pub fn asks_waiting(tx: &mut dyn Tx, since: Timestamp, limit: u32) -> Result<Vec<PlanAsk>, StoreError> {
    let sql = format!(
        "{ASK} WHERE direction = 'own' AND state IN ('asking', 'claiming') AND asked_at < $1
         ORDER BY asked_at, id LIMIT $2"
    );
    tx.query(&sql, &[time(since), Value::from(limit.min(PAGE_MAX))])?.iter().map(read_ask).collect()
}

/// Returns questions of partners that came before an instant: what is kept for them can go.
///
/// # Errors
/// As [`plan_ask`].
pub fn asks_received(tx: &mut dyn Tx, before: Timestamp, limit: u32) -> Result<Vec<PlanAsk>, StoreError> {
    let sql = format!(
        "{ASK} WHERE direction = 'received' AND state IN ('evaluated', 'refused') AND asked_at < $1
         ORDER BY asked_at, id LIMIT $2"
    );
    tx.query(&sql, &[time(before), Value::from(limit.min(PAGE_MAX))])?.iter().map(read_ask).collect()
}

fn read_ask(row: &Row) -> Result<PlanAsk, StoreError> {
    Ok(PlanAsk {
        id: OF_ASK.id(row, 0)?,
        direction: Direction::from_code(row.text(1)?).ok_or(OF_ASK.broken())?,
        partner: OF_ASK.party(row, 2)?,
        agreement: OF_ASK.agreement(row, 3)?,
        plan: OF_ASK.opt_id(row, 4)?,
        state: AskState::from_code(row.text(5)?).ok_or(OF_ASK.broken())?,
        outcome: row.opt_text(6)?.map(ToOwned::to_owned),
        digest: row.array(7).map_err(|_shape| OF_ASK.broken())?,
        asked: OF_ASK.time(row, 8)?,
        version: row.unsigned(9)?,
    })
}

/// Stores what a question is made again from, or what its claim is answered from, encrypted; again replaces it.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such question.
pub fn put_ask_content(
    tx: &mut dyn Tx,
    vault: &Vault,
    number: ObjectId,
    content: &[u8],
) -> Result<(), StoreError> {
    erase_keys(tx, Kind::CheckPlanAsk, &[number.as_bytes().as_slice()])?;
    let sealed = vault.seal(&ask_record(&number), content)?;
    let sql = "UPDATE check_plan_ask SET content = $2 WHERE id = $1";
    change_one(tx, sql, &[id(number), Value::from(sealed.content)], "question")?;
    Vault::put_keys(tx, &[sealed.key])
}

/// Returns it.
///
/// # Errors
/// [`StoreError::Integrity`] when it is damaged.
pub fn ask_content(tx: &mut dyn Tx, vault: &Vault, number: ObjectId) -> Result<Option<Plain>, StoreError> {
    let sql = "SELECT a.content, k.master, k.wrapped FROM check_plan_ask a
               LEFT JOIN record_key k ON k.id = a.id AND k.kind = 22 AND k.version = 1 WHERE a.id = $1";
    opened(tx, vault, sql, &[id(number)], &ask_record(&number))
}

/// Stores what a question was answered: the same bytes go out again.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such question.
pub fn put_ask_answer(tx: &mut dyn Tx, number: ObjectId, answer: &[u8]) -> Result<(), StoreError> {
    let sql = "UPDATE check_plan_ask SET answer = $2 WHERE id = $1";
    change_one(tx, sql, &[id(number), Value::from(answer)], "question")
}

/// Returns what a question was answered.
///
/// # Errors
/// When the engine refuses.
pub fn ask_answer(tx: &mut dyn Tx, number: ObjectId) -> Result<Option<Vec<u8>>, StoreError> {
    let row = tx.query_opt("SELECT answer FROM check_plan_ask WHERE id = $1", &[id(number)])?;
    row.map(|row| Ok(row.opt_bytes(0)?.map(<[u8]>::to_vec))).transpose().map(Option::flatten)
}

/// Forgets what a question was answered; what opens it stays.
///
/// # Errors
/// When the engine refuses.
pub fn erase_ask_answer(tx: &mut dyn Tx, number: ObjectId) -> Result<(), StoreError> {
    tx.exec("UPDATE check_plan_ask SET answer = NULL WHERE id = $1", &[id(number)])?;
    Ok(())
}

/// Erases what is kept for a question. The row stays: its number is used.
///
/// # Errors
/// When the engine refuses.
pub fn erase_ask(tx: &mut dyn Tx, number: ObjectId) -> Result<(), StoreError> {
    erase_keys(tx, Kind::CheckPlanAsk, &[number.as_bytes().as_slice()])?;
    tx.exec("UPDATE check_plan_ask SET content = NULL, answer = NULL WHERE id = $1", &[id(number)])?;
    Ok(())
}

/// `ask || plan`.
fn conflict_name(ask: ObjectId, plan: ObjectId) -> Vec<u8> {
    [ask.as_bytes().as_slice(), plan.as_bytes()].concat()
}

/// A plan of this node met one of a partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The question that showed it.
    pub ask: ObjectId,
    /// This node's plan.
    pub plan: ObjectId,
    /// The other party.
    pub partner: PartyId,
    /// When.
    pub at: Timestamp,
}

/// Adds a conflict with the partner's point of contact, encrypted; again changes nothing. Returns whether it is new.
///
/// # Errors
/// When the engine refuses.
pub fn add_conflict(
    tx: &mut dyn Tx,
    vault: &Vault,
    one: &Conflict,
    contact: &str,
) -> Result<bool, StoreError> {
    let name = conflict_name(one.ask, one.plan);
    let sealed =
        vault.seal(&Record { kind: Kind::CheckConflict, id: &name, version: 1 }, contact.as_bytes())?;
    let sql = "INSERT INTO check_conflict (ask, plan, partner, met_at, content) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT DO NOTHING";
    let args = [
        id(one.ask),
        id(one.plan),
        Value::from(one.partner.as_str()),
        time(one.at),
        Value::from(sealed.content),
    ];
    if tx.exec(sql, &args)? != 1 {
        return Ok(false);
    }
    Vault::put_keys(tx, &[sealed.key])?;
    Ok(true)
}

/// Erases what met a plan.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub(super) fn erase_conflicts(tx: &mut dyn Tx, plan: ObjectId) -> Result<(), StoreError> {
    let rows = tx.query("SELECT ask FROM check_conflict WHERE plan = $1", &[id(plan)])?;
    for row in &rows {
        let name = conflict_name(OF_CONFLICT.id(row, 0)?, plan);
        erase_keys(tx, Kind::CheckConflict, &[name.as_slice()])?;
    }
    tx.exec("DELETE FROM check_conflict WHERE plan = $1", &[id(plan)])?;
    Ok(())
}

/// Returns the conflicts of a plan with the partners' points of contact.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn conflicts_of(
    tx: &mut dyn Tx,
    vault: &Vault,
    plan: ObjectId,
) -> Result<Vec<(Conflict, String)>, StoreError> {
    let sql =
        "SELECT ask, partner, met_at FROM check_conflict WHERE plan = $1 ORDER BY met_at, ask LIMIT 1000";
    let rows = tx.query(sql, &[id(plan)])?;
    let mut out = Vec::with_capacity(rows.len());
    for row in &rows {
        let one = Conflict {
            ask: OF_CONFLICT.id(row, 0)?,
            plan,
            partner: OF_CONFLICT.party(row, 1)?,
            at: OF_CONFLICT.time(row, 2)?,
        };
        let name = conflict_name(one.ask, plan);
        let sql = "SELECT c.content, k.master, k.wrapped FROM check_conflict c
                   LEFT JOIN record_key k ON k.id = $3 AND k.kind = 23 AND k.version = 1
                   WHERE c.ask = $1 AND c.plan = $2";
        let record = Record { kind: Kind::CheckConflict, id: &name, version: 1 };
        let args = [id(one.ask), id(plan), Value::from(name.clone())];
        let contact = opened(tx, vault, sql, &args, &record)?.ok_or(OF_CONFLICT.broken())?;
        let contact = String::from_utf8(contact.to_vec()).map_err(|_text| OF_CONFLICT.broken())?;
        out.push((one, contact));
    }
    Ok(out)
}
