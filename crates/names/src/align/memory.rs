//! Readings that were found before: the words of a text meet the same words of names again and again.
//!
//! A reading is known by everything it depends on, so that what is remembered is what would be found. What this module
//! deliberately does not do: grow; of two readings that share a place the later stays.

use super::{Aligned, Piece};

/// Symbols of a piece that fit; readings of longer ones are not remembered.
const LONGEST: usize = 16;
/// Readings that are remembered, at most.
const PLACES: usize = 4096;

/// Everything that a reading of two pieces depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    a: [u8; LONGEST],
    b: [u8; LONGEST],
    /// Lengths, scripts, what may be left out and what that costs; the share that may be lost.
    rest: [u8; 12],
}

/// A place of the memory: one line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Place(Option<(Key, Option<Aligned>)>);

/// The readings remembered; a memory without places remembers nothing and costs nothing.
#[derive(Debug, Default)]
pub(super) struct Memory(Vec<Place>);

impl Memory {
    pub(super) fn with_places() -> Self {
        Self(vec![Place(None); PLACES])
    }

    /// Returns what the reading of two pieces is known by, when it can be remembered.
    #[inline]
    pub(super) fn key(&self, a: &Piece<'_>, b: &Piece<'_>, share: i32) -> Option<Key> {
        if self.0.is_empty() {
            return None;
        }
        let [low, high, ..] = share.to_le_bytes();
        let ([la, ta, sa, ca], [lb, tb, sb, cb]) = (shape(a)?, shape(b)?);
        let scripts = a.script.index() * 8 + b.script.index();
        let rest = [la, ta, sa, ca, lb, tb, sb, cb, u8::try_from(scripts).ok()?, low, high, 0];
        Some(Key { a: symbols(a)?, b: symbols(b)?, rest })
    }

    /// Returns a reading that was found before.
    #[inline]
    pub(super) fn recall(&self, key: &Key) -> Option<Option<Aligned>> {
        let (known, aligned) = self.0.get(key.place())?.0.as_ref()?;
        (known == key).then_some(*aligned)
    }

    pub(super) fn remember(&mut self, key: Key, aligned: Option<Aligned>) {
        if let Some(slot) = self.0.get_mut(key.place()) {
            *slot = Place(Some((key, aligned)));
        }
    }
}

impl Key {
    fn place(&self) -> usize {
        let halves = |symbols: &[u8; LONGEST]| {
            let whole = u128::from_le_bytes(*symbols);
            let low = u64::try_from(whole & u128::from(u64::MAX)).unwrap_or(0);
            let high = u64::try_from(whole >> 64).unwrap_or(0);
            low ^ high.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        };
        let mixed = halves(&self.a).wrapping_mul(0xbf58_476d_1ce4_e5b9)
            ^ halves(&self.b).wrapping_mul(0x94d0_49bb_1331_11eb).rotate_left(32);
        let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from(mixed >> (64 - PLACES.trailing_zeros())).unwrap_or(0)
    }
}

/// Length, ending, beginning that may be left out and its cost.
fn shape(piece: &Piece<'_>) -> Option<[u8; 4]> {
    let small = |value: usize| u8::try_from(value).ok();
    let cost = u8::try_from(piece.cost).ok()?;
    Some([small(piece.symbols.len())?, small(piece.tail)?, small(piece.skip)?, cost])
}

fn symbols(piece: &Piece<'_>) -> Option<[u8; LONGEST]> {
    let mut out = [0; LONGEST];
    if piece.symbols.len() > LONGEST {
        return None;
    }
    out.iter_mut().zip(piece.symbols).for_each(|(slot, symbol)| *slot = *symbol);
    Some(out)
}
