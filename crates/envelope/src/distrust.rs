//! Statements of a root that a key is not trusted any more, and the papers about keys that one node hands another:
//! manifests and statements. Revocation needs neither a directory nor a clock: what the partner took before stays, what
//! comes later under that key is refused.

use mithaq_model::{PartyId, Timestamp};
use mithaq_wire::cbor::{Reader, Writer};

use crate::error::ManifestError;
use crate::keys::RootSigner;
use crate::manifest::{RootSigned, root_sign};

const CONTEXT: &[u8] = b"mithaq/1 distrust";
/// Version of papers, and of a statement without a checkpoint.
const VERSION: u64 = 1;
/// Version of a statement with the checkpoint of its size.
const PROVEN: u64 = 2;
/// Longest checkpoint in a statement: a note with the signature of the log and those of witnesses.
const CHECKPOINT_MAX: usize = 4 * 1024;
/// Longest signed statement in bytes: the root's keys and signatures are most of it.
const DISTRUST_MAX: usize = 12 * 1024;
/// Longest document of papers in bytes.
pub const PAPERS_MAX: usize = 512 * 1024;
/// Most manifests or statements in one document: a node that is further behind asks again.
pub const PAPERS_EACH_MAX: usize = 32;
/// Longest name of a log in bytes.
const LOG_MAX: usize = 128;
/// Longest manifest in a document of papers.
const MANIFEST_MAX: usize = 96 * 1024;

/// A key that its own party does not trust from a size of its log on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distrust {
    /// The party; it speaks about its own keys only.
    pub party: PartyId,
    /// The key: an Ed25519 public key of a node or agency, or the pin of a TLS key.
    pub key: [u8; 32],
    /// Name of the party's log.
    pub log: String,
    /// Entries of that log below this one are trusted still.
    pub since: u64,
    /// When the root signed it. Says nothing about order.
    pub at: Timestamp,
    /// The checkpoint that the log signed at that size: which history is meant. Empty in a statement without one, which
    /// proves no size: nothing under the key counts then.
    pub checkpoint: Vec<u8>,
}

fn encode(distrust: &Distrust) -> Vec<u8> {
    let mut w = Writer::default();
    let bare = distrust.checkpoint.is_empty();
    w.array(if bare { 6 } else { 7 }).uint(if bare { VERSION } else { PROVEN });
    w.text(distrust.party.as_str()).bytes(&distrust.key).text(&distrust.log);
    w.uint(distrust.since).int(distrust.at.as_millis());
    if !bare {
        w.bytes(&distrust.checkpoint);
    }
    w.finish()
}

fn decode(bytes: &[u8]) -> Option<Distrust> {
    let mut r = Reader::new(bytes);
    let parts = r.list(7).ok()?;
    let proven = match (parts, r.uint().ok()?) {
        (6, VERSION) => false,
        (7, PROVEN) => true,
        _other => return None,
    };
    let party = PartyId::new(r.text(64).ok()?).ok()?;
    let (key, log, since) = (r.array().ok()?, r.text(LOG_MAX).ok()?.to_owned(), r.uint().ok()?);
    let at = Timestamp::from_millis(r.int().ok()?);
    let checkpoint = if proven { r.bytes(CHECKPOINT_MAX).ok()?.to_vec() } else { Vec::new() };
    r.end().ok()?;
    // One spelling: a checkpoint that is not there is the other version.
    (proven != checkpoint.is_empty()).then_some(Distrust { party, key, log, since, at, checkpoint })
}

/// Returns the bytes that a root signs for a statement.
#[must_use]
pub fn distrust_document(distrust: &Distrust) -> Vec<u8> {
    encode(distrust)
}

/// Signs a statement with the root keys.
///
/// # Errors
/// When it is beyond the limits, or a root key fails.
pub fn sign_distrust(distrust: &Distrust, signer: &dyn RootSigner) -> Result<Vec<u8>, ManifestError> {
    let document = encode(distrust);
    if decode(&document).as_ref() != Some(distrust) {
        return Err(ManifestError::Malformed);
    }
    root_sign(CONTEXT, &document, signer).map_err(|_key| ManifestError::Key)
}

