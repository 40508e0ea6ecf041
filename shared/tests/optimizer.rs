//! The named optimiser is Burn's AdamW to the last bit, and goes on where it was saved.

#![allow(clippy::unwrap_used)]

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};
use fsr::optimizer::NamedAdamW;
use fsr::recipe::Recipe;
use fsr::tensors::{NamedTensors, TensorError, export, import};
use pollster::block_on;

#[derive(Module, Debug)]
struct Pair {
    first: Linear,
    second: Linear,
}

fn device() -> Device {
    Device::flex().autodiff()
}

fn pair() -> Pair {
    let empty = Pair {
        first: LinearConfig::new(3, 4).init(&device()),
        second: LinearConfig::new(4, 2).init(&device()),
    };
    let mut named = block_on(export(&empty)).unwrap();
    for (place, value) in named
        .values_mut()
        .flat_map(|tensor| tensor.values.iter_mut())
        .enumerate()
    {
        *value = ((place * 37 % 19) as f32 - 9.0) / 10.0;
    }
    import(empty, &named, "").unwrap()
}

fn gradients(pair: &Pair, step: usize) -> GradientsParams {
    let values = (0..6).map(|i| (i * (step + 3) % 7) as f32 - 3.0).collect();
    let input: Tensor<2> = Tensor::from_data(TensorData::new(values, [2, 3]), &device());
    let output = pair.second.forward(pair.first.forward(input));
    GradientsParams::from_grads(output.square().mean().backward(), pair)
}

fn weights(pair: &Pair) -> NamedTensors {
    block_on(export(&pair.valid())).unwrap()
}

/// `steps` steps from the start.
fn trained(steps: usize) -> (Pair, NamedAdamW) {
    let (mut pair, mut optimizer) = (pair(), NamedAdamW::new(&Recipe::official()));
    for step in 0..steps {
        let gradients = gradients(&pair, step);
        pair = optimizer.step(1e-2, pair, gradients);
    }
    (pair, optimizer)
}

#[test]
fn steps_are_burns_own() {
    let recipe = Recipe::official();
    let mut burns = AdamWConfig::new()
        .with_beta_1(recipe.beta1)
        .with_beta_2(recipe.beta2)
        .with_epsilon(1e-8)
        .with_weight_decay(recipe.weight_decay)
        .init();
    let mut expected = pair();
    for step in 0..6 {
        let gradients = gradients(&expected, step);
        expected = burns.step(1e-2, expected, gradients);
    }
    assert_eq!(weights(&trained(6).0), weights(&expected));
    assert_ne!(weights(&trained(5).0), weights(&expected));
}

#[test]
fn saved_state_goes_on_bit_by_bit_and_is_checked() {
    let (half, optimizer) = trained(3);
    let (moments, steps) = block_on(optimizer.state()).unwrap();
    assert_eq!(moments.len(), 8);
    assert!(steps.values().all(|&count| count == 3));

    let mut again = NamedAdamW::new(&Recipe::official());
    let inner = Device::flex();
    again.restore(&half, &moments, &steps, &inner).unwrap();
    let mut pair = import(pair(), &weights(&half), "").unwrap();
    for step in 3..6 {
        let gradients = gradients(&pair, step);
        pair = again.step(1e-2, pair, gradients);
    }
    assert_eq!(weights(&pair), weights(&trained(6).0));

    let mut bad = moments.clone();
    bad.get_mut("first.weight.moment_2").unwrap().values[0] = f32::NAN;
    assert!(matches!(
        again.restore(&half, &bad, &steps, &inner),
        Err(TensorError::NotFinite { bad: 1, .. })
    ));
    bad.get_mut("first.weight.moment_2").unwrap().values.pop();
    assert!(matches!(
        again.restore(&half, &bad, &steps, &inner),
        Err(TensorError::Shape { .. })
    ));
    bad.remove("first.weight.moment_2");
    assert!(matches!(
        again.restore(&half, &bad, &steps, &inner),
        Err(TensorError::Missing(names)) if names == ["first.weight.moment_2"]
    ));
}
