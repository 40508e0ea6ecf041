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
}

/// Where calibration images come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationSource {
    /// Good images that training never saw.
    HeldOut,
    /// Training images, shifted and relit; their scores are somewhat low.
    AlteredTraining,
}

impl CalibrationSource {
    /// In words, for reports and the page.
    pub fn describe(self) -> &'static str {
        match self {
            Self::HeldOut => "good images kept out of training",
            Self::AlteredTraining => "altered training images",
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

impl Calibration {
    /// Calibrates on anomaly maps of good images; `None` without any.
    ///
    /// The threshold is `exp(m + 3·s)` of the log scores' mean m and deviation s: maximum and
    /// high quantiles of a handful of images say little, two moments more. The colour scale goes
    /// from zero to four times the value that 99.9 % of good pixels stay under.
    pub fn from_good_maps(
        maps: &[AnomalyMap],
        kind: ScoreKind,
        source: CalibrationSource,
    ) -> Option<Self> {
        if maps.is_empty() {
            return None;
        }
        let mut scores: Vec<f32> = maps.iter().map(|map| map.scores().get(kind)).collect();
        scores.sort_by(f32::total_cmp);
        let logs: Vec<f64> = scores
            .iter()
            .map(|&score| libm::log(f64::from(score.max(f32::MIN_POSITIVE))))
            .collect();
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>()
            / (logs.len().max(2) - 1) as f64;
        let fitted = libm::exp(mean + THRESHOLD_DEVIATIONS * variance.sqrt()) as f32;
        let highest = scores[scores.len() - 1];

        let mut pixels: Vec<f32> = maps
            .iter()
            .flat_map(|map| map.values.iter().copied())
            .collect();
        let hot = ((pixels.len() as f64 * (1.0 - HOT_PIXEL_SHARE)) as usize).min(pixels.len() - 1);
        let (_, &mut hot, _) = pixels.select_nth_unstable_by(hot, f32::total_cmp);

        Some(Self {
            score: kind,
            images: maps.len(),
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
        })
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
