//! The ledger: notes, checkpoints, entries, tiles and what a partner or an oversight body is handed.

use super::{Outcome, Target, refused, same_bytes};
use ed25519_dalek::{Signer as _, SigningKey};
use mithaq_ledger::{
    AddCheckpoint, Appender, BundleBuilder, Checkpoint, Code, Entry, ForkProof, Hash, Id, KeyKind, KeyName,
    MemoryTiles, NoteSigner, Opening, SignedNote, TilePath, Trust, VerifierKey, commit, encode_entry_bundle,
    key_id, parse_entry_bundle, prove_consistency, prove_range, root_at, verify_bundle,
};
use sha2::{Digest as _, Sha256};

pub(super) const ORIGIN: &str = "ma-security/log";
const WORDS: &[&[u8]] = &[
    b"\n\n",
    b"\xe2\x80\x94 ",
    b"mxe/1\n",
    b"mxf/1\n",
    b"ma-security/log",
    b"tile/",
    b"entries/",
    b".p/",
    b"/x001",
];

pub(super) fn targets() -> Vec<Target> {
    let target = |name, about, seeds: Option<Vec<Vec<u8>>>, run| {
        // No seeds: the test over all targets says so.
        Target { name, about, seeds: seeds.unwrap_or_default(), dictionary: WORDS, run }
    };
    vec![
        target("ledger-note", "SignedNote::parse", notes(), note),
        target("ledger-checkpoint", "Checkpoint::parse", checkpoints(), checkpoint),
        target("ledger-entry", "Entry::parse", entries(), entry),
        target("ledger-entry-bundle", "parse_entry_bundle", entry_bundles(), entry_bundle),
        target("ledger-tile-path", "TilePath from text", Some(tile_paths()), tile_path),
        target("ledger-fork", "ForkProof::parse and verify", forks(), fork),
        target("ledger-add-checkpoint", "AddCheckpoint::parse", requests(), request),
        target("ledger-bundle", "verify_bundle", bundles(), bundle),
        target(
            "ledger-bundle-forged",
            "verify_bundle, the digest made right again",
            bundles(),
            forged_bundle,
        ),
    ]
}

fn note(bytes: &[u8]) -> Outcome {
    match SignedNote::parse(bytes) {
        Ok(note) => {
            // Must refuse or accept, whatever the signatures are.
            let keys: Vec<VerifierKey> = log_key().verifier().into_iter().collect();
            drop(note.verify(&keys));
            same_bytes(bytes, &note.to_bytes())
        }
        Err(error) => refused(error),
    }
}

fn checkpoint(bytes: &[u8]) -> Outcome {
    let Ok(text) = core::str::from_utf8(bytes) else { return Outcome::Refused("not text".to_owned()) };
    match Checkpoint::parse(text) {
        Ok(checkpoint) => same_bytes(bytes, checkpoint.to_text().as_bytes()),
        Err(error) => refused(error),
    }
}

fn entry(bytes: &[u8]) -> Outcome {
    match Entry::parse(bytes) {
        Ok(entry) => same_bytes(bytes, &entry.encode()),
        Err(error) => refused(error),
    }
}

/// The width is not in the bytes, it is in the name of the tile: the first byte stands for it here.
fn entry_bundle(bytes: &[u8]) -> Outcome {
    let Some((width, rest)) = bytes.split_first() else { return Outcome::Refused("empty".to_owned()) };
    match parse_entry_bundle(rest, usize::from(*width)) {
        Ok(entries) => match encode_entry_bundle(&entries) {
            Ok(written) => same_bytes(rest, &written),
            Err(error) => Outcome::Broken(format!("accepted and not writable: {error}")),
        },
        Err(error) => refused(error),
    }
}

fn tile_path(bytes: &[u8]) -> Outcome {
    let Ok(text) = core::str::from_utf8(bytes) else { return Outcome::Refused("not text".to_owned()) };
    match text.parse::<TilePath>() {
        Ok(path) => same_bytes(bytes, path.to_string().as_bytes()),
        Err(error) => refused(error),
    }
}

