//! Encryption to a recipient: one X-Wing encapsulation per partner and hour (or per message), a key of its own for
//! every message, padded plaintext. What the hour costs in secrecy is said in `docs/spec/envelope.md`.

use std::collections::{BTreeMap, VecDeque};

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use core::convert::Infallible;
use hkdf::Hkdf;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable as _, OpModeR, OpModeS, Serializable as _};
use mithaq_model::{Millis, PartyId, Timestamp};
use mithaq_wire::limits::{PAD_MAX, PAD_MIN, SEALED_MAX};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::{KeyError, WrapError};
use crate::keys::{KEM_KEY_LEN, key_name};

/// X-Wing: X25519 and ML-KEM-768 (draft-connolly-cfrg-xwing-kem, HPKE id 0x647a).
pub(crate) type Kem = hpke::kem::XWing;
type Kdf = hpke::kdf::HkdfSha256;
type Aead = hpke::aead::ChaCha20Poly1305;

/// Length of an encapsulation in bytes.
pub(crate) const ENCAPSULATION_LEN: usize = 1120;
/// How long one encapsulation may serve.
pub const SESSION_SPAN: Millis = Millis::hours(1);
/// Most messages under one encapsulation: bounds what one secret opens.
pub const SESSION_MESSAGES_MAX: u64 = 1 << 20;
const EXPORT: &[u8] = b"mithaq/1 session";

/// Gives the 64 bytes of an encapsulation, and knows when more were asked for.
struct Given<'a> {
    rest: &'a [u8],
    short: bool,
}

impl TryRng for Given<'_> {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }
    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        match self.rest.split_at_checked(to.len()) {
            Some((head, rest)) => {
                to.copy_from_slice(head);
                self.rest = rest;
            }
            None => self.short = true,
        }
        Ok(())
    }
}

impl TryCryptoRng for Given<'_> {}

/// Binds a session to its two ends: an encapsulation that is passed on opens nothing.
fn info(from: &PartyId, to: &PartyId) -> Vec<u8> {
    [b"mithaq/1 session\0", from.as_str().as_bytes(), b"\0", to.as_str().as_bytes()].concat()
}

/// One encapsulation to one recipient, and the messages under it. Lives in memory only, is never stored or cloned: that
/// keeps its counter, and with it every message key, from being used twice.
pub struct KemSession {
    from: PartyId,
    to: PartyId,
    opened: Timestamp,
    recipient: [u8; 8],
    encapsulation: Vec<u8>,
    secret: Zeroizing<[u8; 32]>,
    next: u64,
    limit: u64,
}

impl core::fmt::Debug for KemSession {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("<session>")
    }
}

impl KemSession {
    /// Opens a session of an hour to the key of the recipient's manifest, with 64 fresh random bytes.
    ///
    /// # Errors
    /// When the key is malformed.
    pub fn open(
        (from, to): (&PartyId, &PartyId),
        recipient_key: &[u8],
        opened: Timestamp,
        random: &Zeroizing<[u8; 64]>,
    ) -> Result<Self, WrapError> {
        let key = <Kem as hpke::Kem>::PublicKey::from_bytes(recipient_key)
            .map_err(|_malformed| WrapError::Recipient)?;
        let mut given = Given { rest: random.as_ref(), short: false };
        let (encapsulation, context) =
            hpke::setup_sender_with_rng::<Aead, Kdf, Kem>(&OpModeS::Base, &key, &info(from, to), &mut given)
                .map_err(|_encapsulation| WrapError::Recipient)?;
        let mut secret = Zeroizing::new([0; 32]);
        context.export(EXPORT, secret.as_mut()).map_err(|_length| WrapError::Key)?;
        if given.short {
            return Err(WrapError::Key);
        }
        Ok(Self {
            from: from.clone(),
            to: to.clone(),
            opened,
            recipient: key_name(recipient_key),
            encapsulation: encapsulation.to_bytes().to_vec(),
            secret,
            next: 0,
            limit: SESSION_MESSAGES_MAX,
        })
    }

    /// Returns the session for one message only: what its secret opens is that message.
    #[must_use]
    pub fn single(mut self) -> Self {
        self.limit = 1;
        self
    }

    /// Returns whether a message made at this time may go under it.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.next < self.limit && at.since(self.opened) < SESSION_SPAN && self.opened.since(at) < SESSION_SPAN
    }

    pub(crate) fn is_between(&self, from: &PartyId, to: &PartyId) -> bool {
        self.from == *from && self.to == *to
    }

    /// Takes the next message number. Each is given once, also when what follows fails.
    pub(crate) fn take(&mut self, at: Timestamp) -> Result<u64, WrapError> {
        if !self.is_open(at) {
            return Err(WrapError::SessionOver);
        }
        let number = self.next;
        self.next += 1;
        Ok(number)
    }

    pub(crate) fn encrypt(&self, number: u64, protected: &[u8], plain: &[u8]) -> Result<Vec<u8>, WrapError> {
        let key = message_key(&self.secret, number, protected).map_err(|_length| WrapError::Key)?;
        cipher(&key)
            .encrypt(&Nonce::default(), Payload { msg: plain, aad: protected })
            .map_err(|_length| WrapError::Size)
    }

    pub(crate) fn recipient(&self) -> [u8; 8] {
        self.recipient
    }

    pub(crate) fn encapsulation(&self) -> &[u8] {
        &self.encapsulation
    }
}

