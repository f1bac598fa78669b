//! Numbers and letters of bodies as one word however they are written: Brigade Forty-Four and Brigade 44, 1st and First, Fund II
//! and Fund 2, A.B.C. and ABC.
//!
//! Numerals are those of ten languages, without those that are other words too (one, a French nine that is new). What this
//! module deliberately does not do: read numbers of people, which are told by their titles (see `lexicon`).

use std::sync::LazyLock;

use crate::hashed::Hashed;
use crate::lexicon;
use crate::script::{Script, Symbol};
use crate::text::{self, Word, Words};
use crate::training;

/// Words by the number they stand for.
const NUMERALS: &[(u16, &str)] = &[
    (2, "two deux zwei due dois twee två два две اثنان"),
    (3, "three trois drei tres tre três drie tri три ثلاثة ثلاث"),
    (4, "four quatre vier cuatro quattro quatro fyra четыре أربعة أربع"),
    (5, "five cinq fünf cinco cinque vijf fem пять خمسة خمس"),
    (6, "six sechs seis zes шесть ستة"),
    (7, "seven sept sieben siete sette sete zeven sju семь سبعة سبع"),
    (8, "eight huit acht ocho otto oito åtta восемь ثمانية"),
    (9, "nine neun nueve nove negen nio девять تسعة"),
    (10, "ten zehn diez dieci dez tien десять عشرة"),
    (11, "eleven onze elf undici elva одиннадцать"),
    (12, "twelve douze zwölf doce dodici doze twaalf tolv двенадцать"),
    (13, "thirteen treize dreizehn trece tredici treze dertien"),
    (14, "fourteen quatorze vierzehn catorce quattordici veertien"),
    (15, "fifteen quinze fünfzehn quince quindici vijftien"),
    (16, "sixteen seize sechzehn sedici zestien"),
    (17, "seventeen siebzehn diciassette zeventien"),
    (18, "eighteen achtzehn diciotto achttien"),
    (19, "nineteen neunzehn diciannove negentien"),
    (20, "twenty vingt zwanzig veinte venti vinte twintig tjugo двадцать عشرون"),
    (30, "thirty trente dreißig treinta trenta trinta dertig тридцать ثلاثون"),
    (40, "forty quarante vierzig cuarenta quaranta quarenta veertig сорок أربعون"),
    (50, "fifty cinquante fünfzig cincuenta cinquanta cinquenta vijftig пятьдесят خمسون"),
    (60, "sixty soixante sechzig sesenta sessanta sessenta zestig шестьдесят ستون"),
    (70, "seventy siebzig setenta settanta zeventig семьдесят سبعون"),
    (80, "eighty achtzig ochenta ottanta oitenta tachtig восемьдесят ثمانون"),
    (90, "ninety neunzig noventa novanta negentig девяносто تسعون"),
];

/// The first ten in order, as the table of concepts has them.
const ORDINALS: [&str; 10] =
    ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];

static VALUES: LazyLock<Hashed<u16>> = LazyLock::new(|| {
    let of = |(value, words): &(u16, &'static str)| {
        let symbols = words.split(' ').filter_map(training::symbols);
        symbols.map(|(script, s)| (lexicon::hash(script, &s), *value)).collect::<Vec<_>>()
    };
    Hashed::new(NUMERALS.iter().flat_map(of).collect::<Vec<_>>().into_iter())
});

/// Writes numbers and letters of a body in one way.
pub(crate) fn written(words: Words) -> Words {
    if !words.words.iter().any(|word| may_be(&words, word)) {
        return words;
    }
    let mut out = Words { words: Vec::with_capacity(words.words.len()), symbols: Vec::new() };
    let mut rest = words.words.as_slice();
    while let [first, after @ ..] = rest {
        if let Some((text, count)) = number(&words, rest) {
            let last = rest.get(count - 1).unwrap_or(first);
            put(&mut out, &text, &Word { from: first.from, ..last.clone() });
            rest = rest.get(count..).unwrap_or_default();
        } else if let Some(count) = letters(rest) {
            let run = rest.get(..count).unwrap_or_default();
            let symbols: Vec<Symbol> = run.iter().flat_map(|word| words.of(word)).copied().collect();
            let last = run.last().unwrap_or(first);
            let like = Word { from: first.from, letters: 3, dotted: false, ..last.clone() };
            out.push(&like, first.script, &symbols);
            rest = rest.get(count..).unwrap_or_default();
        } else {
            out.push(first, first.script, words.of(first));
            rest = after;
        }
    }
    out
}

/// A cheap test that a word may be written otherwise.
fn may_be(words: &Words, word: &Word) -> bool {
    word.number
        || word.dotted && word.letters == 1
        || value(words, word).is_some()
        || roman(word.script, words.of(word)).is_some()
}

fn value(words: &Words, word: &Word) -> Option<u16> {
    VALUES.get(lexicon::hash(word.script, words.of(word)))
}

