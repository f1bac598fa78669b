//! Notes: what whoever keeps the index wants to know of a record beside its names, as bytes the index does not read.
//! Files of their own, named by the manifest, in order of ids, so that a lookup reads one block.
//!
//! | part | holds |
//! |---|---|
//! | blocks | entries: length of the id (one byte), length of the note (four), id, note; then a checksum |
//! | directory | per block: length of the block (four bytes), length of its first id (one), the id; then a checksum |
//! | end | length of the directory, number of notes (eight bytes each), checksum, [`MAGIC`] |
//!
//! Numbers are little-endian. The blocks fill the file up to the directory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use mithaq_names::index::{MAX_ID, Source, SourceError, checksum};

use crate::NameIndexError;
use crate::file::IndexFile;

/// Most bytes of a note.
pub const NOTE_MAX: usize = 1 << 20;
const MAGIC: &[u8; 8] = b"MITHNOT1";
/// Bytes of the end.
const END: usize = 8 + 8 + 4 + 8;
/// A block is closed when it has this many bytes.
const BLOCK: usize = 1 << 13;
/// Longest directory that is read.
const DIRECTORY_MAX: u64 = 1 << 28;

/// A block of a file: its first id, where it begins, and its length.
#[derive(Clone, Debug)]
struct Block {
    first: Box<str>,
    at: u64,
    len: usize,
}

/// A file of notes, read where it is asked for.
#[derive(Debug)]
pub(crate) struct NotesFile<S = IndexFile> {
    path: PathBuf,
    source: S,
    size: u64,
    directory: u64,
    count: u64,
    /// Read when a note is asked for: a search without details needs none.
    blocks: OnceLock<Vec<Block>>,
}

impl NotesFile {
    pub(crate) fn open(path: &Path) -> Result<Self, NameIndexError> {
        Self::of(IndexFile::open(path)?, path)
    }
}

