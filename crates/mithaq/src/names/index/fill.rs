//! Building and adding: records of a file become names of the index and notes of its records.

use std::fs::{File, TryLockError};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use mithaq_name_index::{Applied, Change, Index, NameIndexError, Record, is_index_file};

use super::{Lost, done, failure};
use crate::names::card::{Card, CardName};
use crate::names::input::{self, Format, Read};
use crate::ui::{Exit, Failure, Ui};

/// Names added in one change of a build.
const BATCH: usize = 500_000;

pub(super) fn build(
    file: &Path,
    directory: &Path,
    format: &Format,
    replace: bool,
    ui: Ui,
) -> Result<(), Failure> {
    replaceable(directory, replace)?;
    let read = input::read(file, format)?;
    let started = std::time::Instant::now();
    let mut applied = Applied::default();
    build_beside(directory, replace, |beside| {
        applied = fill(&mut Index::create(beside).map_err(failure)?, &read.cards, ui)?;
        Ok(())
    })?;
    ui.say(&format!("{} records in {:.2} s", read.cards.len(), started.elapsed().as_secs_f64()));
    done(applied, Some(lost(&read)), ui)
}

fn lost(read: &Read) -> Lost<'_> {
    Lost { skipped: read.skipped, unread: read.unread, problems: &read.problems }
}

/// Fills an index that nobody sees yet, batch by batch.
fn fill(index: &mut Index, cards: &[Card], ui: Ui) -> Result<Applied, Failure> {
    let bar = Bar { total: cards.iter().map(|card| card.names.len()).sum(), quiet: ui.quiet || ui.json };
    let (mut changes, mut applied) = (Vec::new(), Applied::default());
    let mut apply = |changes: &mut Vec<Change>| -> Result<(), Failure> {
        applied.added += index.apply(changes).map_err(failure)?.added;
        changes.clear();
        bar.show(usize::try_from(applied.added).unwrap_or(usize::MAX));
        Ok(())
    };
    let mut waiting = 0;
    for card in cards {
        waiting += card.names.len();
        names(card, &mut changes);
        if card.is_rich() {
            changes.push(Change::Note { id: card.id.clone(), note: card.write()? });
        }
        if waiting >= BATCH {
            apply(&mut changes)?;
            waiting = 0;
        }
    }
    apply(&mut changes)?;
    bar.end();
    Ok(applied)
}

fn names(card: &Card, changes: &mut Vec<Change>) {
    let kind = card.kind();
    let add = |name: &CardName| Change::Add(Record { id: card.id.clone(), kind, name: name.text.clone() });
    changes.extend(card.names.iter().map(add));
}

/// Adds records in one change; what the index knows of a record stays, and what it has not is added.
pub(super) fn add(file: &Path, directory: &Path, format: &Format, ui: Ui) -> Result<(), Failure> {
    let mut index = Index::open(directory).map_err(failure)?;
    let read = input::read(file, format)?;
    let started = std::time::Instant::now();
    let mut held = index.hold().map_err(failure)?;
    let ids = || read.cards.iter().map(|card| card.id.as_str());
    let (mut there, notes) = (held.names(ids()).map_err(failure)?, held.notes(ids()).map_err(failure)?);
    let mut changes = Vec::new();
    for card in &read.cards {
        names(card, &mut changes);
        let mut whole = match notes.get(card.id.as_str()) {
            Some(note) => Card::read(note)?,
            None => Card { id: card.id.clone(), kind: card.kind.clone(), ..Card::default() },
        };
        for (_, text) in there.remove(card.id.as_str()).unwrap_or_default() {
            whole.name(CardName { text, quality: String::new() });
        }
        whole.join(card.clone());
        if whole.is_rich() {
            changes.push(Change::Note { id: card.id.clone(), note: whole.write()? });
        }
    }
    drop((there, notes));
    let bar = Bar { total: changes.len(), quiet: ui.quiet || ui.json };
    let applied = held.apply(&changes, &mut |at| bar.show(usize::try_from(at).unwrap_or(usize::MAX)));
    let applied = applied.map_err(failure)?;
    bar.end();
    ui.say(&format!("{} records in {:.2} s", read.cards.len(), started.elapsed().as_secs_f64()));
    done(applied, Some(lost(&read)), ui)
}

/// Builds an index in a directory of its own and puts it in its place when it is whole: a build that fails or is killed
/// leaves what was there. Killed between the two renamings of a replacement, the old one is whole in `DIR.before`.
pub(super) fn build_beside(
    directory: &Path,
    replace: bool,
    build: impl FnOnce(&Path) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (beside, before) = (with_ending(directory, ".building"), with_ending(directory, ".before"));
    let there = replaceable(directory, replace)?;
    std::fs::create_dir_all(&beside)?;
    // Held until the end: another build of the same index would mix its files with these.
    let lock = File::open(&beside)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(failure(NameIndexError::Busy(beside))),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    clear(&beside)?;
    build(&beside)?;
    if there {
        discard(&before)?;
        std::fs::rename(directory, &before)?;
    }
    std::fs::rename(&beside, directory)?;
    discard(&before)
}

fn with_ending(directory: &Path, ending: &str) -> PathBuf {
    let mut name = directory.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// True when an index is there that is to be replaced, whole or damaged; false when nothing is. What is no index is
/// refused.
fn replaceable(directory: &Path, replace: bool) -> Result<bool, Failure> {
    let files = files(directory)?;
    let foreign = files.iter().find(|file| !ours(file));
    match foreign {
        _ if files.is_empty() => Ok(false),
        None if replace => Ok(true),
        Some(file) if replace => Err(foreign_file(file)),
        _ => Err(failure(NameIndexError::Exists(directory.to_owned()))),
    }
}

fn foreign_file(file: &Path) -> Failure {
    let text = format!("`{}` is no file of an index, and would be lost", file.display());
    Failure::new(Exit::Usage, "names.directory", text).hint("move it away, or choose another directory")
}

fn files(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    match std::fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn ours(file: &Path) -> bool {
    file.is_file() && file.file_name().is_some_and(|name| is_index_file(&name.to_string_lossy()))
}

/// Removes the files of an index, or what a killed build left of one, and nothing that is not one.
fn clear(directory: &Path) -> Result<(), Failure> {
    let files = files(directory)?;
    if let Some(file) = files.iter().find(|file| !ours(file)) {
        return Err(foreign_file(file));
    }
    files.iter().try_for_each(|file| Ok(std::fs::remove_file(file)?))
}

fn discard(directory: &Path) -> Result<(), Failure> {
    if directory.exists() {
        clear(directory)?;
        std::fs::remove_dir(directory)?;
    }
    Ok(())
}

/// Progress of a long build on a terminal.
struct Bar {
    total: usize,
    quiet: bool,
}

impl Bar {
    fn show(&self, at: usize) {
        let mut out = std::io::stderr();
        if self.quiet || !out.is_terminal() {
            return;
        }
        let tenths = (at * 30).checked_div(self.total).unwrap_or(30).min(30);
        // A closed standard error is no reason to stop working.
        let _closed =
            write!(out, "\r[{}{}] {at} of {} names", "#".repeat(tenths), " ".repeat(30 - tenths), self.total);
    }

    fn end(&self) {
        self.show(self.total);
        if !self.quiet && std::io::stderr().is_terminal() {
            let _closed = writeln!(std::io::stderr());
        }
    }
}
