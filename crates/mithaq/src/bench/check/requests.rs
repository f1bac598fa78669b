//! Requests for information at both ends: what was said about each, what answers it, and the state that follows from that by
//! the table of the specification, which both sides must be in. No answer twice, none lost.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_db::{Row, Value};

use super::{Fate, Object, Side, Verdict, hex};
use crate::bench::tables::unreadable;
use crate::ui::Failure;

/// What of a request both ends compute alike: its clock and its end.
const ALIKE: [&str; 14] = [
    "urgency",
    "limit_ms",
    "direct",
    "accepted",
    "started_at",
    "stopped_at",
    "paused_ms",
    "delayed_until",
    "questions",
    "escalation",
    "ended_at",
    "in_time",
    "ground",
    "closed_at",
];

/// A request as one end has it.
struct Asked {
    state: String,
    /// The columns of [`ALIKE`].
    alike: Vec<Value>,
    /// What was said, by number: who said it (the asking end first), what and when.
    steps: BTreeMap<Object, (bool, String, i64)>,
    /// Reports that answer, and whether in part.
    answers: BTreeMap<Object, bool>,
}

impl Asked {
    fn at(&self, column: &str) -> Option<&Value> {
        self.alike.get(ALIKE.iter().position(|one| *one == column)?)
    }

    fn int(&self, column: &str) -> Option<i64> {
        if let Value::Int(number) = self.at(column)? { Some(*number) } else { None }
    }

    /// How often something was said.
    fn said(&self, kind: &str) -> usize {
        self.steps.values().filter(|(_, word, _)| word == kind).count()
    }

    /// When something was said first.
    fn said_at(&self, kind: &str) -> Option<i64> {
        self.steps.values().filter(|(_, word, _)| word == kind).map(|(_, _, at)| *at).min()
    }
}

pub(super) fn check(asking: &Side, asked: &Side, verdict: &mut Verdict) -> Result<(), Failure> {
    let here = rows(asking, (&asked.party, "own"))?;
    let there = rows(asked, (&asking.party, "received"))?;
    let name = format!("{} asks {}", asking.party, asked.party);
    for id in asking.known.asked.keys().filter(|id| !here.contains_key(*id)) {
        verdict.broken.push(format!("I1 {name}: the request {} is gone", hex(id)));
    }
    for id in there.keys().filter(|id| !here.contains_key(*id)) {
        verdict.broken.push(format!("I10 {name}: {} was never asked", hex(id)));
    }
    let (accepted, answers) = (accepted(asking, "report")?, accepted(asked, "report")?);
    for (id, own) in &here {
        verdict.requests += 1;
        let name = format!("{name} {}", hex(id));
        let Some(fate) = asking.known.asked.get(id) else {
            verdict.holds(asking.known.silent, || format!("I2 {name}: nobody asked this"));
            verdict.holds(there.contains_key(id), || format!("I1 {name}: lost on its way"));
            continue;
        };
        // Taken back before it was taken there: refused for that, and no row.
        let Some(theirs) = there.get(id) else {
            let never = *fate == Fate::Withdrawn && !accepted.contains(id);
            verdict.holds(never, || format!("I1 {name}: lost on its way"));
            continue;
        };
        both(&name, *fate, [own, theirs], verdict);
        for answer in own.answers.keys() {
            verdict.holds(answers.contains(answer), || {
                format!("I4 {name}: the answer {} has no receipt that accepts it", hex(answer))
            });
        }
    }
    steps_signed((asking, true), &here, verdict)?;
    steps_signed((asked, false), &there, verdict)
}

/// Both ends of one request.
fn both(name: &str, fate: Fate, [own, theirs]: [&Asked; 2], verdict: &mut Verdict) {
    ends_agree((name, fate), own, theirs, verdict);
    end_follows(name, fate, own, verdict);
    for (found, state) in [own, theirs].into_iter().zip(fate.states()) {
        verdict.holds(found.state == state, || {
            format!("I1 {name} ({fate:?}): {} where it must be {state}", found.state)
        });
    }
}

