//! Attachments: which ciphertexts lie on disk and how far, which versions of which reports name them, and uploads under
//! way. One ciphertext is there once, however many reports name it. Names and keys are in the reports; the bytes are in
//! [`crate::blobs`]. Who may read, send or take one is `app`'s matter.

use mithaq_db::{Row, Tx, Value, lock_clause};
use mithaq_exchange::Versions;
use mithaq_model::{AgreementId, ObjectId, PartyId, ReportVersion, Timestamp};
use mithaq_wire::Digest;

use crate::StoreError;
use crate::sql::{Of, PAGE_MAX, agreement, id, int, time};

mod uploads;

pub use uploads::{
    DoneUpload, NewUpload, UnderWay, Upload, advance_upload, done_upload, end_upload, finish_upload,
    stale_uploads, start_upload, under_way, upload,
};

const OF_FILE: Of = Of("attachment_file");
const OF_LINK: Of = Of("attachment_link");
const FILE: &str = "SELECT root, length, have, state, at FROM attachment_file";
const LINK: &str =
    "SELECT object, version, place, root, party, agreement, length, state FROM attachment_link";

/// How far a ciphertext is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// Being taken; nobody reads it.
    Partial,
    /// Every chunk was verified and is durable.
    Complete,
    /// No report names it any more: its bytes are to be removed.
    Gone,
}

impl FileState {
    const ALL: [Self; 3] = [Self::Partial, Self::Complete, Self::Gone];

    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Partial => "partial",
            Self::Complete => "complete",
            Self::Gone => "gone",
        }
    }
}

/// A ciphertext on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// Its root, which is its name.
    pub root: Digest,
    /// Bytes of the file itself, as its list says.
    pub length: u64,
    /// Chunks from the beginning that are durable.
    pub have: u64,
    /// How far it is.
    pub state: FileState,
    /// When that changed.
    pub at: Timestamp,
}

/// What became of an attachment that a report names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkState {
    /// Complete: who may read the report may read it.
    Here,
    /// To be had from the partner.
    Wanted,
    /// Not taken: the agreement's share of the disk is used up.
    OverQuota,
    /// Not taken: longer than this node takes.
    TooLong,
    /// Not taken: what the partner gave is not what its report names.
    Wrong,
}

impl LinkState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Here, Self::Wanted, Self::OverQuota, Self::TooLong, Self::Wrong];

    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Wanted => "wanted",
            Self::OverQuota => "over_quota",
            Self::TooLong => "too_long",
            Self::Wrong => "wrong",
        }
    }
}

/// One attachment of one version of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The report.
    pub object: ObjectId,
    /// Its version.
    pub version: ReportVersion,
    /// Its place among the attachments, from 1.
    pub place: u32,
    /// The ciphertext.
    pub root: Digest,
    /// Whose report it is: this party for its own, else the partner it comes from.
    pub party: PartyId,
    /// Agreement of the report.
    pub agreement: AgreementId,
    /// Bytes of the file, as the report says.
    pub length: u64,
    /// What became of it.
    pub state: LinkState,
}

/// Stores links; one that is there stays. A ciphertext that was to be removed begins anew.
///
/// # Errors
/// When the engine refuses.
pub fn link(tx: &mut dyn Tx, links: &[Link], now: Timestamp) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(links.len());
    for link in links {
        rows.push(vec![
            id(link.object),
            Value::from(link.version.get()),
            Value::from(link.place),
            Value::from(link.root.0),
            Value::from(link.party.as_str()),
            agreement(&link.agreement),
            int(link.length)?,
            Value::from(link.state.code()),
            time(now),
        ]);
        tx.exec(
            "DELETE FROM attachment_file WHERE root = $1 AND state = 'gone'",
            &[Value::from(link.root.0)],
        )?;
    }
    tx.exec_many(
        "INSERT INTO attachment_link (object, version, place, root, party, agreement, length, state, retry_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        &rows,
    )?;
    Ok(())
}

/// Takes the links of a version away, to be stored anew: a draft was changed.
///
/// # Errors
/// When the engine refuses.
pub fn unlink(
    tx: &mut dyn Tx,
    object: ObjectId,
    version: ReportVersion,
    now: Timestamp,
) -> Result<(), StoreError> {
    unlink_versions(tx, object, &Versions::Only(vec![version]), now)
}

