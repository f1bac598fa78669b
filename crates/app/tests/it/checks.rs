//! The private check between two agencies: asked, authorised, decided on both sides, charged, evaluated, compared,
//! confirmed or rejected, released, closed; and everything that is refused on the way.

use mithaq_app::{
    AppError, CheckCall, CheckKind, CheckShown, ErrorKind, JudgedAs, NewCheck, Outcome, Use, intent,
};
use mithaq_check::oprf::Element;
use mithaq_check::{Answer, Binding, CheckState, Claims, Opening, Request, TokenPolicy, Word};
use mithaq_db::Tx;
use mithaq_model::{
    AgreementId, CaseId, CrimeArea, Days, Millis, ObjectId, Purpose, RefusalGround, SubjectClass, SubjectId,
    Tlp,
};
use mithaq_store::checks::{self, Check};
use mithaq_testkit::{subject_named, text};

use crate::world::{ES, MA, Node, World, new_report};

const ARABIC: &str = "عبد الحميد تازروت";
const LATIN: &str = "Abdelhamid Tazerout";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The table of an agreement that provides for checks.
fn terms(text: &str, more: &str) -> String {
    let policy = hex(&TokenPolicy::WIDE.hash());
    format!("{text}\n[private_check]\nbatch_cap = 3\ntoken_policy = \"{policy}\"\n{more}\n")
}

const CAPS: &str = "daily_cap = 400\nofficer_cap = 200\ncase_cap = 100\nreview_after = 60";

/// Two nodes with such an agreement, a subject on each side, the tag set published and fetched.
struct Scene {
    world: World,
    ma_case: CaseId,
    es_case: CaseId,
    ours: SubjectId,
    theirs: SubjectId,
}

impl Scene {
    fn new(more: &str) -> Self {
        let mut world = World::strangers(&[MA, ES]);
        world.agreement = world.agree(0, 1, |text| terms(&text, more));
        let ma_case = world.ma().case(CrimeArea::ForeignTerroristFighters);
        let es_case = world.es().case(CrimeArea::ForeignTerroristFighters);
        let suspect = SubjectClass::SuspectCommitted;
        let ours = world.ma().add_subject(ma_case, subject_named(7, ARABIC, suspect, MA));
        let theirs = world.es().add_subject(es_case, subject_named(8, LATIN, suspect, ES));
        let scene = Self { world, ma_case, es_case, ours, theirs };
        scene.publish();
        scene
    }

    fn publish(&self) -> u32 {
        let may = self.es().actor("spoc").may(intent::PublishSet).unwrap();
        let count = self.es().app.publish_set(may, self.world.agreement, &self.ma().party).unwrap();
        self.world.clock.0.advance(Millis::hours(1));
        self.run();
        count
    }

    fn ma(&self) -> &Node {
        self.world.ma()
    }

    fn es(&self) -> &Node {
        self.world.es()
    }

    /// Carries what the asking side has to say and brings the answers back, until nothing is due.
    fn run(&self) {
        for _ in 0..64 {
            let calls = self.calls();
            if calls.is_empty() {
                return;
            }
            for call in calls {
                let answer = self.answer(&call);
                let answer = answer.as_deref().ok();
                self.ma().app.check_answered(&self.es().party, &call, answer).unwrap();
            }
        }
        panic!("the line never comes to rest");
    }

    fn calls(&self) -> Vec<CheckCall> {
        self.ma().app.check_calls(&self.es().party).unwrap()
    }

    fn answer(&self, call: &CheckCall) -> Result<Vec<u8>, AppError> {
        let reply = self.es().app.answer_check(&self.ma().party, call.agreement, call.kind, &call.body)?;
        Ok(reply.bytes)
    }

    fn new_check(&self, subjects: &[SubjectId]) -> NewCheck {
        NewCheck {
            agreement: self.world.agreement,
            partner: self.es().party.clone(),
            class: SubjectClass::SuspectCommitted,
            subjects: subjects.to_vec(),
            warrant: None,
        }
    }

    fn draft(&self, new: NewCheck) -> Result<ObjectId, AppError> {
        let may = self.ma().actor("analyst").may(intent::AskCheck).unwrap();
        self.ma().app.draft_check(may, &self.ma().enter("analyst", self.ma_case), new)
    }

    fn authorise(&self, check: ObjectId) -> Result<u32, AppError> {
        let may = self.ma().actor("supervisor").may(intent::AuthoriseCheck).unwrap();
        self.ma().app.authorise_check(may, &self.ma().enter("supervisor", self.ma_case), check)
    }

    /// Asked and authorised; nothing was carried yet.
    fn asked(&self) -> ObjectId {
        let check = self.draft(self.new_check(&[self.ours])).unwrap();
        self.authorise(check).unwrap();
        check
    }

    fn stranger(&self, number: u8, name: &str) -> SubjectId {
        let subject = subject_named(number, name, SubjectClass::SuspectCommitted, MA);
        self.ma().add_subject(self.ma_case, subject)
    }

    fn request(&self) -> Request {
        let calls = self.calls();
        let call = calls.iter().find(|call| call.kind == CheckKind::Request).unwrap();
        Request::from_bytes(&call.body).unwrap()
    }

    /// What a partner that does not keep to its own count would send.
    fn forged(&self, number: u8, elements: usize) -> Request {
        let base = self.request();
        let element = base.elements[0];
        Request {
            check: [number; 16],
            officer: [number; 16],
            case: CaseId::new([number; 16]),
            elements: vec![element; elements],
            ..base
        }
    }

