//! Standing checks, the asking side: asked with its check, by two persons under a warrant; placed with the partner once the
//! answer is read; looked after until its end; renewed by two persons; taken back by one.

use mithaq_check::{
    CLAIMS_MAX, CheckState, Half, StandingAnswer, StandingAsk, StandingWord, Strength, Title,
};
use mithaq_db::Tx;
use mithaq_model::{Millis, ObjectId, OfficerId, PartyId, SubjectId, Timestamp};
use mithaq_policy::{Side, Work, permit_standing};
use mithaq_store::checks::{self, Check, StandingState, StandingTitle, StoredStanding};
use mithaq_store::reports::Direction;
use mithaq_store::subjects;

use super::left::OFFICER;
use super::line::{CheckCall, CheckKind, base, misbehaved, new_candidate};
use super::{Ends, agreed, ask, pseudonym, wire};
use crate::App;
use crate::cases::CaseAccess;
use crate::error::{AppError, words};
use crate::log::Event;
use crate::rights::{Intent, May, intent};

/// How often the partner is asked whether one hit.
const LOOK_EVERY: Millis = Millis::hours(1);
/// How soon what is new is told again.
const TELL_AGAIN: Millis = Millis(30_000);
/// How long after its end this side still asks what it hit before.
pub(super) const AFTERWARDS: Millis = Millis::hours(7 * 24);
/// Subject, band and half.
const TOKEN: usize = 16 + 1 + 32;

/// That a question shall stay with the partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewStanding {
    /// Until when: within what is agreed, ninety days at most.
    pub until: Timestamp,
    /// When its warrant ends.
    pub warrant_ends: Timestamp,
}

/// A renewal: under which warrant, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// Reference of the warrant.
    pub warrant: String,
    /// Its end and that of the standing check.
    pub life: NewStanding,
}

impl App {
    /// Whether this node's own policy lets a question stay.
    fn permit_own_standing(&self, check: &Check, life: NewStanding) -> Result<(), AppError> {
        let known = self.known(check.agreement)?;
        let (_, policy) = agreed(&known)?;
        let work = Work { role_may: true, case_open: true, case_assigned: true };
        let facts = ask::facts(
            (Side::Sender, work),
            (&self.party, &check.partner),
            check.agreement,
            (check.purpose, check.class, check.subjects),
            policy.hash(),
        );
        let life = (life.until, life.warrant_ends);
        permit_standing(&known.rules, &known.standing, &facts, life, self.now()).map(drop).map_err(|no| {
            ask::refused(&no).hint(
                "the agreement says for how long (`standing_days`); it ends with the warrant at the latest",
            )
        })
    }

    /// Adds to a draft that its question shall stay.
    pub(super) fn draft_standing(
        &self,
        tx: &mut dyn Tx,
        check: &Check,
        new: NewStanding,
    ) -> Result<(), AppError> {
        let warrant = check.warrant.clone().filter(|text| text.len() <= mithaq_check::REFERENCE_MAX);
        let reference = warrant.ok_or_else(|| {
            AppError::invalid("warrant")
                .hint("a standing check rests on a warrant: give its reference, 64 letters at most")
        })?;
        self.permit_own_standing(check, new)?;
        let first = check.author.ok_or_else(|| AppError::bug("check.author"))?;
        let title = StandingTitle {
            reference,
            ends: new.warrant_ends,
            until: new.until,
            first: *first.as_bytes(),
            second: None,
        };
        checks::add_standing(
            tx,
            &StoredStanding {
                check: check.id,
                direction: Direction::Own,
                partner: check.partner.clone(),
                agreement: check.agreement,
                epoch: 0,
                state: StandingState::Draft,
                title,
                next: None,
                version: 1,
            },
        )?;
        Ok(())
    }

