//! Records from files: TSV, CSV with a header, and the consolidated list of the Security Council.

use std::collections::BTreeMap;
use std::path::Path;

use mithaq_interop::un_list;
use mithaq_model::{Attribute, PartialDate, PartyId, SpecialCategory, SubjectKind, Timestamp, Value};
use mithaq_names::{BirthDate, Kind};
use serde::{Deserialize, Serialize};

use super::KindArg;
use crate::ui::{Exit, Failure};

/// Largest file that is read.
const BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;

/// A record as the command line keeps it beside the index, to show who was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Card {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) names: Vec<CardName>,
    /// ISO 8601, as precise as known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) born: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) documents: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) nationalities: Vec<String>,
}

/// A name and how far it identifies: `good`, `low`, or nothing said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CardName {
    pub(crate) text: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) quality: String,
}

impl Card {
    pub(crate) fn kind(&self) -> Kind {
        match self.kind.as_str() {
            "org" => Kind::Organisation,
            "place" => Kind::Place,
            _ => Kind::Person,
        }
    }

    /// True when there is more to show than the name the index has.
    pub(crate) fn is_rich(&self) -> bool {
        self.names.len() > 1
            || !(self.born.is_empty() && self.documents.is_empty() && self.nationalities.is_empty())
    }

    fn named(id: &str, kind: Kind, name: &str) -> Self {
        let names = vec![CardName { text: name.to_owned(), quality: String::new() }];
        Self { id: id.to_owned(), kind: super::kind_code(kind).to_owned(), names, ..Self::default() }
    }
}

/// How a file is to be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Format {
    /// What the names name, unless the file says
    #[arg(long, value_enum, default_value_t)]
    kind: KindArg,
    /// Column of the id in a CSV header
    #[arg(long, value_name = "COLUMN", default_value = "id")]
    id_column: String,
    /// Column of the name; repeat for aliases
    #[arg(long = "name-column", value_name = "COLUMN", default_value = "name")]
    name_columns: Vec<String>,
    /// Column of the date of birth
    #[arg(long, value_name = "COLUMN")]
    born_column: Option<String>,
    /// Column that says person, org or place
    #[arg(long, value_name = "COLUMN")]
    kind_column: Option<String>,
    /// Sign between the columns of a CSV
    #[arg(long, default_value_t = ',')]
    separator: char,
}

/// What reading a file gave.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) cards: Vec<Card>,
    /// Lines or entries that were left out, and the first reason.
    pub(crate) skipped: u64,
    pub(crate) why: Option<String>,
}

impl Read {
    fn skip(&mut self, why: impl FnOnce() -> String) {
        self.skipped += 1;
        self.why.get_or_insert_with(why);
    }
}

/// Reads a file by its ending: `.xml` the list of the Security Council, `.csv` a table with a header, anything
/// else lines of `id TAB name [TAB more names]`.
pub(crate) fn read(path: &Path, format: &Format) -> Result<Read, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(Exit::Usage, "names.unreadable", format!("cannot read `{}`: {error}", path.display()))
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > BYTES_MAX {
        return Err(Failure::new(Exit::Usage, "names.too_large", "the file is larger than 8 GiB")
            .hint("split it and add the parts with `mithaq names index add`"));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "xml" => list(&bytes),
        "csv" => table(&String::from_utf8_lossy(&bytes), format),
        _ => Ok(lines(&String::from_utf8_lossy(&bytes), format)),
    }
}

fn lines(text: &str, format: &Format) -> Read {
    let mut out = Read::default();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let mut fields = line.split('\t').map(str::trim);
        let (id, name) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        if id.is_empty() || id.len() > mithaq_names::index::MAX_ID || name.is_empty() {
            out.skip(|| format!("line {} is not `id TAB name`", number + 1));
            continue;
        }
        let mut card = Card::named(id, format.kind.into(), name);
        let more = fields.filter(|name| !name.is_empty());
        card.names.extend(more.map(|name| CardName { text: name.to_owned(), quality: String::new() }));
        out.cards.push(card);
    }
    out
}

