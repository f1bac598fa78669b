//! Passing on what another party originated: where a consent stands (domain page, §4.12), and what became of a copy
//! that went further than its first recipient.

use crate::code::codes;

codes! {
    /// Where a consent to pass something on stands. Silence is no consent: it lapses.
    ConsentState as "consent state" {
        /// Asked of the originator.
        Asked = "asked",
        /// Granted, always with conditions: one recipient, one version, one purpose, a last day, one use.
        Granted = "granted",
        /// Used: the copy went out, and the token opens nothing any more.
        Used = "used",
        /// Refused by the originator.
        Denied = "denied",
        /// Nobody answered, or nobody used it, in time.
        Lapsed = "lapsed",
        /// Taken back by the originator, before or after it was used.
        Revoked = "revoked",
    }
}

codes! {
    /// What became of a copy at a further holder, as the holder signed it or as its forwarder says.
    CopyState as "copy state" {
        /// On its way.
        Sent = "sent",
        /// Taken by the rules of the holder.
        Accepted = "accepted",
        /// Refused by the rules of the holder.
        Refused = "refused",
        /// Not delivered by the deadline.
        Undelivered = "undelivered",
        /// Shown to a person there.
        Read = "read",
        /// Erased there.
        Erased = "erased",
    }
}

impl CopyState {
    /// Returns whether the holder has it, or may have it.
    #[must_use]
    pub const fn may_be_held(self) -> bool {
        matches!(self, Self::Sent | Self::Accepted | Self::Undelivered | Self::Read)
    }
}
