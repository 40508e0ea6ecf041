//! Named choices where the paper and its authors' code differ.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::config::BackboneKind;

/// How a model is trained and scored. Stored in the model package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// `official`, `paper`, `fast` or `brief`.
    pub name: String,
    /// Noise added to embedded tokens in training: norm of the noise over norm of the token
    /// (in expectation). The authors' `scale 30` at D = 768 is 30/√768 = 1.083. Zero: none.
    pub jitter_ratio: f32,
    /// Where the restorer's patch embedding and head begin.
    #[serde(default)]
    pub start: Start,
    /// Position embedding added after the shuffle.
    pub position: PositionKind,
    /// Reduction of the squared error over channels.
    pub channel_reduction: ChannelReduction,
    /// Which of the three losses are minimised (eq. 13: all).
    #[serde(default, skip_serializing_if = "LossTerms::is_all")]
    pub loss: LossTerms,
    /// How many of the L tokens a rate τ shuffles.
    pub shuffle_count: ShuffleCount,
    /// Whether smoothing happens on each upsampled map before their product, or not at all.
    pub smoothing: Smoothing,
    /// Optimiser step size.
    pub learning_rate: f64,
    /// Course of the step size over training.
    pub schedule: Schedule,
    /// Decoupled weight decay of AdamW.
    pub weight_decay: f32,
    /// First moment decay of AdamW.
    pub beta1: f32,
    /// Second moment decay of AdamW.
    pub beta2: f32,
    /// Batch size in the few-shot, separate and unified setting.
    pub batch: [usize; 3],
}

/// Where the restorer's patch embedding and head begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// Xavier-uniform, as the authors' code.
    #[default]
    Random,
    /// In the principal subspace of the good tokens, see [`crate::subspace`].
    Principal,
    /// With the weights of another model of the same architecture.
    Given,
}

/// Position embedding of the restorer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PositionKind {
    /// None.
    #[serde(rename = "none")]
    None,
    /// Interleaved sines and cosines of the token index (as the paper prints it).
    #[serde(rename = "1d")]
    OneD,
    /// Half the width for the column, half for the row (as the authors' code does).
    #[serde(rename = "2d")]
    TwoD,
    /// Trained with the weights.
    #[serde(rename = "learned")]
    Learned,
}

impl FromStr for PositionKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            "1d" => Ok(Self::OneD),
            "2d" => Ok(Self::TwoD),
            "learned" => Ok(Self::Learned),
            other => Err(format!(
                "no position embedding is called '{other}'; there are: none, 1d, 2d, learned"
            )),
        }
    }
}

/// Which parts of the loss are minimised; all are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossTerms {
    /// Squared error (eq. 10).
    pub squared: bool,
    /// Local cosine distance (eq. 11).
    pub local: bool,
    /// Global cosine distance (eq. 12).
    pub global: bool,
}

impl LossTerms {
    /// Eq. 13.
    pub const ALL: Self = Self {
        squared: true,
        local: true,
        global: true,
    };

    fn is_all(&self) -> bool {
        *self == Self::ALL
    }
}

impl Default for LossTerms {
    fn default() -> Self {
        Self::ALL
    }
}

impl FromStr for LossTerms {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut terms = Self {
            squared: false,
            local: false,
            global: false,
        };
        for name in text.split(',') {
            match name.trim() {
                "squared" => terms.squared = true,
                "local" => terms.local = true,
                "global" => terms.global = true,
                other => {
                    return Err(format!(
                        "no loss is called '{other}'; give one or more of squared,local,global"
                    ));
                }
            }
        }
        Ok(terms)
    }
}

/// Reduction of the squared error over the C channels of a feature cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelReduction {
    /// Divided by C.
    Mean,
    /// The plain squared norm.
    Sum,
}

/// How a shuffling rate becomes a count of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShuffleCount {
    /// L − ⌊L(1 − τ)⌋, other tokens in every image of a batch (authors' code).
    Code,
    /// ⌊Lτ⌋, the same tokens in every image of a batch (Algorithm 1).
    Paper,
}

/// Order of smoothing and multiplication in the score map (eq. 14–16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Smoothing {
    /// Upsample each map, gaussian σ = 4 on each, then multiply (authors' code).
    Gaussian,
    /// Multiply at feature resolution, then upsample (as printed).
    None,
}

