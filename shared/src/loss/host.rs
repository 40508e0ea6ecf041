//! The loss and its gradient in host memory, in two passes over the features.
//!
//! Features are the widest tensors of a training step (7 MB an image with ResNet-18, 29 MB with ResNet-50). As tensor
//! operations, loss and backward pass walk through them some twenty times; a GPU's fusion joins those walks, the CPU
//! backend does not. The gradient of eq. 13 by the restored features is a short formula, so it is written out here.

use std::ops::Add;

#[cfg(not(target_family = "wasm"))]
use rayon::prelude::*;

use super::EPSILON;
use crate::recipe::{ChannelReduction, LossTerms};

/// Values summed side by side, so that the compiler uses vector registers.
const LANES: usize = 16;

/// What is to be minimised over how many images.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostLoss {
    /// Images.
    pub(crate) images: usize,
    /// Channels C of a cell.
    pub(crate) channels: usize,
    /// Reduction of the squared error over channels.
    pub(crate) reduction: ChannelReduction,
    /// Terms that have a gradient.
    pub(crate) terms: LossTerms,
    /// What losses and gradient are multiplied by.
    pub(crate) share: f32,
}

/// Squared error, local and global cosine distance (eq. 10–12).
pub(crate) type Parts = [f32; 3];

/// Inner products of a cell's features f and restored features r, or of many cells'.
#[derive(Debug, Clone, Copy, Default)]
struct Products {
    /// f·r
    cross: f64,
    /// f·f
    features: f64,
    /// r·r
    restored: f64,
    /// ‖r − f‖²
    squared: f64,
}

/// A gradient by r that is `features · f + restored · r`.
#[derive(Debug, Clone, Copy)]
struct Slope {
    features: f64,
    restored: f64,
}

impl HostLoss {
    /// The parts of the loss; `restored` is replaced by the gradient of the chosen ones' sum.
    ///
    /// # Shapes
    /// - `features`, `restored`: `images` times the same number of cells of `channels` values
    pub(crate) fn gradient(&self, features: &[f32], restored: &mut [f32]) -> Parts {
        let cells = each_cell(features, restored, self.channels);
        let image = cells.len() / self.images.max(1);
        let (images, count) = (self.images as f64, cells.len() as f64);
        let share = f64::from(self.share);
        let channels = match self.reduction {
            ChannelReduction::Mean => self.channels as f64,
            ChannelReduction::Sum => 1.0,
        };
        let weight = |term: bool, over: f64| if term { share / over } else { 0.0 };
        let squared = 2.0 * weight(self.terms.squared, count * channels);
        let local = weight(self.terms.local, count);
        let global = weight(self.terms.global, images);

        let mut sums = [0.0; 3];
        let mut slopes = Vec::with_capacity(cells.len());
        for cells in cells.chunks(image.max(1)) {
            let whole = cells.iter().copied().fold(Products::default(), Add::add);
            let (distance, of_image) = whole.cosine();
            sums[0] += whole.squared;
            sums[2] += distance;
            for cell in cells {
                let (distance, of_cell) = cell.cosine();
                sums[1] += distance;
                slopes.push([
                    squared as f32,
                    (local * of_cell.features + global * of_image.features) as f32,
                    (local * of_cell.restored + global * of_image.restored) as f32,
                ]);
            }
        }
        into_gradient(features, restored, self.channels, &slopes);
        let over = [count * channels, count, images];
        std::array::from_fn(|part| (share * sums[part] / over[part]) as f32)
    }
}

impl Products {
    fn of(features: &[f32], restored: &[f32]) -> Self {
        let mut sums = [[0.0f32; LANES]; 4];
        let mut add = |lane: usize, f: f32, r: f32| {
            sums[0][lane] += f * r;
            sums[1][lane] += f * f;
            sums[2][lane] += r * r;
            sums[3][lane] += (r - f) * (r - f);
        };
        let (whole, rest) = features.as_chunks::<LANES>();
        let (whole_restored, rest_restored) = restored.as_chunks::<LANES>();
        for (f, r) in whole.iter().zip(whole_restored) {
            for lane in 0..LANES {
                add(lane, f[lane], r[lane]);
            }
        }
        for (lane, (f, r)) in rest.iter().zip(rest_restored).enumerate() {
            add(lane, *f, *r);
        }
        let [cross, features, restored, squared] =
            sums.map(|lanes| lanes.iter().map(|&value| f64::from(value)).sum());
        Self {
            cross,
            features,
            restored,
            squared,
        }
    }

    /// 1 − f·r / max(‖f‖‖r‖, ε), and its gradient by r.
    fn cosine(&self) -> (f64, Slope) {
        let floor = f64::from(EPSILON);
        let norms = (self.features * self.restored).sqrt();
        let slope = if norms > floor {
            Slope {
                features: -1.0 / norms,
                restored: self.cross / (norms * self.restored),
            }
        } else {
            Slope {
                features: -1.0 / floor,
                restored: 0.0,
            }
        };
        (1.0 - self.cross / norms.max(floor), slope)
    }
}

