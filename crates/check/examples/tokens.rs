//! How many true pairs the policies of tokens miss, and how many strangers they take: on real names.
//!
//! `--dev DIR` holds `pairs.tsv` (id, a, b, label, scripts, …) and `index.tsv` (id, name, source). A tenth of the names
//! is asked, the rest, with births at random and as often as needed, are the subjects of the asked side.
//!
//! `cargo run --release -p mithaq-check --example tokens -- --dev DIR [--subjects 1000000] [--asked 10000]`
#![expect(clippy::disallowed_methods, reason = "a program reads its arguments, files and the clock")]

use std::collections::BTreeMap;

use mithaq_check::{Known, Party, Token, TokenPolicy, tokens};
use mithaq_model::PartialDate;
use mithaq_names::{Document, DocumentKind, Name};

const POLICIES: [(&str, TokenPolicy); 3] =
    [("narrow", TokenPolicy::NARROW), ("middle", TokenPolicy::MIDDLE), ("wide", TokenPolicy::WIDE)];
/// Pairs of scripts of the three scripts of the field.
const CORE: [&str; 4] = ["Arab-Latn", "Arab(fa)-Latn", "Arab-Cyrl", "Cyrl-Latn"];

/// A small generator of numbers: the same births in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let a = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (b ^ (b >> 31)) % limit
    }

    /// Years bell-shaped around 1983 with a deviation of about 11 (the sum of six), one date in twelve on 1 January.
    fn birth(&mut self, to_day: bool) -> Option<PartialDate> {
        let year = u16::try_from(1_983 - 46 + (0..6).map(|_| self.below(16)).sum::<u64>()).ok()?;
        if !to_day {
            return PartialDate::year(year).ok();
        }
        if self.below(12) == 0 {
            return PartialDate::day(year, 1, 1).ok();
        }
        let (month, day) = (u8::try_from(1 + self.below(12)).ok()?, u8::try_from(1 + self.below(28)).ok()?);
        PartialDate::day(year, month, day).ok()
    }
}

/// What is known of a person beside the name.
fn born(birth: Option<PartialDate>) -> Known {
    Known { births: birth.into_iter().collect(), ..Known::default() }
}

fn documented() -> Known {
    let document = Document { kind: DocumentKind::Renewable, issuer: *b"XA", number: "AB123456".to_owned() };
    Known { documents: vec![document], ..Known::default() }
}

fn keys(policy: &TokenPolicy, party: Party, name: &Name, beside: &Known) -> Vec<u64> {
    let known = Known { names: vec![name.clone()], ..beside.clone() };
    let made = tokens(policy, party, &known);
    made.iter().map(Token::key).map(|key| key.first_chunk().map_or(0, |b| u64::from_be_bytes(*b))).collect()
}

fn hits(policy: &TokenPolicy, pairs: &str, beside: &Known) -> BTreeMap<String, (u32, u32)> {
    let mut out: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for line in pairs.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [_, a, b, "1", scripts, "person", ..] = fields.as_slice() else { continue };
        let held = keys(policy, Party::Asked, &Name::parse(a), beside);
        let asked = keys(policy, Party::Asking, &Name::parse(b), beside);
        let entry = out.entry((*scripts).to_owned()).or_default();
        entry.0 += u32::from(asked.iter().any(|key| held.contains(key)));
        entry.1 += 1;
    }
    out
}

fn core(map: &BTreeMap<String, (u32, u32)>) -> (u32, u32) {
    CORE.iter().filter_map(|s| map.get(*s)).fold((0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1))
}

/// Tokens that one document makes, in the mean.
fn by_document(policy: &TokenPolicy, pairs: &str) -> f64 {
    let beside = documented();
    let names = pairs.lines().filter_map(|line| line.split('\t').nth(1)).map(Name::parse);
    let made =
        names.map(|name| u32::try_from(keys(policy, Party::Asking, &name, &beside).len()).unwrap_or(0));
    let (sum, count) = made.fold((0, 0), |(sum, count), one| (sum + one, count + 1));
    share((sum, count))
}

fn share((hit, all): (u32, u32)) -> f64 {
    f64::from(hit) / f64::from(all.max(1))
}

