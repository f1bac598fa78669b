//! `mithaq-sim --seeds N [--seed S] [--nodes N] [--verbose]`: runs seeds and prints what broke. One number
//! replays a run.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use mithaq_sim::{Options, Outcome, run};

/// What was asked.
struct Wish {
    first: u64,
    seeds: u64,
    nodes: usize,
    verbose: bool,
}

const HELP: &str =
    "usage: mithaq-sim [--seeds N (default 100)] [--seed FIRST (default 1)] [--nodes 5] [--verbose]";

fn wish() -> Option<Wish> {
    let mut wish = Wish { first: 1, seeds: 100, nodes: 5, verbose: false };
    let mut words = std::env::args().skip(1);
    let mut one = false;
    let mut counted = false;
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|n| n.parse::<u64>().ok());
        match word.as_str() {
            "--seeds" => (wish.seeds, counted) = (number()?, true),
            "--seed" => (wish.first, one) = (number()?, true),
            "--nodes" => wish.nodes = usize::try_from(number()?).ok().filter(|n| (2..=12).contains(n))?,
            "--verbose" => wish.verbose = true,
            _unknown => return None,
        }
    }
    if one && !counted {
        wish.seeds = 1;
    }
    Some(wish)
}

fn main() -> ExitCode {
    let Some(wish) = wish() else {
        let _ = writeln!(std::io::stderr(), "{HELP}");
        return ExitCode::from(2);
    };
    let next = AtomicU64::new(0);
    let (tell, hear) = mpsc::channel::<(u64, Outcome)>();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _worker in 0..workers {
            let (tell, next, wish) = (tell.clone(), &next, &wish);
            scope.spawn(move || {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth >= wish.seeds {
                        return;
                    }
                    let seed = wish.first.wrapping_add(nth);
                    let outcome = run(Options { seed, nodes: wish.nodes, bug: None });
                    if tell.send((seed, outcome)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        report(&wish, &hear)
    })
}

fn report(wish: &Wish, hear: &mpsc::Receiver<(u64, Outcome)>) -> ExitCode {
    let mut out = std::io::stdout().lock();
    let (mut done, mut failed, mut messages, mut records) = (0_u64, 0_u64, 0_usize, 0_usize);
    for (seed, outcome) in hear {
        done += 1;
        messages += outcome.messages;
        records += outcome.history.records.len();
        if wish.verbose && wish.seeds == 1 {
            let _ = writeln!(out, "{}", outcome.history.print());
        }
        if !outcome.violations.is_empty() {
            failed += 1;
            if failed == 1 && wish.seeds > 1 {
                let _ = writeln!(out, "{}", outcome.history.print());
            }
            for violation in &outcome.violations {
                let _ = writeln!(out, "seed {seed}: {} {}", violation.invariant, violation.what);
            }
            let _ = writeln!(
                out,
                "replay: cargo run -p mithaq-sim -- --seed {seed} --nodes {} --verbose",
                wish.nodes
            );
        } else if wish.verbose {
            let _ = writeln!(out, "seed {seed}: holds, {} messages", outcome.messages);
        }
    }
    let _ = writeln!(
        out,
        "{done} seeds, {} nodes, {messages} messages, {records} occurrences: {failed} failed",
        wish.nodes
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