fn fork(bytes: &[u8]) -> Outcome {
    let proof = match ForkProof::parse(bytes) {
        Ok(proof) => proof,
        Err(error) => return refused(error),
    };
    if proof.to_bytes() != bytes {
        return same_bytes(bytes, &proof.to_bytes());
    }
    let Some(key) = log_key().verifier() else { return Outcome::Broken("no test key".to_owned()) };
    match proof.verify(&[key]) {
        Ok(fork) => {
            let (a, b) = fork.checkpoints();
            if a.size() == b.size() && a.root() != b.root() {
                Outcome::Accepted
            } else {
                Outcome::Broken("a fork that is none".to_owned())
            }
        }
        Err(error) => refused(error),
    }
}

fn bundle(bytes: &[u8]) -> Outcome {
    let keys: Vec<VerifierKey> = log_key().verifier().into_iter().collect();
    match verify_bundle(bytes, &Trust::logs_only(&keys)) {
        Ok(verified) => {
            let counted = verified.segments().iter().flat_map(|segment| segment.entries()).count();
            if u64::try_from(counted) == Ok(verified.entry_count()) {
                Outcome::Accepted
            } else {
                Outcome::Broken("the entries are not as many as it says".to_owned())
            }
        }
        Err(error) => refused(error),
    }
}

/// A forger recomputes the digest at the end; then signatures, proofs and commitments are what refuses.
fn forged_bundle(bytes: &[u8]) -> Outcome {
    let Some((body, _)) = bytes.split_last_chunk::<32>() else { return Outcome::Refused("short".to_owned()) };
    let mut sealed = body.to_vec();
    sealed.extend_from_slice(&Sha256::digest(body));
    bundle(&sealed)
}

/// The key of the log in the seeds. Fixed: runs are repeatable.
pub(super) struct Key(SigningKey);

pub(super) fn log_key() -> Key {
    Key(SigningKey::from_bytes(&[1; 32]))
}

impl Key {
    pub(super) fn verifier(&self) -> Option<VerifierKey> {
        VerifierKey::new(ORIGIN, KeyKind::Ed25519, self.0.verifying_key().as_bytes()).ok()
    }
}

