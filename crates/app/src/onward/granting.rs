//! The originator's side: consents that were asked of it are granted with conditions by two persons, refused, taken
//! back, or lapse. Silence is no consent.

use mithaq_db::Tx;
use mithaq_envelope::{OpenedReport, sign_token};
use mithaq_model::{ConsentState, Days, ObjectId, OfficerId, ReportId, ReportState, Role, Text, Timestamp};
use mithaq_policy::{ConsentFault, ConsentQuestion, Onward, permit_consent};
use mithaq_store::onward::{self, Consent};
use mithaq_store::partners;
use mithaq_store::reports::{self, Direction, Form};
use mithaq_wire::{OnwardStep, OnwardToken};

use super::{Consented, consent_event, text_of};
use crate::App;
use crate::agreements::decode_risk;
use crate::correct::newest_sealed;
use crate::error::{AppError, words};
use crate::log::{Committed, Event};
use crate::ports::random;
use crate::release::refused;
use crate::rights::{May, intent};

/// How long a question waits for an answer: as an originator consulted about a person's rights (domain page, §4.11).
const ANSWER: Days = Days(15);
/// How long a token that was granted may be used.
const USE: Days = Days(14);
/// Within which time a holder answers that it erased (as for every order, domain page, §4.2).
const ERASE: Days = Days(3);
/// Consents looked at by one tick.
const TICK_MAX: u32 = 256;

impl App {
    /// Shows why a consent is asked, with a reason of one's own, logged.
    ///
    /// # Errors
    /// When there is none of that number.
    pub fn show_consent(
        &self,
        may: May<intent::GrantConsent>,
        id: ObjectId,
        why: &Text,
    ) -> Result<(Consent, Option<Text>), AppError> {
        let (salt, why) = (random::<32>(&*self.entropy)?, crate::cases::reason(why)?);
        self.attempt(Event::refused(may, id), move |app, tx| {
            let row = onward::get(tx, id)?.ok_or_else(AppError::not_found)?;
            let said = onward::reason(tx, &app.vault, id)?.and_then(|bytes| text_of(&bytes));
            let committed = Committed::to(id, 0, salt, why.reveal().as_bytes());
            app.log(tx, &[consent_event(Event::by(may, "onward.read", id), &row).committed(committed)])?;
            Ok((row, said))
        })
    }

    /// Grants a consent, as one of two persons in two roles; the second word signs the token and sends it. Either may
    /// set an earlier last day. Returns whether it is granted now.
    ///
    /// # Errors
    /// When it is not an open question, the same person or role said so before, or the rules refuse: the recipient is
    /// not assessed, or a risk stands against it.
    pub fn grant_consent(
        &self,
        may: May<intent::GrantConsent>,
        id: ObjectId,
        until: Option<Timestamp>,
    ) -> Result<bool, AppError> {
        let granted = self.attempt(Event::refused(may, id), move |app, tx| {
            let mut row = app.asked_of_us(tx, id)?;
            row.until = until.map_or(row.until, |until| until.min(row.until));
            let Some(first) = row.person else {
                row.person = Some((may.actor(), may.role()));
                onward::save(tx, &row)?;
                app.log(tx, &[consent_event(Event::by(may, "onward.approved", id), &row)])?;
                return Ok(false);
            };
            if first.0 == may.actor() || first.1 == may.role() {
                return Err(AppError::refused("onward.two_persons", words::TWO_PERSONS, 14, None, None));
            }
            let approvals = [first, (may.actor(), may.role())];
            let event = Event::by(may, "onward.granted", id);
            app.grant_in(tx, row, (&approvals, None), event)?;
            Ok(true)
        })?;
        self.wake();
        Ok(granted)
    }

    /// Decides by the rules, signs the token and sends it: two persons grant it, or it follows a consent that was used.
    pub(super) fn grant_in(
        &self,
        tx: &mut dyn Tx,
        mut row: Consent,
        (approvals, follows): (&[(OfficerId, Role)], Option<&Consented>),
        event: Event,
    ) -> Result<(), AppError> {
        let (known, now) = (self.known(row.agreement)?, self.now());
        let (own, ends) = self.own_version(tx, &row)?;
        if newest_sealed(tx, own.report.id)? != Some(row.version) {
            // What corrects it may allow less, or no longer name who asks.
            return Err(AppError::refused(ConsentFault::Version.code(), words::CONSENT, 9, None, None)
                .hint("a correction took the place of this version: it can be asked for the newest only"));
        }
        let risk = partners::risk(tx, &self.vault, &row.to)?.and_then(|stored| decode_risk(&stored.content));
        // An earlier last day that was ordered since counts too.
        let keep_until = row.until.min(own.report.expires).min(ends);
        let question = ConsentQuestion {
            report: &own.report,
            by: &row.partner,
            to: &row.to,
            purpose: row.purpose,
            use_by: now.plus(USE).min(keep_until),
            keep_until,
            risk: risk.as_ref(),
            approvals,
            follows,
        };
        let permit = permit_consent(&known.rules, &known.standing, &question, now)
            .map_err(|refusal| refused(&refusal))?;
        let registry = self.registry();
        let to = registry.peers.get(&row.to).ok_or_else(|| {
            AppError::conflict("onward.recipient_unknown")
                .hint("the recipient's root is known from an agreement with it only")
        })?;
        let token = OnwardToken {
            consent: row.id,
            originator: self.party.clone(),
            object: row.object,
            version: row.version,
            content: own.commitment,
            by: row.partner.clone(),
            to: row.to.clone(),
            to_root: to.root,
            purpose: row.purpose,
            use_by: question.use_by,
            keep_until,
            signed_at: now,
        };
        let signed = sign_token(&token, &permit, self.keys.soft())
            .map_err(|error| AppError::bug("onward.token").because(error))?;
        let step = OnwardStep::Granted { consent: row.id, token: signed.clone() };
        self.send_onward(tx, &row.partner, row.agreement, &step)?;
        row.state = ConsentState::Granted;
        (row.until, row.use_by, row.token) = (keep_until, Some(token.use_by), Some(signed));
        onward::save(tx, &row)?;
        self.log(tx, &[consent_event(event, &row).verdict(format!("to:{}", row.to))]).map(drop)
    }

