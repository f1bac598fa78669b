//! `mithaq agreement explain FILE --request REQUEST`: what the rules say to one request, step by step. The request is a
//! small JSON file; what it does not say is taken as it should be, so that what is refused is refused for what it says.
//! Nothing is disclosed and nothing is asked of a node.

use mithaq_model::{
    Assurance, Attribute, CaseId, Claim, ClaimId, ClaimSource, CrimeArea, Fact, Grade, Handling, Lang, Level,
    NameForm, NameKind, NameQuality, OfficerId, PartialDate, PartyId, ProtectedRole, Provenance, Purpose,
    Report, ReportId, ReportKind, ReportVersion, RiskDimension, RiskLevel, Role, Script, SpecialCategory,
    Subject, SubjectClass, SubjectId, SubjectKind, Text, Timestamp, Urgency, Value,
};
use mithaq_policy::{
    Agreement, Clearance, Context, Disclosure, Refusal, RiskAssessment, Rules, Side, Stage, Standing, Work,
    screen, walk,
};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::labels::label;
use crate::ui::{Exit, Failure};

/// A request as people write it. Codes as in `docs/reference/openapi.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestFile {
    from: String,
    to: String,
    area: String,
    purpose: String,
    #[serde(default = "routine")]
    urgency: String,
    /// The offence with its statute.
    offence: String,
    /// What is to be said; screened as a report is.
    #[serde(default)]
    text: String,
    #[serde(default)]
    persons: Vec<PersonFile>,
    #[serde(default = "graded")]
    grade: Option<String>,
    #[serde(default = "restricted")]
    level: String,
    /// Day of the disclosure; the first day in force where it is missing.
    on: Option<String>,
    /// Last day of use; a month later where it is missing.
    expires: Option<String>,
    /// State of the agreement.
    #[serde(default = "in_force")]
    agreement: String,
    /// Who approved, as roles; one person each.
    #[serde(default = "two_roles")]
    approved_by: Vec<String>,
    /// Risk of the transfer per dimension; what is not named is low.
    #[serde(default)]
    risks: Vec<(String, String)>,
    #[serde(default)]
    capital_offence: bool,
    #[serde(default)]
    assurances: Vec<String>,
    #[serde(default)]
    obtained_in_violation: bool,
    #[serde(default)]
    machine_made: bool,
    /// Parties whose data is in it.
    #[serde(default)]
    third_parties: Vec<String>,
    /// Of these, who consented.
    #[serde(default)]
    consents: Vec<String>,
    /// Reports already sent today.
    #[serde(default)]
    sent_today: u32,
    /// The legal adviser cleared what the screen finds in the text.
    #[serde(default)]
    text_cleared: bool,
    /// A legal or oversight hold stands on it.
    #[serde(default)]
    hold: bool,
    /// Two persons opened it because a life is at risk.
    #[serde(default)]
    life_at_risk: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonFile {
    class: String,
    #[serde(default)]
    minor: bool,
    #[serde(default)]
    protected: Vec<String>,
    /// Of these, which legal adviser and a senior cleared.
    #[serde(default)]
    cleared: Vec<String>,
    /// Kinds of data about the person; name and birth where they are missing.
    #[serde(default = "name_and_birth")]
    attributes: Vec<String>,
}

fn routine() -> String {
    Urgency::Routine.code().to_owned()
}
fn graded() -> Option<String> {
    Some("4x4:B2".to_owned())
}
fn restricted() -> String {
    Level::Restricted.code().to_owned()
}
fn in_force() -> String {
    Stage::InForce.code().to_owned()
}
fn two_roles() -> Vec<String> {
    [Role::Supervisor, Role::Spoc].map(|role| role.code().to_owned()).to_vec()
}
fn name_and_birth() -> Vec<String> {
    [Attribute::Name, Attribute::Born].map(|one| one.code().to_owned()).to_vec()
}

/// One step and what it said.
pub(super) struct Step {
    number: u8,
    name: String,
    refusals: Vec<Refusal>,
}

