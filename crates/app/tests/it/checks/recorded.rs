//! Private checks as they went over the line, kept in the records of released versions: a question, its answer, claims, words
//! about a candidate, a standing check, a planned action, and every refusal that can be provoked. Evaluated elements are
//! random, so it is not the answers that are made again but every document, in the same bytes; and the asking side's own
//! question, from its opening.

use data_encoding::{BASE64, HEXLOWER};
use mithaq_app::{CheckKind, JudgedAs, Outcome};
use mithaq_check::event::{EventAnswer, EventClaim, EventContacts, EventRequest, event_check};
use mithaq_check::follow::{Released, Verdict};
use mithaq_check::oprf::Element;
use mithaq_check::{
    Answer, Binding, Claims, Handles, Opened, Opening, Request, Shown, SignedSet, StandingAnswer,
    StandingAsk, StandingWord, Title, Word, half, oprf,
};
use mithaq_model::{CaseId, Days, Millis, RefusalGround, SubjectClass};
use serde_json::{Value, json};

use super::events::{HERE, NEAR, TANGIER, THERE, new, of, planned};
use super::{Scene, candidate, close, compared, judge, later, opening, release, standing};

const TERMS: &str = "daily_cap = 800\nofficer_cap = 400\ncase_cap = 200\nreview_after = 600\nstanding_days = 60\nevents = true";

type Looked<T> = Result<T, String>;

/// Everything two nodes say to each other about checks.
pub(crate) fn record() -> Value {
    let scene = Scene::new(TERMS);
    let confirmed = followed(&scene, &[JudgedAs::Same, JudgedAs::Same]);
    scene.world.clock.0.advance(Days(8));
    scene.publish();
    followed(&scene, &[JudgedAs::Same, JudgedAs::Other]);
    scene.world.clock.0.advance(Days(8));
    scene.publish();
    // What was rejected is named, and is no hit.
    scene.asked();
    scene.run();
    stays(&scene);
    let plan = plans(&scene);
    refused(&scene);
    refused_to_stay(&scene);
    let openings = [confirmed, plan];
    let asked = scene.line.take();
    let line = asked.iter().map(|one| {
        let (kind, body) = (one.kind.code(), BASE64.encode(&one.body));
        match &one.answer {
            Ok(answer) => json!({ "document": kind, "body": body, "answer": BASE64.encode(answer) }),
            Err(code) => json!({ "document": kind, "body": body, "error": code }),
        }
    });
    let mut record = json!({ "what": "Documents of private checks between two invented parties.",
        "line": line.collect::<Vec<_>>(), "openings": openings });
    record["says"] = Value::Array(look(&record).unwrap());
    record
}

/// A check that hits, with what both sides said; returns its opening. It is closed, as people close it.
fn followed(scene: &Scene, said: &[JudgedAs; 2]) -> Value {
    let check = scene.asked();
    scene.run();
    let opened = BASE64.encode(&opening(scene.ma(), check).unwrap());
    let at = candidate(scene, check);
    compared(scene, at);
    judge(scene.ma(), scene.ma_case, at, said[0]).unwrap();
    judge(scene.es(), scene.es_case, at, said[1]).unwrap();
    later(scene);
    if said[1] == JudgedAs::Same {
        let ground = Outcome::Refusal(RefusalGround::EndangersPerson);
        for (node, case) in [(scene.ma(), scene.ma_case), (scene.es(), scene.es_case)] {
            release(node, case, at, ground).unwrap();
        }
        later(scene);
    }
    scene.world.clock.0.advance(Millis::hours(2));
    scene.run();
    close(scene.ma(), check).unwrap();
    close(scene.es(), check).unwrap();
    json!({ "plan": false, "opening": opened })
}

/// A question that stays: placed, renewed, hit, ended.
fn stays(scene: &Scene) {
    let check = standing::placed(scene, 30);
    standing::renew(scene, "analyst", check, standing::life(scene, 40, 50)).unwrap();
    standing::authorise_renewal(scene, "supervisor", check).unwrap();
    standing::learns(scene, 70);
    standing::days(scene, 1);
    standing::end(scene, check).unwrap();
    scene.run();
}

/// Two plans that meet; returns the opening of the question.
fn plans(scene: &Scene) -> Value {
    planned(scene.es(), scene.es_case, &new(scene, NEAR, 50, THERE));
    let plan = planned(scene.ma(), scene.ma_case, &new(scene, TANGIER, 48, HERE));
    let ask = of(scene, plan).asks[0].id;
    let opened = BASE64.encode(&opening(scene.ma(), ask).unwrap());
    scene.run();
    json!({ "plan": true, "opening": opened })
}

