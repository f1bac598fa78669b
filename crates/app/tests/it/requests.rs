//! Requests for information between two agencies: their way, their clocks, answers, refusals, feedback, silence.

use mithaq_app::{AppError, Cell, ErrorKind, NewReport, Ruling, Use, intent};
use mithaq_model::{
    CaseId, Connection, CrimeArea, Days, Level, Millis, RefusalGround, ReportId, ReportState, RequestState,
    StepKind, SubjectId, Tie, Urgency,
};
use mithaq_store::Page;
use mithaq_store::reports::Direction;
use mithaq_store::requests::Request;
use mithaq_testkit::text;
use mithaq_wire::{OrderReason, Said};

use crate::world::{Node, World, new_report, recruiter};

fn ask(subjects: &[SubjectId]) -> mithaq_model::Ask {
    mithaq_model::Ask {
        sought: vec![text("Who bought the three ferry tickets of 12 May")],
        why_there: text("The tickets were sold in the port of arrival"),
        basis: text("Code of criminal procedure, article 108"),
        lawful_at_home: true,
        authorisation: None,
        urgency_reason: Some(text("The travellers leave the country tonight")),
        penalty_years: Some(10),
        connections: subjects
            .iter()
            .map(|subject| Connection { subject: *subject, text: text("Paid for the tickets") })
            .collect(),
        previous: Vec::new(),
    }
}

/// A request of the first node, written and approved, with its case.
fn written(world: &World, urgency: Urgency) -> (CaseId, ReportId) {
    let case = world.ma().case(CrimeArea::ForeignTerroristFighters);
    (case, written_in(world, case, urgency))
}

/// The same in a case.
pub(crate) fn written_in(world: &World, case: CaseId, urgency: Urgency) -> ReportId {
    let ma = world.ma();
    let subject = ma.add_subject(case, recruiter(9));
    let new = NewReport { urgency, ..world.report(&[subject]) };
    let may = ma.actor("analyst").may(intent::WriteReport).unwrap();
    let number = ma.app.draft_request(may, &ma.enter("analyst", case), new, ask(&[subject])).unwrap();
    ma.grade(case, number);
    ma.review(case, number).unwrap();
    ma.approve("supervisor", number).unwrap();
    ma.approve("spoc", number).unwrap();
    number
}

/// Sent and stored at the other side.
pub(crate) fn asked(world: &mut World, urgency: Urgency) -> (CaseId, ReportId) {
    let (case, number) = written(world, urgency);
    world.ma().release(number, &Use::default()).unwrap();
    world.settle();
    (case, number)
}

pub(crate) fn of(node: &Node, direction: Direction, number: ReportId) -> Request {
    let may = node.actor("spoc").may(intent::ReadRequest).unwrap();
    let all = node.app.requests(may, direction, &Page::first(100)).unwrap();
    all.into_iter().find(|one| one.id == number).unwrap()
}

fn both(world: &World, number: ReportId) -> (Request, Request) {
    (of(world.ma(), Direction::Own, number), of(world.es(), Direction::Received, number))
}

/// Both sides see one state and one due date.
pub(crate) fn agree(world: &World, number: ReportId, state: RequestState) -> Request {
    let (asking, owing) = both(world, number);
    assert_eq!(asking.dialogue.state, state);
    assert_eq!(owing.dialogue.state, state);
    assert_eq!(asking.dialogue.due(), owing.dialogue.due());
    owing
}

pub(crate) fn accept(world: &World, number: ReportId, direct: bool) -> CaseId {
    let es = world.es();
    let case = es.case(CrimeArea::ForeignTerroristFighters);
    let may = es.actor("spoc").may(intent::HandleRequest).unwrap();
    es.app.accept_request(may, number, (case, direct)).unwrap();
    case
}

pub(crate) fn handle(world: &World, number: ReportId, said: Said) -> Result<(), AppError> {
    let may = world.es().actor("spoc").may(intent::HandleRequest).unwrap();
    world.es().app.handle_request(may, number, said)
}

