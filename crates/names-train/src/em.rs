//! Expectation–maximisation for a joint multigram: which units of letters stand for which.
//!
//! After Bisani and Ney, "Joint-sequence models for grapheme-to-phoneme conversion" (2008), with units of up to
//! three letters a side and a fixed penalty that keeps units small.

use std::collections::BTreeMap;

use mithaq_names::{Script, training};

use crate::corpus::Pair;

/// Letters of an alphabet are below this.
const LETTERS: usize = 64;

/// The units of one script: 0 is the empty unit, then the letters, then the longer ones.
#[derive(Clone)]
pub(crate) struct Inventory {
    pub(crate) script: Script,
    pub(crate) units: Vec<Vec<u8>>,
    ids: BTreeMap<Vec<u8>, usize>,
}

impl Inventory {
    /// Makes an inventory of the letters and the given longer units.
    pub(crate) fn new(script: Script, longer: &[Vec<u8>]) -> Self {
        let letters = u8::try_from(training::alphabet(script).chars().count()).unwrap_or(0);
        let mut units = vec![Vec::new()];
        units.extend((1..=letters).map(|s| vec![s]));
        units.extend(longer.iter().cloned());
        let ids = units.iter().enumerate().map(|(id, unit)| (unit.clone(), id)).collect();
        Self { script, units, ids }
    }

    pub(crate) fn len(&self) -> usize {
        self.units.len()
    }

    /// Returns for every position the unit ids of length 1, 2, 3 that begin there (`usize::MAX`: none).
    fn spread(&self, word: &[u8]) -> Vec<[usize; 4]> {
        (0..=word.len())
            .map(|at| {
                let id = |len: usize| {
                    let part = word.get(at..at + len);
                    part.and_then(|p| self.ids.get(p)).copied().unwrap_or(usize::MAX)
                };
                [0, id(1), id(2), id(3)]
            })
            .collect()
    }

    /// Returns a unit in the letters of the alphabet, `-` for the empty one.
    pub(crate) fn shown(&self, id: usize) -> String {
        let letter = |s: &u8| {
            training::alphabet(self.script).chars().nth(usize::from(*s).wrapping_sub(1)).unwrap_or('?')
        };
        match self.units.get(id) {
            Some(unit) if !unit.is_empty() => unit.iter().map(letter).collect(),
            _ => "-".to_owned(),
        }
    }
}

/// Unit ids of length 0–3 that begin at every place of a word.
type Spread = Vec<[usize; 4]>;

/// A joint model of two inventories.
pub(crate) struct Model {
    pub(crate) a: Inventory,
    pub(crate) b: Inventory,
    theta: Vec<f64>,
    pub(crate) counts: Vec<f64>,
    spread: Vec<(Spread, Spread, f64)>,
}

/// Penalty per letter by which a step exceeds 1:1, so that small units explain what they can.
const PENALTY: [f64; 7] = [1.0, 1.0, 1.0, 0.2, 0.015, 0.004, 0.001];

impl Model {
    /// Prepares the pairs and starts from co-occurrence.
    pub(crate) fn new(a: Inventory, b: Inventory, pairs: &[Pair]) -> Self {
        let spread = pairs.iter().map(|p| (a.spread(&p.a), b.spread(&p.b), f64::from(p.weight))).collect();
        let size = a.len() * b.len();
        let mut model = Self { a, b, theta: vec![0.0; size], counts: vec![0.0; size], spread };
        model.start(pairs);
        model
    }

    fn at(&self, a: usize, b: usize) -> usize {
        a * self.b.len() + b
    }

    /// First guess: letters that stand at about the same place of paired words.
    fn start(&mut self, pairs: &[Pair]) {
        let mut joint = vec![0.01_f64; LETTERS * LETTERS];
        let (mut left, mut right) = (vec![1.0_f64; LETTERS], vec![1.0_f64; LETTERS]);
        for pair in pairs {
            for (i, x) in pair.a.iter().enumerate() {
                for (j, y) in pair.b.iter().enumerate() {
                    if (i * pair.b.len()).abs_diff(j * pair.a.len()) * 2 > 3 * pair.a.len().max(pair.b.len())
                    {
                        continue;
                    }
                    let (x, y) = (usize::from(*x), usize::from(*y));
                    bump(&mut joint, x * LETTERS + y, 1.0);
                    bump(&mut left, x, 1.0);
                    bump(&mut right, y, 1.0);
                }
            }
        }
        let get = |list: &[f64], at: usize| list.get(at).copied().unwrap_or(0.0);
        for x in 0..self.a.len() {
            for y in 0..self.b.len() {
                let (ux, uy) = (
                    self.a.units.get(x).cloned().unwrap_or_default(),
                    self.b.units.get(y).cloned().unwrap_or_default(),
                );
                let associated = |x: &u8, y: &u8| {
                    let (x, y) = (usize::from(*x), usize::from(*y));
                    get(&joint, x * LETTERS + y) * get(&joint, x * LETTERS + y)
                        / (get(&left, x) * get(&right, y))
                };
                let best: f64 = ux.iter().flat_map(|x| uy.iter().map(move |y| associated(x, y))).sum();
                let cells = (ux.len() * uy.len()).max(1) as f64;
                let value = if ux.is_empty() || uy.is_empty() { 2e-3 } else { best / cells };
                let at = self.at(x, y);
                set(&mut self.theta, at, value);
            }
        }
        self.normalise();
    }

