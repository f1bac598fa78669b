//! Private checks: one row for each that was asked or received, the subjects it is about, its candidates. Stored answers
//! hold blinded elements and say nothing; openings and what partners show of a candidate are encrypted. Which step is
//! allowed is `check`'s matter, who may take it `app`'s.

pub mod budget;
mod candidates;
mod cleared;
mod plan_asks;
mod plans;
mod sets;
mod standing;

use mithaq_check::{CheckState, Strength};
use mithaq_db::{Row, Tx, Value, lock_clause};
use mithaq_model::{
    AgreementId, CaseId, ObjectId, OfficerId, PartyId, Purpose, SubjectClass, SubjectId, Timestamp,
};

pub use candidates::{
    Candidate, add_candidate, candidate, candidates, candidates_waiting, erase_candidates, open_candidates,
    save_candidate, show, shown,
};
pub(crate) use cleared::erase_cleared_of;
pub use cleared::{NotThatPerson, add_cleared, cleared_as, cleared_of, forget_cleared, forget_cleared_of};
pub use plan_asks::{
    AskState, Conflict, PlanAsk, add_ask, add_conflict, ask_answer, ask_content, asks_of, asks_received,
    asks_waiting, conflicts_of, erase_ask, erase_ask_answer, open_asks, plan_ask, plan_ask_locked,
    put_ask_answer, put_ask_content, save_ask,
};
pub use plans::{
    PlanState, StoredPlan, add_plan, erase_plan, open_plans, plan, plan_content, plan_locked, plans_alive,
    plans_ended, plans_of, plans_over, save_plan,
};
pub use sets::{Epoch, StoredSet, add_epoch, end_epochs, newest_epoch, put_set, set, set_bytes, sets};

pub use standing::{
    StandingState, StandingTitle, StoredStanding, add_standing, add_standing_hit, epoch_of,
    erase_standing_tokens, put_standing_tokens, save_standing, standing, standing_hits, standing_locked,
    standing_tokens, standings, standings_ended,
};

use crate::reports::Direction;
use crate::sight::{self, Sight};
use crate::sql::{Of, agreement, id, insert_new, int, time};
use crate::vault::{Kind, Plain, Record, erase_keys};
use crate::{StoreError, Vault};

const OF: Of = Of("check_query");
const COLUMNS: &str =
    "SELECT id, direction, partner, agreement, case_id, purpose, class, officer, author, authoriser,
    warrant, subjects, queries, epoch, state, outcome, commitment, digest, created_at, ended_at, claims, hits,
    confirmed, rejected, version, joint, asked_at FROM check_query";

/// A check between this node and one partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Number.
    pub id: ObjectId,
    /// Own: this node asked. Received: it was asked.
    pub direction: Direction,
    /// The other party.
    pub partner: PartyId,
    /// Agreement.
    pub agreement: AgreementId,
    /// The case; on the asked side the pseudonym it came with.
    pub case: CaseId,
    /// What for.
    pub purpose: Purpose,
    /// Class of the persons.
    pub class: SubjectClass,
    /// Pseudonym of the officer, as it crosses the wire.
    pub officer: [u8; 16],
    /// Who wrote it, on the asking side.
    pub author: Option<OfficerId>,
    /// Who authorised it, on the asking side.
    pub authoriser: Option<OfficerId>,
    /// Reference of the warrant, where one is needed.
    pub warrant: Option<String>,
    /// How many subjects.
    pub subjects: u32,
    /// How many evaluations; zero before it is authorised.
    pub queries: u32,
    /// Epoch of the key.
    pub epoch: u32,
    /// Where it stands.
    pub state: CheckState,
    /// Why it ended so, a code.
    pub outcome: Option<String>,
    /// Commitment to the query set.
    pub commitment: Option<[u8; 32]>,
    /// Digest of the request.
    pub digest: Option<[u8; 32]>,
    /// When it was written, or came.
    pub created: Timestamp,
    /// When it was authorised, on the asking side: what its request says.
    pub asked: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Digest of the claims that were answered.
    pub claims: Option<[u8; 32]>,
    /// Candidates it had.
    pub hits: u32,
    /// Of these, confirmed by both sides.
    pub confirmed: u32,
    /// Of these, rejected by one.
    pub rejected: u32,
    /// Of one question to several partners, its number on this node: it crosses no wire.
    pub joint: Option<ObjectId>,
    /// Counts the changes, from 1.
    pub version: u64,
}

