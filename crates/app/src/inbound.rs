//! The receiving half of the exchange: a partner's batch is verified outside of the transaction, judged by this
//! node's own rules inside of it, and answered after its commit.

mod judge;
mod keep;
pub(crate) mod open;
mod orders;

use std::collections::BTreeMap;

use mithaq_db::Tx;
use mithaq_exchange::{
    Arrived, Door, Effect, Inspection, LaneIn, Logged, Received, Refuse, Shelf, inspect, inspect_kept,
    receive,
};
use mithaq_model::{PartyId, Timestamp};
use mithaq_store::agreements::{self, Counter};
use mithaq_store::lanes::{self, Inbox, LaneKey};
use mithaq_store::reports;
use mithaq_wire::{
    Lane, LaneId, OnwardStep, Position, SealHeader, Verdict, decode_batch, encode_batch_answer,
};

use self::judge::{Retain, UNKNOWN, Unknown};
use self::open::{Answering, Incoming, Opener, Originals, OwnReceipts};
use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::log::Event;
use crate::onward::Tried;
use crate::outbound::facts;
use crate::registry::{Known, Peer, Registry};
use crate::release::day;
use crate::requests::Arrival;
use crate::throttle::Who;

impl App {
    /// Takes a batch from a connected partner and returns the answer, once what it promises is durable.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for whatever this partner may not know about; [`ErrorKind::Unavailable`] when
    /// nothing could be stored: try later.
    pub fn receive_batch(&self, peer: &PartyId, body: &[u8]) -> Result<Vec<u8>, AppError> {
        self.refresh()?;
        self.ensure_running()?;
        let registry = self.registry();
        let partner = registry.peers.get(peer).cloned().ok_or_else(AppError::not_found)?;
        let (inspection, mut aside) = match self.inspect_batch(&registry, (peer, &partner), body) {
            Err(error) if error.is_no() => return self.turn_batch_away(peer, error),
            inspected => inspected?,
        };
        self.check_takes(inspection.lane.lane, body.len())?;
        let known =
            registry.agreements.get(&inspection.lane.agreement).cloned().ok_or_else(AppError::not_found)?;
        let own = registry.own.clone().ok_or_else(|| AppError::conflict("node.no_manifest"))?;
        let (answer, erased) = self.write_soon(move |app, tx| {
            crate::tally::decides_by(known.as_of);
            let opener = Opener::new(app, &partner);
            let sign = OwnReceipts { app, manifest: own.hash() };
            let id = inspection.lane.clone();
            if app.waits_for_orders(tx, &id)? {
                // Among the reports may be what was recalled: orders first.
                return Err(AppError::new(ErrorKind::Unavailable, "node.busy", words::UNAVAILABLE));
            }
            let lane = lanes::inbound(tx, &id)?;
            let key = LaneKey::of(&id);
            let kept = app.kept_behind(tx, (&lane, key), &inspection, &opener)?;
            let may_be_taken: Vec<&Arrived<Incoming>> = inspection.arrived.iter().chain(&kept).collect();
            let mut judge = app.own_rules(tx, &known, (&id, &may_be_taken))?;
            let mut inbox = Answering { app, inbox: Inbox::new(tx, key) };
            let shelf = Shelf { lane, inbox: &mut inbox, judge: &mut judge, unwrap: &opener, sign: &sign };
            // One instant for receipts and rows: clocks of requests are counted from it on both sides.
            let at = app.now();
            let received = receive(inspection, shelf, at).map_err(|error| {
                AppError::new(ErrorKind::Unavailable, "lane.receive", words::UNAVAILABLE).because(error)
            })?;
            let (retain, mut tried) =
                (core::mem::take(&mut judge.retain), core::mem::take(&mut judge.routes.tried));
            aside.originals.extend(opener.originals());
            aside.changed.extend(opener.changed());
            tried.extend(changed_seals(&received, &mut aside));
            let beside = Beside { at, retain, tried, originals: aside.originals, unknown: judge.unknown };
            app.store_received(tx, &known, (&id, &beside), received)
        })?;
        if erased {
            self.wipe();
        }
        self.reload_if_noticed(&answer.1)?;
        if answer.1.control {
            self.wake();
        }
        if answer.1.granted {
            // What does not go now goes with the timer.
            let _later = self.pass_corrections();
        }
        Ok(encode_batch_answer(&answer.0))
    }

