//! What is derived from the node's index secret: the key of the blind search terms and the key of the ledger
//! salts. The secret does not change with the master key, so changing that key leaves the index whole.

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::StoreError;

/// Length of a blind term in bytes: 2^64 terms before two are likely to share one.
pub(crate) const TERM_LEN: usize = 16;

/// A search term as the index holds it: says nothing without the node's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub(crate) [u8; TERM_LEN]);

impl Term {
    /// Returns the keyed hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

#[derive(Clone)]
pub(crate) struct Derived {
    terms: Hmac<Sha256>,
    salts: ChaCha20Poly1305,
}

/// The place of a salt in the ledger and what it belongs to.
pub(crate) struct SaltPlace<'a> {
    pub(crate) log: u32,
    pub(crate) index: u64,
    pub(crate) object: &'a [u8; 16],
    pub(crate) commitment: &'a [u8; 32],
}

impl SaltPlace<'_> {
    fn name(&self) -> Vec<u8> {
        let mut name = b"mithaq/store/salt/1".to_vec();
        name.extend_from_slice(&self.log.to_be_bytes());
        name.extend_from_slice(&self.index.to_be_bytes());
        name.extend_from_slice(self.object);
        name.extend_from_slice(self.commitment);
        name
    }
}

/// The commitment differs with the salt, so a place that a rolled back job used before gets another nonce.
fn nonce(name: &[u8]) -> [u8; 12] {
    Sha256::digest(name).first_chunk().copied().unwrap_or_default()
}

impl Derived {
    pub(crate) fn new(secret: &[u8; 32]) -> Result<Self, StoreError> {
        let hkdf = Hkdf::<Sha256>::new(None, secret);
        let key = |label: &[u8]| {
            let mut key = Zeroizing::new([0_u8; 32]);
            hkdf.expand(label, &mut *key).map_err(|_length| StoreError::Limit { what: "key" })?;
            Ok::<_, StoreError>(key)
        };
        let terms = Hmac::<Sha256>::new_from_slice(&*key(b"mithaq/store/terms/1")?)
            .map_err(|_length| StoreError::Limit { what: "key" })?;
        let salts = ChaCha20Poly1305::new((&*key(b"mithaq/store/salts/1")?).into());
        Ok(Self { terms, salts })
    }

    /// HMAC-SHA-256 of the term, the first 16 bytes.
    pub(crate) fn term(&self, text: &str) -> Term {
        let mac = self.terms.clone().chain_update(text.as_bytes()).finalize().into_bytes();
        Term(mac.first_chunk().copied().unwrap_or_default())
    }

    /// Encrypts salt and content digest of a commitment for its place.
    pub(crate) fn seal_salt(
        &self,
        place: &SaltPlace<'_>,
        salt: &[u8; 32],
        digest: &[u8; 32],
    ) -> Result<Vec<u8>, StoreError> {
        let (name, mut both) = (place.name(), Zeroizing::new([0_u8; 64]));
        let (left, right) = both.split_at_mut(32);
        left.copy_from_slice(salt);
        right.copy_from_slice(digest);
        self.salts
            .encrypt((&nonce(&name)).into(), Payload { msg: &*both, aad: &name })
            .map_err(|_long| StoreError::Limit { what: "content" })
    }

    /// Opens what [`Derived::seal_salt`] made.
    pub(crate) fn open_salt(
        &self,
        place: &SaltPlace<'_>,
        sealed: &[u8],
    ) -> Result<([u8; 32], [u8; 32]), StoreError> {
        let broken = || StoreError::Integrity { table: "ledger_salt" };
        let name = place.name();
        let both = self
            .salts
            .decrypt((&nonce(&name)).into(), Payload { msg: sealed, aad: &name })
            .map(Zeroizing::new)
            .map_err(|_forged| broken())?;
        let (salt, rest) = both.split_first_chunk::<32>().ok_or_else(broken)?;
        let digest: &[u8; 32] = rest.try_into().map_err(|_length| broken())?;
        Ok((*salt, *digest))
    }
}
