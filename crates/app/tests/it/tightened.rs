//! A correction that allows less: tighter handling binds who has the report, and who is taken out erases it and signs.
//! Nothing is loosened and nobody is added by one.
//!
//! MISP #2223 and #4784: what its origin had tightened reached neither those who had it already nor those who fetched it
//! afterwards; here at whatever step of its way a report is when that happens.

use mithaq_app::{AppError, Changes, ErrorKind, HolderStanding, NewReport, Use, intent};
use mithaq_model::{
    CaseId, ConsentState, CrimeArea, Handling, HandlingCode, HandlingCodes, Pap, PartyId, Report, ReportId,
    ReportState, Tlp,
};
use mithaq_store::reports::Direction;
use mithaq_testkit::{party, text};
use mithaq_wire::OnwardStep;

use crate::attachments;
use crate::erased::{OF_REPORTS, canaries};
use crate::onward::{Chain, code, rows, until, verdicts};
use crate::world::{CI, ES, MA, Node, World, handling, new_report, recruiter};
use crate::{by_hand, courier};

const FURTHER: &str = "fr-police";

fn labelled(tlp: Tlp) -> Handling {
    Handling::new(HandlingCodes::H0.with(HandlingCode::H2), tlp, Pap::Red)
}

fn handled(handling: Handling) -> Changes {
    Changes { handling: Some(handling), ..Changes::default() }
}

fn addressed(recipients: &[&str]) -> Changes {
    let recipients = recipients.iter().map(|name| party(name)).collect();
    Changes { recipients: Some(recipients), ..Changes::default() }
}

fn write(node: &Node, (case, number): (CaseId, ReportId), changes: &Changes) -> Result<(), AppError> {
    let may = node.actor("analyst").may(intent::WriteReport).unwrap();
    node.app.correct_report(may, &node.enter("analyst", case), number, changes)
}

fn revise(node: &Node, (case, number): (CaseId, ReportId), changes: &Changes) -> Result<(), AppError> {
    let may = node.actor("analyst").may(intent::WriteReport).unwrap();
    node.app.revise_report(may, &node.enter("analyst", case), number, changes)
}

/// Through the hands of a correction, and out.
fn send(node: &Node, (case, number): (CaseId, ReportId)) {
    node.review(case, number).unwrap();
    assert_eq!(code(node.release(number, &Use::default())), "release.TWO_PERSON", "as any correction");
    node.approve("supervisor", number).unwrap();
    node.approve("spoc", number).unwrap();
    node.release(number, &Use::default()).unwrap();
}

fn correct(node: &Node, of: (CaseId, ReportId), changes: &Changes) {
    write(node, of, changes).unwrap();
    send(node, of);
}

/// Who sees the parts of a report by themselves is bound as by the whole.
fn bound(report: &Report, tlp: Tlp) -> bool {
    let mut claims = report.subjects.iter().flat_map(mithaq_model::Subject::claims);
    report.handling.tlp() == tlp && claims.all(|claim| claim.handling.tlp() >= tlp)
}

#[test]
fn a_question_that_was_allowed_before_is_refused_under_tighter_handling() {
    let mut chain = Chain::new();
    chain.granted();
    let of = (chain.at_ma, chain.number);
    correct(chain.ma(), of, &handled(labelled(Tlp::Red)));
    chain.rest();
    let shown = chain.es().read(chain.at_es, chain.number).unwrap();
    assert!(shown.version.get() == 2 && bound(&shown, Tlp::Red));
    assert_eq!(shown.handling.pap(), Pap::Red);
    assert_eq!(code(chain.pass(CI)), "onward.version", "the token was for what it replaced");
    assert_eq!(code(chain.try_ask(CI)), "onward.named_only");
    // A forwarder that asks all the same: no two persons of the originator can grant it.
    for (number, version, refused) in [(7, 2, "release.ORC"), (8, 1, "onward.version")] {
        let step = OnwardStep::Asked {
            consent: mithaq_model::ObjectId::new([number; 16]),
            object: chain.number.into(),
            version: mithaq_model::ReportVersion::new(version).unwrap(),
            to: party(CI),
            purpose: mithaq_model::Purpose::Investigate,
            until: until(),
            reason: text("We would like to have it"),
        };
        let ends = (1, 0, chain.first);
        by_hand::say(&mut chain.world, ends, &step);
        let id = mithaq_model::ObjectId::new([number; 16]);
        chain.grant("supervisor", id).unwrap();
        assert_eq!(code(chain.grant("legal", id)), refused);
    }
}

