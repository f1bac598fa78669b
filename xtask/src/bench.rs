//! `cargo xtask bench names`: our engine and the peers, in one run, by the scorers of the evaluation directory; one
//! table at the end. `cargo xtask bench check`: the private check and its peer.
//!
//! The sets are not part of the repository. Peers run when their Python environment is given; without it only ours.
//! Only the examples that speak the protocols of the scorers are built for release, not the whole program.

mod check;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};

use crate::shell;
use crate::workspace::Workspace;
use table::Table;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Likeness, retrieval, index and spotting of names
    Names(NamesOptions),
    /// The private check: the tag set, questions against it, an update
    Check(check::CheckOptions),
}

#[derive(Debug, Args)]
struct NamesOptions {
    /// Directory of the evaluation sets and scorers
    #[arg(long, value_name = "DIR", default_value = "../shared/eval/names")]
    eval: PathBuf,
    /// Python of an environment with the peers; without it they are not run
    #[arg(long, value_name = "PYTHON")]
    peers: Option<PathBuf>,
    /// A `mithaq` that is built already, instead of the examples
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Every n-th query only, so many in all
    #[arg(long, value_name = "N")]
    limit_queries: Option<usize>,
    /// Names of the made index
    #[arg(long, default_value_t = 10_000_000)]
    made: usize,
    /// Names that are looked for in the made text
    #[arg(long, default_value_t = 1_000_000)]
    spotted: usize,
}

/// Peers that score pairs, and those that search.
const PAIR_PEERS: [&str; 2] = ["nk:name-based", "nk:logic-v2"];
const SEARCH_PEERS: [&str; 2] = ["tantivy+icu", "tantivy+any"];

/// How often the pairs of the set are scored to tell the rate.
const RATE_TIMES: usize = 20;

struct Bench<'a> {
    root: &'a Path,
    eval: PathBuf,
    options: &'a NamesOptions,
    /// Commands of ours: pairs, retrieve.
    ours: [String; 2],
    /// Where the scorers append what they found.
    results: PathBuf,
    table: Table,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    match &options.what {
        What::Names(options) => names(workspace, options),
        What::Check(options) => check::run(workspace, options),
    }
}

fn names(workspace: &Workspace, options: &NamesOptions) -> Result<()> {
    let root = workspace.root.as_path();
    let eval = root.join(&options.eval);
    if !eval.join("eval_pairs.py").is_file() {
        bail!(
            "`{}` holds no eval_pairs.py\nhint: name the directory of the sets with --eval",
            options.eval.display()
        );
    }
    let packages = ["-p", "mithaq-names", "-p", "mithaq-name-index"];
    let args = ["build", "--release", "--locked", "--examples"];
    shell::run(&mut shell::cargo(root, &[&args[..], &packages[..]].concat()))?;
    let examples = root.join("target/release/examples");
    let ours = match &options.binary {
        Some(binary) => {
            let binary = std::path::absolute(binary)?;
            ["pairs", "retrieve"].map(|what| format!("{} names {what}", binary.display()))
        }
        None => ["pairs", "retrieve"].map(|what| examples.join(what).display().to_string()),
    };
    let results = root.join("target/bench-names.jsonl");
    let mut bench = Bench { root, eval, options, ours, results, table: Table::default() };
    bench.pairs()?;
    bench.retrieval()?;
    bench.made(&examples.join("scale"))?;
    println!("\n{}", bench.table);
    Ok(())
}

