//! The independent judge of a run: reads the tables of both nodes, their envelopes, receipts, ledgers and checkpoints,
//! with a reader and a verifier of its own, and says what was broken. It uses no code of the nodes but the door to the
//! database. Names of invariants are those of the protocol's test plan (I1 to I18).

mod files;
mod item;
mod lanes;
mod log;
mod requests;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ed25519_dalek::VerifyingKey;
use mithaq_db::{Db, Row, Value};

use self::item::Item;
pub(super) use self::told::Run;
use super::tables::{self, unreadable};
use crate::fleet::Node;
use crate::ui::Failure;

/// Number of an object.
pub(super) type Object = [u8; 16];

/// What the people at one node know that they did.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// Reports whose release was answered with "sent".
    pub(super) released: BTreeSet<Object>,
    /// Reports whose recall was answered.
    pub(super) recalled: BTreeSet<Object>,
    /// Requests that were sent, and what became of each.
    pub(super) asked: BTreeMap<Object, Fate>,
    /// Reports that were sent with a file of two chunks or more.
    pub(super) files: BTreeSet<Object>,
    /// Nobody is left to say what was done: only what the ends say of one another is compared.
    pub(super) silent: bool,
}

/// What people did with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Opened at the desk that was asked, and left there.
    Opened,
    /// Taken up and not answered yet.
    TakenUp,
    /// Taken up and answered in full, once.
    Answered,
    /// Refused, on the ground R01.
    Refused,
    /// Taken back by who asked.
    Withdrawn,
}

impl Fate {
    /// The state that the end which asks must be in, and the end which was asked. That somebody only looked at a request is
    /// not told to who asked.
    pub(super) const fn states(self) -> [&'static str; 2] {
        match self {
            Self::Opened => ["received", "under_evaluation"],
            Self::TakenUp => ["accepted"; 2],
            Self::Answered => ["answered_full"; 2],
            Self::Refused => ["refused"; 2],
            Self::Withdrawn => ["withdrawn"; 2],
        }
    }
}

/// What was checked, and what did not hold.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) broken: Vec<String>,
    pub(super) envelopes: usize,
    pub(super) receipts: usize,
    pub(super) entries: usize,
    pub(super) checkpoints: usize,
    pub(super) erased: usize,
    pub(super) requests: usize,
    pub(super) files: usize,
}

impl Verdict {
    /// Joins what another round found.
    pub(super) fn add(&mut self, other: Self) {
        self.broken.extend(other.broken);
        self.envelopes += other.envelopes;
        self.receipts += other.receipts;
        self.entries += other.entries;
        self.checkpoints += other.checkpoints;
        self.erased += other.erased;
        self.requests += other.requests;
        self.files += other.files;
    }

    fn holds(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(what());
        }
    }
}

/// One node that does not run any more.
pub(super) struct Side {
    pub(super) party: String,
    db: Db,
    log_key: String,
    /// Directory of its attachments.
    files: PathBuf,
    known: Known,
}

impl Side {
    pub(super) fn open(node: &Node, known: Known) -> Result<Self, Failure> {
        let (party, log_key) = (node.party.to_string(), node.log_key.clone());
        let files = node.directory.join("attachments");
        Ok(Self { party, db: tables::open(node)?, log_key, files, known })
    }

    fn rows(&self, sql: &'static str, args: Vec<Value>) -> Result<Vec<Row>, Failure> {
        self.db.read(move |tx| tx.query(sql, &args)).map_err(unreadable)
    }

    /// The node keys of a party by the hash of its manifest, as this side holds them.
    fn node_keys(&self, party: &str) -> Result<BTreeMap<Vec<u8>, VerifyingKey>, Failure> {
        let sql = "SELECT bytes FROM partner_manifest WHERE party = $1 ORDER BY number";
        let mut keys = BTreeMap::new();
        for row in self.rows(sql, vec![Value::from(party)])? {
            let key = |bytes: &[u8]| {
                let document = Item::read(bytes)?.part(1)?.bytes()?.to_vec();
                let key = item::key(Item::read(&document)?.document()?.part(6)?.bytes()?)?;
                Some((item::hash(&document).to_vec(), key))
            };
            keys.extend(key(row.bytes(0).map_err(unreadable)?));
        }
        Ok(keys)
    }
}

/// Judges both directions between two nodes, and both ledgers.
pub(super) fn judge(sides: &[Side]) -> Result<Verdict, Failure> {
    let mut verdict = Verdict::default();
    for from in sides {
        log::check(from, &mut verdict)?;
        for to in sides.iter().filter(|to| to.party != from.party) {
            lanes::check(from, to, &mut verdict)?;
            requests::check(from, to, &mut verdict)?;
            files::check(from, to, &mut verdict)?;
        }
    }
    Ok(verdict)
}

/// Short, for messages.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
