//! Backbone weights from torchvision- or timm-named files, batch norm folded into the convolutions.

mod contents;
mod recognise;

pub use contents::{Contents, LENGTH_BYTES, Place, Shapes};
pub use recognise::{Recognised, is_package, recognise};

use burn::tensor::Device;
use safetensors::Dtype;

use crate::config::{BackboneConfig, BackboneKind};
use crate::tensors::{HostTensor, NamedTensors, count, list, shapes};

/// Why a weight file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// Neither a safetensors file nor a PyTorch checkpoint, or a damaged one.
    #[error("this is not a readable weight file: {0}")]
    Unreadable(String),
    /// A type that weights do not have.
    #[error("tensor '{name}' is stored as {dtype}; weights must be F32, F16 or BF16")]
    Type {
        /// Its name.
        name: String,
        /// Its type in the file.
        dtype: String,
    },
    /// None of the networks that can be backbones.
    #[error("it holds none of the networks {}: {reason}", BackboneKind::ALL.map(BackboneKind::name).join(", "))]
    Unknown {
        /// What gave it away.
        reason: String,
    },
    /// A network of another architecture, or a part of one.
    #[error("the file does not hold a {architecture}: {} missing: {}{hint}", count(.names.len(), "tensor"), list(.names))]
    Missing {
        /// The architecture that was asked for.
        architecture: String,
        /// Tensors that the file lacks.
        names: Vec<String>,
        /// What the file may be instead.
        hint: String,
    },
    /// A tensor of another shape than the architecture has.
    #[error(
        "tensor '{name}' has shape {found:?}, but a {architecture} has {expected:?} there; was the file made for another backbone?"
    )]
    Shape {
        /// Its name.
        name: String,
        /// The architecture that was asked for.
        architecture: String,
        /// Shape that the architecture has.
        expected: Vec<usize>,
        /// Shape in the file.
        found: Vec<usize>,
    },
    /// NaN or infinite weights.
    #[error(
        "tensor '{name}' holds {bad} values that are not finite (NaN or infinite); the file is damaged"
    )]
    NotFinite {
        /// Its name.
        name: String,
        /// How many.
        bad: usize,
    },
}

/// Reads every float tensor of a `.safetensors` file.
///
/// Integer tensors such as `num_batches_tracked` are passed over. PyTorch's `.pth` is a zip around
/// a pickle that wants a file system: the native program reads it, and hands the tensors to [`fold`].
///
/// # Errors
/// [`WeightsError::Unreadable`] and [`WeightsError::Type`].
pub fn read(bytes: &[u8]) -> Result<NamedTensors, WeightsError> {
    let mut named = NamedTensors::new();
    for place in Contents::of(bytes)?.places() {
        // The contents are checked against the file's length.
        let data = &bytes[place.bytes.start as usize..place.bytes.end as usize];
        if let Some(tensor) = decode(&place, data)? {
            named.insert(place.name, tensor);
        }
    }
    Ok(named)
}

/// A tensor from its bytes in a file; `None` for integers, which are no weights.
///
/// # Errors
/// [`WeightsError::Type`].
pub fn decode(place: &Place, data: &[u8]) -> Result<Option<HostTensor>, WeightsError> {
    let values = match place.dtype {
        Dtype::F32 => floats::<4>(data, f32::from_le_bytes),
        Dtype::F16 => floats::<2>(data, |bytes| half::f16::from_le_bytes(bytes).to_f32()),
        Dtype::BF16 => floats::<2>(data, |bytes| half::bf16::from_le_bytes(bytes).to_f32()),
        Dtype::F64 => floats::<8>(data, |bytes| f64::from_le_bytes(bytes) as f32),
        Dtype::I64 | Dtype::I32 | Dtype::U64 | Dtype::U32 => return Ok(None),
        other => {
            return Err(WeightsError::Type {
                name: place.name.clone(),
                dtype: format!("{other:?}"),
            });
        }
    };
    Ok(Some(HostTensor {
        shape: place.shape.clone(),
        values,
    }))
}

