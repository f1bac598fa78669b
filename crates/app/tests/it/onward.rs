//! Passing on: A's report, held by B, goes to C with A's token or not at all; what A orders reaches C, and what C signs
//! comes back to A.

use mithaq_app::{AppError, Changes, ErrorKind, Holder, HolderStanding, Use, intent};
use mithaq_model::{
    AgreementId, CaseId, ConsentState, CrimeArea, Days, ObjectId, PartyId, ReportId, RiskLevel, Timestamp,
};
use mithaq_store::Page;
use mithaq_store::onward::Consent;
use mithaq_store::reports::Direction;
use mithaq_testkit::{party, text};
use mithaq_wire::OrderReason;

use crate::world::{CI, ES, MA, Node, World, risk};

/// Three nodes: MA is the originator, ES holds its report, CI is who might get it.
pub(crate) struct Chain {
    pub(crate) world: World,
    /// MA and ES.
    pub(crate) first: AgreementId,
    /// ES and CI.
    pub(crate) second: AgreementId,
    /// The case of MA.
    pub(crate) at_ma: CaseId,
    /// The case of ES.
    pub(crate) at_es: CaseId,
    /// The case of CI.
    pub(crate) at_ci: CaseId,
    /// MA and CI.
    pub(crate) third: AgreementId,
    pub(crate) number: ReportId,
}

pub(crate) fn until() -> Timestamp {
    Timestamp::parse("2026-12-01").unwrap()
}

impl Chain {
    pub(crate) fn new() -> Self {
        Self::with(|text| text)
    }

    fn with(edit: impl Fn(String) -> String) -> Self {
        Self::of((edit, |text| text), |world| world.released())
    }

    /// With edits of the two agreements, and a report that was released.
    pub(crate) fn of(
        edits: (impl Fn(String) -> String, impl Fn(String) -> String),
        release: impl Fn(&mut World) -> (CaseId, ReportId),
    ) -> Self {
        Self::between(World::strangers(&[MA, ES, CI]), edits, release)
    }

    /// The same between these nodes.
    pub(crate) fn between(
        mut world: World,
        edits: (impl Fn(String) -> String, impl Fn(String) -> String),
        release: impl Fn(&mut World) -> (CaseId, ReportId),
    ) -> Self {
        let first = world.agree(0, 1, edits.0);
        let second = world.agree(1, 2, edits.1);
        let third = world.agree(0, 2, |text| text);
        world.agreement = first;
        let (at_ma, number) = release(&mut world);
        let at_es = world.nodes[1].case(CrimeArea::ForeignTerroristFighters);
        let at_ci = world.nodes[2].case(CrimeArea::ForeignTerroristFighters);
        let mut chain = Self { world, first, second, at_ma, at_es, at_ci, third, number };
        chain.rest();
        chain.es().read(at_es, number).unwrap();
        chain.rest();
        chain
    }

    pub(crate) fn ma(&self) -> &Node {
        &self.world.nodes[0]
    }
    pub(crate) fn es(&self) -> &Node {
        &self.world.nodes[1]
    }
    pub(crate) fn ci(&self) -> &Node {
        &self.world.nodes[2]
    }

    /// Every lane until quiet.
    pub(crate) fn rest(&mut self) {
        for _ in 0..8 {
            let mut moved = 0;
            for (from, to) in [(0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0)] {
                moved += self.world.carry(from, to);
            }
            if moved == 0 {
                return;
            }
        }
        panic!("the nodes never come to rest");
    }

    pub(crate) fn try_ask(&self, to: &str) -> Result<ObjectId, AppError> {
        let es = self.es();
        let may = es.actor("analyst").may(intent::AskConsent).unwrap();
        let why = text("The court there has a case on the same ferry line");
        es.app.ask_consent(may, &es.enter("analyst", self.at_es), self.number, (&party(to), until()), &why)
    }

    pub(crate) fn ask(&mut self) -> ObjectId {
        let id = self.try_ask(CI).unwrap();
        self.rest();
        id
    }

