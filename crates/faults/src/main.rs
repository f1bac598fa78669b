//! `mithaq-faults`: the workloads over the failing disk, seed after seed.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use mithaq_faults::{Tally, erasing, install, rows, subjects};

/// Runs SQLite on a disk that loses, tears and refuses, and judges what is left
#[derive(Debug, Parser)]
#[command(name = "mithaq-faults")]
struct Options {
    /// How many seeds to run
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed; a failing one is replayed with `--seed N --seeds 1`
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(tally) => {
            println!(
                "{} images of power cuts judged, {} faults of the disk; {} jobs acknowledged, {} refused, {} unknown",
                tally.images, tally.faults, tally.acknowledged, tally.refused, tally.unknown
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<Tally> {
    let layer = install()?;
    let mut all = Tally::default();
    for seed in options.seed..options.seed.saturating_add(options.seeds) {
        all.add(rows::run(layer, seed).with_context(|| format!("seed {seed}, rows"))?);
        all.add(subjects::run(layer, seed).with_context(|| format!("seed {seed}, subjects"))?);
        all.add(erasing::run(layer, seed).with_context(|| format!("seed {seed}, erasing"))?);
    }
    Ok(all)
}
