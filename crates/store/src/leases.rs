//! Leases: which of the processes of one node sends to which partner, and which of them keeps the timers. One row
//! each, taken with `FOR UPDATE SKIP LOCKED`, kept for a few seconds, fenced by a number that every taking raises.
//!
//! A lease is not a lock. Whoever holds one may be paused and wake up after another took it; so every write under a
//! lease asks [`holds`] in its own transaction, and the row stays locked against a taking until that transaction
//! ends. The clock decides how soon work changes hands, never whether a write stands.
//!
//! Deliberately not used on SQLite, where one process has the file; the text is the same so that both are tested.

use mithaq_db::{Engine, Tx, Value, args, skip_locked_clause};
use mithaq_model::{PartyId, Timestamp};

use crate::StoreError;
use crate::sql::{Of, time};

const OF: Of = Of("lease");

/// Kinds of rows.
const PARTNER: &str = "partner";
const TIMERS: &str = "timers";
const PROCESS: &str = "process";

/// How long the row of a process that is gone is kept, in milliseconds.
const GONE_AFTER: i64 = 3_600_000;

/// The random number of a process, 16 bytes, new with every start.
pub type Process = [u8; 16];

/// A lease that a process took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    name: String,
    holder: Process,
    fence: u64,
}

/// What a process asks for.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    /// Who asks.
    pub process: Process,
    /// The partners whose lanes are to be shared among the processes, sorted.
    pub partners: &'a [PartyId],
    /// The time by the clock that all processes share: [`shared_now`].
    pub now: Timestamp,
    /// Until when what is kept or taken now is held.
    pub until: Timestamp,
}

/// What a process holds after its turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// The partners it sends to.
    pub partners: Vec<(PartyId, Lease)>,
    /// The timers, if it keeps them.
    pub timers: Option<Lease>,
    /// Whether some process keeps the timers.
    pub timers_kept: bool,
    /// How many processes are there, this one included.
    pub processes: usize,
}

/// One row as it was read, not locked.
struct Row {
    kind: String,
    name: String,
    mine: bool,
    ends: Timestamp,
}

/// The time of the database server: processes on several machines have several clocks, and one that is fast would
/// take what others hold. `given` on SQLite, where there is one process.
///
/// # Errors
/// When the engine refuses.
pub fn shared_now(tx: &mut dyn Tx, given: Timestamp) -> Result<Timestamp, StoreError> {
    if tx.engine() == Engine::Sqlite {
        return Ok(given);
    }
    let sql = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
    Ok(Timestamp::from_millis(tx.query_one(sql, &[])?.int(0)?))
}

/// One turn of a process: says that it lives, keeps what it holds, gives back what is more than its share, and takes
/// what nobody holds up to its share. Rows that another process is just taking are passed over.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn turn(tx: &mut dyn Tx, turn: &Turn<'_>) -> Result<Kept, StoreError> {
    present(tx, turn)?;
    add_rows(tx, turn)?;
    let rows = rows(tx, turn.process)?;
    let processes = rows.iter().filter(|row| row.kind == PROCESS && row.ends > turn.now).count().max(1);
    let share = turn.partners.len().div_ceil(processes);
    let mine = |row: &&Row| row.kind == PARTNER && row.mine && row.ends > Timestamp::from_millis(0);
    let surplus: Vec<&str> = rows.iter().filter(mine).skip(share).map(|row| row.name.as_str()).collect();
    for name in &surplus {
        give_back(tx, name, turn.process)?;
    }
    let held = rows.iter().filter(mine).count().saturating_sub(surplus.len());
    take(tx, turn, PARTNER, share.saturating_sub(held))?;
    let timers = |row: &&Row| row.kind == TIMERS;
    if !rows.iter().filter(timers).any(|row| row.mine && row.ends > Timestamp::from_millis(0)) {
        take(tx, turn, TIMERS, 1)?;
    }
    tx.exec(
        "DELETE FROM lease WHERE kind = $1 AND ends_at <= $2",
        args![PROCESS, turn.now.as_millis().saturating_sub(GONE_AFTER)],
    )?;
    let other = rows.iter().filter(timers).any(|row| !row.mine && row.ends > turn.now);
    kept(tx, turn, (processes, other))
}

/// The row by which the others count this process.
fn present(tx: &mut dyn Tx, turn: &Turn<'_>) -> Result<(), StoreError> {
    tx.exec(
        "INSERT INTO lease (name, kind, holder, fence, ends_at) VALUES ($1, $2, $3, 1, $4)
         ON CONFLICT (name) DO UPDATE SET ends_at = excluded.ends_at",
        args![process_name(turn.process), PROCESS, turn.process, turn.until.as_millis()],
    )?;
    Ok(())
}

fn process_name(process: Process) -> String {
    use core::fmt::Write as _;
    process.iter().fold(format!("{PROCESS}/"), |mut name, byte| {
        let _infallible = write!(name, "{byte:02x}");
        name
    })
}

fn partner_name(party: &PartyId) -> String {
    format!("{PARTNER}/{party}")
}

