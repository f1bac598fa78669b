//! Standing checks, on both sides: under what, by whom and until when a question stays, and what it hit. Its tokens are
//! encrypted under a key of their own, which is destroyed when it is over.

use mithaq_db::{Row, Tx, Value, lock_clause};
use mithaq_model::{AgreementId, ObjectId, PartyId, Timestamp};

use super::sets::{Epoch, epoch_row};
use crate::reports::Direction;
use crate::sql::{Of, PAGE_MAX, agreement, change_one, id, insert_new, int, time};
use crate::vault::{Kind, Plain, Record, erase_keys};
use crate::{StoreError, Vault};

const OF: Of = Of("check_standing");
const COLUMNS: &str =
    "SELECT check_id, direction, partner, agreement, epoch, state, reference, ends_at, until_at,
    first_person, second_person, next_reference, next_ends_at, next_until_at, next_first, next_second, version
    FROM check_standing";

/// Where a standing check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StandingState {
    /// Its check is a draft.
    Draft,
    /// Its check was authorised; there is nothing yet to place.
    Asked,
    /// To be placed with the asked side.
    Placing,
    /// It stays there.
    Placed,
    /// It stays there, and its renewal is to be told.
    Renewing,
    /// Taken back; to be told.
    Ending,
    /// The asked side will not.
    Refused,
    /// Over: its tokens are destroyed.
    Over,
}

impl StandingState {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Draft,
        Self::Asked,
        Self::Placing,
        Self::Placed,
        Self::Renewing,
        Self::Ending,
        Self::Refused,
        Self::Over,
    ];

    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Asked => "asked",
            Self::Placing => "placing",
            Self::Placed => "placed",
            Self::Renewing => "renewing",
            Self::Ending => "ending",
            Self::Refused => "refused",
            Self::Over => "over",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// Under what, by whom, until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingTitle {
    /// Reference of the warrant.
    pub reference: String,
    /// Its own end.
    pub ends: Timestamp,
    /// End of the standing check.
    pub until: Timestamp,
    /// Who asked for it: an officer, or a pseudonym on the asked side.
    pub first: [u8; 16],
    /// Who authorised it; none yet.
    pub second: Option<[u8; 16]>,
}

/// A standing check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStanding {
    /// The check it came from.
    pub check: ObjectId,
    /// Own: placed by this node. Received: placed here.
    pub direction: Direction,
    /// The other party.
    pub partner: PartyId,
    /// Agreement.
    pub agreement: AgreementId,
    /// Epoch of the key its tokens were evaluated under.
    pub epoch: u32,
    /// Where it is.
    pub state: StandingState,
    /// What it rests on.
    pub title: StandingTitle,
    /// What it shall rest on: a renewal that waits for the second person, or for the asked side.
    pub next: Option<StandingTitle>,
    /// Counts the changes, from 1.
    pub version: u64,
}

fn columns(one: &StoredStanding) -> Result<Vec<Value>, StoreError> {
    let next = one.next.as_ref();
    Ok(vec![
        id(one.check),
        Value::from(one.epoch),
        Value::from(one.state.code()),
        Value::from(one.title.reference.as_str()),
        time(one.title.ends),
        time(one.title.until),
        Value::from(one.title.first),
        Value::from(one.title.second.map(|who| who.to_vec())),
        Value::from(next.map(|next| next.reference.as_str())),
        Value::from(next.map(|next| next.ends.as_millis())),
        Value::from(next.map(|next| next.until.as_millis())),
        Value::from(next.map(|next| next.first.to_vec())),
        Value::from(next.and_then(|next| next.second).map(|who| who.to_vec())),
        int(one.version)?,
    ])
}

/// Adds a standing check.
///
/// # Errors
/// [`StoreError::Conflict`] when the check has one.
pub fn add_standing(tx: &mut dyn Tx, one: &StoredStanding) -> Result<(), StoreError> {
    let mut args = columns(one)?;
    args.extend([
        Value::from(one.direction.code()),
        Value::from(one.partner.as_str()),
        agreement(&one.agreement),
    ]);
    insert_new(
        tx,
        "INSERT INTO check_standing (check_id, epoch, state, reference, ends_at, until_at, first_person, second_person,
         next_reference, next_ends_at, next_until_at, next_first, next_second, version, direction, partner, agreement)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT DO NOTHING",
        &args,
        "standing check",
    )
}

