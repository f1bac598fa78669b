//! Opening what a partner sent, and signing what this node says about it.

use std::cell::Cell;

use mithaq_envelope::{
    EnvelopeError, Opened as Unsealed, SealedError, SessionCache, Verification, VerifiedEnvelope,
    VerifiedManifest, open_seal, peek_header, sign_receipts, verify,
};
use mithaq_exchange::ports::{SignReceipts, Unopened, Unreadable, Unsigned, Unwrap};
use mithaq_exchange::{Content, Opened};
use mithaq_model::Report;
use mithaq_wire::{Digest, EnvelopeHeader, MessageKind, ReceiptBatch};

use crate::App;
use crate::registry::Peer;

/// Sessions of one partner kept decapsulated: one per hour, with room for restarts.
const SESSIONS_MAX: usize = 64;

/// A report as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incoming {
    pub(crate) report: Report,
    pub(super) sealed: Vec<u8>,
    pub(super) salt: [u8; 32],
}

/// Opens the envelopes of one partner.
pub(super) struct Opener<'a> {
    app: &'a App,
    peer: &'a Peer,
    /// The envelope that was verified last, so that opening it does not verify it again.
    verified: Cell<Option<Verification>>,
}

impl<'a> Opener<'a> {
    pub(super) const fn new(app: &'a App, peer: &'a Peer) -> Self {
        Self { app, peer, verified: Cell::new(None) }
    }

    /// Takes up the bytes that were verified last; any other bytes are verified themselves.
    fn verified<'b>(
        &self,
        envelope: &'b [u8],
        manifest: &VerifiedManifest,
    ) -> Result<VerifiedEnvelope<'b>, EnvelopeError> {
        let again = self.verified.take().map(|last| VerifiedEnvelope::again(envelope, &last));
        again.and_then(Result::ok).map_or_else(|| verify(envelope, manifest), Ok)
    }
}

impl Unwrap for Opener<'_> {
    type Report = Incoming;

    fn header(&self, envelope: &[u8]) -> Result<EnvelopeHeader, Unreadable> {
        peek_header(envelope).map_err(|error| match error {
            EnvelopeError::Unsupported => Unreadable::Unsupported,
            EnvelopeError::Size
            | EnvelopeError::Malformed
            | EnvelopeError::Signer
            | EnvelopeError::Signature
            | EnvelopeError::Expired
            | EnvelopeError::Recipient
            | EnvelopeError::Kind
            | EnvelopeError::Undecryptable => Unreadable::Malformed,
        })
    }

    fn verify(&self, envelope: &[u8], header: &EnvelopeHeader) -> Result<(), Unsigned> {
        let manifest = self.peer.manifest(header.manifest).ok_or(Unsigned::Signer)?;
        let verified = verify(envelope, manifest).map_err(|_refused| Unsigned::Signature)?;
        self.verified.set(Some(verified.verification()));
        Ok(())
    }

    fn open(&self, envelope: &[u8], header: &EnvelopeHeader) -> Result<Opened<Incoming>, Unopened> {
        let manifest = self.peer.manifest(header.manifest).ok_or(Unopened::Undecryptable)?;
        let verified = self.verified(envelope, manifest).map_err(|_refused| Unopened::Undecryptable)?;
        let mut cache = self.app.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let opened = verified
            .open(&self.app.party, self.app.keys.soft(), &mut cache)
            .map_err(|_refused| Unopened::Undecryptable)?;
        drop(cache);
        if header.kind == MessageKind::EpochStart {
            return Ok(Opened { seal: None, content: Content::EpochStart });
        }
        let unsealed = open_seal(opened.sealed(), manifest).map_err(|error| match error {
            SealedError::Signature => Unopened::Seal,
            SealedError::Malformed
            | SealedError::Unsupported
            | SealedError::Agreement
            | SealedError::Recipient
            | SealedError::Originator
            | SealedError::Kind => Unopened::Malformed,
        })?;
        Ok(match unsealed {
            Unsealed::Report(inner) => {
                let expires = inner.report.expires;
                let report =
                    Incoming { report: inner.report, sealed: opened.sealed().to_vec(), salt: inner.salt };
                Opened { seal: Some(inner.header), content: Content::Report { report, expires } }
            }
            Unsealed::Order(seal, order) => Opened { seal: Some(seal), content: Content::Order(order) },
            Unsealed::Notice(seal, notice) => Opened { seal: Some(seal), content: Content::Notice(notice) },
            Unsealed::LaterReceipts(seal, receipts) => {
                Opened { seal: Some(seal), content: Content::Receipts(receipts) }
            }
            Unsealed::Step(seal, step) => Opened { seal: Some(seal), content: Content::Step(step) },
        })
    }
}

/// Signs receipts of this node.
pub(super) struct OwnReceipts<'a> {
    pub(super) app: &'a App,
    pub(super) manifest: Digest,
}

impl SignReceipts for OwnReceipts<'_> {
    type Error = mithaq_envelope::ReceiptError;

    fn manifest(&self) -> Digest {
        self.manifest
    }

    fn sign(&self, batch: &ReceiptBatch) -> Result<Vec<u8>, Self::Error> {
        sign_receipts(batch, self.app.keys.soft())
    }
}

impl App {
    /// Makes the cache of decapsulated sessions.
    pub(crate) const fn new_cache() -> SessionCache {
        SessionCache::new(SESSIONS_MAX)
    }
}
