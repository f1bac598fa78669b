//! From a matching to a calibrated probability.
//!
//! The features are few, each has a meaning, and their weights are fitted by `mithaq-names-train` on labelled pairs.
//! What this module deliberately does not do: evidence beyond the name (see `evidence`).

use std::sync::LazyLock;

use crate::align::Grid;
use crate::matching::{self, Matching};
use crate::name::{Kind, Name, Role, Token};
use crate::readings::{READING_NAMES, READINGS, readings};
use crate::script::Script;
use crate::structure::COST_PARTICLE;
use crate::tables::TABLES_VERSION;
use crate::told;

/// Features of a comparison that are counted here.
const COUNTED: usize = 36;
/// Features of a comparison.
pub const FEATURES: usize = COUNTED + READINGS;

/// Names of the features, in order; they name the weights in the committed table.
pub const FEATURE_NAMES: [&str; FEATURES] = all(COUNTED_NAMES, READING_NAMES);

const COUNTED_NAMES: [&str; COUNTED] = [
    "one",
    "bits10",
    "bits20",
    "bits40",
    "coverage",
    "left_both",
    "left_one",
    "left_one_cheap",
    "loss",
    "worst",
    "second",
    "matched1",
    "matched2",
    "matched3",
    "short",
    "order",
    "joined",
    "initials",
    "semitic",
    "syllabic",
    "cross",
    "number",
    "full",
    "share",
    "filiation",
    "worst_same",
    "second_same",
    "left_both_same",
    "coverage_same",
    "loss_same",
    "left_one_same",
    "given",
    "evidence",
    "first_left",
    "told_apart",
    "slight",
];

/// One list after the other.
const fn all<T: Copy>(counted: [T; COUNTED], readings: [T; READINGS]) -> [T; FEATURES] {
    let mut out = [counted[0]; FEATURES];
    let (head, tail) = out.split_at_mut(COUNTED);
    head.copy_from_slice(&counted);
    tail.copy_from_slice(&readings);
    out
}

/// How alike two names are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// Probability that both name the same subject, calibrated on pairs of which one in four is true.
    pub probability: f32,
    /// The band the probability falls in, capped at [`Band::Possible`] for a name alone.
    pub band: Band,
    /// Log-odds in bits (positive speaks for the same subject).
    pub bits: f32,
    /// [`TABLES_VERSION`] of the tables used.
    pub tables_version: u32,
}

impl Likeness {
    /// Returns the bits for print, with four digits after the point.
    ///
    /// Whole numbers are printed: exact printing of floats takes a good part of the time a comparison takes.
    pub fn bits_shown(&self) -> impl std::fmt::Display + use<> {
        #[expect(clippy::cast_possible_truncation, reason = "at most twelve bits; the cast saturates")]
        let parts = (self.bits * 10_000.0).round() as i64;
        std::fmt::from_fn(move |f| {
            let sign = if parts < 0 { "-" } else { "" };
            write!(f, "{sign}{}.{:04}", parts.unsigned_abs() / 10_000, parts.unsigned_abs() % 10_000)
        })
    }
}

/// Bands of likeness, in rising order. The first three can be reached by a name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    /// Below 0.10.
    Unlikely,
    /// 0.10 to 0.50.
    Weak,
    /// 0.50 and above by the name alone.
    Possible,
    /// 0.90 and above, with a second identifier that agrees.
    Likely,
    /// 0.99 and above, with a second identifier that agrees.
    Strong,
}

impl Band {
    /// Returns the stable code of the band.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unlikely => "unlikely",
            Self::Weak => "weak",
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Strong => "strong",
        }
    }

    /// Returns the band of a probability; without a second identifier never more than [`Band::Possible`].
    #[must_use]
    pub fn of(probability: f32, second: SecondIdentifier) -> Self {
        let band = if probability < 0.10 {
            Self::Unlikely
        } else if probability < 0.50 {
            Self::Weak
        } else if probability < 0.90 {
            Self::Possible
        } else if probability < 0.99 {
            Self::Likely
        } else {
            Self::Strong
        };
        match second {
            SecondIdentifier::Agrees => band,
            SecondIdentifier::Absent => band.min(Self::Possible),
        }
    }
}

/// Whether something other than the name speaks for the same subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondIdentifier {
    /// None was compared, or none agreed.
    Absent,
    /// At least one agreed.
    Agrees,
}

/// Compares names with the built-in tables.
///
/// ```
/// use mithaq_names::{Band, Name, Scorer};
/// let scorer = Scorer::new();
/// let same = scorer.score(&Name::parse("عبد الحميد بوتفليقة"), &Name::parse("Abdelhamid Bouteflika"));
/// let other = scorer.score(&Name::parse("عبد الحميد بوتفليقة"), &Name::parse("Jean Dupont"));
/// assert_eq!(same.band, Band::Possible, "a name alone is never more");
/// assert_eq!(other.band, Band::Unlikely);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Scorer {
    _private: (),
}

static WEIGHTS: LazyLock<[f32; FEATURES]> =
    LazyLock::new(|| read_weights(include_str!("../tables/weights.txt")));

