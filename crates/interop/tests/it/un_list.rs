//! What becomes of entries, invented and real.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use mithaq_interop::un_list::{self, EntryError, Everything, Options, Record};
use mithaq_interop::{Loss, LossReport, Weakening};
use mithaq_model::{
    Attribute, ClaimSource, Grade, InfoGrade, NameKind, NameQuality, PartyId, Script, SourceGrade,
    SpecialCategory, SubjectClass, SubjectKind, Timestamp, Tlp, Value,
};

use crate::walker;

pub(crate) const FIXTURE: &str = include_str!("data/un-list.xml");

pub(crate) fn screen(_about: Attribute, text: &str) -> Vec<SpecialCategory> {
    if text.contains("SPECIAL-MARK") {
        vec![SpecialCategory::RaceEthnic, SpecialCategory::Health]
    } else {
        Vec::new()
    }
}

pub(crate) fn options(at: i64) -> Options<'static> {
    let (recorded, expires) = (Timestamp::from_millis(at), Timestamp::from_millis(at + 1_000));
    Options::new(PartyId::new("ma-security").unwrap(), recorded, expires, &screen)
}

fn fixture() -> Everything {
    un_list::read_all(FIXTURE.as_bytes(), options(0)).unwrap()
}

fn show(value: &Value) -> String {
    match value {
        Value::Name { full, script, kind, form, quality } => {
            format!("{} [{script} {kind} {form} {quality}]", full.reveal())
        }
        Value::Date(date) => date.to_string(),
        Value::Document(d) => {
            let text = |t: &Option<mithaq_model::Text>| t.as_ref().map_or("-", |t| t.reveal()).to_owned();
            let issued = d.issued.map_or("-".to_owned(), |date| date.to_string());
            let (kind, number) = (d.kind.reveal(), d.number.reveal());
            format!("{kind} | {number} | {} | {issued} | {}", text(&d.issuer), text(&d.note))
        }
        Value::Position(_) => "position".to_owned(),
        Value::Sex(sex) => sex.to_string(),
        Value::Status(status) => status.to_string(),
        Value::Class { class, .. } => class.to_string(),
        Value::Text(text) => text.reveal().to_owned(),
    }
}

fn said(record: &Record, attribute: Attribute) -> Vec<String> {
    let claims = record.subject.claims().iter().filter(|claim| claim.attribute == attribute);
    claims.map(|claim| show(&claim.value)).collect()
}

#[test]
fn names_in_every_script_with_quality() {
    let all = fixture();
    let person = &all.records[0];
    assert_eq!(
        said(person, Attribute::Name),
        [
            "IDRIS OULD SALEM [Latn primary transliterated unknown]",
            "إدريس ولد سالم [Arab primary original unknown]",
            "Idriss Salem [Latn alias original good]",
            "The Baker [Latn alias original low]",
            "Idris Salim [Latn former transliterated good]",
            "إدريس سالم [Arab former original good]",
            "Pekar [Latn alias transliterated good]",
            "Пекарь [Cyrl alias original good]",
            "I. Salem [Latn alias original unknown]",
        ]
    );
    let organisation = &all.records[2];
    assert_eq!(organisation.subject.kind(), SubjectKind::Organisation);
    assert_eq!(organisation.subject.class(), None);
    assert_eq!(
        said(organisation, Attribute::Name),
        [
            "BREAD & SALT © FOUNDATION [Latn primary original unknown]",
            "Bread and Salt [Latn alias original unknown]",
            "Salt & Bread [Latn former original unknown]",
        ]
    );
}

#[test]
fn dates_places_documents_and_listing() {
    let all = fixture();
    let person = &all.records[0];
    assert_eq!(
        said(person, Attribute::Born),
        ["1969-01-01", "1965-03-29", "1966", "~1967", "~1968", "1963/1970"]
    );
    assert_eq!(
        said(person, Attribute::Place),
        ["Tamchekett, Mauritania", "Tamchekett, Hodh, Mauritania ((now Tagant))"]
    );
    assert_eq!(
        said(person, Attribute::Address),
        ["Bread Street 1, Nouakchott, 101, Mauritania (formerly resident at)", "Atar"]
    );
    assert_eq!(
        said(person, Attribute::Document),
        [
            "Passport (service passport) | ZZ 000001 | Mauritania | 2012-01-31 | issued in Mali; issued at Bamako; expired"
        ]
    );
    assert_eq!(
        said(person, Attribute::Listing),
        [
            "version: 1",
            "regime: Invented",
            "reference: ZZi.001",
            "listed: 2019-04-01",
            "delisted: 2024-01-02",
            "submitted by: Member State",
            "list: UN List",
            "updated: 2020-01-01",
            "updated: last spring",
        ]
    );
    assert_eq!(
        said(person, Attribute::Comment),
        [
            "Manager of a bakery & a garage. Reportedly deceased.",
            "Alias The Baker: nom de guerre",
            "Address: in prison",
            "Date of birth 1963/1970: Approximately",
            "Date of birth as listed: EXACT 1965-02-30",
            "Date of birth (EXACT): Nov. 1973",
            "Document: Passport; number not known",
        ]
    );
    assert_eq!(said(person, Attribute::Role), ["a) Minister of Bread", "Baker"]);
    assert_eq!(said(person, Attribute::Title), ["Dr."]);
    assert_eq!(said(person, Attribute::Nationality), ["Mauritania"]);
    assert_eq!(said(person, Attribute::Sex), ["M"]);
    // "Reportedly deceased" in a comment is no status.
    assert!(said(person, Attribute::Status).is_empty());
}

