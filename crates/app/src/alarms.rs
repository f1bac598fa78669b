//! What rings for people: each cause once, and whom an alarm is about, who does not see to it. Codes and references,
//! never content.

use mithaq_db::Tx;
use mithaq_model::{ObjectId, OfficerId, PartyId};
use mithaq_store::alarms::{self, Alarm};
use mithaq_store::{checks, justifications, onward, reports, rulings};
use sha2::{Digest as _, Sha256};

use crate::App;
use crate::error::AppError;

/// What an alarm names.
pub(crate) struct Names<'a> {
    /// What people read.
    pub(crate) reference: String,
    /// What it is about, where people of this agency wrote it or decided on it.
    pub(crate) object: Option<ObjectId>,
    /// What makes it another cause than the last of its kind.
    pub(crate) cause: &'a [&'a [u8]],
}

impl App {
    /// An alarm that is the same as the last for the same cause.
    pub(crate) fn alarm_of(&self, kind: &str, names: Names<'_>) -> Alarm {
        let mut cause = Sha256::new().chain_update(kind);
        for part in names.cause {
            cause.update(part);
        }
        let id = cause.finalize().first_chunk::<16>().copied().unwrap_or_default();
        let Names { reference, object, .. } = names;
        Alarm { id, kind: kind.to_owned(), reference, object, at: self.now() }
    }

    /// Rings, each cause once; says whether it rang now.
    pub(crate) fn ring_once(&self, tx: &mut dyn Tx, kind: &str, names: Names<'_>) -> Result<bool, AppError> {
        Ok(alarms::raise(tx, &self.alarm_of(kind, names))?)
    }

    /// Rings for who oversees: each kind once per object.
    pub(crate) fn tell(&self, tx: &mut dyn Tx, kind: &str, object: ObjectId) -> Result<bool, AppError> {
        let (reference, cause) = (object.to_string(), [object.as_bytes().as_slice()]);
        self.ring_once(tx, kind, Names { reference, object: Some(object), cause: &cause })
    }

    /// Rings about a party: each kind once per cause.
    pub(crate) fn alarm(
        &self,
        tx: &mut dyn Tx,
        kind: &str,
        peer: &PartyId,
        cause: &str,
    ) -> Result<bool, AppError> {
        self.alarm_for(tx, kind, (peer, None), cause.as_bytes())
    }

    /// Rings about a party and what somebody here asked it, sent it or planned.
    pub(crate) fn alarm_on(
        &self,
        tx: &mut dyn Tx,
        kind: &str,
        (peer, object): (&PartyId, ObjectId),
        cause: &str,
    ) -> Result<bool, AppError> {
        self.alarm_for(tx, kind, (peer, Some(object)), cause.as_bytes())
    }

    /// The same for any cause.
    pub(crate) fn alarm_for(
        &self,
        tx: &mut dyn Tx,
        kind: &str,
        (peer, object): (&PartyId, Option<ObjectId>),
        cause: &[u8],
    ) -> Result<bool, AppError> {
        let (reference, cause) = (peer.to_string(), [peer.as_str().as_bytes(), cause]);
        self.ring_once(tx, kind, Names { reference, object, cause: &cause })
    }
}

/// Whether an alarm is about what a person did: wrote the report, asked the check, planned or passed on, gave the reason,
/// or decided on it.
pub(crate) fn is_about(tx: &mut dyn Tx, alarm: &Alarm, officer: OfficerId) -> Result<bool, AppError> {
    // Rows from before alarms named their object have it as their reference, if at all. Others are about a partner, a log
    // or a key: about nobody of this agency.
    let Some(object) = alarm.object.or_else(|| alarm.reference.parse().ok()) else { return Ok(false) };
    let report = reports::head(tx, object.into())?.and_then(|head| head.author);
    let check = checks::get(tx, object)?;
    let check = check.map(|one| [one.author, one.authoriser]);
    let plan = checks::plan(tx, object)?.map(|one| [Some(one.author), one.authoriser]);
    let consent = onward::get(tx, object)?;
    let consent = consent.map(|one| [one.person, one.sender].map(|who| who.map(|(officer, _role)| officer)));
    let mut people = [check, plan, consent].into_iter().flatten().flatten();
    Ok(report == Some(officer)
        || people.any(|who| who == Some(officer))
        || rulings::has_word(tx, object, officer)?
        || justifications::is_by(tx, object, officer)?)
}
