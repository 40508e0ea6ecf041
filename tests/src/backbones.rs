//! Weight files of backbones as torchvision names them, made here: whole, in any number type, and spoilt on purpose.

#![allow(clippy::unwrap_used)]

use burn::tensor::Device;
use fsr::config::{BackboneConfig, BackboneKind, StridePlacement};
use fsr::tensors::{HostTensor, NamedTensors, shapes};
use half::{bf16, f16};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// The tensors of a network with random weights, norms unfolded, and a classifier behind it.
pub fn random(kind: BackboneKind, seed: u64) -> NamedTensors {
    let config = BackboneConfig {
        kind,
        stride: StridePlacement::V1_5,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut tensor = |shape: Vec<usize>, low: f32, high: f32| HostTensor {
        values: (0..shape.iter().product())
            .map(|_| rng.random_range(low..high))
            .collect(),
        shape,
    };
    let mut file = NamedTensors::new();
    for (path, shape) in shapes(&config.init(&Device::flex())) {
        let Some(module) = path.strip_suffix(".weight") else {
            continue;
        };
        let (conv, norm) = match module.strip_suffix("downsample") {
            Some(block) => (
                format!("{block}downsample.0"),
                format!("{block}downsample.1"),
            ),
            None => (module.to_string(), module.replace("conv", "bn")),
        };
        let channels = shape[0];
        let bound = 0.6 * (6.0 / shape[1..].iter().product::<usize>() as f32).sqrt();
        for (part, low, high) in [
            ("weight", 0.5, 1.0),
            ("bias", -0.2, 0.2),
            ("running_mean", -0.2, 0.2),
            ("running_var", 0.5, 2.0),
        ] {
            file.insert(format!("{norm}.{part}"), tensor(vec![channels], low, high));
        }
        file.insert(format!("{conv}.weight"), tensor(shape, -bound, bound));
    }
    file.insert("fc.weight".into(), tensor(vec![10, 8], -1.0, 1.0));
    file
}

/// The tensors as a `.safetensors` file of one number type, with the counters that PyTorch keeps beside norms.
pub fn file(tensors: &NamedTensors, dtype: Dtype) -> Vec<u8> {
    let encode = |value: f32| -> Vec<u8> {
        match dtype {
            Dtype::F16 => f16::from_f32(value).to_le_bytes().to_vec(),
            Dtype::BF16 => bf16::from_f32(value).to_le_bytes().to_vec(),
            Dtype::I8 => (127.0 * value).to_le_bytes()[..1].to_vec(),
            _ => value.to_le_bytes().to_vec(),
        }
    };
    let mut stored: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, tensor)| {
            let bytes = tensor.values.iter().flat_map(|value| encode(*value));
            (name.clone(), dtype, tensor.shape.clone(), bytes.collect())
        })
        .collect();
    if tensors.contains_key("bn1.weight") {
        let counter = "bn1.num_batches_tracked".to_owned();
        stored.push((counter, Dtype::I64, vec![], 7u64.to_le_bytes().to_vec()));
    }
    let views = stored.iter().map(|(name, dtype, shape, bytes)| {
        let view = TensorView::new(*dtype, shape.clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    safetensors::serialize(views, None).unwrap()
}
