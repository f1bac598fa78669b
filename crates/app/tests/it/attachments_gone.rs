//! Attachments that go further, and that go: onward with their report, erased without a trace, named with a key that is not
//! theirs.

use std::io::Write as _;
use std::path::Path;

use mithaq_app::{AppError, ErrorKind, intent};
use mithaq_db::{Tx, testing::sqlite};
use mithaq_model::ReportState;
use mithaq_store::attachments::{self as rows, FileState, LinkState};
use mithaq_store::reports;
use mithaq_wire::{Digest, OrderReason};
use sha2::{Digest as _, Sha256};

use crate::attachments::{
    approve, attach, begin, case_there, code, drafted, file, often, on_disk, own_root, pull, pull_between,
    put, read, restart, sent, state,
};
use crate::onward::{Chain, verdicts};
use crate::world::{CI, Node, World};

const MIB: usize = 1024 * 1024;

/// MA's report with a file is at ES, not yet its file.
fn chain(edit: impl Fn(String) -> String) -> Chain {
    Chain::of((|text| text, edit), |world| {
        let (case, number) = drafted(world, &[&file(2 * MIB + 3, 9)]);
        approve(world.ma(), case, number);
        world.ma().release(number, &mithaq_app::Use::default()).unwrap();
        (case, number)
    })
}

#[test]
fn an_attachment_goes_onward_with_its_report() {
    let mut chain = chain(|text| text);
    let root = own_root(chain.ma(), chain.number);
    chain.granted();
    assert_eq!(code(chain.pass(CI)), "attachment.incomplete", "nobody gives on what is not here");
    pull_between((chain.ma(), chain.es()), 100).unwrap();
    let asked = |chain: &Chain| {
        chain.es().app.chunk_for(&chain.ci().party, (chain.second, root), 0).map(drop).map_err(|no| no.kind())
    };
    assert_eq!(asked(&chain), Err(ErrorKind::NotFound), "not before it is passed on");
    chain.pass(CI).unwrap();
    assert_eq!(asked(&chain), Err(ErrorKind::Unavailable), "before the receipt");
    chain.rest();
    assert_eq!(asked(&chain), Ok(()));
    let (ma, es, ci) = (chain.ma(), chain.es(), chain.ci());
    for agreement in [chain.first, chain.third] {
        let other = es.app.chunk_for(&ci.party, (agreement, root), 0);
        assert_eq!(other.unwrap_err().kind(), ErrorKind::NotFound, "not under another agreement");
    }
    let direct = ma.app.chunk_for(&ci.party, (chain.third, root), 0);
    assert_eq!(direct.unwrap_err().kind(), ErrorKind::NotFound, "its originator did not send it there");
    assert_eq!(ci.app.wants_from(&ma.party).unwrap(), []);
    assert_eq!(code(read(ci, chain.at_ci, chain.number, 1, 0)), "attachment.incomplete");
    pull_between((es, ci), 100).unwrap();
    chain.read_at_ci().unwrap();
    assert_eq!(read(ci, chain.at_ci, chain.number, 1, 0).unwrap(), file(2 * MIB + 3, 9));
    chain.rest();
    assert_eq!(verdicts(chain.es(), "receipt.complete"), ["complete"], "from the further holder");
    assert_eq!(verdicts(chain.ma(), "receipt.complete"), ["complete"], "from the first");
    chain.recall();
    chain.rest();
    assert_eq!(asked(&chain), Err(ErrorKind::NotFound));
    assert_eq!((on_disk(&chain.es().mark), on_disk(&chain.ci().mark)), (0, 0), "gone at both");
}

