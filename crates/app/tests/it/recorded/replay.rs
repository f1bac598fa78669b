//! A record given to nodes that know nothing of it: they are made from its keys, adopt its agreements as people would,
//! take every frame, and people read what came.

use std::collections::BTreeMap;
use std::sync::Arc;

use mithaq_app::{App, WitnessAnswer, intent};
use mithaq_db::Db;
use mithaq_envelope::{Seeds, SoftKeys, SoftRoot};
use mithaq_model::{CrimeArea, ObjectId, PartyId, ReportId};
use mithaq_testkit::FakeClock;
use mithaq_wire::Digest;
use serde_json::{Value, json};

use super::file::{Frame, Party, Record, bytes, text};
use super::look;
use crate::world::{Marked, Node, Shared, low_risk, parts_of};

/// What came of it.
pub(super) struct Replayed {
    /// The answer to each frame; empty where none is given.
    pub(super) answers: Vec<Vec<u8>>,
    /// What people read at the end, by party and report.
    pub(super) read: Value,
}

pub(super) fn replay(record: &Record) -> Replayed {
    let frames = record.frames();
    let clock = Shared(Arc::new(FakeClock::at(frames[0].at())));
    let nodes = nodes(record, &clock);
    let mut answers = Vec::new();
    for frame in &frames {
        clock.0.set(frame.at());
        answers.push(take(&nodes[&frame.to()].app, *frame));
    }
    Replayed { answers, read: read(record, &nodes) }
}

fn nodes(record: &Record, clock: &Shared) -> BTreeMap<PartyId, Node> {
    let made =
        record.parties().into_iter().zip(1_u8..).map(|(party, n)| (party.id(), node(&party, n, clock)));
    let nodes: BTreeMap<PartyId, Node> = made.collect();
    let manifests: BTreeMap<PartyId, Vec<u8>> =
        record.parties().iter().map(|party| (party.id(), party.manifest())).collect();
    for agreement in record.json["agreements"].as_array().unwrap() {
        let between: Vec<PartyId> = agreement["between"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| mithaq_testkit::party(text(one)))
            .collect();
        for here in &between {
            let node = &nodes[here];
            let may = node.actor("authority").may(intent::GovernAgreement).unwrap();
            let id = node.app.add_agreement(may, text(&agreement["text"])).unwrap();
            for signature in agreement["signatures"].as_array().unwrap() {
                node.app.sign_agreement(may, &bytes(signature)).unwrap();
            }
            for there in between.iter().filter(|there| *there != here) {
                node.app.add_manifest(may, there, &manifests[there]).unwrap();
                node.assess(there, &low_risk());
            }
            node.app.activate_agreement(may, id).unwrap();
        }
    }
    nodes
}

fn node(party: &Party<'_>, n: u8, clock: &Shared) -> Node {
    let (id, seed) = (party.id(), |what: &str| party.seed(what));
    let keys = SoftKeys::new(&Seeds { seal: seed("seal"), node: seed("node"), kem: seed("kem") }).unwrap();
    let root = SoftRoot::new(&seed("root_ed25519"), &seed("root_ml_dsa")).unwrap();
    let mark = Arc::new(Marked::default());
    let parts = parts_of(&id, (keys, [seed("log"), seed("witness")]), (n, 0), (clock, &mark));
    Node::of((id, n), (parts, mark), (root, &party.manifest()), Db::open_inline().unwrap())
}

/// One frame given to the node it was sent to.
fn take(app: &App, frame: Frame<'_>) -> Vec<u8> {
    let (from, body) = (frame.from(), frame.body());
    let root = || {
        Digest(data_encoding::HEXLOWER.decode(text(&frame.0["root"]).as_bytes()).unwrap().try_into().unwrap())
    };
    match frame.kind() {
        "batch" | "fetched" | "refused" => {
            app.receive_batch(&from, &body).unwrap_or_else(|error| error.code().into())
        }
        "heads" => {
            app.note_heads(&from, &body).map_or_else(|error| error.code().into(), |_behind| Vec::new())
        }
        "papers" => match app.take_papers(&from, &body) {
            Ok(number) => number.to_string().into_bytes(),
            Err(error) => error.code().into(),
        },
        "checkpoint" => match app.countersign(&from, &body).unwrap() {
            WitnessAnswer::Signed(line) => line,
            other @ (WitnessAnswer::Conflict(_)
            | WitnessAnswer::Inconsistent
            | WitnessAnswer::Malformed
            | WitnessAnswer::Signature
            | WitnessAnswer::UnknownLog) => format!("{other:?}").into_bytes(),
        },
        "chunks" => {
            let taken = app.take_chunk_list(&from, (frame.agreement(), root()), &body);
            taken.map_or_else(|error| error.code().into(), |_list| Vec::new())
        }
        "chunk" => {
            let index = frame.0["index"].as_u64().unwrap();
            match app.take_chunk(&from, (frame.agreement(), root()), index, &body) {
                Ok(taken) => format!("{} of {}", taken.next, taken.chunks).into_bytes(),
                Err(error) => error.code().into(),
            }
        }
        other => panic!("no frame `{other}`"),
    }
}

/// Every report that came to a node, as its analyst reads it, or the code of the refusal.
fn read(record: &Record, nodes: &BTreeMap<PartyId, Node>) -> Value {
    let mut found = Vec::new();
    for party in record.parties() {
        let node = &nodes[&party.id()];
        let case = node.case(CrimeArea::ForeignTerroristFighters);
        for number in text_list(&party.0["got"]) {
            let id = ReportId::from(number.parse::<ObjectId>().unwrap());
            let shown = node.read(case, id);
            let shown = shown.map_or_else(|error| Value::from(error.code()), |report| look::report(&report));
            found.push(json!({ "at": party.id().to_string(), "report": number, "shown": shown }));
        }
    }
    Value::Array(found)
}

fn text_list(json: &Value) -> Vec<String> {
    json.as_array().map(|all| all.iter().map(|one| text(one).to_owned()).collect()).unwrap_or_default()
}