pub(crate) fn follow(world: &World, number: ReportId, said: Said) -> Result<(), AppError> {
    let may = world.ma().actor("analyst").may(intent::FollowRequest).unwrap();
    world.ma().app.follow_request(may, number, said)
}

pub(crate) fn refuse(
    world: &World,
    who: &str,
    number: ReportId,
    ground: RefusalGround,
) -> Result<(), AppError> {
    let may = world.es().actor(who).may(intent::RefuseRequest).unwrap();
    world.es().app.refuse_request(may, number, (ground, false), None)
}

pub(crate) fn answer(world: &World, case: CaseId, request: ReportId, part: bool) -> ReportId {
    let es = world.es();
    let new = new_report(world.agreement, &[world.ma().party.clone()], &[]);
    es.ready(case, NewReport { tie: Some(Tie::Answers { request, part }), ..new })
}

#[test]
fn a_request_is_asked_opened_taken_up_and_answered_in_time() {
    let mut world = World::new();
    let (case, number) = asked(&mut world, Urgency::ThreatToLife);
    let stored = agree(&world, number, RequestState::Received);
    assert_eq!(stored.dialogue.due(), Some(world.clock.0.now().plus(Millis::hours(8))));

    let desk = world.es().actor("spoc").may(intent::HandleRequest).unwrap();
    let report = world.es().app.open_request(desk, number, &text("It came in at the desk")).unwrap();
    assert_eq!(report.asks().unwrap().sought.len(), 1);
    let there = accept(&world, number, true);
    world.settle();
    agree(&world, number, RequestState::Accepted);
    let reader = world.ma().actor("supervisor").may(intent::ReadReport).unwrap();
    let (_, sent) = world.ma().app.receipts_of(reader, number).unwrap();
    assert!(sent[0].answers.read.is_some(), "R3 when the desk opened it");

    world.clock.0.advance(Millis::hours(2));
    let reply = answer(&world, there, number, false);
    world.es().release(reply, &Use::default()).unwrap();
    world.settle();
    let done = agree(&world, number, RequestState::AnsweredFull);
    assert_eq!(done.dialogue.in_time, Some(true));
    // The answer joined the case that asked.
    let shown = world.ma().read(case, reply).unwrap();
    assert_eq!(shown.answers(), Some((number, false)));
    follow(&world, number, Said::Feedback { useful: 3, accuracy: 2, text: None }).unwrap();
    world.settle();
    assert_eq!(agree(&world, number, RequestState::Closed).dialogue.marks, Some((3, 2)));
    for (node, kind) in [(world.es(), "request.accepted"), (world.ma(), "request.accepted")] {
        assert_eq!(node.count(kind), 1, "{kind} at {}", node.party);
    }
    assert_eq!(world.ma().count("request.feedback") + world.es().count("request.feedback"), 2);
}

#[test]
fn a_question_back_stops_the_clock_on_both_sides() {
    let mut world = World::new();
    let (_, number) = asked(&mut world, Urgency::ThreatToLife);
    handle(&world, number, Said::Clarify { text: text("Which of the two crossings?") }).unwrap();
    world.settle();
    assert_eq!(agree(&world, number, RequestState::Clarification).dialogue.due(), None);
    world.clock.0.advance(Millis::hours(30));
    assert_eq!(world.es().app.tick_requests().unwrap() + world.ma().app.tick_requests().unwrap(), 0);
    follow(&world, number, Said::Clarified { text: text("The second, at noon") }).unwrap();
    assert_eq!(of(world.ma(), Direction::Own, number).dialogue.due(), None, "said is not stored");
    world.settle();
    let running = agree(&world, number, RequestState::UnderEvaluation);
    assert_eq!(running.dialogue.due(), Some(world.clock.0.now().plus(Millis::hours(8))));
    // What was said can be read by the desk, with a reason, and is an entry.
    let may = world.es().actor("spoc").may(intent::ReadRequest).unwrap();
    let shown = world.es().app.show_request(may, number, &text("Going on with it")).unwrap();
    assert_eq!(
        shown.steps.iter().map(|one| one.step.kind).collect::<Vec<_>>(),
        [StepKind::Clarify, StepKind::Clarified]
    );
    assert_eq!(shown.steps[1].said.as_ref().unwrap().text().unwrap().reveal(), "The second, at noon");
    let stranger = world.es().actor("officer").may(intent::ReadRequest).unwrap();
    let closed = world.es().app.show_request(stranger, number, &text("Only curious")).unwrap_err();
    assert_eq!(closed.kind(), ErrorKind::NotFound);
    assert_eq!(world.es().count("request.read"), 2, "who was refused is an entry too");
}