impl NoteSigner for Key {
    fn name(&self) -> &str {
        ORIGIN
    }
    fn key_id(&self) -> u32 {
        let name = KeyName::new(ORIGIN);
        name.map_or(0, |name| key_id(&name, KeyKind::Ed25519, self.0.verifying_key().as_bytes()))
    }
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

fn content(n: u64) -> Vec<u8> {
    format!("content {n}").into_bytes()
}

fn one_entry(n: u64) -> Option<Vec<u8>> {
    let object = format!("R-{n}");
    let at_ms = 1_760_000_000_000_i64.checked_add_unsigned(n)?;
    let (kind, role) = (Code::new("report.released").ok()?, Code::new("supervisor").ok()?);
    let mut entry = Entry::new(kind, at_ms, role, Id::new(&object).ok()?);
    entry.commitment = Some(commit(&[7; 32], &content(n)));
    if n % 2 == 1 {
        entry.case = Id::new("C-2026-014").ok();
        entry.purpose = Code::new("investigation").ok();
        entry.agreement = Some(Hash::new([3; 32]));
        entry.counterparty = Id::new("es-police").ok();
        entry.verdict = Id::new("permit").ok();
        entry.prev_state = Some(Hash::new([4; 32]));
    }
    Some(entry.encode())
}

fn entries() -> Option<Vec<Vec<u8>>> {
    (0..2).map(one_entry).collect()
}

fn entry_bundles() -> Option<Vec<Vec<u8>>> {
    let of = |count: u8| {
        let entries: Option<Vec<Vec<u8>>> = (0..u64::from(count)).map(one_entry).collect();
        let mut bytes = vec![count];
        bytes.extend(encode_entry_bundle(&entries?).ok()?);
        Some(bytes)
    };
    [1, 3, 20].into_iter().map(of).collect()
}

fn tile_paths() -> Vec<Vec<u8>> {
    let paths = ["tile/0/x001/x234/067", "tile/0/273", "tile/1/000.p/17", "tile/entries/273.p/112"];
    paths.map(|path| path.as_bytes().to_vec()).to_vec()
}

fn checkpoints() -> Option<Vec<Vec<u8>>> {
    let plain = Checkpoint::new(ORIGIN, 3, Hash::new([5; 32]), Vec::new()).ok()?;
    let extended =
        Checkpoint::new(ORIGIN, 1 << 40, Hash::new([6; 32]), vec!["one".to_owned(), "two 2".to_owned()])
            .ok()?;
    Some([plain, extended].map(|checkpoint| checkpoint.to_text().into_bytes()).to_vec())
}

fn signed(size: u64, root: Hash) -> Option<Vec<u8>> {
    let checkpoint = Checkpoint::new(ORIGIN, size, root, Vec::new()).ok()?;
    Some(checkpoint.sign(&log_key()).ok()?.to_bytes())
}

fn notes() -> Option<Vec<Vec<u8>>> {
    Some(vec![signed(3, Hash::new([5; 32]))?, signed(300, Hash::new([6; 32]))?])
}

fn requests() -> Option<Vec<Vec<u8>>> {
    let note = signed(300, Hash::new([6; 32]))?;
    let proof = vec![Hash::new([1; 32]), Hash::new([2; 32])];
    let first = AddCheckpoint { old_size: 0, proof: Vec::new(), note: note.clone() };
    Some([first, AddCheckpoint { old_size: 17, proof, note }].map(|one| one.to_bytes()).to_vec())
}

fn request(bytes: &[u8]) -> Outcome {
    match AddCheckpoint::parse(bytes) {
        Ok(request) => match SignedNote::parse(&request.note) {
            Ok(_) => same_bytes(bytes, &request.to_bytes()),
            Err(error) => refused(error),
        },
        Err(error) => refused(error),
    }
}

fn forks() -> Option<Vec<Vec<u8>>> {
    let proof = ForkProof::new(&signed(3, Hash::new([5; 32]))?, &signed(3, Hash::new([6; 32]))?);
    Some(vec![proof.to_bytes()])
}

/// Two checkpoints, a range, a single entry, both kinds of opening, a document.
fn bundles() -> Option<Vec<Vec<u8>>> {
    const SIZE: u64 = 40;
    let entries: Vec<Vec<u8>> = (0..SIZE).map(one_entry).collect::<Option<_>>()?;
    let (mut appender, mut tiles) = (Appender::new(), MemoryTiles::new());
    tiles.apply(appender.append(&entries).ok()?);
    let mut bundle = BundleBuilder::new(KeyName::new(ORIGIN).ok()?);
    bundle.checkpoint(&signed(10, root_at(&tiles, 10).ok()?)?, &[]).ok()?;
    let proof = prove_consistency(&tiles, 10, SIZE).ok()?;
    bundle.checkpoint(&signed(SIZE, appender.root())?, &proof).ok()?;
    for (start, end) in [(5_u64, 9_u64), (20, 21)] {
        let proof = prove_range(&tiles, start, end, SIZE).ok()?;
        let range = usize::try_from(start).ok()?..usize::try_from(end).ok()?;
        bundle.segment(start, &proof, entries.get(range)?).ok()?;
    }
    bundle.opening(6, &[7; 32], &Opening::Content(&content(6))).ok()?;
    bundle.document(Id::new("receipt/1").ok()?, b"bytes of a receipt").ok()?;
    Some(vec![bundle.finish().ok()?])
}
