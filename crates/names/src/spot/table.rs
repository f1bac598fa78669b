//! The table of a spotter: keys of token pairs, what stands behind them, and a filter that answers "nothing" fast.

/// Where the names behind a key stand.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Sorted by key: key, signature, name.
    entries: Vec<(u64, u32, u32)>,
    /// First entry whose key has these top bits.
    starts: Vec<u32>,
    /// Top bits taken.
    bits: u32,
    /// One bit for every key: most pairs of a text end here.
    filter: Vec<u64>,
}

/// Bits of the filter for each entry, as a power of two.
const FILTER_SHIFT: u32 = 4;

impl Table {
    pub(super) fn new(mut entries: Vec<(u64, u32, u32)>) -> Self {
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
        Self { entries, starts, bits, filter }
    }

    /// Returns the names behind a key whose signature is near.
    /// With each goes how many of the six classes of the signature differ.
    pub(super) fn get(&self, key: u64, signature: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let (word, bit) = slot(key, self.filter.len());
        let there = self.filter.get(word).is_some_and(|word| word & bit != 0);
        let top = usize::try_from(key >> (64 - self.bits)).unwrap_or(usize::MAX);
        let bounds = self.starts.get(top).zip(self.starts.get(top.saturating_add(1))).filter(|_| there);
        let (from, to) = bounds.map_or((0, 0), |(from, to)| (*from as usize, *to as usize));
        let same = self.entries.get(from..to).unwrap_or_default().iter().filter(move |entry| entry.0 == key);
        same.map(move |entry| (entry.2, apart(entry.1, signature))).filter(|(_, apart)| *apart <= 2)
    }
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

/// The first three fine classes of both tokens, in the order of the key: fifteen bits each.
pub(super) fn signature(x: u64, y: u64) -> u32 {
    let (a, b) = if middle(x) <= middle(y) { (x, y) } else { (y, x) };
    let first = |fine: u64| u32::try_from(fine & 0x7fff).unwrap_or(0);
    first(a) | (first(b) << 15)
}

/// How many of the six classes of two signatures differ.
fn apart(x: u32, y: u32) -> u32 {
    let differ = |at: u32| u32::from((x >> (5 * at)) & 31 != (y >> (5 * at)) & 31);
    (0..6).map(differ).sum()
}

/// A fixed 64-bit mixer (the finaliser of SplitMix64).
const fn mix(value: u64) -> u64 {
    let a = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    b ^ (b >> 31)
}
