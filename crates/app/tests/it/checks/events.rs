//! Deconfliction of planned actions between two agencies: both planners learn of a conflict and whom to call, and nothing else;
//! and everything that is refused.

use mithaq_app::{AppError, CheckKind, ErrorKind, NewPlan, PlanShown, intent};
use mithaq_check::event::{EVENT_QUERIES, EventAnswer, EventClaim, EventContacts, EventRequest};
use mithaq_check::oprf::Element;
use mithaq_db::Tx;
use mithaq_model::{CaseId, CrimeArea, Millis, ObjectId, Purpose};
use mithaq_store::checks::{AskState, PlanState};

use super::{CAPS, Scene, code, terms};
use crate::world::{CI, ES, MA, Node, World};

const TERMS: &str = "daily_cap = 400\nofficer_cap = 200\ncase_cap = 200\nreview_after = 60\nevents = true";
/// The strait, and the same place on the other side of it; Paris is elsewhere.
const TANGIER: (i32, i32) = (35_780_000, -5_810_000);
const NEAR: (i32, i32) = (35_830_000, -5_750_000);
const PARIS: (i32, i32) = (48_850_000, 2_350_000);
const HERE: &str = "Operations room, extension 12";
const THERE: &str = "Sala de coordinación, 34";

fn scene() -> Scene {
    Scene::new(TERMS)
}

fn new(scene: &Scene, at: (i32, i32), hours: u64, contact: &str) -> NewPlan {
    let from = scene.world.clock.0.now().plus(Millis::hours(hours));
    NewPlan { agreement: scene.world.agreement, at, from, contact: contact.to_owned() }
}

fn draft(node: &Node, case: CaseId, plan: &NewPlan) -> Result<ObjectId, AppError> {
    let may = node.actor("analyst").may(intent::AskCheck).unwrap();
    node.app.draft_plan(may, &node.enter("analyst", case), plan)
}

fn authorise(node: &Node, case: CaseId, plan: ObjectId) -> Result<usize, AppError> {
    let may = node.actor("supervisor").may(intent::AuthoriseCheck).unwrap();
    node.app.authorise_plan(may, &node.enter("supervisor", case), plan)
}

fn end(node: &Node, case: CaseId, plan: ObjectId) -> Result<(), AppError> {
    let may = node.actor("analyst").may(intent::AskCheck).unwrap();
    node.app.end_plan(may, &node.enter("analyst", case), plan)
}

fn planned(node: &Node, case: CaseId, plan: &NewPlan) -> ObjectId {
    let number = draft(node, case, plan).unwrap();
    authorise(node, case, number).unwrap();
    number
}

fn shown(node: &Node, case: CaseId) -> Vec<PlanShown> {
    let may = node.actor("analyst").may(intent::WorkCase).unwrap();
    node.app.plans(may, &node.enter("analyst", case)).unwrap()
}

