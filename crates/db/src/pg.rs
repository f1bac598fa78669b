//! PostgreSQL as a [`Connection`]: one server session in the hands of one thread.
//!
//! Responsible for saving round trips (transaction control travels with the next
//! statement, rows of one statement travel together), the statement cache, and telling a
//! lost commit from one that did not happen. Deliberately runs its own small runtime, so
//! that the rest of the crate stays synchronous, and speaks no TLS.

pub(crate) mod bell;
mod many;
mod types;
mod wide;

use std::collections::BTreeMap;
use std::future::Future;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Statement};

use crate::connection::{Chore, Connection, Shape, Source};
use crate::{DbError, Engine, PostgresOptions, Row, Share, Value};

use types::{row, translate};

type Answer<T> = Result<T, tokio_postgres::Error>;

/// Statements kept prepared per session; above it all are dropped and prepared anew.
const STATEMENTS_MAX: usize = 512;
/// The oldest server whose behaviour is tested.
const VERSION_MIN: i64 = 150_000;

/// What a session is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Reader,
    Writer,
}

/// Opens sessions with one server.
#[derive(Clone)]
pub(crate) struct PgSource {
    config: Config,
    options: PostgresOptions,
    role: Role,
    first: First,
}

/// The statement with which transactions of the shared lane begin, once somebody named one. The same for all sessions of a handle.
pub(crate) type First = Arc<OnceLock<String>>;

impl PgSource {
    /// # Errors
    /// [`DbError::Misconfigured`] for parameters that cannot be read.
    pub(crate) fn new(parameters: &str, options: PostgresOptions, role: Role) -> Result<Self, DbError> {
        // The parser's message may quote a password.
        let mut config =
            Config::from_str(parameters).map_err(|_quoting| DbError::Misconfigured("address"))?;
        config.connect_timeout(options.connect_timeout);
        // A server whose machine is gone answers nothing: known after seconds, not after the system's hours.
        config.keepalives_idle(Duration::from_secs(5));
        config.keepalives_interval(Duration::from_secs(2));
        config.keepalives_retries(3);
        config.tcp_user_timeout(Duration::from_secs(10));
        if config.get_application_name().is_none() {
            config.application_name("mithaq");
        }
        Ok(Self { config, options, role, first: First::default() })
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn for_database(&self, name: &str) -> Self {
        let mut other = self.fresh();
        other.config.dbname(name);
        other
    }

    #[cfg(test)]
    pub(crate) fn with_options(self, options: PostgresOptions) -> Self {
        Self { options, ..self }
    }

    /// The same for another handle: what one names first is not the other's.
    pub(crate) fn fresh(&self) -> Self {
        Self { first: First::default(), ..self.clone() }
    }

    pub(crate) fn first(&self) -> &First {
        &self.first
    }

    pub(crate) fn for_role(&self, role: Role) -> Self {
        Self { role, ..self.clone() }
    }

    /// The session's own settings; a job cannot be slower or sloppier than these say.
    fn settings(&self) -> String {
        let statement = self.options.statement_timeout.as_millis().max(1);
        let lock = self.options.lock_timeout.as_millis().max(1);
        let idle = self.options.idle_timeout.as_millis().max(1);
        let read_only = if self.role == Role::Reader { "on" } else { "off" };
        format!(
            "SET statement_timeout = {statement};
             SET lock_timeout = {lock};
             SET idle_in_transaction_session_timeout = {idle};
             SET default_transaction_read_only = {read_only};
             SELECT set_config('synchronous_commit', 'on', false)
             WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
    }
}

impl Source for PgSource {
    fn connect(&mut self) -> Result<Box<dyn Connection>, DbError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|_none| DbError::Io)?;
        let (client, driver) =
            runtime.block_on(self.config.connect(NoTls)).map_err(|error| types::translate_connect(&error))?;
        // Ends by itself when the session does; `Client::is_closed` tells that, and only this why.
        runtime.spawn(async move {
            if let Err(error) = driver.await {
                let code = error.code().map_or("none", |code| code.code());
                tracing::warn!(code, "the database server ended a session");
            }
        });
        let mut session = PgConnection {
            client: Arc::new(client),
            runtime,
            role: self.role,
            first: Arc::clone(&self.first),
            share: Share::Alone,
            statements: BTreeMap::new(),
            prelude: String::new(),
            transaction: Transaction::None,
            dirty: false,
            lost: false,
        };
        session.script(&self.settings())?;
        check_server(&mut session)?;
        Ok(Box::new(session))
    }
}

