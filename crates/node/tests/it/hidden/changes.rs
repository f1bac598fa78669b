//! The calls that change something: none tells a person of what that person may not see, and none does anything to it.

use std::collections::BTreeSet;

use super::{GROUND, Numbers, REASON, form, told_apart};
use crate::world::Running;

const REPORT_IN: &str = r#"{"why":WHY,"case":"{CASE}","agreement":"{agreement}","recipients":["es-police"],
    "title":TEXT,"facts":[{"text":TEXT,"grade":"4x4:B2"}],"subjects":["{subject}"],"level":"restricted",KIND
    "handling":HANDLING,"expires":"EXPIRES"}"#;
const ASK: &str = r#"{"sought":[TEXT],"why_there":TEXT,"basis":TEXT,"lawful_at_home":true,
    "connections":[{"subject":"{subject}","text":TEXT}]}"#;
const CHANGED: &str = r#"{"why":WHY,"case":"{CASE}","title":TEXT}"#;
const GRADED: &str = r#"{"why":WHY,"case":"{CASE}","grade":"4x4:B2"}"#;
const ATTACHED: &str = r#"{"why":WHY,"case":"{CASE}","name":TEXT,"length":1000}"#;
const SUBJECTS: &str = r#"{"why":WHY,"subjects":[{"kind":"person","class":"suspect_committed","claims":[
    {"attribute":"name","value":{"is":"name","full":TEXT,"kind":"primary",
    "form":"original","quality":"good"},"source_ref":"file-12","grade":"4x4:B2","handling":HANDLING,
    "expires":"EXPIRES"}]}]}"#;
const HANDLING: &str = r#"{"codes":["H0"],"tlp":"TLP:AMBER","pap":"PAP:AMBER"}"#;
pub(super) const CHECK: &str = r#"{"why":WHY,"case":"{CASE}","agreement":"{agreement}","partner":"es-police",
    "class":"suspect_committed","subjects":["{subject}"]}"#;
const JOINT: &str = r#"{"why":WHY,"case":"{CASE}","class":"suspect_committed","subjects":["{subject}"],
    "partners":[{"partner":"es-police","agreement":"{agreement}"}]}"#;
const TOKENS: &str = r#"{"why":WHY,"case":"{CASE}","agreement":"{agreement}","subject":"{subject}"}"#;
const RECONSIDER: &str = r#"{"why":WHY,"case":"{CASE}","subject":"{subject}"}"#;
const CANDIDATE: &str = r#"{"why":WHY,"case":"{CASE}","what":{"step":"compare"}}"#;
const STANDING: &str = r#"{"why":WHY,"case":"{CASE}","what":{"step":"end"}}"#;
pub(super) const CONSENT: &str = r#"{"why":WHY,"case":"{CASE}","report":"{report}","to":"fr-justice","until":"EXPIRES",
    "reason":TEXT}"#;
pub(super) const PLAN: &str = r#"{"why":WHY,"case":"{CASE}","agreement":"{agreement}","contact":"The duty desk",
    "from":"EXPIRES","latitude_e6":35000000,"longitude_e6":-5000000}"#;
const ROLE: &str = r#"{"subject":"{subject}","role":"lawyer","ground":TEXT}"#;
const ANSWER: &str = r#"{"report":REPORT}"#;

