//! `cargo xtask ci`: the list of steps, and running them one after the other.
//!
//! Order: what is quick and fails often comes first. Only two sets of artefacts are built, one by clippy and
//! rustdoc (metadata) and one by the tests (development profile); everything that runs a program afterwards
//! takes it from the second.

mod steps;

pub(crate) use steps::{KillOptions, SimOptions, kill, sim};

use crate::pg::Cluster;
use crate::shell;
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use std::process::Command;
use std::time::{Duration, Instant};

/// Options of `cargo xtask ci`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run this step and no other; may be given several times
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Leave this step out; may be given several times
    #[arg(long, value_name = "STEP")]
    skip: Vec<String>,
    /// Print the steps and run none
    #[arg(long)]
    list: bool,
}

/// One thing that is checked.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// What a person does when it fails.
    advice: &'static str,
    run: fn(&mut Context<'_>) -> Result<Outcome>,
}

/// How a step ended that did not fail.
enum Outcome {
    Done,
    /// There is nothing to check yet.
    Skipped(&'static str),
}

/// What steps share.
pub(crate) struct Context<'a> {
    workspace: &'a Workspace,
    cluster: Option<Cluster>,
}

/// Every step, in order.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        about: "every file is formatted as `rustfmt.toml` says",
        advice: "run `cargo fmt --all`",
        run: steps::fmt,
    },
    Step {
        name: "tidy",
        about: "the repository keeps its own rules (below)",
        advice: "each line above says what to change",
        run: steps::tidy,
    },
    Step {
        name: "install",
        about: "PostgreSQL and cvc5 are here, or are installed from Debian's packages when run as root",
        advice: "install what the line above names",
        run: steps::install,
    },
    Step {
        name: "clippy",
        about: "no lint of rustc or clippy, in code and tests",
        advice: "run `cargo clippy --workspace --all-targets`",
        run: steps::clippy,
    },
    Step {
        name: "doc",
        about: "the documents of the code build, every link in them resolves",
        advice: "run `RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps`",
        run: steps::doc,
    },
    Step {
        name: "build",
        about: "programs and tests build",
        advice: "run `cargo build --workspace --bins --tests`",
        run: steps::build,
    },
    Step {
        name: "test",
        about: "unit and integration tests pass, on SQLite and on a throw-away PostgreSQL",
        advice: "run `cargo xtask pg -- cargo test --package CRATE TEST`",
        run: steps::test,
    },
    Step {
        name: "doctest",
        about: "the examples in the documents of the code pass",
        advice: "run `cargo test --workspace --doc`",
        run: steps::doctest,
    },
    Step {
        name: "gen",
        about: "committed files that are made from the code are as the code makes them",
        advice: "run `cargo xtask gen` and commit what it wrote",
        run: steps::generated,
    },
    Step {
        name: "fuzz",
        about: "no parser of foreign bytes panics, hangs or reads what it would write in another way",
        advice: "run `cargo xtask fuzz --replay FILE` with the file named above",
        run: steps::fuzz,
    },
    Step {
        name: "sim",
        about: "the promises hold on many simulated nodes under a faulty network",
        advice: "run `cargo xtask sim --seed N` with the seed named above",
        run: steps::simulation,
    },
    Step {
        name: "nodes",
        about: "real nodes, as processes, carry out the demonstration and check its evidence",
        advice: "run `cargo run --package mithaq -- demo --check`",
        run: steps::nodes,
    },
    Step {
        name: "kill",
        about: "real nodes are killed twenty times under a broken network while keys change, then whole demos at one moment, and nothing is lost, doubled or unsigned",
        advice: "run `cargo xtask kill --seed S` with the seed named above",
        run: steps::kills,
    },
    Step {
        name: "cluster",
        about: "three processes on a PostgreSQL with a standby lose one of them and the primary, and nothing else",
        advice: "run `cargo xtask cluster --seconds 10 --seed S` with the seed named above",
        run: steps::cluster,
    },
];

/// Runs the chosen steps, stops at the first that fails, and prints how long each took.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let chosen = choose(&options.only, &options.skip)?;
    if options.list {
        for step in chosen {
            println!("{:<8} {}", step.name, step.about);
        }
        return Ok(());
    }
    let mut context = Context { workspace, cluster: None };
    let mut report = Report::default();
    for step in &chosen {
        println!("\n=== {}: {}", step.name, step.about);
        let start = Instant::now();
        let result = (step.run)(&mut context);
        let took = start.elapsed();
        println!("=== {} took {:.1} s", step.name, took.as_secs_f64());
        match result {
            Ok(outcome) => report.add(step.name, outcome, took),
            Err(error) => {
                report.fail(step.name, took);
                drop(context.cluster.take());
                println!("\n{report}");
                bail!("step `{}`: {error:#}\nhint: {}", step.name, step.advice);
            }
        }
    }
    drop(context.cluster.take());
    println!("\n{report}");
    Ok(())
}

