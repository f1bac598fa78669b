//! A bilateral agreement, a report about an invented recruiter, and a context in which its release is permitted:
//! the point tests start from and change one thing.

use std::sync::{Arc, LazyLock};

use mithaq_model::{
    Ask, Attribute, CaseId, Claim, ClaimId, ClaimSource, Connection, CrimeArea, Fact, Grade, Handling,
    HandlingCode, HandlingCodes, Lang, Level, NameForm, NameKind, NameQuality, OfficerId, Pap, PartialDate,
    PartyId, Provenance, Purpose, Report, ReportId, ReportKind, ReportVersion, RiskDimension, RiskLevel,
    Role, Script, Subject, SubjectClass, SubjectId, SubjectKind, Text, Tie, Timestamp, Tlp, Urgency, Value,
};
use mithaq_policy::agreement::{TemplateParty, template};
use mithaq_policy::{Agreement, Context, RiskAssessment, Rules, Stage, Standing, Work};

/// The instant samples are made at.
#[must_use]
pub fn time() -> Timestamp {
    Timestamp::parse("2026-06-01T08:00:00Z").expect("a date")
}

/// A party by name.
#[must_use]
pub fn party(name: &str) -> PartyId {
    PartyId::new(name).expect("a party name")
}

/// An officer by number.
#[must_use]
pub fn officer(number: u8) -> OfficerId {
    OfficerId::new([number; 16])
}

/// A line of English.
#[must_use]
pub fn text(text: &str) -> Text {
    Text::line(Lang::EN, text).expect("a line")
}

/// Fingerprints that stand for nobody's keys.
#[must_use]
pub fn sample_roots() -> [[u8; 32]; 2] {
    [[0x11; 32], [0x22; 32]]
}

/// A bilateral agreement in force since January 2026.
#[must_use]
pub fn agreement(one: &str, other: &str) -> Agreement {
    let [a, b] = sample_roots();
    let member = |id: &str, root| TemplateParty {
        id: party(id),
        state: id.chars().take(2).collect::<String>().to_uppercase(),
        root,
    };
    let from = Timestamp::parse("2026-01-01").expect("a date");
    Agreement::parse(&template(&[member(one, a), member(other, b)], from)).expect("a valid template")
}

/// A claim about an invented person.
fn claim(number: u8, attribute: Attribute, value: Value, originator: &str) -> Claim {
    Claim {
        id: ClaimId::new([number; 16]),
        attribute,
        value,
        originator: party(originator),
        source: ClaimSource::Officer,
        source_ref: "file-12".to_owned(),
        report: None,
        grade: Grade::from_code("4x4:B2").expect("a grade"),
        handling: Handling::new(HandlingCodes::H0.with(HandlingCode::H2), Tlp::Amber, Pap::Amber),
        recorded: time(),
        expires: Timestamp::parse("2027-06-01").expect("a date"),
    }
}

/// An invented person with a name and a year of birth.
#[must_use]
pub fn subject_named(number: u8, name: &str, class: SubjectClass, originator: &str) -> Subject {
    let full = Text::line(Lang::UND, name).expect("a line");
    let name = Value::Name {
        script: Script::of(full.reveal()),
        full,
        kind: NameKind::Primary,
        form: NameForm::Original,
        quality: NameQuality::Good,
    };
    let born = Value::Date(PartialDate::year(1987).expect("a year"));
    let claims = vec![
        claim(number, Attribute::Name, name, originator),
        claim(number.wrapping_add(100), Attribute::Born, born, originator),
    ];
    Subject::new(SubjectId::new([number; 16]), SubjectKind::Person, Some(class), claims).expect("a person")
}

/// The invented recruiter.
#[must_use]
pub fn person(class: SubjectClass) -> Subject {
    subject_named(7, "Abdelhamid Tazerout", class, "ma-security")
}

