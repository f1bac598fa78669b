//! Rights decided by people: what lies in quarantine, what the legal adviser clears, whose role is protected.

use mithaq_app::{AppError, ErrorKind, Judged, NewReport, Ruling, Use, intent};
use mithaq_model::{
    CaseId, CrimeArea, Days, Fact, ProtectedRole, RefusalGround, ReportId, ReportState, Role, Subject,
    SubjectId,
};
use mithaq_testkit::text;
use mithaq_wire::OrderReason;

use crate::world::{Node, World, grade, ground, recruiter};

fn open(node: &Node) -> CaseId {
    node.case(CrimeArea::ForeignTerroristFighters)
}

fn clear(node: &Node, number: ReportId) -> Result<(), AppError> {
    node.app.clear_report(node.actor("legal").may(intent::ClearRights).unwrap(), number, &ground())
}

fn judge(node: &Node, login: &str, number: ReportId, ruling: Ruling) -> Result<Judged, AppError> {
    node.app.judge_quarantine(
        node.actor(login).may(intent::JudgeQuarantine).unwrap(),
        number,
        ruling,
        &ground(),
    )
}

fn waiting(node: &Node) -> usize {
    node.app.quarantined(node.actor("dpo").may(intent::InspectQuarantine).unwrap()).unwrap().len()
}

/// What the recipient has signed last: verdict, erased, and the state of the report.
fn answered(world: &World, number: ReportId) -> (String, bool, ReportState) {
    let may = world.ma().actor("supervisor").may(intent::ReadReport).unwrap();
    let (head, sent) = world.ma().app.receipts_of(may, number).unwrap();
    let verdict = sent[0].answers.verdict.as_ref().map(|(word, _)| word.clone()).unwrap_or_default();
    (verdict, sent[0].answers.erased.is_some(), head.state)
}

/// A report that speaks of belief, cleared and released by the sender, held back by the receiver.
fn held() -> (World, ReportId) {
    let mut world = World::new();
    let ma = world.ma();
    let case = open(ma);
    let subject = ma.add_subject(case, recruiter(7));
    let mut new = world.report(&[subject]);
    new.facts.push(Fact { text: text("He spoke in the car about his religion"), grade: grade() });
    let number = ma.draft(case, new);
    ma.grade(case, number);
    clear(ma, number).unwrap();
    ma.review(case, number).unwrap();
    ma.approve("supervisor", number).unwrap();
    ma.approve("spoc", number).unwrap();
    ma.release(number, &Use::default()).unwrap();
    world.settle();
    (world, number)
}

#[test]
fn the_receiver_clears_for_itself_and_two_persons_let_it_in() {
    let (mut world, number) = held();
    assert_eq!(answered(&world, number).0, "quarantined:SPC");
    let es = world.es();
    let list = es.app.quarantined(es.actor("spoc").may(intent::InspectQuarantine).unwrap()).unwrap();
    assert_eq!((list.len(), list[0].report, list[0].code.as_str()), (1, number, "SPC"));
    assert_eq!(list[0].erased_on.since(list[0].since), Days(30).into());
    // Who must judge it may see it, with what the screen found; it is an entry.
    let legal = es.actor("legal").may(intent::InspectQuarantine).unwrap();
    let (report, found) = es.app.inspect_quarantined(legal, number, &ground()).unwrap();
    assert_eq!((report.id, found.len()), (number, 1));
    assert_eq!(es.count("quarantine.read"), 1);
    // Uncleared, nobody lets it in: the sender's clearance binds nobody here.
    let refused = judge(es, "spoc", number, Ruling::Release).unwrap_err();
    assert_eq!((refused.code(), refused.step()), ("release.SPC", Some(5)));
    assert_eq!(es.count("refused.quarantine.judge"), 1);
    clear(es, number).unwrap();
    assert_eq!(judge(es, "spoc", number, Ruling::Release).unwrap(), Judged::Waiting);
    assert_eq!(judge(es, "spoc", number, Ruling::Release).unwrap(), Judged::Waiting, "one person, one word");
    let case = open(es);
    assert_eq!(es.read(case, number).unwrap_err().code(), "report.locked.quarantined");
    assert_eq!(judge(es, "dpo", number, Ruling::Release).unwrap(), Judged::Released);
    es.read(case, number).unwrap();
    assert_eq!(waiting(es), 0);
    assert_eq!(judge(es, "dpo", number, Ruling::Refuse).unwrap_err().code(), "quarantine.not_there");
    world.settle();
    let (verdict, erased, state) = answered(&world, number);
    assert_eq!((verdict.as_str(), erased, state), ("accepted", false, ReportState::Acknowledged));
    assert_eq!(world.ma().count("receipt.decided"), 1);
    assert_eq!(world.es().count("report.released_from_quarantine"), 1);
}

