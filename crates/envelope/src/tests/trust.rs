//! Roots, manifests and agreements: both signatures count or none.

use mithaq_model::{Days, Timestamp};
use mithaq_policy::Agreement;
use mithaq_policy::agreement::{TemplateParty, template};
use mithaq_testkit::party;
use mithaq_wire::cbor::{Reader, Writer};
use mithaq_wire::{Digest, Manifest};

use super::fixture::{Node, manifest_of, root, seeds};
use crate::*;

fn fingerprint(node: &Node) -> [u8; 32] {
    node.root.root_keys().fingerprint()
}

fn check(node: &Node, bytes: &[u8], known: Option<&VerifiedManifest>) -> Result<u32, &'static str> {
    verify_manifest(bytes, &node.party, &fingerprint(node), known)
        .map(|made| made.manifest().number)
        .map_err(ManifestError::code)
}

fn next(node: &Node, keys: u8) -> Manifest {
    let keys = SoftKeys::new(&seeds(keys)).unwrap();
    Manifest { number: 2, prev: node.manifest.hash(), ..manifest_of(&node.party, &keys) }
}

#[test]
fn manifests_form_a_chain() {
    let node = Node::new("ma-security", 10);
    let sign = |manifest: &Manifest| sign_manifest(manifest, &node.root).unwrap();
    let first = sign(node.manifest.manifest());
    let second = next(&node, 40);
    let second_bytes = sign(&second);
    let known = Some(&node.manifest);
    assert_eq!(check(&node, &first, known), Ok(1), "the known one again");
    assert_eq!(check(&node, &second_bytes, known), Ok(2));
    let verified = verify_manifest(&second_bytes, &node.party, &fingerprint(&node), known).unwrap();
    assert_eq!(verified.hash(), manifest_hash(&second));
    assert_eq!(check(&node, &first, Some(&verified)), Err("manifest.rollback"));
    let mut fork = second.clone();
    fork.endpoints.clear();
    assert_eq!(check(&node, &sign(&fork), Some(&verified)), Err("manifest.fork"));
    let gap = Manifest { number: 3, ..second.clone() };
    assert_eq!(check(&node, &sign(&gap), known), Err("manifest.chain"));
    let elsewhere = Manifest { prev: Digest([1; 32]), ..second.clone() };
    assert_eq!(check(&node, &sign(&elsewhere), known), Err("manifest.chain"));
    let rootless = Manifest { prev: Digest::ZERO, ..second };
    assert_eq!(sign_manifest(&rootless, &node.root), Err(ManifestError::Chain));
}

#[test]
fn a_manifest_is_of_its_party_root_and_time() {
    let node = Node::new("ma-security", 10);
    let bytes = sign_manifest(node.manifest.manifest(), &node.root).unwrap();
    let refused = |party: &mithaq_model::PartyId, root: &[u8; 32]| {
        verify_manifest(&bytes, party, root, None).unwrap_err()
    };
    assert_eq!(refused(&party("es-police"), &fingerprint(&node)), ManifestError::Party);
    assert_eq!(refused(&node.party, &[0; 32]), ManifestError::Root);
    // Another root signs for this party.
    let forged = sign_manifest(node.manifest.manifest(), &root(50)).unwrap();
    assert_eq!(check(&node, &forged, None), Err("manifest.root"));
    let at = |text| node.manifest.valid_at(Timestamp::parse(text).unwrap());
    assert_eq!(at("2026-06-01"), Ok(()));
    for outside in ["2025-12-31", "2027-01-01"] {
        assert_eq!(at(outside), Err(ManifestError::Expired));
    }
}

#[test]
fn a_changed_byte_anywhere_refuses_a_manifest() {
    let node = Node::new("ma-security", 10);
    let bytes = sign_manifest(node.manifest.manifest(), &node.root).unwrap();
    for place in (0..bytes.len()).filter(|n| n % 11 == 0 || *n < 64 || *n > bytes.len() - 64) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(check(&node, &changed, None).is_err(), "byte {place}");
    }
}

