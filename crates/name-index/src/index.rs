//! The index: opened, searched, changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use mithaq_names::index::{
    Hit, Part, Record, Scratch, SearchOptions, Segment, Stored, Tombstones, build_segment, merge, search,
};
use mithaq_names::{Kind, Name};

use crate::NameIndexError;
use crate::file::{SegmentFile, put};
use crate::manifest::{self, Entry, Manifest};

/// A change of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds one name of a record; a record may have several. Adding what is there changes nothing.
    Add(Record),
    /// Removes all names of a record. To replace a record, remove it and add its names.
    Remove(String),
}

/// What a change did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Names added.
    pub added: u64,
    /// Names removed.
    pub removed: u64,
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
    /// Grows with every change.
    pub generation: u64,
}

/// An index of names in a directory. Several may be open at once, in several processes; one changes it at a time.
#[derive(Debug)]
pub struct Index {
    directory: PathBuf,
    manifest: Manifest,
    segments: Vec<Segment<SegmentFile>>,
}

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
        let mut index = Self { directory, manifest: Manifest::default(), segments: Vec::new() };
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
            match open_all(&self.directory, &read) {
                Ok(segments) => {
                    self.segments = segments;
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

    /// Reads and checks every byte of every segment.
    ///
    /// # Errors
    /// The first damage found.
    pub fn check(&self) -> Result<(), NameIndexError> {
        let mut all = self.segments.iter().zip(&self.manifest.segments);
        all.try_for_each(|(segment, entry)| {
            segment.check().map_err(NameIndexError::segment(&self.directory.join(&entry.file)))
        })
    }

    /// Returns what the index holds.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let mut out = Statistics { generation: self.manifest.generation, ..Statistics::default() };
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

    /// Applies changes in order, as one: after a crash all are there or none. Durable when it returns.
    ///
    /// # Errors
    /// When another process is changing the index, an id is wrong, or the disk fails. The index is as before.
    pub fn apply(&mut self, changes: &[Change]) -> Result<Applied, NameIndexError> {
        let lock = self.lock()?;
        self.refresh()?;
        let mut pending = gather(changes);
        let mut next = Next { manifest: self.manifest.clone(), number: 0 };
        next.manifest.generation += 1;
        let mut applied = Applied::default();
        for (segment, entry) in self.segments.iter().zip(&mut next.manifest.segments) {
            let file = self.directory.join(&entry.file);
            let found = settle(segment, &mut entry.dead, &mut pending);
            applied.removed += found.map_err(NameIndexError::segment(&file))?;
        }
        let records: Vec<Record> = pending.into_iter().flat_map(|(id, p)| p.records(id)).collect();
        applied.added = records.len() as u64;
        if applied == Applied::default() {
            return Ok(applied);
        }
        let result = self.write(next, &records);
        drop(lock);
        result.map(|()| applied)
    }

    /// Writes the new segment and the merges that are due, then the manifest, then removes what is out of use.
    fn write(&mut self, mut next: Next, records: &[Record]) -> Result<(), NameIndexError> {
        if !records.is_empty() {
            let built = build_segment(records).map_err(|error| NameIndexError::Segment {
                file: self.directory.clone(),
                error: error.into(),
            })?;
            self.keep(&mut next, built)?;
        }
        self.merge_due(&mut next)?;
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

    /// Merges segments of one size class when enough have gathered, and one that is mostly dead by itself.
    fn merge_due(&self, next: &mut Next) -> Result<(), NameIndexError> {
        loop {
            let opened = open_all(&self.directory, &next.manifest)?;
            let living: Vec<u64> = opened
                .iter()
                .zip(&next.manifest.segments)
                .map(|(segment, entry)| {
                    u64::from(segment.names()).saturating_sub(u64::from(entry.dead.len()))
                })
                .collect();
            let chosen = due(&next.manifest.segments, &living);
            if chosen.is_empty() {
                return Ok(());
            }
            let parts: Vec<Part<'_, SegmentFile>> = opened
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
            let ours = name.ends_with(".segment") || name.ends_with(".tmp");
            if ours && !self.manifest.segments.iter().any(|used| used.file == name) {
                // A file that cannot be removed now is removed after a later change.
                let _later = std::fs::remove_file(entry.path());
            }
        }
    }

    fn lock(&self) -> Result<File, NameIndexError> {
        let path = self.directory.join("lock");
        let options = File::options().create(true).truncate(false).write(true).open(&path);
        let file = options.map_err(NameIndexError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(NameIndexError::Busy(self.directory.clone())),
            Err(TryLockError::Error(error)) => Err(NameIndexError::io("lock", &path)(error)),
        }
    }

    fn parts(&self) -> Vec<Part<'_, SegmentFile>> {
        let both = self.segments.iter().zip(&self.manifest.segments);
        both.map(|(segment, entry)| Part { segment, dead: &entry.dead }).collect()
    }
}

/// The state that a change is about to make.
struct Next {
    manifest: Manifest,
    number: usize,
}

fn open_all(directory: &Path, manifest: &Manifest) -> Result<Vec<Segment<SegmentFile>>, NameIndexError> {
    let open = |entry: &Entry| {
        let path = directory.join(&entry.file);
        let source = SegmentFile::open(&path).map_err(NameIndexError::io("open", &path))?;
        let segment = Segment::open(source).map_err(NameIndexError::segment(&path))?;
        if segment.size() != entry.size {
            let file = directory.join(manifest::FILE);
            return Err(NameIndexError::Manifest { file, why: "a segment has another length" });
        }
        Ok(segment)
    };
    manifest.segments.iter().map(open).collect()
}

/// Returns the files to merge next: none when nothing is due.
fn due(segments: &[Entry], living: &[u64]) -> Vec<String> {
    let class = |living: u64| (living / 1000 + 1).ilog2() / 2;
    let mut classes: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (entry, living) in segments.iter().zip(living) {
        if u64::from(entry.dead.len()) > *living {
            return vec![entry.file.clone()];
        }
        classes.entry(class(*living)).or_default().push(entry.file.clone());
    }
    classes.into_values().find(|files| files.len() >= GATHERED).unwrap_or_default()
}

/// What the changes of one record come to.
#[derive(Default)]
struct Pending {
    removed: bool,
    names: BTreeSet<(Kind, String)>,
}

impl Pending {
    fn records(self, id: String) -> impl Iterator<Item = Record> {
        self.names.into_iter().map(move |(kind, name)| Record { id: id.clone(), kind, name })
    }
}

fn gather(changes: &[Change]) -> BTreeMap<String, Pending> {
    let mut pending: BTreeMap<String, Pending> = BTreeMap::new();
    for change in changes {
        match change {
            Change::Add(record) => {
                let names = &mut pending.entry(record.id.clone()).or_default().names;
                names.insert((record.kind, record.name.clone()));
            }
            Change::Remove(id) => {
                *pending.entry(id.clone()).or_default() = Pending { removed: true, names: BTreeSet::new() }
            }
        }
    }
    pending
}

/// Settles the changes with one segment: names that go are marked, names that are there are not added again.
/// Returns how many were marked.
fn settle(
    segment: &Segment<SegmentFile>,
    dead: &mut Tombstones,
    pending: &mut BTreeMap<String, Pending>,
) -> Result<u64, mithaq_names::index::IndexError> {
    let mut removed = 0;
    let mut each = |at: u32, stored: Stored<'_>, one: &mut Pending| {
        if dead.contains(at) {
            return;
        }
        let kept = one.names.remove(&(stored.kind, stored.text.to_owned()));
        if one.removed && !kept {
            dead.insert(at);
            removed += 1;
        }
    };
    // Few changes look their records up; many walk beside the whole segment, which is in order of ids too.
    if pending.len() as u64 * 64 < u64::from(segment.names()) {
        let mut buffer = Vec::new();
        for (id, one) in pending.iter_mut() {
            for at in segment.places(id)? {
                each(at, segment.stored(at, &mut buffer)?, one);
            }
        }
    } else {
        let mut walk = pending.iter_mut().peekable();
        segment.for_each(|at, stored| {
            while walk.next_if(|(id, _)| id.as_str() < stored.id).is_some() {}
            if let Some((id, one)) = walk.peek_mut()
                && id.as_str() == stored.id
            {
                each(at, stored, one);
            }
        })?;
    }
    Ok(removed)
}

const fn kind_index(kind: Kind) -> usize {
    match kind {
        Kind::Person => 0,
        Kind::Organisation => 1,
        Kind::Place => 2,
    }
}
