//! A trained model ready to inspect images: what the page's worker and `fsr predict` both call.

use burn::tensor::Device;
use image::RgbImage;
use serde::{Deserialize, Serialize};
use web_time::Instant;

use crate::feature_cache::{FeatureError, FeatureSource};
use crate::map::{AnomalyMap, ImageScores};
use crate::model::{Fsr, ModelError};
use crate::package::{Package, PackageConfig, PackageError, SelfTest};
use crate::preprocess::to_input_size;
use crate::tiles::stitch::Stitcher;
use crate::tiles::{TILES_AT_ONCE, TileError, TilePlan};

/// A model with what its package says about it.
#[derive(Debug, Clone)]
pub struct Detector {
    /// The networks.
    pub model: Fsr,
    /// Name, calibration, provenance.
    pub config: PackageConfig,
}

/// The answer to one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// Anomaly map, stretched over the whole image: of `image_size`², or larger where the image was cut into tiles
    /// (see [`crate::tiles::stitch::map_size`]).
    pub map: AnomalyMap,
    /// Image scores.
    pub scores: ImageScores,
    /// Time of each stage.
    pub timings: Timings,
}

/// Milliseconds spent in each stage.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// Resampling to the network's input.
    pub resize_ms: f64,
    /// Backbone and feature fusion. On a GPU only the launch: work is waited for in the next stage.
    pub backbone_ms: f64,
    /// Restoration and difference maps.
    pub restore_ms: f64,
    /// Upsampling, smoothing, scores (counted in `restore_ms` for a batch).
    pub map_ms: f64,
}

/// How the self-test of a package went on this device.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SelfTestReport {
    /// Largest difference to the expected map, relative to that map's maximum.
    pub max_map_error_relative: f32,
    /// Difference of the score (std) to the expected one, relative.
    pub score_error_relative: f32,
    /// Both within [`SELF_TEST_TOLERANCE`].
    pub passed: bool,
}

/// Relative tolerance of the self-test: far above rounding differences between devices, far below
/// anything visible.
pub const SELF_TEST_TOLERANCE: f32 = 1e-3;

impl Detector {
    /// Builds the networks of a package on a device.
    ///
    /// # Errors
    /// Names the tensor or setting that does not fit.
    pub fn from_package(package: &Package, device: &Device) -> Result<Self, PackageError> {
        let config = package.config.clone();
        let model = Fsr::from_tensors(&config.model, &config.recipe, &package.tensors, device)?;
        Ok(Self { model, config })
    }

    /// The tiles that an image of this size is inspected in: the whole image, unless the package says otherwise.
    ///
    /// # Errors
    /// When there would be too many.
    pub fn plan(&self, width: u32, height: u32) -> Result<TilePlan, TileError> {
        TilePlan::new(self.config.tiles, width, height)
    }

    /// Inspects one image of any size and aspect ratio.
    ///
    /// # Errors
    /// When the device fails or computes nonsense, or there would be too many tiles.
    pub async fn inspect(&self, image: &RgbImage) -> Result<Inspection, ModelError> {
        self.inspect_telling(image, |_, _| {}).await
    }

    /// As [`Self::inspect`]; `told` hears how many tiles are done, and of how many. Of the tiles no more than
    /// [`TILES_AT_ONCE`] are held at a time.
    ///
    /// # Errors
    /// As [`Self::inspect`].
    pub async fn inspect_telling(
        &self,
        image: &RgbImage,
        told: impl FnMut(usize, usize),
    ) -> Result<Inspection, ModelError> {
        let plan = self.plan(image.width(), image.height())?;
        self.inspect_by(&plan, image, told).await
    }

    /// Inspects an image as one tile, whatever the package says: its self-test was made so.
    ///
    /// # Errors
    /// When the device fails or computes nonsense.
    pub async fn inspect_whole(&self, image: &RgbImage) -> Result<Inspection, ModelError> {
        let plan = TilePlan::whole(image.width(), image.height());
        self.inspect_by(&plan, image, |_, _| {}).await
    }

