//! Prints what sealing, wrapping, verifying and opening cost in microseconds on one core.
//! `cargo run --release -p mithaq-envelope --example envelope_speed`

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use mithaq_envelope::{
    AgencySigner as _, KemOpener as _, KemSession, NodeSigner as _, RootSigner as _, SealArgs, Seeds,
    SessionCache, SoftKeys, SoftRoot, VerifiedManifest, open_sealed, receipt_proof, seal_report,
    sign_manifest, sign_receipts, verify, verify_manifest, verify_receipt_proof, verify_receipts, wrap,
};
use mithaq_model::{Days, Fact, Grade, Lang, Role, Text, Timestamp};
use mithaq_policy::{Decision, Disclosure, Side, decide};
use mithaq_testkit::{Sample, party};
use mithaq_wire::{
    Digest, EnvelopeHeader, Lane, LaneId, Manifest, MessageKind, Position, ReceiptBatch, Statement, Verdict,
};
use zeroize::Zeroizing;

/// Runs often and prints the best and the median; returns the median.
#[expect(
    clippy::disallowed_methods,
    reason = "measuring is what this is for; the crate itself reads no clock"
)]
fn time<T>(what: &str, mut work: impl FnMut() -> Result<T, Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let mut runs = Vec::new();
    for _ in 0..2_000 {
        let start = Instant::now();
        black_box(work()?);
        runs.push(start.elapsed().as_nanos());
    }
    runs.sort_unstable();
    let micros = |place: usize| -> Result<f64, Box<dyn Error>> {
        Ok(f64::from(u32::try_from(runs.get(place).copied().unwrap_or_default())?) / 1_000.0)
    };
    let (best, median) = (micros(0)?, micros(runs.len() / 2)?);
    println!("{what:<40} best {best:>7.1} median {median:>7.1} µs");
    Ok(median)
}

fn node(name: &str, n: u8) -> Result<(SoftKeys, VerifiedManifest), Box<dyn Error>> {
    let seed = |k: u8| Zeroizing::new([n + k; 32]);
    let keys = SoftKeys::new(&Seeds { seal: seed(0), node: seed(1), kem: seed(2) })?;
    let root = SoftRoot::new(&seed(3), &seed(4))?;
    let manifest = Manifest {
        party: party(name),
        number: 1,
        prev: Digest::ZERO,
        valid_from: Timestamp::from_millis(0),
        valid_to: Timestamp::MAX,
        seal_keys: vec![keys.seal_key()],
        node_key: keys.node_key(),
        kem_key: keys.kem_key().to_vec(),
        log_key: String::new(),
        witness_key: String::new(),
        tls_spki: Digest::ZERO,
        endpoints: Vec::new(),
    };
    let bytes = sign_manifest(&manifest, &root)?;
    time("sign manifest (Ed25519 + ML-DSA-65)", || Ok(sign_manifest(&manifest, &root)?))?;
    let pinned = root.root_keys().fingerprint();
    time("verify manifest", || Ok(verify_manifest(&bytes, &party(name), &pinned, None)?))?;
    let verified = verify_manifest(&bytes, &party(name), &pinned, None)?;
    Ok((keys, verified))
}

/// The sample report, with text until its bytes are 2 KiB.
fn sample() -> Result<Sample, Box<dyn Error>> {
    let mut sample = Sample::new();
    let grade = Grade::from_code("4x4:B2")?;
    while mithaq_wire::encode_report(&sample.report).len() < 2048 {
        let text = Text::new(Lang::EN, &"Seen on the road to the harbour. ".repeat(4))?;
        sample.report.facts.push(Fact { text, grade });
    }
    println!("report: {} bytes", mithaq_wire::encode_report(&sample.report).len());
    Ok(sample)
}

