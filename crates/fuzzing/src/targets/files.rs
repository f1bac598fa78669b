//! Files that people bring: an agreement to sign, a list of the Security Council.

use std::collections::BTreeSet;

use super::{Outcome, Target, refused, same_bytes};
use mithaq_interop::un_list::{self, Everything, Options};
use mithaq_model::{Attribute, PartyId, SpecialCategory, Timestamp};
use mithaq_policy::Agreement;
use mithaq_policy::agreement::{AgreementError, TemplateParty, template};

/// One entry of each kind, invented, with what most entries of the real list carry.
const LIST: &str = "<?xml version='1.0' encoding='UTF-8'?>
<CONSOLIDATED_LIST dateGenerated='2025-04-19T23:00:04.625Z'><INDIVIDUALS><INDIVIDUAL><DATAID>900001</DATAID>\
<VERSIONNUM>1</VERSIONNUM><FIRST_NAME>IDRIS</FIRST_NAME><SECOND_NAME>OULD SALEM</SECOND_NAME>\
<REFERENCE_NUMBER>ZZi.001</REFERENCE_NUMBER><LISTED_ON>2019-04-01</LISTED_ON><GENDER>Male</GENDER>\
<NAME_ORIGINAL_SCRIPT>إدريس ولد سالم</NAME_ORIGINAL_SCRIPT><COMMENTS1>Owns a bakery &amp; a garage.</COMMENTS1>\
<NATIONALITY><VALUE>Mauritania</VALUE></NATIONALITY><INDIVIDUAL_ALIAS><QUALITY>Good</QUALITY>\
<ALIAS_NAME>Idriss Salem</ALIAS_NAME></INDIVIDUAL_ALIAS><INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>EXACT\
</TYPE_OF_DATE><DATE>1969-01-01</DATE></INDIVIDUAL_DATE_OF_BIRTH></INDIVIDUAL></INDIVIDUALS><ENTITIES><ENTITY>\
<DATAID>900002</DATAID><VERSIONNUM>1</VERSIONNUM><FIRST_NAME>BAKERY OF TAMCHEKETT</FIRST_NAME>\
<REFERENCE_NUMBER>ZZe.002</REFERENCE_NUMBER></ENTITY></ENTITIES></CONSOLIDATED_LIST>";

const TOML_WORDS: &[&[u8]] = &[
    b"[[party]]\n",
    b"[scope]\n",
    b"[onward]\nrule = \"list\"\n",
    b"max_level = ",
    b"\"H2\"",
    b"\"TLP:RED\"",
    b"18446744073709551615",
    b"-1",
    b"1979-05-27",
    b"\"\"\"",
    b"'''",
];

const XML_WORDS: &[&[u8]] = &[
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
    b"&#x0;",
    b"&b;",
    b"<![CDATA[",
    b"]]>",
    b"<INDIVIDUAL>",
    b"</INDIVIDUAL>",
    b"<DATAID>900001</DATAID>",
    b"<VALUE/>",
    b"\xe2\x80\xae",
    b"\xef\xbb\xbf",
];

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target {
            name: "policy-agreement",
            about: "Agreement::parse",
            seeds: agreements(),
            dictionary: TOML_WORDS,
            run: agreement,
        },
        Target {
            name: "interop-un-list",
            about: "un_list::read_all",
            seeds: vec![LIST.as_bytes().to_vec()],
            dictionary: XML_WORDS,
            run: list,
        },
    ]
}

fn agreements() -> Vec<Vec<u8>> {
    let party = |name: &str, state: &str, root| {
        Some(TemplateParty { id: PartyId::new(name).ok()?, state: state.to_owned(), root: [root; 32] })
    };
    let parties = party("ma-security", "MA", 1).zip(party("es-police", "ES", 2));
    // No seeds: the test over all targets says so.
    let text = |(one, other)| template(&[one, other], Timestamp::from_millis(1_760_000_000_000)).into_bytes();
    parties.map(text).into_iter().collect()
}

/// Both sides sign the exact text, so the agreement must keep it, and have one number.
fn agreement(bytes: &[u8]) -> Outcome {
    let Ok(text) = core::str::from_utf8(bytes) else { return Outcome::Refused("not text".to_owned()) };
    match Agreement::parse(text) {
        Ok(read) => match Agreement::parse(read.text()) {
            Ok(again) if again.id() == read.id() => same_bytes(bytes, read.text().as_bytes()),
            _ => Outcome::Broken("read twice, two agreements".to_owned()),
        },
        Err(error) => Outcome::Refused(kind_of(&error)),
    }
}

/// The kind of a refusal without the words of the file it repeats, or every input has a reason of its own.
fn kind_of(error: &AgreementError) -> String {
    match error {
        AgreementError::Text(problem) => (*problem).to_owned(),
        AgreementError::Toml { problem, .. } => problem.split('`').step_by(2).collect(),
        AgreementError::Field { field, .. } => match field.split_once('.') {
            Some((table, _)) => format!("field of `{table}`"),
            None => "field".to_owned(),
        },
        _ => "another kind".to_owned(),
    }
}

fn screen(_about: Attribute, text: &str) -> Vec<SpecialCategory> {
    if text.contains("bakery") { vec![SpecialCategory::Health] } else { Vec::new() }
}

fn list(bytes: &[u8]) -> Outcome {
    let Ok(importer) = PartyId::new("ma-security") else { return Outcome::Broken("no importer".to_owned()) };
    let (recorded, expires) = (Timestamp::from_millis(0), Timestamp::from_millis(1_000));
    match un_list::read_all(bytes, Options::new(importer, recorded, expires, &screen)) {
        Ok(all) => accounted(&all),
        Err(error) => refused(error),
    }
}

/// Every entry is a record or a refusal, and the report counts both; no two records have one place in the list.
fn accounted(all: &Everything) -> Outcome {
    let same = |counted: u64, kept: usize| u64::try_from(kept) == Ok(counted);
    let read = all.report.persons().saturating_add(all.report.organisations());
    let places: BTreeSet<&str> = all.records.iter().map(|record| record.list.source_ref.as_str()).collect();
    if !same(read, all.records.len()) || !same(all.report.refused(), all.refused.len()) {
        Outcome::Broken("the report does not count what was read".to_owned())
    } else if places.len() != all.records.len() {
        Outcome::Broken("two records have one place in the list".to_owned())
    } else {
        Outcome::Accepted
    }
}
