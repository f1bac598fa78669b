//! `cargo xtask bench check`: the private check and its peer, openmined.psi, in one run, on the same sizes.
//!
//! The peer runs when the Python of its environment is given. It asks a set of the same number of tokens, with as many
//! elements; it has no update and makes the set anew.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::table::Table;
use crate::shell;
use crate::workspace::Workspace;

/// Names of the two columns.
const OURS: &str = "ours";
const PEER: &str = "openmined.psi";

#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    /// Python of an environment with openmined.psi (`python3 -m venv DIR && DIR/bin/pip install openmined.psi`);
    /// without it only ours is measured
    #[arg(long, value_name = "PYTHON")]
    peer: Option<PathBuf>,
    /// Tokens of the set
    #[arg(long, default_value_t = 1_000_000)]
    tokens: u32,
}

pub(super) fn run(workspace: &Workspace, options: &CheckOptions) -> Result<()> {
    let root = workspace.root.as_path();
    let build = ["build", "--release", "--locked", "-p", "mithaq-check", "--example", "check_speed"];
    shell::run(&mut shell::cargo(root, &build))?;
    let mut table = Table::default();
    let tokens = options.tokens.to_string();
    let ours = root.join("target/release/examples/check_speed");
    let shown = said(&mut shell::program(root, &ours, &["--tokens", &tokens]))?;
    let asked = ours_into(&mut table, &shown, options.tokens);
    if let Some(python) = &options.peer {
        let script = root.join("xtask/src/bench/openmined_psi.py").display().to_string();
        let mut arguments = vec![script, tokens];
        arguments.extend(asked.iter().map(|(_, many)| many.to_string()));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let shown = said(&mut shell::program(root, python, &arguments))?;
        peer_into(&mut table, &shown, options.tokens, &asked);
    }
    println!("\n{table}");
    Ok(())
}

/// Runs a program and shows what it says.
fn said(command: &mut std::process::Command) -> Result<String> {
    println!("$ {}", shell::show(command));
    let shown = shell::output(command)?;
    print!("{shown}");
    if shown.lines().filter_map(time).next().is_none() {
        bail!("it measured nothing");
    }
    Ok(shown)
}

/// Label, wall and CPU seconds of a line; none for a line that is no time.
fn time(line: &str) -> Option<(&str, f64, f64)> {
    let (label, times) = line.split_once(" wall ")?;
    let (wall, cpu) = times.split_once(" s  cpu ")?;
    let number = |text: &str| text.trim().trim_end_matches(" s").trim().parse().ok();
    Some((label.trim(), number(wall)?, number(cpu)?))
}

fn set_row(tokens: u32) -> String {
    format!("set of {tokens} tokens")
}

fn both(wall: f64, cpu: f64) -> String {
    format!("{wall:.2} s ({cpu:.2})")
}

/// Rows of ours; returns what the peer shall do: a row and how many tokens are asked in it.
fn ours_into(table: &mut Table, shown: &str, tokens: u32) -> Vec<(String, u32)> {
    let times: Vec<(&str, f64, f64)> = shown.lines().filter_map(time).collect();
    let set =
        times.iter().filter(|(label, ..)| matches!(*label, "outputs of the set" | "tags, sorted" | "filter"));
    let (wall, cpu) = set.fold((0.0, 0.0), |sum, one| (sum.0 + one.1, sum.1 + one.2));
    table.put(&set_row(tokens), OURS, both(wall, cpu));
    let mut asked = Vec::new();
    for (label, wall, cpu) in &times {
        let numbers: Vec<u32> = label.split(' ').filter_map(|word| word.parse().ok()).collect();
        let many = match (
            label.contains("tokens asked:"),
            label.contains("tokens each asked"),
            numbers.as_slice(),
        ) {
            (true, _, [many, ..]) => *many,
            (_, true, [subjects, each, ..]) => subjects * each,
            _other if label.starts_with("update") || label.starts_with("verifiable") => 0,
            _other => continue,
        };
        table.put(label, OURS, both(*wall, *cpu));
        if many > 0 {
            asked.push(((*label).to_owned(), many));
        }
    }
    for line in shown.lines() {
        if let Some(bytes) = line.strip_prefix("filter: ").and_then(|rest| rest.split(' ').next()) {
            table.put("bytes of the set", OURS, bytes.to_owned());
        }
    }
    bytes_each_way(table, OURS, shown);
    asked
}

/// Bytes of a token, as both programs say them behind the hits; the last word counts.
fn bytes_each_way(table: &mut Table, engine: &str, shown: &str) {
    let mut said =
        shown.lines().filter(|line| line.starts_with("hits ")).filter_map(|line| line.split_once("; "));
    if let Some((_, bytes)) = said.next_back() {
        let bytes = bytes.split(' ').next().unwrap_or_default();
        table.put("bytes per token there and back", engine, bytes.to_owned());
    }
}

fn peer_into(table: &mut Table, shown: &str, tokens: u32, asked: &[(String, u32)]) {
    for (label, wall, cpu) in shown.lines().filter_map(time) {
        let many = label.strip_prefix("asked ").and_then(|many| many.parse::<u32>().ok());
        match many {
            None => table.put(&set_row(tokens), PEER, both(wall, cpu)),
            Some(many) => {
                for (row, _) in asked.iter().filter(|(_, of)| *of == many) {
                    table.put(row, PEER, both(wall, cpu));
                }
            }
        }
    }
    for line in shown.lines() {
        if let Some(bytes) = line.strip_prefix("set: ").and_then(|rest| rest.strip_suffix(" bytes")) {
            table.put("bytes of the set", PEER, bytes.to_owned());
        }
    }
    bytes_each_way(table, PEER, shown);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_programs_are_read_into_one_table() {
        let ours = "outputs of the set     wall   10.000 s  cpu   20.00 s\ntags, sorted   wall    0.500 s  cpu    0.50 s\n\
                    filter   wall    0.500 s  cpu    0.50 s\nfilter: 52 bytes, 41.60 bits per tag\n\
                    10000 tokens asked: blind, evaluate, finalize, match   wall    0.380 s  cpu    0.74 s\n\
                    1000 subjects of 6 tokens each asked   wall    0.220 s  cpu    0.41 s\n";
        let mut table = Table::default();
        let asked = ours_into(&mut table, ours, 10);
        assert_eq!(asked.iter().map(|(_, many)| *many).collect::<Vec<_>>(), [10_000, 6_000]);
        let peer = "set   wall   90.000 s  cpu   90.00 s\nset: 56 bytes\nasked 10000   wall    2.100 s  cpu    2.10 s\n\
                    hits 5000; 70.0 bytes per token there and back\n";
        peer_into(&mut table, peer, 10, &asked);
        let shown = table.to_string();
        for cell in
            ["11.00 s (21.00)", "90.00 s (90.00)", "0.38 s (0.74)", "2.10 s (2.10)", "52", "56", "70.0"]
        {
            assert!(shown.contains(cell), "{cell} in\n{shown}");
        }
        assert_eq!(time("hits 5000; 64 bytes per token there and back"), None);
    }
}
