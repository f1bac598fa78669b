//! The evidence bundle from the store: entries of a filter with their proofs against the last signed
//! checkpoint, the salts that are still there, and documents the caller attaches. The caller verifies the
//! bytes before handing them out, as everybody else will.

use std::collections::BTreeMap;

use mithaq_db::{Tx, Value};
use mithaq_ledger::{
    BundleBuilder, EncodeError, Entry, Hash, Id, MAX_SIZE, Opening, SignedNote, prove_consistency,
    prove_range,
};
use mithaq_model::ObjectId;

use super::{Filter, Ledger, Tiles, prove_error};
use crate::derive::SaltPlace;
use crate::sql::{Of, int};
use crate::{StoreError, Vault};

/// Most entries of one bundle made here; more is exported in parts.
const ENTRIES_MAX: usize = 1_000_000;

/// What goes into a bundle.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    /// Which entries: those of any of these.
    pub filters: &'a [Filter],
    /// Entries are proven against the last checkpoint up to this size; `u64::MAX` for the last of all.
    pub anchor: u64,
    /// Names of the keys whose countersignatures are kept; none for all. Those of others tell with whom else this
    /// node works.
    pub witnesses: Option<&'a [String]>,
    /// Whether commitments are opened by the digest of their content, where the salt is still there.
    pub open: bool,
    /// Up to how many earlier checkpoints are put before the last, newest kept.
    pub checkpoints: u8,
    /// Documents, in growing order of names: receipts, envelopes, agreements, manifests.
    pub documents: &'a [(Id<'a>, &'a [u8])],
}

impl Ledger {
    /// Writes a bundle.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when nothing was signed yet, [`StoreError::Limit`] when there are too many
    /// entries or parts, [`StoreError::Integrity`] when the rows disagree with the tiles.
    pub fn bundle(
        &self,
        tx: &mut dyn Tx,
        vault: &Vault,
        evidence: &Evidence<'_>,
    ) -> Result<Vec<u8>, StoreError> {
        let notes = self.anchor_notes(tx, evidence)?;
        let anchor = notes.last().ok_or(StoreError::Missing { what: "signed checkpoint" })?;
        let size = self.parse(anchor)?.size();
        let mut bundle = BundleBuilder::new(self.origin.clone());
        let mut before = 0;
        for note in &notes {
            let at = self.parse(note)?.size();
            let proof = prove_consistency(&Tiles::new(tx, self.log), before, at).map_err(prove_error)?;
            bundle.checkpoint(&note.to_bytes(), &proof).map_err(too_long)?;
            before = at;
        }
        let entries = self.all_entries(tx, evidence.filters, size)?;
        for run in entries.chunk_by(|(a, _), (b, _)| a.checked_add(1) == Some(*b)) {
            self.add_segment(tx, &mut bundle, run, size)?;
        }
        if evidence.open {
            self.add_openings(tx, vault, &mut bundle, &entries)?;
        }
        for (name, bytes) in evidence.documents {
            bundle.document(*name, bytes).map_err(too_long)?;
        }
        bundle.finish().map_err(too_long)
    }

    /// The anchor behind as many earlier checkpoints as wanted.
    fn anchor_notes(&self, tx: &mut dyn Tx, evidence: &Evidence<'_>) -> Result<Vec<SignedNote>, StoreError> {
        let limit = u32::from(evidence.checkpoints.min(254)) + 1;
        let anchor = evidence.anchor.min(MAX_SIZE);
        let rows = tx.query(
            "SELECT size FROM ledger_checkpoint WHERE log = $1 AND size <= $3 ORDER BY size DESC LIMIT $2",
            &[Value::from(self.log), Value::from(limit), int(anchor)?],
        )?;
        let Some(first) = rows.last() else { return Ok(Vec::new()) };
        let mut notes = Vec::new();
        for note in self.checkpoints(tx, first.unsigned(0)?, limit)? {
            if self.parse(&note)?.size() <= anchor {
                notes.push(match evidence.witnesses {
                    Some(kept) => self.keep_signatures(&note, kept)?,
                    None => note,
                });
            }
        }
        Ok(notes)
    }

