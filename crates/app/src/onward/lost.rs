//! A node that was put back from a copy does not know whether it used the tokens it finds, or those it is given a second time:
//! the hop may be what it lost. It counts the copy as out, so that what the originator orders goes after it.

use mithaq_db::Tx;
use mithaq_model::{AgreementId, ObjectId, PartyId};
use mithaq_store::lanes::{self, LaneKey};
use mithaq_store::onward::{self, Consent, Copy};
use mithaq_store::{PAGE_MAX, Page};
use mithaq_wire::{Lane, LaneId};

use crate::App;
use crate::error::AppError;

impl App {
    /// Every consent that the copy of the database calls unused.
    pub(crate) fn copies_may_be_out(&self, tx: &mut dyn Tx) -> Result<(), AppError> {
        let mut page: Page<ObjectId> = Page::first(PAGE_MAX);
        loop {
            let found = onward::unused(tx, &page)?;
            let Some(last) = found.last() else { return Ok(()) };
            page.after = Some(last.id);
            for row in &found {
                self.copy_may_be_out(tx, row)?;
            }
        }
    }

    /// Notes a copy at the recipient of a consent. The token stays: if it was used, the recipient refuses it.
    pub(super) fn copy_may_be_out(&self, tx: &mut dyn Tx, row: &Consent) -> Result<(), AppError> {
        let now = self.now();
        // Without an agreement nothing can have gone, and nothing can follow.
        let Some(agreement) = self.registry().alive_with(&row.to, now).first().copied() else {
            return Ok(());
        };
        Ok(onward::put_copy(tx, &Copy::sent(row, &self.party, agreement, now))?)
    }

    /// Whether this node was put back from a copy and still hears again what the party had told it.
    pub(super) fn hears_again(
        &self,
        tx: &mut dyn Tx,
        from: &PartyId,
        agreement: AgreementId,
    ) -> Result<bool, AppError> {
        let control = LaneId { from: from.clone(), to: self.party.clone(), agreement, lane: Lane::Control };
        Ok(lanes::is_restoring(tx, LaneKey::of(&control))?)
    }
}
