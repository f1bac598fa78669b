//! Links between subjects. Who is linked to whom and how is a column, under numbers that say nothing; grade,
//! handling and originator are content, encoded by the caller.

use std::collections::BTreeSet;

use mithaq_db::{Row, Tx, Value};
use mithaq_model::{LinkId, LinkRole, ReportId, SubjectId, Timestamp};

use crate::sql::{Of, id, time};
use crate::vault::{Kind, Plain, Record, erase_keys};
use crate::{StoreError, Vault};

const OF: Of = Of("link");

/// The columns of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkHead {
    /// Number.
    pub id: LinkId,
    /// From.
    pub from: SubjectId,
    /// To.
    pub to: SubjectId,
    /// What the first does to the second.
    pub role: LinkRole,
    /// The report it came in, for received links.
    pub report: Option<ReportId>,
    /// When it is erased unless somebody decides to keep it.
    pub expires: Timestamp,
}

fn record(id: &LinkId) -> Record<'_> {
    Record { kind: Kind::Link, id: id.as_bytes(), version: 1 }
}

/// Stores new links, each with its encoded content.
///
/// # Errors
/// A number that is taken is a violated constraint.
pub fn add_many(tx: &mut dyn Tx, vault: &Vault, links: &[(LinkHead, &[u8])]) -> Result<(), StoreError> {
    let (mut rows, mut keys) = (Vec::with_capacity(links.len()), Vec::with_capacity(links.len()));
    for (link, content) in links {
        let sealed = vault.seal(&record(&link.id), content)?;
        keys.push(sealed.key);
        rows.push(vec![
            id(link.id),
            id(link.from),
            id(link.to),
            Value::from(link.role.code()),
            Value::from(link.report.map(|report| *report.as_bytes())),
            time(link.expires),
            Value::from(sealed.content),
        ]);
    }
    tx.exec_many(
        "INSERT INTO link (id, from_subject, to_subject, role, report, expires_at, version, content)
         VALUES ($1, $2, $3, $4, $5, $6, 1, $7)",
        &rows,
    )?;
    Vault::put_keys(tx, &keys)
}

/// Returns the links from and to a subject, at most 1,000 each way.
///
/// # Errors
/// [`StoreError::Integrity`] when a row disagrees with itself.
pub fn of_subject(
    tx: &mut dyn Tx,
    vault: &Vault,
    subject: SubjectId,
) -> Result<Vec<(LinkHead, Plain)>, StoreError> {
    let mut found = Vec::new();
    for condition in ["l.from_subject = $1", "l.to_subject = $1 AND l.from_subject <> $1"] {
        let sql = format!(
            "SELECT l.id, l.from_subject, l.to_subject, l.role, l.report, l.expires_at,
             l.content, k.master, k.wrapped
             FROM link l LEFT JOIN record_key k ON k.id = l.id AND k.kind = 3 AND k.version = l.version
             WHERE {condition} ORDER BY l.id LIMIT 1000"
        );
        for row in tx.query(&sql, &[id(subject)])? {
            found.push(read(vault, &row)?);
        }
    }
    Ok(found)
}

fn read(vault: &Vault, row: &Row) -> Result<(LinkHead, Plain), StoreError> {
    let head = LinkHead {
        id: OF.id(row, 0)?,
        from: OF.id(row, 1)?,
        to: OF.id(row, 2)?,
        role: OF.code(row, 3, LinkRole::from_code)?,
        report: OF.opt_id(row, 4)?,
        expires: OF.time(row, 5)?,
    };
    let content = vault.open_row(&record(&head.id), row, 6)?;
    Ok((head, content))
}

/// Erases links with their keys; returns how many were there.
///
/// # Errors
/// When the engine refuses.
pub fn erase(tx: &mut dyn Tx, links: &[LinkId]) -> Result<u64, StoreError> {
    let keys: Vec<&[u8]> = links.iter().map(|link| &link.as_bytes()[..]).collect();
    erase_keys(tx, Kind::Link, &keys)?;
    let rows: Vec<_> = links.iter().map(|link| vec![id(*link)]).collect();
    Ok(tx.exec_many("DELETE FROM link WHERE id = $1", &rows)?)
}

/// Erases every link from or to some subjects, each the only value of its list.
pub(crate) fn erase_of(tx: &mut dyn Tx, subjects: &[Vec<Value>]) -> Result<u64, StoreError> {
    let sql = "SELECT id FROM link WHERE from_subject = $1 UNION SELECT id FROM link WHERE to_subject = $1";
    let found = tx.query_many(sql, subjects)?;
    // A link between two of them is found twice.
    let links: BTreeSet<LinkId> =
        found.iter().flatten().map(|row| OF.id(row, 0)).collect::<Result<_, _>>()?;
    let links: Vec<LinkId> = links.into_iter().collect();
    if links.is_empty() { Ok(0) } else { erase(tx, &links) }
}

/// Returns the links that came in a report.
///
/// # Errors
/// When the engine refuses.
pub fn of_report(tx: &mut dyn Tx, report: ReportId) -> Result<Vec<LinkId>, StoreError> {
    let rows = tx.query("SELECT id FROM link WHERE report = $1 ORDER BY id LIMIT 2048", &[id(report)])?;
    rows.iter().map(|row| OF.id(row, 0)).collect()
}
