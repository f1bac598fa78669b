//! The published vectors are what this program makes.

use std::collections::BTreeSet;

use data_encoding::HEXLOWER;
use mithaq_check::event::{
    EventAnswer, EventClaim, EventContacts, EventRequest, Plan, asked, event_answer, event_ask,
    event_conclude, event_opening, held,
};
use mithaq_check::follow::{Released, Verdict};
use mithaq_check::oprf::{Element, Mode, SecretKey, own_outputs};
use mithaq_check::{Binding, Known, Party, Shown, Token, TokenPolicy, Word, inputs, tokens};
use mithaq_model::{AgreementId, Coordinates, PartyId, Purpose, Sex, Timestamp};
use mithaq_names::{Document, DocumentKind, Name};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::sides::{POLICY, Sides, born};

fn hex(bytes: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(bytes.as_ref())
}

fn policy(policy: &TokenPolicy) -> Value {
    json!({ "bytes": hex(policy.to_bytes()), "hash": hex(policy.hash()) })
}

fn made() -> Value {
    let sides = Sides::new(Mode::Verifiable, &["عبد الحميد بوزيان"]);
    let known = born("Abdelhamid Bouziane");
    let keys: Vec<_> = tokens(&POLICY, Party::Asking, &known).iter().map(Token::key).collect();
    let pending = sides.ask(1, &[known]);
    let (request, opening) = (pending.request().clone(), pending.opening().clone());
    let answer = sides.serve(&request).to_bytes();
    let header = &sides.set.header;
    let first = inputs(header, keys.get(..1).unwrap());
    let hits = pending.conclude(&answer, &sides.set).unwrap();
    json!({
        "policies": { "narrow": policy(&TokenPolicy::NARROW), "middle": policy(&TokenPolicy::MIDDLE), "wide": policy(&TokenPolicy::WIDE) },
        "token": {
            "name": "Abdelhamid Bouziane", "born": "1987", "party": "asking", "policy": "wide",
            "keys": keys.iter().map(hex).collect::<Vec<_>>(),
        },
        "document_token": document(),
        "key": { "secret": hex(*sides.key.to_bytes()), "public": hex(sides.key.public().to_bytes()), "mode": 1 },
        "header": hex(header.to_bytes()),
        "signed": hex(header.signed_bytes()),
        "signature_key": hex([5; 32]),
        "signature": hex(sides.set.signature),
        "filter_sha256": hex(Sha256::digest(sides.set.set.filter())),
        "input": hex(Binding::of(header).input(keys.first().unwrap())),
        "output": hex(own_outputs(&sides.key, &first).unwrap().first().unwrap()),
        "request": {
            "seed": hex([1; 32]), "salt": hex([101; 32]), "commitment": hex(opening.commitment()),
            "bytes": hex(request.to_bytes()), "digest": hex(request.digest()),
        },
        "answer": { "proof_randomness": hex([6; 64]), "bytes": hex(&answer) },
        "words": words(),
        "event": event(),
        "claimed": hits.iter().flat_map(|hit| hit.halves.iter().map(hex)).collect::<Vec<_>>(),
    })
}

/// What a document makes with each name beside it.
fn document() -> Value {
    let document =
        Document { kind: DocumentKind::Renewable, issuer: *b"MA", number: "ab-١٢٣٤٥٦".to_owned() };
    let names = vec![Name::parse("Abdelhamid Bouziane")];
    let known = Known { names, documents: vec![document.clone()], ..Known::default() };
    let made = tokens(&POLICY, Party::Asking, &known);
    json!({
        "name": "Abdelhamid Bouziane", "issuer": "MA", "number": document.number, "policy": "wide",
        "keys": made.iter().map(Token::key).map(hex).collect::<Vec<_>>(),
    })
}

