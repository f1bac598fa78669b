//! Fits what a likeness means among many (`population` in `mithaq-names`): searches of a set of queries, once with
//! and once without the one who is sought, so that every second search asks for somebody who is not there.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use mithaq_names::index::{
    Hit, Part, Record, Scratch, SearchOptions, Segment, Tombstones, build_segment, search,
};
use mithaq_names::{Name, POPULATION_NAMES, population_features};

/// One hit of one search.
struct Row {
    features: [f32; 3],
    label: f32,
    weight: f32,
    /// Kept out of the fit; a third of the queries, by a hash of who is sought.
    blind: bool,
}

/// Fits on two thirds of the persons and reports on the rest.
pub(crate) fn fit(dir: &Path, out: &Path) -> Result<()> {
    let read = |file: &str| {
        let path = dir.join(file);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let record = |line: &str| {
        let mut fields = line.split('\t');
        Some(Record::person(fields.next()?, fields.next()?))
    };
    let records: Vec<Record> = read("index.tsv")?.lines().filter_map(record).collect();
    let mut rows = Vec::new();
    // Indexes of several sizes, so that the number of names is not taken for a constant.
    for share in [1, 8, 64] {
        let some: Vec<Record> =
            records.iter().filter(|r| hash(&r.id).is_multiple_of(share)).cloned().collect();
        searches(&some, &read("queries.tsv")?, share, &mut rows)?;
    }
    let seen: Vec<&Row> = rows.iter().filter(|row| !row.blind).collect();
    let weights = descend(&seen);
    let mut table = String::new();
    for (name, weight) in POPULATION_NAMES.iter().zip(weights) {
        let _ = writeln!(table, "{name} {weight:.4}");
    }
    report("fitted", rows.iter().filter(|row| !row.blind), &weights);
    report("blind", rows.iter().filter(|row| row.blind), &weights);
    crate::write(out, "population.txt", &table)
}

fn searches(records: &[Record], queries: &str, share: u64, rows: &mut Vec<Row>) -> Result<()> {
    let segment = Segment::open(build_segment(records)?)?;
    let dead = Tombstones::default();
    let parts = [Part { segment: &segment, dead: &dead }];
    let mut scratch = Scratch::default();
    let ids: BTreeSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
    let options = SearchOptions { limit: 10, ..SearchOptions::default() };
    for line in queries.lines().skip(1).step_by(if share == 1 { 2 } else { 1 }) {
        let mut fields = line.split('\t').skip(1);
        let (Some(query), Some(gold)) = (fields.next(), fields.next()) else { continue };
        // Who is not in the index at all is left out: every second search is to ask for somebody who is there.
        if !gold.split(',').any(|id| ids.contains(id)) {
            continue;
        }
        let hits = search(&parts, &Name::parse(query), options, &mut scratch)?;
        let sought = |hit: &Hit| gold.split(',').any(|id| id == hit.id);
        let blind = (hash(gold) >> 20).is_multiple_of(3);
        let there = hits.iter().find(|hit| sought(hit)).map(|hit| hit.pair.bits);
        for hit in &hits {
            let mut push = |chance: f32, label: f32| {
                let features = population_features(hit.pair.bits, chance);
                rows.push(Row { features, label, weight: 1.0, blind });
            };
            push(hit.chance, if sought(hit) { 1.0 } else { 0.0 });
            if !sought(hit) {
                // The same search without the one who is sought: one namesake less when that one agreed as well.
                let less = if there.is_some_and(|bits| bits >= hit.pair.bits - 0.5) { 1.0 } else { 0.0 };
                push((hit.chance - less).max(0.0), 0.0);
            }
        }
    }
    Ok(())
}

pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, c| (h ^ u64::from(c)).wrapping_mul(0x0100_0000_01b3))
}

/// Probability from log-odds in bits.
fn probability(row: &Row, weights: &[f32; 3]) -> f32 {
    let bits: f32 = row.features.iter().zip(weights).map(|(f, w)| f * w).sum();
    1.0 / (1.0 + (-bits).exp2())
}

/// Newton's way would do; the plain gradient with Adam steps is what `fit` has, and as deterministic.
fn descend(rows: &[&Row]) -> [f32; 3] {
    let mut weights = [0.0, 1.0, -1.0_f32];
    let (mut mean, mut square) = ([0.0_f32; 3], [0.0_f32; 3]);
    let total: f64 = rows.iter().map(|row| f64::from(row.weight)).sum::<f64>().max(1.0);
    for round in 1..=1500_i32 {
        let mut gradient = [0.0_f64; 3];
        for row in rows {
            let off = row.weight * (probability(row, &weights) - row.label);
            for (g, f) in gradient.iter_mut().zip(&row.features) {
                *g += f64::from(off * f);
            }
        }
        for (((w, g), m), s) in weights.iter_mut().zip(gradient).zip(&mut mean).zip(&mut square) {
            #[expect(clippy::cast_possible_truncation, reason = "a mean of values below forty")]
            let g = (g / total) as f32;
            *m = 0.9 * *m + 0.1 * g;
            *s = 0.999 * *s + 0.001 * g * g;
            let (mh, sh) = (*m / (1.0 - 0.9_f32.powi(round)), *s / (1.0 - 0.999_f32.powi(round)));
            *w -= 0.01 * mh / (sh.sqrt() + 1e-8);
        }
    }
    weights
}

/// Prints how often what is said with a probability is true.
fn report<'a>(what: &str, rows: impl Iterator<Item = &'a Row>, weights: &[f32; 3]) {
    let mut bins = [(0_u32, 0.0_f32, 0.0_f32); 6];
    for row in rows {
        let p = probability(row, weights);
        let bin = [0.02, 0.1, 0.3, 0.5, 0.8].iter().filter(|edge| p >= **edge).count();
        if let Some((count, said, truth)) = bins.get_mut(bin) {
            *count += 1;
            *said += p;
            *truth += row.label;
        }
    }
    for (count, said, truth) in bins.into_iter().filter(|bin| bin.0 > 0) {
        #[expect(clippy::cast_precision_loss, reason = "counts below 2^23")]
        let n = count as f32;
        eprintln!("{what:7} {count:7} hits said {:.3}, true {:.3}", said / n, truth / n);
    }
}