/// Takes the links of versions away, and marks what nothing names any more. Part of every erasure.
pub(crate) fn unlink_versions(
    tx: &mut dyn Tx,
    object: ObjectId,
    versions: &Versions,
    now: Timestamp,
) -> Result<(), StoreError> {
    let held = links(tx, object)?;
    let gone: Vec<&Link> = held.iter().filter(|one| versions.holds(one.version)).collect();
    let key = |one: &&Link| vec![id(one.object), Value::from(one.version.get()), Value::from(one.place)];
    tx.exec_many(
        "DELETE FROM attachment_link WHERE object = $1 AND version = $2 AND place = $3",
        &gone.iter().map(key).collect::<Vec<_>>(),
    )?;
    let orphan = |one: &&Link| vec![Value::from(one.root.0), time(now)];
    tx.exec_many(
        "UPDATE attachment_file SET state = 'gone', at = $2 WHERE root = $1
         AND NOT EXISTS (SELECT 1 FROM attachment_link l WHERE l.root = $1)",
        &gone.iter().map(orphan).collect::<Vec<_>>(),
    )?;
    if *versions == Versions::All {
        tx.exec("DELETE FROM attachment_receipt WHERE object = $1", &[id(object)])?;
        uploads::erase_of(tx, object)?;
    }
    Ok(())
}

/// Returns the attachments of a report, all versions, in their order.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn links(tx: &mut dyn Tx, object: ObjectId) -> Result<Vec<Link>, StoreError> {
    let sql = format!("{LINK} WHERE object = $1 ORDER BY version, place LIMIT 16000");
    tx.query(&sql, &[id(object)])?.iter().map(read_link).collect()
}

/// Returns every report that names a ciphertext.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn links_to(tx: &mut dyn Tx, root: Digest) -> Result<Vec<Link>, StoreError> {
    let sql = format!("{LINK} WHERE root = $1 ORDER BY object, version, place LIMIT 1000");
    tx.query(&sql, &[Value::from(root.0)])?.iter().map(read_link).collect()
}

/// Returns what is to be had from a partner now.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn wanted(tx: &mut dyn Tx, party: &PartyId, now: Timestamp, limit: u32) -> Result<Vec<Link>, StoreError> {
    let sql = format!(
        "{LINK} WHERE party = $1 AND state = 'wanted' AND retry_at <= $2
         ORDER BY retry_at, object, version, place LIMIT $3"
    );
    let args = [Value::from(party.as_str()), time(now), Value::from(limit.min(PAGE_MAX))];
    tx.query(&sql, &args)?.iter().map(read_link).collect()
}

/// Returns links in a state, of every partner.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn in_state(tx: &mut dyn Tx, state: LinkState, limit: u32) -> Result<Vec<Link>, StoreError> {
    let sql = format!("{LINK} WHERE state = $1 ORDER BY retry_at, object, version, place LIMIT $2");
    let args = [Value::from(state.code()), Value::from(limit.min(PAGE_MAX))];
    tx.query(&sql, &args)?.iter().map(read_link).collect()
}

/// Changes what became of an attachment, and when it is looked at again.
///
/// # Errors
/// [`StoreError::Missing`] when it is not there any more.
pub fn set_link(
    tx: &mut dyn Tx,
    link: &Link,
    state: LinkState,
    retry_at: Timestamp,
) -> Result<(), StoreError> {
    let args = [
        id(link.object),
        Value::from(link.version.get()),
        Value::from(link.place),
        Value::from(state.code()),
        time(retry_at),
    ];
    let sql = "UPDATE attachment_link SET state = $4, retry_at = $5
               WHERE object = $1 AND version = $2 AND place = $3";
    crate::sql::change_one(tx, sql, &args, "attachment")
}

/// Bytes that are here or wanted from partners under an agreement; each ciphertext once.
///
/// # Errors
/// When the engine refuses.
pub fn held_bytes(tx: &mut dyn Tx, under: &AgreementId, us: &PartyId) -> Result<u64, StoreError> {
    let row = tx.query_one(
        "SELECT CAST(COALESCE(SUM(length), 0) AS BIGINT) FROM (SELECT DISTINCT root, length
         FROM attachment_link WHERE agreement = $1 AND party <> $2 AND state IN ('here', 'wanted')) AS held",
        &[agreement(under), Value::from(us.as_str())],
    )?;
    Ok(row.unsigned(0)?)
}

