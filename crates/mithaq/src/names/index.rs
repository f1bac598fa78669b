//! `mithaq names index`: build, change and search an index in a directory. What is shown of a record beside the id
//! (all names, dates, documents) lies in a file of the command line's own, not in the index.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use mithaq_name_index::{Applied, Change, Hit, Index, NameIndexError, Record, Scratch, SearchOptions};
use mithaq_names::{Details, Kind, Likeness, Name, Scorer};
use serde_json::{Value as Json, json};

use super::input::{self, Card, Format};
use super::{IndexDir, KindArg, kind_code, likeness_json, reasons_json};
use crate::ui::{Exit, Failure, Ui};

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
    /// Remove records with all their names
    Remove {
        /// Ids
        #[arg(required = true)]
        ids: Vec<String>,
        #[command(flatten)]
        dir: IndexDir,
    },
    /// Find the records whose names may be this one, in any script
    Search(SearchArgs),
    /// Say what the index holds
    Stat {
        #[command(flatten)]
        dir: IndexDir,
        /// Read and check every byte
        #[arg(long)]
        check: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Name, in any script
    name: String,
    #[command(flatten)]
    dir: IndexDir,
    /// Only persons, organisations or places
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// Most hits shown
    #[arg(long, default_value_t = 10)]
    limit: usize,
    /// Hits less probable than this among all names of the index are left out
    #[arg(long, default_value_t = 0.02, value_name = "PROBABILITY")]
    min: f32,
    /// Date of birth, `1961`, `1961-05`, `1961-05-03`, `~1961` or `1960/1962`; lunar Hijri as `1391h`, solar as `1350sh`
    #[arg(long, value_name = "DATE")]
    born: Option<String>,
    /// Say why
    #[arg(long)]
    explain: bool,
}

pub(super) fn run(command: &IndexCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        IndexCommand::Build { file, dir, format, replace } => {
            let read = input::read(file, format)?;
            if *replace {
                return build_beside(&dir.index, |beside| {
                    fill(&mut Index::create(beside).map_err(failure)?, beside, read, ui)
                });
            }
            let mut index = Index::create(&dir.index).map_err(failure)?;
            fill(&mut index, &dir.index, read, ui)
        }
        IndexCommand::Add { file, dir, format } => {
            let read = input::read(file, format)?;
            let mut index = Index::open(&dir.index).map_err(failure)?;
            fill(&mut index, &dir.index, read, ui)
        }
        IndexCommand::Remove { ids, dir } => {
            let mut index = Index::open(&dir.index).map_err(failure)?;
            let changes: Vec<Change> = ids.iter().cloned().map(Change::Remove).collect();
            let applied = index.apply(&changes).map_err(failure)?;
            done(applied, 0, None, ui)
        }
        IndexCommand::Search(args) => search(args, ui),
        IndexCommand::Stat { dir, check } => stat(&dir.index, *check, ui),
    }
}

