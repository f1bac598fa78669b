//! The documents that stand by themselves: agreements with their signatures, and the chains of manifests.

use std::collections::BTreeMap;

use mithaq_envelope::{
    AgreementSignature, AgreementSignatureError, SignedAgreement, VerifiedManifest, manifest_root,
    peek_distrust, verify_agreement_signature, verify_distrust, verify_manifest,
};
use mithaq_ledger::{Document, KeyKind, KeyName, VerifierKey};
use mithaq_model::PartyId;
use mithaq_policy::Agreement;
use mithaq_wire::Digest;

use crate::distrust::{Distrusted, size_proven};
use crate::error::{JudgeError, PaperFault};
use crate::judgement::{Anchors, Root, RootSource};
use crate::names::{Kind, agreement_name, distrust_name, manifest_name, successor_key};
use crate::roots::roots;

/// An agreement with the signatures there are.
pub(crate) struct Signed {
    pub(crate) agreement: Agreement,
    pub(crate) signatures: Vec<AgreementSignature>,
}

impl Signed {
    pub(crate) fn missing(&self) -> Vec<PartyId> {
        let signed = |party: &PartyId| self.signatures.iter().any(|made| made.party == *party);
        self.agreement.parties.iter().map(|party| &party.id).filter(|id| !signed(id)).cloned().collect()
    }
}

/// Agreements, roots and manifests of a bundle, verified.
pub(crate) struct Papers {
    pub(crate) agreements: Vec<Signed>,
    pub(crate) roots: BTreeMap<PartyId, Root>,
    pub(crate) manifests: BTreeMap<PartyId, Vec<VerifiedManifest>>,
    pub(crate) distrusts: Vec<Distrusted>,
}

pub(crate) fn fault(name: &str, why: PaperFault) -> JudgeError {
    JudgeError::Paper { name: name.to_owned(), why }
}

