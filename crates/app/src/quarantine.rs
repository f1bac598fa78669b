//! What came in and was held back: seen by who must judge it, released or refused by two persons, or erased after
//! thirty days (domain page, §4.2: "leaves only by SP+DPO decision or erased at 30 d").
//!
//! The receiver decides for itself. That the sender's adviser cleared a text is the sender's ground for sending it,
//! not this node's for reading it: here the screen runs again, and this node's own adviser clears, or nobody.

use mithaq_db::Tx;
use mithaq_envelope::{Opened, open_seal};
use mithaq_exchange::{Modified, VersionState, Versions};
use mithaq_model::{
    Days, ObjectId, PartyId, RefusalGround, Report, ReportId, ReportState, ReportVersion, Role, Text,
    Timestamp,
};
use mithaq_policy::{Decision, Disclosure, OrderKind, Side, decide, screen};
use mithaq_store::reports::{self, Erasure, Quarantined, ReportHead};
use mithaq_store::{lanes, rulings};
use mithaq_wire::{LaterReceipt, MessageKind, OrderReason, SealHeader, Verdict};

use crate::App;
use crate::clearances::{AtHand, written};
use crate::error::{AppError, ErrorKind, words};
use crate::log::{Committed, Event};
use crate::orders::{Body, Control};
use crate::ports::random;
use crate::release::refused;
use crate::requests::{Arrival, Spoken};
use crate::rights::{May, intent};

/// How long something waits for a decision before it is erased.
pub const QUARANTINE_MAX: Days = Days(30);
/// The matter of the two persons' words.
const MATTER: &str = "quarantine";

/// What a person says about something in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Take it in, as if it had passed.
    Release,
    /// Refuse it: its content is erased, the sender is told the code.
    Refuse,
}

impl Ruling {
    const fn code(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Refuse => "refuse",
        }
    }

    /// Reads a code.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for an unknown one.
    pub fn from_code(code: &str) -> Result<Self, AppError> {
        [Self::Release, Self::Refuse]
            .into_iter()
            .find(|ruling| ruling.code() == code)
            .ok_or_else(|| AppError::invalid("ruling").hint("release or refuse"))
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// Another person's word is awaited: both the contact point and the data-protection officer must say the same.
    Waiting,
    /// It may be read; the sender is told.
    Released,
    /// Erased; the sender is told.
    Refused,
}

/// Something in quarantine, without its content.
#[derive(Debug, Clone)]
pub struct Held {
    /// Number.
    pub report: ReportId,
    /// Version.
    pub version: ReportVersion,
    /// Who sent it.
    pub originator: PartyId,
    /// Why it is held, a code.
    pub code: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is erased unless somebody decides.
    pub erased_on: Timestamp,
    /// What was said: matter, role, word. No reasons.
    pub said: Vec<(String, Role, String)>,
}

/// As loaded for judging.
pub(crate) struct HeldBack {
    pub(crate) at: AtHand,
    row: Quarantined,
    seal: SealHeader,
    sealed_len: u64,
}

impl App {
    /// Lists what is in quarantine, the longest first, without content.
    ///
    /// # Errors
    /// When the store fails.
    pub fn quarantined(&self, _may: May<intent::InspectQuarantine>) -> Result<Vec<Held>, AppError> {
        self.read(move |_app, tx| {
            let mut all = Vec::new();
            for row in reports::quarantined(tx, 1_000)? {
                let Some(head) = reports::head(tx, row.object.into())? else { continue };
                let said = rulings::of_version(tx, row.object, row.version)?;
                all.push(Held {
                    report: row.object.into(),
                    version: row.version,
                    originator: head.originator,
                    code: row.code,
                    since: row.at,
                    erased_on: row.at.plus(QUARANTINE_MAX),
                    said: said.into_iter().map(|one| (one.about.matter, one.role, one.says)).collect(),
                });
            }
            Ok(all)
        })
    }

    /// Shows what is in quarantine to who must judge it, with what the screen found. Logged with the reason.
    ///
    /// # Errors
    /// When it is not in quarantine, or the reason is no reason.
    pub fn inspect_quarantined(
        &self,
        may: May<intent::InspectQuarantine>,
        number: ReportId,
        reason: &Text,
    ) -> Result<(Report, Vec<mithaq_model::SpecialCategory>), AppError> {
        let (salt, reason) = (random::<32>(&*self.entropy)?, reason.clone());
        self.attempt(Event::refused(may, number), move |app, tx| {
            written(&reason)?;
            let at = {
                let head = reports::head_locked(tx, number)?;
                app.held(tx, head)?.at
            };
            let committed = Committed::to(number.into(), at.version.get(), salt, reason.reveal().as_bytes());
            let event = Event::by(may, "quarantine.read", number).with(&at.head.originator);
            app.log(tx, &[event.committed(committed).verdict("permit")])?;
            let found = screen::report(&at.report);
            Ok((at.report, found))
        })
    }

