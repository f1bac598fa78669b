//! The attachments of a copy: files of ciphertext that never change once they are whole, copied after the database that
//! speaks of them, each chunk compared with its hash.

use std::io;

use anyhow::{Context as _, Result};
use mithaq_db::Db;
use mithaq_envelope::{attachment_root, check_chunk};
use mithaq_store::attachments::{self, File, FileState};
use mithaq_store::blobs::{Blob, Blobs};
use mithaq_wire::{ChunkList, decode_chunk_list, encode_chunk_list};

/// What was found of the attachments a database speaks of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Whole.
    pub(super) whole: usize,
    /// Their bytes, encrypted.
    pub(super) bytes: u64,
    /// Not there, or damaged.
    pub(super) missing: usize,
}

/// Returns the attachments that a database calls complete.
pub(super) fn complete(db: &Db) -> Result<Vec<File>> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = db.read(move |tx| attachments::files(tx, FileState::Complete, after))?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some(last.root);
        all.extend(page);
    }
}

/// Copies what is whole; what is not, or was erased meanwhile, is counted.
pub(super) fn copy(from: &Blobs, to: &Blobs, files: &[File]) -> Result<Found> {
    each(from, files, |file, list| {
        to.put_list(file.root, &encode_chunk_list(list))?;
        for_chunks(from, file, list, |index, sealed| to.put_chunk(Blob::Root(file.root), index, sealed))?;
        to.sync(Blob::Root(file.root))
    })
}

/// Reads every chunk and compares it with its hash.
pub(super) fn check(blobs: &Blobs, files: &[File]) -> Result<Found> {
    each(blobs, files, |file, list| for_chunks(blobs, file, list, |_, _| Ok(())))
}

/// Where a restore may have files from.
pub(super) struct Sources {
    /// What was in place before, on the same volume.
    pub(super) aside: Blobs,
    /// The copy.
    pub(super) copy: Blobs,
}

/// Brings files back: what lay here before under a second name where that can be, anything else as a copy. A copy that is
/// kept never shares its bytes with a node that runs.
pub(super) fn put_back(from: &Sources, to: &Blobs, files: &[File]) -> Result<()> {
    for file in files {
        let one = core::slice::from_ref(file);
        let here = check(&from.aside, one)?.whole == 1;
        if here && to.link(&from.aside, file.root).is_ok() {
            continue;
        }
        copy(if here { &from.aside } else { &from.copy }, to, one)?;
    }
    Ok(())
}

/// Counts what is not there at its full length.
pub(super) fn missing(blobs: &Blobs, files: &[File]) -> usize {
    let there = |file: &File| {
        let list = list_of(blobs, file);
        list.is_some_and(|list| blobs.size(Blob::Root(file.root)) == Some(sealed_bytes(&list)))
    };
    files.iter().filter(|file| !there(file)).count()
}

fn each(
    blobs: &Blobs,
    files: &[File],
    mut work: impl FnMut(&File, &ChunkList) -> io::Result<()>,
) -> Result<Found> {
    let mut found = Found::default();
    for file in files {
        let Some(list) = list_of(blobs, file) else {
            found.missing = found.missing.saturating_add(1);
            continue;
        };
        match work(file, &list) {
            Ok(()) => {
                found.whole = found.whole.saturating_add(1);
                found.bytes = found.bytes.saturating_add(sealed_bytes(&list));
            }
            // Erased since the database was copied, or damaged.
            Err(error) if gone(&error) => found.missing = found.missing.saturating_add(1),
            Err(error) => return Err(error).context("an attachment could not be copied"),
        }
    }
    Ok(found)
}

fn gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData
    )
}

fn for_chunks(
    blobs: &Blobs,
    file: &File,
    list: &ChunkList,
    mut each: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    for index in 0..list.chunks() {
        let length = list.sealed_length(index).unwrap_or(0);
        let sealed = blobs.chunk(Blob::Root(file.root), index, length)?;
        if check_chunk(list, index, &sealed).is_err() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a chunk is damaged"));
        }
        each(index, &sealed)?;
    }
    Ok(())
}

fn list_of(blobs: &Blobs, file: &File) -> Option<ChunkList> {
    let list = decode_chunk_list(&blobs.list(file.root).ok()?).ok()?;
    (attachment_root(&list) == file.root).then_some(list)
}

fn sealed_bytes(list: &ChunkList) -> u64 {
    (0..list.chunks()).filter_map(|index| list.sealed_length(index)).fold(0, u64::saturating_add)
}
