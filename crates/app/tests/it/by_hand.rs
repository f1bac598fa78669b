//! A node that lies: seals, tokens and envelopes made by hand with its real keys, past everything its own program would
//! refuse. What arrives is judged by an honest node.

use mithaq_app::AppError;
use mithaq_envelope::{
    AgencySigner as _, KemOpener as _, KemSession, NodeSigner as _, Sealed, SoftKeys, wrap,
};
use mithaq_model::{AgreementId, Days, Level, ObjectId, PartyId, Report, ReportVersion};
use mithaq_wire::cbor::Writer;
use mithaq_wire::{
    Digest, EnvelopeHeader, Hop, Lane, LaneId, MessageKind, OnwardStep, OnwardToken, Position, SealHeader,
    decode_heads, encode_batch, encode_hop, encode_onward_step, encode_onward_token, encode_report,
    encode_seal_header,
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::world::{World, soft};

/// The keys of a node of the world.
pub(crate) fn keys(node: usize) -> SoftKeys {
    soft(u8::try_from(node + 1).unwrap() * 16)
}

/// A COSE_Sign1 by a seal key, as `docs/spec/envelope.md` has it, over whatever it is given.
fn signed(context: &[u8], document: &[u8], payload: &[u8], keys: &SoftKeys) -> Vec<u8> {
    labelled(context, (document, None), payload, keys)
}

/// The same with a further label in the protected header, which nobody called critical.
fn labelled(
    context: &[u8],
    (document, label): (&[u8], Option<&[u8]>),
    payload: &[u8],
    keys: &SoftKeys,
) -> Vec<u8> {
    let name: [u8; 32] = Sha256::digest(keys.seal_key()).into();
    let mut w = Writer::default();
    w.map(if label.is_some() { 5 } else { 4 }).int(1).int(-8).int(2).array(1).int(-70_001);
    w.int(4).bytes(&name[..8]);
    if let Some(label) = label {
        w.int(20).bytes(label);
    }
    w.int(-70_001).bytes(document);
    let protected = w.finish();
    let mut w = Writer::default();
    w.array(4).text("Signature1").bytes(&protected).bytes(context).bytes(payload);
    let signature = keys.sign_seal(&w.finish()).unwrap();
    let mut w = Writer::default();
    w.array(4).bytes(&protected).map(0).bytes(payload).bytes(&signature);
    w.finish()
}

/// A token signed by whomever.
pub(crate) fn token(token: &OnwardToken, by: usize) -> Vec<u8> {
    signed(b"mithaq/1 onward", &encode_onward_token(token), &[], &keys(by))
}

/// What a seal key of a node signs: a header, and a body of a kind.
pub(crate) fn sealed(header: &SealHeader, (kind, body): (u64, &[u8]), by: usize) -> Sealed {
    let mut payload = Writer::default();
    payload.array(3).uint(kind).bytes(&[7; 32]).bytes(body);
    let bytes = signed(b"mithaq/1 seal", &encode_seal_header(header), &payload.finish(), &keys(by));
    Sealed::stored(bytes).unwrap()
}

/// The header of a seal as an honest node has it.
pub(crate) fn header(
    world: &World,
    (from, to, agreement): (usize, usize, AgreementId),
    object: ObjectId,
) -> SealHeader {
    let now = world.clock.0.now();
    SealHeader {
        object,
        version: ReportVersion::FIRST,
        supersedes: None,
        originator: world.nodes[from].party.clone(),
        recipients: vec![world.nodes[to].party.clone()],
        agreement,
        purpose: None,
        handling: None,
        level: Level::Restricted,
        lease_until: now.plus(Days(30)),
        released_by: vec![mithaq_model::Role::Supervisor, mithaq_model::Role::Spoc],
        sealed_at: now,
    }
}

/// Sends a hop that no honest program would make.
pub(crate) fn hop(
    world: &mut World,
    ends: (usize, usize, AgreementId),
    hop: &Hop,
    (object, version): (ObjectId, ReportVersion),
) {
    let purpose = Some(mithaq_model::Purpose::Investigate);
    let header = SealHeader { version, purpose, ..header(world, ends, object) };
    let sealed = sealed(&header, (7, &encode_hop(hop)), ends.0);
    send(world, ends, MessageKind::Hop, &sealed).unwrap();
}

/// Sends the correction of a report to a party that it did not go to before.
pub(crate) fn correction(world: &mut World, ends: (usize, usize, AgreementId), report: &Report) {
    let supersedes = Some(ReportVersion::FIRST);
    let header = SealHeader { supersedes, ..header_of(world, ends, report) };
    let sealed = sealed(&header, (1, &encode_report(report)), ends.0);
    send(world, ends, MessageKind::Correction, &sealed).unwrap();
}

/// The header of the seal around a report.
pub(crate) fn header_of(world: &World, ends: (usize, usize, AgreementId), report: &Report) -> SealHeader {
    SealHeader {
        version: report.version,
        purpose: Some(report.purpose),
        handling: Some(report.effective_handling()),
        level: report.level,
        ..header(world, ends, report.id.into())
    }
}

/// Says a step that no honest program would say.
pub(crate) fn say(world: &mut World, ends: (usize, usize, AgreementId), step: &OnwardStep) {
    let header = SealHeader { released_by: Vec::new(), ..header(world, ends, ObjectId::new([0x5a; 16])) };
    let sealed = sealed(&header, (6, &encode_onward_step(step)), ends.0);
    send(world, ends, MessageKind::Onward, &sealed).unwrap();
}

/// Sends an order that no honest program would give.
pub(crate) fn command(world: &mut World, ends: (usize, usize, AgreementId), order: &mithaq_wire::Order) {
    let sealed = Sealed::stored(self::order(world, ends, order)).unwrap();
    send(world, ends, MessageKind::Order, &sealed).unwrap();
}

/// Says bytes that no program of this version writes.
pub(crate) fn say_bytes(world: &mut World, ends: (usize, usize, AgreementId), body: &[u8]) {
    let header = SealHeader { released_by: Vec::new(), ..header(world, ends, ObjectId::new([0x5d; 16])) };
    let sealed = sealed(&header, (6, body), ends.0);
    send(world, ends, MessageKind::Onward, &sealed).unwrap();
}

/// Says a step under a seal whose header carries a label that nobody here knows, or a step of another version.
pub(crate) fn say_as(
    world: &mut World,
    ends: (usize, usize, AgreementId),
    (step, form): (&OnwardStep, Form),
) {
    let header = SealHeader { released_by: Vec::new(), ..header(world, ends, ObjectId::new([0x5c; 16])) };
    let document = encode_seal_header(&header);
    let mut body = encode_onward_step(step);
    match form {
        Form::Label => {}
        Form::StepVersion => body[1] += 1,
    }
    let mut payload = Writer::default();
    payload.array(3).uint(6).bytes(&[7; 32]).bytes(&body);
    let label = (form == Form::Label).then_some(&b"what a later version says here"[..]);
    let bytes = labelled(b"mithaq/1 seal", (&document, label), &payload.finish(), &keys(ends.0));
    send(world, ends, MessageKind::Onward, &Sealed::stored(bytes).unwrap()).unwrap();
}

/// What differs from this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A label that is not critical.
    Label,
    /// The version of what is sealed.
    StepVersion,
}

