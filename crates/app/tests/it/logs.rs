//! Logs about which people decide: a successor counts by its root or by two persons, and of two histories two persons
//! say which goes on.

use mithaq_app::{AppError, LogCause, LogRuling, WitnessAnswer, intent};
use mithaq_db::{Tx, backup_sqlite};
use mithaq_ledger::{AddCheckpoint, ForkProof};
use mithaq_model::Role;
use mithaq_store::ledger;

use crate::lost;
use crate::world::{ES, MA, Node, World};

const LOG: &str = "ma-security/log";
const NEXT: &str = "ma-security/log/2";

fn code<T: core::fmt::Debug>(answer: Result<T, AppError>) -> String {
    answer.unwrap_err().code().to_owned()
}

fn judge(node: &Node, login: &str, log: &str, ruling: LogRuling) -> Result<bool, AppError> {
    let may = node.actor(login).may(intent::JudgeLog)?;
    node.app.judge_log(may, &mithaq_testkit::party(MA), (log, ruling))
}

fn waits(node: &Node) -> Vec<(String, LogCause, usize)> {
    let health = node.actor("security").may(intent::ReadHealth).unwrap();
    let all = node.app.log_matters(health).unwrap();
    all.into_iter().map(|one| (one.origin, one.cause, one.said.len())).collect()
}

/// A node that was put back from a copy and writes a successor of its log.
fn restored() -> World {
    let (mut world, file) = lost::world();
    world.ma().app.sign_checkpoint().unwrap();
    assert!(matches!(world.countersign(0, 1), Some(WitnessAnswer::Signed(_))));
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("node.db");
    backup_sqlite(&file.path().unwrap(), &copy).unwrap();
    lost::put_back(&mut world, &copy);
    // The copy lives as long as the test.
    core::mem::forget(scratch);
    world
}

#[test]
fn a_successor_counts_only_once_two_persons_of_the_partner_say_so() {
    let world = restored();
    let es = world.es();
    assert_eq!(world.countersign(0, 1), Some(WitnessAnswer::UnknownLog));
    assert_eq!(world.countersign(0, 1), Some(WitnessAnswer::UnknownLog));
    assert_eq!(es.count("peer.log_succeeded"), 1, "people are told once");
    assert_eq!(waits(es), [(NEXT.to_owned(), LogCause::Succession, 0)]);
    // Who may not, another ruling, a log nobody asked about.
    assert!(es.actor("admin").may(intent::JudgeLog).is_err());
    assert_eq!(code(judge(es, "security", NEXT, LogRuling::Keep)), "logs.ruling");
    assert_eq!(code(judge(es, "security", "ma-security/log/3", LogRuling::Accept)), "logs.nothing_waits");
    assert_eq!(code(judge(es, "security", LOG, LogRuling::Accept)), "logs.nothing_waits");
    es.hire("both", &[Role::SecurityOfficer]);
    assert!(!judge(es, "security", NEXT, LogRuling::Accept).unwrap());
    assert!(!judge(es, "both", NEXT, LogRuling::Accept).unwrap(), "a second one of the same role");
    assert_eq!(world.countersign(0, 1), Some(WitnessAnswer::UnknownLog));
    assert!(judge(es, "supervisor", NEXT, LogRuling::Accept).unwrap());
    assert!(matches!(world.countersign(0, 1), Some(WitnessAnswer::Signed(_))));
    assert!(waits(es).is_empty());
    assert_eq!(es.count("peer.log_settled"), 1);
    // What it holds for its partner is the note of the log that goes on.
    let held = String::from_utf8(es.app.held_for(&world.ma().party).unwrap()).unwrap();
    assert!(held.starts_with("ma-security/log/2\n"), "{held}");
}

#[test]
fn a_successor_that_its_root_names_needs_nobody() {
    let world = restored();
    let (ma, es) = (world.ma(), world.es());
    assert_eq!(world.countersign(0, 1), Some(WitnessAnswer::UnknownLog));
    let key = ma.app.log_key().unwrap().to_string();
    assert!(key.starts_with("ma-security/log/2+"), "{key}");
    ma.install(&ma.next_manifest(2, |next| next.log_key.clone_from(&key)));
    world.hand_papers(0, 1).unwrap();
    ma.app.sign_checkpoint().unwrap();
    assert!(matches!(world.countersign(0, 1), Some(WitnessAnswer::Signed(_))));
    assert!(waits(es).is_empty(), "and nobody is asked any more");
    let held = String::from_utf8(es.app.held_for(&ma.party).unwrap()).unwrap();
    assert!(held.starts_with("ma-security/log/2\n"), "{held}");
    // Another log than its own is not named.
    let other = es.app.log_key().unwrap().to_string();
    let propose = ma.actor("security").may(intent::ProposeKeys).unwrap();
    let named = ma.next_manifest(3, |next| next.log_key.clone_from(&other));
    assert_eq!(code(ma.app.propose_keys(propose, &named)), "keys.log");
}

#[test]
fn a_successor_that_its_log_did_not_sign_tells_nobody() {
    let world = restored();
    let (ma, es) = (world.ma(), world.es());
    ma.app.sign_checkpoint().unwrap();
    let request = ma.app.witness_request(&es.party).unwrap().unwrap();
    let mut forged = AddCheckpoint::parse(&request.body).unwrap();
    let text = String::from_utf8(forged.note.clone()).unwrap();
    let size: u64 = text.lines().nth(1).unwrap().parse().unwrap();
    forged.note = text.replacen(&size.to_string(), &(size + 1).to_string(), 1).into_bytes();
    assert_eq!(es.app.countersign(&ma.party, &forged.to_bytes()).unwrap(), WitnessAnswer::Signature);
    assert_eq!(es.count("peer.log_succeeded"), 0);
    assert!(waits(es).is_empty());
}

