//! The slow, obvious second implementation of the release decision: plain conditions in the order of the domain
//! page, §2.13, written from that page and sharing no code with the engine. It answers with every guard that
//! fails at the first failing step, because several rules of one step may fail together.

use std::collections::BTreeSet;

use mithaq_model::{
    Assurance, Attribute, DenialCode, Grade, InfoGrade, Level, PartyId, ProtectedRole, Purpose, Report,
    ReportKind, RiskDimension, RiskLevel, SourceGrade, Subject, SubjectClass, SubjectKind, Tie, Timestamp,
    Tlp, Urgency, Value,
};
use mithaq_policy::{Agreement, Consent, Context, Disclosure, HopDisclosure, Onward, Side};

/// The first failing step and every guard that fails at it; nothing when it may be disclosed.
#[must_use]
pub fn refuses(
    agreement: &Agreement,
    asked: &Disclosure<'_>,
    now: Timestamp,
) -> Option<(u8, BTreeSet<DenialCode>)> {
    let steps: [(u8, Vec<DenialCode>); 13] = [
        (1, role_and_case(asked)),
        (2, signatures(agreement, asked)),
        (3, scope(agreement, asked, now)),
        (4, classes(agreement, asked.report)),
        (
            5,
            if asked.context.special_categories.is_empty() {
                vec![]
            } else {
                vec![DenialCode::SpecialCategory]
            },
        ),
        (6, protected(agreement, asked)),
        (7, predicate(asked)),
        (8, grade(asked.report)),
        (9, originators(agreement, asked)),
        (10, classification(agreement, asked)),
        (11, risk(agreement, asked, now)),
        (12, retention(agreement, asked, now)),
        (13, if emergency(asked) { vec![] } else { budget(asked.context) }),
    ];
    for (step, failing) in steps {
        if !failing.is_empty() {
            return Some((step, failing.into_iter().collect()));
        }
    }
    let mut officers: Vec<_> = asked.context.approvals.iter().map(|approval| approval.0).collect();
    let mut roles: Vec<_> = asked.context.approvals.iter().map(|approval| approval.1).collect();
    officers.sort();
    officers.dedup();
    roles.sort();
    roles.dedup();
    if officers.len() < 2 || roles.len() < 2 {
        return Some((14, BTreeSet::from([DenialCode::TwoPerson])));
    }
    None
}

/// The same for a hop: what is passed on with the consent of its originator. Without one that fits in every respect it
/// is no at step 9, whatever else is wrong; with it, it is judged as the forwarder's own report to one party, in which
/// the originator alone consents, and from which nothing can be left out.
#[must_use]
pub fn refuses_hop(
    agreement: &Agreement,
    hop: &HopDisclosure<'_>,
    now: Timestamp,
) -> Option<(u8, BTreeSet<DenialCode>)> {
    let no_consent = Some((9, BTreeSet::from([DenialCode::Originator])));
    let Ok(consent) = hop.consent else { return no_consent };
    let Consent { originator, report, version, by, to, purpose, use_by, keep_until } = consent;
    let mine = hop.report;
    let fits = (originator, *report, *version, *purpose)
        == (&mine.originator, mine.id, mine.version, mine.purpose)
        && (by, to) == (hop.forwarder, hop.recipient);
    if !fits || now >= *use_by || now >= *keep_until || matches!(mine.tie, Some(Tie::Asks(_))) {
        return no_consent;
    }
    // For named eyes only.
    if mine.handling.tlp() == Tlp::Red {
        return no_consent;
    }
    let mut sent = mine.clone();
    sent.originator = hop.forwarder.clone();
    sent.agreement = agreement.id();
    sent.recipients = vec![hop.recipient.clone()];
    sent.tie = None;
    if *keep_until < sent.expires {
        sent.expires = *keep_until;
    }
    let mut context = hop.context.clone();
    context.consents = vec![mine.originator.clone()];
    let asked = Disclosure {
        report: &sent,
        recipient: hop.recipient,
        side: hop.side,
        context: &context,
        standing: hop.standing,
    };
    if let Some(refused) = refuses(agreement, &asked, now) {
        return Some(refused);
    }
    for subject in &sent.subjects {
        for claim in subject.claims() {
            if !agreement.attributes.contains(&claim.attribute) {
                return Some((12, BTreeSet::from([DenialCode::Retention])));
            }
        }
    }
    None
}

