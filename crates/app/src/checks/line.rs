//! The asking side on the line: what is to be sent to one partner now, and what its answers mean. Everything may be sent
//! twice: the asked side answers the same bytes with the same bytes.

use std::sync::Arc;

use mithaq_check::{
    AskError, CheckState, Claims, FILTER_MAX, HEADER_MAX, Handles, Hit, SignedSet, Strength, Word, claims,
};
use mithaq_db::Tx;
use mithaq_model::{AgreementId, Millis, ObjectId, PartyId};
use mithaq_store::checks::{self, Candidate, Check, StandingState, StoredSet};

use super::{Ends, Incoming, Underway, agreed, wire};
use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::log::Event;

/// How often a partner is asked for a newer set.
const SET_EVERY: Millis = Millis(60_000);
/// How often it is asked about candidates: soon while one is fresh or this side has something to say, else now and then.
const WORD_SOON: Millis = Millis(2_000);
const WORD_LATER: Millis = Millis(60_000);
/// How long a candidate is fresh.
const FRESH: Millis = Millis::hours(1);
/// Longest set with its frame.
const SET_MAX: usize = FILTER_MAX + HEADER_MAX + 128;

/// What a document to or from the asked side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckKind {
    /// A part of the tag set.
    Set,
    /// The question.
    Request,
    /// What hit.
    Claims,
    /// A word about a candidate.
    Candidate,
    /// A word about a standing check.
    Standing,
    /// A question about a planned action.
    Event,
    /// What met of it.
    EventClaim,
}

impl CheckKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Set,
        Self::Request,
        Self::Claims,
        Self::Candidate,
        Self::Standing,
        Self::Event,
        Self::EventClaim,
    ];

    /// Returns the last part of the path.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Request => "request",
            Self::Claims => "claims",
            Self::Candidate => "candidate",
            Self::Standing => "standing",
            Self::Event => "event",
            Self::EventClaim => "event-claim",
        }
    }

    /// Returns the kind of a path's last part.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// One document to be sent to a partner; its answer goes to [`App::check_answered`].
#[derive(Debug, Clone)]
pub struct CheckCall {
    /// Agreement.
    pub agreement: AgreementId,
    /// What it is.
    pub kind: CheckKind,
    /// The bytes.
    pub body: Vec<u8>,
    /// Check and handle it is about.
    about: (ObjectId, ObjectId),
}

impl CheckCall {
    /// A document about a check as a whole.
    pub(super) const fn about(
        agreement: AgreementId,
        kind: CheckKind,
        body: Vec<u8>,
        check: ObjectId,
    ) -> Self {
        Self { agreement, kind, body, about: (check, NOTHING) }
    }
}

const NOTHING: ObjectId = ObjectId::new([0; 16]);

impl App {
    /// Returns what is to be sent to a partner now. Nothing while the node is stopped.
    ///
    /// # Errors
    /// When the store fails.
    pub fn check_calls(&self, peer: &PartyId) -> Result<Vec<CheckCall>, AppError> {
        if self.halted().is_some() {
            return Ok(Vec::new());
        }
        let mut calls = self.set_calls(peer)?;
        {
            let inside = self.checks.open();
            let of_peer = inside.underway.iter().filter(|(_, (ends, _))| ends.1 == *peer);
            calls.extend(of_peer.map(|(check, ((agreement, _), underway))| {
                let (kind, body) = match underway {
                    Underway::Asking(pending) => (CheckKind::Request, pending.request().to_bytes()),
                    Underway::Claiming(claims, _) => (CheckKind::Claims, claims.to_bytes()),
                };
                CheckCall { agreement: *agreement, kind, body, about: (ObjectId::new(*check), NOTHING) }
            }));
        }
        calls.extend(self.standing_calls(peer)?);
        calls.extend(self.plan_calls(peer)?);
        calls.extend(self.word_calls(peer)?);
        Ok(calls)
    }

