//! Reading a report: in a case, for a purpose, with a reason, logged before it is shown, with a receipt to the
//! originator at the first time. What was recalled, replaced, expired or not drained is not shown.

use mithaq_db::Tx;
use mithaq_envelope::{Opened, OpenedReport, open_seal};
use mithaq_exchange::{Locked, may_read};
use mithaq_model::{ObjectId, Report, ReportId, ReportState, Text};
use mithaq_policy::OrderKind;
use mithaq_store::disclosures::{self, Disclosure};
use mithaq_store::lanes::{self, LaneKey};
use mithaq_store::reports::{self, Direction, Form, ReportHead};
use mithaq_wire::{Lane, LaneId, LaterReceipt, MessageKind, decode_report};

use crate::App;
use crate::cases::CaseAccess;
use crate::drafts::damaged;
use crate::error::{AppError, words};
use crate::justifications::names_of;
use crate::log::{Committed, Event};
use crate::orders::{Body, Control};
use crate::ports::random;
use crate::rights::{May, intent};
use crate::sight::head_seen;

impl App {
    /// Reads a report of this node or of a partner in a case.
    ///
    /// # Errors
    /// When it is not of this case (a received one joins the case it is first read in), the purpose differs, or
    /// it is locked: recalled, replaced, expired, or orders may be waiting.
    pub fn read_report(
        &self,
        may: May<intent::ReadReport>,
        access: &CaseAccess,
        number: ReportId,
        reason: &Text,
    ) -> Result<Report, AppError> {
        self.own_access(may, access)?;
        let (access, salt, reason) = (access.clone(), random::<32>(&*self.entropy)?, reason.clone());
        let tried = Event::refused(may, number).case(access.case()).purpose(access.purpose());
        let shown = self.attempt(tried, move |app, tx| {
            let head = reports::head(tx, number)?.ok_or_else(AppError::not_found)?;
            let outcome = app.show(tx, may, &access, &head);
            let verdict = match &outcome {
                Ok(_) => "permit".to_owned(),
                Err(refused) => refused.code().to_owned(),
            };
            let committed = Committed::to(ObjectId::from(number), 0, salt, reason.reveal().as_bytes());
            let event = Event::by(may, "report.read", number).case(access.case()).purpose(access.purpose());
            let own_name = match &outcome {
                Ok(report) => {
                    let names: Vec<_> = report.subjects.iter().flat_map(names_of).collect();
                    app.justify(tx, &access, ("report.read", number.into()), &names)?
                }
                Err(_refused) => None,
            };
            let event = event.committed(committed).verdict(verdict);
            app.log(tx, &[event].into_iter().chain(own_name).collect::<Vec<_>>())?;
            Ok(outcome)
        })?;
        self.wake();
        shown
    }

    pub(crate) fn show(
        &self,
        tx: &mut dyn Tx,
        may: May<intent::ReadReport>,
        access: &CaseAccess,
        head: &ReportHead,
    ) -> Result<Report, AppError> {
        match head.direction {
            Direction::Own if head.case == Some(access.case()) => self.show_own(tx, head),
            Direction::Received if head.case.is_none_or(|case| case == access.case()) => {
                self.show_received(tx, may, access, head)
            }
            Direction::Own | Direction::Received => Err(AppError::not_found()),
        }
    }

    fn show_own(&self, tx: &mut dyn Tx, head: &ReportHead) -> Result<Report, AppError> {
        let (stored, content) = reports::content(tx, &self.vault, head.id, head.version)?;
        match stored.form {
            Form::Draft => decode_report(&content).map_err(|error| damaged("report", error)),
            Form::Sealed => self.unseal(&content, &self.party.clone()),
            Form::Erased => Err(AppError::not_found()),
        }
    }

