//! From per-cell differences to the anomaly map (eq. 16), on the host.

use crate::config::ModelConfig;
use crate::map::AnomalyMap;
use crate::recipe::Smoothing;

/// Standard deviation of the smoothing, in pixels of the anomaly map.
pub const SIGMA: f32 = 4.0;

/// Puts values in token order (block row, block column, cell row, cell column) in reading order.
pub fn untokenise(cells: &[f32], grid: usize, patch: usize) -> Vec<f32> {
    let side = grid * patch;
    let mut map = vec![0.0; side * side];
    for (index, &value) in cells.iter().enumerate() {
        let (token, cell) = (index / (patch * patch), index % (patch * patch));
        let row = token / grid * patch + cell / patch;
        let column = token % grid * patch + cell % patch;
        map[row * side + column] = value;
    }
    map
}

/// Puts values in reading order in token order: the inverse of [`untokenise`].
pub fn tokenise(map: &[f32], grid: usize, patch: usize) -> Vec<f32> {
    let side = grid * patch;
    (0..side * side)
        .map(|index| {
            let (token, cell) = (index / (patch * patch), index % (patch * patch));
            let row = token / grid * patch + cell / patch;
            let column = token % grid * patch + cell % patch;
            map[row * side + column]
        })
        .collect()
}

/// The anomaly map of one image at `image_size`², from its two difference maps in token order.
///
/// [`Smoothing::Gaussian`]: each upsampled (bilinear, aligned corners) and smoothed (σ = 4), then
/// multiplied. [`Smoothing::None`]: multiplied, then upsampled. `factors`, if there are any, are one more map to
/// multiply by (see [`crate::expected`]).
pub fn anomaly_map(
    squared: &[f32],
    cosine: &[f32],
    factors: Option<&[f32]>,
    config: &ModelConfig,
    smoothing: Smoothing,
) -> AnomalyMap {
    let (grid, patch, side) = (config.grid(), config.restorer.patch, config.image_size);
    let cells = grid * patch;
    let map = |values: &[f32]| AnomalyMap::new(cells, cells, untokenise(values, grid, patch));
    let (squared, cosine) = (map(squared), map(cosine));
    let factors = factors.map(map);
    match smoothing {
        Smoothing::Gaussian => {
            let smooth = |map: AnomalyMap| map.resize_bilinear(side, side).gaussian(SIGMA);
            let product = smooth(squared).product(&smooth(cosine));
            match factors {
                Some(factors) => product.product(&smooth(factors)),
                None => product,
            }
        }
        Smoothing::None => {
            let product = squared.product(&cosine);
            match factors {
                Some(factors) => product.product(&factors),
                None => product,
            }
            .resize_bilinear(side, side)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_order_and_back() {
        let (grid, patch) = (3, 2);
        let values: Vec<f32> = (0..36).map(|index| (index * 7 % 36) as f32).collect();
        let there = untokenise(&values, grid, patch);
        assert_ne!(there, values);
        assert_eq!(tokenise(&there, grid, patch), values);
    }
}
