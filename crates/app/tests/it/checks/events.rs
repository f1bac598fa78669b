//! Deconfliction of planned actions between two agencies: both planners learn of a conflict and whom to call, and nothing else.
//! What is refused is in [`super::events_refused`].

use mithaq_app::{App, AppError, CheckCall, CheckKind, NewPlan, PlanShown, intent};
use mithaq_check::Opening;
use mithaq_check::event::{EventRequest, event_check};
use mithaq_db::Tx;
use mithaq_model::{CaseId, CrimeArea, Days, Millis, ObjectId};
use mithaq_store::checks::{AskState, PlanState};

use super::{Scene, code, opening, terms};
use crate::world::{CI, ES, MA, Node, World, parts};

pub(super) const TERMS: &str =
    "daily_cap = 400\nofficer_cap = 200\ncase_cap = 200\nreview_after = 60\nevents = true";
/// The strait, and the same place on the other side of it; Paris is elsewhere.
pub(super) const TANGIER: (i32, i32) = (35_780_000, -5_810_000);
pub(super) const NEAR: (i32, i32) = (35_830_000, -5_750_000);
const PARIS: (i32, i32) = (48_850_000, 2_350_000);
pub(super) const HERE: &str = "Operations room, extension 12";
pub(super) const THERE: &str = "Sala de coordinación, 34";

pub(super) fn scene() -> Scene {
    Scene::new(TERMS)
}

pub(super) fn new(scene: &Scene, at: (i32, i32), hours: u64, contact: &str) -> NewPlan {
    let from = scene.world.clock.0.now().plus(Millis::hours(hours));
    NewPlan { agreement: scene.world.agreement, at, from, contact: contact.to_owned() }
}

pub(super) fn draft(node: &Node, case: CaseId, plan: &NewPlan) -> Result<ObjectId, AppError> {
    let may = node.actor("analyst").may(intent::AskCheck).unwrap();
    node.app.draft_plan(may, &node.enter("analyst", case), plan)
}

pub(super) fn authorise(node: &Node, case: CaseId, plan: ObjectId) -> Result<usize, AppError> {
    let may = node.actor("supervisor").may(intent::AuthoriseCheck).unwrap();
    node.app.authorise_plan(may, &node.enter("supervisor", case), plan)
}

pub(super) fn end(node: &Node, case: CaseId, plan: ObjectId) -> Result<(), AppError> {
    let may = node.actor("analyst").may(intent::AskCheck).unwrap();
    node.app.end_plan(may, &node.enter("analyst", case), plan)
}

pub(super) fn planned(node: &Node, case: CaseId, plan: &NewPlan) -> ObjectId {
    let number = draft(node, case, plan).unwrap();
    authorise(node, case, number).unwrap();
    number
}

pub(super) fn shown(node: &Node, case: CaseId) -> Vec<PlanShown> {
    let may = node.actor("analyst").may(intent::WorkCase).unwrap();
    node.app.plans(may, &node.enter("analyst", case)).unwrap()
}

/// Carries what one node has to say about plans to the other.
pub(super) fn carry(from: &Node, to: &Node) {
    for _ in 0..8 {
        let calls: Vec<_> = from.app.check_calls(&to.party).unwrap().into_iter().filter(plans_only).collect();
        if calls.is_empty() {
            return;
        }
        for call in calls {
            let reply = to.app.answer_check(&from.party, call.agreement, call.kind, &call.body).unwrap();
            from.app.check_answered(&to.party, &call, Some(&reply.bytes)).unwrap();
        }
    }
    panic!("the line never comes to rest");
}

pub(super) fn plans_only(call: &CheckCall) -> bool {
    matches!(call.kind, CheckKind::Event | CheckKind::EventClaim)
}

pub(super) fn states(shown: &[PlanShown]) -> Vec<AskState> {
    shown.iter().flat_map(|one| one.asks.iter().map(|ask| ask.state)).collect()
}

pub(super) fn contacts(shown: &[PlanShown]) -> Vec<&str> {
    shown.iter().flat_map(|one| one.conflicts.iter().map(|(_, contact)| contact.as_str())).collect()
}

