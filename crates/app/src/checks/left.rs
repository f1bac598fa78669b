//! What is left of the budgets of checks, for people to look at: what this node may still ask, and what partners may
//! still ask it. Charging is the matter of the two sides' own transactions, never of this view.

use mithaq_model::{AgreementId, CaseId, ObjectId, OfficerId, PartyId};
use mithaq_policy::PrivateCheck;
use mithaq_store::checks::budget::{self, Spent};
use mithaq_store::reports::Direction;
use mithaq_store::{Page, people};

use super::{agreed, day, pseudonym};
use crate::App;
use crate::error::AppError;
use crate::rights::{May, intent};

/// Officers read at once, to find whose pseudonym one is.
const PAGE: u32 = 256;

/// A budget of a day, or of evaluations without a confirmed hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Evaluations that were charged.
    pub used: u32,
    /// Most there may be.
    pub cap: u32,
}

impl Left {
    /// Returns how many evaluations are left.
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.cap.saturating_sub(self.used)
    }
}

/// Whose budget it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// An officer of this node.
    Officer(OfficerId),
    /// A case of this node.
    Case(CaseId),
    /// An officer or case of the partner, by the pseudonym it asks with; or an officer who is no longer here.
    Pseudonym(ObjectId),
}

/// What is left today with one partner under one agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckBudget {
    /// Own: what this node may still ask there, by its own count. Received: what the partner may still ask here.
    pub direction: Direction,
    /// The other party.
    pub partner: PartyId,
    /// Agreement.
    pub agreement: AgreementId,
    /// Day since 1970, UTC; the next begins anew.
    pub day: i64,
    /// Most subjects of one check.
    pub batch_cap: u32,
    /// The partner as a whole.
    pub all: Left,
    /// Each officer who asked today, and the officer who looks, who may ask.
    pub officers: Vec<(Whose, Left)>,
    /// Each case that was asked for today.
    pub cases: Vec<(Whose, Left)>,
    /// Most of an officer and of a case who did not ask yet.
    pub each: (u32, u32),
    /// Evaluations since the last confirmed hit, and from how many on people must look.
    pub review: Left,
}

impl App {
    /// Returns what is left today of every budget of checks, on both sides of this node, under agreements in force.
    ///
    /// # Errors
    /// When the store fails.
    pub fn check_budgets(&self, may: May<intent::ReadCheck>) -> Result<Vec<CheckBudget>, AppError> {
        let (registry, now) = (self.registry(), self.now());
        let mut ends = Vec::new();
        for (id, known) in &registry.agreements {
            let Ok((terms, _)) = agreed(known) else { continue };
            if !known.standing.is_in_force(now) || known.agreement().party(&self.party).is_none() {
                continue;
            }
            let others = known.agreement().partners(&self.party).cloned();
            ends.extend(others.map(|party| (*id, party, terms)));
        }
        let today = day(now);
        let asks = matches!(may.role(), mithaq_model::Role::Analyst | mithaq_model::Role::CaseOfficer);
        self.read(move |app, tx| {
            let mut officers: Vec<OfficerId> = Vec::new();
            loop {
                let page = Page { after: officers.last().copied(), limit: PAGE };
                let found = people::list(tx, &app.vault, &page)?;
                officers.extend(found.iter().map(|stored| stored.officer.id));
                if found.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                    break;
                }
            }
            let mut out = Vec::new();
            for (agreement, partner, terms) in ends {
                for direction in [Direction::Own, Direction::Received] {
                    let own = direction == Direction::Own;
                    let spent = budget::of_day(tx, (&agreement, &partner), own, today)?;
                    let empty = CheckBudget::unspent((direction, agreement, partner.clone()), &terms, today);
                    let named = |who: [u8; 16]| {
                        let same = |id: &&OfficerId| {
                            own && pseudonym(OFFICER, &agreement, &partner, id.as_bytes()) == who
                        };
                        let officer = officers.iter().find(same);
                        officer.map_or(Whose::Pseudonym(ObjectId::new(who)), |id| Whose::Officer(*id))
                    };
                    let mut one = empty.with(&spent, &terms, named);
                    if own && asks {
                        one.include(may.actor(), terms.officer_cap);
                    }
                    out.push(one);
                }
            }
            Ok(out)
        })
    }
}

/// What the pseudonym of an officer is made with.
pub(super) const OFFICER: &str = "mithaq/check-officer/1";

impl CheckBudget {
    fn unspent(
        (direction, agreement, partner): (Direction, AgreementId, PartyId),
        terms: &PrivateCheck,
        day: i64,
    ) -> Self {
        Self {
            direction,
            partner,
            agreement,
            day,
            batch_cap: terms.batch_cap,
            all: Left { used: 0, cap: terms.daily_cap },
            officers: Vec::new(),
            cases: Vec::new(),
            each: (terms.officer_cap, terms.case_cap),
            review: Left { used: 0, cap: terms.review_after },
        }
    }

    fn with(mut self, spent: &[Spent], terms: &PrivateCheck, officer: impl Fn([u8; 16]) -> Whose) -> Self {
        for one in spent {
            match *one {
                Spent::Partner(used) => self.all.used = used,
                Spent::Officer(who, used) => {
                    self.officers.push((officer(who), Left { used, cap: terms.officer_cap }));
                }
                Spent::Case(who, used) => {
                    let whose = match self.direction {
                        Direction::Own => Whose::Case(CaseId::new(who)),
                        Direction::Received => Whose::Pseudonym(ObjectId::new(who)),
                    };
                    self.cases.push((whose, Left { used, cap: terms.case_cap }));
                }
                Spent::SinceHit(used) => self.review.used = used,
            }
        }
        self
    }

    fn include(&mut self, officer: OfficerId, cap: u32) {
        let who = Whose::Officer(officer);
        if !self.officers.iter().any(|(one, _)| *one == who) {
            self.officers.push((who, Left { used: 0, cap }));
        }
    }
}
