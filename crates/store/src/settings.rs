//! What the node is: set once when it is set up, and few values that change. No secrets.

use mithaq_db::{Tx, args};
use mithaq_model::{Level, PartyId};

use crate::StoreError;
use crate::sql::{Of, insert_new};

const OF: Of = Of("setting");

/// Who the node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The party it acts for.
    pub party: PartyId,
    /// The highest level it may store.
    pub accreditation: Level,
}

/// Stores the identity of a new node.
///
/// # Errors
/// [`StoreError::Conflict`] when it has one: a node does not become another.
pub fn create_identity(tx: &mut dyn Tx, identity: &Identity) -> Result<(), StoreError> {
    let sql = "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    insert_new(tx, sql, args!["party", identity.party.as_str().as_bytes()], "identity")?;
    insert_new(tx, sql, args!["accreditation", identity.accreditation.code().as_bytes()], "identity")
}

/// Returns the identity; none: the node was not set up.
///
/// # Errors
/// [`StoreError::Integrity`] when a value is damaged.
pub fn identity(tx: &mut dyn Tx) -> Result<Option<Identity>, StoreError> {
    let (Some(party), Some(level)) = (text(tx, "party")?, text(tx, "accreditation")?) else {
        return Ok(None);
    };
    let accreditation = Level::from_code(&level).map_err(|_unknown| OF.broken())?;
    Ok(Some(Identity { party: OF.parsed(&party)?, accreditation }))
}

/// Changes the accreditation.
///
/// # Errors
/// [`StoreError::Missing`] when the node was not set up.
pub fn set_accreditation(tx: &mut dyn Tx, level: Level) -> Result<(), StoreError> {
    let sql = "UPDATE setting SET value = $2 WHERE name = $1";
    crate::leases::known_changed(tx)?;
    crate::sql::change_one(tx, sql, args!["accreditation", level.code().as_bytes()], "identity")
}

/// Returns a value.
///
/// # Errors
/// When the engine refuses.
pub fn get(tx: &mut dyn Tx, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row = tx.query_opt("SELECT value FROM setting WHERE name = $1", args![name])?;
    Ok(row.map(|mut row| row.take_bytes(0)).transpose()?)
}

/// Stores or replaces a value. Names with a dot are free for the caller (`peer.limits`); the others are ours.
///
/// # Errors
/// [`StoreError::Limit`] for a name without a dot.
pub fn set(tx: &mut dyn Tx, name: &str, value: &[u8]) -> Result<(), StoreError> {
    if !name.contains('.') {
        return Err(StoreError::Limit { what: "name of a setting" });
    }
    tx.exec(
        "INSERT INTO setting (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        args![name, value],
    )?;
    Ok(())
}

/// Removes a value that [`set`] stored; none there is no error.
///
/// # Errors
/// [`StoreError::Limit`] for a name without a dot.
pub fn remove(tx: &mut dyn Tx, name: &str) -> Result<(), StoreError> {
    if !name.contains('.') {
        return Err(StoreError::Limit { what: "name of a setting" });
    }
    tx.exec("DELETE FROM setting WHERE name = $1", args![name])?;
    Ok(())
}

fn text(tx: &mut dyn Tx, name: &str) -> Result<Option<String>, StoreError> {
    let bytes = get(tx, name)?;
    bytes.map(String::from_utf8).transpose().map_err(|_not_text| OF.broken())
}
