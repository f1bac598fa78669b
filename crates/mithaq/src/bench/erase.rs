//! Deletions with proof per hour between two real nodes: a recall goes to the partner, which erases content, keys,
//! envelope, salts and index, cuts its log, signs what it erased and logs it; the clock stops when the originator has
//! stored the last signature. Or the same by the last day of the reports, without anybody doing anything.
//!
//! Before, parts of the ciphertexts and wrapped keys are noted; afterwards no file of the partner may hold one.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use mithaq_app::ports::Clock as _;
use serde_json::{Value as Json, json};
use tokio::task::JoinSet;

use super::canary::{self, Canaries};
use super::exchange::{last_receipts, released};
use super::machine::Machine;
use super::result::{Goal, Outcome};
use super::stage::Stage;
use super::tables;
use crate::fleet::until_within;
use crate::http::Api;
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct EraseArgs {
    /// How many reports
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    reports: usize,
    /// Let their last day end instead of recalling them
    #[arg(long)]
    expiry: bool,
    /// Bytes of text in each report
    #[arg(long, default_value_t = 900, value_name = "BYTES")]
    text: usize,
    /// Calls at once
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=64))]
    callers: u16,
    /// Put the nodes here and leave them, instead of in a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Reports in one release call; releasing is not what is measured.
const TOGETHER: usize = 64;
/// Longest wait for the last signature.
const LAST_WORD: Duration = Duration::from_secs(900);
/// How far ahead the last day is set at least.
const AHEAD: Duration = Duration::from_secs(20);
/// Calls per second that the last day allows for.
const CALLS_PER_SECOND: u64 = 50;
const MA: usize = 0;
const ES: usize = 1;

pub(crate) fn run(args: &EraseArgs, ui: Ui) -> Result<(), Failure> {
    super::block_on(async {
        let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
        let mut outcome = Outcome::new("erase", Machine::look(&place));
        ui.say(&format!(
            "two nodes are made and agree; {} reports are written, released and taken",
            args.reports
        ));
        let mut stage = Stage::pair(args.dir.as_deref(), args.reports, args.text).await?;
        let measured = measure(&mut stage, args, &mut outcome, ui).await;
        if measured.is_err() {
            stage.fleet.show_logs();
        }
        measured?;
        outcome.print(ui)
    })
}

async fn measure(stage: &mut Stage, args: &EraseArgs, outcome: &mut Outcome, ui: Ui) -> Result<(), Failure> {
    let spoc = stage.fleet.api(MA, "spoc")?;
    for some in stage.ready.chunks(TOGETHER) {
        released(spoc.clone(), some.to_vec()).await?;
    }
    last_receipts(&stage.fleet, &stage.ready).await?;
    // Nodes that do not run let their tables be read.
    stage.fleet.kill_all();
    let canaries = Canaries::of(&tables::open(stage.fleet.node(ES)?)?, &canary::OF_REPORTS)?;
    let directory = stage.fleet.node(ES)?.directory.clone();
    let before = canaries.found_in(&directory)?;
    stage.fleet.start_all().await?;
    let spent = if args.expiry { expire(stage, args, ui).await? } else { recall(stage, args, ui).await? };
    let started = Instant::now();
    let left = canaries.left_in(&directory).await?;
    stage.fleet.kill_all();
    count(stage)?;
    canaries.judge(before, left)?;
    let reports = u32::try_from(stage.ready.len()).map_or(f64::NAN, f64::from);
    let goal = Goal::AtLeast { reach: 100_000.0, aim: 1_000_000.0 };
    outcome.number(
        "deletions with the partner's signature",
        reports / spent.as_secs_f64() * 3_600.0,
        "/h",
        goal,
    );
    outcome.number(
        "from the last signature until no file holds a trace",
        started.elapsed().as_secs_f64(),
        "s",
        Goal::None,
    );
    outcome.note(format!(
        "{} parts of ciphertexts, keys and salts were in {before} places of the partner's files before and in {left} after",
        canaries.len()
    ));
    outcome.note(if args.expiry {
        "by their last day: from that instant to the last signature stored; the timers that erase come every 30 s"
    } else {
        "by recall: from the first call to the last signature stored; one call per report"
    });
    Ok(())
}

