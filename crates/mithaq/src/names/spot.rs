//! `mithaq names spot`: the names of an index that stand in a text.

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;
use mithaq_name_index::{Index, Record};
use mithaq_names::spot::Spotter;
use serde_json::json;

use super::{IndexDir, index::failure};
use crate::ui::{Exit, Failure, Ui, shown};

#[derive(Debug, Args)]
pub(crate) struct SpotArgs {
    /// Text file, or `-` for standard input
    file: PathBuf,
    #[command(flatten)]
    dir: IndexDir,
    /// Finds less probable than this are left out
    #[arg(long, default_value_t = 0.5, value_name = "PROBABILITY", value_parser = super::probability)]
    min: f32,
}

pub(super) fn run(args: &SpotArgs, ui: Ui) -> Result<(), Failure> {
    let index = Index::open(&args.dir.index).map_err(failure)?;
    let mut records = Vec::new();
    index
        .for_each(|id, kind, name| records.push(Record { id: id.to_owned(), kind, name: name.to_owned() }))
        .map_err(failure)?;
    let text = read(&args.file)?;
    // Whoever runs the command line may read the whole index: every id is allowed.
    let spotter = Spotter::new(&records, |_| true);
    let begin = std::time::Instant::now();
    let spots = spotter.spot(&text, args.min);
    ui.say(&format!(
        "{} names in {} characters, {:.1} MB/s",
        spots.len(),
        text.chars().count(),
        megabytes(text.len()) / begin.elapsed().as_secs_f64().max(1e-9)
    ));
    let mut characters = Characters::new(&text);
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    for spot in &spots {
        let found = characters.between(spot.from, spot.to);
        rows.push(json!({
            "from": spot.from, "to": spot.to, "text": found, "id": spot.id,
            "band": spot.likeness.band.code(), "probability": spot.likeness.probability,
        }));
        let (id, probability) = (shown(&spot.id), spot.likeness.probability);
        lines.push(format!("{}\t{}\t{id}\t{probability:.2}\t{}", spot.from, spot.to, shown(found)));
    }
    ui.result(&json!({ "spots": rows }), &lines)
}

/// Cuts stretches out of a text by numbers of characters, those in order of their beginnings in one pass.
struct Characters<'a> {
    text: &'a str,
    /// A character and the byte it begins with.
    at: (usize, usize),
}

impl<'a> Characters<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text, at: (0, 0) }
    }

    fn between(&mut self, from: usize, to: usize) -> &'a str {
        if from < self.at.0 {
            self.at = (0, 0);
        }
        let after =
            |text: &str, count: usize| text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
        let rest = self.text.get(self.at.1..).unwrap_or_default();
        let first = self.at.1 + after(rest, from - self.at.0);
        self.at = (from, first);
        let rest = self.text.get(first..).unwrap_or_default();
        rest.get(..after(rest, to.saturating_sub(from))).unwrap_or_default()
    }
}

fn megabytes(bytes: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let bytes = bytes as f64;
    bytes / 1e6
}

fn read(file: &PathBuf) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let result = if file.as_os_str() == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    result.map_err(|error| {
        Failure::new(Exit::Usage, "names.unreadable", format!("cannot read `{}`: {error}", file.display()))
    })?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::new(Exit::Usage, "names.encoding", format!("`{}` is not UTF-8", file.display()))
            .hint("convert it first, for example with `iconv -t utf-8`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_cut_by_characters_in_any_order() {
        let mut characters = Characters::new("aб漢 Nina");
        for (from, to, expected) in
            [(0, 2, "aб"), (1, 3, "б漢"), (4, 8, "Nina"), (2, 3, "漢"), (7, 99, "a"), (99, 100, "")]
        {
            assert_eq!(characters.between(from, to), expected, "{from}..{to}");
        }
    }
}
