//! A node whose database was put back from an older copy. What it signed since cannot be taken back: it continues neither
//! its log nor its lanes, but begins a successor of the log and a new epoch in each lane, and recovers from its
//! partners what it lacks (`docs/spec/exchange.md`, restore; `docs/spec/evidence.md`, successor).

use std::sync::Arc;

use mithaq_db::{Db, Tx};
use mithaq_exchange::ports::ReadReceipts as _;
use mithaq_exchange::{Halt, PartnerControl, PeerFault, ReceiptRow, start_epoch};
use mithaq_ledger::{NoteSigner, SignedNote, VerifierKey, content_digest};
use mithaq_model::{AgreementId, PartyId};
use mithaq_store::lanes::{self, LaneKey, Lost};
use mithaq_store::ledger::Ledger;
use mithaq_store::{Vault, alarms, settings};
use mithaq_wire::{
    BatchAnswer, Digest, Heads, Lane, LaneId, Position, decode_batch_answer, encode_batch_answer,
};
use sha2::{Digest as _, Sha256};

use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::evidence::marked;
use crate::log::Event;
use crate::node::{HALTED, Parts, migrate, not_set_up};
use crate::outbound::{OneWrap, PeerReceipts};

/// The place before the first of a lane.
const START: Position = Position { epoch: 1, seq: 0 };
/// Lanes a node sends in.
const SENDING: [Lane; 2] = [Lane::Control, Lane::Report];
/// Receipts in one answer about what was lost.
const RECEIPTS_MAX: usize = 64;
/// Bytes of receipts in one answer.
const RECEIPTS_BYTES_MAX: usize = 768 * 1024;

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The log that is not continued.
    pub before: String,
    /// Its last checkpoint in the copy: entries from there on are lost here.
    pub before_size: u64,
    /// The log that continues.
    pub log: String,
    /// Lanes that begin anew once their partner was heard.
    pub lanes: usize,
}

/// Signs under the name of a successor with the key of the log.
pub(crate) struct Renamed<'a> {
    pub(crate) inner: &'a dyn NoteSigner,
    pub(crate) public: VerifierKey,
}

impl NoteSigner for Renamed<'_> {
    fn name(&self) -> &str {
        self.public.name().as_str()
    }

    fn key_id(&self) -> u32 {
        self.public.id()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.inner.sign(message)
    }
}

impl App {
    /// Opens a node whose database was put back from a copy, and marks what must not be continued. Whether the copy is
    /// the newest there is cannot be known here: partners tell. A log that this node began in an earlier restore, as the
    /// mark beside its keys says, is not begun a second time, whatever the copy knows: partners hold its checkpoints.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the database holds no node, [`ErrorKind::Integrity`] when its log or the mark is
    /// damaged; nothing is changed then.
    pub fn restore(db: Db, parts: Parts) -> Result<(Self, Restored), AppError> {
        migrate(&db)?;
        let (master, entropy, now) = (parts.master.clone(), Arc::clone(&parts.entropy), parts.clock.now());
        let base = parts.keys.log_key()?.name().as_str().to_owned();
        let begun = marked(&*parts.mark, &parts.keys)?.map_or(0, |(number, _)| number);
        let (identity, vault, ledger, before) = db.write(move |tx| {
            let identity = settings::identity(tx)?.ok_or_else(not_set_up)?;
            let vault = Vault::open(tx, master, entropy)?;
            let old = Ledger::open(tx)?;
            // The copy must be a log by itself.
            old.checkpoint_to_sign(tx)?;
            let (before, number) = (Before::of(tx, &old)?, old.log().max(begun).saturating_add(1));
            let ledger = Ledger::create(tx, number, &format!("{base}/{number}"), now)?;
            Ok::<_, AppError>((identity, vault, ledger, before))
        })?;
        let app = Self::assemble(db, identity, vault, ledger, parts);
        app.reload()?;
        let lanes = app.begin_anew(before.clone())?;
        app.reload_halt()?;
        app.sign_checkpoint()?;
        let log = app.ledger.origin().as_str().to_owned();
        Ok((app, Restored { before: before.origin, before_size: before.size, log, lanes }))
    }