/// The number at the beginning of words: what is put in its place, and how many words it takes.
fn number(words: &Words, rest: &[Word]) -> Option<(String, usize)> {
    let (first, next) = (rest.first()?, rest.get(1));
    if first.number {
        let ending = next.filter(|next| next.from == first.to && ordinal(words.of(next)))?;
        let shown: String =
            words.of(first).iter().map(|s| crate::script::printable(first.script, *s)).collect();
        let at = shown.parse::<usize>().ok().and_then(|value| value.checked_sub(1));
        let word = at.and_then(|at| ORDINALS.get(at)).map_or(shown, |word| (*word).to_owned());
        return (ending.len == 2).then_some((word, 2));
    }
    let Some(value) = value(words, first) else {
        let value = roman(first.script, words.of(first))?;
        return Some((value.to_string(), 1));
    };
    // "Forty-four", "forty 4": tens and what follows them.
    let unit = next.filter(|_| value >= 20 && value % 10 == 0).and_then(|next| digit(words, next));
    Some(unit.map_or((value.to_string(), 1), |unit| ((value + unit).to_string(), 2)))
}

/// The value of a word below ten.
fn digit(words: &Words, word: &Word) -> Option<u16> {
    let digits = || match words.of(word) {
        [digit] if word.number => Some(u16::from(digit.saturating_sub(crate::script::latin::DIGIT))),
        _ => None,
    };
    value(words, word).or_else(digits).filter(|value| (1..10).contains(value))
}

/// st, nd, rd, th.
const fn ordinal(symbols: &[Symbol]) -> bool {
    matches!(symbols, [19, 20] | [14, 4] | [18, 4] | [20, 8])
}

/// The value of a Roman numeral of two letters and more up to 39.
fn roman(script: Script, symbols: &[Symbol]) -> Option<u16> {
    const UNITS: [&[Symbol]; 10] =
        [&[], &[9], &[9, 9], &[9, 9, 9], &[9, 22], &[22], &[22, 9], &[22, 9, 9], &[22, 9, 9, 9], &[9, 24]];
    if script != Script::Latin || symbols.len() < 2 {
        return None;
    }
    let tens = symbols.iter().take_while(|s| **s == 24).count();
    let rest = symbols.get(tens..)?;
    let unit = UNITS.iter().position(|unit| *unit == rest).filter(|_| tens < 4)?;
    u16::try_from(10 * tens + unit).ok()
}

/// Three single letters and more with points between them.
fn letters(rest: &[Word]) -> Option<usize> {
    let script = rest.first()?.script;
    let single = |word: &&Word| word.letters == 1 && word.len == 1 && !word.number && word.script == script;
    let run = rest.iter().take_while(single).count();
    let pointed = rest.iter().take(run.saturating_sub(1)).take_while(|word| word.dotted).count() + 1;
    (run >= 3 && pointed >= 3).then_some(pointed)
}

/// Appends a text of one word in the place of another.
fn put(out: &mut Words, text: &str, like: &Word) {
    let read = text::words(text);
    for word in &read.words {
        let shape = Word { from: like.from, to: like.to, comma: like.comma, ..word.clone() };
        out.push(&shape, word.script, read.of(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Band, Kind, Name, Scorer};

    fn band(a: &str, b: &str) -> Band {
        let parse = |text| Name::parse_as(Kind::Organisation, text);
        Scorer::new().score(&parse(a), &parse(b)).band
    }

    #[test]
    fn numbers_are_one_however_they_are_written() {
        for (a, b) in [
            ("Kalmora Brigade Forty-Four", "Kalmora Brigade 44"),
            ("Kalmora Brigade Forty 4", "Kalmora Brigade 44"),
            ("1st Kalmora Bank", "First Kalmora Bank"),
            ("Kalmora Fund II", "Kalmora Fund 2"),
            ("Drei Kalmora", "3 Kalmora"),
            ("A.B.K. Kalmora", "ABK Kalmora"),
        ] {
            assert_eq!(band(a, b), Band::Possible, "{a} | {b}");
        }
        for (a, b) in [
            ("Kalmora Brigade Forty-Four", "Kalmora Brigade 45"),
            ("Kalmora Fund II", "Kalmora Fund III"),
            ("Kalmora Fund XIV", "Kalmora Fund 15"),
        ] {
            assert!(band(a, b) < Band::Possible, "{a} | {b}");
        }
    }

    #[test]
    fn roman_numerals_are_read_up_to_thirty_nine() {
        let of = |text: &str| training::symbols(text).and_then(|(script, symbols)| roman(script, &symbols));
        assert_eq!(["ii", "iv", "ix", "xiv", "xxxix"].map(of), [2, 4, 9, 14, 39].map(Some));
        assert_eq!(["i", "x", "iiii", "vix", "mix"].map(of), [None; 5]);
    }
}
