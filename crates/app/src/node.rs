//! The application of one node: its database, vault, ledger, keys, clock and randomness. Every intent is a
//! method in the module it belongs to.

use core::ops::Deref;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use mithaq_db::{Db, DbError, Engine, Share, Tx};
use mithaq_envelope::SessionCache;
use mithaq_model::{Id16, Level, PartyId, Timestamp};
use mithaq_store::blobs::Blobs;
use mithaq_store::leases::Lease;
use mithaq_store::ledger::Ledger;
use mithaq_store::settings::{self, Identity};
use mithaq_store::{MasterKey, Vault};
use mithaq_wire::Digest;

use crate::attachments::{AttachmentLimits, Moving, Pull, Uploading};
use crate::error::{AppError, ErrorKind, words};
use crate::keys::Keys;
use crate::log::Event;
use crate::outbound::Sessions;
use crate::ports::{Clock, Entropy, HighWater};
use crate::registry::Registry;
use crate::throttle::Throttle;

/// Setting that says why the node stopped itself.
pub(crate) const HALTED: &str = "node.halted";

/// The application; cheap to clone.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>, pub(crate) Option<Arc<Lease>>);

/// What the modules of this crate see.
pub struct Inner {
    pub(crate) db: Db,
    pub(crate) vault: Vault,
    pub(crate) ledger: Ledger,
    pub(crate) party: PartyId,
    pub(crate) accreditation: RwLock<Level>,
    pub(crate) keys: Keys,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) registry: RwLock<Arc<Registry>>,
    pub(crate) sessions: Mutex<Sessions>,
    pub(crate) cache: Mutex<SessionCache>,
    pub(crate) waker: Box<dyn Fn() + Send + Sync>,
    /// How far the write-ahead log was cut behind the erasures.
    pub(crate) wiping: crate::wipe::Wiping,
    pub(crate) throttle: Throttle,
    /// Partners that lost rows and wait to be asked how far they have our lanes.
    pub(crate) asked: Mutex<BTreeSet<PartyId>>,
    /// Partners that asked how far their lanes go since that was last looked at.
    pub(crate) back: Mutex<BTreeSet<PartyId>>,
    /// Why the node stopped itself, a code.
    pub(crate) halted: RwLock<Option<String>>,
    pub(crate) mark: Arc<dyn HighWater>,
    pub(crate) tally: crate::tally::Tally,
    /// What this process is among those of one node.
    pub(crate) shared: crate::shared::Shared,
    /// Private checks under way, keys' registers, sets: in memory only.
    pub(crate) checks: crate::checks::Desk,
    /// Whether content is taken now.
    pub(crate) takes: core::sync::atomic::AtomicBool,
    pub(crate) blobs: Blobs,
    pub(crate) attachment_limits: RwLock<AttachmentLimits>,
    /// How many reasons are drawn at once.
    pub(crate) sample: core::sync::atomic::AtomicUsize,
    pub(crate) uploads: Moving<[u8; 16], Uploading>,
    pub(crate) pulls: Moving<Digest, Pull>,
}

impl Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// What a node is made from, besides its database.
pub struct Parts {
    /// Signing and decryption keys.
    pub keys: Keys,
    /// Key that wraps the keys of the records.
    pub master: MasterKey,
    /// Clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Called when something waits in the outbox; quick, from any thread.
    pub waker: Box<dyn Fn() + Send + Sync>,
    /// What is remembered of the log outside of the database.
    pub mark: Arc<dyn HighWater>,
    /// Where the bytes of attachments lie.
    pub blobs: Blobs,
}

impl App {
    /// Sets up a new node in an empty database: identity, vault, first log. The node holds nothing above
    /// *restricted* until its security officer enters an accreditation.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when the database holds a node already.
    pub fn create(
        db: Db,
        party: &PartyId,
        parts: Parts,
        (root, manifest): ([u8; 32], &[u8]),
    ) -> Result<Self, AppError> {
        migrate(&db)?;
        let identity = Identity { party: party.clone(), accreditation: Level::Restricted };
        let origin = format!("{party}/log");
        let (master, entropy, now) = (parts.master.clone(), Arc::clone(&parts.entropy), parts.clock.now());
        let stored = identity.clone();
        let (vault, ledger) = db.write(move |tx| {
            settings::create_identity(tx, &stored)?;
            let vault = Vault::create(tx, master, entropy)?;
            Ok::<_, AppError>((vault, Ledger::create(tx, 1, &origin, now)?))
        })?;
        let app = Self::assemble(db, identity, vault, ledger, parts);
        app.write(|app, tx| app.log(tx, &[Event::system("node.created", &app.party)]).map(drop))?;
        app.set_own_manifest(root, manifest)?;
        Ok(app)
    }

