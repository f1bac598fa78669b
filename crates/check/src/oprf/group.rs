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
        count::one(count::Of::Read);
        let point = CompressedRistretto(self.0).decompress().ok_or(OprfError::Element)?;
        if point.is_identity() { Err(OprfError::Element) } else { Ok(point) }
    }
}

/// Half of a scalar: what is applied before [`compress_doubled`].
pub(crate) fn half(scalar: &Scalar) -> Scalar {
    scalar.div_by_2()
}

/// Multiplies: in constant time, whatever the point and the scalar are.
pub(crate) fn times(point: RistrettoPoint, scalar: &Scalar) -> RistrettoPoint {
    count::one(count::Of::Times);
    point * scalar
}

/// Compresses the doubles of points with one inversion for all of them.
pub(crate) fn compress_doubled(points: &[RistrettoPoint]) -> impl Iterator<Item = Element> {
    count::many(count::Of::Written, points.len());
    RistrettoPoint::double_and_compress_batch(points).into_iter().map(|c| Element(c.to_bytes()))
}

/// Counts what was done, for the tests that compare a hit with none; nothing outside of tests.
pub(crate) mod count {
    /// What is counted.
    #[derive(Debug, Clone, Copy)]
    pub(crate) enum Of {
        /// Elements read.
        Read,
        /// Multiplications.
        Times,
        /// Elements written.
        Written,
        /// Steps of a look into a tag set.
        Looked,
    }

    #[cfg(test)]
    std::thread_local! {
        static DONE: core::cell::Cell<[usize; 4]> = const { core::cell::Cell::new([0; 4]) };
    }

    pub(crate) fn one(of: Of) {
        many(of, 1);
    }

    #[cfg_attr(not(test), expect(unused_variables, reason = "counted by tests only"))]
    pub(crate) fn many(of: Of, times: usize) {
        #[cfg(test)]
        DONE.with(|done| {
            let mut all = done.get();
            if let Some(count) = all.get_mut(of as usize) {
                *count = count.saturating_add(times);
            }
            done.set(all);
        });
    }

    /// What a piece of work did: elements read, multiplications, elements written, steps of looks.
    #[cfg(test)]
    pub(crate) fn of<T>(work: impl FnOnce() -> T) -> ([usize; 4], T) {
        DONE.with(|done| done.set([0; 4]));
        let result = work();
        (DONE.with(core::cell::Cell::get), result)
    }
}