/// Questions that an honest node refuses.
fn refused(scene: &Scene) {
    let check = scene.draft(scene.new_check(&[scene.stranger(32, "Salma Berrechid")])).unwrap();
    scene.authorise(check).unwrap();
    let base = Request { check: [0; 16], ..scene.forged(0xa0, 8) };
    scene.run();
    let ask = |number: u8, edit: &dyn Fn(&mut Request), wanted: &str| {
        let mut request = Request {
            check: [number; 16],
            officer: [number; 16],
            case: CaseId::new([number; 16]),
            ..base.clone()
        };
        edit(&mut request);
        let bytes = scene.post(CheckKind::Request, &request.to_bytes()).unwrap();
        let answer = Answer::from_bytes(&bytes).unwrap();
        assert!(matches!(&answer, Answer::Refused { code, .. } if code == wanted), "{wanted}: {answer:?}");
    };
    ask(0xa1, &|one| one.epoch = 99, "check.epoch");
    ask(0xa2, &|one| one.policy = [9; 32], "check.other_agreement");
    ask(0xa3, &|one| one.elements = vec![Element([0; 32]); 8], "check.element");
    ask(0xa3, &|_| (), "check.number_used");
    ask(0xa4, &|one| one.elements = vec![one.elements[0]; 208], "BUD");
    ask(0xa5, &|one| one.class = SubjectClass::Witness, "CAT");
    let event = |number: u8, edit: &dyn Fn(&mut EventRequest), wanted: &str| {
        let line = scene.line.borrow();
        let first = line.iter().find(|one| one.kind == CheckKind::Event).unwrap();
        let mut request = EventRequest::from_bytes(&first.body).unwrap();
        drop(line);
        if number != 0 {
            request.ask = [number; 16];
        }
        edit(&mut request);
        let bytes = scene.post(CheckKind::Event, &request.to_bytes()).unwrap();
        let (.., answer) = EventAnswer::from_bytes(&bytes).unwrap();
        assert!(matches!(&answer, EventAnswer::Refused(code) if code == wanted), "{wanted}: {answer:?}");
    };
    event(0, &|one| one.officer = [1; 16], "check.number_used");
    event(0xb1, &|one| one.element = Element([0; 32]), "check.element");
    scene.world.clock.0.advance(Days(4));
    scene.es().app.tick_checks().unwrap();
    event(0, &|_| (), "check.event_over");
}

/// Standing checks that an honest node refuses.
fn refused_to_stay(scene: &Scene) {
    scene.world.clock.0.advance(Days(1));
    scene.publish();
    let check = scene.draft(scene.new_check(&[scene.stranger(33, "Kouadio Yao")])).unwrap();
    scene.authorise(check).unwrap();
    scene.run();
    let number = *check.as_bytes();
    let say = |number: [u8; 16], ask: StandingAsk, wanted: &str| {
        let answer = standing::post(scene, number, ask).unwrap();
        assert_eq!(answer, StandingAnswer::Refused(wanted.to_owned()));
    };
    let title = |days, warrant| standing::title(scene, days, warrant);
    let one = || vec![[1; 32]];
    let same = Title { persons: [[1; 16]; 2], ..title(9, 9) };
    say(number, StandingAsk::Place(same, one()), "check.two_persons");
    say(number, StandingAsk::Place(title(61, 90), one()), "AGR");
    say(number, StandingAsk::Place(title(91, 99), one()), "check.standing_life");
    let many = (0..9).map(|n| [n; 32]).collect();
    say(number, StandingAsk::Place(title(9, 9), many), "check.standing_count");
    say(number, StandingAsk::Renew(title(9, 9)), "check.standing_over");
    standing::post(scene, number, StandingAsk::Place(title(9, 9), one())).unwrap();
    say(number, StandingAsk::Place(title(9, 9), vec![[2; 32]]), "check.number_used");
}

/// Reads every document, writes it again in the same bytes, and says what it says.
pub(crate) fn look(record: &Value) -> Looked<Vec<Value>> {
    let mut seen = Vec::new();
    for (number, one) in record["line"].as_array().ok_or("no line")?.iter().enumerate() {
        let kind = one["document"].as_str().and_then(CheckKind::from_code).ok_or("no such document")?;
        let code = &one["error"];
        let answer = if code.is_null() { Ok(bytes(&one["answer"])) } else { Err(code.clone()) };
        let said = document(kind, &bytes(&one["body"]), answer);
        seen.push(said.map_err(|what| format!("document {number}, {}: {what}", kind.code()))?);
    }
    openings(record)?;
    Ok(seen)
}

