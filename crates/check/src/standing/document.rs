//! What the two sides of a standing check say to each other. The asking side speaks, always, and is answered whole each
//! time: to repeat is harmless.

use mithaq_model::Timestamp;
use mithaq_wire::WireError;
use mithaq_wire::cbor::{Reader, Writer};

use crate::messages::{CLAIMS_MAX, CheckId, code, versioned};

/// Longest reference of a warrant.
pub const REFERENCE_MAX: usize = 64;
/// Longest code of a refusal.
const CODE_MAX: usize = 64;

/// Under what, by whom, and until when a question stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// Reference of the warrant, never a sentence.
    pub reference: String,
    /// Its own end.
    pub ends: Timestamp,
    /// End of the standing check, or of its renewal.
    pub until: Timestamp,
    /// Pseudonyms of the two persons who asked for it or renewed it.
    pub persons: [[u8; 16]; 2],
}

/// What the asking side wants of a standing check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandingAsk {
    /// Let the question stay: the second halves of the outputs of a check that was evaluated.
    Place(Title, Vec<[u8; 32]>),
    /// Let it stay longer.
    Renew(Title),
    /// Forget it.
    End,
    /// Did it hit?
    Look,
}

/// A document of the asking side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingWord {
    /// Number of the check whose outputs they are.
    pub check: CheckId,
    /// What is wanted.
    pub ask: StandingAsk,
}

impl StandingWord {
    /// Returns the bytes: `[1, check, 0 place | 1 renew | 2 end | 3 look, title | null, halves | null]`, a title being
    /// `[reference, ends, until, person, person]` and halves joined, rising.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(5).uint(1).bytes(&self.check);
        match &self.ask {
            StandingAsk::Place(title, halves) => {
                title.write(w.uint(0));
                w.bytes(&halves.concat());
            }
            StandingAsk::Renew(title) => {
                title.write(w.uint(1));
                w.null();
            }
            StandingAsk::End => {
                w.uint(2).null().null();
            }
            StandingAsk::Look => {
                w.uint(3).null().null();
            }
        }
        w.finish()
    }

    /// Reads a document.
    ///
    /// # Errors
    /// When it is none, or halves are none, too many or not in rising order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        versioned(&mut r, 5)?;
        let (check, kind) = (r.array()?, r.uint()?);
        let ask = match kind {
            0 => StandingAsk::Place(Title::read(&mut r)?, halves(&mut r)?),
            1 => {
                let title = Title::read(&mut r)?;
                nothing(&mut r)?;
                StandingAsk::Renew(title)
            }
            2 | 3 => {
                nothing(&mut r)?;
                nothing(&mut r)?;
                if kind == 2 { StandingAsk::End } else { StandingAsk::Look }
            }
            _other => return Err(WireError::Code),
        };
        r.end()?;
        Ok(Self { check, ask })
    }
}

impl Title {
    fn write(&self, w: &mut Writer) {
        let [one, other] = &self.persons;
        w.array(5).text(&self.reference).int(self.ends.as_millis()).int(self.until.as_millis());
        w.bytes(one).bytes(other);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(5)?;
        let reference = r.text(REFERENCE_MAX)?;
        if reference.is_empty() || reference.chars().any(|c| !c.is_ascii_graphic()) {
            return Err(WireError::Value);
        }
        Ok(Self {
            reference: reference.to_owned(),
            ends: Timestamp::from_millis(r.int()?),
            until: Timestamp::from_millis(r.int()?),
            persons: [r.array()?, r.array()?],
        })
    }
}

fn nothing(r: &mut Reader<'_>) -> Result<(), WireError> {
    if r.null() { Ok(()) } else { Err(WireError::Type) }
}

fn halves(r: &mut Reader<'_>) -> Result<Vec<[u8; 32]>, WireError> {
    let (halves, rest) = r.bytes(32 * CLAIMS_MAX)?.as_chunks::<32>();
    if halves.is_empty() || !rest.is_empty() {
        return Err(WireError::Type);
    }
    if !halves.is_sorted_by(|a, b| a < b) {
        return Err(WireError::NotCanonical);
    }
    Ok(halves.to_vec())
}

