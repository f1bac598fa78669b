//! The order of judging: papers first, because they say whose keys count; then the log against those keys; then each
//! message and disclosure against both.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_ledger::{Entry, Trust, VerifiedBundle, bundle_documents, verify_bundle};
use mithaq_model::{ObjectId, PartyId, Timestamp};

use crate::error::JudgeError;
use crate::judgement::{
    Anchors, Contents, Countersigned, DistrustFinding, Gap, Judgement, Line, ManifestFinding, Quorum,
};
use crate::life::Lives;
use crate::messages::{Messages, object_of};
use crate::papers::Papers;

/// Judges a bundle. An `Ok` says that every byte of it was verified against the roots that the judgement lists; what
/// that is worth is in `is_anchored`, `violations` and `gaps`.
///
/// # Errors
/// A [`JudgeError`] that names the first thing that is damaged, forged or contradicts itself.
pub fn judge(bytes: &[u8], anchors: &Anchors) -> Result<Judgement, JudgeError> {
    let (origin, documents) = bundle_documents(bytes)?;
    let party = origin.as_str().split('/').next().and_then(|name| PartyId::new(name).ok());
    let party = party.ok_or(JudgeError::Origin)?;
    let papers = Papers::read(&documents, anchors)?;
    let logs = papers.log_keys(&party, &origin, &anchors.logs)?;
    let witnesses = papers.witness_keys(&party, &anchors.witnesses);
    let quorum = Quorum { by_verifier: anchors.quorum, by_agreement: asked_by_agreements(&papers, &party) };
    // The quorum is asked at the end, of witnesses that the verifier knows; everything else is judged before.
    let trust = Trust { logs: &logs, witnesses: &witnesses, quorum: 0, required: &[] };
    let bundle = verify_bundle(bytes, &trust)?;
    if bundle.earlier().iter().chain([bundle.anchor()]).any(|checkpoint| checkpoint.passed_over() > 0) {
        return Err(JudgeError::UnknownSignature);
    }
    let mut read = Read::new(&papers, &party, origin.as_str());
    for (index, entry) in bundle.segments().iter().flat_map(|segment| segment.entries()) {
        read.entry(index, &entry);
    }
    for document in bundle.documents() {
        read.messages.document(document)?;
    }
    read.judgement(&bundle, quorum, anchors)
}

/// The most that any agreement of the party asks for, if all its parties signed it.
fn asked_by_agreements(papers: &Papers, party: &PartyId) -> usize {
    let binding = papers.agreements.iter().filter(|signed| signed.missing().is_empty());
    let of_party = binding.filter(|signed| signed.agreement.party(party).is_some());
    let most = of_party.map(|signed| signed.agreement.countersignatures).max().unwrap_or(0);
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// What one pass over the entries gathers.
struct Read<'p> {
    papers: &'p Papers,
    party: &'p PartyId,
    messages: Messages<'p>,
    lives: Lives,
    kinds: BTreeMap<String, u64>,
    lines: Vec<Line>,
    /// Index and object of each entry that commits to content.
    committed: Vec<(u64, Option<ObjectId>)>,
    erased: BTreeSet<ObjectId>,
}

impl<'p> Read<'p> {
    const fn new(papers: &'p Papers, party: &'p PartyId, origin: &'p str) -> Self {
        Self {
            papers,
            party,
            messages: Messages::new(papers, (party, origin)),
            lives: Lives::new(),
            kinds: BTreeMap::new(),
            lines: Vec::new(),
            committed: Vec::new(),
            erased: BTreeSet::new(),
        }
    }

    fn entry(&mut self, index: u64, entry: &Entry<'_>) {
        let kind = entry.kind.as_str();
        *self.kinds.entry(kind.to_owned()).or_default() += 1;
        self.messages.entry(index, entry);
        self.lives.entry(index, entry);
        if kind == "report.erased" {
            self.erased.extend(object_of(entry));
        }
        // Messages commit to ciphertext and logs to checkpoints, by their hash; everything else to content, salted.
        let is_public = kind.starts_with("message.") || kind.starts_with("log.") || names_a_root(kind);
        if entry.commitment.is_some() && !is_public {
            self.committed.push((index, object_of(entry)));
        }
        let words = [
            kind,
            entry.role.as_str(),
            entry.object.as_str(),
            entry.counterparty.map_or("", |id| id.as_str()),
            entry.verdict.map_or("", |id| id.as_str()),
        ];
        let at = Timestamp::from_millis(entry.at_ms);
        self.lines.push(Line { index, at, words: words.map(str::to_owned), commitment: entry.commitment });
    }

    fn contents(&self, bundle: &VerifiedBundle<'_>) -> Contents {
        let opened: BTreeSet<u64> = bundle.openings().iter().map(|opened| opened.index).collect();
        let mut contents = Contents::default();
        for (index, object) in &self.committed {
            if opened.contains(index) {
                contents.opened += 1;
            } else if object.is_some_and(|object| self.erased.contains(&object)) {
                contents.erased += 1;
            } else {
                contents.closed += 1;
            }
        }
        contents
    }

