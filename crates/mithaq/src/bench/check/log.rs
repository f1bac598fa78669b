//! A node's ledger, entry by entry: gapless, every checkpoint ever signed is the root of what is there, and each change
//! of a message has exactly one entry that commits to its envelope.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use ed25519_dalek::VerifyingKey;

use super::{Side, Verdict, item};
use crate::bench::tables::unreadable;
use crate::ui::Failure;

/// An entry, as far as it is judged here.
struct Entry {
    kind: String,
    commitment: Option<Vec<u8>>,
}

pub(super) fn check(side: &Side, verdict: &mut Verdict) -> Result<(), Failure> {
    let party = side.party.as_str();
    let notes = notes(side)?;
    let key = log_key(&side.log_key);
    let mut waiting = notes.iter().peekable();
    let (mut tree, mut counts) = (Tree::default(), BTreeMap::new());
    for (number, row) in
        (0_u64..).zip(side.rows("SELECT idx, entry FROM ledger_entry ORDER BY idx", Vec::new())?)
    {
        let (index, bytes) = (row.unsigned(0).map_err(unreadable)?, row.bytes(1).map_err(unreadable)?);
        verdict.holds(index == number, || format!("I12 {party}: entry {index} stands at {number}"));
        match entry(bytes) {
            Some(Entry { kind, commitment: Some(commitment) }) if kind.starts_with("message.") => {
                *counts.entry((kind, commitment)).or_insert(0_u32) += 1;
            }
            Some(_) => {}
            None => verdict.broken.push(format!("I12 {party}: entry {index} cannot be read")),
        }
        verdict.entries += 1;
        tree.push(item::leaf(bytes));
        while let Some((size, note)) = waiting.next_if(|(size, _)| *size == number + 1) {
            verdict.checkpoints += 1;
            let root = tree.root();
            let good = key.as_ref().is_some_and(|key| signed(note, *size, &root, key));
            verdict.holds(good, || format!("I7 {party}: the checkpoint of size {size} is not of this log"));
        }
    }
    let left: Vec<u64> = waiting.map(|(size, _)| *size).collect();
    verdict.holds(left.is_empty(), || format!("I4 {party}: signed for sizes {left:?} that it does not have"));
    one_each(side, &counts, verdict)
}

/// I12: a change of state has exactly one entry.
fn one_each(
    side: &Side,
    counts: &BTreeMap<(String, Vec<u8>), u32>,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let mut expected = BTreeMap::new();
    for (kind, sql) in [
        ("message.queued", "SELECT hash FROM outbox"),
        ("message.decided", "SELECT hash FROM outbox WHERE state = 'decided'"),
        ("message.taken", "SELECT hash FROM inbox"),
    ] {
        for row in side.rows(sql, Vec::new())? {
            expected.insert((kind.to_owned(), row.bytes(0).map_err(unreadable)?.to_vec()), 1);
        }
    }
    let party = side.party.as_str();
    for (what, count) in &expected {
        let found = counts.get(what).copied().unwrap_or(0);
        verdict.holds(found == *count, || format!("I12 {party}: {found} entries {} for one change", what.0));
    }
    for what in counts.keys().filter(|what| !expected.contains_key(*what)) {
        verdict.broken.push(format!("I12 {party}: an entry {} of nothing that is there", what.0));
    }
    Ok(())
}

/// The fields of an entry that matter here, in the order of the specification.
fn entry(bytes: &[u8]) -> Option<Entry> {
    let mut rest = bytes;
    let head = take(&mut rest, 10)?;
    let (version, present) = (head.first()?, *head.get(1)?);
    let short = |rest: &mut &[u8]| {
        let length = usize::from(*take(rest, 1)?.first()?);
        String::from_utf8(take(rest, length)?.to_vec()).ok()
    };
    let (kind, _role, _object) = (short(&mut rest)?, short(&mut rest)?, short(&mut rest)?);
    let mut commitment = None;
    for bit in 0..8 {
        if present & (1 << bit) == 0 {
            continue;
        }
        match bit {
            0 => drop(take(&mut rest, 16)?),
            3 | 7 => drop(take(&mut rest, 32)?),
            6 => commitment = Some(take(&mut rest, 32)?.to_vec()),
            _short => drop(short(&mut rest)?),
        }
    }
    (*version == 1 && rest.is_empty()).then_some(Entry { kind, commitment })
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}