    /// The second person authorises the check, and with it that its question stays. Returns the entry.
    pub(super) fn authorise_standing(
        &self,
        tx: &mut dyn Tx,
        check: &Check,
        may: May<intent::AuthoriseCheck>,
    ) -> Result<Option<Event>, AppError> {
        let Some(mut one) = checks::standing_locked(tx, check.id)? else { return Ok(None) };
        self.permit_own_standing(check, life(&one.title))?;
        if usize::try_from(check.queries).map_or(true, |queries| queries > CLAIMS_MAX) {
            return Err(
                AppError::too_much("check.too_many").hint("ask about fewer subjects in a standing check")
            );
        }
        one.epoch = check.epoch;
        one.state = StandingState::Asked;
        one.title.second = Some(*may.actor().as_bytes());
        checks::save_standing(tx, &one)?;
        Ok(Some(by(may, "check.standing_asked", check)))
    }

    /// Keeps what will stay with the partner, once the answer was read.
    pub(super) fn keep_standing(&self, number: ObjectId, halves: &[Half]) -> Result<(), AppError> {
        let halves = halves.to_vec();
        self.write(move |app, tx| {
            let Some(mut one) = checks::standing_locked(tx, number)? else { return Ok(()) };
            if !matches!(one.state, StandingState::Asked | StandingState::Placing) {
                return Ok(());
            }
            let subjects = checks::subjects(tx, number)?;
            let mut bytes = Vec::with_capacity(halves.len() * TOKEN);
            for half in &halves {
                let Some((subject, _)) = subjects.get(half.subject) else { continue };
                bytes.extend_from_slice(subject.as_bytes());
                bytes.push(half.strength as u8);
                bytes.extend_from_slice(&half.half);
            }
            one.state = if bytes.is_empty() { StandingState::Over } else { StandingState::Placing };
            checks::save_standing(tx, &one)?;
            if !bytes.is_empty() {
                checks::put_standing_tokens(tx, &app.vault, number, &bytes)?;
            }
            Ok(())
        })
    }

    /// What is to be said to a partner about standing checks now.
    pub(super) fn standing_calls(&self, peer: &PartyId) -> Result<Vec<CheckCall>, AppError> {
        use StandingState::{Ending, Placed, Placing, Renewing};
        let (of, now) = (peer.clone(), self.now());
        let due: Vec<ObjectId> = {
            let inside = self.checks.open();
            inside.next_standing.iter().filter(|(_, at)| **at > now).map(|(check, _)| *check).collect()
        };
        let words = self.read(move |app, tx| {
            let mut words = Vec::new();
            for one in checks::standings(tx, (Direction::Own, &of), &[Placing, Placed, Renewing, Ending])? {
                if due.contains(&one.check) {
                    continue;
                }
                let Some(ask) = app.standing_ask(tx, &one)? else { continue };
                words.push((one.agreement, StandingWord { check: wire(one.check), ask }));
            }
            Ok(words)
        })?;
        let mut inside = self.checks.open();
        let call = |(agreement, word): (_, StandingWord)| {
            let check = ObjectId::new(word.check);
            let again = if word.ask == StandingAsk::Look { LOOK_EVERY } else { TELL_AGAIN };
            inside.next_standing.insert(check, now.plus(again));
            CheckCall::about(agreement, CheckKind::Standing, word.to_bytes(), check)
        };
        Ok(words.into_iter().map(call).collect())
    }

    fn standing_ask(&self, tx: &mut dyn Tx, one: &StoredStanding) -> Result<Option<StandingAsk>, AppError> {
        let title = |title: &StandingTitle| {
            let who = |id: &[u8; 16]| pseudonym(OFFICER, &one.agreement, &one.partner, id);
            let second = title.second.as_ref().map(who)?;
            let persons = [who(&title.first), second];
            Some(Title { reference: title.reference.clone(), ends: title.ends, until: title.until, persons })
        };
        Ok(match one.state {
            StandingState::Placing => {
                let mut halves: Vec<[u8; 32]> =
                    self.kept_tokens(tx, one.check)?.into_iter().map(|(_, _, half)| half).collect();
                halves.sort_unstable();
                halves.dedup();
                title(&one.title)
                    .filter(|_| !halves.is_empty())
                    .map(|title| StandingAsk::Place(title, halves))
            }
            StandingState::Renewing => one.next.as_ref().and_then(title).map(StandingAsk::Renew),
            StandingState::Ending => Some(StandingAsk::End),
            StandingState::Placed => Some(StandingAsk::Look),
            StandingState::Draft | StandingState::Asked | StandingState::Refused | StandingState::Over => {
                None
            }
        })
    }