    /// Opens a node that was set up. Its log must go on from the last checkpoint it signed.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the database holds no node: none is made by surprise.
    /// [`ErrorKind::Integrity`] when the log is not the one that was signed: `store.rolled_back` when an older copy of
    /// the database was put in place.
    pub fn open(db: Db, parts: Parts) -> Result<Self, AppError> {
        migrate(&db)?;
        let (master, entropy) = (parts.master.clone(), Arc::clone(&parts.entropy));
        let (identity, vault, ledger) = db.write(move |tx| {
            let identity = settings::identity(tx)?.ok_or_else(not_set_up)?;
            let vault = Vault::open(tx, master, entropy)?;
            let ledger = Ledger::open(tx)?;
            Ok::<_, AppError>((identity, vault, ledger))
        })?;
        let app = Self::assemble(db, identity, vault, ledger, parts);
        app.check_log()?;
        app.reload()?;
        app.reload_halt()?;
        app.reconcile_attachments()?;
        app.started()?;
        Ok(app)
    }

    pub(crate) fn assemble(db: Db, identity: Identity, vault: Vault, ledger: Ledger, parts: Parts) -> Self {
        let shared = crate::shared::Shared::new(db.engine() == Engine::Postgres);
        db.lock_first(mithaq_store::ledger::LOCK);
        let inner = Inner {
            db,
            vault,
            ledger,
            party: identity.party,
            accreditation: RwLock::new(identity.accreditation),
            keys: parts.keys,
            clock: parts.clock,
            entropy: parts.entropy,
            registry: RwLock::default(),
            sessions: Mutex::default(),
            cache: Mutex::new(Self::new_cache()),
            waker: parts.waker,
            wiping: crate::wipe::Wiping::default(),
            throttle: Throttle::default(),
            asked: Mutex::default(),
            back: Mutex::default(),
            halted: RwLock::default(),
            mark: parts.mark,
            tally: crate::tally::Tally::default(),
            shared,
            checks: crate::checks::Desk::default(),
            takes: core::sync::atomic::AtomicBool::new(true),
            blobs: parts.blobs,
            attachment_limits: RwLock::default(),
            sample: crate::justifications::SAMPLE.into(),
            uploads: Moving::default(),
            pulls: Moving::default(),
        };
        Self(Arc::new(inner), None)
    }

    /// Returns the party this node acts for.
    #[must_use]
    pub fn party(&self) -> &PartyId {
        &self.party
    }

    /// Returns the highest level this node may store.
    #[must_use]
    pub fn accreditation(&self) -> Level {
        *self.accreditation.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the time by the node's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns a new random identifier.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn fresh_id<I: Id16>(&self) -> Result<I, AppError> {
        Ok(crate::ports::fresh(&*self.entropy)?)
    }

    /// Takes a reference into a source, as the ledger may hold it: no sentence, no name.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when it is no reference.
    pub fn reference(&self, text: &str) -> Result<String, AppError> {
        let reference =
            mithaq_ledger::Id::new(text).map_err(|why| AppError::invalid("reference").because(why))?;
        Ok(reference.as_str().to_owned())
    }

