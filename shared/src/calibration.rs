//! What good images score: quantiles, a threshold from good images alone, and the colour scale.

use serde::{Deserialize, Serialize};

use crate::colormap::ColourScale;
use crate::map::{AnomalyMap, ImageScores, ScoreKind};

/// Calibration of one model (or of one category of it) on good images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The image score that verdicts use.
    pub score: ScoreKind,
    /// How many good images it rests on.
    pub images: usize,
    /// Whether those were kept out of training, or are altered training images.
    pub source: CalibrationSource,
    /// Pairs (share of good images, score that this share stays under).
    pub quantiles: Vec<(f32, f32)>,
    /// Scores above it are called anomalous.
    pub threshold: f32,
    /// The fixed colour scale of heat maps.
    pub scale: ColourScale,
    /// Scores of the good images, ascending, for p-values: all of them, or of more than a thousand
    /// evenly spaced ones. Empty in packages that were written before there were p-values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub good_scores: Vec<f32>,
    /// The false-alarm rate that the threshold was set for; `None` where it follows from a fit to the
    /// scores (see [`Calibration::from_good_maps`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub false_alarm_rate: Option<f64>,
}

/// More good images than any calibration rests on; what is computed from their number cannot overflow.
pub(crate) const MAX_CALIBRATION_IMAGES: usize = 1 << 30;

/// Scores kept in a package at most.
pub const MAX_GOOD_SCORES: usize = 1000;

/// Why there is no threshold for a false-alarm rate.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum RateError {
    /// Not a rate.
    #[error("a false-alarm rate of {0} is not possible; it lies between 0 and 1, such as 0.05")]
    Rate(f64),
    /// The package was written without scores.
    #[error(
        "the model keeps no scores of good images; train it again, or export it from a newer run"
    )]
    NoScores,
    /// No threshold can promise so low a rate.
    #[error(
        "a false-alarm rate of {rate} needs at least {needed} good images to calibrate on, and there are {images}; \
         take a rate of {possible:.3} or more"
    )]
    TooFew {
        /// The rate asked for.
        rate: f64,
        /// Good images there are.
        images: usize,
        /// Good images it takes.
        needed: usize,
        /// The lowest rate that the images there are allow.
        possible: f64,
    },
}

/// Where calibration images come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationSource {
    /// Good images that training never saw.
    HeldOut,
    /// Training images, shifted and relit; their scores are somewhat low.
    AlteredTraining,
    /// Training images, as they are and altered, each judged by a model trained on the others.
    LeaveOneOut,
}

impl CalibrationSource {
    /// In words, for reports and the page.
    pub fn describe(self) -> &'static str {
        match self {
            Self::HeldOut => "good images kept out of training",
            Self::AlteredTraining => "altered training images",
            Self::LeaveOneOut => "training images, each left out in turn",
        }
    }
}

/// Standard deviations of the log score above its mean at which the threshold lies. For
/// log-normal scores one good image in 740 is above it.
const THRESHOLD_DEVIATIONS: f64 = 3.0;

/// Pixels of good images that may leave the lower part of the colour scale.
const HOT_PIXEL_SHARE: f64 = 0.001;

/// How far the scale reaches above that pixel value: a good part then stays in its coolest quarter.
const SCALE_HEADROOM: f32 = 4.0;

/// Gathers a calibration map by map, in little memory.
///
/// The threshold is `exp(m + 3·s)` of the log scores' mean m and deviation s: maximum and high quantiles of
/// a handful of images say little, two moments more. The colour scale goes from zero to four times the value
/// that 99.9 % of good pixels stay under.
#[derive(Debug, Clone)]
pub struct CalibrationBuilder {
    kind: ScoreKind,
    source: CalibrationSource,
    scores: Vec<f32>,
    /// The hottest pixels so far, in no order; all others are colder.
    hot: Vec<f32>,
    /// How many of them are needed in the end.
    keep: usize,
}

