//! A partner whose agreement has ended asks for what was meant for it, by every route there is.
//!
//! MISP #10899 and #7715: a member that its owner had removed went on getting what others shared with the group, because
//! who served it asked a list of its own, or none.

use mithaq_app::{AppError, ErrorKind, Use, intent};
use mithaq_model::{Days, Urgency};
use mithaq_wire::{Digest, Lane, Position, decode_courier, decode_courier_piece};

use crate::attachments::{file, on_disk, own_root, pull, sent};
use crate::courier::{export, import, nothing_waits};
use crate::requests::{accept, answer, asked};
use crate::world::{ES, MA, World, recruiter};

const MIB: usize = 1024 * 1024;
const START: Position = Position { epoch: 1, seq: 0 };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Suspended,
    Terminated,
    Expired,
}

const ENDS: [End; 3] = [End::Suspended, End::Terminated, End::Expired];

/// ES has one report of MA and the first chunk of its file; a second report waits for it.
struct Left {
    world: World,
    root: Digest,
}

impl Left {
    fn new() -> Self {
        let mut world = World::strangers(&[MA, ES]);
        world.agreement = world.agree(0, 1, |text| {
            let line = |line: &str| {
                if line.starts_with("expires_on") { "expires_on = \"2026-06-11\"" } else { line }.to_owned()
            };
            text.lines().map(line).collect::<Vec<_>>().join("\n")
        });
        let number = sent(&mut world, &[&file(2 * MIB + 3, 9)]);
        pull(&world, 1).unwrap();
        world.released();
        let root = own_root(world.ma(), number);
        Self { world, root }
    }

    /// MA ends it, and ES has not heard of it.
    fn end(&self, how: End) {
        let (ma, id) = (self.world.ma(), self.world.agreement);
        match how {
            End::Suspended => {
                let may = ma.actor("legal").may(intent::SuspendAgreement).unwrap();
                ma.app.suspend_agreement(may, id).unwrap();
            }
            End::Terminated => {
                let may = ma.actor("authority").may(intent::GovernAgreement).unwrap();
                ma.app.terminate_agreement(may, id).unwrap();
            }
            End::Expired => self.world.clock.0.advance(Days(11)),
        }
    }

    fn chunk(&self, index: u64) -> Result<Vec<u8>, AppError> {
        let named = (self.world.agreement, self.root);
        self.world.ma().app.chunk_for(&self.world.es().party, named, index)
    }

    fn taken(&self) -> usize {
        self.world.es().count("report.received")
    }
}

#[test]
fn a_partner_whose_agreement_ended_gets_nothing_by_any_route() {
    for how in ENDS {
        let mut left = Left::new();
        let lane = (left.world.agreement, Lane::Report);
        // All of it would flow.
        let es = left.world.es().party.clone();
        assert!(left.world.ma().app.batch_after(&es, lane, Position { epoch: 1, seq: 1 }).unwrap().is_some());
        assert!(left.chunk(1).is_ok());
        assert_eq!(left.taken(), 1);
        left.end(how);

        let ma = left.world.ma();
        for seq in [0, 1] {
            let at = Position { seq, ..START };
            assert_eq!(ma.app.batch_after(&es, lane, at).unwrap(), None, "{how:?}: fetched from {seq}");
        }
        for index in [0, 1, 2] {
            assert_eq!(left.chunk(index).unwrap_err().kind(), ErrorKind::NotFound, "{how:?}: chunk {index}");
        }
        let list = ma.app.chunk_list_for(&es, lane.0, left.root).unwrap_err();
        assert_eq!(list.kind(), ErrorKind::NotFound, "{how:?}");
        by_hand(&left, how);
        // What MA itself pushes.
        left.world.carry(0, 1);
        assert_eq!(left.taken(), 1, "{how:?}: pushed");
        released_anew(&left, how);
    }
}

/// What people at MA carry to it: orders and notices, no report and no piece of a file.
fn by_hand(left: &Left, how: End) {
    let (ma, es) = (left.world.ma(), left.world.es());
    if nothing_waits(ma, es) {
        return;
    }
    for volume in export(ma, es, 4 * MIB) {
        let (parts, _) = decode_courier(&volume).unwrap();
        let pieces = parts.iter().filter(|part| decode_courier_piece(part).is_ok()).count();
        import(es, &volume);
        assert_eq!((pieces, left.taken()), (0, 1), "{how:?}: by hand");
    }
}

/// What people would release to it from now on.
fn released_anew(left: &Left, how: End) {
    let ma = left.world.ma();
    let case = ma.case(mithaq_model::CrimeArea::ForeignTerroristFighters);
    let subject = ma.add_subject(case, recruiter(8));
    let number = ma.ready(case, left.world.report(&[subject]));
    assert_eq!(ma.release(number, &Use::default()).unwrap_err().code(), "release.AGR", "{how:?}");
    assert!(on_disk(&left.world.es().mark) > 0, "what it had before is a matter of orders");
}

/// The member asked before it was removed, and is answered after.
#[test]
fn an_answer_is_not_released_to_a_partner_whose_agreement_ended() {
    for how in [End::Suspended, End::Terminated] {
        let mut world = World::new();
        let (_, number) = asked(&mut world, Urgency::ThreatToLife);
        let there = accept(&world, number, true);
        world.settle();
        let reply = answer(&world, there, number, false);
        let (es, id) = (world.es(), world.agreement);
        let ended = if how == End::Suspended {
            let may = es.actor("legal").may(intent::SuspendAgreement).unwrap();
            es.app.suspend_agreement(may, id)
        } else {
            let may = es.actor("authority").may(intent::GovernAgreement).unwrap();
            es.app.terminate_agreement(may, id)
        };
        ended.unwrap();
        assert_eq!(es.release(reply, &Use::default()).unwrap_err().code(), "release.AGR", "{how:?}");
        world.settle();
        let came = world.ma().count("report.received");
        assert_eq!(came, 0, "{how:?}");
    }
}
