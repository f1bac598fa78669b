//! The event loop: virtual time, the network and its faults, crashes at every commit. Nodes act through the
//! protocol's steps only; what they commit and send is recorded for the checker.

use std::collections::BTreeMap;

use mithaq_exchange::{
    Answered, Door, Effect, Flow, Logged, Received, Settled, Shelf, Stop, failed, inspect, overdue,
    pick_lane, receive, settle,
};
use mithaq_model::PartyId;
use mithaq_wire::{BatchAnswer, Lane, LaneId, Position};

use crate::bug::Bug;
use crate::consents::HopJudge;
use crate::dice::Dice;
use crate::history::{History, Record};
use crate::node::{Node, agreement, key, lane_between, place};
use crate::paper::Slip;
use crate::store::{InboxOf, OutboxOf};

/// When faults and work stop, ms.
pub(crate) const HEAL_AT: u64 = 90_000;
/// How long everything may take to drain after that: twice the longest back-off (invariant I13), ms.
pub(crate) const DRAIN: u64 = 2 * mithaq_exchange::DELAY_MAX_MS;
const TIMEOUT: u64 = 5_000;

/// How bad the network and the machines are in this run.
pub(crate) struct Weather {
    pub(crate) drop: u64,
    pub(crate) duplicate: u64,
    pub(crate) delay: u64,
    pub(crate) crash: u64,
}

pub(crate) enum Event {
    Work(usize),
    Onward(usize),
    Pump(usize),
    Sweep(usize),
    Restart(usize),
    BackUp(usize),
    SetBack(usize),
    Trouble,
    Mischief,
    Request { id: u64, from: usize, to: usize, batch: Vec<Vec<u8>> },
    Response { id: u64, to: usize, answer: Result<BatchAnswer, Stop> },
    Timeout(u64),
}

pub(crate) struct Pending {
    node: usize,
    life: u32,
    lane: LaneId,
    settled: Position,
}

/// Where a crash strikes.
#[derive(PartialEq, Eq)]
pub(crate) enum Fate {
    Fine,
    BeforeCommit,
    AfterCommit,
}

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) now: u64,
    pub(crate) nodes: Vec<Node>,
    pub(crate) weather: Weather,
    pub(crate) history: History,
    pub(crate) bug: Option<(usize, Bug)>,
    /// One-way: from, to, until.
    pub(crate) partitions: Vec<(usize, usize, u64)>,
    /// Requests of the past, for replays.
    pub(crate) past: Vec<(usize, usize, Vec<Vec<u8>>)>,
    pub(crate) liar: Option<usize>,
    /// Whether clocks jump during the run.
    pub(crate) clocks_jump: bool,
    /// Whether nothing that people do may depend on what clocks decided.
    pub(crate) steady: bool,
    queue: BTreeMap<(u64, u64), Event>,
    pending: BTreeMap<u64, Pending>,
    next_id: u64,
}

impl World {
    pub(crate) fn new(seed: u64, names: &[PartyId], liar: Option<usize>, bug: Option<(usize, Bug)>) -> Self {
        let nodes = names.iter().enumerate();
        let nodes = nodes.map(|(i, name)| Node::new(name, names, liar != Some(i))).collect();
        let mut dice = Dice::new(seed);
        let weather = Weather {
            drop: dice.below(150),
            duplicate: dice.below(100),
            delay: dice.between(50, 2_000),
            crash: dice.below(40),
        };
        Self {
            dice,
            now: 0,
            nodes,
            weather,
            history: History::default(),
            bug,
            partitions: Vec::new(),
            past: Vec::new(),
            liar,
            clocks_jump: true,
            steady: false,
            queue: BTreeMap::new(),
            pending: BTreeMap::new(),
            next_id: 0,
        }
    }

    pub(crate) fn after(&mut self, delay: u64, event: Event) {
        self.next_id += 1;
        self.queue.insert((self.now.saturating_add(delay), self.next_id), event);
    }

    pub(crate) fn record(&mut self, record: Record) {
        self.history.records.push((self.now, record));
    }

    pub(crate) fn note(&mut self, text: String) {
        self.record(Record::Note(text));
    }

    pub(crate) fn has_bug(&self, node: usize, bug: Bug) -> bool {
        self.bug == Some((node, bug))
    }

    pub(crate) const fn is_faulty(&self) -> bool {
        self.now < HEAL_AT
    }

