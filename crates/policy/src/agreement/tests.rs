#![expect(clippy::string_slice, reason = "the sample is cut at places found in it")]

use super::*;

fn sample() -> String {
    let party = |id: &str, state: &str, root| TemplateParty {
        id: PartyId::new(id).unwrap(),
        state: state.to_owned(),
        root: [root; 32],
    };
    template(
        &[party("ma-security", "MA", 1), party("es-police", "ES", 2)],
        Timestamp::parse("2026-01-01").unwrap(),
    )
}

#[test]
fn the_template_is_a_valid_agreement() {
    let text = sample();
    let agreement = Agreement::parse(&text).unwrap();
    assert_eq!(agreement.text(), text);
    assert_eq!(agreement.parties.len(), 2);
    assert_eq!(agreement.partners(&PartyId::new("ma-security").unwrap()).count(), 1);
    assert_eq!(agreement.retention(Some(SubjectClass::ContactOrAssociate)), Days(365));
    assert_eq!(agreement.retention(Some(SubjectClass::Wanted)), Days(1095));
    assert_eq!(agreement.clock(Urgency::ThreatToLife), Millis::hours(8));
}

#[test]
fn one_letter_makes_another_agreement() {
    let text = sample();
    let other = text.replace("Each party bears its own", "Each party bears its  own");
    assert_ne!(Agreement::parse(&text).unwrap().id(), Agreement::parse(&other).unwrap().id());
    assert_eq!(Agreement::parse(&text).unwrap().id(), agreement_id(text.as_bytes()));
}

#[test]
fn errors_name_line_field_and_what_to_write() {
    for (from, to, field) in [
        ("\"terrorism\"", "\"everything\"", "scope.areas"),
        ("minors = \"forbidden\"", "minors = \"yes\"", "scope.minors"),
        ("no_death_penalty = true", "no_death_penalty = false", "safeguards.no_death_penalty"),
        ("no_strike = true", "no_strike = false", "safeguards.no_strike"),
        ("default = 1095", "default = 5000", "retention_days"),
        ("\"wanted\"", "\"informant\"", "scope.subject_classes"),
        ("rule = \"consent\"", "rule = \"list\"", "onward.parties"),
        ("lease_days = 30", "lease_days = 0", "handling.lease_days"),
        ("state = \"MA\"", "state = \"Morocco\"", "party.state"),
        ("expires_on = \"2028-12-31\"", "expires_on = \"2025-12-31\"", "dates.expires_on"),
        ("expires_on = \"2028-12-31\"", "expires_on = \"2099-12-31\"", "dates.expires_on"),
        ("id = \"es-police\"", "id = \"ma-security\"", "party.id"),
        ("tlp = \"TLP:AMBER+STRICT\"", "tlp = \"AMBER\"", "handling.tlp"),
    ] {
        let text = sample();
        assert!(text.contains(from), "{from}");
        match Agreement::parse(&text.replace(from, to)) {
            Err(AgreementError::Field { line, field: found, problem }) => {
                assert_eq!(found, field);
                assert!(line > 0 || field == "onward.parties", "{field}");
                assert!(problem.len() > 5);
            }
            other => panic!("{field}: {other:?}"),
        }
    }
}

#[test]
fn unknown_keys_missing_keys_and_other_files_are_refused() {
    let text = sample();
    assert!(
        matches!(Agreement::parse(&text.replace("notice_days", "notice_day")), Err(AgreementError::Toml { line, .. }) if line > 1)
    );
    assert!(matches!(Agreement::parse(&format!("extra = 1\n{text}")), Err(AgreementError::Toml { .. })));
    assert!(matches!(Agreement::parse(""), Err(AgreementError::Toml { .. })));
    assert!(matches!(Agreement::parse(&text.replace('\n', "\r\n")), Err(AgreementError::Text(_))));
    assert!(matches!(Agreement::parse(&format!("\u{feff}{text}")), Err(AgreementError::Text(_))));
    assert!(matches!(Agreement::parse(&"#".repeat(TEXT_MAX + 1)), Err(AgreementError::Text(_))));
}

#[test]
fn an_empty_list_is_refused_rather_than_read_as_everything() {
    let text = sample();
    for key in ["purposes = [", "areas = [", "subject_classes = [", "attributes = [", "codes = ["] {
        let start = text.find(key).unwrap() + key.len();
        let end = start + text[start..].find(']').unwrap();
        let emptied = format!("{}{}", &text[..start], &text[end..]);
        assert!(
            matches!(Agreement::parse(&emptied), Err(AgreementError::Field { problem, .. }) if problem.contains("empty")),
            "{key}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn foreign_text_never_panics(text in ".{0,400}", cut in 0_usize..4000) {
        let _ = Agreement::parse(&text);
        let sample = sample();
        let cut = sample.char_indices().map(|(i, _)| i).take_while(|i| *i <= cut).last().unwrap_or(0);
        let _ = Agreement::parse(&format!("{}{text}", &sample[..cut]));
    }
}