    /// Leaf 0 names the last checkpoint of the log before; then every lane waits for its new epoch.
    fn begin_anew(&self, before: Before) -> Result<usize, AppError> {
        let registry = self.registry();
        self.write(move |app, tx| {
            let mut events = vec![
                Event::system("log.succeeded", &before.origin)
                    .verdict(format!("size/{}", before.size))
                    .envelope(before.note),
            ];
            let mut count = 0;
            for (agreement, known) in &registry.agreements {
                // The life of an agreement is in the log before; where it stands is said anew.
                let kind = format!("agreement.{}", known.standing.stage().code());
                events.push(Event::system(&kind, crate::agreements::short(*agreement)).agreement(*agreement));
                for partner in known.agreement().partners(&app.party) {
                    count += app.mark_lanes(tx, *agreement, partner)?;
                }
            }
            app.copies_may_be_out(tx)?;
            settings::set(tx, HALTED, b"")?;
            mithaq_store::leases::known_changed(tx)?;
            events.push(Event::system("node.restored", &app.party));
            let id = content_digest(before.origin.as_bytes());
            let id = id.as_bytes().first_chunk::<16>().copied().unwrap_or_default();
            let reference = app.ledger.origin().as_str().to_owned();
            let (kind, at) = ("node.restored".to_owned(), app.now());
            alarms::raise(tx, &alarms::Alarm { id, kind, reference, object: None, at })?;
            app.log(tx, &events)?;
            Ok(count)
        })
    }

    fn mark_lanes(
        &self,
        tx: &mut dyn Tx,
        agreement: AgreementId,
        partner: &PartyId,
    ) -> Result<usize, AppError> {
        let now = self.now();
        let between = |from: &PartyId, to: &PartyId, lane| LaneId {
            from: from.clone(),
            to: to.clone(),
            agreement,
            lane,
        };
        for class in SENDING {
            lanes::mark_restored(tx, &between(&self.party, partner, class), now)?;
        }
        // Orders this node once took may be missing: everything of that partner is locked until it is heard.
        let theirs = between(partner, &self.party, Lane::Control);
        lanes::mark_restored(tx, &theirs, now)?;
        lanes::inbound(tx, &theirs)?;
        lanes::save_control(tx, LaneKey::of(&theirs), &PartnerControl::lost())?;
        Ok(SENDING.len())
    }

    /// The lanes of this node that wait for their epoch, with the last place this node knows of: the partner is asked for
    /// what it signed after that.
    ///
    /// # Errors
    /// When the store fails.
    pub fn lost_after(
        &self,
        peer: &PartyId,
        heads: &[u8],
    ) -> Result<Vec<(AgreementId, Lane, Position)>, AppError> {
        let Ok(heads) = mithaq_wire::decode_heads(heads) else { return Ok(Vec::new()) };
        let (us, peer) = (self.party.clone(), peer.clone());
        self.read(move |_app, tx| {
            let mut found = Vec::new();
            for class in SENDING {
                let id =
                    LaneId { from: us.clone(), to: peer.clone(), agreement: heads.agreement, lane: class };
                let key = LaneKey::of(&id);
                if !lanes::is_restoring(tx, key)? {
                    continue;
                }
                let known = lanes::peek_outbound(tx, &id)?.map_or(START, |lane| lane.last());
                let known = lanes::lost(tx, key)?.last().map_or(known, |lost| lost.at.max(known));
                // Asked also when nothing seems lost: the partner learns that this node may lack what it sent.
                found.push((heads.agreement, class, known));
            }
            Ok(found)
        })
    }

    /// Returns the receipts this node signed for messages of a partner after a place: for the partner, who lost them.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such agreement with it.
    pub fn receipts_for(
        &self,
        peer: &PartyId,
        agreement: AgreementId,
        (class, after): (Lane, Position),
    ) -> Result<Vec<u8>, AppError> {
        if !self.registry().alive_with(peer, self.now()).contains(&agreement) {
            return Err(AppError::not_found());
        }
        // It lost rows: how far it has our lanes is asked at once.
        self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(peer.clone());
        self.tell_others(crate::shared::Word::Asked);
        self.wake();
        let id = LaneId { from: peer.clone(), to: self.party.clone(), agreement, lane: class };
        self.read(move |app, tx| {
            let (key, lane) = (LaneKey::of(&id), lanes::peek_inbound(tx, &id)?);
            let (mut receipts, mut last, mut bytes) = (Vec::new(), None, 0_usize);
            for row in lanes::taken_after(tx, key, after)? {
                if last == Some(row.receipt) {
                    continue;
                }
                let Some(receipt) = lanes::receipt(tx, key, row.receipt)? else { continue };
                bytes = bytes.saturating_add(receipt.len());
                if receipts.len() >= RECEIPTS_MAX || bytes > RECEIPTS_BYTES_MAX {
                    break;
                }
                last = Some(row.receipt);
                receipts.push(app.renewed_receipt(receipt));
            }
            let (have, head) = lane.map_or((START, Digest::ZERO), |lane| (lane.have, lane.head));
            Ok(encode_batch_answer(&BatchAnswer { receipts, have, head, stopped: None }))
        })
    }

