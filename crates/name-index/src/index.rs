//! The index: opened, searched, changed.

mod noting;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use mithaq_names::index::{
    Hit, MAX_NAMES, Part, Record, Scratch, SearchAnswer, SearchOptions, Segment, Tombstones, build_segment,
    merge, search, search_fully,
};
use mithaq_names::{Kind, Name};

use crate::NameIndexError;
use crate::changes::{Change, gather, settle, visit};
use crate::file::{IndexFile, put};
use crate::manifest::{self, Entry, Manifest};
use crate::notes::NotesFile;
use noting::open_notes;

/// What a change did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Names added.
    pub added: u64,
    /// Names removed.
    pub removed: u64,
    /// Records whose note was written, replaced or removed.
    pub notes: u64,
}

/// What an index holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Names that count.
    pub names: u64,
    /// Of these, names of persons, organisations and places.
    pub by_kind: [u64; 3],
    /// Names removed and not yet merged away.
    pub dead: u64,
    /// Segments.
    pub segments: usize,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Notes, those of records noted again counted again until their files are joined.
    pub notes: u64,
    /// Bytes of all notes.
    pub note_bytes: u64,
    /// Grows with every change.
    pub generation: u64,
}

/// An index of names in a directory. Several may be open at once, in several processes; one changes it at a time.
#[derive(Debug)]
pub struct Index {
    directory: PathBuf,
    manifest: Manifest,
    segments: Vec<Segment<IndexFile>>,
    notes: Vec<NotesFile>,
}

/// Names of records by id: kind and text.
pub type NamesById<'a> = BTreeMap<&'a str, Vec<(Kind, String)>>;

/// Names added in one segment at most, so that building them takes bounded memory.
const CHUNK: usize = 500_000;
/// Merged when this many segments of one size class have gathered.
const GATHERED: usize = 4;
/// Attempts to open segments while another process changes the index.
const ATTEMPTS: usize = 20;

impl Index {
    /// Makes an empty index in a directory that is not there or empty.
    ///
    /// # Errors
    /// When the directory holds something, or cannot be written.
    pub fn create(directory: impl Into<PathBuf>) -> Result<Self, NameIndexError> {
        let directory = directory.into();
        std::fs::create_dir_all(&directory).map_err(NameIndexError::io("create", &directory))?;
        let mut entries = std::fs::read_dir(&directory).map_err(NameIndexError::io("read", &directory))?;
        if entries.next().is_some() {
            return Err(NameIndexError::Exists(directory));
        }
        put(&directory, manifest::FILE, Manifest::default().write().as_bytes())?;
        Self::open(directory)
    }

