//! Keys, logs and entries for the integration tests. Seeds are fixed: runs are repeatable.

use ed25519_dalek::{Signer as _, SigningKey};
use mithaq_ledger::{
    Appender, Checkpoint, Code, Entry, Hash, Id, KeyKind, KeyName, MemoryTiles, NoteSigner, VerifierKey,
    commit, key_id,
};

pub(crate) const ORIGIN: &str = "ma-security/log";

pub(crate) struct Key {
    key: SigningKey,
    name: &'static str,
    kind: KeyKind,
}

impl Key {
    pub(crate) fn new(seed: u8, name: &'static str, kind: KeyKind) -> Self {
        Self { key: SigningKey::from_bytes(&[seed; 32]), name, kind }
    }

    pub(crate) fn verifier(&self) -> VerifierKey {
        VerifierKey::new(self.name, self.kind, self.key.verifying_key().as_bytes()).unwrap()
    }
}

impl NoteSigner for Key {
    fn name(&self) -> &str {
        self.name
    }
    fn key_id(&self) -> u32 {
        key_id(&KeyName::new(self.name).unwrap(), self.kind, self.key.verifying_key().as_bytes())
    }
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

pub(crate) fn log_key() -> Key {
    Key::new(1, ORIGIN, KeyKind::Ed25519)
}

pub(crate) fn witness_keys() -> [Key; 2] {
    [
        Key::new(2, "es-police/witness", KeyKind::Cosignature),
        Key::new(3, "ci-judicial/witness", KeyKind::Cosignature),
    ]
}

pub(crate) fn salt(n: u64) -> [u8; 32] {
    [u8::try_from(n % 251).unwrap(); 32]
}

pub(crate) fn content(n: u64) -> Vec<u8> {
    format!("content {n}").into_bytes()
}

pub(crate) fn entry(n: u64) -> Vec<u8> {
    let object = format!("R-{n}");
    let code = |text| Code::new(text).unwrap();
    let at_ms = 1_760_000_000_000 + i64::try_from(n).unwrap();
    let mut entry = Entry::new(code("report.released"), at_ms, code("supervisor"), Id::new(&object).unwrap());
    entry.commitment = Some(commit(&salt(n), &content(n)));
    entry.encode()
}

/// A log of entries `0..size` with every tile it stored.
pub(crate) struct Log {
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) appender: Appender,
    pub(crate) tiles: MemoryTiles,
}

pub(crate) fn log_of(entries: Vec<Vec<u8>>) -> Log {
    let (mut appender, mut tiles) = (Appender::new(), MemoryTiles::new());
    tiles.apply(appender.append(&entries).unwrap());
    Log { entries, appender, tiles }
}

pub(crate) fn log(size: u64) -> Log {
    log_of((0..size).map(entry).collect())
}

pub(crate) fn signed(size: u64, root: Hash, witnesses: &[Key]) -> Vec<u8> {
    let checkpoint = Checkpoint::new(ORIGIN, size, root, vec![]).unwrap();
    let mut note = checkpoint.sign(&log_key()).unwrap();
    for (at_s, witness) in (1_760_000_100..).zip(witnesses) {
        let cosignature = note.cosign(witness, at_s).unwrap();
        note.add(cosignature).unwrap();
    }
    note.to_bytes()
}
