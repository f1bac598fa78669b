//! What an originator says about what it sent, and what a holder answers: recall, expiry, notices, receipts of
//! reading and erasing. All in the control lane, which partners drain before they read anything.

use mithaq_db::Tx;
use mithaq_envelope::{SealArgs, Sealed, seal_later_receipts, seal_notice, seal_order};
use mithaq_model::{AgreementId, Days, ObjectId, PartyId, Report, ReportId, ReportState, Timestamp};
use mithaq_policy::{OrderKind, permit_order};
use mithaq_store::disclosures::{self, Disclosure};
use mithaq_store::onward;
use mithaq_store::reports::{self, Direction};
use mithaq_wire::{LaterReceipt, MessageKind, Notice, Order, OrderReason};

use crate::App;
use crate::error::{AppError, ErrorKind};
use crate::log::Event;
use crate::ports::random;
use crate::release::refused;
use crate::rights::{May, intent};

/// Within which time a holder answers an order (domain page, §4.2: 72 hours).
pub(crate) const ANSWER: Days = Days(3);

/// What a control message is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Control {
    pub(crate) kind: OrderKind,
    pub(crate) message: MessageKind,
    pub(crate) object: ObjectId,
    pub(crate) agreement: AgreementId,
}

/// What it says.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Order(Order),
    Notice(Notice),
    Receipts(Vec<LaterReceipt>),
}

impl App {
    /// Takes a released report back from every recipient. Reaches a partner that is away when it returns, before
    /// it reads anything. What comes back is declared and signed, or listed as not proven.
    ///
    /// # Errors
    /// When the report is not this node's own or was never released.
    pub fn recall_report(
        &self,
        may: May<intent::RecallReport>,
        number: ReportId,
        reason: OrderReason,
    ) -> Result<usize, AppError> {
        let done = self.attempt(Event::refused(may, number), move |app, tx| {
            let head = reports::head_locked(tx, number)?;
            if head.direction != Direction::Own {
                return Err(AppError::not_found());
            }
            let object = ObjectId::from(number);
            let sent = disclosures::of_object(tx, object)?;
            if sent.is_empty() || head.state == ReportState::Recalled {
                return Err(AppError::conflict("report.not_released"));
            }
            let answer_by = app.now().plus(ANSWER);
            let mut recipients: Vec<(PartyId, AgreementId)> =
                sent.into_iter().map(|one| (one.recipient, one.agreement)).collect();
            recipients.sort();
            recipients.dedup();
            for (recipient, agreement) in &recipients {
                app.erase_at(tx, (recipient, *agreement), object, (reason, answer_by))?;
            }
            disclosures::ask_by(tx, object, None, answer_by)?;
            onward::ask_by(tx, object, None, answer_by)?;
            app.request_withdrawn(tx, number)?;
            reports::set_state(tx, number, head.state, ReportState::Recalled, app.now())?;
            let events: Vec<Event> = recipients
                .iter()
                .map(|(recipient, agreement)| {
                    Event::by(may, "report.recalled", number).agreement(*agreement).with(recipient)
                })
                .collect();
            app.log(tx, &events)?;
            Ok(recipients.len())
        })?;
        // What was said about a request goes with it.
        self.wiping.erased();
        self.wake();
        Ok(done)
    }

    /// Sends one recipient the order to erase every version of an object.
    fn erase_at(
        &self,
        tx: &mut dyn Tx,
        (recipient, agreement): (&PartyId, AgreementId),
        object: ObjectId,
        (reason, answer_by): (OrderReason, Timestamp),
    ) -> Result<(), AppError> {
        let control = Control { kind: OrderKind::Recall, message: MessageKind::Order, object, agreement };
        let order = Order::Recall { object, versions: Vec::new(), reason, answer_by };
        self.send_control_in(tx, recipient, control, &Body::Order(order))
    }

