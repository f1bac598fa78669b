//! Grading: how reliable the source, how sure the information. The code is stored as it was given; a mapping
//! to another scheme is a view and never replaces it.

use crate::code::codes;

codes! {
    /// Evaluation of the source, 4×4 (Regulation (EU) 2016/794, Art. 29).
    SourceGrade as "source grade" {
        /// No doubt about authenticity, trustworthiness or competence.
        A = "A",
        /// Reliable in most instances.
        B = "B",
        /// Unreliable in most instances.
        C = "C",
        /// Cannot be assessed.
        X = "X",
    }
}

codes! {
    /// Evaluation of the information, 4×4 (Regulation (EU) 2016/794, Art. 29).
    InfoGrade as "information grade" {
        /// Accuracy not in doubt.
        One = "1",
        /// Known personally to the source, not to the official passing it on.
        Two = "2",
        /// Not known personally to the source, but corroborated.
        Three = "3",
        /// Not known personally to the source, and cannot be corroborated.
        Four = "4",
    }
}

codes! {
    /// Reliability of the source, Admiralty scale.
    AdmiraltyReliability as "admiralty reliability" {
        /// Completely reliable.
        A = "A",
        /// Usually reliable.
        B = "B",
        /// Fairly reliable.
        C = "C",
        /// Not usually reliable.
        D = "D",
        /// Unreliable.
        E = "E",
        /// Cannot be judged.
        F = "F",
    }
}

codes! {
    /// Credibility of the information, Admiralty scale.
    AdmiraltyCredibility as "admiralty credibility" {
        /// Confirmed by other sources.
        One = "1",
        /// Probably true.
        Two = "2",
        /// Possibly true.
        Three = "3",
        /// Doubtful.
        Four = "4",
        /// Improbable.
        Five = "5",
        /// Cannot be judged.
        Six = "6",
    }
}

/// An Admiralty code as given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Admiralty {
    /// Of the source.
    pub reliability: AdmiraltyReliability,
    /// Of the information.
    pub credibility: AdmiraltyCredibility,
}

/// A grade in the scheme it was given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// The 4×4 scheme.
    FourByFour(SourceGrade, InfoGrade),
    /// The Admiralty scale, stored as given.
    Admiralty(Admiralty),
}

impl Grade {
    /// The grade of what nobody has evaluated, or what is disputed.
    pub const UNEVALUATED: Self = Self::FourByFour(SourceGrade::X, InfoGrade::Four);

    /// Returns the 4×4 view. Lossy for Admiralty: C and D become C, E and F become X, and only what was
    /// confirmed or probable keeps more than 4. "Cannot be judged" is never a middle value.
    #[must_use]
    pub const fn as_four_by_four(self) -> (SourceGrade, InfoGrade) {
        match self {
            Self::FourByFour(source, info) => (source, info),
            Self::Admiralty(code) => (
                match code.reliability {
                    AdmiraltyReliability::A => SourceGrade::A,
                    AdmiraltyReliability::B => SourceGrade::B,
                    AdmiraltyReliability::C | AdmiraltyReliability::D => SourceGrade::C,
                    AdmiraltyReliability::E | AdmiraltyReliability::F => SourceGrade::X,
                },
                match code.credibility {
                    AdmiraltyCredibility::One => InfoGrade::One,
                    AdmiraltyCredibility::Two => InfoGrade::Three,
                    AdmiraltyCredibility::Three
                    | AdmiraltyCredibility::Four
                    | AdmiraltyCredibility::Five
                    | AdmiraltyCredibility::Six => InfoGrade::Four,
                },
            ),
        }
    }

    /// Returns whether this is too weak to ground a locate request or an arrest on its own: information 4, or
    /// a source that is mostly unreliable or cannot be assessed (limit L12).
    #[must_use]
    pub const fn is_weak(self) -> bool {
        let (source, info) = self.as_four_by_four();
        matches!(info, InfoGrade::Four) || matches!(source, SourceGrade::C | SourceGrade::X)
    }

    /// Returns the stable code: `4x4:B2` or `adm:C3`.
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::FourByFour(source, info) => format!("4x4:{source}{info}"),
            Self::Admiralty(code) => format!("adm:{}{}", code.reliability, code.credibility),
        }
    }

    /// Reads a stable code.
    ///
    /// # Errors
    /// When the scheme or a letter is unknown.
    pub fn from_code(text: &str) -> Result<Self, crate::UnknownCode> {
        let unknown = crate::UnknownCode { vocabulary: "grade" };
        let (scheme, code) = text.split_once(':').ok_or(unknown)?;
        let (first, second) = code.split_at_checked(1).ok_or(unknown)?;
        match scheme {
            "4x4" => Ok(Self::FourByFour(SourceGrade::from_code(first)?, InfoGrade::from_code(second)?)),
            "adm" => Ok(Self::Admiralty(Admiralty {
                reliability: AdmiraltyReliability::from_code(first)?,
                credibility: AdmiraltyCredibility::from_code(second)?,
            })),
            _other => Err(unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_round_trips() {
        for source in SourceGrade::ALL {
            for info in InfoGrade::ALL {
                let grade = Grade::FourByFour(*source, *info);
                assert_eq!(Grade::from_code(&grade.code()), Ok(grade));
            }
        }
        for reliability in AdmiraltyReliability::ALL {
            for credibility in AdmiraltyCredibility::ALL {
                let grade =
                    Grade::Admiralty(Admiralty { reliability: *reliability, credibility: *credibility });
                assert_eq!(Grade::from_code(&grade.code()), Ok(grade));
            }
        }
        for bad in ["", "A1", "4x4:", "4x4:A5", "4x4:é1", "adm:G1", "5x5:A1", "4x4:A11"] {
            assert!(Grade::from_code(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn cannot_be_judged_is_never_a_middle_value() {
        let grade = Grade::from_code("adm:F6").unwrap();
        assert_eq!(grade.as_four_by_four(), (SourceGrade::X, InfoGrade::Four));
        assert!(grade.is_weak() && Grade::UNEVALUATED.is_weak());
        assert!(!Grade::from_code("4x4:B2").unwrap().is_weak());
    }
}
