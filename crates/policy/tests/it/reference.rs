//! The engine against the slow reference: random agreements, random requests, the same answer at the same step.
#![expect(clippy::indexing_slicing, reason = "a test that picks outside a list is broken and says so")]

use std::sync::{Arc, LazyLock};

use mithaq_model::*;
use mithaq_policy::*;
use mithaq_testkit::{Sample, asking, officer, party, person, refuses, subject_named, text};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

/// Codes of a list as TOML, never empty.
fn some<T: Copy + std::fmt::Debug + 'static>(
    all: &'static [T],
    code: fn(T) -> &'static str,
) -> impl Strategy<Value = String> {
    // Most codes are named in most agreements; otherwise nearly every request fails at step 3.
    prop::collection::vec(prop::bool::weighted(0.8), all.len()).prop_map(move |named| {
        let mut codes: Vec<_> =
            all.iter().zip(named).filter(|(_, named)| *named).map(|(one, _)| code(*one)).collect();
        if codes.is_empty() {
            codes.extend(all.first().map(|one| code(*one)));
        }
        format!("[\"{}\"]", codes.join("\", \""))
    })
}

const CLASSES: &[SubjectClass] = &[
    SubjectClass::SuspectCommitted,
    SubjectClass::Wanted,
    SubjectClass::ContactOrAssociate,
    SubjectClass::Missing,
    SubjectClass::Witness,
];
const LEVELS: &[Level] = &[Level::Unclassified, Level::Restricted, Level::Restricted, Level::Secret];

prop_compose! {
    fn agreement()(
        areas in some(&[CrimeArea::Terrorism, CrimeArea::OrganisedCrime, CrimeArea::Cybercrime], CrimeArea::code),
        purposes in some(&[Purpose::Investigate, Purpose::LocateMissing, Purpose::Prosecute], Purpose::code),
        (classes, attributes) in (some(CLASSES, SubjectClass::code), some(Attribute::ALL, Attribute::code)),
        level in prop::sample::select(LEVELS),
        minors in prop::sample::select(&["forbidden", "protective_only"][..]),
        onward in prop::sample::select(&["consent", "consent", "forbidden"][..]),
        (default, contact, assessed) in (1_u32..1_096, 1_u32..1_096, 30_u32..366),
    ) -> String {
        let text = Sample::new().rules.agreement().text().to_owned();
        let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
        for (key, value) in [
            ("areas", areas), ("purposes", purposes), ("subject_classes", classes),
            ("minors", format!("\"{minors}\"")), ("rule", format!("\"{onward}\"")),
            ("attributes", attributes), ("default", default.to_string()), ("contact_or_associate", contact.to_string()),
            ("assessment_max_days", assessed.to_string()), ("max_level", format!("\"{level}\"")),
        ] {
            // The last one: `max_level` stands with the parties too.
            let at = lines.iter().rposition(|line| line.starts_with(&format!("{key} = "))).unwrap();
            lines[at] = format!("{key} = {value}");
        }
        lines.join("\n") + "\n"
    }
}

/// Random agreements, compiled once.
static AGREEMENTS: LazyLock<Vec<Arc<Rules>>> = LazyLock::new(|| {
    let mut runner = TestRunner::deterministic();
    (0..24)
        .map(|_| {
            let text = agreement().new_tree(&mut runner).unwrap().current();
            Arc::new(Rules::compile(&Agreement::parse(&text).unwrap()).unwrap())
        })
        .collect()
});

/// One thing that is changed in the sample.
type Change = Box<dyn Fn(&mut Sample)>;

fn change() -> impl Strategy<Value = (u8, u8)> {
    (0_u8..44, any::<u8>())
}

fn pick<T: Copy>(all: &[T], n: u8) -> T {
    all[usize::from(n) % all.len()]
}

fn foreign(s: &mut Sample, onward: bool) {
    let subject = subject_named(9, "Karim Ouzzani", SubjectClass::SuspectCommitted, "ci-judiciary");
    let claims = subject.claims().iter().cloned().map(|mut claim| {
        if onward {
            claim.handling = claim.handling.with_onward(vec![party("es-police")]).unwrap();
        }
        claim
    });
    let subject = Subject::new(subject.id(), subject.kind(), subject.class(), claims.collect()).unwrap();
    s.report.subjects.push(subject);
}

