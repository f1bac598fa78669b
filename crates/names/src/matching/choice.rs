//! Which links are taken.
//!
//! What this module deliberately does not do: find them.

use super::{Link, Matching, Matchings, QUALITY_JOINED};
use crate::monosyllables;
use crate::name::MAX_TOKENS;

/// Links that are kept without allocating; few names have more.
const CANDIDATES: usize = 24;

pub(super) struct Candidates {
    list: [Link; CANDIDATES],
    count: usize,
    /// All of them, once there are more than the list holds.
    more: Vec<Link>,
}

impl Candidates {
    pub(super) const fn new() -> Self {
        const NO_LINK: Link = Link {
            a: 0,
            b: 0,
            a_count: 0,
            b_count: 0,
            quality: 0.0,
            bits: 0.0,
            rarity: 0.0,
            loss: 0.0,
            initial: false,
            written: false,
            apart: false,
        };
        Self { list: [NO_LINK; CANDIDATES], count: 0, more: Vec::new() }
    }

    pub(super) fn push(&mut self, link: Link) {
        if let Some(slot) = self.list.get_mut(self.count) {
            *slot = link;
            self.count += 1;
        } else {
            if self.more.is_empty() {
                self.more.extend_from_slice(&self.list);
            }
            self.more.push(link);
        }
    }

    fn all(&mut self) -> &mut [Link] {
        if self.more.is_empty() {
            self.list.get_mut(..self.count).unwrap_or_default()
        } else {
            &mut self.more
        }
    }

    fn remove(&mut self, at: usize) {
        if self.more.is_empty() {
            let last = self.list.get(self.count.saturating_sub(1)).copied().unwrap_or_default();
            if let Some(slot) = self.list.get_mut(at) {
                *slot = last;
                self.count = self.count.saturating_sub(1);
            }
        } else {
            self.more.swap_remove(at);
        }
    }

    /// Chooses; for two names of so many syllables in their order.
    pub(super) fn matchings(&mut self, syllables: Option<usize>) -> Matchings {
        single(self);
        sort(self);
        let turned = syllables.and_then(|count| turned(self, count));
        let matching = turned.unwrap_or_else(|| choose(self, |link| !link.apart));
        let apart = self.all().iter().any(|link| link.apart);
        (matching, apart.then(|| choose(self, |_| true)))
    }
}

/// Drops joined readings where both words have a good one each, and the two say more.
fn single(found: &mut Candidates) {
    for at in (0..found.all().len()).rev() {
        let all = found.all();
        if all.get(at).is_some_and(|link| link.a_count + link.b_count == 3 && apiece(link, all)) {
            found.remove(at);
        }
    }
}

/// True when the two words of a joined reading stand for one word each, better than both for one.
fn apiece(joined: &Link, all: &[Link]) -> bool {
    let side = |link: &Link| if joined.a_count == 2 { (link.a, link.b) } else { (link.b, link.a) };
    let good =
        |link: &&Link| link.a_count + link.b_count == 2 && !link.apart && link.quality >= QUALITY_JOINED;
    let of = |at: u8| all.iter().filter(good).filter(move |link| side(link).0 == at);
    let first = side(joined).0;
    of(first).any(|x| of(first + 1).any(|y| side(x).1 != side(y).1 && x.bits + y.bits > joined.bits))
}

/// The matching of two names of syllables: in order, the family name at either end. None for other names, and where two
/// orders give as much.
fn turned(found: &mut Candidates, count: usize) -> Option<Matching> {
    let mut all = monosyllables::turns(count)
        .map(|turn| choose(found, |link| !link.apart && monosyllables::keeps(link, turn, count)));
    let bits = |matching: &Matching| matching.links().iter().map(|link| link.bits).sum::<f32>();
    all.sort_by(|x, y| bits(y).total_cmp(&bits(x)));
    let [best, second, _] = all;
    (bits(&best) > bits(&second)).then_some(best)
}

/// Puts the links with the most bits first.
fn sort(found: &mut Candidates) {
    // Ties are broken the same way from both sides: by quality, then by the smaller sum of places.
    found.all().sort_unstable_by(|x, y| {
        y.bits
            .total_cmp(&x.bits)
            .then_with(|| y.quality.total_cmp(&x.quality))
            .then_with(|| x.a.abs_diff(x.b).cmp(&y.a.abs_diff(y.b)))
            .then_with(|| (x.a + x.b).cmp(&(y.a + y.b)))
            .then_with(|| (x.a_count + x.b_count).cmp(&(y.a_count + y.b_count)))
    });
}

/// Takes links in their order, every token once.
fn choose(found: &mut Candidates, takes: impl Fn(&Link) -> bool) -> Matching {
    let mut out = Matching { links: [Link::default(); MAX_TOKENS], count: 0, used_a: 0, used_b: 0 };
    for link in found.all().iter().filter(|link| takes(link)) {
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
