//! Passing on: the originator's decision whether it consents, and the decision about the hop, against the slow reference.

use mithaq_model::*;
use mithaq_policy::*;
use mithaq_testkit::{Sample, asking, officer, party, person, refuses_hop, subject_named};
use proptest::prelude::*;

use crate::reference::request;

const ORIGINATOR: &str = "fr-police";

fn named_only() -> Handling {
    Handling::new(HandlingCodes::H0, Tlp::Red, Pap::Amber)
}

/// The sample's report as another party's, which the sample's sender has and would pass on.
fn received(report: &Report) -> Report {
    let theirs = |one: &PartyId| if one.as_str() == "ma-security" { party(ORIGINATOR) } else { one.clone() };
    let mut made = report.clone();
    made.originator = party(ORIGINATOR);
    made.provenance.originator = theirs(&made.provenance.originator);
    made.agreement = AgreementId::new([0xab; 32]);
    made.recipients = vec![party("ma-security")];
    made.subjects = report
        .subjects
        .iter()
        .map(|subject| {
            let claims = subject.claims().iter().cloned().map(|mut claim| {
                claim.originator = theirs(&claim.originator);
                claim
            });
            let mut one =
                Subject::new(subject.id(), subject.kind(), subject.class(), claims.collect()).unwrap();
            for role in subject.protected_roles() {
                one = one.with_protected_role(*role);
            }
            if subject.is_minor() { one.with_minor() } else { one }
        })
        .collect();
    made
}

fn consent(s: &Sample, report: &Report) -> Consent {
    Consent {
        originator: report.originator.clone(),
        report: report.id,
        version: report.version,
        by: party("ma-security"),
        to: s.recipient.clone(),
        purpose: report.purpose,
        use_by: s.now.plus(Days(10)),
        keep_until: s.now.plus(Days(60)),
    }
}

/// What is changed in a consent, and the fault that is.
fn change(consent: &mut Consent, which: u8, now: Timestamp) -> Option<ConsentFault> {
    match which {
        0 => consent.originator = party("ma-security"),
        1 => consent.report = ReportId::new([0xee; 16]),
        2 => consent.version = ReportVersion::new(7).unwrap(),
        3 => consent.by = party("it-police"),
        4 => consent.to = party("it-police"),
        5 => consent.purpose = Purpose::ExecuteSentence,
        6 => consent.use_by = now,
        7 => consent.keep_until = now,
        _unchanged => return None,
    }
    Some(match which {
        0 => ConsentFault::Forged,
        1 | 2 => ConsentFault::Version,
        3 => ConsentFault::Forwarder,
        4 => ConsentFault::Recipient,
        5 => ConsentFault::Purpose,
        _expired => ConsentFault::Expired,
    })
}

fn hop<'a>(
    s: &'a Sample,
    (report, forwarder): (&'a Report, &'a PartyId),
    consent: Result<&'a Consent, ConsentFault>,
    side: Side,
) -> HopDisclosure<'a> {
    HopDisclosure {
        report,
        forwarder,
        recipient: &s.recipient,
        consent,
        side,
        context: &s.context,
        standing: &s.standing,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_engine_agrees_with_the_reference_about_hops((s, side) in request(), which in 0_u8..40, (there, red) in (prop::bool::weighted(0.95), prop::bool::weighted(0.05))) {
        let (mut report, forwarder) = (received(&s.report), party("ma-security"));
        if red {
            report.handling = named_only();
        }
        let mut given = consent(&s, &report);
        change(&mut given, which, s.now);
        let given = if there { Ok(&given) } else { Err(ConsentFault::Missing) };
        let hop = hop(&s, (&report, &forwarder), given, side);
        let (decided, reference) = (decide_onward(&s.rules, &hop, s.now), refuses_hop(s.rules.agreement(), &hop, s.now));
        match (decided, reference) {
            (Ok(permit), None) => {
                prop_assert_eq!(permit.permit().recipient(), &s.recipient);
                prop_assert!(permit.permit().retain_until() <= permit.consent().keep_until);
            }
            (Err(HopRefusal::Consent(fault)), Some((9, codes))) => {
                prop_assert!(codes.contains(&DenialCode::Originator), "{}", fault.code());
            }
            (Err(HopRefusal::Rules(refusal)), Some((step, codes))) => {
                prop_assert_eq!(refusal.step(), step, "{} / {:?}", refusal.rule(), codes);
                prop_assert!(codes.contains(&refusal.code()), "{} / {:?}", refusal.rule(), codes);
            }
            (decided, reference) => prop_assert!(false, "{decided:?} / {reference:?}"),
        }
    }
}