    fn post(&self, kind: CheckKind, body: &[u8]) -> Result<Vec<u8>, AppError> {
        let reply = self.es().app.answer_check(&self.ma().party, self.world.agreement, kind, body)?;
        Ok(reply.bytes)
    }
}

fn row(node: &Node, check: ObjectId) -> Check {
    let read = move |tx: &mut dyn Tx| -> Result<_, AppError> { Ok(checks::get(tx, check)?) };
    node.db.read(read).unwrap().unwrap()
}

fn show(node: &Node, check: ObjectId) -> CheckShown {
    let may = node.actor("analyst").may(intent::ReadCheck).unwrap();
    node.app.show_check(may, check, &text("The answer came in")).unwrap()
}

fn compare(node: &Node, case: CaseId, at: (ObjectId, ObjectId)) -> Result<(), AppError> {
    let may = node.actor("analyst").may(intent::JudgeCheck).unwrap();
    node.app.compare_candidate(may, &node.enter("analyst", case), at)
}

fn judge(node: &Node, case: CaseId, at: (ObjectId, ObjectId), said: JudgedAs) -> Result<(), AppError> {
    let may = node.actor("analyst").may(intent::JudgeCheck).unwrap();
    node.app.judge_candidate(may, &node.enter("analyst", case), at, said)
}

fn release(node: &Node, case: CaseId, at: (ObjectId, ObjectId), what: Outcome) -> Result<(), AppError> {
    let may = node.actor("analyst").may(intent::JudgeCheck).unwrap();
    node.app.release_candidate(may, &node.enter("analyst", case), at, what)
}

fn close(node: &Node, check: ObjectId) -> Result<(), AppError> {
    node.app.close_check(node.actor("supervisor").may(intent::CloseCheck).unwrap(), check)
}

/// The candidate both sides speak of.
fn candidate(scene: &Scene, check: ObjectId) -> (ObjectId, ObjectId) {
    let (here, there) = (show(scene.ma(), check), show(scene.es(), check));
    assert_eq!((here.candidates.len(), there.candidates.len()), (1, 1));
    let (one, other) = (&here.candidates[0].0, &there.candidates[0].0);
    assert_eq!((one.handle, one.strength), (other.handle, other.strength));
    assert_eq!((one.subject, other.subject), (scene.ours, scene.theirs));
    (check, one.handle)
}

/// The line a little later: who asks about candidates asks again.
fn later(scene: &Scene) {
    scene.world.clock.0.advance(Millis(3_000));
    scene.run();
}

/// Compared on both sides, and both know.
fn compared(scene: &Scene, at: (ObjectId, ObjectId)) {
    compare(scene.ma(), scene.ma_case, at).unwrap();
    compare(scene.es(), scene.es_case, at).unwrap();
    later(scene);
}

fn code<T: core::fmt::Debug>(result: Result<T, AppError>) -> String {
    result.unwrap_err().code().to_owned()
}

#[test]
fn a_hit_across_scripts_goes_from_the_question_to_the_release() {
    let mut scene = Scene::new(CAPS);
    let check = scene.asked();
    assert_eq!(row(scene.ma(), check).state, CheckState::Executing);
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
    let at = candidate(&scene, check);

    // Nobody confirms what was not looked at, on either side.
    assert_eq!(code(judge(scene.ma(), scene.ma_case, at, JudgedAs::Same)), "check.not_compared");
    compare(scene.ma(), scene.ma_case, at).unwrap();
    later(&scene);
    assert_eq!(code(judge(scene.ma(), scene.ma_case, at, JudgedAs::Same)), "check.not_compared");
    compare(scene.es(), scene.es_case, at).unwrap();
    later(&scene);
    let (_, ours, theirs) = &show(scene.ma(), check).candidates[0];
    assert_eq!(theirs.unwrap().years, Some((1987, 1987)));
    assert_eq!(ours.unwrap(), theirs.unwrap());

    judge(scene.ma(), scene.ma_case, at, JudgedAs::Same).unwrap();
    assert_eq!(code(judge(scene.ma(), scene.ma_case, at, JudgedAs::Same)), "check.spoken");
    assert_eq!(code(release(scene.ma(), scene.ma_case, at, refusal())), "check.stage");
    judge(scene.es(), scene.es_case, at, JudgedAs::Same).unwrap();
    later(&scene);
    assert_eq!((row(scene.ma(), check).confirmed, row(scene.es(), check).confirmed), (1, 1));

    // Core data goes by the ordinary release, or is refused on a ground.
    let unsent = ObjectId::new([99; 16]);
    let none = Outcome::Report(unsent.into());
    assert_eq!(code(release(scene.es(), scene.es_case, at, none)), "check.report_not_released");
    let to_ma = new_report(scene.world.agreement, &[scene.ma().party.clone()], &[scene.theirs]);
    let report = scene.es().ready(scene.es_case, to_ma);
    scene.es().release(report, &Use::default()).unwrap();
    scene.world.settle();
    release(scene.es(), scene.es_case, at, Outcome::Report(report)).unwrap();
    release(scene.ma(), scene.ma_case, at, refusal()).unwrap();
    later(&scene);
    for node in [scene.ma(), scene.es()] {
        let stage = show(node, check).candidates[0].0.stage;
        assert_eq!(stage, mithaq_check::follow::Stage::CoreExchanged, "{}", node.party);
        for kind in
            ["check.compared", "check.judged", "check.confirmed", "check.released", "check.possible_hit"]
        {
            assert_eq!(node.count(kind), 1, "{kind} at {}", node.party);
        }
    }
    assert_eq!(scene.ma().read(scene.ma_case, report).unwrap().subjects.len(), 1);

    // Closing destroys what could open it.
    close(scene.ma(), check).unwrap();
    close(scene.es(), check).unwrap();
    for node in [scene.ma(), scene.es()] {
        assert_eq!(row(node, check).state, CheckState::Closed);
        assert!(stored(node, check).is_none(), "{}", node.party);
    }
    assert!(opening(scene.ma(), check).is_none());
}

