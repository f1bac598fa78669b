//! The two sides of a question about a planned action, pure: a cell in, conflict out.

use std::collections::BTreeSet;

use mithaq_wire::WireError;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::document::{EventAnswer, EventRequest, EventTag};
use super::{EVENT_PLANS_MAX, EVENT_TAGS, Plan, asked, held};
use crate::ask::half;
use crate::oprf::{self, Mode, OprfError, SecretKey};
use crate::{Mismatch, Opening};

/// What the key of a question is derived with.
const KEY: &[u8] = b"mithaq/event-key/1";
const FILL: &[u8] = b"mithaq/event-fill/1";

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

/// Makes the opening of a question about a plan: its cell and nothing else.
#[must_use]
pub fn event_opening(plan: &Plan, seed: [u8; 32], salt: [u8; 32]) -> Opening {
    Opening { seed, salt, keys: vec![asked(plan)] }
}

/// Fills in commitment and element of a request from its opening: the same opening gives the same.
///
/// # Errors
/// When the opening is of another number of cells than one, or cannot be used.
pub fn event_ask(mut request: EventRequest, opening: &Opening) -> Result<EventRequest, EventError> {
    request.commitment = opening.commitment();
    let [cell] = opening.keys.as_slice() else { return Err(OprfError::Count.into()) };
    let blinded = oprf::blind(&[request.input(cell)], &opening.blinds(Mode::Base)?)?;
    let [element] = blinded.as_slice() else { return Err(OprfError::Count.into()) };
    request.element = *element;
    Ok(request)
}

/// Checks, for oversight, that a request asked exactly for the cell of an opening.
///
/// # Errors
/// Where they differ.
pub fn event_check(request: &EventRequest, opening: &Opening) -> Result<(), Mismatch> {
    if opening.commitment() != request.commitment {
        return Err(Mismatch::Commitment);
    }
    let [cell] = opening.keys.as_slice() else { return Err(Mismatch::Count) };
    let blinded = oprf::blind(&[request.input(cell)], &opening.blinds(Mode::Base)?)?;
    if blinded == [request.element] { Ok(()) } else { Err(Mismatch::Element(0)) }
}

/// Reads the answer: the second half of the output when it met, none when there is no conflict.
///
/// # Errors
/// When the answer does not hold or refuses.
pub fn event_conclude(
    request: &EventRequest,
    opening: &Opening,
    answer: &[u8],
) -> Result<Option<[u8; 32]>, EventError> {
    let (ask, digest, answer) = EventAnswer::from_bytes(answer)?;
    if ask != request.ask || digest != request.digest() {
        return Err(EventError::Replay);
    }
    let (element, tags) = match answer {
        EventAnswer::Evaluated(element, tags) => (element, tags),
        EventAnswer::Refused(code) => return Err(EventError::Refused(code)),
    };
    let [cell] = opening.keys.as_slice() else { return Err(OprfError::Count.into()) };
    let outputs = oprf::finalize(&[request.input(cell)], &opening.blinds(Mode::Base)?, &[element])?;
    let met = outputs.first().filter(|output| tags.binary_search(&request.tag(output)).is_ok());
    Ok(met.map(half))
}

/// What the asked side answers with, and which half is which of its plans: to be kept until the claim.
#[derive(Debug)]
pub struct EventEvaluated {
    /// The answer.
    pub answer: EventAnswer,
    /// A second half and the place of a plan it meets, by halves: which of the cells of a plan it was is not told.
    pub halves: Vec<([u8; 32], usize)>,
}

