//! Scores name pairs over standard input and output: `id TAB kind TAB a TAB b` in, `id TAB score` out.

use std::io::{BufRead, BufWriter, Write};

use mithaq_names::{Kind, Name, Scorer};

fn main() -> std::io::Result<()> {
    let scorer = Scorer::new();
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut fields = line.split('\t');
        let (Some(id), Some(kind), Some(a), Some(b)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let kind = match kind {
            "org" => Kind::Organisation,
            "place" => Kind::Place,
            _ => Kind::Person,
        };
        let likeness = scorer.score(&Name::parse_as(kind, a), &Name::parse_as(kind, b));
        writeln!(out, "{id}\t{:.4}", likeness.bits)?;
    }
    out.flush()
}
