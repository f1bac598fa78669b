//! Elements on the wire and compression by the batch.

use curve25519_dalek::ristretto::CompressedRistretto;
use curve25519_dalek::traits::IsIdentity;
use curve25519_dalek::{RistrettoPoint, Scalar};

use super::OprfError;

/// An element as it travels: 32 bytes, checked when it is used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element(pub [u8; 32]);

impl core::fmt::Debug for Element {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("<element>")
    }
}

impl Element {
    /// Reads the point. Refuses other encodings than the only one, and the neutral element: it would give the
    /// same output for every key. Points of small order have no encoding of their own in this group.
    pub(crate) fn point(self) -> Result<RistrettoPoint, OprfError> {
        let point = CompressedRistretto(self.0).decompress().ok_or(OprfError::Element)?;
        if point.is_identity() { Err(OprfError::Element) } else { Ok(point) }
    }
}

/// Half of a scalar: what is applied before [`compress_doubled`].
pub(crate) fn half(scalar: &Scalar) -> Scalar {
    scalar.div_by_2()
}

/// Compresses the doubles of points with one inversion for all of them.
pub(crate) fn compress_doubled(points: &[RistrettoPoint]) -> impl Iterator<Item = Element> {
    RistrettoPoint::double_and_compress_batch(points).into_iter().map(|c| Element(c.to_bytes()))
}