/// Whether a file starts like a PyTorch checkpoint: a zip archive, or a bare pickle.
pub fn is_pytorch_checkpoint(bytes: &[u8]) -> bool {
    // A safetensors file may begin with the same two bytes; then they are of a length below 4 GB.
    let is_length = || bytes.get(4..8) == Some(&[0; 4]);
    bytes.starts_with(b"PK\x03\x04") || (bytes.starts_with(&[0x80, 0x02]) && !is_length())
}

fn floats<const N: usize>(data: &[u8], decode: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    data.as_chunks::<N>()
        .0
        .iter()
        .map(|chunk| decode(*chunk))
        .collect()
}

/// Turns a file's tensors into those of [`crate::backbone::ResNet`]: picks the stem and three
/// stages, folds each batch norm into the convolution before it.
///
/// With weight `W`, norm scale γ, shift β, mean μ, variance σ² and ε = 1e-5 the folded
/// convolution has `W·γ/√(σ²+ε)` and bias `β + (b − μ)·γ/√(σ²+ε)`.
/// Files without norms but with convolution biases (already folded) are taken as they are.
/// Prefixes such as `module.` or `backbone.` are recognised. The values are moved, not copied: a file's weights are
/// in memory once.
///
/// # Errors
/// Names every tensor that is missing, or the first of a wrong shape or with NaN.
pub fn fold(
    mut file: NamedTensors,
    config: &BackboneConfig,
    device: &Device,
) -> Result<NamedTensors, WeightsError> {
    const EPSILON: f32 = 1e-5;
    let architecture = config.kind.to_string();
    let prefix = prefix_of(file.keys());
    let looks_like = hint(&file);
    let network = config.init(device);
    let wanted = shapes(&network);
    let mut folded = NamedTensors::new();
    let mut missing = Vec::new();

    for (path, shape) in wanted.iter().filter(|(path, _)| path.ends_with(".weight")) {
        let module = path.trim_end_matches(".weight");
        let (conv, norm) = names_in_file(&prefix, module);
        let Some(weight) = file.remove(&format!("{conv}.weight")) else {
            missing.push(format!("{conv}.weight"));
            continue;
        };
        check(&format!("{conv}.weight"), &weight, shape, &architecture)?;
        let channels = shape[0];
        let vector = |name: String| match file.get(&name) {
            Some(tensor) => {
                check(&name, tensor, &[channels], &architecture).map(|()| Some(&tensor.values))
            }
            None => Ok(None),
        };
        let bias = vector(format!("{conv}.bias"))?;
        let mut statistics = Vec::new();
        for part in ["weight", "bias", "running_mean", "running_var"] {
            statistics.push(vector(format!("{norm}.{part}"))?);
        }
        let mut values = weight.values;
        let per_filter = values.len() / channels;
        let mut shift = bias.cloned().unwrap_or_else(|| vec![0.0; channels]);
        match statistics[..] {
            [Some(gamma), Some(beta), Some(mean), Some(variance)] => {
                for (channel, filter) in values.chunks_exact_mut(per_filter).enumerate() {
                    let scale = gamma[channel] / (variance[channel] + EPSILON).sqrt();
                    filter.iter_mut().for_each(|value| *value *= scale);
                    shift[channel] = beta[channel] + (shift[channel] - mean[channel]) * scale;
                }
            }
            [None, None, None, None] if bias.is_some() => {}
            _ => {
                let parts = ["weight", "bias", "running_mean", "running_var"];
                missing.extend(
                    parts
                        .iter()
                        .zip(&statistics)
                        .filter(|(_, found)| found.is_none())
                        .map(|(part, _)| format!("{norm}.{part}")),
                );
                continue;
            }
        }
        folded.insert(
            path.clone(),
            HostTensor {
                shape: shape.clone(),
                values,
            },
        );
        folded.insert(
            format!("{module}.bias"),
            HostTensor {
                shape: vec![channels],
                values: shift,
            },
        );
    }
    if missing.is_empty() {
        Ok(folded)
    } else {
        Err(WeightsError::Missing {
            architecture,
            names: missing,
            hint: looks_like,
        })
    }
}

