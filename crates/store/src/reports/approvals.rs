//! Who approved which bytes, and what the rules decided about them.

use mithaq_db::{Row, Tx, Value};
use mithaq_model::{AgreementId, ObjectId, OfficerId, PartyId, ReportId, ReportVersion, Role, Timestamp};
use mithaq_wire::Digest;

use super::{OF_VERSION, version_keys, version_value};
use crate::StoreError;
use crate::sql::{Of, id, insert_new, int, time};

/// One person's approval of one content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approval {
    /// Who.
    pub officer: OfficerId,
    /// In which role.
    pub role: Role,
    /// SHA-256 of the draft that was approved.
    pub hash: Digest,
    /// When.
    pub at: Timestamp,
}

/// Stores an approval of the draft as it stands. One officer approves once, in whatever role: two rows are
/// two persons.
///
/// # Errors
/// [`StoreError::Conflict`] when the officer approved already or the draft has another hash by now.
pub fn approve(
    tx: &mut dyn Tx,
    number: ReportId,
    version: ReportVersion,
    approval: &Approval,
) -> Result<(), StoreError> {
    insert_new(
        tx,
        "INSERT INTO report_approval (id, version, officer, role, hash, at)
         SELECT v.id, v.version, $3, $4, v.hash, $6 FROM report_version v
         WHERE v.id = $1 AND v.version = $2 AND v.hash = $5 AND v.form = 'draft' ON CONFLICT DO NOTHING",
        &[
            id(number),
            version_value(version),
            id(approval.officer),
            Value::from(approval.role.code()),
            Value::from(approval.hash.0),
            time(approval.at),
        ],
        "approval",
    )
}

/// Returns the approvals of a version, oldest first.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn approvals(
    tx: &mut dyn Tx,
    number: ReportId,
    version: ReportVersion,
) -> Result<Vec<Approval>, StoreError> {
    Ok(approvals_of(tx, &[(number, version)])?.pop().unwrap_or_default())
}

/// Returns the approvals of versions in the order given, each oldest first.
///
/// # Errors
/// As [`approvals`].
pub fn approvals_of(
    tx: &mut dyn Tx,
    versions: &[(ReportId, ReportVersion)],
) -> Result<Vec<Vec<Approval>>, StoreError> {
    let of = OF_VERSION;
    let sql = "SELECT officer, role, hash, at FROM report_approval
               WHERE id = $1 AND version = $2 ORDER BY at, officer LIMIT 100";
    let read = |row: &Row| {
        Ok(Approval {
            officer: of.id(row, 0)?,
            role: of.code(row, 1, Role::from_code)?,
            hash: of.digest(row, 2)?,
            at: of.time(row, 3)?,
        })
    };
    let found = tx.query_many(sql, &version_keys(versions))?;
    found.iter().map(|rows| rows.iter().map(read).collect()).collect()
}

/// What the rules decided about one disclosure or receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The object.
    pub object: ObjectId,
    /// Its version.
    pub version: ReportVersion,
    /// The log and the position of its entry there.
    pub entry: (u32, u64),
    /// The other party.
    pub party: PartyId,
    /// The agreement it was decided under.
    pub agreement: Option<AgreementId>,
    /// Permit or refusal.
    pub permit: bool,
    /// The step that decided.
    pub step: u32,
    /// Its code.
    pub code: String,
    /// The clause, if one was named.
    pub clause: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Stores decisions.
///
/// # Errors
/// An entry that has a decision already is a violated constraint.
pub fn add_decisions(tx: &mut dyn Tx, decisions: &[Decision]) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(decisions.len());
    for decision in decisions {
        let (log, position) = decision.entry;
        rows.push(vec![
            id(decision.object),
            version_value(decision.version),
            Value::from(log),
            int(position)?,
            Value::from(decision.party.as_str()),
            Value::from(decision.agreement.map(|number| *number.as_bytes())),
            Value::from(decision.permit),
            Value::from(decision.step),
            Value::from(decision.code.as_str()),
            Value::from(decision.clause.as_deref()),
            time(decision.at),
        ]);
    }
    tx.exec_many(
        "INSERT INTO decision (object, version, log, position, party, agreement, permit, step, code, clause, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &rows,
    )?;
    Ok(())
}

/// Returns the decisions about an object, oldest first.
///
/// # Errors
/// [`StoreError::Integrity`] when a row is damaged.
pub fn decisions(tx: &mut dyn Tx, object: ObjectId) -> Result<Vec<Decision>, StoreError> {
    let of = Of("decision");
    let rows = tx.query(
        "SELECT object, version, log, position, party, agreement, permit, step, code, clause, at
         FROM decision WHERE object = $1 ORDER BY log, position LIMIT 1000",
        &[id(object)],
    )?;
    rows.iter()
        .map(|row| {
            Ok(Decision {
                object: of.id(row, 0)?,
                version: of.version(row, 1)?,
                entry: (of.u32(row, 2)?, row.unsigned(3)?),
                party: of.party(row, 4)?,
                agreement: of.opt_agreement(row, 5)?,
                permit: row.int(6)? == 1,
                step: of.u32(row, 7)?,
                code: row.text(8)?.to_owned(),
                clause: row.opt_text(9)?.map(str::to_owned),
                at: of.time(row, 10)?,
            })
        })
        .collect()
}
