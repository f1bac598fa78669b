//! Memory of a node that has nothing to do: with an agreement, a partner that is there, and its timers.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::machine::{self, Machine};
use super::result::{Goal, Outcome};
use super::stage::Stage;
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct IdleArgs {
    /// How long it is left alone, in seconds
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    seconds: u64,
    /// Put the nodes here and leave them, instead of in a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &IdleArgs, ui: Ui) -> Result<(), Failure> {
    super::block_on(async {
        let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
        let mut outcome = Outcome::new("idle", Machine::look(&place));
        let stage = Stage::pair(args.dir.as_deref(), 1, 100).await?;
        ui.say(&format!("two nodes are left alone for {} s", args.seconds));
        tokio::time::sleep(Duration::from_secs(args.seconds)).await;
        let unknown =
            || Failure::new(Exit::Failed, "bench.idle", "this system does not tell a process's memory");
        let process = stage.fleet.node(0)?.process().ok_or_else(unknown)?;
        let goal = Goal::AtMost { reach: 100.0, aim: 50.0 };
        let now = machine::resident(process).ok_or_else(unknown)?;
        outcome.number("memory of an idle node, resident", mib(now), "MiB", goal);
        let peak = machine::peak(process).ok_or_else(unknown)?;
        outcome.number("the same, highest since its start", mib(peak), "MiB", Goal::None);
        outcome.note("one agreement in force, one partner connected; rules compiled, keys open");
        outcome.print(ui)
    })
}

/// Bytes in units of 2^20.
pub(super) fn mib(bytes: u64) -> f64 {
    u32::try_from(bytes >> 10).map_or(f64::NAN, f64::from) / 1_024.0
}
