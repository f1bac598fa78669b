//! The conversation about a request for information: states and legal clocks, the same on both sides.
//!
//! The clock runs where the answer is owed and by that node's clock alone: it starts when the request is stored there,
//! stands from a question back until its answer is stored there, and ends with the answer. Who asked learns each of
//! these instants from signed receipts and steps, so both sides compute one due date. Silence never answers: a request
//! whose clock ran out is escalated and counted, and stays open until people answer, refuse or withdraw it, or its own
//! last day is over. (Directive (EU) 2023/977, Arts. 5 and 6; domain page, §4.1.)

use mithaq_model::{Millis, RefusalGround, RequestState, Timestamp, Urgency};
use mithaq_wire::Said;

use crate::code::Refuse;

/// An urgent request whose information is not directly available (Art. 5(1)(b) of the directive).
pub const INDIRECT: Millis = Millis::hours(72);
/// How long after its clock ran out a request is escalated a second time.
pub const GRACE: Millis = Millis::hours(48);
/// How far a new date may lie ahead.
pub const DELAY_MAX: Millis = Millis::hours(90 * 24);
/// How long an end waits for feedback before it is closed (domain page, §4.1).
pub const FEEDBACK: Millis = Millis::hours(30 * 24);
/// After which time people look at a request again: from its begin while it is open, from its closing after that
/// (domain page, §4.1: six months).
pub const REVIEW: Millis = Millis::hours(182 * 24);
/// How far clocks of the two nodes may differ where a step names an instant.
const SKEW: Millis = Millis(mithaq_wire::limits::SKEW_FLAG_MS);

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Speaker {
    /// The party that was asked: it owes the answer.
    Asked,
    /// The party that asked.
    Asking,
}

/// Where a request stands, as one of the two sides sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialogue {
    /// State.
    pub state: RequestState,
    /// Why its clock is short.
    pub urgency: Urgency,
    /// What the agreement allows for that urgency, when the information is directly available.
    pub limit: Millis,
    /// Whether who was asked said that it is.
    pub direct: bool,
    /// Whether it was taken up.
    pub accepted: bool,
    /// When it was stored at the other side: the clock's start.
    pub started: Option<Timestamp>,
    /// Since when the clock stands.
    pub stopped: Option<Timestamp>,
    /// How long it stood before.
    pub paused: Millis,
    /// The new date, where judicial authorisation is pending.
    pub delayed_until: Option<Timestamp>,
    /// Questions back.
    pub questions: u32,
    /// How often it was escalated.
    pub level: u8,
    /// When it was answered, refused or ended otherwise.
    pub ended: Option<Timestamp>,
    /// Whether that was within the clock; none when nothing was owed.
    pub in_time: Option<bool>,
    /// Ground of a refusal, in whole or part.
    pub ground: Option<RefusalGround>,
    /// Feedback: useful, accurate.
    pub marks: Option<(u8, u8)>,
    /// When it was closed: by feedback, or thirty days after its end.
    pub closed: Option<Timestamp>,
}

impl Dialogue {
    /// Returns the row of a request that is on its way.
    #[must_use]
    pub const fn sent(urgency: Urgency, limit: Millis) -> Self {
        Self {
            state: RequestState::Sent,
            urgency,
            limit,
            direct: true,
            accepted: false,
            started: None,
            stopped: None,
            paused: Millis(0),
            delayed_until: None,
            questions: 0,
            level: 0,
            ended: None,
            in_time: None,
            ground: None,
            marks: None,
            closed: None,
        }
    }

    /// It was stored at the side that owes the answer, by that side's receipt. The receipt may be the last to come: then
    /// what was said meanwhile stands, and is measured by the clock that is known now.
    pub fn arrived(&mut self, stored: Timestamp) {
        if self.started.is_some() {
            return;
        }
        if self.state == RequestState::Sent {
            self.state = RequestState::Received;
        }
        self.started = Some(stored);
        self.stopped = self.stopped.map(|stopped| stopped.max(stored));
        let answered = is_answer(self.state) || self.marks.is_some();
        if let (true, None, Some(ended), Some(due)) = (answered, self.in_time, self.ended, self.runs_out()) {
            self.in_time = Some(ended <= due.plus(SKEW));
        }
    }

