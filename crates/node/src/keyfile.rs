//! Secret keys at rest: one small file, encrypted under a passphrase or a key file, never in the database
//! beside the data. The offline root has a file of its own, so that a node can run without it.
//!
//! ```text
//! "mxk/1\n" || kdf u8 || m_kib u32 || t u32 || salt [16] || nonce [12] || ciphertext || tag [16]
//! plaintext = n u8 || n × ( name u8-length || value u16-length )
//! ```
//! kdf 1 is Argon2id (RFC 9106, p = 1); kdf 2 takes the SHA-256 of a key file of at least 32 bytes as the key.
//! Everything before the ciphertext is authenticated.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use thiserror::Error;
use zeroize::Zeroizing;

const MAGIC: &[u8; 6] = b"mxk/1\n";
const HEADER: usize = 6 + 1 + 4 + 4 + 16 + 12;
const KDF_ARGON2ID: u8 = 1;
const KDF_KEY_FILE: u8 = 2;
/// Argon2id cost: 64 MiB, three passes (RFC 9106, second recommended option).
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
/// A key file larger than this is not one.
const FILE_MAX: u64 = 64 * 1024;
/// What a hostile file may make the node spend on deriving a key.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 16;

/// What unlocks a key file.
pub enum Unlock {
    /// A passphrase.
    Passphrase(Zeroizing<String>),
    /// The bytes of a file, at least 32.
    KeyFile(Zeroizing<Vec<u8>>),
}

impl Unlock {
    /// Reads the unlocking file at a path.
    ///
    /// # Errors
    /// When it cannot be read or holds fewer than 32 bytes.
    pub fn from_file(path: &Path) -> Result<Self, KeyFileError> {
        let bytes = Zeroizing::new(read_bounded(path)?);
        if bytes.len() < 32 { Err(KeyFileError::WeakKeyFile) } else { Ok(Self::KeyFile(bytes)) }
    }

    fn derive(
        &self,
        kdf: u8,
        memory: u32,
        passes: u32,
        salt: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
        let mut key = Zeroizing::new([0_u8; 32]);
        match (self, kdf) {
            (Self::Passphrase(text), KDF_ARGON2ID) => {
                if memory > MEMORY_KIB_MAX || passes > PASSES_MAX {
                    return Err(KeyFileError::Malformed);
                }
                let params =
                    argon2::Params::new(memory, passes, 1, Some(32)).map_err(|_| KeyFileError::Malformed)?;
                argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
                    .hash_password_into(text.as_bytes(), salt, key.as_mut())
                    .map_err(|_| KeyFileError::Malformed)?;
            }
            (Self::KeyFile(bytes), KDF_KEY_FILE) => {
                let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
                key.iter_mut().zip(digest.as_ref()).for_each(|(place, byte)| *place = *byte);
            }
            (Self::Passphrase(_), _) => return Err(KeyFileError::NeedsKeyFile),
            (Self::KeyFile(_), _) => return Err(KeyFileError::NeedsPassphrase),
        }
        Ok(key)
    }

    const fn kdf(&self) -> u8 {
        match self {
            Self::Passphrase(_) => KDF_ARGON2ID,
            Self::KeyFile(_) => KDF_KEY_FILE,
        }
    }
}

/// Named secrets. No `Debug`, no `Display`; zeroized when dropped.
#[derive(Default)]
pub struct Secrets(BTreeMap<String, Zeroizing<Vec<u8>>>);

impl Secrets {
    /// Adds or replaces a secret. Names have 1 to 32 bytes, values up to 4,096.
    pub fn put(&mut self, name: &str, value: Vec<u8>) {
        self.0.insert(name.to_owned(), Zeroizing::new(value));
    }