fn role_and_case(asked: &Disclosure<'_>) -> Vec<DenialCode> {
    let mut failing = Vec::new();
    if asked.side == Side::Sender {
        if !asked.context.work.role_may {
            failing.push(DenialCode::Role);
        }
        if !asked.context.work.case_open || !asked.context.work.case_assigned {
            failing.push(DenialCode::Case);
        }
    }
    failing
}

fn signatures(agreement: &Agreement, asked: &Disclosure<'_>) -> Vec<DenialCode> {
    let id = agreement.id();
    let good =
        asked.context.signatures_good && asked.context.rule_set == Some(id) && asked.report.agreement == id;
    if good { vec![] } else { vec![DenialCode::Signature] }
}

fn scope(agreement: &Agreement, asked: &Disclosure<'_>, now: Timestamp) -> Vec<DenialCode> {
    let report = asked.report;
    let mut failing = Vec::new();
    let members: Vec<&PartyId> = agreement.parties.iter().map(|party| &party.id).collect();
    if !asked.standing.is_in_force(now)
        || !members.contains(&&report.originator)
        || !members.contains(&asked.recipient)
        || report.originator == *asked.recipient
        || !report.recipients.iter().any(|one| one == asked.recipient)
        || !agreement.areas.contains(&report.area)
    {
        failing.push(DenialCode::Agreement);
    }
    if !agreement.purposes.contains(&report.purpose) {
        failing.push(DenialCode::Purpose);
    }
    if asked.context.hold {
        failing.push(DenialCode::Hold);
    }
    match &report.tie {
        Some(Tie::Asks(ask)) => {
            let mut good = report.kind == ReportKind::Request && ask.lawful_at_home && !ask.sought.is_empty();
            good = good && report.recipients.len() == 1;
            match report.urgency {
                Urgency::Routine | Urgency::Complex => {}
                Urgency::DetentionDecision
                | Urgency::LossOfRelevance
                | Urgency::PublicSecurityImminent
                | Urgency::ThreatToLife => good = good && ask.urgency_reason.is_some(),
            }
            for person in persons(report) {
                good = good && ask.connections.iter().any(|one| one.subject == person.id());
            }
            if !good {
                failing.push(DenialCode::Purpose);
            }
        }
        Some(Tie::Answers { .. }) | None if report.kind == ReportKind::Request => {
            failing.push(DenialCode::Purpose);
        }
        Some(Tie::Answers { .. }) | None => {}
    }
    // Wrong by itself, also when what calls itself a request answers one.
    if matches!(report.tie, Some(Tie::Answers { .. })) && !asked.context.reply_bound {
        failing.push(DenialCode::Case);
    }
    failing
}

fn persons(report: &Report) -> Vec<&Subject> {
    report.subjects.iter().filter(|subject| subject.kind() == SubjectKind::Person).collect()
}

fn classes(agreement: &Agreement, report: &Report) -> Vec<DenialCode> {
    let without_persons = report.kind == ReportKind::Statistical
        || report.kind == ReportKind::ModusOperandi
        || report.purpose == Purpose::StrategicNonpersonal;
    for person in persons(report) {
        let Some(class) = person.class() else { return vec![DenialCode::Category] };
        if without_persons
            || class == SubjectClass::Informant
            || class == SubjectClass::UnknownUncategorised
            || !agreement.subject_classes.contains(&class)
        {
            return vec![DenialCode::Category];
        }
        let protects = report.purpose == Purpose::ThreatToLife
            || report.purpose == Purpose::LocateMissing
            || report.purpose == Purpose::IdentifyVictim;
        if (person.is_minor() || person.protected_roles().contains(&ProtectedRole::Child))
            && !(agreement.minors_protective && protects)
        {
            return vec![DenialCode::Category];
        }
        let mut identified = false;
        for claim in person.claims() {
            if claim.attribute == Attribute::Born
                || claim.attribute == Attribute::Document
                || claim.attribute == Attribute::Place
                || claim.attribute == Attribute::Contact
                || claim.attribute == Attribute::Listing
            {
                identified = true;
            }
        }
        if !identified {
            return vec![DenialCode::Category];
        }
    }
    vec![]
}