#[test]
fn a_consent_taken_back_ends_the_giving_in_the_middle() {
    let mut chain = chain(|text| text);
    pull_between((chain.ma(), chain.es()), 100).unwrap();
    let id = chain.granted();
    chain.pass(CI).unwrap();
    chain.rest();
    pull_between((chain.es(), chain.ci()), 1).unwrap();
    chain.revoke(id).unwrap();
    chain.rest();
    let root = own_root(chain.ma(), chain.number);
    let late = chain.es().app.chunk_for(&chain.ci().party, (chain.second, root), 1);
    assert_eq!(late.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(
        (chain.ci().app.wants_from(&chain.es().party).unwrap(), on_disk(&chain.ci().mark)),
        (vec![], 0)
    );
    assert!(on_disk(&chain.es().mark) > 0, "the first holder keeps its own");
}

#[test]
fn a_hop_counts_with_its_attachments_in_the_days_budget() {
    let small = |text: String| text.replace("bytes_per_day = 268435456", "bytes_per_day = 2097152");
    let mut chain = chain(small);
    pull_between((chain.ma(), chain.es()), 100).unwrap();
    chain.granted();
    let refused = chain.pass(CI).unwrap_err();
    assert_eq!((refused.kind(), refused.step()), (ErrorKind::Refused, Some(13)));
}

#[test]
fn a_key_that_is_not_the_files_harms_its_own_report_only() {
    let mut world = World::new();
    let good = sent(&mut world, &[&file(MIB, 1)]);
    let (case, number) = drafted(&world, &[]);
    let ma = world.ma();
    let begun = begin(ma, case, number, MIB + 5).unwrap();
    put(&ma.app, ma, begun.id, 0, &file(MIB, 3)).unwrap();
    // What its own node would never do: list and root are of other bytes than the key of the report opens.
    let hex: String = begun.id.iter().map(|byte| format!("{byte:02x}")).collect();
    let place = ma.mark.1.path().join("attachments").join(hex);
    let noise = vec![7; MIB + 16];
    std::fs::write(place.with_extension("upload"), &noise).unwrap();
    std::fs::write(place.with_extension("hashes"), Sha256::digest(&noise)).unwrap();
    put(&ma.app, ma, begun.id, 1, b"12345").unwrap();
    approve(ma, case, number);
    ma.release(number, &mithaq_app::Use::default()).unwrap();
    world.settle();
    pull(&world, 100).unwrap();
    let (es, there) = (world.es(), case_there(&world));
    assert_eq!(state(es, number, 0), LinkState::Here, "it is what the report names");
    assert_eq!(code(read(es, there, number, 1, 0)), "attachment.key");
    assert_eq!(state(es, number, 0), LinkState::Wrong);
    assert_eq!(es.app.wants_from(&world.ma().party).unwrap(), [], "fetching it again would give the same");
    assert!(verdicts(es, "attachment.refused").contains(&"attachment.key".to_owned()));
    let root = own_root(world.ma(), number);
    let job = move |tx: &mut dyn Tx| Ok::<_, AppError>(rows::file(tx, root)?);
    assert_eq!(
        es.db.read(job).unwrap().unwrap().state,
        FileState::Complete,
        "the ciphertext is not to blame"
    );
    assert_eq!(read(es, there, good, 1, 0).unwrap(), file(MIB, 1));
}

/// Parts of bytes that lie together in a file if the whole does.
fn parts_of(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.chunks(32).step_by(97).filter(|part| part.len() == 32).map(<[u8]>::to_vec).collect()
}

fn found(directories: &[&Path], canaries: &[Vec<u8>]) -> usize {
    let mut files = Vec::new();
    for directory in directories {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                files.push(std::fs::read(path).unwrap());
            }
        }
    }
    let first: std::collections::BTreeSet<u8> = canaries.iter().map(|canary| canary[0]).collect();
    let all: std::collections::BTreeSet<&[u8]> = canaries.iter().map(Vec::as_slice).collect();
    let mut seen = std::collections::BTreeSet::new();
    for file in &files {
        for part in file.windows(32).filter(|part| first.contains(&part[0])) {
            if let Some(canary) = all.get(part) {
                seen.insert(*canary);
            }
        }
    }
    seen.len()
}

