//! The expected difference: its fit, what it does to a map, and its way through a package.
#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Tensor};
use fsr::detector::Detector;
use fsr::expected::{ExpectedDifferenceBuilder, WEIGHT};
use fsr::model::Fsr;
use fsr::package::{DEFAULT_SHARD_BYTES, Dtype, Package};
use fsr::score::tokenise;
use fsr_tests::hostile::picture;
use fsr_tests::packages::{Files, tiny};
use image::RgbImage;
use image::imageops::{rotate90, rotate180, rotate270};

fn good() -> Vec<RgbImage> {
    let upright = picture(64, 64);
    vec![
        rotate90(&upright),
        rotate180(&upright),
        rotate270(&upright),
        upright,
    ]
}

fn tokens(model: &Fsr) -> Tensor<3> {
    model.tokens(model.taps(&good()))
}

fn fitted(share: f32) -> Detector {
    let package = tiny("expected", 3).unwrap();
    let mut detector = Detector::from_package(&package, &Device::flex()).unwrap();
    let model = &detector.model;
    let mut builder = ExpectedDifferenceBuilder::new(&model.config);
    pollster::block_on(builder.add(model, tokens(model))).unwrap();
    detector.model.expected = builder.finish(share);
    detector
}

/// Restored cells, `[cells][C]`, and the logarithms of the differences, in one order.
fn cells(detector: &Detector) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut model = detector.model.clone();
    model.expected = None;
    let (grid, patch) = (model.config.grid(), model.config.restorer.patch);
    let channels = model.config.backbone.kind.feature_channels();
    let restored = model.restorer.forward(tokens(&model)).into_data();
    let restored = restored.try_to_vec::<f32>().unwrap();
    let restored = restored
        .chunks_exact(channels)
        .map(|cell| cell.iter().map(|&value| f64::from(value)).collect())
        .collect();
    let maps = pollster::block_on(model.anomaly_maps(tokens(&model))).unwrap();
    let side = grid * patch;
    let logs = maps
        .iter()
        .flat_map(|map| tokenise(&map.resize_bilinear(side, side).values, grid, patch))
        .map(|value| f64::from(value).max(1e-8).ln())
        .collect();
    (restored, logs)
}

/// What makes a ridge solution one: at it, Σ (r − r̄)(y − ȳ − w·(r − r̄)) / n = λ·w, a multiple of w.
#[test]
fn the_fit_meets_the_normal_equations_of_ridge_regression() {
    let detector = fitted(1.0);
    let expected = detector.model.expected.as_ref().unwrap();
    let (restored, logs) = cells(&detector);
    let count = logs.len() as f64;
    let channels = expected.weight.len();
    let mean: Vec<f64> = (0..channels)
        .map(|channel| restored.iter().map(|cell| cell[channel]).sum::<f64>() / count)
        .collect();
    let mean_log = logs.iter().sum::<f64>() / count;
    let predict = |cell: &[f64]| -> f64 {
        let slope: f64 = expected
            .weight
            .iter()
            .zip(cell)
            .map(|(&w, r)| f64::from(w) * r)
            .sum();
        slope + f64::from(expected.bias)
    };
    let mut gradient = vec![0.0; channels];
    let (mut left, mut all, mut variance) = (0.0, 0.0, 0.0);
    for (cell, log) in restored.iter().zip(&logs) {
        let residual = log - mean_log - predict(cell);
        left += residual * residual;
        all += (log - mean_log) * (log - mean_log);
        for channel in 0..channels {
            let centred = cell[channel] - mean[channel];
            gradient[channel] += centred * residual / count;
            variance += centred * centred / count / channels as f64;
        }
    }
    assert!(
        left < 0.9 * all,
        "the fit explains nothing: {left} of {all}"
    );
    let ridge = 1e-3 * variance;
    let scale = expected
        .weight
        .iter()
        .fold(0.0f64, |largest, &w| largest.max(f64::from(w).abs()));
    for (channel, gradient) in gradient.iter().enumerate() {
        let wanted = ridge * f64::from(expected.weight[channel]);
        assert!(
            (gradient - wanted).abs() < 0.02 * ridge * scale,
            "channel {channel}: {gradient:e} is not {wanted:e}"
        );
    }
    // Over the good cells the expectation is zero, so that maps keep their scale.
    let bias = restored.iter().map(|cell| predict(cell)).sum::<f64>() / count;
    assert!(bias.abs() < 1e-3, "{bias}");
}

#[test]
fn a_share_of_nothing_changes_no_map_and_more_of_it_evens_good_images_out() {
    let spread = |share: f32| {
        let detector = fitted(share);
        let maps = pollster::block_on(detector.anomaly_maps(&good())).unwrap();
        let logs: Vec<f64> = maps
            .iter()
            .flat_map(|map| &map.values)
            .map(|&value| f64::from(value).max(1e-8).ln())
            .collect();
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / logs.len() as f64
    };
    let plain = tiny("expected", 3).unwrap();
    let plain = Detector::from_package(&plain, &Device::flex()).unwrap();
    let before = pollster::block_on(plain.anomaly_maps(&good())).unwrap();
    let zero = pollster::block_on(fitted(0.0).anomaly_maps(&good())).unwrap();
    for (before, zero) in before.iter().zip(&zero) {
        for (a, b) in before.values.iter().zip(&zero.values) {
            assert!((a - b).abs() <= 1e-6 * a.abs(), "{a} {b}");
        }
    }
    let (none, half, whole) = (spread(0.0), spread(0.5), spread(1.0));
    assert!(whole < half && half < none, "{none} {half} {whole}");
}

#[test]
fn a_package_carries_it_and_a_damaged_one_is_refused() {
    let detector = fitted(0.5);
    let mut package = tiny("expected", 3).unwrap();
    package.tensors = pollster::block_on(detector.model.tensors()).unwrap();
    package.self_test = None;
    let files: Files = package
        .write(Dtype::Q8, DEFAULT_SHARD_BYTES)
        .unwrap()
        .into_iter()
        .collect();
    let read = Package::read(&files).unwrap();
    let again = Detector::from_package(&read, &Device::flex()).unwrap();
    // Short vectors are not rounded to eight bits.
    assert_eq!(again.model.expected, detector.model.expected);

    package.tensors.get_mut(WEIGHT).unwrap().shape = vec![3];
    let error = Detector::from_package(&package, &Device::flex()).unwrap_err();
    assert!(error.to_string().contains(WEIGHT), "{error}");
    package.tensors.remove(WEIGHT);
    let error = Detector::from_package(&package, &Device::flex()).unwrap_err();
    assert!(error.to_string().contains(WEIGHT), "{error}");
}