fn table(text: &str, format: &Format) -> Result<Read, Failure> {
    let mut rows =
        Rows { rest: text.trim_start_matches('\u{feff}').chars().peekable(), separator: format.separator };
    let header = rows.next().unwrap_or_default();
    let column = |name: &str| {
        header.iter().position(|h| h.trim().eq_ignore_ascii_case(name)).ok_or_else(|| {
            Failure::new(Exit::Usage, "names.column", format!("the header has no column `{name}`"))
                .hint(format!("it has: {}", header.join(", ")))
        })
    };
    let id = column(&format.id_column)?;
    let names = format.name_columns.iter().map(|name| column(name)).collect::<Result<Vec<_>, _>>()?;
    let born = format.born_column.as_deref().map(column).transpose()?;
    let kind = format.kind_column.as_deref().map(column).transpose()?;
    let mut by_id: BTreeMap<String, Card> = BTreeMap::new();
    let mut out = Read::default();
    for (number, row) in rows.enumerate() {
        let field = |at: usize| row.get(at).map(|f| f.trim()).unwrap_or_default();
        let named: Vec<&str> = names.iter().map(|at| field(*at)).filter(|name| !name.is_empty()).collect();
        let long = field(id).len() > mithaq_names::index::MAX_ID;
        let (Some(first), false, false) = (named.first(), field(id).is_empty(), long) else {
            out.skip(|| format!("row {} has no id or no name", number + 2));
            continue;
        };
        let what = match kind.map(field) {
            Some("org" | "organisation" | "organization" | "entity") => Kind::Organisation,
            Some("place") => Kind::Place,
            Some("person" | "individual") => Kind::Person,
            _ => format.kind.into(),
        };
        let card = by_id
            .entry(field(id).to_owned())
            .or_insert_with(|| Card { names: Vec::new(), ..Card::named(field(id), what, first) });
        for name in named {
            let name = CardName { text: name.to_owned(), quality: String::new() };
            if !card.names.contains(&name) {
                card.names.push(name);
            }
        }
        card.born.extend(born.map(field).filter(|date| !date.is_empty()).map(ToOwned::to_owned));
    }
    out.cards = by_id.into_values().collect();
    Ok(out)
}

/// Rows of a CSV as RFC 4180 writes them: fields may stand in quotes, with quotes doubled.
struct Rows<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    separator: char,
}

impl Iterator for Rows<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        self.rest.peek()?;
        let (mut row, mut field, mut quoted) = (Vec::new(), String::new(), false);
        while let Some(c) = self.rest.next() {
            match c {
                '"' if quoted && self.rest.peek() == Some(&'"') => {
                    self.rest.next();
                    field.push('"');
                }
                '"' if quoted || field.is_empty() => quoted = !quoted,
                '\r' if !quoted && self.rest.peek() == Some(&'\n') => {}
                '\n' if !quoted => break,
                c if c == self.separator && !quoted => row.push(std::mem::take(&mut field)),
                c => field.push(c),
            }
        }
        row.push(field);
        Some(row)
    }
}

/// Nothing is stored in a node: what an importing node would screen is not read here.
fn screen(_about: Attribute, _text: &str) -> Vec<SpecialCategory> {
    Vec::new()
}

fn list(xml: &[u8]) -> Result<Read, Failure> {
    let failed = |words: String| {
        Failure::new(Exit::Usage, "names.list", words)
            .hint("the file must be the consolidated list of the Security Council as published in XML")
    };
    let party = PartyId::new("local").map_err(|error| failed(error.to_string()))?;
    let options = un_list::Options::new(party, Timestamp::default(), Timestamp::MAX, &screen);
    let all = un_list::read_all(xml, options).map_err(|error| failed(error.to_string()))?;
    let mut out = Read { cards: all.records.iter().map(entry).collect(), ..Read::default() };
    for (number, why) in &all.refused {
        out.skip(|| format!("entry {number}: {why}"));
    }
    Ok(out)
}

