//! Each step of the decision about a private check has its refusal.

use mithaq_model::*;
use mithaq_policy::agreement::{TemplateParty, template};
use mithaq_policy::*;
use mithaq_testkit::{party, sample_roots};

const POLICY: [u8; 32] = [0xab; 32];

fn text(table: &str) -> String {
    let [a, b] = sample_roots();
    let member = |id: &str, state: &str, root| TemplateParty { id: party(id), state: state.to_owned(), root };
    let parties = [member("ma-security", "MA", a), member("es-police", "ES", b)];
    let from = Timestamp::parse("2026-01-01").unwrap();
    format!("{}\n[private_check]\nbatch_cap = 25\ndaily_cap = 1000\n{table}", template(&parties, from))
}

fn agreed() -> Agreement {
    Agreement::parse(&text(&format!("token_policy = \"{}\"\n", "ab".repeat(32)))).unwrap()
}

fn facts(agreement: &Agreement, side: Side) -> CheckFacts {
    CheckFacts {
        side,
        work: Work { role_may: true, case_open: true, case_assigned: true },
        rule_set: agreement.id(),
        hold: false,
        asking: party("ma-security"),
        asked: party("es-police"),
        purpose: Purpose::Investigate,
        class: SubjectClass::Wanted,
        subjects: 3,
        token_policy: POLICY,
    }
}

fn decided(
    agreement: &Agreement,
    side: Side,
    stage: Stage,
    change: impl FnOnce(&mut CheckFacts),
) -> Result<CheckPermit, Refusal> {
    let rules = Rules::compile(agreement).unwrap();
    let standing = Standing::new(stage, agreement.in_force_on, agreement.expires_on, agreement.survival);
    let mut facts = facts(agreement, side);
    change(&mut facts);
    permit_check(&rules, &standing, &facts, Timestamp::parse("2026-06-01").unwrap())
}

fn refused(code: DenialCode, change: impl Fn(&mut CheckFacts)) {
    let agreement = agreed();
    let refusal = decided(&agreement, Side::Sender, Stage::InForce, &change).unwrap_err();
    assert_eq!(refusal.code(), code, "{}", refusal.rule());
    assert!(!refusal.words().ar.is_empty());
}

#[test]
fn both_sides_permit_the_same_check() {
    let agreement = agreed();
    for side in [Side::Sender, Side::Receiver] {
        let permit = decided(&agreement, side, Stage::InForce, |_| ()).unwrap();
        assert_eq!(permit.agreement(), agreement.id());
        assert_eq!(
            (permit.terms().officer_cap, permit.terms().case_cap),
            (1000, 1000),
            "at most the daily cap"
        );
    }
    // Case and role are the asking side's matter.
    assert!(decided(&agreement, Side::Receiver, Stage::InForce, |f| f.work.role_may = false).is_ok());
}

#[test]
fn each_step_refuses() {
    refused(DenialCode::Role, |f| f.work.role_may = false);
    refused(DenialCode::Case, |f| f.work.case_open = false);
    refused(DenialCode::Case, |f| f.work.case_assigned = false);
    refused(DenialCode::Signature, |f| f.rule_set = AgreementId::new([0; 32]));
    refused(DenialCode::Hold, |f| f.hold = true);
    refused(DenialCode::Agreement, |f| f.asked = party("ci-judiciary"));
    refused(DenialCode::Agreement, |f| f.asked = f.asking.clone());
    refused(DenialCode::Agreement, |f| f.token_policy = [0; 32]);
    refused(DenialCode::Purpose, |f| f.purpose = Purpose::ExecuteSentence);
    refused(DenialCode::Purpose, |f| f.purpose = Purpose::StrategicNonpersonal);
    refused(DenialCode::Budget, |f| f.subjects = 0);
    refused(DenialCode::Budget, |f| f.subjects = 26);
}

#[test]
fn only_an_agreement_in_force_that_provides_for_checks() {
    let agreement = agreed();
    for stage in Stage::ALL.iter().filter(|stage| !stage.opens_flows()) {
        let refusal = decided(&agreement, Side::Receiver, *stage, |_| ()).unwrap_err();
        assert_eq!(refusal.code(), DenialCode::Agreement);
    }
    // Without a policy of tokens both sides would compare different things: then there is no check.
    let none = Agreement::parse(&text("")).unwrap();
    let refusal = decided(&none, Side::Sender, Stage::InForce, |_| ()).unwrap_err();
    assert_eq!((refusal.code(), refusal.rule()), (DenialCode::Agreement, "k03-private-check"));
}

