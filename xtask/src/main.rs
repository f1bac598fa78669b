//! The automation of the project. `cargo xtask ci` is the whole check, the same here and on a server.
//!
//! Nothing that ships depends on this crate, and it does nothing that a person could not do by hand with the
//! commands it prints.

mod bench;
mod ci;
mod cluster;
mod fuzz;
mod generate;
mod package;
mod pg;
mod properties;
mod record;
mod shell;
mod system;
mod tidy;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use workspace::Workspace;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Check, generate and exercise Mithaq")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every check: format, lints, tests on both databases, documents, fuzz, simulation, real nodes
    Ci(ci::Options),
    /// Run the fast checks on the repository itself
    Tidy(tidy::Options),
    /// Regenerate the committed reference files
    Gen(generate::Options),
    /// Record a conversation of this version for later ones to read
    Record(record::Options),
    /// Feed mutated input to every parser of foreign bytes
    Fuzz(fuzz::Options),
    /// Measure against peers, on sets that are not part of the repository
    Bench(bench::Options),
    /// Run many simulated nodes under a faulty network
    Sim(ci::SimOptions),
    /// Kill real nodes in the middle of their work and judge what is left
    Kill(ci::KillOptions),
    /// Run three processes of one node on a PostgreSQL with a standby, kill one and the primary, and judge what is left
    Cluster(cluster::Options),
    /// Build the Debian package, and rate the systemd unit
    Package(package::Options),
    /// Run the property tests with random cases that the checks do not try
    Properties(properties::Options),
    /// Run a command with a throw-away PostgreSQL, named in MITHAQ_TEST_PG
    Pg(pg::Options),
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<()> {
    let workspace = Workspace::load()?;
    match args.command {
        Command::Ci(options) => ci::run(&workspace, &options),
        Command::Tidy(options) => tidy::run(&workspace, &options),
        Command::Gen(options) => generate::run(&workspace, &options),
        Command::Record(options) => record::run(&workspace, &options),
        Command::Fuzz(options) => fuzz::run(&workspace, &options),
        Command::Bench(options) => bench::run(&workspace, &options),
        Command::Sim(options) => ci::sim(&workspace, &options),
        Command::Kill(options) => ci::kill(&workspace, &options),
        Command::Cluster(options) => cluster::run(&workspace, &options),
        Command::Package(options) => package::run(&workspace, &options),
        Command::Properties(options) => properties::run(&workspace, &options),
        Command::Pg(options) => pg::run(&workspace, &options),
    }
}
