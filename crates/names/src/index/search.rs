//! Searching: token by token, then the names that collected most, scored whole.

use std::collections::BTreeMap;

use super::build::{acronyms, joined, records, searchable};
use super::lookup::{Buffers, Found, Postings, Reach, similar};
use super::order::{self, ORDER_FEATURES};
use super::segment::{IndexError, Segment, Source, Stored, Tombstones, kind_code};
use crate::name::{Name, Role, Token};
use crate::population::{self, Frequencies};
use crate::{Band, Kind, Likeness};

/// A segment and the places in it that no longer count.
#[derive(Debug)]
pub struct Part<'a, S> {
    /// The segment.
    pub segment: &'a Segment<S>,
    /// Names that no longer count.
    pub dead: &'a Tombstones,
}

impl<S: Source> Part<'_, S> {
    /// Names that count.
    fn living(&self) -> u32 {
        self.segment.names().saturating_sub(self.dead.len())
    }

    /// Records that count, as nearly as the names that count tell.
    fn living_records(&self) -> u64 {
        let (records, names) = (u64::from(self.segment.records()), u64::from(self.segment.names()));
        (records * u64::from(self.living()) + names / 2).checked_div(names).unwrap_or(0)
    }

    /// Counts only names that are still there, so that names removed and not yet merged away change no answer.
    fn recount(&self, found: &mut Vec<Found>, lists: &[u8]) {
        if self.dead.is_empty() {
            return;
        }
        for one in found.iter_mut() {
            let postings = Postings::new(lists.get(one.from..one.to).unwrap_or_default());
            let living = |at: u32| !self.dead.contains(at);
            one.count =
                records(postings.filter(|at| living(*at)).map(|at| self.segment.part(at, living)).sum());
        }
        found.retain(|one| one.count > 0.0);
    }
}

/// How a search goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchOptions {
    /// Most hits returned.
    pub limit: usize,
    /// Most names of a segment that are compared whole.
    pub candidates: usize,
    /// Hits less probable than this are left out.
    pub probability_min: f32,
}

impl Default for SearchOptions {
    /// Ten hits of one hundred candidates a segment, however improbable.
    fn default() -> Self {
        Self { limit: 10, candidates: 100, probability_min: 0.0 }
    }
}

/// A record one of whose names may be the query.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Id of the record.
    pub id: String,
    /// What is named.
    pub kind: Kind,
    /// What the likeness of the best of its names means among all names that were searched (see
    /// `population`): an agreement that many names of the index show is worth little. Never more than `pair`.
    pub likeness: Likeness,
    /// How alike the two names are by themselves; the same as [`crate::Scorer::score`] gives.
    pub pair: Likeness,
    /// Records that agree with the query as well by chance, as the frequencies of the index let expect.
    pub chance: f32,
    /// The part that holds the name.
    pub part: usize,
    /// The place of the name in that part.
    pub at: u32,
}

/// Memory that searches use again.
#[derive(Debug, Default)]
pub struct Scratch {
    lookup: Buffers,
    walk: Walk,
    block: Vec<u8>,
}

/// What a search found, and whether that is all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchAnswer {
    /// The hits, the best first.
    pub hits: Vec<Hit>,
    /// Records compared, whether they are among the hits or not.
    pub compared: usize,
    /// True when [`SearchOptions::candidates`] left out names of which some may be the query: the last that were
    /// compared still are. Whoever weighs more than names over the hits must allow more candidates, or say so.
    pub cut: bool,
}

