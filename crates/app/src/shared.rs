//! Several processes of one node on one database: who sends to whom, what each remembers, and how they wake each
//! other. A node on SQLite is one process: nothing of this is asked there.
//!
//! Two things keep a process honest whatever the others do. A write under a lease checks the lease in its own
//! transaction, so who slept through its term commits nothing. And a decision checks, after the log was locked, that
//! nothing changed in what it decided by: every change of an agreement is an entry of that log too, so no release can
//! be committed after the suspension it did not see. Notifications only make things quick.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};

use mithaq_db::{Share, Tx};
use mithaq_model::{Millis, PartyId};
use mithaq_store::leases::{self, Kept, Lease, Process, Turn};

use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::ports::random;

/// How long a lease is held without being renewed: so long it takes until another process goes on with the lanes of
/// one that died.
pub const LEASE: Millis = Millis(5_000);

/// Code of an answer that was decided by what another process changed meanwhile.
const OUTDATED: &str = "node.outdated";

/// What this process is among those of its node.
#[derive(Debug)]
pub(crate) struct Shared {
    on: AtomicBool,
    process: OnceLock<Process>,
}

impl Shared {
    pub(crate) fn new(on: bool) -> Self {
        Self { on: AtomicBool::new(on), process: OnceLock::new() }
    }
}

/// What processes tell each other. Never content: a word, and who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// A partner lost rows and is to be asked how far it has the lanes.
    Asked,
    /// Agreements, manifests, accreditation or a halt changed.
    Known,
    /// Leases were given back.
    Lease,
    /// Something waits in the outbox.
    Outbox,
}

impl Word {
    const ALL: [Self; 4] = [Self::Asked, Self::Known, Self::Lease, Self::Outbox];

    const fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Known => "known",
            Self::Lease => "lease",
            Self::Outbox => "outbox",
        }
    }
}

impl App {
    /// Whether other processes may work on the same database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.shared.on.load(Ordering::SeqCst)
    }

    /// From now on treats the database as one that other processes work on too. Always so on a server.
    pub fn share(&self) {
        self.shared.on.store(true, Ordering::SeqCst);
    }

    /// The random number of this process.
    fn process(&self) -> Result<Process, AppError> {
        if let Some(process) = self.shared.process.get() {
            return Ok(*process);
        }
        let drawn = random(&*self.entropy)?;
        Ok(*self.shared.process.get_or_init(|| drawn))
    }

    /// The application with every write under a lease: none of them commits after another process took it.
    #[must_use]
    pub fn under(&self, lease: Lease) -> Self {
        Self(Arc::clone(&self.0), Some(Arc::new(lease)))
    }

    /// Takes this process's turn: renews its leases, takes what nobody holds, gives back what is more than its
    /// share. To be called well within [`LEASE`].
    ///
    /// # Errors
    /// When the store fails; what was held is held until its term ends.
    pub fn take_turn(&self) -> Result<Kept, AppError> {
        let (process, given) = (self.process()?, self.now());
        let registry = self.registry();
        let partners: Vec<PartyId> =
            registry.peers.keys().filter(|party| **party != self.party).cloned().collect();
        self.db.write_again(Share::Alone, AppError::of_database, move |tx: &mut dyn Tx| {
            let now = leases::shared_now(tx, given)?;
            Ok(leases::turn(tx, &Turn { process, partners: &partners, now, until: now.plus(LEASE) })?)
        })
    }

    /// Gives every lease back and tells the others, so that they need not wait for its end.
    ///
    /// # Errors
    /// When the store fails.
    pub fn let_go(&self) -> Result<(), AppError> {
        let process = self.process()?;
        self.db.write_again(Share::Alone, AppError::of_database, move |tx: &mut dyn Tx| {
            Ok::<_, AppError>(leases::let_go(tx, process)?)
        })?;
        self.tell_others(Word::Lease);
        Ok(())
    }

    /// Reads again what is known, if another process changed it. Costs one small read on a server, nothing on SQLite.
    ///
    /// # Errors
    /// When the store fails.
    pub fn refresh(&self) -> Result<(), AppError> {
        if !self.is_shared() {
            return Ok(());
        }
        let stored = self.read(|_app, tx| Ok(leases::known_version(tx)?))?;
        if stored == self.registry().version { Ok(()) } else { self.reload() }
    }

    /// Listens to the other processes until the database is closed.
    ///
    /// # Errors
    /// When the machine gives no thread for it.
    pub fn listen(&self) -> Result<(), AppError> {
        let inner = Arc::downgrade(&self.0);
        self.db.listen(move |word| {
            if let Some(inner) = inner.upgrade() {
                Self(inner, None).heard(word);
            }
        })?;
        Ok(())
    }

    /// Tells the other processes.
    pub(crate) fn tell_others(&self, word: Word) {
        if self.is_shared()
            && let Ok(process) = self.process()
        {
            self.db.ring(&format!("{}:{}", word.code(), tag(process)));
        }
    }

    /// What another process says; `None`: something may have been missed.
    fn heard(&self, word: Option<&str>) {
        let said = word.and_then(|text| text.split_once(':'));
        if said.is_some_and(|(_, by)| self.process().is_ok_and(|process| tag(process) == by)) {
            return;
        }
        let known = said.and_then(|(code, _)| Word::ALL.into_iter().find(|one| one.code() == code));
        if matches!(known, None | Some(Word::Known))
            && let Err(error) = self.refresh()
        {
            // Asked again by whatever is decided next.
            tracing::warn!(code = error.code(), "what another process changed could not be read");
        }
        if known == Some(Word::Asked) {
            let partners = self.registry().peers.keys().cloned().collect::<Vec<_>>();
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).extend(partners);
        }
        self.look();
    }

    /// Has this process look at what is due, without a word to the others.
    pub fn look(&self) {
        (self.waker)();
    }

    /// Refuses a write under a lease that another process took.
    pub(crate) fn ensure_lease(&self, tx: &mut dyn Tx) -> Result<(), AppError> {
        match &self.1 {
            Some(lease) if !leases::holds(tx, lease)? => {
                Err(AppError::new(ErrorKind::Unavailable, "node.lease_lost", words::UNAVAILABLE))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses to commit what was decided by something that another process changed. After the log was locked.
    pub(crate) fn ensure_current(&self, tx: &mut dyn Tx) -> Result<(), AppError> {
        let Some(decided_by) = crate::tally::decided_by().filter(|_| self.is_shared()) else { return Ok(()) };
        if leases::known_version(tx)? == decided_by {
            return Ok(());
        }
        Err(AppError::new(ErrorKind::Unavailable, OUTDATED, words::UNAVAILABLE)
            .hint("an agreement was changed at the same moment: try again"))
    }

    /// Reads again what is known when an answer was refused because it changed: the next try sees it.
    pub(crate) fn unless_outdated<T>(&self, done: Result<T, AppError>) -> Result<T, AppError> {
        if done.as_ref().is_err_and(|error| error.code() == OUTDATED) {
            self.reload()?;
        }
        done
    }
}

/// Enough of a process's number to know one's own words again.
fn tag(process: Process) -> String {
    process.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
