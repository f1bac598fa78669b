//! The names that are looked for, ready to be compared without being parsed again.
//!
//! Names are made of few words: every distinct one is kept once, with what parsing found out about it, and a name is the
//! list of its words. What this module deliberately does not do: keep where a word stood in its text.

use crate::Kind;
use crate::name::{Name, Token};
use crate::script::{Script, Symbol};
use crate::structure::MERGED_MAX;
use crate::units;

/// What is known of a name before it is compared, in half a line of the cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brief {
    /// Hashes of its rarest words: words written alike to the letter.
    pub(super) hashes: [u32; 4],
    /// Its place among the records: of names that look alike the first is compared first.
    pub(super) number: u32,
    /// Names that agree with it by chance, itself included.
    pub(super) chance: f32,
    /// The place of its first word among all, or of its text.
    first: u32,
    /// Words it has.
    pub(super) tokens: u8,
    pub(super) kind: Kind,
    /// It is kept as words.
    listed: bool,
}

/// A distinct word. Its symbols stand beside it: two lines of the cache hold all that is read.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Word {
    token: Token,
    symbols: [Symbol; MERGED_MAX as usize],
}

impl Word {
    fn symbols(&self) -> &[Symbol] {
        self.symbols.get(..usize::from(self.token.len)).unwrap_or_default()
    }
}

/// The words of all names, and the names that are more than their words (those of bodies).
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    distinct: Vec<Word>,
    /// Words of one name after those of another, by their number among the distinct ones.
    listed: Vec<u32>,
    texts: Vec<Box<str>>,
    /// Numbers of words (counted from 1) by hash, at most half of them taken; only while names are added.
    slots: Vec<u32>,
}

impl Words {
    /// Keeps a name and says what is known of it; the caller fills in the rest.
    pub(super) fn add(&mut self, name: &Name, text: &str, number: u32, hashes: [u32; 4]) -> Brief {
        let listed = name.written.is_none() && name.initials.1.is_empty() && stand_together(name);
        let short = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let first = short(if listed { self.listed.len() } else { self.texts.len() });
        if listed {
            for token in &name.tokens {
                let number = self.number(token, name.symbols_of(token));
                self.listed.push(number);
            }
        } else {
            self.texts.push(text.into());
        }
        let tokens = u8::try_from(name.tokens.len()).unwrap_or(u8::MAX);
        Brief { hashes, number, chance: 0.0, first, tokens, kind: name.kind, listed }
    }

    /// Ends the adding of names: lists their words in the order in which the names will be looked at.
    pub(super) fn close(&mut self, briefs: &mut [Brief]) {
        let before = std::mem::take(&mut self.listed);
        self.listed.reserve_exact(before.len());
        for brief in briefs.iter_mut().filter(|brief| brief.listed) {
            let words = before.iter().skip(brief.first as usize).take(usize::from(brief.tokens));
            brief.first = u32::try_from(self.listed.len()).unwrap_or(u32::MAX);
            self.listed.extend(words);
        }
        self.slots = Vec::new();
        self.distinct.shrink_to_fit();
    }

    /// Makes a name of what is kept of it. Only spans are not what parsing gives.
    pub(super) fn fill(&self, brief: &Brief, name: &mut Name) {
        if !brief.listed {
            let text = self.texts.get(brief.first as usize).map_or("", |text| text);
            *name = Name::parse_as(brief.kind, text);
            return;
        }
        name.kind = brief.kind;
        if name.written.is_some() || !name.initials.1.is_empty() || name.comma {
            (name.written, name.initials, name.comma) = (None, (Script::Latin, Vec::new()), false);
        }
        name.symbols.clear();
        name.tokens.clear();
        let listed = self.listed.iter().skip(brief.first as usize).take(usize::from(brief.tokens));
        for word in listed.filter_map(|number| self.distinct.get(*number as usize)) {
            let start = u16::try_from(name.symbols.len()).unwrap_or(u16::MAX);
            name.symbols.extend_from_slice(word.symbols());
            name.tokens.push(Token { start, ..word.token.clone() });
        }
        units::mark(name);
    }

