//! Cases and who is assigned to them. Title and offence are encrypted; area, purposes and dates are columns,
//! because rules are asked about them.

use mithaq_db::{Row, Tx, Value};
use mithaq_model::{Case, CaseId, CaseState, CrimeArea, OfficerId, Purpose};

use crate::sql::{Of, Page, id, insert_new, int, join_codes, pack, text_of, text_parts, time, unpack};
use crate::vault::{Kind, Record, erase_key, erase_keys};
use crate::{StoreError, Vault};

const OF: Of = Of("case_file");
const COLUMNS: &str = "SELECT c.id, c.area, c.purposes, c.state, c.opened_at, c.review_on, c.version,
    c.content, k.master, k.wrapped
    FROM case_file c LEFT JOIN record_key k ON k.id = c.id AND k.kind = 2 AND k.version = c.version";

/// A case with the version of the row, for changing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCase {
    /// The case.
    pub case: Case,
    /// Counts the changes, from 1.
    pub version: u64,
}

fn record(id: &CaseId, version: u64) -> Record<'_> {
    Record { kind: Kind::Case, id: id.as_bytes(), version }
}

fn content(case: &Case) -> Result<Vec<u8>, StoreError> {
    let ([title_lang, title], [offence_lang, offence]) = (text_parts(&case.title), text_parts(&case.offence));
    pack(&[&title_lang, &title, &offence_lang, &offence])
}

fn columns(case: &Case, version: u64, content: Vec<u8>) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        id(case.id),
        Value::from(case.area.code()),
        Value::from(join_codes(case.purposes.iter().map(|purpose| purpose.code()))),
        Value::from(case.state.code()),
        time(case.opened),
        time(case.review_on),
        Value::from(content),
        int(version)?,
    ])
}

/// Adds a case with its officers.
///
/// # Errors
/// [`StoreError::Conflict`] when the number is taken.
pub fn add(tx: &mut dyn Tx, vault: &Vault, case: &Case) -> Result<(), StoreError> {
    let sealed = vault.seal(&record(&case.id, 1), &content(case)?)?;
    insert_new(
        tx,
        "INSERT INTO case_file (id, area, purposes, state, opened_at, review_on, content, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        &columns(case, 1, sealed.content)?,
        "case",
    )?;
    Vault::put_keys(tx, &[sealed.key])?;
    assign(tx, case)
}

/// Changes a case and its officers.
///
/// # Errors
/// [`StoreError::Conflict`] when the row was changed since it was read at `version`, or is gone.
pub fn change(tx: &mut dyn Tx, vault: &Vault, version: u64, case: &Case) -> Result<(), StoreError> {
    let sealed = vault.seal(&record(&case.id, version.saturating_add(1)), &content(case)?)?;
    insert_new(
        tx,
        "UPDATE case_file SET area = $2, purposes = $3, state = $4, opened_at = $5, review_on = $6,
         content = $7, version = version + 1 WHERE id = $1 AND version = $8",
        &columns(case, version, sealed.content)?,
        "case",
    )?;
    erase_key(tx, &record(&case.id, version))?;
    Vault::put_keys(tx, &[sealed.key])?;
    tx.exec("DELETE FROM case_officer WHERE case_id = $1", &[id(case.id)])?;
    assign(tx, case)
}

fn assign(tx: &mut dyn Tx, case: &Case) -> Result<(), StoreError> {
    let mut officers = case.officers.clone();
    officers.sort_unstable();
    officers.dedup();
    let rows: Vec<_> = officers.iter().map(|officer| vec![id(case.id), id(*officer)]).collect();
    tx.exec_many("INSERT INTO case_officer (case_id, officer) VALUES ($1, $2)", &rows)?;
    Ok(())
}

/// Returns a case.
///
/// # Errors
/// [`StoreError::Integrity`] when the row disagrees with itself.
pub fn get(tx: &mut dyn Tx, vault: &Vault, case: CaseId) -> Result<Option<StoredCase>, StoreError> {
    let row = tx.query_opt(&format!("{COLUMNS} WHERE c.id = $1"), &[id(case)])?;
    row.map(|row| read(tx, vault, &row)).transpose()
}

/// Returns a page of the cases an officer is assigned to.
///
/// # Errors
/// As [`get`].
pub fn of_officer(
    tx: &mut dyn Tx,
    vault: &Vault,
    officer: OfficerId,
    page: &Page<CaseId>,
) -> Result<Vec<StoredCase>, StoreError> {
    let sql = format!(
        "{COLUMNS} JOIN case_officer a ON a.case_id = c.id
         WHERE a.officer = $1 AND a.case_id > $2 ORDER BY a.case_id LIMIT $3"
    );
    let rows = tx.query(&sql, &[id(officer), page.key(), page.rows()])?;
    rows.iter().map(|row| read(tx, vault, row)).collect()
}

/// Returns a page of all cases.
///
/// # Errors
/// As [`get`].
pub fn list(tx: &mut dyn Tx, vault: &Vault, page: &Page<CaseId>) -> Result<Vec<StoredCase>, StoreError> {
    let rows =
        tx.query(&format!("{COLUMNS} WHERE c.id > $1 ORDER BY c.id LIMIT $2"), &[page.key(), page.rows()])?;
    rows.iter().map(|row| read(tx, vault, row)).collect()
}

/// Returns whether an officer is assigned to a case.
///
/// # Errors
/// When the engine refuses.
pub fn is_assigned(tx: &mut dyn Tx, case: CaseId, officer: OfficerId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM case_officer WHERE case_id = $1 AND officer = $2";
    Ok(tx.query_opt(sql, &[id(case), id(officer)])?.is_some())
}

/// Erases a case: its texts, its officers, its relation to subjects. Reports keep its number.
///
/// # Errors
/// When the engine refuses.
pub fn erase(tx: &mut dyn Tx, case: CaseId) -> Result<(), StoreError> {
    erase_keys(tx, Kind::Case, &[case.as_bytes()])?;
    for sql in [
        "DELETE FROM case_officer WHERE case_id = $1",
        "DELETE FROM subject_case WHERE case_id = $1",
        "DELETE FROM case_file WHERE id = $1",
    ] {
        tx.exec(sql, &[id(case)])?;
    }
    Ok(())
}

fn read(tx: &mut dyn Tx, vault: &Vault, row: &Row) -> Result<StoredCase, StoreError> {
    let number: CaseId = OF.id(row, 0)?;
    let version = row.unsigned(6)?;
    let plain = vault.open_row(&record(&number, version), row, 7)?;
    let [title_lang, title, offence_lang, offence] = unpack(&plain).ok_or(OF.broken())?;
    let sql = "SELECT officer FROM case_officer WHERE case_id = $1 ORDER BY officer";
    let officers = tx.query(sql, &[id(number)])?;
    let case = Case {
        id: number,
        title: text_of(title_lang, title, OF)?,
        area: OF.code(row, 1, CrimeArea::from_code)?,
        offence: text_of(offence_lang, offence, OF)?,
        purposes: OF.codes(row, 2, Purpose::from_code)?,
        officers: officers.iter().map(|row| OF.id(row, 0)).collect::<Result<_, _>>()?,
        state: OF.code(row, 3, CaseState::from_code)?,
        opened: OF.time(row, 4)?,
        review_on: OF.time(row, 5)?,
    };
    Ok(StoredCase { case, version })
}