    fn normalise(&mut self) {
        let sum: f64 = self.theta.iter().sum();
        self.theta.iter_mut().for_each(|t| *t /= sum.max(1e-300));
    }

    /// Runs one round: expected counts, then new probabilities. Returns the mean log-likelihood per pair.
    pub(crate) fn round(&mut self) -> f64 {
        let mut counts = std::mem::take(&mut self.counts);
        counts.iter_mut().for_each(|c| *c = 0.0);
        let mut total = 0.0;
        for (a, b, weight) in &self.spread {
            total += self.expect(a, b, *weight, &mut counts);
        }
        for (theta, count) in self.theta.iter_mut().zip(&counts) {
            *theta = count + 1e-4;
        }
        self.counts = counts;
        self.normalise();
        total / self.spread.len().max(1) as f64
    }

    /// Forward and backward over one pair; adds expected counts.
    fn expect(&self, a: &[[usize; 4]], b: &[[usize; 4]], weight: f64, counts: &mut [f64]) -> f64 {
        let (na, nb) = (a.len() - 1, b.len() - 1);
        let width = nb + 1;
        let mut forward = vec![0.0; (na + 1) * width];
        let mut backward = vec![0.0; (na + 1) * width];
        set(&mut forward, 0, 1.0);
        self.steps(a, b, |from, to, _, p| {
            let before = get(&forward, from);
            bump(&mut forward, to, before * p);
        });
        let whole = get(&forward, na * width + nb);
        if whole <= 0.0 {
            return -100.0;
        }
        // A pair far less likely than its length allows is not a spelling but another name: learn less from it.
        let likely = whole.ln() / (na + nb) as f64;
        let trust = if likely < -2.9 { 0.05 } else { 1.0 };
        set(&mut backward, na * width + nb, 1.0);
        let mut list = Vec::with_capacity((na + 1) * width * 4);
        self.steps(a, b, |from, to, at, p| list.push((from, to, at, p)));
        for (from, to, at, p) in list.iter().rev() {
            let after = get(&backward, *to) * p;
            bump(&mut backward, *from, after);
            bump(counts, *at, weight * trust * get(&forward, *from) * after / whole);
        }
        whole.ln()
    }

    /// Calls back with every possible step in topological order: from cell, to cell, unit pair, probability.
    fn steps(&self, a: &[[usize; 4]], b: &[[usize; 4]], mut call: impl FnMut(usize, usize, usize, f64)) {
        let width = b.len();
        for (i, ua) in a.iter().enumerate() {
            for (j, ub) in b.iter().enumerate() {
                if (i * b.len()).abs_diff(j * a.len()) > 4 * a.len().max(b.len()) {
                    continue;
                }
                for (la, x) in ua.iter().enumerate().filter(|(_, x)| **x != usize::MAX) {
                    for (lb, y) in ub.iter().enumerate().filter(|(_, y)| **y != usize::MAX) {
                        if la + lb == 0 || (la == 0 && lb > 1) || (lb == 0 && la > 1) || la + lb > 5 {
                            continue;
                        }
                        let at = self.at(*x, *y);
                        let p = get(&self.theta, at) * PENALTY.get(la + lb).copied().unwrap_or(0.0);
                        if p > 0.0 {
                            call(i * width + j, (i + la) * width + j + lb, at, p);
                        }
                    }
                }
            }
        }
    }
}

pub(crate) fn get(list: &[f64], at: usize) -> f64 {
    list.get(at).copied().unwrap_or(0.0)
}

pub(crate) fn set(list: &mut [f64], at: usize, value: f64) {
    if let Some(slot) = list.get_mut(at) {
        *slot = value;
    }
}

pub(crate) fn bump(list: &mut [f64], at: usize, value: f64) {
    if let Some(slot) = list.get_mut(at) {
        *slot += value;
    }
}
