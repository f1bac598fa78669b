//! Checkpoints, witnesses, forks and evidence bundles as partners and oversight meet them.

use crate::common::{Key, Log, ORIGIN, content, entry, log, log_key, log_of, salt, signed, witness_keys};
use mithaq_ledger::{
    BundleBuilder, BundleError, Checkpoint, EMPTY_ROOT, Fork, ForkError, ForkProof, Hash, Held, HistoryError,
    Id, KeyKind, KeyName, Opening, ProofError, SignCheckpointError, Trust, VerifierKey,
    VerifyCheckpointError, WitnessRefusal, content_digest, prove_consistency, prove_range, root_at,
    same_history, verify_bundle, verify_checkpoint, witness_step,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn new_bundle() -> BundleBuilder {
    BundleBuilder::new(KeyName::new(ORIGIN).unwrap())
}

/// Two checkpoints, a range, a single entry, both kinds of opening, two documents.
fn sample() -> Vec<u8> {
    let log = log(300);
    let (old, new) = (root_at(&log.tiles, 100).unwrap(), log.appender.root());
    let mut bundle = new_bundle();
    bundle.checkpoint(&signed(100, old, &[]), &[]).unwrap();
    let proof = prove_consistency(&log.tiles, 100, 300).unwrap();
    bundle.checkpoint(&signed(300, new, &witness_keys()), &proof).unwrap();
    for (start, end) in [(5usize, 9usize), (256, 257), (290, 300)] {
        let proof = prove_range(&log.tiles, start as u64, end as u64, 300).unwrap();
        bundle.segment(start as u64, &proof, &log.entries[start..end]).unwrap();
    }
    bundle.opening(6, &salt(6), &Opening::Content(&content(6))).unwrap();
    bundle.opening(256, &salt(256), &Opening::Digest(content_digest(&content(256)))).unwrap();
    bundle.document(Id::new("receipt/1").unwrap(), b"bytes of a receipt").unwrap();
    bundle.document(Id::new("receipt/2").unwrap(), b"").unwrap();
    bundle.finish().unwrap()
}

fn with_trust<T>(check: impl FnOnce(&Trust<'_>) -> T) -> T {
    let witnesses = witness_keys().map(|key| key.verifier());
    let logs = [log_key().verifier()];
    check(&Trust { logs: &logs, witnesses: &witnesses, quorum: 2, required: &["es-police/witness"] })
}

fn refusal(bundle: &[u8]) -> BundleError {
    with_trust(|trust| verify_bundle(bundle, trust).err().unwrap())
}

fn reseal(mut bundle: Vec<u8>) -> Vec<u8> {
    let body = bundle.len() - 32;
    let digest = Sha256::digest(&bundle[..body]);
    bundle[body..].copy_from_slice(&digest);
    bundle
}

/// Where the documents of [`sample`] begin.
fn documents_at(bundle: &[u8]) -> usize {
    bundle.windows(11).position(|w| w == b"\x00\x02\x09receipt/").unwrap()
}

#[test]
fn a_bundle_verifies_offline_and_gives_back_what_was_logged() {
    let bytes = sample();
    with_trust(|trust| {
        let bundle = verify_bundle(&bytes, trust).unwrap();
        assert_eq!((bundle.entry_count(), bundle.is_complete()), (15, false));
        assert_eq!(bundle.anchor().checkpoint().size(), 300);
        assert_eq!(bundle.anchor().cosigners().len(), 2);
        assert_eq!(bundle.anchor().cosigners()[0].at_s, 1_760_000_100);
        assert_eq!(bundle.earlier().len(), 1);
        let indices: Vec<u64> =
            bundle.segments().iter().flat_map(|s| s.entries()).map(|(at, _)| at).collect();
        let expected: Vec<u64> = (5..9).chain([256]).chain(290..300).collect();
        assert_eq!(indices, expected);
        let raw = bundle.segments()[1].raw().next();
        assert_eq!(raw, Some((256, &entry(256)[..])));
        assert_eq!(bundle.openings()[0].opening, Opening::Content(b"content 6"));
        assert_eq!(bundle.documents()[0].bytes, b"bytes of a receipt");
    });
}

#[test]
fn a_complete_log_verifies_and_says_that_it_is_complete() {
    for size in [1, 2, 255, 256, 257, 1_000] {
        let log = log(size);
        let mut bundle = new_bundle();
        bundle.checkpoint(&signed(size, log.appender.root(), &witness_keys()), &[]).unwrap();
        bundle.segment(0, &[], &log.entries).unwrap();
        let bytes = bundle.finish().unwrap();
        assert!(with_trust(|trust| verify_bundle(&bytes, trust).unwrap().is_complete()), "{size}");
    }
}

#[test]
fn any_flipped_byte_is_refused() {
    let bytes = sample();
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 0x04;
        refusal(&bad);
        refusal(&bytes[..at]);
    }
}

/// A forger recomputes the digest: then only signatures, proofs and commitments protect. What they do not
/// cover are the attached documents, at the end.
#[test]
fn a_forger_who_recomputes_the_digest_is_refused() {
    let bytes = sample();
    for at in 0..documents_at(&bytes) {
        for bit in [0x01, 0x20] {
            let mut bad = bytes.clone();
            bad[at] ^= bit;
            refusal(&reseal(bad));
        }
    }
}

#[test]
fn a_changed_entry_is_named() {
    let mut bytes = sample();
    let at = bytes.windows(3).position(|w| w == b"R-7").unwrap();
    bytes[at + 2] = b'9';
    let why = ProofError::RootMismatch;
    assert_eq!(refusal(&reseal(bytes.clone())), BundleError::Inclusion { start: 5, why });
    bytes[at + 2] = b' ';
    assert!(matches!(refusal(&reseal(bytes)), BundleError::Entry { index: 7, .. }));
}

fn one_segment(edit: impl FnOnce(&mut BundleBuilder)) -> Vec<u8> {
    let log = log(20);
    let mut bundle = new_bundle();
    bundle.checkpoint(&signed(20, log.appender.root(), &witness_keys()), &[]).unwrap();
    bundle.segment(3, &prove_range(&log.tiles, 3, 9, 20).unwrap(), &log.entries[3..9]).unwrap();
    edit(&mut bundle);
    bundle.finish().unwrap()
}

#[test]
fn openings_that_do_not_fit_are_refused() {
    let right = |index| content_digest(&content(index));
    let opened = |index, salt: [u8; 32], digest| {
        refusal(&one_segment(|b| b.opening(index, &salt, &Opening::Digest(digest)).unwrap()))
    };
    assert_eq!(opened(4, salt(5), right(4)), BundleError::Commitment { index: 4 });
    assert_eq!(opened(4, salt(4), right(5)), BundleError::Commitment { index: 4 });
    assert_eq!(opened(9, salt(9), right(9)), BundleError::OpeningWithoutEntry { index: 9 });
    let twice = one_segment(|b| {
        b.opening(4, &salt(4), &Opening::Digest(right(4))).unwrap();
        b.opening(4, &salt(4), &Opening::Digest(right(4))).unwrap();
    });
    assert_eq!(refusal(&twice), BundleError::OpeningOrder { index: 4 });
}

#[test]
fn parts_out_of_order_are_refused() {
    let log = log(20);
    for start in [0usize, 3, 8, 9] {
        let proof = prove_range(&log.tiles, start as u64, start as u64 + 2, 20).unwrap();
        let bytes = one_segment(|b| b.segment(start as u64, &proof, &log.entries[start..start + 2]).unwrap());
        assert_eq!(refusal(&bytes), BundleError::SegmentOrder { start: start as u64 });
    }
    let empty = one_segment(|b| b.segment::<&[u8]>(15, &[], &[]).unwrap());
    assert_eq!(refusal(&empty), BundleError::SegmentOrder { start: 15 });
    let end = one_segment(|b| b.segment(u64::MAX, &[], &log.entries[..1]).unwrap());
    assert_eq!(refusal(&end), BundleError::SegmentOrder { start: u64::MAX });
    let (a, b) = (Id::new("a").unwrap(), Id::new("b").unwrap());
    for (first, second) in [(b, a), (a, a)] {
        let bytes = one_segment(|bundle| {
            bundle.document(first, b"").unwrap();
            bundle.document(second, b"").unwrap();
        });
        assert_eq!(refusal(&bytes), BundleError::DocumentName);
    }
}

#[test]
fn checkpoints_must_be_there_in_order_and_of_one_history() {
    assert_eq!(refusal(&new_bundle().finish().unwrap()), BundleError::NoCheckpoint);
    let (one, other) = (log(20), log_of((0..20).map(|n| entry(n + 1)).collect()));
    let note = |log: &Log, size| signed(size, root_at(&log.tiles, size).unwrap(), &witness_keys());
    let proof = prove_consistency(&one.tiles, 8, 20).unwrap();
    let two = |first: &[u8], second: &[u8], proof: &[Hash]| {
        let mut bundle = new_bundle();
        bundle.checkpoint(first, &[]).unwrap();
        bundle.checkpoint(second, proof).unwrap();
        bundle.finish().unwrap()
    };
    assert_eq!(refusal(&two(&note(&one, 20), &note(&one, 8), &proof)), BundleError::CheckpointOrder);
    let forked = refusal(&two(&note(&other, 8), &note(&one, 20), &proof));
    assert_eq!(forked, BundleError::Consistency(ProofError::RootMismatch));
    let mut bundle = BundleBuilder::new(KeyName::new("es-police/log").unwrap());
    bundle.checkpoint(&note(&one, 20), &[]).unwrap();
    assert_eq!(refusal(&bundle.finish().unwrap()), BundleError::Origin);
}

#[test]
fn bytes_after_the_last_part_are_refused() {
    let mut bytes = sample();
    let at = bytes.len() - 32;
    bytes.insert(at, 0);
    assert_eq!(refusal(&reseal(bytes)), BundleError::Trailing);
    assert_eq!(refusal(b""), BundleError::Truncated);
    assert_eq!(refusal(&[0; 64]), BundleError::Magic);
}

#[test]
fn nobody_is_trusted_by_default_and_quorums_are_counted_by_key() {
    let note = signed(20, log(20).appender.root(), &witness_keys());
    let logs = [log_key().verifier()];
    let [es, ci] = witness_keys().map(|key| key.verifier());
    let check = |logs: &[VerifierKey], witnesses: &[VerifierKey], quorum, required: &[&str]| {
        verify_checkpoint(&note, &Trust { logs, witnesses, quorum, required }).map(|v| v.cosigners().len())
    };
    assert_eq!(check(&[], &[], 0, &[]), Err(VerifyCheckpointError::UnknownLog));
    assert_eq!(check(std::slice::from_ref(&es), &[], 0, &[]), Err(VerifyCheckpointError::UnknownLog));
    assert_eq!(check(&logs, &[], 0, &[]), Ok(0));
    let few = |got| Err(VerifyCheckpointError::Quorum { needed: 2, got });
    assert_eq!(check(&logs, &[], 2, &[]), few(0));
    assert_eq!(check(&logs, &[es.clone(), es.clone()], 2, &[]), few(1));
    assert_eq!(check(&logs, &[es.clone(), ci.clone()], 2, &[]), Ok(2));
    let missing = Err(VerifyCheckpointError::RequiredWitness);
    assert_eq!(check(&logs, &[es, ci], 2, &["fr-police/witness"]), missing);
    let other = [Key::new(1, "es-police/log", KeyKind::Ed25519).verifier()];
    assert_eq!(check(&other, &[], 0, &[]), Err(VerifyCheckpointError::UnknownLog));
}

#[test]
fn one_witness_key_under_two_names_counts_once() {
    let keys = [Key::new(2, "a", KeyKind::Cosignature), Key::new(2, "b", KeyKind::Cosignature)];
    let note = signed(20, log(20).appender.root(), &keys);
    let (logs, witnesses) = ([log_key().verifier()], keys.map(|key| key.verifier()));
    let trust = Trust { logs: &logs, witnesses: &witnesses, quorum: 2, required: &[] };
    let few = VerifyCheckpointError::Quorum { needed: 2, got: 1 };
    assert_eq!(verify_checkpoint(&note, &trust), Err(few));
}

#[test]
fn a_fork_is_proven_by_two_checkpoints() {
    let (one, other) = (log(20), log_of((0..20).map(|n| entry(n + 1)).collect()));
    let (a, b) = (signed(20, one.appender.root(), &[]), signed(20, other.appender.root(), &[]));
    let logs = [log_key().verifier()];
    let proof = ForkProof::new(&a, &b);
    assert_eq!(proof, ForkProof::new(&b, &a));
    assert_eq!(ForkProof::parse(&proof.to_bytes()), Ok(proof.clone()));
    let fork: Fork = proof.verify(&logs).unwrap();
    assert_eq!(fork.checkpoints().0.size(), 20);
    assert_eq!(ForkProof::new(&a, &a).verify(&logs), Err(ForkError::Agree));
    let shorter = signed(19, root_at(&one.tiles, 19).unwrap(), &[]);
    assert_eq!(ForkProof::new(&a, &shorter).verify(&logs), Err(ForkError::NotComparable));
    assert!(matches!(proof.verify(&[]), Err(ForkError::Checkpoint(VerifyCheckpointError::UnknownLog))));
    for bad in [&proof.to_bytes()[1..], &[&proof.to_bytes()[..], b"x"].concat()] {
        assert_eq!(ForkProof::parse(bad), Err(ForkError::Format));
    }
    for at in 0..proof.to_bytes().len() {
        let mut bytes = proof.to_bytes();
        bytes[at] ^= 2;
        assert!(ForkProof::parse(&bytes).and_then(|p| p.verify(&logs)).is_err(), "byte {at}");
    }
}

#[test]
fn checkpoints_of_two_holders_are_compared() {
    let (one, other) = (log(20), log_of((0..20).map(|n| entry(n + 1)).collect()));
    let logs = [log_key().verifier()];
    let at = |log: &Log, size| {
        let note = signed(size, root_at(&log.tiles, size).unwrap(), &[]);
        verify_checkpoint(&note, &Trust::logs_only(&logs)).unwrap()
    };
    let (old, new, strange) = (at(&one, 8), at(&one, 20), at(&other, 8));
    let proof = prove_consistency(&one.tiles, 8, 20).unwrap();
    assert_eq!(same_history(&old, &new, &proof), Ok(()));
    assert_eq!(same_history(&new, &old, &proof), Ok(()));
    assert_eq!(same_history(&old, &old, &[]), Ok(()));
    assert_eq!(same_history(&old, &strange, &[]), Err(HistoryError::Fork { size: 8 }));
    let mismatch = HistoryError::Proof(ProofError::RootMismatch);
    assert_eq!(same_history(&strange, &new, &proof), Err(mismatch));
    let key = Key::new(4, "es-police/log", KeyKind::Ed25519);
    let note = Checkpoint::new("es-police/log", 0, EMPTY_ROOT, vec![]).unwrap().sign(&key).unwrap();
    let keys = [key.verifier()];
    let foreign = verify_checkpoint(&note.to_bytes(), &Trust::logs_only(&keys)).unwrap();
    assert_eq!(same_history(&foreign, &new, &[]), Err(HistoryError::OtherLog));
    let misnamed = Checkpoint::new(ORIGIN, 0, EMPTY_ROOT, vec![]).unwrap().sign(&key);
    assert_eq!(misnamed, Err(SignCheckpointError::Name));
}

proptest! {
    #[test]
    fn no_edit_makes_a_reader_panic_or_a_forgery_pass(
        edits in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6), cut: usize,
    ) {
        let good = sample();
        let covered = documents_at(&good);
        let mut bytes = good.clone();
        for (at, value) in edits {
            bytes[at % covered] = value;
        }
        if bytes != good {
            refusal(&reseal(bytes.clone()));
        }
        bytes.truncate(32 + cut % covered);
        refusal(&reseal(bytes));
    }
}

