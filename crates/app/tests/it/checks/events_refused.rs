//! Deconfliction of planned actions: everything that is refused, and every way a question can end without an answer.

use mithaq_app::{CheckKind, ErrorKind, NewPlan, intent};
use mithaq_check::event::{EventAnswer, EventClaim, EventContacts, EventRequest};
use mithaq_check::oprf::Element;
use mithaq_model::{AgreementId, CrimeArea, Days, Millis, Purpose};
use mithaq_store::checks::{AskState, PlanState};

use super::events::{
    HERE, NEAR, TANGIER, THERE, authorise, carry, contacts, draft, end, new, of, planned, plans_only,
    question, scene, shown, states,
};
use super::{CAPS, Scene, code};
use crate::world::{ES, MA, Node, World};

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
    assert_eq!(with(&|plan| plan.from = scene.world.clock.0.now().plus(Days(181))), "input.from");
    for bad in ["", "   ", "two\nlines", "room \u{202e}21"] {
        assert_eq!(with(&|plan| plan.contact = bad.to_owned()), "input.contact");
    }
    assert_eq!(with(&|plan| plan.contact = "a".repeat(257)), "input.contact");
    // Typed in two parts, it is one letter.
    let typed =
        NewPlan { contact: " Sala de coordinacio\u{301}n, 34 ".to_owned(), ..new(&scene, TANGIER, 48, HERE) };
    let number = draft(scene.ma(), scene.ma_case, &typed).unwrap();
    assert_eq!(of(&scene, number).planned.unwrap().contact, THERE);
    assert_eq!(with(&|plan| plan.agreement = AgreementId::new([1; 32])), "object.not_found");
    // Written in time, authorised too late.
    let number = draft(scene.ma(), scene.ma_case, &new(&scene, TANGIER, 2, HERE)).unwrap();
    scene.world.clock.0.advance(Millis::hours(9));
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
    EventRequest::from_bytes(&question(scene, TANGIER, 48).1.body).unwrap()
}

/// What a partner that does not keep to its own count would send: of another officer and case each time.
fn another(base: &EventRequest, number: u8) -> EventRequest {
    EventRequest { ask: [number; 16], officer: [number; 16], case: [number; 16], ..base.clone() }
}

fn used(scene: &Scene) -> u32 {
    let may = scene.es().actor("spoc").may(intent::ReadCheck).unwrap();
    scene.es().app.check_budgets(may).unwrap()[1].all.used
}

