//! From bytes to entries: a pull parser with a bound on everything it holds. Knows the frame of the list
//! (`CONSOLIDATED_LIST/INDIVIDUALS/INDIVIDUAL`, `…/ENTITIES/ENTITY`) and leaves the rest to [`super::entry`].

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};

use mithaq_model::{SubjectKind, Timestamp};
use quick_xml::events::{BytesStart, Event};

use super::node::{Node, step};
use super::{
    DEPTH_MAX, ENTRIES_MAX, ENTRY_BYTES_MAX, ENTRY_NODES_MAX, EVENT_MAX, EntryError, Options, ReadError,
    Record, entry,
};
use crate::{Loss, LossReport};

/// Most attributes of one element: looking for repeated ones costs their square.
const ATTRIBUTES_MAX: usize = 64;
/// Longest name of an element kept for the report.
const NAME_MAX: usize = 64;

/// Entries of a list, one by one. Made by [`super::read`].
pub struct Reader<'o, R> {
    xml: quick_xml::Reader<Limited<R>>,
    buffer: Vec<u8>,
    options: Options<'o>,
    report: LossReport,
    place: Vec<String>,
    seen: BTreeSet<String>,
    entries: u64,
    generated: Option<Timestamp>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    Within,
    Over,
}

/// A source that gives out no more than an allowance per event and in all, so that no hostile text is
/// gathered in memory before it is refused.
struct Limited<R> {
    inner: R,
    event: usize,
    total: u64,
    tripped: bool,
}

impl<R: BufRead> Limited<R> {
    fn allowance(&self) -> usize {
        self.event.min(usize::try_from(self.total).unwrap_or(usize::MAX))
    }
}

impl<R: BufRead> Read for Limited<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let got = self.fill_buf()?;
        let count = got.len().min(out.len());
        out.iter_mut().zip(got).for_each(|(place, byte)| *place = *byte);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Limited<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let allowance = self.allowance();
        let got = self.inner.fill_buf()?;
        if allowance == 0 && !got.is_empty() {
            self.tripped = true;
            return Err(io::Error::other("too long"));
        }
        Ok(got.get(..allowance.min(got.len())).unwrap_or(got))
    }

    fn consume(&mut self, count: usize) {
        self.event = self.event.saturating_sub(count);
        self.total = self.total.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        self.inner.consume(count);
    }
}

/// What the frame needs of an event.
enum Token {
    Open { name: String, attributes: Vec<String>, generated: Option<Timestamp> },
    Close,
    Text(String),
    Blank,
    Markup(&'static str),
    End,
}

impl<'o, R: BufRead> Reader<'o, R> {
    pub(super) fn new(input: R, options: Options<'o>) -> Self {
        let limited = Limited { inner: input, event: EVENT_MAX, total: options.bytes_max, tripped: false };
        let mut xml = quick_xml::Reader::from_reader(limited);
        xml.config_mut().expand_empty_elements = true;
        Self {
            xml,
            buffer: Vec::new(),
            options,
            report: LossReport::default(),
            place: Vec::new(),
            seen: BTreeSet::new(),
            entries: 0,
            generated: None,
            state: State::Before,
        }
    }

    /// Returns what was carried so far and what was not.
    #[must_use]
    pub const fn report(&self) -> &LossReport {
        &self.report
    }

    /// Returns the report and ends the reading.
    #[must_use]
    pub fn into_report(self) -> LossReport {
        self.report
    }

    /// Returns when the list says it was generated, once its first element was read.
    #[must_use]
    pub const fn generated(&self) -> Option<Timestamp> {
        self.generated
    }

    fn advance(&mut self) -> Result<Option<Record>, ReadError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
        let name = self.options.list;
        if !((1..=20).contains(&name.len())
            && name.starts_with(|c| c != '.' && c != '-')
            && name.bytes().all(plain))
        {
            return Err(ReadError::ListName);
        }
        loop {
            match self.token()? {
                Token::Open { name, attributes, generated } => {
                    if let Some(kind) = self.entry_kind(&name) {
                        return self.entry(Node::new(name, attributes), kind).map(Some);
                    }
                    self.open(name, &attributes, generated)?;
                }
                Token::Close => {
                    self.place.pop();
                    if self.place.is_empty() {
                        self.state = State::Over;
                    }
                }
                Token::Text(_) if self.place.is_empty() => {
                    return Err(ReadError::Malformed { at: self.at() });
                }
                Token::Text(_) => self.report.lost(&format!("{}/#text", self.place.join("/")), Loss::Unknown),
                Token::Blank => {}
                Token::Markup(what) => self.report.lost(what, Loss::Markup),
                Token::End => {
                    return match self.state {
                        State::Over => Ok(None),
                        State::Within => Err(ReadError::Truncated { at: self.at() }),
                        State::Before => Err(ReadError::NotTheList),
                    };
                }
            }
        }
    }

