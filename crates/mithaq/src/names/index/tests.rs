use std::path::PathBuf;

use clap::Parser;
use mithaq_model::Lang;
use mithaq_name_index::Record;

use super::fill::build_beside;
use super::*;

const UI: Ui = Ui { json: false, lang: Lang::EN, quiet: true };

/// The arguments of `mithaq names index`, as a user gives them.
#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    command: IndexCommand,
}

fn tried(words: &[&str]) -> Result<(), Failure> {
    let line = Line::try_parse_from([&["index"], words].concat());
    let line = line.map_err(|error| Failure::new(Exit::Usage, "cli.usage", error.to_string()))?;
    run(&line.command, UI)
}

struct Place {
    base: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { base: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    fn index(&self) -> String {
        self.path("names.index").display().to_string()
    }

    fn build(&self, csv: &str) -> Result<(), Failure> {
        let file = self.write("source.csv", csv);
        tried(&["build", &file, "--index", &self.index(), "--born-column", "born", "--replace"])
    }

    fn card(&self, id: &str) -> Option<crate::names::card::Card> {
        let index = Index::open(self.index()).unwrap();
        let notes = index.notes([id]).unwrap();
        notes.get(id).map(|note| crate::names::card::Card::read(note).unwrap())
    }

    /// True when the text lies in a file of the index.
    fn holds(&self, text: &str) -> bool {
        let files = std::fs::read_dir(self.index()).unwrap().map(|entry| entry.unwrap().path());
        let mut bytes = files.map(|file| std::fs::read(file).unwrap());
        bytes.any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    }
}

fn names(directory: &Path) -> u64 {
    Index::open(directory).unwrap().statistics().names
}

fn with(directory: &Path, count: u32) -> Result<(), Failure> {
    let add = |n| Change::Add(Record::person(format!("r-{n}"), "Zubayda Rahmani"));
    let mut index = Index::create(directory).map_err(failure)?;
    index.apply(&(0..count).map(add).collect::<Vec<_>>()).map_err(failure)?;
    Ok(())
}

#[test]
fn the_old_index_stays_until_the_new_one_is_whole() {
    let place = Place::new();
    let directory = place.path("names.index");
    with(&directory, 1).unwrap();
    let failed = build_beside(&directory, true, |beside| {
        with(beside, 2)?;
        Err(Failure::new(Exit::Failed, "names.io", "the disk is full"))
    });
    assert!(failed.is_err());
    assert_eq!(names(&directory), 1);
    build_beside(&directory, true, |beside| with(beside, 3)).unwrap();
    assert_eq!(names(&directory), 3);
    let left = std::fs::read_dir(place.base.path()).unwrap().count();
    assert_eq!(left, 1, "nothing lies beside it");
}

#[test]
fn a_first_build_that_is_cut_short_leaves_no_index() {
    let place = Place::new();
    let directory = place.path("names.index");
    let failed = build_beside(&directory, false, |beside| {
        with(beside, 2)?;
        std::fs::write(beside.join("manifest.tmp"), "half").unwrap();
        Err(Failure::new(Exit::Failed, "names.io", "killed"))
    });
    assert!(failed.is_err() && !directory.exists());
    // Two builds at once would mix their files.
    build_beside(&directory, false, |beside| {
        assert!(build_beside(&directory, false, |_| Ok(())).is_err_and(|f| f.code == "names.busy"));
        with(beside, 3)
    })
    .unwrap();
    assert_eq!(names(&directory), 3);
    assert!(build_beside(&directory, false, |beside| with(beside, 1)).is_err_and(|f| f.exit == Exit::Usage));
}

#[test]
fn what_is_no_index_is_not_replaced_and_a_damaged_one_is() {
    let place = Place::new();
    let file = place.write("source.tsv", "a\tNina Orlova\n");
    let build = || tried(&["build", &file, "--index", &place.index(), "--replace"]);
    build().unwrap();
    for damage in ["manifest", "lock"] {
        std::fs::write(place.path("names.index").join(damage), "rubbish").unwrap();
    }
    let refused = tried(&["stat", "--index", &place.index()]).unwrap_err();
    assert_eq!(refused.exit, Exit::NotVerified);
    assert!(refused.hint.is_some_and(|hint| hint.contains("build FILE --replace")));
    build().unwrap();
    assert_eq!(names(&place.path("names.index")), 1);
    std::fs::write(place.path("names.index").join("letter.txt"), "text").unwrap();
    assert!(build().is_err_and(|f| f.text.contains("letter.txt")));
    assert!(place.path("names.index").join("letter.txt").exists());
}

#[test]
fn a_damaged_or_missing_file_is_found_by_a_check() {
    let place = Place::new();
    place.build("id,name,born\na,Nina Orlova,1961\nb,Ivan Petrov,1962\n").unwrap();
    let check = || tried(&["stat", "--check", "--index", &place.index()]);
    check().unwrap();
    let files = std::fs::read_dir(place.index()).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|file| !file.ends_with("lock")).collect::<Vec<_>>() {
        let good = std::fs::read(&file).unwrap();
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 1;
        std::fs::write(&file, bad).unwrap();
        assert_eq!(check().unwrap_err().exit, Exit::NotVerified, "{}", file.display());
        std::fs::remove_file(&file).unwrap();
        let words = format!("{:?}", check().unwrap_err());
        assert!(!words.contains("has room"), "{words}");
        std::fs::write(&file, good).unwrap();
    }
    check().unwrap();
}

