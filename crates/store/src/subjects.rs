//! Subjects with their claims, their relation to cases and reports, and the blind index they are found by.
//!
//! Claims are content: encoded by the caller, encrypted here under one data key per subject. The columns say
//! what rules and clocks ask for and nothing of what a claim says. Which spellings of a name become terms is
//! the caller's matter (`names`); so is who may search.

mod index;

use std::collections::BTreeSet;

use mithaq_db::{Row, Tx, Value};
use mithaq_model::{CaseId, Id16, ProtectedRole, ReportId, SubjectClass, SubjectId, SubjectKind, Timestamp};

use crate::derive::TERM_LEN;
use crate::sql::{Of, PAGE_MAX, Page, id, int, join_codes, time};
use crate::vault::{Kind, Plain, Record, erase_keys};
use crate::{StoreError, Term, Vault};

use index::segment;
pub use index::{SEARCH_TERMS_MAX, Scope, find};

/// Most subjects of one call: bounds what one transaction holds.
pub const BATCH_MAX: usize = 1_024;
/// Most terms of one subject.
pub const TERMS_MAX: usize = 256;

const OF: Of = Of("subject");
const COLUMNS: &str =
    "SELECT s.id, s.kind, s.class, s.minor, s.protected, s.recorded_at, s.expires_at, s.version,
    s.content, k.master, k.wrapped
    FROM subject s LEFT JOIN record_key k ON k.id = s.id AND k.kind = 7 AND k.version = s.version";

/// A subject to store.
#[derive(Debug, Clone)]
pub struct NewSubject<'a> {
    /// What rules ask for.
    pub head: Head,
    /// Its claims, encoded.
    pub content: &'a [u8],
    /// Cases it belongs to.
    pub cases: &'a [CaseId],
    /// Reports that claims of it came in; none for own claims.
    pub reports: &'a [ReportId],
    /// What it is found by ([`Vault::term`]); duplicates fall away.
    pub terms: &'a [Term],
}

/// The columns of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Number.
    pub id: SubjectId,
    /// Kind.
    pub kind: SubjectKind,
    /// Data-subject class, for persons.
    pub class: Option<SubjectClass>,
    /// Under eighteen.
    pub minor: bool,
    /// Protected roles.
    pub protected: Vec<ProtectedRole>,
    /// When it was recorded here.
    pub recorded: Timestamp,
    /// When the first of its claims expires.
    pub expires: Timestamp,
}

/// A subject as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSubject {
    /// Its columns.
    pub head: Head,
    /// Counts the changes, from 1.
    pub version: u64,
    /// Its claims, encoded.
    pub content: Plain,
}

fn record(id: &SubjectId, version: u64) -> Record<'_> {
    Record { kind: Kind::Subject, id: id.as_bytes(), version }
}

fn terms_of(terms: &[Term]) -> Result<BTreeSet<Term>, StoreError> {
    if terms.len() > TERMS_MAX {
        return Err(StoreError::Limit { what: "number of search terms" });
    }
    Ok(terms.iter().copied().collect())
}

#[derive(Default)]
struct Rows {
    subjects: Vec<Vec<Value>>,
    keys: Vec<Vec<Value>>,
    terms: Vec<Vec<Value>>,
    cases: Vec<Vec<Value>>,
    reports: Vec<Vec<Value>>,
}

/// New subjects, sealed and ready to be stored. Made outside of the transaction, because that is half of the
/// work and needs no database.
pub struct Prepared(Rows);

impl core::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Prepared({} subjects)", self.0.subjects.len())
    }
}

impl Rows {
    fn relate(&mut self, subject: &NewSubject<'_>, terms: &BTreeSet<Term>) {
        let number = subject.head.id;
        let row = |term: &Term| vec![Value::Int(0), Value::from(term.0), id(number)];
        self.terms.extend(terms.iter().map(row));
        let cases: BTreeSet<_> = subject.cases.iter().collect();
        self.cases.extend(cases.into_iter().map(|case| vec![id(*case), id(number)]));
        let reports: BTreeSet<_> = subject.reports.iter().collect();
        self.reports.extend(reports.into_iter().map(|report| vec![id(*report), id(number)]));
    }

