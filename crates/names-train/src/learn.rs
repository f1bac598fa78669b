//! From pairs to tables: choose the units of every script, learn, turn counts into bits.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mithaq_names::{Script, training};

use crate::corpus::{Corpora, Pair};
use crate::em::{Inventory, Model, get};

/// Longer units kept per script (the letters come on top; 255 together).
const KEPT: [(Script, usize); 5] = [
    (Script::Latin, 204),
    (Script::Arabic, 90),
    (Script::Cyrillic, 110),
    (Script::Hebrew, 90),
    (Script::Syllabic, 120),
];
/// Longer units kept whatever their use is: letters that are silent or one sound in French and English, where no
/// sum of smaller units says so. Many names have them, no single spelling is frequent.
const ALWAYS: [&str; 4] = ["eau", "igh", "wr", "kn"];
/// Candidates tried before choosing.
const CANDIDATE_PAIRS: usize = 420;
const CANDIDATE_TRIPLES: usize = 160;
/// Pairs used to choose the units.
const SAMPLE: usize = 40_000;

/// Units by script.
type Units = BTreeMap<Script, Vec<Vec<u8>>>;

/// Learns everything and returns the text of the units table.
pub(crate) fn learn(corpora: &Corpora) -> String {
    let units = choose(corpora);
    let mut out = String::new();
    for (script, longer) in &units {
        let inventory = Inventory::new(*script, longer);
        let first = inventory.len() - longer.len();
        let shown: Vec<String> = (first..inventory.len()).map(|id| inventory.shown(id)).collect();
        let _ = writeln!(out, "script {}\n{}", script.code(), shown.join(" "));
    }
    for ((a, b), pairs) in corpora {
        let none = Vec::new();
        let inventory = |script: &Script| Inventory::new(*script, units.get(script).unwrap_or(&none));
        let mut model = Model::new(inventory(a), inventory(b), pairs);
        for round in 0..6 {
            let likelihood = model.round();
            if round == 5 {
                eprintln!("{}{}: {} pairs, log-likelihood {likelihood:.3}", a.code(), b.code(), pairs.len());
            }
        }
        let _ = writeln!(out, "pair {}{}", a.code(), b.code());
        write_bits(&model, pairs, &mut out);
    }
    out
}

/// Chooses the longer units by how much the models use them.
fn choose(corpora: &Corpora) -> Units {
    let mut usage: BTreeMap<(Script, Vec<u8>), f64> = BTreeMap::new();
    for ((a, b), pairs) in corpora {
        let sample: Vec<Pair> = pairs
            .iter()
            .step_by((pairs.len() / SAMPLE).max(1))
            .map(|p| Pair { a: p.a.clone(), b: p.b.clone(), weight: p.weight })
            .collect();
        let candidates = |script: Script, first: bool| {
            let words: Vec<&[u8]> =
                sample.iter().map(|p| if first { p.a.as_slice() } else { p.b.as_slice() }).collect();
            Inventory::new(script, &frequent(&words))
        };
        let mut model = Model::new(candidates(*a, true), candidates(*b, false), &sample);
        for _ in 0..4 {
            model.round();
        }
        let width = model.b.len();
        let total: f64 = model.counts.iter().sum();
        for (at, count) in model.counts.iter().enumerate() {
            let (x, y) = (at / width, at % width);
            // Identity of whole units in one script teaches nothing that single letters do not.
            let (ux, uy) = (
                model.a.units.get(x).cloned().unwrap_or_default(),
                model.b.units.get(y).cloned().unwrap_or_default(),
            );
            if a == b && ux == uy {
                continue;
            }
            let share = count / total * if a == b { 0.5 } else { 1.0 };
            if ux.len() > 1 {
                *usage.entry((*a, ux)).or_default() += share;
            }
            if uy.len() > 1 {
                *usage.entry((*b, uy)).or_default() += share;
            }
        }
    }
    KEPT.iter().map(|(script, kept)| (*script, keep(&usage, *script, *kept))).collect()
}

/// Returns the most frequent pairs and triples of letters.
fn frequent(words: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for (length, most) in [(2, CANDIDATE_PAIRS), (3, CANDIDATE_TRIPLES)] {
        let mut counts: BTreeMap<&[u8], u32> = BTreeMap::new();
        words.iter().flat_map(|w| w.windows(length)).for_each(|w| *counts.entry(w).or_default() += 1);
        let mut sorted: Vec<(&[u8], u32)> = counts.into_iter().collect();
        sorted.sort_by(|x, y| y.1.cmp(&x.1).then_with(|| x.0.cmp(y.0)));
        out.extend(sorted.into_iter().take(most).map(|(unit, _)| unit.to_vec()));
    }
    out
}

