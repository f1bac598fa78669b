use std::collections::BTreeMap;

use mithaq_model::{CaseId, LinkRole, ProtectedRole, ReportId, SubjectClass, SubjectId, SubjectKind};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::{Node, at, integrity, nodes, number};
use crate::links::{self, LinkHead};
use crate::subjects::{self, Head, NewSubject, Scope};
use crate::{Page, StoreError};

pub(super) fn head(n: u8) -> Head {
    Head {
        id: number(n),
        kind: SubjectKind::Person,
        class: Some(*SubjectClass::ALL.first().unwrap()),
        minor: n.is_multiple_of(2),
        protected: ProtectedRole::ALL.iter().copied().take(2).collect(),
        recorded: at(1),
        expires: at(100 + i64::from(n)),
    }
}

/// Stores one subject with content `[n; 40]`.
pub(super) fn add(node: &Node, n: u8, case: u8, terms: &[&str]) -> Result<(), StoreError> {
    let terms: Vec<_> = terms.iter().map(|term| node.vault.term(term)).collect();
    node.write(move |tx, v| {
        let (cases, reports) = ([number::<CaseId>(case)], [number::<ReportId>(case)]);
        let content = [n; 40];
        let new =
            NewSubject { head: head(n), content: &content, cases: &cases, reports: &reports, terms: &terms };
        subjects::add_many(tx, v, &[new])
    })
}

fn find(node: &Node, terms: &[&str], cases: Option<Vec<CaseId>>) -> Vec<(SubjectId, u32)> {
    let terms: Vec<_> = terms.iter().map(|term| node.vault.term(term)).collect();
    node.read(move |tx, _| {
        let scope = cases.as_deref().map_or(Scope::Node, Scope::Cases);
        subjects::find(tx, &terms, scope, 100)
    })
    .unwrap()
}

#[test]
fn subjects_come_back_as_they_were() {
    for node in nodes() {
        add(&node, 1, 9, &["name:a"]).unwrap();
        let found = node.read(|tx, v| subjects::get(tx, v, number(1))).unwrap().unwrap();
        assert_eq!((found.head, found.version, found.content.as_slice()), (head(1), 1, &[1; 40][..]));
        assert_eq!(node.read(|tx, v| subjects::get(tx, v, number(2))), Ok(None));
        assert_eq!(node.read(|tx, _| subjects::cases_of(tx, number(1))), Ok(vec![number(9)]));
        assert_eq!(node.read(|tx, _| subjects::reports_of(tx, number(1))), Ok(vec![number(9)]));
        assert!(matches!(add(&node, 1, 9, &[]), Err(StoreError::Db(_))), "a number is given once");
    }
}

#[test]
fn a_search_ends_at_its_scope_and_no_scope_is_nobody() {
    for node in nodes() {
        add(&node, 1, 9, &["name:a", "name:b"]).unwrap();
        add(&node, 2, 9, &["name:b", "name:b"]).unwrap();
        add(&node, 3, 8, &["name:b"]).unwrap();
        let case = |n: u8| Some(vec![number::<CaseId>(n)]);
        assert_eq!(find(&node, &["name:a", "name:b"], case(9)), [(number(1), 2), (number(2), 1)]);
        assert_eq!(find(&node, &["name:b"], case(8)), [(number(3), 1)]);
        assert_eq!(find(&node, &["name:b"], case(7)), []);
        assert_eq!(find(&node, &["name:b"], Some(vec![])), [], "no case is no subject");
        assert_eq!(find(&node, &[], None), [], "no term is no subject");
        assert_eq!(find(&node, &["name:b"], None).len(), 3);
        node.write(|tx, _| subjects::add_to_case(tx, number(3), number(9))).unwrap();
        node.write(|tx, _| subjects::add_to_case(tx, number(3), number(9))).unwrap();
        assert_eq!(find(&node, &["name:b"], case(9)).len(), 3);
        let ghost = node.write(|tx, _| subjects::add_to_case(tx, number(7), number(9)));
        assert_eq!(ghost, Err(StoreError::Missing { what: "subject" }));
        let two = Some(vec![number::<CaseId>(8), number::<CaseId>(9)]);
        assert_eq!(find(&node, &["name:b"], two), [(number(1), 1), (number(2), 1), (number(3), 1)]);
    }
}

