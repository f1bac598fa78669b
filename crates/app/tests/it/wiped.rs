//! The receipt of an erasure is signed when nothing of it is in any file, not before: with a reader that keeps the
//! write-ahead log, after a kill in between, and by one of several processes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use mithaq_app::{App, AppError, intent};
use mithaq_db::{Db, DbError, SqliteOptions, Tx};
use mithaq_model::{AgreementId, CrimeArea, Millis, ObjectId, ReportId, ReportVersion};
use mithaq_store::erasures::{self, Owed};
use mithaq_wire::{LaterReceipt, LaterReceipts, OrderReason};

use crate::erased::{OF_REPORTS, canaries, found};
use crate::world::{Node, World, parts};

/// Two nodes, the second on a file whose writer does not wait long for readers.
struct Scene {
    world: World,
    directory: tempfile::TempDir,
    /// What was sent, read there, and will be taken back.
    number: ReportId,
    traces: Vec<Vec<u8>>,
}

fn options() -> SqliteOptions {
    SqliteOptions { busy_timeout: Duration::from_millis(20), ..SqliteOptions::default() }
}

fn scene() -> Scene {
    let directory = tempfile::tempdir().unwrap();
    let file = Db::open_sqlite(directory.path().join("node.db"), options()).unwrap();
    let mut world = World::with_es_on(file);
    let number = world.read_at_es();
    assert!(world.es().app.wipe_again().unwrap());
    let traces = canaries(world.es(), OF_REPORTS);
    Scene { world, directory, number, traces }
}

impl Scene {
    fn recall(&mut self) {
        let may = self.world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
        self.world.ma().app.recall_report(may, self.number, OrderReason::Originator).unwrap();
        self.world.settle();
        assert_eq!(self.world.es().count("report.erased"), 1, "it is carried out at once");
    }

    /// Whether the originator holds the holder's word that it erased.
    fn is_told(&self) -> bool {
        let may = self.world.ma().actor("spoc").may(intent::ReadReport).unwrap();
        let (_, sent) = self.world.ma().app.receipts_of(may, self.number).unwrap();
        sent[0].answers.erased.is_some()
    }

    /// How many parts of what was erased are in the files: more than the order's own session has in common with it.
    fn is_there(&self, directory: &Path) -> bool {
        found(directory, &self.traces) > 1_200 / 24
    }
}

/// A reader that holds on to the pages it saw.
struct Reader(Sender<()>, JoinHandle<()>);

impl Reader {
    fn of(db: &Db) -> Self {
        let (begun, wait) = channel();
        let (end, ended) = channel();
        let db = db.clone();
        let thread = std::thread::spawn(move || {
            db.read(move |tx: &mut dyn Tx| -> Result<(), DbError> {
                tx.query("SELECT id FROM report", &[])?;
                begun.send(()).unwrap();
                ended.recv().unwrap();
                Ok(())
            })
            .unwrap();
        });
        wait.recv().unwrap();
        Self(end, thread)
    }

    fn end(self) {
        self.0.send(()).unwrap();
        self.1.join().unwrap();
    }
}

#[test]
fn no_receipt_of_an_erasure_leaves_while_a_reader_keeps_it_in_a_file() {
    let mut scene = scene();
    let es = scene.world.es().app.clone();
    let reader = Reader::of(&scene.world.es().db);
    scene.recall();
    assert!(scene.is_there(scene.directory.path()), "the write-ahead log still has it");
    assert!(!es.wipe_again().unwrap());
    scene.world.settle();
    assert!(!scene.is_told(), "nobody signed that it is erased");
    // What has nothing to do with it goes on: another report comes, and that it was read is told.
    let ma = scene.world.ma();
    let other = ma.ready(ma.case(CrimeArea::ForeignTerroristFighters), scene.world.report(&[]));
    ma.release(other, &mithaq_app::Use::default()).unwrap();
    scene.world.settle();
    let case = scene.world.es().case(CrimeArea::ForeignTerroristFighters);
    scene.world.es().read(case, other).unwrap();
    scene.world.settle();
    assert_eq!(scene.world.ma().count("receipt.read"), 2);
    assert_eq!(scene.world.es().count("erasure.unwiped"), 0, "it is not late yet");
    // An hour later people are told, once.
    for _ in 0..3 {
        scene.world.clock.0.advance(Millis::hours(1));
        assert!(!es.wipe_again().unwrap());
    }
    assert_eq!(scene.world.es().count("erasure.unwiped"), 1);
    scene.world.settle();
    assert!(!scene.is_told());
    reader.end();
    assert!(es.wipe_again().unwrap());
    assert!(!scene.is_there(scene.directory.path()), "no file has it any more");
    scene.world.settle();
    assert!(scene.is_told(), "and now it is signed");
    assert_eq!(scene.world.ma().count("receipt.erased"), 1);
}

