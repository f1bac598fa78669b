//! Percentiles of a sample: the smallest value that at least so many of the sample do not exceed (nearest rank).

/// A sorted sample.
pub(super) struct Sample(Vec<f64>);

impl Sample {
    pub(super) fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the value at so many per cent; nothing of an empty sample.
    pub(super) fn at(&self, per_cent: usize) -> Option<f64> {
        let rank = (self.0.len() * per_cent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied()
    }

    pub(super) fn max(&self) -> Option<f64> {
        self.0.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_rank() {
        let sample = Sample::new((1..=200).rev().map(f64::from).collect());
        assert_eq!(
            (sample.at(50), sample.at(95), sample.at(99), sample.max()),
            (Some(100.0), Some(190.0), Some(198.0), Some(200.0))
        );
        let one = Sample::new(vec![7.0]);
        assert_eq!((one.at(0), one.at(1), one.at(99)), (Some(7.0), Some(7.0), Some(7.0)));
        assert_eq!(Sample::new(Vec::new()).at(50), None);
    }
}
