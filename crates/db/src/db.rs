//! The database as everyone above sees it.
//!
//! Responsible for opening and closing, and for handing jobs to the threads that own the
//! connections. Deliberately knows no engine beyond choosing its sources.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::connection::{Chore, Connection, Source};
use crate::executor::{Jobs, run_group};
use crate::job::{Job, Task};
use crate::link::Link;
use crate::meter::DbStats;
use crate::pg::bell::{self, Bell};
use crate::pg::{self, PgSource};
use crate::queue::{Item, Limits, Queue};
use crate::sqlite::{self, OpenLock, SqliteConnection, SqliteSource};
use crate::standing::{self, Standing};
use crate::tx::Session;
use crate::{DbError, Engine, PostgresOptions, Share, SqliteOptions, Tx};

/// A handle to an open database; clones share it. Closed by [`Db::close`] or with the last
/// handle.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    mode: Mode,
    /// How to listen to other processes, and the bell once somebody does; a server only.
    server: Option<(PgSource, OnceLock<Arc<Bell>>)>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.hush();
    }
}

impl Inner {
    fn hush(&self) {
        if let Some(bell) = self.server.as_ref().and_then(|(_, bell)| bell.get()) {
            bell.close();
        }
    }
}

enum Mode {
    /// Jobs wait in queues for threads.
    Threads(Pool),
    /// Jobs run at once on the thread that brings them; `None` once closed.
    Inline(Mutex<Option<SqliteConnection>>),
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("engine", &self.inner.engine).finish_non_exhaustive()
    }
}

impl Db {
    /// Opens a SQLite file; creates it, readable by its owner only, if it is absent.
    ///
    /// # Errors
    /// [`DbError::Locked`] if the database is open elsewhere, [`DbError::Io`] or
    /// [`DbError::Corrupt`] if it cannot be read.
    pub fn open_sqlite(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, DbError> {
        let path = sqlite::canonical(path.as_ref())?;
        let lock = Arc::new(OpenLock::take(&path)?);
        sqlite::create(&path)?;
        let capacity = options.queue_capacity;
        let mut pool = Pool::new(options.queue_wait);
        let source = |role| -> Box<dyn Source> {
            Box::new(SqliteSource {
                path: path.clone(),
                options: options.clone(),
                role,
                spent: false,
                _lock: Arc::clone(&lock),
            })
        };
        let limits = Limits { capacity, group_jobs_max: options.group_jobs_max, lanes: 1 };
        let writer = Link::new(source(sqlite::Role::Writer), Duration::ZERO);
        // First, because it turns the file to the write-ahead log that readers rely on.
        pool.writers = Some(Crew::start("db-write", limits, vec![writer], options.group_time_max)?);
        let readers = (0..options.readers.max(1))
            .map(|_| Link::new(source(sqlite::Role::Reader), Duration::ZERO))
            .collect();
        let limits = Limits { capacity, group_jobs_max: 1, lanes: 1 };
        pool.readers = Some(Crew::start("db-read", limits, readers, options.group_time_max)?);
        Ok(Self::with(Engine::Sqlite, Mode::Threads(pool)))
    }

    /// Opens a PostgreSQL database, given as a URL (`postgres://…`) or as `key=value` pairs.
    ///
    /// # Errors
    /// [`DbError::Disconnected`] if the server cannot be reached, [`DbError::Misconfigured`]
    /// if the parameters, the user or the server's settings are wrong.
    pub fn open_postgres(parameters: &str, options: PostgresOptions) -> Result<Self, DbError> {
        Self::open_source(&PgSource::new(parameters, options.clone(), pg::Role::Writer)?, &options)
    }

    pub(crate) fn open_source(source: &PgSource, options: &PostgresOptions) -> Result<Self, DbError> {
        let source = source.fresh();
        let links = |role, count: usize| {
            let link = || Link::new(Box::new(source.for_role(role)), options.reconnect_patience);
            (0..count.max(1)).map(|_| link()).collect::<Vec<_>>()
        };
        let capacity = options.queue_capacity;
        let mut pool = Pool::new(options.queue_wait);
        let limits = Limits { capacity, group_jobs_max: options.group_jobs_max, lanes: options.group_lanes };
        let writers = links(pg::Role::Writer, options.workers);
        pool.writers = Some(Crew::start("db-write", limits, writers, options.group_time_max)?);
        let limits = Limits { capacity, group_jobs_max: 1, lanes: 1 };
        let readers = links(pg::Role::Reader, options.readers);
        pool.readers = Some(Crew::start("db-read", limits, readers, options.group_time_max)?);
        let server = Some((source.for_role(pg::Role::Writer), OnceLock::new()));
        Ok(Self { inner: Arc::new(Inner { engine: Engine::Postgres, mode: Mode::Threads(pool), server }) })
    }

    /// Opens an empty SQLite database in memory whose jobs run on the thread that brings
    /// them, one after the other: the same order gives the same result, for simulations.
    ///
    /// # Errors
    /// [`DbError::Io`] if there is no memory for it.
    pub fn open_inline() -> Result<Self, DbError> {
        let connection = SqliteConnection::in_memory()?;
        Ok(Self::with(Engine::Sqlite, Mode::Inline(Mutex::new(Some(connection)))))
    }

    fn with(engine: Engine, mode: Mode) -> Self {
        Self { inner: Arc::new(Inner { engine, mode, server: None }) }
    }

    /// Returns the engine behind this handle.
    pub fn engine(&self) -> Engine {
        self.inner.engine
    }

    /// Runs a job that may write and returns its result after the commit is on disk. The
    /// job may share its transaction with others; if it fails it is undone alone.
    ///
    /// Blocks the thread; async code uses [`Db::submit_write`].
    ///
    /// # Errors
    /// The job's own, or a [`DbError`] if it could not run or its commit did not stand.
    pub fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        self.write_as(Share::Group, job)
    }

