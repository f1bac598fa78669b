//! What a tag set is bound to.

use mithaq_model::{AgreementId, PartyId, Timestamp};
use mithaq_wire::WireError;
use mithaq_wire::cbor::{Reader, Writer};

use super::{SetError, signed};
use crate::oprf::{Mode, PublicKey};

/// The statement about a tag set that the asked node signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetHeader {
    /// Agreement.
    pub agreement: AgreementId,
    /// Who holds the key.
    pub asked: PartyId,
    /// For whom.
    pub asking: PartyId,
    /// The key's epoch under this agreement, from 1.
    pub epoch: u32,
    /// Number of the set within the epoch, from 1.
    pub number: u32,
    /// Hash of the policy of tokens.
    pub policy: [u8; 32],
    /// Public part of the epoch's key; also says the mode.
    pub key: PublicKey,
    /// First instant it may be used.
    pub valid_from: Timestamp,
    /// Last instant; evaluations under this epoch end then.
    pub valid_to: Timestamp,
    /// Nonce of the tags.
    pub nonce: [u8; 16],
    /// Tags with dummies, before equal ones are counted once.
    pub slots: u32,
    /// SHA-256 of the filter.
    pub filter: [u8; 32],
}

impl SetHeader {
    /// Returns the bytes: an array of 14 parts in the order of the fields, version and mode first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.array(14).uint(1).uint(u64::from(self.key.mode().number()));
        w.bytes(self.agreement.as_bytes()).text(self.asked.as_str()).text(self.asking.as_str());
        w.uint(u64::from(self.epoch)).uint(u64::from(self.number));
        w.bytes(&self.policy).bytes(&self.key.to_bytes());
        w.int(self.valid_from.as_millis()).int(self.valid_to.as_millis());
        w.bytes(&self.nonce).uint(u64::from(self.slots)).bytes(&self.filter);
        w.finish()
    }

    /// Returns the bytes that are signed.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        signed(&self.to_bytes())
    }

    /// Reads a header.
    ///
    /// # Errors
    /// When it is not one, or its key is no element.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SetError> {
        let mut r = Reader::new(bytes);
        r.tuple(14)?;
        if r.uint()? != 1 {
            return Err(WireError::Version.into());
        }
        let mode = Mode::from_number(r.uint()?).ok_or(WireError::Code)?;
        let header = Self {
            agreement: AgreementId::new(r.array()?),
            asked: party(&mut r)?,
            asking: party(&mut r)?,
            epoch: r.u32()?,
            number: r.u32()?,
            policy: r.array()?,
            key: PublicKey::from_bytes(mode, r.array()?)?,
            valid_from: Timestamp::from_millis(r.int()?),
            valid_to: Timestamp::from_millis(r.int()?),
            nonce: r.array()?,
            slots: r.u32()?,
            filter: r.array()?,
        };
        r.end()?;
        if header.epoch == 0 || header.number == 0 || header.asked == header.asking {
            return Err(WireError::Value.into());
        }
        Ok(header)
    }
}

/// Longest name of a party.
const PARTY_MAX: usize = 40;

pub(crate) fn party(r: &mut Reader<'_>) -> Result<PartyId, WireError> {
    PartyId::new(r.text(PARTY_MAX)?).map_err(|_malformed| WireError::Value)
}
