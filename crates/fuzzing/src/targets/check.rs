//! The documents of the private check.

use super::{Outcome, Target, refused, same_bytes};
use mithaq_check::event::{EVENT_TAGS, EventAnswer, EventClaim, EventContacts, EventRequest};
use mithaq_check::follow::{Released, Verdict};
use mithaq_check::oprf::{Element, Mode, Proof, SecretKey};
use mithaq_check::{
    Answer, Claims, Cleared, Handles, Opened, Opening, Request, SetHeader, Shown, SignedSet, StandingAnswer,
    StandingAsk, StandingWord, TagSet, Title, TokenPolicy, Word,
};
use mithaq_model::{AgreementId, CaseId, PartyId, Purpose, Sex, SubjectClass, Timestamp};

const DIGEST: [u8; 32] = [6; 32];
const CHECK: [u8; 16] = [1; 16];

pub(super) fn targets() -> Vec<Target> {
    let target = |name, about, seeds, run| Target { name, about, seeds, dictionary: &[], run };
    vec![
        target("check-set", "a signed tag set", sets(), |bytes| {
            once(bytes, |b| SignedSet::read(b, |_, _, _| true), SignedSet::to_bytes)
        }),
        target("check-filter", "the filter of a tag set", filters(), |bytes| {
            once(bytes, |b| TagSet::from_filter([0; 16], 256, b), TagSet::filter)
        }),
        target("check-request", "a request", vec![request().to_bytes()], |bytes| {
            once(bytes, Request::from_bytes, Request::to_bytes)
        }),
        target("check-answer", "an answer", answers(), |bytes| {
            once(bytes, Answer::from_bytes, Answer::to_bytes)
        }),
        target("check-claims", "claims of hits", claims(), |bytes| {
            once(bytes, Claims::from_bytes, Claims::to_bytes)
        }),
        target("check-handles", "handles of candidates", handles(), |bytes| {
            once(bytes, Handles::from_bytes, Handles::to_bytes)
        }),
        target("check-word", "a word about a candidate", words(), |bytes| {
            once(bytes, Word::from_bytes, Word::to_bytes)
        }),
        target("check-standing", "a word about a standing check", standings(), |bytes| {
            once(bytes, StandingWord::from_bytes, StandingWord::to_bytes)
        }),
        target("check-stands", "where a standing check is", stands(), |bytes| {
            once(bytes, StandingAnswer::from_bytes, |(check, answer)| answer.to_bytes(check))
        }),
        target("check-event", "a question about a planned action", events(), |bytes| {
            once(bytes, EventRequest::from_bytes, EventRequest::to_bytes)
        }),
        target("check-event-answer", "an answer about planned actions", event_answers(), |bytes| {
            once(bytes, EventAnswer::from_bytes, |(ask, digest, answer)| answer.to_bytes(ask, digest))
        }),
        target("check-event-claim", "a claim that plans met", event_claims(), |bytes| {
            once(bytes, EventClaim::from_bytes, EventClaim::to_bytes)
        }),
        target("check-event-contacts", "points of contact", event_contacts(), |bytes| {
            once(bytes, EventContacts::from_bytes, EventContacts::to_bytes)
        }),
        target("check-opened", "a check opened for oversight", opened(), |bytes| {
            once(bytes, Opened::from_bytes, Opened::to_bytes)
        }),
        target("check-opening", "the opening of a query set", openings(), |bytes| {
            once(bytes, Opening::from_bytes, Opening::to_bytes)
        }),
        target("check-policy", "a policy of tokens", policies(), |bytes| {
            once(bytes, TokenPolicy::from_bytes, TokenPolicy::to_bytes)
        }),
    ]
}

fn once<T, E: std::fmt::Display + std::fmt::Debug>(
    bytes: &[u8],
    decode: impl FnOnce(&[u8]) -> Result<T, E>,
    encode: impl FnOnce(&T) -> Vec<u8>,
) -> Outcome {
    match decode(bytes) {
        Ok(value) => same_bytes(bytes, &encode(&value)),
        Err(error) => refused(error),
    }
}

fn set() -> Option<TagSet> {
    let seeds: Vec<[u8; 32]> = (0..=255).map(|n| [n; 32]).collect();
    TagSet::of([0; 16], seeds.get(..200)?, seeds.get(200..)?).ok()
}

fn filters() -> Vec<Vec<u8>> {
    set().iter().map(TagSet::filter).collect()
}

fn sets() -> Vec<Vec<u8>> {
    let parties = PartyId::new("es-police").ok().zip(PartyId::new("ma-security").ok());
    let key = SecretKey::derive(Mode::Verifiable, &[8; 32], b"").ok();
    let made = set().zip(parties).zip(key).map(|((set, (asked, asking)), key)| {
        let header = SetHeader {
            agreement: AgreementId::new([2; 32]),
            asked,
            asking,
            epoch: 1,
            number: 300,
            policy: [3; 32],
            key: key.public(),
            valid_from: Timestamp::from_millis(0),
            valid_to: Timestamp::from_millis(1_780_300_800_000),
            nonce: [0; 16],
            slots: 0,
            filter: [0; 32],
        };
        SignedSet::sign(header, set, |_| [7; 64]).to_bytes()
    });
    made.into_iter().collect()
}