/// Finds the records whose names may be the query, the best agreement first; one hit a record. Bodies have an order of
/// their own: what their names share is weighed otherwise there than in the likeness.
///
/// Only names of the query's [`Kind`] are found. Equal searches of equal segments give equal hits.
///
/// # Errors
/// When a segment is damaged or cannot be read.
pub fn search<S: Source>(
    parts: &[Part<'_, S>],
    query: &Name,
    options: SearchOptions,
    scratch: &mut Scratch,
) -> Result<Vec<Hit>, IndexError> {
    search_fully(parts, query, options, scratch).map(|answer| answer.hits)
}

/// As [`search`], and says whether more names may be the query than were compared.
///
/// # Errors
/// When a segment is damaged or cannot be read.
pub fn search_fully<S: Source>(
    parts: &[Part<'_, S>],
    query: &Name,
    options: SearchOptions,
    scratch: &mut Scratch,
) -> Result<SearchAnswer, IndexError> {
    let mut frequencies = Frequencies::new(parts.iter().map(Part::living_records).sum());
    let mut found = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let (places, full) = candidates(part, query, options.candidates, (scratch, &mut frequencies))?;
        let tail = places.len().saturating_sub(if full { TAIL } else { 0 });
        let places = places.into_iter().enumerate();
        found.extend(places.map(|(order, (at, _))| (number, at, full && order >= tail)));
    }
    let mut spellings = Spellings::default();
    // By record: the best of its names, and its place among the hits.
    let mut best: BTreeMap<String, Placed> = BTreeMap::new();
    let mut answer = SearchAnswer::default();
    for (number, at, last) in found {
        let Some(part) = parts.get(number) else { continue };
        let stored = part.segment.stored(at, &mut scratch.block)?;
        let (spelling, pair, place) = spellings.judge(query, stored, &frequencies);
        answer.cut |= last && pair.band >= Band::Weak;
        if best.get(stored.id).is_none_or(|other| other.place < place) {
            let (id, kind) = (stored.id.to_owned(), stored.kind);
            let hit = Hit { id, kind, likeness: pair, pair, chance: 0.0, part: number, at };
            best.insert(hit.id.clone(), Placed { hit, spelling, place });
        }
    }
    let mut hits: Vec<Placed> = best.into_values().collect();
    answer.compared = hits.len();
    hits.sort_by(|x, y| y.place.total_cmp(&x.place).then_with(|| x.hit.id.cmp(&y.hit.id)));
    weigh(query, &mut hits, options, (&mut spellings, &frequencies));
    answer.hits = hits.into_iter().map(|placed| placed.hit).collect();
    answer.hits.retain(|hit| hit.likeness.probability >= options.probability_min);
    answer.hits.truncate(options.limit);
    Ok(answer)
}

/// The last names compared in a segment that say whether those after them could have been the query.
const TAIL: usize = 32;

/// Every spelling that was found, compared once: namesakes are many, their spellings few.
#[derive(Default)]
struct Spellings {
    by_text: BTreeMap<String, usize>,
    judged: Vec<Judged>,
}

struct Judged {
    name: Name,
    pair: Likeness,
    place: f32,
    expected: Option<f32>,
}

impl Spellings {
    /// Returns the number of a spelling, its likeness with the query and what decides its place.
    fn judge(
        &mut self,
        query: &Name,
        stored: Stored<'_>,
        frequencies: &Frequencies,
    ) -> (usize, Likeness, f32) {
        let known = self.by_text.get(stored.text).and_then(|at| Some((*at, self.judged.get(*at)?)));
        if let Some((at, known)) = known {
            return (at, known.pair, known.place);
        }
        let name = Name::parse_as(stored.kind, stored.text);
        let (pair, place) = order::place(query, &name, frequencies);
        let at = self.judged.len();
        self.by_text.insert(stored.text.to_owned(), at);
        self.judged.push(Judged { name, pair, place, expected: None });
        (at, pair, place)
    }

    /// Returns how many names agree by chance as well as a spelling does.
    fn expected(&mut self, query: &Name, at: usize, frequencies: &Frequencies) -> f32 {
        let Some(judged) = self.judged.get_mut(at) else { return 0.0 };
        *judged.expected.get_or_insert_with(|| frequencies.expected(query, &judged.name))
    }
}

/// Returns what the names found for a query have in common with it, as the order of bodies weighs it (for training and
/// study): the id of the record and the features, in the order of [`super::ORDER_NAMES`].
///
/// # Errors
/// When a segment is damaged or cannot be read.
pub fn study<S: Source>(
    part: &Part<'_, S>,
    query: &Name,
    most: usize,
) -> Result<Vec<(String, [f32; ORDER_FEATURES])>, IndexError> {
    let mut frequencies = Frequencies::new(part.living_records());
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    for (at, _) in candidates(part, query, most, (&mut scratch, &mut frequencies))?.0 {
        let stored = part.segment.stored(at, &mut scratch.block)?;
        let name = Name::parse_as(stored.kind, stored.text);
        out.push((stored.id.to_owned(), order::features(query, &name, &frequencies)));
    }
    Ok(out)
}

/// A hit, the spelling that was found, and what decides its place.
struct Placed {
    hit: Hit,
    spelling: usize,
    place: f32,
}

/// Bits within which another record agrees as well.
const AS_WELL: f32 = 0.5;

/// Turns the likeness of pairs into that of hits; more than are shown are not weighed.
fn weigh(
    query: &Name,
    hits: &mut Vec<Placed>,
    options: SearchOptions,
    (spellings, frequencies): (&mut Spellings, &Frequencies),
) {
    let mut bits: Vec<f32> = hits.iter().map(|placed| placed.hit.pair.bits).collect();
    bits.sort_unstable_by(|x, y| y.total_cmp(x));
    hits.truncate(options.limit);
    for Placed { hit, spelling, .. } in hits.iter_mut() {
        let others = bits.partition_point(|other| *other >= hit.pair.bits - AS_WELL).saturating_sub(1);
        #[expect(clippy::cast_precision_loss, reason = "at most some thousand candidates")]
        let others = others as f32;
        hit.chance = spellings.expected(query, *spelling, frequencies) + others;
        hit.likeness = population::among(hit.pair, hit.chance);
    }
}

/// Most tokens of a query, joined readings included; each has a number of its own in the walk.
const MAX_TERMS: u8 = 24;

/// Returns the places that collected the most evidence, best first, with what they collected; and whether others
/// were left out.
fn candidates<S: Source>(
    part: &Part<'_, S>,
    query: &Name,
    most: usize,
    (scratch, frequencies): (&mut Scratch, &mut Frequencies),
) -> Result<(Vec<(u32, i32)>, bool), IndexError> {
    let segment = part.segment;
    let Scratch { lookup, walk, .. } = scratch;
    walk.cursors.clear();
    lookup.lists.clear();
    let joined: Vec<Token> = joined(query, false).map(|(_, token)| token).collect();
    let acronyms: Vec<Name> = acronyms(query).collect();
    let singles = searchable(query).map(|(at, token)| (query, token, Reach::Near, Some(at)));
    let terms = singles.chain(joined.iter().map(|token| (query, token, Reach::Own, None)));
    let short =
        acronyms.iter().flat_map(|name| name.tokens.iter().map(move |token| (name, token, Reach::Own, None)));
    let written = query.translated().map(|(name, token, ..)| (name, token, Reach::Near, None));
    let mut found = Vec::new();
    for (term, (name, token, reach, at)) in (1..=MAX_TERMS).zip(terms.chain(written).chain(short)) {
        found.clear();
        similar(segment, (name, token), reach, lookup, &mut found)?;
        part.recount(&mut found, &lookup.lists);
        for one in found.iter().filter(|_| at.is_some()) {
            frequencies.add(at.unwrap_or(usize::MAX), one.quality, one.count);
        }
        let scale = if reach == Reach::Near { 1.0 } else { 0.8 } * scale(token);
        walk.add(term, &found, part.living_records(), scale);
    }
    Ok(walk.run(part, query.kind(), most, &lookup.lists))
}

/// How much a token of a role counts.
const fn scale(token: &Token) -> f32 {
    match token.role {
        Role::Plain | Role::Number => 1.0,
        Role::Patronymic | Role::Kunya => 0.7,
        Role::Initial | Role::LegalForm | Role::Particle | Role::Suffix | Role::Title => 0.2,
    }
}

/// A list of names on its way.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    term: u8,
    /// Evidence a name collects from it, in eighths of a bit.
    weight: u8,
    /// The rest of the list, in the arena.
    from: usize,
    to: usize,
    next: u32,
}

