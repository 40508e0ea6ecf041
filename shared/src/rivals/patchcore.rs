//! PatchCore (Roth et al., *Towards total recall in industrial anomaly detection*, CVPR 2022).
//!
//! Every patch of the good images goes into a memory bank, which a greedy k-centre selection thins
//! out; a patch scores its distance to the nearest patch in the bank.
//!
//! What differs from the paper: the paper averages the maps of layers 2 and 3 over 3×3 cells at their
//! own resolution, then enlarges layer 3 to layer 2. Here both come from the fused features of eq. 1,
//! which are enlarged to layer 1 first and averaged 3×3 there; the mean of each 2×2 block of those
//! cells is a patch, so that there are as many patches as cells in layer 2, each of which sees a
//! window of 4×4 cells of layer 1 (the paper's: 6×6). Channels are concatenated, not pooled to 1024.

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{RivalError, expect, finite, to_map, unreadable};
use crate::config::ModelConfig;
use crate::feature_cache::FeatureSource;
use crate::lanes::sum_of_pairs;
use crate::map::AnomalyMap;
use crate::model::{Fsr, ModelError};
use crate::tensors::{HostTensor, NamedTensors, TensorError, read};

/// Side of a patch in cells of the fused features: one cell of layer 2.
pub const PATCH: usize = 2;

/// Name of the memory bank in a package.
pub const BANK: &str = "patchcore.bank";

/// Neighbours that the image score's re-weighting looks at (the paper's b, as anomalib has it).
pub const NEIGHBOURS: usize = 9;

/// Dimensions that the coreset is selected in (Johnson-Lindenstrauss).
const PROJECTED: usize = 128;

/// How to thin out the bank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoresetOptions {
    /// Share of all patches that is kept, above 0 and at most 1.
    pub share: f64,
    /// Seed of the projection and of the first patch.
    pub seed: u64,
}

/// A memory bank of good patches.
#[derive(Debug, Clone)]
pub struct PatchCore {
    /// `[patches, channels]`
    bank: Tensor<2>,
    /// Half of each patch's squared length, `[1, patches]`.
    half_squares: Tensor<2>,
}

/// The scores of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchScores {
    /// Distance of each patch to its nearest in the bank.
    pub distances: Vec<f32>,
    /// The largest distance, re-weighted by how lonely the nearest patch is (the paper's eq. 7).
    pub image: f32,
}

impl PatchCore {
    /// Fills a bank from the patches of good images and thins it out.
    ///
    /// The patches of all images are held in memory while this works.
    ///
    /// # Errors
    /// Without images, with a share outside 0…1, or when features or device fail.
    pub async fn fit(
        source: &impl FeatureSource,
        model: &Fsr,
        options: CoresetOptions,
    ) -> Result<Self, RivalError> {
        if source.is_empty() {
            return Err(RivalError::Empty);
        }
        if !(options.share > 0.0 && options.share <= 1.0) {
            return Err(RivalError::Setting(format!(
                "the coreset's share {} must lie above 0 and be at most 1",
                options.share
            )));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        let device = model.device();
        let (_, width) = channels(&model.config);
        let projection = (width > PROJECTED).then(|| {
            let scale = (PROJECTED as f32).sqrt().recip();
            let values: Vec<f32> = StandardNormal
                .sample_iter(&mut rng)
                .take(width * PROJECTED)
                .map(|value: f32| value * scale)
                .collect();
            Tensor::<2>::from_data(TensorData::new(values, [width, PROJECTED]), device)
        });
        let (mut patches, mut projected) = (Vec::new(), Vec::new());
        for index in 0..source.len() {
            let tokens = model.tokens(source.batch(&[index], device)?);
            let own = patch_features(tokens, &model.config);
            let [_, count, _] = own.dims();
            let own = own.reshape([count, width]);
            if let Some(projection) = &projection {
                let low = read(own.clone().matmul(projection.clone())).await;
                projected.extend(low.ok_or_else(|| unreadable("patches"))?);
            }
            patches.extend(read(own).await.ok_or_else(|| unreadable("patches"))?);
        }
        finite(&patches)?;
        let total = patches.len() / width;
        let count = ((total as f64 * options.share).round() as usize).clamp(1, total);
        let first = rng.random_range(0..total);
        let chosen = match &projection {
            Some(_) => greedy_k_centre(&projected, PROJECTED, count, first),
            None => greedy_k_centre(&patches, width, count, first),
        };
        let mut bank = Vec::with_capacity(chosen.len() * width);
        for index in &chosen {
            bank.extend_from_slice(&patches[index * width..][..width]);
        }
        Ok(Self::from_bank(bank, width, device))
    }

    /// A bank as it is: `values` holds patches of `width` values, end to end.
    ///
    /// # Panics
    /// If `values` is not a whole number of patches.
    pub fn from_bank(values: Vec<f32>, width: usize, device: &Device) -> Self {
        let count = values.len() / width;
        assert_eq!(values.len(), count * width, "patches of {width} values");
        let bank = Tensor::<2>::from_data(TensorData::new(values, [count, width]), device);
        let half_squares = bank
            .clone()
            .square()
            .sum_dim(1)
            .mul_scalar(0.5)
            .reshape([1, count]);
        Self { bank, half_squares }
    }

    /// Patches in the bank.
    pub fn len(&self) -> usize {
        self.bank.dims()[0]
    }

    /// Whether the bank is empty; no fitted one is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn from_tensors(
        config: &ModelConfig,
        named: &NamedTensors,
        device: &Device,
    ) -> Result<Self, TensorError> {
        let (_, width) = channels(config);
        let tensor = expect(named, BANK, &[None, Some(width)])?;
        Ok(Self::from_bank(tensor.values.clone(), width, device))
    }

