//! The published vectors are what this program makes.

use data_encoding::HEXLOWER;
use mithaq_check::follow::{Released, Verdict};
use mithaq_check::oprf::{Mode, own_outputs};
use mithaq_check::{Binding, Party, Shown, Token, TokenPolicy, Word, inputs, tokens};
use mithaq_model::Sex;
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
        "claimed": hits.iter().flat_map(|hit| hit.halves.iter().map(hex)).collect::<Vec<_>>(),
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
