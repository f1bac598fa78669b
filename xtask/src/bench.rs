//! `cargo xtask bench names`: our engine and the peers, in one run, by the scorers of the evaluation directory.
//!
//! The sets are not part of the repository. Peers run when their Python environment is given; without it only ours.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use crate::shell;
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Likeness, retrieval, index and spotting of names
    Names(NamesOptions),
}

#[derive(Debug, Args)]
struct NamesOptions {
    /// Directory of the evaluation sets and scorers
    #[arg(long, value_name = "DIR", default_value = "../shared/eval/names")]
    eval: PathBuf,
    /// Python of an environment with the peers; without it they are not run
    #[arg(long, value_name = "PYTHON")]
    peers: Option<PathBuf>,
    /// A `mithaq` that is built already [default: built for release]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Every n-th query only, so many in all
    #[arg(long, value_name = "N")]
    limit_queries: Option<usize>,
    /// Names of the made index
    #[arg(long, default_value_t = 10_000_000)]
    made: usize,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let What::Names(options) = &options.what;
    let root = workspace.root.as_path();
    let eval = root.join(&options.eval);
    if !eval.join("eval_pairs.py").is_file() {
        bail!(
            "`{}` holds no eval_pairs.py\nhint: name the directory of the sets with --eval",
            options.eval.display()
        );
    }
    let binary = match &options.binary {
        Some(binary) => std::path::absolute(binary)?,
        None => {
            shell::run(&mut shell::cargo(root, &["build", "--release", "--locked", "-p", "mithaq"]))?;
            root.join("target/release/mithaq")
        }
    };
    pairs(root, &eval, &binary, options)?;
    retrieval(root, &eval, &binary, options)?;
    let names = eval.join("dev/index.tsv").display().to_string();
    let made = options.made.to_string();
    let args = [
        "run",
        "--release",
        "--locked",
        "-p",
        "mithaq-name-index",
        "--example",
        "scale",
        "--",
        &names,
        &made,
    ];
    shell::run(&mut shell::cargo(root, &args))
}

fn pairs(root: &Path, eval: &Path, binary: &Path, options: &NamesOptions) -> Result<()> {
    let mut engines = vec![format!("ours={} names pairs", binary.display())];
    for peer in ["nk:name-based", "nk:logic-v2"] {
        engines.extend(peer_engine(eval, options, "peers_pairs.py", peer));
    }
    score(root, eval, "eval_pairs.py", "dev,nk_bench", &engines, None)
}

fn retrieval(root: &Path, eval: &Path, binary: &Path, options: &NamesOptions) -> Result<()> {
    for (set, kind) in [("dev", "person"), ("dev_org", "org"), ("dev_place", "place")] {
        let mut engines = vec![format!("ours={} names retrieve --kind {kind}", binary.display())];
        engines.extend(peer_engine(eval, options, "peers_retrieval.py", "tantivy+icu"));
        score(root, eval, "eval_retrieval.py", set, &engines, options.limit_queries)?;
    }
    Ok(())
}

fn peer_engine(eval: &Path, options: &NamesOptions, script: &str, peer: &str) -> Option<String> {
    let python = options.peers.as_ref()?;
    Some(format!("{peer}={} {} {peer}", python.display(), eval.join(script).display()))
}

fn score(
    root: &Path,
    eval: &Path,
    script: &str,
    sets: &str,
    engines: &[String],
    limit: Option<usize>,
) -> Result<()> {
    let (script, eval) = (eval.join(script).display().to_string(), eval.display().to_string());
    let mut command = shell::program(root, "python3", &[&script, "--root", &eval, "--sets", sets]);
    for engine in engines {
        command.args(["--engine", engine]);
    }
    if let Some(limit) = limit {
        command.args(["--limit-queries", &limit.to_string()]);
    }
    shell::run(&mut command)
}