    /// Subject, band and half of each token of a standing check of this node.
    fn kept_tokens(
        &self,
        tx: &mut dyn Tx,
        check: ObjectId,
    ) -> Result<Vec<(SubjectId, Strength, [u8; 32])>, AppError> {
        let Some(bytes) = checks::standing_tokens(tx, &self.vault, check)? else { return Ok(Vec::new()) };
        let (tokens, _rest) = bytes.as_chunks::<TOKEN>();
        let read = |token: &[u8; TOKEN]| {
            let (subject, rest) = token.split_first_chunk::<16>()?;
            let (band, half) = rest.split_first()?;
            let strength = Strength::ALL.into_iter().find(|one| *one as u8 == *band)?;
            Some((SubjectId::new(*subject), strength, half.try_into().ok()?))
        };
        Ok(tokens.iter().filter_map(read).collect())
    }

    /// Takes what the partner says of a standing check; none: it knows nothing of it.
    pub(super) fn take_standing(
        &self,
        ends: &Ends,
        check: ObjectId,
        answer: Option<&[u8]>,
    ) -> Result<(), AppError> {
        let answer = match answer.map(StandingAnswer::from_bytes) {
            None => StandingAnswer::Refused("check.unanswered".to_owned()),
            Some(Ok((number, answer))) if ObjectId::new(number) == check => answer,
            Some(Ok(_another)) => return Err(misbehaved("check.standing", mithaq_check::AskError::Replay)),
            Some(Err(error)) => return Err(misbehaved("check.standing", error)),
        };
        let (ends, partner) = (ends.clone(), ends.1.clone());
        self.write(move |app, tx| {
            let mine = |one: &StoredStanding| {
                one.direction == Direction::Own && (one.agreement, &one.partner) == (ends.0, &ends.1)
            };
            // The check before its standing check, always: two jobs never wait for each other.
            let Some(row) = checks::locked(tx, check)? else { return Ok(()) };
            let Some(one) = checks::standing_locked(tx, check)?.filter(mine) else { return Ok(()) };
            match answer {
                StandingAnswer::Refused(code) => app.standing_refused(tx, (row, one), code),
                StandingAnswer::Stands { until, hits } => app.standing_stands(tx, (row, one), until, &hits),
            }
        })?;
        self.checks.open().next_word.remove(&partner);
        Ok(())
    }

    fn standing_refused(
        &self,
        tx: &mut dyn Tx,
        (row, mut one): (Check, StoredStanding),
        code: String,
    ) -> Result<(), AppError> {
        match one.state {
            StandingState::Placing => {
                one.state = StandingState::Refused;
                checks::erase_standing_tokens(tx, one.check)?;
            }
            StandingState::Renewing => (one.state, one.next) = (StandingState::Placed, None),
            StandingState::Ending => {
                one.state = StandingState::Over;
                checks::erase_standing_tokens(tx, one.check)?;
            }
            StandingState::Placed
            | StandingState::Draft
            | StandingState::Asked
            | StandingState::Refused
            | StandingState::Over => return Ok(()),
        }
        checks::save_standing(tx, &one)?;
        let event = base("check.standing_refused_there", &row).with(&row.partner).verdict(code);
        self.log(tx, &[event]).map(drop)
    }

