//! Envelopes and receipts on paper: the protocol's documents with a keyed hash in place of signatures and
//! nothing encrypted. Cheap enough for millions of messages. It keeps the one property the protocol needs:
//! who does not hold a party's key cannot make bytes that verify as that party's. Not cryptography.

mod form;
mod onward;

use std::collections::{BTreeMap, BTreeSet};

use mithaq_exchange::ports::{ReadReceipts, SignReceipts, Unopened, Unreadable, Unsigned, Unwrap, Wrap};
use mithaq_exchange::{Content, Opened};
use mithaq_model::{PartyId, Timestamp};
use mithaq_wire::{Digest, EnvelopeHeader, MessageKind, OnwardStep, ReceiptBatch, SealHeader, Verdict};
use sha2::{Digest as _, Sha256};

use crate::bug::{Bug, any_recipient};
use crate::codec::{Pen, Short, Thumb};
use form::{
    Inside, put_content, put_header, put_lane, put_place, put_seal, take_header, take_receipts, take_sealed,
};
pub use onward::{Passed, Token};
pub(crate) use onward::{content_of, order_in, sealed_in};

/// What a report is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// Which object and version it is, and a little text.
    pub body: Vec<u8>,
    /// What the receiver's policy will say.
    pub policy: Policy,
    /// As its originator sealed it; empty before it was opened.
    pub sealed: Vec<u8>,
    /// How it came, when its originator is not who sent it.
    pub passed: Option<Passed>,
}

impl Slip {
    /// A slip before it is sealed.
    #[must_use]
    pub const fn new(body: Vec<u8>, policy: Policy) -> Self {
        Self { body, policy, sealed: Vec::new(), passed: None }
    }
}

/// What the receiver's policy will say of a slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Yes.
    Accept,
    /// No.
    Refuse,
    /// People decide.
    Quarantine,
    /// It breaks.
    Crash,
}

/// Sealed content before it is wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The seal's header.
    pub seal: SealHeader,
    /// The content.
    pub content: Content<Slip>,
    /// The last day of use, for reports.
    pub expires: Timestamp,
}

/// A party's hand: writes as that party, reads those whose manifests it knows.
#[derive(Debug, Clone)]
pub struct Paper {
    us: PartyId,
    manifest: Digest,
    /// Which of its logs has the entries of what it receipts: a later one after each restore.
    pub log: u32,
    known: BTreeMap<PartyId, BTreeSet<Digest>>,
    bug: Option<Bug>,
}

/// Returns the hash of a party's n-th manifest.
#[must_use]
pub fn manifest(party: &PartyId, number: u32) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"manifest");
    hash.update(party.as_str());
    hash.update(number.to_be_bytes());
    Digest(hash.finalize().into())
}

fn tag(party: &PartyId, manifest: &Digest, domain: u8, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"hand of ");
    hash.update(party.as_str());
    hash.update(manifest.0);
    hash.update([domain]);
    hash.update(body);
    hash.finalize().into()
}

const ENVELOPE: u8 = 1;
const RECEIPT: u8 = 2;
const SEAL: u8 = 3;
const TOKEN: u8 = 4;
/// Version byte of an envelope.
const VERSION: u8 = 1;

impl Paper {
    /// Returns the hand of a party that knows the first manifest of all.
    #[must_use]
    pub fn new(us: &PartyId, all: &[PartyId]) -> Self {
        let known = all.iter().map(|p| (p.clone(), BTreeSet::from([manifest(p, 1)]))).collect();
        Self { us: us.clone(), manifest: manifest(us, 1), log: 1, known, bug: None }
    }

    /// Learns another manifest of a party.
    pub fn learn(&mut self, party: &PartyId, number: u32) {
        self.known.entry(party.clone()).or_default().insert(manifest(party, number));
    }

    /// Writes under its n-th manifest from now on.
    pub fn rotate(&mut self, number: u32) {
        self.manifest = manifest(&self.us, number);
    }

    /// The hand of a broken node.
    pub(crate) fn with_bug(mut self, bug: Option<Bug>) -> Self {
        self.bug = bug;
        self
    }

    /// Seals content as this party.
    #[must_use]
    pub fn seal(&self, sealed: &Sealed) -> Vec<u8> {
        let mut pen = Pen::default();
        put_seal(&mut pen, &sealed.seal);
        put_content(&mut pen, sealed);
        self.own(SEAL, &pen.done())
    }

    /// Signs as the agency: valid under every manifest.
    fn own(&self, domain: u8, body: &[u8]) -> Vec<u8> {
        let mut out = tag(&self.us, &Digest::ZERO, domain, body).to_vec();
        out.extend_from_slice(body);
        out
    }

    fn signed(&self, domain: u8, body: &[u8]) -> Vec<u8> {
        let mut out = tag(&self.us, &self.manifest, domain, body).to_vec();
        out.extend_from_slice(body);
        out
    }
}

impl Wrap for Paper {
    type Error = core::convert::Infallible;

