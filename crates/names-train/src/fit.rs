//! Fits the weights of the features by logistic regression on labelled pairs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use mithaq_names::{FEATURE_NAMES, FEATURES, Kind, Name, Scorer};

/// One labelled pair.
struct Row {
    features: [f32; FEATURES],
    label: f32,
    /// Kept out of the fit; a third of the persons, by a hash of the first name of the pair.
    blind: bool,
    group: String,
}

/// The committed table.
const FILE: &str = "weights.txt";

/// Fits on two thirds of the persons and reports on the rest. Of the features named, if any, the weights are fitted
/// beside those of the others, which stay as the table in `out` has them.
pub(crate) fn fit(file: &Path, only: Option<&str>, out: &Path) -> Result<()> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let rows = read(file)?.lines().skip(1).filter_map(row).collect::<Vec<Row>>();
    let start = match only {
        None => Start { weights: [0.0; FEATURES], free: [true; FEATURES] },
        Some(only) => beside(&read(&out.join(FILE))?, only)?,
    };
    write(&rows, &start, out, FILE)
}

/// Weights to begin with, and which of them are fitted.
struct Start {
    weights: [f32; FEATURES],
    free: [bool; FEATURES],
}

fn beside(table: &str, only: &str) -> Result<Start> {
    let mut start = Start { weights: [0.0; FEATURES], free: [false; FEATURES] };
    for name in only.split(',') {
        let at = FEATURE_NAMES.iter().position(|known| *known == name);
        let slot = at.and_then(|at| start.free.get_mut(at));
        *slot.with_context(|| format!("no feature is called `{name}`"))? = true;
    }
    for (name, value) in table.lines().filter_map(|line| line.split_once(' ')) {
        let at = FEATURE_NAMES.iter().position(|known| *known == name);
        if let Some(slot) = at.and_then(|at| start.weights.get_mut(at)) {
            *slot = value.trim().parse().with_context(|| format!("the weight of `{name}` is no number"))?;
        }
    }
    Ok(start)
}

fn write(rows: &[Row], start: &Start, out: &Path, file: &str) -> Result<()> {
    let seen: Vec<&Row> = rows.iter().filter(|r| !r.blind).collect();
    let weights = descend(&seen, start);
    let mut table = String::new();
    for (name, weight) in FEATURE_NAMES.iter().zip(weights) {
        let _ = writeln!(table, "{name} {weight:.4}");
    }
    report("fitted", rows.iter().filter(|r| !r.blind), &weights);
    report("blind", rows.iter().filter(|r| r.blind), &weights);
    crate::write(out, file, &table)
}

/// Reads `id a b label script_pair kind …`.
fn row(line: &str) -> Option<Row> {
    let mut fields = line.split('\t').skip(1);
    let (a, b, label, group) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let (x, y) = (Name::parse_as(Kind::Person, a), Name::parse_as(Kind::Person, b));
    let hash =
        a.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, c| (h ^ u64::from(c)).wrapping_mul(0x0100_0000_01b3));
    Some(Row {
        features: Scorer::new().features(&x, &y),
        label: label.parse().ok()?,
        blind: (hash >> 20) % 3 == 0,
        group: group.to_owned(),
    })
}

fn dot(features: &[f32; FEATURES], weights: &[f32; FEATURES]) -> f32 {
    features.iter().zip(weights).map(|(f, w)| f * w).sum()
}

/// Full-batch gradient descent with Adam steps and a small ridge; deterministic.
fn descend(rows: &[&Row], start: &Start) -> [f32; FEATURES] {
    let mut weights = start.weights;
    let (mut mean, mut square) = ([0.0_f32; FEATURES], [0.0_f32; FEATURES]);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^23 rows")]
    let count = rows.len().max(1) as f32;
    for round in 1..=2500_i32 {
        let mut gradient = [0.0_f64; FEATURES];
        for row in rows {
            let p = 1.0 / (1.0 + (-dot(&row.features, &weights)).exp());
            for (g, f) in gradient.iter_mut().zip(&row.features) {
                *g += f64::from((p - row.label) * f);
            }
        }
        let rate = if round < 1500 { 0.03 } else { 0.01 };
        let free = weights.iter_mut().zip(gradient).zip(&mut mean).zip(&mut square).zip(&start.free);
        for (((w, g), m), s) in free.filter(|(_, free)| **free).map(|(all, _)| all) {
            #[expect(clippy::cast_possible_truncation, reason = "a mean of values below one")]
            let g = (g / f64::from(count)) as f32 + 1e-5 * *w;
            *m = 0.9 * *m + 0.1 * g;
            *s = 0.999 * *s + 0.001 * g * g;
            let (mh, sh) = (*m / (1.0 - 0.9_f32.powi(round)), *s / (1.0 - 0.999_f32.powi(round)));
            *w -= rate * mh / (sh.sqrt() + 1e-8);
        }
    }
    weights
}

fn report<'a>(what: &str, rows: impl Iterator<Item = &'a Row>, weights: &[f32; FEATURES]) {
    let mut groups: BTreeMap<&str, Vec<(f32, bool)>> = BTreeMap::new();
    for row in rows {
        let scored = (dot(&row.features, weights), row.label > 0.5);
        groups.entry("all").or_default().push(scored);
        groups.entry(&row.group).or_default().push(scored);
    }
    for (group, scored) in &mut groups {
        scored.sort_by(|x, y| y.0.total_cmp(&x.0));
        let (auc, f1, recall) = measures(scored);
        eprintln!(
            "{what:7} {group:16} n {:6} AUC {auc:.4} best F1 {f1:.3} R@1%FPR {recall:.3}",
            scored.len()
        );
    }
}

/// Area under the curve, best F1 and recall at one per cent false positives of scores sorted downward.
fn measures(scored: &[(f32, bool)]) -> (f64, f64, f64) {
    let positives = scored.iter().filter(|s| s.1).count() as f64;
    let negatives = scored.len() as f64 - positives;
    let (mut tp, mut fp, mut area, mut f1, mut recall) = (0.0, 0.0, 0.0, 0.0_f64, 0.0);
    for (_, label) in scored {
        if *label {
            tp += 1.0;
        } else {
            fp += 1.0;
            area += tp;
        }
        f1 = f1.max(2.0 * tp / (positives + tp + fp));
        if fp <= 0.01 * negatives {
            recall = tp / positives;
        }
    }
    (area / (positives * negatives).max(1.0), f1, recall)
}
