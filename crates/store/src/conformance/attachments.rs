//! Attachments: ciphertexts kept once, links that go with their report, room counted once, uploads that end with their key.

use mithaq_exchange::Versions;
use mithaq_model::{
    Attachment, Lang, MediaType, ObjectId, OfficerId, PartyId, ReportId, ReportVersion, Sensitive, Text,
};
use mithaq_wire::{Digest, OrderReason};

use super::{AGREEMENT, Node, at, integrity, nodes, number, party};
use crate::attachments::{self, File, FileState, Link, LinkState, NewUpload};
use crate::reports::{self, Erasure};

const ROOT: Digest = Digest([7; 32]);
const OTHER: Digest = Digest([8; 32]);

fn us() -> PartyId {
    party("ma-security")
}

fn version(n: u32) -> ReportVersion {
    ReportVersion::new(n).unwrap()
}

fn link(object: u8, n: u32, root: Digest, state: LinkState) -> Link {
    Link {
        object: number(object),
        version: version(n),
        place: 1,
        root,
        party: party("es-police"),
        agreement: AGREEMENT,
        length: 5_000_000_000,
        state,
    }
}

fn file(root: Digest, state: FileState) -> File {
    File { root, length: 5_000_000_000, have: 3, state, at: at(100) }
}

fn put(node: &Node, links: &[Link], files: &[File]) {
    let (links, files) = (links.to_vec(), files.to_vec());
    node.write(move |tx, _| {
        attachments::link(tx, &links, at(100))?;
        files.iter().try_for_each(|file| attachments::put_file(tx, file))
    })
    .unwrap();
}

fn stored(node: &Node, root: Digest) -> Option<File> {
    node.read(move |tx, _| attachments::file(tx, root)).unwrap()
}

fn erase(node: &Node, object: u8, versions: Versions) {
    node.write(move |tx, _| {
        let erasure = Erasure {
            object: number(object),
            versions: &versions,
            reason: OrderReason::Originator,
            originator: &party("es-police"),
            agreement: Some(AGREEMENT),
            at: at(200),
            state: mithaq_model::ReportState::Recalled,
        };
        reports::erase(tx, &erasure).map(drop)
    })
    .unwrap();
}

#[test]
fn a_ciphertext_goes_with_the_last_version_that_names_it() {
    for node in nodes() {
        let links = [
            link(1, 1, ROOT, LinkState::Here),
            link(1, 2, ROOT, LinkState::Here),
            link(2, 1, ROOT, LinkState::Here),
            link(2, 2, OTHER, LinkState::Wanted),
        ];
        put(&node, &links, &[file(ROOT, FileState::Complete), file(OTHER, FileState::Partial)]);
        let held = node.read(|tx, _| attachments::links(tx, number(1))).unwrap();
        assert_eq!(held, links[..2]);
        put(&node, &[link(1, 1, OTHER, LinkState::Wrong)], &[]);
        assert_eq!(
            node.read(|tx, _| attachments::links(tx, number(1))).unwrap(),
            links[..2],
            "the first stays"
        );
        erase(&node, 1, Versions::Only(vec![version(1)]));
        erase(&node, 1, Versions::All);
        assert_eq!(stored(&node, ROOT), Some(file(ROOT, FileState::Complete)), "the other report names it");
        erase(&node, 2, Versions::All);
        let gone = |root| File { state: FileState::Gone, at: at(200), ..file(root, FileState::Gone) };
        assert_eq!((stored(&node, ROOT), stored(&node, OTHER)), (Some(gone(ROOT)), Some(gone(OTHER))));
        let listed = node.read(|tx, _| attachments::files(tx, FileState::Gone, None)).unwrap();
        assert_eq!(listed, [gone(ROOT), gone(OTHER)]);
        let after = node.read(|tx, _| attachments::files(tx, FileState::Gone, Some(ROOT))).unwrap();
        assert_eq!(after, [gone(OTHER)]);
        // Named again before it was swept, it begins anew.
        put(&node, &[link(3, 1, ROOT, LinkState::Wanted)], &[]);
        assert_eq!(stored(&node, ROOT), None);
        node.write(|tx, _| attachments::forget_file(tx, OTHER)).unwrap();
        assert_eq!(stored(&node, OTHER), None);
    }
}