    /// Returns a secret.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(|value| value.as_slice())
    }

    /// Returns a secret of 32 bytes.
    ///
    /// # Errors
    /// When it is missing or has another length.
    pub fn seed(&self, name: &'static str) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
        let value = self.get(name).ok_or(KeyFileError::Missing { name })?;
        value.try_into().map(Zeroizing::new).map_err(|_| KeyFileError::Missing { name })
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(vec![u8::try_from(self.0.len()).unwrap_or(u8::MAX)]);
        for (name, value) in &self.0 {
            out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
            out.extend_from_slice(value);
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (count, mut rest) = bytes.split_first()?;
        let mut secrets = Self::default();
        for _ in 0..*count {
            let (length, after) = rest.split_first()?;
            let (name, after) = after.split_at_checked(usize::from(*length))?;
            let (length, after) = after.split_at_checked(2)?;
            let length = u16::from_be_bytes(length.try_into().ok()?);
            let (value, after) = after.split_at_checked(usize::from(length))?;
            secrets.put(core::str::from_utf8(name).ok()?, value.to_vec());
            rest = after;
        }
        rest.is_empty().then_some(secrets)
    }
}

/// Writes the secrets to a new file, readable by its owner only. Never replaces a file: a key that is
/// overwritten by surprise is a node lost.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn create(
    path: &Path,
    secrets: &Secrets,
    unlock: &Unlock,
    random: &[u8; 28],
) -> Result<(), KeyFileError> {
    let (salt, nonce) = random.split_at(16);
    let mut file = Vec::with_capacity(1024);
    file.extend_from_slice(MAGIC);
    file.push(unlock.kdf());
    file.extend_from_slice(&MEMORY_KIB.to_be_bytes());
    file.extend_from_slice(&PASSES.to_be_bytes());
    file.extend_from_slice(salt);
    file.extend_from_slice(nonce);
    let key = unlock.derive(unlock.kdf(), MEMORY_KIB, PASSES, salt)?;
    let plain = secrets.encode();
    let sealed = cipher(&key)
        .encrypt(&nonce_of(nonce)?, Payload { msg: &plain, aad: &file })
        .map_err(|_| KeyFileError::Malformed)?;
    file.extend_from_slice(&sealed);
    write_new(path, &file)
}

/// Reads and unlocks a key file.
///
/// # Errors
/// When it cannot be read, is malformed, or what unlocks it is wrong (which looks the same as damage).
pub fn open(path: &Path, unlock: &Unlock) -> Result<Secrets, KeyFileError> {
    #[cfg(test)]
    OPENED.with(|times| times.set(times.get() + 1));
    let file = Zeroizing::new(read_bounded(path)?);
    let (header, sealed) = file.split_at_checked(HEADER).ok_or(KeyFileError::Malformed)?;
    let mut reader = header;
    let magic = take(&mut reader, 6)?;
    if magic != MAGIC {
        return Err(KeyFileError::Malformed);
    }
    let kdf = take(&mut reader, 1)?.first().copied().unwrap_or(0);
    let memory = word(take(&mut reader, 4)?)?;
    let passes = word(take(&mut reader, 4)?)?;
    let salt = take(&mut reader, 16)?;
    let nonce = take(&mut reader, 12)?;
    let key = unlock.derive(kdf, memory, passes, salt)?;
    let plain = cipher(&key)
        .decrypt(&nonce_of(nonce)?, Payload { msg: sealed, aad: header })
        .map_err(|_| KeyFileError::Locked)?;
    Secrets::decode(&Zeroizing::new(plain)).ok_or(KeyFileError::Malformed)
}

#[cfg(test)]
std::thread_local! {
    static OPENED: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

/// How often this thread opened key files.
#[cfg(test)]
pub(crate) fn opened() -> usize {
    OPENED.get()
}

fn cipher(key: &[u8; 32]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&Key::from(*key))
}

fn nonce_of(bytes: &[u8]) -> Result<Nonce, KeyFileError> {
    <[u8; 12]>::try_from(bytes).map(Nonce::from).map_err(|_| KeyFileError::Malformed)
}

