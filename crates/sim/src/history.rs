//! What an observer outside the nodes sees: everything that crossed the wire or was committed, in order, and
//! the stores as they are at the end. Plain values and bytes; nothing here knows the protocol.

use std::fmt::Write as _;

/// A lane, in words.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LaneKey {
    /// Sender.
    pub from: String,
    /// Recipient.
    pub to: String,
    /// Agreement.
    pub agreement: [u8; 32],
    /// 0 control, 1 report.
    pub class: u8,
}

impl core::fmt::Debug for LaneKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&lane_words(self))
    }
}

/// Epoch and number.
pub type Place = (u32, u64);

/// What a message that was queued deserves, by whoever made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deserves {
    /// The receiver may accept it.
    Any,
    /// The receiver must not accept it: for nobody, under nothing, or against its policy.
    Denial,
}

/// One occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A node committed an outgoing message.
    Queued {
        /// Lane.
        lane: LaneKey,
        /// Place.
        at: Place,
        /// SHA-256 of the envelope.
        envelope: [u8; 32],
        /// What it deserves.
        deserves: Deserves,
    },
    /// An envelope left a node.
    Sent {
        /// Which node sent it.
        node: String,
        /// The envelope.
        bytes: Vec<u8>,
    },
    /// A request arrived and was answered for: its step is committed.
    Arrived {
        /// At which node.
        node: String,
        /// Its envelopes.
        batch: Vec<Vec<u8>>,
    },
    /// A node committed an incoming message.
    Taken {
        /// Lane.
        lane: LaneKey,
        /// Place.
        at: Place,
        /// SHA-256 of the envelope.
        envelope: [u8; 32],
    },
    /// A node committed an object version as accepted.
    Applied {
        /// Node.
        node: String,
        /// Who sent it.
        by: String,
        /// Originator.
        originator: String,
        /// Object.
        object: [u8; 16],
        /// Version.
        version: u32,
    },
    /// A node committed an order that takes versions back; none means all.
    TakenBack {
        /// Node.
        node: String,
        /// Originator.
        originator: String,
        /// Object.
        object: [u8; 16],
        /// Versions.
        versions: Vec<u32>,
    },
    /// A receipt left a node.
    Receipted {
        /// Node.
        node: String,
        /// The signed bytes.
        bytes: Vec<u8>,
    },
    /// A partner told a node how far its control lane goes.
    Announced {
        /// The lane.
        lane: LaneKey,
        /// Last place.
        last: Place,
    },
    /// A node showed a version to a person.
    Shown {
        /// Node.
        node: String,
        /// Originator.
        originator: String,
        /// Object.
        object: [u8; 16],
        /// Version.
        version: u32,
    },
    /// Something the checker needs no details of: for the printed log.
    Note(String),
}

/// How an outgoing message ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did not.
    Waiting,
    /// A receipt decided it.
    Decided {
        /// Verdict code.
        verdict: String,
        /// The receipt.
        receipt: Vec<u8>,
    },
    /// N1, and perhaps a late receipt.
    NotDelivered {
        /// Verdict code and receipt.
        late: Option<(String, Vec<u8>)>,
    },
}

/// An outgoing row at the end.
#[derive(Debug, Clone)]
pub struct OutEnd {
    /// Lane.
    pub lane: LaneKey,
    /// Place.
    pub at: Place,
    /// The envelope.
    pub bytes: Vec<u8>,
    /// How it ended.
    pub outcome: Outcome,
    /// The start of an epoch: carries nothing, and may be replaced by another.
    pub is_start: bool,
}

/// An incoming row at the end.
#[derive(Debug, Clone)]
pub struct InEnd {
    /// Lane.
    pub lane: LaneKey,
    /// Place.
    pub at: Place,
    /// The envelope.
    pub bytes: Vec<u8>,
    /// Verdict code.
    pub verdict: String,
}

