//! A report is deleted at its origin: what stays at who held it, in any table at all.
//!
//! OpenCTI #18151 and #9700: after a delete, relations, references and rows of derived tables went on pointing at what
//! was gone, and each was found by somebody's crash. Here every column of every table of the holder's database is searched
//! for the numbers of the report, its subjects, claims, link and file, before and after.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_app::{AppError, Use};
use mithaq_db::{Engine, Tx, Value};
use mithaq_model::{CaseId, Link, LinkId, LinkRole, ReportId, Subject, SubjectClass, Timestamp};
use mithaq_testkit::{party, subject_named};

use crate::attachments::{attach, file, on_disk, own_root, pull_between};
use crate::erased::{OF_REPORTS, canaries};
use crate::onward::Chain;
use crate::world::{MA, Node, World, grade, handling};

const MIB: usize = 1024 * 1024;
const LINK: [u8; 16] = [0xd7; 16];

/// What a holder of the report has and must have no more.
const GONE: &[&str] = &[
    "attachment_file.root",
    "attachment_link.object",
    "attachment_link.root",
    "justification.object",
    "ledger_salt.object",
    "record_key.id",
];
/// The number alone, for as long as the agreement lives: that it was here and is gone, what was said about it, whom it
/// went to. Without these it could come again (I9), or nobody could prove that it was erased.
const KEPT: &[&str] = &[
    "holding.object",
    "holding_version.object",
    "inbox_object.object",
    "onward_consent.object",
    "onward_consent.token",
    "onward_copy.object",
    "onward_used.object",
    "outbox.object",
    "report.id",
    "report_version.id",
    "tombstone.object",
];

/// `table.column` for each number that is found in it.
type Places = BTreeMap<&'static str, BTreeSet<String>>;

fn tables(node: &Node) -> Vec<(String, String)> {
    let read = |tx: &mut dyn Tx| -> Result<Vec<(String, String)>, AppError> {
        let sql = match tx.engine() {
            Engine::Sqlite => {
                "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
                 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
            }
            Engine::Postgres => {
                "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns
                 WHERE table_schema = 'public'"
            }
        };
        let rows = tx.query(sql, &[])?;
        Ok(rows
            .iter()
            .map(|row| (row.text(0).unwrap().to_owned(), row.text(1).unwrap().to_owned()))
            .collect())
    };
    node.db.read(read).unwrap()
}

/// Where these numbers are, as bytes or spelled out.
fn places(node: &Node, numbers: &[(&'static str, Vec<u8>)]) -> Places {
    let mut found = Places::new();
    for (table, column) in tables(node) {
        let sql = format!("SELECT {column} FROM {table}");
        let read = move |tx: &mut dyn Tx| -> Result<Vec<Value>, AppError> {
            let rows = tx.query(&sql, &[])?;
            Ok(rows.into_iter().flat_map(mithaq_db::Row::into_values).collect())
        };
        for value in node.db.read(read).unwrap() {
            for (what, number) in numbers {
                if holds(&value, number) {
                    found.entry(what).or_default().insert(format!("{table}.{column}"));
                }
            }
        }
    }
    found
}

fn holds(value: &Value, number: &[u8]) -> bool {
    let hex = || number.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match value {
        Value::Bytes(bytes) => bytes.windows(number.len()).any(|part| part == number),
        Value::Text(text) => text.contains(&hex()),
        Value::Null | Value::Int(_) => false,
    }
}

fn people() -> [Subject; 2] {
    let of = |n, name| subject_named(n, name, SubjectClass::SuspectCommitted, MA);
    [of(0x71, "Abdelhamid Tazerout"), of(0x72, "Younes Belkadi")]
}

/// Two linked subjects and a file, at ES, and passed on to CI.
fn chain() -> Chain {
    let mut chain = Chain::of((|text| text, |text| text), release);
    pull_between((chain.ma(), chain.es()), 100).unwrap();
    chain.passed();
    pull_between((chain.es(), chain.ci()), 100).unwrap();
    chain.rest();
    chain
}

fn release(world: &mut World) -> (CaseId, ReportId) {
    let ma = world.ma();
    let case = ma.case(mithaq_model::CrimeArea::ForeignTerroristFighters);
    let [one, other] = people().map(|subject| ma.add_subject(case, subject));
    let link = Link {
        id: LinkId::new(LINK),
        from: one,
        to: other,
        role: LinkRole::Finances,
        originator: party(MA),
        grade: grade(),
        handling: handling(),
        expires: Timestamp::parse("2027-05-01").unwrap(),
    };
    let mut new = world.report(&[one, other]);
    new.links.push(link);
    let number = ma.draft(case, new);
    ma.grade(case, number);
    attach(ma, case, number, &file(MIB + 3, 9));
    crate::attachments::approve(ma, case, number);
    ma.release(number, &Use::default()).unwrap();
    (case, number)
}

#[test]
fn after_a_deletion_no_table_of_a_holder_points_at_what_is_gone() {
    let mut chain = chain();
    let mut numbers = vec![
        ("report", chain.number.as_bytes().to_vec()),
        ("link", LINK.to_vec()),
        ("file", own_root(chain.ma(), chain.number).0.to_vec()),
    ];
    for subject in people() {
        numbers.push(("subject", subject.id().as_bytes().to_vec()));
        numbers.extend(subject.claims().iter().map(|claim| ("claim", claim.id.as_bytes().to_vec())));
    }
    let held: Vec<_> = [chain.es(), chain.ci()].map(|node| canaries(node, OF_REPORTS)).into();
    for (node, held) in [chain.es(), chain.ci()].into_iter().zip(&held) {
        let before = places(node, &numbers);
        for gone in GONE {
            let found = before.values().any(|places| places.contains(*gone));
            assert!(found, "the search finds what is there: {gone} in {before:?}");
        }
        assert!(held.len() > 100 && on_disk(&node.mark) > 0);
    }
    chain.recall();
    chain.rest();
    for (node, held) in [chain.es(), chain.ci()].into_iter().zip(&held) {
        let after = places(node, &numbers);
        assert_eq!(after.keys().copied().collect::<Vec<_>>(), ["file", "report"], "{after:?}");
        assert_eq!(after["file"].iter().collect::<Vec<_>>(), ["ledger_entry.entry"], "of its ciphertext");
        let left: Vec<_> = after["report"].iter().filter(|place| !KEPT.contains(&place.as_str())).collect();
        assert_eq!(left, Vec::<&String>::new(), "points at what is gone");
        let kept = canaries(node, OF_REPORTS);
        assert!(!held.iter().any(|part| kept.contains(part)), "content, envelope, key or salt");
        assert_eq!(on_disk(&node.mark), 0);
    }
}