#[test]
fn two_persons_turn_it_away_and_the_sender_hears_the_code_alone() {
    let (mut world, number) = held();
    let es = world.es();
    assert_eq!(judge(es, "dpo", number, Ruling::Refuse).unwrap(), Judged::Waiting);
    assert_eq!(judge(es, "spoc", number, Ruling::Refuse).unwrap(), Judged::Refused);
    let case = open(es);
    assert!(es.read(case, number).is_err());
    assert_eq!((waiting(es), es.count("report.refused_in_quarantine")), (0, 1));
    world.settle();
    let (verdict, erased, state) = answered(&world, number);
    assert_eq!((verdict.as_str(), erased, state), ("refused:SPC", true, ReportState::Released));
}

#[test]
fn words_that_differ_decide_nothing_and_may_be_changed() {
    let (world, number) = held();
    let es = world.es();
    clear(es, number).unwrap();
    assert_eq!(judge(es, "spoc", number, Ruling::Release).unwrap(), Judged::Waiting);
    assert_eq!(judge(es, "dpo", number, Ruling::Refuse).unwrap(), Judged::Waiting);
    assert_eq!(judge(es, "dpo", number, Ruling::Release).unwrap(), Judged::Released);
}

#[test]
fn one_person_in_both_roles_is_one_person() {
    let (world, number) = held();
    let es = world.es();
    es.hire("both", &[Role::Spoc, Role::Dpo]);
    clear(es, number).unwrap();
    assert_eq!(judge(es, "both", number, Ruling::Release).unwrap(), Judged::Waiting);
    assert_eq!(judge(es, "both", number, Ruling::Release).unwrap(), Judged::Waiting);
    let short = es.app.judge_quarantine(
        es.actor("dpo").may(intent::JudgeQuarantine).unwrap(),
        number,
        Ruling::Release,
        &text("yes"),
    );
    assert_eq!(short.unwrap_err().code(), "input.ground");
    for login in ["analyst", "supervisor", "admin", "oversight", "legal"] {
        assert!(es.actor(login).may(intent::JudgeQuarantine).is_err(), "{login}");
    }
    assert!(es.actor("analyst").may(intent::InspectQuarantine).is_err());
}

#[test]
fn what_nobody_judges_is_erased_after_thirty_days() {
    let (mut world, number) = held();
    world.clock.0.advance(Days(29));
    assert_eq!(world.es().app.erase_stale_quarantine(100).unwrap(), 0);
    world.clock.0.advance(Days(1));
    assert_eq!(world.es().app.erase_stale_quarantine(100).unwrap(), 1);
    assert_eq!(world.es().app.erase_stale_quarantine(100).unwrap(), 0);
    world.settle();
    let (verdict, erased, _) = answered(&world, number);
    assert_eq!((verdict.as_str(), erased), ("refused:SPC", true));
}

#[test]
fn a_recall_ends_a_quarantine() {
    let (mut world, number) = held();
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, OrderReason::Originator).unwrap();
    world.settle();
    let es = world.es();
    assert_eq!(waiting(es), 0);
    assert_eq!(judge(es, "dpo", number, Ruling::Refuse).unwrap_err().kind(), ErrorKind::NotFound);
    world.clock.0.advance(Days(31));
    assert_eq!(world.es().app.erase_stale_quarantine(100).unwrap(), 0);
}

/// A draft about somebody whose role is protected, graded.
fn about(world: &World, subject: Subject, change: impl Fn(&mut NewReport)) -> (CaseId, ReportId, SubjectId) {
    let ma = world.ma();
    let case = open(ma);
    let subject = ma.add_subject(case, subject);
    let mut new = world.report(&[subject]);
    change(&mut new);
    let number = ma.draft(case, new);
    ma.grade(case, number);
    (case, number, subject)
}

fn clear_role(
    node: &Node,
    number: ReportId,
    subject: SubjectId,
    role: ProtectedRole,
) -> Result<(), AppError> {
    let may = node.actor("legal").may(intent::ClearRights).unwrap();
    node.app.clear_role(may, number, (subject, role), &ground())
}

fn confirm(
    node: &Node,
    login: &str,
    number: ReportId,
    subject: SubjectId,
    role: ProtectedRole,
) -> Result<(), AppError> {
    let may = node.actor(login).may(intent::ConfirmClearance).unwrap();
    node.app.confirm_clearance(may, number, (subject, role), &ground())
}

fn approved(node: &Node, case: CaseId, number: ReportId) {
    node.review(case, number).unwrap();
    node.approve("supervisor", number).unwrap();
    node.approve("spoc", number).unwrap();
}

