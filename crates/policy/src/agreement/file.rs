//! The TOML of an agreement: strict shapes first, then every code and number checked with its line.

mod lines;
mod shape;

use std::collections::BTreeMap;

use mithaq_model::{
    AgreementId, Attribute, CrimeArea, Days, Equivalence, EquivalenceRow, HandlingCode, Lang, Level, Millis,
    Pap, PartyId, Purpose, RefusalGround, SubjectClass, Timestamp, Tlp, Urgency,
};

use self::lines::{Lines, shown};
use self::shape::{
    Dates, EquivalenceEntry, File, HandlingTable, OnwardTable, Party, PrivateCheckTable, Safeguards, Title,
};
use super::{
    Agreement, AgreementError, AgreementParty, Budgets, Kind, Onward, PrivateCheck, TEXT_MAX, agreement_id,
};

pub(super) fn parse(text: &str) -> Result<Agreement, AgreementError> {
    if text.len() > TEXT_MAX {
        return Err(AgreementError::Text("it is longer than 256 KiB"));
    }
    if text.starts_with('\u{feff}') || text.contains('\r') || text.contains('\0') {
        return Err(AgreementError::Text("save it as UTF-8 with LF line ends and without a byte order mark"));
    }
    let file: File = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(start).filter(|b| *b == b'\n').count() + 1;
        AgreementError::Toml { line, problem: without_values(error.message()) }
    })?;
    let lines = Lines(text);
    if file.format != 1 {
        return Err(lines.error("format", "is unknown; this program reads format 1"));
    }
    let parties = parties(&lines, &file.party)?;
    let dates = dates(&lines, &file.dates)?;
    safeguards(&lines, &file.safeguards)?;
    build(text, &lines, &file, parties, dates)
}

/// What the parser says, without the value it says it about: errors go to logs, the text of an agreement does not.
fn without_values(message: &str) -> String {
    match (message.split_once('"'), message.rsplit_once('"')) {
        (Some((before, _)), Some((_, after))) => format!("{before}\"…\"{after}"),
        _no_quoted_value => message.to_owned(),
    }
}

fn parties(lines: &Lines<'_>, file: &[Party]) -> Result<Vec<AgreementParty>, AgreementError> {
    if !(2..=32).contains(&file.len()) {
        return Err(lines.error("party", "is given less than twice or more than 32 times"));
    }
    let mut parties: Vec<AgreementParty> = Vec::with_capacity(file.len());
    for party in file {
        let id = lines.read("party.id", &party.id, PartyId::new, "3 to 40 of a-z 0-9 -")?;
        if parties.iter().any(|other| other.id == id) {
            return Err(lines.error("party.id", format!("names `{id}` twice")));
        }
        let state_good = party.state.len() == 2 && party.state.bytes().all(|b| b.is_ascii_uppercase());
        if !state_good {
            return Err(lines.error("party.state", "is no state; write two capital letters (ISO 3166-1)"));
        }
        parties.push(AgreementParty {
            id,
            state: party.state.clone(),
            root: fingerprint(&party.root).ok_or_else(|| {
                lines.error(
                    "party.root",
                    "is no fingerprint; write the 64 hexadecimal digits that `mithaq root show` prints",
                )
            })?,
            signatory: lines.line("party.signatory", &party.signatory)?,
            max_level: lines.read("party.max_level", &party.max_level, Level::from_code, LEVELS)?,
        });
    }
    Ok(parties)
}

const LEVELS: &str = "unclassified, restricted, confidential, secret or top_secret";

fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let plain = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let mut bytes = [0; 32];
    for (place, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *place = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    plain.then_some(bytes)
}

fn dates(lines: &Lines<'_>, file: &Dates) -> Result<[Timestamp; 3], AgreementError> {
    let signed = lines.date("dates.signed_on", &file.signed_on)?;
    let start = lines.date("dates.in_force_on", &file.in_force_on)?;
    let end = lines.date("dates.expires_on", &file.expires_on)?;
    if signed > start || start >= end {
        return Err(lines.error("dates.expires_on", "is out of order: signed, then in force, then over"));
    }
    if end.since(start) > Millis::from(Days(3_660)) {
        return Err(lines.error(
            "dates.expires_on",
            "is more than ten years away; agreements are renewed, not forgotten",
        ));
    }
    Ok([signed, start, end])
}

