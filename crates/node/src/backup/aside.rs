//! What a restore put aside: the database and the attachments that were in place. They hold what was erased since, so
//! they are told of and removed when nobody needs them any more.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use mithaq_app::ports::Clock as _;
use mithaq_model::{Days, Timestamp};

use crate::config::{Config, Database};

/// Between the name of what was in place and the time it was put aside, in milliseconds.
const MARK: &str = ".before-";
/// How long a restore may be looked back at before what it put aside is a fault.
const KEPT: Days = Days(7);
/// Zeros that are written over a database at a time.
static BLOCK: [u8; 64 * 1024] = [0; 64 * 1024];

/// A file or a directory that a restore put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutAside {
    /// Where it is.
    pub path: PathBuf,
    /// When it was put aside.
    pub at: Timestamp,
}

impl PutAside {
    /// Whether it has been there longer than a week.
    #[must_use]
    pub fn stays_too_long(&self) -> bool {
        crate::SystemClock.now() > self.at.plus(KEPT)
    }
}

/// The name that something in place gets when it is put aside; `suffix` is that of a file beside a database.
pub(super) fn name(path: &Path, at: Timestamp, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{MARK}{}{suffix}", path.display(), at.as_millis()))
}

/// Finds what restores put aside, oldest first.
///
/// # Errors
/// When the configuration or a directory cannot be read.
pub fn put_aside(directory: &Path) -> Result<Vec<PutAside>> {
    let config = Config::load(directory)?;
    let mut found = beside(&directory.join(&config.attachments))?;
    if let Database::Sqlite(path) = config.database(directory)? {
        found.extend(beside(&path)?);
    }
    found.sort_by(|a, b| (a.at, &a.path).cmp(&(b.at, &b.path)));
    Ok(found)
}

/// Removes what restores put aside and returns it. A database is overwritten first; a disk that keeps old blocks, or a
/// copy elsewhere, is not reached. Attachments are only unlinked: what was brought back shares its bytes with them, and
/// their keys lie in the database. The node may run.
///
/// # Errors
/// When something cannot be removed; what came before it is gone.
pub fn erase_put_aside(directory: &Path) -> Result<Vec<PutAside>> {
    let found = put_aside(directory)?;
    for one in &found {
        erase(&one.path).with_context(|| format!("cannot remove `{}`", one.path.display()))?;
    }
    Ok(found)
}

fn beside(path: &Path) -> Result<Vec<PutAside>> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(Vec::new());
    };
    if !parent.is_dir() {
        return Ok(Vec::new());
    }
    let begins = format!("{name}{MARK}");
    let mut found = Vec::new();
    for entry in fs::read_dir(parent).with_context(|| format!("cannot read `{}`", parent.display()))? {
        let path = entry?.path();
        let rest =
            path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(&begins));
        // After the time comes nothing, or the ending of a file beside a database.
        let time = rest.and_then(|rest| rest.split('-').next()).and_then(|millis| millis.parse().ok());
        if let Some(millis) = time {
            found.push(PutAside { path, at: Timestamp::from_millis(millis) });
        }
    }
    Ok(found)
}

fn erase(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        return fs::remove_dir_all(path);
    }
    let mut left = fs::metadata(path)?.len();
    let mut file = File::options().write(true).open(path)?;
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(BLOCK.len());
        file.write_all(BLOCK.get(..part).unwrap_or(&BLOCK))?;
        left = left.saturating_sub(u64::try_from(part).unwrap_or(u64::MAX));
    }
    file.sync_all()?;
    fs::remove_file(path)
}
