//! `mithaq check attack --transcript FILE`: the same attacker with what really travelled between two nodes, as the asking
//! one recorded it (`record_checks`), beside filters of the same persons.

use std::path::Path;
use std::time::Instant;

use data_encoding::HEXLOWER_PERMISSIVE;
use mithaq_check::attack::{Dictionary, Person, Recorded, RecordedError, Shipped};

use super::{Fallen, Outcome, SLOW_STEP, STEP, in_steps, share};
use crate::ui::{Exit, Failure};

/// Names tried at once against a transcript.
const RECORDED_STEP: usize = 20_000;

/// Tag sets with what travelled under them, and the persons it was about: known to the attacker's dictionary only.
pub(crate) struct Heard {
    recorded: Vec<Recorded>,
    persons: Vec<Person>,
}

impl Heard {
    /// Reads a transcript and the persons: a name, a tab and a year of birth a line.
    pub(crate) fn read(transcript: &Path, subjects: &Path) -> Result<Self, Failure> {
        let persons = file(subjects, "cli.subjects")?;
        let persons = persons.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let persons = persons.map(|(n, line)| person(line).ok_or_else(|| wrong(subjects, n)));
        let persons = persons.collect::<Result<Vec<_>, Failure>>()?;
        let recorded = heard(&file(transcript, "cli.transcript")?).map_err(|(n, text)| {
            Failure::new(
                Exit::Usage,
                "cli.transcript",
                format!("`{}`, line {n}: {text}", transcript.display()),
            )
            .hint("give the file that a node wrote under `record_checks`, unchanged")
        })?;
        if recorded.is_empty() || persons.is_empty() {
            return Err(Failure::new(
                Exit::Usage,
                "cli.transcript",
                "no tag set or no persons are in the files",
            )
            .hint(
                "record a node while it fetches a set and asks; `mithaq demo --dir DIR` makes both files",
            ));
        }
        Ok(Self { recorded, persons })
    }

    /// Attacks all three.
    pub(super) fn attack(
        &self,
        (dictionary, pbkdf2_names): (&Dictionary, usize),
        say: impl Fn(&str),
    ) -> Result<Outcome, Failure> {
        let known = self.persons.len();
        let names = known + dictionary.len();
        let person = |n: usize| {
            self.persons.get(n).cloned().unwrap_or_else(|| dictionary.person(n.saturating_sub(known)))
        };
        let mut shipped = Vec::new();
        let policy = self.recorded.first().map(Recorded::policy);
        for kind in Shipped::ALL {
            let Some(policy) = policy else { continue };
            let key = |n: usize| person(n).filter_key(policy);
            let filter = kind.filter(&(0..known).map(key).collect::<Vec<_>>());
            let (tried, step) = match kind {
                Shipped::Short => (names, STEP),
                Shipped::Pbkdf2 => (names.min(pbkdf2_names.max(known)), SLOW_STEP),
            };
            let start = Instant::now();
            let named = in_steps(kind.code(), tried, step, &say, |part| kind.named(key, part, &filter))?;
            let seconds = start.elapsed().as_secs_f64();
            shipped.push(Fallen {
                kind,
                named,
                tried,
                seconds,
                whole_seconds: seconds * share(names, tried),
            });
        }
        let start = Instant::now();
        let mut ours = 0;
        for one in &self.recorded {
            ours += in_steps("tag set and transcript", names, RECORDED_STEP, &say, |part| {
                one.named(&part.map(person).collect::<Vec<_>>())
            })?;
        }
        let ours_seconds = start.elapsed().as_secs_f64();
        let heard = self.recorded.iter().map(Recorded::sizes);
        let heard = heard.fold((0, 0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2));
        Ok(Outcome { subjects: known, names, shipped, ours, ours_seconds, online: None, heard: Some(heard) })
    }
}

fn file(path: &Path, code: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Usage, code, format!("`{}` cannot be read: {error}", path.display()))
            .hint("`mithaq demo --dir DIR` leaves both files in the first node's directory")
    })
}

fn person(line: &str) -> Option<Person> {
    let (name, year) = line.split_once('\t')?;
    Some(Person { name: name.to_owned(), year: year.trim().parse().ok()? })
}

fn wrong(subjects: &Path, line: usize) -> Failure {
    let text = format!("`{}`, line {}: no name with a year", subjects.display(), line + 1);
    Failure::new(Exit::Usage, "cli.subjects", text)
        .hint("write a name, a tab and a year of birth a line, for example `Amina Bouziane\t1987`")
}

/// The sets of a transcript, each with what travelled under it; else the line that is none, and why.
fn heard(text: &str) -> Result<Vec<Recorded>, (usize, String)> {
    let mut lines = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let bad = |what: &str| (n + 1, what.to_owned());
        let mut fields = line.split(' ');
        let kind = fields.next().unwrap_or_default();
        let bytes = |field: Option<&str>| {
            HEXLOWER_PERMISSIVE
                .decode(field.unwrap_or_default().as_bytes())
                .map_err(|_no| bad("no hexadecimal"))
        };
        lines.push((n + 1, kind, bytes(fields.next())?, bytes(fields.next())?));
    }
    let said = |n: usize| move |error: RecordedError| (n, error.to_string());
    let mut out: Vec<Recorded> = Vec::new();
    let mut parts: Vec<u8> = Vec::new();
    for (n, _, _, answer) in lines.iter().filter(|line| line.1 == "set") {
        // `u32 epoch || u32 number || u32 total || part`; parts of another set begin anew.
        let (head, part) = answer.split_at_checked(12).ok_or((*n, "no part of a set".to_owned()))?;
        let total = head.last_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        if parts.len() + part.len() > total {
            parts.clear();
        }
        parts.extend(part);
        if parts.len() == total {
            out.push(Recorded::new(&parts).map_err(said(*n))?);
            parts.clear();
        }
    }
    for one in &mut out {
        for (n, kind, body, answer) in &lines {
            match *kind {
                "request" => one.hear(body, answer).map_err(said(*n))?,
                "claims" => one.hear_claims(body).map_err(said(*n))?,
                _other => {}
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_no_transcript_is_named() {
        assert_eq!(heard("").unwrap().len(), 0);
        let (line, what) = heard("request zz 00").unwrap_err();
        assert_eq!((line, what.as_str()), (1, "no hexadecimal"));
        assert_eq!(heard("set 00 00").unwrap_err().0, 1);
        let (line, what) = heard("request 00 00\nset 00 000000010000000100000001ff").unwrap_err();
        assert!(line == 2 && what.starts_with("the tag set cannot be read"), "{what}");
        // A first part alone is no set yet.
        assert_eq!(heard("set 00 000000010000000100000002ff").unwrap().len(), 0);
    }

    #[test]
    fn a_person_is_a_name_and_a_year() {
        assert_eq!(person("Amina Bouziane\t1987").map(|one| one.year), Some(1987));
        assert!(person("Amina Bouziane 1987").is_none() && person("Amina\tlater").is_none());
    }
}
