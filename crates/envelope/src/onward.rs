//! The originator's token for passing something on, and what is sealed about it. A token is signed with a seal key under
//! a context of its own, so that no seal counts as one. Exact bytes: `docs/spec/onward.md`.

use mithaq_policy::{ConsentPermit, HopPermit, OrderKind, OrderPermit};
use mithaq_wire::{
    Hop, OnwardStep, OnwardToken, SealHeader, decode_hop, decode_onward_step, decode_onward_token,
    encode_hop, encode_onward_step, encode_onward_token,
};

use crate::error::{SealError, SealedError};
use crate::keys::AgencySigner;
use crate::manifest::VerifiedManifest;
use crate::seal::{BodyKind, SealArgs, Sealed, order_header, seal};
use crate::sign1::{self, Context, Sign1};

/// Longest signed token in bytes.
const TOKEN_MAX: usize = 4 * 1024;

/// Signs a token: exactly what the permit says, once.
///
/// # Errors
/// When the token is not for exactly what was permitted, or the key fails.
pub fn sign_token(
    token: &OnwardToken,
    permit: &ConsentPermit,
    signer: &dyn AgencySigner,
) -> Result<Vec<u8>, SealError> {
    let consent = permit.consent();
    let same = token.originator == consent.originator
        && token.object == consent.report.into()
        && token.version == consent.version
        && token.by == consent.by
        && token.to == consent.to
        && token.purpose == consent.purpose
        && token.use_by == consent.use_by
        && token.keep_until == consent.keep_until;
    if !same {
        return Err(SealError::Permit);
    }
    let document = encode_onward_token(token);
    if decode_onward_token(&document).as_ref() != Ok(token) {
        return Err(SealError::Content);
    }
    let protected = sign1::protected(&document, &signer.seal_key());
    sign1::make(Context::Token, &protected, &[], |tbs| signer.sign_seal(tbs)).map_err(|_key| SealError::Key)
}

fn parse(bytes: &[u8]) -> Result<(Sign1<'_>, OnwardToken), SealedError> {
    let signed = Sign1::parse(bytes, TOKEN_MAX)?;
    if !signed.payload.is_empty() {
        return Err(SealedError::Malformed);
    }
    let token = decode_onward_token(signed.document)?;
    Ok((signed, token))
}

/// Reads what a token claims. Nothing of it is verified: it tells whose manifests to verify it with.
///
/// # Errors
/// When the bytes are no token.
pub fn peek_token(bytes: &[u8]) -> Result<OnwardToken, SealedError> {
    parse(bytes).map(|(_, token)| token)
}

/// Verifies a token with the originator's manifest and reads it. Whether it is for this hop, unused and in time, is
/// asked by the policy and the store.
///
/// # Errors
/// When it is no token, of another party than the manifest, or not signed by a seal key of it.
pub fn open_token(bytes: &[u8], originator: &VerifiedManifest) -> Result<OnwardToken, SealedError> {
    let (signed, token) = parse(bytes)?;
    if token.originator != originator.manifest().party {
        return Err(SealedError::Originator);
    }
    if !originator.seal_keys().iter().any(|key| signed.verify(Context::Token, key)) {
        return Err(SealedError::Signature);
    }
    Ok(token)
}

/// Seals a step about passing something on.
///
/// # Errors
/// When the permit is not for such a step, it is beyond the limits, or the key fails.
pub fn seal_onward(
    step: &OnwardStep,
    permit: &OrderPermit,
    args: &SealArgs,
    signer: &dyn AgencySigner,
) -> Result<Sealed, SealError> {
    let kind = match step {
        OnwardStep::Asked { .. } | OnwardStep::Granted { .. } => OrderKind::Consent,
        OnwardStep::Denied { .. }
        | OnwardStep::Revoked { .. }
        | OnwardStep::Tried { .. }
        | OnwardStep::Copy { .. }
        | OnwardStep::Carried { .. }
        | OnwardStep::Superseded { .. } => OrderKind::Onward,
    };
    if permit.kind() != kind {
        return Err(SealError::Permit);
    }
    let body = encode_onward_step(step);
    if decode_onward_step(&body).as_ref() != Ok(step) {
        return Err(SealError::Content);
    }
    seal(order_header(permit, args)?, BodyKind::Onward, &body, &args.salt, signer)
}

/// Seals a hop: the originator's own seal, unchanged, with its token, for the one recipient the permit names.
///
/// # Errors
/// When there is no token, what it carries is not what was permitted, it is too long, or the key fails.
pub fn seal_hop(
    hop: &Hop,
    permit: &HopPermit,
    args: &SealArgs,
    signer: &dyn AgencySigner,
) -> Result<Sealed, SealError> {
    let allowed = permit.permit();
    let inner = crate::peek_seal(&hop.sealed).map_err(|_no_seal| SealError::Content)?;
    let token = hop.token.as_deref().and_then(|bytes| peek_token(bytes).ok()).ok_or(SealError::Permit)?;
    let same = inner.object == allowed.report().into()
        && inner.version == allowed.version()
        && inner.originator == permit.consent().originator
        && token.to == *allowed.recipient()
        && token.object == inner.object;
    if !same {
        return Err(SealError::Permit);
    }
    if args.supersedes.is_some() {
        return Err(SealError::Supersedes);
    }
    let body = encode_hop(hop);
    if decode_hop(&body).as_ref() != Ok(hop) {
        return Err(SealError::Content);
    }
    let header = SealHeader {
        object: inner.object,
        version: inner.version,
        supersedes: None,
        originator: permit.forwarder().clone(),
        recipients: vec![allowed.recipient().clone()],
        agreement: allowed.agreement(),
        purpose: Some(allowed.purpose()),
        handling: None,
        level: inner.level,
        lease_until: args.lease_until,
        released_by: args.released_by.clone(),
        sealed_at: args.sealed_at,
    };
    seal(header, BodyKind::Hop, &body, &args.salt, signer)
}
