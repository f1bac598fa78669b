//! Several processes of one node on a PostgreSQL cluster, and a partner beside them: reports are released and recalled
//! through every process while one is killed and the primary dies; then the independent judge reads both databases.
//! `cargo xtask cluster` makes the servers; this knows only an address and a command that breaks something.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use tokio::task::{JoinSet, LocalSet};

use super::check::{Known, Run, Side, Verdict, judge};
use super::dice::Dice;
use super::exchange::{last_receipts, released};
use super::goods::{self, Order};
use super::kill::stream::Stream;
use super::machine::Machine;
use super::result::{Goal, Outcome};
use super::stage::no_budget;
use super::tables;
use crate::fleet::{Fleet, Spec, now};
use crate::http::Api;
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct ClusterArgs {
    /// Address of the servers, as in `node.toml`: every host, `target_session_attrs=read-write`
    #[arg(long, value_name = "ADDRESS")]
    database: String,
    /// Processes of the node that lies there
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=8))]
    processes: u8,
    /// How long reports are released
    #[arg(long, default_value_t = 40, value_name = "N", value_parser = clap::value_parser!(u64).range(10..=3600))]
    seconds: u64,
    /// Reports per second through each process
    #[arg(long, default_value_t = 20, value_name = "PER_SECOND")]
    rate: u32,
    /// Shell command that kills the primary and promotes the standby; run once, under load
    #[arg(long, value_name = "COMMAND")]
    fail_over: Option<String>,
    /// Kill nobody
    #[arg(long)]
    calm: bool,
    /// Release so many reports as fast as it goes, through all processes, and measure that instead
    #[arg(long, value_name = "N")]
    measure: Option<usize>,
    /// Repeats the choices of an earlier run [default: from the clock]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Put the nodes here and leave them, instead of in a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

const MA: usize = 0;
const ES: usize = 1;
/// Reports in one release call while measuring, and calls at once through each process.
const TOGETHER: usize = 64;
const CALLERS: usize = 2;

/// The node on the server, as its processes; and its partner.
struct Cluster {
    fleet: Fleet,
    /// Numbers of the processes of the first node.
    doors: Vec<usize>,
}

pub(crate) fn run(args: &ClusterArgs, ui: Ui) -> Result<(), Failure> {
    super::block_on(async {
        let mut cluster = Cluster::make(args, ui).await?;
        let outcome = match args.measure {
            Some(reports) => measure(&mut cluster, reports, args, ui).await,
            None => endure(&mut cluster, args, ui).await,
        };
        if outcome.is_err() {
            cluster.fleet.show_logs();
        }
        outcome
    })
}

impl Cluster {
    /// Makes all nodes and brings them under an agreement.
    async fn make(args: &ClusterArgs, ui: Ui) -> Result<Self, Failure> {
        let processes = usize::from(args.processes);
        ui.say(&format!(
            "{processes} processes of one agency on the server, and a partner on a file of its own"
        ));
        let specs =
            [Spec::new("ma-security", "MA")?.on(&args.database, processes)?, Spec::new("es-police", "ES")?];
        let mut fleet = Fleet::make("cluster", args.dir.as_deref(), &specs, "en")?;
        let doors = [MA].into_iter().chain((1..processes).map(|twin| ES + twin)).collect();
        fleet.start_all().await?;
        fleet.agree((MA, ES), no_budget).await?;
        Ok(Self { fleet, doors })
    }

    /// Writes reports that are ready to be released, while the node does not run.
    async fn write(&mut self, from: usize, count: usize) -> Result<Vec<String>, Failure> {
        let (fleet, to) = (&mut self.fleet, if from == MA { ES } else { MA });
        let case = fleet.open_case(from).await?;
        let subject = fleet.write_subject(from, &case).await?;
        let processes: Vec<usize> = if from == MA { self.doors.clone() } else { vec![from] };
        for number in &processes {
            fleet.kill(*number);
        }
        let order = Order { from, to, case: &case, subject: &subject, count, text: 900 };
        let ready = tokio::task::block_in_place(|| goods::write(fleet, &order))?;
        for number in &processes {
            fleet.start(*number)?;
        }
        for number in &processes {
            fleet.wait_ready(*number).await?;
        }
        Ok(ready)
    }

