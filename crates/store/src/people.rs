//! Officers, their roles, how they sign in. Knows hashes of tokens only; what a password hash means is the
//! caller's matter.

use mithaq_db::{Row, Tx, Value, args};
use mithaq_model::{Lang, Officer, OfficerId, Role, RoleSet, Sensitive, Timestamp};

use crate::sql::{Of, Page, change_one, id, insert_new, int, join_codes, time};
use crate::vault::{Kind, Record, erase_key, erase_keys};
use crate::{StoreError, Vault};

const OF: Of = Of("officer");
const COLUMNS: &str =
    "SELECT o.id, o.login, o.unit, o.roles, o.lang, o.active, o.version, o.content, k.master, k.wrapped
    FROM officer o LEFT JOIN record_key k ON k.id = o.id AND k.kind = 4 AND k.version = o.version";

/// An officer with the version of the row, for changing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOfficer {
    /// The officer.
    pub officer: Officer,
    /// Counts the changes, from 1.
    pub version: u64,
}

/// An officer who wants to sign in, and the password hash (a PHC string) if there is one.
pub type SignIn = (StoredOfficer, Option<Sensitive<String>>);

fn record(id: &OfficerId, version: u64) -> Record<'_> {
    Record { kind: Kind::Officer, id: id.as_bytes(), version }
}

fn roles_of(roles: RoleSet) -> String {
    join_codes(roles.iter().map(Role::code))
}

/// Adds an officer, without a password.
///
/// # Errors
/// [`StoreError::Conflict`] when the number or the sign-in name is taken.
pub fn add(tx: &mut dyn Tx, vault: &Vault, officer: &Officer) -> Result<(), StoreError> {
    let sealed = vault.seal(&record(&officer.id, 1), officer.name.reveal().as_bytes())?;
    insert_new(
        tx,
        "INSERT INTO officer (id, login, unit, roles, lang, active, password, version, content)
         VALUES ($1, $2, $3, $4, $5, $6, NULL, 1, $7) ON CONFLICT DO NOTHING",
        &[
            id(officer.id),
            Value::from(officer.login.as_str()),
            id(officer.unit),
            Value::from(roles_of(officer.roles)),
            Value::from(officer.lang.code()),
            Value::from(officer.active),
            Value::from(sealed.content),
        ],
        "officer",
    )?;
    Vault::put_keys(tx, &[sealed.key])
}

/// Changes an officer; the sign-in name stays.
///
/// # Errors
/// [`StoreError::Conflict`] when the row was changed since `stored` was read, or is gone.
pub fn change(tx: &mut dyn Tx, vault: &Vault, version: u64, officer: &Officer) -> Result<(), StoreError> {
    let next = version.saturating_add(1);
    let sealed = vault.seal(&record(&officer.id, next), officer.name.reveal().as_bytes())?;
    insert_new(
        tx,
        "UPDATE officer SET unit = $3, roles = $4, lang = $5, active = $6, version = version + 1, content = $7
         WHERE id = $1 AND version = $2",
        &[
            id(officer.id),
            int(version)?,
            id(officer.unit),
            Value::from(roles_of(officer.roles)),
            Value::from(officer.lang.code()),
            Value::from(officer.active),
            Value::from(sealed.content),
        ],
        "officer",
    )?;
    erase_key(tx, &record(&officer.id, version))?;
    Vault::put_keys(tx, &[sealed.key])
}

/// Returns an officer.
///
/// # Errors
/// [`StoreError::Integrity`] when the row disagrees with itself.
pub fn get(tx: &mut dyn Tx, vault: &Vault, officer: OfficerId) -> Result<Option<StoredOfficer>, StoreError> {
    let row = tx.query_opt(&format!("{COLUMNS} WHERE o.id = $1"), &[id(officer)])?;
    row.map(|row| read(vault, &row)).transpose()
}

/// Returns an officer and the password hash by sign-in name.
///
/// # Errors
/// As [`get`].
pub fn by_login(tx: &mut dyn Tx, vault: &Vault, login: &str) -> Result<Option<SignIn>, StoreError> {
    let row = tx.query_opt(&format!("{COLUMNS} WHERE o.login = $1"), args![login])?;
    let Some(row) = row else { return Ok(None) };
    let stored = read(vault, &row)?;
    let mut row = tx.query_one("SELECT password FROM officer WHERE id = $1", &[id(stored.officer.id)])?;
    let password = if row.opt_text(0)?.is_some() { Some(Sensitive::new(row.take_text(0)?)) } else { None };
    Ok(Some((stored, password)))
}

