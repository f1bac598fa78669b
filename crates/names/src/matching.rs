//! Which token of one name stands for which of the other.
//!
//! Works on fixed arrays, allocates nothing. What this module deliberately does not do: turn the matching into a
//! probability (see `score`).

use crate::align::{self, Aligned, Grid, Piece};
use crate::distinct;
use crate::monosyllables;
use crate::name::{Kind, MAX_TOKENS, Name, Role, Token};
use crate::nicknames;
use crate::script::{Script, Symbol};
use crate::tables::{self, Tables};

mod bodies;
mod choice;

use choice::Candidates;

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
    /// Evidence in bits: rarity times quality, less where the quality is poor.
    pub(crate) bits: f32,
    /// Rarity of the rarer reading in bits.
    pub(crate) rarity: f32,
    /// Loss of the alignment in bits.
    pub(crate) loss: f32,
    /// One side is an initial.
    pub(crate) initial: bool,
    /// The words are compared as they are written, not as those of the concepts they were read as.
    pub(crate) written: bool,
    /// They are alike and two names; such a link is taken only where one asks what the names would be otherwise.
    pub(crate) apart: bool,
}

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

/// What a loss is measured against at least, in bits.
const CAP_MIN: f32 = align::CAP_MIN as f32 / tables::SCALE;
/// Quality below which two tokens are strangers.
const QUALITY_MIN: f32 = 0.15;
/// Share of the possible bits at which a reading is no better than chance, and at which it is perfect.
const QUALITY_ZERO: f32 = -0.4;
const QUALITY_ONE: f32 = 0.7;
/// Quality below which a reading says less than its share: strangers are read so often enough.
const QUALITY_SURE: f32 = 0.55;
/// Quality of a name and its everyday form.
const QUALITY_NICKNAME: f32 = 0.7;
/// Quality of two names of one place.
const QUALITY_EXONYM: f32 = 0.95;
/// Most two different writings in one syllabic script can have.
const QUALITY_HOMOPHONE: f32 = 0.5;
/// Least quality of two patronymics.
const QUALITY_FATHER: f32 = 0.6;
/// Quality of a name and its beginning.
const QUALITY_SHORTENED: f32 = 0.55;
/// Above this no joined reading is tried.
const QUALITY_SETTLED: f32 = 0.85;

/// Share of what the letters could give, in thousandths, that a reading of a quality may lose.
const fn share(quality: f32) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1400")]
    let share = ((1.0 - QUALITY_ZERO - quality * (QUALITY_ONE - QUALITY_ZERO)) * 1000.0) as i32;
    share + 1
}

/// Least quality of a joined reading.
const QUALITY_JOINED: f32 = 0.5;

/// Matches the tokens of two names: best link first, joined readings where single ones fail.
///
/// Tokens that are equal and equally rare stand for each other whatever else there is: no other link of theirs can
/// weigh more, so that none is looked for.
pub(crate) fn matching(a: &Name, b: &Name) -> Matching {
    matchings(a, b, &mut Grid::new()).0
}

/// The matching of two names, and the one they would have if alike words that are two names were one; none where there
/// are no such words.
pub(crate) type Matchings = (Matching, Option<Matching>);

/// Both matchings, in memory that may remember readings of words.
pub(crate) fn matchings(a: &Name, b: &Name, grid: &mut Grid) -> Matchings {
    let tables = tables::tables();
    let mut found = Candidates::new();
    let (mut best_a, mut best_b) = ([0.0_f32; MAX_TOKENS], [0.0_f32; MAX_TOKENS]);
    let (mut settled_a, mut settled_b) = (0_u32, 0_u32);
    let syllables = monosyllables::both(a, b);
    for (i, x) in a.tokens.iter().enumerate() {
        for (j, y) in b.tokens.iter().enumerate().filter(|(_, y)| equal(x, y)) {
            found.push(Link { a: index(i), b: index(j), ..equals(x, y) });
            raise(&mut best_a, i, 1.0);
            raise(&mut best_b, j, 1.0);
            // Two equal syllables may be two of a name: their order says which.
            if x.rarity == y.rarity && !syllables {
                settled_a |= 1 << i;
                settled_b |= 1 << j;
            }
        }
    }
    for (i, x) in a.tokens.iter().enumerate().filter(|(i, _)| settled_a & (1 << i) == 0) {
        let mask = CoarseMask::new(x.coarse);
        for (j, y) in b.tokens.iter().enumerate().filter(|(j, _)| settled_b & (1 << j) == 0) {
            if equal(x, y) {
                continue;
            }
            let Some(link) = unequal(tables, (a, x, &mask), (b, y), grid) else { continue };
            if !link.apart {
                raise(&mut best_a, i, link.quality);
                raise(&mut best_b, j, link.quality);
            }
            found.push(Link { a: index(i), b: index(j), ..link });
        }
    }
    joined((tables, &mut *grid), (a, &best_a), (b, &best_b), |link| found.push(link));
    joined((tables, &mut *grid), (b, &best_b), (a, &best_a), |link| {
        found.push(Link { a: link.b, b: link.a, a_count: link.b_count, b_count: link.a_count, ..link });
    });
    if a.kind == Kind::Organisation {
        bodies::links((tables, &mut *grid), a, b, |link| found.push(link));
    }
    found.matchings(syllables.then_some(a.tokens.len()))
}

