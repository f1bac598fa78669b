//! Many subjects whose clock ends at one instant: how fast a node erases them, each with its entry of the log, and how
//! long its people wait for a read and a release meanwhile. Their end is that of their claims, a little ahead when
//! they are written; nothing fakes a clock.
//!
//! Before, parts of what they left in the tables are noted; afterwards no file of the node may hold one.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use mithaq_model::Timestamp;
use serde_json::{Value as Json, json};

use super::canary::Canaries;
use super::exchange::released;
use super::idle::mib;
use super::ingest;
use super::machine::{self, Machine};
use super::percentile::Sample;
use super::result::{Goal, Outcome};
use super::stage::Stage;
use super::{dice::Dice, tables};
use crate::fleet::{id_of, now, why};
use crate::http::Api;
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct DueArgs {
    /// How many subjects
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    subjects: usize,
    /// Reports to be released meanwhile, one by one
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    reports: usize,
    /// Seconds until the clock ends; without it, what writing them takes at 2,000 a second, and 30
    #[arg(long, value_name = "SECONDS")]
    ahead: Option<u32>,
    /// Put the nodes here and leave them, instead of in a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

const MA: usize = 0;
/// Subjects a second that the clock allows for.
const WRITTEN_PER_SECOND: usize = 2_000;
/// And seconds for stopping and starting the node.
const MARGIN: usize = 30;
/// Longest wait for the last.
const LAST: Duration = Duration::from_secs(3_600);
/// Between two reads.
const READ_EVERY: Duration = Duration::from_millis(100);
/// Between two releases.
const RELEASE_EVERY: Duration = Duration::from_millis(250);
/// Between two looks at the log.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Entries between two looks that people's calls do not explain.
const MANY: u64 = 100;
/// How long people's calls are measured before, for comparison.
const BEFORE: Duration = Duration::from_secs(10);

pub(crate) fn run(args: &DueArgs, ui: Ui) -> Result<(), Failure> {
    super::block_on(async {
        let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
        let mut outcome = Outcome::new("due", Machine::look(&place));
        ui.say("two nodes are made and agree");
        let mut stage = Stage::pair(args.dir.as_deref(), args.reports, 900).await?;
        let measured = measure(&mut stage, args, &mut outcome, ui).await;
        if measured.is_err() {
            stage.fleet.show_logs();
        }
        measured?;
        outcome.print(ui)
    })
}

async fn measure(stage: &mut Stage, args: &DueArgs, outcome: &mut Outcome, ui: Ui) -> Result<(), Failure> {
    let ahead =
        args.ahead.map_or(args.subjects / WRITTEN_PER_SECOND + MARGIN, |s| usize::try_from(s).unwrap_or(0));
    let ahead = Duration::from_secs(u64::try_from(ahead).unwrap_or(u64::MAX));
    let (until, end) = (Instant::now() + ahead, later(now(), ahead));
    ui.say(&format!("{} invented persons are written; the clock of all ends at {end}", args.subjects));
    let people = People::write(stage, end).await?;
    let api = stage.fleet.api(MA, "analyst")?;
    let bodies = ingest::bodies(args.subjects, 256, end.to_string());
    let spent = ingest::write(&api, &stage.case, bodies, 4).await?;
    ui.say(&format!("written after {:.1} s", spent.as_secs_f64()));
    // A node that does not run lets its tables be read.
    stage.fleet.kill(MA);
    let canaries = canaries(stage, end)?;
    let directory = stage.fleet.node(MA)?.directory.clone();
    let before = canaries.found_in(&directory)?;
    stage.fleet.start(MA)?;
    stage.fleet.wait_ready(MA).await?;
    let left = until.saturating_duration_since(Instant::now());
    if left < BEFORE {
        let text = "the clock ended before everything was written";
        return Err(Failure::new(Exit::Failed, "bench.due", text).hint("give more seconds with --ahead"));
    }
    tokio::time::sleep(left - BEFORE).await;
    let (quiet, calls) = people.work(&stage.ready, Until::Instant(until)).await?;
    quiet.put(outcome, "before");
    memory(stage, outcome, "memory of the node before, resident", machine::resident)?;
    ui.say("their clock has ended");
    let rest = stage.ready.get(calls..).unwrap_or_default();
    let (busy, _calls) = people.work(rest, Until::Erased).await?;
    let whole = until.elapsed();
    memory(stage, outcome, "memory of the node, highest since its start", machine::peak)?;
    busy.put(outcome, "while they are erased");
    let started = Instant::now();
    let left = canaries.left_in(&directory).await?;
    let trace = started.elapsed();
    stage.fleet.kill_all();
    count(stage, args.subjects, end)?;
    canaries.judge(before, left)?;
    let goal = Goal::AtLeast { reach: 100_000.0, aim: 1_000_000.0 };
    let number = u32::try_from(args.subjects).map_or(f64::NAN, f64::from);
    outcome.number("subjects erased", number / busy.erasing.as_secs_f64() * 3_600.0, "/h", goal);
    outcome.number("from the first to the last", busy.erasing.as_secs_f64(), "s", Goal::None);
    outcome.number("from the end of the clock to the last", whole.as_secs_f64(), "s", Goal::None);
    outcome.number("from the last until no file holds a trace", trace.as_secs_f64(), "s", Goal::None);
    outcome.note(format!(
        "{} parts of claims, keys, search terms and salts were in {before} places of the files before and in {left} after",
        canaries.len()
    ));
    outcome.note("one entry of the log for each; the timer that erases comes every 30 s");
    Ok(())
}

fn later(from: Timestamp, by: Duration) -> Timestamp {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(from.as_millis().saturating_add(millis))
}

fn memory(
    stage: &Stage,
    outcome: &mut Outcome,
    what: &str,
    of: impl Fn(u32) -> Option<u64>,
) -> Result<(), Failure> {
    if let Some(bytes) = stage.fleet.node(MA)?.process().and_then(of) {
        outcome.number(what, mib(bytes), "MiB", Goal::None);
    }
    Ok(())
}

/// Traces of the subjects that end, and of no other.
fn canaries(stage: &Stage, end: Timestamp) -> Result<Canaries, Failure> {
    let ends = format!("x.expires_at <= {}", end.as_millis());
    let queries = [
        format!("SELECT x.content FROM subject x WHERE {ends} ORDER BY x.id"),
        format!("SELECT x.terms FROM subject x WHERE {ends} ORDER BY x.id"),
        format!(
            "SELECT k.wrapped FROM record_key k JOIN subject x ON x.id = k.id WHERE k.kind = 7 AND {ends} ORDER BY k.id"
        ),
        format!(
            "SELECT s.sealed FROM ledger_salt s JOIN subject x ON x.id = s.object WHERE {ends} ORDER BY x.id"
        ),
    ];
    let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
    Canaries::of(&tables::open(stage.fleet.node(MA)?)?, &queries)
}

/// What the tables say, now that the node is gone: all of them erased, each once in the log.
fn count(stage: &Stage, subjects: usize, end: Timestamp) -> Result<(), Failure> {
    let node = tables::open(stage.fleet.node(MA)?)?;
    // One more ended last.
    let all = u64::try_from(subjects).unwrap_or(u64::MAX).saturating_add(1);
    let logged = tables::logged(&node, "subject.erased")?;
    let sql = format!("SELECT COUNT(*) FROM subject WHERE expires_at <= {}", end.as_millis() + 1);
    let left = tables::some(&node, &sql)?.first().map(|row| row.unsigned(0)).transpose();
    let left = left.map_err(tables::unreadable)?.unwrap_or(u64::MAX);
    if (logged, left) == (all, 0) {
        return Ok(());
    }
    let text = format!("{all} subjects ended: {logged} erasures are in the log and {left} are left");
    Err(Failure::new(Exit::NotVerified, "bench.not_erased", text))
}

/// What people do meanwhile: read a subject that stays, release reports.
struct People {
    analyst: Api,
    spoc: Api,
    /// Calls that read.
    stays: String,
    /// The one that ends a millisecond after the others, so that it is erased last.
    last: String,
}

/// When people stop.
#[derive(Clone, Copy)]
enum Until {
    Instant(Instant),
    /// When the last subject is gone.
    Erased,
}

/// What they waited.
#[derive(Default)]
struct Waits {
    reads: Vec<f64>,
    releases: Vec<f64>,
    /// From the first erasure to the last.
    erasing: Duration,
}

impl Waits {
    fn put(&self, outcome: &mut Outcome, when: &str) {
        for (what, waits) in [("a read", &self.reads), ("a release", &self.releases)] {
            let sample = Sample::new(waits.clone());
            let mut put = |name: &str, value: Option<f64>| {
                let text = format!("{what} {when}, {name} of {}", sample.len());
                outcome.number(text, value.unwrap_or(f64::NAN), "ms", Goal::None);
            };
            put("median", sample.at(50));
            put("99 of 100", sample.at(99));
            put("longest", sample.max());
        }
    }
}

impl People {
    /// Writes the two subjects they need.
    async fn write(stage: &Stage, end: Timestamp) -> Result<Self, Failure> {
        let analyst = stage.fleet.api(MA, "analyst")?;
        let path = format!("/api/v1/cases/{}/subjects", stage.case);
        // With no part of its name in common with the others: what it is found by would look like a trace of theirs.
        let stays = stage.fleet.write_subject(MA, &stage.case).await?;
        let person = ingest::person(&mut Dice::new(2), &later(end, Duration::from_millis(1)).to_string());
        let body = json!({ "why": why("Measurement with invented persons"), "subjects": [person] });
        let last = id_of(analyst.post(&path, &body).await?.get(0).unwrap_or(&Json::Null))?;
        let (stays, last) = (format!("{path}/{stays}/read"), format!("{path}/{last}/read"));
        Ok(Self { analyst, spoc: stage.fleet.api(MA, "spoc")?, stays, last })
    }

    /// Reads and releases until then; returns what they waited, and how many reports went.
    async fn work(&self, ready: &[String], until: Until) -> Result<(Waits, usize), Failure> {
        let over = AtomicBool::new(false);
        let stop = async {
            let done = self.watch(until).await;
            over.store(true, Ordering::SeqCst);
            done
        };
        let (erasing, reads, releases) =
            tokio::join!(stop, self.read_until(&over), self.release_until(ready, &over));
        let (reads, releases) = (reads?, releases?);
        let calls = releases.len();
        Ok((Waits { reads, releases, erasing: erasing? }, calls))
    }

    async fn read_until(&self, over: &AtomicBool) -> Result<Vec<f64>, Failure> {
        let mut waits = Vec::new();
        while !over.load(Ordering::SeqCst) {
            let started = Instant::now();
            self.analyst.post(&self.stays, &why("Measurement of a read")).await?;
            waits.push(started.elapsed().as_secs_f64() * 1_000.0);
            tokio::time::sleep(READ_EVERY).await;
        }
        Ok(waits)
    }

    async fn release_until(&self, ready: &[String], over: &AtomicBool) -> Result<Vec<f64>, Failure> {
        let mut waits = Vec::new();
        for id in ready {
            if over.load(Ordering::SeqCst) {
                break;
            }
            let started = Instant::now();
            released(self.spoc.clone(), vec![id.clone()]).await?;
            waits.push(started.elapsed().as_secs_f64() * 1_000.0);
            tokio::time::sleep(RELEASE_EVERY).await;
        }
        Ok(waits)
    }

    /// Returns when it is time to stop, with how long the erasing took, if that was waited for.
    async fn watch(&self, until: Until) -> Result<Duration, Failure> {
        if let Until::Instant(until) = until {
            tokio::time::sleep_until(until.into()).await;
            return Ok(Duration::ZERO);
        }
        let (started, mut size, mut began) = (Instant::now(), self.entries().await?, None);
        while started.elapsed() < LAST {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.entries().await?;
            if now - size > MANY {
                began.get_or_insert_with(Instant::now);
            } else if began.is_some() && self.last_is_gone().await? {
                return Ok(began.map_or(Duration::ZERO, |began| began.elapsed()));
            }
            size = now;
        }
        Err(Failure::new(Exit::Failed, "bench.due", "the last subject was not erased"))
    }

    async fn entries(&self) -> Result<u64, Failure> {
        let seen = self.spoc.get("/api/v1/log").await?;
        Ok(seen.get("size").and_then(Json::as_u64).unwrap_or(0))
    }

    async fn last_is_gone(&self) -> Result<bool, Failure> {
        match self.analyst.post(&self.last, &why("Measurement of an erasure")).await {
            Ok(_still_there) => Ok(false),
            Err(failure) if failure.exit == Exit::NotFound => Ok(true),
            Err(failure) => Err(failure),
        }
    }
}
