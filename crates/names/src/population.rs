//! What a likeness means among many: the base rate of a search.
//!
//! [`crate::Scorer::score`] is calibrated on pairs of which one in four is true. A search compares the query with
//! every name of an index and shows the best, so that the same agreement comes about by chance the more often the more
//! names there are and the more common its words are. Fellegi and Sunter (A theory for record linkage, JASA 64, 1969,
//! equations 1–3) weigh an agreement by how often strangers show it, and Newcombe et al. (Science 130, 1959) take that
//! frequency for each value from the file itself: a shared Mohamed is worth less than a shared rare name.
//!
//! For a hit, `p(t)` is the share of records of the index, the hit left out, that hold a word which reads as the query's
//! word `t` as well as the hit's word does, and
//!
//! ```text
//! chance = N · Π p(t)  +  other records of this search that agree as well
//! bits   = one + pair · (bits of the pair) + chance · log2(chance + FLOOR)
//! ```
//!
//! is the log-odds that the hit is the one who is sought, when every second search asks for somebody who is there.
//! The product takes the words of a name as independent, which they are not quite; therefore the three weights are
//! fitted, by `mithaq-names-train --search`, on searches with and without the person in the index, and the second term
//! counts the namesakes that are really there. By theory the last weight is -1.
//!
//! Records are counted, not names: spellings of one person are no strangers to each other. The hit itself is no stranger
//! either: a word that it alone holds says most, and of how many it is the first is not known ([`UNSEEN`]).
//!
//! What this module deliberately does not do: change the comparison of two names.

use std::sync::LazyLock;

use crate::matching::Link;
use crate::name::{MAX_TOKENS, Name};
use crate::score::{Likeness, SecondIdentifier, likeness};

/// Agreements by chance that are counted with whatever the index says: errors no frequency knows of.
const FLOOR: f32 = 0.05;

/// Bits that the comparison of two names gives at most.
const MOST_BITS: f32 = 12.0;

/// Weights of the log-odds, in the order of the committed table.
static WEIGHTS: LazyLock<[f32; 3]> = LazyLock::new(|| {
    let read = |name: &str| {
        let lines = include_str!("../tables/population.txt").lines();
        let found = lines.filter_map(|line| line.split_once(' ')).find(|(key, _)| *key == name);
        found.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0.0)
    };
    POPULATION_NAMES.map(read)
});

/// Names of the weights of a population, in order.
pub const POPULATION_NAMES: [&str; 3] = ["one", "pair", "chance"];

/// What the weights of a population weigh, in the order of [`POPULATION_NAMES`] (for training and study).
#[must_use]
pub fn population_features(pair_bits: f32, chance: f32) -> [f32; 3] {
    [1.0, pair_bits, (chance.max(0.0) + FLOOR).log2()]
}

/// Returns the likeness of a hit among many names from that of the pair and the agreements expected by chance.
/// Never more than the pair alone gives.
pub(crate) fn among(pair: Likeness, chance: f32) -> Likeness {
    let features = population_features(pair.bits, chance);
    let bits: f32 = features.iter().zip(WEIGHTS.iter()).map(|(f, w)| f * w).sum();
    likeness(bits.clamp(-20.0, 20.0).min(pair.bits), SecondIdentifier::Absent)
}

/// The most that any agreement can mean with so many by chance.
pub(crate) fn most(chance: f32) -> Likeness {
    among(likeness(MOST_BITS, SecondIdentifier::Absent), chance)
}

/// Records that hold a word of which only one is known: somewhere between none and one (Krichevsky and Trofimov).
const UNSEEN: f32 = 0.5;

/// How many records of an index hold a word that reads as a word of the query, by quality of the reading.
#[derive(Clone, Debug)]
pub(crate) struct Frequencies {
    records: f32,
    /// By token of the query, by twentieth of quality: records with a reading of that quality.
    counts: [[f32; STEPS]; MAX_TOKENS],
}

const STEPS: usize = 21;
/// Step from which on a reading is the word itself.
const GOOD: usize = 16;

