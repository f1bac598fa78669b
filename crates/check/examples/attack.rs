//! An attacker with a dictionary of names against three ways to ask "do you know this person?".
//!
//! The attacker has what a partner is given: the shipped filter, or the tag set and a whole transcript. It knows how
//! tokens are made. It tries every name of its dictionary with every year of birth it thinks likely, offline.
//!
//! `cargo run --release -p mithaq-check --example attack -- --names 1000000`
#![expect(clippy::disallowed_methods, reason = "a program reads its arguments, files and the clock")]

use std::time::Instant;

use mithaq_check::oprf::{self, Blinds, Element, Mode, SecretKey};
use mithaq_check::{TagSet, tag_seed};
use sha2::{Digest as _, Sha256, Sha512};

/// Subjects in the register that is attacked; all of them are in the dictionary.
const SUBJECTS: usize = 1_000;
/// Rounds of the PBKDF2 filter, as peers ship them.
const ROUNDS: u32 = 1_000;
/// Names tried against the PBKDF2 filter: its speed is what is measured, the rest is multiplication.
const PBKDF2_TRIES: usize = 20_000;
/// Bits of a short hash in a filter of the first kind.
const SHORT: u32 = 40;

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

/// The n-th name of the dictionary with a year of birth: invented, and as many as are asked for.
fn guess(n: usize) -> String {
    let pick =
        |list: &'static [&'static str], n: usize| list.get(n % list.len()).copied().unwrap_or_default();
    let (first, rest) = (pick(&FIRST, n), n / FIRST.len());
    let (a, b, c) = (pick(&SYLLABLES, rest), pick(&SYLLABLES, rest / 32), pick(&SYLLABLES, rest / 1_024));
    let year = 1_960 + rest / 32_768 % 40;
    format!("{first} {a}{b}{c} {year}")
}

fn short(guess: &str) -> u64 {
    let hash = Sha256::digest(guess.as_bytes());
    hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes) >> (64 - SHORT))
}

/// PBKDF2 with HMAC-SHA-256, one block (RFC 8018).
fn pbkdf2(guess: &str, salt: &[u8]) -> u64 {
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
    sum.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes) >> (64 - SHORT))
}

/// Tries the dictionary against sorted hashes; returns how many subjects fell and what one guess costs.
fn offline(names: usize, filter: &[u64], hash: impl Fn(&str) -> u64) -> (usize, f64) {
    let start = Instant::now();
    let fallen = (0..names).filter(|n| filter.binary_search(&hash(&guess(*n))).is_ok()).count();
    #[expect(clippy::cast_precision_loss, reason = "a count of names")]
    let each = start.elapsed().as_secs_f64() / names as f64;
    (fallen, each)
}

fn sorted(mut hashes: Vec<u64>) -> Vec<u64> {
    hashes.sort_unstable();
    hashes
}

/// What the attacker has of ours, and what it tries: every key-less way to turn a guess into a tag.
fn ours(names: usize, subjects: &[String]) -> Result<(usize, usize), oprf::OprfError> {
    let key = SecretKey::derive(Mode::Verifiable, &[0x5a; 32], b"attack")?;
    let inputs: Vec<&[u8]> = subjects.iter().map(String::as_bytes).collect();
    let outputs = oprf::own_outputs(&key, &inputs)?;
    let seeds: Vec<[u8; 32]> = outputs.iter().map(tag_seed).collect();
    let dummies: Vec<[u8; 32]> = (0..2_000_u32).map(|n| Sha256::digest(n.to_le_bytes()).into()).collect();
    let Ok(set) = TagSet::of([9; 16], &seeds, &dummies) else { return Err(oprf::OprfError::Count) };
    // A transcript of an honest check of ten subjects: elements there, elements and proof back.
    let asked = inputs.get(..10).unwrap_or_default();
    let random: Vec<[u8; 64]> = (0..asked.len())
        .map(|n| {
            let mut out = [0; 64];
            out.iter_mut().zip(Sha256::digest([7, u8::try_from(n).unwrap_or(0)])).for_each(|(o, b)| *o = b);
            out
        })
        .collect();
    let blinds = Blinds::new(Mode::Verifiable, &random)?;
    let blinded = oprf::blind(asked, &blinds)?;
    let (evaluated, _proof) = oprf::evaluate_proved(&key, &blinded, &[3; 64])?;
    let found = set_and_transcript(names, &set, &blinded, &evaluated, key.public().to_bytes());
    // The same guesses with one evaluation each: what the budget is for.
    let online = oprf::own_outputs(&key, &inputs)?.iter().filter(|output| set.contains(output)).count();
    Ok((found, online))
}

/// Without the key a guess has no output. The attacker tries what it can compute: the guess under keys it makes up, and
/// the elements of the transcript themselves, as if they were unblinded.
fn set_and_transcript(
    names: usize,
    set: &TagSet,
    blinded: &[Element],
    evaluated: &[Element],
    public: [u8; 32],
) -> usize {
    let Ok(own) = SecretKey::derive(Mode::Verifiable, &public, b"") else { return 0 };
    let mut found = 0;
    for from in (0..names).step_by(4_096) {
        let guesses: Vec<String> = (from..names.min(from + 4_096)).map(guess).collect();
        let outputs = oprf::own_outputs(&own, &guesses).unwrap_or_default();
        found += outputs.iter().filter(|output| set.contains(output)).count();
        for guess in guesses.iter().take(64) {
            found += blinded.iter().chain(evaluated).filter(|e| set.contains(&finalized(guess, e))).count();
        }
    }
    found
}

/// What the function would give if an element of the transcript were the guess's own, unblinded (RFC 9497, §3.3.1).
fn finalized(guess: &str, element: &Element) -> oprf::Output {
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

fn main() {
    let names = std::env::args().skip_while(|arg| arg != "--names").nth(1);
    let names: usize = names.and_then(|n| n.parse().ok()).unwrap_or(1_000_000).clamp(SUBJECTS, 10_000_000);
    // Subjects spread over the dictionary.
    let subjects: Vec<String> = (0..SUBJECTS).map(|n| guess(n * (names / SUBJECTS))).collect();
    println!("{SUBJECTS} invented subjects, a dictionary of {names} names with years of birth\n");

    let filter = sorted(subjects.iter().map(|s| short(s)).collect());
    let (fallen, each) = offline(names, &filter, short);
    #[expect(clippy::cast_precision_loss, reason = "a count of names")]
    let all = |each: f64| each * names as f64;
    println!(
        "short hashes in a shipped filter:   {fallen} of {SUBJECTS} subjects named in {:.1} s",
        all(each)
    );

    let salt = b"agreement";
    let filter = sorted(subjects.iter().map(|s| pbkdf2(s, salt)).collect());
    let tried = names.min(PBKDF2_TRIES);
    let (fallen, each) = offline(tried, &filter, |guess| pbkdf2(guess, salt));
    println!(
        "PBKDF2, {ROUNDS} rounds, in a filter:     {fallen} subjects named in the first {tried} names; the whole dictionary takes {:.1} minutes on one core",
        all(each) / 60.0
    );

    match ours(names, &subjects) {
        Ok((found, online)) => println!(
            "the private check, set + transcript: {found} of {SUBJECTS} subjects named\n\n\
             With the asked side's key each guess is one evaluation, charged to a budget: {online} of {SUBJECTS} would answer."
        ),
        Err(error) => println!("the private check cannot be set up: {error}"),
    }
}
