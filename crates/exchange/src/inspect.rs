//! The first half of receiving: everything that needs no rows, so that it runs outside the transaction and in
//! parallel. Checks in order, the first failure ends the batch and the good prefix counts: size, form,
//! address, signer, signature. What is signed and in its place is answered in any case: later failures become
//! refusals.

use mithaq_model::{AgreementId, PartyId};
use mithaq_wire::limits::{BATCH_BYTES_MAX, BATCH_MESSAGES_MAX, ENVELOPE_MAX};
use mithaq_wire::{Digest, EnvelopeHeader, LaneId};
use sha2::{Digest as _, Sha256};

use crate::code::{Refuse, Stop};
use crate::content::Opened;
use crate::ports::{Unopened, Unreadable, Unsigned, Unwrap};

/// Who stands at the door: an empty list of agreements means nobody.
#[derive(Debug, Clone, Copy)]
pub struct Door<'a> {
    /// This node's party.
    pub us: &'a PartyId,
    /// The party whose pinned key opened the connection, or whose file this is.
    pub peer: &'a PartyId,
    /// The agreements with it that this node knows, in whatever state.
    pub agreements: &'a [AgreementId],
}

/// An envelope whose signature is that of the partner's node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived<R> {
    pub(crate) header: EnvelopeHeader,
    pub(crate) envelope: Digest,
    pub(crate) bytes: Vec<u8>,
    pub(crate) inner: Result<Opened<R>, Refuse>,
}

impl<R> Arrived<R> {
    /// Returns the header.
    #[must_use]
    pub const fn header(&self) -> &EnvelopeHeader {
        &self.header
    }

    /// Returns what was inside, or why it will be refused.
    ///
    /// # Errors
    /// When it did not open.
    pub fn inner(&self) -> Result<&Opened<R>, Refuse> {
        self.inner.as_ref().map_err(|refuse| *refuse)
    }
}

/// A batch as far as it is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection<R> {
    /// The lane: its rows are to be loaded.
    pub lane: LaneId,
    /// The good prefix.
    pub arrived: Vec<Arrived<R>>,
    /// Why the rest is not taken.
    pub stopped: Option<Stop>,
}

/// SHA-256 of an envelope or receipt: what chains, receipts and rows name it by.
pub(crate) fn hash(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// Inspects the envelopes of one request or file.
///
/// # Errors
/// When nothing of it can be answered about: the answer is the bare code, and the lane is not named.
pub fn inspect<U: Unwrap, B: AsRef<[u8]>>(
    batch: &[B],
    door: &Door<'_>,
    unwrap: &U,
) -> Result<Inspection<U::Report>, Stop> {
    let bytes = batch.iter().fold(0_usize, |sum, envelope| sum.saturating_add(envelope.as_ref().len()));
    if batch.is_empty() || batch.len() > BATCH_MESSAGES_MAX || bytes > BATCH_BYTES_MAX {
        return Err(Stop::BatchSize);
    }
    let mut lane: Option<LaneId> = None;
    let mut arrived = Vec::with_capacity(batch.len());
    for envelope in batch {
        let one = inspect_one(envelope.as_ref(), door, unwrap).and_then(|one| match &lane {
            Some(lane) if *lane != one.header.lane => Err(Stop::BatchLane),
            Some(_) | None => Ok(one),
        });
        match (one, lane.is_some()) {
            (Ok(one), _) => {
                lane.get_or_insert_with(|| one.header.lane.clone());
                arrived.push(one);
            }
            (Err(stop), true) => return done(lane, arrived, Some(stop)),
            (Err(stop), false) => return Err(stop),
        }
    }
    done(lane, arrived, None)
}

fn done<R>(
    lane: Option<LaneId>,
    arrived: Vec<Arrived<R>>,
    stopped: Option<Stop>,
) -> Result<Inspection<R>, Stop> {
    let lane = lane.ok_or(Stop::BatchSize)?;
    Ok(Inspection { lane, arrived, stopped })
}

/// Inspects an envelope that was kept ahead of a gap; none when it does not verify any more. For who loads what a batch
/// speaks of: what waits behind a gap is decided with the batch that closes it.
pub fn inspect_kept<U: Unwrap>(envelope: &[u8], lane: &LaneId, unwrap: &U) -> Option<Arrived<U::Report>> {
    let door = Door { us: &lane.to, peer: &lane.from, agreements: &[lane.agreement] };
    inspect_one(envelope, &door, unwrap).ok().filter(|one| one.header.lane == *lane)
}

/// Inspects one envelope.
pub(crate) fn inspect_one<U: Unwrap>(
    envelope: &[u8],
    door: &Door<'_>,
    unwrap: &U,
) -> Result<Arrived<U::Report>, Stop> {
    if envelope.len() > ENVELOPE_MAX {
        return Err(Stop::EnvelopeSize);
    }
    let header = unwrap.header(envelope).map_err(|why| match why {
        Unreadable::Malformed => Stop::EnvelopeMalformed,
        Unreadable::Unsupported => Stop::EnvelopeUnsupported,
    })?;
    let lane = &header.lane;
    if lane.from != *door.peer || lane.to != *door.us || !door.agreements.contains(&lane.agreement) {
        return Err(Stop::EnvelopeAddress);
    }
    if header.at.epoch == 0 || header.at.seq == 0 {
        return Err(Stop::EnvelopeMalformed);
    }
    unwrap.verify(envelope, &header).map_err(|why| match why {
        Unsigned::Signer => Stop::EnvelopeSigner,
        Unsigned::Signature => Stop::EnvelopeSignature,
    })?;
    let inner = unwrap.open(envelope, &header).map_err(|why| match why {
        Unopened::Undecryptable => Refuse::EnvelopeUndecryptable,
        Unopened::Malformed => Refuse::SealMalformed,
        Unopened::Unsupported => Refuse::SealUnsupported,
        Unopened::Seal => Refuse::SealSignature,
        Unopened::Originator => Refuse::OnwardOriginator,
        Unopened::Onward => Refuse::OnwardSeal,
        Unopened::KeyEnded => Refuse::KeyEnded,
        Unopened::KeyDistrusted => Refuse::KeyDistrusted,
    });
    Ok(Arrived { envelope: hash(envelope), bytes: envelope.to_vec(), header, inner })
}