/// Rows of partners that are new.
fn add_rows(tx: &mut dyn Tx, turn: &Turn<'_>) -> Result<(), StoreError> {
    let known = tx.query("SELECT name FROM lease WHERE kind <> $1 ORDER BY name", args![PROCESS])?;
    let known = known.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
    let wanted = turn.partners.iter().map(|party| (partner_name(party), PARTNER));
    let missing: Vec<Vec<Value>> = wanted
        .chain([(TIMERS.to_owned(), TIMERS)])
        .filter(|(name, _)| known.binary_search(&name.as_str()).is_err())
        .map(|(name, kind)| vec![Value::from(name), Value::from(kind), Value::from([0_u8; 16])])
        .collect();
    if !missing.is_empty() {
        tx.exec_many(
            "INSERT INTO lease (name, kind, holder, fence, ends_at) VALUES ($1, $2, $3, 0, 0)
             ON CONFLICT (name) DO NOTHING",
            &missing,
        )?;
    }
    Ok(())
}

fn rows(tx: &mut dyn Tx, process: Process) -> Result<Vec<Row>, StoreError> {
    let found = tx.query("SELECT kind, name, holder, ends_at FROM lease ORDER BY name", &[])?;
    let read = |row: &mithaq_db::Row| {
        Ok(Row {
            kind: row.text(0)?.to_owned(),
            name: row.text(1)?.to_owned(),
            mine: OF.array16(row, 2)? == process,
            ends: OF.time(row, 3)?,
        })
    };
    found.iter().map(read).collect()
}

fn give_back(tx: &mut dyn Tx, name: &str, process: Process) -> Result<(), StoreError> {
    tx.exec("UPDATE lease SET ends_at = 0 WHERE name = $1 AND holder = $2", args![name, process])?;
    Ok(())
}

/// Takes at most so many that ended. Each taking raises the fence.
fn take(tx: &mut dyn Tx, turn: &Turn<'_>, kind: &str, most: usize) -> Result<(), StoreError> {
    if most == 0 {
        return Ok(());
    }
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let sql = format!(
        "SELECT name FROM lease WHERE kind = $1 AND ends_at <= $2 ORDER BY ends_at, name LIMIT $3{}",
        skip_locked_clause(tx.engine())
    );
    let free = tx.query(&sql, &[Value::from(kind), time(turn.now), Value::from(most)])?;
    let mut taken = Vec::with_capacity(free.len());
    for row in &free {
        taken.push(vec![Value::from(row.text(0)?), Value::from(turn.process), time(turn.until)]);
    }
    tx.exec_many("UPDATE lease SET holder = $2, fence = fence + 1, ends_at = $3 WHERE name = $1", &taken)?;
    Ok(())
}

/// Renews everything that is held and returns it.
fn kept(tx: &mut dyn Tx, turn: &Turn<'_>, (processes, other): (usize, bool)) -> Result<Kept, StoreError> {
    // What was given back ends at 0 and is not renewed.
    let renewed = tx.query(
        "UPDATE lease SET ends_at = $2 WHERE holder = $1 AND ends_at > 0 RETURNING name, kind, fence",
        args![turn.process, turn.until.as_millis()],
    )?;
    let mut kept = Kept { processes, timers_kept: other, ..Kept::default() };
    for row in &renewed {
        let lease = Lease { name: row.text(0)?.to_owned(), holder: turn.process, fence: row.unsigned(2)? };
        match row.text(1)? {
            TIMERS => (kept.timers, kept.timers_kept) = (Some(lease), true),
            PARTNER => {
                let party = turn.partners.iter().find(|party| partner_name(party) == lease.name);
                kept.partners.extend(party.cloned().map(|party| (party, lease)));
            }
            _process => {}
        }
    }
    kept.partners.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(kept)
}

/// Whether a lease is still held by who took it. Asked in the transaction that writes under it; until that ends,
/// nobody else takes the lease.
///
/// # Errors
/// When the engine refuses.
pub fn holds(tx: &mut dyn Tx, lease: &Lease) -> Result<bool, StoreError> {
    let lock = match tx.engine() {
        // Against a taking only: that the holder renews its lease meanwhile changes nothing, and two that wait for each
        // other's rows would be a circle.
        Engine::Postgres => " FOR KEY SHARE",
        Engine::Sqlite => "",
    };
    let sql = format!("SELECT fence FROM lease WHERE name = $1 AND holder = $2 AND fence = $3{lock}");
    let fence = crate::sql::int(lease.fence)?;
    let found = tx.query_opt(&sql, &[Value::from(lease.name.as_str()), Value::from(lease.holder), fence])?;
    Ok(found.is_some())
}

/// Gives everything back that a process holds, when it stops in order: the others need not wait.
///
/// # Errors
/// When the engine refuses.
pub fn let_go(tx: &mut dyn Tx, process: Process) -> Result<(), StoreError> {
    tx.exec("UPDATE lease SET ends_at = 0 WHERE holder = $1", args![process])?;
    Ok(())
}

/// Counts a change of what every process keeps in memory: agreements, signatures, manifests, accreditation, halts.
///
/// # Errors
/// When the engine refuses.
pub fn known_changed(tx: &mut dyn Tx) -> Result<(), StoreError> {
    crate::sql::change_one(
        tx,
        "UPDATE known_version SET version = version + 1 WHERE name = $1",
        args!["known"],
        "version",
    )
}

/// Returns how often it changed. After the log was locked in the same transaction nobody can change it any more
/// before that ends, because every change is an entry of the log too.
///
/// # Errors
/// When the engine refuses.
pub fn known_version(tx: &mut dyn Tx) -> Result<u64, StoreError> {
    Ok(tx.query_one("SELECT version FROM known_version WHERE name = $1", args!["known"])?.unsigned(0)?)
}
