//! The documents of a bundle: what lets a stranger judge its entries. Agreements with their signatures, manifests,
//! and for each message the envelope and what was signed for it. They carry no content a reader could open.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_db::Tx;
use mithaq_envelope::{
    Opened, SessionCache, SignedAgreement, open_seal, peek_header, peek_receipts, receipt_proof, verify,
    verify_receipts,
};
use mithaq_evidence::{
    agreement_name, distrust_name, envelope_name, later_name, manifest_name, receipt_name, receipts_name,
};
use mithaq_exchange::ports::{Inbox as _, Outbox as _};
use mithaq_ledger::Entry;
use mithaq_model::{AgreementId, ObjectId, PartyId};
use mithaq_store::lanes::{self, Inbox, LaneKey, Outbox};
use mithaq_store::{agreements, partners};
use mithaq_wire::{Digest, Lane, LaneId, LaterReceipt, MessageKind, Position};

use crate::App;
use crate::error::AppError;
use crate::registry::Registry;

/// Most documents of one bundle; beyond that envelopes are left out, and the verifier says which.
const DOCUMENTS_MAX: usize = 60_000;
/// Most bytes of documents of one bundle.
const BYTES_MAX: usize = 512 * 1024 * 1024;
/// The place before the first of a lane.
const START: Position = Position { epoch: 1, seq: 0 };
/// Messages read at once.
const PAGE: usize = 512;

/// What the entries of a bundle speak of.
#[derive(Default)]
pub(super) struct Spoken {
    pub(super) agreements: BTreeSet<AgreementId>,
    /// Hashes of the envelopes that were sent or taken.
    messages: BTreeSet<Digest>,
    /// Objects with a receipt of reading, of a whole attachment or of erasing.
    later: BTreeSet<ObjectId>,
    /// Whether every entry is there: then whole receipts are shown, not single statements.
    is_all: bool,
}

impl Spoken {
    pub(super) fn of(entries: &[(u64, Vec<u8>)], is_all: bool) -> Self {
        let mut spoken = Self { is_all, ..Self::default() };
        for entry in entries.iter().filter_map(|(_, bytes)| Entry::parse(bytes).ok()) {
            spoken.agreements.extend(entry.agreement.map(|hash| AgreementId::new(*hash.as_bytes())));
            let kind = entry.kind.as_str();
            if kind.starts_with("message.") {
                spoken.messages.extend(entry.commitment.map(|hash| Digest(*hash.as_bytes())));
            }
            if kind.starts_with("receipt.") {
                spoken.later.extend(entry.object.as_str().parse::<ObjectId>().ok());
            }
        }
        spoken
    }
}

/// Documents by name, within the limits of a bundle.
#[derive(Default)]
pub(super) struct Documents {
    pub(super) named: BTreeMap<String, Vec<u8>>,
    bytes: usize,
}

impl Documents {
    fn put(&mut self, name: String, bytes: Vec<u8>) {
        let total = self.bytes.saturating_add(bytes.len());
        if self.named.len() < DOCUMENTS_MAX && total <= BYTES_MAX {
            self.bytes = total;
            self.named.insert(name, bytes);
        }
    }
}

impl App {
    /// Gathers the documents for entries, and the parties whose keys they need.
    pub(super) fn evidence_documents(
        &self,
        tx: &mut dyn Tx,
        spoken: &Spoken,
    ) -> Result<(Documents, BTreeSet<PartyId>), AppError> {
        let registry = self.registry();
        let mut documents = Documents::default();
        let mut parties: BTreeSet<PartyId> = [self.party.clone()].into();
        for stored in agreements::list(tx, &self.vault)? {
            if !spoken.agreements.contains(&stored.id) {
                continue;
            }
            let Some(signed) = self.signed_agreement(tx, &stored)? else { continue };
            documents.put(agreement_name(&stored.id), signed.to_bytes());
            let named = registry.agreements.get(&stored.id).map(|known| known.agreement());
            parties
                .extend(named.into_iter().flat_map(|one| one.parties.iter().map(|party| party.id.clone())));
        }
        for party in &parties {
            for manifest in partners::manifests(tx, party, 1)? {
                documents.put(manifest_name(party, manifest.number), manifest.bytes);
            }
            let distrusts = registry.peers.get(party).map_or(&[][..], |peer| &peer.distrusts);
            for (bytes, _) in distrusts {
                documents.put(distrust_name(bytes), bytes.clone());
            }
        }
        let ids = lanes_of(&self.party, &registry, &spoken.agreements);
        for id in &ids {
            self.add_receipts(tx, id, spoken, &mut documents)?;
        }
        for id in ids.iter().filter(|id| id.to == self.party && id.lane == Lane::Control) {
            self.add_later(tx, &registry, id, spoken, &mut documents)?;
        }
        // Last, because they are the largest and what is left out first.
        for id in &ids {
            self.add_envelopes(tx, id, spoken, &mut documents)?;
        }
        Ok((documents, parties))
    }

