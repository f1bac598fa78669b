//! What one call asks the store once: cases, the risk of a partner, what is left of the day. The transaction sees one
//! state of the store, so asking again for every report of the call would give the same.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use mithaq_db::Tx;
use mithaq_model::{AgreementId, CaseId, CaseState, OfficerId, PartyId, Role};
use mithaq_policy::{Agreement, Clearance, RiskAssessment, Work};
use mithaq_store::agreements::{self, Counter};
use mithaq_store::reports::Approval;
use mithaq_store::rulings::Ruling;
use mithaq_store::{cases, holds, partners, reports, rulings};

use super::{BYTES, REPORTS};
use crate::App;
use crate::agreements::decode_risk;
use crate::clearances;
use crate::drafts::{Draft, approvers};
use crate::emergency;
use crate::error::AppError;

/// More bytes than a seal adds to a draft. Only a guess: one that is too small costs time, not the budget.
const SEAL: u64 = 1_024;

/// Reports and bytes under one agreement.
#[derive(Clone, Copy, Default)]
pub(super) struct Sums {
    reports: u32,
    bytes: u64,
}

/// What is left of a day's budget.
#[derive(Clone, Copy, Default)]
pub(super) struct Left {
    pub(super) reports: u64,
    pub(super) bytes: u64,
}

/// The budget of a day under one agreement. Unknown is none.
#[derive(Clone, Copy, Default)]
struct Budget {
    /// Left when the call began.
    left: Left,
    /// Sent by the call.
    sent: Sums,
    /// Sent by the call if all of it is.
    expected: Sums,
}

/// What was asked, and what was counted since.
pub(super) struct Asked {
    /// The day whose budget the whole call uses, also when it runs over midnight.
    day: u32,
    cases: BTreeMap<CaseId, Option<mithaq_model::Case>>,
    risks: BTreeMap<PartyId, Option<RiskAssessment>>,
    /// Whether any hold stands at this node.
    holds: Option<bool>,
    budgets: BTreeMap<AgreementId, Budget>,
}

/// What people said about one draft.
pub(super) struct Said {
    /// Step 5: whether what the screen finds was cleared.
    pub(super) cleared: bool,
    /// Step 6.
    pub(super) clearances: Vec<Clearance>,
    /// Whether two persons opened it because a life is at risk.
    pub(super) opened: bool,
    /// Step 14: who approved the draft, and who opened it: two persons there too.
    pub(super) approvals: Vec<(OfficerId, Role)>,
}

impl App {
    /// What people said about each of these drafts, in their order.
    pub(super) fn said_of(&self, tx: &mut dyn Tx, drafts: &[Draft]) -> Result<Vec<Said>, AppError> {
        let versions: Vec<_> = drafts.iter().map(|one| (one.report.id, one.report.version)).collect();
        let objects: Vec<_> = versions.iter().map(|(number, version)| ((*number).into(), *version)).collect();
        let rulings = rulings::of_versions(tx, &objects)?;
        let approvals = reports::approvals_of(tx, &versions)?;
        let heard = drafts.iter().zip(rulings).zip(approvals);
        Ok(heard.map(|((draft, rulings), approvals)| self.said_about(draft, &rulings, &approvals)).collect())
    }

    fn said_about(&self, draft: &Draft, rulings: &[Ruling], approvals: &[Approval]) -> Said {
        let opened = emergency::opened_in(rulings, &draft.report, draft.hash, self.now());
        let mut approvals = approvers(approvals);
        for (officer, role) in opened.into_iter().flatten() {
            if approvals.iter().all(|(other, _)| *other != officer) {
                approvals.push((officer, role));
            }
        }
        Said {
            cleared: clearances::cleared_in(rulings, draft.hash),
            clearances: clearances::clearances_in(rulings, &draft.report, draft.hash),
            opened: opened.is_some(),
            approvals,
        }
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

    /// Step 3: whether a hold stands on a draft or its case.
    pub(super) fn held_back(
        &self,
        tx: &mut dyn Tx,
        asked: &mut Asked,
        draft: &Draft,
    ) -> Result<bool, AppError> {
        let any = match asked.holds {
            Some(any) => any,
            None => *asked.holds.insert(!holds::list(tx, 1)?.is_empty()),
        };
        Ok(any && holds::stands(tx, draft.report.id, draft.head.case)?)
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

    /// What is left of today's budget under an agreement if all that the call has read so far is sent.
    pub(super) fn left_expected(
        &self,
        tx: &mut dyn Tx,
        asked: &mut Asked,
        agreement: &Agreement,
    ) -> Result<Left, AppError> {
        if !asked.budgets.contains_key(&agreement.id()) {
            let (id, day) = (agreement.id(), asked.day);
            let mut used = |name| {
                let counter = Counter { agreement: &id, party: &self.party, name, day };
                agreements::used(tx, &counter)
            };
            let budget = Budget {
                left: Left {
                    reports: u64::from(agreement.budgets.reports_per_day).saturating_sub(used(REPORTS)?),
                    bytes: agreement.budgets.bytes_per_day.saturating_sub(used(BYTES)?),
                },
                ..Budget::default()
            };
            asked.budgets.insert(id, budget);
        }
        let budget = asked.budgets.get(&agreement.id()).copied().unwrap_or_default();
        Ok(budget.left.less(budget.expected))
    }

    /// Stores what the call used.
    pub(super) fn count_used(&self, tx: &mut dyn Tx, asked: &Asked) -> Result<(), AppError> {
        for (agreement, Budget { sent, .. }) in &asked.budgets {
            let counter = |name| Counter { agreement, party: &self.party, name, day: asked.day };
            if sent.reports > 0 {
                agreements::count(tx, &counter(REPORTS), u64::from(sent.reports))?;
                agreements::count(tx, &counter(BYTES), sent.bytes)?;
            }
        }
        Ok(())
    }
}

impl Asked {
    /// Nothing asked yet, by a call that began on a day.
    pub(super) fn on(day: u32) -> Self {
        Self { day, cases: BTreeMap::new(), risks: BTreeMap::new(), holds: None, budgets: BTreeMap::new() }
    }

    /// Counts one disclosure of so many bytes: what was sealed, and what it names.
    pub(super) fn count(&mut self, agreement: AgreementId, bytes: u64) {
        let budget = self.budgets.entry(agreement).or_default();
        budget.sent = budget.sent.and(bytes);
    }

    /// Expects one disclosure of a draft of so many bytes, with what it names.
    pub(super) fn expect(&mut self, agreement: AgreementId, draft: u64) {
        let budget = self.budgets.entry(agreement).or_default();
        budget.expected = budget.expected.and(draft.saturating_add(SEAL));
    }

    /// What is left of today's budget under an agreement after what the call has sent.
    pub(super) fn left(&self, agreement: AgreementId) -> Left {
        let budget = self.budgets.get(&agreement).copied().unwrap_or_default();
        budget.left.less(budget.sent)
    }
}

impl Sums {
    /// One report of so many bytes.
    pub(super) fn one(bytes: u64) -> Self {
        Self::default().and(bytes)
    }

    fn and(self, bytes: u64) -> Self {
        Self { reports: self.reports.saturating_add(1), bytes: self.bytes.saturating_add(bytes) }
    }
}

impl Left {
    /// What is left after this too.
    pub(super) fn less(self, sent: Sums) -> Self {
        Self {
            reports: self.reports.saturating_sub(u64::from(sent.reports)),
            bytes: self.bytes.saturating_sub(sent.bytes),
        }
    }
}
