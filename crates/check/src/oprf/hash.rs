//! Hashing to the group, to scalars and to the output (RFC 9497, §4.1; RFC 9380, §5.3.1).

use curve25519_dalek::{RistrettoPoint, Scalar, traits::IsIdentity};
use sha2::{Digest as _, Sha512};

use super::{INPUT_MAX, Mode, OprfError, Output};

/// Context string of the suite after the mode byte.
const SUITE: &[u8] = b"-ristretto255-SHA512";
/// A block of SHA-512, all zero: the first thing `expand_message_xmd` hashes.
const ZERO_BLOCK: [u8; 128] = [0; 128];

/// A domain separation tag with its length after it.
fn tag(name: &[u8], mode: Mode) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(name);
    out.extend_from_slice(b"OPRFV1-");
    out.push(mode.number());
    out.extend_from_slice(SUITE);
    // Our names are short: a tag has fewer than 64 bytes.
    out.push(u8::try_from(out.len()).unwrap_or(u8::MAX));
    out
}

/// Hashes to the group under one tag; keeps the state after the zero block, which all inputs share.
#[derive(Clone)]
pub(crate) struct ToGroup {
    start: Sha512,
    tag: Vec<u8>,
}

impl ToGroup {
    pub(crate) fn new(mode: Mode) -> Self {
        Self { start: Sha512::new().chain_update(ZERO_BLOCK), tag: tag(b"HashToGroup-", mode) }
    }

    /// Maps an input to a point other than the neutral element.
    pub(crate) fn point(&self, input: &[u8]) -> Result<RistrettoPoint, OprfError> {
        if input.len() > INPUT_MAX {
            return Err(OprfError::Input);
        }
        let point = RistrettoPoint::from_uniform_bytes(&expand(self.start.clone(), &[input], &self.tag));
        if point.is_identity() { Err(OprfError::Input) } else { Ok(point) }
    }
}

/// `expand_message_xmd` with SHA-512 to 64 bytes: two rounds.
fn expand(start: Sha512, message: &[&[u8]], tag: &[u8]) -> [u8; 64] {
    let mut first = start;
    message.iter().for_each(|part| first.update(part));
    let first = first.chain_update([0, 64, 0]).chain_update(tag).finalize();
    Sha512::new().chain_update(first).chain_update([1]).chain_update(tag).finalize().into()
}

/// Hashes parts to a scalar under a name.
pub(crate) fn to_scalar(name: &[u8], mode: Mode, parts: &[&[u8]]) -> Scalar {
    let wide = expand(Sha512::new().chain_update(ZERO_BLOCK), parts, &tag(name, mode));
    Scalar::from_bytes_mod_order_wide(&wide)
}

/// The tag `Seed-` of the proof, without a length after it.
pub(crate) fn seed_tag(mode: Mode) -> Vec<u8> {
    let mut tag = tag(b"Seed-", mode);
    tag.pop();
    tag
}

/// Two bytes of length. Everything hashed with one has at most [`INPUT_MAX`] bytes.
pub(crate) fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes()
}

/// The output of an input and its unblinded element.
pub(crate) fn output(input: &[u8], element: &[u8; 32]) -> Output {
    Sha512::new()
        .chain_update(length(input))
        .chain_update(input)
        .chain_update(length(element))
        .chain_update(element)
        .chain_update(b"Finalize")
        .finalize()
        .into()
}
