use mithaq_db::{Constraint, DbError};
use mithaq_exchange::ports::{Inbox as _, Known, Outbox as _};
use mithaq_exchange::{
    AheadRow, EquivocationProof, Halt, HeldVersion, Holding, InRow, LaneIn, LaneOut, Logged, Modified,
    OutMessage, OutState, PartnerControl, PeerFault, ReceiptRow, Tombstone, VersionState, Versions,
};
use mithaq_model::{Millis, RefusalGround};
use mithaq_wire::{Digest, Lane, LaneId, MessageKind, OrderReason, Position, Verdict};

use super::reports::v;
use super::{AGREEMENT, at, integrity, nodes, number, party};
use crate::lanes::{self, Inbox, LaneKey, Outbox};
use crate::sql::sha256;
use crate::{Page, StoreError};

pub(super) fn lane_id(lane: Lane) -> LaneId {
    LaneId { from: party("ma-security"), to: party("es-police"), agreement: AGREEMENT, lane }
}

fn key() -> LaneKey {
    LaneKey::of(&lane_id(Lane::Report))
}

fn place(seq: u64) -> Position {
    Position { epoch: 1, seq }
}

fn message(seq: u64) -> OutMessage {
    let bytes = vec![u8::try_from(seq).unwrap(); 100];
    OutMessage {
        at: place(seq),
        kind: MessageKind::Report,
        object: (seq % 2 == 1).then(|| (number(7), v(1))),
        envelope: sha256(&bytes),
        bytes,
        deadline: at(100 + i64::try_from(seq).unwrap()),
        state: OutState::Waiting,
        logged: Logged::committed(seq),
    }
}

fn refused() -> Verdict {
    Verdict::Refused { code: "AGR".to_owned(), ground: RefusalGround::ALL.first().copied() }
}

#[test]
fn lane_keys_tell_every_part_apart() {
    let base = lane_id(Lane::Report);
    let others = [
        lane_id(Lane::Control),
        LaneId { from: base.to.clone(), to: base.from.clone(), ..base.clone() },
        LaneId { from: party("ma-securit"), to: party("yes-police"), ..base.clone() },
        LaneId { agreement: mithaq_model::AgreementId::new([1; 32]), ..base.clone() },
    ];
    for other in &others {
        assert_ne!(LaneKey::of(other), LaneKey::of(&base), "{other:?}");
    }
}

#[test]
fn a_lane_begins_once_and_is_kept_as_it_is() {
    for node in nodes() {
        let id = || lane_id(Lane::Report);
        assert_eq!(node.read(move |tx, _| lanes::peek_outbound(tx, &id())), Ok(None));
        assert_eq!(node.write(move |tx, _| lanes::outbound(tx, &id())), Ok(LaneOut::new(id())));
        assert_eq!(node.write(move |tx, _| lanes::inbound(tx, &id())), Ok(LaneIn::new(id())));
        let out = move || LaneOut {
            epoch: 2,
            next_seq: 9,
            head: Digest([4; 32]),
            settled: place(3),
            acked: place(2),
            halt: Halt::Fault(PeerFault::HaveAhead),
            attempts: 5,
            retry_at: at(77),
            ..LaneOut::new(id())
        };
        let inn = move || LaneIn {
            have: Position { epoch: 3, seq: 8 },
            head: Digest([5; 32]),
            frozen: true,
            ahead: 4,
            checkpoint: Some(Digest([6; 32])),
            ..LaneIn::new(id())
        };
        node.write(move |tx, _| {
            lanes::save_outbound(tx, &out()).and_then(|()| lanes::save_inbound(tx, &inn()))
        })
        .unwrap();
        assert_eq!(node.write(move |tx, _| lanes::outbound(tx, &id())), Ok(out()));
        assert_eq!(node.read(move |tx, _| lanes::peek_outbound(tx, &id())), Ok(Some(out())));
        assert_eq!(node.read(move |tx, _| lanes::peek_inbound(tx, &id())), Ok(Some(inn())));
        let unknown = LaneOut::new(lane_id(Lane::Bulk));
        let missing = node.write(move |tx, _| lanes::save_outbound(tx, &unknown));
        assert_eq!(missing, Err(StoreError::Missing { what: "lane" }));
        assert_eq!(node.read(|tx, _| lanes::lane(tx, key())), Ok(Some(id())));
        assert_eq!(node.read(|tx, _| lanes::with_party(tx, &party("es-police"))), Ok(vec![id()]));
        node.tamper("UPDATE lane SET to_party = 'ci-judiciary'");
        assert!(integrity(&node.read(|tx, _| lanes::lane(tx, key())).unwrap_err()));
    }
}

