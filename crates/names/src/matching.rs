//! Which token of one name stands for which of the other.
//!
//! Works on fixed arrays, allocates nothing. What this module deliberately does not do: turn the matching into a
//! probability (see `score`).

use crate::align::{self, Aligned, Piece};
use crate::name::{MAX_TOKENS, Name, Role, Token};
use crate::nicknames;
use crate::script::Script;
use crate::tables::{self, Tables};

/// Two tokens (or a token and two neighbours) that stand for each other.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Link {
    pub(crate) a: u8,
    pub(crate) b: u8,
    /// Tokens taken on each side: 1 or 2.
    pub(crate) a_count: u8,
    pub(crate) b_count: u8,
    /// How good the reading is: 1 perfect, 0 no better than chance.
    pub(crate) quality: f32,
    /// Evidence in bits: rarity times quality.
    pub(crate) bits: f32,
    /// Rarity of the rarer reading in bits.
    pub(crate) rarity: f32,
    /// Loss of the alignment in bits.
    pub(crate) loss: f32,
    /// One side is an initial.
    pub(crate) initial: bool,
}

/// Most links considered before the best are chosen.
const CANDIDATES: usize = 256;

/// The links of two names and what they leave over.
#[derive(Clone, Debug)]
pub(crate) struct Matching {
    links: [Link; MAX_TOKENS],
    count: usize,
    /// Tokens taken, one bit each.
    pub(crate) used_a: u32,
    pub(crate) used_b: u32,
}

impl Matching {
    pub(crate) fn links(&self) -> &[Link] {
        self.links.get(..self.count).unwrap_or_default()
    }

    /// Tokens of a side that no link took.
    pub(crate) fn left(tokens: &[Token], used: u32) -> impl Iterator<Item = &Token> {
        tokens.iter().enumerate().filter(move |(at, _)| used & (1 << at) == 0).map(|(_, token)| token)
    }
}

struct Candidates {
    list: [Link; CANDIDATES],
    count: usize,
}

impl Candidates {
    fn push(&mut self, link: Link) {
        if let Some(slot) = self.list.get_mut(self.count) {
            *slot = link;
            self.count += 1;
        }
    }
}

/// Quality below which two tokens are strangers.
const QUALITY_MIN: f32 = 0.15;
/// Share of the possible bits at which a reading is no better than chance, and at which it is perfect.
const QUALITY_ZERO: f32 = -0.4;
const QUALITY_ONE: f32 = 0.7;
/// Quality of a name and its everyday form.
const QUALITY_NICKNAME: f32 = 0.7;
/// Most two different writings in one syllabic script can have.
const QUALITY_HOMOPHONE: f32 = 0.5;
/// Quality of a name and its beginning.
const QUALITY_SHORTENED: f32 = 0.55;
/// Above this no joined reading is tried.
const QUALITY_SETTLED: f32 = 0.85;

/// Matches the tokens of two names: best link first, joined readings where single ones fail.
pub(crate) fn matching(a: &Name, b: &Name) -> Matching {
    let tables = tables::tables();
    let mut found = Candidates { list: [Link::default(); CANDIDATES], count: 0 };
    let (mut best_a, mut best_b) = ([0.0_f32; MAX_TOKENS], [0.0_f32; MAX_TOKENS]);
    for (i, x) in a.tokens.iter().enumerate() {
        for (j, y) in b.tokens.iter().enumerate() {
            let Some(mut link) = single(tables, (a, x), (b, y)) else { continue };
            link.a = index(i);
            link.b = index(j);
            raise(&mut best_a, i, link.quality);
            raise(&mut best_b, j, link.quality);
            found.push(link);
        }
    }
    joined(tables, (a, &best_a), (b, &best_b), |link| found.push(link));
    joined(tables, (b, &best_b), (a, &best_a), |link| {
        found.push(Link { a: link.b, b: link.a, a_count: link.b_count, b_count: link.a_count, ..link });
    });
    choose(&mut found)
}

fn index(at: usize) -> u8 {
    u8::try_from(at).unwrap_or(u8::MAX)
}

fn raise(best: &mut [f32; MAX_TOKENS], at: usize, quality: f32) {
    if let Some(slot) = best.get_mut(at) {
        *slot = slot.max(quality);
    }
}