/// Stores where a standing check is.
///
/// # Errors
/// [`StoreError::Conflict`] when the row was changed since it was read, or is gone.
pub fn save_standing(tx: &mut dyn Tx, one: &StoredStanding) -> Result<(), StoreError> {
    insert_new(
        tx,
        "UPDATE check_standing SET epoch = $2, state = $3, reference = $4, ends_at = $5, until_at = $6,
         first_person = $7, second_person = $8, next_reference = $9, next_ends_at = $10, next_until_at = $11,
         next_first = $12, next_second = $13, version = version + 1 WHERE check_id = $1 AND version = $14",
        &columns(one)?,
        "standing check",
    )
}

/// Returns the standing check of a check.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn standing(tx: &mut dyn Tx, check: ObjectId) -> Result<Option<StoredStanding>, StoreError> {
    tx.query_opt(&format!("{COLUMNS} WHERE check_id = $1"), &[id(check)])?.map(|row| read(&row)).transpose()
}

/// As [`standing`], locked until the job ends: for who will change it.
///
/// # Errors
/// As [`standing`].
pub fn standing_locked(tx: &mut dyn Tx, check: ObjectId) -> Result<Option<StoredStanding>, StoreError> {
    let sql = format!("{COLUMNS} WHERE check_id = $1{}", lock_clause(tx.engine()));
    tx.query_opt(&sql, &[id(check)])?.map(|row| read(&row)).transpose()
}

/// Returns the standing checks with a partner that are in one of some states.
///
/// # Errors
/// As [`standing`].
pub fn standings(
    tx: &mut dyn Tx,
    (direction, partner): (Direction, &PartyId),
    states: &[StandingState],
) -> Result<Vec<StoredStanding>, StoreError> {
    let sql =
        format!("{COLUMNS} WHERE partner = $1 AND direction = $2 AND state = $3 ORDER BY check_id LIMIT $4");
    let mut all = Vec::new();
    for state in states {
        let args = [
            Value::from(partner.as_str()),
            Value::from(direction.code()),
            Value::from(state.code()),
            Value::from(PAGE_MAX),
        ];
        for row in tx.query(&sql, &args)? {
            all.push(read(&row)?);
        }
    }
    Ok(all)
}

