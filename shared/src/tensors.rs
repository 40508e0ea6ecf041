//! Parameters by name: how a module's weights leave it and come back.
//!
//! Names are the paths of the module's fields, as in `blocks.0.attention.qkv.weight`.
//! Linear weights keep Burn's layout `[in, out]`, convolutions `[out, in, height, width]`.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

/// A tensor in host memory, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct HostTensor {
    /// Sizes of the axes, outermost first.
    pub shape: Vec<usize>,
    /// `shape.product()` values.
    pub values: Vec<f32>,
}

impl HostTensor {
    /// A tensor of one value everywhere.
    pub fn full(shape: Vec<usize>, value: f32) -> Self {
        let length = shape.iter().product();
        Self {
            shape,
            values: vec![value; length],
        }
    }
}

/// Tensors by name, in the order of their names.
pub type NamedTensors = BTreeMap<String, HostTensor>;

/// Why tensors do not fit a module. Every offender is named, the first few in full.
#[derive(Debug, Clone, thiserror::Error, PartialEq)]
pub enum TensorError {
    /// Parameters without a tensor.
    #[error("{} missing: {}", count(.0.len(), "tensor"), list(.0))]
    Missing(Vec<String>),
    /// A tensor of another shape than its parameter.
    #[error("tensor '{name}' has shape {found:?}, but the model needs {expected:?}")]
    Shape {
        /// Its name.
        name: String,
        /// Shape that the module needs.
        expected: Vec<usize>,
        /// Shape that was given.
        found: Vec<usize>,
    },
    /// NaN or infinite weights.
    #[error(
        "tensor '{name}' holds {bad} values that are not finite (NaN or infinite); the file is damaged or training diverged"
    )]
    NotFinite {
        /// Its name.
        name: String,
        /// How many.
        bad: usize,
    },
    /// The device refused to give its values back.
    #[error("tensor '{0}' could not be read from the device")]
    Unreadable(String),
}

pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun} is")
    } else {
        format!("{number} {noun}s are")
    }
}

pub(crate) fn list(names: &[String]) -> String {
    const SHOWN: usize = 6;
    let mut text = names
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > SHOWN {
        text += &format!(" and {} more", names.len() - SHOWN);
    }
    text
}

/// Names and shapes of a module's parameters, without computing anything.
pub fn shapes(module: &impl Module) -> Vec<(String, Vec<usize>)> {
    struct Shapes {
        path: Vec<String>,
        found: Vec<(String, Vec<usize>)>,
    }
    impl ModuleVisitor for Shapes {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_string());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.found
                .push((self.path.join("."), param.lazy_shape().to_vec()));
        }
    }
    let mut visitor = Shapes {
        path: Vec::new(),
        found: Vec::new(),
    };
    module.visit(&mut visitor);
    visitor.found
}

/// Number of scalar parameters.
pub fn parameter_count(module: &impl Module) -> usize {
    shapes(module)
        .iter()
        .map(|(_, shape)| shape.iter().product::<usize>())
        .sum()
}

/// All parameters of a module, read from its device.
///
/// # Errors
/// [`TensorError::Unreadable`] when the device fails.
pub async fn export(module: &impl Module) -> Result<NamedTensors, TensorError> {
    struct Collect {
        path: Vec<String>,
        found: Vec<(String, Vec<usize>, Tensor<1>)>,
    }
    impl ModuleVisitor for Collect {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_string());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val();
            let (shape, length) = (tensor.dims().to_vec(), tensor.shape().num_elements());
            self.found
                .push((self.path.join("."), shape, tensor.reshape([length])));
        }
    }
    let mut visitor = Collect {
        path: Vec::new(),
        found: Vec::new(),
    };
    module.visit(&mut visitor);
    let mut named = NamedTensors::new();
    for (name, shape, tensor) in visitor.found {
        let values = read(tensor)
            .await
            .ok_or_else(|| TensorError::Unreadable(name.clone()))?;
        named.insert(name, HostTensor { shape, values });
    }
    Ok(named)
}

/// A tensor's values in host memory, `None` when the device fails.
pub(crate) async fn read<const D: usize>(tensor: Tensor<D>) -> Option<Vec<f32>> {
    let data = tensor.into_data_async().await.ok()?;
    data.convert::<f32>().try_into_vec::<f32>().ok()
}

/// Fills every parameter of `module` from `named`, whose names carry `prefix` before the field path.
///
/// Tensors that the module does not have are left alone, so that one map can hold several modules.
///
/// # Errors
/// Missing tensors, wrong shapes, values that are not finite: all checked before anything is used.
pub fn import<M: Module>(module: M, named: &NamedTensors, prefix: &str) -> Result<M, TensorError> {
    check(&module, named, prefix)?;
    Ok(fill(module, prefix, |name| named.get(name).cloned()))
}

/// As [`import`], moving the values instead of copying them.
///
/// # Errors
/// As [`import`].
pub fn import_owned<M: Module>(
    module: M,
    mut named: NamedTensors,
    prefix: &str,
) -> Result<M, TensorError> {
    check(&module, &named, prefix)?;
    Ok(fill(module, prefix, |name| named.remove(name)))
}

fn check(module: &impl Module, named: &NamedTensors, prefix: &str) -> Result<(), TensorError> {
    let mut missing = Vec::new();
    for (path, expected) in shapes(module) {
        let name = format!("{prefix}{path}");
        let Some(tensor) = named.get(&name) else {
            missing.push(name);
            continue;
        };
        if tensor.shape != expected || tensor.values.len() != expected.iter().product::<usize>() {
            return Err(TensorError::Shape {
                name,
                expected,
                found: tensor.shape.clone(),
            });
        }
        let bad = tensor
            .values
            .iter()
            .filter(|value| !value.is_finite())
            .count();
        if bad > 0 {
            return Err(TensorError::NotFinite { name, bad });
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(TensorError::Missing(missing))
    }
}

/// A module whose parameters are what `tensor` gives for their names.
fn fill<M: Module>(module: M, prefix: &str, tensor: impl FnMut(&str) -> Option<HostTensor>) -> M {
    struct Fill<'a, F> {
        path: Vec<String>,
        prefix: &'a str,
        tensor: F,
    }
    impl<F: FnMut(&str) -> Option<HostTensor>> ModuleMapper for Fill<'_, F> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_string());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            match (self.tensor)(&format!("{}{}", self.prefix, self.path.join("."))) {
                Some(HostTensor { shape, values }) => {
                    let data = TensorData::new(values, shape);
                    let value = Tensor::from_data(data, &param.lazy_device());
                    let id = param.id;
                    param.transform_for_load(value, id)
                }
                None => param,
            }
        }
    }
    module.map(&mut Fill {
        path: Vec::new(),
        prefix,
        tensor,
    })
}

/// Names in `named` under `prefix` that `module` has no parameter for.
pub fn unexpected(module: &impl Module, named: &NamedTensors, prefix: &str) -> Vec<String> {
    let known: BTreeSet<String> = shapes(module)
        .into_iter()
        .map(|(path, _)| format!("{prefix}{path}"))
        .collect();
    named
        .keys()
        .filter(|name| name.starts_with(prefix) && !known.contains(*name))
        .cloned()
        .collect()
}