    pub(super) async fn tensors(&self) -> Result<NamedTensors, TensorError> {
        let shape = self.bank.dims().to_vec();
        let values = read(self.bank.clone())
            .await
            .ok_or_else(|| TensorError::Unreadable(BANK.into()))?;
        Ok(NamedTensors::from([(
            BANK.to_owned(),
            HostTensor { shape, values },
        )]))
    }

    pub(super) async fn anomaly_maps(
        &self,
        tokens: Tensor<3>,
        config: &ModelConfig,
    ) -> Result<Vec<AnomalyMap>, ModelError> {
        let patches = patch_features(tokens, config);
        let [batch, count, width] = patches.dims();
        let mut maps = Vec::with_capacity(batch);
        for image in 0..batch {
            let own = patches.clone().narrow(0, image, 1).reshape([count, width]);
            let scores = self.scores(own).await?;
            let mut map = to_map(scores.distances, config);
            map.image_score = Some(scores.image);
            maps.push(map);
        }
        Ok(maps)
    }

    /// Scores one image's patches.
    ///
    /// # Shapes
    /// `patches` `[count, channels]`
    ///
    /// # Errors
    /// When the device fails or the numbers are not finite.
    pub async fn scores(&self, patches: Tensor<2>) -> Result<PatchScores, ModelError> {
        let [count, width] = patches.dims();
        // |x − m|² = |x|² − 2(x·m − |m|²/2): the product finds the nearest, but cancels digits that
        // matter where a patch is in the bank, so the distance itself is taken directly.
        let nearness =
            patches.clone().matmul(self.bank.clone().transpose()) - self.half_squares.clone();
        let nearest = nearness.argmax(1).reshape([count]);
        let distances = (patches.clone() - self.bank.clone().select(0, nearest.clone()))
            .square()
            .sum_dim(1)
            .sqrt()
            .reshape([count]);
        let distances = read(distances)
            .await
            .ok_or_else(|| unreadable("the distances"))?;
        finite(&distances)?;
        let oddest = (0..count)
            .max_by(|&a, &b| distances[a].total_cmp(&distances[b]))
            .unwrap_or(0);
        let largest = distances.get(oddest).copied().unwrap_or(0.0);
        if self.len() == 1 {
            return Ok(PatchScores {
                distances,
                image: largest,
            });
        }
        let patch = patches.narrow(0, oddest, 1);
        let member = self.bank.clone().select(0, nearest.narrow(0, oddest, 1));
        let to_bank = |from: Tensor<2>| {
            (self.bank.clone() - from.reshape([1, width]))
                .square()
                .sum_dim(1)
                .sqrt()
                .reshape([self.len()])
        };
        let both = read(Tensor::cat(vec![to_bank(member), to_bank(patch)], 0))
            .await
            .ok_or_else(|| unreadable("the distances"))?;
        let (from_member, from_patch) = both.split_at(self.len());
        Ok(PatchScores {
            image: largest * loneliness(from_member, from_patch, largest),
            distances,
        })
    }
}

