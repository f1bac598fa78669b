//! `mithaq names`: compare names, keep an index of them, find them in a text. Needs no node.

mod index;
mod input;
mod protocol;
mod spot;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use mithaq_model::PartialDate;
use mithaq_names::{BirthDate, Calendar, Details, Explanation, Kind, Likeness, Name, Reason, Scorer, Sex};
use serde_json::{Value as Json, json};

use crate::ui::{Exit, Failure, Ui};

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
    /// Date of birth of the first, `1961`, `1961-05`, `1961-05-03`, `~1961` or `1960/1962`; lunar Hijri as `1391h`, solar
    /// as `1350sh`
    #[arg(long, value_name = "DATE")]
    born_a: Option<String>,
    /// Date of birth of the second
    #[arg(long, value_name = "DATE")]
    born_b: Option<String>,
    /// Sex of the first: f or m
    #[arg(long, value_parser = ["f", "m"])]
    sex_a: Option<String>,
    /// Sex of the second
    #[arg(long, value_parser = ["f", "m"])]
    sex_b: Option<String>,
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
    let of_a = details(args.born_a.as_deref(), args.sex_a.as_deref())?;
    let of_b = details(args.born_b.as_deref(), args.sex_b.as_deref())?;
    let why = Scorer::new().explain(&a, &b, &of_a, &of_b);
    let mut answer = likeness_json(&why.likeness);
    if args.explain
        && let Json::Object(fields) = &mut answer
    {
        fields.insert("reasons".into(), reasons_json(&why));
    }
    let shown = why.to_string();
    let lines = shown.lines().map(ToOwned::to_owned);
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

/// Details given on the command line.
pub(crate) fn details(born: Option<&str>, sex: Option<&str>) -> Result<Details, Failure> {
    let births = born.map(birth).transpose()?.into_iter().collect();
    let sex = sex.map(|sex| if sex == "f" { Sex::Female } else { Sex::Male });
    Ok(Details { births, sex, ..Details::default() })
}

/// Reads a date of birth as given on the command line or in a column.
pub(crate) fn birth(text: &str) -> Result<BirthDate, Failure> {
    let wrong = || {
        Failure::new(Exit::Usage, "names.date", "a date of birth cannot be read").hint(
            "write 1961, 1961-05, 1961-05-03, ~1961 or 1960/1962; a lunar Hijri date as 1391h, a solar one as 1350sh",
        )
    };
    let text = text.trim();
    let text = text.strip_prefix("about ").map_or(text.to_owned(), |year| format!("~{}", year.trim()));
    let lower = text.to_ascii_lowercase();
    for (ending, calendar) in [("sh", Calendar::SolarHijri), ("h", Calendar::Hijri)] {
        if let Some(date) = lower.strip_suffix(ending) {
            return hijri(date.trim(), calendar).ok_or_else(wrong);
        }
    }
    let date: PartialDate = text.parse().map_err(|_invalid| wrong())?;
    Ok(input::birth_of(date))
}

/// A date of a Hijri calendar; its months are not those of the civil one.
fn hijri(text: &str, calendar: Calendar) -> Option<BirthDate> {
    let digits = |text: &str, count| {
        (text.len() == count && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u16>().ok())
            .flatten()
    };
    let mut parts = text.split('-');
    let date = BirthDate::year(digits(parts.next()?, 4)?).in_calendar(calendar);
    let mut part = |most| match parts.next() {
        None => Some(None),
        Some(text) => u8::try_from(digits(text, 2)?).ok().filter(|n| (1..=most).contains(n)).map(Some),
    };
    let date = BirthDate { month: part(12)?, day: part(31)?, ..date };
    parts.next().is_none().then_some(date)
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
    fn dates_of_birth_are_read() {
        for (text, date) in [
            ("1961-05-03", BirthDate::day(1961, 5, 3)),
            ("1961-05", BirthDate::month(1961, 5)),
            ("~1961", BirthDate::between(1959, 1963)),
            ("about 1961", BirthDate::between(1959, 1963)),
            ("1960/1962", BirthDate::between(1960, 1962)),
            ("1391h", BirthDate::year(1391).in_calendar(Calendar::Hijri)),
            ("1350-02-31SH", BirthDate::day(1350, 2, 31).in_calendar(Calendar::SolarHijri)),
        ] {
            assert_eq!(birth(text).ok(), Some(date), "{text}");
        }
        for wrong in ["", "61", "1961-13", "yesterday", "h", "1350-13sh", "1350-01-01-01h", "~", "1962/1960"]
        {
            assert_eq!(birth(wrong).err().map(|f| f.exit), Some(Exit::Usage), "{wrong}");
        }
    }

    /// What is known of an entry of the Security Council's list counts, however roughly it is known.
    #[test]
    fn every_precision_a_card_is_written_in_is_read_back() {
        for date in ["1961-05-03", "1961-05", "1961", "~1961", "1960/1962"] {
            let date: PartialDate = date.parse().unwrap();
            assert_eq!(birth(&input::iso(date)).ok(), Some(input::birth_of(date)), "{date}");
        }
    }

    #[test]
    fn a_name_without_letters_is_refused() {
        assert_eq!(parse(Kind::Person, "🙂").err().map(|f| f.code), Some("names.empty".to_owned()));
    }
}
