//! One entry of the list as claims. Every element touched is marked; what stays unmarked is counted as unknown.

use std::collections::BTreeSet;

use mithaq_model::{
    Attribute, Document, Lang, NameKind, NameQuality, PartialDate, Script, Sex, SpecialCategory, Subject,
    SubjectKind, Text, Value,
};

use super::node::{Mark, Node};
use super::write::{Writer, language, refused};
use super::{EntryError, ListRef, Options, Record, date, id, name};
use crate::{Loss, Weakening};

/// An entry with the special categories its texts touched.
pub(super) struct Made {
    pub(super) record: Record,
    pub(super) categories: Vec<SpecialCategory>,
}

pub(super) fn map(
    node: &Node,
    kind: SubjectKind,
    options: &Options<'_>,
    seen: &mut BTreeSet<String>,
) -> Result<Made, EntryError> {
    let list = list_ref(node, options.list)?;
    if !seen.insert(list.data_id.clone()) {
        return Err(EntryError::NumberRepeated);
    }
    let mut writer = Writer::new(options, &list);
    names(node, &mut writer);
    node.children.iter().for_each(|child| element(child, &mut writer));
    if !writer.claims.iter().any(|claim| claim.attribute == Attribute::Name) {
        return Err(EntryError::NameMissing);
    }
    let class = (kind == SubjectKind::Person).then_some(options.class);
    if let (Some(class), Ok(ground)) = (class, Text::new(Lang::EN, options.class_ground)) {
        writer.say("(class)", Attribute::Class, Value::Class { class, ground });
    }
    let Writer { claims, categories, .. } = writer;
    let subject = Subject::new(id::subject(options.list, &list.data_id), kind, class, claims)?;
    Ok(Made { record: Record { list, subject }, categories })
}

fn list_ref(node: &Node, list: &str) -> Result<ListRef, EntryError> {
    // What goes into a reference of the ledger: never a sentence, never long.
    let plain = |text: &String| {
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        (1..=20).contains(&text.len()) && text.bytes().all(good)
    };
    let read = |field| node.field(field).map(|(_, text)| text).filter(plain);
    let data_id = read("DATAID").ok_or(EntryError::NumberMissing)?;
    if let Some((number, _)) = node.field("DATAID") {
        number.mark(Mark::Carried);
    }
    let (reference, version) = (read("REFERENCE_NUMBER"), read("VERSIONNUM"));
    let source_ref = match &reference {
        Some(reference) => format!("{list}/{data_id}/{reference}"),
        None => format!("{list}/{data_id}"),
    };
    Ok(ListRef { data_id, reference, version, source_ref })
}

fn element(node: &Node, writer: &mut Writer<'_, '_>) {
    match node.name.as_str() {
        "INDIVIDUAL_ALIAS" | "ENTITY_ALIAS" => alias(node, writer),
        "INDIVIDUAL_ADDRESS" | "ENTITY_ADDRESS" => place(node, Attribute::Address, writer),
        "INDIVIDUAL_PLACE_OF_BIRTH" => place(node, Attribute::Place, writer),
        "INDIVIDUAL_DATE_OF_BIRTH" => birth(node, writer),
        "INDIVIDUAL_DOCUMENT" => document(node, writer),
        "TITLE" => values(node, Attribute::Title, "", writer),
        "DESIGNATION" => values(node, Attribute::Role, "", writer),
        "NATIONALITY" | "NATIONALITY2" => values(node, Attribute::Nationality, "", writer),
        "LIST_TYPE" => values(node, Attribute::Listing, "list: ", writer),
        "UN_LIST_TYPE" => values(node, Attribute::Listing, "regime: ", writer),
        "REFERENCE_NUMBER" => values(node, Attribute::Listing, "reference: ", writer),
        "VERSIONNUM" => values(node, Attribute::Listing, "version: ", writer),
        "SUBMITTED_BY" => values(node, Attribute::Listing, "submitted by: ", writer),
        "SUBMITTED_ON" => day(node, "submitted: ", writer),
        "LISTED_ON" => day(node, "listed: ", writer),
        "DELISTED_ON" => day(node, "delisted: ", writer),
        "LAST_DAY_UPDATED" => day(node, "updated: ", writer),
        "GENDER" => sex(node, writer),
        comment if comment.starts_with("COMMENTS") => {
            if let Some(text) = node.line() {
                node.mark(writer.words(comment, Attribute::Comment, &text));
            }
        }
        _unknown => {}
    }
}

