//! The verdict on an image, from its score and the package's calibration on good images.

use crate::{
    protocol::{Scores, Threshold},
    words::Words,
};

/// What the page says of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The score is within what good images give.
    Good,
    /// The score is above the threshold.
    Anomalous,
    /// The package has no calibration.
    Unknown,
}

impl Verdict {
    /// For `data-verdict`, which styles and tests use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Anomalous => "anomalous",
            Self::Unknown => "unknown",
        }
    }
}

/// Above the threshold is anomalous; on it is still good.
pub fn verdict(scores: &Scores, threshold: Option<&Threshold>) -> Verdict {
    match threshold {
        None => Verdict::Unknown,
        Some(threshold) if scores.get(threshold.reduction) > threshold.value => Verdict::Anomalous,
        Some(_) => Verdict::Good,
    }
}

/// The colour scale: from calibration, or without one up to the map's own maximum.
pub fn scale(threshold: Option<&Threshold>, map_max: f32) -> (f32, f32) {
    match threshold {
        Some(threshold) => (threshold.scale_low, threshold.scale_high),
        None => (0.0, map_max.max(f32::MIN_POSITIVE)),
    }
}

/// Where the score lies among good images, in words.
pub fn standing(words: &Words, score: f32, threshold: &Threshold) -> String {
    let (images, verdict) = (threshold.images, &words.verdict);
    match share_below(score, &threshold.quantiles) {
        None => verdict.calibrated(images),
        Some(share) if share >= 1.0 => verdict.above_all(images),
        Some(share) if share <= 0.0 => verdict.below_all(images),
        Some(share) => verdict.above(&words.percent(share.into(), 0), images),
    }
}

/// Share of good images with a lower score, interpolated between the stored quantiles.
/// `None` without quantiles.
pub fn share_below(score: f32, quantiles: &[(f32, f32)]) -> Option<f32> {
    let (first, last) = (quantiles.first()?, quantiles.last()?);
    if score <= first.1 {
        return Some(if score < first.1 { 0.0 } else { first.0 });
    }
    if score > last.1 {
        return Some(1.0);
    }
    quantiles
        .windows(2)
        .find(|pair| score <= pair[1].1)
        .map(|pair| {
            let ((p0, s0), (p1, s1)) = (pair[0], pair[1]);
            if s1 > s0 {
                p0 + (p1 - p0) * (score - s0) / (s1 - s0)
            } else {
                p1
            }
        })
}

/// How the threshold was set, in words.
pub fn provenance(words: &Words, threshold: &Threshold) -> String {
    words.verdict.provenance(
        &number(threshold.value),
        words.verdict.reduction(threshold.reduction),
        threshold.images,
        words.verdict.source(threshold.source),
    )
}

/// The score's place on a scale where 0.5 is the threshold, for drawing: 0 to 1.
pub fn needle(score: f32, threshold: f32) -> f32 {
    if threshold <= 0.0 || !score.is_finite() {
        return if score > threshold { 1.0 } else { 0.0 };
    }
    (0.5 * score / threshold).clamp(0.0, 1.0)
}

/// Three significant digits.
pub fn number(value: f32) -> String {
    let magnitude = value.abs();
    if magnitude == 0.0 {
        return "0".into();
    }
    if !(1e-4..1e5).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let decimals = (2 - magnitude.log10().floor() as i32).max(0) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Reduction, Source};

    fn threshold() -> Threshold {
        Threshold {
            reduction: Reduction::Max,
            value: 2.0,
            quantiles: vec![(0.0, 1.0), (0.5, 1.5), (1.0, 2.0)],
            scale_low: 0.0,
            scale_high: 4.0,
            images: 40,
            source: Source::HeldOut,
        }
    }

    fn scores(max: f32) -> Scores {
        Scores {
            std: 9.0,
            max,
            top1: 9.0,
        }
    }

    #[test]
    fn the_named_score_decides() {
        let threshold = threshold();
        assert_eq!(verdict(&scores(2.0), Some(&threshold)), Verdict::Good);
        assert_eq!(
            verdict(&scores(2.001), Some(&threshold)),
            Verdict::Anomalous
        );
        assert_eq!(verdict(&scores(2.001), None), Verdict::Unknown);
    }

    #[test]
    fn share_is_monotone_and_hits_the_knots() {
        let q = threshold().quantiles;
        let shares: Vec<f32> = [0.5, 1.0, 1.25, 1.5, 1.75, 2.0, 2.1]
            .iter()
            .filter_map(|&s| share_below(s, &q))
            .collect();
        assert_eq!(shares, [0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0]);
        assert_eq!(share_below(1.0, &[]), None);
    }

    #[test]
    fn equal_quantiles_do_not_divide_by_zero() {
        assert_eq!(share_below(1.0, &[(0.0, 1.0), (1.0, 1.0)]), Some(0.0));
        assert_eq!(
            share_below(1.5, &[(0.0, 1.0), (0.5, 1.5), (0.9, 1.5), (1.0, 2.0)]),
            Some(0.5)
        );
    }

    #[test]
    fn the_needle_stays_on_the_scale() {
        assert_eq!(needle(0.0, 2.0), 0.0);
        assert_eq!(needle(2.0, 2.0), 0.5);
        assert_eq!(needle(100.0, 2.0), 1.0);
        assert_eq!(needle(f32::NAN, 2.0), 0.0);
        assert_eq!(needle(1.0, 0.0), 1.0);
    }

    #[test]
    fn numbers_are_short() {
        let values = [
            0.0,
            0.00264,
            0.01234,
            0.1234,
            1.234,
            12.34,
            1234.5,
            1e-6,
            f32::INFINITY,
        ];
        let texts = [
            "0", "0.00264", "0.0123", "0.123", "1.23", "12.3", "1234", "1.00e-6", "inf",
        ];
        assert_eq!(values.map(number), texts);
    }
}
