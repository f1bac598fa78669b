//! Learns the tables of `mithaq-names`.
//!
//! `mithaq-names-train --tokens DIR --out DIR` learns units and rarity from token lists;
//! `mithaq-names-train --classes DIR --out DIR` groups their frequent words;
//! `mithaq-names-train --pairs FILE [--only FEATURE,…] --out DIR` fits the weights of the features on labelled pairs;
//! `mithaq-names-train --bodies DIR --out DIR` fits the order of organisations on an index and its queries;
//! `mithaq-names-train --search DIR --out DIR` fits what a likeness means among many on an index and its queries.
//! The same input and seed give the same bytes.

mod bodies;
mod classes;
mod conventions;
mod corpus;
mod cyrillic;
mod em;
mod fit;
mod latin;
mod learn;
mod population;
mod random;
mod syllables;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// The seed of everything random.
const SEED: u64 = 0x6d69_7468_6171;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (mut tokens, mut classes, mut pairs, mut only, mut bodies, mut search, mut out) =
        (None, None, None, None, None, None, None);
    while let Some(flag) = args.next() {
        let value = args.next().map(PathBuf::from);
        match flag.as_str() {
            "--tokens" => tokens = value,
            "--classes" => classes = value,
            "--pairs" => pairs = value,
            "--only" => only = value,
            "--bodies" => bodies = value,
            "--search" => search = value,
            "--out" => out = value,
            other => bail!(
                "unknown option `{other}`\nhint: --tokens DIR | --classes DIR | --pairs FILE [--only FEATURE,…] | --bodies DIR | --search DIR, and --out DIR"
            ),
        }
    }
    let out = out.context("--out DIR is missing")?;
    if let Some(dir) = tokens {
        train(&dir, &out)?;
    }
    if let Some(dir) = classes {
        write(&out, "classes.txt", &classes::of(&corpus::read(&dir)?))?;
    }
    if let Some(file) = pairs {
        fit::fit(&file, only.as_deref().and_then(Path::to_str), &out)?;
    }
    if let Some(dir) = bodies {
        bodies::fit(&dir, &out)?;
    }
    if let Some(dir) = search {
        population::fit(&dir, &out)?;
    }
    Ok(())
}

fn train(dir: &Path, out: &Path) -> Result<()> {
    let listed = corpus::read(dir)?;
    let mut random = random::Random::new(SEED);
    let corpora = corpus::build(&listed, &mut random);
    write(out, "units.txt", &learn::learn(&corpora))?;
    let counts = listed.iter().map(|item| (item.latin.as_str(), item.count));
    write(out, "rarity.txt", &learn::rarity(counts))?;
    for (file, _) in corpus::FILES {
        let bytes = std::fs::read(dir.join(file))?;
        println!("{}  {file}", hex(&Sha256::digest(&bytes)));
    }
    Ok(())
}

pub(crate) fn write(dir: &Path, name: &str, text: &str) -> Result<()> {
    let path = dir.join(name);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}  {name} ({} bytes)", hex(&Sha256::digest(text.as_bytes())), text.len());
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
