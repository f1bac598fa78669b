//! Volumes: `docs/spec/vectors/courier.json` made again byte for byte, and what is refused.

use mithaq_model::Timestamp;
use mithaq_wire::{CourierHead, CourierKind, CourierPart, Digest, Lane, decode_courier, encode_courier};
use serde_json::Value;

use super::vectors::{Node, hex, node, vectors};
use crate::{CourierError, Volume, courier_digest, sign_courier};

fn vector() -> Value {
    serde_json::from_str(include_str!("../../../../docs/spec/vectors/courier.json")).unwrap()
}

/// Maker and recipient are the nodes of `envelope.json`.
fn nodes() -> (Node, Node) {
    let v = vectors();
    (node(&v["nodes"][0]), node(&v["nodes"][1]))
}

fn made(v: &Value) -> (CourierHead, Vec<Vec<u8>>) {
    let (ma, es) = nodes();
    let parts: Vec<Vec<u8>> = v["parts"].as_array().unwrap().iter().map(|part| hex(&part["bytes"])).collect();
    let part = |(at, bytes): (usize, &Vec<u8>)| CourierPart {
        agreement: mithaq_model::AgreementId::new(hex(&v["parts"][at]["agreement"]).try_into().unwrap()),
        lane: if v["parts"][at]["class"] == "control" { Lane::Control } else { Lane::Report },
        digest: courier_digest(bytes),
    };
    let head = CourierHead {
        kind: CourierKind::Batches,
        from: ma.party,
        to: es.party,
        journey: hex(&v["journey"]).try_into().unwrap(),
        volume: u32::try_from(v["volume"].as_u64().unwrap()).unwrap(),
        last: v["last"].as_bool().unwrap(),
        manifest: ma.manifest.hash(),
        made: Timestamp::from_millis(v["made"].as_i64().unwrap()),
        checkpoint: Some(v["checkpoint"].as_str().unwrap().as_bytes().to_vec()),
        parts: parts.iter().enumerate().map(part).collect(),
    };
    (head, parts)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_vector_is_made_again_and_verified() {
    let v = vector();
    let (head, parts) = made(&v);
    let (ma, es) = nodes();
    let bytes = sign_courier(&head, &parts, &ma.keys).unwrap();
    assert_eq!(to_hex(&bytes), v["file"].as_str().unwrap());
    let volume = Volume::read(&bytes).unwrap();
    assert_eq!(*volume.head(), head);
    assert_eq!(volume.verify(&ma.manifest).unwrap(), parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
    assert_eq!(volume.verify(&es.manifest), Err(CourierError::Signer), "not made by the other");
}

#[test]
fn every_changed_bit_and_every_half_is_refused() {
    let (ma, _) = nodes();
    let bytes = hex(&vector()["file"]);
    let open =
        |bytes: &[u8]| Volume::read(bytes).and_then(|volume| volume.verify(&ma.manifest).map(<[_]>::len));
    assert_eq!(open(&bytes), Ok(2));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(open(&changed).is_err(), "byte {at}");
        assert_eq!(open(&bytes[..at]), Err(CourierError::Malformed), "cut at {at}");
    }
    assert_eq!(open(&[bytes.clone(), vec![0]].concat()), Err(CourierError::Malformed));
}

#[test]
fn parts_are_those_of_the_head_in_its_order() {
    let (ma, _) = nodes();
    let (head, parts) = made(&vector());
    let bytes = sign_courier(&head, &parts, &ma.keys).unwrap();
    let (whole, signed) = decode_courier(&bytes).unwrap();
    let turned: Vec<&[u8]> = whole.iter().rev().copied().collect();
    for wrong in [&turned[..], &whole[..1], &[whole.as_slice(), &whole[..1]].concat()] {
        assert_eq!(Volume::read(&encode_courier(wrong, signed)).map(drop), Err(CourierError::Parts));
    }
    let other = CourierHead { parts: head.parts[..1].to_vec(), ..head.clone() };
    assert_eq!(sign_courier(&other, &parts, &ma.keys), Err(CourierError::Parts));
    let other = CourierPart { digest: Digest([0; 32]), ..head.parts[0].clone() };
    let other = CourierHead { parts: vec![other, head.parts[1].clone()], ..head };
    assert_eq!(sign_courier(&other, &parts, &ma.keys), Err(CourierError::Parts));
}

#[test]
fn a_signature_for_another_purpose_is_none() {
    let (ma, _) = nodes();
    let (head, parts) = made(&vector());
    let document = mithaq_wire::encode_courier_head(&head);
    let key = crate::NodeSigner::node_key(&ma.keys);
    let protected = crate::sign1::protected(&document, &key);
    let signed = crate::sign1::make(crate::sign1::Context::Receipts, &protected, &[], |tbs| {
        crate::NodeSigner::sign_node(&ma.keys, tbs)
    })
    .unwrap();
    let bytes = encode_courier(&parts, &signed);
    let volume = Volume::read(&bytes).unwrap();
    assert_eq!(volume.verify(&ma.manifest), Err(CourierError::Signature));
    let codes = [
        CourierError::Malformed,
        CourierError::Unsupported,
        CourierError::Parts,
        CourierError::Signer,
        CourierError::Signature,
        CourierError::Key,
    ];
    let codes: std::collections::BTreeSet<_> = codes.iter().map(|error| error.code()).collect();
    assert_eq!(codes.len(), 6);
}
