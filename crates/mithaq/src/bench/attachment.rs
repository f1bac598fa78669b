//! A long attachment from one node to another, and what it costs: bytes per second of each leg and the most memory either
//! process ever had. The file is made as it is sent, so that this program holds little too.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::dice::Dice;
use super::ingest::person;
use super::machine::{self, Machine};
use super::result::{Goal, Outcome};
use super::stage::no_budget;
use crate::attachment::{Bar, download, upload};
use crate::fleet::{Draft, Fleet, Spec, now, release, text, until_within, why};
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct AttachmentArgs {
    /// Length of the file, for example 512MiB or 10GiB
    #[arg(long, default_value = "1GiB", value_name = "SIZE", value_parser = size, conflicts_with = "subjects")]
    size: u64,
    /// Send so many invented subjects with four claims each, one JSON document per line, instead of random bytes
    #[arg(long, value_name = "N")]
    subjects: Option<u64>,
    /// Kill the receiver so many times in the middle
    #[arg(long, default_value_t = 0, value_name = "N")]
    kills: u32,
    /// Put the nodes here and leave them, instead of in a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

const MA: usize = 0;
const ES: usize = 1;
/// Longest wait for the whole file.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Reads `512MiB` or `10GiB`.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size; write `512MiB` or `10GiB`");
    let (number, unit) = match text.strip_suffix("GiB") {
        Some(number) => (number, 30),
        None => (text.strip_suffix("MiB").ok_or_else(wrong)?, 20),
    };
    let number: u64 = number.parse().map_err(|_no_number| wrong())?;
    number.checked_mul(1 << unit).filter(|bytes| (1..=32 << 30).contains(bytes)).ok_or_else(wrong)
}

pub(crate) fn run(args: &AttachmentArgs, ui: Ui) -> Result<(), Failure> {
    super::block_on(async {
        let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
        let mut outcome = Outcome::new("attachment", Machine::look(&place));
        let specs = [Spec::new("ma-security", "MA")?, Spec::new("es-police", "ES")?];
        let mut fleet = Fleet::make("bench", args.dir.as_deref(), &specs, "en")?;
        let measured = measure(&mut fleet, args, &mut outcome, ui).await;
        if measured.is_err() {
            fleet.show_logs();
        }
        measured?;
        outcome.print(ui)
    })
}

async fn measure(
    fleet: &mut Fleet,
    args: &AttachmentArgs,
    outcome: &mut Outcome,
    ui: Ui,
) -> Result<(), Failure> {
    fleet.start_all().await?;
    fleet.agree((MA, ES), no_budget).await?;
    let case = fleet.open_case(MA).await?;
    let subject = fleet.write_subject(MA, &case).await?;
    let what = Draft { case: &case, subject: &subject, fact: "The passenger list is attached" };
    let report = fleet.draft(MA, &[ES], &what).await?;
    let (length, hash) = length_and_hash(args);
    ui.say(&format!("a file of {length} bytes is brought into a draft"));
    let before = [peak(fleet, MA)?, peak(fleet, ES)?];
    let started = Instant::now();
    let body = json!({ "why": why("The list names them"), "case": case, "name": text("list.bin"), "length": length });
    let api = fleet.api(MA, "analyst")?;
    let begun = api.post(&format!("/api/v1/reports/{report}/attachments"), &body).await?;
    let done = upload(&api, &begun, &mut source(args), length, &mut Bar::new(ui, length)).await?;
    if done.get("place").and_then(Json::as_u64) != Some(1) {
        return Err(Failure::new(Exit::Failed, "bench.upload", "the file is not in the draft"));
    }
    let brought = started.elapsed();
    fleet.approve(MA, &case, &report).await?;
    ui.say("it is released, and the partner takes it");
    let started = Instant::now();
    release(&fleet.api(MA, "spoc")?, std::slice::from_ref(&report), &json!({})).await?;
    let mut killed_peak = 0;
    for number in 0..args.kills {
        let share = u64::from(number + 1);
        let chunks = length.div_ceil(1 << 20) * share / u64::from(args.kills + 1);
        arrived(fleet, &report, chunks).await?;
        killed_peak = killed_peak.max(peak(fleet, ES)?);
        fleet.kill(ES);
        fleet.start(ES)?;
        fleet.wait_ready(ES).await?;
    }
    arrived(fleet, &report, u64::MAX).await?;
    let moved = started.elapsed();
    ui.say("it is read at the partner");
    let there = fleet.open_case(ES).await?;
    let body = json!({ "why": why("The list names them"), "case": there });
    let path = format!("/api/v1/reports/{report}/attachments/1/read");
    let started = Instant::now();
    let mut sink = Hashed(Sha256::new());
    download(&fleet.api(ES, "analyst")?, &path, &body, &mut sink, ui).await?;
    let read = started.elapsed();
    if sink.0.finalize().as_slice() != hash {
        return Err(Failure::new(Exit::NotVerified, "bench.other", "what was read is not what was sent"));
    }
    let after = [peak(fleet, MA)?, peak(fleet, ES)?.max(killed_peak)];
    put(outcome, args, length, [brought, moved, read], before, after);
    Ok(())
}

