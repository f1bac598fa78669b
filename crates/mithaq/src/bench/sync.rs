//! What it costs to find that there is nothing new: a node that has many reports in common with its partner starts, asks
//! how far the lanes go, and has nothing to send. Measured by a proxy between the two.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use super::exchange::{last_receipts, released};
use super::machine::Machine;
use super::percentile::Sample;
use super::proxy::{Proxy, Weather};
use super::result::{Goal, Outcome};
use super::stage::Stage;
use crate::fleet::Spec;
use crate::ui::{Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Reports the two have in common
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    reports: usize,
    /// How often the first node starts again
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    times: u32,
    /// How long it stays away each time
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    away: u64,
    /// Put the nodes here and leave them, instead of in a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// No byte for so long: nothing more is coming.
const QUIET: Duration = Duration::from_secs(3);

pub(crate) fn run(args: &SyncArgs, ui: Ui) -> Result<(), Failure> {
    super::block_on(async {
        let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
        let mut outcome = Outcome::new("sync", Machine::look(&place));
        let mut specs = [Spec::new("ma-security", "MA")?, Spec::new("es-police", "ES")?];
        let mut proxies = Vec::new();
        for (number, spec) in (0..).zip(&mut specs) {
            let proxy = Proxy::start(number, spec.peer(), Weather::Calm).await?;
            spec.told_port = proxy.port();
            proxies.push(proxy);
        }
        let mut stage = Stage::of(args.dir.as_deref(), &specs, args.reports, 100).await?;
        ui.say(&format!("{} reports are exchanged", stage.ready.len()));
        let spoc = stage.fleet.api(0, "spoc")?;
        for some in stage.ready.chunks(64) {
            released(spoc.clone(), some.to_vec()).await?;
        }
        let newest: Vec<String> = stage.ready.iter().rev().take(64).cloned().collect();
        last_receipts(&stage.fleet, &newest).await?;
        // The last checkpoints of the exchange get their countersignatures: until then there is something new.
        ui.say("both come to rest");
        let _exchanged = quiet(&proxies).await;
        let mut runs = Vec::new();
        for time in 1..=args.times {
            ui.say(&format!("the first node starts again and synchronises ({time} of {})", args.times));
            // The node that stands asks every minute by itself: one that has just begun has just asked.
            again(&mut stage, 1, &proxies, Duration::ZERO).await?;
            runs.push(again(&mut stage, 0, &proxies, Duration::from_secs(args.away)).await?);
        }
        report(&mut outcome, &runs);
        outcome.note(format!(
            "{} reports in common; both sides say the last place and hash of each lane, whatever their number",
            args.reports
        ));
        outcome.note(
            "the time is from the first byte between the nodes to the last; before, both had come to rest",
        );
        outcome.note(
            "the partner began anew before each: what it asks by itself every minute falls into none, unless the node stays away so long",
        );
        outcome.print(ui)
    })
}

/// One synchronisation.
struct Run {
    /// From the first byte between the nodes to the last.
    span: Duration,
    bytes: u64,
    /// From the start of the process to its first answer.
    ready: Duration,
}

/// Kills a node, starts it, and waits until both are still.
async fn again(stage: &mut Stage, node: usize, proxies: &[Proxy], away: Duration) -> Result<Run, Failure> {
    stage.fleet.kill(node);
    tokio::time::sleep(away).await;
    proxies.iter().for_each(Proxy::count_anew);
    let started = Instant::now();
    stage.fleet.start(node)?;
    stage.fleet.wait_ready(node).await?;
    let ready = started.elapsed();
    let (bytes, span) = quiet(proxies).await;
    Ok(Run { span, bytes, ready })
}

/// The goals are held against the worst run, not the middle one.
fn report(outcome: &mut Outcome, runs: &[Run]) {
    let millis = |of: fn(&Run) -> Duration| {
        Sample::new(runs.iter().map(|run| of(run).as_secs_f64() * 1_000.0).collect())
    };
    let (span, ready) = (millis(|run| run.span), millis(|run| run.ready));
    let bytes = runs.iter().map(|run| u32::try_from(run.bytes).map_or(f64::NAN, f64::from));
    let bytes = Sample::new(bytes.collect());
    let mut number = |what: &str, value: Option<f64>, unit, goal| {
        outcome.number(what, value.unwrap_or(f64::NAN), unit, goal);
    };
    number("synchronisation with nothing new, median", span.at(50), "ms", Goal::None);
    let goal = Goal::AtMost { reach: 1_000.0, aim: 100.0 };
    number("synchronisation with nothing new, longest", span.max(), "ms", goal);
    let goal = Goal::AtMost { reach: 65_536.0, aim: 65_536.0 };
    number("bytes on the wire for it, TLS handshakes included, most", bytes.max(), "bytes", goal);
    number("start of the node to its first answer, longest", ready.max(), "ms", Goal::None);
    let each =
        runs.iter().map(|run| format!("{:.0} ms {} bytes", run.span.as_secs_f64() * 1_000.0, run.bytes));
    outcome.note(each.collect::<Vec<_>>().join(", "));
}

/// Waits until the proxies saw something and then nothing for a while: bytes, and from the first to the last.
async fn quiet(proxies: &[Proxy]) -> (u64, Duration) {
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let seen: Vec<_> = proxies.iter().map(Proxy::traffic).collect();
        let bytes = seen.iter().map(|one| one.bytes).sum();
        let first = seen.iter().filter_map(|one| one.first).min();
        let last = seen.iter().filter_map(|one| one.last).max();
        if let (Some(first), Some(last)) = (first, last)
            && last.elapsed() > QUIET
        {
            return (bytes, last.saturating_duration_since(first));
        }
    }
}