#[test]
fn no_key_and_no_byte_of_a_file_is_left_after_its_recall() {
    let database = sqlite().unwrap();
    let tables = database.path().unwrap().parent().unwrap().to_path_buf();
    let mut world = World::with_es_on(database.db().clone());
    world.es().app.limit_attachments(often());
    let secret = b"Abdelhamid Tazerout, cabin 12, berth B; ".repeat(30_000);
    let whole = sent(&mut world, &[&secret]);
    pull(&world, 100).unwrap();
    let half = sent(&mut world, &[&file(2 * MIB + 9, 5)]);
    pull(&world, 2).unwrap();
    let es = world.es();
    let there = case_there(&world);
    let report = es.read(there, whole).unwrap();
    assert_eq!(read(es, there, whole, 1, 0).unwrap(), secret);
    let files = es.mark.1.path().join("attachments");
    let mut cipher = Vec::new();
    for (number, length) in [(whole, secret.len()), (half, 2 * MIB)] {
        let path = files.join(format!("{:?}.mxa", own_root(world.ma(), number)));
        let stored = std::fs::read(path).unwrap();
        assert!(stored.len() > length, "{} of {length}", stored.len());
        cipher.extend(parts_of(&stored));
    }
    let mut opens = vec![report.attachments[0].key.reveal().to_vec()];
    opens.extend(parts_of(&secret));
    let places = [tables.as_path(), files.as_path()];
    assert_eq!(found(&places, &cipher), cipher.len(), "the ciphertext is there before");
    assert_eq!(found(&places, &opens), 0, "neither key nor plain text ever is");
    for number in [whole, half] {
        let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
        world.ma().app.recall_report(may, number, OrderReason::Originator).unwrap();
    }
    world.settle();
    assert!(world.es().app.wipe_again().unwrap(), "nothing waits");
    assert_eq!(found(&places, &cipher), 0, "of the whole one and of the half one");
    assert_eq!(found(&places, &opens), 0);
    assert_eq!(on_disk(&world.es().mark), 0);
    assert_eq!(rows_left(world.es(), own_roots(&world, &[whole, half])), 0);
}

fn own_roots(world: &World, numbers: &[mithaq_model::ReportId]) -> Vec<Digest> {
    numbers.iter().map(|number| own_root(world.ma(), *number)).collect()
}

fn rows_left(node: &Node, roots: Vec<Digest>) -> usize {
    let job = move |tx: &mut dyn Tx| {
        let mut left = 0;
        for root in roots {
            left += usize::from(rows::file(tx, root)?.is_some()) + rows::links_to(tx, root)?.len();
        }
        Ok::<_, AppError>(left)
    };
    node.db.read(job).unwrap()
}

#[test]
fn an_upload_nobody_goes_on_with_ends_and_what_is_in_the_draft_stays() {
    let world = World::new();
    let (case, number) = drafted(&world, &[]);
    attach(world.ma(), case, number, &file(MIB, 1));
    let begun = begin(world.ma(), case, number, 2 * MIB).unwrap();
    put(&world.ma().app, world.ma(), begun.id, 0, &file(MIB, 2)).unwrap();
    let may = world.ma().actor("analyst").may(intent::WriteReport).unwrap();
    world.clock.0.advance(mithaq_model::Days(8));
    world.ma().app.tick_attachments().unwrap();
    assert_eq!(world.ma().app.upload_state(may, begun.id).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(on_disk(&world.ma().mark), 2, "what is in the draft stays: ciphertext and list");
}

/// A report reviewed while a file is on its way into it would leave without it, and the file could not come in afterwards.
#[test]
fn a_draft_is_not_reviewed_while_a_file_is_on_its_way_into_it() {
    let world = World::new();
    let ma = world.ma();
    let (case, number) = drafted(&world, &[]);
    let begun = begin(ma, case, number, 2 * MIB).unwrap();
    put(&ma.app, ma, begun.id, 0, &file(MIB, 2)).unwrap();
    assert_eq!(code(ma.review(case, number)), "attachment.under_way");
    let sees = ma.actor("supervisor").may(intent::ReadReport).unwrap();
    let listed = ma.app.uploads_under_way(sees, number).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].id, listed[0].officer, listed[0].length),
        (begun.id, ma.id("analyst"), 2 * 1_048_576)
    );

    // Who does not see the draft learns nothing of the upload; a colleague of the case ends it, and that is logged.
    let newcomer = ma.hire("newcomer", &[mithaq_model::Role::Analyst]);
    let write = || ma.actor("newcomer").may(intent::WriteReport).unwrap();
    let read = ma.actor("newcomer").may(intent::ReadReport).unwrap();
    assert_eq!(code(ma.app.cancel_upload(write(), begun.id)), "object.not_found");
    assert_eq!(code(ma.app.uploads_under_way(read, number)), "object.not_found");
    assert_eq!(ma.count("attachment.given_up"), 0);
    let governs = ma.actor("supervisor").may(intent::GovernCase).unwrap();
    ma.app.assign_to_case(governs, case, newcomer).unwrap();
    ma.app.cancel_upload(write(), begun.id).unwrap();
    assert_eq!(ma.count("attachment.given_up"), 1);
    assert_eq!(code(put(&ma.app, ma, begun.id, 1, &file(MIB, 3))), "object.not_found");
    assert_eq!(on_disk(&ma.mark), 0, "nothing is left of it");
    ma.review(case, number).unwrap();
}

