//! Prints `docs/spec/vectors/envelope.json`. Everything but the ML-DSA-65 signatures is the same on every run.
//! `cargo run -p mithaq-envelope --example vectors > docs/spec/vectors/envelope.json`

use std::error::Error;

use mithaq_envelope::{
    AgencySigner as _, KemOpener as _, KemSession, NodeSigner as _, RootSigner as _, SealArgs, Seeds,
    SignedAgreement, SoftKeys, SoftRoot, VerifiedManifest, receipt_proof, seal_report, sign_agreement,
    sign_manifest, sign_receipts, verify_manifest, wrap,
};
use mithaq_model::{AgreementId, Days, Role, Timestamp};
use mithaq_policy::{Decision, Disclosure, Side, decide};
use mithaq_testkit::{Sample, party};
use mithaq_wire::{
    Digest, EnvelopeHeader, Lane, LaneId, Manifest, MessageKind, Position, ReceiptBatch, Statement, Verdict,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Node {
    keys: SoftKeys,
    root: SoftRoot,
    manifest: VerifiedManifest,
    json: Value,
}

fn node(name: &str, n: u8) -> Result<Node, Box<dyn Error>> {
    let seed = |k: u8| Zeroizing::new([n + k; 32]);
    let keys = SoftKeys::new(&Seeds { seal: seed(0), node: seed(1), kem: seed(2) })?;
    let root = SoftRoot::new(&seed(3), &seed(4))?;
    let manifest = Manifest {
        party: party(name),
        number: 1,
        prev: Digest::ZERO,
        valid_from: Timestamp::from_millis(1_767_225_600_000),
        valid_to: Timestamp::from_millis(1_798_761_600_000),
        seal_keys: vec![keys.seal_key()],
        node_key: keys.node_key(),
        kem_key: keys.kem_key().to_vec(),
        log_key: format!("{name}/log+b975b7f0+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"),
        witness_key: format!("{name}/witness+118c28f3+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"),
        tls_spki: Digest([7; 32]),
        endpoints: vec![format!("https://{name}.example:8443")],
    };
    let bytes = sign_manifest(&manifest, &root)?;
    let pinned = root.root_keys().fingerprint();
    let verified = verify_manifest(&bytes, &party(name), &pinned, None)?;
    let json = json!({
        "party": name,
        "seeds": { "seal": hex(&[n; 32]), "node": hex(&[n + 1; 32]), "kem": hex(&[n + 2; 32]),
                   "root_ed25519": hex(&[n + 3; 32]), "root_ml_dsa": hex(&[n + 4; 32]) },
        "seal_key": hex(&keys.seal_key()),
        "node_key": hex(&keys.node_key()),
        "root_fingerprint": hex(&pinned),
        "manifest_hash": hex(&verified.hash().0),
        "signed_manifest": hex(&bytes),
    });
    Ok(Node { keys, root, manifest: verified, json })
}

fn receipts(ma: &Node, es: &Node, agreement: AgreementId, envelope: Digest) -> Result<Value, Box<dyn Error>> {
    let statement = |seq, verdict| Statement { at: Position { epoch: 1, seq }, envelope, verdict };
    let refused = Verdict::Refused { code: "envelope.expired".to_owned(), ground: None };
    let batch = ReceiptBatch {
        lane: LaneId {
            from: ma.manifest.manifest().party.clone(),
            to: es.manifest.manifest().party.clone(),
            agreement,
            lane: Lane::Report,
        },
        manifest: es.manifest.hash(),
        stored_at: Timestamp::from_millis(1_780_300_801_000),
        log: 1,
        statements: vec![
            statement(1, Verdict::Accepted),
            statement(2, refused),
            statement(3, Verdict::Quarantined { code: "policy.internal".to_owned() }),
        ],
    };
    let bytes = sign_receipts(&batch, &es.keys)?;
    let proof = receipt_proof(&bytes, 2)?;
    let restored = sign_receipts(&ReceiptBatch { log: 3, ..batch }, &es.keys)?;
    Ok(json!({ "receipts": hex(&bytes), "proof_of_third": hex(&proof), "in_log_3": hex(&restored) }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let (ma, es) = (node("ma-security", 10)?, node("es-police", 20)?);
    let sample = Sample::new();
    let asked = Disclosure {
        report: &sample.report,
        recipient: &sample.recipient,
        side: Side::Sender,
        context: &sample.context,
        standing: &sample.standing,
    };
    let Decision::Permit(permit) = decide(&sample.rules, &asked, sample.now) else {
        return Err("the sample is refused".into());
    };
    let args = SealArgs {
        lease_until: sample.now.plus(permit.lease()),
        released_by: vec![Role::Supervisor, Role::Spoc],
        sealed_at: sample.now,
        supersedes: None,
        salt: [0x5a; 32],
    };
    let sealed = seal_report(&sample.report, &permit, &args, &ma.keys)?;
    let (from, to) = (party("ma-security"), party("es-police"));
    let header = EnvelopeHeader {
        lane: LaneId {
            from: from.clone(),
            to: to.clone(),
            agreement: permit.agreement(),
            lane: Lane::Report,
        },
        at: Position { epoch: 1, seq: 1 },
        prev: Digest::ZERO,
        manifest: ma.manifest.hash(),
        mid: [0x33; 16],
        kind: MessageKind::Report,
        created: sample.now,
        expires: sample.now.plus(Days(30)),
        acks: Vec::new(),
        checkpoint: None,
    };
    let random = Zeroizing::new([0x77; 64]);
    let mut session = KemSession::open((&from, &to), es.keys.kem_key(), sample.now, &random)?;
    let envelope = wrap(&header, &sealed, &mut session, &ma.keys)?;
    let agreement = AgreementId::new([0xa9; 32]);
    let signature = sign_agreement((agreement, &from), "Head of service", sample.now, &ma.root)?;
    let text = "An agreement between two agencies, for this example only.\n";
    let mut signed = SignedAgreement::new(text)?;
    let id = mithaq_policy::agreement_id(text.as_bytes());
    signed.add(&sign_agreement((id, &from), "Head of service", sample.now, &ma.root)?)?;
    signed.add(&sign_agreement((id, &to), "Director", sample.now, &es.root)?)?;
    let vectors = json!({
        "about": "Vectors of docs/spec/envelope.md. Invented agencies and persons. Hexadecimal. ML-DSA-65 signatures are randomised: they verify, they are not made again byte for byte.",
        "nodes": [ma.json, es.json],
        "example": {
            "salt": hex(&args.salt),
            "commitment": hex(&sealed.commitment().0),
            "report": hex(&mithaq_wire::encode_report(&sample.report)),
            "seal_header": hex(&mithaq_wire::encode_seal_header(sealed.header())),
            "sealed": hex(sealed.bytes()),
            "envelope_header": hex(&mithaq_wire::encode_envelope_header(&header)),
            "session_opened": sample.now.as_millis(),
            "session_random": hex(&[0x77; 64]),
            "message_number": 0,
            "envelope": hex(&envelope.bytes),
            "envelope_hash": hex(&envelope.hash.0),
        },
        "receipts": receipts(&ma, &es, permit.agreement(), envelope.hash)?,
        "agreement_signature": { "agreement": hex(agreement.as_bytes()), "signature": hex(&signature) },
        "signed_agreement": { "text": text, "agreement": hex(id.as_bytes()), "bytes": hex(&signed.to_bytes()) },
    });
    println!("{}", serde_json::to_string_pretty(&vectors)?);
    Ok(())
}