fn entry(record: &un_list::Record) -> Card {
    let id = record.list.reference.clone().unwrap_or_else(|| record.list.data_id.clone());
    let kind = match record.subject.kind() {
        SubjectKind::Organisation => Kind::Organisation,
        SubjectKind::Place => Kind::Place,
        SubjectKind::Person | SubjectKind::Event | SubjectKind::Object => Kind::Person,
    };
    let mut card = Card { id, kind: super::kind_code(kind).to_owned(), ..Card::default() };
    for claim in record.subject.claims() {
        match &claim.value {
            Value::Name { full, quality, .. } => {
                let quality = match quality {
                    mithaq_model::NameQuality::Good => "good",
                    mithaq_model::NameQuality::Low => "low",
                    mithaq_model::NameQuality::Unknown => "",
                };
                let name = CardName { text: full.reveal().to_owned(), quality: quality.to_owned() };
                if !card.names.iter().any(|other| other.text == name.text) {
                    card.names.push(name);
                }
            }
            Value::Date(date) if claim.attribute == Attribute::Born => card.born.push(iso(*date)),
            Value::Document(document) => {
                card.documents.push(format!("{} {}", document.kind.reveal(), document.number.reveal()));
            }
            Value::Text(text) if claim.attribute == Attribute::Nationality => {
                card.nationalities.push(text.reveal().to_owned());
            }
            Value::Class { .. }
            | Value::Date(_)
            | Value::Position(_)
            | Value::Sex(_)
            | Value::Status(_)
            | Value::Text(_) => {}
        }
    }
    card
}

pub(super) fn iso(date: PartialDate) -> String {
    match date {
        PartialDate::Day { year, month, day } => format!("{year:04}-{month:02}-{day:02}"),
        PartialDate::Month { year, month } => format!("{year:04}-{month:02}"),
        PartialDate::Year(year) => format!("{year:04}"),
        PartialDate::About(year) => format!("about {year:04}"),
        PartialDate::Between(from, to) => format!("{from:04}/{to:04}"),
    }
}

/// A date as names compare it.
pub(crate) fn birth_of(date: PartialDate) -> BirthDate {
    match date {
        PartialDate::Day { year, month, day } => BirthDate::day(year, month, day),
        PartialDate::Month { year, month } => BirthDate::month(year, month),
        PartialDate::Year(year) => BirthDate::year(year),
        PartialDate::About(_) | PartialDate::Between(..) => {
            let (first, last) = date.years();
            BirthDate::between(first, last)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format() -> Format {
        Format {
            kind: KindArg::Person,
            id_column: "ref".into(),
            name_columns: vec!["Name".into(), "alias".into()],
            born_column: Some("dob".into()),
            kind_column: None,
            separator: ',',
        }
    }

    #[test]
    fn a_table_is_read_by_its_header() {
        let text = "\u{feff}ref,name,alias,dob\r\n1,\"Rahmani, Zubayda\",\"Z. \"\"Zuzu\"\"\",1961\r\n,x,,\n1,Zubayda,,\n";
        let read = table(text, &format()).unwrap();
        assert_eq!((read.cards.len(), read.skipped), (1, 1));
        let names: Vec<&str> = read.cards[0].names.iter().map(|n| n.text.as_str()).collect();
        assert_eq!(names, ["Rahmani, Zubayda", "Z. \"Zuzu\"", "Zubayda"]);
        assert_eq!(read.cards[0].born, ["1961"]);
        assert!(table("id,name\n", &format()).is_err_and(|f| f.hint.is_some_and(|h| h.contains("id, name"))));
    }

    #[test]
    fn lines_hold_an_id_and_names() {
        let read = lines("a\tNina Orlova\tНина Орлова\n\nb\nc\t\n", &format());
        assert_eq!((read.cards.len(), read.skipped), (1, 2));
        assert_eq!(read.cards[0].names.len(), 2);
        assert_eq!(read.why.as_deref(), Some("line 3 is not `id TAB name`"));
    }
}
