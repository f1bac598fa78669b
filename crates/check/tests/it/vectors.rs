//! The published vectors are what this program makes.

use data_encoding::HEXLOWER;
use mithaq_check::oprf::{Mode, own_outputs};
use mithaq_check::{Binding, Party, Token, TokenPolicy, inputs, tokens};
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
        "claimed": hits.iter().flat_map(|hit| hit.halves.iter().map(hex)).collect::<Vec<_>>(),
    })
}

#[test]
fn the_published_vectors_hold() {
    let published: Value =
        serde_json::from_str(include_str!("../../../../docs/spec/vectors/check.json")).unwrap();
    let made = made();
    let shown = serde_json::to_string_pretty(&made).unwrap();
    assert!(made == published, "the vectors are now:\n<<<{shown}>>>");
}
