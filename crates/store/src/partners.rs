//! What is known of partners: endpoint, chain of manifests, transfer-risk assessments, when they were last
//! heard of. Manifests are kept byte for byte; whether one is genuine is for the crate that verifies it.

use mithaq_db::{Tx, Value, args};
use mithaq_model::{OfficerId, PartyId, RiskLevel, Timestamp};
use mithaq_wire::Digest;

use crate::sql::{Of, change_one, id, insert_new, sha256, time};
use crate::vault::{Kind, Plain, Record, erase_keys};
use crate::{StoreError, Vault};

/// A partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// The party.
    pub party: PartyId,
    /// Where its node is reached; empty for one that only pulls.
    pub endpoint: String,
    /// When it was last heard of.
    pub seen: Option<Timestamp>,
    /// Its clock less ours when last heard of, in milliseconds.
    pub skew_ms: Option<i64>,
}

/// A manifest as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredManifest {
    /// Number in the chain, from 1.
    pub number: u32,
    /// SHA-256 of the bytes.
    pub hash: Digest,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A transfer-risk assessment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// Result.
    pub level: RiskLevel,
    /// When it was made.
    pub at: Timestamp,
    /// It carries no transfer after that.
    pub valid_to: Timestamp,
    /// Who answers for it.
    pub officer: OfficerId,
    /// The assessment, encoded by the caller.
    pub content: Plain,
}

/// Adds a partner or changes its endpoint.
///
/// # Errors
/// When the engine refuses.
pub fn put(tx: &mut dyn Tx, party: &PartyId, endpoint: &str) -> Result<(), StoreError> {
    tx.exec(
        "INSERT INTO partner (party, endpoint) VALUES ($1, $2)
         ON CONFLICT (party) DO UPDATE SET endpoint = excluded.endpoint",
        args![party.as_str(), endpoint],
    )?;
    Ok(())
}

/// Notes that a partner was heard of.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such partner.
pub fn seen(tx: &mut dyn Tx, party: &PartyId, at: Timestamp, skew_ms: i64) -> Result<(), StoreError> {
    let sql = "UPDATE partner SET seen_at = $2, skew_ms = $3 WHERE party = $1";
    change_one(tx, sql, args![party.as_str(), at.as_millis(), skew_ms], "partner")
}

/// Returns all partners, at most 1,000.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn list(tx: &mut dyn Tx) -> Result<Vec<Partner>, StoreError> {
    let of = Of("partner");
    let rows =
        tx.query("SELECT party, endpoint, seen_at, skew_ms FROM partner ORDER BY party LIMIT 1000", &[])?;
    rows.iter()
        .map(|row| {
            Ok(Partner {
                party: of.party(row, 0)?,
                endpoint: row.text(1)?.to_owned(),
                seen: of.opt_time(row, 2)?,
                skew_ms: row.opt_int(3)?,
            })
        })
        .collect()
}

/// Adds the next manifest of a party's chain (also this node's own).
///
/// # Errors
/// [`StoreError::Conflict`] when that number is there already: another manifest of one number is a fork, to
/// be shown to people.
pub fn add_manifest(
    tx: &mut dyn Tx,
    party: &PartyId,
    number: u32,
    bytes: &[u8],
) -> Result<Digest, StoreError> {
    let hash = sha256(bytes);
    crate::leases::known_changed(tx)?;
    insert_new(
        tx,
        "INSERT INTO partner_manifest (party, number, hash, bytes) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
        args![party.as_str(), number, hash.0, bytes],
        "manifest",
    )?;
    Ok(hash)
}

/// Returns the chain of manifests of a party from a number on, at most 1,000.
///
/// # Errors
/// [`StoreError::Integrity`] when bytes and hash disagree.
pub fn manifests(tx: &mut dyn Tx, party: &PartyId, from: u32) -> Result<Vec<StoredManifest>, StoreError> {
    let of = Of("partner_manifest");
    let rows = tx.query(
        "SELECT number, hash, bytes FROM partner_manifest WHERE party = $1 AND number >= $2
         ORDER BY number LIMIT 1000",
        args![party.as_str(), from],
    )?;
    rows.into_iter()
        .map(|mut row| {
            let (number, hash, bytes) = (of.u32(&row, 0)?, of.digest(&row, 1)?, row.take_bytes(2)?);
            let same = sha256(&bytes) == hash;
            if same { Ok(StoredManifest { number, hash, bytes }) } else { Err(of.broken()) }
        })
        .collect()
}

/// The version in the name of a risk record is its number; the party is its id.
fn risk_record(party: &PartyId, number: u32) -> Record<'_> {
    Record { kind: Kind::PartnerRisk, id: party.as_str().as_bytes(), version: u64::from(number) }
}

/// Adds a risk assessment; former ones stay, as the record of what was decided on.
///
/// # Errors
/// [`StoreError::Conflict`] when another was added at the same time.
pub fn add_risk(tx: &mut dyn Tx, vault: &Vault, party: &PartyId, risk: &Risk) -> Result<u32, StoreError> {
    let row = tx.query_one(
        "SELECT COALESCE(MAX(number), 0) FROM partner_risk WHERE party = $1",
        args![party.as_str()],
    )?;
    let number = Of("partner_risk").u32(&row, 0)?.saturating_add(1);
    let sealed = vault.seal(&risk_record(party, number), &risk.content)?;
    insert_new(
        tx,
        "INSERT INTO partner_risk (party, number, level, at, valid_to, officer, content)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &[
            Value::from(party.as_str()),
            Value::from(number),
            Value::from(risk.level.code()),
            time(risk.at),
            time(risk.valid_to),
            id(risk.officer),
            Value::from(sealed.content),
        ],
        "risk assessment",
    )?;
    Vault::put_keys(tx, &[sealed.key])?;
    Ok(number)
}

/// Returns the newest risk assessment of a partner.
///
/// # Errors
/// [`StoreError::Integrity`] when the row disagrees with itself.
pub fn risk(tx: &mut dyn Tx, vault: &Vault, party: &PartyId) -> Result<Option<Risk>, StoreError> {
    let of = Of("partner_risk");
    let row = tx.query_opt(
        "SELECT r.number, r.level, r.at, r.valid_to, r.officer, r.content, k.master, k.wrapped
         FROM partner_risk r
         LEFT JOIN record_key k ON k.id = $2 AND k.kind = 5 AND k.version = r.number
         WHERE r.party = $1 ORDER BY r.number DESC LIMIT 1",
        args![party.as_str(), party.as_str().as_bytes()],
    )?;
    let Some(row) = row else { return Ok(None) };
    let content = vault.open_row(&risk_record(party, of.u32(&row, 0)?), &row, 5)?;
    Ok(Some(Risk {
        level: of.code(&row, 1, RiskLevel::from_code)?,
        at: of.time(&row, 2)?,
        valid_to: of.time(&row, 3)?,
        officer: of.id(&row, 4)?,
        content,
    }))
}

/// Removes a partner with its risk assessments. Manifests stay: signatures are verified by them.
///
/// # Errors
/// When the engine refuses.
pub fn remove(tx: &mut dyn Tx, party: &PartyId) -> Result<(), StoreError> {
    erase_keys(tx, Kind::PartnerRisk, &[party.as_str().as_bytes()])?;
    tx.exec("DELETE FROM partner_risk WHERE party = $1", args![party.as_str()])?;
    tx.exec("DELETE FROM partner WHERE party = $1", args![party.as_str()])?;
    Ok(())
}
