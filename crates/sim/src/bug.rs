//! Nodes that are broken on purpose: the checker must see every one of them.

use mithaq_exchange::{Content, Opened, Received};
use mithaq_wire::{BatchAnswer, LaneId};

use crate::history::Record;
use crate::paper::Slip;
use crate::world::World;

/// What is broken in one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// Receipts a message and does not store it.
    LosesMessages,
    /// Answers before the commit, and may crash in between.
    AnswersBeforeCommit,
    /// Applies a duplicate again.
    AppliesTwice,
    /// Signs a duplicate's receipt anew.
    SignsAnew,
    /// Forgets its last outgoing rows in a crash, after they were sent.
    ForgetsOutbox,
    /// Leaves out ledger entries.
    SkipsLeaves,
    /// Logs twice.
    LogsTwice,
    /// Does not keep tombstones.
    ForgetsTombstones,
    /// Accepts what is sealed for nobody or for another.
    AcceptsAnyRecipient,
    /// Calls a message delivered without a receipt.
    ClaimsDelivery,
    /// Never sends reports.
    NeverSends,
    /// Shows objects whatever was recalled.
    ShowsAnything,
    /// Receipts bytes whose signature it did not check.
    SkipsSignatures,
    /// Takes messages in the wrong order.
    TakesAnyOrder,
    /// Takes what is passed on without looking at its token.
    SkipsTokens,
    /// Does not carry on to its copies what an originator orders.
    CarriesNothingOn,
    /// Forgets that consents were taken back.
    ForgetsRevocations,
}

impl Bug {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::LosesMessages,
        Self::AnswersBeforeCommit,
        Self::AppliesTwice,
        Self::SignsAnew,
        Self::ForgetsOutbox,
        Self::SkipsLeaves,
        Self::LogsTwice,
        Self::ForgetsTombstones,
        Self::AcceptsAnyRecipient,
        Self::ClaimsDelivery,
        Self::NeverSends,
        Self::ShowsAnything,
        Self::SkipsSignatures,
        Self::TakesAnyOrder,
        Self::SkipsTokens,
        Self::CarriesNothingOn,
        Self::ForgetsRevocations,
    ];
}

/// Opens what was not sealed for this party as if it were.
pub(crate) fn any_recipient(opened: Opened<Slip>, to: &mithaq_model::PartyId) -> Opened<Slip> {
    let Opened { seal, content } = opened;
    let seal = seal.map(|mut seal| {
        if matches!(content, Content::Report { .. }) && !seal.recipients.contains(to) {
            seal.recipients.push(to.clone());
        }
        seal
    });
    Opened { seal, content }
}

impl World {
    /// What a broken node commits instead.
    pub(crate) fn break_received(&mut self, node: usize, mut received: Received<Slip>) -> Received<Slip> {
        let Some(bug) = self.bug.and_then(|(broken, bug)| (broken == node).then_some(bug)) else {
            return received;
        };
        match bug {
            Bug::LosesMessages if self.dice.chance(100) => {
                received.messages.pop();
            }
            Bug::SkipsLeaves if self.dice.chance(100) => {
                received.facts.pop();
            }
            Bug::LogsTwice if self.dice.chance(100) => {
                let last = received.facts.last().cloned();
                received.facts.extend(last);
            }
            Bug::ForgetsTombstones => {
                received.modified.tombstones.clear();
                received.modified.holdings.retain(|holding| {
                    holding.versions.iter().all(|v| v.state != mithaq_exchange::VersionState::Recalled)
                });
            }
            Bug::TakesAnyOrder => received.messages.reverse(),
            Bug::LosesMessages
            | Bug::AnswersBeforeCommit
            | Bug::AppliesTwice
            | Bug::SignsAnew
            | Bug::ForgetsOutbox
            | Bug::SkipsLeaves
            | Bug::LogsTwice
            | Bug::AcceptsAnyRecipient
            | Bug::ClaimsDelivery
            | Bug::NeverSends
            | Bug::ShowsAnything
            | Bug::SkipsSignatures
            | Bug::SkipsTokens
            | Bug::CarriesNothingOn
            | Bug::ForgetsRevocations => {}
        }
        received
    }

    /// What a broken node answers instead.
    pub(crate) fn break_answer(&mut self, node: usize, lane: &LaneId, answer: BatchAnswer) -> BatchAnswer {
        if self.has_bug(node, Bug::SignsAnew) && self.dice.chance(300) {
            let now = self.now;
            if let Some(n) = self.nodes.get(node) {
                let anew = |bytes: &Vec<u8>| {
                    let mut batch = mithaq_exchange::ports::ReadReceipts::read(&n.hand, bytes)?;
                    batch.stored_at = n.clock(now);
                    mithaq_exchange::ports::SignReceipts::sign(&n.hand, &batch).ok()
                };
                let receipts = answer.receipts.iter().filter_map(anew).collect();
                return BatchAnswer { receipts, ..answer };
            }
        }
        if self.has_bug(node, Bug::AppliesTwice) && !answer.receipts.is_empty() && self.dice.chance(200) {
            self.apply_last_again(node, lane);
        }
        answer
    }

    fn apply_last_again(&mut self, node: usize, lane: &LaneId) {
        let Some(name) = self.nodes.get(node).map(|n| n.name.to_string()) else { return };
        let applied = self.history.records.iter().rev().map(|(_, record)| record).find(|record| {
            let Record::Applied { node: at, originator, .. } = record else { return false };
            *at == name && originator == lane.from.as_str()
        });
        if let Some(record) = applied.cloned() {
            self.record(record);
        }
    }

    /// What a broken node does to its own rows.
    pub(crate) fn break_store(&mut self, node: usize) {
        let claims = self.has_bug(node, Bug::ClaimsDelivery) && self.is_faulty();
        let forgets = self.has_bug(node, Bug::ForgetsOutbox);
        let Some(n) = self.nodes.get_mut(node) else { return };
        if forgets && !n.up {
            n.store.forget_last();
        }
        if claims {
            n.store.claim_delivery();
        }
    }
}
