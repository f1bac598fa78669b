//! Every refusal is an entry: by whom, of what, with its code, and with no word of what was asked.

use mithaq_app::{AppError, ErrorKind, Query, Use, intent};
use mithaq_model::{CrimeArea, Millis};
use mithaq_testkit::text;
use mithaq_wire::OrderReason;

use crate::world::{Node, World, recruiter};

/// Verdicts of the entries of one kind, oldest first.
fn verdicts(node: &Node, kind: &str) -> Vec<String> {
    node.entries().into_iter().filter(|(found, _, _)| found == kind).map(|(_, _, verdict)| verdict).collect()
}

#[test]
fn what_an_approval_is_refused_for_is_written_down() {
    let world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let subject = ma.add_subject(case, recruiter(7));
    let number = ma.draft(case, world.report(&[subject]));
    ma.approve("supervisor", number).unwrap_err();
    ma.grade(case, number);
    ma.review(case, number).unwrap();
    ma.approve("supervisor", number).unwrap();
    ma.approve("supervisor", number).unwrap_err();
    assert_eq!(verdicts(ma, "refused.report.release"), ["report.not_reviewed", "store.conflict.approval"]);
    assert_eq!(ma.count("report.approved"), 1);
    let about: Vec<String> = ma
        .entries()
        .into_iter()
        .filter(|(kind, _, _)| kind == "refused.report.release")
        .map(|(_, object, _)| object)
        .collect();
    assert_eq!(about, [number.to_string(), number.to_string()]);
}

#[test]
fn reviews_releases_recalls_and_corrections_that_cannot_be_leave_an_entry() {
    let world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let number = ma.draft(case, world.report(&[]));
    ma.review(case, number).unwrap_err();
    ma.release(number, &Use::default()).unwrap_err();
    let recall = ma.actor("supervisor").may(intent::RecallReport).unwrap();
    ma.app.recall_report(recall, number, OrderReason::Originator).unwrap_err();
    let write = ma.actor("analyst").may(intent::WriteReport).unwrap();
    let access = ma.enter("analyst", case);
    ma.app.correct_report(write, &access, number, &mithaq_app::Changes::default()).unwrap_err();
    assert_eq!(verdicts(ma, "refused.report.review"), ["report.not_graded"]);
    assert_eq!(verdicts(ma, "refused.report.release"), ["report.not_reviewed"]);
    assert_eq!(verdicts(ma, "refused.report.recall"), ["report.not_released"]);
    assert_eq!(verdicts(ma, "refused.report.write"), ["report.not_released"]);
    assert_eq!(ma.count("report.reviewed"), 0);
}

#[test]
fn a_question_that_is_too_wide_is_an_entry_without_the_question() {
    let world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let may = ma.actor("analyst").may(intent::ReadSubject).unwrap();
    let wide = Query { name: Some(text("Zanzibarine")), document: None };
    ma.app.search(may, &ma.enter("analyst", case), &wide).unwrap_err();
    assert_eq!(verdicts(ma, "refused.subject.read"), ["input.name"]);
    assert!(!format!("{:?}", ma.entries()).contains("Zanzibarine"));
}

#[test]
fn anothers_access_is_an_entry_wherever_it_is_used() {
    let world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let number = ma.draft(case, world.report(&[]));
    let access = ma.enter("analyst", case);
    let officer = ma.actor("officer");
    let (write, read) = (officer.may(intent::WriteReport).unwrap(), officer.may(intent::ReadReport).unwrap());
    let asked = Query { name: Some(text("Abdelhamid Tazerout")), document: None };
    let subject = officer.may(intent::ReadSubject).unwrap();
    let review = ma.actor("supervisor").may(intent::ReviewReport).unwrap();
    let refused: Vec<AppError> = vec![
        ma.app.draft_report(write, &access, world.report(&[])).unwrap_err(),
        ma.app.grade_report(write, &access, number, crate::world::grade()).unwrap_err(),
        ma.app.correct_report(write, &access, number, &mithaq_app::Changes::default()).unwrap_err(),
        ma.app.read_report(read, &access, number, &text("With the access of another")).unwrap_err(),
        ma.app.search(subject, &access, &asked).unwrap_err(),
        ma.app.review_report(review, &access, number).unwrap_err(),
    ];
    assert!(refused.iter().all(|error| error.kind() == ErrorKind::NotFound));
    let logged: Vec<_> =
        ma.entries().into_iter().filter(|(kind, _, _)| kind.starts_with("refused.")).collect();
    assert_eq!(logged.len(), refused.len());
    assert!(logged.iter().all(|(_, object, verdict)| *object == case.to_string() && verdict == "CASE"));
}

