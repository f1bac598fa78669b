//! Legal and oversight holds (domain page, §4.2 guard HOLD and §4.14): while one stands on a case or a report, step 3
//! of the release decision refuses, and nothing of it is erased because its time is over. The legal adviser, the
//! data-protection officer and oversight set holds, each with a written ground; who oversees lifts any, others only
//! what their own role set.
//!
//! A partner's order is obeyed all the same: what was received stays the originator's, and a hold here is no reason to
//! keep what it took back. That it was held, and what was erased then, is in the log.

use mithaq_db::Tx;
use mithaq_model::{ObjectId, ReportVersion, Role, Text};
use mithaq_store::holds::{self, Hold, Scope};
use mithaq_store::rulings::About;
use mithaq_store::{cases, reports};
use mithaq_wire::Digest;

use crate::App;
use crate::clearances::written;
use crate::error::AppError;
use crate::log::Event;
use crate::rights::{May, intent};

/// The matter of a hold.
const MATTER: &str = "hold";
/// Most holds of one list, the oldest first.
const HOLDS_MAX: u32 = 1_000;

impl App {
    /// Sets a hold on a case or a report.
    ///
    /// # Errors
    /// When there is no such case or report, this officer's hold stands already, or the ground is no sentence.
    pub fn set_hold(
        &self,
        may: May<intent::GovernHold>,
        scope: Scope,
        ground: &Text,
    ) -> Result<(), AppError> {
        self.word_on_hold(may, scope, ground, ("set", "hold.set"), move |app, tx| {
            app.there(tx, scope)?;
            let hold = Hold { scope, officer: may.actor(), role: may.role(), since: app.now() };
            if holds::set(tx, &hold)? {
                return Ok(());
            }
            Err(AppError::conflict("hold.stands")
                .hint("your hold stands already; `mithaq hold list` shows it"))
        })
    }

    /// Lifts holds on a case or a report: those of one's own role, or all of them, as oversight.
    ///
    /// # Errors
    /// When none stands that this role may lift, or the ground is no sentence.
    pub fn lift_hold(
        &self,
        may: May<intent::GovernHold>,
        scope: Scope,
        ground: &Text,
    ) -> Result<(), AppError> {
        self.word_on_hold(may, scope, ground, ("lift", "hold.lifted"), move |_app, tx| {
            let role = Some(may.role()).filter(|role| *role != Role::Oversight);
            if holds::lift(tx, scope, role)? > 0 {
                return Ok(());
            }
            Err(AppError::conflict("hold.none").hint(
                "no hold stands here that your role set; who set it or oversight lifts it (`mithaq hold list`)",
            ))
        })
    }

    /// Returns the holds that stand, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn holds(&self, _may: May<intent::ReadHold>) -> Result<Vec<Hold>, AppError> {
        self.read(|_app, tx| Ok(holds::list(tx, HOLDS_MAX)?))
    }

    /// A case or report that a hold can be on. Answers like one that does not exist are the same.
    fn there(&self, tx: &mut dyn Tx, scope: Scope) -> Result<(), AppError> {
        let there = match scope {
            Scope::Case(case) => cases::get(tx, &self.vault, case)?.is_some(),
            Scope::Report(report) => reports::head(tx, report)?.is_some(),
        };
        if there { Ok(()) } else { Err(AppError::not_found()) }
    }

    /// Takes one person's written word on a hold: checks, changes, stores the word, tells oversight, logs.
    fn word_on_hold(
        &self,
        may: May<intent::GovernHold>,
        scope: Scope,
        ground: &Text,
        (says, kind): (&'static str, &'static str),
        change: impl FnOnce(&Self, &mut dyn Tx) -> Result<(), AppError> + Clone + Send + 'static,
    ) -> Result<(), AppError> {
        let word = self.written(ground)?;
        let name = match scope {
            Scope::Case(case) => case.to_string(),
            Scope::Report(report) => report.to_string(),
        };
        self.attempt(Event::refused(may, &name), move |app, tx| {
            written(&word.ground)?;
            change(app, tx)?;
            let object = ObjectId::new(scope.number());
            let about =
                About { object, version: ReportVersion::FIRST, matter: MATTER.to_owned(), subject: None };
            // About whatever is in scope, now and later: no content.
            let committed = app.put_word(tx, may, (about, Digest([0; 32])), says, &word)?;
            app.tell(tx, kind, object)?;
            app.log(tx, &[Event::by(may, kind, &name).committed(committed)])?;
            Ok(())
        })
    }
}
