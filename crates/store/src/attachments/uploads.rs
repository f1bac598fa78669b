//! Uploads under way: a file on its way into a draft, resumable. Name, media type and key lie encrypted until the draft
//! holds them.

use mithaq_db::{Row, Tx, Value};
use mithaq_model::{Attachment, MediaType, ObjectId, OfficerId, ReportId, Sensitive, Text, Timestamp};

use crate::sql::{Of, PAGE_MAX, change_one, id, int, pack, text_of, text_parts, time, unpack};
use crate::vault::{Kind, Record, erase_keys};
use crate::{StoreError, Vault};

const OF: Of = Of("attachment_upload");
const COLUMNS: &str = "SELECT u.id, u.report, u.officer, u.length, u.have, u.content, k.master, k.wrapped
    FROM attachment_upload u LEFT JOIN record_key k ON k.id = u.id AND k.kind = 15 AND k.version = 1";

/// An upload to begin.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// Its number.
    pub id: [u8; 16],
    /// The draft it is for.
    pub report: ReportId,
    /// Who brings it; nobody else goes on with it.
    pub officer: OfficerId,
    /// What it will be. The root is not known yet.
    pub attachment: Attachment,
    /// When.
    pub at: Timestamp,
}

/// An upload under way.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Its number.
    pub id: [u8; 16],
    /// The draft it is for.
    pub report: ReportId,
    /// Who brings it.
    pub officer: OfficerId,
    /// What it will be, its root all zero.
    pub attachment: Attachment,
    /// Chunks from the beginning that are durable.
    pub have: u64,
}

const fn record(number: &[u8; 16]) -> Record<'_> {
    Record { kind: Kind::Upload, id: number, version: 1 }
}

/// Begins an upload.
///
/// # Errors
/// When the engine refuses; a number that is taken is a violated constraint.
pub fn start_upload(tx: &mut dyn Tx, vault: &Vault, new: &NewUpload) -> Result<(), StoreError> {
    let Attachment { name, media, key, .. } = &new.attachment;
    let [lang, text] = text_parts(name);
    let content = zeroize::Zeroizing::new(pack(&[key.reveal(), &lang, &text, media.as_str().as_bytes()])?);
    let sealed = vault.seal(&record(&new.id), &content)?;
    tx.exec(
        "INSERT INTO attachment_upload (id, report, officer, length, have, changed_at, content)
         VALUES ($1, $2, $3, $4, 0, $5, $6)",
        &[
            Value::from(new.id),
            id(new.report),
            id(new.officer),
            int(new.attachment.length)?,
            time(new.at),
            Value::from(sealed.content),
        ],
    )?;
    Vault::put_keys(tx, &[sealed.key])
}

/// Returns an upload under way.
///
/// # Errors
/// [`StoreError::Integrity`] when it is damaged.
pub fn upload(tx: &mut dyn Tx, vault: &Vault, number: [u8; 16]) -> Result<Option<Upload>, StoreError> {
    let row =
        tx.query_opt(&format!("{COLUMNS} WHERE u.id = $1 AND u.place IS NULL"), &[Value::from(number)])?;
    row.map(|row| read(&row, vault, number)).transpose()
}

/// How far an upload is, without what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnderWay {
    /// Its number.
    pub id: [u8; 16],
    /// Who brings it.
    pub officer: OfficerId,
    /// Bytes of the file.
    pub length: u64,
    /// Chunks from the beginning that are durable.
    pub have: u64,
    /// When somebody last went on with it.
    pub changed_at: Timestamp,
}

/// Returns the uploads under way for a draft, the oldest word of them first; a draft has at most as many as it has
/// attachments.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn under_way(tx: &mut dyn Tx, report: ReportId) -> Result<Vec<UnderWay>, StoreError> {
    let sql = "SELECT id, officer, length, have, changed_at FROM attachment_upload
        WHERE report = $1 AND place IS NULL ORDER BY changed_at, id";
    let rows = tx.query(sql, &[id(report)])?;
    let read = |row: &Row| {
        Ok(UnderWay {
            id: row.array(0)?,
            officer: OF.id(row, 1)?,
            length: row.unsigned(2)?,
            have: row.unsigned(3)?,
            changed_at: OF.time(row, 4)?,
        })
    };
    rows.iter().map(read).collect()
}

