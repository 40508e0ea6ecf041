//! The method against independent golden values (numpy, see `tests/fixtures/fsr_golden.json`).
#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Tensor, TensorData};
use fsr::config::RestorerConfig;
use fsr::features::fusion_matrix;
use fsr::loss::{cell_differences, restoration_loss};
use fsr::position::two_dimensional;
use fsr::recipe::{ChannelReduction, PositionKind, ShuffleCount};
use fsr::restorer::{Restorer, TokenGrid};
use fsr::score::untokenise;
use fsr::shuffle::shuffle_count;
use fsr::tensors::{HostTensor, NamedTensors};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("../fixtures/fsr_golden.json")).unwrap()
}

/// All numbers of a (nested) array.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f64], relative: f64) {
    assert_eq!(found.len(), expected.len());
    let scale = expected
        .iter()
        .fold(0.0f64, |most, value| most.max(value.abs()));
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(
            error <= relative * scale.max(1e-12),
            "at {index}: {found} instead of {expected}"
        );
    }
}

#[test]
fn position_embedding_is_that_of_mae() {
    let golden = &golden()["pos_embed_768_16"];
    let table = two_dimensional(16, 768);
    let sum: f64 = table.iter().map(|&value| f64::from(value)).sum();
    let squares: f64 = table.iter().map(|&value| f64::from(value).powi(2)).sum();
    assert_close(&[sum as f32], &numbers(&golden["sum"]), 1e-5);
    assert_close(&[squares as f32], &numbers(&golden["sumsq"]), 1e-5);
    let row = |index: usize, from: usize| &table[index * 768 + from..index * 768 + from + 4];
    for (name, index, from) in [
        ("row1_first4", 1, 0),
        ("row1_192_195", 1, 192),
        ("row1_384_387", 1, 384),
        ("row16_first4", 16, 0),
        ("row16_384_387", 16, 384),
        ("row255_last4", 255, 764),
    ] {
        assert_close(row(index, from), &numbers(&golden[name]), 1e-5);
    }
}

/// `M · x · Mᵀ` on the host in double precision.
fn separable(matrix: &[f32], x: &[f64], from: usize, to: usize) -> Vec<f32> {
    let weight = |source: usize, place: usize| f64::from(matrix[place * from + source]);
    (0..to * to)
        .map(|cell| {
            let (row, column) = (cell / to, cell % to);
            let mut sum = 0.0;
            for i in 0..from {
                for j in 0..from {
                    sum += weight(i, row) * weight(j, column) * x[i * from + j];
                }
            }
            sum as f32
        })
        .collect()
}

#[test]
fn fusion_matrix_is_resize_then_average() {
    let golden = golden();
    // At equal sizes only the average with counted padding is left.
    let pool = &golden["avgpool3_s1_p1_count_include_pad"];
    assert_close(
        &separable(&fusion_matrix(4, 4), &numbers(&pool["in"]), 4, 4),
        &numbers(&pool["out"]),
        1e-6,
    );

    // Resize 4→7 then average, against the golden resize averaged here by its definition.
    let resize = &golden["bilinear_ac_4to7"];
    let resized = numbers(&resize["out"]);
    let averaged: Vec<f64> = (0i32..49)
        .map(|cell| {
            let (row, column) = (cell / 7, cell % 7);
            let mut sum = 0.0;
            for i in row - 1..=row + 1 {
                for j in column - 1..=column + 1 {
                    if (0..7).contains(&i) && (0..7).contains(&j) {
                        sum += resized[(i * 7 + j) as usize];
                    }
                }
            }
            sum / 9.0
        })
        .collect();
    assert_close(
        &separable(&fusion_matrix(4, 7), &numbers(&resize["in"]), 4, 7),
        &averaged,
        1e-6,
    );
}

#[test]
fn shuffle_counts_are_those_of_code_and_paper() {
    let golden = golden();
    for (tau, counts) in golden["shuffle_count_L256"].as_object().unwrap() {
        let tau: f64 = tau.parse().unwrap();
        let expected = |name: &str| counts[name].as_u64().unwrap() as usize;
        assert_eq!(
            shuffle_count(256, tau, ShuffleCount::Code),
            expected("code_L-int(L*(1-s))"),
            "τ {tau}"
        );
        assert_eq!(
            shuffle_count(256, tau, ShuffleCount::Paper),
            expected("paper_int(L*s)"),
            "τ {tau}"
        );
    }
}

const CHANNELS: usize = 6;
const SIDE: usize = 8;
const PATCH: usize = 4;
const WIDTH: usize = 16;

/// `[C, H, W]` to tokens `[L, P·P·C]`.
fn tokens(map: &[f64]) -> Vec<f32> {
    let grid = SIDE / PATCH;
    let mut tokens = Vec::new();
    for token in 0..grid * grid {
        for cell in 0..PATCH * PATCH {
            let (row, column) = (
                token / grid * PATCH + cell / PATCH,
                token % grid * PATCH + cell % PATCH,
            );
            tokens.extend(
                (0..CHANNELS).map(|channel| map[(channel * SIDE + row) * SIDE + column] as f32),
            );
        }
    }
    tokens
}

