//! A forwarder that lies: what its own program would refuse is refused at the other end, with its own code, and the
//! originator is told. Groups 26 and 27 of the faults.

use mithaq_app::HolderStanding;
use mithaq_db::Tx;
use mithaq_envelope::{Opened, open_seal, peek_token};
use mithaq_model::{ConsentState, CopyState, Days, ObjectId, ReportVersion};
use mithaq_store::onward;
use mithaq_store::reports::Direction;
use mithaq_testkit::party;
use mithaq_wire::{Digest, Hop, OnwardStep, OnwardToken};

use crate::by_hand;
use crate::onward::{Chain, rows, verdicts};
use crate::world::{CI, MA};

/// What MA sealed for ES, byte for byte as it crossed the wire, and what stands for its content.
fn original(chain: &Chain) -> (Vec<u8>, Digest) {
    let node = &chain.world.nodes[1];
    let number = chain.number;
    let bytes = node
        .db
        .read(move |tx: &mut dyn Tx| -> Result<_, mithaq_store::StoreError> {
            let vault = mithaq_store::Vault::open(
                tx,
                mithaq_store::MasterKey::new(1, *crate::world::seed(32, 7)),
                std::sync::Arc::new(mithaq_store::testing::Counter::new(1)),
            )?;
            let (_, content) = mithaq_store::reports::content(tx, &vault, number, ReportVersion::FIRST)?;
            Ok(content.to_vec())
        })
        .unwrap();
    let registry = node.app.registry();
    let manifest = registry.peers.get(&party(MA)).unwrap().current().unwrap().clone();
    let Ok(Opened::Report(inner)) = open_seal(&bytes, &manifest) else { panic!("a report of MA") };
    (bytes, inner.commitment)
}

/// A good token, as MA would sign it.
fn good(chain: &Chain, content: Digest) -> OnwardToken {
    let now = chain.world.clock.0.now();
    OnwardToken {
        consent: ObjectId::new([0xc0; 16]),
        originator: party(MA),
        object: chain.number.into(),
        version: ReportVersion::FIRST,
        content,
        by: chain.es().party.clone(),
        to: party(CI),
        to_root: chain.ci().fingerprint(),
        purpose: mithaq_model::Purpose::Investigate,
        use_by: now.plus(Days(5)),
        keep_until: now.plus(Days(60)),
        signed_at: now,
    }
}

/// Sends a hop from ES to CI and returns the verdict.
fn hop(chain: &mut Chain, token: Option<Vec<u8>>, sealed: Vec<u8>) -> String {
    let of = (ObjectId::from(chain.number), ReportVersion::FIRST);
    let ends = (1, 2, chain.second);
    by_hand::hop(&mut chain.world, ends, &Hop { token, sealed }, of);
    verdicts(chain.ci(), "message.taken").pop().unwrap()
}

#[test]
fn every_token_that_does_not_fit_is_refused_by_the_receiver_and_told() {
    let mut chain = Chain::new();
    let (sealed, content) = original(&chain);
    let good = good(&chain, content);
    let now = chain.world.clock.0.now();
    let cases: Vec<(&str, Option<Vec<u8>>)> = vec![
        ("onward.missing", None),
        ("onward.forged", Some(by_hand::token(&good, 1))),
        ("onward.forged", Some(vec![1, 2, 3])),
        (
            "onward.version",
            Some(by_hand::token(&OnwardToken { object: ObjectId::new([1; 16]), ..good.clone() }, 0)),
        ),
        (
            "onward.version",
            Some(by_hand::token(&OnwardToken { version: ReportVersion::new(2).unwrap(), ..good.clone() }, 0)),
        ),
        (
            "onward.version",
            Some(by_hand::token(&OnwardToken { content: Digest([9; 32]), ..good.clone() }, 0)),
        ),
        (
            "onward.forwarder",
            Some(by_hand::token(&OnwardToken { by: party("fr-police"), ..good.clone() }, 0)),
        ),
        (
            "onward.recipient",
            Some(by_hand::token(&OnwardToken { to: party("fr-police"), ..good.clone() }, 0)),
        ),
        ("onward.recipient", Some(by_hand::token(&OnwardToken { to_root: [9; 32], ..good.clone() }, 0))),
        (
            "onward.purpose",
            Some(by_hand::token(
                &OnwardToken { purpose: mithaq_model::Purpose::Prosecute, ..good.clone() },
                0,
            )),
        ),
        ("onward.expired", Some(by_hand::token(&OnwardToken { use_by: now, ..good.clone() }, 0))),
        ("onward.expired", Some(by_hand::token(&OnwardToken { keep_until: now, ..good.clone() }, 0))),
    ];
    for (at, (wanted, token)) in cases.iter().enumerate() {
        assert_eq!(hop(&mut chain, token.clone(), sealed.clone()), *wanted, "case {at}");
    }
    assert_eq!(chain.ci().count("onward.received"), 0, "CI holds nothing");
    assert_eq!(chain.ci().count("onward.refused"), cases.len());
    chain.world.carry(2, 0);
    let told: Vec<&str> = cases.iter().map(|(wanted, _)| *wanted).collect();
    assert_eq!(verdicts(chain.ma(), "onward.tried"), told, "MA hears it from CI, whatever ES says");
    // And the good one passes: the refusals were for what was wrong, not for everything.
    assert_eq!(hop(&mut chain, Some(by_hand::token(&good, 0)), sealed), "accepted");
}

