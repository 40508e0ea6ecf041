//! Rival detectors on the same features, so that a comparison compares methods and nothing else.
//!
//! Backbone, feature fusion (eq. 1), input size, smoothing (σ = 4) and metrics are those of FSR. Where
//! that differs from what a rival's paper does is said in its module: [`patchcore`], [`padim`].
//! Plain feature reconstruction needs no module: it is FSR with τ = 0 and no jitter.

pub mod padim;
pub mod patchcore;

use std::{fmt, str::FromStr};

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::config::ModelConfig;
use crate::feature_cache::FeatureError;
use crate::map::{AnomalyMap, ScoreKind};
use crate::model::ModelError;
use crate::score::SIGMA;
use crate::tensors::{NamedTensors, TensorError};

use self::padim::Padim;
use self::patchcore::PatchCore;

/// How a detector learns what good images look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Feature shuffling and restoration.
    #[default]
    Fsr,
    /// The same network without shuffle and jitter (the paper's "Rec").
    Reconstruction,
    /// PatchCore (Roth et al. 2022).
    Patchcore,
    /// PaDiM (Defard et al. 2021).
    Padim,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 4] = [
        Self::Fsr,
        Self::Reconstruction,
        Self::Patchcore,
        Self::Padim,
    ];

    /// The name used in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fsr => "fsr",
            Self::Reconstruction => "reconstruction",
            Self::Patchcore => "patchcore",
            Self::Padim => "padim",
        }
    }

    /// Whether a restorer is trained by gradient steps.
    pub fn trains(self) -> bool {
        matches!(self, Self::Fsr | Self::Reconstruction)
    }

    /// Side of the blocks of fused features that the method works on, where it does not choose.
    pub fn patch(self) -> Option<usize> {
        match self {
            Self::Fsr | Self::Reconstruction => None,
            Self::Patchcore => Some(patchcore::PATCH),
            Self::Padim => Some(padim::PATCH),
        }
    }

    /// The image score of the method's paper.
    pub fn score(self) -> ScoreKind {
        if self.trains() {
            ScoreKind::Std
        } else {
            ScoreKind::Max
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|method| method.name() == text)
            .ok_or_else(|| {
                format!(
                    "no method is called '{text}'; there are: {}",
                    Self::ALL.map(Self::name).join(", ")
                )
            })
    }
}

/// Why a rival cannot be fitted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RivalError {
    /// Nothing to learn from.
    #[error("there are no training images")]
    Empty,
    /// Features could not be had.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The device failed, or computed nonsense.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A setting that makes no sense.
    #[error("{0}")]
    Setting(String),
}

/// A fitted rival.
#[derive(Debug, Clone)]
pub enum Rival {
    /// A memory bank.
    PatchCore(PatchCore),
    /// A Gaussian for every position.
    Padim(Padim),
}

impl Rival {
    /// The rival among the tensors of a package, if it holds one.
    ///
    /// # Errors
    /// Tensors that do not fit the configuration or each other.
    pub fn from_tensors(
        config: &ModelConfig,
        named: &NamedTensors,
        device: &Device,
    ) -> Result<Option<Self>, TensorError> {
        if named.contains_key(patchcore::BANK) {
            return Ok(Some(Self::PatchCore(PatchCore::from_tensors(
                config, named, device,
            )?)));
        }
        if named.contains_key(padim::MEAN) {
            return Ok(Some(Self::Padim(Padim::from_tensors(
                config, named, device,
            )?)));
        }
        Ok(None)
    }

    /// Its tensors, as a package stores them.
    ///
    /// # Errors
    /// When the device does not give them back.
    pub async fn tensors(&self) -> Result<NamedTensors, TensorError> {
        match self {
            Self::PatchCore(patchcore) => patchcore.tensors().await,
            Self::Padim(padim) => padim.tensors().await,
        }
    }

    /// One anomaly map of `image_size`² for each image of a batch of feature tokens.
    ///
    /// # Errors
    /// When the device fails or the numbers are not finite.
    pub async fn anomaly_maps(
        &self,
        tokens: Tensor<3>,
        config: &ModelConfig,
    ) -> Result<Vec<AnomalyMap>, ModelError> {
        match self {
            Self::PatchCore(patchcore) => patchcore.anomaly_maps(tokens, config).await,
            Self::Padim(padim) => padim.anomaly_maps(tokens, config).await,
        }
    }
}

/// Enlarges and smooths one image's scores, `grid`² in reading order.
fn to_map(scores: Vec<f32>, config: &ModelConfig) -> AnomalyMap {
    let (grid, side) = (config.grid(), config.image_size);
    AnomalyMap::new(grid, grid, scores)
        .resize_bilinear(side, side)
        .gaussian(SIGMA)
}

fn unreadable(what: &str) -> ModelError {
    ModelError::Device(format!("it did not return {what}"))
}

fn finite(values: &[f32]) -> Result<(), ModelError> {
    if values.iter().all(|value| value.is_finite()) {
        Ok(())
    } else {
        Err(ModelError::NotFinite)
    }
}

/// A tensor of a package, of the shape that the configuration asks for (`None`: any length).
pub(crate) fn expect<'a>(
    named: &'a NamedTensors,
    name: &str,
    shape: &[Option<usize>],
) -> Result<&'a crate::tensors::HostTensor, TensorError> {
    let tensor = named
        .get(name)
        .ok_or_else(|| TensorError::Missing(vec![name.into()]))?;
    let fits = tensor.shape.len() == shape.len()
        && tensor
            .shape
            .iter()
            .zip(shape)
            .all(|(&found, expected)| found > 0 && expected.is_none_or(|size| size == found));
    if !fits || tensor.values.len() != tensor.shape.iter().product::<usize>() {
        return Err(TensorError::Shape {
            name: name.into(),
            expected: shape.iter().map(|size| size.unwrap_or(1)).collect(),
            found: tensor.shape.clone(),
        });
    }
    let bad = tensor.values.iter().filter(|v| !v.is_finite()).count();
    if bad > 0 {
        return Err(TensorError::NotFinite {
            name: name.into(),
            bad,
        });
    }
    Ok(tensor)
}
