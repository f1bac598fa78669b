//! Each of the seventeen steps has its refusals; each limit of the domain page has a test of its name. A case
//! changes one thing in a sample that is permitted.

use mithaq_model::*;
use mithaq_policy::*;
use mithaq_testkit::{Sample, asking, officer, party, person, subject_named, text};

fn decided(sample: &Sample, side: Side) -> Decision {
    let disclosure = Disclosure {
        report: &sample.report,
        recipient: &sample.recipient,
        side,
        context: &sample.context,
        standing: &sample.standing,
    };
    decide(&sample.rules, &disclosure, sample.now)
}

/// Changes one thing and names the step and guard that must refuse first.
fn refused(step: u8, code: DenialCode, change: impl FnOnce(&mut Sample)) -> Refusal {
    let mut sample = Sample::new();
    assert!(matches!(decided(&sample, Side::Sender), Decision::Permit(_)), "the sample is permitted");
    change(&mut sample);
    match decided(&sample, Side::Sender) {
        Decision::Refuse(refusal) => {
            assert_eq!((refusal.step(), refusal.code()), (step, code), "{}", refusal.rule());
            refusal
        }
        Decision::Permit(_) => panic!("permitted, step {step} expected to refuse"),
    }
}

fn permitted(change: impl FnOnce(&mut Sample)) -> Permit {
    let mut sample = Sample::new();
    change(&mut sample);
    match decided(&sample, Side::Sender) {
        Decision::Permit(permit) => permit,
        Decision::Refuse(refusal) => panic!("refused by {}", refusal.rule()),
    }
}

#[test]
fn the_permit_is_for_exactly_this() {
    let sample = Sample::new();
    let permit = permitted(|_| ());
    assert!(permit.is_for(&sample.report, &sample.recipient));
    assert!(!permit.is_for(&sample.report, &party("ma-security")));
    let mut other = sample.report.clone();
    other.version = ReportVersion::new(2).unwrap();
    assert!(!permit.is_for(&other, &sample.recipient));
    other = sample.report.clone();
    other.purpose = Purpose::Prosecute;
    assert!(!permit.is_for(&other, &sample.recipient));
    assert!(permit.retain_until() <= sample.report.expires && permit.covers(Attribute::Name));
    assert!(!permit.covers(Attribute::Contact));
}

#[test]
fn step_1_role_and_case() {
    refused(1, DenialCode::Role, |s| s.context.work.role_may = false);
    refused(1, DenialCode::Case, |s| s.context.work.case_open = false);
    refused(1, DenialCode::Case, |s| s.context.work.case_assigned = false);
}

#[test]
fn step_2_signature_and_rule_set() {
    refused(2, DenialCode::Signature, |s| s.context.signatures_good = false);
    refused(2, DenialCode::Signature, |s| s.context.rule_set = None);
    refused(2, DenialCode::Signature, |s| s.context.rule_set = Some(AgreementId::new([0; 32])));
    refused(2, DenialCode::Signature, |s| s.report.agreement = AgreementId::new([0; 32]));
}

#[test]
fn step_3_agreement_area_purpose_recipient() {
    refused(3, DenialCode::Agreement, |s| s.report.area = CrimeArea::Environment);
    let refusal = refused(3, DenialCode::Purpose, |s| s.report.purpose = Purpose::ExecuteSentence);
    assert_eq!(refusal.clause(), Some("scope.purposes"));
    for stage in Stage::ALL.iter().filter(|stage| !stage.opens_flows()) {
        refused(3, DenialCode::Agreement, |s| {
            let a = s.rules.agreement();
            s.standing = Standing::new(*stage, a.in_force_on, a.expires_on, a.survival);
        });
    }
    refused(3, DenialCode::Agreement, |s| s.now = s.rules.agreement().expires_on);
    refused(3, DenialCode::Hold, |s| s.context.hold = true);
}

