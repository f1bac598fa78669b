//! What a person may not see answers, in every call, as what does not exist; and what lists and counts show does not
//! change by it. Others leaked by the history and the facets of hidden objects (OpenCTI #6785, #11496).

mod changes;

use std::collections::{BTreeMap, BTreeSet};

use hyper::{Method, StatusCode};
use mithaq_app::{Changes, NewCase, intent};
use mithaq_model::{
    Ask, CaseId, Connection, CrimeArea, Days, Grade, Millis, ObjectId, Purpose, ReportId, ReportState,
    SubjectClass, SubjectId,
};
use mithaq_testkit::{subject_named, text};

use crate::world::{ACCEPTED, Running, Site, agree_on, new_report, now, release, until};

const WORDS: &str = "Abdelhamid Tazerout";

/// What stands for one thing in the paths and bodies below, as a person may not see it or as nobody can.
type Numbers = BTreeMap<&'static str, String>;

const WHY: &str = r#"{"purpose":"investigate","reason":{"lang":"en","text":"Merely curious"}}"#;
const TEXT: &str = r#"{"lang":"en","text":"Merely curious"}"#;
const REASON: &str = r#"{"reason":{"lang":"en","text":"Merely curious"}}"#;
const GROUND: &str = r#"{"ground":{"lang":"en","text":"Somebody is merely curious about it"}}"#;
const IN_OWN: &str = r#"{"why":WHY,"case":"{own}"}"#;
const IN_THAT: &str = r#"{"why":WHY,"case":"{case}"}"#;
const BY_NAME: &str = r#"{"why":WHY,"name":{"lang":"en","text":"Abdelhamid Tazerout"}}"#;

/// Every call that reads and takes a number: method, path as in the OpenAPI document, body.
const NUMBERED: &[(&str, &str, &str)] = &[
    ("get", "/api/v1/outbox/{message}", ""),
    ("get", "/api/v1/reports/{report}/attachments", ""),
    ("get", "/api/v1/reports/{report}/holders", ""),
    ("get", "/api/v1/reports/{report}/receipts", ""),
    ("get", "/api/v1/reports/{report}/uploads", ""),
    ("get", "/api/v1/uploads/{upload}", ""),
    ("post", "/api/v1/cases/{case}/search", BY_NAME),
    ("post", "/api/v1/cases/{case}/subjects/{subject}/read", WHY),
    ("post", "/api/v1/cases/{own}/subjects/{subject}/read", WHY),
    ("post", "/api/v1/checks/{check}/show", REASON),
    ("post", "/api/v1/consents/{consent}/read", REASON),
    ("post", "/api/v1/plans/list", IN_THAT),
    ("post", "/api/v1/quarantine/{report}/read", GROUND),
    ("post", "/api/v1/reports/{report}/attachments/1/read", IN_OWN),
    ("post", "/api/v1/reports/{report}/attachments/1/read", IN_THAT),
    ("post", "/api/v1/reports/{report}/read", IN_OWN),
    ("post", "/api/v1/reports/{report}/read", IN_THAT),
    ("post", "/api/v1/requests/{request}/show", REASON),
];

/// Every other call that reads, with what it is asked with. `{state}` is asked with each.
const LISTS: &[(&str, &str)] = &[
    ("/api/v1/agreements", ""),
    ("/api/v1/alarms", ""),
    ("/api/v1/alarms", "?all=true"),
    ("/api/v1/cases", ""),
    ("/api/v1/checks", "?direction=own"),
    ("/api/v1/checks", "?direction=received"),
    ("/api/v1/checks/budget", ""),
    ("/api/v1/checks/figures", "?from=2020-01-01&until=2099-01-01"),
    ("/api/v1/checks/sets", ""),
    ("/api/v1/consents", "?direction=own"),
    ("/api/v1/consents", "?direction=received"),
    ("/api/v1/emergencies", ""),
    ("/api/v1/health", ""),
    ("/api/v1/holders/overdue", ""),
    ("/api/v1/holds", ""),
    ("/api/v1/justifications", ""),
    ("/api/v1/keys", ""),
    ("/api/v1/keys/checkpoint", ""),
    ("/api/v1/keys/logs", ""),
    ("/api/v1/lanes", ""),
    ("/api/v1/log", ""),
    ("/api/v1/manifest", ""),
    ("/api/v1/me", ""),
    ("/api/v1/officers", ""),
    ("/api/v1/outbox", ""),
    ("/api/v1/outbox", "?state=waiting"),
    ("/api/v1/quarantine", ""),
    ("/api/v1/reports", "?state={state}"),
    ("/api/v1/requests", "?direction=own"),
    ("/api/v1/requests", "?direction=received"),
    ("/api/v1/requests/figures", "?from=2020-01-01&until=2099-01-01"),
    ("/api/v1/roles", ""),
    ("/api/v1/rulings", "?since=2020-01-01"),
];