#[test]
fn what_went_on_follows_the_tighter_handling_or_is_not_read() {
    let mut chain = Chain::new();
    chain.passed();
    let of = (chain.at_ma, chain.number);
    correct(chain.ma(), of, &handled(labelled(Tlp::AmberStrict)));
    chain.rest();
    let shown = chain.read_at_ci().unwrap();
    assert!(shown.version.get() == 2 && bound(&shown, Tlp::AmberStrict));
    correct(chain.ma(), of, &handled(labelled(Tlp::Red)));
    chain.rest();
    assert_eq!(code(chain.read_at_ci()), "report.locked.superseded");
    assert!(verdicts(chain.ma(), "onward.denied").contains(&"release.ORC".to_owned()));
    assert!(rows(chain.es(), Direction::Own).iter().all(|row| row.version.get() < 3), "no token for it");
}

/// It waited when it was tightened: over the line, by hand, and with the file half fetched.
#[test]
fn handling_tightened_while_a_report_waits_or_is_fetched_binds_whoever_gets_it() {
    for way in ["fetched", "by hand", "between"] {
        let world = World::new();
        let of = world.released();
        if way == "between" {
            assert_eq!(courier::fetch(&world), 1, "the first version is there before");
        }
        correct(world.ma(), of, &handled(labelled(Tlp::Red)));
        if way == "by hand" {
            for volume in courier::export(world.ma(), world.es(), 1 << 20) {
                courier::import(world.es(), &volume);
            }
        } else {
            courier::fetch(&world);
        }
        let there = world.es().case(CrimeArea::ForeignTerroristFighters);
        let shown = world.es().read(there, of.1).unwrap();
        assert!(shown.version.get() == 2 && bound(&shown, Tlp::Red), "{way}");
        let may = world.es().actor("analyst").may(intent::AskConsent).unwrap();
        let access = world.es().enter("analyst", there);
        let why = text("The court there has a case on the same ferry line");
        let asked = world.es().app.ask_consent(may, &access, of.1, (&party(CI), until()), &why);
        assert_eq!(code(asked), "onward.named_only", "{way}: nor does it go on");
    }
}

#[test]
fn a_correction_does_not_loosen_and_a_draft_of_one_goes_back_to_what_was_released_at_most() {
    let mut world = World::new();
    let of = world.released();
    world.settle();
    let ma = world.ma();
    let looser = [
        Handling::new(HandlingCodes::H0, Tlp::Red, Pap::Red),
        labelled(Tlp::Green),
        Handling::new(HandlingCodes::H0.with(HandlingCode::H2), Tlp::Red, Pap::Clear),
        labelled(Tlp::Red).with_onward(vec![party(CI)]).unwrap(),
    ];
    for handling in &looser {
        let refused = write(ma, of, &handled(handling.clone())).unwrap_err();
        assert_eq!((refused.code(), refused.kind()), ("report.loosened", ErrorKind::Invalid));
        assert!(refused.next_step().unwrap().contains("write a new report"), "{refused}");
    }
    write(ma, of, &handled(labelled(Tlp::Red))).unwrap();
    for handling in looser {
        assert_eq!(code(revise(ma, of, &handled(handling))), "report.loosened");
    }
    assert_eq!(code(revise(ma, of, &addressed(&[ES, CI]))), "report.widened");
    // Too much, and not yet said to anybody.
    revise(ma, of, &handled(handling())).unwrap();
    send(ma, of);
    world.settle();
    let there = world.es().case(CrimeArea::ForeignTerroristFighters);
    let shown = world.es().read(there, of.1).unwrap();
    assert!(shown.version.get() == 2 && bound(&shown, Tlp::Amber) && shown.handling == handling());
}