    pub(crate) fn grant(&self, login: &str, id: ObjectId) -> Result<bool, AppError> {
        let may = self.ma().actor(login).may(intent::GrantConsent).unwrap();
        self.ma().app.grant_consent(may, id, None)
    }

    /// Asked and granted by two persons.
    pub(crate) fn granted(&mut self) -> ObjectId {
        let id = self.ask();
        assert!(!self.grant("supervisor", id).unwrap(), "one of two persons");
        assert!(self.grant("legal", id).unwrap());
        self.rest();
        assert_eq!(state(self.es(), Direction::Own, id), ConsentState::Granted);
        id
    }

    pub(crate) fn pass(&self, to: &str) -> Result<(), AppError> {
        let es = self.es();
        let may = es.actor("spoc").may(intent::PassOn).unwrap();
        es.app.pass_on(may, self.number, (&party(to), self.second), &Use::default())
    }

    pub(crate) fn revoke(&self, id: ObjectId) -> Result<(), AppError> {
        let may = self.ma().actor("supervisor").may(intent::GrantConsent).unwrap();
        self.ma().app.revoke_consent(may, id)
    }

    /// MA corrects its report, and the correction leaves.
    pub(crate) fn correct(&self, title: &str) {
        let ma = self.ma();
        let may = ma.actor("analyst").may(intent::WriteReport).unwrap();
        let access = ma.enter("analyst", self.at_ma);
        let changes = Changes { title: Some(text(title)), ..Changes::default() };
        ma.app.correct_report(may, &access, self.number, &changes).unwrap();
        ma.review(self.at_ma, self.number).unwrap();
        ma.approve("supervisor", self.number).unwrap();
        ma.approve("spoc", self.number).unwrap();
        ma.release(self.number, &Use::default()).unwrap();
    }

    /// Asked, granted, passed on, and read at CI.
    pub(crate) fn passed(&mut self) -> ObjectId {
        let id = self.granted();
        self.pass(CI).unwrap();
        self.rest();
        self.read_at_ci().unwrap();
        self.rest();
        id
    }

    pub(crate) fn recall(&self) {
        let may = self.ma().actor("supervisor").may(intent::RecallReport).unwrap();
        self.ma().app.recall_report(may, self.number, OrderReason::Inaccurate).unwrap();
    }

    pub(crate) fn tree(&self) -> Vec<(PartyId, &'static str, HolderStanding)> {
        let may = self.ma().actor("supervisor").may(intent::ReadConsent).unwrap();
        let tree = self.ma().app.onward_tree(may, self.number).unwrap();
        tree.into_iter().map(|Holder { party, state, standing, .. }| (party, state, standing)).collect()
    }

    /// What the tree says of CI.
    pub(crate) fn third(&self) -> Option<(&'static str, HolderStanding)> {
        self.tree()
            .into_iter()
            .find(|(who, ..)| who.as_str() == CI)
            .map(|(_, state, standing)| (state, standing))
    }

    pub(crate) fn read_at_ci(&self) -> Result<mithaq_model::Report, AppError> {
        self.ci().read(self.at_ci, self.number)
    }
}

pub(crate) fn rows(node: &Node, direction: Direction) -> Vec<Consent> {
    let may = node.actor("supervisor").may(intent::ReadConsent).unwrap();
    node.app.consents(may, direction, &Page::first(100)).unwrap()
}

pub(crate) fn state(node: &Node, direction: Direction, id: ObjectId) -> ConsentState {
    rows(node, direction).into_iter().find(|row| row.id == id).unwrap().state
}

pub(crate) fn code<T: core::fmt::Debug>(answer: Result<T, AppError>) -> String {
    let error = answer.unwrap_err();
    assert!(error.is_no(), "{error}");
    error.code().to_owned()
}

/// Verdicts of the entries of a kind.
pub(crate) fn verdicts(node: &Node, kind: &str) -> Vec<String> {
    node.entries().into_iter().filter(|(found, ..)| found == kind).map(|(.., verdict)| verdict).collect()
}