impl Papers {
    pub(crate) fn read(documents: &[Document<'_>], anchors: &Anchors) -> Result<Self, JudgeError> {
        let mut agreements = Vec::new();
        for document in documents {
            let name = document.name.as_str();
            let kind = Kind::of(name).ok_or_else(|| fault(name, PaperFault::Name))?;
            if kind == Kind::Agreement {
                let signed =
                    read_agreement(document.bytes).map_err(|why| fault(name, PaperFault::Agreement(why)))?;
                if agreement_name(&signed.agreement.id()) != name {
                    return Err(fault(name, PaperFault::Name));
                }
                agreements.push(signed);
            }
        }
        let roots = roots(anchors, agreements.iter().map(|signed| &signed.agreement))?;
        let mut papers = Self { agreements, roots, manifests: BTreeMap::new(), distrusts: Vec::new() };
        let manifests = documents.iter().filter(|one| Kind::of(one.name.as_str()) == Some(Kind::Manifest));
        for document in manifests {
            papers.add_manifest(document)?;
        }
        for document in documents.iter().filter(|one| Kind::of(one.name.as_str()) == Some(Kind::Distrust)) {
            let name = document.name.as_str();
            if distrust_name(document.bytes) != name {
                return Err(fault(name, PaperFault::Name));
            }
            papers.add_distrust(name, document.bytes)?;
        }
        for bytes in &anchors.distrusts {
            papers.add_distrust(&distrust_name(bytes), bytes)?;
        }
        Ok(papers)
    }

    /// A statement is of the root of its party. One of a party that nothing here is about says nothing.
    fn add_distrust(&mut self, name: &str, bytes: &[u8]) -> Result<(), JudgeError> {
        let refuse = |why| fault(name, PaperFault::Distrust(why));
        let party = peek_distrust(bytes).map_err(refuse)?.party;
        let Some(root) = self.roots.get(&party) else { return Ok(()) };
        let read = verify_distrust(bytes, &party, &root.fingerprint).map_err(refuse)?;
        let keys: Vec<VerifierKey> =
            self.chain(&party).iter().filter_map(|one| one.manifest().log_key.parse().ok()).collect();
        let is_proven = size_proven(&read, &keys);
        if self.distrusts.iter().all(|one| one.read != read) {
            self.distrusts.push(Distrusted { read, is_proven });
        }
        Ok(())
    }

    /// Whether a manifest of the party names the log, or the verifier does.
    pub(crate) fn names_log(&self, party: &PartyId, origin: &str, given: &[VerifierKey]) -> bool {
        let named = |key: &VerifierKey| key.name().as_str() == origin;
        let of_manifest =
            |one: &VerifiedManifest| one.manifest().log_key.parse().is_ok_and(|key| named(&key));
        given.iter().any(named) || self.chain(party).iter().any(of_manifest)
    }

    /// Documents are in the order of their names, so manifests come in the order of their numbers.
    fn add_manifest(&mut self, document: &Document<'_>) -> Result<(), JudgeError> {
        let name = document.name.as_str();
        let party = name.split('/').nth(1).and_then(|text| PartyId::new(text).ok());
        let party = party.ok_or_else(|| fault(name, PaperFault::Name))?;
        let root = match self.roots.get(&party) {
            Some(root) => root.fingerprint,
            None => {
                let fingerprint =
                    manifest_root(document.bytes).map_err(|why| fault(name, PaperFault::Manifest(why)))?;
                self.roots.insert(party.clone(), Root { fingerprint, source: RootSource::Claimed });
                fingerprint
            }
        };
        let chain = self.manifests.entry(party.clone()).or_default();
        let verified = verify_manifest(document.bytes, &party, &root, chain.last())
            .map_err(|why| fault(name, PaperFault::Manifest(why)))?;
        let number = verified.manifest().number;
        if chain.is_empty() && number != 1 {
            return Err(fault(name, PaperFault::ManifestGap));
        }
        if manifest_name(&party, number) != name {
            return Err(fault(name, PaperFault::Name));
        }
        chain.push(verified);
        Ok(())
    }

    /// The manifest of a hash.
    pub(crate) fn manifest(&self, party: &PartyId, hash: Digest) -> Option<&VerifiedManifest> {
        self.manifests.get(party)?.iter().find(|manifest| manifest.hash() == hash)
    }

    pub(crate) fn chain(&self, party: &PartyId) -> &[VerifiedManifest] {
        self.manifests.get(party).map_or(&[], Vec::as_slice)
    }

    /// The keys that may have signed the log of `party` named `origin`: what the verifier gave, which must be what
    /// the manifests say where they say something; else what the manifests say.
    pub(crate) fn log_keys(
        &self,
        party: &PartyId,
        origin: &KeyName,
        given: &[VerifierKey],
    ) -> Result<Vec<VerifierKey>, JudgeError> {
        let mut named: Vec<VerifierKey> = Vec::new();
        for manifest in self.chain(party) {
            let key = manifest.manifest().log_key.parse().ok();
            let key = key.and_then(|key: VerifierKey| successor_key(&key, origin));
            named.extend(key.filter(|key| !named.contains(key)));
        }
        if given.is_empty() {
            return if named.is_empty() { Err(JudgeError::NoLogKey) } else { Ok(named) };
        }
        let given: Vec<VerifierKey> = given.iter().filter_map(|key| successor_key(key, origin)).collect();
        if given.is_empty() {
            return Err(JudgeError::NoLogKey);
        }
        if !named.is_empty() && !given.iter().all(|key| named.contains(key)) {
            return Err(JudgeError::LogKey { party: party.clone() });
        }
        Ok(given)
    }

    /// Whether the verifier knows, from elsewhere than the bundle, whose witness key this is.
    pub(crate) fn is_known_witness(&self, key: &VerifierKey, given: &[VerifierKey]) -> bool {
        let is_theirs = |manifest: &VerifiedManifest| {
            manifest.manifest().witness_key.parse::<VerifierKey>().is_ok_and(|theirs| theirs == *key)
        };
        given.contains(key)
            || self.manifests.iter().any(|(party, chain)| {
                self.roots.get(party).is_some_and(|root| root.source.is_anchored())
                    && chain.iter().any(is_theirs)
            })
    }

    /// The keys of all other parties as witnesses. A party does not witness for itself.
    pub(crate) fn witness_keys(&self, party: &PartyId, given: &[VerifierKey]) -> Vec<VerifierKey> {
        let mut keys: Vec<VerifierKey> = given.to_vec();
        for manifest in self.manifests.iter().filter(|(other, _)| *other != party).flat_map(|(_, all)| all) {
            let key: Option<VerifierKey> = manifest.manifest().witness_key.parse().ok();
            keys.extend(key.filter(|key| key.kind() == KeyKind::Cosignature && !keys.contains(key)));
        }
        keys
    }
}

fn read_agreement(bytes: &[u8]) -> Result<Signed, AgreementSignatureError> {
    let file = SignedAgreement::from_bytes(bytes)?;
    let text = core::str::from_utf8(file.text()).map_err(|_not_text| AgreementSignatureError::Text)?;
    let agreement = Agreement::parse(text).map_err(|_not_ours| AgreementSignatureError::Text)?;
    let mut signatures = Vec::new();
    for bytes in file.signatures() {
        let made = verify_agreement_signature(bytes)?;
        let party = agreement.party(&made.party).ok_or(AgreementSignatureError::Party)?;
        if party.root != made.root {
            return Err(AgreementSignatureError::Root);
        }
        signatures.push(made);
    }
    Ok(Signed { agreement, signatures })
}
