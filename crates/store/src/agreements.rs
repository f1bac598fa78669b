//! Agreements: the signed text, who signed, the state with its history, and what was used of daily budgets.
//! What the text means is for `policy`; the states are its codes and are not judged here.

use mithaq_db::{Row, Tx, Value};
use mithaq_model::{AgreementId, OfficerId, PartyId, Timestamp};

use crate::sql::{Of, agreement, insert_new, int, time};
use crate::vault::{Kind, Plain, Record};
use crate::{StoreError, Vault};

const OF: Of = Of("agreement");
const COLUMNS: &str = "SELECT a.id, a.state, a.version, a.supersedes, a.starts_at, a.ends_at,
    a.content, k.master, k.wrapped
    FROM agreement a LEFT JOIN record_key k ON k.id = a.id AND k.kind = 1 AND k.version = 1";

/// An agreement to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAgreement<'a> {
    /// Its number: SHA-256 of what is signed.
    pub id: AgreementId,
    /// The first state, for example `draft`.
    pub state: &'a str,
    /// The parties.
    pub parties: &'a [PartyId],
    /// The agreement it replaces.
    pub supersedes: Option<AgreementId>,
    /// First instant.
    pub starts: Timestamp,
    /// Last instant.
    pub ends: Timestamp,
    /// The text.
    pub text: &'a [u8],
}

/// An agreement as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAgreement {
    /// Its number.
    pub id: AgreementId,
    /// State code.
    pub state: String,
    /// Counts the changes of state, from 1.
    pub version: u64,
    /// The agreement it replaces.
    pub supersedes: Option<AgreementId>,
    /// First instant.
    pub starts: Timestamp,
    /// Last instant.
    pub ends: Timestamp,
    /// The text.
    pub text: Plain,
}

/// A party of an agreement and its signature, once it signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The party.
    pub party: PartyId,
    /// Its signature and when it was stored.
    pub signed: Option<(Vec<u8>, Timestamp)>,
}

/// One change of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The new state, a code.
    pub state: String,
    /// When.
    pub at: Timestamp,
    /// Why, a code.
    pub reason: String,
    /// Who, or none for the node or the partner.
    pub officer: Option<OfficerId>,
}

fn record(id: &AgreementId) -> Record<'_> {
    Record { kind: Kind::Agreement, id: id.as_bytes(), version: 1 }
}

/// Stores an agreement with the first line of its history.
///
/// # Errors
/// [`StoreError::Conflict`] when it is there.
pub fn add(
    tx: &mut dyn Tx,
    vault: &Vault,
    new: &NewAgreement<'_>,
    by: (Timestamp, Option<OfficerId>),
) -> Result<(), StoreError> {
    let sealed = vault.seal(&record(&new.id), new.text)?;
    crate::leases::known_changed(tx)?;
    insert_new(
        tx,
        "INSERT INTO agreement (id, state, version, supersedes, starts_at, ends_at, content)
         VALUES ($1, $2, 1, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        &[
            agreement(&new.id),
            Value::from(new.state),
            Value::from(new.supersedes.map(|old| *old.as_bytes())),
            time(new.starts),
            time(new.ends),
            Value::from(sealed.content),
        ],
        "agreement",
    )?;
    Vault::put_keys(tx, &[sealed.key])?;
    let rows: Vec<_> =
        new.parties.iter().map(|party| vec![agreement(&new.id), Value::from(party.as_str())]).collect();
    tx.exec_many("INSERT INTO agreement_party (agreement, party) VALUES ($1, $2)", &rows)?;
    let (at, officer) = by;
    let first = Step { state: new.state.to_owned(), at, reason: "stored".to_owned(), officer };
    put_step(tx, &new.id, 1, &first)
}

/// Changes the state, if it still is the one of `version`, and writes the history.
///
/// # Errors
/// [`StoreError::Conflict`] when it was changed since, or is not there.
pub fn set_state(tx: &mut dyn Tx, number: &AgreementId, version: u64, step: &Step) -> Result<(), StoreError> {
    insert_new(
        tx,
        "UPDATE agreement SET state = $3, version = version + 1 WHERE id = $1 AND version = $2",
        &[agreement(number), int(version)?, Value::from(step.state.as_str())],
        "agreement",
    )?;
    crate::leases::known_changed(tx)?;
    put_step(tx, number, version.saturating_add(1), step)
}

fn put_step(tx: &mut dyn Tx, number: &AgreementId, place: u64, step: &Step) -> Result<(), StoreError> {
    tx.exec(
        "INSERT INTO agreement_history (agreement, step, state, at, reason, officer)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            agreement(number),
            int(place)?,
            Value::from(step.state.as_str()),
            time(step.at),
            Value::from(step.reason.as_str()),
            Value::from(step.officer.map(|officer| *officer.as_bytes())),
        ],
    )?;
    Ok(())
}

/// Stores the signature of a party; a second one does not replace the first.
///
/// # Errors
/// [`StoreError::Conflict`] when the party signed already or is no party of it.
pub fn sign(
    tx: &mut dyn Tx,
    number: &AgreementId,
    party: &PartyId,
    signature: &[u8],
    at: Timestamp,
) -> Result<(), StoreError> {
    insert_new(
        tx,
        "UPDATE agreement_party SET signature = $3, signed_at = $4
         WHERE agreement = $1 AND party = $2 AND signature IS NULL",
        &[agreement(number), Value::from(party.as_str()), Value::from(signature), time(at)],
        "signature",
    )?;
    crate::leases::known_changed(tx)
}

