//! Acronyms of bodies and what they abbreviate: ONU, UNO and ООН are three readings of one name.
//!
//! A body is known by its first letters in more languages than one. A letter of an acronym fits a word when the word
//! begins with it; when the word says what the body is (see `concepts`), in any language we know the word in. The words
//! may stand in the order of the letters or the other way round, as Romance and Germanic languages differ. What this
//! module deliberately does not do: know any acronym.

use std::ops::RangeInclusive;

use crate::concepts;
use crate::lexicon;
use crate::name::{Name, Role, Token};
use crate::nicknames::NO_LINES;
use crate::script::{Script, Symbol};
use crate::tables::Tables;

/// Letters an acronym has: two fit too much by chance.
pub(crate) const LETTERS: RangeInclusive<usize> = 3..=8;

/// True for a token that may be an acronym.
pub(crate) fn may_be(token: &Token) -> bool {
    token.role == Role::Plain
        && LETTERS.contains(&usize::from(token.len))
        && token.skip == 0
        && token.nicknames == NO_LINES
        && token.script != Script::Syllabic
}

/// True when the letters of an acronym are the first letters of as many words, in this order or the other.
pub(crate) fn abbreviates(tables: &Tables, (name, token): (&Name, &Token), long: (&Name, &[Token])) -> bool {
    let letters = name.symbols_of(token);
    let fits = |(letter, word): (&Symbol, &Token)| begins(tables, (token.script, *letter), (long.0, word));
    letters.iter().zip(long.1).all(fits) || letters.iter().rev().zip(long.1).all(fits)
}

fn begins(tables: &Tables, (script, letter): (Script, Symbol), (name, word): (&Name, &Token)) -> bool {
    if word.role != Role::Plain {
        return false;
    }
    let symbols = name.symbols_of(word);
    let own = symbols
        .first()
        .is_some_and(|first| tables.stands_for(script, letter, word.script) & (1 << first) != 0);
    let concept = || concepts::of_english(lexicon::hash(word.script, symbols));
    own || concept().is_some_and(|concept| concepts::initials(concept, script) & (1 << letter) != 0)
}

/// Returns the acronyms a body may have: the first letters of its words as they are written, and of their concepts, in
/// their order and the other.
pub(crate) fn of(name: &Name) -> Vec<(Script, Vec<Symbol>)> {
    let mut out: Vec<(Script, Vec<Symbol>)> = Vec::new();
    let words = name.tokens.iter().filter(|token| token.role == Role::Plain);
    let script = name.tokens.first().map_or(Script::Latin, |token| token.script);
    let same = words.clone().all(|token| token.script == script);
    let read: Vec<Symbol> = words.filter_map(|token| name.symbols_of(token).first().copied()).collect();
    let turned = read.iter().rev().copied().collect();
    let written = name.initials.clone();
    for (script, letters, fits) in
        [(written.0, written.1, true), (script, read, same), (script, turned, same)]
    {
        let known = out.iter().any(|other| (other.0, &other.1) == (script, &letters));
        if fits && !known && LETTERS.contains(&letters.len()) && script != Script::Syllabic {
            out.push((script, letters));
        }
    }
    out
}
