//! What becomes an entry of the ledger. Every read, search, decision and disclosure passes here, inside the
//! transaction it belongs to.

use core::fmt::Display;
use core::ops::Range;

use mithaq_db::Tx;
use mithaq_ledger::{Code, Entry, Hash, Id, Pseudonym, commit_digest, content_digest};
use mithaq_model::{AgreementId, CaseId, ObjectId, OfficerId, PartyId, Purpose, Timestamp};
use mithaq_store::ledger::{Append, Salt};
use mithaq_wire::Digest;

use crate::App;
use crate::cases::CaseAccess;
use crate::error::{AppError, ErrorKind, words};
use crate::rights::{Intent, May};

/// Salt and digest behind the commitment of an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Committed {
    salt: Salt,
    commitment: Hash,
}

impl Committed {
    /// Commits to the content of a version of an object.
    pub(crate) fn to(object: ObjectId, version: u32, salt: [u8; 32], content: &[u8]) -> Self {
        let digest = content_digest(content);
        let commitment = commit_digest(&salt, &digest);
        Self { salt: Salt { object, version, salt, digest }, commitment }
    }
}

/// One thing that happened. Codes and references only: there is no field a sentence or name fits into.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    kind: String,
    role: &'static str,
    object: String,
    actor: Option<OfficerId>,
    case: Option<String>,
    purpose: Option<Purpose>,
    agreement: Option<AgreementId>,
    counterparty: Option<PartyId>,
    verdict: Option<String>,
    committed: Option<Committed>,
    envelope: Option<Hash>,
}

impl Event {
    /// Something the node did by itself.
    pub(crate) fn system(kind: &str, object: impl Display) -> Self {
        Self {
            kind: kind.to_owned(),
            role: "system",
            object: object.to_string(),
            actor: None,
            case: None,
            purpose: None,
            agreement: None,
            counterparty: None,
            verdict: None,
            committed: None,
            envelope: None,
        }
    }

    /// Something a person did.
    pub(crate) fn by<I: Intent>(may: May<I>, kind: &str, object: impl Display) -> Self {
        Self { role: may.role().code(), actor: Some(may.actor()), ..Self::system(kind, object) }
    }

    /// Something about what a person did in a case.
    pub(crate) fn in_case(access: &CaseAccess, kind: &str, object: impl Display) -> Self {
        let event =
            Self { role: access.role().code(), actor: Some(access.actor()), ..Self::system(kind, object) };
        event.case(access.case()).purpose(access.purpose())
    }

    /// Something a person tried: the same kind for every intent, so that one look finds all refusals.
    pub(crate) fn refused<I: Intent>(may: May<I>, object: impl Display) -> Self {
        Self::by(may, &format!("refused.{}", I::CODE), object)
    }

    /// Something a person tried without a role that allows it.
    pub(crate) fn forbidden(actor: OfficerId, intent: &str) -> Self {
        Self { role: "none", actor: Some(actor), ..Self::system(&format!("refused.{intent}"), actor) }
    }

    /// Of the case, for what belongs to one.
    pub(crate) fn case(mut self, case: impl Into<Option<CaseId>>) -> Self {
        self.case = case.into().map(|case| case.to_string());
        self
    }

    pub(crate) fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = Some(purpose);
        self
    }

    pub(crate) fn agreement(mut self, agreement: AgreementId) -> Self {
        self.agreement = Some(agreement);
        self
    }

    pub(crate) fn with(mut self, counterparty: &PartyId) -> Self {
        self.counterparty = Some(counterparty.clone());
        self
    }

    pub(crate) fn verdict(mut self, verdict: impl Into<String>) -> Self {
        self.verdict = Some(verdict.into());
        self
    }

    pub(crate) fn committed(mut self, committed: Committed) -> Self {
        self.committed = Some(committed);
        self
    }

    /// The message it is about, by the hash of its ciphertext: it commits without a salt, and a partner's receipt
    /// names the same hash.
    pub(crate) const fn envelope(mut self, hash: Digest) -> Self {
        self.envelope = Some(Hash::new(hash.0));
        self
    }

    /// A commitment that both sides of a private check log alike; its opening is kept apart.
    pub(crate) const fn commitment(mut self, hash: [u8; 32]) -> Self {
        self.envelope = Some(Hash::new(hash));
        self
    }

    fn entry(&self, at: Timestamp) -> Result<Append<'_>, AppError> {
        let code = |text| Code::new(text).map_err(bug);
        let id = |text| Id::new(text).map_err(bug);
        let mut entry = Entry::new(
            code(self.kind.as_str())?,
            at.as_millis(),
            code(self.role)?,
            id(self.object.as_str())?,
        );
        entry.actor = self.actor.map(|officer| Pseudonym(*officer.as_bytes()));
        entry.case = self.case.as_deref().map(id).transpose()?;
        entry.purpose = self.purpose.map(|purpose| code(purpose.code())).transpose()?;
        entry.agreement = self.agreement.map(|agreement| Hash::new(*agreement.as_bytes()));
        entry.counterparty = self.counterparty.as_ref().map(|party| id(party.as_str())).transpose()?;
        entry.verdict = self.verdict.as_deref().map(id).transpose()?;
        entry.commitment = self.committed.map(|committed| committed.commitment).or(self.envelope);
        Ok(Append { entry, salt: self.committed.map(|committed| committed.salt) })
    }
}

fn bug(error: impl std::error::Error + Send + Sync + 'static) -> AppError {
    AppError::new(ErrorKind::Bug, "ledger.entry", words::BUG).because(error)
}

impl App {
    /// Runs a job that may write, for a person. When the answer is no (the job is rolled back then), the attempt
    /// is an entry before the person hears of it: `tried`, with the stable code of the refusal as its verdict.
    /// What failed without being a refusal (the store is out of reach, a mistake of ours) leaves none.
    ///
    /// # Errors
    /// The job's own; the store's, when the entry could not be made durable.
    pub(crate) fn attempt<T, F>(&self, tried: Event, job: F) -> Result<T, AppError>
    where
        T: Send + 'static,
        F: FnOnce(&Self, &mut dyn Tx) -> Result<T, AppError> + Clone + Send + 'static,
    {
        let done = self.write(job);
        self.answered(tried, done)
    }

    /// Makes an answer of no an entry; see [`App::attempt`].
    ///
    /// # Errors
    /// The answer's own; the store's, when the entry could not be made durable.
    pub(crate) fn answered<T>(&self, tried: Event, answer: Result<T, AppError>) -> Result<T, AppError> {
        match answer {
            Err(error) if error.is_no() => self.refuse(tried, error),
            done => done,
        }
    }

    /// Makes a refusal an entry, then returns it.
    ///
    /// # Errors
    /// Always: the refusal, or why it could not be written down.
    pub(crate) fn refuse<T>(&self, tried: Event, error: AppError) -> Result<T, AppError> {
        let tried = tried.verdict(error.code());
        self.write(move |app, tx| app.log(tx, &[tried]).map(drop))?;
        Err(error)
    }

    /// Appends events in the caller's transaction; the last thing a job does, so that the log's lock is short.
    pub(crate) fn log(&self, tx: &mut dyn Tx, events: &[Event]) -> Result<Range<u64>, AppError> {
        let now = self.now();
        let appends = events.iter().map(|event| event.entry(now)).collect::<Result<Vec<_>, _>>()?;
        let positions = self.ledger.append(tx, &self.vault, &appends)?;
        self.ensure_current(tx)?;
        events.iter().for_each(|event| crate::tally::note(&event.kind, event.verdict.as_deref()));
        Ok(positions)
    }
}