fn refusal() -> Outcome {
    Outcome::Refusal(RefusalGround::EndangersPerson)
}

fn stored(node: &Node, check: ObjectId) -> Option<Vec<u8>> {
    let read = move |tx: &mut dyn Tx| -> Result<_, AppError> {
        let (answer, handles) = checks::stored_answers(tx, check)?;
        let left = checks::candidates(tx, check)?.len() + checks::subjects(tx, check)?.len();
        Ok(answer.or(handles).or((left > 0).then(Vec::new)))
    };
    node.db.read(read).unwrap()
}

fn opening(node: &Node, check: ObjectId) -> Option<Vec<u8>> {
    let may = node.actor("oversight").may(intent::ReadLog).unwrap();
    node.app.check_opening(may, check, &text("Yearly inspection of checks")).ok()
}

#[test]
fn what_is_not_known_there_is_no_hit_and_tells_nothing() {
    let scene = Scene::new(CAPS);
    let nobody = scene.stranger(9, "Yusuf Karabulut");
    let check = scene.draft(scene.new_check(&[nobody])).unwrap();
    scene.authorise(check).unwrap();
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::NoHit);
    assert_eq!(scene.ma().count("check.no_hit"), 1);
    // The asked side knows that it was asked, and nothing of the answer.
    let there = row(scene.es(), check);
    assert_eq!((there.state, there.hits), (CheckState::Evaluated, 0));
    assert_ne!(there.case, scene.ma_case, "a pseudonym");
    assert!(show_at_desk(scene.es(), check).candidates.is_empty());
    assert_eq!(scene.es().count("check.claimed"), 0);
    close(scene.ma(), check).unwrap();
    assert_eq!(code(close(scene.ma(), check)), "check.not_ended");
}

fn show_at_desk(node: &Node, check: ObjectId) -> CheckShown {
    let may = node.actor("spoc").may(intent::ReadCheck).unwrap();
    node.app.show_check(may, check, &text("The desk looks at what came in")).unwrap()
}

#[test]
fn both_sides_log_one_commitment_before_anything_is_sent_and_oversight_opens_it() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let request = scene.request();
    let logged = |node: &Node, kind: &str| node.commitments(kind)[0].unwrap();
    assert_eq!(logged(scene.ma(), "check.asked").as_bytes(), &request.commitment);
    assert_eq!(scene.es().count("check.received"), 0, "logged here before it left");
    scene.run();
    assert_eq!(logged(scene.es(), "check.received"), logged(scene.ma(), "check.asked"));
    assert_eq!(logged(scene.es(), "check.evaluated"), logged(scene.ma(), "check.sent"));
    assert_eq!(logged(scene.es(), "check.evaluated").as_bytes(), &request.digest());
    assert_eq!(logged(scene.es(), "check.set_published"), logged(scene.ma(), "check.set_taken"));

    let opened = Opening::from_bytes(&opening(scene.ma(), check).unwrap()).unwrap();
    let set = set_of(scene.ma(), &scene, false);
    let binding = Binding::of(&set.header);
    assert_eq!(opened.check(&request, &binding, set.header.key.mode()), Ok(()));
    let other = Request { elements: request.elements.iter().rev().copied().collect(), ..request };
    assert!(opened.check(&other, &binding, set.header.key.mode()).is_err());
    let analyst = scene.ma().actor("analyst");
    assert!(analyst.may(intent::ReadLog).is_err(), "only oversight opens");
    assert_eq!(scene.ma().count("check.opened"), 1);
}

fn set_of(node: &Node, scene: &Scene, own: bool) -> mithaq_check::SignedSet {
    let partner = if own { scene.ma().party.clone() } else { scene.es().party.clone() };
    let agreement = scene.world.agreement;
    let read = move |tx: &mut dyn Tx| -> Result<_, AppError> {
        Ok(checks::set_bytes(tx, (&agreement, &partner), own)?)
    };
    let bytes = node.db.read(read).unwrap().unwrap();
    mithaq_check::SignedSet::read(&bytes, |_, _, _| true).unwrap()
}

