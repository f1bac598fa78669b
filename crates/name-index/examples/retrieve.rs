//! Answers searches over standard input and output: `I TAB id TAB name`, `B`, `Q TAB query TAB limit TAB name`, `E` in;
//! `READY TAB json` after `B` and `R TAB query TAB id:bits,…` after each `Q` out. At the end the times of the searches go
//! to standard error. `retrieve [--kind person|org|place]`.

use std::error::Error;
use std::io::{BufRead, BufWriter, Write};
use std::time::{Duration, Instant};

use mithaq_names::index::{Part, Record, Scratch, SearchOptions, Segment, Tombstones, build_segment, search};
use mithaq_names::{Kind, Name};

struct Server {
    kind: Kind,
    records: Vec<Record>,
    segment: Option<Segment<Vec<u8>>>,
    scratch: Scratch,
    times: Vec<Duration>,
}

impl Server {
    fn build(&mut self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let begin = Instant::now();
        let bytes = build_segment(&self.records)?;
        let (names, size, spent) = (self.records.len(), bytes.len(), begin.elapsed().as_secs_f64());
        writeln!(out, "READY\t{{\"names\": {names}, \"bytes\": {size}, \"build_s\": {spent:.3}}}")?;
        self.records = Vec::new();
        self.segment = Some(Segment::open(bytes)?);
        Ok(out.flush()?)
    }

    fn search(&mut self, name: &str, limit: usize) -> Result<String, Box<dyn Error>> {
        let segment = self.segment.as_ref().ok_or("a search stands before `B`")?;
        let begin = Instant::now();
        let none = Tombstones::default();
        let options = SearchOptions { limit, ..SearchOptions::default() };
        let query = Name::parse_as(self.kind, name);
        let hits = search(&[Part { segment, dead: &none }], &query, options, &mut self.scratch)?;
        self.times.push(begin.elapsed());
        let shown: Vec<String> =
            hits.iter().map(|hit| format!("{}:{}", hit.id, hit.pair.bits_shown())).collect();
        Ok(shown.join(","))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1).skip_while(|arg| arg != "--kind");
    let kind = match args.nth(1).as_deref() {
        Some("org") => Kind::Organisation,
        Some("place") => Kind::Place,
        _ => Kind::Person,
    };
    let mut server =
        Server { kind, records: Vec::new(), segment: None, scratch: Scratch::default(), times: Vec::new() };
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut fields = line.split('\t');
        match (fields.next(), fields.next(), fields.next(), fields.next()) {
            (Some("I"), Some(id), Some(name), _) => {
                server.records.push(Record { id: id.to_owned(), kind, name: name.to_owned() });
            }
            (Some("B"), ..) => server.build(&mut out)?,
            (Some("Q"), Some(id), Some(limit), Some(name)) => {
                let answer = server.search(name, limit.parse()?)?;
                writeln!(out, "R\t{id}\t{answer}")?;
            }
            (Some("E"), ..) => break,
            _ => return Err("a line is none of `I`, `B`, `Q`, `E`".into()),
        }
    }
    out.flush()?;
    server.times.sort_unstable();
    for share in [50, 95, 99] {
        if let Some(time) = server.times.get(server.times.len() * share / 100) {
            eprintln!("search p{share}\t{:.2} ms", time.as_secs_f64() * 1e3);
        }
    }
    Ok(())
}
