//! What a former version sent (fault group 36): conversations as they went over the wire, with the keys of their invented
//! parties, in `docs/spec/vectors/recorded`. They are verified, opened and read, and nodes that know nothing of them
//! take every frame and answer as they answered when it was recorded. A record is made by `cargo xtask record NAME` when
//! a version is released, and never made again: its signatures are random, and it says what was sent.

mod conversation;
mod file;
mod look;
mod replay;

use std::collections::BTreeSet;

use mithaq_check::CheckRefusal;
use mithaq_exchange::{Refuse, Stop};
use mithaq_model::DenialCode;
use mithaq_policy::ConsentFault;
use serde_json::Value;

use self::file::Record;
use crate::world::World;

/// Names the file that a new record is written to.
const WRITE_TO: &str = "MITHAQ_RECORD";

/// Everything a conversation of nodes has in it, as [`look::opened`] and the frames name it.
const KINDS: [&str; 8] = ["report", "correction", "order", "notice", "receipts", "step", "onward", "hop"];
const FRAMES: [&str; 7] = ["batch", "fetched", "heads", "papers", "checkpoint", "chunks", "chunk"];

/// Every code that a partner can be told, by value: partners act upon them, so none is ever renamed.
const PINNED: &[&str] = &[
    "AGR",
    "BUD",
    "CASE",
    "CAT",
    "CLK",
    "CLS",
    "GRD",
    "HND",
    "HOLD",
    "ORC",
    "PRT",
    "PUR",
    "RET",
    "ROLE",
    "RSK",
    "SIG",
    "SPC",
    "TWO_PERSON",
    "batch.lane",
    "batch.size",
    "check.element",
    "check.epoch",
    "check.event_over",
    "check.not_evaluated",
    "check.number_used",
    "check.other_agreement",
    "check.other_permit",
    "check.standing_count",
    "check.standing_life",
    "check.standing_over",
    "check.standing_warrant",
    "check.two_persons",
    "envelope.address",
    "envelope.expired",
    "envelope.key_distrusted",
    "envelope.key_ended",
    "envelope.kind",
    "envelope.malformed",
    "envelope.signature",
    "envelope.signer",
    "envelope.size",
    "envelope.undecryptable",
    "envelope.unsupported",
    "envelope.validity",
    "lane.epoch",
    "lane.equivocation",
    "lane.frozen",
    "lane.gap",
    "node.busy",
    "object.originator",
    "object.recalled",
    "object.version",
    "onward.expired",
    "onward.forged",
    "onward.forwarder",
    "onward.missing",
    "onward.originator",
    "onward.purpose",
    "onward.recipient",
    "onward.revoked",
    "onward.route",
    "onward.seal",
    "onward.state",
    "onward.used",
    "onward.version",
    "order.limit",
    "policy.internal",
    "request.ground",
    "request.state",
    "request.unknown",
    "seal.agreement",
    "seal.kind",
    "seal.malformed",
    "seal.originator",
    "seal.recipient",
    "seal.signature",
    "seal.unsupported",
];

fn all() -> Vec<Record> {
    let found = file::stored();
    assert!(!found.is_empty(), "there is a record");
    found
}

#[test]
fn what_a_former_version_sent_verifies_opens_and_says_the_same() {
    for record in all() {
        let seen = look::look(&record).unwrap_or_else(|what| panic!("{}: {what}", record.name));
        assert_eq!(Value::Array(seen), record.json["envelopes"], "{}", record.name);
    }
}

#[test]
fn nodes_take_what_a_former_version_sent_and_give_its_receipts_byte_for_byte() {
    for record in all() {
        let replayed = replay::replay(&record);
        for (number, (frame, answer)) in record.frames().iter().zip(&replayed.answers).enumerate() {
            assert_eq!(*answer, frame.fresh(), "{} frame {number}: {}", record.name, frame.what());
        }
        assert_eq!(replayed.read, record.json["read"], "{}: what people read", record.name);
    }
}

