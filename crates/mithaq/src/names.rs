//! `mithaq names`: compare names, keep an index of them, find them in a text. Needs no node.

mod card;
mod details;
mod index;
mod input;
mod protocol;
mod spot;
mod words;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use mithaq_names::{Explanation, Kind, Likeness, Name, Reason, Scorer};
use serde_json::{Value as Json, json};

use crate::ui::{Exit, Failure, Ui, shown};

#[derive(Debug, Subcommand)]
pub(crate) enum NamesCommand {
    /// Compare two names, in any scripts
    Compare(CompareArgs),
    /// Build, change and search an index of names
    #[command(subcommand)]
    Index(index::IndexCommand),
    /// Find the names of an index in a text
    Spot(spot::SpotArgs),
    /// Score pairs of standard input: `id TAB kind TAB name TAB name` in, `id TAB bits` out, with `--json` an object a line
    Pairs,
    /// Answer searches of standard input: `I`, `B`, `Q`, `E` lines as in `cargo xtask bench names`; with `--json` an object a line
    Retrieve(protocol::RetrieveArgs),
}

/// What a name names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArg {
    /// A human being
    #[default]
    Person,
    /// A company, body or group
    #[value(alias = "organisation")]
    Org,
    /// A place
    Place,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Person => Self::Person,
            KindArg::Org => Self::Organisation,
            KindArg::Place => Self::Place,
        }
    }
}

pub(crate) const fn kind_code(kind: Kind) -> &'static str {
    match kind {
        Kind::Person => "person",
        Kind::Organisation => "org",
        Kind::Place => "place",
    }
}

/// What a code of a file says is named.
pub(crate) fn kind_of(code: &str) -> Option<Kind> {
    match code.trim().to_lowercase().as_str() {
        "person" | "individual" => Some(Kind::Person),
        "org" | "organisation" | "organization" | "entity" => Some(Kind::Organisation),
        "place" => Some(Kind::Place),
        _ => None,
    }
}

/// Reads a probability of the command line.
pub(crate) fn probability(text: &str) -> Result<f32, String> {
    let read = text.parse().ok().filter(|value| (0.0..=1.0).contains(value));
    read.ok_or_else(|| "a probability is a number from 0 to 1, for example 0.5".to_owned())
}

/// Reads a count that is not nothing.
pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    let read = text.parse().ok().filter(|count| *count > 0);
    read.ok_or_else(|| "write a number from 1 on".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// First name
    a: String,
    /// Second name
    b: String,
    /// What they name
    #[arg(long, value_enum, default_value_t)]
    kind: KindArg,
    /// Say why
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    of_a: details::KnownA,
    #[command(flatten)]
    of_b: details::KnownB,
}

pub(crate) fn run(command: &NamesCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        NamesCommand::Compare(args) => compare(args, ui),
        NamesCommand::Index(command) => index::run(command, ui),
        NamesCommand::Spot(args) => spot::run(args, ui),
        NamesCommand::Pairs => protocol::pairs(ui),
        NamesCommand::Retrieve(args) => protocol::retrieve(args, ui),
    }
}

fn compare(args: &CompareArgs, ui: Ui) -> Result<(), Failure> {
    let kind = args.kind.into();
    let (a, b) = (parse(kind, &args.a)?, parse(kind, &args.b)?);
    let (of_a, of_b) = (args.of_a.read()?, args.of_b.read()?);
    let why = Scorer::new().explain(&a, &b, &of_a, &of_b);
    let mut answer = likeness_json(&why.likeness);
    if args.explain
        && let Json::Object(fields) = &mut answer
    {
        fields.insert("reasons".into(), reasons_json(&why));
    }
    let lines = words::explanation(&why, ui.lang).into_iter().map(|line| shown(&line).into_owned());
    let lines: Vec<String> = lines.take(if args.explain { usize::MAX } else { 1 }).collect();
    ui.result(&answer, &lines)
}

/// Parses a name that must have a letter.
pub(crate) fn parse(kind: Kind, text: &str) -> Result<Name, Failure> {
    let name = Name::parse_as(kind, text);
    if name.is_empty() {
        return Err(Failure::new(Exit::Usage, "names.empty", "the name has no letter that can be read")
            .hint("scripts that are read: Arabic, Latin, Cyrillic, Hebrew, Greek, Armenian, Georgian, Hangul, kana, Han"));
    }
    Ok(name)
}

/// A likeness as programs read it.
pub(crate) fn likeness_json(likeness: &Likeness) -> Json {
    json!({
        "band": likeness.band.code(),
        "probability": rounded(likeness.probability),
        "bits": rounded(likeness.bits),
        "tables_version": likeness.tables_version,
    })
}

pub(crate) fn reasons_json(why: &Explanation) -> Json {
    let reason = |reason: &Reason| {
        let spellings: Vec<Json> = reason
            .spellings
            .iter()
            .map(|s| json!({ "written": s.written, "stands_for": s.stands_for, "convention": s.convention.name() }))
            .collect();
        json!({
            "code": reason.code.code(), "bits": rounded(reason.bits), "a": reason.a, "b": reason.b,
            "span_a": reason.span_a, "span_b": reason.span_b, "spellings": spellings,
        })
    };
    why.reasons.iter().map(reason).collect()
}

fn rounded(value: f32) -> f64 {
    (f64::from(value) * 10_000.0).round() / 10_000.0
}

/// The directory of an index.
#[derive(Debug, Args)]
pub(crate) struct IndexDir {
    /// Directory of the index
    #[arg(long, value_name = "DIR", default_value = "names.index")]
    index: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_mean_nothing_are_refused() {
        for wrong in ["nan", "2", "-0.1", "inf", "", "half"] {
            assert!(probability(wrong).is_err(), "{wrong}");
        }
        assert_eq!((probability("0"), probability("1"), at_least_one("3")), (Ok(0.0), Ok(1.0), Ok(3)));
        assert!(at_least_one("0").is_err() && at_least_one("-1").is_err());
    }

    #[test]
    fn a_name_without_letters_is_refused() {
        assert_eq!(parse(Kind::Person, "🙂").err().map(|f| f.code), Some("names.empty".to_owned()));
    }
}
