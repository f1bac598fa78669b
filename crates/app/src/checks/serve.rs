//! The asked side: it decides for itself, charges, logs, and only then evaluates. What leaves a check is evaluated
//! elements, a handle, a word about a candidate; never a subject.

use std::borrow::Cow;

use mithaq_check::oprf::SecretKey;
use mithaq_check::{
    Admission, Answer, Charged, CheckRefusal, CheckState, Claims, Desk as Facts, Handles, Refused, Register,
    Request, SetHeader, Word, admit, cleared_bytes, review_due, silent,
};
use mithaq_db::Tx;
use mithaq_model::{AgreementId, CaseId, Millis, ObjectId, PartyId, SubjectId};
use mithaq_policy::{PrivateCheck, Side, Work, permit_check};
use mithaq_store::checks::budget::{self, Account};
use mithaq_store::checks::{self, Check};
use mithaq_store::reports::Direction;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::cleared::cleared_event;
use super::line::{base, new_candidate};
use super::{CheckKind, Ends, agreed, ask, day, wire};
use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::log::Event;
use crate::ports::random;

/// Longest part of a set in one answer.
const PART: usize = 1024 * 1024;
/// What comes in a day beyond so many times its budget is not even refused one by one.
const FLOOD: u64 = 4;
/// How long after a claim came its answer leaves, at least.
pub(super) const CLAIM_LEAVES: Millis = Millis(250);

/// An answer, and how long after the request came it may leave at the earliest: the time says nothing of hit or refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReply {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Earliest time after the request came.
    pub leaves_after: Millis,
}

/// What a request came to, in the transaction that charged it.
enum Decided {
    Again(Vec<u8>),
    /// More came today than is looked at.
    Full,
    Refused(Refused, Box<Request>),
    /// Charged, durable once the transaction is; to be evaluated with the key.
    Evaluate(Box<Charged>, SecretKey),
}

impl App {
    /// Answers a document of a connected partner.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for whatever this partner may not know about, [`ErrorKind::Invalid`] for bytes that are
    /// no such document; the store's.
    pub fn answer_check(
        &self,
        peer: &PartyId,
        agreement: AgreementId,
        kind: CheckKind,
        body: &[u8],
    ) -> Result<CheckReply, AppError> {
        self.ensure_running()?;
        let known = self.known(agreement)?;
        let with = known.agreement().party(peer).is_some() && known.standing.duties_alive(self.now());
        // Planned actions have no tokens, and so no policy of tokens.
        let provided = match kind {
            CheckKind::Event | CheckKind::EventClaim => {
                known.agreement().private_check.is_some_and(|terms| terms.events)
            }
            CheckKind::Set
            | CheckKind::Request
            | CheckKind::Claims
            | CheckKind::Candidate
            | CheckKind::Standing => agreed(&known).is_ok(),
        };
        if !with || *peer == self.party || !provided {
            return Err(AppError::not_found());
        }
        let ends = (agreement, peer.clone());
        let now = |bytes| CheckReply { bytes, leaves_after: Millis(0) };
        match kind {
            CheckKind::Set => self.set_part(&ends, body).map(now),
            CheckKind::Request => self.evaluate_for(&ends, body),
            CheckKind::Claims => {
                let bytes = self.resolve_for(&ends, body)?;
                Ok(CheckReply { bytes, leaves_after: CLAIM_LEAVES })
            }
            CheckKind::Event => self.answer_plan(&ends, body),
            CheckKind::EventClaim => self.answer_claim(&ends, body),
            CheckKind::Standing => {
                let bytes = self.answer_standing(&ends, body)?;
                Ok(CheckReply { bytes, leaves_after: CLAIM_LEAVES })
            }
            CheckKind::Candidate => {
                let word = Word::from_bytes(body).map_err(|_bytes| AppError::invalid("check.candidate"))?;
                self.take_word(word, peer).map(|word| now(word.to_bytes()))
            }
        }
    }

