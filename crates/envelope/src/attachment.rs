//! Attachments, chunk by chunk: each encrypted for its place in its file, each named by its hash. Reads and writes no
//! file; a caller holds one chunk in memory.
//!
//! The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its
//! Nonce-Reuse Misuse-Resistance, CRYPTO 2015, §7) over ChaCha20-Poly1305 (RFC 8439): the nonce is the place of the
//! chunk, eleven bytes, and one byte that is 1 for the last. A chunk that is moved, repeated, left out, cut or of
//! another file does not open, and a file that ends early has no last chunk.

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use mithaq_model::Sensitive;
use mithaq_wire::limits::{CHUNK_TAG, PLAIN_CHUNK};
use mithaq_wire::{ChunkList, Digest, encode_chunk_list};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

/// Bound into every chunk: the key is for nothing else.
const CONTEXT: &[u8] = b"mithaq/attachment/chunk/1";
/// What the hash of a list begins with.
const ROOT: &[u8] = b"mithaq/attachment/list/1";

/// Why a chunk is not taken or does not open. Never repeats what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ChunkError {
    /// Not the hash that the list has at that place.
    #[error("the chunk is not the one the list names at its place")]
    Hash,
    /// Not of the length its place has.
    #[error("the chunk is not of the length of its place")]
    Length,
    /// Changed, of another place or file, or the key is not the one it was sealed with.
    #[error("the chunk does not open at its place")]
    Sealed,
}

/// The key of one attachment and where its file ends.
pub struct ChunkKey {
    cipher: ChaCha20Poly1305,
    length: u64,
}

impl ChunkKey {
    /// Takes the key of a report's attachment and the bytes of its file.
    #[must_use]
    pub fn new(key: &Sensitive<[u8; 32]>, length: u64) -> Self {
        Self { cipher: ChaCha20Poly1305::new(key.reveal().into()), length }
    }

    /// Encrypts the chunk at a place, from 0. One key seals one file: the same place with other bytes is for the
    /// caller never to ask.
    ///
    /// # Errors
    /// [`ChunkError::Length`] when the bytes are not as many as that place has.
    pub fn seal(&self, index: u64, plain: &[u8]) -> Result<Vec<u8>, ChunkError> {
        let (nonce, length) = self.place(index)?;
        if u64::try_from(plain.len()) != Ok(length) {
            return Err(ChunkError::Length);
        }
        let payload = Payload { msg: plain, aad: CONTEXT };
        self.cipher.encrypt((&nonce).into(), payload).map_err(|_long| ChunkError::Length)
    }

    /// Decrypts the chunk at a place.
    ///
    /// # Errors
    /// [`ChunkError::Length`] for another length than the place has, [`ChunkError::Sealed`] when it does not open.
    pub fn open(&self, index: u64, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, ChunkError> {
        let (nonce, length) = self.place(index)?;
        if u64::try_from(sealed.len()) != Ok(length.saturating_add(CHUNK_TAG)) {
            return Err(ChunkError::Length);
        }
        let payload = Payload { msg: sealed, aad: CONTEXT };
        let plain = self.cipher.decrypt((&nonce).into(), payload);
        plain.map(Zeroizing::new).map_err(|_forged| ChunkError::Sealed)
    }

    /// The nonce of a place and how many bytes of the file are there.
    fn place(&self, index: u64) -> Result<([u8; 12], u64), ChunkError> {
        let chunks = mithaq_wire::chunks_of(self.length);
        if index >= chunks {
            return Err(ChunkError::Length);
        }
        let last = index.saturating_add(1) == chunks;
        let mut nonce = [0; 12];
        // Eleven bytes of counter, of which a file can only fill the lower eight.
        nonce.iter_mut().skip(3).zip(index.to_be_bytes()).for_each(|(place, byte)| *place = byte);
        let [.., flag] = &mut nonce;
        *flag = u8::from(last);
        let before = index.saturating_mul(PLAIN_CHUNK);
        Ok((nonce, self.length.saturating_sub(before).min(PLAIN_CHUNK)))
    }
}

/// Returns the hash of an encrypted chunk, as its list holds it.
#[must_use]
pub fn chunk_hash(sealed: &[u8]) -> Digest {
    Digest(Sha256::digest(sealed).into())
}

/// Returns the root of a list: what a report names, and what the file is called at every node that has it.
#[must_use]
pub fn attachment_root(list: &ChunkList) -> Digest {
    let list = encode_chunk_list(list);
    Digest(Sha256::new().chain_update(ROOT).chain_update(list).finalize().into())
}

/// Says whether bytes are the encrypted chunk at a place of a list. Needs no key: what is kept is checked before it is
/// kept, by whoever keeps it.
///
/// # Errors
/// [`ChunkError::Length`] or [`ChunkError::Hash`] when they are not.
pub fn check_chunk(list: &ChunkList, index: u64, sealed: &[u8]) -> Result<(), ChunkError> {
    if list.sealed_length(index) != u64::try_from(sealed.len()).ok() {
        return Err(ChunkError::Length);
    }
    if list.hash(index) == Some(chunk_hash(sealed)) { Ok(()) } else { Err(ChunkError::Hash) }
}

#[cfg(test)]
mod tests {
    use mithaq_model::AgreementId;
    use mithaq_wire::{Want, decode_chunk_list, encode_wants};