/// What stands before the names of a network's tensors.
fn prefix_of<'a>(mut names: impl Iterator<Item = &'a String>) -> String {
    let prefix = names.find_map(|name| name.strip_suffix("layer1.0.conv1.weight"));
    prefix.unwrap_or_default().to_string()
}

/// A convolution's name in the file, and that of the norm behind it.
fn names_in_file(prefix: &str, module: &str) -> (String, String) {
    if let Some(block) = module.strip_suffix(".downsample") {
        // Already folded files have `downsample` itself as the convolution, like this crate's packages.
        return (
            format!("{prefix}{block}.downsample.0"),
            format!("{prefix}{block}.downsample.1"),
        );
    }
    let (block, index) = module.rsplit_once("conv").unwrap_or((module, ""));
    (
        format!("{prefix}{module}"),
        format!("{prefix}{block}bn{index}"),
    )
}

fn check(
    name: &str,
    tensor: &HostTensor,
    expected: &[usize],
    architecture: &str,
) -> Result<(), WeightsError> {
    if tensor.shape != expected || tensor.values.len() != expected.iter().product::<usize>() {
        return Err(WeightsError::Shape {
            name: name.into(),
            architecture: architecture.into(),
            expected: expected.to_vec(),
            found: tensor.shape.clone(),
        });
    }
    match tensor
        .values
        .iter()
        .filter(|value| !value.is_finite())
        .count()
    {
        0 => Ok(()),
        bad => Err(WeightsError::NotFinite {
            name: name.into(),
            bad,
        }),
    }
}

fn hint(file: &NamedTensors) -> String {
    if file.is_empty() {
        return " (the file holds no tensors)".into();
    }
    let blocks = |stage: usize| {
        file.keys()
            .filter_map(|name| {
                name.split(&format!("layer{stage}."))
                    .nth(1)?
                    .split('.')
                    .next()?
                    .parse::<usize>()
                    .ok()
            })
            .max()
            .map_or(0, |last| last + 1)
    };
    let bottleneck = file.keys().any(|name| name.contains("layer1.0.conv3"));
    match ([blocks(1), blocks(2), blocks(3)], bottleneck) {
        ([2, 2, 2], false) => " (it looks like resnet18 or lite)".into(),
        ([3, 4, 6], false) => " (it looks like resnet34)".into(),
        ([3, 4, 6], true) => " (it looks like resnet50 or wide_resnet50_2)".into(),
        _ => format!(
            " (its first tensor is '{}')",
            file.keys().next().map_or("", String::as_str)
        ),
    }
}

/// Writes tensors as single-precision `.safetensors` bytes.
///
/// # Errors
/// [`WeightsError::Unreadable`] when the format cannot hold them (a shape that is not that of its values).
pub fn write(
    tensors: &NamedTensors,
    metadata: &std::collections::BTreeMap<String, String>,
) -> Result<Vec<u8>, WeightsError> {
    let refused = |error: safetensors::SafeTensorError| WeightsError::Unreadable(error.to_string());
    let bytes: Vec<(&String, &HostTensor, Vec<u8>)> = tensors
        .iter()
        .map(|(name, tensor)| {
            (
                name,
                tensor,
                tensor
                    .values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect(),
            )
        })
        .collect();
    let mut views = Vec::with_capacity(bytes.len());
    for (name, tensor, data) in &bytes {
        let view = safetensors::tensor::TensorView::new(Dtype::F32, tensor.shape.clone(), data)
            .map_err(refused)?;
        views.push((*name, view));
    }
    safetensors::serialize(views, Some(metadata.clone().into_iter().collect())).map_err(refused)
}