/// Returns an agreement.
///
/// # Errors
/// [`StoreError::Integrity`] when the row disagrees with itself.
pub fn get(
    tx: &mut dyn Tx,
    vault: &Vault,
    number: &AgreementId,
) -> Result<Option<StoredAgreement>, StoreError> {
    let row = tx.query_opt(&format!("{COLUMNS} WHERE a.id = $1"), &[agreement(number)])?;
    row.map(|row| read(vault, &row)).transpose()
}

/// Returns all agreements, at most 1,000, in the order of their first instant.
///
/// # Errors
/// As [`get`].
pub fn list(tx: &mut dyn Tx, vault: &Vault) -> Result<Vec<StoredAgreement>, StoreError> {
    let rows = tx.query(&format!("{COLUMNS} ORDER BY a.starts_at, a.id LIMIT 1000"), &[])?;
    rows.iter().map(|row| read(vault, row)).collect()
}

/// Returns the agreements with a party, at most 1,000, newest first instant first.
///
/// # Errors
/// As [`get`].
pub fn with_party(
    tx: &mut dyn Tx,
    vault: &Vault,
    party: &PartyId,
) -> Result<Vec<StoredAgreement>, StoreError> {
    let sql = format!(
        "{COLUMNS} JOIN agreement_party p ON p.agreement = a.id
         WHERE p.party = $1 ORDER BY a.starts_at DESC, a.id LIMIT 1000"
    );
    let rows = tx.query(&sql, &[Value::from(party.as_str())])?;
    rows.iter().map(|row| read(vault, row)).collect()
}

/// Returns the parties and signatures of an agreement.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn signatures(tx: &mut dyn Tx, number: &AgreementId) -> Result<Vec<Signature>, StoreError> {
    let sql = "SELECT party, signature, signed_at FROM agreement_party WHERE agreement = $1 ORDER BY party";
    let of = Of("agreement_party");
    let rows = tx.query(sql, &[agreement(number)])?;
    rows.iter()
        .map(|row| {
            let signature = row.opt_bytes(1)?.map(<[u8]>::to_vec);
            let signed = signature.zip(of.opt_time(row, 2)?);
            Ok(Signature { party: of.party(row, 0)?, signed })
        })
        .collect()
}

/// Returns the history of an agreement, oldest first.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn history(tx: &mut dyn Tx, number: &AgreementId) -> Result<Vec<Step>, StoreError> {
    let sql = "SELECT state, at, reason, officer FROM agreement_history WHERE agreement = $1 ORDER BY step LIMIT 1000";
    let of = Of("agreement_history");
    let rows = tx.query(sql, &[agreement(number)])?;
    rows.iter()
        .map(|row| {
            Ok(Step {
                state: row.text(0)?.to_owned(),
                at: of.time(row, 1)?,
                reason: row.text(2)?.to_owned(),
                officer: of.opt_id(row, 3)?,
            })
        })
        .collect()
}

fn read(vault: &Vault, row: &Row) -> Result<StoredAgreement, StoreError> {
    let number = OF.agreement(row, 0)?;
    let text = vault.open_row(&record(&number), row, 6)?;
    Ok(StoredAgreement {
        id: number,
        state: row.text(1)?.to_owned(),
        version: row.unsigned(2)?,
        supersedes: OF.opt_agreement(row, 3)?,
        starts: OF.time(row, 4)?,
        ends: OF.time(row, 5)?,
        text,
    })
}

/// What is counted: a party's use of one budget on one day (days since 1970-01-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter<'a> {
    /// The agreement.
    pub agreement: &'a AgreementId,
    /// Whose budget: the sending party.
    pub party: &'a PartyId,
    /// Which budget, a code.
    pub name: &'a str,
    /// The day.
    pub day: u32,
}

impl Counter<'_> {
    fn key(&self) -> [Value; 4] {
        [
            agreement(self.agreement),
            Value::from(self.party.as_str()),
            Value::from(self.name),
            Value::from(self.day),
        ]
    }
}

/// Returns what was used so far.
///
/// # Errors
/// When the engine refuses.
pub fn used(tx: &mut dyn Tx, counter: &Counter<'_>) -> Result<u64, StoreError> {
    let row = tx.query_opt(
        "SELECT used FROM agreement_counter WHERE agreement = $1 AND party = $2 AND name = $3 AND day = $4",
        &counter.key(),
    )?;
    Ok(row.map(|row| row.unsigned(0)).transpose()?.unwrap_or(0))
}

/// Counts a use and returns the new sum. Count first, then decide by the sum: a refused job is rolled back.
///
/// # Errors
/// When the engine refuses.
pub fn count(tx: &mut dyn Tx, counter: &Counter<'_>, more: u64) -> Result<u64, StoreError> {
    let mut args = counter.key().to_vec();
    args.push(crate::sql::int(more)?);
    let row = tx.query_one(
        "INSERT INTO agreement_counter (agreement, party, name, day, used) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (agreement, party, name, day)
         DO UPDATE SET used = agreement_counter.used + excluded.used RETURNING used",
        &args,
    )?;
    Ok(row.unsigned(0)?)
}
