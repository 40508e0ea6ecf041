//! A detector saved on the page, and whether the native program answers as the page did.

#![allow(clippy::unwrap_used)]

use crate::bench::Bench;
use crate::page::Page;
use burn::tensor::Device;
use fsr::detector::Detector;
use fsr::package::{Package, unpack};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Largest difference of a score between page and native program, relative.
const TOLERANCE: f32 = 1e-3;

/// The native program's reading of a saved package.
pub fn native(zip: &Path) -> Detector {
    let files = unpack(File::open(zip).unwrap()).unwrap();
    let package = Package::read(&files).unwrap();
    let detector = Detector::from_package(&package, &Device::flex()).unwrap();
    let report =
        pollster::block_on(detector.self_test(package.self_test.as_ref().unwrap())).unwrap();
    assert!(report.passed, "{report:?}");
    detector
}

/// Name, score and verdict of each image in the list the page saves.
pub fn records(page: &Page<'_>, bench: &Bench) -> Vec<(String, f32, String)> {
    let saved = page
        .save("export-json", &bench.chromium.downloads(), ".json")
        .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&fs::read(saved).unwrap()).unwrap();
    let images = json["images"].as_array().unwrap().clone();
    images
        .iter()
        .map(|image| {
            let text = |key: &str| image[key].as_str().unwrap_or_default().to_owned();
            let score = image["score"]
                .as_f64()
                .map_or(f32::NAN, |score| score as f32);
            (text("name"), score, text("verdict"))
        })
        .collect()
}

/// Asserts that the native program scores the images as the page did, and gives the verdicts it gave.
pub fn assert_same(detector: &Detector, images: &[PathBuf], records: &[(String, f32, String)]) {
    assert_eq!(images.len(), records.len());
    let calibration = detector.config.calibration.as_ref().unwrap();
    let mut worst = 0.0f32;
    for (path, (name, score, verdict)) in images.iter().zip(records) {
        assert!(path.ends_with(name), "{}: {name}", path.display());
        let image = fsr::image::decode(&fs::read(path).unwrap()).unwrap();
        let scores = pollster::block_on(detector.inspect(&image)).unwrap().scores;
        let expected = scores.get(calibration.score);
        let error = (score / expected - 1.0).abs();
        assert!(
            error <= TOLERANCE,
            "{name}: {score} on the page, {expected} natively"
        );
        worst = worst.max(error);
        let words = if expected > calibration.threshold {
            "anomalous"
        } else {
            "good"
        };
        assert_eq!(verdict, words, "{name}");
    }
    println!("{} images: scores within {worst:.1e}", images.len());
}