/// Its row is gone while its last chunk is being taken: what a colleague ended does not come into the draft.
#[test]
fn an_upload_that_is_ended_while_its_last_chunk_comes_stays_out_of_the_draft() {
    let world = World::new();
    let ma = world.ma();
    let (case, number) = drafted(&world, &[]);
    let begun = begin(ma, case, number, 2 * MIB).unwrap();
    put(&ma.app, ma, begun.id, 0, &file(MIB, 2)).unwrap();
    // The node that takes the chunk has the upload in memory already.
    ma.db.write(move |tx| rows::end_upload(tx, begun.id)).unwrap();
    assert_eq!(code(put(&ma.app, ma, begun.id, 1, &file(MIB, 3))), "object.not_found");
    assert_eq!(ma.count("attachment.added"), 0);
    ma.review(case, number).unwrap();
}

#[test]
fn an_upload_whose_last_answer_was_lost_says_that_its_file_is_in_the_draft() {
    let mut world = World::new();
    let (case, number) = drafted(&world, &[]);
    attach(world.ma(), case, number, &file(MIB, 1));
    let begun = begin(world.ma(), case, number, MIB + 9).unwrap();
    let chunks = [file(MIB, 2), file(9, 3)];
    put(&world.ma().app, world.ma(), begun.id, 0, &chunks[0]).unwrap();
    put(&world.ma().app, world.ma(), begun.id, 1, &chunks[1]).unwrap();
    for again in 0..2_u8 {
        let ma = world.ma();
        let may = || ma.actor("analyst").may(intent::WriteReport).unwrap();
        let state = ma.app.upload_state(may(), begun.id).unwrap();
        assert_eq!((state.next, state.chunks, state.place), (2, 2, Some(2)), "{again}");
        assert_eq!(put(&ma.app, ma, begun.id, 1, &chunks[1]).unwrap(), state);
        assert_eq!(ma.count("attachment.added"), 2, "it came in once");
        let other = ma.actor("supervisor").may(intent::WriteReport).ok();
        assert!(other.is_none_or(|may| ma.app.upload_state(may, begun.id).is_err()), "its officer only");
        assert_eq!(code(ma.app.cancel_upload(may(), begun.id)), "object.not_found", "nothing is on its way");
        restart(&mut world, 0, 3 + again);
    }
    let ma = world.ma();
    ma.review(case, number).unwrap();
    world.clock.0.advance(mithaq_model::Days(8));
    ma.app.tick_attachments().unwrap();
    let may = ma.actor("analyst").may(intent::WriteReport).unwrap();
    assert_eq!(ma.app.upload_state(may, begun.id).unwrap_err().kind(), ErrorKind::NotFound, "for a week");
    assert_eq!(read(ma, case, number, 2, 0).unwrap(), chunks.concat());
}

