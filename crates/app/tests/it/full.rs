//! A volume that fills while files are on their way, and a database that finds no room: content stops before the reserve,
//! chunk by chunk; what signs in, recalls and deletes is written (fault group 14).

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use mithaq_app::{ErrorKind, intent};
use mithaq_db::{Db, DbError, Engine, Tx};
use mithaq_model::Millis;
use mithaq_store::attachments::LinkState;
use mithaq_store::blobs::Room;
use mithaq_wire::{Lane, OrderReason, Position};

use crate::attachments::{begin, code, drafted, file, on_disk, own_root, pull, put, sent, state};
use crate::courier::{export, import};
use crate::world::World;

const MIB: usize = 1024 * 1024;

/// The volume of a test: room for so many bytes of attachments, and what happens when the database finds none.
pub(crate) struct Volume {
    dir: PathBuf,
    most: AtomicU64,
    ballast: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Volume {
    pub(crate) fn of(dir: &Path) -> Self {
        Self { dir: dir.to_path_buf(), most: AtomicU64::new(u64::MAX), ballast: Mutex::default() }
    }

    fn holds(&self) -> u64 {
        let files = std::fs::read_dir(&self.dir).into_iter().flatten();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
    }

    fn may_hold(&self, bytes: usize) {
        self.most.store(u64::try_from(bytes).unwrap(), Ordering::SeqCst);
    }

    fn may_hold_all(&self) {
        self.most.store(u64::MAX, Ordering::SeqCst);
    }
}

impl Room for Volume {
    fn has(&self, bytes: u64) -> bool {
        self.holds().checked_add(bytes).is_some_and(|all| all <= self.most.load(Ordering::SeqCst))
    }

    fn relieve(&self) -> bool {
        self.ballast.lock().unwrap().take().map(|release| release()).is_some()
    }
}

#[test]
fn an_upload_stops_before_the_reserve_goes_on_with_room_and_can_be_deleted_without() {
    let world = World::new();
    let ma = world.ma();
    let volume = &ma.mark.2;
    let (case, draft) = drafted(&world, &[]);
    let bytes = file(5 * MIB + 9, 1);
    volume.may_hold(3 * MIB + 1_000);
    let begun = begin(ma, case, draft, bytes.len()).unwrap();
    let parts: Vec<&[u8]> = bytes.chunks(MIB).collect();
    for index in 0..3 {
        put(&ma.app, ma, begun.id, index, parts[usize::try_from(index).unwrap()]).unwrap();
    }
    let refused = put(&ma.app, ma, begun.id, 3, parts[3]).unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Unavailable, "node.disk_low"));
    assert!(refused.next_step().is_some_and(|hint| hint.contains("free space")));
    assert!(volume.holds() <= 3 * 1024 * 1024 + 1_000, "not one chunk more");
    // A second file does not get what the first did not.
    let other = begin(ma, case, draft, MIB).unwrap();
    assert_eq!(code(put(&ma.app, ma, other.id, 0, parts[0])), "node.disk_low");
    let write = || ma.actor("analyst").may(intent::WriteReport).unwrap();
    ma.app.cancel_upload(write(), other.id).unwrap();

    volume.may_hold_all();
    assert_eq!(ma.app.upload_state(write(), begun.id).unwrap().next, 3, "nothing of it was lost");
    put(&ma.app, ma, begun.id, 3, parts[3]).unwrap();
    volume.may_hold(0);
    assert_eq!(code(put(&ma.app, ma, begun.id, 4, parts[4])), "node.disk_low");
    ma.app.cancel_upload(write(), begun.id).unwrap();
    assert_eq!(on_disk(&ma.mark), 0, "deleting needs no room and gives it");
}

#[test]
fn a_partners_file_waits_at_the_reserve_and_is_taken_whole_later() {
    let mut world = World::new();
    let number = sent(&mut world, &[&file(4 * MIB, 2)]);
    let (ma, es) = (world.ma(), world.es());
    let volume = &es.mark.2;
    volume.may_hold(2 * MIB + 1_000);
    assert_eq!(code(pull(&world, 100)), "node.disk_low");
    assert!(volume.holds() <= 2 * 1024 * 1024 + 1_000, "not one chunk more");
    assert_eq!(es.app.wants_from(&ma.party).unwrap(), [], "nothing is fetched to be thrown away");
    assert_eq!(state(es, number, 0), LinkState::Wanted);

    // Reports wait too, by their own size; orders do not.
    let (_, later) = world.released();
    let batch = |lane| {
        let place = Position { epoch: 1, seq: u64::from(lane == Lane::Report) };
        ma.app.batch_after(&es.party, (world.agreement, lane), place).unwrap().unwrap()
    };
    volume.may_hold(0);
    assert_eq!(code(es.app.receive_batch(&ma.party, &batch(Lane::Report))), "node.disk_low");
    let recall = ma.actor("supervisor").may(intent::RecallReport).unwrap();
    ma.app.recall_report(recall, later, OrderReason::Misdirected).unwrap();
    es.app.receive_batch(&ma.party, &batch(Lane::Control)).unwrap();

    volume.may_hold_all();
    pull(&world, 100).unwrap();
    assert_eq!(state(world.es(), number, 0), LinkState::Here);
    world.settle();
}

