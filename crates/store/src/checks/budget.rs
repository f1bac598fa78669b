//! What a partner has spent: evaluations of the day, for it as a whole, its officer, its case; and since the last hit
//! that two persons confirmed. The first row is locked while a charge is decided, so that two processes charge in turn.

use mithaq_check::Counters;
use mithaq_db::{Row, Tx, Value, lock_clause};
use mithaq_model::{AgreementId, PartyId};

use crate::StoreError;
use crate::sql::{Of, agreement, change_one};

const OF: Of = Of("check_budget");
/// The counter of what came, charged or refused.
const CAME: &str = "came";
/// The counter that does not start anew with the day.
const ALWAYS: i64 = -1;

/// Whose budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Agreement.
    pub agreement: AgreementId,
    /// The other party.
    pub partner: PartyId,
    /// Whether this node asks; else it is asked.
    pub own: bool,
    /// Day since 1970, UTC.
    pub day: i64,
    /// Pseudonym of the officer.
    pub officer: [u8; 16],
    /// Pseudonym of the case.
    pub case: [u8; 16],
}

impl Account {
    fn rows(&self) -> [(&'static str, i64, &[u8]); 4] {
        [
            ("partner", self.day, &[]),
            ("officer", self.day, &self.officer),
            ("case", self.day, &self.case),
            ("since_hit", ALWAYS, &[]),
        ]
    }

    fn key(&self, (kind, day, who): (&'static str, i64, &[u8])) -> Vec<Value> {
        vec![
            agreement(&self.agreement),
            Value::from(self.partner.as_str()),
            Value::from(self.own),
            Value::from(day),
            Value::from(kind),
            Value::from(who),
        ]
    }
}

/// Adds what came from a partner on a day, charged or refused, and returns the sum. Its row is locked until the job ends.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn came(
    tx: &mut dyn Tx,
    (id, partner): (&AgreementId, &PartyId),
    day: i64,
    evaluations: u32,
) -> Result<u64, StoreError> {
    let sql = format!(
        "INSERT INTO check_budget (agreement, partner, own, day, kind, who, used) VALUES ($1, $2, 0, $3, '{CAME}', $4, $5)
         ON CONFLICT (agreement, partner, own, day, kind, who)
         DO UPDATE SET used = check_budget.used + excluded.used RETURNING used"
    );
    let who: &[u8] = &[];
    let args = [
        agreement(id),
        Value::from(partner.as_str()),
        Value::from(day),
        Value::from(who),
        Value::from(evaluations),
    ];
    Ok(tx.query_opt(&sql, &args)?.ok_or(OF.broken())?.unsigned(0)?)
}

/// Returns the counters, locked until the job ends.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn locked(tx: &mut dyn Tx, account: &Account) -> Result<Counters, StoreError> {
    let mut counters = [0_u32; 4];
    for (row, counter) in account.rows().into_iter().zip(&mut counters) {
        let key = account.key(row);
        tx.exec(
            "INSERT INTO check_budget (agreement, partner, own, day, kind, who, used)
             VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT DO NOTHING",
            &key,
        )?;
        let sql = format!(
            "SELECT used FROM check_budget WHERE agreement = $1 AND partner = $2 AND own = $3 AND day = $4
             AND kind = $5 AND who = $6{}",
            lock_clause(tx.engine())
        );
        let found = tx.query_opt(&sql, &key)?.ok_or(OF.broken())?;
        *counter = OF.u32(&found, 0)?;
    }
    let [partner, officer, case, since_hit] = counters;
    Ok(Counters { partner, officer, case, since_hit })
}

/// Stores the counters that [`locked`] gave and a charge changed.
///
/// # Errors
/// [`StoreError::Missing`] when they were not loaded before.
pub fn save(tx: &mut dyn Tx, account: &Account, counters: &Counters) -> Result<(), StoreError> {
    let used = [counters.partner, counters.officer, counters.case, counters.since_hit];
    for (row, used) in account.rows().into_iter().zip(used) {
        let mut args = account.key(row);
        args.push(Value::from(used));
        change_one(
            tx,
            "UPDATE check_budget SET used = $7 WHERE agreement = $1 AND partner = $2 AND own = $3 AND day = $4
             AND kind = $5 AND who = $6",
            &args,
            "budget",
        )?;
    }
    Ok(())
}

/// What one counter of a day says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spent {
    /// The partner as a whole.
    Partner(u32),
    /// One officer, by pseudonym.
    Officer([u8; 16], u32),
    /// One case; of received checks by pseudonym.
    Case([u8; 16], u32),
    /// Evaluations since the last confirmed hit, of whatever day.
    SinceHit(u32),
}

/// Returns what was spent on a day, and since the last confirmed hit. Locks nothing: for people to look at.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn of_day(
    tx: &mut dyn Tx,
    (id, partner): (&AgreementId, &PartyId),
    own: bool,
    day: i64,
) -> Result<Vec<Spent>, StoreError> {
    let sql = format!(
        "SELECT kind, who, used FROM check_budget WHERE agreement = $1 AND partner = $2 AND own = $3 AND day IN ($4, $5)
         AND kind <> '{CAME}' ORDER BY kind, who LIMIT 10000"
    );
    let args = [
        agreement(id),
        Value::from(partner.as_str()),
        Value::from(own),
        Value::from(day),
        Value::from(ALWAYS),
    ];
    let read = |row: &Row| {
        let who = || row.array(1).map_err(|_shape| OF.broken());
        let used = OF.u32(row, 2)?;
        match row.text(0)? {
            "partner" => Ok(Spent::Partner(used)),
            "officer" => Ok(Spent::Officer(who()?, used)),
            "case" => Ok(Spent::Case(who()?, used)),
            "since_hit" => Ok(Spent::SinceHit(used)),
            _unknown => Err(OF.broken()),
        }
    };
    tx.query(&sql, &args)?.iter().map(read).collect()
}

/// A hit was confirmed by both sides: evaluations without one are counted anew.
///
/// # Errors
/// When the engine refuses.
pub fn shown_hit(tx: &mut dyn Tx, id: &AgreementId, partner: &PartyId, own: bool) -> Result<(), StoreError> {
    tx.exec(
        "UPDATE check_budget SET used = 0 WHERE agreement = $1 AND partner = $2 AND own = $3 AND kind = 'since_hit'",
        &[agreement(id), Value::from(partner.as_str()), Value::from(own)],
    )?;
    Ok(())
}

/// Erases the counters of days before `day`.
///
/// # Errors
/// When the engine refuses.
pub fn forget(tx: &mut dyn Tx, day: i64) -> Result<u64, StoreError> {
    let sql = "DELETE FROM check_budget WHERE day < $1 AND day >= 0";
    Ok(tx.exec(sql, &[Value::from(day)])?)
}
