//! `docs/spec/vectors/ledger.json`: the public RFC 6962 vectors, and our own worked example byte for byte.

use crate::common::{Key, ORIGIN, log_of, signed, witness_keys};
use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::SigningKey;
use mithaq_ledger::{
    Appender, BundleBuilder, Code, EMPTY_ROOT, Entry, Frontier, Hash, Id, KeyKind, KeyName, MemoryTiles,
    Opening, Pseudonym, TileId, TilePath, Trust, commit, encode_entry_bundle, leaf_hash, prove_consistency,
    prove_inclusion, root_at, verify_bundle, verify_consistency, verify_inclusion,
};
use serde_json::{Value, json};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../docs/spec/vectors/ledger.json")).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(text(value).as_bytes()).unwrap()
}

fn hash(value: &Value) -> Hash {
    text(value).parse().unwrap()
}

fn hashes(value: &Value) -> Vec<Hash> {
    value.as_array().unwrap().iter().map(hash).collect()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[test]
fn rfc_6962_roots() {
    let v = &vectors()["rfc6962"];
    let leaves: Vec<_> = v["leaves"].as_array().unwrap().iter().map(hex).collect();
    let (mut log, mut tiles) = (Appender::new(), MemoryTiles::new());
    assert_eq!((log.root(), EMPTY_ROOT), (hash(&v["empty_root"]), hash(&v["empty_root"])));
    let roots = hashes(&v["roots"]);
    assert_eq!((leaves.len(), roots.len()), (8, 8));
    for (leaf, root) in leaves.iter().zip(&roots) {
        let appended = log.append(std::slice::from_ref(leaf)).unwrap();
        assert_eq!(appended.root, *root, "size {}", appended.size);
        tiles.apply(appended);
        assert_eq!(root_at(&tiles, log.size()), Ok(*root));
    }
}

#[test]
fn rfc_6962_proofs() {
    let v = &vectors()["rfc6962"];
    let leaves: Vec<_> = v["leaves"].as_array().unwrap().iter().map(hex).collect();
    let log = log_of(leaves);
    let roots = hashes(&v["roots"]);
    let root = |size: u64| &roots[usize::try_from(size).unwrap() - 1];
    for case in v["inclusion"].as_array().unwrap() {
        let (index, size, proof) = (number(&case["index"]), number(&case["size"]), hashes(&case["proof"]));
        let leaf = leaf_hash(&log.entries[usize::try_from(index).unwrap()]);
        assert_eq!(prove_inclusion(&log.tiles, index, size).unwrap(), proof);
        assert_eq!(verify_inclusion(&leaf, index, size, &proof, root(size)), Ok(()));
    }
    for case in v["consistency"].as_array().unwrap() {
        let (old, new, proof) = (number(&case["old"]), number(&case["new"]), hashes(&case["proof"]));
        assert_eq!(prove_consistency(&log.tiles, old, new).unwrap(), proof);
        assert_eq!(verify_consistency((old, root(old)), (new, root(new)), &proof), Ok(()));
    }
}

#[test]
fn tile_paths() {
    for case in vectors()["tile_paths"].as_array().unwrap() {
        let (index, width) = (number(&case["index"]), u16::try_from(number(&case["width"])).unwrap());
        let path = match case["level"].as_u64() {
            Some(level) => TilePath::hashes(TileId { level: u8::try_from(level).unwrap(), index }, width),
            None => TilePath::entries(index, width),
        };
        assert_eq!(path.unwrap().to_string(), text(&case["path"]));
        assert_eq!(text(&case["path"]).parse(), path);
    }
}

/// The three entries of the example: one with every field, one with the fewest, one refusal.
fn example_entries() -> Vec<Vec<u8>> {
    let (code, id) = (|text| Code::new(text).unwrap(), |text| Id::new(text).unwrap());
    let full = Entry {
        actor: Some(Pseudonym([0xa1; 16])),
        case: Some(id("C-2026-014")),
        purpose: Some(code("investigation")),
        agreement: Some(Hash::new([0xb2; 32])),
        counterparty: Some(id("es-police")),
        verdict: Some(id("permit")),
        commitment: Some(commit(&[0x5a; 32], b"the sealed report")),
        prev_state: Some(Hash::new([0xc3; 32])),
        ..Entry::new(code("report.released"), 1_760_000_000_000, code("supervisor"), id("R-7Q2K"))
    };
    let least = Entry::new(code("log.filler"), 1_760_000_001_000, code("system"), id("filler"));
    let refused = Entry {
        counterparty: Some(id("ci-judicial")),
        verdict: Some(id("agreement.not_in_force")),
        ..Entry::new(code("request.refused"), -1, code("system"), id("Q-19"))
    };
    [full, least, refused].iter().map(Entry::encode).collect()
}

/// What the example must be, in the shape of the vector file.
fn example() -> Value {
    let log = log_of(example_entries());
    let [witness, _] = witness_keys();
    let note = signed(3, log.appender.root(), std::slice::from_ref(&witness));
    let mut bundle = BundleBuilder::new(KeyName::new(ORIGIN).unwrap());
    bundle.checkpoint(&note, &[]).unwrap();
    bundle.segment(0, &[], &log.entries).unwrap();
    bundle.opening(0, &[0x5a; 32], &Opening::Content(b"the sealed report")).unwrap();
    let bundle = bundle.finish().unwrap();
    let to_hex = |bytes: &Vec<u8>| HEXLOWER.encode(bytes);
    json!({
        "log_seed": "01".repeat(32),
        "witness_seed": "02".repeat(32),
        "log_vkey": Key::new(1, ORIGIN, KeyKind::Ed25519).verifier().to_string(),
        "witness_vkey": witness.verifier().to_string(),
        "salt": "5a".repeat(32),
        "content": "the sealed report",
        "commitment": commit(&[0x5a; 32], b"the sealed report").to_string(),
        "entries": log.entries.iter().map(to_hex).collect::<Vec<_>>(),
        "leaf_hashes": log.entries.iter().map(|e| leaf_hash(e).to_string()).collect::<Vec<_>>(),
        "entry_bundle": HEXLOWER.encode(&encode_entry_bundle(&log.entries).unwrap()),
        "root": log.appender.root().to_string(),
        "state_row": HEXLOWER.encode(&log.appender.frontier().to_bytes()),
        "inclusion_of_2": prove_inclusion(&log.tiles, 2, 3).unwrap().iter().map(Hash::to_string).collect::<Vec<_>>(),
        "consistency_1_3": prove_consistency(&log.tiles, 1, 3).unwrap().iter().map(Hash::to_string).collect::<Vec<_>>(),
        "checkpoint": String::from_utf8(note).unwrap(),
        "bundle": BASE64.encode(&bundle),
    })
}

#[test]
fn our_example_is_byte_for_byte_the_one_in_the_file() {
    let (got, expected) = (example(), &vectors()["example"]);
    assert_eq!(&got, expected, "{got:#}");
}

#[test]
fn the_example_in_the_file_verifies() {
    let v = &vectors()["example"];
    let (logs, witnesses) =
        ([text(&v["log_vkey"]).parse().unwrap()], [text(&v["witness_vkey"]).parse().unwrap()]);
    let trust = Trust { logs: &logs, witnesses: &witnesses, quorum: 1, required: &[] };
    let bytes = BASE64.decode(text(&v["bundle"]).as_bytes()).unwrap();
    let bundle = verify_bundle(&bytes, &trust).unwrap();
    assert!(bundle.is_complete());
    assert_eq!(bundle.anchor().cosigners()[0].at_s, 1_760_000_100);
    let entries: Vec<_> = bundle.segments()[0].entries().collect();
    assert_eq!(entries[2].1.verdict, Some(Id::new("agreement.not_in_force").unwrap()));
    let row = Frontier::from_bytes(&hex(&v["state_row"])).unwrap();
    assert_eq!(row.root(), hash(&v["root"]));
    let seed: [u8; 32] = hex(&v["log_seed"]).try_into().unwrap();
    assert_eq!(SigningKey::from_bytes(&seed).verifying_key().as_bytes(), logs[0].public());
}

/// The worked example of the specification shows the values of the vector file.
#[test]
fn the_specification_shows_the_example() {
    let (spec, v) = (include_str!("../../../../docs/spec/ledger.md"), &vectors()["example"]);
    let lists = ["leaf_hashes", "consistency_1_3", "inclusion_of_2"];
    let listed = lists.iter().flat_map(|name| v[*name].as_array().unwrap()).map(text);
    let single =
        ["log_vkey", "witness_vkey", "commitment", "root", "checkpoint"].iter().map(|name| text(&v[*name]));
    for shown in listed.chain(single) {
        assert!(spec.contains(shown), "{shown}");
    }
    let entry: String = spec
        .split("<!-- entry 0 -->")
        .nth(1)
        .unwrap()
        .split("```")
        .nth(1)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once("  ").map_or(Some(line), |(bytes, _)| Some(bytes)))
        .flat_map(|bytes| bytes.chars().filter(|c| !c.is_whitespace()))
        .collect();
    assert_eq!(entry, text(&v["entries"][0]));
}
