//! PaDiM (Defard et al., *A patch distribution modeling framework for anomaly detection and
//! localization*, ICPR 2021).
//!
//! Every position has a Gaussian over some randomly chosen channels; a cell scores its Mahalanobis
//! distance. The covariance is the sample covariance plus 0.01 on its diagonal, as in the paper.
//!
//! What differs from the paper: features are the fused ones of eq. 1 (layers enlarged bilinearly and
//! averaged over 3×3 cells; the paper repeats values), and 100 channels are the default for every
//! backbone (the paper takes 550 of WideResNet-50-2's, whose Gaussians would fill 5 GB here).

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{RivalError, expect, finite, to_map, unreadable};
use crate::cholesky::factor;
use crate::config::ModelConfig;
use crate::feature_cache::FeatureSource;
use crate::map::AnomalyMap;
use crate::model::{Fsr, ModelError};
use crate::tensors::{HostTensor, NamedTensors, TensorError, read};

/// Side of a patch: one cell of the fused features.
pub const PATCH: usize = 1;

/// Channels where nothing else is asked for.
pub const CHANNELS: usize = 100;

/// Name of the means in a package.
pub const MEAN: &str = "padim.mean";
/// Name of the whitening matrices in a package.
pub const WHITENING: &str = "padim.whitening";
/// Name of the chosen channels in a package.
pub const CHANNEL_INDICES: &str = "padim.channels";

/// What is added to the diagonal of each covariance.
const EPSILON: f64 = 0.01;

/// Images that go to the device together.
const BATCH: usize = 4;

/// A Gaussian for every position.
#[derive(Debug, Clone)]
pub struct Padim {
    channels: Vec<usize>,
    /// `[positions, 1, chosen]`
    mean: Tensor<3>,
    /// `L⁻ᵀ` of each covariance `L·Lᵀ`: `[positions, chosen, chosen]`.
    whitening: Tensor<3>,
}

impl Padim {
    /// Fits the Gaussians to the features of good images; `chosen` channels are drawn by `seed`.
    ///
    /// # Errors
    /// Without images or channels, or when features or device fail.
    pub async fn fit(
        source: &impl FeatureSource,
        model: &Fsr,
        chosen: usize,
        seed: u64,
    ) -> Result<Self, RivalError> {
        let all = model.config.backbone.kind.feature_channels();
        if chosen == 0 || chosen > all {
            return Err(RivalError::Setting(format!(
                "{chosen} channels cannot be chosen of the backbone's {all}"
            )));
        }
        let mut channels: Vec<usize> = (0..all).collect();
        channels.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        channels.truncate(chosen);
        channels.sort_unstable();
        let device = model.device();
        let batch = |indices: &[usize]| -> Result<Tensor<3>, RivalError> {
            let tokens = model.tokens(source.batch(indices, device)?);
            Ok(select(tokens, &channels))
        };
        let indices: Vec<usize> = (0..source.len()).collect();
        Self::fit_batches(indices.chunks(BATCH), channels.clone(), batch, device).await
    }

    /// Fits to batches of features of the chosen channels, each `[batch, positions, chosen]`; every
    /// batch is asked for twice.
    ///
    /// # Errors
    /// Without images, or when batches or device fail.
    pub async fn fit_batches<B: Copy>(
        batches: impl Iterator<Item = B> + Clone,
        channels: Vec<usize>,
        features: impl Fn(B) -> Result<Tensor<3>, RivalError>,
        device: &Device,
    ) -> Result<Self, RivalError> {
        let width = channels.len();
        let (mut sums, mut images) = (Vec::new(), 0usize);
        for batch in batches.clone() {
            let own = features(batch)?;
            let [count, ..] = own.dims();
            images += count;
            let own = read(own.sum_dim(0))
                .await
                .ok_or_else(|| unreadable("features"))?;
            sums.resize(own.len(), 0.0f64);
            for (sum, value) in sums.iter_mut().zip(own) {
                *sum += f64::from(value);
            }
        }
        if images == 0 {
            return Err(RivalError::Empty);
        }
        let means: Vec<f32> = sums
            .into_iter()
            .map(|sum| (sum / images as f64) as f32)
            .collect();
        finite(&means)?;
        let positions = means.len() / width;
        let mean: Tensor<3> =
            Tensor::from_data(TensorData::new(means, [positions, 1, width]), device);
        let mut scatter: Option<Tensor<3>> = None;
        for batch in batches {
            let centred = features(batch)?.swap_dims(0, 1) - mean.clone();
            let own = centred.clone().swap_dims(1, 2).matmul(centred);
            scatter = Some(match scatter {
                Some(sum) => sum + own,
                None => own,
            });
        }
        let scatter = scatter.ok_or(RivalError::Empty)?;
        let mut matrices = read(scatter)
            .await
            .ok_or_else(|| unreadable("covariances"))?;
        finite(&matrices)?;
        let divisor = (images.max(2) - 1) as f64;
        for matrix in matrices.chunks_exact_mut(width * width) {
            whiten(matrix, width, divisor);
        }
        Ok(Self {
            channels,
            mean,
            whitening: Tensor::from_data(
                TensorData::new(matrices, [positions, width, width]),
                device,
            ),
        })
    }

