//! Corrections of what was passed on. The originator's correction tells every further holder that its version is out of
//! date, and goes after the copies by the way they went: what two persons consented to stays consented to as corrected.
//! Who passed a copy on passes its correction on too, without people where the rules still let it.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_db::Tx;
use mithaq_model::{ConsentState, ObjectId, PartyId, Report, ReportId, ReportState, ReportVersion};
use mithaq_policy::{ConsentFault, HopRefusal};
use mithaq_store::onward::{self, Consent};
use mithaq_store::reports::{self, Direction};
use mithaq_wire::OnwardStep;

use super::{consent_event, consented};
use crate::App;
use crate::correct::newest_sealed;
use crate::error::AppError;
use crate::log::Event;
use crate::orders::ANSWER;
use crate::ports::fresh;
use crate::release::Use;

/// Corrections passed on by one tick.
const TICK_MAX: u32 = 64;

impl App {
    /// A correction leaves this node. Further holders are told that what they have is out of date, by who passed it on to
    /// them; where a copy went, the consent goes on for the correction.
    pub(crate) fn correction_follows(
        &self,
        tx: &mut dyn Tx,
        report: &Report,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let (object, version) = (ObjectId::from(report.id), report.version);
        let mut told = BTreeSet::new();
        let mut used = BTreeMap::new();
        for row in onward::of_object(tx, object)? {
            let went = matches!(row.state, ConsentState::Granted | ConsentState::Used);
            let earlier = row.direction == Direction::Received && row.version < version;
            if !(went && earlier && report.recipients.contains(&row.partner)) {
                continue;
            }
            if told.insert((row.partner.clone(), row.agreement)) {
                self.send_duty(tx, &row.partner, row.agreement, &OnwardStep::Superseded { object, version })?;
                let event = Event::system("onward.superseded", report.id).agreement(row.agreement);
                events.push(event.with(&row.partner).verdict(of(version)));
            }
            if row.state == ConsentState::Used {
                // The newest that was used: they come in order.
                used.insert((row.partner.clone(), row.to.clone(), row.purpose), row);
            }
        }
        onward::confirm_by(tx, (object, version), self.now().plus(ANSWER))?;
        used.into_values().try_for_each(|row| self.consent_follows(tx, &row, version, events))
    }

    /// A correction takes a recipient out: what was consented to for it is over. The order it gets says so to it.
    pub(crate) fn consents_end(
        &self,
        tx: &mut dyn Tx,
        (object, partner): (ObjectId, &PartyId),
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        for row in onward::of_object(tx, object)? {
            let went = matches!(row.state, ConsentState::Granted | ConsentState::Used);
            if went && row.direction == Direction::Received && row.partner == *partner {
                let row = Consent { state: ConsentState::Revoked, ..row };
                onward::save(tx, &row)?;
                events.push(consent_event(Event::system("onward.revoked", row.id), &row));
            }
        }
        Ok(())
    }

    /// A copy turns out to have gone on while its correction was on its way.
    pub(super) fn late_correction(
        &self,
        tx: &mut dyn Tx,
        row: &Consent,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let head = reports::head(tx, ReportId::from(row.object))?;
        let Some(head) = head.filter(|head| head.direction == Direction::Own) else { return Ok(()) };
        let Some(version) = newest_sealed(tx, head.id)? else { return Ok(()) };
        if version <= row.version || head.state == ReportState::Recalled {
            return Ok(());
        }
        let step = OnwardStep::Superseded { object: row.object, version };
        self.send_duty(tx, &row.partner, row.agreement, &step)?;
        let event = Event::system("onward.superseded", head.id).agreement(row.agreement);
        events.push(event.with(&row.partner).verdict(of(version)));
        self.consent_follows(tx, row, version, events)
    }

    /// Grants the next version to where an earlier one went, if this node's rules still let it. Otherwise people are told.
    fn consent_follows(
        &self,
        tx: &mut dyn Tx,
        earlier: &Consent,
        version: ReportVersion,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        // What this node signed with a key that its root distrusts by now consents to nothing more.
        let token = earlier.token.as_deref().and_then(|bytes| self.token_of(bytes, &self.party));
        let row = Consent {
            id: fresh(&*self.entropy)?,
            version,
            state: ConsentState::Asked,
            use_by: None,
            asked: self.now(),
            person: None,
            token: None,
            follows: Some(earlier.id),
            change: 1,
            ..earlier.clone()
        };
        onward::add(tx, &self.vault, &row, b"")?;
        let granted = match &token {
            Some(token) => {
                let row = Consent { until: token.keep_until, ..row.clone() };
                let event = Event::system("onward.granted", row.id);
                self.grant_in(tx, row, (&[], Some(&consented(token))), event)
            }
            None => Err(AppError::conflict("onward.forged")),
        };
        match granted {
            Err(no) if no.is_no() => {
                onward::save(tx, &Consent { state: ConsentState::Denied, ..row.clone() })?;
                self.alarm_on(tx, "onward.correction_held", (&row.to, row.id), &row.id.to_string())?;
                events.push(consent_event(Event::system("onward.denied", row.id), &row).verdict(no.code()));
                Ok(())
            }
            done => done,
        }
    }