/// How many parts of what was held are still there. Entries about the order have salts of their own.
fn kept(node: &Node, held: &[Vec<u8>]) -> usize {
    canaries(node, OF_REPORTS).iter().filter(|part| held.contains(part)).count()
}

/// Four nodes under one agreement; ES and CI have the report and read it. The fourth is who it might go on to.
struct Four {
    world: World,
    at_ma: CaseId,
    number: ReportId,
    /// Cases of ES, CI and the fourth.
    cases: Vec<CaseId>,
}

impl Four {
    fn new() -> Self {
        Self::with(|world, case, new| world.ma().ready(case, new))
    }

    /// With a report that waits for its release.
    fn with(ready: impl Fn(&World, CaseId, NewReport) -> ReportId) -> Self {
        let mut world = World::strangers(&[MA, ES, CI, FURTHER]);
        world.agreement = world.agree_all();
        let ma = world.ma();
        let at_ma = ma.case(CrimeArea::ForeignTerroristFighters);
        let subject = ma.add_subject(at_ma, recruiter(7));
        let new = new_report(world.agreement, &[party(ES), party(CI)], &[subject]);
        let number = ready(&world, at_ma, new);
        world.ma().release(number, &Use::default()).unwrap();
        let area = CrimeArea::ForeignTerroristFighters;
        let cases = world.nodes[1..].iter().map(|node| node.case(area)).collect();
        let mut four = Self { world, at_ma, number, cases };
        four.rest();
        four.read(1).unwrap();
        four.read(2).unwrap();
        four.rest();
        four
    }

    fn rest(&mut self) {
        for _ in 0..8 {
            let pairs = (0..4).flat_map(|from| (0..4).map(move |to| (from, to)));
            let moved: usize =
                pairs.filter(|(from, to)| from != to).map(|(from, to)| self.world.carry(from, to)).sum();
            if moved == 0 {
                return;
            }
        }
        panic!("the nodes never come to rest");
    }

    fn of(&self) -> (CaseId, ReportId) {
        (self.at_ma, self.number)
    }

    fn read(&self, node: usize) -> Result<Report, AppError> {
        self.world.nodes[node].read(self.cases[node - 1], self.number)
    }

    /// Holder, version, standing and whether an answer is owed, as MA's tree has them.
    fn tree(&self) -> Vec<(PartyId, u32, HolderStanding, bool)> {
        let may = self.world.ma().actor("supervisor").may(intent::ReadConsent).unwrap();
        let tree = self.world.ma().app.onward_tree(may, self.number).unwrap();
        let line =
            |one: mithaq_app::Holder| (one.party, one.version.get(), one.standing, one.answer_by.is_some());
        tree.into_iter().map(line).collect()
    }

    /// CI passes it on to the fourth, who reads it.
    fn pass_on(&mut self) {
        let (ma, ci) = (0, 2);
        let actor = self.world.nodes[ci].actor("analyst").may(intent::AskConsent).unwrap();
        let access = self.world.nodes[ci].enter("analyst", self.cases[ci - 1]);
        let why = text("The court there has a case on the same ferry line");
        let to = (&party(FURTHER), until());
        let id = self.world.nodes[ci].app.ask_consent(actor, &access, self.number, to, &why).unwrap();
        self.rest();
        for login in ["supervisor", "legal"] {
            let may = self.world.nodes[ma].actor(login).may(intent::GrantConsent).unwrap();
            self.world.nodes[ma].app.grant_consent(may, id, None).unwrap();
        }
        self.rest();
        let may = self.world.nodes[ci].actor("spoc").may(intent::PassOn).unwrap();
        let to = (&party(FURTHER), self.world.agreement);
        self.world.nodes[ci].app.pass_on(may, self.number, to, &Use::default()).unwrap();
        self.rest();
        self.read(3).unwrap();
        self.rest();
    }
}