#[test]
fn silence_escalates_on_both_sides_and_answers_nothing() {
    let mut world = World::new();
    let (_, number) = asked(&mut world, Urgency::Routine);
    world.clock.0.advance(Days(7));
    assert_eq!(world.ma().app.tick_requests().unwrap(), 0, "the last moment is in time");
    world.clock.0.advance(Millis(1));
    for node in 0..2 {
        assert!(world.nodes[node].app.tick_requests().unwrap() >= 1);
        assert_eq!(world.nodes[node].app.tick_requests().unwrap(), 0, "once");
    }
    world.settle();
    assert_eq!(world.es().count("request.overdue"), 2, "its own clock, and the partner's reminder");
    world.clock.0.advance(Days(3));
    for node in 0..2 {
        world.nodes[node].app.tick_requests().unwrap();
    }
    world.clock.0.advance(Days(60));
    for node in 0..2 {
        assert_eq!(world.nodes[node].app.tick_requests().unwrap(), 0, "silence is not answered");
    }
    let still = agree(&world, number, RequestState::Received);
    assert!(still.dialogue.level == 2 && still.dialogue.in_time.is_none());
    // A late answer is taken, and counted as late.
    let there = accept(&world, number, true);
    let reply = answer(&world, there, number, false);
    world.es().release(reply, &Use::default()).unwrap();
    world.settle();
    assert_eq!(agree(&world, number, RequestState::AnsweredFull).dialogue.in_time, Some(false));
    let may = world.ma().actor("oversight").may(intent::ReadFigures).unwrap();
    let span = (world.clock.0.now().minus(Days(100)), world.clock.0.now().plus(Days(1)));
    let figures = world.ma().app.request_figures(may, span).unwrap();
    assert_eq!(figures.rows.len(), 1);
    assert_eq!(figures.rows[0].total, Cell::Hidden, "one is a person");
    assert_eq!(figures.rows[0].late, Cell::Hidden);
}

#[test]
fn a_request_past_its_own_day_expires_unanswered() {
    let mut world = World::new();
    let (_, number) = asked(&mut world, Urgency::Routine);
    world.clock.0.advance(Days(340));
    for node in 0..2 {
        world.nodes[node].app.tick_requests().unwrap();
    }
    let over = agree(&world, number, RequestState::Expired);
    assert_eq!(over.dialogue.in_time, Some(false));
    assert_eq!(world.es().count("request.expired"), 1);
}

#[test]
fn it_is_refused_on_a_listed_ground_by_who_may_state_it() {
    let mut world = World::new();
    let (_, number) = asked(&mut world, Urgency::Routine);
    // R11 is not in this agreement's list.
    let unlisted = refuse(&world, "spoc", number, RefusalGround::MinorOffence).unwrap_err();
    assert_eq!(unlisted.code(), "input.ground");
    let rights = refuse(&world, "spoc", number, RefusalGround::TortureOrCidtRisk).unwrap_err();
    assert_eq!(rights.kind(), ErrorKind::Forbidden);
    let desk = refuse(&world, "legal", number, RefusalGround::NotAvailable).unwrap_err();
    assert_eq!(desk.kind(), ErrorKind::Forbidden);
    refuse(&world, "legal", number, RefusalGround::TortureOrCidtRisk).unwrap();
    world.settle();
    let done = agree(&world, number, RequestState::Refused);
    assert_eq!(
        (done.dialogue.ground, done.dialogue.in_time),
        (Some(RefusalGround::TortureOrCidtRisk), Some(true))
    );
    let again = refuse(&world, "spoc", number, RefusalGround::NotAvailable).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Conflict);
    let verdicts = world.ma().entries().into_iter().filter(|(kind, ..)| kind == "request.refused");
    assert_eq!(verdicts.map(|(.., verdict)| verdict).collect::<Vec<_>>(), ["R13"]);
}

