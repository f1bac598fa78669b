use clap::Parser;
use mithaq_name_index::{Change, Record};

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: SearchArgs,
}

fn args(words: &[&str]) -> SearchArgs {
    Line::try_parse_from([&["search"], words].concat()).unwrap().args
}

/// Many of one name, each born on another day.
fn namesakes(directory: &std::path::Path, count: u16) -> Index {
    let mut index = Index::create(directory.join("index")).unwrap();
    let mut changes = Vec::new();
    for number in 0..count {
        let id = format!("r-{number:05}");
        let born = format!("{}-{:02}-{:02}", 1940 + number / 300, 1 + number % 12, 1 + number % 25);
        let mut card = Card::named(&id, Kind::Person, "Mohamed Benali");
        card.born.push(born);
        changes.push(Change::Add(Record::person(id.clone(), "Mohamed Benali")));
        changes.push(Change::Note { id, note: card.write().unwrap() });
    }
    index.apply(&changes).unwrap();
    index
}

fn search(index: &Index, words: &[&str]) -> Outcome {
    let args = args(words);
    find(index, &args, &args.known.read().unwrap()).unwrap()
}

#[test]
fn the_namesake_with_the_day_of_birth_is_found_among_all() {
    let place = tempfile::tempdir().unwrap();
    let index = namesakes(place.path(), 400);
    for (id, born) in [("r-00399", "1941-04-25"), ("r-00013", "1940-02-14"), ("r-00207", "1940-04-08")] {
        let found = search(&index, &["محمد بن علي", "--born", born]);
        assert_eq!(found.best[0].hit.id, id, "{born}");
        assert!(found.best[0].likeness.bits > found.best.get(1).map_or(-20.0, |next| next.likeness.bits));
        assert!(found.compared == 400 && !found.cut);
    }
}

#[test]
fn a_bound_that_was_hit_is_said() {
    let place = tempfile::tempdir().unwrap();
    let index = namesakes(place.path(), 10_100);
    let words = ["Mohamed Benali", "--born", "1999-01-01", "--min", "0"];
    let found = search(&index, &words);
    assert!(found.cut && found.compared == NAMESAKES);
    assert!(
        bounds(&found, &args(&words), Lang::EN).iter().any(|line| line.contains("give more of the name"))
    );
    let few = ["Mohamed Benali", "--limit", "30", "--min", "0"];
    let found = search(&index, &few);
    assert_eq!((found.best.len(), found.compared), (30, 100));
    assert!(bounds(&found, &args(&few), Lang::EN).iter().any(|line| line.contains("--limit")));
}

#[test]
fn every_detail_that_is_asked_for_is_weighed() {
    let place = tempfile::tempdir().unwrap();
    let mut index = Index::create(place.path().join("index")).unwrap();
    let card = Card {
        places: vec!["Kalmora".into()],
        documents: vec!["passport:MA:AB123".into()],
        nationalities: vec!["MA".into()],
        sex: "f".into(),
        ..Card::named("r-1", Kind::Person, "Zubayda Rahmani")
    };
    let note = Change::Note { id: card.id.clone(), note: card.write().unwrap() };
    index.apply(&[Change::Add(Record::person("r-1", "Zubayda Rahmani")), note]).unwrap();
    let bits = |words: &[&str]| {
        let found = search(&index, &[&["Zubayda Rahmani", "--min", "0"], words].concat());
        found.best[0].likeness.bits
    };
    let bare = bits(&[]);
    for agrees in [
        ["--place", "Kalmora"],
        ["--document", "passport:MA:ab-123"],
        ["--nationality", "ma"],
        ["--sex", "f"],
    ] {
        assert!(bits(&agrees) > bare, "{agrees:?}");
    }
    assert!(bits(&["--sex", "m"]) < bare && bits(&["--nationality", "ES"]) < bare);
}

#[test]
fn a_family_name_alone_shows_who_bears_it() {
    let place = tempfile::tempdir().unwrap();
    let mut index = Index::create(place.path().join("index")).unwrap();
    let mut changes: Vec<Change> = (0..300)
        .map(|n| Change::Add(Record::person(format!("r-{n}"), format!("Nina Petrovna Haddad{}", n % 7))))
        .collect();
    changes.push(Change::Add(Record::person("rare", "Marisol Inés Quiroga Ferrer")));
    index.apply(&changes).unwrap();
    let found = search(&index, &["Quiroga"]);
    assert_eq!(found.best.first().map(|one| one.hit.id.as_str()), Some("rare"));
    let none = search(&index, &["Quiroga", "--min", "0.9"]);
    assert!(none.best.is_empty() && !none.every_word, "what was asked for is kept to");
    assert!(search(&index, &["Zubayda Ivanov"]).best.is_empty());
}

#[test]
fn what_is_said_of_a_hit_follows_the_language() {
    let place = tempfile::tempdir().unwrap();
    let index = namesakes(place.path(), 2);
    let words = ["Mohamed Benali", "--explain", "--min", "0"];
    let found = search(&index, &words);
    let args = args(&words);
    let reasons = why(&found.best[0], "Mohamed Benali", &args, &Details::default());
    let of = |lang| text(&found.best[0], "Mohamed Benali", Some(&reasons), lang).join("\n");
    assert!(
        of(Lang::FR).contains("naissance 1940") && of(Lang::FR).contains("par hasard"),
        "{}",
        of(Lang::FR)
    );
    assert!(of(Lang::AR).contains("صدفة") && of(Lang::ES).contains("por azar"));
}

#[test]
fn a_record_without_a_note_has_its_id_and_foreign_text_moves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let mut index = Index::create(place.path().join("index")).unwrap();
    index.apply(&[Change::Add(Record::person("r-1\u{1b}[2J", "Zubayda\u{1b}]0;x\u{7} Rahmani"))]).unwrap();
    let found = search(&index, &["Zubayda Rahmani"]);
    let matched = index.spelling(&found.best[0].hit).unwrap().unwrap();
    assert_eq!(row(&found.best[0], &matched, None)["record"]["id"], "r-1\u{1b}[2J");
    let lines = text(&found.best[0], &matched, None, Lang::EN);
    assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{lines:?}");
}