/// Two clauses every agreement has. They are written down so that both sides have read them; the limits behind
/// them are compiled in either way.
fn safeguards(lines: &Lines<'_>, file: &Safeguards) -> Result<(), AgreementError> {
    if !file.no_death_penalty {
        return Err(
            lines.error("safeguards.no_death_penalty", "must be true; this limit cannot be lifted (L7)")
        );
    }
    if !file.no_strike {
        return Err(lines.error("safeguards.no_strike", "must be true; this limit cannot be lifted (L23)"));
    }
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "one line per field of the agreement, in the order of the file")]
fn build(
    text: &str,
    lines: &Lines<'_>,
    file: &File,
    parties: Vec<AgreementParty>,
    [signed_on, in_force_on, expires_on]: [Timestamp; 3],
) -> Result<Agreement, AgreementError> {
    let scope = &file.scope;
    let (retention, retention_default) = retention(lines, &file.retention_days)?;
    let supersedes = file.supersedes.as_ref();
    let supersedes = supersedes
        .map(|id| lines.read("supersedes", id, str::parse::<AgreementId>, "the number of an agreement"));
    Ok(Agreement {
        id: agreement_id(text.as_bytes()),
        text: text.to_owned(),
        titles: titles(lines, &file.title)?,
        kind: lines.read(
            "kind",
            &file.kind,
            kind,
            "treaty, inter_ministerial, technical_arrangement or ad_hoc_team",
        )?,
        version: lines.within("version", file.version, 1, 1_000_000)?,
        supersedes: supersedes.transpose()?,
        signed_on,
        in_force_on,
        expires_on,
        notice: Days(lines.within("dates.notice_days", file.dates.notice_days, 0, 730)?),
        areas: lines.list(
            "scope.areas",
            &scope.areas,
            CrimeArea::from_code,
            "a code of the list of crime areas",
        )?,
        purposes: lines.list(
            "scope.purposes",
            &scope.purposes,
            Purpose::from_code,
            "a code of the list of purposes",
        )?,
        subject_classes: classes(lines, &scope.subject_classes)?,
        attributes: lines.list(
            "scope.attributes",
            &scope.attributes,
            Attribute::from_code,
            "a code of the list of attributes",
        )?,
        minors_protective: lines.read(
            "scope.minors",
            &scope.minors,
            minors,
            "`forbidden` or `protective_only`",
        )?,
        max_level: lines.read("scope.max_level", &scope.max_level, Level::from_code, LEVELS)?,
        equivalence: equivalence(lines, &file.equivalence, &parties)?,
        handling: handling(lines, &file.handling)?,
        retention,
        retention_default,
        lease: Days(lines.within("handling.lease_days", file.handling.lease_days, 1, 365)?),
        onward: onward(lines, &file.onward)?,
        evidence_needs_consent: lines.read(
            "evidence.use_in_court",
            &file.evidence.use_in_court,
            court,
            "`consent` or `allowed`",
        )?,
        clocks: clocks(lines, &file.clocks_hours)?,
        refusal_grounds: lines.list(
            "refusal_grounds",
            &file.refusal_grounds,
            RefusalGround::from_code,
            "R01 to R22",
        )?,
        budgets: Budgets {
            reports_per_day: lines.within(
                "budgets.reports_per_day",
                file.budgets.reports_per_day,
                1,
                100_000_000,
            )?,
            bytes_per_day: file.budgets.bytes_per_day,
        },
        languages: lines.list("languages", &file.languages, Lang::new, "language codes such as `ar`")?,
        assessment_max: Days(lines.within(
            "safeguards.assessment_max_days",
            file.safeguards.assessment_max_days,
            1,
            366,
        )?),
        review_every: Days(lines.within(
            "oversight.review_every_days",
            file.oversight.review_every_days,
            1,
            366,
        )?),
        survival: Days(lines.within("oversight.survival_days", file.oversight.survival_days, 1, 36_600)?),
        dispute_body: lines.line("dispute_body", &file.dispute_body)?,
        costs: lines.line("costs", &file.costs)?,
        suspension_grounds: sentences(lines, "suspension_grounds", &file.suspension_grounds)?,
        liaison_posts: sentences(lines, "liaison_posts", &file.liaison_posts)?,
        oversight_sees_content: file.oversight.sees_content,
        countersignatures: lines.within(
            "oversight.countersignatures",
            file.oversight.countersignatures,
            0,
            16,
        )?,
        private_check: private_check(lines, file.private_check.as_ref())?,
        parties,
    })
}

