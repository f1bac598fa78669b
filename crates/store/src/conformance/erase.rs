//! Erasing, looked for in the files themselves.

use std::path::Path;

use mithaq_db::{Engine, Tx};
use mithaq_exchange::{InRow, Versions};
use mithaq_model::ReportVersion;
use mithaq_wire::{Lane, Position, Verdict};

use super::{Node, nodes, number};
use crate::lanes::{self, LaneKey};
use crate::sql::sha256;
use crate::{cases, people, subjects};

const CANARY: &[u8] = b"the canary that nobody must find, in any file of the node, at any time";

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// In which files of the data directory the bytes lie.
fn found_in(directory: &Path, needle: &[u8]) -> Vec<String> {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let holding = files.filter(|path| contains(&std::fs::read(path).unwrap(), needle));
    holding.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// The stored content and the wrapped key of a report and a subject, which together open them.
fn secrets(node: &Node) -> Vec<Vec<u8>> {
    node.read(|tx: &mut dyn Tx, _| {
        let mut all = Vec::new();
        for sql in [
            "SELECT content FROM report_version WHERE content IS NOT NULL",
            "SELECT content FROM subject",
            "SELECT wrapped FROM record_key WHERE kind IN (6, 7)",
            "SELECT sealed FROM ledger_salt",
            "SELECT term FROM subject_term",
            "SELECT bytes FROM inbox WHERE bytes IS NOT NULL",
        ] {
            for mut row in tx.query(sql, &[])? {
                all.push(row.take_bytes(0)?);
            }
        }
        Ok(all)
    })
    .unwrap()
}

fn fill(node: &Node) {
    super::reports::add(node, 1, CANARY).unwrap();
    let terms = [node.vault.term("name:the canary")];
    node.write(move |tx, vault| {
        let new = subjects::NewSubject {
            head: super::subjects::head(1),
            content: CANARY,
            cases: &[],
            reports: &[number(1)],
            terms: &terms,
        };
        subjects::add_many(tx, vault, &[new])?;
        let row = InRow {
            at: Position { epoch: 1, seq: 1 },
            envelope: sha256(&[0xc4; 90]),
            bytes: vec![0xc4; 90],
            verdict: Verdict::Accepted,
            receipt: sha256(b"r"),
        };
        let lane = LaneKey::of(&super::lanes::lane_id(Lane::Report));
        lanes::carried(tx, lane, &[(row.at, number(1), ReportVersion::FIRST)])?;
        lanes::take(tx, lane, &[row])
    })
    .unwrap();
    super::evidence::log_with_salt(node, 1);
}

#[test]
fn after_an_erasure_nothing_that_opens_it_is_in_any_file() {
    for node in nodes() {
        fill(&node);
        let secrets = secrets(&node);
        assert_eq!(secrets.len(), 7);
        let directory = node.database.path().map(|file| file.parent().unwrap().to_owned());
        if let Some(directory) = &directory {
            for secret in &secrets {
                assert!(!found_in(directory, secret).is_empty(), "the search would find it");
            }
        }
        super::reports::erase(&node, 1, Versions::All).unwrap();
        node.write(|tx, _| {
            let from = subjects::of_report(tx, number(1))?;
            subjects::erase(tx, &from)
        })
        .unwrap();
        node.db().checkpoint().unwrap();
        if let Some(directory) = &directory {
            for secret in &secrets {
                assert_eq!(found_in(directory, secret), [""; 0]);
            }
        }
        let opened = node.read(|tx, v| crate::reports::content(tx, v, number(1), ReportVersion::FIRST));
        assert_eq!(opened.map(drop), Err(crate::StoreError::Missing { what: "content" }));
        assert_eq!(self::secrets(&node), Vec::<Vec<u8>>::new());
    }
}

#[test]
fn content_is_never_in_a_file_in_the_clear() {
    for mut node in nodes() {
        if node.db().engine() == Engine::Postgres {
            continue; // its files belong to the server; the rows are the same ciphertext
        }
        fill(&node);
        node.write(|tx, vault| {
            let text = |bytes: &[u8]| super::text(core::str::from_utf8(bytes).unwrap());
            let mut officer = super::office::officer(9);
            officer.name = mithaq_model::Sensitive::new(String::from_utf8(CANARY.to_vec()).unwrap());
            people::add(tx, vault, &officer)?;
            let mut case = super::office::case(9, &[9]);
            (case.title, case.offence) = (text(CANARY), text(CANARY));
            cases::add(tx, vault, &case)
        })
        .unwrap();
        let file = node.database.path().unwrap();
        let directory = file.parent().unwrap();
        assert_eq!(found_in(directory, CANARY), [""; 0]);
        assert_eq!(found_in(directory, b"name:the canary"), [""; 0]);
        node.database.reopen().unwrap();
        assert_eq!(found_in(directory, CANARY), [""; 0]);
    }
}
