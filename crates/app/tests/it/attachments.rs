//! Attachments through all hands: brought, approved, released, taken chunk by chunk, read; every refusal; a kill in the
//! middle; what was taken back is gone (fault group 29).

use mithaq_app::{App, AppError, AttachmentLimits, ErrorKind, NewAttachment, UploadState, Use, Want, intent};
use mithaq_db::Tx;
use mithaq_model::{AgreementId, CaseId, CrimeArea, Days, MediaType, PartyId, ReportId};
use mithaq_store::attachments::{self as rows, LinkState};
use mithaq_testkit::text;
use mithaq_wire::{ChunkList, Digest, OrderReason, decode_chunk_list, encode_chunk_list};

use crate::world::{CI, ES, MA, Marked, Node, World, parts};

const MIB: usize = 1024 * 1024;

/// Bytes that differ from place to place.
pub(crate) fn file(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|n| seed ^ (n % 251).to_be_bytes()[7] ^ (n / MIB).to_be_bytes()[7]).collect()
}

pub(crate) fn begin(
    node: &Node,
    case: CaseId,
    number: ReportId,
    length: usize,
) -> Result<UploadState, AppError> {
    let may = node.actor("analyst").may(intent::WriteReport).unwrap();
    let length = u64::try_from(length).unwrap();
    let new =
        NewAttachment { name: text("passengers.csv"), media: MediaType::new("text/csv").unwrap(), length };
    node.app.begin_attachment(may, &node.enter("analyst", case), number, new)
}

pub(crate) fn put(
    app: &App,
    node: &Node,
    id: [u8; 16],
    index: u64,
    bytes: &[u8],
) -> Result<UploadState, AppError> {
    let may = node.actor("analyst").may(intent::WriteReport).unwrap();
    app.put_attachment_chunk(may, id, index, bytes)
}

/// Brings a whole file into a draft.
pub(crate) fn attach(node: &Node, case: CaseId, number: ReportId, bytes: &[u8]) {
    let mut state = begin(node, case, number, bytes.len()).unwrap();
    let parts: Vec<&[u8]> = if bytes.is_empty() { vec![&[]] } else { bytes.chunks(MIB).collect() };
    for (index, part) in (0..).zip(parts) {
        assert_eq!(state.next, index);
        state = put(&node.app, node, state.id, index, part).unwrap();
    }
    assert!(state.place.is_some());
}

/// A graded draft of the first node with these files.
pub(crate) fn drafted(world: &World, files: &[&[u8]]) -> (CaseId, ReportId) {
    let node = world.ma();
    let case = node.case(CrimeArea::ForeignTerroristFighters);
    let number = node.draft(case, world.report(&[]));
    node.grade(case, number);
    for bytes in files {
        attach(node, case, number, bytes);
    }
    (case, number)
}

pub(crate) fn approve(node: &Node, case: CaseId, number: ReportId) {
    node.review(case, number).unwrap();
    node.approve("supervisor", number).unwrap();
    node.approve("spoc", number).unwrap();
}

/// A released report of the first node with these files, accepted by the second.
pub(crate) fn sent(world: &mut World, files: &[&[u8]]) -> ReportId {
    sent_in(world, files).1
}

/// The same with its case.
pub(crate) fn sent_in(world: &mut World, files: &[&[u8]]) -> (CaseId, ReportId) {
    let (case, number) = drafted(world, files);
    approve(world.ma(), case, number);
    world.ma().release(number, &Use::default()).unwrap();
    world.settle();
    (case, number)
}

fn wants(world: &World) -> Vec<Want> {
    world.es().app.wants_from(&world.ma().party).unwrap()
}

/// Moves up to so many chunks of what the second node wants from the first.
pub(crate) fn pull(world: &World, most: u64) -> Result<(), AppError> {
    pull_between((world.ma(), world.es()), most)
}

