//! What a former version sent (fault group 36): conversations as they went over the wire, with the keys of their invented
//! parties, in `docs/spec/vectors/recorded`. They are verified, opened and read, and nodes that know nothing of them
//! take every frame and answer as they answered when it was recorded. A record is made by `cargo xtask record NAME` when
//! a version is released, and never made again: its signatures are random, and it says what was sent.

mod conversation;
mod file;
mod look;
mod refusals;
mod replay;

use std::collections::BTreeSet;

use mithaq_check::CheckRefusal;
use mithaq_exchange::{Refuse, Stop};
use mithaq_model::DenialCode;
use mithaq_policy::ConsentFault;
use serde_json::Value;

use self::file::Record;
use crate::checks::recorded as checks;
use crate::world::World;

/// Names the file that a new record is written to.
const WRITE_TO: &str = "MITHAQ_RECORD";

/// Everything a conversation of nodes has in it, as [`look::opened`] and the frames name it.
/// Documents of private checks.
const DOCUMENTS: [&str; 7] = ["set", "request", "claims", "candidate", "standing", "event", "event-claim"];
const KINDS: [&str; 8] = ["report", "correction", "order", "notice", "receipts", "step", "onward", "hop"];
const FRAMES: [&str; 7] = ["batch", "fetched", "heads", "papers", "checkpoint", "chunks", "chunk"];

/// Codes that are in no record: they cannot be provoked by what one node sends another in a moment. By value: what is here was
/// sent by released versions, and is never renamed.
const PINNED: &[&str] = &[
    "CASE",
    "CLK",
    "HND",
    "HOLD",
    "PRT",
    "PUR",
    "ROLE",
    "RSK",
    "SIG",
    "SPC",
    "TWO_PERSON",
    "batch.size",
    "check.not_evaluated",
    "check.other_permit",
    "check.standing_warrant",
    "envelope.kind",
    "envelope.size",
    "envelope.validity",
    "node.busy",
    "onward.revoked",
    "onward.state",
    "order.limit",
    "policy.internal",
    "seal.agreement",
    "seal.kind",
    "seal.originator",
    "seal.recipient",
];

fn all() -> Vec<Record> {
    let found = file::stored();
    assert!(!found.is_empty(), "there is a record");
    found
}

/// Every conversation, those of nodes that lie among them.
fn conversations() -> Vec<Record> {
    all().into_iter().flat_map(|record| [record.part("refusals"), Some(record)]).flatten().collect()
}

#[test]
fn what_a_former_version_sent_verifies_opens_and_says_the_same() {
    for record in conversations() {
        let seen = look::look(&record).unwrap_or_else(|what| panic!("{}: {what}", record.name));
        assert_eq!(Value::Array(seen), record.json["envelopes"], "{}", record.name);
    }
}

#[test]
fn nodes_take_what_a_former_version_sent_and_give_its_receipts_byte_for_byte() {
    for record in conversations() {
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

#[test]
fn what_a_former_version_asked_reads_opens_and_says_the_same() {
    let records: Vec<Record> = all().iter().filter_map(|record| record.part("checks")).collect();
    assert!(!records.is_empty(), "there is a record with checks");
    for record in records {
        let seen = checks::look(&record.json).unwrap_or_else(|what| panic!("{}: {what}", record.name));
        assert_eq!(Value::Array(seen), record.json["says"], "{}", record.name);
        for document in DOCUMENTS {
            let line = record.json["line"].as_array().unwrap();
            assert!(line.iter().any(|one| one["document"] == document), "{}: no {document}", record.name);
        }
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

/// Every code in a record of what nodes refused.
fn told(record: &Record) -> BTreeSet<String> {
    let refused = record.part("refusals").into_iter().flat_map(|part| {
        let of = |one: &Value| one["codes"].as_array().cloned().unwrap_or_default();
        part.json["envelopes"].as_array().unwrap().iter().flat_map(of).collect::<Vec<_>>()
    });
    let checks = record.part("checks").into_iter().flat_map(|part| {
        let says = part.json["says"].as_array().unwrap().iter();
        says.map(|one| one["says"]["refused"].clone()).collect::<Vec<_>>()
    });
    let all = refused.chain(checks).filter_map(|code| code.as_str().map(ToOwned::to_owned));
    all.filter(|code| code != "accepted").collect()
}

#[test]
fn every_code_that_a_partner_can_be_told_is_in_a_record_or_pinned_here() {
    let recorded: BTreeSet<String> = all().iter().flat_map(told).collect();
    let pinned: BTreeSet<String> = PINNED.iter().map(|code| (*code).to_owned()).collect();
    let known: BTreeSet<String> = codes().into_iter().map(ToOwned::to_owned).collect();
    let was: BTreeSet<String> = recorded.union(&pinned).cloned().collect();
    let gone: Vec<_> = was.difference(&known).collect();
    assert!(
        gone.is_empty(),
        "{gone:?} were sent by released versions, and their nodes act upon them: give the code its name back. A refusal \
         that means something else is a new code beside the old one"
    );
    let new: Vec<_> = known.difference(&was).collect();
    assert!(
        new.is_empty(),
        "{new:?} are in no record: provoke them in recorded/refusals.rs or checks/recorded.rs, for the next record, and add \
         them to PINNED until then. Is one of them an old code with another name? Give it its name back"
    );
    let both: Vec<_> = recorded.intersection(&pinned).collect();
    assert!(both.is_empty(), "{both:?} are in a record: take them out of PINNED");
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
    let lies = refusals::record();
    let replayed = replay::replay(&lies);
    let again: Vec<_> = lies.frames().iter().map(file::Frame::fresh).collect();
    assert_eq!(replayed.answers, again);
    let asked = checks::record();
    if let Some(path) = std::env::var_os(WRITE_TO) {
        let mut json = record.json;
        (json["refusals"], json["checks"]) = (lies.json, asked);
        let mut text = serde_json::to_string_pretty(&json).unwrap();
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
