//! Manifests: the keys of a running node, signed by the offline root of its party, each naming the one before. What the
//! agreement pins is the root; everything else is learned from here.

use mithaq_model::{PartyId, Timestamp};
use mithaq_wire::cbor::{Reader, Writer};
use mithaq_wire::{Digest, Manifest, decode_manifest, encode_manifest};
use sha2::{Digest as _, Sha256};

use crate::error::ManifestError;
use crate::keys::{
    ML_DSA_KEY_LEN, ML_DSA_SIGNATURE_LEN, RootKeys, RootSignature, RootSigner, Verifier, usable_kem,
};

const VERSION: u64 = 1;
/// Longest signed manifest in bytes.
const MANIFEST_MAX: usize = 96 * 1024;

/// Returns the hash of a manifest: what envelopes, receipts and the next manifest name.
#[must_use]
pub fn manifest_hash(manifest: &Manifest) -> Digest {
    Digest(Sha256::digest(encode_manifest(manifest)).into())
}

/// What root keys sign: the purpose, the keys themselves, and the document. Naming both keys keeps either signature
/// from standing beside another one.
pub(crate) fn root_message(context: &[u8], keys: &RootKeys, document: &[u8]) -> Vec<u8> {
    [context, b"\0", &keys.fingerprint(), document].concat()
}

/// A document with root keys and both signatures.
pub(crate) struct RootSigned<'a> {
    pub(crate) document: &'a [u8],
    pub(crate) keys: RootKeys,
    signature: RootSignature,
}

pub(crate) fn root_sign(
    context: &[u8],
    document: &[u8],
    signer: &dyn RootSigner,
) -> Result<Vec<u8>, crate::KeyError> {
    let keys = signer.root_keys();
    let signature = signer.sign_root(&root_message(context, keys, document))?;
    let mut w = Writer::default();
    w.array(6).uint(VERSION).bytes(document).bytes(&keys.ed25519).bytes(&keys.ml_dsa);
    w.bytes(&signature.ed25519).bytes(&signature.ml_dsa);
    Ok(w.finish())
}

impl<'a> RootSigned<'a> {
    pub(crate) fn read(bytes: &'a [u8], max: usize) -> Option<Self> {
        if bytes.len() > max {
            return None;
        }
        let mut r = Reader::new(bytes);
        r.tuple(6).ok()?;
        (r.uint().ok()? == VERSION).then_some(())?;
        let document = r.bytes(max).ok()?;
        let keys = RootKeys { ed25519: r.array().ok()?, ml_dsa: r.bytes(ML_DSA_KEY_LEN).ok()?.to_vec() };
        let ed25519 = r.array().ok()?;
        let signature = RootSignature { ed25519, ml_dsa: r.bytes(ML_DSA_SIGNATURE_LEN).ok()?.to_vec() };
        r.end().ok()?;
        Some(Self { document, keys, signature })
    }

    pub(crate) fn verify(&self, context: &[u8]) -> bool {
        self.keys.verify(&root_message(context, &self.keys, self.document), &self.signature)
    }
}

const CONTEXT: &[u8] = b"mithaq/1 manifest";

/// Signs a manifest with the root keys.
///
/// # Errors
/// When its keys are not usable, it is not readable, or a root key fails.
pub fn sign_manifest(manifest: &Manifest, signer: &dyn RootSigner) -> Result<Vec<u8>, ManifestError> {
    let document = encode_manifest(manifest);
    if decode_manifest(&document).as_ref() != Ok(manifest) {
        return Err(ManifestError::Malformed);
    }
    check_keys(manifest).map(drop)?;
    root_sign(CONTEXT, &document, signer).map_err(|_key| ManifestError::Key)
}

/// The keys of a manifest, parsed: one key serves one purpose, and can.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Keys {
    node: Verifier,
    seals: Vec<Verifier>,
}

fn check_keys(manifest: &Manifest) -> Result<Keys, ManifestError> {
    if (manifest.number == 1) != (manifest.prev == Digest::ZERO) {
        return Err(ManifestError::Chain);
    }
    let mut all: Vec<&[u8; 32]> = manifest.seal_keys.iter().chain([&manifest.node_key]).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    if all.len() != count || !usable_kem(&manifest.kem_key) {
        return Err(ManifestError::Keys);
    }
    let node = Verifier::new(&manifest.node_key).ok_or(ManifestError::Keys)?;
    let seals: Option<Vec<_>> = manifest.seal_keys.iter().map(Verifier::new).collect();
    Ok(Keys { node, seals: seals.ok_or(ManifestError::Keys)? })
}

