//! Subjects: written, imported, found and read inside a case. There is no list-all, no wildcard and no export:
//! a search names a case, a purpose, a reason and at least two parts of a name or a document.

use mithaq_db::Tx;
use mithaq_model::{CaseId, Subject, SubjectId, Text};
use mithaq_names::Name;
use mithaq_store::subjects::{self, Head, NewSubject, Scope};
use mithaq_wire::{decode_subject, encode_subject};

use crate::App;
use crate::cases::CaseAccess;
use crate::drafts::damaged;
use crate::error::AppError;
use crate::justifications::names_of;
use crate::log::{Committed, Event};
use crate::ports::random;
use crate::rights::{May, intent};
use crate::terms::{query_terms, terms_of};

/// Most subjects found by one search: more means that the question was too wide.
pub const HITS_MAX: u32 = 25;
/// Most subjects written at once.
pub const BATCH_MAX: usize = 256;
/// Subjects erased in one transaction: short enough for who waits behind it.
const ERASE_TOGETHER: usize = 128;

/// What a search asks.
#[derive(Debug, Clone)]
pub struct Query {
    /// A name, in any script; at least two parts of it.
    pub name: Option<Text>,
    /// The number of a document.
    pub document: Option<Text>,
}

/// A subject that was found: its number and how many parts of the question it shares. Reading it is another
/// step, logged by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Number.
    pub subject: SubjectId,
    /// Parts of the question found.
    pub shared: u32,
    /// Parts the question has.
    pub asked: u32,
}

impl App {
    /// Writes new subjects into a case.
    ///
    /// # Errors
    /// When there are more than [`BATCH_MAX`], one has no claims, or a number is taken.
    pub fn add_subjects(
        &self,
        may: May<intent::WriteSubject>,
        access: &CaseAccess,
        new: Vec<Subject>,
    ) -> Result<usize, AppError> {
        self.own_access(may, access)?;
        if new.len() > BATCH_MAX {
            return Err(AppError::invalid("subjects").hint("write at most 256 subjects at once"));
        }
        let case = access.case();
        let prepared = new.iter().map(|subject| self.prepare(subject)).collect::<Result<Vec<_>, _>>()?;
        self.attempt(Event::refused(may, case).case(case), move |app, tx| {
            let cases = [case];
            let rows: Vec<NewSubject<'_>> = prepared.iter().map(|one| one.row(&cases)).collect();
            subjects::add_many(tx, &app.vault, &rows)?;
            let events: Vec<Event> = prepared
                .iter()
                .map(|one| Event::by(may, "subject.added", one.head.id).case(case).committed(one.committed))
                .collect();
            app.log(tx, &events)?;
            Ok(prepared.len())
        })
    }

    /// Searches inside one case.
    ///
    /// # Errors
    /// When the question is too wide: fewer than two parts of a name and no document.
    pub fn search(
        &self,
        may: May<intent::ReadSubject>,
        access: &CaseAccess,
        query: &Query,
    ) -> Result<Vec<Hit>, AppError> {
        self.own_access(may, access)?;
        let (case, purpose) = (access.case(), access.purpose());
        let tried = Event::refused(may, case).case(case).purpose(purpose);
        let asked = self.answered(tried, query_terms(query))?;
        let salt = random::<32>(&*self.entropy)?;
        let terms: Vec<_> = asked.iter().map(|term| self.vault.term(term)).collect();
        // Oversight can later open what was asked; the log itself does not tell.
        let committed = Committed::to(
            mithaq_model::ObjectId::new(*case.as_bytes()),
            0,
            salt,
            asked.join("\n").as_bytes(),
        );
        let total = u32::try_from(asked.len()).unwrap_or(u32::MAX);
        let names: Vec<Name> = query.name.iter().map(|name| Name::parse(name.reveal())).collect();
        let access = access.clone();
        self.write(move |app, tx| {
            let about = mithaq_model::ObjectId::new(*case.as_bytes());
            let own_name = app.justify(tx, &access, ("subject.searched", about), &names)?;
            let found = subjects::find(tx, &terms, Scope::Cases(&[case]), HITS_MAX)?;
            let event = Event::by(may, "subject.searched", case).case(case).purpose(purpose);
            let verdict = format!("hits:{}", found.len());
            let event = event.committed(committed).verdict(verdict);
            app.log(tx, &[event].into_iter().chain(own_name).collect::<Vec<_>>())?;
            Ok(found.into_iter().map(|(subject, shared)| Hit { subject, shared, asked: total }).collect())
        })
    }