    /// One call per agreement that provides for checks, when it is time: for a set, or the next part of one.
    fn set_calls(&self, peer: &PartyId) -> Result<Vec<CheckCall>, AppError> {
        let (registry, now) = (self.registry(), self.now());
        let due = registry.agreements.iter().filter(|(id, known)| {
            let with = known.agreement().party(peer).is_some() && known.standing.is_in_force(now);
            let time = self.checks.open().next_set.get(&(**id, peer.clone())).is_none_or(|at| *at <= now);
            with && time && agreed(known).is_ok()
        });
        let mut calls = Vec::new();
        for (id, _) in due {
            let ends = (*id, peer.clone());
            let of = ends.clone();
            let held = self.read(move |_app, tx| Ok(checks::set(tx, (&of.0, &of.1), false)?))?;
            let (epoch, number) = held.map_or((0, 0), |set| (set.epoch, set.number));
            let mut inside = self.checks.open();
            inside.next_set.insert(ends.clone(), now.plus(SET_EVERY));
            let have = inside.incoming.get(&ends).map_or(0, |part| part.bytes.len());
            let have = u32::try_from(have).unwrap_or(u32::MAX);
            let body = [epoch, number, have].iter().flat_map(|n| n.to_be_bytes()).collect();
            calls.push(CheckCall { agreement: *id, kind: CheckKind::Set, body, about: (NOTHING, NOTHING) });
        }
        Ok(calls)
    }

    fn word_calls(&self, peer: &PartyId) -> Result<Vec<CheckCall>, AppError> {
        let now = self.now();
        if self.checks.open().next_word.get(peer).is_some_and(|at| *at > now) {
            return Ok(Vec::new());
        }
        let of = peer.clone();
        let (words, soon) = self.read(move |app, tx| {
            let (mut words, mut soon) = (Vec::new(), false);
            for one in checks::open_candidates(tx, &of)? {
                let Some(check) = checks::get(tx, one.check)? else { continue };
                soon |= !one.told || now < one.since.plus(FRESH);
                words.push((check.agreement, app.word(tx, &one)?));
            }
            Ok((words, soon))
        })?;
        if words.is_empty() {
            return Ok(Vec::new());
        }
        self.checks
            .open()
            .next_word
            .insert(peer.clone(), now.plus(if soon { WORD_SOON } else { WORD_LATER }));
        let call = |(agreement, word): (AgreementId, Word)| CheckCall {
            agreement,
            kind: CheckKind::Candidate,
            body: word.to_bytes(),
            about: (ObjectId::new(word.check), ObjectId::new(word.handle)),
        };
        Ok(words.into_iter().map(call).collect())
    }

    /// Takes a partner's answer; none: it answers that nothing is here for us.
    ///
    /// # Errors
    /// When the store fails, or the partner broke the protocol: the check is aborted then.
    pub fn check_answered(
        &self,
        peer: &PartyId,
        call: &CheckCall,
        answer: Option<&[u8]>,
    ) -> Result<(), AppError> {
        let ends = (call.agreement, peer.clone());
        let check = call.about.0;
        match (call.kind, answer) {
            (CheckKind::Set, Some(bytes)) => self.take_set_part(&ends, bytes),
            (CheckKind::Request, Some(bytes)) => self.conclude_check(&ends, check, bytes),
            (CheckKind::Claims, Some(bytes)) => self.take_handles(&ends, check, bytes),
            (CheckKind::Candidate, Some(bytes)) => {
                let word = Word::from_bytes(bytes).map_err(|error| misbehaved("check.word", error))?;
                if (ObjectId::new(word.check), ObjectId::new(word.handle)) != call.about {
                    return Err(misbehaved("check.word", AskError::Replay));
                }
                self.hear(word, peer, Some(call.body.clone())).map(drop)
            }
            (CheckKind::Event, answer) => self.take_plan(&ends, (check, false), answer),
            (CheckKind::EventClaim, answer) => self.take_plan(&ends, (check, true), answer),
            (CheckKind::Standing, answer) => self.take_standing(&ends, check, answer),
            (CheckKind::Request | CheckKind::Claims, None) => self.abort(check, "check.unanswered", false),
            (CheckKind::Set | CheckKind::Candidate, None) => Ok(()),
        }
    }