impl Add for Products {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cross: self.cross + other.cross,
            features: self.features + other.features,
            restored: self.restored + other.restored,
            squared: self.squared + other.squared,
        }
    }
}

#[cfg(not(target_family = "wasm"))]
fn each_cell(features: &[f32], restored: &[f32], channels: usize) -> Vec<Products> {
    let cells = features.par_chunks_exact(channels);
    let both = cells.zip(restored.par_chunks_exact(channels));
    both.map(|(f, r)| Products::of(f, r)).collect()
}

#[cfg(target_family = "wasm")]
fn each_cell(features: &[f32], restored: &[f32], channels: usize) -> Vec<Products> {
    let cells = features.chunks_exact(channels);
    let both = cells.zip(restored.chunks_exact(channels));
    both.map(|(f, r)| Products::of(f, r)).collect()
}

#[cfg(not(target_family = "wasm"))]
fn into_gradient(features: &[f32], restored: &mut [f32], channels: usize, slopes: &[[f32; 3]]) {
    let cells = restored.par_chunks_exact_mut(channels);
    cells
        .zip(features.par_chunks_exact(channels))
        .zip(slopes)
        .for_each(|((r, f), slopes)| cell_gradient(f, r, *slopes));
}

#[cfg(target_family = "wasm")]
fn into_gradient(features: &[f32], restored: &mut [f32], channels: usize, slopes: &[[f32; 3]]) {
    let cells = restored.chunks_exact_mut(channels);
    for ((r, f), slopes) in cells.zip(features.chunks_exact(channels)).zip(slopes) {
        cell_gradient(f, r, *slopes);
    }
}

fn cell_gradient(features: &[f32], restored: &mut [f32], slopes: [f32; 3]) {
    let [difference, by_features, by_restored] = slopes;
    for (r, &f) in restored.iter_mut().zip(features) {
        *r = difference * (*r - f) + (by_features * f + by_restored * *r);
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::loss::restoration_loss;

    /// The same through Burn's automatic differentiation.
    fn by_autodiff(loss: &HostLoss, features: &[f32], restored: &[f32]) -> (Parts, Vec<f32>) {
        let device = Device::flex().autodiff();
        let cells = features.len() / loss.images / loss.channels;
        let tensor = |values: &[f32]| -> Tensor<3> {
            let data = TensorData::new(values.to_vec(), [loss.images, cells, loss.channels]);
            Tensor::from_data(data, &device)
        };
        let restored = tensor(restored).require_grad();
        let parts = restoration_loss(
            tensor(features),
            restored.clone(),
            loss.channels,
            loss.reduction,
        )
        .map(|part| part.mul_scalar(loss.share));
        let values = [&parts.squared, &parts.local_cosine, &parts.global_cosine]
            .map(|part| part.clone().into_scalar::<f32>());
        let chosen = [
            (loss.terms.squared, parts.squared),
            (loss.terms.local, parts.local_cosine),
            (loss.terms.global, parts.global_cosine),
        ];
        let chosen = chosen.into_iter().filter(|(chosen, _)| *chosen);
        let sum = chosen.map(|(_, part)| part).reduce(Add::add).unwrap();
        let gradient = restored.grad(&sum.backward()).unwrap();
        (values, gradient.into_data().try_into_vec::<f32>().unwrap())
    }

    #[test]
    fn loss_and_gradient_are_those_of_automatic_differentiation() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for round in 0..48 {
            let images = rng.random_range(1..4);
            let channels = rng.random_range(1..70);
            let length = images * rng.random_range(1..9) * channels;
            let mut values = |scale: f32| -> Vec<f32> {
                let range = -scale..scale;
                (0..length)
                    .map(|_| rng.random_range(range.clone()))
                    .collect()
            };
            let mut features = values(2.0);
            let mut restored = values(0.5);
            for (r, f) in restored.iter_mut().zip(&features) {
                *r += f;
            }
            if round % 3 == 0 {
                // A cell without features has no direction to restore.
                features[..channels].fill(0.0);
            }
            let loss = HostLoss {
                images,
                channels,
                reduction: [ChannelReduction::Mean, ChannelReduction::Sum][round % 2],
                terms: LossTerms {
                    squared: round % 4 != 1,
                    local: round % 4 != 2,
                    global: round % 4 != 3,
                },
                share: 1.0 / (1 + round % 3) as f32,
            };
            let (expected, slope) = by_autodiff(&loss, &features, &restored);
            let parts = loss.gradient(&features, &mut restored);
            for (part, expected) in parts.into_iter().zip(expected) {
                assert!(
                    (part - expected).abs() <= 1e-5 * expected.abs() + 1e-6,
                    "{part} for {expected} in round {round}"
                );
            }
            let largest = slope
                .iter()
                .fold(0.0f32, |most, value| most.max(value.abs()));
            for (value, expected) in restored.into_iter().zip(slope) {
                assert!(
                    (value - expected).abs() <= 1e-5 * largest,
                    "{value} for {expected} in round {round}"
                );
            }
        }
    }
}
