//! Scoring and searching over standard input and output, line by line, for programs that measure or embed.

use std::io::{BufRead, BufWriter, Write};

use clap::Args;
use mithaq_names::index::{
    Hit, Part, Record, Scratch, SearchOptions, Segment, Tombstones, build_segment, search,
};
use mithaq_names::{Kind, Name, Scorer};
use serde_json::{Value as Json, json};

use super::{KindArg, likeness_json};
use crate::ui::{Exit, Failure, Ui};

/// Reads `id TAB kind TAB a TAB b`, writes `id TAB bits`, or an object a line; kind is person, org or place.
pub(super) fn pairs(ui: Ui) -> Result<(), Failure> {
    score(std::io::stdin().lock(), BufWriter::new(std::io::stdout().lock()), ui.json)
}

fn score(mut input: impl BufRead, mut out: impl Write, as_json: bool) -> Result<(), Failure> {
    let scorer = Scorer::new();
    // One piece of memory for all lines: it shows in the pairs a second.
    let mut line = String::new();
    for number in 1.. {
        line.clear();
        if input.read_line(&mut line).map_err(|error| unreadable(number, &error))? == 0 {
            break;
        }
        let mut fields = line.trim_end_matches(['\r', '\n']).split('\t');
        let (Some(id), Some(kind), Some(a), Some(b)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(wrong(&format!("line {number} is not `id TAB kind TAB name TAB name`")));
        };
        let kind = super::kind_of(kind)
            .ok_or_else(|| wrong(&format!("line {number}: `{kind}` is none of person, org and place")))?;
        let likeness = scorer.score(&Name::parse_as(kind, a), &Name::parse_as(kind, b));
        if as_json {
            let mut answer = likeness_json(&likeness);
            if let Json::Object(fields) = &mut answer {
                fields.insert("id".into(), id.into());
            }
            writeln!(out, "{answer}")?;
        } else {
            writeln!(out, "{id}\t{}", likeness.bits_shown())?;
        }
    }
    Ok(out.flush()?)
}

fn unreadable(line: u64, error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::InvalidData {
        return wrong(&format!("line {line} is not UTF-8"));
    }
    Failure::new(Exit::Failed, "names.io", error.to_string())
}

fn wrong(words: &str) -> Failure {
    Failure::new(Exit::Usage, "names.protocol", words)
        .hint("`mithaq names --help` names the lines of each protocol")
}

#[derive(Debug, Args)]
pub(crate) struct RetrieveArgs {
    /// What the names name
    #[arg(long, value_enum, default_value_t)]
    kind: KindArg,
    /// Names compared whole for each search
    #[arg(long, default_value_t = SearchOptions::default().candidates, value_parser = super::at_least_one)]
    candidates: usize,
}

/// Reads `I TAB id TAB name`, `B`, `Q TAB query TAB limit TAB name`, `E`; writes `READY TAB json` after `B` and
/// `R TAB query TAB id:bits,…` after each `Q`; with `--json` an object a line. At the end the times of the searches go to
/// standard error.
pub(super) fn retrieve(args: &RetrieveArgs, ui: Ui) -> Result<(), Failure> {
    serve(args, ui.json, std::io::stdin().lock(), BufWriter::new(std::io::stdout().lock()))
}

fn serve(args: &RetrieveArgs, json: bool, input: impl BufRead, mut out: impl Write) -> Result<(), Failure> {
    let mut server =
        Server { kind: args.kind.into(), candidates: args.candidates, json, ..Server::default() };
    for (number, line) in (1..).zip(input.lines()) {
        let line = line.map_err(|error| unreadable(number, &error))?;
        if line == "E" || !server.answer(&line, &mut out)? {
            break;
        }
    }
    server.times.sort_unstable();
    for share in [50, 95, 99] {
        if let Some(time) = server.times.get(server.times.len() * share / 100) {
            let _closed = writeln!(std::io::stderr(), "search p{share}\t{:.1} µs", time.as_secs_f64() * 1e6);
        }
    }
    Ok(out.flush()?)
}

#[derive(Default)]
struct Server {
    kind: Kind,
    candidates: usize,
    json: bool,
    records: Vec<Record>,
    segment: Option<Segment<Vec<u8>>>,
    scratch: Scratch,
    times: Vec<std::time::Duration>,
}