/// Returns a ciphertext.
///
/// # Errors
/// [`StoreError::Integrity`] when the row is damaged.
pub fn file(tx: &mut dyn Tx, root: Digest) -> Result<Option<File>, StoreError> {
    let row = tx.query_opt(&format!("{FILE} WHERE root = $1"), &[Value::from(root.0)])?;
    row.map(|row| read_file(&row)).transpose()
}

/// Returns a ciphertext, locked until the job ends.
///
/// # Errors
/// As [`file()`].
pub fn file_locked(tx: &mut dyn Tx, root: Digest) -> Result<Option<File>, StoreError> {
    let sql = format!("{FILE} WHERE root = $1{}", lock_clause(tx.engine()));
    let row = tx.query_opt(&sql, &[Value::from(root.0)])?;
    row.map(|row| read_file(&row)).transpose()
}

/// Stores how far a ciphertext is.
///
/// # Errors
/// When the engine refuses.
pub fn put_file(tx: &mut dyn Tx, file: &File) -> Result<(), StoreError> {
    tx.exec(
        "INSERT INTO attachment_file (root, length, have, state, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (root) DO UPDATE SET length = excluded.length, have = excluded.have,
         state = excluded.state, at = excluded.at",
        &[
            Value::from(file.root.0),
            int(file.length)?,
            int(file.have)?,
            Value::from(file.state.code()),
            time(file.at),
        ],
    )?;
    Ok(())
}

/// Forgets a ciphertext whose bytes were removed, or that is to be taken from the beginning.
///
/// # Errors
/// When the engine refuses.
pub fn forget_file(tx: &mut dyn Tx, root: Digest) -> Result<(), StoreError> {
    tx.exec("DELETE FROM attachment_file WHERE root = $1", &[Value::from(root.0)])?;
    Ok(())
}

/// Returns ciphertexts in a state, after a root.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn files(tx: &mut dyn Tx, state: FileState, after: Option<Digest>) -> Result<Vec<File>, StoreError> {
    let after = Value::from(after.map_or_else(Vec::new, |root| root.0.to_vec()));
    let sql = format!("{FILE} WHERE state = $1 AND root > $2 ORDER BY root LIMIT $3");
    let args = [Value::from(state.code()), after, Value::from(PAGE_MAX)];
    tx.query(&sql, &args)?.iter().map(read_file).collect()
}

/// Takes what a recipient signed: it has all of an attachment. The first word stands.
///
/// # Errors
/// When the engine refuses.
pub fn receipted(
    tx: &mut dyn Tx,
    (object, version, root): (ObjectId, ReportVersion, Digest),
    recipient: &PartyId,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        "INSERT INTO attachment_receipt (object, version, root, recipient, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        &[
            id(object),
            Value::from(version.get()),
            Value::from(root.0),
            Value::from(recipient.as_str()),
            time(at),
        ],
    )?;
    Ok(())
}

/// Who signed that it has an attachment of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipted {
    /// Version.
    pub version: ReportVersion,
    /// Which.
    pub root: Digest,
    /// Who.
    pub recipient: PartyId,
    /// When it came.
    pub at: Timestamp,
}

/// Returns who signed that it has which attachment of a report.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn receipts(tx: &mut dyn Tx, object: ObjectId) -> Result<Vec<Receipted>, StoreError> {
    let of = Of("attachment_receipt");
    let sql = "SELECT version, root, recipient, at FROM attachment_receipt WHERE object = $1
               ORDER BY version, root, recipient LIMIT 10000";
    let read = |row: &Row| {
        Ok(Receipted {
            version: of.version(row, 0)?,
            root: of.digest(row, 1)?,
            recipient: of.party(row, 2)?,
            at: of.time(row, 3)?,
        })
    };
    tx.query(sql, &[id(object)])?.iter().map(read).collect()
}

/// An attachment that a partner accepted the report of and has not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unconfirmed {
    /// Its root.
    pub root: Digest,
    /// Agreement under which the report went.
    pub agreement: AgreementId,
    /// Bytes of the file.
    pub length: u64,
}

/// What is not yet confirmed of what went from `$1` to `$2`: own reports by their disclosure, others by their copy.
const UNCONFIRMED: &str = "NOT EXISTS (SELECT 1 FROM attachment_receipt r WHERE r.object = l.object
    AND r.version = l.version AND r.root = l.root AND r.recipient = $2)";