    /// A correction leaves that no longer names some of the recipients before it: each is ordered to erase every version
    /// instead, and what went on from it goes with it. Whoever stays knows nothing of it but the new list.
    pub(crate) fn taken_out(
        &self,
        tx: &mut dyn Tx,
        may: May<intent::ReleaseReport>,
        report: &Report,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let (object, answer_by) = (ObjectId::from(report.id), self.now().plus(ANSWER));
        let sent = disclosures::of_object(tx, object)?;
        // Who was taken out by an earlier correction has its order.
        let before = sent.iter().map(|one| one.version).filter(|version| *version < report.version).max();
        let copies = onward::copies(tx, object)?;
        let gone = sent
            .iter()
            .filter(|one| Some(one.version) == before && !report.recipients.contains(&one.recipient));
        for Disclosure { recipient, agreement, .. } in gone {
            self.erase_at(tx, (recipient, *agreement), object, (OrderReason::Originator, answer_by))?;
            disclosures::ask_by(tx, object, Some(recipient), answer_by)?;
            for copy in copies.iter().filter(|copy| copy.via == *recipient) {
                onward::ask_by(tx, object, Some(&copy.holder), answer_by)?;
            }
            events.push(Event::by(may, "report.recalled", report.id).agreement(*agreement).with(recipient));
            self.consents_end(tx, (object, recipient), events)?;
        }
        Ok(())
    }

    /// Sends one control message in a transaction of its own.
    pub(crate) fn send_control(
        &self,
        partner: &PartyId,
        control: Control,
        body: Body,
    ) -> Result<(), AppError> {
        let partner = partner.clone();
        self.write(move |app, tx| {
            app.send_control_in(tx, &partner, control, &body)?;
            let event =
                Event::system("control.sent", control.object).agreement(control.agreement).with(&partner);
            app.log(tx, &[event])?;
            Ok(())
        })?;
        self.wake();
        Ok(())
    }

    /// Permits, seals and queues one control message. The caller logs.
    pub(crate) fn send_control_in(
        &self,
        tx: &mut dyn Tx,
        partner: &PartyId,
        control: Control,
        body: &Body,
    ) -> Result<(), AppError> {
        let known = self.known(control.agreement)?;
        // A receipt or notice speaks for this party; an order is the originator's own.
        let ends = (&self.party, &self.party, partner);
        let permit =
            permit_order(&known.rules, &known.standing, (control.kind, control.object), ends, self.now())
                .map_err(|refusal| refused(&refusal))?;
        let now = self.now();
        let args = SealArgs {
            lease_until: now.plus(Days(365)),
            released_by: Vec::new(),
            sealed_at: now,
            supersedes: None,
            salt: random::<32>(&*self.entropy)?,
        };
        let signer = self.keys.soft();
        let sealed: Sealed = match body {
            Body::Order(order) => seal_order(order, &permit, &args, signer),
            Body::Notice(notice) => seal_notice(notice, &permit, &args, signer),
            Body::Receipts(receipts) => seal_later_receipts(receipts, &permit, &args, signer),
        }
        .map_err(|error| AppError::bug("control.seal").because(error))?;
        let far: Timestamp = now.plus(Days(365));
        self.dispatch(tx, &known, partner, (&sealed, control.message), far)
    }
}

/// Reads the reason of an order.
///
/// # Errors
/// [`ErrorKind::Invalid`] for an unknown code.
pub fn order_reason(code: &str) -> Result<OrderReason, AppError> {
    match code {
        "originator" => Ok(OrderReason::Originator),
        "inaccurate" => Ok(OrderReason::Inaccurate),
        "retention" => Ok(OrderReason::Retention),
        "court" => Ok(OrderReason::Court),
        "rights" => Ok(OrderReason::Rights),
        "misdirected" => Ok(OrderReason::Misdirected),
        _other => Err(AppError::new(ErrorKind::Invalid, "input.reason", crate::error::words::INVALID)
            .hint("originator, inaccurate, retention, court, rights or misdirected")),
    }
}
