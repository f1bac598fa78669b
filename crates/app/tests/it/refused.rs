//! What the rules stop, on both sides, and what the officer is told.

use mithaq_app::{AppError, Changes, ErrorKind, NewReport, Released, Use, intent};
use mithaq_model::{
    CaseId, CrimeArea, Fact, Level, Millis, RefusalGround, ReportId, ReportState, RiskDimension, RiskLevel,
    Role, SubjectClass,
};
use mithaq_testkit::{subject_named, text};

use crate::world::{CI, ES, MA, Node, World, grade, ground, new_report, recruiter, risk};

fn open(node: &Node) -> CaseId {
    node.case(CrimeArea::ForeignTerroristFighters)
}

/// Ready for release with the recruiter in it, changed by the test.
fn ready(world: &World, change: impl Fn(&mut NewReport)) -> (CaseId, ReportId) {
    let case = open(world.ma());
    let subject = world.ma().add_subject(case, recruiter(7));
    let mut new = world.report(&[subject]);
    change(&mut new);
    (case, world.ma().ready(case, new))
}

fn refused(error: AppError) -> (u8, String) {
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    (error.step().unwrap_or(0), error.code().to_owned())
}

#[test]
fn two_persons_are_two_persons() {
    let world = World::new();
    let ma = world.ma();
    let case = open(ma);
    let subject = ma.add_subject(case, recruiter(7));
    let number = ma.draft(case, world.report(&[subject]));
    assert_eq!(ma.approve("supervisor", number).unwrap_err().code(), "report.not_reviewed");
    assert_eq!(ma.review(case, number).unwrap_err().code(), "report.not_graded");
    ma.grade(case, number);
    assert_eq!(ma.release(number, &Use::default()).unwrap_err().code(), "report.not_reviewed");
    ma.review(case, number).unwrap();
    ma.approve("supervisor", number).unwrap();
    assert_eq!(ma.approve("supervisor", number).unwrap_err().code(), "store.conflict.approval");
    let (step, code) = refused(ma.release(number, &Use::default()).unwrap_err());
    assert_eq!((step, code.as_str()), (14, "release.TWO_PERSON"));
    // Two persons of one role are not two roles.
    ma.approve("second", number).unwrap();
    let (step, code) = refused(ma.release(number, &Use::default()).unwrap_err());
    assert_eq!((step, code.as_str()), (14, "release.TWO_PERSON"));
    ma.approve("spoc", number).unwrap();
    ma.release(number, &Use::default()).unwrap();
    assert_eq!(ma.release(number, &Use::default()).unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn one_person_in_two_roles_is_one_person() {
    let world = World::new();
    let ma = world.ma();
    let both = mithaq_app::NewOfficer {
        login: "both".to_owned(),
        name: mithaq_model::Sensitive::new("Both".to_owned()),
        unit: mithaq_model::UnitId::new([1; 16]),
        roles: [Role::Supervisor, Role::Spoc].into_iter().collect(),
        lang: mithaq_model::Lang::FR,
    };
    ma.app.add_officer(ma.actor("admin").may(intent::GovernOfficers).unwrap(), &both).unwrap();
    let (_, number) = {
        let case = open(ma);
        let subject = ma.add_subject(case, recruiter(7));
        let number = ma.draft(case, world.report(&[subject]));
        ma.grade(case, number);
        ma.review(case, number).unwrap();
        (case, number)
    };
    ma.approve("both", number).unwrap();
    assert_eq!(ma.approve("both", number).unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(refused(ma.release(number, &Use::default()).unwrap_err()).1, "release.TWO_PERSON");
}

#[test]
fn nobody_reviews_or_approves_their_own_work() {
    let world = World::new();
    let ma = world.ma();
    let author = mithaq_app::NewOfficer {
        login: "author".to_owned(),
        name: mithaq_model::Sensitive::new("Author".to_owned()),
        unit: mithaq_model::UnitId::new([1; 16]),
        roles: [Role::Analyst, Role::Supervisor].into_iter().collect(),
        lang: mithaq_model::Lang::AR,
    };
    let id = ma.app.add_officer(ma.actor("admin").may(intent::GovernOfficers).unwrap(), &author).unwrap();
    let case = open(ma);
    ma.app.assign_to_case(ma.actor("supervisor").may(intent::GovernCase).unwrap(), case, id).unwrap();
    let actor = ma.actor("author");
    let access = ma.enter("author", case);
    let mut new = world.report(&[]);
    new.grade = Some(grade());
    let number = ma.app.draft_report(actor.may(intent::WriteReport).unwrap(), &access, new).unwrap();
    let own = ma.app.review_report(actor.may(intent::ReviewReport).unwrap(), &access, number).unwrap_err();
    assert_eq!(own.code(), "report.own_work");
    ma.review(case, number).unwrap();
    assert_eq!(ma.approve("author", number).unwrap_err().code(), "report.own_work");
}

#[test]
fn another_word_and_the_approvals_fall_away() {
    let world = World::new();
    let ma = world.ma();
    let (case, number) = ready(&world, |_| ());
    let may = ma.actor("analyst").may(intent::WriteReport).unwrap();
    let access = ma.enter("analyst", case);
    let late = ma.app.grade_report(may, &access, number, grade()).unwrap_err();
    assert_eq!(late.code(), "report.not_a_draft", "what is reviewed is not regraded in passing");
    let changes = Changes { title: Some(text("Another word")), ..Changes::default() };
    ma.app.revise_report(may, &access, number, &changes).unwrap();
    assert_eq!(ma.release(number, &Use::default()).unwrap_err().code(), "report.not_reviewed");
    assert_eq!(ma.approve("supervisor", number).unwrap_err().code(), "report.not_reviewed");
    ma.review(case, number).unwrap();
    let (step, code) = refused(ma.release(number, &Use::default()).unwrap_err());
    assert_eq!((step, code.as_str()), (14, "release.TWO_PERSON"), "nobody approved these words");
    ma.approve("supervisor", number).unwrap();
    ma.approve("spoc", number).unwrap();
    ma.release(number, &Use::default()).unwrap();
    let gone = ma.app.revise_report(may, &access, number, &changes).unwrap_err();
    assert_eq!(gone.code(), "report.not_a_draft", "what has left is corrected, not revised");
}

#[test]
fn the_rules_refuse_with_step_and_reason() {
    let world = World::new();
    let nobody: fn(&mut NewReport) = |new| new.recipients.clear();
    let secret: fn(&mut NewReport) = |new| new.level = Level::Secret;
    let violated: fn(&mut NewReport) = |new| new.obtained_in_violation = true;
    let (_, number) = ready(&world, nobody);
    let empty = world.ma().release(number, &Use::default()).unwrap_err();
    assert_eq!(refused(empty).1, "release.AGR");
    for (change, step, code) in [(secret, 10, "release.CLS"), (violated, 9, "release.ORC")] {
        let case = open(world.ma());
        let mut new = world.report(&[]);
        change(&mut new);
        let number = world.ma().ready(case, new);
        assert_eq!(
            refused(world.ma().release(number, &Use::default()).unwrap_err()),
            (step, code.to_owned())
        );
        let (state, sent) = {
            let may = world.ma().actor("supervisor").may(intent::ReadReport).unwrap();
            let (head, sent) = world.ma().app.receipts_of(may, number).unwrap();
            (head.state, sent)
        };
        assert_eq!(state, ReportState::Reviewed);
        assert!(sent.is_empty(), "nothing left");
    }
    assert!(world.ma().app.due_partners().unwrap().is_empty());
    let decided = world.ma().entries().into_iter().filter(|(kind, _, _)| kind == "report.decided");
    assert_eq!(decided.map(|(_, _, verdict)| verdict).collect::<Vec<_>>(), ["AGR", "CLS", "ORC"]);
}

#[test]
fn an_area_the_agreement_does_not_cover_is_refused() {
    let world = World::new();
    let case = world.ma().case(CrimeArea::Corruption);
    let subject = world.ma().add_subject(case, recruiter(7));
    let number = world.ma().ready(case, world.report(&[subject]));
    let error = world.ma().release(number, &Use::default()).unwrap_err();
    assert!(error.clause().is_some(), "it names the clause");
    assert_eq!(refused(error).1, "release.AGR");
}

#[test]
fn a_class_outside_the_agreement_is_refused() {
    let world = World::new();
    let case = open(world.ma());
    let witness = subject_named(9, "Salma Berrechid", SubjectClass::Witness, MA);
    let subject = world.ma().add_subject(case, witness);
    let number = world.ma().ready(case, world.report(&[subject]));
    assert_eq!(refused(world.ma().release(number, &Use::default()).unwrap_err()).1, "release.CAT");
}

#[test]
fn where_torture_is_a_real_risk_nothing_goes() {
    let world = World::new();
    world.ma().assess(&world.es().party, &risk(RiskLevel::Real));
    let (_, number) = ready(&world, |_| ());
    let error = world.ma().release(number, &Use::default()).unwrap_err();
    assert_eq!(error.ground(), Some(RefusalGround::TortureOrCidtRisk));
    assert_eq!(refused(error), (11, "release.RSK".to_owned()));
}

#[test]
fn what_the_case_adds_to_the_risk_counts() {
    let world = World::new();
    let (_, number) = ready(&world, |_| ());
    let stated = Use { further_risks: vec![(RiskDimension::TortureCidt, RiskLevel::High)], ..Use::default() };
    assert_eq!(refused(world.ma().release(number, &stated).unwrap_err()), (11, "release.RSK".to_owned()));
    world.ma().release(number, &Use::default()).unwrap();
}

#[test]
fn an_assessment_that_is_old_is_none() {
    let world = World::new();
    let mut old = crate::world::low_risk();
    old.valid_to = mithaq_model::Timestamp::parse("2026-04-01").unwrap();
    world.ma().assess(&world.es().party, &old);
    let (_, number) = ready(&world, |_| ());
    assert_eq!(
        refused(world.ma().release(number, &Use::default()).unwrap_err()),
        (11, "release.RSK".to_owned())
    );
}

#[test]
fn a_partner_nobody_assessed_gets_nothing() {
    let mut world = World::strangers(&[MA, ES]);
    let text = world.agreement_text(0, 1);
    let (ma, es) = (world.ma(), world.es());
    let may = ma.actor("authority").may(intent::GovernAgreement).unwrap();
    let id = ma.app.add_agreement(may, &text).unwrap();
    for signer in [ma, es] {
        ma.app.sign_agreement(may, &signer.signature(id, world.clock.0.now())).unwrap();
    }
    ma.app.add_manifest(may, &es.party, &es.app.own_manifest().unwrap()).unwrap();
    ma.app.activate_agreement(may, id).unwrap();
    world.agreement = id;
    let (_, number) = ready(&world, |_| ());
    assert_eq!(
        refused(world.ma().release(number, &Use::default()).unwrap_err()),
        (11, "release.RSK".to_owned())
    );
}

#[test]
fn a_budget_used_up_stops_the_flow_until_tomorrow() {
    // Both days' reports reach the receiver together: it counts each on the day it was sealed, so that what waited
    // is not refused for coming late.
    let mut world = World::strangers(&[MA, ES]);
    world.agreement = world.agree(0, 1, |text| text.replace("reports_per_day = 1000", "reports_per_day = 1"));
    let case = open(world.ma());
    let subject = world.ma().add_subject(case, recruiter(7));
    let [first, second] = [0, 1].map(|_| world.ma().ready(case, world.report(&[subject])));
    world.ma().release(first, &Use::default()).unwrap();
    assert_eq!(refused(world.ma().release(second, &Use::default()).unwrap_err()).1, "release.BUD");
    world.clock.0.advance(Millis::hours(24));
    world.ma().release(second, &Use::default()).unwrap();
    world.settle();
    assert_eq!(world.es().count("report.received"), 2);
}

/// Releases so many reports in one call under a budget; the excluded ones are refused at another step.
fn released_at_once(budget: &str, count: usize, refused: &[usize]) -> Vec<Option<String>> {
    let mut world = World::strangers(&[MA, ES]);
    world.agreement = world.agree(0, 1, |text| text.replace("reports_per_day = 1000", budget));
    let (ma, case) = (world.ma(), open(world.ma()));
    let subject = ma.add_subject(case, recruiter(7));
    let numbers: Vec<ReportId> = (0..count)
        .map(|place| {
            let mut new = world.report(&[subject]);
            if refused.contains(&place) {
                new.level = Level::Secret;
            }
            ma.ready(case, new)
        })
        .collect();
    let may = ma.actor("supervisor").may(intent::ReleaseReport).unwrap();
    let done = ma.app.release_reports(may, &numbers, &Use::default()).unwrap();
    assert_eq!(done.iter().map(|(number, _)| *number).collect::<Vec<_>>(), numbers, "in their order");
    let code = |one: &Released| match one {
        Released::Sent => None,
        Released::Refused(refusal) => Some(refusal.code().code().to_owned()),
    };
    done.iter().map(|(_, one)| code(one)).collect()
}

#[test]
fn one_call_cannot_go_beyond_the_day_however_many_cores_decide() {
    let done = released_at_once("reports_per_day = 20", 32, &[]);
    assert!(done.iter().take(20).all(Option::is_none), "{done:?}");
    assert!(done.iter().skip(20).all(|code| code.as_deref() == Some("BUD")), "{done:?}");
}

#[test]
fn what_is_refused_uses_no_budget_of_what_follows_it_in_the_call() {
    let done = released_at_once("reports_per_day = 20", 24, &[0, 5, 9, 23]);
    for (place, code) in done.iter().enumerate() {
        let expected = [0, 5, 9, 23].contains(&place).then_some("CLS");
        assert_eq!(code.as_deref(), expected, "{place}");
    }
}

#[test]
fn a_lie_about_the_day_of_sealing_buys_no_budget() {
    let mut world = World::strangers(&[MA, ES]);
    world.agreement = world.agree(0, 1, |text| text.replace("reports_per_day = 1000", "reports_per_day = 1"));
    let case = open(world.ma());
    let subject = world.ma().add_subject(case, recruiter(7));
    let [first, second] = [0, 1].map(|_| world.ma().ready(case, world.report(&[subject])));
    // The sender's clock stands a day ahead when it seals the second.
    world.ma().release(first, &Use::default()).unwrap();
    world.clock.0.advance(Millis::hours(24));
    world.ma().release(second, &Use::default()).unwrap();
    world.clock.0.set(world.clock.0.now().minus(Millis::hours(24)));
    world.carry(0, 1);
    let may = world.ma().actor("supervisor").may(intent::ReadReport).unwrap();
    let (_, sent) = world.ma().app.receipts_of(may, second).unwrap();
    assert_eq!(sent[0].answers.verdict.as_ref().unwrap().0, "refused:BUD", "a day to come is today");
}

#[test]
fn a_release_to_two_recipients_reaches_both_and_each_answers_for_itself() {
    let mut world = World::strangers(&[MA, ES, CI]);
    world.agreement = world.agree_all();
    let case = open(world.ma());
    let subject = world.ma().add_subject(case, recruiter(7));
    let both = [world.es().party.clone(), world.nodes[2].party.clone()];
    let number = world.ma().ready(case, new_report(world.agreement, &both, &[subject]));
    world.ma().release(number, &Use::default()).unwrap();
    assert_eq!(world.ma().count("report.decided"), 2, "one decision per recipient");
    world.carry(0, 1);
    world.carry(0, 2);
    for at in [1, 2] {
        let node = &world.nodes[at];
        assert_eq!(node.read(open(node), number).unwrap().id, number);
    }
    let may = world.ma().actor("supervisor").may(intent::ReadReport).unwrap();
    let (_, sent) = world.ma().app.receipts_of(may, number).unwrap();
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|one| one.answers.verdict.as_ref().is_some_and(|(word, _)| word == "accepted")));
    // One recall is two orders, and each holder answers.
    let recall = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    assert_eq!(
        world.ma().app.recall_report(recall, number, mithaq_wire::OrderReason::Originator).unwrap(),
        2
    );
    for at in [1, 2] {
        world.carry(0, at);
        world.carry(at, 0);
    }
    let (_, sent) = world.ma().app.receipts_of(may, number).unwrap();
    assert!(sent.iter().all(|one| one.answers.erased.is_some()), "R4 from both");
}

#[test]
fn one_recipient_the_rules_refuse_and_nothing_leaves_to_the_other() {
    let mut world = World::strangers(&[MA, ES, CI]);
    world.agreement = world.agree_all();
    world.ma().assess(&world.nodes[2].party, &risk(RiskLevel::Real));
    let case = open(world.ma());
    let subject = world.ma().add_subject(case, recruiter(7));
    let both = [world.es().party.clone(), world.nodes[2].party.clone()];
    let number = world.ma().ready(case, new_report(world.agreement, &both, &[subject]));
    assert_eq!(refused(world.ma().release(number, &Use::default()).unwrap_err()).0, 11);
    assert!(world.ma().app.due_partners().unwrap().is_empty());
}

#[test]
fn signed_is_not_in_force() {
    let mut world = World::strangers(&[MA, ES]);
    world.agreement = world.propose(0, 1, &world.agreement_text(0, 1));
    let (_, number) = ready(&world, |_| ());
    assert_eq!(
        refused(world.ma().release(number, &Use::default()).unwrap_err()),
        (3, "release.AGR".to_owned())
    );
}

#[test]
fn an_agreement_is_activated_only_when_both_signed() {
    let world = World::strangers(&[MA, ES]);
    let (ma, es) = (world.ma(), world.es());
    let may = ma.actor("authority").may(intent::GovernAgreement).unwrap();
    let id = ma.app.add_agreement(may, &world.agreement_text(0, 1)).unwrap();
    let now = world.clock.0.now();
    ma.app.sign_agreement(may, &ma.signature(id, now)).unwrap();
    assert_eq!(ma.app.activate_agreement(may, id).unwrap_err().code(), "agreement.unsigned");
    let mut forged = es.signature(id, now);
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(ma.app.sign_agreement(may, &forged).unwrap_err().code(), "input.signature");
    // A third party's signature, and one by keys the text does not name.
    let outsider = World::strangers(&["es-police", "ci-judiciary"]);
    let other_keys = outsider.nodes[0].signature(id, now);
    assert_eq!(ma.app.sign_agreement(may, &other_keys).unwrap_err().code(), "input.signature.root");
    let third = outsider.nodes[1].signature(id, now);
    assert_eq!(ma.app.sign_agreement(may, &third).unwrap_err().code(), "input.signature.party");
    ma.app.sign_agreement(may, &es.signature(id, now)).unwrap();
    ma.app.activate_agreement(may, id).unwrap();
    assert_eq!(ma.app.activate_agreement(may, id).unwrap_err().code(), "agreement.order");
}

#[test]
fn suspended_stops_both_sides_and_duties_stay() {
    let mut world = World::new();
    let (_, sent) = world.released();
    world.settle();
    let (_, number) = ready_again(&world);
    let legal = world.ma().actor("legal").may(intent::SuspendAgreement).unwrap();
    world.ma().app.suspend_agreement(legal, world.agreement).unwrap();
    assert_eq!(
        refused(world.ma().release(number, &Use::default()).unwrap_err()),
        (3, "release.AGR".to_owned())
    );
    world.settle();
    let stage = world.es().app.registry().agreements[&world.agreement].standing.stage();
    assert_eq!(stage.code(), "suspended", "the partner's word stops the flow here too");
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, sent, mithaq_wire::OrderReason::Rights).unwrap();
    world.settle();
    assert_eq!(world.es().count("report.erased"), 1);
    let authority = world.ma().actor("authority").may(intent::GovernAgreement).unwrap();
    let resume = |world: &World| world.ma().app.resume_agreement(authority, world.agreement);
    let agree = |world: &World, login: &str| {
        let may = world.ma().actor(login).may(intent::AgreeResume).unwrap();
        world.ma().app.agree_to_resume(may, world.agreement, &ground())
    };
    assert_eq!(resume(&world).unwrap_err().code(), "agreement.missing", "nobody agreed");
    agree(&world, "legal").unwrap();
    assert_eq!(resume(&world).unwrap_err().code(), "agreement.missing", "the adviser alone");
    agree(&world, "dpo").unwrap();
    resume(&world).unwrap();
    assert_eq!(agree(&world, "dpo").unwrap_err().code(), "agreement.order", "it is not suspended");
    world.clock.0.advance(Millis::hours(1));
    world.ma().app.suspend_agreement(legal, world.agreement).unwrap();
    assert_eq!(resume(&world).unwrap_err().code(), "agreement.missing", "they spoke of another suspension");
    agree(&world, "legal").unwrap();
    agree(&world, "dpo").unwrap();
    resume(&world).unwrap();
    assert_eq!(world.ma().count("agreement.resume_agreed"), 4);
    world.ma().release(number, &Use::default()).unwrap();
}