/// A path without the names of its numbers.
fn form(path: &str) -> String {
    let path = path.split('?').next().unwrap_or(path);
    let parts = path.split('/').map(|part| match part.parse::<u32>() {
        Ok(_) => "{}",
        Err(_) if part.starts_with('{') => "{}",
        Err(_) => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Which calls of the document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reads,
    Changes,
}

/// Method and form of every call of one kind.
fn calls_of_the_document(kind: Kind) -> BTreeSet<(String, String)> {
    let document: serde_json::Value = serde_json::from_str(&mithaq_api::openapi().unwrap()).unwrap();
    let mut there = BTreeSet::new();
    for (path, calls) in document.get("paths").unwrap().as_object().unwrap() {
        for method in calls.as_object().unwrap().keys() {
            // What is read with a reason is asked for by POST.
            let reads = method == "get"
                || method == "post"
                    && ["/read", "/show", "/search", "/list"].iter().any(|end| path.ends_with(end));
            if reads == (kind == Kind::Reads) {
                there.insert((method.clone(), form(path)));
            }
        }
    }
    assert!(there.len() > 30, "the document was read");
    there
}

#[test]
fn every_call_that_reads_is_asked_for_what_is_hidden() {
    let numbered = NUMBERED.iter().map(|(method, path, _)| (*method, *path));
    let lists = LISTS.iter().map(|(path, _)| ("get", *path));
    let asked: BTreeSet<(String, String)> =
        numbered.chain(lists).map(|(method, path)| (method.to_owned(), form(path))).collect();
    assert_eq!(
        asked,
        calls_of_the_document(Kind::Reads),
        "a call of the document is missing above, or one is gone"
    );
}

fn fill(text: &str, numbers: &Numbers) -> String {
    let text =
        text.replace("WHY", WHY).replace("TEXT", TEXT).replace("EXPIRES", &now().plus(Days(50)).to_string());
    numbers.iter().fold(text, |text, (name, number)| text.replace(&format!("{{{name}}}"), number))
}

fn case_of(site: &Site, login: &str) -> CaseId {
    site.with(|app| {
        let actor = |login: &str| {
            app.authenticate(&app.issue_token(login, Millis::hours(1)).unwrap().secret).unwrap()
        };
        let new = NewCase {
            title: text("Counterfeit coins"),
            area: CrimeArea::ForeignTerroristFighters,
            offence: text("Recruitment for terrorism, penal code article 218-1"),
            purposes: vec![Purpose::Investigate],
            officers: vec![actor(login).id()],
        };
        app.open_case(actor("supervisor").may(intent::GovernCase).unwrap(), &new).unwrap()
    })
}

/// A released report that is being corrected, and a draft of a request, in a case the outsider has no part in.
fn hide(ma: &Site, es: &Site, agreement: mithaq_model::AgreementId) -> Numbers {
    let (case, report) = release(ma, es, agreement, WORDS);
    let subject = subject_named(7, WORDS, SubjectClass::SuspectCommitted, ma.party.as_str()).id();
    let request = ma.with(|app| {
        let actor = app.authenticate(&app.issue_token("analyst", Millis::hours(1)).unwrap().secret).unwrap();
        let may = actor.may(intent::WorkCase).unwrap();
        let access =
            app.enter_case(may, case, Purpose::Investigate, &text("Checking the passengers")).unwrap();
        let write = actor.may(intent::WriteReport).unwrap();
        let changes = Changes { grade: Grade::from_code("4x4:B2").ok(), ..Changes::default() };
        app.correct_report(write, &access, report, &changes).unwrap();
        let ask = Ask {
            sought: vec![text("Who bought the three ferry tickets")],
            why_there: text("The tickets were sold in the port of arrival"),
            basis: text("Code of criminal procedure, article 108"),
            lawful_at_home: true,
            authorisation: None,
            urgency_reason: None,
            penalty_years: Some(10),
            connections: vec![Connection { subject, text: text("Paid for the tickets") }],
            previous: Vec::new(),
        };
        app.draft_request(write, &access, new_report(es, agreement, WORDS, subject), ask).unwrap()
    });
    [
        ("case", case.to_string()),
        ("report", report.to_string()),
        ("subject", subject.to_string()),
        ("request", request.to_string()),
        ("agreement", agreement.to_string()),
    ]
    .into()
}

/// Status and words of everything one person is shown without naming a number.
async fn shown(node: &Running, token: &str) -> BTreeMap<String, (StatusCode, String)> {
    let mut all = BTreeMap::new();
    for (path, query) in LISTS {
        let states: Vec<&str> = ReportState::ALL.iter().map(|state| state.code()).collect();
        let states = if query.contains("{state}") { states } else { vec![""] };
        for state in states {
            let path = format!("{path}{}", query.replace("{state}", state));
            let answer = node.api(Some(token), Method::GET, &path, "").await;
            assert_ne!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text);
            all.insert(path, (answer.status, answer.text));
        }
    }
    all
}

/// Private checks and announced actions are agreed on too.
fn checked(text: String) -> String {
    let policy = mithaq_node::setup::hex(&mithaq_check::TokenPolicy::WIDE.hash());
    format!(
        "{text}\n[private_check]\nbatch_cap = 25\ndaily_cap = 4000\nofficer_cap = 2000\ncase_cap = 1000\n\
         review_after = 500\nevents = true\ntoken_policy = \"{policy}\"\n"
    )
}

/// The numbers of what only a running node makes: a file half brought in, the message that waits, a question and a plan that
/// were drafted.
async fn under_way(
    node: &Running,
    hidden: &mut Numbers,
    (analyst, spoc): (&str, &str),
    (in_case, received): (CaseId, ReportId),
) {
    let begin = format!(
        r#"{{"why":{WHY},"case":"{}","name":{{"lang":"en","text":"list.csv"}},"length":3000000}}"#,
        hidden["case"]
    );
    let path = format!("/api/v1/reports/{}/attachments", hidden["report"]);
    let begun = node.api(Some(analyst), Method::POST, &path, &begin).await;
    let waiting = node.api(Some(spoc), Method::GET, "/api/v1/outbox?state=waiting", "").await;
    let id = |text: &str, at: &str| {
        let read: serde_json::Value = serde_json::from_str(text).unwrap();
        read.pointer(at).unwrap_or_else(|| panic!("{text}")).as_str().unwrap().to_owned()
    };
    hidden.insert("upload", id(&begun.text, "/id"));
    hidden.insert("message", id(&waiting.text, "/0/id"));
    for (name, path, body) in
        [("check", "/api/v1/checks", changes::CHECK), ("plan", "/api/v1/plans", changes::PLAN)]
    {
        let body = fill(&body.replace("{CASE}", "{case}"), hidden);
        let made = node.api(Some(analyst), Method::POST, path, &body).await;
        hidden.insert(name, id(&made.text, "/id"));
    }
    let ask =
        changes::CONSENT.replace("{CASE}", &in_case.to_string()).replace("{report}", &received.to_string());
    let made = node.api(Some(analyst), Method::POST, "/api/v1/consents", &fill(&ask, hidden)).await;
    hidden.insert("consent", id(&made.text, "/id"));
}

/// Numbers of the same form that nothing has.
fn absent(own: &CaseId, agreement: mithaq_model::AgreementId) -> Numbers {
    let report = ReportId::new([99; 16]).to_string();
    [
        ("case", CaseId::new([99; 16]).to_string()),
        ("report", report.clone()),
        ("subject", SubjectId::new([99; 16]).to_string()),
        ("request", report),
        ("check", ObjectId::new([99; 16]).to_string()),
        ("consent", ObjectId::new([99; 16]).to_string()),
        ("plan", ObjectId::new([99; 16]).to_string()),
        ("upload", "63".repeat(16)),
        ("message", "nothing".to_owned()),
        ("own", own.to_string()),
        ("agreement", agreement.to_string()),
    ]
    .into()
}

/// Asks a call about what is hidden and about what is not there. Returns both answers when they differ, or when they are
/// none that refuses: then it was not asked rightly.
async fn told_apart(
    node: &Running,
    who: &str,
    (method, path, body): (&str, &str, &str),
    (hidden, absent): (&Numbers, &Numbers),
) -> Option<String> {
    let ask = async |numbers: &Numbers| {
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let answer = node.api(Some(who), method, &fill(path, numbers), &fill(body, numbers)).await;
        (answer.status, answer.text)
    };
    let (of_hidden, of_absent) = (ask(hidden).await, ask(absent).await);
    let refused = [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN].contains(&of_hidden.0);
    let apart = of_hidden != of_absent || !refused;
    apart.then(|| format!("{path} {body}: {of_hidden:?}, and of what is not there {of_absent:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_hidden_answers_in_every_call_as_what_is_not_there() {
    let base = tempfile::tempdir().unwrap();
    let ma = Site::new(base.path(), "ma-security", "MA", |_| ());
    let es = Site::new(base.path(), "es-police", "ES", |_| ());
    let agreement = agree_on(&ma, &es, checked);
    let (own, theirs) = (case_of(&ma, "outsider"), case_of(&ma, "analyst"));
    let [analyst, outsider, authority, spoc] =
        ["analyst", "outsider", "authority", "spoc"].map(|who| ma.token(who));

    let (_, received) = release(&es, &ma, agreement, "Younes Belkadi");
    let (node, sender) = (ma.start().await, es.start().await);
    until("the report is accepted", async || sender.metric(ACCEPTED).await.filter(|n| *n >= 1.0)).await;
    sender.stop().await;
    // Who reads a report in a case may ask its originator to let it go on.
    let read = IN_THAT.replace("WHY", WHY).replace("{case}", &theirs.to_string());
    let read =
        node.api(Some(&analyst), Method::POST, &format!("/api/v1/reports/{received}/read"), &read).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text);
    let before = shown(&node, &outsider).await;
    let seen_before = shown(&node, &analyst).await;
    node.stop().await;
    let mut hidden = hide(&ma, &es, agreement);
    let node = ma.start().await;
    under_way(&node, &mut hidden, (&analyst, &spoc), (theirs, received)).await;
    hidden.insert("own", own.to_string());
    let absent = absent(&own, agreement);
    for call in NUMBERED {
        for who in [&outsider, &authority] {
            assert_eq!(told_apart(&node, who, *call, (&hidden, &absent)).await, None);
        }
    }
    let held_before = shown(&node, &analyst).await;
    changes::ask_all(&node, &outsider, &hidden, &absent).await;
    let held_after = shown(&node, &analyst).await;
    // What waits is tried again and again, whoever asks.
    for (path, answer) in
        held_before.iter().filter(|(path, _)| !path.contains("outbox") && !path.contains("lanes"))
    {
        assert_eq!(Some(answer), held_after.get(path), "{path}: changed by who may not see it");
    }
    let after = shown(&node, &outsider).await;
    for (path, answer) in &before {
        assert_eq!(Some(answer), after.get(path), "{path}");
    }

    // It is there for who works the case: the answers above are not those of calls that never answer.
    let seen = shown(&node, &analyst).await;
    for list in ["/api/v1/cases", "/api/v1/reports?"] {
        let changed =
            seen.iter().any(|(path, answer)| path.starts_with(list) && seen_before.get(path) != Some(answer));
        assert!(changed, "{list}");
    }
    for (method, path, _) in
        NUMBERED.iter().filter(|(method, path, _)| *method == "get" && !path.contains("outbox"))
    {
        let answer = node.api(Some(&analyst), Method::GET, &fill(path, &hidden), "").await;
        assert_eq!(answer.status, StatusCode::OK, "{method} {path}: {}", answer.text);
    }
    node.stop().await;
}