/// The name in four or more parts, and in its own script.
fn names(node: &Node, writer: &mut Writer<'_, '_>) {
    const PARTS: [&str; 6] =
        ["FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME", "FIFTH_NAME", "SIXTH_NAME"];
    let originals: Vec<(&Node, String)> = node
        .children
        .iter()
        .filter(|child| child.name == "NAME_ORIGINAL_SCRIPT")
        .filter_map(|child| child.line().map(|line| (child, line)))
        .collect();
    let foreign = originals.iter().any(|(_, line)| Script::of(line) != Script::Latin);
    let parts: Vec<(&Node, String)> = PARTS.iter().filter_map(|part| node.field(part)).collect();
    if !parts.is_empty() {
        let full = parts.iter().map(|(_, part)| part.as_str()).collect::<Vec<_>>().join(" ");
        let mark = spoken("NAME", &full, (NameKind::Primary, NameQuality::Unknown), foreign, writer);
        parts.iter().for_each(|(part, _)| part.mark(mark));
    }
    for (original, line) in originals {
        let primary = (NameKind::Primary, NameQuality::Unknown);
        original.mark(spoken("NAME_ORIGINAL_SCRIPT", &line, primary, false, writer));
    }
}

fn spoken(
    path: &str,
    full: &str,
    (kind, quality): (NameKind, NameQuality),
    foreign: bool,
    writer: &mut Writer<'_, '_>,
) -> Mark {
    let script = Script::of(full);
    match Text::line(Lang::UND, full) {
        Ok(full) => {
            let form = name::form(script, foreign);
            writer.say(path, Attribute::Name, Value::Name { full, script, kind, form, quality })
        }
        Err(error) => Mark::Lost(refused(error)),
    }
}

/// A name the subject is or was known by, with what the list says of it beside.
fn alias(node: &Node, writer: &mut Writer<'_, '_>) {
    let written = node.field("QUALITY");
    let read = written.as_ref().and_then(|(_, text)| name::quality(text));
    let (mut kind, quality) = read.unwrap_or((NameKind::Alias, NameQuality::Unknown));
    let remark = node.field("NOTE");
    let note = remark.as_ref().map(|(_, text)| name::note(text));
    if note.as_ref().is_some_and(|note| note.former) {
        kind = NameKind::Former;
    }
    let known = node.field("ALIAS_NAME");
    let original = note.as_ref().and_then(|note| note.original);
    let named = known.as_ref().map(|(field, full)| {
        let mark = spoken("ALIAS", full, (kind, quality), original.is_some(), writer);
        field.mark(mark);
        mark
    });
    if let Some((field, _)) = &written {
        // A quality without an alias qualifies nothing.
        let mark = if read.is_some() { named } else { None };
        field.mark(mark.unwrap_or(Mark::Lost(Loss::Unreadable)));
    }
    if let (Some((field, _)), Some(note)) = (&remark, &note) {
        let in_script = note.original.map(|full| spoken("ALIAS", full, (kind, quality), false, writer));
        let rest = note.rest.map(|rest| {
            let of = known.as_ref().map_or("", |(_, full)| full.as_str());
            writer.words("ALIAS/NOTE", Attribute::Comment, &format!("Alias {of}: {rest}"))
        });
        field.mark(rest.or(in_script).or(named).unwrap_or(Mark::Lost(Loss::Unreadable)));
    }
    alias_birth(node, writer);
}

/// A birth told of an alias: "said under this name" has no field, so the link to the alias is reported lost.
fn alias_birth(node: &Node, writer: &mut Writer<'_, '_>) {
    if let Some((field, text)) = node.field("DATE_OF_BIRTH") {
        let (mark, weak) = match date::day(&text) {
            Some(read) => {
                let said = writer.say("BORN", Attribute::Born, Value::Date(read.date));
                (said, read.weakened.unwrap_or(Weakening::AliasLinkLost))
            }
            None => {
                let words = format!("Date of birth under an alias: {text}");
                (writer.words("BORN", Attribute::Comment, &words), Weakening::AsText)
            }
        };
        field.mark(mark);
        field.weaken(weak);
    }
    let (parts, body) = joined(node, &["CITY_OF_BIRTH", "COUNTRY_OF_BIRTH"]);
    if !parts.is_empty() {
        let mark = writer.words("PLACE", Attribute::Place, &body);
        for part in parts {
            part.mark(mark);
            part.weaken(Weakening::AliasLinkLost);
        }
    }
}