#[test]
fn a_disk_that_fails_loses_nothing() {
    let mut world = World::new();
    let bytes = file(MIB + 9, 6);
    let number = sent(&mut world, &[&bytes]);
    let (ma, es) = (world.ma(), world.es());
    // Where the directory should be lies a file: nothing can be written.
    let place = es.mark.1.path().join("attachments");
    std::fs::write(&place, b"in the way").unwrap();
    let failed = pull(&world, 100).unwrap_err();
    assert_eq!((failed.code(), failed.kind()), ("attachment.disk", ErrorKind::Unavailable));
    assert_eq!(state(es, number, 0), LinkState::Wanted);
    std::fs::remove_file(&place).unwrap();
    pull(&world, 1).unwrap();
    let files = es.mark.1.path().join("elsewhere");
    std::fs::rename(&place, &files).unwrap();
    std::fs::write(&place, b"in the way").unwrap();
    let want = es.app.wants_from(&ma.party).unwrap().remove(0);
    let named = (want.agreement, want.root);
    let last = ma.app.chunk_for(&es.party, named, 1).unwrap();
    assert_eq!(es.app.take_chunk(&ma.party, named, 1, &last).unwrap_err().code(), "attachment.disk");
    std::fs::remove_file(&place).unwrap();
    std::fs::rename(&files, &place).unwrap();
    pull(&world, 100).unwrap();
    assert_eq!(read(es, case_there(&world), number, 1, 0).unwrap(), bytes);
}

/// Found by the kill loop: the last chunk was on disk, the node was killed, and who asked where to go on was told that
/// nothing is missing. The report left without its file.
#[test]
fn an_upload_that_has_every_chunk_and_is_not_in_the_draft_asks_for_the_last_again() {
    let mut world = World::new();
    world.ma().app.limit_attachments(often());
    let (case, number) = drafted(&world, &[]);
    let bytes = file(MIB + 9, 5);
    let begun = begin(world.ma(), case, number, bytes.len()).unwrap();
    put(&world.ma().app, world.ma(), begun.id, 0, &bytes[..MIB]).unwrap();
    // What stops it between the last chunk and the draft is here a state it cannot come into, not a kill.
    let turn = |node: &Node, from, to| {
        let at = node.app.now();
        node.db.write(move |tx| reports::set_state(tx, number, from, to, at)).unwrap();
    };
    turn(world.ma(), ReportState::Graded, ReportState::Reviewed);
    assert_eq!(code(put(&world.ma().app, world.ma(), begun.id, 1, &bytes[MIB..])), "report.reviewed");
    restart(&mut world, 0, 3);
    let ma = world.ma();
    let may = ma.actor("analyst").may(intent::WriteReport).unwrap();
    let state = ma.app.upload_state(may, begun.id).unwrap();
    assert_eq!((state.next, state.place), (1, None));
    turn(ma, ReportState::Reviewed, ReportState::Graded);
    assert_eq!(put(&ma.app, ma, begun.id, 1, &bytes[MIB..]).unwrap().place, Some(1));
    assert_eq!(read(ma, case, number, 1, 0).unwrap(), bytes);
}

#[test]
fn a_transfer_that_has_every_chunk_and_is_not_complete_asks_for_the_last_again() {
    let mut world = World::new();
    world.es().app.limit_attachments(often());
    let bytes = file(MIB + 9, 8);
    let number = sent(&mut world, &[&bytes]);
    pull(&world, 1).unwrap();
    let root = own_root(world.ma(), number);
    let all_there = move |tx: &mut dyn Tx| {
        let file = rows::file(tx, root)?.ok_or_else(AppError::not_found)?;
        rows::put_file(tx, &rows::File { have: 2, ..file })?;
        Ok::<_, AppError>(())
    };
    world.es().db.write(all_there).unwrap();
    // As the start would find it: both chunks on the disk.
    let want = world.es().app.wants_from(&world.ma().party).unwrap().remove(0);
    let last = world.ma().app.chunk_for(&world.es().party, (want.agreement, root), 1).unwrap();
    let held = world.es().mark.1.path().join("attachments").join(format!("{root:?}.mxa"));
    std::fs::OpenOptions::new().append(true).open(&held).unwrap().write_all(&last).unwrap();
    restart(&mut world, 1, 3);
    world.announce(0, 1);
    assert_eq!(world.es().app.wants_from(&world.ma().party).unwrap()[0].have, Some(1));
    pull(&world, 1).unwrap();
    assert_eq!(read(world.es(), case_there(&world), number, 1, 0).unwrap(), bytes);
}