/// Reads what a statement claims. Nothing of it is verified: it tells whose root to verify it with.
///
/// # Errors
/// [`ManifestError::Malformed`] when the bytes are no statement.
pub fn peek_distrust(bytes: &[u8]) -> Result<Distrust, ManifestError> {
    let signed = RootSigned::read(bytes, DISTRUST_MAX).ok_or(ManifestError::Malformed)?;
    decode(signed.document).ok_or(ManifestError::Malformed)
}

/// Verifies a statement against the fingerprint the agreement names for this party.
///
/// # Errors
/// When it is no statement, not of this party, or not signed by both pinned root keys.
pub fn verify_distrust(bytes: &[u8], party: &PartyId, root: &[u8; 32]) -> Result<Distrust, ManifestError> {
    let signed = RootSigned::read(bytes, DISTRUST_MAX).ok_or(ManifestError::Malformed)?;
    if signed.keys.fingerprint() != *root {
        return Err(ManifestError::Root);
    }
    if !signed.verify(CONTEXT) {
        return Err(ManifestError::Signature);
    }
    let distrust = decode(signed.document).ok_or(ManifestError::Malformed)?;
    if distrust.party == *party { Ok(distrust) } else { Err(ManifestError::Party) }
}

/// What one node hands another about its keys. Nothing in it is trusted before it is verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Papers {
    /// Signed manifests, oldest first.
    pub manifests: Vec<Vec<u8>>,
    /// Signed statements of distrust, in the order they were made.
    pub distrusts: Vec<Vec<u8>>,
}

impl Papers {
    /// Writes the document.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(3).uint(VERSION).array(self.manifests.len());
        for one in &self.manifests {
            w.bytes(one);
        }
        w.array(self.distrusts.len());
        for one in &self.distrusts {
            w.bytes(one);
        }
        w.finish()
    }

    /// Reads the document.
    ///
    /// # Errors
    /// [`ManifestError::Malformed`] when it is none, not in its only encoding, or beyond the limits.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        Self::parse(bytes).ok_or(ManifestError::Malformed)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > PAPERS_MAX {
            return None;
        }
        let mut r = Reader::new(bytes);
        r.tuple(3).ok()?;
        (r.uint().ok()? == VERSION).then_some(())?;
        let manifests = list(&mut r, MANIFEST_MAX)?;
        let distrusts = list(&mut r, DISTRUST_MAX)?;
        r.end().ok()?;
        Some(Self { manifests, distrusts })
    }
}

