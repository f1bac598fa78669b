//! Partners countersign this node's log, and this node theirs (C2SP tlog-witness): one row per log, compared and set in
//! one transaction, durable before the countersignature goes out. A log that shows two histories is found here; the
//! proof is kept and people are told.

use std::collections::BTreeSet;

use mithaq_db::Tx;
use mithaq_ledger::{
    AddCheckpoint, ForkProof, Held, KeyKind, NoteSignature, SignedNote, Trust, VerifierKey, WitnessRefusal,
    verify_checkpoint, witness_step,
};
use mithaq_model::{PartyId, Timestamp};
use mithaq_store::StoreError;
use mithaq_store::ledger::{self, Cosigner};

use crate::App;
use crate::error::{AppError, words};
use crate::log::Event;
use crate::logs::origin_of;
use crate::rights::{May, intent};

/// Checkpoints looked through for one that has enough countersignatures.
const LOOK_BACK: u32 = 64;

/// What a witness answers, as the peer endpoint says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// 200: the countersignature, as a line of a note.
    Signed(Vec<u8>),
    /// 400: not a request.
    Malformed,
    /// 403: not signed by the key the partner's manifest names.
    Signature,
    /// 404: not a log of this partner, or a successor that does not count here yet.
    UnknownLog,
    /// 409: the request does not start from what is held, which is this size.
    Conflict(u64),
    /// 422: the checkpoint does not continue what is held.
    Inconsistent,
}

/// A request to one partner, and what it was about.
#[derive(Debug, Clone)]
pub struct WitnessRequest {
    /// The body to send.
    pub body: Vec<u8>,
    size: u64,
    old_size: u64,
}

/// A partner as a witness of this node's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessView {
    /// The partner.
    pub party: PartyId,
    /// The size it confirmed last; 0 for none.
    pub size: u64,
    /// When.
    pub at: Option<Timestamp>,
    /// Why it refused since.
    pub refused: Option<String>,
}

/// This node's log as its witnesses have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogView {
    /// Name of the log.
    pub origin: String,
    /// Entries in it.
    pub size: u64,
    /// Entries under the last checkpoint that was signed.
    pub signed: u64,
    /// Entries under a checkpoint with enough countersignatures.
    pub countersigned: u64,
    /// How many countersignatures are enough.
    pub quorum: usize,
    /// The partners.
    pub witnesses: Vec<WitnessView>,
}

impl App {
    /// Countersigns a checkpoint of a connected partner's log, or says why not.
    ///
    /// # Errors
    /// When the store fails: nothing is countersigned then.
    pub fn countersign(&self, peer: &PartyId, body: &[u8]) -> Result<WitnessAnswer, AppError> {
        let Ok(request) = AddCheckpoint::parse(body) else { return Ok(WitnessAnswer::Malformed) };
        let Ok(note) = SignedNote::parse(&request.note) else { return Ok(WitnessAnswer::Malformed) };
        let Some(log) = self.partner_log(peer, origin_of(&note)) else {
            return Ok(WitnessAnswer::UnknownLog);
        };
        let peer = peer.clone();
        // The row is durable when this returns; only then is anything signed.
        let stepped = self.write(move |app, tx| app.witness_in(tx, &peer, &request, &log))?;
        match stepped {
            Ok(()) => {
                let at = u64::try_from(self.now().as_millis().div_euclid(1_000)).unwrap_or_default();
                let line = note
                    .cosign(self.keys.witness(), at)
                    .map_err(|error| AppError::bug("witness.sign").because(error))?;
                Ok(WitnessAnswer::Signed(signature_line(note.text(), line)?))
            }
            Err(refused) => Ok(refused),
        }
    }

    fn witness_in(
        &self,
        tx: &mut dyn Tx,
        peer: &PartyId,
        request: &AddCheckpoint,
        log: &VerifierKey,
    ) -> Result<Result<(), WitnessAnswer>, AppError> {
        let origin = log.name().as_str();
        let held = ledger::witnessed(tx, origin)?;
        let before = ledger::held_note(tx, origin)?;
        if self.is_forked(tx, origin)? {
            // It was found to show two histories: people decide, not this code.
            return Ok(Err(WitnessAnswer::Conflict(held.size)));
        }
        if !self.log_counts(tx, peer, origin)? {
            let signed = self.succession_waits(tx, (peer, log), request)?;
            return Ok(Err(if signed { WitnessAnswer::UnknownLog } else { WitnessAnswer::Signature }));
        }
        let step = witness_step(&held, request.old_size, &request.note, &request.proof, log);
        let verified = match step {
            Ok(verified) => verified,
            Err(refusal) => return self.witness_refused(tx, peer, request, &refusal, (log, before)).map(Err),
        };
        let new = Held { size: verified.checkpoint().size(), root: *verified.checkpoint().root() };
        if new != held || before.is_none() {
            match ledger::set_witnessed(tx, origin, &held, (&new, &request.note), self.now()) {
                // Another request was faster: whoever asked starts again from what is held.
                Err(StoreError::Conflict { .. }) => return Ok(Err(WitnessAnswer::Conflict(held.size))),
                done => done?,
            }
        }
        if held == Held::NONE && new != held {
            self.log(tx, &[Event::system("witness.first", origin).with(peer)])?;
        }
        Ok(Ok(()))
    }

