//! How far the lanes with a partner go: told, noted, and tried again when it is back.

use mithaq_db::Tx;
use mithaq_exchange::{announced, heads};
use mithaq_model::{AgreementId, PartyId};
use mithaq_store::lanes::{self, LaneKey};
use mithaq_store::partners;
use mithaq_wire::{Heads, Lane, LaneId, Position, decode_heads, encode_heads};

use crate::App;
use crate::error::{AppError, ErrorKind, words};

impl App {
    /// Says how far this node has the lanes with a partner, under one agreement.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such agreement with it.
    pub fn heads_for(&self, peer: &PartyId, agreement: AgreementId) -> Result<Vec<u8>, AppError> {
        if !self.registry().alive_with(peer, self.now()).contains(&agreement) {
            return Err(AppError::not_found());
        }
        let (us, peer) = (self.party.clone(), peer.clone());
        self.read(move |_app, tx| {
            let (mut sent, mut taken) = (Vec::new(), Vec::new());
            for class in [Lane::Control, Lane::Report, Lane::Bulk] {
                let out = LaneId { from: us.clone(), to: peer.clone(), agreement, lane: class };
                let back = LaneId { from: peer.clone(), to: us.clone(), agreement, lane: class };
                sent.extend(lanes::peek_outbound(tx, &out)?);
                taken.extend(lanes::peek_inbound(tx, &back)?);
            }
            Ok(encode_heads(&heads(agreement, &sent, &taken)))
        })
    }

    /// A partner that asks is there again: what waits for it is tried at once, not after the back-off.
    ///
    /// # Errors
    /// When the store fails.
    pub fn partner_is_back(&self, peer: &PartyId) -> Result<(), AppError> {
        let registry = self.registry();
        let (us, peer, now) = (self.party.clone(), peer.clone(), self.now());
        let alive = registry.alive_with(&peer, now);
        let heard = peer.clone();
        self.write(move |_app, tx| {
            for agreement in alive {
                for class in [Lane::Control, Lane::Report] {
                    let id = LaneId { from: us.clone(), to: peer.clone(), agreement, lane: class };
                    let waits = lanes::peek_outbound(tx, &id)?.is_some_and(|lane| lane.retry_at > now);
                    if waits {
                        let lane = lanes::outbound(tx, &id)?;
                        lanes::save_outbound(tx, &mithaq_exchange::LaneOut { retry_at: now, ..lane })?;
                    }
                }
            }
            Ok(())
        })?;
        self.back.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(heard);
        self.wake();
        Ok(())
    }

    /// Whether a partner was heard since this was last asked.
    #[must_use]
    pub fn take_back(&self, peer: &PartyId) -> bool {
        self.back.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(peer)
    }

    /// Notes how far a partner says its control lane goes: nothing of it is read before that is drained. Returns the
    /// lanes of which it has less than it signed for, with the place it has: it lost rows, and gets them again.
    ///
    /// # Errors
    /// When the answer is malformed or the store fails.
    pub fn note_heads(&self, peer: &PartyId, bytes: &[u8]) -> Result<Vec<(LaneId, Position)>, AppError> {
        let heads: Heads = decode_heads(bytes).map_err(|why| {
            AppError::new(ErrorKind::PeerMisbehaved, "peer.heads", words::UNAVAILABLE).because(why)
        })?;
        let id = LaneId {
            from: peer.clone(),
            to: self.party.clone(),
            agreement: heads.agreement,
            lane: Lane::Control,
        };
        let last = announced(&heads);
        let peer = peer.clone();
        self.write(move |app, tx| {
            let lane = lanes::inbound(tx, &id)?;
            let key = LaneKey::of(&id);
            let mut control = lanes::control(tx, key)?;
            control.announce(last, lane.have, app.now());
            lanes::save_control(tx, key, &control)?;
            partners::seen(tx, &peer, app.now(), 0)?;
            app.catch_up(tx, &peer, &heads)?;
            app.behind(tx, &peer, &heads)
        })
    }

    fn behind(
        &self,
        tx: &mut dyn Tx,
        peer: &PartyId,
        heads: &Heads,
    ) -> Result<Vec<(LaneId, Position)>, AppError> {
        let mut behind = Vec::new();
        for class in [Lane::Control, Lane::Report] {
            let id = LaneId {
                from: self.party.clone(),
                to: peer.clone(),
                agreement: heads.agreement,
                lane: class,
            };
            let taken = heads.taken.iter().find(|ack| ack.lane == class);
            let have = taken.map_or(Position { epoch: 1, seq: 0 }, |ack| ack.at);
            let Some(lane) = lanes::peek_outbound(tx, &id)? else { continue };
            if have < lane.settled {
                behind.push((id, have));
            }
        }
        Ok(behind)
    }
}