#[test]
fn step_3_l11_a_request_is_complete_and_an_answer_has_its_question() {
    let asks = |s: &mut Sample, change: &dyn Fn(&mut Ask)| {
        s.report = asking(s.report.clone());
        if let Some(Tie::Asks(ask)) = &mut s.report.tie {
            change(ask);
        }
    };
    permitted(|s| asks(s, &|_| ()));
    let incomplete: [&dyn Fn(&mut Ask); 3] =
        [&|a| a.lawful_at_home = false, &|a| a.sought.clear(), &|a| a.connections.clear()];
    for change in incomplete {
        let refusal = refused(3, DenialCode::Purpose, |s| asks(s, change));
        assert_eq!(refusal.ground(), Some(RefusalGround::RequestIncomplete));
    }
    for urgency in Urgency::ALL.iter().copied().filter(|one| one.is_urgent()) {
        refused(3, DenialCode::Purpose, |s| {
            asks(s, &|_| ());
            s.report.urgency = urgency;
        });
        permitted(|s| {
            asks(s, &|a| a.urgency_reason = Some(text("The ship leaves tonight")));
            s.report.urgency = urgency;
        });
    }
    // The kind alone asks nothing.
    refused(3, DenialCode::Purpose, |s| s.report.kind = ReportKind::Request);
    let answers = Some(Tie::Answers { request: ReportId::new([8; 16]), part: false });
    permitted(|s| s.report.tie = answers.clone());
    refused(3, DenialCode::Case, |s| {
        s.report.tie = answers.clone();
        s.context.reply_bound = false;
    });
}

#[test]
fn l01_what_a_request_asks_is_screened_too() {
    let mut report = asking(Sample::new().report);
    assert_eq!(screen::report(&report), []);
    let words = || text("Which mosque does the Muslim family attend");
    let Some(Tie::Asks(whole)) = report.tie.clone() else { panic!("it asks") };
    let places: [fn(&mut Ask, Text); 6] = [
        |ask, words| ask.sought = vec![words],
        |ask, words| ask.why_there = words,
        |ask, words| ask.basis = words,
        |ask, words| ask.authorisation = Some(words),
        |ask, words| ask.urgency_reason = Some(words),
        |ask, words| ask.connections[0].text = words,
    ];
    for place in places {
        let mut ask = whole.clone();
        place(&mut ask, words());
        report.tie = Some(Tie::Asks(ask));
        assert!(screen::report(&report).contains(&SpecialCategory::ReligionBelief));
    }
}

#[test]
fn a_step_of_a_request_needs_the_agreement_in_force_and_no_special_category() {
    let s = Sample::new();
    let (ma, es) = (party("ma-security"), party("es-police"));
    let id = ObjectId::new([4; 16]);
    let said = |standing: &Standing, words: &str| {
        permit_step(&s.rules, standing, (id, Some(&text(words))), (&ma, &es), s.now)
    };
    let permit = said(&s.standing, "Which of the two crossings?").unwrap();
    assert_eq!((permit.kind(), permit.object()), (OrderKind::Step, id));
    let refusal = said(&s.standing, "Is he a Shia Muslim?").unwrap_err();
    assert_eq!((refusal.step(), refusal.code()), (5, DenialCode::SpecialCategory));
    let a = s.rules.agreement();
    let ended = Standing::new(Stage::Suspended, a.in_force_on, a.expires_on, a.survival);
    assert_eq!(said(&ended, "Which one?").unwrap_err().code(), DenialCode::Agreement);
    let stranger = permit_step(&s.rules, &s.standing, (id, None), (&ma, &party("fr-police")), s.now);
    assert_eq!(stranger.unwrap_err().code(), DenialCode::Agreement);
}

#[test]
fn nobody_is_not_everybody() {
    refused(3, DenialCode::Agreement, |s| s.report.recipients.clear());
    refused(3, DenialCode::Agreement, |s| s.recipient = party("fr-police"));
    refused(3, DenialCode::Agreement, |s| s.report.recipients = vec![party("fr-police")]);
    refused(3, DenialCode::Agreement, |s| s.recipient = party("ma-security"));
    let mut nothing = Sample::new();
    nothing.context = Context::nothing_known();
    assert!(matches!(decided(&nothing, Side::Sender), Decision::Refuse(r) if r.step() == 1));
    assert!(matches!(decided(&nothing, Side::Receiver), Decision::Refuse(r) if r.step() == 2));
}