/// I18: both ends tell the same story.
fn ends_agree((name, fate): (&str, Fate), own: &Asked, theirs: &Asked, verdict: &mut Verdict) {
    for ((column, ours), other) in ALIKE.iter().zip(&own.alike).zip(&theirs.alike) {
        // What was taken back ends on each side when it hears of it: nothing was owed any more.
        let alone = fate == Fate::Withdrawn && *column == "ended_at";
        verdict.holds(alone || ours == other, || {
            format!("I18 {name}: {column} is {} here, {} there", shown(ours), shown(other))
        });
    }
    verdict.holds(own.steps == theirs.steps, || format!("I18 {name}: other steps at the two ends"));
    verdict.holds(own.answers == theirs.answers, || format!("I18 {name}: other answers at the two ends"));
}

/// The state that the steps and answers allow, and what people did.
fn end_follows(name: &str, fate: Fate, own: &Asked, verdict: &mut Verdict) {
    let (taken_up, refused, answered) = (own.said("accepted"), own.said("refused"), own.answers.len());
    // Who takes a request back may be later than a step that was on its way.
    let (up, no, answer) = match fate {
        Fate::Answered => (1, 0, 1),
        Fate::TakenUp => (1, 0, 0),
        Fate::Refused => (0, 1, 0),
        Fate::Opened | Fate::Withdrawn => (0, 0, 0),
    };
    verdict.holds((taken_up, refused, answered) == (up, no, answer), || {
        format!("I2 {name} ({fate:?}): taken up {taken_up}, refused {refused}, answered {answered} times")
    });
    verdict.holds(own.steps.len() == up + no, || format!("I2 {name}: {} steps", own.steps.len()));
    let (started, ended) = (own.int("started_at"), own.int("ended_at"));
    let over = matches!(fate, Fate::Answered | Fate::Refused | Fate::Withdrawn);
    verdict.holds(ended.is_some() == over, || format!("I1 {name} ({fate:?}): its end is {ended:?}"));
    verdict.holds(own.answers.values().all(|part| !part), || format!("I1 {name}: answered in part"));
    if fate == Fate::Refused {
        verdict.holds(ended == own.said_at("refused"), || format!("I1 {name}: not ended by its refusal"));
        let ground = own.at("ground") == Some(&Value::from("R01"));
        verdict.holds(ground, || format!("I1 {name}: refused on another ground"));
    }
    if matches!(fate, Fate::Answered | Fate::Refused) {
        verdict.holds(started.is_some() && own.int("in_time") == Some(1), || {
            format!("I15 {name}: a clock of days was not kept within minutes")
        });
    }
}

/// Each sentence that a side says it said is one accepted message of its own.
fn steps_signed(
    (side, asks): (&Side, bool),
    all: &BTreeMap<Object, Asked>,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let sent = accepted(side, "step")?;
    let own = all.values().flat_map(|asked| &asked.steps).filter(|(_, (by_asking, ..))| *by_asking == asks);
    for (id, _said) in own {
        verdict.holds(sent.contains(id), || {
            format!("I4 {}: the step {} has no receipt that accepts it", side.party, hex(id))
        });
    }
    Ok(())
}

/// The objects of a kind that a side sent and the other signed as accepted.
fn accepted(side: &Side, kind: &str) -> Result<BTreeSet<Object>, Failure> {
    let sql = "SELECT object FROM outbox WHERE kind = $1 AND verdict = 'accepted' AND object IS NOT NULL";
    let rows = side.rows(sql, vec![Value::from(kind)])?;
    rows.iter().map(|row| row.array(0)).collect::<Result<_, _>>().map_err(unreadable)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Bytes(bytes) => hex(bytes),
    }
}

