//! A question to the store that may take long, or never end. One is under way at a time; whoever asks meanwhile waits
//! for the same answer, and nobody longer than [`ANSWER_MAX`] after it was put. So a store that hangs holds one thread,
//! not one for each who asks whether it does.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mithaq_app::{App, AppError};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::pump::blocking;

/// Longest wait for an answer of the store.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(2);

/// What came of a question, and when; nothing while it is under way.
type Answer<T> = Option<(Instant, Result<T, String>)>;

struct Put<T> {
    at: Instant,
    answer: watch::Receiver<Answer<T>>,
}

/// The question, and its last answer for as long as that is fresh.
pub(super) struct Asked<T> {
    last: Mutex<Option<Put<T>>>,
    fresh: Duration,
}

impl<T: Clone + Send + Sync + 'static> Asked<T> {
    /// An answer is given again for so long.
    pub(super) const fn new(fresh: Duration) -> Self {
        Self { last: Mutex::new(None), fresh }
    }

    /// Asks, or waits with those who do.
    ///
    /// # Errors
    /// The code of the failure, or that the database does not answer.
    pub(super) async fn ask(
        &self,
        app: &App,
        work: impl FnOnce(&App) -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, String> {
        let (put_at, mut answer) = self.put(app, work);
        let until = put_at.checked_add(ANSWER_MAX).unwrap_or(put_at);
        let came = timeout_at(until, answer.wait_for(Option::is_some)).await;
        let came = came.ok().and_then(Result::ok).and_then(|answer| answer.clone());
        came.map_or_else(
            || Err(format!("the database does not answer: asked {} s ago", put_at.elapsed().as_secs())),
            |(_, result)| result,
        )
    }

    fn put(
        &self,
        app: &App,
        work: impl FnOnce(&App) -> Result<T, AppError> + Send + 'static,
    ) -> (Instant, watch::Receiver<Answer<T>>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(put) = last.as_ref().filter(|put| self.still_counts(&put.answer)) {
            return (put.at, put.answer.clone());
        }
        let (tell, answer) = watch::channel(None);
        let (app, at) = (app.clone(), Instant::now());
        tokio::spawn(async move {
            let result = blocking(&app, work).await.map_err(|error| error.code().to_owned());
            tell.send_replace(Some((Instant::now(), result)));
        });
        *last = Some(Put { at, answer: answer.clone() });
        (at, answer)
    }

    /// Whether it is under way, or its answer is fresh. What ended without an answer counts no more.
    fn still_counts(&self, answer: &watch::Receiver<Answer<T>>) -> bool {
        match &*answer.borrow() {
            Some((at, _)) => at.elapsed() < self.fresh,
            None => answer.has_changed().is_ok(),
        }
    }
}
