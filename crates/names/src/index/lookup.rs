//! The dictionary of a segment: which of its tokens a query token may be, and how well.
//!
//! Skeletons one class away are visited too; what is found there is sorted by a cheap measure, and only the best is
//! aligned with the learned tables.

use std::borrow::Cow;

use super::build::{read_entry, script_and_role};
use super::codec::Bytes;
use super::segment::{IndexError, Section, Segment, Source};
use crate::align::Grid;
use crate::keys::FineMask;
use crate::matching::{self, CoarseMask};
use crate::name::{Name, Token};
use crate::nicknames::{self, Lines, NO_LINES};
use crate::script::{Script, Symbol};
use crate::tables::{self, Tables};
use crate::{Kind, keys, lexicon, structure, units};

/// Names that hold a token.
#[derive(Clone, Debug)]
pub(super) enum List<'a> {
    /// Beside the token.
    Beside(Cow<'a, [u8]>),
    /// In the section of postings.
    Far {
        /// Byte offset in the section.
        at: u64,
        /// Bytes, checksum included.
        len: u32,
    },
}

impl List<'_> {
    pub(super) fn copied(&self) -> List<'static> {
        match self {
            Self::Beside(bytes) => List::Beside(Cow::Owned(bytes.to_vec())),
            Self::Far { at, len } => List::Far { at: *at, len: *len },
        }
    }
}

/// Places of names from a list, in order; ends where the bytes end or are wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Postings<'a> {
    rest: Bytes<'a>,
    last: u32,
}

impl<'a> Postings<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: Bytes(bytes), last: 0 }
    }

    /// Bytes not read yet.
    pub(super) const fn left(&self) -> usize {
        self.rest.0.len()
    }
}

impl Iterator for Postings<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        self.last = self.last.checked_add(u32::try_from(self.rest.number()?).ok()?)?;
        Some(self.last)
    }
}

/// One token of a group.
pub(super) struct Entry<'a> {
    pub(super) fine: u64,
    /// What the caller made of its fine skeleton.
    pub(super) share: u32,
    pub(super) head: &'a [u8],
    /// Records that hold it.
    pub(super) count: f32,
    pub(super) list: List<'a>,
}

impl<S: Source> Segment<S> {
    /// Calls back with every token of a group whose fine skeleton is wanted, and with what was said of it.
    pub(super) fn group(
        &self,
        at: usize,
        buffer: &mut Vec<u8>,
        mut wanted: impl FnMut(u64) -> Option<u32>,
        mut each: impl FnMut(Entry<'_>),
    ) -> Result<(), IndexError> {
        let mut bytes = Bytes(self.group_bytes(at, buffer)?);
        let damaged = || IndexError::Damaged { section: Section::Tokens, at: at as u64 };
        while !bytes.0.is_empty() {
            let run = bytes.number().zip(bytes.counted(usize::MAX));
            let (fine, run) = run.ok_or_else(damaged)?;
            let Some(share) = wanted(fine) else { continue };
            let mut run = Bytes(run);
            while !run.0.is_empty() {
                let (head, count, list) = read_entry(&mut run).ok_or_else(damaged)?;
                each(Entry { fine, share, head, count, list });
            }
        }
        Ok(())
    }
}

/// A token of the dictionary that a query token may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// How good the reading is, 0–1.
    pub(super) quality: f32,
    /// Records that hold it; one of whose names only some do counts in part.
    pub(super) count: f32,
    /// Its list, in the arena of the lookup.
    pub(super) from: usize,
    pub(super) to: usize,
}

/// A dictionary token that passed the cheap measure.
#[derive(Clone, Copy)]
struct Likely {
    measure: u32,
    /// Its head, in the arena of heads.
    head: (usize, usize),
    count: f32,
    list: Place,
}

#[derive(Clone, Copy)]
enum Place {
    Beside(usize, usize),
    Far(u64, u32),
}

/// Buffers of a lookup, kept between queries.
#[derive(Debug)]
pub(super) struct Buffers {
    buffer: Vec<u8>,
    heads: Vec<u8>,
    /// Lists of names of what was found.
    pub(super) lists: Vec<u8>,
    probes: Vec<u64>,
    other: Name,
    grid: Grid,
}

impl Default for Buffers {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            heads: Vec::new(),
            lists: Vec::new(),
            probes: Vec::new(),
            other: Name::parse(""),
            grid: Grid::new(),
        }
    }
}

/// How far a lookup goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The token's own skeleton.
    Own,
    /// Skeletons one class away too, and those of everyday forms.
    Near,
}

