//! The private check (domain page, §4.3; `docs/spec/check.md`): an officer asks, a supervisor authorises, the partner's
//! node decides for itself and evaluates within its budgets; after a hit a person on each side compares.
//!
//! # What it deliberately does not do
//! Move bytes: the shell carries [`CheckCall`]s to the partner's node and brings its answers back. Write outputs or blinds
//! down: what was under way when a process ended is made again from its opening ([`resume`]).

mod ask;
mod cleared;
mod explain;
mod figures;
mod follow;
mod joint;
mod left;
mod line;
mod meets;
mod plan_line;
mod plans;
mod publish;
mod resume;
mod serve;
mod standing;
mod stay;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mithaq_check::{CheckId, Claims, Hit, Pending, Register, SignedSet, TokenPolicy};
use mithaq_db::Tx;
use mithaq_model::{
    AgreementId, Case, CaseState, ClaimSource, HandlingCode, ObjectId, PartyId, Subject, SubjectClass,
    Timestamp, Tlp,
};
use mithaq_policy::{CHECKABLE, PrivateCheck};
use mithaq_store::checks::{self, Check};
use sha2::{Digest as _, Sha256};

use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::registry::Known;

pub use ask::NewCheck;
pub use explain::{TokenShown, TokensExplained, Without};
pub use figures::{CheckFigures, CheckedOn};
pub use follow::{CheckShown, JudgedAs, Outcome};
pub use joint::{JointPart, NewJointCheck};
pub use left::{CheckBudget, Left, Whose};
pub use line::{CheckCall, CheckKind};
pub use plans::{NewPlan, PlanShown, Planned};
pub use serve::CheckReply;
pub use standing::{NewStanding, Renewal};

/// Agreement and other party: what keys, sets and budgets belong to.
type Ends = (AgreementId, PartyId);

/// A check of this node on its way.
enum Underway {
    /// The question is sent until it is answered.
    Asking(Box<Pending>),
    /// The hits are claimed until handles come back.
    Claiming(Claims, Vec<Hit>),
}