    pub(crate) fn run(&mut self) {
        while let Some(((time, _), event)) = self.queue.pop_first() {
            if time > HEAL_AT + DRAIN {
                break;
            }
            self.now = time;
            self.handle(event);
        }
        self.now = HEAL_AT + DRAIN;
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Work(node) => self.work(node),
            Event::Onward(node) => self.onward(node),
            Event::Pump(node) => self.pump(node),
            Event::Sweep(node) => self.sweep(node),
            Event::Restart(node) => self.restart(node),
            Event::BackUp(node) => self.back_up(node),
            Event::SetBack(node) => self.set_back(node),
            Event::Trouble => self.trouble(),
            Event::Mischief => self.mischief(),
            Event::Request { id, from, to, batch } => self.on_request(id, from, to, &batch),
            Event::Response { id, to, answer } => self.on_response(id, to, answer),
            Event::Timeout(id) => self.on_timeout(id),
        }
    }

    pub(crate) fn fate(&mut self) -> Fate {
        if !self.is_faulty() || !self.dice.chance(self.weather.crash) {
            Fate::Fine
        } else if self.dice.chance(500) {
            Fate::BeforeCommit
        } else {
            Fate::AfterCommit
        }
    }

    pub(crate) fn crash(&mut self, node: usize) {
        let Some(n) = self.nodes.get_mut(node) else { return };
        if !n.up {
            return;
        }
        n.crash();
        let name = n.name.to_string();
        self.break_store(node);
        self.note(format!("crash    {name}"));
        let down = self.dice.between(100, 8_000);
        self.after(down, Event::Restart(node));
    }

    fn restart(&mut self, node: usize) {
        let Some(n) = self.nodes.get_mut(node) else { return };
        n.up = true;
        let name = n.name.to_string();
        self.note(format!("restart  {name}"));
        self.ask_heads(node);
        self.catch_up(node);
        self.after(0, Event::Pump(node));
    }

    /// After an outage a node asks every partner it reaches how far its control lane goes.
    fn ask_heads(&mut self, node: usize) {
        for peer in 0..self.nodes.len() {
            if peer == node || self.is_cut(node, peer) || self.is_cut(peer, node) {
                continue;
            }
            let (Some(us), Some(them)) = (self.nodes.get(node), self.nodes.get(peer)) else { continue };
            if !them.up || !them.honest {
                continue;
            }
            let lane = lane_between(&them.name, &us.name, Lane::Control);
            let last = them.store.lane_out(&lane).last();
            let have = us.store.lane_in(&lane).have;
            let clock = us.clock(self.now);
            self.record(Record::Announced { lane: key(&lane), last: place(last) });
            if let Some(us) = self.nodes.get_mut(node) {
                us.controls.entry(lane).or_default().announce(last, have, clock);
            }
        }
    }

    pub(crate) fn is_cut(&self, from: usize, to: usize) -> bool {
        self.partitions.iter().any(|(f, t, until)| *f == from && *t == to && self.now < *until)
    }

    fn flow(&self, node: usize, peer: usize) -> Flow {
        let (Some(us), Some(them)) = (self.nodes.get(node), self.nodes.get(peer)) else {
            return Flow::ControlOnly;
        };
        let suspended = us.suspended.contains(&agreement(&us.name, &them.name));
        if suspended { Flow::ControlOnly } else { Flow::Open }
    }

    /// Hands out everything that may go now.
    fn pump(&mut self, node: usize) {
        for peer in 0..self.nodes.len() {
            if peer != node {
                while self.pump_one(node, peer) {}
            }
        }
    }

    fn pump_one(&mut self, node: usize, peer: usize) -> bool {
        let flow = self.flow(node, peer);
        let now = self.now;
        let Some(them) = self.nodes.get(peer).map(|them| them.name.clone()) else { return false };
        let Some(us) = self.nodes.get_mut(node).filter(|us| us.up) else { return false };
        let clock = us.clock(now);
        let rows =
            [Lane::Control, Lane::Report].map(|lane| us.store.lane_out(&lane_between(&us.name, &them, lane)));
        let windows = rows.each_ref().map(|row| us.window(row));
        let pairs: Vec<_> = rows.iter().zip(&windows).collect();
        let Some(lane) = pick_lane(&pairs, flow, clock) else { return false };
        if lane.id.lane == Lane::Report && self.bug == Some((node, Bug::NeverSends)) {
            return false;
        }
        let mut window = us.window(lane);
        let waiting = us.store.out_after(&lane.id, window.handed(), mithaq_wire::limits::BATCH_MESSAGES_MAX);
        let batch = window.next(lane, waiting, clock);
        us.windows.insert(lane.id.clone(), window);
        let (life, id) = (us.life, lane.id.clone());
        let Some(batch) = batch else { return false };
        let settled = batch.settled;
        let request = self.send(node, peer, batch.envelopes);
        self.pending.insert(request, Pending { node, life, lane: id, settled });
        self.after(TIMEOUT, Event::Timeout(request));
        true
    }

    /// Puts a request on the wire: it arrives once, twice or never, early or late.
    pub(crate) fn send(&mut self, from: usize, to: usize, batch: Vec<Vec<u8>>) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        let name = self.nodes.get(from).map(|n| n.name.to_string()).unwrap_or_default();
        for bytes in &batch {
            self.record(Record::Sent { node: name.clone(), bytes: bytes.clone() });
        }
        let batch = self.spoil(from, batch);
        if self.past.len() < 200 {
            self.past.push((from, to, batch.clone()));
        }
        for _copy in 0..self.copies(from, to) {
            let delay = self.delay();
            self.after(delay, Event::Request { id, from, to, batch: batch.clone() });
        }
        id
    }

    fn copies(&mut self, from: usize, to: usize) -> u32 {
        if self.is_cut(from, to) || (self.is_faulty() && self.dice.chance(self.weather.drop)) {
            0
        } else if self.is_faulty() && self.dice.chance(self.weather.duplicate) {
            2
        } else {
            1
        }
    }

    fn delay(&mut self) -> u64 {
        let longest = if self.is_faulty() { self.weather.delay } else { 50 };
        // Now and then a packet that everyone had given up on.
        if self.is_faulty() && self.dice.chance(10) {
            self.dice.between(0, 40_000)
        } else {
            self.dice.between(1, longest)
        }
    }

    fn on_request(&mut self, id: u64, from: usize, to: usize, batch: &[Vec<u8>]) {
        let Some(answer) = self.serve(from, to, batch) else { return };
        let answer = answer.map(|answer| self.twist(to, from, answer));
        let name = self.nodes.get(to).map(|n| n.name.to_string()).unwrap_or_default();
        if let Ok(answer) = &answer {
            for bytes in &answer.receipts {
                self.record(Record::Receipted { node: name.clone(), bytes: bytes.clone() });
            }
        }
        for _copy in 0..self.copies(to, from) {
            let delay = self.delay();
            self.after(delay, Event::Response { id, to: from, answer: answer.clone() });
        }
    }

    /// The receiver's step. Nothing is answered when it crashes.
    pub(crate) fn serve(
        &mut self,
        from: usize,
        to: usize,
        batch: &[Vec<u8>],
    ) -> Option<Result<BatchAnswer, Stop>> {
        let now = self.now;
        let peer = self.nodes.get(from)?.name.clone();
        let us = self.nodes.get(to).filter(|us| us.up)?;
        let known = [agreement(&us.name, &peer)];
        let door = Door { us: &us.name, peer: &peer, agreements: &known };
        let generous = self.bug.and_then(|(node, bug)| (node == to).then_some(bug));
        let hand = us.hand.clone().with_bug(generous);
        let inspection = match inspect(batch, &door, &hand) {
            Ok(inspection) => inspection,
            Err(stop) => return Some(Err(stop)),
        };
        let lane = inspection.lane.clone();
        if self.waits_for_orders(to, &lane) {
            return Some(Err(Stop::Busy));
        }
        let suspended = us.suspended.contains(&lane.agreement);
        let careless = self.has_bug(to, Bug::SkipsTokens);
        let shelf = Shelf {
            lane: us.store.lane_in(&lane),
            inbox: &mut InboxOf(&us.store, lane.clone()),
            judge: &mut HopJudge::new(&us.store, &us.name, (suspended, careless)),
            unwrap: &hand,
            sign: &hand,
        };
        let received = receive(inspection, shelf, us.clock(now)).ok()?;
        let fate = self.fate();
        if fate == Fate::BeforeCommit {
            let early = self.has_bug(to, Bug::AnswersBeforeCommit);
            self.crash(to);
            return early.then(|| Ok(received.answer(Logged::committed(0))));
        }
        let received = self.break_received(to, received);
        let logged = self.commit_received(to, &received, batch)?;
        if fate == Fate::AfterCommit {
            self.crash(to);
            return None;
        }
        let answer = received.answer(logged);
        Some(Ok(self.break_answer(to, &lane, answer)))
    }

    fn commit_received(&mut self, to: usize, received: &Received<Slip>, batch: &[Vec<u8>]) -> Option<Logged> {
        let node = self.nodes.get_mut(to)?;
        let logged = node.store.commit_received(received);
        let name = node.name.to_string();
        if let Some(control) = node.controls.get_mut(&received.lane.id) {
            control.advance(received.lane.have);
        }
        self.record(Record::Arrived { node: name.clone(), batch: batch.to_vec() });
        let lane = key(&received.lane.id);
        for (row, effect) in &received.messages {
            let (at, envelope) = (place(row.at), row.envelope.0);
            self.record(Record::Taken { lane: lane.clone(), at, envelope });
            self.record_effect((&name, &lane.from), effect);
        }
        self.follow(to, received);
        Some(logged)
    }

    pub(crate) fn record_effect(&mut self, (node, by): (&str, &str), effect: &Effect<Slip>) {
        match effect {
            Effect::Keep { seal, .. } => self.record(Record::Applied {
                node: node.to_owned(),
                by: by.to_owned(),
                originator: seal.originator.to_string(),
                object: *seal.object.as_bytes(),
                version: seal.version.get(),
            }),
            Effect::Erase { originator, object, versions, .. } => self.record(Record::TakenBack {
                node: node.to_owned(),
                originator: originator.to_string(),
                object: *object.as_bytes(),
                versions: match versions {
                    mithaq_exchange::Versions::All => Vec::new(),
                    mithaq_exchange::Versions::Only(versions) => versions.iter().map(|v| v.get()).collect(),
                },
            }),
            Effect::None
            | Effect::Quarantine { .. }
            | Effect::Notice(_)
            | Effect::Receipts(_)
            | Effect::Step { .. }
            | Effect::Onward { .. } => {}
        }
    }

    fn on_response(&mut self, id: u64, to: usize, answer: Result<BatchAnswer, Stop>) {
        let now = self.now;
        let Some(node) = self.nodes.get(to).filter(|node| node.up) else { return };
        let life = node.life;
        let Some(pending) = self.pending.get(&id).filter(|p| p.node == to && p.life == life) else { return };
        let (lane, settled) = (pending.lane.clone(), pending.settled);
        let jitter = self.dice.jitter();
        let Some(node) = self.nodes.get(to) else { return };
        let (row, clock) = (node.store.lane_out(&lane), node.clock(now));
        let Ok(answer) = answer else {
            self.pending.remove(&id);
            self.give_up(to, &lane);
            return;
        };
        let Ok(settled) = settle(
            &row,
            Answered::since(settled, &answer),
            &mut OutboxOf(&node.store, lane),
            &node.hand,
            clock,
            jitter,
        );
        self.pending.remove(&id);
        let fate = self.fate();
        if fate == Fate::BeforeCommit {
            self.crash(to);
            return;
        }
        self.commit_settled(to, &settled);
        if fate == Fate::AfterCommit {
            self.crash(to);
        }
    }

    fn commit_settled(&mut self, node: usize, settled: &Settled) {
        let now = self.now;
        let Some(n) = self.nodes.get_mut(node) else { return };
        n.store.commit_settled(settled);
        if let Some(window) = n.windows.get_mut(&settled.lane.id) {
            window.landed(settled);
        }
        let wait = settled.lane.retry_at.since(n.clock(now)).0;
        if !settled.alarms.is_empty() {
            self.note(format!("alarm    {:?} {:?}", key(&settled.lane.id), settled.alarms));
        }
        self.after(wait, Event::Pump(node));
    }

    fn on_timeout(&mut self, id: u64) {
        let Some(pending) = self.pending.remove(&id) else { return };
        let alive = self.nodes.get(pending.node).is_some_and(|n| n.up && n.life == pending.life);
        if alive {
            self.give_up(pending.node, &pending.lane);
        }
    }

    /// A batch got no answer, or a bare refusal.
    fn give_up(&mut self, node: usize, lane: &LaneId) {
        let (now, jitter) = (self.now, self.dice.jitter());
        let Some(n) = self.nodes.get_mut(node) else { return };
        let row = failed(&n.store.lane_out(lane), n.clock(now), jitter);
        let wait = row.retry_at.since(n.clock(now)).0;
        if let Some(window) = n.windows.get_mut(lane) {
            window.lost(&row);
        }
        n.store.lanes_out.insert(lane.clone(), row);
        self.after(wait, Event::Pump(node));
    }

    /// N1 for what is overdue by the node's own clock.
    fn sweep(&mut self, node: usize) {
        let now = self.now;
        if let Some(n) = self.nodes.get_mut(node).filter(|n| n.up) {
            let clock = n.clock(now);
            let waiting: Vec<_> =
                n.store.outbox.iter().map(|((lane, _), row)| (lane.clone(), row.clone())).collect();
            for (lane, row) in waiting {
                let lane_row = n.store.lane_out(&lane);
                if let Some((state, fact)) = overdue(&lane_row, &row, clock) {
                    n.store.commit_overdue(&lane, row.at, state, fact);
                }
            }
        }
        self.break_store(node);
        self.catch_up(node);
        self.pass_corrections(node);
        let period = if self.is_faulty() { 5_000 } else { 120_000 };
        self.after(period, Event::Sweep(node));
        self.after(0, Event::Pump(node));
    }
}
