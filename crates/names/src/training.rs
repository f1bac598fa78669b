//! What `mithaq-names-train` needs from the inside: symbols, alphabets, skeletons.
//!
//! Stable only within one [`crate::TABLES_VERSION`]; not needed to compare names.

use crate::distinct;
use crate::keys;
use crate::name::{Name, Role};
use crate::script::{self, Script, Symbol};
use crate::text;

/// Returns the script and symbols of a text that is one word, or `None`.
///
/// ```
/// use mithaq_names::{Script, training};
/// let (script, symbols) = training::symbols("Müller").unwrap();
/// assert_eq!((script, symbols.len()), (Script::Latin, 6));
/// assert!(training::symbols("two words").is_none());
/// ```
#[must_use]
pub fn symbols(text: &str) -> Option<(Script, Vec<Symbol>)> {
    let words = text::words(text);
    match words.words.as_slice() {
        [only] => Some((only.script, words.of(only).to_vec())),
        _ => None,
    }
}

/// Returns the letters of a script's alphabet; symbol 1 is the first.
///
/// ```
/// use mithaq_names::{Script, training};
/// assert!(training::alphabet(Script::Latin).starts_with("abc"));
/// ```
#[must_use]
pub const fn alphabet(script: Script) -> &'static str {
    script::alphabet(script)
}

/// Returns the fine skeleton of symbols, the key of the rarity table.
///
/// ```
/// use mithaq_names::{Script, training};
/// let fine = |text| { let (script, symbols) = training::symbols(text).unwrap(); training::fine_skeleton(script, &symbols) };
/// assert_eq!(fine("Mohamed"), fine("محمد"));
/// ```
#[must_use]
pub fn fine_skeleton(script: Script, symbols: &[Symbol]) -> u64 {
    keys::skeletons(script, symbols).fine
}

/// Returns the script of a text that is one word of a person's name, and the key of that word, particles left out, in the
/// table of classes.
///
/// ```
/// use mithaq_names::training;
/// assert_eq!(training::class_key("الحسن"), training::class_key("حسن"));
/// assert!(training::class_key("two words").is_none());
/// ```
#[must_use]
pub fn class_key(text: &str) -> Option<(Script, u64)> {
    let name = Name::parse(text);
    match name.tokens() {
        [only] if only.role() == Role::Plain => Some((only.script(), distinct::key(only.core))),
        _ => None,
    }
}
