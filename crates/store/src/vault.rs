//! Encryption of content at rest. Every content has a data key of its own, used once; the keys lie wrapped
//! under the node's master key in `record_key`. Erasing the key erases the content, also in every copy of
//! the database that is made afterwards.
//!
//! Responsible for sealing, opening, erasing and changing the master key. Deliberately does not keep the
//! master key (the shell gives it), read randomness itself ([`Entropy`]), or hide sizes, times and
//! references: those are columns.
//!
//! Content: ChaCha20-Poly1305 (RFC 8439) under the data key. Data: table, id and version, which also make
//! the nonce, so that content moved to another row does not open. Wrapping: XChaCha20-Poly1305 with a random
//! nonce of 24 bytes, bound to the same names and the number of the master key.

use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, XChaCha20Poly1305};
use mithaq_db::{Row, Tx, Value, args, lock_clause};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::StoreError;
use crate::derive::Derived;
use crate::sql::{Of, int, row};

/// Gives random bytes fit for keys. The shell owns the source.
pub trait Entropy: Send + Sync {
    /// Fills the whole slice.
    ///
    /// # Errors
    /// When the source cannot answer; then nothing is sealed.
    fn fill(&self, out: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The source of randomness did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no randomness could be had")]
pub struct NoEntropy;

/// The node's master key with its number; a changed key gets the next number.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey {
    number: u32,
    bytes: [u8; 32],
}

impl MasterKey {
    /// Takes 32 secret bytes, uniformly random.
    #[must_use]
    pub const fn new(number: u32, bytes: [u8; 32]) -> Self {
        Self { number, bytes }
    }

    /// Returns the number.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }
}

impl core::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "MasterKey({})", self.number)
    }
}

/// Whose content a data key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Secret,
    Agreement,
    Case,
    Link,
    Officer,
    OnwardConsent,
    PartnerRisk,
    Report,
    Ruling,
    RequestStep,
    Subject,
    CheckKey,
    CheckOpening,
    CheckCandidate,
    Upload,
    CheckStanding,
    CheckPlan,
    CheckPlanAsk,
    CheckConflict,
    Justification,
}

impl Kind {
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::Secret => "record_key",
            Self::Agreement => "agreement",
            Self::Case => "case_file",
            Self::Link => "link",
            Self::Officer => "officer",
            Self::OnwardConsent => "onward_consent",
            Self::PartnerRisk => "partner_risk",
            Self::Report => "report_version",
            Self::Ruling => "ruling",
            Self::RequestStep => "request_step",
            Self::Subject => "subject",
            Self::CheckKey => "check_epoch",
            Self::CheckOpening => "check_query",
            Self::CheckCandidate => "check_candidate",
            Self::Upload => "attachment_upload",
            Self::CheckStanding => "check_standing",
            Self::CheckPlan => "check_plan",
            Self::CheckPlanAsk => "check_plan_ask",
            Self::CheckConflict => "check_conflict",
            Self::Justification => "justification",
        }
    }

    /// The stored number; never reused for another kind.
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::Secret => 0,
            Self::Agreement => 1,
            Self::Case => 2,
            Self::Link => 3,
            Self::Officer => 4,
            Self::PartnerRisk => 5,
            Self::Report => 6,
            Self::Ruling => 8,
            Self::Subject => 7,
            Self::RequestStep => 9,
            Self::CheckKey => 12,
            Self::CheckOpening => 13,
            Self::CheckCandidate => 14,
            Self::CheckStanding => 20,
            Self::CheckPlan => 21,
            Self::CheckPlanAsk => 22,
            Self::CheckConflict => 23,
            Self::Justification => 24,
            Self::OnwardConsent => 10,
            Self::Upload => 15,
        }
    }

    pub(crate) fn from_number(number: i64) -> Option<Self> {
        const ALL: [Kind; 20] = [
            Kind::Secret,
            Kind::Agreement,
            Kind::Case,
            Kind::Link,
            Kind::Officer,
            Kind::OnwardConsent,
            Kind::PartnerRisk,
            Kind::Report,
            Kind::Ruling,
            Kind::RequestStep,
            Kind::Subject,
            Kind::CheckKey,
            Kind::CheckOpening,
            Kind::CheckCandidate,
            Kind::Upload,
            Kind::CheckStanding,
            Kind::CheckPlan,
            Kind::CheckPlanAsk,
            Kind::CheckConflict,
            Kind::Justification,
        ];
        ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// The name of one content: bound into everything that is encrypted for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) kind: Kind,
    pub(crate) id: &'a [u8],
    pub(crate) version: u64,
}

