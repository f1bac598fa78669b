//! What one call asks the store once: cases, the risk of a partner, what is left of the day. The transaction sees one
//! state of the store, so asking again for every report of the call would give the same.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use mithaq_db::Tx;
use mithaq_model::{AgreementId, CaseId, CaseState, OfficerId, PartyId, Role, SpecialCategory};
use mithaq_policy::{Clearance, RiskAssessment, Work, screen};
use mithaq_store::agreements::{self, Counter};
use mithaq_store::{cases, partners, reports, rulings};

use super::{BYTES, REPORTS};
use crate::App;
use crate::agreements::decode_risk;
use crate::clearances;
use crate::drafts::{Draft, approvers};
use crate::emergency;
use crate::error::AppError;

/// Reports and bytes under one agreement today.
#[derive(Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) reports: u32,
    pub(super) bytes: u64,
}

/// What was asked, and what was counted since.
pub(super) struct Asked {
    /// The day whose budget the whole call uses, also when it runs over midnight.
    day: u32,
    cases: BTreeMap<CaseId, Option<mithaq_model::Case>>,
    risks: BTreeMap<PartyId, Option<RiskAssessment>>,
    /// Used when the call began, and by the call.
    budgets: BTreeMap<AgreementId, (Sums, Sums)>,
}

/// What people said about one draft.
pub(super) struct Said {
    /// Step 5: what the screen found and nobody cleared.
    pub(super) special: Vec<SpecialCategory>,
    /// Step 6.
    pub(super) clearances: Vec<Clearance>,
    /// Whether two persons opened it because a life is at risk.
    pub(super) opened: bool,
    /// Step 14: who approved the draft, and who opened it: two persons there too.
    pub(super) approvals: Vec<(OfficerId, Role)>,
}

impl App {
    /// Asks once per report for what people said about it.
    pub(super) fn said_of(&self, tx: &mut dyn Tx, draft: &Draft) -> Result<Said, AppError> {
        let (number, version) = (draft.report.id, draft.report.version);
        let rulings = rulings::of_version(tx, number.into(), version)?;
        let opened = emergency::opened_in(&rulings, &draft.report, draft.hash, self.now());
        let mut approvals = approvers(&reports::approvals(tx, number, version)?);
        for (officer, role) in opened.into_iter().flatten() {
            if approvals.iter().all(|(other, _)| *other != officer) {
                approvals.push((officer, role));
            }
        }
        let cleared = clearances::cleared_in(&rulings, draft.hash);
        Ok(Said {
            special: if cleared { Vec::new() } else { screen::report(&draft.report) },
            clearances: clearances::clearances_in(&rulings, &draft.report, draft.hash),
            opened: opened.is_some(),
            approvals,
        })
    }

    /// Step 1: the case is open and its author is still assigned to it.
    pub(super) fn work(&self, tx: &mut dyn Tx, asked: &mut Asked, draft: &Draft) -> Result<Work, AppError> {
        let case = match draft.head.case {
            Some(number) => match asked.cases.entry(number) {
                Entry::Occupied(there) => there.into_mut().as_ref(),
                Entry::Vacant(free) => {
                    let case = cases::get(tx, &self.vault, number)?.map(|stored| stored.case);
                    free.insert(case).as_ref()
                }
            },
            None => None,
        };
        let author: Option<OfficerId> = draft.head.author;
        Ok(Work {
            role_may: true,
            case_open: case.is_some_and(|case| case.state == CaseState::Open && case.review_on > self.now()),
            case_assigned: case.zip(author).is_some_and(|(case, author)| case.officers.contains(&author)),
        })
    }

    pub(super) fn risk_of(
        &self,
        tx: &mut dyn Tx,
        asked: &mut Asked,
        partner: &PartyId,
    ) -> Result<Option<RiskAssessment>, AppError> {
        match asked.risks.entry(partner.clone()) {
            Entry::Occupied(there) => Ok(there.get().clone()),
            Entry::Vacant(free) => {
                let stored = partners::risk(tx, &self.vault, partner)?;
                let risk = stored.and_then(|stored| decode_risk(&stored.content));
                Ok(free.insert(risk).clone())
            }
        }
    }

    /// What was used of today's budget under an agreement, with what this call released.
    pub(super) fn used(
        &self,
        tx: &mut dyn Tx,
        asked: &mut Asked,
        agreement: AgreementId,
    ) -> Result<(u64, u64), AppError> {
        let day = asked.day;
        let (before, since) = match asked.budgets.entry(agreement) {
            Entry::Occupied(there) => *there.get(),
            Entry::Vacant(free) => {
                let mut used = |name| {
                    let counter = Counter { agreement: &agreement, party: &self.party, name, day };
                    agreements::used(tx, &counter)
                };
                let reports = u32::try_from(used(REPORTS)?).unwrap_or(u32::MAX);
                let before = Sums { reports, bytes: used(BYTES)? };
                *free.insert((before, Sums::default()))
            }
        };
        let reports = u64::from(before.reports).saturating_add(u64::from(since.reports));
        Ok((reports, before.bytes.saturating_add(since.bytes)))
    }

    /// Stores what the call used.
    pub(super) fn count_used(&self, tx: &mut dyn Tx, asked: &Asked) -> Result<(), AppError> {
        for (agreement, (_, since)) in &asked.budgets {
            let counter = |name| Counter { agreement, party: &self.party, name, day: asked.day };
            if since.reports > 0 {
                agreements::count(tx, &counter(REPORTS), u64::from(since.reports))?;
                agreements::count(tx, &counter(BYTES), since.bytes)?;
            }
        }
        Ok(())
    }
}

impl Asked {
    /// Nothing asked yet, by a call that began on a day.
    pub(super) fn on(day: u32) -> Self {
        Self { day, cases: BTreeMap::new(), risks: BTreeMap::new(), budgets: BTreeMap::new() }
    }

    /// Counts one disclosure of so many bytes: what was sealed, and what it names.
    pub(super) fn count(&mut self, agreement: AgreementId, bytes: u64) {
        let (_, since) = self.budgets.entry(agreement).or_default();
        since.reports = since.reports.saturating_add(1);
        since.bytes = since.bytes.saturating_add(bytes);
    }
}
