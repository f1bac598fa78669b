//! One signature for a batch, each statement provable alone.

use mithaq_model::RefusalGround;
use mithaq_wire::cbor::Writer;
use mithaq_wire::{Digest, Lane, LaneId, Position, ReceiptBatch, Statement, Verdict};

use super::fixture::World;
use crate::receipt::Parts;
use crate::sign1::{self, Context, Sign1};
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
        log: 1,
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
fn receipts_name_the_log_of_a_node_that_was_restored() {
    let w = World::new();
    for log in [2, 256, u32::MAX] {
        let batch = ReceiptBatch { log, ..batch(&w, 3) };
        let bytes = sign_receipts(&batch, &w.es.keys).unwrap();
        assert_eq!(verify_receipts(&bytes, &w.es.manifest), Ok(batch.clone()));
        let (_, shown) = verify_receipt_proof(&receipt_proof(&bytes, 1).unwrap(), &w.es.manifest).unwrap();
        assert_eq!(Some(&shown), batch.statements.get(1));
    }
    let none = ReceiptBatch { log: 0, ..batch(&w, 1) };
    assert_eq!(sign_receipts(&none, &w.es.keys), Err(ReceiptError::Malformed));
}

#[test]
fn the_log_of_receipts_has_one_spelling() {
    let w = World::new();
    let first = sign_receipts(&batch(&w, 1), &w.es.keys).unwrap();
    let signed = Parts::read(&first).unwrap().signed.to_vec();
    let document = Sign1::parse(&signed, 1 << 16).unwrap().document.to_vec();
    let with = |log: &[u8]| {
        let key = w.es.keys.node_key();
        let mut protected = sign1::protected_in(&document, &key, Some(7));
        // The number is the end of the header: its head says four bytes.
        protected.truncate(protected.len() - 5);
        let mut value = Writer::default();
        value.bytes(log);
        protected.extend(value.finish());
        let signed = sign1::make(Context::Receipts, &protected, &[], |tbs| w.es.keys.sign_node(tbs)).unwrap();
        let mut all = Writer::default();
        all.array(3).uint(1).bytes(&signed).array(1).bytes(Parts::read(&first).unwrap().statements[0]);
        verify_receipts(&all.finish(), &w.es.manifest).map(|batch| batch.log)
    };
    assert_eq!(with(&[0, 0, 0, 7]), Ok(7));
    for other in [&[0, 0, 0, 0][..], &[0, 0, 0, 1], &[7], &[], &[0, 0, 0, 0, 7]] {
        assert_eq!(with(other), Err(ReceiptError::Malformed), "{other:?}");
    }
}

#[test]
fn an_envelope_is_no_receipt() {
    let w = World::new();
    let envelope = w.wrapped(&w.sealed());
    assert!(verify_receipts(&envelope.bytes, &w.ma.manifest).is_err());
    let receipts = sign_receipts(&batch(&w, 1), &w.es.keys).unwrap();
    assert!(verify(&receipts, &w.es.manifest).is_err());
}
