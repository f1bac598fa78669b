//! Keys behind narrow traits, so that a token or a service can stand in for software. A trait signs for one
//! purpose only; callers cannot swap an agency's key for a node's. The software keys here hold secrets that
//! are erased when dropped and never shown.

use aws_lc_rs::signature::{
    Ed25519KeyPair, KeyPair as _, ML_DSA_65, ML_DSA_65_SIGNING, PqdsaKeyPair, UnparsedPublicKey,
};
use ed25519_dalek::{Signature, VerifyingKey};
use hpke::{Deserializable as _, Kem as _, Serializable as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::session::{self, Kem};

/// Length of an X-Wing public key in bytes.
pub const KEM_KEY_LEN: usize = 1216;
/// Length of an ML-DSA-65 public key in bytes (FIPS 204).
pub const ML_DSA_KEY_LEN: usize = 1952;
/// Length of an ML-DSA-65 signature in bytes (FIPS 204).
pub const ML_DSA_SIGNATURE_LEN: usize = 3309;

/// Signs seals for an agency.
pub trait AgencySigner {
    /// Returns the Ed25519 public key.
    fn seal_key(&self) -> [u8; 32];
    /// Signs.
    ///
    /// # Errors
    /// When the key cannot be used.
    fn sign_seal(&self, message: &[u8]) -> Result<[u8; 64], KeyError>;
}

/// Signs envelopes and receipts for a node.
pub trait NodeSigner {
    /// Returns the Ed25519 public key.
    fn node_key(&self) -> [u8; 32];
    /// Signs.
    ///
    /// # Errors
    /// When the key cannot be used.
    fn sign_node(&self, message: &[u8]) -> Result<[u8; 64], KeyError>;
}

/// Opens sessions that were encapsulated to this node.
pub trait KemOpener {
    /// Returns the X-Wing public key.
    fn kem_key(&self) -> &[u8; KEM_KEY_LEN];
    /// Returns the session secret: decapsulates and exports (RFC 9180, §5.3).
    ///
    /// # Errors
    /// When the key cannot be used or the encapsulation is malformed.
    fn open_session(&self, encapsulation: &[u8], info: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyError>;
}

/// Signs manifests and agreements for a party. Offline.
pub trait RootSigner {
    /// Returns the public keys.
    fn root_keys(&self) -> &RootKeys;
    /// Signs with both keys.
    ///
    /// # Errors
    /// When a key cannot be used.
    fn sign_root(&self, message: &[u8]) -> Result<RootSignature, KeyError>;
}

/// The public root keys of a party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootKeys {
    /// Ed25519.
    pub ed25519: [u8; 32],
    /// ML-DSA-65, 1,952 bytes.
    pub ml_dsa: Vec<u8>,
}

impl RootKeys {
    /// Returns the fingerprint: SHA-256 of `mithaq/1 root`, a zero byte and both keys. An agreement names it, and
    /// officers compare it.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let hash = Sha256::new().chain_update(b"mithaq/1 root\0");
        hash.chain_update(self.ed25519).chain_update(&self.ml_dsa).finalize().into()
    }

    /// Verifies that both keys signed.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &RootSignature) -> bool {
        let lattice = UnparsedPublicKey::new(&ML_DSA_65, &self.ml_dsa);
        self.ml_dsa.len() == ML_DSA_KEY_LEN
            && signature.ml_dsa.len() == ML_DSA_SIGNATURE_LEN
            && Verifier::new(&self.ed25519).is_some_and(|key| key.verify(message, &signature.ed25519))
            && lattice.verify(message, &signature.ml_dsa).is_ok()
    }
}

/// A signature with both root keys. One without the other counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootSignature {
    /// Ed25519.
    pub ed25519: [u8; 64],
    /// ML-DSA-65, 3,309 bytes.
    pub ml_dsa: Vec<u8>,
}

/// An Ed25519 key that can verify something: on the curve, in its one encoding, not of small order. Checked once, when a
/// manifest is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verifier {
    key: VerifyingKey,
    name: [u8; 8],
}

impl Verifier {
    pub(crate) fn new(key: &[u8; 32]) -> Option<Self> {
        let parsed = VerifyingKey::from_bytes(key).ok()?;
        // A point has one encoding here: a key that is reduced on reading is another spelling of it.
        let one_spelling = parsed.to_edwards().compress().as_bytes() == key;
        (one_spelling && !parsed.is_weak()).then(|| Self { key: parsed, name: key_name(key) })
    }

    pub(crate) const fn name(&self) -> [u8; 8] {
        self.name
    }

