//! The asked side: admit, charge, and only then evaluate.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as MapEntry;

use mithaq_model::{SubjectId, Timestamp};
use mithaq_policy::{CheckPermit, PrivateCheck, Refusal, Side};

use crate::ask::half;
use crate::budget::{self, Counters};
use crate::messages::{Answer, CheckId, Claims, Handles, Request};
use crate::oprf::{self, Mode, Output, SecretKey};
use crate::set::{SetHeader, TagSeed, tag_seed};
use crate::{CheckRefusal, Strength, TokenKey};

/// What the key of a silent refusal is derived with.
const DECOY: &[u8] = b"mithaq/decoy/1";

/// What the store holds beside a request: loaded in the transaction that will hold the charge.
#[derive(Debug)]
pub struct Desk<'a> {
    /// Header of the newest set for this partner.
    pub set: &'a SetHeader,
    /// What the agreement says about checks; none: nothing is agreed.
    pub terms: Option<PrivateCheck>,
    /// The decision of this side's policy ([`mithaq_policy::permit_check`]).
    pub permit: Result<&'a CheckPermit, &'a Refusal>,
    /// Counters of today.
    pub counters: Counters,
    /// Digest of the request that came under the same number before, if one did.
    pub seen: Option<[u8; 32]>,
    /// Now.
    pub now: Timestamp,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Admission {
    /// The same bytes came before: send the stored answer again, byte for byte. Nothing is evaluated or charged.
    Again,
    /// Refused: log the code, send [`Refused::answer`].
    Refused(Refused),
    /// Admitted: store the counters, the digest and the entry, commit, then [`Charged::evaluate`].
    Charged(Box<Charged>),
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Stable code, for the ledger; and for the partner unless it is silent.
    pub code: Cow<'static, str>,
    /// Whether the answer must look like one without a hit.
    pub silent: bool,
}

/// An admitted request whose charge must be durable before it is evaluated.
#[derive(Debug)]
pub struct Charged {
    request: Request,
    /// Counters to be stored.
    pub counters: Counters,
    /// People must look at this partner's checks.
    pub review: bool,
}

/// Decides about a request.
#[must_use]
pub fn admit(request: Request, desk: &Desk<'_>) -> Admission {
    if desk.seen == Some(request.digest()) {
        return Admission::Again;
    }
    match reason(&request, desk) {
        Ok((counters, review)) => Admission::Charged(Box::new(Charged { request, counters, review })),
        Err(code) => {
            // Who uses a number twice knows it: that is told openly, and so always in the same bytes.
            let silent = code != CheckRefusal::NumberUsed.code()
                && desk.terms.is_some_and(|terms| silent(&terms, desk.set));
            Admission::Refused(Refused { code: Cow::Borrowed(code), silent })
        }
    }
}

/// Returns whether a refusal must look like an answer without a hit: where the agreement says so, and nothing is proved.
#[must_use]
pub fn silent(terms: &PrivateCheck, set: &SetHeader) -> bool {
    terms.refuse_silently && set.key.mode() == Mode::Base
}

/// The first reason to refuse, in the order in which they are cheap.
fn reason(request: &Request, desk: &Desk<'_>) -> Result<(Counters, bool), &'static str> {
    let set = desk.set;
    if desk.seen.is_some() {
        return Err(CheckRefusal::NumberUsed.code());
    }
    let parties = (&request.asking, &request.asked) == (&set.asking, &set.asked);
    if request.agreement != set.agreement || !parties || request.policy != set.policy {
        return Err(CheckRefusal::OtherAgreement.code());
    }
    if request.epoch != set.epoch || desk.now < set.valid_from || desk.now >= set.valid_to {
        return Err(CheckRefusal::Epoch.code());
    }
    let permit = desk.permit.map_err(|refusal| refusal.code().code())?;
    let facts = permit.facts();
    let decided = (facts.purpose, facts.class, facts.subjects)
        == (request.purpose, request.class, request.subjects)
        && (&facts.asking, &facts.asked) == (&request.asking, &request.asked)
        && permit.agreement() == request.agreement
        && facts.side == Side::Receiver;
    if !decided {
        return Err(CheckRefusal::OtherPermit.code());
    }
    let evaluations = u32::try_from(request.elements.len()).unwrap_or(u32::MAX);
    let charged = budget::charge(permit.terms(), desk.counters, evaluations).map_err(|_exceeded| "BUD")?;
    Ok((charged, budget::review_due(permit.terms(), &charged)))
}

impl Refused {
    /// Returns the answer. `seed`: 32 random bytes, used for a silent refusal only.
    ///
    /// A silent refusal is evaluated like any other request, under a key that is made for this answer and forgotten:
    /// the same work, the same form, the same relations between elements (equal ones stay equal, and a multiple stays
    /// one), and the same open refusal of what is no element. Random elements instead would show in all of these.
    #[must_use]
    pub fn answer(&self, request: &Request, seed: &[u8; 32]) -> Answer {
        let (check, digest) = (request.check, request.digest());
        if !self.silent {
            return Answer::Refused { check, request: digest, code: self.code.clone().into_owned() };
        }
        let key = SecretKey::derive(Mode::Base, seed, DECOY);
        match key.and_then(|key| oprf::evaluate(&key, &request.elements)) {
            Ok(elements) => Answer::Evaluated { check, request: digest, elements, proof: None },
            Err(_fault) => broken(check, digest),
        }
    }
}

/// What is answered to a malformed element, whether the request would have been evaluated or not.
fn broken(check: CheckId, request: [u8; 32]) -> Answer {
    Answer::Refused { check, request, code: CheckRefusal::Element.code().to_owned() }
}

impl Charged {
    /// A request that was charged before a crash: the same bytes came again, and no answer was stored.
    #[must_use]
    pub fn recovered(request: Request) -> Self {
        Self { request, counters: Counters::default(), review: false }
    }

    /// Returns the request.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Evaluates, after the charge is durable. `randomness`: 64 bytes, for the proof. A malformed element or another
    /// key than the epoch's is refused openly: it is a fault of the protocol, and stays charged.
    #[must_use]
    pub fn evaluate(self, key: &SecretKey, randomness: &[u8; 64]) -> Answer {
        let (check, digest) = (self.request.check, self.request.digest());
        let evaluated = match key.mode() {
            Mode::Base => oprf::evaluate(key, &self.request.elements).map(|elements| (elements, None)),
            Mode::Verifiable => oprf::evaluate_proved(key, &self.request.elements, randomness)
                .map(|(elements, proof)| (elements, Some(proof))),
        };
        match evaluated {
            Ok((elements, proof)) => Answer::Evaluated { check, request: digest, elements, proof },
            Err(_fault) => broken(check, digest),
        }
    }
}

/// The outputs of the asked side's own tokens under one epoch: what sets are made of and claims are answered from.
/// As secret as the key.
#[derive(Default)]
pub struct Register {
    tokens: BTreeMap<[u8; 32], Entry>,
    /// Further subjects of a token, in the order in which they came: homonyms born in one year share theirs.
    shared: BTreeMap<[u8; 32], Vec<(SubjectId, Strength)>>,
}

struct Entry {
    seed: TagSeed,
    subject: SubjectId,
    strength: Strength,
}

impl core::fmt::Debug for Register {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "<register of {} tokens>", self.len())
    }
}