    /// In key order: the index pages of a batch are visited once each.
    fn sort(&mut self) {
        self.terms.sort_unstable_by(|a, b| term_of(a).cmp(term_of(b)));
    }

    fn store_relations(mut self, tx: &mut dyn Tx, segment: &Value) -> Result<(), StoreError> {
        for slot in self.terms.iter_mut().filter_map(|row| row.first_mut()) {
            *slot = segment.clone();
        }
        for (sql, rows) in [
            ("INSERT INTO subject_term (segment, term, subject) VALUES ($1, $2, $3)", &self.terms),
            ("INSERT INTO subject_case (case_id, subject) VALUES ($1, $2)", &self.cases),
            ("INSERT INTO subject_report (report, subject) VALUES ($1, $2)", &self.reports),
        ] {
            if !rows.is_empty() {
                tx.exec_many(sql, rows)?;
            }
        }
        Vault::put_keys(tx, &self.keys)
    }
}

fn term_of(row: &[Value]) -> &[u8] {
    match row.get(1) {
        Some(Value::Bytes(bytes)) => bytes,
        Some(Value::Null | Value::Int(_) | Value::Text(_)) | None => &[],
    }
}

fn joined(terms: &BTreeSet<Term>) -> Vec<u8> {
    terms.iter().flat_map(|term| term.0).collect()
}

fn columns(
    subject: &NewSubject<'_>,
    version: u64,
    terms: &BTreeSet<Term>,
    content: Vec<u8>,
) -> Result<Vec<Value>, StoreError> {
    let head = &subject.head;
    Ok(vec![
        id(head.id),
        Value::from(head.kind.code()),
        Value::from(head.class.map(SubjectClass::code)),
        Value::from(head.minor),
        Value::from(join_codes(head.protected.iter().map(|role| role.code()))),
        time(head.recorded),
        time(head.expires),
        int(version)?,
        Value::from(joined(terms)),
        Value::from(content),
        Value::Int(0),
    ])
}

/// Puts the segment into its column, the last.
fn place(row: &mut [Value], segment: &Value) {
    if let Some(slot) = row.last_mut() {
        *slot = segment.clone();
    }
}

/// Seals up to [`BATCH_MAX`] new subjects.
///
/// # Errors
/// [`StoreError::Limit`] for too many subjects or terms.
pub fn prepare(vault: &Vault, subjects: &[NewSubject<'_>]) -> Result<Prepared, StoreError> {
    if subjects.len() > BATCH_MAX {
        return Err(StoreError::Limit { what: "number of subjects" });
    }
    let mut rows = Rows::default();
    for subject in subjects {
        let terms = terms_of(subject.terms)?;
        let sealed = vault.seal(&record(&subject.head.id, 1), subject.content)?;
        rows.subjects.push(columns(subject, 1, &terms, sealed.content)?);
        rows.keys.push(sealed.key);
        rows.relate(subject, &terms);
    }
    rows.sort();
    Ok(Prepared(rows))
}

/// Stores prepared subjects. 64 to 512 in one transaction is fast.
///
/// # Errors
/// A number that is taken is a violated constraint.
pub fn add_prepared(tx: &mut dyn Tx, prepared: Prepared) -> Result<(), StoreError> {
    let Prepared(mut rows) = prepared;
    let segment = segment(tx, rows.terms.len())?;
    for row in &mut rows.subjects {
        place(row, &segment);
    }
    tx.exec_many(
        "INSERT INTO subject (id, kind, class, minor, protected, recorded_at, expires_at, version, terms, content,
         segment) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &rows.subjects,
    )?;
    rows.store_relations(tx, &segment)
}

