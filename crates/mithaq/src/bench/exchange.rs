//! Reports per second between two real nodes over TLS, and how long a receipt takes at a steady rate. The clock runs
//! from the release call, which decides, seals, stores and logs, to the receipt stored at the sender: the partner
//! verified, opened, decided for itself, stored, logged and signed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Args;
use mithaq_model::ReportId;
use serde_json::json;
use tokio::task::JoinSet;

use super::machine::Machine;
use super::percentile::Sample;
use super::proxy::{Proxy, Weather};
use super::result::{Goal, Outcome};
use super::stage::Stage;
use super::{span, tables};
use crate::fleet::{Fleet, Spec, release, until_within};
use crate::http::Api;
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct ExchangeArgs {
    /// How many reports; with --rate, 30 seconds of it unless given
    #[arg(long, value_name = "N")]
    reports: Option<usize>,
    /// Release so many reports per second, one by one, and measure the time to the receipt
    #[arg(long, value_name = "PER_SECOND")]
    rate: Option<u32>,
    /// Put so long a round trip between the nodes, for example 150ms
    #[arg(long, value_name = "SPAN", value_parser = span)]
    round_trip: Option<Duration>,
    /// Bytes of text in each report
    #[arg(long, default_value_t = 900, value_name = "BYTES")]
    text: usize,
    /// Reports in one release call, 1 to 64
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=64))]
    together: u16,
    /// Release calls at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    callers: u16,
    /// Put the nodes here and leave them, instead of in a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Released before the clock runs, so that connections and sessions are open and code is warm.
const WARM_UP: usize = 128;
/// Longest wait for the last receipt.
const LAST_RECEIPT: Duration = Duration::from_secs(300);
const MA: usize = 0;
const ES: usize = 1;

pub(crate) fn run(args: &ExchangeArgs, ui: Ui) -> Result<(), Failure> {
    super::block_on(async {
        let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
        let mut outcome = Outcome::new("exchange", Machine::look(&place));
        let mut pair = Pair::make(args, ui).await?;
        let measured = match args.rate {
            Some(rate) => steady(&pair, rate).await,
            None => flood(&pair, args).await,
        };
        if measured.is_err() {
            pair.stage.fleet.show_logs();
        }
        let measured = measured?;
        pair.stage.fleet.kill_all();
        let verified = pair.count(&mut outcome, args)?;
        measured.put(&mut outcome, args, &verified)?;
        outcome.print(ui)
    })
}

/// Two nodes under an agreement, and reports ready to go.
struct Pair {
    stage: Stage,
    _proxies: Vec<Proxy>,
}

impl Pair {
    async fn make(args: &ExchangeArgs, ui: Ui) -> Result<Self, Failure> {
        let count = args.count() + WARM_UP;
        ui.say(&format!(
            "two nodes are made and agree; {count} reports are written and approved by two persons"
        ));
        let mut specs = [Spec::new("ma-security", "MA")?, Spec::new("es-police", "ES")?];
        let mut proxies = Vec::new();
        if let Some(round_trip) = args.round_trip {
            for (number, spec) in (0..).zip(&mut specs) {
                let proxy = Proxy::start(number, spec.peer(), Weather::Far(round_trip)).await?;
                spec.told_port = proxy.port();
                proxies.push(proxy);
            }
        }
        let mut stage = Stage::of(args.dir.as_deref(), &specs, count, args.text).await?;
        ui.say("warming up");
        let warm = stage.ready.split_off(stage.ready.len().saturating_sub(WARM_UP));
        let spoc = stage.fleet.api(MA, "spoc")?;
        for some in warm.chunks(16) {
            released(spoc.clone(), some.to_vec()).await?;
        }
        last_receipts(&stage.fleet, &warm).await?;
        ui.say(&format!("measuring with {} reports", stage.ready.len()));
        Ok(Self { stage, _proxies: proxies })
    }