    fn witness_refused(
        &self,
        tx: &mut dyn Tx,
        peer: &PartyId,
        request: &AddCheckpoint,
        refusal: &WitnessRefusal,
        (log, held): (&VerifierKey, Option<Vec<u8>>),
    ) -> Result<WitnessAnswer, AppError> {
        Ok(match refusal {
            WitnessRefusal::Checkpoint(_) => WitnessAnswer::Signature,
            WitnessRefusal::Conflict { held } => WitnessAnswer::Conflict(*held),
            WitnessRefusal::Fork { size } => {
                if let Some(held) = held {
                    self.keep_fork(tx, peer, log, (&held, &request.note))?;
                }
                WitnessAnswer::Conflict(*size)
            }
            WitnessRefusal::Proof(_) => {
                self.alarm(tx, "peer.log_inconsistent", peer, log.name().as_str())?;
                WitnessAnswer::Inconsistent
            }
        })
    }

    /// Keeps two notes of one log and size that contradict each other, and tells people.
    fn keep_fork(
        &self,
        tx: &mut dyn Tx,
        peer: &PartyId,
        log: &VerifierKey,
        (one, other): (&[u8], &[u8]),
    ) -> Result<(), AppError> {
        let proof = ForkProof::new(one, other);
        // Verified before it is kept: what is kept convicts.
        if proof.verify(core::slice::from_ref(log)).is_err() {
            return Ok(());
        }
        let origin = log.name().as_str();
        if ledger::add_fork(tx, origin, &proof.to_bytes(), self.now())? {
            self.log(tx, &[Event::system("peer.log_forked", origin).with(peer)])?;
            self.alarm(tx, "peer.log_forked", peer, origin)?;
        }
        Ok(())
    }

    /// Returns the checkpoint of a partner's log that this node holds as a witness, as that log signed it: for the
    /// partner alone, who may have lost it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when none is held.
    pub fn held_for(&self, peer: &PartyId) -> Result<Vec<u8>, AppError> {
        let peer = peer.clone();
        self.read(move |app, tx| app.newest_note(tx, &peer))?.ok_or_else(AppError::not_found)
    }

    /// Returns what to ask a partner next: to countersign the last checkpoint, if it has not yet.
    ///
    /// # Errors
    /// When the store fails.
    pub fn witness_request(&self, peer: &PartyId) -> Result<Option<WitnessRequest>, AppError> {
        let peer = peer.clone();
        self.read(move |app, tx| {
            let Some(note) = app.ledger.last_checkpoint(tx)? else { return Ok(None) };
            let size = checkpoint_size(&note);
            let old_size = app.confirmed(tx, &peer)?.map_or(0, |cosigner| cosigner.size);
            if size == 0 || old_size >= size {
                return Ok(None);
            }
            let proof = match old_size {
                0 => Vec::new(),
                old => app.ledger.prove_consistency(tx, old, size)?,
            };
            let body = AddCheckpoint { old_size, proof, note: note.to_bytes() }.to_bytes();
            Ok(Some(WitnessRequest { body, size, old_size }))
        })
    }

    fn confirmed(&self, tx: &mut dyn Tx, peer: &PartyId) -> Result<Option<Cosigner>, AppError> {
        Ok(self.ledger.cosigners(tx)?.into_iter().find(|cosigner| cosigner.party == *peer))
    }

    /// Takes a partner's countersignature.
    ///
    /// # Errors
    /// [`crate::ErrorKind::PeerMisbehaved`] when it is not one over the checkpoint that was sent, by the key its
    /// manifest names.
    pub fn witness_signed(
        &self,
        peer: &PartyId,
        asked: &WitnessRequest,
        line: &[u8],
    ) -> Result<(), AppError> {
        let keys = self.witness_keys_of(peer);
        let (peer, size, line) = (peer.clone(), asked.size, line.to_vec());
        self.write(move |app, tx| {
            let note = app.ledger.checkpoint_at(tx, size)?.ok_or_else(AppError::not_found)?;
            let signature = read_signature(note.text(), &line, &keys).ok_or_else(misbehaved)?;
            app.ledger.countersigned(tx, size, signature)?;
            let done = Cosigner { party: peer.clone(), size, at: Some(app.now()), refused: None };
            app.ledger.put_cosigner(tx, &done)?;
            Ok(())
        })
    }

