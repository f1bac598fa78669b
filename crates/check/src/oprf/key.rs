//! The key of the asked side.

use curve25519_dalek::{RistrettoPoint, Scalar};
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use super::group::{self, Element};
use super::{Mode, OprfError, hash};

/// Key of one agreement and epoch, held by the asked side alone. Erased when dropped; shows nothing of itself.
#[derive(Clone, ZeroizeOnDrop)]
pub struct SecretKey {
    #[zeroize(skip)]
    mode: Mode,
    scalar: Scalar,
    /// Half of it, for batched compression.
    half: Scalar,
}

impl core::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("<secret key>")
    }
}

impl SecretKey {
    /// Derives a key from 32 random bytes and public information (RFC 9497, §3.2.1, `DeriveKeyPair`).
    ///
    /// # Errors
    /// When `info` is longer than [`super::INPUT_MAX`], or no counter gives a key (probability below 2^-64,000).
    pub fn derive(mode: Mode, seed: &[u8; 32], info: &[u8]) -> Result<Self, OprfError> {
        if info.len() > super::INPUT_MAX {
            return Err(OprfError::Input);
        }
        let derived = (0..=u8::MAX)
            .map(|counter| {
                hash::to_scalar(b"DeriveKeyPair", mode, &[seed, &hash::length(info), info, &[counter]])
            })
            .find(|scalar| *scalar != Scalar::ZERO);
        derived.map(|scalar| Self::new(mode, scalar)).ok_or(OprfError::Scalar)
    }

    /// Reads a key from the 32 bytes of [`SecretKey::to_bytes`].
    ///
    /// # Errors
    /// When they are zero or not the only encoding of a scalar.
    pub fn from_bytes(mode: Mode, bytes: &[u8; 32]) -> Result<Self, OprfError> {
        let scalar = Option::<Scalar>::from(Scalar::from_canonical_bytes(*bytes)).ok_or(OprfError::Scalar)?;
        if scalar == Scalar::ZERO { Err(OprfError::Scalar) } else { Ok(Self::new(mode, scalar)) }
    }

    fn new(mode: Mode, scalar: Scalar) -> Self {
        Self { mode, half: group::half(&scalar), scalar }
    }

    /// Returns the bytes, to be kept encrypted; erased when dropped.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.scalar.to_bytes())
    }

    /// Returns the public part.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let mut point = RistrettoPoint::mul_base(&self.half);
        let element = group::compress_doubled(&[point]).next().unwrap_or(Element([0; 32]));
        point.zeroize();
        PublicKey { mode: self.mode, element }
    }

    /// Returns the mode it is for.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    pub(crate) const fn scalar(&self) -> &Scalar {
        &self.scalar
    }

    pub(crate) const fn half(&self) -> &Scalar {
        &self.half
    }
}

/// The public part of a key: what a proof of evaluation is checked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    mode: Mode,
    element: Element,
}

impl PublicKey {
    /// Reads a public key.
    ///
    /// # Errors
    /// When the bytes are no element in its only encoding, or the neutral one.
    pub fn from_bytes(mode: Mode, bytes: [u8; 32]) -> Result<Self, OprfError> {
        let element = Element(bytes);
        element.point().map(|_point| Self { mode, element })
    }

    /// Returns the 32 bytes.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 32] {
        self.element.0
    }

    /// Returns the mode it is for.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    pub(crate) const fn element(&self) -> Element {
        self.element
    }
}
