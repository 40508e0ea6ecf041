//! Named tensors to and from safetensors files.
//!
//! A tensor in 8 bits is stored as an I8 tensor of its shape and an F16 tensor `<name>.scale` of one
//! scale per block.

use std::borrow::Cow;
use std::collections::HashMap;

use half::{bf16, f16};
use safetensors::tensor::{Dtype as StoredType, TensorView};
use safetensors::{SafeTensors, View};

use super::{Dtype, PackageError, dequantise, quantise};
use crate::tensors::{HostTensor, NamedTensors};

/// Tensors with fewer values stay f32 in every format: they weigh little and matter much.
const SMALL: usize = 1024;

/// What the name of a tensor's scales ends with.
const SCALE_SUFFIX: &str = ".scale";

/// A tensor ready to be written.
pub(super) struct StoredTensor<'a> {
    dtype: StoredType,
    shape: Vec<usize>,
    data: Cow<'a, [u8]>,
}

impl View for &StoredTensor<'_> {
    fn dtype(&self) -> StoredType {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.data)
    }
    fn data_len(&self) -> usize {
        self.data.len()
    }
}

impl StoredTensor<'_> {
    pub fn bytes(&self) -> usize {
        self.data.len()
    }
}

/// A model's tensor as one stored tensor, or two for [`Dtype::Q8`].
///
/// Tensors that a format cannot hold — too large for f16 — are stored as f32 instead.
pub(super) fn to_stored<'a>(
    name: &str,
    tensor: &'a HostTensor,
    dtype: Dtype,
) -> Result<Vec<(String, StoredTensor<'a>)>, PackageError> {
    if Some(tensor.values.len()) != element_count(&tensor.shape) {
        return Err(PackageError::tensor(
            "the model",
            name,
            format!(
                "{} values do not have shape {:?}",
                tensor.values.len(),
                tensor.shape
            ),
        ));
    }
    check_finite(name, &tensor.values)?;
    let stored = |dtype, data| StoredTensor {
        dtype,
        shape: tensor.shape.clone(),
        data,
    };
    let small = tensor.shape.len() < 2 || tensor.values.len() < SMALL;
    match dtype {
        Dtype::F16 if !small => {
            let halves: Vec<f16> = tensor.values.iter().map(|&v| f16::from_f32(v)).collect();
            if halves.iter().all(|half| half.is_finite()) {
                let data = little_endian(&halves, |half| half.to_le_bytes());
                return Ok(vec![(name.into(), stored(StoredType::F16, data.into()))]);
            }
        }
        Dtype::Q8 if !small => {
            if let Some(quantised) = quantise(&tensor.values) {
                let scales = StoredTensor {
                    dtype: StoredType::F16,
                    shape: vec![quantised.scales.len()],
                    data: little_endian(&quantised.scales, |scale| scale.to_le_bytes()).into(),
                };
                let data: Vec<u8> = quantised.values.iter().map(|&v| v as u8).collect();
                return Ok(vec![
                    (name.into(), stored(StoredType::I8, data.into())),
                    (format!("{name}{SCALE_SUFFIX}"), scales),
                ]);
            }
        }
        _ => {}
    }
    let data = little_endian(&tensor.values, |value| value.to_le_bytes());
    Ok(vec![(name.into(), stored(StoredType::F32, data.into()))])
}