    /// Whether a partner that lost rows waits to be asked how far it has our lanes; says so once.
    #[must_use]
    pub fn take_asked(&self, peer: &PartyId) -> bool {
        self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(peer)
    }

    /// Takes receipts for messages this node no longer has. Returns the last place they reach; none for nothing new.
    ///
    /// # Errors
    /// [`ErrorKind::PeerMisbehaved`] when one is not signed by the partner for this lane.
    pub fn take_lost(
        &self,
        peer: &PartyId,
        (agreement, class, after): (AgreementId, Lane, Position),
        answer: &[u8],
    ) -> Result<Option<Position>, AppError> {
        let misbehaved =
            || AppError::new(ErrorKind::PeerMisbehaved, "peer.lost_receipts", words::UNAVAILABLE);
        let answer = decode_batch_answer(answer).map_err(|why| misbehaved().because(why))?;
        let partner = self.registry().peers.get(peer).cloned().ok_or_else(AppError::not_found)?;
        let id = LaneId { from: self.party.clone(), to: peer.clone(), agreement, lane: class };
        let (mut rows, mut kept) = (Vec::new(), Vec::new());
        for bytes in answer.receipts {
            let batch = PeerReceipts(&partner).read(&bytes).filter(|batch| batch.lane == id);
            let batch = batch.ok_or_else(misbehaved)?;
            let receipt = Digest(Sha256::digest(&bytes).into());
            rows.extend(batch.statements.iter().filter(|one| one.at > after).map(|one| Lost {
                at: one.at,
                envelope: one.envelope,
                verdict: lanes::verdict_code(&one.verdict),
                receipt,
            }));
            kept.push(ReceiptRow { id: receipt, bytes });
        }
        let last = rows.iter().map(|row| row.at).max();
        self.write(move |app, tx| {
            let key = LaneKey::of(&id);
            lanes::add_receipts(tx, key, &kept, app.now())?;
            if lanes::add_lost(tx, key, &rows, app.now())? > 0 {
                let events: Vec<Event> = rows.iter().map(|row| recovered(&id, row)).collect();
                app.log(tx, &events)?;
            }
            Ok(())
        })?;
        Ok(last)
    }

    /// Begins an epoch in each lane that waits for it, on top of what the partner has, once the partner has everything
    /// this node still knows; and again when it has more by now.
    pub(crate) fn catch_up(&self, tx: &mut dyn Tx, peer: &PartyId, heads: &Heads) -> Result<(), AppError> {
        for class in SENDING {
            let id = LaneId {
                from: self.party.clone(),
                to: peer.clone(),
                agreement: heads.agreement,
                lane: class,
            };
            let key = LaneKey::of(&id);
            if !lanes::was_restored(tx, key)? {
                continue;
            }
            let lane = lanes::outbound(tx, &id)?;
            let (have, head) = taken_of(heads, class);
            let waits = lanes::is_restoring(tx, key)? && have >= lane.last();
            // The partner had more than was known when the last epoch was begun.
            let overtaken = lane.halt == Halt::Fault(PeerFault::HaveAhead);
            if !waits && !overtaken {
                continue;
            }
            let stamp = self.stamp(tx, &id)?;
            let queued = {
                let mut sessions = self.sessions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let mut wrap = OneWrap { app: self, sessions: &mut sessions, sealed: None };
                start_epoch(&lane, have, head, stamp, &mut wrap)
            };
            let (queued, alarm) = queued.map_err(crate::outbound::enqueue_error)?;
            lanes::save_outbound(tx, &queued.lane)?;
            self.log_placed(tx, Vec::new(), vec![(key, queued)])?;
            lanes::begun(tx, key, self.now())?;
            self.raise(tx, &[alarm], &id)?;
        }
        Ok(())
    }

    /// Whether a report of this lane must wait: this node lost rows, and orders of the partner may be among them.
    pub(crate) fn waits_for_orders(&self, tx: &mut dyn Tx, id: &LaneId) -> Result<bool, AppError> {
        let control = LaneId { lane: Lane::Control, ..id.clone() };
        let key = LaneKey::of(&control);
        if id.lane == Lane::Control || !lanes::is_restoring(tx, key)? {
            return Ok(false);
        }
        let have = lanes::peek_inbound(tx, &control)?.map_or(START, |lane| lane.have);
        if lanes::control(tx, key)?.is_behind(have) {
            return Ok(true);
        }
        lanes::begun(tx, key, self.now())?;
        Ok(false)
    }