/// An address or a place of birth. Its note stands behind it in brackets, unless it is refused or too long.
fn place(node: &Node, attribute: Attribute, writer: &mut Writer<'_, '_>) {
    let (label, path) =
        if attribute == Attribute::Place { ("Place of birth", "PLACE") } else { ("Address", "ADDRESS") };
    let (parts, mut body) = joined(node, &["STREET", "CITY", "STATE_PROVINCE", "ZIP_CODE", "COUNTRY"]);
    if let Some((field, note)) = node.field("NOTE") {
        let room = Text::LINE_MAX.saturating_sub(body.len().saturating_add(3));
        match writer.screen(attribute, &note) {
            Some(loss) => field.mark(Mark::Lost(loss)),
            None if !parts.is_empty() && note.len() <= room => {
                body = format!("{body} ({note})");
                field.mark(Mark::Carried);
            }
            None => {
                let words = if body.is_empty() {
                    format!("{label}: {note}")
                } else {
                    format!("{label} {body}: {note}")
                };
                field.mark(writer.words(path, Attribute::Comment, &words));
            }
        }
    }
    if !parts.is_empty() {
        let mark = writer.words(path, attribute, &body);
        parts.iter().for_each(|part| part.mark(mark));
    }
}

fn birth(node: &Node, writer: &mut Writer<'_, '_>) {
    const FIELDS: [&str; 5] = ["TYPE_OF_DATE", "DATE", "YEAR", "FROM_YEAR", "TO_YEAR"];
    let found = FIELDS.map(|field| node.field(field));
    let [kind, day, year, from, to] = found.each_ref().map(|f| f.as_ref().map(|(_, text)| text.as_str()));
    let known = day.or(year).or(from).or(to).is_some();
    let read = date::birth(date::Fields { kind, date: day, year, from, to });
    let mut label = "Date of birth".to_owned();
    let mark = match read {
        Some(read) => {
            label = format!("Date of birth {}", read.date);
            Some((writer.say("BORN", Attribute::Born, Value::Date(read.date)), read.weakened))
        }
        None if known => {
            let words = [kind, day, year, from, to].into_iter().flatten().collect::<Vec<_>>().join(" ");
            let said = writer.words("BORN", Attribute::Comment, &format!("Date of birth as listed: {words}"));
            Some((said, Some(Weakening::AsText)))
        }
        None => None,
    };
    let note = node.field("NOTE").map(|(field, note)| {
        let kind = kind.filter(|_| !known).map(|kind| format!(" ({kind})")).unwrap_or_default();
        let said = writer.words("BORN/NOTE", Attribute::Comment, &format!("{label}{kind}: {note}"));
        field.mark(said);
        (said, None)
    });
    let (mark, weak) = mark.or(note).unwrap_or((Mark::Lost(Loss::Placeholder), None));
    for (field, _) in found.iter().flatten() {
        field.mark(mark);
        if let Some(weak) = weak {
            field.weaken(weak);
        }
    }
}

fn document(node: &Node, writer: &mut Writer<'_, '_>) {
    let kinds = [node.field("TYPE_OF_DOCUMENT"), node.field("TYPE_OF_DOCUMENT2")];
    let number = node.field("NUMBER");
    let issuers = [node.field("ISSUING_COUNTRY"), node.field("COUNTRY_OF_ISSUE")];
    let issued = node.field("DATE_OF_ISSUE");
    let others = [node.field("CITY_OF_ISSUE"), node.field("NOTE")];
    let kind = match &kinds {
        [Some((_, one)), Some((_, two))] if one != two => format!("{one} ({two})"),
        [Some((_, one)), _] | [None, Some((_, one))] => one.clone(),
        [None, None] => "document".to_owned(),
    };
    let mut note: Vec<String> = Vec::new();
    let read = issued.as_ref().and_then(|(_, text)| date::day(text));
    match (&issued, read) {
        (Some((field, _)), Some(read)) => read.weakened.into_iter().for_each(|weak| field.weaken(weak)),
        (Some((field, text)), None) => {
            note.push(format!("issued {text}"));
            field.weaken(Weakening::AsText);
        }
        (None, _) => {}
    }
    let mut issuer = issuers.iter().flatten();
    let state = issuer.next().map(|(_, text)| text.as_str());
    note.extend(
        issuer.filter(|(_, text)| Some(text.as_str()) != state).map(|(_, t)| format!("issued in {t}")),
    );
    let labels = ["issued at ", ""];
    for (other, label) in others.iter().zip(labels) {
        let Some((field, text)) = other else { continue };
        match writer.screen(Attribute::Document, text) {
            Some(loss) => field.mark(Mark::Lost(loss)),
            None => note.push(format!("{label}{text}")),
        }
    }
    let stated = Stated {
        kind: &kind,
        number: number.as_ref().map(|(_, text)| text.as_str()),
        state,
        issued: read.map(|read| read.date),
        note: note.join("; "),
    };
    let fields: Vec<&Node> = [&number, &issued]
        .into_iter()
        .chain(&kinds)
        .chain(&issuers)
        .chain(&others)
        .filter_map(|field| field.as_ref().map(|(field, _)| *field))
        .collect();
    if !fields.is_empty() {
        let (mark, weak) = stated.say(writer);
        for field in fields {
            field.mark(mark);
            weak.into_iter().for_each(|weak| field.weaken(weak));
        }
    }
}

