//! `mithaq names spot`: the names of an index that stand in a text.

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;
use mithaq_name_index::{Index, Record};
use mithaq_names::spot::{Spot, Spotter};
use serde_json::json;

use super::{IndexDir, index::failure};
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct SpotArgs {
    /// Text file, or `-` for standard input
    file: PathBuf,
    #[command(flatten)]
    dir: IndexDir,
    /// Finds less probable than this are left out
    #[arg(long, default_value_t = 0.5, value_name = "PROBABILITY")]
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
    let shown = |spot: &Spot| -> String { text.chars().skip(spot.from).take(spot.to - spot.from).collect() };
    let rows: Vec<serde_json::Value> = spots
        .iter()
        .map(|spot| {
            json!({
                "from": spot.from, "to": spot.to, "text": shown(spot), "id": spot.id,
                "band": spot.likeness.band.code(), "probability": spot.likeness.probability,
            })
        })
        .collect();
    let lines: Vec<String> = spots
        .iter()
        .map(|spot| {
            format!(
                "{}\t{}\t{}\t{:.2}\t{}",
                spot.from,
                spot.to,
                spot.id,
                spot.likeness.probability,
                shown(spot)
            )
        })
        .collect();
    ui.result(&json!({ "spots": rows }), &lines)
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
