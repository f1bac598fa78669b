//! Runs of words that were read before in the same text: what was found in one is found in the next that is written alike.
//!
//! Texts repeat themselves: a person is named again and again, and in scripts without capitals so are the words around.
//! What this module deliberately does not do: grow; of two runs that share a place the later stays.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use super::runs::Run;

/// Runs that are remembered, at most.
const PLACES: usize = 1024;

/// A run, where it stood, and which finds are its own.
#[derive(Clone, Debug, Default)]
struct Known<'t> {
    text: &'t str,
    from: usize,
    finds: Range<usize>,
}

/// The runs of one text that are remembered.
pub(super) struct Runs<'t>(Vec<Known<'t>>);

impl<'t> Runs<'t> {
    pub(super) fn new() -> Self {
        Self(vec![Known::default(); PLACES])
    }

    /// Returns where an equal run stood and which finds were made in it.
    pub(super) fn recall(&self, run: &Run<'t>) -> Option<(usize, Range<usize>)> {
        let known = self.0.get(place(run.text)).filter(|known| known.text == run.text)?;
        Some((known.from, known.finds.clone()))
    }

    pub(super) fn remember(&mut self, run: &Run<'t>, finds: Range<usize>) {
        if let Some(slot) = self.0.get_mut(place(run.text)) {
            *slot = Known { text: run.text, from: run.from, finds };
        }
    }
}

fn place(text: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    usize::try_from(hasher.finish() % PLACES as u64).unwrap_or(0)
}
