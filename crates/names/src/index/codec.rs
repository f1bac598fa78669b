//! Small numbers and checksums of the segment format.

/// Appends a number, seven bits a byte, low bits first.
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
}

const fn low_byte(value: u64) -> u8 {
    (value & 0xff) as u8
}

/// Appends a length and the bytes.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads what `put` wrote; `None` when the bytes end early or a number is too long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    #[inline]
    pub(super) fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Some(u64::from(first));
        }
        let mut value = u64::from(first & 0x7f);
        for shift in (7..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn counted(&mut self, most: usize) -> Option<&'a [u8]> {
        let count = usize::try_from(self.number()?).ok().filter(|count| *count <= most)?;
        self.take(count)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }
}

/// The checksum of the format, for tools that write or test segments: folded multiplication over words of eight
/// bytes. It finds damage; it does not stop someone who may write the file.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u32 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |state: u64, word: u64| {
        let product = u128::from(state ^ word).wrapping_mul(u128::from(PRIME) | (1 << 64));
        ((product >> 64) as u64) ^ (product & u128::from(u64::MAX)) as u64
    };
    let mut chunks = bytes.chunks_exact(8);
    let mut state = fold(PRIME, bytes.len() as u64);
    for chunk in chunks.by_ref() {
        let word = chunk.first_chunk::<8>().copied().unwrap_or_default();
        state = fold(state.rotate_left(23), u64::from_le_bytes(word));
    }
    let mut last = [0; 8];
    for (slot, byte) in last.iter_mut().zip(chunks.remainder()) {
        *slot = *byte;
    }
    state = fold(state.rotate_left(23), u64::from_le_bytes(last));
    ((state >> 32) ^ (state & 0xffff_ffff)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), (1 << 62) - 1] {
            let mut out = Vec::new();
            put(&mut out, value);
            let mut bytes = Bytes(&out);
            assert_eq!((bytes.number(), bytes.0.len()), (Some(value), 0));
        }
        assert_eq!(Bytes(&[0x80; 12]).number(), None);
        assert_eq!(Bytes(&[0x80]).number(), None);
        assert_eq!(Bytes(&[5, 1]).counted(4), None);
    }

    #[test]
    fn every_changed_bit_changes_the_checksum() {
        let bytes: Vec<u8> = (0..61).collect();
        let sum = checksum(&bytes);
        for at in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[at / 8] ^= 1 << (at % 8);
            assert_ne!(checksum(&other), sum, "bit {at}");
        }
        assert_ne!(checksum(&[0; 8]), checksum(&[0; 16]));
        assert_ne!(checksum(&[]), checksum(&[0]));
    }
}
