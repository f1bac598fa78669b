//! An attacker with a dictionary of names, against three ways to ask "do you know this person?": a test tool, run by
//! `mithaq check attack`.
//!
//! The attacker has what a partner is given: a shipped filter, or the tag set and a whole transcript. It knows how the
//! filter is made and tries every name of its dictionary with every year of birth it thinks likely, offline. That it
//! finds nothing of ours is no proof, only what a program without the key can try; the argument is RFC 9497's.
//!
//! # What it deliberately does not do
//! Read a clock: whoever runs it measures. Use a secret: all its keys are written here.

mod recorded;

use sha2::{Digest as _, Sha256, Sha512};

use crate::oprf::{self, Blinds, Element, Mode, OprfError, SecretKey, shared};
use crate::set::{TagSet, filled, tag_seed};

pub use recorded::{Person, Recorded, RecordedError};

/// Subjects in the register that is attacked; all of them are in the dictionary.
pub const SUBJECTS: usize = 1_000;
/// Largest dictionary.
pub const NAMES_MAX: usize = 10_000_000;
/// Rounds of the PBKDF2 filter, as peers ship them.
pub const ROUNDS: u32 = 1_000;
/// Bits of a short hash in a shipped filter.
const SHORT: u32 = 40;
/// Subjects of the honest check whose transcript the attacker has.
const ASKED: usize = 10;
/// Guesses tried at once.
const CHUNK: usize = 4_096;

const FIRST: [&str; 40] = [
    "amina", "bilal", "chafik", "dounia", "elias", "fatou", "ghali", "hanane", "idris", "jamila", "karim",
    "leila", "mourad", "nadia", "omar", "pilar", "qasim", "rachid", "salma", "tarik", "umar", "vera",
    "walid", "xenia", "yanis", "zubayda", "anton", "boris", "carmen", "diego", "emil", "farid", "greta",
    "hugo", "irina", "jaime", "kofi", "luis", "marta", "nikolai",
];
const SYLLABLES: [&str; 32] = [
    "ba", "ben", "bou", "cha", "da", "di", "dou", "el", "fa", "ghe", "ha", "ja", "ka", "khe", "la", "ma",
    "mi", "mou", "na", "ne", "ou", "ra", "ri", "rou", "sa", "se", "ta", "ti", "wa", "ya", "za", "zou",
];

/// Invented names with years of birth, as many as are asked for, and the subjects among them.
#[derive(Debug, Clone, Copy)]
pub struct Dictionary {
    names: usize,
}

impl Dictionary {
    /// Makes a dictionary of so many names, between [`SUBJECTS`] and [`NAMES_MAX`].
    #[must_use]
    pub fn of(names: usize) -> Self {
        Self { names: names.clamp(SUBJECTS, NAMES_MAX) }
    }

    /// Returns how many names it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.names
    }

    /// Returns whether it holds none, which no dictionary does.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.names == 0
    }

    /// Returns the n-th name with its year of birth, as one text.
    #[must_use]
    pub fn guess(&self, n: usize) -> String {
        let Person { name, year } = self.person(n);
        format!("{name} {year}")
    }

    /// Returns the n-th name with its year of birth.
    #[must_use]
    pub fn person(&self, n: usize) -> Person {
        let pick =
            |list: &'static [&'static str], n: usize| list.get(n % list.len()).copied().unwrap_or_default();
        let (first, rest) = (pick(&FIRST, n), n / FIRST.len());
        let (a, b, c) = (pick(&SYLLABLES, rest), pick(&SYLLABLES, rest / 32), pick(&SYLLABLES, rest / 1_024));
        let year = 1_960 + u16::try_from(rest / 32_768 % 40).unwrap_or(0);
        Person { name: format!("{first} {a}{b}{c}"), year }
    }

    /// Returns the subjects of the register, spread over the dictionary.
    #[must_use]
    pub fn subjects(&self) -> Vec<String> {
        (0..SUBJECTS).map(|n| self.guess(n * (self.names / SUBJECTS))).collect()
    }
}

