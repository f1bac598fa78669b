//! Signed and encrypted documents. What verifies must be what was signed: any other bytes that verify are a finding.

use super::{Outcome, Target, refused, vectors};
use mithaq_envelope::{
    Papers, Seeds, SessionCache, SignedAgreement, SoftKeys, VerifiedManifest, Volume, open_seal, open_sealed,
    peek_header, peek_receipts, verify, verify_agreement_signature, verify_distrust, verify_manifest,
    verify_receipt_proof, verify_receipts,
};
use mithaq_model::PartyId;
use std::sync::LazyLock;
use zeroize::Zeroizing;

/// Labels, heads and contexts of the format.
const WORDS: &[&[u8]] = &[
    b"\x84",
    b"\xa4\x01\x27\x02\x81\x3a\x00\x01\x11\x70\x04\x48",
    b"\x3a\x00\x01\x11\x71",
    b"\x3a\x00\x01\x11\x70",
    b"\xa0",
    b"\xa1\x01\x01",
    b"\x02\x82\x3a\x00\x01\x11\x70\x3a\x00\x01\x11\x71",
    b"\x59\x04\x60",
    b"\x58\x40",
    b"\xbf",
    b"\x5f",
];

struct Nodes {
    from: VerifiedManifest,
    to: VerifiedManifest,
    keys: SoftKeys,
}

static NODES: LazyLock<Option<Nodes>> = LazyLock::new(|| {
    let node = |index: &str, name: &str| {
        let bytes = vectors::bytes(&["nodes", index, "signed_manifest"])?;
        verify_manifest(&bytes, &PartyId::new(name).ok()?, &root(index)?, None).ok()
    };
    let seed = |name| {
        let bytes = vectors::bytes(&["nodes", "1", "seeds", name])?;
        bytes.try_into().ok().map(Zeroizing::new)
    };
    let seeds = Seeds { seal: seed("seal")?, node: seed("node")?, kem: seed("kem")? };
    let keys = SoftKeys::new(&seeds).ok()?;
    Some(Nodes { from: node("0", "ma-security")?, to: node("1", "es-police")?, keys })
});

fn root(index: &str) -> Option<[u8; 32]> {
    vectors::bytes(&["nodes", index, "root_fingerprint"])?.try_into().ok()
}

const ENVELOPE: &[&str] = &["example", "envelope"];
const SEALED: &[&str] = &["example", "sealed"];
const RECEIPTS: &[&str] = &["receipts", "receipts"];
const PROOF: &[&str] = &["receipts", "proof_of_third"];
const MANIFEST: &[&str] = &["nodes", "0", "signed_manifest"];
const SIGNATURE: &[&str] = &["agreement_signature", "signature"];

const AGREEMENT: &[&str] = &["signed_agreement", "bytes"];

pub(super) fn targets() -> Vec<Target> {
    let target =
        |name, about, seeds: Vec<Vec<u8>>, run| Target { name, about, seeds, dictionary: WORDS, run };
    vec![
        target("envelope", "peek, verify, open, open the seal", vectors::one(ENVELOPE), envelope),
        target("envelope-seal", "open_seal", vectors::one(SEALED), seal),
        target("envelope-receipts", "verify_receipts", vectors::one(RECEIPTS), receipts),
        target("envelope-receipt-proof", "verify_receipt_proof", vectors::one(PROOF), proof),
        target("envelope-courier", "Volume::read, verify", vectors::courier().into_iter().collect(), courier),
        target("envelope-manifest", "verify_manifest", vectors::one(MANIFEST), manifest),
        target("envelope-papers", "Papers::read", vectors::papers("papers"), papers),
        target("envelope-distrust", "verify_distrust", vectors::papers("signed"), distrust),
        target("envelope-agreement", "verify_agreement_signature", vectors::one(SIGNATURE), signature),
        target(
            "envelope-signed-agreement",
            "SignedAgreement::from_bytes",
            vectors::one(AGREEMENT),
            signed_agreement,
        ),
    ]
}

/// Accepted is only what the vectors hold: the signers signed nothing else.
fn only(path: &[&str], bytes: &[u8]) -> Outcome {
    if vectors::bytes(path).as_deref() == Some(bytes) {
        Outcome::Accepted
    } else {
        Outcome::Broken("bytes that nobody signed verify".to_owned())
    }
}