/// Takes the links with the most bits first; every token once.
fn choose(found: &mut Candidates) -> Matching {
    let list = found.list.get_mut(..found.count).unwrap_or_default();
    // Ties are broken the same way from both sides: by quality, then by the smaller sum of places.
    list.sort_unstable_by(|x, y| {
        y.bits
            .total_cmp(&x.bits)
            .then_with(|| y.quality.total_cmp(&x.quality))
            .then_with(|| x.a.abs_diff(x.b).cmp(&y.a.abs_diff(y.b)))
            .then_with(|| (x.a + x.b).cmp(&(y.a + y.b)))
            .then_with(|| (x.a_count + x.b_count).cmp(&(y.a_count + y.b_count)))
    });
    let mut out = Matching { links: [Link::default(); MAX_TOKENS], count: 0, used_a: 0, used_b: 0 };
    for link in list.iter() {
        let mask = |from: u8, count: u8| ((1_u32 << count) - 1) << from;
        let (ma, mb) = (mask(link.a, link.a_count), mask(link.b, link.b_count));
        if out.used_a & ma != 0 || out.used_b & mb != 0 {
            continue;
        }
        if let Some(slot) = out.links.get_mut(out.count) {
            *slot = *link;
            out.count += 1;
            out.used_a |= ma;
            out.used_b |= mb;
        }
    }
    out
}

/// Links two single tokens, or nothing when they are strangers.
pub(crate) fn single(tables: &Tables, a: (&Name, &Token), b: (&Name, &Token)) -> Option<Link> {
    let (x, y) = (a.1, b.1);
    let rarity = x.rarity_bits().min(y.rarity_bits());
    let base = Link { a_count: 1, b_count: 1, rarity, ..Link::default() };
    if x.hash == y.hash && x.len == y.len {
        return Some(Link {
            quality: 1.0,
            bits: rarity,
            initial: x.role == Role::Initial || y.role == Role::Initial,
            ..base
        });
    }
    if x.role == Role::Number || y.role == Role::Number {
        return None;
    }
    if (x.role == Role::Initial) != (y.role == Role::Initial) || (x.len == 1 && y.len == 1) {
        let aligned = initial(tables, a, b)?;
        return Some(Link { quality: aligned, bits: rarity * aligned, initial: true, ..base });
    }
    let link = if strangers(x, y) {
        None
    } else {
        link_of(align::align(tables, &Piece::token(a.0, x), &Piece::token(b.0, y)), base)
    };
    let quality = if nicknames::share(x.nicknames, y.nicknames) {
        QUALITY_NICKNAME
    } else if shortened(a, b) {
        QUALITY_SHORTENED
    } else {
        0.0
    };
    // Two names in one syllabic script are written alike or are two names, however alike they sound.
    let most =
        if x.script == Script::Syllabic && y.script == Script::Syllabic { QUALITY_HOMOPHONE } else { 1.0 };
    let link = link.map(|l| Link { quality: l.quality.min(most), bits: l.bits.min(rarity * most), ..l });
    match link {
        Some(link) if link.quality >= quality => Some(link),
        _ if quality > 0.0 => Some(Link { quality, bits: rarity * quality, ..base }),
        _ => None,
    }
}

/// True when one token is the beginning of the other (Alex, Alexander; Tim, Timothy).
pub(crate) fn shortened(a: (&Name, &Token), b: (&Name, &Token)) -> bool {
    let (short, long) = if a.1.len <= b.1.len { (a, b) } else { (b, a) };
    short.1.script == long.1.script
        && short.1.len >= 3
        && long.0.symbols_of(long.1).starts_with(short.0.symbols_of(short.1))
}

/// A cheap test that two tokens cannot be one: their coarse skeletons share too little, in order.
fn strangers(x: &Token, y: &Token) -> bool {
    let length = |coarse: u64| (64 - coarse.leading_zeros()).div_ceil(4);
    let longer = length(x.coarse).max(length(y.coarse));
    // Syllables insert vowels, drop r and know no l: their skeletons prove nothing.
    if (x.script == Script::Syllabic) != (y.script == Script::Syllabic) {
        return false;
    }
    longer >= 3 && common(x.coarse, y.coarse) * 3 < longer
}

/// The same test for two neighbours read as one: a joined reading must be a good one.
fn apart(x: &Token, next: &Token, y: &Token) -> bool {
    let length = |coarse: u64| (64 - coarse.leading_zeros()).div_ceil(4);
    let (first, second, whole) = (length(x.coarse), length(next.coarse), length(y.coarse));
    if first + second > 15 {
        return true;
    }
    let both = x.coarse | (next.coarse << (4 * first));
    let longer = (first + second).max(whole);
    longer == 0 || common(both, y.coarse) * 5 < longer * 3
}

