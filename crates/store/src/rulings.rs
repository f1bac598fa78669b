//! What people decided about rights, each in writing: a clearance of what the screen found or of a protected
//! role, an opinion on what lies in quarantine, a life at risk. One row is one person's word on one content:
//! who, in which role, about which bytes, when, and why (encrypted).
//!
//! How many persons in which roles a matter needs is `app`'s question. A person has one word per matter; a later
//! one replaces it. Erasing the reasons leaves who decided what, and when.

use mithaq_db::{Row, Tx, Value};
use mithaq_model::{ObjectId, OfficerId, ReportVersion, Role, SubjectId, Text, Timestamp};
use mithaq_wire::Digest;

use crate::sql::{Of, PAGE_MAX, id, pack, text_of, text_parts, time, unpack};
use crate::vault::{Kind, Record, erase_keys};
use crate::{StoreError, Vault};

const OF: Of = Of("ruling");
const COLUMNS: &str =
    "SELECT r.object, r.version, r.matter, r.subject, r.officer, r.role, r.says, r.hash, r.at, r.id
    FROM ruling r";
/// Stands for "the whole": no subject has it.
const WHOLE: [u8; 16] = [0; 16];

/// What a ruling is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The object.
    pub object: ObjectId,
    /// Its version.
    pub version: ReportVersion,
    /// The matter, a code, for example `special_category` or `protected:lawyer`.
    pub matter: String,
    /// The subject it concerns; none: the whole.
    pub subject: Option<SubjectId>,
}

/// One person's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// About what.
    pub about: About,
    /// Who.
    pub officer: OfficerId,
    /// In which role.
    pub role: Role,
    /// The word, a code, for example `clear`, `release` or `refuse`.
    pub says: String,
    /// SHA-256 of the content it was about: of another content it says nothing.
    pub hash: Digest,
    /// When.
    pub at: Timestamp,
    /// Number of the written reason.
    pub reason: [u8; 16],
}

fn record(reason: &[u8; 16]) -> Record<'_> {
    Record { kind: Kind::Ruling, id: reason, version: 1 }
}

fn key(ruling: &Ruling) -> [Value; 5] {
    let subject = ruling.about.subject.map_or(WHOLE, |subject| *subject.as_bytes());
    [
        id(ruling.about.object),
        Value::from(ruling.about.version.get()),
        Value::from(ruling.about.matter.as_str()),
        Value::from(subject),
        id(ruling.officer),
    ]
}

/// Stores a person's word with its reason; an earlier word of the same person on the same matter goes, with its
/// reason.
///
/// # Errors
/// When the engine refuses.
pub fn put(tx: &mut dyn Tx, vault: &Vault, ruling: &Ruling, reason: &Text) -> Result<(), StoreError> {
    let former = tx.query_opt(
        "SELECT id FROM ruling WHERE object = $1 AND version = $2 AND matter = $3 AND subject = $4 AND officer = $5",
        &key(ruling),
    )?;
    if let Some(row) = former {
        let former: [u8; 16] = row.array(0)?;
        erase_keys(tx, Kind::Ruling, &[&former])?;
    }
    let [lang, text] = text_parts(reason);
    let sealed = vault.seal(&record(&ruling.reason), &pack(&[&lang, &text])?)?;
    let mut args = key(ruling).to_vec();
    args.extend([
        Value::from(ruling.reason),
        Value::from(ruling.role.code()),
        Value::from(ruling.says.as_str()),
        Value::from(ruling.hash.0),
        time(ruling.at),
        Value::from(sealed.content),
    ]);
    tx.exec(
        "INSERT INTO ruling (object, version, matter, subject, officer, id, role, says, hash, at, content)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (object, version, matter, subject, officer) DO UPDATE SET id = excluded.id,
         role = excluded.role, says = excluded.says, hash = excluded.hash, at = excluded.at,
         content = excluded.content",
        &args,
    )?;
    Vault::put_keys(tx, &[sealed.key])
}

/// Returns the words on a version of an object, oldest first, at most 1,000.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn of_version(
    tx: &mut dyn Tx,
    object: ObjectId,
    version: ReportVersion,
) -> Result<Vec<Ruling>, StoreError> {
    Ok(of_versions(tx, &[(object, version)])?.pop().unwrap_or_default())
}

