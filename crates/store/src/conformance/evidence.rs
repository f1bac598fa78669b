use std::sync::Arc;

use ed25519_dalek::{Signer, SigningKey};
use mithaq_db::Tx;
use mithaq_ledger::{
    Entry, Hash, Held, Id, KeyKind, KeyName, NoteSigner, Trust, VerifierKey, commit_digest, content_digest,
    key_id, verify_bundle,
};
use mithaq_model::ObjectId;

use super::ledger::{ORIGIN, append, begin, entry};
use super::{Node, at, nodes, number};
use crate::StoreError;
use crate::ledger::{Append, Evidence, Filter, Ledger, Salt, erase_salts, set_witnessed, witnessed};

struct LogKey(SigningKey);

impl LogKey {
    fn new() -> Self {
        Self(SigningKey::from_bytes(&[1; 32]))
    }

    fn verifier(&self) -> VerifierKey {
        VerifierKey::new(ORIGIN, KeyKind::Ed25519, &self.0.verifying_key().to_bytes()).unwrap()
    }
}

impl NoteSigner for LogKey {
    fn name(&self) -> &str {
        ORIGIN
    }

    fn key_id(&self) -> u32 {
        key_id(&KeyName::new(ORIGIN).unwrap(), KeyKind::Ed25519, &self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

fn sign(node: &Node, ledger: &Arc<Ledger>) -> Result<u64, StoreError> {
    let ledger = Arc::clone(ledger);
    node.write(move |tx, _| {
        let checkpoint = ledger.checkpoint_to_sign(tx)?;
        ledger.put_checkpoint(tx, &checkpoint.sign(&LogKey::new()).unwrap())?;
        Ok(checkpoint.size())
    })
}

fn bundle(node: &Node, ledger: &Arc<Ledger>, filter: Filter) -> Result<Vec<u8>, StoreError> {
    let ledger = Arc::clone(ledger);
    node.read(move |tx, vault| {
        let documents: [(Id<'_>, &[u8]); 1] = [(Id::new("receipt-1").unwrap(), b"signed elsewhere")];
        let filters = [filter];
        let evidence = Evidence {
            filters: &filters,
            anchor: u64::MAX,
            witnesses: None,
            open: true,
            checkpoints: 3,
            documents: &documents,
        };
        ledger.bundle(tx, vault, &evidence)
    })
}

fn committed(object: ObjectId, content: &[u8], salt: u8) -> (Hash, Salt) {
    let salt = Salt { object, version: 1, salt: [salt; 32], digest: content_digest(content) };
    (commit_digest(&salt.salt, &salt.digest), salt)
}

fn append_committed(
    node: &Node,
    ledger: &Arc<Ledger>,
    object: &'static str,
    salt: u8,
) -> Result<(), StoreError> {
    let ledger = Arc::clone(ledger);
    node.write(move |tx, vault| {
        let (commitment, salt) = committed(number(salt), b"the content", salt);
        let entry = Entry { commitment: Some(commitment), ..entry(object, Some("C-1"), 5) };
        ledger.append(tx, vault, &[Append { entry, salt: Some(salt) }]).map(drop)
    })
}

/// One entry in a fresh log, with a salt that opens its commitment to the content of object `n`.
pub(super) fn log_with_salt(node: &Node, n: u8) {
    let ledger = begin(node);
    append_committed(node, &ledger, "O-a", n).unwrap();
}

#[test]
fn a_bundle_convinces_with_the_public_key_alone() {
    let (logs, all) = ([LogKey::new().verifier()], Filter::All);
    for node in nodes() {
        let ledger = begin(&node);
        let nothing = bundle(&node, &ledger, all.clone());
        assert_eq!(nothing, Err(StoreError::Missing { what: "signed checkpoint" }));
        append(&node, &ledger, 0, 300, false).unwrap();
        assert_eq!(sign(&node, &ledger), Ok(300));
        append_committed(&node, &ledger, "O-a", 1).unwrap();
        append(&node, &ledger, 300, 1_200, false).unwrap();
        append_committed(&node, &ledger, "O-a", 2).unwrap();
        assert_eq!(sign(&node, &ledger), Ok(1_502));
        append(&node, &ledger, 1_500, 5, false).unwrap();

        let bytes = bundle(&node, &ledger, all.clone()).unwrap();
        let whole = verify_bundle(&bytes, &Trust::logs_only(&logs)).unwrap();
        assert!(whole.is_complete() && whole.entry_count() == 1_502 && whole.earlier().len() == 1);
        assert_eq!((whole.openings().len(), whole.documents().len()), (2, 1));

        let bytes = bundle(&node, &ledger, Filter::Object("O-a".to_owned())).unwrap();
        let part = verify_bundle(&bytes, &Trust::logs_only(&logs)).unwrap();
        assert!(!part.is_complete() && part.entry_count() == 2 && part.segments().len() == 2);
        let bytes = bundle(&node, &ledger, Filter::Case("C-1".to_owned())).unwrap();
        assert_eq!(verify_bundle(&bytes, &Trust::logs_only(&logs)).unwrap().entry_count(), 2);
    }
}

#[test]
fn erased_salts_open_nothing_and_the_log_stays_whole() {
    let logs = [LogKey::new().verifier()];
    for node in nodes() {
        let ledger = begin(&node);
        append_committed(&node, &ledger, "O-a", 1).unwrap();
        append_committed(&node, &ledger, "O-b", 2).unwrap();
        sign(&node, &ledger).unwrap();
        assert_eq!(node.write(|tx, _| erase_salts(tx, number(1), Some(7))), Ok(0), "another version");
        assert_eq!(node.write(|tx, _| erase_salts(tx, number(1), Some(1))), Ok(1));
        let bytes = bundle(&node, &ledger, Filter::All).unwrap();
        let whole = verify_bundle(&bytes, &Trust::logs_only(&logs)).unwrap();
        assert!(whole.is_complete());
        assert_eq!(whole.openings().iter().map(|opened| opened.index).collect::<Vec<_>>(), [1]);
        assert_eq!(node.write(|tx, _| erase_salts(tx, number(2), None)), Ok(1));
    }
}

#[test]
fn a_salt_that_does_not_open_its_commitment_is_not_logged() {
    for node in nodes() {
        let ledger = begin(&node);
        let wrong = Arc::clone(&ledger);
        let refused = node.write(move |tx, vault| {
            let (commitment, _) = committed(number(1), b"the content", 1);
            let (_, salt) = committed(number(1), b"another content", 1);
            let entry = Entry { commitment: Some(commitment), ..entry("O-a", None, 5) };
            wrong.append(tx, vault, &[Append { entry, salt: Some(salt) }]).map(drop)
        });
        assert_eq!(refused, Err(StoreError::Integrity { table: "ledger_salt" }));
        assert_eq!(append(&node, &ledger, 0, 1, false), Ok(0));
    }
}

#[test]
fn a_salt_changed_or_moved_by_hand_is_refused() {
    for node in nodes() {
        let ledger = begin(&node);
        append_committed(&node, &ledger, "O-a", 1).unwrap();
        append_committed(&node, &ledger, "O-b", 2).unwrap();
        sign(&node, &ledger).unwrap();
        node.tamper(
            "UPDATE ledger_salt SET sealed = (SELECT s.sealed FROM ledger_salt s WHERE s.idx = 1) WHERE idx = 0",
        );
        let refused = bundle(&node, &ledger, Filter::All);
        assert_eq!(refused, Err(StoreError::Integrity { table: "ledger_salt" }));
    }
}

/// Puts the store back to an earlier state, as a restored backup is: it agrees with itself.
fn roll_back(node: &Node, tables: Vec<(i64, i64, Vec<u8>)>, state: Vec<u8>) {
    node.write(move |tx, _| {
        tx.exec("UPDATE ledger_log SET state = $1", &[state.into()])?;
        tx.exec("DELETE FROM ledger_tile", &[])?;
        for (level, index, hashes) in tables {
            tx.exec(
                "INSERT INTO ledger_tile (log, level, idx, hashes) VALUES (1, $1, $2, $3)",
                &[level.into(), index.into(), hashes.into()],
            )?;
        }
        Ok(())
    })
    .unwrap();
}

type Saved = (Vec<(i64, i64, Vec<u8>)>, Vec<u8>);

fn saved(tx: &mut dyn Tx) -> Result<Saved, StoreError> {
    let mut tiles = Vec::new();
    for mut row in tx.query("SELECT level, idx, hashes FROM ledger_tile", &[])? {
        tiles.push((row.int(0)?, row.int(1)?, row.take_bytes(2)?));
    }
    let state = tx.query_one("SELECT state FROM ledger_log", &[])?.take_bytes(0)?;
    Ok((tiles, state))
}

#[test]
fn a_store_rolled_back_whole_signs_nothing() {
    for node in nodes() {
        let ledger = begin(&node);
        append(&node, &ledger, 0, 500, false).unwrap();
        let (tiles, state) = node.read(|tx, _| saved(tx)).unwrap();
        append(&node, &ledger, 500, 200, false).unwrap();
        assert_eq!(sign(&node, &ledger), Ok(700));
        assert_eq!(sign(&node, &ledger), Ok(700), "the same again is no harm");
        roll_back(&node, tiles, state);
        let checking = Arc::clone(&ledger);
        assert_eq!(node.write(move |tx, _| checking.recheck(tx)).unwrap().0, 500, "it agrees with itself");
        assert_eq!(sign(&node, &ledger), Err(StoreError::LogBroken { stored: 500, signed: 700 }));
        // Another history up to the same length is no better.
        node.tamper("DELETE FROM ledger_entry WHERE idx >= 500");
        append(&node, &ledger, 9_000, 300, false).unwrap();
        assert_eq!(sign(&node, &ledger), Err(StoreError::LogBroken { stored: 800, signed: 700 }));
    }
}

#[test]
fn a_checkpoint_of_another_root_is_not_stored() {
    for node in nodes() {
        let ledger = begin(&node);
        append(&node, &ledger, 0, 3, false).unwrap();
        let refused = node.write(move |tx, _| {
            let wrong = mithaq_ledger::Checkpoint::new(ORIGIN, 3, Hash::new([9; 32]), Vec::new()).unwrap();
            ledger.put_checkpoint(tx, &wrong.sign(&LogKey::new()).unwrap())
        });
        assert_eq!(refused, Err(StoreError::Integrity { table: "ledger_checkpoint" }));
    }
}

#[test]
fn a_witness_compares_and_sets() {
    let held = |size, root| Held { size, root: Hash::new([root; 32]) };
    for node in nodes() {
        let set = |old: Held, new: Held| {
            node.write(move |tx, _| set_witnessed(tx, "es-police/log", &old, (&new, b"note"), at(1)))
        };
        let conflict = Err(StoreError::Conflict { what: "countersigned checkpoint" });
        assert_eq!(node.read(|tx, _| crate::ledger::held(tx, "es-police/log")), Ok(Held::NONE));
        assert_eq!(set(held(3, 1), held(4, 1)), conflict);
        assert_eq!(set(Held::NONE, held(3, 1)), Ok(()));
        assert_eq!(set(Held::NONE, held(4, 1)), conflict);
        assert_eq!(set(held(3, 2), held(4, 1)), conflict);
        assert_eq!(set(held(3, 1), held(4, 1)), Ok(()));
        assert_eq!(node.write(|tx, _| witnessed(tx, "es-police/log")), Ok(held(4, 1)));
    }
}
