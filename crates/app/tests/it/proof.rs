//! Evidence of a real exchange, judged as an oversight body judges it; partners that countersign; a node that exists
//! twice.

use mithaq_app::{Extent, Use, WitnessAnswer, intent};
use mithaq_db::Tx;
use mithaq_evidence::{Anchors, Gap, JudgeError, LaterKind, judge};
use mithaq_ledger::{AddCheckpoint, ForkProof, SignedNote};
use mithaq_model::{AgreementId, CrimeArea};
use mithaq_store::{alarms, ledger};
use mithaq_wire::OrderReason;

use crate::world::{ES, MA, World, recruiter};

/// Two nodes whose agreement asks for one countersignature.
fn world() -> World {
    let mut world = World::strangers(&[MA, ES]);
    let edit =
        |text: String| text.replace("sees_content = false", "sees_content = false\ncountersignatures = 1");
    world.agreement = world.agree(0, 1, edit);
    world
}

/// Sent, accepted, read, recalled, erased.
fn story(world: &mut World) -> (mithaq_model::CaseId, mithaq_model::ReportId) {
    let (case, number) = world.released();
    world.settle();
    let there = world.es().case(CrimeArea::ForeignTerroristFighters);
    world.es().read(there, number).unwrap();
    world.settle();
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, OrderReason::Inaccurate).unwrap();
    world.settle();
    (case, number)
}

/// Exports as the API does: begun, countersigned, finished.
fn export(world: &World, node: usize, extent: &Extent) -> Vec<u8> {
    let may = world.nodes[node].actor("oversight").may(intent::ReadLog).unwrap();
    let size = world.nodes[node].app.begin_export(may, extent).unwrap();
    assert!(matches!(world.countersign(node, 1 - node), Some(WitnessAnswer::Signed(_))));
    assert!(world.nodes[node].app.is_countersigned(size).unwrap());
    world.nodes[node].app.finish_export(may, extent).unwrap()
}

fn on_paper(agreement: AgreementId) -> Anchors {
    Anchors { agreements: vec![agreement], ..Anchors::default() }
}

#[test]
fn a_stranger_with_the_agreement_on_paper_is_convinced_of_the_whole_exchange() {
    let mut world = world();
    let (_, number) = story(&mut world);
    let bundle = export(&world, 0, &Extent::All);
    let found = judge(&bundle, &on_paper(world.agreement)).unwrap();
    assert!(found.is_anchored && found.is_complete && found.violations.is_empty(), "{:?}", found.violations);
    assert_eq!(found.countersigned.len(), 1);
    assert!(found.agreements[0].life.iter().any(|(_, _, stage)| *stage == "in_force"));
    let sent: Vec<_> = found.messages.iter().filter(|message| message.is_sent).collect();
    assert!(sent.len() >= 2, "the report and the recall");
    for message in &sent {
        assert!(message.place.is_some(), "the envelope of {} is attached", message.object);
        assert_eq!(message.receipt.as_ref().unwrap().verdict, "accepted");
    }
    let object = mithaq_model::ObjectId::from(number);
    let of_object = |erased: bool| {
        found
            .later
            .iter()
            .any(|one| one.object == object && matches!(one.kind, LaterKind::Erased { .. }) == erased)
    };
    assert!(of_object(false) && of_object(true), "R3 and R4, signed by the partner");
    assert_eq!(found.gaps, [], "nothing of this exchange is left to trust");
}

#[test]
fn the_receiver_proves_what_came_and_says_what_it_erased() {
    let mut world = world();
    story(&mut world);
    let bundle = export(&world, 1, &Extent::All);
    let found = judge(&bundle, &on_paper(world.agreement)).unwrap();
    assert!(found.violations.is_empty(), "{:?}", found.violations);
    let report = found.messages.iter().find(|message| !message.is_sent).unwrap();
    assert_eq!(report.partner.as_str(), MA);
    assert!(report.place.is_none(), "the ciphertext went with the content");
    assert!(found.gaps.contains(&Gap::NoEnvelope { index: report.index }));
    let recall = found.messages.iter().rfind(|message| !message.is_sent).unwrap();
    assert!(recall.place.is_some(), "the order that asked for it is kept, signed by its sender");
    assert!(found.contents.erased > 0);
}