fn take<'a>(reader: &mut &'a [u8], count: usize) -> Result<&'a [u8], KeyFileError> {
    let (head, tail) = reader.split_at_checked(count).ok_or(KeyFileError::Malformed)?;
    *reader = tail;
    Ok(head)
}

fn word(bytes: &[u8]) -> Result<u32, KeyFileError> {
    bytes.try_into().map(u32::from_be_bytes).map_err(|_| KeyFileError::Malformed)
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, KeyFileError> {
    let io = |source| KeyFileError::Io { path: path.display().to_string(), source };
    if fs::metadata(path).map_err(io)?.len() > FILE_MAX {
        return Err(KeyFileError::Malformed);
    }
    fs::read(path).map_err(io)
}

/// Creates a file that did not exist, for its owner's eyes only, and makes it durable.
///
/// # Errors
/// When it exists or cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    let io = |source| KeyFileError::Io { path: path.display().to_string(), source };
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(io)?;
    file.write_all(bytes).map_err(io)?;
    file.sync_all().map_err(io)
}

/// Why a key file could not be used. Never holds a secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file could not be read or written.
    #[error("cannot use the key file `{path}`")]
    Io {
        /// Which file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Wrong passphrase or key file, or the file is damaged.
    #[error("the key file cannot be unlocked: wrong passphrase or unlocking file, or the file is damaged")]
    Locked,
    /// Not a key file of this version.
    #[error("the key file is malformed")]
    Malformed,
    /// A key is not in the file.
    #[error("the key file lacks the key `{name}`")]
    Missing {
        /// Which key.
        name: &'static str,
    },
    /// The file is locked with an unlocking file.
    #[error("the key file is locked with an unlocking file, not with a passphrase")]
    NeedsKeyFile,
    /// The file is locked with a passphrase.
    #[error("the key file is locked with a passphrase, not with an unlocking file")]
    NeedsPassphrase,
    /// Too short to be a key.
    #[error("the unlocking file holds fewer than 32 bytes")]
    WeakKeyFile,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Unlock {
        Unlock::KeyFile(Zeroizing::new(vec![byte; 32]))
    }

    fn sample() -> Secrets {
        let mut secrets = Secrets::default();
        secrets.put("node", vec![7; 32]);
        secrets.put("tls", vec![9; 100]);
        secrets
    }

    #[test]
    fn opens_with_the_right_key_only_and_never_overwrites() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.mxk");
        create(&path, &sample(), &key(1), &[3; 28]).unwrap();
        let opened = open(&path, &key(1)).unwrap();
        assert_eq!(opened.seed("node").unwrap().as_ref(), &[7; 32]);
        assert_eq!(opened.get("tls"), Some(&[9_u8; 100][..]));
        assert!(matches!(opened.seed("absent"), Err(KeyFileError::Missing { .. })));
        assert!(matches!(open(&path, &key(2)), Err(KeyFileError::Locked)));
        assert!(matches!(create(&path, &sample(), &key(1), &[3; 28]), Err(KeyFileError::Io { .. })));
    }

    #[test]
    fn a_passphrase_opens_what_it_locked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.mxk");
        let phrase = |text: &str| Unlock::Passphrase(Zeroizing::new(text.to_owned()));
        create(&path, &sample(), &phrase("four quiet words here"), &[5; 28]).unwrap();
        assert!(open(&path, &phrase("four quiet words here")).is_ok());
        assert!(matches!(open(&path, &phrase("other")), Err(KeyFileError::Locked)));
        assert!(matches!(open(&path, &key(1)), Err(KeyFileError::NeedsPassphrase)));
    }

    #[test]
    fn every_flipped_byte_and_every_truncation_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.mxk");
        create(&path, &sample(), &key(1), &[3; 28]).unwrap();
        let good = fs::read(&path).unwrap();
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert!(open(&path, &key(1)).is_err(), "byte {place}");
            fs::write(&path, &good[..place]).unwrap();
            assert!(open(&path, &key(1)).is_err(), "length {place}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.mxk");
        create(&path, &sample(), &key(1), &[3; 28]).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
