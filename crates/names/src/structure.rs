//! From words to tokens: particles joined to the names they belong to, roles given, order settled.
//!
//! What this module deliberately does not do: compare. Every rule is a rule of a naming system, none is for a
//! single name.

use crate::concepts;
use crate::forms;
use crate::keys;
use crate::lexicon::{self, Function};
use crate::name::{Kind, MAX_SYMBOLS, MAX_TOKENS, Name, Role, Token};
use crate::nicknames::{self, Lines, NO_LINES};
use crate::numerals;
use crate::present::Present;
use crate::rarity;
use crate::script::{Script, Symbol};
use crate::servants;
use crate::text::{self, Word, Words};
use crate::units;

/// Cost of losing an article or a particle, in eighths of a bit.
pub(crate) const COST_PARTICLE: u8 = 2;
/// Cost of losing "al" or "ben" written together with the name: they may be its own letters.
pub(crate) const COST_FUSED: u8 = 6;
/// Cost of losing "abd": the name is another one.
pub(crate) const COST_ABD: u8 = 40;
/// Cost of losing "abu".
const COST_ABU: u8 = 16;

/// Builds the tokens of a text.
pub(crate) fn build(kind: Kind, text: &str) -> Name {
    let mut words = text::words(text);
    if kind == Kind::Person {
        servants::joined(&mut words);
    }
    if kind != Kind::Organisation {
        return assemble(kind, &words, (Script::Latin, Vec::new()));
    }
    let words = numerals::written(forms::shortened(words));
    let initials = concepts::initials_of(&words);
    let (translated, changed) = concepts::translate(&words);
    let mut name = assemble(kind, &translated, initials);
    if changed {
        let mut written = assemble(kind, &concepts::bare(words), (Script::Latin, Vec::new()));
        units::fill(&mut written);
        name.written = Some(Box::new(written));
    }
    name
}

/// Makes a name of words.
fn assemble(kind: Kind, words: &Words, initials: (Script, Vec<Symbol>)) -> Name {
    let mut builder = Builder {
        kind,
        words,
        symbols: Vec::with_capacity(words.symbols.len()),
        tokens: Vec::with_capacity(6),
    };
    builder.run();
    let Builder { symbols, mut tokens, .. } = builder;
    let comma = kind == Kind::Person && reorder_comma(words, &symbols, &mut tokens);
    let mut name = Name { kind, symbols, units: Vec::new(), tokens, comma, initials, written: None };
    relayout(&mut name, comma);
    for at in 0..name.tokens.len() {
        if let Some(mut token) = name.tokens.get(at).cloned() {
            describe(&name, &mut token);
            if let Some(slot) = name.tokens.get_mut(at) {
                *slot = token;
            }
        }
    }
    name
}

/// Makes a name of one word that is given in symbols.
pub(crate) fn word(kind: Kind, script: Script, symbols: Vec<Symbol>) -> Name {
    let mut token = Token::bare(script, Role::Plain, symbols.len());
    let mut name = Name {
        kind,
        symbols,
        units: Vec::new(),
        tokens: Vec::new(),
        comma: false,
        initials: (script, Vec::new()),
        written: None,
    };
    describe(&name, &mut token);
    name.tokens.push(token);
    units::fill(&mut name);
    name
}

/// Fills what is derived from the symbols.
pub(crate) fn describe(name: &Name, token: &mut Token) {
    let symbols = name.symbols_of(token);
    let core = symbols.get(usize::from(token.skip)..).unwrap_or(symbols);
    let skeletons = keys::skeletons(token.script, keys::read(name, token));
    token.tail = feminine(token.script, symbols);
    token.coarse = skeletons.coarse;
    token.fine = skeletons.fine;
    token.classes = skeletons.classes;
    let whole = lexicon::hash(token.script, symbols);
    if token.hash == 0 {
        token.hash = whole;
    }
    let core_hash = if core.len() == symbols.len() { whole } else { lexicon::hash(token.script, core) };
    // "Alexander" and "Elizabeth" begin with no article.
    let fused = token.skip_cost == COST_FUSED && lines(name.kind, whole).1 != NO_LINES;
    let hash = if fused { whole } else { core_hash };
    let (concept, lines) = lines(name.kind, hash);
    token.nicknames = lines;
    // An article that may be the word's own letters is part of it.
    token.core = if token.skip_cost == COST_FUSED { whole } else { core_hash };
    token.rarity = if concept.is_some_and(concepts::says_what) {
        rarity::generic(token)
    } else {
        rarity::eighths(token, skeletons.length, core.len())
    };
}