#[test]
fn lanes_are_due_when_open_behind_and_in_time() {
    for node in nodes() {
        for (class, next_seq, halt, retry_at) in [
            (Lane::Report, 5, Halt::Open, 10),
            (Lane::Control, 4, Halt::Open, 0),
            (Lane::Bulk, 9, Halt::FrozenByPeer, 0),
        ] {
            node.write(move |tx, _| {
                let lane = lanes::outbound(tx, &lane_id(class))?;
                let lane = LaneOut { next_seq, halt, retry_at: at(retry_at), settled: place(3), ..lane };
                lanes::save_outbound(tx, &lane)
            })
            .unwrap();
        }
        let due = |now: i64| {
            let found = node.read(move |tx, _| lanes::due(tx, at(now), 9)).unwrap();
            found.into_iter().map(|lane| lane.id.lane).collect::<Vec<_>>()
        };
        assert_eq!((due(9), due(10)), (vec![], vec![Lane::Report]));
    }
}

#[test]
fn a_place_in_the_outbox_is_given_once() {
    for node in nodes() {
        let put = |messages: Vec<OutMessage>| node.write(move |tx, _| lanes::put(tx, key(), &messages));
        put((1..=6).map(message).collect()).unwrap();
        let other = OutMessage { envelope: sha256(b"other"), bytes: b"other".to_vec(), ..message(3) };
        assert_eq!(put(vec![other.clone()]), Err(StoreError::Db(DbError::Constraint(Constraint::Unique))));
        let wrong = OutMessage { at: place(7), envelope: Digest([0; 32]), ..other };
        assert!(integrity(&put(vec![wrong]).unwrap_err()));
        assert_eq!(node.read(|tx, _| lanes::message(tx, key(), place(3))), Ok(Some(message(3))));
        let taken = |limit: u32, bytes: usize| {
            let found = node.read(move |tx, _| lanes::waiting(tx, key(), place(2), (limit, bytes))).unwrap();
            found.into_iter().map(|m| m.at.seq).collect::<Vec<_>>()
        };
        assert_eq!(taken(10, 1_000), [3, 4, 5, 6]);
        assert_eq!(taken(2, 1_000), [3, 4]);
        assert_eq!(taken(10, 250), [3, 4]);
        assert_eq!(taken(10, 1), [3], "always one, or the lane would stand still");
    }
}