impl CalibrationBuilder {
    /// For maps that have `pixels` values together.
    pub fn new(kind: ScoreKind, source: CalibrationSource, pixels: usize) -> Self {
        let colder = ((pixels as f64 * (1.0 - HOT_PIXEL_SHARE)) as usize).min(pixels.max(1) - 1);
        Self {
            kind,
            source,
            scores: Vec::new(),
            hot: Vec::new(),
            keep: pixels - colder,
        }
    }

    /// Adds the map of a good image.
    pub fn add(&mut self, map: &AnomalyMap) {
        self.scores.push(map.scores().get(self.kind));
        for part in map.values.chunks(self.keep.max(1)) {
            self.hot.extend_from_slice(part);
            if self.hot.len() > self.keep {
                let descending = |a: &f32, b: &f32| b.total_cmp(a);
                self.hot.select_nth_unstable_by(self.keep, descending);
                self.hot.truncate(self.keep);
            }
        }
    }

    /// The calibration; `None` if no map was added.
    pub fn finish(self) -> Option<Calibration> {
        let Self {
            kind,
            source,
            mut scores,
            hot,
            ..
        } = self;
        scores.sort_by(f32::total_cmp);
        let highest = *scores.last()?;
        let logs: Vec<f64> = scores
            .iter()
            .map(|&score| libm::log(f64::from(score.max(f32::MIN_POSITIVE))))
            .collect();
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>()
            / (logs.len().max(2) - 1) as f64;
        let fitted = libm::exp(mean + THRESHOLD_DEVIATIONS * variance.sqrt()) as f32;
        let hot = hot.into_iter().min_by(f32::total_cmp).unwrap_or(0.0);
        Some(Calibration {
            score: kind,
            images: scores.len(),
            source,
            quantiles: [0.0, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0]
                .into_iter()
                .map(|share| (share, quantile(&scores, share)))
                .collect(),
            threshold: fitted.max(highest),
            scale: ColourScale {
                low: 0.0,
                high: (hot * SCALE_HEADROOM).max(f32::MIN_POSITIVE),
            },
            good_scores: thinned(&scores),
            false_alarm_rate: None,
        })
    }
}

impl Calibration {
    /// Calibrates on anomaly maps of good images; `None` without any.
    ///
    /// See [`CalibrationBuilder`], which does not need them all at once.
    pub fn from_good_maps(
        maps: &[AnomalyMap],
        kind: ScoreKind,
        source: CalibrationSource,
    ) -> Option<Self> {
        let pixels = maps.iter().map(|map| map.values.len()).sum();
        let mut builder = CalibrationBuilder::new(kind, source, pixels);
        for map in maps {
            builder.add(map);
        }
        builder.finish()
    }

    /// Split-conformal p-value of an image (Vovk et al., 2005): `(1 + #{good scores ≥ its score}) / (n + 1)`.
    ///
    /// For an image that is exchangeable with the n good ones, P(p ≤ α) ≤ α for every α. Where scores
    /// were thinned out it is rounded up, so that this still holds. `None` without stored scores.
    pub fn p_value(&self, scores: &ImageScores) -> Option<f64> {
        if self.good_scores.is_empty() {
            return None;
        }
        let score = scores.get(self.score);
        let below = self.good_scores.partition_point(|&good| good < score);
        Some((1 + self.at_least(below)) as f64 / (self.scored() + 1) as f64)
    }

    /// The same calibration with the lowest threshold above which p-values are at most `rate`.
    ///
    /// # Errors
    /// When `rate` is not between 0 and 1, or so low that the good images cannot vouch for it.
    pub fn at_false_alarm_rate(&self, rate: f64) -> Result<Self, RateError> {
        if !(rate > 0.0 && rate < 1.0) {
            return Err(RateError::Rate(rate));
        }
        if self.good_scores.is_empty() {
            return Err(RateError::NoScores);
        }
        let images = self.scored();
        // The small term keeps 0.1 × 30 from being 2.
        let allowed = (rate * (images + 1) as f64 + 1e-9) as usize;
        let kept = (0..self.good_scores.len()).find(|&kept| self.at_least(kept + 1) < allowed);
        let Some(kept) = kept else {
            return Err(RateError::TooFew {
                rate,
                images,
                needed: needed_for(rate),
                possible: 1.0 / (images + 1) as f64,
            });
        };
        Ok(Self {
            threshold: self.good_scores[kept],
            false_alarm_rate: Some(rate),
            ..self.clone()
        })
    }