/// The concept of a word (given by its hash) in the name of a body, and the lines it shares with words that may stand for
/// it: near concepts in the name of a body, everyday forms of given names, names of one place.
pub(crate) fn lines(kind: Kind, hash: u64) -> (Option<u16>, Lines) {
    match kind {
        Kind::Organisation => {
            let concept = concepts::of_english(hash);
            (concept, concept.map_or_else(|| nicknames::groups(hash), concepts::near))
        }
        Kind::Person => (None, nicknames::groups(hash)),
        Kind::Place => (None, nicknames::places_of(hash)),
    }
}

/// Moves what stands before the first comma behind the rest ("SURNAME, Given"). True when it did.
fn reorder_comma(words: &Words, symbols: &[Symbol], tokens: &mut [Token]) -> bool {
    let Some(comma) = words.words.iter().find(|w| w.comma) else { return false };
    let before = tokens.iter().take_while(|t| t.to <= comma.to).count();
    let suffix_only = tokens.iter().skip(before).all(|t| matches!(t.role, Role::Suffix | Role::Title));
    if before == 0 || before == tokens.len() || suffix_only || designates(symbols, tokens, before) {
        return false;
    }
    tokens.rotate_left(before);
    true
}

/// True when a title of nobility follows the comma and not a given name: "Robert II, Duke of Burgundy", "Mary Hill,
/// Baroness Hill of Ashby". Marks what belongs to it, which other records leave out. Not so "HILL, Baroness Mary".
fn designates(symbols: &[Symbol], tokens: &mut [Token], before: usize) -> bool {
    let behind = tokens.get_mut(before..).unwrap_or_default();
    let noble = |t: &Token| lexicon::noble(t.script, symbols.get(t.range()).unwrap_or_default());
    let Some(title) = behind.iter().take(3).position(noble) else { return false };
    let of = behind.iter().skip(title + 1).any(|t| t.role == Role::Plain && t.skip_cost == COST_PARTICLE);
    if before < 2 && !of {
        return false;
    }
    behind.iter_mut().for_each(|token| token.designation = true);
    true
}

/// Lays the symbols out in token order, so that neighbours are one slice.
fn relayout(name: &mut Name, moved: bool) {
    if !moved {
        return;
    }
    let mut symbols = Vec::with_capacity(name.symbols.len());
    for token in &mut name.tokens {
        let start = symbols.len();
        symbols.extend_from_slice(name.symbols.get(token.range()).unwrap_or_default());
        token.start = u16::try_from(start).unwrap_or(0);
    }
    name.symbols = symbols;
}

struct Builder<'a> {
    kind: Kind,
    words: &'a Words,
    symbols: Vec<Symbol>,
    tokens: Vec<Token>,
}

/// Symbols waiting to be joined to the next name.
#[derive(Default)]
struct Prefix {
    cost: u8,
    role: Option<Role>,
    from: Option<u16>,
    start: usize,
    len: usize,
    /// "Son of" is among them.
    filiation: bool,
    /// The symbols belong to the name (abd, abu) instead of being droppable.
    abd: bool,
}

