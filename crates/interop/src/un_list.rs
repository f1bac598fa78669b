//! The consolidated list of the United Nations Security Council, as published in XML, read entry by entry into
//! subjects and claims.
//!
//! Nothing is dropped silently: see [`LossReport`]. Nothing is fetched, expanded or guessed: a document type
//! is refused, only the five entities of XML and character references are read, every event, entry and the
//! whole are bounded, and no text is searched for facts (a death told in a comment stays a comment). Special
//! categories have no field; free text goes through [`Options::screen`] and is refused whole when it fires.

mod date;
mod entry;
mod id;
mod name;
mod node;
mod reader;
mod write;

use mithaq_model::{
    Attribute, Grade, Handling, HandlingCodes, InfoGrade, Pap, PartyId, SourceGrade, SpecialCategory,
    Subject, SubjectClass, Timestamp, Tlp,
};
use thiserror::Error;

pub use reader::Reader;

use crate::LossReport;

/// Largest single event (tag, text, comment) in bytes. The longest text of the list of 2025 has 1,723.
pub const EVENT_MAX: usize = 256 * 1024;
/// Largest entry in bytes of text.
pub const ENTRY_BYTES_MAX: usize = 512 * 1024;
/// Most elements of one entry. The largest of the list of 2025 has some hundreds.
pub const ENTRY_NODES_MAX: usize = 8_192;
/// Deepest nesting. The format needs five.
pub const DEPTH_MAX: usize = 16;
/// Most entries of one list.
pub const ENTRIES_MAX: u64 = 1_000_000;

/// Answers which special categories a free text touches; any refuses the text whole. Names are not asked.
pub type Screen<'a> = dyn Fn(Attribute, &str) -> Vec<SpecialCategory> + 'a;

/// What the importing node adds to every claim.
pub struct Options<'a> {
    /// Name of the list, part of every reference and derived id: 1 to 20 of `a-z 0-9 . -`.
    pub list: &'a str,
    /// Party in control of the claims: the one that imports the list and answers for it.
    pub originator: PartyId,
    /// When the claims are recorded.
    pub recorded: Timestamp,
    /// When they are erased unless imported again or kept by a decision.
    pub expires: Timestamp,
    /// Grade of every claim. B2 by default: the Security Council is reliable in most instances, and what its
    /// members submitted is known to them and not to the officer who reads the list. Not A1: entries have
    /// been annulled and persons removed (CJEU, C-402/05 P, Kadi; Ombudsperson under resolution 1904 (2009)).
    pub grade: Grade,
    /// Handling of every claim; H0, TLP:CLEAR, PAP:CLEAR by default, because the list is public.
    pub handling: Handling,
    /// Data-subject class of listed persons; `unknown_uncategorised` by default. The Council calls its
    /// measures preventive and not reliant upon criminal standards (resolution 2368 (2017), preamble), so a
    /// listing alone makes nobody a suspect or a convict (LED, Art. 6; limit L10). An uncategorised person is
    /// erased after six months: a new import renews the claim, an officer with own grounds changes the class.
    pub class: SubjectClass,
    /// The ground for the class, in the words of the importing node.
    pub class_ground: &'a str,
    /// Asked for every free text. There is no default: an import without a screen does not compile.
    pub screen: &'a Screen<'a>,
    /// Most bytes read in all.
    pub bytes_max: u64,
}

impl<'a> Options<'a> {
    /// Returns the defaults for one import; the fields say what they are and why.
    #[must_use]
    pub fn new(
        originator: PartyId,
        recorded: Timestamp,
        expires: Timestamp,
        screen: &'a Screen<'a>,
    ) -> Options<'a> {
        Options {
            list: "un-sc",
            originator,
            recorded,
            expires,
            grade: Grade::FourByFour(SourceGrade::B, InfoGrade::Two),
            handling: Handling::new(HandlingCodes::H0, Tlp::Clear, Pap::Clear),
            class: SubjectClass::UnknownUncategorised,
            class_ground: "Listed by the United Nations Security Council: a preventive measure that does not \
                           rest on criminal standards; not yet categorised by this agency.",
            screen,
            bytes_max: 256 * 1024 * 1024,
        }
    }
}

/// What identifies an entry within the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListRef {
    /// `DATAID`: stays with the entry for good.
    pub data_id: String,
    /// Permanent reference number, for example `QDe.004`, when it is plain.
    pub reference: Option<String>,
    /// `VERSIONNUM` as written, when it is plain.
    pub version: Option<String>,
    /// `source_ref` of every claim: list, number and reference in the characters of a ledger reference.
    pub source_ref: String,
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it stands in the list.
    pub list: ListRef,
    /// The person or organisation with everything said of it. Its id and those of its claims are derived from
    /// the list and the content: reading the same entry again gives the same ids, a changed statement a new one.
    pub subject: Subject,
}

