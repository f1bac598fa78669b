//! The query set, committed to by both sides and openable later.
//!
//! The asking side keeps the opening encrypted for its oversight body. That body can show the asked side's oversight,
//! one by one, that the elements that were evaluated are these tokens and no others.

use mithaq_wire::WireError;
use mithaq_wire::cbor::{Reader, Writer};
use sha2::{Digest as _, Sha256, Sha512};
use thiserror::Error;
use zeroize::Zeroize;

use crate::TokenKey;
use crate::binding::Binding;
use crate::messages::{Request, versioned};
use crate::oprf::{self, BATCH_MAX, Blinds, Mode, OprfError};

const BLIND: &[u8] = b"mithaq/blind/1";
const ORDER: &[u8] = b"mithaq/order/1";
const DUMMY: &[u8] = b"mithaq/dummy/1";
const CONTENT: &[u8] = b"mithaq/query-set/1\n";

/// Queries are filled up to a multiple of this: their number tells little about one person.
pub const QUERY_STEP: usize = 8;

/// What opens a commitment: the tokens in the order of the elements, the seed of the blinds, the salt.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    /// Seed of blinds, order and dummies; 32 random bytes, new for each check.
    pub seed: [u8; 32],
    /// Salt of the commitment; 32 random bytes, new for each check, erased with the opening.
    pub salt: [u8; 32],
    /// Tokens with dummies, in the order of the elements.
    pub keys: Vec<TokenKey>,
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.seed.zeroize();
        self.salt.zeroize();
        self.keys.zeroize();
    }
}

impl core::fmt::Debug for Opening {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "<opening of {} queries>", self.keys.len())
    }
}

/// Why an opening does not open a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The commitment of the request is another.
    #[error("the commitment is another")]
    Commitment,
    /// Another number of elements.
    #[error("the number of queries is another")]
    Count,
    /// This element is not the blinded token.
    #[error("element {0} is not the token of the opening")]
    Element(usize),
    /// The opening cannot be used.
    #[error("the opening cannot be used: {0}")]
    Oprf(#[from] OprfError),
}

impl Opening {
    /// Takes the tokens of a check: each once, filled up with dummies, in an order that says nothing.
    #[must_use]
    pub fn new(seed: [u8; 32], salt: [u8; 32], keys: impl IntoIterator<Item = TokenKey>) -> Self {
        let mut keys: Vec<TokenKey> = keys.into_iter().collect();
        keys.sort_unstable();
        keys.dedup();
        let dummies = keys.len().next_multiple_of(QUERY_STEP) - keys.len();
        keys.extend((0..dummies).map(|n| dummy(&seed, n)));
        keys.sort_by_cached_key(|key| place(&seed, key));
        Self { seed, salt, keys }
    }

    /// Returns the blinds.
    ///
    /// # Errors
    /// When a blind is zero.
    pub fn blinds(&self, mode: Mode) -> Result<Blinds, OprfError> {
        let mut random: Vec<[u8; 64]> = (0..self.keys.len())
            .map(|at| {
                let at = u32::try_from(at).unwrap_or(u32::MAX).to_be_bytes();
                Sha512::new().chain_update(BLIND).chain_update(self.seed).chain_update(at).finalize().into()
            })
            .collect();
        let blinds = Blinds::new(mode, &random);
        random.zeroize();
        blinds
    }

    /// Returns the commitment: the form of the ledger, `H(0x02 || salt || H(content))`.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        let mut content = Sha256::new().chain_update(CONTENT).chain_update(self.seed);
        self.keys.iter().for_each(|key| content.update(key));
        let content = content.finalize();
        Sha256::new().chain_update([2]).chain_update(self.salt).chain_update(content).finalize().into()
    }

    /// Checks that a request asked exactly this.
    ///
    /// # Errors
    /// Where they first differ.
    pub fn check(&self, request: &Request, binding: &Binding, mode: Mode) -> Result<(), Mismatch> {
        if self.commitment() != request.commitment {
            return Err(Mismatch::Commitment);
        }
        if self.keys.len() != request.elements.len() {
            return Err(Mismatch::Count);
        }
        let inputs: Vec<_> = self.keys.iter().map(|key| binding.input(key)).collect();
        let blinded = oprf::blind(&inputs, &self.blinds(mode)?)?;
        match blinded.iter().zip(&request.elements).position(|(a, b)| a != b) {
            Some(at) => Err(Mismatch::Element(at)),
            None => Ok(()),
        }
    }

    /// Returns which tokens are dummies: the rest is what was asked.
    #[must_use]
    pub fn is_dummy(&self, key: &TokenKey) -> bool {
        (0..QUERY_STEP).any(|n| dummy(&self.seed, n) == *key)
    }

    /// Returns the bytes, to be kept encrypted.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(4).uint(1).bytes(&self.seed).bytes(&self.salt).bytes(&self.keys.concat());
        w.finish()
    }

    /// Reads an opening.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        versioned(&mut r, 4)?;
        let (seed, salt) = (r.array()?, r.array()?);
        let (keys, rest) = r.bytes(32 * BATCH_MAX)?.as_chunks::<32>();
        r.end()?;
        if rest.is_empty() { Ok(Self { seed, salt, keys: keys.to_vec() }) } else { Err(WireError::Type) }
    }
}

fn dummy(seed: &[u8; 32], n: usize) -> TokenKey {
    let n = u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
    Sha256::new().chain_update(DUMMY).chain_update(seed).chain_update(n).finalize().into()
}

/// Where a token stands: keyed by the seed, for the order of plain tokens would rank a guess.
fn place(seed: &[u8; 32], key: &TokenKey) -> [u8; 32] {
    Sha256::new().chain_update(ORDER).chain_update(seed).chain_update(key).finalize().into()
}
