//! A start from the principal subspace of the good tokens, instead of at random.
//!
//! Patch embedding and head (eq. 2 and 5) are linear, and most of what they must learn is where good
//! features lie: the directions of largest variance of their P·P·C values. Those can be computed. The
//! embedding then gives each token's coordinates in them, all of unit variance, and the head leads back;
//! the blocks between start at random, as ever.

use burn::tensor::{Device, Tensor, TensorData};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::feature_cache::{FeatureError, FeatureSource};
use crate::lanes::sum_of_pairs;
use crate::model::Fsr;
use crate::restorer::Restorer;
use crate::tensors::{TensorError, export, read};

/// Another stream than weights and training have.
const STREAM: u64 = 0x5b5b_5b5b;
/// Tokens sampled for each dimension of the embedding, where there are so many.
const TOKENS_PER_DIRECTION: usize = 10;
/// Tokens that a direction needs to be more than noise.
const FEWEST_TOKENS: usize = 4;
/// Images that are sampled from, at most.
const IMAGES: usize = 256;
/// Rounds of orthogonal iteration.
const ROUNDS: usize = 8;
/// One dimension in so many stays random: the final norm takes a token's length away, which the blocks
/// can only keep where there is room beside the coordinates.
const FREE: usize = 8;

/// Why the subspace cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubspaceError {
    /// Features cannot be read.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The restorer's tensors cannot be read or set.
    #[error(transparent)]
    Tensors(#[from] TensorError),
    /// The device failed.
    #[error("the device failed while the principal directions were computed")]
    Device,
}

/// The model's restorer with patch embedding and head set from the good tokens of `source`.
///
/// # Errors
/// When features cannot be read or the device fails.
pub async fn principal_start(
    model: &Fsr,
    source: &impl FeatureSource,
    seed: u64,
) -> Result<Restorer, SubspaceError> {
    let mut named = export(&model.restorer).await?;
    let Some([token, width]) = named
        .get("patch_embed.weight")
        .map(|weight| [weight.shape[0], weight.shape[1]])
    else {
        return Ok(model.restorer.clone());
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ STREAM);
    let wanted = width * TOKENS_PER_DIRECTION;
    let sample = sample(model, source, wanted, &mut rng).await?;
    let directions = (width - width.div_ceil(FREE)).min(sample.dims()[0] / FEWEST_TOKENS);
    if directions == 0 {
        return Ok(model.restorer.clone());
    }
    let subspace = principal(sample, directions, &mut rng, model.device())
        .await
        .ok_or(SubspaceError::Device)?;

    let mut set = |name: &str, change: &dyn Fn(&mut [f32])| {
        if let Some(tensor) = named.get_mut(name) {
            change(&mut tensor.values);
        }
    };
    let Subspace {
        basis,
        deviation,
        mean,
    } = &subspace;
    set("patch_embed.weight", &|values| {
        for (row, values) in values.chunks_exact_mut(width).enumerate() {
            for (column, value) in values[..directions].iter_mut().enumerate() {
                *value = basis[row * directions + column] / deviation[column];
            }
        }
    });
    set("patch_embed.bias", &|values| {
        for (column, value) in values[..directions].iter_mut().enumerate() {
            let shift: f32 = (0..token)
                .map(|row| mean[row] * basis[row * directions + column])
                .sum();
            *value = -shift / deviation[column];
        }
    });
    set("head.weight", &|values| {
        for (row, values) in values.chunks_exact_mut(token).enumerate() {
            for (column, value) in values.iter_mut().enumerate() {
                *value = if row < directions {
                    basis[column * directions + row] * deviation[row]
                } else {
                    0.0
                };
            }
        }
    });
    set("head.bias", &|values| values.copy_from_slice(mean));
    Ok(Restorer::from_tensors(
        &model.config.restorer,
        (&model.config).into(),
        model.recipe.position,
        &named,
        "",
        model.device(),
    )?)
}

/// Directions of largest variance, in falling order.
struct Subspace {
    /// `[token, directions]`, orthonormal columns.
    basis: Vec<f32>,
    /// Standard deviation along each.
    deviation: Vec<f32>,
    /// Mean token.
    mean: Vec<f32>,
}

/// About `wanted` tokens of good images, `[tokens, P·P·C]`.
async fn sample(
    model: &Fsr,
    source: &impl FeatureSource,
    wanted: usize,
    rng: &mut ChaCha8Rng,
) -> Result<Tensor<2>, SubspaceError> {
    let mut images: Vec<usize> = (0..source.len()).collect();
    images.shuffle(rng);
    images.truncate(IMAGES);
    let each = wanted.div_ceil(images.len().max(1));
    let mut rows = Vec::new();
    for image in images {
        let tokens = model.tokens(source.batch(&[image], model.device())?);
        let [_, length, width] = tokens.dims();
        let mut places: Vec<i32> = (0..length as i32).collect();
        places.shuffle(rng);
        places.truncate(each);
        let count = places.len();
        let places = Tensor::from_data(TensorData::new(places, [count]), model.device());
        rows.push(tokens.reshape([length, width]).select(0, places));
    }
    Ok(Tensor::cat(rows, 0))
}

