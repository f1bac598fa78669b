//! Sharing the work of one batch among the cores of the machine.

use core::ops::Range;
use std::thread::{self, Builder};

use super::{CHUNK, OprfError};

/// Most threads of one batch: others work too.
const SHARES_MAX: usize = 4;

/// Works on the places `0..count` in ranges of whole chunks, one core each, and joins what they give, in order. What is not
/// worth a second thread stays in this one: on how many threads it runs depends on `count` and the machine, on nothing else.
pub(crate) fn shared<R: Send>(
    count: usize,
    work: impl Fn(Range<usize>) -> Result<Vec<R>, OprfError> + Sync,
) -> Result<Vec<R>, OprfError> {
    if count < 2 * CHUNK {
        return work(0..count);
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    among(cores.min(SHARES_MAX), count, work)
}

/// A part of a list; none where there is none.
pub(crate) fn part<'a, T>(list: &'a [T], at: &Range<usize>) -> &'a [T] {
    list.get(at.clone()).unwrap_or_default()
}

/// As [`shared`], among so many threads at most.
pub(super) fn among<R: Send>(
    threads: usize,
    count: usize,
    work: impl Fn(Range<usize>) -> Result<Vec<R>, OprfError> + Sync,
) -> Result<Vec<R>, OprfError> {
    let size = count.div_ceil(threads.max(1)).next_multiple_of(CHUNK).max(CHUNK);
    let mut ranges = (0..count).step_by(size).map(|from| from..count.min(from.saturating_add(size)));
    let (first, work) = (ranges.next().unwrap_or_default(), &work);
    thread::scope(|scope| {
        let spawn = |range: Range<usize>| {
            let own = range.clone();
            (range, Builder::new().spawn_scoped(scope, move || work(own)))
        };
        let others: Vec<_> = ranges.map(spawn).collect();
        let mut out = Vec::with_capacity(count);
        out.extend(work(first)?);
        for (range, other) in others {
            // No thread to be had: then it is done here.
            let done = other.ok().and_then(|thread| thread.join().ok());
            out.extend(done.unwrap_or_else(|| work(range))?);
        }
        Ok(out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_in_order_whatever_the_number_of_threads() {
        for count in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 5 * CHUNK + 7] {
            let all: Vec<usize> = (0..count).collect();
            for threads in [0, 1, 2, 3, 4, 99] {
                let done = among(threads, count, |range| Ok(range.collect()));
                assert_eq!(done.unwrap(), all, "{count} on {threads}");
            }
            assert_eq!(shared(count, |range| Ok(range.collect())).unwrap(), all);
        }
    }

    #[test]
    fn the_first_fault_in_order_is_told_and_nothing_is_given() {
        let work = |range: Range<usize>| match range.start / CHUNK {
            0 => Ok(vec![0]),
            1 => Err(OprfError::Element),
            _ => Err(OprfError::Input),
        };
        assert_eq!(among(3, 3 * CHUNK, work), Err(OprfError::Element));
    }
}