    /// What both databases say, by a reader of its own, once nobody runs any more.
    fn judge(&self, known: [Known; 2]) -> Result<Verdict, Failure> {
        let numbers = [MA, ES].into_iter().zip(known);
        let sides = numbers
            .map(|(number, known)| Side::open(self.fleet.node(number)?, known))
            .collect::<Result<Vec<_>, Failure>>()?;
        tokio::task::block_in_place(|| judge(&sides))
    }
}

/// Load through every process while one dies and the primary dies.
async fn endure(cluster: &mut Cluster, args: &ClusterArgs, ui: Ui) -> Result<(), Failure> {
    let seed = args.seed.unwrap_or_else(|| u64::try_from(now().as_millis()).unwrap_or(0));
    let stop = Arc::new(AtomicBool::new(false));
    let per_stream = usize::try_from(args.seconds.saturating_mul(u64::from(args.rate))).unwrap_or(usize::MAX);
    let mut ready = cluster.write(MA, per_stream.saturating_mul(cluster.doors.len())).await?;
    let back = cluster.write(ES, per_stream).await?;
    let mut streams = Vec::new();
    for (turn, number) in (0..).zip(0..cluster.doors.len()) {
        // Each stream begins at another process and goes on with the next when that is away.
        let mut doors = cluster.doors.clone();
        doors.rotate_left(number);
        let mine = ready.split_off(ready.len().saturating_sub(per_stream));
        let dice = Dice::new(seed ^ (turn + 1) << 32);
        streams.push(Stream::new(&cluster.fleet, &doors, mine, dice, args.rate, &stop)?);
    }
    streams.push(Stream::new(&cluster.fleet, &[ES], back, Dice::new(seed), args.rate, &stop)?);
    ui.say(&format!("seed {seed}: {} s of releases through {} processes", args.seconds, cluster.doors.len()));
    let (local, mut running) = (LocalSet::new(), JoinSet::new());
    for (number, stream) in streams.into_iter().enumerate() {
        let run = async move { stream.run().await.map(|stream| (number, stream)) };
        running.spawn_local_on(run, &local);
    }
    let together = async {
        let struck = strike(cluster, args, ui).await;
        stop.store(true, Ordering::Relaxed);
        let mut ended = BTreeMap::new();
        while let Some(one) = running.join_next().await {
            let (number, stream) = one.map_err(anyhow::Error::from)??;
            ended.insert(number, stream);
        }
        struck.map(|()| ended)
    };
    let ended = local.run_until(together).await?;
    for stream in ended.values() {
        stream.wait_settled().await?;
    }
    let fault = Instant::now();
    cluster.fleet.kill_all();
    let mut known = [Known::default(), Known::default()];
    let last = ended.len().saturating_sub(1);
    for (number, stream) in &ended {
        let side = if *number == last { &mut known[1] } else { &mut known[0] };
        side.released.extend(&stream.known().released);
        side.recalled.extend(&stream.known().recalled);
    }
    let reports: usize = known.iter().map(|side| side.released.len()).sum();
    let longest = ended.values().map(Stream::longest).max().unwrap_or_default();
    let silent = silence(&cluster.fleet)?;
    let verdict = cluster.judge(known)?;
    ui.say(&format!("judged in {} ms", fault.elapsed().as_millis()));
    let longest = longest.as_millis();
    let run = Run {
        fields: json!({ "reports": reports, "longest_pause_ms": longest, "longest_silence_ms": silent }),
        lines: vec![
            format!("{reports} reports released, seed {seed}"),
            format!(
                "longest pause: {longest} ms between two answers to one caller, {silent} ms between two receipts"
            ),
        ],
        seed,
        code: "cluster.broken",
        hint: format!("run it again with `--seed {seed} --dir DIR` and look at the tables"),
    };
    verdict.tell(run, ui)
}

