use std::sync::Arc;

use mithaq_db::Tx;

use super::{Node, integrity, nodes, number, party, text};
use crate::{MasterKey, StoreError, Vault};

fn open(node: &Node, master: MasterKey) -> Result<Vault, StoreError> {
    let entropy = Arc::clone(&node.entropy);
    node.db().read(move |tx: &mut dyn Tx| Vault::open(tx, master, entropy))
}

#[test]
fn a_node_has_one_vault_and_opens_it_with_its_key_only() {
    for node in nodes() {
        let entropy = Arc::clone(&node.entropy);
        let again = node
            .db()
            .write(move |tx: &mut dyn Tx| Vault::create(tx, MasterKey::new(1, [3; 32]), entropy).map(drop));
        assert_eq!(again, Err(StoreError::Conflict { what: "vault" }));
        let same = open(&node, MasterKey::new(1, [3; 32])).unwrap();
        assert_eq!(same.term("name:a"), node.vault.term("name:a"));
        assert_ne!(same.term("name:a"), node.vault.term("name:b"));
        assert!(integrity(&open(&node, MasterKey::new(1, [4; 32])).unwrap_err()));
        let other = open(&node, MasterKey::new(2, [3; 32])).map(drop);
        assert_eq!(other, Err(StoreError::MasterKey { number: 1 }));
    }
}

#[test]
fn without_a_vault_nothing_is_begun_by_surprise() {
    for database in mithaq_db::testing::migrated(crate::MIGRATIONS).unwrap() {
        let entropy = Arc::new(crate::testing::Counter::new(1));
        let none = database
            .db()
            .read(move |tx: &mut dyn Tx| Vault::open(tx, MasterKey::new(1, [3; 32]), entropy).map(drop));
        assert_eq!(none, Err(StoreError::Missing { what: "vault" }));
    }
}

#[test]
fn changing_the_master_key_leaves_contents_and_index() {
    for node in nodes() {
        for n in 1..=7 {
            node.write(move |tx, vault| crate::people::add(tx, vault, &super::office::officer(n))).unwrap();
        }
        let before = node.read(content_bytes).unwrap();
        let new = MasterKey::new(2, [5; 32]);
        let mut changed = 0;
        loop {
            let new = new.clone();
            let done = node.write(move |tx, vault| vault.rewrap(tx, &new, 3)).unwrap();
            assert!(done <= 3);
            changed += done;
            if done == 0 {
                break;
            }
        }
        assert_eq!(changed, 8, "seven officers and the index secret");
        assert_eq!(node.read(content_bytes).unwrap(), before, "contents are not touched");
        let vault = open(&node, new).unwrap();
        assert_eq!(vault.term("name:a"), node.vault.term("name:a"));
        let opened = node.db().read(move |tx: &mut dyn Tx| crate::people::get(tx, &vault, number(4)));
        assert_eq!(opened.unwrap().map(|o| o.officer), Some(super::office::officer(4)));
        let old = node.read(|tx, vault| crate::people::get(tx, vault, number(4)));
        assert_eq!(old, Err(StoreError::MasterKey { number: 2 }));
        let same = node.write(|tx, vault| vault.rewrap(tx, &MasterKey::new(1, [9; 32]), 3));
        assert_eq!(same, Err(StoreError::Conflict { what: "master key" }));
    }
}

fn content_bytes(tx: &mut dyn Tx, _vault: &Vault) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows = tx.query("SELECT content FROM officer ORDER BY id", &[])?;
    rows.into_iter().map(|mut row| Ok(row.take_bytes(0)?)).collect()
}

#[test]
fn content_moved_to_another_row_or_changed_does_not_open() {
    for node in nodes() {
        for n in 1..=2 {
            node.write(move |tx, vault| crate::people::add(tx, vault, &super::office::officer(n))).unwrap();
        }
        // Content and key of one officer, put under the number of another.
        node.tamper(
            "UPDATE officer SET content = (SELECT o.content FROM officer o WHERE o.login = 'u-1')
             WHERE login = 'u-2'",
        );
        assert!(integrity(&node.read(|tx, v| crate::people::get(tx, v, number(2))).unwrap_err()));
        node.tamper("UPDATE record_key SET version = 9 WHERE kind = 4");
        let gone = node.read(|tx, v| crate::people::get(tx, v, number(1)));
        assert_eq!(gone, Err(StoreError::Missing { what: "content" }));
    }
}

/// Looks at everything, and says how many contents opened and what was damaged.
fn looked(node: &super::Node) -> (u64, Vec<(&'static str, u64)>) {
    let mut so_far = crate::sound::Look::default();
    loop {
        let mut part = so_far.clone();
        let (done, next) = node
            .read(move |tx, vault| {
                let done = crate::sound::look(tx, Some(vault), &mut part)?;
                Ok::<_, StoreError>((done, part))
            })
            .unwrap();
        so_far = next;
        if done {
            return (so_far.contents, so_far.damaged.into_iter().collect());
        }
    }
}

#[test]
fn a_row_that_is_not_what_was_put_there_is_found() {
    for node in nodes() {
        for n in 1..=3 {
            node.write(move |tx, vault| crate::people::add(tx, vault, &super::office::officer(n))).unwrap();
        }
        assert_eq!(looked(&node), (3, vec![]));
        node.tamper("UPDATE officer SET content = (SELECT o.content FROM officer o WHERE o.login = 'u-1') WHERE login = 'u-2'");
        assert_eq!(looked(&node), (2, vec![("officer", 1)]));
        node.tamper("UPDATE record_key SET wrapped = (SELECT k.wrapped FROM record_key k WHERE k.kind = 0) WHERE kind = 4");
        assert_eq!(looked(&node), (0, vec![("record_key", 3)]));
        node.tamper(
            "INSERT INTO inbox_ahead (lane, epoch, seq, hash, bytes)
             SELECT id, 1, 1, id, content FROM officer WHERE login = 'u-3'",
        );
        assert_eq!(looked(&node), (0, vec![("inbox_ahead", 1), ("record_key", 3)]));
    }
}

#[test]
fn settings_are_who_the_node_is() {
    use crate::settings::{Identity, create_identity, get, identity, set, set_accreditation};
    use mithaq_model::Level;
    let me = || Identity { party: party("ma-security"), accreditation: Level::Restricted };
    for node in nodes() {
        assert_eq!(node.read(|tx, _| identity(tx)), Ok(None));
        node.write(move |tx, _| create_identity(tx, &me())).unwrap();
        assert_eq!(node.read(|tx, _| identity(tx)), Ok(Some(me())));
        let other = Identity { party: party("es-police"), accreditation: Level::Secret };
        let became = node.write(move |tx, _| create_identity(tx, &other));
        assert_eq!(became, Err(StoreError::Conflict { what: "identity" }));
        node.write(|tx, _| set_accreditation(tx, Level::Secret)).unwrap();
        let now = node.read(|tx, _| identity(tx)).unwrap().unwrap();
        assert_eq!((now.accreditation, now.party), (Level::Secret, party("ma-security")));
        node.write(|tx, _| set(tx, "peer.limits", b"1").and_then(|()| set(tx, "peer.limits", b"2"))).unwrap();
        assert_eq!(node.read(|tx, _| get(tx, "peer.limits")), Ok(Some(b"2".to_vec())));
        let ours = node.write(|tx, _| set(tx, "party", b"x"));
        assert_eq!(ours, Err(StoreError::Limit { what: "name of a setting" }));
        assert_eq!(text("x").reveal(), "x");
    }
}
