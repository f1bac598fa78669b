//! Opening what a partner sent, and signing what this node says about it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use mithaq_envelope::{
    EnvelopeError, KemOpener as _, Opened as Unsealed, OpenedEnvelope, OpenedReport, SealedError,
    SessionCache, SoftKeys, Verification, VerifiedEnvelope, VerifiedManifest, open_seal, peek_header,
    peek_receipts, peek_seal, sign_receipts, verify, verify_receipts,
};
use mithaq_exchange::ports::{Inbox, Known, SignReceipts, Unopened, Unreadable, Unsigned, Unwrap};
use mithaq_exchange::{Carried, Content, Holding, Opened, Tombstone};
use mithaq_model::{ObjectId, PartyId, Report, Timestamp};
use mithaq_policy::ConsentFault;
use mithaq_store::{StoreError, lanes};
use mithaq_wire::{
    Digest, EnvelopeHeader, Hop, Lane, MessageKind, OnwardStep, OnwardToken, Order, OrderReason, Position,
    ReceiptBatch, SealHeader,
};

use crate::App;
use crate::onward::{HopIn, Tried};
use crate::registry::{KeyStanding, Peer};

/// Sessions of one partner kept decapsulated: one per hour, with room for restarts.
const SESSIONS_MAX: usize = 64;

/// A report as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incoming {
    pub(crate) report: Report,
    pub(super) sealed: Vec<u8>,
    pub(super) salt: [u8; 32],
    /// Set when its originator is not who sent it.
    pub(crate) hop: Option<HopIn>,
}

impl Incoming {
    /// When it was sealed for this node: by who sent it.
    pub(super) fn sealed_at(&self, seal: &SealHeader) -> Timestamp {
        self.hop.as_ref().map_or(seal.sealed_at, |hop| hop.sealed_at)
    }
}

/// Opens the envelopes of one partner.
pub(super) struct Opener<'a> {
    app: &'a App,
    peer: &'a Peer,
    /// The envelope that was verified last, so that opening it does not verify it again.
    verified: Cell<Option<Verification>>,
    /// Control messages as their agency sealed them, by place: what is carried on must be unchanged.
    originals: RefCell<Originals>,
    /// Hops whose inner seal does not verify, by place: the originator they name is told.
    changed: RefCell<BTreeMap<Position, Tried>>,
}

/// Sealed control messages by their place in the lane.
pub(super) type Originals = BTreeMap<Position, Vec<u8>>;

impl<'a> Opener<'a> {
    pub(super) fn new(app: &'a App, peer: &'a Peer) -> Self {
        let (originals, changed) = (RefCell::new(BTreeMap::new()), RefCell::new(BTreeMap::new()));
        Self { app, peer, verified: Cell::new(None), originals, changed }
    }

    /// Returns the control messages that were opened.
    pub(super) fn originals(&self) -> Originals {
        self.originals.take()
    }

