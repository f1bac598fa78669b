//! The bytes of the documents of the exchange: headers, orders, notices, receipts, answers, batches, manifests.

use mithaq_model::{AgreementId, Handling, ObjectId, ReportVersion, Timestamp};
use mithaq_model::{Level, PartyId, Purpose, RefusalGround, Role};

use crate::cbor::{Reader, WireError, Writer};
use crate::codec::{CODE_MAX, Part, get_list, put_list};
use crate::doc::{
    Ack, BatchAnswer, Digest, EnvelopeHeader, Lane, LaneId, LaterReceipt, Manifest, MessageKind, Notice,
    Order, OrderReason, Position, SealHeader, Statement, Verdict,
};
use crate::limits::{ACKS_MAX, BATCH_BYTES_MAX, BATCH_MESSAGES_MAX, ENVELOPE_MAX, RECIPIENTS_MAX};

const VERSION: u64 = 1;
/// Longest document of this module besides batches, in bytes.
const DOCUMENT_MAX: usize = 64 * 1024;
/// Longest receipt batch in bytes.
const RECEIPT_MAX: usize = 64 * 1024;
/// Most receipt batches of one answer: one per message in the worst case.
const ANSWER_RECEIPTS_MAX: usize = BATCH_MESSAGES_MAX;
/// Longest answer in bytes.
const ANSWER_MAX: usize = 1024 * 1024;
/// Most versions named by one order, most statements of one message of later receipts, most store kinds.
const VERSIONS_MAX: usize = 256;