    /// As [`Db::write`], and says how the job may share its transaction.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub fn write_as<T, E, F>(&self, share: Share, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        self.write_session(share, move |session: &mut dyn Session| job(session))
    }

    pub(crate) fn write_session<T, E, F>(&self, share: Share, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Session) -> Result<T, E> + Send + 'static,
    {
        self.block(Side::Write(share), job)
    }

    /// Runs a job that only reads, on one consistent state that includes every write
    /// acknowledged before.
    ///
    /// # Errors
    /// The job's own, or a [`DbError`]; [`DbError::ReadOnly`] if the job tries to write.
    pub fn read<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        self.block(Side::Read, move |session: &mut dyn Session| job(session))
    }

    /// Hands a job over without waiting. `done` is called exactly once, after the commit is
    /// on disk or the job has failed: on a database thread, or on this one if the job is
    /// refused at once ([`DbError::Busy`] when the queue is full). It must be quick.
    pub fn submit_write<T, E, F, D>(&self, job: F, done: D)
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
        D: FnOnce(Result<T, E>) + Send + 'static,
    {
        self.submit_write_as(Share::Group, job, done);
    }

    /// As [`Db::submit_write`], and says whether the job may share its transaction.
    pub fn submit_write_as<T, E, F, D>(&self, share: Share, job: F, done: D)
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
        D: FnOnce(Result<T, E>) + Send + 'static,
    {
        let job = Task::new(move |session: &mut dyn Session| job(session), done);
        self.hand_over(Side::Write(share), Box::new(job), Duration::ZERO);
    }

    /// Hands a reading job over without waiting; see [`Db::submit_write`] for `done`.
    pub fn submit_read<T, E, F, D>(&self, job: F, done: D)
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
        D: FnOnce(Result<T, E>) + Send + 'static,
    {
        let job = Task::new(move |session: &mut dyn Session| job(session), done);
        self.hand_over(Side::Read, Box::new(job), Duration::ZERO);
    }

    /// Begins every transaction of the shared lane ([`Share::Group`], [`Share::Soon`]) with a statement: one that locks
    /// what each of its jobs locks last. Otherwise the first job of a group holds that lock while the next asks for its
    /// rows, and another process that holds those waits for the lock: a circle. Costs no round trip. Only the first call has an effect, and none on SQLite,
    /// where there is one writer.
    pub fn lock_first(&self, sql: &str) {
        if let Some((source, _)) = &self.inner.server {
            let _named_before = source.first().set(sql.to_owned());
        }
    }

    /// Listens to the words that other processes on the same server [`Db::ring`], and to this one's own. `hear` is
    /// called on a thread of its own, with `None` whenever words may have been missed: after the first connection and
    /// after each that was lost. It must be quick. Only the first call has an effect, and none on SQLite, where no
    /// other process has the file.
    ///
    /// # Errors
    /// [`DbError::Io`] if there is no thread for it.
    pub fn listen(&self, hear: impl Fn(Option<&str>) + Send + 'static) -> Result<(), DbError> {
        let Some((source, place)) = &self.inner.server else { return Ok(()) };
        let bell = Arc::new(Bell::default());
        if place.set(Arc::clone(&bell)).is_err() {
            return Ok(());
        }
        bell::start(source, bell, Box::new(hear))
    }

    /// Tells the other processes on the same server a word, soon and without waiting. Tell it after the commit it is
    /// about. A word may be lost, and is lost before [`Db::listen`].
    pub fn ring(&self, word: &str) {
        if let Some(bell) = self.inner.server.as_ref().and_then(|(_, bell)| bell.get()) {
            bell.ring(word);
        }
    }

    /// Returns what the writing side did since the database was opened. Nothing for one in memory.
    pub fn stats(&self) -> DbStats {
        match &self.inner.mode {
            Mode::Threads(pool) => pool.writers.as_ref().map(|crew| crew.queue.stats()).unwrap_or_default(),
            Mode::Inline(_) => DbStats::default(),
        }
    }

    /// Moves SQLite's log into the database and cuts it to nothing, so that what was erased
    /// is nowhere on disk. Does nothing on PostgreSQL. Blocks.
    ///
    /// # Errors
    /// [`DbError::Busy`] if a reader held on to the log for too long.
    pub fn checkpoint(&self) -> Result<(), DbError> {
        self.chore(Chore::CheckpointTruncate)
    }

    /// Reads every page of a SQLite file and compares tables with their indexes: what a disk changed in the structure
    /// is found, what it changed inside a value is not. Does nothing on PostgreSQL, which has checksums of its own. Blocks.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] if anything is not as it must be.
    pub fn check(&self) -> Result<(), DbError> {
        if self.inner.engine != Engine::Sqlite {
            return Ok(());
        }
        let said = self.read(|tx: &mut dyn Tx| {
            tx.query_one("PRAGMA integrity_check(1)", &[])?.text(0).map(str::to_owned)
        });
        if said? == "ok" { Ok(()) } else { Err(DbError::Corrupt) }
    }

    /// Gives at most `pages_max` free pages of a SQLite file back; on PostgreSQL vacuums
    /// the database. Blocks.
    ///
    /// # Errors
    /// What the engine says.
    pub fn vacuum(&self, pages_max: u32) -> Result<(), DbError> {
        self.chore(Chore::Vacuum { pages_max })
    }

    /// Refuses new jobs, works off those that wait, and ends the threads. May be called
    /// again; does not wait when called from a completion callback.
    pub fn close(&self) {
        self.inner.hush();
        match &self.inner.mode {
            Mode::Threads(pool) => pool.close(),
            Mode::Inline(place) => {
                if standing::current() != Standing::Job {
                    drop(place.lock().unwrap_or_else(PoisonError::into_inner).take());
                }
            }
        }
    }

    fn block<T, E, F>(&self, side: Side, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Session) -> Result<T, E> + Send + 'static,
    {
        // A callback runs on the very thread that would have to run the job.
        if standing::current() != Standing::Outside {
            return Err(E::from(DbError::Nested));
        }
        let wait = match &self.inner.mode {
            Mode::Threads(pool) => pool.queue_wait,
            Mode::Inline(_) => Duration::ZERO,
        };
        let (sender, receiver) = sync_channel(1);
        let task = Task::new(job, move |result| drop(sender.send(result)));
        self.hand_over(side, Box::new(task), wait);
        receiver.recv().unwrap_or_else(|_dropped| Err(E::from(DbError::Closed)))
    }

    fn hand_over(&self, side: Side, job: Box<dyn Job>, wait: Duration) {
        if standing::current() == Standing::Job {
            return job.finish(Err(DbError::Nested));
        }
        match &self.inner.mode {
            Mode::Threads(pool) => pool.push(side, job, wait),
            Mode::Inline(place) => run_inline(place, side, job),
        }
    }

    fn chore(&self, chore: Chore) -> Result<(), DbError> {
        if standing::current() != Standing::Outside {
            return Err(DbError::Nested);
        }
        match &self.inner.mode {
            Mode::Threads(pool) => pool.chore(chore),
            Mode::Inline(place) => {
                let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
                place.as_mut().ok_or(DbError::Closed)?.chore(chore)
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    Read,
    Write(Share),
}

fn run_inline(place: &Mutex<Option<SqliteConnection>>, side: Side, job: Box<dyn Job>) {
    let mut jobs = Jobs::from([job]);
    let outcome = {
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        let role = match side {
            Side::Read => sqlite::Role::Reader,
            Side::Write(_) => sqlite::Role::Writer,
        };
        place.as_mut().ok_or(DbError::Closed).and_then(|connection| {
            connection.set_role(role)?;
            run_group(connection, &mut jobs, Duration::ZERO)
        })
    };
    // Only now, with the lock gone: a callback may bring the next job.
    match outcome {
        Ok(settled) => settled.tell(),
        Err(error) => crate::executor::refuse_all(&mut jobs, &error),
    }
}

/// The two queues of an open database and the threads behind them.
struct Pool {
    writers: Option<Crew>,
    readers: Option<Crew>,
    queue_wait: Duration,
}

impl Pool {
    fn new(queue_wait: Duration) -> Self {
        Self { writers: None, readers: None, queue_wait }
    }

    fn push(&self, side: Side, job: Box<dyn Job>, wait: Duration) {
        let (crew, share) = match side {
            // A read has its transaction and its snapshot for itself.
            Side::Read => (&self.readers, Share::Alone),
            Side::Write(share) => (&self.writers, share),
        };
        let Some(crew) = crew else { return job.finish(Err(DbError::Closed)) };
        if let Err((item, error)) = crew.queue.push_within(Item::Job(share, job), wait) {
            item.refuse(error);
        }
    }

    fn chore(&self, chore: Chore) -> Result<(), DbError> {
        let crew = self.writers.as_ref().ok_or(DbError::Closed)?;
        let (sender, receiver) = sync_channel(1);
        let done = Box::new(move |result| drop(sender.send(result)));
        crew.queue.push(Item::Chore(chore, done)).map_err(|(_, error)| error)?;
        receiver.recv().unwrap_or(Err(DbError::Closed))
    }

    fn close(&self) {
        let crews = [&self.readers, &self.writers];
        crews.into_iter().flatten().for_each(|crew| crew.queue.close());
        // The writer last: SQLite folds its log in when the last connection goes.
        crews.into_iter().flatten().for_each(Crew::join);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

/// Threads that serve one queue.
struct Crew {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Crew {
    /// Starts a thread per link and waits until every one has its connection.
    fn start(name: &str, limits: Limits, links: Vec<Link>, time_max: Duration) -> Result<Self, DbError> {
        let count = links.len();
        let crew = Self { queue: Arc::new(Queue::new(limits, count)), threads: Mutex::default() };
        let (sender, receiver) = sync_channel(count);
        for link in links {
            let (queue, ready) = (Arc::clone(&crew.queue), sender.clone());
            let spawned = thread::Builder::new()
                .name(format!("mithaq-{name}"))
                .spawn(move || serve(&queue, link, time_max, ready));
            let thread = spawned.map_err(|_none| DbError::Io)?;
            crew.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        drop(sender);
        for _ in 0..count {
            receiver.recv().unwrap_or(Err(DbError::Closed))?;
        }
        Ok(crew)
    }

    /// Waits for the threads of a closed queue, except this one.
    fn join(&self) {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let here = thread::current().id();
        for thread in threads.into_iter().filter(|thread| thread.thread().id() != here) {
            if thread.join().is_err() {
                tracing::error!("a database thread panicked");
            }
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.queue.close();
        self.join();
    }
}

fn serve(queue: &Queue, mut link: Link, time_max: Duration, ready: SyncSender<Result<(), DbError>>) {
    /// Also runs when a bug makes this thread panic, so that no caller waits for ever.
    struct Leave<'a>(&'a Queue);
    impl Drop for Leave<'_> {
        fn drop(&mut self) {
            self.0.leave();
        }
    }
    let _leave = Leave(queue);
    let opened = link.open();
    let go = opened.is_ok();
    drop(ready.send(opened));
    drop(ready);
    if go {
        link.work(queue, time_max);
    }
}