    /// Somebody at the side that was asked looks at it.
    pub fn opened(&mut self) {
        if self.state == RequestState::Received {
            self.state = RequestState::UnderEvaluation;
        }
    }

    /// Returns when the answer is due; nothing while the clock does not run.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        let running = matches!(
            self.state,
            RequestState::Received
                | RequestState::UnderEvaluation
                | RequestState::Accepted
                | RequestState::Delayed
        );
        if !running || self.stopped.is_some() {
            return None;
        }
        self.runs_out()
    }

    /// When the clock runs out, if it does not stand.
    fn runs_out(&self) -> Option<Timestamp> {
        let limit =
            if self.direct || !self.urgency.is_urgent() { self.limit } else { self.limit.max(INDIRECT) };
        let due = self.started?.plus(limit).plus(self.paused);
        Some(self.delayed_until.map_or(due, |until| until.max(due)))
    }

    /// Returns whether a step may be said now. That the asked side says something shows that the request is stored there,
    /// whatever became of the receipt.
    ///
    /// # Errors
    /// [`Refuse::RequestState`] when it does not fit the speaker or the state.
    pub fn may(&self, by: Speaker, said: &Said, at: Timestamp) -> Result<(), Refuse> {
        use RequestState as S;
        let unheard = by == Speaker::Asked && self.state == S::Sent;
        let before = unheard || matches!(self.state, S::Received | S::UnderEvaluation);
        let owed = before || matches!(self.state, S::Accepted | S::Delayed);
        let fits = match (by, said) {
            (Speaker::Asked, Said::Accepted { .. }) => before,
            (Speaker::Asked, Said::Clarify { .. }) => owed,
            (Speaker::Asked, Said::Delayed { until, .. }) => {
                matches!(self.state, S::Accepted | S::Delayed) && *until > at && until.since(at) <= DELAY_MAX
            }
            (Speaker::Asked, Said::Refused { .. }) => {
                owed || matches!(self.state, S::Clarification | S::AnsweredPart)
            }
            (Speaker::Asking, Said::Clarified { .. }) => self.state == S::Clarification,
            (Speaker::Asking, Said::Feedback { .. }) => {
                let answered = is_answer(self.state);
                // Said in time, and closed by the timer while it was on its way.
                let crossed = self.state == S::Closed
                    && self.ended.is_some_and(|ended| at <= ended.plus(FEEDBACK).plus(SKEW));
                (answered || crossed) && self.marks.is_none()
            }
            // Clocks of two nodes differ: what is overdue there may not be quite yet here.
            (Speaker::Asking, Said::Overdue { .. }) => owed || self.state == S::Clarification,
            (Speaker::Asked, Said::Clarified { .. } | Said::Feedback { .. } | Said::Overdue { .. })
            | (
                Speaker::Asking,
                Said::Accepted { .. } | Said::Clarify { .. } | Said::Delayed { .. } | Said::Refused { .. },
            ) => false,
        };
        if fits { Ok(()) } else { Err(Refuse::RequestState) }
    }

    /// Takes a step that [`Dialogue::may`] allowed. `at` is the speaker's time. What answers a question back does not
    /// start the clock here: [`Dialogue::resumed`] does, with the time it was stored where the answer is owed.
    pub fn take(&mut self, said: &Said, at: Timestamp) {
        use RequestState as S;
        match said {
            Said::Accepted { direct } => {
                (self.state, self.accepted, self.direct) = (S::Accepted, true, *direct);
            }
            Said::Clarify { .. } => {
                self.state = S::Clarification;
                // The clock never ran before it started, nor stands longer because a clock is wrong.
                self.stopped = Some(self.started.map_or(at, |started| at.max(started)));
                self.questions = self.questions.saturating_add(1);
            }
            Said::Clarified { .. } => {}
            Said::Delayed { until, .. } => (self.state, self.delayed_until) = (S::Delayed, Some(*until)),
            Said::Refused { ground, part, .. } => {
                self.ground = Some(*ground);
                if !*part && self.state != S::AnsweredPart {
                    self.end(S::Refused, at);
                }
            }
            Said::Feedback { useful, accuracy, .. } => {
                (self.state, self.marks) = (S::Closed, Some((*useful, *accuracy)));
                self.closed = self.closed.or(Some(at));
            }
            Said::Overdue { level } => self.level = self.level.max(*level),
        }
    }

    /// The answer to a question back was stored where the answer is owed: the clock runs on.
    pub fn resumed(&mut self, stored: Timestamp) {
        if self.state != RequestState::Clarification {
            return;
        }
        if let Some(stopped) = self.stopped.take() {
            self.paused = Millis(self.paused.0.saturating_add(stored.since(stopped).0));
        }
        self.state = match (self.accepted, self.delayed_until) {
            (true, Some(_)) => RequestState::Delayed,
            (true, None) => RequestState::Accepted,
            (false, _) => RequestState::UnderEvaluation,
        };
    }

    /// Returns whether an answer may be given: it was taken up, or answered in part already.
    #[must_use]
    pub const fn may_answer(&self) -> bool {
        matches!(self.state, RequestState::Accepted | RequestState::Delayed | RequestState::AnsweredPart)
    }

    /// Returns whether who asked can still take an answer. More than [`Dialogue::may_answer`]: the step that took the
    /// request up and the answer may have been sent while this side's clock or state was behind.
    #[must_use]
    pub const fn may_be_answered(&self) -> bool {
        self.state.is_open()
    }

    /// An answer was sealed.
    pub fn answered(&mut self, at: Timestamp, part: bool) {
        let state = if part { RequestState::AnsweredPart } else { RequestState::AnsweredFull };
        self.end(state, at);
    }

    /// Who asked took it back.
    pub fn withdrawn(&mut self, at: Timestamp) {
        if self.state.is_open() {
            self.end(RequestState::Withdrawn, at);
        }
    }

    /// Its own last day is over and nobody answered.
    pub fn expired(&mut self, at: Timestamp) {
        if self.state.is_open() && self.state != RequestState::AnsweredPart {
            self.end(RequestState::Expired, at);
        }
    }

    /// Closes what ended thirty days ago and got no feedback; what was answered in part stays open until its own last
    /// day, for the rest is owed. Returns whether it is closed now.
    pub fn close(&mut self, now: Timestamp, last_day: Timestamp) -> bool {
        use RequestState as S;
        let waited = self.ended.map(|ended| ended.plus(FEEDBACK));
        let over = match self.state {
            S::AnsweredFull | S::Refused | S::Withdrawn => waited,
            S::AnsweredPart => waited.map(|waited| waited.max(last_day)),
            S::Sent
            | S::Received
            | S::UnderEvaluation
            | S::Clarification
            | S::Accepted
            | S::Delayed
            | S::Expired
            | S::Closed => None,
        };
        let Some(over) = over.filter(|over| now > *over) else { return false };
        (self.state, self.closed) = (S::Closed, Some(over));
        true
    }

    /// Returns the next level of escalation, when the clock says so: once when it ran out, once more after a grace.
    /// Never answers.
    pub fn escalate(&mut self, now: Timestamp) -> Option<u8> {
        let due = self.due()?;
        let level = match now {
            now if now > due.plus(GRACE) => 2,
            now if now > due => 1,
            _in_time => 0,
        };
        if level <= self.level {
            return None;
        }
        self.level = level;
        Some(level)
    }

    /// The first end counts for the clock.
    fn end(&mut self, state: RequestState, at: Timestamp) {
        if self.in_time.is_none() && self.ended.is_none() {
            let unknown = self.started.is_none() && self.stopped.is_none();
            self.in_time = match (is_answer(state), self.due()) {
                // The clock's start is still on its way: measured when it is there.
                _unknown if unknown => None,
                (true, Some(due)) => Some(at <= due.plus(SKEW)),
                (true, None) => Some(true),
                (false, Some(due)) if at > due => Some(false),
                (false, _) => None,
            };
        }
        self.ended = self.ended.or(Some(at));
        self.state = state;
        self.stopped = None;
    }
}