/// Writes stored tensors as one file.
pub(super) fn to_file(tensors: &[(String, StoredTensor<'_>)]) -> Result<Vec<u8>, PackageError> {
    // One entry only: a hash map with more would have no fixed order, and equal models unequal files.
    let metadata = HashMap::from([("format".to_owned(), super::FORMAT.to_owned())]);
    let views = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
    safetensors::serialize(views, Some(metadata))
        .map_err(|error| PackageError::damaged("the model", error))
}

/// Writes tensors as one safetensors file.
///
/// # Errors
/// Values that are not finite, or fewer or more of them than the shape says.
pub fn encode_tensors(named: &NamedTensors, dtype: Dtype) -> Result<Vec<u8>, PackageError> {
    let mut stored = Vec::new();
    for (name, tensor) in named {
        stored.extend(to_stored(name, tensor, dtype)?);
    }
    to_file(&stored)
}

/// Reads all tensors of a safetensors file as f32.
///
/// `file` is its name, for error messages. F32, F16, BF16 and the 8-bit blocks of this module are read.
///
/// # Errors
/// A header that does not fit the file, other number types, scales that do not fit, values that are
/// not finite.
pub fn decode_tensors(file: &str, bytes: &[u8]) -> Result<NamedTensors, PackageError> {
    Ok(decode_stored(file, bytes)?.0)
}

/// As [`decode_tensors`], with the names of all stored tensors, scales included.
pub(super) fn decode_stored(
    file: &str,
    bytes: &[u8],
) -> Result<(NamedTensors, Vec<String>), PackageError> {
    let stored =
        SafeTensors::deserialize(bytes).map_err(|error| PackageError::damaged(file, error))?;
    let mut named = NamedTensors::new();
    let mut names = Vec::with_capacity(stored.len());
    for (name, view) in stored.iter() {
        names.push(name.to_owned());
        let values = match view.dtype() {
            StoredType::F16 if scales_another(&stored, name) => continue,
            StoredType::I8 => read_quantised(file, &stored, name, &view)?,
            _ => read_floats(file, name, &view)?,
        };
        check_finite(name, &values)?;
        let shape = view.shape().to_vec();
        named.insert(name.to_owned(), HostTensor { shape, values });
    }
    names.sort_unstable();
    Ok((named, names))
}

/// Whether `name` holds the scales of an 8-bit tensor of the same file.
fn scales_another(stored: &SafeTensors<'_>, name: &str) -> bool {
    name.strip_suffix(SCALE_SUFFIX)
        .and_then(|owner| stored.tensor(owner).ok())
        .is_some_and(|owner| owner.dtype() == StoredType::I8)
}

fn read_quantised(
    file: &str,
    stored: &SafeTensors<'_>,
    name: &str,
    view: &TensorView<'_>,
) -> Result<Vec<f32>, PackageError> {
    let scales = stored
        .tensor(&format!("{name}{SCALE_SUFFIX}"))
        .map_err(|_| PackageError::tensor(file, name, "its scales are missing"))?;
    if scales.dtype() != StoredType::F16 {
        return Err(PackageError::tensor(file, name, "its scales are not F16"));
    }
    let (halves, _) = scales.data().as_chunks::<2>();
    let halves: Vec<f16> = halves
        .iter()
        .map(|bytes| f16::from_le_bytes(*bytes))
        .collect();
    let integers: Vec<i8> = view.data().iter().map(|&byte| byte as i8).collect();
    dequantise(&integers, &halves).ok_or_else(|| {
        let reason = format!(
            "{} scales do not fit {} values",
            halves.len(),
            integers.len()
        );
        PackageError::tensor(file, name, reason)
    })
}

fn read_floats(file: &str, name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, PackageError> {
    fn each<const N: usize>(data: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        data.as_chunks::<N>()
            .0
            .iter()
            .map(|bytes| value(*bytes))
            .collect()
    }
    let data = view.data();
    match view.dtype() {
        StoredType::F32 => Ok(each(data, f32::from_le_bytes)),
        StoredType::F16 => Ok(each(data, |bytes| f16::from_le_bytes(bytes).to_f32())),
        StoredType::BF16 => Ok(each(data, |bytes| bf16::from_le_bytes(bytes).to_f32())),
        other => {
            let reason = format!("its number type {other:?} is not one of F32, F16, BF16 and I8");
            Err(PackageError::tensor(file, name, reason))
        }
    }
}

fn little_endian<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| bytes(value)).collect()
}

/// Product of the axes; `None` when it does not fit in memory.
pub(super) fn element_count(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1usize, |count, &axis| count.checked_mul(axis))
}

pub(super) fn check_finite(tensor: &str, values: &[f32]) -> Result<(), PackageError> {
    match values.iter().filter(|value| !value.is_finite()).count() {
        0 => Ok(()),
        bad => Err(PackageError::NotFinite {
            tensor: tensor.to_owned(),
            bad,
        }),
    }
}
