//! The sending half for partners that fetch: a node that accepts no connection still gets what is for it, and gives
//! back the same signed answers. Also the batches of a courier.

use mithaq_exchange::{Batch, Flow, Halt, LaneOut, Window, settle};
use mithaq_model::{AgreementId, PartyId};
use mithaq_store::lanes::{self, LaneKey, Outbox};
use mithaq_wire::{Lane, LaneId, Position, decode_batch_answer, encode_batch};

use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::outbound::{BATCH_BYTES, BATCH_MESSAGES, PeerReceipts};
use crate::ports::random;

/// The lanes a partner may fetch from.
const FETCHED: [Lane; 2] = [Lane::Control, Lane::Report];

impl App {
    /// Returns the batch of a lane to a partner that follows a place, for a partner that fetches; nothing when nothing
    /// waits there. Reports wait until every order has its receipt: content does not go where a recall could not.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for whatever this partner may not know about.
    pub fn batch_after(
        &self,
        peer: &PartyId,
        (agreement, class): (AgreementId, Lane),
        after: Position,
    ) -> Result<Option<Vec<u8>>, AppError> {
        self.refresh()?;
        let flow = self.flow_with(peer, agreement)?;
        if !FETCHED.contains(&class) {
            return Err(AppError::not_found());
        }
        let report = class == Lane::Report;
        if self.halted().is_some() || report && flow == Flow::ControlOnly {
            return Ok(None);
        }
        let (id, control) =
            (self.lane_to(peer, agreement, class), self.lane_to(peer, agreement, Lane::Control));
        let clear = self.read(move |_app, tx| {
            let control = lanes::peek_outbound(tx, &control)?;
            Ok(control.is_none_or(|lane| lane.halt == Halt::Open && lane.settled == lane.last()))
        })?;
        if report && !clear {
            return Ok(None);
        }
        Ok(self.load_after(&id, after)?.map(|batch| encode_batch(&batch.envelopes)))
    }

    /// Settles the answer to a batch that was fetched or carried.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for whatever this partner may not know about, [`ErrorKind::PeerMisbehaved`] for bytes
    /// that are no answer.
    pub fn settle_answer(
        &self,
        peer: &PartyId,
        (agreement, class): (AgreementId, Lane),
        answer: &[u8],
    ) -> Result<(), AppError> {
        self.flow_with(peer, agreement)?;
        let known = self.registry().peers.get(peer).cloned().ok_or_else(AppError::not_found)?;
        let answer = decode_batch_answer(answer).map_err(|why| AppError::invalid("answer").because(why))?;
        if !known.knows_signers(&answer) {
            return Err(AppError::busy("partner.no_manifest"));
        }
        let jitter = u16::from_be_bytes(random(&*self.entropy)?);
        let id = self.lane_to(peer, agreement, class);
        self.write(move |app, tx| {
            // Nothing was ever sent there: no answer can be about it, and no lane begins because of one.
            if lanes::peek_outbound(tx, &id)?.is_none() {
                return Err(AppError::not_found());
            }
            let lane = lanes::outbound(tx, &id)?;
            let mut outbox = Outbox::new(tx, LaneKey::of(&id));
            let settled = settle(&lane, &answer, &mut outbox, &PeerReceipts(&known), app.now(), jitter)
                .map_err(|error| {
                    AppError::new(ErrorKind::Unavailable, "lane.settle", words::UNAVAILABLE).because(error)
                })?;
            app.store_settled(tx, &settled, &known)
        })
    }

    /// Returns how far this node has a partner's lane: what to fetch from.
    ///
    /// # Errors
    /// When the store fails.
    pub fn have(
        &self,
        peer: &PartyId,
        (agreement, class): (AgreementId, Lane),
    ) -> Result<Position, AppError> {
        let id = LaneId { from: peer.clone(), to: self.party.clone(), agreement, lane: class };
        self.read(move |_app, tx| {
            let lane = lanes::peek_inbound(tx, &id)?;
            Ok(lane.map_or(Position { epoch: 1, seq: 0 }, |lane| lane.have))
        })
    }

    /// Returns the agreements and classes in which something may be fetched from a partner, orders first.
    #[must_use]
    pub fn to_fetch(&self, peer: &PartyId) -> Vec<(AgreementId, Lane)> {
        let alive = self.registry().alive_with(peer, self.now());
        alive.iter().flat_map(|agreement| FETCHED.map(|class| (*agreement, class))).collect()
    }

    pub(crate) fn lane_to(&self, peer: &PartyId, agreement: AgreementId, lane: Lane) -> LaneId {
        LaneId { from: self.party.clone(), to: peer.clone(), agreement, lane }
    }

    /// What may flow to a partner under an agreement.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when no duties are alive with it: empty means nobody.
    pub(crate) fn flow_with(&self, peer: &PartyId, agreement: AgreementId) -> Result<Flow, AppError> {
        let registry = self.registry();
        let known = registry.agreements.get(&agreement).ok_or_else(AppError::not_found)?;
        let now = self.now();
        if known.agreement().party(peer).is_none() || !known.standing.duties_alive(now) || *peer == self.party
        {
            return Err(AppError::not_found());
        }
        Ok(if known.standing.is_in_force(now) { Flow::Open } else { Flow::ControlOnly })
    }

    /// The batch of a lane that follows a place, as stored. The back-off is not asked: the partner is there.
    pub(crate) fn load_after(&self, id: &LaneId, after: Position) -> Result<Option<Batch>, AppError> {
        let (id, key) = (id.clone(), LaneKey::of(id));
        self.read(move |app, tx| {
            let Some(lane) = lanes::peek_outbound(tx, &id)? else { return Ok(None) };
            let messages = lanes::waiting(tx, key, after, (BATCH_MESSAGES, BATCH_BYTES))?;
            // What was settled may have been forgotten: it cannot be sent again, and no gap is sent instead.
            let kept = messages.into_iter().take_while(|message| !message.bytes.is_empty()).collect();
            let lane = LaneOut { retry_at: app.now(), ..lane };
            Ok(Window::after(after).next(&lane, kept, app.now()))
        })
    }
}