#[test]
fn each_claim_keeps_source_grade_and_end() {
    let all = fixture();
    assert_eq!(all.generated, Timestamp::parse("2025-04-19T23:00:04.625Z"));
    let person = &all.records[0];
    assert_eq!(person.subject.class(), Some(SubjectClass::UnknownUncategorised));
    assert_eq!(said(person, Attribute::Class), ["unknown_uncategorised"]);
    assert_eq!(person.list.source_ref, "un-sc/900001/ZZi.001");
    for claim in person.subject.claims() {
        assert_eq!(claim.source, ClaimSource::PublicList);
        assert_eq!(claim.source_ref, "un-sc/900001/ZZi.001");
        assert_eq!(claim.grade, Grade::FourByFour(SourceGrade::B, InfoGrade::Two));
        assert_eq!(claim.handling.tlp(), Tlp::Clear);
        assert_eq!((claim.recorded.as_millis(), claim.expires.as_millis()), (0, 1_000));
        assert_eq!(claim.originator.as_str(), "ma-security");
    }
}

#[test]
fn refused_entries_do_not_stop_the_list() {
    let all = fixture();
    assert_eq!(
        all.refused,
        [(2, EntryError::NumberRepeated), (3, EntryError::NameMissing), (4, EntryError::NumberMissing)]
    );
    assert_eq!((all.report.persons(), all.report.organisations(), all.report.refused()), (2, 1, 3));
}

#[test]
fn what_is_not_carried_is_counted_with_its_reason() {
    let all = fixture();
    let lost = |path: &str, loss| {
        let path = format!("CONSOLIDATED_LIST/{path}");
        all.report.paths()[&path].lost.get(&loss).copied().unwrap_or(0)
    };
    let weak = |path: &str, weakening| {
        let path = format!("CONSOLIDATED_LIST/{path}");
        all.report.paths()[&path].weakened.get(&weakening).copied().unwrap_or(0)
    };
    let screened = Loss::Screened(SpecialCategory::RaceEthnic);
    let person = "INDIVIDUALS/INDIVIDUAL";
    for (path, loss) in [
        ("COMMENTS2", screened),
        ("INDIVIDUAL_ADDRESS/NOTE", screened),
        ("RELIGION", Loss::SpecialField),
        ("PHYSICAL_DESCRIPTION/HEIGHT", Loss::Unknown),
        ("EYES", Loss::Unknown),
        ("EYES/@colour", Loss::Unknown),
        ("#text", Loss::Unknown),
        ("SORT_KEY", Loss::Bookkeeping),
        ("SORT_KEY_LAST_MOD", Loss::Empty),
        ("NATIONALITY/VALUE", Loss::Placeholder),
        ("LAST_DAY_UPDATED/VALUE", Loss::Empty),
        ("INDIVIDUAL_ALIAS/QUALITY", Loss::Unreadable),
        ("INDIVIDUAL_ALIAS/ALIAS_NAME", Loss::Repeated),
        ("INDIVIDUAL_DATE_OF_BIRTH/TYPE_OF_DATE", Loss::Placeholder),
    ] {
        assert_eq!(lost(&format!("{person}/{path}"), loss), 1, "{path}");
    }
    assert_eq!(lost(person, Loss::EntryRefused), 3);
    assert_eq!(lost("VESSELS/VESSEL/NAME", Loss::Unknown), 1);
    for (path, weakening) in [
        ("LISTED_ON", Weakening::TimeZoneDropped),
        ("INDIVIDUAL_ALIAS/DATE_OF_BIRTH", Weakening::AliasLinkLost),
        ("INDIVIDUAL_ALIAS/CITY_OF_BIRTH", Weakening::AliasLinkLost),
        ("INDIVIDUAL_DATE_OF_BIRTH/DATE", Weakening::AsText),
    ] {
        assert!(weak(&format!("{person}/{path}"), weakening) >= 1, "{path}");
    }
    assert_eq!(all.report.categories()[&SpecialCategory::RaceEthnic], 2);
    assert_eq!(all.report.categories()[&SpecialCategory::Health], 2);
    assert_eq!(all.report.paths()["#comment"].lost[&Loss::Markup], 1);
    // The report names elements and counts, and repeats no content.
    let text = all.report.to_string();
    for content in ["SALEM", "SPECIAL-MARK", "Bread", "told", "green"] {
        assert!(!text.contains(content), "{content}");
    }
}

