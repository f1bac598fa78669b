//! Own reports on their way out: many at once, as one call releases them and one answer acknowledges them.

use std::collections::BTreeMap;

use mithaq_db::Tx;
use mithaq_model::{ReportId, ReportState, Timestamp};

use super::{EDIT, NewVersion, all_of, edit_columns, record, set_states};
use crate::vault::{ERASE_KEY, key_columns};
use crate::{StoreError, Vault};

/// A draft on its way out, as it was read.
#[derive(Debug)]
pub struct Leaving<'a> {
    /// Number of the report.
    pub id: ReportId,
    /// The edit it was read at.
    pub revision: u32,
    /// The state it was read in.
    pub from: ReportState,
    /// The sealed bytes.
    pub sealed: NewVersion<'a>,
}

/// Releases drafts: the sealed bytes take the place of the draft, whose key goes, and the state becomes *released*.
///
/// # Errors
/// [`StoreError::Conflict`] when one of them is no draft any more, was edited since it was read, or has another state; or
/// stands there twice.
pub fn release(tx: &mut dyn Tx, vault: &Vault, leaving: &[Leaving<'_>]) -> Result<(), StoreError> {
    let (mut versions, mut old, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    let mut alike: BTreeMap<(ReportState, Timestamp), Vec<ReportId>> = BTreeMap::new();
    for Leaving { id: number, revision, from, sealed: new } in leaving {
        let next = revision.checked_add(1).ok_or(StoreError::Limit { what: "number of edits" })?;
        let sealed = vault.seal(&record(number, new.version, next), new.content)?;
        versions.push(edit_columns((*number, *revision), new, sealed.content));
        alike.entry((*from, new.at)).or_default().push(*number);
        old.push(key_columns(&record(number, new.version, *revision))?);
        keys.push(sealed.key);
    }
    all_of(tx.exec_many(EDIT, &versions)?, versions.len(), "draft")?;
    for ((from, at), numbers) in &alike {
        let changed = set_states(tx, numbers, (*from, ReportState::Released), *at)?;
        all_of(changed, numbers.len(), "report")?;
    }
    tx.exec_many(ERASE_KEY, &old)?;
    Vault::put_keys(tx, &keys)
}

/// Notes of released reports that a partner accepted them. What is in another state by now stays as it is.
///
/// # Errors
/// When the engine refuses.
pub fn acknowledge(tx: &mut dyn Tx, numbers: &[ReportId], at: Timestamp) -> Result<(), StoreError> {
    set_states(tx, numbers, (ReportState::Released, ReportState::Acknowledged), at).map(drop)
}