#[test]
fn who_is_taken_out_erases_all_of_it_and_signs_and_the_others_get_the_correction() {
    let mut four = Four::new();
    let held = canaries(&four.world.nodes[2], OF_REPORTS);
    assert!(!held.is_empty());
    correct(four.world.ma(), four.of(), &addressed(&[ES]));
    let owed: Vec<_> = four.tree().into_iter().filter(|(.., owed)| *owed).collect();
    let not_proven = (party(CI), 1, HolderStanding::NotProven, true);
    let not_confirmed = (party(ES), 2, HolderStanding::NotConfirmed, true);
    assert_eq!(owed, [not_proven, not_confirmed], "until they sign");
    // Announced and not drained: nothing is read any more.
    four.world.announce(0, 2);
    assert_eq!(code(four.read(2)), "report.locked.control");
    four.rest();
    assert_eq!(code(four.read(2)), "report.locked.recalled");
    assert_eq!(kept(&four.world.nodes[2], &held), 0, "of content, envelopes, keys and salts");
    assert_eq!(
        (four.world.nodes[2].count("report.erased"), four.world.nodes[1].count("report.erased")),
        (1, 0)
    );
    let shown = four.read(1).unwrap();
    assert_eq!((shown.version.get(), shown.recipients), (2, vec![party(ES)]));
    four.rest();
    let holds = HolderStanding::Holds;
    let tree = [
        (party(CI), 1, HolderStanding::Erased, false),
        (party(ES), 1, holds, false),
        (party(ES), 2, holds, false),
    ];
    assert_eq!(four.tree(), tree);
    assert_eq!(four.world.ma().count("report.recalled"), 1);
    // The next correction says nothing to it, and what is taken back in the end finds nothing there.
    correct(four.world.ma(), four.of(), &Changes { title: Some(text("One of two")), ..Changes::default() });
    four.rest();
    assert_eq!(four.world.ma().count("report.recalled"), 1, "one order is enough");
    assert_eq!(
        (four.read(1).unwrap().version.get(), code(four.read(2))),
        (3, "report.locked.recalled".into())
    );
    let may = four.world.ma().actor("supervisor").may(intent::ReadReport).unwrap();
    let (head, _) = four.world.ma().app.receipts_of(may, four.number).unwrap();
    assert_eq!(head.state, ReportState::Acknowledged);
}

#[test]
fn who_is_taken_out_gets_no_further_byte_of_a_file_and_the_others_get_all_of_it() {
    const FILE: usize = 2 * 1024 * 1024 + 3;
    let bytes = attachments::file(FILE, 5);
    let mut four = Four::with(|world, at_ma, new| {
        let ma = world.ma();
        let number = ma.draft(at_ma, new);
        ma.grade(at_ma, number);
        attachments::attach(ma, at_ma, number, &bytes);
        attachments::approve(ma, at_ma, number);
        number
    });
    let root = attachments::own_root(four.world.ma(), four.number);
    let asked = |four: &Four, node: usize, index: u64| {
        let (ma, peer) = (four.world.ma(), four.world.nodes[node].party.clone());
        let list = ma.app.chunk_list_for(&peer, four.world.agreement, root).map(drop);
        let chunk = ma.app.chunk_for(&peer, (four.world.agreement, root), index).map(drop);
        assert_eq!(list.is_ok(), chunk.is_ok());
        chunk.map_err(|no| no.kind())
    };
    let pull = |four: &Four, node: usize, most: u64| {
        attachments::pull_between((four.world.ma(), &four.world.nodes[node]), most)
    };
    let file = |four: &Four, node: usize| {
        attachments::read(&four.world.nodes[node], four.cases[node - 1], four.number, 1, 0)
    };
    // One has a chunk of it, the other all.
    pull(&four, 1, 1).unwrap();
    pull(&four, 2, 100).unwrap();
    assert_eq!(file(&four, 2).unwrap(), bytes);
    correct(four.world.ma(), four.of(), &addressed(&[ES]));
    for index in 0..3 {
        assert_eq!(asked(&four, 2, index), Err(ErrorKind::NotFound), "from the correction on");
        assert_eq!(asked(&four, 1, index), Ok(()), "who stays goes on in the middle");
    }
    four.rest();
    assert_eq!(attachments::code(file(&four, 2)), "report.locked.recalled");
    let (party_ma, out) = (four.world.ma().party.clone(), &four.world.nodes[2]);
    assert_eq!((out.app.wants_from(&party_ma).unwrap(), attachments::on_disk(&out.mark)), (vec![], 0));
    let late = out.app.take_chunk(&party_ma, (four.world.agreement, root), 1, b"late").unwrap_err();
    assert_eq!((late.kind(), asked(&four, 2, 0)), (ErrorKind::NotFound, Err(ErrorKind::NotFound)));
    pull(&four, 1, 100).unwrap();
    assert_eq!(four.read(1).unwrap().version.get(), 2);
    assert_eq!(file(&four, 1).unwrap(), bytes);
}

