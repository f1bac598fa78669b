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

mod align;
mod convention;
mod evidence;
mod explain;
mod han;
mod keys;
mod lexicon;
mod matching;
mod name;
mod nicknames;
mod rarity;
mod romanise;
mod score;
mod script;
mod structure;
mod syllables;
mod tables;
mod text;
pub mod training;
mod units;

pub use convention::Convention;
pub use evidence::{
    Agreement, BirthDate, Calendar, Details, Document, DocumentKind, Field, Finding, Sex, compare_details,
};
pub use explain::{Explanation, Reason, ReasonCode, Spelling};
pub use keys::{Key, KeyKind, WeightedKey};
pub use name::{Kind, MAX_SYMBOLS, MAX_TOKENS, Name, Role, Token};
pub use score::{Band, FEATURE_NAMES, FEATURES, Likeness, Scorer, SecondIdentifier};
pub use script::{Script, Symbol};
pub use tables::TABLES_VERSION;
pub use text::{MAX_CHARS, MAX_WORD_SYMBOLS, MAX_WORDS};

/// Temporary: prints links.
#[doc(hidden)]
#[must_use]
pub fn debug_links(a: &Name, b: &Name) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let m = matching::matching(a, b);
    let show = |n: &Name, t: &Token| -> String { n.symbols_of(t).iter().map(|s| script::printable(t.script, *s)).collect() };
    for (n, name) in [("a", a), ("b", b)] {
        let _ = write!(out, "  {n}:");
        for t in name.tokens() {
            let _ = write!(out, " {}[{:?} skip{} r{:.1} {:x}]", show(name, t), t.role, t.skip, t.rarity_bits(), t.coarse);
        }
        let _ = writeln!(out);
    }
    for l in m.links() {
        let _ = writeln!(out, "  {}+{} ~ {}+{} q {:.2} bits {:.1} rarity {:.1} loss {:.1}", l.a, l.a_count, l.b, l.b_count, l.quality, l.bits, l.rarity, l.loss);
    }
    for (i, x) in a.tokens.iter().enumerate() {
        for (j, y) in b.tokens.iter().enumerate() {
            let al = align::align(tables::tables(), &align::Piece::token(a, x), &align::Piece::token(b, y));
            if al.loss < al.cap { let _ = write!(out, "  [{i},{j}: cap {:.1} loss {:.1}]", f32::from(al.cap) / 8.0, f32::from(al.loss) / 8.0);
            for s in align::trace(tables::tables(), &align::Piece::token(a, x), &align::Piece::token(b, y)) {
                let show = |n: &Name, t: &Token, r: (usize, usize)| -> String { n.symbols_of(t).get(r.0..r.1).unwrap_or_default().iter().map(|s| script::printable(t.script, *s)).collect() };
                let _ = write!(out, " {}={}:{:.1}", show(a, x, s.a), show(b, y, s.b), f32::from(s.eighths) / 8.0);
            }
            let _ = writeln!(out); }
        }
    }
    out
}
