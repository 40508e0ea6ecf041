//! Image scores, and the calibration that judges them.

use serde::{Deserialize, Serialize};

/// Image scores: three reductions of one map.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Standard deviation over the pixels.
    pub std: f32,
    /// Largest value.
    pub max: f32,
    /// Mean of the largest 1 % of the pixels.
    pub top1: f32,
}

/// Which of [`Scores`] decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reduction {
    /// [`Scores::std`].
    Std,
    /// [`Scores::max`].
    Max,
    /// [`Scores::top1`].
    Top1,
}

impl Scores {
    /// The score that `reduction` names.
    pub fn get(&self, reduction: Reduction) -> f32 {
        match reduction {
            Reduction::Std => self.std,
            Reduction::Max => self.max,
            Reduction::Top1 => self.top1,
        }
    }
}

/// The package's calibration on good images, as far as the page shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Which score decides.
    pub reduction: Reduction,
    /// Above it the verdict is anomalous.
    pub value: f32,
    /// `(probability, score)` of good images, rising.
    pub quantiles: Vec<(f32, f32)>,
    /// Colours run from this map value…
    pub scale_low: f32,
    /// …to this one, for every image.
    pub scale_high: f32,
    /// Good images the figures rest on.
    pub images: usize,
    /// Where those came from.
    pub source: Source,
}

/// Where the images of a calibration came from, as in `fsr::calibration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Good images kept out of training.
    HeldOut,
    /// Training images, altered.
    AlteredTraining,
    /// Training images, each left out in turn.
    LeaveOneOut,
}
