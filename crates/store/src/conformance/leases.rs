use mithaq_db::{Db, Engine, Share, Tx};
use mithaq_model::PartyId;

use super::{Node, at, nodes, party};
use crate::StoreError;
use crate::leases::{self, Kept, Lease, Process, Turn};

const TERM: i64 = 5_000;

fn turn_on(db: &Db, process: Process, partners: &[PartyId], now: i64) -> Kept {
    let partners = partners.to_vec();
    db.write_as(Share::Alone, move |tx: &mut dyn Tx| {
        let turn = Turn { process, partners: &partners, now: at(now), until: at(now + TERM) };
        leases::turn(tx, &turn)
    })
    .unwrap()
}

fn turn(node: &Node, process: u8, partners: &[PartyId], now: i64) -> Kept {
    turn_on(node.db(), [process; 16], partners, now)
}

fn holds(node: &Node, lease: &Lease) -> bool {
    let lease = lease.clone();
    node.write(move |tx, _| leases::holds(tx, &lease)).unwrap()
}

fn names(kept: &Kept) -> Vec<&str> {
    kept.partners.iter().map(|(party, _)| party.as_str()).collect()
}

#[test]
fn two_workers_race_on_a_lane_and_one_has_it() {
    let partners = [party("es-police")];
    for node in nodes() {
        let won: usize = std::thread::scope(|scope| {
            let racing: Vec<_> = (1..=8_u8)
                .map(|process| {
                    let (db, partners) = (node.db().clone(), &partners);
                    scope.spawn(move || turn_on(&db, [process; 16], partners, 1_000))
                })
                .collect();
            racing.into_iter().map(|one| one.join().unwrap().partners.len()).sum()
        });
        assert_eq!(won, 1);
    }
}

#[test]
fn lanes_and_timers_are_shared_among_processes() {
    let partners = ["a-one", "b-two", "c-three"].map(party);
    for node in nodes() {
        let alone = turn(&node, 1, &partners, 1_000);
        assert_eq!((names(&alone), alone.processes), (vec!["a-one", "b-two", "c-three"], 1));
        assert!(alone.timers.is_some());
        let late = turn(&node, 2, &partners, 1_100);
        assert_eq!((late.partners.len(), late.processes), (0, 2), "nothing is free yet");
        assert!(late.timers.is_none() && late.timers_kept, "one process keeps the timers");
        assert_eq!(
            names(&turn(&node, 1, &partners, 2_000)),
            ["a-one", "b-two"],
            "more than its share goes back"
        );
        assert_eq!(names(&turn(&node, 2, &partners, 2_100)), ["c-three"]);
        assert_eq!(
            names(&turn(&node, 1, &partners, 3_000)),
            ["a-one", "b-two"],
            "and nothing moves after that"
        );
        assert_eq!(names(&turn(&node, 2, &partners, 3_100)), ["c-three"]);
    }
}

#[test]
fn a_process_that_dies_loses_its_lanes_within_its_term() {
    let partners = [party("es-police")];
    for node in nodes() {
        assert_eq!(turn(&node, 1, &partners, 1_000).partners.len(), 1);
        assert!(turn(&node, 2, &partners, 1_000 + TERM - 1).partners.is_empty(), "it may still live");
        let heir = turn(&node, 2, &partners, 1_000 + TERM);
        assert_eq!(heir.partners.len(), 1);
        assert!(heir.timers.is_some());
    }
}

#[test]
fn a_process_that_stops_in_order_is_not_waited_for() {
    let partners = [party("es-police")];
    for node in nodes() {
        turn(&node, 1, &partners, 1_000);
        node.write(|tx, _| leases::let_go(tx, [1; 16])).unwrap();
        let heir = turn(&node, 2, &partners, 1_001);
        assert_eq!((heir.partners.len(), heir.processes), (1, 1));
    }
}

#[test]
fn a_lease_that_was_taken_over_is_fenced() {
    let partners = [party("es-police")];
    for node in nodes() {
        let first = turn(&node, 1, &partners, 1_000).partners[0].1.clone();
        assert!(holds(&node, &first));
        let second = turn(&node, 2, &partners, 1_000 + TERM).partners[0].1.clone();
        assert!(!holds(&node, &first), "who slept through its term writes nothing");
        assert!(holds(&node, &second));
        assert!(
            turn(&node, 1, &partners, 1_000 + TERM + 1).partners.is_empty(),
            "nor gets it back by asking"
        );
        let third = turn(&node, 1, &partners, 1_000 + 3 * TERM).partners[0].1.clone();
        assert!(!holds(&node, &first) && !holds(&node, &second) && holds(&node, &third));
    }
}

#[test]
fn nobody_takes_a_lease_while_a_write_under_it_is_open() {
    let partners = [party("es-police")];
    for node in nodes() {
        if node.db().engine() == Engine::Sqlite {
            continue;
        }
        let lease = turn(&node, 1, &partners, 1_000).partners[0].1.clone();
        let (other, wanted) = (node.db().clone(), partners.to_vec());
        let meanwhile = node
            .db()
            .write_as(Share::Alone, move |tx: &mut dyn Tx| {
                assert!(leases::holds(tx, &lease)?);
                // Long after its term: the taking passes over the row instead of waiting for it.
                let rival = std::thread::spawn(move || turn_on(&other, [2; 16], &wanted, 1_000 + 2 * TERM));
                Ok::<_, StoreError>(rival.join().unwrap())
            })
            .unwrap();
        assert!(meanwhile.partners.is_empty());
        assert_eq!(turn(&node, 2, &partners, 1_000 + 2 * TERM).partners.len(), 1);
    }
}

#[test]
fn every_change_of_what_processes_remember_is_counted() {
    for node in nodes() {
        let version = || node.read(|tx, _| leases::known_version(tx)).unwrap();
        let before = version();
        node.write(|tx, _| leases::known_changed(tx)).unwrap();
        assert_eq!(version(), before + 1);
        node.write(|tx, _| crate::partners::add_manifest(tx, &party("es-police"), 1, b"manifest")).unwrap();
        assert_eq!(version(), before + 2);
    }
}