#[test]
fn a_check_is_refused_before_it_leaves() {
    let scene = Scene::new(CAPS);
    let ma = scene.ma();
    let with = |edit: &dyn Fn(&mut NewCheck)| {
        let mut new = scene.new_check(&[scene.ours]);
        edit(&mut new);
        code(scene.draft(new))
    };
    assert_eq!(with(&|new| new.class = SubjectClass::Witness), "check.CAT");
    assert_eq!(
        with(&|new| new.class = SubjectClass::Convicted),
        "check.CAT",
        "the subject is of another class"
    );
    assert_eq!(with(&|new| new.class = SubjectClass::Wanted), "input.warrant");
    assert_eq!(with(&|new| new.subjects = Vec::new()), "check.BUD", "nobody is not everybody");
    assert_eq!(with(&|new| new.subjects = vec![SubjectId::new([77; 16])]), "object.not_found");
    assert_eq!(with(&|new| new.subjects = vec![scene.ours; 2]), "input.subjects");
    assert_eq!(with(&|new| new.agreement = AgreementId::new([1; 32])), "object.not_found");
    assert_eq!(with(&|new| new.partner = mithaq_testkit::party("ci-judiciary")), "check.AGR");
    let many: Vec<_> = (20..24).map(|n| scene.stranger(n, "Somebody Else")).collect();
    assert_eq!(with(&|new| new.subjects = many.clone()), "check.BUD");
    assert!(ma.actor("supervisor").may(intent::AskCheck).is_err());
    assert!(ma.actor("analyst").may(intent::AuthoriseCheck).is_err());

    let check = scene.asked();
    assert_eq!(code(scene.authorise(check)), "check.not_draft");
    assert_eq!(code(scene.draft(scene.new_check(&[scene.ours]))), "check.repeated");
    assert!(ma.count("refused.check.ask") >= 9, "each refusal is an entry");

    // Who wrote it does not authorise it.
    let both = ma.hire("both", &[mithaq_model::Role::Analyst, mithaq_model::Role::Supervisor]);
    let govern = ma.actor("supervisor").may(intent::GovernCase).unwrap();
    ma.app.assign_to_case(govern, scene.ma_case, both).unwrap();
    let other = scene.stranger(30, "Somebody Third");
    let actor = ma.actor("both");
    let (ask, authorise) = (actor.may(intent::AskCheck).unwrap(), actor.may(intent::AuthoriseCheck).unwrap());
    let access = || ma.enter("both", scene.ma_case);
    let own = ma.app.draft_check(ask, &access(), scene.new_check(&[other])).unwrap();
    assert_eq!(code(ma.app.authorise_check(authorise, &access(), own)), "check.two_persons");
}

#[test]
fn without_an_agreement_about_checks_nothing_is_asked_answered_or_published() {
    let world = World::new();
    let (ma, es) = (world.ma(), world.es());
    let case = ma.case(CrimeArea::ForeignTerroristFighters);
    let subject = ma.add_subject(case, subject_named(7, LATIN, SubjectClass::SuspectCommitted, MA));
    let new = NewCheck {
        agreement: world.agreement,
        partner: es.party.clone(),
        class: SubjectClass::SuspectCommitted,
        subjects: vec![subject],
        warrant: None,
    };
    let may = ma.actor("analyst").may(intent::AskCheck).unwrap();
    assert_eq!(code(ma.app.draft_check(may, &ma.enter("analyst", case), new)), "check.not_agreed");
    let publish = es.actor("spoc").may(intent::PublishSet).unwrap();
    assert_eq!(code(es.app.publish_set(publish, world.agreement, &ma.party)), "check.not_agreed");
    let set = es.app.answer_check(&ma.party, world.agreement, CheckKind::Set, &[0; 12]);
    assert_eq!(set.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(ma.app.check_calls(&es.party).unwrap().is_empty());
}

#[test]
fn without_a_set_nothing_is_authorised() {
    let mut world = World::strangers(&[MA, ES]);
    world.agreement = world.agree(0, 1, |text| terms(&text, CAPS));
    let ma_case = world.ma().case(CrimeArea::ForeignTerroristFighters);
    let es_case = world.es().case(CrimeArea::ForeignTerroristFighters);
    let ours = world.ma().add_subject(ma_case, subject_named(7, ARABIC, SubjectClass::SuspectCommitted, MA));
    let scene = Scene { world, ma_case, es_case, ours, theirs: ours };
    let check = scene.draft(scene.new_check(&[ours])).unwrap();
    scene.run();
    assert_eq!(code(scene.authorise(check)), "check.no_set");
    assert!(scene.calls().is_empty(), "nothing leaves that was not authorised");
    scene.publish();
    scene.authorise(check).unwrap();
}

#[test]
fn a_name_alone_is_never_asked() {
    let scene = Scene::new(CAPS);
    let whole = subject_named(40, LATIN, SubjectClass::SuspectCommitted, MA);
    let names: Vec<_> = whole
        .claims()
        .iter()
        .filter(|claim| claim.attribute == mithaq_model::Attribute::Name)
        .cloned()
        .collect();
    let bare = mithaq_model::Subject::new(whole.id(), whole.kind(), whole.class(), names).unwrap();
    let number = scene.ma().add_subject(scene.ma_case, bare);
    let check = scene.draft(scene.new_check(&[number])).unwrap();
    assert_eq!(code(scene.authorise(check)), "input.subjects");
    assert_eq!(row(scene.ma(), check).state, CheckState::Draft);
}

#[test]
fn the_asked_side_counts_for_itself_and_gives_nothing_back() {
    let scene = Scene::new(CAPS);
    scene.asked();
    let es = scene.es();
    let spend = |number: u8, elements: usize, edit: &dyn Fn(&mut Request)| {
        let mut request = scene.forged(number, elements);
        edit(&mut request);
        let bytes = scene.post(CheckKind::Request, &request.to_bytes()).unwrap();
        Answer::from_bytes(&bytes).unwrap()
    };
    let good = |answer: &Answer| matches!(answer, Answer::Evaluated { .. });
    let refused = |answer: Answer, code: &str| {
        assert!(matches!(&answer, Answer::Refused { code: said, .. } if said == code), "{answer:?}");
    };
    let none = |_: &mut Request| ();
    // Its case: 100 a day.
    assert!(good(&spend(1, 96, &none)));
    refused(spend(2, 8, &|one| one.case = CaseId::new([1; 16])), "BUD");
    // Its officer: 200 a day, over several cases.
    assert!(good(&spend(3, 96, &|one| one.officer = [1; 16])));
    refused(spend(4, 16, &|one| one.officer = [1; 16]), "BUD");
    // The partner as a whole: 400 a day.
    assert!(good(&spend(5, 96, &none)));
    assert!(good(&spend(6, 96, &none)));
    refused(spend(7, 24, &none), "BUD");
    assert!(good(&spend(8, 16, &none)), "and what fits still fits");
    assert!(es.count("check.refused") >= 3);
    // A malformed element is charged all the same.
    refused(spend(9, 8, &none), "BUD");
    scene.world.clock.0.advance(Days(1));
    let bad = spend(10, 8, &|one| one.elements = vec![Element([0; 32]); 8]);
    refused(bad, "check.element");
    assert!(good(&spend(11, 96, &|one| one.officer = [10; 16])));
    refused(spend(12, 97, &|one| one.officer = [10; 16]), "BUD");
}

#[test]
fn who_asks_counts_too_and_is_refused_at_home() {
    let scene = Scene::new("daily_cap = 8\nreview_after = 8");
    let one = scene.asked();
    assert_eq!(row(scene.ma(), one).queries, 8, "queries come in eights");
    let other = scene.stranger(9, "Yusuf Karabulut");
    let two = scene.draft(scene.new_check(&[other])).unwrap();
    assert_eq!(code(scene.authorise(two)), "check.BUD");
    scene.world.clock.0.advance(Days(1));
    scene.authorise(two).unwrap();
}

#[test]
fn the_same_request_again_is_the_same_answer_and_is_charged_once() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let request = scene.request();
    let first = scene.post(CheckKind::Request, &request.to_bytes()).unwrap();
    let entries = scene.es().entries().len();
    assert_eq!(scene.post(CheckKind::Request, &request.to_bytes()).unwrap(), first);
    assert_eq!(scene.es().entries().len(), entries, "nothing happened");
    // Other bytes under the number.
    let other = Request { subjects: 2, ..request };
    let answer = Answer::from_bytes(&scene.post(CheckKind::Request, &other.to_bytes()).unwrap()).unwrap();
    assert!(matches!(answer, Answer::Refused { code, .. } if code == "check.number_used"));
    assert_eq!(row(scene.es(), check).digest, Some(scene.request().digest()), "the first stays");
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
}