impl<S: Source> NotesFile<S> {
    /// The notes in a source of bytes, which errors call by a path.
    pub(crate) fn of(source: S, path: &Path) -> Result<Self, NameIndexError> {
        let size = source.size();
        let damaged = |why| NameIndexError::Notes { file: path.to_owned(), why };
        let at = size.checked_sub(END as u64).ok_or_else(|| damaged("it is cut"))?;
        let mut buffer = Vec::new();
        let end = source.read(at, END, &mut buffer).map_err(unread(path))?;
        let (content, magic) = end.split_last_chunk::<8>().ok_or_else(|| damaged("it is cut"))?;
        if magic != MAGIC {
            return Err(damaged("its end is not that of notes"));
        }
        let content = verify(content).ok_or_else(|| damaged("the checksum of its end does not hold"))?;
        let mut rest = content;
        let (directory, count) = number(&mut rest).zip(number(&mut rest)).unwrap_or_default();
        if directory > at || directory > DIRECTORY_MAX {
            return Err(damaged("its directory is too long"));
        }
        Ok(Self { path: path.to_owned(), source, size, directory, count, blocks: OnceLock::new() })
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    fn damaged(&self, why: &'static str) -> NameIndexError {
        NameIndexError::Notes { file: self.path.clone(), why }
    }

    fn blocks(&self) -> Result<&[Block], NameIndexError> {
        if let Some(blocks) = self.blocks.get() {
            return Ok(blocks);
        }
        let at = self.size - END as u64 - self.directory;
        let (mut buffer, len) = (Vec::new(), usize::try_from(self.directory).unwrap_or(0));
        let bytes = self.source.read(at, len, &mut buffer).map_err(unread(&self.path))?;
        let content = verify(bytes).ok_or_else(|| self.damaged("its directory is damaged"))?;
        let blocks = directory(content, at).ok_or_else(|| self.damaged("its directory is wrong"))?;
        Ok(self.blocks.get_or_init(|| blocks))
    }

    /// Reads the notes of a block into the buffer; false after the last.
    fn block(&self, number: usize, buffer: &mut Vec<u8>) -> Result<bool, NameIndexError> {
        buffer.clear();
        let Some(block) = self.blocks()?.get(number) else { return Ok(false) };
        let mut read = Vec::new();
        let bytes = self.source.read(block.at, block.len, &mut read).map_err(unread(&self.path))?;
        let content = verify(bytes).ok_or_else(|| self.damaged("a block is damaged"))?;
        if entry(&mut &*content).is_none_or(|(id, _)| *id != *block.first) {
            return Err(self.damaged("a block does not begin as its directory says"));
        }
        buffer.extend_from_slice(content);
        Ok(true)
    }

    /// Calls back with the notes of some ids, which stand in order.
    pub(crate) fn find<'a>(
        &self,
        ids: impl Iterator<Item = &'a str>,
        mut each: impl FnMut(&'a str, &[u8]),
    ) -> Result<(), NameIndexError> {
        let mut buffer = Vec::new();
        let mut held: Option<usize> = None;
        for id in ids {
            let after = self.blocks()?.partition_point(|block| *block.first <= *id);
            let Some(number) = after.checked_sub(1) else { continue };
            if held != Some(number) {
                self.block(number, &mut buffer)?;
                held = Some(number);
            }
            let mut rest = buffer.as_slice();
            while !rest.is_empty() {
                let (other, note) = entry(&mut rest).ok_or_else(|| self.damaged("a block is wrong"))?;
                if other == id {
                    each(id, note);
                }
                if other >= id {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Reads and checks every byte.
    pub(crate) fn check(&self) -> Result<(), NameIndexError> {
        let mut cursor = Cursor::new(self)?;
        let (mut count, mut last) = (0, String::new());
        while let Some((id, _)) = cursor.head() {
            if count > 0 && *id <= *last {
                return Err(self.damaged("its ids are not in order"));
            }
            id.clone_into(&mut last);
            count += 1;
            cursor.step()?;
        }
        if count == self.count { Ok(()) } else { Err(self.damaged("a note is missing")) }
    }
}

/// Reads the directory of blocks that end where it begins; `None` when it is wrong.
fn directory(mut bytes: &[u8], end: u64) -> Option<Vec<Block>> {
    let (mut out, mut at) = (Vec::new(), 0);
    while !bytes.is_empty() {
        let len = usize::try_from(small(&mut bytes)?).ok()?;
        let id = usize::from(*bytes.split_off_first()?);
        let first = std::str::from_utf8(bytes.split_off(..id)?).ok()?;
        if len > BLOCK + NOTE_MAX + MAX_ID + 16 {
            return None;
        }
        out.push(Block { first: first.into(), at, len });
        at += len as u64;
    }
    (at == end).then_some(out)
}

/// What the system said of bytes that cannot be read.
fn unread(path: &Path) -> impl FnOnce(SourceError) -> NameIndexError {
    move |error| NameIndexError::io("read", path)(std::io::Error::other(error.why))
}

fn entry<'a>(bytes: &mut &'a [u8]) -> Option<(&'a str, &'a [u8])> {
    let id = usize::from(*bytes.split_off_first()?);
    let note = usize::try_from(small(bytes)?).ok()?;
    let id = std::str::from_utf8(bytes.split_off(..id)?).ok()?;
    Some((id, bytes.split_off(..note)?))
}

fn small(bytes: &mut &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.split_off(..4)?.first_chunk()?))
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.split_off(..8)?.first_chunk()?))
}

/// Splits the checksum off the end and compares it.
fn verify(bytes: &[u8]) -> Option<&[u8]> {
    let (content, sum) = bytes.split_last_chunk::<4>()?;
    (checksum(content) == u32::from_le_bytes(*sum)).then_some(content)
}

fn seal(bytes: &mut Vec<u8>) {
    let sum = checksum(bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
}

/// The notes of a file one after the other.
struct Cursor<'a, S> {
    file: &'a NotesFile<S>,
    /// The next block.
    next: usize,
    buffer: Vec<u8>,
    /// Place of the head in the buffer.
    at: usize,
}

impl<'a, S: Source> Cursor<'a, S> {
    fn new(file: &'a NotesFile<S>) -> Result<Self, NameIndexError> {
        let mut out = Self { file, next: 0, buffer: Vec::new(), at: 0 };
        out.fill()?;
        Ok(out)
    }

    /// Reads the next block when this one is used up.
    fn fill(&mut self) -> Result<(), NameIndexError> {
        if self.at == self.buffer.len() {
            self.at = 0;
            self.file.block(self.next, &mut self.buffer)?;
            self.next += 1;
        }
        if !self.buffer.is_empty() && self.head().is_none() {
            return Err(self.file.damaged("a block is wrong"));
        }
        Ok(())
    }

    fn head(&self) -> Option<(&str, &[u8])> {
        entry(&mut self.buffer.get(self.at..)?)
    }

    fn step(&mut self) -> Result<(), NameIndexError> {
        if let Some((id, note)) = self.head() {
            self.at += 1 + 4 + id.len() + note.len();
        }
        self.fill()
    }
}

