//! The receiving half of the exchange: a partner's batch is verified outside of the transaction, judged by this
//! node's own rules inside of it, and answered after its commit.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_db::Tx;
use mithaq_envelope::{
    EnvelopeError, Opened as Unsealed, SealedError, SessionCache, open_seal, peek_header, sign_receipts,
    verify,
};
use mithaq_exchange::ports::{
    CannotJudge, Judge, Judgement, SignReceipts, Unopened, Unreadable, Unsigned, Unwrap,
};
use mithaq_exchange::{
    Content, Door, Effect, Inspection, Logged, Opened, Received, Shelf, Versions, announced, heads, inspect,
    receive,
};
use mithaq_model::{AgreementId, ObjectId, OfficerId, PartyId, Report, ReportId, ReportState, Timestamp};
use mithaq_policy::life::Stage;
use mithaq_policy::{Context, Decision, Disclosure, OrderKind, Side, decide, screen};
use mithaq_store::agreements::{self, Counter};
use mithaq_store::disclosures::{self, Answer};
use mithaq_store::lanes::{self, Inbox, LaneKey};
use mithaq_store::reports::{self, Direction, Erasure, Form, NewVersion, Quarantined, ReportHead};
use mithaq_store::{links, partners, subjects};
use mithaq_wire::{
    Digest, EnvelopeHeader, Heads, Lane, LaneId, LaterReceipt, MessageKind, Notice, OrderReason, Position,
    ReceiptBatch, SealHeader, decode_batch, decode_heads, encode_batch_answer, encode_heads,
};

use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::log::{Committed, Event};
use crate::orders::{Body, Control};
use crate::outbound::facts;
use crate::registry::{Known, Peer, Registry};
use crate::release::{BYTES, DELIVERY, REPORTS, day};

/// Sessions of one partner kept decapsulated: one per hour, with room for restarts.
const SESSIONS_MAX: usize = 64;

/// A report as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incoming {
    pub(crate) report: Report,
    pub(crate) sealed: Vec<u8>,
    pub(crate) salt: [u8; 32],
}

/// Opens the envelopes of one partner.
struct Opener<'a> {
    app: &'a App,
    peer: &'a Peer,
}

impl Unwrap for Opener<'_> {
    type Report = Incoming;

    fn header(&self, envelope: &[u8]) -> Result<EnvelopeHeader, Unreadable> {
        peek_header(envelope).map_err(|error| match error {
            EnvelopeError::Unsupported => Unreadable::Unsupported,
            EnvelopeError::Size
            | EnvelopeError::Malformed
            | EnvelopeError::Signer
            | EnvelopeError::Signature
            | EnvelopeError::Expired
            | EnvelopeError::Recipient
            | EnvelopeError::Kind
            | EnvelopeError::Undecryptable => Unreadable::Malformed,
        })
    }

    fn verify(&self, envelope: &[u8], header: &EnvelopeHeader) -> Result<(), Unsigned> {
        let manifest = self.peer.manifest(header.manifest).ok_or(Unsigned::Signer)?;
        verify(envelope, manifest).map(drop).map_err(|_refused| Unsigned::Signature)
    }

    fn open(&self, envelope: &[u8], header: &EnvelopeHeader) -> Result<Opened<Incoming>, Unopened> {
        let manifest = self.peer.manifest(header.manifest).ok_or(Unopened::Undecryptable)?;
        let verified = verify(envelope, manifest).map_err(|_refused| Unopened::Undecryptable)?;
        let mut cache = self.app.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let opened = verified
            .open(&self.app.party, self.app.keys.soft(), &mut cache)
            .map_err(|_refused| Unopened::Undecryptable)?;
        drop(cache);
        if header.kind == MessageKind::EpochStart {
            return Ok(Opened { seal: None, content: Content::EpochStart });
        }
        let unsealed = open_seal(opened.sealed(), manifest).map_err(|error| match error {
            SealedError::Signature => Unopened::Seal,
            SealedError::Malformed
            | SealedError::Unsupported
            | SealedError::Agreement
            | SealedError::Recipient
            | SealedError::Originator
            | SealedError::Kind => Unopened::Malformed,
        })?;
        Ok(match unsealed {
            Unsealed::Report(inner) => {
                let expires = inner.report.expires;
                let report =
                    Incoming { report: inner.report, sealed: opened.sealed().to_vec(), salt: inner.salt };
                Opened { seal: Some(inner.header), content: Content::Report { report, expires } }
            }
            Unsealed::Order(seal, order) => Opened { seal: Some(seal), content: Content::Order(order) },
            Unsealed::Notice(seal, notice) => Opened { seal: Some(seal), content: Content::Notice(notice) },
            Unsealed::LaterReceipts(seal, receipts) => {
                Opened { seal: Some(seal), content: Content::Receipts(receipts) }
            }
        })
    }
}

