//! `mithaq check attack`: what a partner with a dictionary of names gets out of what it is given. A test tool: invented
//! names, keys of its own, no node.

use std::ops::Range;
use std::time::Instant;

use clap::Args;
use mithaq_check::attack::{Dictionary, NAMES_MAX, SUBJECTS, Shipped, Transcript};
use mithaq_check::oprf::OprfError;
use serde_json::{Value as Json, json};

use crate::ui::{Exit, Failure, Ui};

/// Names tried at once, between two lines of progress.
const STEP: usize = 1_000_000;
/// The same where a name costs a thousand times as much.
const SLOW_STEP: usize = 50_000;

#[derive(Debug, Args)]
pub(crate) struct AttackArgs {
    /// Names of the dictionary, each with a year of birth: 1,000 to 10,000,000
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    names: u32,
    /// Names tried against the PBKDF2 filter, which is slow: ten million take a quarter of an hour and more; the
    /// rest is multiplied
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pbkdf2_names: u32,
}

impl AttackArgs {
    /// The attack of the demonstration: small enough to wait for.
    pub(crate) const fn small() -> Self {
        Self { names: 10_000, pbkdf2_names: 50 }
    }
}

/// What one filter gave.
pub(crate) struct Fallen {
    pub(crate) kind: Shipped,
    pub(crate) named: usize,
    pub(crate) tried: usize,
    pub(crate) seconds: f64,
    /// What the whole dictionary takes on this machine.
    pub(crate) whole_seconds: f64,
}

/// What the attack came to.
pub(crate) struct Outcome {
    pub(crate) names: usize,
    pub(crate) shipped: Vec<Fallen>,
    /// Subjects named by tag set and transcript.
    pub(crate) ours: usize,
    pub(crate) ours_seconds: f64,
    /// Subjects that answer to one evaluation each.
    pub(crate) online: usize,
}

pub(crate) fn run(args: &AttackArgs, ui: Ui) -> Result<(), Failure> {
    let outcome = attack(args, |line| ui.say(line))?;
    ui.result(&outcome.json(), &outcome.lines())?;
    if outcome.ours > 0 {
        return Err(Failure::new(
            Exit::NotVerified,
            "check.attack",
            format!("{} subjects were named without the asked side's key", outcome.ours),
        )
        .hint("do not use private checks with this build; report it as SECURITY.md says"));
    }
    Ok(())
}

/// Attacks all three.
pub(crate) fn attack(args: &AttackArgs, say: impl Fn(&str)) -> Result<Outcome, Failure> {
    let wanted = usize::try_from(args.names).unwrap_or(NAMES_MAX);
    let dictionary = Dictionary::of(wanted);
    let (names, subjects) = (dictionary.len(), dictionary.subjects());
    let mut shipped = Vec::new();
    for kind in Shipped::ALL {
        let tried = match kind {
            Shipped::Short => names,
            Shipped::Pbkdf2 => names.min(usize::try_from(args.pbkdf2_names).unwrap_or(names)),
        };
        // A subject beyond the names that are tried cannot be named: its hash would only cost time.
        let within = tried.div_ceil((names / SUBJECTS).max(1)).min(SUBJECTS);
        let filter = kind.filter(subjects.get(..within).unwrap_or(&subjects));
        let step = if kind == Shipped::Short { STEP } else { SLOW_STEP };
        let start = Instant::now();
        let named = in_steps(kind.code(), tried, step, &say, |part| kind.named(&dictionary, part, &filter))?;
        let seconds = start.elapsed().as_secs_f64();
        shipped.push(Fallen { kind, named, tried, seconds, whole_seconds: seconds * share(names, tried) });
    }
    let transcript = Transcript::of(&subjects).map_err(broken)?;
    let start = Instant::now();
    let ours = in_steps("tag set and transcript", names, STEP / 10, &say, |part| {
        transcript.named(&dictionary, part)
    })?;
    let ours_seconds = start.elapsed().as_secs_f64();
    let online = transcript.answered(&subjects).map_err(broken)?;
    Ok(Outcome { names, shipped, ours, ours_seconds, online })
}

/// Tries names in steps, each after a line of progress; returns how many subjects they named.
fn in_steps(
    what: &str,
    names: usize,
    step: usize,
    say: impl Fn(&str),
    tried: impl Fn(Range<usize>) -> Result<usize, OprfError>,
) -> Result<usize, Failure> {
    let mut named = 0;
    for from in (0..names).step_by(step) {
        say(&format!("{what}: {from} of {names} names"));
        named += tried(from..names.min(from + step)).map_err(broken)?;
    }
    Ok(named)
}

fn broken(error: OprfError) -> Failure {
    anyhow::Error::new(error).context("the private check cannot be set up").into()
}

#[expect(clippy::cast_precision_loss, reason = "counts of names, far below 2^52")]
fn share(whole: usize, part: usize) -> f64 {
    whole as f64 / part.max(1) as f64
}

impl Outcome {
    fn json(&self) -> Json {
        let shipped = self.shipped.iter().map(|one| {
            json!({ "kind": one.kind.code(), "named": one.named, "tried": one.tried, "seconds": one.seconds,
                "whole_dictionary_seconds": one.whole_seconds })
        });
        json!({
            "subjects": SUBJECTS,
            "names": self.names,
            "shipped": shipped.collect::<Vec<_>>(),
            "private_check": { "named": self.ours, "tried": self.names, "seconds": self.ours_seconds },
            "with_the_key": { "named": self.online, "evaluations": SUBJECTS },
        })
    }

    fn lines(&self) -> Vec<String> {
        let mut lines =
            vec![format!("{SUBJECTS} invented subjects, {} names with years of birth", self.names)];
        lines.extend(self.rows());
        lines.push(format!(
            "with the asked side's key each guess is an evaluation, charged: {} of {SUBJECTS} answer",
            self.online
        ));
        lines
    }

    /// One line for each way to ask.
    fn rows(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for one in &self.shipped {
            lines.push(format!(
                "{:<24} {:>5} named by {} names in {:.1} s; the whole dictionary: {:.1} s",
                one.kind.code(),
                one.named,
                one.tried,
                one.seconds,
                one.whole_seconds
            ));
        }
        lines.push(format!(
            "{:<24} {:>5} named by {} names in {:.1} s",
            "tag set and transcript", self.ours, self.names, self.ours_seconds
        ));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_fall_and_ours_does_not() {
        let outcome = attack(&AttackArgs { names: 1_000, pbkdf2_names: 5 }, |_| ()).unwrap();
        let named: Vec<usize> = outcome.shipped.iter().map(|one| one.named).collect();
        assert_eq!((named, outcome.ours, outcome.online), (vec![1_000, 5], 0, 1_000));
        assert_eq!(outcome.json()["private_check"]["named"], 0);
        assert_eq!(outcome.lines().len(), 5);
    }
}
