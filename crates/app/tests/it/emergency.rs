//! A life at risk: two persons open one report for four hours, and are asked about it afterwards.

use mithaq_app::{AppError, Finding, Use, intent};
use mithaq_model::{
    CaseId, CrimeArea, Days, Fact, Millis, ProtectedRole, Purpose, ReportId, ReportVersion, Role, Urgency,
};
use mithaq_testkit::text;

use crate::attachments::{begin, code, put};
use crate::world::{ES, MA, Node, World, grade, ground, recruiter};

fn invoke(node: &Node, login: &str, number: ReportId) -> Result<(), AppError> {
    node.app.invoke_emergency(node.actor(login).may(intent::InvokeEmergency).unwrap(), number, &ground())
}

fn confirm(node: &Node, login: &str, number: ReportId) -> Result<(), AppError> {
    node.app.confirm_emergency(node.actor(login).may(intent::ConfirmEmergency).unwrap(), number, &ground())
}

fn review(node: &Node, login: &str, number: ReportId, finding: Finding) -> Result<(), AppError> {
    let may = node.actor(login).may(intent::ReviewEmergency).unwrap();
    node.app.review_emergency(may, (number, ReportVersion::FIRST), finding, &ground())
}

/// One report a day, and that is used up; a journalist whose life is at risk; a graded draft nobody reviewed.
fn world() -> (World, CaseId, ReportId) {
    let mut world = World::strangers(&[MA, ES]);
    world.agreement = world.agree(0, 1, |text| text.replace("reports_per_day = 1000", "reports_per_day = 1"));
    world.released();
    let (case, number) = draft(&world, 9, |_| ());
    (world, case, number)
}

fn draft(world: &World, who: u8, change: impl Fn(&mut mithaq_app::NewReport)) -> (CaseId, ReportId) {
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let role = ProtectedRole::JournalistOrSource;
    let subject = ma.add_subject(case, recruiter(who).with_protected_role(role));
    let mut new = world.report(&[subject]);
    new.urgency = Urgency::ThreatToLife;
    new.grade = Some(grade());
    change(&mut new);
    let may = ma.actor("analyst").may(intent::WriteReport).unwrap();
    let access = ma.enter_for("analyst", case, Purpose::ThreatToLife);
    (case, ma.app.draft_report(may, &access, new).unwrap())
}

#[test]
fn two_persons_open_it_and_it_leaves_at_once() {
    let (mut world, _, number) = world();
    let ma = world.ma();
    assert_eq!(ma.release(number, &Use::default()).unwrap_err().code(), "report.not_reviewed");
    assert_eq!(confirm(ma, "spoc", number).unwrap_err().code(), "emergency.not_invoked");
    invoke(ma, "supervisor", number).unwrap();
    assert_eq!(ma.release(number, &Use::default()).unwrap_err().code(), "report.not_reviewed");
    confirm(ma, "spoc", number).unwrap();
    ma.release(number, &Use::default()).unwrap();
    assert_eq!((ma.count("emergency.invoked"), ma.count("emergency.confirmed")), (1, 1));
    // The receiver decides for itself: people look at once, nothing is refused by a machine.
    world.settle();
    let es = world.es();
    let held = es.app.quarantined(es.actor("dpo").may(intent::InspectQuarantine).unwrap()).unwrap();
    assert_eq!((held.len(), held[0].report, held[0].code.as_str()), (1, number, "PRT"));
    let alarms = es.app.alarms(es.actor("spoc").may(intent::ReadHealth).unwrap()).unwrap();
    assert!(alarms.iter().any(|alarm| alarm.kind == "quarantine.life_at_risk"));
}

#[test]
fn it_does_not_wait_for_a_file_which_does_not_slip_in_afterwards() {
    let (world, case, number) = world();
    let ma = world.ma();
    let begun = begin(ma, case, number, 5).unwrap();
    assert_eq!(code(ma.review(case, number)), "attachment.under_way");
    invoke(ma, "supervisor", number).unwrap();
    confirm(ma, "spoc", number).unwrap();
    ma.release(number, &Use::default()).unwrap();
    assert_eq!(code(put(&ma.app, ma, begun.id, 0, b"later")), "report.not_a_draft");
}

#[test]
fn a_days_budget_does_not_refuse_a_life_on_either_side() {
    let (mut world, ..) = world();
    let plain = |new: &mut mithaq_app::NewReport| new.subjects.clear();
    let (_, number) = draft(&world, 10, plain);
    let ma = world.ma();
    invoke(ma, "supervisor", number).unwrap();
    confirm(ma, "spoc", number).unwrap();
    ma.release(number, &Use::default()).unwrap();
    world.settle();
    let es = world.es();
    let held = es.app.quarantined(es.actor("dpo").may(intent::InspectQuarantine).unwrap()).unwrap();
    assert_eq!((held.len(), held[0].code.as_str()), (1, "BUD"), "people decide, not the counter");
    for login in ["spoc", "dpo"] {
        let may = es.actor(login).may(intent::JudgeQuarantine).unwrap();
        es.app.judge_quarantine(may, number, mithaq_app::Ruling::Release, &ground()).unwrap();
    }
    assert_eq!(es.count("report.released_from_quarantine"), 1);
}

