//! The order of the bodies a search found.
//!
//! People are ordered by their likeness. The names of bodies are long and made of words that hundreds share (company,
//! institute, plant), so that what tells one from another is how rare the shared words are in this very index: an order
//! of their own weighs it, fitted by `mithaq-names-train --bodies` on searches, where every stranger is a near one. It is
//! not calibrated and therefore no likeness. What this module deliberately does not do: change any likeness.

use std::sync::LazyLock;

use crate::align::Grid;
use crate::matching::{self, Matching};
use crate::name::{Name, Role};
use crate::population::Frequencies;
use crate::score::{self, FEATURE_NAMES, FEATURES, SecondIdentifier};
use crate::told;
use crate::{Kind, Likeness};

/// Features that only a search has.
const OWN: usize = 6;
/// Features of the order of bodies: those of a comparison, and those of the search.
pub const ORDER_FEATURES: usize = FEATURES + OWN;

/// Names of the features that only a search has, in order, after those of [`FEATURE_NAMES`].
pub const ORDER_NAMES: [&str; OWN] = ["agreed", "covered", "missed", "best", "exact", "sure"];

static WEIGHTS: LazyLock<[f32; ORDER_FEATURES]> = LazyLock::new(|| {
    let mut weights = [0.0; ORDER_FEATURES];
    let names = FEATURE_NAMES.iter().chain(&ORDER_NAMES);
    for (name, slot) in names.zip(weights.iter_mut()) {
        let lines = include_str!("../../tables/order-bodies.txt").lines();
        let found = lines.filter_map(|line| line.split_once(' ')).find(|(key, _)| key == name);
        *slot = found.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0.0);
    }
    weights
});

/// Compares a query with a name that was found and says where it stands among the hits: higher comes first.
pub(super) fn place(query: &Name, name: &Name, frequencies: &Frequencies) -> (Likeness, f32) {
    if query.is_empty() || name.is_empty() {
        let likeness = score::Scorer::new().score(query, name);
        return (likeness, likeness.bits);
    }
    let found = matching::matchings(query, name, &mut Grid::new());
    let judged = told::judge(query, name, &found);
    let likeness = score::likeness(judged.bits, SecondIdentifier::Absent);
    if query.kind != Kind::Organisation {
        return (likeness, likeness.bits);
    }
    let own = own(query, &found.0, frequencies);
    let place = judged.features.iter().chain(&own).zip(WEIGHTS.iter()).map(|(f, w)| f * w).sum();
    (likeness, place)
}

/// All features of the order, for training.
pub(super) fn features(query: &Name, name: &Name, frequencies: &Frequencies) -> [f32; ORDER_FEATURES] {
    let matching = matching::matching(query, name);
    let compared = score::features(query, name, &matching);
    let own = own(query, &matching, frequencies);
    let mut out = [0.0; ORDER_FEATURES];
    for (slot, value) in out.iter_mut().zip(compared.iter().chain(&own)) {
        *slot = *value;
    }
    out
}

/// What the index says of the words that agree and of those that do not.
fn own(query: &Name, matching: &Matching, frequencies: &Frequencies) -> [f32; OWN] {
    let rarity = |at: usize| match query.tokens.get(at).map(|token| token.role) {
        Some(Role::Plain | Role::Number | Role::Patronymic | Role::Kunya) => frequencies.rarity(at),
        _ => 0.0,
    };
    let all: f32 = (0..query.tokens.len()).map(rarity).sum();
    let (mut agreed, mut covered, mut best, mut exact) = (0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32);
    for link in matching.links() {
        agreed -= frequencies.of_link(link);
        let taken = usize::from(link.a)..usize::from(link.a) + usize::from(link.a_count);
        let bits: f32 = taken.map(rarity).sum();
        covered += bits * link.quality;
        best = best.max(bits * link.quality);
        if link.quality > 0.95 {
            exact = exact.max(bits);
        }
    }
    let share = if all > 0.0 { covered / all } else { 0.0 };
    [
        agreed.min(40.0) / 10.0,
        share,
        (all - covered).min(40.0) / 10.0,
        best / 10.0,
        exact / 10.0,
        share * best / 10.0,
    ]
}
