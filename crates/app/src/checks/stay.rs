//! Standing checks, the asked side: a question that stays under a partner's warrant, decided by this side's own policy, and
//! compared with each set that is made, under the key it was evaluated with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mithaq_check::{
    CheckRefusal, CheckState, Claims, Register, Standing, StandingAnswer, StandingAsk, StandingError,
    StandingWord, Strength, Title, Warrant, read_cleared,
};
use mithaq_db::Tx;
use mithaq_model::{ObjectId, OfficerId, SubjectId, Timestamp};
use mithaq_policy::{Side, Work, permit_standing};
use mithaq_store::checks::{self, Check, StandingState, StandingTitle, StoredStanding};
use mithaq_store::reports::Direction;
use sha2::{Digest as _, Sha256};

use super::line::{base, new_candidate};
use super::serve::theirs;
use super::{Ends, agreed, ask, wire};
use crate::App;
use crate::drafts::damaged;
use crate::error::AppError;
use crate::log::Event;
use crate::ports::random;

impl App {
    /// Answers a document about a standing check.
    pub(super) fn answer_standing(&self, ends: &Ends, body: &[u8]) -> Result<Vec<u8>, AppError> {
        let word = StandingWord::from_bytes(body).map_err(|_bytes| AppError::invalid("check.standing"))?;
        let (ends, digest) = (ends.clone(), Sha256::digest(body).into());
        let check = word.check;
        let answer = self.write(move |app, tx| {
            let number = ObjectId::new(word.check);
            let row = checks::locked(tx, number)?.filter(|row| theirs(row, &ends));
            let row = row.ok_or_else(AppError::not_found)?;
            let one = checks::standing_locked(tx, number)?;
            match word.ask {
                StandingAsk::Place(title, halves) => {
                    app.place_standing(tx, &row, one, (title, halves, digest))
                }
                StandingAsk::Renew(title) => app.prolong_standing(tx, &row, one, title),
                StandingAsk::End => app.forget_standing(tx, &row, one),
                StandingAsk::Look => app.standing_now(tx, one.as_ref(), number),
            }
        })?;
        Ok(answer.to_bytes(&check))
    }

    fn standing_now(
        &self,
        tx: &mut dyn Tx,
        one: Option<&StoredStanding>,
        number: ObjectId,
    ) -> Result<StandingAnswer, AppError> {
        let lives = one.filter(|one| one.state == StandingState::Placed && self.now() < one.title.until);
        let hits = checks::standing_hits(tx, number)?;
        let hits = hits.into_iter().map(|(half, handle)| (half, wire(handle))).collect();
        Ok(StandingAnswer::Stands { until: lives.map(|one| one.title.until), hits })
    }

    fn place_standing(
        &self,
        tx: &mut dyn Tx,
        row: &Check,
        before: Option<StoredStanding>,
        (title, halves, digest): (Title, Vec<[u8; 32]>, [u8; 32]),
    ) -> Result<StandingAnswer, AppError> {
        if let Some(before) = before {
            let tokens = checks::standing_tokens(tx, &self.vault, row.id)?;
            let same = before.title == stored(&title)
                && tokens.is_none_or(|tokens| tokens.as_slice() == halves.concat());
            return if same {
                self.standing_now(tx, Some(&before), row.id)
            } else {
                self.refuse_standing(tx, row, CheckRefusal::NumberUsed.code())
            };
        }
        // What was refused without saying so is refused without saying so: it stays, and holds nothing that could hit.
        let silent = row.state == CheckState::Refused
            && self
                .known(row.agreement)
                .and_then(|known| agreed(&known))
                .is_ok_and(|(terms, _)| terms.refuse_silently);
        let evaluated = matches!(row.state, CheckState::Evaluated | CheckState::PossibleHit);
        if !evaluated && !silent {
            return self.refuse_standing(tx, row, CheckRefusal::NotEvaluated.code());
        }
        if usize::try_from(row.queries).map_or(true, |queries| halves.len() > queries) {
            return self.refuse_standing(tx, row, CheckRefusal::StandingCount.code());
        }
        let lives = Standing::new(wire(row.id), warrant(&title), halves, title.until, self.now());
        let lives = match lives {
            Ok(lives) => lives,
            Err(error) => return self.refuse_standing(tx, row, code(error)),
        };
        if let Err(code) = self.permit_stay(row, &title)? {
            return self.refuse_standing(tx, row, code);
        }
        let key = checks::epoch_of(tx, &self.vault, (&row.agreement, &row.partner), row.epoch)?;
        if !silent && key.is_none_or(|(_, key)| key.is_none()) {
            return self.refuse_standing(tx, row, CheckRefusal::Epoch.code());
        }
        let one = StoredStanding {
            check: row.id,
            direction: Direction::Received,
            partner: row.partner.clone(),
            agreement: row.agreement,
            epoch: row.epoch,
            state: StandingState::Placed,
            title: stored(&title),
            next: None,
            version: 1,
        };
        checks::add_standing(tx, &one)?;
        if !silent {
            checks::put_standing_tokens(tx, &self.vault, row.id, &lives.halves().concat())?;
        }
        let placed = base("check.standing_placed", row).with(&row.partner).commitment(digest);
        self.log(tx, &[placed])?;
        self.standing_now(tx, Some(&one), row.id)
    }