/// Where a lane ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneEnd {
    /// Lane.
    pub lane: LaneKey,
    /// Last place.
    pub last: Place,
    /// SHA-256 of the last envelope.
    pub head: [u8; 32],
    /// Halted or frozen.
    pub stopped: bool,
}

/// A ledger entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeafEnd {
    /// Kind.
    pub kind: String,
    /// The other party.
    pub counterparty: String,
    /// Verdict or code.
    pub verdict: Option<String>,
    /// Envelope.
    pub envelope: Option<[u8; 32]>,
}

/// Two envelopes that convict.
#[derive(Debug, Clone)]
pub struct ProofEnd {
    /// The first, if its bytes are held.
    pub first: Option<Vec<u8>>,
    /// The second.
    pub second: Vec<u8>,
}

/// A node's store at the end.
#[derive(Debug, Clone, Default)]
pub struct NodeEnd {
    /// Name.
    pub name: String,
    /// Whether it kept to the protocol.
    pub honest: bool,
    /// Whether it lost rows and was restored from a backup.
    pub restored: bool,
    /// Outgoing messages.
    pub outbox: Vec<OutEnd>,
    /// Incoming messages.
    pub inbox: Vec<InEnd>,
    /// Outgoing lanes.
    pub lanes_out: Vec<LaneEnd>,
    /// Incoming lanes.
    pub lanes_in: Vec<LaneEnd>,
    /// Ledger.
    pub ledger: Vec<LeafEnd>,
    /// Proofs against partners.
    pub proofs: Vec<ProofEnd>,
    /// Object versions that may still be shown.
    pub readable: Vec<Readable>,
}

/// An object version that may still be shown.
#[derive(Debug, Clone)]
pub struct Readable {
    /// Originator.
    pub originator: String,
    /// Object.
    pub object: [u8; 16],
    /// Version.
    pub version: u32,
    /// Its last day, ms.
    pub last_day: i64,
}

/// Everything there is to judge by.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// What happened, with the virtual time in milliseconds.
    pub records: Vec<(u64, Record)>,
    /// How it ended.
    pub ends: Vec<NodeEnd>,
}

impl History {
    /// Prints the log for people.
    #[must_use]
    pub fn print(&self) -> String {
        let mut out = String::new();
        for (time, record) in &self.records {
            // Writing to a string does not fail.
            let _ = writeln!(out, "{:>9}.{:03}  {}", time / 1_000, time % 1_000, line(record));
        }
        out
    }
}

fn short(bytes: &[u8]) -> String {
    bytes.iter().take(4).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn lane_words(lane: &LaneKey) -> String {
    let class = if lane.class == 0 { "control" } else { "report" };
    format!("{}>{} {class}", lane.from, lane.to)
}

fn line(record: &Record) -> String {
    match record {
        Record::Queued { lane, at, envelope, deserves } => {
            format!("queued   {} {}/{} {} {deserves:?}", lane_words(lane), at.0, at.1, short(envelope))
        }
        Record::Sent { node, bytes } => format!("sent     {node} {} bytes", bytes.len()),
        Record::Arrived { node, batch } => format!("arrived  {node} {} envelopes", batch.len()),
        Record::Taken { lane, at, envelope } => {
            format!("taken    {} {}/{} {}", lane_words(lane), at.0, at.1, short(envelope))
        }
        Record::Applied { node, by, originator, object, version } => {
            format!("applied  {node} {originator} {} v{version} by {by}", short(object))
        }
        Record::TakenBack { node, originator, object, versions } => {
            format!("recalled {node} {originator} {} {versions:?}", short(object))
        }
        Record::Receipted { node, bytes } => format!("receipt  {node} {}", short(bytes)),
        Record::Announced { lane, last } => {
            format!("announce {} {}/{}", lane_words(lane), last.0, last.1)
        }
        Record::Shown { node, originator, object, version } => {
            format!("shown    {node} {originator} {} v{version}", short(object))
        }
        Record::Note(text) => format!("-        {text}"),
    }
}