    /// `u32 epoch || u32 number || u32 offset` of what the partner has; answered with the next part of the newest set, or
    /// nothing when that is what it has.
    fn set_part(&self, ends: &Ends, body: &[u8]) -> Result<Vec<u8>, AppError> {
        let have: [u8; 12] = body.try_into().map_err(|_length| AppError::invalid("check.set"))?;
        let number = |at: usize| {
            let four = have.get(at..at + 4).and_then(|four| four.try_into().ok());
            four.map_or(0, u32::from_be_bytes)
        };
        let (epoch, set, offset) = (number(0), number(4), number(8));
        let of = ends.clone();
        self.read(move |app, tx| {
            let Some(row) = checks::set(tx, (&of.0, &of.1), true)? else { return Ok(Vec::new()) };
            if (row.epoch, row.number) == (epoch, set) || row.valid_to <= app.now() {
                return Ok(Vec::new());
            }
            let bytes = checks::set_bytes(tx, (&of.0, &of.1), true)?.unwrap_or_default();
            let from = usize::try_from(offset).unwrap_or(usize::MAX);
            // Who asks for more than there is began with another set: from its beginning then.
            let rest = bytes.get(from..).filter(|rest| !rest.is_empty()).unwrap_or(&bytes);
            let part = rest.get(..PART).unwrap_or(rest);
            let total = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let head =
                [row.epoch, row.number, total].iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>();
            Ok([head.as_slice(), part].concat())
        })
    }

    fn evaluate_for(&self, ends: &Ends, body: &[u8]) -> Result<CheckReply, AppError> {
        let request = Request::from_bytes(body).map_err(|_bytes| AppError::invalid("check.request"))?;
        if request.asking != ends.1 || request.asked != self.party {
            return Err(AppError::not_found());
        }
        let (check, elements) = (ObjectId::new(request.check), request.elements.len());
        let leaves_after = Answer::leaves_after(elements);
        let of = ends.clone();
        let decided = self.write(move |app, tx| app.admit_in(tx, &of, request))?;
        let (digest, bytes) = match decided {
            Decided::Again(bytes) => return Ok(CheckReply { bytes, leaves_after }),
            Decided::Full => return Err(AppError::busy("check.day_full")),
            Decided::Refused(refused, request) => {
                let seed = Zeroizing::new(random::<32>(&*self.entropy)?);
                (request.digest(), refused.answer(&request, &seed).to_bytes())
            }
            Decided::Evaluate(charged, key) => {
                // The charge is durable: what follows may be cut short and costs the partner its budget.
                let digest = charged.request().digest();
                (digest, charged.evaluate(&key, &random::<64>(&*self.entropy)?).to_bytes())
            }
        };
        let bytes = self.keep_answer((check, digest), bytes, ends)?;
        Ok(CheckReply { bytes, leaves_after })
    }

    /// Stores an answer, if the row is this request's, and returns what is stored: of two at once the first stays, and
    /// both are answered with it. Two decoys for one request would tell that they are decoys.
    fn keep_answer(
        &self,
        (check, digest): (ObjectId, [u8; 32]),
        bytes: Vec<u8>,
        ends: &Ends,
    ) -> Result<Vec<u8>, AppError> {
        let ends = ends.clone();
        self.write(move |app, tx| {
            let row = checks::locked(tx, check)?;
            if !row.is_some_and(|row| theirs(&row, &ends) && row.digest == Some(digest)) {
                return Ok(bytes);
            }
            if let Some(first) = app.stored_answer(tx, check)? {
                return Ok(first);
            }
            checks::put_answer(tx, check, &bytes)?;
            Ok(bytes)
        })
    }

    fn stored_answer(&self, tx: &mut dyn Tx, check: ObjectId) -> Result<Option<Vec<u8>>, AppError> {
        Ok(checks::stored_answers(tx, check)?.0)
    }