#[test]
fn a_crash_between_charge_and_answer_costs_the_budget_and_gives_the_answer_later() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let request = scene.request();
    let first = scene.post(CheckKind::Request, &request.to_bytes()).unwrap();
    let lose = move |tx: &mut dyn Tx| -> Result<_, AppError> {
        Ok(tx.exec("UPDATE check_query SET answer = NULL", &[])?)
    };
    assert_eq!(scene.es().db.write(lose).unwrap(), 1);
    assert_eq!(scene.post(CheckKind::Request, &request.to_bytes()).unwrap(), first);
    assert_eq!(scene.es().count("check.evaluated"), 1, "charged once");
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
}

#[test]
fn a_silent_refusal_looks_like_no_hit() {
    let scene = Scene::new(&format!("{CAPS}\nrefuse_silently = true"));
    let check = scene.asked();
    let request = scene.request();
    // Its case has spent the day elsewhere: the node would refuse.
    let spent = Request { case: request.case, ..scene.forged(1, 96) };
    let honest = scene.post(CheckKind::Request, &spent.to_bytes()).unwrap();
    let spent = Request { case: request.case, ..scene.forged(2, 96) };
    let silent = scene.post(CheckKind::Request, &spent.to_bytes()).unwrap();
    assert_eq!(silent.len(), honest.len());
    assert!(matches!(Answer::from_bytes(&silent).unwrap(), Answer::Evaluated { .. }));
    let wait = |request: &Request| {
        let reply = scene.es().app.answer_check(
            &scene.ma().party,
            scene.world.agreement,
            CheckKind::Request,
            &request.to_bytes(),
        );
        reply.unwrap().leaves_after
    };
    assert_eq!(wait(&scene.forged(1, 96)), wait(&scene.forged(2, 96)), "and leaves as late");
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::NoHit, "whom the node knows");
    let there = row(scene.es(), check);
    assert_eq!((there.state, there.outcome.as_deref()), (CheckState::Refused, Some("BUD")));
    // What was refused has no claims that hit.
    let claims = Claims { check: [2; 16], halves: vec![[1; 32]] };
    let handles = scene.post(CheckKind::Claims, &claims.to_bytes()).unwrap();
    assert_eq!(mithaq_check::Handles::from_bytes(&handles).unwrap().handles, [None]);
}

#[test]
fn an_open_refusal_is_told_and_nothing_is_kept() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let request = scene.request();
    let spent = Request { case: request.case, ..scene.forged(1, 96) };
    scene.post(CheckKind::Request, &spent.to_bytes()).unwrap();
    scene.run();
    let here = row(scene.ma(), check);
    assert_eq!((here.state, here.outcome.as_deref()), (CheckState::Refused, Some("BUD")));
    assert_eq!(scene.ma().count("check.refused_there"), 1);
}

#[test]
fn many_evaluations_without_a_hit_raise_one_review() {
    let scene = Scene::new(CAPS);
    scene.asked();
    for number in 1..=4 {
        scene.post(CheckKind::Request, &scene.forged(number, 24).to_bytes()).unwrap();
    }
    assert_eq!(scene.es().count("check.review_due"), 1, "at 60 of them, once");
    let may = scene.es().actor("spoc").may(intent::ReadHealth).unwrap();
    let alarms = scene.es().app.alarms(may).unwrap();
    assert_eq!(alarms.iter().filter(|alarm| alarm.kind == "check.review_due").count(), 1);
}