fn nationality(s: &mut Sample, state: &str) {
    let whole = person(SubjectClass::SuspectCommitted);
    let mut claims = whole.claims().to_vec();
    let mut claim = claims[0].clone();
    (claim.id, claim.attribute, claim.value) =
        (ClaimId::new([77; 16]), Attribute::Nationality, Value::Text(text(state)));
    claims.push(claim);
    let subject = Subject::new(whole.id(), whole.kind(), whole.class(), claims).unwrap();
    s.report.subjects = vec![subject.with_protected_role(ProtectedRole::AsylumSeekerRefugee)];
}

fn clear(s: &mut Sample, senior: u8) {
    let subject = s.report.subjects[0].id();
    let roles = s.report.subjects[0].protected_roles().to_vec();
    let clearance = |role| Clearance { subject, role, adviser: officer(4), senior: officer(senior) };
    s.context.clearances = roles.into_iter().map(clearance).collect();
}

fn procedure(which: u8, n: u8) -> Change {
    Box::new(move |s: &mut Sample| match which {
        0 => s.context.work.role_may = n > 99,
        1 => s.context.work.case_open = n > 99,
        2 => s.context.work.case_assigned = n > 99,
        3 => s.context.signatures_good = n > 99,
        4 => s.context.rule_set = None,
        5 => s.report.agreement = AgreementId::new([n; 32]),
        6 => s.report.recipients.clear(),
        7 => s.recipient = party(pick(&["es-police", "ma-security", "fr-police"], n)),
        8 => s.context.hold = n > 99,
        9 => s.report.recipients.push(party("fr-police")),
        10 => {
            let a = s.rules.agreement();
            s.standing = Standing::new(pick(Stage::ALL, n), a.in_force_on, a.expires_on, a.survival);
        }
        11 => {
            s.context.reports_left = u64::from(n % 2);
            // Opened, and the report says so, or only one of the two.
            s.context.life_at_risk = n % 4 != 1;
            if n % 4 != 2 {
                (s.report.purpose, s.report.urgency) = (Purpose::ThreatToLife, Urgency::ThreatToLife);
            }
        }
        12 => s.context.bytes_left = u64::from(n) * 40,
        13 => {
            s.context.approvals = vec![
                (officer(n % 3), Role::Supervisor),
                (officer(1), pick(&[Role::Spoc, Role::Supervisor], n)),
            ]
        }
        14 => s.now = s.now.plus(Days(u32::from(n) * 10)),
        _none => {}
    })
}

fn content(which: u8, n: u8) -> Change {
    Box::new(move |s: &mut Sample| match which {
        15 => s.report.area = pick(&[CrimeArea::Terrorism, CrimeArea::Cybercrime, CrimeArea::Corruption], n),
        16 => {
            s.report.purpose =
                pick(&[Purpose::Prosecute, Purpose::LocateMissing, Purpose::StrategicNonpersonal], n)
        }
        17 => s.report.subjects = vec![person(pick(SubjectClass::ALL, n))],
        18 => s.report.subjects = vec![person(SubjectClass::Missing).with_minor()],
        19 => s.report.kind = pick(ReportKind::ALL, n),
        20 => s.context.special_categories = vec![pick(SpecialCategory::ALL, n)],
        21 => {
            s.report.subjects =
                vec![person(SubjectClass::SuspectCommitted).with_protected_role(pick(ProtectedRole::ALL, n))]
        }
        22 => nationality(s, pick(&["ES", "es", "MA", "Spanish"], n)),
        23 if !s.report.subjects.is_empty() => clear(s, 4 + n % 2),
        24 => s.context.excluded = n.is_multiple_of(2).then(|| pick(ExcludedPredicate::ALL, n)),
        25 => {
            s.report.offence =
                text(pick(&["terrorism", "terrorism 2", "law 3", "42", "penal code article 218"], n))
        }
        26 => s.report.grade = pick(&[None, Some(Grade::UNEVALUATED), Grade::from_code("adm:C3").ok()], n),
        27 => s.report.machine_made = true,
        28 => s.report.facts[0].grade = Grade::from_code(pick(&["4x4:A4", "4x4:C1", "4x4:A1"], n)).unwrap(),
        29 => s.report.obtained_in_violation = n < 99,
        30 => foreign(s, n.is_multiple_of(3)),
        31 => s.context.consents = vec![party("ci-judiciary")],
        32 => s.report.provenance.originator = party("ci-judiciary"),
        33 => s.report.subjects.clear(),
        _none => {}
    })
}