fn titles(lines: &Lines<'_>, file: &Title) -> Result<BTreeMap<Lang, String>, AgreementError> {
    [
        (Lang::AR, &file.ar, "title.ar"),
        (Lang::EN, &file.en, "title.en"),
        (Lang::ES, &file.es, "title.es"),
        (Lang::FR, &file.fr, "title.fr"),
    ]
    .into_iter()
    .map(|(lang, text, field)| Ok((lang, lines.line(field, text)?)))
    .collect()
}

fn kind(code: &str) -> Result<Kind, ()> {
    match code {
        "ad_hoc_team" => Ok(Kind::AdHocTeam),
        "inter_ministerial" => Ok(Kind::InterMinisterial),
        "technical_arrangement" => Ok(Kind::TechnicalArrangement),
        "treaty" => Ok(Kind::Treaty),
        _other => Err(()),
    }
}

fn minors(code: &str) -> Result<bool, ()> {
    match code {
        "forbidden" => Ok(false),
        "protective_only" => Ok(true),
        _other => Err(()),
    }
}

fn court(code: &str) -> Result<bool, ()> {
    match code {
        "consent" => Ok(true),
        "allowed" => Ok(false),
        _other => Err(()),
    }
}

fn classes(lines: &Lines<'_>, codes: &[String]) -> Result<Vec<SubjectClass>, AgreementError> {
    let field = "scope.subject_classes";
    let all = lines.list(field, codes, SubjectClass::from_code, "a code of the list of subject classes")?;
    if all.contains(&SubjectClass::Informant) {
        return Err(lines.error(field, "names `informant`, which never leaves a node; remove it"));
    }
    Ok(all)
}

fn handling(
    lines: &Lines<'_>,
    file: &HandlingTable,
) -> Result<(mithaq_model::HandlingCodes, Tlp, Pap), AgreementError> {
    let codes = lines.list("handling.codes", &file.codes, HandlingCode::from_code, "H0, H1, H2 or H3")?;
    let tlp = lines.read(
        "handling.tlp",
        &file.tlp,
        Tlp::from_code,
        "TLP:CLEAR, TLP:GREEN, TLP:AMBER, TLP:AMBER+STRICT or TLP:RED",
    )?;
    let pap = lines.read(
        "handling.pap",
        &file.pap,
        Pap::from_code,
        "PAP:CLEAR, PAP:GREEN, PAP:AMBER or PAP:RED",
    )?;
    Ok((codes.into_iter().collect(), tlp, pap))
}

fn retention(
    lines: &Lines<'_>,
    file: &BTreeMap<String, u32>,
) -> Result<(BTreeMap<SubjectClass, Days>, Days), AgreementError> {
    // Three years until review (Regulation (EU) 2016/794, Art. 31) is also the longest that is agreed on ahead.
    let days = |number| lines.within("retention_days", number, 1, 1_096).map(Days);
    let mut caps = BTreeMap::new();
    for (code, number) in file.iter().filter(|(code, _)| *code != "default") {
        let class =
            lines.read("retention_days", code, SubjectClass::from_code, "subject classes or `default`")?;
        caps.insert(class, days(*number)?);
    }
    let default = file.get("default").ok_or_else(|| lines.error("retention_days.default", "is missing"))?;
    Ok((caps, days(*default)?))
}