#[test]
fn a_token_opens_once() {
    let mut chain = Chain::new();
    let (sealed, content) = original(&chain);
    let token = by_hand::token(&good(&chain, content), 0);
    assert_eq!(hop(&mut chain, Some(token.clone()), sealed.clone()), "accepted");
    assert_eq!(hop(&mut chain, Some(token.clone()), sealed.clone()), "object.version", "it is held");
    // Even when the copy was not to be found any more, the token would be used up.
    let consent = peek_token(&token).unwrap().consent;
    let spent = chain.ci().db.read(move |tx: &mut dyn Tx| onward::is_spent(tx, consent)).unwrap();
    assert!(spent);
    let number = ObjectId::from(chain.number);
    let forget = move |tx: &mut dyn Tx| -> Result<u64, mithaq_store::StoreError> {
        Ok(tx.exec(
            "DELETE FROM holding_version WHERE object = $1",
            &[mithaq_db::Value::from(*number.as_bytes())],
        )?)
    };
    chain.ci().db.write(forget).unwrap();
    assert_eq!(hop(&mut chain, Some(token), sealed), "onward.used");
}

#[test]
fn a_changed_seal_and_a_seal_for_somebody_else_are_refused() {
    let mut chain = Chain::new();
    let (sealed, content) = original(&chain);
    let token = by_hand::token(&good(&chain, content), 0);
    for place in [sealed.len() / 3, sealed.len() / 2, sealed.len() - 10] {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        let verdict = hop(&mut chain, Some(token.clone()), changed);
        assert!(verdict == "onward.seal" || verdict == "onward.originator", "{verdict} at {place}");
    }
    assert_eq!(chain.ci().count("onward.received"), 0);
}

#[test]
fn a_changed_seal_is_told_to_the_originator_it_names_and_nobody_is_flooded_by_it() {
    let mut chain = Chain::new();
    let (sealed, content) = original(&chain);
    let token = by_hand::token(&good(&chain, content), 0);
    let mut changed = sealed.clone();
    let last = changed.len() - 10;
    for round in 1..=20 {
        changed[last] = sealed[last] ^ round;
        assert_eq!(hop(&mut chain, Some(token.clone()), changed.clone()), "onward.seal");
    }
    assert_eq!(verdicts(chain.ci(), "onward.refused"), ["onward.seal"; 20], "each is in the log of CI");
    chain.world.carry(2, 0);
    assert_eq!(verdicts(chain.ma(), "onward.tried"), ["onward.seal"; 16], "a day's worth is told");
    let health = chain.ma().actor("security").may(mithaq_app::intent::ReadHealth).unwrap();
    let rung = chain.ma().app.alarms(health).unwrap();
    assert_eq!(rung.iter().filter(|alarm| alarm.kind == "onward.tried").count(), 1);
    // The next day there is room again; another originator's name, or the forwarder's own, tells nobody.
    chain.world.clock.0.advance(mithaq_model::Millis::hours(24));
    assert_eq!(hop(&mut chain, Some(token), changed), "onward.seal");
    chain.world.carry(2, 0);
    assert_eq!(verdicts(chain.ma(), "onward.tried").len(), 17);
}

