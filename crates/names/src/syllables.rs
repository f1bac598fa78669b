//! Hangul, kana and Han characters as Latin syllables.
//!
//! Hangul by the arithmetic of the Unicode standard (chapter 3.12) with Revised Romanization letters; kana by
//! Hepburn; Han by a compact table of readings. The weak vowel `ŭ` marks what borrowing inserts
//! (Hangul ㅡ, kana u, the syllable carriers of Han transcription), so that losing it costs little.

use crate::han;
use crate::script::{Script, Symbol, push_ascii, symbol_of};
use crate::text::{MAX_WORD_SYMBOLS, MAX_WORDS, Word, Words};

/// Appends a run of syllabic characters as one or two words (family name and given name).
pub(crate) fn push(letters: &[char], shape: &Word, out: &mut Words) {
    let split = family_length(letters).unwrap_or(0);
    let (family, given) = letters.split_at_checked(split).unwrap_or((&[], letters));
    for (part, offset) in [(family, 0), (given, split)] {
        if part.is_empty() || out.words.len() >= MAX_WORDS {
            continue;
        }
        let start = out.symbols.len();
        read(part, &mut out.symbols);
        out.symbols.truncate(start + MAX_WORD_SYMBOLS);
        let from = shape.from.saturating_add(u16::try_from(offset).unwrap_or(0));
        out.words.push(Word {
            script: Script::Syllabic,
            start,
            len: out.symbols.len() - start,
            from,
            to: from.saturating_add(u16::try_from(part.len()).unwrap_or(0)),
            letters: u8::try_from(part.len()).unwrap_or(u8::MAX),
            written: part.iter().fold(0xcbf2_9ce4_8422_2325, |h, c| {
                (h ^ u64::from(u32::from(*c))).wrapping_mul(0x0100_0000_01b3)
            }),
            ..*shape
        });
        if out.symbols.len() == start {
            out.words.pop();
        }
    }
}

/// Returns how many leading characters are the family name of an undivided East Asian name.
fn family_length(letters: &[char]) -> Option<usize> {
    let hangul = letters.iter().all(|c| ('\u{AC00}'..='\u{D7A3}').contains(c));
    let han = letters.iter().all(|c| ('\u{4E00}'..='\u{9FFF}').contains(c));
    let first = letters.first()?;
    match letters.len() {
        3 if hangul && KOREAN_FAMILIES.contains(*first) => Some(1),
        2 | 3 if han && han::is_family(*first) => Some(1),
        4 if han => Some(2),
        _ => None,
    }
}

/// The family names of more than nine in ten Koreans (Statistics Korea, census 2015).
const KOREAN_FAMILIES: &str = "김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허유남심노하곽성차주우구민진지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용";

fn read(letters: &[char], out: &mut Vec<Symbol>) {
    let mut rest = letters.iter().copied().peekable();
    while let Some(c) = rest.next() {
        if ('\u{AC00}'..='\u{D7A3}').contains(&c) {
            hangul(c, out);
        } else if let Some(syllable) = han::reading(c) {
            push_syllable(syllable, out);
        } else {
            kana(c, rest.peek().copied(), out);
        }
    }
}

/// Appends a table syllable; `*` stands for the weak vowel.
fn push_syllable(text: &str, out: &mut Vec<Symbol>) {
    for c in text.chars() {
        if c == '*' {
            out.extend(symbol_of(Script::Syllabic, 'ŭ'));
        } else {
            push_ascii(c.encode_utf8(&mut [0; 4]), out);
        }
    }
}

const LEADS: [&str; 19] =
    ["g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h"];
const VOWELS: [&str; 21] = [
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi",
    "yu", "*", "ui", "i",
];
const TAILS: [&str; 28] = [
    "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "p", "l", "l", "p", "l", "m", "p", "p", "t", "t",
    "ng", "t", "t", "k", "t", "p", "t",
];

fn hangul(c: char, out: &mut Vec<Symbol>) {
    let Some(index) = u32::from(c).checked_sub(0xAC00).and_then(|i| usize::try_from(i).ok()) else { return };
    let part = |table: &'static [&'static str], at: usize| table.get(at).copied().unwrap_or("");
    push_syllable(part(&LEADS, index / 588), out);
    push_syllable(part(&VOWELS, index % 588 / 28), out);
    push_syllable(part(&TAILS, index % 28), out);
}

/// Hepburn readings of hiragana from U+3041 on; katakana is the same table 0x60 later.
const KANA: [&str; 86] = [
    "a", "a", "i", "i", "*", "*", "e", "e", "o", "o", "ka", "ga", "ki", "gi", "k*", "g*", "ke", "ge", "ko",
    "go", "sa", "za", "shi", "ji", "s*", "z*", "se", "ze", "so", "zo", "ta", "da", "chi", "ji", "ts*", "ts*",
    "ts*", "te", "de", "to", "do", "na", "ni", "n*", "ne", "no", "ha", "ba", "pa", "hi", "bi", "pi", "f*",
    "b*", "p*", "he", "be", "pe", "ho", "bo", "po", "ma", "mi", "m*", "me", "mo", "ya", "ya", "yu", "yu",
    "yo", "yo", "ra", "ri", "r*", "re", "ro", "wa", "wa", "i", "e", "o", "n", "v*", "ka", "ke",
];

fn kana(c: char, next: Option<char>, out: &mut Vec<Symbol>) {
    let code = u32::from(c);
    let folded = if (0x30A1..=0x30F6).contains(&code) { code - 0x60 } else { code };
    let next = next.map_or(0, u32::from);
    let next = if (0x30A1..=0x30F6).contains(&next) { next - 0x60 } else { next };
    let Some(reading) =
        folded.checked_sub(0x3041).and_then(|i| usize::try_from(i).ok()).and_then(|i| KANA.get(i))
    else {
        return;
    };
    // A small vowel or small y after a syllable replaces its vowel: ジョ = jo, ティ = ti, ファ = fa.
    let replaces =
        matches!(next, 0x3041 | 0x3043 | 0x3045 | 0x3047 | 0x3049 | 0x3083 | 0x3085 | 0x3087 | 0x308E);
    if folded == 0x3063 {
        // Small tsu doubles the next consonant: nothing of its own.
        return;
    }
    // "jy" would be written for ジョ: after sh, ch and j the small y leaves only its vowel.
    let small_y = matches!(folded, 0x3083 | 0x3085 | 0x3087);
    let after_palatal = matches!(out.as_slice(), [.., 8] | [.., 10]) && small_y;
    let reading = if after_palatal { reading.get(1..).unwrap_or(reading) } else { reading };
    push_syllable(if replaces { reading.get(..reading.len() - 1).unwrap_or(reading) } else { reading }, out);
}

#[cfg(test)]
mod tests {
    use crate::script::printable;
    use crate::text;

    fn read(text: &str) -> Vec<String> {
        let words = text::words(text);
        words.words.iter().map(|w| words.of(w).iter().map(|s| printable(w.script, *s)).collect()).collect()
    }

    #[test]
    fn syllables_read_by_their_tables() {
        assert_eq!(read("김정은"), vec!["gim", "jeongŭn"]);
        assert_eq!(read("クリス"), vec!["kŭrisŭ"]);
        assert_eq!(read("たなか"), vec!["tanaka"]);
        assert_eq!(read("ッ"), Vec::<String>::new());
    }
}
