//! How much room the volumes of the node have, when that is too little, and what is done about it: content is refused
//! below the reserve, and the ballast is let go below its floor.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mithaq_store::blobs::{Boundless, Room};
use tokio::time::{Duration, Instant};

use super::ballast::Ballast;
use crate::config::{Config, Database};

/// Room above the reserve before content is taken again: without it the node would go on and off at the line.
const MARGIN: u64 = 16 * 1024 * 1024;
/// What was seen longer ago than this is not known any more: the look itself hangs.
const SEEN_MAX: Duration = Duration::from_secs(10);

type Probe = Box<dyn Fn() -> Option<u64> + Send + Sync>;

/// The volumes that are watched.
pub(crate) struct Disk {
    reserve: u64,
    /// Free bytes of the volume with least room.
    probe: Probe,
    /// And of the one the ballast lies on.
    home: Probe,
    ballast: Ballast,
    /// Free bytes when last looked at; negative: nobody knows.
    seen: AtomicI64,
    seen_at: Mutex<Instant>,
    low: AtomicBool,
}

/// What one look changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Turned {
    /// Whether content is refused now, where that changed.
    pub(crate) low: Option<bool>,
    /// Whether the ballast is held now, where that changed.
    pub(crate) ballast: Option<bool>,
}

impl Disk {
    /// Watches the volumes that a node writes to, that of its database and that of its attachments; the one with least
    /// room counts.
    pub(crate) fn of_node(directory: &Path, config: &Config) -> Self {
        let mib = |number: u64| number.saturating_mul(1024 * 1024);
        let paths = volumes(directory, config);
        let [volume, _attachments] = paths.clone();
        let ballast = Ballast::of(&volume, mib(config.ballast_mib));
        let probes: [Probe; 2] = [Box::new(move || least(&paths)), Box::new(move || least(&[&volume]))];
        Self::with(mib(config.disk_reserve_mib), ballast, probes)
    }

    fn with(reserve: u64, ballast: Ballast, [probe, home]: [Probe; 2]) -> Self {
        Self {
            reserve,
            probe,
            home,
            ballast,
            seen: AtomicI64::new(-1),
            seen_at: Mutex::new(Instant::now()),
            low: AtomicBool::new(false),
        }
    }

    /// Watches what a test says; the ballast lies in a directory.
    #[cfg(test)]
    pub(crate) fn told(
        reserve: u64,
        (directory, ballast): (&Path, u64),
        free: impl Fn() -> Option<u64> + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::with(reserve, Ballast::of(directory, ballast), [Box::new(free.clone()), Box::new(free)])
    }

    pub(super) const fn reserve(&self) -> u64 {
        self.reserve
    }

    /// Free bytes when last looked at, if anybody knows.
    pub(super) fn free(&self) -> Option<u64> {
        let fresh = self.seen_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < SEEN_MAX;
        u64::try_from(self.seen.load(Ordering::SeqCst)).ok().filter(|_| fresh)
    }

    /// Whether so little is free that no content is taken.
    pub(crate) fn is_low(&self) -> bool {
        self.low.load(Ordering::SeqCst)
    }

    /// Bytes of the ballast that is held.
    pub(super) fn ballast(&self) -> u64 {
        if self.ballast.is_held() { self.ballast.size() } else { 0 }
    }

    /// Whether so much is too little; a volume that was low needs more to be well again. What nobody knows is too little.
    fn is_too_little(&self, free: Option<u64>, was_low: bool) -> bool {
        let line = if was_low { self.reserve.saturating_add(MARGIN) } else { self.reserve };
        self.reserve > 0 && free.is_none_or(|free| free < line)
    }

    /// Looks once, and lets the ballast go or makes it. Waits for the disk.
    pub(crate) fn look(&self) -> Turned {
        let free = (self.probe)();
        self.seen.store(free.and_then(|free| i64::try_from(free).ok()).unwrap_or(-1), Ordering::SeqCst);
        *self.seen_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let was = self.is_low();
        let low = self.is_too_little(free, was);
        self.low.store(low, Ordering::SeqCst);
        Turned { low: (low != was).then_some(low), ballast: self.keep_ballast(low) }
    }

    fn keep_ballast(&self, low: bool) -> Option<bool> {
        if self.ballast.is_stale() {
            told(self.ballast.release());
        }
        let free = (self.home)();
        if self.let_go(free) {
            return Some(false);
        }
        if self.ballast.size() == 0 || self.ballast.is_held() {
            return None;
        }
        // Making it must not be what makes the volume low, nor what lets it go again.
        let left = free?.checked_sub(self.ballast.size())?.checked_sub(MARGIN)?;
        if left < self.ballast.floor() || !low && left < self.reserve {
            return None;
        }
        match self.ballast.make() {
            Ok(()) => Some(true),
            Err(error) => {
                tracing::warn!(%error, "the ballast could not be made");
                None
            }
        }
    }

    /// Lets the ballast go if less is free than its floor. Says whether it did.
    fn let_go(&self, free: Option<u64>) -> bool {
        let held = free.is_some_and(|free| free < self.ballast.floor()) && self.ballast.is_held();
        held && told(self.ballast.release())
    }
}

/// Whether it was done; that it was not is told.
fn told(released: std::io::Result<bool>) -> bool {
    released.unwrap_or_else(|error| {
        tracing::error!(%error, "the ballast could not be let go");
        false
    })
}

impl Room for Disk {
    fn has(&self, bytes: u64) -> bool {
        let left = || (self.probe)().and_then(|free| free.checked_sub(bytes));
        self.reserve == 0 || left().is_some_and(|left| left >= self.reserve)
    }