#[test]
fn step_4_classes_and_minors() {
    for class in [
        SubjectClass::Informant,
        SubjectClass::UnknownUncategorised,
        SubjectClass::Witness,
        SubjectClass::Victim,
    ] {
        refused(4, DenialCode::Category, |s| s.report.subjects = vec![person(class)]);
    }
    refused(4, DenialCode::Category, |s| s.report.subjects = vec![person(SubjectClass::Wanted).with_minor()]);
    refused(4, DenialCode::Category, |s| s.report.kind = ReportKind::Statistical);
}

#[test]
fn l19_a_name_alone_is_not_a_person() {
    refused(4, DenialCode::Category, |s| {
        let whole = person(SubjectClass::SuspectCommitted);
        let name = whole.claims().iter().filter(|c| c.attribute == Attribute::Name).cloned().collect();
        s.report.subjects = vec![Subject::new(whole.id(), whole.kind(), whole.class(), name).unwrap()];
    });
}

#[test]
fn step_5_l01_special_categories() {
    let refusal = refused(5, DenialCode::SpecialCategory, |s| {
        s.context.special_categories = vec![SpecialCategory::Health]
    });
    assert_eq!((refusal.clause(), refusal.ground()), (None, Some(RefusalGround::CategoryNotAllowed)));
}

#[test]
fn step_6_l08_protected_roles() {
    let journalist = |s: &mut Sample| {
        s.report.subjects = vec![
            person(SubjectClass::SuspectCommitted).with_protected_role(ProtectedRole::JournalistOrSource),
        ];
    };
    let clear = |s: &mut Sample, adviser, senior| {
        let subject = s.report.subjects[0].id();
        let role = ProtectedRole::JournalistOrSource;
        s.context.clearances = vec![Clearance { subject, role, adviser, senior }];
    };
    refused(6, DenialCode::ProtectedRole, journalist);
    refused(6, DenialCode::ProtectedRole, |s| {
        journalist(s);
        clear(s, officer(4), officer(4));
    });
    permitted(|s| {
        journalist(s);
        clear(s, officer(4), officer(5));
    });
}

#[test]
fn l09_who_seeks_asylum_is_not_exposed() {
    refused(6, DenialCode::ProtectedRole, |s| {
        s.report.subjects =
            vec![person(SubjectClass::Wanted).with_protected_role(ProtectedRole::AsylumSeekerRefugee)];
        let subject = s.report.subjects[0].id();
        let role = ProtectedRole::AsylumSeekerRefugee;
        s.context.clearances = vec![Clearance { subject, role, adviser: officer(4), senior: officer(5) }];
    });
    refused(11, DenialCode::Risk, |s| {
        s.context.further_risks = vec![(RiskDimension::Refoulement, RiskLevel::Real)]
    });
}

#[test]
fn step_7_l08_no_cooperation_against_opinion() {
    for predicate in ExcludedPredicate::ALL {
        let refusal = refused(7, DenialCode::Purpose, |s| s.context.excluded = Some(*predicate));
        assert_eq!(refusal.ground(), Some(RefusalGround::PoliticalOrOpinionOffence));
    }
    for label in ["terrorism", "Terrorism offence", "مكافحة الإرهاب"] {
        refused(7, DenialCode::Purpose, |s| s.report.offence = text(label));
    }
}

#[test]
fn step_8_grade_l12_l13() {
    refused(8, DenialCode::Grade, |s| s.report.grade = None);
    refused(8, DenialCode::Grade, |s| s.report.machine_made = true);
    permitted(|s| {
        s.report.machine_made = true;
        s.report.grade = Some(Grade::UNEVALUATED);
    });
    refused(8, DenialCode::Grade, |s| {
        s.report.subjects = vec![person(SubjectClass::Wanted)];
        s.report.facts[0].grade = Grade::from_code("4x4:X4").unwrap();
    });
}

