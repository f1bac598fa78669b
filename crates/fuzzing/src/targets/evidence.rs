//! The judge of evidence: bundles with documents, as an oversight body is handed them.

use super::ledger::{ORIGIN, log_key};
use super::{Outcome, Target, refused};
use mithaq_envelope::SignedAgreement;
use mithaq_evidence::{Anchors, agreement_name, judge};
use mithaq_ledger::{
    Appender, BundleBuilder, Checkpoint, Code, Entry, Hash, Id, KeyName, MemoryTiles, prove_range,
};
use mithaq_model::{AgreementId, PartyId, Timestamp};
use mithaq_policy::agreement::{TemplateParty, template};
use mithaq_policy::agreement_id;
use sha2::{Digest as _, Sha256};

const WORDS: &[&[u8]] =
    &[b"mxe/1\n", b"agreement/", b"manifest/", b"envelope/", b"receipts/", b"receipt/", b"later/", b"permit"];

pub(super) fn targets() -> Vec<Target> {
    // No seeds: the test over all targets says so.
    let seeds: Vec<Vec<u8>> = bundle().into_iter().collect();
    vec![Target {
        name: "evidence-judge",
        about: "judge, the digest made right again",
        seeds,
        dictionary: WORDS,
        run,
    }]
}

/// What was changed and still proves something must be what the log signed: the judge is asked twice and agrees.
fn run(bytes: &[u8]) -> Outcome {
    let mut forged = bytes.to_vec();
    if let Some(body) = forged.len().checked_sub(32)
        && let Some((content, digest)) = forged.split_at_mut_checked(body)
    {
        digest.copy_from_slice(&Sha256::digest(&*content));
    }
    let anchors = Anchors { logs: log_key().verifier().into_iter().collect(), ..Anchors::default() };
    match judge(&forged, &anchors) {
        Ok(found) if found.is_anchored => Outcome::Accepted,
        Ok(_) => Outcome::Broken("a known log key anchors nothing".to_owned()),
        Err(error) => {
            let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            refused(format!("{error} {source}"))
        }
    }
}

fn entry(kind: &str, agreement: AgreementId) -> Option<Vec<u8>> {
    let at = Timestamp::parse("2026-06-01")?.as_millis();
    let mut entry = Entry::new(Code::new(kind).ok()?, at, Code::new("spoc").ok()?, Id::new("R-1").ok()?);
    entry.agreement = Some(Hash::new(*agreement.as_bytes()));
    entry.verdict = Id::new("permit").ok();
    Some(entry.encode())
}

/// A log of three entries with the agreement they name, which nobody has signed yet.
fn bundle() -> Option<Vec<u8>> {
    let party = |name: &str, state: &str, root| {
        Some(TemplateParty { id: PartyId::new(name).ok()?, state: state.to_owned(), root: [root; 32] })
    };
    let parties = [party("ma-security", "MA", 1)?, party("es-police", "ES", 2)?];
    let text = template(&parties, Timestamp::parse("2026-01-01")?);
    let id = agreement_id(text.as_bytes());
    let kinds = ["agreement.in_force", "report.decided", "report.released"];
    let entries: Vec<Vec<u8>> = kinds.iter().map(|kind| entry(kind, id)).collect::<Option<_>>()?;
    let (mut appender, mut tiles) = (Appender::new(), MemoryTiles::new());
    tiles.apply(appender.append(&entries).ok()?);
    let note = Checkpoint::new(ORIGIN, 3, appender.root(), Vec::new()).ok()?.sign(&log_key()).ok()?;
    let mut bundle = BundleBuilder::new(KeyName::new(ORIGIN).ok()?);
    bundle.checkpoint(&note.to_bytes(), &[]).ok()?;
    bundle.segment(0, &prove_range(&tiles, 0, 3, 3).ok()?, &entries).ok()?;
    let signed = SignedAgreement::new(&text).ok()?;
    bundle.document(Id::new(&agreement_name(&id)).ok()?, &signed.to_bytes()).ok()?;
    bundle.finish().ok()
}
