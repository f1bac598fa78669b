//! Wrong epoch, replay, another key, other agreements, budgets, crashes.

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use curve25519_dalek::ristretto::CompressedRistretto;
use mithaq_check::oprf::{Element, Mode, OprfError, SecretKey, evaluate};
use mithaq_check::{Admission, Answer, AskError, Counters, Question, SetHeader, SignedSet, TokenPolicy, ask};
use mithaq_model::{AgreementId, CaseId, Days};
use mithaq_policy::Side;

use crate::sides::{Sides, born, now};

fn refused(admission: &Admission) -> String {
    match admission {
        Admission::Refused(refused) => refused.code.clone().into_owned(),
        Admission::Again => "again".to_owned(),
        Admission::Charged(_) => "charged".to_owned(),
    }
}

#[test]
fn what_is_not_of_this_epoch_and_agreement_is_refused_with_a_code() {
    let sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    let good = sides.ask(1, &[born("Ali Hassan")]).request().clone();
    let code = |change: &dyn Fn(&mut mithaq_check::Request)| {
        let mut request = good.clone();
        change(&mut request);
        refused(&sides.admit(&request, None))
    };
    assert_eq!(code(&|_| ()), "charged");
    assert_eq!(code(&|r| r.epoch = 2), "check.epoch");
    assert_eq!(code(&|r| r.agreement = AgreementId::new([9; 32])), "check.other_agreement");
    assert_eq!(code(&|r| r.policy = TokenPolicy::NARROW.hash()), "check.other_agreement");
    assert_eq!(code(&|r| std::mem::swap(&mut r.asking, &mut r.asked)), "check.other_agreement");
    assert_eq!(code(&|r| r.subjects = 6), "BUD", "more than the batch cap: the policy's code");
    assert_eq!(code(&|r| r.purpose = mithaq_model::Purpose::Detect), "check.other_permit");
    assert_eq!(code(&|r| r.class = mithaq_model::SubjectClass::Witness), "check.other_permit");
}

#[test]
fn the_same_bytes_again_cost_nothing_and_other_bytes_under_the_number_are_refused() {
    let sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    let request = sides.ask(1, &[born("Ali Hassan")]).request().clone();
    assert_eq!(refused(&sides.admit(&request, Some(request.digest()))), "again");
    let mut other = request.clone();
    other.elements.rotate_left(1);
    assert_eq!(refused(&sides.admit(&other, Some(request.digest()))), "check.number_used");
}

#[test]
fn a_charge_is_made_before_anything_is_evaluated_and_never_given_back() {
    let mut sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    let request = sides.ask(1, &[born("Ali Hassan")]).request().clone();
    let evaluations = u32::try_from(request.elements.len()).unwrap();
    sides.counters = Counters { officer: 500 - evaluations, ..Counters::default() };
    let Admission::Charged(charged) = sides.admit(&request, None) else { panic!("not charged") };
    assert_eq!((charged.counters.officer, charged.counters.partner), (500, evaluations));
    // The node stores the counters and dies: the check was never answered, the budget is spent.
    sides.counters = charged.counters;
    drop(charged);
    assert_eq!(refused(&sides.admit(&request, None)), "BUD");
}

#[test]
fn an_element_that_is_none_is_refused_openly_and_stays_charged() {
    let sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    let mut request = sides.ask(1, &[born("Ali Hassan")]).request().clone();
    request.elements[3] = Element([0; 32]);
    let answer = sides.serve(&request);
    assert!(matches!(answer, Answer::Refused { code, .. } if code == "check.element"));
}

/// Encodings that are no element: the neutral one, the field's prime (zero in a second spelling), all ones, a negative
/// field element, and the points of small order as other curves write them.
fn no_elements() -> Vec<[u8; 32]> {
    let mut prime = [0xff; 32];
    (prime[0], prime[31]) = (0xed, 0x7f);
    let mut minus_one = prime;
    minus_one[0] = 0xec;
    let mut order_four = [0; 32];
    order_four[31] = 0x80;
    vec![[0; 32], prime, [0xff; 32], [1; 32], minus_one, order_four]
}