#[test]
fn step_9_l06_l26_originator_control() {
    let foreign = |s: &mut Sample| {
        s.report.subjects = vec![subject_named(8, "Karim Ouzzani", SubjectClass::Wanted, "ci-judiciary")]
    };
    let refusal = refused(9, DenialCode::Originator, foreign);
    assert_eq!(refusal.ground(), Some(RefusalGround::ThirdPartyRefused));
    permitted(|s| {
        foreign(s);
        s.context.consents = vec![party("ci-judiciary")];
    });
    refused(9, DenialCode::Originator, |s| {
        foreign(s);
        s.context.consents = vec![party("fr-police")];
    });
    refused(9, DenialCode::Originator, |s| s.report.provenance.originator = party("ci-judiciary"));
    refused(9, DenialCode::Originator, |s| s.report.obtained_in_violation = true);
}

#[test]
fn step_10_l24_classification() {
    refused(10, DenialCode::Classification, |s| s.report.level = Level::Secret);
    refused(10, DenialCode::Classification, |s| s.context.recipient_level = Level::Unclassified);
    refused(10, DenialCode::Classification, |s| s.context.channel_level = Level::Unclassified);
}

#[test]
fn step_11_l07_no_disclosure_into_torture_or_death() {
    for (dimension, ground) in [
        (RiskDimension::TortureCidt, RefusalGround::TortureOrCidtRisk),
        (RiskDimension::EnforcedDisappearance, RefusalGround::TortureOrCidtRisk),
        (RiskDimension::DeathPenalty, RefusalGround::DeathPenaltyRisk),
    ] {
        for level in [RiskLevel::Real, RiskLevel::High] {
            let refusal = refused(11, DenialCode::Risk, |s| {
                s.context.further_risks = vec![(dimension, level)];
                s.context.assurances = Assurance::ALL.to_vec();
            });
            assert_eq!((refusal.ground(), refusal.clause()), (Some(ground), None));
        }
    }
    refused(11, DenialCode::Risk, |s| s.context.capital_offence = true);
    permitted(|s| {
        s.context.capital_offence = true;
        s.context.assurances = vec![Assurance::WrittenNoDeathPenalty];
    });
    refused(11, DenialCode::Risk, |s| s.context.partner_risk = None);
    refused(11, DenialCode::Risk, |s| s.context.partner_risk.as_mut().unwrap().valid_to = s.now);
    refused(11, DenialCode::Risk, |s| {
        s.context.partner_risk.as_mut().unwrap().made_on = Timestamp::parse("2024-01-01").unwrap()
    });
    // A dimension nobody assessed counts as high.
    refused(11, DenialCode::Risk, |s| {
        s.context.partner_risk.as_mut().unwrap().levels.retain(|(d, _)| *d != RiskDimension::TortureCidt)
    });
}

#[test]
fn step_12_l05_retention_and_minimisation() {
    refused(12, DenialCode::Retention, |s| s.report.expires = s.now);
    refused(12, DenialCode::Retention, |s| s.report.expires = Timestamp::MAX);
    refused(12, DenialCode::Retention, |s| {
        s.report.subjects = vec![person(SubjectClass::ContactOrAssociate)];
        s.report.expires = Timestamp::parse("2027-09-01").unwrap();
    });
}

#[test]
fn step_13_l02_budget() {
    let refusal = refused(13, DenialCode::Budget, |s| s.context.reports_left = 0);
    assert_eq!(refusal.clause(), Some("budgets.reports_per_day"));
    refused(13, DenialCode::Budget, |s| s.context.bytes_left = s.context.bytes - 1);
}

