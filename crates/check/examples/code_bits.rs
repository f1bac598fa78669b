//! Makes `tables/bits.txt` from a list of persons: `id TAB name TAB source`, of which only the named sources are read.
//!
//! `cargo run --release -p mithaq-check --example code_bits -- FILE SOURCE… > crates/check/tables/bits.txt`
#![expect(clippy::disallowed_methods, reason = "a program reads its arguments, files and the clock")]

use std::collections::BTreeMap;

use mithaq_check::sound;
use mithaq_names::{Name, Role};

/// Codes the table holds; rarer ones are counted too seldom to say how rare.
const KEPT: usize = 4_000;

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let file = args.next().unwrap_or_default();
    let sources: Vec<String> = args.collect();
    let mut counts: BTreeMap<u64, f64> = BTreeMap::new();
    let mut persons = 0.0;
    for line in std::fs::read_to_string(file)?.lines() {
        let mut fields = line.split('\t').skip(1);
        let (Some(text), Some(source)) = (fields.next(), fields.next()) else { continue };
        if !sources.iter().any(|wanted| wanted == source) {
            continue;
        }
        persons += 1.0;
        let name = Name::parse(text);
        for token in name.tokens().iter().filter(|token| token.role() == Role::Plain) {
            let letters: Vec<char> = name.letters(token).collect();
            let codes = sound::readings(token.script(), &letters);
            #[expect(clippy::cast_precision_loss, reason = "at most five readings")]
            let share = 1.0 / codes.len() as f64;
            codes.iter().for_each(|code| *counts.entry(code.0).or_default() += share);
        }
    }
    let mut ranked: Vec<(u64, f64)> = counts.into_iter().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked.truncate(KEPT);
    ranked.sort_by_key(|(code, _)| *code);
    for (code, count) in ranked {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 20 bits")]
        let eighths = (-((count + 0.5) / persons).log2() * 8.0).round().clamp(0.0, 160.0) as u8;
        println!("{code:x} {eighths}");
    }
    Ok(())
}
