//! One question to several partners: three nodes, under two agreements and under one; nothing of one partner reaches another.

use mithaq_app::{AppError, CheckCall, CheckKind, ErrorKind, JointPart, NewJointCheck, intent};
use mithaq_check::{CheckState, Claims, Request, Word};
use mithaq_model::{AgreementId, CaseId, CrimeArea, Millis, ObjectId, PartyId, SubjectClass, SubjectId};
use mithaq_testkit::subject_named;

use super::{ARABIC, CAPS, LATIN, code, row, show, terms};
use crate::world::{CI, ES, MA, Node, World};

/// Morocco asks; Spain knows the person, Côte d'Ivoire another.
struct Three {
    world: World,
    case: CaseId,
    subject: SubjectId,
    to: Vec<(AgreementId, PartyId)>,
}

impl Three {
    fn new(one_agreement: bool, spain_knows: bool) -> Self {
        let world = World::strangers(&[MA, ES, CI]);
        let (es, ci) = (world.nodes[1].party.clone(), world.nodes[2].party.clone());
        let to = if one_agreement {
            let all = world.agree_all_to(|text| terms(&text, CAPS));
            vec![(all, es), (all, ci)]
        } else {
            let agree = |other| world.agree(0, other, |text| terms(&text, CAPS));
            vec![(agree(1), es), (agree(2), ci)]
        };
        let suspect = SubjectClass::SuspectCommitted;
        let area = CrimeArea::ForeignTerroristFighters;
        let case = world.nodes[0].case(area);
        let subject = world.nodes[0].add_subject(case, subject_named(7, ARABIC, suspect, MA));
        let there = world.nodes[1].case(area);
        let name = if spain_knows { LATIN } else { "Yusuf Karabulut" };
        world.nodes[1].add_subject(there, subject_named(8, name, suspect, ES));
        let third = world.nodes[2].case(area);
        world.nodes[2].add_subject(third, subject_named(9, "Kouadio Yao", suspect, CI));
        let three = Self { world, case, subject, to };
        for (at, (agreement, _)) in (1..).zip(&three.to) {
            let node = &three.world.nodes[at];
            let may = node.actor("spoc").may(intent::PublishSet).unwrap();
            node.app.publish_set(may, *agreement, &three.ma().party).unwrap();
        }
        three.world.clock.0.advance(Millis::hours(1));
        (1..=2).for_each(|at| drop(three.carry(at)));
        three
    }

    fn ma(&self) -> &Node {
        &self.world.nodes[0]
    }

    fn new_question(&self) -> NewJointCheck {
        NewJointCheck {
            partners: self.to.clone(),
            class: SubjectClass::SuspectCommitted,
            subjects: vec![self.subject],
            warrant: None,
            standing: None,
        }
    }

    fn draft(&self, new: &NewJointCheck) -> Result<(ObjectId, Vec<JointPart<ObjectId>>), AppError> {
        let may = self.ma().actor("analyst").may(intent::AskCheck).unwrap();
        self.ma().app.draft_joint_check(may, &self.ma().enter("analyst", self.case), new)
    }

    fn authorise(&self, joint: ObjectId) -> Result<Vec<JointPart<u32>>, AppError> {
        let may = self.ma().actor("supervisor").may(intent::AuthoriseCheck).unwrap();
        self.ma().app.authorise_joint_check(may, &self.ma().enter("supervisor", self.case), joint)
    }

    /// Drafted and authorised: the check of each partner.
    fn asked(&self) -> [ObjectId; 2] {
        let (joint, parts) = self.draft(&self.new_question()).unwrap();
        let parts: Vec<ObjectId> = parts.into_iter().map(|part| part.outcome.unwrap()).collect();
        assert!(self.authorise(joint).unwrap().iter().all(|part| part.outcome.is_ok()));
        parts.try_into().unwrap()
    }

    fn calls(&self, at: usize) -> Vec<CheckCall> {
        self.ma().app.check_calls(&self.world.nodes[at].party).unwrap()
    }