    /// Decides, charges and logs, all in one transaction.
    fn admit_in(&self, tx: &mut dyn Tx, ends: &Ends, request: Request) -> Result<Decided, AppError> {
        let Some(set) = self.check_set(tx, ends, true)? else { return Err(AppError::not_found()) };
        let key = self.epoch_key(tx, ends, &set.header)?;
        let number = ObjectId::new(request.check);
        let before = checks::locked(tx, number)?;
        let again = before.as_ref().filter(|row| theirs(row, ends) && row.digest == Some(request.digest()));
        if let Some(row) = again {
            return self.again(tx, (row, ends), request, (&set.header, key));
        }
        let known = self.known(ends.0)?;
        let (terms, _) = agreed(&known)?;
        let evaluations = u32::try_from(request.elements.len()).unwrap_or(u32::MAX);
        if self.flooded(tx, ends, evaluations, &terms)? {
            return Ok(Decided::Full);
        }
        let account = account_of(ends, &request, day(self.now()));
        let counters = budget::locked(tx, &account)?;
        let work = Work { role_may: false, case_open: false, case_assigned: false };
        let facts = ask::facts(
            (Side::Receiver, work),
            (&ends.1, &self.party),
            request.agreement,
            (request.purpose, request.class, request.subjects),
            request.policy,
        );
        let permit = permit_check(&known.rules, &known.standing, &facts, self.now());
        let desk = Facts {
            set: &set.header,
            terms: Some(terms),
            permit: permit.as_ref(),
            counters,
            // Another's number, or this partner's with other bytes: used either way.
            seen: before.as_ref().map(|row| row.digest.unwrap_or([0; 32])),
            now: self.now(),
        };
        let copy = request.clone();
        match admit(request, &desk) {
            Admission::Again => Err(AppError::conflict("check.number_used")),
            Admission::Refused(refused) => {
                self.note_refused(tx, ends, &copy, (&refused.code, before.is_some()))?;
                Ok(Decided::Refused(refused, Box::new(copy)))
            }
            Admission::Charged(charged) => {
                let key = key.ok_or_else(AppError::not_found)?;
                budget::save(tx, &account, &charged.counters)?;
                let first = charged.review && !review_due(&terms, &counters);
                self.note_charged(tx, ends, &copy, first)?;
                Ok(Decided::Evaluate(charged, key))
            }
        }
    }

    /// Whether more came from a partner today than is looked at. What is refused costs it no budget, and yet is evaluated
    /// where it is refused silently, stored and logged: so there is an end to it. What was charged counts as what was
    /// refused: the partner knows the sum, and learns nothing from where it ends.
    pub(super) fn flooded(
        &self,
        tx: &mut dyn Tx,
        ends: &Ends,
        evaluations: u32,
        terms: &PrivateCheck,
    ) -> Result<bool, AppError> {
        let today = day(self.now());
        let came = budget::came(tx, (&ends.0, &ends.1), today, evaluations)?;
        if came <= FLOOD * u64::from(terms.daily_cap) {
            return Ok(false);
        }
        if self.alarm(tx, "check.day_full", &ends.1, &format!("{} {today}", ends.0))? {
            self.log(tx, &[about_key("check.day_full", ends)])?;
        }
        Ok(true)
    }

    /// The same request again: the stored bytes. Where a crash came between charge and answer there are none; it was
    /// charged, so it is evaluated now, and gives what it would have given. What was refused is refused again.
    fn again(
        &self,
        tx: &mut dyn Tx,
        (row, ends): (&Check, &Ends),
        request: Request,
        (set, key): (&SetHeader, Option<SecretKey>),
    ) -> Result<Decided, AppError> {
        if let Some(bytes) = self.stored_answer(tx, row.id)? {
            return Ok(Decided::Again(bytes));
        }
        let known = self.known(ends.0)?;
        let (terms, _) = agreed(&known)?;
        let refused = match &row.outcome {
            Some(code) if row.state == CheckState::Refused => Some(Cow::Owned(code.clone())),
            _other if row.state != CheckState::Evaluated || row.epoch != set.epoch => {
                Some(Cow::Borrowed(CheckRefusal::Epoch.code()))
            }
            _other => None,
        };
        if let Some(code) = refused {
            let refused = Refused { code, silent: silent(&terms, set) };
            return Ok(Decided::Refused(refused, Box::new(request)));
        }
        let key = key.ok_or_else(AppError::not_found)?;
        Ok(Decided::Evaluate(Box::new(Charged::recovered(request)), key))
    }

    /// The key of a set's epoch; none once it was destroyed.
    fn epoch_key(
        &self,
        tx: &mut dyn Tx,
        ends: &Ends,
        set: &SetHeader,
    ) -> Result<Option<SecretKey>, AppError> {
        let Some((epoch, bytes)) = checks::newest_epoch(tx, &self.vault, (&ends.0, &ends.1))? else {
            return Ok(None);
        };
        let Some(bytes) = bytes.filter(|_| epoch.number == set.epoch) else { return Ok(None) };
        read_key(set.key.mode(), &bytes).map(Some)
    }