/// A filter that is shipped whole, as peers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shipped {
    /// Short hashes.
    Short,
    /// PBKDF2 with [`ROUNDS`] rounds.
    Pbkdf2,
}

impl Shipped {
    /// Both, the cheaper first.
    pub const ALL: [Self; 2] = [Self::Short, Self::Pbkdf2];

    /// Returns a short word for it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Short => "short_hashes",
            Self::Pbkdf2 => "pbkdf2",
        }
    }

    /// The hash of a guess of at most 64 bytes.
    fn hash(self, guess: &str) -> u64 {
        match self {
            Self::Short => short(&Sha256::digest(guess.as_bytes()).into()),
            Self::Pbkdf2 => short(&pbkdf2(guess, b"agreement")),
        }
    }

    /// Returns the filter of a register.
    #[must_use]
    pub fn filter(self, subjects: &[String]) -> Vec<u64> {
        let mut hashes: Vec<u64> = subjects.iter().map(|one| self.hash(one)).collect();
        hashes.sort_unstable();
        hashes
    }

    /// Tries a part of a dictionary against a filter, on all cores; returns how many subjects it names.
    ///
    /// # Errors
    /// None of its own: those of work that is shared, and no name of a dictionary makes one.
    pub fn named(
        self,
        guess: impl Fn(usize) -> String + Sync,
        part: core::ops::Range<usize>,
        filter: &[u64],
    ) -> Result<usize, OprfError> {
        let is_in = |n: &usize| filter.binary_search(&self.hash(&guess(*n))).is_ok();
        let named = shared(part.len(), |range| {
            Ok(range.filter_map(|n| part.start.checked_add(n)).filter(is_in).collect())
        })?;
        Ok(named.len())
    }
}

fn short(hash: &[u8; 32]) -> u64 {
    hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes) >> (64 - SHORT))
}

/// PBKDF2 with HMAC-SHA-256, one block (RFC 8018), of a password of at most 64 bytes.
fn pbkdf2(guess: &str, salt: &[u8]) -> [u8; 32] {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(guess.bytes()).for_each(|(slot, b)| *slot ^= b);
        Sha256::new().chain_update(block)
    };
    let (inner, outer) = (pad(0x36), pad(0x5c));
    let hmac = |message: &[u8]| -> [u8; 32] {
        let inside = inner.clone().chain_update(message).finalize();
        outer.clone().chain_update(inside).finalize().into()
    };
    let mut round = hmac(&[salt, &[0, 0, 0, 1]].concat());
    let mut sum = round;
    for _ in 1..ROUNDS {
        round = hmac(&round);
        sum.iter_mut().zip(round).for_each(|(s, r)| *s ^= r);
    }
    sum
}

/// What the attacker has of a private check: the tag set, the asked side's public key, and the elements of an honest
/// check there and back.
#[derive(Debug)]
pub struct Transcript {
    set: TagSet,
    blinded: Vec<Element>,
    evaluated: Vec<Element>,
    public: [u8; 32],
    key: SecretKey,
}

impl Transcript {
    /// Sets up the asked side with a register and lets an honest asking side check some of it.
    ///
    /// # Errors
    /// When there are too many subjects for a set.
    pub fn of(subjects: &[String]) -> Result<Self, OprfError> {
        let key = SecretKey::derive(Mode::Verifiable, &[0x5a; 32], b"attack")?;
        let outputs = oprf::own_outputs(&key, subjects)?;
        let seeds: Vec<[u8; 32]> = outputs.iter().map(tag_seed).collect();
        let count = u32::try_from(seeds.len()).map_err(|_many| OprfError::Count)?;
        let dummies: Vec<[u8; 32]> =
            (count..filled(count)).map(|n| Sha256::digest(n.to_le_bytes()).into()).collect();
        let set = TagSet::of([9; 16], &seeds, &dummies).map_err(|_count| OprfError::Count)?;
        let asked = subjects.get(..ASKED.min(subjects.len())).unwrap_or_default();
        let random: Vec<[u8; 64]> =
            (0_u32..).take(asked.len()).map(|n| Sha512::digest(n.to_be_bytes()).into()).collect();
        let blinds = Blinds::new(Mode::Verifiable, &random)?;
        let blinded = oprf::blind(asked, &blinds)?;
        let (evaluated, _proof) = oprf::evaluate_proved(&key, &blinded, &[3; 64])?;
        Ok(Self { set, blinded, evaluated, public: key.public().to_bytes(), key })
    }

