//! Scoring and searching over standard input and output, line by line, for programs that measure or embed.

use std::io::{BufRead as _, BufWriter, Write};

use clap::Args;
use mithaq_names::index::{Part, Record, Scratch, SearchOptions, Segment, Tombstones, build_segment, search};
use mithaq_names::{Kind, Name, Scorer};

use super::KindArg;
use crate::ui::{Exit, Failure};

/// Reads `id TAB kind TAB a TAB b`, writes `id TAB bits`; kind is person, org or place.
pub(super) fn pairs() -> Result<(), Failure> {
    let scorer = Scorer::new();
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut fields = line.split('\t');
        let (Some(id), Some(kind), Some(a), Some(b)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(wrong("a line is not `id TAB kind TAB name TAB name`"));
        };
        let kind = kind_of(kind);
        let likeness = scorer.score(&Name::parse_as(kind, a), &Name::parse_as(kind, b));
        writeln!(out, "{id}\t{:.4}", likeness.bits)?;
    }
    Ok(out.flush()?)
}

fn kind_of(code: &str) -> Kind {
    match code {
        "org" => Kind::Organisation,
        "place" => Kind::Place,
        _ => Kind::Person,
    }
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
    #[arg(long, default_value_t = SearchOptions::default().candidates)]
    candidates: usize,
}

/// Reads `I TAB id TAB name`, `B`, `Q TAB query TAB limit TAB name`, `E`; writes `READY TAB json` after `B` and
/// `R TAB query TAB id:bits,…` after each `Q`. At the end the times of the searches go to standard error.
pub(super) fn retrieve(args: &RetrieveArgs) -> Result<(), Failure> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut server = Server { kind: args.kind.into(), candidates: args.candidates, ..Server::default() };
    for line in std::io::stdin().lock().lines() {
        let line = line?;
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
                writeln!(out, "R\t{id}\t{answer}")?;
            }
            _ => return Err(wrong("a line is none of `I`, `B`, `Q`, `E`")),
        }
        Ok(true)
    }

    fn build(&mut self, out: &mut impl Write) -> Result<(), Failure> {
        let begin = std::time::Instant::now();
        let bytes = build_segment(&self.records).map_err(anyhow::Error::from)?;
        let info = serde_json::json!({
            "names": self.records.len(), "bytes": bytes.len(), "build_s": begin.elapsed().as_secs_f64(),
        });
        self.records = Vec::new();
        self.segment = Some(Segment::open(bytes).map_err(anyhow::Error::from)?);
        writeln!(out, "READY\t{info}")?;
        Ok(out.flush()?)
    }

    fn search(&mut self, name: &str, limit: usize) -> Result<String, Failure> {
        let segment = self.segment.as_ref().ok_or_else(|| wrong("a search stands before `B`"))?;
        let none = Tombstones::default();
        let parts = [Part { segment, dead: &none }];
        let options = SearchOptions { limit, candidates: self.candidates, probability_min: 0.0 };
        let query = Name::parse_as(self.kind, name);
        let hits = search(&parts, &query, options, &mut self.scratch).map_err(anyhow::Error::from)?;
        let shown: Vec<String> = hits.iter().map(|hit| format!("{}:{:.4}", hit.id, hit.pair.bits)).collect();
        Ok(shown.join(","))
    }
}
