//! Compounds and portmanteaus of the names of bodies: Staatsbank, Росгвардия, Uraltransmash.
//!
//! Germanic, Baltic-Finnic and Hungarian compounds are words of the table of concepts one after the other. Slavic
//! languages join the first syllables of words (Russian сложносокращённые слова): their roots are listed here, in the one
//! form of `slavic`, so that both alphabets are read alike. What stands before the roots may be a proper name. What this
//! module deliberately does not do: take apart what it does not know to the last letter.

use std::sync::LazyLock;

use crate::concepts;
use crate::hashed::Hashed;
use crate::script::{Script, Symbol};
use crate::slavic::{self, Form};
use crate::training;

/// Shortest part of a compound.
const PART_MIN: usize = 4;
/// Shortest last part when the first is not known, and shortest such first part.
const HEAD_MIN: usize = 6;
const UNKNOWN_MIN: usize = 4;
/// Letters that roots must cover behind a part that is not known.
const COVERED_MIN: usize = 5;

/// Roots of Slavic portmanteaus and their concepts.
const ROOTS: &str = "авиа:aviation авто:automobile агро:agriculture атом:nuclear банк:bank бел:belarus бур:drilling вагон:wagon \
    верто:helicopter внеш:foreign внешне:foreign вод:water водо:water воен:military газ:gas гео:geology гидро:hydraulic гор:city \
    гос:state гвардия:guard гвардии:guard двиг:engine дор:road дрон:drone завод:plant зарубеж:foreign импорт:import инвест:investment \
    инж:engineering информ:information кабель:cable кибер:cyber кино:film комплекс:complex корабел:ship косм:space космос:space \
    лес:forest лизинг:leasing маш:machine мед:medical мет:metal металл:metal мин:mining монтаж:assembly_work мор:maritime \
    наука:science нефте:oil нефть:oil нефт:oil оборон:defence обл:region оптика:optical опт:optical пласт:plastic полимер:polymer \
    прибор:instrument приборо:instrument пром:industry проект:project радио:radio ракет:missile рем:repair ремонт:repair рос:russia \
    рус:russia рыб:fishing рыба:fishing связь:communication сельхоз:agriculture сервис:service снаб:supply спец:special \
    сталь:steel станко:tool страх:insurance строй:construction судо:ship теле:television тепло:heat тех:technical \
    техника:technical техно:technology торг:trade точ:precision транс:transport турбо:turbine тяж:heavy угле:coal уголь:coal \
    укр:ukraine урал:ural фарм:pharmaceutical флот:fleet хим:chemical хлеб:grain центр:centre цемент:cement экспорт:export \
    экс:export электро:electric энерго:energy энергия:energy ядер:nuclear яд:nuclear союз:union компания:company полиция:police \
    пол:police почта:post алмаз:diamond золото:gold уран:uranium";

static TABLE: LazyLock<Hashed<u16>> = LazyLock::new(|| {
    let root = |entry: &str| {
        let (letters, concept) = entry.split_once(':')?;
        let (script, symbols) = training::symbols(letters)?;
        Some((slavic::hash(script, &symbols), concepts::named(concept)?))
    };
    let entries: Vec<(u64, u16)> = ROOTS.split_whitespace().filter_map(root).collect();
    Hashed::new(entries.into_iter())
});

/// Most parts of a compound.
const MOST: usize = 4;

/// A word taken apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// Symbols at the beginning that are a word of their own, not known.
    pub(crate) unknown: usize,
    concepts: [u16; MOST],
    count: usize,
}

impl Parts {
    /// Returns the concepts, nothing when the word is no compound.
    pub(crate) fn known(&self) -> &[u16] {
        self.concepts.get(..self.count).unwrap_or_default()
    }

    fn then(mut self, concept: u16) -> Option<Self> {
        *self.concepts.get_mut(self.count)? = concept;
        self.count += 1;
        Some(self)
    }
}

/// Takes a word apart.
pub(crate) fn parts(script: Script, symbols: &[Symbol]) -> Parts {
    if !matches!(script, Script::Latin | Script::Cyrillic) {
        return Parts::default();
    }
    let two = || if script == Script::Latin { words(symbols) } else { None };
    two().or_else(|| roots(script, symbols)).or_else(|| headed(script, symbols)).unwrap_or_default()
}

/// Two words of the table.
fn words(symbols: &[Symbol]) -> Option<Parts> {
    if symbols.len() < 2 * PART_MIN + 1 {
        return None;
    }
    (PART_MIN..=symbols.len() - PART_MIN).find_map(|at| {
        let (first, second) = symbols.split_at_checked(at)?;
        let first = concepts::part(Script::Latin, first)?;
        Parts::default().then(first)?.then(concepts::part(Script::Latin, second)?)
    })
}

/// Roots to the last letter, behind a proper name or not.
fn roots(script: Script, symbols: &[Symbol]) -> Option<Parts> {
    let form = Form::of(script, symbols);
    let bytes = form.bytes();
    if bytes.len() < PART_MIN + 2 {
        return None;
    }
    if let Some(found) = covered(bytes, Parts::default()).filter(|found| found.count > 1) {
        return Some(found);
    }
    (UNKNOWN_MIN..=bytes.len().checked_sub(COVERED_MIN)?).find_map(|at| {
        let found = covered(bytes.get(at..)?, Parts::default())?;
        // Where the form ends, the symbols end: the part that is not known is found again from behind.
        let unknown = (UNKNOWN_MIN..symbols.len()).find(|end| {
            symbols.get(..*end).is_some_and(|part| Some(Form::of(script, part).bytes()) == bytes.get(..at))
        })?;
        Some(Parts { unknown, ..found })
    })
}

/// Covers letters with roots; the longest first part that leads to the end.
fn covered(bytes: &[u8], so_far: Parts) -> Option<Parts> {
    if bytes.is_empty() {
        return (so_far.count > 0).then_some(so_far);
    }
    (2..=bytes.len()).rev().find_map(|at| {
        let (first, rest) = bytes.split_at_checked(at)?;
        let concept = TABLE.get(slavic::hash_of(first))?;
        covered(rest, so_far.then(concept)?)
    })
}

/// A proper name and a long word of the table.
fn headed(script: Script, symbols: &[Symbol]) -> Option<Parts> {
    if script != Script::Latin {
        return None;
    }
    (UNKNOWN_MIN..=symbols.len().checked_sub(HEAD_MIN)?).find_map(|unknown| {
        let head = concepts::part(script, symbols.get(unknown..)?)?;
        Parts { unknown, ..Parts::default() }.then(head)
    })
}

#[cfg(test)]
mod tests {
    use crate::concepts::tests::read;

    #[test]
    fn portmanteaus_are_taken_apart_in_both_alphabets() {
        for (text, words) in [
            ("Стройгазэнерго", "construction gas energy"),
            ("Stroygazenergo", "construction gas energy"),
            ("Kalmortransstroy", "kalmor transport construction"),
            ("Нефтехиммаш", "oil chemical machine"),
        ] {
            assert_eq!(read(text).join(" "), words, "{text}");
        }
    }

    #[test]
    fn compounds_are_taken_apart() {
        assert_eq!(read("Staatsbank"), ["state", "bank"]);
        assert_eq!(read("Kalmoragevangenis"), ["kalmora", "prison"]);
        assert_eq!(read("Kalmora"), ["kalmora"]);
    }
}