impl Builder<'_> {
    fn run(&mut self) {
        let words = self.words;
        let mut prefix = Prefix::default();
        let total = words.words.len();
        for (at, word) in words.words.iter().enumerate() {
            if self.tokens.len() >= MAX_TOKENS || self.symbols.len() + word.len > MAX_SYMBOLS {
                break;
            }
            let symbols = words.of(word);
            let function = self.function(word, symbols, at);
            let last = at + 1 == total;
            match function {
                Some(
                    Function::Abd
                    | Function::Abu
                    | Function::Article
                    | Function::Filiation
                    | Function::Nobiliary,
                ) if !last => {
                    self.hold(&mut prefix, word, symbols, function);
                }
                Some(Function::Din | Function::Ullah)
                    if prefix.role.is_none() && !prefix.abd && self.joins_back(&prefix, symbols) =>
                {
                    self.join_back(&mut prefix, word, symbols);
                }
                _ => self.push(&mut prefix, word, symbols, role(word, symbols, function)),
            }
        }
    }

    /// Returns the function of a word in this place.
    fn function(&self, word: &Word, symbols: &[Symbol], at: usize) -> Option<Function> {
        if word.number || (word.dotted && word.script == Script::Arabic && word.letters <= 3) {
            return (symbols == [16]).then_some(Function::Title);
        }
        let function = lexicon::function(word.script, symbols)?;
        let person = self.kind == Kind::Person;
        match function {
            Function::LegalForm => (self.kind == Kind::Organisation).then_some(function),
            Function::Abd
            | Function::Abu
            | Function::Filiation
            | Function::FiliationAfter
            | Function::Suffix => person.then_some(function),
            // "An" and "As" are names in some languages; as an article it is followed by a name and joined to it.
            Function::Article => (word.script != Script::Latin
                || matches!(symbols, [1 | 5, 12])
                || word.joined
                || self.words.words.get(at.wrapping_sub(1)).is_some_and(|w| w.joined))
            .then_some(function),
            // "Roger King", "KING, Roger": the last word and a word before a comma are names, unless they are
            // titles that follow names.
            Function::Title => {
                let last = at + 1 == self.words.words.len() || word.comma;
                (person && (!last || lexicon::follows(word.script, symbols))).then_some(function)
            }
            // "of" and "the" are words of a person's name only: bodies and places have tables of their own.
            Function::Nobiliary if matches!(symbols, [15, 6] | [20, 8, 5]) => person.then_some(function),
            Function::Din | Function::Ullah | Function::Nobiliary => Some(function),
        }
    }

    /// Keeps a particle for the next name.
    fn hold(&mut self, prefix: &mut Prefix, word: &Word, symbols: &[Symbol], function: Option<Function>) {
        if prefix.from.is_none() {
            prefix.from = Some(word.from);
            prefix.start = self.symbols.len();
        }
        prefix.filiation |= function == Some(Function::Filiation);
        match function {
            Some(Function::Abd) => {
                let kept = abd_core(word.script, symbols);
                self.symbols.extend_from_slice(symbols.get(..kept).unwrap_or(symbols));
                prefix.abd = true;
                prefix.cost = COST_ABD;
            }
            Some(Function::Abu) => {
                self.symbols.extend_from_slice(symbols);
                prefix.role = Some(Role::Kunya);
                prefix.cost = COST_ABU;
            }
            // The article after abd or abu disappears: Abd al-Hamid is Abdelhamid is عبد الحميد.
            Some(Function::Article) if prefix.abd || prefix.role.is_some() => {}
            _ => {
                self.symbols.extend_from_slice(symbols);
                prefix.cost = prefix.cost.max(COST_PARTICLE);
            }
        }
        prefix.len = self.symbols.len() - prefix.start;
    }

    /// True when "(of) the religion" or "of God" has a name before it. "Qari Din Mohammad" has not: Din is his name.
    fn joins_back(&self, prefix: &Prefix, symbols: &[Symbol]) -> bool {
        let bare = prefix.from.is_none() && matches!(symbols, [4, 5 | 9, ..]);
        self.tokens.last().is_some_and(|token| !bare || token.role != Role::Title)
    }

    /// Joins "al-Din" and "Allah" to the name before: Nur al-Din is Noureddine.
    fn join_back(&mut self, prefix: &mut Prefix, word: &Word, symbols: &[Symbol]) {
        // A held article between the two is dropped.
        self.symbols.truncate(self.symbols.len() - std::mem::take(prefix).len);
        let body = din_core(word.script, symbols);
        let body = symbols.get(body..).unwrap_or(symbols);
        if let Some(token) = self.tokens.last_mut().filter(|t| t.script == word.script) {
            self.symbols.extend_from_slice(body);
            token.len = u8::try_from(self.symbols.len() - usize::from(token.start))
                .unwrap_or(u8::MAX)
                .min(MERGED_MAX);
            self.symbols.truncate(token.range().end);
            token.to = word.to;
        }
    }

    fn push(&mut self, prefix: &mut Prefix, word: &Word, symbols: &[Symbol], role: Role) {
        let held = std::mem::take(prefix);
        let joined = held.from.is_some() && self.symbols.len() == held.start + held.len;
        let start = if joined { held.start } else { self.symbols.len() };
        let (mut skip, mut cost) = (held.len, held.cost);
        let inner = if held.abd || held.role.is_some() { article_length(word.script, symbols) } else { 0 };
        if held.from.is_none() || !(held.abd || held.role.is_some()) {
            let own = own_prefix(self.kind, word.script, symbols, self.words);
            if own.drop > 0 {
                self.symbols.extend_from_slice(symbols.get(..own.keep).unwrap_or_default());
                self.symbols.extend_from_slice(symbols.get(own.keep + own.drop..).unwrap_or_default());
            } else {
                self.symbols.extend_from_slice(symbols);
            }
            if own.keep > 0 {
                skip += own.keep;
                cost = cost.max(own.cost);
            }
        } else {
            self.symbols.extend_from_slice(symbols.get(inner..).unwrap_or(symbols));
        }
        let end = self.symbols.len().min(start + usize::from(MERGED_MAX));
        self.symbols.truncate(end);
        skip = skip.min((end - start).saturating_sub(2));
        self.tokens.push(Token {
            script: word.script,
            role: held.role.filter(|_| role == Role::Plain).unwrap_or(role),
            start: u16::try_from(start).unwrap_or(0),
            len: u8::try_from(end - start).unwrap_or(0),
            skip: u8::try_from(skip).unwrap_or(0),
            skip_cost: cost,
            tail: 0,
            classes: 0,
            rarity: 0,
            coarse: 0,
            fine: 0,
            hash: word.written,
            nicknames: NO_LINES,
            filiation: held.filiation,
            designation: false,
            core: 0,
            present: Present::NONE,
            // A particle that was put before its name stands behind it in the text.
            from: held.from.filter(|from| *from <= word.from).unwrap_or(word.from),
            to: word.to,
        });
    }
}