/// A manifest that the pinned root signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedManifest {
    manifest: Manifest,
    hash: Digest,
    keys: Keys,
}

impl VerifiedManifest {
    /// Returns the manifest.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns its hash.
    #[must_use]
    pub const fn hash(&self) -> Digest {
        self.hash
    }

    /// Returns whether the node signed a message of its own kind, outside of envelopes and receipts: the caller's bytes
    /// begin with a context that no other signature has.
    #[must_use]
    pub fn node_signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.keys.node.verify(message, signature)
    }

    pub(crate) const fn node_key(&self) -> &Verifier {
        &self.keys.node
    }

    pub(crate) fn seal_keys(&self) -> &[Verifier] {
        &self.keys.seals
    }

    /// Checks that it is valid at a time.
    ///
    /// # Errors
    /// [`ManifestError::Expired`].
    pub fn valid_at(&self, at: Timestamp) -> Result<(), ManifestError> {
        let valid = self.manifest.valid_from <= at && at < self.manifest.valid_to;
        if valid { Ok(()) } else { Err(ManifestError::Expired) }
    }
}

/// Returns the fingerprint of the root keys that a manifest carries. Nothing is verified: for a reader who knows no root of
/// the party and shows the one it found.
///
/// # Errors
/// [`ManifestError::Malformed`].
pub fn manifest_root(bytes: &[u8]) -> Result<[u8; 32], ManifestError> {
    RootSigned::read(bytes, MANIFEST_MAX)
        .map(|signed| signed.keys.fingerprint())
        .ok_or(ManifestError::Malformed)
}

/// Returns the party a manifest says it is of. Nothing is verified, as in [`manifest_root`].
///
/// # Errors
/// [`ManifestError::Malformed`].
pub fn manifest_party(bytes: &[u8]) -> Result<PartyId, ManifestError> {
    let signed = RootSigned::read(bytes, MANIFEST_MAX).ok_or(ManifestError::Malformed)?;
    decode_manifest(signed.document)
        .map(|manifest| manifest.party)
        .map_err(|_not_ours| ManifestError::Malformed)
}

/// Verifies a manifest against the fingerprint the agreement names for this party and, when one is known, against the
/// manifest before. The known one again is fine.
///
/// # Errors
/// When it is no manifest, not of this party, not signed by both pinned root keys, holds unusable keys, or does not follow
/// the known one. Validity is asked separately: old envelopes are verified with old manifests.
pub fn verify_manifest(
    bytes: &[u8],
    party: &PartyId,
    root: &[u8; 32],
    known: Option<&VerifiedManifest>,
) -> Result<VerifiedManifest, ManifestError> {
    let signed = RootSigned::read(bytes, MANIFEST_MAX).ok_or(ManifestError::Malformed)?;
    if signed.keys.fingerprint() != *root {
        return Err(ManifestError::Root);
    }
    if !signed.verify(CONTEXT) {
        return Err(ManifestError::Signature);
    }
    let manifest = decode_manifest(signed.document).map_err(|_not_ours| ManifestError::Malformed)?;
    let hash = Digest(Sha256::digest(signed.document).into());
    if manifest.party != *party {
        return Err(ManifestError::Party);
    }
    let keys = check_keys(&manifest)?;
    if let Some(known) = known.filter(|known| known.hash != hash) {
        let before = &known.manifest;
        if manifest.party != before.party {
            return Err(ManifestError::Party);
        }
        match manifest.number.cmp(&before.number) {
            core::cmp::Ordering::Less => return Err(ManifestError::Rollback),
            core::cmp::Ordering::Equal => return Err(ManifestError::Fork),
            core::cmp::Ordering::Greater => {}
        }
        if before.number.checked_add(1) != Some(manifest.number) || manifest.prev != known.hash {
            return Err(ManifestError::Chain);
        }
    }
    Ok(VerifiedManifest { manifest, hash, keys })
}