#[test]
fn step_14_l04_two_persons() {
    refused(14, DenialCode::TwoPerson, |s| s.context.approvals.clear());
    refused(14, DenialCode::TwoPerson, |s| s.context.approvals.truncate(1));
    refused(14, DenialCode::TwoPerson, |s| {
        s.context.approvals = vec![(officer(1), Role::Supervisor), (officer(1), Role::Spoc)]
    });
    refused(14, DenialCode::TwoPerson, |s| {
        s.context.approvals = vec![(officer(1), Role::Supervisor), (officer(2), Role::Supervisor)]
    });
}

#[test]
fn the_first_failing_step_is_named() {
    refused(2, DenialCode::Signature, |s| {
        s.context.approvals.clear();
        s.context.signatures_good = false;
        s.report.obtained_in_violation = true;
    });
}

#[test]
fn the_receiver_decides_for_itself() {
    let receiver = |change: &dyn Fn(&mut Sample)| {
        let mut sample = Sample::new();
        change(&mut sample);
        decided(&sample, Side::Receiver)
    };
    // It has no case yet, and does not assess itself.
    assert!(matches!(
        receiver(&|s| {
            s.context.work = Work { role_may: false, case_open: false, case_assigned: false };
            s.context.partner_risk = None;
        }),
        Decision::Permit(_)
    ));
    assert!(
        matches!(receiver(&|s| s.context.special_categories = vec![SpecialCategory::Union]), Decision::Refuse(r) if r.step() == 5)
    );
    assert!(
        matches!(receiver(&|s| s.context.recipient_level = Level::Unclassified), Decision::Refuse(r) if r.step() == 10)
    );
    assert!(matches!(receiver(&|s| s.context.approvals.truncate(1)), Decision::Refuse(r) if r.step() == 14));
    assert!(
        matches!(receiver(&|s| s.report.area = CrimeArea::Environment), Decision::Refuse(r) if r.step() == 3)
    );
    // What the sender should have left out.
    let unminimised = |s: &mut Sample| {
        let whole = person(SubjectClass::SuspectCommitted);
        let mut claims = whole.claims().to_vec();
        let mut claim = claims.last().cloned().unwrap();
        (claim.attribute, claim.value) = (Attribute::Contact, Value::Text(text("+212 600 000 000")));
        claims.push(claim);
        s.report.subjects = vec![Subject::new(whole.id(), whole.kind(), whole.class(), claims).unwrap()];
    };
    assert!(
        matches!(receiver(&unminimised), Decision::Refuse(r) if r.step() == 12 && r.clause() == Some("scope.attributes"))
    );
    permitted(unminimised);
}

#[test]
fn orders_are_the_originators_and_outlive_the_agreement() {
    let sample = Sample::new();
    let (ma, es, fr) = (party("ma-security"), party("es-police"), party("fr-police"));
    let object = ObjectId::new([5; 16]);
    let a = sample.rules.agreement().clone();
    let standing = |stage| Standing::new(stage, a.in_force_on, a.expires_on, a.survival);
    for stage in [Stage::InForce, Stage::Suspended, Stage::Terminated, Stage::Surviving] {
        let order = permit_order(
            &sample.rules,
            &standing(stage),
            (OrderKind::Recall, object),
            (&ma, &ma, &es),
            sample.now,
        );
        assert_eq!(order.unwrap().object(), object);
    }
    let by = |kind, sender, originator, recipient, stage| {
        permit_order(
            &sample.rules,
            &standing(stage),
            (kind, object),
            (sender, originator, recipient),
            sample.now,
        )
    };
    assert_eq!(
        by(OrderKind::Recall, &es, &ma, &ma, Stage::InForce).unwrap_err().code(),
        DenialCode::Originator
    );
    assert_eq!(by(OrderKind::Recall, &ma, &ma, &fr, Stage::InForce).unwrap_err().step(), 3);
    assert_eq!(by(OrderKind::Recall, &ma, &ma, &es, Stage::Signed).unwrap_err().step(), 3);
    assert!(by(OrderKind::LaterReceipts, &es, &ma, &ma, Stage::Terminated).is_ok());
}
