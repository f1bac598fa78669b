//! How fast questions about planned actions are: the table of `docs/benchmarks/check.md`.
//!
//! `cargo run --release -p mithaq-check --example event_speed`
#![expect(clippy::disallowed_methods, reason = "a program reads the clock")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use mithaq_check::event::{
    EVENT_CELLS, EVENT_PLANS_MAX, EventClaim, EventRequest, Plan, event_answer, event_ask, event_check,
    event_conclude, event_opening, held,
};
use mithaq_check::oprf::Element;
use mithaq_model::{AgreementId, Coordinates, PartyId, Purpose, Timestamp};

/// How often each step is done.
const ROUNDS: u8 = 25;

type Failed = Box<dyn std::error::Error>;

/// A plan per number: half a degree apart, so that no two are near each other.
fn plan(n: usize) -> Plan {
    let east = i32::try_from(n).unwrap_or(0) * 500_000;
    Plan {
        at: Coordinates { latitude_e6: 35_780_000, longitude_e6: east, precision_m: 10_000 },
        from: Timestamp::from_millis(1_796_104_800_000),
    }
}

fn request(round: u8) -> Result<EventRequest, Failed> {
    Ok(EventRequest {
        ask: [round; 16],
        agreement: AgreementId::new([4; 32]),
        asking: PartyId::new("ma-security")?,
        asked: PartyId::new("es-police")?,
        purpose: Purpose::Investigate,
        case: [5; 16],
        officer: [6; 16],
        created: Timestamp::from_millis(1_796_000_000_000),
        // Both are filled in from the opening.
        commitment: [0; 32],
        element: Element([0; 32]),
    })
}

/// Runs a step and puts down how long it took.
fn timed<R>(times: &mut Vec<Duration>, work: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = black_box(work());
    times.push(start.elapsed());
    result
}

fn show(label: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |place: usize| times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3);
    println!("{label:<56} least {:>9.4} ms  median {:>9.4} ms", at(0), at(times.len() / 2));
}

/// One question asked of a node with so many plans, the last of which it meets.
fn question(plans: usize) -> Result<(), Failed> {
    let there: Vec<Plan> = (0..plans).map(plan).collect();
    let ours = plan(plans.saturating_sub(1));
    let mut times: [Vec<Duration>; 5] = Default::default();
    let [cells, asks, answers, concludes, claims] = &mut times;
    let mut sizes = (0, 0);
    for round in 1..=ROUNDS {
        timed(cells, || there.iter().map(held).map(|cells| cells.len()).sum::<usize>());
        let opening = event_opening(&ours, [round; 32], [round; 32]);
        let asked = timed(asks, || event_ask(request(round)?, &opening).map_err(Failed::from))?;
        let (bytes, halves) = timed(answers, || {
            let evaluated = event_answer(&asked, &there, &[round; 32], true)?;
            let bytes = evaluated.answer.to_bytes(&asked.ask, &asked.digest());
            Ok::<_, Failed>((bytes, evaluated.halves))
        })?;
        let half = timed(concludes, || event_conclude(&asked, &opening, &bytes))?;
        let half = half.ok_or("the plans did not meet")?;
        let claim = EventClaim { ask: asked.ask, half, contact: "desk 12".to_owned() };
        let met = timed(claims, || halves.iter().filter(|(half, _)| claim.is_of(half)).count());
        if met != 1 || event_check(&asked, &opening).is_err() {
            return Err("another plan met, or the opening does not hold".into());
        }
        sizes = (asked.to_bytes().len(), bytes.len());
    }
    println!("{plans} plans: request {} bytes, answer {} bytes", sizes.0, sizes.1);
    let labels = [
        "asked side: cells of its plans",
        "asking side: opening, commitment, element",
        "asked side: key, evaluation, tags, answer",
        "asking side: reads the answer, looks",
        "asked side: compares the claim with every half",
    ];
    labels.into_iter().zip(times).for_each(|(label, times)| show(label, times));
    Ok(())
}

fn main() -> Result<(), Failed> {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{EVENT_CELLS} cells a plan, {ROUNDS} rounds, {cores} cores, load {}", load.trim());
    [1, 16, EVENT_PLANS_MAX].into_iter().try_for_each(question)
}
