//! The mark of the log outside of the database: the last checkpoint this node signed, in a file beside its keys.
//! Whoever puts an older copy of the whole database in place changes nothing here, and the node does not start.
//!
//! Deliberately not a secret and not a proof for others: who can also replace this file is seen by the partners,
//! who keep countersigned checkpoints.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use mithaq_app::ports::{HighWater, Unkept};

/// Name of the file, in the directory of the key file.
pub const FILE: &str = "checkpoint.mark";
/// Largest mark that is read: a note with countersignatures is far smaller.
const MARK_MAX: u64 = 64 * 1024;

/// The mark in a file.
#[derive(Debug, Clone)]
pub struct MarkFile(PathBuf);

impl MarkFile {
    /// Takes the directory of the key file.
    #[must_use]
    pub fn beside(keys: &Path) -> Self {
        Self(keys.parent().unwrap_or(Path::new(".")).join(FILE))
    }

    fn write(&self, note: &[u8]) -> io::Result<()> {
        let next = self.0.with_extension("mark.new");
        let mut file = fs::File::create(&next)?;
        file.write_all(note)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&next, &self.0)?;
        // The name is durable only with its directory.
        #[cfg(unix)]
        fs::File::open(self.0.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    }
}

impl HighWater for MarkFile {
    fn last(&self) -> Result<Option<Vec<u8>>, Unkept> {
        let read = || -> io::Result<Vec<u8>> {
            if fs::metadata(&self.0)?.len() > MARK_MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than any mark"));
            }
            fs::read(&self.0)
        };
        match read() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Unkept { what: "read", source }),
        }
    }

    fn keep(&self, note: &[u8]) -> Result<(), Unkept> {
        self.write(note).map_err(|source| Unkept { what: "written", source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_kept_replaced_and_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let mark = MarkFile::beside(&directory.path().join("keys.mxk"));
        assert!(mark.last().unwrap().is_none());
        mark.keep(b"first").unwrap();
        mark.keep(b"second").unwrap();
        assert_eq!(MarkFile::beside(&directory.path().join("keys.mxk")).last().unwrap().unwrap(), b"second");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_mark_that_cannot_be_read_is_not_none() {
        let directory = tempfile::tempdir().unwrap();
        let mark = MarkFile::beside(&directory.path().join("keys.mxk"));
        fs::create_dir(directory.path().join(FILE)).unwrap();
        assert!(mark.last().is_err());
        assert!(mark.keep(b"note").is_err());
        let gone = MarkFile::beside(&directory.path().join("no/keys.mxk"));
        assert!(gone.keep(b"note").is_err());
    }
}
