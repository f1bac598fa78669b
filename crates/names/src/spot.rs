//! Spotting: the names of known records that stand in a text, in any script, in one pass.
//!
//! The text is cut into runs of words that may be names; a run is parsed as a name is, so that its tokens are those
//! the records have. Two tokens near each other ask a table that holds, for every record, its rarest token with one
//! or two others. Only where the table answers are whole names compared.
//!
//! ```
//! use mithaq_names::{index::Record, spot::Spotter};
//! let records = [Record::person("s-1", "Abdelhamid Benachour"), Record::person("s-2", "Nina Orlova")];
//! let spotter = Spotter::new(&records, |id| id != "s-2");
//! let spots = spotter.spot("قال عبد الحميد بن عاشور لنينا أورلوفا إنه مسافر", 0.5);
//! assert_eq!((spots.len(), spots[0].id.as_str()), (1, "s-1"));
//! ```
//!
//! # What it promises
//! - Records outside the allowed ones are not even read into the table: nothing shows of them, not by time either.
//! - Time grows with the length of the text; a pair of words is compared with at most [`COMPARED`] records.
//!
//! # What it deliberately does not do
//! - Cut Chinese and Japanese running text into words: there only names that stand apart are found.
//! - Find a name of which one part stands in a script with capitals and the next in one without (الميناء Haddad).
//! - Find a record by one word: names of a single word (Hamza, Abu Ahmad) would be found on every page.
//! - Find two-word names of which one word lost or changed a consonant.

mod known;
mod runs;
mod sound;
mod table;
mod wanted;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use crate::align::Grid;
use crate::index::Record;
use crate::name::{Name, Role, Token};
use crate::{Kind, Likeness, Scorer, keys, population};
use runs::Run;
use sound::sound;
use table::{Near, Table, pair_key, pair_sound};
use wanted::{Brief, Words};

/// Records that are compared whole for two words of a text.
pub const COMPARED: usize = 6;
/// Records that are looked at for two words of a text.
const LOOKED_AT: usize = 512;
/// Tokens between two that belong to one name, at most.
const REACH: usize = 3;

/// A place of a text that may name a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Spot {
    /// First character.
    pub from: usize,
    /// One past the last character.
    pub to: usize,
    /// Id of the record.
    pub id: String,
    /// How alike the words and the best name of the record are, among all names that are looked for.
    pub likeness: Likeness,
}

/// Finds the names of records in texts.
#[derive(Clone, Debug)]
pub struct Spotter {
    /// By place: the id of the record of every name, and what is known of the name.
    ids: Vec<Box<str>>,
    briefs: Vec<Brief>,
    words: Words,
    table: Table,
}

