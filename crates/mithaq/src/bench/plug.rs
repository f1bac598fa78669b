//! The plug is pulled on a whole demo: three nodes and the program that tells the story die at one moment, as a machine
//! without current. Then the nodes are started again, alone; what waits is to arrive, and the independent judge reads what
//! every two of them have of one another.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::check::{Known, Run, Side, Verdict, judge};
use super::dice::Dice;
use crate::fleet::{Fleet, now, place, until_within};
use crate::ui::{Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct PlugArgs {
    /// How often a demo is begun and ended so
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    times: u32,
    /// Longest time after which the plug is pulled
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = super::span)]
    within: Duration,
    /// Repeats the moments of an earlier run [default: from the clock]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Put the demos here and leave them, instead of in a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// How many nodes a demo has.
const NODES: usize = 3;
/// How long what waits may take to arrive once all nodes are back: longer than a partner is left alone after it failed.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long what was killed may take to be gone, and how often it is looked.
const GONE: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(100);

pub(crate) fn run(args: &PlugArgs, ui: Ui) -> Result<(), Failure> {
    let seed = args.seed.unwrap_or_else(|| u64::try_from(now().as_millis()).unwrap_or(0));
    let mut dice = Dice::new(seed);
    let most = u64::try_from(args.within.as_millis()).unwrap_or(u64::MAX);
    let (place, _temporary) = place("plug", args.dir.as_deref())?;
    std::fs::create_dir_all(&place)?;
    let (mut all, mut early) = (Verdict::default(), 0);
    super::block_on(async {
        for time in 1..=args.times {
            let after = Duration::from_millis(dice.below(most));
            let demo = place.join(format!("demo-{time}"));
            let judged = once(&demo, after).await?;
            let what = if judged.is_some() { "" } else { ": before every node was made" };
            ui.say(&format!("time {time}: the plug was pulled after {} ms{what}", after.as_millis()));
            early += u32::from(judged.is_none());
            all.add(judged.unwrap_or_default());
        }
        Ok(())
    })?;
    let times = args.times;
    all.tell(
        Run {
            fields: json!({ "times": times, "before_nodes": early }),
            lines: vec![format!(
                "{times} demos ended by force, {early} before every node was made, seed {seed}"
            )],
            seed,
            code: "plug.broken",
            hint: format!("run it again with `--seed {seed} --dir DIR` and look at the tables"),
        },
        ui,
    )
}

/// One demo from its beginning to what the judge says of it; none when it ended before all its nodes were there.
async fn once(place: &Path, after: Duration) -> Result<Option<Verdict>, Failure> {
    let demo = Command::new(std::env::current_exe()?)
        .args(["demo", "--check", "--lang", "en", "--dir"])
        .arg(place)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let demo = Demo(demo);
    tokio::time::sleep(after).await;
    drop(demo);
    let Some(nodes) = whole(place)? else { return Ok(None) };
    let mut fleet = found(&nodes).await?;
    fleet.start_all().await?;
    let arrived = settled(&fleet).await;
    if arrived.is_err() {
        fleet.show_logs();
    }
    arrived?;
    fleet.kill_all();
    let silent = || Known { silent: true, ..Known::default() };
    let sides = fleet.nodes().iter().map(|node| Side::open(node, silent()));
    let sides = sides.collect::<Result<Vec<_>, _>>()?;
    tokio::task::block_in_place(|| judge(&sides)).map(Some)
}

/// A running demo. The program and its nodes are one group of processes, and it ends with its plug pulled, also when
/// this program is stopped meanwhile: nobody says goodbye.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        // One that has ended by itself has no group any more.
        let _all_of_it = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _reaped = self.0.wait();
    }
}

/// The directories of the nodes, when the last of them is complete: they are made one after the other, and a node that
/// was never finished has nothing to lose.
fn whole(place: &Path) -> Result<Option<Vec<PathBuf>>, Failure> {
    let Ok(entries) = std::fs::read_dir(place) else { return Ok(None) };
    let mut nodes = entries.map(|one| one.map(|one| one.path())).collect::<Result<Vec<_>, _>>()?;
    // A node writes this when it is started, which the demo does when it has made all.
    nodes.retain(|node| node.join("node.log").exists());
    nodes.sort();
    Ok((nodes.len() == NODES).then_some(nodes))
}

/// Finds the nodes: what was killed lets go of its database a moment later, when the system has taken it down.
async fn found(nodes: &[PathBuf]) -> Result<Fleet, Failure> {
    let mut left = GONE.as_millis() / GLANCE.as_millis();
    loop {
        match Fleet::found(nodes, "en") {
            Err(_held) if left > 0 => left -= 1,
            found => return found,
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// Waits until nothing waits at any node.
async fn settled(fleet: &Fleet) -> Result<(), Failure> {
    for number in 0..fleet.nodes().len() {
        let spoc = fleet.api(number, "spoc")?;
        until_within(PATIENCE, "a message did not arrive after the restart", async || {
            let waiting = spoc.get("/api/v1/outbox?state=waiting").await?;
            Ok(waiting.as_array().is_some_and(Vec::is_empty).then_some(()))
        })
        .await?;
    }
    Ok(())
}
