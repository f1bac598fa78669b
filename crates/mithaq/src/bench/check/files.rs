//! Attachments: what a report that was accepted names is whole at both ends, each chunk by its hash and the hashes by their
//! root; of what was taken back there is no byte on either disk that the tables do not own. The layout of a directory of
//! attachments and of a list is read here a second time, from the specification.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use data_encoding::HEXLOWER;
use mithaq_db::{Row, Value};

use super::item::{self, Item};
use super::{Object, Side, Verdict, hex};
use crate::bench::tables::unreadable;
use crate::ui::Failure;

/// Bytes of a chunk, and what its encryption adds.
const CHUNK: usize = 1 << 20;
const TAG: usize = 16;

/// What one report names.
struct Link {
    root: Vec<u8>,
    length: u64,
    state: String,
}

/// Judges the files that one side sent to the other, and what lies on the disk of the first.
pub(super) fn check(from: &Side, to: &Side, verdict: &mut Verdict) -> Result<(), Failure> {
    let (own, theirs) = (links(from, &from.party)?, links(to, &from.party)?);
    let (accepted, said) = (accepted(from, &to.party)?, complete(from, &to.party)?);
    for id in &from.known.files {
        verdict.files += 1;
        let name = format!("{} to {}, file of {}", from.party, to.party, hex(id));
        let wanted = accepted.contains(id) && !from.known.recalled.contains(id);
        let link = theirs.get(id);
        verdict.holds(wanted == link.is_some(), || {
            format!("I8 {name}: to be there is {wanted}, is there {}", link.is_some())
        });
        let Some(link) = link else { continue };
        verdict.holds(link.state == "here", || format!("I13 {name}: {}", link.state));
        let same = own.get(id).is_some_and(|mine| mine.root == link.root && mine.length == link.length);
        verdict.holds(same, || format!("I4 {name}: another file is named at its originator"));
        for (side, who) in [(from, "its originator"), (to, "its receiver")] {
            let whole = whole(&side.files, link);
            verdict.holds(whole, || format!("I4 {name}: not whole on the disk of {who}"));
        }
        let said = said.get(id).is_some_and(|roots| *roots == [link.root.clone()]);
        verdict.holds(said, || format!("I1 {name}: its receiver did not say once that it has it"));
    }
    for id in theirs.keys().filter(|id| !from.known.files.contains(*id)) {
        verdict.broken.push(format!("I10 {}: holds a file of {} that nobody sent", to.party, hex(id)));
    }
    for id in said.keys().filter(|id| !accepted.contains(*id)) {
        verdict.broken.push(format!("I5 {}: has a file of {} that it did not accept", to.party, hex(id)));
    }
    owned(from, verdict)
}

fn links(side: &Side, originator: &str) -> Result<BTreeMap<Object, Link>, Failure> {
    let sql = "SELECT object, root, length, state FROM attachment_link WHERE party = $1";
    let read = |row: &Row| {
        let (root, state) = (row.bytes(1)?.to_vec(), row.text(3)?.to_owned());
        Ok((row.array(0)?, Link { root, length: row.unsigned(2)?, state }))
    };
    let rows = side.rows(sql, vec![Value::from(originator)])?;
    rows.iter().map(read).collect::<Result<_, _>>().map_err(unreadable)
}

fn accepted(from: &Side, to: &str) -> Result<BTreeSet<Object>, Failure> {
    let sql = "SELECT object FROM disclosure WHERE recipient = $1 AND verdict = 'accepted'";
    let rows = from.rows(sql, vec![Value::from(to)])?;
    rows.iter().map(|row| row.array(0)).collect::<Result<_, _>>().map_err(unreadable)
}

/// The roots that a recipient said it has, by report.
fn complete(from: &Side, to: &str) -> Result<BTreeMap<Object, Vec<Vec<u8>>>, Failure> {
    let sql = "SELECT object, root FROM attachment_receipt WHERE recipient = $1";
    let mut all: BTreeMap<Object, Vec<Vec<u8>>> = BTreeMap::new();
    for row in from.rows(sql, vec![Value::from(to)])? {
        let root = row.bytes(1).map_err(unreadable)?.to_vec();
        all.entry(row.array(0).map_err(unreadable)?).or_default().push(root);
    }
    Ok(all)
}