    fn standing_stands(
        &self,
        tx: &mut dyn Tx,
        (row, mut one): (Check, StoredStanding),
        until: Option<Timestamp>,
        hits: &[([u8; 32], [u8; 16])],
    ) -> Result<(), AppError> {
        let mut events = Vec::new();
        let event = |kind: &str| base(kind, &row).with(&row.partner);
        let before = one.clone();
        match (one.state, until) {
            (StandingState::Placing, Some(_)) => {
                one.state = StandingState::Placed;
                events.push(event("check.standing_placed"));
            }
            (StandingState::Renewing, Some(until)) => {
                one.state = StandingState::Placed;
                if let Some(next) = one.next.take().filter(|next| next.until == until) {
                    one.title = next;
                    events.push(event("check.standing_renewed"));
                }
            }
            (StandingState::Placing | StandingState::Placed | StandingState::Renewing, None)
            | (StandingState::Ending, _) => {
                one.state = StandingState::Over;
                events.push(event("check.standing_ended"));
            }
            (StandingState::Placed, Some(_)) => {}
            (
                StandingState::Draft | StandingState::Asked | StandingState::Refused | StandingState::Over,
                _,
            ) => return Ok(()),
        }
        let found = self.standing_found(tx, row, hits)?;
        if one != before {
            checks::save_standing(tx, &one)?;
        }
        if one.state == StandingState::Over {
            checks::erase_standing_tokens(tx, one.check)?;
        }
        events.extend(found);
        if events.is_empty() { Ok(()) } else { self.log(tx, &events).map(drop) }
    }

    /// Hits of a standing check become candidates of its check, each once.
    fn standing_found(
        &self,
        tx: &mut dyn Tx,
        mut row: Check,
        hits: &[([u8; 32], [u8; 16])],
    ) -> Result<Vec<Event>, AppError> {
        let mut events = Vec::new();
        if hits.is_empty() || !(row.state.has_ended() || row.state == CheckState::Executing) {
            return Ok(events);
        }
        let known = checks::candidates(tx, row.id)?;
        let mut met: Vec<(ObjectId, SubjectId, Strength)> = Vec::new();
        for (subject, strength, half) in self.kept_tokens(tx, row.id)? {
            let handles =
                hits.iter().filter(|(one, _)| *one == half).map(|(_, handle)| ObjectId::new(*handle));
            met.extend(handles.map(|handle| (handle, subject, strength)));
        }
        met.sort_by_key(|(handle, subject, strength)| (core::cmp::Reverse(*strength), *handle, *subject));
        for (handle, subject, strength) in met {
            let there = known.iter().any(|one| one.handle == handle);
            if there || subjects::get(tx, &self.vault, subject)?.is_none() {
                continue;
            }
            match checks::add_candidate(tx, &new_candidate((row.id, handle), subject, strength, self.now())) {
                Err(mithaq_store::StoreError::Conflict { .. }) => continue,
                done => done?,
            }
            checks::note_hit(tx, row.id, subject, strength)?;
            row.hits = row.hits.saturating_add(1);
            self.alarm_on(tx, "check.standing_hit", (&row.partner, row.id), &handle.to_string())?;
            events.push(base("check.standing_hit", &row).with(&row.partner).verdict(strength.code()));
        }
        if !events.is_empty() {
            if row.state != CheckState::Executing {
                (row.state, row.ended) = (CheckState::PossibleHit, Some(self.now()));
            }
            checks::save(tx, &row)?;
        }
        Ok(events)
    }

    /// Asks, as the first of two persons, that a standing check stays longer.
    ///
    /// # Errors
    /// When there is none of the case that stays, or the policy says no.
    pub fn renew_standing(
        &self,
        may: May<intent::AskCheck>,
        access: &CaseAccess,
        (number, renewal): (ObjectId, Renewal),
    ) -> Result<(), AppError> {
        self.standing_step(may, access, number, move |app, _tx, check, one| {
            let reference = app.reference(&renewal.warrant)?;
            if reference.len() > mithaq_check::REFERENCE_MAX {
                return Err(AppError::invalid("warrant").hint("64 letters at most"));
            }
            app.permit_own_standing(check, renewal.life)?;
            one.next = Some(StandingTitle {
                reference,
                ends: renewal.life.warrant_ends,
                until: renewal.life.until,
                first: *may.actor().as_bytes(),
                second: None,
            });
            Ok("check.renewal_asked")
        })
    }

