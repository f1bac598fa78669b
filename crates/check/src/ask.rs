//! The asking side: from tokens to a request, from an answer to hits.

use std::collections::BTreeMap;

use mithaq_model::{CaseId, Timestamp};
use mithaq_policy::{CheckPermit, Side};
use mithaq_wire::WireError;
use subtle::Choice;
use thiserror::Error;

use crate::binding::Binding;
use crate::messages::{Answer, CLAIMS_MAX, CheckId, Claims, Cleared, Request};
use crate::opened::Opened;
use crate::opening::Opening;
use crate::oprf::{self, BATCH_MAX, Mode, OprfError, Output};
use crate::set::{SetHeader, SignedSet};
use crate::{Strength, Token, TokenKey};

/// Why a check ends without a result. Nothing of it is kept then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AskError {
    /// The permit is not for this set: another agreement, party, policy or number of subjects.
    #[error("the permit is not for this check")]
    Permit,
    /// No subject has a token: a second identifier is missing.
    #[error("no subject has a second identifier that the policy of tokens accepts")]
    NoTokens,
    /// More queries than one request holds.
    #[error("the check needs more evaluations than one request holds")]
    TooMany,
    /// The set is not valid now, or not of the epoch that was asked.
    #[error("the tag set is not of this epoch")]
    Epoch,
    /// The answer cannot be read.
    #[error("the answer cannot be read: {0}")]
    Wire(#[from] WireError),
    /// The answer is to another request: replayed, or mixed up.
    #[error("the answer is to another request")]
    Replay,
    /// The proof is missing, or anything else of the evaluation does not hold.
    #[error("the evaluation does not hold: {0}")]
    Oprf(#[from] OprfError),
    /// The asked side refused and says so.
    #[error("the check was refused: {0}")]
    Refused(String),
}

/// What is asked.
#[derive(Debug)]
pub struct Question<'a> {
    /// Proof that it may be asked.
    pub permit: &'a CheckPermit,
    /// The set it will be compared with.
    pub set: &'a SetHeader,
    /// Random number of the check.
    pub check: CheckId,
    /// The case.
    pub case: CaseId,
    /// Pseudonym of the officer.
    pub officer: [u8; 16],
    /// Tokens of each subject ([`crate::tokens`], as [`crate::Party::Asking`]).
    pub subjects: &'a [Vec<Token>],
    /// 32 random bytes: blinds, order, dummies.
    pub seed: [u8; 32],
    /// 32 random bytes: salt of the commitment.
    pub salt: [u8; 32],
    /// Now.
    pub now: Timestamp,
}

/// A check under way. Lives in memory only: after a crash it is taken up from its opening ([`resume`]), or aborted.
#[derive(Debug)]
pub struct Pending {
    request: Request,
    opening: Opening,
    binding: Binding,
    header: SetHeader,
    /// Token, subject, band.
    owners: Vec<(TokenKey, usize, Strength)>,
}

/// A subject of the question that the asked side seems to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Which subject of the question.
    pub subject: usize,
    /// How far the token speaks for the same person: the strongest that met.
    pub strength: Strength,
    /// Second halves of the outputs that met: what is claimed.
    pub halves: Vec<[u8; 32]>,
}

/// The second half of the output of a token of the question.
#[derive(Clone, PartialEq, Eq)]
pub struct Half {
    /// The half: it says nothing to who does not hold the asked side's key.
    pub half: [u8; 32],
    /// Which subject of the question.
    pub subject: usize,
    /// How far the token speaks for the same person.
    pub strength: Strength,
}

impl core::fmt::Debug for Half {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "<half of subject {}>", self.subject)
    }
}

/// What an answer came to.
#[derive(Debug)]
pub struct Concluded {
    /// What is in the set.
    pub hits: Vec<Hit>,
    /// The halves of all tokens of the question, dummies aside.
    pub halves: Vec<Half>,
}