fn ready_again(world: &World) -> (CaseId, ReportId) {
    let case = open(world.ma());
    let subject = world.ma().add_subject(case, recruiter(8));
    (case, world.ma().ready(case, world.report(&[subject])))
}

#[test]
fn the_receiver_refuses_by_its_own_rules_and_the_sender_sees_why() {
    let mut world = World::new();
    let (_, number) = world.released();
    // Its copy is suspended; its notice has not reached the sender.
    let legal = world.es().actor("legal").may(intent::SuspendAgreement).unwrap();
    world.es().app.suspend_agreement(legal, world.agreement).unwrap();
    world.carry(0, 1);
    let may = world.ma().actor("supervisor").may(intent::ReadReport).unwrap();
    let (head, sent) = world.ma().app.receipts_of(may, number).unwrap();
    assert_eq!(sent[0].answers.verdict.as_ref().unwrap().0, "refused:AGR");
    assert_eq!(head.state, ReportState::Released);
    let case = open(world.es());
    assert_eq!(world.es().read(case, number).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(world.es().count("report.received"), 0);
}

#[test]
fn a_special_category_stops_at_the_review_until_the_adviser_clears_it() {
    let mut world = World::new();
    let case = open(world.ma());
    let subject = world.ma().add_subject(case, recruiter(7));
    let mut new = world.report(&[subject]);
    new.facts.push(Fact { text: text("He spoke in the car about his religion"), grade: grade() });
    let number = world.ma().draft(case, new);
    world.ma().grade(case, number);
    let stopped = world.ma().review(case, number).unwrap_err();
    assert_eq!(stopped.code(), "report.special_category");
    assert_eq!(stopped.ground(), Some(RefusalGround::CategoryNotAllowed));
    let legal = world.ma().actor("legal").may(intent::ClearRights).unwrap();
    world.ma().app.clear_report(legal, number, &ground()).unwrap();
    world.ma().review(case, number).unwrap();
    world.ma().approve("supervisor", number).unwrap();
    world.ma().approve("spoc", number).unwrap();
    world.ma().release(number, &Use::default()).unwrap();
    // The receiver's own screen holds it back: nobody there cleared it.
    world.settle();
    let may = world.ma().actor("supervisor").may(intent::ReadReport).unwrap();
    let (_, sent) = world.ma().app.receipts_of(may, number).unwrap();
    assert_eq!(sent[0].answers.verdict.as_ref().unwrap().0, "quarantined:SPC");
    let es_case = open(world.es());
    assert_eq!(world.es().read(es_case, number).unwrap_err().code(), "report.locked.quarantined");
    assert_eq!(world.es().count("report.quarantined"), 1);
}

#[test]
fn a_recipient_outside_the_agreement_gets_nothing() {
    let world = World::new();
    let case = open(world.ma());
    let number =
        world.ma().ready(case, new_report(world.agreement, &[mithaq_testkit::party("ci-judiciary")], &[]));
    assert_eq!(
        refused(world.ma().release(number, &Use::default()).unwrap_err()),
        (3, "release.AGR".to_owned())
    );
}