fn columns(check: &Check) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        id(check.id),
        Value::from(check.authoriser.map(|who| who.as_bytes().to_vec())),
        Value::from(check.queries),
        Value::from(check.epoch),
        Value::from(check.state.code()),
        Value::from(check.outcome.as_deref()),
        Value::from(check.commitment.map(|hash| hash.to_vec())),
        Value::from(check.digest.map(|hash| hash.to_vec())),
        Value::from(check.ended.map(Timestamp::as_millis)),
        Value::from(check.claims.map(|hash| hash.to_vec())),
        Value::from(check.hits),
        Value::from(check.confirmed),
        Value::from(check.rejected),
        int(check.version)?,
        Value::from(check.asked.map(Timestamp::as_millis)),
    ])
}

/// Adds a check with the subjects it is about; none on the asked side.
///
/// # Errors
/// [`StoreError::Conflict`] when the number is taken.
pub fn add(tx: &mut dyn Tx, check: &Check, subjects: &[SubjectId]) -> Result<(), StoreError> {
    let mut args = columns(check)?;
    args.extend([
        Value::from(check.direction.code()),
        Value::from(check.partner.as_str()),
        agreement(&check.agreement),
        id(check.case),
        Value::from(check.purpose.code()),
        Value::from(check.class.code()),
        Value::from(check.officer),
        Value::from(check.author.map(|who| who.as_bytes().to_vec())),
        Value::from(check.warrant.as_deref()),
        Value::from(check.subjects),
        time(check.created),
        Value::from(check.joint.map(|joint| joint.as_bytes().to_vec())),
    ]);
    insert_new(
        tx,
        "INSERT INTO check_query (id, authoriser, queries, epoch, state, outcome, commitment, digest, ended_at, claims,
         hits, confirmed, rejected, version, asked_at, direction, partner, agreement, case_id, purpose, class, officer,
         author, warrant, subjects, created_at, joint) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
         $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27) ON CONFLICT DO NOTHING",
        &args,
        "check",
    )?;
    let rows: Vec<_> = subjects.iter().map(|subject| vec![id(check.id), id(*subject)]).collect();
    tx.exec_many("INSERT INTO check_subject (check_id, subject) VALUES ($1, $2)", &rows)?;
    Ok(())
}

/// Stores where a check stands.
///
/// # Errors
/// [`StoreError::Conflict`] when the row was changed since it was read, or is gone.
pub fn save(tx: &mut dyn Tx, check: &Check) -> Result<(), StoreError> {
    insert_new(
        tx,
        "UPDATE check_query SET authoriser = $2, queries = $3, epoch = $4, state = $5, outcome = $6, commitment = $7,
         digest = $8, ended_at = $9, claims = $10, hits = $11, confirmed = $12, rejected = $13, asked_at = $15,
         version = version + 1 WHERE id = $1 AND version = $14",
        &columns(check)?,
        "check",
    )
}

/// Returns a check, locked until the job ends where the job writes.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn locked(tx: &mut dyn Tx, number: ObjectId) -> Result<Option<Check>, StoreError> {
    let sql = format!("{COLUMNS} WHERE id = $1{}", lock_clause(tx.engine()));
    tx.query_opt(&sql, &[id(number)])?.map(|row| read(&row)).transpose()
}

/// Returns a check.
///
/// # Errors
/// As [`locked`].
pub fn get(tx: &mut dyn Tx, number: ObjectId) -> Result<Option<Check>, StoreError> {
    tx.query_opt(&format!("{COLUMNS} WHERE id = $1"), &[id(number)])?.map(|row| read(&row)).transpose()
}

