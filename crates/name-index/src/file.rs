//! Files: read in pieces, written so that a name never shows half a file.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use mithaq_names::index::{Source, SourceError};

use crate::NameIndexError;

/// A file of an index, read where it is asked for.
#[derive(Debug)]
pub(crate) struct IndexFile {
    file: File,
    size: u64,
}

impl IndexFile {
    pub(crate) fn open(path: &Path) -> Result<Self, NameIndexError> {
        let file = open(path)?;
        let size = file.metadata().map_err(NameIndexError::io("read", path))?.len();
        Ok(Self { file, size })
    }
}

impl Source for IndexFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read<'a>(&'a self, at: u64, len: usize, buffer: &'a mut Vec<u8>) -> Result<&'a [u8], SourceError> {
        let failed = |why: String| SourceError { at, len, why };
        let end = at.checked_add(len as u64).filter(|end| *end <= self.size);
        end.ok_or_else(|| failed("the file ends early".to_owned()))?;
        if buffer.len() < len {
            buffer.resize(len, 0);
        }
        let place = buffer.get_mut(..len).ok_or_else(|| failed("out of memory".to_owned()))?;
        self.file.read_exact_at(place, at).map_err(|error| failed(error.to_string()))?;
        Ok(place)
    }
}

/// Opens a file that the manifest names.
pub(crate) fn open(path: &Path) -> Result<File, NameIndexError> {
    File::open(path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            return NameIndexError::Gone(path.to_owned());
        }
        NameIndexError::io("open", path)(error)
    })
}

/// Writes a file under a temporary name, makes it durable, and gives it its name in one step.
pub(crate) fn put(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), NameIndexError> {
    put_with(directory, name, |file, temporary| {
        file.write_all(bytes).map_err(NameIndexError::io("write", temporary))
    })
}

/// As [`put`], for what is written piece by piece.
pub(crate) fn put_with<T>(
    directory: &Path,
    name: &str,
    write: impl FnOnce(&mut File, &Path) -> Result<T, NameIndexError>,
) -> Result<T, NameIndexError> {
    let temporary = directory.join(format!("{name}.tmp"));
    let path = directory.join(name);
    let mut file = File::create(&temporary).map_err(NameIndexError::io("create", &temporary))?;
    let written = write(&mut file, &temporary)?;
    file.sync_all().map_err(NameIndexError::io("make durable", &temporary))?;
    std::fs::rename(&temporary, &path).map_err(NameIndexError::io("rename to", &path))?;
    sync(directory)?;
    Ok(written)
}

/// Makes the names in a directory durable.
fn sync(directory: &Path) -> Result<(), NameIndexError> {
    let opened = File::open(directory).and_then(|opened| opened.sync_all());
    opened.map_err(NameIndexError::io("make durable", directory))
}
