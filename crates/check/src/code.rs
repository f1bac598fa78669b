//! Every code with which a node refuses on the line of private checks, beside those of its policy. The list is closed: a code
//! is sent, logged and acted upon at the other side, and is never renamed.

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $code:literal),+ $(,)?) => {
        /// Why the asked side refuses, where no policy was asked or it had no objection.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum CheckRefusal { $($(#[$doc])* $variant),+ }

        impl CheckRefusal {
            /// Every variant.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
        }
    };
}

refusals! {
    /// Asked under another agreement, by or of others, or with another policy of tokens than that of the set.
    OtherAgreement = "check.other_agreement",
    /// Asked under the key of an epoch that is over, or that is not known here.
    Epoch = "check.epoch",
    /// The decision is about another question.
    OtherPermit = "check.other_permit",
    /// Other bytes came under this number before.
    NumberUsed = "check.number_used",
    /// What is to be evaluated is no element of the group.
    Element = "check.element",
    /// A question about a plan that was answered, and whose day is over.
    EventOver = "check.event_over",
    /// What is to stay was not evaluated.
    NotEvaluated = "check.not_evaluated",
    /// More is to stay than was evaluated, or nothing.
    StandingCount = "check.standing_count",
    /// It would end in the past, after its warrant, or too late.
    StandingLife = "check.standing_life",
    /// The standing check is over.
    StandingOver = "check.standing_over",
    /// No reference of a warrant.
    StandingWarrant = "check.standing_warrant",
    /// One person is not two.
    TwoPersons = "check.two_persons",
}