/// Every occurrence of every path is counted once: carried or lost.
fn nothing_is_silent(xml: &str, report: &LossReport) {
    let counted: BTreeMap<String, u64> = report
        .paths()
        .iter()
        .filter(|(path, _)| !path.contains('#'))
        .map(|(path, account)| (path.clone(), account.seen()))
        .collect();
    assert_eq!(counted, walker::paths(xml));
}

#[test]
fn every_element_is_accounted_for() {
    nothing_is_silent(FIXTURE, &fixture().report);
}

#[test]
fn reading_again_gives_the_same_ids_and_a_change_shows() {
    let ids = |xml: &str, at| -> BTreeSet<String> {
        let all = un_list::read_all(xml.as_bytes(), options(at)).unwrap();
        let subjects = all.records.iter().map(|r| r.subject.id().to_string());
        let claims = all.records.iter().flat_map(|r| r.subject.claims()).map(|c| c.id.to_string());
        subjects.chain(claims).collect()
    };
    let first = ids(FIXTURE, 0);
    assert_eq!(first, ids(FIXTURE, 86_400_000));
    let changed = ids(&FIXTURE.replace("<YEAR>1966</YEAR>", "<YEAR>1976</YEAR>"), 0);
    assert_eq!(first.difference(&changed).count(), 1);
    assert_eq!(changed.difference(&first).count(), 1);
    // Another alias in front changes no other claim.
    let added = FIXTURE.replacen(
        "<INDIVIDUAL_ALIAS>",
        "<INDIVIDUAL_ALIAS><ALIAS_NAME>New</ALIAS_NAME></INDIVIDUAL_ALIAS><INDIVIDUAL_ALIAS>",
        1,
    );
    let added = ids(&added, 0);
    assert!(first.is_subset(&added));
    assert_eq!(added.difference(&first).count(), 1);
}

#[test]
fn the_real_list() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/un-sc-consolidated-2025-04-19.xml");
    #[expect(
        clippy::disallowed_methods,
        reason = "a test reads a published file that is not in the repository"
    )]
    let Ok(xml) = std::fs::read_to_string(path) else {
        // Not `eprintln!`, which the test runner swallows.
        let words = "SKIPPED the_real_list: the published list of 2025-04-19 is not beside the repository";
        writeln!(std::io::stderr(), "{words}").unwrap();
        return;
    };
    let all = un_list::read_all(xml.as_bytes(), options(0)).unwrap();
    let count = |tag: &str| u64::try_from(xml.matches(tag).count()).unwrap();
    assert_eq!(all.report.persons(), 684);
    assert_eq!(all.report.persons(), count("<INDIVIDUAL>"));
    assert_eq!(all.report.organisations(), count("<ENTITY>"));
    assert_eq!(all.refused, []);
    nothing_is_silent(&xml, &all.report);
    // With a screen that never fires, nothing that says something is lost in today's list.
    let lost: Vec<_> = all
        .report
        .paths()
        .iter()
        .flat_map(|(path, account)| account.lost.keys().map(move |loss| (path, *loss)))
        .filter(|(_, loss)| loss.matters())
        .collect();
    assert_eq!(lost, []);
    let names: Vec<&Value> = all
        .records
        .iter()
        .flat_map(|r| r.subject.claims())
        .filter(|c| c.attribute == Attribute::Name)
        .map(|c| &c.value)
        .collect();
    let having = |test: &dyn Fn(&Value) -> bool| names.iter().filter(|v| test(v)).count();
    assert!(having(&|v| matches!(v, Value::Name { script: Script::Arabic, .. })) >= 300);
    assert!(having(&|v| matches!(v, Value::Name { script: Script::Cyrillic, .. })) >= 20);
    assert!(having(&|v| matches!(v, Value::Name { quality: NameQuality::Low, .. })) >= 500);
    assert!(having(&|v| matches!(v, Value::Name { kind: NameKind::Former, .. })) >= 40);
}