/// What a kill leaves: the files as they are, copied while the node runs.
fn killed(from: &Path) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    for name in ["node.db", "node.db-wal"] {
        std::fs::copy(from.join(name), directory.path().join(name)).unwrap();
    }
    let file = directory.path().join("node.db");
    (directory, file)
}

#[test]
fn a_node_that_was_killed_before_the_wipe_wipes_first_and_signs_then() {
    let mut scene = scene();
    let reader = Reader::of(&scene.world.es().db);
    scene.recall();
    let (directory, file) = killed(scene.directory.path());
    reader.end();
    scene.world.es().db.close();
    let db = Db::open_sqlite(file, options()).unwrap();
    let (party, mark) = (scene.world.es().party.clone(), Arc::clone(&scene.world.es().mark));
    let app = App::open(db.clone(), parts(&party, (32, 1), &scene.world.clock, &mark)).unwrap();
    scene.world.nodes[1].come_back(app, db);
    assert!(scene.is_there(directory.path()), "the write-ahead log came back with it");
    scene.world.settle();
    assert!(!scene.is_told(), "nobody signed that it is erased");
    assert!(scene.world.es().app.wipe_again().unwrap(), "as at each start");
    assert!(!scene.is_there(directory.path()));
    scene.world.settle();
    assert!(scene.is_told());
}

/// Notes what is owed for an erasure as the transaction that erases does.
fn owe(node: &Node, agreement: AgreementId, to: &Node, object: ObjectId) {
    let receipt = LaterReceipt::Erased {
        object,
        versions: vec![ReportVersion::FIRST],
        wiped: vec!["content".to_owned()],
        leaf: None,
        at: node.app.now(),
    };
    let receipts = LaterReceipts(vec![receipt]);
    let owed = Owed { recipient: to.party.clone(), agreement, object, receipts };
    let (at, write) = (node.app.now(), node.db.clone());
    write
        .write(move |tx: &mut dyn Tx| -> Result<(), AppError> { Ok(erasures::owe(tx, &owed, at)?) })
        .unwrap();
}

/// Receipts in the outbox of a node, and what is still owed.
fn queued(node: &Node) -> (u64, usize) {
    let read = |tx: &mut dyn Tx| -> Result<_, AppError> {
        let rows = tx.query_one("SELECT COUNT(*) FROM outbox WHERE kind = 'receipts'", &[])?;
        Ok((rows.unsigned(0)?, erasures::waiting(tx)?.len()))
    };
    node.db.read(read).unwrap()
}

#[test]
fn two_processes_sign_what_is_owed_once() {
    let world = World::new();
    let node = world.ma();
    let other = App::open(node.db.clone(), parts(&node.party, (16, 1), &world.clock, &node.mark)).unwrap();
    other.share();
    node.app.share();
    for number in 1..=150_u8 {
        owe(node, world.agreement, world.es(), ObjectId::new([number; 16]));
    }
    let before = queued(node).0;
    std::thread::scope(|scope| {
        scope.spawn(|| other.wipe_again().unwrap());
        scope.spawn(|| node.app.wipe_again().unwrap());
    });
    assert_eq!(queued(node), (before + 150, 0));
}

#[test]
fn nothing_is_signed_for_what_is_still_held_and_the_rest_goes() {
    let mut world = World::new();
    let (_, number) = world.released();
    world.settle();
    // As an attacker on the machine notes it: nothing of the report was erased.
    owe(world.es(), world.agreement, world.ma(), ObjectId::from(number));
    owe(world.es(), world.agreement, world.ma(), ObjectId::new([9; 16]));
    let before = queued(world.es()).0;
    world.es().app.wipe_again().unwrap();
    assert_eq!(queued(world.es()), (before + 1, 1));
}
