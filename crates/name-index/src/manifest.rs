//! The manifest: which segments are in use and which of their names no longer count. A small text file,
//! replaced whole.
//!
//! ```text
//! mithaq name index 2
//! generation 7
//! segment 000000000005-0.segment 812344 dead 3 17-19
//! notes 000000000005-1.notes 40110
//! sha256 5f2c…
//! ```

use std::fmt::Write as _;
use std::path::Path;

use data_encoding::HEXLOWER;
use mithaq_names::index::{MAX_NAMES, Tombstones};
use sha2::{Digest as _, Sha256};

use crate::NameIndexError;

/// Name of the manifest in its directory.
pub(crate) const FILE: &str = "manifest";
const FIRST_LINE: &str = "mithaq name index 2";
/// How manifests of every version begin.
const EVERY_FIRST_LINE: &str = "mithaq name index ";
/// Largest manifest that is read.
const BYTES_MAX: u64 = 1 << 28;
/// Most segments an index may name.
const SEGMENTS_MAX: usize = 1024;

/// What an index consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Grows with every change.
    pub(crate) generation: u64,
    pub(crate) segments: Vec<Entry>,
    /// Files of notes and their sizes, the oldest first: of two notes of a record the later counts.
    pub(crate) notes: Vec<(String, u64)>,
}

/// A segment in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// File name: twelve digits and `.segment`.
    pub(crate) file: String,
    pub(crate) size: u64,
    pub(crate) dead: Tombstones,
}

/// Returns the name of the segment a generation writes.
pub(crate) fn segment_file(generation: u64, number: usize) -> String {
    format!("{generation:012}-{number}{SEGMENT}")
}

/// Returns the name of the notes a generation writes.
pub(crate) fn notes_file(generation: u64, number: usize) -> String {
    format!("{generation:012}-{number}{NOTES}")
}

/// Endings of the files of an index.
pub(crate) const SEGMENT: &str = ".segment";
pub(crate) const NOTES: &str = ".notes";

fn is_file(name: &str, ending: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let parts = name.strip_suffix(ending).and_then(|stem| stem.split_once('-'));
    parts.is_some_and(|(generation, number)| digits(generation) && digits(number))
}

/// True when a file of this name belongs to an index, or is what a killed process left of one.
pub(crate) fn is_ours(name: &str) -> bool {
    // The last two: what versions before 2 kept beside the index.
    const WHOLE: [&str; 5] = [FILE, "lock", "records.jsonl", "records.jsonl.next", "records.lock"];
    let name = name.strip_suffix(".tmp").unwrap_or(name);
    WHOLE.contains(&name) || is_file(name, SEGMENT) || is_file(name, NOTES)
}

impl Manifest {
    /// Reads and checks a manifest; `None` when there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, NameIndexError> {
        let size = match std::fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(NameIndexError::io("read", path)(error)),
        };
        let damaged = |why| NameIndexError::Manifest { file: path.to_owned(), why };
        if size > BYTES_MAX {
            return Err(damaged("it is too long"));
        }
        let bytes = std::fs::read(path).map_err(NameIndexError::io("read", path))?;
        let text = String::from_utf8(bytes).map_err(|_| damaged("it is not text"))?;
        Self::parse(&text).map(Some).map_err(damaged)
    }

    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (content, sum) = text.rsplit_once("sha256 ").ok_or("it has no checksum")?;
        if sum.strip_suffix('\n') != Some(digest(content).as_str()) {
            return Err("its checksum does not hold");
        }
        let mut lines = content.lines();
        match lines.next() {
            Some(FIRST_LINE) => {}
            Some(other) if other.starts_with(EVERY_FIRST_LINE) => {
                return Err("it was written by another version of this program");
            }
            _ => return Err("it is no manifest"),
        }
        let generation = lines.next().and_then(|line| line.strip_prefix("generation ")?.parse().ok());
        let generation = generation.ok_or("it has no generation")?;
        let mut out = Self { generation, ..Self::default() };
        for line in lines {
            if line.starts_with("notes ") {
                out.notes.push(notes(line).ok_or("a line of notes is wrong")?);
            } else {
                out.segments.push(entry(line).ok_or("a segment line is wrong")?);
            }
            if out.segments.len().max(out.notes.len()) > SEGMENTS_MAX {
                return Err("it names too many files");
            }
        }
        Ok(out)
    }

    pub(crate) fn write(&self) -> String {
        let mut out = format!("{FIRST_LINE}\ngeneration {}\n", self.generation);
        for entry in &self.segments {
            let _ = write!(out, "segment {} {} dead", entry.file, entry.size);
            ranges(entry.dead.iter(), |first, last| {
                let _ = if first == last { write!(out, " {first}") } else { write!(out, " {first}-{last}") };
            });
            out.push('\n');
        }
        for (file, size) in &self.notes {
            let _ = writeln!(out, "notes {file} {size}");
        }
        let sum = digest(&out);
        let _ = writeln!(out, "sha256 {sum}");
        out
    }
}