/// A set that comes in parts.
#[derive(Default)]
struct Incoming {
    epoch: u32,
    number: u32,
    total: u32,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct Inside {
    underway: BTreeMap<CheckId, (Ends, Underway)>,
    sets: BTreeMap<(Ends, bool), Arc<SignedSet>>,
    /// With the epoch and number of the set it was made for: another process may have made a newer one.
    registers: BTreeMap<Ends, ((u32, u32), Arc<Register>)>,
    incoming: BTreeMap<Ends, Incoming>,
    /// When the partner is asked for a newer set.
    next_set: BTreeMap<Ends, Timestamp>,
    /// When the partner is asked about candidates.
    next_word: BTreeMap<PartyId, Timestamp>,
    /// When the partner is next spoken to about a standing check.
    next_standing: BTreeMap<ObjectId, Timestamp>,
}

/// What lives in memory only. Outputs and pending blinds are never written down.
#[derive(Default)]
pub(crate) struct Desk(Mutex<Inside>);

impl Desk {
    fn open(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number as it crosses the wire.
const fn wire(number: ObjectId) -> CheckId {
    *number.as_bytes()
}

/// A number that says the same to one partner again and nothing to another.
fn pseudonym(context: &str, agreement: &AgreementId, partner: &PartyId, of: &[u8; 16]) -> [u8; 16] {
    let hash = Sha256::new()
        .chain_update(context)
        .chain_update(agreement.as_bytes())
        .chain_update(partner.as_str())
        .chain_update(of)
        .finalize();
    hash.first_chunk().copied().unwrap_or_default()
}

/// Day since 1970, UTC.
const fn day(now: Timestamp) -> i64 {
    now.as_millis().div_euclid(86_400_000)
}

/// What the agreement says about checks, with the policy of tokens it names.
fn agreed(known: &Known) -> Result<(PrivateCheck, TokenPolicy), AppError> {
    let no = || AppError::refused("check.not_agreed", words::CHECK_NOT_AGREED, 3, None, None);
    let terms = known.agreement().private_check.ok_or_else(no)?;
    let hash = terms.token_policy.ok_or_else(no)?;
    let policy = TokenPolicy::of_hash(&hash).ok_or_else(|| {
        AppError::conflict("check.token_policy")
            .hint("the agreement names a policy of tokens this program does not know: amend it with one of `mithaq check policies`, or upgrade")
    })?;
    Ok((terms, policy))
}

/// Classes an agreement lets be checked.
fn checkable(known: &Known) -> Vec<SubjectClass> {
    let covered = &known.agreement().subject_classes;
    CHECKABLE.iter().copied().filter(|class| covered.contains(class)).collect()
}

/// What of a subject may make tokens: own words and published lists, not what a partner gave (its consent was not
/// asked), nothing for named eyes only or under conditions that no program can read, nothing expired.
fn usable(subject: &Subject, own: &PartyId, now: Timestamp) -> Option<Subject> {
    let class = subject.class()?;
    let barred =
        !subject.protected_roles().is_empty() || subject.is_minor() && class != SubjectClass::Missing;
    if barred || !CHECKABLE.contains(&class) {
        return None;
    }
    let may = |claim: &&mithaq_model::Claim| {
        let ours = match claim.source {
            ClaimSource::Officer => claim.originator == *own,
            ClaimSource::PublicList => true,
            ClaimSource::Received => false,
        };
        let open = claim.handling.tlp() != Tlp::Red && !claim.handling.codes().has(HandlingCode::H3);
        ours && open && claim.expires > now
    };
    let claims: Vec<_> = subject.claims().iter().filter(may).cloned().collect();
    Subject::new(subject.id(), subject.kind(), Some(class), claims).ok()
}

/// Whether an agreement covers a case: open, of its areas.
fn covers(known: &Known, case: &Case) -> bool {
    case.state == CaseState::Open && known.agreement().areas.contains(&case.area)
}

impl App {
    /// A set, verified once and kept in memory; none when there is none, or the row was changed by hand.
    fn check_set(&self, tx: &mut dyn Tx, ends: &Ends, own: bool) -> Result<Option<Arc<SignedSet>>, AppError> {
        let Some(row) = checks::set(tx, (&ends.0, &ends.1), own)? else { return Ok(None) };
        let key = (ends.clone(), own);
        let kept = self.checks.open().sets.get(&key).cloned();
        if let Some(kept) = kept.filter(|set| set.digest() == row.digest) {
            return Ok(Some(kept));
        }
        let Some(bytes) = checks::set_bytes(tx, (&ends.0, &ends.1), own)? else { return Ok(None) };
        let signer = if own { &self.party } else { &ends.1 };
        let set = Arc::new(self.read_set(&bytes, signer).map_err(|error| {
            AppError::new(ErrorKind::Integrity, "store.integrity.check_set", words::INTEGRITY).because(error)
        })?);
        self.checks.open().sets.insert(key, Arc::clone(&set));
        Ok(Some(set))
    }

    /// Reads a set that a party signed with a node key of one of its manifests.
    fn read_set(&self, bytes: &[u8], signer: &PartyId) -> Result<SignedSet, mithaq_check::SetError> {
        let peer = self.registry().peers.get(signer).cloned();
        SignedSet::read(bytes, |header, message, signature| {
            let good = |one: &mithaq_envelope::VerifiedManifest| one.node_signed(message, signature);
            header.asked == *signer && peer.is_some_and(|peer| peer.trusted().any(good))
        })
    }

    /// A check of this node.
    fn check_locked(&self, tx: &mut dyn Tx, number: ObjectId) -> Result<Check, AppError> {
        checks::locked(tx, number)?.ok_or_else(AppError::not_found)
    }

    /// Lets nothing of a check live on in memory.
    fn forget_check(&self, number: ObjectId) {
        self.checks.open().underway.remove(&wire(number));
    }
}
