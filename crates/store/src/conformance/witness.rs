//! Countersignatures, forks and lanes after a loss, on both engines.

use std::sync::Arc;

use mithaq_ledger::{Checkpoint, KeyName, NoteSignature, SignedNote};
use mithaq_wire::{Digest, Lane, LaneId, Position};

use super::ledger::{ORIGIN, append, begin};
use super::{AGREEMENT, Node, at, integrity, nodes, party};
use crate::StoreError;
use crate::lanes::{self, LaneKey, Lost};
use crate::ledger::{Cosigner, Ledger, add_fork, forks};

/// A signature line; whether it verifies is not for the store.
fn line(name: &str, byte: u8) -> NoteSignature {
    NoteSignature { name: KeyName::new(name).unwrap(), key_id: 7, bytes: vec![byte; 64] }
}

fn signed(node: &Node, ledger: &Arc<Ledger>) -> SignedNote {
    let ledger = Arc::clone(ledger);
    node.write(move |tx, _| {
        let checkpoint = ledger.checkpoint_to_sign(tx)?;
        let mut note = SignedNote::new(checkpoint.to_text()).unwrap();
        note.add(line(ORIGIN, 1)).unwrap();
        ledger.put_checkpoint(tx, &note)?;
        Ok(note)
    })
    .unwrap()
}

#[test]
fn countersignatures_are_added_and_nothing_else_of_a_checkpoint_changes() {
    for node in nodes() {
        let ledger = begin(&node);
        append(&node, &ledger, 0, 3, false).unwrap();
        let note = signed(&node, &ledger);
        let adding = Arc::clone(&ledger);
        node.write(move |tx, _| {
            adding.countersigned(tx, 3, line("es-police/witness", 2))?;
            // The same key again changes nothing.
            adding.countersigned(tx, 3, line("es-police/witness", 3))
        })
        .unwrap();
        let reading = Arc::clone(&ledger);
        let stored = node.read(move |tx, _| reading.checkpoint_at(tx, 3)).unwrap().unwrap();
        assert_eq!((stored.text(), stored.signatures().len()), (note.text(), 2));
        assert_eq!(stored.signatures()[1].bytes, vec![2; 64]);
        let none = Arc::clone(&ledger);
        let missing = node.write(move |tx, _| none.countersigned(tx, 2, line("es-police/witness", 2)));
        assert_eq!(missing, Err(StoreError::Missing { what: "signed checkpoint" }));
        // One size, one text.
        let other = Arc::clone(&ledger);
        let twice = node.write(move |tx, _| {
            let root = other.root_at(tx, 3)?;
            let text = Checkpoint::new(ORIGIN, 3, root, vec!["more".to_owned()]).unwrap().to_text();
            let mut note = SignedNote::new(text).unwrap();
            note.add(line(ORIGIN, 1)).unwrap();
            other.put_checkpoint(tx, &note)
        });
        assert!(integrity(&twice.unwrap_err()));
    }
}

#[test]
fn how_far_partners_are_is_kept_per_log() {
    for node in nodes() {
        let ledger = begin(&node);
        let far = |size, refused: Option<&str>| Cosigner {
            party: party("es-police"),
            size,
            at: Some(at(5)),
            refused: refused.map(str::to_owned),
        };
        for cosigner in [far(3, None), far(9, Some("witness.conflict"))] {
            let (writing, row) = (Arc::clone(&ledger), cosigner.clone());
            node.write(move |tx, _| writing.put_cosigner(tx, &row)).unwrap();
            let reading = Arc::clone(&ledger);
            assert_eq!(node.read(move |tx, _| reading.cosigners(tx)).unwrap(), [cosigner]);
        }
        let successor = node.write(|tx, _| Ledger::create(tx, 2, "ma-security/log/2", at(1))).unwrap();
        assert_eq!(node.read(move |tx, _| successor.cosigners(tx)).unwrap(), []);
    }
}

#[test]
fn a_fork_is_kept_once_and_byte_for_byte() {
    for node in nodes() {
        let add = || node.write(|tx, _| add_fork(tx, "es-police/log", b"proof", at(1))).unwrap();
        assert_eq!((add(), add()), (true, false));
        assert_eq!(node.read(|tx, _| forks(tx, "es-police/log")).unwrap(), [b"proof".to_vec()]);
        assert_eq!(node.read(|tx, _| forks(tx, "ci-judiciary/log")).unwrap(), [] as [Vec<u8>; 0]);
        node.tamper("UPDATE fork_proof SET bytes = hash");
        assert!(integrity(&node.read(|tx, _| forks(tx, "es-police/log")).unwrap_err()));
    }
}

#[test]
fn lanes_after_a_loss_wait_for_their_epoch_and_keep_what_partners_signed_for() {
    let id = LaneId {
        from: party("ma-security"),
        to: party("es-police"),
        agreement: AGREEMENT,
        lane: Lane::Report,
    };
    for node in nodes() {
        let (lane, key) = (id.clone(), LaneKey::of(&id));
        node.write(move |tx, _| lanes::mark_restored(tx, &lane, at(1))).unwrap();
        let waiting = || node.read(|tx, _| lanes::restoring(tx, &party("es-police"))).unwrap();
        assert_eq!(waiting(), std::slice::from_ref(&id));
        assert!(node.read(move |tx, _| lanes::is_restoring(tx, key)).unwrap());
        let lost = |seq| Lost {
            at: Position { epoch: 1, seq },
            envelope: Digest([2; 32]),
            verdict: "accepted".to_owned(),
            receipt: Digest([3; 32]),
        };
        let rows = [lost(4), lost(5)];
        let added = node.write(move |tx, _| lanes::add_lost(tx, key, &rows, at(2))).unwrap();
        let again = node.write(move |tx, _| lanes::add_lost(tx, key, &[lost(5)], at(3))).unwrap();
        assert_eq!((added, again), (2, 0));
        assert_eq!(node.read(move |tx, _| lanes::lost(tx, key)).unwrap(), [lost(4), lost(5)]);
        node.write(move |tx, _| lanes::begun(tx, key, at(4))).unwrap();
        assert_eq!(waiting(), []);
    }
}
