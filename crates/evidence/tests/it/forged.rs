//! Every kind of tampering is refused, also by a forger who makes the digest of the bundle right again.

use mithaq_evidence::{
    Anchors, JudgeError, PaperFault, envelope_name, judge, later_name, manifest_name, receipts_name,
};
use mithaq_wire::{Digest, Verdict};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::world::{Agency, ES, Fields, MA, World, entry};

fn reseal(mut bundle: Vec<u8>) -> Vec<u8> {
    let body = bundle.len() - 32;
    let digest = Sha256::digest(&bundle[..body]);
    bundle[body..].copy_from_slice(&digest);
    bundle
}

fn fault(error: JudgeError) -> PaperFault {
    match error {
        JudgeError::Paper { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

/// Every byte of the log's part and of the small documents, one in eleven of keys and signatures.
#[test]
fn a_changed_byte_anywhere_is_found() {
    let world = World::new();
    let (good, anchors) = (world.bundle(), world.anchors());
    assert!(judge(&good, &anchors).is_ok());
    let body = good.len() - 32;
    let places = (0..3_000).chain((3_000..body).step_by(11)).filter(|place| *place < body);
    for place in places {
        let mut bad = good.clone();
        bad[place] ^= 1 << (place % 8);
        assert!(judge(&bad, &anchors).is_err(), "byte {place}, digest not touched");
        assert!(judge(&reseal(bad), &anchors).is_err(), "byte {place} of {body}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_changed_byte_at_a_place_nobody_chose(place in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<prop::sample::Index>()) {
        let world = World::new();
        let (good, anchors) = (world.bundle(), world.anchors());
        let mut bad = good.clone();
        let place = place.index(good.len() - 32);
        bad[place] ^= 1 << bit;
        prop_assert!(judge(&reseal(bad), &anchors).is_err());
        prop_assert!(judge(&good[..cut.index(good.len())], &anchors).is_err());
    }
}

#[test]
fn a_document_under_another_name_is_refused() {
    for prefix in ["agreement/", "manifest/es-police/", "envelope/", "receipts/", "receipt/", "later/"] {
        let mut world = World::new();
        let (name, bytes) =
            world.documents.iter().find(|(name, _)| name.starts_with(prefix)).unwrap().clone();
        let last = if name.ends_with('0') { "1" } else { "0" };
        let renamed = format!("{}{last}", &name[..name.len() - 1]);
        world.swap(prefix, Some((renamed, bytes)));
        assert_eq!(fault(world.refusal()), PaperFault::Name, "{prefix}");
    }
    let mut world = World::new();
    world.documents.push(("advice/1".to_owned(), b"trust me".to_vec()));
    assert_eq!(fault(world.refusal()), PaperFault::Name);
}

#[test]
fn a_manifest_of_another_root_is_refused() {
    let mut world = World::new();
    // The forger's own manifest for the partner, under the right name.
    let forger = Agency::new(ES, 70);
    let manifest = forger.signed_manifest().to_vec();
    world.swap("manifest/es-police/", Some((manifest_name(&forger.party, 1), manifest)));
    assert!(matches!(fault(world.refusal()), PaperFault::Manifest(_)));
}

#[test]
fn a_receipt_that_contradicts_the_log_is_found() {
    let mut world = World::new();
    let envelope = world.documents.iter().find(|(name, _)| name.starts_with("envelope/")).unwrap().1.clone();
    let refused = Verdict::Refused { code: "AGR".to_owned(), ground: None };
    let receipts = world.receipts(&envelope, refused);
    world.swap("receipt/", None);
    world.swap("receipts/", Some((receipts_name(&receipts), receipts)));
    assert_eq!(world.refusal(), JudgeError::Contradiction { index: 4 });
}

#[test]
fn documents_the_log_does_not_speak_of_are_refused() {
    let mut world = World::new();
    let stray = world.order(2, Digest([8; 32]));
    world.documents.push((envelope_name(&stray), stray.clone()));
    assert_eq!(fault(world.refusal()), PaperFault::Unlogged);

    let mut world = World::new();
    let receipts = world.receipts(&stray, Verdict::Accepted);
    world.documents.push((receipts_name(&receipts), receipts));
    assert_eq!(fault(world.refusal()), PaperFault::Unlogged);

    let mut world = World::new();
    world.entries.retain(|entry| !entry.windows(8).any(|bytes| bytes == b"receipt."));
    assert_eq!(fault(world.refusal()), PaperFault::Unlogged);
}

#[test]
fn one_sender_signs_one_envelope_for_one_place_in_an_unbroken_chain() {
    let with = |world: &World, seq, prev| {
        let envelope = world.order(seq, prev);
        let hash = mithaq_ledger::Hash::new(mithaq_envelope::envelope_hash(&envelope).0);
        let queued = Fields {
            object: Some("control/1/2"),
            agreement: Some(world.agreement),
            with: Some(ES),
            commitment: Some(hash),
            ..Fields::default()
        };
        (envelope, entry("message.queued", queued))
    };
    let first = mithaq_envelope::envelope_hash(&World::new().order(1, Digest::ZERO));
    for (seq, prev, good) in [(2, first, true), (2, Digest([8; 32]), false), (1, Digest([8; 32]), false)] {
        let mut world = World::new();
        let (envelope, queued) = with(&world, seq, prev);
        world.entries.push(queued);
        world.documents.push((envelope_name(&envelope), envelope));
        match world.judge() {
            Ok(found) => assert!(good && found.messages.len() == 2, "{seq}"),
            Err(error) => {
                assert_eq!(fault(error), PaperFault::Chain);
                assert!(!good);
            }
        }
    }
}

#[test]
fn a_signature_nobody_can_check_is_refused() {
    let mut world = World::new();
    // Without the partner's manifest its countersignature is of an unknown key, and its receipts of an unknown signer.
    world.swap("manifest/es-police/", None);
    assert!(world.judge().is_err());
    let nothing = judge(&world.bundle(), &Anchors::default());
    assert!(nothing.is_err());
}

#[test]
fn a_seal_that_holds_no_receipts_is_no_receipt() {
    let mut world = World::new();
    let later = world.later_by_wrong_kind();
    world.swap("later/", Some((later_name(&later), later)));
    assert!(matches!(fault(world.refusal()), PaperFault::Later(_)));
}

#[test]
fn a_log_of_nobody_is_refused() {
    let mut world = World::new();
    world.origin = "x/log".to_owned();
    assert_eq!(world.refusal(), JudgeError::Origin);
    world.origin = format!("{MA}-2/log");
    assert_eq!(world.refusal(), JudgeError::NoLogKey);
}
