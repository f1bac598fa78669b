//! The bytes of requests for information: what a report asks or answers, and the sentences of the conversation
//! about it. Exact bytes: `docs/spec/requests.md`.

use mithaq_model::{Ask, Connection, ObjectId, RefusalGround, StepKind, SubjectId, Text, Tie, Timestamp};

use crate::cbor::{Reader, WireError, Writer};
use crate::codec::{Part, get_list, put_list};

const VERSION: u64 = 1;
/// Longest document of a step in bytes: one text and a few numbers.
const STEP_MAX: usize = 16 * 1024;
/// Longest text of a step in bytes: a question, not a report.
pub const STEP_TEXT_MAX: usize = 8 * 1024;
/// Best mark of feedback.
pub const MARK_MAX: u8 = 3;

/// One sentence of the conversation about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestStep {
    /// The request.
    pub request: ObjectId,
    /// When it was said, by the speaker's clock.
    pub at: Timestamp,
    /// What.
    pub said: Said,
}

/// What is said about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Taken up, by who was asked.
    Accepted {
        /// Whether the information is directly available (Directive (EU) 2023/977, Art. 5(1)(a)); if not, an urgent
        /// request has three days.
        direct: bool,
    },
    /// A question back, by who was asked: the clock stands.
    Clarify {
        /// The question.
        text: Text,
    },
    /// What it was answered with, by who asked: the clock runs on.
    Clarified {
        /// The answer.
        text: Text,
    },
    /// A new date with its reason, by who was asked: judicial authorisation is pending (Art. 5(2)).
    Delayed {
        /// The date.
        until: Timestamp,
        /// The reason.
        text: Text,
    },
    /// Refused, by who was asked.
    Refused {
        /// Ground of the closed list (Art. 6).
        ground: RefusalGround,
        /// Whether only a part is refused; the rest is answered or was.
        part: bool,
        /// More words; never needed for grounds of rights.
        text: Option<Text>,
    },
    /// What the answer was worth, by who asked.
    Feedback {
        /// How useful, 0 to [`MARK_MAX`].
        useful: u8,
        /// How accurate, 0 to [`MARK_MAX`].
        accuracy: u8,
        /// More words.
        text: Option<Text>,
    },
    /// The clock ran out, by who asked: to the head of the other desk.
    Overdue {
        /// How often it was said.
        level: u8,
    },
}

impl Said {
    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> StepKind {
        match self {
            Self::Accepted { .. } => StepKind::Accepted,
            Self::Clarify { .. } => StepKind::Clarify,
            Self::Clarified { .. } => StepKind::Clarified,
            Self::Delayed { .. } => StepKind::Delayed,
            Self::Refused { .. } => StepKind::Refused,
            Self::Feedback { .. } => StepKind::Feedback,
            Self::Overdue { .. } => StepKind::Overdue,
        }
    }

    /// Returns the words, if there are any.
    #[must_use]
    pub const fn text(&self) -> Option<&Text> {
        match self {
            Self::Clarify { text } | Self::Clarified { text } | Self::Delayed { text, .. } => Some(text),
            Self::Refused { text, .. } | Self::Feedback { text, .. } => text.as_ref(),
            Self::Accepted { .. } | Self::Overdue { .. } => None,
        }
    }
}

/// Returns the canonical bytes of a step.
#[must_use]
pub fn encode_request_step(step: &RequestStep) -> Vec<u8> {
    let mut w = Writer::default();
    step.put(w.array(2).uint(VERSION));
    w.finish()
}

/// Reads a step.
///
/// # Errors
/// When the bytes are not the canonical encoding of a step within the limits.
pub fn decode_request_step(bytes: &[u8]) -> Result<RequestStep, WireError> {
    if bytes.len() > STEP_MAX {
        return Err(WireError::Limit);
    }
    let mut r = Reader::new(bytes);
    r.tuple(2)?;
    if r.uint()? != VERSION {
        return Err(WireError::Version);
    }
    let step = RequestStep::get(&mut r)?;
    r.end()?;
    Ok(step)
}

