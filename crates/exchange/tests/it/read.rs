//! Recall before read, leases, expiry.

use mithaq_exchange::{Locked, PartnerControl, may_read};
use mithaq_model::{Millis, Timestamp};
use mithaq_sim::paper::Policy;
use mithaq_wire::MessageKind;

use crate::world::{AGREEMENT, DAY, NOW, Node, at, object, pair, version};

fn held(policy: Policy) -> Node {
    let (mut a, mut b) = pair();
    let slip = a.slip(&b.party, object(1), 1, policy);
    let report = a.queue(&b.party, MessageKind::Report, &slip);
    b.take(&a.party, &[report]);
    b
}

fn days(n: u64) -> Timestamp {
    NOW.plus(Millis(n * DAY))
}

#[test]
fn states_lock() {
    let b = held(Policy::Accept);
    let free = PartnerControl::default();
    let holding = &b.store.holdings[&object(1)];
    assert_eq!(may_read(&free, at(0), holding, version(1), NOW), Ok(()));
    assert_eq!(may_read(&free, at(0), holding, version(2), NOW), Err(Locked::NotHeld));
    assert_eq!(may_read(&free, at(0), holding, version(1), days(301)), Err(Locked::Expired));
    let b = held(Policy::Quarantine);
    let quarantined = &b.store.holdings[&object(1)];
    assert_eq!(may_read(&free, at(0), quarantined, version(1), NOW), Err(Locked::Quarantined));
    let mut superseded = holding.clone();
    superseded.current_from = version(2);
    assert_eq!(may_read(&free, at(0), &superseded, version(1), NOW), Err(Locked::Superseded));
    let mut recalled = holding.clone();
    recalled.versions[0].state = mithaq_exchange::VersionState::Recalled;
    assert_eq!(may_read(&free, at(0), &recalled, version(1), NOW), Err(Locked::Recalled));
}

#[test]
fn an_announced_control_lane_is_drained_before_anything_is_read() {
    let b = held(Policy::Accept);
    let holding = &b.store.holdings[&object(1)];
    let mut control = PartnerControl::default();
    control.announce(at(3), at(1), NOW);
    let read = |control: &PartnerControl, have| may_read(control, at(have), holding, version(1), NOW);
    assert_eq!(read(&control, 1), Err(Locked::ControlBehind));
    assert_eq!(read(&control, 2), Err(Locked::ControlBehind));
    control.advance(at(3));
    assert_eq!(read(&control, 3), Ok(()));
    control.announce(at(2), at(3), NOW);
    assert_eq!(read(&control, 2), Err(Locked::ControlBehind), "an announcement is never taken back");
    let (announced, when, drained) = control.parts();
    assert_eq!(PartnerControl::new(announced, when, drained), control);
}

#[test]
fn who_lost_rows_shows_nothing_until_the_partner_is_heard() {
    let b = held(Policy::Accept);
    let holding = &b.store.holdings[&object(1)];
    let mut control = PartnerControl::lost();
    let read = |control: &PartnerControl, have| may_read(control, at(have), holding, version(1), NOW);
    assert_eq!(read(&control, 99), Err(Locked::ControlBehind));
    let (announced, when, drained) = control.parts();
    control = PartnerControl::new(announced, when, drained);
    control.announce(at(2), at(1), NOW);
    assert!(control.is_behind(at(1)) && !control.is_behind(at(2)));
    assert_eq!(read(&control, 2), Ok(()));
}

#[test]
fn heads_say_where_the_lanes_end() {
    let (mut a, mut b) = pair();
    let ask = |node: &Node, agreement| {
        mithaq_exchange::heads(agreement, node.store.lanes_out.values(), node.store.lanes_in.values())
    };
    let none = ask(&a, AGREEMENT);
    assert_eq!((none.sent.len(), none.taken.len(), mithaq_exchange::announced(&none)), (0, 0, at(0)));
    let report = a.report(&b.party, 1);
    b.take(&a.party, &[report]);
    let recall = a.recall(&b.party, object(1), &[]);
    a.queue(&b.party, MessageKind::Order, &recall);
    a.queue(&b.party, MessageKind::Order, &recall);
    let ours = ask(&a, AGREEMENT);
    assert_eq!((ours.sent.len(), ours.taken.len(), mithaq_exchange::announced(&ours)), (2, 0, at(2)));
    let theirs = ask(&b, AGREEMENT);
    assert_eq!((theirs.sent.len(), theirs.taken.len()), (0, 1));
    assert_eq!((theirs.taken[0].at, theirs.taken[0].head), (at(1), ours.sent[1].head));
    let other = ask(&a, mithaq_model::AgreementId::new([1; 32]));
    assert!(other.sent.is_empty());
}

#[test]
fn a_lease_ends_unless_the_originator_was_heard() {
    let b = held(Policy::Accept);
    let holding = &b.store.holdings[&object(1)];
    let read = |control: &PartnerControl, now| may_read(control, at(3), holding, version(1), now);
    let mut control = PartnerControl::default();
    assert_eq!(read(&control, days(10)), Ok(()));
    assert_eq!(read(&control, days(11)), Err(Locked::LeaseOver));
    control.announce(at(9), at(3), days(12));
    control.advance(at(8));
    assert_eq!(
        may_read(&control, at(9), holding, version(1), days(12)),
        Err(Locked::LeaseOver),
        "not drained"
    );
    control.advance(at(9));
    assert_eq!(may_read(&control, at(9), holding, version(1), days(12)), Ok(()));
    assert_eq!(may_read(&control, at(9), holding, version(1), days(22)), Ok(()), "renewed for ten days");
    assert_eq!(may_read(&control, at(9), holding, version(1), days(23)), Err(Locked::LeaseOver));
    let mut future = PartnerControl::default();
    future.announce(at(1), at(1), days(200));
    assert_eq!(read(&future, days(11)), Err(Locked::LeaseOver), "a clock set back renews nothing");
}
