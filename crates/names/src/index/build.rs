//! Writing segments: from records, and from segments.

use super::codec::{Bytes, checksum, put, put_bytes};
use super::lookup::{List, Postings};
use super::segment::{BLOCK, Follows, HEADER, MAGIC, PARTS, PARTS_KEPT, SECTIONS, kind_code};
use super::{IndexError, MAX_ID, MAX_NAMES, MAX_STORED, Part, Source};
use crate::name::{Name, Role, Token};
use crate::script::Script;
use crate::{Kind, TABLES_VERSION, acronyms, structure};

/// One name of a record. A record with several names has several of these with one id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// Id of the record, at most [`MAX_ID`] bytes.
    pub id: String,
    /// What is named.
    pub kind: Kind,
    /// The name.
    pub name: String,
}

impl Record {
    /// Makes a name of a person.
    ///
    /// ```
    /// use mithaq_names::{Kind, index::Record};
    /// assert_eq!(Record::person("s-1", "Zubayda Rahmani").kind, Kind::Person);
    /// ```
    pub fn person(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), kind: Kind::Person, name: name.into() }
    }
}

/// Why no segment was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// An id is empty or too long.
    #[error(
        "the id of record {at} is empty or longer than {MAX_ID} bytes\nhint: give every record a short id"
    )]
    Id {
        /// Position of the record.
        at: usize,
    },
    /// Too many names.
    #[error("a segment holds at most {MAX_NAMES} names\nhint: add them in several steps")]
    TooMany,
}

/// Lists up to this many bytes stand beside their token.
const BESIDE: usize = 40;

/// Builds a segment of records. Equal records count once; the order does not matter.
///
/// # Errors
/// When an id is empty or too long, or there are too many names. A name longer than [`MAX_STORED`] bytes is cut at
/// a character; what is cut lies beyond what a name is read to.
pub fn build_segment(records: &[Record]) -> Result<Vec<u8>, BuildError> {
    if records.len() > MAX_NAMES {
        return Err(BuildError::TooMany);
    }
    if let Some(at) = records.iter().position(|r| r.id.is_empty() || r.id.len() > MAX_ID) {
        return Err(BuildError::Id { at });
    }
    let mut sorted: Vec<&Record> = records.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut writer = Writer::default();
    let mut terms = Terms::default();
    for (at, record) in sorted.iter().enumerate() {
        let name = Name::parse_as(record.kind, &record.name);
        terms.add(u32::try_from(at).unwrap_or(u32::MAX), &name);
        writer.name(record.kind, &record.id, cut(&record.name), weight(&name));
    }
    terms.write(&mut writer);
    Ok(writer.finish())
}

