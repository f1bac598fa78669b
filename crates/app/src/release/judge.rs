//! Decides and seals: what needs no store, and takes most of the time of a release. The reports of one call are
//! shared among the cores of the machine.

use std::thread;

use mithaq_envelope::{SealArgs, Sealed, seal_report};
use mithaq_model::{ReportVersion, Role};
use mithaq_policy::{Decision, Disclosure, Permit, Refusal, Side, decide, screen};
use mithaq_wire::encode_report;

use super::asked::{Asked, Sums};
use super::ready::Ready;
use crate::App;
use crate::error::AppError;
use crate::log::Committed;

/// Fewer reports than this are not worth another thread.
const SHARE_MIN: usize = 8;
/// Most threads of one call: others work too.
const SHARES_MAX: usize = 4;

/// What became of one report.
pub(super) struct Judged {
    /// For the first recipients, in their order; for all of them when it was sealed.
    pub(super) permits: Vec<Permit>,
    pub(super) end: End,
}

/// How the judging ended.
pub(super) enum End {
    /// Sealed once per permit: a seal names one recipient, and nobody can pass it on as addressed to another.
    Sealed(Vec<Sealed>, Committed),
    /// The recipient after the permits was refused.
    Refused(Refusal),
}

impl App {
    /// Judges each, on as many cores as are worth it; the order is kept.
    pub(super) fn judge_all(&self, ready: &[Ready]) -> Vec<Result<Judged, AppError>> {
        let cores = thread::available_parallelism().map_or(1, usize::from).min(SHARES_MAX);
        let shares = cores.min(ready.len() / SHARE_MIN).max(1);
        let judge = |part: &[Ready]| part.iter().map(|one| self.judge(one)).collect::<Vec<_>>();
        if shares == 1 {
            return judge(ready);
        }
        thread::scope(|scope| {
            let mut parts = ready.chunks(ready.len().div_ceil(shares));
            let first = parts.next();
            let others: Vec<_> = parts.map(|part| (part.len(), scope.spawn(move || judge(part)))).collect();
            let mut judged = first.map(judge).unwrap_or_default();
            for (count, other) in others {
                let broken = |_panic| (0..count).map(|_| Err(AppError::bug("release.thread"))).collect();
                judged.extend(other.join().unwrap_or_else(broken));
            }
            judged
        })
    }

    /// Decides for every recipient, then seals.
    fn judge(&self, ready: &Ready) -> Result<Judged, AppError> {
        let found = if ready.said.cleared { Vec::new() } else { screen::report(&ready.draft.report) };
        let mut permits = Vec::with_capacity(ready.contexts.len());
        for (recipient, context) in &ready.contexts {
            let mut context = context.clone();
            context.special_categories.clone_from(&found);
            let disclosure = Disclosure {
                report: &ready.report,
                recipient,
                side: Side::Sender,
                context: &context,
                standing: &ready.known.standing,
            };
            match decide(&ready.known.rules, &disclosure, self.now()) {
                Decision::Permit(permit) => permits.push(permit),
                Decision::Refuse(refusal) => return Ok(Judged { permits, end: End::Refused(refusal) }),
            }
        }
        if ready.report.recipients.is_empty() {
            // To nobody there is nothing to permit.
            return Err(AppError::bug("release.nobody"));
        }
        let (sealed, committed) = self.seal(ready, &permits)?;
        Ok(Judged { permits, end: End::Sealed(sealed, committed) })
    }

    fn seal(&self, ready: &Ready, permits: &[Permit]) -> Result<(Vec<Sealed>, Committed), AppError> {
        let (now, report) = (self.now(), &ready.report);
        let first = permits.first().ok_or_else(|| AppError::bug("release.permit"))?;
        let released_by: Vec<Role> = ready.said.approvals.iter().map(|(_, role)| *role).collect();
        let args = SealArgs {
            lease_until: now.plus(first.lease()),
            released_by,
            sealed_at: now,
            supersedes: ReportVersion::new(ready.draft.head.version.get().saturating_sub(1)),
            salt: ready.salt,
        };
        let sealed = permits.iter().map(|permit| seal_report(report, permit, &args, self.keys.soft()));
        let sealed = sealed
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| AppError::bug("release.seal").because(error))?;
        // The same salt opens seals and log: what oversight sees is what the partners got.
        let committed =
            Committed::to(report.id.into(), report.version.get(), args.salt, &encode_report(report));
        Ok((sealed, committed))
    }

    /// Compares the budget a report was judged by with what is left now that those before it are known. Who was
    /// permitted with less stays permitted: a budget only ever refuses. All else is judged again.
    pub(super) fn within_budget(
        &self,
        asked: &Asked,
        ready: &mut Ready,
        judged: Judged,
    ) -> Result<Judged, AppError> {
        let sent = match &judged.end {
            End::Sealed(sealed, _) => sealed.as_slice(),
            End::Refused(refusal) if refusal.step() != BUDGETS => return Ok(judged),
            End::Refused(_) => &[],
        };
        let mut left = asked.left(ready.known.agreement().id());
        let mut stands = !sent.is_empty();
        let lengths: Vec<u64> = (0..ready.contexts.len())
            .map(|place| sent.get(place).map_or(ready.draft.bytes.len(), |sealed| sealed.bytes().len()))
            .map(|content| ready.bytes(content))
            .collect();
        for ((_, context), bytes) in ready.contexts.iter_mut().zip(lengths) {
            stands &= context.reports_left <= left.reports && context.bytes_left <= left.bytes;
            (context.reports_left, context.bytes_left) = (left.reports, left.bytes);
            left = left.less(Sums::one(bytes));
        }
        if stands { Ok(judged) } else { self.judge(ready) }
    }
}

/// The step that asks for budgets.
const BUDGETS: u8 = 13;
