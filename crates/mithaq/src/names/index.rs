//! `mithaq names index`: build, change and search an index in a directory. What is shown of a record beside the id
//! (all names, dates, documents) is kept as a note of the record, see [`super::card`].

mod fill;
mod search;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use mithaq_name_index::{Applied, Change, Index, NameIndexError};
use serde_json::{Value as Json, json};

use super::IndexDir;
use super::input::{Format, Problem};
use crate::ui::{Exit, Failure, Ui, shown};

#[derive(Debug, Subcommand)]
pub(crate) enum IndexCommand {
    /// Build an index from a file: TSV `id TAB name`, CSV with a header, or the UN Security Council list in XML
    Build {
        /// File of names
        file: PathBuf,
        #[command(flatten)]
        dir: IndexDir,
        #[command(flatten)]
        format: Format,
        /// Replace an index that is there
        #[arg(long)]
        replace: bool,
    },
    /// Add the records of a file; a record that is there gets the names it has not
    Add {
        /// File of names
        file: PathBuf,
        #[command(flatten)]
        dir: IndexDir,
        #[command(flatten)]
        format: Format,
    },
    /// Remove records with all their names; nothing of them stays in the files of the index
    Remove {
        /// Ids
        #[arg(required = true)]
        ids: Vec<String>,
        #[command(flatten)]
        dir: IndexDir,
        /// Do not write the segments anew now: faster, and the names stay on disk until segments are merged
        #[arg(long)]
        later: bool,
    },
    /// Find the records whose names may be this one, in any script
    Search(search::SearchArgs),
    /// Say what the index holds
    Stat {
        #[command(flatten)]
        dir: IndexDir,
        /// Read and check every byte
        #[arg(long)]
        check: bool,
    },
}

pub(super) fn run(command: &IndexCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        IndexCommand::Build { file, dir, format, replace } => {
            fill::build(file, &dir.index, format, *replace, ui)
        }
        IndexCommand::Add { file, dir, format } => fill::add(file, &dir.index, format, ui),
        IndexCommand::Remove { ids, dir, later } => remove(ids, &dir.index, *later, ui),
        IndexCommand::Search(args) => search::run(args, ui),
        IndexCommand::Stat { dir, check } => stat(&dir.index, *check, ui),
    }
}

pub(super) fn failure(error: NameIndexError) -> Failure {
    let (exit, code) = match &error {
        NameIndexError::Exists(_) | NameIndexError::Missing(_) => (Exit::Usage, "names.directory"),
        NameIndexError::Busy(_) | NameIndexError::Restless(_) => (Exit::Failed, "names.busy"),
        NameIndexError::Manifest { .. }
        | NameIndexError::Segment { .. }
        | NameIndexError::Gone(_)
        | NameIndexError::Notes { .. } => (Exit::NotVerified, "names.damaged"),
        NameIndexError::Io { .. } => (Exit::Failed, "names.io"),
    };
    let text = error.to_string();
    let (words, hint) = text.split_once("\nhint: ").unwrap_or((&text, "see `mithaq names index --help`"));
    let hint = if matches!(error, NameIndexError::Exists(_)) {
        format!("{hint}; `--replace` builds it anew")
    } else {
        hint.to_owned()
    };
    Failure::new(exit, code, words).hint(hint)
}

/// Removes records; an id that is not there is a mistake, and then nothing is removed.
fn remove(ids: &[String], directory: &Path, later: bool, ui: Ui) -> Result<(), Failure> {
    let mut index = Index::open(directory).map_err(failure)?;
    let mut held = index.hold().map_err(failure)?;
    let all = || ids.iter().map(String::as_str);
    let (names, notes) = (held.names(all()).map_err(failure)?, held.notes(all()).map_err(failure)?);
    let unknown: Vec<&str> = all().filter(|id| !names.contains_key(id) && !notes.contains_key(id)).collect();
    if !unknown.is_empty() {
        return Err(Failure::new(
            Exit::NotFound,
            "names.unknown",
            format!("the index holds no record {}; nothing was removed", unknown.join(", ")),
        )
        .hint("`mithaq names index search NAME` shows the ids"));
    }
    let changes: Vec<Change> = ids.iter().cloned().map(Change::Remove).collect();
    let applied = held.apply(&changes, &mut |_| {}).map_err(failure)?;
    if !later {
        held.erase().map_err(failure)?;
    }
    done(applied, None, ui)
}

/// What could not be read of a file.
struct Lost<'a> {
    skipped: u64,
    unread: u64,
    problems: &'a [Problem],
}

fn done(applied: Applied, lost: Option<Lost<'_>>, ui: Ui) -> Result<(), Failure> {
    let lost = lost.unwrap_or(Lost { skipped: 0, unread: 0, problems: &[] });
    let problem =
        |problem: &Problem| json!({ "at": problem.at, "why": problem.why, "left_out": problem.left_out });
    let json = json!({
        "added": applied.added, "removed": applied.removed, "skipped": lost.skipped, "unread": lost.unread,
        "problems": lost.problems.iter().map(problem).collect::<Vec<Json>>(),
    });
    let mut lines = vec![format!("{} names added, {} removed", applied.added, applied.removed)];
    if !lost.problems.is_empty() {
        let values = if lost.unread == 1 { "value" } else { "values" };
        lines.push(format!("{} left out, {} {values} not weighed:", lost.skipped, lost.unread));
        lines.extend(lost.problems.iter().map(|problem| {
            let what = if problem.left_out { "left out: " } else { "" };
            format!("  {}: {what}{}", problem.at, shown(&problem.why))
        }));
        let more = lost.skipped + lost.unread - lost.problems.len() as u64;
        lines.extend((more > 0).then(|| format!("  and {more} more")));
    }
    ui.result(&json, &lines)
}

fn stat(directory: &Path, check: bool, ui: Ui) -> Result<(), Failure> {
    let index = Index::open(directory).map_err(failure)?;
    if check {
        index.check().map_err(failure)?;
    }
    let s = index.statistics();
    let [persons, organisations, places] = s.by_kind;
    let json = json!({
        "names": s.names, "persons": persons, "organisations": organisations, "places": places, "dead": s.dead,
        "segments": s.segments, "bytes": s.bytes, "notes": s.notes, "note_bytes": s.note_bytes, "generation": s.generation, "checked": check,
        "tables_version": mithaq_names::TABLES_VERSION,
    });
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let each = s.bytes as f64 / s.names.max(1) as f64;
    let mut lines = vec![
        format!(
            "{} names: {persons} of persons, {organisations} of organisations, {places} of places",
            s.names
        ),
        format!(
            "{} segments, {} bytes, {each:.1} a name, {} names removed and not merged away",
            s.segments, s.bytes, s.dead
        ),
        format!("{} notes of records, {} bytes", s.notes, s.note_bytes),
        format!("tables {}, generation {}", mithaq_names::TABLES_VERSION, s.generation),
    ];
    lines.extend(check.then(|| "every byte is as it was written".to_owned()));
    ui.result(&json, &lines)
}

#[cfg(test)]
mod tests;