#[test]
fn victims_witnesses_and_contacts_are_never_checked() {
    for class in SubjectClass::ALL.iter().filter(|class| !CHECKABLE.contains(class)) {
        refused(DenialCode::Category, |f| f.class = *class);
    }
    // A class the safeguards allow but this agreement does not name.
    refused(DenialCode::Category, |f| f.class = SubjectClass::Missing);
}

#[test]
fn an_agreement_cannot_ask_for_what_excludes_itself() {
    let both = text("verifiable = true\nrefuse_silently = true\n");
    assert!(Agreement::parse(&both).unwrap_err().to_string().contains("refuse_silently"));
    assert!(Agreement::parse(&text("officer_cap = 1001\n")).is_err(), "more than the partner may");
    assert!(Agreement::parse(&text("token_policy = \"ab\"\n")).is_err());
}

#[test]
fn a_standing_check_is_permitted_as_long_as_agreed_and_not_beyond_its_warrant() {
    let now = Timestamp::parse("2026-06-01").unwrap();
    let with = |more: &str, days: u32, warrant: u32| {
        let agreement =
            Agreement::parse(&text(&format!("token_policy = \"{}\"\n{more}", "ab".repeat(32)))).unwrap();
        let rules = Rules::compile(&agreement).unwrap();
        let standing =
            Standing::new(Stage::InForce, agreement.in_force_on, agreement.expires_on, agreement.survival);
        let facts = facts(&agreement, Side::Receiver);
        let life = (now.plus(Days(days)), now.plus(Days(warrant)));
        permit_standing(&rules, &standing, &facts, life, now).map_err(|no| no.rule().to_owned())
    };
    assert!(with("standing_days = 60\n", 60, 60).is_ok());
    let no = |rule: &str| Err(rule.to_owned());
    let rule = |done: Result<CheckPermit, String>| done.map(|_| ());
    assert_eq!(rule(with("", 1, 60)), no("k03-standing"), "who agreed on nothing permits nothing");
    assert_eq!(rule(with("standing_days = 60\n", 61, 90)), no("k03-standing-life"));
    assert_eq!(rule(with("standing_days = 60\n", 0, 90)), no("k03-standing-life"));
    assert_eq!(rule(with("standing_days = 60\n", 30, 29)), no("k03-standing-life"));
    for days in ["0", "91"] {
        let table = format!("token_policy = \"{}\"\nstanding_days = {days}\n", "ab".repeat(32));
        assert!(Agreement::parse(&text(&table)).is_err(), "{days}");
    }
}

#[test]
fn planned_actions_are_compared_where_that_is_agreed_for_a_purpose_of_the_agreement() {
    let now = Timestamp::parse("2026-06-01").unwrap();
    let with = |more: &str, side: Side, change: &dyn Fn(&mut EventFacts)| {
        let agreement = Agreement::parse(&text(more)).unwrap();
        let rules = Rules::compile(&agreement).unwrap();
        let standing =
            Standing::new(Stage::InForce, agreement.in_force_on, agreement.expires_on, agreement.survival);
        let mut facts = EventFacts {
            side,
            work: Work { role_may: true, case_open: true, case_assigned: true },
            rule_set: agreement.id(),
            asking: party("ma-security"),
            asked: party("es-police"),
            purpose: Purpose::Investigate,
        };
        change(&mut facts);
        permit_event(&rules, &standing, &facts, now).map(drop).map_err(|no| no.rule().to_owned())
    };
    let no = |rule: &str| Err(rule.to_owned());
    for side in [Side::Sender, Side::Receiver] {
        assert_eq!(with("events = true\n", side, &|_| ()), Ok(()));
        assert_eq!(with("", side, &|_| ()), no("k03-events"), "who agreed on checks alone");
        let strategic = |facts: &mut EventFacts| facts.purpose = Purpose::StrategicNonpersonal;
        assert_eq!(with("events = true\n", side, &strategic), no("k03-purpose"));
        assert_eq!(
            with("events = true\n", side, &|facts| facts.asked = party("ci-judiciary")),
            no("k03-agreement")
        );
        assert_eq!(
            with("events = true\n", side, &|facts| facts.rule_set = AgreementId::new([0; 32])),
            no("k02-rules")
        );
    }
    assert_eq!(with("events = true\n", Side::Sender, &|facts| facts.work.case_open = false), no("k01-case"));
    assert_eq!(with("events = true\n", Side::Receiver, &|facts| facts.work.case_open = false), Ok(()));
}