#[test]
fn no_side_takes_a_small_order_or_second_spelling_from_the_other() {
    let sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    for bytes in no_elements() {
        let pending = sides.ask(1, &[born("Ali Hassan")]);
        let mut request = pending.request().clone();
        request.elements[0] = Element(bytes);
        assert!(matches!(sides.serve(&request), Answer::Refused { code, .. } if code == "check.element"));
        let Answer::Evaluated { check, request, mut elements, proof } = sides.serve(pending.request()) else {
            panic!("refused")
        };
        *elements.last_mut().unwrap() = Element(bytes);
        let answer = Answer::Evaluated { check, request, elements, proof }.to_bytes();
        assert_eq!(
            pending.conclude(&answer, &sides.set),
            Err(AskError::Oprf(OprfError::Element)),
            "{bytes:?}"
        );
    }
}

#[test]
fn an_answer_to_another_question_is_refused() {
    let sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    let (one, other) = (sides.ask(1, &[born("Ali Hassan")]), sides.ask(2, &[born("Ali Hassan")]));
    let replayed = sides.serve(one.request()).to_bytes();
    assert_eq!(other.conclude(&replayed, &sides.set), Err(AskError::Replay));
    let Answer::Evaluated { check, request, mut elements, proof } = sides.serve(one.request()) else {
        panic!("refused")
    };
    elements.pop();
    let short = Answer::Evaluated { check, request, elements, proof }.to_bytes();
    assert_eq!(one.conclude(&short, &sides.set), Err(AskError::Oprf(OprfError::Count)));
}

#[test]
fn another_key_is_caught_by_the_proof_and_a_proof_cannot_be_left_out() {
    let sides = Sides::new(Mode::Verifiable, &["Ali Hassan"]);
    let other = SecretKey::derive(Mode::Verifiable, &[9; 32], b"").unwrap();
    let pending = sides.ask(1, &[born("Ali Hassan")]);
    let Admission::Charged(charged) = sides.admit(pending.request(), None) else { panic!("refused") };
    let lie = charged.evaluate(&other, &[1; 64]).to_bytes();
    assert_eq!(pending.conclude(&lie, &sides.set), Err(AskError::Oprf(OprfError::Proof)));
    let pending = sides.ask(1, &[born("Ali Hassan")]);
    let Answer::Evaluated { check, request, elements, .. } = sides.serve(pending.request()) else {
        panic!("refused")
    };
    let bare = Answer::Evaluated { check, request, elements, proof: None }.to_bytes();
    assert_eq!(pending.conclude(&bare, &sides.set), Err(AskError::Oprf(OprfError::Proof)));
}

/// Which subjects of a question hit, where the asked side makes of the blinded elements what it likes.
fn hits_of(
    sides: &Sides,
    known: &[mithaq_check::Known],
    lie: impl FnOnce(Vec<Element>) -> Vec<Element>,
) -> Vec<usize> {
    let pending = sides.ask(1, known);
    let (check, request) = (pending.request().check, pending.request().digest());
    let elements = lie(pending.request().elements.clone());
    let answer = Answer::Evaluated { check, request, elements, proof: None }.to_bytes();
    pending.conclude(&answer, &sides.set).unwrap().iter().map(|hit| hit.subject).collect()
}

#[test]
fn without_proofs_a_wrong_answer_is_a_miss_and_two_keys_only_choose_what_can_be_hit() {
    let mut sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    let asked = [born("Ali Hassan"), born("Ivan Petrov")];
    // One set with tags under two keys: of the first subject under one, of the second under the other.
    let one = sides.key.clone();
    let two = SecretKey::derive(Mode::Base, &[9; 32], b"").unwrap();
    sides.key = two.clone();
    sides.learn(1, "Ivan Petrov");
    sides.key = one.clone();
    sides.publish(3);
    let under = |key: &SecretKey, blinded: &[Element]| evaluate(key, blinded).unwrap();
    assert_eq!(hits_of(&sides, &asked, |blinded| under(&one, &blinded)), [0]);
    assert_eq!(hits_of(&sides, &asked, |blinded| under(&two, &blinded)), [1]);
    // Any other key, no key, elements of other queries, and the right ones moved by a point: nothing hits, nothing breaks.
    let three = SecretKey::derive(Mode::Base, &[10; 32], b"").unwrap();
    assert_eq!(hits_of(&sides, &asked, |blinded| under(&three, &blinded)), [0; 0]);
    assert_eq!(hits_of(&sides, &asked, |blinded| blinded), [0; 0]);
    let turn = |mut elements: Vec<Element>| {
        elements.rotate_left(1);
        elements
    };
    assert_eq!(hits_of(&sides, &asked, |blinded| turn(under(&one, &blinded))), [0; 0]);
    let moved = |element: &Element| {
        let point = CompressedRistretto(element.0).decompress().unwrap() + RISTRETTO_BASEPOINT_POINT;
        Element(point.compress().to_bytes())
    };
    let all = |blinded: Vec<Element>| under(&one, &blinded).iter().map(moved).collect();
    assert_eq!(hits_of(&sides, &asked, all), [0; 0]);
    assert_eq!(
        hits_of(&sides, &asked, |blinded| vec![Element(one.public().to_bytes()); blinded.len()]),
        [0; 0]
    );
}