impl Record<'_> {
    /// `short table || short id || u64 version`; neither is longer than 255 bytes.
    fn name(&self) -> Vec<u8> {
        let table = self.kind.table().as_bytes();
        let mut out = Vec::with_capacity(table.len() + self.id.len() + 10);
        for part in [table, self.id] {
            out.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(part);
        }
        out.extend_from_slice(&self.version.to_be_bytes());
        out
    }

    const fn broken(&self) -> StoreError {
        StoreError::Integrity { table: self.kind.table() }
    }
}

/// What sealing gives: the column of the content and the row of its key.
pub(crate) struct Sealed {
    pub(crate) content: Vec<u8>,
    pub(crate) key: Vec<Value>,
}

/// Opened content; wiped when dropped.
pub type Plain = Zeroizing<Vec<u8>>;

const KEY_LEN: usize = 32;
const WRAP_NONCE_LEN: usize = 24;
const WRAPPED_LEN: usize = WRAP_NONCE_LEN + KEY_LEN + 16;
const SECRET: Record<'static> = Record { kind: Kind::Secret, id: b"index", version: 1 };
const PUT_KEY: &str =
    "INSERT INTO record_key (id, kind, version, master, wrapped) VALUES ($1, $2, $3, $4, $5)";

/// The door to encrypted content: the master key and what was derived once from the node's index secret.
#[derive(Clone)]
pub struct Vault {
    master: MasterKey,
    entropy: Arc<dyn Entropy>,
    derived: Derived,
}

impl core::fmt::Debug for Vault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Vault({:?})", self.master)
    }
}

impl Vault {
    /// Makes the vault of a new node: draws the index secret and stores it wrapped.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the node has one already.
    pub fn create(tx: &mut dyn Tx, master: MasterKey, entropy: Arc<dyn Entropy>) -> Result<Self, StoreError> {
        let found = tx.query_opt(
            "SELECT master FROM record_key WHERE id = $1 AND kind = $2 AND version = $3",
            args![SECRET.id, SECRET.kind.number(), 1_i64],
        )?;
        if found.is_some() {
            return Err(StoreError::Conflict { what: "vault" });
        }
        let mut secret = Zeroizing::new([0_u8; KEY_LEN]);
        fill(&*entropy, &mut *secret)?;
        let vault = Self { derived: Derived::new(&secret)?, master, entropy };
        let key = vault.wrap(&SECRET, &secret)?;
        tx.exec(PUT_KEY, &key)?;
        Ok(vault)
    }

    /// Opens the vault of a node that has one.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is none, [`StoreError::MasterKey`] for another master key,
    /// [`StoreError::Integrity`] when the key is wrong for its number or the row was changed.
    pub fn open(tx: &mut dyn Tx, master: MasterKey, entropy: Arc<dyn Entropy>) -> Result<Self, StoreError> {
        let row = tx.query_opt(
            "SELECT master, wrapped FROM record_key WHERE id = $1 AND kind = $2 AND version = $3",
            args![SECRET.id, SECRET.kind.number(), 1_i64],
        )?;
        let row = row.ok_or(StoreError::Missing { what: "vault" })?;
        let secret = unwrap_key(&master, &SECRET, Of("record_key").u32(&row, 0)?, row.bytes(1)?)?;
        Ok(Self { derived: Derived::new(&secret)?, master, entropy })
    }

    pub(crate) const fn derived(&self) -> &Derived {
        &self.derived
    }

