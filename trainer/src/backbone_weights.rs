//! `--backbone-weights`: a weight file, the backbone of another model, or random values.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use fsr::config::{BackboneConfig, BlockKind};
use fsr::model::BACKBONE_PREFIX;
use fsr::package::WeightsOrigin;
use fsr::tensors::{HostTensor, NamedTensors, shapes};
use fsr::weights;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

use crate::dataset::manifest::bytes_sha256;
use crate::{pytorch, store};

/// The word that asks for an untrained backbone.
const RANDOM: &str = "random";

/// Folded tensors for a backbone, and where they come from (`None` for random ones).
///
/// `source` is a `.safetensors` or `.pth` file with torchvision or timm names, a run or model
/// package whose backbone is to be used, or `random` (He et al. 2015; reproducible from `seed`).
///
/// # Errors
/// Names the file and the tensors that do not fit.
pub fn load(
    source: &Path,
    config: &BackboneConfig,
    seed: u64,
) -> Result<(NamedTensors, Option<WeightsOrigin>)> {
    if source.as_os_str() == RANDOM {
        return Ok((random(config, seed)?, None));
    }
    if source.is_dir() {
        let package = store::read(source)?;
        let found = package.config.model.backbone;
        if found != *config {
            bail!(
                "{} has a {} backbone (stride {}), not {} (stride {}); give --backbone {} or other weights",
                source.display(),
                found.kind,
                found.stride,
                config.kind,
                config.stride,
                found.kind
            );
        }
        let tensors = package.tensors.iter().filter_map(|(name, tensor)| {
            Some((
                name.strip_prefix(BACKBONE_PREFIX)?.to_string(),
                tensor.clone(),
            ))
        });
        // The backbone keeps the name of the file it first came from.
        return Ok((
            tensors.collect(),
            package.config.provenance.backbone_weights.clone(),
        ));
    }
    let bytes = fs::read(source)
        .with_context(|| format!("cannot read --backbone-weights {}", source.display()))?;
    let file = if weights::is_pytorch_checkpoint(&bytes) {
        pytorch::read(source)
    } else {
        weights::read(&bytes)
    };
    let folded = file.and_then(|file| weights::fold(file, config, &Device::flex()));
    let folded =
        folded.with_context(|| format!("cannot use --backbone-weights {}", source.display()))?;
    let name = source
        .file_name()
        .unwrap_or(source.as_os_str())
        .to_string_lossy();
    let sha256 = bytes_sha256(&bytes);
    Ok((
        folded,
        Some(WeightsOrigin {
            name: name.into_owned(),
            sha256,
        }),
    ))
}

/// SHA-256 of what [`load`] would read, without reading tensors; `None` for a package that does not
/// know where its backbone comes from.
///
/// # Errors
/// When the file or package cannot be read.
pub fn sha256(source: &Path, config: &BackboneConfig) -> Result<Option<String>> {
    if source.is_dir() {
        return Ok(load(source, config, 0)?.1.map(|origin| origin.sha256));
    }
    let bytes = fs::read(source)
        .with_context(|| format!("cannot read --backbone-weights {}", source.display()))?;
    Ok(Some(bytes_sha256(&bytes)))
}

/// Normal with variance 2 / fan-in for convolutions, zero biases. The last convolution of a residual
/// block is ten times smaller, so that values do not double with every block.
fn random(config: &BackboneConfig, seed: u64) -> Result<NamedTensors> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let last = match config.kind.block() {
        BlockKind::Basic => ".conv2.weight",
        BlockKind::Bottleneck => ".conv3.weight",
    };
    shapes(&config.init(&Device::flex()))
        .into_iter()
        .map(|(name, shape)| {
            let length: usize = shape.iter().product();
            let fan_in: usize = shape.iter().skip(1).product();
            if shape.len() == 1 {
                return Ok((name, HostTensor::full(shape, 0.0)));
            }
            let scale = if name.ends_with(last) { 0.1 } else { 1.0 };
            let normal = Normal::new(0.0f32, scale * (2.0 / fan_in as f32).sqrt())
                .context("initial weights")?;
            let values = normal.sample_iter(&mut rng).take(length).collect();
            Ok((name, HostTensor { shape, values }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use fsr::config::{BackboneKind, StridePlacement};

    #[test]
    fn random_weights_follow_the_seed_and_fit_the_network() {
        let config = BackboneConfig {
            kind: BackboneKind::Lite,
            stride: StridePlacement::V1_5,
        };
        let (first, _) = load(Path::new("random"), &config, 1).unwrap();
        assert_eq!(first, load(Path::new("random"), &config, 1).unwrap().0);
        assert_ne!(first, load(Path::new("random"), &config, 2).unwrap().0);
        let names: Vec<String> = shapes(&config.init(&Device::flex()))
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert!(names.iter().all(|name| first.contains_key(name)));
    }

    #[test]
    fn a_file_that_is_not_there_or_no_weights_is_named() {
        let config = BackboneConfig {
            kind: BackboneKind::Resnet18,
            stride: StridePlacement::V1_5,
        };
        let error = |path: &Path| format!("{:#}", load(path, &config, 1).unwrap_err());
        assert!(error(Path::new("absent.safetensors")).contains("absent.safetensors"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text.safetensors");
        fs::write(&path, "not weights").unwrap();
        let message = error(&path);
        assert!(
            message.contains("text.safetensors") && message.contains("not a readable weight file"),
            "{message}"
        );
    }
}
