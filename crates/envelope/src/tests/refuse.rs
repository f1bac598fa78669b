//! Everything that must be refused is: changed bytes, other recipients, other agreements, other kinds, other permits.

use mithaq_model::{AgreementId, Days, Millis, ObjectId, ReportVersion};
use mithaq_policy::OrderKind;
use mithaq_wire::{Lane, MessageKind, Order, OrderReason};

use super::fixture::World;
use crate::sign1::{self, Context};
use crate::*;

#[test]
fn a_changed_byte_anywhere_refuses_the_envelope() {
    let w = World::new();
    let made = w.wrapped(&w.sealed());
    // Every byte of the header, the heads, the encapsulation's edges and the signature; of the ciphertext a sample.
    let ends = made.bytes.len() - 80;
    for place in (0..made.bytes.len()).filter(|n| *n < 420 || *n > ends || n % 97 == 0) {
        for mask in [1, 0x80] {
            let mut bytes = made.bytes.clone();
            bytes[place] ^= mask;
            assert!(verify(&bytes, &w.ma.manifest).is_err(), "byte {place} mask {mask}");
        }
    }
    for cut in (0..made.bytes.len()).step_by(61).chain([made.bytes.len() - 1]) {
        assert!(verify(&made.bytes[..cut], &w.ma.manifest).is_err());
    }
    let longer = [made.bytes, vec![0]].concat();
    assert_eq!(verify(&longer, &w.ma.manifest).unwrap_err(), EnvelopeError::Malformed);
    assert_eq!(peek_header(&vec![0; 256 * 1024 + 1]), Err(EnvelopeError::Size));
}

#[test]
fn a_changed_byte_anywhere_refuses_the_seal() {
    let w = World::new();
    let sealed = w.sealed();
    for place in 0..sealed.bytes().len() {
        let mut bytes = sealed.bytes().to_vec();
        bytes[place] ^= 1;
        assert!(open_seal(&bytes, &w.ma.manifest).is_err(), "byte {place}");
    }
    assert!(open_seal(sealed.bytes(), &w.ma.manifest).is_ok());
}

#[test]
fn only_the_sender_the_manifest_names_is_the_signer() {
    let w = World::new();
    let made = w.wrapped(&w.sealed());
    assert_eq!(verify(&made.bytes, &w.es.manifest).unwrap_err(), EnvelopeError::Signer);
    // Another node signs under this one's header.
    let header = w.header(MessageKind::Report, 1);
    let forged = wrap(&header, &w.sealed(), &mut w.session(&w.es), &w.ci.keys).unwrap();
    assert_eq!(verify(&forged.bytes, &w.ma.manifest).unwrap_err().code(), "envelope.signature");
}

#[test]
fn only_the_recipient_opens() {
    let w = World::new();
    let made = w.wrapped(&w.sealed());
    let verified = || verify(&made.bytes, &w.ma.manifest).unwrap();
    let mut cache = SessionCache::new(4);
    let refused = verified().open(&w.ci.party, &w.ci.keys, &mut cache).unwrap_err();
    assert_eq!(refused.code(), "envelope.address");
    // Under the recipient's name, but with another key.
    let refused = verified().open(&w.es.party, &w.ci.keys, &mut cache).unwrap_err();
    assert_eq!(refused.code(), "envelope.undecryptable");
    assert!(cache.is_empty());
}

#[test]
fn a_seal_is_not_forwarded_as_if_it_were_for_the_next() {
    let w = World::new();
    let sealed = w.sealed();
    // es-police, honest to nobody, wraps the seal of ma-security for ci-judiciary.
    let mut header = w.header(MessageKind::Report, 1);
    header.lane.to = w.ci.party.clone();
    let mut session = w.session(&w.ci);
    assert_eq!(wrap(&header, &sealed, &mut session, &w.ma.keys), Err(WrapError::Address));
    let forged = forge(&w, &header, sealed.bytes(), &mut session);
    let opened = verify(&forged, &w.ma.manifest).unwrap();
    let opened = opened.open(&w.ci.party, &w.ci.keys, &mut SessionCache::new(1)).unwrap();
    let refused = open_sealed(&opened, &w.ma.manifest, &w.ci.party).unwrap_err();
    assert_eq!(refused.code(), "seal.recipient");
}

/// Wraps without the checks of [`wrap`]: what a lying node would send.
fn forge(
    w: &World,
    header: &mithaq_wire::EnvelopeHeader,
    content: &[u8],
    session: &mut KemSession,
) -> Vec<u8> {
    let number = session.take(header.created).unwrap();
    let protected = sign1::protected(&mithaq_wire::encode_envelope_header(header), &w.ma.keys.node_key());
    let plain = crate::session::pad(content).unwrap();
    let ciphertext = session.encrypt(number, &protected, &plain).unwrap();
    let mut payload = mithaq_wire::cbor::Writer::default();
    payload.array(5).uint(1).bytes(&session.recipient()).bytes(session.encapsulation());
    payload.uint(number).bytes(&ciphertext);
    sign1::make(Context::Envelope, &protected, &payload.finish(), |m| w.ma.keys.sign_node(m)).unwrap()
}

