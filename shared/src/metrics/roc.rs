//! Receiver operating characteristic.

use serde::{Deserialize, Serialize};

use super::LabelledScores;

/// Area under the ROC curve: the probability that an anomaly scores higher than a good sample, ties
/// counting one half (Mann–Whitney).
///
/// `labels` are `true` for anomalies. `None` where undefined, see [`LabelledScores::new`].
pub fn auroc(scores: &[f32], labels: &[bool]) -> Option<f64> {
    Some(LabelledScores::new(scores, labels)?.auroc())
}

/// One operating point; the prediction is `score >= threshold`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// Fraction of good samples reported.
    pub fpr: f64,
    /// Fraction of anomalies found.
    pub tpr: f64,
    /// Lowest score that is reported; infinite at the origin.
    pub threshold: f32,
}

/// The ROC curve from (0, 0) to (1, 1), one point for each distinct score.
pub fn roc_curve(scores: &[f32], labels: &[bool]) -> Option<Vec<RocPoint>> {
    let sorted = LabelledScores::new(scores, labels)?;
    let origin = RocPoint {
        fpr: 0.0,
        tpr: 0.0,
        threshold: f32::INFINITY,
    };
    let points = sorted.counts().map(|at| RocPoint {
        fpr: at.false_positives as f64 / sorted.negatives as f64,
        tpr: at.true_positives as f64 / sorted.positives as f64,
        threshold: at.threshold,
    });
    Some(std::iter::once(origin).chain(points).collect())
}

impl LabelledScores {
    /// Area under the ROC curve, see [`auroc`].
    pub fn auroc(&self) -> f64 {
        // Twice the number of (anomaly, good) pairs in the right order, exact in integers.
        let mut doubled = 0u128;
        let (mut found, mut reported) = (0, 0);
        for at in self.counts() {
            let good = at.false_positives - reported;
            doubled += u128::from(good) * u128::from(found + at.true_positives);
            (found, reported) = (at.true_positives, at.false_positives);
        }
        doubled as f64 / 2.0 / (self.positives as f64 * self.negatives as f64)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::ranking::tests::toy;
    use super::*;

    /// The definition, in quadratic time.
    fn by_pairs(scores: &[f32], labels: &[bool]) -> f64 {
        let mut sum = 0.0;
        let mut pairs = 0.0;
        for (anomaly, _) in scores.iter().zip(labels).filter(|(_, label)| **label) {
            for (good, _) in scores.iter().zip(labels).filter(|(_, label)| !**label) {
                pairs += 1.0;
                sum += if anomaly > good {
                    1.0
                } else if anomaly == good {
                    0.5
                } else {
                    0.0
                };
            }
        }
        sum / pairs
    }

    #[test]
    fn equals_the_definition() {
        for seed in 0..40 {
            let (scores, labels) = toy(seed, 3 + 7 * seed as usize);
            let area = auroc(&scores, &labels).unwrap();
            assert!((area - by_pairs(&scores, &labels)).abs() < 1e-12);
        }
    }

    #[test]
    fn is_invariant_under_monotone_maps_and_mirrored_by_reversal() {
        for seed in 0..20 {
            let (scores, labels) = toy(seed, 200);
            let area = auroc(&scores, &labels).unwrap();
            let stretched: Vec<f32> = scores.iter().map(|s| 3.0 * s * s * s - 7.0).collect();
            assert_eq!(auroc(&stretched, &labels), Some(area));
            let reversed: Vec<f32> = scores.iter().map(|s| -s).collect();
            assert!((auroc(&reversed, &labels).unwrap() - (1.0 - area)).abs() < 1e-12);
        }
    }

    #[test]
    fn perfect_is_one_and_constant_one_half() {
        let labels = [false, true, false, true];
        assert_eq!(auroc(&[0.1, 0.8, 0.2, 0.9], &labels), Some(1.0));
        assert_eq!(auroc(&[0.4; 4], &labels), Some(0.5));
        assert_eq!(auroc(&[0.4; 4], &[true; 4]), None);
    }

    #[test]
    fn the_curve_has_the_same_area() {
        let (scores, labels) = toy(3, 500);
        let curve = roc_curve(&scores, &labels).unwrap();
        let last = curve.last().unwrap();
        assert_eq!((last.fpr, last.tpr), (1.0, 1.0));
        let area: f64 = curve
            .windows(2)
            .map(|p| (p[1].fpr - p[0].fpr) * (p[1].tpr + p[0].tpr) / 2.0)
            .sum();
        assert!((area - auroc(&scores, &labels).unwrap()).abs() < 1e-12);
    }
}
