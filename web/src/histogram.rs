//! Scores on one axis: those of good images by the calibration, those of the list, and the threshold.
//!
//! The axis is logarithmic, because a defect's score may be ten times a good one's.

use crate::protocol::Threshold;

/// Bars of a histogram.
pub const BINS: usize = 36;

/// The range of the axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    low: f32,
    high: f32,
}

impl Axis {
    /// Holds the calibration, the threshold with room around it, and the scores.
    pub fn new(threshold: &Threshold, scores: &[f32]) -> Self {
        let known = threshold.quantiles.iter().map(|&(_, score)| score);
        let near = [threshold.value * 0.5, threshold.value * 2.0];
        let all = known.chain(near).chain(scores.iter().copied());
        // What no honest score is would leave the axis no room.
        let positive = all.filter(|value| *value > 0.0 && *value < 1e30);
        let (low, high) = positive.fold((f32::MAX, f32::MIN_POSITIVE), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let low = low.min(high * 0.5).max(high * 1e-4).max(f32::MIN_POSITIVE);
        Self {
            low: low / 1.05,
            high: high * 1.05,
        }
    }

    /// A score's place, 0 at the left to 1 at the right.
    pub fn place(&self, score: f32) -> f32 {
        if score <= self.low {
            return 0.0;
        }
        ((score / self.low).ln() / (self.high / self.low).ln()).min(1.0)
    }

    /// The score at a place.
    pub fn score(&self, place: f32) -> f32 {
        self.low * (self.high / self.low).powf(place.clamp(0.0, 1.0))
    }
}

/// Heights of the bars, 0 to 1, of scores counted by where they lie.
pub fn bars(axis: &Axis, scores: &[f32]) -> Vec<f32> {
    let mut counts = vec![0usize; BINS];
    for &score in scores {
        let bin = (axis.place(score) * BINS as f32) as usize;
        counts[bin.min(BINS - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    counts
        .into_iter()
        .map(|count| count as f32 / most as f32)
        .collect()
}

/// Heights of the bars of good images, from the calibration's quantiles: the share of images between two
/// quantiles is spread evenly over the axis between them.
pub fn good_bars(axis: &Axis, quantiles: &[(f32, f32)]) -> Vec<f32> {
    let mut shares = vec![0.0f32; BINS];
    for pair in quantiles.windows(2) {
        let share = (pair[1].0 - pair[0].0).max(0.0);
        let (from, to) = (axis.place(pair[0].1), axis.place(pair[1].1));
        if to - from < 1e-4 {
            shares[((from * BINS as f32) as usize).min(BINS - 1)] += share;
            continue;
        }
        for (bin, sum) in shares.iter_mut().enumerate() {
            let (left, right) = (bin as f32 / BINS as f32, (bin + 1) as f32 / BINS as f32);
            let inside = (to.min(right) - from.max(left)).max(0.0);
            *sum += share * inside / (to - from);
        }
    }
    let most = shares.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    shares.into_iter().map(|share| share / most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Reduction, Source};

    fn threshold(value: f32, quantiles: Vec<(f32, f32)>) -> Threshold {
        Threshold {
            reduction: Reduction::Std,
            value,
            quantiles,
            scale_low: 0.0,
            scale_high: 1.0,
            images: 24,
            source: Source::HeldOut,
        }
    }

    #[test]
    fn places_and_scores_are_each_others_inverse() {
        let known = threshold(0.002, vec![(0.0, 0.0007), (1.0, 0.0018)]);
        let axis = Axis::new(&known, &[0.03, 0.0005]);
        for score in [0.0005, 0.0007, 0.002, 0.01, 0.03] {
            let place = axis.place(score);
            assert!(place > 0.0 && place < 1.0, "{score}: {place}");
            assert!((axis.score(place) / score - 1.0).abs() < 1e-4, "{score}");
        }
        assert_eq!((axis.place(0.0), axis.place(f32::INFINITY)), (0.0, 1.0));
    }

    #[test]
    fn odd_scores_do_not_break_the_axis() {
        for scores in [vec![], vec![0.0], vec![f32::NAN, -1.0], vec![f32::MAX]] {
            let axis = Axis::new(&threshold(0.0, Vec::new()), &scores);
            assert!(
                axis.score(0.5).is_finite() && axis.low < axis.high,
                "{scores:?}"
            );
            assert_eq!(bars(&axis, &scores).len(), BINS);
        }
    }

    #[test]
    fn good_images_fill_the_axis_between_their_quantiles_only() {
        let known = threshold(2.0, vec![(0.0, 1.0), (0.5, 1.1), (1.0, 1.5)]);
        let axis = Axis::new(&known, &[]);
        let heights = good_bars(&axis, &known.quantiles);
        for (bin, height) in heights.iter().enumerate() {
            let (left, right) = (bin as f32 / BINS as f32, (bin + 1) as f32 / BINS as f32);
            let touched = axis.score(right) > 1.0 && axis.score(left) < 1.5;
            assert_eq!(*height > 0.0, touched, "bin {bin}");
        }
        assert!(heights.contains(&1.0));
    }

    #[test]
    fn the_fullest_bar_is_full() {
        let axis = Axis::new(&threshold(1.0, Vec::new()), &[0.5, 2.0]);
        let heights = bars(&axis, &[0.6, 0.6, 1.9]);
        assert_eq!(heights.iter().copied().fold(0.0, f32::max), 1.0);
        assert_eq!(heights.iter().filter(|height| **height > 0.0).count(), 2);
    }
}