fn request() -> Request {
    let party = |name: &str| PartyId::new(name).unwrap_or_else(|_| std::process::abort());
    Request {
        check: CHECK,
        agreement: AgreementId::new([2; 32]),
        asking: party("ma-security"),
        asked: party("es-police"),
        epoch: 1,
        policy: [3; 32],
        case: CaseId::new([4; 16]),
        purpose: Purpose::Investigate,
        class: SubjectClass::Wanted,
        officer: [5; 16],
        subjects: 25,
        created: Timestamp::from_millis(1_780_300_800_000),
        commitment: DIGEST,
        elements: vec![Element([7; 32]); 3],
    }
}

fn answers() -> Vec<Vec<u8>> {
    let (check, request, elements) = (CHECK, DIGEST, vec![Element([8; 32]); 3]);
    [
        Answer::Evaluated { check, request, elements: elements.clone(), proof: None },
        Answer::Evaluated { check, request, elements, proof: Some(Proof([9; 64])) },
        Answer::Refused { check, request, code: "check.epoch".to_owned() },
    ]
    .iter()
    .map(Answer::to_bytes)
    .collect()
}

fn claims() -> Vec<Vec<u8>> {
    let halves = vec![[1; 32], [2; 32], [3; 32]];
    let cleared =
        vec![Cleared { half: [1; 32], handle: [4; 16] }, Cleared { half: [3; 32], handle: [5; 16] }];
    vec![
        Claims { check: CHECK, halves: halves.clone(), cleared: Vec::new() }.to_bytes(),
        Claims { check: CHECK, halves, cleared }.to_bytes(),
    ]
}

fn handles() -> Vec<Vec<u8>> {
    vec![Handles { check: CHECK, handles: vec![Some([1; 16]), None] }.to_bytes()]
}

fn words() -> Vec<Vec<u8>> {
    let (check, handle) = (CHECK, [2; 16]);
    let shown = Some(Shown { years: Some((1987, 1988)), sex: Some(Sex::Male) });
    [
        Word { check, handle, shown: None, verdict: None, released: None },
        Word { check, handle, shown, verdict: Some(Verdict::Same), released: Some(Released::Report) },
        Word { check, handle, shown: Some(Shown::default()), verdict: Some(Verdict::Other), released: None },
    ]
    .iter()
    .map(Word::to_bytes)
    .collect()
}

fn standings() -> Vec<Vec<u8>> {
    let title = || Title {
        reference: "order-7".to_owned(),
        ends: Timestamp::from_millis(1_790_300_800_000),
        until: Timestamp::from_millis(1_780_300_800_000),
        persons: [[1; 16], [2; 16]],
    };
    let asks = [
        StandingAsk::Place(title(), vec![[3; 32], [4; 32]]),
        StandingAsk::Renew(title()),
        StandingAsk::End,
        StandingAsk::Look,
    ];
    asks.into_iter().map(|ask| StandingWord { check: CHECK, ask }.to_bytes()).collect()
}

fn stands() -> Vec<Vec<u8>> {
    let until = Some(Timestamp::from_millis(1_780_300_800_000));
    let answers = [
        StandingAnswer::Refused("check.epoch".to_owned()),
        StandingAnswer::Stands { until: None, hits: Vec::new() },
        StandingAnswer::Stands { until, hits: vec![([1; 32], [2; 16])] },
    ];
    answers.iter().map(|answer| answer.to_bytes(&CHECK)).collect()
}

fn events() -> Vec<Vec<u8>> {
    let base = request();
    let one = EventRequest {
        ask: CHECK,
        agreement: base.agreement,
        asking: base.asking,
        asked: base.asked,
        purpose: base.purpose,
        case: [4; 16],
        officer: [5; 16],
        created: base.created,
        commitment: DIGEST,
        element: Element([7; 32]),
    };
    vec![one.to_bytes()]
}

fn event_answers() -> Vec<Vec<u8>> {
    let tags = (1_u128..).take(EVENT_TAGS).map(u128::to_be_bytes).collect();
    let evaluated = EventAnswer::Evaluated(Element([8; 32]), tags);
    [evaluated, EventAnswer::Refused("BUD".to_owned())]
        .iter()
        .map(|one| one.to_bytes(&CHECK, &DIGEST))
        .collect()
}

fn event_claims() -> Vec<Vec<u8>> {
    vec![EventClaim { ask: CHECK, half: [1; 32], contact: "room 12".to_owned() }.to_bytes()]
}

fn event_contacts() -> Vec<Vec<u8>> {
    vec![EventContacts { ask: CHECK, contacts: vec!["desk 3".to_owned(), "room 12".to_owned()] }.to_bytes()]
}

fn opened() -> Vec<Vec<u8>> {
    let opening = Opening::new([1; 32], [2; 32], [[3; 32]]);
    let of = |mode| Opened { request: request(), opening: opening.clone(), mode }.to_bytes();
    vec![of(Mode::Base), of(Mode::Verifiable)]
}

fn openings() -> Vec<Vec<u8>> {
    vec![Opening::new([1; 32], [2; 32], [[3; 32], [4; 32]]).to_bytes()]
}

fn policies() -> Vec<Vec<u8>> {
    let place = TokenPolicy { place_bits: Some(30), ..TokenPolicy::NARROW };
    [TokenPolicy::NARROW, TokenPolicy::WIDE, place].iter().map(TokenPolicy::to_bytes).collect()
}