    /// Why the node stopped itself, a code: it signs, sends and takes nothing until people have decided.
    #[must_use]
    pub fn halted(&self) -> Option<String> {
        self.halted.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops the node in the caller's transaction: it was shown to be one of two, or to have lost what it signed.
    pub(crate) fn halt_in(&self, tx: &mut dyn Tx, code: &str, shown_by: &PartyId) -> Result<(), AppError> {
        settings::set(tx, HALTED, code.as_bytes())?;
        mithaq_store::leases::known_changed(tx)?;
        self.log(tx, &[Event::system("node.halted", &self.party).with(shown_by).verdict(code)])?;
        Ok(())
    }

    /// Reads again whether the node is stopped.
    pub(crate) fn reload_halt(&self) -> Result<(), AppError> {
        let stored = self.read(move |_app, tx| Ok(settings::get(tx, HALTED)?))?;
        self.set_halt(stored);
        Ok(())
    }

    pub(crate) fn set_halt(&self, stored: Option<Vec<u8>>) {
        // Empty: a restore took the reason away.
        let code = stored.filter(|bytes| !bytes.is_empty());
        let code = code.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        *self.halted.write().unwrap_or_else(PoisonError::into_inner) = code;
    }

    /// Refuses while the node is stopped.
    pub(crate) fn ensure_running(&self) -> Result<(), AppError> {
        match self.halted() {
            None => Ok(()),
            Some(code) => Err(AppError::new(ErrorKind::Unavailable, code, words::UNAVAILABLE).hint(
                "a partner holds another history of this log: stop every copy of this node, then `mithaq restore`",
            )),
        }
    }

    /// Ends the work on the database: what waits is written, then nothing more.
    pub fn close(&self) {
        self.db.close();
    }

    /// Runs a job that may write; answers after the commit is on disk. A job that loses a conflict with another process
    /// is run again, so it must bear to do twice what it does outside of the database.
    pub(crate) fn write<T, F>(&self, job: F) -> Result<T, AppError>
    where
        T: Send + 'static,
        F: FnOnce(&Self, &mut dyn Tx) -> Result<T, AppError> + Clone + Send + 'static,
    {
        self.write_as(Share::Group, job)
    }

    /// As [`App::write`], before what people of this node wait for: a partner holds its answer back until then, and
    /// what it sent is short.
    pub(crate) fn write_soon<T, F>(&self, job: F) -> Result<T, AppError>
    where
        T: Send + 'static,
        F: FnOnce(&Self, &mut dyn Tx) -> Result<T, AppError> + Clone + Send + 'static,
    {
        self.write_as(Share::Soon, job)
    }

    fn write_as<T, F>(&self, share: Share, job: F) -> Result<T, AppError>
    where
        T: Send + 'static,
        F: FnOnce(&Self, &mut dyn Tx) -> Result<T, AppError> + Clone + Send + 'static,
    {
        // Where content is refused for want of room a write is small, and may meet the end of the volume.
        let spare = if self.takes() { None } else { Some(job.clone()) };
        let done = match (self.write_once(share, job), spare) {
            (Err(error), spare) if self.relieves(&error) => match spare {
                Some(job) => self.write_once(share, job),
                None => Err(error),
            },
            (done, _spare) => done,
        };
        let (value, logged) = self.unless_outdated(done)?;
        self.tally.add(logged);
        Ok(value)
    }

    fn write_once<T, F>(&self, share: Share, job: F) -> Result<(T, Vec<crate::tally::Pair>), AppError>
    where
        T: Send + 'static,
        F: FnOnce(&Self, &mut dyn Tx) -> Result<T, AppError> + Clone + Send + 'static,
    {
        let app = self.clone();
        self.db.write_again(share, AppError::of_database, move |tx| {
            crate::tally::begin();
            app.ensure_lease(tx)?;
            let value = job(&app, tx)?;
            Ok::<_, AppError>((value, crate::tally::take()))
        })
    }

    /// The database found no room, and some was made: whoever tries again may succeed.
    fn relieves(&self, error: &AppError) -> bool {
        error.of_database() == Some(&DbError::Full) && self.blobs.room().relieve()
    }

    /// Runs a job that only reads. For what no log is owed: no person is read here.
    pub(crate) fn read<T, F>(&self, job: F) -> Result<T, AppError>
    where
        T: Send + 'static,
        F: FnOnce(&Self, &mut dyn Tx) -> Result<T, AppError> + Send + 'static,
    {
        let app = self.clone();
        self.db.read(move |tx| job(&app, tx))
    }
}

pub(crate) fn migrate(db: &Db) -> Result<(), AppError> {
    mithaq_store::migrate(db).map(drop).map_err(|error| {
        AppError::new(ErrorKind::Unavailable, "store.migration", words::UNAVAILABLE)
            .hint("the database is of a newer version, or was changed by hand: restore it or run the newer program")
            .because(error)
    })
}

pub(crate) fn not_set_up() -> AppError {
    AppError::new(ErrorKind::NotFound, "node.not_set_up", words::NOT_FOUND)
        .hint("set the node up first: `mithaq init DIR --party NAME --state XX`")
}
