//! The difference to expect where a good image shows what was restored.
//!
//! No restorer puts everything back equally well: edges, gloss and parts that vary leave larger differences in
//! good images than plain ground does, and a defect on plain ground then stays below them. What was restored tells
//! which kind of place it is, whatever the product. So the logarithm of the difference is fitted on good images as
//! a linear function of the restored cell, by ridge regression in closed form, and the map is divided by a power of
//! what the fit expects. Not in the paper; `docs/default-model.md` has what it brings and where it harms.

use burn::tensor::{Tensor, TensorData};

use crate::cholesky::{factor, solve};
use crate::config::ModelConfig;
use crate::map::AnomalyMap;
use crate::model::{Fsr, ModelError};
use crate::rivals::expect;
use crate::score::tokenise;
use crate::tensors::{HostTensor, NamedTensors, TensorError, read};

/// Name of the slopes in a package, `[C]`.
pub const WEIGHT: &str = "expected.weight";
/// Name of the offset in a package, `[1]`.
pub const BIAS: &str = "expected.bias";
/// Name of the share in a package, `[1]`.
pub const SHARE: &str = "expected.share";

/// Ridge, as a share of the restored channels' mean variance.
const RIDGE: f64 = 1e-3;

/// Differences below this are as good as none.
const LEAST: f64 = 1e-8;

/// How far the expected difference may lie from its mean, as a logarithm: beyond, an image is nothing that was
/// calibrated on, and the line leads nowhere.
const FARTHEST: f32 = 6.0;

/// log d ≈ weight·r + bias for a cell that was restored to `r`, less the mean over good cells.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedDifference {
    /// `[C]`.
    pub weight: Vec<f32>,
    /// Makes the mean over good cells zero.
    pub bias: f32,
    /// Exponent: 0 leaves maps as they are, 1 divides by all that is expected, 0.5 by its square root.
    pub share: f32,
}

impl ExpectedDifference {
    /// The factor for each cell's difference, e^(−share·(weight·r + bias)).
    ///
    /// # Shapes
    /// - `restored` `[batch, L, P·P·C]`
    /// - result `[batch, L·P·P]`, cells in token order
    pub fn factors(&self, restored: Tensor<3>) -> Tensor<2> {
        let [batch, length, width] = restored.dims();
        let channels = self.weight.len();
        let cells = length * width / channels;
        let weight = Tensor::<2>::from_data(
            TensorData::new(self.weight.clone(), [channels, 1]),
            &restored.device(),
        );
        restored
            .reshape([batch * cells, channels])
            .matmul(weight)
            .reshape([batch, cells])
            .add_scalar(self.bias)
            .clamp(-FARTHEST, FARTHEST)
            .mul_scalar(-self.share)
            .exp()
    }

    /// What a package holds of it, `None` if nothing.
    ///
    /// # Errors
    /// Tensors that are missing, do not fit the backbone's channels or are not finite.
    pub(crate) fn from_tensors(
        config: &ModelConfig,
        named: &NamedTensors,
    ) -> Result<Option<Self>, TensorError> {
        if ![WEIGHT, BIAS, SHARE]
            .iter()
            .any(|name| named.contains_key(*name))
        {
            return Ok(None);
        }
        let channels = config.backbone.kind.feature_channels();
        Ok(Some(Self {
            weight: expect(named, WEIGHT, &[Some(channels)])?.values.clone(),
            bias: expect(named, BIAS, &[Some(1)])?.values[0],
            share: expect(named, SHARE, &[Some(1)])?.values[0],
        }))
    }

    /// As a package stores it.
    pub(crate) fn tensors(&self) -> NamedTensors {
        let tensor = |values: Vec<f32>| HostTensor {
            shape: vec![values.len()],
            values,
        };
        NamedTensors::from([
            (WEIGHT.into(), tensor(self.weight.clone())),
            (BIAS.into(), tensor(vec![self.bias])),
            (SHARE.into(), tensor(vec![self.share])),
        ])
    }
}