/// Two nodes from one store sign different histories of one size, and the partner holds the first and the proof.
fn forked() -> (World, World) {
    let made = || {
        let mut world = World::strangers(&[MA, ES]);
        world.agreement = world.agree(0, 1, |text| text);
        world
    };
    let (world, copy) = (made(), made());
    world.ma().actor("analyst");
    copy.ma().actor("officer");
    for node in [world.ma(), copy.ma()] {
        node.app.sign_checkpoint().unwrap();
    }
    assert!(matches!(world.countersign(0, 1), Some(WitnessAnswer::Signed(_))));
    let es = world.es();
    let request = copy.ma().app.witness_request(&es.party).unwrap().unwrap();
    let note = AddCheckpoint::parse(&request.body).unwrap().note;
    let size: u64 = String::from_utf8(note.clone()).unwrap().lines().nth(1).unwrap().parse().unwrap();
    let shown = AddCheckpoint { old_size: size, proof: Vec::new(), note };
    assert_eq!(
        es.app.countersign(&copy.ma().party, &shown.to_bytes()).unwrap(),
        WitnessAnswer::Conflict(size)
    );
    let proofs =
        es.db.read(|tx: &mut dyn Tx| -> Result<_, AppError> { Ok(ledger::forks(tx, LOG)?) }).unwrap();
    assert_eq!(proofs.len(), 1);
    ForkProof::parse(&proofs[0]).unwrap().verify(&[world.ma().app.log_key().unwrap()]).unwrap();
    (world, copy)
}

/// The node goes on and asks to be countersigned.
fn goes_on(node: &Node, witness: &Node) -> Option<WitnessAnswer> {
    node.actor("spoc");
    node.app.sign_checkpoint().unwrap();
    World::ask_witness(node, witness)
}

#[test]
fn of_two_histories_two_persons_keep_one_and_it_is_countersigned_again() {
    let (world, copy) = forked();
    let es = world.es();
    assert!(matches!(goes_on(world.ma(), es), Some(WitnessAnswer::Conflict(_))), "nobody decided yet");
    assert!(world.ma().app.halted().is_none(), "what is held is its own");
    assert_eq!(waits(es), [(LOG.to_owned(), LogCause::Fork, 0)]);
    assert_eq!(code(judge(es, "security", LOG, LogRuling::Accept)), "logs.ruling");
    assert!(!judge(es, "security", LOG, LogRuling::Keep).unwrap());
    assert!(!judge(es, "supervisor", LOG, LogRuling::Adopt).unwrap(), "they do not agree");
    assert_eq!(waits(es), [(LOG.to_owned(), LogCause::Fork, 2)]);
    assert!(judge(es, "supervisor", LOG, LogRuling::Keep).unwrap());
    assert!(matches!(goes_on(world.ma(), es), Some(WitnessAnswer::Signed(_))));
    // The other one is found out and stops itself, and what convicts the log stays.
    goes_on(copy.ma(), es);
    assert_eq!(copy.ma().app.halted().as_deref(), Some("log.forked"));
    let kept = es.db.read(|tx: &mut dyn Tx| -> Result<_, AppError> { Ok(ledger::forks(tx, LOG)?) }).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(code(judge(es, "security", LOG, LogRuling::Keep)), "logs.nothing_waits");
}

#[test]
fn of_two_histories_two_persons_adopt_the_other_and_the_first_stops() {
    let (world, copy) = forked();
    let es = world.es();
    assert!(!judge(es, "supervisor", LOG, LogRuling::Adopt).unwrap());
    assert!(judge(es, "security", LOG, LogRuling::Adopt).unwrap());
    goes_on(copy.ma(), es);
    assert!(matches!(goes_on(copy.ma(), es), Some(WitnessAnswer::Signed(_))));
    assert!(copy.ma().app.halted().is_none());
    goes_on(world.ma(), es);
    assert_eq!(world.ma().app.halted().as_deref(), Some("log.forked"), "it learns that it is not the one");
}

#[test]
fn a_new_contradiction_after_a_ruling_waits_for_people_again() {
    let (world, copy) = forked();
    let es = world.es();
    judge(es, "security", LOG, LogRuling::Keep).unwrap();
    judge(es, "supervisor", LOG, LogRuling::Keep).unwrap();
    goes_on(world.ma(), es);
    // The copy grows to the size that is held and shows its own history of it.
    let held = String::from_utf8(es.app.held_for(&world.ma().party).unwrap()).unwrap();
    let size: u64 = held.lines().nth(1).unwrap().parse().unwrap();
    let mut note = Vec::new();
    for _ in 0..50 {
        copy.ma().app.sign_checkpoint().unwrap();
        note = copy.ma().app.last_checkpoint().unwrap().unwrap().to_bytes();
        let now: u64 = String::from_utf8(note.clone()).unwrap().lines().nth(1).unwrap().parse().unwrap();
        if now >= size {
            assert_eq!(now, size, "the entries of both are made the same way");
            break;
        }
        copy.ma().actor("spoc");
    }
    let shown = AddCheckpoint { old_size: size, proof: Vec::new(), note };
    let answer = es.app.countersign(&copy.ma().party, &shown.to_bytes()).unwrap();
    assert_eq!(answer, WitnessAnswer::Conflict(size));
    assert_eq!(waits(es), [(LOG.to_owned(), LogCause::Fork, 0)], "the old words are about the old proof");
    assert!(matches!(goes_on(world.ma(), es), Some(WitnessAnswer::Conflict(_))));
}
