//! Files: read in pieces, written so that a name never shows half a file.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use mithaq_names::index::{Source, SourceError};

use crate::NameIndexError;

/// A segment file, read where it is asked for.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    file: File,
    size: u64,
}

impl SegmentFile {
    pub(crate) fn open(path: &Path) -> Result<Self, std::io::Error> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }
}

impl Source for SegmentFile {
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

/// Writes a file under a temporary name, makes it durable, and gives it its name in one step.
pub(crate) fn put(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), NameIndexError> {
    let temporary = directory.join(format!("{name}.tmp"));
    let path = directory.join(name);
    let mut file = File::create(&temporary).map_err(NameIndexError::io("create", &temporary))?;
    file.write_all(bytes).map_err(NameIndexError::io("write", &temporary))?;
    file.sync_all().map_err(NameIndexError::io("make durable", &temporary))?;
    std::fs::rename(&temporary, &path).map_err(NameIndexError::io("rename to", &path))?;
    sync(directory)
}

/// Makes the names in a directory durable.
fn sync(directory: &Path) -> Result<(), NameIndexError> {
    let opened = File::open(directory).and_then(|opened| opened.sync_all());
    opened.map_err(NameIndexError::io("make durable", directory))
}