/// A second report, about somebody else, in a case of its own.
fn another_report(world: &World) -> mithaq_model::ReportId {
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let subject = ma.add_subject(case, recruiter(8));
    let number = ma.ready(case, world.report(&[subject]));
    ma.release(number, &Use::default()).unwrap();
    number
}

#[test]
fn a_part_shows_the_part_and_nothing_of_other_partners() {
    let mut world = world();
    let (case, number) = story(&mut world);
    let other = another_report(&world);
    world.settle();
    for extent in [Extent::Object(number.into()), Extent::Case(case), Extent::Agreement(world.agreement)] {
        let bundle = export(&world, 0, &extent);
        let found = judge(&bundle, &on_paper(world.agreement)).unwrap();
        assert!(found.violations.is_empty() && !found.is_complete, "{extent:?}");
        assert!(
            found.gaps.iter().all(|gap| matches!(gap, Gap::LeftOut { .. })),
            "{extent:?}: {:?}",
            found.gaps
        );
        let object = mithaq_model::ObjectId::from(number).to_string();
        assert!(found.messages.iter().any(|message| message.object == object && message.receipt.is_some()));
        let stranger = mithaq_model::ObjectId::from(other).to_string();
        let shown = found.messages.iter().any(|message| message.object == stranger);
        assert_eq!(shown, matches!(extent, Extent::Agreement(_)), "{extent:?}");
    }
}

#[test]
fn evidence_that_nobody_countersigned_is_handed_out_and_refused_by_who_verifies() {
    let mut world = world();
    story(&mut world);
    let may = world.ma().actor("oversight").may(intent::ReadLog).unwrap();
    let bundle = world.ma().app.export_evidence(may, &Extent::All).unwrap();
    let refused = judge(&bundle, &on_paper(world.agreement)).err();
    assert_eq!(refused, Some(JudgeError::Quorum { needed: 1, known: 0, there: 0 }));
}

#[test]
fn a_witness_answers_as_the_protocol_says() {
    let world = world();
    let (ma, es) = (world.ma(), world.es());
    ma.app.sign_checkpoint().unwrap();
    let request = ma.app.witness_request(&es.party).unwrap().unwrap();
    let asked = AddCheckpoint::parse(&request.body).unwrap();
    let ask = |request: &AddCheckpoint| es.app.countersign(&ma.party, &request.to_bytes()).unwrap();
    assert_eq!(es.app.countersign(&ma.party, b"old x\n\n").unwrap(), WitnessAnswer::Malformed);
    // Not its log: another partner's name, or a stranger's key.
    let renamed = String::from_utf8(asked.note.clone()).unwrap().replace("ma-security/log", "es-police/log");
    let other = AddCheckpoint { note: renamed.into_bytes(), ..asked.clone() };
    assert_eq!(ask(&other), WitnessAnswer::UnknownLog);
    let text = SignedNote::parse(&asked.note).unwrap().text().to_owned();
    let changed = String::from_utf8(asked.note.clone()).unwrap();
    let size: u64 = text.lines().nth(1).unwrap().parse().unwrap();
    let longer = changed.replacen(&size.to_string(), &(size + 1).to_string(), 1);
    assert_eq!(ask(&AddCheckpoint { note: longer.into_bytes(), ..asked.clone() }), WitnessAnswer::Signature);
    // From a size it does not hold.
    assert_eq!(ask(&AddCheckpoint { old_size: 1, ..asked.clone() }), WitnessAnswer::Conflict(0));

    let WitnessAnswer::Signed(line) = ask(&asked) else { panic!("not signed") };
    ma.app.witness_signed(&es.party, &request, &line).unwrap();
    assert!(ma.app.witness_signed(&es.party, &request, &line[..line.len() - 3]).is_err());
    assert_eq!(ma.app.witness_request(&es.party).unwrap().map(|_| ()), None, "nothing new to countersign");
    // Persisted: the same request again starts from a size it no longer holds.
    assert_eq!(ask(&asked), WitnessAnswer::Conflict(size));
    let again = AddCheckpoint { old_size: size, proof: Vec::new(), ..asked };
    assert!(matches!(ask(&again), WitnessAnswer::Signed(_)), "what it holds it confirms again");
    // The log grows; a proof that does not hold is inconsistent, the right one is signed.
    ma.case(CrimeArea::ForeignTerroristFighters);
    ma.app.sign_checkpoint().unwrap();
    let next = ma.app.witness_request(&es.party).unwrap().unwrap();
    let mut bad = AddCheckpoint::parse(&next.body).unwrap();
    bad.proof.pop();
    assert_eq!(ask(&bad), WitnessAnswer::Inconsistent);
    assert!(matches!(world.countersign(0, 1), Some(WitnessAnswer::Signed(_))));
    let view = ma.app.log_view(ma.actor("oversight").may(intent::ReadHealth).unwrap()).unwrap();
    assert_eq!((view.quorum, view.countersigned), (1, view.signed));
    assert_eq!((view.witnesses[0].party.as_str(), view.witnesses[0].size), (ES, view.signed));
}