/// Share of the fine skeleton, in thousandths, that a token of the own and of a near skeleton must have in common.
const SHARE_OWN: u32 = 300;
const SHARE_NEAR: u32 = 500;
/// Tokens that are aligned for one query token.
const ALIGNED: usize = 100;
/// Tokens kept for one query token.
const KEPT: usize = 60;
/// Reading below which a token is not kept.
const QUALITY_MIN: f32 = 0.3;

/// Finds the dictionary tokens that a query token may be, best first.
pub(super) fn similar<S: Source>(
    segment: &Segment<S>,
    query: (&Name, &Token),
    reach: Reach,
    buffers: &mut Buffers,
    out: &mut Vec<Found>,
) -> Result<(), IndexError> {
    let tables = tables::tables();
    buffers.other.kind = query.0.kind;
    let start = buffers.lists.len();
    let likely = collect(segment, &Measure::new(query, tables), (query.1, reach), buffers)?;
    let before = out.len();
    let mask = CoarseMask::new(query.1.coarse);
    for one in likely {
        let Some(quality) = compare(tables, (query.0, query.1, &mask), &one, buffers) else { continue };
        if quality >= QUALITY_MIN {
            let (from, to) = fetch(segment, one.list, buffers)?;
            out.push(Found { quality, count: one.count, from, to });
        }
    }
    if out.len() == before {
        buffers.lists.truncate(start);
    }
    let found = out.get_mut(before..).unwrap_or_default();
    found.sort_unstable_by(|x, y| y.quality.total_cmp(&x.quality).then_with(|| x.from.cmp(&y.from)));
    out.truncate(before + KEPT);
    Ok(())
}

/// Collects the tokens that are worth aligning: the best by the cheap measure.
fn collect<S: Source>(
    segment: &Segment<S>,
    measure: &Measure,
    query: (&Token, Reach),
    buffers: &mut Buffers,
) -> Result<Vec<Likely>, IndexError> {
    let Buffers { buffer, heads, lists, probes, .. } = buffers;
    probes.clear();
    heads.clear();
    skeletons(query.0, query.1, probes);
    if let Some((coarse, _)) = &measure.otherwise {
        probes.push(*coarse);
    }
    let (mut likely, mut floor) = (Vec::new(), 1);
    for skeleton in probes {
        let Ok(at) = segment.skeletons.binary_search(skeleton) else { continue };
        let least = if *skeleton == query.0.coarse { SHARE_OWN } else { SHARE_NEAR };
        let wanted =
            |fine| Some(measure.share(fine)).filter(|s| *s >= least || measure.nicknames != NO_LINES);
        segment.group(at, buffer, wanted, |entry| {
            let value = measure.of(entry.head, entry.share);
            if value < floor {
                return;
            }
            let head = (heads.len(), heads.len() + entry.head.len());
            heads.extend_from_slice(entry.head);
            let list = match entry.list {
                List::Beside(bytes) => {
                    let from = lists.len();
                    lists.extend_from_slice(&bytes);
                    Place::Beside(from, lists.len())
                }
                List::Far { at, len } => Place::Far(at, len),
            };
            likely.push(Likely { measure: value, head, count: entry.count, list });
            if likely.len() >= 4 * ALIGNED {
                floor = best(&mut likely);
            }
        })?;
    }
    best(&mut likely);
    Ok(likely)
}

/// Keeps the tokens with the best measure; returns the least of it among them.
fn best(likely: &mut Vec<Likely>) -> u32 {
    if likely.len() > ALIGNED {
        // Equal measures in the order they were found: skeletons are visited in order, tokens stand in order.
        likely.select_nth_unstable_by(ALIGNED - 1, |x, y| {
            y.measure.cmp(&x.measure).then_with(|| x.head.cmp(&y.head))
        });
        likely.truncate(ALIGNED);
    }
    likely.last().map_or(1, |last| last.measure)
}

/// Brings the list of names into the arena.
fn fetch<S: Source>(
    segment: &Segment<S>,
    place: Place,
    buffers: &mut Buffers,
) -> Result<(usize, usize), IndexError> {
    match place {
        Place::Beside(from, to) => Ok((from, to)),
        Place::Far(at, len) => {
            let from = buffers.lists.len();
            segment.postings(at, len, &mut buffers.lists)?;
            Ok((from, buffers.lists.len()))
        }
    }
}