impl Server {
    /// Answers a line; false ends.
    fn answer(&mut self, line: &str, out: &mut impl Write) -> Result<bool, Failure> {
        let mut fields = line.split('\t');
        match (fields.next(), fields.next(), fields.next(), fields.next()) {
            (Some("I"), Some(id), Some(name), _) => {
                self.records.push(Record { id: id.to_owned(), kind: self.kind, name: name.to_owned() });
            }
            (Some("B"), ..) => self.build(out)?,
            (Some("Q"), Some(id), Some(limit), Some(name)) => {
                let limit = limit.parse().map_err(|_| wrong("a limit is no number"))?;
                let begin = std::time::Instant::now();
                let answer = self.search(name, limit)?;
                self.times.push(begin.elapsed());
                if self.json {
                    let hits: Vec<Json> = answer.iter().map(hit_json).collect();
                    writeln!(out, "{}", json!({ "query": id, "hits": hits }))?;
                } else {
                    let shown = answer.iter().map(|hit| format!("{}:{}", hit.id, hit.pair.bits_shown()));
                    writeln!(out, "R\t{id}\t{}", shown.collect::<Vec<_>>().join(","))?;
                }
            }
            _ => return Err(wrong("a line is none of `I`, `B`, `Q`, `E`")),
        }
        Ok(true)
    }

    fn build(&mut self, out: &mut impl Write) -> Result<(), Failure> {
        let begin = std::time::Instant::now();
        let bytes = build_segment(&self.records).map_err(anyhow::Error::from)?;
        let info = json!({
            "names": self.records.len(), "bytes": bytes.len(), "build_s": begin.elapsed().as_secs_f64(),
        });
        self.records = Vec::new();
        self.segment = Some(Segment::open(bytes).map_err(anyhow::Error::from)?);
        if self.json {
            writeln!(out, "{}", json!({ "ready": info }))?;
        } else {
            writeln!(out, "READY\t{info}")?;
        }
        Ok(out.flush()?)
    }

    fn search(&mut self, name: &str, limit: usize) -> Result<Vec<Hit>, Failure> {
        let segment = self.segment.as_ref().ok_or_else(|| wrong("a search stands before `B`"))?;
        let none = Tombstones::default();
        let parts = [Part { segment, dead: &none }];
        let options = SearchOptions { limit, candidates: self.candidates, probability_min: 0.0 };
        let query = Name::parse_as(self.kind, name);
        Ok(search(&parts, &query, options, &mut self.scratch).map_err(anyhow::Error::from)?)
    }
}

/// A hit as programs read it: its likeness among all names of the index, and that of the pair by itself.
fn hit_json(hit: &Hit) -> Json {
    let mut json = likeness_json(&hit.likeness);
    if let Json::Object(fields) = &mut json {
        fields.insert("id".into(), hit.id.clone().into());
        fields.insert("pair_bits".into(), super::rounded(hit.pair.bits).into());
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(bytes: &[u8]) -> Vec<Json> {
        std::str::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn pairs_answer_in_lines_and_in_objects() {
        let input = "p1\tperson\tZubayda Rahmani\tزبيدة رحماني\np2\torg\tVolta GmbH\tKalmora\n";
        let (mut lines, mut json) = (Vec::new(), Vec::new());
        score(input.as_bytes(), &mut lines, false).unwrap();
        score(input.as_bytes(), &mut json, true).unwrap();
        assert!(std::str::from_utf8(&lines).unwrap().starts_with("p1\t"));
        let answers = objects(&json);
        assert_eq!((answers[0]["id"].as_str(), answers[0]["band"].as_str()), (Some("p1"), Some("possible")));
        assert_eq!(answers[1]["band"].as_str(), Some("unlikely"));
        for wrong in ["p1\tperson\tonly one\n", "p1\tvessel\tVolta\tVolta\n"] {
            let refused = score(wrong.as_bytes(), &mut lines, true).unwrap_err();
            assert!(refused.text.contains("line 1"), "{}", refused.text);
        }
        let refused = score(b"p1\tperson\tN\xff\tNina\n".as_slice(), &mut lines, true).unwrap_err();
        assert!(refused.text.contains("line 1 is not UTF-8"), "{}", refused.text);
    }

    #[test]
    fn searches_answer_in_lines_and_in_objects() {
        let input = "I\ts-1\tZubayda Rahmani\nI\ts-2\tNina Orlova\nB\nQ\tq1\t5\tНина Орлова\nE\n";
        let args = RetrieveArgs { kind: KindArg::Person, candidates: 100 };
        let (mut lines, mut json) = (Vec::new(), Vec::new());
        serve(&args, false, input.as_bytes(), &mut lines).unwrap();
        serve(&args, true, input.as_bytes(), &mut json).unwrap();
        assert!(std::str::from_utf8(&lines).unwrap().contains("R\tq1\ts-2:"));
        let answers = objects(&json);
        assert_eq!(answers[0]["ready"]["names"].as_u64(), Some(2));
        assert_eq!(answers[1]["query"].as_str(), Some("q1"));
        assert_eq!(answers[1]["hits"][0]["id"].as_str(), Some("s-2"));
    }
}
