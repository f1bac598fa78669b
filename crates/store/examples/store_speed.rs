//! Measures what the store alone can do on this machine: ledger entries and subjects per second, each batch
//! durable before it counts. `store_speed DIRECTORY` runs on SQLite in that directory, `store_speed postgres://…` on
//! PostgreSQL (an empty database); `SPEED_SECONDS` sets the length of each run (default 5).

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mithaq_db::{Db, PostgresOptions, SqliteOptions, Tx};
use mithaq_ledger::{Code, Entry, Id};
use mithaq_model::{CaseId, Id16, SubjectClass, SubjectId, SubjectKind, Timestamp};
use mithaq_store::ledger::{Append, Ledger};
use mithaq_store::subjects::{Head, NewSubject, add_prepared, prepare};
use mithaq_store::testing::Counter;
use mithaq_store::{MasterKey, StoreError, Vault};
use sha2::{Digest, Sha256};

const BATCH: u64 = 64;
const SUBJECTS: u64 = 256;
const CONTENT: [u8; 900] = [0x5a; 900];

fn open(place: &str) -> Result<Db, Box<dyn Error>> {
    if place.contains("://") || place.contains("host=") {
        return Ok(Db::open_postgres(place, PostgresOptions::default())?);
    }
    let file = std::path::Path::new(place).join("speed.db");
    Ok(Db::open_sqlite(file, SqliteOptions::default())?)
}

/// Identifiers grow with time in their first bytes and are random behind, as the node makes them.
fn number<I: Id16>(n: u64) -> I {
    let digest = Sha256::digest(n.to_be_bytes());
    let mut bytes = [0_u8; 16];
    for (place, byte) in bytes.iter_mut().zip((n >> 6).to_be_bytes().iter().skip(2).chain(digest.iter())) {
        *place = *byte;
    }
    I::from_bytes(bytes)
}

fn entries(db: &Db, vault: &Vault, ledger: &Arc<Ledger>, batch: u64) -> Result<(), StoreError> {
    let (ledger, vault) = (Arc::clone(ledger), vault.clone());
    db.write(move |tx: &mut dyn Tx| {
        let objects: Vec<String> =
            (0..BATCH).map(|n| number::<SubjectId>(batch * BATCH + n).to_string()).collect();
        let refused = |_| StoreError::Limit { what: "name" };
        let (kind, role) =
            (Code::new("report.read").map_err(refused)?, Code::new("analyst").map_err(refused)?);
        let mut all = Vec::with_capacity(objects.len());
        for object in &objects {
            let entry = Entry::new(kind, 1, role, Id::new(object).map_err(refused)?);
            let case = Some(Id::new("C-0123456789ABCDEFGHJKMNPQRS").map_err(refused)?);
            all.push(Append { entry: Entry { case, ..entry }, salt: None });
        }
        ledger.append(tx, &vault, &all).map(drop)
    })
}

/// A batch of persons with 900 bytes of claims and five search terms each, in one case, one ledger entry each.
fn subjects(db: &Db, vault: &Vault, ledger: &Arc<Ledger>, batch: u64) -> Result<(), StoreError> {
    let numbers: Vec<SubjectId> = (0..SUBJECTS).map(|n| number(batch * SUBJECTS + n)).collect();
    let terms = |n: &SubjectId| (0..5).map(|t| vault.term(&format!("name:{n}-{t}"))).collect();
    let (case, terms): (_, Vec<Vec<_>>) = ([CaseId::new([7; 16])], numbers.iter().map(terms).collect());
    let new = terms.iter().zip(&numbers).map(|(terms, number)| NewSubject {
        head: Head {
            id: *number,
            kind: SubjectKind::Person,
            class: SubjectClass::ALL.first().copied(),
            minor: false,
            protected: Vec::new(),
            recorded: Timestamp::from_millis(1),
            expires: Timestamp::from_millis(2),
        },
        content: &CONTENT,
        cases: &case,
        reports: &[],
        terms,
    });
    let prepared = prepare(vault, &new.collect::<Vec<_>>())?;
    let (ledger, vault) = (Arc::clone(ledger), vault.clone());
    db.write(move |tx: &mut dyn Tx| {
        add_prepared(tx, prepared)?;
        let refused = |_| StoreError::Limit { what: "name" };
        let (kind, role) =
            (Code::new("subject.imported").map_err(refused)?, Code::new("system").map_err(refused)?);
        let objects: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        let mut all = Vec::with_capacity(objects.len());
        for object in &objects {
            let entry = Entry::new(kind, 1, role, Id::new(object).map_err(refused)?);
            all.push(Append { entry, salt: None });
        }
        ledger.append(tx, &vault, &all).map(drop)
    })
}

type Job = fn(&Db, &Vault, &Arc<Ledger>, u64) -> Result<(), StoreError>;

fn run(
    name: &str,
    (threads, batch): (usize, u64),
    seconds: u64,
    next: &AtomicU64,
    job: impl Fn(u64) -> Result<(), StoreError> + Sync,
) {
    let (start, done) = (Instant::now(), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while start.elapsed() < Duration::from_secs(seconds) {
                    match job(next.fetch_add(1, Ordering::Relaxed)) {
                        Ok(()) => done.fetch_add(1, Ordering::Relaxed),
                        Err(error) => {
                            eprintln!("failed: {error}");
                            return;
                        }
                    };
                }
            });
        }
    });
    let rows = done.load(Ordering::Relaxed).saturating_mul(batch);
    let rate = u128::from(rows).saturating_mul(1_000_000) / start.elapsed().as_micros().max(1);
    println!("{name:10} {threads:3} at once, batches of {batch}: {rate:8} per second ({rows} in all)");
}

fn main() -> Result<(), Box<dyn Error>> {
    let place = std::env::args().nth(1).ok_or("say where: a directory or the address of a database")?;
    let seconds = std::env::var("SPEED_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let db = open(&place)?;
    mithaq_store::migrate(&db)?;
    let (vault, ledger) = db.write(|tx: &mut dyn Tx| {
        let vault = Vault::create(tx, MasterKey::new(1, [1; 32]), Arc::new(Counter::new(1)))?;
        let ledger = Ledger::create(tx, 1, "ma-security/log", Timestamp::from_millis(1))?;
        Ok::<_, StoreError>((vault, Arc::new(ledger)))
    })?;
    let next = AtomicU64::new(0);
    for (name, job, size) in [("entries", entries as Job, BATCH), ("subjects", subjects as Job, SUBJECTS)] {
        for threads in [1, 4, 16] {
            run(name, (threads, size), seconds, &next, |batch| job(&db, &vault, &ledger, batch));
        }
    }
    db.close();
    Ok(())
}