impl Spotter {
    /// Prepares to find the names of those records whose ids may be revealed. About 150 bytes a name.
    #[must_use]
    pub fn new(records: &[Record], allowed: impl Fn(&str) -> bool) -> Self {
        let (mut names, mut entries, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        let mut words = Words::default();
        for record in records.iter().filter(|record| allowed(&record.id)) {
            let name = Name::parse_as(record.kind, &record.name);
            let number = u32::try_from(names.len()).unwrap_or(u32::MAX);
            let mut tokens: Vec<&Token> = name.tokens().iter().filter(|token| is_key(token)).collect();
            // Words without a consonant (Yahya) say least; they come last.
            tokens.sort_by_key(|token| (token.coarse == 0, Reverse(token.rarity), Reverse(token.len)));
            let [rarest, others @ ..] = tokens.as_slice() else { continue };
            if others.is_empty() {
                continue;
            }
            for other in others.iter().take(2) {
                for a in readings(&name, rarest) {
                    let with = |b: (u64, u32)| (pair_key(a.0, b.0), pair_sound(a, b), number);
                    entries.extend(readings(&name, other).map(with));
                }
            }
            let mut hashes = [0; 4];
            hashes.iter_mut().zip(&tokens).for_each(|(slot, token)| *slot = written(token));
            keys.push(tokens.iter().map(|token| token.fine).collect::<Vec<u64>>());
            names.push((Box::from(record.id.as_str()), words.add(&name, &record.name, number, hashes)));
        }
        let most = weigh(&mut names, &keys);
        let (table, numbers) = Table::new(entries, &most);
        let mut names: Vec<Option<(Box<str>, Brief)>> = names.into_iter().map(Some).collect();
        let by_place = numbers.iter().filter_map(|number| names.get_mut(*number as usize)?.take());
        let (ids, mut briefs): (Vec<_>, Vec<_>) = by_place.unzip();
        words.close(&mut briefs);
        Self { ids, briefs, words, table }
    }

    /// Finds the names in a text: places that reach a probability, in order, each record once at a place.
    #[must_use]
    pub fn spot(&self, text: &str, probability_min: f32) -> Vec<Spot> {
        let mut found = Found {
            list: Vec::new(),
            tried: BTreeMap::new(),
            parsed: Vec::new(),
            sounds: Vec::new(),
            others: Vec::new(),
            likely: Vec::new(),
            name: Name::parse(""),
            grid: Grid::remembering(),
        };
        let mut known = known::Runs::new();
        runs::each(text, |run| {
            if let Some((before, finds)) = known.recall(&run) {
                found.repeat(finds, before, run.from);
            } else {
                let first = found.list.len();
                self.run(&run, probability_min, &mut found);
                known.remember(&run, first..found.list.len());
            }
        });
        found.finish(&self.ids)
    }

    fn run(&self, run: &Run<'_>, least: f32, found: &mut Found) {
        let name = Name::parse(run.text);
        let tokens = name.tokens();
        found.tried.clear();
        found.parsed.clear();
        found.sounds.clear();
        found.sounds.extend(tokens.iter().map(|token| is_key(token).then(|| own(&name, token))));
        found.others.clear();
        let breathed = |(at, token)| Some((at, breathed(&name, token).filter(|_| is_key(token))?));
        found.others.extend(tokens.iter().enumerate().filter_map(breathed));
        for i in 0..tokens.len() {
            for j in (i + 1..tokens.len()).take(REACH) {
                let own = |at: usize| found.sounds.get(at).copied().flatten();
                if let Some((x, y)) = own(i).zip(own(j)) {
                    self.ask((run, &name), ((i, x), (j, y)), least, found);
                }
            }
        }
        self.read_otherwise((run, &name), least, found);
    }

    /// Asks for words that have a second reading, in it and with those near them.
    fn read_otherwise(&self, (run, name): (&Run<'_>, &Name), least: f32, found: &mut Found) {
        for at in 0..found.others.len() {
            let Some((i, x)) = found.others.get(at).copied() else { continue };
            for j in i.saturating_sub(REACH)..(i + REACH + 1).min(found.sounds.len()) {
                let other =
                    found.others.iter().find(|(place, _)| *place == j && j > i).map(|(_, other)| *other);
                let own = found.sounds.get(j).copied().flatten();
                for y in [own, other].into_iter().flatten().filter(|_| i != j) {
                    let ends = if i < j { ((i, x), (j, y)) } else { ((j, y), (i, x)) };
                    self.ask((run, name), ends, least, found);
                }
            }
        }
    }

    /// Asks the table for two words of a run, each with its place and its reading.
    fn ask(
        &self,
        words: (&Run<'_>, &Name),
        ((i, x), (j, y)): ((usize, Reading), (usize, Reading)),
        least: f32,
        found: &mut Found,
    ) {
        let near = self.table.get(pair_key(x.0, y.0), pair_sound(x, y));
        self.verify(words, (i, j), near, least, found);
    }

    fn verify(
        &self,
        (run, whole): (&Run<'_>, &Name),
        pair: (usize, usize),
        names: impl Iterator<Item = Near>,
        least: f32,
        found: &mut Found,
    ) {
        let mut hashes = [0; REACH + 1];
        let tokens = whole.tokens().get(pair.0..).unwrap_or_default();
        hashes.iter_mut().zip(tokens).for_each(|(slot, token)| *slot = written(token));
        let mut likely = std::mem::take(&mut found.likely);
        likely.clear();
        for near in names.take(LOOKED_AT) {
            let Some(brief) = self.briefs.get(near.at as usize).filter(|_| near.most >= least) else {
                continue;
            };
            if found.tried.get(&near.at).is_some_and(|end| *end > pair.0) {
                continue;
            }
            let same = brief.hashes.iter().filter(|hash| **hash != 0 && hashes.contains(hash)).count();
            let rest = usize::from(brief.tokens).saturating_sub(same);
            likely.push((rest, near.apart, brief.number, near.at));
        }
        if likely.len() > COMPARED {
            likely.select_nth_unstable(COMPARED);
            likely.truncate(COMPARED);
        }
        likely.sort_unstable();
        // A name written alike to the letter leaves no room for its near namesakes.
        let most = likely.first().map_or(0, |(rest, ..)| *rest);
        let wanted = likely.iter().filter(|(rest, ..)| most > 0 || *rest == 0);
        self.words.touch(wanted.clone().filter_map(|(.., at)| self.briefs.get(*at as usize)));
        for (.., at) in wanted {
            self.compare((run, whole), pair, *at, least, found);
        }
        found.likely = likely;
    }

    /// Compares a wanted name with the stretches of a run that hold a pair.
    fn compare(
        &self,
        (run, whole): (&Run<'_>, &Name),
        pair: (usize, usize),
        at: u32,
        least: f32,
        found: &mut Found,
    ) {
        let Some(wanted) = self.briefs.get(at as usize) else { return };
        let Found { list, tried, parsed, name, grid, .. } = found;
        self.words.fill(wanted, name);
        let tokens = whole.tokens();
        let mut best: Option<(Likeness, usize, usize, usize)> = None;
        for window in windows(tokens.len(), pair, name.tokens().len()) {
            let Some((from, to)) = place(tokens, window) else { continue };
            let Some(words) = words((run, whole), (from, to), wanted.kind, parsed) else { continue };
            let likeness = Scorer::score_in(words, name, grid);
            let better = |(other, first, end, _): &(Likeness, usize, usize, usize)| {
                (likeness.bits, end - first) > (other.bits, to - from)
            };
            if best.as_ref().is_none_or(better) {
                best = Some((likeness, from, to, window.1));
            }
        }
        let Some((likeness, from, to, last)) = best else { return };
        tried.insert(at, last);
        let likeness = population::among(likeness, wanted.chance);
        if likeness.probability >= least {
            list.push((at, run.from + from, run.from + to, likeness));
        }
    }
}

/// Returns a stretch of a run as a name, parsed once.
fn words<'a>(
    (run, whole): (&Run<'_>, &'a Name),
    place: (usize, usize),
    kind: Kind,
    parsed: &'a mut Vec<((usize, usize), Kind, Name)>,
) -> Option<&'a Name> {
    let known = parsed.iter().position(|(at, of, _)| *at == place && *of == kind);
    let at = match known {
        Some(at) => at,
        None => {
            let slice = run.slice(place.0, place.1)?;
            if kind == whole.kind() && slice.len() == run.text.len() {
                return Some(whole);
            }
            parsed.push((place, kind, Name::parse_as(kind, slice)));
            parsed.len() - 1
        }
    };
    parsed.get(at).map(|(.., name)| name)
}

/// A token as it is written, in 32 bits.
fn written(token: &Token) -> u32 {
    u32::try_from(token.hash >> 32).unwrap_or(0) | 1
}

/// Gives every name the number of records that agree with it by chance: all of them, times the share that each of its
/// words has. Returns for each the most that words can mean with so many by chance, as a probability.
///
/// Records are counted, not names: one with five spellings holds a word once, each spelling a fifth of it.
fn weigh(names: &mut [(Box<str>, Brief)], keys: &[Vec<u64>]) -> Vec<f32> {
    #[expect(clippy::cast_precision_loss, reason = "counts of names; their nearest floats will do")]
    let float = |count: usize| count as f32;
    let mut order: Vec<usize> = (0..names.len()).collect();
    let id = |at: &usize| names.get(*at).map(|(id, _)| id);
    order.sort_unstable_by_key(id);
    let (mut parts, mut records) = (vec![1.0_f32; names.len()], 0_usize);
    for same in order.chunk_by(|x, y| id(x) == id(y)) {
        records += 1;
        for at in same {
            if let Some(part) = parts.get_mut(*at) {
                *part = 1.0 / float(same.len());
            }
        }
    }
    let total = float(records.max(1));
    let mut all: Vec<(u64, f32)> =
        keys.iter().zip(&parts).flat_map(|(keys, part)| keys.iter().map(|fine| (*fine, *part))).collect();
    all.sort_unstable_by_key(|(fine, _)| *fine);
    all.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    let share = |fine: &u64| {
        let found = all.binary_search_by_key(fine, |(other, _)| *other);
        found.ok().and_then(|at| all.get(at)).map_or(0.0, |(_, count)| count / total)
    };
    let mut most = Vec::with_capacity(names.len());
    for ((_, wanted), keys) in names.iter_mut().zip(keys) {
        wanted.chance = total * keys.iter().map(share).product::<f32>();
        most.push(population::most(wanted.chance).probability);
    }
    most
}

/// What was found, by place of name; and which names were tried in this run, up to which token.
struct Found {
    list: Vec<(u32, usize, usize, Likeness)>,
    tried: BTreeMap<u32, usize>,
    /// Stretches of the run, parsed once.
    parsed: Vec<((usize, usize), Kind, Name)>,
    /// Fine skeletons and sounds of the tokens of the run that keys are made of.
    sounds: Vec<Option<Reading>>,
    /// Tokens that may be read otherwise, and how.
    others: Vec<(usize, Reading)>,
    /// Names that may be compared, the likeliest first: words that are written otherwise, sounds apart, number, place.
    likely: Vec<(usize, u32, u32, u32)>,
    /// The wanted name that is compared.
    name: Name,
    grid: Grid,
}

impl Found {
    /// Finds again in a run what was found in an equal one, given by where the two begin.
    fn repeat(&mut self, finds: Range<usize>, before: usize, now: usize) {
        for at in finds {
            let Some((name, from, to, likeness)) = self.list.get(at).copied() else { continue };
            let moved = |place: usize| place.saturating_sub(before).saturating_add(now);
            self.list.push((name, moved(from), moved(to), likeness));
        }
    }

    /// Of places of one record that overlap, keeps the best.
    fn finish(self, ids: &[Box<str>]) -> Vec<Spot> {
        let mut spots: Vec<Spot> = self
            .list
            .into_iter()
            .filter_map(|(at, from, to, likeness)| {
                Some(Spot { from, to, id: ids.get(at as usize)?.to_string(), likeness })
            })
            .collect();
        spots.sort_by(|x, y| {
            let better = y.likeness.bits.total_cmp(&x.likeness.bits);
            x.id.cmp(&y.id).then(better).then_with(|| (x.from, x.to).cmp(&(y.from, y.to)))
        });
        let mut kept: Vec<Spot> = Vec::new();
        // The places of the record that are kept: apart from each other, so that only the neighbours can overlap.
        let mut places: BTreeMap<usize, usize> = BTreeMap::new();
        for spot in spots {
            if kept.last().is_none_or(|last| last.id != spot.id) {
                places.clear();
            }
            let before = places.range(..spot.to).next_back();
            if before.is_none_or(|(_, end)| *end <= spot.from) {
                places.insert(spot.from, spot.to);
                kept.push(spot);
            }
        }
        kept.sort_by(|x, y| (x.from, x.to, &x.id).cmp(&(y.from, y.to, &y.id)));
        kept
    }
}

/// Letters of a word without a consonant that is long enough to be a name.
const VOWELS_MIN: u8 = 3;

/// Tokens that keys are made of.
fn is_key(token: &Token) -> bool {
    matches!(token.role(), Role::Plain | Role::Patronymic | Role::Kunya)
        && (token.coarse != 0 || token.len >= VOWELS_MIN)
}

/// Fine skeleton and sound of a token.
type Reading = (u64, u32);

/// Fine skeleton and sound of a token as it stands.
fn own(name: &Name, token: &Token) -> Reading {
    (token.fine, sound(token.script, keys::read(name, token)))
}

/// Fine skeleton and sound of a token with every Cyrillic х read as h.
fn breathed(name: &Name, token: &Token) -> Option<Reading> {
    let symbols = keys::breathed(token.script, keys::read(name, token))?;
    Some((keys::skeletons(token.script, &symbols).fine, sound(token.script, &symbols)))
}

/// Fine skeletons and sounds a token may have in a text: with and without the particle at its beginning, with х as kh
/// and as h.
fn readings<'a>(name: &'a Name, token: &'a Token) -> impl Iterator<Item = Reading> + use<'a> {
    let other = keys::otherwise(name, token)
        .map(|(skeletons, symbols)| (skeletons.fine, sound(token.script, symbols)));
    [Some(own(name, token)), other, breathed(name, token)].into_iter().flatten()
}

/// Stretches of tokens that hold both of a pair and are as long as the wanted name, or as near as can be.
fn windows(count: usize, pair: (usize, usize), wanted: usize) -> impl Iterator<Item = (usize, usize)> {
    let (low, high) = pair;
    let own = high - low + 1;
    let length = wanted.clamp(own, own + 3).min(count);
    let first = (high + 1).saturating_sub(length);
    let longer = (first..=low.min(count - length)).map(move |from| (from, from + length - 1));
    longer.chain((length > own).then_some((low, high)))
}

/// Characters of a stretch of tokens.
fn place(tokens: &[Token], window: (usize, usize)) -> Option<(usize, usize)> {
    let covered = tokens.get(window.0..=window.1)?;
    let from = covered.iter().map(|token| token.span().0).min()?;
    let to = covered.iter().map(|token| token.span().1).max()?;
    (from < to).then_some((from, to))
}

#[cfg(test)]
mod tests;
