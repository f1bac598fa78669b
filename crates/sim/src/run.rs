//! One run from one number.

use mithaq_model::{Millis, PartyId};

use crate::bug::Bug;
use crate::check::{self, Violation};
use crate::dice::Dice;
use crate::history::{History, Record};
use crate::liar::DECADE;
use crate::node::place;
use crate::world::{Event, World};

/// What is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The number everything follows from.
    pub seed: u64,
    /// How many nodes, 2 to 12.
    pub nodes: usize,
    /// A node that is broken on purpose.
    pub bug: Option<(usize, Bug)>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The log and the stores.
    pub history: History,
    /// What the checker found; empty means all invariants held.
    pub violations: Vec<Violation>,
    /// Messages that were queued.
    pub messages: usize,
}

/// How clocks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clocks {
    /// All right.
    Right,
    /// Each off by up to ten years.
    Off,
    /// Off, and jumping.
    Jumping,
}

/// Runs a seed and judges it. Every eighth seed runs twice, with right and with wrong clocks, and both must
/// have taken the same messages in the same order (invariant I15).
#[must_use]
pub fn run(options: Options) -> Outcome {
    let twice = options.seed.is_multiple_of(8) && options.bug.is_none();
    let clocks = if twice { Clocks::Off } else { Clocks::Jumping };
    let world = simulate(options, clocks);
    let mut violations = check::check(&world.history);
    if twice {
        let right = simulate(options, Clocks::Right);
        violations.extend(check::same_order(&orders(&right), &orders(&world)));
    }
    let messages = world.history.records.iter().filter(|(_, r)| matches!(r, Record::Queued { .. })).count();
    Outcome { history: world.history, violations, messages }
}

/// What each lane took, by random message number: the same under any clock.
fn orders(world: &World) -> Vec<Vec<[u8; 16]>> {
    let mut lanes = Vec::new();
    for node in world.nodes.iter().filter(|node| node.honest) {
        let mut order = Vec::new();
        for ((lane, at), row) in &node.store.inbox {
            let header = mithaq_exchange::ports::Unwrap::header(&node.hand, &row.bytes);
            order.extend(header.map(|header| header.mid));
            debug_assert!(place(*at).1 > 0 && lane.to == node.name);
        }
        lanes.push(order);
    }
    lanes
}

fn names(count: usize) -> Vec<PartyId> {
    let all = [
        "ma-security",
        "es-police",
        "ci-judiciary",
        "fr-customs",
        "tn-interior",
        "sn-police",
        "pt-judiciary",
        "it-finance",
        "be-federal",
        "de-border",
        "ml-security",
        "mr-interior",
    ];
    all.iter().take(count.max(2)).filter_map(|name| PartyId::new(name).ok()).collect()
}

fn simulate(options: Options, clocks: Clocks) -> World {
    let names = names(options.nodes);
    // Clocks and roles have their own chance, so that the same seed does the same under any clock.
    let mut roles = Dice::new(options.seed ^ 0x726f_6c65_7300);
    let liar = roles.chance(650).then(|| roles.index(names.len()));
    let liar = liar.filter(|liar| options.bug.is_none_or(|(broken, _)| broken != *liar));
    let twice = clocks != Clocks::Jumping;
    let mut world = World::new(options.seed, &names, liar, options.bug);
    world.clocks_jump = clocks == Clocks::Jumping;
    world.steady = clocks != Clocks::Jumping;
    for node in &mut world.nodes {
        let off = i64::try_from(roles.below(2 * DECADE.cast_unsigned())).unwrap_or(0) - DECADE;
        if clocks != Clocks::Right && roles.chance(500) {
            node.skew = off;
        }
    }
    for node in 0..world.nodes.len() {
        let start = world.dice.between(0, 1_000);
        world.after(start, Event::Work(node));
        world.after(start, Event::Sweep(node));
        world.after(2_000 + start, Event::Onward(node));
    }
    let restored = roles.index(names.len());
    if roles.chance(200) && !twice && liar != Some(restored) && options.bug.is_none() {
        let at = roles.between(5_000, 50_000);
        world.after(at, Event::BackUp(restored));
        world.after(at + roles.between(1_000, 35_000), Event::SetBack(restored));
    }
    world.after(1_000, Event::Trouble);
    world.after(1_500, Event::Mischief);
    world.run();
    replay_much_later(&mut world);
    world.history.ends = world.nodes.iter().map(crate::node::Node::end).collect();
    world
}

/// 400 days later someone sends again what was sent: the receipts are the same bytes (invariant I6).
fn replay_much_later(world: &mut World) {
    let later = i64::try_from(Millis(400 * 86_400_000).0).unwrap_or(0);
    for node in &mut world.nodes {
        node.skew = node.skew.saturating_add(later);
    }
    world.note("400 days later".to_owned());
    for _again in 0..20 {
        let index = world.dice.index(world.past.len());
        let Some((from, to, batch)) = world.past.get(index).cloned() else { return };
        if world.nodes.get(from).is_none_or(|node| !node.honest) {
            continue;
        }
        if let Some(Ok(answer)) = world.serve(from, to, &batch) {
            let node = world.nodes.get(to).map(|n| n.name.to_string()).unwrap_or_default();
            for bytes in answer.receipts {
                world.record(Record::Receipted { node: node.clone(), bytes });
            }
        }
    }
}
