//! Records from files: TSV, CSV with a header, and the consolidated list of the Security Council.

mod csv;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use mithaq_interop::un_list;
use mithaq_model::{Attribute, PartialDate, PartyId, SpecialCategory, SubjectKind, Timestamp, Value};
use mithaq_names::index::MAX_ID;
use mithaq_names::{BirthDate, Kind};

use super::card::{Card, CardName};
use super::{KindArg, details};
use crate::ui::{Exit, Failure};

/// Largest file that is read.
const BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;

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
    /// Column of the place of birth
    #[arg(long, value_name = "COLUMN")]
    place_column: Option<String>,
    /// Column of a document, `KIND:STATE:NUMBER` as `search --document` takes it
    #[arg(long, value_name = "COLUMN")]
    document_column: Option<String>,
    /// Column of the nationality, ISO 3166-1 alpha-2
    #[arg(long, value_name = "COLUMN")]
    nationality_column: Option<String>,
    /// Column of the sex, f or m
    #[arg(long, value_name = "COLUMN")]
    sex_column: Option<String>,
    /// Column that says person, org or place
    #[arg(long, value_name = "COLUMN")]
    kind_column: Option<String>,
    /// Sign between the columns of a CSV
    #[arg(long, default_value_t = ',')]
    separator: char,
}

/// Something of a file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The line, or the number of the entry.
    pub(crate) at: String,
    pub(crate) why: String,
    /// The whole record was left out; else a value of it is not weighed.
    pub(crate) left_out: bool,
}

/// Problems that are listed one by one.
const LISTED: usize = 20;

/// What reading a file gave.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) cards: Vec<Card>,
    by_id: HashMap<String, usize>,
    /// Lines or entries that were left out, and values that are not weighed.
    pub(crate) skipped: u64,
    pub(crate) unread: u64,
    /// The first of them.
    pub(crate) problems: Vec<Problem>,
}

impl Read {
    fn skip(&mut self, at: String, why: impl Into<String>) {
        self.skipped += 1;
        self.problem(Problem { at, why: why.into(), left_out: true });
    }

    fn unread(&mut self, at: String, why: impl Into<String>) {
        self.unread += 1;
        self.problem(Problem { at, why: why.into(), left_out: false });
    }

    fn problem(&mut self, problem: Problem) {
        if self.problems.len() < LISTED {
            self.problems.push(problem);
        }
    }

    /// Adds a record, or to the record of that id.
    fn add(&mut self, card: Card) {
        let at = *self.by_id.entry(card.id.clone()).or_insert(self.cards.len());
        match self.cards.get_mut(at) {
            Some(known) => known.join(card),
            None => self.cards.push(card),
        }
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
    let read = match ending.as_str() {
        "xml" => list(&bytes)?,
        "csv" => table(&Decoded::new(&bytes)?, format)?,
        _ => lines(&Decoded::new(&bytes)?, format),
    };
    match read.problems.first().filter(|_| read.cards.is_empty()) {
        Some(first) => Err(Failure::new(
            Exit::Usage,
            "names.nothing",
            format!("no record of the file could be read; {}: {}", first.at, first.why),
        )
        .hint("lines are `id TAB name`; `.csv` has a header, see `--name-column` and `--separator`")),
        None => Ok(read),
    }
}

/// The text of a file, and the lines of it that are not UTF-8.
struct Decoded {
    text: String,
    wrong: BTreeSet<usize>,
}

impl Decoded {
    fn new(bytes: &[u8]) -> Result<Self, Failure> {
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0) {
            return Err(Failure::new(
                Exit::Usage,
                "names.encoding",
                "the file is not UTF-8 but looks like UTF-16",
            )
            .hint("convert it first: `iconv -f utf-16 -t utf-8`"));
        }
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let mut out = Self { text: String::with_capacity(bytes.len()), wrong: BTreeSet::new() };
        let mut line = 1;
        for chunk in bytes.utf8_chunks() {
            out.text.push_str(chunk.valid());
            line += chunk.valid().matches('\n').count();
            if !chunk.invalid().is_empty() {
                out.text.push(char::REPLACEMENT_CHARACTER);
                out.wrong.insert(line);
            }
        }
        Ok(out)
    }
}

const NOT_UTF8: &str = "it is not UTF-8 (convert the file with `iconv -t utf-8`)";

fn at_line(line: usize) -> String {
    format!("line {line}")
}

fn lines(file: &Decoded, format: &Format) -> Read {
    let mut out = Read::default();
    for (line, text) in (1..).zip(file.text.lines()).filter(|(_, line)| !line.is_empty()) {
        let mut fields = text.split('\t').map(str::trim);
        let (id, name) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        if file.wrong.contains(&line) {
            out.skip(at_line(line), NOT_UTF8);
        } else if id.is_empty() || name.is_empty() {
            out.skip(at_line(line), "it is not `id TAB name`");
        } else if id.len() > MAX_ID {
            out.skip(at_line(line), format!("its id is longer than {MAX_ID} bytes"));
        } else {
            let mut card = Card::named(id, format.kind.into(), name);
            for name in fields.filter(|name| !name.is_empty()) {
                card.name(CardName { text: name.to_owned(), quality: String::new() });
            }
            out.add(card);
        }
    }
    out
}

/// Where a table has what, by number of the column.
struct Columns {
    id: usize,
    names: Vec<usize>,
    born: Option<usize>,
    place: Option<usize>,
    document: Option<usize>,
    nationality: Option<usize>,
    sex: Option<usize>,
    kind: Option<usize>,
    count: usize,
}

