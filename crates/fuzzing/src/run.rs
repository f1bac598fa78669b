//! Trying inputs: what panics, takes too long or breaks a promise is a failure.

use crate::mutate::{Chance, mutate};
use crate::seeds;
use crate::targets::{Outcome, Target};
use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// No input of at most 128 KiB may take longer, even without optimisation on a busy machine.
const TOO_LONG: Duration = Duration::from_secs(5);

/// Kept inputs; when full, a new one takes the place of an old one that is no seed.
const CORPUS_LIMIT: usize = 512;

thread_local! {
    static LAST_PANIC: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

/// How much one target gets: whichever ends first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) time: Duration,
    pub(crate) inputs: u64,
}

/// An input that must not do what it did.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How many inputs came before it.
    pub(crate) number: u64,
    pub(crate) input: Vec<u8>,
    pub(crate) words: String,
}

/// What a run did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) inputs: u64,
    pub(crate) accepted: u64,
    /// Different reasons of refusal.
    pub(crate) reasons: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>9} inputs, {:>8} accepted, {:>4} reasons of refusal",
            self.inputs, self.accepted, self.reasons
        )
    }
}

/// One target under test.
#[derive(Debug)]
pub(crate) struct Fuzzer<'a> {
    target: &'a Target,
    chance: Chance,
    corpus: Vec<Vec<u8>>,
    fixed: usize,
    reasons: BTreeSet<String>,
    tally: Tally,
    trace: Option<PathBuf>,
}

impl<'a> Fuzzer<'a> {
    pub(crate) fn new(target: &'a Target, seed: u64, committed: Vec<Vec<u8>>) -> Self {
        let mut corpus = target.seeds.clone();
        corpus.extend(committed);
        let chance = Chance::new(seed, target.name);
        let (fixed, reasons, tally) = (corpus.len(), BTreeSet::new(), Tally::default());
        Self { target, chance, corpus, fixed, reasons, tally, trace: None }
    }

    /// Writes each input to a file before it is tried. Slow: to find what ends the process.
    pub(crate) fn traced(mut self, file: Option<PathBuf>) -> Self {
        self.trace = file;
        self
    }

    /// Tries the seeds, then changed inputs until the budget is used up.
    pub(crate) fn run(&mut self, budget: Budget) -> Result<Tally, Failure> {
        let watch = Watch::start(self.target.name);
        let start = Instant::now();
        for input in self.corpus.clone() {
            self.try_input(&watch, input)?;
        }
        while self.tally.inputs < budget.inputs && start.elapsed() < budget.time {
            let base = self.chance.pick(&self.corpus).cloned().unwrap_or_default();
            let input = mutate(&mut self.chance, &base, &self.corpus, self.target.dictionary);
            self.try_input(&watch, input)?;
        }
        self.tally.reasons = self.reasons.len();
        Ok(self.tally)
    }

    fn try_input(&mut self, watch: &Watch, input: Vec<u8>) -> Result<(), Failure> {
        if let Some(file) = &self.trace {
            // A trace that cannot be written only makes the search for a crash harder.
            drop(std::fs::write(file, seeds::write(self.target.name, "trace", &input)));
        }
        watch.begin(&input);
        let result = try_once(self.target, &input);
        watch.end();
        let number = self.tally.inputs;
        self.tally.inputs += 1;
        match result {
            Err(words) => Err(Failure { number, input, words }),
            Ok(Outcome::Broken(words)) => Err(Failure { number, input, words }),
            Ok(Outcome::Accepted) => {
                self.tally.accepted += 1;
                // Not every one: valid inputs that differ in content only would crowd out the others.
                if self.tally.accepted.is_power_of_two() {
                    self.keep(input);
                }
                Ok(())
            }
            Ok(Outcome::Refused(reason)) => {
                if self.reasons.insert(shape(&reason)) {
                    self.keep(input);
                }
                Ok(())
            }
        }
    }

