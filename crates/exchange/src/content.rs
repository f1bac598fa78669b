//! What was inside an envelope, and what taking it changes. Generic over the report: this crate never reads
//! one, it only hands it to the policy and to the application.

use mithaq_model::{ObjectId, PartyId, ReportVersion, Timestamp};
use mithaq_wire::{LaterReceipt, Notice, OnwardStep, Order, RequestStep, SealHeader};

use crate::rows::Versions;

/// An opened envelope: the seal verified, its content parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened<R> {
    /// The header of the seal; none for the start of an epoch, which carries nothing.
    pub seal: Option<SealHeader>,
    /// The content.
    pub content: Content<R>,
}

/// Content by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<R> {
    /// A report or the correction of one.
    Report {
        /// The report as the application knows it.
        report: R,
        /// Its last day of use.
        expires: Timestamp,
    },
    /// An order about an object.
    Order(Order),
    /// A notice about the agreement.
    Notice(Notice),
    /// Receipts of reading and erasing.
    Receipts(Vec<LaterReceipt>),
    /// The start of an epoch.
    EpochStart,
    /// A step in the conversation about a request.
    Step(RequestStep),
    /// A report of another originator, passed on; the seal of the message is the forwarder's.
    Hop {
        /// The report as the application knows it.
        report: R,
        /// The originator's own seal, verified.
        seal: Box<SealHeader>,
        /// Its last day of use.
        expires: Timestamp,
    },
    /// An order of another originator, carried on by the sender.
    Carried {
        /// The originator's own seal, verified.
        seal: Box<SealHeader>,
        /// The order.
        order: Carried,
    },
    /// A step about passing something on, between the two ends of the lane.
    Onward(OnwardStep),
}

/// What an originator says to holders of what was passed on, brought by who passed it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// An order.
    Order(Order),
    /// Every version before this one is out of date.
    Superseded {
        /// The object.
        object: ObjectId,
        /// The version.
        version: ReportVersion,
    },
}

impl Carried {
    /// Returns what it is about.
    #[must_use]
    pub const fn object(&self) -> ObjectId {
        match self {
            Self::Order(
                Order::Recall { object, .. } | Order::Delete { object, .. } | Order::Expiry { object, .. },
            )
            | Self::Superseded { object, .. } => *object,
        }
    }
}

/// What the application must do, in the same transaction, with a message that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect<R> {
    /// Nothing beyond the rows the step returned.
    None,
    /// Keep a report that was accepted (readable as [`crate::may_read`] says).
    Keep {
        /// The seal.
        seal: Box<SealHeader>,
        /// The report.
        report: R,
    },
    /// Keep a report unread until people decide.
    Quarantine {
        /// The seal.
        seal: Box<SealHeader>,
        /// The report.
        report: R,
    },
    /// Hide at once, erase content and everything derived from it by the time given, answer with R4. The
    /// holding may be empty: then only the tombstone stays.
    Erase {
        /// Who ordered it.
        originator: PartyId,
        /// The object.
        object: ObjectId,
        /// Which versions.
        versions: Versions,
        /// Versions that are held and must go.
        held: Vec<ReportVersion>,
        /// Answer by then.
        answer_by: Timestamp,
    },
    /// The agreement's standing changed on the other side.
    Notice(Notice),
    /// The partner's later receipts about what this node sent.
    Receipts(Vec<LaterReceipt>),
    /// A step in the conversation about a request, accepted.
    Step {
        /// The seal; its object is the step's own number.
        seal: Box<SealHeader>,
        /// What was said.
        step: RequestStep,
    },
    /// A step about passing something on, accepted.
    Onward {
        /// The seal.
        seal: Box<SealHeader>,
        /// What was said.
        step: OnwardStep,
    },
}