    /// Authorises a renewal that somebody else asked for; then the partner is told.
    ///
    /// # Errors
    /// When none waits, the same person asked for it, or the policy says no.
    pub fn authorise_renewal(
        &self,
        may: May<intent::AuthoriseCheck>,
        access: &CaseAccess,
        number: ObjectId,
    ) -> Result<(), AppError> {
        self.standing_step(may, access, number, move |app, _tx, check, one| {
            let next = one.next.as_mut().ok_or_else(|| {
                AppError::conflict("check.no_renewal").hint("`mithaq check standing renew` asks for one")
            })?;
            if OfficerId::new(next.first) == may.actor() {
                return Err(AppError::refused("check.two_persons", words::TWO_PERSONS, 1, None, None));
            }
            app.permit_own_standing(check, life(next))?;
            next.second = Some(*may.actor().as_bytes());
            one.state = StandingState::Renewing;
            Ok("check.renewal_authorised")
        })
    }

    /// Takes a standing check back, as who may authorise one: the partner is told to forget it.
    ///
    /// # Errors
    /// When there is none of the case that stays.
    pub fn end_standing(
        &self,
        may: May<intent::AuthoriseCheck>,
        access: &CaseAccess,
        number: ObjectId,
    ) -> Result<(), AppError> {
        self.standing_step(may, access, number, move |_app, tx, _check, one| {
            one.next = None;
            one.state = StandingState::Ending;
            checks::erase_standing_tokens(tx, one.check)?;
            Ok("check.standing_taken_back")
        })
    }

    /// One step of a person about a standing check that stays, stored with its entry.
    fn standing_step<I: Intent>(
        &self,
        may: May<I>,
        access: &CaseAccess,
        number: ObjectId,
        change: impl FnOnce(&Self, &mut dyn Tx, &Check, &mut StoredStanding) -> Result<&'static str, AppError>
        + Clone
        + Send
        + 'static,
    ) -> Result<(), AppError> {
        self.own_access(may, access)?;
        let (case, purpose) = (access.case(), access.purpose());
        let tried = Event::refused(may, number).case(case).purpose(purpose);
        self.attempt(tried, move |app, tx| {
            let check = app.check_locked(tx, number)?;
            if check.direction != Direction::Own || (check.case, check.purpose) != (case, purpose) {
                return Err(AppError::not_found());
            }
            let mut one = checks::standing_locked(tx, number)?.ok_or_else(AppError::not_found)?;
            if one.state != StandingState::Placed || one.title.until <= app.now() {
                return Err(AppError::conflict("check.standing_state")
                    .hint("only what stays with the partner is renewed or taken back; `mithaq check show` says where it is"));
            }
            let kind = change(app, tx, &check, &mut one)?;
            checks::save_standing(tx, &one)?;
            app.log(tx, &[by(may, kind, &check)]).map(drop)
        })?;
        self.checks.open().next_standing.remove(&number);
        self.wake();
        Ok(())
    }

    /// Ends what is over: on the asked side at its end, on this one a week later, when it was asked a last time.
    pub(super) fn tick_standings(&self, tx: &mut dyn Tx, limit: u32) -> Result<(), AppError> {
        for mut one in checks::standings_ended(tx, self.now(), limit)? {
            let never_left = matches!(one.state, StandingState::Draft | StandingState::Asked);
            let own = one.direction == Direction::Own && !never_left;
            if own && self.now() < one.title.until.plus(AFTERWARDS) {
                continue;
            }
            let Some(check) = checks::get(tx, one.check)? else { continue };
            (one.state, one.next) = (StandingState::Over, None);
            checks::save_standing(tx, &one)?;
            checks::erase_standing_tokens(tx, one.check)?;
            self.log(tx, &[base("check.standing_ended", &check).with(&check.partner).verdict("RET")])?;
        }
        Ok(())
    }
}

const fn life(title: &StandingTitle) -> NewStanding {
    NewStanding { until: title.until, warrant_ends: title.ends }
}

/// An entry that a person makes about a standing check of a case.
fn by<I: Intent>(may: May<I>, kind: &str, check: &Check) -> Event {
    let event = Event::by(may, kind, check.id).case(check.case).purpose(check.purpose);
    event.agreement(check.agreement).with(&check.partner)
}
