//! The asking side: blind what is asked, and take the blind off what comes back.

use curve25519_dalek::Scalar;
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use super::group::{self, Element};
use super::hash::{self, ToGroup};
use super::share::{part, shared};
use super::{BATCH_MAX, CHUNK, Mode, OprfError, Output, Proof, PublicKey, proof};

/// The blinds of one batch, in the order of its inputs. Without them an evaluation cannot be read, with them and
/// the transcript it can: erased when dropped.
#[derive(ZeroizeOnDrop)]
pub struct Blinds {
    #[zeroize(skip)]
    mode: Mode,
    scalars: Vec<Scalar>,
}

impl core::fmt::Debug for Blinds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "<{} blinds>", self.scalars.len())
    }
}

impl Blinds {
    /// Takes one blind per 64 random bytes.
    ///
    /// # Errors
    /// When a blind is zero, which only a broken generator gives.
    pub fn new<'a>(
        mode: Mode,
        randomness: impl IntoIterator<Item = &'a [u8; 64]>,
    ) -> Result<Self, OprfError> {
        let scalars = randomness.into_iter().map(Scalar::from_bytes_mod_order_wide).collect();
        Self::of(mode, scalars)
    }

    pub(crate) fn of(mode: Mode, scalars: Vec<Scalar>) -> Result<Self, OprfError> {
        let blinds = Self { mode, scalars };
        if blinds.scalars.contains(&Scalar::ZERO) { Err(OprfError::Randomness) } else { Ok(blinds) }
    }

    /// Returns how many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.scalars.len()
    }

    /// Returns whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.scalars.is_empty()
    }
}

/// Blinds inputs: what leaves the asking side. Uniform elements, whatever the inputs are.
///
/// # Errors
/// When there is none or more than [`BATCH_MAX`], another number than blinds, or an input is too long.
pub fn blind<T: AsRef<[u8]> + Sync>(inputs: &[T], blinds: &Blinds) -> Result<Vec<Element>, OprfError> {
    count(inputs.len(), blinds.len())?;
    let to_group = ToGroup::new(blinds.mode);
    shared(inputs.len(), |at| {
        let (inputs, scalars) = (part(inputs, &at), part(&blinds.scalars, &at));
        let mut out = Vec::with_capacity(inputs.len());
        for (inputs, scalars) in inputs.chunks(CHUNK).zip(scalars.chunks(CHUNK)) {
            let mut points = Vec::with_capacity(CHUNK);
            for (input, scalar) in inputs.iter().zip(scalars) {
                points.push(group::times(to_group.point(input.as_ref())?, &group::half(scalar)));
            }
            out.extend(group::compress_doubled(&points));
            points.zeroize();
        }
        Ok(out)
    })
}

/// Takes the blinds off and returns the outputs, in the order of the inputs.
///
/// # Errors
/// When the numbers differ or an element is none.
pub fn finalize<T: AsRef<[u8]> + Sync>(
    inputs: &[T],
    blinds: &Blinds,
    evaluated: &[Element],
) -> Result<Vec<Output>, OprfError> {
    count(inputs.len(), blinds.len())?;
    count(evaluated.len(), blinds.len())?;
    shared(inputs.len(), |at| {
        let (inputs, scalars) = (part(inputs, &at), part(&blinds.scalars, &at));
        let mut out = Vec::with_capacity(inputs.len());
        let chunks = inputs.chunks(CHUNK).zip(scalars.chunks(CHUNK));
        for ((inputs, scalars), evaluated) in chunks.zip(part(evaluated, &at).chunks(CHUNK)) {
            unblind(inputs, scalars, evaluated, &mut out)?;
        }
        Ok(out)
    })
}

/// Takes the blinds of one chunk off: one inversion for all of them.
fn unblind<T: AsRef<[u8]>>(
    inputs: &[T],
    scalars: &[Scalar],
    evaluated: &[Element],
    out: &mut Vec<Output>,
) -> Result<(), OprfError> {
    let mut inverses = scalars.to_vec();
    Scalar::invert_batch_alloc(&mut inverses).zeroize();
    let mut points = Vec::with_capacity(CHUNK);
    for (element, inverse) in evaluated.iter().zip(&inverses) {
        points.push(group::times(element.point()?, &group::half(inverse)));
    }
    let elements = group::compress_doubled(&points);
    out.extend(inputs.iter().zip(elements).map(|(input, e)| hash::output(input.as_ref(), &e.0)));
    points.zeroize();
    inverses.zeroize();
    Ok(())
}

/// As [`finalize`], after checking that all of it was evaluated with the key of `public`.
///
/// # Errors
/// As [`finalize`], and [`OprfError::Proof`]. Nothing is unblinded when the proof does not hold.
pub fn finalize_verified<T: AsRef<[u8]> + Sync>(
    inputs: &[T],
    blinds: &Blinds,
    blinded: &[Element],
    evaluated: &[Element],
    (public, proof): (&PublicKey, &Proof),
) -> Result<Vec<Output>, OprfError> {
    if blinds.mode != public.mode() {
        return Err(OprfError::Proof);
    }
    proof::verify(public, blinded, evaluated, proof)?;
    finalize(inputs, blinds, evaluated)
}

/// Refuses an empty, too large or uneven batch.
pub(crate) const fn count(given: usize, expected: usize) -> Result<(), OprfError> {
    if given == 0 || given > BATCH_MAX || given != expected { Err(OprfError::Count) } else { Ok(()) }
}