#[test]
fn a_witness_that_lost_nothing_but_its_answer_is_asked_from_where_it_is() {
    let world = world();
    world.ma().app.sign_checkpoint().unwrap();
    let request = world.ma().app.witness_request(&world.es().party).unwrap().unwrap();
    // Countersigned, and the answer never arrived.
    assert!(matches!(
        world.es().app.countersign(&world.ma().party, &request.body),
        Ok(WitnessAnswer::Signed(_))
    ));
    world.ma().case(CrimeArea::ForeignTerroristFighters);
    world.ma().app.sign_checkpoint().unwrap();
    assert!(matches!(world.countersign(0, 1), Some(WitnessAnswer::Signed(_))), "409, then from there");
}

fn open_alarms(node: &crate::world::Node) -> Vec<String> {
    let read = |tx: &mut dyn Tx| -> Result<_, mithaq_app::AppError> { Ok(alarms::open(tx, 100)?) };
    node.db.read(read).unwrap().into_iter().map(|alarm| alarm.kind).collect()
}

#[test]
fn two_nodes_with_one_log_are_found_out_and_the_second_stops_itself() {
    // The same party twice, from the same keys: the copy signs other entries at the same sizes.
    let world = world();
    let copy = {
        let mut copy = World::strangers(&[MA, ES]);
        copy.agreement = copy.agree(0, 1, |text| {
            text.replace("sees_content = false", "sees_content = false\ncountersignatures = 1")
        });
        copy
    };
    world.ma().case(CrimeArea::ForeignTerroristFighters);
    world.ma().app.sign_checkpoint().unwrap();
    assert!(matches!(world.countersign(0, 1), Some(WitnessAnswer::Signed(_))));

    let twin = copy.ma();
    twin.actor("analyst");
    twin.case(CrimeArea::ForeignTerroristFighters);
    twin.app.sign_checkpoint().unwrap();
    let es = world.es();
    let request = twin.app.witness_request(&es.party).unwrap().unwrap();
    let answer = es.app.countersign(&twin.party, &request.body).unwrap();
    let WitnessAnswer::Conflict(held) = answer else { panic!("{answer:?}") };
    assert!(held > 0);
    // It is shown what the partner holds: signed by its own key, and not its history.
    let note = es.app.held_for(&twin.party).unwrap();
    twin.app.witness_held(&es.party, &note).unwrap();
    assert_eq!(twin.app.halted().as_deref(), Some("log.forked"));
    assert_eq!(twin.app.sign_checkpoint().unwrap().map(|_| ()), None, "it signs nothing any more");
    let refused = twin.app.receive_batch(&es.party, b"").unwrap_err();
    assert_eq!(refused.code(), "log.forked");
    assert!(world.ma().app.halted().is_none());

    // Two checkpoints of one size convict the log wherever they meet.
    let origin = format!("{MA}/log");
    let proofs = es.db.read({
        let origin = origin.clone();
        move |tx: &mut dyn Tx| -> Result<_, mithaq_app::AppError> { Ok(ledger::forks(tx, &origin)?) }
    });
    for proof in proofs.unwrap() {
        ForkProof::parse(&proof).unwrap().verify(&[twin.app.log_key().unwrap()]).unwrap();
        assert!(open_alarms(es).contains(&"peer.log_forked".to_owned()));
    }
}

#[test]
fn a_partner_that_lies_about_what_it_holds_stops_nobody() {
    let world = world();
    world.ma().app.sign_checkpoint().unwrap();
    let forged = b"ma-security/log\n900\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\xe2\x80\x94 ma-security/log AAAA\n";
    assert!(world.ma().app.witness_held(&world.es().party, forged).is_err());
    assert!(world.ma().app.halted().is_none());
}
