//! The scenarios of `docs/spec/vectors/exchange.json`, on paper envelopes.

use std::collections::BTreeMap;

use mithaq_exchange::ports::Wrap;
use mithaq_exchange::{Content, DELAY_MAX_MS, delay};
use mithaq_model::Millis;
use mithaq_sim::paper::{Policy, Sealed, manifest};
use mithaq_wire::{Digest, EnvelopeHeader, Lane, LaneId, MessageKind, Position};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::world::{AGREEMENT, DAY, NOW, Node, object, pair, party, verdicts};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../docs/spec/vectors/exchange.json")).unwrap()
}

fn hash(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

fn place(value: &Value) -> Position {
    let epoch = u32::try_from(value[0].as_u64().unwrap()).unwrap();
    Position { epoch, seq: value[1].as_u64().unwrap() }
}

fn sealed(a: &Node, b: &Node, spec: &Value) -> Option<Sealed> {
    let id = object(u8::try_from(spec["object"].as_u64().unwrap_or(0)).unwrap());
    let number = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    let policy = match spec["policy"].as_str() {
        Some("refuse") => Policy::Refuse,
        Some("quarantine") => Policy::Quarantine,
        Some("fail") => Policy::Crash,
        Some(_) | None => Policy::Accept,
    };
    let version = spec.get("version").map_or(1, number);
    let mut sealed = match spec["kind"].as_str()? {
        "report" | "correction" => a.slip(&b.party, id, version, policy),
        "recall" => {
            let versions: Vec<_> = spec["versions"].as_array().unwrap().iter().map(number).collect();
            a.recall(&b.party, id, &versions)
        }
        "notice" => a.notice(&b.party),
        _epoch => return None,
    };
    match spec["seal"].as_str() {
        Some("nobody") => sealed.seal.recipients.clear(),
        Some("another") => sealed.seal.recipients = vec![party("ci-judiciary")],
        Some(_) | None => {}
    }
    Some(sealed)
}

fn wrapped(a: &mut Node, b: &Node, spec: &Value, prev: Digest, mid: u8) -> Vec<u8> {
    let kind = match spec["kind"].as_str().unwrap() {
        "report" => MessageKind::Report,
        "correction" => MessageKind::Correction,
        "recall" => MessageKind::Order,
        "notice" => MessageKind::Notice,
        _epoch => MessageKind::EpochStart,
    };
    let content = sealed(a, b, spec);
    debug_assert!(content.as_ref().is_none_or(|sealed| sealed.content != Content::EpochStart));
    let lane = kind.lane().unwrap_or(Lane::Report);
    let header = EnvelopeHeader {
        lane: LaneId { from: a.party.clone(), to: b.party.clone(), agreement: AGREEMENT, lane },
        at: place(&spec["at"]),
        prev,
        manifest: manifest(&a.party, 1),
        mid: [mid; 16],
        kind,
        created: NOW,
        expires: NOW.plus(Millis(30 * DAY)),
        acks: Vec::new(),
        checkpoint: None,
    };
    let sealed = content.map(|sealed| a.paper.seal(&sealed)).unwrap_or_default();
    a.paper.wrap(&header, &sealed).unwrap()
}

/// All envelopes of a scenario; what another one chains to comes first.
fn envelopes(a: &mut Node, b: &Node, scenario: &Value) -> BTreeMap<String, Vec<u8>> {
    let specs = scenario["envelopes"].as_object().unwrap();
    let mut made: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    while made.len() < specs.len() {
        let before = made.len();
        for (mid, (name, spec)) in specs.iter().enumerate() {
            let prev = match spec["prev"].as_str() {
                None => Some(Digest::ZERO),
                Some(prev) => made.get(prev).map(|bytes| hash(bytes)),
            };
            if let Some(prev) = prev.filter(|_| !made.contains_key(name)) {
                let bytes = wrapped(a, b, spec, prev, u8::try_from(mid).unwrap());
                made.insert(name.clone(), bytes);
            }
        }
        assert!(made.len() > before, "a chain of {} has no beginning", scenario["name"]);
    }
    made
}

#[test]
fn scenarios_end_as_the_specification_says() {
    for scenario in vectors()["scenarios"].as_array().unwrap() {
        let (mut a, mut b) = pair();
        let made = envelopes(&mut a, &b, scenario);
        let mut answers: Vec<Vec<Vec<u8>>> = Vec::new();
        for (n, step) in scenario["steps"].as_array().unwrap().iter().enumerate() {
            let at = format!("{} step {n}", scenario["name"]);
            b.now = NOW.plus(Millis(step["day"].as_u64().unwrap_or(0) * DAY));
            let names: Vec<_> =
                step["deliver"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
            let batch: Vec<_> = names.iter().map(|name| made[*name].clone()).collect();
            let (received, answer) = b.take(&a.party, &batch);
            let expected: Vec<_> = step["taken"].as_array().unwrap().iter().collect();
            let codes: Vec<_> = expected.iter().map(|pair| pair[1].as_str().unwrap()).collect();
            let got: Vec<_> =
                verdicts(&received).iter().map(|code| code.trim_start_matches('?').to_owned()).collect();
            assert_eq!(got, codes, "{at}");
            for ((row, _), pair) in received.messages.iter().zip(&expected) {
                assert_eq!(row.bytes, made[pair[0].as_str().unwrap()], "{at}");
            }
            let head = step["head"].as_str().map_or(Digest::ZERO, |name| hash(&made[name]));
            assert_eq!((answer.have, answer.head), (place(&step["have"]), head), "{at}");
            assert_eq!(answer.stopped.as_deref(), step["stopped"].as_str(), "{at}");
            assert_eq!(answer.receipts.len() as u64, step["receipts"].as_u64().unwrap(), "{at}");
            assert_eq!(received.lane.frozen, step["frozen"].as_bool().unwrap_or(false), "{at}");
            if let Some(same) = step["same_as"].as_u64() {
                assert_eq!(answer.receipts, answers[usize::try_from(same).unwrap()], "{at}");
            }
            answers.push(answer.receipts);
        }
    }
}

#[test]
fn delays_are_those_of_the_specification() {
    for pair in vectors()["backoff_ms"].as_array().unwrap() {
        let attempts = u32::try_from(pair[0].as_u64().unwrap()).unwrap();
        assert_eq!(delay(attempts, 0).0, pair[1].as_u64().unwrap(), "after {attempts} attempts");
    }
    assert!((1..99).all(|attempts| delay(attempts, 0).0 <= DELAY_MAX_MS));
}
