//! What oversight is given of a check: the request as it left, and what opens its commitment. With an evidence bundle of
//! either log it shows that these tokens were asked, one by one, and no others.

use mithaq_wire::WireError;
use mithaq_wire::cbor::{Reader, Writer};

use crate::binding::Binding;
use crate::messages::{Request, versioned};
use crate::opening::{Mismatch, Opening};
use crate::oprf::{self, BATCH_MAX, Mode, OprfError};

/// Longest request with its frame.
const REQUEST_MAX: usize = 32 * BATCH_MAX + 1_024;

/// A check, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The request as it left.
    pub request: Request,
    /// What opens it.
    pub opening: Opening,
    /// Whether it was blinded for an evaluation with proofs.
    pub mode: Mode,
}

/// What both logs hold of a check that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven {
    /// Commitment to the query set: of `check.asked` at the asking side, of `check.received` at the asked one.
    pub commitment: [u8; 32],
    /// Digest of the request: of `check.sent`, and of `check.evaluated` or `check.refused`.
    pub digest: [u8; 32],
    /// Elements that were asked to be evaluated.
    pub queries: usize,
    /// Of these, fillings that stand for nobody.
    pub dummies: usize,
}

impl Opened {
    /// Opens a check: makes its elements again from what was kept.
    ///
    /// # Errors
    /// When the opening cannot be used.
    pub fn new(mut request: Request, opening: Opening, mode: Mode) -> Result<Self, OprfError> {
        let binding = Binding::of_request(&request);
        let inputs: Vec<_> = opening.keys.iter().map(|key| binding.input(key)).collect();
        request.elements = oprf::blind(&inputs, &opening.blinds(mode)?)?;
        Ok(Self { request, opening, mode })
    }

    /// Shows that the request is the opening's, element by element.
    ///
    /// # Errors
    /// Where they first differ.
    pub fn proven(&self) -> Result<Proven, Mismatch> {
        self.opening.check(&self.request, &Binding::of_request(&self.request), self.mode)?;
        let dummies = self.opening.keys.iter().filter(|key| self.opening.is_dummy(key)).count();
        Ok(Proven {
            commitment: self.request.commitment,
            digest: self.request.digest(),
            queries: self.request.elements.len(),
            dummies,
        })
    }

    /// Returns the bytes: `[1, 0 base | 1 verifiable, request, opening]`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        let mode = u64::from(self.mode == Mode::Verifiable);
        w.array(4).uint(1).uint(mode).bytes(&self.request.to_bytes()).bytes(&self.opening.to_bytes());
        w.finish()
    }

    /// Reads a check that was opened.
    ///
    /// # Errors
    /// When it is none. Whether it holds says [`Opened::proven`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        versioned(&mut r, 4)?;
        let mode = match r.uint()? {
            0 => Mode::Base,
            1 => Mode::Verifiable,
            _other => return Err(WireError::Code),
        };
        let request = Request::from_bytes(r.bytes(REQUEST_MAX)?)?;
        let opening = Opening::from_bytes(r.bytes(REQUEST_MAX)?)?;
        r.end()?;
        Ok(Self { request, opening, mode })
    }
}