#[test]
fn settled_messages_keep_verdict_and_receipt_and_lose_their_bytes() {
    for node in nodes() {
        node.write(|tx, _| lanes::put(tx, key(), &(1..=6).map(message).collect::<Vec<_>>())).unwrap();
        let decided = |verdict| OutState::Decided { verdict, receipt: Digest([8; 32]) };
        let states = move || {
            vec![
                (place(1), decided(Verdict::Accepted)),
                (place(2), decided(Verdict::Accepted)),
                (place(3), decided(refused())),
                (place(4), OutState::NotDelivered { late: None }),
                (place(5), OutState::NotDelivered { late: Some((refused(), Digest([9; 32]))) }),
            ]
        };
        node.write(move |tx, _| lanes::save_states(tx, key(), &states())).unwrap();
        for (at, state) in states() {
            let found = node.read(move |tx, _| lanes::message(tx, key(), at)).unwrap().unwrap();
            assert_eq!(found, OutMessage { state, ..message(at.seq) });
        }
        let ghost = node.write(|tx, _| lanes::save_states(tx, key(), &[(place(9), OutState::Waiting)]));
        assert_eq!(ghost, Err(StoreError::Missing { what: "message" }));
        let late: Vec<_> = node.read(|tx, _| lanes::overdue(tx, at(106), 9)).unwrap();
        assert_eq!(late.iter().map(|(lane, m)| (*lane, m.at.seq)).collect::<Vec<_>>(), [(key(), 6)]);
        assert_eq!(node.write(|tx, _| lanes::forget_sent(tx, key(), place(5))), Ok(4));
        let found = node.read(|tx, _| lanes::message(tx, key(), place(1))).unwrap().unwrap();
        assert!(found.bytes.is_empty() && found.envelope == message(1).envelope);
        let found = node.read(|tx, _| lanes::message(tx, key(), place(4))).unwrap().unwrap();
        assert_eq!(found.bytes, message(4).bytes, "what has no receipt is still sent");
        let of = node.read(|tx, _| lanes::of_object(tx, number(7))).unwrap();
        assert_eq!(of.iter().map(|(_, m)| m.at.seq).collect::<Vec<_>>(), [1, 3, 5]);
        let through_port = node.read(|tx, _| {
            let mut outbox = Outbox::new(tx, key());
            Ok((outbox.message(place(6))?, outbox.after(place(4), 10)?.len()))
        });
        let light = OutMessage { bytes: Vec::new(), ..message(6) };
        assert_eq!(through_port, Ok((Some(light), 2)));
    }
}

#[test]
fn bytes_changed_by_hand_are_not_sent() {
    for node in nodes() {
        node.write(|tx, _| lanes::put(tx, key(), &[message(1)])).unwrap();
        node.tamper("UPDATE outbox SET bytes = hash");
        assert!(integrity(&node.read(|tx, _| lanes::message(tx, key(), place(1))).unwrap_err()));
    }
}

#[test]
fn the_inbox_knows_duplicates_and_answers_byte_for_byte() {
    let row = |seq: u64, verdict: Verdict| {
        let bytes = vec![u8::try_from(seq).unwrap(); 50];
        InRow { at: place(seq), envelope: sha256(&bytes), bytes, verdict, receipt: sha256(b"receipt") }
    };
    for node in nodes() {
        let rows = move || vec![row(1, Verdict::Accepted), row(2, refused())];
        node.write(move |tx, _| {
            lanes::take(tx, key(), &rows())?;
            let receipt = ReceiptRow { id: sha256(b"receipt"), bytes: b"receipt".to_vec() };
            lanes::add_receipts(tx, key(), &[receipt.clone(), receipt], at(1))
        })
        .unwrap();
        let twice = node.write(move |tx, _| lanes::take(tx, key(), &rows()));
        assert_eq!(twice, Err(StoreError::Db(DbError::Constraint(Constraint::Unique))));
        let wrong = ReceiptRow { id: sha256(b"x"), bytes: b"y".to_vec() };
        assert!(integrity(
            &node.write(move |tx, _| lanes::add_receipts(tx, key(), &[wrong], at(1))).unwrap_err()
        ));
        let known = Known { envelope: sha256(&[2; 50]), receipt: sha256(b"receipt") };
        let seen = node.read(|tx, _| {
            let mut inbox = Inbox::new(tx, key());
            let receipt = inbox.receipt(sha256(b"receipt"))?;
            Ok((inbox.taken(place(2))?, inbox.taken(place(3))?, inbox.envelope(place(2))?, receipt))
        });
        assert_eq!(seen, Ok((Some(known), None, Some(vec![2; 50]), Some(b"receipt".to_vec()))));
        assert_eq!(node.write(|tx, _| lanes::forget_taken(tx, key(), place(2))), Ok(true));
        let seen = node.read(|tx, _| {
            let mut inbox = Inbox::new(tx, key());
            Ok((inbox.taken(place(2))?, inbox.envelope(place(2))?))
        });
        assert_eq!(seen, Ok((Some(known), None)), "the hash outlives the bytes");
        node.tamper("UPDATE receipt_batch SET bytes = lane");
        let changed = node.read(|tx, _| lanes::receipt(tx, key(), sha256(b"receipt")));
        assert!(integrity(&changed.unwrap_err()));
    }
}

