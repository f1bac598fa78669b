//! The bytes of attachments on disk: one file per ciphertext, named by its root, and the list of its chunks beside it.
//! Ciphertext only; a caller holds one chunk in memory. What a file is worth is said by the tables: a file without a row
//! is nobody's. Before anything is written the [`Room`] of the node is asked. Does not encrypt, verify or decide.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mithaq_wire::limits::{CHUNK_TAG, PLAIN_CHUNK};
use mithaq_wire::{CHUNK_LIST_MAX, Digest};

/// Bytes from one chunk to the next.
const STRIDE: u64 = PLAIN_CHUNK + CHUNK_TAG;

/// Which file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blob {
    /// A ciphertext by its root.
    Root(Digest),
    /// An upload under way.
    Upload([u8; 16]),
}

/// What is left of the volumes of a node: the one of its database and the one of its attachments.
pub trait Room: Send + Sync {
    /// Whether so many bytes of content can be written and what is reserved stays free. Looked at now, not remembered;
    /// no when nobody knows.
    fn has(&self, bytes: u64) -> bool;

    /// The database found no room: gives it some that was kept for that, and says whether it did.
    fn relieve(&self) -> bool;
}

/// A volume nobody looks at: of a copy, or of a test.
#[derive(Debug, Clone, Copy)]
pub struct Boundless;

impl Room for Boundless {
    fn has(&self, _bytes: u64) -> bool {
        true
    }
    fn relieve(&self) -> bool {
        false
    }
}

/// The directory of the attachments. Made at the first write.
#[derive(Clone)]
pub struct Blobs {
    dir: PathBuf,
    room: Arc<dyn Room>,
    /// Bytes being written at this moment, which the system may not have counted yet.
    under_way: Arc<AtomicU64>,
}

impl core::fmt::Debug for Blobs {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Blobs").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// Room for bytes that are being written, until it is dropped.
struct Claim<'a>(&'a AtomicU64, u64);

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::SeqCst);
    }
}