#[test]
fn it_closes_by_itself_after_four_hours() {
    let (world, _, number) = world();
    let ma = world.ma();
    invoke(ma, "supervisor", number).unwrap();
    world.clock.0.advance(Millis::hours(4));
    assert_eq!(confirm(ma, "spoc", number).unwrap_err().code(), "emergency.not_invoked");
    invoke(ma, "supervisor", number).unwrap();
    confirm(ma, "spoc", number).unwrap();
    world.clock.0.advance(Millis::hours(4));
    assert_eq!(ma.release(number, &Use::default()).unwrap_err().code(), "report.not_reviewed");
}

#[test]
fn what_is_never_skipped() {
    let (world, ..) = world();
    let ma = world.ma();
    let belief: fn(&mut mithaq_app::NewReport) = |new| {
        new.facts.push(Fact { text: text("He spoke in the car about his religion"), grade: grade() });
    };
    let secret: fn(&mut mithaq_app::NewReport) = |new| new.level = mithaq_model::Level::Secret;
    let tainted: fn(&mut mithaq_app::NewReport) = |new| new.obtained_in_violation = true;
    for (n, (change, step)) in (10_u8..).zip([(belief, 5), (secret, 10), (tainted, 9)]) {
        let (_, number) = draft(&world, n, |new| {
            change(new);
            new.subjects.clear();
        });
        invoke(ma, "supervisor", number).unwrap();
        confirm(ma, "spoc", number).unwrap();
        let refused = ma.release(number, &Use::default()).unwrap_err();
        assert_eq!(refused.step(), Some(step), "case {n}");
    }
    // Torture: no life opens that.
    world.ma().assess(&world.es().party, &crate::world::risk(mithaq_model::RiskLevel::Real));
    let (_, number) = draft(&world, 20, |_| ());
    invoke(ma, "supervisor", number).unwrap();
    confirm(ma, "spoc", number).unwrap();
    assert_eq!(ma.release(number, &Use::default()).unwrap_err().step(), Some(11));
}

#[test]
fn it_takes_the_purpose_two_persons_and_the_same_words() {
    let (world, case, number) = world();
    let ma = world.ma();
    let (_, routine) = draft(&world, 11, |new| new.urgency = Urgency::Routine);
    assert_eq!(invoke(ma, "supervisor", routine).unwrap_err().code(), "emergency.purpose");
    let (_, ungraded) = draft(&world, 12, |new| new.grade = None);
    assert_eq!(invoke(ma, "supervisor", ungraded).unwrap_err().code(), "report.not_graded");
    ma.hire("both", &[Role::Supervisor, Role::Spoc]);
    invoke(ma, "both", number).unwrap();
    assert_eq!(confirm(ma, "both", number).unwrap_err().code(), "emergency.one_person");
    confirm(ma, "spoc", number).unwrap();
    let may = ma.actor("analyst").may(intent::WriteReport).unwrap();
    let access = ma.enter_for("analyst", case, Purpose::ThreatToLife);
    let changes = mithaq_app::Changes { title: Some(text("Other words")), ..Default::default() };
    ma.app.revise_report(may, &access, number, &changes).unwrap();
    assert_eq!(ma.release(number, &Use::default()).unwrap_err().code(), "report.not_reviewed");
    for login in ["analyst", "admin", "legal", "oversight"] {
        assert!(ma.actor(login).may(intent::InvokeEmergency).is_err(), "{login}");
        assert!(ma.actor(login).may(intent::ConfirmEmergency).is_err(), "{login}");
    }
}

#[test]
fn it_is_reviewed_within_its_clocks_and_lateness_is_seen() {
    let (world, _, number) = world();
    let ma = world.ma();
    assert!(review(ma, "dpo", number, Finding::Justified).is_err(), "nothing was opened");
    invoke(ma, "supervisor", number).unwrap();
    confirm(ma, "spoc", number).unwrap();
    let listed = || {
        let may = ma.actor("oversight").may(intent::ReadRulings).unwrap();
        ma.app.emergencies(may).unwrap().remove(0)
    };
    assert_eq!((listed().dpo, listed().oversight), (None, None));
    assert_eq!(listed().closes.since(listed().invoked.1), Millis::hours(4));
    world.clock.0.advance(Days(3));
    assert_eq!(ma.app.remind_reviews().unwrap(), 1);
    assert_eq!(ma.app.remind_reviews().unwrap(), 0, "once");
    assert_eq!(ma.count("emergency.dpo_late"), 1);
    review(ma, "dpo", number, Finding::Justified).unwrap();
    world.clock.0.advance(Days(4));
    assert_eq!(ma.app.remind_reviews().unwrap(), 1);
    assert_eq!(ma.count("emergency.oversight_late"), 1);
    review(ma, "oversight", number, Finding::Unjustified).unwrap();
    assert_eq!(listed().dpo.as_deref(), Some("justified"));
    assert_eq!(listed().oversight.as_deref(), Some("unjustified"));
    assert_eq!(ma.count("emergency.reviewed"), 2);
    let alarms = ma.app.alarms(ma.actor("oversight").may(intent::ReadHealth).unwrap()).unwrap();
    assert!(alarms.iter().any(|alarm| alarm.kind == "emergency.unjustified"));
    assert!(ma.actor("supervisor").may(intent::ReviewEmergency).is_err());
}