/// Longest token after joining.
pub(crate) const MERGED_MAX: u8 = 30;

fn role(word: &Word, symbols: &[Symbol], function: Option<Function>) -> Role {
    if word.number {
        return Role::Number;
    }
    match function {
        Some(Function::Title) => return Role::Title,
        Some(Function::Suffix) => return Role::Suffix,
        Some(Function::LegalForm) => return Role::LegalForm,
        Some(Function::Article | Function::Filiation | Function::FiliationAfter | Function::Nobiliary) => {
            return Role::Particle;
        }
        Some(Function::Abd | Function::Abu | Function::Din | Function::Ullah) | None => {}
    }
    // "دی." and "Дж." are letters by name, as "D." is.
    let spelled = word.dotted
        && word.letters <= 3
        && matches!(word.script, Script::Arabic | Script::Cyrillic | Script::Hebrew);
    if (word.len == 1 || spelled) && word.script != Script::Syllabic {
        Role::Initial
    } else if is_patronymic(word.script, symbols) {
        Role::Patronymic
    } else {
        Role::Plain
    }
}

/// True for Slavic patronymics by their ending: -ovich, -evich, -ovna, -evna in the English, French, German and
/// Swedish conventions; -ович, -евич, -овна, -евна, -івна.
fn is_patronymic(script: Script, symbols: &[Symbol]) -> bool {
    let Some((stem, end)) = symbols.split_last_chunk::<4>() else { return false };
    match script {
        // ov|ev|ow|ew before ich, itch, itsch, itj, na
        Script::Latin => match end {
            [22 | 23, 9, 3, 8] | [9, 20, 3, 8] | [22 | 23, 9, 20, 10] | [20, 19, 3, 8] => stem.len() >= 3,
            [15 | 5, 22 | 23, 14, 1] => stem.len() >= 2,
            _ => false,
        },
        Script::Cyrillic => match end {
            [15 | 6, 3, 9, 24] | [15 | 6 | 9, 3, 14, 1] => stem.len() >= 2,
            _ => false,
        },
        Script::Arabic | Script::Hebrew | Script::Syllabic => false,
    }
}

/// Returns 1 when the last letter is the feminine ending of a Slavic family name (Ivanova, Иванова, Putina).
fn feminine(script: Script, symbols: &[Symbol]) -> u8 {
    let Some((stem, end)) = symbols.split_last_chunk::<3>() else { return 0 };
    let fits = match script {
        Script::Latin => matches!(end, [15 | 5, 22, 1] | [9, 14, 1]),
        Script::Cyrillic => matches!(end, [15 | 6, 3, 1] | [9, 14, 1]),
        Script::Arabic | Script::Hebrew | Script::Syllabic => false,
    };
    u8::from(fits && stem.len() >= 2)
}

/// A prefix found inside a word: `keep` symbols may be skipped, then `drop` symbols (an article) disappear.
#[derive(Default)]
struct Own {
    keep: usize,
    drop: usize,
    cost: u8,
}

