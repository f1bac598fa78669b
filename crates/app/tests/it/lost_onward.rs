//! A forwarder that is put back from a copy of before it passed something on: what the originator orders reaches the copy
//! that the forwarder does not remember.

use mithaq_app::HolderStanding;
use mithaq_db::backup_sqlite;
use mithaq_db::testing::TestDatabase;
use mithaq_model::ObjectId;

use crate::lost::{exchange_under, put_back_node};
use crate::onward::Chain;
use crate::world::{CI, ES, MA, Node, World};

/// The forwarder is copied between the two, passes the report on, and is put back; then the originator recalls. The files of
/// its database are returned too: they go with the last of them.
fn forwarder_lost_the_hop(
    before: impl Fn(&mut Chain) -> ObjectId,
    after: impl Fn(&mut Chain, ObjectId),
) -> (Chain, TestDatabase, tempfile::TempDir) {
    let file = mithaq_db::testing::sqlite().unwrap();
    let mut world = World::strangers(&[MA, ES, CI]);
    let clock = world.clock.clone();
    world.nodes[1] = Node::new(ES, 32, &clock, file.db().clone());
    let mut chain = Chain::between(world, (|text| text, |text| text), |world| world.released());
    let consent = before(&mut chain);
    chain.es().app.sign_checkpoint().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("node.db");
    backup_sqlite(&file.path().unwrap(), &copy).unwrap();
    after(&mut chain, consent);
    chain.pass(CI).unwrap();
    chain.rest();
    chain.read_at_ci().unwrap();
    put_back_node(&mut chain.world, 1, &copy, (2, "es-police/log/2"));
    let pairs = [(0, 1, chain.first), (1, 2, chain.second), (0, 2, chain.third)];
    exchange_under(&mut chain.world, &pairs);
    chain.recall();
    exchange_under(&mut chain.world, &pairs);
    (chain, file, scratch)
}

fn is_erased_everywhere(chain: &Chain) {
    let standings: Vec<_> = chain.tree().into_iter().map(|(.., standing)| standing).collect();
    assert_eq!(standings, [HolderStanding::Erased; 2]);
    assert_eq!(chain.read_at_ci().unwrap_err().code(), "report.locked.recalled");
    assert!(chain.es().count("onward.carried") > 0);
}

#[test]
fn a_recall_reaches_a_copy_that_went_on_after_the_forwarders_backup() {
    let (chain, ..) = forwarder_lost_the_hop(Chain::granted, |_, _| ());
    is_erased_everywhere(&chain);
}

#[test]
fn a_recall_reaches_a_copy_whose_token_came_after_the_forwarders_backup() {
    let (chain, ..) = forwarder_lost_the_hop(Chain::ask, |chain, consent| {
        chain.grant("supervisor", consent).unwrap();
        chain.grant("legal", consent).unwrap();
        chain.rest();
    });
    is_erased_everywhere(&chain);
}