    fn wrap(&mut self, header: &EnvelopeHeader, sealed: &[u8]) -> Result<Vec<u8>, Self::Error> {
        let mut pen = Pen::default();
        pen.byte(VERSION);
        put_header(&mut pen, header);
        pen.raw(sealed);
        Ok(self.signed(ENVELOPE, &pen.done()))
    }
}

impl Unwrap for Paper {
    type Report = Slip;

    fn header(&self, envelope: &[u8]) -> Result<EnvelopeHeader, Unreadable> {
        let body = envelope.get(32..).ok_or(Unreadable::Malformed)?;
        let mut thumb = Thumb::new(body);
        match thumb.byte() {
            Ok(VERSION) => take_header(&mut thumb).map_err(|Short| Unreadable::Malformed),
            Ok(_other) => Err(Unreadable::Unsupported),
            Err(Short) => Err(Unreadable::Malformed),
        }
    }

    fn verify(&self, envelope: &[u8], header: &EnvelopeHeader) -> Result<(), Unsigned> {
        let from = &header.lane.from;
        if !self.known.get(from).is_some_and(|known| known.contains(&header.manifest)) {
            return Err(Unsigned::Signer);
        }
        let (signature, body) = envelope.split_at_checked(32).ok_or(Unsigned::Signature)?;
        let careless = self.bug == Some(Bug::SkipsSignatures);
        let right = careless || signature == tag(from, &header.manifest, ENVELOPE, body);
        if right { Ok(()) } else { Err(Unsigned::Signature) }
    }

    fn open(&self, envelope: &[u8], header: &EnvelopeHeader) -> Result<Opened<Slip>, Unopened> {
        let body = envelope.get(33..).ok_or(Unopened::Undecryptable)?;
        let mut thumb = Thumb::new(body);
        take_header(&mut thumb).map_err(|Short| Unopened::Undecryptable)?;
        let sealed = thumb.rest();
        if header.kind == MessageKind::EpochStart && sealed.is_empty() {
            return Ok(Opened { seal: None, content: Content::EpochStart });
        }
        let (signature, body) = sealed.split_at_checked(32).ok_or(Unopened::Undecryptable)?;
        let mut thumb = Thumb::new(body);
        let (seal, inside) = take_sealed(&mut thumb).map_err(|Short| Unopened::Malformed)?;
        if signature != tag(&seal.originator, &Digest::ZERO, SEAL, body) {
            return Err(Unopened::Seal);
        }
        let content = match inside {
            Inside::Hop(hop) => self.hop(&seal.originator, hop)?,
            Inside::Content(mut content) => {
                if let Content::Report { report, .. } = &mut *content {
                    report.sealed = sealed.to_vec();
                }
                match *content {
                    Content::Onward(OnwardStep::Carried { sealed }) => {
                        self.carried(&seal.originator, &sealed)?
                    }
                    content @ (Content::Report { .. }
                    | Content::Order(_)
                    | Content::Notice(_)
                    | Content::Receipts(_)
                    | Content::EpochStart
                    | Content::Step(_)
                    | Content::Hop { .. }
                    | Content::Carried { .. }
                    | Content::Onward(_)) => content,
                }
            }
        };
        let opened = Opened { seal: Some(seal), content };
        let generous = self.bug == Some(Bug::AcceptsAnyRecipient);
        Ok(if generous { any_recipient(opened, &self.us) } else { opened })
    }
}

impl SignReceipts for Paper {
    type Error = core::convert::Infallible;

    fn manifest(&self) -> Digest {
        self.manifest
    }

    fn log(&self) -> u32 {
        self.log
    }

    fn sign(&self, batch: &ReceiptBatch) -> Result<Vec<u8>, Self::Error> {
        let mut pen = Pen::default();
        put_lane(&mut pen, &batch.lane);
        pen.raw(&batch.manifest.0);
        pen.long(batch.stored_at.as_millis().cast_unsigned());
        pen.word(batch.log);
        pen.byte(u8::try_from(batch.statements.len()).unwrap_or(u8::MAX));
        for statement in &batch.statements {
            put_place(&mut pen, statement.at);
            pen.raw(&statement.envelope.0);
            let (class, code) = match &statement.verdict {
                Verdict::Accepted => (0, ""),
                Verdict::Refused { code, .. } => (1, code.as_str()),
                Verdict::Quarantined { code } => (2, code.as_str()),
            };
            pen.byte(class);
            pen.text(code);
        }
        Ok(self.signed(RECEIPT, &pen.done()))
    }
}

impl ReadReceipts for Paper {
    fn read(&self, bytes: &[u8]) -> Option<ReceiptBatch> {
        let (signature, body) = bytes.split_at_checked(32)?;
        let batch = take_receipts(&mut Thumb::new(body)).ok()?;
        let signer = &batch.lane.to;
        let known = self.known.get(signer)?.contains(&batch.manifest);
        (known && signature == tag(signer, &batch.manifest, RECEIPT, body)).then_some(batch)
    }
}