#[test]
fn a_protected_role_is_cleared_by_adviser_and_senior_on_both_sides() {
    let mut world = World::new();
    let role = ProtectedRole::Lawyer;
    let (case, number, subject) = about(&world, recruiter(7).with_protected_role(role), |_| ());
    let ma = world.ma();
    approved(ma, case, number);
    let stopped = ma.release(number, &Use::default()).unwrap_err();
    assert_eq!((stopped.step(), stopped.ground()), (Some(6), Some(RefusalGround::ProtectedRole)));
    assert_eq!(confirm(ma, "supervisor", number, subject, role).unwrap_err().code(), "rights.not_cleared");
    clear_role(ma, number, subject, role).unwrap();
    assert_eq!(ma.release(number, &Use::default()).unwrap_err().step(), Some(6), "one person is not two");
    confirm(ma, "supervisor", number, subject, role).unwrap();
    ma.release(number, &Use::default()).unwrap();
    assert_eq!((ma.count("rights.cleared"), ma.count("rights.confirmed")), (1, 1));
    world.settle();
    assert_eq!(answered(&world, number).0, "quarantined:PRT", "the receiver decides for itself");
    let es = world.es();
    assert_eq!(judge(es, "spoc", number, Ruling::Release).unwrap_err().step(), Some(6));
    clear_role(es, number, subject, role).unwrap();
    confirm(es, "supervisor", number, subject, role).unwrap();
    judge(es, "spoc", number, Ruling::Release).unwrap();
    assert_eq!(judge(es, "dpo", number, Ruling::Release).unwrap(), Judged::Released);
    let may = es.actor("oversight").may(intent::ReadRulings).unwrap();
    let said = es.app.rulings(may, mithaq_model::Timestamp::parse("2026-01-01").unwrap()).unwrap();
    assert_eq!(said.len(), 4, "oversight sees every word");
    assert!(
        said.iter().all(|(_, reason)| reason.as_ref().is_some_and(|text| text.reveal().contains("seen")))
    );
    world.settle();
    assert_eq!(answered(&world, number).0, "accepted");
}

#[test]
fn adviser_and_senior_are_two_persons_and_neither_wrote_it() {
    let world = World::new();
    let role = ProtectedRole::JournalistOrSource;
    let (_, number, subject) = about(&world, recruiter(7).with_protected_role(role), |_| ());
    let ma = world.ma();
    ma.hire("alone", &[Role::LegalAdviser, Role::Supervisor]);
    let alone = ma.actor("alone");
    let may = alone.may(intent::ClearRights).unwrap();
    ma.app.clear_role(may, number, (subject, role), &ground()).unwrap();
    assert_eq!(confirm(ma, "alone", number, subject, role).unwrap_err().code(), "rights.one_person");
    let short = ma.app.clear_role(may, number, (subject, role), &text("he is one"));
    assert_eq!(short.unwrap_err().code(), "input.ground");
    let other = clear_role(ma, number, subject, ProtectedRole::Doctor).unwrap_err();
    assert_eq!(other.code(), "input.role", "a role nobody bears");
    let id = ma.hire("writes", &[Role::Analyst, Role::LegalAdviser]);
    let case = open(ma);
    ma.app.assign_to_case(ma.actor("supervisor").may(intent::GovernCase).unwrap(), case, id).unwrap();
    let (author, access) = (ma.actor("writes"), ma.enter("writes", case));
    let own =
        ma.app.draft_report(author.may(intent::WriteReport).unwrap(), &access, world.report(&[])).unwrap();
    let refused = ma.app.clear_report(author.may(intent::ClearRights).unwrap(), own, &ground()).unwrap_err();
    assert_eq!(refused.code(), "report.own_work");
    assert_eq!(ma.count("refused.rights.clear") + ma.count("refused.rights.confirm"), 4);
}

#[test]
fn no_clearance_lifts_what_is_compiled_in() {
    let world = World::new();
    let ma = world.ma();
    // A child: only the purpose protects.
    let child = recruiter(7).with_protected_role(ProtectedRole::Child);
    let (case, number, subject) = about(&world, child, |_| ());
    assert_eq!(clear_role(ma, number, subject, ProtectedRole::Child).unwrap_err().code(), "rights.child");
    approved(ma, case, number);
    assert_eq!(ma.release(number, &Use::default()).unwrap_err().code(), "release.CAT");
    // Somebody who may have fled the recipient's state.
    let role = ProtectedRole::AsylumSeekerRefugee;
    let (case, number, subject) = about(&world, recruiter(8).with_protected_role(role), |_| ());
    clear_role(ma, number, subject, role).unwrap();
    confirm(ma, "supervisor", number, subject, role).unwrap();
    approved(ma, case, number);
    let stopped = ma.release(number, &Use::default()).unwrap_err();
    assert_eq!((stopped.step(), stopped.ground()), (Some(6), Some(RefusalGround::RefoulementOrAsylum)));
}

#[test]
fn a_clearance_is_about_the_words_it_was_given_for() {
    let world = World::new();
    let role = ProtectedRole::Lawyer;
    let (case, number, subject) = about(&world, recruiter(7).with_protected_role(role), |_| ());
    let ma = world.ma();
    clear_role(ma, number, subject, role).unwrap();
    let may = ma.actor("analyst").may(intent::WriteReport).unwrap();
    let changes =
        mithaq_app::Changes { title: Some(text("Another title")), ..mithaq_app::Changes::default() };
    ma.app.revise_report(may, &ma.enter("analyst", case), number, &changes).unwrap();
    assert_eq!(confirm(ma, "supervisor", number, subject, role).unwrap_err().code(), "rights.not_cleared");
    clear_role(ma, number, subject, role).unwrap();
    confirm(ma, "supervisor", number, subject, role).unwrap();
    approved(ma, case, number);
    ma.release(number, &Use::default()).unwrap();
}