/// Walks the seventeen steps for a request.
pub(super) fn steps(rules: &Rules, request: &str, lang: Lang) -> Result<Vec<Step>, Failure> {
    let file: RequestFile = serde_json::from_str(request).map_err(|error| {
        Failure::new(Exit::Usage, "explain.request", format!("the request is not readable: {error}"))
            .hint("docs/guides/agreement.md shows one; codes as in docs/reference/openapi.json")
    })?;
    let agreement = rules.agreement();
    let now = day("on", file.on.as_ref())?.unwrap_or(agreement.in_force_on);
    let report = report(&file, agreement, now)?;
    let context = context(&file, agreement, &report, now)?;
    let stage = Stage::from_code(&file.agreement).ok_or_else(|| unknown("agreement"))?;
    let standing = Standing::new(stage, agreement.in_force_on, agreement.expires_on, agreement.survival);
    let recipient = party("to", &file.to)?;
    let asked = Disclosure {
        report: &report,
        recipient: &recipient,
        side: Side::Sender,
        context: &context,
        standing: &standing,
    };
    let every = walk(rules, &asked, now);
    Ok((1..=17)
        .map(|number| Step {
            number,
            name: label(lang, &format!("step.{number}")),
            refusals: every.iter().filter(|one| one.step() == number).cloned().collect(),
        })
        .collect())
}

/// The steps as lines, and whether the first fourteen permit.
pub(super) fn lines(steps: &[Step], lang: Lang) -> (Vec<String>, bool) {
    let mut lines = Vec::new();
    let mut stopped = false;
    for step in steps {
        // What comes after the decision happens only when nothing refused.
        let mark = match (step.refusals.is_empty(), step.number > 14 && stopped) {
            (false, _) => "no",
            (true, true) => "..",
            (true, false) => "ok",
        };
        lines.push(format!("{:>2} {mark:<3} {}", step.number, step.name));
        for refusal in &step.refusals {
            let clause = refusal.clause().map(|clause| format!(" [{clause}]")).unwrap_or_default();
            lines.push(format!("       {}{clause}", refusal.words().get(lang)));
        }
        stopped |= !step.refusals.is_empty();
    }
    (lines, !stopped)
}

/// The steps for a program.
pub(super) fn document(steps: &[Step], lang: Lang) -> Json {
    let refusal = |one: &Refusal| {
        json!({ "code": one.code().code(), "rule": one.rule(), "clause": one.clause(),
            "ground": one.ground().map(|ground| ground.code()), "text": one.words().get(lang) })
    };
    let all: Vec<Json> = steps
        .iter()
        .map(|step| {
            json!({ "step": step.number, "name": step.name,
                "refusals": step.refusals.iter().map(refusal).collect::<Vec<_>>() })
        })
        .collect();
    json!({ "permitted": steps.iter().all(|step| step.refusals.is_empty()), "steps": all })
}

fn unknown(field: &str) -> Failure {
    Failure::new(Exit::Usage, "explain.request", format!("`{field}` of the request is no known value"))
        .hint("codes as in docs/reference/openapi.json; days as 2026-11-24")
}

fn code<T, E>(field: &str, read: Result<T, E>) -> Result<T, Failure> {
    read.map_err(|_unknown| unknown(field))
}

fn party(field: &str, text: &str) -> Result<PartyId, Failure> {
    code(field, PartyId::new(text))
}

fn day(field: &str, text: Option<&String>) -> Result<Option<Timestamp>, Failure> {
    text.map(|text| Timestamp::parse(text).ok_or_else(|| unknown(field))).transpose()
}

/// What all claims of a request have in common.
struct Stated<'r> {
    owner: &'r PartyId,
    grade: Grade,
    handling: &'r Handling,
    now: Timestamp,
    expires: Timestamp,
}