    /// Says, as one of two persons, what becomes of something in quarantine. When the contact point and the
    /// data-protection officer say the same it is done, and the sender gets the later verdict (R2).
    ///
    /// # Errors
    /// When it is not in quarantine, the reason is no sentence, or it is to be released and this node's rules still
    /// refuse it: what the screen found must be cleared by the legal adviser, a protected role by adviser and senior.
    pub fn judge_quarantine(
        &self,
        may: May<intent::JudgeQuarantine>,
        number: ReportId,
        ruling: Ruling,
        reason: &Text,
    ) -> Result<Judged, AppError> {
        let word = self.written(reason)?;
        let judged = self.attempt(Event::refused(may, number), move |app, tx| {
            written(&word.ground)?;
            let head = reports::head_locked(tx, number)?;
            let held = app.held(tx, head)?;
            if ruling == Ruling::Release {
                app.still_refused(tx, &held)?;
            }
            let about = (held.at.about(MATTER.to_owned(), None), held.at.hash);
            let committed = app.put_word(tx, may, about, ruling.code(), &word)?;
            let mut events = vec![
                Event::by(may, "quarantine.judged", number)
                    .with(&held.at.head.originator)
                    .committed(committed)
                    .verdict(ruling.code()),
            ];
            let judged = app.conclude(tx, &held, ruling, &mut events)?;
            app.log(tx, &events)?;
            Ok(judged)
        })?;
        if judged == Judged::Released {
            // It may correct what went on from here.
            self.pass_corrections()?;
        }
        if judged == Judged::Refused {
            self.wipe();
        }
        self.wake();
        Ok(judged)
    }

    /// Carries out what two persons agree on.
    fn conclude(
        &self,
        tx: &mut dyn Tx,
        held: &HeldBack,
        ruling: Ruling,
        events: &mut Vec<Event>,
    ) -> Result<Judged, AppError> {
        let said = rulings::of_version(tx, held.row.object, held.row.version)?;
        let same = |role: Role| {
            said.iter().any(|one| {
                one.about.matter == MATTER
                    && one.role == role
                    && one.says == ruling.code()
                    && one.hash == held.at.hash
            })
        };
        if !(same(Role::Spoc) && same(Role::Dpo)) {
            return Ok(Judged::Waiting);
        }
        match ruling {
            Ruling::Release => self.let_in(tx, held, events).map(|()| Judged::Released),
            Ruling::Refuse => {
                self.turn_away(tx, held, OrderReason::Rights, "refused", events).map(|()| Judged::Refused)
            }
        }
    }

    fn let_in(&self, tx: &mut dyn Tx, held: &HeldBack, events: &mut Vec<Event>) -> Result<(), AppError> {
        let (object, version, now) = (held.row.object, held.row.version, self.now());
        self.hold_as(tx, held, |from| {
            if version < from { VersionState::Superseded } else { VersionState::Current }
        })?;
        let number = ReportId::from(object);
        reports::set_state(tx, number, held.at.head.state, ReportState::Acknowledged, now)?;
        reports::resolve_quarantine(tx, object, version, "released", now)?;
        let decided = LaterReceipt::Decided { object, version, verdict: Verdict::Accepted, at: now };
        self.answer_later(tx, held, vec![decided])?;
        let report = &held.at.report;
        self.attachments_arrived(tx, (&held.at.head.originator, report.agreement), report, events)?;
        let known = self.known(held.at.report.agreement)?;
        let arrived = Arrival { accepted: true, at: now };
        self.tied_arrival(tx, &known, (&held.at.report, &held.seal), (arrived, events))?;
        events.push(self.concluded(held, "report.released_from_quarantine", "accepted"));
        Ok(())
    }

    /// Erases what is not to be taken in. The sender is told that with R4 in one message; the caller wipes.
    pub(crate) fn turn_away(
        &self,
        tx: &mut dyn Tx,
        held: &HeldBack,
        reason: OrderReason,
        resolution: &str,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let (object, version, now) = (held.row.object, held.row.version, self.now());
        self.hold_as(tx, held, |_from| VersionState::Recalled)?;
        reports::resolve_quarantine(tx, object, version, resolution, now)?;
        let versions = Versions::Only(vec![version]);
        let erasure = Erasure {
            object,
            versions: &versions,
            reason,
            originator: &held.at.head.originator,
            agreement: Some(held.at.report.agreement),
            at: now,
            state: ReportState::Erased,
        };
        let gone = reports::erase(tx, &erasure)?;
        let code = held.row.code.clone();
        let verdict = Verdict::Refused { ground: ground(&code), code: code.clone() };
        self.request_turned_away(tx, held.at.head.id, ground(&code))?;
        let wiped = ["attachments", "content", "envelope", "keys", "salts"].map(str::to_owned).to_vec();
        let receipts = vec![
            LaterReceipt::Decided { object, version, verdict, at: now },
            LaterReceipt::Erased { object, versions: gone, wiped, leaf: None, at: now },
        ];
        let sender = (&held.at.head.originator, held.at.report.agreement);
        self.owe_erasure(tx, sender, object, receipts)?;
        events.push(self.concluded(held, "report.refused_in_quarantine", &code));
        Ok(())
    }

