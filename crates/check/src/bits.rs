//! How much a name says: the bits of a [`Code`], from how often it occurs among names.
//!
//! Both sides must come to the same answer from the code alone, so this is a table, part of the policy of tokens,
//! and not the rarity inside somebody's register.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::sound::Code;

/// Raised with any change of [`crate::sound`] or of the table: the two sides must agree on it.
pub const SOUND_VERSION: u16 = 1;

/// Code and bits in eighths, made by `cargo run -p mithaq-check --example code_bits`.
static TABLE: LazyLock<BTreeMap<u64, u8>> = LazyLock::new(|| {
    let rows = include_str!("../tables/bits.txt").lines().filter_map(|line| line.split_once(' '));
    rows.filter_map(|(code, eighths)| Some((u64::from_str_radix(code, 16).ok()?, eighths.parse().ok()?)))
        .collect()
});

/// Bits of a code the table does not hold: rarer than what it holds, and the longer the rarer.
const RARE: u16 = 124;
/// Eighths of a bit that each class beyond three adds to a code that is not in the table.
const PER_CLASS: u16 = 4;

/// Returns the eighths of a bit that an equal code is worth.
#[must_use]
pub fn eighths(code: Code) -> u16 {
    TABLE.get(&code.0).map_or_else(
        || RARE + PER_CLASS * u16::try_from(code.len().saturating_sub(3)).unwrap_or(0),
        |eighths| u16::from(*eighths),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_names_say_little() {
        assert!(TABLE.len() > 1_000);
        let of = |text: &str| {
            let letters: Vec<char> = text.chars().collect();
            eighths(crate::sound::readings(mithaq_names::Script::Latin, &letters)[0])
        };
        assert!(of("mohamed") < 9 * 8 && of("maria") < 9 * 8);
        assert!(of("zubayda") > of("ali") && of("quisquater") > 11 * 8);
    }
}