/// What the asked side says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandingAnswer {
    /// It will not, and says why: nothing changed.
    Refused(String),
    /// Where it stands.
    Stands {
        /// When it ends; none: it is over, or forgotten.
        until: Option<Timestamp>,
        /// What hit so far: the half, and the handle of the candidate.
        hits: Vec<([u8; 32], [u8; 16])>,
    },
}

impl StandingAnswer {
    /// Returns the bytes: `[1, check, code]` or `[1, check, until | null, [[half, handle], …]]`.
    #[must_use]
    pub fn to_bytes(&self, check: &CheckId) -> Vec<u8> {
        let mut w = Writer::default();
        match self {
            Self::Refused(code) => {
                w.array(3).uint(1).bytes(check).text(code);
            }
            Self::Stands { until, hits } => {
                w.array(4).uint(1).bytes(check);
                match until {
                    Some(until) => w.int(until.as_millis()),
                    None => w.null(),
                };
                w.array(hits.len());
                for (half, handle) in hits {
                    w.array(2).bytes(half).bytes(handle);
                }
            }
        }
        w.finish()
    }

    /// Reads an answer with the number of the check it is about.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<(CheckId, Self), WireError> {
        let mut r = Reader::new(bytes);
        let parts = r.list(4)?;
        if r.uint()? != 1 {
            return Err(WireError::Version);
        }
        let check = r.array()?;
        let answer = match parts {
            3 => Self::Refused(code(r.text(CODE_MAX)?)?),
            4 => {
                let until = if r.null() { None } else { Some(Timestamp::from_millis(r.int()?)) };
                let mut hits = Vec::new();
                for _ in 0..r.list(CLAIMS_MAX)? {
                    r.tuple(2)?;
                    hits.push((r.array()?, r.array()?));
                }
                Self::Stands { until, hits }
            }
            _other => return Err(WireError::Type),
        };
        r.end()?;
        Ok((check, answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn title() -> Title {
        Title {
            reference: "order-7".to_owned(),
            ends: Timestamp::from_millis(9_000),
            until: Timestamp::from_millis(8_000),
            persons: [[1; 16], [2; 16]],
        }
    }

    #[test]
    fn documents_read_what_they_write() {
        let halves = vec![[1; 32], [2; 32]];
        for ask in [
            StandingAsk::Place(title(), halves),
            StandingAsk::Renew(title()),
            StandingAsk::End,
            StandingAsk::Look,
        ] {
            let word = StandingWord { check: [3; 16], ask };
            assert_eq!(StandingWord::from_bytes(&word.to_bytes()), Ok(word));
        }
        for answer in [
            StandingAnswer::Refused("AGR".to_owned()),
            StandingAnswer::Stands { until: None, hits: Vec::new() },
            StandingAnswer::Stands {
                until: Some(Timestamp::from_millis(5)),
                hits: vec![([1; 32], [2; 16]), ([3; 32], [4; 16])],
            },
        ] {
            assert_eq!(StandingAnswer::from_bytes(&answer.to_bytes(&[3; 16])), Ok(([3; 16], answer)));
        }
    }

    #[test]
    fn what_is_out_of_order_or_no_reference_is_refused() {
        let place = |reference: &str, halves: Vec<[u8; 32]>| {
            let title = Title { reference: reference.to_owned(), ..title() };
            let word = StandingWord { check: [3; 16], ask: StandingAsk::Place(title, halves) };
            StandingWord::from_bytes(&word.to_bytes()).unwrap_err()
        };
        assert_eq!(place("order-7", vec![[2; 32], [1; 32]]), WireError::NotCanonical);
        assert_eq!(place("order-7", vec![[1; 32], [1; 32]]), WireError::NotCanonical);
        assert_eq!(place("order-7", Vec::new()), WireError::Type);
        assert_eq!(place("", vec![[1; 32]]), WireError::Value);
        assert_eq!(place("two words", vec![[1; 32]]), WireError::Value);
    }

    proptest! {
        #[test]
        fn foreign_bytes_have_one_spelling(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
            if let Ok(read) = StandingWord::from_bytes(&bytes) { prop_assert_eq!(read.to_bytes(), bytes.clone()); }
            if let Ok((check, read)) = StandingAnswer::from_bytes(&bytes) { prop_assert_eq!(read.to_bytes(&check), bytes); }
        }
    }
}
