//! What the two sides tell each other about a candidate: minimal discriminators, a verdict, what was released. The
//! asking side sends its own and is answered with the other's; both are whole each time, so that repeating is harmless.

use mithaq_model::{PartialDate, Sex, Subject, Value};
use mithaq_wire::WireError;
use mithaq_wire::cbor::{Reader, Writer};

use crate::follow::{Released, Verdict};
use crate::messages::{CheckId, versioned};

/// Least that lets two persons see whether they mean one: years of birth and sex, nothing else (domain page, §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// First and last year the birth may lie in.
    pub years: Option<(u16, u16)>,
    /// Sex as entered in documents.
    pub sex: Option<Sex>,
}

impl Shown {
    /// Takes the widest span of years and the sex that a subject's claims say; no sex where they disagree.
    #[must_use]
    pub fn of(subject: &Subject) -> Self {
        let mut shown = Self::default();
        let mut sexes = Vec::new();
        for claim in subject.claims() {
            match &claim.value {
                Value::Date(date) => {
                    let (first, last) = years(*date);
                    let (low, high) = shown.years.unwrap_or((first, last));
                    shown.years = Some((low.min(first), high.max(last)));
                }
                Value::Sex(sex) => sexes.push(*sex),
                Value::Name { .. }
                | Value::Document(_)
                | Value::Position(_)
                | Value::Status(_)
                | Value::Class { .. }
                | Value::Text(_) => {}
            }
        }
        sexes.dedup();
        if let [sex] = sexes.as_slice() {
            shown.sex = Some(*sex);
        }
        shown
    }

    fn write(&self, w: &mut Writer) {
        w.array(3);
        match self.years {
            Some((first, last)) => w.uint(u64::from(first)).uint(u64::from(last)),
            None => w.null().null(),
        };
        match self.sex {
            Some(sex) => w.text(sex.code()),
            None => w.null(),
        };
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(3)?;
        let year = |number: u64| u16::try_from(number).map_err(|_wide| WireError::Value);
        let years = if r.null() {
            if !r.null() {
                return Err(WireError::Type);
            }
            None
        } else {
            let (first, last) = (year(r.uint()?)?, year(r.uint()?)?);
            if first > last {
                return Err(WireError::Value);
            }
            Some((first, last))
        };
        let sex = if r.null() {
            None
        } else {
            Some(Sex::from_code(r.text(8)?).map_err(|_unknown| WireError::Code)?)
        };
        Ok(Self { years, sex })
    }

    /// Returns the bytes: `[first | null, last | null, sex | null]`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        self.write(&mut w);
        w.finish()
    }

    /// Reads what [`Shown::to_bytes`] wrote.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let shown = Self::read(&mut r)?;
        r.end()?;
        Ok(shown)
    }
}

const fn years(date: PartialDate) -> (u16, u16) {
    match date {
        PartialDate::Day { year, .. } | PartialDate::Month { year, .. } | PartialDate::Year(year) => {
            (year, year)
        }
        PartialDate::About(year) => (year.saturating_sub(2), year.saturating_add(2)),
        PartialDate::Between(first, last) => (first, last),
    }
}

/// One side's word about a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// Number of the check.
    pub check: CheckId,
    /// The candidate.
    pub handle: [u8; 16],
    /// Discriminators, once a person of this side compares.
    pub shown: Option<Shown>,
    /// What a person of this side said.
    pub verdict: Option<Verdict>,
    /// What this side did after both said the same person.
    pub released: Option<Released>,
}

impl Word {
    /// Returns the bytes: `[1, check, handle, shown | null, 0 other | 1 same | null, 0 refusal | 1 report | null]`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(6).uint(1).bytes(&self.check).bytes(&self.handle);
        match &self.shown {
            Some(shown) => shown.write(&mut w),
            None => {
                w.null();
            }
        }
        match self.verdict {
            Some(verdict) => w.uint(u64::from(verdict == Verdict::Same)),
            None => w.null(),
        };
        match self.released {
            Some(released) => w.uint(u64::from(released == Released::Report)),
            None => w.null(),
        };
        w.finish()
    }

    /// Reads a word.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        versioned(&mut r, 6)?;
        let (check, handle) = (r.array()?, r.array()?);
        let shown = if r.null() { None } else { Some(Shown::read(&mut r)?) };
        let mut bit = || -> Result<Option<bool>, WireError> {
            if r.null() {
                return Ok(None);
            }
            match r.uint()? {
                0 => Ok(Some(false)),
                1 => Ok(Some(true)),
                _other => Err(WireError::Code),
            }
        };
        let verdict = bit()?.map(|same| if same { Verdict::Same } else { Verdict::Other });
        let released = bit()?.map(|report| if report { Released::Report } else { Released::Refusal });
        r.end()?;
        Ok(Self { check, handle, shown, verdict, released })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mithaq_model::SubjectClass;
    use proptest::prelude::*;

    #[test]
    fn a_word_reads_what_it_writes() {
        let shown = Shown { years: Some((1987, 1988)), sex: Some(Sex::Male) };
        for shown in [None, Some(Shown::default()), Some(shown)] {
            for verdict in [None, Some(Verdict::Same), Some(Verdict::Other)] {
                for released in [None, Some(Released::Report), Some(Released::Refusal)] {
                    let word = Word { check: [1; 16], handle: [2; 16], shown, verdict, released };
                    assert_eq!(Word::from_bytes(&word.to_bytes()), Ok(word));
                }
            }
        }
        assert_eq!(Shown::from_bytes(&shown.to_bytes()), Ok(shown));
        let mut turned = Shown { years: Some((1988, 1987)), sex: None }.to_bytes();
        assert_eq!(Shown::from_bytes(&turned), Err(WireError::Value));
        turned.push(0);
        assert!(Shown::from_bytes(&turned).is_err());
    }

    #[test]
    fn what_is_shown_is_a_year_and_a_sex_and_no_name() {
        let person = mithaq_testkit::person(SubjectClass::SuspectCommitted);
        assert_eq!(Shown::of(&person), Shown { years: Some((1987, 1987)), sex: None });
        assert_eq!(years(PartialDate::About(1978)), (1976, 1980));
    }

    proptest! {
        #[test]
        fn foreign_words_have_one_spelling(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(word) = Word::from_bytes(&bytes) { prop_assert_eq!(word.to_bytes(), bytes); }
        }
    }
}