impl Register {
    /// Adds the output of a token of a subject. Of two that share a token the first is answered with, until it is cleared.
    pub fn add(&mut self, output: &Output, subject: SubjectId, strength: Strength) {
        match self.tokens.entry(half(output)) {
            MapEntry::Vacant(free) => {
                free.insert(Entry { seed: tag_seed(output), subject, strength });
            }
            MapEntry::Occupied(taken) if taken.get().subject == subject => {}
            MapEntry::Occupied(taken) => {
                let more = self.shared.entry(*taken.key()).or_default();
                if !more.iter().any(|(one, _)| *one == subject) {
                    more.push((subject, strength));
                }
            }
        }
    }

    /// Removes a subject; who shares a token with it is answered with from then on.
    pub fn remove(&mut self, subject: SubjectId) {
        for more in self.shared.values_mut() {
            more.retain(|(one, _)| *one != subject);
        }
        let shared = &mut self.shared;
        self.tokens.retain(|half, entry| {
            if entry.subject != subject {
                return true;
            }
            let next = shared.get_mut(half).filter(|more| !more.is_empty()).map(|more| more.remove(0));
            if let Some((subject, strength)) = next {
                (entry.subject, entry.strength) = (subject, strength);
            }
            next.is_some()
        });
        self.shared.retain(|_, more| !more.is_empty());
    }

    /// Returns how many tokens it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Returns whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Returns what the next set is made of.
    #[must_use]
    pub fn seeds(&self) -> Vec<TagSeed> {
        self.tokens.values().map(|entry| entry.seed).collect()
    }

    /// Answers claims: for each hit the subject and band, and a handle from 16 random bytes each; nothing for a claim
    /// that is none. `evaluated`: how many elements the check had; more claims than that answer nothing. `cleared`: the
    /// subject behind a handle that was rejected, if it stays cleared; it is no hit for a half that names it, and who
    /// shares the token with it is.
    #[must_use]
    pub fn resolve(
        &self,
        claims: &Claims,
        evaluated: usize,
        randomness: &[[u8; 16]],
        cleared: &BTreeMap<[u8; 16], SubjectId>,
    ) -> (Handles, Vec<([u8; 16], SubjectId, Strength)>) {
        let mut found = Vec::new();
        let honest = claims.halves.len() <= evaluated;
        let handles = claims.halves.iter().enumerate().map(|(at, half)| {
            let named = claims.cleared.iter().filter(|one| one.half == *half);
            let others: Vec<SubjectId> = named.filter_map(|one| cleared.get(&one.handle).copied()).collect();
            let (subject, strength) =
                self.of(half).filter(|_| honest).find(|(subject, _)| !others.contains(subject))?;
            let handle = *randomness.get(at)?;
            found.push((handle, subject, strength));
            Some(handle)
        });
        let handles = Handles { check: claims.check, handles: handles.collect() };
        (handles, found)
    }

    /// The subjects of a token, the first that came first.
    fn of(&self, half: &[u8; 32]) -> impl Iterator<Item = (SubjectId, Strength)> {
        let first = self.tokens.get(half).map(|entry| (entry.subject, entry.strength));
        first.into_iter().chain(self.shared.get(half).into_iter().flatten().copied())
    }
}

/// Returns the inputs of tokens under a set's epoch, for [`oprf::own_outputs`].
#[must_use]
pub fn inputs(set: &SetHeader, keys: &[TokenKey]) -> Vec<[u8; 64]> {
    let binding = crate::Binding::of(set);
    keys.iter().map(|key| binding.input(key)).collect()
}
