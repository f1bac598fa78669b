//! A deterministic mutating fuzzer for every parser of foreign bytes, on the stable compiler.
//!
//! The same `--seed` tries the same inputs in the same order; only how far it comes depends on the machine.
//! It has no coverage feedback: it follows the *reasons* of refusals instead, and keeps each input that is
//! refused for a reason not seen before.
//!
//! # To add a target
//!
//! 1. In `targets/<crate>.rs` write `fn(&[u8]) -> Outcome` that parses the bytes. On success check what must
//!    hold, for example that writing the value gives the same bytes, and say `Outcome::Broken` if not.
//! 2. Add a [`Target`] with a few valid seeds, made by the crate's own writer so that they never go stale.
//!    Words of the format go into `dictionary`.
//! 3. List it in `targets::all`. The test in that file then asks that each seed is accepted.
//!
//! A found input is written to `fuzz/artifacts`. Once understood, it goes into `fuzz/seeds/<target>` with the
//! repair: every later run, and the tests of this crate, try it first.

mod mutate;
mod run;
mod seeds;
mod targets;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use run::{Budget, Failure, Fuzzer};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use targets::Target;

#[derive(Debug, Parser)]
#[command(name = "mithaq-fuzzing", about = "Feed mutated input to every parser of foreign bytes")]
struct Args {
    /// Seconds for all targets together
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Stop each target after this many inputs
    #[arg(long)]
    inputs: Option<u64>,
    /// Only this target; may be given several times
    #[arg(long, value_name = "TARGET")]
    target: Vec<String>,
    /// The number that all choices follow from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Try the input of this file once
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Write each input to this file before it is tried: what is there after a crash caused it
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Print the targets
    #[arg(long)]
    list: bool,
    /// The repository
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

fn main() -> ExitCode {
    match execute(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(args: &Args) -> Result<()> {
    let chosen = choose(targets::all(), &args.target)?;
    if args.list {
        for target in &chosen {
            println!("{:<22} {}", target.name, target.about);
        }
        return Ok(());
    }
    run::quiet_panics();
    if let Some(file) = &args.replay {
        return replay(&chosen, file);
    }
    let share = Duration::from_secs(args.seconds) / u32::try_from(chosen.len()).unwrap_or(u32::MAX).max(1);
    let budget = Budget { time: share, inputs: args.inputs.unwrap_or(u64::MAX) };
    println!("fuzz: seed {}, {:.1} s for each of {} targets", args.seed, share.as_secs_f64(), chosen.len());
    for target in &chosen {
        let committed = seeds::committed(&args.root, target.name)?;
        let mut fuzzer = Fuzzer::new(target, args.seed, committed).traced(args.trace.clone());
        match fuzzer.run(budget) {
            Ok(tally) => println!("{:<22} {tally}", target.name),
            Err(failure) => return Err(keep(&args.root, target, args.seed, &failure)),
        }
    }
    println!("fuzz: {} passed, 0 failed", chosen.len());
    Ok(())
}

fn choose(all: Vec<Target>, names: &[String]) -> Result<Vec<Target>> {
    if let Some(name) = names.iter().find(|name| !all.iter().any(|target| target.name == **name)) {
        bail!("there is no target `{name}`\nhint: `--list` prints them");
    }
    let wanted = |target: &Target| names.is_empty() || names.iter().any(|name| name == target.name);
    Ok(all.into_iter().filter(wanted).collect())
}

/// Writes the input down and says how to try it again.
fn keep(root: &Path, target: &Target, seed: u64, failure: &Failure) -> anyhow::Error {
    let kept = seeds::keep(root, target.name, seed, failure);
    let hint = match kept {
        Ok(path) => format!("cargo xtask fuzz --replay {}", path.display()),
        Err(error) => format!("the input could not be kept: {error:#}"),
    };
    anyhow::anyhow!("target `{}`: {}\nhint: {hint}", target.name, failure.words)
}

fn replay(targets: &[Target], file: &Path) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let (name, input) = seeds::parse(&text).with_context(|| format!("`{}`", file.display()))?;
    let target = targets.iter().find(|target| Some(target.name) == name.as_deref());
    let target = target.context("its first line names no target: `# target NAME`")?;
    match run::try_once(target, &input) {
        Ok(outcome) => {
            println!("{}: {} bytes: {outcome:?}", target.name, input.len());
            Ok(())
        }
        Err(words) => bail!("target `{}`: {words}", target.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_target_is_refused() {
        assert!(choose(targets::all(), &["nothing".to_owned()]).is_err());
        let names: Vec<&str> = targets::all().iter().map(|target| target.name).collect();
        let one = choose(targets::all(), &[names[0].to_owned()]).unwrap();
        assert_eq!(one.iter().map(|target| target.name).collect::<Vec<_>>(), [names[0]]);
        assert_eq!(choose(targets::all(), &[]).unwrap().len(), names.len());
    }

    #[test]
    fn a_failure_is_kept_and_replayed_until_it_is_repaired() {
        fn run(bytes: &[u8]) -> targets::Outcome {
            let first = bytes.first().copied().unwrap_or_default();
            assert!(first != 0x66, "the letter f");
            targets::Outcome::Accepted
        }
        run::quiet_panics();
        let target =
            Target { name: "letters", about: "", seeds: vec![b"abc".to_vec()], dictionary: &[], run };
        let root = std::env::temp_dir().join(format!("mithaq-fuzzing-{}", std::process::id()));
        let budget = Budget { time: Duration::from_secs(60), inputs: 100_000 };
        let failure = Fuzzer::new(&target, 1, Vec::new()).run(budget).unwrap_err();
        assert!(failure.words.contains("the letter f") && failure.input.first() == Some(&0x66));
        let words = keep(&root, &target, 1, &failure).to_string();
        let file = words.rsplit(' ').next().unwrap();
        let error = replay(&[target], Path::new(file)).unwrap_err().to_string();
        assert!(error.contains("the letter f"), "{error}");
        std::fs::remove_dir_all(&root).unwrap();
    }
}