/// Returns a page of officers in the order of their numbers.
///
/// # Errors
/// As [`get`].
pub fn list(
    tx: &mut dyn Tx,
    vault: &Vault,
    page: &Page<OfficerId>,
) -> Result<Vec<StoredOfficer>, StoreError> {
    let sql = format!("{COLUMNS} WHERE o.id > $1 ORDER BY o.id LIMIT $2");
    let rows = tx.query(&sql, &[page.key(), page.rows()])?;
    rows.iter().map(|row| read(vault, row)).collect()
}

/// Stores the hash of a password (a PHC string), or takes it away.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such officer.
pub fn set_password(
    tx: &mut dyn Tx,
    officer: OfficerId,
    hash: Option<&Sensitive<String>>,
) -> Result<(), StoreError> {
    let hash = Value::from(hash.map(|hash| hash.reveal().as_str()));
    change_one(tx, "UPDATE officer SET password = $2 WHERE id = $1", &[id(officer), hash], "officer")
}

/// Erases an officer's name from the store. The number stays, because the ledger speaks of it.
///
/// # Errors
/// When the engine refuses.
pub fn erase(tx: &mut dyn Tx, officer: OfficerId) -> Result<(), StoreError> {
    erase_keys(tx, Kind::Officer, &[officer.as_bytes()])?;
    tx.exec("DELETE FROM token WHERE officer = $1", &[id(officer)])?;
    tx.exec("DELETE FROM officer WHERE id = $1", &[id(officer)])?;
    Ok(())
}

fn read(vault: &Vault, row: &Row) -> Result<StoredOfficer, StoreError> {
    let number: OfficerId = OF.id(row, 0)?;
    let version = row.unsigned(6)?;
    let name = vault.open_row(&record(&number, version), row, 7)?;
    let name = core::str::from_utf8(&name).map_err(|_not_text| OF.broken())?;
    let officer = Officer {
        id: number,
        login: row.text(1)?.to_owned(),
        name: Sensitive::new(name.to_owned()),
        unit: OF.id(row, 2)?,
        roles: OF.codes(row, 3, Role::from_code)?,
        lang: Lang::new(row.text(4)?).map_err(|_unknown| OF.broken())?,
        active: row.int(5)? == 1,
    };
    Ok(StoredOfficer { officer, version })
}

/// What is stored of an API token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// SHA-256 of the token; the token itself is shown once and never stored.
    pub hash: [u8; 32],
    /// Whose it is.
    pub officer: OfficerId,
    /// When it was made.
    pub created: Timestamp,
    /// It opens nothing from then on.
    pub expires: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

impl Token {
    /// Returns whether it opens anything at this time.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}

/// Stores a new token.
///
/// # Errors
/// [`StoreError::Conflict`] when it exists.
pub fn add_token(tx: &mut dyn Tx, token: &Token) -> Result<(), StoreError> {
    insert_new(
        tx,
        "INSERT INTO token (hash, officer, created_at, expires_at, revoked_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        &[
            Value::from(token.hash),
            id(token.officer),
            time(token.created),
            time(token.expires),
            Value::from(token.revoked.map(Timestamp::as_millis)),
        ],
        "token",
    )
}

/// Returns a token by its hash, good or not.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn token(tx: &mut dyn Tx, hash: &[u8; 32]) -> Result<Option<Token>, StoreError> {
    let row = tx.query_opt(
        "SELECT officer, created_at, expires_at, revoked_at FROM token WHERE hash = $1",
        args![hash],
    )?;
    let of = Of("token");
    row.map(|row| {
        Ok(Token {
            hash: *hash,
            officer: of.id(&row, 0)?,
            created: of.time(&row, 1)?,
            expires: of.time(&row, 2)?,
            revoked: of.opt_time(&row, 3)?,
        })
    })
    .transpose()
}

/// Revokes one token of an officer, or all of them; returns how many were good until now.
///
/// # Errors
/// When the engine refuses.
pub fn revoke_tokens(
    tx: &mut dyn Tx,
    officer: OfficerId,
    hash: Option<&[u8; 32]>,
    at: Timestamp,
) -> Result<u64, StoreError> {
    Ok(match hash {
        Some(hash) => tx.exec(
            "UPDATE token SET revoked_at = $3 WHERE officer = $1 AND hash = $2 AND revoked_at IS NULL",
            &[id(officer), Value::from(hash), time(at)],
        )?,
        None => tx.exec(
            "UPDATE token SET revoked_at = $2 WHERE officer = $1 AND revoked_at IS NULL",
            &[id(officer), time(at)],
        )?,
    })
}