pub(super) fn failure(error: NameIndexError) -> Failure {
    let (exit, code) = match &error {
        NameIndexError::Exists(_) | NameIndexError::Missing(_) => (Exit::Usage, "names.directory"),
        NameIndexError::Busy(_) | NameIndexError::Restless(_) => (Exit::Failed, "names.busy"),
        NameIndexError::Manifest { .. } | NameIndexError::Segment { .. } => {
            (Exit::NotVerified, "names.damaged")
        }
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

/// Builds an index, with all that lies beside it, in a directory of its own and puts it in the place of the old one
/// when it is whole. A build that fails or is killed leaves the old index; killed between the two renamings, the old one
/// is whole in `DIR.before`.
fn build_beside(directory: &Path, build: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let (beside, before) = (with_ending(directory, ".building"), with_ending(directory, ".before"));
    let there = is_index(directory)?;
    if !there && std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(failure(NameIndexError::Exists(directory.to_owned())));
    }
    discard(&beside)?;
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

/// True when an index is there, false when nothing is; what is no index is refused.
fn is_index(directory: &Path) -> Result<bool, Failure> {
    match Index::open(directory) {
        Ok(_) => Ok(true),
        Err(NameIndexError::Missing(_)) => Ok(false),
        Err(error) => Err(failure(error)),
    }
}

/// Removes an index, and nothing that is not one. A build that was killed before it had a manifest is empty or holds
/// segments only; it is no index yet, and stays until somebody looks at it.
fn discard(directory: &Path) -> Result<(), Failure> {
    if is_index(directory)? {
        std::fs::remove_dir_all(directory)?;
    }
    Ok(())
}

/// Names added in one change, and so in one segment.
const BATCH: usize = 500_000;

fn fill(index: &mut Index, directory: &Path, read: input::Read, ui: Ui) -> Result<(), Failure> {
    let started = std::time::Instant::now();
    keep_cards(directory, &read.cards)?;
    let total: usize = read.cards.iter().map(|card| card.names.len()).sum();
    let (mut changes, mut applied) = (Vec::new(), Applied::default());
    let bar = Bar { total, quiet: ui.quiet || ui.json };
    let mut at = 0;
    for card in &read.cards {
        changes.extend(card.names.iter().map(|name| {
            Change::Add(Record { id: card.id.clone(), kind: card.kind(), name: name.text.clone() })
        }));
        if changes.len() >= BATCH {
            at += changes.len();
            applied.added += index.apply(&changes).map_err(failure)?.added;
            changes.clear();
            bar.show(at);
        }
    }
    applied.added += index.apply(&changes).map_err(failure)?.added;
    bar.end();
    ui.say(&format!("{} records in {:.2} s", read.cards.len(), started.elapsed().as_secs_f64()));
    done(applied, read.skipped, read.why.as_deref(), ui)
}

fn done(applied: Applied, skipped: u64, why: Option<&str>, ui: Ui) -> Result<(), Failure> {
    let json = json!({ "added": applied.added, "removed": applied.removed, "skipped": skipped, "why": why });
    let mut lines = vec![format!("{} names added, {} removed", applied.added, applied.removed)];
    if skipped > 0 {
        lines.push(format!("{skipped} left out; the first: {}", why.unwrap_or("not said")));
    }
    ui.result(&json, &lines)
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

const CARDS: &str = "records.jsonl";

/// Held while the cards are written anew, so that two commands do not lose each other's.
const CARDS_LOCK: &str = "records.lock";
/// The cards as they will be; not named `.tmp`, which a change of the index sweeps away.
const CARDS_NEXT: &str = "records.jsonl.next";

/// Keeps what the command line shows of records that have more than one name. The file is written beside the old one,
/// made durable and put in its place in one step: a command that is killed leaves the old cards or the new ones.
fn keep_cards(directory: &Path, cards: &[Card]) -> Result<(), Failure> {
    let rich: BTreeMap<&str, &Card> =
        cards.iter().filter(|card| card.is_rich()).map(|card| (card.id.as_str(), card)).collect();
    if rich.is_empty() {
        return Ok(());
    }
    let lock = directory.join(CARDS_LOCK);
    let lock = std::fs::File::options().create(true).truncate(false).write(true).open(lock)?;
    lock.lock()?;
    let (kept, next) = (directory.join(CARDS), directory.join(CARDS_NEXT));
    let mut out = std::io::BufWriter::new(std::fs::File::create(&next)?);
    if let Ok(file) = std::fs::File::open(&kept) {
        for line in BufReader::new(file).lines() {
            let line = line?;
            // A card that is replaced goes, and so does half a line that an older version left.
            let stays =
                serde_json::from_str::<Card>(&line).is_ok_and(|card| !rich.contains_key(card.id.as_str()));
            if stays {
                writeln!(out, "{line}")?;
            }
        }
    }
    for card in rich.values() {
        let line = serde_json::to_string(card).map_err(anyhow::Error::from)?;
        writeln!(out, "{line}")?;
    }
    out.into_inner().map_err(|error| error.into_error())?.sync_all()?;
    std::fs::rename(&next, &kept)?;
    std::fs::File::open(directory)?.sync_all()?;
    Ok(())
}

/// Reads the cards of some ids; a line that cannot be read is passed over, the index answers without it.
pub(super) fn cards(directory: &Path, ids: &[&str]) -> BTreeMap<String, Card> {
    let Ok(file) = std::fs::File::open(directory.join(CARDS)) else { return BTreeMap::new() };
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    let read = lines.filter_map(|line| serde_json::from_str::<Card>(&line).ok());
    read.filter(|card| ids.contains(&card.id.as_str())).map(|card| (card.id.clone(), card)).collect()
}

/// A hit with what is shown of it.
struct Shown {
    hit: Hit,
    likeness: Likeness,
    matched: String,
    card: Card,
    details: Details,
}

/// Bearers of a name whose dates of birth are looked at.
const BEARERS: usize = 100;

fn search(args: &SearchArgs, ui: Ui) -> Result<(), Failure> {
    let started = std::time::Instant::now();
    let index = Index::open(&args.dir.index).map_err(failure)?;
    let asked = super::details(args.born.as_deref(), None)?;
    super::parse(Kind::Person, &args.name)?;
    // A date of birth puts another bearer of the name first: more of them than are shown are looked at.
    let limit = if args.born.is_some() { args.limit.max(BEARERS) } else { args.limit };
    let options = SearchOptions { limit, probability_min: 0.0, ..SearchOptions::default() };
    let mut hits = Vec::new();
    let kinds =
        args.kind.map_or(vec![Kind::Person, Kind::Organisation, Kind::Place], |kind| vec![kind.into()]);
    for kind in kinds {
        let query = Name::parse_as(kind, &args.name);
        hits.extend(index.search(&query, options, &mut Scratch::default()).map_err(failure)?);
    }
    let ids: Vec<&str> = hits.iter().map(|hit| hit.id.as_str()).collect();
    let cards = cards(&args.dir.index, &ids);
    let mut shown = Vec::new();
    for hit in hits {
        let matched = index.spelling(&hit).map_err(failure)?.unwrap_or_default();
        let card = cards.get(&hit.id).cloned().unwrap_or_default();
        let born = card.born.iter().filter_map(|date| super::birth(date).ok()).collect();
        let details = Details { births: born, ..Details::default() };
        let likeness = Scorer::new().weigh(hit.pair, hit.likeness, &asked, &details);
        shown.push(Shown { hit, likeness, matched, card, details });
    }
    shown.retain(|s| s.likeness.probability >= args.min);
    shown.sort_by(|x, y| y.likeness.bits.total_cmp(&x.likeness.bits).then_with(|| x.hit.id.cmp(&y.hit.id)));
    shown.truncate(args.limit);
    let rows: Vec<Json> = shown.iter().map(|one| row(one, args, &asked)).collect();
    let mut lines: Vec<String> = shown.iter().flat_map(|one| text(one, args, &asked)).collect();
    if lines.is_empty() {
        lines.push(format!("no name of the index may be this one (from probability {})", args.min));
    }
    ui.say(&format!(
        "{} {} in {:.1} ms",
        shown.len(),
        if shown.len() == 1 { "hit" } else { "hits" },
        started.elapsed().as_secs_f64() * 1000.0
    ));
    ui.result(&json!({ "query": args.name, "hits": rows }), &lines)
}

fn row(one: &Shown, args: &SearchArgs, asked: &Details) -> Json {
    let mut json = likeness_json(&one.likeness);
    if let Json::Object(fields) = &mut json {
        fields.insert("id".into(), one.hit.id.clone().into());
        fields.insert("kind".into(), kind_code(one.hit.kind).into());
        fields.insert("pair_probability".into(), super::rounded(one.hit.pair.probability).into());
        fields.insert("chance".into(), super::rounded(one.hit.chance).into());
        fields.insert("matched".into(), one.matched.clone().into());
        fields.insert("record".into(), serde_json::to_value(&one.card).unwrap_or_default());
        if args.explain {
            fields.insert("reasons".into(), reasons_json(&why(one, args, asked)));
        }
    }
    json
}

fn why(one: &Shown, args: &SearchArgs, asked: &Details) -> mithaq_names::Explanation {
    let name = |text: &str| Name::parse_as(one.hit.kind, text);
    let pair = Scorer::new().explain(&name(&args.name), &name(&one.matched), asked, &one.details);
    pair.among(one.likeness, one.hit.chance)
}

fn text(one: &Shown, args: &SearchArgs, asked: &Details) -> Vec<String> {
    let first = one.card.names.first().map_or(one.matched.as_str(), |name| name.text.as_str());
    let band = one.likeness.band.code();
    let mut lines = vec![format!("{:<9} {:.2}  {:<12}  {first}", band, one.likeness.probability, one.hit.id)];
    let quality =
        one.card.names.iter().find(|name| name.text == one.matched).map(|name| name.quality.as_str());
    if first != one.matched {
        let quality = quality.filter(|q| !q.is_empty()).map(|q| format!(" ({q} alias)")).unwrap_or_default();
        lines.push(format!("                by {}{quality}", one.matched));
    }
    let facts = [
        ("born", &one.card.born),
        ("document", &one.card.documents),
        ("nationality", &one.card.nationalities),
    ];
    for (what, values) in facts.into_iter().filter(|(_, values)| !values.is_empty()) {
        lines.push(format!("                {what} {}", values.join("; ")));
    }
    if args.explain {
        lines.extend(
            why(one, args, asked).to_string().lines().skip(1).map(|line| format!("                {line}")),
        );
    }
    lines
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
        "segments": s.segments, "bytes": s.bytes, "generation": s.generation, "checked": check,
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
        format!("tables {}, generation {}", mithaq_names::TABLES_VERSION, s.generation),
    ];
    lines.extend(check.then(|| "every byte is as it was written".to_owned()));
    ui.result(&json, &lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> u64 {
        Index::open(directory).unwrap().statistics().names
    }

    fn with(directory: &Path, count: u32) -> Result<(), Failure> {
        let add = |n| Change::Add(Record::person(format!("r-{n}"), "Zubayda Rahmani"));
        let mut index = Index::create(directory).map_err(failure)?;
        index.apply(&(0..count).map(add).collect::<Vec<_>>()).map_err(failure)?;
        Ok(())
    }

    #[test]
    fn the_old_index_stays_until_the_new_one_is_whole() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("names.index");
        with(&directory, 1).unwrap();
        let failed = build_beside(&directory, |beside| {
            with(beside, 2)?;
            Err(Failure::new(Exit::Failed, "names.io", "the disk is full"))
        });
        assert!(failed.is_err());
        assert_eq!(names(&directory), 1);
        build_beside(&directory, |beside| with(beside, 3)).unwrap();
        assert_eq!(names(&directory), 3);
        assert!(
            !with_ending(&directory, ".before").exists() && !with_ending(&directory, ".building").exists()
        );
    }

    fn card(id: &str, born: &str) -> Card {
        Card { id: id.to_owned(), born: vec![born.to_owned()], ..Card::default() }
    }

    fn born(directory: &Path, id: &str) -> Vec<String> {
        cards(directory, &[id]).remove(id).map(|card| card.born).unwrap_or_default()
    }

    #[test]
    fn cards_are_the_old_ones_or_the_new_ones() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path();
        keep_cards(directory, &[card("a", "1961"), card("b", "1962")]).unwrap();
        // Killed in the middle of writing, and between writing and putting in place.
        let whole = std::fs::read(directory.join(CARDS)).unwrap();
        for end in [0, 5, whole.len()] {
            std::fs::write(directory.join(CARDS_NEXT), &whole[..end]).unwrap();
            assert_eq!(std::fs::read(directory.join(CARDS)).unwrap(), whole);
            assert_eq!(born(directory, "a"), ["1961"]);
        }
        keep_cards(directory, &[card("a", "1971")]).unwrap();
        assert_eq!(
            (born(directory, "a"), born(directory, "b")),
            (vec!["1971".to_owned()], vec!["1962".to_owned()])
        );
        assert_eq!(std::fs::read_to_string(directory.join(CARDS)).unwrap().lines().count(), 2);
        assert!(!directory.join(CARDS_NEXT).exists());
        // What cannot be written changes nothing.
        std::fs::create_dir(directory.join(CARDS_NEXT)).unwrap();
        assert!(keep_cards(directory, &[card("a", "1999")]).is_err());
        assert_eq!(born(directory, "a"), ["1971"]);
    }

    #[test]
    fn half_a_line_is_passed_over_and_goes() {
        let place = tempfile::tempdir().unwrap();
        keep_cards(place.path(), &[card("a", "1961")]).unwrap();
        let mut text = std::fs::read_to_string(place.path().join(CARDS)).unwrap();
        text.push_str("{\"id\":\"b\",\"born\":[\"19");
        std::fs::write(place.path().join(CARDS), text).unwrap();
        assert_eq!(born(place.path(), "a"), ["1961"]);
        keep_cards(place.path(), &[card("c", "1963")]).unwrap();
        assert_eq!((born(place.path(), "a").len(), born(place.path(), "c").len()), (1, 1));
        assert_eq!(std::fs::read_to_string(place.path().join(CARDS)).unwrap().lines().count(), 2);
    }

    #[test]
    fn what_is_no_index_is_not_replaced() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("letter.txt"), "text").unwrap();
        assert!(build_beside(place.path(), |beside| with(beside, 1)).is_err());
        assert!(place.path().join("letter.txt").exists());
    }
}