#[test]
fn inside_and_outside_must_agree() {
    let w = World::new();
    let sealed = w.sealed();
    let code = |change: &dyn Fn(&mut mithaq_wire::EnvelopeHeader)| {
        let mut header = w.header(MessageKind::Report, 1);
        change(&mut header);
        let forged = forge(&w, &header, sealed.bytes(), &mut w.session(&w.es));
        w.read(&forged).unwrap_err().code()
    };
    assert_eq!(code(&|h| h.lane.agreement = AgreementId::new([9; 32])), "seal.agreement");
    assert_eq!(
        code(&|h| {
            h.kind = MessageKind::Correction;
            h.lane.lane = Lane::Control;
        }),
        "seal.kind"
    );
    assert_eq!(
        code(&|h| {
            h.kind = MessageKind::Order;
            h.lane.lane = Lane::Control;
        }),
        "seal.kind"
    );
    // Sealed by another than the sender.
    let opened = w.opened(&w.wrapped(&sealed).bytes);
    assert_eq!(open_sealed(&opened, &w.es.manifest, &w.es.party).unwrap_err().code(), "seal.originator");
}

#[test]
fn a_kind_in_another_lane_is_refused_on_both_sides() {
    let w = World::new();
    let sealed = w.sealed();
    for lane in [Lane::Control, Lane::Bulk] {
        let mut header = w.header(MessageKind::Report, 1);
        header.lane.lane = lane;
        assert_eq!(wrap(&header, &sealed, &mut w.session(&w.es), &w.ma.keys), Err(WrapError::Kind));
        let forged = forge(&w, &header, sealed.bytes(), &mut w.session(&w.es));
        let verified = verify(&forged, &w.ma.manifest).unwrap();
        let refused = verified.open(&w.es.party, &w.es.keys, &mut SessionCache::new(1)).unwrap_err();
        assert_eq!(refused.code(), "envelope.kind");
    }
    // Content in an epoch start, and a report without content.
    let start = forge(&w, &w.header(MessageKind::EpochStart, 1), sealed.bytes(), &mut w.session(&w.es));
    let empty = forge(&w, &w.header(MessageKind::Report, 1), &[], &mut w.session(&w.es));
    for bytes in [start, empty] {
        let verified = verify(&bytes, &w.ma.manifest).unwrap();
        let refused = verified.open(&w.es.party, &w.es.keys, &mut SessionCache::new(1)).unwrap_err();
        assert_eq!(refused, EnvelopeError::Kind);
    }
}

#[test]
fn the_header_of_a_seal_cannot_contradict_the_report() {
    let w = World::new();
    let body = mithaq_wire::encode_report(&w.sample.report);
    let attempt = |change: &dyn Fn(&mut mithaq_wire::SealHeader)| {
        let mut header = w.sealed().header().clone();
        change(&mut header);
        let document = mithaq_wire::encode_seal_header(&header);
        let mut payload = mithaq_wire::cbor::Writer::default();
        payload.array(3).uint(1).bytes(&[1; 32]).bytes(&body);
        let protected = sign1::protected(&document, &w.ma.keys.seal_key());
        let bytes =
            sign1::make(Context::Seal, &protected, &payload.finish(), |m| w.ma.keys.sign_seal(m)).unwrap();
        open_seal(&bytes, &w.ma.manifest)
    };
    assert!(attempt(&|_| {}).is_ok());
    let changes: [&dyn Fn(&mut mithaq_wire::SealHeader); 8] = [
        &|h| h.object = ObjectId::new([1; 16]),
        &|h| h.version = ReportVersion::new(9).unwrap(),
        &|h| h.supersedes = Some(ReportVersion::FIRST),
        &|h| h.recipients.push(mithaq_testkit::party("ci-judiciary")),
        &|h| h.agreement = AgreementId::new([1; 32]),
        &|h| h.purpose = None,
        &|h| h.handling = None,
        &|h| h.level = mithaq_model::Level::TopSecret,
    ];
    for (place, change) in changes.iter().enumerate() {
        assert_eq!(attempt(change), Err(SealedError::Malformed), "change {place}");
    }
    assert_eq!(attempt(&|h| h.originator = w.es.party.clone()), Err(SealedError::Originator));
    assert_eq!(attempt(&|h| h.recipients.clear()), Err(SealedError::Malformed));
}