/// Carries what one node has to say about plans to the other.
fn carry(from: &Node, to: &Node) {
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

fn plans_only(call: &mithaq_app::CheckCall) -> bool {
    matches!(call.kind, CheckKind::Event | CheckKind::EventClaim)
}

fn states(shown: &[PlanShown]) -> Vec<AskState> {
    shown.iter().flat_map(|one| one.asks.iter().map(|ask| ask.state)).collect()
}

fn contacts(shown: &[PlanShown]) -> Vec<&str> {
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
    // What crossed: elements of a fixed number and codes; no contact before the claim, and no place or time at all.
    let request = EventRequest::from_bytes(&call.body).unwrap();
    assert_eq!(request.elements.len(), EVENT_QUERIES);
    let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(!holds(&call.body, HERE.as_bytes()));
    assert!(!holds(&call.body, &TANGIER.0.to_be_bytes()) && !holds(&call.body, scene.ma_case.as_bytes()));
    let received = |kind: &str, node: &Node| node.commitments(kind)[0];
    assert_eq!(
        received("check.plan_received", es),
        received("check.plan_asked", ma),
        "both logged one commitment"
    );
    assert_eq!(received("check.plan_evaluated", es).unwrap().as_bytes(), &request.digest());
    // Carried again, nothing is charged or told twice.
    let before = es.entries().len();
    es.app.answer_check(&ma.party, call.agreement, call.kind, &call.body).unwrap();
    assert_eq!(es.entries().len(), before);
}

#[test]
fn far_in_place_or_time_is_clear_and_looks_alike() {
    let scene = scene();
    let (ma, es) = (scene.ma(), scene.es());
    let ask = |at, hours| {
        let plan = planned(ma, scene.ma_case, &new(&scene, at, hours, HERE));
        let call = ma.app.check_calls(&es.party).unwrap().into_iter().find(plans_only).unwrap();
        let answer = es.app.answer_check(&ma.party, call.agreement, call.kind, &call.body).unwrap();
        ma.app.check_answered(&es.party, &call, Some(&answer.bytes)).unwrap();
        let state =
            shown(ma, scene.ma_case).into_iter().find(|one| one.plan.id == plan).unwrap().asks[0].state;
        (state, call.body.len(), answer.bytes.len(), answer.leaves_after)
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
    let over = shown(ma, scene.ma_case);
    assert_eq!((over[0].plan.state, over[0].planned.is_none()), (PlanState::Over, true));
    let left = |node: &Node| {
        let read = |tx: &mut dyn Tx| -> Result<_, AppError> {
            let sql = "SELECT id FROM record_key WHERE kind IN (21, 22, 23)";
            Ok(tx.query(sql, &[])?.len())
        };
        node.db.read(read).unwrap()
    };
    assert_eq!((left(ma), left(es)), (0, 0), "places, times and contacts went with their keys");
}

/// As who may both write and authorise.
fn draft_as(node: &Node, case: CaseId, plan: &NewPlan) -> ObjectId {
    let may = node.actor("both").may(intent::AskCheck).unwrap();
    node.app.draft_plan(may, &node.enter("both", case), plan).unwrap()
}

#[test]
fn what_is_no_plan_or_not_agreed_is_refused() {
    let scene = scene();
    let with = |edit: &dyn Fn(&mut NewPlan)| {
        let mut plan = new(&scene, TANGIER, 48, HERE);
        edit(&mut plan);
        code(draft(scene.ma(), scene.ma_case, &plan))
    };
    assert_eq!(with(&|plan| plan.at = (90_000_001, 0)), "input.at");
    assert_eq!(with(&|plan| plan.at = (0, -180_000_001)), "input.at");
    assert_eq!(with(&|plan| plan.from = scene.world.clock.0.now()), "input.from");
    assert_eq!(
        with(&|plan| plan.from = scene.world.clock.0.now().plus(mithaq_model::Days(181))),
        "input.from"
    );
    for bad in ["", "   ", "two\nlines"] {
        assert_eq!(with(&|plan| plan.contact = bad.to_owned()), "input.contact");
    }
    assert_eq!(with(&|plan| plan.contact = "a".repeat(257)), "input.contact");
    assert_eq!(with(&|plan| plan.agreement = mithaq_model::AgreementId::new([1; 32])), "object.not_found");
    // Written in time, authorised too late.
    let number = draft(scene.ma(), scene.ma_case, &new(&scene, TANGIER, 2, HERE)).unwrap();
    scene.world.clock.0.advance(Millis::hours(3));
    assert_eq!(code(authorise(scene.ma(), scene.ma_case, number)), "check.plan_late");
    let other = scene.ma().case(CrimeArea::ForeignTerroristFighters);
    assert_eq!(code(authorise(scene.ma(), other, number)), "object.not_found");
    assert_eq!(code(end(scene.ma(), other, number)), "object.not_found");
    // An agreement about checks alone provides for none.
    let plain = Scene::new(CAPS);
    let mut plan = new(&plain, TANGIER, 48, HERE);
    plan.agreement = plain.world.agreement;
    assert_eq!(code(draft(plain.ma(), plain.ma_case, &plan)), "check.AGR");
}

fn request(scene: &Scene) -> EventRequest {
    planned(scene.ma(), scene.ma_case, &new(scene, TANGIER, 48, HERE));
    let call = scene.ma().app.check_calls(&scene.es().party).unwrap().into_iter().find(plans_only).unwrap();
    EventRequest::from_bytes(&call.body).unwrap()
}

fn said(bytes: &[u8]) -> Option<String> {
    match EventAnswer::from_bytes(bytes).unwrap().2 {
        EventAnswer::Refused(code) => Some(code),
        EventAnswer::Evaluated(..) => None,
    }
}

#[test]
fn the_asked_side_decides_charges_and_refuses_for_itself() {
    let scene = scene();
    let base = request(&scene);
    let ask = |number: u8, edit: &dyn Fn(&mut EventRequest)| {
        let mut request =
            EventRequest { ask: [number; 16], officer: [number; 16], case: [number; 16], ..base.clone() };
        edit(&mut request);
        said(&scene.post(CheckKind::Event, &request.to_bytes()).unwrap())
    };
    assert_eq!(ask(1, &|one| one.purpose = Purpose::StrategicNonpersonal).as_deref(), Some("PUR"));
    assert_eq!(
        ask(2, &|one| one.agreement = mithaq_model::AgreementId::new([9; 32])).as_deref(),
        Some("check.other_agreement")
    );
    assert_eq!(ask(3, &|one| one.elements[7] = Element([0; 32])).as_deref(), Some("check.element"));
    assert_eq!(ask(3, &|_| ()).as_deref(), Some("check.number_used"), "other bytes under the number");
    // Its budgets are those of checks: 400 a day, 32 a question, of which one is spent.
    for number in 4..15 {
        assert_eq!(ask(number, &|_| ()), None, "{number}");
    }
    assert_eq!(ask(15, &|_| ()).as_deref(), Some("BUD"));
    let may = scene.es().actor("spoc").may(intent::ReadCheck).unwrap();
    assert_eq!(scene.es().app.check_budgets(may).unwrap()[1].all.used, 384);
    assert_eq!(scene.es().count("check.plan_refused"), 4);
    // Who is no party, and what is no document.
    let stranger = mithaq_testkit::party("ci-judiciary");
    for (kind, body) in [
        (CheckKind::Event, base.to_bytes()),
        (
            CheckKind::EventClaim,
            EventClaim { ask: [4; 16], halves: vec![[1; 32]], contact: HERE.to_owned() }.to_bytes(),
        ),
    ] {
        let answer = scene.es().app.answer_check(&stranger, scene.world.agreement, kind, &body);
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::NotFound, "{kind:?}");
        assert_eq!(scene.post(kind, b"nonsense").unwrap_err().kind(), ErrorKind::Invalid, "{kind:?}");
    }
    // A claim of what nobody evaluated is chance.
    let claim = EventClaim { ask: [4; 16], halves: vec![[1; 32]], contact: HERE.to_owned() };
    let answer = scene.post(CheckKind::EventClaim, &claim.to_bytes()).unwrap();
    assert_eq!(EventContacts::from_bytes(&answer).unwrap().contacts, Vec::<String>::new());
    let unknown = EventClaim { ask: [99; 16], ..claim };
    assert_eq!(
        scene.post(CheckKind::EventClaim, &unknown.to_bytes()).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn a_silent_refusal_looks_like_a_clear_sky() {
    let scene = Scene::new(&format!("{TERMS}\nrefuse_silently = true"));
    planned(scene.es(), scene.es_case, &new(&scene, NEAR, 50, THERE));
    let request = request(&scene);
    for number in 1..=12 {
        let one =
            EventRequest { ask: [number; 16], officer: [number; 16], case: [number; 16], ..request.clone() };
        assert_eq!(said(&scene.post(CheckKind::Event, &one.to_bytes()).unwrap()), None);
    }
    carry(scene.ma(), scene.es());
    assert_eq!(states(&shown(scene.ma(), scene.ma_case)), [AskState::Clear], "whom it would have met");
    assert_eq!(scene.es().count("check.plan_conflict"), 0);
    assert_eq!(scene.es().count("check.plan_refused"), 1);
}

#[test]
fn answers_that_do_not_hold_end_the_question_and_are_told() {
    let scene = scene();
    let (ma, es) = (scene.ma(), scene.es());
    planned(es, scene.es_case, &new(&scene, NEAR, 50, THERE));
    let one = planned(ma, scene.ma_case, &new(&scene, TANGIER, 48, HERE));
    let call = ma.app.check_calls(&es.party).unwrap().into_iter().find(plans_only).unwrap();
    let good = es.app.answer_check(&ma.party, call.agreement, call.kind, &call.body).unwrap().bytes;
    let (ask, _, answer) = EventAnswer::from_bytes(&good).unwrap();
    let replayed = answer.to_bytes(&ask, &[0; 32]);
    let taken = ma.app.check_answered(&es.party, &call, Some(&replayed));
    assert_eq!(taken.unwrap_err().code(), "check.plan_answer");
    let of = |plan: ObjectId| shown(ma, scene.ma_case).into_iter().find(|one| one.plan.id == plan).unwrap();
    assert_eq!(of(one).asks[0].state, AskState::Lost);
    // Nobody there: lost too, and said so; a restart on the way changes nothing.
    let two = planned(ma, scene.ma_case, &new(&scene, TANGIER, 49, HERE));
    let call = ma.app.check_calls(&es.party).unwrap().into_iter().find(plans_only).unwrap();
    assert_eq!(ma.app.check_calls(&es.party).unwrap().into_iter().find(plans_only).unwrap().body, call.body);
    ma.app.check_answered(&es.party, &call, None).unwrap();
    assert_eq!(of(two).asks[0].outcome.as_deref(), Some("check.unanswered"));
    let three = planned(ma, scene.ma_case, &new(&scene, TANGIER, 50, HERE));
    scene.world.clock.0.advance(Millis::hours(25));
    ma.app.tick_checks().unwrap();
    assert_eq!(of(three).asks[0].outcome.as_deref(), Some("check.timeout"));
    assert_eq!(ma.count("check.plan_lost"), 3);
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
    carry(&world.nodes[0], &world.nodes[1]);
    carry(&world.nodes[0], &world.nodes[2]);
    let here = shown(&world.nodes[0], cases[0]);
    assert_eq!(contacts(&here), [THERE]);
    assert!(contacts(&shown(&world.nodes[2], cases[2])).is_empty());
    assert_eq!(world.nodes[2].count("check.plan_conflict"), 0);
    let spain = world.nodes[2].entries().into_iter().any(|(_, object, _)| object.contains(ES));
    assert!(!spain);
}
