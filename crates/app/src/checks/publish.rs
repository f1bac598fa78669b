//! Tag sets of this node: which subjects, under which key, for whom. A person publishes the first; the node makes a new
//! one every day and a new key every thirty, and destroys the old.

use std::collections::BTreeMap;
use std::sync::Arc;

use mithaq_check::oprf::{Mode, SecretKey, own_outputs};
use mithaq_check::{
    Known as Facts, Party, Register, SetHeader, SignedSet, Strength, TagSet, TokenKey, TokenPolicy, filled,
    inputs, tokens,
};
use mithaq_db::Tx;
use mithaq_envelope::NodeSigner as _;
use mithaq_model::{AgreementId, CaseId, Days, Millis, ObjectId, PartyId, SubjectId};
use mithaq_store::checks::{self, Epoch, StoredSet};
use mithaq_store::{Page, cases, subjects};
use mithaq_wire::decode_subject;
use zeroize::Zeroizing;

use super::serve::{about_key, read_key};
use super::{Ends, agreed, checkable, covers, line, usable};
use crate::App;
use crate::drafts::damaged;
use crate::error::AppError;
use crate::log::Event;
use crate::ports::random;
use crate::registry::Known;
use crate::rights::{May, intent};

/// Life of a key.
const EPOCH: Days = Days(30);
/// How often a set is made anew: on a fixed cadence, so that its time says nothing of who was added.
const CADENCE: Millis = Millis::hours(24);
/// Subjects read at once.
const PAGE: u32 = 256;

/// A token of a subject of this node.
struct Held {
    key: TokenKey,
    subject: SubjectId,
    strength: Strength,
}

/// An epoch with its key, as long as there is one.
type Found = Option<(Epoch, Option<mithaq_store::Plain>)>;

impl App {
    /// Publishes the tag set for a partner: a new key where none is in its time, then all subjects that class, handling
    /// and agreement allow. Returns how many subjects are in it. From then on the node makes a new one every day.
    ///
    /// # Errors
    /// When the agreement provides for no check, is not in force, or the partner is no party to it.
    pub fn publish_set(
        &self,
        may: May<intent::PublishSet>,
        agreement: AgreementId,
        partner: &PartyId,
    ) -> Result<u32, AppError> {
        let ends = (agreement, partner.clone());
        let tried = Event::refused(may, partner).agreement(agreement);
        let done = self.publish(&ends, move |kind, number| Event::by(may, kind, number));
        self.answered(tried, done)
    }

    /// Returns what is known of all sets: own ones and those of partners.
    ///
    /// # Errors
    /// When the store fails.
    pub fn check_sets(&self, _may: May<intent::ReadCheck>) -> Result<Vec<StoredSet>, AppError> {
        self.read(|_app, tx| Ok(checks::sets(tx)?))
    }