#[test]
fn what_waited_behind_a_gap_is_judged_by_the_route_it_came() {
    let mut chain = Chain::new();
    chain.granted();
    chain.pass(CI).unwrap();
    chain.rest();
    let order = OnwardStep::Carried { sealed: carried_order(&chain) };
    let dull = OnwardStep::Denied { consent: ObjectId::new([0xee; 16]), lapsed: false };
    let ends = (1, 2, chain.second);
    // CI has the object by another party now: what ES brings about it is not carried out, also when it came early.
    let of = ObjectId::from(chain.number);
    let other = move |via: &'static str| {
        move |tx: &mut dyn Tx| -> Result<u64, mithaq_store::StoreError> {
            let args = [mithaq_db::Value::from(via), mithaq_db::Value::from(*of.as_bytes())];
            Ok(tx.exec("UPDATE onward_copy SET via = $1 WHERE object = $2", &args)?)
        }
    };
    assert_eq!(chain.ci().db.write(other("fr-police")).unwrap(), 1);
    by_hand::say_late(&mut chain.world, ends, (&dull, &order));
    assert_eq!(verdicts(chain.ci(), "message.taken").pop().unwrap(), "onward.route");
    assert_eq!(chain.ci().count("report.erased"), 0);
    // By the way it came it counts.
    chain.ci().db.write(other(crate::world::ES)).unwrap();
    by_hand::say_late(&mut chain.world, ends, (&dull, &order));
    assert_eq!(verdicts(chain.ci(), "message.taken").pop().unwrap(), "accepted");
    assert_eq!(chain.ci().count("report.erased"), 1);
}

#[test]
fn an_originator_that_is_not_known_is_refused() {
    let mut chain = Chain::new();
    let (sealed, content) = original(&chain);
    let token = by_hand::token(&good(&chain, content), 0);
    // A node that has an agreement with ES alone.
    let mut world = crate::world::World::strangers(&[MA, crate::world::ES, CI]);
    let second = world.agree(1, 2, |text| text);
    let of = (ObjectId::from(chain.number), ReportVersion::FIRST);
    by_hand::hop(&mut world, (1, 2, second), &Hop { token: Some(token.clone()), sealed: sealed.clone() }, of);
    assert_eq!(verdicts(&world.nodes[2], "message.taken"), ["onward.originator"]);
    assert_eq!(hop(&mut chain, Some(token), sealed), "accepted", "where it is known it passes");
}

#[test]
fn what_was_recalled_does_not_come_again_through_a_third_node() {
    let mut chain = Chain::new();
    let (sealed, content) = original(&chain);
    let token = by_hand::token(&good(&chain, content), 0);
    // CI got it, and the recall with it.
    assert_eq!(hop(&mut chain, Some(token.clone()), sealed.clone()), "accepted");
    let revoked =
        by_hand::token(&OnwardToken { consent: ObjectId::new([0xc1; 16]), ..good(&chain, content) }, 0);
    let may = chain.ma().actor("supervisor").may(mithaq_app::intent::RecallReport).unwrap();
    chain.ma().app.recall_report(may, chain.number, mithaq_wire::OrderReason::Inaccurate).unwrap();
    // ES never passed it on by its program, so its program carries no order on: CI hears it from MA, who knows.
    let order = chain.world.nodes[0].party.clone();
    assert_eq!(order.as_str(), MA);
    chain.world.carry(0, 1);
    let carried = carried_order(&chain);
    let ends = (1, 2, chain.second);
    by_hand::say(&mut chain.world, ends, &OnwardStep::Carried { sealed: carried });
    assert_eq!(chain.ci().count("report.erased"), 1);
    for token in [token, revoked] {
        assert_eq!(hop(&mut chain, Some(token), sealed.clone()), "object.recalled");
    }
}