    fn keep(&mut self, input: Vec<u8>) {
        if self.corpus.len() < CORPUS_LIMIT {
            self.corpus.push(input);
        } else {
            let at = self.fixed + self.chance.below(CORPUS_LIMIT.saturating_sub(self.fixed));
            if let Some(old) = self.corpus.get_mut(at) {
                *old = input;
            }
        }
    }
}

/// A reason without its numbers: `entry 17` and `entry 18` are one reason.
fn shape(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_ascii_digit()).take(200).collect()
}

/// Runs the target on one input; a panic becomes its words.
pub(crate) fn try_once(target: &Target, input: &[u8]) -> Result<Outcome, String> {
    match catch_unwind(AssertUnwindSafe(|| (target.run)(input))) {
        Ok(Outcome::Broken(words)) => Err(words),
        Ok(outcome) => Ok(outcome),
        Err(_) => Err(format!("panicked: {}", LAST_PANIC.with(|words| words.borrow().clone()))),
    }
}

/// Panics are expected here: keep their words for the report instead of printing each.
pub(crate) fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let words = info.to_string().replace('\n', " ");
        LAST_PANIC.with(|last| *last.borrow_mut() = words);
    }));
}

/// Ends the process when one input takes too long: a loop without end cannot be interrupted from inside.
struct Watch {
    current: Arc<Mutex<Current>>,
}

/// The input that is being tried, and since when.
type Current = Option<(Instant, Vec<u8>)>;

impl Watch {
    fn start(target: &'static str) -> Self {
        let current: Arc<Mutex<Current>> = Arc::default();
        let weak = Arc::downgrade(&current);
        std::thread::spawn(move || {
            while let Some(shared) = weak.upgrade() {
                let held = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((since, input)) = held.as_ref().filter(|(since, _)| since.elapsed() > TOO_LONG) {
                    let words = format!("still running after {} s", since.elapsed().as_secs());
                    println!("{}", seeds::write(target, &words, input));
                    eprintln!(
                        "error: target `{target}`: {words}\nhint: keep the lines above, use `--replay`"
                    );
                    std::process::exit(2);
                }
                drop(held);
                drop(shared);
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        Self { current }
    }

    fn begin(&self, input: &[u8]) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), input.to_vec()));
    }

    fn end(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(run: fn(&[u8]) -> Outcome) -> Target {
        Target { name: "test", about: "", seeds: vec![b"size 10\n".to_vec()], dictionary: &[b"deep"], run }
    }

    fn budget(inputs: u64) -> Budget {
        Budget { time: Duration::from_secs(60), inputs }
    }

    /// Refuses step by step, so that only following the reasons leads to the end.
    fn lock(bytes: &[u8]) -> Outcome {
        for (at, key) in b"xyz!".iter().enumerate() {
            if bytes.get(at) != Some(key) {
                let step = ["first", "second", "third", "fourth"].get(at).copied().unwrap_or_default();
                return Outcome::Refused(step.to_owned());
            }
        }
        Outcome::Broken("opened".to_owned())
    }

    #[test]
    fn following_reasons_opens_a_lock_of_four_bytes() {
        let failure = Fuzzer::new(&target(lock), 1, Vec::new()).run(budget(2_000_000)).unwrap_err();
        assert!(failure.input.starts_with(b"xyz!") && failure.words == "opened");
    }

    #[test]
    fn a_run_is_repeatable() {
        let run =
            || Fuzzer::new(&target(|_| Outcome::Accepted), 5, vec![vec![9; 9]]).run(budget(300)).unwrap();
        assert_eq!(run(), run());
        assert_eq!(run(), Tally { inputs: 300, accepted: 300, reasons: 0 });
    }

    #[test]
    fn a_seed_that_breaks_a_promise_fails_at_once() {
        let broken = target(|_| Outcome::Broken("no".to_owned()));
        assert_eq!(Fuzzer::new(&broken, 1, Vec::new()).run(budget(10)).unwrap_err().number, 0);
    }

    #[test]
    fn reasons_differ_by_words_and_not_by_numbers() {
        assert_eq!(shape("entry 17: bad"), shape("entry 8: bad"));
        assert_ne!(shape("entry 17: bad"), shape("entry 17: short"));
    }
}
