//! Places in lanes, for one call: each lane is read and locked once, written once, and its messages are stored
//! together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use mithaq_db::Tx;
use mithaq_envelope::Sealed;
use mithaq_exchange::{LaneOut, Logged, OutMessage, Outgoing, Queued, Stamp, enqueue};
use mithaq_model::{Days, PartyId, Timestamp};
use mithaq_store::disclosures::{self, Answers, Disclosure};
use mithaq_store::lanes::{self, LaneKey};
use mithaq_wire::{Lane, LaneId, MessageKind};

use super::DELIVERY;
use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::log::Event;
use crate::orders::ANSWER;
use crate::outbound::{OneWrap, fact_event};
use crate::ports::random;
use crate::registry::Known;

/// A message with its place in a lane, not yet logged or stored.
type Placed = (LaneKey, Queued);

/// Lanes in hand, and what was given a place in them. Nothing of it is stored until [`App::log_places`].
#[derive(Default)]
pub(crate) struct Places {
    lanes: BTreeMap<LaneId, InHand>,
    disclosures: Vec<Disclosure>,
    placed: Vec<Placed>,
}

/// A lane that is locked until the job ends.
struct InHand {
    lane: LaneOut,
    /// The same for every message of the call but for its random number.
    stamp: Stamp,
}

impl App {
    /// Gives a sealed object its place in the lane to a partner, logs it (R0) and stores it.
    pub(crate) fn dispatch(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        recipient: &PartyId,
        message: (&Sealed, MessageKind),
        expires: Timestamp,
    ) -> Result<(), AppError> {
        let mut places = Places::default();
        self.place(tx, &mut places, (known, recipient), message, expires)?;
        self.log_places(tx, Vec::new(), places)
    }

    /// Gives a sealed object the next place in the lane to a partner.
    pub(super) fn place(
        &self,
        tx: &mut dyn Tx,
        places: &mut Places,
        (known, recipient): (&Known, &PartyId),
        (sealed, kind): (&Sealed, MessageKind),
        expires: Timestamp,
    ) -> Result<(), AppError> {
        self.ensure_running()?;
        crate::tally::decides_by(known.as_of);
        let class = kind.lane().unwrap_or(Lane::Control);
        let id = LaneId {
            from: self.party.clone(),
            to: recipient.clone(),
            agreement: known.agreement().id(),
            lane: class,
        };
        let key = LaneKey::of(&id);
        let hand = match places.lanes.entry(id) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(free) => {
                let hand = self.take_lane(tx, free.key())?;
                free.insert(hand)
            }
        };
        let now = self.now();
        let object = (sealed.header().object, sealed.header().version);
        let out = Outgoing {
            kind,
            object: Some(object),
            sealed: sealed.bytes(),
            expires: expires.min(now.plus(Days(365))),
            deadline: now.plus(DELIVERY),
        };
        let stamp = Stamp { mid: random(&*self.entropy)?, now, ..hand.stamp.clone() };
        let mut sessions = self.sessions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut wrap = OneWrap { app: self, sessions: &mut sessions, sealed: Some(sealed) };
        let queued = enqueue(&hand.lane, &out, stamp, &mut wrap).map_err(crate::outbound::enqueue_error)?;
        hand.lane = queued.lane.clone();
        if matches!(kind, MessageKind::Report | MessageKind::Correction) {
            // Who does not take a correction goes by what it replaces: people must hear of it.
            let confirm = (kind == MessageKind::Correction).then(|| now.plus(ANSWER));
            places.disclosures.push(Disclosure {
                object: object.0,
                version: object.1,
                recipient: recipient.clone(),
                agreement: known.agreement().id(),
                lane: key,
                place: queued.lane.last(),
                sent: now,
                answers: Answers { confirm_by: confirm, ..Answers::default() },
            });
        }
        places.placed.push((key, queued));
        Ok(())
    }

    fn take_lane(&self, tx: &mut dyn Tx, id: &LaneId) -> Result<InHand, AppError> {
        if lanes::is_restoring(tx, LaneKey::of(id))? {
            // A new place of an epoch that this node continued after a loss may be one it used before.
            return Err(AppError::new(ErrorKind::Unavailable, "lane.restoring", words::UNAVAILABLE)
                .hint("this node was restored: it sends again as soon as the partner was heard"));
        }
        Ok(InHand { lane: lanes::outbound(tx, id)?, stamp: self.stamp(tx, id)? })
    }

    /// Logs events, then one entry for each message that got its place (R0), and stores lanes, disclosures and
    /// messages: each row names its entry, and is in the same transaction.
    pub(crate) fn log_places(
        &self,
        tx: &mut dyn Tx,
        events: Vec<Event>,
        places: Places,
    ) -> Result<(), AppError> {
        disclosures::add_many(tx, &places.disclosures)?;
        for hand in places.lanes.values() {
            lanes::save_outbound(tx, &hand.lane)?;
        }
        self.log_placed(tx, events, places.placed)
    }

    /// Logs events, then one entry for each message, and stores the messages; lanes are the caller's.
    pub(crate) fn log_placed(
        &self,
        tx: &mut dyn Tx,
        mut events: Vec<Event>,
        placed: Vec<Placed>,
    ) -> Result<(), AppError> {
        let before = u64::try_from(events.len()).unwrap_or(u64::MAX);
        events.extend(placed.iter().map(|(_, queued)| fact_event(&queued.fact)));
        let positions = self.log(tx, &events)?;
        let mut rows: BTreeMap<LaneKey, Vec<OutMessage>> = BTreeMap::new();
        for (position, (key, queued)) in (positions.start.saturating_add(before)..).zip(placed) {
            let (_lane, message) = queued.store(Logged::committed(position));
            rows.entry(key).or_default().push(message);
        }
        for (key, messages) in rows {
            lanes::put(tx, key, &messages)?;
        }
        Ok(())
    }
}