fn receipts(
    (keys, manifest): &(SoftKeys, VerifiedManifest),
    header: &EnvelopeHeader,
) -> Result<(), Box<dyn Error>> {
    let statement = |seq| Statement {
        at: Position { epoch: 1, seq },
        envelope: Digest([9; 32]),
        verdict: Verdict::Accepted,
    };
    let batch = ReceiptBatch {
        lane: header.lane.clone(),
        manifest: manifest.hash(),
        stored_at: header.created,
        log: 1,
        statements: (1..=64).map(statement).collect(),
    };
    let bytes = sign_receipts(&batch, keys)?;
    time("sign receipts of 64", || Ok(sign_receipts(&batch, keys)?))?;
    time("verify receipts of 64", || Ok(verify_receipts(&bytes, manifest)?))?;
    let proof = receipt_proof(&bytes, 40)?;
    time("verify the proof of one statement", || Ok(verify_receipt_proof(&proof, manifest)?))?;
    println!("receipts of 64: {} bytes; one proof: {} bytes", bytes.len(), proof.len());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let (sender, receiver) = (node("ma-security", 10)?, node("es-police", 20)?);
    let sample = sample()?;
    let (from, to) = (party("ma-security"), sample.recipient.clone());
    let asked = Disclosure {
        report: &sample.report,
        recipient: &to,
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
        salt: [1; 32],
    };
    let header = EnvelopeHeader {
        lane: LaneId {
            from: from.clone(),
            to: to.clone(),
            agreement: permit.agreement(),
            lane: Lane::Report,
        },
        at: Position { epoch: 1, seq: 1 },
        prev: Digest::ZERO,
        manifest: sender.1.hash(),
        mid: [0; 16],
        kind: MessageKind::Report,
        created: sample.now,
        expires: sample.now.plus(Days(30)),
        acks: Vec::new(),
        checkpoint: None,
    };
    let open = || KemSession::open((&from, &to), receiver.0.kem_key(), sample.now, &Zeroizing::new([7; 64]));
    let mut session = open()?;
    let body = mithaq_wire::encode_report(&sample.report);
    time("of it: encode the report", || Ok(mithaq_wire::encode_report(&sample.report)))?;
    time("of it: decode the report", || Ok(mithaq_wire::decode_report(&body)?))?;
    time("of it: effective handling", || Ok(sample.report.effective_handling()))?;
    let message = [1; 5_500];
    time("of it: sign 5,500 bytes", || Ok(sender.0.sign_node(&message)?))?;
    time("of it: hash 5,500 bytes", || Ok(mithaq_envelope::envelope_hash(&message)))?;
    let sealed = seal_report(&sample.report, &permit, &args, &sender.0)?;
    time("seal", || Ok(seal_report(&sample.report, &permit, &args, &sender.0)?))?;
    time("wrap", || Ok(wrap(&header, &sealed, &mut session, &sender.0)?))?;
    let out = time("seal and wrap", || {
        let sealed = seal_report(&sample.report, &permit, &args, &sender.0)?;
        Ok(wrap(&header, &sealed, &mut session, &sender.0)?)
    })?;
    time("open a session (once an hour)", || Ok(open()?))?;
    let envelope = wrap(&header, &sealed, &mut session, &sender.0)?;
    let mut cache = SessionCache::new(8);
    time("verify", || Ok(verify(&envelope.bytes, &sender.1)?.hash()))?;
    let inn = time("verify, open and open the seal", || {
        let opened = verify(&envelope.bytes, &sender.1)?.open(&to, &receiver.0, &mut cache)?;
        Ok(open_sealed(&opened, &sender.1, &to)?)
    })?;
    time("the same, session not cached", || {
        let mut none = SessionCache::new(0);
        let opened = verify(&envelope.bytes, &sender.1)?.open(&to, &receiver.0, &mut none)?;
        Ok(open_sealed(&opened, &sender.1, &to)?)
    })?;
    receipts(&receiver, &header)?;
    println!("sealed: {} bytes; envelope: {} bytes", sealed.bytes().len(), envelope.bytes.len());
    println!("one core: {:.0} sent, {:.0} received per second", 1e6 / out, 1e6 / inn);
    Ok(())
}
