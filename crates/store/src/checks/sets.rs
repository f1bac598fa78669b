//! Keys of epochs and tag sets: one key per agreement, partner and epoch, encrypted; the newest set of each direction.

use mithaq_db::{Row, Tx, Value};
use mithaq_model::{AgreementId, PartyId, Timestamp};

use crate::sql::{Of, agreement, insert_new, time};
use crate::vault::{Kind, Plain, Record, erase_key};
use crate::{StoreError, Vault};

const OF: Of = Of("check_epoch");
const OF_SET: Of = Of("check_set");

/// An epoch of the asked side's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Its number under the agreement and partner, from 1.
    pub number: u32,
    /// First instant.
    pub valid_from: Timestamp,
    /// Last instant: then the key is destroyed.
    pub valid_to: Timestamp,
}

/// A tag set as it travels, with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSet {
    /// Agreement.
    pub agreement: AgreementId,
    /// The other party.
    pub partner: PartyId,
    /// Whether this node made it; else the partner did.
    pub own: bool,
    /// Epoch.
    pub epoch: u32,
    /// Number within the epoch.
    pub number: u32,
    /// Last instant.
    pub valid_to: Timestamp,
    /// How many subjects are in it; zero when the partner made it, who does not say.
    pub subjects: u32,
    /// When it was made or fetched here.
    pub built: Timestamp,
    /// What the ledger commits to.
    pub digest: [u8; 32],
}

/// `agreement || u32 epoch || partner`: of every length one meaning.
fn name(id: &AgreementId, partner: &PartyId, epoch: u32) -> Vec<u8> {
    [id.as_bytes().as_slice(), &epoch.to_be_bytes(), partner.as_str().as_bytes()].concat()
}

/// Stores the key of a new epoch.
///
/// # Errors
/// [`StoreError::Conflict`] when the epoch is there already.
pub fn add_epoch(
    tx: &mut dyn Tx,
    vault: &Vault,
    (id, partner): (&AgreementId, &PartyId),
    epoch: &Epoch,
    key: &[u8],
) -> Result<(), StoreError> {
    let name = name(id, partner, epoch.number);
    let sealed = vault.seal(&Record { kind: Kind::CheckKey, id: &name, version: 1 }, key)?;
    insert_new(
        tx,
        "INSERT INTO check_epoch (agreement, partner, epoch, valid_from, valid_to, content)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        &[
            agreement(id),
            Value::from(partner.as_str()),
            Value::from(epoch.number),
            time(epoch.valid_from),
            time(epoch.valid_to),
            Value::from(sealed.content),
        ],
        "epoch",
    )?;
    Vault::put_keys(tx, &[sealed.key])
}

/// Returns the newest epoch and its key; no key once it was destroyed.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn newest_epoch(
    tx: &mut dyn Tx,
    vault: &Vault,
    ends: (&AgreementId, &PartyId),
) -> Result<Option<(Epoch, Option<Plain>)>, StoreError> {
    epoch_row(tx, vault, ends, None)
}

/// An epoch by its number, or the newest.
pub(super) fn epoch_row(
    tx: &mut dyn Tx,
    vault: &Vault,
    (id, partner): (&AgreementId, &PartyId),
    number: Option<u32>,
) -> Result<Option<(Epoch, Option<Plain>)>, StoreError> {
    let mut args = vec![agreement(id), Value::from(partner.as_str())];
    let which = match number {
        Some(number) => {
            args.push(Value::from(number));
            " AND epoch = $3"
        }
        None => "",
    };
    let sql = format!(
        "SELECT epoch, valid_from, valid_to, content FROM check_epoch
         WHERE agreement = $1 AND partner = $2{which} ORDER BY epoch DESC LIMIT 1"
    );
    let row = tx.query_opt(&sql, &args)?;
    let Some(row) = row else { return Ok(None) };
    let epoch =
        Epoch { number: OF.u32(&row, 0)?, valid_from: OF.time(&row, 1)?, valid_to: OF.time(&row, 2)? };
    let name = name(id, partner, epoch.number);
    let sql = "SELECT e.content, k.master, k.wrapped FROM check_epoch e
               LEFT JOIN record_key k ON k.id = $4 AND k.kind = 12 AND k.version = 1
               WHERE e.agreement = $1 AND e.partner = $2 AND e.epoch = $3";
    let args =
        [agreement(id), Value::from(partner.as_str()), Value::from(epoch.number), Value::from(name.clone())];
    let row = tx.query_opt(sql, &args)?.ok_or(OF.broken())?;
    if row.opt_bytes(0)?.is_none() {
        return Ok(Some((epoch, None)));
    }
    let key = vault.open_row(&Record { kind: Kind::CheckKey, id: &name, version: 1 }, &row, 0)?;
    Ok(Some((epoch, Some(key))))
}

