use ed25519_dalek::{Signature, Signer as _, SigningKey};
use mithaq_model::{AgreementId, PartyId, Timestamp};

use super::*;
use crate::oprf::{Mode, PublicKey, SecretKey};

fn key() -> PublicKey {
    SecretKey::derive(Mode::Base, &[1; 32], b"").unwrap().public()
}

pub(crate) fn header() -> SetHeader {
    SetHeader {
        agreement: AgreementId::new([7; 32]),
        asked: PartyId::new("es-police").unwrap(),
        asking: PartyId::new("ma-security").unwrap(),
        epoch: 1,
        number: 1,
        policy: [3; 32],
        key: key(),
        valid_from: Timestamp::from_millis(1_000),
        valid_to: Timestamp::from_millis(2_000),
        nonce: [0; 16],
        slots: 0,
        filter: [0; 32],
    }
}

fn outputs(from: u32, count: u32) -> Vec<Output> {
    (from..from + count)
        .map(|n| {
            let mut output = [0; 64];
            output[..32].copy_from_slice(&Sha256::digest(n.to_be_bytes()));
            output
        })
        .collect()
}

fn seeds(from: u32, count: u32) -> Vec<TagSeed> {
    outputs(from, count).iter().map(tag_seed).collect()
}

fn set(nonce: u8, count: u32) -> TagSet {
    TagSet::of([nonce; 16], &seeds(0, count), &seeds(1_000_000, 2_000)).unwrap()
}

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[5; 32])
}

fn verify(_header: &SetHeader, bytes: &[u8], signature: &[u8; 64]) -> bool {
    signer().verifying_key().verify_strict(bytes, &Signature::from_bytes(signature)).is_ok()
}

fn signed_set() -> SignedSet {
    SignedSet::sign(header(), set(9, 500), |bytes| signer().sign(bytes).to_bytes())
}

#[test]
fn what_was_put_in_is_found_and_nothing_else() {
    let set = set(1, 500);
    assert!(outputs(0, 500).iter().all(|output| set.contains(output)));
    assert!(!outputs(2_000_000, 5_000).iter().any(|output| set.contains(output)));
}

#[test]
fn it_travels_whole_and_signed() {
    let signed = signed_set();
    let bytes = signed.to_bytes();
    let read = SignedSet::read(&bytes, verify).unwrap();
    assert_eq!(read, signed);
    assert_eq!(read.digest(), signed.digest());
    let filter = signed.set.filter().len();
    assert!(filter < 512 * 6, "{filter} bytes for 512 tags");
    for at in [0, 3, 30, 60, 150, 200, 240, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(SignedSet::read(&changed, verify).is_err(), "{at}");
    }
    assert_eq!(SignedSet::read(&bytes, |_, _, _| false), Err(SetError::Signature));
}

#[test]
fn an_update_shows_neither_what_nor_how_many_were_added() {
    let (before, after) = (set(1, 500), set(2, 505));
    assert_eq!((before.slots, after.slots), (512, 512));
    assert_eq!(before.len(), after.len());
    let shared = before.tags.iter().filter(|tag| after.tags.contains(tag)).count();
    assert_eq!(shared, 0, "a new nonce: no tag of one set is in the other");
    assert!(outputs(500, 5).iter().all(|o| after.contains(o) && !before.contains(o)));
}

#[test]
fn parts_made_apart_are_the_same_set() {
    let (nonce, all) = ([4; 16], seeds(0, 700));
    let slots = filled(700);
    let dummies = seeds(1_000_000, slots - 700);
    let whole = TagSet::of(nonce, &all, &dummies).unwrap();
    let parts = vec![
        part(&nonce, slots, &all[300..]),
        part(&nonce, slots, &dummies),
        part(&nonce, slots, &all[..300]),
    ];
    assert_eq!(TagSet::new(nonce, slots, parts).unwrap(), whole);
}

#[test]
fn empty_too_large_and_unfilled_sets_are_refused() {
    assert_eq!(TagSet::of([0; 16], &[], &[]), Err(SetError::Count));
    assert_eq!(TagSet::of([0; 16], &seeds(0, 3), &[]), Err(SetError::Randomness));
    assert_eq!(TagSet::new([0; 16], 1, vec![vec![1, 2]]), Err(SetError::Count));
    assert_eq!(TagSet::new([0; 16], TAGS_MAX + 1, vec![vec![1]]), Err(SetError::Count));
    assert!(filled(TAGS_MAX / 65 * 64) <= TAGS_MAX);
    assert_eq!([filled(1), filled(256), filled(257), filled(1_000_000)], [256, 256, 512, 1_000_000]);
    // A filter that says it holds more than its slots, or none.
    for count in [0_u32, 513] {
        let mut filter = set(1, 500).filter();
        filter[..4].copy_from_slice(&count.to_be_bytes());
        assert_eq!(TagSet::from_filter([1; 16], 512, &filter), Err(SetError::Count));
    }
}