    fn prolong_standing(
        &self,
        tx: &mut dyn Tx,
        row: &Check,
        one: Option<StoredStanding>,
        title: Title,
    ) -> Result<StandingAnswer, AppError> {
        let lives = one.filter(|one| one.state == StandingState::Placed && self.now() < one.title.until);
        let Some(mut one) = lives else {
            return self.refuse_standing(tx, row, CheckRefusal::StandingOver.code());
        };
        if one.title == stored(&title) {
            return self.standing_now(tx, Some(&one), row.id);
        }
        let now = self.now();
        let kept = Standing::kept(wire(row.id), warrant(&title), Vec::new(), one.title.until);
        if let Err(error) = kept.renew(warrant(&title), title.until, now) {
            return self.refuse_standing(tx, row, code(error));
        }
        if let Err(code) = self.permit_stay(row, &title)? {
            return self.refuse_standing(tx, row, code);
        }
        one.title = stored(&title);
        checks::save_standing(tx, &one)?;
        self.log(tx, &[base("check.standing_renewed", row).with(&row.partner)])?;
        self.standing_now(tx, Some(&one), row.id)
    }

    fn forget_standing(
        &self,
        tx: &mut dyn Tx,
        row: &Check,
        one: Option<StoredStanding>,
    ) -> Result<StandingAnswer, AppError> {
        let mut over = one;
        if let Some(one) = over.as_mut().filter(|one| one.state == StandingState::Placed) {
            one.state = StandingState::Over;
            checks::save_standing(tx, one)?;
            checks::erase_standing_tokens(tx, row.id)?;
            self.log(tx, &[base("check.standing_ended", row).with(&row.partner)])?;
        }
        self.standing_now(tx, over.as_ref(), row.id)
    }

    fn refuse_standing(
        &self,
        tx: &mut dyn Tx,
        row: &Check,
        code: &'static str,
    ) -> Result<StandingAnswer, AppError> {
        self.log(tx, &[base("check.standing_refused", row).with(&row.partner).verdict(code)])?;
        Ok(StandingAnswer::Refused(code.to_owned()))
    }

