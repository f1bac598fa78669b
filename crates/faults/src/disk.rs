//! The model of a disk: what has been flushed, what has only been written, and the plan of faults.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::shim::Installed;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What SQLite asks of a file.
pub(crate) enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { length: usize },
    Flush,
}

/// What the disk answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Go,
    Full,
    Broken,
    /// Nothing, until [`wait_for_end`] returns; then as `Go`.
    Hangs,
}

/// An error of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// From here on no write finds room (`ENOSPC`), until the watch ends.
    Full,
    /// One flush fails (`EIO`), and what it should have made durable is lost although the file
    /// still shows it: Linux drops the error and the data with it once it has told.
    FlushOnce,
    /// One write fails (`EIO`); nothing of it is there.
    WriteOnce,
    /// From here on no flush comes back before the watch ends: a volume over a network that is gone.
    Hang,
}

/// What would be found after the power failed at one operation.
#[derive(Clone, Debug)]
pub struct Image {
    /// Number of the operation, from 1.
    pub operation: u64,
    /// What had been acknowledged by then.
    pub acknowledged: BTreeSet<u64>,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Image {
    /// Writes the files into a directory, under their own names.
    ///
    /// # Errors
    /// Where the directory cannot be written.
    pub fn restore(&self, directory: &Path) -> Result<()> {
        for (path, bytes) in &self.files {
            let name = path.file_name().context("a file has a name")?;
            fs::write(directory.join(name), bytes)?;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Tracked {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

struct Disk {
    root: PathBuf,
    files: BTreeMap<PathBuf, Tracked>,
    operations: u64,
    acknowledged: BTreeSet<u64>,
    cuts: BTreeSet<u64>,
    fault: Option<(u64, Fault)>,
    struck: bool,
    chance: ChaCha8Rng,
    images: Vec<Image>,
}

static DISK: Mutex<Option<Disk>> = Mutex::new(None);
/// The watch has ended.
static ENDED: Condvar = Condvar::new();
/// One watch at a time: tests of one process wait for each other here.
static TURN: Mutex<()> = Mutex::new(());

fn disk() -> MutexGuard<'static, Option<Disk>> {
    DISK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at every SQLite file below a directory until it is dropped.
pub struct Watch {
    _turn: MutexGuard<'static, ()>,
}

/// Starts to watch the files below `root`; all chance comes from `seed`.
///
/// # Errors
/// Where `root` does not exist.
pub fn watch(_layer: Installed, root: &Path, seed: u64) -> Result<Watch> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    *disk() = Some(Disk {
        root: root.canonicalize()?,
        files: BTreeMap::new(),
        operations: 0,
        acknowledged: BTreeSet::new(),
        cuts: BTreeSet::new(),
        fault: None,
        struck: false,
        chance: ChaCha8Rng::seed_from_u64(seed),
        images: Vec::new(),
    });
    Ok(Watch { _turn: turn })
}

impl Drop for Watch {
    fn drop(&mut self) {
        *disk() = None;
        ENDED.notify_all();
    }
}

/// Waits until the watch ends.
pub(crate) fn wait_for_end() {
    let mut disk = disk();
    while disk.is_some() {
        disk = ENDED.wait(disk).unwrap_or_else(PoisonError::into_inner);
    }
}

impl Watch {
    /// Takes an image just before the operation with this number, counted from now.
    pub fn cut_at(&self, operation: u64) {
        if let Some(disk) = disk().as_mut() {
            disk.cuts.insert(disk.operations + operation);
        }
    }

    /// Lets the disk fail at the first operation that can, from this number on, counted from now.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        if let Some(disk) = disk().as_mut() {
            disk.fault = Some((disk.operations + operation, fault));
        }
    }

    /// Says that the caller has been told: this is durable.
    pub fn acknowledge(&self, number: u64) {
        if let Some(disk) = disk().as_mut() {
            disk.acknowledged.insert(number);
        }
    }

    /// True once the fault of [`Watch::fail_at`] has happened.
    #[must_use]
    pub fn struck(&self) -> bool {
        disk().as_ref().is_some_and(|disk| disk.struck)
    }

    /// Takes an image now.
    pub fn cut(&self) {
        if let Some(disk) = disk().as_mut() {
            disk.take_image();
        }
    }

    /// Hands over the images taken so far.
    #[must_use]
    pub fn images(&self) -> Vec<Image> {
        disk().as_mut().map(|disk| std::mem::take(&mut disk.images)).unwrap_or_default()
    }
}

/// A file has been opened: what it holds was there before.
pub(crate) fn opened(path: &Path) {
    if let Some(disk) = disk().as_mut()
        && path.starts_with(&disk.root)
        && !disk.files.contains_key(path)
    {
        let durable = fs::read(path).unwrap_or_default();
        disk.files.insert(path.to_owned(), Tracked { durable, pending: Vec::new() });
    }
}

/// A file is gone.
pub(crate) fn deleted(path: &Path) {
    if let Some(disk) = disk().as_mut() {
        disk.files.remove(path);
    }
}

/// May this happen? Counts it, takes the image that is due, and remembers what it changes.
pub(crate) fn ask(path: &Path, change: Change) -> Answer {
    let mut guard = disk();
    let Some(disk) = guard.as_mut().filter(|disk| disk.files.contains_key(path)) else {
        return Answer::Go;
    };
    disk.operations += 1;
    if disk.cuts.contains(&disk.operations) {
        disk.take_image();
    }
    let answer = disk.judge(&change);
    if let Some(file) = disk.files.get_mut(path) {
        file.take(change, answer);
    }
    answer
}

impl Disk {
    fn judge(&mut self, change: &Change) -> Answer {
        let Some((_, fault)) = self.fault.filter(|(from, _)| self.operations >= *from) else {
            return Answer::Go;
        };
        let answer = match (fault, change) {
            (Fault::Full, Change::Write { .. }) => Answer::Full,
            (Fault::WriteOnce, Change::Write { .. }) | (Fault::FlushOnce, Change::Flush) => Answer::Broken,
            (Fault::Hang, Change::Flush) => Answer::Hangs,
            (Fault::Full | Fault::WriteOnce | Fault::FlushOnce | Fault::Hang, _) => return Answer::Go,
        };
        self.struck = true;
        if matches!(fault, Fault::FlushOnce | Fault::WriteOnce) {
            self.fault = None;
        }
        answer
    }

    fn take_image(&mut self) {
        let mut files = Vec::new();
        for (path, file) in &self.files {
            files.push((path.clone(), file.after_power_cut(&mut self.chance)));
        }
        self.images.push(Image {
            operation: self.operations,
            acknowledged: self.acknowledged.clone(),
            files,
        });
    }
}

/// How much of what was not flushed has reached the disk.
enum Reached {
    All,
    Nothing,
    /// The first so many changes.
    First(usize),
    /// Each sector of each change, or not.
    Scattered,
}

impl Tracked {
    fn take(&mut self, change: Change, answer: Answer) {
        match (answer, change) {
            (Answer::Go, Change::Flush) => {
                for change in std::mem::take(&mut self.pending) {
                    apply(&mut self.durable, &change, |_| true);
                }
            }
            // It may come yet; a power cut finds nothing of it.
            (Answer::Hangs, Change::Flush) => {}
            (Answer::Go | Answer::Hangs, change) => self.pending.push(change),
            // A failed flush loses what it was to keep.
            (Answer::Broken, Change::Flush) => self.pending.clear(),
            (Answer::Broken | Answer::Full, _) => {}
        }
    }

    fn after_power_cut(&self, chance: &mut ChaCha8Rng) -> Vec<u8> {
        let reached = match chance.next_u32() % 4 {
            0 => Reached::Nothing,
            1 => Reached::All,
            2 => Reached::First(below(chance, self.pending.len())),
            _ => Reached::Scattered,
        };
        let mut bytes = self.durable.clone();
        for (index, change) in self.pending.iter().enumerate() {
            apply(&mut bytes, change, |_sector| match reached {
                Reached::All => true,
                Reached::Nothing => false,
                Reached::First(count) => index < count,
                Reached::Scattered => chance.next_u32().is_multiple_of(2),
            });
        }
        bytes
    }
}

fn below(chance: &mut ChaCha8Rng, bound: usize) -> usize {
    let bound = u64::try_from(bound).unwrap_or(0) + 1;
    usize::try_from(chance.next_u64() % bound).unwrap_or(0)
}

/// Applies a change, asking for each sector whether it has reached the disk.
fn apply(bytes: &mut Vec<u8>, change: &Change, mut reaches: impl FnMut(usize) -> bool) {
    match change {
        Change::Flush => {}
        Change::Truncate { length } => {
            if reaches(0) {
                bytes.resize(*length, 0);
            }
        }
        Change::Write { at, bytes: new } => {
            let mut from = *at;
            let mut rest = new.as_slice();
            while !rest.is_empty() {
                let room = SECTOR - from % SECTOR;
                let (piece, after) = rest.split_at(room.min(rest.len()));
                if reaches(from / SECTOR) {
                    put(bytes, from, piece);
                }
                from += piece.len();
                rest = after;
            }
        }
    }
}

fn put(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    let end = at + piece.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    if let Some(place) = bytes.get_mut(at..end) {
        place.copy_from_slice(piece);
    }
}
