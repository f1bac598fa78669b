//! This node's own release decision about what came in: the same function as on the sender's side, with what this
//! node knows.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_db::Tx;
use mithaq_exchange::ports::{CannotJudge, Judge, Judgement};
use mithaq_exchange::{Arrived, Carried, Refuse};
use mithaq_model::{
    ObjectId, OfficerId, PartyId, Report, ReportId, ReportVersion, Role, SpecialCategory, Timestamp,
};
use mithaq_policy::{Context, Decision, Disclosure, OrderKind, Refusal, Side, decide, permit_order, screen};
use mithaq_store::agreements::{self, Counter};
use mithaq_store::reports;
use mithaq_wire::{LaneId, OnwardStep, RequestStep, SealHeader};

use super::open::Incoming;
use crate::App;
use crate::attachments::carried;
use crate::emergency::claims_life;
use crate::error::AppError;
use crate::onward::Routes;
use crate::registry::Known;
use crate::release::{BYTES, DELIVERY, REPORTS, day};
use crate::requests::Spoken;

/// Until when each version may be kept here at most, by the rules that let it in.
pub(super) type Retain = BTreeMap<(ReportId, ReportVersion), Timestamp>;

/// Orders about unknown objects that one partner has a day, under one agreement. Each leaves a row for the life of the
/// agreement: an honest partner takes back what it sent, of which this node knows; the others are orders that overtook
/// their report or follow one that was refused.
pub(super) const UNKNOWN_MAX: u64 = 4_096;
/// The counter of them.
pub(super) const UNKNOWN: &str = "orders.unknown";

/// What a partner says about objects of which nothing is known here.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Unknown {
    left: u64,
    /// In this batch.
    pub(super) count: u64,
    /// One more was refused.
    pub(super) is_over: bool,
}

/// This node's own release decision about what came in.
pub(super) struct OwnRules<'a> {
    app: &'a App,
    known: &'a Known,
    /// Reports and bytes left, per day of sealing.
    left: BTreeMap<u32, (u64, u64)>,
    pub(super) retain: Retain,
    /// How what was passed on came, and which tokens were used.
    pub(super) routes: Routes,
    /// Requests the batch speaks of.
    spoken: Spoken,
    /// Rows that what the partner says about unknown objects may leave today, and those it left in this batch.
    pub(super) unknown: Unknown,
    /// What was taken back, by whomever it was sent: it does not come again through a third node.
    buried: BTreeSet<(ObjectId, ReportVersion)>,
}

impl Judge<Incoming> for OwnRules<'_> {
    fn judge(
        &mut self,
        seal: &SealHeader,
        incoming: &Incoming,
        now: Timestamp,
    ) -> Result<Judgement, CannotJudge> {
        if self.buried.contains(&(seal.object, seal.version)) {
            let code = Refuse::ObjectRecalled.code().to_owned();
            return Ok(Judgement::Refuse { code, ground: None });
        }
        let sealed_on = budget_day(incoming.sealed_at(seal), now);
        let (reports_left, bytes_left) = self.left.get(&sealed_on).copied().unwrap_or_default();
        let special = screen::report(&incoming.report);
        let length = u64::try_from(incoming.sealed.len()).unwrap_or(u64::MAX);
        let length = length.saturating_add(carried(&incoming.report));
        let mut context = self.app.receiver_context(self.known, seal, special, length);
        (context.reports_left, context.bytes_left) = (reports_left, bytes_left);
        context.reply_bound = self.spoken.binds(&incoming.report);
        if let Some(hop) = &incoming.hop {
            context.approvals = attested(&hop.released_by);
            context.reply_bound = true;
            return Ok(match self.routes.judge((self.app, self.known), incoming, (&context, hop), now) {
                Ok(until) => {
                    self.let_in(&incoming.report, until, (sealed_on, context.bytes));
                    Judgement::Accept
                }
                Err(refused) => refused,
            });
        }
        let disclosure = Disclosure {
            report: &incoming.report,
            recipient: &self.app.party,
            side: Side::Receiver,
            context: &context,
            standing: &self.known.standing,
        };
        Ok(match decide(&self.known.rules, &disclosure, now) {
            Decision::Permit(permit) => {
                self.let_in(&incoming.report, permit.retain_until(), (sealed_on, context.bytes));
                Judgement::Accept
            }
            Decision::Refuse(refusal) if for_people(&refusal, &incoming.report) => {
                Judgement::Quarantine { code: refusal.code().code().to_owned() }
            }
            Decision::Refuse(refusal) => {
                Judgement::Refuse { code: refusal.code().code().to_owned(), ground: refusal.ground() }
            }
        })
    }

    fn judge_step(
        &mut self,
        seal: &SealHeader,
        step: &RequestStep,
        now: Timestamp,
    ) -> Result<Judgement, CannotJudge> {
        Ok(self.spoken.judge((self.app, self.known), (seal, step), now))
    }

    fn judge_onward(
        &mut self,
        seal: &SealHeader,
        step: &OnwardStep,
        now: Timestamp,
    ) -> Result<Judgement, CannotJudge> {
        let kind = match step {
            OnwardStep::Asked { .. } | OnwardStep::Granted { .. } => OrderKind::Consent,
            OnwardStep::Denied { .. }
            | OnwardStep::Revoked { .. }
            | OnwardStep::Tried { .. }
            | OnwardStep::Copy { .. }
            | OnwardStep::Carried { .. }
            | OnwardStep::Superseded { .. } => OrderKind::Onward,
        };
        let ends = (&seal.originator, &seal.originator, &self.app.party);
        let known = self.known;
        Ok(match permit_order(&known.rules, &known.standing, (kind, seal.object), ends, now) {
            Ok(_) => Judgement::Accept,
            Err(refusal) => {
                Judgement::Refuse { code: refusal.code().code().to_owned(), ground: refusal.ground() }
            }
        })
    }

    fn judge_unknown(&mut self, _from: &PartyId) -> Judgement {
        match self.unknown.left.checked_sub(1) {
            Some(left) => {
                self.unknown.left = left;
                self.unknown.count = self.unknown.count.saturating_add(1);
                Judgement::Accept
            }
            None => {
                self.unknown.is_over = true;
                let code = Refuse::OrderLimit.code().to_owned();
                Judgement::Refuse { code, ground: None }
            }
        }
    }

    fn judge_carried(
        &mut self,
        carrier: &SealHeader,
        _seal: &SealHeader,
        order: &Carried,
    ) -> Result<Judgement, CannotJudge> {
        Ok(self.routes.judge_carried(&carrier.originator, order))
    }
}

