//! Checkpoints (C2SP tlog-checkpoint): a log's signed statement of its size and root, and whom a verifier
//! trusts for it. Whether two checkpoints agree is decided by `proof`, `fork` and `witness`.

use data_encoding::BASE64;
use thiserror::Error;

use crate::frontier::MAX_SIZE;
use crate::hash::{EMPTY_ROOT, Hash};
use crate::key::{KeyKind, KeyName, NoteSigner, VerifierKey};
use crate::note::{NoteError, NoteVerifyError, SignedNote, VerifiedSignature};
use crate::read::base64;

/// Most extension lines.
const MAX_EXTENSIONS: usize = 16;

/// What a log says of itself: so many leaves, this root. Unsigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: KeyName,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint.
    ///
    /// # Errors
    /// When the origin is no key name, the size is above [`MAX_SIZE`], the root of an empty log is not
    /// [`EMPTY_ROOT`], or an extension line is empty, holds control characters or is one too many.
    pub fn new(
        origin: &str,
        size: u64,
        root: Hash,
        extensions: Vec<String>,
    ) -> Result<Self, CheckpointError> {
        let origin = KeyName::new(origin).map_err(|_| CheckpointError::Origin)?;
        if size > MAX_SIZE {
            return Err(CheckpointError::Size);
        }
        if size == 0 && root != EMPTY_ROOT {
            return Err(CheckpointError::Root);
        }
        let bad = |line: &String| line.is_empty() || line.contains(char::is_control);
        if extensions.len() > MAX_EXTENSIONS || extensions.iter().any(bad) {
            return Err(CheckpointError::Extension);
        }
        Ok(Self { origin, size, root, extensions })
    }

    /// Reads the text of a note. Accepts exactly what [`Checkpoint::to_text`] writes.
    ///
    /// # Errors
    /// When a line is missing or malformed.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = lines.split('\n');
        let mut line = || lines.next().ok_or(CheckpointError::Lines);
        let (origin, size, root) = (line()?, line()?, line()?);
        let number = size.parse::<u64>().map_err(|_| CheckpointError::Size)?;
        // Refuses leading zeros and a plus sign.
        if number.to_string() != size {
            return Err(CheckpointError::Size);
        }
        let root = base64(root).ok_or(CheckpointError::Root)?;
        let root = Hash::from_slice(&root).ok_or(CheckpointError::Root)?;
        Self::new(origin, number, root, lines.map(str::to_owned).collect())
    }

    /// The text of the note.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(&self.root.0));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// The note, signed by the log.
    ///
    /// # Errors
    /// When the signer's name is not the origin: a log signs under its origin only.
    pub fn sign(&self, signer: &dyn NoteSigner) -> Result<SignedNote, SignCheckpointError> {
        if signer.name() != self.origin.as_str() {
            return Err(SignCheckpointError::Name);
        }
        let mut note = SignedNote::new(self.to_text())?;
        note.sign(signer)?;
        Ok(note)
    }

    /// Which log.
    #[must_use]
    pub const fn origin(&self) -> &KeyName {
        &self.origin
    }

    /// Leaves in the log.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root at that size.
    #[must_use]
    pub const fn root(&self) -> &Hash {
        &self.root
    }

    /// Extension lines.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }
}

/// Whom a verifier believes. Empty `logs` means no log at all.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// Log keys ([`KeyKind::Ed25519`]); the name of each is the origin it may sign for.
    pub logs: &'a [VerifierKey],
    /// Keys of the partners that countersign ([`KeyKind::Cosignature`]).
    pub witnesses: &'a [VerifierKey],
    /// How many different witnesses must have countersigned; 0 asks for none.
    pub quorum: usize,
    /// Names of witnesses that must be among them.
    pub required: &'a [&'a str],
}

impl<'a> Trust<'a> {
    /// Trust in logs alone, without countersignatures.
    #[must_use]
    pub const fn logs_only(logs: &'a [VerifierKey]) -> Self {
        Self { logs, witnesses: &[], quorum: 0, required: &[] }
    }
}

/// A partner's confirmation that it saw this checkpoint and no other history of this log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigner {
    /// The key.
    pub key: VerifierKey,
    /// When by the partner's clock, in seconds since 1970-01-01T00:00:00Z.
    pub at_s: u64,
}

/// Proof that a trusted log signed this checkpoint. Only [`verify_checkpoint`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    checkpoint: Checkpoint,
    log: VerifierKey,
    cosigners: Vec<Cosigner>,
    passed_over: usize,
}

impl VerifiedCheckpoint {
    /// What was signed.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The log key that signed.
    #[must_use]
    pub const fn log(&self) -> &VerifierKey {
        &self.log
    }

    /// The trusted witnesses that countersigned, each public key once.
    #[must_use]
    pub fn cosigners(&self) -> &[Cosigner] {
        &self.cosigners
    }

    /// How many signatures of the note are of keys nobody named: neither right nor wrong.
    #[must_use]
    pub const fn passed_over(&self) -> usize {
        self.passed_over
    }
}

/// Reads a note and checks that it is a checkpoint signed by a trusted log and by enough witnesses.
///
/// # Errors
/// A [`VerifyCheckpointError`] that says which of these it is not.
pub fn verify_checkpoint(
    note: &[u8],
    trust: &Trust<'_>,
) -> Result<VerifiedCheckpoint, VerifyCheckpointError> {
    let verified = verify_log_signature(note, trust)?;
    let got = verified.cosigners.len();
    if got < trust.quorum {
        return Err(VerifyCheckpointError::Quorum { needed: trust.quorum, got });
    }
    let signed = |name: &str| verified.cosigners.iter().any(|c| c.key.name().as_str() == name);
    if trust.required.iter().any(|name| !signed(name)) {
        return Err(VerifyCheckpointError::RequiredWitness);
    }
    Ok(verified)
}

