//! What holds for every agreement and request: nothing a safeguard forbids is ever permitted, and taking a
//! permission away never permits more.

use std::sync::LazyLock;

use mithaq_model::*;
use mithaq_policy::*;
use mithaq_testkit::{Sample, officer, party, person};
use proptest::prelude::*;

fn decided(sample: &Sample, rules: &Rules) -> Decision {
    let disclosure = Disclosure {
        report: &sample.report,
        recipient: &sample.recipient,
        side: Side::Sender,
        context: &sample.context,
        standing: &sample.standing,
    };
    decide(rules, &disclosure, sample.now)
}

/// The sample's agreement with one permission less, four times.
static NARROWER: LazyLock<Vec<Rules>> = LazyLock::new(|| {
    let text = Sample::new().rules.agreement().text().to_owned();
    [
        ("\"terrorism\", ", ""),
        ("\"investigate\", ", ""),
        ("\"suspect_committed\", ", ""),
        ("max_level = \"restricted\"\n\n# Binds", "max_level = \"unclassified\"\n\n# Binds"),
    ]
    .iter()
    .map(|(from, to)| {
        assert!(text.contains(from), "{from}");
        Rules::compile(&Agreement::parse(&text.replace(from, to)).unwrap()).unwrap()
    })
    .collect()
});

prop_compose! {
    fn sample()(
        class in prop::sample::select(SubjectClass::ALL),
        area in prop::sample::select(&[CrimeArea::Terrorism, CrimeArea::OrganisedCrime, CrimeArea::Environment][..]),
        purpose in prop::sample::select(&[Purpose::Investigate, Purpose::Prosecute, Purpose::LocateMissing][..]),
        level in prop::sample::select(Level::ALL),
        risks in prop::collection::vec((prop::sample::select(RiskDimension::ALL), prop::sample::select(RiskLevel::ALL)), 0..2),
        flags in any::<[bool; 6]>(),
        approvals in prop::collection::vec((1_u8..4, prop::sample::select(&[Role::Supervisor, Role::Spoc][..])), 0..4),
        protected in prop::option::weighted(0.2, prop::sample::select(ProtectedRole::ALL)),
        special in prop::option::weighted(0.2, prop::sample::select(SpecialCategory::ALL)),
        lucky in any::<bool>(),
    ) -> Sample {
        let mut s = Sample::new();
        // Half of the samples change little, so that permits are not rare.
        if lucky {
            s.report.area = area;
            s.context.further_risks = risks;
            return s;
        }
        let subject = person(class);
        s.report.subjects = vec![match protected { Some(role) => subject.with_protected_role(role), None => subject }];
        (s.report.area, s.report.purpose, s.report.level) = (area, purpose, level);
        s.context.further_risks = risks;
        s.context.special_categories = special.into_iter().collect();
        s.context.approvals = approvals.into_iter().map(|(n, role)| (officer(n), role)).collect();
        [s.report.obtained_in_violation, s.report.machine_made, s.context.hold, s.context.capital_offence, _, _] = flags;
        if flags[4] && flags[5] {
            s.report.provenance.originator = party("ci-judiciary");
        }
        s
    }
}

/// The safeguards once more, in the plainest words, apart from the engine.
fn forbidden_in_plain_words(s: &Sample) -> bool {
    let report = &s.report;
    let risk =
        |dimension| s.context.further_risks.iter().any(|(d, l)| *d == dimension && *l >= RiskLevel::Real);
    let officers: std::collections::BTreeSet<_> = s.context.approvals.iter().map(|(o, _)| o).collect();
    let roles: std::collections::BTreeSet<_> = s.context.approvals.iter().map(|(_, r)| r).collect();
    let classes: Vec<_> = report.subjects.iter().filter_map(Subject::class).collect();
    s.context.hold
        || classes.contains(&SubjectClass::Informant)
        || classes.contains(&SubjectClass::UnknownUncategorised)
        || !s.context.special_categories.is_empty()
        || report.subjects.iter().flat_map(Subject::protected_roles).any(|role| *role != ProtectedRole::Child)
        || report.grade.is_none()
        || (report.machine_made && report.grade != Some(Grade::UNEVALUATED))
        || report.obtained_in_violation
        || report.provenance.originator != report.originator
        || report.level > Level::Restricted
        || risk(RiskDimension::TortureCidt)
        || risk(RiskDimension::EnforcedDisappearance)
        || risk(RiskDimension::DeathPenalty)
        || risk(RiskDimension::Refoulement)
        || s.context.capital_offence
        || officers.len() < 2
        || roles.len() < 2
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_the_safeguards_forbid_is_never_permitted(s in sample()) {
        let permitted = matches!(decided(&s, &s.rules), Decision::Permit(_));
        prop_assert!(!(permitted && forbidden_in_plain_words(&s)));
    }

    #[test]
    fn taking_a_permission_away_never_permits_more(s in sample(), which in 0_usize..4) {
        let rules = &NARROWER[which];
        let narrower = rules.agreement();
        let mut asked = Sample { ..Sample::new() };
        (asked.report, asked.context) = (s.report.clone(), s.context.clone());
        asked.report.agreement = narrower.id();
        asked.context.rule_set = Some(narrower.id());
        let wide = matches!(decided(&s, &s.rules), Decision::Permit(_));
        let narrow = matches!(decided(&asked, rules), Decision::Permit(_));
        prop_assert!(wide || !narrow);
    }
}

#[test]
fn both_answers_are_common_enough_to_mean_something() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut permits, mut refusals) = (0, 0);
    for _ in 0..300 {
        let s = sample().new_tree(&mut runner).unwrap().current();
        match decided(&s, &s.rules) {
            Decision::Permit(_) => permits += 1,
            Decision::Refuse(_) => refusals += 1,
        }
    }
    assert!(permits > 30 && refusals > 100, "{permits} permits, {refusals} refusals");
}