    /// The originator says that what went on from here is out of date: the holders hear it in its own words.
    pub(super) fn copies_superseded(
        &self,
        tx: &mut dyn Tx,
        from: &PartyId,
        (object, version): (ObjectId, ReportVersion),
        (original, events): (Option<&[u8]>, &mut Vec<Event>),
    ) -> Result<(), AppError> {
        let head = reports::head(tx, ReportId::from(object))?;
        let theirs = head.is_some_and(|head| head.originator == *from);
        let event = Event::system("onward.superseded", ReportId::from(object)).with(from);
        events.push(event.verdict(if theirs { of(version) } else { "ignored".to_owned() }));
        match original.filter(|_| theirs) {
            Some(sealed) => self.carry_on(tx, (object, None), sealed, events),
            None => Ok(()),
        }
    }

    /// The originator grants a correction of what went on from here, unasked: it is kept under a number of its own, with
    /// the persons and the case of the consent it follows.
    pub(super) fn correction_granted(
        &self,
        tx: &mut dyn Tx,
        from: &PartyId,
        (id, signed): (ObjectId, &[u8]),
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let ignored = Event::system("onward.granted", id).with(from).verdict("ignored");
        let token = self.token_of(signed, from).filter(|one| one.consent == id && one.by == self.party);
        let Some(token) = token else {
            events.push(ignored);
            return Ok(());
        };
        let all = onward::of_object(tx, token.object)?;
        let known = onward::get(tx, id)?.is_some();
        let went = all.into_iter().filter(|row| {
            row.direction == Direction::Own
                && row.partner == *from
                && row.to == token.to
                && row.purpose == token.purpose
                && row.state == ConsentState::Used
                && row.version < token.version
        });
        let Some(earlier) = went.max_by_key(|row| row.version).filter(|_| !known) else {
            events.push(ignored);
            return Ok(());
        };
        let row = Consent {
            id,
            version: token.version,
            state: ConsentState::Granted,
            until: token.keep_until,
            use_by: Some(token.use_by),
            asked: self.now(),
            token: Some(signed.to_vec()),
            follows: Some(earlier.id),
            change: 1,
            ..earlier
        };
        onward::add(tx, &self.vault, &row, b"")?;
        let event = consent_event(Event::system("onward.granted", id), &row);
        events.push(event.verdict(format!("to:{}", row.to)));
        Ok(())
    }

    /// Passes corrections on that were granted and are here by now. What the rules refuse waits for people, who are told
    /// once; what is not here yet, or locked, is tried again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pass_corrections(&self) -> Result<usize, AppError> {
        let waiting = self.read(|_app, tx| Ok(onward::corrections(tx, TICK_MAX)?))?;
        let mut sent = 0_usize;
        for row in waiting {
            let went = self.write(move |app, tx| app.pass_correction(tx, row.id))?;
            sent = sent.saturating_add(usize::from(went));
        }
        if sent > 0 {
            self.wake();
        }
        Ok(sent)
    }

    fn pass_correction(&self, tx: &mut dyn Tx, id: ObjectId) -> Result<bool, AppError> {
        let found = onward::locked(tx, id)?.filter(|row| row.state == ConsentState::Granted);
        let Some(row) = found else { return Ok(false) };
        let at = match self.to_pass_on(tx, ReportId::from(row.object)) {
            Ok(at) if at.head.version == row.version => at,
            Ok(_) => return Ok(false),
            Err(no) if no.is_no() => return Ok(false),
            Err(error) => return Err(error),
        };
        // By the agreement the copy went by, with the two persons who sent it.
        let copies = onward::copies(tx, row.object)?;
        let before = copies.iter().find(|copy| Some(copy.consent) == row.follows && copy.via == self.party);
        let Some(agreement) = before.and_then(|copy| copy.agreement) else { return Ok(false) };
        let (Some(sender), Some(token)) =
            (row.sender, row.token.as_deref().and_then(|bytes| self.token_of(bytes, &row.partner)))
        else {
            return Ok(false);
        };
        let known = self.known(agreement)?;
        let to = row.to.clone();
        let in_time = at.ends_with(&token);
        let event = Event::system("onward.decided", at.head.id).agreement(agreement).with(&to);
        let event = event.purpose(row.purpose);
        let found = if in_time { Ok((row.clone(), token.clone())) } else { Err(ConsentFault::Expired) };
        let by = (&found, sender.0, sender.1);
        let verdict = match self.decide_hop(tx, &known, (&at, &to), by, &Use::default())? {
            Ok(permit) => {
                self.log(tx, &[event.verdict("permit")])?;
                self.send_hop(tx, &known, (at, row), (token, permit), sender)?;
                return Ok(true);
            }
            Err(HopRefusal::Rules(refusal)) => refusal.code().code(),
            Err(HopRefusal::Consent(fault)) => fault.code(),
        };
        if self.alarm_on(tx, "onward.correction_waits", (&to, id), &id.to_string())? {
            self.log(tx, &[event.verdict(verdict)])?;
        }
        Ok(false)
    }
}

fn of(version: ReportVersion) -> String {
    format!("version/{}", version.get())
}
