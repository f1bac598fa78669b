//! Kills real nodes with `SIGKILL` in the middle of two streams of reports, of requests with their answers and of
//! attachments, with a network that breaks connections,
//! starts them again, and lets an independent judge say whether anything was lost, doubled, reordered or unsigned.
//!
//! When and whom is drawn from the seed and printed; where in the program the signal meets a node is the machine's
//! matter, so a seed repeats the schedule and not the instruction.

mod desk;
mod files;
mod people;
mod rotate;
pub(super) mod stream;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use self::desk::Desk;
use self::files::Files;
use self::people::People;
use self::stream::Stream;
use super::check::{Known, Run, Side, Verdict, judge};
use super::dice::Dice;
use super::goods::{self, Order};
use super::proxy::{Proxy, Weather};
use super::stage::no_budget;
use crate::fleet::{Fleet, Spec, now};
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct KillArgs {
    /// How often a node, or both, are killed
    #[arg(long, default_value_t = 10, value_name = "N")]
    cycles: u32,
    /// Repeats the schedule of an earlier run [default: from the clock]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Reports per second in each direction
    #[arg(long, default_value_t = 100, value_name = "PER_SECOND")]
    rate: u32,
    /// Leave the network whole: only kill
    #[arg(long)]
    calm: bool,
    /// Change the keys of a node in every second cycle, just before somebody is killed
    #[arg(long)]
    rotate: bool,
    /// Upgrade on the way: after a third of the cycles of a round one node runs this other program, of a later version, and
    /// after two thirds both do; the tables are brought to its version, and this program judges
    #[arg(long, value_name = "PROGRAM")]
    upgrade: Option<PathBuf>,
    /// Put the nodes here and leave them, instead of in a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Longest time of a cycle in milliseconds for which reports are written ahead; streams end early when they are used up.
const CYCLE_MS: u32 = 1_200;
/// A run is judged in rounds of so many cycles, so that a long run starts on fresh tables now and then.
const ROUND: u32 = 50;
const NODES: usize = 2;
/// Cycles of a round in which keys change.
const ROTATIONS: u32 = 24;

pub(crate) fn run(args: &KillArgs, ui: Ui) -> Result<(), Failure> {
    if args.upgrade.is_some() && args.cycles < 3 {
        return Err(Failure::new(
            Exit::Usage,
            "kill.upgrade",
            "an upgrade on the way takes three cycles at least",
        ));
    }
    let seed = args.seed.unwrap_or_else(|| u64::try_from(now().as_millis()).unwrap_or(0));
    ui.say(&format!("seed {seed}: {} cycles", args.cycles));
    let (mut all, mut done, mut faults, mut reports, mut rotations) = (Verdict::default(), 0, 0, 0, 0);
    while done < args.cycles {
        let cycles = ROUND.min(args.cycles - done);
        let round = super::block_on(round(args, seed.wrapping_add(u64::from(done)), (done, cycles), ui))?;
        done += cycles;
        faults += round.faults;
        reports += round.reports;
        rotations += round.rotations;
        all.add(round.verdict);
        if !all.broken.is_empty() {
            break;
        }
    }
    let run = Run {
        fields: json!({ "cycles": done, "network_faults": faults, "reports": reports, "rotations": rotations }),
        lines: vec![format!(
            "{done} cycles, {faults} network faults, {rotations} changes of keys, {reports} reports released, seed {seed}"
        )],
        seed,
        code: "kill.broken",
        hint: format!("run it again with `--seed {seed} --cycles {done} --dir DIR` and look at the tables"),
    };
    all.tell(run, ui)
}

struct Round {
    verdict: Verdict,
    faults: u64,
    reports: usize,
    rotations: u64,
}

async fn round(args: &KillArgs, seed: u64, (before, cycles): (u32, u32), ui: Ui) -> Result<Round, Failure> {
    let mut dice = Dice::new(seed);
    let weather = if args.calm { Weather::Calm } else { Weather::Storm(seed) };
    let mut specs = [Spec::new("ma-security", "MA")?, Spec::new("es-police", "ES")?];
    let mut proxies = Vec::new();
    for (number, spec) in (0..).zip(&mut specs) {
        let proxy = Proxy::start(number, spec.peer(), Weather::Calm).await?;
        spec.told_port = proxy.port();
        proxies.push(proxy);
    }
    let place = args.dir.as_ref().map(|dir| dir.join(format!("seed-{seed}")));
    let mut fleet = Fleet::make(&format!("kill-{seed}"), place.as_deref(), &specs, "en")?;
    let mut rotations = 0;
    let outcome = async {
        let stop = Arc::new(AtomicBool::new(false));
        let work = prepare(&mut fleet, args, cycles, (seed, &stop), ui).await?;
        proxies.iter().for_each(|proxy| proxy.turn(weather));
        let striking = async {
            for cycle in 1..=cycles {
                rotations += change(&mut fleet, args, (before, cycle, cycles), ui).await?;
                strike(&mut fleet, &mut dice, before + cycle, ui).await?;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok::<_, Failure>(())
        };
        let ended = async {
            let struck = striking.await;
            stop.store(true, Ordering::Relaxed);
            proxies.iter().for_each(|proxy| proxy.turn(Weather::Calm));
            struck
        };
        let (done, struck) = tokio::join!(work.run(), ended);
        struck?;
        let done = done?;
        done.wait_settled().await?;
        done.known()
    };
    let known = match outcome.await {
        Ok(known) => known,
        Err(failure) => {
            fleet.show_logs();
            return Err(failure);
        }
    };
    // The last kill: what is judged is what a crash leaves.
    fleet.kill_all();
    let reports = known.iter().map(|one| one.released.len()).sum();
    let sides = (0..NODES)
        .zip(known)
        .map(|(number, known)| Side::open(fleet.node(number)?, known))
        .collect::<Result<Vec<_>, Failure>>()?;
    let verdict = tokio::task::block_in_place(|| judge(&sides))?;
    let faults = proxies.iter().map(Proxy::struck).sum();
    Ok(Round { verdict, faults, reports, rotations })
}

/// Everything people do while nodes die, in both directions.
struct Work {
    streams: [Stream; NODES],
    desks: [Desk; NODES],
    files: [Files; NODES],
}

impl Work {
    async fn run(self) -> Result<Self, Failure> {
        let ([reports, others], [first, second], [files, back]) = (self.streams, self.desks, self.files);
        let (reports, others, first, second, files, back) =
            tokio::join!(reports.run(), others.run(), first.run(), second.run(), files.run(), back.run());
        Ok(Self { streams: [reports?, others?], desks: [first?, second?], files: [files?, back?] })
    }

    async fn wait_settled(&self) -> Result<(), Failure> {
        for from in 0..NODES {
            let (Some(stream), Some(desk), Some(files)) =
                (self.streams.get(from), self.desks.get(from), self.files.get(from))
            else {
                continue;
            };
            stream.wait_settled().await?;
            desk.wait_settled().await?;
            files.wait_settled().await?;
        }
        Ok(())
    }

    /// What the people at each node know that they did.
    fn known(&self) -> Result<[Known; NODES], Failure> {
        let [mut one, mut other] = self.streams.each_ref().map(|stream| stream.known().clone());
        let ([asks, asks_back], [sends, sends_back]) = (&self.desks, &self.files);
        asks.tell([&mut one, &mut other])?;
        asks_back.tell([&mut other, &mut one])?;
        sends.tell(&mut one)?;
        sends_back.tell(&mut other)?;
        Ok([one, other])
    }
}

/// Agreement, cases, and reports in both directions, ready to be released.
async fn prepare(
    fleet: &mut Fleet,
    args: &KillArgs,
    cycles: u32,
    (seed, stop): (u64, &Arc<AtomicBool>),
    ui: Ui,
) -> Result<Work, Failure> {
    fleet.start_all().await?;
    fleet.agree((0, 1), no_budget).await?;
    let (mut streams, mut people) = (Vec::new(), Vec::new());
    for from in 0..NODES {
        let case = fleet.open_case(from).await?;
        let subject = fleet.write_subject(from, &case).await?;
        people.push(People::of(fleet, (from, 1 - from), (&case, &subject))?);
        fleet.kill(from);
        let count = usize::try_from(args.rate * CYCLE_MS / 1_000 * (cycles + 1)).unwrap_or(usize::MAX);
        let order = Order { from, to: 1 - from, case: &case, subject: &subject, count, text: 900 };
        let ready = tokio::task::block_in_place(|| goods::write(fleet, &order))?;
        fleet.start(from)?;
        fleet.wait_ready(from).await?;
        streams.push(Stream::new(fleet, &[from], ready, dice_of(seed, from), args.rate, stop)?);
    }
    let missing = || Failure::new(Exit::Failed, "kill.streams", "a node has no stream");
    let streams = <[Stream; NODES]>::try_from(streams).map_err(|_count| missing())?;
    let [one, other] = <[People; NODES]>::try_from(people).map_err(|_count| missing())?;
    let desks = [
        Desk::new((&one, &other), dice_of(seed, 2), stop),
        Desk::new((&other, &one), dice_of(seed, 3), stop),
    ];
    let files = [
        Files::new((&one, &other), dice_of(seed, 4), stop, ui),
        Files::new((&other, &one), dice_of(seed, 5), stop, ui),
    ];
    Ok(Work { streams, desks, files })
}

/// Choices of its own for each of those who work.
fn dice_of(seed: u64, number: usize) -> Dice {
    Dice::new(seed ^ (u64::try_from(number).unwrap_or(0) + 1) << 32)
}

/// What people change before a cycle: keys, programs. Returns how many nodes have new keys.
async fn change(
    fleet: &mut Fleet,
    args: &KillArgs,
    (before, cycle, cycles): (u32, u32, u32),
    ui: Ui,
) -> Result<u64, Failure> {
    let mut rotations = 0;
    let number = before + cycle;
    // A node holds so many generations of keys in memory, and starts anew in each round.
    if args.rotate && cycle.is_multiple_of(2) && cycle <= ROTATIONS {
        let node = usize::from(cycle.is_multiple_of(4));
        let manifest = rotate::rotate(fleet, node).await?;
        ui.say(&format!("cycle {number}: {} has manifest {manifest}", fleet.node(node)?.party));
        rotations = manifest.min(1);
    }
    if let (Some(program), Some(node)) = (&args.upgrade, upgraded(cycle, cycles)) {
        fleet.kill(node);
        fleet.runs(node, program);
        fleet.start(node)?;
        fleet.wait_ready(node).await?;
        ui.say(&format!("cycle {number}: {} runs the other program", fleet.node(node)?.party));
    }
    Ok(rotations)
}

/// Which node is upgraded before a cycle.
const fn upgraded(cycle: u32, cycles: u32) -> Option<usize> {
    if cycle == cycles / 3 + 1 {
        Some(0)
    } else if cycle == cycles * 2 / 3 + 1 {
        Some(1)
    } else {
        None
    }
}

/// One cycle: some time passes, a node or both die, some time passes, they start again.
async fn strike(fleet: &mut Fleet, dice: &mut Dice, cycle: u32, ui: Ui) -> Result<(), Failure> {
    let wait = Duration::from_millis(50 + dice.below(900));
    let victims: &[usize] = match dice.below(4) {
        0 => &[0, 1],
        1 => &[0],
        // The receiver of the one stream is the sender of the other.
        _ => &[1],
    };
    let away = Duration::from_millis(dice.below(400));
    let names: Vec<&str> = victims.iter().filter_map(|n| Some(fleet.node(*n).ok()?.party.as_str())).collect();
    ui.say(&format!(
        "cycle {cycle}: after {} ms kill {}, back after {} ms",
        wait.as_millis(),
        names.join(" and "),
        away.as_millis()
    ));
    tokio::time::sleep(wait).await;
    for victim in victims {
        fleet.kill(*victim);
    }
    tokio::time::sleep(away).await;
    for victim in victims {
        fleet.start(*victim)?;
    }
    for victim in victims {
        fleet.wait_ready(*victim).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_is_upgraded_once_and_never_both_in_one_cycle() {
        for cycles in 3..=ROUND {
            let order: Vec<usize> = (1..=cycles).filter_map(|cycle| upgraded(cycle, cycles)).collect();
            assert_eq!(order, [0, 1], "{cycles}");
            assert!(upgraded(1, cycles).is_none(), "{cycles}: both begin with the program that made them");
        }
    }
}