fn alarms(node: &Node, kind: &str) -> usize {
    let may = node.actor("spoc").may(intent::ReadHealth).unwrap();
    node.app.alarms(may).unwrap().iter().filter(|alarm| alarm.kind == kind).count()
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
        let mut request = another(&base, number);
        edit(&mut request);
        said(&scene.post(CheckKind::Event, &request.to_bytes()).unwrap())
    };
    let strategic = |one: &mut EventRequest| one.purpose = Purpose::StrategicNonpersonal;
    assert_eq!(ask(1, &strategic).as_deref(), Some("PUR"));
    assert_eq!(ask(1, &strategic).as_deref(), Some("PUR"), "refused again, not clear");
    assert_eq!(
        ask(2, &|one| one.agreement = AgreementId::new([9; 32])).as_deref(),
        Some("check.other_agreement")
    );
    assert_eq!(ask(3, &|one| one.element = Element([0; 32])).as_deref(), Some("check.element"));
    assert_eq!(ask(3, &|_| ()).as_deref(), Some("check.number_used"), "other bytes under the number");
    // Its budgets are those of checks: 400 a day, 27 a question, of which one is spent.
    for number in 4..17 {
        assert_eq!(ask(number, &|_| ()), None, "{number}");
    }
    assert_eq!(ask(17, &|_| ()).as_deref(), Some("BUD"));
    assert_eq!(ask(17, &|_| ()).as_deref(), Some("BUD"), "and again");
    assert_eq!(used(&scene), 378);
    assert_eq!(scene.es().count("check.plan_refused"), 4);
    assert_eq!((scene.es().count("check.review_due"), alarms(scene.es(), "check.review_due")), (1, 1));
    // Who is no party, and what is no document.
    let stranger = mithaq_testkit::party("ci-judiciary");
    for (kind, body) in [
        (CheckKind::Event, base.to_bytes()),
        (
            CheckKind::EventClaim,
            EventClaim { ask: [4; 16], half: [1; 32], contact: HERE.to_owned() }.to_bytes(),
        ),
    ] {
        let answer = scene.es().app.answer_check(&stranger, scene.world.agreement, kind, &body);
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::NotFound, "{kind:?}");
        assert_eq!(scene.post(kind, b"nonsense").unwrap_err().kind(), ErrorKind::Invalid, "{kind:?}");
    }
    // A number of this side's own is used too.
    let mine = planned(scene.es(), scene.es_case, &new(&scene, NEAR, 50, THERE));
    let mine = shown(scene.es(), scene.es_case).into_iter().find(|one| one.plan.id == mine).unwrap();
    let taken = |one: &mut EventRequest| one.ask = *mine.asks[0].id.as_bytes();
    assert_eq!(ask(60, &taken).as_deref(), Some("check.number_used"));
    // A claim of what nobody evaluated is chance.
    let claim = EventClaim { ask: [4; 16], half: [1; 32], contact: HERE.to_owned() };
    let answer = scene.post(CheckKind::EventClaim, &claim.to_bytes()).unwrap();
    assert_eq!(EventContacts::from_bytes(&answer).unwrap().contacts, Vec::<String>::new());
    let unknown = EventClaim { ask: [99; 16], ..claim };
    assert_eq!(
        scene.post(CheckKind::EventClaim, &unknown.to_bytes()).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn a_silent_refusal_looks_like_a_clear_sky_however_many_plans_there_are() {
    let scene = Scene::new("daily_cap = 400\nreview_after = 400\nevents = true\nrefuse_silently = true");
    let (es, ma) = (scene.es(), scene.ma());
    // Nine plans of Spain do not show.
    for n in 0..9 {
        planned(es, scene.es_case, &new(&scene, NEAR, 50 + n, THERE));
    }
    let request = request(&scene);
    let ask = |number: u8| {
        let body = another(&request, number).to_bytes();
        es.app.answer_check(&ma.party, scene.world.agreement, CheckKind::Event, &body).unwrap()
    };
    let answers: Vec<_> = (1..=15).map(ask).collect();
    assert_eq!((es.count("check.plan_evaluated"), es.count("check.plan_refused")), (14, 1));
    for answer in &answers {
        assert_eq!(said(&answer.bytes), None);
        assert_eq!(
            (answer.bytes.len(), answer.leaves_after),
            (answers[0].bytes.len(), answers[0].leaves_after)
        );
    }
    assert_eq!(ask(15).bytes, answers[14].bytes, "the same again");
    carry(ma, es);
    assert_eq!(states(&shown(ma, scene.ma_case)), [AskState::Clear], "whom it would have met");
    assert_eq!((es.count("check.plan_conflict"), es.count("check.plan_refused")), (0, 2));
}

#[test]
fn an_answered_question_is_not_evaluated_again_after_its_day() {
    let scene = scene();
    let request = request(&scene).to_bytes();
    let first = scene.post(CheckKind::Event, &request).unwrap();
    assert_eq!(scene.post(CheckKind::Event, &request).unwrap(), first);
    scene.world.clock.0.advance(Millis::hours(25));
    scene.es().app.tick_checks().unwrap();
    // Spain plans something there now: who paid once is not told.
    planned(scene.es(), scene.es_case, &new(&scene, NEAR, 25, THERE));
    assert_eq!(said(&scene.post(CheckKind::Event, &request).unwrap()).as_deref(), Some("check.event_over"));
    assert_eq!((used(&scene), scene.es().count("check.plan_evaluated")), (0, 1));
}

#[test]
fn nothing_leaves_and_nobody_is_told_of_once_the_agreement_is_suspended() {
    let scene = scene();
    let (ma, es) = (scene.ma(), scene.es());
    planned(es, scene.es_case, &new(&scene, NEAR, 50, THERE));
    let (_, call) = question(&scene, TANGIER, 48);
    let answer = es.app.answer_check(&ma.party, call.agreement, call.kind, &call.body).unwrap();
    ma.app.check_answered(&es.party, &call, Some(&answer.bytes)).unwrap();
    let claim = ma.app.check_calls(&es.party).unwrap().into_iter().find(plans_only).unwrap();
    let suspend = |node: &Node| {
        let may = node.actor("authority").may(intent::SuspendAgreement).unwrap();
        node.app.suspend_agreement(may, scene.world.agreement).unwrap();
    };
    suspend(es);
    let contacts = scene.post(CheckKind::EventClaim, &claim.body).unwrap();
    assert_eq!(EventContacts::from_bytes(&contacts).unwrap().contacts, Vec::<String>::new());
    assert_eq!(es.count("check.plan_conflict"), 0);
    let other = another(&EventRequest::from_bytes(&call.body).unwrap(), 1);
    assert_eq!(said(&scene.post(CheckKind::Event, &other.to_bytes()).unwrap()).as_deref(), Some("AGR"));
    suspend(ma);
    assert!(ma.app.check_calls(&es.party).unwrap().iter().all(|call| !plans_only(call)));
    assert_eq!(code(draft(ma, scene.ma_case, &new(&scene, TANGIER, 48, HERE))), "check.AGR");
}

#[test]
fn a_plan_taken_back_ends_its_questions_and_tells_nobody_anything() {
    let scene = scene();
    let (ma, es) = (scene.ma(), scene.es());
    let theirs = planned(es, scene.es_case, &new(&scene, NEAR, 50, THERE));
    let (plan, call) = question(&scene, TANGIER, 48);
    let answer = es.app.answer_check(&ma.party, call.agreement, call.kind, &call.body).unwrap();
    // Taken back at Spain between answer and claim: it tells no contact, and Morocco's planner nothing.
    ma.app.check_answered(&es.party, &call, Some(&answer.bytes)).unwrap();
    end(es, scene.es_case, theirs).unwrap();
    carry(ma, es);
    assert_eq!((of(&scene, plan).asks[0].state, es.count("check.plan_conflict")), (AskState::Clear, 0));
    // Taken back at Morocco on the way: nothing more is asked, and an answer that comes changes nothing.
    let (plan, call) = question(&scene, TANGIER, 49);
    end(ma, scene.ma_case, plan).unwrap();
    assert!(ma.app.check_calls(&es.party).unwrap().iter().all(|call| !plans_only(call)));
    let answer = es.app.answer_check(&ma.party, call.agreement, call.kind, &call.body).unwrap();
    ma.app.check_answered(&es.party, &call, Some(&answer.bytes)).unwrap();
    let ended = of(&scene, plan);
    assert_eq!((ended.plan.state, ended.asks[0].state), (PlanState::Over, AskState::Lost));
    assert_eq!(ended.asks[0].outcome.as_deref(), Some("check.plan_over"));
}

#[test]
fn answers_that_do_not_hold_end_the_question_and_are_told() {
    let scene = scene();
    let (ma, es) = (scene.ma(), scene.es());
    planned(es, scene.es_case, &new(&scene, NEAR, 50, THERE));
    let (one, call) = question(&scene, TANGIER, 48);
    let good = es.app.answer_check(&ma.party, call.agreement, call.kind, &call.body).unwrap().bytes;
    let (ask, _, answer) = EventAnswer::from_bytes(&good).unwrap();
    let replayed = answer.to_bytes(&ask, &[0; 32]);
    let taken = ma.app.check_answered(&es.party, &call, Some(&replayed));
    assert_eq!(taken.unwrap_err().code(), "check.plan_answer");
    assert_eq!((of(&scene, one).asks[0].state, alarms(ma, "peer.check")), (AskState::Lost, 1));
    assert_eq!(alarms(ma, "check.plan_unasked"), 1);
    // Nobody there: lost too, and said so.
    let (two, call) = question(&scene, TANGIER, 49);
    ma.app.check_answered(&es.party, &call, None).unwrap();
    assert_eq!(of(&scene, two).asks[0].outcome.as_deref(), Some("check.unanswered"));
    assert_eq!(alarms(ma, "check.plan_unasked"), 2, "a plan nobody was asked about is no clear sky");
    // Refused there: said so as well.
    let (three, call) = question(&scene, TANGIER, 50);
    let (ask, digest) = (EventRequest::from_bytes(&call.body).unwrap().ask, of(&scene, three).asks[0].digest);
    let refused = EventAnswer::Refused("BUD".to_owned()).to_bytes(&ask, &digest);
    ma.app.check_answered(&es.party, &call, Some(&refused)).unwrap();
    assert_eq!(of(&scene, three).asks[0].state, AskState::Refused);
    assert_eq!((alarms(ma, "check.plan_unasked"), ma.count("check.plan_refused_there")), (3, 1));
}

#[test]
fn contacts_that_do_not_come_leave_a_conflict_and_those_of_another_question_none() {
    let scene = scene();
    let (ma, es) = (scene.ma(), scene.es());
    planned(es, scene.es_case, &new(&scene, NEAR, 50, THERE));
    let claim = |hours| {
        let (plan, call) = question(&scene, TANGIER, hours);
        let answer = es.app.answer_check(&ma.party, call.agreement, call.kind, &call.body).unwrap();
        ma.app.check_answered(&es.party, &call, Some(&answer.bytes)).unwrap();
        (plan, ma.app.check_calls(&es.party).unwrap().into_iter().find(plans_only).unwrap())
    };
    let (plan, call) = claim(48);
    ma.app.check_answered(&es.party, &call, None).unwrap();
    let met = of(&scene, plan);
    assert_eq!(
        (met.asks[0].state, met.asks[0].outcome.as_deref()),
        (AskState::Conflict, Some("check.unclaimed"))
    );
    assert_eq!((contacts(&[met]).len(), alarms(ma, "check.plan_conflict")), (0, 1));
    for bad in [EventContacts { ask: [9; 16], contacts: vec![THERE.to_owned()] }.to_bytes(), b"x".to_vec()] {
        let (plan, call) = claim(49);
        assert_eq!(code(ma.app.check_answered(&es.party, &call, Some(&bad))), "check.plan_answer");
        let met = of(&scene, plan).asks[0].clone();
        assert_eq!((met.state, met.outcome.as_deref()), (AskState::Conflict, Some("check.plan_answer")));
    }
}

#[test]
fn a_partner_that_is_away_is_asked_until_the_plan_is_over_and_people_are_told() {
    let scene = scene();
    let ma = scene.ma();
    let (plan, call) = question(&scene, TANGIER, 72);
    scene.world.clock.0.advance(Millis::hours(2));
    ma.app.tick_checks().unwrap();
    ma.app.tick_checks().unwrap();
    assert_eq!(alarms(ma, "check.plan_unasked"), 1, "once");
    scene.world.clock.0.advance(Millis::hours(48));
    ma.app.tick_checks().unwrap();
    let calls = ma.app.check_calls(&scene.es().party).unwrap();
    assert_eq!(calls.into_iter().find(plans_only).unwrap().body, call.body);
    scene.world.clock.0.advance(Millis::hours(48));
    ma.app.tick_checks().unwrap();
    let over = of(&scene, plan);
    assert_eq!(
        (over.plan.state, over.asks[0].outcome.as_deref()),
        (PlanState::Over, Some("check.plan_over"))
    );
    assert!(ma.app.check_calls(&scene.es().party).unwrap().iter().all(|call| !plans_only(call)));
}

#[test]
fn who_would_be_refused_there_does_not_ask_and_the_plan_stays_a_draft() {
    let scene = Scene::new("daily_cap = 54\nreview_after = 54\nevents = true");
    for hours in [48, 49] {
        planned(scene.ma(), scene.ma_case, &new(&scene, TANGIER, hours, HERE));
    }
    let number = draft(scene.ma(), scene.ma_case, &new(&scene, TANGIER, 50, HERE)).unwrap();
    assert_eq!(code(authorise(scene.ma(), scene.ma_case, number)), "check.BUD");
    let left = of(&scene, number);
    assert_eq!((left.plan.state, left.asks.len()), (PlanState::Draft, 0));
    // The next day it may.
    scene.world.clock.0.advance(Days(1));
    authorise(scene.ma(), scene.ma_case, number).unwrap();
}

#[test]
fn as_many_plans_as_an_answer_has_room_for_are_open_and_no_more() {
    let scene = Scene::new("daily_cap = 100000\nreview_after = 100000\nevents = true");
    let es = scene.es();
    for _ in 0..128 {
        planned(es, scene.es_case, &new(&scene, NEAR, 50, THERE));
    }
    let number = draft(es, scene.es_case, &new(&scene, NEAR, 50, THERE)).unwrap();
    assert_eq!(code(authorise(es, scene.es_case, number)), "check.plan_many");
    // All of them meet, and their contact is told once.
    let (plan, _) = question(&scene, TANGIER, 48);
    carry(scene.ma(), es);
    assert_eq!(contacts(&[of(&scene, plan)]), [THERE]);
    assert_eq!(alarms(es, "check.plan_conflict"), 128);
}

#[test]
fn an_agreement_without_tokens_deconflicts_and_checks_nobody() {
    let mut world = World::strangers(&[MA, ES]);
    world.agreement = world.agree(0, 1, |text| {
        format!(
            "{text}\n[private_check]\nbatch_cap = 1\ndaily_cap = 100\nreview_after = 100\nevents = true\n"
        )
    });
    let area = CrimeArea::ForeignTerroristFighters;
    let (here, there) = (world.ma().case(area), world.es().case(area));
    let plan = |at, contact: &str| NewPlan {
        agreement: world.agreement,
        at,
        from: world.clock.0.now().plus(Millis::hours(48)),
        contact: contact.to_owned(),
    };
    planned(world.es(), there, &plan(NEAR, THERE));
    planned(world.ma(), here, &plan(TANGIER, HERE));
    carry(world.ma(), world.es());
    assert_eq!(contacts(&shown(world.ma(), here)), [THERE]);
    let set = world.es().app.answer_check(&world.ma().party, world.agreement, CheckKind::Set, &[0; 12]);
    assert_eq!(set.unwrap_err().kind(), ErrorKind::NotFound);
}