    /// Opens an index.
    ///
    /// # Errors
    /// When there is none, or a file is missing, foreign or damaged.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, NameIndexError> {
        let directory = directory.into();
        let mut index =
            Self { directory, manifest: Manifest::default(), segments: Vec::new(), notes: Vec::new() };
        index.load()?;
        Ok(index)
    }

    /// Looks at the directory again; returns whether another process had changed the index.
    ///
    /// # Errors
    /// As [`Index::open`]. The index then still answers from what it had opened.
    pub fn refresh(&mut self) -> Result<bool, NameIndexError> {
        let current = Manifest::read(&self.directory.join(manifest::FILE))?;
        if current.as_ref().is_some_and(|m| m.generation == self.manifest.generation) {
            return Ok(false);
        }
        self.load()?;
        Ok(true)
    }

    /// Reads the manifest and opens what it names. A writer removes old segments right after it replaced the
    /// manifest: when one is missing and the manifest is another by now, that one is read.
    fn load(&mut self) -> Result<(), NameIndexError> {
        let path = self.directory.join(manifest::FILE);
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let read =
                Manifest::read(&path)?.ok_or_else(|| NameIndexError::Missing(self.directory.clone()))?;
            match open_all(&self.directory, &read).and_then(|s| Ok((s, open_notes(&self.directory, &read)?)))
            {
                Ok((segments, notes)) => {
                    self.segments = segments;
                    self.notes = notes;
                    self.manifest = read;
                    return Ok(());
                }
                Err(error) if last == Some(read.generation) => return Err(error),
                Err(_) => last = Some(read.generation),
            }
        }
        Err(NameIndexError::Restless(self.directory.clone()))
    }

    /// Finds the records whose names may be the query; see [`mithaq_names::index::search`].
    ///
    /// # Errors
    /// When a segment is damaged or cannot be read.
    pub fn search(
        &self,
        query: &Name,
        options: SearchOptions,
        scratch: &mut Scratch,
    ) -> Result<Vec<Hit>, NameIndexError> {
        search(&self.parts(), query, options, scratch).map_err(NameIndexError::segment(&self.directory))
    }

    /// As [`Index::search`], and says whether more names may be the query than were compared.
    ///
    /// # Errors
    /// When a segment is damaged or cannot be read.
    pub fn search_fully(
        &self,
        query: &Name,
        options: SearchOptions,
        scratch: &mut Scratch,
    ) -> Result<SearchAnswer, NameIndexError> {
        search_fully(&self.parts(), query, options, scratch).map_err(NameIndexError::segment(&self.directory))
    }

    /// Returns the names of those of the ids that the index holds: kind and text.
    ///
    /// # Errors
    /// When a segment is damaged or cannot be read.
    pub fn names<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Result<NamesById<'a>, NameIndexError> {
        let mut out: NamesById<'a> = ids.into_iter().map(|id| (id, Vec::new())).collect();
        for (segment, entry) in self.segments.iter().zip(&self.manifest.segments) {
            let walked = visit(segment, &mut out, |at, stored, names| {
                if !entry.dead.contains(at) {
                    names.push((stored.kind, stored.text.to_owned()));
                }
            });
            walked.map_err(NameIndexError::segment(&self.directory.join(&entry.file)))?;
        }
        out.retain(|_, names| !names.is_empty());
        Ok(out)
    }

    /// Returns the spelling that a hit of this index matched: for whoever may see the record, not part of a hit.
    ///
    /// # Errors
    /// When a segment is damaged or cannot be read; `None` when the hit is not of this state of the index.
    pub fn spelling(&self, hit: &Hit) -> Result<Option<String>, NameIndexError> {
        let Some(segment) = self.segments.get(hit.part).filter(|segment| hit.at < segment.names()) else {
            return Ok(None);
        };
        let mut buffer = Vec::new();
        let stored = segment.stored(hit.at, &mut buffer);
        let stored = stored.map_err(NameIndexError::segment(&self.directory))?;
        Ok((stored.id == hit.id).then(|| stored.text.to_owned()))
    }

    /// Calls back with every name that counts: id, kind and text. The order is that of ids within a segment.
    ///
    /// # Errors
    /// When a segment is damaged or cannot be read.
    pub fn for_each(&self, mut each: impl FnMut(&str, Kind, &str)) -> Result<(), NameIndexError> {
        for (segment, entry) in self.segments.iter().zip(&self.manifest.segments) {
            let walked = segment.for_each(|at, stored| {
                if !entry.dead.contains(at) {
                    each(stored.id, stored.kind, stored.text);
                }
            });
            walked.map_err(NameIndexError::segment(&self.directory.join(&entry.file)))?;
        }
        Ok(())
    }

    /// Reads and checks every byte of every segment and of all notes.
    ///
    /// # Errors
    /// The first damage found.
    pub fn check(&self) -> Result<(), NameIndexError> {
        let mut all = self.segments.iter().zip(&self.manifest.segments);
        all.try_for_each(|(segment, entry)| {
            segment.check().map_err(NameIndexError::segment(&self.directory.join(&entry.file)))
        })?;
        self.notes.iter().try_for_each(NotesFile::check)
    }

    /// Returns what the index holds.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let mut out = Statistics { generation: self.manifest.generation, ..Statistics::default() };
        out.notes = self.notes.iter().map(NotesFile::count).sum();
        out.note_bytes = self.notes.iter().map(NotesFile::size).sum();
        for (segment, entry) in self.segments.iter().zip(&self.manifest.segments) {
            out.segments += 1;
            out.bytes += segment.size();
            out.dead += u64::from(entry.dead.len());
            let living = (0..segment.names()).filter(|at| !entry.dead.contains(*at));
            for kind in living.filter_map(|at| segment.kind(at)) {
                out.names += 1;
                if let Some(count) = out.by_kind.get_mut(kind_index(kind)) {
                    *count += 1;
                }
            }
        }
        out
    }

    /// Keeps others from changing the index until the guard goes, and looks at the directory again: for changes that
    /// depend on what is there.
    ///
    /// # Errors
    /// When another process is changing the index, or as [`Index::open`].
    pub fn hold(&mut self) -> Result<Held<'_>, NameIndexError> {
        let lock = self.lock()?;
        self.refresh()?;
        Ok(Held { index: self, _lock: lock })
    }

    /// Applies changes in order, as one: after a crash all are there or none. Durable when it returns.
    ///
    /// Names of removed records no longer count from then on, but their bytes stay in the segments until these are
    /// merged: see [`Index::erase`]. Notes of removed records are erased at once.
    ///
    /// # Errors
    /// When another process is changing the index, an id is wrong, or the disk fails. The index is as before.
    pub fn apply(&mut self, changes: &[Change]) -> Result<Applied, NameIndexError> {
        self.hold()?.apply(changes, &mut |_| {})
    }

    fn apply_held(
        &mut self,
        changes: &[Change],
        watch: &mut dyn FnMut(u64),
    ) -> Result<Applied, NameIndexError> {
        let mut pending = gather(changes);
        let mut next = self.next();
        let mut applied = Applied::default();
        for (segment, entry) in self.segments.iter().zip(&mut next.manifest.segments) {
            let file = self.directory.join(&entry.file);
            let found = settle(segment, &mut entry.dead, &mut pending);
            applied.removed += found.map_err(NameIndexError::segment(&file))?;
        }
        let noted = self.settle_notes(&mut pending)?;
        applied.notes = noted.written.len() as u64 + noted.gone.len() as u64;
        let gone: BTreeSet<&str> = noted.gone.iter().map(String::as_str).collect();
        let records: Vec<Record> = pending.into_iter().flat_map(|(id, p)| p.records(id)).collect();
        applied.added = records.len() as u64;
        if applied == Applied::default() {
            return Ok(applied);
        }
        let mut written = 0;
        for chunk in records.chunks(CHUNK) {
            let built = build_segment(chunk).map_err(|error| NameIndexError::Segment {
                file: self.directory.clone(),
                error: error.into(),
            })?;
            self.keep(&mut next, built)?;
            written += chunk.len() as u64;
            watch(written);
        }
        self.write_notes(&mut next, &noted.written, &gone)?;
        self.merge_due(&mut next, Due::Gathered)?;
        self.commit(&next)?;
        Ok(applied)
    }

    /// Writes anew every segment that still holds bytes of removed names, without them. Returns how many names were
    /// erased. What the file system keeps of deleted files is its own affair.
    ///
    /// # Errors
    /// As [`Index::apply`].
    pub fn erase(&mut self) -> Result<u64, NameIndexError> {
        self.hold()?.erase()
    }

    fn erase_held(&mut self) -> Result<u64, NameIndexError> {
        let dead: u64 = self.manifest.segments.iter().map(|entry| u64::from(entry.dead.len())).sum();
        if dead > 0 {
            let mut next = self.next();
            self.merge_due(&mut next, Due::Erase)?;
            self.commit(&next)?;
        }
        Ok(dead)
    }

    /// The state a change begins from.
    fn next(&self) -> Next {
        let mut manifest = self.manifest.clone();
        manifest.generation += 1;
        Next { manifest, number: 0 }
    }

    /// Puts the new manifest in the place of the old one, then removes what is out of use.
    fn commit(&mut self, next: &Next) -> Result<(), NameIndexError> {
        put(&self.directory, manifest::FILE, next.manifest.write().as_bytes())?;
        self.load()?;
        self.sweep();
        Ok(())
    }

    fn keep(&self, next: &mut Next, bytes: Vec<u8>) -> Result<(), NameIndexError> {
        let file = manifest::segment_file(next.manifest.generation, next.number);
        next.number += 1;
        put(&self.directory, &file, &bytes)?;
        let entry = Entry { file, size: bytes.len() as u64, dead: Tombstones::default() };
        next.manifest.segments.push(entry);
        Ok(())
    }

    /// Merges segments of one size class when enough have gathered, and one that is mostly dead by itself; or every one
    /// that holds dead names.
    fn merge_due(&self, next: &mut Next, what: Due) -> Result<(), NameIndexError> {
        loop {
            let opened = open_all(&self.directory, &next.manifest)?;
            let living: Vec<u64> = opened
                .iter()
                .zip(&next.manifest.segments)
                .map(|(segment, entry)| {
                    u64::from(segment.names()).saturating_sub(u64::from(entry.dead.len()))
                })
                .collect();
            let chosen = due(&next.manifest.segments, &living, what);
            if chosen.is_empty() {
                return Ok(());
            }
            let parts: Vec<Part<'_, IndexFile>> = opened
                .iter()
                .zip(&next.manifest.segments)
                .filter(|(_, entry)| chosen.contains(&entry.file))
                .map(|(segment, entry)| Part { segment, dead: &entry.dead })
                .collect();
            let merged = merge(&parts).map_err(NameIndexError::segment(&self.directory))?;
            let empty = parts.iter().all(|part| part.segment.names() == part.dead.len());
            next.manifest.segments.retain(|entry| !chosen.contains(&entry.file));
            if !empty {
                self.keep(next, merged)?;
            }
        }
    }

    /// Removes files that no manifest names: merged segments, and what a killed process left.
    fn sweep(&self) {
        let Ok(entries) = std::fs::read_dir(&self.directory) else { return };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours = [manifest::SEGMENT, manifest::NOTES, ".tmp"].iter().any(|end| name.ends_with(end));
            let used = self.manifest.segments.iter().map(|entry| &entry.file);
            let mut used = used.chain(self.manifest.notes.iter().map(|(file, _)| file));
            if ours && manifest::is_ours(&name) && !used.any(|used| *used == name) {
                // A file that cannot be removed now is removed after a later change.
                let _later = std::fs::remove_file(entry.path());
            }
        }
    }

    fn lock(&self) -> Result<Lock, NameIndexError> {
        let path = self.directory.join("lock");
        let options = File::options().create(true).truncate(false).write(true).open(&path);
        let file = options.map_err(NameIndexError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(NameIndexError::Busy(self.directory.clone())),
            Err(TryLockError::Error(error)) => Err(NameIndexError::io("lock", &path)(error)),
        }
    }

    fn parts(&self) -> Vec<Part<'_, IndexFile>> {
        let both = self.segments.iter().zip(&self.manifest.segments);
        both.map(|(segment, entry)| Part { segment, dead: &entry.dead }).collect()
    }
}

