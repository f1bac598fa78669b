//! What a node knows of what was passed on, as committed rows; and its decision about what comes by a third party.

use std::collections::{BTreeMap, BTreeSet};

use mithaq_exchange::ports::{CannotJudge, Judge, Judgement};
use mithaq_exchange::{Carried, Refuse};
use mithaq_model::{ObjectId, PartyId, ReportVersion, Timestamp};
use mithaq_wire::{OnwardStep, SealHeader};

use crate::paper::{Passed, Slip, Token};
use crate::store::{SlipJudge, Store};

/// Where a consent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may be used.
    Granted,
    /// It was.
    Used,
    /// Its originator took it back.
    Revoked,
}

/// A consent, at its originator or at who may pass on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// What it says.
    pub token: Token,
    /// As it was signed.
    pub signed: Vec<u8>,
    /// Where it stands.
    pub standing: Standing,
}

/// Committed rows about passing on.
#[derive(Debug, Clone, Default)]
pub struct Consents {
    /// Consents this node gave, by their number.
    pub given: BTreeMap<ObjectId, Consent>,
    /// Consents this node got.
    pub got: BTreeMap<ObjectId, Consent>,
    /// What went on from here, and to whom.
    pub copies: BTreeSet<(ObjectId, ReportVersion, PartyId)>,
    /// By whom a version came that its originator did not send here itself.
    pub via: BTreeMap<(ObjectId, ReportVersion), PartyId>,
    /// Consents that were used up here.
    pub spent: BTreeSet<ObjectId>,
    /// What is held, as its originator sealed it.
    pub seals: BTreeMap<(ObjectId, ReportVersion), Vec<u8>>,
}

impl Consents {
    /// By whom an object came first that its originator did not send here itself.
    pub(crate) fn via(&self, object: ObjectId) -> Option<&PartyId> {
        let mut from = self.via.range((object, ReportVersion::FIRST)..);
        from.next().filter(|((held, _), _)| *held == object).map(|(_, by)| by)
    }
}

/// This node's decision about what one partner sent.
pub(crate) struct HopJudge<'a> {
    slips: SlipJudge,
    store: &'a Store,
    us: &'a PartyId,
    /// Broken: takes what is passed on without looking at its token.
    careless: bool,
    /// Used in this batch.
    spent: BTreeSet<ObjectId>,
    /// Came in this batch.
    came: BTreeMap<ObjectId, PartyId>,
}

impl<'a> HopJudge<'a> {
    pub(crate) fn new(store: &'a Store, us: &'a PartyId, (suspended, careless): (bool, bool)) -> Self {
        let (spent, came) = (BTreeSet::new(), BTreeMap::new());
        Self { slips: SlipJudge { suspended }, store, us, careless, spent, came }
    }

    /// Whether an object may come by a party: it is not held, or came by it before.
    fn leads(&self, object: ObjectId, by: &PartyId) -> bool {
        if let Some(came) = self.came.get(&object) {
            return came == by;
        }
        let held = self.store.holdings.get(&object).is_some_and(|holding| !holding.versions.is_empty());
        !held || self.store.consents.via(object) == Some(by)
    }

    /// What is wrong with the consent of a hop, if anything.
    fn fault(&self, passed: &Passed, now: Timestamp) -> Option<&'static str> {
        let token = match &passed.token {
            Ok(token) => token,
            Err(code) => return Some(code),
        };
        if self.spent.contains(&token.consent) || self.store.consents.spent.contains(&token.consent) {
            Some("onward.used")
        } else if token.by != passed.by {
            Some("onward.forwarder")
        } else if token.to != *self.us {
            Some("onward.recipient")
        } else if token.use_by <= now || token.keep_until <= now {
            Some("onward.expired")
        } else {
            None
        }
    }
}

fn refuse(code: &str) -> Judgement {
    Judgement::Refuse { code: code.to_owned(), ground: None }
}

impl Judge<Slip> for HopJudge<'_> {
    fn judge(&mut self, seal: &SealHeader, slip: &Slip, now: Timestamp) -> Result<Judgement, CannotJudge> {
        let Some(passed) = &slip.passed else { return self.slips.judge(seal, slip, now) };
        if !self.leads(seal.object, &passed.by) {
            return Ok(refuse(Refuse::OnwardRoute.code()));
        }
        if let Some(code) = self.fault(passed, now).filter(|_| !self.careless) {
            return Ok(refuse(code));
        }
        // What people would have to decide is refused too: they ask the originator, not the forwarder.
        match self.slips.judge(seal, slip, now) {
            Ok(Judgement::Accept) => {
                self.spent.extend(passed.token.as_ref().map(|token| token.consent));
                self.came.insert(seal.object, passed.by.clone());
                Ok(Judgement::Accept)
            }
            Ok(Judgement::Refuse { code, .. } | Judgement::Quarantine { code }) => Ok(refuse(&code)),
            Err(CannotJudge) => Ok(refuse(Refuse::PolicyInternal.code())),
        }
    }

    fn judge_onward(
        &mut self,
        _seal: &SealHeader,
        step: &OnwardStep,
        _now: Timestamp,
    ) -> Result<Judgement, CannotJudge> {
        // Consent takes an agreement in force; everything else is owed as long as duties live.
        let consent = matches!(step, OnwardStep::Asked { .. } | OnwardStep::Granted { .. });
        Ok(if consent && self.slips.suspended { refuse("AGR") } else { Judgement::Accept })
    }

    fn judge_carried(
        &mut self,
        carrier: &SealHeader,
        _seal: &SealHeader,
        order: &Carried,
    ) -> Result<Judgement, CannotJudge> {
        let leads = self.leads(order.object(), &carrier.originator);
        Ok(if leads { Judgement::Accept } else { refuse(Refuse::OnwardRoute.code()) })
    }
}