/// Finds abd-, al- and ben- written together with the name.
fn own_prefix(kind: Kind, script: Script, symbols: &[Symbol], _words: &Words) -> Own {
    if symbols.len() < 4 {
        return Own::default();
    }
    let article = article_length(script, symbols);
    if kind != Kind::Person {
        return Own {
            keep: if script == Script::Arabic { article } else { 0 },
            drop: 0,
            cost: COST_PARTICLE,
        };
    }
    let abd = abd_core(script, symbols);
    if abd > 0 && symbols.len() >= abd + 4 {
        let rest = symbols.get(abd..).unwrap_or_default();
        // "Abdullah": the rest is the word Allah itself, not an article and a name.
        let whole = lexicon::function(script, rest) == Some(Function::Ullah);
        return Own { keep: abd, drop: if whole { 0 } else { abd_article(script, rest) }, cost: COST_ABD };
    }
    if article > 0 {
        let cost = if script == Script::Arabic { COST_PARTICLE } else { COST_FUSED };
        return Own { keep: article, drop: 0, cost };
    }
    // "Benali", "Benabdallah": ben written together.
    if script == Script::Latin && matches!(symbols, [2, 5, 14, ..]) && symbols.len() >= 6 {
        return Own { keep: 3, drop: 0, cost: 8 * 3 };
    }
    Own::default()
}

/// Returns the symbols of an article written together with the word.
fn article_length(script: Script, symbols: &[Symbol]) -> usize {
    match (script, symbols) {
        // alef, lam; three more letters at least, so that Ali and Elena keep theirs
        (Script::Arabic, [1, 34, rest @ ..]) if rest.len() >= 3 => 2,
        (Script::Latin, [1 | 5, 12, rest @ ..]) if rest.len() >= 4 => 2,
        _ => 0,
    }
}

/// Returns how many symbols "abd" takes at the start of a word, 0 when it does not start so.
fn abd_core(script: Script, symbols: &[Symbol]) -> usize {
    let abd: &[Symbol] = match script {
        Script::Latin => &[1, 2, 4],
        Script::Arabic => &[27, 7, 16],
        Script::Cyrillic => &[1, 2, 5],
        Script::Hebrew | Script::Syllabic => return 0,
    };
    if symbols.starts_with(abd) { 3 } else { 0 }
}

/// Returns how many symbols the article takes after "abd" ("ul" in Abdulhamid, "er" in Abderrahmane).
fn abd_article(script: Script, rest: &[Symbol]) -> usize {
    let vowel = |s: Symbol| match script {
        Script::Latin => matches!(s, 1 | 5 | 9 | 15 | 21),
        Script::Cyrillic => matches!(s, 1 | 6 | 9 | 15 | 20 | 28 | 30 | 31 | 32),
        Script::Arabic | Script::Hebrew | Script::Syllabic => false,
    };
    match (script, rest) {
        (Script::Arabic, [1, 34, tail @ ..]) if tail.len() >= 3 => 2,
        (Script::Arabic, _) | (Script::Hebrew | Script::Syllabic, _) => 0,
        // abdoul…, abdool…
        (Script::Latin, [15, 21 | 15, 12, tail @ ..]) if tail.len() >= 3 => 3,
        (Script::Latin, [15, 21 | 15, x, y, tail @ ..]) if x == y && tail.len() >= 2 => 3,
        (Script::Cyrillic, [v, 12, 29, tail @ ..]) if vowel(*v) && tail.len() >= 2 => 3,
        (_, [v, 12, tail @ ..]) if vowel(*v) && tail.len() >= 3 => 2,
        (_, [v, x, y, tail @ ..]) if vowel(*v) && x == y && tail.len() >= 2 => 2,
        _ => 0,
    }
}

/// Returns how many leading symbols of a "-din" word are article ("ed" of eddine).
fn din_core(script: Script, symbols: &[Symbol]) -> usize {
    let d = match script {
        Script::Latin => 4,
        Script::Arabic => 16,
        Script::Cyrillic => 5,
        Script::Hebrew | Script::Syllabic => return 0,
    };
    // Last d before the vowel: "eddine" -> "dine", "الدين" -> "دين"; for Allah nothing is dropped.
    let at = symbols.iter().rposition(|s| *s == d);
    at.filter(|at| *at <= 3).unwrap_or(0)
}

#[cfg(test)]
mod tests;
