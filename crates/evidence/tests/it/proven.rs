//! What a good bundle proves, and what it says it does not.

use mithaq_evidence::{Anchors, Gap, JudgeError, LaterKind, RootSource, Violation, judge};
use mithaq_model::{PartyId, Timestamp};

use crate::world::{ATTACHED, Agency, ES, Fields, MA, World, entry, now};

#[test]
fn a_whole_exchange_is_proven_to_someone_who_has_the_agreement_on_paper() {
    let world = World::new();
    let found = world.judge().unwrap();
    assert!(found.is_anchored && found.is_complete);
    assert_eq!((found.party.as_str(), found.size, found.entries), (MA, 10, 10));
    assert_eq!(found.countersigned.len(), 1);
    assert!(found.countersigned[0].is_known && found.countersigned[0].by == "es-police/witness");
    assert_eq!((found.quorum.by_agreement, found.quorum.demanded()), (1, 1));
    let agreement = &found.agreements[0];
    assert_eq!((agreement.signatures.len(), agreement.missing.len()), (2, 0));
    assert_eq!(agreement.life, [(1, now(), "in_force")]);
    let message = &found.messages[0];
    assert_eq!((message.index, message.is_sent, message.partner.as_str()), (4, true, ES));
    assert_eq!(message.place.unwrap().seq, 1);
    let report = message.object.parse::<mithaq_model::ObjectId>().unwrap().into();
    assert_eq!((message.kind, message.report), (Some(mithaq_wire::MessageKind::Order), Some(report)));
    assert_eq!(message.receipt.as_ref().unwrap().verdict, "accepted");
    assert!(matches!(found.later[0].kind, LaterKind::Read { .. }));
    assert!(matches!(found.later[1].kind, LaterKind::Complete { root: ATTACHED, .. }));
    assert!(matches!(found.later[2].kind, LaterKind::Erased { .. }));
    assert_eq!((found.contents.opened, found.contents.closed), (1, 0));
    assert_eq!((found.violations.as_slice(), found.gaps.as_slice()), (&[][..], &[][..]));
}

#[test]
fn each_way_to_anchor_and_none() {
    let world = World::new();
    let bundle = world.bundle();
    let roots =
        [(world.ma.party.clone(), world.ma.fingerprint()), (world.es.party.clone(), world.es.fingerprint())];
    let by_roots = judge(&bundle, &Anchors { roots: roots.clone().into(), ..Anchors::default() }).unwrap();
    assert!(by_roots.is_anchored && by_roots.gaps.is_empty());
    assert_eq!(by_roots.roots[&world.ma.party].source, RootSource::Given);

    let nothing = judge(&bundle, &Anchors::default()).unwrap();
    assert!(!nothing.is_anchored && nothing.gaps.contains(&Gap::NotAnchored));
    assert_eq!(nothing.roots[&world.es.party].source, RootSource::Bundle(world.agreement));

    // With one root alone, the other party could be invented: its countersignature does not count.
    let one = Anchors { roots: [roots[0].clone()].into(), ..Anchors::default() };
    assert_eq!(judge(&bundle, &one).err(), Some(JudgeError::Quorum { needed: 1, known: 0, there: 1 }));

    let log =
        Anchors { logs: vec![world.ma.log_key()], agreements: vec![world.agreement], ..Anchors::default() };
    assert!(judge(&bundle, &log).unwrap().is_anchored);
}

#[test]
fn what_the_verifier_knows_and_the_bundle_denies_refuses_it() {
    let world = World::new();
    let bundle = world.bundle();
    let other_root = Anchors { roots: [(world.es.party.clone(), [1; 32])].into(), ..Anchors::default() };
    assert_eq!(judge(&bundle, &other_root).err(), Some(JudgeError::Root { party: world.es.party.clone() }));
    let agreement = mithaq_model::AgreementId::new([1; 32]);
    let other = Anchors { agreements: vec![agreement], ..Anchors::default() };
    assert_eq!(judge(&bundle, &other).err(), Some(JudgeError::NoSuchAgreement { agreement }));
    // The name is right, the key is somebody else's.
    let key = Agency::new(MA, 60).log_key();
    let log = Anchors { logs: vec![key], ..world.anchors() };
    assert_eq!(judge(&bundle, &log).err(), Some(JudgeError::LogKey { party: world.ma.party.clone() }));
    let stranger = Anchors { logs: vec![Agency::new(ES, 60).log_key()], ..world.anchors() };
    assert_eq!(judge(&bundle, &stranger).err(), Some(JudgeError::NoLogKey));
}

