//! The stable codes of the protocol. A code tells what rule was broken, never with which content.

use core::fmt;

macro_rules! coded {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every variant.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }

        impl core::error::Error for $name {}
    };
}

coded! {
    /// Why the rest of a batch was not taken. Nothing of it was stored as received, nothing is receipted, the
    /// lane did not move: these bytes may come again, or never.
    Stop {
        /// More envelopes, or more bytes, than a batch may have; or none.
        BatchSize = "batch.size",
        /// Envelopes of different lanes in one batch.
        BatchLane = "batch.lane",
        /// Longer than an envelope may be.
        EnvelopeSize = "envelope.size",
        /// Not an envelope, or not in its only encoding.
        EnvelopeMalformed = "envelope.malformed",
        /// Another version of the protocol, or a critical label this node does not know.
        EnvelopeUnsupported = "envelope.unsupported",
        /// Not from the connected partner, not to this node, or under no agreement both know. The answer to
        /// all three is the same and bare.
        EnvelopeAddress = "envelope.address",
        /// No manifest of the sender with that hash is valid here.
        EnvelopeSigner = "envelope.signer",
        /// The node's signature does not verify by the strict rule.
        EnvelopeSignature = "envelope.signature",
        /// Equivocation was seen: people decide how to go on.
        LaneFrozen = "lane.frozen",
        /// Too far ahead of what is had: resend from there.
        LaneGap = "lane.gap",
        /// An epoch that is closed, or one that did not begin with its start.
        LaneEpoch = "lane.epoch",
        /// Another envelope than the one held, or than the one the chain names.
        LaneEquivocation = "lane.equivocation",
        /// This node cannot store at present. Nothing was taken; try later.
        Busy = "node.busy",
    }
}

coded! {
    /// Why this protocol, before any policy is asked, refuses a message that is validly signed and in its
    /// place. It is stored, receipted with this code, and the lane goes on.
    Refuse {
        /// A kind that may not travel in this lane.
        EnvelopeKind = "envelope.kind",
        /// Its last day is over by this node's clock and margin.
        EnvelopeExpired = "envelope.expired",
        /// Valid for longer than an envelope may be, or expires before it was made.
        EnvelopeValidity = "envelope.validity",
        /// It cannot be decrypted with this node's key.
        EnvelopeUndecryptable = "envelope.undecryptable",
        /// Its key was replaced, and the time for messages on their way is over.
        KeyEnded = "envelope.key_ended",
        /// The sender's root distrusts its key, and nothing was taken before that says it was earlier.
        KeyDistrusted = "envelope.key_distrusted",
        /// What was sealed cannot be read.
        SealMalformed = "seal.malformed",
        /// What was sealed is of a version that is not known here.
        SealUnsupported = "seal.unsupported",
        /// The seal is not of a key of the originator.
        SealSignature = "seal.signature",
        /// Sealed under another agreement than sent under.
        SealAgreement = "seal.agreement",
        /// Not sealed for this party; an empty list is for nobody.
        SealRecipient = "seal.recipient",
        /// Originated by another than the sender.
        SealOriginator = "seal.originator",
        /// The content is not of the kind the envelope says.
        SealKind = "seal.kind",
        /// About an object of which nothing is known here, and the sender said enough about such objects today.
        OrderLimit = "order.limit",
        /// The object was recalled or deleted by its originator.
        ObjectRecalled = "object.recalled",
        /// Another party originated the object of that number.
        ObjectOriginator = "object.originator",
        /// That version is already held.
        ObjectVersion = "object.version",
        /// A step about a request that is not between these two.
        RequestUnknown = "request.unknown",
        /// A refusal on a ground that the agreement does not list.
        RequestGround = "request.ground",
        /// A step that does not fit where the request is.
        RequestState = "request.state",
        /// Passed on from an originator of which this node knows no manifest.
        OnwardOriginator = "onward.originator",
        /// What was passed on is not as its originator sealed it, or was sealed for another than who passes it on.
        OnwardSeal = "onward.seal",
        /// A step about passing something on that fits nothing this node knows.
        OnwardState = "onward.state",
        /// That object is held by another route.
        OnwardRoute = "onward.route",
        /// The policy could not decide. Kept unread.
        PolicyInternal = "policy.internal",
    }
}

coded! {
    /// How a partner broke the protocol. Its operator and ours must talk; the code says about what.
    PeerFault {
        /// A receipt whose signature does not verify, or that cannot be read.
        ReceiptInvalid = "exchange.peer_misbehaved.receipt_invalid",
        /// A receipt for another lane.
        ReceiptLane = "exchange.peer_misbehaved.receipt_lane",
        /// A receipt for a message that was never sent.
        ReceiptUnknown = "exchange.peer_misbehaved.receipt_unknown",
        /// A receipt for other bytes than were sent.
        ReceiptHash = "exchange.peer_misbehaved.receipt_hash",
        /// Two signed receipts for one message with different verdicts.
        ReceiptContradicts = "exchange.peer_misbehaved.receipt_contradicts",
        /// Claims messages that were never sent.
        HaveAhead = "exchange.peer_misbehaved.have_ahead",
        /// Has less than it signed receipts for.
        HaveBehind = "exchange.peer_misbehaved.have_behind",
        /// Names another envelope at a place than the one that was sent.
        HaveHead = "exchange.peer_misbehaved.have_head",
        /// More receipts than a batch can cause.
        AnswerSize = "exchange.peer_misbehaved.answer_size",
        /// Acknowledges what was never sent.
        AckAhead = "exchange.peer_misbehaved.ack_ahead",
        /// Acknowledges other bytes than were sent.
        AckHead = "exchange.peer_misbehaved.ack_head",
    }
}

/// What people must be told, beside the ledger entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alarm {
    /// The partner signed two envelopes for one place; both are kept.
    Equivocation,
    /// The partner broke the protocol.
    Peer(PeerFault),
    /// A receipt came after the message had been declared not delivered.
    LateReceipt,
    /// The partner lost what it had decided, got it again and decided otherwise. Both receipts are kept.
    DecidedAnew,
    /// A partner was restored from a backup and began a new epoch.
    EpochStarted,
    /// Clocks differ by more than the margin.
    ClockSkew,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_and_fit_a_ledger_reference() {
        let mut seen = BTreeSet::new();
        let all = Stop::ALL.iter().map(|c| c.code());
        let all = all.chain(Refuse::ALL.iter().map(|c| c.code()));
        for code in all.chain(PeerFault::ALL.iter().map(|c| c.code())) {
            assert!(seen.insert(code), "{code}");
            assert!(mithaq_ledger::Id::new(code).is_ok(), "{code}");
        }
    }
}