/// Signs receipts of this node.
struct OwnReceipts<'a> {
    app: &'a App,
    manifest: Digest,
}

impl SignReceipts for OwnReceipts<'_> {
    type Error = mithaq_envelope::ReceiptError;

    fn manifest(&self) -> Digest {
        self.manifest
    }

    fn sign(&self, batch: &ReceiptBatch) -> Result<Vec<u8>, Self::Error> {
        sign_receipts(batch, self.app.keys.soft())
    }
}

/// This node's own release decision about what came in.
struct OwnRules<'a> {
    app: &'a App,
    known: &'a Known,
    /// Reports and bytes left, per day of sealing.
    left: BTreeMap<u32, (u64, u64)>,
}

impl Judge<Incoming> for OwnRules<'_> {
    fn judge(
        &mut self,
        seal: &SealHeader,
        incoming: &Incoming,
        now: Timestamp,
    ) -> Result<Judgement, CannotJudge> {
        let accredited = self.app.accreditation();
        let sealed_on = budget_day(seal.sealed_at, now);
        let (reports_left, bytes_left) = self.left.get(&sealed_on).copied().unwrap_or_default();
        // The originator attests two persons in these roles; who they are is its own matter.
        let approvals =
            (1_u8..).zip(&seal.released_by).map(|(n, role)| (OfficerId::new([n; 16]), *role)).collect();
        let context = Context {
            signatures_good: self.known.all_signed,
            rule_set: Some(seal.agreement),
            hold: false,
            special_categories: screen::report(&incoming.report),
            recipient_level: accredited,
            channel_level: accredited,
            capital_offence: false,
            // What a third party's part needs was checked by the sender; onward tokens are verified with them.
            consents: Vec::new(),
            reports_left,
            bytes_left,
            bytes: u64::try_from(incoming.sealed.len()).unwrap_or(u64::MAX),
            approvals,
            ..Context::nothing_known()
        };
        let disclosure = Disclosure {
            report: &incoming.report,
            recipient: &self.app.party,
            side: Side::Receiver,
            context: &context,
            standing: &self.known.standing,
        };
        Ok(match decide(&self.known.rules, &disclosure, now) {
            Decision::Permit(_) => {
                let left = (reports_left.saturating_sub(1), bytes_left.saturating_sub(context.bytes));
                self.left.insert(sealed_on, left);
                Judgement::Accept
            }
            Decision::Refuse(refusal) if refusal.step() == 5 => {
                Judgement::Quarantine { code: refusal.code().code().to_owned() }
            }
            Decision::Refuse(refusal) => {
                Judgement::Refuse { code: refusal.code().code().to_owned(), ground: refusal.ground() }
            }
        })
    }
}

