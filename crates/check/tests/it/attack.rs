//! The attacker with a whole transcript: its program finds what there is to find, and without the key there is nothing.

use mithaq_check::attack::{Person, Recorded, RecordedError, Shipped};
use mithaq_check::oprf::{Blinds, Mode, blind, evaluate};
use mithaq_check::{Party, Token, claims, inputs, tokens};

use crate::sides::{POLICY, Sides, born};

fn person(name: &str) -> Person {
    Person { name: name.to_owned(), year: 1987 }
}

fn guesses() -> Vec<Person> {
    let strangers = (0..40).map(|n| person(&format!("Pilar Quintana {n}")));
    ["Abdelhamid Bouziane", "Абдельхамид Бузиан"].map(person).into_iter().chain(strangers).collect()
}

/// A check that hit, as its bytes travelled.
fn heard(mode: Mode) -> (Sides, Recorded) {
    let sides = Sides::new(mode, &["عبد الحميد بوزيان"]);
    let pending = sides.ask(1, &[born("Abdelhamid Bouziane")]);
    let request = pending.request().to_bytes();
    let answer = sides.serve(pending.request()).to_bytes();
    let hits = pending.conclude(&answer, &sides.set).unwrap();
    let mut recorded = Recorded::new(&sides.set.to_bytes()).unwrap();
    recorded.hear(&request, &answer).unwrap();
    recorded.hear_claims(&claims([1; 16], &hits, &[]).to_bytes()).unwrap();
    (sides, recorded)
}

#[test]
fn a_transcript_names_nobody_and_the_key_names_them() {
    for mode in [Mode::Base, Mode::Verifiable] {
        let (sides, recorded) = heard(mode);
        let (tags, elements, halves) = recorded.sizes();
        assert!(tags > 200 && elements >= 16 && halves > 0, "it holds all that travelled");
        assert_eq!(recorded.named(&guesses()), Ok(0));
        assert_eq!(recorded.tried(&guesses(), &sides.key), Ok(2), "with the key, in either spelling");
    }
}

#[test]
fn an_asking_side_that_does_not_blind_is_found() {
    let (sides, mut recorded) = heard(Mode::Base);
    let pending = sides.ask(2, &[born("Abdelhamid Bouziane")]);
    let mut request = pending.request().clone();
    let made = tokens(&POLICY, Party::Asking, &born("Abdelhamid Bouziane"));
    let keys: Vec<_> = made.iter().map(Token::key).collect();
    let mut one = [0; 64];
    one[0] = 1;
    let blinds = Blinds::new(Mode::Base, &vec![one; keys.len()]).unwrap();
    request.elements = blind(&inputs(&sides.set.header, &keys), &blinds).unwrap();
    let answer = mithaq_check::Answer::Evaluated {
        check: request.check,
        request: request.digest(),
        elements: evaluate(&sides.key, &request.elements).unwrap(),
        proof: None,
    };
    recorded.hear(&request.to_bytes(), &answer.to_bytes()).unwrap();
    assert_eq!(recorded.named(&guesses()), Ok(2));
}

#[test]
fn filters_of_the_same_persons_fall() {
    let guesses = guesses();
    for kind in Shipped::ALL {
        let key = |n: usize| guesses.get(n).map_or_else(String::new, |one| one.filter_key(&POLICY));
        let filter = kind.filter(&[key(0), key(1)]);
        assert_eq!(kind.named(key, 0..guesses.len(), &filter), Ok(2));
        assert_eq!(kind.named(key, 2..guesses.len(), &filter), Ok(0));
    }
}

#[test]
fn what_is_no_transcript_is_refused() {
    let (sides, mut recorded) = heard(Mode::Base);
    assert!(matches!(Recorded::new(b"no set"), Err(RecordedError::Set(_))));
    assert!(matches!(recorded.hear(b"no request", b""), Err(RecordedError::Document(_))));
    assert!(matches!(recorded.hear_claims(b"no claims"), Err(RecordedError::Document(_))));
    let mut set = sides.set.clone();
    set.header.policy = [1; 32];
    assert_eq!(Recorded::new(&set.to_bytes()).err(), Some(RecordedError::Policy));
    // A question under another epoch says nothing about this set.
    let before = recorded.sizes();
    let pending = sides.ask(3, &[born("Abdelhamid Bouziane")]);
    let answer = sides.serve(pending.request()).to_bytes();
    let mut other = pending.request().clone();
    other.epoch += 1;
    recorded.hear(&other.to_bytes(), &answer).unwrap();
    assert_eq!(recorded.sizes(), before);
}
