//! `mithaq check attack`: what a partner with a dictionary of names gets out of what it is given. A test tool: invented
//! names and keys of its own, or the transcript of a real check; no node.

mod recorded;

use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use mithaq_check::attack::{Dictionary, NAMES_MAX, SUBJECTS, Shipped, Transcript};
use mithaq_check::oprf::OprfError;
use serde_json::{Value as Json, json};

use self::recorded::Heard;
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
    /// What travelled between two nodes, in the place of a check of its own: the file that a node with `record_checks`
    /// writes, and `mithaq demo --dir DIR` leaves
    #[arg(long, value_name = "FILE", requires = "subjects")]
    transcript: Option<PathBuf>,
    /// The persons it was about, a name, a tab and a year of birth a line: the filters are made of them, and the
    /// dictionary holds them first
    #[arg(long, value_name = "FILE", requires = "transcript")]
    subjects: Option<PathBuf>,
}

impl AttackArgs {
    /// The attack of the demonstration on its own transcript: small enough to wait for.
    pub(crate) const fn small(transcript: PathBuf, subjects: PathBuf) -> Self {
        Self { names: 2_000, pbkdf2_names: 50, transcript: Some(transcript), subjects: Some(subjects) }
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
    /// Persons that could be named.
    pub(crate) subjects: usize,
    pub(crate) names: usize,
    pub(crate) shipped: Vec<Fallen>,
    /// Subjects named by tag set and transcript.
    pub(crate) ours: usize,
    pub(crate) ours_seconds: f64,
    /// Subjects that answer to one evaluation each, where the asked side's key is here.
    pub(crate) online: Option<usize>,
    /// Of a recorded transcript: tags and dummies, elements, claims.
    pub(crate) heard: Option<(usize, usize, usize)>,
}

pub(crate) fn run(args: &AttackArgs, ui: Ui) -> Result<(), Failure> {
    let outcome = attack(args, |line| ui.say(line))?;
    let verdict = if outcome.ours == 0 {
        Ok(())
    } else {
        let text = format!("{} subjects were named without the asked side's key", outcome.ours);
        Err(Failure::new(Exit::NotVerified, "check.attack", text)
            .hint("do not use private checks with this build; report it as SECURITY.md says"))
    };
    ui.judged(outcome.json(), &outcome.lines(), verdict)
}

/// Attacks all three.
pub(crate) fn attack(args: &AttackArgs, say: impl Fn(&str)) -> Result<Outcome, Failure> {
    let wanted = usize::try_from(args.names).unwrap_or(NAMES_MAX);
    let dictionary = Dictionary::of(wanted);
    if let (Some(transcript), Some(subjects)) = (&args.transcript, &args.subjects) {
        let slow = usize::try_from(args.pbkdf2_names).unwrap_or(NAMES_MAX);
        return Heard::read(transcript, subjects)?.attack((&dictionary, slow), say);
    }
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
        let named = in_steps(kind.code(), tried, step, &say, |part| {
            kind.named(|n| dictionary.guess(n), part, &filter)
        })?;
        let seconds = start.elapsed().as_secs_f64();
        shipped.push(Fallen { kind, named, tried, seconds, whole_seconds: seconds * share(names, tried) });
    }
    let transcript = Transcript::of(&subjects).map_err(broken)?;
    let start = Instant::now();
    let ours = in_steps("tag set and transcript", names, STEP / 10, &say, |part| {
        transcript.named(&dictionary, part)
    })?;
    let ours_seconds = start.elapsed().as_secs_f64();
    let online = Some(transcript.answered(&subjects).map_err(broken)?);
    Ok(Outcome { subjects: SUBJECTS, names, shipped, ours, ours_seconds, online, heard: None })
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
            "subjects": self.subjects,
            "names": self.names,
            "shipped": shipped.collect::<Vec<_>>(),
            "private_check": { "named": self.ours, "tried": self.names, "seconds": self.ours_seconds },
            "with_the_key": self.online.map(|named| json!({ "named": named, "evaluations": self.subjects })),
            "transcript": self.heard.map(|(tags, elements, claims)| {
                json!({ "tags": tags, "elements": elements, "claims": claims })
            }),
        })
    }

    fn lines(&self) -> Vec<String> {
        let subjects = self.subjects;
        let mut lines = vec![format!("{subjects} subjects, {} names with years of birth", self.names)];
        if let Some((tags, elements, claims)) = self.heard {
            lines.push(format!(
                "the transcript: {tags} tags and dummies, {elements} elements there and back, {claims} claims"
            ));
        }
        lines.extend(self.rows());
        if let Some(online) = self.online {
            lines.push(format!(
                "with the asked side's key each guess is an evaluation, charged: {online} of {subjects} answer"
            ));
        }
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
        let args = AttackArgs { names: 1_000, pbkdf2_names: 5, transcript: None, subjects: None };
        let outcome = attack(&args, |_| ()).unwrap();
        let named: Vec<usize> = outcome.shipped.iter().map(|one| one.named).collect();
        assert_eq!((named, outcome.ours, outcome.online), (vec![1_000, 5], 0, Some(1_000)));
        assert_eq!(outcome.json()["private_check"]["named"], 0);
        assert_eq!(outcome.lines().len(), 5);
    }
}
