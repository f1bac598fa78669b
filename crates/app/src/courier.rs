//! The line that people carry: the same batches as files, on a medium with a number, and the receipts on the way back.
//! Importing is the same step as receiving; importing again changes nothing. Every export, import and refusal is an
//! entry with the number of the medium. Attachments travel behind the batches ([`files`]).

mod files;

use std::collections::BTreeSet;

use mithaq_envelope::{CourierError, Volume, courier_digest, sign_courier};
use mithaq_exchange::{Flow, Halt};
use mithaq_ledger::{Trust, VerifierKey, verify_checkpoint};
use mithaq_model::{AgreementId, PartyId};
use mithaq_store::attachments;
use mithaq_store::lanes::{self, LaneKey};
use mithaq_wire::{
    COURIER_PARTS_MAX, CourierHead, CourierKind, CourierPart, Digest, Lane, LaneId, Position,
    decode_batch_answer, encode_batch,
};

use crate::App;
use crate::attachments::RECEIPT_AWAITED;
use crate::error::{AppError, ErrorKind, words};
use crate::log::Event;
use crate::ports::random;
use crate::registry::{KeyStanding, Peer};
use crate::rights::{May, intent};
pub(crate) use files::carried_name;

/// Smallest and largest size of a volume that can be asked for, in bytes; a volume holds one batch at least.
pub const VOLUME_MIN: usize = 64 * 1024;
/// The largest: what one request may bring back in.
pub const VOLUME_MAX: usize = 32 * 1024 * 1024;
/// Most batches in a volume.
const PARTS_MAX: usize = 256;

/// Where an export goes on: the places after which the next volume begins, and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    /// Number of the journey.
    pub id: [u8; 16],
    /// Number of the next volume, from 1.
    pub volume: u32,
    /// Last place exported, per lane.
    pub after: Vec<(LaneKey, Position)>,
    /// The attachment that was carried last, and its chunk that is next; no chunk: its list.
    pub file: Option<(Digest, Option<u64>)>,
}

/// A volume that was made.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The file.
    pub bytes: Vec<u8>,
    /// Number of the journey.
    pub journey: [u8; 16],
    /// Number of the volume.
    pub volume: u32,
    /// Envelopes in it.
    pub messages: usize,
    /// Pieces of attachments in it: lists and chunks.
    pub pieces: usize,
    /// Attachments of what went to the party whose report it has not answered yet, and their bytes: they are carried once
    /// the answer that accepts the report was imported.
    pub attachments_left: (u64, u64),
    /// What to ask for next; nothing after the last volume.
    pub next: Option<Journey>,
}

/// What became of one part of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartTaken {
    /// Agreement.
    pub agreement: AgreementId,
    /// Class.
    pub lane: Lane,
    /// How far this node has the lane afterwards (batches), or the other side has it (answers); of attachments, their
    /// chunks from the beginning.
    pub have: Position,
    /// Why the rest was not taken, if so.
    pub stopped: Option<String>,
}

/// A volume that was taken.
#[derive(Debug, Clone)]
pub struct Imported {
    /// Who made it.
    pub from: PartyId,
    /// Number of the journey.
    pub journey: [u8; 16],
    /// Number of the volume.
    pub volume: u32,
    /// Whether it says to be the last.
    pub last: bool,
    /// Per part.
    pub parts: Vec<PartTaken>,
    /// The file to carry back: receipts. Nothing for a volume of answers.
    pub answer: Option<Vec<u8>>,
}

/// A part before it is signed: lane and bytes.
type Loaded = (CourierPart, Vec<u8>);

