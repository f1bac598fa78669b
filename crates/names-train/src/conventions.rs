//! Spelling conventions the token lists lack, applied to their tokens.
//!
//! The lists are mostly English spellings. Published lists of persons are not: they come from French, Spanish,
//! German, Scandinavian, Baltic, Polish, Turkish and Dutch offices. Each table below is the rule of one
//! convention, not a name. Sources: BGN/PCGN 1947 and ICAO 9303 (English, passports), the French press table of
//! the Imprimerie nationale, Duden (German), TT/TNC (Swedish), SFS 4900 (Finnish), the Latvian and Lithuanian
//! cabinet rules on personal names, PWN (Polish), RAE/Fundéu (Spanish), Nederlandse Taalunie (Dutch), the Bulgarian
//! Transliteration Act 2009, Cabinet of Ukraine resolution 55/2010; for Arabic the MADAEF and ALA-LC tables and
//! civil-registry practice in the Maghreb.

use mithaq_names::Script;

use crate::corpus::{Corpora, Listed, add};
use crate::random::Random;

/// How one convention writes the Cyrillic letters, `а` to `я` in alphabet order (32 letters, without ё),
/// then how it writes е after a vowel or at the start.
pub(crate) struct Cyrillic {
    letters: [&'static str; 32],
    initial_e: &'static str,
}

const fn table(letters: [&'static str; 32], initial_e: &'static str) -> Cyrillic {
    Cyrillic { letters, initial_e }
}

#[rustfmt::skip]
const CYRILLIC: [Cyrillic; 17] = [
    // а  б   в   г   д   е   ж    з   и   й   к   л   м   н   о   п   р   с   т   у   ф   х   ц   ч    ш   щ    ъ  ы  ь  э  ю  я
    table(["a","b","v","g","d","e","zh","z","i","y","k","l","m","n","o","p","r","s","t","u","f","kh","ts","ch","sh","shch","","y","","e","yu","ya"], "ye"),
    table(["a","b","v","g","d","e","zh","z","i","i","k","l","m","n","o","p","r","s","t","u","f","kh","ts","ch","sh","shch","ie","y","","e","iu","ia"], "e"),
    table(["a","b","v","gu","d","e","j","z","i","i","k","l","m","n","o","p","r","ss","t","ou","f","kh","ts","tch","ch","chtch","","y","","e","iou","ia"], "ie"),
    table(["a","b","v","g","d","e","j","z","i","y","k","l","m","n","o","p","r","s","t","ou","f","kh","ts","tch","ch","chtch","","y","","e","you","ya"], "e"),
    table(["a","b","w","g","d","e","sch","s","i","i","k","l","m","n","o","p","r","ss","t","u","f","ch","z","tsch","sch","schtsch","","y","","e","ju","ja"], "je"),
    table(["a","b","w","g","d","e","sh","s","i","j","k","l","m","n","o","p","r","s","t","u","f","ch","z","tsch","sch","schtsch","","y","","e","ju","ja"], "je"),
    table(["a","b","v","g","d","e","zj","z","i","j","k","l","m","n","o","p","r","s","t","u","f","ch","ts","tj","sj","sjtj","","y","","e","ju","ja"], "je"),
    table(["a","b","v","g","d","e","zj","z","i","j","k","l","m","n","o","p","r","s","t","u","f","kh","ts","tsj","sj","sjtsj","","y","","e","ju","ja"], "je"),
    table(["a","b","v","g","d","e","ž","z","i","i","k","l","m","n","o","p","r","s","t","u","f","h","ts","tš","š","štš","","y","","e","ju","ja"], "je"),
    table(["a","b","v","g","d","e","ž","z","i","j","k","l","m","n","o","p","r","s","t","u","f","h","c","č","š","šč","","i","","e","ju","ja"], "je"),
    table(["a","b","v","g","d","e","ž","z","i","j","k","l","m","n","o","p","r","s","t","u","f","ch","c","č","š","šč","","y","","e","ju","ja"], "je"),
    table(["a","b","w","g","d","ie","ż","z","i","j","k","ł","m","n","o","p","r","s","t","u","f","ch","c","cz","sz","szcz","","y","","e","ju","ja"], "je"),
    table(["a","b","v","g","d","e","zh","z","i","i","k","l","m","n","o","p","r","s","t","u","f","j","ts","ch","sh","sch","","y","","e","yu","ya"], "ye"),
    table(["a","b","v","g","d","e","j","z","i","y","k","l","m","n","o","p","r","s","t","u","f","h","ts","ç","ş","şç","","ı","","e","yu","ya"], "ye"),
    table(["a","b","v","g","d","e","zj","z","i","j","k","l","m","n","o","p","r","s","t","oe","f","ch","ts","tsj","sj","sjtsj","","y","","e","joe","ja"], "je"),
    table(["a","b","v","g","d","e","zh","z","i","y","k","l","m","n","o","p","r","s","t","u","f","h","ts","ch","sh","sht","a","a","y","e","yu","ya"], "e"),
    table(["a","b","v","h","d","e","zh","z","y","i","k","l","m","n","o","p","r","s","t","u","f","kh","ts","ch","sh","shch","","y","","e","iu","ia"], "ye"),
];

/// Of a foreign name in Latvian; of a Slavic one the rows above.
#[rustfmt::skip]
pub(crate) const LATVIAN: Cyrillic =
    table(["a","b","v","g","d","e","ž","z","i","i","k","l","m","n","o","p","r","s","t","u","f","h","c","č","š","š","","i","","e","ju","ja"], "e");

/// Adds the pairs of all conventions.
pub(crate) fn extend(listed: &[Listed], random: &mut Random, out: &mut Corpora) {
    for item in listed {
        match item.script {
            Script::Cyrillic => cyrillic(item, random, out),
            Script::Arabic => arabic(item, random, out),
            Script::Hebrew | Script::Latin | Script::Syllabic => {}
        }
    }
}

fn cyrillic(item: &Listed, random: &mut Random, out: &mut Corpora) {
    let mut spelled = || {
        let text =
            CYRILLIC.get(random.below(CYRILLIC.len())).map(|c| spell(&item.other, c)).unwrap_or_default();
        if random.one_in(3) { strip(&text) } else { text }
    };
    let (first, second) = (spelled(), spelled());
    add(out, &first, &item.other, 0.5);
    add(out, &first, &second, 0.4);
    if native(&item.latin, &item.other) {
        add(out, &item.latin, &first, 0.4);
    } else {
        // Serbian, Latvian, Azerbaijani and others respell foreign names as they sound.
        let ending =
            if random.one_in(4) && !first.ends_with(['a', 'e', 'i', 'o', 'u', 's']) { "s" } else { "" };
        add(out, &item.latin, &format!("{first}{ending}"), 0.2);
    }
}

/// True when the Latin spelling is a transliteration (a Slavic name), not an original that Cyrillic copies.
fn native(latin: &str, cyrillic: &str) -> bool {
    CYRILLIC.iter().take(2).any(|c| spell(cyrillic, c) == latin)
}

fn spell(word: &str, convention: &Cyrillic) -> String {
    // French "gu" stands before e and i only; "ss" between vowels only.
    letters(word, convention)
        .replace("gua", "ga")
        .replace("guo", "go")
        .replace("guu", "gu")
        .replace("gur", "gr")
        .replace("gul", "gl")
}

/// Letter for letter.
pub(crate) fn letters(word: &str, convention: &Cyrillic) -> String {
    const ORDER: &str = "абвгдежзийклмнопрстуфхцчшщъыьэюя";
    let mut out = String::new();
    let mut after_vowel = true;
    for c in word.chars() {
        let letter = if c == 'ё' { 'е' } else { c };
        let Some(at) = ORDER.chars().position(|o| o == letter) else { continue };
        let text = convention.letters.get(at).copied().unwrap_or("");
        out.push_str(if letter == 'е' && after_vowel { convention.initial_e } else { text });
        after_vowel = matches!(letter, 'а' | 'е' | 'и' | 'о' | 'у' | 'ы' | 'э' | 'ю' | 'я' | 'ъ' | 'ь');
    }
    out
}

/// What databases without diacritics keep.
fn strip(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'š' | 'ş' => 's',
            'ž' | 'ż' => 'z',
            'č' | 'ç' => 'c',
            'ı' => 'i',
            'ł' => 'l',
            other => other,
        })
        .collect()
}