#[test]
fn a_missing_right_is_an_entry_with_the_person_and_the_right() {
    let world = World::new();
    let ma = world.ma();
    let admin = ma.actor("admin");
    let refused = ma.app.may(&admin, intent::ReadReport).unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Forbidden, "role.report.read"));
    ma.app.may(&admin, intent::GovernOfficers).unwrap();
    let entries: Vec<_> =
        ma.entries().into_iter().filter(|(kind, _, _)| kind.starts_with("refused.")).collect();
    let expected = ("refused.report.read".to_owned(), admin.id().to_string(), "role.report.read".to_owned());
    assert_eq!(entries, [expected]);
}

#[test]
fn strangers_leave_a_word_of_their_name_and_cannot_fill_the_log() {
    let world = World::new();
    let ma = world.ma();
    for _ in 0..2 {
        assert!(ma.app.authenticate("bm90IGEgdG9rZW4").is_err());
    }
    ma.app.issue_token("zanzibarine", Millis::hours(1)).err().unwrap();
    ma.app.sign_in("zanzibarine", "a password typed there").err().unwrap();
    ma.app.sign_in("zanzibarine", "a password typed there").err().unwrap();
    let names: Vec<String> = ma
        .entries()
        .into_iter()
        .filter(|(_, object, _)| object.starts_with("stranger-"))
        .map(|(_, object, _)| object)
        .collect();
    assert_eq!(names.len(), 3);
    assert!(names.iter().all(|name| *name == names[0]), "one name, one word");
    assert!(!format!("{:?}", ma.entries()).contains("zanzibarine"));
    // A flood: 1,000 tokens in one hour.
    for _ in 0..1_000 {
        assert!(ma.app.authenticate("bm90IGEgdG9rZW4").is_err());
    }
    let failed = verdicts(ma, "sign_in.failed");
    assert!(failed.len() < 30, "{}", failed.len());
    assert!(failed.iter().any(|verdict| verdict == "tries:512"));
    // Another node's log calls the same name otherwise.
    let es = world.es();
    es.app.issue_token("zanzibarine", Millis::hours(1)).err().unwrap();
    assert!(es.entries().iter().any(|(kind, object, _)| kind == "refused.token" && *object != names[0]));
}

#[test]
fn oversight_cannot_be_locked_out_unseen() {
    let world = World::new();
    let ma = world.ma();
    let admin = ma.actor("admin").may(intent::GovernOfficers).unwrap();
    ma.app.lock_officer(admin, ma.id("oversight")).unwrap_err();
    assert_eq!(verdicts(ma, "refused.officers.govern"), ["officer.oversight"]);
    let govern = ma.actor("authority").may(intent::GovernAgreement).unwrap();
    ma.app.activate_agreement(govern, world.agreement).unwrap_err();
    ma.app.add_agreement(govern, "title = 1").unwrap_err();
    ma.app.sign_agreement(govern, b"no signature").unwrap_err();
    ma.app.add_manifest(govern, &world.es().party, b"no manifest").unwrap_err();
    let refused = verdicts(ma, "refused.agreement.govern");
    assert_eq!(refused, ["agreement.order", "input.agreement", "input.signature", "input.manifest"]);
}