impl App {
    /// Makes the next volume of what waits for a partner. Nothing changes by it: what has no receipt afterwards is still
    /// sent over the line, and exported again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for a party no duties are alive with, [`ErrorKind::Conflict`] when nothing waits.
    pub fn export_volume(
        &self,
        may: May<intent::Carry>,
        to: &PartyId,
        medium: &str,
        size: usize,
        journey: Option<Journey>,
    ) -> Result<Exported, AppError> {
        self.ensure_running()?;
        let medium = self.reference(medium)?;
        if !(VOLUME_MIN..=VOLUME_MAX).contains(&size) {
            return Err(AppError::invalid("size").hint("a volume has 64 KiB to 32 MiB"));
        }
        let lanes = self.lanes_to(to)?;
        let mut journey = match journey {
            Some(journey) => journey,
            None => Journey { id: random(&*self.entropy)?, volume: 1, after: Vec::new(), file: None },
        };
        let (mut loaded, messages, mut more) = self.load_volume(&lanes, size, &mut journey)?;
        let batches = loaded.len();
        if !more {
            let total = loaded.iter().map(|(_, bytes)| bytes.len()).sum();
            more = self.load_files(to, (size, total), &mut journey, &mut loaded)?;
        }
        let pieces = loaded.len().saturating_sub(batches);
        if loaded.is_empty() {
            return Err(AppError::new(ErrorKind::Conflict, "courier.nothing_waits", words::CONFLICT)
                .hint("everything for this party has its receipt already: there is nothing to carry"));
        }
        let (volume, id) = (journey.volume, journey.id);
        let bytes = self.sign_volume((CourierKind::Batches, to), (id, volume, !more), loaded)?;
        self.log_volume(Event::by(may, "courier.exported", &medium).with(to), volume, &bytes)?;
        journey.volume = volume.saturating_add(1);
        let party = to.clone();
        let attachments_left =
            self.read(move |app, tx| Ok(attachments::awaiting(tx, &app.party, &party)?))?;
        let next = more.then_some(journey);
        Ok(Exported { bytes, journey: id, volume, messages, pieces, attachments_left, next })
    }

    /// The lanes to a partner in the order they are to be taken: all orders, then reports where they may flow.
    fn lanes_to(&self, to: &PartyId) -> Result<Vec<LaneId>, AppError> {
        self.refresh()?;
        let alive = self.registry().alive_with(to, self.now());
        if alive.is_empty() || *to == self.party {
            return Err(AppError::not_found());
        }
        let mut all: Vec<LaneId> =
            alive.iter().map(|agreement| self.lane_to(to, *agreement, Lane::Control)).collect();
        for agreement in alive {
            let control = self.lane_to(to, agreement, Lane::Control);
            let halted = self.read(move |_app, tx| {
                Ok(lanes::peek_outbound(tx, &control)?.is_some_and(|lane| lane.halt != Halt::Open))
            })?;
            if self.flow_with(to, agreement)? == Flow::Open && !halted {
                all.push(self.lane_to(to, agreement, Lane::Report));
            }
        }
        Ok(all)
    }

    /// Batches up to the size, and whether there are more. Moves the journey on.
    fn load_volume(
        &self,
        lanes: &[LaneId],
        size: usize,
        journey: &mut Journey,
    ) -> Result<(Vec<Loaded>, usize, bool), AppError> {
        let (mut loaded, mut total, mut messages) = (Vec::new(), 0_usize, 0);
        for id in lanes {
            let key = LaneKey::of(id);
            let known = journey.after.iter().find(|(lane, _)| *lane == key).map(|(_, at)| *at);
            let mut after = match known {
                Some(at) => at,
                None => self.settled(id)?,
            };
            while let Some(batch) = self.load_after(id, after)? {
                let bytes = encode_batch(&batch.envelopes);
                let full = total.saturating_add(bytes.len()) > size || loaded.len() >= PARTS_MAX;
                if full && !loaded.is_empty() {
                    return Ok((loaded, messages, true));
                }
                total = total.saturating_add(bytes.len());
                messages += batch.envelopes.len();
                after = batch.last;
                journey.after.retain(|(lane, _)| *lane != key);
                journey.after.push((key, after));
                let digest = courier_digest(&bytes);
                loaded.push((CourierPart { agreement: id.agreement, lane: id.lane, digest }, bytes));
            }
        }
        Ok((loaded, messages, false))
    }

    fn settled(&self, id: &LaneId) -> Result<Position, AppError> {
        let id = id.clone();
        self.read(move |_app, tx| {
            let lane = lanes::peek_outbound(tx, &id)?;
            Ok(lane.map_or(Position { epoch: 1, seq: 0 }, |lane| lane.settled))
        })
    }

