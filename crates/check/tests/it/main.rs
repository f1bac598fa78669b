//! A check between two sides, and what goes wrong with it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so at once")]

mod attack;
mod faults;
mod sides;
mod vectors;

use std::collections::BTreeMap;

use mithaq_check::{Answer, Strength, Warrant, claims, oprf::Mode};
use mithaq_model::{Days, OfficerId, SubjectId};
use sides::{Sides, born, now};

#[test]
fn two_sides_find_one_person_across_scripts() {
    for mode in [Mode::Base, Mode::Verifiable] {
        let sides = Sides::new(mode, &["عبد الحميد بوزيان", "Leïla Ben Yedder", "Иван Петров"]);
        let asked = [born("Abdelhamid Bouziane"), born("Zubayda Quisquater"), born("Leila Benyedder")];
        let pending = sides.ask(1, &asked);
        let request = pending.request().clone();
        assert_eq!(request.elements.len() % 8, 0, "filled up");
        let answer = sides.serve(&request).to_bytes();
        let hits = pending.conclude(&answer, &sides.set).unwrap();
        assert_eq!(hits.iter().map(|hit| hit.subject).collect::<Vec<_>>(), [0, 2]);
        assert!(hits.iter().all(|hit| hit.strength == Strength::Possible));
        // The claim names what the asked side knows under a handle; a half nobody evaluated names nothing.
        let mut claimed = claims([1; 16], &hits, &[]);
        claimed.halves.push([0xff; 32]);
        let random: Vec<[u8; 16]> =
            (0..claimed.halves.len()).map(|n| [u8::try_from(n).unwrap(); 16]).collect();
        let none = BTreeMap::new();
        let (handles, found) = sides.register.resolve(&claimed, request.elements.len(), &random, &none);
        assert_eq!(handles.handles.last(), Some(&None));
        let subjects: std::collections::BTreeSet<SubjectId> =
            found.iter().map(|(_, subject, _)| *subject).collect();
        assert_eq!(subjects, [SubjectId::new([0; 16]), SubjectId::new([1; 16])].into_iter().collect());
        // More claims than were evaluated are answered with nothing.
        assert!(sides.register.resolve(&claimed, 1, &random, &none).1.is_empty());
    }
}

#[test]
fn who_was_cleared_is_no_hit_for_the_half_that_says_so_and_a_homonym_is() {
    // Two homonyms at the asked side, in the order in which they came.
    let mut sides = Sides::new(Mode::Base, &["Ali Hassan", "Ali Hassan"]);
    let (first, second) = (SubjectId::new([0; 16]), SubjectId::new([1; 16]));
    let pending = sides.ask(1, &[born("Ali Hassan"), born("Ali Hassan")]);
    let answer = sides.serve(pending.request()).to_bytes();
    let hits = pending.conclude(&answer, &sides.set).unwrap();
    let handle = [7; 16];
    let behind: BTreeMap<_, _> = [(handle, first)].into_iter().collect();
    let met = |sides: &Sides, cleared: &[(usize, [u8; 16])]| {
        let claimed = claims([1; 16], &hits, cleared);
        let random = vec![[9; 16]; claimed.halves.len()];
        let (_, found) = sides.register.resolve(&claimed, 1_000, &random, &behind);
        let mut met: Vec<SubjectId> = found.into_iter().map(|(_, subject, _)| subject).collect();
        met.dedup();
        met
    };
    assert_eq!(met(&sides, &[]), [first], "the first is answered with");
    assert_eq!(met(&sides, &[(0, handle), (1, handle)]), [second], "both of the question were cleared");
    assert_eq!(met(&sides, &[(0, handle)]), [first], "the other one of the question was not");
    assert_eq!(met(&sides, &[(0, [8; 16]), (1, [8; 16])]), [first], "a handle nobody knows");
    sides.register.remove(first);
    assert_eq!(met(&sides, &[]), [second]);
    sides.register.remove(second);
    assert!(met(&sides, &[]).is_empty() && sides.register.is_empty());
}