#[test]
fn a_set_holds_only_whom_class_handling_and_agreement_allow() {
    let scene = Scene::new(CAPS);
    let es = scene.es();
    assert_eq!(scene.publish(), 1);
    let add = |number: u8, class, originator: &str, case, edit: &dyn Fn(&mut mithaq_model::Claim)| {
        let whole = subject_named(number, "Somebody Quite Else", class, originator);
        let mut claims = whole.claims().to_vec();
        claims.iter_mut().for_each(edit);
        let subject = mithaq_model::Subject::new(whole.id(), whole.kind(), whole.class(), claims).unwrap();
        es.add_subject(case, subject)
    };
    let (suspect, case) = (SubjectClass::SuspectCommitted, scene.es_case);
    add(50, SubjectClass::Victim, ES, case, &|_| ());
    add(51, suspect, MA, case, &|_| ());
    add(52, suspect, ES, case, &|claim| {
        claim.handling =
            mithaq_model::Handling::new(mithaq_model::HandlingCodes::H0, Tlp::Red, mithaq_model::Pap::Amber);
    });
    add(53, suspect, ES, case, &|claim| claim.source = mithaq_model::ClaimSource::Received);
    let closed = es.case(CrimeArea::ForeignTerroristFighters);
    add(54, suspect, ES, closed, &|_| ());
    es.app.close_case(es.actor("supervisor").may(intent::GovernCase).unwrap(), closed).unwrap();
    let minor = subject_named(55, "Somebody Young", suspect, ES).with_minor();
    es.add_subject(case, minor);
    let lawyer = subject_named(56, "Somebody At Law", suspect, ES)
        .with_protected_role(mithaq_model::ProtectedRole::ALL[0]);
    es.add_subject(case, lawyer);
    assert_eq!(scene.publish(), 1, "none of them");
    add(57, suspect, ES, case, &|_| ());
    assert_eq!(scene.publish(), 2);
}

#[test]
fn who_was_erased_since_the_set_was_made_is_no_hit() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let theirs = scene.theirs;
    let erase =
        move |tx: &mut dyn Tx| -> Result<_, AppError> { Ok(mithaq_store::subjects::erase(tx, &[theirs])?) };
    assert_eq!(scene.es().db.write(erase).unwrap(), 1);
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::NoHit);
    assert_eq!(scene.es().count("check.possible_hit"), 0);
}

#[test]
fn a_new_set_shares_nothing_with_the_last_and_a_new_key_comes_with_its_time() {
    let scene = Scene::new(CAPS);
    let first = set_of(scene.es(), &scene, true);
    scene.es().app.tick_checks().unwrap();
    assert_eq!(set_of(scene.es(), &scene, true).header.number, first.header.number, "not before a day");
    scene.world.clock.0.advance(Days(1));
    scene.es().app.tick_checks().unwrap();
    let second = set_of(scene.es(), &scene, true);
    assert_eq!((second.header.epoch, second.header.number), (1, first.header.number + 1));
    assert_ne!(second.header.nonce, first.header.nonce);
    scene.world.clock.0.advance(Days(30));
    scene.es().app.tick_checks().unwrap();
    let third = set_of(scene.es(), &scene, true);
    assert_eq!(third.header.epoch, 2);
    assert_ne!(third.header.key, second.header.key);
    assert_eq!((scene.es().count("check.key_made"), scene.es().count("check.key_destroyed")), (2, 1));
    // The asking side takes the new set, and asks under it.
    scene.run();
    assert_eq!(set_of(scene.ma(), &scene, false).header.epoch, 2);
    let check = scene.asked();
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
}

#[test]
fn a_set_that_is_not_the_partners_own_is_refused() {
    let scene = Scene::new(CAPS);
    let before = set_of(scene.ma(), &scene, false).header.number;
    scene
        .es()
        .app
        .publish_set(
            scene.es().actor("spoc").may(intent::PublishSet).unwrap(),
            scene.world.agreement,
            &scene.ma().party,
        )
        .unwrap();
    scene.world.clock.0.advance(Millis::hours(1));
    let call = scene.calls().into_iter().find(|call| call.kind == CheckKind::Set).unwrap();
    let good = scene.answer(&call).unwrap();
    for at in [60, good.len() - 1, good.len() / 2] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let taken = scene.ma().app.check_answered(&scene.es().party, &call, Some(&bad));
        assert_eq!(taken.unwrap_err().kind(), ErrorKind::PeerMisbehaved, "byte {at}");
    }
    assert_eq!(set_of(scene.ma(), &scene, false).header.number, before);
    scene.ma().app.check_answered(&scene.es().party, &call, Some(&good)).unwrap();
    assert_eq!(set_of(scene.ma(), &scene, false).header.number, before + 1);
}

#[test]
fn an_answer_of_another_key_is_caught_by_the_proof_and_nothing_is_kept() {
    let scene = Scene::new(&format!("{CAPS}\nverifiable = true"));
    let check = scene.asked();
    let call = scene.calls().into_iter().find(|call| call.kind == CheckKind::Request).unwrap();
    let answer = Answer::from_bytes(&scene.answer(&call).unwrap()).unwrap();
    let Answer::Evaluated { check: number, request, mut elements, proof } = answer else { panic!("refused") };
    elements.swap(0, 1);
    let bad = Answer::Evaluated { check: number, request, elements, proof }.to_bytes();
    let taken = scene.ma().app.check_answered(&scene.es().party, &call, Some(&bad));
    assert_eq!(taken.unwrap_err().code(), "check.evaluation");
    let here = row(scene.ma(), check);
    assert_eq!((here.state, here.outcome.as_deref()), (CheckState::Aborted, Some("check.evaluation")));
    assert!(stored(scene.ma(), check).is_none() && opening(scene.ma(), check).is_none());
    let may = scene.ma().actor("spoc").may(intent::ReadHealth).unwrap();
    assert!(scene.ma().app.alarms(may).unwrap().iter().any(|alarm| alarm.kind == "peer.check"));
    // It was aborted, so it may be asked again; an honest answer hits.
    let check = scene.asked();
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
}

