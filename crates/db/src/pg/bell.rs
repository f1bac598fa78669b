//! A session of its own for `LISTEN` and `NOTIFY`: processes on one server tell each other that there is something
//! to look at.
//!
//! Words are told outside of any transaction, after the commit they are about: a notification inside would make all
//! commits of the server wait for each other. So a word may be lost with the process that was about to say it, and
//! nobody may rely on one; whoever listens also looks by itself now and then. A server without `LISTEN` is one on
//! which every word is lost.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, NoTls};

use super::PgSource;
use crate::DbError;

/// The channel all processes of a database listen to.
const CHANNEL: &str = "mithaq";
/// Between two attempts to reach the server.
const RETRY: Duration = Duration::from_millis(500);
/// Longest wait for the server to take a word.
const TELL_MAX: Duration = Duration::from_secs(5);

/// What is heard: a word, or `None` when words may have been missed.
pub(crate) type Hear = Box<dyn Fn(Option<&str>) + Send>;

/// The ringing end.
#[derive(Default)]
pub(crate) struct Bell {
    waiting: Mutex<BTreeSet<String>>,
    rung: Notify,
    closed: AtomicBool,
}

impl Bell {
    /// Tells the others a word, soon. The same word twice before it is told is told once.
    pub(crate) fn ring(&self, word: &str) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(word.to_owned());
        self.rung.notify_one();
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.rung.notify_one();
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Starts the thread that listens and tells until the bell is closed.
pub(crate) fn start(source: &PgSource, bell: Arc<Bell>, hear: Hear) -> Result<(), DbError> {
    let source = source.clone();
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|_none| DbError::Io)?;
    let work = move || {
        runtime.block_on(async {
            while !bell.is_closed() {
                // However it ended: it is begun anew, and what was missed meanwhile is looked for.
                let _lost = session(&source, &bell, &hear).await;
                if !bell.is_closed() {
                    tokio::time::sleep(RETRY).await;
                }
            }
        });
    };
    let spawned = std::thread::Builder::new().name("mithaq-db-bell".to_owned()).spawn(work);
    spawned.map(drop).map_err(|_none| DbError::Io)
}

/// One session, until it breaks or the bell is closed.
async fn session(source: &PgSource, bell: &Bell, hear: &Hear) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = source.config.connect(NoTls).await?;
    let words = async {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(told) = message? {
                hear(Some(told.payload()));
            }
        }
        Ok(())
    };
    let telling = async {
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        hear(None);
        while !bell.is_closed() {
            for word in bell.take() {
                let told = async { client.execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &word]).await };
                if let Ok(answer) = tokio::time::timeout(TELL_MAX, told).await {
                    answer?;
                }
            }
            bell.rung.notified().await;
        }
        Ok(())
    };
    tokio::select! {
        broken = words => broken,
        ended = telling => ended,
    }
}
