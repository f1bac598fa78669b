//! Scores name pairs over standard input and output: `id TAB kind TAB a TAB b` in, `id TAB bits` out.

use std::io::{BufRead, BufWriter, Write};

use mithaq_names::{Kind, Name, Scorer};

fn main() -> std::io::Result<()> {
    let scorer = Scorer::new();
    let mut input = std::io::BufReader::with_capacity(1 << 16, std::io::stdin().lock());
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        let mut fields = line.trim_end_matches('\n').split('\t');
        if let (Some(id), Some(kind), Some(a), Some(b)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        {
            let kind = match kind {
                "org" => Kind::Organisation,
                "place" => Kind::Place,
                _ => Kind::Person,
            };
            let likeness = scorer.score(&Name::parse_as(kind, a), &Name::parse_as(kind, b));
            writeln!(out, "{id}\t{}", likeness.bits_shown())?;
        }
        line.clear();
    }
    out.flush()
}
