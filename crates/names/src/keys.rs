//! Retrieval keys: consonant skeletons that the spellings of one name share across scripts.
//!
//! Two skeletons are cut from every token: a coarse one of eight consonant classes and a fine one of seventeen.
//! Vowels, h, w and y are left out, doubled classes collapse. What this module deliberately does not do: store
//! or look up keys (the index does).

use crate::name::{Name, Role, Token};
use crate::script::{Script, Symbol};
use crate::structure;

/// A retrieval key: equal for spellings that may be one name. Stable within one [`crate::TABLES_VERSION`].
///
/// The top byte tells the kind, so keys of different kinds never collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

/// What a key was cut from; the top byte of the [`Key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Coarse skeleton of a token.
    Coarse,
    /// Coarse skeleton with one class left out (for noise).
    Deletion,
    /// Fine skeleton of a token.
    Fine,
    /// Three letters with vowels, in Latin reading.
    Gram,
    /// Coarse skeletons of two tokens, in no order.
    Pair,
}

impl Key {
    const fn new(kind: KeyKind, value: u64) -> Self {
        Self(((kind as u64 + 1) << 56) | (value & 0x00ff_ffff_ffff_ffff))
    }

    /// Returns what the key was cut from.
    #[must_use]
    pub const fn kind(self) -> KeyKind {
        match self.0 >> 56 {
            1 => KeyKind::Coarse,
            2 => KeyKind::Deletion,
            3 => KeyKind::Fine,
            4 => KeyKind::Gram,
            _ => KeyKind::Pair,
        }
    }
}

/// A key of a name, the token (position) it comes from and how much a hit on it should count (0–1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightedKey {
    /// The key.
    pub key: Key,
    /// Weight of a hit relative to others of the same name.
    pub weight: f32,
    /// Position of the token in [`Name::tokens`]: take the best hit per token, then sum over tokens.
    pub token: u8,
}

/// Skeletons of one token.
pub(crate) struct Skeletons {
    pub(crate) coarse: u64,
    pub(crate) fine: u64,
    pub(crate) classes: u16,
    /// Classes in the coarse skeleton.
    pub(crate) length: usize,
}

/// Most classes kept: 14 × 4 = 56 bits, 11 × 5 = 55 bits.
const COARSE_MAX: u32 = 14;
const FINE_MAX: u32 = 11;

/// Fine consonant classes. Zero is "no consonant".
mod class {
    pub(super) const P: u8 = 1;
    pub(super) const B: u8 = 2;
    pub(super) const F: u8 = 3;
    pub(super) const V: u8 = 4;
    pub(super) const T: u8 = 5;
    pub(super) const D: u8 = 6;
    pub(super) const K: u8 = 7;
    pub(super) const G: u8 = 8;
    pub(super) const KH: u8 = 9;
    pub(super) const S: u8 = 10;
    pub(super) const Z: u8 = 11;
    pub(super) const SH: u8 = 12;
    pub(super) const J: u8 = 13;
    pub(super) const L: u8 = 14;
    pub(super) const M: u8 = 15;
    pub(super) const N: u8 = 16;
    pub(super) const R: u8 = 17;
}

/// Coarse class of a fine one: labials, dentals, velars, sibilants, l, m, n, r.
const COARSE: [u8; 18] = [0, 1, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 6, 7, 8];

pub(crate) fn skeletons(script: Script, symbols: &[Symbol]) -> Skeletons {
    let mut out = Skeletons { coarse: 0, fine: 0, classes: 0, length: 0 };
    let (mut last_coarse, mut last_fine, mut coarse_count, mut fine_count) = (0, 0, 0, 0);
    let mut push = |fine: u8| {
        let coarse = COARSE.get(usize::from(fine)).copied().unwrap_or(0);
        if coarse == 0 {
            return;
        }
        out.classes |= 1 << coarse;
        if fine != last_fine && fine_count < FINE_MAX {
            out.fine |= u64::from(fine) << (5 * fine_count);
            fine_count += 1;
        }
        if coarse != last_coarse && coarse_count < COARSE_MAX {
            out.coarse |= u64::from(coarse) << (4 * coarse_count);
            coarse_count += 1;
        }
        last_coarse = coarse;
        last_fine = fine;
    };
    classes(script, symbols, |fine, _| push(fine));
    out.length = coarse_count as usize;
    out
}

