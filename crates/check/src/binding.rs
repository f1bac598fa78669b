//! What every input of the function begins with: agreement, parties, epoch and policy. A token under one of them
//! says nothing under another, even if two keys were ever the same.

use mithaq_model::{AgreementId, PartyId};
use sha2::{Digest as _, Sha256};

use crate::TokenKey;
use crate::messages::Request;
use crate::set::SetHeader;

const CONTEXT: &[u8] = b"mithaq/check-input/1";

/// The first half of every input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding([u8; 32]);

impl Binding {
    /// Returns the binding of a header's epoch; it is the same for all sets of the epoch.
    #[must_use]
    pub fn of(header: &SetHeader) -> Self {
        Self::made((&header.agreement, header.epoch, &header.policy), (&header.asking, &header.asked))
    }

    /// Returns the binding a request was blinded under: it says all that a header would.
    #[must_use]
    pub fn of_request(request: &Request) -> Self {
        Self::made((&request.agreement, request.epoch, &request.policy), (&request.asking, &request.asked))
    }

    fn made(
        (agreement, epoch, policy): (&AgreementId, u32, &[u8; 32]),
        (asking, asked): (&PartyId, &PartyId),
    ) -> Self {
        let short = |text: &str| [&[u8::try_from(text.len()).unwrap_or(u8::MAX)], text.as_bytes()].concat();
        let hash = Sha256::new()
            .chain_update(CONTEXT)
            .chain_update(agreement.as_bytes())
            .chain_update(short(asked.as_str()))
            .chain_update(short(asking.as_str()))
            .chain_update(epoch.to_be_bytes())
            .chain_update(policy)
            .finalize();
        Self(hash.into())
    }

    /// Returns the input of a token: 64 bytes.
    #[must_use]
    pub fn input(&self, key: &TokenKey) -> [u8; 64] {
        let mut input = [0; 64];
        input.iter_mut().zip(self.0.iter().chain(key)).for_each(|(slot, byte)| *slot = *byte);
        input
    }
}