#[test]
fn words_of_a_special_category_are_not_sent() {
    let mut world = World::new();
    let (_, number) = asked(&mut world, Urgency::Routine);
    let no = handle(&world, number, Said::Clarify { text: text("Is he a Shia Muslim?") }).unwrap_err();
    assert_eq!((no.kind(), no.code()), (ErrorKind::Refused, "release.SPC"));
    assert_eq!(world.carry(1, 0), 0);
    let logged = world
        .es()
        .entries()
        .into_iter()
        .any(|(kind, _, verdict)| kind == "refused.request.handle" && verdict == "release.SPC");
    assert!(logged, "a refusal is an entry");
}

#[test]
fn who_works_other_cases_neither_follows_a_request_nor_learns_that_it_is_there() {
    let mut world = World::new();
    let (_, number) = asked(&mut world, Urgency::Routine);
    accept(&world, number, false);
    handle(&world, number, Said::Clarify { text: text("Which of the three ferries is meant") }).unwrap();
    world.settle();
    let said = || Said::Clarified { text: text("The ferry of 12 May at noon") };
    world.ma().hire("outsider", &[mithaq_model::Role::Analyst, mithaq_model::Role::CaseOfficer]);
    let outsider = || world.ma().actor("outsider").may(intent::FollowRequest).unwrap();
    let of_it = world.ma().app.follow_request(outsider(), number, said()).unwrap_err();
    let of_none = world.ma().app.follow_request(outsider(), ReportId::new([9; 16]), said()).unwrap_err();
    assert_eq!((of_it.kind(), of_it.code()), (of_none.kind(), of_none.code()));
    assert_eq!(of_it.kind(), ErrorKind::NotFound);
    // Nothing was said: who asked may still answer.
    follow(&world, number, said()).unwrap();
}

#[test]
fn an_answer_goes_to_who_asked_and_only_while_it_is_owed() {
    let mut world = World::new();
    let (_, number) = asked(&mut world, Urgency::Routine);
    let es = world.es();
    let case = es.case(CrimeArea::ForeignTerroristFighters);
    // Not taken up yet, and no request at all: both are refused by the rules.
    for request in [number, ReportId::new([9; 16])] {
        let reply = answer(&world, case, request, false);
        assert_eq!(world.es().release(reply, &Use::default()).unwrap_err().code(), "release.CASE");
    }
    let there = accept(&world, number, false);
    let part = answer(&world, there, number, true);
    world.es().release(part, &Use::default()).unwrap();
    world.settle();
    agree(&world, number, RequestState::AnsweredPart);
    let rest = answer(&world, there, number, false);
    world.es().release(rest, &Use::default()).unwrap();
    world.settle();
    agree(&world, number, RequestState::AnsweredFull);
    let more = answer(&world, there, number, false);
    assert_eq!(world.es().release(more, &Use::default()).unwrap_err().code(), "release.CASE");
    let may = world.ma().actor("spoc").may(intent::ReadRequest).unwrap();
    let shown = world.ma().app.show_request(may, number, &text("What came back")).unwrap();
    assert_eq!(shown.answers.len(), 2);
}

