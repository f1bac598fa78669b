use super::*;
use crate::{Kind, Likeness, Name};

fn records() -> Vec<Record> {
    let names = [
        ("s-1", "Mohammad Taher Anwari"),
        ("s-2", "Jean Dupont"),
        ("s-3", "Abdelhamid Bouteflika"),
        ("s-4", "Иван Сергеевич Петров"),
        ("s-4", "Ivan Petrov"),
        ("s-5", "كريم بن يوسف الحداد"),
        ("s-6", "William Harrington"),
        ("s-7", "Park Ji-sung"),
        ("s-8", "Cristiano Silva"),
    ];
    let mut out: Vec<Record> = names.iter().map(|(id, name)| Record::person(*id, *name)).collect();
    out.push(Record { id: "o-1".into(), kind: Kind::Organisation, name: "Volta Shipping GmbH".into() });
    out
}

fn first(segment: &Segment<Vec<u8>>, query: &Name) -> Option<String> {
    let none = Tombstones::default();
    let parts = [Part { segment, dead: &none }];
    let hits = search(&parts, query, SearchOptions::default(), &mut Scratch::default()).unwrap();
    hits.first().map(|hit| hit.id.clone())
}

#[test]
fn names_are_found_across_scripts_and_spellings() {
    let segment = Segment::open(build_segment(&records()).unwrap()).unwrap();
    for (query, expected) in [
        ("محمد طاهر أنوري", "s-1"),
        ("عبد الحميد بوتفليقة", "s-3"),
        ("Abdel Hamid Bou Teflika", "s-3"),
        ("Petrov, Ivan", "s-4"),
        ("Karim Ben Youssef El Haddad", "s-5"),
        ("Bill Harington", "s-6"),
        ("박지성", "s-7"),
        ("クリスティアーノ・シルヴァ", "s-8"),
    ] {
        assert_eq!(first(&segment, &Name::parse(query)).as_deref(), Some(expected), "{query}");
    }
}

#[test]
fn only_the_kind_that_is_asked_for_is_found() {
    let segment = Segment::open(build_segment(&records()).unwrap()).unwrap();
    let of = |kind| first(&segment, &Name::parse_as(kind, "Volta Shipping"));
    assert_eq!(of(Kind::Organisation).as_deref(), Some("o-1"));
    assert_eq!(of(Kind::Person), None);
}

#[test]
fn a_name_that_no_longer_counts_is_not_found() {
    let segment = Segment::open(build_segment(&records()).unwrap()).unwrap();
    let mut dead = Tombstones::default();
    segment.places("s-4").unwrap().for_each(|at| assert!(dead.insert(at)));
    assert_eq!((dead.len(), dead.iter().count()), (2, 2));
    let parts = [Part { segment: &segment, dead: &dead }];
    let query = Name::parse("Ivan Petrov");
    let hits = search(&parts, &query, SearchOptions::default(), &mut Scratch::default()).unwrap();
    assert!(hits.iter().all(|hit| hit.id != "s-4"));
    assert!(segment.places("s-44").unwrap().is_empty());
}

#[test]
fn a_merge_is_a_rebuild_to_the_byte() {
    let all = records();
    let (left, right) = all.split_at(4);
    let one = Segment::open(build_segment(left).unwrap()).unwrap();
    let two = Segment::open(build_segment(right).unwrap()).unwrap();
    let none = Tombstones::default();
    let mut dead = Tombstones::default();
    two.places("s-5").unwrap().for_each(|at| {
        dead.insert(at);
    });
    let parts = [Part { segment: &one, dead: &none }, Part { segment: &two, dead: &dead }];
    let kept: Vec<Record> = all.into_iter().filter(|record| record.id != "s-5").collect();
    assert_eq!(merge(&parts).unwrap(), build_segment(&kept).unwrap());
}

#[test]
fn the_order_of_records_does_not_matter() {
    let mut turned = records();
    turned.reverse();
    turned.push(turned[0].clone());
    assert_eq!(build_segment(&turned).unwrap(), build_segment(&records()).unwrap());
}

#[test]
fn every_damaged_byte_is_noticed() {
    let good = build_segment(&records()).unwrap();
    assert!(Segment::open(good.as_slice()).unwrap().check().is_ok());
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        let noticed = Segment::open(bad).and_then(|segment| segment.check()).is_err();
        assert!(noticed, "byte {at} of {}", good.len());
    }
    for len in 0..good.len() {
        assert!(Segment::open(&good[..len]).is_err(), "cut at {len}");
    }
}

#[test]
fn errors_say_what_to_do_next() {
    let none: &[u8] = &[];
    for error in [
        Segment::open(none).unwrap_err(),
        Segment::open([7_u8; 200]).unwrap_err(),
        IndexError::Version { found: 0 },
        IndexError::Damaged { section: Section::Names, at: 3 },
    ] {
        assert!(error.to_string().contains("hint: "), "{error}");
    }
    assert_eq!(build_segment(&[Record::person("", "x")]), Err(BuildError::Id { at: 0 }));
    assert_eq!(build_segment(&[Record::person("i".repeat(129), "x")]), Err(BuildError::Id { at: 0 }));
}

#[test]
fn an_empty_segment_answers_nothing() {
    let segment = Segment::open(build_segment(&[]).unwrap()).unwrap();
    assert_eq!(first(&segment, &Name::parse("Jean Dupont")), None);
    assert!(segment.check().is_ok());
    let segment = Segment::open(build_segment(&[Record::person("s", "🙂")]).unwrap()).unwrap();
    assert_eq!(first(&segment, &Name::parse("🙂")), None);
    assert_eq!(segment.names(), 1);
}

