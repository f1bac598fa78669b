//! What can go wrong with an index on disk. No name or id enters an error.

use std::path::{Path, PathBuf};

use mithaq_names::index::IndexError;

/// Why an index could not be used or changed.
#[derive(Debug, thiserror::Error)]
pub enum NameIndexError {
    /// The directory to create is there and not empty.
    #[error(
        "`{0}` is there already and not empty\nhint: choose another directory, or add to the index in it"
    )]
    Exists(PathBuf),
    /// There is no index.
    #[error("`{0}` holds no name index\nhint: make one with `mithaq names index build`")]
    Missing(PathBuf),
    /// Another process is changing the index.
    #[error(
        "another process is changing the index in `{0}`\nhint: wait for it to end; searching goes on meanwhile"
    )]
    Busy(PathBuf),
    /// The manifest is not what was written.
    #[error(
        "the manifest `{file}` is damaged: {why}\nhint: restore the directory from a copy, or build the index again from its source: `mithaq names index build FILE --replace`"
    )]
    Manifest {
        /// The file.
        file: PathBuf,
        /// What does not hold.
        why: &'static str,
    },
    /// A file that the manifest names is not there.
    #[error(
        "`{0}` belongs to the index and is not there\nhint: restore the directory from a copy, or build the index again from its source: `mithaq names index build FILE --replace`"
    )]
    Gone(PathBuf),
    /// A file of notes is not what was written.
    #[error(
        "the notes `{file}` are damaged: {why}\nhint: restore the directory from a copy, or build the index again from its source: `mithaq names index build FILE --replace`"
    )]
    Notes {
        /// The file.
        file: PathBuf,
        /// What does not hold.
        why: &'static str,
    },
    /// A segment cannot be used.
    #[error("`{file}`: {error}")]
    Segment {
        /// The file.
        file: PathBuf,
        /// What is wrong with it, and what to do next.
        error: IndexError,
    },
    /// The file system failed.
    #[error(
        "cannot {what} `{file}`: {error}\nhint: check that the disk is there, has room, and may be written"
    )]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        file: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Two parts of the program changed the index at once, or a reader met too many changes.
    #[error("the index in `{0}` changes faster than it can be opened\nhint: try again")]
    Restless(PathBuf),
}

impl NameIndexError {
    pub(crate) fn io(what: &'static str, file: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let file = file.to_owned();
        move |error| Self::Io { what, file, error }
    }

    pub(crate) fn segment(file: &Path) -> impl FnOnce(IndexError) -> Self {
        let file = file.to_owned();
        move |error| Self::Segment { file, error }
    }
}