/// Whether the asked side gave its answer, whole or in part, or said that it gives none.
const fn is_answer(state: RequestState) -> bool {
    matches!(state, RequestState::AnsweredFull | RequestState::AnsweredPart | RequestState::Refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mithaq_model::{Lang, Text};
    use proptest::prelude::*;

    const START: Timestamp = Timestamp::from_millis(1_780_300_800_000);

    fn hours(n: u64) -> Timestamp {
        START.plus(Millis::hours(n))
    }

    fn words() -> Text {
        Text::line(Lang::EN, "Which of the two crossings?").unwrap()
    }

    fn received(urgency: Urgency, limit: u64) -> Dialogue {
        let mut one = Dialogue::sent(urgency, Millis::hours(limit));
        assert_eq!(one.due(), None, "the clock starts with the receipt");
        one.arrived(START);
        one
    }

    #[test]
    fn the_clocks_of_the_directive() {
        let mut urgent = received(Urgency::ThreatToLife, 8);
        assert_eq!(urgent.due(), Some(hours(8)));
        urgent.take(&Said::Accepted { direct: false }, hours(1));
        assert_eq!(urgent.due(), Some(hours(72)), "not directly available: three days");
        let mut routine = received(Urgency::Routine, 7 * 24);
        routine.take(&Said::Accepted { direct: false }, hours(1));
        assert_eq!(routine.due(), Some(hours(7 * 24)), "only urgent ones have the three days");
    }

    #[test]
    fn a_question_back_stops_the_clock_until_its_answer_is_stored() {
        let mut one = received(Urgency::ThreatToLife, 8);
        one.take(&Said::Clarify { text: words() }, hours(2));
        assert_eq!((one.due(), one.state), (None, RequestState::Clarification));
        assert_eq!(one.clone().escalate(hours(900)), None, "what stands is not overdue");
        one.take(&Said::Clarified { text: words() }, hours(20));
        assert_eq!(one.due(), None, "said is not stored");
        one.resumed(hours(26));
        assert_eq!((one.due(), one.state), (Some(hours(8 + 24)), RequestState::UnderEvaluation));
        one.resumed(hours(90));
        assert_eq!(one.due(), Some(hours(32)), "once only");
    }

    #[test]
    fn silence_escalates_and_never_answers() {
        let mut one = received(Urgency::Routine, 168);
        assert_eq!(one.escalate(hours(168)), None);
        assert_eq!(one.escalate(hours(169)), Some(1));
        assert_eq!(one.escalate(hours(170)), None, "once per level");
        assert_eq!(one.escalate(hours(168 + 49)), Some(2));
        for day in 0..400 {
            assert_eq!(one.escalate(hours(300 + day * 24)), None);
            assert!(one.state.is_open(), "open after {day} days");
        }
        one.answered(hours(9_000), false);
        assert_eq!((one.state, one.in_time), (RequestState::AnsweredFull, Some(false)));
        assert_eq!(one.escalate(hours(9_999)), None);
    }

    #[test]
    fn what_ended_is_closed_after_thirty_days_without_feedback_and_nothing_else_is() {
        let far = hours(9_999_999);
        for state in RequestState::ALL {
            let mut one = Dialogue { state: *state, ended: Some(START), ..received(Urgency::Routine, 168) };
            assert!(!one.close(hours(30 * 24), far), "{state}: the last moment of the thirty days");
            let ends =
                matches!(state, RequestState::AnsweredFull | RequestState::Refused | RequestState::Withdrawn);
            assert_eq!(one.close(hours(30 * 24 + 1), far), ends, "{state}");
            assert_eq!(one.closed, ends.then(|| hours(30 * 24)), "both sides say the same instant");
        }
        let mut part = received(Urgency::Routine, 168);
        part.answered(hours(1), true);
        assert!(!part.close(hours(400 * 24), hours(500 * 24)), "the rest is owed until its own last day");
        assert!(part.close(hours(501 * 24), hours(500 * 24)));
    }

    #[test]
    fn feedback_that_crossed_the_closing_counts_and_a_late_one_does_not() {
        let feedback = Said::Feedback { useful: 3, accuracy: 3, text: None };
        let mut one = received(Urgency::Routine, 168);
        one.answered(hours(1), false);
        assert!(one.close(hours(32 * 24), hours(900 * 24)));
        assert!(one.may(Speaker::Asking, &feedback, hours(30 * 24)).is_ok());
        assert!(one.may(Speaker::Asking, &feedback, hours(31 * 24 + 2)).is_err());
        one.take(&feedback, hours(30 * 24));
        assert_eq!((one.marks, one.closed), (Some((3, 3)), Some(hours(30 * 24 + 1))));
        assert!(one.may(Speaker::Asking, &feedback, hours(30 * 24)).is_err(), "once");
    }

    #[test]
    fn what_is_said_before_the_receipt_came_stands_and_is_measured_by_the_clock_that_comes_later() {
        let refuse = Said::Refused { ground: RefusalGround::NotAvailable, part: false, text: None };
        for (at, in_time) in [(hours(7), true), (hours(9), false)] {
            let (mut asked, mut asking) =
                (received(Urgency::ThreatToLife, 8), Dialogue::sent(Urgency::ThreatToLife, Millis::hours(8)));
            assert!(asking.may(Speaker::Asked, &refuse, at).is_ok());
            asked.take(&refuse, at);
            asking.take(&refuse, at);
            assert_eq!((asking.state, asking.in_time), (RequestState::Refused, None), "not known yet");
            asking.arrived(START);
            assert_eq!((&asking, asking.in_time), (&asked, Some(in_time)));
            asking.arrived(hours(3));
            assert_eq!(asking, asked, "the first receipt counts");
        }
        let mut asked = received(Urgency::ThreatToLife, 8);
        let mut asking = Dialogue::sent(Urgency::ThreatToLife, Millis::hours(8));
        for one in [&mut asked, &mut asking] {
            one.take(&Said::Clarify { text: words() }, hours(1));
        }
        asking.arrived(START);
        asking.resumed(hours(2));
        asked.resumed(hours(2));
        assert_eq!((asking.due(), &asking), (Some(hours(9)), &asked));
        let mut withdrawn = Dialogue::sent(Urgency::Routine, Millis::hours(8));
        withdrawn.withdrawn(hours(1));
        withdrawn.arrived(START);
        assert_eq!((withdrawn.state, withdrawn.in_time), (RequestState::Withdrawn, None));
        assert!(withdrawn.may(Speaker::Asked, &refuse, hours(2)).is_err());
    }

    #[test]
    fn each_step_has_its_speaker_and_its_states() {
        let steps = [
            (Speaker::Asked, Said::Accepted { direct: true }),
            (Speaker::Asked, Said::Clarify { text: words() }),
            (Speaker::Asking, Said::Clarified { text: words() }),
            (Speaker::Asked, Said::Delayed { until: hours(200), text: words() }),
            (Speaker::Asked, Said::Refused { ground: RefusalGround::NotAvailable, part: false, text: None }),
            (Speaker::Asking, Said::Feedback { useful: 1, accuracy: 1, text: None }),
            (Speaker::Asking, Said::Overdue { level: 1 }),
        ];
        let expected = [
            (RequestState::Sent, "xx..x.."),
            (RequestState::Received, "xx..x.x"),
            (RequestState::UnderEvaluation, "xx..x.x"),
            (RequestState::Clarification, "..x.x.x"),
            (RequestState::Accepted, ".x.xx.x"),
            (RequestState::Delayed, ".x.xx.x"),
            (RequestState::AnsweredPart, "....xx."),
            (RequestState::AnsweredFull, ".....x."),
            (RequestState::Refused, ".....x."),
            (RequestState::Withdrawn, "......."),
            (RequestState::Expired, "......."),
            (RequestState::Closed, "......."),
        ];
        assert_eq!(expected.len(), RequestState::ALL.len());
        for (state, allowed) in expected {
            let one = Dialogue { state, ..received(Urgency::Routine, 168) };
            for ((speaker, said), mark) in steps.iter().zip(allowed.chars()) {
                let may = one.may(*speaker, said, hours(1)).is_ok();
                assert_eq!(may, mark == 'x', "{said:?} in {state}");
                let other = if *speaker == Speaker::Asked { Speaker::Asking } else { Speaker::Asked };
                assert_eq!(
                    one.may(other, said, hours(1)),
                    Err(Refuse::RequestState),
                    "{said:?} by the other"
                );
            }
        }
        let one = Dialogue { state: RequestState::Accepted, ..received(Urgency::Routine, 168) };
        for until in [hours(0), hours(1), hours(2 + 90 * 24)] {
            let said = Said::Delayed { until, text: words() };
            assert!(one.may(Speaker::Asked, &said, hours(1)).is_err(), "a date that is no delay");
        }
    }

    #[test]
    fn a_part_may_be_refused_and_the_rest_answered() {
        let mut one = received(Urgency::Routine, 168);
        one.take(&Said::Accepted { direct: true }, hours(1));
        let part = Said::Refused { ground: RefusalGround::EndangersPerson, part: true, text: None };
        one.take(&part, hours(2));
        assert_eq!((one.state, one.ended), (RequestState::Accepted, None));
        one.answered(hours(3), true);
        assert_eq!((one.state, one.in_time), (RequestState::AnsweredPart, Some(true)));
        one.take(&Said::Refused { ground: RefusalGround::NotAvailable, part: false, text: None }, hours(4));
        assert_eq!(one.state, RequestState::AnsweredPart, "what was answered stays answered");
    }

    fn any_step() -> impl Strategy<Value = (u8, u64)> {
        (0_u8..10, 0_u64..400)
    }

    proptest! {
        /// Both sides see the same sequence of steps and receipts: they compute the same due date and state, and no
        /// sequence without an answer, refusal or withdrawal closes a request.
        #[test]
        fn both_sides_agree_and_only_people_end_it(steps in prop::collection::vec(any_step(), 0..12)) {
            let (mut asked, mut asking) = (received(Urgency::ThreatToLife, 8), received(Urgency::ThreatToLife, 8));
            let mut ended = false;
            let mut at = START;
            for (what, later) in steps {
                at = at.plus(Millis::hours(later));
                let (speaker, said) = match what {
                    0 => (Speaker::Asked, Said::Accepted { direct: later % 2 == 0 }),
                    1 => (Speaker::Asked, Said::Clarify { text: words() }),
                    2 => (Speaker::Asking, Said::Clarified { text: words() }),
                    3 => (Speaker::Asked, Said::Delayed { until: at.plus(Millis::hours(later)), text: words() }),
                    4 => (Speaker::Asking, Said::Overdue { level: 1 }),
                    5 => {
                        let part = later % 2 == 0;
                        (Speaker::Asked, Said::Refused { ground: RefusalGround::NotAvailable, part, text: None })
                    }
                    _tick => {
                        prop_assert_eq!(asked.escalate(at), asking.escalate(at));
                        continue;
                    }
                };
                if asked.may(speaker, &said, at).is_err() {
                    prop_assert!(asking.may(speaker, &said, at).is_err());
                    continue;
                }
                for side in [&mut asked, &mut asking] {
                    side.take(&said, at);
                    if matches!(said, Said::Clarified { .. }) {
                        side.resumed(at);
                    }
                }
                ended |= matches!(said, Said::Refused { part: false, .. });
                prop_assert_eq!(&asked, &asking);
                prop_assert_eq!(asked.state.is_open(), !ended);
            }
        }
    }
}
