//! Greek, Armenian and Georgian letters as Latin ones.
//!
//! Sources: Greek ELOT 743 / ISO 843:1997 type 2, with the digraphs of foreign names (μπ, ντ, γκ); Armenian
//! BGN/PCGN 1981; Georgian national system 2002. What this does not do: pronunciation beyond spelling.

use crate::script::{Symbol, push_ascii};

/// Appends a Greek word.
pub(crate) fn greek(letters: &[char], out: &mut Vec<Symbol>) {
    let mut previous = '\0';
    let mut rest = letters.iter().map(|c| bare_greek(*c)).peekable();
    let mut first = true;
    while let Some(c) = rest.next() {
        let next = rest.peek().copied().unwrap_or('\0');
        let (text, two) = greek_pair(c, next, first, previous);
        push_ascii(text, out);
        previous = c;
        if two {
            previous = next;
            rest.next();
        }
        first = false;
    }
}

/// Returns the reading at a position and whether it took the next letter too.
fn greek_pair(c: char, next: char, first: bool, previous: char) -> (&'static str, bool) {
    let voiceless = matches!(next, 'θ' | 'κ' | 'ξ' | 'π' | 'σ' | 'τ' | 'φ' | 'χ' | 'ψ' | '\0');
    match (c, next) {
        ('μ', 'π') => (if first { "b" } else { "mb" }, true),
        ('ν', 'τ') => (if first { "d" } else { "nd" }, true),
        ('γ', 'κ') => (if first { "g" } else { "ng" }, true),
        ('γ', 'γ') => ("ng", true),
        ('γ', 'χ') => ("nch", true),
        ('τ', 'ζ') => ("tz", true),
        ('ο', 'υ') => ("ou", true),
        ('α' | 'ε', 'υ') => (if c == 'α' { "a" } else { "e" }, false),
        ('υ', _) if matches!(previous, 'α' | 'ε') => (if voiceless { "f" } else { "v" }, false),
        _ => (greek_letter(c), false),
    }
}

const fn greek_letter(c: char) -> &'static str {
    match c {
        'α' => "a",
        'β' => "v",
        'γ' => "g",
        'δ' => "d",
        'ε' => "e",
        'ζ' => "z",
        'η' | 'ι' | 'υ' => "i",
        'θ' => "th",
        'κ' => "k",
        'λ' => "l",
        'μ' => "m",
        'ν' => "n",
        'ξ' => "x",
        'ο' | 'ω' => "o",
        'π' => "p",
        'ρ' => "r",
        'σ' => "s",
        'τ' => "t",
        'φ' => "f",
        'χ' => "ch",
        'ψ' => "ps",
        _ => "",
    }
}

/// Removes tonos and dialytika, lowers case, joins the sigmas.
fn bare_greek(c: char) -> char {
    match c.to_lowercase().next().unwrap_or(c) {
        'ά' => 'α',
        'έ' => 'ε',
        'ή' => 'η',
        'ί' | 'ϊ' | 'ΐ' => 'ι',
        'ό' => 'ο',
        'ύ' | 'ϋ' | 'ΰ' => 'υ',
        'ώ' => 'ω',
        'ς' => 'σ',
        other => other,
    }
}

/// Appends an Armenian word.
pub(crate) fn armenian(letters: &[char], out: &mut Vec<Symbol>) {
    let mut rest = letters.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).peekable();
    while let Some(c) = rest.next() {
        let text = match (c, rest.peek().copied()) {
            ('ո', Some('ւ')) => {
                rest.next();
                "u"
            }
            (letter, _) => armenian_letter(letter),
        };
        push_ascii(text, out);
    }
}

const fn armenian_letter(c: char) -> &'static str {
    match c {
        'ա' => "a",
        'բ' => "b",
        'գ' => "g",
        'դ' => "d",
        'ե' | 'է' => "e",
        'զ' => "z",
        'ը' => "y",
        'թ' | 'տ' => "t",
        'ժ' => "zh",
        'ի' => "i",
        'լ' => "l",
        'խ' => "kh",
        'ծ' | 'ց' => "ts",
        'կ' | 'ք' => "k",
        'հ' => "h",
        'ձ' => "dz",
        'ղ' => "gh",
        'ճ' | 'չ' => "ch",
        'մ' => "m",
        'յ' => "y",
        'ն' => "n",
        'շ' => "sh",
        'ո' | 'օ' => "o",
        'պ' | 'փ' => "p",
        'ջ' => "j",
        'ռ' | 'ր' => "r",
        'ս' => "s",
        'վ' | 'ւ' => "v",
        'ֆ' => "f",
        'և' => "ev",
        _ => "",
    }
}

/// Appends a Georgian word.
pub(crate) fn georgian(letters: &[char], out: &mut Vec<Symbol>) {
    letters.iter().for_each(|c| push_ascii(georgian_letter(*c), out));
}

const fn georgian_letter(c: char) -> &'static str {
    match c {
        'ა' => "a",
        'ბ' => "b",
        'გ' => "g",
        'დ' => "d",
        'ე' => "e",
        'ვ' => "v",
        'ზ' => "z",
        'თ' | 'ტ' => "t",
        'ი' => "i",
        'კ' | 'ქ' => "k",
        'ლ' => "l",
        'მ' => "m",
        'ნ' => "n",
        'ო' => "o",
        'პ' | 'ფ' => "p",
        'ჟ' => "zh",
        'რ' => "r",
        'ს' => "s",
        'უ' => "u",
        'ღ' => "gh",
        'ყ' => "q",
        'შ' => "sh",
        'ჩ' | 'ჭ' => "ch",
        'ც' | 'წ' => "ts",
        'ძ' => "dz",
        'ხ' => "kh",
        'ჯ' => "j",
        'ჰ' => "h",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Script, printable};

    fn read(text: &str, with: fn(&[char], &mut Vec<Symbol>)) -> String {
        let letters: Vec<char> = text.chars().collect();
        let mut out = Vec::new();
        with(&letters, &mut out);
        out.iter().map(|s| printable(Script::Latin, *s)).collect()
    }

    #[test]
    fn greek_reads_by_elot_743_with_foreign_digraphs() {
        for (from, to) in
            [("Παύλος", "pavlos"), ("Μπους", "bous"), ("Ντόναλντ", "donalnd"), ("Ευστάθιος", "efstathios")]
        {
            assert_eq!(read(from, greek), to);
        }
    }

    #[test]
    fn armenian_and_georgian_read_by_their_tables() {
        assert_eq!(read("Սարգսյան", armenian), "sargsyan");
        assert_eq!(read("Լուիզա", armenian), "luiza");
        assert_eq!(read("სააკაშვილი", georgian), "saakashvili");
    }
}