    /// What both nodes' tables say, now that the nodes are gone.
    fn count(&self, outcome: &mut Outcome, args: &ExchangeArgs) -> Result<BTreeMap<[u8; 16], i64>, Failure> {
        let (sender, receiver) =
            (tables::open(self.stage.fleet.node(MA)?)?, tables::open(self.stage.fleet.node(ES)?)?);
        let receipted: BTreeMap<_, _> = tables::receipted(&sender)?.into_iter().collect();
        let held = "SELECT COUNT(*) FROM report WHERE direction = 'received' AND state = 'acknowledged'";
        let held = tables::number(&receiver, held)?;
        let all = self.stage.ready.len() + WARM_UP;
        if receipted.len() != all || usize::try_from(held) != Ok(all) {
            let text = format!("{all} were released, {} receipted, {held} are held", receipted.len());
            return Err(Failure::new(Exit::NotVerified, "bench.lost", text));
        }
        let sizes = "SELECT CAST(AVG(LENGTH(bytes)) AS BIGINT) FROM outbox WHERE kind = 'report'";
        let used = "SELECT CAST(SUM(used) AS BIGINT) FROM agreement_counter WHERE name = 'bytes'";
        let sealed = tables::number(&sender, used)? / u64::try_from(all).unwrap_or(1).max(1);
        let round_trip = args
            .round_trip
            .map_or_else(|| "loopback".to_owned(), |span| format!("a round trip of {} ms", span.as_millis()));
        outcome.note(format!(
            "a report: {sealed} bytes sealed, {} on the wire, one person with five claims; {round_trip}",
            tables::number(&sender, sizes)?
        ));
        outcome.note(format!("after the run both tables were counted: {all} released, receipted and held"));
        Ok(receipted)
    }
}

impl ExchangeArgs {
    fn count(&self) -> usize {
        let of_rate = self.rate.map(|rate| usize::try_from(rate).unwrap_or(100) * 30);
        self.reports.or(of_rate).unwrap_or(10_000)
    }
}

/// What the clients' side saw.
struct Measured {
    reports: usize,
    /// From the first call to the last answer of a release.
    released: Duration,
    /// From the first call to the last receipt.
    receipted: Duration,
    /// When the call that released each report began, in milliseconds since 1970.
    begun: Vec<([u8; 16], f64)>,
}

/// As fast as it goes.
async fn flood(pair: &Pair, args: &ExchangeArgs) -> Result<Measured, Failure> {
    let spoc = pair.stage.fleet.api(MA, "spoc")?;
    let started = Instant::now();
    let mut calls = JoinSet::new();
    let mut waiting = pair.stage.ready.chunks(usize::from(args.together)).map(<[String]>::to_vec);
    for _ in 0..args.callers {
        waiting.next().map(|some| calls.spawn(released(spoc.clone(), some)));
    }
    let mut last = Vec::new();
    while let Some(done) = calls.join_next().await {
        last.extend(done.map_err(anyhow::Error::from)??.last().cloned());
        waiting.next().map(|some| calls.spawn(released(spoc.clone(), some)));
    }
    let released = started.elapsed();
    let newest = last.split_off(last.len().saturating_sub(usize::from(args.callers) + 1));
    last_receipts(&pair.stage.fleet, &newest).await?;
    let receipted = started.elapsed();
    Ok(Measured { reports: pair.stage.ready.len(), released, receipted, begun: Vec::new() })
}

pub(super) async fn released(spoc: Api, some: Vec<String>) -> Result<Vec<String>, Failure> {
    let sent = release(&spoc, &some, &json!({})).await?;
    if sent == some.len() {
        Ok(some)
    } else {
        Err(Failure::new(Exit::Failed, "bench.refused", "a report was refused"))
    }
}

