//! The agency's seal over content: made only with a permit of the policy, read back only with the originator's key.
//! Does not encrypt and does not know lanes.

use core::num::NonZeroU32;

use mithaq_model::{Days, Level, Millis, Report, ReportVersion, Role, Timestamp};
use mithaq_policy::{OrderKind, OrderPermit, Permit};
use mithaq_wire::cbor::{Reader, Writer};
use mithaq_wire::limits::SEALED_MAX;
use mithaq_wire::{
    Digest, Hop, LaterReceipt, LaterReceipts, MessageKind, Notice, OnwardStep, Order, RequestStep,
    SealHeader, WireError, decode_hop, decode_later_receipts, decode_notice, decode_onward_step,
    decode_order, decode_report, decode_request_step, decode_seal_header, encode_later_receipts,
    encode_notice, encode_order, encode_report, encode_request_step, encode_seal_header,
};
use sha2::{Digest as _, Sha256};

use crate::error::{SealError, SealedError};
use crate::keys::AgencySigner;
use crate::manifest::VerifiedManifest;
use crate::sign1::{self, Context, ParseError, Sign1};

/// How old a permit may be when it is used.
const PERMIT_AGE: Millis = Millis::hours(24);

/// What the caller adds to content and permit. The salt is 32 fresh random bytes, kept with the content and erased
/// with it.
#[derive(Debug, Clone)]
pub struct SealArgs {
    /// Unreadable after this without sight of the originator's control lane.
    pub lease_until: Timestamp,
    /// Roles of the persons who released it; none for what the system says.
    pub released_by: Vec<Role>,
    /// When it is sealed.
    pub sealed_at: Timestamp,
    /// The version it replaces; reports only.
    pub supersedes: Option<ReportVersion>,
    /// Salt of the commitment.
    pub salt: [u8; 32],
}

/// A sealed object: the bytes an agency signed, and what they say. Made by the `seal_*` functions; [`Sealed::stored`]
/// reads back what was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    bytes: Vec<u8>,
    header: SealHeader,
    kind: BodyKind,
    commitment: Digest,
}

impl Sealed {
    /// Reads back bytes this node sealed and stored. Does not verify: what comes from others is opened with
    /// [`crate::open_sealed`].
    ///
    /// # Errors
    /// When the bytes are no seal.
    pub fn stored(bytes: Vec<u8>) -> Result<Self, SealedError> {
        let parts = Parts::read(&bytes)?;
        let (header, kind, commitment) = (parts.header, parts.kind, parts.commitment);
        Ok(Self { bytes, header, kind, commitment })
    }

    /// Returns the bytes: the record.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the bytes: the record.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns the header.
    #[must_use]
    pub const fn header(&self) -> &SealHeader {
        &self.header
    }

    /// Returns what stands for the content in the ledger: `SHA-256(0x02 || salt || SHA-256(body))`.
    #[must_use]
    pub const fn commitment(&self) -> Digest {
        self.commitment
    }

    /// Returns the kind of message that may carry it.
    #[must_use]
    pub const fn message_kind(&self) -> MessageKind {
        self.kind.message(self.header.supersedes)
    }
}

/// What a seal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyKind {
    Report,
    Order,
    Notice,
    LaterReceipts,
    Step,
    Onward,
    Hop,
}

impl BodyKind {
    const fn number(self) -> u64 {
        match self {
            Self::Report => 1,
            Self::Order => 2,
            Self::Notice => 3,
            Self::LaterReceipts => 4,
            Self::Step => 5,
            Self::Onward => 6,
            Self::Hop => 7,
        }
    }

    const fn message(self, supersedes: Option<ReportVersion>) -> MessageKind {
        match (self, supersedes) {
            (Self::Report, None) => MessageKind::Report,
            (Self::Report, Some(_)) => MessageKind::Correction,
            (Self::Order, _) => MessageKind::Order,
            (Self::Notice, _) => MessageKind::Notice,
            (Self::LaterReceipts, _) => MessageKind::Receipts,
            (Self::Step, _) => MessageKind::Step,
            (Self::Onward, _) => MessageKind::Onward,
            (Self::Hop, _) => MessageKind::Hop,
        }
    }
}

/// Returns the commitment to content (`docs/spec/ledger.md`, hashes).
#[must_use]
pub fn commitment(salt: &[u8; 32], content: &[u8]) -> Digest {
    let content = Sha256::digest(content);
    Digest(Sha256::new().chain_update([2]).chain_update(salt).chain_update(content).finalize().into())
}

