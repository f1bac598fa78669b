use curve25519_dalek::Scalar;
use curve25519_dalek::constants::EIGHT_TORSION;
use data_encoding::HEXLOWER;
use serde_json::Value;

use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../docs/spec/vectors/oprf.json")).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

fn list(value: &Value) -> Vec<Vec<u8>> {
    value.as_array().unwrap().iter().map(bytes).collect()
}

fn elements(value: &Value) -> Vec<Element> {
    list(value).into_iter().map(|b| Element(b.try_into().unwrap())).collect()
}

fn scalar(bytes: &[u8]) -> Scalar {
    Scalar::from_canonical_bytes(bytes.try_into().unwrap()).unwrap()
}

/// The scalar's bytes, widened: what a wide reduction turns back into it.
fn wide(scalar: &[u8]) -> [u8; 64] {
    let mut out = [0; 64];
    out[..32].copy_from_slice(scalar);
    out
}

fn seed(n: u8) -> [u8; 32] {
    [n; 32]
}

fn blinds(mode: Mode, count: usize) -> Blinds {
    let random: Vec<[u8; 64]> = (0..count).map(|n| [u8::try_from(n % 250 + 1).unwrap(); 64]).collect();
    Blinds::new(mode, &random).unwrap()
}

#[test]
fn the_vectors_of_the_rfc_hold() {
    let mut seen = 0;
    for suite in vectors()["modes"].as_array().unwrap() {
        let mode = Mode::from_number(suite["mode"].as_u64().unwrap()).unwrap();
        let seed: [u8; 32] = bytes(&suite["Seed"]).try_into().unwrap();
        let key = SecretKey::derive(mode, &seed, &bytes(&suite["KeyInfo"])).unwrap();
        assert_eq!(key.to_bytes().to_vec(), bytes(&suite["skSm"]));
        for vector in suite["vectors"].as_array().unwrap() {
            let inputs = list(&vector["Input"]);
            let scalars = list(&vector["Blind"]).iter().map(|b| scalar(b)).collect();
            let blinds = Blinds::of(mode, scalars).unwrap();
            let blinded = blind(&inputs, &blinds).unwrap();
            assert_eq!(blinded, elements(&vector["BlindedElement"]));
            let outputs = match mode {
                Mode::Base => {
                    let evaluated = evaluate(&key, &blinded).unwrap();
                    assert_eq!(evaluated, elements(&vector["EvaluationElement"]));
                    finalize(&inputs, &blinds, &evaluated).unwrap()
                }
                Mode::Verifiable => {
                    let public = key.public();
                    assert_eq!(public.to_bytes().to_vec(), bytes(&suite["pkSm"]));
                    let random = wide(&bytes(&vector["ProofRandomScalar"]));
                    let (evaluated, proof) = evaluate_proved(&key, &blinded, &random).unwrap();
                    assert_eq!(evaluated, elements(&vector["EvaluationElement"]));
                    assert_eq!(proof.0.to_vec(), bytes(&vector["Proof"]));
                    finalize_verified(&inputs, &blinds, &blinded, &evaluated, (&public, &proof)).unwrap()
                }
            };
            assert_eq!(outputs.iter().map(|o| o.to_vec()).collect::<Vec<_>>(), list(&vector["Output"]));
            assert_eq!(outputs, own_outputs(&key, &inputs).unwrap());
            seen += 1;
        }
    }
    assert_eq!(seen, 5);
}

#[test]
fn another_implementation_gives_the_same_outputs() {
    let key = SecretKey::derive(Mode::Verifiable, &seed(7), b"oracle").unwrap();
    let server = voprf::VoprfServer::<voprf::Ristretto255>::new_with_key(&*key.to_bytes()).unwrap();
    let inputs: Vec<Vec<u8>> = (0..300_u16).map(|n| n.to_be_bytes().repeat(usize::from(n % 20))).collect();
    let outputs = own_outputs(&key, &inputs).unwrap();
    for (input, output) in inputs.iter().zip(&outputs) {
        assert_eq!(server.evaluate(input).unwrap().as_slice(), output);
    }
    assert_eq!(server.get_public_key().compress().to_bytes(), key.public().to_bytes());
}

#[test]
fn more_than_one_chunk_goes_round() {
    let key = SecretKey::derive(Mode::Verifiable, &seed(1), b"").unwrap();
    let inputs: Vec<[u8; 2]> = (0..600_u16).map(u16::to_be_bytes).collect();
    let blinds = blinds(Mode::Verifiable, inputs.len());
    let blinded = blind(&inputs, &blinds).unwrap();
    let (evaluated, proof) = evaluate_proved(&key, &blinded, &[9; 64]).unwrap();
    let public = key.public();
    let out = finalize_verified(&inputs, &blinds, &blinded, &evaluated, (&public, &proof)).unwrap();
    assert_eq!(out, own_outputs(&key, &inputs).unwrap());
}

#[test]
fn a_batch_for_several_cores_is_whole_in_order_and_refused_whole() {
    let key = SecretKey::derive(Mode::Base, &seed(1), b"").unwrap();
    let inputs: Vec<[u8; 2]> = (0..1_300_u16).map(u16::to_be_bytes).collect();
    let blinds = blinds(Mode::Base, inputs.len());
    let mut blinded = blind(&inputs, &blinds).unwrap();
    let mut evaluated = evaluate(&key, &blinded).unwrap();
    let out = finalize(&inputs, &blinds, &evaluated).unwrap();
    assert_eq!(out, own_outputs(&key, &inputs).unwrap());
    for (at, output) in out.iter().enumerate().step_by(97) {
        assert_eq!(own_outputs(&key, &inputs[at..=at]).unwrap(), [*output], "{at}");
    }
    // One bad element, in the part of the last core: none is evaluated.
    blinded[1_299] = Element([0; 32]);
    assert_eq!(evaluate(&key, &blinded), Err(OprfError::Element));
    evaluated[1_299] = Element([0; 32]);
    assert_eq!(finalize(&inputs, &blinds, &evaluated), Err(OprfError::Element));
}