#[test]
fn what_the_originator_consents_to_goes_on_once_with_its_seal() {
    let mut chain = Chain::new();
    let id = chain.granted();
    let told = rows(chain.ma(), Direction::Received);
    assert_eq!((told.len(), told[0].to.as_str(), told[0].state), (1, CI, ConsentState::Granted));
    chain.pass(CI).unwrap();
    assert_eq!(state(chain.es(), Direction::Own, id), ConsentState::Used);
    chain.rest();
    let report = chain.read_at_ci().unwrap();
    assert_eq!(report.originator.as_str(), MA, "the originator's own words, under its own seal");
    assert_eq!(report, chain.es().read(chain.at_es, chain.number).unwrap(), "unchanged");
    assert_eq!(chain.ci().count("onward.received"), 1);
    chain.rest();
    assert_eq!(chain.third(), Some(("read", HolderStanding::Holds)));
    assert_eq!(state(chain.ma(), Direction::Received, id), ConsentState::Used);
    // Once is once.
    assert_eq!(code(chain.pass(CI)), "onward.used");
    chain.rest();
    assert_eq!(verdicts(chain.ma(), "onward.tried"), ["onward.used"]);
}

#[test]
fn without_consent_it_is_refused_and_the_originator_is_told() {
    let mut chain = Chain::new();
    assert_eq!(code(chain.pass(CI)), "onward.missing");
    assert!(chain.es().app.due_partners().unwrap().iter().all(|due| due.as_str() == MA), "nothing for CI");
    chain.rest();
    assert_eq!(verdicts(chain.es(), "onward.decided"), ["onward.missing"]);
    assert_eq!(verdicts(chain.ma(), "onward.tried"), ["onward.missing"]);
    assert_eq!(chain.ci().count("onward.received"), 0);
    assert!(chain.read_at_ci().is_err());
    // Asked is not granted, and refused is not granted.
    let id = chain.ask();
    assert_eq!(code(chain.pass(CI)), "onward.missing");
    let may = chain.ma().actor("legal").may(intent::GrantConsent).unwrap();
    chain.ma().app.deny_consent(may, id).unwrap();
    chain.rest();
    assert_eq!(state(chain.es(), Direction::Own, id), ConsentState::Denied);
    assert_eq!(code(chain.pass(CI)), "onward.missing");
}

#[test]
fn consent_takes_two_persons_in_two_roles_and_says_why_it_is_asked() {
    let mut chain = Chain::new();
    let id = chain.ask();
    let may = chain.ma().actor("legal").may(intent::GrantConsent).unwrap();
    let (row, why) = chain.ma().app.show_consent(may, id, &text("Deciding on the request of ES")).unwrap();
    assert_eq!(row.to.as_str(), CI);
    assert!(why.unwrap().reveal().contains("ferry line"));
    assert_eq!(chain.ma().count("onward.read"), 1);
    assert!(!chain.grant("supervisor", id).unwrap());
    assert_eq!(code(chain.grant("supervisor", id)), "onward.two_persons");
    assert_eq!(code(chain.grant("second", id)), "onward.two_persons", "another person of the same role");
    assert!(rows(chain.ma(), Direction::Received)[0].token.is_none());
    assert!(chain.grant("legal", id).unwrap());
    assert_eq!(code(chain.grant("legal", id)), "onward.not_asked");
}

#[test]
fn the_one_who_sends_is_another_than_the_one_who_asked() {
    let mut chain = Chain::new();
    let es = chain.es();
    let may = es.actor("supervisor").may(intent::AskConsent).unwrap();
    let access = es.enter("supervisor", chain.at_es);
    let why = text("The court there has a case on the same ferry line");
    let id = es.app.ask_consent(may, &access, chain.number, (&party(CI), until()), &why).unwrap();
    chain.rest();
    chain.grant("supervisor", id).unwrap();
    chain.grant("legal", id).unwrap();
    chain.rest();
    let es = chain.es();
    for (login, passes) in [("supervisor", false), ("second", false), ("spoc", true)] {
        let may = es.actor(login).may(intent::PassOn).unwrap();
        let done = es.app.pass_on(may, chain.number, (&party(CI), chain.second), &Use::default());
        if passes {
            done.unwrap();
        } else {
            assert_eq!(code(done), "release.TWO_PERSON", "{login}");
        }
    }
}