    /// A part of a set: `u32 epoch || u32 number || u32 total`, then bytes from where we are. Empty: nothing newer.
    fn take_set_part(&self, ends: &Ends, bytes: &[u8]) -> Result<(), AppError> {
        let Some((head, part)) = bytes.split_first_chunk::<12>() else {
            self.checks.open().incoming.remove(ends);
            return Ok(());
        };
        let number = |at: usize| {
            let four = head.get(at..at + 4).and_then(|four| four.try_into().ok());
            four.map_or(0, u32::from_be_bytes)
        };
        let (epoch, number, total) = (number(0), number(4), number(8));
        let long = usize::try_from(total).map_or(true, |total| total > SET_MAX) || part.is_empty();
        if long {
            self.checks.open().incoming.remove(ends);
            return Err(misbehaved("check.set", AskError::Epoch));
        }
        let whole = {
            let mut inside = self.checks.open();
            inside.next_set.remove(ends);
            let incoming = inside.incoming.entry(ends.clone()).or_default();
            if (incoming.epoch, incoming.number, incoming.total) != (epoch, number, total) {
                let restart = !incoming.bytes.is_empty();
                *incoming = Incoming { epoch, number, total, bytes: Vec::new() };
                if restart {
                    // Another set began while this one came: its first part is asked for.
                    return Ok(());
                }
            }
            incoming.bytes.extend_from_slice(part);
            let have = u32::try_from(incoming.bytes.len()).unwrap_or(u32::MAX);
            if have < total {
                return Ok(());
            }
            inside.incoming.remove(ends).unwrap_or_default()
        };
        self.checks.open().next_set.insert(ends.clone(), self.now().plus(SET_EVERY));
        self.take_set(ends, whole.bytes)
    }

    /// Takes a set: signature, digest, form, then that it is this agreement's, these parties' and this policy's, and
    /// newer than what is held. Its ledger entry commits to the same digest as the partner's.
    fn take_set(&self, ends: &Ends, bytes: Vec<u8>) -> Result<(), AppError> {
        let wrong = |code: &'static str| AppError::new(ErrorKind::PeerMisbehaved, code, words::UNAVAILABLE);
        let set = self.read_set(&bytes, &ends.1).map_err(|error| misbehaved("check.set", error))?;
        let known = self.known(ends.0)?;
        let (terms, policy) = agreed(&known)?;
        let header = &set.header;
        let mode = header.key.mode() == mithaq_check::oprf::Mode::Verifiable;
        let ours = header.agreement == ends.0 && header.asking == self.party && header.asked == ends.1;
        if !ours || header.policy != policy.hash() || mode != terms.verifiable {
            return self.refuse_set(ends, wrong("check.other_agreement"));
        }
        let ends = ends.clone();
        let key = (ends.clone(), false);
        let set = Arc::new(set);
        let kept = Arc::clone(&set);
        let taken = self.write(move |app, tx| {
            let before = checks::set(tx, (&ends.0, &ends.1), false)?;
            let header = &set.header;
            let newer = before.is_none_or(|old| (old.epoch, old.number) < (header.epoch, header.number));
            if newer {
                checks::put_set(tx, &stored(&set, &ends, app.now()), &bytes)?;
                let event = Event::system("check.set_taken", ObjectId::new(header.nonce)).agreement(ends.0);
                let verdict = format!("epoch:{}.{}", header.epoch, header.number);
                app.log(tx, &[event.with(&ends.1).verdict(verdict).commitment(set.digest())])?;
            }
            Ok(newer)
        })?;
        if taken {
            self.checks.open().sets.insert(key, kept);
        }
        Ok(())
    }

    fn refuse_set(&self, ends: &Ends, error: AppError) -> Result<(), AppError> {
        let (ends, code) = (ends.clone(), error.code().to_owned());
        self.write(move |app, tx| {
            app.alarm(tx, "peer.check_set", &ends.1, &code)?;
            let event = Event::system("check.set_refused", &ends.1).agreement(ends.0);
            app.log(tx, &[event.with(&ends.1).verdict(code)]).map(drop)
        })?;
        Err(error)
    }

