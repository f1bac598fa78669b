//! Corrections of what was passed on: the further holder is told that its version is out of date and gets the new one by
//! the way it got the old one.

use mithaq_app::{AppError, HolderStanding, intent};
use mithaq_model::{ConsentState, RiskLevel};
use mithaq_store::reports::Direction;
use mithaq_testkit::party;
use mithaq_wire::{Ack, Digest, Heads, Lane, OnwardStep, Position, encode_heads};

use crate::by_hand;
use crate::onward::{Chain, code, rows, verdicts};
use crate::world::{CI, MA, Node, risk};

const TITLE: &str = "Two young people, not three";

fn rung(node: &Node, kind: &str) -> usize {
    let health = node.actor("security").may(intent::ReadHealth).unwrap();
    node.app.alarms(health).unwrap().iter().filter(|alarm| alarm.kind == kind).count()
}

fn locked(answer: Result<mithaq_model::Report, AppError>) -> String {
    answer.unwrap_err().code().to_owned()
}

/// Versions and states of what CI holds, as MA's tree has it.
fn tree(chain: &Chain) -> Vec<(u32, &'static str, HolderStanding)> {
    let may = chain.ma().actor("supervisor").may(intent::ReadConsent).unwrap();
    let tree = chain.ma().app.onward_tree(may, chain.number).unwrap();
    let third = tree.into_iter().filter(|one| one.party.as_str() == CI);
    third.map(|one| (one.version.get(), one.state, one.standing)).collect()
}

#[test]
fn a_correction_reaches_the_last_holder_and_the_originator_sees_where_it_is() {
    let mut chain = Chain::new();
    chain.passed();
    chain.correct(TITLE);
    chain.rest();
    let report = chain.read_at_ci().unwrap();
    assert_eq!((report.version.get(), report.title.reveal()), (2, TITLE), "nobody at ES or CI did anything");
    assert_eq!(report, chain.es().read(chain.at_es, chain.number).unwrap());
    chain.rest();
    assert_eq!(tree(&chain), [(1, "read", HolderStanding::Holds), (2, "read", HolderStanding::Holds)]);
    // By the persons and in the case of the first, under a token of its own that was used once.
    let own = rows(chain.es(), Direction::Own);
    let (first, second) = (
        own.iter().find(|row| row.version.get() == 1).unwrap(),
        own.iter().find(|row| row.version.get() == 2).unwrap(),
    );
    assert_eq!((second.state, second.follows), (ConsentState::Used, Some(first.id)));
    assert_eq!((second.person, second.sender, second.case), (first.person, first.sender, first.case));
    assert!(second.until <= first.until, "for no longer than was consented to");
    assert_eq!(chain.ma().count("onward.superseded"), 1);
    // And the next one, and what takes all of it back.
    chain.correct("One young person, and an adult");
    chain.rest();
    assert_eq!(chain.read_at_ci().unwrap().version.get(), 3);
    chain.recall();
    chain.rest();
    assert_eq!(locked(chain.read_at_ci()), "report.locked.recalled");
    assert!(
        tree(&chain).iter().all(|(.., standing)| *standing == HolderStanding::Erased),
        "{:?}",
        tree(&chain)
    );
}

#[test]
fn the_old_version_is_not_read_while_the_new_one_is_on_its_way() {
    let mut chain = Chain::new();
    chain.passed();
    chain.correct(TITLE);
    chain.world.carry(0, 1);
    // The control lane is drained before anything is read: CI reads the new version or none.
    chain.world.announce(1, 2);
    assert_eq!(locked(chain.read_at_ci()), "report.locked.control");
    chain.rest();
    assert_eq!(chain.read_at_ci().unwrap().version.get(), 2);
}

#[test]
fn what_came_from_the_originator_itself_waits_for_the_orders_of_the_originator() {
    let mut chain = Chain::new();
    chain.passed();
    // CI has the first version by ES; the second comes from MA, under their own agreement.
    let mut report = chain.read_at_ci().unwrap();
    report.version = report.version.next().unwrap();
    (report.agreement, report.recipients) = (chain.third, vec![party(CI)]);
    let ends = (0, 2, chain.third);
    by_hand::correction(&mut chain.world, ends, &report);
    assert_eq!(verdicts(chain.ci(), "message.taken").pop().unwrap(), "accepted");
    assert_eq!(chain.read_at_ci().unwrap().version.get(), 2);
    // MA says that it sent an order, which is not here yet.
    let at = Position { epoch: 1, seq: 9 };
    let sent = vec![Ack { lane: Lane::Control, at, head: Digest([9; 32]) }];
    let heads = encode_heads(&Heads { agreement: chain.third, sent, taken: Vec::new() });
    chain.ci().app.note_heads(&party(MA), &heads).unwrap();
    assert_eq!(locked(chain.read_at_ci()), "report.locked.control");
}