impl Default for Frequencies {
    fn default() -> Self {
        Self { records: 0.0, counts: [[0.0; STEPS]; MAX_TOKENS] }
    }
}

impl Frequencies {
    pub(crate) fn new(records: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a count of records; its nearest float will do")]
        Self { records: records as f32, ..Self::default() }
    }

    /// Counts records that hold a reading of a query token.
    pub(crate) fn add(&mut self, token: usize, quality: f32, records: f32) {
        if let Some(slot) = self.counts.get_mut(token).and_then(|row| row.get_mut(step(quality))) {
            *slot += records;
        }
    }

    /// Share of other records that hold a reading of a query token about as good, in bits (0 and less).
    fn share(&self, token: usize, quality: f32, rarity: f32) -> f32 {
        // One step less: qualities of one word in two spellings differ a little.
        let from = step(quality).saturating_sub(1);
        let count: f32 = self.counts.get(token).map_or(0.0, |row| row.iter().skip(from).sum());
        // What the lookup did not reach is taken from the built-in table.
        let others = (count - 1.0).max(UNSEEN);
        let known = if count > 0.0 { (others / self.records.max(1.0)).min(1.0).log2() } else { -rarity };
        known.max(-((self.records + 1.0) / UNSEEN).log2()).min(0.0)
    }

    /// Other records that agree with the query by chance as well as this one does.
    pub(crate) fn expected(&self, query: &Name, name: &Name) -> f32 {
        let matching = crate::matching::matching(query, name);
        let bits: f32 = matching.links().iter().map(|link| self.of_link(link)).sum();
        (self.records.max(1.0).log2() + bits).clamp(-20.0, 30.0).exp2()
    }

    /// Share of records that agree with the words of a link as well, in bits (0 and less).
    pub(crate) fn of_link(&self, link: &Link) -> f32 {
        let taken = usize::from(link.a)..usize::from(link.a) + usize::from(link.a_count);
        // Two words read as one: as rare as the rarer of them.
        taken.map(|token| self.share(token, link.quality, link.rarity)).fold(0.0, f32::min)
    }

    /// How rare a token of the query is in the index, in bits; a word the index does not hold is as rare as can be.
    pub(crate) fn rarity(&self, token: usize) -> f32 {
        let count: f32 = self.counts.get(token).map_or(0.0, |row| row.iter().skip(GOOD).sum());
        ((self.records + 1.0) / (count + 0.5)).log2().max(0.0)
    }
}

fn step(quality: f32) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=20")]
    let step = (quality.clamp(0.0, 1.0) * 20.0) as usize;
    step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Band, Scorer};

    fn pair() -> Likeness {
        Scorer::new().score(&Name::parse("Zubayda Rahmani"), &Name::parse("Zubayda Rahmani"))
    }

    #[test]
    fn more_namesakes_mean_less_and_never_more_than_the_pair() {
        let chances = [0.0, 0.01, 0.1, 1.0, 10.0, 1000.0];
        let bits: Vec<f32> = chances.iter().map(|chance| among(pair(), *chance).bits).collect();
        assert!(bits.windows(2).all(|two| two[0] >= two[1]), "{bits:?}");
        assert!(bits.iter().all(|bits| *bits <= pair().bits), "{bits:?}");
        assert_eq!(among(pair(), 0.0).band, Band::Possible);
        assert!(among(pair(), 100.0).band < Band::Possible, "one of a hundred namesakes");
    }

    #[test]
    fn common_words_are_expected_by_chance() {
        let mut frequencies = Frequencies::new(1_000_000);
        let query = Name::parse("Mohamed Benali");
        frequencies.add(0, 1.0, 100_000.0);
        frequencies.add(1, 1.0, 5_000.0);
        frequencies.add(1, 0.4, 90_000.0);
        let expected = frequencies.expected(&query, &query);
        assert!((400.0..600.0).contains(&expected), "{expected}");
        let apart = frequencies.expected(&query, &Name::parse("Nina Orlova"));
        assert!(apart > 900_000.0, "nothing agrees: {apart}");
    }
}