    /// Carries what there is for one partner; returns every document that went there and every answer.
    fn carry(&self, at: usize) -> Vec<(CheckKind, Vec<u8>, Vec<u8>)> {
        let mut carried = Vec::new();
        for _ in 0..64 {
            let calls = self.calls(at);
            if calls.is_empty() {
                return carried;
            }
            for call in calls {
                let node = &self.world.nodes[at];
                let reply =
                    node.app.answer_check(&self.ma().party, call.agreement, call.kind, &call.body).unwrap();
                self.ma().app.check_answered(&node.party, &call, Some(&reply.bytes)).unwrap();
                carried.push((call.kind, call.body, reply.bytes));
            }
        }
        panic!("the line never comes to rest");
    }

    fn request(&self, at: usize) -> Request {
        let call = self.calls(at).into_iter().find(|call| call.kind == CheckKind::Request).unwrap();
        Request::from_bytes(&call.body).unwrap()
    }
}

#[test]
fn one_question_to_two_partners_hits_at_one_and_neither_learns_of_the_other() {
    for one_agreement in [false, true] {
        let three = Three::new(one_agreement, true);
        let [there, third] = three.asked();
        let (a, b) = (three.request(1), three.request(2));
        // Nothing that could be put side by side: two partners who talk share time, class and size, and no more.
        assert!(a.elements.iter().all(|element| !b.elements.contains(element)));
        assert_ne!((a.check, a.commitment), (b.check, b.commitment));
        assert_ne!((a.case, a.officer), (b.case, b.officer));
        assert_eq!((a.asked.as_str(), b.asked.as_str()), (ES, CI));
        let (es, ci) = (three.carry(1), three.carry(2));
        assert_eq!(row(three.ma(), there).state, CheckState::PossibleHit);
        assert_eq!(row(three.ma(), third).state, CheckState::NoHit);
        assert_eq!(show(three.ma(), there).candidates.len(), 1);
        let kinds = |carried: &[(CheckKind, Vec<u8>, Vec<u8>)]| {
            carried.iter().map(|(kind, ..)| *kind).filter(|kind| *kind != CheckKind::Set).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&es)[..2], [CheckKind::Request, CheckKind::Claims]);
        assert_eq!(kinds(&ci), [CheckKind::Request], "no word of it to who has no hit");
        // The other's name is in nothing that crossed, and in no entry.
        let names = |carried: &[(CheckKind, Vec<u8>, Vec<u8>)], name: &str| {
            let holds = |bytes: &[u8]| bytes.windows(name.len()).any(|part| part == name.as_bytes());
            carried.iter().any(|(_, body, answer)| holds(body) || holds(answer))
        };
        assert!(!names(&es, CI) && !names(&ci, ES));
        assert!(names(&es, ES), "the look finds what is there");
        let (joint_there, joint_third) =
            (row(&three.world.nodes[1], there), row(&three.world.nodes[2], third));
        assert_eq!((joint_there.joint, joint_third.joint), (None, None), "the number stays at home");
        assert_eq!(row(three.ma(), there).joint, row(three.ma(), third).joint);
        assert_eq!(joint_third.state, CheckState::Evaluated);
    }
}

#[test]
fn the_one_partner_sees_the_same_whether_the_other_has_a_hit() {
    let seen = |spain_knows: bool| {
        let three = Three::new(false, spain_knows);
        let [there, _] = three.asked();
        three.carry(1);
        let state = row(three.ma(), there).state;
        let carried = three.carry(2);
        three.world.clock.0.advance(Millis::hours(2));
        let later = three.carry(2);
        let shape = |all: Vec<(CheckKind, Vec<u8>, Vec<u8>)>| -> Vec<_> {
            all.into_iter().map(|(kind, body, answer)| (kind, body.len(), answer.len())).collect()
        };
        let entries: Vec<_> =
            three.world.nodes[2].entries().into_iter().map(|(kind, _, v)| (kind, v)).collect();
        (state, shape(carried), shape(later), entries)
    };
    let (known, unknown) = (seen(true), seen(false));
    assert_eq!((known.0, unknown.0), (CheckState::PossibleHit, CheckState::NoHit));
    assert_eq!((known.1, known.2, known.3), (unknown.1, unknown.2, unknown.3));
}