#[test]
fn a_consent_is_for_one_recipient_and_one_version() {
    let mut chain = Chain::new();
    assert_eq!(code(chain.try_ask(MA)), "input.recipient");
    assert_eq!(code(chain.try_ask(ES)), "input.recipient");
    chain.granted();
    assert_eq!(code(chain.pass("fr-police")), "onward.recipient");
    // A new version is another thing: the old token does not open it.
    chain.correct("Two young people, not three");
    chain.rest();
    assert_eq!(code(chain.pass(CI)), "onward.version");
    chain.rest();
    assert_eq!(verdicts(chain.ma(), "onward.tried"), ["onward.recipient", "onward.version"]);
}

#[test]
fn silence_is_no_consent_and_an_old_token_opens_nothing() {
    let mut chain = Chain::new();
    let asked = chain.ask();
    chain.world.clock.0.advance(Days(16));
    assert_eq!(chain.ma().app.tick_consents().unwrap(), 1);
    chain.rest();
    assert_eq!(state(chain.ma(), Direction::Received, asked), ConsentState::Lapsed);
    assert_eq!(state(chain.es(), Direction::Own, asked), ConsentState::Lapsed);
    assert_eq!(code(chain.grant("legal", asked)), "onward.not_asked");
    let unused = chain.granted();
    chain.world.clock.0.advance(Days(15));
    chain.rest();
    assert_eq!(code(chain.pass(CI)), "onward.expired", "its day is over, whether anybody ticked or not");
    chain.es().app.tick_consents().unwrap();
    assert_eq!(state(chain.es(), Direction::Own, unused), ConsentState::Lapsed);
    assert_eq!(code(chain.pass(CI)), "onward.expired");
}

#[test]
fn an_unused_consent_that_was_taken_back_opens_nothing() {
    let mut chain = Chain::new();
    let id = chain.granted();
    chain.revoke(id).unwrap();
    assert_eq!(code(chain.revoke(id)), "onward.not_granted");
    chain.rest();
    assert_eq!(state(chain.es(), Direction::Own, id), ConsentState::Revoked);
    assert_eq!(code(chain.pass(CI)), "onward.revoked");
}

#[test]
fn a_consent_taken_back_in_flight_stops_the_copy() {
    let mut chain = Chain::new();
    let id = chain.granted();
    chain.pass(CI).unwrap();
    // Both are under way; the order overtakes in the control lane.
    chain.revoke(id).unwrap();
    chain.world.carry(0, 1);
    chain.world.carry(1, 2);
    assert_eq!(chain.ci().count("onward.received"), 0);
    chain.rest();
    assert_eq!(chain.read_at_ci().unwrap_err().code(), "object.not_found");
    assert!(verdicts(chain.ci(), "message.taken").contains(&"object.recalled".to_owned()));
    assert_eq!(chain.third(), Some(("erased", HolderStanding::Erased)), "CI signed that it has none");
}

#[test]
fn a_consent_taken_back_after_use_erases_the_copy_there_and_leaves_the_other() {
    let mut chain = Chain::new();
    let id = chain.granted();
    chain.pass(CI).unwrap();
    chain.rest();
    chain.read_at_ci().unwrap();
    chain.revoke(id).unwrap();
    assert_eq!(chain.third().unwrap().1, HolderStanding::NotProven, "asked, not answered");
    chain.rest();
    assert_eq!(chain.read_at_ci().unwrap_err().code(), "report.locked.recalled");
    chain.es().read(chain.at_es, chain.number).unwrap();
    assert_eq!(chain.third(), Some(("erased", HolderStanding::Erased)));
}

