//! How rare a token is: the evidence an exact match can give.
//!
//! Counts come from the token lists the tables are trained on, by fine skeleton, so that one table serves all
//! scripts. What this module deliberately does not do: know an index's own frequencies (see
//! [`crate::Name::set_rarity`]).

use crate::name::{Role, Token, rarity_eighths};
use crate::tables;

/// Returns the rarity of a token in eighths of a bit.
pub(crate) fn eighths(token: &Token, skeleton: usize, symbols: usize) -> u16 {
    #[expect(clippy::cast_precision_loss, reason = "both are below 64")]
    let (skeleton, symbols) = (skeleton as f32, symbols as f32);
    let by_length = 1.0 + 2.2 * skeleton + 0.7 * symbols;
    let known = tables::tables().rarity(token.fine);
    let bits = known.unwrap_or(15.0).min(by_length).clamp(2.0, 15.0);
    rarity_eighths(bits * role_factor(token.role))
}

/// Bits of a word that says what a body is (bank, front): one in some thirty bodies shares it.
pub(crate) const GENERIC_BITS: f32 = 5.0;

/// Returns the rarity of a word that says what a body is, in eighths of a bit.
pub(crate) fn generic(token: &Token) -> u16 {
    rarity_eighths(GENERIC_BITS * role_factor(token.role))
}

/// Titles, particles and legal forms are shared by strangers.
const fn role_factor(role: Role) -> f32 {
    match role {
        Role::Plain | Role::Kunya | Role::Number => 1.0,
        Role::Patronymic => 0.7,
        Role::Initial => 0.4,
        Role::Title | Role::Particle | Role::LegalForm | Role::Suffix => 0.12,
    }
}