pub(crate) fn seal(
    header: SealHeader,
    kind: BodyKind,
    body: &[u8],
    salt: &[u8; 32],
    signer: &dyn AgencySigner,
) -> Result<Sealed, SealError> {
    let document = encode_seal_header(&header);
    // Whatever is refused there would be refused by the partner: find it here.
    if decode_seal_header(&document).as_ref() != Ok(&header) {
        return Err(SealError::Content);
    }
    let mut payload = Writer::default();
    payload.array(3).uint(kind.number()).bytes(salt).bytes(body);
    let protected = sign1::protected(&document, &signer.seal_key());
    let bytes = sign1::make(Context::Seal, &protected, &payload.finish(), |tbs| signer.sign_seal(tbs))
        .map_err(|_key| SealError::Key)?;
    if bytes.len() > SEALED_MAX {
        return Err(SealError::Size { max: SEALED_MAX });
    }
    Ok(Sealed { bytes, header, kind, commitment: commitment(salt, body) })
}

/// Seals a report for the one recipient the permit names.
///
/// # Errors
/// When the permit is not for exactly this, the arguments break it, the content is beyond the limits, or the key fails.
pub fn seal_report(
    report: &Report,
    permit: &Permit,
    args: &SealArgs,
    signer: &dyn AgencySigner,
) -> Result<Sealed, SealError> {
    if !permit.is_for(report, permit.recipient()) {
        return Err(SealError::Permit);
    }
    let age = args.sealed_at.since(permit.decided_at());
    if args.sealed_at < permit.decided_at() || age > PERMIT_AGE {
        return Err(SealError::Stale);
    }
    let Days(days) = permit.lease();
    if args.lease_until > args.sealed_at.plus(Days(days)) {
        return Err(SealError::Lease);
    }
    if args.supersedes.is_some_and(|earlier| earlier >= report.version) {
        return Err(SealError::Supersedes);
    }
    let body = encode_report(report);
    if decode_report(&body).as_ref() != Ok(report) {
        return Err(SealError::Content);
    }
    let header = SealHeader {
        object: report.id.into(),
        version: report.version,
        supersedes: args.supersedes,
        originator: report.originator.clone(),
        recipients: vec![permit.recipient().clone()],
        agreement: report.agreement,
        purpose: Some(report.purpose),
        handling: Some(report.effective_handling()),
        level: report.level,
        lease_until: args.lease_until,
        released_by: args.released_by.clone(),
        sealed_at: args.sealed_at,
    };
    seal(header, BodyKind::Report, &body, &args.salt, signer)
}

/// Seals an order about an object.
///
/// # Errors
/// When the permit is not for exactly this order, or the key fails.
pub fn seal_order(
    order: &Order,
    permit: &OrderPermit,
    args: &SealArgs,
    signer: &dyn AgencySigner,
) -> Result<Sealed, SealError> {
    let (kind, object) = match order {
        Order::Recall { object, .. } => (OrderKind::Recall, *object),
        Order::Delete { object, .. } => (OrderKind::Delete, *object),
        Order::Expiry { object, .. } => (OrderKind::Expiry, *object),
    };
    if permit.kind() != kind || permit.object() != object {
        return Err(SealError::Permit);
    }
    let body = encode_order(order);
    if decode_order(&body).as_ref() != Ok(order) {
        return Err(SealError::Content);
    }
    seal(order_header(permit, args)?, BodyKind::Order, &body, &args.salt, signer)
}

/// Seals a notice about the agreement.
///
/// # Errors
/// When the permit is not for a notice, or the key fails.
pub fn seal_notice(
    notice: &Notice,
    permit: &OrderPermit,
    args: &SealArgs,
    signer: &dyn AgencySigner,
) -> Result<Sealed, SealError> {
    if permit.kind() != OrderKind::Notice {
        return Err(SealError::Permit);
    }
    seal(order_header(permit, args)?, BodyKind::Notice, &encode_notice(notice), &args.salt, signer)
}

