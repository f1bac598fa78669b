//! Foreign formats: mapping into model types with a report of what was not carried.
//!
//! Reads what others publish or send and says, per element, what became a claim and what did not and why.
//! It decides nothing: who may see a claim is `policy`, whether it is stored is `app`. What counts as a
//! special category in free text is a function the caller passes in.
#![deny(missing_docs)]

mod loss;
pub mod un_list;

pub use loss::{Account, Loss, LossReport, Weakening};