#[test]
fn names_removed_and_not_merged_away_change_no_answer() {
    let given = ["Karim", "Zubayda", "Nina", "Ivan", "Cristiano"];
    let family = ["Rahmani", "Orlova", "Haddad", "Petrov", "Silva", "Harrington", "Rahmani Kalmora"];
    let mut all = records();
    for (number, (first, last)) in given.iter().flat_map(|g| family.iter().map(move |f| (g, f))).enumerate() {
        all.push(Record::person(format!("p-{number:02}"), format!("{first} {last}")));
        let name = format!("{last} Shipping Company {first}");
        all.push(Record { id: format!("b-{number:02}"), kind: Kind::Organisation, name });
    }
    let gone = |id: &str| id.ends_with(['1', '4', '7']) && !id.starts_with('s');
    let whole = Segment::open(build_segment(&all).unwrap()).unwrap();
    let mut dead = Tombstones::default();
    for id in all.iter().map(|record| &record.id).filter(|id| gone(id)) {
        whole.places(id).unwrap().for_each(|at| {
            dead.insert(at);
        });
    }
    let kept: Vec<Record> = all.iter().filter(|record| !gone(&record.id)).cloned().collect();
    let fresh = Segment::open(build_segment(&kept).unwrap()).unwrap();
    let none = Tombstones::default();
    let answer = |segment, dead, query: &Name| -> Vec<(String, Likeness, f32)> {
        let parts = [Part { segment, dead }];
        let hits = search(&parts, query, SearchOptions::default(), &mut Scratch::default()).unwrap();
        hits.into_iter().map(|hit| (hit.id, hit.likeness, hit.chance)).collect()
    };
    for text in ["Zubayda Rahmani", "نينا أورلوفا", "Karim Haddad Shipping", "Kalmora"] {
        for kind in [Kind::Person, Kind::Organisation] {
            let query = Name::parse_as(kind, text);
            let before = answer(&whole, &dead, &query);
            assert!(before.len() > 1, "{text}");
            assert_eq!(before, answer(&fresh, &none, &query), "{text}");
        }
    }
}

/// Several spellings of one record, and strangers.
fn spelled(ids: [&str; 4]) -> Vec<Record> {
    let names = ["Zubayda Rahmani", "Zubaida Rahmani", "Zoubaida Rahmani", "زبيدة رحماني"];
    let mut out: Vec<Record> = ids.iter().zip(names).map(|(id, name)| Record::person(*id, name)).collect();
    out.extend((0..60).map(|n| Record::person(format!("o-{n:02}"), format!("Nina Orlova{n}"))));
    out
}

fn hit(records: &[Record], query: &str) -> Hit {
    let segment = Segment::open(build_segment(records).unwrap()).unwrap();
    let none = Tombstones::default();
    let parts = [Part { segment: &segment, dead: &none }];
    let hits =
        search(&parts, &Name::parse(query), SearchOptions::default(), &mut Scratch::default()).unwrap();
    hits.into_iter().next().unwrap()
}

#[test]
fn spellings_of_one_record_are_no_strangers() {
    let alone = hit(&spelled(["a", "b", "c", "d"])[3..], "Zubayda Rahmani");
    let (one, four) = (hit(&spelled(["a"; 4]), "Rahmani"), hit(&spelled(["a", "b", "c", "d"]), "Rahmani"));
    assert!(one.likeness.bits > four.likeness.bits + 1.0, "{one:?} {four:?}");
    assert!(one.chance < 1.0 && four.chance > 3.0, "{} {}", one.chance, four.chance);
    assert_eq!(alone.id, "d");
    let segment = Segment::open(build_segment(&spelled(["a"; 4])).unwrap()).unwrap();
    assert_eq!((segment.names(), segment.records()), (64, 61));
}

#[test]
fn the_hit_itself_is_no_stranger() {
    let one = hit(&spelled(["a"; 4]), "رحماني");
    assert!(one.id == "a" && one.chance < 1.0 && one.likeness.probability > 0.03, "{one:?}");
}

#[test]
fn records_with_several_names_merge_and_lose_names_as_if_built_anew() {
    let all = spelled(["a"; 4]);
    let (left, right) = all.split_at(2);
    let one = Segment::open(build_segment(left).unwrap()).unwrap();
    let two = Segment::open(build_segment(right).unwrap()).unwrap();
    let none = Tombstones::default();
    let parts = [Part { segment: &one, dead: &none }, Part { segment: &two, dead: &none }];
    assert_eq!(merge(&parts).unwrap(), build_segment(&all).unwrap());
    let whole = Segment::open(build_segment(&all).unwrap()).unwrap();
    let mut dead = Tombstones::default();
    for at in whole.places("a").unwrap().take(2).chain(whole.places("o-07").unwrap()) {
        dead.insert(at);
    }
    let mut kept = Vec::new();
    whole
        .for_each(|at, stored| {
            if !dead.contains(at) {
                kept.push(Record::person(stored.id, stored.text));
            }
        })
        .unwrap();
    let parts = [Part { segment: &whole, dead: &dead }];
    let options = SearchOptions::default();
    let before = search(&parts, &Name::parse("Rahmani"), options, &mut Scratch::default()).unwrap();
    assert_eq!(before[0].chance, hit(&kept, "Rahmani").chance);
}
