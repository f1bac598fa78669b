//! Volumes that travel by hand: the node that makes one signs its head, which names every part by its hash. The parts
//! are what would travel over the line, so nothing in them is secret from the courier or trusted because of this.

use mithaq_wire::{
    CourierHead, Digest, decode_courier, decode_courier_head, encode_courier, encode_courier_head,
};
use sha2::{Digest as _, Sha256};

use crate::error::CourierError;
use crate::keys::NodeSigner;
use crate::manifest::VerifiedManifest;
use crate::sign1::{self, Context, ParseError, Sign1};

/// Longest signed head in bytes.
const SIGNED_MAX: usize = 62 * 1024;

impl From<ParseError> for CourierError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Malformed => Self::Malformed,
            ParseError::Unsupported => Self::Unsupported,
        }
    }
}

/// Returns the hash that a head names a part by.
#[must_use]
pub fn courier_digest(part: &[u8]) -> Digest {
    Digest(Sha256::digest(part).into())
}

/// Makes a volume.
///
/// # Errors
/// When head and parts do not belong together or are beyond the limits, or the key fails.
pub fn sign_courier(
    head: &CourierHead,
    parts: &[Vec<u8>],
    signer: &dyn NodeSigner,
) -> Result<Vec<u8>, CourierError> {
    if !belong(head, parts) {
        return Err(CourierError::Parts);
    }
    let document = encode_courier_head(head);
    if decode_courier_head(&document).as_ref() != Ok(head) {
        return Err(CourierError::Malformed);
    }
    let protected = sign1::protected(&document, &signer.node_key());
    let signed = sign1::make(Context::Courier, &protected, &[], |tbs| signer.sign_node(tbs))
        .map_err(|_key| CourierError::Key)?;
    let volume = encode_courier(parts, &signed);
    if decode_courier(&volume).is_err() {
        return Err(CourierError::Malformed);
    }
    Ok(volume)
}

fn belong<P: AsRef<[u8]>>(head: &CourierHead, parts: &[P]) -> bool {
    let named = head.parts.iter().map(|part| part.digest);
    head.parts.len() == parts.len() && named.eq(parts.iter().map(|part| courier_digest(part.as_ref())))
}

/// A volume read, not verified. Borrows the bytes.
#[derive(Debug)]
pub struct Volume<'a> {
    head: CourierHead,
    parts: Vec<&'a [u8]>,
    signed: &'a [u8],
}

impl<'a> Volume<'a> {
    /// Reads a volume. Nothing is verified: the head says which manifest to verify it with.
    ///
    /// # Errors
    /// When the bytes are no volume, or a part is not the one its head names.
    pub fn read(bytes: &'a [u8]) -> Result<Self, CourierError> {
        let (parts, signed) = decode_courier(bytes).map_err(|_not_ours| CourierError::Malformed)?;
        let sign1 = Sign1::parse(signed, SIGNED_MAX)?;
        if !sign1.payload.is_empty() {
            return Err(CourierError::Malformed);
        }
        let head = decode_courier_head(sign1.document).map_err(|_not_ours| CourierError::Malformed)?;
        if belong(&head, &parts) { Ok(Self { head, parts, signed }) } else { Err(CourierError::Parts) }
    }

    /// Returns what the head claims.
    #[must_use]
    pub const fn head(&self) -> &CourierHead {
        &self.head
    }

    /// Verifies the volume with the maker's manifest and returns its parts, in the order they are to be taken.
    ///
    /// # Errors
    /// When the manifest is another or not of the maker, or the signature is refused.
    pub fn verify(&self, maker: &VerifiedManifest) -> Result<&[&'a [u8]], CourierError> {
        if self.head.manifest != maker.hash() || self.head.from != maker.manifest().party {
            return Err(CourierError::Signer);
        }
        let signed = Sign1::parse(self.signed, SIGNED_MAX)?;
        if signed.verify(Context::Courier, maker.node_key()) {
            Ok(&self.parts)
        } else {
            Err(CourierError::Signature)
        }
    }
}