#[test]
fn what_the_rules_do_not_let_on_leaves_the_holder_told_and_people_warned() {
    let mut chain = Chain::new();
    chain.passed();
    chain.es().assess(&party(CI), &risk(RiskLevel::Real));
    chain.correct(TITLE);
    chain.rest();
    assert_eq!(locked(chain.read_at_ci()), "report.locked.superseded");
    assert_eq!(rung(chain.es(), "onward.correction_waits"), 1);
    assert_eq!(verdicts(chain.es(), "onward.decided"), ["permit", "RSK"]);
    chain.es().app.tick_consents().unwrap();
    assert_eq!(verdicts(chain.es(), "onward.decided").len(), 2, "tried again, told once");
    let seen = [(1, "read", HolderStanding::NotConfirmed), (2, "granted", HolderStanding::None)];
    assert_eq!(tree(&chain), seen, "MA sees that it is not there");
    // Its people may send it when nothing stands against it any more, or the timer does.
    chain.es().assess(&party(CI), &crate::world::low_risk());
    assert_eq!(chain.es().app.tick_consents().unwrap(), 1);
    chain.rest();
    assert_eq!(chain.read_at_ci().unwrap().version.get(), 2);
    assert_eq!(tree(&chain)[0].2, HolderStanding::Holds);
}

#[test]
fn the_originator_asks_its_rules_again_before_a_correction_follows() {
    let mut chain = Chain::new();
    chain.passed();
    chain.ma().assess(&party(CI), &risk(RiskLevel::Real));
    chain.correct(TITLE);
    chain.rest();
    assert_eq!(locked(chain.read_at_ci()), "report.locked.superseded");
    assert_eq!(rung(chain.ma(), "onward.correction_held"), 1);
    assert!(verdicts(chain.ma(), "onward.denied").contains(&"release.RSK".to_owned()));
    assert!(rows(chain.es(), Direction::Own).iter().all(|row| row.version.get() == 1));
    assert_eq!(code(chain.pass(CI)), "onward.missing");
}

#[test]
fn a_consent_that_was_taken_back_or_never_used_is_not_followed() {
    let mut chain = Chain::new();
    let unused = chain.granted();
    chain.correct(TITLE);
    chain.rest();
    assert_eq!(rows(chain.es(), Direction::Own).len(), 1, "nothing went, nothing follows");
    assert_eq!(code(chain.pass(CI)), "onward.version");
    chain.revoke(unused).unwrap();
    let mut other = Chain::new();
    let used = other.passed();
    other.revoke(used).unwrap();
    other.rest();
    other.correct(TITLE);
    other.rest();
    assert_eq!(rows(other.es(), Direction::Own).len(), 1);
    assert_eq!(locked(other.read_at_ci()), "report.locked.recalled");
}

#[test]
fn a_correction_that_crosses_the_word_of_the_copy_still_follows_it() {
    let mut chain = Chain::new();
    chain.granted();
    chain.pass(CI).unwrap();
    // ES sent it; MA does not know yet, and corrects.
    chain.correct(TITLE);
    chain.world.carry(1, 2);
    chain.world.carry(2, 1);
    chain.world.carry(1, 0);
    assert_eq!(tree(&chain)[0], (1, "accepted", HolderStanding::NotConfirmed), "it has what is out of date");
    chain.rest();
    assert_eq!(chain.read_at_ci().unwrap().version.get(), 2);
    assert!(
        tree(&chain).iter().all(|(.., standing)| *standing == HolderStanding::Holds),
        "{:?}",
        tree(&chain)
    );
}

#[test]
fn nobody_but_the_originator_makes_a_version_out_of_date() {
    let mut chain = Chain::new();
    chain.passed();
    let version = mithaq_model::ReportVersion::new(9).unwrap();
    let step = OnwardStep::Superseded { object: chain.number.into(), version };
    // ES says it as its own word, CI to ES about what is not CI's.
    by_hand::say(&mut chain.world, (1, 2, chain.second), &step);
    by_hand::say(&mut chain.world, (2, 1, chain.second), &step);
    assert_eq!(verdicts(chain.ci(), "onward.superseded"), ["ignored"]);
    assert_eq!(verdicts(chain.es(), "onward.superseded"), ["ignored"]);
    assert!(chain.read_at_ci().is_ok());
    assert!(chain.es().read(chain.at_es, chain.number).is_ok());
}
