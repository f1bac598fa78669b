//! Prints `docs/spec/vectors/papers.json`. Everything but the ML-DSA-65 signatures is the same on every run.
//! `cargo run -p mithaq-envelope --example papers_vectors > docs/spec/vectors/papers.json`
#![expect(clippy::print_stdout, reason = "a program for whoever changes the format")]

use std::error::Error;

use mithaq_envelope::{Distrust, Papers, RootSigner as _, SoftRoot, distrust_document, sign_distrust};
use mithaq_model::Timestamp;
use mithaq_testkit::party;
use zeroize::Zeroizing;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = SoftRoot::new(&Zeroizing::new([0x13; 32]), &Zeroizing::new([0x14; 32]))?;
    let proven = Distrust {
        party: party("ma-security"),
        key: [7; 32],
        log: "ma-security/log".to_owned(),
        since: 42,
        at: Timestamp::from_millis(1_780_300_800_000),
        checkpoint: b"ma-security/log\n42\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".to_vec(),
    };
    let bare = Distrust { checkpoint: Vec::new(), ..proven.clone() };
    let papers = Papers { manifests: vec![vec![1, 2, 3], vec![4]], distrusts: vec![vec![5; 4]] };
    let rows = [
        ("root_fingerprint", root.root_keys().fingerprint().to_vec()),
        ("document", distrust_document(&proven)),
        ("signed", sign_distrust(&proven, &root)?),
        ("bare_document", distrust_document(&bare)),
        ("bare_signed", sign_distrust(&bare, &root)?),
        ("papers", papers.to_bytes()),
    ];
    let rows = rows.map(|(name, bytes)| format!("  \"{name}\": \"{}\"", hex(&bytes)));
    println!("{{\n{}\n}}", rows.join(",\n"));
    Ok(())
}