    /// Reads one subject of the case, with its claims. Logged with the purpose and, as a commitment, the reason.
    ///
    /// # Errors
    /// When it is not of this case: the same answer as when it does not exist.
    pub fn read_subject(
        &self,
        may: May<intent::ReadSubject>,
        access: &CaseAccess,
        subject: SubjectId,
        reason: &Text,
    ) -> Result<Subject, AppError> {
        self.own_access(may, access)?;
        let salt = random::<32>(&*self.entropy)?;
        let (case, purpose, reason) = (access.case(), access.purpose(), reason.clone());
        let access = access.clone();
        self.write(move |app, tx| {
            let of_case = subjects::cases_of(tx, subject)?.contains(&case);
            let shown = if of_case { app.stored_subject(tx, subject)? } else { None };
            let object = mithaq_model::ObjectId::new(*subject.as_bytes());
            let committed = Committed::to(object, 0, salt, reason.reveal().as_bytes());
            let event =
                Event::by(may, "subject.read", subject).case(case).purpose(purpose).committed(committed);
            let verdict = if shown.is_some() { "permit" } else { "CASE" };
            let own_name = match &shown {
                Some(shown) => app.justify(tx, &access, ("subject.read", object), &names_of(shown))?,
                None => None,
            };
            app.log(tx, &[event.verdict(verdict)].into_iter().chain(own_name).collect::<Vec<_>>())?;
            Ok(shown)
        })?
        .ok_or_else(AppError::not_found)
    }

    /// Returns a subject with its claims, whoever may see it; none when there is none of this number.
    pub(crate) fn stored_subject(
        &self,
        tx: &mut dyn Tx,
        number: SubjectId,
    ) -> Result<Option<Subject>, AppError> {
        let stored = subjects::get(tx, &self.vault, number)?;
        let read = stored.map(|stored| decode_subject(&stored.content)).transpose();
        read.map_err(|error| damaged("subject", error))
    }

    /// Erases up to `limit` subjects whose time is over: content, search terms and salts; the log stays whole. Which ones
    /// is asked beside the writer, because a hold may stand on many that are due; each part of them is a transaction of
    /// its own, after which other writes have their turn and `go_on` is asked. Returns how many were erased.
    ///
    /// The write-ahead log is cut by [`App::wipe_again`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn erase_expired_subjects(&self, limit: u32, go_on: &dyn Fn() -> bool) -> Result<usize, AppError> {
        let now = self.now();
        let due = self.read(move |_app, tx| Ok(subjects::expired(tx, now, limit)?))?;
        let mut done = 0_usize;
        for part in due.chunks(ERASE_TOGETHER) {
            done = done.saturating_add(self.erase_due(part.to_vec())?);
            self.wiping.erased();
            if !go_on() {
                break;
            }
        }
        Ok(done)
    }

    fn erase_due(&self, due: Vec<SubjectId>) -> Result<usize, AppError> {
        self.write(move |app, tx| {
            let due = subjects::still_expired(tx, app.now(), &due)?;
            subjects::erase(tx, &due)?;
            let events: Vec<Event> =
                due.iter().map(|subject| Event::system("subject.erased", subject).verdict("RET")).collect();
            if !events.is_empty() {
                app.log(tx, &events)?;
            }
            Ok(due.len())
        })
    }

    fn prepare(&self, subject: &Subject) -> Result<Prepared, AppError> {
        let expires = subject.claims().iter().map(|claim| claim.expires).min();
        let expires =
            expires.ok_or_else(|| AppError::invalid("claims").hint("a subject needs at least one claim"))?;
        let content = encode_subject(subject);
        let salt = random::<32>(&*self.entropy)?;
        let object = mithaq_model::ObjectId::new(*subject.id().as_bytes());
        let recorded =
            subject.claims().iter().map(|claim| claim.recorded).min().unwrap_or_else(|| self.now());
        Ok(Prepared {
            committed: Committed::to(object, 1, salt, &content),
            terms: terms_of(subject).iter().map(|term| self.vault.term(term)).collect(),
            head: Head {
                id: subject.id(),
                kind: subject.kind(),
                class: subject.class(),
                minor: subject.is_minor(),
                protected: subject.protected_roles().to_vec(),
                recorded,
                expires,
            },
            content,
        })
    }
}

#[derive(Clone)]
struct Prepared {
    head: Head,
    content: Vec<u8>,
    terms: Vec<mithaq_store::Term>,
    committed: Committed,
}

impl Prepared {
    fn row<'a>(&'a self, cases: &'a [CaseId]) -> NewSubject<'a> {
        NewSubject {
            head: self.head.clone(),
            content: &self.content,
            cases,
            reports: &[],
            terms: &self.terms,
        }
    }
}
