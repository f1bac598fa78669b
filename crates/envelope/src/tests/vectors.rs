//! `docs/spec/vectors/envelope.json`: the worked example byte for byte, and the shapes the page shows.

use mithaq_wire::{ReceiptBatch, decode_envelope_header, decode_report, decode_seal_header};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::sign1::{self, Context};
use crate::*;

pub(super) fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../docs/spec/vectors/envelope.json")).unwrap()
}

pub(super) fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn seed(value: &Value) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(hex(value).try_into().unwrap())
}

pub(super) struct Node {
    pub(super) party: mithaq_model::PartyId,
    pub(super) keys: SoftKeys,
    root: SoftRoot,
    pub(super) manifest: VerifiedManifest,
}

pub(super) fn node(v: &Value) -> Node {
    let party = mithaq_testkit::party(v["party"].as_str().unwrap());
    let s = &v["seeds"];
    let seeds = Seeds { seal: seed(&s["seal"]), node: seed(&s["node"]), kem: seed(&s["kem"]) };
    let keys = SoftKeys::new(&seeds).unwrap();
    let root = SoftRoot::new(&seed(&s["root_ed25519"]), &seed(&s["root_ml_dsa"])).unwrap();
    assert_eq!(root.root_keys().fingerprint().to_vec(), hex(&v["root_fingerprint"]));
    assert_eq!(keys.seal_key().to_vec(), hex(&v["seal_key"]));
    assert_eq!(keys.node_key().to_vec(), hex(&v["node_key"]));
    let pinned = root.root_keys().fingerprint();
    let manifest = verify_manifest(&hex(&v["signed_manifest"]), &party, &pinned, None).unwrap();
    assert_eq!(manifest.hash().0.to_vec(), hex(&v["manifest_hash"]));
    Node { party, keys, root, manifest }
}

#[test]
fn the_example_is_made_again_and_opened() {
    let v = vectors();
    let (ma, es) = (node(&v["nodes"][0]), node(&v["nodes"][1]));
    let e = &v["example"];
    let (sealed, envelope, report) = (hex(&e["sealed"]), hex(&e["envelope"]), hex(&e["report"]));

    let Opened::Report(opened) = open_seal(&sealed, &ma.manifest).unwrap() else { panic!("a report") };
    assert_eq!(opened.report, decode_report(&report).unwrap());
    assert_eq!(opened.header, decode_seal_header(&hex(&e["seal_header"])).unwrap());
    let salt = hex(&e["salt"]).try_into().unwrap();
    assert_eq!(opened.salt, salt);
    assert_eq!(opened.commitment.0.to_vec(), hex(&e["commitment"]));
    assert_eq!(opened.commitment, commitment(&salt, &report));

    // The seal from its parts.
    let mut payload = mithaq_wire::cbor::Writer::default();
    payload.array(3).uint(1).bytes(&salt).bytes(&report);
    let protected = sign1::protected(&hex(&e["seal_header"]), &ma.keys.seal_key());
    let again = sign1::make(Context::Seal, &protected, &payload.finish(), |m| ma.keys.sign_seal(m)).unwrap();
    assert_eq!(again, sealed);

    // The envelope from its parts.
    let opened_at = mithaq_model::Timestamp::from_millis(e["session_opened"].as_i64().unwrap());
    let random = Zeroizing::new(hex(&e["session_random"]).try_into().unwrap());
    let ends = (&ma.party, &es.party);
    let mut session = KemSession::open(ends, es.keys.kem_key(), opened_at, &random).unwrap();
    let header = decode_envelope_header(&hex(&e["envelope_header"])).unwrap();
    let made = wrap(&header, &Sealed::stored(sealed.clone()).unwrap(), &mut session, &ma.keys).unwrap();
    assert_eq!(made.bytes, envelope);
    assert_eq!(made.hash.0.to_vec(), hex(&e["envelope_hash"]));
    let verified = verify(&envelope, &ma.manifest).unwrap();
    let opened = verified.open(&es.party, &es.keys, &mut SessionCache::new(1)).unwrap();
    assert_eq!(opened.sealed(), sealed);
}

#[test]
fn receipts_and_signatures_verify() {
    let v = vectors();
    let (ma, es) = (node(&v["nodes"][0]), node(&v["nodes"][1]));
    let receipts = hex(&v["receipts"]["receipts"]);
    let batch = verify_receipts(&receipts, &es.manifest).unwrap();
    assert_eq!(batch.statements.len(), 3);
    assert_eq!(sign_receipts(&batch, &es.keys), Ok(receipts.clone()));
    let restored = hex(&v["receipts"]["in_log_3"]);
    assert_eq!(verify_receipts(&restored, &es.manifest), Ok(ReceiptBatch { log: 3, ..batch.clone() }));
    assert_eq!(sign_receipts(&ReceiptBatch { log: 3, ..batch.clone() }, &es.keys), Ok(restored));
    let proof = hex(&v["receipts"]["proof_of_third"]);
    assert_eq!(receipt_proof(&receipts, 2), Ok(proof.clone()));
    let (_, shown) = verify_receipt_proof(&proof, &es.manifest).unwrap();
    assert_eq!(Some(&shown), batch.statements.last());
    let made = verify_agreement_signature(&hex(&v["agreement_signature"]["signature"])).unwrap();
    assert_eq!(made.agreement.as_bytes().to_vec(), hex(&v["agreement_signature"]["agreement"]));
    assert_eq!((made.party, made.root), (ma.party, ma.root.root_keys().fingerprint()));
    let v = &v["signed_agreement"];
    let signed = SignedAgreement::from_bytes(&hex(&v["bytes"])).unwrap();
    assert_eq!(signed.text(), v["text"].as_str().unwrap().as_bytes());
    let id = mithaq_policy::agreement_id(signed.text());
    assert_eq!(id.as_bytes().to_vec(), hex(&v["agreement"]));
    assert_eq!(signed.signatures().count(), 2);
}

/// The page shows headers in hexadecimal with comments: they are those of the vectors.
#[test]
fn the_page_shows_these_bytes() {
    let page = include_str!("../../../../docs/spec/envelope.md");
    let v = vectors();
    for (mark, value) in [
        ("<!-- envelope header -->", &v["example"]["envelope_header"]),
        ("<!-- seal header -->", &v["example"]["seal_header"]),
    ] {
        let block = page.split_once(mark).unwrap().1.split("```").nth(1).unwrap();
        let shown: String =
            block.lines().map(|line| line.split("  ").next().unwrap_or_default().replace(' ', "")).collect();
        assert_eq!(shown, value.as_str().unwrap(), "{mark}");
    }
    for value in
        [&v["example"]["commitment"], &v["example"]["envelope_hash"], &v["nodes"][0]["root_fingerprint"]]
    {
        assert!(page.contains(value.as_str().unwrap()));
    }
}