/// Seals receipts of reading and erasing.
///
/// # Errors
/// When the permit is not for receipts, there are none, they are beyond the limits, or the key fails.
pub fn seal_later_receipts(
    receipts: &[LaterReceipt],
    permit: &OrderPermit,
    args: &SealArgs,
    signer: &dyn AgencySigner,
) -> Result<Sealed, SealError> {
    if permit.kind() != OrderKind::LaterReceipts {
        return Err(SealError::Permit);
    }
    if receipts.is_empty() {
        return Err(SealError::Empty);
    }
    let receipts = LaterReceipts(receipts.to_vec());
    let body = encode_later_receipts(&receipts);
    if decode_later_receipts(&body).as_ref() != Ok(&receipts) {
        return Err(SealError::Content);
    }
    seal(order_header(permit, args)?, BodyKind::LaterReceipts, &body, &args.salt, signer)
}

/// Seals a step in the conversation about a request. Its words are of the request's level.
///
/// # Errors
/// When the permit is not for a step, the words are beyond the limits, or the key fails.
pub fn seal_step(
    step: &RequestStep,
    permit: &OrderPermit,
    (args, level): (&SealArgs, Level),
    signer: &dyn AgencySigner,
) -> Result<Sealed, SealError> {
    if permit.kind() != OrderKind::Step {
        return Err(SealError::Permit);
    }
    let body = encode_request_step(step);
    if decode_request_step(&body).as_ref() != Ok(step) {
        return Err(SealError::Content);
    }
    let header = SealHeader { level, ..order_header(permit, args)? };
    seal(header, BodyKind::Step, &body, &args.salt, signer)
}

pub(crate) fn order_header(permit: &OrderPermit, args: &SealArgs) -> Result<SealHeader, SealError> {
    if args.supersedes.is_some() {
        return Err(SealError::Supersedes);
    }
    Ok(SealHeader {
        object: permit.object(),
        version: ReportVersion::FIRST,
        supersedes: None,
        originator: permit.sender().clone(),
        recipients: vec![permit.recipient().clone()],
        agreement: permit.agreement(),
        purpose: None,
        handling: None,
        level: Level::Unclassified,
        lease_until: args.lease_until,
        released_by: args.released_by.clone(),
        sealed_at: args.sealed_at,
    })
}

/// A seal read, not verified.
struct Parts<'a> {
    signed: Sign1<'a>,
    header: SealHeader,
    kind: BodyKind,
    salt: [u8; 32],
    body: &'a [u8],
    commitment: Digest,
}

impl From<ParseError> for SealedError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Malformed => Self::Malformed,
            ParseError::Unsupported => Self::Unsupported,
        }
    }
}

impl From<WireError> for SealedError {
    fn from(error: WireError) -> Self {
        if error == WireError::Version { Self::Unsupported } else { Self::Malformed }
    }
}

impl<'a> Parts<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, SealedError> {
        let signed = Sign1::parse(bytes, SEALED_MAX)?;
        let header = decode_seal_header(signed.document)?;
        let mut r = Reader::new(signed.payload);
        r.tuple(3)?;
        let kind = match r.uint()? {
            1 => BodyKind::Report,
            2 => BodyKind::Order,
            3 => BodyKind::Notice,
            4 => BodyKind::LaterReceipts,
            5 => BodyKind::Step,
            6 => BodyKind::Onward,
            7 => BodyKind::Hop,
            _unknown => return Err(SealedError::Unsupported),
        };
        let (salt, body) = (r.array()?, r.bytes(SEALED_MAX)?);
        r.end()?;
        let commitment = commitment(&salt, body);
        Ok(Self { signed, header, kind, salt, body, commitment })
    }
}

/// A report as its originator sealed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedReport {
    /// The header.
    pub header: SealHeader,
    /// The report.
    pub report: Report,
    /// Salt of the commitment, to be kept with the content and erased with it.
    pub salt: [u8; 32],
    /// What stands for the content in the ledger.
    pub commitment: Digest,
}

/// An opened seal: signed by the originator, read in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// A report or the correction of one.
    Report(Box<OpenedReport>),
    /// An order.
    Order(SealHeader, Order),
    /// A notice.
    Notice(SealHeader, Notice),
    /// Receipts of reading and erasing.
    LaterReceipts(SealHeader, Vec<LaterReceipt>),
    /// A step in the conversation about a request.
    Step(SealHeader, RequestStep),
    /// A step about passing something on.
    Onward(SealHeader, OnwardStep),
    /// A report of another originator, passed on: what it holds is still to be verified with that party's manifest.
    Hop(SealHeader, Hop),
}

impl Opened {
    /// Returns the header.
    #[must_use]
    pub const fn header(&self) -> &SealHeader {
        match self {
            Self::Report(report) => &report.header,
            Self::Order(header, _)
            | Self::Notice(header, _)
            | Self::LaterReceipts(header, _)
            | Self::Step(header, _)
            | Self::Onward(header, _)
            | Self::Hop(header, _) => header,
        }
    }

