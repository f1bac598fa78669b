//! A subject, its encrypted claims, its search term and its ledger entry, written in one job.
//!
//! Tests what `store` promises on top of `db`: ledger and tables never disagree, the tree computed
//! again from the entries is the tree that was stored, and content opens with its key, after any
//! power cut and any error of the disk.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use mithaq_db::{Db, DbError, SqliteOptions, Tx};
use mithaq_ledger::{Code, Entry, Id};
use mithaq_model::{CaseId, Id16, SubjectClass, SubjectId, SubjectKind, Timestamp};
use mithaq_store::ledger::{Append, Filter, Ledger};
use mithaq_store::subjects::{Head, NewSubject, add_many, get};
use mithaq_store::testing::Counter;
use mithaq_store::{MasterKey, StoreError, Vault};

use crate::disk::{Image, watch};
use crate::rows::sound;
use crate::run::{Books, Plan, Tally, jobs, numbers};
use crate::shim::Installed;

const MASTER: [u8; 32] = [7; 32];
const CASE: [u8; 16] = [3; 16];

/// Runs one seed and judges every image.
///
/// # Errors
/// What was promised and not found, with the operation at which the power failed.
pub fn run(layer: Installed, seed: u64) -> Result<Tally> {
    let directory = tempfile::tempdir()?;
    let watch = watch(layer, directory.path(), seed)?;
    let db = Db::open_sqlite(directory.path().join("node.db"), SqliteOptions::default())?;
    let (vault, ledger) = set_up(&db)?;
    let ledger = Arc::new(ledger);
    Plan::new(seed).arm(&watch);
    let books = jobs(&watch, |number| {
        let (vault, ledger) = (vault.clone(), Arc::clone(&ledger));
        let outcome = db.write(move |tx: &mut dyn Tx| add(tx, &vault, &ledger, number));
        // Any error that is not the database's comes before the commit, so nothing may be found.
        outcome.map_err(|error| if let StoreError::Db(error) = error { error } else { DbError::Aborted })
    });
    watch.cut();
    db.close();
    let images = watch.images();
    for image in &images {
        judge(image, &books).with_context(|| format!("power cut at operation {}", image.operation))?;
    }
    Ok(books.tally(&watch, images.len()))
}

pub(crate) fn set_up(db: &Db) -> Result<(Vault, Ledger)> {
    mithaq_store::migrate(db)?;
    let made = db.write(|tx: &mut dyn Tx| -> Result<(Vault, Ledger), StoreError> {
        let vault = Vault::create(tx, MasterKey::new(1, MASTER), Arc::new(Counter::new(0)))?;
        let ledger = Ledger::create(tx, 1, "mithaq.example/faults", Timestamp::from_millis(1))?;
        Ok((vault, ledger))
    })?;
    Ok(made)
}

pub(crate) fn id(number: u64) -> SubjectId {
    let mut bytes = [0_u8; 16];
    for (place, byte) in bytes.iter_mut().zip(number.to_be_bytes()) {
        *place = byte;
    }
    SubjectId::from_bytes(bytes)
}

fn content(number: u64) -> Vec<u8> {
    vec![u8::try_from(number % 251).unwrap_or(0); 200 + usize::try_from(number % 5 * 900).unwrap_or(0)]
}

pub(crate) fn add(tx: &mut dyn Tx, vault: &Vault, ledger: &Ledger, number: u64) -> Result<(), StoreError> {
    let content = content(number);
    let subject = NewSubject {
        head: Head {
            id: id(number),
            kind: SubjectKind::Person,
            class: SubjectClass::ALL.first().copied(),
            minor: false,
            protected: Vec::new(),
            recorded: Timestamp::from_millis(1),
            expires: Timestamp::from_millis(2),
        },
        content: &content,
        cases: &[CaseId::new(CASE)],
        reports: &[],
        terms: &[vault.term(&format!("name:{number}"))],
    };
    add_many(tx, vault, &[subject])?;
    let refused = |_| StoreError::Limit { what: "name" };
    let (kind, role) =
        (Code::new("subject.imported").map_err(refused)?, Code::new("system").map_err(refused)?);
    let object = id(number).to_string();
    let entry = Entry::new(kind, 1, role, Id::new(&object).map_err(refused)?);
    ledger.append(tx, vault, &[Append { entry, salt: None }]).map(drop)
}

/// What an image holds.
struct Found {
    /// Subjects that are there and open.
    subjects: BTreeSet<u64>,
    /// How many entries the ledger has for each of them, and in all.
    logged: Vec<u64>,
    entries: u64,
}

fn judge(image: &Image, books: &Books) -> Result<()> {
    let directory = tempfile::tempdir()?;
    image.restore(directory.path())?;
    let path = directory.path().join("node.db");
    let found = read(&path)?;
    for number in numbers() {
        let there = found.subjects.contains(&number);
        let entries = found.logged.iter().filter(|logged| **logged == number).count();
        ensure!(entries == usize::from(there), "subject {number} has {entries} entries, stored: {there}");
        ensure!(
            there || !image.acknowledged.contains(&number),
            "subject {number} was acknowledged and is lost"
        );
        ensure!(!there || !books.is_refused(number), "subject {number} was refused and is there");
    }
    let stored = u64::try_from(found.subjects.len())?;
    ensure!(found.entries == stored, "{} entries for {stored} subjects", found.entries);
    sound(&path)
}

fn read(path: &Path) -> Result<Found> {
    let db = Db::open_sqlite(path, SqliteOptions::default()).context("the file does not open")?;
    let found = db.read(|tx: &mut dyn Tx| -> Result<Found, StoreError> {
        let vault = Vault::open(tx, MasterKey::new(1, MASTER), Arc::new(Counter::new(1 << 40)))?;
        let ledger = Ledger::open(tx)?;
        let (size, root) = ledger.head(tx)?;
        // The tree from the entries is the tree of the state row and the tiles.
        if ledger.recheck(tx)? != (size, root) {
            return Err(StoreError::Integrity { table: "ledger_log" });
        }
        let mut subjects = BTreeSet::new();
        for number in numbers() {
            if let Some(stored) = get(tx, &vault, id(number))? {
                if stored.content.as_slice() != content(number).as_slice() {
                    return Err(StoreError::Integrity { table: "subject" });
                }
                subjects.insert(number);
            }
        }
        let mut logged = Vec::new();
        for (_, bytes) in ledger.entries(tx, &Filter::All, 0..size)? {
            let entry =
                Entry::parse(&bytes).map_err(|_damaged| StoreError::Integrity { table: "ledger_entry" })?;
            let object = entry.object.as_str();
            logged.extend(numbers().find(|number| id(*number).to_string() == object));
        }
        Ok(Found { subjects, logged, entries: size })
    })?;
    db.close();
    Ok(found)
}