/// [`verify_checkpoint`] without asking for a quorum; countersignatures that are there must be right.
pub(crate) fn verify_log_signature(
    note: &[u8],
    trust: &Trust<'_>,
) -> Result<VerifiedCheckpoint, VerifyCheckpointError> {
    let note = SignedNote::parse(note)?;
    let checkpoint = Checkpoint::parse(note.text())?;
    let of_kind = |keys: &[VerifierKey], kind| -> Vec<VerifierKey> {
        keys.iter().filter(|key| key.kind() == kind).cloned().collect()
    };
    let mut logs = of_kind(trust.logs, KeyKind::Ed25519);
    logs.retain(|key| key.name() == &checkpoint.origin);
    let by_log = note.verify(&logs)?;
    let verified = note.verify(&of_kind(trust.witnesses, KeyKind::Cosignature))?;
    let passed_over = note.signatures().len().saturating_sub(by_log.len()).saturating_sub(verified.len());
    let log = by_log.into_iter().next().ok_or(VerifyCheckpointError::UnknownLog)?.key;
    Ok(VerifiedCheckpoint { checkpoint, log, cosigners: distinct(verified), passed_over })
}

/// One witness counts once, under however many names its key is listed.
fn distinct(verified: Vec<VerifiedSignature>) -> Vec<Cosigner> {
    let mut cosigners: Vec<Cosigner> = Vec::new();
    for VerifiedSignature { key, at_s } in verified {
        let Some(at_s) = at_s else { continue };
        if cosigners.iter().all(|c| c.key.public() != key.public()) {
            cosigners.push(Cosigner { key, at_s });
        }
    }
    cosigners
}

/// Why a text is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// A line is missing or unfinished.
    #[error("a checkpoint has at least three lines")]
    Lines,
    /// The origin is no key name.
    #[error("the origin of the checkpoint is malformed")]
    Origin,
    /// The size is no canonical decimal number up to [`MAX_SIZE`].
    #[error("the size of the checkpoint is malformed")]
    Size,
    /// The root is no canonical base64 of 32 bytes, or not that of an empty log at size 0.
    #[error("the root of the checkpoint is malformed")]
    Root,
    /// An extension line is empty, holds control characters or is one too many.
    #[error("the extension lines of the checkpoint are malformed")]
    Extension,
}

/// Why a checkpoint was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignCheckpointError {
    /// The signer's name is not the origin.
    #[error("a log signs checkpoints under its origin only")]
    Name,
    /// The note could not be made.
    #[error("the checkpoint is no valid note")]
    Note(#[from] NoteError),
}

/// Why a signed checkpoint was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifyCheckpointError {
    /// No signed note.
    #[error("the checkpoint is no signed note")]
    Note(#[from] NoteError),
    /// The note's text is no checkpoint.
    #[error("the signed note is no checkpoint")]
    Checkpoint(#[from] CheckpointError),
    /// A signature of a trusted key is wrong.
    #[error("a signature of the checkpoint is wrong")]
    Signature(#[from] NoteVerifyError),
    /// No trusted log of this origin signed it.
    #[error("no trusted log signed the checkpoint")]
    UnknownLog,
    /// Too few witnesses countersigned.
    #[error("{needed} witnesses must have countersigned the checkpoint, {got} did")]
    Quorum {
        /// Asked for.
        needed: usize,
        /// Found, each public key once.
        got: usize,
    },
    /// A witness that must have countersigned did not.
    #[error("a required witness did not countersign the checkpoint")]
    RequiredWitness,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_in_one_spelling_only() {
        let root = BASE64.encode(&[7; 32]);
        let good = format!("ma-security/log\n10\n{root}\next 1\n");
        let checkpoint = Checkpoint::parse(&good).unwrap();
        assert_eq!((checkpoint.size(), checkpoint.root()), (10, &Hash::new([7; 32])));
        assert_eq!(checkpoint.to_text(), good);
        let cases = [
            (format!("o\n10\n{root}"), CheckpointError::Lines),
            ("o\n10\n".to_owned(), CheckpointError::Lines),
            (format!("\n10\n{root}\n"), CheckpointError::Origin),
            (format!("a b\n10\n{root}\n"), CheckpointError::Origin),
            (format!("o\n010\n{root}\n"), CheckpointError::Size),
            (format!("o\n+10\n{root}\n"), CheckpointError::Size),
            (format!("o\n-1\n{root}\n"), CheckpointError::Size),
            (format!("o\n{}\n{root}\n", MAX_SIZE + 1), CheckpointError::Size),
            (format!("o\n0\n{root}\n"), CheckpointError::Root),
            (format!("o\n10\n{}\n", root.trim_end_matches('=')), CheckpointError::Root),
            (format!("o\n10\n{}\n", BASE64.encode(&[7; 31])), CheckpointError::Root),
            // Two padded pieces of 16 bytes each decode to 32 bytes as well.
            (format!("o\n10\n{0}{0}\n", BASE64.encode(&[7; 16])), CheckpointError::Root),
            (format!("o\n10\n{root}\n\n"), CheckpointError::Extension),
            (format!("o\n10\n{root}\n{}", "e\n".repeat(17)), CheckpointError::Extension),
        ];
        for (text, error) in cases {
            assert_eq!(Checkpoint::parse(&text), Err(error), "{text:?}");
        }
    }
}
