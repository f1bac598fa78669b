//! A few seeds of each workload; `cargo run --release -p mithaq-faults -- --seeds 1000` runs many.

use mithaq_db::SqliteOptions;
use mithaq_faults::{Installed, Tally, erasing, install, rows, subjects};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Three of each kind of fault (see `Plan`): none, a failed flush, a failed write, a full disk.
const SEEDS: std::ops::Range<u64> = 1..13;

/// One workload under every seed.
fn tried(run: impl Fn(Installed, u64) -> anyhow::Result<Tally>) -> Result<Tally, Box<dyn std::error::Error>> {
    let layer = install()?;
    let mut all = Tally::default();
    for seed in SEEDS {
        all.add(run(layer, seed)?);
    }
    Ok(all)
}

/// A run that judged nothing, or met no fault, would prove nothing.
fn met_everything(tally: Tally) {
    assert!(tally.images > 50, "{tally:?}");
    assert!(tally.faults >= 6, "{tally:?}");
    assert!(tally.acknowledged > 100 && tally.refused > 0 && tally.unknown > 0, "{tally:?}");
}

#[test]
fn rows_are_whole_or_absent_after_any_cut() -> Outcome {
    met_everything(tried(rows::run)?);
    Ok(())
}

#[test]
fn ledger_and_tables_agree_after_any_cut() -> Outcome {
    met_everything(tried(subjects::run)?);
    Ok(())
}

#[test]
fn no_erasure_is_told_that_a_file_still_holds_after_any_cut() -> Outcome {
    let all = tried(erasing::run)?;
    // What is refused here is a cut of the log.
    assert!(all.images > 50 && all.faults >= 6 && all.acknowledged > 100 && all.refused > 0, "{all:?}");
    Ok(())
}

/// The other way round: who tells before the log is cut is found out.
#[test]
fn an_erasure_told_too_early_is_seen() -> Outcome {
    let layer = install()?;
    let verdicts = (0..4).map(|n| erasing::run_with(layer, n * 4, erasing::When::Early));
    let seen = verdicts.filter_map(Result::err).any(|error| format!("{error:#}").contains("was told"));
    assert!(seen, "a receipt before the wipe passed");
    Ok(())
}

/// The other way round: a database that does not flush at its commits loses what it acknowledged,
/// and the judgement sees it.
#[test]
fn what_is_not_flushed_is_missed() -> Outcome {
    let layer = install()?;
    let options = SqliteOptions { danger_synchronous_normal: true, ..SqliteOptions::default() };
    // Seeds without a fault of the disk, so that nothing but the missing flush can lose anything.
    let verdicts = (0..8).map(|n| rows::run_with(layer, n * 4, options.clone()));
    let lost = verdicts.filter_map(Result::err).any(|error| format!("{error:#}").contains("is lost"));
    assert!(lost, "a database without flushes passed");
    Ok(())
}