/// Says two steps in the wrong order: the second arrives first and waits behind the gap.
pub(crate) fn say_late(
    world: &mut World,
    ends: (usize, usize, AgreementId),
    (first, second): (&OnwardStep, &OnwardStep),
) {
    let header = SealHeader { released_by: Vec::new(), ..header(world, ends, ObjectId::new([0x5b; 16])) };
    let seal = |step: &OnwardStep| sealed(&header, (6, &encode_onward_step(step)), ends.0);
    let place = next(world, ends, Lane::Control);
    let one = made(world, ends, (MessageKind::Onward, &seal(first)), place);
    let after = (Position { seq: place.0.seq + 1, ..place.0 }, Digest(Sha256::digest(&one).into()));
    let two = made(world, ends, (MessageKind::Onward, &seal(second)), after);
    let sender = world.nodes[ends.0].party.clone();
    for envelope in [two, one] {
        world.nodes[ends.1].app.receive_batch(&sender, &encode_batch(&[envelope])).unwrap();
    }
}

fn send(
    world: &mut World,
    ends: (usize, usize, AgreementId),
    kind: MessageKind,
    sealed: &Sealed,
) -> Result<(), AppError> {
    let place = next(world, ends, kind.lane().unwrap());
    let envelope = made(world, ends, (kind, sealed), place);
    let sender = world.nodes[ends.0].party.clone();
    world.nodes[ends.1].app.receive_batch(&sender, &encode_batch(&[envelope])).map(drop)
}