    fn entry_kind(&self, name: &str) -> Option<SubjectKind> {
        let mut place = self.place.iter().map(String::as_str);
        match (place.next(), place.next(), place.next(), name) {
            (Some(_), Some("INDIVIDUALS"), None, "INDIVIDUAL") => Some(SubjectKind::Person),
            (Some(_), Some("ENTITIES"), None, "ENTITY") => Some(SubjectKind::Organisation),
            (_, _, _, _) => None,
        }
    }

    /// Counts an element outside of entries: the frame itself, or something unknown.
    fn open(
        &mut self,
        name: String,
        attributes: &[String],
        generated: Option<Timestamp>,
    ) -> Result<(), ReadError> {
        let root = self.place.is_empty();
        if root && (self.state != State::Before || name != "CONSOLIDATED_LIST") {
            return Err(ReadError::NotTheList);
        }
        let frame = root || (self.place.len() == 1 && matches!(name.as_str(), "INDIVIDUALS" | "ENTITIES"));
        if self.place.len() >= DEPTH_MAX {
            return Err(ReadError::Depth { at: self.at() });
        }
        self.state = State::Within;
        self.place.push(name);
        let path = self.place.join("/");
        if frame {
            self.report.carried(&path);
        } else {
            self.report.lost(&path, Loss::Unknown);
        }
        for attribute in attributes {
            let path = format!("{path}/@{attribute}");
            match attribute.as_str() {
                "dateGenerated" if root && generated.is_some() => {
                    self.generated = generated;
                    self.report.carried(&path);
                }
                name if name.starts_with("xmlns") || name.starts_with("xsi:") => {
                    self.report.lost(&path, Loss::Markup);
                }
                _unknown => self.report.lost(&path, Loss::Unknown),
            }
        }
        Ok(())
    }

    fn entry(&mut self, root: Node, kind: SubjectKind) -> Result<Record, ReadError> {
        self.entries = self.entries.saturating_add(1);
        if self.entries > ENTRIES_MAX {
            return Err(ReadError::TooMany);
        }
        let mut path = self.place.join("/");
        step(&mut path, &root.name);
        let (node, size) = self.tree(root)?;
        let made = size.and_then(|()| entry::map(&node, kind, &self.options, &mut self.seen));
        match made {
            Ok(made) => {
                node.account(&mut path, &mut self.report);
                made.categories.iter().for_each(|category| self.report.category(*category));
                match kind {
                    SubjectKind::Person => self.report.person(),
                    SubjectKind::Organisation
                    | SubjectKind::Event
                    | SubjectKind::Object
                    | SubjectKind::Place => self.report.organisation(),
                }
                Ok(made.record)
            }
            Err(why) => {
                node.refuse(&mut path, &mut self.report);
                self.report.entry_refused();
                Err(ReadError::Entry { number: self.entries, why })
            }
        }
    }

    /// Gathers one entry. Beyond the limits nothing more is kept: elements are counted and let go.
    fn tree(&mut self, root: Node) -> Result<(Node, Result<(), EntryError>), ReadError> {
        let mut stack = vec![root];
        let (mut nodes, mut bytes) = (1_usize, 0_usize);
        loop {
            let over = nodes > ENTRY_NODES_MAX || bytes > ENTRY_BYTES_MAX;
            match self.token()? {
                Token::Open { name, attributes, .. } => {
                    if self.place.len().saturating_add(stack.len()) >= DEPTH_MAX {
                        return Err(ReadError::Depth { at: self.at() });
                    }
                    nodes = nodes.saturating_add(1);
                    stack.push(Node::new(name, attributes));
                }
                Token::Close => {
                    let Some(node) = stack.pop() else { return Err(ReadError::Malformed { at: self.at() }) };
                    match stack.last_mut() {
                        None => return Ok((node, if over { Err(EntryError::TooLarge) } else { Ok(()) })),
                        Some(parent) if !over => parent.children.push(node),
                        Some(_) => {
                            let mut path = self.place.join("/");
                            stack.iter().chain([&node]).for_each(|open| step(&mut path, &open.name));
                            node.refuse(&mut path, &mut self.report);
                        }
                    }
                }
                Token::Text(text) => {
                    bytes = bytes.saturating_add(text.len());
                    if let Some(top) = stack.last_mut().filter(|_| bytes <= ENTRY_BYTES_MAX) {
                        top.text.push_str(&text);
                    }
                }
                Token::Blank => {
                    // A blank between two references separates words: "A&amp; &amp;B".
                    if let Some(top) = stack.last_mut().filter(|top| !top.text.is_empty()) {
                        bytes = bytes.saturating_add(1);
                        top.text.push(' ');
                    }
                }
                Token::Markup(what) => self.report.lost(what, Loss::Markup),
                Token::End => return Err(ReadError::Truncated { at: self.at() }),
            }
        }
    }

