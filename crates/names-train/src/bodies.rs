//! Fits the order in which a search shows bodies (`index::order` in `mithaq-names`): the one who is sought before all
//! others that were found. A softmax over what each search found, by full gradients with Adam steps; deterministic.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use mithaq_names::index::{
    ORDER_FEATURES, ORDER_NAMES, Part, Record, Segment, Tombstones, build_segment, study,
};
use mithaq_names::{FEATURE_NAMES, Kind, Name};

use crate::population;

type Features = [f32; ORDER_FEATURES];

/// What one search found.
struct Search {
    found: Vec<(Features, bool)>,
    /// Kept out of the fit; a third of the bodies, by a hash of who is sought.
    blind: bool,
    /// A body with many searches counts less in each of them.
    weight: f32,
}

/// Candidates of a search.
const CANDIDATES: usize = 100;
/// What a weight costs, by its square.
const RIDGE: f32 = 2e-4;

/// Fits on two thirds of the bodies and reports on the rest.
pub(crate) fn fit(dir: &Path, out: &Path) -> Result<()> {
    let searches = searches(dir)?;
    let weights = descend(&searches);
    let mut table = String::new();
    for (name, weight) in FEATURE_NAMES.iter().chain(&ORDER_NAMES).zip(weights) {
        let _ = writeln!(table, "{name} {weight:.4}");
    }
    for (what, blind) in [("fitted", false), ("blind", true)] {
        let places: Vec<Option<usize>> =
            searches.iter().filter(|s| s.blind == blind).map(|s| s.place(&weights)).collect();
        let within = |most: usize| places.iter().filter(|p| p.is_some_and(|p| p < most)).count();
        eprintln!(
            "{what:7} {} searches, first {}, among ten {}, among all {}",
            places.len(),
            within(1),
            within(10),
            within(usize::MAX)
        );
    }
    crate::write(out, "order-bodies.txt", &table)
}

fn searches(dir: &Path) -> Result<Vec<Search>> {
    let read = |file: &str| {
        let path = dir.join(file);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let kind = Kind::Organisation;
    let record = |line: &str| {
        let mut fields = line.split('\t');
        Some(Record { id: fields.next()?.to_owned(), kind, name: fields.next()?.to_owned() })
    };
    let records: Vec<Record> = read("index.tsv")?.lines().filter_map(record).collect();
    let segment = Segment::open(build_segment(&records)?)?;
    let part = Part { segment: &segment, dead: &Tombstones::default() };
    let queries = read("queries.tsv")?;
    let lines = || queries.lines().skip(1).filter_map(|line| line.split('\t').skip(1).next_chunk2());
    let mut counts: BTreeMap<&str, f32> = BTreeMap::new();
    lines().for_each(|(_, gold)| *counts.entry(gold).or_default() += 1.0);
    lines()
        .map(|(query, gold)| {
            let found = study(&part, &Name::parse_as(kind, query), CANDIDATES)?;
            let sought = |id: &str| gold.split(',').any(|one| one == id);
            Ok(Search {
                found: found.into_iter().map(|(id, features)| (features, sought(&id))).collect(),
                blind: (population::hash(gold) >> 20).is_multiple_of(3),
                weight: counts.get(gold).copied().unwrap_or(1.0).sqrt().recip(),
            })
        })
        .collect()
}

/// Takes two from an iterator.
trait Two: Iterator + Sized {
    fn next_chunk2(mut self) -> Option<(Self::Item, Self::Item)> {
        Some((self.next()?, self.next()?))
    }
}

impl<I: Iterator> Two for I {}

fn dot(features: &Features, weights: &Features) -> f32 {
    features.iter().zip(weights).map(|(f, w)| f * w).sum()
}

impl Search {
    /// Place of the first who is sought.
    fn place(&self, weights: &Features) -> Option<usize> {
        let own = self.found.iter().filter(|f| f.1).map(|f| dot(&f.0, weights)).max_by(f32::total_cmp)?;
        Some(self.found.iter().filter(|f| !f.1 && dot(&f.0, weights) > own).count())
    }

    /// Adds the gradient of the loss of this search.
    fn push(&self, weights: &Features, gradient: &mut [f64; ORDER_FEATURES]) {
        let scores: Vec<f32> = self.found.iter().map(|f| dot(&f.0, weights)).collect();
        let most = scores.iter().copied().fold(f32::MIN, f32::max);
        let total: f32 = scores.iter().map(|s| (s - most).exp()).sum();
        let right: f32 =
            self.found.iter().zip(&scores).filter(|(f, _)| f.1).map(|(_, s)| (s - most).exp()).sum();
        for ((features, sought), score) in self.found.iter().zip(&scores) {
            let share = (score - most).exp() / total;
            let own = if *sought { (score - most).exp() / right.max(1e-12) } else { 0.0 };
            for (g, f) in gradient.iter_mut().zip(features) {
                *g += f64::from(self.weight * (share - own) * f);
            }
        }
    }
}

fn descend(searches: &[Search]) -> Features {
    let seen: Vec<&Search> =
        searches.iter().filter(|s| !s.blind && s.found.iter().any(|f| f.1) && s.found.len() > 1).collect();
    let total: f64 = seen.iter().map(|s| f64::from(s.weight)).sum::<f64>().max(1.0);
    let mut weights = [0.0_f32; ORDER_FEATURES];
    let (mut mean, mut square) = ([0.0_f32; ORDER_FEATURES], [0.0_f32; ORDER_FEATURES]);
    for round in 1..=900_i32 {
        let mut gradient = [0.0_f64; ORDER_FEATURES];
        seen.iter().for_each(|search| search.push(&weights, &mut gradient));
        let rate = if round < 600 { 0.03 } else { 0.01 };
        for (((w, g), m), s) in weights.iter_mut().zip(gradient).zip(&mut mean).zip(&mut square) {
            #[expect(clippy::cast_possible_truncation, reason = "a mean of values below ten")]
            let g = (g / total) as f32 + RIDGE * *w;
            *m = 0.9 * *m + 0.1 * g;
            *s = 0.999 * *s + 0.001 * g * g;
            let (mh, sh) = (*m / (1.0 - 0.9_f32.powi(round)), *s / (1.0 - 0.999_f32.powi(round)));
            *w -= rate * mh / (sh.sqrt() + 1e-8);
        }
    }
    weights
}