#[test]
fn one_partners_check_is_nothing_to_the_other() {
    let three = Three::new(true, true);
    let [there, _] = three.asked();
    three.carry(1);
    let handle = show(three.ma(), there).candidates[0].0.handle;
    let word = Word {
        check: *there.as_bytes(),
        handle: *handle.as_bytes(),
        shown: None,
        verdict: Some(mithaq_check::follow::Verdict::Other),
        released: None,
    };
    let claims = Claims { check: *there.as_bytes(), halves: vec![[1; 32]], cleared: Vec::new() };
    let ci = &three.world.nodes[2].party;
    for (kind, body) in [(CheckKind::Claims, claims.to_bytes()), (CheckKind::Candidate, word.to_bytes())] {
        let answer = three.world.nodes[1].app.answer_check(ci, three.to[0].0, kind, &body);
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::NotFound, "{kind:?}");
    }
    assert_eq!(row(three.ma(), there).rejected, 0);
}

#[test]
fn a_partner_that_does_not_answer_or_may_not_be_asked_holds_up_no_other() {
    let three = Three::new(false, true);
    let [there, third] = three.asked();
    let call = three.calls(2).into_iter().find(|call| call.kind == CheckKind::Request).unwrap();
    three.ma().app.check_answered(&three.world.nodes[2].party, &call, None).unwrap();
    three.carry(1);
    assert_eq!(row(three.ma(), third).state, CheckState::Aborted);
    assert_eq!(row(three.ma(), there).state, CheckState::PossibleHit);
    // What was asked of the one within seven days is refused there, and the other is asked.
    let (joint, parts) = three.draft(&three.new_question()).unwrap();
    let codes: Vec<_> = parts.iter().map(|part| part.outcome.as_ref().err().map(AppError::code)).collect();
    assert_eq!(codes, [Some("check.repeated"), None]);
    let parts = three.authorise(joint).unwrap();
    assert_eq!(parts.len(), 1, "a part that was refused is no draft");
    three.carry(2);
    // Nothing is left of it: no second time, and the refusal of all is a refusal.
    assert_eq!(code(three.authorise(joint)), "check.not_draft");
    assert_eq!(code(three.draft(&three.new_question())), "check.repeated");
}

#[test]
fn a_question_to_several_is_refused_like_one() {
    let three = Three::new(false, true);
    let with = |edit: &dyn Fn(&mut NewJointCheck)| {
        let mut new = three.new_question();
        edit(&mut new);
        code(three.draft(&new))
    };
    assert_eq!(with(&|new| new.partners = Vec::new()), "input.partners", "nobody is not everybody");
    assert_eq!(with(&|new| new.partners[1] = new.partners[0].clone()), "input.partners");
    assert_eq!(with(&|new| new.partners = vec![new.partners[0].clone(); 17]), "input.partners");
    assert_eq!(with(&|new| new.class = SubjectClass::Witness), "check.CAT");
    assert_eq!(code(three.authorise(ObjectId::new([1; 16]))), "object.not_found");
    let (joint, _) = three.draft(&three.new_question()).unwrap();
    // Of another case it is not there; who wrote it does not authorise it.
    let other = three.ma().case(CrimeArea::ForeignTerroristFighters);
    let may = three.ma().actor("supervisor").may(intent::AuthoriseCheck).unwrap();
    let access = three.ma().enter("supervisor", other);
    assert_eq!(code(three.ma().app.authorise_joint_check(may, &access, joint)), "object.not_found");
    three.ma().hire("both", &[mithaq_model::Role::Analyst, mithaq_model::Role::Supervisor]);
    let both = three.ma().actor("both");
    let govern = three.ma().actor("supervisor").may(intent::GovernCase).unwrap();
    three.ma().app.assign_to_case(govern, three.case, both.id()).unwrap();
    let enter = || three.ma().enter("both", three.case);
    let (joint, _) = three
        .ma()
        .app
        .draft_joint_check(both.may(intent::AskCheck).unwrap(), &enter(), &three.new_question())
        .unwrap();
    let own =
        three.ma().app.authorise_joint_check(both.may(intent::AuthoriseCheck).unwrap(), &enter(), joint);
    assert_eq!(code(own), "check.two_persons");
}