/// The requests of a side with a partner, in one direction.
fn rows(side: &Side, (partner, direction): (&str, &str)) -> Result<BTreeMap<Object, Asked>, Failure> {
    let sql = "SELECT id, state, urgency, limit_ms, direct, accepted, started_at, stopped_at, paused_ms, delayed_until,
               questions, escalation, ended_at, in_time, ground, closed_at
               FROM request WHERE partner = $1 AND direction = $2";
    let mut all = BTreeMap::new();
    for row in side.rows(sql, vec![Value::from(partner), Value::from(direction)])? {
        let alike = (2..ALIKE.len() + 2).map(|at| row.value(at).cloned()).collect::<Result<_, _>>();
        let id: Object = row.array(0).map_err(unreadable)?;
        let (state, alike) = (row.text(1).map_err(unreadable)?.to_owned(), alike.map_err(unreadable)?);
        all.insert(id, Asked { state, alike, steps: BTreeMap::new(), answers: BTreeMap::new() });
    }
    let asks = direction == "own";
    let step = |row: &Row| {
        let by_asking = (row.int(2)? != 0) == asks;
        Ok((row.array(0)?, row.array(1)?, (by_asking, row.text(3)?.to_owned(), row.int(4)?)))
    };
    for row in side.rows("SELECT request, id, own, kind, at FROM request_step", Vec::new())? {
        let (request, id, said) = step(&row).map_err(unreadable)?;
        all.get_mut(&request).map(|asked: &mut Asked| asked.steps.insert(id, said));
    }
    let answer = |row: &Row| Ok((row.array(0)?, row.array(1)?, row.int(2)? != 0));
    for row in side.rows("SELECT request, report, part FROM request_answer", Vec::new())? {
        let (request, report, part) = answer(&row).map_err(unreadable)?;
        all.get_mut(&request).map(|asked: &mut Asked| asked.answers.insert(report, part));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDED: i64 = 5;

    /// A request that was taken up, answered once and ended in time.
    fn answered() -> Asked {
        let value = |column: &str| match column {
            "started_at" => Value::from(1_i64),
            "ended_at" => Value::from(ENDED),
            "in_time" => Value::from(1_i64),
            _other => Value::Null,
        };
        let steps = BTreeMap::from([([1; 16], (false, "accepted".to_owned(), 2))]);
        let state = "answered_full".to_owned();
        Asked { state, alike: ALIKE.map(value).to_vec(), steps, answers: BTreeMap::from([([2; 16], false)]) }
    }

    fn found(fate: Fate, own: &Asked, theirs: &Asked) -> usize {
        let mut verdict = Verdict::default();
        both("it", fate, [own, theirs], &mut verdict);
        verdict.broken.len()
    }

    fn put(asked: &mut Asked, column: &str, value: Value) {
        let at = ALIKE.iter().position(|one| *one == column).unwrap();
        asked.alike[at] = value;
    }

    #[test]
    fn an_answer_that_came_twice_or_not_and_ends_that_differ_are_found() {
        let good = answered();
        assert_eq!(found(Fate::Answered, &good, &good), 0);
        assert!(found(Fate::Refused, &good, &good) > 0 && found(Fate::TakenUp, &good, &good) > 0);
        let mut twice = answered();
        twice.answers.insert([3; 16], false);
        assert!(found(Fate::Answered, &twice, &twice) > 0 && found(Fate::Answered, &good, &twice) > 0);
        let mut never = answered();
        never.answers.clear();
        assert!(found(Fate::Answered, &never, &never) > 0);
        let mut both = answered();
        both.steps.insert([4; 16], (false, "refused".to_owned(), ENDED));
        assert!(found(Fate::Answered, &both, &both) > 0);
        let mut open = answered();
        open.state = "accepted".to_owned();
        assert_eq!((found(Fate::Answered, &good, &open), found(Fate::Answered, &open, &open)), (1, 2));
        for column in ["in_time", "ended_at"] {
            let mut other = answered();
            put(&mut other, column, Value::Null);
            assert!(found(Fate::Answered, &other, &other) > 0, "{column}");
            assert!(found(Fate::Answered, &good, &other) > 0, "{column}");
        }
    }

    #[test]
    fn a_refusal_ends_a_request_when_it_was_said_and_on_its_ground() {
        let mut refused = answered();
        refused.answers.clear();
        refused.steps = BTreeMap::from([([1; 16], (false, "refused".to_owned(), ENDED))]);
        refused.state = "refused".to_owned();
        put(&mut refused, "ground", Value::from("R01"));
        assert_eq!(found(Fate::Refused, &refused, &refused), 0);
        put(&mut refused, "ended_at", Value::from(ENDED + 1));
        assert_eq!(found(Fate::Refused, &refused, &refused), 1);
    }
}