#[test]
fn a_record_has_every_kind_of_message_and_frame() {
    for record in all() {
        let of = |list: &str, part: &str| -> BTreeSet<String> {
            let all = record.json[list].as_array().unwrap().iter();
            all.filter_map(|one| one[part].as_str().map(ToOwned::to_owned)).collect()
        };
        let (kinds, frames) = (of("envelopes", "kind"), of("frames", "frame"));
        let missing = |wanted: &[&str], found: &BTreeSet<String>| -> Vec<String> {
            wanted.iter().map(|one| (*one).to_owned()).filter(|one| !found.contains(one)).collect()
        };
        assert_eq!(missing(&KINDS, &kinds), Vec::<String>::new(), "{}", record.name);
        assert_eq!(missing(&FRAMES, &frames), Vec::<String>::new(), "{}", record.name);
        // Most of it is taken as it was then, not as by a node that lacks its own half of the conversation.
        let (same, other): (Vec<_>, Vec<_>) =
            record.frames().into_iter().partition(|frame| frame.answer() == frame.fresh());
        assert!(same.len() > 2 * other.len(), "{} as then, {} otherwise", same.len(), other.len());
    }
}

/// Every code that a partner can be told, of the closed lists in the code.
fn codes() -> BTreeSet<&'static str> {
    let stops = Stop::ALL.iter().map(|one| one.code());
    let refusals = Refuse::ALL.iter().map(|one| one.code());
    let rules = DenialCode::ALL.iter().map(|one| one.code());
    let consents = ConsentFault::ALL.iter().map(|one| one.code());
    let checks = CheckRefusal::ALL.iter().map(|one| one.code());
    stops.chain(refusals).chain(rules).chain(consents).chain(checks).collect()
}

#[test]
fn every_code_that_a_partner_can_be_told_is_pinned_and_none_is_renamed() {
    let (known, pinned) = (codes(), PINNED.iter().copied().collect::<BTreeSet<_>>());
    let gone: Vec<_> = pinned.difference(&known).collect();
    assert!(
        gone.is_empty(),
        "{gone:?} are gone, and nodes of partners act upon them: give the code its name back. A refusal that means \
         something else is a new code beside the old one"
    );
    let new: Vec<_> = known.difference(&pinned).collect();
    assert!(new.is_empty(), "{new:?} are new: add them to PINNED, if none is an old code with another name");
}

#[test]
fn a_changed_record_is_found() {
    let record = all().remove(0);
    let flip = |frame: usize, part: &str, at: usize| {
        let mut changed = Record { name: record.name.clone(), json: record.json.clone() };
        let mut bytes = file::bytes(&changed.json["frames"][frame][part]);
        let at = bytes.len().saturating_sub(at);
        bytes[at] ^= 1;
        changed.json["frames"][frame][part] = file::base64(&bytes);
        look::look(&changed)
    };
    let batch = record.frames().iter().position(|frame| frame.kind() == "batch").unwrap();
    // In the signature of the last envelope; in its ciphertext; in the last receipt's statement.
    assert!(flip(batch, "body", 1).is_err() && flip(batch, "body", 200).is_err());
    assert!(flip(batch, "answer", 90).is_err());
}

#[test]
fn a_conversation_is_recorded_and_nodes_that_know_nothing_of_it_take_it() {
    let record = conversation::record();
    let replayed = replay::replay(&record);
    let frames = record.frames();
    let again: Vec<_> = frames.iter().map(file::Frame::fresh).collect();
    assert_eq!(replayed.answers, again);
    assert_eq!(replayed.read, record.json["read"]);
    if let Some(path) = std::env::var_os(WRITE_TO) {
        let mut text = serde_json::to_string_pretty(&record.json).unwrap();
        text.push('\n');
        // Never over a record that is there.
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    }
}

/// Three nodes and their agreements, in the order of the record.
fn three() -> (World, [mithaq_model::AgreementId; 3]) {
    let mut world = World::strangers(&[crate::world::MA, crate::world::ES, crate::world::CI]);
    let ids = [(0, 1), (1, 2), (0, 2)].map(|(one, other)| world.agree(one, other, |text| text));
    world.agreement = ids[0];
    (world, ids)
}
