//! The private check between two agencies: asked, authorised, decided on both sides, charged, evaluated, compared,
//! confirmed or rejected, released, closed; and everything that is refused on the way.

mod ask;
mod budget;
mod cleared;
mod events;
mod events_refused;
mod explain;
mod faults;
mod follow;
mod joint;
mod race;
pub(crate) mod recorded;
mod sets;
mod standing;

use std::cell::RefCell;

use mithaq_app::{AppError, CheckCall, CheckKind, CheckShown, JudgedAs, NewCheck, Outcome, intent};
use mithaq_check::{Request, TokenPolicy};
use mithaq_db::Tx;
use mithaq_model::{
    AgreementId, CaseId, CrimeArea, Millis, ObjectId, RefusalGround, SubjectClass, SubjectId,
};
use mithaq_store::checks;
use mithaq_store::checks::Check;
use mithaq_testkit::{subject_named, text};

use crate::world::{ES, MA, Node, World};

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
    /// What was asked and answered, in order.
    line: RefCell<Vec<Asked>>,
}

/// A document of the asking side, and what it was answered with: bytes, or the code of an error.
struct Asked {
    kind: CheckKind,
    body: Vec<u8>,
    answer: Result<Vec<u8>, String>,
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
        let scene = Self { world, ma_case, es_case, ours, theirs, line: RefCell::default() };
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
        self.put(call.agreement, call.kind, &call.body)
    }

    fn put(&self, agreement: AgreementId, kind: CheckKind, body: &[u8]) -> Result<Vec<u8>, AppError> {
        let reply = self.es().app.answer_check(&self.ma().party, agreement, kind, body);
        let said = reply.as_ref().map(|reply| reply.bytes.clone()).map_err(|error| error.code().to_owned());
        self.line.borrow_mut().push(Asked { kind, body: body.to_vec(), answer: said });
        Ok(reply?.bytes)
    }

    fn new_check(&self, subjects: &[SubjectId]) -> NewCheck {
        NewCheck {
            agreement: self.world.agreement,
            partner: self.es().party.clone(),
            class: SubjectClass::SuspectCommitted,
            subjects: subjects.to_vec(),
            warrant: None,
            standing: None,
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
        self.put(self.world.agreement, kind, body)
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

/// What a crash between decision and answer leaves; returns of how many checks.
fn lose_answers(node: &Node) -> u64 {
    let lose = move |tx: &mut dyn Tx| -> Result<_, AppError> {
        Ok(tx.exec("UPDATE check_query SET answer = NULL", &[])?)
    };
    node.db.write(lose).unwrap()
}

fn opening(node: &Node, check: ObjectId) -> Option<Vec<u8>> {
    let may = node.actor("oversight").may(intent::ReadLog).unwrap();
    node.app.check_opening(may, check, &text("Yearly inspection of checks")).ok()
}

fn show_at_desk(node: &Node, check: ObjectId) -> CheckShown {
    let may = node.actor("spoc").may(intent::ReadCheck).unwrap();
    node.app.show_check(may, check, &text("The desk looks at what came in")).unwrap()
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

fn scene_request(scene: &Scene) -> Vec<u8> {
    let other = scene.stranger(60, "Yusuf Karabulut");
    let check = scene.draft(scene.new_check(&[other])).unwrap();
    scene.authorise(check).unwrap();
    scene.request().to_bytes()
}
