//! Measures the index and spotting on many made names. Not a test: prints what it saw.
//!
//! `cargo run --release -p mithaq-name-index --example scale -- NAMES.tsv [COUNT] [SPOTTED]`: names are made by a
//! seeded generator from the words of the second column of a file, so that common words stay common.

use std::error::Error;
use std::time::{Duration, Instant};

use mithaq_name_index::{Change, Index, Record, Scratch, SearchOptions};
use mithaq_names::spot::Spotter;
use mithaq_names::{Band, Name};

/// A small deterministic generator (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let a = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        b ^ (b >> 31)
    }

    fn pick<'a>(&mut self, list: &'a [String]) -> &'a str {
        let at = usize::try_from(self.next() % list.len().max(1) as u64).unwrap_or(0);
        list.get(at).map_or("", String::as_str)
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.next().is_multiple_of(of)
    }
}

/// First and later words of real names.
struct Words {
    given: Vec<String>,
    family: Vec<String>,
}

impl Words {
    fn read(path: &str) -> Result<Self, Box<dyn Error>> {
        let mut out = Self { given: Vec::new(), family: Vec::new() };
        for line in std::fs::read_to_string(path)?.lines() {
            let name = line.split('\t').nth(1).unwrap_or_default();
            let mut words = name.split(' ').filter(|w| w.chars().count() > 2).map(ToOwned::to_owned);
            out.given.extend(words.next());
            out.family.extend(words);
        }
        Ok(out)
    }

    fn name(&self, random: &mut Random) -> String {
        let middle = if random.one_in(3) { format!(" {}", random.pick(&self.family)) } else { String::new() };
        format!("{}{middle} {}", random.pick(&self.given), random.pick(&self.family))
    }
}

/// The same name with one letter left out or doubled.
fn misspelt(name: &str, random: &mut Random) -> String {
    let letters: Vec<char> = name.chars().collect();
    let at = usize::try_from(random.next() % letters.len().max(1) as u64).unwrap_or(0);
    let drop = random.one_in(2);
    let mut out = String::new();
    for (place, c) in letters.iter().enumerate() {
        if place != at || !drop || *c == ' ' {
            out.push(*c);
        }
        if place == at && !drop && *c != ' ' {
            out.push(*c);
        }
    }
    out
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let words = Words::read(&args.next().ok_or("usage: scale NAMES.tsv [COUNT] [SPOTTED]")?)?;
    let count: usize = args.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let spotted: usize = args.next().map_or(Ok(1_000_000), |n| n.parse())?;
    index(&words, count)?;
    spotting(&words, spotted);
    Ok(())
}

fn index(words: &Words, count: usize) -> Result<(), Box<dyn Error>> {
    let directory = std::env::temp_dir().join(format!("mithaq-names-scale-{}", std::process::id()));
    let mut index = Index::create(&directory)?;
    let mut random = Random(1);
    let mut kept = Vec::new();
    let mut spent = Duration::ZERO;
    let mut at = 0;
    while at < count {
        let batch = 500_000.min(count - at);
        let mut changes = Vec::with_capacity(batch);
        for number in at..at + batch {
            let name = words.name(&mut random);
            if number % (count / 1000).max(1) == 0 {
                kept.push((format!("r{number}"), name.clone()));
            }
            changes.push(Change::Add(Record::person(format!("r{number}"), name)));
        }
        let begin = Instant::now();
        index.apply(&changes)?;
        spent += begin.elapsed();
        at += batch;
    }
    let s = index.statistics();
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let each = s.bytes as f64 / s.names.max(1) as f64;
    println!(
        "index of {} made names: built in {:.1} s, {} segments, {each:.1} bytes a name",
        s.names,
        spent.as_secs_f64(),
        s.segments
    );
    searches(&index, &kept, &mut random)?;
    strangers(&index, words)?;
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}

fn searches(index: &Index, kept: &[(String, String)], random: &mut Random) -> Result<(), Box<dyn Error>> {
    let mut scratch = Scratch::default();
    let (mut times, mut found) = (Vec::new(), 0);
    for (id, name) in kept {
        let query = misspelt(name, random);
        let begin = Instant::now();
        let hits = index.search(&Name::parse(&query), SearchOptions::default(), &mut scratch)?;
        times.push(begin.elapsed());
        found += usize::from(hits.iter().any(|hit| hit.id == *id));
    }
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    println!(
        "{} made names, {} searches with one letter wrong: p50 {:?}, p95 {:?}, p99 {:?}; found {found}",
        index.statistics().names,
        times.len(),
        at(50),
        at(95),
        at(99)
    );
    Ok(())
}