#[test]
fn lists_are_pages_and_clocks_are_found() {
    for node in nodes() {
        for n in 1..=5 {
            add(&node, n, 9, &[]).unwrap();
        }
        let page = Page { after: Some(number::<SubjectId>(2)), limit: 2 };
        let page = node.read(move |tx, v| subjects::of_case(tx, v, number(9), &page)).unwrap();
        assert_eq!(page.iter().map(|s| s.head.id).collect::<Vec<_>>(), [number(3), number(4)]);
        assert_eq!(node.read(|tx, _| subjects::expired(tx, at(102), 10)), Ok(vec![number(1), number(2)]));
        let looked_for = [number(1), number(3), number(77), number(2)];
        let still = node.read(move |tx, _| subjects::still_expired(tx, at(102), &looked_for));
        assert_eq!(still, Ok(vec![number(1), number(2)]));
        assert_eq!(node.read(|tx, _| subjects::of_report(tx, number(9))).unwrap().len(), 5);
    }
}

/// A search asks each segment of the index, so those that hold nothing any more must go.
#[test]
fn parts_of_the_index_that_are_empty_go() {
    for node in nodes() {
        let words: Vec<String> = (0..6).map(|n| format!("name:{n}")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for n in 1..=4 {
            add(&node, n, 9, &words).unwrap();
        }
        let segments = || {
            let sql = "SELECT segment FROM subject_segment ORDER BY segment";
            let rows = node.read(move |tx, _| Ok(tx.query(sql, &[])?)).unwrap();
            rows.iter().map(|row| row.int(0).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(segments(), [1, 2, 3, 4], "eight terms each under test");
        assert_eq!(node.write(|tx, _| subjects::erase(tx, &[number(2), number(3)])), Ok(2));
        assert_eq!(segments(), [1, 4]);
        assert_eq!(find(&node, &words[..2], None), [(number(1), 2), (number(4), 2)]);
        assert_eq!(node.write(|tx, _| subjects::erase(tx, &[number(4), number(1)])), Ok(2));
        assert_eq!(segments(), [4], "the last takes what comes next");
    }
}

#[test]
fn replacing_takes_everything_of_before_with_it() {
    for node in nodes() {
        add(&node, 1, 9, &["name:a"]).unwrap();
        let terms = [node.vault.term("name:c")];
        let replace = move |version: u64| {
            node.write(move |tx, v| {
                let new = NewSubject {
                    head: Head { minor: true, ..head(1) },
                    content: b"new",
                    cases: &[],
                    reports: &[],
                    terms: &terms,
                };
                subjects::replace(tx, v, version, &new)
            })
            .map(|()| {
                assert_eq!(find(&node, &["name:a"], None), []);
                assert_eq!(find(&node, &["name:c"], None), [(number(1), 1)]);
                assert_eq!(node.read(|tx, _| subjects::cases_of(tx, number(1))), Ok(vec![]));
                let now = node.read(|tx, v| subjects::get(tx, v, number(1))).unwrap().unwrap();
                assert_eq!(
                    (now.version, now.content.as_slice(), now.head.minor),
                    (version + 1, &b"new"[..], true)
                );
                let keys = node
                    .read(|tx, _| Ok(tx.query("SELECT version FROM record_key WHERE kind = 7", &[])?.len()));
                assert_eq!(keys, Ok(1), "the key of the former content is gone");
            })
        };
        assert_eq!(replace(1), Ok(()));
        assert_eq!(replace(1), Err(StoreError::Conflict { what: "subject" }));
        assert_eq!(replace(2), Ok(()));
    }
}

#[test]
fn limits_are_refused() {
    for node in nodes() {
        let many: Vec<String> = (0..=subjects::TERMS_MAX).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let refused = add(&node, 1, 9, &many);
        assert_eq!(refused, Err(StoreError::Limit { what: "number of search terms" }));
        let terms = vec![node.vault.term("a"); subjects::SEARCH_TERMS_MAX + 1];
        let refused = node.read(move |tx, _| subjects::find(tx, &terms, Scope::Node, 1));
        assert_eq!(refused, Err(StoreError::Limit { what: "size of the search" }));
        node.tamper("UPDATE record_key SET wrapped = id");
        let damaged = node.read(|tx, v| subjects::get(tx, v, number(1)));
        assert_eq!(damaged, Ok(None));
    }
}

#[test]
fn columns_that_say_nonsense_are_refused() {
    for sql in [
        "UPDATE subject SET kind = 'ghost'",
        "UPDATE subject SET class = 'everybody'",
        "UPDATE subject SET protected = 'nobody'",
        "UPDATE subject SET version = 2",
        "UPDATE subject SET content = id",
    ] {
        for node in nodes() {
            add(&node, 1, 9, &[]).unwrap();
            node.tamper(sql);
            let refused = node.read(|tx, v| subjects::get(tx, v, number(1))).unwrap_err();
            let gone = refused == StoreError::Missing { what: "content" };
            assert!(integrity(&refused) || gone, "{sql}: {refused:?}");
        }
    }
}

#[test]
fn links_go_with_their_subjects() {
    let link = |n: u8, from: u8, to: u8| LinkHead {
        id: number(n),
        from: number(from),
        to: number(to),
        role: LinkRole::Finances,
        report: Some(number(50)),
        expires: at(5),
    };
    for node in nodes() {
        for n in 1..=3 {
            add(&node, n, 9, &[]).unwrap();
        }
        node.write(move |tx, v| {
            let links: [(LinkHead, &[u8]); 3] =
                [(link(1, 1, 2), b"g1"), (link(2, 2, 3), b"g2"), (link(3, 3, 3), b"g3")];
            links::add_many(tx, v, &links)
        })
        .unwrap();
        let of = |n: u8| {
            let found = node.read(move |tx, v| links::of_subject(tx, v, number(n))).unwrap();
            found.into_iter().map(|(head, content)| (head, content.to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(of(2), [(link(2, 2, 3), b"g2".to_vec()), (link(1, 1, 2), b"g1".to_vec())]);
        assert_eq!(of(3).len(), 2, "a link to itself is one link");
        assert_eq!(node.read(|tx, _| links::of_report(tx, number(50))).unwrap().len(), 3);
        assert_eq!(node.write(|tx, _| subjects::erase(tx, &[number(2), number(77)])), Ok(1));
        assert_eq!((of(1), of(3).len()), (vec![], 1));
        assert_eq!(node.write(|tx, _| links::erase(tx, &[number(3)])), Ok(1));
    }
}

#[derive(Debug, Clone)]
enum Step {
    Add(u8, Vec<u8>),
    Erase(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let add = (0..12_u8, prop::collection::vec(0..6_u8, 0..4)).prop_map(|(n, terms)| Step::Add(n, terms));
    prop::collection::vec(prop_oneof![3 => add, 1 => (0..12_u8).prop_map(Step::Erase)], 1..20)
}

/// Whatever is added and erased, each term finds exactly the subjects that have it.
#[test]
fn the_index_finds_what_is_there() {
    let nodes = nodes();
    let mut runner = TestRunner::new(ProptestConfig { cases: 16, ..ProptestConfig::default() });
    runner
        .run(&steps(), |steps| {
            for node in &nodes {
                one_history(node, &steps)?;
                // Empty again for the next: a database is dear to make.
                let all: Vec<SubjectId> = (0..12).map(number).collect();
                node.write(move |tx, _| subjects::erase(tx, &all)).unwrap();
            }
            Ok(())
        })
        .unwrap();
}

fn one_history(node: &Node, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut model: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Add(n, terms) if !model.contains_key(n) => {
                let words: Vec<String> = terms.iter().map(|t| format!("t{t}")).collect();
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                add(node, *n, n % 3, &words).unwrap();
                model.insert(*n, terms.clone());
            }
            Step::Add(..) => {}
            Step::Erase(n) => {
                let number = number(*n);
                let gone = node.write(move |tx, _| subjects::erase(tx, &[number])).unwrap();
                prop_assert_eq!(gone == 1, model.remove(n).is_some());
            }
        }
    }
    for term in 0..6_u8 {
        let found = find(node, &[&format!("t{term}")], None);
        let expected: Vec<_> =
            model.iter().filter(|(_, terms)| terms.contains(&term)).map(|(n, _)| (number(*n), 1)).collect();
        prop_assert_eq!(found, expected);
    }
    Ok(())
}