    pub(super) fn from_tensors(
        config: &ModelConfig,
        named: &NamedTensors,
        device: &Device,
    ) -> Result<Self, TensorError> {
        let all = config.backbone.kind.feature_channels();
        let positions = config.tokens();
        let indices = expect(named, CHANNEL_INDICES, &[None])?;
        let width = indices.values.len();
        let channels: Vec<usize> = indices.values.iter().map(|&v| v as usize).collect();
        if width > all || channels.iter().any(|&channel| channel >= all) {
            return Err(TensorError::Shape {
                name: CHANNEL_INDICES.into(),
                expected: vec![all],
                found: indices.shape.clone(),
            });
        }
        let mean = expect(named, MEAN, &[Some(positions), Some(width)])?;
        let whitening = expect(
            named,
            WHITENING,
            &[Some(positions), Some(width), Some(width)],
        )?;
        let tensor = |values: &[f32], shape: [usize; 3]| {
            Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
        };
        Ok(Self {
            channels,
            mean: tensor(&mean.values, [positions, 1, width]),
            whitening: tensor(&whitening.values, [positions, width, width]),
        })
    }

    pub(super) async fn tensors(&self) -> Result<NamedTensors, TensorError> {
        let [positions, width, _] = self.whitening.dims();
        let own = async |name: &str, tensor: Tensor<3>, shape: Vec<usize>| {
            let values = read(tensor)
                .await
                .ok_or_else(|| TensorError::Unreadable(name.into()))?;
            Ok((name.to_owned(), HostTensor { shape, values }))
        };
        Ok(NamedTensors::from([
            (
                CHANNEL_INDICES.to_owned(),
                HostTensor {
                    shape: vec![width],
                    values: self
                        .channels
                        .iter()
                        .map(|&channel| channel as f32)
                        .collect(),
                },
            ),
            own(MEAN, self.mean.clone(), vec![positions, width]).await?,
            own(
                WHITENING,
                self.whitening.clone(),
                vec![positions, width, width],
            )
            .await?,
        ]))
    }

    pub(super) async fn anomaly_maps(
        &self,
        tokens: Tensor<3>,
        config: &ModelConfig,
    ) -> Result<Vec<AnomalyMap>, ModelError> {
        let [batch, ..] = tokens.dims();
        let scores = self.distances(select(tokens, &self.channels)).await?;
        Ok(scores
            .chunks_exact(scores.len() / batch)
            .map(|own| to_map(own.to_vec(), config))
            .collect())
    }

    /// Mahalanobis distances of features of the chosen channels, `batch · positions` values.
    ///
    /// # Shapes
    /// `features` `[batch, positions, chosen]`
    ///
    /// # Errors
    /// When the device fails or the numbers are not finite.
    pub async fn distances(&self, features: Tensor<3>) -> Result<Vec<f32>, ModelError> {
        let [batch, positions, _] = features.dims();
        let centred = features.swap_dims(0, 1) - self.mean.clone();
        let distances = centred
            .matmul(self.whitening.clone())
            .square()
            .sum_dim(2)
            .sqrt()
            .swap_dims(0, 1)
            .reshape([batch * positions]);
        let distances = read(distances)
            .await
            .ok_or_else(|| unreadable("the distances"))?;
        finite(&distances)?;
        Ok(distances)
    }
}

fn select(tokens: Tensor<3>, channels: &[usize]) -> Tensor<3> {
    let indices: Vec<i32> = channels.iter().map(|&channel| channel as i32).collect();
    let indices: Tensor<1, Int> =
        Tensor::from_data(TensorData::new(indices, [channels.len()]), &tokens.device());
    tokens.select(2, indices)
}

/// Turns a scatter matrix into `L⁻ᵀ` of the covariance `scatter / divisor + 0.01·I = L·Lᵀ`, in place.
fn whiten(matrix: &mut [f32], width: usize, divisor: f64) {
    let covariance: Vec<f64> = matrix
        .iter()
        .map(|&value| f64::from(value) / divisor)
        .collect();
    let lower = factor(&covariance, width, EPSILON);
    // Inverse by forward substitution, transposed as it is written.
    let mut inverse = vec![0.0f64; width * width];
    for column in 0..width {
        for row in column..width {
            let known: f64 = (column..row)
                .map(|k| lower[row * width + k] * inverse[column * width + k])
                .sum();
            let right = if row == column { 1.0 } else { 0.0 };
            // `inverse` is stored transposed, so that this sum runs along rows.
            inverse[column * width + row] = (right - known) / lower[row * width + row];
        }
    }
    for (value, exact) in matrix.iter_mut().zip(inverse) {
        *value = exact as f32;
    }
}
