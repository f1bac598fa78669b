//! The asked side: evaluate what is blinded, and one's own inputs.

use zeroize::Zeroize as _;

use super::client::count;
use super::group::{self, Element};
use super::hash::{self, ToGroup};
use super::share::{part, shared};
use super::{CHUNK, Mode, OprfError, Output, Proof, SecretKey, proof};

/// Evaluates blinded elements. Time depends on their number only: there is nothing to hit here.
///
/// # Errors
/// When there is none, too many, or one is no element: then none is evaluated.
pub fn evaluate(key: &SecretKey, blinded: &[Element]) -> Result<Vec<Element>, OprfError> {
    count(blinded.len(), blinded.len())?;
    shared(blinded.len(), |at| {
        let mut out = Vec::with_capacity(at.len());
        for chunk in part(blinded, &at).chunks(CHUNK) {
            let mut points = Vec::with_capacity(CHUNK);
            for element in chunk {
                points.push(group::times(element.point()?, key.half()));
            }
            out.extend(group::compress_doubled(&points));
            points.zeroize();
        }
        Ok(out)
    })
}

/// As [`evaluate`], with a proof that this key was used, from 64 random bytes.
///
/// # Errors
/// As [`evaluate`]; when the key is of the base mode; when the randomness is zero.
pub fn evaluate_proved(
    key: &SecretKey,
    blinded: &[Element],
    randomness: &[u8; 64],
) -> Result<(Vec<Element>, Proof), OprfError> {
    if key.mode() != Mode::Verifiable {
        return Err(OprfError::Proof);
    }
    let evaluated = evaluate(key, blinded)?;
    let proof = proof::prove(key, blinded, &evaluated, randomness)?;
    Ok((evaluated, proof))
}

/// Evaluates inputs of one's own without blinding: the outputs a tag set is made of. Any number.
///
/// # Errors
/// When an input is too long.
pub fn own_outputs<T: AsRef<[u8]> + Sync>(key: &SecretKey, inputs: &[T]) -> Result<Vec<Output>, OprfError> {
    let to_group = ToGroup::new(key.mode());
    shared(inputs.len(), |at| {
        let mut out = Vec::with_capacity(at.len());
        for chunk in part(inputs, &at).chunks(CHUNK) {
            let mut points = Vec::with_capacity(CHUNK);
            for input in chunk {
                points.push(group::times(to_group.point(input.as_ref())?, key.half()));
            }
            let elements = group::compress_doubled(&points);
            out.extend(chunk.iter().zip(elements).map(|(input, e)| hash::output(input.as_ref(), &e.0)));
            points.zeroize();
        }
        Ok(out)
    })
}
