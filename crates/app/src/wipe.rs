//! After an erasure nothing of it stays in the files of the database: on SQLite freed pages are overwritten, and the
//! write-ahead log is cut. A reader on old pages only delays the cut; it is tried again until it is done.
//!
//! The receipt of an erasure (R4) says that it is done, so nobody signs it before. The transaction that erases notes
//! what is owed; once the log was cut since, what is owed is signed and gets its place in the lane. What the node owed
//! when it was killed it owes when it starts again, and cuts the log first.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use mithaq_db::Tx;
use mithaq_model::{AgreementId, Millis, ObjectId, PartyId, Timestamp};
use mithaq_policy::OrderKind;
use mithaq_store::erasures::{self, Owed, OwedKey};
use mithaq_store::reports;
use mithaq_wire::{LaterReceipt, LaterReceipts, MessageKind};

use crate::App;
use crate::error::{AppError, ErrorKind};
use crate::log::Event;
use crate::orders::{Body, Control};

/// How long what was erased may lie in a file before people are told.
const UNWIPED: Millis = Millis::hours(1);
/// Receipts that are signed in one transaction.
const TOLD_TOGETHER: usize = 64;

/// How far the log was cut behind the erasures, in memory: a node that starts has cut nothing yet.
#[derive(Debug)]
pub(crate) struct Wiping {
    /// Erasures that were committed.
    erased: AtomicU64,
    /// How many of them had been when the log was last cut.
    wiped: AtomicU64,
    /// Since when it cannot be cut.
    since: Mutex<Option<Timestamp>>,
}

impl Default for Wiping {
    fn default() -> Self {
        // The node may have been killed before the log was cut.
        Self { erased: AtomicU64::new(1), wiped: AtomicU64::new(0), since: Mutex::default() }
    }
}

impl Wiping {
    /// Notes an erasure that was committed and for which the log is cut later.
    pub(crate) fn erased(&self) {
        self.erased.fetch_add(1, Ordering::SeqCst);
    }

    fn waits(&self) -> bool {
        self.wiped.load(Ordering::SeqCst) < self.erased.load(Ordering::SeqCst)
    }

    /// The log was cut after so many erasures, or could not be.
    fn tried(&self, erasures: u64, cut: bool, now: Timestamp) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if cut {
            self.wiped.fetch_max(erasures, Ordering::SeqCst);
            *since = None;
        } else {
            since.get_or_insert(now);
        }
    }

    fn since(&self) -> Option<Timestamp> {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// Notes what is owed to a partner for an erasure, in the transaction that erases. The caller logs, and calls
    /// [`App::wipe`] after the commit.
    pub(crate) fn owe_erasure(
        &self,
        tx: &mut dyn Tx,
        (recipient, agreement): (&PartyId, AgreementId),
        object: ObjectId,
        receipts: Vec<LaterReceipt>,
    ) -> Result<(), AppError> {
        let receipts = LaterReceipts(receipts);
        let owed = Owed { recipient: recipient.clone(), agreement, object, receipts };
        Ok(erasures::owe(tx, &owed, self.now())?)
    }

    /// Cuts the write-ahead log after an erasure that was committed, and sends what was owed for it; what cannot be done
    /// now the next chores do.
    pub(crate) fn wipe(&self) {
        self.wiping.erased();
        self.wipe_now();
    }

    /// Cuts the write-ahead log if an erasure still waits for it, and sends what is owed for those it was cut behind.
    /// Returns whether none waits any more. When it cannot be cut for an hour, people are told, once.
    ///
    /// # Errors
    /// When the store fails; the cut and the receipts are tried again.
    pub fn wipe_again(&self) -> Result<bool, AppError> {
        let owed = self.read(|_app, tx| Ok(erasures::count(tx)? > 0));
        if self.wiping.waits() || !matches!(owed, Ok(false)) {
            self.wipe_now();
        }
        self.tell_unwiped()?;
        owed?;
        Ok(!self.wiping.waits())
    }

    fn wipe_now(&self) {
        let erasures = self.wiping.erased.load(Ordering::SeqCst);
        // Before the cut: only what was committed by then has left the log with it.
        let owed = self.read(|_app, tx| Ok(erasures::waiting(tx)?));
        let swept = self.sweep_attachments().is_ok();
        let cut = self.db.checkpoint().is_ok() && swept;
        self.wiping.tried(erasures, cut, self.now());
        match owed {
            Ok(owed) if cut => self.send_owed(&owed),
            Ok(_waits) => {}
            Err(error) => tracing::warn!(code = error.code(), "receipts of erasure wait"),
        }
    }

    /// Signs and queues what is owed. What cannot go now (a lane that is halted) waits, and holds up nothing else.
    fn send_owed(&self, owed: &[OwedKey]) {
        if owed.is_empty() || self.halted().is_some() {
            return;
        }
        for part in owed.chunks(TOLD_TOGETHER) {
            if self.send_part(part.to_vec()).is_ok() {
                continue;
            }
            for one in part {
                if let Err(error) = self.send_part(vec![*one]) {
                    tracing::warn!(code = error.code(), "a receipt of erasure waits");
                }
            }
        }
        self.wake();
    }

    fn send_part(&self, part: Vec<OwedKey>) -> Result<(), AppError> {
        self.write(move |app, tx| {
            for key in &part {
                if let Some(owed) = erasures::take(tx, *key)? {
                    app.send_one_owed(tx, owed)?;
                }
            }
            Ok(())
        })
    }

    fn send_one_owed(&self, tx: &mut dyn Tx, owed: Owed) -> Result<(), AppError> {
        let Owed { recipient, agreement, object, receipts: LaterReceipts(mut receipts) } = owed;
        for receipt in &mut receipts {
            let LaterReceipt::Erased { object, versions, at, .. } = receipt else { continue };
            // The rows are no more than a note: what is signed is what is so now.
            if reports::holds_erased(tx, *object, versions)? {
                return Err(AppError::bug("erasure.untrue"));
            }
            *at = self.now();
        }
        let control =
            Control { kind: OrderKind::LaterReceipts, message: MessageKind::Receipts, object, agreement };
        match self.send_control_in(tx, &recipient, control, &Body::Receipts(receipts)) {
            // Duties under the agreement are over: it was erased all the same, and the log says so.
            Err(error) if error.kind() == ErrorKind::Refused || error.kind() == ErrorKind::NotFound => Ok(()),
            sent => sent,
        }
    }

    /// Rings when the log could not be cut for an hour: what was erased still lies in a file, and no partner hears of it.
    fn tell_unwiped(&self) -> Result<(), AppError> {
        let Some(since) = self.wiping.since().filter(|since| since.plus(UNWIPED) <= self.now()) else {
            return Ok(());
        };
        self.write(move |app, tx| {
            if app.alarm(tx, "erasure.unwiped", &app.party, &since.to_string())? {
                app.log(tx, &[Event::system("erasure.unwiped", &app.party)])?;
            }
            Ok(())
        })
    }
}
