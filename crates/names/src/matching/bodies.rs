//! Links that only the names of bodies have: acronyms, and words as they are written beside what they were read as.
//!
//! What this module deliberately does not do: choose among links.

use super::{CoarseMask, Link, QUALITY_JOINED, equal, index, single};
use crate::acronyms;
use crate::align::Grid;
use crate::distinct;
use crate::name::{Name, Role, Token};
use crate::rarity;
use crate::tables::Tables;

/// Quality of an acronym and what it abbreviates.
const QUALITY_ACRONYM: f32 = 0.8;

/// Calls back with all of them.
pub(super) fn links((tables, grid): (&Tables, &mut Grid), a: &Name, b: &Name, mut push: impl FnMut(Link)) {
    acronyms(tables, a, b, &mut push);
    acronyms(tables, b, a, |link| {
        push(Link { a: link.b, b: link.a, a_count: link.b_count, b_count: link.a_count, ..link });
    });
    written((tables, grid), a, b, push);
}

/// A word of a body as it is written, and the tokens it became.
struct Written<'a> {
    name: &'a Name,
    token: &'a Token,
    first: usize,
    count: usize,
    /// It was read as the word of a concept.
    changed: bool,
}

fn words(name: &Name) -> impl Iterator<Item = Written<'_>> {
    let changed = name.translated().map(|(written, token, first, count)| Written {
        name: written,
        token,
        first,
        count,
        changed: true,
    });
    let plain = name.tokens.iter().enumerate().filter(|(_, token)| token.role == Role::Plain);
    let plain = plain.map(move |(first, token)| Written { name, token, first, count: 1, changed: false });
    changed.chain(plain)
}

/// Compares words as they are written where one of them was read as the word of a concept and the other was not, or as
/// that of another: names that look like such a word, and errors of writing.
fn written((tables, grid): (&Tables, &mut Grid), a: &Name, b: &Name, mut push: impl FnMut(Link)) {
    if a.written.is_none() && b.written.is_none() {
        return;
    }
    for x in words(a) {
        let mask = CoarseMask::new(x.token.coarse);
        for y in words(b).filter(|y| x.changed || y.changed) {
            let (of_x, of_y) =
                (a.tokens.get(x.first..x.first + x.count), b.tokens.get(y.first..y.first + y.count));
            let (Some(of_x), Some(of_y)) = (of_x, of_y) else { continue };
            let alike = |(x, y): (&Token, &Token)| equal(x, y);
            if of_x.len() == of_y.len() && of_x.iter().zip(of_y).all(alike) {
                continue;
            }
            // Two words that are known as those of two concepts are no spellings of each other.
            if let ([x], [y]) = (of_x, of_y)
                && distinct::apart((a, x), (b, y))
            {
                continue;
            }
            let link = single(tables, (x.name, x.token, &mask), (y.name, y.token), grid);
            let Some(mut link) = link.filter(|link| link.quality >= QUALITY_JOINED) else { continue };
            if x.changed && y.changed {
                // Two words that say what a body is.
                link.rarity = link.rarity.min(rarity::GENERIC_BITS);
                link.bits = link.rarity * link.quality;
            }
            let counts = (u8::try_from(x.count).unwrap_or(1), u8::try_from(y.count).unwrap_or(1));
            push(Link {
                a: index(x.first),
                b: index(y.first),
                a_count: counts.0,
                b_count: counts.1,
                written: true,
                ..link
            });
        }
    }
}

/// Tries the tokens of the first name as acronyms of words of the second.
fn acronyms(tables: &Tables, a: &Name, b: &Name, mut push: impl FnMut(Link)) {
    for (i, x) in a.tokens.iter().enumerate().filter(|(_, x)| acronyms::may_be(x)) {
        for (j, words) in b.tokens.windows(usize::from(x.len)).enumerate() {
            if acronyms::abbreviates(tables, (a, x), (b, words)) {
                let whole: f32 = words.iter().map(Token::rarity_bits).sum();
                let rarity = x.rarity_bits().min(whole);
                let (quality, bits) = (QUALITY_ACRONYM, rarity * QUALITY_ACRONYM);
                let base = Link { a: index(i), b: index(j), a_count: 1, b_count: x.len, ..Link::default() };
                push(Link { quality, bits, rarity, ..base });
            }
        }
    }
}