    /// The text with the signatures there are; nothing for a text that is none.
    fn signed_agreement(
        &self,
        tx: &mut dyn Tx,
        stored: &agreements::StoredAgreement,
    ) -> Result<Option<SignedAgreement>, AppError> {
        let Ok(text) = core::str::from_utf8(&stored.text) else { return Ok(None) };
        let Ok(mut signed) = SignedAgreement::new(text) else { return Ok(None) };
        for signature in agreements::signatures(tx, &stored.id)? {
            if let Some((bytes, _)) = signature.signed {
                // What does not verify is no signature: the verifier sees that it is missing.
                let _refused = signed.add(&bytes);
            }
        }
        Ok(Some(signed))
    }

    fn add_receipts(
        &self,
        tx: &mut dyn Tx,
        id: &LaneId,
        spoken: &Spoken,
        documents: &mut Documents,
    ) -> Result<(), AppError> {
        let key = LaneKey::of(id);
        let mut wanted: BTreeMap<Digest, BTreeSet<Digest>> = BTreeMap::new();
        self.each_message(tx, id, |_tx, message| {
            if let (true, Some(receipt)) = (spoken.messages.contains(&message.envelope), message.receipt) {
                wanted.entry(receipt).or_default().insert(message.envelope);
            }
            Ok(())
        })?;
        for lost in lanes::lost(tx, key)? {
            if spoken.messages.contains(&lost.envelope) {
                wanted.entry(lost.receipt).or_default().insert(lost.envelope);
            }
        }
        for (receipt, envelopes) in wanted {
            let Some(bytes) = lanes::receipt(tx, key, receipt)? else { continue };
            if spoken.is_all {
                documents.put(receipts_name(&bytes), bytes);
                continue;
            }
            // A part of the log: only the statements about it, whoever may see the others.
            for proof in self.proofs(id, &bytes, &envelopes) {
                documents.put(receipt_name(&proof), proof);
            }
        }
        Ok(())
    }

    fn proofs(&self, id: &LaneId, receipts: &[u8], envelopes: &BTreeSet<Digest>) -> Vec<Vec<u8>> {
        let registry = self.registry();
        let signer = peek_receipts(receipts)
            .ok()
            .and_then(|head| registry.peers.get(&id.to)?.manifest(head.manifest).cloned());
        let Some(batch) = signer.and_then(|signer| verify_receipts(receipts, &signer).ok()) else {
            return Vec::new();
        };
        let about =
            |(_, statement): &(usize, &mithaq_wire::Statement)| envelopes.contains(&statement.envelope);
        let indices = batch.statements.iter().enumerate().filter(about).map(|(index, _)| index);
        indices.filter_map(|index| receipt_proof(receipts, index).ok()).collect()
    }

    fn add_envelopes(
        &self,
        tx: &mut dyn Tx,
        id: &LaneId,
        spoken: &Spoken,
        documents: &mut Documents,
    ) -> Result<(), AppError> {
        self.each_message(tx, id, |tx, message| {
            if spoken.messages.contains(&message.envelope)
                && let Some(bytes) = self.envelope_at(tx, id, message.at)?
            {
                documents.put(envelope_name(&bytes), bytes);
            }
            Ok(())
        })
    }

    /// The envelope at a place, if its bytes are still there: those of erased content are not.
    fn envelope_at(&self, tx: &mut dyn Tx, id: &LaneId, at: Position) -> Result<Option<Vec<u8>>, AppError> {
        let key = LaneKey::of(id);
        let bytes = if id.from == self.party {
            lanes::message(tx, key, at)?.map(|message| message.bytes)
        } else {
            Inbox::new(tx, key).envelope(at)?
        };
        Ok(bytes.filter(|bytes| !bytes.is_empty()))
    }

