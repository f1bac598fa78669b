//! Erasure that a holder does not prove: people are told when its day has passed, and a week later those who watch over
//! them, each once; and they see who it is.

use mithaq_app::{HolderStanding, intent};
use mithaq_model::{CrimeArea, Days, Millis, Role};

use crate::onward::Chain;
use crate::world::{CI, ES, Node};

/// The alarms of one kind at a node.
fn rung(node: &Node, kind: &str) -> Vec<String> {
    let health = node.actor("dpo").may(intent::ReadHealth).unwrap();
    let all = node.app.alarms(health).unwrap().into_iter().filter(|alarm| alarm.kind == kind);
    let mut all: Vec<String> = all.map(|alarm| alarm.reference).collect();
    all.sort();
    all
}

/// Who is listed as late at a node, as one of its people sees it.
fn late(node: &Node, login: &str) -> Vec<String> {
    let may = node.actor(login).may(intent::ReadConsent).unwrap();
    let all = node.app.unproven(may).unwrap();
    assert!(all.iter().all(|(_, holder)| holder.standing == HolderStanding::NotProven));
    all.into_iter().map(|(_, holder)| holder.party.to_string()).collect()
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