#[test]
fn what_went_on_from_who_is_taken_out_goes_too() {
    let mut four = Four::new();
    four.pass_on();
    let held: Vec<_> = [2, 3].map(|node| canaries(&four.world.nodes[node], OF_REPORTS)).into();
    correct(four.world.ma(), four.of(), &addressed(&[ES]));
    let owed = four.tree().into_iter().filter(|(.., standing, _)| *standing == HolderStanding::NotProven);
    let owed: Vec<_> = owed.map(|(who, ..)| who).collect();
    assert_eq!(owed, [party(CI), party(FURTHER)]);
    assert_eq!(rows(four.world.ma(), Direction::Received)[0].state, ConsentState::Revoked);
    four.rest();
    for (node, held) in [2, 3].into_iter().zip(&held) {
        assert_eq!(code(four.read(node)), "report.locked.recalled");
        assert_eq!((held.is_empty(), kept(&four.world.nodes[node], held)), (false, 0));
    }
    four.rest();
    let gone = |who: &str| {
        let tree = four.tree();
        let mut theirs = tree.iter().filter(|(holder, ..)| *holder == party(who));
        theirs.all(|(_, _, standing, owed)| *standing == HolderStanding::Erased && !owed)
    };
    assert!(gone(CI) && gone(FURTHER) && !gone(ES), "{:?}", four.tree());
    assert_eq!(four.read(1).unwrap().version.get(), 2);
}

#[test]
fn a_correction_goes_to_nobody_new() {
    let mut world = World::strangers(&[MA, ES, CI]);
    world.agreement = world.agree_all();
    let of = world.released();
    world.settle();
    let ma = world.ma();
    for recipients in [&[ES, CI][..], &[CI]] {
        let refused = write(ma, of, &addressed(recipients)).unwrap_err();
        assert_eq!((refused.code(), refused.kind()), ("report.widened", ErrorKind::Invalid));
        assert!(refused.next_step().unwrap().contains("write a new report"));
    }
    assert_eq!(code(write(ma, of, &addressed(&[]))), "input.recipients", "that is a recall");
    assert_eq!(world.ma().count("report.corrected"), 0);
    // What has not left yet is addressed as its author likes.
    let draft = world.ma().draft(of.0, world.report(&[]));
    revise(world.ma(), (of.0, draft), &addressed(&[CI])).unwrap();
    world.ma().grade(of.0, draft);
    send(world.ma(), (of.0, draft));
    world.carry(0, 2);
    let there = world.nodes[2].case(CrimeArea::ForeignTerroristFighters);
    assert_eq!(world.nodes[2].read(there, draft).unwrap().recipients, [party(CI)]);
}