impl Blobs {
    /// Takes the directory; nothing is made yet. Several processes on one database need one directory.
    #[must_use]
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), room: Arc::new(Boundless), under_way: Arc::default() }
    }

    /// Writes only what a room has.
    #[must_use]
    pub fn within(self, room: Arc<dyn Room>) -> Self {
        Self { room, ..self }
    }

    /// Returns what is left of the volumes.
    #[must_use]
    pub fn room(&self) -> &dyn Room {
        &*self.room
    }

    /// Takes room for bytes before they are written; what others write at the same time counts.
    fn claim(&self, bytes: usize) -> io::Result<Claim<'_>> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let others = self.under_way.fetch_add(bytes, Ordering::SeqCst);
        let claim = Claim(&self.under_way, bytes);
        if self.room.has(others.saturating_add(bytes)) {
            return Ok(claim);
        }
        Err(io::ErrorKind::StorageFull.into())
    }

    /// Returns the directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, blob: Blob) -> PathBuf {
        self.dir.join(match blob {
            Blob::Root(root) => format!("{root:?}.mxa"),
            Blob::Upload(id) => format!("{}.upload", hex(&id)),
        })
    }

    fn list_path(&self, blob: Blob) -> PathBuf {
        self.path(blob).with_extension(match blob {
            Blob::Root(_) => "list",
            Blob::Upload(_) => "hashes",
        })
    }

    fn make_dir(&self) -> io::Result<()> {
        if !self.dir.is_dir() {
            fs::create_dir_all(&self.dir)?;
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                fs::set_permissions(&self.dir, fs::Permissions::from_mode(0o700))?;
            }
        }
        Ok(())
    }

    fn writable(&self, path: &Path) -> io::Result<File> {
        self.make_dir()?;
        OpenOptions::new().write(true).create(true).truncate(false).open(path)
    }

    /// Writes an encrypted chunk at its place. Not durable before [`Blobs::sync`].
    ///
    /// # Errors
    /// The system's; `StorageFull` also when there is no room but what is reserved.
    pub fn put_chunk(&self, blob: Blob, index: u64, sealed: &[u8]) -> io::Result<()> {
        let _claim = self.claim(sealed.len())?;
        let mut file = self.writable(&self.path(blob))?;
        file.seek(SeekFrom::Start(index.saturating_mul(STRIDE)))?;
        file.write_all(sealed)
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&self, blob: Blob) -> io::Result<()> {
        self.writable(&self.path(blob))?.sync_data()?;
        self.sync_dir()
    }

    /// Reads the encrypted chunk at a place, of so many bytes.
    ///
    /// # Errors
    /// The system's; `UnexpectedEof` when it is not all there.
    pub fn chunk(&self, blob: Blob, index: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.path(blob))?;
        file.seek(SeekFrom::Start(index.saturating_mul(STRIDE)))?;
        let length = usize::try_from(length.min(STRIDE)).unwrap_or(0);
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads as much of a place as is there, up to so many bytes.
    ///
    /// # Errors
    /// The system's; nothing there is no error.
    pub fn part(&self, blob: Blob, index: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut file = match File::open(self.path(blob)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            opened => opened?,
        };
        file.seek(SeekFrom::Start(index.saturating_mul(STRIDE)))?;
        let mut bytes = Vec::new();
        file.take(length.min(STRIDE)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Puts the hash of a chunk of an upload at its place. Durable with [`Blobs::sync_upload`].
    ///
    /// # Errors
    /// The system's.
    pub fn put_hash(&self, id: [u8; 16], index: u64, hash: Digest) -> io::Result<()> {
        let mut file = self.writable(&self.list_path(Blob::Upload(id)))?;
        file.seek(SeekFrom::Start(index.saturating_mul(32)))?;
        file.write_all(&hash.0)
    }

    /// Makes an upload with the hashes of its chunks durable.
    ///
    /// # Errors
    /// The system's.
    pub fn sync_upload(&self, id: [u8; 16]) -> io::Result<()> {
        self.writable(&self.list_path(Blob::Upload(id)))?.sync_data()?;
        self.sync(Blob::Upload(id))
    }

    /// Reads the hashes of an upload's chunks.
    ///
    /// # Errors
    /// The system's.
    pub fn hashes(&self, id: [u8; 16]) -> io::Result<Vec<Digest>> {
        let bytes = read_bounded(&self.list_path(Blob::Upload(id)))?;
        let (hashes, _torn) = bytes.as_chunks::<32>();
        Ok(hashes.iter().copied().map(Digest).collect())
    }

    /// Stores the list of a ciphertext, durable on return. The caller has checked it against the root.
    ///
    /// # Errors
    /// As [`Blobs::put_chunk`].
    pub fn put_list(&self, root: Digest, bytes: &[u8]) -> io::Result<()> {
        let _claim = self.claim(bytes.len())?;
        let path = self.list_path(Blob::Root(root));
        let part = path.with_extension("list-part");
        let mut file = self.writable(&part)?;
        file.set_len(0)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        self.sync_dir()
    }

    /// Reads the list of a ciphertext.
    ///
    /// # Errors
    /// The system's.
    pub fn list(&self, root: Digest) -> io::Result<Vec<u8>> {
        read_bounded(&self.list_path(Blob::Root(root)))
    }

    /// Makes a durable upload the ciphertext of a root, with its list. Again after the job around it was undone: it is.
    ///
    /// # Errors
    /// The system's; the upload is then as it was.
    pub fn finish(&self, id: [u8; 16], root: Digest, list: &[u8]) -> io::Result<()> {
        self.put_list(root, list)?;
        match fs::rename(self.path(Blob::Upload(id)), self.path(Blob::Root(root))) {
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && self.path(Blob::Root(root)).is_file() => {}
            renamed => renamed?,
        }
        self.sync_dir()
    }

    /// Gives a ciphertext of another directory a name in this one too, without copying it.
    ///
    /// # Errors
    /// The system's: it is there already, or the two are on different volumes.
    pub fn link(&self, other: &Self, root: Digest) -> io::Result<()> {
        self.make_dir()?;
        let blob = Blob::Root(root);
        fs::hard_link(other.list_path(blob), self.list_path(blob))?;
        fs::hard_link(other.path(blob), self.path(blob))?;
        self.sync_dir()
    }

    /// Returns how many bytes a file has; none when it is not there.
    #[must_use]
    pub fn size(&self, blob: Blob) -> Option<u64> {
        fs::metadata(self.path(blob)).ok().map(|found| found.len())
    }

    /// Whether a file was written to within a span. One whose time is not known counts as old.
    #[must_use]
    pub fn is_younger(&self, blob: Blob, than: Duration) -> bool {
        let paths = [self.path(blob), self.list_path(blob)];
        paths
            .iter()
            .filter_map(|path| fs::metadata(path).ok()?.modified().ok()?.elapsed().ok())
            .any(|age| age < than)
    }

    /// Removes a file with what lies beside it. Nothing there is no error.
    ///
    /// # Errors
    /// The system's.
    pub fn remove(&self, blob: Blob) -> io::Result<()> {
        remove(&self.path(blob))?;
        remove(&self.list_path(blob))?;
        if self.dir.is_dir() { self.sync_dir() } else { Ok(()) }
    }

    /// Returns everything there is, for finding what no row names.
    ///
    /// # Errors
    /// The system's.
    pub fn all(&self) -> io::Result<BTreeSet<Blob>> {
        let mut found = BTreeSet::new();
        if !self.dir.is_dir() {
            return Ok(found);
        }
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            match path.extension().and_then(|end| end.to_str()) {
                Some("mxa" | "list") => found.extend(unhex(stem).map(|root| Blob::Root(Digest(root)))),
                Some("upload" | "hashes") => found.extend(unhex(stem).map(Blob::Upload)),
                Some(_) | None => {}
            }
        }
        Ok(found)
    }

    fn sync_dir(&self) -> io::Result<()> {
        // A name is durable when its directory is.
        #[cfg(unix)]
        File::open(&self.dir)?.sync_all()?;
        Ok(())
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _gone => Ok(()),
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let max = u64::try_from(CHUNK_LIST_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)?.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    use core::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != N * 2 || !text.is_ascii() {
        return None;
    }
    for (place, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *place = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: Digest = Digest([0xab; 32]);

    #[test]
    fn nothing_is_made_before_the_first_write_and_nothing_is_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::at(dir.path().join("attachments"));
        assert_eq!(blobs.all().unwrap(), BTreeSet::new());
        assert_eq!(blobs.size(Blob::Root(ROOT)), None);
        blobs.remove(Blob::Root(ROOT)).unwrap();
        assert!(!blobs.dir().exists());
        blobs.put_chunk(Blob::Upload([7; 16]), 1, b"second").unwrap();
        blobs.put_hash([7; 16], 1, Digest([2; 32])).unwrap();
        blobs.put_chunk(Blob::Upload([7; 16]), 0, &vec![1; usize::try_from(STRIDE).unwrap()]).unwrap();
        blobs.put_hash([7; 16], 0, Digest([1; 32])).unwrap();
        blobs.sync_upload([7; 16]).unwrap();
        assert_eq!(blobs.hashes([7; 16]).unwrap(), [Digest([1; 32]), Digest([2; 32])]);
        assert_eq!(blobs.all().unwrap(), [Blob::Upload([7; 16])].into());
        blobs.finish([7; 16], ROOT, b"a list").unwrap();
        assert_eq!(blobs.list(ROOT).unwrap(), b"a list");
        assert_eq!(blobs.chunk(Blob::Root(ROOT), 1, 6).unwrap(), b"second");
        assert_eq!(blobs.part(Blob::Root(ROOT), 1, 100).unwrap(), b"second");
        assert!(blobs.chunk(Blob::Root(ROOT), 1, 7).is_err(), "not all there");
        assert!(blobs.chunk(Blob::Root(ROOT), 2, 1).is_err());
        blobs.remove(Blob::Root(ROOT)).unwrap();
        blobs.remove(Blob::Upload([7; 16])).unwrap();
        assert_eq!(fs::read_dir(blobs.dir()).unwrap().count(), 0);
    }

    #[test]
    fn a_name_is_read_back_and_nothing_else_is_one() {
        assert_eq!(unhex::<2>(&hex(&[0x0f, 0xa0])), Some([0x0f, 0xa0]));
        for bad in ["", "0f", "0fa", "0g00", "éé"] {
            assert_eq!(unhex::<2>(bad), None, "{bad}");
        }
    }
}
