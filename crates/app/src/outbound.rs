//! The sending half of the exchange: sessions, stamps, batches that are due, answers that are settled. The shell
//! only moves the bytes in between.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard};

use mithaq_db::Tx;
use mithaq_envelope::{KemSession, Sealed, verify_receipts, wrap, wrap_epoch_start};
use mithaq_exchange::ports::{ReadReceipts, Wrap};
use mithaq_exchange::{
    Alarm, Batch, EnqueueError, Fact, Flow, LaneOut, Settled, Stamp, Window, failed, overdue, pick_lane,
    settle,
};
use mithaq_ledger::SignedNote;
use mithaq_model::{CopyState, ObjectId, PartyId, ReportId};
use mithaq_store::disclosures::{self, Answer};
use mithaq_store::lanes::{self, LaneKey, Outbox};
use mithaq_store::{alarms, reports, requests};
use mithaq_wire::{
    Ack, BatchAnswer, Digest, EnvelopeHeader, Lane, LaneId, MessageKind, Position, ReceiptBatch, Verdict,
    decode_batch_answer, encode_batch,
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::App;
use crate::alarms::Names;
use crate::error::{AppError, ErrorKind, words};
use crate::log::Event;
use crate::ports::random;
use crate::registry::Peer;

/// Bytes of envelopes loaded for one batch.
pub(crate) const BATCH_BYTES: usize = mithaq_wire::limits::BATCH_BYTES_MAX;
/// Envelopes loaded for one batch.
pub(crate) const BATCH_MESSAGES: u32 = 64;

pub(crate) type Sessions = BTreeMap<PartyId, KemSession>;

/// Why an envelope could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WrapFailed {
    #[error("the partner's manifest is not known")]
    Manifest,
    #[error("no randomness could be had")]
    Entropy,
    #[error("the envelope could not be made")]
    Wrap(#[from] mithaq_envelope::WrapError),
}

/// Wraps one sealed object.
pub(crate) struct OneWrap<'a, 'b> {
    pub(crate) app: &'a App,
    pub(crate) sessions: &'a mut MutexGuard<'b, Sessions>,
    pub(crate) sealed: Option<&'a Sealed>,
}

impl Wrap for OneWrap<'_, '_> {
    type Error = WrapFailed;

    fn wrap(&mut self, header: &EnvelopeHeader, _sealed: &[u8]) -> Result<Vec<u8>, WrapFailed> {
        let app = self.app;
        let session = session(app, self.sessions, header)?;
        // The key of the manifest the header names: it may have been replaced since the header was made.
        let signer = app.keys_of(header.manifest).ok_or(WrapFailed::Manifest)?;
        let made = match self.sealed {
            Some(sealed) => wrap(header, sealed, session, signer)?,
            None => wrap_epoch_start(header, session, signer)?,
        };
        Ok(made.bytes)
    }
}

/// The open session to a partner, or a new one: one key encapsulation per partner and hour.
fn session<'a>(
    app: &App,
    sessions: &'a mut Sessions,
    header: &EnvelopeHeader,
) -> Result<&'a mut KemSession, WrapFailed> {
    let to = &header.lane.to;
    let open = sessions.get(to).is_some_and(|session| session.is_open(header.created));
    if !open {
        let registry = app.registry();
        let key = registry.peers.get(to).and_then(|peer| peer.current()).ok_or(WrapFailed::Manifest)?;
        let entropy = Zeroizing::new(random::<64>(&*app.entropy).map_err(|_none| WrapFailed::Entropy)?);
        let fresh =
            KemSession::open((&header.lane.from, to), &key.manifest().kem_key, header.created, &entropy)?;
        sessions.insert(to.clone(), fresh);
    }
    sessions.get_mut(to).ok_or(WrapFailed::Manifest)
}

