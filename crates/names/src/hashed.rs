//! A table of hashes that is made once and asked often: open addressing, at most half full.
//!
//! What this module deliberately does not do: grow, or take keys that are not well mixed in their low bits without
//! mixing them itself.

/// Values by 64-bit keys.
pub(crate) struct Hashed<V> {
    /// The key plus one, so that zero is "free".
    slots: Vec<(u64, V)>,
    /// Bits of a place.
    bits: u32,
}

impl<V: Copy + Default> Hashed<V> {
    /// Of equal keys the first stays.
    pub(crate) fn new(entries: impl ExactSizeIterator<Item = (u64, V)>) -> Self {
        let bits = (usize::BITS - entries.len().leading_zeros() + 1).max(2);
        let mut out = Self { slots: vec![(0, V::default()); 1 << bits], bits };
        for (key, value) in entries {
            let wanted = key.wrapping_add(1);
            let free = out.probe(key).find(|at| out.slots.get(*at).is_none_or(|s| s.0 == 0 || s.0 == wanted));
            if let Some(slot) = free.and_then(|at| out.slots.get_mut(at)).filter(|slot| slot.0 == 0) {
                *slot = (wanted, value);
            }
        }
        out
    }

    /// Places of a key in the order they are tried.
    fn probe(&self, key: u64) -> impl Iterator<Item = usize> + use<V> {
        let mask = (1_usize << self.bits) - 1;
        let mixed = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - self.bits);
        let start = usize::try_from(mixed).unwrap_or(0);
        (0..=mask).map(move |step| start.wrapping_add(step) & mask)
    }

    /// Returns the value of a key.
    #[inline]
    pub(crate) fn get(&self, key: u64) -> Option<V> {
        let wanted = key.wrapping_add(1);
        for at in self.probe(key) {
            match self.slots.get(at) {
                Some(slot) if slot.0 == wanted && wanted != 0 => return Some(slot.1),
                Some(slot) if slot.0 != 0 => {}
                _ => return None,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_and_no_other() {
        let keys = |n: u32| u64::from(n).wrapping_mul(0x0100_0000_01b3) ^ (u64::from(n) << 55);
        let table = Hashed::new((0..3000_u32).map(|n| (keys(n), n)));
        assert!((0..3000).all(|n| table.get(keys(n)) == Some(n)));
        assert!((3000..9000).all(|n| table.get(keys(n)).is_none()));
        let first = Hashed::new([(7, 1_u8), (7, 2), (0, 3)].into_iter());
        assert_eq!((first.get(7), first.get(0), first.get(u64::MAX)), (Some(1), Some(3), None));
        assert_eq!(Hashed::<u8>::new([].into_iter()).get(5), None);
    }
}
