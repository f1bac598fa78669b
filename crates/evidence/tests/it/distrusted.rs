//! Keys that their own root does not trust any more: what was signed before counts, what comes later does not, and the
//! judgement says so.

use mithaq_envelope::{ManifestError, distrust_document, peek_distrust};
use mithaq_evidence::{Anchors, Gap, JudgeError, Judgement, PaperFault, judge};
use mithaq_model::PartyId;

use crate::world::{ES, Fields, MA, World, entry};

fn gap(index: u64, party: &str) -> Gap {
    Gap::KeyDistrusted { index, party: PartyId::new(party).unwrap() }
}

fn is_signed(found: &Judgement) -> (bool, bool) {
    let message = &found.messages[0];
    (message.place.is_some(), message.receipt.is_some())
}

#[test]
fn what_the_logs_own_party_signed_counts_below_the_size_its_root_names() {
    // The message is entry 4 of this log.
    for (since, counts) in [(5, true), (4, false), (0, false)] {
        let mut world = World::new();
        world.attach(world.ma.distrust(world.ma.node_key(), since, since > 0));
        let found = world.judge().unwrap();
        assert_eq!(is_signed(&found), (counts, true), "since {since}");
        assert_eq!(found.gaps.contains(&gap(4, MA)), !counts);
        assert_eq!(found.gaps.contains(&Gap::NoEnvelope { index: 4 }), !counts, "it is not signed for");
        assert_eq!((found.distrusts.len(), found.distrusts[0].since), (1, since));
    }
}

#[test]
fn a_statement_that_proves_no_size_leaves_nothing_under_the_key() {
    let mut world = World::new();
    world.attach(world.ma.distrust(world.ma.node_key(), 900, false));
    let found = world.judge().unwrap();
    assert!(!found.distrusts[0].is_proven);
    assert_eq!(is_signed(&found), (false, true));
    // A checkpoint of another size than the statement names, and one that another log signed.
    for changed in [("since", 8), ("log", 7)] {
        let mut world = World::new();
        let mut one = peek_distrust(&world.ma.distrust(world.ma.node_key(), 7, true)).unwrap();
        match changed {
            ("since", size) => one.since = size,
            _log => one.checkpoint = peek_distrust(&world.es.distrust([1; 32], 7, true)).unwrap().checkpoint,
        }
        world.attach(world.ma.signed_distrust(&one));
        assert!(!world.judge().unwrap().distrusts[0].is_proven, "{changed:?}");
    }
}

#[test]
fn receipts_of_a_partner_count_when_they_were_there_before_its_statement_came() {
    // Without the entry that says when it came, nothing under the key counts.
    let mut world = World::new();
    world.attach(world.es.distrust(world.es.node_key(), 3, true));
    let found = world.judge().unwrap();
    assert_eq!(is_signed(&found), (true, false));
    assert!(found.gaps.contains(&gap(5, ES)));
    assert!(found.gaps.contains(&Gap::NoReceipt { index: 4, claimed: true }), "delivery is not proven");
    let all = World::new().judge().unwrap().later.len();
    assert_eq!(found.later.len(), all, "its seals are under another key");
    // It came after the receipt: entry 9 of this log.
    let came = Fields { object: Some(ES), with: Some(ES), verdict: Some("size/3"), ..Fields::default() };
    world.entries.push(entry("partner.key_distrusted", came));
    let found = world.judge().unwrap();
    assert_eq!((is_signed(&found), found.gaps.len()), ((true, true), 0), "{:?}", found.gaps);
    // It came before: the receipt is from later.
    world.entries.insert(5, entry("partner.key_distrusted", came));
    world.open = false;
    let found = world.judge().unwrap();
    assert_eq!(is_signed(&found), (true, false));
    assert!(found.gaps.contains(&gap(6, ES)));
}

#[test]
fn seals_of_an_agency_do_not_count_under_a_distrusted_key() {
    let mut world = World::new();
    world.attach(world.es.distrust(world.es.seal_key(), 3, true));
    let found = world.judge().unwrap();
    assert_eq!(is_signed(&found), (true, true), "the node signed those");
    assert!(found.later.is_empty());
    let missing: Vec<u64> = found
        .gaps
        .iter()
        .filter_map(|one| if let Gap::NoLaterReceipt { index } = one { Some(*index) } else { None })
        .collect();
    assert!(missing.len() >= 2 && missing.iter().all(|index| found.gaps.contains(&gap(*index, ES))));
    assert!(found.gaps.iter().any(|one| matches!(one, Gap::NoErasure { .. })), "the erasure is owed");
}

#[test]
fn who_made_the_bundle_cannot_leave_a_statement_out_that_the_verifier_knows() {
    let world = World::new();
    let statement = world.es.distrust(world.es.node_key(), 3, true);
    let anchors = Anchors { distrusts: vec![statement.clone()], ..world.anchors() };
    let found = judge(&world.bundle(), &anchors).unwrap();
    assert_eq!(is_signed(&found), (true, false));
    // Attached too, it is one statement; of a party that nothing is about, it says nothing.
    let mut world = world;
    world.attach(statement);
    assert_eq!(judge(&world.bundle(), &anchors).unwrap().distrusts.len(), 1);
    let stranger = crate::world::Agency::new("fr-police", 60).distrust([1; 32], 3, true);
    let anchors = Anchors { distrusts: vec![stranger], ..world.anchors() };
    assert!(judge(&world.bundle(), &anchors).is_ok());
}

#[test]
fn a_statement_of_another_root_or_name_refuses_the_bundle() {
    let mut world = World::new();
    let foreign = crate::world::Agency::new(ES, 60).distrust([1; 32], 3, true);
    world.attach(foreign);
    let refused = world.refusal();
    assert!(
        matches!(&refused, JudgeError::Paper { why: PaperFault::Distrust(ManifestError::Root), .. }),
        "{refused:?}"
    );
    let mut world = World::new();
    let statement = world.es.distrust([1; 32], 3, true);
    world.documents.push(("distrust/0000".to_owned(), statement.clone()));
    assert!(matches!(world.refusal(), JudgeError::Paper { why: PaperFault::Name, .. }));
    let given = Anchors { distrusts: vec![b"paper".to_vec()], ..World::new().anchors() };
    assert!(judge(&World::new().bundle(), &given).is_err());
    assert!(!distrust_document(&peek_distrust(&statement).unwrap()).is_empty());
}
