//! Holders that were told to erase, or said that somebody did, and whose own signature over it did not come in time; and
//! recipients of a correction or an earlier last day that did not accept it in time. The data-protection officer is told at
//! once, oversight a week later, and both see who it is.

use mithaq_db::Tx;
use mithaq_model::{AgreementId, Days, ObjectId, PartyId, ReportId, Timestamp};
use mithaq_store::disclosures::{self, Escalated, Owed};
use mithaq_store::onward;

use super::tree::{Holder, direct, further};
use crate::App;
use crate::alarms::Names;
use crate::error::{AppError, ErrorKind};
use crate::log::Event;
use crate::rights::{May, intent};
use crate::sight::head_seen;

/// How long after the day the answer was owed oversight is told.
const OVERSIGHT: Days = Days(7);
/// How many are told of in one transaction, of each table and to each of the two.
const TOLD_MAX: u32 = 256;
/// Most that are listed, of each table.
const LIST_MAX: u32 = 1_000;

/// Whom, by which kind of alarm and entry, and how long after the day.
const STEPS: [(Escalated, Owed, &str, Days); 4] = [
    (Escalated::Dpo, Owed::Erasure, "erasure.not_proven", Days(0)),
    (Escalated::Oversight, Owed::Erasure, "erasure.not_proven_week", OVERSIGHT),
    (Escalated::Dpo, Owed::Receipt, "correction.not_confirmed", Days(0)),
    (Escalated::Oversight, Owed::Receipt, "correction.not_confirmed_week", OVERSIGHT),
];

/// One holder that is late, and what is needed to tell of it.
struct Late {
    object: ObjectId,
    holder: PartyId,
    agreement: Option<AgreementId>,
    /// The day a receipt was owed: each correction is told of by itself.
    confirm_by: Option<Timestamp>,
}

impl App {
    /// Lists the copies whose holder was to prove by now that it erased, or to accept what allows less, and did not: the
    /// longest first, of reports that this person sees.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unproven(&self, may: May<intent::ReadConsent>) -> Result<Vec<(ReportId, Holder)>, AppError> {
        self.read(move |app, tx| {
            let now = app.now();
            let mut sent = disclosures::overdue(tx, Owed::Erasure, now, LIST_MAX)?;
            sent.extend(disclosures::overdue(tx, Owed::Receipt, now, LIST_MAX)?);
            let mut copies = onward::overdue(tx, Owed::Erasure, now, LIST_MAX)?;
            copies.extend(onward::overdue(tx, Owed::Receipt, now, LIST_MAX)?);
            let sent = sent.iter().map(|one| (ReportId::from(one.object), direct(one)));
            let copies = copies.iter().map(|one| (ReportId::from(one.object), further(one)));
            let mut all = Vec::new();
            for (report, holder) in sent.chain(copies) {
                match head_seen(tx, may, report) {
                    Ok(_head) => all.push((report, holder)),
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            all.sort_by(|(a, one), (b, other)| (one.answer_by, a).cmp(&(other.answer_by, b)));
            Ok(all)
        })
    }

    /// Rings, once for each holder of an object, when the day has passed on which its proof or receipt was owed: for the
    /// data-protection officer, and a week later for oversight. The node's timer calls it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remind_unproven(&self) -> Result<usize, AppError> {
        self.write(|app, tx| {
            let mut events = Vec::new();
            for (whom, owed, kind, after) in STEPS {
                for late in app.late(tx, owed, whom, after)? {
                    disclosures::told(tx, late.object, &late.holder, whom)?;
                    onward::told(tx, late.object, &late.holder, whom)?;
                    if app.ring_unproven(tx, kind, &late)? {
                        let event = Event::system(kind, ReportId::from(late.object)).with(&late.holder);
                        events.push(match late.agreement {
                            Some(agreement) => event.agreement(agreement),
                            None => event,
                        });
                    }
                }
            }
            app.log(tx, &events)?;
            Ok(events.len())
        })
    }

    fn late(&self, tx: &mut dyn Tx, owed: Owed, whom: Escalated, after: Days) -> Result<Vec<Late>, AppError> {
        let by = self.now().minus(after);
        let sent = disclosures::untold(tx, owed, by, whom, TOLD_MAX)?.into_iter();
        let copies = onward::untold(tx, owed, by, whom, TOLD_MAX)?.into_iter();
        let sent = sent.map(|one| Late {
            object: one.object,
            holder: one.recipient,
            agreement: Some(one.agreement),
            confirm_by: one.answers.confirm_by,
        });
        let copies = copies.map(|one| Late {
            object: one.object,
            holder: one.holder,
            agreement: one.agreement,
            confirm_by: one.confirm_by,
        });
        Ok(sent.chain(copies).collect())
    }

    /// One cause is one holder of one object, whatever way and in however many versions it came there; of corrections
    /// each one.
    fn ring_unproven(&self, tx: &mut dyn Tx, kind: &str, late: &Late) -> Result<bool, AppError> {
        let reference = format!("{} {}", ReportId::from(late.object), late.holder);
        let day = late.confirm_by.map(|by| format!(" {}", by.as_millis())).unwrap_or_default();
        let cause = format!("{reference}{day}");
        let names = Names { reference, object: Some(late.object), cause: &[cause.as_bytes()] };
        self.ring_once(tx, kind, names)
    }

    /// Counts the holders that owe something by now.
    pub(crate) fn count_late(&self, tx: &mut dyn Tx, owed: Owed) -> Result<u64, AppError> {
        let now = self.now();
        let sent = disclosures::count_overdue(tx, owed, now)?;
        Ok(sent.saturating_add(onward::count_overdue(tx, owed, now)?))
    }
}