    /// The same note with the log's own signature and those of the named keys.
    fn keep_signatures(&self, note: &SignedNote, kept: &[String]) -> Result<SignedNote, StoreError> {
        let broken = || Of("ledger_checkpoint").broken();
        let mut made = SignedNote::new(note.text().to_owned()).map_err(|_damaged| broken())?;
        for signature in note.signatures() {
            let name = signature.name.as_str();
            if name == self.origin.as_str() || kept.iter().any(|one| one == name) {
                made.add(signature.clone()).map_err(|_damaged| broken())?;
            }
        }
        Ok(made)
    }

    /// The entries of any of the filters up to a size, each once, in order.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when there are more than one bundle holds.
    pub fn all_entries(
        &self,
        tx: &mut dyn Tx,
        filters: &[Filter],
        size: u64,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let mut all = BTreeMap::new();
        for filter in filters {
            let mut from = 0;
            loop {
                let page = self.entries(tx, filter, from..size)?;
                let Some((last, _)) = page.last() else { break };
                from = last.saturating_add(1).min(MAX_SIZE);
                all.extend(page);
                if all.len() > ENTRIES_MAX {
                    return Err(StoreError::Limit { what: "number of entries" });
                }
            }
        }
        Ok(all.into_iter().collect())
    }

    fn add_segment(
        &self,
        tx: &mut dyn Tx,
        bundle: &mut BundleBuilder,
        run: &[(u64, Vec<u8>)],
        size: u64,
    ) -> Result<(), StoreError> {
        let (Some((start, _)), Some((last, _))) = (run.first(), run.last()) else { return Ok(()) };
        let end = last.saturating_add(1);
        let proof = prove_range(&Tiles::new(tx, self.log), *start, end, size).map_err(prove_error)?;
        let entries: Vec<&[u8]> = run.iter().map(|(_, entry)| entry.as_slice()).collect();
        bundle.segment(*start, &proof, &entries).map_err(too_long)
    }

    fn add_openings(
        &self,
        tx: &mut dyn Tx,
        vault: &Vault,
        bundle: &mut BundleBuilder,
        entries: &[(u64, Vec<u8>)],
    ) -> Result<(), StoreError> {
        for (index, bytes) in entries {
            let entry = Entry::parse(bytes).map_err(|_damaged| Of("ledger_entry").broken())?;
            let Some(commitment) = entry.commitment else { continue };
            if let Some((_, salt, digest)) = self.salt_of(tx, vault, *index, &commitment)? {
                bundle.opening(*index, &salt, &Opening::Digest(digest)).map_err(too_long)?;
            }
        }
        Ok(())
    }

    /// Returns what opens the commitment of an entry, unless the content was erased: the object, the salt and
    /// the digest of the content.
    ///
    /// # Errors
    /// [`StoreError::Integrity`] when the row was changed or belongs to another commitment.
    pub fn salt_of(
        &self,
        tx: &mut dyn Tx,
        vault: &Vault,
        index: u64,
        commitment: &Hash,
    ) -> Result<Option<(ObjectId, [u8; 32], Hash)>, StoreError> {
        let row = tx.query_opt(
            "SELECT object, sealed FROM ledger_salt WHERE log = $1 AND idx = $2",
            &[Value::from(self.log), int(index)?],
        )?;
        let Some(row) = row else { return Ok(None) };
        let object: ObjectId = Of("ledger_salt").id(&row, 0)?;
        let place =
            SaltPlace { log: self.log, index, object: object.as_bytes(), commitment: commitment.as_bytes() };
        let (salt, digest) = vault.derived().open_salt(&place, row.bytes(1)?)?;
        Ok(Some((object, salt, Hash::new(digest))))
    }
}

fn too_long(_error: EncodeError) -> StoreError {
    StoreError::Limit { what: "evidence" }
}
