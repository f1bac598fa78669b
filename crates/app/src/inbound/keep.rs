//! Keeping what was taken: reports sealed as they came, with the budget they count on and their entries.

use std::collections::BTreeMap;

use mithaq_db::Tx;
use mithaq_model::{AgreementId, ObjectId, Report, ReportState, Timestamp};
use mithaq_store::agreements::{self, Counter};
use mithaq_store::lanes::{self, LaneKey};
use mithaq_store::reports::{self, Direction, Form, NewVersion, Quarantined, ReportHead};
use mithaq_wire::{LaneId, Position, SealHeader};

use super::judge::{Retain, budget_day};
use super::open::Incoming;
use crate::App;
use crate::attachments::carried;
use crate::emergency::claims_life;
use crate::error::AppError;
use crate::log::{Committed, Event};
use crate::release::{BYTES, REPORTS};

impl App {
    /// Stores accepted and quarantined reports, sealed as they came.
    pub(super) fn keep(
        &self,
        tx: &mut dyn Tx,
        key: LaneKey,
        (id, retain): (&LaneId, &Retain),
        kept: &[(Position, &Incoming, &SealHeader, Option<&str>)],
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        if kept.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let (mut fresh, mut used) = (Vec::new(), BTreeMap::<u32, (u64, u64)>::new());
        let mut arrived = Vec::new();
        for (at, incoming, seal, held) in kept {
            let report = &incoming.report;
            let state = if held.is_none() { ReportState::Acknowledged } else { ReportState::Quarantined };
            let until = retain.get(&(report.id, report.version)).copied().unwrap_or(report.expires);
            let version = NewVersion {
                version: report.version,
                supersedes: seal.supersedes,
                form: Form::Sealed,
                content: &incoming.sealed,
                at: now,
            };
            match reports::head(tx, report.id)? {
                Some(head) => {
                    reports::add_version(tx, &self.vault, report.id, &version)?;
                    reports::set_state(tx, report.id, head.state, state, now)?;
                    if report.version > head.version && head.agreement != Some(id.agreement) {
                        // Orders about it come, and receipts go, under the agreement it came by.
                        reports::assign(tx, report.id, head.case, Some(id.agreement))?;
                    }
                }
                None => fresh.push((received_head((report, id.agreement), (state, until), now), version)),
            }
            if let Some(code) = held {
                self.hold(tx, (key, *at), report, code)?;
            }
            let day = used.entry(budget_day(incoming.sealed_at(seal), now)).or_default();
            let bytes =
                u64::try_from(incoming.sealed.len()).unwrap_or(u64::MAX).saturating_add(carried(report));
            *day = (day.0.saturating_add(1), day.1.saturating_add(bytes));
            let committed = Committed::to(
                report.id.into(),
                report.version.get(),
                incoming.salt,
                &mithaq_wire::encode_report(report),
            );
            let kind = if held.is_none() { "report.received" } else { "report.quarantined" };
            let event =
                Event::system(kind, report.id).agreement(id.agreement).with(&id.from).purpose(report.purpose);
            let event = event.committed(committed);
            events.push(match held {
                Some(code) => event.verdict(*code),
                None => event,
            });
            if held.is_none() {
                arrived.push(report);
            }
            if let (Some(hop), None) = (&incoming.hop, held) {
                self.hop_kept(tx, id.agreement, (incoming, hop), events)?;
            }
        }
        reports::add_many(tx, &self.vault, &fresh)?;
        for report in arrived {
            self.attachments_arrived(tx, (&id.from, id.agreement), report, events)?;
        }
        let carried: Vec<_> = kept
            .iter()
            .map(|(at, incoming, _, _)| (*at, ObjectId::from(incoming.report.id), incoming.report.version))
            .collect();
        lanes::carried(tx, key, &carried)?;
        for (day, (count, bytes)) in used {
            let counter = |name| Counter { agreement: &id.agreement, party: &id.from, name, day };
            agreements::count(tx, &counter(REPORTS), count)?;
            agreements::count(tx, &counter(BYTES), bytes)?;
        }
        Ok(())
    }

    /// Puts a report before people.
    fn hold(
        &self,
        tx: &mut dyn Tx,
        (lane, place): (LaneKey, Position),
        report: &Report,
        code: &str,
    ) -> Result<(), AppError> {
        let place = Quarantined {
            object: report.id.into(),
            version: report.version,
            lane,
            place,
            code: code.to_owned(),
            at: self.now(),
        };
        reports::quarantine(tx, &place)?;
        let kind = if claims_life(report) { "quarantine.life_at_risk" } else { "quarantine.waits" };
        self.tell(tx, kind, report.id.into()).map(drop)
    }
}

fn received_head(
    (report, agreement): (&Report, AgreementId),
    (state, until): (ReportState, Timestamp),
    now: Timestamp,
) -> ReportHead {
    ReportHead {
        id: report.id,
        direction: Direction::Received,
        originator: report.originator.clone(),
        agreement: Some(agreement),
        case: None,
        author: None,
        state,
        version: report.version,
        level: report.level,
        created: now,
        changed: now,
        expires: report.expires.min(until),
    }
}