#[test]
fn a_recall_reaches_the_last_copy_and_its_signature_comes_back() {
    let mut chain = Chain::new();
    chain.granted();
    chain.pass(CI).unwrap();
    chain.rest();
    chain.read_at_ci().unwrap();
    chain.recall();
    let open: Vec<_> = chain.tree().into_iter().map(|(.., standing)| standing).collect();
    assert_eq!(open, [HolderStanding::NotProven; 2]);
    // ES erases and signs; CI is out of reach and stays on the list.
    chain.world.carry(0, 1);
    chain.world.carry(1, 0);
    let open: Vec<_> = chain.tree().into_iter().map(|(.., standing)| standing).collect();
    assert_eq!(open, [HolderStanding::Erased, HolderStanding::NotProven]);
    chain.rest();
    let done: Vec<_> = chain.tree().into_iter().map(|(_, state, standing)| (state, standing)).collect();
    assert_eq!(done, [("erased", HolderStanding::Erased); 2]);
    assert_eq!(chain.read_at_ci().unwrap_err().code(), "report.locked.recalled");
    assert_eq!(chain.es().count("onward.carried"), 1);
    // Nothing brings it back.
    assert!(chain.try_ask(CI).is_err());
    assert!(chain.pass(CI).is_err());
}

#[test]
fn an_earlier_last_day_reaches_the_last_copy() {
    let mut chain = Chain::new();
    chain.granted();
    chain.pass(CI).unwrap();
    chain.rest();
    chain.read_at_ci().unwrap();
    let day = chain.world.clock.0.now().plus(Days(3));
    let may = chain.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    chain.ma().app.expire_report(may, chain.number, day).unwrap();
    chain.rest();
    chain.read_at_ci().unwrap();
    chain.world.clock.0.advance(Days(4));
    chain.rest();
    let locked = chain.read_at_ci().unwrap_err();
    assert_eq!(locked.code(), "report.locked.expired");
    assert_eq!(chain.ci().app.erase_expired_reports(10).unwrap(), 1);
    chain.rest();
    assert_eq!(chain.third(), Some(("erased", HolderStanding::Erased)));
}

#[test]
fn nothing_goes_on_for_longer_than_its_originator_lets_it_by_now() {
    let mut chain = Chain::new();
    chain.granted();
    // The order comes before the copy goes: nobody would carry it on.
    let day = chain.world.clock.0.now().plus(Days(3));
    let may = chain.ma().actor("supervisor").may(intent::RecallReport).unwrap();
    chain.ma().app.expire_report(may, chain.number, day).unwrap();
    chain.rest();
    assert_eq!(code(chain.pass(CI)), "onward.expired");
    // A new consent ends with the report.
    let again = chain.granted();
    let row = rows(chain.es(), Direction::Own).into_iter().find(|row| row.id == again).unwrap();
    assert_eq!(row.until, day);
    chain.pass(CI).unwrap();
    chain.rest();
    chain.read_at_ci().unwrap();
    chain.world.clock.0.advance(Days(4));
    chain.rest();
    assert_eq!(chain.read_at_ci().unwrap_err().code(), "report.locked.expired");
}

#[test]
fn the_copy_is_locked_while_its_bearer_is_out_of_reach() {
    let mut chain = Chain::new();
    chain.granted();
    chain.pass(CI).unwrap();
    chain.rest();
    chain.read_at_ci().unwrap();
    // CI hears that ES has orders, and does not get them.
    chain.recall();
    chain.world.carry(0, 1);
    chain.world.announce(1, 2);
    assert_eq!(chain.read_at_ci().unwrap_err().code(), "report.locked.control");
    chain.rest();
    assert!(chain.read_at_ci().is_err());
}

#[test]
fn what_came_on_does_not_go_on() {
    let mut chain = Chain::new();
    chain.granted();
    chain.pass(CI).unwrap();
    chain.rest();
    let case = chain.at_ci;
    chain.read_at_ci().unwrap();
    let may = chain.ci().actor("analyst").may(intent::AskConsent).unwrap();
    let why = text("Another party has a case on the same ferry line");
    let asked = chain.ci().app.ask_consent(
        may,
        &chain.ci().enter("analyst", case),
        chain.number,
        (&party(ES), until()),
        &why,
    );
    assert_eq!(code(asked), "onward.not_direct");
}