/// Destroys the keys of epochs that ended, but those under which a standing check lives. Returns whose: agreement, partner, epoch.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn end_epochs(tx: &mut dyn Tx, now: Timestamp) -> Result<Vec<(AgreementId, PartyId, u32)>, StoreError> {
    let sql = "SELECT e.agreement, e.partner, e.epoch FROM check_epoch e
               WHERE e.valid_to <= $1 AND e.content IS NOT NULL AND NOT EXISTS (SELECT 1 FROM check_standing s
               WHERE s.agreement = e.agreement AND s.partner = e.partner AND s.epoch = e.epoch
               AND s.direction = 'received' AND s.state = 'placed' AND s.until_at > $1)
               ORDER BY e.agreement, e.partner, e.epoch LIMIT 1000";
    let rows = tx.query(sql, &[time(now)])?;
    let read = |row: &Row| Ok((OF.agreement(row, 0)?, OF.party(row, 1)?, OF.u32(row, 2)?));
    let ended: Vec<_> = rows.iter().map(read).collect::<Result<_, StoreError>>()?;
    for (id, partner, epoch) in &ended {
        let name = name(id, partner, *epoch);
        erase_key(tx, &Record { kind: Kind::CheckKey, id: &name, version: 1 })?;
        tx.exec(
            "UPDATE check_epoch SET content = NULL WHERE agreement = $1 AND partner = $2 AND epoch = $3",
            &[agreement(id), Value::from(partner.as_str()), Value::from(*epoch)],
        )?;
    }
    Ok(ended)
}

/// Puts a set in the place of the one before.
///
/// # Errors
/// When the engine refuses.
pub fn put_set(tx: &mut dyn Tx, set: &StoredSet, bytes: &[u8]) -> Result<(), StoreError> {
    let key = [agreement(&set.agreement), Value::from(set.partner.as_str()), Value::from(set.own)];
    tx.exec("DELETE FROM check_set WHERE agreement = $1 AND partner = $2 AND own = $3", &key)?;
    let mut args = key.to_vec();
    args.extend([
        Value::from(set.epoch),
        Value::from(set.number),
        time(set.valid_to),
        Value::from(set.subjects),
        time(set.built),
        Value::from(set.digest),
        Value::from(bytes),
    ]);
    insert_new(
        tx,
        "INSERT INTO check_set (agreement, partner, own, epoch, number, valid_to, subjects, built_at, digest, bytes)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        &args,
        "tag set",
    )
}

/// Returns the bytes of a set.
///
/// # Errors
/// When the engine refuses.
pub fn set_bytes(
    tx: &mut dyn Tx,
    (id, partner): (&AgreementId, &PartyId),
    own: bool,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT bytes FROM check_set WHERE agreement = $1 AND partner = $2 AND own = $3";
    let row = tx.query_opt(sql, &[agreement(id), Value::from(partner.as_str()), Value::from(own)])?;
    row.map(|mut row| Ok(row.take_bytes(0)?)).transpose()
}

/// Returns what is known of a set.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn set(
    tx: &mut dyn Tx,
    (id, partner): (&AgreementId, &PartyId),
    own: bool,
) -> Result<Option<StoredSet>, StoreError> {
    Ok(sets(tx)?.into_iter().find(|set| set.agreement == *id && set.partner == *partner && set.own == own))
}

/// Returns what is known of all sets: two for each agreement and partner at most.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn sets(tx: &mut dyn Tx) -> Result<Vec<StoredSet>, StoreError> {
    let sql = "SELECT agreement, partner, own, epoch, number, valid_to, subjects, built_at, digest
               FROM check_set ORDER BY agreement, partner, own LIMIT 1000";
    let read = |row: &Row| {
        Ok(StoredSet {
            agreement: OF_SET.agreement(row, 0)?,
            partner: OF_SET.party(row, 1)?,
            own: row.int(2)? == 1,
            epoch: OF_SET.u32(row, 3)?,
            number: OF_SET.u32(row, 4)?,
            valid_to: OF_SET.time(row, 5)?,
            subjects: OF_SET.u32(row, 6)?,
            built: OF_SET.time(row, 7)?,
            digest: row.array(8).map_err(|_shape| OF_SET.broken())?,
        })
    };
    tx.query(sql, &[])?.iter().map(read).collect()
}