/// Course of the learning rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// The same rate at every step.
    Constant,
    /// Linear warm-up over the first 2 % of the steps, then half a cosine to zero.
    Cosine,
}

impl Recipe {
    /// The authors' code: jitter, 2-D embedding, mean over channels, lr 1e-4, wd 1e-2.
    pub fn official() -> Self {
        Self {
            name: "official".into(),
            jitter_ratio: 1.083,
            start: Start::Random,
            position: PositionKind::TwoD,
            channel_reduction: ChannelReduction::Mean,
            loss: LossTerms::ALL,
            shuffle_count: ShuffleCount::Code,
            smoothing: Smoothing::Gaussian,
            learning_rate: 1e-4,
            schedule: Schedule::Constant,
            weight_decay: 1e-2,
            beta1: 0.9,
            beta2: 0.95,
            batch: [1, 8, 16],
        }
    }

    /// The paper as printed: no jitter, 1-D embedding, sum over channels, lr 1e-3, wd 1e-4.
    pub fn paper() -> Self {
        Self {
            name: "paper".into(),
            jitter_ratio: 0.0,
            position: PositionKind::OneD,
            channel_reduction: ChannelReduction::Sum,
            shuffle_count: ShuffleCount::Paper,
            smoothing: Smoothing::None,
            learning_rate: 1e-3,
            weight_decay: 1e-4,
            batch: [1, 8, 8],
            ..Self::official()
        }
    }

    /// `official` with lr 1e-3 on a cosine schedule, begun in the principal subspace: the `compact` and
    /// `lite` restorers are far from converged at 1e-4 within a few hundred steps (`docs/results.md`).
    pub fn fast() -> Self {
        Self {
            name: "fast".into(),
            learning_rate: 1e-3,
            schedule: Schedule::Cosine,
            start: Start::Principal,
            ..Self::official()
        }
    }

    /// `fast` at 3e-4: after a few hundred steps on a few images it finds defects better on the features of
    /// `lite` and ResNet-50 (`docs/results.md`).
    pub fn brief() -> Self {
        Self {
            name: "brief".into(),
            learning_rate: 3e-4,
            ..Self::fast()
        }
    }

    /// For a few images and a few hundred steps on a backbone's features: `fast` on ResNet-18, `brief` on `lite` and
    /// ResNet-50, as measured in `docs/results.md`; ResNet-34 and WideResNet-50-2 as their likes, unmeasured.
    pub fn for_few_images(backbone: BackboneKind) -> Self {
        match backbone {
            BackboneKind::Resnet18 | BackboneKind::Resnet34 => Self::fast(),
            BackboneKind::Resnet50 | BackboneKind::WideResnet50_2 | BackboneKind::Lite => {
                Self::brief()
            }
        }
    }

    /// Learning rate at `step` of `total`.
    pub fn rate_at(&self, step: usize, total: usize) -> f64 {
        match self.schedule {
            Schedule::Constant => self.learning_rate,
            Schedule::Cosine => {
                let warm_up = (total / 50).max(1);
                if step < warm_up {
                    return self.learning_rate * (step + 1) as f64 / warm_up as f64;
                }
                let progress =
                    (step - warm_up) as f64 / (total.saturating_sub(warm_up)).max(1) as f64;
                self.learning_rate
                    * 0.5
                    * (1.0 + libm::cos(std::f64::consts::PI * progress.min(1.0)))
            }
        }
    }
}

impl Default for Recipe {
    fn default() -> Self {
        Self::official()
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Recipe {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "official" => Ok(Self::official()),
            "paper" => Ok(Self::paper()),
            "fast" => Ok(Self::fast()),
            "brief" => Ok(Self::brief()),
            other => Err(format!(
                "no recipe is called '{other}'; there are: official, paper, fast, brief"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn recipes_are_found_by_their_names() {
        for recipe in [
            Recipe::official(),
            Recipe::paper(),
            Recipe::fast(),
            Recipe::brief(),
        ] {
            assert_eq!(recipe.name.parse::<Recipe>().unwrap(), recipe);
        }
        assert!("quick".parse::<Recipe>().unwrap_err().contains("brief"));
    }
}
