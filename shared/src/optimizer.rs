//! AdamW over a module's parameters, with a state that has names.
//!
//! Burn's own `ModuleOptimizer` keys its state by parameter identifiers, which are new in every
//! process, and loads it onto the default device, which is a GPU wherever one is compiled in. Here
//! Burn's [`AdamW`] makes each step, and the moments are kept by field path on the parameter's own
//! device, so that they can be written, checked and read back like weights.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::{
    AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, GradientsParams, Optimizer,
};
use burn::tensor::{Device, Tensor, TensorData};

use crate::recipe::Recipe;
use crate::tensors::{HostTensor, NamedTensors, TensorError, read, shapes};

/// What the name of a first moment ends with.
const FIRST: &str = ".moment_1";
/// What the name of a second moment ends with.
const SECOND: &str = ".moment_2";

/// The running moments of one parameter, flattened.
#[derive(Debug, Clone)]
struct Moments {
    steps: usize,
    first: Tensor<1>,
    second: Tensor<1>,
}

/// AdamW and the moments of every parameter it has seen a gradient of.
#[derive(Clone)]
pub struct NamedAdamW {
    rule: AdamW,
    moments: BTreeMap<String, Moments>,
}

impl NamedAdamW {
    /// A fresh optimiser with a recipe's decay rates.
    pub fn new(recipe: &Recipe) -> Self {
        let rule = AdamWConfig::new()
            .with_beta_1(recipe.beta1)
            .with_beta_2(recipe.beta2)
            .with_epsilon(1e-8)
            .with_weight_decay(recipe.weight_decay)
            .build();
        Self {
            rule,
            moments: BTreeMap::new(),
        }
    }

    /// One step on every parameter that has a gradient.
    pub fn step<M: Module>(&mut self, rate: f64, module: M, gradients: GradientsParams) -> M {
        module.map(&mut Step {
            path: Vec::new(),
            rate,
            gradients,
            optimizer: self,
        })
    }

    /// The moments as tensors `<parameter>.moment_1` and `.moment_2`, and the steps of each parameter.
    ///
    /// # Errors
    /// When the device does not give them back.
    pub async fn state(&self) -> Result<(NamedTensors, BTreeMap<String, usize>), TensorError> {
        let mut named = NamedTensors::new();
        let mut steps = BTreeMap::new();
        for (path, moments) in &self.moments {
            steps.insert(path.clone(), moments.steps);
            for (suffix, tensor) in [(FIRST, &moments.first), (SECOND, &moments.second)] {
                let name = format!("{path}{suffix}");
                let values = read(tensor.clone())
                    .await
                    .ok_or_else(|| TensorError::Unreadable(name.clone()))?;
                let shape = vec![values.len()];
                named.insert(name, HostTensor { shape, values });
            }
        }
        Ok((named, steps))
    }

    /// Takes up what [`Self::state`] gave, for the parameters of `module`.
    ///
    /// # Errors
    /// For moments that are missing, of another size, or not finite.
    pub fn restore(
        &mut self,
        module: &impl Module,
        named: &NamedTensors,
        steps: &BTreeMap<String, usize>,
        device: &Device,
    ) -> Result<(), TensorError> {
        let mut moments = BTreeMap::new();
        for (path, shape) in shapes(module) {
            let Some(&steps) = steps.get(&path) else {
                return Err(TensorError::Missing(vec![path + FIRST]));
            };
            let length = shape.iter().product();
            let moment = |suffix: &str| -> Result<Tensor<1>, TensorError> {
                let name = format!("{path}{suffix}");
                let Some(tensor) = named.get(&name) else {
                    return Err(TensorError::Missing(vec![name]));
                };
                if tensor.values.len() != length {
                    return Err(TensorError::Shape {
                        name,
                        expected: vec![length],
                        found: tensor.shape.clone(),
                    });
                }
                let bad = tensor.values.iter().filter(|v| !v.is_finite()).count();
                if bad > 0 {
                    return Err(TensorError::NotFinite { name, bad });
                }
                let data = TensorData::new(tensor.values.clone(), [length]);
                Ok(Tensor::from_data(data, device))
            };
            let (first, second) = (moment(FIRST)?, moment(SECOND)?);
            moments.insert(
                path,
                Moments {
                    steps,
                    first,
                    second,
                },
            );
        }
        self.moments = moments;
        Ok(())
    }
}

struct Step<'a> {
    path: Vec<String>,
    rate: f64,
    gradients: GradientsParams,
    optimizer: &'a mut NamedAdamW,
}

impl ModuleMapper for Step<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let path = self.path.join(".");
        let NamedAdamW { rule, moments } = &mut *self.optimizer;
        param.map(|tensor| {
            let shape = tensor.dims();
            let trained = tensor.is_require_grad();
            let state = moments.remove(&path).map(|known| {
                let mut momentum = AdaptiveMomentumState::new(
                    known.steps,
                    known.first.reshape(shape),
                    known.second.reshape(shape),
                );
                momentum.max_moment_2 = None;
                AdamWState::new(momentum)
            });
            let (updated, state) = rule.step(self.rate, tensor.inner(), gradient, state);
            if let Some(AdamWState { momentum }) = state {
                let length = shape.iter().product::<usize>();
                moments.insert(
                    path,
                    Moments {
                        steps: momentum.time,
                        first: momentum.moment_1.reshape([length]),
                        second: momentum.moment_2.reshape([length]),
                    },
                );
            }
            let updated = Tensor::from_inner(updated);
            if trained {
                updated.require_grad()
            } else {
                updated
            }
        })
    }
}