    /// Returns the hops whose inner seal did not verify.
    pub(super) fn changed(&self) -> BTreeMap<Position, Tried> {
        self.changed.take()
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

impl Opener<'_> {
    /// Opens what another originator sealed for who sent it.
    fn foreign(&self, by: &PartyId, sealed: &[u8]) -> Result<Unsealed, Unopened> {
        let claimed = peek_seal(sealed).map_err(|_no_seal| Unopened::Onward)?;
        if claimed.originator == *by || claimed.originator == self.app.party {
            return Err(Unopened::Onward);
        }
        let registry = self.app.registry();
        let peer = registry.peers.get(&claimed.originator).ok_or(Unopened::Originator)?;
        let opened = peer.trusted().find_map(|manifest| open_seal(sealed, manifest).ok());
        // Sealed for who passes it on: not found elsewhere, and not meant for somebody else.
        opened.filter(|opened| opened.header().recipients.contains(by)).ok_or(Unopened::Onward)
    }

    /// Opens a hop: the originator's seal verified, the token verified or marked for what is wrong with it.
    fn hop(&self, at: Position, seal: SealHeader, hop: Hop) -> Result<Opened<Incoming>, Unopened> {
        let by = &seal.originator;
        let inner = match self.foreign(by, &hop.sealed) {
            Ok(Unsealed::Report(inner)) => inner,
            Err(Unopened::Originator) => return Err(Unopened::Originator),
            Ok(_) | Err(_) => {
                let claimed = peek_seal(&hop.sealed).ok().filter(|claimed| claimed.originator != *by);
                let tried = claimed.map(|claimed| (at, Tried::changed(&claimed, by)));
                self.changed.borrow_mut().extend(tried);
                return Err(Unopened::Onward);
            }
        };
        let token = self.token(&inner, hop.token.as_deref());
        let until = token.as_ref().map_or(inner.report.expires, |token| token.keep_until);
        let expires = inner.report.expires.min(until);
        let (by, released_by) = (seal.originator.clone(), seal.released_by.clone());
        let came = HopIn { by, released_by, sealed_at: seal.sealed_at, token };
        let (report, salt) = (inner.report, inner.salt);
        let report = Incoming { report, sealed: hop.sealed, salt, hop: Some(came) };
        let content = Content::Hop { report, seal: Box::new(inner.header), expires };
        Ok(Opened { seal: Some(seal), content })
    }

    fn token(&self, inner: &OpenedReport, bytes: Option<&[u8]>) -> Result<OnwardToken, ConsentFault> {
        let bytes = bytes.ok_or(ConsentFault::Missing)?;
        let token = self.app.token_of(bytes, &inner.header.originator).ok_or(ConsentFault::Forged)?;
        let registry = self.app.registry();
        let ours = registry.peers.get(&self.app.party).map(|peer| peer.root);
        if token.to == self.app.party && ours != Some(token.to_root) {
            // The name is ours, the keys it was given to are not.
            return Err(ConsentFault::Recipient);
        }
        let same = token.object == inner.header.object && token.version == inner.header.version;
        if same && token.content == inner.commitment { Ok(token) } else { Err(ConsentFault::Version) }
    }

    /// Opens an order that is carried on. A consent taken back is one: this node must erase what it got by it.
    fn carried(&self, seal: SealHeader, sealed: &[u8]) -> Result<Opened<Incoming>, Unopened> {
        let (own, order) = match self.foreign(&seal.originator, sealed)? {
            Unsealed::Order(own, order) => (own, Carried::Order(order)),
            Unsealed::Onward(own, OnwardStep::Superseded { object, version }) => {
                (own, Carried::Superseded { object, version })
            }
            Unsealed::Onward(own, OnwardStep::Revoked { object, version, to, answer_by, .. })
                if to == self.app.party =>
            {
                let reason = OrderReason::Originator;
                let order = Order::Recall { object, versions: vec![version], reason, answer_by };
                (own, Carried::Order(order))
            }
            Unsealed::Report(_)
            | Unsealed::Notice(..)
            | Unsealed::LaterReceipts(..)
            | Unsealed::Step(..)
            | Unsealed::Onward(..)
            | Unsealed::Hop(..) => return Err(Unopened::Onward),
        };
        Ok(Opened { seal: Some(seal), content: Content::Carried { seal: Box::new(own), order } })
    }

    /// What an agency sealed just before its node's keys changed goes out under the next manifest: the key of an
    /// earlier one is as good, as long as it stands.
    fn unseal(&self, sealed: &[u8], manifest: &VerifiedManifest) -> Result<Unsealed, SealedError> {
        let first = open_seal(sealed, manifest);
        if !matches!(first, Err(SealedError::Signature)) {
            return first;
        }
        let now = self.app.now();
        let standing = self.peer.manifests.iter().rev();
        let mut standing = standing.filter(|one| self.peer.standing(one, now) == KeyStanding::Good);
        standing.find_map(|one| open_seal(sealed, one).ok()).map_or(first, Ok)
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
        match self.peer.standing(manifest, self.app.now()) {
            KeyStanding::Good => {}
            KeyStanding::Ended => return Err(Unopened::KeyEnded),
            KeyStanding::Distrusted => return Err(Unopened::KeyDistrusted),
        }
        let mut cache = self.app.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let opened = self.app.decrypt(verified, &mut cache).ok_or(Unopened::Undecryptable)?;
        drop(cache);
        if header.kind == MessageKind::EpochStart {
            return Ok(Opened { seal: None, content: Content::EpochStart });
        }
        let unsealed = self.unseal(opened.sealed(), manifest).map_err(|error| match error {
            SealedError::Signature => Unopened::Seal,
            SealedError::Unsupported => Unopened::Unsupported,
            SealedError::Malformed
            | SealedError::Agreement
            | SealedError::Recipient
            | SealedError::Originator
            | SealedError::Kind => Unopened::Malformed,
        })?;
        if header.kind.lane() == Some(Lane::Control) {
            self.originals.borrow_mut().insert(header.at, opened.sealed().to_vec());
        }
        Ok(match unsealed {
            Unsealed::Report(inner) => {
                let expires = inner.report.expires;
                let report = Incoming {
                    report: inner.report,
                    sealed: opened.sealed().to_vec(),
                    salt: inner.salt,
                    hop: None,
                };
                Opened { seal: Some(inner.header), content: Content::Report { report, expires } }
            }
            Unsealed::Order(seal, order) => Opened { seal: Some(seal), content: Content::Order(order) },
            Unsealed::Notice(seal, notice) => Opened { seal: Some(seal), content: Content::Notice(notice) },
            Unsealed::LaterReceipts(seal, receipts) => {
                Opened { seal: Some(seal), content: Content::Receipts(receipts) }
            }
            Unsealed::Step(seal, step) => Opened { seal: Some(seal), content: Content::Step(step) },
            Unsealed::Onward(seal, OnwardStep::Carried { sealed }) => self.carried(seal, &sealed)?,
            Unsealed::Onward(seal, step) => Opened { seal: Some(seal), content: Content::Onward(step) },
            Unsealed::Hop(seal, hop) => self.hop(header.at, seal, hop)?,
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

    fn log(&self) -> u32 {
        self.app.ledger.log()
    }

    fn sign(&self, batch: &ReceiptBatch) -> Result<Vec<u8>, Self::Error> {
        // The key of the manifest the batch names, also when it was replaced meanwhile.
        let signer = self.app.keys_of(batch.manifest).unwrap_or_else(|| self.app.keys.soft());
        sign_receipts(batch, signer)
    }
}

/// The rows of a lane, with receipts as this node answers with them now.
pub(super) struct Answering<'a> {
    pub(super) app: &'a App,
    pub(super) inbox: lanes::Inbox<'a>,
}

impl Inbox for Answering<'_> {
    type Error = StoreError;

    fn taken(&mut self, at: Position) -> Result<Option<Known>, StoreError> {
        self.inbox.taken(at)
    }

    fn envelope(&mut self, at: Position) -> Result<Option<Vec<u8>>, StoreError> {
        self.inbox.envelope(at)
    }

    fn receipt(&mut self, id: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.inbox.receipt(id)?.map(|bytes| self.app.renewed_receipt(bytes)))
    }

    fn ahead(&mut self, at: Position) -> Result<Option<Vec<u8>>, StoreError> {
        self.inbox.ahead(at)
    }

    fn holding(&mut self, object: ObjectId) -> Result<Option<Holding>, StoreError> {
        self.inbox.holding(object)
    }

    fn tombstone(&mut self, originator: &PartyId, object: ObjectId) -> Result<Option<Tombstone>, StoreError> {
        self.inbox.tombstone(originator, object)
    }
}

impl App {
    /// A receipt that this node signed once, as it answers with it now: byte for byte, unless its root distrusts the key
    /// that signed it. Then the same statements under the key of today, for partners take nothing under the old one.
    pub(crate) fn renewed_receipt(&self, bytes: Vec<u8>) -> Vec<u8> {
        let registry = self.registry();
        let (Some(own), Some(newest)) = (registry.peers.get(&self.party), registry.own.as_ref()) else {
            return bytes;
        };
        let signed = peek_receipts(&bytes).ok().and_then(|head| own.manifest(head.manifest));
        let stale = signed.filter(|one| own.distrusts_key(&one.manifest().node_key));
        let Some(mut batch) = stale.and_then(|signer| verify_receipts(&bytes, signer).ok()) else {
            return bytes;
        };
        batch.manifest = newest.hash();
        sign_receipts(&batch, self.keys.soft()).unwrap_or(bytes)
    }

    /// The keys of the manifest of this node with a hash, this or an earlier one.
    pub(crate) fn keys_of(&self, manifest: Digest) -> Option<&SoftKeys> {
        let registry = self.registry();
        let named = registry.peers.get(&self.party)?.manifest(manifest)?;
        self.keys.of(&named.manifest().node_key)
    }

    /// Decrypts with whichever key of this node it was encrypted to.
    pub(crate) fn decrypt(
        &self,
        envelope: VerifiedEnvelope<'_>,
        cache: &mut SessionCache,
    ) -> Option<OpenedEnvelope> {
        let key = self.keys.all().find(|keys| envelope.is_for(keys.kem_key())).unwrap_or(self.keys.soft());
        envelope.open(&self.party, key, cache).ok()
    }

    /// Makes the cache of decapsulated sessions.
    pub(crate) const fn new_cache() -> SessionCache {
        SessionCache::new(SESSIONS_MAX)
    }
}