impl Part for RequestStep {
    fn put(&self, w: &mut Writer) {
        self.request.put(w.array(3));
        self.at.put(w);
        self.said.put(w);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(3)?;
        let made = Self { request: ObjectId::get(r)?, at: Timestamp::get(r)?, said: Said::get(r)? };
        let short = made.said.text().is_none_or(|text| text.reveal().len() <= STEP_TEXT_MAX);
        if short { Ok(made) } else { Err(WireError::Limit) }
    }
}

fn mark(r: &mut Reader<'_>) -> Result<u8, WireError> {
    u8::try_from(r.uint()?).ok().filter(|mark| *mark <= MARK_MAX).ok_or(WireError::Value)
}

impl Part for Said {
    fn put(&self, w: &mut Writer) {
        match self {
            Self::Accepted { direct } => {
                w.array(2).uint(1).bool(*direct);
            }
            Self::Clarify { text } => text.put(w.array(2).uint(2)),
            Self::Clarified { text } => text.put(w.array(2).uint(3)),
            Self::Delayed { until, text } => {
                until.put(w.array(3).uint(4));
                text.put(w);
            }
            Self::Refused { ground, part, text } => {
                ground.put(w.array(4).uint(5));
                text.put(w.bool(*part));
            }
            Self::Feedback { useful, accuracy, text } => {
                w.array(4).uint(6).uint(u64::from(*useful)).uint(u64::from(*accuracy));
                text.put(w);
            }
            Self::Overdue { level } => {
                w.array(2).uint(7).uint(u64::from(*level));
            }
        }
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let parts = r.list(4)?;
        match (r.uint()?, parts) {
            (1, 2) => Ok(Self::Accepted { direct: r.bool()? }),
            (2, 2) => Ok(Self::Clarify { text: Text::get(r)? }),
            (3, 2) => Ok(Self::Clarified { text: Text::get(r)? }),
            (4, 3) => Ok(Self::Delayed { until: Timestamp::get(r)?, text: Text::get(r)? }),
            (5, 4) => {
                Ok(Self::Refused { ground: RefusalGround::get(r)?, part: r.bool()?, text: Option::get(r)? })
            }
            (6, 4) => Ok(Self::Feedback { useful: mark(r)?, accuracy: mark(r)?, text: Option::get(r)? }),
            (7, 2) => {
                let level = u8::try_from(r.uint()?).map_err(|_large| WireError::Value)?;
                Ok(Self::Overdue { level })
            }
            (1..=7, _) => Err(WireError::Type),
            _other => Err(WireError::Code),
        }
    }
}

impl Part for Connection {
    fn put(&self, w: &mut Writer) {
        self.subject.put(w.array(2));
        self.text.put(w);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(2)?;
        Ok(Self { subject: SubjectId::get(r)?, text: Text::get(r)? })
    }
}

impl Part for Ask {
    fn put(&self, w: &mut Writer) {
        put_list(w.array(9), &self.sought);
        self.why_there.put(w);
        self.basis.put(w);
        w.bool(self.lawful_at_home);
        self.authorisation.put(w);
        self.urgency_reason.put(w);
        match self.penalty_years {
            Some(years) => w.uint(u64::from(years)),
            None => w.null(),
        };
        put_list(w, &self.connections);
        put_list(w, &self.previous);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(9)?;
        let made = Self {
            sought: get_list(r, Self::SOUGHT_MAX)?,
            why_there: Text::get(r)?,
            basis: Text::get(r)?,
            lawful_at_home: r.bool()?,
            authorisation: Option::get(r)?,
            urgency_reason: Option::get(r)?,
            penalty_years: if r.null() { None } else { Some(r.u32()?) },
            connections: get_list(r, mithaq_model::Report::SUBJECTS_MAX)?,
            previous: get_list(r, Self::PREVIOUS_MAX)?,
        };
        // A request that seeks nothing asks for everything.
        if made.sought.is_empty() { Err(WireError::Value) } else { Ok(made) }
    }
}

