//! The table of a spotter: keys of token pairs, what stands behind them, and a filter that answers "nothing" fast.

use super::sound;

/// Where the names behind a key stand.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Sorted by key.
    entries: Vec<Entry>,
    /// First entry whose key has these top bits.
    starts: Vec<u32>,
    /// Top bits taken.
    bits: u32,
    /// One bit for every key: most pairs of a text end here.
    filter: Vec<u64>,
}

/// A name behind a key.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The low half of the key; the place says the rest.
    key: u32,
    name: u32,
    /// The sounds of both words, in the order of the key.
    sounds: [u32; 2],
    /// The most that words can mean with so many names by chance, as a probability.
    most: f32,
}

/// A name behind a key that sounds alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Near {
    /// Its place.
    pub(super) at: u32,
    /// How many sounds differ.
    pub(super) apart: u32,
    /// The most that words can mean with so many names by chance, as a probability.
    pub(super) most: f32,
}

/// Sounds that may differ: a table of near spellings, not of equal ones.
const APART: u32 = 2;

/// Bits of the filter for each entry, as a power of two.
const FILTER_SHIFT: u32 = 4;

impl Table {
    /// Makes the table of the names behind every key, and gives every name (its number leads to `most`) a place: names
    /// behind one key stand near each other, for they are looked at together. Returns the numbers by place.
    pub(super) fn new(mut entries: Vec<(u64, [u32; 2], u32)>, most: &[f32]) -> (Self, Vec<u32>) {
        entries.sort_unstable();
        entries.dedup();
        let bits = (usize::BITS - entries.len().leading_zeros()).clamp(1, 26);
        let mut starts = vec![0_u32; (1 << bits) + 1];
        for (at, end) in starts.iter_mut().enumerate() {
            let place = entries.partition_point(|entry| (entry.0 >> (64 - bits)) < at as u64);
            *end = u32::try_from(place).unwrap_or(u32::MAX);
        }
        let mut filter = vec![0_u64; 1 << (bits + FILTER_SHIFT).saturating_sub(6)];
        for entry in &entries {
            let (word, bit) = slot(entry.0, filter.len());
            if let Some(word) = filter.get_mut(word) {
                *word |= bit;
            }
        }
        let (mut places, mut numbers) = (vec![u32::MAX; most.len()], Vec::with_capacity(most.len()));
        let mut out = Vec::with_capacity(entries.len());
        for (key, sounds, number) in entries {
            let Some(place) = places.get_mut(number as usize) else { continue };
            if *place == u32::MAX {
                *place = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                numbers.push(number);
            }
            let most = most.get(number as usize).copied().unwrap_or(0.0);
            out.push(Entry { key: low(key), name: *place, sounds, most });
        }
        (Self { entries: out, starts, bits, filter }, numbers)
    }

    /// Returns the names behind a key that sound alike.
    pub(super) fn get(&self, key: u64, sounds: [u32; 2]) -> impl Iterator<Item = Near> + '_ {
        let (word, bit) = slot(key, self.filter.len());
        let there = self.filter.get(word).is_some_and(|word| word & bit != 0);
        let bounds = if there {
            let top = usize::try_from(key >> (64 - self.bits)).unwrap_or(usize::MAX);
            self.starts.get(top).zip(self.starts.get(top.saturating_add(1)))
        } else {
            None
        };
        let (from, to) = bounds.map_or((0, 0), |(from, to)| (*from as usize, *to as usize));
        let entries = self.entries.get(from..to).unwrap_or_default().iter();
        entries.filter(move |entry| entry.key == low(key)).filter_map(move |entry| {
            let [x, y] = entry.sounds;
            let [p, q] = sounds;
            let apart = sound::apart(x, p) + sound::apart(y, q);
            (apart <= APART).then_some(Near { at: entry.name, apart, most: entry.most })
        })
    }
}

fn low(key: u64) -> u32 {
    u32::try_from(key & 0xffff_ffff).unwrap_or(0)
}

fn slot(key: u64, words: usize) -> (usize, u64) {
    let place = mix(key) & (words as u64 * 64 - 1);
    (usize::try_from(place / 64).unwrap_or(0), 1 << (place % 64))
}

/// Key of two tokens by their fine skeletons, in no order.
pub(super) fn pair_key(x: u64, y: u64) -> u64 {
    let (a, b) = (middle(x), middle(y));
    mix(a.min(b) ^ mix(a.max(b).wrapping_add(1)))
}

/// The skeleton keys are made of: between coarse and fine. Labials stay apart from v and f, hushing sounds from s
/// and z, because no convention we know swaps them; what conventions do swap (t and d, k, g and kh) falls together.
fn middle(fine: u64) -> u64 {
    // . p b f v t d k g kh s z sh j l m n r
    const CLASS: [u64; 18] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6, 6, 7, 8, 9, 10];
    let (mut out, mut last, mut rest, mut shift) = (0, 0, fine, 0);
    while rest != 0 {
        let class = CLASS.get((rest & 31) as usize).copied().unwrap_or(0);
        if class != last {
            out |= class << shift;
            shift += 4;
            last = class;
        }
        rest >>= 5;
    }
    out
}

/// The sounds of two words, in the order of their key.
pub(super) fn pair_sound(x: (u64, u32), y: (u64, u32)) -> [u32; 2] {
    if middle(x.0) <= middle(y.0) { [x.1, y.1] } else { [y.1, x.1] }
}

/// A fixed 64-bit mixer (the finaliser of SplitMix64).
pub(super) const fn mix(value: u64) -> u64 {
    let a = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    b ^ (b >> 31)
}