#[test]
fn a_permit_is_for_one_thing() {
    let w = World::new();
    let (permit, args) = (w.permit(), w.args());
    let seal = |report: &mithaq_model::Report, args: &SealArgs| {
        seal_report(report, &permit, args, &w.ma.keys).map(|_| ()).map_err(SealError::code)
    };
    assert_eq!(seal(&w.sample.report, &args), Ok(()));
    let changes: [&dyn Fn(&mut mithaq_model::Report); 6] = [
        &|r| r.id = mithaq_model::ReportId::new([1; 16]),
        &|r| r.version = ReportVersion::new(2).unwrap(),
        &|r| r.originator = mithaq_testkit::party("ci-judiciary"),
        &|r| r.agreement = AgreementId::new([1; 32]),
        &|r| r.purpose = mithaq_model::Purpose::ThreatToLife,
        &|r| r.recipients = vec![mithaq_testkit::party("ci-judiciary")],
    ];
    for (place, change) in changes.iter().enumerate() {
        let mut report = w.sample.report.clone();
        change(&mut report);
        assert_eq!(seal(&report, &args), Err("seal.permit"), "change {place}");
    }
    let late = SealArgs { sealed_at: args.sealed_at.plus(Millis::hours(25)), ..args.clone() };
    assert_eq!(seal(&w.sample.report, &late), Err("seal.permit_stale"));
    let early = SealArgs { sealed_at: args.sealed_at.minus(Millis(1)), ..args.clone() };
    assert_eq!(seal(&w.sample.report, &early), Err("seal.permit_stale"));
    let long = SealArgs { lease_until: args.lease_until.plus(Millis(1)), ..args.clone() };
    assert_eq!(seal(&w.sample.report, &long), Err("seal.lease"));
    let backwards = SealArgs { supersedes: Some(ReportVersion::FIRST), ..args };
    assert_eq!(seal(&w.sample.report, &backwards), Err("seal.supersedes"));
}

#[test]
fn an_order_permit_is_for_one_order() {
    let w = World::new();
    let (object, other) = (ObjectId::new([5; 16]), ObjectId::new([6; 16]));
    let delete = |object| Order::Delete { object, reason: OrderReason::Court, answer_by: w.sample.now };
    let args = w.args();
    let permit = w.order_permit(OrderKind::Delete, object);
    assert!(seal_order(&delete(object), &permit, &args, &w.ma.keys).is_ok());
    assert_eq!(seal_order(&delete(other), &permit, &args, &w.ma.keys), Err(SealError::Permit));
    let recall = w.order_permit(OrderKind::Recall, object);
    assert_eq!(seal_order(&delete(object), &recall, &args, &w.ma.keys), Err(SealError::Permit));
    let notice = mithaq_wire::Notice::Resumed { from: w.sample.now };
    assert_eq!(seal_notice(&notice, &recall, &args, &w.ma.keys), Err(SealError::Permit));
    assert_eq!(seal_later_receipts(&[], &recall, &args, &w.ma.keys), Err(SealError::Permit));
    let replaces = SealArgs { supersedes: Some(ReportVersion::FIRST), ..args };
    assert_eq!(seal_order(&delete(object), &permit, &replaces, &w.ma.keys), Err(SealError::Supersedes));
}

#[test]
fn wrap_refuses_what_a_partner_would() {
    let w = World::new();
    let sealed = w.sealed();
    let attempt = |change: &dyn Fn(&mut mithaq_wire::EnvelopeHeader)| {
        let mut header = w.header(MessageKind::Report, 1);
        change(&mut header);
        wrap(&header, &sealed, &mut w.session(&w.es), &w.ma.keys).unwrap_err().code()
    };
    assert_eq!(attempt(&|h| h.expires = h.created), "wrap.validity");
    assert_eq!(attempt(&|h| h.expires = h.created.plus(Days(367))), "wrap.validity");
    assert_eq!(attempt(&|h| h.lane.agreement = AgreementId::new([1; 32])), "wrap.address");
    assert_eq!(attempt(&|h| h.lane.from = w.ci.party.clone()), "wrap.address");
    assert_eq!(attempt(&|h| h.kind = MessageKind::Correction), "wrap.kind");
    let header = w.header(MessageKind::Report, 1);
    let other = &mut w.session(&w.ci);
    assert_eq!(wrap(&header, &sealed, other, &w.ma.keys), Err(WrapError::Session));
    let random = zeroize::Zeroizing::new([0; 64]);
    for bad in [&[][..], &[0; 32], &[0; 1215], &[0xff; 1216]] {
        let made = KemSession::open((&w.ma.party, &w.es.party), bad, w.sample.now, &random);
        assert_eq!(made.unwrap_err(), WrapError::Recipient);
    }
}

#[test]
fn an_encapsulation_of_another_partner_opens_nothing() {
    let w = World::new();
    // ci-judiciary takes ma-security's encapsulation and ciphertext and signs them under its own name.
    let made = w.wrapped(&w.sealed());
    let mut header = w.header(MessageKind::Report, 1);
    header.lane.from = w.ci.party.clone();
    header.manifest = w.ci.manifest.hash();
    let stolen = crate::sign1::Sign1::parse(&made.bytes, 1 << 20).unwrap().payload.to_vec();
    let protected = sign1::protected(&mithaq_wire::encode_envelope_header(&header), &w.ci.keys.node_key());
    let bytes = sign1::make(Context::Envelope, &protected, &stolen, |m| w.ci.keys.sign_node(m)).unwrap();
    let verified = verify(&bytes, &w.ci.manifest).unwrap();
    let refused = verified.open(&w.es.party, &w.es.keys, &mut SessionCache::new(4)).unwrap_err();
    assert_eq!(refused, EnvelopeError::Undecryptable);
}
