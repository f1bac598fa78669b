//! Who sees that something is there. Who works cases sees what belongs to them; to such a person everything else answers
//! as what does not exist, and is on no list. The desk, supervisors (who may take up any case) and those who watch over
//! the node see that it is there, without its content.

use mithaq_db::Tx;
use mithaq_model::{ReportId, Role};
use mithaq_store::reports::{self, ReportHead};
use mithaq_store::sight::Sight;

use crate::error::AppError;
use crate::rights::{Intent, May};

impl<I: Intent> May<I> {
    /// Returns how much of the node's rows this person sees. The role is the first of the intent's that is held, so
    /// intents to see list the roles that see everything first.
    pub(crate) const fn sight(&self) -> Sight {
        if matches!(self.role(), Role::Analyst | Role::CaseOfficer) {
            Sight::Cases(self.actor())
        } else {
            Sight::Everything
        }
    }
}

/// Returns a report without its content as this person sees it.
///
/// # Errors
/// [`crate::ErrorKind::NotFound`] alike when there is none and when it is not this person's to see.
pub(crate) fn head_seen<I: Intent>(
    tx: &mut dyn Tx,
    may: May<I>,
    number: ReportId,
) -> Result<ReportHead, AppError> {
    reports::head_seen(tx, number, may.sight())?.ok_or_else(AppError::not_found)
}