/// Compares a query token with a dictionary token by the learned tables.
fn compare(
    tables: &Tables,
    query: (&Name, &Token, &CoarseMask),
    likely: &Likely,
    buffers: &mut Buffers,
) -> Option<f32> {
    let Buffers { heads, other, grid, .. } = buffers;
    let head = heads.get(likely.head.0..likely.head.1)?;
    let token = restore(head, other)?;
    let link = matching::single(tables, query, (other, &token), grid)?;
    Some(link.quality)
}

/// Makes a token of a head, in a name that holds nothing else.
pub(super) fn restore(head: &[u8], name: &mut Name) -> Option<Token> {
    let (&[first, skip, skip_cost], symbols) = head.split_first_chunk::<3>()?;
    let (script, role) = script_and_role(first)?;
    name.symbols.clear();
    name.symbols.extend_from_slice(symbols);
    let mut token = Token::bare(script, role, symbols.len());
    token.skip = skip.min(token.len.saturating_sub(1));
    token.skip_cost = skip_cost;
    structure::describe(name, &mut token);
    name.tokens.clear();
    name.tokens.push(token);
    units::fill(name);
    name.tokens.first().cloned()
}

/// The cheap measure: letters that may stand for each other, in order, and common consonants.
struct Measure {
    script: Script,
    /// By script: where in the query token stands a letter that a letter of the script may stand for.
    letters: [[u32; 64]; 5],
    count: u32,
    fine: FineMask,
    /// The skeletons when a particle at the beginning is read the other way.
    otherwise: Option<(u64, FineMask)>,
    nicknames: Lines,
    kind: Kind,
}

impl Measure {
    fn new(query: (&Name, &Token), tables: &Tables) -> Self {
        let symbols = query.0.symbols_of(query.1);
        let symbols = symbols.get(usize::from(query.1.skip)..).unwrap_or(symbols);
        let symbols = symbols.get(..32).unwrap_or(symbols);
        let mut letters = [[0; 64]; 5];
        for (script, masks) in Script::ALL.into_iter().zip(&mut letters) {
            for (at, symbol) in symbols.iter().enumerate() {
                let mut others = tables.stands_for(query.1.script, *symbol, script);
                while others != 0 {
                    if let Some(mask) = masks.get_mut(others.trailing_zeros() as usize) {
                        *mask |= 1 << at;
                    }
                    others &= others - 1;
                }
            }
        }
        Self {
            script: query.1.script,
            letters,
            count: u32::try_from(symbols.len()).unwrap_or(32),
            fine: FineMask::new(query.1.fine),
            otherwise: keys::otherwise(query.0, query.1).map(|(s, _)| (s.coarse, FineMask::new(s.fine))),
            nicknames: query.1.nicknames,
            kind: query.0.kind,
        }
    }

    fn share(&self, fine: u64) -> u32 {
        let other = self.otherwise.as_ref().map_or(0, |(_, mask)| mask.share(fine));
        self.fine.share(fine).max(other)
    }

    /// Returns 0 for a token that is not worth aligning.
    fn of(&self, head: &[u8], share: u32) -> u32 {
        let Some((&[first, skip, _], symbols)) = head.split_first_chunk::<3>() else { return 0 };
        let core = symbols.get(usize::from(skip)..).unwrap_or(symbols);
        let Some((script, _)) = script_and_role(first) else { return 0 };
        let Some(letters) = self.letters.get(script.index()) else { return 0 };
        let common = self.common(letters, core);
        let other = u32::try_from(core.len()).unwrap_or(0);
        if script == self.script {
            let measure = 1000 * common / self.count.max(other).max(1);
            return match measure {
                450.. => measure + 1,
                _ if self.shares_line(script, core) => 1000,
                _ => 0,
            };
        }
        // Across scripts one side may leave its vowels out, and two letters may stand for one.
        let letters =
            1000 * common / self.count.min(other).max(1) + 1000 * common / self.count.max(other).max(1);
        letters + share + 1
    }

    /// True for an everyday form, or a near concept, of the query token.
    fn shares_line(&self, script: Script, core: &[Symbol]) -> bool {
        let lines = || structure::lines(self.kind, lexicon::hash(script, core)).1;
        self.nicknames != NO_LINES && nicknames::share(self.nicknames, lines())
    }

    /// Length of the longest common subsequence, letters that may stand for each other taken as equal.
    fn common(&self, letters: &[u32; 64], core: &[Symbol]) -> u32 {
        let all = if self.count >= 32 { u32::MAX } else { (1 << self.count) - 1 };
        let mut row = all;
        for symbol in core {
            let hit = row & letters.get(usize::from(*symbol)).copied().unwrap_or(0);
            row = row.wrapping_add(hit) | (row & !hit);
        }
        (!row & all).count_ones()
    }
}