/// One rewriting of an English spelling of an Arabic name: the letter that must stand in the Arabic, from, to.
type Rule = (char, &'static str, &'static str);

const FRENCH: &[Rule] = &[
    ('ش', "sh", "ch"),
    ('و', "oo", "ou"),
    ('و', "u", "ou"),
    ('و', "w", "ou"),
    ('ج', "j", "dj"),
    ('ق', "q", "k"),
    ('ي', "ee", "i"),
    ('ي', "y", "i"),
    ('ن', "in", "ine"),
    ('س', "s", "ss"),
    ('ذ', "dh", "d"),
    ('ث', "th", "t"),
];
const SPANISH: &[Rule] = &[
    ('خ', "kh", "j"),
    ('ج', "j", "y"),
    ('ش', "sh", "ch"),
    ('و', "w", "u"),
    ('ي', "y", "i"),
    ('ح', "h", "j"),
];
const GERMAN: &[Rule] = &[
    ('ش', "sh", "sch"),
    ('خ', "kh", "ch"),
    ('ج', "j", "dsch"),
    ('ي', "y", "j"),
    ('ز', "z", "s"),
    ('غ', "gh", "gh"),
];
const PERSIAN: &[Rule] = &[
    ('و', "w", "v"),
    ('ق', "q", "gh"),
    ('ذ', "dh", "z"),
    ('ث', "th", "s"),
    ('ض', "d", "z"),
    ('ا', "a", "e"),
    ('و', "u", "o"),
];
const TURKISH: &[Rule] = &[
    ('ج', "j", "c"),
    ('ش', "sh", "ş"),
    ('خ', "kh", "h"),
    ('ق', "q", "k"),
    ('و', "w", "v"),
    ('غ', "gh", "ğ"),
    ('د', "d", "t"),
];
const LOOSE: &[Rule] = &[
    ('ق', "q", "k"),
    ('ق', "q", "g"),
    ('غ', "gh", "g"),
    ('ذ', "dh", "z"),
    ('ظ', "z", "dh"),
    ('ث', "th", "s"),
    ('ي', "i", "ee"),
    ('و', "u", "oo"),
    ('و', "u", "o"),
    ('ي', "i", "e"),
    ('ا', "a", "e"),
    ('خ', "kh", "h"),
    ('ج', "j", "g"),
    ('ة', "a", "ah"),
    ('ع', "a", "aa"),
    ('ي', "y", "i"),
];