/// Makes the request and what must be kept to read the answer. The opening is logged and stored first.
///
/// # Errors
/// When the permit is for another check, no subject has a token, or there are too many.
pub fn ask(question: &Question<'_>) -> Result<Pending, AskError> {
    let (set, facts) = (question.set, question.permit.facts());
    let subjects = u32::try_from(question.subjects.len()).unwrap_or(u32::MAX);
    let fits = facts.side == Side::Sender
        && question.permit.agreement() == set.agreement
        && (&facts.asking, &facts.asked) == (&set.asking, &set.asked)
        && facts.token_policy == set.policy
        && facts.subjects == subjects
        && question.permit.terms().verifiable == (set.key.mode() == Mode::Verifiable);
    if !fits {
        return Err(AskError::Permit);
    }
    if question.now < set.valid_from || question.now >= set.valid_to {
        return Err(AskError::Epoch);
    }
    let mut owners: Vec<(TokenKey, usize, Strength)> = Vec::new();
    for (subject, tokens) in question.subjects.iter().enumerate() {
        owners.extend(tokens.iter().map(|token| (token.key(), subject, token.strength())));
    }
    if owners.is_empty() {
        return Err(AskError::NoTokens);
    }
    let opening = Opening::new(question.seed, question.salt, owners.iter().map(|(key, ..)| *key));
    if opening.keys.len() > BATCH_MAX {
        return Err(AskError::TooMany);
    }
    let request = Request {
        check: question.check,
        agreement: set.agreement,
        asking: set.asking.clone(),
        asked: set.asked.clone(),
        epoch: set.epoch,
        policy: set.policy,
        case: question.case,
        purpose: facts.purpose,
        class: facts.class,
        officer: question.officer,
        subjects,
        created: question.now,
        commitment: opening.commitment(),
        elements: Vec::new(),
    };
    pending(request, opening, set, owners)
}

/// Blinds what an opening holds: the same opening gives the same elements, always.
fn pending(
    request: Request,
    opening: Opening,
    set: &SetHeader,
    owners: Vec<(TokenKey, usize, Strength)>,
) -> Result<Pending, AskError> {
    let Opened { request, opening, .. } = Opened::new(request, opening, set.key.mode())?;
    Ok(Pending { request, opening, binding: Binding::of(set), header: set.clone(), owners })
}

/// What a check is taken up again from, after its process ended: what was stored before it left.
#[derive(Debug)]
pub struct Again<'a> {
    /// A set of the epoch that was asked.
    pub set: &'a SetHeader,
    /// The opening.
    pub opening: Opening,
    /// The request as it was, without elements: [`resume`] makes the same ones.
    pub request: Request,
    /// Its digest, as it was logged.
    pub digest: [u8; 32],
    /// Tokens of each subject now; those that were not asked are left out.
    pub subjects: &'a [Vec<Token>],
}

/// Takes a check up again: the same bytes as before, or nothing.
///
/// # Errors
/// [`AskError::Epoch`] when the request would be another: the set is of another epoch.
pub fn resume(again: Again<'_>) -> Result<Pending, AskError> {
    let mut owners: Vec<(TokenKey, usize, Strength)> = Vec::new();
    for (subject, tokens) in again.subjects.iter().enumerate() {
        let asked = tokens.iter().map(|token| (token.key(), subject, token.strength()));
        owners.extend(asked.filter(|(key, ..)| again.opening.keys.contains(key)));
    }
    let pending = pending(again.request, again.opening, again.set, owners)?;
    if pending.request.digest() == again.digest { Ok(pending) } else { Err(AskError::Epoch) }
}

impl Pending {
    /// Returns the request.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Returns the opening, to be stored encrypted for oversight before the request leaves.
    #[must_use]
    pub const fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Reads the answer and compares with the set: any set of the same epoch.
    ///
    /// Every output is looked up, by the same number of steps, before any find is decided on; time until then says nothing
    /// of hits. What follows does (a hit takes a claim), and may: the claim itself tells the asked side. Which tags of the
    /// set a look reads follows from the output, and is not hidden: to use that, one must watch the memory of this node,
    /// where the openings of its checks are, and hold the asked side's key.
    ///
    /// # Errors
    /// When the answer does not hold or refuses. The check is over then, and nothing of it is kept.
    pub fn conclude(self, answer: &[u8], set: &SignedSet) -> Result<Vec<Hit>, AskError> {
        self.conclude_whole(answer, set).map(|concluded| concluded.hits)
    }