    /// Good images whose scores are known.
    fn scored(&self) -> usize {
        self.images.max(self.good_scores.len())
    }

    /// Most good images that may score at least as much as one that `below` kept scores are below.
    fn at_least(&self, below: usize) -> usize {
        let images = self.scored();
        match below {
            0 => images,
            below => images - 1 - place(below - 1, self.good_scores.len(), images),
        }
    }

    /// The verdict on an image.
    pub fn verdict(&self, scores: &ImageScores) -> Verdict {
        if scores.get(self.score) > self.threshold {
            Verdict::Anomalous
        } else {
            Verdict::Good
        }
    }
}

/// Good or not, by the calibrated threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Scores like the good images.
    Good,
    /// Scores above the threshold.
    Anomalous,
}

/// Linear interpolation between order statistics of ascending values.
fn quantile(sorted: &[f32], share: f32) -> f32 {
    let place = share * (sorted.len() - 1) as f32;
    let low = place.floor() as usize;
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (sorted[high] - sorted[low]) * (place - low as f32)
}

/// Good images that it takes to vouch for a false-alarm rate between 0 and 1.
pub fn needed_for(rate: f64) -> usize {
    libm::ceil(1.0 / rate - 1.0 - 1e-9) as usize
}

/// Rank, among `images` ascending scores, of the `kept`-th of `count` that are kept.
fn place(kept: usize, count: usize, images: usize) -> usize {
    match count {
        0 | 1 => images - 1,
        _ => (kept as u64 * (images as u64 - 1) / (count as u64 - 1)) as usize,
    }
}

