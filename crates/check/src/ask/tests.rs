//! A hit, none and a silent refusal, compared by what is done and what is sent: counts of operations, lengths, and the
//! spread of bytes. Nothing here reads a clock, and all randomness is written down: a test that passes once always does.

use mithaq_model::{AgreementId, CaseId, PartyId, Purpose, SubjectClass, Timestamp};

use super::*;
use crate::oprf::{Element, SecretKey, count, own_outputs};
use crate::serve::{Charged, Refused, inputs};
use crate::set::{TagSet, filled, tag_seed};

/// Subjects in the set, and queries of a check.
const HELD: usize = 700;
const QUERIES: usize = 48;

struct Both {
    key: SecretKey,
    set: SignedSet,
}

fn token(kind: u8, n: usize) -> TokenKey {
    let mut key = [kind; 32];
    key.iter_mut().zip(n.to_be_bytes()).for_each(|(slot, byte)| *slot = byte);
    key
}

fn both(mode: Mode) -> Both {
    let key = SecretKey::derive(mode, &[8; 32], b"epoch 1").unwrap();
    let party = |id: &str| PartyId::new(id).unwrap();
    let header = SetHeader {
        agreement: AgreementId::new([2; 32]),
        asked: party("es-police"),
        asking: party("ma-security"),
        epoch: 1,
        number: 1,
        policy: [3; 32],
        key: key.public(),
        valid_from: Timestamp::from_millis(0),
        valid_to: Timestamp::from_millis(9_000),
        nonce: [0; 16],
        slots: 0,
        filter: [0; 32],
    };
    let held: Vec<TokenKey> = (0..HELD).map(|n| token(1, n)).collect();
    let outputs = own_outputs(&key, &inputs(&header, &held)).unwrap();
    let seeds: Vec<[u8; 32]> = outputs.iter().map(tag_seed).collect();
    let fill = usize::try_from(filled(u32::try_from(HELD).unwrap())).unwrap() - HELD;
    let dummies: Vec<[u8; 32]> = (0..fill).map(|n| token(9, n)).collect();
    let set = SignedSet::sign(header, TagSet::of([4; 16], &seeds, &dummies).unwrap(), |_| [0; 64]);
    Both { key, set }
}

impl Both {
    /// A check of which so many tokens are in the set.
    fn asks(&self, seed: u8, hits: usize) -> Pending {
        let header = self.set.header.clone();
        let known = (0..hits).map(|n| token(1, n * 7));
        let keys: Vec<TokenKey> = known.chain((hits..QUERIES).map(|n| token(2, n))).collect();
        let opening = Opening::new([seed; 32], [5; 32], keys.iter().copied());
        let binding = Binding::of(&header);
        let inputs: Vec<_> = opening.keys.iter().map(|key| binding.input(key)).collect();
        let elements = oprf::blind(&inputs, &opening.blinds(header.key.mode()).unwrap()).unwrap();
        let request = Request {
            check: [seed; 16],
            agreement: header.agreement,
            asking: header.asking.clone(),
            asked: header.asked.clone(),
            epoch: 1,
            policy: header.policy,
            case: CaseId::new([3; 16]),
            purpose: Purpose::Investigate,
            class: SubjectClass::Wanted,
            officer: [4; 16],
            subjects: 1,
            created: Timestamp::from_millis(9),
            commitment: opening.commitment(),
            elements,
        };
        let owners = keys.iter().map(|key| (*key, 0, Strength::Possible)).collect();
        Pending { request, opening, binding, header, owners }
    }

    fn answers(&self, request: &Request) -> Answer {
        Charged::recovered(request.clone()).evaluate(&self.key, &[6; 64])
    }
}

fn elements(answer: &Answer) -> &[Element] {
    match answer {
        Answer::Evaluated { elements, .. } => elements,
        Answer::Refused { code, .. } => panic!("refused: {code}"),
    }
}

#[test]
fn the_asked_node_does_the_same_for_hits_and_none() {
    for mode in [Mode::Base, Mode::Verifiable] {
        let both = both(mode);
        let work = |hits: usize| {
            let pending = both.asks(1, hits);
            let (done, answer) = count::of(|| both.answers(pending.request()));
            let (looks, found) = count::of(|| pending.conclude(&answer.to_bytes(), &both.set).unwrap());
            let halves: usize = found.iter().map(|hit| hit.halves.len()).sum();
            (halves, done, looks, answer.to_bytes().len())
        };
        let none = work(0);
        assert_eq!(none.0, 0);
        if mode == Mode::Base {
            assert_eq!(none.1, [QUERIES, QUERIES, QUERIES, 0], "read, multiplied, written once each");
        }
        for hits in [1, 20, QUERIES] {
            let some = work(hits);
            assert_eq!(some.0, hits, "they are hits");
            assert_eq!((some.1, some.2, some.3), (none.1, none.2, none.3), "{hits} of {QUERIES}");
        }
    }
}

