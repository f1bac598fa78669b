//! The name index on disk: against a rebuild, against a kill, against damage.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on says so at once")]

mod damage;
mod kill;
mod model;
mod notes;
mod readers;

use mithaq_name_index::{Change, Index, Record, Scratch, SearchOptions};
use mithaq_names::Name;

/// Invented names, so many that merges happen.
fn name(number: u32) -> String {
    const GIVEN: [&str; 12] = [
        "Zubayda", "Karim", "Ivan", "Marisol", "Jean", "Yusuf", "Olga", "Hamid", "Lucía", "Samir", "Нина",
        "سعاد",
    ];
    const FAMILY: [&str; 14] = [
        "Rahmani",
        "Haddad",
        "Petrov",
        "Quiroga",
        "Dupont",
        "Benali",
        "Sokolova",
        "Anwari",
        "Ferrer",
        "Tazi",
        "Орлов",
        "المنصوري",
        "Vance",
        "Oduya",
    ];
    let given = GIVEN[number as usize % GIVEN.len()];
    let family = FAMILY[(number / 5) as usize % FAMILY.len()];
    let second = FAMILY[(number / 71) as usize % FAMILY.len()];
    format!("{given} {family} {second}")
}

fn record(number: u32) -> Record {
    Record::person(format!("s-{number:05}"), name(number))
}

/// Everything the index holds, in order.
fn content(index: &Index) -> Vec<(String, String)> {
    let mut out = Vec::new();
    index.for_each(|id, _, text| out.push((id.to_owned(), text.to_owned()))).unwrap();
    out.sort();
    out
}

fn ids(index: &Index, query: &str) -> Vec<(String, u32)> {
    // Enough candidates that none is cut: which are compared whole depends on the segment they are in.
    // No floor either: what a hit means among all names counts removed ones until their segment is merged away.
    let options = SearchOptions { limit: 1_000, candidates: 5_000, probability_min: 0.0 };
    let hits = index.search(&Name::parse(query), options, &mut Scratch::default()).unwrap();
    hits.into_iter().map(|hit| (hit.id, hit.pair.bits.to_bits())).collect()
}

fn add(numbers: impl IntoIterator<Item = u32>) -> Vec<Change> {
    numbers.into_iter().map(|number| Change::Add(record(number))).collect()
}