impl App {
    /// Takes a batch from a connected partner and returns the answer, once what it promises is durable.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for whatever this partner may not know about; [`ErrorKind::Unavailable`] when
    /// nothing could be stored: try later.
    pub fn receive_batch(&self, peer: &PartyId, body: &[u8]) -> Result<Vec<u8>, AppError> {
        let registry = self.registry();
        let inspection = self.inspect_batch(&registry, peer, body)?;
        let known =
            registry.agreements.get(&inspection.lane.agreement).cloned().ok_or_else(AppError::not_found)?;
        let partner = registry.peers.get(peer).cloned().ok_or_else(AppError::not_found)?;
        let own = registry.own.clone().ok_or_else(|| AppError::conflict("node.no_manifest"))?;
        let (answer, erased) = self.write(move |app, tx| {
            let opener = Opener { app, peer: &partner };
            let sign = OwnReceipts { app, manifest: own.hash() };
            let id = inspection.lane.clone();
            let lane = lanes::inbound(tx, &id)?;
            let key = LaneKey::of(&id);
            let mut judge = app.own_rules(tx, &known, &inspection)?;
            let mut inbox = Inbox::new(tx, key);
            let shelf = Shelf { lane, inbox: &mut inbox, judge: &mut judge, unwrap: &opener, sign: &sign };
            let received = receive(inspection, shelf, app.now()).map_err(|error| {
                AppError::new(ErrorKind::Unavailable, "lane.receive", words::UNAVAILABLE).because(error)
            })?;
            app.store_received(tx, &known, &id, received)
        })?;
        if erased {
            // What was erased is nowhere on disk only when the write-ahead log is cut; a reader in the way only
            // delays that to the next time.
            let _tried_again_later = self.db.checkpoint();
        }
        self.reload_if_noticed(&answer.1)?;
        if answer.1.control {
            self.wake();
        }
        Ok(encode_batch_answer(&answer.0))
    }

    fn inspect_batch(
        &self,
        registry: &Registry,
        peer: &PartyId,
        body: &[u8],
    ) -> Result<Inspection<Incoming>, AppError> {
        let partner = registry.peers.get(peer).ok_or_else(AppError::not_found)?;
        let alive = registry.alive_with(peer, self.now());
        let envelopes = decode_batch(body).map_err(|why| AppError::invalid("batch").because(why))?;
        let door = Door { us: &self.party, peer, agreements: &alive };
        let opener = Opener { app: self, peer: partner };
        inspect(&envelopes, &door, &opener).map_err(|stop| {
            // Bare: an unknown agreement, a wrong address and a bad signature look alike from outside.
            AppError::new(ErrorKind::Invalid, stop.code(), words::INVALID)
        })
    }