#[test]
fn a_volume_by_hand_brings_no_chunk_into_the_reserve() {
    let mut world = World::new();
    let number = sent(&mut world, &[&file(3 * MIB, 4)]);
    let (ma, es) = (world.ma(), world.es());
    let brought = export(ma, es, 8 * MIB);
    es.mark.2.may_hold(MIB + 1_000);
    let carry = es.actor("admin").may(intent::Carry).unwrap();
    assert_eq!(code(es.app.import_volume(carry, "medium-2026-17", &brought[0])), "node.disk_low");
    assert!(es.mark.2.holds() <= 1024 * 1024 + 1_000);
    es.mark.2.may_hold_all();
    import(es, &brought[0]);
    assert_eq!(state(world.es(), number, 0), LinkState::Here);
}

/// The system's own word, not the test's: a device on which every write finds no room.
#[cfg(target_os = "linux")]
#[test]
fn a_chunk_the_system_has_no_room_for_is_asked_for_again() {
    let mut world = World::new();
    let number = sent(&mut world, &[&file(MIB, 3)]);
    let (ma, es) = (world.ma(), world.es());
    let want = es.app.wants_from(&ma.party).unwrap()[0].clone();
    let named = (want.agreement, want.root);
    let list = ma.app.chunk_list_for(&es.party, named.0, named.1).unwrap();
    es.app.take_chunk_list(&ma.party, named, &list).unwrap();
    let path = es.mark.1.path().join("attachments").join(format!("{:?}.mxa", own_root(ma, number)));
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let chunk = ma.app.chunk_for(&es.party, named, 0).unwrap();
    assert_eq!(code(es.app.take_chunk(&ma.party, named, 0, &chunk)), "node.disk_low");
    std::fs::remove_file(&path).unwrap();
    pull(&world, 100).unwrap();
    assert_eq!(state(world.es(), number, 0), LinkState::Here);
}

/// Lets the database have no page more than it has, or as many as it likes.
fn pages(db: &Db, most: Option<i64>) {
    db.write(move |tx: &mut dyn Tx| {
        let has = tx.query_one("PRAGMA page_count", &[])?.int(0)?;
        let text = format!("PRAGMA max_page_count = {}", most.unwrap_or(has));
        tx.query_one(&text, &[]).map(drop)
    })
    .unwrap_or_else(|error: DbError| panic!("{error}"));
}

#[test]
fn sign_in_recalls_and_deletion_are_written_when_the_database_is_full() {
    let world = World::new();
    let ma = world.ma();
    assert_eq!(ma.db.engine(), Engine::Sqlite, "the length of this test's name decides: see `database`");
    let (case, draft) = drafted(&world, &[]);
    let begun = begin(ma, case, draft, MIB).unwrap();
    let (_, number) = world.released();
    let [write, recall, health] = ["analyst", "supervisor", "security"].map(|login| ma.actor(login));
    ma.app.take_content(false);
    pages(&ma.db, None);
    let sign_in = || ma.app.issue_token("analyst", Millis::hours(1));
    let full = (0..10_000).find_map(|_| sign_in().err()).unwrap();
    assert_eq!((full.kind(), full.code()), (ErrorKind::Unavailable, "store.full"));
    assert!(full.next_step().is_some());
    assert!(ma.app.lanes(health.may(intent::ReadHealth).unwrap()).is_ok(), "reading goes on");

    let db = ma.db.clone();
    *ma.mark.2.ballast.lock().unwrap() = Some(Box::new(move || pages(&db, Some(100_000))));
    sign_in().unwrap();
    ma.app.recall_report(recall.may(intent::RecallReport).unwrap(), number, OrderReason::Inaccurate).unwrap();
    ma.app.cancel_upload(write.may(intent::WriteReport).unwrap(), begun.id).unwrap();
    assert!(ma.mark.2.ballast.lock().unwrap().is_none(), "it was what made them possible");
}
