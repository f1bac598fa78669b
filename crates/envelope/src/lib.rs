//! Seals, envelopes, receipts, manifests and signed agreements: who said it, to whom, and that nobody else reads it.
//!
//! Content is sealed by an agency ([`seal_report`], only with a permit of the policy), encrypted and signed by a node
//! ([`wrap`]), verified, opened and believed in three steps that are three types. Keys are behind narrow traits.
//! Exact bytes: `docs/spec/envelope.md`.
//!
//! Deliberately not here: order, duplicates and clocks of the exchange (`exchange`), decisions (`policy`), where keys
//! are stored (`node`). Randomness is an argument, with one exception: ML-DSA signatures are hedged inside the library.
#![deny(missing_docs)]

mod agreement;
mod attachment;
mod courier;
mod distrust;
mod envelope;
mod error;
mod keys;
mod manifest;
mod onward;
mod receipt;
mod seal;
mod session;
mod sign1;
#[cfg(test)]
mod tests;

pub use agreement::{
    AGREEMENT_TEXT_MAX, AgreementSignature, SignedAgreement, VerifiedAgreement, sign_agreement,
    verify_agreement_signature, verify_signed_agreement,
};
pub use attachment::{ChunkError, ChunkKey, attachment_root, check_chunk, chunk_hash};
pub use courier::{Volume, courier_digest, sign_courier};
pub use distrust::{
    Distrust, PAPERS_EACH_MAX, PAPERS_MAX, Papers, distrust_document, peek_distrust, sign_distrust,
    verify_distrust,
};
pub use envelope::{
    Envelope, OpenedEnvelope, Verification, VerifiedEnvelope, envelope_hash, open_sealed, peek_header,
    verify, wrap, wrap_epoch_start,
};
pub use error::{
    AgreementSignatureError, CourierError, EnvelopeError, KeyError, ManifestError, ReceiptError, SealError,
    SealedError, WrapError,
};
pub use keys::{
    AgencySigner, KEM_KEY_LEN, KemOpener, ML_DSA_KEY_LEN, ML_DSA_SIGNATURE_LEN, NodeSigner, RootKeys,
    RootSignature, RootSigner, Seeds, SoftKeys, SoftRoot,
};
pub use manifest::{
    VerifiedManifest, manifest_hash, manifest_party, manifest_root, sign_manifest, verify_manifest,
};
pub use onward::{open_token, peek_token, seal_hop, seal_onward, sign_token};
pub use receipt::{
    peek_receipt_proof, peek_receipts, receipt_proof, sign_receipts, verify_receipt_proof, verify_receipts,
};
pub use seal::{
    Opened, OpenedReport, SealArgs, Sealed, commitment, open_seal, peek_seal, seal_later_receipts,
    seal_notice, seal_order, seal_report, seal_step,
};
pub use session::{KemSession, SESSION_MESSAGES_MAX, SESSION_SPAN, SessionCache};