/// Moves up to so many chunks of what one node wants from another.
pub(crate) fn pull_between((giver, taker): (&Node, &Node), mut most: u64) -> Result<(), AppError> {
    for want in taker.app.wants_from(&giver.party)? {
        let named = (want.agreement, want.root);
        let mut next = match want.have {
            Some(have) => have,
            None => {
                let list = giver.app.chunk_list_for(&taker.party, want.agreement, want.root)?;
                taker.app.take_chunk_list(&giver.party, named, &list)?;
                0
            }
        };
        while most > 0 {
            let chunk = giver.app.chunk_for(&taker.party, named, next)?;
            let taken = taker.app.take_chunk(&giver.party, named, next, &chunk)?;
            (next, most) = (taken.next, most - 1);
            if taken.next == taken.chunks {
                break;
            }
        }
    }
    Ok(())
}

pub(crate) fn read(
    node: &Node,
    case: CaseId,
    number: ReportId,
    place: u32,
    from: u64,
) -> Result<Vec<u8>, AppError> {
    let may = node.actor("analyst").may(intent::ReadReport).unwrap();
    let reason = text("The list names the travellers");
    let access = node.enter("analyst", case);
    let mut reader = node.app.read_attachment(may, &access, number, (place, from), &reason)?;
    let mut all = Vec::new();
    while let Some(chunk) = reader.next_chunk()? {
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

pub(crate) fn state(node: &Node, number: ReportId, at: usize) -> LinkState {
    let may = node.actor("analyst").may(intent::ReadReport).unwrap();
    node.app.attachments_of(may, number).unwrap()[at].state
}

pub(crate) fn case_there(world: &World) -> CaseId {
    world.es().case(CrimeArea::ForeignTerroristFighters)
}

pub(crate) fn code<T: core::fmt::Debug>(result: Result<T, AppError>) -> String {
    result.unwrap_err().code().to_owned()
}

/// Files in the directory of a node's attachments.
pub(crate) fn on_disk(mark: &Marked) -> usize {
    std::fs::read_dir(mark.1.path().join("attachments")).map_or(0, Iterator::count)
}

/// What a kill can cost is two chunks, so that short files show it.
pub(crate) fn often() -> AttachmentLimits {
    AttachmentLimits { durable_every: 2, ..AttachmentLimits::default() }
}

#[test]
fn a_file_goes_from_a_draft_to_its_reader_and_both_sides_say_so() {
    let mut world = World::new();
    let (long, empty) = (file(MIB + 17, 1), Vec::new());
    let (own, number) = sent_in(&mut world, &[&long, &empty]);
    let case = case_there(&world);
    assert_eq!(world.es().read(case, number).unwrap().attachments.len(), 2, "the report is read at once");
    assert_eq!(code(read(world.es(), case, number, 1, 0)), "attachment.incomplete");
    pull(&world, 100).unwrap();
    assert_eq!(wants(&world), []);
    assert_eq!(read(world.es(), case, number, 1, 0).unwrap(), long);
    assert_eq!(read(world.es(), case, number, 1, 1).unwrap(), long[MIB..], "from a chunk on");
    assert_eq!(read(world.es(), case, number, 2, 0).unwrap(), empty);
    assert_eq!(code(read(world.es(), case, number, 3, 0)), "object.not_found");
    assert_eq!(code(read(world.es(), case, number, 1, 9)), "input.from");
    world.settle();
    let may = world.ma().actor("analyst").may(intent::ReadReport).unwrap();
    let told = world.ma().app.attachments_of(may, number).unwrap();
    assert!(told.iter().all(|one| one.complete_at == [world.es().party.clone()]), "{told:?}");
    assert_eq!(world.es().count("attachment.complete"), 2);
    assert_eq!(world.ma().count("receipt.complete"), 2);
    assert_eq!(world.ma().count("attachment.added"), 2);
    assert!(world.es().count("attachment.read") >= 5, "refused readings are entries too");
    assert_eq!(read(world.ma(), own, number, 1, 0).unwrap(), long, "the author's node reads its own");
}

#[test]
fn another_file_and_the_approvals_fall_away_and_after_the_review_none_comes() {
    let world = World::new();
    let (case, number) = drafted(&world, &[b"first"]);
    world.ma().review(case, number).unwrap();
    assert_eq!(code(begin(world.ma(), case, number, 5)), "report.reviewed");
    let may = world.ma().actor("analyst").may(intent::WriteReport).unwrap();
    let access = world.ma().enter("analyst", case);
    assert_eq!(code(world.ma().app.remove_attachment(may, &access, number, 1)), "report.reviewed");
}

#[test]
fn what_is_not_a_file_of_this_draft_is_refused() {
    let world = World::new();
    let (case, number) = drafted(&world, &[]);
    let ma = world.ma();
    ma.app.limit_attachments(AttachmentLimits { longest: 4 << 20, quota: 1 << 30, ..often() });
    assert_eq!(code(begin(ma, case, number, 4 * MIB + 1)), "attachment.too_long");
    assert_eq!(begin(ma, ma.case(CrimeArea::Terrorism), number, 5).unwrap_err().kind(), ErrorKind::NotFound);
    let begun = begin(ma, case, number, MIB + 5).unwrap();
    assert_eq!(code(put(&ma.app, ma, begun.id, 1, b"12345")), "attachment.chunk_ahead");
    assert_eq!(code(put(&ma.app, ma, begun.id, 0, b"short")), "input.chunk");
    let again = put(&ma.app, ma, begun.id, 0, &file(MIB, 3)).unwrap();
    assert_eq!(
        put(&ma.app, ma, begun.id, 0, &file(MIB, 3)).unwrap(),
        again,
        "the same once more changes nothing"
    );
    assert_eq!(code(put(&ma.app, ma, begun.id, 0, &file(MIB, 4))), "attachment.other_file");
    assert_eq!(
        put(&ma.app, ma, begun.id, 0, &file(MIB, 3)).unwrap(),
        again,
        "and a wrong file harms nothing"
    );
    assert_eq!(code(put(&ma.app, ma, begun.id, 1, b"123456")), "input.chunk");
    let other = ma.actor("officer").may(intent::WriteReport).unwrap();
    assert_eq!(ma.app.upload_state(other, begun.id).unwrap_err().kind(), ErrorKind::NotFound, "another's");
    let mine = ma.actor("analyst").may(intent::WriteReport).unwrap();
    ma.app.cancel_upload(mine, begun.id).unwrap();
    assert_eq!(ma.app.upload_state(mine, begun.id).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(on_disk(&ma.mark), 0, "nothing is left of it");
    for _ in 0..16 {
        begin(ma, case, number, 5).unwrap();
    }
    assert_eq!(code(begin(ma, case, number, 5)), "input.attachments");
}

#[test]
fn an_upload_goes_on_after_a_kill_and_only_with_the_same_file() {
    let mut world = World::new();
    world.ma().app.limit_attachments(often());
    let (case, number) = drafted(&world, &[]);
    let bytes = file(3 * MIB + 9, 5);
    let begun = begin(world.ma(), case, number, bytes.len()).unwrap();
    for (index, part) in (0..3).zip(bytes.chunks(MIB)) {
        put(&world.ma().app, world.ma(), begun.id, index, part).unwrap();
    }
    restart(&mut world, 0, 3);
    let may = world.ma().actor("analyst").may(intent::WriteReport).unwrap();
    let next = world.ma().app.upload_state(may, begun.id).unwrap().next;
    assert_eq!(next, 2, "what was made durable, not what was answered");
    // One key seals one text per place: a changed file is refused where bytes are left.
    let changed = put(&world.ma().app, world.ma(), begun.id, 2, &file(MIB, 99));
    assert_eq!(code(changed), "attachment.other_file");
    assert_eq!(world.ma().app.upload_state(may, begun.id).unwrap_err().kind(), ErrorKind::NotFound);

    let begun = begin(world.ma(), case, number, bytes.len()).unwrap();
    for (index, part) in (0..3).zip(bytes.chunks(MIB)) {
        put(&world.ma().app, world.ma(), begun.id, index, part).unwrap();
    }
    restart(&mut world, 0, 4);
    for (index, part) in (0..).zip(bytes.chunks(MIB)).skip(2) {
        put(&world.ma().app, world.ma(), begun.id, index, part).unwrap();
    }
    assert_eq!(read(world.ma(), case, number, 1, 0).unwrap(), bytes);
}

/// The node runs again on the same store and the same disk.
pub(crate) fn restart(world: &mut World, at: usize, run: u8) {
    let clock = world.clock.clone();
    let node = &mut world.nodes[at];
    let number = u8::try_from(at + 1).unwrap() * 16;
    let parts = parts(&node.party, (number, run), &clock, &node.mark);
    let app = App::open(node.db.clone(), parts).unwrap();
    app.limit_attachments(often());
    let db = node.db.clone();
    node.come_back(app, db);
}

#[test]
fn a_transfer_goes_on_after_a_kill_at_any_chunk() {
    let mut world = World::new();
    world.es().app.limit_attachments(often());
    let bytes = file(4 * MIB + 1, 7);
    let number = sent(&mut world, &[&bytes]);
    let case = case_there(&world);
    for (run, (most, durable)) in (3..).zip([(1, 0), (2, 2), (1, 2), (2, 4)]) {
        pull(&world, most).unwrap();
        let want = wants(&world).remove(0);
        // Bytes of a chunk that was never confirmed may be on disk, or half of them.
        if want.have != Some(durable) {
            tear(&world.es().mark, want.root, want.have.unwrap());
        }
        restart(&mut world, 1, run);
        world.announce(0, 1);
        assert_eq!(wants(&world)[0].have, Some(durable));
        assert_eq!(code(read(world.es(), case, number, 1, 0)), "attachment.incomplete");
    }
    pull(&world, 4).unwrap();
    assert_eq!(wants(&world), []);
    assert_eq!(read(world.es(), case, number, 1, 0).unwrap(), bytes);
}

/// Leaves half a chunk behind the last, as a kill in the middle of a write does.
fn tear(mark: &Marked, root: Digest, have: u64) {
    let path = mark.1.path().join("attachments").join(format!("{root:?}.mxa"));
    let stride = u64::try_from(MIB + 16).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(have * stride - stride / 2).unwrap();
}

#[test]
fn swapped_changed_cut_and_foreign_chunks_are_refused_and_the_right_ones_taken_later() {
    let mut world = World::new();
    let number = sent(&mut world, &[&file(3 * MIB, 1), &file(3 * MIB, 2)]);
    let (ma, es) = (world.ma(), world.es());
    let wanted = wants(&world);
    let named = |at: usize| (wanted[at].agreement, wanted[at].root);
    let list = |at: usize| ma.app.chunk_list_for(&es.party, named(at).0, named(at).1).unwrap();
    let chunk = |at, index| ma.app.chunk_for(&es.party, named(at), index).unwrap();
    assert_eq!(
        es.app.take_chunk(&ma.party, named(0), 0, &chunk(0, 0)).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let mut bad = chunk(0, 0);
    bad[70] ^= 1;
    let cases = [
        ("another's list", list(1), chunk(0, 0)),
        ("no list", b"nothing".to_vec(), chunk(0, 0)),
        ("a flipped bit", list(0), bad),
        ("a swapped chunk", list(0), chunk(0, 1)),
        ("of the other file", list(0), chunk(1, 0)),
        ("cut", list(0), chunk(0, 0)[..MIB].to_vec()),
        ("longer", list(0), [chunk(0, 0), vec![0]].concat()),
    ];
    for (what, list, bytes) in cases {
        let first = es.app.take_chunk_list(&ma.party, named(0), &list);
        let taken = first.and_then(|()| es.app.take_chunk(&ma.party, named(0), 0, &bytes));
        assert_eq!(taken.unwrap_err().kind(), ErrorKind::Invalid, "{what}");
        assert!(wants(&world).iter().all(|want| want.root != named(0).1), "not asked again at once: {what}");
        assert_eq!(state(es, number, 0), LinkState::Wanted);
        world.clock.0.advance(Days(1));
        world.announce(0, 1);
    }
    assert_eq!(es.count("attachment.refused"), 7, "each is an entry");
    // A chunk ahead is kept at its place, one that is had changes nothing; the answer says where to go on.
    let take = |index| es.app.take_chunk(&ma.party, named(0), index, &chunk(0, index)).unwrap().next;
    es.app.take_chunk_list(&ma.party, named(0), &list(0)).unwrap();
    assert_eq!([take(1), take(1), take(0), take(0)], [0, 0, 2, 2]);
    pull(&world, 100).unwrap();
    assert_eq!((state(es, number, 0), state(es, number, 1)), (LinkState::Here, LinkState::Here));
}

#[test]
fn a_list_of_another_length_than_the_report_says_is_never_taken() {
    let mut world = World::new();
    let number = sent(&mut world, &[&file(MIB + 1, 1)]);
    let want = wants(&world).remove(0);
    let job = move |tx: &mut dyn Tx| -> Result<(), AppError> {
        tx.exec("UPDATE attachment_link SET length = length + 1", &[])?;
        Ok(())
    };
    world.es().db.write(job).unwrap();
    let (ma, es) = (world.ma(), world.es());
    let list = ma.app.chunk_list_for(&es.party, want.agreement, want.root).unwrap();
    let taken = es.app.take_chunk_list(&ma.party, (want.agreement, want.root), &list);
    assert_eq!(code(taken), "attachment.length");
    assert_eq!(state(es, number, 0), LinkState::Wrong);
    assert_eq!(wants(&world), []);
    // A shorter list is another root.
    let whole = decode_chunk_list(&list).unwrap();
    let short = ChunkList::new(MIB.try_into().unwrap(), vec![whole.hash(0).unwrap()]).unwrap();
    assert_ne!(mithaq_envelope::attachment_root(&short), want.root);
    assert!(encode_chunk_list(&short).len() < list.len());
}

#[test]
fn quotas_bind_each_agreement_and_room_is_used_when_it_comes() {
    let mut world = World::new();
    world.es().app.limit_attachments(AttachmentLimits { longest: 3 << 20, quota: 4 << 20, ..often() });
    let first = sent(&mut world, &[&file(3 * MIB, 1)]);
    let second = sent(&mut world, &[&file(2 * MIB, 2), &file(4 * MIB, 3)]);
    let es = world.es();
    assert_eq!(state(es, first, 0), LinkState::Wanted);
    assert_eq!((state(es, second, 0), state(es, second, 1)), (LinkState::OverQuota, LinkState::TooLong));
    let refused: Vec<_> =
        es.entries().into_iter().filter(|(kind, ..)| kind == "attachment.refused").collect();
    let verdicts: Vec<_> = refused.iter().map(|(_, _, verdict)| verdict.as_str()).collect();
    assert_eq!(verdicts, ["attachment.quota", "attachment.too_long"]);
    pull(&world, 100).unwrap();
    es.app.tick_attachments().unwrap();
    assert_eq!(state(es, second, 0), LinkState::OverQuota, "the first still fills it");
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, first, OrderReason::Originator).unwrap();
    world.settle();
    world.es().app.tick_attachments().unwrap();
    assert_eq!(state(world.es(), second, 0), LinkState::Wanted);
    pull(&world, 100).unwrap();
    let case = case_there(&world);
    assert_eq!(read(world.es(), case, second, 1, 0).unwrap(), file(2 * MIB, 2));
}

#[test]
fn attachments_count_in_what_the_agreement_allows_per_day() {
    let mut world = World::strangers(&[MA, ES]);
    world.agreement =
        world.agree(0, 1, |text| text.replace("bytes_per_day = 268435456", "bytes_per_day = 2097152"));
    let (case, number) = drafted(&world, &[&file(3 * MIB, 1)]);
    approve(world.ma(), case, number);
    let refused = world.ma().release(number, &Use::default()).unwrap_err();
    assert_eq!((refused.kind(), refused.step()), (ErrorKind::Refused, Some(13)));
    let number = sent(&mut world, &[&file(MIB, 1)]);
    assert_eq!(state(world.es(), number, 0), LinkState::Wanted);
    let (case, number) = drafted(&world, &[&file(MIB, 2)]);
    approve(world.ma(), case, number);
    assert_eq!(
        world.ma().release(number, &Use::default()).unwrap_err().step(),
        Some(13),
        "the day is used up"
    );
}

#[test]
fn one_ciphertext_is_there_once_and_goes_with_the_last_that_names_it() {
    let mut world = World::new();
    let bytes = file(2 * MIB, 4);
    let (case, number) = sent_in(&mut world, &[&bytes]);
    pull(&world, 100).unwrap();
    let files = on_disk(&world.es().mark);
    let may = world.ma().actor("analyst").may(intent::WriteReport).unwrap();
    let changes =
        mithaq_app::Changes { title: Some(text("Two travellers, not three")), ..Default::default() };
    world.ma().app.correct_report(may, &world.ma().enter("analyst", case), number, &changes).unwrap();
    approve(world.ma(), case, number);
    world.ma().release(number, &Use::default()).unwrap();
    world.settle();
    assert_eq!(wants(&world), [], "it is here already");
    assert_eq!(on_disk(&world.es().mark), files);
    let there = case_there(&world);
    assert_eq!(read(world.es(), there, number, 1, 0).unwrap(), bytes);
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, OrderReason::Originator).unwrap();
    world.settle();
    assert_eq!(on_disk(&world.es().mark), 0, "ciphertext and list are gone");
    assert_eq!(world.es().count("attachment.removed"), 1);
}

#[test]
fn what_is_taken_back_in_the_middle_is_not_given_not_taken_and_not_read_on() {
    let mut world = World::new();
    let bytes = file(3 * MIB, 4);
    let (half, read_half) = (sent(&mut world, &[&bytes]), sent(&mut world, &[&bytes]));
    let wanted = wants(&world);
    pull(&world, 4).unwrap();
    let there = case_there(&world);
    let (done, open) =
        if state(world.es(), half, 0) == LinkState::Here { (half, read_half) } else { (read_half, half) };
    let may = world.es().actor("analyst").may(intent::ReadReport).unwrap();
    let access = world.es().enter("analyst", there);
    let reason = text("The list names the travellers");
    let mut reader = world.es().app.read_attachment(may, &access, done, (1, 0), &reason).unwrap();
    reader.next_chunk().unwrap().unwrap();
    for number in [done, open] {
        let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
        world.ma().app.recall_report(may, number, OrderReason::Originator).unwrap();
    }
    for want in &wanted {
        let asked = world.ma().app.chunk_for(&world.es().party, (want.agreement, want.root), 0);
        assert_eq!(asked.unwrap_err().kind(), ErrorKind::NotFound, "from the order on");
    }
    world.settle();
    assert_eq!(reader.next_chunk().unwrap_err().code(), "report.locked.recalled");
    for want in &wanted {
        let late = world.es().app.take_chunk(&world.ma().party, (want.agreement, want.root), 1, b"late");
        assert_eq!(late.unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!((wants(&world), on_disk(&world.es().mark)), (vec![], 0));
}

#[test]
fn who_did_not_accept_the_report_gets_no_byte_of_it() {
    let mut world = World::strangers(&[MA, ES, CI]);
    world.agreement = world.agree(0, 1, |text| text);
    let other = world.agree(0, 2, |text| text);
    let (case, number) = drafted(&world, &[&file(MIB, 1)]);
    let root = own_root(world.ma(), number);
    let ask = |world: &World, peer: &PartyId, agreement: AgreementId| {
        world.ma().app.chunk_list_for(peer, agreement, root).map_err(|error| error.kind())
    };
    let (es, ci, agreement) = (world.es().party.clone(), world.nodes[2].party.clone(), world.agreement);
    assert_eq!(ask(&world, &es, agreement), Err(ErrorKind::NotFound), "a draft");
    approve(world.ma(), case, number);
    world.ma().release(number, &Use::default()).unwrap();
    assert_eq!(ask(&world, &es, agreement), Err(ErrorKind::Unavailable), "before the receipt");
    world.settle();
    assert!(ask(&world, &es, agreement).is_ok());
    assert_eq!(ask(&world, &ci, agreement), Err(ErrorKind::NotFound), "not its agreement");
    assert_eq!(ask(&world, &ci, other), Err(ErrorKind::NotFound), "not its report");
    assert_eq!(ask(&world, &es, AgreementId::new([1; 32])), Err(ErrorKind::NotFound));
    let named = (agreement, root);
    assert_eq!(
        world.ma().app.chunk_for(&es, named, 1).unwrap_err().kind(),
        ErrorKind::NotFound,
        "behind the end"
    );
    // And nobody brings what was not asked for.
    let list = world.ma().app.chunk_list_for(&es, agreement, root).unwrap();
    let pushed = world.nodes[2].app.take_chunk_list(&world.ma().party, (other, root), &list);
    assert_eq!(pushed.unwrap_err().kind(), ErrorKind::NotFound);
    let taken = world.es().app.take_chunk_list(&ci, (agreement, root), &list);
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::NotFound, "from another than the originator");
}

pub(crate) fn own_root(node: &Node, number: ReportId) -> Digest {
    let job = move |tx: &mut dyn Tx| Ok::<_, AppError>(rows::links(tx, number.into())?);
    node.db.read(job).unwrap()[0].root
}

#[test]
fn bytes_changed_on_disk_are_not_shown_and_fetched_again() {
    let mut world = World::new();
    let bytes = file(2 * MIB + 5, 6);
    let number = sent(&mut world, &[&bytes]);
    pull(&world, 100).unwrap();
    let case = case_there(&world);
    let root = own_root(world.ma(), number);
    let path = world.es().mark.1.path().join("attachments").join(format!("{root:?}.mxa"));
    let mut stored = std::fs::read(&path).unwrap();
    stored[MIB + 99] ^= 1;
    std::fs::write(&path, stored).unwrap();
    assert_eq!(code(read(world.es(), case, number, 1, 0)), "attachment.damaged");
    assert_eq!(code(read(world.es(), case, number, 1, 0)), "attachment.incomplete");
    pull(&world, 100).unwrap();
    assert_eq!(read(world.es(), case, number, 1, 0).unwrap(), bytes);
    // Lost while the node was away, it is wanted again from the start.
    std::fs::remove_file(&path).unwrap();
    restart(&mut world, 1, 3);
    assert_eq!(state(world.es(), number, 0), LinkState::Wanted);
    world.announce(0, 1);
    pull(&world, 100).unwrap();
    assert_eq!(read(world.es(), case, number, 1, 0).unwrap(), bytes);
}

#[test]
fn a_node_that_takes_no_content_takes_no_attachments() {
    let mut world = World::new();
    let (case, draft) = drafted(&world, &[]);
    let begun = begin(world.ma(), case, draft, 5).unwrap();
    let number = sent(&mut world, &[&file(MIB, 1)]);
    let wanted = wants(&world);
    for at in [0, 1] {
        world.nodes[at].app.take_content(false);
    }
    assert_eq!(wants(&world), []);
    let (ma, es) = (world.ma(), world.es());
    let named = (wanted[0].agreement, wanted[0].root);
    let list = ma.app.chunk_list_for(&es.party, named.0, named.1).unwrap();
    assert_eq!(code(es.app.take_chunk_list(&ma.party, named, &list)), "node.disk_low");
    assert_eq!(code(put(&ma.app, ma, begun.id, 0, b"12345")), "node.disk_low");
    es.app.take_content(true);
    pull(&world, 100).unwrap();
    assert_eq!(state(es, number, 0), LinkState::Here);
}

#[test]
fn nothing_of_an_attachment_is_in_the_clear_on_disk() {
    let mut world = World::new();
    let secret = b"Abdelhamid Tazerout, cabin 12".repeat(50_000);
    sent(&mut world, &[&secret]);
    pull(&world, 100).unwrap();
    for node in &world.nodes[..2] {
        for entry in std::fs::read_dir(node.mark.1.path().join("attachments")).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(20).any(|part| part == &secret[..20]));
        }
        assert!(on_disk(&node.mark) > 0);
    }
}
