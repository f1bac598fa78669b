//! What became of copies of this node's reports, as those say who passed them on.

use mithaq_db::Tx;
use mithaq_envelope::{Opened, open_seal};
use mithaq_model::{ConsentState, CopyState, ObjectId, PartyId, ReportId, ReportVersion};
use mithaq_store::onward::{self, Copy};
use mithaq_store::reports::Direction;
use mithaq_wire::{LaterReceipt, OnwardStep};

use crate::App;
use crate::correct::newest_sealed;
use crate::error::AppError;
use crate::log::Event;
use crate::orders::ANSWER;

impl App {
    /// A forwarder tells what became of a copy. An erasure counts as proven only with the holder's own signature.
    pub(super) fn copy_told(
        &self,
        tx: &mut dyn Tx,
        from: &PartyId,
        step: &OnwardStep,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let OnwardStep::Copy { consent, object, version, holder, state, at: _, proof } = step else {
            return Ok(());
        };
        let event = Event::system("onward.copy", *object).with(holder);
        let row = onward::locked(tx, *consent)?.filter(|row| {
            row.direction == Direction::Received
                && row.partner == *from
                && row.object == *object
                && row.version == *version
                && row.to == *holder
                && row.token.is_some()
        });
        let Some(mut row) = row else {
            events.push(event.verdict("ignored"));
            return Ok(());
        };
        let signed =
            proof.as_deref().is_some_and(|bytes| self.is_erasure(bytes, holder, (*object, *version)));
        if row.state == ConsentState::Granted {
            row.state = ConsentState::Used;
            onward::save(tx, &row)?;
            self.late_correction(tx, &row, events)?;
        }
        let newest = newest_sealed(tx, ReportId::from(*object))?;
        let is_behind = newest.is_some_and(|newest| *version < newest);
        let copy = Copy {
            object: *object,
            version: *version,
            holder: holder.clone(),
            via: from.clone(),
            consent: *consent,
            agreement: None,
            state: *state,
            proven: *state == CopyState::Erased && signed,
            at: self.now(),
            answer_by: None,
            // Heard of after its correction left.
            confirm_by: is_behind.then(|| self.now().plus(ANSWER)),
        };
        onward::put_copy(tx, &copy)?;
        if !is_behind && matches!(state, CopyState::Accepted | CopyState::Read) {
            onward::confirmed(tx, *object, holder)?;
        }
        let word = if *state == CopyState::Erased && !signed { "erased.not_proven" } else { state.code() };
        events.push(event.agreement(row.agreement).verdict(word));
        Ok(())
    }

    /// Whether bytes are a receipt that the holder itself sealed, saying that it erased this version.
    fn is_erasure(
        &self,
        bytes: &[u8],
        holder: &PartyId,
        (object, version): (ObjectId, ReportVersion),
    ) -> bool {
        let registry = self.registry();
        let Some(peer) = registry.peers.get(holder) else { return false };
        let opened = peer.trusted().find_map(|manifest| open_seal(bytes, manifest).ok());
        let Some(Opened::LaterReceipts(_, receipts)) = opened else { return false };
        receipts.iter().any(|one| match one {
            // No version named: it held nothing of the object.
            LaterReceipt::Erased { object: gone, versions, .. } => {
                *gone == object && (versions.is_empty() || versions.contains(&version))
            }
            LaterReceipt::Read { .. } | LaterReceipt::Decided { .. } | LaterReceipt::Complete { .. } => false,
        })
    }
}