fn index(at: usize) -> u8 {
    u8::try_from(at).unwrap_or(u8::MAX)
}

fn raise(best: &mut [f32; MAX_TOKENS], at: usize, quality: f32) {
    if let Some(slot) = best.get_mut(at) {
        *slot = slot.max(quality);
    }
}

fn equal(x: &Token, y: &Token) -> bool {
    x.hash == y.hash && x.len == y.len
}

fn base(x: &Token, y: &Token) -> Link {
    Link { a_count: 1, b_count: 1, rarity: x.rarity_bits().min(y.rarity_bits()), ..Link::default() }
}

fn equals(x: &Token, y: &Token) -> Link {
    let base = base(x, y);
    let initial = x.role == Role::Initial || y.role == Role::Initial;
    Link { quality: 1.0, bits: base.rarity, initial, ..base }
}

/// Links two single tokens, or nothing when they are strangers.
pub(crate) fn single(
    tables: &Tables,
    a: (&Name, &Token, &CoarseMask),
    b: (&Name, &Token),
    grid: &mut Grid,
) -> Option<Link> {
    if equal(a.1, b.1) {
        Some(equals(a.1, b.1))
    } else {
        unequal(tables, a, b, grid).filter(|link| !link.apart)
    }
}

/// Links two tokens that are written differently.
fn unequal(
    tables: &Tables,
    a: (&Name, &Token, &CoarseMask),
    b: (&Name, &Token),
    grid: &mut Grid,
) -> Option<Link> {
    let (a, mask, x, y) = ((a.0, a.1), a.2, a.1, b.1);
    let suffixes = x.role == Role::Suffix && y.role == Role::Suffix;
    if x.role == Role::Number
        || y.role == Role::Number
        || (suffixes && !nicknames::share(x.nicknames, y.nicknames))
    {
        return None;
    }
    let base = base(x, y);
    let rarity = base.rarity;
    if (x.role == Role::Initial) != (y.role == Role::Initial) || (x.len == 1 && y.len == 1) {
        let aligned = initial(tables, a, b)?;
        return Some(Link { quality: aligned, bits: rarity * aligned, initial: true, ..base });
    }
    let quality = if nicknames::share(x.nicknames, y.nicknames) {
        if a.0.kind == Kind::Place { QUALITY_EXONYM } else { QUALITY_NICKNAME }
    } else if shortened(a, b) {
        QUALITY_SHORTENED
    } else {
        0.0
    };
    let strange = strangers(x, mask, y);
    let apart = (!strange || quality > 0.0) && distinct::apart(a, b);
    let base = Link { apart, ..base };
    let link = if strange {
        None
    } else {
        let (pa, pb) = (Piece::token(a.0, x), Piece::token(b.0, y));
        align::align(tables, &pa, &pb, const { share(QUALITY_MIN) }, grid)
            .and_then(|found| link_of(found, base))
    };
    // All sons share their ending: what is left of two patronymics must be alike.
    let fathers = x.role == Role::Patronymic && y.role == Role::Patronymic;
    let link = link.filter(|link| !fathers || link.quality >= QUALITY_FATHER);
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
    let (x, y) = (a.0.symbols_of(a.1), b.0.symbols_of(b.1));
    let alike = x.len().min(y.len()) >= 3 && x.first() == y.first();
    alike && a.1.script == b.1.script && (begins(x, y) || begins(y, x))
}

/// True when one word begins with the other, doubled consonants taken as one (Nassir, Nasiruddin). Which of the two is
/// the longer as written says nothing, so both ways are asked.
fn begins(long: &[Symbol], short: &[Symbol]) -> bool {
    let same = |x: &Symbol, y: &Symbol| x == y && !matches!(x, 1 | 5 | 9 | 15 | 21);
    let mut rest = long.chunk_by(same).map(<[Symbol]>::first);
    let enough = || short.chunk_by(same).nth(2).is_some();
    long.starts_with(short) || (enough() && short.chunk_by(same).all(|run| rest.next() == Some(run.first())))
}

/// A cheap test that two tokens cannot be one: their coarse skeletons share too little, in order.
fn strangers(x: &Token, mask: &CoarseMask, y: &Token) -> bool {
    let longer = length(x.coarse).max(length(y.coarse));
    // Syllables insert vowels, drop r and know no l: their skeletons prove nothing.
    if (x.script == Script::Syllabic) != (y.script == Script::Syllabic) {
        return false;
    }
    longer >= 3 && mask.common(y.coarse) * 3 < longer
}