/// Joins segments into one, without the names that no longer count. Nothing is parsed again.
///
/// # Errors
/// When a segment is damaged or cannot be read, or the result would hold too many names.
pub fn merge<S: Source>(parts: &[Part<'_, S>]) -> Result<Vec<u8>, IndexError> {
    let total: usize = parts.iter().map(|part| part.segment.names() as usize).sum();
    if total > MAX_NAMES {
        return Err(BuildError::TooMany.into());
    }
    let mut writer = Writer::default();
    let places = merge_names(parts, &mut writer)?;
    merge_tokens(parts, &places, &mut writer)?;
    Ok(writer.finish())
}

/// Stands for "this name is not carried over".
const GONE: u32 = u32::MAX;

/// Copies the names in order of ids; returns the new place of every old one.
fn merge_names<S: Source>(parts: &[Part<'_, S>], writer: &mut Writer) -> Result<Vec<Vec<u32>>, IndexError> {
    let mut places: Vec<Vec<u32>> =
        parts.iter().map(|part| vec![GONE; part.segment.names() as usize]).collect();
    let mut next = vec![0_u32; parts.len()];
    let mut buffers = vec![Vec::new(); parts.len()];
    let mut heads: Vec<Option<Record>> = Vec::new();
    for ((part, at), buffer) in parts.iter().zip(&mut next).zip(&mut buffers) {
        heads.push(head(part, at, buffer)?);
    }
    let mut last: Option<Record> = None;
    loop {
        let first = heads.iter().enumerate().filter_map(|(from, h)| h.as_ref().map(|h| (h, from))).min();
        let Some((_, from)) = first else { break };
        let (Some(part), Some(at), Some(buffer), Some(slot)) =
            (parts.get(from), next.get_mut(from), buffers.get_mut(from), heads.get_mut(from))
        else {
            break;
        };
        let Some(record) = slot.take() else { break };
        if last.as_ref() != Some(&record) {
            let weight = part.segment.weights.get(*at as usize).copied().unwrap_or(0);
            writer.put_name(record.kind, &record.id, &record.name, weight);
            if let Some(place) = places.get_mut(from).and_then(|list| list.get_mut(*at as usize)) {
                *place = writer.names - 1;
            }
            last = Some(record);
        }
        *at += 1;
        *slot = head(part, at, buffer)?;
    }
    Ok(places)
}

/// Returns the next name that counts, and moves the place to it.
fn head<S: Source>(
    part: &Part<'_, S>,
    at: &mut u32,
    buffer: &mut Vec<u8>,
) -> Result<Option<Record>, IndexError> {
    while *at < part.segment.names() && part.dead.contains(*at) {
        *at += 1;
    }
    if *at >= part.segment.names() {
        return Ok(None);
    }
    let stored = part.segment.stored(*at, buffer)?;
    Ok(Some(Record { id: stored.id.to_owned(), kind: stored.kind, name: stored.text.to_owned() }))
}

/// Copies the tokens group by group.
fn merge_tokens<S: Source>(
    parts: &[Part<'_, S>],
    places: &[Vec<u32>],
    writer: &mut Writer,
) -> Result<(), IndexError> {
    let mut next = vec![0_usize; parts.len()];
    let (mut buffer, mut far) = (Vec::new(), Vec::new());
    let skeleton = |part: &Part<'_, S>, at: usize| part.segment.skeletons.get(at).copied();
    while let Some(coarse) = parts.iter().zip(&next).filter_map(|(part, at)| skeleton(part, *at)).min() {
        let mut tokens: Vec<Merged> = Vec::new();
        for ((part, at), places) in parts.iter().zip(&mut next).zip(places) {
            if skeleton(part, *at) != Some(coarse) {
                continue;
            }
            let mut lists = Vec::new();
            part.segment.group(
                *at,
                &mut buffer,
                |_| Some(0),
                |entry| {
                    lists.push((entry.fine, entry.head.to_vec(), entry.list.copied()));
                },
            )?;
            for (fine, head, list) in lists {
                far.clear();
                let bytes: &[u8] = match &list {
                    List::Far { at, len } => {
                        part.segment.postings(*at, *len, &mut far)?;
                        &far
                    }
                    List::Beside(bytes) => bytes,
                };
                let moved = Postings::new(bytes).filter_map(|old| places.get(old as usize).copied());
                tokens.push((fine, head, moved.filter(|new| *new != GONE).collect()));
            }
            *at += 1;
        }
        write_group(coarse, tokens, writer);
    }
    Ok(())
}

/// A token of any of the segments: fine skeleton, head, names.
type Merged = (u64, Vec<u8>, Vec<u32>);

fn write_group(coarse: u64, mut tokens: Vec<Merged>, writer: &mut Writer) {
    tokens.sort_unstable();
    let mut tokens = tokens.into_iter().peekable();
    while let Some((fine, head, mut names)) = tokens.next() {
        while let Some((_, _, more)) = tokens.next_if(|other| other.0 == fine && other.1 == head) {
            names.extend(more);
        }
        names.sort_unstable();
        names.dedup();
        writer.token(fine, &head, &names);
    }
    writer.end_group(coarse);
}

/// Cuts a text at a character so that it can be stored.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_STORED);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Weight of the tokens of a name in steps of a bit and a half, at most 63.
fn weight(name: &Name) -> u8 {
    let bits: f32 = searchable(name).map(|(_, token)| token.rarity_bits()).sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=63")]
    let steps = (bits / 1.5).clamp(0.0, 63.0) as u8;
    steps
}

/// The tokens of a name that can be searched for: names first; titles and forms only where there is nothing else.
pub(super) fn searchable(name: &Name) -> impl Iterator<Item = (usize, &Token)> {
    let good =
        |token: &Token| matches!(token.role, Role::Plain | Role::Patronymic | Role::Kunya | Role::Number);
    let any = name.tokens.iter().any(good);
    name.tokens.iter().enumerate().filter(move |(_, token)| good(token) || !any)
}

/// Neighbours that are often written as one word, read as one token.
pub(super) fn joined<'a>(name: &'a Name, short: bool) -> impl Iterator<Item = (usize, Token)> + 'a {
    let pairs = name.tokens.iter().zip(name.tokens.iter().skip(1)).enumerate();
    pairs.filter_map(move |(at, (x, next))| {
        let fits = x.script == next.script
            && x.script != Script::Syllabic
            && joins(x)
            && joins(next)
            && (!short || x.len <= 3 || next.len <= 3)
            && usize::from(x.len) + usize::from(next.len) <= crate::MAX_WORD_SYMBOLS;
        fits.then(|| (at, x.joined_with(next, name)))
    })
}

/// Acronyms a body may have, each a name of one token.
pub(super) fn acronyms(name: &Name) -> impl Iterator<Item = Name> + use<> {
    let found = if name.kind == Kind::Organisation { acronyms::of(name) } else { Vec::new() };
    let kind = name.kind;
    found.into_iter().map(move |(script, letters)| structure::word(kind, script, letters))
}

fn joins(token: &Token) -> bool {
    matches!(token.role, Role::Plain | Role::Kunya | Role::Particle | Role::Patronymic)
}

/// What identifies a token in the dictionary: script and role, droppable prefix and its cost, symbols.
pub(super) fn head_of(token: &Token, name: &Name, out: &mut Vec<u8>) {
    out.push(token.script.index() as u8 | (role_code(token.role) << 3));
    out.push(token.skip);
    out.push(token.skip_cost);
    out.extend_from_slice(name.symbols_of(token));
}

const ROLES: [Role; 9] = [
    Role::Plain,
    Role::Patronymic,
    Role::Kunya,
    Role::Number,
    Role::Initial,
    Role::LegalForm,
    Role::Particle,
    Role::Suffix,
    Role::Title,
];

fn role_code(role: Role) -> u8 {
    let at = ROLES.iter().position(|other| *other == role).unwrap_or(0);
    u8::try_from(at).unwrap_or(0)
}

/// Reads the first byte of a head.
pub(super) fn script_and_role(byte: u8) -> Option<(Script, Role)> {
    Some((*Script::ALL.get(usize::from(byte & 7))?, *ROLES.get(usize::from(byte >> 3))?))
}

/// A token of a name, waiting to be sorted.
#[derive(Clone, Copy)]
struct Term {
    coarse: u64,
    fine: u64,
    /// The first eight bytes of its head, so that most comparisons need no more.
    first: u64,
    at: usize,
    len: u8,
    name: u32,
}

#[derive(Default)]
struct Terms {
    terms: Vec<Term>,
    heads: Vec<u8>,
}

impl Terms {
    fn add(&mut self, at: u32, name: &Name) {
        for (_, token) in searchable(name) {
            self.push(at, name, token);
        }
        for (_, token) in joined(name, true) {
            self.push(at, name, &token);
        }
        for (written, token, ..) in name.translated() {
            self.push(at, written, token);
        }
        for acronym in acronyms(name) {
            acronym.tokens.iter().for_each(|token| self.push(at, &acronym, token));
        }
    }

    fn push(&mut self, name_at: u32, name: &Name, token: &Token) {
        let at = self.heads.len();
        head_of(token, name, &mut self.heads);
        let head = self.heads.get(at..).unwrap_or_default();
        let mut first = [0; 8];
        for (slot, byte) in first.iter_mut().zip(head) {
            *slot = *byte;
        }
        self.terms.push(Term {
            coarse: token.coarse,
            fine: token.fine,
            first: u64::from_be_bytes(first),
            at,
            len: u8::try_from(head.len()).unwrap_or(u8::MAX),
            name: name_at,
        });
    }

    fn head(&self, term: &Term) -> &[u8] {
        self.heads.get(term.at..term.at + usize::from(term.len)).unwrap_or_default()
    }

    fn write(mut self, writer: &mut Writer) {
        let mut terms = std::mem::take(&mut self.terms);
        terms.sort_unstable_by(|x, y| {
            let fast = (x.coarse, x.fine, x.first).cmp(&(y.coarse, y.fine, y.first));
            fast.then_with(|| self.head(x).cmp(self.head(y))).then_with(|| x.name.cmp(&y.name))
        });
        let mut names = Vec::new();
        for group in terms.chunk_by(|x, y| x.coarse == y.coarse) {
            let same =
                |x: &Term, y: &Term| x.fine == y.fine && x.first == y.first && self.head(x) == self.head(y);
            for same in group.chunk_by(same) {
                names.clear();
                names.extend(same.iter().map(|term| term.name));
                names.dedup();
                if let Some(term) = same.first() {
                    writer.token(term.fine, self.head(term), &names);
                }
            }
            writer.end_group(group.first().map_or(0, |term| term.coarse));
        }
    }
}

/// The sections of a segment as they grow.
#[derive(Default)]
struct Writer {
    names: u32,
    groups: u32,
    text: Vec<u8>,
    postings: Vec<u8>,
    tokens: Vec<u8>,
    weights: Vec<u8>,
    /// Which names are of the record of the name before them, and the id of the last.
    follows: Follows,
    id: String,
    /// Lengths of the blocks, differences of the skeletons, lengths of the groups.
    directory: [Vec<u8>; 3],
    block_start: usize,
    group_start: usize,
    /// Tokens of the run that is being written, and the fine skeleton they share.
    run: Vec<u8>,
    fine: u64,
    last: u64,
    list: Vec<u8>,
}

impl Writer {
    fn name(&mut self, kind: Kind, id: &str, text: &str, weight: u8) {
        self.put_name(kind, id, text, weight | (kind_code(kind) << 6));
    }

    fn put_name(&mut self, kind: Kind, id: &str, text: &str, weight: u8) {
        self.text.push(kind_code(kind));
        put_bytes(&mut self.text, id.as_bytes());
        put_bytes(&mut self.text, text.as_bytes());
        self.weights.push(weight);
        self.follows.push(self.names, self.names > 0 && self.id == id);
        id.clone_into(&mut self.id);
        self.names += 1;
        if (self.names as usize).is_multiple_of(BLOCK) {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        seal(&mut self.text, self.block_start);
        let [blocks, ..] = &mut self.directory;
        put(blocks, (self.text.len() - self.block_start) as u64);
        self.block_start = self.text.len();
    }

    /// Adds a token with the names that hold it, in order; none, no token.
    fn token(&mut self, fine: u64, head: &[u8], names: &[u32]) {
        if names.is_empty() {
            return;
        }
        if fine != self.fine {
            self.end_run();
            self.fine = fine;
        }
        put_bytes(&mut self.run, head);
        let count = self.count(names);
        put(&mut self.run, count);
        self.list.clear();
        let mut last = 0;
        for name in names {
            put(&mut self.list, u64::from(name - last));
            last = *name;
        }
        if self.list.len() <= BESIDE {
            put_bytes(&mut self.run, &self.list);
        } else {
            let at = self.postings.len();
            self.postings.extend_from_slice(&self.list);
            seal(&mut self.postings, at);
            put(&mut self.run, 0);
            put(&mut self.run, at as u64);
            put(&mut self.run, (self.postings.len() - at) as u64);
        }
    }

    /// Counts the records of some names, for the entry of a token: twice the records, or twice the sixteenths of records
    /// and one. A record of which only some names are there counts in part.
    fn count(&self, names: &[u32]) -> u64 {
        if self.follows.is_empty() {
            return names.len() as u64 * 2;
        }
        let parts: u64 = names.iter().map(|at| self.follows.part(*at, self.names, |_| true)).sum();
        if parts.is_multiple_of(PARTS) { parts / PARTS * 2 } else { kept(parts) * 2 + 1 }
    }

    /// Tokens of one fine skeleton stand together, so that a lookup passes over them in one step.
    fn end_run(&mut self) {
        if !self.run.is_empty() {
            put(&mut self.tokens, self.fine);
            put_bytes(&mut self.tokens, &self.run);
            self.run.clear();
        }
    }

    fn end_group(&mut self, coarse: u64) {
        self.end_run();
        if self.tokens.len() == self.group_start {
            return;
        }
        seal(&mut self.tokens, self.group_start);
        let [_, skeletons, groups] = &mut self.directory;
        put(skeletons, coarse - self.last);
        put(groups, (self.tokens.len() - self.group_start) as u64);
        self.last = coarse;
        self.group_start = self.tokens.len();
        self.groups += 1;
    }

    fn finish(mut self) -> Vec<u8> {
        if self.text.len() > self.block_start {
            self.end_block();
        }
        self.weights.extend_from_slice(self.follows.bytes());
        seal(&mut self.weights, 0);
        let mut directory = self.directory.concat();
        seal(&mut directory, 0);
        let sections: [&[u8]; SECTIONS] =
            [&self.text, &self.postings, &self.tokens, &self.weights, &directory];
        let size = sections.iter().map(|s| s.len()).sum::<usize>() + HEADER;
        let mut out = Vec::with_capacity(size);
        out.extend_from_slice(MAGIC);
        for number in [TABLES_VERSION, self.names, self.groups] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for section in sections {
            out.extend_from_slice(&(section.len() as u64).to_le_bytes());
        }
        seal(&mut out, 0);
        sections.iter().for_each(|section| out.extend_from_slice(section));
        out
    }
}

/// Appends the checksum of what stands from a place on.
fn seal(out: &mut Vec<u8>, from: usize) {
    let sum = checksum(out.get(from..).unwrap_or_default());
    out.extend_from_slice(&sum.to_le_bytes());
}

/// Parts of records in the unit that is kept, at least one.
fn kept(parts: u64) -> u64 {
    ((parts + PARTS_KEPT / 2) / PARTS_KEPT).max(1)
}

/// Records from parts of records, with what keeping them in a segment takes away.
pub(super) fn records(parts: u64) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a count of records; its nearest float will do")]
    let sixteenths = if parts.is_multiple_of(PARTS) { parts / PARTS_KEPT } else { kept(parts) } as f32;
    sixteenths / 16.0
}

/// Reads the parts of one token of a group: head, records that hold it, list.
pub(super) fn read_entry<'a>(bytes: &mut Bytes<'a>) -> Option<(&'a [u8], f32, List<'a>)> {
    let head = bytes.counted(u8::MAX as usize)?;
    let count = bytes.small()?;
    #[expect(clippy::cast_precision_loss, reason = "a count of records; its nearest float will do")]
    let count = (count / 2) as f32 / if count % 2 == 0 { 1.0 } else { 16.0 };
    let len = usize::try_from(bytes.number()?).ok()?;
    let list = if len == 0 {
        List::Far { at: bytes.number()?, len: bytes.small()? }
    } else {
        List::Beside(std::borrow::Cow::Borrowed(bytes.take(len)?))
    };
    Some((head, count, list))
}