/// The right edge of a tree: complete subtrees, the largest first, each with its number of leaves.
#[derive(Default)]
struct Tree(Vec<(u64, [u8; 32])>);

impl Tree {
    fn push(&mut self, leaf: [u8; 32]) {
        let mut last = (1, leaf);
        while let Some((_, left)) = self.0.pop_if(|(leaves, _)| *leaves == last.0) {
            last = (last.0 * 2, item::node(&left, &last.1));
        }
        self.0.push(last);
    }

    fn root(&self) -> [u8; 32] {
        let mut hashes = self.0.iter().rev().map(|(_, hash)| *hash);
        let last = hashes.next().unwrap_or_else(|| item::hash(&[]));
        hashes.fold(last, |right, left| item::node(&left, &right))
    }
}

fn notes(side: &Side) -> Result<Vec<(u64, String)>, Failure> {
    let mut notes = Vec::new();
    for row in side.rows("SELECT size, note FROM ledger_checkpoint ORDER BY size", Vec::new())? {
        let text = String::from_utf8_lossy(row.bytes(1).map_err(unreadable)?).into_owned();
        notes.push((row.unsigned(0).map_err(unreadable)?, text));
    }
    Ok(notes)
}

/// The key in `name+id+base64(type || key)`.
fn log_key(text: &str) -> Option<VerifyingKey> {
    // Base64 has `+` too: the key is all that follows the second one.
    let bytes = BASE64.decode(text.splitn(3, '+').nth(2)?.as_bytes()).ok()?;
    item::key(bytes.get(1..)?)
}

/// Whether a note is a signature of the log over this size and root.
fn signed(note: &str, size: u64, root: &[u8; 32], key: &VerifyingKey) -> bool {
    let check = || {
        let (text, signatures) = note.split_once("\n\n")?;
        let text = format!("{text}\n");
        let mut lines = text.lines().skip(1);
        let good = lines.next()? == size.to_string() && lines.next()? == BASE64.encode(root);
        let by_log = signatures.lines().any(|line| {
            let bytes = line.rsplit(' ').next().and_then(|last| BASE64.decode(last.as_bytes()).ok());
            let signature = bytes.and_then(|bytes| bytes.get(4..)?.try_into().ok());
            signature.is_some_and(|signature| item::holds(key, text.as_bytes(), &signature))
        });
        Some(good && by_log)
    };
    check().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_gives_the_root_of_the_definition() {
        let leaves: Vec<[u8; 32]> = (0..70_u8).map(|n| item::leaf(&[n])).collect();
        let mut tree = Tree::default();
        for count in 0..leaves.len() {
            assert_eq!(tree.root(), item::root(&leaves[..count]), "{count}");
            tree.push(leaves[count]);
        }
    }

    #[test]
    fn the_published_entries_and_key_are_read() {
        let vectors = include_str!("../../../../../docs/spec/vectors/ledger.json");
        let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
        let example = |name: &str| vectors["example"][name].as_str().unwrap().to_owned();
        let key = log_key(&example("log_vkey")).unwrap();
        let unhex = |text: &str| data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).unwrap();
        let mut rest = &unhex(&example("entry_bundle"))[..];
        let (mut tree, mut kinds) = (Tree::default(), Vec::new());
        while let Some(length) = take(&mut rest, 2) {
            let bytes = take(&mut rest, usize::from(u16::from_be_bytes([length[0], length[1]]))).unwrap();
            let read = entry(bytes).unwrap();
            assert!(entry(&bytes[1..]).is_none());
            kinds.push((read.kind, read.commitment.is_some()));
            tree.push(item::leaf(bytes));
        }
        assert_eq!((kinds.len(), kinds[0].clone()), (3, ("report.released".to_owned(), true)));
        let note = example("checkpoint");
        assert!(signed(&note, 3, &tree.root(), &key));
        assert!(!signed(&note, 4, &tree.root(), &key) && !signed(&note, 3, &[0; 32], &key));
        let other = log_key(&example("witness_vkey")).unwrap();
        assert!(!signed(&note, 3, &tree.root(), &other) && log_key("x+y+z").is_none());
    }
}