#[test]
fn a_replayed_answer_and_one_to_nobody_end_the_check() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let call = scene.calls().into_iter().find(|call| call.kind == CheckKind::Request).unwrap();
    let other = scene.post(CheckKind::Request, &scene.forged(1, 8).to_bytes()).unwrap();
    let taken = scene.ma().app.check_answered(&scene.es().party, &call, Some(&other));
    assert_eq!(taken.unwrap_err().code(), "check.replay");
    assert_eq!(row(scene.ma(), check).state, CheckState::Aborted);
    let check = scene.asked();
    let call = scene.calls().into_iter().find(|call| call.kind == CheckKind::Request).unwrap();
    scene.ma().app.check_answered(&scene.es().party, &call, None).unwrap();
    assert_eq!(row(scene.ma(), check).outcome.as_deref(), Some("check.unanswered"));
}

#[test]
fn what_another_asked_is_nobody_elses_to_claim_or_speak_of() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    scene.run();
    let at = candidate(&scene, check);
    let stranger = mithaq_testkit::party("ci-judiciary");
    let word = Word {
        check: *at.0.as_bytes(),
        handle: *at.1.as_bytes(),
        shown: None,
        verdict: Some(mithaq_check::follow::Verdict::Same),
        released: None,
    };
    for (kind, body) in [
        (CheckKind::Request, scene_request(&scene)),
        (CheckKind::Claims, Claims { check: word.check, halves: vec![[1; 32]] }.to_bytes()),
        (CheckKind::Candidate, word.to_bytes()),
        (CheckKind::Set, vec![0; 12]),
    ] {
        let answer = scene.es().app.answer_check(&stranger, scene.world.agreement, kind, &body);
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::NotFound, "{kind:?}");
        // Nor is anything that is no document.
        let broken = scene.post(kind, b"nonsense").unwrap_err();
        assert_eq!(broken.kind(), ErrorKind::Invalid, "{kind:?}");
    }
    // A second, other claim for a check is a way to try: refused.
    let again = Claims { check: word.check, halves: vec![[1; 32]] };
    assert_eq!(scene.post(CheckKind::Claims, &again.to_bytes()).unwrap_err().kind(), ErrorKind::NotFound);
    let unknown = Word { handle: [9; 16], ..word };
    assert_eq!(
        scene.post(CheckKind::Candidate, &unknown.to_bytes()).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

fn scene_request(scene: &Scene) -> Vec<u8> {
    let other = scene.stranger(60, "Yusuf Karabulut");
    let check = scene.draft(scene.new_check(&[other])).unwrap();
    scene.authorise(check).unwrap();
    scene.request().to_bytes()
}

#[test]
fn one_who_says_another_person_ends_it_and_counts() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    scene.run();
    let at = candidate(&scene, check);
    assert_eq!(code(close(scene.ma(), check)), "check.not_ended");
    compared(&scene, at);
    judge(scene.es(), scene.es_case, at, JudgedAs::Other).unwrap();
    later(&scene);
    assert_eq!((row(scene.ma(), check).rejected, row(scene.es(), check).rejected), (1, 1));
    assert_eq!(code(judge(scene.ma(), scene.ma_case, at, JudgedAs::Same)), "check.stage");
    let may = scene.ma().actor("dpo").may(intent::ReadFigures).unwrap();
    let now = scene.world.clock.0.now();
    let figures = scene.ma().app.check_figures(may, (now.minus(Days(60)), now.plus(Days(1)))).unwrap();
    assert_eq!(figures.rows.len(), 1);
    close(scene.ma(), check).unwrap();
}

#[test]
fn who_was_cleared_after_both_had_confirmed_is_rejected_on_both_sides() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    scene.run();
    let at = candidate(&scene, check);
    compared(&scene, at);
    judge(scene.ma(), scene.ma_case, at, JudgedAs::Same).unwrap();
    judge(scene.es(), scene.es_case, at, JudgedAs::Same).unwrap();
    later(&scene);
    judge(scene.ma(), scene.ma_case, at, JudgedAs::Cleared).unwrap();
    later(&scene);
    for node in [scene.ma(), scene.es()] {
        let one = row(node, check);
        assert_eq!((one.confirmed, one.rejected), (0, 1), "{}", node.party);
    }
}

#[test]
fn another_case_sees_and_says_nothing() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    scene.run();
    let at = candidate(&scene, check);
    let other = scene.ma().case(CrimeArea::ForeignTerroristFighters);
    assert_eq!(code(compare(scene.ma(), other, at)), "object.not_found");
    let elsewhere = scene.es().case(CrimeArea::ForeignTerroristFighters);
    assert_eq!(code(compare(scene.es(), elsewhere, at)), "object.not_found");
    // Who works no case of it sees nothing; the desk sees no year.
    scene.ma().hire("outsider", &[mithaq_model::Role::Analyst]);
    let may = scene.ma().actor("outsider").may(intent::ReadCheck).unwrap();
    let seen = scene.ma().app.show_check(may, check, &text("Merely curious about it"));
    assert_eq!(seen.unwrap_err().kind(), ErrorKind::NotFound);
    compared(&scene, at);
    let (_, ours, theirs) = show_at_desk(scene.ma(), check).candidates[0].clone();
    assert!(ours.is_none() && theirs.is_none());
}

