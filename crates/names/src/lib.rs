//! Likeness of names across Arabic, Latin, Cyrillic and other scripts, with reasons.
//!
//! عبد الحميد, Abdelhamid, Abd al-Hamid and Абдельхамид are one name. This crate reads a name in any of the
//! supported scripts ([`Name::parse`]), compares two of them ([`Scorer::score`]) and says why
//! ([`Scorer::explain`]). It does no input or output, reads no clock, and gives the same answer for (a, b) as for (b, a).
//!
//! ```
//! use mithaq_names::{Band, Name, Scorer};
//! let scorer = Scorer::new();
//! let likeness = scorer.score(&Name::parse("محمد طاهر أنوري"), &Name::parse("Mohammad Taher Anwari"));
//! assert_eq!(likeness.band, Band::Possible);
//! ```
//!
//! # What it promises
//! - **Symmetric**, and the same on every machine for one [`TABLES_VERSION`], which is part of every result.
//! - **Bounded**: at most [`MAX_CHARS`] characters, [`MAX_WORDS`] words and [`MAX_TOKENS`] tokens of a name are
//!   read; the rest is ignored. No input panics, none takes more than that bound allows.
//! - **A name alone is never more than [`Band::Possible`].**
//!
//! # For an index
//! [`Name::keys`] gives the retrieval keys, [`Name::set_rarity`] replaces the built-in rarity by the frequencies
//! of the index, [`Token::span`] the place in the text.
//!
//! # What it deliberately does not do
//! Decide. It orders candidates for a person who looks at them.
#![deny(missing_docs)]

mod acronyms;
mod align;
mod birth;
mod compounds;
mod concepts;
mod convention;
mod distinct;
mod evidence;
mod explain;
mod forms;
mod han;
mod hashed;
mod homoglyphs;
pub mod index;
mod keys;
mod lexicon;
mod matching;
mod monosyllables;
mod name;
mod nicknames;
mod numerals;
mod population;
mod present;
mod rarity;
mod readings;
mod romanise;
mod score;
mod script;
mod servants;
mod slavic;
pub mod spot;
mod states;
mod structure;
mod syllables;
mod tables;
mod text;
mod told;
pub mod training;
mod units;

pub use birth::{BirthDate, Calendar};
pub use convention::Convention;
pub use evidence::{Agreement, Details, Document, DocumentKind, Field, Finding, Sex, compare_details};
pub use explain::{Explanation, Reason, ReasonCode, Spelling};
pub use keys::{Key, KeyKind, WeightedKey};
pub use name::{Kind, MAX_SYMBOLS, MAX_TOKENS, Name, Role, Token};
pub use population::{POPULATION_NAMES, population_features};
pub use score::{Band, FEATURE_NAMES, FEATURES, Likeness, Scorer, SecondIdentifier};
pub use script::{Script, Symbol};
pub use states::state;
pub use tables::TABLES_VERSION;
pub use text::{MAX_CHARS, MAX_WORD_SYMBOLS, MAX_WORDS};