    fn show_received(
        &self,
        tx: &mut dyn Tx,
        may: May<intent::ReadReport>,
        access: &CaseAccess,
        head: &ReportHead,
    ) -> Result<Report, AppError> {
        let agreement = head.agreement.ok_or_else(AppError::not_found)?;
        self.unlocked(tx, head)?;
        let (_, content) = reports::content(tx, &self.vault, head.id, head.version)?;
        let report = self.unseal(&content, &head.originator)?;
        if report.purpose != access.purpose() {
            return Err(AppError::refused("report.purpose", words::PURPOSE, 3, None, None));
        }
        if head.state != ReportState::InUse {
            reports::assign(tx, head.id, Some(access.case()), Some(agreement))?;
            reports::set_state(tx, head.id, head.state, ReportState::InUse, self.now())?;
            let object = ObjectId::from(head.id);
            let receipt = LaterReceipt::Read {
                object,
                version: head.version,
                role: may.role(),
                reader: *may.actor().as_bytes(),
                at: self.now(),
            };
            let control =
                Control { kind: OrderKind::LaterReceipts, message: MessageKind::Receipts, object, agreement };
            let to = self.route(tx, head)?;
            self.send_control_in(tx, &to, control, &Body::Receipts(vec![receipt]))?;
        }
        Ok(report)
    }

    /// Recall before read: the originator's control lane is drained, the version is in force.
    pub(crate) fn unlocked(&self, tx: &mut dyn Tx, head: &ReportHead) -> Result<(), AppError> {
        let agreement = head.agreement.ok_or_else(AppError::not_found)?;
        // The orders about what was passed on come by who passed it on.
        let from = self.route(tx, head)?;
        let id = LaneId { from, to: self.party.clone(), agreement, lane: Lane::Control };
        let holding = lanes::holding(tx, ObjectId::from(head.id))?.ok_or_else(AppError::not_found)?;
        let control = lanes::control(tx, LaneKey::of(&id))?;
        let have = lanes::peek_inbound(tx, &id)?
            .map_or(mithaq_wire::Position { epoch: 1, seq: 0 }, |lane| lane.have);
        may_read(&control, have, &holding, head.version, self.now()).map_err(lock)
    }

    pub(crate) fn unseal(
        &self,
        sealed: &[u8],
        originator: &mithaq_model::PartyId,
    ) -> Result<Report, AppError> {
        self.opened_by_originator(sealed, originator).map(|inner| inner.report)
    }

    /// Opens what an originator sealed, with whichever of its manifests signed it.
    pub(crate) fn opened_by_originator(
        &self,
        sealed: &[u8],
        originator: &mithaq_model::PartyId,
    ) -> Result<Box<OpenedReport>, AppError> {
        let registry = self.registry();
        let peer = registry.peers.get(originator).ok_or_else(|| AppError::conflict("partner.no_manifest"))?;
        let opened = peer.manifests.iter().rev().find_map(|manifest| open_seal(sealed, manifest).ok());
        match opened {
            Some(Opened::Report(inner)) => Ok(inner),
            Some(_) | None => Err(AppError::bug("report.seal")),
        }
    }

    /// Returns to whom a report of this node went and what each recipient has signed for it.
    ///
    /// # Errors
    /// When there is no such report that this person sees.
    pub fn receipts_of(
        &self,
        may: May<intent::ReadReport>,
        number: ReportId,
    ) -> Result<(ReportHead, Vec<Disclosure>), AppError> {
        self.read(move |_app, tx| {
            let head = head_seen(tx, may, number)?;
            Ok((head, disclosures::of_object(tx, number.into())?))
        })
    }
}

fn lock(locked: Locked) -> AppError {
    let (code, words) = match locked {
        Locked::NotHeld => return AppError::not_found(),
        Locked::ControlBehind => ("report.locked.control", words::UNAVAILABLE),
        Locked::Recalled => ("report.locked.recalled", words::TAKEN_BACK),
        Locked::Superseded => ("report.locked.superseded", words::CONFLICT),
        Locked::Quarantined => ("report.locked.quarantined", words::CONFLICT),
        Locked::Expired => ("report.locked.expired", words::TAKEN_BACK),
        Locked::LeaseOver => ("report.locked.lease", words::UNAVAILABLE),
    };
    AppError::refused(code, words, 9, None, None)
}