/// Returns the newest checks of one direction, the last first.
///
/// # Errors
/// As [`locked`].
pub fn list(
    tx: &mut dyn Tx,
    direction: Direction,
    sight: Sight,
    limit: u32,
) -> Result<Vec<Check>, StoreError> {
    let mut args = vec![Value::from(direction.code()), Value::from(limit.min(crate::sql::PAGE_MAX))];
    let seen = sight.and(sight::CHECKS, &mut args);
    let sql = format!("{COLUMNS} WHERE direction = $1{seen} ORDER BY created_at DESC, id LIMIT $2");
    tx.query(&sql, &args)?.iter().map(read).collect()
}

/// Returns the checks of one question to several partners.
///
/// # Errors
/// As [`locked`].
pub fn of_joint(tx: &mut dyn Tx, joint: ObjectId) -> Result<Vec<Check>, StoreError> {
    let sql = format!("{COLUMNS} WHERE joint = $1 AND direction = 'own' ORDER BY partner, id LIMIT 100");
    tx.query(&sql, &[id(joint)])?.iter().map(read).collect()
}

/// Returns checks of a state, the oldest first.
///
/// # Errors
/// As [`locked`].
pub fn in_state(tx: &mut dyn Tx, state: CheckState, limit: u32) -> Result<Vec<Check>, StoreError> {
    let sql = format!("{COLUMNS} WHERE state = $1 ORDER BY created_at, id LIMIT $2");
    let args = [Value::from(state.code()), Value::from(limit.min(crate::sql::PAGE_MAX))];
    tx.query(&sql, &args)?.iter().map(read).collect()
}

/// Returns checks that ended before an instant, were not closed, and wait for nothing: no candidate is open or untold, no
/// standing check of theirs stays.
///
/// # Errors
/// As [`locked`].
pub fn ended_before(tx: &mut dyn Tx, at: Timestamp, limit: u32) -> Result<Vec<Check>, StoreError> {
    let sql = format!(
        "{COLUMNS} q WHERE ended_at IS NOT NULL AND ended_at < $1 AND state <> 'closed'
         AND NOT EXISTS (SELECT 1 FROM check_candidate c WHERE c.check_id = q.id
             AND (c.stage IN ('possible_hit', 'confirmed') OR (q.direction = 'own' AND c.told = 0)))
         AND NOT EXISTS (SELECT 1 FROM check_standing s WHERE s.check_id = q.id
             AND s.state NOT IN ('draft', 'refused', 'over'))
         ORDER BY ended_at, id LIMIT $2"
    );
    tx.query(&sql, &[time(at), Value::from(limit.min(crate::sql::PAGE_MAX))])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Check, StoreError> {
    let hash = |i| -> Result<Option<[u8; 32]>, StoreError> {
        let found = row.opt_bytes(i)?;
        found.map(|bytes| bytes.try_into().map_err(|_length| OF.broken())).transpose()
    };
    Ok(Check {
        id: OF.id(row, 0)?,
        direction: Direction::from_code(row.text(1)?).ok_or(OF.broken())?,
        partner: OF.party(row, 2)?,
        agreement: OF.agreement(row, 3)?,
        case: OF.id(row, 4)?,
        purpose: OF.code(row, 5, Purpose::from_code)?,
        class: OF.code(row, 6, SubjectClass::from_code)?,
        officer: row.array(7).map_err(|_shape| OF.broken())?,
        author: OF.opt_id(row, 8)?,
        authoriser: OF.opt_id(row, 9)?,
        warrant: row.opt_text(10)?.map(ToOwned::to_owned),
        subjects: OF.u32(row, 11)?,
        queries: OF.u32(row, 12)?,
        epoch: OF.u32(row, 13)?,
        state: CheckState::from_code(row.text(14)?).ok_or(OF.broken())?,
        outcome: row.opt_text(15)?.map(ToOwned::to_owned),
        commitment: hash(16)?,
        digest: hash(17)?,
        created: OF.time(row, 18)?,
        ended: OF.opt_time(row, 19)?,
        claims: hash(20)?,
        hits: OF.u32(row, 21)?,
        confirmed: OF.u32(row, 22)?,
        rejected: OF.u32(row, 23)?,
        joint: OF.opt_id(row, 25)?,
        asked: OF.opt_time(row, 26)?,
        version: row.unsigned(24)?,
    })
}

/// Returns the subjects a check is about, with the band of those that hit.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn subjects(tx: &mut dyn Tx, number: ObjectId) -> Result<Vec<(SubjectId, Option<Strength>)>, StoreError> {
    let sql = "SELECT subject, strength FROM check_subject WHERE check_id = $1 ORDER BY subject LIMIT 1000";
    let of = Of("check_subject");
    tx.query(sql, &[id(number)])?
        .iter()
        .map(|row| {
            let band = row.opt_text(1)?.map(|code| Strength::from_code(code).ok_or(of.broken()));
            Ok((of.id(row, 0)?, band.transpose()?))
        })
        .collect()
}