/// Log-odds where a side has no name.
const NOTHING: f32 = -12.0;

/// Log-odds in bits of two names in memory that may remember readings of words.
fn log_odds(a: &Name, b: &Name, grid: &mut Grid) -> f32 {
    if a.is_empty() || b.is_empty() {
        return NOTHING;
    }
    told::judge(a, b, &matching::matchings(a, b, grid)).bits
}

/// Log-odds in bits of the features of a comparison.
pub(crate) fn bits(features: &[f32; FEATURES]) -> f32 {
    let sum: f32 = features.iter().zip(WEIGHTS.iter()).map(|(f, w)| f * w).sum();
    (sum * std::f32::consts::LOG2_E).clamp(-12.0, 12.0)
}

fn read_weights(text: &str) -> [f32; FEATURES] {
    let mut weights = [0.0; FEATURES];
    for (name, slot) in FEATURE_NAMES.iter().zip(weights.iter_mut()) {
        let found = text.lines().filter_map(|line| line.split_once(' ')).find(|(key, _)| key == name);
        *slot = found.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0.0);
    }
    weights
}

impl Scorer {
    /// Makes a scorer over the built-in tables.
    #[must_use]
    pub const fn new() -> Self {
        Self { _private: () }
    }

    /// Compares two names by themselves. Symmetric; allocates nothing.
    #[must_use]
    pub fn score(&self, a: &Name, b: &Name) -> Likeness {
        let bits = self.log_odds(a, b);
        likeness(bits, SecondIdentifier::Absent)
    }

    /// The same in memory that may remember readings of words.
    pub(crate) fn score_in(a: &Name, b: &Name, grid: &mut Grid) -> Likeness {
        likeness(log_odds(a, b, grid), SecondIdentifier::Absent)
    }

    /// Log-odds in bits of the name alone.
    pub(crate) fn log_odds(&self, a: &Name, b: &Name) -> f32 {
        log_odds(a, b, &mut Grid::new())
    }

    /// Returns the features of a comparison in the order of [`FEATURE_NAMES`] (for training and study).
    #[must_use]
    pub fn features(&self, a: &Name, b: &Name) -> [f32; FEATURES] {
        features(a, b, &matching::matching(a, b))
    }
}

impl Scorer {
    /// Bits one unit of a feature weighs.
    pub(crate) fn weight_bits(feature: &str) -> f32 {
        let at = FEATURE_NAMES.iter().position(|name| *name == feature);
        at.and_then(|at| WEIGHTS.get(at)).copied().unwrap_or(0.0) * std::f32::consts::LOG2_E
    }
}

/// Makes a likeness of log-odds in bits.
pub(crate) fn likeness(bits: f32, second: SecondIdentifier) -> Likeness {
    let probability = 1.0 / (1.0 + (-bits).exp2());
    Likeness { probability, band: Band::of(probability, second), bits, tables_version: TABLES_VERSION }
}

/// Bits below which a name of one word is no name of one person.
const SLIGHT: f32 = 11.5;
/// The same where the other name has more words, which may be all that a search asks for.
const SLIGHT_BESIDE: f32 = 8.5;

pub(crate) fn features(a: &Name, b: &Name, matching: &Matching) -> [f32; FEATURES] {
    let links = matching.links();
    let named = |tokens: &[Token]| tokens.iter().filter(|t| is_name(t.role)).count();
    let (dear_a, cheap_a) = left(&a.tokens, matching.used_a);
    let (dear_b, cheap_b) = left(&b.tokens, matching.used_b);
    let (all_a, all_b) = (dear_a + cheap_a, dear_b + cheap_b);
    let bits: f32 = links.iter().map(|l| l.bits).sum();
    let possible: f32 = links.iter().map(|l| l.rarity).sum();
    let loss: f32 = links.iter().map(|l| l.loss).sum();
    let real = links.iter().filter(|l| !l.initial && l.rarity > 2.0).count();
    let qualities = worst_two(links);
    let inversions = matching::inversions(links);
    let joined = links.iter().filter(|l| l.a_count + l.b_count > 2).count();
    let initials = links.iter().filter(|l| l.initial).count();
    let script = |name: &Name| name.tokens.first().map(|t| t.script);
    let (sa, sb) = (script(a), script(b));
    let semitic = |s| matches!(s, Some(Script::Arabic | Script::Hebrew));
    let both = all_a.min(all_b);
    let one = all_a.max(all_b) - both;
    let total = possible + both + 0.35 * one;
    let coverage = if total > 0.0 { bits / total } else { 0.0 };
    let same = if sa == sb { 1.0 } else { 0.0 };
    let shorter = named(&a.tokens).min(named(&b.tokens));
    let flag = |on: bool| if on { 1.0 } else { 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "counts are at most ten")]
    let count = |n: usize| n as f32;
    let counted = [
        1.0,
        bits.min(10.0) / 10.0,
        (bits - 10.0).clamp(0.0, 10.0) / 10.0,
        (bits - 20.0).clamp(0.0, 20.0) / 20.0,
        coverage,
        both.min(20.0) / 10.0,
        (dear_a - dear_b).abs().min(30.0) / 10.0,
        (cheap_a - cheap_b).abs().min(20.0) / 10.0,
        loss.min(40.0) / 10.0,
        qualities[0],
        qualities[1],
        flag(real == 1),
        flag(real == 2),
        flag(real >= 3),
        flag(shorter <= 1),
        count(inversions),
        count(joined.min(2)),
        count(initials.min(2)),
        flag(semitic(sa) || semitic(sb)),
        flag(sa == Some(Script::Syllabic) || sb == Some(Script::Syllabic)),
        flag(sa != sb),
        flag(number_left(a, b, matching)),
        flag(all_a.min(all_b) < 0.5),
        bits / (possible + all_a.max(all_b)).max(1.0),
        count(filiation(a, b, links)),
        same * qualities[0],
        same * qualities[1],
        same * both.min(20.0) / 10.0,
        same * coverage,
        same * loss.min(40.0) / 10.0,
        same * (dear_a - dear_b).abs().min(30.0) / 10.0,
        flag(links.iter().any(|l| l.a == 0 && l.b == 0)),
        coverage * bits.min(30.0) / 10.0,
        flag(matching.used_a & 1 == 0 && matching.used_b & 1 == 0),
        flag(told::apart(a, b, matching)),
        lacking(a, b),
    ];
    all(counted, readings(a, b, matching))
}