fn protected(agreement: &Agreement, asked: &Disclosure<'_>) -> Vec<DenialCode> {
    for person in persons(asked.report) {
        for role in person.protected_roles() {
            if *role == ProtectedRole::AsylumSeekerRefugee
                && may_have_fled(agreement, person, asked.recipient)
            {
                return vec![DenialCode::ProtectedRole];
            }
            let mut cleared = *role == ProtectedRole::Child || emergency(asked);
            for one in &asked.context.clearances {
                if one.subject == person.id() && one.role == *role && one.adviser != one.senior {
                    cleared = true;
                }
            }
            if !cleared {
                return vec![DenialCode::ProtectedRole];
            }
        }
    }
    vec![]
}

/// Two persons opened it, and it says of itself twice that a life is at risk.
fn emergency(asked: &Disclosure<'_>) -> bool {
    asked.context.life_at_risk
        && asked.report.urgency == mithaq_model::Urgency::ThreatToLife
        && asked.report.purpose == Purpose::ThreatToLife
}

fn may_have_fled(agreement: &Agreement, person: &Subject, recipient: &PartyId) -> bool {
    let mut known = 0;
    for claim in person.claims() {
        if claim.attribute != Attribute::Nationality {
            continue;
        }
        known += 1;
        let Value::Text(written) = &claim.value else { return true };
        if written.reveal().len() != 2 {
            return true;
        }
        match agreement.parties.iter().find(|party| party.id == *recipient) {
            Some(party) if party.state != written.reveal().to_ascii_uppercase() => {}
            _same_or_unknown => return true,
        }
    }
    known == 0
}

fn predicate(asked: &Disclosure<'_>) -> Vec<DenialCode> {
    let offence = asked.report.offence.reveal();
    let words = offence.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count();
    let number = offence.chars().any(char::is_numeric);
    if asked.context.excluded.is_some() || words < 2 || !number { vec![DenialCode::Purpose] } else { vec![] }
}

fn grade(report: &Report) -> Vec<DenialCode> {
    let Some(whole) = report.grade else { return vec![DenialCode::Grade] };
    if report.machine_made && whole.as_four_by_four() != (SourceGrade::X, InfoGrade::Four) {
        return vec![DenialCode::Grade];
    }
    let weak = |grade: Grade| {
        let (source, info) = grade.as_four_by_four();
        info == InfoGrade::Four || source == SourceGrade::C || source == SourceGrade::X
    };
    let wanted = persons(report).iter().any(|person| person.class() == Some(SubjectClass::Wanted));
    if wanted && (weak(whole) || report.facts.iter().any(|fact| weak(fact.grade))) {
        return vec![DenialCode::Grade];
    }
    vec![]
}

fn originators(agreement: &Agreement, asked: &Disclosure<'_>) -> Vec<DenialCode> {
    let report = asked.report;
    if report.obtained_in_violation {
        return vec![DenialCode::Originator];
    }
    // Each part with who controls it and whether its own handling names the recipient.
    let mut parts: Vec<(&PartyId, bool)> = vec![(&report.provenance.originator, false)];
    for subject in &report.subjects {
        for claim in subject.claims() {
            parts.push((&claim.originator, claim.handling.onward().contains(asked.recipient)));
        }
    }
    for link in &report.links {
        parts.push((&link.originator, link.handling.onward().contains(asked.recipient)));
    }
    for (originator, named) in parts {
        if *originator == report.originator {
            continue;
        }
        if agreement.onward == Onward::Forbidden {
            return vec![DenialCode::Originator];
        }
        if !named && !asked.context.consents.contains(originator) {
            return vec![DenialCode::Originator];
        }
    }
    vec![]
}