/// Skeletons to visit for a token, in order, each once.
fn skeletons(token: &Token, reach: Reach, out: &mut Vec<u64>) {
    out.push(token.coarse);
    if reach == Reach::Near {
        let mut bases = vec![token.coarse];
        if token.script == Script::Syllabic {
            syllabic(token.coarse, &mut bases);
        }
        for base in bases {
            near(base, out);
        }
        out.extend(nicknames::skeletons(token.nicknames));
    }
    out.sort_unstable();
    out.dedup();
}

/// Classes of a coarse skeleton.
const CLASSES: u64 = 8;
/// Most classes of a skeleton (see `keys`).
const LONGEST: u32 = 14;
const CLASS_L: u64 = 5;
const CLASS_R: u64 = 8;
/// Most readings of a syllabic skeleton.
const READINGS: usize = 24;

/// Syllables write l as r and lose r at the end of a syllable: adds the other readings.
fn syllabic(coarse: u64, bases: &mut Vec<u64>) {
    let count = length(coarse);
    for at in 0..count {
        if (coarse >> (4 * at)) & 15 == CLASS_R {
            for base in bases.clone() {
                let changed = (base & !(15 << (4 * at))) | (CLASS_L << (4 * at));
                if bases.len() < READINGS / 2 {
                    bases.push(collapse(changed));
                }
            }
        }
    }
    for base in bases.clone() {
        for at in 1..=length(base) {
            if bases.len() < READINGS && length(base) < LONGEST {
                bases.push(collapse(insert(base, at, CLASS_R)));
            }
        }
    }
}

/// Adds every skeleton one class away.
fn near(coarse: u64, out: &mut Vec<u64>) {
    let count = length(coarse);
    out.push(coarse);
    for at in 0..count {
        if count >= 2 {
            out.push(collapse(remove(coarse, at)));
        }
        for class in 1..=CLASSES {
            if count >= 2 {
                out.push(collapse((coarse & !(15 << (4 * at))) | (class << (4 * at))));
            }
        }
    }
    if count < LONGEST {
        for at in 0..=count {
            for class in 1..=CLASSES {
                out.push(collapse(insert(coarse, at, class)));
            }
        }
    }
}

const fn length(coarse: u64) -> u32 {
    (64 - coarse.leading_zeros()).div_ceil(4)
}

const fn remove(coarse: u64, at: u32) -> u64 {
    let low = coarse & ((1 << (4 * at)) - 1);
    low | ((coarse >> (4 * (at + 1))) << (4 * at))
}

const fn insert(coarse: u64, at: u32, class: u64) -> u64 {
    let low = coarse & ((1 << (4 * at)) - 1);
    low | (class << (4 * at)) | ((coarse >> (4 * at)) << (4 * (at + 1)))
}

/// Joins equal neighbours, as skeletons are cut.
fn collapse(coarse: u64) -> u64 {
    let (mut out, mut count, mut last, mut rest) = (0, 0, 0, coarse);
    while rest != 0 {
        let class = rest & 15;
        if class != last {
            out |= class << (4 * count);
            count += 1;
            last = class;
        }
        rest >>= 4;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skeletons_one_class_away_are_visited() {
        let mut out = Vec::new();
        near(0x321, &mut out);
        for expected in [0x321, 0x21, 0x31, 0x32, 0x521, 0x3218, 0x3281, 0x8321] {
            assert!(out.contains(&expected), "{expected:x}");
        }
        assert!(out.iter().all(|skeleton| collapse(*skeleton) == *skeleton));
    }

    #[test]
    fn syllables_are_read_with_l_and_with_a_lost_r() {
        let mut bases = vec![0x83];
        syllabic(0x83, &mut bases);
        assert!(bases.contains(&0x53), "l for r");
        assert!(
            bases.contains(&0x838_u64.swap_bytes().swap_bytes()) || bases.contains(&0x883) || bases.len() > 2
        );
    }

    #[test]
    fn a_token_comes_back_from_its_head() {
        let name = Name::parse("al-Hassan");
        let token = &name.tokens[0];
        let mut head = Vec::new();
        super::super::build::head_of(token, &name, &mut head);
        let mut other = Name::parse("");
        let restored = restore(&head, &mut other).unwrap();
        assert_eq!(
            (restored.coarse, restored.hash, restored.rarity),
            (token.coarse, token.hash, token.rarity)
        );
        assert_eq!(restored.skip, token.skip);
    }
}