    use super::*;

    const MIB: usize = 1024 * 1024;

    fn sealed(key: u8, plain: &[u8]) -> (ChunkKey, Vec<Vec<u8>>, ChunkList) {
        let length = u64::try_from(plain.len()).unwrap();
        let key = ChunkKey::new(&Sensitive::new([key; 32]), length);
        let parts: Vec<&[u8]> = if plain.is_empty() { vec![&[]] } else { plain.chunks(MIB).collect() };
        let chunks: Vec<_> = (0..).zip(parts).map(|(n, part)| key.seal(n, part).unwrap()).collect();
        let list = ChunkList::new(length, chunks.iter().map(|one| chunk_hash(one)).collect()).unwrap();
        (key, chunks, list)
    }

    fn file(length: usize) -> Vec<u8> {
        (0..length).map(|n| (n % 251).to_be_bytes()[7]).collect()
    }

    #[test]
    fn every_length_comes_back() {
        for length in [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB, 3 * MIB + 17] {
            let plain = file(length);
            let (key, chunks, list) = sealed(1, &plain);
            let mut back = Vec::new();
            for (n, chunk) in (0..).zip(&chunks) {
                check_chunk(&list, n, chunk).unwrap();
                back.extend_from_slice(&key.open(n, chunk).unwrap());
            }
            assert_eq!(back, plain, "{length}");
        }
    }

    #[test]
    fn swapped_repeated_and_foreign_chunks_do_not_open() {
        let plain = file(3 * MIB);
        let (key, chunks, list) = sealed(1, &plain);
        let (_, foreign, _) = sealed(2, &plain);
        for (at, bytes) in [(0, &chunks[1]), (1, &chunks[0]), (2, &chunks[1]), (0, &foreign[0])] {
            assert_eq!(key.open(at, bytes).unwrap_err(), ChunkError::Sealed, "{at}");
            assert_eq!(check_chunk(&list, at, bytes), Err(ChunkError::Hash), "{at}");
        }
        assert_eq!(key.open(3, &chunks[2]).unwrap_err(), ChunkError::Length, "behind the end");
        assert_eq!(check_chunk(&list, 3, &chunks[2]), Err(ChunkError::Length));
    }

