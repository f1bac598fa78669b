//! The name index on disk.
//!
//! A directory holds immutable segments (see [`mithaq_names::index`]) and one small manifest that names those in
//! use. A change writes a new segment, then replaces the manifest in one step, so that a process killed at any
//! time leaves the old state or the new one, and readers go on reading what they opened. Segments of like size
//! are merged as they gather. Nothing but offsets, two bytes a name, is held in memory: the rest is read when
//! asked for, and every byte read is checked.
//!
//! A record may have a note: bytes that the index keeps and does not read, for whoever shows the record. Notes change
//! with the names, in the same step, and go when the record is removed.
//!
//! ```
//! use mithaq_name_index::{Change, Index, Record, Scratch, SearchOptions};
//! use mithaq_names::Name;
//! # let temporary = tempfile::tempdir()?;
//! # let directory = temporary.path().join("persons");
//! let mut index = Index::create(&directory)?;
//! index.apply(&[
//!     Change::Add(Record::person("s-1", "Mohammad Taher Anwari")),
//!     Change::Add(Record::person("s-2", "Jean Dupont")),
//! ])?;
//! let hits = index.search(&Name::parse("محمد طاهر أنوري"), SearchOptions::default(), &mut Scratch::default())?;
//! assert_eq!(hits[0].id, "s-1");
//! index.apply(&[Change::Remove("s-1".into())])?;
//! assert_eq!(Index::open(&directory)?.statistics().names, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it deliberately does not do
//! Decide who may search; encrypt (the names lie readable in the files: keep them where content may lie).
#![deny(missing_docs)]

mod changes;
mod error;
mod file;
mod index;
mod manifest;
mod notes;

pub use changes::Change;
pub use error::NameIndexError;
pub use index::{Applied, Held, Index, NamesById, Statistics};
pub use mithaq_names::index::{Hit, Record, Scratch, SearchAnswer, SearchOptions};
pub use notes::NOTE_MAX;

/// True when a file of this name, in the directory of an index, belongs to the index or was left by a killed process.
///
/// ```
/// assert!(mithaq_name_index::is_index_file("manifest.tmp") && !mithaq_name_index::is_index_file("letter.txt"));
/// ```
#[must_use]
pub fn is_index_file(name: &str) -> bool {
    manifest::is_ours(name)
}

/// Reads the text of a manifest and writes it as it would be written: for whoever tests the reader.
///
/// # Errors
/// Why it is refused.
///
/// ```
/// assert!(mithaq_name_index::manifest_again("mithaq name index 2\n").is_err());
/// ```
pub fn manifest_again(text: &str) -> Result<String, &'static str> {
    manifest::Manifest::parse(text).map(|read| read.write())
}

/// Reads the bytes of a file of notes, looks every note up, and writes what was found as it would be written: for whoever
/// tests the reader.
///
/// # Errors
/// What is damaged, and what to do next.
///
/// ```
/// let refused = mithaq_name_index::notes_again(b"notes").unwrap_err();
/// assert!(refused.to_string().contains("hint: "));
/// ```
pub fn notes_again(bytes: &[u8]) -> Result<Vec<u8>, NameIndexError> {
    notes::again(bytes)
}
