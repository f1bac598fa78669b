//! Knows whether this thread is inside a job or a completion callback.
//!
//! A job that calls its own database would wait for itself for ever; this turns that
//! deadlock into [`crate::DbError::Nested`]. Deliberately per thread, not per database:
//! no job has a reason to reach any database but through its `Tx`.

use std::cell::Cell;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Outside,
    Job,
    Callback,
}

thread_local! {
    static STANDING: Cell<Standing> = const { Cell::new(Standing::Outside) };
}

pub(crate) fn current() -> Standing {
    STANDING.get()
}

/// Runs `f` with this standing; `f` must not unwind past its own `catch_unwind`.
pub(crate) fn within<R>(standing: Standing, f: impl FnOnce() -> R) -> R {
    let before = STANDING.replace(standing);
    let result = f();
    STANDING.set(before);
    result
}