/// Calls back with the fine class of every letter (of every group of letters that is one sound) and its first symbol;
/// the class is 0 for vowels and what is left out with them.
pub(crate) fn classes(script: Script, symbols: &[Symbol], mut each: impl FnMut(u8, Symbol)) {
    let table: &[u8] = match script {
        Script::Latin | Script::Syllabic => {
            let mut rest = symbols;
            while let [first, after @ ..] = rest {
                // The weak vowel that syllables insert is no consonant, though its number is that of one in Latin.
                let weak = script == Script::Syllabic && *first > 26;
                let alone = if weak { 0 } else { lookup(&LATIN, *first) };
                if alone != GROUP {
                    each(alone, *first);
                    rest = after;
                    continue;
                }
                let (fine, second, taken) = latin_classes(rest);
                each(fine, *first);
                if second != 0 {
                    each(second, *first);
                }
                rest = rest.get(taken..).unwrap_or_default();
            }
            return;
        }
        Script::Arabic => &ARABIC,
        Script::Cyrillic => &CYRILLIC,
        Script::Hebrew => &HEBREW,
    };
    symbols.iter().for_each(|s| each(lookup(table, *s), *s));
}

fn lookup(table: &[u8], symbol: Symbol) -> u8 {
    table.get(usize::from(symbol)).copied().unwrap_or(0)
}

/// Stands for "more than one letter decides".
const GROUP: u8 = 255;

#[rustfmt::skip]
const LATIN: [u8; 40] = {
    use class::{B, F, J, L, M, N, R, SH, V};
    const G: u8 = GROUP;
    // . a b c d e f g h i j k l m n o p q r s t u v w x y z š č ç ğ ı ñ ä ö ü å đ ž ț
    [0, 0, B, G, G, 0, F, G, 0, 0, J, G, L, M, N, 0, G, G, R, G, G, 0, V, 0, G, 0, G, SH, SH, SH, 0, 0, N, 0, 0, 0, 0, J, J, G]
};
#[rustfmt::skip]
const ARABIC: [u8; 45] = {
    use class::{B, D, F, G, J, K, KH, L, M, N, P, R, S, SH, T, V, Z};
    // ا إ آ ء ئ ؤ ب پ ت ة ث ج چ ح خ د ذ ر ز ژ س ش ص ض ط ظ ع غ ف ڤ ق ك گ ل م ن ه و ي ۆ ێ ە ڑ ښ
    [0, 0, 0, 0, 0, 0, 0, B, P, T, 0, T, J, SH, 0, KH, D, D, R, Z, J, S, SH, S, D, T, Z, 0, G, F, V, K, K, G, L, M, N, 0, 0, 0, 0, 0, 0, R, SH]
};
#[rustfmt::skip]
const CYRILLIC: [u8; 33] = {
    use class::{B, D, F, G, J, K, KH, L, M, N, P, R, S, SH, T, V, Z};
    // а б в г д е ж з и й к л м н о п р с т у ф х ц ч ш щ ъ ы ь э ю я
    [0, 0, B, V, G, D, 0, J, Z, 0, 0, K, L, M, N, 0, P, R, S, T, 0, F, KH, S, SH, SH, SH, 0, 0, 0, 0, 0, 0]
};
#[rustfmt::skip]
const HEBREW: [u8; 26] = {
    use class::{B, D, F, G, K, KH, L, M, N, P, R, S, SH, T, Z};
    // א ב ג ד ה ו ז ח ט י כ ל מ נ ס ע פ צ ק ר ש ת ף ך '
    [0, 0, B, G, D, 0, 0, Z, KH, T, 0, K, L, M, N, S, 0, P, S, K, R, SH, T, F, KH, 0]
};

/// Returns the fine classes (second may be 0) at the start of Latin symbols and how many symbols they took.
fn latin_classes(rest: &[Symbol]) -> (u8, u8, usize) {
    use class::{B, D, F, G, J, K, KH, L, M, N, P, R, S, SH, T, V, Z};
    let [a, b, c, d] = letters(rest);
    match (a, b, c, d) {
        (b's', b'j', b't', b'j') | (b't' | b'd', b's', b'c', b'h') | (b's', b'h', b'c', b'h') => (SH, 0, 4),
        (b't' | b's', b'c', b'h', _) | (b's', b't', b'j', _) => (SH, 0, 3),
        (b'd', b'z', b'h', _) => (J, 0, 3),
        (b's', b'h' | b'j' | b'z', ..) | (b'c', b'h' | b'z', ..) | (b't', b'j' | b'x', ..) => (SH, 0, 2),
        (b'd', b'j' | b'z', ..) | (b'z', b'h', ..) => (J, 0, 2),
        (b'k', b'h', ..) => (KH, 0, 2),
        (b'g', b'h', ..) => (G, 0, 2),
        (b'p', b'h', ..) => (F, 0, 2),
        (b't', b'h', ..) => (T, 0, 2),
        (b'd', b'h', ..) => (D, 0, 2),
        (b'c', b'k', ..) | (b'q', b'u', ..) => (K, 0, 2),
        (b'x', ..) => (K, S, 1),
        (b'c', b'e' | b'i' | b'y', ..) => (S, 0, 1),
        (b'g', b'e' | b'i' | b'y', ..) => (G, 0, 1),
        (b'b', ..) => (B, 0, 1),
        (b'p', ..) => (P, 0, 1),
        (b'v', ..) => (V, 0, 1),
        (b'f', ..) => (F, 0, 1),
        (b't', ..) => (T, 0, 1),
        (b'd', ..) => (D, 0, 1),
        (b'k' | b'q' | b'c', ..) => (K, 0, 1),
        (b'g', ..) => (G, 0, 1),
        (b's', ..) => (S, 0, 1),
        (b'z', ..) => (Z, 0, 1),
        (b'j' | b'J', ..) => (J, 0, 1),
        (b'X', ..) => (SH, 0, 1),
        (b'l', ..) => (L, 0, 1),
        (b'm', ..) => (M, 0, 1),
        (b'n', ..) => (N, 0, 1),
        (b'r', ..) => (R, 0, 1),
        // vowels, h, w, y, and digits (numbers are compared exactly)
        _ => (0, 0, 1),
    }
}