#[test]
fn a_silent_refusal_is_the_same_work_and_keeps_what_an_evaluation_keeps() {
    let both = both(Mode::Base);
    let mut request = both.asks(1, 3).request().clone();
    // Two equal elements: random ones in the answer would give the refusal away.
    request.elements[5] = request.elements[2];
    let (done, honest) = count::of(|| both.answers(&request));
    let refused = Refused { code: "BUD".into(), silent: true };
    let (decoys, silent) = count::of(|| refused.answer(&request, &[7; 32]));
    assert_eq!(done, decoys);
    assert_eq!(honest.to_bytes().len(), silent.to_bytes().len());
    for answer in [&honest, &silent] {
        assert_eq!(elements(answer)[5], elements(answer)[2]);
        assert_ne!(elements(answer)[5], elements(answer)[3]);
    }
    assert!(elements(&honest).iter().zip(elements(&silent)).all(|(a, b)| a != b));
    // What is no element is refused in the same words, admitted or not.
    request.elements[9] = Element([0; 32]);
    assert_eq!(both.answers(&request).to_bytes(), refused.answer(&request, &[7; 32]).to_bytes());
    // An open refusal says so.
    let open = Refused { silent: false, ..refused }.answer(&request, &[7; 32]);
    assert!(matches!(open, Answer::Refused { code, .. } if code == "BUD"));
}

/// How far two lists of bytes are from one spread: chi squared of two samples over 16 bins (15 degrees of freedom;
/// 37.7 is passed once in 1,000 lists of one spread).
fn apart(one: &[Element], other: &[Element]) -> f64 {
    let bins = |elements: &[Element]| {
        let mut bins = [0.0_f64; 16];
        // The lowest bit of an element is always 0 and so is the highest: neither is looked at.
        elements.iter().flat_map(|e| &e.0[1..31]).for_each(|byte| bins[usize::from(byte % 16)] += 1.0);
        bins
    };
    bins(one).iter().zip(bins(other)).map(|(a, b)| (a - b) * (a - b) / (a + b)).sum()
}

#[test]
fn no_byte_sent_tells_hits_from_none_or_an_evaluation_from_a_silent_refusal() {
    let both = both(Mode::Base);
    let mut lists: [Vec<Element>; 6] = Default::default();
    for seed in 0..12_u8 {
        for (at, hits) in [(0, 0), (1, QUERIES)] {
            let request = both.asks(seed + 20 * u8::try_from(at).unwrap(), hits).request().clone();
            lists[at].extend(&request.elements);
            lists[at + 2].extend(elements(&both.answers(&request)));
            let refused = Refused { code: "BUD".into(), silent: true };
            lists[at + 4].extend(elements(&refused.answer(&request, &[seed + 1; 32])));
        }
    }
    for (at, one) in lists.iter().enumerate() {
        for other in &lists[..at] {
            assert!(apart(one, other) < 37.7, "lists {at}: {}", apart(one, other));
        }
    }
    // The measure sees what is not of one spread: a text in the place of elements.
    let text = vec![Element(*b"a name that is only encoded here"); lists[0].len()];
    assert!(apart(&lists[0], &text) > 1_000.0);
}

#[test]
fn a_look_takes_as_many_steps_whatever_is_found_and_finds_each_tag() {
    let both = both(Mode::Base);
    let header = &both.set.header;
    let all: Vec<TokenKey> = (0..HELD).map(|n| token(1, n)).chain((0..HELD).map(|n| token(2, n))).collect();
    let outputs = own_outputs(&both.key, &inputs(header, &all)).unwrap();
    let mut steps = std::collections::BTreeSet::new();
    for (at, output) in outputs.iter().enumerate() {
        let (done, found) = count::of(|| both.set.set.contains(output));
        assert_eq!(found, at < HELD, "{at}");
        steps.insert(done);
    }
    assert_eq!(steps.len(), 1, "{steps:?}");
    // The ends of the range, in the smallest set too.
    let least = TagSet::new([0; 16], 256, vec![vec![0]]).unwrap();
    assert!(!least.contains(&outputs[0]));
}