    /// Receipts of reading, of whole attachments and of erasing, as the partner's agency sealed them: they came encrypted to this node.
    fn add_later(
        &self,
        tx: &mut dyn Tx,
        registry: &Registry,
        id: &LaneId,
        spoken: &Spoken,
        documents: &mut Documents,
    ) -> Result<(), AppError> {
        let Some(peer) = registry.peers.get(&id.from).filter(|_| !spoken.later.is_empty()) else {
            return Ok(());
        };
        let mut cache = Self::new_cache();
        self.each_message(tx, id, |tx, message| {
            let Some(bytes) = self.envelope_at(tx, id, message.at)? else { return Ok(()) };
            if let Some(sealed) = self.unseal_later(peer, &bytes, spoken, &mut cache) {
                documents.put(later_name(&sealed), sealed);
            }
            Ok(())
        })
    }

    fn unseal_later(
        &self,
        peer: &crate::registry::Peer,
        envelope: &[u8],
        spoken: &Spoken,
        cache: &mut SessionCache,
    ) -> Option<Vec<u8>> {
        let header = peek_header(envelope).ok().filter(|header| header.kind == MessageKind::Receipts)?;
        let manifest = peer.manifest(header.manifest)?;
        let opened = self.decrypt(verify(envelope, manifest).ok()?, cache)?;
        let Opened::LaterReceipts(_, receipts) = open_seal(opened.sealed(), manifest).ok()? else {
            return None;
        };
        let about = |receipt: &LaterReceipt| match receipt {
            LaterReceipt::Decided { object, .. }
            | LaterReceipt::Read { object, .. }
            | LaterReceipt::Complete { object, .. }
            | LaterReceipt::Erased { object, .. } => spoken.later.contains(object),
        };
        receipts.iter().any(about).then(|| opened.sealed().to_vec())
    }

    /// Goes through the messages of a lane, sent or taken, without their envelopes.
    fn each_message(
        &self,
        tx: &mut dyn Tx,
        id: &LaneId,
        mut each: impl FnMut(&mut dyn Tx, &Sent) -> Result<(), AppError>,
    ) -> Result<(), AppError> {
        let (key, mut after) = (LaneKey::of(id), START);
        loop {
            let page: Vec<Sent> = if id.from == self.party {
                let mut outbox = Outbox::new(tx, key);
                outbox.after(after, PAGE)?.iter().map(Sent::out).collect()
            } else {
                lanes::taken_after(tx, key, after)?.iter().map(Sent::taken).collect()
            };
            let Some(last) = page.last() else { return Ok(()) };
            after = last.at;
            for message in &page {
                each(tx, message)?;
            }
        }
    }
}

/// A message of a lane, without its envelope.
struct Sent {
    at: Position,
    envelope: Digest,
    receipt: Option<Digest>,
}

impl Sent {
    fn out(message: &mithaq_exchange::OutMessage) -> Self {
        use mithaq_exchange::OutState;
        let receipt = match &message.state {
            OutState::Decided { receipt, .. } | OutState::NotDelivered { late: Some((_, receipt)) } => {
                Some(*receipt)
            }
            OutState::Waiting | OutState::NotDelivered { late: None } => None,
        };
        Self { at: message.at, envelope: message.envelope, receipt }
    }

    const fn taken(row: &lanes::TakenRow) -> Self {
        Self { at: row.at, envelope: row.envelope, receipt: Some(row.receipt) }
    }
}

/// Every lane from and to this party under the agreements.
fn lanes_of(us: &PartyId, registry: &Registry, agreements: &BTreeSet<AgreementId>) -> Vec<LaneId> {
    let mut ids = Vec::new();
    for (id, known) in registry.agreements.iter().filter(|(id, _)| agreements.contains(id)) {
        for partner in known.agreement().partners(us) {
            for lane in [Lane::Control, Lane::Report, Lane::Bulk] {
                let (from, to) = (us.clone(), partner.clone());
                ids.push(LaneId { from: from.clone(), to: to.clone(), agreement: *id, lane });
                ids.push(LaneId { from: to, to: from, agreement: *id, lane });
            }
        }
    }
    ids
}
