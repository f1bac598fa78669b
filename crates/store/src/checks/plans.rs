//! Planned actions of this node, questions about plans that were asked and received, and what met. Place, time and points of
//! contact are encrypted; what is over is erased with its keys.

use mithaq_db::{Row, Tx, Value, lock_clause};
use mithaq_model::{AgreementId, CaseId, ObjectId, OfficerId, PartyId, Purpose, Timestamp};

use crate::reports::Direction;
use crate::sql::{Of, PAGE_MAX, agreement, change_one, id, insert_new, int, time};
use crate::vault::{Kind, Plain, Record, erase_keys};
use crate::{StoreError, Vault};

const OF: Of = Of("check_plan");
const OF_ASK: Of = Of("check_plan_ask");
const OF_CONFLICT: Of = Of("check_conflict");
const PLAN: &str =
    "SELECT id, agreement, case_id, purpose, author, authoriser, state, until_at, version FROM check_plan";
const ASK: &str = "SELECT id, direction, partner, agreement, plan, state, outcome, digest, asked_at, version FROM check_plan_ask";

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

            fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.code() == code)
            }
        }
    };
}

states! {
    /// Where a plan is.
    PlanState {
        /// Written; nothing was asked, and nobody meets it.
        Draft = "draft",
        /// Authorised: partners are asked, and meet it.
        Open = "open",
        /// Its time is over, or it was taken back: place, time and contact are erased.
        Over = "over",
    }
}

states! {
    /// Where a question about a plan is.
    AskState {
        /// On its way.
        Asking = "asking",
        /// It met something; points of contact are exchanged.
        Claiming = "claiming",
        /// It met nothing, or a refusal that looks so.
        Clear = "clear",
        /// It met.
        Conflict = "conflict",
        /// Refused.
        Refused = "refused",
        /// Evaluated, on the asked side.
        Evaluated = "evaluated",
        /// Ended without a result.
        Lost = "lost",
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
    /// When it is over.
    pub until: Timestamp,
    /// Counts the changes, from 1.
    pub version: u64,
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

fn plan_record(number: &ObjectId) -> Record<'_> {
    Record { kind: Kind::CheckPlan, id: number.as_bytes(), version: 1 }
}

fn ask_record(number: &ObjectId) -> Record<'_> {
    Record { kind: Kind::CheckPlanAsk, id: number.as_bytes(), version: 1 }
}

/// Adds a plan with its content, encrypted.
///
/// # Errors
/// [`StoreError::Conflict`] when the number is taken.
pub fn add_plan(tx: &mut dyn Tx, vault: &Vault, plan: &StoredPlan, content: &[u8]) -> Result<(), StoreError> {
    let sealed = vault.seal(&plan_record(&plan.id), content)?;
    insert_new(
        tx,
        "INSERT INTO check_plan (id, agreement, case_id, purpose, author, authoriser, state, until_at, version, content)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        &[
            id(plan.id),
            agreement(&plan.agreement),
            id(plan.case),
            Value::from(plan.purpose.code()),
            id(plan.author),
            Value::from(plan.authoriser.map(|who| who.as_bytes().to_vec())),
            Value::from(plan.state.code()),
            time(plan.until),
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
    let sql = "UPDATE check_plan SET authoriser = $2, state = $3, version = version + 1 WHERE id = $1 AND version = $4";
    let args = [
        id(plan.id),
        Value::from(plan.authoriser.map(|who| who.as_bytes().to_vec())),
        Value::from(plan.state.code()),
        int(plan.version)?,
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

/// Returns the open plans under an agreement that are not over.
///
/// # Errors
/// As [`plan`].
pub fn open_plans(tx: &mut dyn Tx, of: &AgreementId, now: Timestamp) -> Result<Vec<StoredPlan>, StoreError> {
    let sql = format!(
        "{PLAN} WHERE agreement = $1 AND state = 'open' AND until_at > $2 ORDER BY until_at, id LIMIT $3"
    );
    tx.query(&sql, &[agreement(of), time(now), Value::from(PAGE_MAX)])?.iter().map(read_plan).collect()
}

/// Returns plans whose time is over and that are not.
///
/// # Errors
/// As [`plan`].
pub fn plans_ended(tx: &mut dyn Tx, now: Timestamp, limit: u32) -> Result<Vec<StoredPlan>, StoreError> {
    let sql = format!("{PLAN} WHERE until_at <= $1 AND state <> 'over' ORDER BY until_at, id LIMIT $2");
    tx.query(&sql, &[time(now), Value::from(limit.min(PAGE_MAX))])?.iter().map(read_plan).collect()
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
        version: row.unsigned(8)?,
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

fn opened(
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

/// Erases what a plan says, with its questions and what met it.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn erase_plan(tx: &mut dyn Tx, number: ObjectId) -> Result<(), StoreError> {
    erase_keys(tx, Kind::CheckPlan, &[number.as_bytes().as_slice()])?;
    tx.exec("UPDATE check_plan SET content = NULL WHERE id = $1", &[id(number)])?;
    let sql = "SELECT id FROM check_plan_ask WHERE plan = $1 LIMIT 1000";
    let rows = tx.query(sql, &[id(number)])?;
    let asks: Vec<ObjectId> = rows.iter().map(|row| OF_ASK.id(row, 0)).collect::<Result<_, _>>()?;
    for ask in asks {
        erase_ask(tx, ask)?;
    }
    let rows = tx.query("SELECT ask FROM check_conflict WHERE plan = $1 LIMIT 1000", &[id(number)])?;
    let asks: Vec<ObjectId> = rows.iter().map(|row| OF_CONFLICT.id(row, 0)).collect::<Result<_, _>>()?;
    for ask in asks {
        erase_keys(tx, Kind::CheckConflict, &[conflict_name(ask, number).as_slice()])?;
    }
    tx.exec("DELETE FROM check_conflict WHERE plan = $1", &[id(number)])?;
    Ok(())
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

/// Returns questions that came before an instant: what is kept for them can go.
///
/// # Errors
/// As [`plan_ask`].
pub fn asks_before(tx: &mut dyn Tx, at: Timestamp, limit: u32) -> Result<Vec<PlanAsk>, StoreError> {
    let sql = format!(
        "{ASK} WHERE asked_at < $1 AND content IS NOT NULL AND (direction = 'received' OR state IN ('asking', 'claiming'))
         ORDER BY asked_at, id LIMIT $2"
    );
    tx.query(&sql, &[time(at), Value::from(limit.min(PAGE_MAX))])?.iter().map(read_ask).collect()
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