    fn sign_volume(
        &self,
        (kind, to): (CourierKind, &PartyId),
        (journey, volume, last): ([u8; 16], u32, bool),
        loaded: Vec<Loaded>,
    ) -> Result<Vec<u8>, AppError> {
        let registry = self.registry();
        let own = registry.own.as_ref().ok_or_else(|| AppError::conflict("node.no_manifest"))?;
        let (parts, bytes): (Vec<_>, Vec<_>) = loaded.into_iter().unzip();
        let head = CourierHead {
            kind,
            from: self.party.clone(),
            to: to.clone(),
            journey,
            volume,
            last,
            manifest: own.hash(),
            made: self.now(),
            checkpoint: self.last_checkpoint()?.map(|note| note.to_bytes()),
            parts,
        };
        sign_courier(&head, &bytes, self.keys.soft())
            .map_err(|error| AppError::bug("courier.sign").because(error))
    }

    /// An entry with the medium as its object, and volume and hash of the file as its verdict.
    fn log_volume(&self, event: Event, volume: u32, bytes: &[u8]) -> Result<(), AppError> {
        let verdict = format!("volume.{volume}.{}", short(courier_digest(bytes)));
        self.write(move |app, tx| app.log(tx, &[event.verdict(verdict)]).map(drop))
    }

    /// Takes a volume: batches as if they came over the line, or answers to what was exported.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] with the code of what is wrong with it; the refusal is an entry. A part that the lane
    /// does not take is no error: it is told per part, and nothing of it was taken.
    pub fn import_volume(
        &self,
        may: May<intent::Carry>,
        medium: &str,
        bytes: &[u8],
    ) -> Result<Imported, AppError> {
        let medium = self.reference(medium)?;
        let opened = self.open_volume(bytes);
        let (head, parts) = match opened {
            Ok(opened) => opened,
            Err(code) => {
                let error = AppError::new(ErrorKind::Refused, code, words::INVALID).hint(hint(code));
                return self.refuse(Event::by(may, "refused.courier", &medium), error);
            }
        };
        let (taken, answers) = match head.kind {
            CourierKind::Batches => self.take_batches(&head, &parts)?,
            CourierKind::Answers => (self.take_answers(&head, &parts)?, Vec::new()),
        };
        self.log_volume(Event::by(may, "courier.imported", &medium).with(&head.from), head.volume, bytes)?;
        let answer = if answers.is_empty() {
            None
        } else {
            let place = (head.journey, head.volume, head.last);
            let made = self.sign_volume((CourierKind::Answers, &head.from), place, answers)?;
            self.log_volume(
                Event::by(may, "courier.exported", &medium).with(&head.from),
                head.volume,
                &made,
            )?;
            Some(made)
        };
        Ok(Imported {
            from: head.from,
            journey: head.journey,
            volume: head.volume,
            last: head.last,
            parts: taken,
            answer,
        })
    }