    /// Takes a partner's refusal. A partner that holds less is asked again from there; one that holds more, or another
    /// history, must show it: returns whether to ask for what it holds ([`Self::witness_held`]).
    ///
    /// # Errors
    /// When the store fails.
    pub fn witness_refused_by(
        &self,
        peer: &PartyId,
        asked: &WitnessRequest,
        refusal: &WitnessAnswer,
    ) -> Result<bool, AppError> {
        let (peer, asked, refusal) = (peer.clone(), asked.clone(), refusal.clone());
        self.write(move |app, tx| {
            let before = app.confirmed(tx, &peer)?;
            let at = before.as_ref().and_then(|cosigner| cosigner.at);
            let old = before.map_or(0, |cosigner| cosigner.size);
            let (size, refused, look) = match refusal {
                WitnessAnswer::Conflict(held) if held < asked.size && held != asked.old_size => {
                    (held, None, false)
                }
                WitnessAnswer::Conflict(_) => (old, Some("witness.conflict"), true),
                WitnessAnswer::Inconsistent => (old, Some("witness.inconsistent"), true),
                WitnessAnswer::Malformed => (old, Some("witness.malformed"), false),
                WitnessAnswer::Signature => (old, Some("witness.signature"), false),
                WitnessAnswer::UnknownLog | WitnessAnswer::Signed(_) => {
                    (old, Some("witness.unknown_log"), false)
                }
            };
            let refused = refused.map(str::to_owned);
            app.ledger.put_cosigner(tx, &Cosigner { party: peer.clone(), size, at, refused })?;
            Ok(look)
        })
    }

    /// Takes the checkpoint of this node's log that a partner says it holds. Signed by this node's own log key and not
    /// part of this log, it is proof that this store was rolled back or copied: the node stops itself. Anything else a
    /// partner says stops nothing.
    ///
    /// # Errors
    /// [`crate::ErrorKind::PeerMisbehaved`] when it is no checkpoint this node signed.
    pub fn witness_held(&self, peer: &PartyId, note: &[u8]) -> Result<(), AppError> {
        let key = [self.log_key()?];
        let verified = verify_checkpoint(note, &Trust::logs_only(&key)).map_err(|_forged| misbehaved())?;
        let (peer, note) = (peer.clone(), note.to_vec());
        let stopped = self.write(move |app, tx| {
            let held = verified.checkpoint();
            match app.ledger.continues(tx, held) {
                Ok(_) => {
                    // It is part of this log: the partner is that far, its answer was lost.
                    let at = Some(app.now());
                    let known = Cosigner { party: peer.clone(), size: held.size(), at, refused: None };
                    app.ledger.put_cosigner(tx, &known)?;
                    Ok(false)
                }
                Err(StoreError::LogBroken { .. }) => {
                    if let Some(ours) = app.ledger.checkpoint_at(tx, held.size())? {
                        app.keep_fork(tx, &peer, verified.log(), (&note, &ours.to_bytes()))?;
                    }
                    app.halt_in(tx, "log.forked", &peer)?;
                    Ok(true)
                }
                Err(error) => Err(error.into()),
            }
        })?;
        if stopped {
            self.reload_halt()?;
            self.tell_others(crate::shared::Word::Known);
        }
        Ok(())
    }

    fn witness_keys_of(&self, peer: &PartyId) -> Vec<VerifierKey> {
        let registry = self.registry();
        let Some(peer) = registry.peers.get(peer) else { return Vec::new() };
        let keys = peer.manifests.iter().filter_map(|one| one.manifest().witness_key.parse().ok());
        keys.filter(|key: &VerifierKey| key.kind() == KeyKind::Cosignature).collect()
    }

    /// Names of the witness keys of parties.
    pub(crate) fn witness_names(&self, parties: &BTreeSet<PartyId>) -> Vec<String> {
        let keys = parties.iter().flat_map(|party| self.witness_keys_of(party));
        keys.map(|key| key.name().as_str().to_owned()).collect()
    }

