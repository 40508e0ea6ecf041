//! Fused multi-scale features, cut into blocks (eq. 1 and the input of eq. 2).
//!
//! Each tap is resized to the largest one's grid (bilinear, aligned corners), smoothed by a 3×3
//! average with zero padding, and concatenated. Both steps are linear and separable, so each tap
//! needs only one matrix `M = A·U` per axis: `fused = M · tap · Mᵀ`, channel by channel. The result
//! leaves as tokens, blocks of P×P cells with the channel as the fastest axis, and stays so:
//! patch embedding and head are plain matrix products on it. Channels are put last by the first
//! product, while the tap is small: what is copied afterwards moves in runs of whole cells.

use burn::tensor::{Device, Tensor, TensorData};

use crate::config::ModelConfig;

/// The matrices that fuse the taps of one model.
#[derive(Debug, Clone)]
pub struct FeatureFusion {
    /// `M` of each tap: `[map side, tap side]`.
    matrices: [Tensor<2>; 3],
    patch: usize,
}

impl FeatureFusion {
    /// Matrices for a model's sizes.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        let map = config.map_size();
        let matrices = [map, map.div_ceil(2), map.div_ceil(4)].map(|side| {
            Tensor::from_data(
                TensorData::new(fusion_matrix(side, map), [map, side]),
                device,
            )
        });
        Self {
            matrices,
            patch: config.restorer.patch,
        }
    }

    /// # Shapes
    /// - `taps` `[batch, Cᵢ, sᵢ, sᵢ]`
    /// - result `[batch, L, P·P·C]`: token `row · grid + column`, within it cell row, cell column, channel
    pub fn forward(&self, taps: [Tensor<4>; 3]) -> Tensor<3> {
        let patch = self.patch;
        let maps = taps
            .into_iter()
            .zip(&self.matrices)
            .map(|(tap, matrix)| {
                let [batch, channels, height, _] = tap.dims();
                let [map, width] = matrix.dims();
                // Along the columns of each row: [b, y, x, c] → [b, y, X, c]
                let wide = matrix
                    .clone()
                    .reshape([1, 1, map, width])
                    .matmul(tap.permute([0, 2, 3, 1]));
                // Along the rows, for all columns and channels at once: [b, y, X·c] → [b, Y, X·c]
                let both = matrix
                    .clone()
                    .reshape([1, map, height])
                    .matmul(wide.reshape([batch, height, map * channels]));
                both.reshape([batch, map, map, channels])
            })
            .collect();
        let fused: Tensor<4> = Tensor::cat(maps, 3);
        let [batch, map, _, channels] = fused.dims();
        let grid = map / patch;
        // [b, y block, y cell, x block, x cell · c] → [b, y block, x block, y cell, x cell · c]
        fused
            .reshape([batch, grid, patch, grid, patch * channels])
            .permute([0, 1, 3, 2, 4])
            .reshape([batch, grid * grid, patch * patch * channels])
    }
}

/// `M`, `to × from` row-major: bilinear resize with aligned corners, then a 3-tap average that
/// counts the zero padding (so borders darken, as in the authors' code).
pub fn fusion_matrix(from: usize, to: usize) -> Vec<f32> {
    let resize = |place: usize| -> [(usize, f64); 2] {
        if to == 1 || from == 1 {
            return [(0, 1.0), (0, 0.0)];
        }
        let source = place as f64 * (from - 1) as f64 / (to - 1) as f64;
        let low = (source as usize).min(from - 2);
        let fraction = source - low as f64;
        [(low, 1.0 - fraction), (low + 1, fraction)]
    };
    let mut matrix = vec![0.0f64; from * to];
    for place in 0..to {
        for neighbour in place.saturating_sub(1)..=(place + 1).min(to - 1) {
            for (source, weight) in resize(neighbour) {
                matrix[place * from + source] += weight / 3.0;
            }
        }
    }
    matrix.into_iter().map(|value| value as f32).collect()
}