/// An index that nobody else can change meanwhile.
#[derive(Debug)]
pub struct Held<'a> {
    index: &'a mut Index,
    _lock: Lock,
}

/// The lock on an index, given back when it goes: closing the file would not do while a child process that was just begun
/// still has it.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock that cannot be given back goes with the process.
        let _kept = self.0.unlock();
    }
}

impl Held<'_> {
    /// As [`Index::apply`], and calls back with the number of names written so far, now and then.
    ///
    /// # Errors
    /// When an id is wrong, or the disk fails. The index is as before.
    pub fn apply(
        &mut self,
        changes: &[Change],
        watch: &mut dyn FnMut(u64),
    ) -> Result<Applied, NameIndexError> {
        self.index.apply_held(changes, watch)
    }

    /// As [`Index::erase`].
    ///
    /// # Errors
    /// When a segment is damaged, or the disk fails. The index is as before.
    pub fn erase(&mut self) -> Result<u64, NameIndexError> {
        self.index.erase_held()
    }
}

impl std::ops::Deref for Held<'_> {
    type Target = Index;

    fn deref(&self) -> &Index {
        self.index
    }
}

/// The state that a change is about to make.
struct Next {
    manifest: Manifest,
    number: usize,
}

fn open_all(directory: &Path, manifest: &Manifest) -> Result<Vec<Segment<IndexFile>>, NameIndexError> {
    let open = |entry: &Entry| {
        let path = directory.join(&entry.file);
        let source = IndexFile::open(&path)?;
        let segment = Segment::open(source).map_err(NameIndexError::segment(&path))?;
        if segment.size() != entry.size {
            let file = directory.join(manifest::FILE);
            return Err(NameIndexError::Manifest { file, why: "a segment has another length" });
        }
        Ok(segment)
    };
    manifest.segments.iter().map(open).collect()
}

