//! The blind index: finding subjects by terms that say nothing without the node's key.
//!
//! Terms are random, so one large index would touch a page of it for every term stored. New terms therefore go
//! into a small segment whose pages are shared by many; a search asks every segment, a few microseconds each
//! (a million subjects with five terms: some eighty segments).

use std::collections::{BTreeMap, BTreeSet};

use mithaq_db::{Tx, Value, lock_clause};
use mithaq_model::{CaseId, SubjectId};

use super::ids;
use crate::sql::{PAGE_MAX, id, int};
use crate::{StoreError, Term, Vault};

/// Most terms of one search.
pub const SEARCH_TERMS_MAX: usize = 64;

/// Most terms of one segment of the index before a new one is begun.
/// Few under test, so that every test has several.
const SEGMENT_TERMS: u64 = if cfg!(test) { 8 } else { 65_536 };

/// Within what a search looks. There is no scope by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Subjects of these cases; no case: nothing is found.
    Cases(&'a [CaseId]),
    /// The whole node: deconfliction and hit / no-hit, where no officer sees what is found.
    Node,
}

impl Vault {
    /// Returns the blind form of a normalised search term. Put the kind of term before it (`name:`, `doc:`),
    /// so that one text in two roles is two terms.
    #[must_use]
    pub fn term(&self, normalised: &str) -> Term {
        self.derived().term(normalised)
    }
}

/// Returns the segment of the index that takes `more` terms.
pub(super) fn segment(tx: &mut dyn Tx, more: usize) -> Result<Value, StoreError> {
    let more = crate::sql::count(more);
    let sql = format!(
        "SELECT segment, terms FROM subject_segment ORDER BY segment DESC LIMIT 1{}",
        lock_clause(tx.engine())
    );
    let (last, terms) = match tx.query_opt(&sql, &[])? {
        Some(row) => (row.unsigned(0)?, row.unsigned(1)?),
        None => (1, 0),
    };
    let full = terms > 0 && terms.saturating_add(more) > SEGMENT_TERMS;
    let number = int(if full { last.saturating_add(1) } else { last })?;
    tx.exec(
        "INSERT INTO subject_segment (segment, terms) VALUES ($1, $2)
         ON CONFLICT (segment) DO UPDATE SET terms = subject_segment.terms + excluded.terms",
        &[number.clone(), int(more)?],
    )?;
    Ok(number)
}

/// Forgets those of some segments that hold nothing any more: every search asks each segment there is. The last stays,
/// because new terms may be on their way into it.
pub(super) fn forget_empty<'a>(
    tx: &mut dyn Tx,
    segments: impl Iterator<Item = &'a Value>,
) -> Result<(), StoreError> {
    let mut seen = Vec::new();
    for segment in segments {
        let row = vec![segment.clone()];
        if !seen.contains(&row) {
            seen.push(row);
        }
    }
    tx.exec_many(
        "DELETE FROM subject_segment WHERE segment = $1
         AND segment < (SELECT MAX(segment) FROM subject_segment)
         AND NOT EXISTS (SELECT 1 FROM subject_term t WHERE t.segment = $1)",
        &seen,
    )?;
    Ok(())
}

/// Finds subjects by terms: those with more of them first, at most `limit`.
///
/// # Errors
/// [`StoreError::Limit`] for more than [`SEARCH_TERMS_MAX`] terms or cases.
pub fn find(
    tx: &mut dyn Tx,
    terms: &[Term],
    scope: Scope<'_>,
    limit: u32,
) -> Result<Vec<(SubjectId, u32)>, StoreError> {
    let cases = match scope {
        Scope::Node => None,
        Scope::Cases([]) => return Ok(Vec::new()),
        Scope::Cases(cases) => Some(cases),
    };
    if terms.len() > SEARCH_TERMS_MAX || cases.is_some_and(|cases| cases.len() > SEARCH_TERMS_MAX) {
        return Err(StoreError::Limit { what: "size of the search" });
    }
    let mut hits: BTreeMap<SubjectId, u32> = BTreeMap::new();
    for term in terms.iter().collect::<BTreeSet<_>>() {
        for subject in holders(tx, term, cases)? {
            let count = hits.entry(subject).or_default();
            *count = count.saturating_add(1);
        }
    }
    let mut hits: Vec<_> = hits.into_iter().collect();
    hits.sort_unstable_by_key(|(subject, count)| (core::cmp::Reverse(*count), *subject));
    hits.truncate(usize::try_from(limit.min(PAGE_MAX)).unwrap_or(0));
    Ok(hits)
}

/// Subjects with one term, in scope, each once.
fn holders(
    tx: &mut dyn Tx,
    term: &Term,
    cases: Option<&[CaseId]>,
) -> Result<BTreeSet<SubjectId>, StoreError> {
    let term = Value::from(term.0);
    // The order of the join is ours: the few segments first, then one look into each.
    let Some(cases) = cases else {
        let sql = "SELECT t.subject FROM subject_segment s CROSS JOIN subject_term t
                   WHERE t.segment = s.segment AND t.term = $1 ORDER BY t.subject LIMIT 10000";
        return ids(tx, sql, &[term]).map(BTreeSet::from_iter);
    };
    let mut found = BTreeSet::new();
    for case in cases {
        let sql = "SELECT t.subject FROM subject_segment s CROSS JOIN subject_term t
                   JOIN subject_case c ON c.case_id = $2 AND c.subject = t.subject
                   WHERE t.segment = s.segment AND t.term = $1 ORDER BY t.subject LIMIT 10000";
        found.extend(ids::<SubjectId>(tx, sql, &[term.clone(), id(*case)])?);
    }
    Ok(found)
}