type Change<'a> = dyn Fn(&mut [Vec<u8>; 5]) + 'a;

/// Takes a root-signed document apart and puts it together with other parts.
fn with_parts(bytes: &[u8], change: impl Fn(&mut [Vec<u8>; 5])) -> Vec<u8> {
    let mut r = Reader::new(bytes);
    r.tuple(6).unwrap();
    r.uint().unwrap();
    let mut parts = [0; 5].map(|_| r.bytes(1 << 20).unwrap().to_vec());
    change(&mut parts);
    let mut w = Writer::default();
    w.array(6).uint(1);
    parts.iter().for_each(|part| {
        w.bytes(part);
    });
    w.finish()
}

#[test]
fn one_signature_without_the_other_is_none() {
    let node = Node::new("ma-security", 10);
    let bytes = sign_manifest(node.manifest.manifest(), &node.root).unwrap();
    assert_eq!(check(&node, &with_parts(&bytes, |_| {}), None), Ok(1));
    let cases: [(&str, &Change<'_>); 5] = [
        ("no ML-DSA signature", &|p| p[4].clear()),
        ("zero ML-DSA signature", &|p| p[4].fill(0)),
        ("zero Ed25519 signature", &|p| p[3].fill(0)),
        ("no ML-DSA key", &|p| p[2].clear()),
        ("short ML-DSA signature", &|p| {
            let _ = p[4].pop();
        }),
    ];
    for (what, change) in cases {
        assert!(check(&node, &with_parts(&bytes, change), None).is_err(), "{what}");
    }
    // Keys of two roots in one: another fingerprint, so not the pinned one.
    let other = root(50);
    let mixed = with_parts(&bytes, |p| p[2] = other.root_keys().ml_dsa.clone());
    assert_eq!(check(&node, &mixed, None), Err("manifest.root"));
}

#[test]
fn a_key_serves_one_purpose_and_can() {
    let node = Node::new("ma-security", 10);
    let refused = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = node.manifest.manifest().clone();
        change(&mut manifest);
        sign_manifest(&manifest, &node.root).unwrap_err().code()
    };
    assert_eq!(refused(&|m| m.node_key = m.seal_keys[0]), "manifest.keys");
    assert_eq!(refused(&|m| m.seal_keys.push(m.seal_keys[0])), "manifest.keys");
    assert_eq!(refused(&|m| m.seal_keys.push([0; 32])), "manifest.keys");
    assert_eq!(refused(&|m| m.kem_key.truncate(32)), "manifest.keys");
    assert_eq!(refused(&|m| m.seal_keys.clear()), "manifest.malformed");
    assert_eq!(refused(&|m| m.valid_to = m.valid_from), "manifest.malformed");
}

struct Parties {
    ma: Node,
    es: Node,
    text: String,
    agreement: Agreement,
}

fn parties() -> Parties {
    let (ma, es) = (Node::new("ma-security", 10), Node::new("es-police", 20));
    let member = |node: &Node, state: &str| TemplateParty {
        id: node.party.clone(),
        state: state.to_owned(),
        root: fingerprint(node),
    };
    let text = template(&[member(&ma, "MA"), member(&es, "ES")], Timestamp::parse("2026-01-01").unwrap());
    let agreement = Agreement::parse(&text).unwrap();
    Parties { ma, es, text, agreement }
}

impl Parties {
    fn sign(&self, node: &Node, root: &SoftRoot) -> Vec<u8> {
        let at = Timestamp::parse("2026-01-02").unwrap();
        sign_agreement((self.agreement.id(), &node.party), "Head of service", at, root).unwrap()
    }
}