/// The longest time between two receipts that the node on the server stored, in milliseconds.
fn silence(fleet: &Fleet) -> Result<i64, Failure> {
    let db = tables::open(fleet.node(MA)?)?;
    let mut at: Vec<i64> = tables::receipted(&db)?.into_iter().map(|(_, at)| at).collect();
    db.close();
    at.sort_unstable();
    Ok(at.windows(2).filter_map(|pair| Some(pair.last()? - pair.first()?)).max().unwrap_or(0))
}

/// A process dies and comes back, then the primary dies.
async fn strike(cluster: &mut Cluster, args: &ClusterArgs, ui: Ui) -> Result<(), Failure> {
    let part = Duration::from_secs(args.seconds) / 8;
    tokio::time::sleep(part * 2).await;
    if !args.calm {
        // The first to start holds the lane and the timers.
        ui.say("SIGKILL to the process that sends");
        cluster.fleet.kill(MA);
        tokio::time::sleep(part).await;
        ui.say("it is started again");
        cluster.fleet.start(MA)?;
    } else {
        tokio::time::sleep(part).await;
    }
    tokio::time::sleep(part).await;
    if let Some(command) = args.fail_over.as_deref().filter(|_| !args.calm) {
        ui.say("the primary is killed, the standby promoted");
        let status = tokio::process::Command::new("sh").arg("-c").arg(command).status().await?;
        if !status.success() {
            return Err(Failure::new(
                Exit::Failed,
                "cluster.fail_over",
                "the command that breaks things failed",
            ));
        }
    }
    tokio::time::sleep(part * 4).await;
    Ok(())
}

/// Reports per second through all processes, from the first call to the last receipt.
async fn measure(cluster: &mut Cluster, reports: usize, args: &ClusterArgs, ui: Ui) -> Result<(), Failure> {
    let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let mut outcome = Outcome::new("cluster", Machine::look(&place));
    let ready = cluster.write(MA, reports).await?;
    let doors = cluster.doors.iter().map(|door| cluster.fleet.api(*door, "spoc"));
    let doors = doors.collect::<Result<Vec<Api>, Failure>>()?;
    ui.say(&format!("measuring with {} reports", ready.len()));
    let started = Instant::now();
    let mut calls = JoinSet::new();
    let mut waiting = ready.chunks(TOGETHER).map(<[String]>::to_vec).zip(doors.iter().cycle());
    for _ in 0..doors.len() * CALLERS {
        waiting.next().map(|(some, door)| calls.spawn(released(door.clone(), some)));
    }
    let mut last = Vec::new();
    while let Some(done) = calls.join_next().await {
        last.extend(done.map_err(anyhow::Error::from)??.last().cloned());
        waiting.next().map(|(some, door)| calls.spawn(released(door.clone(), some)));
    }
    let all = started.elapsed();
    let newest = last.split_off(last.len().saturating_sub(doors.len() * CALLERS + 1));
    last_receipts(&cluster.fleet, &newest).await?;
    let receipted = started.elapsed();
    cluster.fleet.kill_all();
    let known = ready.iter().map(|id| super::exchange::number(id)).collect::<Result<_, Failure>>()?;
    let verdict = cluster.judge([Known { released: known, ..Known::default() }, Known::default()])?;
    let count = u32::try_from(ready.len()).map_or(f64::NAN, f64::from);
    let goal = if doors.len() == 3 { Goal::AtLeast { reach: 800.0, aim: 2_000.0 } } else { Goal::None };
    let what = format!("reports exchanged through {} processes on one PostgreSQL", doors.len());
    outcome.number(what, count / receipted.as_secs_f64(), "/s", goal);
    outcome.number("release calls alone, same run", count / all.as_secs_f64(), "/s", Goal::None);
    outcome.note(format!(
        "judged after the run: {} envelopes, {} ledger entries, {} broken promises",
        verdict.envelopes,
        verdict.entries,
        verdict.broken.len()
    ));
    outcome.print(ui)
}