#[test]
fn two_planners_learn_of_a_conflict_and_whom_to_call_and_nothing_else() {
    let scene = scene();
    let (ma, es) = (scene.ma(), scene.es());
    planned(es, scene.es_case, &new(&scene, NEAR, 50, THERE));
    carry(es, ma);
    assert_eq!(states(&shown(es, scene.es_case)), [AskState::Clear], "nobody planned anything yet");
    planned(ma, scene.ma_case, &new(&scene, TANGIER, 48, HERE));
    let call = ma.app.check_calls(&es.party).unwrap().into_iter().find(plans_only).unwrap();
    carry(ma, es);
    let (here, there) = (shown(ma, scene.ma_case), shown(es, scene.es_case));
    assert_eq!((states(&here), contacts(&here)), (vec![AskState::Conflict], vec![THERE]));
    assert_eq!(contacts(&there), [HERE]);
    for node in [ma, es] {
        assert_eq!(node.count("check.plan_conflict"), 1, "{}", node.party);
        let may = node.actor("spoc").may(intent::ReadHealth).unwrap();
        let alarms = node.app.alarms(may).unwrap();
        assert!(alarms.iter().any(|alarm| alarm.kind == "check.plan_conflict"), "{}", node.party);
    }
    // What crossed: one element and codes; no contact before the claim, and no place or time at all.
    let request = EventRequest::from_bytes(&call.body).unwrap();
    let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(!holds(&call.body, HERE.as_bytes()));
    assert!(!holds(&call.body, &TANGIER.0.to_be_bytes()) && !holds(&call.body, scene.ma_case.as_bytes()));
    let received = |kind: &str, node: &Node| node.commitments(kind)[0];
    assert_eq!(
        received("check.plan_received", es),
        received("check.plan_asked", ma),
        "both logged one commitment"
    );
    assert_eq!(node_entry(es, "check.plan_evaluated").2, "evaluations:27");
    assert_eq!(received("check.plan_evaluated", es).unwrap().as_bytes(), &request.digest());
    // Carried again, nothing is charged or told twice.
    let before = es.entries().len();
    es.app.answer_check(&ma.party, call.agreement, call.kind, &call.body).unwrap();
    assert_eq!(es.entries().len(), before);
}

/// An entry of the log: kind, object, verdict.
fn node_entry(node: &Node, kind: &str) -> (String, String, String) {
    node.entries().into_iter().find(|(one, ..)| one == kind).unwrap()
}

/// The question of a new plan, before anything is carried.
pub(super) fn question(scene: &Scene, at: (i32, i32), hours: u64) -> (ObjectId, CheckCall) {
    let plan = planned(scene.ma(), scene.ma_case, &new(scene, at, hours, HERE));
    let calls = scene.ma().app.check_calls(&scene.es().party).unwrap();
    (plan, calls.into_iter().find(plans_only).unwrap())
}

/// A plan of Morocco with what came of it.
pub(super) fn of(scene: &Scene, plan: ObjectId) -> PlanShown {
    shown(scene.ma(), scene.ma_case).into_iter().find(|one| one.plan.id == plan).unwrap()
}

#[test]
fn far_in_place_or_time_is_clear_and_looks_alike() {
    let scene = scene();
    let (ma, es) = (scene.ma(), scene.es());
    let ask = |at, hours| {
        let (plan, call) = question(&scene, at, hours);
        let answer = es.app.answer_check(&ma.party, call.agreement, call.kind, &call.body).unwrap();
        ma.app.check_answered(&es.party, &call, Some(&answer.bytes)).unwrap();
        (of(&scene, plan).asks[0].state, call.body.len(), answer.bytes.len(), answer.leaves_after)
    };
    let none = ask(TANGIER, 48);
    planned(es, scene.es_case, &new(&scene, NEAR, 50, THERE));
    let (far, later, met) = (ask(PARIS, 48), ask(TANGIER, 96), ask(TANGIER, 49));
    assert_eq!(
        (none.0, far.0, later.0, met.0),
        (AskState::Clear, AskState::Clear, AskState::Clear, AskState::Claiming)
    );
    for one in [far, later, met] {
        assert_eq!((one.1, one.2, one.3), (none.1, none.2, none.3), "with a plan or none, met or not");
    }
}

#[test]
fn what_a_plan_says_is_kept_as_coarse_as_it_is_compared() {
    let scene = scene();
    let number = draft(scene.ma(), scene.ma_case, &new(&scene, TANGIER, 48, HERE)).unwrap();
    let shown = of(&scene, number);
    let says = shown.planned.unwrap().plan;
    assert_eq!((says.at.latitude_e6, says.at.longitude_e6), (35_750_000, -5_850_000));
    let six = 6 * 3_600_000;
    assert_eq!((says.from.as_millis() % six, shown.plan.until.as_millis() % six), (0, 0));
}