fn transfer(which: u8, n: u8) -> Change {
    Box::new(move |s: &mut Sample| match which {
        34 => s.report.level = pick(Level::ALL, n),
        35 => {
            (s.context.recipient_level, s.context.channel_level) =
                (pick(Level::ALL, n), pick(Level::ALL, n / 8))
        }
        36 => s.context.further_risks = vec![(pick(RiskDimension::ALL, n), pick(RiskLevel::ALL, n / 16))],
        37 => {
            s.context.partner_risk = s.context.partner_risk.take().filter(|_| n > 50).map(|mut risk| {
                risk.made_on = s.now.minus(Days(u32::from(n) * 2));
                risk.levels.truncate(usize::from(n % 16));
                risk
            })
        }
        38 => {
            s.context.capital_offence = true;
            s.context.assurances = vec![pick(Assurance::ALL, n)];
        }
        39 => s.report.expires = s.now.plus(Days(u32::from(n) * 5)),
        40 => s.report = asking(s.report.clone()),
        41 => {
            s.report = asking(s.report.clone());
            s.report.urgency = pick(Urgency::ALL, n);
            if let Some(Tie::Asks(ask)) = &mut s.report.tie {
                ask.lawful_at_home = !n.is_multiple_of(5);
                ask.urgency_reason = n.is_multiple_of(2).then(|| text("The ship leaves tonight"));
                ask.connections.truncate(usize::from(n % 2));
            }
        }
        42 => s.report.tie = Some(Tie::Answers { request: ReportId::new([n; 16]), part: n > 99 }),
        43 => s.context.reply_bound = n > 99,
        _none => {}
    })
}

prop_compose! {
    pub(crate) fn request()(
        which in 0_usize..24,
        changes in prop::collection::vec(change(), 0..4),
        receiver in prop::bool::weighted(0.3),
    ) -> (Sample, Side) {
        let mut s = Sample::new();
        s.rules = Arc::clone(&AGREEMENTS[which]);
        // What every agreement of this test may cover, so that permits are not rare.
        s.report.area = CrimeArea::OrganisedCrime;
        s.report.expires = s.now.plus(Days(20));
        s.context.partner_risk.as_mut().unwrap().made_on = s.now.minus(Days(20));
        let id = s.rules.agreement().id();
        (s.report.agreement, s.context.rule_set) = (id, Some(id));
        for (which, n) in changes {
            procedure(which, n)(&mut s);
            content(which, n)(&mut s);
            transfer(which, n)(&mut s);
        }
        (s, if receiver { Side::Receiver } else { Side::Sender })
    }
}

fn asked(s: &Sample, side: Side) -> Disclosure<'_> {
    Disclosure {
        report: &s.report,
        recipient: &s.recipient,
        side,
        context: &s.context,
        standing: &s.standing,
    }
}

fn both(s: &Sample, side: Side) -> (Decision, Option<(u8, std::collections::BTreeSet<DenialCode>)>) {
    let asked = asked(s, side);
    (decide(&s.rules, &asked, s.now), refuses(s.rules.agreement(), &asked, s.now))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_500))]

    #[test]
    fn the_engine_agrees_with_the_reference((s, side) in request()) {
        let (decision, reference) = both(&s, side);
        let every = walk(&s.rules, &asked(&s, side), s.now);
        prop_assert!(every.is_sorted_by_key(Refusal::step));
        match &decision {
            Decision::Permit(_) => prop_assert_eq!(every.len(), 0),
            Decision::Refuse(first) => prop_assert_eq!(every.first(), Some(first)),
        }
        match (decision, reference) {
            (Decision::Permit(permit), None) => {
                prop_assert_eq!(permit.report(), s.report.id);
                prop_assert!(permit.retain_until() > s.now);
            }
            (Decision::Refuse(refusal), Some((step, codes))) => {
                prop_assert_eq!(refusal.step(), step, "{} / {:?}", refusal.rule(), codes);
                prop_assert!(codes.contains(&refusal.code()), "{} / {:?}", refusal.rule(), codes);
            }
            (Decision::Permit(_), Some(refused)) => prop_assert!(false, "only the engine permits: {refused:?}"),
            (Decision::Refuse(refusal), None) => prop_assert!(false, "only the engine refuses: {}", refusal.rule()),
        }
    }
}

#[test]
fn both_answers_and_every_step_occur() {
    let mut runner = TestRunner::deterministic();
    let mut permits = 0;
    let mut steps = std::collections::BTreeMap::<u8, u32>::new();
    for _ in 0..2_000 {
        let (s, side) = request().new_tree(&mut runner).unwrap().current();
        match both(&s, side).1 {
            None => permits += 1,
            Some((step, _)) => *steps.entry(step).or_default() += 1,
        }
    }
    assert!((300..1_700).contains(&permits), "{permits} permits");
    for step in 1..=14 {
        assert!(steps.contains_key(&step), "step {step} never refuses: {steps:?}");
    }
}