#[test]
fn oversight_opens_one_log_against_the_other() {
    let sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    let pending = sides.ask(1, &[born("Ali Hassan")]);
    let (request, opening) = (pending.request(), pending.opening());
    assert_eq!(request.commitment, opening.commitment());
    let binding = mithaq_check::Binding::of(&sides.set.header);
    let stored = mithaq_check::Opening::from_bytes(&opening.to_bytes()).unwrap();
    assert_eq!(stored.check(request, &binding, Mode::Base), Ok(()));
    assert!(
        stored.keys.iter().any(|key| stored.is_dummy(key))
            && !stored.keys.iter().all(|key| stored.is_dummy(key))
    );
    // One other token, one other blind, one other order: it shows, and where.
    let mut other = stored.clone();
    other.keys[2] = [9; 32];
    assert_eq!(other.check(request, &binding, Mode::Base), Err(mithaq_check::Mismatch::Commitment));
    let mut changed = request.clone();
    changed.elements.swap(1, 2);
    assert_eq!(stored.check(&changed, &binding, Mode::Base), Err(mithaq_check::Mismatch::Element(1)));
    changed.elements.pop();
    assert_eq!(stored.check(&changed, &binding, Mode::Base), Err(mithaq_check::Mismatch::Count));
}

#[test]
fn two_questions_about_one_person_share_nothing() {
    // To two partners, or twice to one: no element, commitment or number is the same.
    let sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    let (one, other) = (sides.ask(1, &[born("Ali Hassan")]), sides.ask(2, &[born("Ali Hassan")]));
    let (one, other) = (one.request(), other.request());
    assert!(one.elements.iter().all(|element| !other.elements.contains(element)));
    assert_ne!(one.commitment, other.commitment);
}

#[test]
fn a_subject_added_later_is_found_with_the_next_set_and_by_a_standing_check() {
    let mut sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    let pending = sides.ask(1, &[born("Zubayda Quisquater")]);
    let answer = sides.serve(pending.request()).to_bytes();
    assert!(pending.conclude(&answer, &sides.set).unwrap().is_empty());

    let warrant = Warrant {
        reference: "order-7".to_owned(),
        persons: [OfficerId::new([1; 16]), OfficerId::new([2; 16])],
        ends: now().plus(Days(30)),
    };
    let outputs = sides.outputs_of(&born("Zubayda Quisquater"));
    let halves = outputs.iter().map(mithaq_check::half).collect();
    let until = now().plus(Days(20));
    let standing = mithaq_check::Standing::new([1; 16], warrant, halves, until, now()).unwrap();
    assert!(!outputs_hit(&standing, &sides.outputs_of(&born("Ali Hassan"))));
    assert!(outputs_hit(&standing, &outputs));

    sides.learn(9, "زبيدة كيسكاتر");
    let pending = sides.ask(2, &[born("Zubayda Quisquater"), born("Ali Hassan")]);
    let answer = sides.serve(pending.request()).to_bytes();
    assert_eq!(pending.conclude(&answer, &sides.set).unwrap().len(), 2);
    sides.register.remove(SubjectId::new([9; 16]));
    sides.publish(3);
    let pending = sides.ask(3, &[born("Zubayda Quisquater")]);
    let answer = sides.serve(pending.request()).to_bytes();
    assert!(pending.conclude(&answer, &sides.set).unwrap().is_empty());
}

fn outputs_hit(standing: &mithaq_check::Standing, outputs: &[mithaq_check::oprf::Output]) -> bool {
    outputs.iter().any(|output| standing.hits(output, now()))
}

#[test]
fn a_refusal_and_no_hit_are_alike_in_every_byte_but_the_random_ones() {
    let mut sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    sides.terms.refuse_silently = true;
    let pending = sides.ask(1, &[born("Zubayda Quisquater")]);
    let honest = sides.serve(pending.request());
    let refused = sides.refuse(pending.request());
    let (a, b) = (honest.to_bytes(), refused.to_bytes());
    assert_eq!(a.len(), b.len());
    assert!(matches!((&honest, &refused), (Answer::Evaluated { .. }, Answer::Evaluated { .. })));
    assert_eq!(Answer::leaves_after(8), Answer::leaves_after(8));
    assert!(pending.conclude(&b, &sides.set).unwrap().is_empty(), "the asking side reads no hit");
}
