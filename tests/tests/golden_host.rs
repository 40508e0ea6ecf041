//! The host side of the method against independent reference values.
//!
//! `fixtures/fsr_golden.json` was made with numpy, scipy, Pillow and scikit-learn; nothing in it comes
//! from this repository's code.

#![allow(clippy::unwrap_used)]

use fsr::image::{RgbImage, resize_bicubic, resize_lanczos};
use fsr::map::{AnomalyMap, ScoreKind};
use fsr::metrics;
use serde_json::Value;

fn golden(key: &str) -> Value {
    let text = include_str!("../fixtures/fsr_golden.json");
    let mut all: Value = serde_json::from_str(text).unwrap();
    all[key].take()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn floats(value: &Value) -> Vec<f32> {
    match value.as_array() {
        Some(items) => items.iter().flat_map(floats).collect(),
        None => vec![number(value) as f32],
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    let items = value.as_array().unwrap().iter();
    items
        .map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap())
        .collect()
}

#[track_caller]
fn assert_close(actual: f64, expected: f64, relative: f64) {
    assert!(
        (actual - expected).abs() <= relative * expected.abs(),
        "{actual} is not {expected}"
    );
}

#[test]
fn lanczos_and_bicubic_equal_pillow_byte_for_byte() {
    let golden = golden("pillow_resize_40_to_16");
    let image = RgbImage::from_raw(40, 40, bytes(&golden["in"])).unwrap();
    assert_eq!(
        resize_lanczos(&image, 16, 16).as_raw(),
        &bytes(&golden["lanczos"])
    );
    assert_eq!(
        resize_bicubic(&image, 16, 16).as_raw(),
        &bytes(&golden["bicubic"])
    );
}

#[test]
fn bilinear_enlarging_equals_align_corners() {
    let golden = golden("bilinear_ac_4to7");
    let map = AnomalyMap::new(4, 4, floats(&golden["in"]));
    let enlarged = map.resize_bilinear(7, 7);
    let expected = floats(&golden["out"]);
    assert_eq!(expected.len(), enlarged.values.len());
    for (actual, expected) in enlarged.values.iter().zip(expected) {
        assert_close(f64::from(*actual), f64::from(expected), 1e-5);
    }
}

#[test]
fn gaussian_equals_scipy() {
    let golden = golden("gaussian_sigma4_48");
    let mut map = AnomalyMap::new(48, 48, vec![0.0; 48 * 48]);
    map.values[10 * 48 + 12] = 1.0;
    for y in 30..34 {
        map.values[y * 48 + 40..y * 48 + 46].fill(0.5);
    }
    let smooth = map.gaussian(4.0);
    let points = golden["at"].as_object().unwrap();
    assert!(points.len() >= 7);
    for (at, expected) in points {
        let (y, x) = at.split_once(',').unwrap();
        let index = y.parse::<usize>().unwrap() * 48 + x.parse::<usize>().unwrap();
        assert_close(f64::from(smooth.values[index]), number(expected), 1e-5);
    }
    let sum: f64 = smooth.values.iter().map(|&value| f64::from(value)).sum();
    assert_close(sum, number(&golden["sum"]), 1e-5);
    let scores = smooth.scores();
    assert_close(f64::from(scores.std), number(&golden["std"]), 1e-5);
    assert_close(f64::from(scores.max), number(&golden["max"]), 1e-5);
}

/// Six maps of 32 × 32 with ties, a region with a hole and one connected by its corners only.
struct Toy {
    maps: Vec<AnomalyMap>,
    masks: Vec<Vec<bool>>,
    image_labels: Vec<bool>,
    expected: Value,
}

fn toy() -> Toy {
    let mut golden = golden("metrics_toy");
    let maps = floats(&golden["maps"])
        .chunks_exact(32 * 32)
        .map(|values| AnomalyMap::new(32, 32, values.to_vec()))
        .collect();
    let mut masks = vec![vec![false; 32 * 32]; 6];
    for pixel in golden["masks_nonzero"].as_array().unwrap() {
        let [image, y, x] = [0, 1, 2].map(|axis| pixel[axis].as_u64().unwrap() as usize);
        masks[image][y * 32 + x] = true;
    }
    let labels = golden["image_labels"].as_array().unwrap().iter();
    Toy {
        maps,
        masks,
        image_labels: labels.map(|label| label == 1).collect(),
        expected: golden["expected"].take(),
    }
}

#[test]
fn pixel_metrics_equal_scikit_learn() {
    let toy = toy();
    let scores: Vec<f32> = toy.maps.iter().flat_map(|map| map.values.clone()).collect();
    let labels: Vec<bool> = toy.masks.concat();
    let expected = |key: &str| number(&toy.expected[key]);
    assert_close(
        metrics::auroc(&scores, &labels).unwrap(),
        expected("pixel_auroc"),
        1e-9,
    );
    assert_close(
        metrics::average_precision(&scores, &labels).unwrap(),
        expected("pixel_ap"),
        1e-9,
    );
    let best = metrics::f1_max(&scores, &labels).unwrap();
    assert_close(best.value, expected("pixel_f1max"), 1e-9);
    assert_close(
        f64::from(best.threshold),
        expected("pixel_f1max_threshold(>=)"),
        1e-6,
    );
}

#[test]
fn aupro_equals_the_exact_reference() {
    let toy = toy();
    let maps: Vec<&AnomalyMap> = toy.maps.iter().collect();
    let masks: Vec<&[bool]> = toy.masks.iter().map(Vec::as_slice).collect();
    let expected = |key: &str| number(&toy.expected[key]);
    assert_close(
        metrics::aupro(&maps, &masks, 0.3).unwrap(),
        expected("aupro_0.3_exact_8conn"),
        1e-9,
    );
    assert_close(
        metrics::aupro(&maps, &masks, 0.05).unwrap(),
        expected("aupro_0.05_exact_8conn"),
        1e-9,
    );
    let regions = masks
        .iter()
        .map(|mask| metrics::label_regions(mask, 32).1.len());
    assert_eq!(regions.sum::<usize>() as f64, expected("regions_8conn"));
}

#[test]
fn image_scores_and_metrics_equal_the_reference() {
    let toy = toy();
    for (kind, key) in [
        (ScoreKind::Max, "max"),
        (ScoreKind::Std, "std"),
        (ScoreKind::Top1, "top1pct"),
    ] {
        let scores: Vec<f32> = toy.maps.iter().map(|map| map.scores().get(kind)).collect();
        let expected = floats(&toy.expected[format!("image_score_{key}")]);
        for (actual, expected) in scores.iter().zip(expected) {
            assert_close(f64::from(*actual), f64::from(expected), 1e-6);
        }
        assert_close(
            metrics::auroc(&scores, &toy.image_labels).unwrap(),
            number(&toy.expected[format!("image_auroc_{key}")]),
            1e-9,
        );
        assert_close(
            metrics::average_precision(&scores, &toy.image_labels).unwrap(),
            number(&toy.expected[format!("image_ap_{key}")]),
            1e-9,
        );
    }
}