fn list(r: &mut Reader<'_>, max: usize) -> Option<Vec<Vec<u8>>> {
    let count = r.list(PAPERS_EACH_MAX).ok()?;
    (0..count).map(|_| r.bytes(max).ok().map(<[u8]>::to_vec)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SoftRoot;
    use zeroize::Zeroizing;

    fn root(byte: u8) -> SoftRoot {
        SoftRoot::new(&Zeroizing::new([byte; 32]), &Zeroizing::new([byte + 1; 32])).unwrap()
    }

    fn party(name: &str) -> PartyId {
        PartyId::new(name).unwrap()
    }

    fn statement() -> Distrust {
        Distrust {
            party: party("ma-security"),
            key: [7; 32],
            log: "ma-security/log".to_owned(),
            since: 42,
            at: Timestamp::parse("2026-06-01").unwrap(),
            checkpoint: b"ma-security/log\n42\n".to_vec(),
        }
    }

    #[test]
    fn with_and_without_a_checkpoint_there_is_one_spelling_each() {
        let bare = Distrust { checkpoint: Vec::new(), ..statement() };
        for one in [statement(), bare.clone()] {
            assert_eq!(decode(&encode(&one)), Some(one));
        }
        // The version of one with the parts of the other, and an empty checkpoint.
        let mut renamed = encode(&bare);
        renamed[1] = 2;
        assert_eq!(decode(&renamed), None);
        let mut empty = encode(&bare);
        (empty[0], empty[1]) = (0x87, 2);
        empty.push(0x40);
        assert_eq!(decode(&empty), None);
        let long = Distrust { checkpoint: vec![7; CHECKPOINT_MAX + 1], ..statement() };
        assert_eq!(sign_distrust(&long, &root(1)), Err(ManifestError::Malformed));
    }

    #[test]
    fn the_vectors_of_papers_are_read_and_written_the_same() {
        let page = include_str!("../../../docs/spec/vectors/papers.json");
        let hex = |name: &str| {
            let text = page.split(&format!("\"{name}\": \"")).nth(1).unwrap().split('"').next().unwrap();
            let digit = |c: u8| u8::try_from(char::from(c).to_digit(16).unwrap()).unwrap();
            text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect::<Vec<u8>>()
        };
        let papers = Papers::read(&hex("papers")).unwrap();
        assert_eq!((papers.manifests.len(), papers.distrusts.len()), (2, 1));
        assert_eq!(papers.to_bytes(), hex("papers"));
        for (document, signed) in [("document", "signed"), ("bare_document", "bare_signed")] {
            let read = decode(&hex(document)).unwrap();
            assert_eq!(encode(&read), hex(document));
            let pinned = hex("root_fingerprint").try_into().unwrap();
            assert_eq!(verify_distrust(&hex(signed), &party("ma-security"), &pinned), Ok(read.clone()));
            assert_eq!(peek_distrust(&hex(signed)), Ok(read));
        }
    }

    #[test]
    fn a_statement_is_of_its_party_and_root_and_every_changed_byte_refuses_it() {
        let (mine, other) = (root(1), root(9));
        let pinned = mine.root_keys().fingerprint();
        let bytes = sign_distrust(&statement(), &mine).unwrap();
        assert_eq!(verify_distrust(&bytes, &party("ma-security"), &pinned), Ok(statement()));
        assert_eq!(verify_distrust(&bytes, &party("es-police"), &pinned), Err(ManifestError::Party));
        let foreign = sign_distrust(&statement(), &other).unwrap();
        assert_eq!(verify_distrust(&foreign, &party("ma-security"), &pinned), Err(ManifestError::Root));
        for place in (0..bytes.len()).step_by(7) {
            let mut bad = bytes.clone();
            bad[place] ^= 1;
            assert!(verify_distrust(&bad, &party("ma-security"), &pinned).is_err(), "byte {place}");
        }
    }

    #[test]
    fn a_manifest_is_no_statement() {
        let mine = root(1);
        let bytes = root_sign(b"mithaq/1 manifest", &encode(&statement()), &mine).unwrap();
        let pinned = mine.root_keys().fingerprint();
        assert_eq!(verify_distrust(&bytes, &party("ma-security"), &pinned), Err(ManifestError::Signature));
    }

    #[test]
    fn papers_have_one_spelling_and_limits() {
        let papers = Papers { manifests: vec![vec![1; 40], vec![2]], distrusts: vec![vec![3; 9]] };
        let bytes = papers.to_bytes();
        assert_eq!(Papers::read(&bytes).unwrap(), papers);
        for end in 0..bytes.len() {
            assert!(Papers::read(&bytes[..end]).is_err(), "length {end}");
        }
        assert!(Papers::read(&[bytes.clone(), vec![0]].concat()).is_err());
        let many = Papers { manifests: vec![vec![1]; PAPERS_EACH_MAX + 1], distrusts: Vec::new() };
        assert!(Papers::read(&many.to_bytes()).is_err());
        assert!(
            Papers::read(
                &Papers { manifests: vec![vec![0; MANIFEST_MAX + 1]], distrusts: Vec::new() }.to_bytes()
            )
            .is_err()
        );
    }
}
