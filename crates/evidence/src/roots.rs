//! Whose root is believed, and why: the verifier's own knowledge first, then an agreement whose number the verifier
//! knows, then what the bundle says of itself, which is shown as such.

use std::collections::BTreeMap;

use mithaq_model::{AgreementId, PartyId};
use mithaq_policy::Agreement;

use crate::error::JudgeError;
use crate::judgement::{Anchors, Root, RootSource};

/// The roots of all parties of the agreements, and those that were given. Two different ones for a party are refused.
pub(crate) fn roots<'a>(
    anchors: &Anchors,
    agreements: impl Iterator<Item = &'a Agreement> + Clone,
) -> Result<BTreeMap<PartyId, Root>, JudgeError> {
    let mut roots: BTreeMap<PartyId, Root> = BTreeMap::new();
    for (party, fingerprint) in &anchors.roots {
        roots.insert(party.clone(), Root { fingerprint: *fingerprint, source: RootSource::Given });
    }
    let is_pinned = |id: &AgreementId| anchors.agreements.contains(id);
    for id in &anchors.agreements {
        if !agreements.clone().any(|agreement| agreement.id() == *id) {
            return Err(JudgeError::NoSuchAgreement { agreement: *id });
        }
    }
    // Pinned ones first, so that what they name is not taken from another.
    let pinned = agreements.clone().filter(|one| is_pinned(&one.id()));
    let others = agreements.filter(|one| !is_pinned(&one.id()));
    for agreement in pinned.chain(others) {
        let source = if is_pinned(&agreement.id()) {
            RootSource::PinnedAgreement(agreement.id())
        } else {
            RootSource::Bundle(agreement.id())
        };
        for party in &agreement.parties {
            let root = roots.entry(party.id.clone()).or_insert(Root { fingerprint: party.root, source });
            if root.fingerprint != party.root {
                return Err(JudgeError::Root { party: party.id.clone() });
            }
        }
    }
    Ok(roots)
}
