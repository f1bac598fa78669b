//! The two sides of a question about a planned action, pure: cells in, conflict out.

use mithaq_wire::WireError;
use thiserror::Error;

use super::document::{EVENT_TAGS_MAX, EVENT_TAGS_STEP, EventAnswer, EventRequest, EventTag};
use super::{Plan, asked, held};
use crate::Opening;
use crate::ask::half;
use crate::oprf::{self, Mode, OprfError, SecretKey};

/// What the key of a question is derived with.
const KEY: &[u8] = b"mithaq/event-key/1";

/// Why an answer gives nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EventError {
    /// It cannot be read.
    #[error("the answer cannot be read: {0}")]
    Wire(#[from] WireError),
    /// It is to another question.
    #[error("the answer is to another question")]
    Replay,
    /// The evaluation does not hold.
    #[error("the evaluation does not hold: {0}")]
    Oprf(#[from] OprfError),
    /// The asked side refused and says so.
    #[error("it was refused: {0}")]
    Refused(String),
}

/// Makes the opening of a question about a plan: its cell, the 26 around it, dummies.
#[must_use]
pub fn event_opening(plan: &Plan, seed: [u8; 32], salt: [u8; 32]) -> Opening {
    // Twenty-seven cells, filled up by the opening's own step to thirty-two.
    Opening::new(seed, salt, asked(plan))
}

/// Fills in the elements of a request from its opening: the same opening gives the same.
///
/// # Errors
/// When the opening cannot be used.
pub fn event_ask(mut request: EventRequest, opening: &Opening) -> Result<EventRequest, EventError> {
    request.commitment = opening.commitment();
    let inputs: Vec<_> = opening.keys.iter().map(|cell| request.input(cell)).collect();
    request.elements = oprf::blind(&inputs, &opening.blinds(Mode::Base)?)?;
    Ok(request)
}

/// Reads the answer: the second halves of what met, rising; none: no conflict.
///
/// # Errors
/// When the answer does not hold or refuses.
pub fn event_conclude(
    request: &EventRequest,
    opening: &Opening,
    answer: &[u8],
) -> Result<Vec<[u8; 32]>, EventError> {
    let (ask, digest, answer) = EventAnswer::from_bytes(answer)?;
    if ask != request.ask || digest != request.digest() {
        return Err(EventError::Replay);
    }
    let (elements, tags) = match answer {
        EventAnswer::Evaluated(elements, tags) => (elements, tags),
        EventAnswer::Refused(code) => return Err(EventError::Refused(code)),
    };
    let inputs: Vec<_> = opening.keys.iter().map(|cell| request.input(cell)).collect();
    let outputs = oprf::finalize(&inputs, &opening.blinds(Mode::Base)?, &elements)?;
    let met = |output: &&oprf::Output| tags.binary_search(&request.tag(output)).is_ok();
    let mut halves: Vec<[u8; 32]> = outputs.iter().filter(met).map(half).collect();
    halves.sort_unstable();
    Ok(halves)
}

/// What the asked side answers with, and which half is which of its plans: to be kept until the claim.
#[derive(Debug)]
pub struct EventEvaluated {
    /// The answer.
    pub answer: EventAnswer,
    /// The second half of each plan's output, in the order of the plans.
    pub halves: Vec<[u8; 32]>,
}

/// Evaluates a question and tags the plans of this side, under a key from `seed` that is forgotten here. `fill`: random
/// tags, as many as [`event_fill`] says.
///
/// # Errors
/// When an element is none, or there are too many plans.
pub fn event_answer(
    request: &EventRequest,
    plans: &[Plan],
    seed: &[u8; 32],
    fill: &[EventTag],
) -> Result<EventEvaluated, OprfError> {
    let key = SecretKey::derive(Mode::Base, seed, KEY)?;
    let elements = oprf::evaluate(&key, &request.elements)?;
    let inputs: Vec<_> = plans.iter().map(|plan| request.input(&held(plan))).collect();
    let outputs = oprf::own_outputs(&key, &inputs)?;
    let mut tags: Vec<EventTag> =
        outputs.iter().map(|output| request.tag(output)).chain(fill.iter().copied()).collect();
    tags.sort_unstable();
    tags.dedup();
    if tags.is_empty() || tags.len() > EVENT_TAGS_MAX {
        return Err(OprfError::Count);
    }
    Ok(EventEvaluated {
        answer: EventAnswer::Evaluated(elements, tags),
        halves: outputs.iter().map(half).collect(),
    })
}

/// Returns how many random tags fill up those of so many plans: to a multiple of 32, at least one.
#[must_use]
pub fn event_fill(plans: usize) -> usize {
    let whole = plans.saturating_add(1).next_multiple_of(EVENT_TAGS_STEP);
    whole.saturating_sub(plans)
}

#[cfg(test)]
mod tests {
    use super::super::tests::plan;
    use super::*;
    use crate::event::document::EVENT_QUERIES;
    use mithaq_model::{AgreementId, PartyId, Purpose, Timestamp};

    fn request(ask: u8) -> EventRequest {
        EventRequest {
            ask: [ask; 16],
            agreement: AgreementId::new([2; 32]),
            asking: PartyId::new("ma-security").unwrap(),
            asked: PartyId::new("es-police").unwrap(),
            purpose: Purpose::Investigate,
            case: [3; 16],
            officer: [4; 16],
            created: Timestamp::from_millis(5),
            commitment: [0; 32],
            elements: Vec::new(),
        }
    }

    #[test]
    fn near_plans_conflict_and_far_ones_do_not() {
        let ours = plan(35.78, -5.81, 100);
        let opening = event_opening(&ours, [1; 32], [2; 32]);
        let asked = event_ask(request(1), &opening).unwrap();
        assert_eq!(asked.elements.len(), EVENT_QUERIES);
        let far = plan(48.85, 2.35, 100);
        for (plans, met) in
            [(vec![far, plan(35.83, -5.75, 105)], vec![1]), (vec![far], vec![]), (vec![], vec![])]
        {
            let fill: Vec<EventTag> =
                (0..event_fill(plans.len())).map(|n| [u8::try_from(n).unwrap(); 16]).collect();
            let there = event_answer(&asked, &plans, &[5; 32], &fill).unwrap();
            let EventAnswer::Evaluated(_, tags) = &there.answer else { panic!("refused") };
            assert_eq!(tags.len(), 32, "one plan or none looks alike");
            let bytes = there.answer.to_bytes(&asked.ask, &asked.digest());
            let halves = event_conclude(&asked, &opening, &bytes).unwrap();
            let found: Vec<usize> =
                halves.iter().map(|half| there.halves.iter().position(|one| one == half).unwrap()).collect();
            assert_eq!(found, met);
        }
    }

    #[test]
    fn answers_to_others_and_under_other_keys_give_nothing() {
        let ours = plan(35.78, -5.81, 100);
        let opening = event_opening(&ours, [1; 32], [2; 32]);
        let (one, other) =
            (event_ask(request(1), &opening).unwrap(), event_ask(request(2), &opening).unwrap());
        let fill: Vec<EventTag> = (0..31).map(|n| [n; 16]).collect();
        let there = event_answer(&one, &[ours], &[5; 32], &fill).unwrap();
        let bytes = there.answer.to_bytes(&one.ask, &one.digest());
        assert_eq!(event_conclude(&one, &opening, &bytes).unwrap().len(), 1);
        assert_eq!(event_conclude(&other, &opening, &bytes), Err(EventError::Replay));
        // Tags of one question say nothing under another's key: a kept answer tests no further guess.
        let EventAnswer::Evaluated(_, tags) = there.answer else { panic!("refused") };
        let again = event_answer(&one, &[], &[6; 32], &fill).unwrap();
        let EventAnswer::Evaluated(elements, _) = again.answer else { panic!("refused") };
        let mixed = EventAnswer::Evaluated(elements, tags).to_bytes(&one.ask, &one.digest());
        assert_eq!(event_conclude(&one, &opening, &mixed), Ok(Vec::new()));
        let refused = EventAnswer::Refused("BUD".to_owned()).to_bytes(&one.ask, &one.digest());
        assert_eq!(event_conclude(&one, &opening, &refused), Err(EventError::Refused("BUD".to_owned())));
        let bad = EventRequest { elements: vec![crate::oprf::Element([0; 32]); 32], ..one };
        assert_eq!(event_answer(&bad, &[ours], &[5; 32], &fill).unwrap_err(), OprfError::Element);
    }
}