/// The steps that `--only` and `--skip` leave, in their own order.
fn choose(only: &[String], skip: &[String]) -> Result<Vec<&'static Step>> {
    for name in only.iter().chain(skip) {
        if !STEPS.iter().any(|step| step.name == name) {
            let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
            bail!("there is no step `{name}`\nhint: the steps are {}", names.join(", "));
        }
    }
    let wanted = |step: &&Step| {
        let named = |names: &[String]| names.iter().any(|name| name == step.name);
        (only.is_empty() || named(only)) && !named(skip)
    };
    Ok(STEPS.iter().filter(wanted).collect())
}

impl Context<'_> {
    fn cargo(&self, args: &[&str]) -> Command {
        shell::cargo(&self.workspace.root, args)
    }

    fn program(&self, name: &str, args: &[&str]) -> Command {
        shell::program(&self.workspace.root, self.workspace.bin(name), args)
    }

    /// Starts the server at its first use; it stays up until the last step.
    fn cluster(&mut self) -> Result<&Cluster> {
        if self.cluster.is_none() {
            self.cluster = Some(Cluster::start(&self.workspace.root)?);
        }
        match &self.cluster {
            Some(cluster) => Ok(cluster),
            None => bail!("no PostgreSQL"),
        }
    }
}

/// The table at the end.
#[derive(Default)]
struct Report {
    lines: Vec<(&'static str, String, Duration)>,
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Report {
    fn add(&mut self, name: &'static str, outcome: Outcome, took: Duration) {
        let word = match outcome {
            Outcome::Done => {
                self.passed += 1;
                "passed".to_owned()
            }
            Outcome::Skipped(why) => {
                self.skipped += 1;
                format!("skipped: {why}")
            }
        };
        self.lines.push((name, word, took));
    }

    fn fail(&mut self, name: &'static str, took: Duration) {
        self.failed += 1;
        self.lines.push((name, "FAILED".to_owned(), took));
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut total = Duration::ZERO;
        for (name, word, took) in &self.lines {
            total += *took;
            writeln!(f, "{name:<8} {:>7.1} s  {word}", took.as_secs_f64())?;
        }
        writeln!(f, "{:<8} {:>7.1} s", "all", total.as_secs_f64())?;
        // The last line has the form that test runners close with, so that other programs can read it.
        write!(f, "steps: {} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[&str], skip: &[&str]) -> Result<Vec<&'static str>> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Ok(choose(&owned(only), &owned(skip))?.into_iter().map(|step| step.name).collect())
    }

    #[test]
    fn steps_are_chosen_in_their_own_order() {
        assert_eq!(names(&["test", "fmt"], &[]).unwrap(), ["fmt", "test"]);
        assert_eq!(names(&["test", "fmt"], &["fmt"]).unwrap(), ["test"]);
        assert_eq!(names(&[], &[]).unwrap().len(), STEPS.len());
        assert_eq!(names(&[], &["sim"]).unwrap().len(), STEPS.len() - 1);
    }

    #[test]
    fn an_unknown_step_is_refused_in_both_lists() {
        for error in [names(&["tests"], &[]), names(&[], &["tests"])] {
            let words = error.unwrap_err().to_string();
            assert!(words.contains("`tests`") && words.contains("hint: the steps are fmt, "), "{words}");
        }
    }

    #[test]
    fn step_names_are_unique_words() {
        let mut seen = std::collections::BTreeSet::new();
        for step in STEPS {
            assert!(seen.insert(step.name), "{}", step.name);
            assert!(step.name.bytes().all(|byte| byte.is_ascii_lowercase()) && step.name.len() <= 8);
            assert!(!step.about.ends_with('.') && !step.advice.is_empty());
        }
    }

    #[test]
    fn the_report_closes_with_its_counts() {
        let mut report = Report::default();
        report.add("fmt", Outcome::Done, Duration::from_millis(1_500));
        report.add("sim", Outcome::Skipped("nothing yet"), Duration::ZERO);
        report.fail("test", Duration::from_secs(2));
        let text = report.to_string();
        assert!(text.contains("fmt          1.5 s  passed\n"), "{text}");
        assert!(text.contains("skipped: nothing yet\n") && text.contains("test         2.0 s  FAILED\n"));
        assert!(text.ends_with("all          3.5 s\nsteps: 1 passed, 1 failed, 1 skipped"), "{text}");
    }
}
