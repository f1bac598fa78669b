//! A record as a file: parties with their keys, agreements, frames in the order they went, what each envelope says.

use std::path::PathBuf;

use data_encoding::{BASE64, HEXLOWER};
use mithaq_model::{AgreementId, PartyId, Timestamp};
use mithaq_testkit::party;
use serde_json::Value;
use zeroize::Zeroizing;

/// One record.
pub(super) struct Record {
    pub(super) name: String,
    pub(super) json: Value,
}

/// Every record that is kept.
pub(super) fn stored() -> Vec<Record> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/recorded");
    let mut found: Vec<Record> = std::fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| Record {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            json: serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap(),
        })
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

impl Record {
    /// A part that records have since it was added.
    pub(super) fn part(&self, name: &str) -> Option<Self> {
        let json = self.json.get(name)?.clone();
        Some(Self { name: format!("{}, {name}", self.name), json })
    }

    pub(super) fn frames(&self) -> Vec<Frame<'_>> {
        self.json["frames"].as_array().unwrap().iter().map(Frame).collect()
    }

    pub(super) fn parties(&self) -> Vec<Party<'_>> {
        self.json["parties"].as_array().unwrap().iter().map(Party).collect()
    }
}

/// A party with its keys.
pub(super) struct Party<'a>(pub(super) &'a Value);

impl Party<'_> {
    pub(super) fn id(&self) -> PartyId {
        party(text(&self.0["party"]))
    }

    pub(super) fn manifest(&self) -> Vec<u8> {
        bytes(&self.0["signed_manifest"])
    }

    pub(super) fn seed(&self, what: &str) -> Zeroizing<[u8; 32]> {
        let seed = HEXLOWER.decode(text(&self.0["test_seeds"][what]).as_bytes()).unwrap();
        Zeroizing::new(seed.try_into().unwrap())
    }
}

/// One thing that went from a node to another, and what came back.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a>(pub(super) &'a Value);

impl Frame<'_> {
    pub(super) fn kind(&self) -> &str {
        text(&self.0["frame"])
    }

    pub(super) fn from(&self) -> PartyId {
        party(text(&self.0["from"]))
    }

    pub(super) fn to(&self) -> PartyId {
        party(text(&self.0["to"]))
    }

    pub(super) fn at(&self) -> Timestamp {
        Timestamp::parse(text(&self.0["at"])).unwrap()
    }

    pub(super) fn agreement(&self) -> AgreementId {
        text(&self.0["agreement"]).parse().unwrap()
    }

    pub(super) fn body(&self) -> Vec<u8> {
        bytes(&self.0["body"])
    }

    /// What was answered.
    pub(super) fn answer(&self) -> Vec<u8> {
        bytes(&self.0["answer"])
    }

    /// What a node answers that knows nothing but the agreements and the frames before this one: the same, where the
    /// answer does not depend on what the node said itself.
    pub(super) fn fresh(&self) -> Vec<u8> {
        let own = &self.0["answer_without_own_half"];
        if own.is_null() { self.answer() } else { bytes(own) }
    }

    pub(super) fn what(&self) -> String {
        format!("{} from {} to {}", self.kind(), self.from(), self.to())
    }
}

pub(super) fn text(json: &Value) -> &str {
    json.as_str().unwrap_or_else(|| panic!("no text: {json}"))
}

pub(super) fn bytes(json: &Value) -> Vec<u8> {
    BASE64.decode(text(json).as_bytes()).unwrap()
}

pub(super) fn base64(bytes: &[u8]) -> Value {
    Value::from(BASE64.encode(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> Value {
    Value::from(HEXLOWER.encode(bytes))
}