    /// A batch that no lane can be told of is an entry: with its code, and never so many that they fill the log.
    fn turn_batch_away<T>(&self, peer: &PartyId, error: AppError) -> Result<T, AppError> {
        if self.throttle.count(Who::Partner(peer.clone()), self.now()).is_some() {
            let tried = Event::system("batch.refused", peer).with(peer);
            return self.refuse(tried, error);
        }
        Err(error)
    }

    fn inspect_batch(
        &self,
        registry: &Registry,
        (peer, partner): (&PartyId, &Peer),
        body: &[u8],
    ) -> Result<(Inspection<Incoming>, Aside), AppError> {
        let alive = registry.alive_with(peer, self.now());
        let envelopes = decode_batch(body).map_err(|why| AppError::invalid("batch").because(why))?;
        let door = Door { us: &self.party, peer, agreements: &alive };
        let opener = Opener::new(self, partner);
        let inspection = inspect(&envelopes, &door, &opener).map_err(|stop| {
            // Bare: an unknown agreement, a wrong address and a bad signature look alike from outside.
            AppError::new(ErrorKind::Invalid, stop.code(), words::INVALID)
        })?;
        Ok((inspection, Aside { originals: opener.originals(), changed: opener.changed() }))
    }

    /// What waited behind the gap that a batch closes: it is decided with the batch, and must be loaded with it.
    fn kept_behind(
        &self,
        tx: &mut dyn Tx,
        (lane, key): (&LaneIn, LaneKey),
        inspection: &Inspection<Incoming>,
        opener: &Opener<'_>,
    ) -> Result<Vec<Arrived<Incoming>>, AppError> {
        let next = lane.have.seq.checked_add(1);
        let closes = inspection.arrived.iter().any(|one| Some(one.header().at.seq) == next);
        if lane.ahead == 0 || !closes {
            return Ok(Vec::new());
        }
        let kept = lanes::kept_ahead(tx, key)?;
        Ok(kept.iter().filter_map(|bytes| inspect_kept(bytes, &lane.id, opener)).collect())
    }

    fn store_received(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        (id, beside): (&LaneId, &Beside),
        received: Received<Incoming>,
    ) -> Result<((mithaq_wire::BatchAnswer, Aftermath), bool), AppError> {
        let (key, now) = (LaneKey::of(id), beside.at);
        let rows: Vec<_> = received.messages.iter().map(|(row, _)| row.clone()).collect();
        lanes::take(tx, key, &rows)?;
        lanes::add_receipts(tx, key, &received.receipts, now)?;
        lanes::keep_ahead(tx, key, &received.keep_ahead)?;
        lanes::drop_ahead(tx, key, &received.drop_ahead)?;
        lanes::add_equivocations(tx, key, &received.proofs, now)?;
        lanes::apply(tx, &received.modified)?;
        reports::bury(tx, &received.modified.tombstones)?;
        lanes::save_inbound(tx, &received.lane)?;
        if id.lane == Lane::Control {
            let mut control = lanes::control(tx, key)?;
            control.advance(received.lane.have);
            lanes::save_control(tx, key, &control)?;
        }
        let mut after = Aftermath::default();
        let mut events = Vec::new();
        let mut kept: Vec<(Position, &Incoming, &SealHeader, Option<&str>)> = Vec::new();
        for (row, effect) in &received.messages {
            let original = beside.originals.get(&row.at).map(Vec::as_slice);
            match effect {
                Effect::None => {}
                Effect::Keep { seal, report } => kept.push((row.at, report, seal, None)),
                Effect::Quarantine { seal, report } => {
                    kept.push((row.at, report, seal, Some(held_for(&row.verdict))));
                }
                Effect::Erase { originator, object, versions, held: _, answer_by: _ } => {
                    let whose = (originator, &id.from);
                    self.erase_received(tx, known, whose, (*object, versions), &mut events)?;
                    after.control = true;
                    after.erased = true;
                }
                Effect::Notice(notice) => {
                    self.noticed(tx, known, &id.from, *notice, &mut events)?;
                    after.noticed = true;
                }
                Effect::Receipts(receipts) => self.later(tx, id, (receipts, original), &mut events)?,
                Effect::Step { seal, step } => self.step_taken(tx, (seal, step), (now, &mut events))?,
                Effect::Onward { seal, step } => {
                    self.onward_taken(tx, (seal, step, original), &mut events)?;
                    after.control = true;
                    after.granted |= matches!(step, OnwardStep::Granted { .. });
                }
            }
            // A new last day has no effect of its own; every other order erases.
            let ordered = matches!(effect, Effect::Erase { .. } | Effect::None);
            if ordered && row.verdict == Verdict::Accepted {
                self.order_follows_copies(tx, &id.from, original, &mut events)?;
            }
        }
        self.take_expiries(tx, &received.modified.holdings, &mut events)?;
        self.keep(tx, key, (id, &beside.retain), &kept, &mut events)?;
        self.tell_originators(tx, (id, &beside.tried), &mut events)?;
        for (_, incoming, seal, held_back) in &kept {
            let arrived = Arrival { accepted: held_back.is_none(), at: now };
            self.tied_arrival(tx, known, (&incoming.report, seal), (arrived, &mut events))?;
        }
        self.count_unknown(tx, id, beside.unknown, &mut events)?;
        self.raise(tx, &received.alarms, id)?;
        events.extend(facts(&received.facts));
        let positions = self.log(tx, &events)?;
        // The commit that makes this true is the one this closure returns into; the answer leaves after it.
        let answer = received.answer(Logged::committed(positions.start));
        let erased = after.erased;
        Ok(((answer, after), erased))
    }