impl OwnRules<'_> {
    /// Counts what is let in, and keeps until when.
    fn let_in(&mut self, report: &Report, until: Timestamp, (day, bytes): (u32, u64)) {
        self.retain.insert((report.id, report.version), until);
        let (reports_left, bytes_left) = self.left.get(&day).copied().unwrap_or_default();
        self.left.insert(day, (reports_left.saturating_sub(1), bytes_left.saturating_sub(bytes)));
    }
}

/// Another party attests two persons in these roles; who they are is its own matter.
fn attested(roles: &[Role]) -> Vec<(OfficerId, Role)> {
    (1_u8..).zip(roles).map(|(n, role)| (OfficerId::new([n; 16]), *role)).collect()
}

/// What people decide, not the machine alone: what the screen found, a protected role that nobody here has cleared
/// yet, and a life at risk that the day's budget would keep out. All else is refused.
fn for_people(refusal: &Refusal, report: &Report) -> bool {
    refusal.step() == 5 || refusal.rule() == "s06-protected" || (refusal.step() == 13 && claims_life(report))
}

impl App {
    /// What this node knows when it judges what a partner sealed.
    pub(crate) fn receiver_context(
        &self,
        known: &Known,
        seal: &SealHeader,
        special_categories: Vec<SpecialCategory>,
        bytes: u64,
    ) -> Context {
        let accredited = self.accreditation();
        let approvals = attested(&seal.released_by);
        Context {
            signatures_good: known.all_signed,
            rule_set: Some(seal.agreement),
            hold: false,
            special_categories,
            recipient_level: accredited,
            channel_level: accredited,
            capital_offence: false,
            // A consent counts with its token only, and that goes its own way.
            consents: Vec::new(),
            bytes,
            approvals,
            ..Context::nothing_known()
        }
    }

    /// Loads what the messages that may be taken speak of: those that arrived, and those that waited behind a gap.
    pub(super) fn own_rules<'a>(
        &'a self,
        tx: &mut dyn Tx,
        known: &'a Known,
        (lane, arrived): (&LaneId, &[&Arrived<Incoming>]),
    ) -> Result<OwnRules<'a>, AppError> {
        let (agreement, now) = (known.agreement(), self.now());
        let (id, party) = (agreement.id(), &lane.from);
        let seals = arrived.iter().filter_map(|one| one.inner().ok()?.seal.as_ref());
        let days: BTreeSet<u32> = seals.map(|seal| budget_day(seal.sealed_at, now)).collect();
        let mut left = BTreeMap::new();
        for day in days.into_iter().chain([day(now)]) {
            let mut used = |name| agreements::used(tx, &Counter { agreement: &id, party, name, day });
            let reports = u64::from(agreement.budgets.reports_per_day).saturating_sub(used(REPORTS)?);
            left.insert(day, (reports, agreement.budgets.bytes_per_day.saturating_sub(used(BYTES)?)));
        }
        let counter = Counter { agreement: &id, party, name: UNKNOWN, day: day(now) };
        let left_unknown = UNKNOWN_MAX.saturating_sub(agreements::used(tx, &counter)?);
        let unknown = Unknown { left: left_unknown, ..Unknown::default() };
        let spoken = Spoken::load(tx, arrived)?;
        let seals = arrived.iter().filter_map(|one| one.inner().ok()?.seal.as_ref());
        let objects: Vec<_> = seals.map(|seal| (seal.object, seal.version)).collect();
        let buried = reports::buried(tx, &objects)?;
        let routes = Routes::load(self, tx, arrived)?;
        Ok(OwnRules { app: self, known, left, retain: Retain::new(), routes, spoken, unknown, buried })
    }
}

/// The day a report counts on: the one it was sealed on, so that what waited for this node while it was away
/// is not refused for coming late. A day that cannot be is today.
pub(super) fn budget_day(sealed_at: Timestamp, now: Timestamp) -> u32 {
    let possible = sealed_at <= now && now.since(sealed_at) <= DELIVERY;
    day(if possible { sealed_at } else { now })
}
