//! The edges on which verifiers of Ed25519 disagree, as `docs/spec/vectors/ed25519.json` has them: "Taming the many EdDSAs"
//! (Chalkias, Garillot, Nikolaenko, 2020) and every pair of edge points. Each verifier of the project is held to it.

use data_encoding::HEXLOWER;
use serde_json::Value as Json;

/// One signature and the verdict it must get.
#[derive(Debug)]
pub struct Edge {
    /// What is taken for a public key.
    pub key: [u8; 32],
    /// What was signed.
    pub message: Vec<u8>,
    /// What is taken for a signature.
    pub signature: [u8; 64],
    /// Whether it is accepted.
    pub good: bool,
    /// What it shows.
    pub why: String,
}

/// The whole table.
#[derive(Debug)]
pub struct Edges {
    /// Of the paper.
    pub published: Vec<Edge>,
    /// Made for it: each key with each R.
    pub made: Vec<Edge>,
}

impl Edges {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Edge> {
        self.published.iter().chain(&self.made)
    }
}

/// Reads the table.
#[must_use]
pub fn ed25519_edges() -> Edges {
    let table = include_str!("../../../docs/spec/vectors/ed25519.json");
    let table: Json = serde_json::from_str(table).expect("JSON");
    let at = |list: &str, place: &Json| {
        let place = place.as_u64().and_then(|place| usize::try_from(place).ok()).expect("a place");
        bytes(rows(&table, list).get(place).expect("a point"))
    };
    let published = rows(&table, "published").iter().map(|one| Edge {
        key: fixed(bytes(&one["key"])),
        message: bytes(&one["message"]),
        signature: fixed(bytes(&one["signature"])),
        good: one["good"].as_bool().expect("a verdict"),
        why: one["why"].to_string(),
    });
    let made = rows(&table, "made").iter().map(|row| Edge {
        key: fixed(at("keys", &row[0])),
        message: format!("mithaq {}", row[2]).into_bytes(),
        signature: fixed([at("rs", &row[1]), bytes(&row[3])].concat()),
        good: row[4].as_bool().expect("a verdict"),
        why: row.to_string(),
    });
    Edges { published: published.collect(), made: made.collect() }
}

fn rows<'a>(table: &'a Json, list: &str) -> &'a [Json] {
    table[list].as_array().expect("a list")
}

fn bytes(hex: &Json) -> Vec<u8> {
    HEXLOWER.decode(hex.as_str().expect("hexadecimal digits").as_bytes()).expect("hexadecimal digits")
}

fn fixed<const N: usize>(bytes: Vec<u8>) -> [u8; N] {
    bytes.try_into().expect("a key or a signature")
}