    fn note_refused(
        &self,
        tx: &mut dyn Tx,
        ends: &Ends,
        request: &Request,
        (code, known_number): (&str, bool),
    ) -> Result<(), AppError> {
        let row = received(ends, request, (CheckState::Refused, Some(code)), self.now());
        if !known_number {
            checks::add(tx, &row, &[])?;
        }
        let event = |kind: &str| base(kind, &row).with(&ends.1);
        let received = event("check.received").commitment(request.commitment);
        let refused = event("check.refused").commitment(request.digest()).verdict(code);
        self.log(tx, &[received, refused]).map(drop)
    }

    fn note_charged(
        &self,
        tx: &mut dyn Tx,
        ends: &Ends,
        request: &Request,
        review: bool,
    ) -> Result<(), AppError> {
        let row = received(ends, request, (CheckState::Evaluated, None), self.now());
        checks::add(tx, &row, &[])?;
        let event = |kind: &str| base(kind, &row).with(&ends.1);
        let mut events = vec![
            event("check.received").commitment(request.commitment),
            event("check.evaluated")
                .commitment(request.digest())
                .verdict(format!("evaluations:{}", request.elements.len())),
        ];
        if review {
            self.alarm(tx, "check.review_due", &ends.1, &row.id.to_string())?;
            events.push(event("check.review_due"));
        }
        self.log(tx, &events).map(drop)
    }

    /// Answers claims: a handle for each subject that is still here and may still be checked, nothing for chance.
    fn resolve_for(&self, ends: &Ends, body: &[u8]) -> Result<Vec<u8>, AppError> {
        let claims = Claims::from_bytes(body).map_err(|_bytes| AppError::invalid("check.claims"))?;
        let digest: [u8; 32] = Sha256::digest(body).into();
        let (of, number) = (ends.clone(), ObjectId::new(claims.check));
        let before = self.read(move |_app, tx| {
            let row = checks::get(tx, number)?.filter(|row| theirs(row, &of));
            let row = row.ok_or_else(AppError::not_found)?;
            match row.claims {
                None => Ok((row, None)),
                Some(same) if same == digest => Ok((row, checks::stored_answers(tx, number)?.1)),
                // Once per check: a second, other claim would be a way to try.
                Some(_other) => Err(AppError::not_found()),
            }
        })?;
        let row = match before {
            (_, Some(handles)) => return Ok(handles),
            (row, None) => row,
        };
        let evaluated = if row.state == CheckState::Evaluated { row.queries } else { 0 };
        let register = if evaluated == 0 { None } else { self.register(ends, row.epoch)? };
        if evaluated > 0 && register.is_none() {
            // The epoch ended in between: better no answer than a false "no hit".
            return Err(AppError::not_found());
        }
        let ends = ends.clone();
        self.write(move |app, tx| {
            let evaluated = usize::try_from(evaluated).unwrap_or(0);
            app.answer_claims(tx, &ends, (number, digest), (&claims, evaluated, register.as_deref()))
        })
    }