/// One report after the other at a steady rate, whatever the answers take.
async fn steady(pair: &Pair, rate: u32) -> Result<Measured, Failure> {
    let spoc = pair.stage.fleet.api(MA, "spoc")?;
    let started = Instant::now();
    let mut beat = tokio::time::interval(Duration::from_secs(1) / rate.max(1));
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let (mut calls, mut begun) = (JoinSet::new(), Vec::new());
    for id in &pair.stage.ready {
        beat.tick().await;
        begun.push((number(id)?, since_1970()));
        calls.spawn(released(spoc.clone(), vec![id.clone()]));
    }
    while let Some(done) = calls.join_next().await {
        done.map_err(anyhow::Error::from)??;
    }
    let released = started.elapsed();
    let newest: Vec<String> = pair.stage.ready.iter().rev().take(8).cloned().collect();
    last_receipts(&pair.stage.fleet, &newest).await?;
    Ok(Measured { reports: pair.stage.ready.len(), released, receipted: started.elapsed(), begun })
}

pub(super) fn number(id: &str) -> Result<[u8; 16], Failure> {
    let id: ReportId =
        id.parse().map_err(|_malformed| Failure::new(Exit::Failed, "bench.id", "no number"))?;
    Ok(*id.as_bytes())
}

pub(super) fn since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(f64::NAN, |since| since.as_secs_f64() * 1_000.0)
}

/// Waits until the recipient has signed for each.
pub(super) async fn last_receipts(fleet: &Fleet, ids: &[String]) -> Result<(), Failure> {
    let api = fleet.api(MA, "supervisor")?;
    for id in ids {
        until_within(LAST_RECEIPT, "a receipt did not arrive", async || {
            let found = api.get(&format!("/api/v1/reports/{id}/receipts")).await?;
            let verdict = found.pointer("/receipts/0/verdict").and_then(serde_json::Value::as_str);
            Ok(verdict.map(|_verdict| ()))
        })
        .await?;
    }
    Ok(())
}

/// From each call to the receipt of its report, in milliseconds.
pub(super) fn latencies(begun: &[([u8; 16], f64)], receipted: &BTreeMap<[u8; 16], i64>) -> Vec<f64> {
    let spent = begun.iter().filter_map(|(id, begun)| {
        // Both of one clock; the remainder fits a number that converts without loss.
        let at = i32::try_from(*receipted.get(id)? % 1_000_000_000).map(f64::from).ok()?;
        Some(at - begun % 1_000_000_000.0)
    });
    spent.collect()
}

impl Measured {
    fn put(
        &self,
        outcome: &mut Outcome,
        args: &ExchangeArgs,
        receipted: &BTreeMap<[u8; 16], i64>,
    ) -> Result<(), Failure> {
        let reports = u32::try_from(self.reports).map_or(f64::NAN, f64::from);
        let goal = match (args.rate, args.round_trip) {
            (Some(_), _) => Goal::None,
            (None, None) => Goal::AtLeast { reach: 1_000.0, aim: 2_500.0 },
            (None, Some(_)) => Goal::AtLeast { reach: 400.0, aim: 1_500.0 },
        };
        let rate = reports / self.receipted.as_secs_f64();
        outcome.number("reports exchanged: released, decided twice, receipted", rate, "/s", goal);
        outcome.number(
            "release calls alone, same run",
            reports / self.released.as_secs_f64(),
            "/s",
            Goal::None,
        );
        if self.begun.is_empty() {
            return Ok(());
        }
        let sample = Sample::new(latencies(&self.begun, receipted));
        let goal = Goal::AtMost { reach: 100.0, aim: 30.0 };
        for (name, per_cent, goal) in [("p50", 50, Goal::None), ("p95", 95, Goal::None), ("p99", 99, goal)] {
            let value = sample.at(per_cent).unwrap_or(f64::NAN);
            outcome.number(format!("release call to receipt R1 stored, {name}"), value, "ms", goal);
        }
        outcome.number("the same, slowest", sample.max().unwrap_or(f64::NAN), "ms", Goal::None);
        outcome.note(format!(
            "{} receipts at {} per second; the sender's clock in whole milliseconds, before its own last flush",
            sample.len(),
            args.rate.unwrap_or(0)
        ));
        Ok(())
    }
}