fn arabic(item: &Listed, random: &mut Random, out: &mut Corpora) {
    let persian = persian(item, random);
    add(out, &item.latin, &persian, 0.6);
    add(out, &item.other, &persian, 0.3);
    if random.one_in(3) {
        add(out, &item.latin, &kurdish(&item.latin), 0.5);
    }
    let marked = item.other.contains(['ع', 'ح', 'خ', 'ص', 'ض', 'ط', 'ظ', 'ذ', 'ث'])
        || ["kh", "q", "dh"].iter().any(|d| item.latin.contains(d));
    if !marked {
        return;
    }
    const SETS: [&[Rule]; 7] = [FRENCH, FRENCH, SPANISH, GERMAN, PERSIAN, TURKISH, LOOSE];
    let mut spelled = || {
        let rules = SETS.get(random.below(SETS.len())).copied().unwrap_or(LOOSE);
        let text = rewrite(item, rules, random);
        if random.one_in(3) { strip(&text) } else { text }
    };
    let (first, second) = (spelled(), spelled());
    add(out, &first, &item.other, 0.7);
    add(out, &second, &item.other, 0.7);
    add(out, &first, &item.latin, 0.6);
    add(out, &first, &second, 0.5);
}

fn rewrite(item: &Listed, rules: &[Rule], random: &mut Random) -> String {
    let mut text = item.latin.clone();
    for (letter, from, to) in rules {
        if item.other.contains(*letter) && text.contains(from) && !text.contains(to) && !random.one_in(3) {
            text = text.replacen(from, to, 1);
        }
    }
    text
}

/// The Arabic spelling as Persian writes it: own letters for p, g, ch, v, fewer vowels, alef before s and a consonant.
fn persian(item: &Listed, random: &mut Random) -> String {
    let latin = |part: &str| item.latin.contains(part);
    let mut text = item.other.replace('إ', "ا").replace('ة', "ه");
    if latin("p") && !latin("b") {
        text = text.replace('ب', "پ");
    }
    if latin("g") && !latin("j") {
        text = text.replace(['غ', 'ج'], "گ");
    }
    if latin("v") && !latin("f") {
        text = text.replace('ف', "و");
    }
    text = text.replace("تش", "چ");
    if latin("th") {
        text = text.replace('ث', "ت");
    }
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::new();
    if matches!(letters.as_slice(), ['س', x, ..] if !matches!(x, 'ا' | 'و' | 'ي')) && !random.one_in(4) {
        out.push('ا');
    }
    for (at, c) in letters.iter().enumerate() {
        let inner = at > 0 && at + 1 < letters.len();
        let short = matches!(c, 'و' | 'ي' | 'ا') && inner;
        if short && random.below(100) < if *c == 'ا' { 20 } else { 45 } {
            continue;
        }
        out.push(*c);
    }
    out
}

/// A Latin spelling in Sorani letters, where every vowel is written.
fn kurdish(latin: &str) -> String {
    let text =
        latin.replace("sh", "ش").replace("ch", "چ").replace("th", "س").replace("ph", "ف").replace("ck", "ک");
    let mut out = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == 0 && matches!(c, 'a' | 'e' | 'i' | 'o' | 'u') {
            out.push('ئ');
        }
        out.push_str(match c {
            'a' => "ا",
            'b' => "ب",
            'c' | 'k' | 'q' => "ک",
            'd' => "د",
            'e' => "ە",
            'f' => "ف",
            'g' => "گ",
            'h' => "ه",
            'i' | 'y' => "ی",
            'j' => "ج",
            'l' => "ل",
            'm' => "م",
            'n' => "ن",
            'o' => "ۆ",
            'p' => "پ",
            'r' => "ر",
            's' => "س",
            't' => "ت",
            'u' | 'w' => "و",
            'v' => "ڤ",
            'x' => "کس",
            'z' => "ز",
            'ش' => "ش",
            'چ' => "چ",
            'س' => "س",
            'ف' => "ف",
            'ک' => "ک",
            _ => "",
        });
    }
    out
}