    async fn inspect_by(
        &self,
        plan: &TilePlan,
        image: &RgbImage,
        mut told: impl FnMut(usize, usize),
    ) -> Result<Inspection, ModelError> {
        let side = self.model.config.image_size;
        let milliseconds = |from: Instant, to: Instant| to.duration_since(from).as_secs_f64() * 1e3;
        let mut timings = Timings::default();
        let mut stitcher = Stitcher::new(plan, side);
        for tiles in chunks(plan.count()) {
            let start = Instant::now();
            let done = tiles.end;
            let inputs: Vec<RgbImage> = tiles.map(|tile| plan.input(image, tile, side)).collect();
            let resized = Instant::now();
            let tokens = self.model.tokens(self.model.taps(&inputs));
            let embedded = Instant::now();
            let maps = self.model.anomaly_maps(tokens).await?;
            let restored = Instant::now();
            if maps.len() != inputs.len() {
                return Err(ModelError::NotFinite);
            }
            maps.into_iter().for_each(|map| stitcher.add(map));
            timings.resize_ms += milliseconds(start, resized);
            timings.backbone_ms += milliseconds(resized, embedded);
            timings.restore_ms += milliseconds(embedded, restored);
            timings.map_ms += milliseconds(restored, Instant::now());
            told(done, plan.count());
        }
        let start = Instant::now();
        let map = stitcher.finish();
        let scores = map.scores();
        timings.map_ms += milliseconds(start, Instant::now());
        Ok(Inspection {
            map,
            scores,
            timings,
        })
    }

    /// Anomaly maps of several images: at once, unless they are cut into tiles.
    ///
    /// # Errors
    /// As [`Self::inspect`].
    pub async fn anomaly_maps(&self, images: &[RgbImage]) -> Result<Vec<AnomalyMap>, ModelError> {
        if self.config.tiles.is_some() {
            let mut maps = Vec::with_capacity(images.len());
            for image in images {
                maps.push(self.inspect(image).await?.map);
            }
            return Ok(maps);
        }
        let side = self.model.config.image_size;
        let inputs: Vec<RgbImage> = images
            .iter()
            .map(|image| to_input_size(image, side))
            .collect();
        self.model
            .anomaly_maps(self.model.tokens(self.model.taps(&inputs)))
            .await
    }

    /// Runs the package's self-test: its image must give its map.
    ///
    /// # Errors
    /// When the device fails; a wrong result is a report with `passed = false`.
    pub async fn self_test(&self, test: &SelfTest) -> Result<SelfTestReport, ModelError> {
        let found = match self.inspect_whole(&test.image).await {
            Ok(found) => found,
            Err(ModelError::NotFinite) => {
                return Ok(SelfTestReport {
                    max_map_error_relative: f32::INFINITY,
                    score_error_relative: f32::INFINITY,
                    passed: false,
                });
            }
            Err(error) => return Err(error),
        };
        let highest = test
            .map
            .values
            .iter()
            .copied()
            .fold(f32::MIN_POSITIVE, f32::max);
        let largest = found
            .map
            .values
            .iter()
            .zip(&test.map.values)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0f32, f32::max);
        let map_error = if found.map.values.len() == test.map.values.len() {
            largest / highest
        } else {
            f32::INFINITY
        };
        let score_error =
            (found.scores.std - test.scores.std).abs() / test.scores.std.max(f32::MIN_POSITIVE);
        Ok(SelfTestReport {
            max_map_error_relative: map_error,
            score_error_relative: score_error,
            passed: map_error <= SELF_TEST_TOLERANCE && score_error <= SELF_TEST_TOLERANCE,
        })
    }
}

/// Tiles in the portions that go through the networks together.
fn chunks(count: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let starts = (0..count).step_by(TILES_AT_ONCE);
    starts.map(move |start| start..(start + TILES_AT_ONCE).min(count))
}

/// Why there is no map of kept features.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeptError {
    /// They cannot be read back.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The model fails on them.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// The map of an image from the features of its tiles, which lie in `source` from `first` on.
///
/// # Errors
/// When they cannot be read back, or the device fails or computes nonsense.
pub async fn map_of_features(
    model: &Fsr,
    source: &impl FeatureSource,
    first: usize,
    plan: &TilePlan,
) -> Result<AnomalyMap, KeptError> {
    let mut stitcher = Stitcher::new(plan, model.config.image_size);
    for tiles in chunks(plan.count()) {
        let places: Vec<usize> = tiles.map(|tile| first + tile).collect();
        let tokens = model.tokens(source.batch(&places, model.device())?);
        let maps = model.anomaly_maps(tokens).await?;
        maps.into_iter().for_each(|map| stitcher.add(map));
    }
    Ok(stitcher.finish())
}
