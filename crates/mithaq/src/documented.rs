//! Every command that a page shows is one that this program takes: a page that tells of an option that was never there is
//! found here and not by its reader.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::ErrorKind;

/// Pages that tell people what to type. Benchmarks are left out: they keep the command of their day.
const PAGES: [&str; 7] = [
    "README.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "docs/guides",
    "docs/spec",
    "docs/reference",
    "docs/reliability.md",
];

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (mut waiting, mut found): (Vec<_>, Vec<_>) = (PAGES.map(|page| root.join(page)).into(), Vec::new());
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
    found
}

/// Commands of a page: lines of a block that begin with the program's name, and spans of code in a sentence.
fn commands(page: &str) -> Vec<String> {
    let block = page.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("$ ");
        line.starts_with("mithaq ").then(|| line.to_owned())
    });
    let spans = page.split('`').skip(1).step_by(2).filter(|span| span.starts_with("mithaq "));
    block.chain(spans.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" "))).collect()
}

/// The words of a command up to a comment, a pipe or the next command. Of a choice the first, of an ellipsis nothing; what
/// may be left out is there.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in command.chars().chain([' ']) {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, ' ') if !word.is_empty() => words.push(core::mem::take(&mut word)),
            (None, ' ' | '[' | ']') => {}
            _ => word.push(letter),
        }
    }
    let ends =
        |word: &String| ["#", "|", "&&", ">", "2>", "<", ";", "\\", "—", "or"].contains(&word.as_str());
    let end = words.iter().position(ends).unwrap_or(words.len());
    words.truncate(end);
    words.retain(|word| !word.starts_with('…') && !word.starts_with("..."));
    words
        .iter()
        .map(|word| word.split('|').next().unwrap_or(word).trim_end_matches(['…', ',', ';']).to_owned())
        .collect()
}

/// What the program says of a command that it does not know. A number that stands for itself, or an argument that the page
/// leaves to its reader, is no such thing.
fn unknown(words: &[String]) -> Option<String> {
    let error = crate::Cli::try_parse_from(words).err()?;
    let known = !matches!(
        error.kind(),
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand | ErrorKind::ArgumentConflict
    );
    (!known).then(|| error.to_string().lines().next().unwrap_or_default().to_owned())
}

#[test]
fn every_command_of_a_page_is_one_the_program_takes() {
    let (mut seen, mut wrong) = (0_usize, Vec::new());
    for page in pages() {
        for command in commands(&fs::read_to_string(&page).unwrap()) {
            seen += 1;
            if let Some(why) = unknown(&words(&command)) {
                wrong.push(format!("{}: `{command}`: {why}", page.display()));
            }
        }
    }
    assert!(seen > 200, "only {seen} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_command_that_is_not_there_is_found() {
    let told = |command: &str| unknown(&words(command)).is_some();
    assert!(told("mithaq init ./node --party ma-security --state MA    # keys"));
    assert!(told("mithaq nodes list"));
    assert!(!told("mithaq keys checkpoint --out log.note [--size N]          # your log"));
    assert!(!told("mithaq names compare \"جمال بن عاشور\" 'Djamel Benachour' --explain"));
    let page = "Say\n\n    $ mithaq serve ./node\n\nand `mithaq courier\nexport|import` and `cargo build`.";
    assert_eq!(commands(page), ["mithaq serve ./node", "mithaq courier export|import"]);
}