/// A question about a planned action, asked of who plans the same; tags that fill up are random, and not here.
fn event() -> Value {
    let at = Coordinates { latitude_e6: 35_780_000, longitude_e6: -5_810_000, precision_m: 10_000 };
    let plan = Plan { at, from: Timestamp::from_millis(1_796_104_800_000) };
    let opening = event_opening(&plan, [1; 32], [2; 32]);
    let request = EventRequest {
        ask: [3; 16],
        agreement: AgreementId::new([4; 32]),
        asking: PartyId::new("ma-security").unwrap(),
        asked: PartyId::new("es-police").unwrap(),
        purpose: Purpose::Investigate,
        case: [5; 16],
        officer: [6; 16],
        created: Timestamp::from_millis(1_796_000_000_000),
        commitment: [0; 32],
        element: Element([0; 32]),
    };
    let request = event_ask(request, &opening).unwrap();
    let there = event_answer(&request, &[plan], &[7; 32], true).unwrap();
    let EventAnswer::Evaluated(element, tags) = &there.answer else { panic!("refused") };
    let key = SecretKey::derive(Mode::Base, &[7; 32], b"mithaq/event-key/1").unwrap();
    let input = request.input(&asked(&plan));
    let output = *own_outputs(&key, &[input]).unwrap().first().unwrap();
    assert!(tags.contains(&request.tag(&output)));
    let bytes = there.answer.to_bytes(&request.ask, &request.digest());
    let half = event_conclude(&request, &opening, &bytes).unwrap().unwrap();
    let claim = EventClaim { ask: request.ask, half, contact: "Operations room, 12".to_owned() };
    let contacts = EventContacts { ask: request.ask, contacts: vec!["Room 34".to_owned()] };
    json!({
        "latitude_e6": at.latitude_e6, "longitude_e6": at.longitude_e6, "from": plan.from.as_millis(),
        "asked": hex(asked(&plan)),
        "held": held(&plan).iter().map(hex).collect::<BTreeSet<_>>(),
        "seed": hex(opening.seed), "salt": hex(opening.salt), "commitment": hex(request.commitment),
        "request": hex(request.to_bytes()), "digest": hex(request.digest()),
        "key_seed": hex([7; 32]), "input": hex(input), "element": hex(element.0), "output": hex(output),
        "tag": hex(request.tag(&output)), "claim": hex(claim.to_bytes()), "contacts": hex(contacts.to_bytes()),
    })
}

/// What two sides say to each other about a candidate, from nothing to all of it.
fn words() -> Value {
    let shown = |years, sex| Some(Shown { years, sex });
    let all = [
        (None, None, None),
        (shown(Some((1987, 1988)), Some(Sex::Male)), Some(Verdict::Same), Some(Released::Report)),
        (shown(None, None), Some(Verdict::Other), None),
        (shown(Some((1987, 1987)), None), Some(Verdict::Same), Some(Released::Refusal)),
    ];
    let one = |(shown, verdict, released): (Option<Shown>, Option<Verdict>, Option<Released>)| {
        let word = Word { check: [1; 16], handle: [2; 16], shown, verdict, released };
        assert_eq!(Word::from_bytes(&word.to_bytes()), Ok(word));
        json!({
            "check": hex(word.check), "handle": hex(word.handle), "bytes": hex(word.to_bytes()),
            "shown": shown.map(|shown| json!({ "years": shown.years, "sex": shown.sex.map(Sex::code) })),
            "verdict": verdict.map(|said| if said == Verdict::Same { "same" } else { "other" }),
            "released": released.map(|did| if did == Released::Report { "report" } else { "refusal" }),
        })
    };
    all.into_iter().map(one).collect()
}

#[test]
fn the_published_vectors_hold() {
    let published: Value =
        serde_json::from_str(include_str!("../../../../docs/spec/vectors/check.json")).unwrap();
    let made = made();
    let shown = serde_json::to_string_pretty(&made).unwrap();
    assert!(made == published, "the vectors are now:\n<<<{shown}>>>");
}