    /// Reads the answer: hits are claimed, else the check is over. A fault aborts it, and nothing of it is kept.
    fn conclude_check(&self, ends: &Ends, check: ObjectId, bytes: &[u8]) -> Result<(), AppError> {
        let found = self.checks.open().underway.remove(&wire(check));
        let Some((_, Underway::Asking(pending))) = found else { return Ok(()) };
        let of = ends.clone();
        let set = self.write(move |app, tx| app.check_set(tx, &of, false))?;
        let Some(set) = set else { return self.abort(check, "check.no_set", false) };
        let concluded = pending.conclude_whole(bytes, &set);
        if let Ok(concluded) = &concluded {
            self.keep_standing(check, &concluded.halves)?;
        }
        match concluded.map(|concluded| concluded.hits) {
            Ok(hits) if hits.is_empty() => self.end(check, CheckState::NoHit, "check.no_hit", None),
            Ok(hits) => {
                let cleared = self.clear_known(ends, check)?;
                let claimed = claims(wire(check), &hits, &cleared);
                let underway = (ends.clone(), Underway::Claiming(claimed, hits));
                self.checks.open().underway.insert(wire(check), underway);
                self.wake();
                Ok(())
            }
            Err(AskError::Refused(code)) => {
                self.end(check, CheckState::Refused, "check.refused_there", Some(code))
            }
            Err(AskError::Epoch) => self.abort(check, "check.epoch", false),
            Err(fault) => {
                let code = match &fault {
                    AskError::Oprf(_) => "check.evaluation",
                    AskError::Replay => "check.replay",
                    AskError::Wire(_)
                    | AskError::Permit
                    | AskError::NoTokens
                    | AskError::TooMany
                    | AskError::Epoch
                    | AskError::Refused(_)
                    | _ => "check.answer",
                };
                self.abort(check, code, true)?;
                Err(misbehaved(code, fault))
            }
        }
    }

    /// What each claim was answered with: candidates, or nothing but chance.
    fn take_handles(&self, ends: &Ends, check: ObjectId, bytes: &[u8]) -> Result<(), AppError> {
        let found = self.checks.open().underway.remove(&wire(check));
        let Some((_, Underway::Claiming(claims, hits))) = found else { return Ok(()) };
        let read = Handles::from_bytes(bytes)
            .ok()
            .filter(|handles| handles.check == claims.check && handles.handles.len() == claims.halves.len());
        let Some(handles) = read else {
            self.abort(check, "check.handles", true)?;
            return Err(misbehaved("check.handles", AskError::Replay));
        };
        let met = met(&claims, &handles, &hits);
        if met.is_empty() {
            return self.end(check, CheckState::NoHit, "check.no_hit", None);
        }
        let partner = ends.1.clone();
        self.write(move |app, tx| app.found(tx, check, &met, &partner))?;
        self.checks.open().next_word.remove(&ends.1);
        Ok(())
    }

    fn found(
        &self,
        tx: &mut dyn Tx,
        number: ObjectId,
        met: &[(usize, Strength, [u8; 16])],
        partner: &PartyId,
    ) -> Result<(), AppError> {
        let mut check = self.check_locked(tx, number)?;
        if check.state != CheckState::Executing {
            // Another process carried it too, and was first.
            return Ok(());
        }
        let subjects = checks::subjects(tx, number)?;
        let mut events = Vec::new();
        for (at, strength, handle) in met {
            let Some((subject, _)) = subjects.get(*at).copied() else { continue };
            checks::note_hit(tx, number, subject, *strength)?;
            let candidate = new_candidate((number, ObjectId::new(*handle)), subject, *strength, self.now());
            match checks::add_candidate(tx, &candidate) {
                // Two subjects of the question met one of the partner's: the strongest came first.
                Err(mithaq_store::StoreError::Conflict { .. }) => continue,
                done => done?,
            }
            check.hits = check.hits.saturating_add(1);
            events.push(base("check.possible_hit", &check).with(partner).verdict(strength.code()));
        }
        check.state = CheckState::PossibleHit;
        check.ended = Some(self.now());
        checks::save(tx, &check)?;
        self.log(tx, &events).map(drop)
    }