/// Seals and stores up to [`BATCH_MAX`] new subjects. For many, [`prepare`] them outside of the transaction.
///
/// # Errors
/// As [`prepare`] and [`add_prepared`].
pub fn add_many(tx: &mut dyn Tx, vault: &Vault, subjects: &[NewSubject<'_>]) -> Result<(), StoreError> {
    add_prepared(tx, prepare(vault, subjects)?)
}

/// Replaces a subject whole: claims, terms, cases and reports. The former content goes with its key.
///
/// # Errors
/// [`StoreError::Conflict`] when the row was changed since it was read at `version`, or is gone.
pub fn replace(
    tx: &mut dyn Tx,
    vault: &Vault,
    version: u64,
    subject: &NewSubject<'_>,
) -> Result<(), StoreError> {
    let number = subject.head.id;
    let terms = terms_of(subject.terms)?;
    let next = version.saturating_add(1);
    let sealed = vault.seal(&record(&number, next), subject.content)?;
    let old = held_terms(tx, number, version)?.ok_or(StoreError::Conflict { what: "subject" })?;
    forget_relations(tx, &[old])?;
    erase_keys(tx, Kind::Subject, &[number.as_bytes()])?;
    let segment = segment(tx, terms.len())?;
    let mut values = columns(subject, next, &terms, sealed.content)?;
    place(&mut values, &segment);
    values.push(int(version)?);
    crate::sql::insert_new(
        tx,
        "UPDATE subject SET kind = $2, class = $3, minor = $4, protected = $5, recorded_at = $6,
         expires_at = $7, version = $8, terms = $9, content = $10, segment = $11
         WHERE id = $1 AND version = $12",
        &values,
        "subject",
    )?;
    let mut rows = Rows { keys: vec![sealed.key], ..Rows::default() };
    rows.relate(subject, &terms);
    rows.store_relations(tx, &segment)
}

/// Returns a subject.
///
/// # Errors
/// [`StoreError::Integrity`] when the row disagrees with itself.
pub fn get(tx: &mut dyn Tx, vault: &Vault, subject: SubjectId) -> Result<Option<StoredSubject>, StoreError> {
    let row = tx.query_opt(&format!("{COLUMNS} WHERE s.id = $1"), &[id(subject)])?;
    row.map(|row| read(vault, &row)).transpose()
}

/// Returns a page of the subjects of a case.
///
/// # Errors
/// As [`get`].
pub fn of_case(
    tx: &mut dyn Tx,
    vault: &Vault,
    case: CaseId,
    page: &Page<SubjectId>,
) -> Result<Vec<StoredSubject>, StoreError> {
    let sql = format!(
        "{COLUMNS} JOIN subject_case c ON c.subject = s.id
         WHERE c.case_id = $1 AND c.subject > $2 ORDER BY c.subject LIMIT $3"
    );
    let rows = tx.query(&sql, &[id(case), page.key(), page.rows()])?;
    rows.iter().map(|row| read(vault, row)).collect()
}

/// Returns a page of the persons of some classes, whatever their case, each with its cases: what a tag set of the
/// private check is made of. No intent of a person lists them.
///
/// # Errors
/// As [`get`].
pub fn of_classes(
    tx: &mut dyn Tx,
    vault: &Vault,
    classes: &[SubjectClass],
    page: &Page<SubjectId>,
) -> Result<Vec<(StoredSubject, Vec<CaseId>)>, StoreError> {
    let sql = format!("{COLUMNS} WHERE s.id > $1 ORDER BY s.id LIMIT $2");
    let rows = tx.query(&sql, &[page.key(), page.rows()])?;
    let mut found = Vec::new();
    for row in &rows {
        let number: SubjectId = OF.id(row, 0)?;
        let class: Option<SubjectClass> = OF.opt_code(row, 2, SubjectClass::from_code)?;
        // The others keep their place in the page, so that it goes on behind them, and are not opened.
        if class.is_some_and(|class| classes.contains(&class)) {
            found.push((read(vault, row)?, cases_of(tx, number)?));
        }
    }
    Ok(found)
}

/// Returns the last number of a page of all subjects; none when there are no more.
///
/// # Errors
/// When the engine refuses.
pub fn page_end(tx: &mut dyn Tx, page: &Page<SubjectId>) -> Result<Option<SubjectId>, StoreError> {
    let sql = "SELECT id FROM subject WHERE id > $1 ORDER BY id LIMIT $2";
    Ok(ids::<SubjectId>(tx, sql, &[page.key(), page.rows()])?.last().copied())
}

/// Returns the cases a subject belongs to.
///
/// # Errors
/// When the engine refuses.
pub fn cases_of(tx: &mut dyn Tx, subject: SubjectId) -> Result<Vec<CaseId>, StoreError> {
    let sql = "SELECT case_id FROM subject_case WHERE subject = $1 ORDER BY case_id LIMIT 1000";
    ids(tx, sql, &[id(subject)])
}

/// Returns the subjects that have claims from a report.
///
/// # Errors
/// When the engine refuses.
pub fn of_report(tx: &mut dyn Tx, report: ReportId) -> Result<Vec<SubjectId>, StoreError> {
    let sql = "SELECT subject FROM subject_report WHERE report = $1 ORDER BY subject LIMIT 2048";
    ids(tx, sql, &[id(report)])
}

/// Returns the reports a subject has claims from.
///
/// # Errors
/// When the engine refuses.
pub fn reports_of(tx: &mut dyn Tx, subject: SubjectId) -> Result<Vec<ReportId>, StoreError> {
    let sql = "SELECT report FROM subject_report WHERE subject = $1 ORDER BY report LIMIT 2048";
    ids(tx, sql, &[id(subject)])
}

/// Returns subjects with a claim that expired by `now` and on which no hold stands, the longest first. Those of one
/// instant come in no order: sorting them would read all of them for every page.
///
/// # Errors
/// When the engine refuses.
pub fn expired(tx: &mut dyn Tx, now: Timestamp, limit: u32) -> Result<Vec<SubjectId>, StoreError> {
    let sql = format!(
        "SELECT id FROM subject WHERE expires_at <= $1 AND {} ORDER BY expires_at LIMIT $2",
        crate::holds::SUBJECT_NOT_HELD
    );
    ids(tx, &sql, &[time(now), Value::from(limit.min(PAGE_MAX))])
}

/// Returns those of some subjects that [`expired`] would return: what was true when they were looked for may not be.
///
/// # Errors
/// When the engine refuses.
pub fn still_expired(
    tx: &mut dyn Tx,
    now: Timestamp,
    subjects: &[SubjectId],
) -> Result<Vec<SubjectId>, StoreError> {
    let sql = format!(
        "SELECT id FROM subject WHERE id = $1 AND expires_at <= $2 AND {}",
        crate::holds::SUBJECT_NOT_HELD
    );
    let lists: Vec<_> = subjects.iter().map(|subject| vec![id(*subject), time(now)]).collect();
    tx.query_many(&sql, &lists)?.iter().flatten().map(|row| OF.id(row, 0)).collect()
}

fn ids<I: Id16>(tx: &mut dyn Tx, sql: &str, args: &[Value]) -> Result<Vec<I>, StoreError> {
    tx.query(sql, args)?.iter().map(|row| OF.id(row, 0)).collect()
}

/// Puts a subject into a case; again is nothing.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such subject.
pub fn add_to_case(tx: &mut dyn Tx, subject: SubjectId, case: CaseId) -> Result<(), StoreError> {
    let there = tx.query_opt("SELECT 1 FROM subject WHERE id = $1", &[id(subject)])?;
    there.ok_or(StoreError::Missing { what: "subject" })?;
    let sql = "INSERT INTO subject_case (case_id, subject) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    tx.exec(sql, &[id(case), id(subject)])?;
    Ok(())
}

/// Erases subjects: claims with their keys, what opens the log's commitments to them, terms, relations, links from and to
/// them, and the reasons people gave for looking at them. Returns how many were there.
///
/// # Errors
/// When the engine refuses.
pub fn erase(tx: &mut dyn Tx, subjects: &[SubjectId]) -> Result<u64, StoreError> {
    let old = all_held_terms(tx, subjects)?;
    forget_relations(tx, &old)?;
    index::forget_empty(tx, old.iter().map(|held| &held.segment))?;
    let keys: Vec<&[u8]> = old.iter().map(|held| &held.subject.as_bytes()[..]).collect();
    erase_keys(tx, Kind::Subject, &keys)?;
    let rows: Vec<_> = old.iter().map(|held| vec![id(held.subject)]).collect();
    // With salt and digest a guess at the claims could be proved against the log.
    crate::ledger::erase_salts_of_all(tx, &rows)?;
    crate::links::erase_of(tx, &rows)?;
    crate::checks::erase_cleared_of(tx, &rows)?;
    crate::justifications::erase_of(tx, &rows)?;
    Ok(tx.exec_many("DELETE FROM subject WHERE id = $1", &rows)?)
}

/// Where the terms of a stored subject are.
struct HeldTerms {
    subject: SubjectId,
    segment: Value,
    terms: Vec<u8>,
}

const HELD_TERMS: &str = "SELECT segment, terms, version FROM subject WHERE id = $1";

impl HeldTerms {
    fn of(subject: SubjectId, row: &mut Row) -> Result<Self, StoreError> {
        Ok(Self { subject, segment: Value::from(row.int(0)?), terms: row.take_bytes(1)? })
    }
}

/// The terms of a subject if it is there as it was read at `version`.
fn held_terms(tx: &mut dyn Tx, subject: SubjectId, version: u64) -> Result<Option<HeldTerms>, StoreError> {
    let row = tx.query_opt(HELD_TERMS, &[id(subject)])?;
    let same = row.filter(|row| row.unsigned(2) == Ok(version));
    same.map(|mut row| HeldTerms::of(subject, &mut row)).transpose()
}

/// The terms of those of some subjects that are there.
fn all_held_terms(tx: &mut dyn Tx, subjects: &[SubjectId]) -> Result<Vec<HeldTerms>, StoreError> {
    let lists: Vec<_> = subjects.iter().map(|subject| vec![id(*subject)]).collect();
    let mut found = tx.query_many(HELD_TERMS, &lists)?;
    let rows = subjects.iter().zip(&mut found);
    rows.filter_map(|(subject, rows)| rows.first_mut().map(|row| HeldTerms::of(*subject, row))).collect()
}

fn forget_relations(tx: &mut dyn Tx, old: &[HeldTerms]) -> Result<(), StoreError> {
    let mut terms = Vec::new();
    for held in old {
        let (all, _) = held.terms.as_chunks::<TERM_LEN>();
        terms.extend(all.iter().map(|term| vec![held.segment.clone(), Value::from(term), id(held.subject)]));
    }
    tx.exec_many("DELETE FROM subject_term WHERE segment = $1 AND term = $2 AND subject = $3", &terms)?;
    let rows: Vec<_> = old.iter().map(|held| vec![id(held.subject)]).collect();
    tx.exec_many("DELETE FROM subject_case WHERE subject = $1", &rows)?;
    tx.exec_many("DELETE FROM subject_report WHERE subject = $1", &rows)?;
    Ok(())
}

fn read(vault: &Vault, row: &Row) -> Result<StoredSubject, StoreError> {
    let number: SubjectId = OF.id(row, 0)?;
    let version = row.unsigned(7)?;
    let content = vault.open_row(&record(&number, version), row, 8)?;
    let head = Head {
        id: number,
        kind: OF.code(row, 1, SubjectKind::from_code)?,
        class: OF.opt_code(row, 2, SubjectClass::from_code)?,
        minor: row.int(3)? == 1,
        protected: OF.codes(row, 4, ProtectedRole::from_code)?,
        recorded: OF.time(row, 5)?,
        expires: OF.time(row, 6)?,
    };
    Ok(StoredSubject { head, version, content })
}