fn put(
    outcome: &mut Outcome,
    args: &AttachmentArgs,
    length: u64,
    spans: [Duration; 3],
    before: [u64; 2],
    after: [u64; 2],
) {
    let legs = [
        "brought into a draft, encrypted",
        "moved to the partner, from the release on",
        "read at the partner",
    ];
    for (leg, span) in legs.into_iter().zip(spans) {
        outcome.number(leg, mib(length) / span.as_secs_f64(), "MiB/s", Goal::None);
    }
    let goal = match args.subjects {
        Some(_) => Goal::AtMost { reach: 300.0, aim: 150.0 },
        None => Goal::None,
    };
    for ((who, before), after) in ["sender", "receiver"].into_iter().zip(before).zip(after) {
        outcome.number(format!("most memory of the {who}, whole run"), mib(after), "MiB", goal);
        outcome.number(format!("the same before the file, {who}"), mib(before), "MiB", Goal::None);
    }
    outcome.note(match args.subjects {
        Some(count) => {
            format!("{count} invented subjects, four claims each, one JSON line per subject: {length} bytes")
        }
        None => format!("{length} random bytes; loopback, TLS, both nodes on one machine and one disk"),
    });
    if args.kills > 0 {
        outcome.note(format!("the receiver was killed {} time(s) in the middle and went on", args.kills));
    }
    outcome.note("what was read was compared with what was sent, by SHA-256");
}

/// Waits until so many chunks are durable at the partner, or all of them.
async fn arrived(fleet: &Fleet, report: &str, chunks: u64) -> Result<(), Failure> {
    let api = fleet.api(ES, "analyst")?;
    let path = format!("/api/v1/reports/{report}/attachments");
    until_within(PATIENCE, "the attachment did not arrive", async || {
        // Before the report is there, nothing is there.
        let Ok(list) = api.get(&path).await else { return Ok(None) };
        let one = list.get(0).unwrap_or(&Json::Null);
        let here = one.get("state").and_then(Json::as_str) == Some("here");
        let have = one.get("have").and_then(Json::as_u64).unwrap_or(0);
        Ok((here || have >= chunks).then_some(()))
    })
    .await
}

fn peak(fleet: &Fleet, node: usize) -> Result<u64, Failure> {
    let process = fleet.node(node)?.process();
    process.and_then(machine::peak).ok_or_else(|| {
        Failure::new(Exit::Failed, "bench.memory", "this system does not tell a process's memory")
    })
}

/// The file, made while it is read.
struct Source {
    dice: Dice,
    lines: bool,
    left: u64,
    expires: String,
    buffer: Vec<u8>,
    at: usize,
}

fn source(args: &AttachmentArgs) -> Source {
    let (lines, left) = args.subjects.map_or((false, args.size), |count| (true, count));
    let expires = now().plus(mithaq_model::Days(360)).to_string();
    // The day alone: the file is made twice and must be the same.
    let expires = expires.chars().take(10).collect();
    Source { dice: Dice::new(7), lines, left, expires, buffer: Vec::new(), at: 0 }
}

impl Source {
    fn fill(&mut self) {
        self.buffer.clear();
        self.at = 0;
        if self.left == 0 {
            return;
        }
        if self.lines {
            self.buffer = person(&mut self.dice, &self.expires).to_string().into_bytes();
            self.buffer.push(b'\n');
            self.left -= 1;
            return;
        }
        let count = self.left.min(64 * 1024);
        while self.buffer.len() < usize::try_from(count).unwrap_or(0) {
            self.buffer.extend_from_slice(&self.dice.below(u64::MAX).to_be_bytes());
        }
        self.buffer.truncate(usize::try_from(count).unwrap_or(0));
        self.left -= count;
    }
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.buffer.len() {
            self.fill();
        }
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        let count = rest.len().min(out.len());
        out.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
        self.at += count;
        Ok(count)
    }
}

/// Keeps nothing of what it is given but its hash.
struct Hashed(Sha256);

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn length_and_hash(args: &AttachmentArgs) -> (u64, Vec<u8>) {
    let mut source = source(args);
    let (mut length, mut hash) = (0_u64, Sha256::new());
    loop {
        source.fill();
        if source.buffer.is_empty() {
            return (length, hash.finalize().to_vec());
        }
        length += u64::try_from(source.buffer.len()).unwrap_or(0);
        hash.update(&source.buffer);
    }
}

/// Bytes in units of 2^20.
fn mib(bytes: u64) -> f64 {
    u32::try_from(bytes >> 10).map_or(f64::NAN, f64::from) / 1_024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_nonsense_is_not() {
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("10GiB"), Ok(10 << 30));
        for bad in ["", "10", "10GB", "0MiB", "33GiB", "-1GiB", "99999999999999999999GiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_source_gives_the_same_bytes_twice_whatever_is_asked_at_once() {
        for subjects in [None, Some(40)] {
            let args = AttachmentArgs { size: (1 << 20) + 13, subjects, kills: 0, dir: None };
            let (length, hash) = length_and_hash(&args);
            let mut read = Vec::new();
            source(&args).read_to_end(&mut read).unwrap();
            assert_eq!((u64::try_from(read.len()).unwrap(), Sha256::digest(&read).to_vec()), (length, hash));
            assert_eq!(subjects.is_some(), read.ends_with(b"\n"));
        }
    }
}