/// Orthogonal iteration on the covariance of the rows of `tokens`, or, where these are fewer than their values, on their
/// products with each other.
async fn principal(
    tokens: Tensor<2>,
    directions: usize,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Option<Subspace> {
    let [count, token] = tokens.dims();
    let mean = tokens.clone().mean_dim(0);
    let centred = tokens - mean.clone();
    let upload = |basis: &[f32]| -> Tensor<2> {
        let shape = [basis.len() / directions, directions];
        Tensor::from_data(TensorData::new(basis.to_vec(), shape), device)
    };
    // There are mostly fewer tokens than values in one. Either product of the two has the same directions, and the
    // smaller one is several times as cheap.
    let few = count < token;
    let product = if few {
        centred.clone().matmul(centred.clone().transpose())
    } else {
        centred.clone().transpose().matmul(centred.clone())
    };
    let mut basis: Vec<f32> = (0..count.min(token) * directions)
        .map(|_| rng.random_range(-1.0f32..1.0))
        .collect();
    for _ in 0..ROUNDS {
        orthonormalise(&mut basis, directions);
        basis = read(product.clone().matmul(upload(&basis))).await?;
    }
    orthonormalise(&mut basis, directions);
    if few {
        // From combinations of tokens to directions in them.
        basis = read(centred.clone().transpose().matmul(upload(&basis))).await?;
        orthonormalise(&mut basis, directions);
    }
    let along = centred.matmul(upload(&basis));
    let variance = read(along.square().mean_dim(0)).await?;
    let largest = variance.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    // Tokens that are all alike have no variance to divide by.
    let deviation = variance
        .iter()
        .map(|variance| variance.max(1e-6 * largest).sqrt())
        .collect();
    Some(Subspace {
        basis,
        deviation,
        mean: read(mean).await?,
    })
}

/// Gram–Schmidt, twice for accuracy, on the columns of a row-major matrix.
fn orthonormalise(matrix: &mut [f32], columns: usize) {
    let rows = matrix.len() / columns;
    let mut done: Vec<Vec<f32>> = Vec::with_capacity(columns);
    for column in 0..columns {
        let mut vector: Vec<f32> = (0..rows)
            .map(|row| matrix[row * columns + column])
            .collect();
        for _ in 0..2 {
            for other in &done {
                let along: f32 = dot(&vector, other);
                for (value, other) in vector.iter_mut().zip(other) {
                    *value -= along * other;
                }
            }
            let norm = dot(&vector, &vector).sqrt().max(f32::MIN_POSITIVE);
            for value in &mut vector {
                *value /= norm;
            }
        }
        done.push(vector);
    }
    for (column, vector) in done.iter().enumerate() {
        for (row, value) in vector.iter().enumerate() {
            matrix[row * columns + column] = *value;
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum_of_pairs(a, b, |a, b| a * b)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn finds_the_directions_that_the_tokens_were_made_of() {
        // More tokens than values, and fewer.
        assert_found(400, 40);
        assert_found(400, 1000);
    }

    fn assert_found(count: usize, token: usize) {
        let device = Device::flex();
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let directions = 3;
        let mut truth: Vec<f32> = (0..token * directions)
            .map(|_| rng.random_range(-1.0f32..1.0))
            .collect();
        orthonormalise(&mut truth, directions);
        // Uniform on ±a has the deviation a/√3.
        let spread = [9.0f32, 3.0, 1.0];
        let mut values = Vec::new();
        for _ in 0..count {
            let along: [f32; 3] = spread.map(|reach| rng.random_range(-reach..reach));
            values.extend((0..token).map(|row| {
                let inside: f32 = (0..directions)
                    .map(|column| truth[row * directions + column] * along[column])
                    .sum();
                5.0 + inside + rng.random_range(-0.01f32..0.01)
            }));
        }
        let tokens = Tensor::from_data(TensorData::new(values, [count, token]), &device);
        let found = pollster::block_on(principal(tokens, directions, &mut rng, &device)).unwrap();
        let column = |matrix: &[f32], column: usize| -> Vec<f32> {
            (0..token)
                .map(|row| matrix[row * directions + column])
                .collect()
        };
        for (direction, reach) in spread.into_iter().enumerate() {
            let along = dot(&column(&truth, direction), &column(&found.basis, direction));
            // Chance correlations of 400 draws turn the axes by a few hundredths.
            assert!(along.abs() > 0.99, "direction {direction}: {along}");
            let expected = reach / 3.0f32.sqrt();
            let relative = found.deviation[direction] / expected;
            assert!((0.9..1.1).contains(&relative), "{relative}");
            for other in 0..direction {
                let product = dot(
                    &column(&found.basis, direction),
                    &column(&found.basis, other),
                );
                assert!(product.abs() < 1e-5, "{product}");
            }
        }
        assert!(found.mean.iter().all(|mean| (mean - 5.0).abs() < 1.0));
    }
}
