//! PyTorch checkpoints (`.pth`, every container `torch.save` has written) as named tensors.

use std::path::Path;

use fsr::tensors::{HostTensor, NamedTensors};
use fsr::weights::WeightsError;
use half::{bf16, f16};
use pytorch_reader::{DType, PytorchReader};

/// Reads every float tensor; integers such as `num_batches_tracked` are passed over.
///
/// Names are the dotted paths through the checkpoint's dictionaries, so that weights under
/// `state_dict` or `model` are found as well.
///
/// # Errors
/// [`WeightsError::Unreadable`] with the reader's reason.
pub fn read(path: &Path) -> Result<NamedTensors, WeightsError> {
    let unreadable = |error: &dyn std::fmt::Display| WeightsError::Unreadable(error.to_string());
    let reader = PytorchReader::new(path).map_err(|error| unreadable(&error))?;
    let mut named = NamedTensors::new();
    for (name, tensor) in reader.tensors() {
        let decode: fn(&[u8]) -> Vec<f32> = match tensor.dtype() {
            DType::F32 => |bytes| floats::<4>(bytes, f32::from_le_bytes),
            DType::F64 => |bytes| floats::<8>(bytes, |value| f64::from_le_bytes(value) as f32),
            DType::F16 => |bytes| floats::<2>(bytes, |value| f16::from_le_bytes(value).to_f32()),
            DType::BF16 => |bytes| floats::<2>(bytes, |value| bf16::from_le_bytes(value).to_f32()),
            _ => continue,
        };
        let bytes = tensor.read().map_err(|error| unreadable(&error))?;
        named.insert(
            name.clone(),
            HostTensor {
                shape: tensor.shape().to_vec(),
                values: decode(&bytes),
            },
        );
    }
    Ok(named)
}

fn floats<const N: usize>(bytes: &[u8], decode: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes
        .as_chunks::<N>()
        .0
        .iter()
        .map(|value| decode(*value))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_floats_of_every_width_with_strides_and_nesting() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny.pth");
        assert!(fsr::weights::is_pytorch_checkpoint(
            &std::fs::read(&path).unwrap()
        ));
        let named = read(&path).unwrap();
        let tensor = |end: &str| {
            let mut found = named.iter().filter(|(name, _)| name.ends_with(end));
            let (_, tensor) = found.next().unwrap();
            (tensor.shape.clone(), tensor.values.clone())
        };
        let weight = vec![0.5, 1.5, 2.5, -3.5, 4.5, 5.5];
        assert_eq!(tensor("layer.weight"), (vec![2, 3], weight));
        let turned = vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0];
        assert_eq!(tensor("layer.turned"), (vec![3, 2], turned));
        assert_eq!(tensor("layer.half"), (vec![2], vec![1.0, -0.25]));
        assert_eq!(named.len(), 3, "counters are no weights");
    }

    #[test]
    fn a_damaged_checkpoint_is_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.pth");
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny.pth");
        let bytes = std::fs::read(fixture).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(matches!(read(&path), Err(WeightsError::Unreadable(_))));
    }
}