#[test]
fn a_withdrawn_request_is_erased_and_nothing_is_owed() {
    let mut world = World::new();
    let (case, number) = asked(&mut world, Urgency::Routine);
    handle(&world, number, Said::Clarify { text: text("Which of the two crossings?") }).unwrap();
    world.settle();
    let may = world.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    world.ma().app.recall_report(may, number, OrderReason::Originator).unwrap();
    world.settle();
    agree(&world, number, RequestState::Withdrawn);
    let desk = world.es().actor("spoc").may(intent::HandleRequest).unwrap();
    assert!(world.es().app.open_request(desk, number, &text("It came in at the desk")).is_err());
    let may = world.es().actor("spoc").may(intent::ReadRequest).unwrap();
    let shown = world.es().app.show_request(may, number, &text("What was it about")).unwrap();
    assert!(shown.steps[0].said.is_none(), "its words are gone");
    let late = follow(&world, number, Said::Clarified { text: text("The second") }).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict);
    assert!(world.ma().read(case, number).is_ok(), "who asked keeps its own");
}

#[test]
fn an_incomplete_request_does_not_leave() {
    let world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let subject = ma.add_subject(case, recruiter(7));
    let may = ma.actor("analyst").may(intent::WriteReport).unwrap();
    let access = ma.enter("analyst", case);
    let nobody = NewReport { recipients: Vec::new(), ..world.report(&[subject]) };
    assert_eq!(
        ma.app.draft_request(may, &access, nobody, ask(&[subject])).unwrap_err().code(),
        "input.recipients"
    );
    for ask in [ask(&[]), mithaq_model::Ask { lawful_at_home: false, ..ask(&[subject]) }] {
        let number = ma.app.draft_request(may, &access, world.report(&[subject]), ask).unwrap();
        ma.grade(case, number);
        ma.review(case, number).unwrap();
        ma.approve("supervisor", number).unwrap();
        ma.approve("spoc", number).unwrap();
        let refused = ma.release(number, &Use::default()).unwrap_err();
        assert_eq!(
            (refused.code(), refused.ground()),
            ("release.PUR", Some(RefusalGround::RequestIncomplete))
        );
    }
    assert_eq!(ma.count("report.released"), 0);
}

#[test]
fn what_the_other_side_refuses_ends_there_with_its_ground() {
    let mut world = World::new();
    let level = world.es().actor("security").may(intent::AssessPartner).unwrap();
    world.es().app.set_accreditation(level, Level::Unclassified).unwrap();
    let (_, number) = asked(&mut world, Urgency::Routine);
    let own = of(world.ma(), Direction::Own, number);
    assert_eq!(
        (own.dialogue.state, own.dialogue.ground),
        (RequestState::Refused, Some(RefusalGround::Classification))
    );
    let may = world.ma().actor("supervisor").may(intent::ReadReport).unwrap();
    assert_eq!(world.ma().app.receipts_of(may, number).unwrap().0.state, ReportState::Released);
}

#[test]
fn a_request_held_back_and_turned_away_by_two_persons_is_refused_on_both_sides() {
    let mut world = World::new();
    let ma = world.ma();
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let subject = ma.add_subject(case, recruiter(7));
    let new = NewReport { title: text("He calls himself a Muslim preacher"), ..world.report(&[subject]) };
    let may = ma.actor("analyst").may(intent::WriteReport).unwrap();
    let number = ma.app.draft_request(may, &ma.enter("analyst", case), new, ask(&[subject])).unwrap();
    ma.grade(case, number);
    let adviser = ma.actor("legal").may(intent::ClearRights).unwrap();
    ma.app.clear_report(adviser, number, &text("He says so of himself in public")).unwrap();
    ma.review(case, number).unwrap();
    ma.approve("supervisor", number).unwrap();
    ma.approve("spoc", number).unwrap();
    ma.release(number, &Use::default()).unwrap();
    world.settle();
    // Held back there, and its clock runs: silence is no answer to it either.
    agree(&world, number, RequestState::Received);
    for login in ["spoc", "dpo"] {
        let es = world.es();
        let may = es.actor(login).may(intent::JudgeQuarantine).unwrap();
        es.app.judge_quarantine(may, number, Ruling::Refuse, &text("It speaks of a belief")).unwrap();
    }
    world.settle();
    let done = agree(&world, number, RequestState::Refused);
    assert_eq!(done.dialogue.ground, Some(RefusalGround::CategoryNotAllowed));
}