fn check_server(session: &mut PgConnection) -> Result<(), DbError> {
    let settings = session.query(
        "SELECT current_setting('server_encoding'),
                CAST(current_setting('server_version_num') AS BIGINT),
                current_setting('fsync')",
        &[],
    )?;
    let found = settings.first().ok_or(DbError::NoRow)?;
    if found.text(0)? != "UTF8" {
        return Err(DbError::Misconfigured("server_encoding"));
    }
    if found.int(1)? < VERSION_MIN {
        return Err(DbError::Misconfigured("server_version"));
    }
    if found.text(2)? != "on" {
        tracing::warn!("the database server runs with fsync off: it may lose what it acknowledged");
    }
    Ok(())
}

/// How much of the transaction the server has seen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    /// `BEGIN` waits in the prelude.
    Planned,
    Open,
}

pub(crate) struct PgConnection {
    client: Arc<Client>,
    runtime: Runtime,
    role: Role,
    first: First,
    share: Share,
    statements: BTreeMap<String, Statement>,
    /// Transaction control that travels with the next statement.
    prelude: String,
    transaction: Transaction,
    /// A statement ran since the savepoint.
    dirty: bool,
    /// The session cannot be trusted with anything more.
    lost: bool,
}

impl PgConnection {
    /// Sends what waits in the prelude and then `request`, without a pause between.
    fn send<R>(&mut self, request: impl Future<Output = Answer<R>>) -> Result<R, DbError> {
        if self.lost {
            return Err(DbError::Disconnected);
        }
        let prelude = std::mem::take(&mut self.prelude);
        if self.transaction == Transaction::Planned {
            self.transaction = Transaction::Open;
        }
        let (control, answer) = self.runtime.block_on(async {
            if prelude.is_empty() {
                return (Ok(()), request.await);
            }
            tokio::join!(biased; self.client.batch_execute(&prelude), request)
        });
        if let Err(error) = control {
            // What the transaction holds is unknown now: it must not be committed.
            self.lost = true;
            let error = translate(&error);
            return Err(if error == DbError::Disconnected { error } else { DbError::Retry });
        }
        answer.map_err(|error| {
            let error = self.writable(translate(&error));
            self.lost |= error == DbError::Disconnected;
            error
        })
    }

    /// A server that refuses a writer's statement because it takes no writes was the primary once, or never: it is
    /// as good as gone, and the next attempt looks among the hosts again.
    fn writable(&self, error: DbError) -> DbError {
        if self.role == Role::Writer && error == DbError::ReadOnly { DbError::Disconnected } else { error }
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement, DbError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        self.dirty = true;
        let client = Arc::clone(&self.client);
        let statement = self.send(client.prepare(sql))?;
        if self.statements.len() >= STATEMENTS_MAX {
            self.statements.clear();
        }
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn prepare_for(&mut self, sql: &str, given: usize) -> Result<Statement, DbError> {
        let statement = self.prepare(sql)?;
        let expected = statement.params().len();
        if expected == given { Ok(statement) } else { Err(DbError::Parameters { expected, given }) }
    }

    /// A changed table makes the server refuse a plan it made before the change.
    fn forget_stale<R>(&mut self, sql: &str, result: Result<R, DbError>) -> Result<R, DbError> {
        match result {
            Err(DbError::Sql(code)) if code == "0A000" && self.statements.remove(sql).is_some() => {
                Err(DbError::Retry)
            }
            other => other,
        }
    }

    /// Lets the session notice that the server has hung up, without asking the server.
    fn is_gone(&mut self) -> bool {
        self.runtime.block_on(async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        });
        self.lost |= self.client.is_closed();
        self.lost
    }
}

impl Connection for PgConnection {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    fn share(&mut self, share: Share) {
        self.share = share;
    }