    /// Reads and verifies a volume, or says what is wrong with it.
    fn open_volume<'a>(&self, bytes: &'a [u8]) -> Result<(CourierHead, Vec<&'a [u8]>), &'static str> {
        let volume = Volume::read(bytes).map_err(CourierError::code)?;
        let head = volume.head();
        if head.to != self.party {
            return Err("courier.other_node");
        }
        let registry = self.registry();
        let peer = registry.peers.get(&head.from).filter(|peer| peer.party != self.party);
        let peer = peer.ok_or(CourierError::Signer.code())?;
        let maker = peer.manifest(head.manifest).ok_or(CourierError::Signer.code())?;
        let parts = volume.verify(maker).map_err(CourierError::code)?.to_vec();
        match peer.standing(maker, self.now()) {
            KeyStanding::Good => {}
            KeyStanding::Ended => return Err("courier.key_ended"),
            KeyStanding::Distrusted => return Err("courier.key_distrusted"),
        }
        if let Some(note) = &head.checkpoint
            && !is_checkpoint_of(peer, note)
        {
            return Err("courier.checkpoint");
        }
        Ok((head.clone(), parts))
    }

    fn take_batches(
        &self,
        head: &CourierHead,
        parts: &[&[u8]],
    ) -> Result<(Vec<PartTaken>, Vec<Loaded>), AppError> {
        let (mut taken, mut answers, mut touched) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (part, bytes) in head.parts.iter().zip(parts) {
            let place = (part.agreement, part.lane);
            if part.lane == Lane::Bulk {
                taken.push(self.take_bulk(&head.from, part.agreement, bytes, &mut touched)?);
                continue;
            }
            match self.receive_batch(&head.from, bytes) {
                Ok(answer) => {
                    let told = decode_batch_answer(&answer)
                        .map_err(|why| AppError::bug("courier.answer").because(why))?;
                    taken.push(PartTaken {
                        agreement: part.agreement,
                        lane: part.lane,
                        have: told.have,
                        stopped: told.stopped,
                    });
                    let digest = courier_digest(&answer);
                    answers.push((CourierPart { digest, ..part.clone() }, answer));
                }
                Err(error) if is_of_part(&error) => {
                    let (agreement, lane) = place;
                    let stopped = Some(error.code().to_owned());
                    taken.push(PartTaken { agreement, lane, have: self.have(&head.from, place)?, stopped });
                }
                Err(error) => return Err(error),
            }
        }
        answers.extend(self.haves(&head.from, &touched)?.into_iter().map(files::have_part));
        answers.truncate(COURIER_PARTS_MAX);
        Ok((taken, answers))
    }

    fn take_bulk(
        &self,
        from: &PartyId,
        agreement: AgreementId,
        bytes: &[u8],
        touched: &mut BTreeSet<(AgreementId, Digest)>,
    ) -> Result<PartTaken, AppError> {
        let (have, stopped) = match self.take_piece(from, agreement, bytes) {
            Ok((root, have, stopped)) => {
                touched.insert((agreement, root));
                (files::place(Some(have)), stopped.map(ToOwned::to_owned))
            }
            Err(error) if is_of_part(&error) => (files::place(None), Some(error.code().to_owned())),
            Err(error) => return Err(error),
        };
        Ok(PartTaken { agreement, lane: Lane::Bulk, have, stopped })
    }

    fn take_answers(&self, head: &CourierHead, parts: &[&[u8]]) -> Result<Vec<PartTaken>, AppError> {
        let mut taken = Vec::new();
        for (part, bytes) in head.parts.iter().zip(parts) {
            let (agreement, lane) = (part.agreement, part.lane);
            if lane == Lane::Bulk {
                let (have, stopped) = match self.take_have(&head.from, agreement, bytes) {
                    Ok(have) => (have, None),
                    // The answer with the receipt is in another volume: this word comes again with the next.
                    Err(error) if is_of_part(&error) || error.code() == RECEIPT_AWAITED => {
                        (files::place(None), Some(error.code().to_owned()))
                    }
                    Err(error) => return Err(error),
                };
                taken.push(PartTaken { agreement, lane, have, stopped });
                continue;
            }
            let have = decode_batch_answer(bytes).map_or(Position { epoch: 1, seq: 0 }, |answer| answer.have);
            let settled = self.settle_answer(&head.from, (agreement, lane), bytes);
            let stopped = match settled {
                Ok(()) => None,
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => Some(error.code().to_owned()),
            };
            taken.push(PartTaken { agreement, lane, have, stopped });
        }
        Ok(taken)
    }
}

/// Whether a failure is about one part: the others are judged by themselves. What is the node's own trouble ends it.
fn is_of_part(error: &AppError) -> bool {
    matches!(error.kind(), ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::PeerMisbehaved)
}

fn short(digest: Digest) -> String {
    format!("{digest:?}").chars().take(16).collect()
}

/// Whether a note is a checkpoint that the partner's log key signed, by any of its manifests.
fn is_checkpoint_of(peer: &Peer, note: &[u8]) -> bool {
    peer.manifests.iter().rev().any(|manifest| {
        let key: Option<VerifierKey> = manifest.manifest().log_key.parse().ok();
        key.is_some_and(|key| verify_checkpoint(note, &Trust::logs_only(&[key])).is_ok())
    })
}

/// What people can do about a volume that was refused.
fn hint(code: &str) -> &'static str {
    match code {
        "courier.malformed" => {
            "it is cut off or changed: copy it again from the medium, or have it exported again"
        }
        "courier.other_node" => "it is for another node",
        "courier.key_ended" | "courier.key_distrusted" => {
            "its maker's key was replaced or is distrusted: have it exported again with the new one"
        }
        "courier.signer" => "take the partner's newest manifest first: `mithaq partner manifest`",
        _damaged => "it was changed on its way: have it exported again, and ask who held the medium",
    }
}