#[test]
fn a_witness_confirms_growth_only() {
    let (log, other) = (log(20), log_of((0..20).map(|n| entry(n + 1)).collect()));
    let key = log_key().verifier();
    let at = |log: &Log, size| {
        let root = root_at(&log.tiles, size).unwrap();
        (Held { size, root }, signed(size, root, &[]))
    };
    let ((held, note8), (_, note20)) = (at(&log, 8), at(&log, 20));
    let proof = prove_consistency(&log.tiles, 8, 20).unwrap();
    assert!(witness_step(&Held::NONE, 0, &note8, &[], &key).is_ok());
    assert!(witness_step(&held, 8, &note8, &[], &key).is_ok());
    let grown = witness_step(&held, 8, &note20, &proof, &key).unwrap();
    assert_eq!(grown.checkpoint().size(), 20);
    let refused =
        |held: &Held, old, note: &[u8], proof: &[Hash]| witness_step(held, old, note, proof, &key).err();
    assert_eq!(refused(&held, 7, &note20, &proof), Some(WitnessRefusal::Conflict { held: 8 }));
    assert_eq!(refused(&at(&other, 8).0, 8, &note8, &[]), Some(WitnessRefusal::Fork { size: 8 }));
    let back = WitnessRefusal::Proof(ProofError::Shrunk { old: 20, new: 8 });
    assert_eq!(refused(&at(&log, 20).0, 20, &note8, &[]), Some(back));
    let fork = WitnessRefusal::Proof(ProofError::RootMismatch);
    assert_eq!(refused(&at(&other, 8).0, 8, &note20, &proof), Some(fork));
    let stranger = Key::new(5, ORIGIN, KeyKind::Ed25519).verifier();
    assert!(matches!(witness_step(&held, 8, &note20, &proof, &stranger), Err(WitnessRefusal::Checkpoint(_))));
}

#[test]
fn an_error_does_not_repeat_what_was_in_the_bundle() {
    let bytes = one_segment(|b| {
        b.opening(4, &salt(4), &Opening::Content(b"a name of a person")).unwrap();
    });
    let error = refusal(&bytes);
    assert_eq!(error, BundleError::Commitment { index: 4 });
    assert!(!format!("{error} {error:?}").contains("person"));
}
