//! Changes of an index: gathered by record, and settled with what a segment holds.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_names::Kind;
use mithaq_names::index::{IndexError, Record, Segment, Stored, Tombstones};

use crate::file::IndexFile;

/// A change of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds one name of a record; a record may have several. Adding what is there changes nothing.
    Add(Record),
    /// Keeps a note of a record, at most [`crate::NOTE_MAX`] bytes, in place of the one that is there.
    Note {
        /// Id of the record.
        id: String,
        /// The note.
        note: Vec<u8>,
    },
    /// Removes all names of a record and its note. To replace a record, remove it and add its names.
    Remove(String),
}

/// What the changes of one record come to.
#[derive(Default)]
pub(crate) struct Pending {
    pub(crate) removed: bool,
    /// In order, each once.
    pub(crate) names: Vec<(Kind, String)>,
    pub(crate) note: Option<Vec<u8>>,
}

impl Pending {
    pub(crate) fn records(self, id: String) -> impl Iterator<Item = Record> {
        self.names.into_iter().map(move |(kind, name)| Record { id: id.clone(), kind, name })
    }
}

/// Notes to be written, and ids whose notes must go.
#[derive(Default)]
pub(crate) struct Noted {
    pub(crate) written: BTreeMap<String, Vec<u8>>,
    pub(crate) gone: BTreeSet<String>,
}

pub(crate) fn gather(changes: &[Change]) -> BTreeMap<String, Pending> {
    let mut pending: BTreeMap<String, Pending> = BTreeMap::new();
    for change in changes {
        match change {
            Change::Add(record) => {
                let names = &mut pending.entry(record.id.clone()).or_default().names;
                names.push((record.kind, record.name.clone()));
            }
            Change::Note { id, note } => {
                pending.entry(id.clone()).or_default().note = Some(note.clone());
            }
            Change::Remove(id) => {
                *pending.entry(id.clone()).or_default() = Pending { removed: true, ..Pending::default() }
            }
        }
    }
    for one in pending.values_mut() {
        one.names.sort_unstable();
        one.names.dedup();
    }
    pending
}

/// Settles the changes with one segment: names that go are marked, names that are there are not added again.
/// Returns how many were marked.
pub(crate) fn settle(
    segment: &Segment<IndexFile>,
    dead: &mut Tombstones,
    pending: &mut BTreeMap<String, Pending>,
) -> Result<u64, IndexError> {
    let mut removed = 0;
    visit(segment, pending, |at, stored, one| {
        if dead.contains(at) {
            return;
        }
        let there = one
            .names
            .binary_search_by(|(kind, name)| (kind, name.as_str()).cmp(&(&stored.kind, stored.text)));
        if let Ok(place) = there {
            one.names.remove(place);
        } else if one.removed {
            dead.insert(at);
            removed += 1;
        }
    })?;
    Ok(removed)
}

/// Calls back with every name of a segment whose id is among the keys. Few keys look their records up; many walk
/// beside the whole segment, which is in order of ids too.
pub(crate) fn visit<K: AsRef<str> + Ord, V>(
    segment: &Segment<IndexFile>,
    by_id: &mut BTreeMap<K, V>,
    mut each: impl FnMut(u32, Stored<'_>, &mut V),
) -> Result<(), IndexError> {
    if by_id.len() as u64 * 64 < u64::from(segment.names()) {
        let mut buffer = Vec::new();
        for (id, one) in by_id.iter_mut() {
            for at in segment.places(id.as_ref())? {
                each(at, segment.stored(at, &mut buffer)?, one);
            }
        }
        return Ok(());
    }
    let mut walk = by_id.iter_mut().peekable();
    segment.for_each(|at, stored| {
        while walk.next_if(|(id, _)| (*id).as_ref() < stored.id).is_some() {}
        if let Some((id, one)) = walk.peek_mut()
            && (*id).as_ref() == stored.id
        {
            each(at, stored, one);
        }
    })
}