    /// Counts what a partner said about unknown objects. More than a day's worth is told once a day.
    fn count_unknown(
        &self,
        tx: &mut dyn Tx,
        id: &LaneId,
        unknown: Unknown,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let day = day(self.now());
        if unknown.count > 0 {
            let counter = Counter { agreement: &id.agreement, party: &id.from, name: UNKNOWN, day };
            agreements::count(tx, &counter, unknown.count)?;
        }
        let about = format!("{} {day}", id.agreement);
        if unknown.is_over && self.alarm(tx, "peer.order_flood", &id.from, &about)? {
            let event = Event::system("peer.order_flood", &id.from).agreement(id.agreement);
            events.push(event.with(&id.from).verdict(Refuse::OrderLimit.code()));
        }
        Ok(())
    }

    fn reload_if_noticed(&self, after: &Aftermath) -> Result<(), AppError> {
        if after.noticed { self.reload_and_tell() } else { Ok(()) }
    }
}

/// Why something is held back: the code of its verdict, also in its receipt.
fn held_for(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Quarantined { code } | Verdict::Refused { code, .. } => code,
        Verdict::Accepted => "SPC",
    }
}

/// Hops that were refused here because what they carry is not as its originator sealed it.
fn changed_seals(received: &Received<Incoming>, aside: &mut Aside) -> Vec<Tried> {
    let refused = received.messages.iter().filter(
        |(row, _)| matches!(&row.verdict, Verdict::Refused { code, .. } if code == Refuse::OnwardSeal.code()),
    );
    refused.filter_map(|(row, _)| aside.changed.remove(&row.at)).collect()
}

/// What the opener noted beside what it opened, by place.
#[derive(Clone)]
struct Aside {
    /// Control messages as they were sealed.
    originals: Originals,
    /// Hops whose inner seal does not verify.
    changed: BTreeMap<Position, Tried>,
}

/// What the judge and the opener leave for the storing.
struct Beside {
    /// When it was taken, as its receipts say.
    at: Timestamp,
    /// Until when each version may be kept.
    retain: Retain,
    /// Hops refused for want of consent.
    tried: Vec<Tried>,
    /// Control messages as they were sealed.
    originals: Originals,
    /// What was said about unknown objects.
    unknown: Unknown,
}

/// What is left to do after the commit.
#[derive(Debug, Clone, Copy, Default)]
struct Aftermath {
    control: bool,
    erased: bool,
    noticed: bool,
    /// A consent was granted: it may be for a correction that is here.
    granted: bool,
}
