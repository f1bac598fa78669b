use mithaq_model::{Lang, Role, SubjectId, Text};
use mithaq_wire::Digest;

use super::{Node, at, nodes, number};
use crate::rulings::{self, About, Ruling};

fn ruling(officer: u8, says: &str, subject: Option<SubjectId>) -> Ruling {
    Ruling {
        about: About {
            object: number(1),
            version: mithaq_model::ReportVersion::FIRST,
            matter: "protected:lawyer".to_owned(),
            subject,
        },
        officer: number(officer),
        role: Role::LegalAdviser,
        says: says.to_owned(),
        hash: Digest([9; 32]),
        at: at(i64::from(officer)),
        reason: [officer; 16],
    }
}

fn text(words: &str) -> Text {
    Text::new(Lang::EN, words).unwrap()
}

fn put(node: &Node, ruling: &Ruling, words: &'static str) {
    let ruling = ruling.clone();
    node.write(move |tx, vault| rulings::put(tx, vault, &ruling, &text(words))).unwrap();
}

#[test]
fn a_person_has_one_word_per_matter_and_subject() {
    for node in nodes() {
        let whole = ruling(1, "clear", None);
        put(&node, &whole, "first reason");
        let mut person = ruling(1, "clear", Some(number(7)));
        person.reason = [4; 16];
        put(&node, &person, "about one person");
        let mut later = ruling(1, "refuse", None);
        later.reason = [5; 16];
        put(&node, &later, "second reason");
        let version = whole.about.version;
        let all = node.read(move |tx, _| rulings::of_version(tx, number(1), version)).unwrap();
        assert_eq!(all.len(), 2, "the later word replaces the earlier, other subjects stay");
        assert!(all.contains(&later));
        let said = node.read(move |tx, vault| rulings::reason(tx, vault, &later)).unwrap();
        assert_eq!(said.unwrap().reveal(), "second reason");
        let former = node.read(move |tx, vault| rulings::reason(tx, vault, &whole)).unwrap();
        assert!(former.is_none(), "the reason of the replaced word is gone");
    }
}

#[test]
fn reasons_are_erased_and_who_decided_stays() {
    for node in nodes() {
        let one = ruling(2, "clear", None);
        put(&node, &one, "names a person");
        node.write(|tx, _| rulings::erase_reasons(tx, number(1))).unwrap();
        let found = node.read(move |tx, _| rulings::on_matter(tx, "protected:lawyer", at(0), 10)).unwrap();
        assert_eq!(found, std::slice::from_ref(&one));
        assert_eq!(node.read(|tx, _| rulings::since(tx, at(3), 10)).unwrap(), []);
        assert!(node.read(move |tx, vault| rulings::reason(tx, vault, &one)).unwrap().is_none());
    }
}
