//! What is sealed, wrapped and sent arrives as it was.

use mithaq_model::{Millis, ObjectId, Role, Timestamp};
use mithaq_policy::OrderKind;
use mithaq_wire::limits::{ENVELOPE_MAX, PAD_MAX, SEALED_MAX};
use mithaq_wire::{LaterReceipt, MessageKind, Notice, Order, OrderReason};
use proptest::prelude::*;

use super::fixture::World;
use crate::session::{pad, unpad};
use crate::*;

#[test]
fn a_report_arrives_as_it_was_sealed() {
    let w = World::new();
    let sealed = w.sealed();
    let Opened::Report(opened) = w.read(&w.wrapped(&sealed).bytes).unwrap() else { panic!("a report") };
    assert_eq!(opened.report, w.sample.report);
    assert_eq!(&opened.header, sealed.header());
    assert_eq!((opened.commitment, opened.salt), (sealed.commitment(), [0x5a; 32]));
    let body = mithaq_wire::encode_report(&w.sample.report);
    assert_eq!(opened.commitment, commitment(&[0x5a; 32], &body));
    assert_eq!(opened.header.handling, Some(w.sample.report.effective_handling()));
}

#[test]
fn a_correction_travels_as_a_correction() {
    let mut w = World::new();
    let sealed = w.correction();
    assert_eq!(sealed.message_kind(), MessageKind::Correction);
    let opened = w.read(&w.wrapped(&sealed).bytes).unwrap();
    assert_eq!(opened.message_kind(), MessageKind::Correction);
    assert_eq!(opened.header().version.get(), 2);
}

#[test]
fn orders_notices_and_later_receipts_arrive() {
    let w = World::new();
    let object = ObjectId::new([5; 16]);
    let at = w.sample.now;
    let recall =
        Order::Recall { object, versions: Vec::new(), reason: OrderReason::Inaccurate, answer_by: at };
    let delete = Order::Delete { object, reason: OrderReason::Court, answer_by: at };
    let expiry = Order::Expiry { object, expires: at };
    let args = w.args();
    for (order, kind) in
        [(recall, OrderKind::Recall), (delete, OrderKind::Delete), (expiry, OrderKind::Expiry)]
    {
        let sealed = seal_order(&order, &w.order_permit(kind, object), &args, &w.ma.keys).unwrap();
        let Ok(Opened::Order(_, back)) = w.read(&w.wrapped(&sealed).bytes) else { panic!("an order") };
        assert_eq!(back, order);
    }
    let notice = Notice::Suspended { from: at };
    let permit = w.order_permit(OrderKind::Notice, object);
    let sealed = seal_notice(&notice, &permit, &args, &w.ma.keys).unwrap();
    let Ok(Opened::Notice(_, back)) = w.read(&w.wrapped(&sealed).bytes) else { panic!("a notice") };
    assert_eq!(back, notice);
    let version = w.sample.report.version;
    let receipts = vec![LaterReceipt::Read { object, version, role: Role::CaseOfficer, reader: [1; 16], at }];
    let permit = w.order_permit(OrderKind::LaterReceipts, object);
    let sealed = seal_later_receipts(&receipts, &permit, &args, &w.ma.keys).unwrap();
    let Ok(Opened::LaterReceipts(_, back)) = w.read(&w.wrapped(&sealed).bytes) else { panic!("receipts") };
    assert_eq!(back, receipts);
    assert_eq!(seal_later_receipts(&[], &permit, &args, &w.ma.keys), Err(SealError::Empty));
}

#[test]
fn an_epoch_start_carries_nothing() {
    let w = World::new();
    let header = w.header(MessageKind::EpochStart, 1);
    let made = wrap_epoch_start(&header, &mut w.session(&w.es), &w.ma.keys).unwrap();
    let opened = w.opened(&made.bytes);
    assert!(opened.sealed().is_empty());
    assert_eq!(open_sealed(&opened, &w.ma.manifest, &w.es.party), Err(SealedError::Kind));
    let report = w.header(MessageKind::Report, 1);
    assert_eq!(wrap_epoch_start(&report, &mut w.session(&w.es), &w.ma.keys).unwrap_err().code(), "wrap.kind");
}

#[test]
fn sealed_bytes_are_read_back_from_a_store() {
    let w = World::new();
    let sealed = w.sealed();
    assert_eq!(Sealed::stored(sealed.bytes().to_vec()), Ok(sealed.clone()));
    assert!(Sealed::stored(b"else".to_vec()).is_err());
    // The same inputs give the same bytes: nothing hidden is in them.
    assert_eq!(w.sealed(), sealed);
}

#[test]
fn a_message_sent_twice_is_encrypted_under_two_keys() {
    let w = World::new();
    let (sealed, mut session) = (w.sealed(), w.session(&w.es));
    let header = w.header(MessageKind::Report, 1);
    let one = wrap(&header, &sealed, &mut session, &w.ma.keys).unwrap();
    let two = wrap(&header, &sealed, &mut session, &w.ma.keys).unwrap();
    assert_ne!(one.hash, two.hash);
    let mut cache = SessionCache::new(4);
    for bytes in [&one.bytes, &two.bytes] {
        let verified = verify(bytes, &w.ma.manifest).unwrap();
        let opened = verified.open(&w.es.party, &w.es.keys, &mut cache).unwrap();
        assert_eq!(opened.sealed(), sealed.bytes());
    }
    assert_eq!(cache.len(), 1);
}