#[test]
fn a_removed_record_leaves_nothing_behind() {
    let place = Place::new();
    place.build("id,name,born\nr-1,Nina Orlova,1961-05-03\nr-2,Ivan Petrov,1962-07-09\n").unwrap();
    assert!(place.holds("Nina Orlova") && place.holds("1961-05-03"));
    let unknown = tried(&["remove", "r-1", "r-9", "--index", &place.index()]).unwrap_err();
    assert_eq!(unknown.exit, Exit::NotFound);
    assert!(unknown.text.contains("r-9") && !unknown.text.contains("r-1,"), "{}", unknown.text);
    assert!(place.holds("Nina Orlova"), "nothing is removed when one id is wrong");
    tried(&["remove", "r-1", "--index", &place.index()]).unwrap();
    for text in ["Nina Orlova", "1961-05-03", "r-1"] {
        assert!(!place.holds(text), "{text}");
    }
    assert!(place.holds("Ivan Petrov") && place.holds("1962-07-09"));
    tried(&["remove", "r-2", "--later", "--index", &place.index()]).unwrap();
    assert!(!place.holds("1962-07-09"), "what is known of it goes at once");
}

#[test]
fn adding_to_a_record_loses_nothing_of_it() {
    let place = Place::new();
    place.build("id,name,born\nr-1,Nina Orlova,1961-05-03\nr-2,Ivan Petrov,\n").unwrap();
    let more = place.write("more.tsv", "r-1\tНина Орлова\nr-2\tIvan Petroff\nr-3\tOlga Vance\n");
    tried(&["add", &more, "--index", &place.index()]).unwrap();
    let texts = |id: &str| -> Vec<String> {
        place.card(id).into_iter().flat_map(|card| card.names).map(|name| name.text).collect()
    };
    assert_eq!(place.card("r-1").unwrap().born, ["1961-05-03"]);
    assert_eq!(texts("r-1"), ["Nina Orlova", "Нина Орлова"]);
    assert_eq!(texts("r-2"), ["Ivan Petrov", "Ivan Petroff"], "the name the index had without a note");
    assert!(place.card("r-3").is_none());
}

#[test]
fn numbers_that_mean_nothing_are_refused() {
    for wrong in [["--min", "nan"], ["--min", "2"], ["--limit", "0"]] {
        assert!(
            tried(&[&["search", "Nina"], wrong.as_slice()].concat()).is_err_and(|f| f.exit == Exit::Usage)
        );
    }
}
