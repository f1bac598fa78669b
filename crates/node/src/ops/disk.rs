//! How much room the volumes of the node have, and when that is too little.

use std::path::{Path, PathBuf};

/// Room above the reserve before content is taken again: without it the node would go on and off at the line.
const MARGIN: u64 = 16 * 1024 * 1024;

/// A volume that is watched.
pub(crate) struct Disk {
    reserve: u64,
    free: Box<dyn Fn() -> Option<u64> + Send + Sync>,
}

impl Disk {
    /// Watches the volumes of some paths, of which the one with least room counts; below `reserve` bytes it is low. Zero is
    /// never low.
    pub(crate) fn of(paths: Vec<PathBuf>, reserve: u64) -> Self {
        Self { reserve, free: Box::new(move || paths.iter().filter_map(|path| free(path)).min()) }
    }

    /// Watches what a test says.
    #[cfg(test)]
    pub(crate) fn told(reserve: u64, free: impl Fn() -> Option<u64> + Send + Sync + 'static) -> Self {
        Self { reserve, free: Box::new(free) }
    }

    /// Free bytes, if the system says.
    pub(super) fn free(&self) -> Option<u64> {
        (self.free)()
    }

    pub(super) const fn reserve(&self) -> u64 {
        self.reserve
    }

    /// Whether so much is too little; a volume that was low needs more to be well again.
    pub(super) const fn is_low(&self, free: u64, was_low: bool) -> bool {
        let line = if was_low { self.reserve.saturating_add(MARGIN) } else { self.reserve };
        self.reserve > 0 && free < line
    }
}

/// What a user without special rights may still write.
fn free(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_low_below_the_reserve_and_well_again_above_a_margin() {
        let disk = Disk::told(100 * MARGIN, || None);
        assert!(!disk.is_low(100 * MARGIN, false));
        assert!(disk.is_low(100 * MARGIN - 1, false));
        assert!(disk.is_low(100 * MARGIN, true), "not at the line again");
        assert!(!disk.is_low(101 * MARGIN, true));
        assert!(!Disk::told(0, || None).is_low(0, false), "switched off");
    }

    #[test]
    fn the_volume_of_a_directory_is_known_and_of_nothing_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (here, nowhere) = (dir.path().to_path_buf(), dir.path().join("not").join("there"));
        assert!(Disk::of(vec![here.clone()], 1).free().is_some());
        assert!(Disk::of(vec![nowhere.clone(), here], 1).free().is_some());
        assert_eq!(Disk::of(vec![nowhere], 1).free(), None);
    }
}