/// The weight of eq. 7: 1 − softmax of the patch's distance to its nearest member, among its
/// distances to the [`NEIGHBOURS`] nearest neighbours of that member (itself among them).
fn loneliness(from_member: &[f32], from_patch: &[f32], largest: f32) -> f32 {
    let mut order: Vec<usize> = (0..from_member.len()).collect();
    order.sort_by(|&a, &b| from_member[a].total_cmp(&from_member[b]).then(a.cmp(&b)));
    order.truncate(NEIGHBOURS);
    let distances: Vec<f64> = order.iter().map(|&at| f64::from(from_patch[at])).collect();
    let top = distances.iter().copied().fold(0.0f64, f64::max);
    let total: f64 = distances.iter().map(|d| libm::exp(d - top)).sum();
    (1.0 - libm::exp(f64::from(largest) - top) / total) as f32
}

/// First of the used channels and their number: layers 2 and 3.
fn channels(config: &ModelConfig) -> (usize, usize) {
    let [first, second, third] = config.backbone.kind.tap_channels();
    (first, second + third)
}

/// Patches of layers 2 and 3 from feature tokens of [`PATCH`]×[`PATCH`] cells.
///
/// # Shapes
/// `[batch, L, PATCH²·C]` → `[batch, L, C₂ + C₃]`
pub fn patch_features(tokens: Tensor<3>, config: &ModelConfig) -> Tensor<3> {
    let [batch, length, width] = tokens.dims();
    let all = config.backbone.kind.feature_channels();
    let (first, used) = channels(config);
    tokens
        .reshape([batch, length, width / all, all])
        .narrow(3, first, used)
        .mean_dim(2)
        .reshape([batch, length, used])
}

/// Greedy k-centre (Sener and Savarese 2018): from `first` on, the point farthest from all chosen ones.
///
/// `points` holds rows of `width` values. Fewer than `count` indices come back if the points are not
/// that many different ones.
pub fn greedy_k_centre(points: &[f32], width: usize, count: usize, first: usize) -> Vec<usize> {
    let total = points.len() / width;
    let row = |index: usize| &points[index * width..][..width];
    // Of each point: the squared distance to its nearest centre, and which one that is.
    let mut nearest = vec![(f32::INFINITY, 0u32); total];
    let mut chosen = Vec::with_capacity(count.min(total));
    let mut between = Vec::with_capacity(count.min(total));
    let mut next = first;
    while chosen.len() < count.min(total) {
        let centre = row(next);
        between.clear();
        between.extend(
            chosen
                .iter()
                .map(|&other| REACH * squared_distance(row(other), centre)),
        );
        let own = chosen.len() as u32;
        chosen.push(next);
        let mut farthest = (0, 0.0);
        for (index, known) in nearest.iter_mut().enumerate() {
            let out_of_reach = between
                .get(known.1 as usize)
                .is_some_and(|&distance| distance > known.0);
            if !out_of_reach {
                let squared = squared_distance(row(index), centre);
                if squared < known.0 {
                    *known = (squared, own);
                }
            }
            if known.0 > farthest.1 {
                farthest = (index, known.0);
            }
        }
        if farthest.1 == 0.0 {
            break;
        }
        next = farthest.0;
    }
    chosen
}

/// A new centre at distance d from a point's own centre is at least d less the point's distance away from the point: no
/// nearer than its own centre if d is twice that, d²/4 the square of it. A little less, for rounding.
const REACH: f32 = 0.25 * (1.0 - 1e-4);

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    sum_of_pairs(a, b, |a, b| (a - b) * (a - b))
}
