//! Reads the token lists and builds the pairs to learn from, for every pair of scripts.
//!
//! Pairs of two scripts come from the lists, pairs of the same script and of two non-Latin scripts from pivots
//! (two tokens that share a partner), and spelling conventions the lists lack from `conventions` and `latin`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use mithaq_names::{Script, training};

use crate::conventions;
use crate::cyrillic;
use crate::latin;
use crate::random::Random;
use crate::syllables;

/// A pair of tokens in symbols and its weight.
pub(crate) struct Pair {
    pub(crate) a: Vec<u8>,
    pub(crate) b: Vec<u8>,
    pub(crate) weight: f32,
}

/// A token pair as listed: Latin text, the other script's text, how often it was seen.
pub(crate) struct Listed {
    pub(crate) latin: String,
    pub(crate) other: String,
    pub(crate) script: Script,
    pub(crate) count: u32,
}

/// Training pairs by ordered pair of scripts.
pub(crate) type Corpora = BTreeMap<(Script, Script), Vec<Pair>>;

/// The lists that are read, in order; the file name, the script, whether Latin comes first.
pub(crate) const FILES: [(&str, Script); 4] = [
    ("google_ar2en.txt", Script::Arabic),
    ("wd_arabic.normalized.aligned.tokens", Script::Arabic),
    ("wd_hebrew.normalized.aligned.tokens", Script::Hebrew),
    ("wd_russian_80", Script::Cyrillic),
];

/// Reads all lists of a directory.
pub(crate) fn read(dir: &Path) -> Result<Vec<Listed>> {
    let mut out = Vec::new();
    for (file, script) in FILES {
        let path = dir.join(file);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        out.extend(text.lines().filter_map(|line| parse(line, script)));
    }
    Ok(out)
}

/// Reads `latin TAB o t h e r TAB count` or, in the Google list, `other TAB latin`.
fn parse(line: &str, script: Script) -> Option<Listed> {
    let mut fields = line.split('\t');
    let (first, second) = (fields.next()?, fields.next()?);
    let count = fields.next().and_then(|c| c.trim().parse().ok()).unwrap_or(1);
    let (latin, other) = if first.is_ascii() || Script::of(first.chars().next()?) == Some(Script::Latin) {
        (first, second)
    } else {
        (second, first)
    };
    Some(Listed { latin: latin.trim().to_owned(), other: other.replace(' ', ""), script, count })
}

/// Builds the pairs of every pair of scripts.
pub(crate) fn build(listed: &[Listed], random: &mut Random) -> Corpora {
    let mut out = Corpora::new();
    direct(listed, &mut out);
    pivots(listed, random, &mut out);
    conventions::extend(listed, random, &mut out);
    syllables::extend(listed, random, &mut out);
    cyrillic::extend(listed, random, &mut out);
    latin::extend(listed, random, &mut out);
    out
}

/// Adds a pair under its ordered scripts when both sides are one word of fitting length.
pub(crate) fn add(out: &mut Corpora, x: &str, y: &str, weight: f32) {
    let (Some((sx, a)), Some((sy, b))) = (training::symbols(x), training::symbols(y)) else { return };
    if a.len() < 2
        || b.len() < 2
        || a.len() > 20
        || b.len() > 20
        || a.len() > 3 * b.len()
        || b.len() > 3 * a.len()
    {
        return;
    }
    let pair = if sx <= sy { Pair { a, b, weight } } else { Pair { a: b, b: a, weight } };
    out.entry((sx.min(sy), sx.max(sy))).or_default().push(pair);
}

fn frequency_weight(count: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let count = count as f32;
    (1.0 + count).ln().min(4.0)
}

fn direct(listed: &[Listed], out: &mut Corpora) {
    for item in listed {
        add(out, &item.latin, &item.other, frequency_weight(item.count));
    }
}

/// Tokens that share a partner are spellings of one name: identical ones most often, then variants.
fn pivots(listed: &[Listed], random: &mut Random, out: &mut Corpora) {
    let mut by_other: BTreeMap<(Script, &str), Vec<&Listed>> = BTreeMap::new();
    let mut by_latin: BTreeMap<&str, Vec<&Listed>> = BTreeMap::new();
    for item in listed {
        by_other.entry((item.script, &item.other)).or_default().push(item);
        by_latin.entry(&item.latin).or_default().push(item);
    }
    for group in by_other.values() {
        pairs_of(group, random, |x, y| {
            let weight = frequency_weight(x.count).min(frequency_weight(y.count));
            add(out, &x.latin, &y.latin, weight * 0.5);
        });
    }
    for (latin, group) in &by_latin {
        add(out, latin, latin, frequency_weight(group.iter().map(|g| g.count).max().unwrap_or(1)));
        for item in group {
            add(out, &item.other, &item.other, frequency_weight(item.count));
        }
        pairs_of(group, random, |x, y| {
            let weight = frequency_weight(x.count).min(frequency_weight(y.count));
            add(out, &x.other, &y.other, if x.script == y.script { weight * 0.5 } else { weight });
        });
    }
}

/// Calls back with up to a dozen different pairs of a group, so that big groups do not drown small ones.
fn pairs_of<'a>(group: &[&'a Listed], random: &mut Random, mut call: impl FnMut(&'a Listed, &'a Listed)) {
    let all: Vec<(usize, usize)> =
        (0..group.len()).flat_map(|i| (i + 1..group.len()).map(move |j| (i, j))).collect();
    let keep = 12;
    for (i, j) in &all {
        if all.len() > keep && random.below(all.len()) >= keep {
            continue;
        }
        if let (Some(x), Some(y)) = (group.get(*i), group.get(*j)) {
            call(x, y);
        }
    }
}