fn onward(lines: &Lines<'_>, file: &OnwardTable) -> Result<Onward, AgreementError> {
    match (file.rule.as_str(), file.parties.as_slice()) {
        ("forbidden", []) => Ok(Onward::Forbidden),
        ("consent", []) => Ok(Onward::Consent),
        ("list", parties) => {
            Ok(Onward::List(lines.list("onward.parties", parties, PartyId::new, "3 to 40 of a-z 0-9 -")?))
        }
        _other => Err(lines.error("onward.rule", "is not `forbidden`, `consent` or `list` with its parties")),
    }
}

fn clocks(
    lines: &Lines<'_>,
    file: &BTreeMap<String, u32>,
) -> Result<BTreeMap<Urgency, Millis>, AgreementError> {
    file.iter()
        .map(|(code, hours)| {
            let urgency =
                lines.read("clocks_hours", code, Urgency::from_code, "a code of the list of urgencies")?;
            Ok((urgency, Millis::hours(u64::from(lines.within("clocks_hours", *hours, 1, 8_784)?))))
        })
        .collect()
}

fn sentences(lines: &Lines<'_>, field: &str, texts: &[String]) -> Result<Vec<String>, AgreementError> {
    if texts.len() > 64 {
        return Err(lines.error(field, "has more than 64 entries"));
    }
    texts.iter().map(|text| lines.line(field, text)).collect()
}

fn equivalence(
    lines: &Lines<'_>,
    file: &[EquivalenceEntry],
    parties: &[AgreementParty],
) -> Result<Equivalence, AgreementError> {
    let mut rows: Vec<EquivalenceRow> = Vec::with_capacity(file.len());
    for entry in file {
        let party = lines.read("equivalence.party", &entry.party, PartyId::new, "the name of a party")?;
        if !parties.iter().any(|known| known.id == party) {
            return Err(lines.error("equivalence.party", format!("names `{party}`, which is no party")));
        }
        let row = EquivalenceRow {
            party,
            label: lines.line("equivalence.label", &entry.label)?,
            lang: lines.read("equivalence.lang", &entry.lang, Lang::new, "a language code")?,
            level: lines.read("equivalence.level", &entry.level, Level::from_code, LEVELS)?,
        };
        if rows.iter().any(|known| known.party == row.party && known.label == row.label) {
            return Err(
                lines.error("equivalence.label", format!("gives `{}` two meanings", shown(&row.label)))
            );
        }
        rows.push(row);
    }
    Ok(Equivalence(rows))
}

fn private_check(
    lines: &Lines<'_>,
    file: Option<&PrivateCheckTable>,
) -> Result<Option<PrivateCheck>, AgreementError> {
    let Some(file) = file else { return Ok(None) };
    let daily = lines.within("private_check.daily_cap", file.daily_cap, 1, 1_000_000)?;
    let part = |field, given: Option<u32>| lines.within(field, given.unwrap_or(daily), 1, daily);
    let token_policy = match file.token_policy.as_deref() {
        None => None,
        Some(text) => Some(fingerprint(text).ok_or_else(|| {
            let field = "private_check.token_policy";
            lines.error(
                field,
                "is no hash; write the 64 hexadecimal digits of the policy of tokens".to_owned(),
            )
        })?),
    };
    if file.verifiable && file.refuse_silently {
        let both = "is true beside `verifiable`: a proof tells a refusal apart; write one of the two";
        return Err(lines.error("private_check.refuse_silently", both.to_owned()));
    }
    let standing = |days| lines.within("private_check.standing_days", days, 1, 90).map(Days);
    Ok(Some(PrivateCheck {
        batch_cap: lines.within("private_check.batch_cap", file.batch_cap, 1, 1_000)?,
        daily_cap: daily,
        officer_cap: part("private_check.officer_cap", file.officer_cap)?,
        case_cap: part("private_check.case_cap", file.case_cap)?,
        review_after: part("private_check.review_after", file.review_after)?,
        token_policy,
        verifiable: file.verifiable,
        refuse_silently: file.refuse_silently,
        standing: file.standing_days.map(standing).transpose()?,
        events: file.events,
    }))
}