impl Columns {
    fn find(header: &[String], format: &Format) -> Result<Self, Failure> {
        let column = |name: &str| {
            header.iter().position(|h| h.trim().eq_ignore_ascii_case(name)).ok_or_else(|| {
                Failure::new(Exit::Usage, "names.column", format!("the header has no column `{name}`"))
                    .hint(format!("it has: {}", header.join(", ")))
            })
        };
        let optional = |name: &Option<String>| name.as_deref().map(column).transpose();
        Ok(Self {
            id: column(&format.id_column)?,
            names: format.name_columns.iter().map(|name| column(name)).collect::<Result<Vec<_>, _>>()?,
            born: optional(&format.born_column)?,
            place: optional(&format.place_column)?,
            document: optional(&format.document_column)?,
            nationality: optional(&format.nationality_column)?,
            sex: optional(&format.sex_column)?,
            kind: optional(&format.kind_column)?,
            count: header.len(),
        })
    }

    /// Reads the record of a row; why not, when it is left out.
    fn record(&self, row: &[String], format: &Format, unread: &mut Vec<String>) -> Result<Card, String> {
        let field = |at: usize| row.get(at).map(|f| f.trim()).unwrap_or_default();
        let given = |at: Option<usize>| at.map(field).filter(|text| !text.is_empty());
        if row.iter().skip(self.count).any(|more| !more.trim().is_empty()) {
            return Err(format!("it has {} fields, the header {}", row.len(), self.count));
        }
        let mut named = self.names.iter().map(|at| field(*at)).filter(|name| !name.is_empty());
        let (Some(first), false) = (named.next(), field(self.id).is_empty()) else {
            return Err("it has no id or no name".to_owned());
        };
        if field(self.id).len() > MAX_ID {
            return Err(format!("its id is longer than {MAX_ID} bytes"));
        }
        let kind = match given(self.kind) {
            Some(code) => {
                super::kind_of(code).ok_or_else(|| format!("`{code}` is none of person, org and place"))?
            }
            None => format.kind.into(),
        };
        let mut card = Card::named(field(self.id), kind, first);
        for name in named {
            card.name(CardName { text: name.to_owned(), quality: String::new() });
        }
        let mut weighed = |text: &str, good: bool, form: &str| {
            if !good {
                unread.push(format!("`{text}` is shown and not weighed: it is not {form}"));
            }
            text.to_owned()
        };
        let born = given(self.born);
        card.born.extend(born.map(|t| weighed(t, details::birth(t).is_ok(), "1961, 1961-05 or 1961-05-03")));
        card.places.extend(given(self.place).map(ToOwned::to_owned));
        let document = given(self.document);
        let form = "KIND:STATE:NUMBER";
        card.documents.extend(document.map(|t| weighed(t, details::document(t).is_ok(), form)));
        let state = given(self.nationality);
        card.nationalities.extend(state.map(|t| weighed(t, mithaq_names::state(t).is_some(), "a state")));
        if let Some(text) = given(self.sex) {
            match details::sex(text) {
                Some(sex) => sex.clone_into(&mut card.sex),
                None => unread.push(format!("`{text}` is left out: it is not f or m")),
            }
        }
        Ok(card)
    }
}

fn table(file: &Decoded, format: &Format) -> Result<Read, Failure> {
    let mut rows = csv::Rows::new(&file.text, format.separator);
    let header = rows.next().map(|row| row.fields).unwrap_or_default();
    let columns = Columns::find(&header, format)?;
    let (mut out, mut unread) = (Read::default(), Vec::new());
    for row in rows {
        if let Some(line) = row.open {
            return Err(Failure::new(
                Exit::Usage,
                "names.quote",
                format!("the quote opened on line {line} is never closed"),
            )
            .hint("close it, or double it where it belongs to the text; nothing was read"));
        }
        let blank = row.fields.iter().all(|field| field.trim().is_empty());
        if file.wrong.range(row.line..=row.last).next().is_some() {
            out.skip(at_line(row.line), NOT_UTF8);
        } else if !blank || row.fields.len() > 1 {
            match columns.record(&row.fields, format, &mut unread) {
                Ok(card) => out.add(card),
                Err(why) => out.skip(at_line(row.line), why),
            }
            unread.drain(..).for_each(|why| out.unread(at_line(row.line), why));
        }
    }
    Ok(out)
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
    let mut out = Read::default();
    all.records.iter().for_each(|record| out.add(entry(record)));
    for (number, why) in &all.refused {
        out.skip(format!("entry {number}"), why.to_string());
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
                card.name(name);
            }
            Value::Date(date) if claim.attribute == Attribute::Born => card.born.push(iso(*date)),
            Value::Document(document) => {
                let (kind, number) = (document.kind.reveal().trim(), document.number.reveal());
                card.documents.push(match &document.issuer {
                    Some(state) => format!("{kind}:{}:{number}", state.reveal()),
                    None => format!("{kind} {number}"),
                });
            }
            Value::Text(text) if claim.attribute == Attribute::Nationality => {
                card.nationalities.push(text.reveal().to_owned());
            }
            Value::Text(text) if claim.attribute == Attribute::Place && kind == Kind::Person => {
                card.places.push(text.reveal().to_owned());
            }
            Value::Sex(sex) => details::sex(sex.code()).unwrap_or_default().clone_into(&mut card.sex),
            Value::Class { .. } | Value::Date(_) | Value::Position(_) | Value::Status(_) | Value::Text(_) => {
            }
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
mod tests;