fn digest(content: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(content.as_bytes()))
}

/// Joins neighbours into ranges.
fn ranges(places: impl Iterator<Item = u32>, mut each: impl FnMut(u32, u32)) {
    let mut open: Option<(u32, u32)> = None;
    for at in places {
        open = match open {
            Some((first, last)) if last + 1 == at => Some((first, at)),
            Some((first, last)) => {
                each(first, last);
                Some((at, at))
            }
            None => Some((at, at)),
        };
    }
    if let Some((first, last)) = open {
        each(first, last);
    }
}

/// Reads `segment FILE SIZE dead RANGE…`.
fn entry(line: &str) -> Option<Entry> {
    let mut fields = line.split(' ');
    if fields.next() != Some("segment") {
        return None;
    }
    let file = fields.next().filter(|name| is_file(name, SEGMENT))?.to_owned();
    let size: u64 = fields.next()?.parse().ok()?;
    if fields.next() != Some("dead") {
        return None;
    }
    let mut dead = Tombstones::default();
    // Ranges stand in order and apart, and a name takes more than a byte: what is read is bounded by the index itself.
    let mut least = 0;
    for field in fields {
        let (first, last) = field.split_once('-').unwrap_or((field, field));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if last as usize >= MAX_NAMES || u64::from(last) >= size || first > last || first < least {
            return None;
        }
        least = last + 1;
        (first..=last).for_each(|at| {
            dead.insert(at);
        });
    }
    Some(Entry { file, size, dead })
}

/// Reads `notes FILE SIZE`.
fn notes(line: &str) -> Option<(String, u64)> {
    let (file, size) = line.strip_prefix("notes ")?.split_once(' ')?;
    Some((file.to_owned(), size.parse().ok()?)).filter(|(file, _)| is_file(file, NOTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let mut dead = Tombstones::default();
        for at in [3, 17, 18, 19] {
            dead.insert(at);
        }
        let entry = |number, dead| Entry { file: segment_file(5, number), size: 812_344, dead };
        let segments = vec![entry(0, dead), entry(1, Tombstones::default())];
        Manifest { generation: 7, segments, notes: vec![(notes_file(5, 2), 40_110)] }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = sample().write();
        assert!(text.contains("dead 3 17-19\n"), "{text}");
        assert_eq!(Manifest::parse(&text), Ok(sample()));
        assert_eq!(Manifest::parse(&Manifest::default().write()), Ok(Manifest::default()));
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        let good = sample().write().into_bytes();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            let parsed = String::from_utf8(bad).map_or(Err("text"), |text| Manifest::parse(&text));
            assert!(parsed.is_err(), "byte {at}");
            assert!(std::str::from_utf8(&good[..at]).is_ok_and(|text| Manifest::parse(text).is_err()));
        }
    }

    #[test]
    fn ranges_stand_in_order_within_the_segment() {
        let line = |dead: &str| entry(&format!("segment 000000000005-0.segment 100 dead {dead}"));
        assert!(line("3 17-19").is_some());
        for wrong in ["17-19 3", "3 3", "3-9 9-12", "9-3", "3-100"] {
            assert!(line(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_file_outside_the_directory_is_refused() {
        for name in ["../x.segment", "1.segment", "-1.segment", "1-.segment", "a-b.segment", "1-2.seg"] {
            assert!(!is_file(name, SEGMENT), "{name}");
        }
        assert!(is_file(&segment_file(1, 2), SEGMENT) && !is_file(&segment_file(1, 2), NOTES));
        assert!(is_ours(&notes_file(1, 2)) && is_ours("manifest.tmp") && !is_ours("letter.txt"));
    }
}
