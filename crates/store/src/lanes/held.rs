//! What is held of partners' objects, as the protocol sees it: who controls it, which version is in force,
//! until when it may be read. The content is in `reports`.

use mithaq_db::{Tx, Value};
use mithaq_exchange::{HeldVersion, Holding, Modified, VersionState};
use mithaq_model::{Millis, ObjectId, ReportVersion, Timestamp};

use crate::StoreError;
use crate::sql::{Of, agreement, id, int, time};

const STATES: [VersionState; 4] =
    [VersionState::Current, VersionState::Superseded, VersionState::Quarantined, VersionState::Recalled];

const fn state_code(state: VersionState) -> &'static str {
    match state {
        VersionState::Current => "current",
        VersionState::Superseded => "superseded",
        VersionState::Quarantined => "quarantined",
        VersionState::Recalled => "recalled",
    }
}

/// Stores the holdings and tombstones a step returned, each in place of the row of the same key.
///
/// # Errors
/// When the engine refuses.
pub fn apply(tx: &mut dyn Tx, modified: &Modified) -> Result<(), StoreError> {
    let (mut heads, mut versions) = (Vec::new(), Vec::new());
    for held in &modified.holdings {
        heads.push(vec![
            id(held.object),
            Value::from(held.originator.as_str()),
            agreement(&held.agreement),
            Value::from(held.current_from.get()),
            Value::from(held.expires.map(Timestamp::as_millis)),
        ]);
        for version in &held.versions {
            versions.push(vec![
                id(held.object),
                Value::from(version.version.get()),
                Value::from(state_code(version.state)),
                time(version.lease_until),
                int(version.lease.0)?,
                time(version.expires),
            ]);
        }
    }
    tx.exec_many(
        "INSERT INTO holding (object, originator, agreement, current_from, expires_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (object) DO UPDATE SET originator = excluded.originator,
         agreement = excluded.agreement, current_from = excluded.current_from,
         expires_at = excluded.expires_at",
        &heads,
    )?;
    tx.exec_many(
        "INSERT INTO holding_version (object, version, state, lease_until, lease_ms, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (object, version) DO UPDATE SET state = excluded.state,
         lease_until = excluded.lease_until, lease_ms = excluded.lease_ms, expires_at = excluded.expires_at",
        &versions,
    )?;
    crate::reports::bury(tx, &modified.tombstones)
}

/// Returns what is held of an object.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn holding(tx: &mut dyn Tx, object: ObjectId) -> Result<Option<Holding>, StoreError> {
    let of = Of("holding");
    let sql = "SELECT originator, agreement, current_from, expires_at FROM holding WHERE object = $1";
    let Some(head) = tx.query_opt(sql, &[id(object)])? else { return Ok(None) };
    let sql = "SELECT version, state, lease_until, lease_ms, expires_at FROM holding_version
               WHERE object = $1 ORDER BY version LIMIT 10000";
    let mut versions = Vec::new();
    for row in tx.query(sql, &[id(object)])? {
        let state = row.text(1)?;
        versions.push(HeldVersion {
            version: of.version(&row, 0)?,
            state: STATES.into_iter().find(|known| state_code(*known) == state).ok_or(of.broken())?,
            lease_until: of.time(&row, 2)?,
            lease: Millis(row.unsigned(3)?),
            expires: of.time(&row, 4)?,
        });
    }
    Ok(Some(Holding {
        object,
        originator: of.party(&head, 0)?,
        agreement: of.agreement(&head, 1)?,
        current_from: of.version(&head, 2)?,
        expires: of.opt_time(&head, 3)?,
        versions,
    }))
}

/// Returns versions in force whose lease ended by `now`, after an object, in the order of their numbers.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn expired_leases(
    tx: &mut dyn Tx,
    now: Timestamp,
    page: &crate::Page<ObjectId>,
) -> Result<Vec<(ObjectId, ReportVersion)>, StoreError> {
    let of = Of("holding_version");
    let sql = "SELECT object, version FROM holding_version
               WHERE object > $1 AND state = 'current' AND lease_until <= $2
               ORDER BY object, version LIMIT $3";
    let rows = tx.query(sql, &[page.key(), time(now), page.rows()])?;
    rows.iter().map(|row| Ok((of.id(row, 0)?, of.version(row, 1)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_own_word() {
        for state in STATES {
            assert_eq!(STATES.iter().filter(|other| state_code(**other) == state_code(state)).count(), 1);
        }
    }
}
