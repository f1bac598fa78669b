//! An index of names: find the records whose names may be one with a query, in any script.
//!
//! The index is a dictionary of distinct tokens ordered by consonant skeleton, each with the list of names that
//! hold it. A query token looks up its own skeleton and those one class away, compares the spellings found there by
//! the same learned tables that compare names, and the names that collect the most evidence are scored whole.
//!
//! This module works on bytes and knows no file: [`build_segment`] makes an immutable [`Segment`], [`merge`] joins
//! several, [`Tombstones`] take names out without writing the segment again, [`search`] asks several segments as
//! one. The crate `mithaq-name-index` keeps them on disk.
//!
//! ```
//! use mithaq_names::index::{Part, Record, Scratch, SearchOptions, Segment, Tombstones, build_segment, search};
//! use mithaq_names::{Kind, Name};
//! let records = [Record::person("s-1", "Mohammad Taher Anwari"), Record::person("s-2", "Jean Dupont")];
//! let segment = Segment::open(build_segment(&records)?)?;
//! let none = Tombstones::default();
//! let parts = [Part { segment: &segment, dead: &none }];
//! let query = Name::parse("محمد طاهر أنوري");
//! let hits = search(&parts, &query, SearchOptions::default(), &mut Scratch::default())?;
//! assert_eq!(hits[0].id, "s-1");
//! # Ok::<(), mithaq_names::index::IndexError>(())
//! ```
//!
//! # What it promises
//! - A hit carries the id of the record, never its names.
//! - Every byte read is covered by a checksum: a damaged segment gives an error, not a wrong answer. The checksum
//!   finds damage; it does not stop someone who may write the file.
//! - The same records give the same bytes, whatever their order.
//!
//! # What it deliberately does not do
//! Decide who may search, or what a hit may show.

mod build;
mod codec;
mod lookup;
mod order;
mod search;
mod segment;

pub use build::{BuildError, Record, build_segment, merge};
pub use codec::checksum;
pub use order::{ORDER_FEATURES, ORDER_NAMES};
pub use search::{Hit, Part, Scratch, SearchAnswer, SearchOptions, search, search_fully, study};
pub use segment::{IndexError, Section, Segment, Source, SourceError, Stored, Tombstones};

/// Most bytes of the id of a record.
pub const MAX_ID: usize = 128;
/// Most bytes of a name that are stored; beyond what [`crate::MAX_CHARS`] reads nothing is lost.
pub const MAX_STORED: usize = 1024;
/// Most names of one segment.
pub const MAX_NAMES: usize = 16_000_000;

#[cfg(test)]
mod tests;
