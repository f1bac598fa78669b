//! Reasons looked at afterwards (domain page, limit L3): whoever reads or asks about a person says why, and another person
//! judges some of these reasons, drawn at random. Who asks about somebody of their own name is not refused: it is an
//! alarm, an entry, and a reason that waits to be judged without being drawn.
//!
//! # What it deliberately does not do
//! Say whether somebody is a relative: it compares names, by their sounds in any script, and namesakes ring too.

use core::sync::atomic::Ordering;

use mithaq_check::{Code, eighths, name_codes};
use mithaq_db::Tx;
use mithaq_model::{Claim, Days, ObjectId, Subject, SubjectId, Text, Value};
use mithaq_names::Name;
use mithaq_store::justifications::{self, Justification};
use mithaq_store::people;

use crate::App;
use crate::cases::CaseAccess;
use crate::error::AppError;
use crate::log::Event;
use crate::ports::{Entropy, fresh, random};
use crate::rights::{May, intent};

/// How old a reason may be when it is drawn.
const RECENT: Days = Days(30);
/// How long reasons are kept.
const KEPT: Days = Days(180);
/// Most reasons that a sample is drawn from, the newest.
const POOL_MAX: u32 = 100_000;
/// Most that are listed.
const LIST_MAX: u32 = 1_000;
/// Drawn at once, unless the configuration says another number.
pub(crate) const SAMPLE: usize = 10;
/// Eighths of a bit from which a part of a name that is not the last counts as a family name.
const TELLING: u16 = 8 * 8;

/// What somebody found about a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It carries what was done.
    InOrder,
    /// The officer is asked.
    Unclear,
    /// It does not: people decide what follows.
    NotInOrder,
}

impl Judgement {
    const ALL: [Self; 3] = [Self::InOrder, Self::Unclear, Self::NotInOrder];

    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InOrder => "in_order",
            Self::Unclear => "unclear",
            Self::NotInOrder => "not_in_order",
        }
    }

    /// Reads a code.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for an unknown one.
    pub fn from_code(code: &str) -> Result<Self, AppError> {
        let found = Self::ALL.into_iter().find(|one| one.code() == code);
        found.ok_or_else(|| AppError::invalid("finding").hint("give in_order, unclear or not_in_order"))
    }
}

impl App {
    /// Sets how many reasons are drawn at once; at least one.
    pub fn sample_justifications(&self, count: usize) {
        self.sample.store(count.max(1), Ordering::Relaxed);
    }

    /// Keeps the reason of what an officer does in a case to or about a person. Returns what is to be logged beside it
    /// when the person has the officer's own name.
    pub(crate) fn justify(
        &self,
        tx: &mut dyn Tx,
        access: &CaseAccess,
        (did, object): (&str, ObjectId),
        asked: &[Name],
    ) -> Result<Option<Event>, AppError> {
        let own = people::get(tx, &self.vault, access.actor())?;
        let likeness = own.and_then(|own| likeness(own.officer.name.reveal(), asked));
        let one = Justification {
            id: fresh(&*self.entropy)?,
            officer: access.actor(),
            case: access.case(),
            purpose: access.purpose(),
            did: did.to_owned(),
            object,
            at: self.now(),
            likeness: likeness.map(ToOwned::to_owned),
        };
        justifications::add(tx, &self.vault, &one, access.reason())?;
        let Some(likeness) = likeness else { return Ok(None) };
        self.tell(tx, "justification.own_name", one.id)?;
        Ok(Some(Event::in_case(access, "justification.own_name", object).verdict(likeness)))
    }

    /// The names of subjects that are asked about.
    pub(crate) fn names_asked(&self, tx: &mut dyn Tx, asked: &[SubjectId]) -> Result<Vec<Name>, AppError> {
        let mut names = Vec::new();
        for number in asked {
            let Some(subject) = self.stored_subject(tx, *number)? else { continue };
            names.extend(names_of(&subject));
        }
        Ok(names)
    }

    /// Draws reasons of the last thirty days, of other people, that nobody judged yet: each as likely as any other.
    /// Returns how many.
    ///
    /// # Errors
    /// When the store fails or the system gives no randomness.
    pub fn draw_justifications(&self, may: May<intent::JudgeJustification>) -> Result<usize, AppError> {
        let wanted = self.sample.load(Ordering::Relaxed);
        self.write(move |app, tx| {
            let since = app.now().minus(RECENT);
            let mut pool = justifications::pool(tx, since, may.actor(), POOL_MAX)?;
            let count = wanted.min(pool.len());
            for place in 0..count {
                let other = place + below(&*app.entropy, pool.len() - place)?;
                pool.swap(place, other);
            }
            for one in pool.iter().take(count) {
                justifications::draw(tx, *one, app.now())?;
            }
            let event = Event::by(may, "justification.drawn", &app.party).verdict(format!("{count}"));
            app.log(tx, &[event])?;
            Ok(count)
        })
    }