    fn begin(&mut self, shape: Shape) -> Result<(), DbError> {
        if self.is_gone() {
            return Err(DbError::Disconnected);
        }
        // A read of several statements sees one state; a write sees what it has locked.
        self.prelude.push_str(match self.role {
            Role::Reader => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;",
            Role::Writer => "BEGIN ISOLATION LEVEL READ COMMITTED;",
        });
        // Before the savepoint: no job that undoes itself gives the lock back.
        if let Some(first) =
            self.first.get().filter(|_| self.role == Role::Writer && self.share != Share::Alone)
        {
            self.prelude.push_str(first);
            self.prelude.push(';');
        }
        if shape == Shape::Group {
            self.prelude.push_str("SAVEPOINT job;");
        }
        self.transaction = Transaction::Planned;
        self.dirty = false;
        Ok(())
    }

    fn keep(&mut self) -> Result<(), DbError> {
        if std::mem::take(&mut self.dirty) {
            self.prelude.push_str("RELEASE SAVEPOINT job;SAVEPOINT job;");
        }
        Ok(())
    }

    fn undo(&mut self) -> Result<(), DbError> {
        if self.lost || self.client.is_closed() {
            return Err(DbError::Disconnected);
        }
        if std::mem::take(&mut self.dirty) {
            self.prelude.push_str("ROLLBACK TO SAVEPOINT job;");
        }
        Ok(())
    }

    fn commit(&mut self, shape: Shape) -> Result<(), DbError> {
        if self.transaction != Transaction::Open {
            // No job said anything to the server.
            self.prelude.clear();
            self.transaction = Transaction::None;
            return Ok(());
        }
        if self.lost || self.client.is_closed() {
            return Err(DbError::Disconnected);
        }
        let mut text = std::mem::take(&mut self.prelude);
        if shape == Shape::Group {
            // Fails in a broken transaction, where COMMIT alone would quietly roll back.
            text.push_str("RELEASE SAVEPOINT job;");
        }
        text.push_str("COMMIT");
        match self.runtime.block_on(self.client.batch_execute(&text)) {
            Ok(()) => {
                self.transaction = Transaction::None;
                Ok(())
            }
            Err(error) if translate(&error) == DbError::Disconnected => {
                // Sent, but no answer that the transaction ended either way.
                self.lost = true;
                Err(DbError::Unknown)
            }
            Err(error) => Err(translate(&error)),
        }
    }

    fn rollback(&mut self) -> Result<(), DbError> {
        self.prelude.clear();
        self.dirty = false;
        let was = std::mem::replace(&mut self.transaction, Transaction::None);
        if self.lost {
            return Err(DbError::Disconnected);
        }
        if was == Transaction::Open {
            self.script("ROLLBACK")?;
            self.dirty = false;
        }
        Ok(())
    }

    fn exec(&mut self, sql: &str, args: &[Value]) -> Result<u64, DbError> {
        let statement = self.prepare_for(sql, args.len())?;
        self.dirty = true;
        let client = Arc::clone(&self.client);
        let result = self.send(client.execute_raw(&statement, args));
        self.forget_stale(sql, result)
    }

    fn exec_many(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<u64, DbError> {
        self.run_all(sql, rows)
    }

    fn query(&mut self, sql: &str, args: &[Value]) -> Result<Vec<Row>, DbError> {
        let statement = self.prepare_for(sql, args.len())?;
        self.dirty = true;
        let client = Arc::clone(&self.client);
        let result = self.send(client.query(&statement, &borrowed(args)));
        self.forget_stale(sql, result)?.iter().map(row).collect()
    }

    fn query_many(&mut self, sql: &str, lists: &[Vec<Value>]) -> Result<Vec<Vec<Row>>, DbError> {
        self.ask_all(sql, lists)
    }

    fn script(&mut self, sql: &str) -> Result<(), DbError> {
        self.dirty = true;
        let client = Arc::clone(&self.client);
        self.send(client.batch_execute(sql))
    }

    fn chore(&mut self, chore: Chore) -> Result<(), DbError> {
        match chore {
            // The server sees to its own log.
            Chore::CheckpointTruncate => Ok(()),
            Chore::Vacuum { pages_max: _ } => {
                if self.is_gone() {
                    return Err(DbError::Disconnected);
                }
                self.script("SET statement_timeout = 0")?;
                let result = self.script("VACUUM");
                self.script("RESET statement_timeout")?;
                result
            }
        }
    }
}

/// Values as the client takes them.
fn borrowed(args: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    args.iter().map(|value| -> &(dyn ToSql + Sync) { value }).collect()
}