#[test]
fn early_envelopes_are_kept_within_the_limit_of_the_protocol() {
    let early = |from: u64, count: u64| -> Vec<AheadRow> {
        (from..from + count)
            .map(|seq| AheadRow { at: place(seq), bytes: seq.to_be_bytes().to_vec() })
            .collect()
    };
    for node in nodes() {
        node.write(move |tx, _| lanes::keep_ahead(tx, key(), &early(3, 256))).unwrap();
        let kept = node.read(move |tx, _| lanes::kept_ahead(tx, key())).unwrap();
        let bytes: Vec<Vec<u8>> = early(3, 256).into_iter().map(|row| row.bytes).collect();
        assert_eq!(kept, bytes, "in order");
        let more = node.write(move |tx, _| lanes::keep_ahead(tx, key(), &early(500, 1)));
        assert_eq!(more, Err(StoreError::Limit { what: "number of early envelopes" }));
        let kept = |seq: u64| node.read(move |tx, _| Inbox::new(tx, key()).ahead(place(seq))).unwrap();
        assert_eq!((kept(3), kept(2)), (Some(3_u64.to_be_bytes().to_vec()), None));
        assert_eq!(
            node.write(|tx, _| lanes::drop_ahead(tx, key(), &[place(3), place(4), place(999)])),
            Ok(2)
        );
        assert_eq!(kept(3), None);
        node.write(move |tx, _| lanes::keep_ahead(tx, key(), &early(3, 2))).unwrap();
    }
}

#[test]
fn what_convicts_a_partner_is_kept_once() {
    let proof = || EquivocationProof {
        at: place(4),
        first_hash: sha256(b"one"),
        first: Some(b"one".to_vec()),
        second: b"two".to_vec(),
    };
    for node in nodes() {
        for new in [1, 0] {
            let added = node.write(move |tx, _| lanes::add_equivocations(tx, key(), &[proof()], at(5)));
            assert_eq!(added, Ok(new));
            let added = node.write(|tx, _| lanes::add_evidence(tx, key(), &[b"r1".to_vec()], at(6)));
            assert_eq!(added, Ok(new));
        }
        assert_eq!(node.read(|tx, _| lanes::equivocations(tx, key())), Ok(vec![(proof(), at(5))]));
        assert_eq!(node.read(|tx, _| lanes::evidence(tx, key())), Ok(vec![(b"r1".to_vec(), at(6))]));
        node.tamper("UPDATE equivocation SET first_bytes = second_bytes");
        assert!(integrity(&node.read(|tx, _| lanes::equivocations(tx, key())).unwrap_err()));
    }
}

#[test]
fn the_partners_control_lane_is_remembered() {
    for node in nodes() {
        let read = || node.read(|tx, _| lanes::control(tx, key())).unwrap();
        assert_eq!(read(), PartnerControl::default());
        for control in [
            PartnerControl::new(Some(place(4)), Some(at(1)), None),
            PartnerControl::new(Some(place(6)), Some(at(2)), Some(at(2))),
            PartnerControl::new(None, None, None),
        ] {
            node.write(move |tx, _| lanes::save_control(tx, key(), &control)).unwrap();
            assert_eq!(read(), control);
        }
    }
}

