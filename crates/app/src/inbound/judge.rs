//! This node's own release decision about what came in: the same function as on the sender's side, with what this
//! node knows.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_db::Tx;
use mithaq_exchange::Inspection;
use mithaq_exchange::ports::{CannotJudge, Judge, Judgement};
use mithaq_model::{OfficerId, Timestamp};
use mithaq_policy::{Context, Decision, Disclosure, Side, decide, screen};
use mithaq_store::agreements::{self, Counter};
use mithaq_wire::SealHeader;

use super::open::Incoming;
use crate::App;
use crate::error::AppError;
use crate::registry::Known;
use crate::release::{BYTES, DELIVERY, REPORTS, day};

/// This node's own release decision about what came in.
pub(super) struct OwnRules<'a> {
    app: &'a App,
    known: &'a Known,
    /// Reports and bytes left, per day of sealing.
    left: BTreeMap<u32, (u64, u64)>,
}

impl Judge<Incoming> for OwnRules<'_> {
    fn judge(
        &mut self,
        seal: &SealHeader,
        incoming: &Incoming,
        now: Timestamp,
    ) -> Result<Judgement, CannotJudge> {
        let accredited = self.app.accreditation();
        let sealed_on = budget_day(seal.sealed_at, now);
        let (reports_left, bytes_left) = self.left.get(&sealed_on).copied().unwrap_or_default();
        // The originator attests two persons in these roles; who they are is its own matter.
        let approvals =
            (1_u8..).zip(&seal.released_by).map(|(n, role)| (OfficerId::new([n; 16]), *role)).collect();
        let context = Context {
            signatures_good: self.known.all_signed,
            rule_set: Some(seal.agreement),
            hold: false,
            special_categories: screen::report(&incoming.report),
            recipient_level: accredited,
            channel_level: accredited,
            capital_offence: false,
            // What a third party's part needs was checked by the sender; onward tokens are verified with them.
            consents: Vec::new(),
            reports_left,
            bytes_left,
            bytes: u64::try_from(incoming.sealed.len()).unwrap_or(u64::MAX),
            approvals,
            ..Context::nothing_known()
        };
        let disclosure = Disclosure {
            report: &incoming.report,
            recipient: &self.app.party,
            side: Side::Receiver,
            context: &context,
            standing: &self.known.standing,
        };
        Ok(match decide(&self.known.rules, &disclosure, now) {
            Decision::Permit(_) => {
                let left = (reports_left.saturating_sub(1), bytes_left.saturating_sub(context.bytes));
                self.left.insert(sealed_on, left);
                Judgement::Accept
            }
            Decision::Refuse(refusal) if refusal.step() == 5 => {
                Judgement::Quarantine { code: refusal.code().code().to_owned() }
            }
            Decision::Refuse(refusal) => {
                Judgement::Refuse { code: refusal.code().code().to_owned(), ground: refusal.ground() }
            }
        })
    }
}

impl App {
    pub(super) fn own_rules<'a>(
        &'a self,
        tx: &mut dyn Tx,
        known: &'a Known,
        inspection: &Inspection<Incoming>,
    ) -> Result<OwnRules<'a>, AppError> {
        let (agreement, now) = (known.agreement(), self.now());
        let (id, party) = (agreement.id(), &inspection.lane.from);
        let seals = inspection.arrived.iter().filter_map(|one| one.inner().ok()?.seal.as_ref());
        let days: BTreeSet<u32> = seals.map(|seal| budget_day(seal.sealed_at, now)).collect();
        let mut left = BTreeMap::new();
        for day in days.into_iter().chain([day(now)]) {
            let mut used = |name| agreements::used(tx, &Counter { agreement: &id, party, name, day });
            let reports = u64::from(agreement.budgets.reports_per_day).saturating_sub(used(REPORTS)?);
            left.insert(day, (reports, agreement.budgets.bytes_per_day.saturating_sub(used(BYTES)?)));
        }
        Ok(OwnRules { app: self, known, left })
    }
}

/// The day a report counts on: the one it was sealed on, so that what waited for this node while it was away
/// is not refused for coming late. A day that cannot be is today.
pub(super) fn budget_day(sealed_at: Timestamp, now: Timestamp) -> u32 {
    let possible = sealed_at <= now && now.since(sealed_at) <= DELIVERY;
    day(if possible { sealed_at } else { now })
}