fn tiny_restorer(golden: &Value, device: &Device) -> Restorer {
    let tensor = |name: &str| -> (Vec<usize>, Vec<f32>) {
        let tensor = &golden["weights"][name];
        let shape = tensor["shape"]
            .as_array()
            .unwrap()
            .iter()
            .map(|size| size.as_u64().unwrap() as usize)
            .collect();
        (
            shape,
            numbers(&tensor["data"])
                .into_iter()
                .map(|value| value as f32)
                .collect(),
        )
    };
    let vector = |name: &str| {
        let (shape, values) = tensor(name);
        HostTensor { shape, values }
    };
    // PyTorch's [out, in] to [in, out].
    let transposed = |(shape, values): (Vec<usize>, Vec<f32>)| {
        let (rows, columns) = (shape[0], values.len() / shape[0]);
        let values = (0..columns)
            .flat_map(|i| (0..rows).map(move |j| (i, j)))
            .map(|(i, j)| values[j * columns + i]);
        HostTensor {
            shape: vec![columns, rows],
            values: values.collect(),
        }
    };
    let mut named = NamedTensors::new();
    // The convolution's [D, C, p, q] becomes [(p, q, C), D].
    let (_, conv) = tensor("proj_w");
    let mut embed = Vec::new();
    for cell in 0..PATCH * PATCH {
        for channel in 0..CHANNELS {
            embed.extend(
                (0..WIDTH).map(|out| conv[(out * CHANNELS + channel) * PATCH * PATCH + cell]),
            );
        }
    }
    named.insert(
        "patch_embed.weight".into(),
        HostTensor {
            shape: vec![96, WIDTH],
            values: embed,
        },
    );
    named.insert("patch_embed.bias".into(), vector("proj_b"));
    for block in 0..2 {
        for (field, name) in [("norm1", "n1"), ("norm2", "n2")] {
            named.insert(
                format!("blocks.{block}.{field}.gamma"),
                vector(&format!("b{block}.{name}_w")),
            );
            named.insert(
                format!("blocks.{block}.{field}.beta"),
                vector(&format!("b{block}.{name}_b")),
            );
        }
        for (field, name) in [
            ("attention.qkv", "qkv"),
            ("attention.projection", "o"),
            ("fc1", "f1"),
            ("fc2", "f2"),
        ] {
            named.insert(
                format!("blocks.{block}.{field}.weight"),
                transposed(tensor(&format!("b{block}.{name}_w"))),
            );
            named.insert(
                format!("blocks.{block}.{field}.bias"),
                vector(&format!("b{block}.{name}_b")),
            );
        }
    }
    named.insert("norm.gamma".into(), vector("norm_w"));
    named.insert("norm.beta".into(), vector("norm_b"));
    named.insert("head.weight".into(), transposed(tensor("pred_w")));
    named.insert("head.bias".into(), vector("pred_b"));

    let config = RestorerConfig {
        kind: Default::default(),
        patch: PATCH,
        width: WIDTH,
        depth: 2,
        heads: 4,
        mlp_ratio: 4,
    };
    let grid = TokenGrid {
        side: SIDE / PATCH,
        width: PATCH * PATCH * CHANNELS,
    };
    Restorer::from_tensors(&config, grid, PositionKind::TwoD, &named, "", device).unwrap()
}

#[test]
fn tiny_fsr_end_to_end() {
    let golden = &golden()["tiny_fsr"];
    let device = Device::flex();
    let restorer = tiny_restorer(golden, &device);
    let input = tokens(&numbers(&golden["input"]));
    let features: Tensor<3> = Tensor::from_data(TensorData::new(input, [1, 4, 96]), &device);

    let embedded = restorer.embed(features.clone());
    let values = |tensor: Tensor<3>| tensor.into_data().try_into_vec::<f32>().unwrap();
    assert_close(
        &values(embedded),
        &numbers(&golden["tokens_after_patch_embed"]),
        1e-5,
    );

    let restored = restorer.forward(features.clone());
    let expected = tokens(&numbers(&golden["restored"]));
    let expected: Vec<f64> = expected.into_iter().map(f64::from).collect();
    assert_close(&values(restored.clone()), &expected, 1e-5);

    let (with_attention, maps) = restorer.forward_with_attention(features.clone());
    assert_close(&values(with_attention), &expected, 1e-5);
    assert_eq!(maps.len(), 2);
    for map in maps {
        assert_eq!(map.dims(), [1, 4, 4, 4]);
        let sums = map.sum_dim(3).into_data().try_into_vec::<f32>().unwrap();
        assert_close(&sums, &[1.0; 16], 1e-6);
    }

    let scalar = |tensor: Tensor<1>| tensor.into_scalar::<f32>();
    let loss = restoration_loss(
        features.clone(),
        restored.clone(),
        CHANNELS,
        ChannelReduction::Mean,
    );
    assert_close(
        &[scalar(loss.squared.clone())],
        &numbers(&golden["loss"]["mse_mean"]),
        1e-5,
    );
    assert_close(
        &[scalar(loss.local_cosine.clone())],
        &numbers(&golden["loss"]["cos_local"]),
        1e-5,
    );
    assert_close(
        &[scalar(loss.global_cosine.clone())],
        &numbers(&golden["loss"]["cos_global"]),
        1e-5,
    );
    assert_close(
        &[scalar(loss.total())],
        &numbers(&golden["loss"]["total_code"]),
        1e-5,
    );
    let paper = restoration_loss(
        features.clone(),
        restored.clone(),
        CHANNELS,
        ChannelReduction::Sum,
    );
    assert_close(
        &[scalar(paper.total())],
        &numbers(&golden["loss"]["total_paper_literal(sum over C)"]),
        1e-5,
    );

    let (squared, cosine) = cell_differences(features, restored, CHANNELS, ChannelReduction::Mean);
    let map = (squared * cosine)
        .into_data()
        .try_into_vec::<f32>()
        .unwrap();
    assert_close(
        &untokenise(&map, SIDE / PATCH, PATCH),
        &numbers(&golden["amap_8x8"]),
        1e-5,
    );
}
