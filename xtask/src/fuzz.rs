//! `cargo xtask fuzz`: builds and runs the mutating fuzzer of `mithaq-fuzzing`.

use crate::shell;
use crate::workspace::Workspace;
use anyhow::Result;

/// Options of `cargo xtask fuzz`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What to hand to the fuzzer: `--seconds N`, `--target T`, `--seed S`, `--replay FILE`, `--list`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Builds the fuzzer and runs it with the given arguments.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let root = &workspace.root;
    let args: Vec<&str> = options.args.iter().map(String::as_str).collect();
    shell::run(&mut shell::cargo(root, &["build", "--quiet", "--package", "mithaq-fuzzing"]))?;
    shell::run(&mut shell::program(root, workspace.bin("mithaq-fuzzing"), &args))
}