/// Length of the longest common subsequence of two skeletons (bit-parallel, after Hyyrö 2004).
fn common(x: u64, y: u64) -> u32 {
    let mut places = [0_u32; 16];
    let (mut rest, mut bit) = (x, 1_u32);
    while rest != 0 {
        if let Some(mask) = places.get_mut((rest & 15) as usize) {
            *mask |= bit;
        }
        rest >>= 4;
        bit <<= 1;
    }
    let mut row = bit - 1;
    let mut rest = y;
    while rest != 0 {
        let hit = row & places.get((rest & 15) as usize).copied().unwrap_or(0);
        row = (row.wrapping_add(hit)) | (row & !hit);
        rest >>= 4;
    }
    (!row & (bit - 1)).count_ones()
}

/// Turns an alignment into a link when it is good enough.
fn link_of(aligned: Aligned, base: Link) -> Option<Link> {
    if aligned.cap <= 0 {
        return None;
    }
    let (cap, loss) =
        (f32::from(aligned.cap) / tables::SCALE, f32::from(aligned.loss.max(0)) / tables::SCALE);
    let quality = quality(cap, loss);
    (quality >= QUALITY_MIN).then_some(Link { quality, bits: base.rarity * quality, loss, ..base })
}

/// Quality of a reading from what it could give and what it lost, in bits.
fn quality(cap: f32, loss: f32) -> f32 {
    let relative = 1.0 - loss / cap.max(6.0);
    ((relative - QUALITY_ZERO) / (QUALITY_ONE - QUALITY_ZERO)).clamp(0.0, 1.0)
}

/// Compares an initial with the first letters of a name.
fn initial(tables: &Tables, a: (&Name, &Token), b: (&Name, &Token)) -> Option<f32> {
    // One order for (a, b) and (b, a): the initial first, then the shorter, then by letters.
    let key = |side: (&Name, &Token)| (side.1.role != Role::Initial, side.1.len, side.1.script, side.1.hash);
    let (short, long) = if key(a) <= key(b) { (a, b) } else { (b, a) };
    if matches!(long.1.role, Role::Title | Role::Suffix) {
        return None;
    }
    let letters = short.0.symbols_of(short.1).get(..3.min(usize::from(short.1.len)))?;
    let start = usize::from(long.1.start);
    let units =
        [long.0.symbols.get(start).copied().unwrap_or(0), long.0.pairs.get(start).copied().unwrap_or(0)];
    let (low, high) = (short.1.script.min(long.1.script), short.1.script.max(long.1.script));
    let table = tables.bits(low, high);
    let good = units.iter().filter(|unit| **unit != 0).any(|unit| {
        letters.iter().any(|letter| {
            let (x, y) = if short.1.script <= long.1.script { (*letter, *unit) } else { (*unit, *letter) };
            table.get(usize::from(x) * 256 + usize::from(y)).copied().unwrap_or(tables::NEVER) > 4
        })
    });
    good.then_some(0.5)
}

/// Tries two neighbours of the first name as one token of the second.
fn joined(
    tables: &Tables,
    a: (&Name, &[f32; MAX_TOKENS]),
    b: (&Name, &[f32; MAX_TOKENS]),
    mut push: impl FnMut(Link),
) {
    let settled =
        |best: &[f32; MAX_TOKENS], at: usize| best.get(at).copied().unwrap_or(1.0) > QUALITY_SETTLED;
    for (i, (x, next)) in a.0.tokens.iter().zip(a.0.tokens.iter().skip(1)).enumerate() {
        if x.script != next.script
            || (settled(a.1, i) && settled(a.1, i + 1))
            || !joinable(x)
            || !joinable(next)
        {
            continue;
        }
        for (j, y) in b.0.tokens.iter().enumerate() {
            let shorter = usize::from(x.len.max(next.len));
            if settled(b.1, j) || !joinable(y) || (usize::from(y.len) <= shorter && y.script == x.script) {
                continue;
            }
            if apart(x, next, y) {
                continue;
            }
            let rarity = (x.rarity_bits() + next.rarity_bits()).min(y.rarity_bits());
            let aligned = align::align(tables, &Piece::joined(a.0, x, next), &Piece::token(b.0, y));
            let base = Link { a: index(i), b: index(j), a_count: 2, b_count: 1, rarity, ..Link::default() };
            if let Some(link) = link_of(aligned, base).filter(|l| l.quality > 0.5) {
                push(Link { bits: link.bits - 0.5, ..link });
            }
        }
    }
}

fn joinable(token: &Token) -> bool {
    matches!(token.role, Role::Plain | Role::Kunya | Role::Particle | Role::Initial | Role::Patronymic)
        && token.script != Script::Hebrew
        || token.role == Role::Plain
}

/// Pairs of links that cross each other.
pub(crate) fn inversions(links: &[Link]) -> usize {
    let crossing = |x: &Link, y: &Link| (x.a < y.a) != (x.b < y.b);
    links.iter().enumerate().map(|(at, x)| links.iter().skip(at + 1).filter(|y| crossing(x, y)).count()).sum()
}