/// A key per message, so that the nonce can be zero: derived from the session, the number and the header.
fn message_key(secret: &[u8; 32], number: u64, protected: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let header: [u8; 32] = Sha256::digest(protected).into();
    let mut key = Zeroizing::new([0; 32]);
    let prk = Hkdf::<Sha256>::from_prk(secret).map_err(|_length| KeyError)?;
    prk.expand_multi_info(&[b"mithaq/1 message\0", &number.to_be_bytes(), &header], key.as_mut())
        .map_err(|_length| KeyError)?;
    Ok(key)
}

fn cipher(key: &[u8; 32]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&Key::from(*key))
}

/// Decapsulates with a key in memory.
pub(crate) fn decapsulate(
    key: &<Kem as hpke::Kem>::PrivateKey,
    encapsulation: &[u8],
    info: &[u8],
) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let encapsulation =
        <Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulation).map_err(|_length| KeyError)?;
    let context = hpke::setup_receiver::<Aead, Kdf, Kem>(&OpModeR::Base, key, &encapsulation, info)
        .map_err(|_decapsulation| KeyError)?;
    let mut secret = Zeroizing::new([0; 32]);
    context.export(EXPORT, secret.as_mut()).map_err(|_length| KeyError)?;
    Ok(secret)
}

/// Session secrets of a receiver, so that an hour costs one decapsulation. Bounded: the oldest goes first. One per
/// partner keeps a partner that opens a session per message from slowing others.
pub struct SessionCache {
    capacity: usize,
    secrets: BTreeMap<[u8; 32], Zeroizing<[u8; 32]>>,
    order: VecDeque<[u8; 32]>,
}

impl core::fmt::Debug for SessionCache {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "<{} sessions>", self.order.len())
    }
}

impl SessionCache {
    /// Makes a cache for so many sessions; 0 keeps none.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, secrets: BTreeMap::new(), order: VecDeque::new() }
    }

    /// Returns how many sessions are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Returns whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Forgets every session, for example when the key is replaced.
    pub fn clear(&mut self) {
        self.secrets.clear();
        self.order.clear();
    }

    fn keep(&mut self, name: [u8; 32], secret: &Zeroizing<[u8; 32]>) {
        if self.capacity == 0 {
            return;
        }
        while self.order.len() >= self.capacity {
            if let Some(oldest) = self.order.pop_front() {
                self.secrets.remove(&oldest);
            }
        }
        self.secrets.insert(name, secret.clone());
        self.order.push_back(name);
    }
}

/// What travels: which key, which session, which message of it, the ciphertext.
pub(crate) struct Encrypted<'a> {
    pub(crate) recipient: [u8; 8],
    pub(crate) encapsulation: &'a [u8],
    pub(crate) number: u64,
    pub(crate) ciphertext: &'a [u8],
}

impl Encrypted<'_> {
    pub(crate) fn decrypt(
        &self,
        (from, to): (&PartyId, &PartyId),
        protected: &[u8],
        opener: &dyn crate::keys::KemOpener,
        cache: &mut SessionCache,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let key: &[u8; KEM_KEY_LEN] = opener.kem_key();
        if self.recipient != key_name(key) {
            return Err(KeyError);
        }
        let info = info(from, to);
        // The name covers the ends too: what another partner encapsulated is never found under this one's name.
        let hash = Sha256::new().chain_update(self.recipient).chain_update(self.encapsulation);
        let name: [u8; 32] = hash.chain_update(&info).finalize().into();
        let (secret, known) = match cache.secrets.get(&name) {
            Some(secret) => (secret.clone(), true),
            None => (opener.open_session(self.encapsulation, &info)?, false),
        };
        let key = message_key(&secret, self.number, protected)?;
        let plain = cipher(&key)
            .decrypt(&Nonce::default(), Payload { msg: self.ciphertext, aad: protected })
            .map_err(|_tag| KeyError)?;
        // Only what opened something is worth a place.
        if !known {
            cache.keep(name, &secret);
        }
        Ok(Zeroizing::new(plain))
    }
}

/// Puts the length before and zeros behind, up to the next step.
pub(crate) fn pad(content: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let length = u32::try_from(content.len()).ok().filter(|_short| content.len() <= SEALED_MAX)?;
    let size = padded(content.len() + 4);
    let mut plain = Zeroizing::new(Vec::with_capacity(size));
    plain.extend_from_slice(&length.to_be_bytes());
    plain.extend_from_slice(content);
    plain.resize(size, 0);
    Some(plain)
}

/// Takes off what [`pad`] put on, and refuses every other padding.
pub(crate) fn unpad(plain: &[u8]) -> Option<&[u8]> {
    let (head, rest) = plain.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*head)).ok().filter(|length| *length <= SEALED_MAX)?;
    let (content, padding) = rest.split_at_checked(length)?;
    (plain.len() == padded(length + 4) && padding.iter().all(|byte| *byte == 0)).then_some(content)
}

fn padded(length: usize) -> usize {
    length.max(PAD_MIN).next_power_of_two().min(PAD_MAX)
}