/// A document as far as it is stated.
struct Stated<'a> {
    kind: &'a str,
    number: Option<&'a str>,
    state: Option<&'a str>,
    issued: Option<PartialDate>,
    note: String,
}

impl Stated<'_> {
    /// Without a number it is no document of the model and stays in words.
    fn say(&self, writer: &mut Writer<'_, '_>) -> (Mark, Option<Weakening>) {
        if let Some(loss) = writer.screen(Attribute::Document, self.kind) {
            return (Mark::Lost(loss), None);
        }
        let line = |text: &str| Text::line(language(text), text);
        let Some(number) = self.number else {
            let mut words = format!("Document: {}", self.kind);
            for more in [self.state.unwrap_or(""), self.note.as_str()] {
                if !more.is_empty() {
                    words = format!("{words}; {more}");
                }
            }
            if let Some(date) = self.issued {
                words = format!("{words}; issued {date}");
            }
            return (writer.words("DOCUMENT", Attribute::Comment, &words), Some(Weakening::AsText));
        };
        let note = (!self.note.is_empty()).then(|| line(&self.note)).transpose();
        let made = (line(self.kind), line(number), self.state.map(line).transpose(), note);
        match made {
            (Ok(kind), Ok(number), Ok(issuer), Ok(note)) => {
                let document = Document { kind, number, issuer, issued: self.issued, note };
                (writer.say("DOCUMENT", Attribute::Document, Value::Document(document)), None)
            }
            (Err(error), ..) | (_, Err(error), ..) | (_, _, Err(error), _) | (.., Err(error)) => {
                (Mark::Lost(refused(error)), None)
            }
        }
    }
}

/// A field with a list of `VALUE`, or with its text directly.
fn values(node: &Node, attribute: Attribute, label: &str, writer: &mut Writer<'_, '_>) {
    for (field, text) in each(node) {
        let mark = if placeholder(&text) {
            Mark::Lost(Loss::Placeholder)
        } else {
            writer.words(&node.name, attribute, &format!("{label}{text}"))
        };
        field.mark(mark);
    }
}

/// A field with days of the listing.
fn day(node: &Node, label: &str, writer: &mut Writer<'_, '_>) {
    for (field, text) in each(node) {
        let (said, weak) = match date::day(&text) {
            Some(read) => (read.date.to_string(), read.weakened),
            None => (text, None),
        };
        field.mark(writer.words(&node.name, Attribute::Listing, &format!("{label}{said}")));
        weak.into_iter().for_each(|weak| field.weaken(weak));
    }
}

fn each(node: &Node) -> Vec<(&Node, String)> {
    let direct = node.line().map(|line| (node, line));
    let listed = node.children.iter().filter(|child| child.name == "VALUE");
    direct.into_iter().chain(listed.filter_map(|v| v.line().map(|line| (v, line)))).collect()
}

fn sex(node: &Node, writer: &mut Writer<'_, '_>) {
    let Some(text) = node.line() else { return };
    let sex = match text.to_ascii_lowercase().as_str() {
        "male" | "m" => Some(Sex::Male),
        "female" | "f" => Some(Sex::Female),
        _other => None,
    };
    node.mark(
        sex.map_or(Mark::Lost(Loss::Unreadable), |sex| writer.say("GENDER", Attribute::Sex, Value::Sex(sex))),
    );
}

/// The parts of a place that say something, and them in one line.
fn joined<'n>(node: &'n Node, fields: &[&str]) -> (Vec<&'n Node>, String) {
    let mut parts = Vec::new();
    let mut body = String::new();
    for (part, text) in fields.iter().filter_map(|field| node.field(field)) {
        if placeholder(&text) {
            part.mark(Mark::Lost(Loss::Placeholder));
            continue;
        }
        if !body.is_empty() {
            body.push_str(", ");
        }
        body.push_str(&text);
        parts.push(part);
    }
    (parts, body)
}

fn placeholder(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "na" | "n/a" | "n.a." | "none" | "unknown" | "-")
}