    /// Makes anew the sets that are a day old or over. One that fails does not hold up the others.
    ///
    /// # Errors
    /// When the store fails.
    pub fn refresh_check_sets(&self) -> Result<(), AppError> {
        let now = self.now();
        let ended = self.write(move |app, tx| {
            let ended = checks::end_epochs(tx, now)?;
            let entry = |(agreement, partner, epoch): &(AgreementId, PartyId, u32)| {
                let ends = (*agreement, partner.clone());
                about_key("check.key_destroyed", &ends).verdict(format!("epoch:{epoch}"))
            };
            let events: Vec<Event> = ended.iter().map(entry).collect();
            if !events.is_empty() {
                app.log(tx, &events)?;
            }
            Ok(ended)
        })?;
        if !ended.is_empty() {
            let mut inside = self.checks.open();
            for (agreement, partner, epoch) in ended {
                let ends = (agreement, partner);
                if inside.registers.get(&ends).is_some_and(|((of, _), _)| *of == epoch) {
                    inside.registers.remove(&ends);
                }
            }
            drop(inside);
            self.wipe();
        }
        let due = self.read(move |_app, tx| {
            let sets = checks::sets(tx)?.into_iter();
            Ok(sets.filter(|set| set.own && set.built.plus(CADENCE) <= now).collect::<Vec<_>>())
        })?;
        for set in due {
            let ends = (set.agreement, set.partner);
            match self.publish(&ends, Event::system) {
                Ok(_subjects) => {}
                // The agreement ended or was suspended: no new set, and the old one ends by itself.
                Err(error) if error.is_no() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn publish(
        &self,
        ends: &Ends,
        event: impl Fn(&str, ObjectId) -> Event + Send + Copy + 'static,
    ) -> Result<u32, AppError> {
        let known = self.known(ends.0)?;
        let (terms, policy) = agreed(&known)?;
        let partner = known.agreement().party(&ends.1).is_some() && ends.1 != self.party;
        if !partner || !known.standing.is_in_force(self.now()) {
            return Err(AppError::not_found());
        }
        let mode = if terms.verifiable { Mode::Verifiable } else { Mode::Base };
        let (epoch, key) = self.epoch(ends, mode)?;
        let mut header = self.header(ends, &policy, (epoch, &key));
        let register = self.make_register(&known, &policy, (&header, &key))?;
        let subjects = register.1;
        let set = self.tag_set(&register.0)?;
        let (of, register) = (ends.clone(), Arc::new(register.0));
        let kept = Arc::clone(&register);
        let signed = self.write(move |app, tx| {
            let before = checks::set(tx, (&of.0, &of.1), true)?.filter(|set| set.epoch == epoch.number);
            header.number = before.map_or(0, |set| set.number).saturating_add(1);
            let mut failed = None;
            let signed = SignedSet::sign(header, set, |message| {
                app.keys.soft().sign_node(message).unwrap_or_else(|error| {
                    failed = Some(error);
                    [0; 64]
                })
            });
            if let Some(error) = failed {
                return Err(AppError::bug("check.sign").because(error));
            }
            let row = StoredSet { own: true, subjects, ..line::stored(&signed, &of, app.now()) };
            checks::put_set(tx, &row, &signed.to_bytes())?;
            let number = ObjectId::new(signed.header.nonce);
            let published = event("check.set_published", number).agreement(of.0).with(&of.1);
            let verdict = format!("epoch:{}.{}", signed.header.epoch, signed.header.number);
            app.log(tx, &[published.verdict(verdict).commitment(signed.digest())])?;
            Ok((of, signed))
        })?;
        let mut inside = self.checks.open();
        let made_for = (signed.1.header.epoch, signed.1.header.number);
        inside.registers.insert(signed.0.clone(), (made_for, kept));
        inside.sets.insert((signed.0, true), Arc::new(signed.1));
        drop(inside);
        // What was learned since: questions that stay are compared with it, on the cadence of the sets.
        self.compare_standings(ends)?;
        Ok(subjects)
    }

    /// The epoch in its time, or a new one with a new key.
    fn epoch(&self, ends: &Ends, mode: Mode) -> Result<(Epoch, SecretKey), AppError> {
        let (ends, now) = (ends.clone(), self.now());
        let seed = Zeroizing::new(random::<32>(&*self.entropy)?);
        self.write(move |app, tx| {
            let found = checks::newest_epoch(tx, &app.vault, (&ends.0, &ends.1))?;
            // The last day of a key is no time to begin a set that lives a day.
            let fresh = |epoch: &Epoch| now >= epoch.valid_from && now.plus(CADENCE) < epoch.valid_to;
            let last = found.as_ref().map_or(0, |(epoch, _)| epoch.number);
            if let Some((epoch, Some(bytes))) = found.filter(|(epoch, _)| fresh(epoch)) {
                return Ok((epoch, read_key(mode, &bytes)?));
            }
            let number = last.saturating_add(1);
            let epoch = Epoch { number, valid_from: now, valid_to: now.plus(EPOCH) };
            let info =
                [ends.0.as_bytes().as_slice(), &number.to_be_bytes(), ends.1.as_str().as_bytes()].concat();
            let key = SecretKey::derive(mode, &seed, &info)
                .map_err(|error| AppError::bug("check.key").because(error))?;
            checks::add_epoch(tx, &app.vault, (&ends.0, &ends.1), &epoch, &*key.to_bytes())?;
            let begun = about_key("check.key_made", &ends).verdict(format!("epoch:{number}"));
            app.log(tx, &[begun])?;
            Ok((epoch, key))
        })
    }

    pub(super) fn header(
        &self,
        ends: &Ends,
        policy: &TokenPolicy,
        (epoch, key): (Epoch, &SecretKey),
    ) -> SetHeader {
        SetHeader {
            agreement: ends.0,
            asked: self.party.clone(),
            asking: ends.1.clone(),
            epoch: epoch.number,
            number: 1,
            policy: policy.hash(),
            key: key.public(),
            valid_from: epoch.valid_from,
            valid_to: epoch.valid_to,
            nonce: [0; 16],
            slots: 0,
            filter: [0; 32],
        }
    }

    /// Tags of a register's outputs and dummies. A register without subjects gives dummies only: that too is no news.
    fn tag_set(&self, register: &Register) -> Result<TagSet, AppError> {
        let mut seeds = register.seeds();
        if seeds.is_empty() {
            seeds.push(random::<32>(&*self.entropy)?);
        }
        let count = u32::try_from(seeds.len()).unwrap_or(u32::MAX);
        let fill = usize::try_from(filled(count)).unwrap_or(0).saturating_sub(seeds.len());
        let dummies = (0..fill).map(|_| random::<32>(&*self.entropy)).collect::<Result<Vec<_>, _>>()?;
        TagSet::of(random::<16>(&*self.entropy)?, &seeds, &dummies)
            .map_err(|error| AppError::too_much("check.set_too_large").because(error))
    }

    /// The register of an epoch, from memory or made anew after a restart; none when its key is gone.
    pub(super) fn register(&self, ends: &Ends, epoch: u32) -> Result<Option<Arc<Register>>, AppError> {
        let of = ends.clone();
        let newest = self.read(move |_app, tx| Ok(checks::set(tx, (&of.0, &of.1), true)?))?;
        let Some(made_for) = newest.filter(|set| set.epoch == epoch).map(|set| (set.epoch, set.number))
        else {
            return Ok(None);
        };
        let kept = self.checks.open().registers.get(ends).cloned();
        if let Some((_, register)) = kept.filter(|(of, _)| *of == made_for) {
            return Ok(Some(register));
        }
        let made = self.register_under(ends, move |app, tx, of| {
            let found = checks::newest_epoch(tx, &app.vault, of)?;
            Ok(found.filter(|(one, _)| one.number == epoch))
        })?;
        if let Some(register) = &made {
            self.checks.open().registers.insert(ends.clone(), (made_for, Arc::clone(register)));
        }
        Ok(made)
    }

    /// Makes the register under the key of an epoch that is found in the store; none where there is no key.
    pub(super) fn register_under(
        &self,
        ends: &Ends,
        find: impl FnOnce(&Self, &mut dyn Tx, (&AgreementId, &PartyId)) -> Result<Found, AppError>
        + Send
        + 'static,
    ) -> Result<Option<Arc<Register>>, AppError> {
        let known = self.known(ends.0)?;
        let (terms, policy) = agreed(&known)?;
        let mode = if terms.verifiable { Mode::Verifiable } else { Mode::Base };
        let of = ends.clone();
        let found = self.read(move |app, tx| {
            let Some((epoch, Some(bytes))) = find(app, tx, (&of.0, &of.1))? else { return Ok(None) };
            Ok(Some((epoch, read_key(mode, &bytes)?)))
        })?;
        let Some((epoch, key)) = found else { return Ok(None) };
        let header = self.header(ends, &policy, (epoch, &key));
        let (register, _) = self.make_register(&known, &policy, (&header, &key))?;
        Ok(Some(Arc::new(register)))
    }

    /// Outputs of all tokens of the subjects an agreement allows, and how many subjects these are.
    pub(super) fn make_register(
        &self,
        known: &Arc<Known>,
        policy: &TokenPolicy,
        (header, key): (&SetHeader, &SecretKey),
    ) -> Result<(Register, u32), AppError> {
        let (mut register, mut count) = (Register::default(), 0_u32);
        let areas = Arc::clone(known);
        let mut covered: BTreeMap<CaseId, bool> = BTreeMap::new();
        let mut after: Option<SubjectId> = None;
        loop {
            let (known, policy, mut seen) = (Arc::clone(&areas), *policy, covered);
            let page = Page { after, limit: PAGE };
            let (held, subjects, last, seen) = self.read(move |app, tx| {
                let (held, subjects) = app.held_of(tx, (&known, &policy), &page, &mut seen)?;
                Ok((held, subjects, subjects::page_end(tx, &page)?, seen))
            })?;
            covered = seen;
            count = count.saturating_add(subjects);
            let keys: Vec<TokenKey> = held.iter().map(|one| one.key).collect();
            let outputs = own_outputs(key, &inputs(header, &keys))
                .map_err(|error| AppError::bug("check.outputs").because(error))?;
            for (one, output) in held.iter().zip(&outputs) {
                register.add(output, one.subject, one.strength);
            }
            match last {
                Some(last) => after = Some(last),
                None => return Ok((register, count)),
            }
        }
    }

    /// The tokens of one page of subjects.
    fn held_of(
        &self,
        tx: &mut dyn Tx,
        (known, policy): (&Known, &TokenPolicy),
        page: &Page<SubjectId>,
        covered: &mut BTreeMap<CaseId, bool>,
    ) -> Result<(Vec<Held>, u32), AppError> {
        let (mut held, mut count) = (Vec::new(), 0_u32);
        for (stored, of) in subjects::of_classes(tx, &self.vault, &checkable(known), page)? {
            if !self.any_covered(tx, known, &of, covered)? {
                continue;
            }
            let subject = decode_subject(&stored.content).map_err(|error| damaged("subject", error))?;
            let Some(subject) = usable(&subject, &self.party, self.now()) else { continue };
            let made = tokens(policy, Party::Asked, &Facts::of(&subject));
            count = count.saturating_add(u32::from(!made.is_empty()));
            held.extend(made.iter().map(|token| Held {
                key: token.key(),
                subject: subject.id(),
                strength: token.strength(),
            }));
        }
        Ok((held, count))
    }

    /// Whether one of these cases is open and of an area the agreement covers.
    pub(super) fn any_covered(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        of: &[CaseId],
        covered: &mut BTreeMap<CaseId, bool>,
    ) -> Result<bool, AppError> {
        for case in of {
            let good = match covered.get(case) {
                Some(good) => *good,
                None => {
                    let stored = cases::get(tx, &self.vault, *case)?;
                    let good = stored.is_some_and(|stored| covers(known, &stored.case));
                    covered.insert(*case, good);
                    good
                }
            };
            if good {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a subject that met is still here and may still be checked.
    pub(super) fn still_checkable(
        &self,
        tx: &mut dyn Tx,
        ends: &Ends,
        number: SubjectId,
    ) -> Result<bool, AppError> {
        let known = self.known(ends.0)?;
        let Some(subject) = self.stored_subject(tx, number)? else { return Ok(false) };
        let of = subjects::cases_of(tx, number)?;
        let covered = self.any_covered(tx, &known, &of, &mut BTreeMap::new())?;
        let class = subject.class().is_some_and(|class| checkable(&known).contains(&class));
        Ok(covered && class && usable(&subject, &self.party, self.now()).is_some())
    }
}