/// An upload whose file came into its draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoneUpload {
    /// Who brought it.
    pub officer: OfficerId,
    /// Bytes of the file.
    pub length: u64,
    /// The place it got among the attachments of the draft.
    pub place: u32,
}

/// Returns an upload whose file came into its draft, as long as it is remembered ([`stale_uploads`]).
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn done_upload(tx: &mut dyn Tx, number: [u8; 16]) -> Result<Option<DoneUpload>, StoreError> {
    let sql = "SELECT officer, length, place FROM attachment_upload WHERE id = $1 AND place IS NOT NULL";
    let row = tx.query_opt(sql, &[Value::from(number)])?;
    let read = |row: Row| {
        Ok(DoneUpload { officer: OF.id(&row, 0)?, length: row.unsigned(1)?, place: OF.u32(&row, 2)? })
    };
    row.map(read).transpose()
}

/// Notes that the file of an upload is in its draft: key and name go. Returns whether the upload was still under way.
///
/// # Errors
/// When the engine refuses.
pub fn finish_upload(
    tx: &mut dyn Tx,
    number: [u8; 16],
    place: u32,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE attachment_upload SET place = $2, content = NULL, changed_at = $3
               WHERE id = $1 AND place IS NULL";
    let ended = tx.exec(sql, &[Value::from(number), Value::from(place), time(at)])? > 0;
    erase_keys(tx, Kind::Upload, &[&number])?;
    Ok(ended)
}

/// Says how many chunks are durable.
///
/// # Errors
/// [`StoreError::Missing`] when it is not under way any more.
pub fn advance_upload(tx: &mut dyn Tx, number: [u8; 16], have: u64, at: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE attachment_upload SET have = $2, changed_at = $3 WHERE id = $1 AND place IS NULL";
    change_one(tx, sql, &[Value::from(number), int(have)?, time(at)], "upload")
}

/// Ends an upload: its row goes with its key.
///
/// # Errors
/// When the engine refuses.
pub fn end_upload(tx: &mut dyn Tx, number: [u8; 16]) -> Result<(), StoreError> {
    erase_keys(tx, Kind::Upload, &[&number])?;
    tx.exec("DELETE FROM attachment_upload WHERE id = $1", &[Value::from(number)])?;
    Ok(())
}

/// Returns uploads nobody went on with since, and those that are done since before.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn stale_uploads(tx: &mut dyn Tx, before: Timestamp) -> Result<Vec<[u8; 16]>, StoreError> {
    let sql = "SELECT id FROM attachment_upload WHERE changed_at < $1 ORDER BY changed_at, id LIMIT $2";
    let rows = tx.query(sql, &[time(before), Value::from(PAGE_MAX)])?;
    rows.iter().map(|row| Ok(row.array(0)?)).collect()
}

/// Ends every upload for a draft that is erased. The bytes are found without a row and removed.
pub(super) fn erase_of(tx: &mut dyn Tx, object: ObjectId) -> Result<(), StoreError> {
    let rows = tx.query("SELECT id FROM attachment_upload WHERE report = $1", &[id(object)])?;
    for row in &rows {
        end_upload(tx, row.array(0)?)?;
    }
    Ok(())
}

fn read(row: &Row, vault: &Vault, number: [u8; 16]) -> Result<Upload, StoreError> {
    let plain = vault.open_row(&record(&number), row, 5)?;
    let [key, lang, name, media] = unpack::<4>(&plain).ok_or(OF.broken())?;
    let media = core::str::from_utf8(media).ok().and_then(MediaType::new).ok_or(OF.broken())?;
    let name: Text = text_of(lang, name, OF)?;
    let key = Sensitive::new(<[u8; 32]>::try_from(key).map_err(|_length| OF.broken())?);
    Ok(Upload {
        id: number,
        report: OF.id(row, 1)?,
        officer: OF.id(row, 2)?,
        attachment: Attachment { name, media, length: row.unsigned(3)?, root: [0; 32], key },
        have: row.unsigned(4)?,
    })
}
