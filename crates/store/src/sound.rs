//! Whether rows still hold what was put into them, for a copy that is to be relied on: envelopes against their hashes, and,
//! with the master key, contents against the tag they were encrypted with. The log is computed anew elsewhere
//! ([`crate::ledger::Rebuild`]).
//!
//! Deliberately not looked at: columns beside a content (numbers, times, states), the contents of a few tables whose key is
//! named by several columns (`partner_risk`, `check_epoch`, `check_candidate`, `check_conflict`), and a content whose
//! key was erased, which nobody can read.

use std::collections::BTreeMap;

use mithaq_db::{Row, Tx, Value, args};

use crate::StoreError;
use crate::sql::{Of, sha256};
use crate::vault::{Kind, Record, Vault};

/// Tables of envelopes, each row with the hash of its bytes.
const ENVELOPES: [&str; 3] = ["outbox", "inbox", "inbox_ahead"];
/// Envelopes in one page: one may be some megabytes long.
const ENVELOPES_PAGE: u32 = 32;
/// Contents in one page.
const CONTENTS_PAGE: u32 = 500;

/// What was looked at so far. To be handed to [`look`] until it says that it is done.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Envelopes whose bytes were compared with their hash.
    pub envelopes: u64,
    /// Contents that were decrypted.
    pub contents: u64,
    /// Rows that are not what was put there, by table.
    pub damaged: BTreeMap<&'static str, u64>,
    table: usize,
    after: Option<[Value; 3]>,
}

impl Look {
    /// Where to go on, and how far. Empty bytes sort before every key.
    fn page(&mut self, rows: u32) -> [Value; 4] {
        let begin = || [Value::from(Vec::<u8>::new()), Value::from(0_i64), Value::from(0_i64)];
        let [first, second, third] = self.after.take().unwrap_or_else(begin);
        [first, second, third, Value::from(rows)]
    }

    fn note(&mut self, table: &'static str, good: bool) {
        if !good {
            let rows = self.damaged.entry(table).or_default();
            *rows = rows.saturating_add(1);
        }
    }
}

/// Looks at the next page of rows; `true` when there is none left. Without a vault only envelopes are looked at.
///
/// # Errors
/// When the database fails, or the vault's master key is not that of the rows.
pub fn look(tx: &mut dyn Tx, vault: Option<&Vault>, so_far: &mut Look) -> Result<bool, StoreError> {
    let more = match (ENVELOPES.get(so_far.table), vault) {
        (Some(table), _) => envelopes(tx, table, so_far)?,
        (None, Some(vault)) => contents(tx, vault, so_far)?,
        (None, None) => return Ok(true),
    };
    if more {
        return Ok(false);
    }
    so_far.after = None;
    so_far.table = so_far.table.saturating_add(1);
    Ok(so_far.table > ENVELOPES.len())
}

fn envelopes(tx: &mut dyn Tx, table: &'static str, so_far: &mut Look) -> Result<bool, StoreError> {
    let args = so_far.page(ENVELOPES_PAGE);
    let sql = format!(
        "SELECT lane, epoch, seq, hash, bytes FROM {table} WHERE bytes IS NOT NULL AND (lane, epoch, seq) > ($1, $2, $3)
         ORDER BY lane, epoch, seq LIMIT $4"
    );
    let rows = tx.query(&sql, &args)?;
    for row in &rows {
        so_far.envelopes = so_far.envelopes.saturating_add(1);
        so_far.note(table, sha256(row.bytes(4)?).0.as_slice() == row.bytes(3)?);
    }
    so_far.after = rows.last().map(first_three).transpose()?;
    Ok(so_far.after.is_some())
}

fn first_three(row: &Row) -> Result<[Value; 3], StoreError> {
    Ok([Value::from(row.bytes(0)?.to_vec()), Value::from(row.int(1)?), Value::from(row.int(2)?)])
}

fn contents(tx: &mut dyn Tx, vault: &Vault, so_far: &mut Look) -> Result<bool, StoreError> {
    let args = so_far.page(CONTENTS_PAGE);
    let sql =
        "SELECT id, kind, version, master, wrapped FROM record_key WHERE (id, kind, version) > ($1, $2, $3)
               ORDER BY id, kind, version LIMIT $4";
    let rows = tx.query(sql, &args)?;
    for row in &rows {
        let kind = Kind::from_number(row.int(1)?).ok_or(Of("record_key").broken())?;
        let record = Record { kind, id: row.bytes(0)?, version: row.unsigned(2)? };
        let Some(content) = content_of(tx, &record)? else { continue };
        let opened = vault.open_content(&record, Of("record_key").u32(row, 3)?, row.bytes(4)?, &content);
        match opened {
            Ok(_) => so_far.contents = so_far.contents.saturating_add(1),
            Err(StoreError::Integrity { table }) => so_far.note(table, false),
            Err(other) => return Err(other),
        }
    }
    so_far.after = rows.last().map(first_three).transpose()?;
    Ok(so_far.after.is_some())
}

/// The encrypted content of a record, if it is one of those that are looked at and is there.
fn content_of(tx: &mut dyn Tx, record: &Record<'_>) -> Result<Option<Vec<u8>>, StoreError> {
    // The version is part of the row's name, or the row has one content that is never changed.
    let (column, version) = match record.kind {
        Kind::Officer | Kind::Case | Kind::Subject | Kind::Link => ("id", "version"),
        Kind::Report => ("id", "version * 4294967296 + revision"),
        Kind::CheckStanding => ("check_id", "1"),
        Kind::Agreement
        | Kind::OnwardConsent
        | Kind::Ruling
        | Kind::RequestStep
        | Kind::CheckOpening
        | Kind::Upload
        | Kind::CheckPlan
        | Kind::CheckPlanAsk
        | Kind::Justification => ("id", "1"),
        Kind::Secret | Kind::PartnerRisk | Kind::CheckKey | Kind::CheckCandidate | Kind::CheckConflict => {
            return Ok(None);
        }
    };
    let table = record.kind.table();
    let sql = format!("SELECT content FROM {table} WHERE {column} = $1 AND {version} = CAST($2 AS BIGINT)");
    let rows = tx.query(&sql, args![record.id, crate::sql::int(record.version)?])?;
    Ok(rows.first().map(|row| row.opt_bytes(0)).transpose()?.flatten().map(<[u8]>::to_vec))
}
