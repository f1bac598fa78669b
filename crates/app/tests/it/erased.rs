//! What was taken back is gone and stays away: no trace in any file, no second coming by a third node or a repeated
//! file, no reading past a lease while the originator is out of reach (invariants I8 and I9).

use std::path::Path;
use std::sync::Arc;

use mithaq_app::{AppError, intent};
use mithaq_db::{Tx, testing::sqlite};
use mithaq_exchange::{Tombstone, Versions};
use mithaq_model::{CrimeArea, Days, ObjectId};
use mithaq_store::reports;
use mithaq_testkit::{FakeClock, party, text, time};
use mithaq_wire::OrderReason;

use crate::world::{CI, MA, Node, Shared, World, recruiter};

/// What a report leaves.
pub(crate) const OF_REPORTS: &[&str] = &[
    "SELECT content FROM report_version",
    "SELECT k.wrapped FROM record_key k JOIN report_version v ON v.id = k.id WHERE k.kind = 6",
    "SELECT i.bytes FROM inbox i JOIN inbox_object o
     ON o.lane = i.lane AND o.epoch = i.epoch AND o.seq = i.seq",
    "SELECT s.sealed FROM ledger_salt s JOIN report_version v ON v.id = s.object",
];
/// What a subject leaves.
const OF_SUBJECTS: &[&str] = &[
    "SELECT content FROM subject",
    "SELECT terms FROM subject",
    "SELECT k.wrapped FROM record_key k JOIN subject s ON s.id = k.id WHERE k.kind = 7",
    "SELECT l.sealed FROM ledger_salt l JOIN subject s ON s.id = l.object",
];

/// Parts of rows that would give content back: ciphertext, wrapped keys, envelopes, salts.
pub(crate) fn canaries(node: &Node, queries: &'static [&str]) -> Vec<Vec<u8>> {
    let read = move |tx: &mut dyn Tx| -> Result<Vec<Vec<u8>>, AppError> {
        let mut all = Vec::new();
        for sql in queries {
            for row in tx.query(sql, &[])? {
                all.extend(row.opt_bytes(0)?.map(<[u8]>::to_vec));
            }
        }
        Ok(all)
    };
    let whole = node.db.read(read).unwrap();
    // Content is laid over several pages: short parts of it lie together.
    whole
        .iter()
        .flat_map(|bytes| bytes.chunks(24))
        .filter(|part| part.len() == 24)
        .map(<[u8]>::to_vec)
        .collect()
}

/// How many of them are in the files of a directory.
pub(crate) fn found(directory: &Path, canaries: &[Vec<u8>]) -> usize {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        files.push(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |canary: &&Vec<u8>| {
        files.iter().any(|file| file.windows(canary.len()).any(|part| part == canary.as_slice()))
    };
    canaries.iter().filter(holds).count()
}

#[test]
fn i08_after_an_erasure_nothing_of_it_is_in_any_file() {
    let database = sqlite().unwrap();
    let directory = database.path().unwrap().parent().unwrap().to_path_buf();
    let mut world = World::with_es_on(database.db().clone());
    let number = world.read_at_es();

    let traces = canaries(world.es(), OF_REPORTS);
    assert!(traces.len() > 100, "{} parts", traces.len());
    let before = found(&directory, &traces);
    assert!(before * 10 > traces.len() * 9, "they are there before: {before} of {}", traces.len());
    let plain = [&b"Recruiter travelling"[..], b"Abdelhamid Tazerout", b"tickets paid by the same card"];
    let plain: Vec<Vec<u8>> = plain.iter().map(|text| text.to_vec()).collect();
    assert_eq!(found(&directory, &plain), 0, "plain text is never on disk");

    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, OrderReason::Originator).unwrap();
    world.settle();
    assert!(world.es().app.wipe_again().unwrap(), "nothing waits for the log to be cut");
    // The key encapsulation of the hour's session stands in every envelope of it, so in the order's too: it opens
    // nothing that is still there.
    let order = |tx: &mut dyn Tx| -> Result<Vec<u8>, AppError> {
        let rows = tx.query("SELECT bytes FROM inbox WHERE bytes IS NOT NULL", &[])?;
        Ok(rows
            .iter()
            .filter_map(|row| row.opt_bytes(0).ok().flatten().map(<[u8]>::to_vec))
            .flatten()
            .collect())
    };
    let order = world.es().db.read(order).unwrap();
    let all = traces.len();
    let own: Vec<_> =
        traces.into_iter().filter(|part| !order.windows(24).any(|other| other == part.as_slice())).collect();
    assert!(own.len() > 100 && all - own.len() <= 1_200 / 24, "{} of {all} are the report's own", own.len());
    assert_eq!(found(&directory, &own), 0, "database, write-ahead log, free pages");
    let (_, sent) = world
        .ma()
        .app
        .receipts_of(world.ma().actor("spoc").may(intent::ReadReport).unwrap(), number)
        .unwrap();
    assert!(sent[0].answers.erased.is_some(), "R4");
}