#[test]
fn the_public_key_shows_a_dishonest_asker_a_silent_refusal() {
    // Not wanted, and written down in the specification: this fails when it is not so any more.
    let mut sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    sides.terms.refuse_silently = true;
    let mut request = sides.ask(1, &[born("Ali Hassan")]).request().clone();
    request.elements[0] = Element(RISTRETTO_BASEPOINT_POINT.compress().to_bytes());
    let first = |answer: Answer| match answer {
        Answer::Evaluated { elements, .. } => elements[0].0,
        Answer::Refused { code, .. } => panic!("refused: {code}"),
    };
    let public = sides.set.header.key.to_bytes();
    assert_eq!(first(sides.serve(&request)), public);
    assert_ne!(first(sides.refuse(&request)), public);
}

#[test]
fn a_set_of_another_agreement_or_epoch_is_not_compared_with() {
    let sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    for change in [
        (|h: &mut SetHeader| h.epoch = 2) as fn(&mut SetHeader),
        |h| h.agreement = AgreementId::new([9; 32]),
        |h| h.policy = [9; 32],
        |h| h.key = SecretKey::derive(Mode::Base, &[9; 32], b"").unwrap().public(),
    ] {
        let pending = sides.ask(1, &[born("Ali Hassan")]);
        let answer = sides.serve(pending.request()).to_bytes();
        let mut header = sides.set.header.clone();
        change(&mut header);
        let other = SignedSet { header, ..sides.set.clone() };
        assert_eq!(pending.conclude(&answer, &other), Err(AskError::Epoch));
    }
}

#[test]
fn a_question_needs_the_right_permit_a_token_and_a_valid_epoch() {
    let sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    let permit = sides.permit(Side::Sender, 1).unwrap();
    assert_eq!(permit.agreement(), sides.agreement());
    let nameless =
        Sides::question_tokens(&[mithaq_check::Known { births: Vec::new(), ..born("Ali Hassan") }]);
    let good = Sides::question_tokens(&[born("Ali Hassan")]);
    let try_it = |permit, set: &SetHeader, subjects: &[Vec<mithaq_check::Token>], now| {
        let case = CaseId::new([3; 16]);
        let (seed, salt) = ([1; 32], [2; 32]);
        ask(&Question { permit, set, check: [1; 16], case, officer: [4; 16], subjects, seed, salt, now })
            .map(|_| ())
    };
    let set = &sides.set.header;
    assert_eq!(try_it(&permit, set, &good, now()), Ok(()));
    assert_eq!(try_it(&permit, set, &nameless, now()), Err(AskError::NoTokens));
    assert_eq!(try_it(&permit, set, &[good.clone(), good.clone()].concat(), now()), Err(AskError::Permit));
    assert_eq!(try_it(&permit, set, &good, now().plus(Days(100))), Err(AskError::Epoch));
    let theirs = sides.permit(Side::Receiver, 1).unwrap();
    assert_eq!(try_it(&theirs, set, &good, now()), Err(AskError::Permit));
    let other = SetHeader { policy: [1; 32], ..set.clone() };
    assert_eq!(try_it(&permit, &other, &good, now()), Err(AskError::Permit));
}

#[test]
fn a_refusal_says_its_code_where_the_agreement_lets_it() {
    let sides = Sides::new(Mode::Base, &["Ali Hassan"]);
    let pending = sides.ask(1, &[born("Ali Hassan")]);
    let refusal = sides.refuse(pending.request()).to_bytes();
    assert_eq!(pending.conclude(&refusal, &sides.set), Err(AskError::Refused("BUD".to_owned())));
}