    /// How many partners must have countersigned: the most that an agreement signed by all asks for.
    pub(crate) fn quorum(&self) -> usize {
        let registry = self.registry();
        let signed = registry.agreements.values().filter(|known| known.all_signed);
        let most = signed.map(|known| known.agreement().countersignatures).max().unwrap_or(0);
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// The largest size with enough countersignatures, among the newest checkpoints.
    fn countersigned_size(&self, tx: &mut dyn Tx) -> Result<Option<u64>, AppError> {
        let (quorum, log) = (self.quorum(), [self.log_key()?]);
        let registry = self.registry();
        let others: BTreeSet<PartyId> =
            registry.peers.keys().filter(|party| **party != self.party).cloned().collect();
        let witnesses: Vec<VerifierKey> =
            others.iter().flat_map(|party| self.witness_keys_of(party)).collect();
        let trust = Trust { logs: &log, witnesses: &witnesses, quorum, required: &[] };
        for note in self.ledger.newest_checkpoints(tx, LOOK_BACK)? {
            if let Ok(verified) = verify_checkpoint(&note.to_bytes(), &trust) {
                return Ok(Some(verified.checkpoint().size()));
            }
        }
        Ok(None)
    }

    /// Whether every partner countersigned a checkpoint of this size or a later one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn all_countersigned(&self, size: u64) -> Result<bool, AppError> {
        let registry = self.registry();
        self.read(move |app, tx| {
            let known = app.ledger.cosigners(tx)?;
            let far = |party: &PartyId| known.iter().any(|one| one.party == *party && one.size >= size);
            Ok(registry.peers.keys().filter(|party| **party != app.party).all(far))
        })
    }

    /// Whether enough partners countersigned a checkpoint of this size or a later one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_countersigned(&self, size: u64) -> Result<bool, AppError> {
        self.read(move |app, tx| Ok(app.countersigned_size(tx)?.is_some_and(|found| found >= size)))
    }

    /// The checkpoint that evidence is anchored in: the newest with enough countersignatures, else the newest.
    pub(crate) fn anchor(&self) -> Result<u64, AppError> {
        self.read(move |app, tx| match app.countersigned_size(tx)? {
            Some(size) => Ok(size),
            None => Ok(app.ledger.last_checkpoint(tx)?.as_ref().map_or(0, checkpoint_size)),
        })
    }

    /// Returns this node's log as its witnesses have it: sizes, no content.
    ///
    /// # Errors
    /// When the store fails.
    pub fn log_view(&self, _may: May<intent::ReadHealth>) -> Result<LogView, AppError> {
        let registry = self.registry();
        self.read(move |app, tx| {
            let known = app.ledger.cosigners(tx)?;
            let partners = registry.peers.keys().filter(|party| **party != app.party);
            let witnesses = partners.map(|party| {
                let found = known.iter().find(|cosigner| cosigner.party == *party);
                WitnessView {
                    party: party.clone(),
                    size: found.map_or(0, |cosigner| cosigner.size),
                    at: found.and_then(|cosigner| cosigner.at),
                    refused: found.and_then(|cosigner| cosigner.refused.clone()),
                }
            });
            Ok(LogView {
                origin: app.ledger.origin().as_str().to_owned(),
                size: app.ledger.head(tx)?.0,
                signed: app.ledger.last_checkpoint(tx)?.as_ref().map_or(0, checkpoint_size),
                countersigned: app.countersigned_size(tx)?.unwrap_or(0),
                quorum: app.quorum(),
                witnesses: witnesses.collect(),
            })
        })
    }
}

fn misbehaved() -> AppError {
    AppError::new(crate::ErrorKind::PeerMisbehaved, "peer.witness", words::UNAVAILABLE)
}

pub(crate) fn checkpoint_size(note: &SignedNote) -> u64 {
    mithaq_ledger::Checkpoint::parse(note.text()).map_or(0, |checkpoint| checkpoint.size())
}

/// A countersignature as a line of a note.
fn signature_line(text: &str, signature: NoteSignature) -> Result<Vec<u8>, AppError> {
    let bug = |error| AppError::bug("witness.note").because(error);
    let mut note = SignedNote::new(text.to_owned()).map_err(bug)?;
    note.add(signature).map_err(bug)?;
    // Text, blank line, the signature's line.
    Ok(note.to_bytes().split_off(text.len().saturating_add(1)))
}

/// Reads a line that a partner sent, if it is a good countersignature over the text by one of its keys.
fn read_signature(text: &str, line: &[u8], keys: &[VerifierKey]) -> Option<NoteSignature> {
    let note = SignedNote::parse(&[text.as_bytes(), b"\n", line].concat()).ok()?;
    let good = note.verify(keys).ok()?;
    let [signature] = note.signatures() else { return None };
    (good.len() == 1).then(|| signature.clone())
}