    /// Tries a part of the dictionary without the key: each guess under a key made up from what is public, and the
    /// first of each chunk as if an element of the transcript were its own, unblinded. Returns how many subjects that names.
    ///
    /// # Errors
    /// When the function fails, which it does for no name of the dictionary.
    pub fn named(&self, dictionary: &Dictionary, part: core::ops::Range<usize>) -> Result<usize, OprfError> {
        let own = SecretKey::derive(Mode::Verifiable, &self.public, b"")?;
        let mut found = 0;
        for from in part.clone().step_by(CHUNK) {
            let guesses: Vec<String> =
                (from..part.end.min(from + CHUNK)).map(|n| dictionary.guess(n)).collect();
            let outputs = oprf::own_outputs(&own, &guesses)?;
            found += outputs.iter().filter(|output| self.set.contains(output)).count();
            for guess in guesses.iter().take(64) {
                let elements = self.blinded.iter().chain(&self.evaluated);
                found += elements.filter(|e| self.set.contains(&unblinded(guess.as_bytes(), e))).count();
            }
        }
        Ok(found)
    }

    /// How many subjects answer when each is one evaluation with the asked side's key: what the budget is for.
    ///
    /// # Errors
    /// As [`Transcript::named`].
    pub fn answered(&self, subjects: &[String]) -> Result<usize, OprfError> {
        let outputs = oprf::own_outputs(&self.key, subjects)?;
        Ok(outputs.iter().filter(|output| self.set.contains(output)).count())
    }
}

/// What the function would give if an element of the transcript were the guess's own, unblinded (RFC 9497, §3.3.1).
fn unblinded(guess: &[u8], element: &Element) -> oprf::Output {
    let length = u16::try_from(guess.len()).unwrap_or(u16::MAX).to_be_bytes();
    Sha512::new()
        .chain_update(length)
        .chain_update(guess)
        .chain_update([0, 32])
        .chain_update(element.0)
        .chain_update(b"Finalize")
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_falls_to_a_dictionary_and_a_transcript_does_not() {
        let dictionary = Dictionary::of(2_000);
        let subjects = dictionary.subjects();
        let filter = Shipped::Short.filter(&subjects);
        let guess = |n| dictionary.guess(n);
        assert_eq!(Shipped::Short.named(guess, 0..2_000, &filter), Ok(SUBJECTS));
        let few = subjects.get(..4).unwrap().to_vec();
        let filter = Shipped::Pbkdf2.filter(&few);
        assert_eq!(Shipped::Pbkdf2.named(guess, 0..8, &filter), Ok(4));
        assert_eq!(Shipped::Short.named(guess, 2..2_000, &Shipped::Short.filter(&few)), Ok(3));
        let ours = Transcript::of(&subjects).unwrap();
        assert_eq!(ours.named(&dictionary, 0..2_000), Ok(0));
        // The same guesses, with the key: the register is there, and each costs an evaluation.
        assert_eq!(ours.answered(&subjects), Ok(SUBJECTS));
    }

    #[test]
    fn the_filter_of_peers_is_pbkdf2() {
        // From another program: Python's hashlib.pbkdf2_hmac("sha256", b"passwd", b"salt", 1000).
        let hex = data_encoding::HEXLOWER.encode(&pbkdf2("passwd", b"salt"));
        assert_eq!(hex, PASSWD);
    }

    const PASSWD: &str = "fa9c158e678bfe94189b0b1a707a0921672fdc9f11fa978805969df312c2c8ef";
}