fn envelope(bytes: &[u8]) -> Outcome {
    let Some(nodes) = NODES.as_ref() else { return Outcome::Broken("no vectors".to_owned()) };
    if let Err(error) = peek_header(bytes) {
        return refused(error);
    }
    let me = &nodes.to.manifest().party;
    let verified = match verify(bytes, &nodes.from) {
        Ok(verified) => verified,
        Err(error) => return refused(error),
    };
    match verified.open(me, &nodes.keys, &mut SessionCache::new(1)) {
        Ok(opened) => match open_sealed(&opened, &nodes.from, me) {
            Ok(_opened) => only(ENVELOPE, bytes),
            Err(error) => refused(error),
        },
        Err(error) => refused(error),
    }
}

fn seal(bytes: &[u8]) -> Outcome {
    let Some(nodes) = NODES.as_ref() else { return Outcome::Broken("no vectors".to_owned()) };
    match open_seal(bytes, &nodes.from) {
        Ok(_opened) => only(SEALED, bytes),
        Err(error) => refused(error),
    }
}

fn receipts(bytes: &[u8]) -> Outcome {
    let Some(nodes) = NODES.as_ref() else { return Outcome::Broken("no vectors".to_owned()) };
    if let Err(error) = peek_receipts(bytes) {
        return refused(error);
    }
    match verify_receipts(bytes, &nodes.to) {
        Ok(_batch) => only(RECEIPTS, bytes),
        Err(error) => refused(error),
    }
}

fn courier(bytes: &[u8]) -> Outcome {
    let Some(nodes) = NODES.as_ref() else { return Outcome::Broken("no vectors".to_owned()) };
    let volume = match Volume::read(bytes) {
        Ok(volume) => volume,
        Err(error) => return refused(error),
    };
    match volume.verify(&nodes.from) {
        Ok(_parts) if vectors::courier().as_deref() == Some(bytes) => Outcome::Accepted,
        Ok(_parts) => Outcome::Broken("bytes that nobody signed verify".to_owned()),
        Err(error) => refused(error),
    }
}

fn proof(bytes: &[u8]) -> Outcome {
    let Some(nodes) = NODES.as_ref() else { return Outcome::Broken("no vectors".to_owned()) };
    match verify_receipt_proof(bytes, &nodes.to) {
        Ok(_statement) => only(PROOF, bytes),
        Err(error) => refused(error),
    }
}

fn manifest(bytes: &[u8]) -> Outcome {
    let (Some(nodes), Some(root)) = (NODES.as_ref(), root("0")) else {
        return Outcome::Broken("no vectors".to_owned());
    };
    match verify_manifest(bytes, &nodes.from.manifest().party, &root, None) {
        Ok(_manifest) => only(MANIFEST, bytes),
        Err(error) => refused(error),
    }
}

fn papers(bytes: &[u8]) -> Outcome {
    match Papers::read(bytes) {
        Ok(made) => super::same_bytes(bytes, &made.to_bytes()),
        Err(error) => refused(error),
    }
}

fn distrust(bytes: &[u8]) -> Outcome {
    let root = vectors::papers("root_fingerprint").into_iter().next().and_then(|bytes| bytes.try_into().ok());
    let (Some(root), Ok(party)) = (root, PartyId::new("ma-security")) else {
        return Outcome::Broken("no vectors".to_owned());
    };
    match verify_distrust(bytes, &party, &root) {
        Ok(_statement) if vectors::papers("signed").iter().any(|signed| signed == bytes) => Outcome::Accepted,
        Ok(_statement) => Outcome::Broken("bytes that nobody signed verify".to_owned()),
        Err(error) => refused(error),
    }
}

fn signature(bytes: &[u8]) -> Outcome {
    match verify_agreement_signature(bytes) {
        Ok(_signature) => only(SIGNATURE, bytes),
        Err(error) => refused(error),
    }
}

fn signed_agreement(bytes: &[u8]) -> Outcome {
    match SignedAgreement::from_bytes(bytes) {
        Ok(made) => super::same_bytes(bytes, &made.to_bytes()),
        Err(error) => refused(error),
    }
}