/// Notes that a subject hit.
///
/// # Errors
/// When the engine refuses.
pub fn note_hit(
    tx: &mut dyn Tx,
    number: ObjectId,
    subject: SubjectId,
    strength: Strength,
) -> Result<(), StoreError> {
    let sql = "UPDATE check_subject SET strength = $3 WHERE check_id = $1 AND subject = $2";
    tx.exec(sql, &[id(number), id(subject), Value::from(strength.code())])?;
    Ok(())
}

/// Returns whether a subject was asked about, for this case and of this partner, since an instant: by a check that was
/// sent, and neither aborted nor refused.
///
/// # Errors
/// When the engine refuses.
pub fn asked_since(
    tx: &mut dyn Tx,
    (subject, case): (SubjectId, CaseId),
    (id_of, partner): (&AgreementId, &PartyId),
    since: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM check_subject s JOIN check_query q ON q.id = s.check_id
        WHERE s.subject = $1 AND q.case_id = $2 AND q.agreement = $3 AND q.partner = $4 AND q.created_at >= $5
        AND q.direction = 'own' AND q.queries > 0 AND q.state NOT IN ('aborted', 'refused') LIMIT 1";
    let args = [id(subject), id(case), agreement(id_of), Value::from(partner.as_str()), time(since)];
    Ok(tx.query_opt(sql, &args)?.is_some())
}

fn opening_of(number: &ObjectId) -> Record<'_> {
    Record { kind: Kind::CheckOpening, id: number.as_bytes(), version: 1 }
}

/// Stores the opening of a check, encrypted.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such check; an opening that is there already is a violated constraint.
pub fn put_opening(
    tx: &mut dyn Tx,
    vault: &Vault,
    number: ObjectId,
    opening: &[u8],
) -> Result<(), StoreError> {
    let sealed = vault.seal(&opening_of(&number), opening)?;
    let sql = "UPDATE check_query SET content = $2 WHERE id = $1";
    crate::sql::change_one(tx, sql, &[id(number), Value::from(sealed.content)], "check")?;
    Vault::put_keys(tx, &[sealed.key])
}

/// Returns the opening of a check; none once it was destroyed.
///
/// # Errors
/// [`StoreError::Integrity`] when it is damaged.
pub fn opening(tx: &mut dyn Tx, vault: &Vault, number: ObjectId) -> Result<Option<Plain>, StoreError> {
    let sql = "SELECT q.content, k.master, k.wrapped FROM check_query q
               LEFT JOIN record_key k ON k.id = q.id AND k.kind = 13 AND k.version = 1 WHERE q.id = $1";
    let Some(row) = tx.query_opt(sql, &[id(number)])? else { return Ok(None) };
    if row.opt_bytes(0)?.is_none() {
        return Ok(None);
    }
    vault.open_row(&opening_of(&number), &row, 0).map(Some)
}

/// Stores what the asked side answered: the same bytes go out again.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such check.
pub fn put_answer(tx: &mut dyn Tx, number: ObjectId, answer: &[u8]) -> Result<(), StoreError> {
    let sql = "UPDATE check_query SET answer = $2 WHERE id = $1";
    crate::sql::change_one(tx, sql, &[id(number), Value::from(answer)], "check")
}

/// Stores what claims were answered with, and whom they said was cleared.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such check.
pub fn put_handles(
    tx: &mut dyn Tx,
    number: ObjectId,
    (handles, cleared): (&[u8], &[u8]),
) -> Result<(), StoreError> {
    let sql = "UPDATE check_query SET handles = $2, cleared = $3 WHERE id = $1";
    crate::sql::change_one(tx, sql, &[id(number), Value::from(handles), Value::from(cleared)], "check")
}

