//! A file that takes up room for the day when there is none: it is removed when the volume of the database is all but
//! full, so that recalls, sign-in, deletions and a start can be written. Nothing of it is ever read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Its name, beside the database.
const NAME: &str = "node.ballast";
/// Bytes written at once.
const PIECE: usize = 1024 * 1024;

/// The file; its size in bytes, zero for none.
pub(crate) struct Ballast {
    path: PathBuf,
    size: u64,
}

impl Ballast {
    /// The one in a directory; made by [`Ballast::make`] only.
    pub(crate) fn of(directory: &Path, size: u64) -> Self {
        Self { path: directory.join(NAME), size }
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Below so many free bytes it is let go: what is left then lasts until somebody looks again.
    pub(crate) const fn floor(&self) -> u64 {
        self.size / 2
    }

    /// Whether it is there, whole.
    pub(crate) fn is_held(&self) -> bool {
        self.size > 0 && self.found() == Some(self.size)
    }

    /// Whether one of another size is there: of another configuration, or half made.
    pub(crate) fn is_stale(&self) -> bool {
        self.found().is_some_and(|found| found != self.size || self.size == 0)
    }

    fn found(&self) -> Option<u64> {
        fs::metadata(&self.path).ok().map(|file| file.len())
    }

    /// Removes it. Says whether it was there.
    pub(crate) fn release(&self) -> io::Result<bool> {
        match fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes it, durable on return; half of one is removed again.
    pub(crate) fn make(&self) -> io::Result<()> {
        let written = self.write();
        if written.is_err() {
            let _is_stale_when_it_stays = self.release();
        }
        written
    }

    fn write(&self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file: File = options.open(&self.path)?;
        // Random: a file system that compresses or leaves out zeros would take up nothing.
        let mut piece = vec![0; PIECE];
        let mut left = usize::try_from(self.size).unwrap_or(usize::MAX);
        while left > 0 {
            getrandom::fill(&mut piece).map_err(io::Error::other)?;
            piece.truncate(left);
            file.write_all(&piece)?;
            left = left.saturating_sub(piece.len());
        }
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_up_what_it_says_and_is_let_go_whole() {
        let dir = tempfile::tempdir().unwrap();
        let ballast = Ballast::of(dir.path(), 2 * 1024 * 1024 + 5);
        assert!(!ballast.is_held() && !ballast.is_stale());
        ballast.make().unwrap();
        assert!(ballast.is_held() && !ballast.is_stale());
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let file = fs::metadata(&ballast.path).unwrap();
            assert!(file.blocks() * 512 >= file.len(), "not sparse: {} blocks", file.blocks());
            assert_eq!(file.mode() & 0o777, 0o600);
        }
        let other = Ballast::of(dir.path(), 7);
        assert!(other.is_stale() && !other.is_held(), "of another configuration");
        assert!(Ballast::of(dir.path(), 0).is_stale(), "switched off");
        assert!(ballast.make().is_err(), "one is not written over");
        assert!(!ballast.is_held(), "and what may be half of one is gone");
        ballast.make().unwrap();
        assert!(ballast.release().unwrap());
        assert!(!ballast.release().unwrap());
    }
}