    fn concluded(&self, held: &HeldBack, kind: &str, verdict: &str) -> Event {
        Event::system(kind, held.row.object)
            .agreement(held.at.report.agreement)
            .with(&held.at.head.originator)
            .purpose(held.at.report.purpose)
            .verdict(verdict)
    }

    /// What the protocol knows of the version changes with it.
    fn hold_as(
        &self,
        tx: &mut dyn Tx,
        held: &HeldBack,
        state: impl FnOnce(ReportVersion) -> VersionState,
    ) -> Result<(), AppError> {
        let Some(mut holding) = lanes::holding(tx, held.row.object)? else { return Ok(()) };
        let state = state(holding.current_from);
        for version in holding.versions.iter_mut().filter(|one| one.version == held.row.version) {
            version.state = state;
        }
        lanes::apply(tx, &Modified { holdings: vec![holding], tombstones: Vec::new() })?;
        Ok(())
    }

    /// Tells the sender, as long as duties under the agreement live; after that nobody waits for it.
    fn answer_later(
        &self,
        tx: &mut dyn Tx,
        held: &HeldBack,
        receipts: Vec<LaterReceipt>,
    ) -> Result<(), AppError> {
        let (object, agreement) = (held.row.object, held.at.report.agreement);
        let control =
            Control { kind: OrderKind::LaterReceipts, message: MessageKind::Receipts, object, agreement };
        match self.send_control_in(tx, &held.at.head.originator, control, &Body::Receipts(receipts)) {
            Err(error) if error.kind() == ErrorKind::Refused => Ok(()),
            sent => sent,
        }
    }

    /// Asks this node's rules again, with what was cleared here since.
    fn still_refused(&self, tx: &mut dyn Tx, held: &HeldBack) -> Result<(), AppError> {
        let known = self.known(held.at.report.agreement)?;
        let rights = self.rights_in(tx, &held.at.report, held.at.hash)?;
        let mut context = self.receiver_context(&known, &held.seal, rights.special, held.sealed_len);
        context.clearances = rights.roles;
        context.reply_bound = Spoken::of_report(tx, &held.at.report)?.binds(&held.at.report);
        // It was counted on the day it was sealed; people decide about it now, not about a flow.
        (context.reports_left, context.bytes_left) = (1, held.sealed_len);
        let disclosure = Disclosure {
            report: &held.at.report,
            recipient: &self.party,
            side: Side::Receiver,
            context: &context,
            standing: &known.standing,
        };
        match decide(&known.rules, &disclosure, self.now()) {
            Decision::Permit(_) => Ok(()),
            Decision::Refuse(refusal) => Err(refused(&refusal).hint(
                "a special category is cleared by the legal adviser, a protected role by adviser and senior",
            )),
        }
    }

    /// Loads what is in quarantine of a report: its newest version there.
    pub(crate) fn held(&self, tx: &mut dyn Tx, head: ReportHead) -> Result<HeldBack, AppError> {
        let object = ObjectId::from(head.id);
        let row = reports::in_quarantine(tx, object)?
            .ok_or_else(|| AppError::new(ErrorKind::NotFound, "quarantine.not_there", words::NOT_FOUND))?;
        let (stored, sealed) = reports::content(tx, &self.vault, head.id, row.version)?;
        let registry = self.registry();
        let peer =
            registry.peers.get(&head.originator).ok_or_else(|| AppError::conflict("partner.no_manifest"))?;
        let opened = peer.manifests.iter().rev().find_map(|manifest| open_seal(&sealed, manifest).ok());
        let Some(Opened::Report(inner)) = opened else { return Err(AppError::bug("report.seal")) };
        let sealed_len = u64::try_from(sealed.len()).unwrap_or(u64::MAX);
        let at = AtHand { version: row.version, report: inner.report, hash: stored.hash, head };
        Ok(HeldBack { at, row, seal: inner.header, sealed_len })
    }
}

/// The ground a sender may be told for a code.
fn ground(code: &str) -> Option<RefusalGround> {
    match code {
        "SPC" => Some(RefusalGround::CategoryNotAllowed),
        "PRT" => Some(RefusalGround::ProtectedRole),
        _other => None,
    }
}