/// Returns the next four symbols as ASCII letters; X, J stand for the letters with a hacek or cedilla.
fn letters(rest: &[Symbol]) -> [u8; 4] {
    use crate::script::latin as l;
    let mut out = [0; 4];
    for (slot, symbol) in out.iter_mut().zip(rest) {
        *slot = match *symbol {
            s @ 1..=26 => b'a' + s - 1,
            l::S_SH | l::C_CH | l::C_CEDILLA => b'X',
            l::Z_HACEK | l::D_STROKE => b'J',
            l::N_TILDE => b'n',
            l::T_COMMA => b's',
            _ => b'_',
        };
    }
    out
}

/// Returns the key of a token's fine skeleton (also the key of its rarity).
pub(crate) fn fine_key(token: &Token) -> Key {
    Key::new(KeyKind::Fine, token.fine)
}

/// A fine skeleton prepared to be compared with many.
pub(crate) struct FineMask {
    places: [u32; 32],
    all: u32,
    count: u32,
}

impl FineMask {
    pub(crate) fn new(fine: u64) -> Self {
        let mut places = [0_u32; 32];
        let (mut rest, mut bit) = (fine, 1_u32);
        while rest != 0 {
            if let Some(mask) = places.get_mut((rest & 31) as usize) {
                *mask |= bit;
            }
            rest >>= 5;
            bit <<= 1;
        }
        Self { places, all: bit - 1, count: (bit - 1).count_ones() }
    }

    /// Share of the longer skeleton that both have in order, in thousandths (bit-parallel, after Hyyrö 2004).
    pub(crate) fn share(&self, other: u64) -> u32 {
        let (mut row, mut rest, mut count) = (self.all, other, 0);
        while rest != 0 {
            let hit = row & self.places.get((rest & 31) as usize).copied().unwrap_or(0);
            row = (row.wrapping_add(hit)) | (row & !hit);
            rest >>= 5;
            count += 1;
        }
        let longer = self.count.max(count);
        (1000 * (!row & self.all).count_ones()).checked_div(longer).unwrap_or(1000)
    }
}

/// Returns the symbols that the skeletons of a token are cut from.
pub(crate) fn read<'a>(name: &'a Name, token: &Token) -> &'a [Symbol] {
    let symbols = name.symbols_of(token);
    let core = symbols.get(usize::from(token.skip)..).unwrap_or(symbols);
    if token.skip_cost >= structure::COST_FUSED { symbols } else { core }
}

/// Returns the skeletons of a token read the other way, and the symbols they are cut from: with the particle at its
/// beginning when its own skeletons leave it out, without it when they hold it (Benachour, بن عاشور).
pub(crate) fn otherwise<'a>(name: &'a Name, token: &Token) -> Option<(Skeletons, &'a [Symbol])> {
    let symbols = name.symbols_of(token);
    let core = symbols.get(usize::from(token.skip)..).filter(|_| token.skip > 0)?;
    let read = |symbols| (skeletons(token.script, symbols), symbols);
    [read(symbols), read(core)].into_iter().find(|(s, _)| s.fine != token.fine && s.coarse != 0)
}

/// Returns the symbols of a word in which a Cyrillic х stands for a breathed h (Хасан, Яхья) and not for kh (Халид):
/// without it, for an h is in no skeleton. `None` when there is none.
pub(crate) fn breathed(script: Script, symbols: &[Symbol]) -> Option<Vec<Symbol>> {
    let kh = |symbol: &Symbol| lookup(&CYRILLIC, *symbol) == class::KH;
    (script == Script::Cyrillic && symbols.iter().any(kh))
        .then(|| symbols.iter().copied().filter(|symbol| !kh(symbol)).collect())
}

