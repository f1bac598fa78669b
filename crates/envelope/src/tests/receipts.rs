//! One signature for a batch, each statement provable alone.

use mithaq_model::RefusalGround;
use mithaq_wire::{Digest, Lane, LaneId, Position, ReceiptBatch, Statement, Verdict};

use super::fixture::World;
use crate::*;

fn batch(w: &World, count: u64) -> ReceiptBatch {
    let verdict = |n| match n % 3 {
        0 => Verdict::Accepted,
        1 => Verdict::Refused { code: "CAT".to_owned(), ground: Some(RefusalGround::CategoryNotAllowed) },
        _ => Verdict::Quarantined { code: "policy.internal".to_owned() },
    };
    let statement = |n: u64| Statement {
        at: Position { epoch: 1, seq: n + 1 },
        envelope: Digest([u8::try_from(n).unwrap(); 32]),
        verdict: verdict(n),
    };
    ReceiptBatch {
        lane: LaneId {
            from: w.ma.party.clone(),
            to: w.es.party.clone(),
            agreement: w.agreement(),
            lane: Lane::Report,
        },
        manifest: w.es.manifest.hash(),
        stored_at: w.sample.now,
        statements: (0..count).map(statement).collect(),
    }
}

#[test]
fn receipts_and_every_proof_verify_at_every_size() {
    let w = World::new();
    for count in (1..=9).chain([31, 32, 33, 63, 64]) {
        let batch = batch(&w, count);
        let bytes = sign_receipts(&batch, &w.es.keys).unwrap();
        assert_eq!(verify_receipts(&bytes, &w.es.manifest), Ok(batch.clone()));
        assert_eq!(sign_receipts(&batch, &w.es.keys), Ok(bytes.clone()), "the same receipt for ever");
        for (place, statement) in batch.statements.iter().enumerate() {
            let proof = receipt_proof(&bytes, place).unwrap();
            let (head, shown) = verify_receipt_proof(&proof, &w.es.manifest).unwrap();
            assert_eq!((&shown, head.count), (statement, u32::try_from(count).unwrap()));
        }
        assert!(receipt_proof(&bytes, batch.statements.len()).is_err());
    }
}

#[test]
fn a_changed_byte_anywhere_refuses_receipts_and_proofs() {
    let w = World::new();
    let bytes = sign_receipts(&batch(&w, 5), &w.es.keys).unwrap();
    let proof = receipt_proof(&bytes, 3).unwrap();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(verify_receipts(&changed, &w.es.manifest).is_err(), "byte {place}");
    }
    for place in 0..proof.len() {
        let mut changed = proof.clone();
        changed[place] ^= 1;
        assert!(verify_receipt_proof(&changed, &w.es.manifest).is_err(), "byte {place}");
    }
}

#[test]
fn only_the_receiver_of_the_messages_signs() {
    let w = World::new();
    let good = sign_receipts(&batch(&w, 2), &w.es.keys).unwrap();
    assert_eq!(verify_receipts(&good, &w.ma.manifest), Err(ReceiptError::Signer));
    let forged = sign_receipts(&batch(&w, 2), &w.ci.keys).unwrap();
    assert_eq!(verify_receipts(&forged, &w.es.manifest), Err(ReceiptError::Signature));
    let mut other = batch(&w, 2);
    other.manifest = w.ci.manifest.hash();
    let wrong_party = sign_receipts(&other, &w.ci.keys).unwrap();
    assert_eq!(verify_receipts(&wrong_party, &w.ci.manifest).unwrap_err().code(), "receipt.signer");
    assert_eq!(peek_receipts(&wrong_party).unwrap().manifest, w.ci.manifest.hash());
}

#[test]
fn impossible_batches_are_not_signed() {
    let w = World::new();
    for count in [0, 65] {
        assert_eq!(sign_receipts(&batch(&w, count), &w.es.keys), Err(ReceiptError::Malformed));
    }
    let mut odd = batch(&w, 1);
    odd.statements[0].verdict = Verdict::Quarantined { code: "a sentence".to_owned() };
    assert_eq!(sign_receipts(&odd, &w.es.keys), Err(ReceiptError::Malformed));
}

#[test]
fn an_envelope_is_no_receipt() {
    let w = World::new();
    let envelope = w.wrapped(&w.sealed());
    assert!(verify_receipts(&envelope.bytes, &w.ma.manifest).is_err());
    let receipts = sign_receipts(&batch(&w, 1), &w.es.keys).unwrap();
    assert!(verify(&receipts, &w.es.manifest).is_err());
}