#[test]
fn a_consent_that_fits_in_all_but_one_respect_does_not_fit() {
    let s = Sample::new();
    let (report, forwarder) = (received(&s.report), party("ma-security"));
    let good = consent(&s, &report);
    for side in [Side::Sender, Side::Receiver] {
        assert!(decide_onward(&s.rules, &hop(&s, (&report, &forwarder), Ok(&good), side), s.now).is_ok());
        for which in 0..8 {
            let mut bad = good.clone();
            let fault = change(&mut bad, which, s.now).unwrap();
            let decided = decide_onward(&s.rules, &hop(&s, (&report, &forwarder), Ok(&bad), side), s.now);
            assert_eq!(decided, Err(HopRefusal::Consent(fault)), "{which}");
        }
        for fault in ConsentFault::ALL {
            let decided = decide_onward(&s.rules, &hop(&s, (&report, &forwarder), Err(*fault), side), s.now);
            assert_eq!(decided, Err(HopRefusal::Consent(*fault)));
        }
    }
}

#[test]
fn the_originator_consents_for_itself_only() {
    let s = Sample::new();
    let forwarder = party("ma-security");
    let mut report = received(&s.report);
    report.subjects.push(subject_named(9, "Karim Ouzzani", SubjectClass::SuspectCommitted, "ci-judiciary"));
    let given = consent(&s, &report);
    let decided = decide_onward(&s.rules, &hop(&s, (&report, &forwarder), Ok(&given), Side::Sender), s.now);
    let Err(HopRefusal::Rules(refusal)) = decided else { panic!("{decided:?}") };
    assert_eq!((refusal.step(), refusal.code()), (9, DenialCode::Originator));
    // What the forwarder says was consented to counts for nothing.
    let mut more = Sample::new();
    more.context.consents = vec![party("ci-judiciary")];
    let decided =
        decide_onward(&more.rules, &hop(&more, (&report, &forwarder), Ok(&given), Side::Sender), s.now);
    assert!(decided.is_err());
    let red = Report { handling: named_only(), ..received(&s.report) };
    let given = consent(&s, &red);
    let decided = decide_onward(&s.rules, &hop(&s, (&red, &forwarder), Ok(&given), Side::Receiver), s.now);
    let Err(HopRefusal::Rules(refusal)) = decided else { panic!("{decided:?}") };
    assert_eq!((refusal.step(), refusal.rule()), (9, "o09-named"));
    let mut asked = received(&s.report);
    asked = asking(asked);
    let given = consent(&s, &asked);
    let decided = decide_onward(&s.rules, &hop(&s, (&asked, &forwarder), Ok(&given), Side::Receiver), s.now);
    let Err(HopRefusal::Rules(refusal)) = decided else { panic!("{decided:?}") };
    assert_eq!(refusal.rule(), "o09-request");
}

/// A case of [`permit_consent`]: what is changed, and step and code of the answer.
type Case = (fn(&mut Asked), u8, DenialCode);

/// A question to the originator.
struct Asked {
    sample: Sample,
    by: PartyId,
    to: PartyId,
    purpose: Purpose,
    use_by: Timestamp,
    keep_until: Timestamp,
    risk: Option<RiskAssessment>,
    approvals: Vec<(OfficerId, Role)>,
    follows: Option<Consent>,
}

impl Asked {
    fn new() -> Self {
        let sample = Sample::new();
        Self {
            by: party("es-police"),
            to: party("ci-judiciary"),
            purpose: sample.report.purpose,
            use_by: sample.now.plus(Days(10)),
            keep_until: sample.now.plus(Days(20)),
            risk: sample.context.partner_risk.clone(),
            approvals: vec![(officer(1), Role::Supervisor), (officer(2), Role::LegalAdviser)],
            follows: None,
            sample,
        }
    }

    fn decide(&self) -> Result<ConsentPermit, Refusal> {
        let question = ConsentQuestion {
            report: &self.sample.report,
            by: &self.by,
            to: &self.to,
            purpose: self.purpose,
            use_by: self.use_by,
            keep_until: self.keep_until,
            risk: self.risk.as_ref(),
            approvals: &self.approvals,
            follows: self.follows.as_ref(),
        };
        permit_consent(&self.sample.rules, &self.sample.standing, &question, self.sample.now)
    }
}

fn level(asked: &mut Asked, dimension: RiskDimension, level: RiskLevel) {
    let risk = asked.risk.as_mut().unwrap();
    risk.levels.retain(|(one, _)| *one != dimension);
    risk.levels.push((dimension, level));
}