pub(crate) fn enqueue_error(error: EnqueueError<WrapFailed>) -> AppError {
    let (kind, code, words) = match &error {
        EnqueueError::Halted => (ErrorKind::Conflict, "lane.halted", words::CONFLICT),
        EnqueueError::TooLong { .. } => (ErrorKind::Invalid, "report.too_long", words::INVALID),
        EnqueueError::Validity => (ErrorKind::Invalid, "report.expires", words::INVALID),
        EnqueueError::Wrap(WrapFailed::Manifest) => {
            (ErrorKind::Conflict, "partner.no_manifest", words::CONFLICT)
        }
        EnqueueError::Lane | EnqueueError::Full | EnqueueError::Wrap(_) => {
            (ErrorKind::Bug, "lane.enqueue", words::BUG)
        }
    };
    AppError::new(kind, code, words).because(error)
}

/// Verifies receipts with the partner's manifests; under a key that its root distrusts they prove nothing.
pub(crate) struct PeerReceipts<'a>(pub(crate) &'a Peer);

impl ReadReceipts for PeerReceipts<'_> {
    fn read(&self, bytes: &[u8]) -> Option<ReceiptBatch> {
        let trusted = self.0.manifests.iter().rev();
        let mut trusted = trusted.filter(|one| !self.0.distrusts_key(&one.manifest().node_key));
        trusted.find_map(|manifest| verify_receipts(bytes, manifest).ok())
    }
}

/// A batch on its way.
#[derive(Debug)]
pub struct OutBatch {
    /// To whom.
    pub peer: PartyId,
    /// What is sent.
    pub body: Vec<u8>,
    batch: Batch,
}

/// What became of a batch.
enum End {
    /// No answer, or none that can be used: the lane waits.
    Lost(LaneOut),
    Settled(Settled),
}

/// What is under way, per lane; in memory only.
#[derive(Debug, Default)]
pub struct Windows(BTreeMap<LaneId, Window>);

impl Windows {
    /// A partner said how far it has a lane: what it lacks is sent again.
    pub fn partner_has(&mut self, behind: &[(LaneId, Position)]) {
        for (lane, have) in behind {
            if let Some(window) = self.0.get_mut(lane) {
                window.partner_has(*have);
            }
        }
    }
}

impl App {
    /// Tells the shell that something waits in the outbox.
    pub(crate) fn wake(&self) {
        (self.waker)();
        self.tell_others(crate::shared::Word::Outbox);
    }

    /// What the node adds to a message: its manifest, a random number, the time, acknowledgements.
    pub(crate) fn stamp(&self, tx: &mut dyn Tx, lane: &LaneId) -> Result<Stamp, AppError> {
        let registry = self.registry();
        let own = registry.own.as_ref().ok_or_else(|| AppError::conflict("node.no_manifest"))?;
        let mut acks = Vec::new();
        for class in [Lane::Control, Lane::Report] {
            let reverse = LaneId {
                from: lane.to.clone(),
                to: lane.from.clone(),
                agreement: lane.agreement,
                lane: class,
            };
            if let Some(taken) = lanes::peek_inbound(tx, &reverse)?
                && taken.have.seq > 0
            {
                acks.push(Ack { lane: class, at: taken.have, head: taken.head });
            }
        }
        let note = self.ledger.last_checkpoint(tx)?;
        let checkpoint = note.map(|note: SignedNote| Digest(Sha256::digest(note.to_bytes()).into()));
        Ok(Stamp { manifest: own.hash(), mid: random(&*self.entropy)?, now: self.now(), acks, checkpoint })
    }

    /// Returns the partners that something waits for and may be tried now.
    ///
    /// # Errors
    /// When the store fails.
    pub fn due_partners(&self) -> Result<Vec<PartyId>, AppError> {
        self.read(move |app, tx| {
            let mut peers: Vec<PartyId> =
                lanes::due(tx, app.now(), 1_000)?.into_iter().map(|lane| lane.id.to).collect();
            peers.sort();
            peers.dedup();
            Ok(peers)
        })
    }