fn bytes(json: &Value) -> Vec<u8> {
    BASE64.decode(json.as_str().unwrap().as_bytes()).unwrap()
}

fn said(error: impl core::fmt::Debug) -> String {
    format!("{error:?}")
}

fn same(one: &[u8], other: &[u8]) -> Looked<()> {
    if one == other { Ok(()) } else { Err("it is written in other bytes".to_owned()) }
}

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

fn document(kind: CheckKind, body: &[u8], answer: Result<Vec<u8>, Value>) -> Looked<Value> {
    let asks = asks(kind, body)?;
    let says = match answer {
        Ok(answer) => answers(kind, body, &answer)?,
        Err(code) => json!({ "error": code }),
    };
    Ok(json!({ "document": kind.code(), "asks": asks, "says": says }))
}

fn asks(kind: CheckKind, body: &[u8]) -> Looked<Value> {
    let (again, says) = match kind {
        CheckKind::Set => (body.to_vec(), json!(hex(body))),
        CheckKind::Request => {
            let one = Request::from_bytes(body).map_err(said)?;
            let says = json!({ "check": hex(&one.check), "asking": one.asking.as_str(), "asked": one.asked.as_str(),
                "epoch": one.epoch, "purpose": one.purpose.code(), "class": one.class.code(),
                "subjects": one.subjects, "created": one.created.to_string(), "elements": one.elements.len(),
                "commitment": hex(&one.commitment), "digest": hex(&one.digest()) });
            (one.to_bytes(), says)
        }
        CheckKind::Claims => {
            let one = Claims::from_bytes(body).map_err(said)?;
            let cleared: Vec<_> = one.cleared.iter().map(|one| hex(&one.handle)).collect();
            (
                one.to_bytes(),
                json!({ "check": hex(&one.check), "claims": one.halves.len(), "cleared": cleared }),
            )
        }
        CheckKind::Candidate => word(body)?,
        CheckKind::Standing => {
            let one = StandingWord::from_bytes(body).map_err(said)?;
            (one.to_bytes(), json!({ "check": hex(&one.check), "wants": wants(&one.ask) }))
        }
        CheckKind::Event => {
            let one = EventRequest::from_bytes(body).map_err(said)?;
            let says = json!({ "ask": hex(&one.ask), "asking": one.asking.as_str(), "asked": one.asked.as_str(),
                "purpose": one.purpose.code(), "created": one.created.to_string(),
                "commitment": hex(&one.commitment), "digest": hex(&one.digest()) });
            (one.to_bytes(), says)
        }
        CheckKind::EventClaim => {
            let one = EventClaim::from_bytes(body).map_err(said)?;
            (one.to_bytes(), json!({ "ask": hex(&one.ask), "contact": one.contact }))
        }
    };
    same(body, &again)?;
    Ok(says)
}

fn wants(ask: &StandingAsk) -> Value {
    let title = |title: &Title| json!({ "reference": title.reference, "ends": title.ends.to_string(), "until": title.until.to_string() });
    match ask {
        StandingAsk::Place(one, halves) => json!({ "place": title(one), "halves": halves.len() }),
        StandingAsk::Renew(one) => json!({ "renew": title(one) }),
        StandingAsk::End => json!("end"),
        StandingAsk::Look => json!("look"),
    }
}

fn word(bytes: &[u8]) -> Looked<(Vec<u8>, Value)> {
    let one = Word::from_bytes(bytes).map_err(said)?;
    let shown = |shown: Shown| json!({ "years": shown.years, "sex": shown.sex.map(|sex| sex.code()) });
    let says = json!({ "check": hex(&one.check), "handle": hex(&one.handle), "shown": one.shown.map(shown),
        "verdict": one.verdict.map(|verdict| if verdict == Verdict::Same { "same" } else { "other" }),
        "released": one.released.map(|what| if what == Released::Report { "report" } else { "refusal" }) });
    Ok((one.to_bytes(), says))
}

