//! The end of what has an end: an originator's last day, sent after what it sent; erasure of what is over, here and
//! with a receipt; erasure of what nobody judged. The node's timer calls it; every erasure is an entry.

use mithaq_db::Tx;
use mithaq_exchange::{Holding, Versions};
use mithaq_model::{AgreementId, ObjectId, PartyId, ReportId, ReportState, Timestamp};
use mithaq_policy::OrderKind;
use mithaq_store::reports::{self, Direction, Erasure, ReportHead};
use mithaq_store::{disclosures, links, onward, rulings, subjects};
use mithaq_wire::{LaterReceipt, MessageKind, Order, OrderReason};

use crate::App;
use crate::error::AppError;
use crate::log::Event;
use crate::orders::{ANSWER, Body, Control};
use crate::quarantine::QUARANTINE_MAX;
use crate::rights::{May, intent};

impl App {
    /// Sets an earlier last day of a released report, here and at every recipient: their copies lock on that day and
    /// are erased. A later day is a correction, which goes through the same hands as the report did.
    ///
    /// # Errors
    /// When the report is not this node's own, was never released, or the day is past or not earlier than it was.
    pub fn expire_report(
        &self,
        may: May<intent::RecallReport>,
        number: ReportId,
        expires: Timestamp,
    ) -> Result<usize, AppError> {
        let done = self.attempt(Event::refused(may, number), move |app, tx| {
            let head = reports::head_locked(tx, number)?;
            if head.direction != Direction::Own {
                return Err(AppError::not_found());
            }
            if expires <= app.now() || expires >= head.expires {
                return Err(AppError::invalid("expires").hint(
                    "give a day after now and before the last day it has; a later day is a correction",
                ));
            }
            let object = ObjectId::from(number);
            let mut recipients: Vec<(PartyId, AgreementId)> = disclosures::of_object(tx, object)?
                .into_iter()
                .map(|one| (one.recipient, one.agreement))
                .collect();
            recipients.sort();
            recipients.dedup();
            if recipients.is_empty() || head.state == ReportState::Recalled {
                return Err(AppError::conflict("report.not_released"));
            }
            for (recipient, agreement) in &recipients {
                let control = Control {
                    kind: OrderKind::Expiry,
                    message: MessageKind::Order,
                    object,
                    agreement: *agreement,
                };
                app.send_control_in(tx, recipient, control, &Body::Order(Order::Expiry { object, expires }))?;
                disclosures::confirm_by(tx, object, recipient, app.now().plus(ANSWER))?;
            }
            reports::set_expiry(tx, number, expires)?;
            let event = |(recipient, agreement): &(PartyId, AgreementId)| {
                Event::by(may, "report.expiry_set", number).agreement(*agreement).with(recipient)
            };
            app.log(tx, &recipients.iter().map(event).collect::<Vec<_>>())?;
            Ok(recipients.len())
        })?;
        self.wake();
        Ok(done)
    }

    /// Carries over the last days that orders set: what the protocol locks on that day, retention erases after it.
    /// A later day than this node allows itself is not taken.
    pub(crate) fn take_expiries(
        &self,
        tx: &mut dyn Tx,
        holdings: &[Holding],
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        for holding in holdings {
            let Some(expires) = holding.expires else { continue };
            let number = ReportId::from(holding.object);
            let Some(head) = reports::head(tx, number)? else { continue };
            let alive = !matches!(head.state, ReportState::Erased | ReportState::Recalled);
            if head.direction == Direction::Received && alive && expires < head.expires {
                reports::set_expiry(tx, number, expires)?;
                events.push(
                    Event::system("report.expiry_set", number)
                        .agreement(holding.agreement)
                        .with(&holding.originator),
                );
            }
        }
        Ok(())
    }

    /// Erases reports whose last day is over: content, keys, envelopes, salts, written reasons, subjects and links
    /// made from it. Own ones and received ones; for a received one R4 is owed to who sent it. The log stays whole.
    ///
    /// # Errors
    /// When the store fails.
    pub fn erase_expired_reports(&self, limit: u32) -> Result<usize, AppError> {
        let done = self.write(move |app, tx| {
            let mut events = Vec::new();
            for number in reports::expired(tx, app.now(), limit)? {
                let head = reports::head_locked(tx, number)?;
                app.erase_expired(tx, &head, &mut events)?;
            }
            app.log(tx, &events)?;
            Ok(events.len())
        })?;
        self.after_erasing(done)
    }

    pub(crate) fn erase_expired(
        &self,
        tx: &mut dyn Tx,
        head: &ReportHead,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let (object, now) = (ObjectId::from(head.id), self.now());
        let erasure = Erasure {
            object,
            versions: &Versions::All,
            reason: OrderReason::Retention,
            originator: &head.originator,
            agreement: head.agreement,
            at: now,
            state: ReportState::Erased,
        };
        let derived = subjects::of_report(tx, head.id)?;
        let linked = links::of_report(tx, head.id)?;
        let gone = reports::erase(tx, &erasure)?;
        subjects::erase(tx, &derived)?;
        links::erase(tx, &linked)?;
        rulings::erase_reasons(tx, object)?;
        onward::erase_reasons(tx, object)?;
        let event = Event::system("report.erased", head.id).with(&head.originator).verdict("RET");
        events.push(match head.agreement {
            Some(agreement) => event.agreement(agreement),
            None => event,
        });
        let (Direction::Received, Some(agreement)) = (head.direction, head.agreement) else { return Ok(()) };
        let wiped = ["attachments", "content", "envelope", "keys", "salts", "subjects", "terms"]
            .map(str::to_owned)
            .to_vec();
        let receipt = LaterReceipt::Erased { object, versions: gone, wiped, leaf: None, at: now };
        let to = self.route(tx, head)?;
        self.owe_erasure(tx, (&to, agreement), object, vec![receipt])
    }

    /// Erases what lay in quarantine for thirty days without a decision; the sender is told that it was refused.
    ///
    /// # Errors
    /// When the store fails.
    pub fn erase_stale_quarantine(&self, limit: u32) -> Result<usize, AppError> {
        let done = self.write(move |app, tx| {
            let mut events = Vec::new();
            let over = |since: Timestamp| since.plus(QUARANTINE_MAX) <= app.now();
            for row in reports::quarantined(tx, limit)?.into_iter().filter(|row| over(row.at)) {
                let head = reports::head_locked(tx, row.object.into())?;
                let held = app.held(tx, head)?;
                app.turn_away(tx, &held, OrderReason::Retention, "not_judged", &mut events)?;
            }
            app.log(tx, &events)?;
            Ok(events.len())
        })?;
        self.after_erasing(done)
    }

    /// What was erased is nowhere on disk only when the write-ahead log is cut; if it cannot be now, the timer does it.
    pub(crate) fn after_erasing(&self, done: usize) -> Result<usize, AppError> {
        if done > 0 {
            self.wipe();
            self.wake();
        }
        Ok(done)
    }
}