fn classification(agreement: &Agreement, asked: &Disclosure<'_>) -> Vec<DenialCode> {
    let rank = |level: Level| match level {
        Level::Unclassified => 0,
        Level::Restricted => 1,
        Level::Confidential => 2,
        Level::Secret => 3,
        Level::TopSecret => 4,
    };
    let asks = rank(asked.report.level);
    let party = agreement.parties.iter().find(|party| party.id == *asked.recipient);
    let may = asks <= rank(agreement.max_level)
        && asks <= rank(asked.context.recipient_level)
        && asks <= rank(asked.context.channel_level)
        && party.is_some_and(|party| asks <= rank(party.max_level));
    if may { vec![] } else { vec![DenialCode::Classification] }
}

fn risk(agreement: &Agreement, asked: &Disclosure<'_>, now: Timestamp) -> Vec<DenialCode> {
    let failing = vec![DenialCode::Risk];
    if asked.side == Side::Receiver {
        return vec![];
    }
    let Some(partner) = &asked.context.partner_risk else { return failing };
    let age_days = (now.as_millis() - partner.made_on.as_millis()) / 86_400_000;
    let older = (now.as_millis() - partner.made_on.as_millis()) % 86_400_000 > 0;
    let longest = i64::from(agreement.assessment_max.0);
    let too_old = age_days > longest || (age_days == longest && older);
    if partner.made_on > now || partner.valid_to <= now || too_old {
        return failing;
    }
    if persons(asked.report).is_empty() {
        return vec![];
    }
    let at_least = |dimension: RiskDimension, threshold: RiskLevel| {
        let assessed = partner.levels.iter().any(|(one, _)| *one == dimension);
        let all = partner.levels.iter().chain(&asked.context.further_risks);
        !assessed || all.into_iter().any(|(one, level)| *one == dimension && *level >= threshold)
    };
    let stops = at_least(RiskDimension::TortureCidt, RiskLevel::Real)
        || at_least(RiskDimension::EnforcedDisappearance, RiskLevel::Real)
        || at_least(RiskDimension::DeathPenalty, RiskLevel::Real)
        || at_least(RiskDimension::Refoulement, RiskLevel::Real)
        || at_least(RiskDimension::UnfairTrial, RiskLevel::High)
        || at_least(RiskDimension::PoliticalMisuse, RiskLevel::High)
        || (asked.context.capital_offence
            && !asked.context.assurances.contains(&Assurance::WrittenNoDeathPenalty));
    if stops { failing } else { vec![] }
}

fn retention(agreement: &Agreement, asked: &Disclosure<'_>, now: Timestamp) -> Vec<DenialCode> {
    let report = asked.report;
    if asked.side == Side::Receiver {
        for subject in &report.subjects {
            for claim in subject.claims() {
                if !agreement.attributes.contains(&claim.attribute) {
                    return vec![DenialCode::Retention];
                }
            }
        }
    }
    // With no subject, the default binds; otherwise the strictest cap of all of them.
    let mut longest = if report.subjects.is_empty() { agreement.retention_default.0 } else { u32::MAX };
    for subject in &report.subjects {
        let cap = subject.class().and_then(|class| agreement.retention.get(&class));
        longest = longest.min(cap.unwrap_or(&agreement.retention_default).0);
    }
    let last = now.as_millis().saturating_add(i64::from(longest) * 86_400_000);
    let good = report.expires > now && report.expires.as_millis() <= last;
    if good { vec![] } else { vec![DenialCode::Retention] }
}

fn budget(context: &Context) -> Vec<DenialCode> {
    if context.reports_left == 0 || context.bytes > context.bytes_left {
        vec![DenialCode::Budget]
    } else {
        vec![]
    }
}