/// Evaluates a question and tags the plans of this side, under a key from `seed` (32 random bytes) that is forgotten here.
/// Where `show` is false it meets none of them, and looks and costs the same: a silent refusal.
///
/// # Errors
/// When the element is none, or there are more than [`EVENT_PLANS_MAX`] plans.
pub fn event_answer(
    request: &EventRequest,
    plans: &[Plan],
    seed: &[u8; 32],
    show: bool,
) -> Result<EventEvaluated, OprfError> {
    if plans.len() > EVENT_PLANS_MAX {
        return Err(OprfError::Count);
    }
    let key = SecretKey::derive(Mode::Base, seed, KEY)?;
    let evaluated = oprf::evaluate(&key, &[request.element])?;
    let [element] = evaluated.as_slice() else { return Err(OprfError::Count) };
    let cells: Vec<(usize, [u8; 64])> = (0..)
        .zip(plans)
        .flat_map(|(at, plan)| held(plan).into_iter().map(move |cell| (at, request.input(&cell))))
        .collect();
    let inputs: Vec<_> = cells.iter().map(|(_, input)| input).collect();
    let outputs = oprf::own_outputs(&key, &inputs)?;
    let mut tags = BTreeSet::new();
    let mut halves = Vec::new();
    if show {
        tags.extend(outputs.iter().map(|output| request.tag(output)));
        halves.extend(outputs.iter().zip(&cells).map(|(output, (at, _))| (half(output), *at)));
    }
    // Always as many: how many plans there are, and whether they share cells, is not told.
    let mut filled = (0..).map(|n| fill(seed, n));
    while tags.len() < EVENT_TAGS {
        tags.extend(filled.by_ref().take(EVENT_TAGS - tags.len()));
    }
    halves.sort_unstable();
    let tags = tags.into_iter().collect();
    Ok(EventEvaluated { answer: EventAnswer::Evaluated(*element, tags), halves })
}

