//! Foreign bytes: labels nobody knows, second spellings, weak keys, noise. And one reader that is not ours.

use coset::{CborSerializable as _, CoseSign1};
use mithaq_wire::cbor::Writer;
use proptest::prelude::*;

use super::fixture::World;
use crate::keys::{Verifier, key_name};
use crate::sign1::{self, Context, Sign1};
use crate::*;

type Put<'a> = dyn Fn(&mut Writer) + 'a;

/// Builds a protected header from pairs as they are given, spelled by the caller.
fn header(pairs: &[(i64, &Put<'_>)]) -> Vec<u8> {
    let mut w = Writer::default();
    w.map(pairs.len());
    for (label, value) in pairs {
        w.int(*label);
        value(&mut w);
    }
    w.finish()
}

fn refusal(w: &World, protected: &[u8]) -> EnvelopeError {
    let payload = Sign1::parse(&w.wrapped(&w.sealed()).bytes, 1 << 20).unwrap().payload.to_vec();
    let bytes = sign1::make(Context::Envelope, protected, &payload, |m| w.ma.keys.sign_node(m)).unwrap();
    match verify(&bytes, &w.ma.manifest) {
        Ok(_) => panic!("accepted"),
        Err(error) => error,
    }
}

#[test]
fn headers_with_labels_out_of_order_twice_or_missing_are_refused() {
    let w = World::new();
    let document = mithaq_wire::encode_envelope_header(&w.header(mithaq_wire::MessageKind::Report, 1));
    let name = key_name(&w.ma.keys.node_key());
    let alg: &Put<'_> = &|w| {
        w.int(-8);
    };
    let other_alg: &Put<'_> = &|w| {
        w.int(-7);
    };
    let crit: &Put<'_> = &|w| {
        w.array(1).int(-70_001);
    };
    let more_crit: &Put<'_> = &|w| {
        w.array(2).int(-70_001).int(-70_002);
    };
    let no_crit: &Put<'_> = &|w| {
        w.array(0);
    };
    let kid: &Put<'_> = &|w| {
        w.bytes(&name);
    };
    let doc: &Put<'_> = &|w| {
        w.bytes(&document);
    };
    let extra: &Put<'_> = &|w| {
        w.bytes(b"later");
    };
    let number: &Put<'_> = &|w| {
        w.int(1);
    };
    let unsupported = [
        header(&[(1, other_alg), (2, crit), (4, kid), (-70_001, doc)]),
        header(&[(1, alg), (2, more_crit), (4, kid), (-70_001, doc), (-70_002, extra)]),
        header(&[(1, alg), (2, no_crit), (4, kid), (-70_001, doc)]),
    ];
    for protected in unsupported {
        assert_eq!(refusal(&w, &protected).code(), "envelope.unsupported");
    }
    let malformed = [
        header(&[(1, alg), (4, kid), (-70_001, doc)]),
        header(&[(1, alg), (2, crit), (-70_001, doc)]),
        header(&[(1, alg), (2, crit), (4, kid)]),
        header(&[(2, crit), (1, alg), (4, kid), (-70_001, doc)]),
        header(&[(1, alg), (1, alg), (2, crit), (4, kid), (-70_001, doc)]),
        header(&[(1, alg), (2, crit), (4, kid), (-70_001, doc), (-70_001, doc)]),
        header(&[(1, alg), (2, crit), (4, kid), (-70_001, doc), (-70_002, number)]),
        [header(&[(1, alg), (2, crit), (4, kid), (-70_001, doc)]), vec![0]].concat(),
    ];
    for protected in malformed {
        assert_eq!(refusal(&w, &protected).code(), "envelope.malformed");
    }
    // Signed by the right key under another's name: a name finds, it does not prove, but it must be right.
    let wrong: &Put<'_> = &|w| {
        w.bytes(&[0; 8]);
    };
    let protected = header(&[(1, alg), (2, crit), (4, wrong), (-70_001, doc)]);
    assert_eq!(refusal(&w, &protected), EnvelopeError::Signature);
}

#[test]
fn a_label_nobody_called_critical_is_signed_and_passed_over() {
    let w = World::new();
    let document = mithaq_wire::encode_envelope_header(&w.header(mithaq_wire::MessageKind::Report, 1));
    let name = key_name(&w.ma.keys.node_key());
    let protected = header(&[
        (1, &|w| {
            w.int(-8);
        }),
        (2, &|w| {
            w.array(1).int(-70_001);
        }),
        (4, &|w| {
            w.bytes(&name);
        }),
        (-70_001, &|w| {
            w.bytes(&document);
        }),
        (-70_003, &|w| {
            w.bytes(b"later");
        }),
    ]);
    let payload = Sign1::parse(&w.wrapped(&w.sealed()).bytes, 1 << 20).unwrap().payload.to_vec();
    let bytes = sign1::make(Context::Envelope, &protected, &payload, |m| w.ma.keys.sign_node(m)).unwrap();
    assert!(verify(&bytes, &w.ma.manifest).is_ok());
}

