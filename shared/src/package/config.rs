//! `config.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CONFIG_FILE, Dtype, PackageError};
use crate::calibration::{Calibration, MAX_CALIBRATION_IMAGES};
use crate::config::{ModelConfig, RestorerKind};
use crate::preprocess::{MEAN, STD};
use crate::recipe::Recipe;
use crate::rivals::Method;
use crate::tiles::Tiling;

/// The value of `format` in every FSR package.
pub const FORMAT: &str = "fsr";

/// The newest version of the format that this program reads and writes.
pub const FORMAT_VERSION: u32 = 3;

/// What programs that know only transformers read: a restorer of another kind is refused by them by its version, in
/// words, rather than by the tensors they miss.
const TRANSFORMERS: u32 = 1;

/// The first version with convolutional restorers.
const CONVOLUTIONS: u32 = 2;

/// The first version with tiles. A program without them would judge whole images by a threshold for tiles.
const TILES: u32 = 3;

/// The version that a model is written as: the oldest that can say it.
fn version_of(model: &ModelConfig, tiles: Option<Tiling>) -> u32 {
    match (tiles, model.restorer.kind) {
        (Some(_), _) => TILES,
        (None, RestorerKind::Cnn) => CONVOLUTIONS,
        (None, RestorerKind::Vit) => TRANSFORMERS,
    }
}

/// No honest `config.json` is larger, in bytes.
const MAX_CONFIG_BYTES: usize = 16 << 20;

/// Everything about a model but its weights. Cheap to read, so that models can be listed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackageConfig {
    /// Always [`FORMAT`].
    pub format: String,
    /// From 1 to [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Name for people.
    pub name: String,
    /// Architecture.
    pub model: ModelConfig,
    /// Choices of training and scoring.
    pub recipe: Recipe,
    /// How it learned; packages without it are FSR's.
    #[serde(default, skip_serializing_if = "is_fsr")]
    pub method: Method,
    /// From image, or tile of one, to network input.
    pub preprocessing: Preprocessing,
    /// How images are cut before; `None`: not at all. Set by [`PackageConfig::in_tiles`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiles: Option<Tiling>,
    /// Threshold and colour scale from good images of all categories together.
    pub calibration: Option<Calibration>,
    /// Calibration of single categories, by their name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub category_calibration: BTreeMap<String, Calibration>,
    /// How the weights are stored.
    pub dtype: Dtype,
    /// Where the model comes from.
    pub provenance: Provenance,
}

fn is_fsr(method: &Method) -> bool {
    *method == Method::Fsr
}

/// How an image becomes the network's input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Side of the square input, pixels.
    pub size: usize,
    /// Resampling filter: `lanczos`.
    pub resample: String,
    /// What happens to other aspect ratios: `squash`.
    pub aspect: String,
    /// Subtracted from RGB in 0…1.
    pub mean: [f32; 3],
    /// Divides the difference.
    pub std: [f32; 3],
}

impl Preprocessing {
    /// The preprocessing of this program: Lanczos to a square, ImageNet normalisation.
    pub fn standard(size: usize) -> Self {
        Self {
            size,
            resample: "lanczos".into(),
            aspect: "squash".into(),
            mean: MEAN,
            std: STD,
        }
    }
}

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// The data set, in words.
    pub data: String,
    /// Categories trained on.
    pub categories: Vec<String>,
    /// Number of training images.
    pub images: usize,
    /// Images per category in few-shot training; `None` when all were used.
    pub shots: Option<usize>,
    /// Kinds of altered copies that were trained on beside each image, as `fsr train --augment` names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub augment: Vec<String>,
    /// Seed of training.
    pub seed: u64,
    /// Shuffling rate τ.
    pub tau: f32,
    /// Passes over the training images.
    pub epochs: usize,
    /// Optimiser steps.
    pub steps: usize,
    /// Commit of the program that trained the model; `None` when unknown.
    pub commit: Option<String>,
    /// Program and version that wrote the package.
    pub created_by: String,
    /// The file the backbone's weights came from.
    pub backbone_weights: Option<WeightsOrigin>,
    /// Results as `fsr eval --json` prints them; null when not evaluated.
    pub metrics: serde_json::Value,
}

