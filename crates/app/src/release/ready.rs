//! What a report is decided on, read from the store, before anything is decided.

use std::sync::Arc;

use mithaq_db::Tx;
use mithaq_model::{Claim, PartyId, Report, ReportId, ReportState, Subject};
use mithaq_policy::Context;

use super::Use;
use super::asked::{Asked, Left, Said};
use crate::App;
use crate::attachments::carried;
use crate::drafts::Draft;
use crate::error::AppError;
use crate::ports::random;
use crate::registry::Known;

/// One report with all that it is decided on.
pub(super) struct Ready {
    pub(super) known: Arc<Known>,
    pub(super) draft: Draft,
    /// The draft without the claims that the agreement does not cover.
    pub(super) report: Report,
    pub(super) said: Said,
    /// For each recipient in their order; for nobody, one for this node itself.
    pub(super) contexts: Vec<(PartyId, Context)>,
    /// The salt of seal and log.
    pub(super) salt: [u8; 32],
}

impl Ready {
    /// Bytes of a content of this report with what it names.
    pub(super) fn bytes(&self, content: usize) -> u64 {
        u64::try_from(content).unwrap_or(u64::MAX).saturating_add(carried(&self.report))
    }
}

impl App {
    /// Reads what reports are decided on, in the order of their numbers.
    pub(super) fn ready_all(
        &self,
        tx: &mut dyn Tx,
        numbers: &[ReportId],
        stated: &Use,
        asked: &mut Asked,
    ) -> Result<Vec<Ready>, AppError> {
        let drafts = self.load_drafts(tx, numbers)?;
        let said = self.said_of(tx, &drafts)?;
        drafts.into_iter().zip(said).map(|of| self.ready(tx, of, stated, asked)).collect()
    }

    /// The budget left is what is left if every report of the call before it is sent; [`App::within_budget`] compares it
    /// with what was sent.
    fn ready(
        &self,
        tx: &mut dyn Tx,
        (draft, said): (Draft, Said),
        stated: &Use,
        asked: &mut Asked,
    ) -> Result<Ready, AppError> {
        let graded = draft.head.state == ReportState::Graded;
        // The review by a third person is what a life at risk does not wait for.
        if draft.head.state != ReportState::Reviewed && !(graded && said.opened) {
            return Err(AppError::conflict("report.not_reviewed"));
        }
        let known = self.known(draft.report.agreement)?;
        crate::tally::decides_by(known.as_of);
        let report = minimised(&known, &draft.report);
        self.ensure_attachments(tx, &report)?;
        let salt = random::<32>(&*self.entropy)?;
        let mut ready = Ready { known, draft, report, said, contexts: Vec::new(), salt };
        let recipients = match ready.report.recipients.as_slice() {
            [] => vec![self.party.clone()],
            some => some.to_vec(),
        };
        for recipient in recipients {
            let context = self.sender_context(tx, asked, &ready, &recipient, stated)?;
            asked.expect(ready.known.agreement().id(), ready.bytes(ready.draft.bytes.len()));
            ready.contexts.push((recipient, context));
        }
        Ok(ready)
    }

    fn sender_context(
        &self,
        tx: &mut dyn Tx,
        asked: &mut Asked,
        ready: &Ready,
        recipient: &PartyId,
        stated: &Use,
    ) -> Result<Context, AppError> {
        let (agreement, said) = (ready.known.agreement(), &ready.said);
        let Left { reports, bytes } = self.left_expected(tx, asked, agreement)?;
        Ok(Context {
            work: self.work(tx, asked, &ready.draft)?,
            signatures_good: ready.known.all_signed,
            rule_set: Some(agreement.id()),
            reply_bound: self.reply_bound(tx, &ready.report, recipient)?,
            hold: self.held_back(tx, asked, &ready.draft)?,
            // Found when it is decided: it takes long, and needs nothing of the store.
            special_categories: Vec::new(),
            clearances: said.clearances.clone(),
            excluded: stated.excluded,
            consents: Vec::new(),
            recipient_level: agreement
                .party(recipient)
                .map_or(mithaq_model::Level::Unclassified, |party| party.max_level),
            channel_level: self.accreditation(),
            partner_risk: self.risk_of(tx, asked, recipient)?,
            further_risks: stated.further_risks.clone(),
            capital_offence: stated.capital_offence,
            assurances: stated.assurances.clone(),
            reports_left: reports,
            bytes_left: bytes,
            bytes: ready.bytes(ready.draft.bytes.len()),
            life_at_risk: said.opened,
            approvals: said.approvals.clone(),
        })
    }
}

/// Drops claims whose attribute the agreement does not cover (step 12, minimisation).
fn minimised(known: &Known, report: &Report) -> Report {
    let covered = &known.agreement().attributes;
    let keep = |claim: &&Claim| covered.contains(&claim.attribute);
    let subjects = report.subjects.iter().filter_map(|subject| {
        let claims = subject.claims().iter().filter(keep).cloned().collect();
        let mut made = Subject::new(subject.id(), subject.kind(), subject.class(), claims).ok()?;
        for role in subject.protected_roles() {
            made = made.with_protected_role(*role);
        }
        Some(if subject.is_minor() { made.with_minor() } else { made })
    });
    Report { subjects: subjects.collect(), ..report.clone() }
}