#[test]
fn a_signature_counts_for_one_purpose() {
    let w = World::new();
    let sealed = w.sealed();
    let parsed = Sign1::parse(sealed.bytes(), 1 << 20).unwrap();
    let key = Verifier::new(&w.ma.keys.seal_key()).unwrap();
    assert!(parsed.verify(Context::Seal, &key));
    assert!(!parsed.verify(Context::Envelope, &key) && !parsed.verify(Context::Receipts, &key));
}

#[test]
fn an_independent_reader_reads_what_we_write() {
    let w = World::new();
    let sealed = w.sealed();
    let wrapped = w.wrapped(&sealed);
    let cases = [
        (sealed.bytes(), w.ma.keys.seal_key(), &b"mithaq/1 seal"[..]),
        (&wrapped.bytes[..], w.ma.keys.node_key(), b"mithaq/1 envelope"),
    ];
    for (bytes, key, aad) in cases {
        let read = CoseSign1::from_slice(bytes).unwrap();
        let verify = |signature: &[u8], message: &[u8]| {
            let signature: [u8; 64] = signature.try_into().unwrap();
            if verify_ed25519(&key, message, &signature) { Ok(()) } else { Err(()) }
        };
        assert_eq!(read.verify_signature(aad, verify), Ok(()));
        assert_eq!(read.protected.header.key_id, key_name(&key));
        assert_eq!(read.protected.header.crit.len(), 1);
        assert_eq!(read.to_vec().unwrap(), bytes);
    }
}

/// The order of the base point, little-endian: S + L is a second spelling of S.
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn verify_ed25519(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    Verifier::new(key).is_some_and(|key| key.verify(message, signature))
}

#[test]
fn second_spellings_of_s_and_keys_of_small_order_are_refused() {
    let w = World::new();
    let (key, message) = (w.ma.keys.node_key(), b"message");
    let signature = w.ma.keys.sign_node(message).unwrap();
    assert!(verify_ed25519(&key, message, &signature));
    let mut second = signature;
    let mut carry = 0_u16;
    for (place, add) in second[32..].iter_mut().zip(L) {
        let sum = u16::from(*place) + u16::from(add) + carry;
        *place = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    assert!(!verify_ed25519(&key, message, &second), "a second spelling of S");
    // Points of order 1, 2, 4 and 8, and spellings of them that are not reduced.
    let mut identity = [0; 32];
    identity[0] = 1;
    let zero = [0; 32];
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let mut unreduced = [0xff; 32];
    (unreduced[0], unreduced[31]) = (0xee, 0x7f);
    let eight = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ];
    for weak in [identity, zero, minus_one, unreduced, eight] {
        assert!(Verifier::new(&weak).is_none(), "{weak:?}");
        // With S = 0 and R = A, the lax equation holds for many messages.
        let mut forged = [0; 64];
        forged[..32].copy_from_slice(&weak);
        for n in 0..16_u8 {
            assert!(!verify_ed25519(&weak, &[n], &forged));
            assert!(!verify_ed25519(&key, &[n], &forged));
        }
    }
}

/// The edges on which verifiers of Ed25519 disagree: "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko, 2020) and
/// every pair of edge points. The same table is read by the tests of the ledger's verifier and of the checker's.
#[test]
fn every_edge_of_ed25519_gets_the_verdict_of_the_table() {
    let table = mithaq_testkit::ed25519_edges();
    assert_eq!((table.published.len(), table.made.len()), (12, 372));
    for edge in table.iter() {
        let verdict = verify_ed25519(&edge.key, &edge.message, &edge.signature);
        assert_eq!(verdict, edge.good, "{}", edge.why);
    }
    assert_eq!(table.made.iter().filter(|edge| edge.good).count(), 43, "not everything is refused");
}

/// A key that is no key of small order and still has two spellings: y is below 19, and y + p fits into 255 bits.
#[test]
fn a_key_in_its_second_spelling_is_no_key() {
    let spelled = |y: u8, plus_p: bool| {
        let mut bytes = [if plus_p { 0xff } else { 0 }; 32];
        bytes[0] = if plus_p { 0xed + y } else { y };
        bytes[31] = if plus_p { 0x7f } else { 0 };
        bytes
    };
    let twice: Vec<u8> = (0..19).filter(|y| Verifier::new(&spelled(*y, false)).is_some()).collect();
    assert!(twice.len() > 5, "{twice:?}");
    for y in twice {
        assert!(Verifier::new(&spelled(y, true)).is_none(), "{y}");
    }
}

proptest! {
    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = peek_header(&bytes);
        let _ = Sealed::stored(bytes.clone());
        let _ = peek_receipts(&bytes);
        let _ = verify_agreement_signature(&bytes);
        let _ = SignedAgreement::from_bytes(&bytes);
        let _ = verify_manifest(&bytes, &mithaq_testkit::party("ma-security"), &[0; 32], None);
        let _ = receipt_proof(&bytes, 0);
    }
}

#[test]
fn damaged_seals_never_panic() {
    let w = World::new();
    let sealed = w.sealed().into_bytes();
    proptest!(ProptestConfig::with_cases(2_000), |(place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>())| {
        let mut bytes = sealed.clone();
        *place.get_mut(&mut bytes) = byte;
        let _ = Sealed::stored(bytes.clone());
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(Sealed::stored(bytes).is_err());
    });
}