fn answers(kind: CheckKind, body: &[u8], answer: &[u8]) -> Looked<Value> {
    let (again, says) = match kind {
        CheckKind::Set => return set(answer),
        CheckKind::Request => {
            let one = Answer::from_bytes(answer).map_err(said)?;
            let says = match &one {
                Answer::Evaluated { elements, proof, .. } => {
                    json!({ "evaluated": elements.len(), "proof": proof.is_some() })
                }
                Answer::Refused { code, .. } => json!({ "refused": code }),
            };
            (one.to_bytes(), says)
        }
        CheckKind::Claims => {
            let one = Handles::from_bytes(answer).map_err(said)?;
            let handles: Vec<_> = one.handles.iter().map(|one| one.map(|handle| hex(&handle))).collect();
            (one.to_bytes(), json!({ "handles": handles }))
        }
        CheckKind::Candidate => word(answer)?,
        CheckKind::Standing => {
            let (check, one) = StandingAnswer::from_bytes(answer).map_err(said)?;
            let says = match &one {
                StandingAnswer::Refused(code) => json!({ "refused": code }),
                StandingAnswer::Stands { until, hits } => {
                    json!({ "until": until.map(|until| until.to_string()), "hits": hits.len() })
                }
            };
            (one.to_bytes(&check), says)
        }
        CheckKind::Event => {
            let (ask, request, one) = EventAnswer::from_bytes(answer).map_err(said)?;
            let asked = EventRequest::from_bytes(body).map_err(said)?;
            if request != asked.digest() {
                return Err("an answer to another question".to_owned());
            }
            let says = match &one {
                EventAnswer::Evaluated(_, tags) => json!({ "tags": tags.len() }),
                EventAnswer::Refused(code) => json!({ "refused": code }),
            };
            (one.to_bytes(&ask, &request), says)
        }
        CheckKind::EventClaim => {
            let one = EventContacts::from_bytes(answer).map_err(said)?;
            (one.to_bytes(), json!({ "contacts": one.contacts }))
        }
    };
    same(answer, &again)?;
    Ok(says)
}

/// A part of a set: here always the whole, behind its epoch, number and length.
fn set(answer: &[u8]) -> Looked<Value> {
    let Some((_, signed)) = answer.split_first_chunk::<12>() else { return Ok(json!("nothing newer")) };
    let set = SignedSet::read(signed, |_, _, _| true).map_err(said)?;
    same(signed, &set.to_bytes())?;
    let header = &set.header;
    Ok(
        json!({ "epoch": header.epoch, "number": header.number, "asked": header.asked.as_str(), "digest": hex(&set.digest()) }),
    )
}

/// The asking side's half: what was asked is made again from its opening in the same bytes, and the answer that came opens to
/// the claims that were made.
fn openings(record: &Value) -> Looked<()> {
    let line = record["line"].as_array().ok_or("no line")?;
    let of = |kind: CheckKind| line.iter().filter(move |one| one["document"] == kind.code());
    for one in record["openings"].as_array().ok_or("no openings")? {
        let stored = bytes(&one["opening"]);
        if one["plan"] == true {
            let opening = Opening::from_bytes(&stored).map_err(said)?;
            let mut asked =
                of(CheckKind::Event).map(|one| EventRequest::from_bytes(&bytes(&one["body"])).unwrap());
            let request =
                asked.find(|one| one.commitment == opening.commitment()).ok_or("no such question")?;
            event_check(&request, &opening).map_err(said)?;
            continue;
        }
        let opened = Opened::from_bytes(&stored).map_err(said)?;
        same(&stored, &opened.to_bytes())?;
        opened.proven().map_err(said)?;
        let asked = opened.request.to_bytes();
        let found =
            of(CheckKind::Request).find(|one| bytes(&one["body"]) == asked).ok_or("no such request")?;
        let mut claims = of(CheckKind::Claims).map(|one| Claims::from_bytes(&bytes(&one["body"])).unwrap());
        let claims = claims.find(|one| one.check == opened.request.check).ok_or("nothing was claimed")?;
        let sets: Vec<SignedSet> = of(CheckKind::Set)
            .filter_map(|one| SignedSet::read(bytes(&one["answer"]).get(12..)?, |_, _, _| true).ok())
            .collect();
        if claims.halves != halves(&opened, &bytes(&found["answer"]), &sets)? {
            return Err("other claims would be made".to_owned());
        }
    }
    Ok(())
}

/// What hits of an answer, in the sets that were fetched.
fn halves(opened: &Opened, answer: &[u8], sets: &[SignedSet]) -> Looked<Vec<[u8; 32]>> {
    let Answer::Evaluated { elements, .. } = Answer::from_bytes(answer).map_err(said)? else {
        return Err("it was refused".to_owned());
    };
    let binding = Binding::of_request(&opened.request);
    let inputs: Vec<_> = opened.opening.keys.iter().map(|key| binding.input(key)).collect();
    let blinds = opened.opening.blinds(opened.mode).map_err(said)?;
    let outputs = oprf::finalize(&inputs, &blinds, &elements).map_err(said)?;
    let hit = outputs.iter().filter(|output| sets.iter().any(|set| set.set.contains(output)));
    let mut found: Vec<_> = hit.map(half).collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}