/// The place after what the receiver has, and what stands before it.
pub(crate) fn next(
    world: &World,
    (from, to, agreement): (usize, usize, AgreementId),
    class: Lane,
) -> (Position, Digest) {
    let sender = &world.nodes[from].party;
    let heads = decode_heads(&world.nodes[to].app.heads_for(sender, agreement).unwrap()).unwrap();
    let had = heads.taken.iter().find(|ack| ack.lane == class);
    had.map_or((Position { epoch: 1, seq: 1 }, Digest::ZERO), |ack| {
        (Position { seq: ack.at.seq + 1, ..ack.at }, ack.head)
    })
}

fn made(
    world: &World,
    ends: (usize, usize, AgreementId),
    message: (MessageKind, &Sealed),
    place: (Position, Digest),
) -> Vec<u8> {
    made_as(world, ends, message, place, (ends.1, &|_| ()))
}

/// The same with something about its header changed, encrypted to the keys of whichever node.
pub(crate) fn made_as(
    world: &World,
    (from, to, agreement): (usize, usize, AgreementId),
    (kind, sealed): (MessageKind, &Sealed),
    (at, prev): (Position, Digest),
    (opener, edit): (usize, &dyn Fn(&mut EnvelopeHeader)),
) -> Vec<u8> {
    let now = world.clock.0.now();
    let (sender, receiver): (PartyId, PartyId) =
        (world.nodes[from].party.clone(), world.nodes[to].party.clone());
    let class = kind.lane().unwrap();
    assert!(matches!(class, Lane::Control | Lane::Report));
    let manifest = world.nodes[from].app.registry().own.as_ref().unwrap().hash();
    let lane = LaneId { from: sender.clone(), to: receiver.clone(), agreement, lane: class };
    let mut header = EnvelopeHeader {
        lane,
        at,
        prev,
        manifest,
        mid: [u8::try_from(at.seq % 256).unwrap(); 16],
        kind,
        created: now,
        expires: now.plus(Days(30)),
        acks: Vec::new(),
        checkpoint: None,
    };
    edit(&mut header);
    let random = Zeroizing::new([u8::try_from(at.seq % 251).unwrap(); 64]);
    let mut session = KemSession::open((&sender, &receiver), keys(opener).kem_key(), now, &random).unwrap();
    assert_ne!(keys(from).node_key(), keys(to).node_key());
    wrap(&header, sealed, &mut session, &keys(from)).unwrap().bytes
}

/// An order as one node seals it for another.
pub(crate) fn order(world: &World, ends: (usize, usize, AgreementId), order: &mithaq_wire::Order) -> Vec<u8> {
    order_as(world, ends, order, ends.0)
}

/// An order in the name of one node, by the keys of another.
pub(crate) fn order_as(
    world: &World,
    ends: (usize, usize, AgreementId),
    order: &mithaq_wire::Order,
    by: usize,
) -> Vec<u8> {
    use mithaq_wire::Order;
    let (Order::Recall { object, .. } | Order::Delete { object, .. } | Order::Expiry { object, .. }) = order;
    let header = SealHeader { released_by: Vec::new(), ..header(world, ends, *object) };
    sealed(&header, (2, &mithaq_wire::encode_order(order)), by).into_bytes()
}