    /// Encrypts content under a fresh data key.
    pub(crate) fn seal(&self, record: &Record<'_>, content: &[u8]) -> Result<Sealed, StoreError> {
        let mut key = Zeroizing::new([0_u8; KEY_LEN]);
        fill(&*self.entropy, &mut *key)?;
        let name = record.name();
        let cipher = ChaCha20Poly1305::new((&*key).into());
        let payload = Payload { msg: content, aad: &name };
        let content = cipher
            .encrypt((&content_nonce(&name)).into(), payload)
            .map_err(|_long| StoreError::Limit { what: "content" })?;
        Ok(Sealed { content, key: self.wrap(record, &key)? })
    }

    /// Stores the keys of new contents. A key that is there already is a conflict of the engine: a name is
    /// sealed once per version.
    pub(crate) fn put_keys(tx: &mut dyn Tx, keys: &[Vec<Value>]) -> Result<(), StoreError> {
        tx.exec_many(PUT_KEY, keys)?;
        Ok(())
    }

    /// Decrypts a content whose key row comes in the same row: columns `at` (content), `at + 1` (master key
    /// number) and `at + 2` (wrapped key). No key: erased.
    pub(crate) fn open_row(&self, record: &Record<'_>, row: &Row, at: usize) -> Result<Plain, StoreError> {
        let erased = StoreError::Missing { what: "content" };
        let (Some(content), Some(wrapped)) = (row.opt_bytes(at)?, row.opt_bytes(at + 2)?) else {
            return Err(erased);
        };
        let number = Of("record_key").u32(row, at + 1)?;
        self.open_content(record, number, wrapped, content)
    }

    pub(crate) fn open_content(
        &self,
        record: &Record<'_>,
        number: u32,
        wrapped: &[u8],
        content: &[u8],
    ) -> Result<Plain, StoreError> {
        let key = unwrap_key(&self.master, record, number, wrapped)?;
        let name = record.name();
        let cipher = ChaCha20Poly1305::new((&*key).into());
        let payload = Payload { msg: content, aad: &name };
        let plain = cipher.decrypt((&content_nonce(&name)).into(), payload);
        plain.map(Zeroizing::new).map_err(|_forged| record.broken())
    }

    fn wrap(&self, record: &Record<'_>, key: &[u8; KEY_LEN]) -> Result<Vec<Value>, StoreError> {
        wrap_key(&self.master, &*self.entropy, record, key)
    }

    /// Wraps the keys of up to `limit` records anew under another master key, in the order of their names.
    /// To be called in jobs of its own until it answers 0; an interrupted change goes on where it was.
    /// Contents are not touched. Afterwards the old master key opens nothing of this database.
    ///
    /// # Errors
    /// [`StoreError::MasterKey`] when a record needs a third key, [`StoreError::Conflict`] when both keys
    /// have one number.
    pub fn rewrap(&self, tx: &mut dyn Tx, to: &MasterKey, limit: u32) -> Result<u32, StoreError> {
        if to.number == self.master.number {
            return Err(StoreError::Conflict { what: "master key" });
        }
        let of = Of("record_key");
        let sql = format!(
            "SELECT id, kind, version, master, wrapped FROM record_key WHERE master <> $1
             ORDER BY id, kind, version LIMIT $2{}",
            lock_clause(tx.engine())
        );
        let rows = tx.query(&sql, args![to.number, limit])?;
        let mut changed = Vec::with_capacity(rows.len());
        for row in &rows {
            let kind = Kind::from_number(row.int(1)?).ok_or(of.broken())?;
            let record = Record { kind, id: row.bytes(0)?, version: row.unsigned(2)? };
            let key = unwrap_key(&self.master, &record, of.u32(row, 3)?, row.bytes(4)?)?;
            changed.push(wrap_key(to, &*self.entropy, &record, &key)?);
        }
        tx.exec_many(
            "UPDATE record_key SET master = $4, wrapped = $5 WHERE id = $1 AND kind = $2 AND version = $3",
            &changed,
        )?;
        u32::try_from(rows.len()).map_err(|_many| StoreError::Limit { what: "page" })
    }
}

