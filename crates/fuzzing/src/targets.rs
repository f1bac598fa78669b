//! The parsers under test.

mod check;
mod envelope;
mod evidence;
mod files;
mod ledger;
mod names;
mod vectors;
mod wire;

/// What a parser made of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Accepted,
    /// Why; a reason not seen before makes the input worth keeping.
    Refused(String),
    /// Accepted, and then something did not hold that must.
    Broken(String),
}

/// One parser of foreign bytes.
#[derive(Debug)]
pub(crate) struct Target {
    /// Crate and document: `ledger-entry`. Also the directory of its committed seeds.
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Inputs that the parser accepts, so that changed ones come far.
    pub(crate) seeds: Vec<Vec<u8>>,
    /// Words of the format.
    pub(crate) dictionary: &'static [&'static [u8]],
    pub(crate) run: fn(&[u8]) -> Outcome,
}

/// Every target, of every crate.
pub(crate) fn all() -> Vec<Target> {
    [
        ledger::targets(),
        wire::targets(),
        envelope::targets(),
        evidence::targets(),
        check::targets(),
        files::targets(),
        names::targets(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Accepted only if writing the value again gives the bytes that were read: one value, one spelling.
fn same_bytes(input: &[u8], written: &[u8]) -> Outcome {
    if input == written {
        Outcome::Accepted
    } else {
        Outcome::Broken("what was accepted is written in another way".to_owned())
    }
}

fn refused(error: impl std::fmt::Display + std::fmt::Debug) -> Outcome {
    // Debug too: it names the inner reason, which `Display` leaves to the chain.
    Outcome::Refused(format!("{error} {error:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Budget, Fuzzer, try_once};
    use std::path::Path;
    use std::time::Duration;

    #[test]
    fn every_built_in_seed_is_accepted() {
        for target in all() {
            assert!(!target.seeds.is_empty(), "{}", target.name);
            for (number, seed) in target.seeds.iter().enumerate() {
                assert_eq!(try_once(&target, seed), Ok(Outcome::Accepted), "{} {number}", target.name);
            }
        }
    }

    #[test]
    fn every_committed_seed_does_no_harm() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for target in all() {
            for seed in crate::seeds::committed(&root, target.name).unwrap() {
                assert!(try_once(&target, &seed).is_ok(), "{}", target.name);
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<&str> = all().iter().map(|target| target.name).collect();
        assert_eq!(names.len(), all().len());
    }

    /// A target whose changed inputs are all refused for one reason tests nothing behind its first check.
    #[test]
    fn every_target_is_reached_in_depth() {
        for target in all() {
            let budget = Budget { time: Duration::from_secs(30), inputs: 1_000 };
            let tally = Fuzzer::new(&target, 1, Vec::new()).run(budget).unwrap();
            assert!(tally.reasons >= target_depth(&target), "{}: {tally}", target.name);
        }
    }

    /// Parsers with one refusal for all have no more to show, and what takes any text refuses nothing.
    fn target_depth(target: &Target) -> usize {
        match target.name {
            "names-normaliser" | "names-scorer" | "names-spotter" => 0,
            // Their parsers say no in one word.
            "envelope-papers" | "ledger-tile-path" => 1,
            _ => 2,
        }
    }
}