    /// This side's own decision; the code of its refusal.
    fn permit_stay(&self, row: &Check, title: &Title) -> Result<Result<(), &'static str>, AppError> {
        let known = self.known(row.agreement)?;
        let (_, policy) = agreed(&known)?;
        let work = Work { role_may: false, case_open: false, case_assigned: false };
        let facts = ask::facts(
            (Side::Receiver, work),
            (&row.partner, &self.party),
            row.agreement,
            (row.purpose, row.class, row.subjects),
            policy.hash(),
        );
        let life = (title.until, title.ends);
        let permit = permit_standing(&known.rules, &known.standing, &facts, life, self.now());
        Ok(permit.map(drop).map_err(|no| no.code().code()))
    }

    /// Compares the questions that stay for a partner with its subjects as they are now. A hit begins a candidate; the
    /// partner learns of it when it looks.
    pub(super) fn compare_standings(&self, ends: &Ends) -> Result<(), AppError> {
        let (of, now) = (ends.clone(), self.now());
        let lives = self.read(move |_app, tx| {
            let placed = [StandingState::Placed];
            let mut found = checks::standings(tx, (Direction::Received, &of.1), &placed)?;
            found.retain(|one| one.agreement == of.0 && now < one.title.until);
            Ok(found)
        })?;
        let epochs: BTreeSet<u32> = lives.iter().map(|one| one.epoch).collect();
        for epoch in epochs {
            let Some(register) = self.register_of(ends, epoch)? else { continue };
            for one in lives.iter().filter(|one| one.epoch == epoch) {
                let (ends, number, register) = (ends.clone(), one.check, Arc::clone(&register));
                self.write(move |app, tx| app.compare_standing(tx, &ends, number, &register))?;
            }
        }
        Ok(())
    }

    /// The outputs of this side's subjects under an epoch's key, also one that is only kept for standing checks.
    fn register_of(&self, ends: &Ends, epoch: u32) -> Result<Option<Arc<Register>>, AppError> {
        if let Some(register) = self.register(ends, epoch)? {
            return Ok(Some(register));
        }
        self.register_under(ends, move |app, tx, of| Ok(checks::epoch_of(tx, &app.vault, of, epoch)?))
    }

    fn compare_standing(
        &self,
        tx: &mut dyn Tx,
        ends: &Ends,
        number: ObjectId,
        register: &Register,
    ) -> Result<(), AppError> {
        let lives = |one: &StoredStanding| one.state == StandingState::Placed && self.now() < one.title.until;
        let row = checks::locked(tx, number)?;
        let lives = checks::standing_locked(tx, number)?.is_some_and(|one| lives(&one));
        let Some(row) = row.filter(|_| lives) else { return Ok(()) };
        let Some(tokens) = checks::standing_tokens(tx, &self.vault, number)? else { return Ok(()) };
        let halves = tokens.as_chunks::<32>().0.to_vec();
        let random = halves.iter().map(|_| random::<16>(&*self.entropy)).collect::<Result<Vec<_>, _>>()?;
        let broken = |error| damaged("check_query", error);
        let cleared = read_cleared(&checks::claimed_cleared(tx, number)?).map_err(broken)?;
        let behind = self.cleared_behind(tx, ends, &cleared)?;
        let claims = Claims { check: wire(number), halves, cleared };
        let (handles, found) = register.resolve(&claims, claims.halves.len(), &random, &behind);
        if found.is_empty() {
            return Ok(());
        }
        let known = checks::candidates(tx, number)?;
        let mut met: BTreeMap<SubjectId, (ObjectId, Strength)> = BTreeMap::new();
        for (handle, subject, strength) in &found {
            let there = known.iter().any(|one| one.subject == *subject);
            if !there && self.still_checkable(tx, ends, *subject)? {
                let one = met.entry(*subject).or_insert((ObjectId::new(*handle), *strength));
                one.1 = one.1.max(*strength);
            }
        }
        // Which token was answered with which random handle, and so which subject.
        let answered = claims.halves.iter().zip(&handles.handles);
        for (half, handle) in answered.filter_map(|(half, handle)| Some((half, (*handle)?))) {
            let subject = found.iter().find(|(one, ..)| *one == handle).map(|(_, subject, _)| subject);
            if let Some((handle, _)) = subject.and_then(|subject| met.get(subject)) {
                checks::add_standing_hit(tx, number, half, *handle)?;
            }
        }
        self.stand_candidates(tx, row, met)
    }

    fn stand_candidates(
        &self,
        tx: &mut dyn Tx,
        mut row: Check,
        met: BTreeMap<SubjectId, (ObjectId, Strength)>,
    ) -> Result<(), AppError> {
        if met.is_empty() {
            return Ok(());
        }
        let mut events: Vec<Event> = Vec::new();
        for (subject, (handle, strength)) in met {
            checks::add_candidate(tx, &new_candidate((row.id, handle), subject, strength, self.now()))?;
            row.hits = row.hits.saturating_add(1);
            events.push(base("check.standing_hit", &row).with(&row.partner).verdict(strength.code()));
        }
        row.state = CheckState::PossibleHit;
        checks::save(tx, &row)?;
        self.log(tx, &events).map(drop)
    }
}

fn warrant(title: &Title) -> Warrant {
    Warrant {
        reference: title.reference.clone(),
        persons: title.persons.map(OfficerId::new),
        ends: title.ends,
    }
}

fn stored(title: &Title) -> StandingTitle {
    let [first, second] = title.persons;
    let (ends, until): (Timestamp, Timestamp) = (title.ends, title.until);
    StandingTitle { reference: title.reference.clone(), ends, until, first, second: Some(second) }
}

const fn code(error: StandingError) -> &'static str {
    let refusal = match error {
        StandingError::Warrant => CheckRefusal::StandingWarrant,
        StandingError::TwoPerson => CheckRefusal::TwoPersons,
        StandingError::Count => CheckRefusal::StandingCount,
        StandingError::Over => CheckRefusal::StandingOver,
        StandingError::Life | _ => CheckRefusal::StandingLife,
    };
    refusal.code()
}
