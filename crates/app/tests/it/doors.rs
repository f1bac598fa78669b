//! Who gets in, what is written down about it, and what never appears in an error or in a log.

use mithaq_app::{ErrorKind, Extent, Query, Use, intent};
use mithaq_ledger::{Trust, verify_bundle};
use mithaq_model::{CrimeArea, Millis, SubjectId};
use mithaq_testkit::text;

use crate::world::{World, ground, recruiter};

const CANARY: &str = "Zanzibarine Quillfeather";

#[test]
fn tokens_end_and_locked_is_locked() {
    let world = World::new();
    let ma = world.ma();
    let token = ma.app.issue_token("analyst", Millis::hours(1)).unwrap();
    ma.app.authenticate(&token.secret).unwrap();
    world.clock.0.advance(Millis::hours(1));
    assert_eq!(ma.app.authenticate(&token.secret).unwrap_err().code(), "auth.required");
    for bad in ["", "x", "not base64 !", &"A".repeat(43), &"A".repeat(4_000)] {
        assert_eq!(ma.app.authenticate(bad).unwrap_err().kind(), ErrorKind::Unauthenticated);
    }
    assert_eq!(ma.app.issue_token("analyst", Millis::hours(24 * 91)).err().unwrap().code(), "input.life");
    assert_eq!(ma.app.issue_token("nobody", Millis::hours(1)).err().unwrap().kind(), ErrorKind::NotFound);

    let token = ma.app.issue_token("analyst", Millis::hours(1)).unwrap();
    let admin = ma.actor("admin").may(intent::GovernOfficers).unwrap();
    ma.app.lock_officer(admin, ma.id("analyst")).unwrap();
    assert_eq!(ma.app.authenticate(&token.secret).unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert!(ma.app.issue_token("analyst", Millis::hours(1)).is_err());
    let stays = ma.app.lock_officer(admin, ma.id("oversight")).unwrap_err();
    assert_eq!(stays.code(), "officer.oversight", "the agency cannot take oversight away");

    let actor = ma.actor("spoc");
    let token = ma.app.issue_token("spoc", Millis::hours(1)).unwrap();
    ma.app.sign_out(&actor).unwrap();
    assert!(ma.app.authenticate(&token.secret).is_err());
}

#[test]
fn a_password_opens_once_it_is_set() {
    let world = World::new();
    let ma = world.ma();
    let id = ma.id("analyst");
    assert_eq!(ma.app.set_password(id, "short").unwrap_err().code(), "input.password");
    assert!(ma.app.sign_in("analyst", "correct horse battery").is_err(), "none is set");
    ma.app.set_password(id, "correct horse battery").unwrap();
    let token = ma.app.sign_in("analyst", "correct horse battery").unwrap();
    assert_eq!(ma.app.authenticate(&token.secret).unwrap().id(), id);
    for (login, password) in
        [("analyst", "correct horse batterz"), ("analyst", ""), ("nobody", "correct horse battery")]
    {
        let error = ma.app.sign_in(login, password).err().unwrap();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unauthenticated, "auth.required"));
    }
    assert_eq!(ma.count("sign_in.failed"), 4, "a name that nobody has too");
}

#[test]
fn the_first_officers_are_added_once() {
    let world = World::new();
    assert_eq!(world.ma().app.add_first_officers(&[]).unwrap_err().code(), "officer.first_exists");
}

