//! How fast the private check is: the table of `docs/benchmarks/check.md`.
//!
//! `cargo run --release -p mithaq-check --example check_speed -- [--tokens 1000000]`, on as many cores as it is let
//! (`taskset`), four at most.
#![expect(clippy::disallowed_methods, reason = "a program reads its arguments, files and the clock")]

use std::time::Instant;

use mithaq_check::oprf::{self, Blinds, Mode, OprfError, Output, SecretKey};
use mithaq_check::{Known, Party, TagSeed, TagSet, Token, TokenKey, TokenPolicy, filled, tag_seed, tokens};
use mithaq_model::PartialDate;
use mithaq_names::Name;
use sha2::{Digest as _, Sha256};

/// Elements of one request on the line.
const REQUEST: usize = 32_768;

/// CPU seconds of this process, all threads: what a loaded machine does not change. Hundredths, from Linux.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn timed<R>(label: &str, work: impl FnOnce() -> R) -> R {
    let (start, before) = (Instant::now(), cpu());
    let result = work();
    println!("{label:<64} wall {:>8.3} s  cpu {:>7.2} s", start.elapsed().as_secs_f64(), cpu() - before);
    result
}

/// An input as the check makes them: 64 bytes.
fn input(n: u32) -> [u8; 64] {
    let mut out = [7; 64];
    out.iter_mut().zip(Sha256::digest(n.to_be_bytes())).for_each(|(slot, byte)| *slot = byte);
    out
}

fn random(n: u32) -> [u8; 64] {
    let mut out = input(n ^ 0x5555_5555);
    out.reverse();
    out
}

fn set_of(nonce: [u8; 16], seeds: &[TagSeed]) -> Option<TagSet> {
    let count = u32::try_from(seeds.len()).ok()?;
    let dummies: Vec<TagSeed> =
        (0..filled(count) - count).map(|n| Sha256::digest(n.to_le_bytes()).into()).collect();
    TagSet::of(nonce, seeds, &dummies).ok()
}

/// What a check does on both sides, several requests where one holds no more; returns the hits.
fn online(key: &SecretKey, (set, held): (&TagSet, u32), count: u32) -> Result<usize, OprfError> {
    // Half of what is asked is in the set.
    let inputs: Vec<_> = (0..count).map(|n| input((n + held).saturating_sub(count / 2))).collect();
    let random: Vec<_> = (0..count).map(random).collect();
    let mut hits = 0;
    for (inputs, random) in inputs.chunks(REQUEST).zip(random.chunks(REQUEST)) {
        let blinds = Blinds::new(Mode::Base, random)?;
        let blinded = oprf::blind(inputs, &blinds)?;
        let evaluated = oprf::evaluate(key, &blinded)?;
        let outputs = oprf::finalize(inputs, &blinds, &evaluated)?;
        hits += outputs.iter().filter(|output| set.contains(output)).count();
    }
    Ok(hits)
}

/// Average tokens of invented subjects born in a year, asking side.
fn tokens_each(policy: &TokenPolicy) -> usize {
    let names = [
        "Abdelhamid Bouziane",
        "Leila Ben Yedder",
        "Ivan Petrov",
        "María del Carmen Ruiz",
        "عبد الحميد بوزيان",
    ];
    let known = |name: &&str| Known {
        names: vec![Name::parse(name)],
        births: PartialDate::year(1987).into_iter().collect(),
        ..Known::default()
    };
    names.iter().map(|name| tokens(policy, Party::Asking, &known(name)).len()).sum::<usize>() / names.len()
}

fn main() -> Result<(), OprfError> {
    let option = |name: &str| {
        std::env::args().skip_while(|arg| arg != name).nth(1).and_then(|n| n.parse::<u32>().ok())
    };
    let count = option("--tokens").unwrap_or(1_000_000);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{count} tokens, {cores} cores, load {}", load.trim());
    let key = SecretKey::derive(Mode::Base, &[1; 32], b"speed")?;
    let inputs: Vec<[u8; 64]> = (0..count).map(input).collect();

    let outputs: Vec<Output> = timed("outputs of the set", || oprf::own_outputs(&key, &inputs))?;
    let mut seeds: Vec<TagSeed> = outputs.iter().map(tag_seed).collect();
    let Some(set) = timed("tags, sorted", || set_of([1; 16], &seeds)) else {
        return Err(OprfError::Count);
    };
    let filter = timed("filter", || set.filter());
    println!(
        "filter: {} bytes, {:.2} bits per tag",
        filter.len(),
        filter.len() as f64 * 8.0 / f64::from(count)
    );
    let read = timed("filter read", || TagSet::from_filter([1; 16], filled(count), &filter));
    println!("read back the same: {}", read.as_ref() == Ok(&set));

    for asked in [10_000, 100_000] {
        let label = format!("{asked} tokens asked: blind, evaluate, finalize, match");
        let hits = timed(&label, || online(&key, (&set, count), asked))?;
        println!("hits {hits}; {} bytes per token there and back", 64);
    }
    for policy in [TokenPolicy::WIDE, TokenPolicy::MIDDLE] {
        let each = u32::try_from(tokens_each(&policy)).unwrap_or(1);
        let label = format!("1000 subjects of {each} tokens each asked");
        timed(&label, || online(&key, (&set, count), 1_000 * each))?;
    }
    timed("update: 1000 subjects of 8 tokens, a whole new set and filter", || {
        let added: Vec<[u8; 64]> = (0..8_000).map(|n| input(n + 50_000_000)).collect();
        seeds.extend(oprf::own_outputs(&key, &added)?.iter().map(tag_seed));
        set_of([2; 16], &seeds).map(|set| set.filter().len()).ok_or(OprfError::Count)
    })?;
    verifiable()
}

fn verifiable() -> Result<(), OprfError> {
    let key = SecretKey::derive(Mode::Verifiable, &[1; 32], b"speed")?;
    let inputs: Vec<[u8; 64]> = (0..1_000).map(input).collect();
    let random: Vec<[u8; 64]> = (0..1_000).map(random).collect();
    let blinds = Blinds::new(Mode::Verifiable, &random)?;
    let blinded = oprf::blind(&inputs, &blinds)?;
    let (evaluated, proof) =
        timed("verifiable: 1000 evaluated and proved", || oprf::evaluate_proved(&key, &blinded, &[5; 64]))?;
    timed("verifiable: 1000 checked and finalized", || {
        oprf::finalize_verified(&inputs, &blinds, &blinded, &evaluated, (&key.public(), &proof))
    })?;
    let tokens: Vec<TokenKey> = timed("tokens of 1000 subjects, one core", || {
        (0..1_000_u16)
            .flat_map(|n| {
                let known = Known {
                    names: vec![Name::parse("Abdelhamid Bouziane")],
                    births: PartialDate::year(1950 + n % 50).into_iter().collect(),
                    ..Known::default()
                };
                tokens(&TokenPolicy::WIDE, Party::Asking, &known).iter().map(Token::key).collect::<Vec<_>>()
            })
            .collect()
    });
    println!("{} tokens", tokens.len());
    Ok(())
}