/// A weights file, identified by its contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsOrigin {
    /// File name, without its folder.
    pub name: String,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
}

impl PackageConfig {
    /// A configuration without calibration and provenance, weights in f32.
    pub fn new(name: impl Into<String>, model: ModelConfig, recipe: Recipe) -> Self {
        Self {
            format: FORMAT.into(),
            format_version: version_of(&model, None),
            name: name.into(),
            preprocessing: Preprocessing::standard(model.image_size),
            model,
            recipe,
            method: Method::Fsr,
            tiles: None,
            calibration: None,
            category_calibration: BTreeMap::new(),
            dtype: Dtype::F32,
            provenance: Provenance {
                created_by: concat!("fsr ", env!("CARGO_PKG_VERSION")).into(),
                ..Provenance::default()
            },
        }
    }

    /// The same for a detector of tiles, or of whole images, in the version of the format that can say it.
    #[must_use]
    pub fn in_tiles(self, tiles: Option<Tiling>) -> Self {
        Self {
            format_version: version_of(&self.model, tiles),
            tiles,
            ..self
        }
    }

    /// Reads and checks a `config.json`.
    ///
    /// # Errors
    /// Another format or version, a missing or ill-typed setting, sizes that do not fit together, or
    /// preprocessing that this program does not do.
    pub fn parse(bytes: &[u8]) -> Result<Self, PackageError> {
        if bytes.len() > MAX_CONFIG_BYTES {
            return Err(PackageError::damaged(
                CONFIG_FILE,
                "it is larger than 16 MB",
            ));
        }
        let json: serde_json::Value = serde_json::from_slice(bytes)
            .map_err(|error| PackageError::damaged(CONFIG_FILE, error))?;
        // Format and version first: another version may have other fields.
        let found = |key: &str| json.get(key).map_or("none".into(), ToString::to_string);
        if json.get("format").and_then(|format| format.as_str()) != Some(FORMAT) {
            return Err(PackageError::Format {
                found: found("format"),
            });
        }
        let version = json
            .get("format_version")
            .and_then(|version| version.as_u64());
        let known = u64::from(TRANSFORMERS)..=u64::from(FORMAT_VERSION);
        if !version.is_some_and(|version| known.contains(&version)) {
            return Err(PackageError::Version {
                found: found("format_version"),
            });
        }
        // From the text again, so that errors name line and column.
        let config: Self = serde_json::from_slice(bytes)
            .map_err(|error| PackageError::Config(error.to_string()))?;
        config.validate()?;
        Ok(config)
    }

    /// Checks that the settings fit together and that this program can honour them.
    ///
    /// # Errors
    /// [`PackageError::Config`] or [`PackageError::Model`], naming the setting.
    pub fn validate(&self) -> Result<(), PackageError> {
        self.model.validate()?;
        if let Some(tiles) = self.tiles {
            tiles
                .validate()
                .map_err(|error| PackageError::Config(error.to_string()))?;
            if self.format_version < TILES {
                return Err(PackageError::Config(format!(
                    "tiles need format_version {TILES}, and it says {}",
                    self.format_version
                )));
            }
        }
        let expected = Preprocessing::standard(self.model.image_size);
        if self.preprocessing != expected {
            return Err(PackageError::Config(format!(
                "preprocessing must be {} × {} pixels, resample \"lanczos\", aspect \"squash\", ImageNet mean and std; \
                 this program does no other",
                expected.size, expected.size
            )));
        }
        let all = self
            .calibration
            .iter()
            .map(|calibration| ("calibration", calibration));
        let by_category = self.category_calibration.iter();
        for (name, calibration) in all.chain(by_category.map(|(name, c)| (name.as_str(), c))) {
            let scale = calibration.scale;
            let numbers = calibration
                .quantiles
                .iter()
                .flat_map(|&(share, score)| [share, score])
                .chain(calibration.good_scores.iter().copied())
                .chain([calibration.threshold, scale.low, scale.high]);
            if numbers.into_iter().any(|number| !number.is_finite())
                || scale.low >= scale.high
                || !calibration.good_scores.is_sorted()
                || calibration.images > MAX_CALIBRATION_IMAGES
            {
                return Err(PackageError::Config(format!(
                    "the calibration '{name}' is not usable: its numbers must be finite, its good \
                     scores ascending and its colour scale rise from low to high"
                )));
            }
        }
        Ok(())
    }