    /// Returns the kind of message that may carry it.
    #[must_use]
    pub const fn message_kind(&self) -> MessageKind {
        match self {
            Self::Report(report) => BodyKind::Report.message(report.header.supersedes),
            Self::Order(..) => MessageKind::Order,
            Self::Notice(..) => MessageKind::Notice,
            Self::LaterReceipts(..) => MessageKind::Receipts,
            Self::Step(..) => MessageKind::Step,
            Self::Onward(..) => MessageKind::Onward,
            Self::Hop(..) => MessageKind::Hop,
        }
    }
}

/// Reads the header of a seal. Nothing of it is trusted: it tells whose manifests to verify with.
///
/// # Errors
/// When the bytes are no seal.
pub fn peek_seal(bytes: &[u8]) -> Result<SealHeader, SealedError> {
    Parts::read(bytes).map(|parts| parts.header)
}

/// Verifies a seal with the originator's manifest and reads it. Does not ask whether it was meant for this party, this
/// lane or this agreement: [`crate::open_sealed`] does, and so does the exchange, with its own codes.
///
/// # Errors
/// When it is no seal, not signed by a seal key of the manifest, of another party than the manifest, or header and
/// content contradict each other.
pub fn open_seal(bytes: &[u8], originator: &VerifiedManifest) -> Result<Opened, SealedError> {
    let parts = Parts::read(bytes)?;
    if parts.header.originator != originator.manifest().party {
        return Err(SealedError::Originator);
    }
    if !originator.seal_keys().iter().any(|key| parts.signed.verify(Context::Seal, key)) {
        return Err(SealedError::Signature);
    }
    let header = parts.header;
    match parts.kind {
        BodyKind::Report => {
            let report = decode_report(parts.body)?;
            if !agrees(&header, &report) {
                return Err(SealedError::Malformed);
            }
            let (salt, commitment) = (parts.salt, parts.commitment);
            Ok(Opened::Report(Box::new(OpenedReport { header, report, salt, commitment })))
        }
        BodyKind::Order => {
            let order = decode_order(parts.body)?;
            let (Order::Recall { object, .. } | Order::Delete { object, .. } | Order::Expiry { object, .. }) =
                &order;
            if *object != header.object || !is_plain(&header) {
                return Err(SealedError::Malformed);
            }
            Ok(Opened::Order(header, order))
        }
        BodyKind::Notice if is_plain(&header) => Ok(Opened::Notice(header, decode_notice(parts.body)?)),
        BodyKind::LaterReceipts if is_plain(&header) => {
            let LaterReceipts(receipts) = decode_later_receipts(parts.body)?;
            Ok(Opened::LaterReceipts(header, receipts))
        }
        BodyKind::Step if is_plain(&header) => Ok(Opened::Step(header, decode_request_step(parts.body)?)),
        BodyKind::Onward if is_plain(&header) => Ok(Opened::Onward(header, decode_onward_step(parts.body)?)),
        BodyKind::Hop if is_hop(&header) => Ok(Opened::Hop(header, decode_hop(parts.body)?)),
        BodyKind::Notice | BodyKind::LaterReceipts | BodyKind::Step | BodyKind::Onward | BodyKind::Hop => {
            Err(SealedError::Malformed)
        }
    }
}

/// Whether header and report say the same. The header is what is judged and logged; the report is what is read.
fn agrees(header: &SealHeader, report: &Report) -> bool {
    header.object == report.id.into()
        && header.version == report.version
        && header.supersedes.is_none_or(|earlier| earlier < header.version)
        && header.originator == report.originator
        && header.recipients.iter().all(|party| report.recipients.contains(party))
        && header.agreement == report.agreement
        && header.purpose == Some(report.purpose)
        && header.level == report.level
        && header.handling.as_ref() == Some(&report.effective_handling())
}

/// A hop names object, version and purpose of what it carries; everything else is in the originator's own seal.
fn is_hop(header: &SealHeader) -> bool {
    header.supersedes.is_none() && header.purpose.is_some() && header.handling.is_none()
}

fn is_plain(header: &SealHeader) -> bool {
    header.version.get() == NonZeroU32::MIN.get()
        && header.supersedes.is_none()
        && header.purpose.is_none()
        && header.handling.is_none()
}
