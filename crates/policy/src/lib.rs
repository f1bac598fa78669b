//! Agreements as rules, and the one function that decides a disclosure.
//!
//! An [`Agreement`] is a text people can read and both sides sign; [`Rules`] is what it compiles to, together
//! with safeguards that no agreement can lift; [`decide`] answers with a [`Permit`] or a [`Refusal`], on the
//! sender and on the receiver. Nothing is sealed without a permit, and only this crate makes one.
//!
//! Deliberately not here: signatures and keys (`envelope`), storage, the time, and who may do what inside one
//! node (`app`).
#![deny(missing_docs)]

pub mod agreement;
mod check;
mod context;
mod decide;
mod facts;
pub mod life;
mod onward;
mod rules;
pub mod screen;
mod walk;
mod words;

pub use agreement::{
    Agreement, AgreementError, AgreementParty, Budgets, Onward, PrivateCheck, agreement_id, default_clock,
};
pub use check::{
    CHECKABLE, CheckFacts, CheckPermit, EventFacts, permit_check, permit_event, permit_standing,
};
pub use context::{Clearance, Context, RiskAssessment, Side, Work};
pub use decide::{
    Decision, Disclosure, OrderKind, OrderPermit, Permit, Refusal, decide, permit_order, permit_step,
};
pub use life::{Stage, Standing};
pub use onward::{
    Consent, ConsentFault, ConsentPermit, ConsentQuestion, HopDisclosure, HopPermit, HopRefusal,
    decide_onward, for_named_only, permit_consent,
};
pub use rules::{CompileError, Rules};
pub use walk::walk;