/// Erases the keys of all versions of a record. On SQLite the pages are overwritten (`secure_delete`); the
/// write-ahead log is emptied by the checkpoint that follows an erasure.
pub(crate) fn erase_keys(tx: &mut dyn Tx, kind: Kind, ids: &[&[u8]]) -> Result<u64, StoreError> {
    let rows: Vec<_> = ids.iter().map(|id| row![*id, kind.number()]).collect();
    Ok(tx.exec_many("DELETE FROM record_key WHERE id = $1 AND kind = $2", &rows)?)
}

/// Erases the key of one version.
pub(crate) fn erase_key(tx: &mut dyn Tx, record: &Record<'_>) -> Result<u64, StoreError> {
    Ok(tx.exec(ERASE_KEY, &key_columns(record)?)?)
}

/// Erases the key of one version: values of [`key_columns`].
pub(crate) const ERASE_KEY: &str = "DELETE FROM record_key WHERE id = $1 AND kind = $2 AND version = $3";

pub(crate) fn key_columns(record: &Record<'_>) -> Result<Vec<Value>, StoreError> {
    Ok(vec![Value::from(record.id), Value::from(record.kind.number()), int(record.version)?])
}

fn fill(entropy: &dyn Entropy, out: &mut [u8]) -> Result<(), StoreError> {
    entropy.fill(out).map_err(|NoEntropy| StoreError::NoEntropy)
}

/// The key is used for this name only, so the nonce needs no randomness; made from the name it keeps two
/// contents apart even if a broken source of randomness gave one key twice.
fn content_nonce(name: &[u8]) -> [u8; 12] {
    let digest = Sha256::new().chain_update(b"mithaq/store/content/1").chain_update(name).finalize();
    digest.first_chunk().copied().unwrap_or_default()
}

fn wrap_name(number: u32, record: &Record<'_>) -> Vec<u8> {
    let mut name = b"mithaq/store/wrap/1".to_vec();
    name.extend_from_slice(&number.to_be_bytes());
    name.extend_from_slice(&record.name());
    name
}

fn wrap_key(
    master: &MasterKey,
    entropy: &dyn Entropy,
    record: &Record<'_>,
    key: &[u8; KEY_LEN],
) -> Result<Vec<Value>, StoreError> {
    let mut nonce = [0_u8; WRAP_NONCE_LEN];
    fill(entropy, &mut nonce)?;
    let name = wrap_name(master.number, record);
    let sealed = XChaCha20Poly1305::new((&master.bytes).into())
        .encrypt((&nonce).into(), Payload { msg: key, aad: &name })
        .map_err(|_long| StoreError::Limit { what: "content" })?;
    let mut wrapped = Vec::with_capacity(WRAPPED_LEN);
    wrapped.extend_from_slice(&nonce);
    wrapped.extend_from_slice(&sealed);
    let version = int(record.version)?;
    let (kind, master) = (Value::from(record.kind.number()), Value::from(master.number));
    Ok(vec![Value::from(record.id), kind, version, master, Value::from(wrapped)])
}

fn unwrap_key(
    master: &MasterKey,
    record: &Record<'_>,
    number: u32,
    wrapped: &[u8],
) -> Result<Zeroizing<[u8; KEY_LEN]>, StoreError> {
    if number != master.number {
        return Err(StoreError::MasterKey { number });
    }
    let broken = StoreError::Integrity { table: "record_key" };
    let (nonce, sealed) = wrapped.split_first_chunk::<WRAP_NONCE_LEN>().ok_or(broken.clone())?;
    let name = wrap_name(number, record);
    let plain = XChaCha20Poly1305::new((&master.bytes).into())
        .decrypt(nonce.into(), Payload { msg: sealed, aad: &name })
        .map(Zeroizing::new)
        .map_err(|_forged| broken.clone())?;
    let key: &[u8; KEY_LEN] = plain.as_slice().try_into().map_err(|_length| broken)?;
    Ok(Zeroizing::new(*key))
}

#[cfg(test)]
mod tests;