macro_rules! documents {
    ($($(#[$doc:meta])* $name:ty, $encode:ident, $decode:ident, $max:expr);+ $(;)?) => { $(
        $(#[$doc])*
        #[must_use]
        pub fn $encode(document: &$name) -> Vec<u8> {
            let mut w = Writer::default();
            document.put(w.array(2).uint(VERSION));
            w.finish()
        }

        /// Reads the bytes.
        ///
        /// # Errors
        /// When they are not the canonical encoding of the document within its limits.
        pub fn $decode(bytes: &[u8]) -> Result<$name, WireError> {
            if bytes.len() > $max {
                return Err(WireError::Limit);
            }
            let mut r = Reader::new(bytes);
            r.tuple(2)?;
            if r.uint()? != VERSION {
                return Err(WireError::Version);
            }
            let document = <$name>::get(&mut r)?;
            r.end()?;
            Ok(document)
        }
    )+ };
}

documents! {
    /// Returns the canonical bytes of an envelope's header.
    EnvelopeHeader, encode_envelope_header, decode_envelope_header, DOCUMENT_MAX;
    /// Returns the canonical bytes of a seal's header.
    SealHeader, encode_seal_header, decode_seal_header, DOCUMENT_MAX;
    /// Returns the canonical bytes of an order.
    Order, encode_order, decode_order, DOCUMENT_MAX;
    /// Returns the canonical bytes of a notice.
    Notice, encode_notice, decode_notice, DOCUMENT_MAX;
    /// Returns the canonical bytes of one statement.
    Statement, encode_statement, decode_statement, DOCUMENT_MAX;
    /// Returns the canonical bytes of an answer to a batch.
    BatchAnswer, encode_batch_answer, decode_batch_answer, ANSWER_MAX;
    /// Returns the canonical bytes of a manifest.
    Manifest, encode_manifest, decode_manifest, DOCUMENT_MAX;
    /// Returns the canonical bytes of a message of later receipts.
    LaterReceipts, encode_later_receipts, decode_later_receipts, DOCUMENT_MAX;
}

/// Later verdicts, receipts of reading and erasing, as one message carries them; not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaterReceipts(pub Vec<LaterReceipt>);

/// Returns the canonical bytes of a batch of envelopes.
#[must_use]
pub fn encode_batch<E: AsRef<[u8]>>(envelopes: &[E]) -> Vec<u8> {
    let mut w = Writer::default();
    w.array(2).uint(VERSION).array(envelopes.len());
    for envelope in envelopes {
        w.bytes(envelope.as_ref());
    }
    w.finish()
}

/// Reads a batch: not empty, bounded in number and bytes.
///
/// # Errors
/// When the bytes are not the canonical encoding of a batch within its limits.
pub fn decode_batch(bytes: &[u8]) -> Result<Vec<&[u8]>, WireError> {
    if bytes.len() > BATCH_BYTES_MAX + DOCUMENT_MAX {
        return Err(WireError::Limit);
    }
    let mut r = Reader::new(bytes);
    r.tuple(2)?;
    if r.uint()? != VERSION {
        return Err(WireError::Version);
    }
    let length = r.list(BATCH_MESSAGES_MAX)?;
    let mut envelopes = Vec::with_capacity(length);
    for _ in 0..length {
        envelopes.push(r.bytes(ENVELOPE_MAX)?);
    }
    r.end()?;
    if envelopes.is_empty() { Err(WireError::Value) } else { Ok(envelopes) }
}

macro_rules! numbered {
    ($name:ident { $($variant:ident = $number:literal),+ $(,)? }) => {
        impl Part for $name {
            fn put(&self, w: &mut Writer) {
                w.uint(match self { $(Self::$variant => $number),+ });
            }
            fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
                match r.uint()? {
                    $($number => Ok(Self::$variant),)+
                    _other => Err(WireError::Code),
                }
            }
        }
    };
}
numbered!(Lane { Control = 1, Report = 2, Bulk = 3 });
numbered!(MessageKind { Report = 1, Correction = 2, Order = 3, Notice = 4, Receipts = 5, EpochStart = 6, Step = 7, Onward = 8, Hop = 9 });
numbered!(OrderReason { Originator = 1, Inaccurate = 2, Retention = 3, Court = 4, Rights = 5, Misdirected = 6 });

impl Part for LaneId {
    fn put(&self, w: &mut Writer) {
        w.array(4);
        self.from.put(w);
        self.to.put(w);
        self.agreement.put(w);
        self.lane.put(w);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(4)?;
        Ok(Self {
            from: PartyId::get(r)?,
            to: PartyId::get(r)?,
            agreement: AgreementId::get(r)?,
            lane: Lane::get(r)?,
        })
    }
}

impl Part for Position {
    fn put(&self, w: &mut Writer) {
        w.array(2).uint(u64::from(self.epoch)).uint(self.seq);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(2)?;
        Ok(Self { epoch: r.u32()?, seq: r.uint()? })
    }
}

impl Part for Ack {
    fn put(&self, w: &mut Writer) {
        w.array(3);
        self.lane.put(w);
        self.at.put(w);
        self.head.put(w);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(3)?;
        Ok(Self { lane: Lane::get(r)?, at: Position::get(r)?, head: Digest::get(r)? })
    }
}

impl Part for EnvelopeHeader {
    fn put(&self, w: &mut Writer) {
        w.array(10);
        self.lane.put(w);
        self.at.put(w);
        self.prev.put(w);
        self.manifest.put(w);
        w.bytes(&self.mid);
        self.kind.put(w);
        self.created.put(w);
        self.expires.put(w);
        put_list(w, &self.acks);
        self.checkpoint.put(w);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(10)?;
        Ok(Self {
            lane: LaneId::get(r)?,
            at: Position::get(r)?,
            prev: Digest::get(r)?,
            manifest: Digest::get(r)?,
            mid: r.array()?,
            kind: MessageKind::get(r)?,
            created: Timestamp::get(r)?,
            expires: Timestamp::get(r)?,
            acks: get_list(r, ACKS_MAX)?,
            checkpoint: Option::get(r)?,
        })
    }
}

impl Part for SealHeader {
    fn put(&self, w: &mut Writer) {
        w.array(12);
        self.object.put(w);
        self.version.put(w);
        self.supersedes.put(w);
        self.originator.put(w);
        put_list(w, &self.recipients);
        self.agreement.put(w);
        self.purpose.put(w);
        self.handling.put(w);
        self.level.put(w);
        self.lease_until.put(w);
        put_list(w, &self.released_by);
        self.sealed_at.put(w);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(12)?;
        let made = Self {
            object: ObjectId::get(r)?,
            version: <ReportVersion as Part>::get(r)?,
            supersedes: Option::get(r)?,
            originator: PartyId::get(r)?,
            recipients: get_list(r, RECIPIENTS_MAX)?,
            agreement: AgreementId::get(r)?,
            purpose: Option::<Purpose>::get(r)?,
            handling: Option::<Handling>::get(r)?,
            level: Level::get(r)?,
            lease_until: Timestamp::get(r)?,
            released_by: get_list(r, Role::ALL.len())?,
            sealed_at: Timestamp::get(r)?,
        };
        // Sealed to nobody: nobody may have made it, nobody may take it.
        if made.recipients.is_empty() { Err(WireError::Value) } else { Ok(made) }
    }
}

impl Part for Order {
    fn put(&self, w: &mut Writer) {
        match self {
            Self::Recall { object, versions, reason, answer_by } => {
                object.put(w.array(5).uint(1));
                put_list(w, versions);
                reason.put(w);
                answer_by.put(w);
            }
            Self::Delete { object, reason, answer_by } => {
                object.put(w.array(4).uint(2));
                reason.put(w);
                answer_by.put(w);
            }
            Self::Expiry { object, expires } => {
                object.put(w.array(3).uint(3));
                expires.put(w);
            }
        }
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let parts = r.list(5)?;
        match (r.uint()?, parts) {
            (1, 5) => Ok(Self::Recall {
                object: ObjectId::get(r)?,
                versions: get_list(r, VERSIONS_MAX)?,
                reason: OrderReason::get(r)?,
                answer_by: Timestamp::get(r)?,
            }),
            (2, 4) => Ok(Self::Delete {
                object: ObjectId::get(r)?,
                reason: OrderReason::get(r)?,
                answer_by: Timestamp::get(r)?,
            }),
            (3, 3) => Ok(Self::Expiry { object: ObjectId::get(r)?, expires: Timestamp::get(r)? }),
            (1..=3, _) => Err(WireError::Type),
            _other => Err(WireError::Code),
        }
    }
}

impl Part for Notice {
    fn put(&self, w: &mut Writer) {
        let (number, from) = match self {
            Self::Suspended { from } => (1, from),
            Self::Resumed { from } => (2, from),
            Self::Terminated { from } => (3, from),
        };
        from.put(w.array(2).uint(number));
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(2)?;
        let (number, from) = (r.uint()?, Timestamp::get(r)?);
        match number {
            1 => Ok(Self::Suspended { from }),
            2 => Ok(Self::Resumed { from }),
            3 => Ok(Self::Terminated { from }),
            _other => Err(WireError::Code),
        }
    }
}

/// A stable dotted code: small letters, digits, capitals of the decision's guards, `.`, `_`.
fn code(r: &mut Reader<'_>) -> Result<String, WireError> {
    let text = r.text(CODE_MAX)?;
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if plain && !text.is_empty() { Ok(text.to_owned()) } else { Err(WireError::Code) }
}

impl Part for Verdict {
    fn put(&self, w: &mut Writer) {
        match self {
            Self::Accepted => {
                w.array(1).uint(1);
            }
            Self::Refused { code, ground } => {
                w.array(3).uint(2).text(code);
                ground.put(w);
            }
            Self::Quarantined { code } => {
                w.array(2).uint(3).text(code);
            }
        }
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let parts = r.list(3)?;
        match (r.uint()?, parts) {
            (1, 1) => Ok(Self::Accepted),
            (2, 3) => Ok(Self::Refused { code: code(r)?, ground: Option::<RefusalGround>::get(r)? }),
            (3, 2) => Ok(Self::Quarantined { code: code(r)? }),
            (1..=3, _) => Err(WireError::Type),
            _other => Err(WireError::Code),
        }
    }
}

impl Part for Statement {
    fn put(&self, w: &mut Writer) {
        w.array(3);
        self.at.put(w);
        self.envelope.put(w);
        self.verdict.put(w);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(3)?;
        Ok(Self { at: Position::get(r)?, envelope: Digest::get(r)?, verdict: Verdict::get(r)? })
    }
}

impl Part for LaterReceipt {
    fn put(&self, w: &mut Writer) {
        match self {
            Self::Decided { object, version, verdict, at } => {
                object.put(w.array(5).uint(2));
                version.put(w);
                verdict.put(w);
                at.put(w);
            }
            Self::Read { object, version, role, reader, at } => {
                object.put(w.array(6).uint(3));
                version.put(w);
                role.put(w);
                w.bytes(reader);
                at.put(w);
            }
            Self::Complete { object, version, root, at } => {
                object.put(w.array(5).uint(5));
                version.put(w);
                root.put(w);
                at.put(w);
            }
            Self::Erased { object, versions, wiped, leaf, at } => {
                object.put(w.array(6).uint(4));
                put_list(w, versions);
                w.array(wiped.len());
                wiped.iter().for_each(|kind| {
                    w.text(kind);
                });
                match leaf {
                    Some(index) => w.uint(*index),
                    None => w.null(),
                };
                at.put(w);
            }
        }
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let parts = r.list(6)?;
        match (r.uint()?, parts) {
            (2, 5) => {
                let (object, version) = (ObjectId::get(r)?, <ReportVersion as Part>::get(r)?);
                match Verdict::get(r)? {
                    // What people decided is decided.
                    Verdict::Quarantined { .. } => Err(WireError::Value),
                    verdict @ (Verdict::Accepted | Verdict::Refused { .. }) => {
                        Ok(Self::Decided { object, version, verdict, at: Timestamp::get(r)? })
                    }
                }
            }
            (3, 6) => Ok(Self::Read {
                object: ObjectId::get(r)?,
                version: <ReportVersion as Part>::get(r)?,
                role: Role::get(r)?,
                reader: r.array()?,
                at: Timestamp::get(r)?,
            }),
            (4, 6) => {
                let (object, versions) = (ObjectId::get(r)?, get_list(r, VERSIONS_MAX)?);
                let mut wiped = Vec::new();
                for _ in 0..r.list(VERSIONS_MAX)? {
                    wiped.push(code(r)?);
                }
                let leaf = if r.null() { None } else { Some(r.uint()?) };
                Ok(Self::Erased { object, versions, wiped, leaf, at: Timestamp::get(r)? })
            }
            (5, 5) => Ok(Self::Complete {
                object: ObjectId::get(r)?,
                version: <ReportVersion as Part>::get(r)?,
                root: Digest::get(r)?,
                at: Timestamp::get(r)?,
            }),
            (2..=5, _) => Err(WireError::Type),
            _other => Err(WireError::Code),
        }
    }
}

impl Part for LaterReceipts {
    fn put(&self, w: &mut Writer) {
        put_list(w, &self.0);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let list = get_list(r, VERSIONS_MAX)?;
        if list.is_empty() { Err(WireError::Value) } else { Ok(Self(list)) }
    }
}

impl Part for BatchAnswer {
    fn put(&self, w: &mut Writer) {
        w.array(4).array(self.receipts.len());
        for receipt in &self.receipts {
            w.bytes(receipt);
        }
        self.have.put(w);
        self.head.put(w);
        match &self.stopped {
            Some(code) => w.text(code),
            None => w.null(),
        };
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(4)?;
        let mut receipts = Vec::new();
        for _ in 0..r.list(ANSWER_RECEIPTS_MAX)? {
            receipts.push(r.bytes(RECEIPT_MAX)?.to_vec());
        }
        let (have, head) = (Position::get(r)?, Digest::get(r)?);
        let stopped = if r.null() { None } else { Some(code(r)?) };
        Ok(Self { receipts, have, head, stopped })
    }
}

/// Longest key, address or key name of a manifest in bytes.
const KEY_MAX: usize = 4_096;
/// Most seal keys and addresses.
const KEYS_MAX: usize = 16;

fn strings(r: &mut Reader<'_>) -> Result<Vec<String>, WireError> {
    let mut list = Vec::new();
    for _ in 0..r.list(KEYS_MAX)? {
        list.push(line(r)?);
    }
    Ok(list)
}

fn line(r: &mut Reader<'_>) -> Result<String, WireError> {
    let text = r.text(KEY_MAX)?;
    if text.chars().any(char::is_control) { Err(WireError::Value) } else { Ok(text.to_owned()) }
}

impl Part for Manifest {
    fn put(&self, w: &mut Writer) {
        w.array(12);
        self.party.put(w);
        w.uint(u64::from(self.number));
        self.prev.put(w);
        self.valid_from.put(w);
        self.valid_to.put(w);
        w.array(self.seal_keys.len());
        for key in &self.seal_keys {
            w.bytes(key);
        }
        w.bytes(&self.node_key).bytes(&self.kem_key).text(&self.log_key).text(&self.witness_key);
        self.tls_spki.put(w);
        w.array(self.endpoints.len());
        for endpoint in &self.endpoints {
            w.text(endpoint);
        }
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(12)?;
        let (party, number, prev) = (PartyId::get(r)?, r.u32()?, Digest::get(r)?);
        let (valid_from, valid_to) = (Timestamp::get(r)?, Timestamp::get(r)?);
        let mut seal_keys = Vec::new();
        for _ in 0..r.list(KEYS_MAX)? {
            seal_keys.push(r.array()?);
        }
        let made = Self {
            party,
            number,
            prev,
            valid_from,
            valid_to,
            seal_keys,
            node_key: r.array()?,
            kem_key: r.bytes(KEY_MAX)?.to_vec(),
            log_key: line(r)?,
            witness_key: line(r)?,
            tls_spki: Digest::get(r)?,
            endpoints: strings(r)?,
        };
        if made.number == 0 || made.seal_keys.is_empty() || made.valid_from >= made.valid_to {
            return Err(WireError::Value);
        }
        Ok(made)
    }
}