#[test]
fn the_cache_is_bounded_and_forgets_the_oldest() {
    let w = World::new();
    let sealed = w.sealed();
    let mut cache = SessionCache::new(2);
    for n in 0..5_u8 {
        let random = zeroize::Zeroizing::new([n; 64]);
        let ends = (&w.ma.party, &w.es.party);
        let mut session = KemSession::open(ends, w.es.keys.kem_key(), w.sample.now, &random).unwrap();
        let made = wrap(&w.header(MessageKind::Report, 1), &sealed, &mut session, &w.ma.keys).unwrap();
        let verified = verify(&made.bytes, &w.ma.manifest).unwrap();
        verified.open(&w.es.party, &w.es.keys, &mut cache).unwrap();
        assert!(cache.len() <= 2);
    }
    cache.clear();
    assert!(cache.is_empty());
}

#[test]
fn a_session_ends_with_its_hour_and_its_number() {
    let w = World::new();
    let sealed = w.sealed();
    let header = w.header(MessageKind::Report, 1);
    let mut single = w.session(&w.es).single();
    assert!(wrap(&header, &sealed, &mut single, &w.ma.keys).is_ok());
    assert_eq!(wrap(&header, &sealed, &mut single, &w.ma.keys), Err(WrapError::SessionOver));
    let mut session = w.session(&w.es);
    let mut late = header;
    late.created = w.sample.now.plus(Millis::hours(1));
    assert_eq!(wrap(&late, &sealed, &mut session, &w.ma.keys), Err(WrapError::SessionOver));
    late.created = late.created.minus(Millis(1));
    assert!(session.is_open(late.created) && wrap(&late, &sealed, &mut session, &w.ma.keys).is_ok());
    late.created = w.sample.now.minus(Millis::hours(2));
    assert_eq!(wrap(&late, &sealed, &mut session, &w.ma.keys), Err(WrapError::SessionOver));
}

#[test]
fn bytes_once_verified_need_no_second_verification() {
    let w = World::new();
    let made = w.wrapped(&w.sealed());
    let verified = verify(&made.bytes, &w.ma.manifest).unwrap();
    assert_eq!(verified.hash(), made.hash);
    let token = verified.verification();
    assert_eq!(VerifiedEnvelope::again(&made.bytes, &token).unwrap().header(), verified.header());
    let mut other = made.bytes;
    *other.last_mut().unwrap() ^= 1;
    assert_eq!(VerifiedEnvelope::again(&other, &token).unwrap_err(), EnvelopeError::Signature);
}

#[test]
fn expiry_has_ten_minutes_for_clocks() {
    let w = World::new();
    let made = w.wrapped(&w.sealed());
    let verified = verify(&made.bytes, &w.ma.manifest).unwrap();
    let end = verified.header().expires.plus(Millis(600_000));
    assert_eq!(verified.in_time(end), Ok(()));
    assert_eq!(verified.in_time(end.plus(Millis(1))).unwrap_err().code(), "envelope.expired");
    assert_eq!(verified.in_time(Timestamp::from_millis(0)), Ok(()));
}

#[test]
fn the_longest_sealed_object_fits_an_envelope() {
    let plain = pad(&vec![1; SEALED_MAX]).unwrap();
    assert_eq!(plain.len(), PAD_MAX);
    // Header with every field at its longest, encapsulation, tag, heads.
    assert!(plain.len() + 16 + 1120 + 4096 < ENVELOPE_MAX);
    assert!(pad(&vec![1; SEALED_MAX + 1]).is_none());
}

proptest! {
    #[test]
    fn padding_tells_only_the_magnitude(content in prop::collection::vec(any::<u8>(), 0..5000), flip in any::<prop::sample::Index>()) {
        let mut plain = pad(&content).unwrap();
        prop_assert!(plain.len().is_power_of_two() && plain.len() >= 1024);
        prop_assert_eq!(unpad(&plain), Some(&content[..]));
        prop_assert_eq!(unpad(&plain[..plain.len() - 1]), None);
        let behind = content.len() + 4;
        if behind < plain.len() {
            let place = behind + flip.index(plain.len() - behind);
            plain[place] = 1;
            prop_assert_eq!(unpad(&plain), None);
        }
    }
}

#[test]
fn secrets_do_not_show() {
    let w = World::new();
    let cache = SessionCache::new(1);
    let shown = format!("{:?} {:?} {:?} {cache:?}", w.ma.keys, w.ma.root, w.session(&w.es));
    assert_eq!(shown, "<keys> <root keys> <session> <0 sessions>");
    let made = w.wrapped(&w.sealed());
    let opened = format!("{:?} {:?}", w.opened(&made.bytes), verify(&made.bytes, &w.ma.manifest).unwrap());
    assert!(!opened.contains("R-"));
}