/// A report about the recruiter, from `ma-security` to `es-police`, that the sample agreement permits.
#[must_use]
pub fn report(agreement: &Agreement) -> Report {
    Report {
        id: ReportId::new([5; 16]),
        version: ReportVersion::FIRST,
        kind: ReportKind::Information,
        originator: party("ma-security"),
        provenance: Provenance { originator: party("ma-security"), root: [9; 32] },
        agreement: agreement.id(),
        recipients: vec![party("es-police")],
        purpose: Purpose::Investigate,
        area: CrimeArea::ForeignTerroristFighters,
        offence: text("Recruitment for terrorism, penal code article 218-1"),
        urgency: Urgency::Routine,
        case_ref: CaseId::new([3; 16]),
        title: text("Recruiter travelling with three young people"),
        facts: vec![Fact {
            text: text("Three persons left by ferry on 12 May with tickets paid by the same card"),
            grade: Grade::from_code("4x4:B2").expect("a grade"),
        }],
        assessments: Vec::new(),
        subjects: vec![person(SubjectClass::SuspectCommitted)],
        links: Vec::new(),
        grade: Some(Grade::from_code("4x4:B2").expect("a grade")),
        handling: Handling::new(HandlingCodes::H0.with(HandlingCode::H2), Tlp::Amber, Pap::Amber),
        level: Level::Restricted,
        expires: Timestamp::parse("2027-05-01").expect("a date"),
        exculpatory: false,
        machine_made: false,
        obtained_in_violation: false,
        created: time(),
        tie: None,
        attachments: Vec::new(),
    }
}

/// A complete question about whoever the report speaks of.
#[must_use]
pub fn ask(report: &Report) -> Ask {
    let link = text("Paid for the tickets of the travellers");
    Ask {
        sought: vec![text("Who bought the three ferry tickets of 12 May")],
        why_there: text("The tickets were sold in the port of arrival"),
        basis: text("Code of criminal procedure, article 108"),
        lawful_at_home: true,
        authorisation: None,
        urgency_reason: None,
        penalty_years: Some(10),
        connections: report
            .subjects
            .iter()
            .map(|subject| Connection { subject: subject.id(), text: link.clone() })
            .collect(),
        previous: Vec::new(),
    }
}

/// The report, as a question.
#[must_use]
pub fn asking(mut report: Report) -> Report {
    report.kind = ReportKind::Request;
    report.tie = Some(Tie::Asks(Box::new(ask(&report))));
    report
}

/// A context in which the sample report's release is permitted.
#[must_use]
pub fn context(agreement: &Agreement) -> Context {
    let levels = RiskDimension::ALL.iter().map(|dimension| (*dimension, RiskLevel::Low)).collect();
    Context {
        work: Work { role_may: true, case_open: true, case_assigned: true },
        signatures_good: true,
        rule_set: Some(agreement.id()),
        reply_bound: true,
        hold: false,
        special_categories: Vec::new(),
        clearances: Vec::new(),
        excluded: None,
        consents: Vec::new(),
        recipient_level: Level::Restricted,
        channel_level: Level::Restricted,
        partner_risk: Some(RiskAssessment {
            levels,
            source: "assessment-2026-1".to_owned(),
            made_on: Timestamp::parse("2026-03-01").expect("a date"),
            valid_to: Timestamp::parse("2027-03-01").expect("a date"),
        }),
        further_risks: Vec::new(),
        capital_offence: false,
        assurances: Vec::new(),
        reports_left: 100,
        bytes_left: 1 << 20,
        bytes: 4_096,
        life_at_risk: false,
        approvals: vec![(officer(1), Role::Supervisor), (officer(2), Role::Spoc)],
    }
}

/// Everything a decision needs, permitted as it stands.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Rules, compiled once for all samples.
    pub rules: Arc<Rules>,
    /// Report.
    pub report: Report,
    /// Context.
    pub context: Context,
    /// Standing: in force.
    pub standing: Standing,
    /// Recipient.
    pub recipient: PartyId,
    /// Now.
    pub now: Timestamp,
}

impl Sample {
    /// The sample between `ma-security` and `es-police`.
    #[must_use]
    pub fn new() -> Self {
        static RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| {
            Arc::new(Rules::compile(&agreement("ma-security", "es-police")).expect("compiles"))
        });
        let rules = Arc::clone(&RULES);
        let agreement = rules.agreement().clone();
        Self {
            report: report(&agreement),
            context: context(&agreement),
            standing: Standing::new(
                Stage::InForce,
                agreement.in_force_on,
                agreement.expires_on,
                agreement.survival,
            ),
            recipient: party("es-police"),
            now: time(),
            rules,
        }
    }
}

impl Default for Sample {
    fn default() -> Self {
        Self::new()
    }
}