    /// Reads a byte of every word of names that will be compared, so that their lines of the cache come together and are
    /// not waited for one after the other.
    pub(super) fn touch<'a>(&self, briefs: impl Iterator<Item = &'a Brief>) {
        let mut read = 0;
        for brief in briefs.filter(|brief| brief.listed) {
            let listed = self.listed.iter().skip(brief.first as usize).take(usize::from(brief.tokens));
            for word in listed.filter_map(|number| self.distinct.get(*number as usize)) {
                read ^= word.symbols[0] ^ word.token.len;
            }
        }
        std::hint::black_box(read);
    }

    /// Returns the number of a word, by now or before.
    fn number(&mut self, token: &Token, symbols: &[Symbol]) -> u32 {
        if 2 * self.distinct.len() >= self.slots.len() {
            self.grow();
        }
        let wanted = Token { start: 0, from: 0, to: 0, ..token.clone() };
        for at in probe(token.hash, self.slots.len()) {
            let Some(slot) = self.slots.get(at).copied() else { break };
            let Some(number) = slot.checked_sub(1) else {
                return self.insert(at, wanted, symbols);
            };
            let known = self.distinct.get(number as usize);
            if known.is_some_and(|known| known.token == wanted && known.symbols() == symbols) {
                return number;
            }
        }
        u32::MAX
    }

    fn insert(&mut self, at: usize, token: Token, symbols: &[Symbol]) -> u32 {
        let number = u32::try_from(self.distinct.len()).unwrap_or(u32::MAX);
        let mut word = Word { token, symbols: [0; MERGED_MAX as usize] };
        word.symbols.iter_mut().zip(symbols).for_each(|(slot, symbol)| *slot = *symbol);
        self.distinct.push(word);
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = number.saturating_add(1);
        }
        number
    }

    fn grow(&mut self) {
        let mut slots = vec![0_u32; (4 * self.distinct.len()).next_power_of_two().max(64)];
        for (number, word) in (1_u32..).zip(&self.distinct) {
            let free = probe(word.token.hash, slots.len()).find(|at| slots.get(*at) == Some(&0));
            if let Some(slot) = free.and_then(|at| slots.get_mut(at)) {
                *slot = number;
            }
        }
        self.slots = slots;
    }
}

/// Places of a hash among a power of two, in the order they are tried.
fn probe(hash: u64, places: usize) -> impl Iterator<Item = usize> {
    let start = usize::try_from(super::table::mix(hash) >> 8).unwrap_or(0);
    (0..places).map(move |step| start.wrapping_add(step) & (places - 1))
}

/// True when the symbols of a name are those of its words, one after the other, and none is too long to be kept.
fn stand_together(name: &Name) -> bool {
    let mut end = 0;
    let together = name.tokens.iter().all(|token| {
        let follows = usize::from(token.start) == end && token.len <= MERGED_MAX;
        end = token.range().end;
        follows
    });
    together && end == name.symbols.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_words_is_the_name_that_was_parsed() {
        let texts = [
            (Kind::Person, "Sheikh Abdelhamid ben Achour"),
            (Kind::Person, "ORLOVA, Nina Sergeevna"),
            (Kind::Person, "محمد طاهر أنوري"),
            (Kind::Person, "Nur al-Din J. Mahmoud 3rd"),
            (Kind::Person, "김 민준"),
            (Kind::Place, "San José de la Montaña"),
            (Kind::Place, "Achour"),
            (Kind::Organisation, "Ministry of Ports"),
            (Kind::Person, "Нина Орлова Nina"),
        ];
        let mut words = Words::default();
        // Twice, so that every word is also found again; and many, so that the table grows.
        let (mut briefs, names): (Vec<Brief>, Vec<Name>) = texts
            .iter()
            .chain(&texts)
            .map(|(kind, text)| (*kind, (*text).to_owned()))
            .chain((0..300_u32).map(|n| (Kind::Person, format!("Ka{n}rim {}", n * 7))))
            .map(|(kind, text)| {
                let name = Name::parse_as(kind, &text);
                (words.add(&name, &text, 0, [0; 4]), name)
            })
            .unzip();
        briefs.reverse();
        words.close(&mut briefs);
        let mut made = Name::parse("");
        for (brief, mut name) in briefs.iter().rev().zip(names) {
            words.fill(brief, &mut made);
            if brief.listed {
                name.comma = false;
                name.tokens.iter_mut().for_each(|token| (token.from, token.to) = (0, 0));
            }
            assert_eq!(made, name);
        }
        assert_eq!((words.texts.len(), words.distinct.len() < 700), (2, true), "equal words are kept once");
    }
}