/// Names made with another seed: whoever finds one has found a stranger, unless the very name is there.
fn strangers(index: &Index, words: &Words) -> Result<(), Box<dyn Error>> {
    let (mut random, mut scratch) = (Random(2), Scratch::default());
    let (mut asked, mut possible, mut high, mut same) = (0, 0, 0, 0);
    let total = if index.statistics().names > 500_000 { 1_000 } else { 10_000 };
    while asked < total {
        let name = words.name(&mut random);
        let hits = index.search(&Name::parse(&name), SearchOptions::default(), &mut scratch)?;
        let Some(best) = hits.first() else {
            asked += 1;
            continue;
        };
        if index.spelling(best)?.is_some_and(|spelling| spelling == name) {
            same += 1;
            continue;
        }
        asked += 1;
        possible += usize::from(best.likeness.band >= Band::Possible);
        high += usize::from(best.likeness.probability >= 0.9);
    }
    println!(
        "{} made names, {asked} others sought: {possible} answered with `possible`, {high} with 0.9 and more ({same} more were there to the letter)",
        index.statistics().names
    );
    Ok(())
}

const FILLER: [&str; 4] = [
    "the council met on the second day of the month and spoke about the port and the road to the north while the minister said that nothing had changed in the past year",
    "le conseil a dit que la route vers le nord reste fermée depuis la semaine dernière et que le ministre parlera demain devant les élus de la région",
    "قال المجلس إن الطريق إلى الشمال لا يزال مغلقا منذ الأسبوع الماضي وإن الوزير سيتحدث غدا عن الميناء",
    "совет сообщил что дорога на север остаётся закрытой с прошлой недели и министр выступит завтра перед депутатами",
];

fn spotting(words: &Words, count: usize) {
    let mut random = Random(1);
    let records: Vec<Record> =
        (0..count).map(|n| Record::person(format!("r{n}"), words.name(&mut random))).collect();
    let begin = Instant::now();
    let spotter = Spotter::new(&records, |_| true);
    println!("spotter of {count} made names: made in {:.1} s", begin.elapsed().as_secs_f64());
    let mut others = Random(3);
    for (what, scripts) in [("Latin text", &FILLER[..2]), ("all scripts", &FILLER[..])] {
        let (mut text, mut planted, mut at) = (String::new(), Vec::new(), 0);
        while text.len() < 4_000_000 {
            for filler in scripts {
                let known = records.get(usize::try_from(others.next() % count.max(1) as u64).unwrap_or(0));
                let known = known.filter(|_| others.one_in(4));
                let name = known.map_or_else(
                    || words.name(&mut Random(others.next())),
                    |record| misspelt(&record.name, &mut Random(record.name.len() as u64)),
                );
                let piece = format!("{filler} {name}. ");
                planted.extend(known.map(|record| (at + filler.chars().count() + 1, record.id.clone())));
                at += piece.chars().count();
                text.push_str(&piece);
            }
        }
        report(&format!("{count} made names, {what}"), &spotter, &text, &planted);
    }
}

fn report(what: &str, spotter: &Spotter, text: &str, planted: &[(usize, String)]) {
    let begin = Instant::now();
    let spots = spotter.spot(text, 0.5);
    let spent = begin.elapsed().as_secs_f64();
    let at_place = |place: usize, id: &str| {
        let from = spots.partition_point(|spot| spot.from < place.saturating_sub(40));
        let near = spots.iter().skip(from).take_while(|spot| spot.from <= place + 60);
        near.into_iter().any(|spot| spot.id == id)
    };
    let found = planted.iter().filter(|(place, id)| at_place(*place, id)).count();
    let true_places = spots
        .iter()
        .filter(|spot| {
            let next = planted.partition_point(|(place, _)| place + 60 < spot.from);
            planted.iter().skip(next).take(2).any(|(place, _)| spot.from >= *place && spot.from < place + 60)
        })
        .count();
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let megabytes = text.len() as f64 / 1e6;
    println!(
        "spotting, {what}: {megabytes:.1} MB in {spent:.2} s, {:.1} MB/s; {found} of {} planted names found; {} finds, \
         {true_places} at planted names",
        megabytes / spent,
        planted.len(),
        spots.len()
    );
}