/// Returns whom the claims of a check said was cleared; empty where there were none.
///
/// # Errors
/// When the engine refuses.
pub fn claimed_cleared(tx: &mut dyn Tx, number: ObjectId) -> Result<Vec<u8>, StoreError> {
    let row = tx.query_opt("SELECT cleared FROM check_query WHERE id = $1", &[id(number)])?;
    let bytes = row.as_ref().map(|row| row.opt_bytes(0)).transpose()?.flatten();
    Ok(bytes.map(<[u8]>::to_vec).unwrap_or_default())
}

/// A stored answer and stored handles; none where there are none yet, or they were destroyed.
pub type StoredAnswers = (Option<Vec<u8>>, Option<Vec<u8>>);

/// Returns the stored answer and handles.
///
/// # Errors
/// When the engine refuses.
pub fn stored_answers(tx: &mut dyn Tx, number: ObjectId) -> Result<StoredAnswers, StoreError> {
    let sql = "SELECT answer, handles FROM check_query WHERE id = $1";
    let Some(row) = tx.query_opt(sql, &[id(number)])? else { return Ok((None, None)) };
    Ok((row.opt_bytes(0)?.map(<[u8]>::to_vec), row.opt_bytes(1)?.map(<[u8]>::to_vec)))
}

/// Destroys opening, answers, handles, candidates, a standing check of it and the link to subjects. The row stays for the figures.
///
/// # Errors
/// When the engine refuses.
pub fn destroy(tx: &mut dyn Tx, number: ObjectId) -> Result<(), StoreError> {
    erase_keys(tx, Kind::CheckOpening, &[number.as_bytes().as_slice()])?;
    tx.exec(
        "UPDATE check_query SET content = NULL, answer = NULL, handles = NULL, claims = NULL, cleared = NULL
         WHERE id = $1",
        &[id(number)],
    )?;
    erase_candidates(tx, number)?;
    standing::destroy_standing(tx, number)?;
    tx.exec("DELETE FROM check_subject WHERE check_id = $1", &[id(number)])?;
    Ok(())
}

/// What was asked under one agreement with one partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Asked, or received.
    pub direction: Direction,
    /// The other party.
    pub partner: PartyId,
    /// Agreement.
    pub agreement: AgreementId,
    /// Checks.
    pub checks: u64,
    /// Of these, refused.
    pub refused: u64,
    /// Evaluations.
    pub queries: u64,
    /// Candidates.
    pub hits: u64,
    /// Candidates both sides confirmed.
    pub confirmed: u64,
    /// Candidates one side rejected.
    pub rejected: u64,
}

/// Counts the checks created from `from` until before `until`.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn tally(tx: &mut dyn Tx, from: Timestamp, until: Timestamp) -> Result<Vec<Tally>, StoreError> {
    let sum = |column: &str| format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT)");
    let sql = format!(
        "SELECT direction, partner, agreement, COUNT(*), {}, {}, {}, {}, {} FROM check_query
         WHERE created_at >= $1 AND created_at < $2 AND state <> 'draft'
         GROUP BY direction, partner, agreement ORDER BY direction, partner, agreement",
        sum("CASE WHEN state = 'refused' THEN 1 ELSE 0 END"),
        sum("queries"),
        sum("hits"),
        sum("confirmed"),
        sum("rejected"),
    );
    tx.query(&sql, &[time(from), time(until)])?
        .iter()
        .map(|row| {
            Ok(Tally {
                direction: Direction::from_code(row.text(0)?).ok_or(OF.broken())?,
                partner: OF.party(row, 1)?,
                agreement: OF.agreement(row, 2)?,
                checks: row.unsigned(3)?,
                refused: row.unsigned(4)?,
                queries: row.unsigned(5)?,
                hits: row.unsigned(6)?,
                confirmed: row.unsigned(7)?,
                rejected: row.unsigned(8)?,
            })
        })
        .collect()
}