#[test]
fn an_agreement_counts_when_all_parties_signed() {
    let p = parties();
    let mut signed = SignedAgreement::new(&p.text).unwrap();
    assert_eq!(verify_signed_agreement(&signed).unwrap_err().code(), "agreement.missing_signature");
    signed.add(&p.sign(&p.ma, &p.ma.root)).unwrap();
    assert_eq!(verify_signed_agreement(&signed), Err(AgreementSignatureError::Missing));
    signed.add(&p.sign(&p.es, &p.es.root)).unwrap();
    let verified = verify_signed_agreement(&signed).unwrap();
    assert_eq!(verified.agreement().id(), p.agreement.id());
    let names: Vec<_> = verified.signatures().iter().map(|made| made.party.as_str()).collect();
    assert_eq!(names, ["es-police", "ma-security"]);
    let bytes = signed.to_bytes();
    assert_eq!(SignedAgreement::from_bytes(&bytes), Ok(signed.clone()));
    assert_eq!(signed.add(&p.sign(&p.ma, &p.ma.root)), Err(AgreementSignatureError::Party));
    for place in (0..bytes.len()).step_by(13) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let verdict = SignedAgreement::from_bytes(&changed).and_then(|s| verify_signed_agreement(&s));
        assert!(verdict.is_err(), "byte {place}");
    }
}

#[test]
fn an_agreement_is_signed_by_the_keys_it_names() {
    let p = parties();
    let mut signed = SignedAgreement::new(&p.text).unwrap();
    signed.add(&p.sign(&p.ma, &p.ma.root)).unwrap();
    let mut forged = signed.clone();
    forged.add(&p.sign(&p.es, &root(50))).unwrap();
    assert_eq!(verify_signed_agreement(&forged).unwrap_err().code(), "agreement.root");
    let mut stranger = signed.clone();
    let ci = Node::new("ci-judiciary", 30);
    stranger.add(&p.sign(&ci, &ci.root)).unwrap();
    assert_eq!(verify_signed_agreement(&stranger).unwrap_err().code(), "agreement.party");
    // Of another text.
    let mut other = SignedAgreement::new(&format!("{}\n", p.text)).unwrap();
    assert_eq!(other.add(&p.sign(&p.ma, &p.ma.root)), Err(AgreementSignatureError::Agreement));
    assert_eq!(
        verify_signed_agreement(&SignedAgreement::new("no agreement").unwrap()),
        Err(AgreementSignatureError::Text)
    );
    let long = "a".repeat(AGREEMENT_TEXT_MAX + 1);
    assert!(SignedAgreement::new(&long).is_err());
}

#[test]
fn both_signatures_of_a_party_count() {
    let p = parties();
    let bytes = p.sign(&p.ma, &p.ma.root);
    assert!(verify_agreement_signature(&bytes).is_ok());
    for part in [3, 4] {
        let changed = with_parts(&bytes, |p| p[part][0] ^= 1);
        assert_eq!(verify_agreement_signature(&changed), Err(AgreementSignatureError::Signature));
        let missing = with_parts(&bytes, |p| p[part].clear());
        assert!(verify_agreement_signature(&missing).is_err());
    }
    // A manifest is no agreement, whatever it says.
    let manifest = sign_manifest(p.ma.manifest.manifest(), &p.ma.root).unwrap();
    assert_eq!(verify_agreement_signature(&manifest), Err(AgreementSignatureError::Malformed));
    let at = p.ma.manifest.manifest().valid_from.plus(Days(1));
    for title in ["", "  ", "a\nb", &"t".repeat(201)] {
        let made = sign_agreement((p.agreement.id(), &p.ma.party), title, at, &p.ma.root);
        assert_eq!(made, Err(AgreementSignatureError::Malformed));
    }
}

#[test]
fn signatures_in_another_order_are_a_second_spelling() {
    let p = parties();
    let (ma, es) = (p.sign(&p.ma, &p.ma.root), p.sign(&p.es, &p.es.root));
    let mut w = Writer::default();
    w.array(3).uint(1).bytes(p.text.as_bytes()).array(2).bytes(&ma).bytes(&es);
    assert_eq!(SignedAgreement::from_bytes(&w.finish()), Err(AgreementSignatureError::Malformed));
}