#[test]
fn searches_are_narrow_inside_a_case_and_written_down() {
    let world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let subject = ma.add_subject(case, recruiter(7));
    let access = ma.enter("analyst", case);
    let may = ma.actor("analyst").may(intent::ReadSubject).unwrap();
    let ask = |name: &str| Query { name: Some(text(name)), document: None };
    for wide in ["Tazerout", "a b", "* *", "%"] {
        assert_eq!(ma.app.search(may, &access, &ask(wide)).unwrap_err().kind(), ErrorKind::Invalid, "{wide}");
    }
    let found = ma.app.search(may, &access, &ask("tazerout ABDELHAMID")).unwrap();
    assert_eq!(found.first().map(|hit| (hit.subject, hit.shared, hit.asked)), Some((subject, 2, 2)));
    let elsewhere = ma.enter("analyst", ma.case(CrimeArea::Corruption));
    assert!(ma.app.search(may, &elsewhere, &ask("Abdelhamid Tazerout")).unwrap().is_empty());
    assert_eq!(ma.count("subject.searched"), 2, "also the one that found nothing");

    let reason = text("Same name as on the ticket");
    assert_eq!(ma.app.read_subject(may, &access, subject, &reason).unwrap().id(), subject);
    let hidden = ma.app.read_subject(may, &elsewhere, subject, &reason).unwrap_err();
    let absent = ma.app.read_subject(may, &access, SubjectId::new([99; 16]), &reason).unwrap_err();
    assert_eq!(
        (hidden.kind(), hidden.code()),
        (absent.kind(), absent.code()),
        "hidden and absent look alike"
    );
    let read: Vec<String> =
        ma.entries().into_iter().filter(|(kind, _, _)| kind == "subject.read").map(|(_, _, v)| v).collect();
    assert_eq!(read, ["permit", "CASE", "CASE"]);
    // Another human's access is no access.
    let other = ma.actor("officer").may(intent::ReadSubject).unwrap();
    assert_eq!(
        ma.app.search(other, &access, &ask("Abdelhamid Tazerout")).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn subjects_end_with_their_clock() {
    let world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let subject = ma.add_subject(case, recruiter(7));
    assert_eq!(ma.app.erase_expired_subjects(100, &|| true).unwrap(), 0);
    world.clock.0.advance(mithaq_model::Days(360));
    let access = ma.enter("analyst", case);
    world.clock.0.advance(mithaq_model::Days(10));
    assert_eq!(ma.app.erase_expired_subjects(100, &|| true).unwrap(), 1);
    let may = ma.actor("analyst").may(intent::ReadSubject).unwrap();
    assert!(ma.app.read_subject(may, &access, subject, &text("Is it gone now")).is_err());
    let ask = Query { name: Some(text("Abdelhamid Tazerout")), document: None };
    assert!(ma.app.search(may, &access, &ask).unwrap().is_empty());
    assert_eq!(ma.count("subject.erased"), 1);
}

/// OpenCTI #8150, #7598: a purge that takes everything that is due at once holds up everybody, or never ends.
#[test]
fn many_that_are_due_end_in_bounded_steps() {
    let world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    for number in 1..=30 {
        ma.add_subject(case, recruiter(number));
    }
    world.clock.0.advance(mithaq_model::Days(370));
    let steps: Vec<usize> = (0..6).map(|_| ma.app.erase_expired_subjects(7, &|| true).unwrap()).collect();
    assert_eq!(steps, [7, 7, 7, 7, 2, 0]);
    assert_eq!(ma.count("subject.erased"), 30, "each once in the log");
}

/// One part is erased whatever `go_on` says, so that a node that is always late still gets on.
#[test]
fn the_end_of_many_subjects_is_left_for_later_between_two_parts() {
    let world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    for number in 1..=150 {
        ma.add_subject(case, recruiter(number));
    }
    world.clock.0.advance(mithaq_model::Days(370));
    let done = ma.app.erase_expired_subjects(1_000, &|| false).unwrap();
    assert!((1..150).contains(&done), "{done} together");
    assert_eq!(ma.app.erase_expired_subjects(1_000, &|| true).unwrap(), 150 - done);
    assert_eq!(ma.app.erase_expired_subjects(1_000, &|| true).unwrap(), 0);
    assert_eq!(ma.count("subject.erased"), 150);
}

#[test]
fn evidence_verifies_elsewhere_and_not_when_changed() {
    let mut world = World::new();
    let (case, _) = world.released();
    world.settle();
    let may = world.ma().actor("oversight").may(intent::ReadLog).unwrap();
    let key = [world.ma().app.log_key().unwrap()];
    for extent in [Extent::All, Extent::Case(case), Extent::Agreement(world.agreement)] {
        let bundle = world.ma().app.export_evidence(may, &extent).unwrap();
        let verified = verify_bundle(&bundle, &Trust::logs_only(&key)).unwrap();
        let kinds: Vec<String> = verified
            .segments()
            .iter()
            .flat_map(|segment| segment.entries())
            .map(|(_, entry)| entry.kind.as_str().to_owned())
            .collect();
        assert!(kinds.iter().any(|kind| kind == "report.released"), "{extent:?}");
        assert_eq!(verified.is_complete(), matches!(extent, Extent::All));
        let step = bundle.len() / 61 + 1;
        for at in (0..bundle.len()).step_by(step) {
            let mut changed = bundle.clone();
            changed[at] ^= 0x10;
            if let Ok(still) = verify_bundle(&changed, &Trust::logs_only(&key)) {
                // Only attached documents are outside of the proof; they carry signatures of their own.
                assert_eq!(still.entry_count(), verified.entry_count(), "byte {at}");
                assert_ne!(
                    still.documents().iter().map(|one| one.bytes).collect::<Vec<_>>(),
                    verified.documents().iter().map(|one| one.bytes).collect::<Vec<_>>(),
                    "byte {at}"
                );
            }
        }
    }
    assert_eq!(world.ma().count("evidence.exported"), 3);
    let stranger = [world.es().app.log_key().unwrap()];
    let bundle = world.ma().app.export_evidence(may, &Extent::All).unwrap();
    assert!(verify_bundle(&bundle, &Trust::logs_only(&stranger)).is_err());
}

/// Display, Debug and every source of an error.
fn chain(error: &mithaq_app::AppError) -> String {
    let mut all = format!("{error} {error:?}");
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        all.push_str(&format!(" {source} {source:?}"));
        next = source.source();
    }
    all
}

#[test]
fn no_content_in_errors_and_none_in_the_log() {
    let mut world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let subject = ma.add_subject(
        case,
        mithaq_testkit::subject_named(
            7,
            CANARY,
            mithaq_model::SubjectClass::SuspectCommitted,
            crate::world::MA,
        ),
    );
    let mut new = world.report(&[subject]);
    new.title = text(CANARY);
    new.facts[0].text = text(&format!("{CANARY} converted to islam"));
    let mut errors = Vec::new();
    let number = ma.draft(case, new);
    errors.push(ma.review(case, number).unwrap_err());
    ma.grade(case, number);
    errors.push(ma.review(case, number).unwrap_err());
    errors.push(ma.approve("supervisor", number).unwrap_err());
    errors.push(ma.release(number, &Use::default()).unwrap_err());
    let legal = ma.actor("legal").may(intent::ClearRights).unwrap();
    ma.app.clear_report(legal, number, &ground()).unwrap();
    ma.review(case, number).unwrap();
    errors.push(ma.release(number, &Use::default()).unwrap_err());
    ma.approve("supervisor", number).unwrap();
    errors.push(ma.approve("supervisor", number).unwrap_err());
    ma.approve("spoc", number).unwrap();
    let twice = mithaq_testkit::subject_named(
        7,
        CANARY,
        mithaq_model::SubjectClass::SuspectCommitted,
        crate::world::MA,
    );
    let may = ma.actor("analyst").may(intent::WriteSubject).unwrap();
    errors.push(ma.app.add_subjects(may, &ma.enter("analyst", case), vec![twice]).unwrap_err());
    let ask = Query { name: Some(text("Zanzibarine")), document: None };
    let may = ma.actor("analyst").may(intent::ReadSubject).unwrap();
    errors.push(ma.app.search(may, &ma.enter("analyst", case), &ask).unwrap_err());
    errors.push(ma.app.sign_in(CANARY, CANARY).err().unwrap());
    let may = ma.actor("authority").may(intent::GovernAgreement).unwrap();
    errors.push(ma.app.add_agreement(may, &format!("title = \"{CANARY}\"")).unwrap_err());
    ma.release(number, &Use::default()).unwrap();
    world.settle();
    let es_case = world.es().case(CrimeArea::ForeignTerroristFighters);
    errors.push(world.es().read(es_case, number).unwrap_err());
    for error in &errors {
        let chain = chain(error);
        assert!(!chain.contains("Zanzibarine") && !chain.contains("Quillfeather"), "{chain}");
    }
    assert!(errors.len() >= 11);
    for node in &world.nodes {
        let log = format!("{:?}", node.entries());
        assert!(!log.contains("Zanzibarine"));
        let dpo = node.actor("dpo").may(intent::ReadLog).unwrap();
        let bundle = node.app.export_evidence(dpo, &Extent::All).unwrap();
        let hit = bundle.windows(11).any(|window| window == b"Zanzibarine");
        assert!(!hit, "evidence carries commitments, no content");
    }
}