    /// As [`Pending::conclude`], with what a standing check leaves with the asked side.
    ///
    /// # Errors
    /// As [`Pending::conclude`].
    pub fn conclude_whole(self, answer: &[u8], set: &SignedSet) -> Result<Concluded, AskError> {
        let outputs = self.outputs(answer, &set.header)?;
        let met: Vec<Choice> = outputs.iter().map(|output| set.set.has(output)).collect();
        let mut hits: Vec<Hit> = Vec::new();
        for ((key, output), met) in self.opening.keys.iter().zip(&outputs).zip(met) {
            if !bool::from(met) {
                continue;
            }
            for (_, subject, strength) in self.owners.iter().filter(|(owned, ..)| owned == key) {
                note(&mut hits, *subject, *strength, half(output));
            }
        }
        hits.sort_by_key(|hit| hit.subject);
        let place: BTreeMap<&TokenKey, &Output> = self.opening.keys.iter().zip(&outputs).collect();
        let of = |(key, subject, strength): &(TokenKey, usize, Strength)| {
            place.get(key).map(|output| Half { half: half(output), subject: *subject, strength: *strength })
        };
        let halves = self.owners.iter().filter_map(of).collect();
        Ok(Concluded { hits, halves })
    }

    fn outputs(&self, answer: &[u8], header: &SetHeader) -> Result<Vec<Output>, AskError> {
        // Sets of one epoch differ in number, nonce and tags; in nothing else.
        let bound = |h: &SetHeader| {
            (h.agreement, h.asked.clone(), h.asking.clone(), h.epoch, h.policy, h.key.to_bytes())
        };
        if bound(header) != bound(&self.header) {
            return Err(AskError::Epoch);
        }
        let same = |check: &CheckId, request: &[u8; 32]| {
            *check == self.request.check && *request == self.request.digest()
        };
        let (elements, proof) = match Answer::from_bytes(answer)? {
            Answer::Evaluated { check, request, elements, proof } if same(&check, &request) => {
                (elements, proof)
            }
            Answer::Refused { check, request, code } if same(&check, &request) => {
                return Err(AskError::Refused(code));
            }
            Answer::Evaluated { .. } | Answer::Refused { .. } => return Err(AskError::Replay),
        };
        let mode = self.header.key.mode();
        let blinds = self.opening.blinds(mode)?;
        let inputs: Vec<_> = self.opening.keys.iter().map(|key| self.binding.input(key)).collect();
        let outputs = match (mode, proof) {
            (Mode::Base, None) => oprf::finalize(&inputs, &blinds, &elements)?,
            (Mode::Verifiable, Some(proof)) => {
                let key = (&self.header.key, &proof);
                oprf::finalize_verified(&inputs, &blinds, &self.request.elements, &elements, key)?
            }
            (Mode::Base, Some(_)) | (Mode::Verifiable, None) => return Err(OprfError::Proof.into()),
        };
        Ok(outputs)
    }
}

/// Returns the second half of an output: what a claim shows, and no set.
#[must_use]
pub fn half(output: &Output) -> [u8; 32] {
    output.last_chunk().copied().unwrap_or([0; 32])
}

/// Returns the claims of hits. `cleared`: the handles under which each subject was cleared before, by its place in the
/// question. A half that a subject who was not cleared shares is claimed without one: for that one it is a hit.
#[must_use]
pub fn claims(check: CheckId, hits: &[Hit], cleared: &[(usize, [u8; 16])]) -> Claims {
    let mut halves: Vec<[u8; 32]> = hits.iter().flat_map(|hit| hit.halves.iter().copied()).collect();
    halves.sort_unstable();
    halves.dedup();
    let everyone = |half: &[u8; 32], handle: &[u8; 16]| {
        hits.iter()
            .filter(|hit| hit.halves.contains(half))
            .all(|hit| cleared.contains(&(hit.subject, *handle)))
    };
    let mut named: Vec<Cleared> = Vec::new();
    for (subject, handle) in cleared {
        let of = hits.iter().filter(|hit| hit.subject == *subject).flat_map(|hit| &hit.halves);
        named.extend(
            of.filter(|half| everyone(half, handle)).map(|half| Cleared { half: *half, handle: *handle }),
        );
    }
    named.sort_unstable();
    named.dedup();
    named.truncate(CLAIMS_MAX);
    Claims { check, halves, cleared: named }
}

fn note(hits: &mut Vec<Hit>, subject: usize, strength: Strength, half: [u8; 32]) {
    match hits.iter_mut().find(|hit| hit.subject == subject) {
        Some(hit) => {
            hit.strength = hit.strength.max(strength);
            hit.halves.push(half);
        }
        None => hits.push(Hit { subject, strength, halves: vec![half] }),
    }
}

#[cfg(test)]
mod tests;