    fn judgement(
        self,
        bundle: &VerifiedBundle<'_>,
        quorum: Quorum,
        anchors: &Anchors,
    ) -> Result<Judgement, JudgeError> {
        let contents = self.contents(bundle);
        let (anchor, is_complete) = (bundle.anchor(), bundle.is_complete());
        let mut gaps = whole(self.papers, bundle, anchors);
        let origin = bundle.origin().as_str();
        if !self.papers.names_log(self.party, origin, &anchors.logs) {
            gaps.push(Gap::SuccessorNotAttested { origin: origin.to_owned() });
        }
        let (messages, later, mut violations) = self.messages.finish(&mut gaps)?;
        self.lives.judge(&self.papers.agreements, is_complete, &mut violations, &mut gaps);
        let is_anchored = is_anchored(self.papers, self.party, anchors);
        let countersigned = countersigned(self.papers, bundle, anchors);
        let there = countersigned.len();
        let known = countersigned.iter().filter(|one| one.is_known).count();
        // Whoever makes a bundle can invent a partner: once something is anchored, only witnesses that are known count.
        if (if is_anchored { known } else { there }) < quorum.demanded() {
            return Err(JudgeError::Quorum { needed: quorum.demanded(), known, there });
        }
        Ok(Judgement {
            origin: origin.to_owned(),
            party: self.party.clone(),
            size: anchor.checkpoint().size(),
            root: *anchor.checkpoint().root(),
            entries: bundle.entry_count(),
            is_complete,
            earlier_checkpoints: bundle.earlier().len(),
            is_anchored,
            roots: self.papers.roots.clone(),
            agreements: self.lives.findings(&self.papers.agreements),
            manifests: manifests(self.papers),
            distrusts: distrusts(self.papers),
            quorum,
            countersigned,
            messages,
            later,
            contents,
            kinds: self.kinds,
            lines: self.lines,
            violations,
            gaps,
        })
    }
}

fn countersigned(papers: &Papers, bundle: &VerifiedBundle<'_>, anchors: &Anchors) -> Vec<Countersigned> {
    let found = bundle.anchor().cosigners().iter().map(|one| Countersigned {
        by: one.key.name().as_str().to_owned(),
        is_known: papers.is_known_witness(&one.key, &anchors.witnesses),
        at: Timestamp::from_millis(i64::try_from(one.at_s).unwrap_or(i64::MAX).saturating_mul(1_000)),
    });
    found.collect()
}

/// The log's key, or the root behind it, was known to the verifier before.
fn is_anchored(papers: &Papers, party: &PartyId, anchors: &Anchors) -> bool {
    !anchors.logs.is_empty() || papers.roots.get(party).is_some_and(|root| root.source.is_anchored())
}

/// What is not proven about the bundle as a whole.
fn whole(papers: &Papers, bundle: &VerifiedBundle<'_>, anchors: &Anchors) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let known = |root: &crate::Root| root.source.is_anchored();
    if anchors.logs.is_empty() && !papers.roots.values().any(known) {
        gaps.push(Gap::NotAnchored);
    }
    let taken = papers.roots.iter().filter(|(_, root)| !known(root));
    gaps.extend(taken.map(|(party, _)| Gap::RootFromBundle { party: party.clone() }));
    let size = bundle.anchor().checkpoint().size();
    if !bundle.is_complete() {
        gaps.push(Gap::LeftOut { entries: size.saturating_sub(bundle.entry_count()) });
    }
    if bundle.anchor().cosigners().is_empty() {
        gaps.push(Gap::NotCountersigned);
    }
    gaps
}

fn distrusts(papers: &Papers) -> Vec<DistrustFinding> {
    let found = papers.distrusts.iter().map(|one| DistrustFinding {
        party: one.read.party.clone(),
        key: one.read.key,
        log: one.read.log.clone(),
        since: one.read.since,
        is_proven: one.is_proven,
    });
    found.collect()
}

fn manifests(papers: &Papers) -> Vec<ManifestFinding> {
    let found = papers.manifests.values().flatten().map(|verified| {
        let manifest = verified.manifest();
        ManifestFinding {
            party: manifest.party.clone(),
            number: manifest.number,
            from: manifest.valid_from,
            to: manifest.valid_to,
        }
    });
    found.collect()
}

/// Entries whose commitment is the root of an attachment's ciphertext: it names bytes and hides nothing.
fn names_a_root(kind: &str) -> bool {
    matches!(
        kind,
        "receipt.complete"
            | "attachment.wanted"
            | "attachment.complete"
            | "attachment.refused"
            | "attachment.damaged"
            | "attachment.removed"
    )
}