/// Keeps the most used units of a script; a triple brings its first two letters with it.
fn keep(usage: &BTreeMap<(Script, Vec<u8>), f64>, script: Script, kept: usize) -> Vec<Vec<u8>> {
    let mut sorted: Vec<(&Vec<u8>, f64)> =
        usage.iter().filter(|((s, _), _)| *s == script).map(|((_, unit), share)| (unit, *share)).collect();
    sorted.sort_by(|x, y| y.1.total_cmp(&x.1).then_with(|| x.0.cmp(y.0)));
    let always: Vec<Vec<u8>> = ALWAYS
        .iter()
        .filter_map(|unit| training::symbols(unit))
        .filter(|(s, _)| *s == script)
        .map(|(_, unit)| unit)
        .collect();
    let mut out: Vec<Vec<u8>> = Vec::new();
    for unit in always.iter().chain(sorted.into_iter().map(|(unit, _)| unit)) {
        let prefix = unit.get(..2).unwrap_or(unit).to_vec();
        for part in [prefix, unit.clone()] {
            if !out.contains(&part) && out.len() < kept {
                out.push(part);
            }
        }
    }
    out.sort_by(|x, y| x.len().cmp(&y.len()).then_with(|| x.cmp(y)));
    out
}

/// Writes log-odds in eighths of a bit against letters met by chance.
fn write_bits(model: &Model, pairs: &[Pair], out: &mut String) {
    let chance_a = chance(pairs.iter().map(|p| (p.a.as_slice(), p.weight)));
    let chance_b = chance(pairs.iter().map(|p| (p.b.as_slice(), p.weight)));
    let total: f64 = model.counts.iter().sum();
    let width = model.b.len();
    let same = model.a.script == model.b.script;
    for x in 0..model.a.len() {
        let mut line = String::new();
        for y in if same { x..width } else { 0..width } {
            let (Some(ux), Some(uy)) = (model.a.units.get(x), model.b.units.get(y)) else { continue };
            let mut count = get(&model.counts, x * width + y);
            if same && x != y {
                count = (count + get(&model.counts, y * width + x)) / 2.0;
            }
            let Some(eighths) = eighths(count, total, (ux, &chance_a), (uy, &chance_b)) else { continue };
            let _ = write!(line, " {}:{eighths}", model.b.shown(y));
        }
        if !line.is_empty() {
            let _ = writeln!(out, "{}{line}", model.a.shown(x));
        }
    }
}

/// Bits of one step; none for longer units that were hardly seen.
fn eighths(
    count: f64,
    total: f64,
    a: (&[u8], &BTreeMap<u8, f64>),
    b: (&[u8], &BTreeMap<u8, f64>),
) -> Option<i32> {
    let single = a.0.len() <= 1 && b.0.len() <= 1;
    if a.0.is_empty() && b.0.is_empty() || !single && count < 4.0 || a.0.len() + b.0.len() > 5 {
        return None;
    }
    let chance = |unit: &[u8], chances: &BTreeMap<u8, f64>| -> f64 {
        unit.iter().map(|s| chances.get(s).copied().unwrap_or(1e-5).max(1e-5).log2()).sum()
    };
    let expected = total * (chance(a.0, a.1) + chance(b.0, b.1)).exp2();
    // Shrunk towards "six bits against" by five pairs met by chance, so that rare letters claim nothing.
    let bits = if a.0.is_empty() || b.0.is_empty() {
        ((count + 0.5) / (expected + 5.0)).log2().max(-5.5)
    } else if single {
        ((count + 5.0 / 64.0) / (expected + 5.0)).log2().max(-6.5)
    } else {
        ((count + 0.01) / (expected + 0.3)).log2()
    };
    if !single && bits < -2.0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the range of i8 first")]
    let value = (bits * 8.0).round().clamp(-120.0, 127.0) as i32;
    Some(value)
}

fn chance<'a>(words: impl Iterator<Item = (&'a [u8], f32)>) -> BTreeMap<u8, f64> {
    let mut counts: BTreeMap<u8, f64> = BTreeMap::new();
    for (word, weight) in words {
        word.iter().for_each(|s| *counts.entry(*s).or_default() += f64::from(weight));
    }
    let total: f64 = counts.values().sum();
    counts.into_iter().map(|(s, c)| (s, c / total)).collect()
}

/// Most fine skeletons listed in the rarity table.
const RARITY_LISTED: usize = 6_000;

/// Returns the text of the rarity table from tokens and their counts.
pub(crate) fn rarity<'a>(tokens: impl Iterator<Item = (&'a str, u32)>) -> String {
    let mut counts: BTreeMap<u64, f64> = BTreeMap::new();
    let mut total = 0.0;
    for (token, count) in tokens {
        let Some((script, symbols)) = training::symbols(token) else { continue };
        let key = training::fine_skeleton(script, &symbols);
        *counts.entry(key).or_default() += f64::from(count);
        total += f64::from(count);
    }
    let mut sorted: Vec<(u64, f64)> = counts.into_iter().collect();
    sorted.sort_by(|x, y| y.1.total_cmp(&x.1).then_with(|| x.0.cmp(&y.0)));
    sorted.truncate(RARITY_LISTED);
    sorted.sort_by_key(|(key, _)| *key);
    let mut out = String::new();
    for (key, count) in sorted {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 240")]
        let eighths = ((total / count).log2() * 8.0).round().clamp(0.0, 240.0) as u32;
        let _ = writeln!(out, "{key:x} {eighths}");
    }
    out
}
