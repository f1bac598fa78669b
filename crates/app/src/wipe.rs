//! After an erasure nothing of it stays in the files of the database: on SQLite freed pages are overwritten, and the
//! write-ahead log is cut. A reader on old pages only delays the cut; it is tried again until it is done.

use core::sync::atomic::Ordering;

use crate::App;
use crate::error::AppError;

impl App {
    /// Cuts the write-ahead log after an erasure, now or at the next chores.
    pub(crate) fn wipe(&self) {
        let swept = self.sweep_attachments().is_ok();
        self.unwiped.store(self.db.checkpoint().is_err() || !swept, Ordering::SeqCst);
    }

    /// Cuts the write-ahead log if an erasure still waits for it. Returns whether none waits any more.
    ///
    /// # Errors
    /// None at present; the store's own are tried again.
    pub fn wipe_again(&self) -> Result<bool, AppError> {
        if self.unwiped.load(Ordering::SeqCst) {
            self.wipe();
        }
        Ok(!self.unwiped.load(Ordering::SeqCst))
    }
}