#[test]
fn room_counts_each_ciphertext_of_partners_once() {
    for node in nodes() {
        let own = Link { party: us(), ..link(9, 1, Digest([9; 32]), LinkState::Here) };
        let elsewhere = mithaq_model::AgreementId::new([77; 32]);
        let foreign = Link { agreement: elsewhere, ..link(8, 1, Digest([6; 32]), LinkState::Here) };
        let links = [
            link(1, 1, ROOT, LinkState::Here),
            link(1, 2, ROOT, LinkState::Here),
            link(2, 1, OTHER, LinkState::Wanted),
            link(3, 1, Digest([10; 32]), LinkState::OverQuota),
            link(4, 1, Digest([11; 32]), LinkState::TooLong),
            link(5, 1, Digest([12; 32]), LinkState::Wrong),
            own,
            foreign,
        ];
        put(&node, &links, &[]);
        let held = node.read(|tx, _| attachments::held_bytes(tx, &AGREEMENT, &us())).unwrap();
        assert_eq!(held, 10_000_000_000, "two ciphertexts of 5 GB, beyond 32 bits");
        let figures = node.read(|tx, _| attachments::figures(tx)).unwrap();
        assert!(figures.contains(&(LinkState::Here, 4, 20_000_000_000)), "{figures:?}");
        assert_eq!(figures.len(), 5);
    }
}

#[test]
fn what_is_wanted_comes_in_the_order_it_may_be_asked_for() {
    for node in nodes() {
        let links = [link(1, 1, ROOT, LinkState::Wanted), link(2, 1, OTHER, LinkState::Wanted)];
        put(&node, &links, &[]);
        let wanted = |now| {
            let of =
                move |tx: &mut dyn mithaq_db::Tx| attachments::wanted(tx, &party("es-police"), at(now), 9);
            node.read(move |tx, _| of(tx)).unwrap()
        };
        assert_eq!(wanted(99), []);
        assert_eq!(wanted(100), links);
        let first = links[0].clone();
        node.write(move |tx, _| attachments::set_link(tx, &first, LinkState::Wanted, at(500))).unwrap();
        assert_eq!(wanted(499), links[1..]);
        assert_eq!(wanted(500), [links[1].clone(), links[0].clone()]);
        let first = links[0].clone();
        node.write(move |tx, _| attachments::set_link(tx, &first, LinkState::TooLong, at(500))).unwrap();
        assert_eq!(wanted(500), links[1..]);
        let long = node.read(|tx, _| attachments::in_state(tx, LinkState::TooLong, 9)).unwrap();
        assert_eq!(long, [Link { state: LinkState::TooLong, ..links[0].clone() }]);
        let none = link(6, 1, ROOT, LinkState::Wanted);
        let missing = node.write(move |tx, _| attachments::set_link(tx, &none, LinkState::Here, at(1)));
        assert!(missing.is_err(), "nothing to change");
        let named = node.read(|tx, _| attachments::links_to(tx, OTHER)).unwrap();
        assert_eq!(named, links[1..]);
    }
}

#[test]
fn who_signed_that_it_has_it_is_kept_once_and_goes_with_the_object() {
    for node in nodes() {
        put(&node, &[link(1, 1, ROOT, LinkState::Here)], &[file(ROOT, FileState::Complete)]);
        for when in [300, 400] {
            let named = (number::<ObjectId>(1), version(1), ROOT);
            node.write(move |tx, _| attachments::receipted(tx, named, &party("ci-judiciary"), at(when)))
                .unwrap();
        }
        let found = node.read(|tx, _| attachments::receipts(tx, number(1))).unwrap();
        assert_eq!((found.len(), found[0].at, found[0].root), (1, at(300), ROOT), "the first word stands");
        erase(&node, 1, Versions::All);
        assert_eq!(node.read(|tx, _| attachments::receipts(tx, number(1))).unwrap(), []);
    }
}