#[test]
fn what_is_no_point_is_refused_and_nothing_is_evaluated() {
    let key = SecretKey::derive(Mode::Base, &seed(1), b"").unwrap();
    let good = blind(&[b"x"], &blinds(Mode::Base, 1)).unwrap()[0];
    // The field's prime in little endian: zero in a second spelling.
    let mut prime = [0xff; 32];
    (prime[0], prime[31]) = (0xed, 0x7f);
    let mut bad = vec![[0; 32], [0xff; 32], prime];
    // Points of small order as Edwards points: none of them is an element.
    bad.extend(EIGHT_TORSION.iter().map(|p| p.compress().to_bytes()));
    // A negative field element, and one whose x would be no square (RFC 9496, A.2).
    bad.push([1; 32]);
    let no_square = b"26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371";
    bad.push(HEXLOWER.decode(no_square).unwrap().try_into().unwrap());
    for bytes in bad {
        assert_eq!(evaluate(&key, &[good, Element(bytes)]), Err(OprfError::Element), "{bytes:?}");
        assert!(PublicKey::from_bytes(Mode::Verifiable, bytes).is_err());
        let all = blinds(Mode::Base, 1);
        assert_eq!(finalize(&[b"x"], &all, &[Element(bytes)]), Err(OprfError::Element));
    }
}

#[test]
fn another_key_is_caught_by_the_proof() {
    let key = SecretKey::derive(Mode::Verifiable, &seed(1), b"agreed").unwrap();
    let other = SecretKey::derive(Mode::Verifiable, &seed(2), b"agreed").unwrap();
    let (inputs, blinds) = ([b"a", b"b"], blinds(Mode::Verifiable, 2));
    let blinded = blind(&inputs, &blinds).unwrap();
    let (evaluated, proof) = evaluate_proved(&other, &blinded, &[3; 64]).unwrap();
    let public = key.public();
    let try_it = |evaluated: &[Element], proof: &Proof| {
        finalize_verified(&inputs, &blinds, &blinded, evaluated, (&public, proof))
    };
    assert_eq!(try_it(&evaluated, &proof), Err(OprfError::Proof));
    // A true proof does not cover another order, one element of another key, or a changed bit.
    let (mut evaluated, proof) = evaluate_proved(&key, &blinded, &[3; 64]).unwrap();
    assert!(try_it(&evaluated, &proof).is_ok());
    for at in [0, 31, 32, 62] {
        let mut changed = proof;
        changed.0[at] ^= 1;
        assert!(matches!(try_it(&evaluated, &changed), Err(OprfError::Proof | OprfError::Scalar)), "{at}");
    }
    evaluated.swap(0, 1);
    assert_eq!(try_it(&evaluated, &proof), Err(OprfError::Proof));
    evaluated.pop();
    assert_eq!(try_it(&evaluated, &proof), Err(OprfError::Count));
}

#[test]
fn modes_and_keys_do_not_mix() {
    let base = SecretKey::derive(Mode::Base, &seed(1), b"").unwrap();
    let same = SecretKey::from_bytes(Mode::Verifiable, &base.to_bytes()).unwrap();
    assert_ne!(own_outputs(&base, &[b"x"]), own_outputs(&same, &[b"x"]));
    let element = [blind(&[b"x"], &blinds(Mode::Base, 1)).unwrap()[0]];
    assert_eq!(evaluate_proved(&base, &element, &[1; 64]).unwrap_err(), OprfError::Proof);
    assert_eq!(SecretKey::from_bytes(Mode::Base, &[0; 32]).unwrap_err(), OprfError::Scalar);
    assert_eq!(SecretKey::from_bytes(Mode::Base, &[0xff; 32]).unwrap_err(), OprfError::Scalar);
}

#[test]
fn empty_uneven_and_broken_batches_are_refused() {
    let key = SecretKey::derive(Mode::Base, &seed(1), b"").unwrap();
    assert_eq!(evaluate(&key, &[]), Err(OprfError::Count));
    assert_eq!(blind::<&[u8]>(&[], &blinds(Mode::Base, 0)), Err(OprfError::Count));
    assert_eq!(blind(&[b"x"], &blinds(Mode::Base, 2)), Err(OprfError::Count));
    assert_eq!(blind(&[[0; INPUT_MAX + 1]], &blinds(Mode::Base, 1)), Err(OprfError::Input));
    assert_eq!(Blinds::new(Mode::Base, &[[0; 64]]).unwrap_err(), OprfError::Randomness);
    let many = vec![blind(&[b"x"], &blinds(Mode::Base, 1)).unwrap()[0]; BATCH_MAX + 1];
    assert_eq!(evaluate(&key, &many), Err(OprfError::Count));
    let key = SecretKey::derive(Mode::Verifiable, &seed(1), b"").unwrap();
    assert_eq!(evaluate_proved(&key, &many[..1], &[0; 64]).unwrap_err(), OprfError::Randomness);
}

#[test]
fn secrets_do_not_show() {
    let key = SecretKey::derive(Mode::Base, &seed(1), b"").unwrap();
    assert_eq!(format!("{key:?} {:?}", blinds(Mode::Base, 2)), "<secret key> <2 blinds>");
}