    /// The calibration for a category: its own, else that of all categories together.
    pub fn calibration_for(&self, category: Option<&str>) -> Option<&Calibration> {
        category
            .and_then(|category| self.category_calibration.get(category))
            .or(self.calibration.as_ref())
    }

    /// The file's contents.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, PackageError> {
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|error| PackageError::Config(error.to_string()))?;
        text.push('\n');
        Ok(text.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;
    use crate::config::Preset;

    fn config() -> PackageConfig {
        PackageConfig::new("Bottle", Preset::Lite.config(), Recipe::official())
    }

    /// The error of a configuration in which one value was changed.
    fn error_with(path: &str, value: Value) -> String {
        let mut json = serde_json::to_value(config()).unwrap();
        *json.pointer_mut(path).unwrap() = value;
        let error = PackageConfig::parse(json.to_string().as_bytes()).unwrap_err();
        error.to_string()
    }

    #[test]
    fn a_configuration_survives_its_file() {
        let config = config();
        assert_eq!(
            PackageConfig::parse(&config.to_json().unwrap()).unwrap(),
            config
        );
    }

    #[test]
    fn tiles_raise_the_version_and_nothing_else_does() {
        let whole = config();
        assert_eq!(whole.format_version, 1);
        let json = String::from_utf8(whole.to_json().unwrap()).unwrap();
        assert!(!json.contains("tiles"));
        let tiled = whole.clone().in_tiles(Some(Tiling::of_size(512)));
        assert_eq!(tiled.format_version, 3);
        let read = PackageConfig::parse(&tiled.to_json().unwrap()).unwrap();
        assert_eq!(read, tiled);
        assert_eq!(tiled.in_tiles(None), whole);

        let error = |json: &Value| {
            let error = PackageConfig::parse(json.to_string().as_bytes()).unwrap_err();
            error.to_string()
        };
        let mut json = serde_json::to_value(read).unwrap();
        json["format_version"] = json!(2);
        assert!(error(&json).contains("format_version 3"));
        json["format_version"] = json!(3);
        for (key, value) in [("size", json!(5)), ("overlap", json!(0.7))] {
            let before = std::mem::replace(&mut json["tiles"][key], value);
            assert!(error(&json).contains("not possible"), "{key}");
            json["tiles"][key] = before;
        }
    }

    #[test]
    fn unknown_settings_are_ignored() {
        let mut json = serde_json::to_value(config()).unwrap();
        json["later"] = json!({"some": "thing"});
        assert_eq!(
            PackageConfig::parse(json.to_string().as_bytes()).unwrap(),
            config()
        );
    }

    #[test]
    fn other_formats_and_versions_are_named() {
        assert!(error_with("/format", json!("bert")).contains("\"bert\""));
        assert!(error_with("/format_version", json!(4)).contains("version 4"));
        assert!(error_with("/format_version", json!("1")).contains("version \"1\""));
        let other = PackageConfig::parse(br#"{"model_type": "bert"}"#).unwrap_err();
        assert!(other.to_string().contains("format none"));
        let broken = PackageConfig::parse(b"{\"format\": ").unwrap_err();
        assert!(matches!(broken, PackageError::Damaged { .. }));
    }

    #[test]
    fn settings_that_cannot_be_honoured_are_refused() {
        assert!(error_with("/preprocessing/resample", json!("bilinear")).contains("lanczos"));
        assert!(error_with("/preprocessing/size", json!(224)).contains("256"));
        assert!(error_with("/preprocessing/mean/0", json!(0.5)).contains("mean"));
        assert!(error_with("/model/restorer/patch", json!(0)).contains("patch"));
        assert!(error_with("/model/image_size", json!(1_000_000)).contains("image_size"));
        assert!(error_with("/model/backbone/kind", json!("vgg")).contains("vgg"));
        assert!(error_with("/dtype", json!("q4")).contains("q4"));
        assert!(error_with("/name", json!(7)).contains("line"));
    }
}
