//! Erasure that a holder does not prove: people are told when its day has passed, and a week later those who watch over
//! them, each once; and they see who it is.

use mithaq_app::{HolderStanding, intent};
use mithaq_model::{CrimeArea, Days, Millis, RiskLevel, Role};
use mithaq_testkit::party;

use crate::onward::Chain;
use crate::world::{CI, ES, Node, low_risk, risk};

/// The alarms of one kind at a node.
fn rung(node: &Node, kind: &str) -> Vec<String> {
    let health = node.actor("dpo").may(intent::ReadHealth).unwrap();
    let all = node.app.alarms(health).unwrap().into_iter().filter(|alarm| alarm.kind == kind);
    let mut all: Vec<String> = all.map(|alarm| alarm.reference).collect();
    all.sort();
    all
}

/// Whose erasure is listed as late at a node, as one of its people sees it.
fn late(node: &Node, login: &str) -> Vec<String> {
    let may = node.actor(login).may(intent::ReadConsent).unwrap();
    let all = node.app.unproven(may).unwrap();
    all.into_iter()
        .filter(|(_, holder)| holder.standing == HolderStanding::NotProven)
        .map(|(_, holder)| holder.party.to_string())
        .collect()
}

#[test]
fn who_does_not_prove_an_erasure_in_time_is_told_of_once_at_each_step() {
    let mut chain = Chain::new();
    chain.passed();
    chain.recall();
    // Nobody is reached: neither who got it from here nor who got it from there.
    chain.world.clock.0.advance(Days(3));
    chain.world.clock.0.advance(Millis::hours(1));
    let ma = chain.ma();
    let object = chain.number.to_string();
    assert_eq!(ma.app.remind_unproven().unwrap(), 2);
    assert_eq!(ma.app.remind_unproven().unwrap(), 0, "each once");
    assert_eq!((ma.count("erasure.not_proven"), ma.count("erasure.not_proven_week")), (2, 0));
    assert_eq!(rung(ma, "erasure.not_proven"), [format!("{object} {CI}"), format!("{object} {ES}")]);
    assert_eq!(ma.app.figures().unwrap().not_proven, 2);
    for login in ["dpo", "oversight", "analyst"] {
        assert_eq!(late(ma, login).len(), 2, "{login}");
    }
    // A week later: of CI alone, for ES signed meanwhile.
    chain.world.carry(0, 1);
    chain.world.carry(1, 0);
    let ma = chain.ma();
    assert_eq!(late(ma, "dpo"), [CI]);
    chain.world.clock.0.advance(Days(7));
    assert_eq!(ma.app.remind_unproven().unwrap(), 1);
    assert_eq!(ma.app.remind_unproven().unwrap(), 0, "once");
    assert_eq!(rung(ma, "erasure.not_proven_week"), [format!("{object} {CI}")]);
    // When the proof comes the holder is on no list any more.
    chain.rest();
    let ma = chain.ma();
    assert_eq!((late(ma, "dpo").len(), ma.app.figures().unwrap().not_proven), (0, 0));
    assert_eq!(ma.app.remind_unproven().unwrap(), 0);
    assert_eq!((ma.count("erasure.not_proven"), ma.count("erasure.not_proven_week")), (2, 1));
}

/// Who did not accept a correction in time, at a node.
fn unconfirmed(node: &Node) -> Vec<(String, u32)> {
    let may = node.actor("dpo").may(intent::ReadConsent).unwrap();
    let all = node.app.unproven(may).unwrap().into_iter().map(|(_, holder)| holder);
    let late = all.filter(|holder| holder.standing == HolderStanding::NotConfirmed);
    late.map(|holder| (holder.party.to_string(), holder.version.get())).collect()
}

#[test]
fn who_does_not_accept_a_correction_in_time_is_told_of_at_each_step_and_for_each_correction() {
    let mut chain = Chain::new();
    let object = chain.number.to_string();
    for (round, title) in [(1, "Ferry tickets"), (2, "Ferry tickets of June")] {
        chain.correct(title);
        let ma = chain.ma();
        assert_eq!(
            (ma.app.remind_unproven().unwrap(), unconfirmed(ma).len()),
            (0, 0),
            "its day has not passed"
        );
        chain.world.clock.0.advance(Days(3));
        let ma = chain.ma();
        assert_eq!(ma.app.remind_unproven().unwrap(), 1);
        assert_eq!(ma.app.remind_unproven().unwrap(), 0, "once");
        assert_eq!(unconfirmed(ma), [(ES.to_owned(), round + 1)]);
        let figures = ma.app.figures().unwrap();
        assert_eq!((figures.not_confirmed, figures.not_proven), (1, 0));
        assert_eq!(rung(ma, "correction.not_confirmed")[0], format!("{object} {ES}"));
        chain.world.clock.0.advance(Days(7));
        assert_eq!(chain.ma().app.remind_unproven().unwrap(), 1);
        chain.rest();
        let ma = chain.ma();
        assert_eq!((unconfirmed(ma).len(), ma.app.remind_unproven().unwrap()), (0, 0), "it is here now");
        assert_eq!(ma.app.figures().unwrap().not_confirmed, 0);
        let counts = ["correction.not_confirmed", "correction.not_confirmed_week"].map(|kind| ma.count(kind));
        assert_eq!(counts, [round as usize; 2]);
    }
}

