//! One macro for closed vocabularies: a stable code per variant, both directions, every variant listed.
//! Codes are what is stored and sent; labels for people live in the locales.

use thiserror::Error;

/// A code that its vocabulary does not hold. An unknown code never means "anything": callers refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown code for {vocabulary}")]
pub struct UnknownCode {
    /// The vocabulary that was asked, for example `purpose`.
    pub vocabulary: &'static str,
}

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident as $vocabulary:literal { $($(#[$doc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every variant, in the order of the vocabulary.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the stable code: what is stored, signed and sent.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// Reads a code.
            ///
            /// # Errors
            /// When the vocabulary does not hold it; no code has a default.
            pub fn from_code(code: &str) -> Result<Self, $crate::UnknownCode> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    _other => Err($crate::UnknownCode { vocabulary: $vocabulary }),
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}
pub(crate) use codes;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    fn check<T: Copy + PartialEq + core::fmt::Debug>(
        all: &[T],
        code: impl Fn(T) -> &'static str,
        read: impl Fn(&str) -> Result<T, crate::UnknownCode>,
    ) {
        let codes: BTreeSet<_> = all.iter().map(|v| code(*v)).collect();
        assert_eq!(codes.len(), all.len(), "two variants share a code");
        for v in all {
            assert_eq!(read(code(*v)), Ok(*v));
            assert!(code(*v).len() <= 32 && !code(*v).is_empty(), "must fit a ledger code");
        }
        assert!(read("").is_err() && read("ANY").is_err() && read("*").is_err());
    }

    #[test]
    fn every_vocabulary_round_trips_and_refuses_the_unknown() {
        macro_rules! each { ($($t:ident),+) => { $(check(crate::$t::ALL, crate::$t::code, crate::$t::from_code);)+ } }
        each!(
            Assurance,
            Channel,
            CaseState,
            Competence,
            Confidence,
            CrimeArea,
            DenialCode,
            ExcludedPredicate,
            HandlingCode,
            InfoGrade,
            Level,
            LinkRole,
            NameForm,
            NameKind,
            NameQuality,
            Pap,
            PersonStatus,
            ProtectedRole,
            Purpose,
            ReceiptKind,
            RefusalGround,
            ReportKind,
            ReportState,
            RequestState,
            StepKind,
            RiskDimension,
            RiskLevel,
            Role,
            Script,
            Sex,
            SourceGrade,
            SpecialCategory,
            SubjectClass,
            SubjectKind,
            Tlp,
            Urgency,
            Attribute,
            ClaimSource
        );
    }
}