#[test]
fn the_clock_ends_what_nobody_answers_or_looks_at() {
    let scene = Scene::new(CAPS);
    let waiting = scene.asked();
    scene.world.clock.0.advance(Millis::hours(25));
    scene.ma().app.tick_checks().unwrap();
    assert_eq!(row(scene.ma(), waiting).outcome.as_deref(), Some("check.timeout"));
    assert!(!scene.calls().iter().any(|call| call.kind == CheckKind::Request));

    scene.run();
    let check = scene.asked();
    scene.run();
    let at = candidate(&scene, check);
    scene.world.clock.0.advance(Days(15));
    for node in [scene.ma(), scene.es()] {
        node.app.tick_checks().unwrap();
        assert_eq!(node.count("check.lapsed"), 1, "{}", node.party);
    }
    assert_eq!(code(compare(scene.ma(), scene.ma_case, at)), "check.stage");
    scene.world.clock.0.advance(Days(20));
    for node in [scene.ma(), scene.es()] {
        node.app.tick_checks().unwrap();
        assert_eq!(row(node, check).state, CheckState::Closed, "{}", node.party);
    }
}

#[test]
fn core_data_that_is_overdue_is_an_alarm() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    scene.run();
    let at = candidate(&scene, check);
    compared(&scene, at);
    judge(scene.ma(), scene.ma_case, at, JudgedAs::Same).unwrap();
    judge(scene.es(), scene.es_case, at, JudgedAs::Same).unwrap();
    later(&scene);
    scene.world.clock.0.advance(Millis::hours(49));
    scene.ma().app.tick_checks().unwrap();
    let may = scene.ma().actor("spoc").may(intent::ReadHealth).unwrap();
    assert!(scene.ma().app.alarms(may).unwrap().iter().any(|alarm| alarm.kind == "check.core_overdue"));
}

#[test]
fn a_restart_ends_what_was_under_way_and_nothing_of_it_is_kept() {
    let mut scene = Scene::new(CAPS);
    let check = scene.asked();
    let clock = scene.world.clock.clone();
    let node = &mut scene.world.nodes[0];
    let parts = crate::world::parts(&node.party, (16, 1), &clock, &node.mark);
    let (db, shared) = (node.db.clone(), node.app.is_shared());
    let app = mithaq_app::App::open(db.clone(), parts).unwrap();
    node.come_back(app, db);
    assert!(!scene.calls().iter().any(|call| call.kind == CheckKind::Request));
    if shared {
        // Another process of the node may hold it.
        clock.0.advance(Millis::hours(25));
    }
    scene.ma().app.tick_checks().unwrap();
    let here = row(scene.ma(), check);
    let why = if shared { "check.timeout" } else { "check.restarted" };
    assert_eq!((here.state, here.outcome.as_deref()), (CheckState::Aborted, Some(why)));
    assert!(stored(scene.ma(), check).is_none() && opening(scene.ma(), check).is_none());
    // The asked side goes on after its own restart too: its outputs are made anew from its subjects.
    scene.run();
    let check = scene.asked();
    let node = &mut scene.world.nodes[1];
    let parts = crate::world::parts(&node.party, (32, 1), &clock, &node.mark);
    let db = node.db.clone();
    let app = mithaq_app::App::open(db.clone(), parts).unwrap();
    node.come_back(app, db);
    scene.run();
    assert_eq!(row(scene.ma(), check).state, CheckState::PossibleHit);
}

#[test]
fn an_agreement_that_is_suspended_answers_no_check() {
    let scene = Scene::new(CAPS);
    let check = scene.asked();
    let may = scene.es().actor("authority").may(intent::SuspendAgreement).unwrap();
    scene.es().app.suspend_agreement(may, scene.world.agreement).unwrap();
    scene.run();
    let here = row(scene.ma(), check);
    assert_eq!((here.state, here.outcome.as_deref()), (CheckState::Refused, Some("AGR")));
    assert_eq!(scene.es().count("check.evaluated"), 0);
}

#[test]
fn another_purpose_or_class_than_agreed_is_refused_by_the_asked_side() {
    let scene = Scene::new(CAPS);
    scene.asked();
    let ask = |edit: &dyn Fn(&mut Request), number| {
        let mut request = scene.forged(number, 8);
        edit(&mut request);
        let bytes = scene.post(CheckKind::Request, &request.to_bytes()).unwrap();
        match Answer::from_bytes(&bytes).unwrap() {
            Answer::Refused { code, .. } => code,
            Answer::Evaluated { .. } => "evaluated".to_owned(),
        }
    };
    assert_eq!(ask(&|one| one.class = SubjectClass::Witness, 1), "CAT");
    assert_eq!(ask(&|one| one.purpose = Purpose::StrategicNonpersonal, 2), "PUR");
    assert_eq!(ask(&|one| one.subjects = 9, 3), "BUD");
    assert_eq!(ask(&|one| one.subjects = 0, 4), "BUD");
    assert_eq!(ask(&|one| one.epoch = 9, 5), "check.epoch");
    assert_eq!(ask(&|one| one.policy = [1; 32], 6), "check.other_agreement");
    assert_eq!(ask(&|one| one.agreement = AgreementId::new([1; 32]), 7), "check.other_agreement");
    assert_eq!(ask(&|_| (), 8), "evaluated");
    assert_eq!(scene.es().count("check.refused"), 7, "each is an entry");
}