    /// Verifies by the strict rule: canonical S and R, R not of small order (RFC 8032, §5.1.7, without cofactor).
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// Returns whether bytes are an X-Wing public key.
pub(crate) fn usable_kem(key: &[u8]) -> bool {
    key.len() == KEM_KEY_LEN && <Kem as hpke::Kem>::PublicKey::from_bytes(key).is_ok()
}

/// Returns the short name of a key in headers: the first 8 bytes of its SHA-256. It finds, it does not prove.
pub(crate) fn key_name(key: &[u8]) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::digest(key).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    [a, b, c, d, e, f, g, h]
}

/// Seeds of the keys of a running node. Random, 32 bytes each; whoever has one has the key.
pub struct Seeds {
    /// Agency's seal key (Ed25519).
    pub seal: Zeroizing<[u8; 32]>,
    /// Node key (Ed25519).
    pub node: Zeroizing<[u8; 32]>,
    /// Key encapsulation (X-Wing).
    pub kem: Zeroizing<[u8; 32]>,
}

/// An Ed25519 key in the library's memory, which erases it. It signs twice as fast as the crate that verifies;
/// signatures are deterministic and the same.
struct Signing {
    pair: Ed25519KeyPair,
    public: [u8; 32],
}

impl Signing {
    fn new(seed: &[u8; 32]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_refused| KeyError)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_length| KeyError)?;
        Ok(Self { pair, public })
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyError> {
        self.pair.sign(message).as_ref().try_into().map_err(|_length| KeyError)
    }
}

/// The keys of a running node in memory, erased when dropped.
pub struct SoftKeys {
    seal: Signing,
    node: Signing,
    kem: <Kem as hpke::Kem>::PrivateKey,
    kem_public: Box<[u8; KEM_KEY_LEN]>,
}

impl SoftKeys {
    /// Makes the keys of these seeds; the same seeds give the same keys.
    ///
    /// # Errors
    /// When a library refuses a seed, which it has no reason to.
    pub fn new(seeds: &Seeds) -> Result<Self, KeyError> {
        let kem =
            <Kem as hpke::Kem>::PrivateKey::from_bytes(seeds.kem.as_ref()).map_err(|_library| KeyError)?;
        let public = Kem::sk_to_pk(&kem).to_bytes();
        let kem_public = Box::new(public.as_slice().try_into().map_err(|_length| KeyError)?);
        Ok(Self { seal: Signing::new(&seeds.seal)?, node: Signing::new(&seeds.node)?, kem, kem_public })
    }
}

impl core::fmt::Debug for SoftKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("<keys>")
    }
}

impl AgencySigner for SoftKeys {
    fn seal_key(&self) -> [u8; 32] {
        self.seal.public
    }
    fn sign_seal(&self, message: &[u8]) -> Result<[u8; 64], KeyError> {
        self.seal.sign(message)
    }
}

impl NodeSigner for SoftKeys {
    fn node_key(&self) -> [u8; 32] {
        self.node.public
    }
    fn sign_node(&self, message: &[u8]) -> Result<[u8; 64], KeyError> {
        self.node.sign(message)
    }
}

impl KemOpener for SoftKeys {
    fn kem_key(&self) -> &[u8; KEM_KEY_LEN] {
        &self.kem_public
    }
    fn open_session(&self, encapsulation: &[u8], info: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        session::decapsulate(&self.kem, encapsulation, info)
    }
}

/// The root keys of a party in memory.
pub struct SoftRoot {
    ed25519: Signing,
    ml_dsa: PqdsaKeyPair,
    public: RootKeys,
}

impl SoftRoot {
    /// Makes the root keys of two seeds of 32 random bytes.
    ///
    /// # Errors
    /// When the library refuses the seed.
    pub fn new(ed25519: &Zeroizing<[u8; 32]>, ml_dsa: &Zeroizing<[u8; 32]>) -> Result<Self, KeyError> {
        let ed25519 = Signing::new(ed25519)?;
        let ml_dsa =
            PqdsaKeyPair::from_seed(&ML_DSA_65_SIGNING, ml_dsa.as_ref()).map_err(|_refused| KeyError)?;
        let public = RootKeys { ed25519: ed25519.public, ml_dsa: ml_dsa.public_key().as_ref().to_vec() };
        Ok(Self { ed25519, ml_dsa, public })
    }
}

impl core::fmt::Debug for SoftRoot {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("<root keys>")
    }
}

impl RootSigner for SoftRoot {
    fn root_keys(&self) -> &RootKeys {
        &self.public
    }
    fn sign_root(&self, message: &[u8]) -> Result<RootSignature, KeyError> {
        let mut ml_dsa = vec![0; ML_DSA_SIGNATURE_LEN];
        let length = self.ml_dsa.sign(message, &mut ml_dsa).map_err(|_library| KeyError)?;
        if length != ML_DSA_SIGNATURE_LEN {
            return Err(KeyError);
        }
        Ok(RootSignature { ed25519: self.ed25519.sign(message)?, ml_dsa })
    }
}