    fn relieve(&self) -> bool {
        let freed = self.let_go((self.home)());
        if freed {
            tracing::error!(
                "the volume of the database is full: the ballast was let go, what must be written is"
            );
        }
        freed
    }
}

/// The room for a copy in a directory that is there: that of the node, where it lies on one of its volumes.
pub(crate) fn room_for_copy(directory: &Path, config: &Config, out: &Path) -> Arc<dyn Room> {
    if volumes(directory, config).iter().any(|path| is_one_volume(made(path), out)) {
        Arc::new(Disk::of_node(directory, config))
    } else {
        Arc::new(Boundless)
    }
}

/// Where the database lies, and where the attachments do.
fn volumes(directory: &Path, config: &Config) -> [PathBuf; 2] {
    let database = match config.database(directory) {
        Ok(Database::Sqlite(path)) => path.parent().unwrap_or(directory).to_path_buf(),
        // A server's volume is out of sight; the mark of the log and keys are written here.
        Ok(Database::Postgres(_)) | Err(_) => directory.to_path_buf(),
    };
    [database, directory.join(&config.attachments)]
}

/// Whether two directories lie on one volume; what nobody knows counts as one.
fn is_one_volume(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| rustix::fs::stat(path).ok().map(|found| found.st_dev);
    match (device(one), device(other)) {
        (Some(one), Some(other)) => one == other,
        (None, _) | (_, None) => true,
    }
}

/// The least that is free on the volumes of some paths; nothing when one of them does not say.
fn least(paths: &[impl AsRef<Path>]) -> Option<u64> {
    paths.iter().map(|path| free(made(path.as_ref()))).min().flatten()
}

/// The nearest directory above a path that is there: the path itself is made with the first file in it.
fn made(path: &Path) -> &Path {
    path.ancestors().find(|above| above.is_dir()).unwrap_or(path)
}

/// What a user without special rights may still write.
fn free(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn disk(reserve: u64, free: impl Fn() -> Option<u64> + Clone + Send + Sync + 'static) -> Disk {
        Disk::told(reserve, (Path::new("/nowhere"), 0), free)
    }

    #[test]
    fn it_is_low_below_the_reserve_and_well_again_above_a_margin() {
        let disk_100 = disk(100 * MARGIN, || None);
        assert!(!disk_100.is_too_little(Some(100 * MARGIN), false));
        assert!(disk_100.is_too_little(Some(100 * MARGIN - 1), false));
        assert!(disk_100.is_too_little(Some(100 * MARGIN), true), "not at the line again");
        assert!(!disk_100.is_too_little(Some(101 * MARGIN), true));
        assert!(!disk(0, || None).is_too_little(Some(0), false), "switched off");
    }

    #[test]
    fn room_is_what_is_free_above_the_reserve_at_this_moment() {
        let free = Arc::new(AtomicU64::new(100));
        let now = Arc::clone(&free);
        let disk = disk(40, move || Some(now.load(Ordering::SeqCst)));
        assert!(disk.has(60) && !disk.has(61));
        free.store(50, Ordering::SeqCst);
        assert!(disk.has(10) && !disk.has(11), "nothing is remembered");
        assert!(!disk.has(u64::MAX));
    }

    #[test]
    fn a_volume_nobody_knows_is_not_a_good_one() {
        let unknown = disk(1, || None);
        assert!(!unknown.has(0));
        assert_eq!(unknown.look().low, Some(true));
        assert_eq!((unknown.free(), unknown.is_low()), (None, true));
        let switched_off = disk(0, || None);
        assert!(switched_off.has(1) && switched_off.look().low.is_none());
        let dir = tempfile::tempdir().unwrap();
        let (here, not_yet) = (dir.path().to_path_buf(), dir.path().join("not").join("yet"));
        assert!(least(&[here.clone(), not_yet]).is_some());
        assert_eq!(least(&[here, PathBuf::from("\0")]), None, "one that does not say is not passed over");
    }

    #[test]
    fn the_ballast_goes_at_the_floor_and_comes_again_with_room_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let free = Arc::new(AtomicU64::new(0));
        let now = Arc::clone(&free);
        let (reserve, size) = (64 * MIB, 4 * MIB);
        let disk = Disk::told(reserve, (dir.path(), size), move || Some(now.load(Ordering::SeqCst)));
        let look_at = |bytes| {
            free.store(bytes, Ordering::SeqCst);
            disk.look()
        };
        let turned = |low, ballast| Turned { low, ballast };
        // It does not itself make the volume low, and is there once it is.
        assert_eq!(look_at(reserve + MARGIN + size - 1), turned(None, None));
        assert_eq!(look_at(reserve - 1), turned(Some(true), Some(true)));
        assert_eq!(disk.ballast(), size);
        assert_eq!(look_at(size / 2), turned(None, None), "not before the floor");
        assert!(!disk.relieve());
        assert_eq!(look_at(size / 2 - 1), turned(None, Some(false)));
        assert_eq!((disk.ballast(), look_at(0)), (0, turned(None, None)));
        assert!(!disk.relieve(), "it is gone");
        assert_eq!(look_at(size + MARGIN + size / 2 - 1), turned(None, None), "it would go again at once");
        assert_eq!(look_at(size + MARGIN + size / 2), turned(None, Some(true)));
        // Between two looks it is the database that finds out.
        free.store(0, Ordering::SeqCst);
        assert!(disk.relieve());
        assert_eq!(look_at(reserve + MARGIN), turned(Some(false), None));
        assert_eq!(look_at(reserve + MARGIN + size), turned(None, Some(true)));
    }
}