/// Also what opens the commitments of the log to it: with salt and digest, a guess at the claims could be proved.
#[test]
fn of_subjects_whose_clock_ended_nothing_is_in_any_file() {
    let clock = Shared(Arc::new(FakeClock::at(time())));
    let database = sqlite().unwrap();
    let directory = database.path().unwrap().parent().unwrap().to_path_buf();
    let ma = Node::new(MA, 16, &clock, database.db().clone());
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let first = ma.add_subject(case, recruiter(1));
    ma.add_subject(case, recruiter(2));
    let may = ma.actor("analyst").may(intent::ReadSubject).unwrap();
    ma.app.read_subject(may, &ma.enter("analyst", case), first, &text("Who paid the tickets")).unwrap();
    let traces = canaries(&ma, OF_SUBJECTS);
    let before = found(&directory, &traces);
    assert!(traces.len() > 20 && before * 10 > traces.len() * 9, "{before} of {}", traces.len());

    clock.0.advance(Days(370));
    assert_eq!(ma.app.erase_expired_subjects(100, &|| true).unwrap(), 2);
    assert!(ma.app.wipe_again().unwrap(), "nothing waits for the log to be cut");
    assert_eq!(found(&directory, &traces), 0, "database, write-ahead log, free pages");
    assert_eq!(ma.count("subject.erased"), 2);
}

#[test]
fn i09_what_was_taken_back_does_not_come_again_from_a_repeated_file() {
    let mut world = World::new();
    let (_, number) = world.released();
    world.settle();
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, OrderReason::Originator).unwrap();
    world.settle();
    // Every batch that ever went, once more: as a file carried twice, or an attacker who kept the bytes.
    let sender = world.ma().party.clone();
    for (from, to, body) in &world.carried {
        if (*from, *to) == (0, 1) {
            world.es().app.receive_batch(&sender, body).unwrap();
        }
    }
    let case = world.es().case(CrimeArea::ForeignTerroristFighters);
    assert!(world.es().read(case, number).is_err());
    assert_eq!(world.es().count("report.received"), 1);
}

#[test]
fn i09_nor_through_a_third_node_and_the_lane_goes_on() {
    let mut world = World::new();
    let (case, number) = world.released();
    // A third party took an object of that number back before it came: whoever sends it now, it is refused.
    let stone = Tombstone {
        originator: party(CI),
        object: ObjectId::from(number),
        agreement: world.agreement,
        versions: Versions::All,
        reason: OrderReason::Originator,
        since: world.clock.0.now(),
    };
    let bury = move |tx: &mut dyn Tx| -> Result<(), AppError> { Ok(reports::bury(tx, &[stone])?) };
    world.es().db.write(bury).unwrap();
    world.settle();
    let may = world.ma().actor("spoc").may(intent::ReadReport).unwrap();
    let verdict = |world: &World, number| {
        let (_, sent) = world.ma().app.receipts_of(may, number).unwrap();
        sent[0].answers.verdict.clone().unwrap().0
    };
    assert_eq!(verdict(&world, number), "refused:object.recalled");
    assert_eq!(world.es().count("report.received"), 0);
    let next = world.ma().ready(case, world.report(&[]));
    world.ma().release(next, &mithaq_app::Use::default()).unwrap();
    world.settle();
    assert_eq!(verdict(&world, next), "accepted", "what comes behind it is taken");
}

#[test]
fn a_lease_locks_stale_copies_while_the_originator_is_out_of_reach() {
    let mut world = World::new();
    let (_, number) = world.released();
    world.settle();
    let case = world.es().case(CrimeArea::ForeignTerroristFighters);
    world.es().read(case, number).unwrap();
    world.clock.0.advance(Days(30));
    world.es().read(case, number).unwrap();
    // Nobody was heard for longer than the lease: perhaps it was taken back meanwhile.
    world.clock.0.advance(Days(1));
    assert_eq!(world.es().read(case, number).unwrap_err().code(), "report.locked.lease");
    assert!(
        world
            .es()
            .entries()
            .iter()
            .any(|(kind, _, verdict)| { kind == "report.read" && verdict == "report.locked.lease" })
    );
    world.announce(0, 1);
    world.es().read(case, number).unwrap();
    // It was: the announced order is drained before anything is read.
    world.clock.0.advance(Days(31));
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, OrderReason::Inaccurate).unwrap();
    world.announce(0, 1);
    assert_eq!(world.es().read(case, number).unwrap_err().code(), "report.locked.control");
    world.settle();
    assert!(world.es().read(case, number).is_err());
}