/// Recalls every report and waits for the last signature.
async fn recall(stage: &Stage, args: &EraseArgs, ui: Ui) -> Result<Duration, Failure> {
    ui.say("recalling");
    let started = Instant::now();
    calls(stage, args, "recall", &json!({ "reason": "retention" })).await?;
    ui.say(&format!("all were called back after {:.1} s", started.elapsed().as_secs_f64()));
    signed(stage).await?;
    Ok(started.elapsed())
}

/// Gives every report an earlier last day, the same for all, and waits from then on for the last signature.
async fn expire(stage: &Stage, args: &EraseArgs, ui: Ui) -> Result<Duration, Failure> {
    let calls_take = u64::try_from(args.reports).unwrap_or(u64::MAX) / CALLS_PER_SECOND;
    let ahead = AHEAD + Duration::from_secs(calls_take);
    let until = Instant::now() + ahead;
    let day = mithaq_node::SystemClock.now();
    let millis = i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX);
    let day = mithaq_model::Timestamp::from_millis(day.as_millis().saturating_add(millis));
    ui.say(&format!("the last day of all is set to {day}"));
    calls(stage, args, "expiry", &json!({ "expires": day.to_string() })).await?;
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        let text = "the last day came before every report had it";
        return Err(
            Failure::new(Exit::Failed, "bench.expiry", text).hint("give fewer reports or more --callers")
        );
    }
    tokio::time::sleep(left).await;
    ui.say("the last day is over");
    signed(stage).await?;
    Ok(until.elapsed())
}

/// One call per report, so many at once.
async fn calls(stage: &Stage, args: &EraseArgs, call: &'static str, body: &Json) -> Result<(), Failure> {
    let api = stage.fleet.api(MA, "supervisor")?;
    let mut waiting: VecDeque<String> = stage.ready.iter().cloned().collect();
    let mut under_way = JoinSet::new();
    let one = |api: Api, id: String, body: Json| async move {
        api.post(&format!("/api/v1/reports/{id}/{call}"), &body).await.map(drop)
    };
    loop {
        while under_way.len() < usize::from(args.callers)
            && let Some(id) = waiting.pop_front()
        {
            under_way.spawn(one(api.clone(), id, body.clone()));
        }
        match under_way.join_next().await {
            Some(done) => done.map_err(anyhow::Error::from)??,
            None => return Ok(()),
        }
    }
}

/// Waits until the partner has signed for the erasure of each: the newest first, which come last.
async fn signed(stage: &Stage) -> Result<(), Failure> {
    let api = stage.fleet.api(MA, "supervisor")?;
    for id in stage.ready.iter().rev() {
        until_within(LAST_WORD, "a signed erasure did not arrive", async || {
            let found = api.get(&format!("/api/v1/reports/{id}/receipts")).await?;
            Ok(found.pointer("/receipts/0/erased").and_then(Json::as_str).map(|_at| ()))
        })
        .await?;
    }
    Ok(())
}

/// What both nodes' tables say, now that the nodes are gone: every report erased, signed for, and logged on both sides.
fn count(stage: &Stage) -> Result<(), Failure> {
    let (sender, receiver) = (tables::open(stage.fleet.node(MA)?)?, tables::open(stage.fleet.node(ES)?)?);
    let all = u64::try_from(stage.ready.len()).unwrap_or(u64::MAX);
    let word = tables::number(&sender, "SELECT COUNT(*) FROM disclosure WHERE erased_at IS NOT NULL")?;
    let held = tables::number(&receiver, "SELECT COUNT(*) FROM report_version WHERE content IS NOT NULL")?;
    let told = tables::logged(&sender, "receipt.erased")?;
    let erased = tables::logged(&receiver, "report.erased")?;
    if (word, told, erased, held) == (all, all, all, 0) {
        return Ok(());
    }
    let text = format!(
        "{all} were to be erased: {word} signed for, {told} and {erased} entries of the two logs, {held} still held"
    );
    Err(Failure::new(Exit::NotVerified, "bench.not_erased", text))
}