/// Classes of a coarse skeleton.
const fn length(coarse: u64) -> u32 {
    (64 - coarse.leading_zeros()).div_ceil(4)
}

/// A coarse skeleton prepared to be compared with many.
pub(crate) struct CoarseMask {
    /// Per class, the places it stands at.
    places: [u32; 16],
    all: u32,
}

impl CoarseMask {
    pub(crate) fn new(coarse: u64) -> Self {
        let mut places = [0_u32; 16];
        let (mut rest, mut bit) = (coarse, 1_u32);
        while rest != 0 {
            if let Some(mask) = places.get_mut((rest & 15) as usize) {
                *mask |= bit;
            }
            rest >>= 4;
            bit <<= 1;
        }
        Self { places, all: bit - 1 }
    }

    /// Length of the longest common subsequence with another skeleton (bit-parallel, after Hyyrö 2004).
    fn common(&self, coarse: u64) -> u32 {
        let (mut row, mut rest) = (self.all, coarse);
        while rest != 0 {
            let hit = row & self.places.get((rest & 15) as usize).copied().unwrap_or(0);
            row = (row.wrapping_add(hit)) | (row & !hit);
            rest >>= 4;
        }
        (!row & self.all).count_ones()
    }
}

/// Turns an alignment into a link when it is good enough.
fn link_of(aligned: Aligned, base: Link) -> Option<Link> {
    let (cap, loss) =
        (f32::from(aligned.cap) / tables::SCALE, f32::from(aligned.loss.max(0)) / tables::SCALE);
    let quality = quality(cap, loss);
    let bits = base.rarity * quality * (quality / QUALITY_SURE).min(1.0);
    (quality >= QUALITY_MIN).then_some(Link { quality, bits, loss, ..base })
}

/// Quality of a reading from what it could give and what it lost, in bits.
fn quality(cap: f32, loss: f32) -> f32 {
    let relative = 1.0 - loss / cap.max(CAP_MIN);
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
    let [_, one, two, _] = long.0.units.get(start).copied()?;
    let (low, high) = (short.1.script.min(long.1.script), short.1.script.max(long.1.script));
    let table = tables.bits(low, high);
    let good = [one, two].into_iter().filter(|unit| *unit != align::NO_UNIT).any(|unit| {
        letters.iter().any(|letter| {
            let (x, y) = if short.1.script <= long.1.script { (*letter, unit) } else { (unit, *letter) };
            table.get(usize::from(x) * 256 + usize::from(y)).copied().unwrap_or(tables::NEVER) > 4
        })
    });
    good.then_some(0.5)
}

/// Tries two neighbours of the first name as one token of the second.
fn joined(
    (tables, grid): (&Tables, &mut Grid),
    a: (&Name, &[f32; MAX_TOKENS]),
    b: (&Name, &[f32; MAX_TOKENS]),
    mut push: impl FnMut(Link),
) {
    let settled =
        |best: &[f32; MAX_TOKENS], at: usize| best.get(at).copied().unwrap_or(1.0) > QUALITY_SETTLED;
    let open = |at: usize, token: &Token| !settled(b.1, at) && joinable(token);
    if !b.0.tokens.iter().enumerate().any(|(j, y)| open(j, y)) {
        return;
    }
    for (i, (x, next)) in a.0.tokens.iter().zip(a.0.tokens.iter().skip(1)).enumerate() {
        let first = length(x.coarse);
        if x.script != next.script
            || (settled(a.1, i) && settled(a.1, i + 1))
            || !joinable(x)
            || !joinable(next)
            || first + length(next.coarse) > 15
        {
            continue;
        }
        // A joined reading must be a good one: three fifths of the skeleton in common.
        let both = x.coarse | (next.coarse << (4 * first));
        let (mask, shorter) = (CoarseMask::new(both), x.len.max(next.len));
        for (j, y) in b.0.tokens.iter().enumerate().filter(|(j, y)| open(*j, y)) {
            let longer = length(both).max(length(y.coarse));
            if (y.len <= shorter && y.script == x.script)
                || mask.common(y.coarse) * 5 < longer * 3
                || longer == 0
            {
                continue;
            }
            let rarity = (x.rarity_bits() + next.rarity_bits()).min(y.rarity_bits());
            let (pa, pb) = (Piece::joined(a.0, x, next), Piece::token(b.0, y));
            let aligned = align::align(tables, &pa, &pb, const { share(QUALITY_JOINED) }, grid);
            let base = Link { a: index(i), b: index(j), a_count: 2, b_count: 1, rarity, ..Link::default() };
            if let Some(link) =
                aligned.and_then(|found| link_of(found, base)).filter(|l| l.quality > QUALITY_JOINED)
            {
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
