//! A trained model ready to inspect images: what the page's worker and `fsr predict` both call.

use burn::tensor::Device;
use image::RgbImage;
use serde::{Deserialize, Serialize};
use web_time::Instant;

use crate::map::{AnomalyMap, ImageScores};
use crate::model::{Fsr, ModelError};
use crate::package::{Package, PackageConfig, PackageError, SelfTest};
use crate::preprocess::to_input_size;

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
    /// Anomaly map of `image_size`², stretched over the whole image.
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

    /// Inspects one image of any size and aspect ratio.
    ///
    /// # Errors
    /// When the device fails or computes nonsense.
    pub async fn inspect(&self, image: &RgbImage) -> Result<Inspection, ModelError> {
        let start = Instant::now();
        let input = to_input_size(image, self.model.config.image_size);
        let resized = Instant::now();
        let tokens = self.model.tokens(self.model.taps(&[input]));
        let embedded = Instant::now();
        let map = self
            .model
            .anomaly_maps(tokens)
            .await?
            .pop()
            .ok_or(ModelError::NotFinite)?;
        let restored = Instant::now();
        let scores = map.scores();
        let milliseconds = |from: Instant, to: Instant| to.duration_since(from).as_secs_f64() * 1e3;
        Ok(Inspection {
            map,
            scores,
            timings: Timings {
                resize_ms: milliseconds(start, resized),
                backbone_ms: milliseconds(resized, embedded),
                restore_ms: milliseconds(embedded, restored),
                map_ms: milliseconds(restored, Instant::now()),
            },
        })
    }

    /// Anomaly maps of several images at once.
    ///
    /// # Errors
    /// As [`Self::inspect`].
    pub async fn anomaly_maps(&self, images: &[RgbImage]) -> Result<Vec<AnomalyMap>, ModelError> {
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
        let found = match self.inspect(&test.image).await {
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