/// Weight of the names and of everything else that no link took.
fn left(tokens: &[Token], used: u32) -> (f32, f32) {
    let (mut dear, mut cheap) = (0.0_f32, 0.0_f32);
    for token in Matching::left(tokens, used) {
        let sum = if matches!(token.role, Role::Plain | Role::Number) && !token.designation {
            &mut dear
        } else {
            &mut cheap
        };
        *sum += weight(token);
    }
    (dear, cheap)
}

/// Qualities of the worst and second worst link of two names; 1 where there is none.
fn worst_two(links: &[matching::Link]) -> [f32; 2] {
    links.iter().filter(|l| !l.initial && l.rarity > 2.0).fold([1.0, 1.0], |[first, second], link| {
        if link.quality < first { [link.quality, first] } else { [first, second.min(link.quality)] }
    })
}

/// True when a number of one name has no counterpart.
fn number_left(a: &Name, b: &Name, matching: &Matching) -> bool {
    let mut left =
        Matching::left(&a.tokens, matching.used_a).chain(Matching::left(&b.tokens, matching.used_b));
    left.any(|token| token.role == Role::Number)
}

/// What two names lack to be one person's, in tens of bits. Of two names of one word the commoner counts.
fn lacking(a: &Name, b: &Name) -> f32 {
    let lack = match (only_word(a), only_word(b)) {
        (Some(x), Some(y)) => SLIGHT - x.min(y),
        (Some(bits), None) | (None, Some(bits)) => SLIGHT_BESIDE - bits,
        (None, None) => 0.0,
    };
    lack.max(0.0) / 10.0
}

/// Bits of a person's name of one word; none for letters alone, which name nobody.
fn only_word(name: &Name) -> Option<f32> {
    let names = name.tokens.iter().filter(|token| is_name(token.role)).count();
    // "Ben Jones" and "Des Browne" are two words although ben and des are read as particles; الحميد is one.
    let more = |token: &Token| {
        let behind = token.role == Role::Title && token.start > 0;
        let word = matches!(token.role, Role::Initial | Role::Suffix | Role::Particle) || behind;
        word || token.filiation || (token.skip_cost == COST_PARTICLE && token.script != Script::Arabic)
    };
    if name.kind != Kind::Person || names > 1 || (names == 1 && name.tokens.iter().any(more)) {
        return None;
    }
    let words = name.tokens.iter().filter(|token| token.role != Role::Initial);
    Some(words.map(Token::rarity_bits).sum())
}

/// Links of a son's name with a father's, when both names say who is the son.
fn filiation(a: &Name, b: &Name, links: &[matching::Link]) -> usize {
    let marked = |name: &Name, at: u8| name.tokens.get(usize::from(at)).is_some_and(|t| t.filiation);
    if !a.tokens.iter().any(|t| t.filiation) || !b.tokens.iter().any(|t| t.filiation) {
        return 0;
    }
    links.iter().filter(|l| marked(a, l.a) != marked(b, l.b)).count()
}

/// Weight in bits a token has when nothing answers it.
pub(crate) fn weight(token: &Token) -> f32 {
    match token.role {
        _ if token.designation => 0.3 * token.rarity_bits(),
        Role::Patronymic => 0.4 * token.rarity_bits(),
        Role::Kunya => 0.3 * token.rarity_bits(),
        Role::Plain
        | Role::Number
        | Role::Initial
        | Role::Title
        | Role::Particle
        | Role::LegalForm
        | Role::Suffix => token.rarity_bits(),
    }
}

const fn is_name(role: Role) -> bool {
    matches!(role, Role::Plain | Role::Kunya | Role::Patronymic | Role::Number)
}