#[test]
fn the_quorum_of_the_agreement_is_demanded() {
    let mut world = World::new();
    world.witnesses = false;
    let too_few = JudgeError::Quorum { needed: 1, known: 0, there: 0 };
    assert_eq!(world.refusal(), too_few);
    assert_eq!(judge(&world.bundle(), &Anchors::default()).err(), Some(too_few));
    world.witnesses = true;
    let two = Anchors { quorum: 2, ..world.anchors() };
    assert!(judge(&world.bundle(), &two).is_err(), "one partner is not two");
}

#[test]
fn what_is_missing_is_said() {
    for (dropped, expected) in [
        ("envelope/", Gap::NoEnvelope { index: 4 }),
        ("later/", Gap::NoLaterReceipt { index: 6 }),
        ("receipts/", Gap::NoReceipt { index: 4, claimed: true }),
    ] {
        let mut world = World::new();
        world.swap(dropped, None);
        if dropped == "receipts/" {
            world.swap("receipt/", None);
        }
        let found = world.judge().unwrap();
        assert!(found.gaps.contains(&expected), "{dropped}: {:?}", found.gaps);
    }
    let mut world = World::new();
    world.swap("later/", None);
    let owed = Gap::NoErasure {
        object: mithaq_model::ObjectId::new(crate::world::OBJECT).to_string(),
        partner: world.es.party.clone(),
    };
    assert!(world.judge().unwrap().gaps.contains(&owed));
}

#[test]
fn a_part_of_the_log_says_that_it_is_a_part() {
    let mut world = World::new();
    world.from = 2;
    let found = world.judge().unwrap();
    assert!(found.gaps.contains(&Gap::LeftOut { entries: 2 }));
    assert!(found.gaps.contains(&Gap::StageNotShown { agreement: world.agreement }));
    assert!(found.violations.is_empty(), "what is not shown is no wrong");
}

#[test]
fn content_that_is_not_shown_is_closed_and_after_an_erasure_erased() {
    let mut world = World::new();
    world.open = false;
    assert_eq!(world.judge().unwrap().contents.closed, 1);
    let object = mithaq_model::ReportId::new(crate::world::OBJECT).to_string();
    world.entries.push(entry("report.erased", Fields { object: Some(&object), ..Fields::default() }));
    let contents = world.judge().unwrap().contents;
    assert_eq!((contents.erased, contents.closed), (1, 0));
}

#[test]
fn a_disclosure_outside_the_agreement_is_shown_as_a_wrong() {
    let base = World::new();
    let released = Fields { agreement: Some(base.agreement), with: Some(ES), ..Fields::default() };
    let before = Timestamp::parse("2025-12-31").unwrap();
    let stage = |code: &str| entry(code, Fields { agreement: Some(base.agreement), ..Fields::default() });
    let cases = [
        (vec![entry("report.released", Fields { at: Some(before), ..released })], "dates"),
        (vec![stage("agreement.suspended"), entry("report.released", released)], "suspended"),
        (vec![entry("report.released", Fields { with: Some("xx-nobody"), ..released })], "party"),
    ];
    for (added, what) in cases {
        let mut world = World::new();
        world.entries.extend(added);
        let violations = world.judge().unwrap().violations;
        assert_eq!(violations.len(), 1, "{what}: {violations:?}");
    }
}

#[test]
fn an_agreement_that_one_side_signed_permits_nothing() {
    let mut world = World::new();
    let text = String::from_utf8(world.signed.text().to_vec()).unwrap();
    let mut half = mithaq_envelope::SignedAgreement::new(&text).unwrap();
    half.add(world.signed.signatures().next().unwrap()).unwrap();
    let name = mithaq_evidence::agreement_name(&world.agreement);
    world.swap("agreement/", Some((name, half.to_bytes())));
    let found = world.judge().unwrap();
    assert_eq!(found.agreements[0].missing, [PartyId::new(MA).unwrap()]);
    assert_eq!(found.quorum.by_agreement, 0, "what one side signed binds nobody");
    assert!(found.violations.iter().any(|one| matches!(one, Violation::Unsigned { .. })));
}

#[test]
fn a_successor_of_the_log_is_verified_with_the_same_key() {
    let mut world = World::new();
    world.origin = format!("{MA}/log/2");
    let found = world.judge().unwrap();
    assert_eq!(found.origin, world.origin);
    assert_eq!(found.gaps, [Gap::SuccessorNotAttested { origin: world.origin.clone() }]);
    world.origin = format!("{MA}/log/02");
    assert_eq!(world.refusal(), JudgeError::NoLogKey);
}