#[test]
fn an_agreement_that_forbids_it_is_not_asked_about() {
    let chain = Chain::with(|text| text.replace("rule = \"consent\"", "rule = \"forbidden\""));
    assert_eq!(code(chain.try_ask(CI)), "onward.missing");
    assert_eq!(code(chain.pass(CI)), "onward.missing");
}

#[test]
fn a_listed_recipient_needs_no_person_of_the_originator() {
    let mut chain = Chain::with(|text| {
        text.replace("rule = \"consent\"", &format!("rule = \"list\"\nparties = [\"{CI}\"]"))
    });
    let id = chain.ask();
    assert_eq!(state(chain.es(), Direction::Own, id), ConsentState::Granted);
    chain.pass(CI).unwrap();
    chain.rest();
    chain.read_at_ci().unwrap();
    chain.rest();
    assert_eq!(chain.third(), Some(("read", HolderStanding::Holds)));
}

#[test]
fn where_it_leads_is_asked_by_the_originator_and_by_who_sends() {
    let mut chain = Chain::new();
    let id = chain.ask();
    chain.ma().assess(&party(CI), &risk(RiskLevel::Real));
    chain.grant("supervisor", id).unwrap();
    assert_eq!(code(chain.grant("legal", id)), "release.RSK");
    assert_eq!(state(chain.ma(), Direction::Received, id), ConsentState::Asked);
    chain.ma().assess(&party(CI), &crate::world::low_risk());
    chain.grant("legal", id).unwrap();
    chain.rest();
    chain.es().assess(&party(CI), &risk(RiskLevel::Real));
    assert_eq!(code(chain.pass(CI)), "release.RSK");
    chain.es().assess(&party(CI), &crate::world::low_risk());
    chain.pass(CI).unwrap();
}

#[test]
fn the_agreement_between_the_two_decides_too() {
    let mut chain = Chain::new();
    let mut ending = chain.second;
    chain.granted();
    let may = chain.es().actor("authority").may(intent::SuspendAgreement).unwrap();
    chain.es().app.suspend_agreement(may, ending).unwrap();
    assert_eq!(code(chain.pass(CI)), "release.AGR");
    // Under an agreement with somebody else it does not go either.
    ending = chain.first;
    let es = chain.es();
    let may = es.actor("spoc").may(intent::PassOn).unwrap();
    let other = es.app.pass_on(may, chain.number, (&party(CI), ending), &Use::default());
    assert_eq!(code(other), "release.AGR");
}

#[test]
fn a_question_about_what_is_not_the_askers_is_refused_by_the_node() {
    let mut chain = Chain::new();
    // CI asks MA about a report it never got from MA: by hand, for no door of its own node lets it.
    let (id, object) = (ObjectId::new([5; 16]), ObjectId::from(chain.number));
    let ends = (2, 0, chain.third);
    crate::by_hand::say(
        &mut chain.world,
        ends,
        &mithaq_wire::OnwardStep::Asked {
            consent: id,
            object,
            version: mithaq_model::ReportVersion::FIRST,
            to: party(ES),
            purpose: mithaq_model::Purpose::Investigate,
            until: until(),
            reason: text("We would like to have it"),
        },
    );
    assert!(rows(chain.ma(), Direction::Received).is_empty());
    assert_eq!(verdicts(chain.ma(), "onward.denied"), ["ORC"]);
}

#[test]
fn who_has_no_role_for_it_asks_grants_and_sends_nothing() {
    let chain = Chain::new();
    for login in ["admin", "oversight", "dpo", "security"] {
        let actor = chain.es().actor(login);
        assert_eq!(actor.may(intent::AskConsent).unwrap_err().kind(), ErrorKind::Forbidden, "{login}");
        assert_eq!(actor.may(intent::GrantConsent).unwrap_err().kind(), ErrorKind::Forbidden, "{login}");
        assert_eq!(actor.may(intent::PassOn).unwrap_err().kind(), ErrorKind::Forbidden, "{login}");
    }
}