/// Why one entry was refused whole. Reading goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EntryError {
    /// No `DATAID` of 1 to 20 letters and digits: it could not be found again.
    #[error("the entry has no usable number (DATAID)")]
    NumberMissing,
    /// The list has this `DATAID` already.
    #[error("the number (DATAID) of the entry was used before in this list")]
    NumberRepeated,
    /// No name: a subject without one is nobody.
    #[error("the entry has no usable name")]
    NameMissing,
    /// Too many elements or too much text.
    #[error("the entry has more than {ENTRY_NODES_MAX} elements or {ENTRY_BYTES_MAX} bytes")]
    TooLarge,
    /// The model does not take it.
    #[error("the entry makes no subject")]
    Subject(#[from] mithaq_model::SubjectError),
}

/// Why reading stopped, or what entry was refused. Positions and numbers, never content.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// One entry was refused; the next call goes on after it.
    #[error("entry {number} of the list was refused")]
    Entry {
        /// Place in the list, from 1.
        number: u64,
        /// Why.
        #[source]
        why: EntryError,
    },
    /// The bytes are no XML, or not well formed.
    #[error("not well-formed XML near byte {at}")]
    Malformed {
        /// Byte offset.
        at: u64,
    },
    /// The bytes are no UTF-8, or the document declares another encoding.
    #[error("not UTF-8 near byte {at}")]
    Encoding {
        /// Byte offset.
        at: u64,
    },
    /// A document type: never read, it is how entity bombs and outside references come in.
    #[error("the document has a document type, which is never read")]
    DocumentType,
    /// A reference to an entity that XML itself does not define.
    #[error("unknown entity near byte {at}")]
    Entity {
        /// Byte offset.
        at: u64,
    },
    /// The outermost element is not `CONSOLIDATED_LIST`.
    #[error("not a consolidated list of the Security Council")]
    NotTheList,
    /// [`Options::list`] is not 1 to 20 of `a-z 0-9 . -`.
    #[error("the name given to the list must be 1 to 20 of a-z, 0-9, dot and hyphen")]
    ListName,
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("nested deeper than {DEPTH_MAX} elements near byte {at}")]
    Depth {
        /// Byte offset.
        at: u64,
    },
    /// A tag or text longer than [`EVENT_MAX`], or the whole longer than [`Options::bytes_max`].
    #[error("a tag, a text or the whole is too long near byte {at}")]
    TooLong {
        /// Byte offset.
        at: u64,
    },
    /// More than [`ENTRIES_MAX`] entries.
    #[error("more than {ENTRIES_MAX} entries")]
    TooMany,
    /// The document ends before its elements do.
    #[error("the document ends early, at byte {at}")]
    Truncated {
        /// Byte offset.
        at: u64,
    },
    /// The source of bytes failed.
    #[error("reading failed: {0}")]
    Read(std::io::ErrorKind),
}

impl ReadError {
    /// Returns whether reading is over; otherwise only one entry was refused.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        !matches!(self, Self::Entry { .. })
    }
}

/// Reads a list entry by entry; the report is complete when the iterator has ended.
pub fn read<R: std::io::BufRead>(input: R, options: Options<'_>) -> Reader<'_, R> {
    Reader::new(input, options)
}

/// Reads a whole list that lies in memory.
///
/// # Errors
/// The first error that ends the reading. Refused entries are returned beside the good ones.
pub fn read_all(xml: &[u8], options: Options<'_>) -> Result<Everything, ReadError> {
    let mut reader = read(xml, options);
    let mut all = Everything::default();
    for item in reader.by_ref() {
        match item {
            Ok(record) => all.records.push(record),
            Err(ReadError::Entry { number, why }) => all.refused.push((number, why)),
            Err(fatal) => return Err(fatal),
        }
    }
    all.generated = reader.generated();
    all.report = reader.into_report();
    Ok(all)
}

/// A list read whole.
#[derive(Debug, Clone, Default)]
pub struct Everything {
    /// The entries.
    pub records: Vec<Record>,
    /// Place in the list of every refused entry, and why.
    pub refused: Vec<(u64, EntryError)>,
    /// When the list says it was generated.
    pub generated: Option<Timestamp>,
    /// What was carried and what was not.
    pub report: LossReport,
}
