//! Subjects that are erased, and the receipt for it: told only when no file holds what was erased.
//!
//! Tests the promise behind R4 on a disk that fails: the receipt is owed in the job that erases, the log is cut, and only
//! then the receipt is taken to be sent. Whenever the power fails, nothing that was told is in any file; a node that
//! starts again and cuts the log first has nothing of what was erased, and has told or still owes every receipt.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use mithaq_db::{Db, SqliteOptions, Tx, args};
use mithaq_model::{AgreementId, Id16, ObjectId, PartyId, Timestamp};
use mithaq_store::erasures::{self, Owed};
use mithaq_store::ledger::Ledger;
use mithaq_store::subjects as rows;
use mithaq_store::{StoreError, Vault};
use mithaq_wire::{LaterReceipt, LaterReceipts};

use crate::disk::{Image, Watch, watch};
use crate::run::{Plan, Tally};
use crate::shim::Installed;
use crate::subjects::{add, id, set_up};

/// How many are erased in one run.
const NUMBERS: u64 = 24;

/// When a receipt is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Once the log was cut.
    Wiped,
    /// With the erasure: the mistake that the judgement must see.
    Early,
}

/// Runs one seed and judges every image.
///
/// # Errors
/// What was promised and not found, with the operation at which the power failed.
pub fn run(layer: Installed, seed: u64) -> Result<Tally> {
    run_with(layer, seed, When::Wiped)
}

/// As [`run`]; told too early, it must fail.
///
/// # Errors
/// As [`run`].
pub fn run_with(layer: Installed, seed: u64, when: When) -> Result<Tally> {
    let directory = tempfile::tempdir()?;
    let watch = watch(layer, directory.path(), seed)?;
    let db = Db::open_sqlite(directory.path().join("node.db"), SqliteOptions::default())?;
    let (vault, ledger) = set_up(&db)?;
    let traces = fill(&db, &vault, &Arc::new(ledger))?;
    Plan::new(seed).arm(&watch);
    let mut tally = Tally::default();
    for number in 0..NUMBERS {
        tally.unknown += u64::from(erase(&db, number).is_err());
        if when == When::Early {
            tell(&db, &watch);
        }
        // A disk that fails makes it fail: then the next one cuts for both.
        if db.checkpoint().is_err() {
            tally.refused += 1;
            continue;
        }
        tally.acknowledged += tell(&db, &watch);
    }
    watch.cut();
    db.close();
    let images = watch.images();
    for image in &images {
        judge(image, &traces).with_context(|| format!("power cut at operation {}", image.operation))?;
    }
    tally.images = u64::try_from(images.len())?;
    tally.faults = u64::from(watch.struck());
    Ok(tally)
}

/// Writes the subjects, and returns what is looked for of each: a part of its ciphertext.
fn fill(db: &Db, vault: &Vault, ledger: &Arc<Ledger>) -> Result<BTreeMap<u64, Vec<u8>>> {
    let mut traces = BTreeMap::new();
    for number in 0..NUMBERS {
        let (vault, ledger) = (vault.clone(), Arc::clone(ledger));
        let content = db.write(move |tx: &mut dyn Tx| -> Result<Vec<u8>, StoreError> {
            add(tx, &vault, &ledger, number)?;
            let row =
                tx.query_one("SELECT content FROM subject WHERE id = $1", args![id(number).to_bytes()])?;
            Ok(row.bytes(0)?.to_vec())
        })?;
        traces.insert(number, content.get(40..80).context("the content is short")?.to_vec());
    }
    Ok(traces)
}

fn object(number: u64) -> ObjectId {
    ObjectId::from_bytes(id(number).to_bytes())
}

fn erase(db: &Db, number: u64) -> Result<(), StoreError> {
    let recipient = PartyId::new("es-police").map_err(|_malformed| StoreError::Limit { what: "party" })?;
    let at = Timestamp::from_millis(2);
    let receipt = LaterReceipt::Erased {
        object: object(number),
        versions: Vec::new(),
        wiped: vec!["subjects".to_owned()],
        leaf: None,
        at,
    };
    let receipts = LaterReceipts(vec![receipt]);
    let owed = Owed { recipient, agreement: AgreementId::new([1; 32]), object: object(number), receipts };
    db.write(move |tx: &mut dyn Tx| {
        rows::erase(tx, &[id(number)])?;
        erasures::owe(tx, &owed, at)
    })
}

/// Tells what is owed, as the node does after it cut the log. Returns how many.
fn tell(db: &Db, watch: &Watch) -> u64 {
    let told = db.write(|tx: &mut dyn Tx| -> Result<Vec<Owed>, StoreError> {
        let mut told = Vec::new();
        for key in erasures::waiting(tx)? {
            told.extend(erasures::take(tx, key)?);
        }
        Ok(told)
    });
    let told = told.unwrap_or_default();
    let numbers = (0..NUMBERS).filter(|number| told.iter().any(|one| one.object == object(*number)));
    numbers.inspect(|number| watch.acknowledge(*number)).count().try_into().unwrap_or(u64::MAX)
}

fn judge(image: &Image, traces: &BTreeMap<u64, Vec<u8>>) -> Result<()> {
    let directory = tempfile::tempdir()?;
    image.restore(directory.path())?;
    for number in &image.acknowledged {
        ensure!(!lies(directory.path(), traces, *number)?, "{number} was told and is in a file");
    }
    let db = Db::open_sqlite(directory.path().join("node.db"), SqliteOptions::default())
        .context("the file does not open")?;
    db.checkpoint()?;
    let (held, owed) = db.read(|tx: &mut dyn Tx| -> Result<_, StoreError> {
        let held = tx.query("SELECT id FROM subject", args![])?;
        let held: Result<Vec<[u8; 16]>, _> = held.iter().map(|row| row.array(0)).collect();
        let owed = tx.query("SELECT object FROM erasure_receipt", args![])?;
        let owed: Result<Vec<[u8; 16]>, _> = owed.iter().map(|row| row.array(0)).collect();
        Ok((held?, owed?))
    })?;
    for number in traces.keys() {
        let (here, waits) = (held.contains(&id(*number).to_bytes()), owed.contains(&id(*number).to_bytes()));
        ensure!(!(here && waits), "{number} is owed and not erased");
        ensure!(here || !lies(directory.path(), traces, *number)?, "{number} was erased and is in a file");
        let told = image.acknowledged.contains(number);
        ensure!(!told || !waits, "{number} was told and is owed again");
    }
    db.close();
    Ok(())
}

/// Whether the trace of a number is in any file.
fn lies(directory: &Path, traces: &BTreeMap<u64, Vec<u8>>, number: u64) -> Result<bool> {
    let trace = traces.get(&number).context("no such number")?;
    for file in std::fs::read_dir(directory)? {
        let bytes = std::fs::read(file?.path())?;
        if bytes.windows(trace.len()).any(|part| part == trace.as_slice()) {
            return Ok(true);
        }
    }
    Ok(false)
}