impl Bench<'_> {
    fn pairs(&mut self) -> Result<()> {
        let [ours, _] = &self.ours;
        let mut engines = vec![format!("ours={ours}")];
        engines.extend(PAIR_PEERS.iter().filter_map(|peer| self.peer("peers_pairs.py", peer)));
        let (found, _) = self.score("eval_pairs.py", "dev,nk_bench", &engines, None)?;
        found.iter().for_each(|result| self.table.pairs(result));
        self.rate()
    }

    /// Pairs a second over the set many times: the scorer's own figure is of a tenth of a second, half of it start-up.
    fn rate(&mut self) -> Result<()> {
        let set = std::fs::read_to_string(self.eval.join("dev/pairs.tsv"))?;
        let lines = pair_lines(&set).context("dev/pairs.tsv lacks a column")?.repeat(RATE_TIMES);
        let file = self.root.join("target/bench-pairs.tsv");
        std::fs::write(&file, &lines).with_context(|| format!("cannot write {}", file.display()))?;
        let asked = lines.lines().count();
        let fed = format!("{} < \"$0\"", self.ours[0]);
        let mut command = shell::program(self.root, "sh", &["-c", &fed, &file.display().to_string()]);
        println!("$ {}", shell::show(&command));
        let begin = std::time::Instant::now();
        let answered = shell::output(&mut command)?.lines().count();
        let seconds = begin.elapsed().as_secs_f64();
        if answered != asked {
            bail!("{asked} pairs were asked, {answered} answered");
        }
        let row = format!("pairs a second, {RATE_TIMES} times the set, start-up counted");
        self.table.put(&row, "ours", format!("{:.0}", f64::from(u32::try_from(asked)?) / seconds));
        Ok(())
    }

    fn retrieval(&mut self) -> Result<()> {
        for (set, kind) in [("dev", "person"), ("dev_org", "org"), ("dev_place", "place")] {
            let [_, ours] = &self.ours;
            let ours = vec![format!("ours={ours} --kind {kind}")];
            let (found, said) = self.score("eval_retrieval.py", set, &ours, self.options.limit_queries)?;
            found.iter().for_each(|result| self.table.retrieval(result));
            self.table.times(set, &said);
            let peers: Vec<String> =
                SEARCH_PEERS.iter().filter_map(|peer| self.peer("peers_retrieval.py", peer)).collect();
            for peer in peers {
                let limit = self.options.limit_queries;
                match self.score("eval_retrieval.py", set, std::slice::from_ref(&peer), limit) {
                    Ok((found, _)) => found.iter().for_each(|result| self.table.retrieval(result)),
                    Err(why) => println!("peer left out: {why:#}"),
                }
            }
        }
        Ok(())
    }

    /// Index and spotting of made names.
    fn made(&mut self, scale: &Path) -> Result<()> {
        let names = self.eval.join("dev/index.tsv").display().to_string();
        for count in [200_000, self.options.made] {
            let spotted = if count == 200_000 { 1_000 } else { self.options.spotted };
            let (count, spotted) = (count.to_string(), spotted.to_string());
            let args = [names.as_str(), &count, &spotted];
            let mut command = shell::program(self.root, scale, &args);
            println!("$ {}", shell::show(&command));
            let shown = shell::output(&mut command)?;
            print!("{shown}");
            shown.lines().for_each(|line| self.table.line(line));
        }
        Ok(())
    }

    fn peer(&self, script: &str, peer: &str) -> Option<String> {
        let python = self.options.peers.as_ref()?;
        Some(format!("{peer}={} {} {peer}", python.display(), self.eval.join(script).display()))
    }

    /// Runs a scorer; returns its results, one JSON object each, and what was said on standard error.
    fn score(
        &self,
        script: &str,
        sets: &str,
        engines: &[String],
        limit: Option<usize>,
    ) -> Result<(Vec<serde_json::Value>, String)> {
        let (script, eval) = (self.eval.join(script).display().to_string(), self.eval.display().to_string());
        let results = self.results.display().to_string();
        std::fs::write(&self.results, "").with_context(|| format!("cannot write {results}"))?;
        let args = [&script, "--root", &eval, "--sets", sets, "--out", &results];
        let mut command = shell::program(self.root, "python3", &args);
        for engine in engines {
            command.args(["--engine", engine]);
        }
        if let Some(limit) = limit {
            command.args(["--limit-queries", &limit.to_string()]);
        }
        println!("$ {}", shell::show(&command));
        let output = command.stdin(std::process::Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        print!("{}", String::from_utf8_lossy(&output.stdout));
        if !output.status.success() {
            let last = said.lines().rev().take(3).collect::<Vec<_>>().join(" | ");
            bail!("the scorer failed ({}): {last}", output.status);
        }
        let lines = std::fs::read_to_string(&self.results)?;
        let found = lines.lines().map(serde_json::from_str).collect::<Result<Vec<_>, _>>();
        Ok((found.context("the scorer wrote no JSON")?, said))
    }
}

/// The set as `pairs` reads it: `id TAB kind TAB a TAB b`. `None` when a column is missing.
fn pair_lines(set: &str) -> Option<String> {
    let mut rows = set.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = rows.next()?;
    let columns: Vec<usize> = ["id", "kind", "a", "b"]
        .iter()
        .map(|name| header.iter().position(|column| column == name))
        .collect::<Option<_>>()?;
    rows.map(|row| {
        let fields = columns.iter().map(|&at| row.get(at).copied()).collect::<Option<Vec<_>>>()?;
        Some(fields.join("\t") + "\n")
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::pair_lines;

    #[test]
    fn pairs_of_the_set_are_asked_by_the_columns_of_its_header() {
        let set = "id\ta\tb\tlabel\tkind\np0\tNina\tНина\t1\tperson\n";
        assert_eq!(pair_lines(set).as_deref(), Some("p0\tperson\tNina\tНина\n"));
        assert_eq!(pair_lines("id\ta\tb\np0\tNina\tНина\n"), None);
        assert_eq!(pair_lines("id\ta\tb\tkind\np0\tNina\n"), None);
    }
}