#[test]
fn holdings_and_tombstones_are_replaced_by_their_key() {
    let holding = |state, from: u32| Holding {
        object: number(1),
        originator: party("es-police"),
        agreement: AGREEMENT,
        current_from: v(from),
        expires: Some(at(9)),
        versions: vec![HeldVersion {
            version: v(1),
            state,
            lease_until: at(10),
            lease: Millis(3),
            expires: at(20),
        }],
    };
    let stone = |versions| Tombstone {
        originator: party("es-police"),
        object: number(2),
        agreement: AGREEMENT,
        versions,
        reason: OrderReason::Court,
        since: at(4),
    };
    for node in nodes() {
        let apply = |holdings: Vec<Holding>, tombstones: Vec<Tombstone>| {
            node.write(move |tx, _| lanes::apply(tx, &Modified { holdings, tombstones })).unwrap();
        };
        let seen = || {
            node.read(|tx, _| {
                let mut inbox = Inbox::new(tx, key());
                let stone = inbox.tombstone(&party("es-police"), number(2))?;
                let others = inbox.tombstone(&party("ci-judiciary"), number(2))?;
                assert_eq!(others, None);
                Ok((inbox.holding(number(1))?, stone))
            })
            .unwrap()
        };
        assert_eq!(seen(), (None, None));
        apply(vec![holding(VersionState::Current, 1)], vec![stone(Versions::Only(vec![v(2)]))]);
        let leases = node.read(|tx, _| lanes::expired_leases(tx, at(10), &Page::first(5)));
        assert_eq!(leases, Ok(vec![(number(1), v(1))]));
        apply(vec![holding(VersionState::Recalled, 2)], vec![stone(Versions::Only(vec![v(2), v(3)]))]);
        let both = stone(Versions::Only(vec![v(2), v(3)]));
        assert_eq!(seen(), (Some(holding(VersionState::Recalled, 2)), Some(both)));
        apply(vec![], vec![stone(Versions::All)]);
        assert_eq!(seen().1, Some(stone(Versions::All)));
        assert_eq!(node.read(|tx, _| lanes::expired_leases(tx, at(10), &Page::first(5))), Ok(vec![]));
    }
}

#[test]
fn an_overview_counts_what_waits_and_lists_what_went_wrong() {
    for node in nodes() {
        node.write(|tx, _| {
            let lane = lanes::outbound(tx, &lane_id(Lane::Report))?;
            lanes::put(tx, key(), &(1..=4).map(message).collect::<Vec<_>>())?;
            lanes::save_outbound(tx, &LaneOut { next_seq: 5, settled: place(1), ..lane })?;
            lanes::inbound(tx, &lane_id(Lane::Control))?;
            let receipt = Digest([9; 32]);
            let accepted = OutState::Decided { verdict: Verdict::Accepted, receipt };
            let declined = OutState::Decided { verdict: refused(), receipt };
            let states = [
                (place(1), accepted),
                (place(2), declined),
                (place(3), OutState::NotDelivered { late: None }),
            ];
            lanes::save_states(tx, key(), &states)
        })
        .unwrap();
        let views = node.read(|tx, _| lanes::overview(tx)).unwrap();
        assert_eq!(views.len(), 2);
        let report = views.iter().find(|view| view.id.lane == Lane::Report).unwrap();
        assert_eq!((report.backlog, report.taken.is_none()), (3, true));
        assert!(
            views
                .iter()
                .any(|view| view.id.lane == Lane::Control && view.taken.is_some() && view.sent.is_none())
        );

        let of = |standing| {
            move |tx: &mut dyn mithaq_db::Tx, _: &crate::Vault| lanes::standing(tx, standing, None, 10)
        };
        let places =
            |rows: Vec<(LaneKey, OutMessage)>| rows.iter().map(|(_, one)| one.at.seq).collect::<Vec<_>>();
        assert_eq!(places(node.read(of(lanes::Standing::Troubled)).unwrap()), [2, 3]);
        assert_eq!(places(node.read(of(lanes::Standing::Waiting)).unwrap()), [4]);
        let rest =
            node.read(|tx, _| lanes::standing(tx, lanes::Standing::Troubled, Some((key(), place(2))), 10));
        assert_eq!(places(rest.unwrap()), [3]);

        // Over two epochs rows are counted, not numbers.
        node.write(|tx, _| {
            let lane = lanes::outbound(tx, &lane_id(Lane::Report))?;
            let start = OutMessage {
                at: Position { epoch: 2, seq: 1 },
                kind: MessageKind::EpochStart,
                object: None,
                ..message(9)
            };
            lanes::put(tx, key(), &[start])?;
            lanes::save_outbound(tx, &LaneOut { epoch: 2, next_seq: 2, ..lane })
        })
        .unwrap();
        let views = node.read(|tx, _| lanes::overview(tx)).unwrap();
        assert_eq!(views.iter().map(|view| view.backlog).sum::<u64>(), 4);
    }
}