#[test]
fn a_further_holder_that_does_not_get_a_correction_in_time_is_told_of_until_it_has_it() {
    let mut chain = Chain::new();
    chain.passed();
    let object = chain.number.to_string();
    // What ES knows of CI does not let the correction on.
    chain.es().assess(&party(CI), &risk(RiskLevel::Real));
    chain.correct("Ferry tickets");
    chain.rest();
    assert_eq!((chain.ma().app.remind_unproven().unwrap(), unconfirmed(chain.ma()).len()), (0, 0), "not yet");
    chain.world.clock.0.advance(Days(3));
    chain.world.clock.0.advance(Millis::hours(1));
    let ma = chain.ma();
    assert_eq!((ma.app.remind_unproven().unwrap(), ma.app.remind_unproven().unwrap()), (1, 0), "once");
    assert_eq!(unconfirmed(ma), [(CI.to_owned(), 1)]);
    assert_eq!((ma.app.figures().unwrap().not_confirmed, ma.count("correction.not_confirmed")), (1, 1));
    assert_eq!(rung(ma, "correction.not_confirmed"), [format!("{object} {CI}")]);
    chain.world.clock.0.advance(Days(7));
    assert_eq!(chain.ma().app.remind_unproven().unwrap(), 1);
    assert_eq!(chain.ma().count("correction.not_confirmed_week"), 1);
    chain.es().assess(&party(CI), &low_risk());
    assert_eq!(chain.es().app.tick_consents().unwrap(), 1);
    chain.rest();
    let ma = chain.ma();
    assert_eq!((unconfirmed(ma).len(), ma.app.figures().unwrap().not_confirmed), (0, 0), "it is there now");
    // What takes the whole back takes its place.
    chain.es().assess(&party(CI), &risk(RiskLevel::Real));
    chain.correct("Ferry tickets of June");
    chain.rest();
    chain.recall();
    chain.world.clock.0.advance(Days(4));
    let ma = chain.ma();
    assert_eq!(ma.app.remind_unproven().unwrap(), 2, "{CI} and {ES}");
    assert_eq!((late(ma, "dpo").len(), unconfirmed(ma).len()), (5, 0), "each version that they have");
}

#[test]
fn an_earlier_last_day_is_confirmed_by_the_last_of_its_orders() {
    let mut chain = Chain::new();
    let shorten = |chain: &Chain, days: u32| {
        let ma = chain.ma();
        let may = ma.actor("supervisor").may(intent::RecallReport).unwrap();
        ma.app.expire_report(may, chain.number, chain.world.clock.0.now().plus(Days(days))).unwrap();
    };
    shorten(&chain, 60);
    chain.rest();
    chain.world.clock.0.advance(Days(4));
    assert_eq!(chain.ma().app.remind_unproven().unwrap(), 0, "it was accepted");
    shorten(&chain, 40);
    chain.world.clock.0.advance(Days(4));
    let ma = chain.ma();
    assert_eq!(ma.app.remind_unproven().unwrap(), 1);
    assert_eq!(unconfirmed(ma), [(ES.to_owned(), 1)]);
    // What takes the whole back takes its place.
    chain.recall();
    assert_eq!(unconfirmed(chain.ma()).len(), 0);
    chain.world.clock.0.advance(Days(4));
    assert_eq!(chain.ma().app.remind_unproven().unwrap(), 1);
    assert_eq!((late(chain.ma(), "dpo"), unconfirmed(chain.ma()).len()), (vec![ES.to_owned()], 0));
}

#[test]
fn nobody_is_late_before_the_day_and_who_works_other_cases_sees_nobody() {
    let mut chain = Chain::new();
    chain.recall();
    chain.world.clock.0.advance(Days(3));
    chain.world.clock.0.advance(Millis::hours(1));
    let ma = chain.ma();
    ma.hire("elsewhere", &[Role::Analyst]);
    ma.case(CrimeArea::ForeignTerroristFighters);
    assert_eq!(late(ma, "supervisor"), [ES]);
    assert_eq!(late(ma, "elsewhere").len(), 0);
    // One that answers in time is never told of.
    chain.rest();
    assert_eq!(chain.ma().app.remind_unproven().unwrap(), 0);
    assert_eq!(rung(chain.ma(), "erasure.not_proven").len(), 0);
}

#[test]
fn a_consent_taken_back_is_proven_or_told_of_too() {
    let mut chain = Chain::new();
    let consent = chain.passed();
    chain.revoke(consent).unwrap();
    chain.world.clock.0.advance(Days(2));
    assert_eq!(chain.ma().app.remind_unproven().unwrap(), 0, "its day has not passed");
    chain.world.clock.0.advance(Days(6));
    assert_eq!(chain.ma().app.remind_unproven().unwrap(), 1);
    assert_eq!(late(chain.ma(), "dpo"), [CI]);
}