    /// The version a consent is about, as this node sealed it.
    fn own_version(
        &self,
        tx: &mut dyn Tx,
        row: &Consent,
    ) -> Result<(Box<OpenedReport>, Timestamp), AppError> {
        let number = ReportId::from(row.object);
        let head = reports::head(tx, number)?.ok_or_else(AppError::not_found)?;
        if head.direction != Direction::Own || head.state == ReportState::Recalled {
            return Err(AppError::conflict("report.not_released"));
        }
        let (stored, sealed) = reports::content(tx, &self.vault, number, row.version)?;
        if stored.form != Form::Sealed {
            return Err(AppError::conflict("report.not_released"));
        }
        Ok((self.opened_by_originator(&sealed, &self.party)?, head.expires))
    }

    /// Refuses a consent: one person is enough to say no.
    ///
    /// # Errors
    /// When it is not an open question.
    pub fn deny_consent(&self, may: May<intent::GrantConsent>, id: ObjectId) -> Result<(), AppError> {
        self.attempt(Event::refused(may, id), move |app, tx| {
            let row = app.asked_of_us(tx, id)?;
            app.deny_in(tx, row, (ConsentState::Denied, Event::by(may, "onward.denied", id)))
        })?;
        self.wake();
        Ok(())
    }

    fn deny_in(
        &self,
        tx: &mut dyn Tx,
        mut row: Consent,
        (state, event): (ConsentState, Event),
    ) -> Result<(), AppError> {
        row.state = state;
        onward::save(tx, &row)?;
        let step = OnwardStep::Denied { consent: row.id, lapsed: state == ConsentState::Lapsed };
        self.send_duty(tx, &row.partner, row.agreement, &step)?;
        self.log(tx, &[consent_event(event, &row)]).map(drop)
    }

    /// Takes a consent back, used or not: an unused token opens nothing any more, and who got the copy must erase it
    /// and say so. One person is enough.
    ///
    /// # Errors
    /// When it was never granted or is taken back already.
    pub fn revoke_consent(&self, may: May<intent::GrantConsent>, id: ObjectId) -> Result<(), AppError> {
        self.attempt(Event::refused(may, id), move |app, tx| {
            let found = onward::locked(tx, id)?.filter(|row| row.direction == Direction::Received);
            let mut row = found.ok_or_else(AppError::not_found)?;
            if !matches!(row.state, ConsentState::Granted | ConsentState::Used) {
                return Err(AppError::conflict("onward.not_granted"));
            }
            row.state = ConsentState::Revoked;
            onward::save(tx, &row)?;
            let answer_by = app.now().plus(ERASE);
            onward::ask_by(tx, row.object, Some(&row.to), answer_by)?;
            let (object, version, to) = (row.object, row.version, row.to.clone());
            let step = OnwardStep::Revoked { consent: id, object, version, to, answer_by };
            app.send_onward(tx, &row.partner, row.agreement, &step)?;
            app.log(tx, &[consent_event(Event::by(may, "onward.revoked", id), &row)]).map(drop)
        })?;
        self.wake();
        Ok(())
    }

    fn asked_of_us(&self, tx: &mut dyn Tx, id: ObjectId) -> Result<Consent, AppError> {
        let found = onward::locked(tx, id)?.filter(|row| row.direction == Direction::Received);
        let row = found.ok_or_else(AppError::not_found)?;
        if row.state == ConsentState::Asked { Ok(row) } else { Err(AppError::conflict("onward.not_asked")) }
    }

    /// Lets consents lapse: questions that nobody answered, tokens that nobody used. Nothing is consented to by it. Passes
    /// on corrections that could not go before.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tick_consents(&self) -> Result<usize, AppError> {
        let done = self.write(|app, tx| {
            let now = app.now();
            let stale = onward::stale(tx, (now.minus(ANSWER), now), TICK_MAX)?;
            let count = stale.len();
            for mut row in stale {
                let event = Event::system("onward.lapsed", row.id);
                if row.direction == Direction::Received && row.state == ConsentState::Asked {
                    app.deny_in(tx, row, (ConsentState::Lapsed, event))?;
                } else {
                    row.state = ConsentState::Lapsed;
                    onward::save(tx, &row)?;
                    app.log(tx, &[consent_event(event, &row)])?;
                }
            }
            Ok(count)
        })?;
        if done > 0 {
            self.wake();
        }
        Ok(done.saturating_add(self.pass_corrections()?))
    }

    /// Whether the agreement names a recipient that needs no person's word.
    pub(super) fn is_listed(&self, row: &Consent) -> Result<bool, AppError> {
        let known = self.known(row.agreement)?;
        Ok(matches!(&known.agreement().onward, Onward::List(parties) if parties.contains(&row.to)))
    }
}
