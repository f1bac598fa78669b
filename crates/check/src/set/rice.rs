//! Rising numbers in Golomb–Rice code: the difference to the number before, its upper part in unary, its lowest
//! [`LOW`] bits as they are. With numbers spread evenly over `count * 2^LOW` that is about `LOW + 1.5` bits each.

use thiserror::Error;

/// Bits of a number that are written as they are; also the exponent of the rate of chance hits.
pub(crate) const LOW: u32 = 40;

/// Why bytes are no such list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FilterError {
    /// The bytes end within a number.
    #[error("the filter ends early")]
    Truncated,
    /// There is more after the last number than the bits that fill its byte, or they are not zero.
    #[error("the filter has bits after its end")]
    Trailing,
    /// A number beyond the range.
    #[error("the filter holds a tag out of range")]
    Range,
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits not yet written, the oldest highest among `held`.
    word: u64,
    held: u32,
}

impl Bits {
    fn push(&mut self, value: u64, count: u32) {
        // At most 40 bits are pushed onto at most 7 held ones.
        self.word = (self.word << count) | value;
        self.held += count;
        while self.held >= 8 {
            self.held -= 8;
            self.bytes.push(u8::try_from((self.word >> self.held) & 0xff).unwrap_or(0));
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.held > 0 {
            self.push(0, 8 - self.held);
        }
        self.bytes
    }
}

/// Writes strictly rising numbers.
pub(crate) fn encode(numbers: &[u64]) -> Vec<u8> {
    let mut bits = Bits { bytes: Vec::with_capacity(numbers.len() * 11 / 2), ..Bits::default() };
    let mut next = 0_u64;
    for number in numbers {
        let gap = number.saturating_sub(next);
        let mut high = gap >> LOW;
        while high > 0 {
            let ones = u32::try_from(high.min(32)).unwrap_or(32);
            bits.push((1 << ones) - 1, ones);
            high -= u64::from(ones);
        }
        bits.push(0, 1);
        bits.push(gap & ((1 << LOW) - 1), LOW);
        next = number.saturating_add(1);
    }
    bits.finish()
}

/// Reads exactly `count` strictly rising numbers below `range`. Takes memory only for what is really there: a number
/// has more than `LOW` bits.
pub(crate) fn decode(bytes: &[u8], count: usize, range: u64) -> Result<Vec<u64>, FilterError> {
    let bits = bytes.len().saturating_mul(8);
    if count.saturating_mul(LOW as usize + 1) > bits {
        return Err(FilterError::Truncated);
    }
    let mut reader = Source { bytes, word: 0, held: 0 };
    let mut out = Vec::with_capacity(count);
    let mut next = 0_u64;
    for _ in 0..count {
        let mut high = 0_u64;
        while reader.take(1)? == 1 {
            high += 1;
        }
        let gap = high.checked_shl(LOW).filter(|gap| gap >> LOW == high).ok_or(FilterError::Range)?;
        let gap = gap | reader.take(LOW)?;
        let number = next.checked_add(gap).filter(|n| *n < range).ok_or(FilterError::Range)?;
        out.push(number);
        next = number + 1;
    }
    // What is left fills a byte with zeros.
    if reader.bytes.is_empty() && reader.held < 8 && reader.rest() == 0 {
        Ok(out)
    } else {
        Err(FilterError::Trailing)
    }
}

struct Source<'a> {
    bytes: &'a [u8],
    word: u64,
    held: u32,
}

impl Source<'_> {
    fn take(&mut self, count: u32) -> Result<u64, FilterError> {
        while self.held < count {
            let (first, rest) = self.bytes.split_first().ok_or(FilterError::Truncated)?;
            self.word = (self.word << 8) | u64::from(*first);
            self.held += 8;
            self.bytes = rest;
        }
        self.held -= count;
        Ok((self.word >> self.held) & ((1 << count) - 1))
    }

    const fn rest(&self) -> u64 {
        self.word & ((1 << self.held) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(mut numbers in proptest::collection::vec(any::<u64>(), 0..60)) {
            // Numbers far apart would be long in unary: as many as fit the range of so many.
            let range = (numbers.len() as u64).max(1) << LOW;
            numbers.iter_mut().for_each(|n| *n %= range);
            numbers.sort_unstable();
            numbers.dedup();
            let bytes = encode(&numbers);
            prop_assert_eq!(decode(&bytes, numbers.len(), range).unwrap(), numbers.clone());
            prop_assert!(bytes.len() * 8 <= numbers.len() * (LOW as usize + 2) + usize::try_from(range >> LOW).unwrap() + 8);
        }

        #[test]
        fn one_list_has_one_spelling(bytes in proptest::collection::vec(any::<u8>(), 0..40), count in 0_usize..8) {
            if let Ok(numbers) = decode(&bytes, count, 8 << LOW) {
                prop_assert_eq!(encode(&numbers), bytes);
            }
        }
    }

    #[test]
    fn a_lie_about_the_count_takes_no_memory() {
        assert_eq!(decode(&[0; 8], usize::MAX, u64::MAX), Err(FilterError::Truncated));
        assert_eq!(decode(&[0xff; 64], 1, u64::MAX), Err(FilterError::Truncated));
        assert_eq!(decode(&[0; 64], 1, 1 << LOW), Err(FilterError::Trailing));
        assert_eq!(decode(&encode(&[7]), 1, 7), Err(FilterError::Range));
    }
}