    fn own_rules<'a>(
        &'a self,
        tx: &mut dyn Tx,
        known: &'a Known,
        inspection: &Inspection<Incoming>,
    ) -> Result<OwnRules<'a>, AppError> {
        let (agreement, now) = (known.agreement(), self.now());
        let (id, party) = (agreement.id(), &inspection.lane.from);
        let seals = inspection.arrived.iter().filter_map(|one| one.inner().ok()?.seal.as_ref());
        let days: BTreeSet<u32> = seals.map(|seal| budget_day(seal.sealed_at, now)).collect();
        let mut left = BTreeMap::new();
        for day in days.into_iter().chain([day(now)]) {
            let mut used = |name| agreements::used(tx, &Counter { agreement: &id, party, name, day });
            let reports = u64::from(agreement.budgets.reports_per_day).saturating_sub(used(REPORTS)?);
            left.insert(day, (reports, agreement.budgets.bytes_per_day.saturating_sub(used(BYTES)?)));
        }
        Ok(OwnRules { app: self, known, left })
    }

    fn store_received(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        id: &LaneId,
        received: Received<Incoming>,
    ) -> Result<((mithaq_wire::BatchAnswer, Aftermath), bool), AppError> {
        let (key, now) = (LaneKey::of(id), self.now());
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
        let mut kept: Vec<(Position, &Incoming, &SealHeader, bool)> = Vec::new();
        for (row, effect) in &received.messages {
            match effect {
                Effect::None => {}
                Effect::Keep { seal, report } => kept.push((row.at, report, seal, true)),
                Effect::Quarantine { seal, report } => kept.push((row.at, report, seal, false)),
                Effect::Erase { originator, object, versions, held: _, answer_by: _ } => {
                    self.erase_received(tx, known, (originator, *object, versions), &mut events)?;
                    after.control = true;
                    after.erased = true;
                }
                Effect::Notice(notice) => {
                    self.noticed(tx, known, &id.from, *notice, &mut events)?;
                    after.noticed = true;
                }
                Effect::Receipts(receipts) => self.later(tx, &id.from, receipts, &mut events)?,
            }
        }
        self.keep(tx, key, id, &kept, &mut events)?;
        self.raise(tx, &received.alarms, id)?;
        events.extend(facts(&received.facts));
        let positions = self.log(tx, &events)?;
        // The commit that makes this true is the one this closure returns into; the answer leaves after it.
        let answer = received.answer(Logged::committed(positions.start));
        let erased = after.erased;
        Ok(((answer, after), erased))
    }

    /// Stores accepted and quarantined reports, sealed as they came.
    fn keep(
        &self,
        tx: &mut dyn Tx,
        key: LaneKey,
        id: &LaneId,
        kept: &[(Position, &Incoming, &SealHeader, bool)],
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        if kept.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let (mut fresh, mut used) = (Vec::new(), BTreeMap::<u32, (u32, u32)>::new());
        for (at, incoming, seal, accepted) in kept {
            let report = &incoming.report;
            let state = if *accepted { ReportState::Acknowledged } else { ReportState::Quarantined };
            let version = NewVersion {
                version: report.version,
                supersedes: seal.supersedes,
                form: Form::Sealed,
                content: &incoming.sealed,
                at: now,
            };
            match reports::head(tx, report.id)? {
                Some(head) => {
                    reports::add_version(tx, &self.vault, report.id, &version)?;
                    reports::set_state(tx, report.id, head.state, state, now)?;
                }
                None => fresh.push((received_head(report, state, now), version)),
            }
            if !accepted {
                let place = Quarantined {
                    object: report.id.into(),
                    version: report.version,
                    lane: key,
                    place: *at,
                    code: "SPC".to_owned(),
                    at: now,
                };
                reports::quarantine(tx, &place)?;
            }
            let day = used.entry(budget_day(seal.sealed_at, now)).or_default();
            let bytes = u32::try_from(incoming.sealed.len()).unwrap_or(u32::MAX);
            *day = (day.0.saturating_add(1), day.1.saturating_add(bytes));
            let committed = Committed::to(
                report.id.into(),
                report.version.get(),
                incoming.salt,
                &mithaq_wire::encode_report(report),
            );
            let kind = if *accepted { "report.received" } else { "report.quarantined" };
            let event =
                Event::system(kind, report.id).agreement(id.agreement).with(&id.from).purpose(report.purpose);
            events.push(event.committed(committed));
        }
        reports::add_many(tx, &self.vault, &fresh)?;
        let carried: Vec<_> = kept
            .iter()
            .map(|(at, incoming, _, _)| (*at, ObjectId::from(incoming.report.id), incoming.report.version))
            .collect();
        lanes::carried(tx, key, &carried)?;
        for (day, (count, bytes)) in used {
            let counter = |name| Counter { agreement: &id.agreement, party: &id.from, name, day };
            agreements::count(tx, &counter(REPORTS), count)?;
            agreements::count(tx, &counter(BYTES), bytes)?;
        }
        Ok(())
    }

    /// Carries out an order to erase: content, envelopes, salts, subjects and links made from it; answers with R4.
    fn erase_received(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        (originator, object, versions): (&PartyId, ObjectId, &Versions),
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let (agreement, now) = (known.agreement().id(), self.now());
        let erasure = Erasure {
            object,
            versions,
            reason: OrderReason::Originator,
            originator,
            agreement: Some(agreement),
            at: now,
            state: ReportState::Recalled,
        };
        let derived = subjects::of_report(tx, ReportId::from(object))?;
        let linked = links::of_report(tx, ReportId::from(object))?;
        let gone = reports::erase(tx, &erasure)?;
        subjects::erase(tx, &derived)?;
        links::erase(tx, &linked)?;
        events.push(
            Event::system("report.erased", object).agreement(agreement).with(originator).verdict("recalled"),
        );
        let wiped = ["content", "envelope", "keys", "salts", "subjects", "terms"]
            .iter()
            .map(|kind| (*kind).to_owned())
            .collect();
        let receipt = LaterReceipt::Erased { object, versions: gone, wiped, leaf: None, at: now };
        let control =
            Control { kind: OrderKind::LaterReceipts, message: MessageKind::Receipts, object, agreement };
        self.send_control_in(tx, originator, control, &Body::Receipts(vec![receipt]))
    }

    /// What the partner says about the agreement binds this node's flows too.
    fn noticed(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        from: &PartyId,
        notice: Notice,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let stage = known.standing.stage();
        let to = match notice {
            Notice::Suspended { .. } if stage.opens_flows() => Some(Stage::Suspended),
            Notice::Terminated { .. } if stage.opens_flows() || stage == Stage::Suspended => {
                Some(Stage::Terminated)
            }
            // Resuming takes both sides: the partner's word alone opens nothing here.
            Notice::Suspended { .. } | Notice::Terminated { .. } | Notice::Resumed { .. } => None,
        };
        let id = known.agreement().id();
        if let Some(to) = to {
            let step = agreements::Step {
                state: to.code().to_owned(),
                at: self.now(),
                reason: "partner".to_owned(),
                officer: None,
            };
            agreements::set_state(tx, &id, known.version, &step)?;
        }
        let kind = to.map_or_else(|| "agreement.notice".to_owned(), |to| format!("agreement.{}", to.code()));
        events.push(Event::system(&kind, crate::agreements::short(id)).agreement(id).with(from));
        Ok(())
    }

    /// Takes R3 and R4 of what this node sent.
    fn later(
        &self,
        tx: &mut dyn Tx,
        from: &PartyId,
        receipts: &[LaterReceipt],
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        for receipt in receipts {
            let (object, versions, answer, kind) = match receipt {
                LaterReceipt::Read { object, version, .. } => {
                    (*object, vec![*version], Answer::Read, "receipt.read")
                }
                LaterReceipt::Erased { object, versions, .. } => {
                    (*object, versions.clone(), Answer::Erased, "receipt.erased")
                }
            };
            let sent = disclosures::of_object(tx, object)?;
            let about = sent.iter().filter(|one| one.recipient == *from);
            // An erasure that names no version held nothing: it settles whatever was asked.
            let about = about.filter(|one| {
                versions.contains(&one.version) || (answer == Answer::Erased && versions.is_empty())
            });
            for disclosed in about {
                let key = disclosures::Key { object, version: disclosed.version, recipient: from };
                disclosures::answered(tx, &key, answer, self.now())?;
            }
            events.push(Event::system(kind, object).with(from));
        }
        Ok(())
    }

    fn reload_if_noticed(&self, after: &Aftermath) -> Result<(), AppError> {
        if after.noticed { self.reload() } else { Ok(()) }
    }

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
        self.wake();
        Ok(())
    }

    /// Notes how far a partner says its control lane goes: nothing of it is read before that is drained.
    ///
    /// # Errors
    /// When the answer is malformed or the store fails.
    pub fn note_heads(&self, peer: &PartyId, bytes: &[u8]) -> Result<(), AppError> {
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
            Ok(())
        })
    }

    /// Makes the cache of decapsulated sessions.
    pub(crate) const fn new_cache() -> SessionCache {
        SessionCache::new(SESSIONS_MAX)
    }
}

/// The day a report counts on: the one it was sealed on, so that what waited for this node while it was away
/// is not refused for coming late. A day that cannot be is today.
fn budget_day(sealed_at: Timestamp, now: Timestamp) -> u32 {
    let possible = sealed_at <= now && now.since(sealed_at) <= DELIVERY;
    day(if possible { sealed_at } else { now })
}

/// What is left to do after the commit.
#[derive(Debug, Clone, Copy, Default)]
struct Aftermath {
    control: bool,
    erased: bool,
    noticed: bool,
}

fn received_head(report: &Report, state: ReportState, now: Timestamp) -> ReportHead {
    ReportHead {
        id: report.id,
        direction: Direction::Received,
        originator: report.originator.clone(),
        agreement: Some(report.agreement),
        case: None,
        author: None,
        state,
        version: report.version,
        level: report.level,
        created: now,
        changed: now,
        expires: report.expires,
    }
}