/// Returns the words about versions in the order given, each oldest first.
///
/// # Errors
/// As [`of_version`].
pub fn of_versions(
    tx: &mut dyn Tx,
    versions: &[(ObjectId, ReportVersion)],
) -> Result<Vec<Vec<Ruling>>, StoreError> {
    let sql = format!("{COLUMNS} WHERE r.object = $1 AND r.version = $2 ORDER BY r.at, r.officer LIMIT 1000");
    let list = |(object, version): &(ObjectId, ReportVersion)| vec![id(*object), Value::from(version.get())];
    let found = tx.query_many(&sql, &versions.iter().map(list).collect::<Vec<_>>())?;
    found.iter().map(|rows| rows.iter().map(read).collect()).collect()
}

/// Says whether a person gave a word on an object, on whatever matter.
///
/// # Errors
/// When the engine refuses.
pub fn has_word(tx: &mut dyn Tx, object: ObjectId, officer: OfficerId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM ruling WHERE object = $1 AND officer = $2 LIMIT 1";
    Ok(tx.query_opt(sql, &[id(object), id(officer)])?.is_some())
}

/// Returns the words on a matter since a time, oldest first.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn on_matter(
    tx: &mut dyn Tx,
    matter: &str,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<Ruling>, StoreError> {
    let sql = format!("{COLUMNS} WHERE r.matter = $1 AND r.at >= $2 ORDER BY r.at, r.object LIMIT $3");
    let args = [Value::from(matter), time(since), Value::from(limit.min(PAGE_MAX))];
    tx.query(&sql, &args)?.iter().map(read).collect()
}

/// Returns the newest words on whatever matter since a time, oldest first.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn since(tx: &mut dyn Tx, since: Timestamp, limit: u32) -> Result<Vec<Ruling>, StoreError> {
    let sql = format!("{COLUMNS} WHERE r.at >= $1 ORDER BY r.at, r.object LIMIT $2");
    tx.query(&sql, &[time(since), Value::from(limit.min(PAGE_MAX))])?.iter().map(read).collect()
}

/// Returns the written reason of a ruling; none when it was erased.
///
/// # Errors
/// [`StoreError::Integrity`] when the row disagrees with itself.
pub fn reason(tx: &mut dyn Tx, vault: &Vault, ruling: &Ruling) -> Result<Option<Text>, StoreError> {
    let row = tx.query_opt(
        "SELECT r.content, k.master, k.wrapped FROM ruling r
         JOIN record_key k ON k.id = r.id AND k.kind = 8 AND k.version = 1 WHERE r.id = $1",
        &[Value::from(ruling.reason)],
    )?;
    let Some(row) = row else { return Ok(None) };
    let plain = vault.open_row(&record(&ruling.reason), &row, 0)?;
    let [lang, text] = unpack::<2>(&plain).ok_or(OF.broken())?;
    Ok(Some(text_of(lang, text, OF)?))
}

/// Erases the reasons about an object, also those given for reading it: they may say what the content said. Who decided
/// what stays.
///
/// # Errors
/// When the engine refuses.
pub fn erase_reasons(tx: &mut dyn Tx, object: ObjectId) -> Result<(), StoreError> {
    let rows = tx.query("SELECT id FROM ruling WHERE object = $1", &[id(object)])?;
    for row in &rows {
        let reason: [u8; 16] = row.array(0)?;
        erase_keys(tx, Kind::Ruling, &[&reason])?;
    }
    crate::justifications::erase_about(tx, object)?;
    Ok(())
}

fn read(row: &Row) -> Result<Ruling, StoreError> {
    let subject: [u8; 16] = row.array(3)?;
    Ok(Ruling {
        about: About {
            object: OF.id(row, 0)?,
            version: OF.version(row, 1)?,
            matter: row.text(2)?.to_owned(),
            subject: (subject != WHOLE).then_some(SubjectId::new(subject)),
        },
        officer: OF.id(row, 4)?,
        role: OF.code(row, 5, Role::from_code)?,
        says: row.text(6)?.to_owned(),
        hash: OF.digest(row, 7)?,
        at: OF.time(row, 8)?,
        reason: row.array(9)?,
    })
}
