//! What a slow or dead partner does to the others (I14): receipts of one partner while another is well, answers late, or
//! never answers; the same rate of reports to both throughout.
//!
//! In rounds: a machine that stands still for a tenth of a second does so in any part, and a p99 of one part each would
//! tell where that fell.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::exchange::{last_receipts, number, released, since_1970};
use super::machine::Machine;
use super::percentile::Sample;
use super::proxy::{Proxy, Weather};
use super::result::{Goal, Outcome};
use super::stage::Stage;
use super::tables;
use crate::fleet::Spec;
use crate::ui::{Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct IsolationArgs {
    /// Reports per second to each of the two partners
    #[arg(long, default_value_t = 50, value_name = "PER_SECOND")]
    rate: u32,
    /// Seconds of each part of a round
    #[arg(long, default_value_t = 15, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Rounds: each has every part once
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Put the nodes here and leave them, instead of in a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

const PARTS: [(&str, Weather); 3] = [
    ("while the other partner is well", Weather::Calm),
    ("while the other answers after 5 s", Weather::Sluggish(Duration::from_secs(5))),
    ("while the other never answers", Weather::Dead),
];

pub(crate) fn run(args: &IsolationArgs, ui: Ui) -> Result<(), Failure> {
    super::block_on(async {
        let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
        let mut outcome = Outcome::new("isolation", Machine::look(&place));
        let mut specs = [
            Spec::new("ma-security", "MA")?,
            Spec::new("es-police", "ES")?,
            Spec::new("ci-judiciary", "CI")?,
        ];
        let [_, _, other] = &mut specs;
        let proxy = Proxy::start(0, other.peer(), Weather::Calm).await?;
        other.told_port = proxy.port();
        let each = usize::try_from(args.rate.saturating_mul(args.seconds)).unwrap_or(1).max(1);
        let rounds = usize::try_from(args.rounds).unwrap_or(1);
        let count = each.saturating_mul(PARTS.len()).saturating_mul(rounds);
        ui.say("three nodes are made, started and brought under two agreements");
        let mut stage = Stage::of(args.dir.as_deref(), &specs, count, 900).await?;
        let to_other = stage.ready.split_off(count);
        let mut begun: [Begun; PARTS.len()] = Default::default();
        let mut parts = stage.ready.chunks(each).zip(to_other.chunks(each));
        for round in 1..=rounds {
            for ((name, weather), begun) in PARTS.iter().zip(&mut begun) {
                ui.say(&format!("round {round} of {rounds}: {} s {name}", args.seconds));
                proxy.turn(*weather);
                let pairs = parts.next().unwrap_or_default();
                begun.extend(both(&stage, args.rate, pairs).await?);
                // What waits for the other partner is not part of the next part.
                proxy.turn(Weather::Calm);
                last_receipts(&stage.fleet, &newest(pairs.1)).await?;
            }
        }
        stage.fleet.kill_all();
        let receipted = tables::receipted(&tables::open(stage.fleet.node(0)?)?)?.into_iter().collect();
        put(&mut outcome, &begun, &receipted);
        outcome.note(format!(
            "{} reports per second to each of two partners, one by one; {rounds} rounds of {} s a part",
            args.rate, args.seconds
        ));
        outcome.print(ui)
    })
}

type Begun = Vec<([u8; 16], f64)>;

/// Releases to both at a steady rate; returns when those to the first were released.
async fn both(stage: &Stage, rate: u32, (first, other): (&[String], &[String])) -> Result<Begun, Failure> {
    let spoc = stage.fleet.api(0, "spoc")?;
    let mut beat = tokio::time::interval(Duration::from_secs(1) / rate.max(1));
    let mut calls = tokio::task::JoinSet::new();
    let mut begun = Vec::new();
    for (one, two) in first.iter().zip(other) {
        beat.tick().await;
        calls.spawn(released(spoc.clone(), vec![two.clone()]));
        begun.push((number(one)?, since_1970()));
        calls.spawn(released(spoc.clone(), vec![one.clone()]));
    }
    while let Some(done) = calls.join_next().await {
        done.map_err(anyhow::Error::from)??;
    }
    last_receipts(&stage.fleet, &newest(first)).await?;
    Ok(begun)
}

fn newest(ids: &[String]) -> Vec<String> {
    ids.iter().rev().take(4).cloned().collect()
}

fn put(outcome: &mut Outcome, parts: &[Begun], receipted: &std::collections::BTreeMap<[u8; 16], i64>) {
    let mut well = None;
    for (begun, (name, _)) in parts.iter().zip(PARTS) {
        let sample = Sample::new(super::exchange::latencies(begun, receipted));
        let p99 = sample.at(99).unwrap_or(f64::NAN);
        outcome.number(
            format!("receipt R1, p50, {name}"),
            sample.at(50).unwrap_or(f64::NAN),
            "ms",
            Goal::None,
        );
        outcome.number(format!("receipt R1, p99, {name}"), p99, "ms", Goal::None);
        match well {
            None => well = Some(p99),
            Some(well) => {
                let worse = (p99 / well - 1.0) * 100.0;
                let goal = Goal::AtMost { reach: 20.0, aim: 5.0 };
                outcome.number(format!("change of p99, {name}"), worse, "%", goal);
            }
        }
    }
}