/// A tag of no plan.
fn fill(seed: &[u8; 32], n: u64) -> EventTag {
    let hash = Sha256::new().chain_update(FILL).chain_update(seed).chain_update(n.to_be_bytes()).finalize();
    hash.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::super::tests::plan;
    use super::*;
    use crate::oprf::Element;

    fn request(ask: u8) -> EventRequest {
        // Commitment and element are filled in from the opening.
        let empty = Element([0; 32]);
        EventRequest { ask: [ask; 16], commitment: [0; 32], element: empty, ..document::tests::request() }
    }

    fn opening(plan: &Plan) -> Opening {
        event_opening(plan, [1; 32], [2; 32])
    }

    fn tags(answer: &EventAnswer) -> &[EventTag] {
        match answer {
            EventAnswer::Evaluated(_, tags) => tags,
            EventAnswer::Refused(code) => panic!("refused: {code}"),
        }
    }

    #[test]
    fn near_plans_conflict_and_far_ones_do_not() {
        let ours = plan(35.78, -5.81, 100);
        let opening = opening(&ours);
        let asked = event_ask(request(1), &opening).unwrap();
        let (near, far) = (plan(35.83, -5.75, 105), plan(48.85, 2.35, 100));
        for (plans, met) in [
            (vec![far, near], vec![1]),
            (vec![near, far, near], vec![0, 2]),
            (vec![far], vec![]),
            (vec![], vec![]),
        ] {
            for show in [true, false] {
                let there = event_answer(&asked, &plans, &[5; 32], show).unwrap();
                assert_eq!(tags(&there.answer).len(), EVENT_TAGS, "few plans or none, refused or not");
                let bytes = there.answer.to_bytes(&asked.ask, &asked.digest());
                let half = event_conclude(&asked, &opening, &bytes).unwrap();
                let found: Vec<usize> =
                    there.halves.iter().filter(|(one, _)| Some(*one) == half).map(|(_, at)| *at).collect();
                assert_eq!(found, if show { met.clone() } else { Vec::new() });
                assert_eq!(half.is_some(), show && !met.is_empty());
            }
        }
    }

    #[test]
    fn an_answer_says_near_and_not_in_which_of_the_cells() {
        // Whichever of the 27 cells around the plan is asked for, the answer is of one form: one tag that meets.
        let held_there = plan(35.78, -5.81, 100);
        let mut told = 0;
        for (north, east, hours) in [(0.0, 0.0, 0), (0.1, 0.0, 6), (-0.1, 0.1, -6), (0.1, 0.1, 0)] {
            let ours = plan(35.75 + north, -5.85 + east, 100 + hours);
            let opening = opening(&ours);
            let asked = event_ask(request(1), &opening).unwrap();
            let there = event_answer(&asked, &[held_there], &[5; 32], true).unwrap();
            let bytes = there.answer.to_bytes(&asked.ask, &asked.digest());
            told += usize::from(event_conclude(&asked, &opening, &bytes).unwrap().is_some());
            assert!(there.halves.is_sorted(), "in no order of cells");
        }
        assert_eq!(told, 4);
    }

    #[test]
    fn answers_to_others_and_under_other_keys_give_nothing() {
        let ours = plan(35.78, -5.81, 100);
        let opening = opening(&ours);
        let (one, other) =
            (event_ask(request(1), &opening).unwrap(), event_ask(request(2), &opening).unwrap());
        let there = event_answer(&one, &[ours], &[5; 32], true).unwrap();
        let bytes = there.answer.to_bytes(&one.ask, &one.digest());
        assert!(event_conclude(&one, &opening, &bytes).unwrap().is_some());
        assert_eq!(event_conclude(&other, &opening, &bytes), Err(EventError::Replay));
        // Tags of one question say nothing under another's key: a kept answer tests no further guess.
        let again = event_answer(&one, &[], &[6; 32], true).unwrap();
        let EventAnswer::Evaluated(element, _) = again.answer else { panic!("refused") };
        let mixed = EventAnswer::Evaluated(element, tags(&there.answer).to_vec());
        let mixed = mixed.to_bytes(&one.ask, &one.digest());
        assert_eq!(event_conclude(&one, &opening, &mixed), Ok(None));
        let refused = EventAnswer::Refused("BUD".to_owned()).to_bytes(&one.ask, &one.digest());
        assert_eq!(event_conclude(&one, &opening, &refused), Err(EventError::Refused("BUD".to_owned())));
        let bad = EventRequest { element: Element([0; 32]), ..one.clone() };
        for show in [true, false] {
            let answered = event_answer(&bad, &[ours], &[5; 32], show);
            assert_eq!(answered.unwrap_err(), OprfError::Element, "no element is refused either way");
        }
        let forged = EventAnswer::Evaluated(Element([0; 32]), tags(&there.answer).to_vec());
        let forged = event_conclude(&one, &opening, &forged.to_bytes(&one.ask, &one.digest()));
        assert_eq!(forged, Err(EventError::Oprf(OprfError::Element)));
    }

    #[test]
    fn the_most_plans_fit_an_answer_and_one_more_is_none() {
        let plans: Vec<Plan> = (0..128).map(|n| plan(f64::from(n) / 2.0, 0.0, 0)).collect();
        let opening = opening(&plan(80.0, 80.0, 0));
        let asked = event_ask(request(1), &opening).unwrap();
        let full = event_answer(&asked, &plans, &[5; 32], true).unwrap();
        assert_eq!(tags(&full.answer).len(), EVENT_TAGS);
        let bytes = full.answer.to_bytes(&asked.ask, &asked.digest());
        assert_eq!(event_conclude(&asked, &opening, &bytes), Ok(None));
        let more: Vec<Plan> = plans.iter().chain(plans.first()).copied().collect();
        assert_eq!(event_answer(&asked, &more, &[5; 32], true).unwrap_err(), OprfError::Count);
    }

    #[test]
    fn an_opening_shows_that_one_cell_was_asked_for_and_which() {
        let ours = plan(35.78, -5.81, 100);
        let good = opening(&ours);
        let asked = event_ask(request(1), &good).unwrap();
        assert_eq!(event_check(&asked, &good), Ok(()));
        assert_eq!(event_check(&asked, &opening(&plan(40.0, -5.81, 100))), Err(Mismatch::Commitment));
        let other = event_ask(request(1), &event_opening(&ours, [9; 32], [2; 32])).unwrap();
        let mixed = EventRequest { element: other.element, ..asked.clone() };
        assert_eq!(event_check(&mixed, &good), Err(Mismatch::Element(0)));
        let two = Opening::new([1; 32], [2; 32], [[3; 32], [4; 32]]);
        assert_eq!(event_ask(request(1), &two), Err(EventError::Oprf(OprfError::Count)));
        let honest = EventRequest { commitment: two.commitment(), ..asked };
        assert_eq!(event_check(&honest, &two), Err(Mismatch::Count));
    }
}
