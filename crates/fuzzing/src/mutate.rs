//! Changing an input a little: bits, ranges, lengths, digits, words of the format, pieces of other inputs.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

/// No input grows above this; every limit of a format is tried with its own seed instead.
pub(crate) const LONGEST: usize = 1 << 17;

/// Numbers at which length checks go wrong.
const EDGES: &[u64] = &[
    0,
    1,
    2,
    0x17,
    0x18,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    i64::MAX as u64,
    u64::MAX,
];

/// The source of all choices.
#[derive(Debug)]
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    /// Each target has its own sequence, so that running one alone tries what running all does.
    pub(crate) fn new(seed: u64, target: &str) -> Self {
        let digest = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(target).finalize();
        Self(ChaCha8Rng::from_seed(digest.into()))
    }

    /// A number below `limit`; 0 when there is none below.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        // The bias of the remainder is far below what matters to a fuzzer.
        usize::try_from(self.0.next_u32()).unwrap_or_default().checked_rem(limit).unwrap_or_default()
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    fn byte(&mut self) -> u8 {
        let [byte, ..] = self.0.next_u32().to_le_bytes();
        byte
    }

    /// Small lengths are likelier than long ones.
    fn length(&mut self, limit: usize) -> usize {
        let scale = 1_usize << self.below(10);
        1 + self.below(scale.min(limit.max(1)))
    }
}

/// A changed copy of `input`: one to eight changes.
pub(crate) fn mutate(chance: &mut Chance, input: &[u8], corpus: &[Vec<u8>], words: &[&[u8]]) -> Vec<u8> {
    let mut out = input.to_vec();
    for _ in 0..=chance.below(3) * chance.below(4) {
        change(chance, &mut out, corpus, words);
    }
    out.truncate(LONGEST);
    out
}

fn change(chance: &mut Chance, out: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&[u8]]) {
    let at = chance.below(out.len() + 1);
    match chance.below(12) {
        0 | 1 => flip(chance, out, at),
        2 => set(chance, out, at),
        3 => out.truncate(at),
        4 => remove(chance, out, at),
        5 => repeat(chance, out, at),
        6 => insert_noise(chance, out, at),
        7 | 8 => edit_length(chance, out, at),
        9 => digit(chance, out, at),
        10 => splice(chance, out, at, corpus),
        _ => word(chance, out, at, words),
    }
}

fn flip(chance: &mut Chance, out: &mut [u8], at: usize) {
    let bit = 1_u8 << chance.below(8);
    if let Some(byte) = out.get_mut(at) {
        *byte ^= bit;
    }
}

fn set(chance: &mut Chance, out: &mut [u8], at: usize) {
    let value = chance.byte();
    let value = chance.pick(&[0x00, 0x0a, 0x20, 0x7f, 0x80, 0xff, value, value]).copied().unwrap_or(value);
    if let Some(byte) = out.get_mut(at) {
        *byte = value;
    }
}

fn remove(chance: &mut Chance, out: &mut Vec<u8>, at: usize) {
    let end = (at + chance.length(out.len())).min(out.len());
    out.drain(at.min(end)..end);
}

fn repeat(chance: &mut Chance, out: &mut Vec<u8>, at: usize) {
    let end = (at + chance.length(out.len())).min(out.len());
    let piece = out.get(at..end).unwrap_or_default().to_vec();
    for _ in 0..=chance.below(4) {
        insert(out, at, &piece);
    }
}

fn insert_noise(chance: &mut Chance, out: &mut Vec<u8>, at: usize) {
    let noise: Vec<u8> = (0..chance.length(64)).map(|_| chance.byte()).collect();
    insert(out, at, &noise);
}

/// Writes an edge, or an existing number one higher or lower, as a big-endian field of 1, 2, 4 or 8 bytes.
fn edit_length(chance: &mut Chance, out: &mut [u8], at: usize) {
    let width = 1_usize << chance.below(4);
    let Some(field) = out.get_mut(at..at.saturating_add(width)) else { return };
    let old = field.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let edge = chance.pick(EDGES).copied().unwrap_or_default();
    let new = match chance.below(4) {
        0 => old.wrapping_add(1),
        1 => old.wrapping_sub(1),
        _ => edge,
    };
    for (to, from) in field.iter_mut().rev().zip(new.to_le_bytes()) {
        *to = from;
    }
}

/// Changes the first decimal digit from `at` on: numbers in text formats.
fn digit(chance: &mut Chance, out: &mut [u8], at: usize) {
    let new = b"0123456789".get(chance.below(10)).copied().unwrap_or(b'0');
    if let Some(byte) = out.iter_mut().skip(at).find(|byte| byte.is_ascii_digit()) {
        *byte = new;
    }
}

/// The rest becomes the rest of another input.
fn splice(chance: &mut Chance, out: &mut Vec<u8>, at: usize, corpus: &[Vec<u8>]) {
    let Some(other) = chance.pick(corpus) else { return };
    let from = chance.below(other.len() + 1);
    out.truncate(at);
    out.extend_from_slice(other.get(from..).unwrap_or_default());
}

fn word(chance: &mut Chance, out: &mut Vec<u8>, at: usize, words: &[&[u8]]) {
    let Some(word) = chance.pick(words).copied() else { return };
    if chance.below(2) == 0 {
        insert(out, at, word);
    } else if let Some(place) = out.get_mut(at..at.saturating_add(word.len())) {
        place.copy_from_slice(word);
    }
}

fn insert(out: &mut Vec<u8>, at: usize, piece: &[u8]) {
    if out.len().saturating_add(piece.len()) <= LONGEST {
        let at = at.min(out.len());
        out.splice(at..at, piece.iter().copied());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(seed: u64, target: &str) -> Vec<Vec<u8>> {
        let corpus = [b"hello 17".to_vec(), vec![0; 40], Vec::new()];
        let mut chance = Chance::new(seed, target);
        (0..500).map(|n| mutate(&mut chance, &corpus[n % 3], &corpus, &[b"word"])).collect()
    }

    #[test]
    fn one_seed_gives_one_sequence_and_others_give_others() {
        assert_eq!(sequence(7, "a"), sequence(7, "a"));
        assert_ne!(sequence(7, "a"), sequence(8, "a"));
        assert_ne!(sequence(7, "a"), sequence(7, "b"));
    }

    #[test]
    fn inputs_change_in_every_direction() {
        let all = sequence(1, "a");
        let distinct: std::collections::BTreeSet<&Vec<u8>> = all.iter().collect();
        assert!(distinct.len() > 250, "{}", distinct.len());
        assert!(all.iter().any(|input| input.len() > 80) && all.iter().any(Vec::is_empty));
        assert!(all.iter().any(|input| input.windows(4).any(|four| four == b"word")));
        assert!(all.iter().any(|input| input.windows(8).any(|eight| eight == [0xff; 8])));
    }

    #[test]
    fn no_input_grows_without_limit() {
        let mut chance = Chance::new(3, "long");
        let corpus = [vec![1; LONGEST]];
        for _ in 0..200 {
            assert!(mutate(&mut chance, &corpus[0], &corpus, &[b"word"]).len() <= LONGEST);
        }
    }
}
