//! Model packages for tests: read from a folder, made on the spot, and spoilt on purpose.

use anyhow::{Context, Result};
use burn::tensor::Device;
use fsr::calibration::{Calibration, CalibrationSource};
use fsr::config::{BackboneConfig, BackboneKind, ModelConfig, RestorerConfig, StridePlacement};
use fsr::detector::Detector;
use fsr::map::ScoreKind;
use fsr::model::Fsr;
use fsr::package::{DEFAULT_SHARD_BYTES, Dtype, Package, PackageConfig, SelfTest};
use fsr::recipe::Recipe;
use fsr::tensors::{HostTensor, NamedTensors, shapes};
use image::RgbImage;
use image::imageops::rotate90;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A package's files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// All files of a folder.
pub fn read_folder(folder: &Path) -> Result<Files> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files = Files::new();
    for entry in entries {
        let path = entry?.path();
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            files.insert(name.to_string_lossy().into_owned(), std::fs::read(&path)?);
        }
    }
    Ok(files)
}

/// Writes the files into a folder, made if need be; their paths.
pub fn write_folder(folder: &Path, files: &Files) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    files
        .iter()
        .map(|(name, bytes)| {
            let path = folder.join(name);
            std::fs::write(&path, bytes)?;
            Ok(path)
        })
        .collect()
}

/// A whole package around an untrained model small enough for a software GPU: lite backbone, 64 pixels.
pub fn tiny(name: &str, seed: u64) -> Result<Package> {
    untrained(name, tiny_config(), seed)
}

/// The files of [`tiny`].
pub fn tiny_files(name: &str, seed: u64) -> Result<Files> {
    files_of(&tiny(name, seed)?, None)
}

/// The native program's reading of a package's files.
pub fn detector_of(files: &Files) -> Result<Detector> {
    let package = Package::read(files)?;
    Ok(Detector::from_package(&package, &Device::flex())?)
}

/// The smallest model that has every part: 64 pixels, 16 tokens, two blocks.
pub fn tiny_config() -> ModelConfig {
    ModelConfig {
        image_size: 64,
        backbone: BackboneConfig {
            kind: BackboneKind::Lite,
            stride: StridePlacement::V1_5,
        },
        restorer: RestorerConfig {
            kind: Default::default(),
            patch: 4,
            width: 32,
            depth: 2,
            heads: 4,
            mlp_ratio: 2,
        },
    }
}

/// A whole package, calibration and self-test included, around a model that has learnt nothing.
///
/// Its judgements mean nothing; its arithmetic is that of every other model.
pub fn untrained(name: &str, config: ModelConfig, seed: u64) -> Result<Package> {
    let device = Device::flex();
    let side = config.image_size as u32;
    let recipe = Recipe::official();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let backbone = random_backbone(&config.backbone, &device, &mut rng);
    let model = Fsr::untrained(&config, &recipe, &backbone, seed, &device)?;
    let tensors = pollster::block_on(model.tensors())?;
    let mut package = Package {
        config: PackageConfig::new(name, config, recipe),
        tensors,
        self_test: None,
    };
    let detector = Detector::from_package(&package, &device)?;
    let good = crate::hostile::picture(side, side);
    let maps = pollster::block_on(detector.anomaly_maps(&[good.clone(), rotate90(&good)]))?;
    package.config.calibration =
        Calibration::from_good_maps(&maps, ScoreKind::Std, CalibrationSource::HeldOut);
    package.self_test = Some(self_test(&detector, good)?);
    Ok(package)
}

/// A backbone whose weights depend on the seed alone; Burn's own initialisation would be another each time.
/// Random folded weights of a backbone, small enough that its output stays finite.
pub fn random_backbone(
    config: &BackboneConfig,
    device: &Device,
    rng: &mut ChaCha8Rng,
) -> NamedTensors {
    shapes(&config.init(device))
        .into_iter()
        .map(|(name, shape)| {
            let fan_in: usize = shape.iter().skip(1).product();
            let bound = 0.6 * (6.0 / fan_in.max(1) as f32).sqrt().min(0.5);
            let values = (0..shape.iter().product())
                .map(|_| rng.random_range(-bound..bound))
                .collect();
            (name, HostTensor { shape, values })
        })
        .collect()
}

fn self_test(detector: &Detector, image: RgbImage) -> Result<SelfTest> {
    let inspection = pollster::block_on(detector.inspect(&image))?;
    Ok(SelfTest {
        image,
        map: inspection.map,
        scores: inspection.scores,
    })
}

/// The package's files with weights in f32, in shards when `shard_bytes` is smaller than the model.
pub fn files_of(package: &Package, shard_bytes: Option<usize>) -> Result<Files> {
    let shard_bytes = shard_bytes.unwrap_or(DEFAULT_SHARD_BYTES);
    Ok(package
        .write(Dtype::F32, shard_bytes)?
        .into_iter()
        .collect())
}

/// The same files with `f` applied to one tensor's bytes in `model.safetensors`: `(shape, little-endian f32 bytes)`.
pub fn spoil_tensor(
    files: &Files,
    tensor: &str,
    f: impl FnOnce(&mut Vec<usize>, &mut Vec<u8>),
) -> Result<Files> {
    use safetensors::SafeTensors;
    use safetensors::tensor::TensorView;
    let bytes = files
        .get("model.safetensors")
        .context("no model.safetensors")?;
    let stored = SafeTensors::deserialize(bytes)?;
    let found = stored
        .tensor(tensor)
        .with_context(|| format!("no tensor {tensor}"))?;
    let (mut shape, mut data) = (found.shape().to_vec(), found.data().to_vec());
    f(&mut shape, &mut data);
    let spoilt = TensorView::new(found.dtype(), shape, &data)?;
    let all = stored.tensors().into_iter().map(|(name, view)| {
        let view = if name == tensor { spoilt.clone() } else { view };
        (name, view)
    });
    let bytes = safetensors::serialize(all, None)?;
    let mut files = files.clone();
    files.insert("model.safetensors".into(), bytes);
    Ok(files)
}
