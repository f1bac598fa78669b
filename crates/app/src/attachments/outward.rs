//! Giving attachments to partners: list and chunks of what they accepted, from this node or passed on by it, and to nobody
//! else. What was taken back is not given from that moment on, also in the middle.

use mithaq_db::Tx;
use mithaq_exchange::Flow;
use mithaq_model::{AgreementId, ConsentState, CopyState, PartyId, ReportId, ReportState};
use mithaq_store::attachments::{self as rows, LinkState};
use mithaq_store::blobs::Blob;
use mithaq_store::{disclosures, onward, reports};
use mithaq_wire::limits::{CHUNK_TAG, PLAIN_CHUNK};
use mithaq_wire::{Digest, chunks_of};

use super::disk;
use crate::App;
use crate::error::AppError;

/// The partner's word about a report has not come yet.
pub(crate) const RECEIPT_AWAITED: &str = "attachment.receipt_awaited";

impl App {
    /// Returns the list of the chunks of an attachment for a partner that accepted a report which names it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] for whatever this partner may not know about;
    /// [`crate::ErrorKind::Unavailable`] while its receipt has not come: it asks again.
    pub fn chunk_list_for(
        &self,
        peer: &PartyId,
        agreement: AgreementId,
        root: Digest,
    ) -> Result<Vec<u8>, AppError> {
        self.may_have(peer, agreement, root)?;
        self.blobs.list(root).map_err(disk)
    }

    /// Returns an encrypted chunk for a partner that accepted a report which names the attachment.
    ///
    /// # Errors
    /// As [`App::chunk_list_for`], and for a place behind the end.
    pub fn chunk_for(
        &self,
        peer: &PartyId,
        (agreement, root): (AgreementId, Digest),
        index: u64,
    ) -> Result<Vec<u8>, AppError> {
        let length = self.may_have(peer, agreement, root)?;
        if index >= chunks_of(length) {
            return Err(AppError::not_found());
        }
        let plain = length.saturating_sub(index.saturating_mul(PLAIN_CHUNK)).min(PLAIN_CHUNK);
        self.blobs.chunk(Blob::Root(root), index, plain.saturating_add(CHUNK_TAG)).map_err(disk)
    }

    /// The length of what a partner may have now.
    pub(crate) fn may_have(
        &self,
        peer: &PartyId,
        agreement: AgreementId,
        root: Digest,
    ) -> Result<u64, AppError> {
        self.ensure_running()?;
        if self.flow_with(peer, agreement)? == Flow::ControlOnly {
            return Err(AppError::not_found());
        }
        let peer = peer.clone();
        self.read(move |app, tx| {
            let mut waits = false;
            for link in rows::links_to(tx, root)? {
                let found = if link.party == app.party {
                    stands(tx, &link, (&peer, agreement))?
                } else {
                    went_on(tx, &link, (&app.party, &peer, agreement))?
                };
                match found {
                    Stands::Accepted => return Ok(link.length),
                    Stands::Waits => waits = true,
                    Stands::Not => {}
                }
            }
            // The partner may be faster than the receipt that says so.
            Err(if waits { AppError::busy(RECEIPT_AWAITED) } else { AppError::not_found() })
        })
    }
}

enum Stands {
    Accepted,
    Waits,
    Not,
}

/// Whether a report went to a partner, was accepted there, and was not taken back.
fn stands(
    tx: &mut dyn Tx,
    link: &rows::Link,
    (peer, agreement): (&PartyId, AgreementId),
) -> Result<Stands, AppError> {
    if link.agreement != agreement || is_gone(tx, link)? {
        return Ok(Stands::Not);
    }
    let sent = disclosures::of_object(tx, link.object)?;
    let to_peer = sent.iter().filter(|one| {
        one.recipient == *peer
            && one.version == link.version
            && one.agreement == link.agreement
            && one.answers.erased.is_none()
    });
    // A later correction does not name it any more: it was told to erase.
    let newest = sent.iter().map(|one| one.version).max();
    if !sent.iter().any(|one| one.recipient == *peer && Some(one.version) == newest) {
        return Ok(Stands::Not);
    }
    let mut found = Stands::Not;
    for one in to_peer {
        match one.answers.verdict.as_ref().map(|(word, _)| word.as_str()) {
            Some("accepted") => return Ok(Stands::Accepted),
            None => found = Stands::Waits,
            Some(_refused_or_held) => {}
        }
    }
    Ok(found)
}

/// Whether a received report was passed on to a partner under an agreement, was accepted there, and neither the report nor
/// the originator's consent was taken back.
fn went_on(
    tx: &mut dyn Tx,
    link: &rows::Link,
    (us, peer, agreement): (&PartyId, &PartyId, AgreementId),
) -> Result<Stands, AppError> {
    if link.state != LinkState::Here || is_gone(tx, link)? {
        return Ok(Stands::Not);
    }
    let mut found = Stands::Not;
    for copy in onward::copies(tx, link.object)? {
        let this = copy.via == *us
            && copy.holder == *peer
            && copy.version == link.version
            && copy.agreement == Some(agreement);
        let consent = if this { onward::get(tx, copy.consent)? } else { None };
        if consent.is_none_or(|consent| consent.state == ConsentState::Revoked) {
            continue;
        }
        match copy.state {
            CopyState::Accepted | CopyState::Read => return Ok(Stands::Accepted),
            CopyState::Sent => found = Stands::Waits,
            CopyState::Refused | CopyState::Undelivered | CopyState::Erased => {}
        }
    }
    Ok(found)
}

fn is_gone(tx: &mut dyn Tx, link: &rows::Link) -> Result<bool, AppError> {
    let head = reports::head(tx, ReportId::from(link.object))?;
    Ok(head.is_none_or(|head| matches!(head.state, ReportState::Recalled | ReportState::Erased)))
}