    /// Returns the reasons of other people that wait to be judged, drawn or because of a name, the oldest first. Reading
    /// them is an entry: reasons may speak of persons.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open_justifications(
        &self,
        may: May<intent::JudgeJustification>,
    ) -> Result<Vec<(Justification, Text)>, AppError> {
        self.write(move |app, tx| {
            let open = justifications::open(tx, &app.vault, may.actor(), LIST_MAX)?;
            let event = Event::by(may, "justification.read", &app.party).verdict(format!("{}", open.len()));
            app.log(tx, &[event])?;
            Ok(open)
        })
    }

    /// Judges a reason that somebody else gave.
    ///
    /// # Errors
    /// When none of that number waits to be judged by this person.
    pub fn judge_justification(
        &self,
        may: May<intent::JudgeJustification>,
        number: ObjectId,
        judgement: Judgement,
    ) -> Result<(), AppError> {
        self.attempt(Event::refused(may, number), move |app, tx| {
            let by = (may.actor(), app.now());
            let (case, purpose) = justifications::judge(tx, number, judgement.code(), by)?;
            if judgement == Judgement::NotInOrder {
                app.tell(tx, "justification.not_in_order", number)?;
            }
            let event = Event::by(may, "justification.judged", number).case(case).purpose(purpose);
            app.log(tx, &[event.verdict(judgement.code())])?;
            Ok(())
        })
    }

    /// Erases reasons that were kept long enough. The node's timer calls it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn erase_old_justifications(&self, limit: u32) -> Result<usize, AppError> {
        let before = self.now().minus(KEPT);
        let done = self.write(move |app, tx| {
            let erased = justifications::erase_before(tx, before, limit)?;
            if erased > 0 {
                let event = Event::system("justification.erased", &app.party).verdict(format!("{erased}"));
                app.log(tx, &[event])?;
            }
            Ok(erased)
        })?;
        self.after_erasing(done)
    }
}

/// A number below a limit, each as likely as any other.
fn below(entropy: &dyn Entropy, limit: usize) -> Result<usize, AppError> {
    let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
    // What is beyond the last whole multiple would favour small numbers.
    let whole = u64::MAX - u64::MAX % limit;
    loop {
        let drawn = u64::from_be_bytes(random::<8>(entropy)?);
        if drawn < whole {
            return Ok(usize::try_from(drawn % limit).unwrap_or(0));
        }
    }
}

/// The names of a subject.
pub(crate) fn names_of(subject: &Subject) -> Vec<Name> {
    let name = |claim: &Claim| {
        if let Value::Name { full, .. } = &claim.value { Some(Name::parse(full.reveal())) } else { None }
    };
    subject.claims().iter().filter_map(name).collect()
}

/// Whether one of the names is the officer's own (`self`), or shares what is behind the first part of it (`family`).
fn likeness(officer: &str, asked: &[Name]) -> Option<&'static str> {
    let own = name_codes(&Name::parse(officer));
    let mut family = false;
    for name in asked {
        let other = name_codes(name);
        if is_whole(&own, &other) {
            return Some("self");
        }
        family |= shares_family(&own, &other);
    }
    family.then_some("family")
}

fn meet(one: &[Code], other: &[Code]) -> bool {
    one.iter().any(|code| other.contains(code))
}

/// Every part of the shorter name, two at least, is a part of its own of the longer.
fn is_whole(one: &[Vec<Code>], other: &[Vec<Code>]) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let mut left: Vec<&Vec<Code>> = long.iter().collect();
    let mut all = short.iter().map(|part| {
        let found = left.iter().position(|other| meet(part, other));
        found.map(|at| left.swap_remove(at)).is_some()
    });
    short.len() >= 2 && all.all(|found| found)
}

fn shares_family(own: &[Vec<Code>], other: &[Vec<Code>]) -> bool {
    let last = own.len().saturating_sub(1);
    let telling = |part: &[Code]| part.iter().all(|code| eighths(*code) >= TELLING);
    let families = own.iter().enumerate().skip(1).filter(|(n, part)| *n == last || telling(part));
    let theirs = if other.len() > 1 { other.get(1..).unwrap_or_default() } else { other };
    let mut families = families.map(|(_, part)| part);
    families.any(|part| theirs.iter().any(|their| meet(part, their)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(officer: &str, asked: &str) -> Option<&'static str> {
        likeness(officer, &[Name::parse(asked)])
    }

    #[test]
    fn own_names_are_found_in_any_script() {
        assert_eq!(ask("Abdelhamid Bouziane", "عبد الحميد بوزيان"), Some("self"));
        assert_eq!(ask("Abdelhamid Bouziane", "Бузиан Абдельхамид"), Some("self"));
        assert_eq!(ask("Abdelhamid Bouziane", "Leïla Bouziane"), Some("family"));
        assert_eq!(ask("Pilar Quintana Ruiz", "Hugo Quintana Salas"), Some("family"));
        assert_eq!(ask("Abdelhamid Bouziane", "عبد الحميد تازروت"), None, "a first name alone is no family");
        assert_eq!(ask("Abdelhamid Bouziane", "Pilar Quintana"), None);
        assert_eq!(ask("analyst of ma-security", ""), None);
        assert_eq!(likeness("Abdelhamid", &[]), None);
    }

    #[test]
    fn judgements_are_their_codes() {
        for one in Judgement::ALL {
            assert_eq!(Judgement::from_code(one.code()).unwrap(), one);
        }
        assert!(Judgement::from_code("fine").unwrap_err().next_step().is_some());
    }
}