    /// Returns the next batch to a partner, control lanes first, or nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub fn next_batch(&self, windows: &mut Windows, peer: &PartyId) -> Result<Option<OutBatch>, AppError> {
        self.refresh()?;
        if self.halted().is_some() {
            return Ok(None);
        }
        let registry = self.registry();
        for (id, known) in &registry.agreements {
            if known.agreement().party(peer).is_none() || !known.standing.duties_alive(self.now()) {
                continue;
            }
            let flow = if known.standing.is_in_force(self.now()) { Flow::Open } else { Flow::ControlOnly };
            let lane =
                |class| LaneId { from: self.party.clone(), to: peer.clone(), agreement: *id, lane: class };
            let ids = [lane(Lane::Control), lane(Lane::Report)];
            let lanes = self.read(move |_app, tx| {
                let mut found = Vec::new();
                for id in &ids {
                    found.extend(lanes::peek_outbound(tx, id)?);
                }
                Ok(found)
            })?;
            for lane in &lanes {
                windows.0.entry(lane.id.clone()).or_insert_with(|| Window::new(lane));
            }
            let pairs: Vec<(&LaneOut, &Window)> = lanes
                .iter()
                .filter_map(|lane| windows.0.get(&lane.id).map(|window| (lane, window)))
                .collect();
            let Some(picked) = pick_lane(&pairs, flow, self.now()).cloned() else { continue };
            if let Some(batch) = self.load_batch(windows, picked)? {
                let body = encode_batch(&batch.envelopes);
                return Ok(Some(OutBatch { peer: peer.clone(), body, batch }));
            }
        }
        Ok(None)
    }

    fn load_batch(&self, windows: &mut Windows, lane: LaneOut) -> Result<Option<Batch>, AppError> {
        let Some(window) = windows.0.get_mut(&lane.id) else { return Ok(None) };
        let (key, after) = (LaneKey::of(&lane.id), window.handed());
        let messages =
            self.read(move |_app, tx| Ok(lanes::waiting(tx, key, after, (BATCH_MESSAGES, BATCH_BYTES))?))?;
        Ok(window.next(&lane, messages, self.now()))
    }

    /// Settles what came back for a batch: an answer, or nothing.
    ///
    /// # Errors
    /// When the store fails; the batch counts as lost.
    pub fn settle_batch(
        &self,
        windows: &mut Windows,
        sent: OutBatch,
        answer: Option<&[u8]>,
    ) -> Result<(), AppError> {
        self.settle_batches(windows, vec![(sent, answer)])
    }

    /// Settles in one transaction what came back for several batches, in their order.
    ///
    /// # Errors
    /// When the store fails; all of them count as lost.
    pub fn settle_batches<A: AsRef<[u8]>>(
        &self,
        windows: &mut Windows,
        sent: Vec<(OutBatch, Option<A>)>,
    ) -> Result<(), AppError> {
        let lanes: Vec<LaneId> = sent.iter().map(|(one, _)| one.batch.lane.clone()).collect();
        let done = self.settle_sent(windows, sent);
        if done.is_err() {
            // Whether anything was stored is not known: what is under way is found anew in the store.
            for lane in &lanes {
                windows.0.remove(lane);
            }
        }
        done
    }

    fn settle_sent<A: AsRef<[u8]>>(
        &self,
        windows: &mut Windows,
        sent: Vec<(OutBatch, Option<A>)>,
    ) -> Result<(), AppError> {
        let jitter = u16::from_be_bytes(random(&*self.entropy)?);
        let registry = self.registry();
        let said = sent.into_iter().map(|(OutBatch { peer, batch, body: _ }, answer)| {
            let known = registry.peers.get(&peer).cloned();
            let answer = answer.and_then(|bytes| decode_batch_answer(bytes.as_ref()).ok());
            // Signed with a key of which nothing is known yet: asked again once the partner's manifest came.
            let heard = known.zip(answer).filter(|(peer, one)| peer.knows_signers(one));
            (batch, heard)
        });
        let said: Vec<_> = said.collect();
        let ends = self.write_soon(move |app, tx| {
            let mut ends = Vec::with_capacity(said.len());
            for (batch, heard) in &said {
                ends.push(app.settle_one(tx, batch, heard.as_ref(), jitter)?);
            }
            Ok(ends)
        })?;
        for end in &ends {
            match end {
                End::Lost(lane) => {
                    if let Some(window) = windows.0.get_mut(&lane.id) {
                        window.lost(lane);
                    }
                }
                End::Settled(settled) => {
                    if let Some(window) = windows.0.get_mut(&settled.lane.id) {
                        window.landed(settled);
                    }
                }
            }
        }
        Ok(())
    }

    fn settle_one(
        &self,
        tx: &mut dyn Tx,
        batch: &Batch,
        heard: Option<&(Arc<Peer>, BatchAnswer)>,
        jitter: u16,
    ) -> Result<End, AppError> {
        let lane = lanes::outbound(tx, &batch.lane)?;
        let Some((known, answer)) = heard else {
            let lane = failed(&lane, self.now(), jitter);
            lanes::save_outbound(tx, &lane)?;
            return Ok(End::Lost(lane));
        };
        let mut outbox = Outbox::new(tx, LaneKey::of(&lane.id));
        let answered = mithaq_exchange::Answered::to(batch, answer);
        let settled = settle(&lane, answered, &mut outbox, &PeerReceipts(known), self.now(), jitter)
            .map_err(|error| {
                AppError::new(ErrorKind::Unavailable, "lane.settle", words::UNAVAILABLE).because(error)
            })?;
        self.store_settled(tx, &settled, known)?;
        Ok(End::Settled(settled))
    }

    pub(crate) fn store_settled(
        &self,
        tx: &mut dyn Tx,
        settled: &Settled,
        peer: &Peer,
    ) -> Result<(), AppError> {
        let (key, now) = (LaneKey::of(&settled.lane.id), self.now());
        lanes::save_states(tx, key, &settled.changed)?;
        lanes::add_receipts(tx, key, &settled.receipts, now)?;
        lanes::add_evidence(tx, key, &settled.evidence, now)?;
        lanes::save_outbound(tx, &settled.lane)?;
        for row in &settled.receipts {
            if let Some(batch) = PeerReceipts(peer).read(&row.bytes) {
                disclosures::receipted(tx, key, &batch.statements, batch.stored_at)?;
                self.acknowledged(tx, key, &batch)?;
            }
        }
        self.raise(tx, &settled.alarms, &settled.lane.id)?;
        self.log(tx, &facts(&settled.facts))?;
        Ok(())
    }

    /// Reports that the partner accepted are acknowledged; receipts of requests and steps move their clocks.
    fn acknowledged(&self, tx: &mut dyn Tx, key: LaneKey, batch: &ReceiptBatch) -> Result<(), AppError> {
        let places: Vec<_> = batch.statements.iter().map(|statement| statement.at).collect();
        let messages = lanes::messages(tx, key, &places)?;
        let reports = messages.iter().flatten().filter(|one| one.kind == MessageKind::Report);
        let reports: Vec<ReportId> = reports.filter_map(|one| Some(one.object?.0.into())).collect();
        let requests = requests::among(tx, &reports)?;
        let mut accepted = Vec::new();
        for (statement, message) in batch.statements.iter().zip(messages) {
            let Some(message) = message else { continue };
            let said = (&statement.verdict, batch.stored_at);
            match (message.kind, message.object) {
                (MessageKind::Hop, Some(of)) => {
                    let state = Self::copy_state(&statement.verdict);
                    self.hop_answered(tx, of, &batch.lane.to, state)?;
                }
                (MessageKind::Order, Some((object, _))) if statement.verdict == Verdict::Accepted => {
                    self.order_accepted(tx, (key, &batch.lane.to), object)?;
                }
                (MessageKind::Step, Some((step, _))) => self.step_receipted(tx, step, said)?,
                (MessageKind::Report, Some((object, _))) if requests.contains(&object.into()) => {
                    self.request_receipted(tx, object.into(), said)?;
                }
                _other => {}
            }
            let report = Some(message).filter(|one| {
                statement.verdict == Verdict::Accepted
                    && matches!(one.kind, MessageKind::Report | MessageKind::Correction)
            });
            accepted.extend(report.and_then(|one| one.object).map(|(object, _)| ReportId::from(object)));
        }
        Ok(reports::acknowledge(tx, &accepted, self.now())?)
    }

    /// A partner took an order. When no other about the object waits there, it confirmed what it was told.
    fn order_accepted(
        &self,
        tx: &mut dyn Tx,
        (lane, partner): (LaneKey, &PartyId),
        object: ObjectId,
    ) -> Result<(), AppError> {
        let sent = lanes::of_object(tx, object)?;
        let mut orders = sent.iter().filter(|(key, one)| *key == lane && one.kind == MessageKind::Order);
        if orders.all(|(_, one)| one.state.verdict() == Some(&Verdict::Accepted)) {
            disclosures::confirmed(tx, object, partner)?;
        }
        Ok(())
    }

    /// Declares what was not delivered by its deadline (N1).
    ///
    /// # Errors
    /// When the store fails.
    pub fn declare_overdue(&self) -> Result<usize, AppError> {
        self.write(move |app, tx| {
            let late = lanes::overdue(tx, app.now(), 256)?;
            let mut events = Vec::new();
            for (key, message) in &late {
                let Some(id) = lanes::lane(tx, *key)? else { continue };
                let lane = lanes::outbound(tx, &id)?;
                let Some((state, fact)) = overdue(&lane, message, app.now()) else { continue };
                lanes::save_states(tx, *key, &[(message.at, state)])?;
                if let Some((object, version)) = message.object
                    && matches!(message.kind, MessageKind::Report | MessageKind::Correction)
                {
                    let recipient = id.to.clone();
                    let disclosed = disclosures::Key { object, version, recipient: &recipient };
                    disclosures::answered(tx, &disclosed, Answer::Undelivered, app.now())?;
                }
                if let (MessageKind::Hop, Some(of)) = (message.kind, message.object) {
                    app.hop_answered(tx, of, &id.to, CopyState::Undelivered)?;
                }
                events.extend(facts(&[fact]));
            }
            app.log(tx, &events)?;
            Ok(events.len())
        })
    }

    /// Rings for people about the partner of a lane: each cause once, and again when it comes again after somebody saw to it.
    pub(crate) fn raise(&self, tx: &mut dyn Tx, alarms: &[Alarm], lane: &LaneId) -> Result<(), AppError> {
        let partner = if lane.from == self.party { &lane.to } else { &lane.from };
        for alarm in alarms {
            let kind = alarm_code(*alarm);
            let (cause, reference) = (format!("{lane:?}"), partner.to_string());
            let names = Names { reference, object: None, cause: &[cause.as_bytes()] };
            alarms::ring(tx, &self.alarm_of(kind, names))?;
        }
        Ok(())
    }
}

const fn alarm_code(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::Equivocation => "peer.equivocation",
        Alarm::Peer(fault) => fault.code(),
        Alarm::LateReceipt => "peer.late_receipt",
        Alarm::DecidedAnew => "peer.decided_anew",
        Alarm::EpochStarted => "peer.epoch_started",
        Alarm::ClockSkew => "peer.clock_skew",
    }
}

/// The protocol's facts as entries.
pub(crate) fn facts(facts: &[Fact]) -> Vec<Event> {
    facts.iter().map(fact_event).collect()
}

/// One fact as an entry; its commitment is the hash of the envelope (`docs/spec/exchange.md`, ledger entries).
pub(crate) fn fact_event(fact: &Fact) -> Event {
    let mut event = Event::system(fact.happened.code(), fact.reference())
        .agreement(fact.agreement)
        .with(&fact.counterparty);
    if let Some(verdict) = &fact.verdict {
        event = event.verdict(verdict.clone());
    }
    if let Some(envelope) = fact.envelope {
        event = event.envelope(envelope);
    }
    event
}
