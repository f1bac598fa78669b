//! The attacker with what really travelled between two nodes: a tag set, and every question, answer and claim under it,
//! as the asking node records them (`record_checks`). Beside it, the same attacker with the filters that others ship,
//! made of the same tokens of the same persons.
//!
//! The attacker derives tokens as the nodes do, and knows agreement, parties, epoch and policy, which stand in the set.

use core::fmt::Write as _;
use std::collections::BTreeSet;

use mithaq_model::PartialDate;
use mithaq_names::Name;
use thiserror::Error;

use super::unblinded;
use crate::messages::{Answer, Claims, Request};
use crate::oprf::{self, Element, OprfError, Output, SecretKey, shared};
use crate::set::{SetError, SignedSet};
use crate::{Known, Party, Token, TokenPolicy, half, inputs, tokens};

/// A guess: a name, in any script, and a year of birth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// Year of birth.
    pub year: u16,
}

impl Person {
    fn known(&self) -> Known {
        let births = PartialDate::year(self.year).ok().into_iter().collect();
        Known { names: vec![Name::parse(&self.name)], births, ..Known::default() }
    }

    /// Returns what a shipped filter holds of the person before it is hashed: the token that says most, in
    /// hexadecimal; empty where it makes none.
    #[must_use]
    pub fn filter_key(&self, policy: &TokenPolicy) -> String {
        let first = tokens(policy, Party::Asked, &self.known()).into_iter().next();
        first.map_or_else(String::new, |token| {
            token.key().iter().fold(String::new(), |mut text, byte| {
                let _infallible = write!(text, "{byte:02x}");
                text
            })
        })
    }
}

/// Why bytes are no transcript.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordedError {
    /// The tag set cannot be read.
    #[error("the tag set cannot be read: {0}")]
    Set(#[from] SetError),
    /// A question, an answer or a claim cannot be read.
    #[error("a question, an answer or a claim cannot be read: {0}")]
    Document(#[from] mithaq_wire::WireError),
    /// The set is for a policy of tokens this program does not know.
    #[error("the tag set is for a policy of tokens this program does not know")]
    Policy,
}

/// A tag set with all that travelled under its agreement.
#[derive(Debug)]
pub struct Recorded {
    set: SignedSet,
    policy: TokenPolicy,
    elements: Vec<Element>,
    halves: BTreeSet<[u8; 32]>,
}

impl Recorded {
    /// Reads a set. The attacker takes it as it is: the signature was the node's to check.
    ///
    /// # Errors
    /// When it is none, or for an unknown policy.
    pub fn new(set: &[u8]) -> Result<Self, RecordedError> {
        let set = SignedSet::read(set, |_header, _bytes, _signature| true)?;
        let policy = TokenPolicy::of_hash(&set.header.policy).ok_or(RecordedError::Policy)?;
        Ok(Self { set, policy, elements: Vec::new(), halves: BTreeSet::new() })
    }

    /// Adds a question with its answer; those of another agreement, pair or epoch say nothing about this set.
    ///
    /// # Errors
    /// When either is none.
    pub fn hear(&mut self, request: &[u8], answer: &[u8]) -> Result<(), RecordedError> {
        let (request, answer) = (Request::from_bytes(request)?, Answer::from_bytes(answer)?);
        let header = &self.set.header;
        let ends = (&request.agreement, &request.asking, &request.asked, request.epoch);
        if ends != (&header.agreement, &header.asking, &header.asked, header.epoch) {
            return Ok(());
        }
        self.elements.extend(request.elements);
        if let Answer::Evaluated { elements, .. } = answer {
            self.elements.extend(elements);
        }
        Ok(())
    }

    /// Adds what was claimed.
    ///
    /// # Errors
    /// When it is no claim.
    pub fn hear_claims(&mut self, claims: &[u8]) -> Result<(), RecordedError> {
        self.halves.extend(Claims::from_bytes(claims)?.halves);
        Ok(())
    }

    /// Returns the policy that tokens are derived by.
    #[must_use]
    pub const fn policy(&self) -> &TokenPolicy {
        &self.policy
    }

    /// Returns how many tags and dummies, blinded and evaluated elements, and claimed halves the attacker has.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize, usize) {
        (self.set.set.len(), self.elements.len(), self.halves.len())
    }

    /// Tries guesses without the key: each token under a key made up from what is public, and as if each element
    /// that travelled were its own, unblinded. Returns how many guesses that names.
    ///
    /// # Errors
    /// When the function fails, which it does for no token.
    pub fn named(&self, guesses: &[Person]) -> Result<usize, OprfError> {
        let public = &self.set.header.key;
        self.tried(guesses, &SecretKey::derive(public.mode(), &public.to_bytes(), b"")?)
    }

    /// The same with some key. With the asked side's own, every guess is one evaluation that the budget is for.
    ///
    /// # Errors
    /// As [`Recorded::named`].
    pub fn tried(&self, guesses: &[Person], key: &SecretKey) -> Result<usize, OprfError> {
        let made = shared(guesses.len(), |range| {
            Ok(guesses.get(range).unwrap_or_default().iter().map(|guess| self.inputs(guess)).collect())
        })?;
        let all: Vec<(usize, [u8; 64])> = made
            .iter()
            .enumerate()
            .flat_map(|(n, inputs)| inputs.iter().map(move |input| (n, *input)))
            .collect();
        let inputs: Vec<[u8; 64]> = all.iter().map(|(_, input)| *input).collect();
        let outputs = oprf::own_outputs(key, &inputs)?;
        let hits = shared(all.len(), |range| {
            let pairs = all.get(range.clone()).unwrap_or_default().iter();
            let hit = pairs.zip(outputs.get(range).unwrap_or_default()).filter(|((_, input), output)| {
                self.is_known(output)
                    || self.elements.iter().any(|element| self.is_known(&unblinded(input, element)))
            });
            Ok(hit.map(|((guess, _), _)| *guess).collect())
        })?;
        Ok(hits.into_iter().collect::<BTreeSet<usize>>().len())
    }

    /// The inputs of a guess, as either side would make them.
    fn inputs(&self, guess: &Person) -> Vec<[u8; 64]> {
        let known = guess.known();
        let both = [Party::Asked, Party::Asking];
        let made = both.iter().flat_map(|party| tokens(&self.policy, *party, &known));
        let keys: BTreeSet<_> = made.map(|token: Token| token.key()).collect();
        inputs(&self.set.header, &keys.into_iter().collect::<Vec<_>>())
    }

    /// Whether an output is in the set, or was claimed.
    fn is_known(&self, output: &Output) -> bool {
        self.set.set.contains(output) || self.halves.contains(&half(output))
    }
}