fn new_upload(n: u8, report: u8, when: i64) -> NewUpload {
    let attachment = Attachment {
        name: Text::line(Lang::FR, "liste des passagers.csv").unwrap(),
        media: MediaType::new("text/csv").unwrap(),
        length: 5_000_000_000,
        root: [0; 32],
        key: Sensitive::new([n; 32]),
    };
    NewUpload {
        id: [n; 16],
        report: number::<ReportId>(report),
        officer: number::<OfficerId>(4),
        attachment,
        at: at(when),
    }
}

#[test]
fn an_upload_is_kept_encrypted_goes_on_and_ends_with_its_key() {
    for node in nodes() {
        for new in [new_upload(1, 5, 100), new_upload(2, 5, 200), new_upload(3, 6, 300)] {
            node.write(move |tx, vault| attachments::start_upload(tx, vault, &new)).unwrap();
        }
        let load = |n: u8| node.read(move |tx, vault| attachments::upload(tx, vault, [n; 16])).unwrap();
        let found = load(1).unwrap();
        assert_eq!((found.attachment, found.have), (new_upload(1, 5, 100).attachment, 0));
        node.write(|tx, _| attachments::advance_upload(tx, [1; 16], 17, at(900))).unwrap();
        assert_eq!(load(1).unwrap().have, 17);
        let under_way = node.read(|tx, _| attachments::under_way(tx, number(5))).unwrap();
        let far: Vec<_> = under_way.iter().map(|one| (one.id, one.have, one.changed_at)).collect();
        assert_eq!(far, [([2; 16], 0, at(200)), ([1; 16], 17, at(900))], "not that of another draft");
        assert_eq!((under_way[0].officer, under_way[0].length), (number(4), 5_000_000_000));
        let stale = node.read(|tx, _| attachments::stale_uploads(tx, at(301))).unwrap();
        assert_eq!(stale, [[2; 16], [3; 16]], "not what was gone on with");
        node.write(|tx, _| attachments::end_upload(tx, [2; 16])).unwrap();
        assert!(load(2).is_none());
        assert!(node.write(|tx, _| attachments::advance_upload(tx, [2; 16], 1, at(901))).is_err());
        let finish = |n: u8| node.write(move |tx, _| attachments::finish_upload(tx, [n; 16], 4, at(902)));
        assert_eq!(
            [finish(3), finish(3), finish(2)],
            [Ok(true), Ok(false), Ok(false)],
            "once, and not what was ended"
        );
        let done = || node.read(|tx, _| attachments::done_upload(tx, [3; 16])).unwrap();
        assert_eq!(done().map(|done| (done.officer, done.place)), Some((number(4), 4)));
        assert!(
            load(3).is_none() && node.read(|tx, _| attachments::under_way(tx, number(6))).unwrap().is_empty()
        );
        assert!(node.read(|tx, _| attachments::done_upload(tx, [1; 16])).unwrap().is_none());
        erase(&node, 6, Versions::All);
        assert_eq!(done(), None, "it goes with the draft it was for");
        // Changed by hand, it does not open.
        node.tamper("UPDATE attachment_upload SET content = officer");
        let damaged = node.read(|tx, vault| attachments::upload(tx, vault, [1; 16])).unwrap_err();
        assert!(integrity(&damaged), "{damaged}");
    }
}

#[test]
fn a_state_nobody_knows_is_damage() {
    for node in nodes() {
        put(&node, &[link(1, 1, ROOT, LinkState::Here)], &[file(ROOT, FileState::Complete)]);
        node.tamper("UPDATE attachment_link SET state = 'whatever'");
        node.tamper("UPDATE attachment_file SET state = 'whatever'");
        assert!(integrity(&node.read(|tx, _| attachments::links(tx, number(1))).unwrap_err()));
        assert!(integrity(&node.read(|tx, _| attachments::file(tx, ROOT)).unwrap_err()));
    }
}