    #[test]
    fn a_file_cut_at_a_chunk_has_no_last_chunk() {
        let plain = file(3 * MIB);
        let (_, chunks, list) = sealed(1, &plain);
        let short = ChunkKey::new(&Sensitive::new([1; 32]), u64::try_from(2 * MIB).unwrap());
        assert!(short.open(0, &chunks[0]).is_ok());
        assert_eq!(short.open(1, &chunks[1]).unwrap_err(), ChunkError::Sealed, "not sealed as the last");
        let cut = ChunkList::new(2 << 20, vec![list.hash(0).unwrap(), list.hash(1).unwrap()]).unwrap();
        assert_ne!(attachment_root(&cut), attachment_root(&list));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let (key, chunks, list) = sealed(1, b"list of passengers");
        for byte in 0..chunks[0].len() {
            let mut bad = chunks[0].clone();
            bad[byte] ^= 1;
            assert_eq!(key.open(0, &bad).unwrap_err(), ChunkError::Sealed);
            assert_eq!(check_chunk(&list, 0, &bad), Err(ChunkError::Hash));
            assert_eq!(key.open(0, &bad[..byte]).unwrap_err(), ChunkError::Length);
            assert_eq!(check_chunk(&list, 0, &bad[..byte]), Err(ChunkError::Length));
        }
        assert_eq!(key.seal(0, b"longer than it says").unwrap_err(), ChunkError::Length);
        assert_eq!(key.seal(1, b"").unwrap_err(), ChunkError::Length);
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    fn unhex(text: &str) -> Vec<u8> {
        let digit = |c: u8| u8::try_from(char::from(c).to_digit(16).unwrap()).unwrap();
        text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
    }

    /// `docs/spec/vectors/attachments.json`, made by a program that shares nothing with this one.
    #[test]
    fn the_vectors_of_attachments_hold() {
        let page: serde_json::Value =
            serde_json::from_str(include_str!("../../../docs/spec/vectors/attachments.json")).unwrap();
        let files = page["files"].as_array().unwrap();
        assert_eq!(files.len(), 4);
        for shown in files {
            let length = usize::try_from(shown["length"].as_u64().unwrap()).unwrap();
            let plain = match shown["plain"].as_str() {
                Some(plain) => unhex(plain),
                None => file(length),
            };
            let key = unhex(shown["key"].as_str().unwrap());
            let (_, chunks, list) = sealed(key[0], &plain);
            let hashes: Vec<_> =
                chunks.iter().map(|chunk| serde_json::Value::from(hex(&chunk_hash(chunk).0))).collect();
            assert_eq!(shown["hashes"].as_array().unwrap(), &hashes);
            assert_eq!(shown["list"], hex(&encode_chunk_list(&list)));
            assert_eq!(shown["root"], hex(&attachment_root(&list).0));
            assert_eq!(decode_chunk_list(&unhex(shown["list"].as_str().unwrap())), Ok(list));
            for (chunk, shown) in chunks.iter().zip(shown["chunks"].as_array().into_iter().flatten()) {
                assert_eq!(*shown, hex(chunk));
            }
        }
        for refused in page["refused_lists"].as_array().unwrap() {
            let bytes = unhex(refused["bytes"].as_str().unwrap());
            assert!(decode_chunk_list(&bytes).is_err(), "{refused}");
        }
        let wants = &page["wants"];
        let (agreement, root) = (unhex(wants["agreement"].as_str().unwrap()), &files[0]["root"]);
        let want = |have: &serde_json::Value| Want {
            agreement: AgreementId::new(agreement.clone().try_into().unwrap()),
            root: Digest(unhex(root.as_str().unwrap()).try_into().unwrap()),
            have: have.as_u64(),
        };
        let wanted: Vec<_> = wants["have"].as_array().unwrap().iter().map(want).collect();
        assert_eq!(wants["bytes"], hex(&encode_wants(&wanted)));
    }

    /// The worked example of `docs/spec/attachments.md`.
    #[test]
    fn the_example_of_the_specification() {
        let (_, chunks, list) = sealed(0x42, b"ferry, 12 May\n");
        let page = include_str!("../../../docs/spec/attachments.md");
        for part in
            [&chunks[0][..], &chunk_hash(&chunks[0]).0, &encode_chunk_list(&list), &attachment_root(&list).0]
        {
            assert!(page.contains(&hex(part)), "{}", hex(part));
        }
    }
}
