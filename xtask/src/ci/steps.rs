//! What each step of [`super::STEPS`] does.

use super::{Context, Outcome};
use crate::workspace::Workspace;
use crate::{generate, properties, shell, system, tidy};
use anyhow::Result;
use std::path::Path;

/// What the simulation and the fuzzer get in one run of the checks.
const FUZZ_SECONDS: &str = "20";
const SIM_SEEDS: &str = "1200";

/// The kill loop in one run of the checks: always the same schedule, so that a failure is one of the change.
/// The checks' own build brings some thirty reports a second through; more would only be written ahead.
const KILLS: &[&str] = &["bench", "kill", "--rotate", "--cycles", "20", "--rate", "40", "--seed", "1"];
/// The plug pulled on a whole demo, at moments that do not change.
const PLUGS: &[&str] = &["bench", "plug", "--times", "4", "--within", "16s", "--seed", "1"];
/// Kills of several processes on a server with a standby.
const CLUSTER: &[&str] = &["--seconds", "10", "--seed", "1"];

/// Runs of the real program. Each begins with the subcommand it needs; one that does not exist yet is left out.
const NODE_RUNS: &[&[&str]] = &[&["demo", "--check", "--loss"]];

/// Everything with tests in it, built once: programs too, under the same features as the tests.
const BUILD: &[&str] = &["build", "--workspace", "--bins", "--tests"];

/// Options of `cargo xtask sim`.
#[derive(Debug, clap::Args)]
pub(crate) struct SimOptions {
    /// What to hand to the simulation: `--seeds N`, `--seed S`, …
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Options of `cargo xtask kill`.
#[derive(Debug, clap::Args)]
pub(crate) struct KillOptions {
    /// What to hand to the kill loop: `--cycles N`, `--seed S`, `--calm`, …
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub(super) fn fmt(context: &mut Context<'_>) -> Result<Outcome> {
    done(shell::run(&mut context.cargo(&["fmt", "--all", "--", "--check", "-l"])))
}

pub(super) fn tidy(context: &mut Context<'_>) -> Result<Outcome> {
    done(tidy::check(context.workspace))
}

pub(super) fn install(context: &mut Context<'_>) -> Result<Outcome> {
    done(system::ensure(&context.workspace.root, &[system::POSTGRES, system::CVC5]))
}

pub(super) fn clippy(context: &mut Context<'_>) -> Result<Outcome> {
    let args = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    done(shell::run(&mut context.cargo(&args)))
}

pub(super) fn doc(context: &mut Context<'_>) -> Result<Outcome> {
    let args = ["doc", "--workspace", "--no-deps", "--locked", "--quiet"];
    done(shell::run(context.cargo(&args).env("RUSTDOCFLAGS", "-D warnings")))
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Outcome> {
    done(shell::run(context.cargo(BUILD).arg("--locked")))
}

/// cargo-nextest when it is here, as it runs tests of all packages side by side; else `cargo test`.
pub(super) fn test(context: &mut Context<'_>) -> Result<Outcome> {
    let nextest = system::find("cargo-nextest").is_some();
    let mut command = if nextest {
        context.cargo(&[
            "nextest",
            "run",
            "--workspace",
            "--locked",
            "--no-fail-fast",
            "--status-level",
            "fail",
        ])
    } else {
        context.cargo(&["test", "--workspace", "--locked", "--no-fail-fast", "--bins", "--lib", "--tests"])
    };
    context.cluster()?.export(&mut command);
    properties::pin(&mut command);
    done(shell::run(&mut command))
}

pub(super) fn doctest(context: &mut Context<'_>) -> Result<Outcome> {
    done(shell::run(&mut context.cargo(&["test", "--workspace", "--locked", "--doc", "--quiet"])))
}

pub(super) fn generated(context: &mut Context<'_>) -> Result<Outcome> {
    done(generate::check_committed(context.workspace))
}

pub(super) fn fuzz(context: &mut Context<'_>) -> Result<Outcome> {
    if !context.workspace.has_bin("mithaq-fuzzing") {
        return Ok(Outcome::Skipped("no program `mithaq-fuzzing` yet"));
    }
    shell::run(&mut context.cargo(BUILD))?;
    done(shell::run(&mut context.program("mithaq-fuzzing", &["--seconds", FUZZ_SECONDS])))
}

pub(super) fn simulation(context: &mut Context<'_>) -> Result<Outcome> {
    if !context.workspace.has_bin("mithaq-sim") {
        return Ok(Outcome::Skipped("no program `mithaq-sim` yet"));
    }
    shell::run(&mut context.cargo(BUILD))?;
    done(shell::run(&mut context.program("mithaq-sim", &["--seeds", SIM_SEEDS])))
}

pub(super) fn nodes(context: &mut Context<'_>) -> Result<Outcome> {
    shell::run(&mut context.cargo(BUILD))?;
    let help = shell::output(&mut context.program("mithaq", &["--help"]))?;
    let mut ran = false;
    for args in NODE_RUNS {
        if args.first().is_some_and(|name| offers(&help, name)) {
            shell::run(&mut context.program("mithaq", args))?;
            ran = true;
        }
    }
    Ok(if ran { Outcome::Done } else { Outcome::Skipped("the program has no `demo` yet") })
}

/// Builds and runs the simulation with the given arguments.
pub(crate) fn sim(workspace: &Workspace, options: &SimOptions) -> Result<()> {
    let root: &Path = &workspace.root;
    let args: Vec<&str> = options.args.iter().map(String::as_str).collect();
    shell::run(&mut shell::cargo(root, &["build", "--quiet", "--package", "mithaq-sim"]))?;
    shell::run(&mut shell::program(root, workspace.bin("mithaq-sim"), &args))
}

pub(super) fn kills(context: &mut Context<'_>) -> Result<Outcome> {
    shell::run(&mut context.cargo(BUILD))?;
    shell::run(&mut context.program("mithaq", KILLS))?;
    done(shell::run(&mut context.program("mithaq", PLUGS)))
}

pub(super) fn cluster(context: &mut Context<'_>) -> Result<Outcome> {
    shell::run(&mut context.cargo(BUILD))?;
    let program = context.workspace.bin("mithaq");
    done(crate::cluster::on_servers(&context.workspace.root, &program, CLUSTER, false))
}

/// Builds the nodes and kills them with the given arguments.
pub(crate) fn kill(workspace: &Workspace, options: &KillOptions) -> Result<()> {
    let root: &Path = &workspace.root;
    let args: Vec<&str> =
        ["bench", "kill"].into_iter().chain(options.args.iter().map(String::as_str)).collect();
    shell::run(&mut shell::cargo(root, &["build", "--quiet", "--package", "mithaq"]))?;
    shell::run(&mut shell::program(root, workspace.bin("mithaq"), &args))
}

/// Whether the help of a program lists a subcommand.
fn offers(help: &str, subcommand: &str) -> bool {
    help.lines().any(|line| line.starts_with("  ") && line.split_whitespace().next() == Some(subcommand))
}

fn done(result: Result<()>) -> Result<Outcome> {
    result.map(|()| Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subcommand_is_found_in_the_list_of_commands_only() {
        let help = "Agree first; demo later\n\nCommands:\n  init   Make a node\n  demo   Three agencies\n";
        assert!(offers(help, "demo") && offers(help, "init"));
        assert!(!offers(help, "Three") && !offers(help, "Agree") && !offers("", "demo"));
    }
}
