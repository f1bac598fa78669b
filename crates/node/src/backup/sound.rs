//! Whether a copy holds what its node put into it.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use mithaq_db::Db;
use mithaq_store::attachments::File;
use mithaq_store::ledger::{Ledger, Rebuild};
use mithaq_store::sound::{Look, look};
use mithaq_store::{MasterKey, StoreError, Vault};

use super::{Label, files};

/// A copy that was opened.
pub(super) struct Opened {
    /// What it is.
    pub(super) label: Label,
    /// Attachments it speaks of.
    pub(super) files: Vec<File>,
    /// Rows that are not what was put there: tables and numbers.
    pub(super) damage: Option<String>,
}

/// Looks at an open copy: whose it is, its whole log, its envelopes, and with the master key its contents.
///
/// # Errors
/// When it holds no node, or its log is not the one that was signed.
pub(super) fn checked(db: Db, master: Option<MasterKey>) -> Result<Opened> {
    mithaq_store::migrate(&db)?;
    let identity = db.read(|tx| mithaq_store::settings::identity(tx))?;
    let identity = identity.context("the copy holds no node")?;
    let (ledger, signed) = db.write(|tx| {
        let ledger = Ledger::open(tx)?;
        // The last signed checkpoint is part of the log.
        ledger.checkpoint_to_sign(tx)?;
        let signed = ledger.last_checkpoint(tx)?;
        Ok::<_, StoreError>((ledger, signed))
    })?;
    let ledger = Arc::new(ledger);
    let entries = rebuilt(&db, &ledger)?;
    let reading = Arc::clone(&ledger);
    let (size, _) = db.read(move |tx| reading.head(tx))?;
    let files = files::complete(&db)?;
    let keys = master.is_some();
    let looked = looked(&db, master)?;
    db.close();
    if size != entries {
        bail!("the log of the copy has {size} entries and only {entries} are there");
    }
    let signed = signed
        .and_then(|note| mithaq_ledger::Checkpoint::parse(note.text()).ok())
        .map_or(0, |checkpoint| checkpoint.size());
    let label = Label {
        format: 1,
        party: identity.party.to_string(),
        log: ledger.origin().as_str().to_owned(),
        entries,
        signed,
        sha256: String::new(),
        made_at: mithaq_app::ports::Clock::now(&crate::SystemClock).to_string(),
        contents: keys.then_some(looked.contents),
        attachments: 0,
        attachment_bytes: 0,
        attachments_missing: u64::try_from(files.len()).unwrap_or(u64::MAX),
    };
    Ok(Opened { label, files, damage: damage(&looked) })
}

/// Computes the log from its entries and returns how many there are.
fn rebuilt(db: &Db, ledger: &Arc<Ledger>) -> Result<u64> {
    let mut rebuild = Rebuild::default();
    loop {
        let (reading, mut part) = (Arc::clone(ledger), rebuild.clone());
        let (done, next) = db.read(move |tx| {
            let done = reading.rebuild(tx, &mut part)?;
            Ok::<_, StoreError>((done, part))
        })?;
        rebuild = next;
        if done {
            return Ok(rebuild.size());
        }
    }
}

/// Compares envelopes with their hashes, and opens contents with the node's key.
fn looked(db: &Db, master: Option<MasterKey>) -> Result<Look> {
    let open = |master| db.read(move |tx| Vault::open(tx, master, Arc::new(crate::SystemEntropy)));
    let vault = master.map(open).transpose()?;
    let mut so_far = Look::default();
    loop {
        let (vault, mut part) = (vault.clone(), so_far.clone());
        let (done, next) = db.read(move |tx| {
            let done = look(tx, vault.as_ref(), &mut part)?;
            Ok::<_, StoreError>((done, part))
        })?;
        so_far = next;
        if done {
            return Ok(so_far);
        }
    }
}

fn damage(looked: &Look) -> Option<String> {
    let rows: Vec<String> = looked.damaged.iter().map(|(table, rows)| format!("{table} {rows}")).collect();
    (!rows.is_empty()).then(|| rows.join(", "))
}