#[test]
fn a_restart_on_the_way_changes_nothing_and_nothing_is_charged_twice() {
    let scene = scene();
    let (ma, es) = (scene.ma(), scene.es());
    planned(es, scene.es_case, &new(&scene, NEAR, 50, THERE));
    let (plan, call) = question(&scene, TANGIER, 48);
    let again = |node: &Node, n: u8| {
        App::open(node.db.clone(), parts(&node.party, (n, 7), &scene.world.clock, &node.mark)).unwrap()
    };
    let (here, there) = (again(ma, 16), again(es, 32));
    let asked = here.check_calls(&es.party).unwrap().into_iter().find(plans_only).unwrap();
    assert_eq!(asked.body, call.body, "byte for byte");
    let first = es.app.answer_check(&ma.party, call.agreement, call.kind, &call.body).unwrap();
    let second = there.answer_check(&ma.party, call.agreement, call.kind, &call.body).unwrap();
    assert_eq!(first.bytes, second.bytes);
    here.check_answered(&es.party, &asked, Some(&second.bytes)).unwrap();
    // It met; the next process claims, and the one after that of the partner answers.
    let claim = ma.app.check_calls(&es.party).unwrap().into_iter().find(plans_only).unwrap();
    assert_eq!(claim.kind, CheckKind::EventClaim);
    let first = there.answer_check(&ma.party, claim.agreement, claim.kind, &claim.body).unwrap();
    let second = es.app.answer_check(&ma.party, claim.agreement, claim.kind, &claim.body).unwrap();
    assert_eq!(first.bytes, second.bytes);
    ma.app.check_answered(&es.party, &claim, Some(&second.bytes)).unwrap();
    assert_eq!(contacts(&[of(&scene, plan)]), [THERE]);
    let may = es.actor("spoc").may(intent::ReadCheck).unwrap();
    assert_eq!(es.app.check_budgets(may).unwrap()[1].all.used, 27);
    assert_eq!((es.count("check.plan_evaluated"), es.count("check.plan_conflict")), (1, 1));
}

#[test]
fn oversight_opens_what_was_asked_until_a_month_after_the_plan() {
    let scene = scene();
    let (plan, call) = question(&scene, TANGIER, 48);
    carry(scene.ma(), scene.es());
    let number = of(&scene, plan).asks[0].id;
    end(scene.ma(), scene.ma_case, plan).unwrap();
    let opened = Opening::from_bytes(&opening(scene.ma(), number).unwrap()).unwrap();
    let request = EventRequest::from_bytes(&call.body).unwrap();
    assert_eq!(
        event_check(&request, &opened),
        Ok(()),
        "the cell that was evaluated is the one that was logged"
    );
    assert_eq!(opening(scene.es(), number), None, "what answers a claim opens nothing");
    scene.world.clock.0.advance(Days(31));
    scene.ma().app.tick_checks().unwrap();
    assert_eq!(opening(scene.ma(), number), None);
    assert_eq!(of(&scene, plan).plan.state, PlanState::Closed);
    assert_eq!(scene.ma().count("check.plan_closed"), 1);
    assert_eq!(code(end(scene.ma(), scene.ma_case, plan)), "check.plan_over");
}

#[test]
fn a_plan_meets_nobody_before_two_persons_and_after_its_time() {
    let scene = scene();
    let (ma, es) = (scene.ma(), scene.es());
    let number = draft(es, scene.es_case, &new(&scene, NEAR, 30, THERE)).unwrap();
    planned(ma, scene.ma_case, &new(&scene, TANGIER, 30, HERE));
    carry(ma, es);
    assert_eq!(states(&shown(ma, scene.ma_case)), [AskState::Clear], "a draft is met by nobody");
    es.hire("both", &[mithaq_model::Role::Analyst, mithaq_model::Role::Supervisor]);
    let both = es.actor("both");
    let govern = es.actor("supervisor").may(intent::GovernCase).unwrap();
    es.app.assign_to_case(govern, scene.es_case, both.id()).unwrap();
    let own = draft_as(es, scene.es_case, &new(&scene, NEAR, 30, THERE));
    let alone = es.app.authorise_plan(
        both.may(intent::AuthoriseCheck).unwrap(),
        &es.enter("both", scene.es_case),
        own,
    );
    assert_eq!(code(alone), "check.two_persons");
    authorise(es, scene.es_case, number).unwrap();
    assert_eq!(code(authorise(es, scene.es_case, number)), "check.not_draft");
    // Taken back, it is gone: what it said, and what was asked.
    end(es, scene.es_case, number).unwrap();
    assert_eq!(code(end(es, scene.es_case, number)), "check.plan_over");
    assert!(es.app.check_calls(&ma.party).unwrap().into_iter().all(|call| !plans_only(&call)));
    // Over by itself when its window is.
    scene.world.clock.0.advance(Millis::hours(43));
    for node in [ma, es] {
        node.app.tick_checks().unwrap();
    }
    assert_eq!(ma.count("check.plan_over"), 1);
    let over = shown(ma, scene.ma_case);
    assert_eq!((over[0].plan.state, over[0].planned.is_none()), (PlanState::Over, true));
    let left = |node: &Node| {
        let read = |tx: &mut dyn Tx| -> Result<_, AppError> {
            let sql = "SELECT id FROM record_key WHERE kind IN (21, 23)";
            Ok(tx.query(sql, &[])?.len())
        };
        node.db.read(read).unwrap()
    };
    assert_eq!((left(ma), left(es)), (0, 0), "places, times and contacts went with their keys");
}