#[test]
fn an_originator_consents_only_where_nothing_stands_against_it() {
    let permit = Asked::new().decide().unwrap();
    assert_eq!(permit.consent().to, party("ci-judiciary"));
    let cases: Vec<Case> = vec![
        (|a| a.sample.report.agreement = AgreementId::new([1; 32]), 3, DenialCode::Agreement),
        (|a| a.by = party("it-police"), 3, DenialCode::Agreement),
        (|a| a.sample.report.recipients.clear(), 3, DenialCode::Agreement),
        (|a| a.to = a.by.clone(), 3, DenialCode::Agreement),
        (|a| a.to = party("ma-security"), 3, DenialCode::Agreement),
        (|a| a.purpose = Purpose::ExecuteSentence, 3, DenialCode::Purpose),
        (|a| a.sample.report.obtained_in_violation = true, 9, DenialCode::Originator),
        (|a| a.sample.report.provenance.originator = party("fr-police"), 9, DenialCode::Originator),
        (
            |a| {
                let foreign = subject_named(9, "Karim Ouzzani", SubjectClass::Witness, "fr-police");
                a.sample.report.subjects.push(foreign);
            },
            9,
            DenialCode::Originator,
        ),
        (|a| a.sample.report = asking(a.sample.report.clone()), 9, DenialCode::Originator),
        (|a| a.sample.report.handling = named_only(), 9, DenialCode::Originator),
        (|a| a.risk = None, 11, DenialCode::Risk),
        (|a| a.risk.as_mut().unwrap().valid_to = a.sample.now, 11, DenialCode::Risk),
        (|a| a.risk.as_mut().unwrap().made_on = a.sample.now.plus(Days(1)), 11, DenialCode::Risk),
        (|a| level(a, RiskDimension::TortureCidt, RiskLevel::Real), 11, DenialCode::Risk),
        (|a| level(a, RiskDimension::DeathPenalty, RiskLevel::Real), 11, DenialCode::Risk),
        (|a| level(a, RiskDimension::OnwardLeak, RiskLevel::High), 11, DenialCode::Risk),
        (|a| a.risk.as_mut().unwrap().levels.clear(), 11, DenialCode::Risk),
        (|a| a.use_by = a.sample.now, 12, DenialCode::Retention),
        (|a| a.keep_until = a.sample.now, 12, DenialCode::Retention),
        (|a| a.keep_until = a.sample.report.expires.plus(Days(1)), 12, DenialCode::Retention),
        (|a| a.approvals.truncate(1), 14, DenialCode::TwoPerson),
        (|a| a.approvals.clear(), 14, DenialCode::TwoPerson),
        (|a| a.approvals[1].0 = a.approvals[0].0, 14, DenialCode::TwoPerson),
        (|a| a.approvals[1].1 = a.approvals[0].1, 14, DenialCode::TwoPerson),
    ];
    for (at, (change, step, code)) in cases.into_iter().enumerate() {
        let mut asked = Asked::new();
        change(&mut asked);
        let refusal = asked.decide().unwrap_err();
        assert_eq!((refusal.step(), refusal.code()), (step, code), "case {at}: {}", refusal.rule());
    }
    // Without persons in it the assessment alone is asked for.
    let mut asked = Asked::new();
    asked.sample.report.subjects.clear();
    level(&mut asked, RiskDimension::TortureCidt, RiskLevel::High);
    assert!(asked.decide().is_ok());
    asked.sample.report.subjects = vec![person(SubjectClass::SuspectCommitted)];
    assert!(asked.decide().is_err());
}

#[test]
fn a_correction_goes_where_the_version_before_it_went_and_no_further() {
    let corrected = || {
        let mut asked = Asked::new();
        asked.sample.report.version = ReportVersion::new(2).unwrap();
        asked.approvals.clear();
        let earlier = Consent {
            originator: asked.sample.report.originator.clone(),
            report: asked.sample.report.id,
            version: ReportVersion::FIRST,
            by: asked.by.clone(),
            to: asked.to.clone(),
            purpose: asked.purpose,
            use_by: asked.sample.now,
            keep_until: asked.keep_until,
        };
        asked.follows = Some(earlier);
        asked
    };
    assert!(corrected().decide().is_ok(), "without persons, for two said so before");
    let changes: [fn(&mut Consent); 7] = [
        |one| one.originator = party("fr-police"),
        |one| one.report = ReportId::new([0xee; 16]),
        |one| one.version = ReportVersion::new(2).unwrap(),
        |one| one.by = party("it-police"),
        |one| one.to = party("it-police"),
        |one| one.purpose = Purpose::ExecuteSentence,
        |one| one.keep_until = one.keep_until.minus(Days(1)),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut asked = corrected();
        change(asked.follows.as_mut().unwrap());
        assert_eq!(asked.decide().unwrap_err().step(), 14, "case {at}");
    }
    // Everything else is asked again.
    let mut asked = corrected();
    level(&mut asked, RiskDimension::TortureCidt, RiskLevel::Real);
    assert_eq!(asked.decide().unwrap_err().step(), 11);
}

#[test]
fn hops_are_permitted_and_refused_often_enough_to_mean_something() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut permits = 0;
    for _ in 0..1_000 {
        let (s, side) = request().new_tree(&mut runner).unwrap().current();
        let (report, forwarder) = (received(&s.report), party("ma-security"));
        let given = consent(&s, &report);
        let hop = hop(&s, (&report, &forwarder), Ok(&given), side);
        permits += u32::from(decide_onward(&s.rules, &hop, s.now).is_ok());
    }
    assert!((100..900).contains(&permits), "{permits} permits");
}