/// Whether the file and its list are on a disk, each chunk of its hash and the list of its root.
fn whole(directory: &Path, link: &Link) -> bool {
    let path = |end: &str| directory.join(format!("{}.{end}", HEXLOWER.encode(&link.root)));
    let (Ok(list), Ok(bytes)) = (fs::read(path("list")), fs::read(path("mxa"))) else { return false };
    matches(&list, &bytes, link)
}

fn matches(list: &[u8], bytes: &[u8], link: &Link) -> bool {
    let named = item::hash(&[b"mithaq/attachment/list/1", list].concat()).to_vec() == link.root;
    let read = Item::read(list);
    let part = |at| read.as_ref().and_then(|list| list.part(at));
    let length = part(1).and_then(Item::number) == Some(i128::from(link.length));
    let hashes = part(2).and_then(Item::bytes).unwrap_or_default();
    let found: Vec<u8> = bytes.chunks(CHUNK + TAG).flat_map(item::hash).collect();
    let chunks = usize::try_from(link.length).unwrap_or(usize::MAX).div_ceil(CHUNK).max(1);
    let sealed = usize::try_from(link.length).ok().and_then(|plain| plain.checked_add(chunks * TAG));
    let version = part(0).and_then(Item::number) == Some(1);
    named && version && length && sealed == Some(bytes.len()) && found == hashes
}

/// Every file on the disk is one that the tables own: a report names it, or somebody is still bringing it.
fn owned(side: &Side, verdict: &mut Verdict) -> Result<(), Failure> {
    let names = |sql, ends: [&str; 2]| {
        let rows = side.rows(sql, Vec::new())?;
        let name =
            |row: &Row| row.bytes(0).map(|root| ends.map(|end| format!("{}.{end}", HEXLOWER.encode(root))));
        let names = rows.iter().map(name).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        Ok::<_, Failure>(names.into_iter().flatten().collect::<BTreeSet<_>>())
    };
    let mut owned = names("SELECT root FROM attachment_link", ["mxa", "list"])?;
    owned.extend(names("SELECT id FROM attachment_upload", ["upload", "hashes"])?);
    for entry in fs::read_dir(&side.files).into_iter().flatten() {
        let name = entry?.file_name().to_string_lossy().into_owned();
        verdict.holds(owned.contains(&name), || format!("I8 {}: {name} is left on the disk", side.party));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the specification.
    fn example() -> (Vec<u8>, Vec<u8>, Link) {
        let unhex = |text: &str| HEXLOWER.decode(text.as_bytes()).unwrap();
        let list = unhex("83010e5820e28c15318a02b3a97655dc8a8cc15b631728ddf16b2e09b9fadc779b1d0e3170");
        let sealed = unhex("765b1b4f3a4ef5441b49c6e6e8269c8657baadbe116c03700ca428ec0270");
        let root = unhex("f7b32ad8c1125c9795842e7cd406abeea7404f180600e6fab0640e582b1a4d0d");
        (list, sealed, Link { root, length: 14, state: "here".to_owned() })
    }

    #[test]
    fn the_example_of_the_specification_is_whole_and_every_changed_bit_is_not() {
        let (list, sealed, link) = example();
        assert!(matches(&list, &sealed, &link));
        for at in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[at / 8] ^= 1 << (at % 8);
            assert!(!matches(&list, &changed, &link), "{at}");
        }
        for at in 0..list.len() * 8 {
            let mut changed = list.clone();
            changed[at / 8] ^= 1 << (at % 8);
            assert!(!matches(&changed, &sealed, &link), "{at}");
        }
        assert!(
            !matches(&list, &sealed[1..], &link) && !matches(&list, &[&sealed[..], b"x"].concat(), &link)
        );
        assert!(!matches(&list, &sealed, &Link { length: 15, ..example().2 }));
    }
}