impl Part for Tie {
    fn put(&self, w: &mut Writer) {
        match self {
            Self::Asks(ask) => ask.put(w.array(2).uint(1)),
            Self::Answers { request, part } => {
                request.put(w.array(3).uint(2));
                w.bool(*part);
            }
        }
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let parts = r.list(3)?;
        match (r.uint()?, parts) {
            (1, 2) => Ok(Self::Asks(Box::new(Ask::get(r)?))),
            (2, 3) => Ok(Self::Answers { request: mithaq_model::ReportId::get(r)?, part: r.bool()? }),
            (1 | 2, _) => Err(WireError::Type),
            _other => Err(WireError::Code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mithaq_model::Lang;

    fn text() -> Text {
        Text::line(Lang::FR, "Laquelle des deux traversées ?").unwrap()
    }

    fn all() -> Vec<Said> {
        vec![
            Said::Accepted { direct: false },
            Said::Clarify { text: text() },
            Said::Clarified { text: text() },
            Said::Delayed { until: Timestamp::from_millis(9), text: text() },
            Said::Refused { ground: RefusalGround::MinorOffence, part: true, text: Some(text()) },
            Said::Refused { ground: RefusalGround::TortureOrCidtRisk, part: false, text: None },
            Said::Feedback { useful: 3, accuracy: 0, text: None },
            Said::Overdue { level: 2 },
        ]
    }

    fn step(said: Said) -> RequestStep {
        RequestStep { request: ObjectId::new([6; 16]), at: Timestamp::from_millis(1_780_300_800_000), said }
    }

    #[test]
    fn every_step_has_one_spelling_and_ends_where_it_ends() {
        for said in all() {
            let step = step(said);
            let bytes = encode_request_step(&step);
            assert_eq!(decode_request_step(&bytes), Ok(step));
            for cut in 0..bytes.len() {
                assert!(decode_request_step(&bytes[..cut]).is_err());
            }
            assert!(decode_request_step(&[bytes, vec![0]].concat()).is_err());
        }
        let kinds: std::collections::BTreeSet<_> = all().iter().map(Said::kind).collect();
        assert_eq!(kinds.len(), StepKind::ALL.len(), "a kind of step is not in this test");
    }

    /// The published bytes are those of this code, one per kind of step.
    #[test]
    fn the_vectors_are_read_and_written_the_same() {
        let page = include_str!("../../../docs/spec/vectors/requests.json");
        let shown = page.split("\"bytes\": \"").skip(1).filter_map(|rest| rest.split('"').next());
        let mut kinds = std::collections::BTreeSet::new();
        for hex in shown {
            let digits: Vec<u8> =
                hex.bytes().map(|c| u8::try_from(char::from(c).to_digit(16).unwrap()).unwrap()).collect();
            let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
            let step = decode_request_step(&bytes).unwrap();
            assert_eq!(encode_request_step(&step), bytes);
            kinds.insert(step.said.kind());
        }
        assert_eq!(kinds.len(), StepKind::ALL.len());
    }

    #[test]
    fn marks_and_lengths_are_bounded() {
        let high = encode_request_step(&step(Said::Feedback { useful: 4, accuracy: 0, text: None }));
        assert_eq!(decode_request_step(&high), Err(WireError::Value));
        let long = Text::new(Lang::EN, &"a".repeat(STEP_TEXT_MAX + 1)).unwrap();
        let long = encode_request_step(&step(Said::Clarify { text: long }));
        assert_eq!(decode_request_step(&long), Err(WireError::Limit));
        assert_eq!(decode_request_step(&vec![0x82; STEP_MAX + 1]), Err(WireError::Limit));
    }
}