/// Every call that changes something and names what may be hidden: method, path, body. `{CASE}` is asked with the case
/// that is hidden and with one of the person's own.
const CHANGES: &[(&str, &str, &str)] = &[
    ("delete", "/api/v1/uploads/{upload}", ""),
    ("post", "/api/v1/alarms/{report}/acknowledge", GROUND),
    ("post", "/api/v1/cases/{case}/close", ""),
    (
        "post",
        "/api/v1/cases/{case}/import/un-list?purpose=investigate&reason=Merely%20curious",
        "<CONSOLIDATED_LIST/>",
    ),
    ("post", "/api/v1/cases/{case}/officers", r#"{"officer":"{subject}"}"#),
    ("post", "/api/v1/cases/{case}/subjects", SUBJECTS),
    ("post", "/api/v1/checks", CHECK),
    ("post", "/api/v1/checks/joint", JOINT),
    ("post", "/api/v1/checks/joint/{check}/authorise", IN_CASE),
    ("post", "/api/v1/checks/reconsider", RECONSIDER),
    ("post", "/api/v1/checks/tokens", TOKENS),
    ("post", "/api/v1/checks/{check}/authorise", IN_CASE),
    ("post", "/api/v1/checks/{check}/candidates/{request}", CANDIDATE),
    ("post", "/api/v1/checks/{check}/close", ""),
    ("post", "/api/v1/checks/{check}/opening", REASON),
    ("post", "/api/v1/checks/{check}/standing", STANDING),
    ("post", "/api/v1/consents", CONSENT),
    ("post", "/api/v1/consents/{consent}/grant", "{}"),
    ("post", "/api/v1/consents/{consent}/refuse", ""),
    ("post", "/api/v1/consents/{consent}/revoke", ""),
    ("post", "/api/v1/holds/{report}", r#"{"word":"hold","ground":TEXT}"#),
    ("post", "/api/v1/justifications/{report}/judge", r#"{"finding":"in_order"}"#),
    ("post", "/api/v1/plans", PLAN),
    ("post", "/api/v1/plans/{plan}/authorise", IN_CASE),
    ("post", "/api/v1/plans/{plan}/end", IN_CASE),
    ("post", "/api/v1/quarantine/{report}/judge", r#"{"ruling":"release","ground":TEXT}"#),
    ("post", "/api/v1/reports", "REPORT"),
    ("post", "/api/v1/reports/release", r#"{"reports":["{report}"]}"#),
    ("post", "/api/v1/reports/{report}/approve", ""),
    ("post", "/api/v1/reports/{report}/attachments", ATTACHED),
    ("post", "/api/v1/reports/{report}/attachments/1/remove", IN_CASE),
    ("post", "/api/v1/reports/{report}/clear", GROUND),
    ("post", "/api/v1/reports/{report}/clear-role", ROLE),
    ("post", "/api/v1/reports/{report}/confirm-clearance", ROLE),
    ("post", "/api/v1/reports/{report}/correct", CHANGED),
    ("post", "/api/v1/reports/{report}/emergency", GROUND),
    ("post", "/api/v1/reports/{report}/emergency/confirm", GROUND),
    (
        "post",
        "/api/v1/reports/{report}/emergency/review",
        r#"{"finding":"upheld","version":1,"ground":TEXT}"#,
    ),
    ("post", "/api/v1/reports/{report}/expiry", r#"{"expires":"EXPIRES"}"#),
    ("post", "/api/v1/reports/{report}/grade", GRADED),
    ("post", "/api/v1/reports/{report}/onward", r#"{"agreement":"{agreement}","to":"es-police"}"#),
    ("post", "/api/v1/reports/{report}/recall", r#"{"reason":"originator"}"#),
    ("post", "/api/v1/reports/{report}/review", IN_CASE),
    ("post", "/api/v1/reports/{report}/revise", CHANGED),
    ("post", "/api/v1/requests", r#"{"report":REPORT,"ask":ASK}"#),
    ("post", "/api/v1/requests/{request}/answers", ANSWER),
    ("post", "/api/v1/requests/{request}/approve", IN_CASE),
    ("post", "/api/v1/requests/{request}/open", REASON),
    ("post", "/api/v1/requests/{request}/review", r#"{"decision":"upheld","reason":TEXT}"#),
    ("post", "/api/v1/requests/{request}/send", "{}"),
    ("post", "/api/v1/requests/{request}/steps", r#"{"step":"clarified","text":TEXT}"#),
    ("put", "/api/v1/uploads/{upload}/0", "bytes"),
];
const IN_CASE: &str = r#"{"why":WHY,"case":"{CASE}"}"#;

/// Calls that change something and name nothing of any case.
const NAMELESS: &[(&str, &str)] = &[
    ("post", "/api/v1/agreements"),
    ("post", "/api/v1/agreements/signatures"),
    ("post", "/api/v1/agreements/{id}/agree-resume"),
    ("post", "/api/v1/agreements/{id}/steps"),
    ("post", "/api/v1/cases"),
    ("post", "/api/v1/checks/sets"),
    ("post", "/api/v1/courier/export"),
    ("post", "/api/v1/courier/import"),
    ("post", "/api/v1/evidence"),
    ("post", "/api/v1/justifications/draw"),
    ("post", "/api/v1/keys/proposals"),
    ("post", "/api/v1/keys/proposals/{id}/confirm"),
    ("post", "/api/v1/officers"),
    ("post", "/api/v1/officers/{id}/lock"),
    ("post", "/api/v1/outbox/retry"),
    ("post", "/api/v1/partners/{party}/assessments"),
    ("post", "/api/v1/partners/{party}/log"),
    ("post", "/api/v1/partners/{party}/manifest"),
    ("post", "/api/v1/sign-in"),
    ("post", "/api/v1/sign-out"),
    ("put", "/api/v1/me/password"),
];

#[test]
fn every_call_that_changes_something_is_asked_about_what_is_hidden() {
    let listed = CHANGES.iter().map(|(method, path, _)| (*method, *path)).chain(NAMELESS.iter().copied());
    let listed: BTreeSet<(String, String)> =
        listed.map(|(method, path)| (method.to_owned(), form(path))).collect();
    assert_eq!(listed, super::calls_of_the_document(super::Kind::Changes));
}

/// Asks everything about what is hidden and about what is not there: the answers are the same.
pub(super) async fn ask_all(node: &Running, who: &str, hidden: &Numbers, absent: &Numbers) {
    let mut wrong = Vec::new();
    for (method, path, body) in CHANGES {
        let cases = if *path == "/api/v1/plans" {
            // In a case of one's own a plan names nothing that another case has.
            vec!["{case}"]
        } else if body.contains("REPORT") || body.contains("{CASE}") {
            vec!["{own}", "{case}"]
        } else {
            vec![""]
        };
        for case in cases {
            let kind = if *path == "/api/v1/requests" { "" } else { r#""kind":"information","# };
            let body = body.replace("REPORT", REPORT_IN).replace("KIND", kind).replace("ASK", ASK);
            let body = body.replace("HANDLING", HANDLING).replace("{CASE}", case);
            wrong.extend(told_apart(node, who, (method, path, &body), (hidden, absent)).await);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