    /// Notes the checkpoint of the log before that a partner holds: it may have countersigned more than the copy knew.
    ///
    /// # Errors
    /// [`ErrorKind::PeerMisbehaved`] when this node never signed it.
    pub fn note_predecessor(&self, peer: &PartyId, note: &[u8]) -> Result<(), AppError> {
        let misbehaved = || AppError::new(ErrorKind::PeerMisbehaved, "peer.witness", words::UNAVAILABLE);
        let parsed = SignedNote::parse(note).map_err(|why| misbehaved().because(why))?;
        let origin = parsed.text().lines().next().unwrap_or_default();
        let origin = mithaq_ledger::KeyName::new(origin).map_err(|why| misbehaved().because(why))?;
        let key = mithaq_evidence::successor_key(&self.keys.log_key()?, &origin).ok_or_else(misbehaved)?;
        let trust = [key];
        let verified = mithaq_ledger::verify_checkpoint(note, &mithaq_ledger::Trust::logs_only(&trust))
            .map_err(|why| misbehaved().because(why))?;
        let (peer, size) = (peer.clone(), verified.checkpoint().size());
        let hash = Digest(Sha256::digest(note).into());
        self.write(move |app, tx| {
            settings::set(tx, &predecessor_of(&peer), &size.to_be_bytes())?;
            if origin == *app.ledger.origin() {
                return Ok(());
            }
            let event =
                Event::system("log.held", origin.as_str()).with(&peer).verdict(format!("size/{size}"));
            app.log(tx, &[event.envelope(hash)])?;
            Ok(())
        })
    }

    /// Whether a partner is still to be asked which checkpoint of the log before it holds.
    ///
    /// # Errors
    /// When the store fails.
    pub fn wants_predecessor(&self, peer: &PartyId) -> Result<bool, AppError> {
        if self.ledger.log() < 2 {
            return Ok(false);
        }
        let name = predecessor_of(peer);
        self.read(move |_app, tx| Ok(settings::get(tx, &name)?.is_none()))
    }
}

/// The log that is not continued.
#[derive(Debug, Clone)]
struct Before {
    origin: String,
    size: u64,
    /// Hash of its last signed checkpoint; zero when none was signed.
    note: Digest,
}

impl Before {
    fn of(tx: &mut dyn Tx, old: &Ledger) -> Result<Self, AppError> {
        let note = old.last_checkpoint(tx)?;
        let size = note.as_ref().map_or(0, crate::witness::checkpoint_size);
        let note = note.map_or(Digest::ZERO, |note| Digest(Sha256::digest(note.to_bytes()).into()));
        Ok(Self { origin: old.origin().as_str().to_owned(), size, note })
    }
}

fn predecessor_of(peer: &PartyId) -> String {
    format!("restore.held.{peer}")
}

/// How far a partner has a lane of this node, as its heads say.
fn taken_of(heads: &Heads, class: Lane) -> (Position, Digest) {
    let taken = heads.taken.iter().find(|ack| ack.lane == class);
    taken.map_or((START, Digest::ZERO), |ack| (ack.at, ack.head))
}

fn recovered(id: &LaneId, row: &Lost) -> Event {
    let class = match id.lane {
        Lane::Control => "control",
        Lane::Report => "report",
        Lane::Bulk => "bulk",
    };
    let verdict = row.verdict.split(':').next_back().unwrap_or_default().to_owned();
    Event::system("message.recovered", format!("{class}/{}/{}", row.at.epoch, row.at.seq))
        .agreement(id.agreement)
        .with(&id.to)
        .verdict(verdict)
        .envelope(row.envelope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_is_named_by_its_place() {
        let id = LaneId {
            from: PartyId::new("ma-security").unwrap(),
            to: PartyId::new("es-police").unwrap(),
            agreement: AgreementId::new([1; 32]),
            lane: Lane::Report,
        };
        let row = Lost {
            at: Position { epoch: 1, seq: 9 },
            envelope: Digest([2; 32]),
            verdict: "refused:AGR".to_owned(),
            receipt: Digest([3; 32]),
        };
        let shown = format!("{:?}", recovered(&id, &row));
        assert!(shown.contains("report/1/9") && shown.contains("\"AGR\""), "{shown}");
    }
}
