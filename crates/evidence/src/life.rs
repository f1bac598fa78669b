//! Whether an agreement was in force when something was disclosed under it: signed by all, within its dates, and in an
//! open stage as the log itself has it.

use std::collections::BTreeMap;

use mithaq_ledger::Entry;
use mithaq_model::{AgreementId, PartyId, Timestamp};
use mithaq_policy::Stage;

use crate::judgement::{AgreementFinding, Gap, Violation};
use crate::papers::Signed;

/// Prefix of the kinds of entries about an agreement's life.
const LIFE: &str = "agreement.";

/// A disclosure: index, time, agreement, other party.
struct Disclosed {
    index: u64,
    at: Timestamp,
    agreement: AgreementId,
    partner: Option<PartyId>,
}

/// What the log says of agreements, gathered in its order.
pub(crate) struct Lives {
    stages: BTreeMap<AgreementId, Vec<(u64, Timestamp, Stage)>>,
    disclosed: Vec<Disclosed>,
}

impl Lives {
    pub(crate) const fn new() -> Self {
        Self { stages: BTreeMap::new(), disclosed: Vec::new() }
    }

    /// Takes an entry; those about no agreement are passed over.
    pub(crate) fn entry(&mut self, index: u64, entry: &Entry<'_>) {
        let Some(agreement) = entry.agreement.map(|hash| AgreementId::new(*hash.as_bytes())) else { return };
        let at = Timestamp::from_millis(entry.at_ms);
        let kind = entry.kind.as_str();
        // A signature of a party has the same kind as the stage it leads to, and names who signed.
        let is_signature = kind == "agreement.signed" && entry.counterparty.is_some();
        let step = kind.strip_prefix(LIFE).filter(|_| !is_signature);
        if let Some(stage) = step.and_then(Stage::from_code) {
            self.stages.entry(agreement).or_default().push((index, at, stage));
            return;
        }
        let permitted = entry.verdict.is_some_and(|verdict| verdict.as_str() == "permit");
        let flows = match kind {
            "report.decided" => permitted,
            "report.released" | "report.received" => true,
            _other => false,
        };
        if flows {
            let partner = entry.counterparty.and_then(|id| PartyId::new(id.as_str()).ok());
            self.disclosed.push(Disclosed { index, at, agreement, partner });
        }
    }

    /// Judges every disclosure.
    pub(crate) fn judge(
        &self,
        agreements: &[Signed],
        is_complete: bool,
        violations: &mut Vec<Violation>,
        gaps: &mut Vec<Gap>,
    ) {
        for one in &self.disclosed {
            let Some(signed) = agreements.iter().find(|signed| signed.agreement.id() == one.agreement) else {
                once(gaps, Gap::NoAgreement { agreement: one.agreement });
                continue;
            };
            let (index, agreement) = (one.index, one.agreement);
            if !signed.missing().is_empty() {
                violations.push(Violation::Unsigned { index, agreement });
            }
            if one.partner.as_ref().is_some_and(|partner| signed.agreement.party(partner).is_none()) {
                violations.push(Violation::NoParty { index, agreement });
            }
            if one.at < signed.agreement.in_force_on || one.at >= signed.agreement.expires_on {
                violations.push(Violation::OutsideDates { index, agreement });
            }
            match self.stage_at(&agreement, index) {
                Some(stage) if !stage.opens_flows() => {
                    violations.push(Violation::NotInForce { index, agreement, stage: stage.code() });
                }
                None if is_complete => {
                    violations.push(Violation::NotInForce {
                        index,
                        agreement,
                        stage: Stage::Proposed.code(),
                    });
                }
                None => once(gaps, Gap::StageNotShown { agreement }),
                Some(_open) => {}
            }
        }
    }

    fn stage_at(&self, agreement: &AgreementId, index: u64) -> Option<Stage> {
        let stages = self.stages.get(agreement)?;
        stages.iter().rev().find(|(at, _, _)| *at < index).map(|(_, _, stage)| *stage)
    }

    /// What is known of each agreement.
    pub(crate) fn findings(&self, agreements: &[Signed]) -> Vec<AgreementFinding> {
        let life = |id: &AgreementId| {
            let stages = self.stages.get(id).map_or(&[][..], Vec::as_slice);
            stages.iter().map(|(index, at, stage)| (*index, *at, stage.code())).collect()
        };
        let found = |signed: &Signed| AgreementFinding {
            id: signed.agreement.id(),
            parties: signed.agreement.parties.iter().map(|party| party.id.clone()).collect(),
            signatures: signed.signatures.clone(),
            missing: signed.missing(),
            from: signed.agreement.in_force_on,
            to: signed.agreement.expires_on,
            countersignatures: signed.agreement.countersignatures,
            life: life(&signed.agreement.id()),
        };
        agreements.iter().map(found).collect()
    }
}

fn once(gaps: &mut Vec<Gap>, gap: Gap) {
    if !gaps.contains(&gap) {
        gaps.push(gap);
    }
}