/// Evenly spaced scores, lowest and highest among them, if there are too many.
fn thinned(sorted: &[f32]) -> Vec<f32> {
    let count = sorted.len().min(MAX_GOOD_SCORES);
    (0..count)
        .map(|kept| sorted[place(kept, count, sorted.len())])
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rand::{RngExt, SeedableRng};

    fn scores(value: f32) -> ImageScores {
        ImageScores {
            std: value,
            max: 0.0,
            top1: 0.0,
        }
    }

    fn calibration(good: &[f32]) -> Calibration {
        let maps: Vec<AnomalyMap> = good
            .iter()
            .map(|&score| AnomalyMap::new(2, 1, vec![0.0, 2.0 * score]))
            .collect();
        Calibration::from_good_maps(&maps, ScoreKind::Std, CalibrationSource::HeldOut).unwrap()
    }

    fn p(calibration: &Calibration, value: f32) -> f64 {
        calibration.p_value(&scores(value)).unwrap()
    }

    #[test]
    fn p_values_count_the_good_images_that_score_as_much() {
        let known = calibration(&[3.0, 1.0, 2.0, 2.0]);
        assert_eq!(known.good_scores, [1.0, 2.0, 2.0, 3.0]);
        let expected = [
            (0.5, 1.0),
            (1.0, 1.0),
            (1.5, 0.8),
            (2.0, 0.8),
            (2.5, 0.4),
            (3.0, 0.4),
            (3.5, 0.2),
        ];
        for (value, expected) in expected {
            assert!((p(&known, value) - expected).abs() < 1e-12, "{value}");
        }
    }

    /// If every one of n + 1 scores takes its turn as the new one, at most a share α of the turns may give
    /// p ≤ α. Averaged over draws that is P(p ≤ α) ≤ α, and here it holds for each draw, ties included.
    #[test]
    fn p_values_of_exchangeable_scores_are_super_uniform() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        for (images, levels) in [
            (1, 9),
            (7, 3),
            (24, 1000),
            (60, 10),
            (1500, 100_000),
            (2400, 50),
        ] {
            let all: Vec<f32> = (0..=images)
                .map(|_| random.random_range(1..=levels) as f32)
                .collect();
            let turns = (0..=images).step_by((images / 60).max(1));
            let exhaustive = images < 100;
            let values: Vec<f64> = turns
                .map(|turn| {
                    let mut good = all.clone();
                    let new = good.swap_remove(turn);
                    let known = calibration(&good);
                    let exact = good.iter().filter(|&&score| score >= new).count() + 1;
                    let exact = exact as f64 / (images + 1) as f64;
                    let value = p(&known, new);
                    // Thinned scores may only round up, and by no more than their spacing.
                    assert!(
                        value >= exact - 1e-12 && value <= exact + 0.0025,
                        "{value} {exact}"
                    );
                    value
                })
                .collect();
            for alpha in [0.01, 0.05, 0.1, 0.2, 0.5, 0.9] {
                let called = values.iter().filter(|&&value| value <= alpha).count();
                if exhaustive {
                    assert!(
                        called as f64 <= alpha * (images + 1) as f64,
                        "{images} {alpha}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_threshold_of_a_rate_and_p_values_agree() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(6);
        for (images, levels) in [(19, 1000), (30, 5), (200, 1000), (3000, 1_000_000)] {
            let good: Vec<f32> = (0..images)
                .map(|_| random.random_range(1..=levels) as f32)
                .collect();
            let known = calibration(&good);
            assert!(known.good_scores.len() <= MAX_GOOD_SCORES);
            for rate in [0.05, 0.1, 0.3, 0.5] {
                let set = known.at_false_alarm_rate(rate).unwrap();
                assert_eq!(set.false_alarm_rate, Some(rate));
                for _ in 0..300 {
                    let value = random.random_range(0..=levels + 1) as f32;
                    let anomalous = set.verdict(&scores(value)) == Verdict::Anomalous;
                    assert_eq!(
                        anomalous,
                        p(&known, value) <= rate + 1e-9,
                        "{images} {rate} {value}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_colour_scale_is_that_of_all_pixels_sorted() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        for (maps, side) in [(1, 1), (3, 7), (40, 50)] {
            let maps: Vec<AnomalyMap> = (0..maps)
                .map(|_| {
                    let values = (0..side * side).map(|_| random.random::<f32>().powi(9));
                    AnomalyMap::new(side, side, values.collect())
                })
                .collect();
            let mut pixels: Vec<f32> = maps.iter().flat_map(|map| map.values.clone()).collect();
            pixels.sort_by(f32::total_cmp);
            let hot = pixels[((pixels.len() as f64 * 0.999) as usize).min(pixels.len() - 1)];
            let kind = ScoreKind::Max;
            let known = Calibration::from_good_maps(&maps, kind, CalibrationSource::HeldOut);
            assert_eq!(known.unwrap().scale.high, 4.0 * hot);
        }
        let none = Calibration::from_good_maps(&[], ScoreKind::Std, CalibrationSource::HeldOut);
        assert_eq!(none, None);
    }

    #[test]
    fn rates_that_nothing_vouches_for_are_refused() {
        let known = calibration(&[1.0; 19]);
        assert!(known.at_false_alarm_rate(0.05).is_ok());
        let error = known.at_false_alarm_rate(0.01).unwrap_err();
        assert!(
            matches!(
                error,
                RateError::TooFew {
                    needed: 99,
                    images: 19,
                    ..
                }
            ),
            "{error}"
        );
        for rate in [0.0, 1.0, -0.1, f64::NAN] {
            assert!(matches!(
                known.at_false_alarm_rate(rate),
                Err(RateError::Rate(_))
            ));
        }
        let old = Calibration {
            good_scores: vec![],
            ..known
        };
        assert_eq!(old.p_value(&scores(1.0)), None);
        assert_eq!(old.at_false_alarm_rate(0.5), Err(RateError::NoScores));
    }
}
