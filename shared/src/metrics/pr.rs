//! Precision and recall.

use serde::{Deserialize, Serialize};

use super::LabelledScores;

/// Average precision Σ (Rₙ − Rₙ₋₁) Pₙ, the step-wise area under the precision–recall curve
/// (scikit-learn's `average_precision_score`; not the trapezoid).
///
/// `None` where undefined, see [`LabelledScores::new`].
pub fn average_precision(scores: &[f32], labels: &[bool]) -> Option<f64> {
    Some(LabelledScores::new(scores, labels)?.average_precision())
}

/// The best F1 over all thresholds, and where it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct F1Max {
    /// Harmonic mean of precision and recall at the best threshold.
    pub value: f64,
    /// The prediction is `score >= threshold`; of equally good thresholds the lowest.
    pub threshold: f32,
}

/// Largest F1 over all thresholds; `None` where undefined, see [`LabelledScores::new`].
pub fn f1_max(scores: &[f32], labels: &[bool]) -> Option<F1Max> {
    Some(LabelledScores::new(scores, labels)?.f1_max())
}

/// One operating point; the prediction is `score >= threshold`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrPoint {
    /// Fraction of the reported samples that are anomalies.
    pub precision: f64,
    /// Fraction of anomalies found.
    pub recall: f64,
    /// Lowest score that is reported.
    pub threshold: f32,
}

/// The precision–recall curve, one point for each distinct score, by rising recall.
pub fn pr_curve(scores: &[f32], labels: &[bool]) -> Option<Vec<PrPoint>> {
    let sorted = LabelledScores::new(scores, labels)?;
    let points = sorted.counts().map(|at| PrPoint {
        precision: at.true_positives as f64 / (at.true_positives + at.false_positives) as f64,
        recall: at.true_positives as f64 / sorted.positives as f64,
        threshold: at.threshold,
    });
    Some(points.collect())
}

impl LabelledScores {
    /// Average precision, see [`average_precision`].
    pub fn average_precision(&self) -> f64 {
        let mut sum = 0.0;
        let mut found = 0;
        for at in self.counts() {
            let reported = (at.true_positives + at.false_positives) as f64;
            sum += (at.true_positives - found) as f64 * (at.true_positives as f64 / reported);
            found = at.true_positives;
        }
        sum / self.positives as f64
    }

    /// Best F1, see [`f1_max`].
    pub fn f1_max(&self) -> F1Max {
        let mut best = F1Max {
            value: 0.0,
            threshold: f32::INFINITY,
        };
        for at in self.counts() {
            let reported = at.true_positives + at.false_positives;
            let value = 2.0 * at.true_positives as f64 / (reported + self.positives) as f64;
            if value >= best.value {
                best = F1Max {
                    value,
                    threshold: at.threshold,
                };
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::ranking::tests::toy;
    use super::*;

    /// F1 of one threshold, by counting.
    fn f1_at(scores: &[f32], labels: &[bool], threshold: f32) -> f64 {
        let count = |predicted: bool, label: bool| {
            scores
                .iter()
                .zip(labels)
                .filter(|(s, l)| (**s >= threshold) == predicted && **l == label)
                .count() as f64
        };
        let (tp, fp, missed) = (count(true, true), count(true, false), count(false, true));
        2.0 * tp / (2.0 * tp + fp + missed)
    }

    #[test]
    fn f1_is_the_best_of_all_thresholds() {
        for seed in 0..20 {
            let (scores, labels) = toy(seed, 150);
            let best = f1_max(&scores, &labels).unwrap();
            assert!((f1_at(&scores, &labels, best.threshold) - best.value).abs() < 1e-12);
            for &threshold in &scores {
                assert!(f1_at(&scores, &labels, threshold) <= best.value + 1e-12);
            }
        }
    }

    #[test]
    fn perfect_and_constant_scores() {
        let labels = [false, true, false, true];
        let perfect = [0.1, 0.8, 0.2, 0.9];
        assert_eq!(average_precision(&perfect, &labels), Some(1.0));
        let best = f1_max(&perfect, &labels).unwrap();
        assert_eq!((best.value, best.threshold), (1.0, 0.8));
        assert_eq!(average_precision(&[0.4; 4], &labels), Some(0.5));
        let constant = f1_max(&[0.4; 4], &labels).unwrap();
        assert!((constant.value - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(f1_max(&perfect, &[false; 4]), None);
    }

    #[test]
    fn average_precision_is_the_stepwise_area_of_the_curve() {
        let (scores, labels) = toy(9, 400);
        let curve = pr_curve(&scores, &labels).unwrap();
        assert_eq!(curve.last().unwrap().recall, 1.0);
        let mut recall = 0.0;
        let mut area = 0.0;
        for point in curve {
            area += (point.recall - recall) * point.precision;
            recall = point.recall;
        }
        assert!((area - average_precision(&scores, &labels).unwrap()).abs() < 1e-12);
    }

    #[test]
    fn is_invariant_under_monotone_maps() {
        let (scores, labels) = toy(5, 300);
        let stretched: Vec<f32> = scores.iter().map(|s| 8.0 * s - 4.0).collect();
        assert_eq!(
            average_precision(&scores, &labels),
            average_precision(&stretched, &labels)
        );
        assert_eq!(
            f1_max(&scores, &labels).map(|best| best.value),
            f1_max(&stretched, &labels).map(|best| best.value)
        );
    }
}