/// Sums of a least-squares fit, image by image.
#[derive(Debug, Clone)]
pub struct ExpectedDifferenceBuilder {
    channels: usize,
    cells: f64,
    /// Σ r.
    restored: Vec<f64>,
    /// Σ log d.
    logs: f64,
    /// Σ r·rᵀ, `[C, C]`.
    squares: Vec<f64>,
    /// Σ r·log d.
    products: Vec<f64>,
}

impl ExpectedDifferenceBuilder {
    /// For the restored cells of a model.
    pub fn new(config: &ModelConfig) -> Self {
        let channels = config.backbone.kind.feature_channels();
        Self {
            channels,
            cells: 0.0,
            restored: vec![0.0; channels],
            logs: 0.0,
            squares: vec![0.0; channels * channels],
            products: vec![0.0; channels],
        }
    }

    /// Adds good images by their feature tokens, `[batch, L, P·P·C]`.
    ///
    /// # Errors
    /// When the device fails or the numbers are not finite.
    pub async fn add(&mut self, model: &Fsr, tokens: Tensor<3>) -> Result<(), ModelError> {
        let restored = model.restorer.forward(tokens.clone());
        let maps = model.plain_maps(tokens, restored.clone()).await?;
        let [_, length, width] = restored.dims();
        let cells = length * width / self.channels;
        for (image, map) in maps.iter().enumerate() {
            let logs = self.logs_of(map, &model.config);
            let cell = restored
                .clone()
                .narrow(0, image, 1)
                .reshape([cells, self.channels]);
            let data = TensorData::new(logs.clone(), [cells, 1]);
            let logs_there = Tensor::<2>::from_data(data, &cell.device());
            // One product on the device for all sums: [C, C + 2].
            let ones = Tensor::<2>::ones([cells, 1], &cell.device());
            let right = Tensor::cat(vec![cell.clone(), logs_there, ones], 1);
            let sums = read(cell.transpose().matmul(right)).await.ok_or_else(|| {
                ModelError::Device("it did not return the sums of the fit".into())
            })?;
            for (channel, row) in sums.chunks_exact(self.channels + 2).enumerate() {
                let squares = &mut self.squares[channel * self.channels..][..self.channels];
                for (sum, &value) in squares.iter_mut().zip(row) {
                    *sum += f64::from(value);
                }
                self.products[channel] += f64::from(row[self.channels]);
                self.restored[channel] += f64::from(row[self.channels + 1]);
            }
            self.logs += logs.iter().map(|&log| f64::from(log)).sum::<f64>();
            self.cells += cells as f64;
        }
        Ok(())
    }

    /// Log differences by cell, in token order.
    fn logs_of(&self, map: &AnomalyMap, config: &ModelConfig) -> Vec<f32> {
        let (grid, patch) = (config.grid(), config.restorer.patch);
        let side = grid * patch;
        let mut logs = tokenise(&map.resize_bilinear(side, side).values, grid, patch);
        for value in &mut logs {
            *value = libm::log(f64::from(*value).max(LEAST)) as f32;
        }
        logs
    }

    /// The fit; `None` before anything was added.
    pub fn finish(&self, share: f32) -> Option<ExpectedDifference> {
        if self.cells == 0.0 {
            return None;
        }
        let (channels, cells) = (self.channels, self.cells);
        let mean: Vec<f64> = self.restored.iter().map(|sum| sum / cells).collect();
        let mut covariance = vec![0.0; channels * channels];
        for row in 0..channels {
            for column in 0..channels {
                let at = row * channels + column;
                covariance[at] = self.squares[at] / cells - mean[row] * mean[column];
            }
        }
        let trace: f64 = (0..channels)
            .map(|channel| covariance[channel * (channels + 1)])
            .sum();
        let log = self.logs / cells;
        let right: Vec<f64> = (0..channels)
            .map(|channel| self.products[channel] / cells - mean[channel] * log)
            .collect();
        let ridge = (RIDGE * trace / channels as f64).max(f64::MIN_POSITIVE);
        let weight = solve(&factor(&covariance, channels, ridge), &right);
        let at_mean: f64 = weight.iter().zip(&mean).map(|(w, m)| w * m).sum();
        Some(ExpectedDifference {
            weight: weight.iter().map(|&value| value as f32).collect(),
            bias: -at_mean as f32,
            share,
        })
    }
}