fn main() -> std::io::Result<()> {
    let option = |name: &str| std::env::args().skip_while(|arg| arg != name).nth(1);
    let dev = option("--dev").unwrap_or_else(|| ".".to_owned());
    let number = |name: &str, default: usize| option(name).and_then(|n| n.parse().ok()).unwrap_or(default);
    let (subjects, asked) = (number("--subjects", 1_000_000), number("--asked", 10_000));
    let pairs = std::fs::read_to_string(format!("{dev}/pairs.tsv"))?;
    let index = std::fs::read_to_string(format!("{dev}/index.tsv"))?;

    println!("true pairs that meet, both sides knowing the year of birth");
    for (name, policy) in POLICIES {
        let all = hits(&policy, &pairs, &born(Some(PartialDate::Year(1987))));
        let day = PartialDate::Day { year: 1987, month: 5, day: 20 };
        let to_day = hits(&policy, &pairs, &born(Some(day)));
        println!(
            "{name}: across scripts {:.3} (with the day {:.3})",
            share(core(&all)),
            share(core(&to_day))
        );
        let each: Vec<String> = all.iter().map(|(s, n)| format!("{s} {:.2}", share(*n))).collect();
        println!("  {}", each.join(", "));
    }
    println!("\ntrue pairs that meet by the same document, by the bits that the one name beside it needs");
    for bits in [0, 6, 8, 10, 12, 14, 16] {
        let policy = TokenPolicy { document_bits: Some(bits), ..TokenPolicy::WIDE };
        let met = core(&hits(&policy, &pairs, &documented()));
        println!("{bits}: across scripts {:.3}; tokens each {:.1}", share(met), by_document(&policy, &pairs));
    }

    let names: Vec<Name> =
        index.lines().skip(1).filter_map(|l| l.split('\t').nth(1)).map(Name::parse).collect();
    let (mine, theirs): (Vec<_>, Vec<_>) = names.iter().enumerate().partition(|(n, _)| n % 10 == 0);
    println!(
        "\nstrangers among {subjects} subjects, {} asked of {} names",
        asked.min(mine.len()),
        names.len()
    );
    for (name, policy) in POLICIES {
        for (label, day_asking, day_asked) in
            [("both the day", true, true), ("both the year", false, false), ("day asks year", true, false)]
        {
            strangers(
                &policy,
                (&mine, asked),
                (&theirs, subjects),
                (day_asking, day_asked),
                &format!("{name}, {label}"),
            );
        }
    }
    Ok(())
}

fn strangers(
    policy: &TokenPolicy,
    (mine, asked): (&[(usize, &Name)], usize),
    (theirs, subjects): (&[(usize, &Name)], usize),
    (day_asking, day_asked): (bool, bool),
    label: &str,
) {
    let half = subjects / 2;
    let build = |from: usize, to: usize, seed: u64| {
        let mut random = Random(seed);
        let mut out: Vec<u64> = Vec::new();
        for (_, name) in theirs.iter().cycle().skip(from % theirs.len().max(1)).take(to - from) {
            let birth = random.birth(day_asked);
            out.extend(keys(policy, Party::Asked, name, &born(birth)));
        }
        out
    };
    let mut held = std::thread::scope(|scope| {
        let one = scope.spawn(|| build(0, half, 1));
        let mut all = build(half, subjects, 2);
        all.extend(one.join().unwrap_or_default());
        all
    });
    held.sort_unstable();
    let mut random = Random(3);
    let (mut any, mut tokens, mut silent) = (0_u32, 0_usize, 0_u32);
    let chosen: Vec<_> = mine.iter().take(asked).collect();
    for (_, name) in &chosen {
        let birth = random.birth(day_asking);
        let keys = keys(policy, Party::Asking, name, &born(birth));
        tokens += keys.len();
        silent += u32::from(keys.is_empty());
        any += u32::from(keys.iter().any(|key| held.binary_search(key).is_ok()));
    }
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let (each, held_each) =
        (tokens as f64 / chosen.len().max(1) as f64, held.len() as f64 / subjects.max(1) as f64);
    let count = u32::try_from(chosen.len()).unwrap_or(u32::MAX);
    println!(
        "{label}: {any} of {count} meet a stranger ({:.5}); {silent} have no token; tokens each: {each:.1} asked, {held_each:.1} held",
        share((any, count))
    );
}