/// Writes notes in order of their ids.
struct Writer<W: Write> {
    out: W,
    block: Vec<u8>,
    first: String,
    directory: Vec<u8>,
    count: u64,
}

impl<W: Write> Writer<W> {
    const fn new(out: W) -> Self {
        Self { out, block: Vec::new(), first: String::new(), directory: Vec::new(), count: 0 }
    }

    fn note(&mut self, id: &str, note: &[u8]) -> std::io::Result<()> {
        let too_long = || std::io::Error::other("a note or its id is too long");
        if id.len() > MAX_ID || note.len() > NOTE_MAX {
            return Err(too_long());
        }
        if self.block.is_empty() {
            id.clone_into(&mut self.first);
        }
        self.block.push(u8::try_from(id.len()).map_err(|_| too_long())?);
        self.block.extend_from_slice(&u32::try_from(note.len()).map_err(|_| too_long())?.to_le_bytes());
        self.block.extend_from_slice(id.as_bytes());
        self.block.extend_from_slice(note);
        self.count += 1;
        if self.block.len() >= BLOCK { self.end_block() } else { Ok(()) }
    }

    fn end_block(&mut self) -> std::io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        seal(&mut self.block);
        let len = u32::try_from(self.block.len()).unwrap_or(u32::MAX);
        self.directory.extend_from_slice(&len.to_le_bytes());
        self.directory.push(u8::try_from(self.first.len()).unwrap_or(u8::MAX));
        self.directory.extend_from_slice(self.first.as_bytes());
        self.out.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<()> {
        self.end_block()?;
        seal(&mut self.directory);
        self.out.write_all(&self.directory)?;
        let mut end = Vec::with_capacity(END);
        end.extend_from_slice(&(self.directory.len() as u64).to_le_bytes());
        end.extend_from_slice(&self.count.to_le_bytes());
        seal(&mut end);
        end.extend_from_slice(MAGIC);
        self.out.write_all(&end)?;
        self.out.flush()
    }
}

/// Writes a file of notes.
pub(crate) fn write(out: impl Write, notes: &BTreeMap<String, Vec<u8>>) -> std::io::Result<()> {
    let mut writer = Writer::new(BufWriter::new(out));
    notes.iter().try_for_each(|(id, note)| writer.note(id, note))?;
    writer.finish()
}

/// Joins files of notes, the oldest first, into one: of two notes of a record the newer stays, and none of the ids
/// that are gone.
pub(crate) fn join<S: Source>(
    out: impl Write,
    name: &Path,
    files: &[&NotesFile<S>],
    gone: &BTreeSet<&str>,
) -> Result<u64, NameIndexError> {
    let mut writer = Writer::new(BufWriter::new(out));
    let mut cursors = files.iter().map(|file| Cursor::new(file)).collect::<Result<Vec<_>, _>>()?;
    loop {
        let heads = cursors.iter().enumerate().filter_map(|(at, cursor)| Some((cursor.head()?.0, at)));
        // The first id, and of those who have it the newest.
        let first = heads.min_by(|x, y| x.0.cmp(y.0).then(y.1.cmp(&x.1)));
        let Some((id, newest)) = first.map(|(id, at)| (id.to_owned(), at)) else { break };
        let note = cursors.get(newest).and_then(Cursor::head);
        if let Some((id, note)) = note.filter(|_| !gone.contains(id.as_str())) {
            writer.note(id, note).map_err(NameIndexError::io("write", name))?;
        }
        for cursor in &mut cursors {
            if cursor.head().is_some_and(|(other, _)| other == id) {
                cursor.step()?;
            }
        }
    }
    let count = writer.count;
    writer.finish().map_err(NameIndexError::io("write", name))?;
    Ok(count)
}

/// Looks every note up and writes what was found as it would be written: for whoever tests the reader.
pub(crate) fn again(bytes: &[u8]) -> Result<Vec<u8>, NameIndexError> {
    let path = Path::new("notes");
    let file = NotesFile::of(bytes, path)?;
    file.check()?;
    let (mut ids, mut found, mut out) = (Vec::new(), BTreeMap::new(), Vec::new());
    let mut cursor = Cursor::new(&file)?;
    while let Some((id, _)) = cursor.head() {
        ids.push(id.to_owned());
        cursor.step()?;
    }
    file.find(ids.iter().map(String::as_str), |id, note| {
        found.insert(id.to_owned(), note.to_vec());
    })?;
    write(&mut out, &found).map_err(NameIndexError::io("write", path))?;
    Ok(out)
}