/// Returns attachments of reports that a partner accepted and whose attachments it has not confirmed, from a root on, in
/// the order of roots.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn unconfirmed(
    tx: &mut dyn Tx,
    (us, to): (&PartyId, &PartyId),
    from: Digest,
    limit: u32,
) -> Result<Vec<Unconfirmed>, StoreError> {
    let sql = format!(
        "SELECT l.root, d.agreement, l.length FROM attachment_link l
           JOIN disclosure d ON d.object = l.object AND d.version = l.version AND d.agreement = l.agreement
           WHERE l.party = $1 AND d.recipient = $2 AND d.verdict = 'accepted' AND d.erased_at IS NULL
             AND l.root >= $3 AND {UNCONFIRMED}
         UNION
         SELECT l.root, c.agreement, l.length FROM attachment_link l
           JOIN onward_copy c ON c.object = l.object AND c.version = l.version
           WHERE c.via = $1 AND c.holder = $2 AND c.state IN ('accepted', 'read') AND c.agreement IS NOT NULL
             AND l.root >= $3 AND {UNCONFIRMED}
         ORDER BY 1, 2 LIMIT $4"
    );
    let read = |row: &Row| {
        Ok(Unconfirmed {
            root: OF_LINK.digest(row, 0)?,
            agreement: OF_LINK.agreement(row, 1)?,
            length: row.unsigned(2)?,
        })
    };
    let args = [Value::from(us.as_str()), Value::from(to.as_str()), Value::from(from.0), Value::from(limit)];
    tx.query(&sql, &args)?.iter().map(read).collect()
}

/// Attachments of what went to a partner whose word about the report has not come yet: how many, and their bytes.
///
/// # Errors
/// When the engine refuses.
pub fn awaiting(tx: &mut dyn Tx, us: &PartyId, to: &PartyId) -> Result<(u64, u64), StoreError> {
    let row = tx.query_one(
        "SELECT COUNT(*), CAST(COALESCE(SUM(l.length), 0) AS BIGINT) FROM attachment_link l WHERE
           (l.party = $1 AND EXISTS (SELECT 1 FROM disclosure d WHERE d.object = l.object AND d.version = l.version
             AND d.recipient = $2 AND d.verdict IS NULL AND d.erased_at IS NULL))
           OR EXISTS (SELECT 1 FROM onward_copy c WHERE c.object = l.object AND c.version = l.version
             AND c.via = $1 AND c.holder = $2 AND c.state = 'sent')",
        &[Value::from(us.as_str()), Value::from(to.as_str())],
    )?;
    Ok((row.unsigned(0)?, row.unsigned(1)?))
}

/// How many attachments are in which state, and their bytes: links of partners' and own reports.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn figures(tx: &mut dyn Tx) -> Result<Vec<(LinkState, u64, u64)>, StoreError> {
    let sql = "SELECT state, COUNT(*), CAST(COALESCE(SUM(length), 0) AS BIGINT) FROM attachment_link
               GROUP BY state ORDER BY state";
    let read = |row: &Row| Ok((link_state(row.text(0)?)?, row.unsigned(1)?, row.unsigned(2)?));
    tx.query(sql, &[])?.iter().map(read).collect()
}

fn link_state(code: &str) -> Result<LinkState, StoreError> {
    LinkState::ALL.into_iter().find(|one| one.code() == code).ok_or(OF_LINK.broken())
}

fn read_link(row: &Row) -> Result<Link, StoreError> {
    Ok(Link {
        object: OF_LINK.id(row, 0)?,
        version: OF_LINK.version(row, 1)?,
        place: OF_LINK.u32(row, 2)?,
        root: OF_LINK.digest(row, 3)?,
        party: OF_LINK.party(row, 4)?,
        agreement: OF_LINK.agreement(row, 5)?,
        length: row.unsigned(6)?,
        state: link_state(row.text(7)?)?,
    })
}

fn read_file(row: &Row) -> Result<File, StoreError> {
    let code = row.text(3)?;
    Ok(File {
        root: OF_FILE.digest(row, 0)?,
        length: row.unsigned(1)?,
        have: row.unsigned(2)?,
        state: FileState::ALL.into_iter().find(|one| one.code() == code).ok_or(OF_FILE.broken())?,
        at: OF_FILE.time(row, 4)?,
    })
}