    /// A check is over without candidates.
    fn end(
        &self,
        number: ObjectId,
        state: CheckState,
        kind: &'static str,
        code: Option<String>,
    ) -> Result<(), AppError> {
        self.write(move |app, tx| {
            let mut check = app.check_locked(tx, number)?;
            if check.state != CheckState::Executing {
                return Ok(());
            }
            (check.state, check.outcome, check.ended) = (state, code.clone(), Some(app.now()));
            checks::save(tx, &check)?;
            if state == CheckState::Refused
                && let Some(mut one) = checks::standing_locked(tx, number)?
            {
                one.state = StandingState::Over;
                checks::save_standing(tx, &one)?;
            }
            let event = base(kind, &check).with(&check.partner);
            let event = match code {
                Some(code) => event.verdict(code),
                None => event,
            };
            app.log(tx, &[event]).map(drop)
        })
    }

    /// A check ends without a result; nothing of it is kept. A fault of the partner is an alarm.
    pub(super) fn abort(&self, number: ObjectId, code: &'static str, fault: bool) -> Result<(), AppError> {
        self.forget_check(number);
        self.write(move |app, tx| {
            let mut check = app.check_locked(tx, number)?;
            if check.state != CheckState::Executing {
                return Ok(());
            }
            check.state = CheckState::Aborted;
            (check.outcome, check.ended) = (Some(code.to_owned()), Some(app.now()));
            checks::save(tx, &check)?;
            checks::destroy(tx, number)?;
            if fault {
                app.alarm_on(tx, "peer.check", (&check.partner, number), &number.to_string())?;
            }
            app.log(tx, &[base("check.aborted", &check).with(&check.partner).verdict(code)]).map(drop)
        })?;
        self.wipe();
        Ok(())
    }
}

/// An entry about a check.
pub(super) fn base(kind: &str, check: &Check) -> Event {
    Event::system(kind, check.id).case(check.case).purpose(check.purpose).agreement(check.agreement)
}

pub(super) const fn new_candidate(
    (check, handle): (ObjectId, ObjectId),
    subject: mithaq_model::SubjectId,
    strength: Strength,
    since: mithaq_model::Timestamp,
) -> Candidate {
    Candidate {
        check,
        handle,
        subject,
        strength,
        stage: mithaq_check::follow::Stage::NEW,
        report: None,
        ground: None,
        compared: false,
        told: true,
        since,
        version: 1,
    }
}

pub(super) fn stored(set: &SignedSet, ends: &Ends, now: mithaq_model::Timestamp) -> StoredSet {
    StoredSet {
        agreement: ends.0,
        partner: ends.1.clone(),
        own: false,
        epoch: set.header.epoch,
        number: set.header.number,
        valid_to: set.header.valid_to,
        subjects: 0,
        built: now,
        digest: set.digest(),
    }
}

/// Which subject met under which handle, the strongest first.
fn met(claims: &Claims, handles: &Handles, hits: &[Hit]) -> Vec<(usize, Strength, [u8; 16])> {
    let mut met: Vec<(usize, Strength, [u8; 16])> = Vec::new();
    for hit in hits {
        let answered = claims.halves.iter().zip(&handles.handles);
        for (half, handle) in answered {
            if let Some(handle) = handle.filter(|_| hit.halves.contains(half)) {
                met.push((hit.subject, hit.strength, handle));
            }
        }
    }
    met.sort_by_key(|(subject, strength, handle)| (core::cmp::Reverse(*strength), *subject, *handle));
    met.dedup();
    met
}

pub(super) fn misbehaved(
    code: &'static str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> AppError {
    AppError::new(ErrorKind::PeerMisbehaved, code, words::UNAVAILABLE).because(error)
}