/// Which segments are written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// Those of like size that have gathered, and one that is mostly dead.
    Gathered,
    /// Those that hold a dead name.
    Erase,
}

/// Returns the files to merge next: none when nothing is due.
fn due(segments: &[Entry], living: &[u64], what: Due) -> Vec<String> {
    let class = |living: u64| (living / 1000 + 1).ilog2() / 2;
    let mut classes: BTreeMap<u32, (Vec<String>, u64)> = BTreeMap::new();
    for (entry, living) in segments.iter().zip(living) {
        let dead = u64::from(entry.dead.len());
        if dead > *living || (what == Due::Erase && dead > 0) {
            return vec![entry.file.clone()];
        }
        let (files, names) = classes.entry(class(*living)).or_default();
        // More than a segment may hold are left as they are.
        if *names + living + dead <= MAX_NAMES as u64 {
            *names += living + dead;
            files.push(entry.file.clone());
        }
    }
    let gathered = classes.into_values().map(|(files, _)| files).find(|files| files.len() >= GATHERED);
    gathered.filter(|_| what == Due::Gathered).unwrap_or_default()
}

const fn kind_index(kind: Kind) -> usize {
    match kind {
        Kind::Person => 0,
        Kind::Organisation => 1,
        Kind::Place => 2,
    }
}
