//! Notes of an index: found, and changed with the names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use super::{GATHERED, Index, Next};
use crate::NameIndexError;
use crate::changes::{Noted, Pending};
use crate::file::put_with;
use crate::manifest::{self, Manifest};
use crate::notes::{self, NOTE_MAX, NotesFile};

impl Index {
    /// Returns the notes of those of the ids that have one.
    ///
    /// # Errors
    /// When a file of notes is damaged or cannot be read.
    pub fn notes<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<BTreeMap<&'a str, Vec<u8>>, NameIndexError> {
        let ids: BTreeSet<&str> = ids.into_iter().collect();
        let mut out = BTreeMap::new();
        for file in &self.notes {
            file.find(ids.iter().copied(), |id, note| {
                out.insert(id, note.to_vec());
            })?;
        }
        Ok(out)
    }

    /// Takes the notes out of the changes: those that are to be written, and ids whose notes must go.
    pub(super) fn settle_notes(
        &self,
        pending: &mut BTreeMap<String, Pending>,
    ) -> Result<Noted, NameIndexError> {
        let touched = pending.iter().filter(|(_, one)| one.removed || one.note.is_some());
        let there = self.notes(touched.map(|(id, _)| id.as_str()))?;
        let there: BTreeMap<String, Vec<u8>> = there.into_iter().map(|(id, n)| (id.to_owned(), n)).collect();
        let mut out = Noted::default();
        for (id, one) in pending.iter_mut() {
            let old = there.get(id);
            match one.note.take() {
                Some(note) if old == Some(&note) => {}
                Some(note) => {
                    out.written.insert(id.clone(), note);
                }
                None if one.removed && old.is_some() => {
                    out.gone.insert(id.clone());
                }
                None => {}
            }
        }
        if out.written.values().any(|note| note.len() > NOTE_MAX) {
            let error = std::io::Error::other("a note is too long");
            return Err(NameIndexError::io("note", &self.directory)(error));
        }
        Ok(out)
    }

    /// Writes new notes, those files anew that hold notes of removed records, and joins files of like size.
    pub(super) fn write_notes(
        &self,
        next: &mut Next,
        written: &BTreeMap<String, Vec<u8>>,
        gone: &BTreeSet<&str>,
    ) -> Result<(), NameIndexError> {
        let mut kept = Vec::new();
        for (file, entry) in self.notes.iter().zip(next.manifest.notes.clone()) {
            let mut held = false;
            file.find(gone.iter().copied(), |_, _| held = true)?;
            if held {
                kept.extend(self.join_notes(next, &[file], gone)?);
            } else {
                kept.push(entry);
            }
        }
        next.manifest.notes = kept;
        if !written.is_empty() {
            let (made, ()) = self.put_notes(next, |file, name| {
                notes::write(file, written).map_err(NameIndexError::io("write", name))
            })?;
            next.manifest.notes.push(made);
        }
        while let Some(range) = gathered_notes(&next.manifest.notes) {
            let opened = open_notes(&self.directory, &next.manifest)?;
            let parts: Vec<&NotesFile> = opened.get(range.clone()).unwrap_or_default().iter().collect();
            let made = self.join_notes(next, &parts, &BTreeSet::new())?;
            next.manifest.notes.splice(range, made);
        }
        Ok(())
    }

    /// Joins files of notes; `None` when nothing is left.
    fn join_notes(
        &self,
        next: &mut Next,
        files: &[&NotesFile],
        gone: &BTreeSet<&str>,
    ) -> Result<Option<(String, u64)>, NameIndexError> {
        let (made, count) = self.put_notes(next, |out, name| notes::join(out, name, files, gone))?;
        Ok((count > 0).then_some(made))
    }

    fn put_notes<T>(
        &self,
        next: &mut Next,
        write: impl FnOnce(&mut File, &Path) -> Result<T, NameIndexError>,
    ) -> Result<((String, u64), T), NameIndexError> {
        let file = manifest::notes_file(next.manifest.generation, next.number);
        next.number += 1;
        let (size, written) = put_with(&self.directory, &file, |out, name| {
            let written = write(out, name)?;
            Ok((out.metadata().map_err(NameIndexError::io("read", name))?.len(), written))
        })?;
        Ok(((file, size), written))
    }
}

pub(super) fn open_notes(directory: &Path, manifest: &Manifest) -> Result<Vec<NotesFile>, NameIndexError> {
    let open = |(file, size): &(String, u64)| {
        let opened = NotesFile::open(&directory.join(file))?;
        if opened.size() != *size {
            let file = directory.join(manifest::FILE);
            return Err(NameIndexError::Manifest { file, why: "a file of notes has another length" });
        }
        Ok(opened)
    };
    manifest.notes.iter().map(open).collect()
}

/// Returns the last files of notes when enough of them have gathered that are no larger than the last: neighbours,
/// because the order says which note of a record is the newer.
fn gathered_notes(notes: &[(String, u64)]) -> Option<std::ops::Range<usize>> {
    let class = |size: u64| (size / 65_536 + 1).ilog2() / 2;
    let last = class(notes.last()?.1);
    let from = notes.iter().rposition(|(_, size)| class(*size) > last).map_or(0, |larger| larger + 1);
    (notes.len() - from >= GATHERED).then_some(from..notes.len())
}