    fn token(&mut self) -> Result<Token, ReadError> {
        self.buffer.clear();
        let at = self.at();
        self.xml.get_mut().event = EVENT_MAX;
        let event = match self.xml.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(error) => return Err(fault(&error, self.xml.get_ref().tripped, at)),
        };
        match event {
            Event::Start(tag) | Event::Empty(tag) => opened(&tag, at),
            Event::End(_) => Ok(Token::Close),
            Event::Text(text) => Ok(said(&text.into_inner())),
            Event::CData(text) => Ok(said(&text.into_inner())),
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(c)) => Some(c),
                    Ok(None) => predefined(&reference.into_inner()),
                    Err(_no_character) => None,
                };
                resolved.map(|c| Token::Text(c.to_string())).ok_or(ReadError::Entity { at })
            }
            Event::Comment(_) => Ok(Token::Markup("#comment")),
            Event::PI(_) => Ok(Token::Markup("#instruction")),
            Event::Decl(declaration) => match declaration.encoding() {
                None => Ok(Token::Blank),
                Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => Ok(Token::Blank),
                Some(Ok(_) | Err(_)) => Err(ReadError::Encoding { at }),
            },
            Event::DocType(_) => Err(ReadError::DocumentType),
            Event::Eof => Ok(Token::End),
        }
    }

    fn at(&self) -> u64 {
        self.xml.buffer_position()
    }
}

impl<R: BufRead> Iterator for Reader<'_, R> {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.xml.get_ref().total == 0 && self.xml.get_ref().tripped {
            return None;
        }
        let item = self.advance().transpose();
        if let Some(Err(error)) = &item
            && error.is_fatal()
        {
            // Nothing more comes after the end: the source is treated as spent.
            let source = self.xml.get_mut();
            (source.total, source.tripped) = (0, true);
        }
        item
    }
}

fn said(text: &str) -> Token {
    if text.trim().is_empty() { Token::Blank } else { Token::Text(text.to_owned()) }
}

fn predefined(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "apos" => Some('\''),
        "gt" => Some('>'),
        "lt" => Some('<'),
        "quot" => Some('"'),
        _other => None,
    }
}

fn opened(tag: &BytesStart<'_>, at: u64) -> Result<Token, ReadError> {
    let mut attributes = Vec::new();
    let mut generated = None;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|_bad| ReadError::Malformed { at })?;
        if attributes.len() >= ATTRIBUTES_MAX {
            return Err(ReadError::Malformed { at });
        }
        let name = plain(attribute.key.as_ref());
        if name == "dateGenerated" {
            generated = Timestamp::parse(&attribute.value);
        }
        attributes.push(name);
    }
    Ok(Token::Open { name: plain(tag.name().as_ref()), attributes, generated })
}

/// A foreign name in the characters of a report line.
fn plain(name: &str) -> String {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    name.chars().take(NAME_MAX).map(|c| if good(c) { c } else { '?' }).collect()
}

fn fault(error: &quick_xml::Error, tripped: bool, at: u64) -> ReadError {
    use quick_xml::Error as E;
    use quick_xml::errors::{IllFormedError, SyntaxError};
    if tripped {
        return ReadError::TooLong { at };
    }
    match error {
        E::Io(error) => ReadError::Read(error.kind()),
        E::Encoding(_) => ReadError::Encoding { at },
        E::Syntax(
            SyntaxError::UnclosedTag
            | SyntaxError::UnclosedComment
            | SyntaxError::UnclosedCData
            | SyntaxError::UnclosedDoctype
            | SyntaxError::UnclosedPI,
        )
        | E::IllFormed(IllFormedError::MissingEndTag(_)) => ReadError::Truncated { at },
        E::Syntax(_) | E::IllFormed(_) | E::InvalidAttr(_) | E::Escape(_) | E::Namespace(_) => {
            ReadError::Malformed { at }
        }
    }
}