impl Stated<'_> {
    fn subject(&self, person: &PersonFile, number: u8) -> Result<Subject, Failure> {
        let claims = person.attributes.iter().zip(1_u8..).map(|(text, at)| self.claim(text, number, at));
        let claims = claims.collect::<Result<Vec<_>, _>>()?;
        let class = code("class", SubjectClass::from_code(&person.class))?;
        let id = SubjectId::new([number; 16]);
        let mut subject = code("persons", Subject::new(id, SubjectKind::Person, Some(class), claims))?;
        for role in &person.protected {
            subject = subject.with_protected_role(code("protected", ProtectedRole::from_code(role))?);
        }
        Ok(if person.minor { subject.with_minor() } else { subject })
    }

    fn claim(&self, attribute: &str, number: u8, at: u8) -> Result<Claim, Failure> {
        let attribute = code("attributes", Attribute::from_code(attribute))?;
        Ok(Claim {
            id: ClaimId::new([number, at, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            attribute,
            value: value(attribute)?,
            originator: self.owner.clone(),
            source: ClaimSource::Officer,
            source_ref: "request".to_owned(),
            report: None,
            grade: self.grade,
            handling: self.handling.clone(),
            recorded: self.now,
            expires: self.expires,
        })
    }
}

fn report(file: &RequestFile, agreement: &Agreement, now: Timestamp) -> Result<Report, Failure> {
    let (codes, tlp, pap) = &agreement.handling;
    let handling = Handling::new(*codes, *tlp, *pap);
    let originator = party("from", &file.from)?;
    let expires = day("expires", file.expires.as_ref())?;
    let expires = expires.unwrap_or_else(|| now.plus(mithaq_model::Days(30)));
    let grade = file.grade.as_ref().map(|text| code("grade", Grade::from_code(text))).transpose()?;
    let plain = if file.text.is_empty() { "A fact" } else { &file.text };
    let line = |text: &str| code("text", Text::new(Lang::UND, text));
    let third = file.third_parties.iter().map(|text| party("third_parties", text));
    let third = third.collect::<Result<Vec<_>, _>>()?;
    let owner = third.first().unwrap_or(&originator);
    let stated =
        Stated { owner, grade: grade.unwrap_or(Grade::UNEVALUATED), handling: &handling, now, expires };
    let subjects = file.persons.iter().zip(1_u8..).map(|(person, number)| stated.subject(person, number));
    let subjects = subjects.collect::<Result<Vec<_>, _>>()?;
    let root = third.first().filter(|_| subjects.is_empty()).unwrap_or(&originator).clone();
    Ok(Report {
        id: ReportId::new([1; 16]),
        version: ReportVersion::FIRST,
        kind: ReportKind::Information,
        provenance: Provenance { originator: root, root: [1; 32] },
        originator,
        agreement: agreement.id(),
        recipients: vec![party("to", &file.to)?],
        purpose: code("purpose", Purpose::from_code(&file.purpose))?,
        area: code("area", CrimeArea::from_code(&file.area))?,
        offence: line(&file.offence)?,
        urgency: code("urgency", Urgency::from_code(&file.urgency))?,
        case_ref: CaseId::new([1; 16]),
        title: line("Request")?,
        facts: vec![Fact { text: line(plain)?, grade: grade.unwrap_or(Grade::UNEVALUATED) }],
        assessments: Vec::new(),
        subjects,
        links: Vec::new(),
        grade,
        handling,
        level: code("level", Level::from_code(&file.level))?,
        expires,
        exculpatory: false,
        machine_made: file.machine_made,
        obtained_in_violation: file.obtained_in_violation,
        created: now,
        tie: None,
        attachments: Vec::new(),
    })
}

/// A value of the right shape: the rules ask for kinds of data, not for data.
fn value(attribute: Attribute) -> Result<Value, Failure> {
    if attribute == Attribute::Name {
        return Ok(Value::Name {
            full: code("text", Text::line(Lang::UND, "N N"))?,
            script: Script::of("N N"),
            kind: NameKind::Primary,
            form: NameForm::Original,
            quality: NameQuality::Good,
        });
    }
    if attribute == Attribute::Born {
        return Ok(Value::Date(code("attributes", PartialDate::year(1980))?));
    }
    Ok(Value::Text(code("text", Text::line(Lang::UND, "-"))?))
}

/// The protected roles that two persons cleared; persons are numbered as in [`Stated::subject`].
fn clearances(file: &RequestFile) -> Result<Vec<Clearance>, Failure> {
    let mut all = Vec::new();
    for (person, number) in file.persons.iter().zip(1_u8..) {
        for role in &person.cleared {
            all.push(Clearance {
                subject: SubjectId::new([number; 16]),
                role: code("cleared", ProtectedRole::from_code(role))?,
                adviser: OfficerId::new([201; 16]),
                senior: OfficerId::new([202; 16]),
            });
        }
    }
    Ok(all)
}

fn context(
    file: &RequestFile,
    agreement: &Agreement,
    report: &Report,
    now: Timestamp,
) -> Result<Context, Failure> {
    let mut levels: Vec<(RiskDimension, RiskLevel)> =
        RiskDimension::ALL.iter().map(|one| (*one, RiskLevel::Low)).collect();
    for (dimension, level) in &file.risks {
        let dimension = code("risks", RiskDimension::from_code(dimension))?;
        levels.push((dimension, code("risks", RiskLevel::from_code(level))?));
    }
    let special: Vec<SpecialCategory> = if file.text_cleared { Vec::new() } else { screen::report(report) };
    let assurances = file.assurances.iter().map(|text| code("assurances", Assurance::from_code(text)));
    let consents = file.consents.iter().map(|text| party("consents", text));
    let approvals = (1_u8..).zip(&file.approved_by).map(|(number, text)| {
        Ok((OfficerId::new([number; 16]), code("approved_by", Role::from_code(text))?))
    });
    let highest = Level::ALL.iter().copied().max().unwrap_or(Level::Unclassified);
    Ok(Context {
        work: Work { role_may: true, case_open: true, case_assigned: true },
        signatures_good: true,
        rule_set: Some(agreement.id()),
        reply_bound: true,
        hold: file.hold,
        special_categories: special,
        clearances: clearances(file)?,
        excluded: None,
        consents: consents.collect::<Result<_, _>>()?,
        recipient_level: agreement.party(&party("to", &file.to)?).map_or(highest, |party| party.max_level),
        channel_level: highest,
        partner_risk: Some(RiskAssessment {
            levels,
            source: "request".to_owned(),
            made_on: now,
            valid_to: now.plus(mithaq_model::Days(1)),
        }),
        further_risks: Vec::new(),
        capital_offence: file.capital_offence,
        assurances: assurances.collect::<Result<_, _>>()?,
        reports_left: u64::from(agreement.budgets.reports_per_day.saturating_sub(file.sent_today)),
        bytes_left: agreement.budgets.bytes_per_day,
        bytes: 4_096,
        life_at_risk: file.life_at_risk,
        approvals: approvals.collect::<Result<_, Failure>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mithaq_testkit::agreement;

    const GOOD: &str = r#"{ "from": "ma-security", "to": "es-police", "area": "foreign_terrorist_fighters",
        "purpose": "investigate", "offence": "Recruitment for terrorism, penal code article 218-1",
        "persons": [{ "class": "suspect_committed" }] }"#;

    fn walked(request: &str) -> (Vec<String>, bool, Vec<u8>) {
        let rules = Rules::compile(&agreement("ma-security", "es-police")).unwrap();
        let steps = steps(&rules, request, Lang::FR).unwrap();
        assert_eq!(steps.len(), 17);
        let failing = steps.iter().filter(|step| !step.refusals.is_empty()).map(|step| step.number).collect();
        let (lines, permitted) = lines(&steps, Lang::FR);
        assert_eq!(document(&steps, Lang::FR)["permitted"], permitted);
        (lines, permitted, failing)
    }

    #[test]
    fn what_is_in_order_passes_all_seventeen() {
        let (lines, permitted, failing) = walked(GOOD);
        assert!(permitted && failing.is_empty(), "{lines:?}");
        assert_eq!(lines.len(), 17);
        assert!(lines.iter().all(|line| line.contains(" ok ")), "{lines:?}");
    }

    #[test]
    fn each_part_of_a_request_is_refused_at_its_step() {
        let with = |more: &str| GOOD.replacen('{', &format!("{{ {more},"), 1);
        for (request, steps) in [
            (GOOD.replace("foreign_terrorist_fighters", "corruption"), vec![3]),
            (with(r#""agreement": "suspended""#), vec![3]),
            (GOOD.replace("suspect_committed\"", "witness\""), vec![4]),
            (GOOD.replace("suspect_committed\"", "suspect_committed\", \"minor\": true"), vec![4]),
            (with(r#""text": "He is a Shia Muslim and prays often""#), vec![5]),
            (
                GOOD.replace("suspect_committed\"", "suspect_committed\", \"protected\": [\"lawyer\"]"),
                vec![6],
            ),
            (GOOD.replace("Recruitment for terrorism, penal code article 218-1", "terrorism"), vec![7]),
            (with(r#""grade": null"#), vec![8]),
            (with(r#""third_parties": ["ci-judiciary"]"#), vec![9]),
            (with(r#""level": "secret""#), vec![10]),
            (with(r#""risks": [["torture_cidt", "real"]]"#), vec![11]),
            (with(r#""expires": "2036-01-01""#), vec![12]),
            (with(r#""sent_today": 1000"#), vec![13]),
            (with(r#""approved_by": ["supervisor"]"#), vec![14]),
            (with(r#""hold": true"#), vec![3]),
            (
                GOOD.replace(
                    "suspect_committed\"",
                    "suspect_committed\", \"protected\": [\"child\"], \"cleared\": [\"child\"]",
                ),
                vec![4],
            ),
            (with(r#""level": "secret", "approved_by": [], "obtained_in_violation": true"#), vec![9, 10, 14]),
        ] {
            let (lines, permitted, failing) = walked(&request);
            assert!(!permitted, "{request}");
            assert_eq!(failing, steps, "{request}\n{lines:?}");
        }
    }

    #[test]
    fn what_people_cleared_passes() {
        let lawyer = "suspect_committed\", \"protected\": [\"lawyer\"], \"cleared\": [\"lawyer\"]";
        assert!(walked(&GOOD.replace("suspect_committed\"", lawyer)).1);
        let other = lawyer.replace("\"cleared\": [\"lawyer\"]", "\"cleared\": [\"doctor\"]");
        assert_eq!(walked(&GOOD.replace("suspect_committed\"", &other)).2, [6], "another role was cleared");
        let text = r#"{ "text": "He is a Shia Muslim and prays often", "text_cleared": true,"#;
        assert!(walked(&GOOD.replacen('{', text, 1)).1);
    }

    #[test]
    fn consent_and_a_life_at_risk_open_what_they_open() {
        let consented =
            GOOD.replacen('{', r#"{ "third_parties": ["ci-judiciary"], "consents": ["ci-judiciary"],"#, 1);
        assert!(walked(&consented).1);
        let life = GOOD
            .replacen('{', r#"{ "urgency": "threat_to_life", "life_at_risk": true, "sent_today": 1000,"#, 1)
            .replace("\"investigate\"", "\"threat_to_life\"");
        assert!(walked(&life).1);
    }

    #[test]
    fn a_request_that_cannot_be_read_says_where() {
        let rules = Rules::compile(&agreement("ma-security", "es-police")).unwrap();
        for bad in ["", "{}", &GOOD.replace("investigate", "gossip"), &GOOD.replace("\"from\"", "\"form\"")] {
            let failure = steps(&rules, bad, Lang::EN).err().unwrap();
            assert_eq!(failure.exit, Exit::Usage, "{bad}");
        }
    }
}