/// Returns the key of a token's coarse skeleton.
pub(crate) fn coarse_key(token: &Token) -> Key {
    Key::new(KeyKind::Coarse, token.coarse)
}

impl Name {
    /// Returns the retrieval keys of the name: per token the fine and coarse skeleton, the coarse skeleton
    /// with one class left out, vowel-aware trigrams; per two tokens a pair key.
    ///
    /// ```
    /// use mithaq_names::{KeyKind, Name};
    /// let coarse = |text| {
    ///     Name::parse(text).keys().into_iter().map(|k| k.key).filter(|k| k.kind() == KeyKind::Coarse).collect::<Vec<_>>()
    /// };
    /// assert_eq!(coarse("Bouteflika"), coarse("بوتفليقة"));
    /// assert_eq!(coarse("Abdelhamid"), coarse("عبد الحميد"));
    /// ```
    #[must_use]
    pub fn keys(&self) -> Vec<WeightedKey> {
        let mut out = Vec::with_capacity(self.tokens.len() * 12);
        for (at, token) in self.tokens.iter().enumerate() {
            let place = u8::try_from(at).unwrap_or(u8::MAX);
            let scale = role_weight(token.role);
            let mut push =
                |key, weight: f32| out.push(WeightedKey { key, weight: weight * scale, token: place });
            if token.coarse == 0 {
                push(Key::new(KeyKind::Gram, token.hash), 0.6);
                continue;
            }
            push(fine_key(token), 1.0);
            push(coarse_key(token), 0.8);
            deletions(token.coarse, |shorter| push(Key::new(KeyKind::Deletion, shorter), 0.5));
            self.grams(token, |gram| push(Key::new(KeyKind::Gram, gram), 0.3));
        }
        self.pair_keys(&mut out);
        out
    }

    /// Pair keys of any two tokens that are names.
    fn pair_keys(&self, out: &mut Vec<WeightedKey>) {
        for (at, first) in self.tokens.iter().enumerate() {
            for second in self.tokens.iter().skip(at + 1) {
                if first.coarse == 0
                    || second.coarse == 0
                    || role_weight(first.role).min(role_weight(second.role)) < 0.5
                {
                    continue;
                }
                let (low, high) = (first.coarse.min(second.coarse), first.coarse.max(second.coarse));
                let value = mix(low ^ mix(high));
                let token = u8::try_from(at).unwrap_or(u8::MAX);
                out.push(WeightedKey { key: Key::new(KeyKind::Pair, value), weight: 1.0, token });
            }
        }
    }

    /// Trigrams over the Latin reading of a token, with an edge mark.
    fn grams(&self, token: &Token, mut push: impl FnMut(u64)) {
        if token.script != Script::Latin {
            return;
        }
        let (mut a, mut b) = (0_u64, 0_u64);
        for symbol in self.symbols_of(token) {
            let c = u64::from(*symbol);
            if b != 0 {
                push((a << 16) | (b << 8) | c);
            }
            a = b;
            b = c;
        }
    }
}

/// Weight of a token's keys by its role.
const fn role_weight(role: Role) -> f32 {
    match role {
        Role::Plain | Role::Patronymic | Role::Kunya | Role::Number => 1.0,
        Role::Title | Role::Particle | Role::LegalForm | Role::Suffix => 0.2,
        Role::Initial => 0.1,
    }
}

/// Calls back with every skeleton one class shorter, when at least three classes stand.
fn deletions(coarse: u64, mut push: impl FnMut(u64)) {
    let count = (64 - coarse.leading_zeros()).div_ceil(4);
    if count < 3 {
        return;
    }
    for at in 0..count {
        let low = coarse & ((1 << (4 * at)) - 1);
        push(low | ((coarse >> (4 * (at + 1))) << (4 * at)));
    }
}

/// A fixed 64-bit mixer (the finaliser of SplitMix64).
const fn mix(value: u64) -> u64 {
    let a = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    b ^ (b >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coarse(text: &str) -> Vec<u64> {
        Name::parse(text).tokens.iter().map(|t| t.coarse).collect()
    }

    #[test]
    fn spellings_share_the_coarse_skeleton() {
        for (a, b) in [
            ("Mohammed", "محمد"),
            ("Bouteflika", "Бутефлика"),
            ("Yevgeny", "Евгений"),
            ("Shevchenko", "Шевченко"),
            ("Netanyahu", "נתניהו"),
            ("Hussein", "Houcine"),
        ] {
            assert_eq!(coarse(a), coarse(b), "{a} {b}");
        }
    }

    #[test]
    fn a_deletion_meets_the_shorter_skeleton() {
        let mut found = Vec::new();
        deletions(0x321, |s| found.push(s));
        assert_eq!(found, [0x32, 0x31, 0x21]);
    }
}
