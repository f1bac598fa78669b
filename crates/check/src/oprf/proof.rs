//! The proof that a batch was evaluated with one known key (RFC 9497, §2.2: a batched Chaum–Pedersen proof).

use curve25519_dalek::traits::VartimeMultiscalarMul as _;
use curve25519_dalek::{RistrettoPoint, Scalar};
use sha2::{Digest as _, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

use super::client::count;
use super::group::Element;
use super::{Mode, OprfError, PublicKey, SecretKey, hash};

/// Proof of one batch: challenge and response, 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof(pub [u8; 64]);

const MODE: Mode = Mode::Verifiable;

/// Proves that `evaluated` is `blinded` under the key. The randomness must be fresh: used twice it gives the key away.
pub(crate) fn prove(
    key: &SecretKey,
    blinded: &[Element],
    evaluated: &[Element],
    randomness: &[u8; 64],
) -> Result<Proof, OprfError> {
    let mut nonce = Scalar::from_bytes_mod_order_wide(randomness);
    if nonce == Scalar::ZERO {
        return Err(OprfError::Randomness);
    }
    let public = key.public().element();
    let weights = weights(public, blinded, evaluated);
    let sum = weigh(&weights, blinded)?;
    let image = sum * key.scalar();
    let (t2, t3) = (RistrettoPoint::mul_base(&nonce), sum * nonce);
    let challenge = challenge(public, [sum, image, t2, t3]);
    let response = nonce - challenge * key.scalar();
    nonce.zeroize();
    Ok(join(&challenge, &response))
}

/// Checks a proof. Everything here is public: variable time is allowed.
pub(crate) fn verify(
    public: &PublicKey,
    blinded: &[Element],
    evaluated: &[Element],
    proof: &Proof,
) -> Result<(), OprfError> {
    count(evaluated.len(), blinded.len())?;
    let (given, response) = split(proof)?;
    let key = public.element();
    let weights = weights(key, blinded, evaluated);
    let (sum, image) = (weigh(&weights, blinded)?, weigh(&weights, evaluated)?);
    let t2 = RistrettoPoint::vartime_double_scalar_mul_basepoint(&given, &key.point()?, &response);
    let t3 = RistrettoPoint::vartime_multiscalar_mul([response, given], [sum, image]);
    let holds = challenge(key, [sum, image, t2, t3]).ct_eq(&given);
    if bool::from(holds) { Ok(()) } else { Err(OprfError::Proof) }
}

/// One weight per pair, from everything that is proved (`ComputeComposites`).
fn weights(key: Element, blinded: &[Element], evaluated: &[Element]) -> Vec<Scalar> {
    let tag = hash::seed_tag(MODE);
    let seed: [u8; 64] = Sha512::new()
        .chain_update(hash::length(&key.0))
        .chain_update(key.0)
        .chain_update(hash::length(&tag))
        .chain_update(&tag)
        .finalize()
        .into();
    let (seed_length, length) = (hash::length(&seed), hash::length(&[0; 32]));
    let pairs = blinded.iter().zip(evaluated).enumerate();
    pairs
        .map(|(at, (c, d))| {
            // At most 65,535 elements: checked before.
            let at = u16::try_from(at).unwrap_or(u16::MAX).to_be_bytes();
            let parts: [&[u8]; 8] = [&seed_length, &seed, &at, &length, &c.0, &length, &d.0, b"Composite"];
            hash::to_scalar(b"HashToScalar-", MODE, &parts)
        })
        .collect()
}

fn weigh(weights: &[Scalar], elements: &[Element]) -> Result<RistrettoPoint, OprfError> {
    let points = elements.iter().map(|e| e.point()).collect::<Result<Vec<_>, _>>()?;
    Ok(RistrettoPoint::vartime_multiscalar_mul(weights, points))
}

fn challenge(key: Element, points: [RistrettoPoint; 4]) -> Scalar {
    let [a0, a1, a2, a3] = points.map(|point| point.compress().to_bytes());
    let n = hash::length(&a0);
    let parts: [&[u8]; 11] = [&n, &key.0, &n, &a0, &n, &a1, &n, &a2, &n, &a3, b"Challenge"];
    hash::to_scalar(b"HashToScalar-", MODE, &parts)
}

fn join(challenge: &Scalar, response: &Scalar) -> Proof {
    let mut bytes = [0; 64];
    let both = challenge.to_bytes().into_iter().chain(response.to_bytes());
    bytes.iter_mut().zip(both).for_each(|(slot, byte)| *slot = byte);
    Proof(bytes)
}

fn split(proof: &Proof) -> Result<(Scalar, Scalar), OprfError> {
    let read = |part: Option<&[u8; 32]>| {
        let scalar = part.and_then(|bytes| Option::<Scalar>::from(Scalar::from_canonical_bytes(*bytes)));
        scalar.ok_or(OprfError::Scalar)
    };
    Ok((read(proof.0.first_chunk())?, read(proof.0.last_chunk())?))
}