/// The order MA sealed for ES, as ES took it.
fn carried_order(chain: &Chain) -> Vec<u8> {
    let order = mithaq_wire::Order::Recall {
        object: chain.number.into(),
        versions: Vec::new(),
        reason: mithaq_wire::OrderReason::Inaccurate,
        answer_by: chain.world.clock.0.now().plus(Days(3)),
    };
    by_hand::order(&chain.world, (0, 1, chain.first), &order)
}

#[test]
fn an_order_nobody_sealed_or_for_another_route_is_not_carried_out() {
    let mut chain = Chain::new();
    chain.granted();
    chain.pass(CI).unwrap();
    chain.rest();
    // ES signs an order about what is MA's, as if it were MA's.
    let order = mithaq_wire::Order::Recall {
        object: chain.number.into(),
        versions: Vec::new(),
        reason: mithaq_wire::OrderReason::Court,
        answer_by: chain.world.clock.0.now().plus(Days(3)),
    };
    let forged = by_hand::order_as(&chain.world, (0, 1, chain.first), &order, 1);
    let ends = (1, 2, chain.second);
    by_hand::say(&mut chain.world, ends, &OnwardStep::Carried { sealed: forged });
    assert_eq!(verdicts(chain.ci(), "message.taken").pop().unwrap(), "onward.seal");
    // What MA sealed for CI directly is not ES's to carry.
    let direct = by_hand::order(&chain.world, (0, 2, chain.first), &order);
    by_hand::say(&mut chain.world, ends, &OnwardStep::Carried { sealed: direct });
    assert_eq!(verdicts(chain.ci(), "message.taken").pop().unwrap(), "onward.seal");
    assert_eq!(chain.ci().count("report.erased"), 0);
}

#[test]
fn a_forwarders_word_alone_proves_no_erasure() {
    let mut chain = Chain::new();
    let consent = chain.granted();
    chain.pass(CI).unwrap();
    chain.rest();
    let said = |state, proof| OnwardStep::Copy {
        consent,
        object: chain.number.into(),
        version: ReportVersion::FIRST,
        holder: party(CI),
        state,
        at: chain.world.clock.0.now(),
        proof,
    };
    let (word, bad) = (said(CopyState::Erased, None), said(CopyState::Erased, Some(vec![1, 2, 3])));
    let ends = (1, 0, chain.first);
    for step in [word, bad] {
        by_hand::say(&mut chain.world, ends, &step);
        assert_eq!(chain.third(), Some(("erased", HolderStanding::NotProven)));
    }
    assert!(verdicts(chain.ma(), "onward.copy").contains(&"erased.not_proven".to_owned()));
}

#[test]
fn what_fits_nothing_changes_nothing() {
    let mut chain = Chain::new();
    let id = chain.try_ask(CI).unwrap();
    chain.rest();
    // A token that ES made itself, said to itself by MA's lane: MA lies, or its node is in other hands.
    let (_, content) = original(&chain);
    let forged = by_hand::token(&OnwardToken { consent: id, ..good(&chain, content) }, 1);
    let ends = (0, 1, chain.first);
    by_hand::say(&mut chain.world, ends, &OnwardStep::Granted { consent: id, token: forged });
    assert_eq!(rows(chain.es(), Direction::Own)[0].state, ConsentState::Asked);
    let stranger = ObjectId::new([0xee; 16]);
    by_hand::say(&mut chain.world, ends, &OnwardStep::Denied { consent: stranger, lapsed: false });
    let back = (1, 0, chain.first);
    let copy = OnwardStep::Copy {
        consent: stranger,
        object: chain.number.into(),
        version: ReportVersion::FIRST,
        holder: party(CI),
        state: CopyState::Accepted,
        at: chain.world.clock.0.now(),
        proof: None,
    };
    by_hand::say(&mut chain.world, back, &copy);
    assert!(verdicts(chain.es(), "onward.granted").contains(&"onward.forged".to_owned()));
    assert_eq!(verdicts(chain.es(), "onward.denied"), ["ignored"]);
    assert_eq!(verdicts(chain.ma(), "onward.copy"), ["ignored"]);
    assert_eq!(chain.third(), None);
}