/// Returns standing checks whose time is over and whose tokens are still there.
///
/// # Errors
/// As [`standing`].
pub fn standings_ended(
    tx: &mut dyn Tx,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<StoredStanding>, StoreError> {
    let sql = format!(
        "{COLUMNS} WHERE until_at <= $1 AND state NOT IN ('refused', 'over') ORDER BY until_at, check_id LIMIT $2"
    );
    tx.query(&sql, &[time(now), Value::from(limit.min(PAGE_MAX))])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<StoredStanding, StoreError> {
    let who = |i| -> Result<Option<[u8; 16]>, StoreError> {
        let found = row.opt_bytes(i)?;
        found.map(|bytes| bytes.try_into().map_err(|_length| OF.broken())).transpose()
    };
    let next = match row.opt_text(11)? {
        None => None,
        Some(reference) => Some(StandingTitle {
            reference: reference.to_owned(),
            ends: OF.opt_time(row, 12)?.ok_or(OF.broken())?,
            until: OF.opt_time(row, 13)?.ok_or(OF.broken())?,
            first: who(14)?.ok_or(OF.broken())?,
            second: who(15)?,
        }),
    };
    Ok(StoredStanding {
        check: OF.id(row, 0)?,
        direction: Direction::from_code(row.text(1)?).ok_or(OF.broken())?,
        partner: OF.party(row, 2)?,
        agreement: OF.agreement(row, 3)?,
        epoch: OF.u32(row, 4)?,
        state: StandingState::from_code(row.text(5)?).ok_or(OF.broken())?,
        title: StandingTitle {
            reference: row.text(6)?.to_owned(),
            ends: OF.time(row, 7)?,
            until: OF.time(row, 8)?,
            first: who(9)?.ok_or(OF.broken())?,
            second: who(10)?,
        },
        next,
        version: row.unsigned(16)?,
    })
}

fn tokens_of(check: &ObjectId) -> Record<'_> {
    Record { kind: Kind::CheckStanding, id: check.as_bytes(), version: 1 }
}

/// Stores the tokens of a standing check, encrypted; again replaces them.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such standing check.
pub fn put_standing_tokens(
    tx: &mut dyn Tx,
    vault: &Vault,
    check: ObjectId,
    tokens: &[u8],
) -> Result<(), StoreError> {
    erase_keys(tx, Kind::CheckStanding, &[check.as_bytes().as_slice()])?;
    let sealed = vault.seal(&tokens_of(&check), tokens)?;
    let sql = "UPDATE check_standing SET content = $2 WHERE check_id = $1";
    change_one(tx, sql, &[id(check), Value::from(sealed.content)], "standing check")?;
    Vault::put_keys(tx, &[sealed.key])
}

/// Returns the tokens of a standing check; none before it is placed and once it is over.
///
/// # Errors
/// [`StoreError::Integrity`] when they are damaged.
pub fn standing_tokens(tx: &mut dyn Tx, vault: &Vault, check: ObjectId) -> Result<Option<Plain>, StoreError> {
    let sql = "SELECT s.content, k.master, k.wrapped FROM check_standing s
               LEFT JOIN record_key k ON k.id = s.check_id AND k.kind = 20 AND k.version = 1 WHERE s.check_id = $1";
    let Some(row) = tx.query_opt(sql, &[id(check)])? else { return Ok(None) };
    if row.opt_bytes(0)?.is_none() {
        return Ok(None);
    }
    vault.open_row(&tokens_of(&check), &row, 0).map(Some)
}

/// Destroys the tokens of a standing check. What it hit stays until its check is closed.
///
/// # Errors
/// When the engine refuses.
pub fn erase_standing_tokens(tx: &mut dyn Tx, check: ObjectId) -> Result<(), StoreError> {
    erase_keys(tx, Kind::CheckStanding, &[check.as_bytes().as_slice()])?;
    tx.exec("UPDATE check_standing SET content = NULL WHERE check_id = $1", &[id(check)])?;
    Ok(())
}

/// Notes that a token of a standing check hit, and the handle of the candidate; again changes nothing.
///
/// # Errors
/// When the engine refuses.
pub fn add_standing_hit(
    tx: &mut dyn Tx,
    check: ObjectId,
    half: &[u8; 32],
    handle: ObjectId,
) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO check_standing_hit (check_id, half, handle) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.exec(sql, &[id(check), Value::from(*half), id(handle)])?;
    Ok(())
}

/// Returns what a standing check hit: the token and the handle.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn standing_hits(tx: &mut dyn Tx, check: ObjectId) -> Result<Vec<([u8; 32], ObjectId)>, StoreError> {
    let sql = "SELECT half, handle FROM check_standing_hit WHERE check_id = $1 ORDER BY half LIMIT 1024";
    let of = Of("check_standing_hit");
    let read = |row: &Row| Ok((row.array(0).map_err(|_shape| of.broken())?, of.id(row, 1)?));
    tx.query(sql, &[id(check)])?.iter().map(read).collect()
}

/// Destroys a standing check with all of it.
pub(super) fn destroy_standing(tx: &mut dyn Tx, check: ObjectId) -> Result<(), StoreError> {
    erase_keys(tx, Kind::CheckStanding, &[check.as_bytes().as_slice()])?;
    tx.exec("DELETE FROM check_standing_hit WHERE check_id = $1", &[id(check)])?;
    tx.exec("DELETE FROM check_standing WHERE check_id = $1", &[id(check)])?;
    Ok(())
}

/// Returns an epoch and its key, whichever it is; no key once it was destroyed.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn epoch_of(
    tx: &mut dyn Tx,
    vault: &Vault,
    ends: (&AgreementId, &PartyId),
    number: u32,
) -> Result<Option<(Epoch, Option<Plain>)>, StoreError> {
    epoch_row(tx, vault, ends, Some(number))
}