    fn answer_claims(
        &self,
        tx: &mut dyn Tx,
        ends: &Ends,
        (number, digest): (ObjectId, [u8; 32]),
        (claims, evaluated, register): (&Claims, usize, Option<&Register>),
    ) -> Result<Vec<u8>, AppError> {
        let mut row = self.check_locked(tx, number)?;
        if row.claims.is_some() {
            return Err(AppError::conflict("check.claimed"));
        }
        let count = claims.halves.len();
        let random = (0..count).map(|_| random::<16>(&*self.entropy)).collect::<Result<Vec<_>, _>>()?;
        let cleared = self.cleared_behind(tx, ends, &claims.cleared)?;
        let (mut handles, found) = match register {
            Some(register) => register.resolve(claims, evaluated, &random, &cleared),
            None => (Handles { check: claims.check, handles: vec![None; count] }, Vec::new()),
        };
        let mut events = Vec::new();
        // One subject, one handle, however many of its tokens met; none that was erased or reclassified since.
        // A standing check may have been first: then it is the candidate it made.
        let before: Vec<_> =
            checks::candidates(tx, number)?.iter().map(|one| (one.subject, one.handle)).collect();
        let mut named: Vec<(SubjectId, Option<[u8; 16]>)> =
            before.iter().map(|(subject, handle)| (*subject, Some(wire(*handle)))).collect();
        for (handle, subject, _) in &found {
            let known = named.iter().find(|(one, _)| one == subject).map(|(_, first)| *first);
            let given = match known {
                Some(first) => first,
                None => {
                    let still = self.still_checkable(tx, ends, *subject)?;
                    let first = still.then_some(*handle);
                    named.push((*subject, first));
                    first
                }
            };
            let slot = handles.handles.iter_mut().find(|slot| **slot == Some(*handle));
            if let Some(slot) = slot {
                *slot = given;
            }
        }
        for (subject, handle) in named {
            let Some(handle) = handle.filter(|_| !before.iter().any(|(one, _)| *one == subject)) else {
                continue;
            };
            let bands = found.iter().filter(|(_, one, _)| *one == subject).map(|(.., band)| *band);
            let Some(band) = bands.max() else { continue };
            let candidate = new_candidate((number, ObjectId::new(handle)), subject, band, self.now());
            checks::add_candidate(tx, &candidate)?;
            row.hits = row.hits.saturating_add(1);
            events.push(base("check.possible_hit", &row).with(&ends.1).verdict(band.code()));
        }
        row.claims = Some(digest);
        if row.hits > 0 {
            row.state = CheckState::PossibleHit;
        }
        checks::save(tx, &row)?;
        let bytes = handles.to_bytes();
        checks::put_handles(tx, number, (&bytes, &cleared_bytes(&claims.cleared)))?;
        if !cleared.is_empty() {
            events.push(cleared_event(&row, cleared.len()));
        }
        events.insert(0, base("check.claimed", &row).with(&ends.1).verdict(format!("hits:{}", row.hits)));
        self.log(tx, &events)?;
        Ok(bytes)
    }
}

/// Whether a check came from this partner under this agreement.
pub(super) fn theirs(row: &Check, ends: &Ends) -> bool {
    row.direction == Direction::Received && (row.agreement, &row.partner) == (ends.0, &ends.1)
}

/// Reads a key as it lies in the vault.
pub(super) fn read_key(mode: mithaq_check::oprf::Mode, bytes: &[u8]) -> Result<SecretKey, AppError> {
    let broken = || AppError::new(ErrorKind::Integrity, "store.integrity.check_epoch", words::INTEGRITY);
    let bytes: &[u8; 32] = bytes.try_into().map_err(|_length| broken())?;
    SecretKey::from_bytes(mode, bytes).map_err(|error| broken().because(error))
}

fn account_of(ends: &Ends, request: &Request, day: i64) -> Account {
    Account {
        agreement: ends.0,
        partner: ends.1.clone(),
        own: false,
        day,
        officer: request.officer,
        case: *request.case.as_bytes(),
    }
}

fn received(
    ends: &Ends,
    request: &Request,
    (state, outcome): (CheckState, Option<&str>),
    now: mithaq_model::Timestamp,
) -> Check {
    Check {
        id: ObjectId::new(wire(ObjectId::new(request.check))),
        direction: Direction::Received,
        partner: ends.1.clone(),
        agreement: ends.0,
        case: CaseId::new(*request.case.as_bytes()),
        purpose: request.purpose,
        class: request.class,
        officer: request.officer,
        author: None,
        authoriser: None,
        warrant: None,
        subjects: request.subjects,
        queries: u32::try_from(request.elements.len()).unwrap_or(u32::MAX),
        epoch: request.epoch,
        state,
        outcome: outcome.map(ToOwned::to_owned),
        commitment: Some(request.commitment),
        digest: Some(request.digest()),
        created: now,
        asked: None,
        ended: Some(now),
        claims: None,
        hits: 0,
        confirmed: 0,
        rejected: 0,
        joint: None,
        version: 1,
    }
}

/// An entry of the node about a tag set or key.
pub(super) fn about_key(kind: &str, ends: &Ends) -> Event {
    Event::system(kind, &ends.1).agreement(ends.0).with(&ends.1)
}