#[test]
fn the_plans_of_a_closed_case_are_over() {
    let scene = scene();
    let (ma, es) = (scene.ma(), scene.es());
    draft(es, scene.es_case, &new(&scene, NEAR, 49, THERE)).unwrap();
    planned(es, scene.es_case, &new(&scene, NEAR, 50, THERE));
    let (plan, call) = question(&scene, TANGIER, 48);
    let answer = es.app.answer_check(&ma.party, call.agreement, call.kind, &call.body).unwrap();
    ma.app.check_answered(&es.party, &call, Some(&answer.bytes)).unwrap();
    let may = es.actor("supervisor").may(intent::GovernCase).unwrap();
    es.app.close_case(may, scene.es_case).unwrap();
    carry(ma, es);
    assert_eq!(of(&scene, plan).asks[0].state, AskState::Clear, "nothing is disclosed for a closed case");
    assert_eq!((es.count("check.plan_over"), es.count("check.plan_conflict")), (2, 0));
    assert!(es.app.check_calls(&ma.party).unwrap().iter().all(|call| !plans_only(call)));
}

/// As who may both write and authorise.
fn draft_as(node: &Node, case: CaseId, plan: &NewPlan) -> ObjectId {
    let may = node.actor("both").may(intent::AskCheck).unwrap();
    node.app.draft_plan(may, &node.enter("both", case), plan).unwrap()
}

#[test]
fn every_party_of_an_agreement_is_asked_and_none_learns_of_another() {
    let world = World::strangers(&[MA, ES, CI]);
    let agreement = world.agree_all_to(|text| terms(&text, TERMS));
    let area = CrimeArea::ForeignTerroristFighters;
    let cases: Vec<CaseId> = world.nodes.iter().map(|node| node.case(area)).collect();
    let plan = |at, contact: &str| NewPlan {
        agreement,
        at,
        from: world.clock.0.now().plus(Millis::hours(48)),
        contact: contact.to_owned(),
    };
    planned(&world.nodes[1], cases[1], &plan(NEAR, THERE));
    planned(&world.nodes[2], cases[2], &plan(PARIS, "Parquet, 7"));
    let ours = draft(&world.nodes[0], cases[0], &plan(TANGIER, HERE)).unwrap();
    assert_eq!(authorise(&world.nodes[0], cases[0], ours).unwrap(), 2);
    let to = |node: usize| {
        let calls = world.nodes[0].app.check_calls(&world.nodes[node].party).unwrap();
        EventRequest::from_bytes(&calls.iter().find(|call| plans_only(call)).unwrap().body).unwrap()
    };
    let (one, other) = (to(1), to(2));
    assert!(one.ask != other.ask && one.case != other.case && one.officer != other.officer);
    assert!(one.commitment != other.commitment && one.element != other.element, "nothing to compare");
    carry(&world.nodes[0], &world.nodes[1]);
    carry(&world.nodes[0], &world.nodes[2]);
    let here = shown(&world.nodes[0], cases[0]);
    assert_eq!(contacts(&here), [THERE]);
    assert!(contacts(&shown(&world.nodes[2], cases[2])).is_empty());
    assert_eq!(world.nodes[2].count("check.plan_conflict"), 0);
    // What Côte d'Ivoire's node knows of it: its own questions to either, and Morocco's to it.
    let asked = |kind: &str| world.nodes[2].count(kind);
    assert_eq!((asked("check.plan_asked"), asked("check.plan_received")), (2, 1));
}