/// What a name has collected.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    total: u16,
    term: u8,
    weight: u8,
}

/// Names walked at a time: their slots stay in the cache of a core.
const STRETCH: u32 = 1 << 15;

#[derive(Debug, Default)]
struct Walk {
    cursors: Vec<Cursor>,
    slots: Vec<Slot>,
    touched: Vec<u32>,
    best: Vec<(i32, u32)>,
}

impl Walk {
    /// Adds the lists of one query token. What all its readings hold together decides how rare it is.
    fn add(&mut self, term: u8, found: &[Found], records: u64, scale: f32) {
        #[expect(clippy::cast_precision_loss, reason = "counts to 2^24 are exact, beyond nearly")]
        let bits = |count: f32| ((records as f32 + 1.0) / (count + 0.5)).log2() + 1.0;
        let good: f32 = found.iter().filter(|f| f.quality >= 0.8).map(|f| f.count).sum();
        for one in found {
            let rarity = bits(good.max(one.count)).clamp(0.5, 24.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 24 × 8")]
            let weight = (rarity * one.quality * scale * 8.0).clamp(1.0, 200.0) as u8;
            self.cursors.push(Cursor { term, weight, from: one.from, to: one.to, next: 0 });
        }
    }

    fn run<S: Source>(
        &mut self,
        part: &Part<'_, S>,
        kind: Kind,
        most: usize,
        lists: &[u8],
    ) -> (Vec<(u32, i32)>, bool) {
        let weights = &part.segment.weights;
        self.best.clear();
        self.slots.resize(STRETCH as usize, Slot::default());
        self.cursors.iter_mut().for_each(|cursor| cursor.start(lists));
        let (mut floor, mut full) = (i32::MIN, false);
        let mut from = 0;
        while let Some(first) = self.cursors.iter().map(|c| c.next).min().filter(|n| *n != END) {
            from = from.max(first - first % STRETCH);
            self.stretch(from, lists);
            for at in self.touched.drain(..) {
                let Some(slot) = self.slots.get_mut((at - from) as usize) else { continue };
                let total = i32::from(std::mem::take(slot).total);
                let Some(weight) = weights.get(at as usize) else { continue };
                // What the name holds beyond the query speaks against it, a little.
                let beyond = (i32::from(weight & 63) * 12 - total).max(0);
                let value = total * 4 - beyond;
                if weight >> 6 == kind_code(kind) && value >= floor && !part.dead.contains(at) {
                    self.best.push((value, at));
                }
            }
            if self.best.len() > 4 * most.max(64) {
                floor = keep(&mut self.best, most);
                full = true;
            }
            from = from.saturating_add(STRETCH);
        }
        full |= self.best.len() > most;
        keep(&mut self.best, most);
        self.best.sort_unstable_by(|x, y| y.0.cmp(&x.0).then_with(|| x.1.cmp(&y.1)));
        (self.best.iter().map(|(value, at)| (*at, *value)).collect(), full)
    }

    /// Lets every cursor pass over the names of one stretch, token by token.
    fn stretch(&mut self, from: u32, lists: &[u8]) {
        let end = from.saturating_add(STRETCH);
        for cursor in &mut self.cursors {
            while cursor.next < end {
                let at = cursor.next;
                if let Some(slot) = self.slots.get_mut((at - from) as usize) {
                    if slot.total == 0 {
                        self.touched.push(at);
                    }
                    slot.collect(cursor.term, cursor.weight);
                }
                cursor.step(lists);
            }
        }
    }
}

impl Slot {
    /// The best reading of each query token counts once.
    fn collect(&mut self, term: u8, weight: u8) {
        if self.term == term {
            let more = weight.saturating_sub(self.weight);
            self.weight += more;
            self.total = self.total.saturating_add(u16::from(more));
        } else {
            (self.term, self.weight) = (term, weight);
            self.total = self.total.saturating_add(u16::from(weight));
        }
    }
}

/// Stands after the last name of a list.
const END: u32 = u32::MAX;

impl Cursor {
    fn start(&mut self, lists: &[u8]) {
        self.next = 0;
        self.step(lists);
    }

    #[inline]
    fn step(&mut self, lists: &[u8]) {
        let rest = lists.get(self.from..self.to).unwrap_or_default();
        let mut postings = Postings::new(rest);
        let step = postings.next();
        self.from = self.to - postings.left();
        self.next = step.and_then(|step| self.next.checked_add(step)).unwrap_or(END);
    }
}

/// Keeps the best; returns the least value among them when there are more.
fn keep(best: &mut Vec<(i32, u32)>, most: usize) -> i32 {
    if best.len() <= most || most == 0 {
        best.truncate(most);
        return i32::MIN;
    }
    best.select_nth_unstable_by(most - 1, |x, y| y.0.cmp(&x.0).then_with(|| x.1.cmp(&y.1)));
    best.truncate(most);
    best.last().map_or(i32::MIN, |last| last.0)
}
