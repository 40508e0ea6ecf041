//! Large images in tiles, in a real browser: judged as natively, shown with their grid, trained on in the tab.

use burn::tensor::Device;
use fsr::calibration::{Calibration, CalibrationSource};
use fsr::detector::Detector;
use fsr::image::decode;
use fsr::map::ScoreKind;
use fsr::package::{Package, unpack};
use fsr::tiles::Tiling;
use fsr_tests::bench::Bench;
use fsr_tests::chromium::WebGpu;
use fsr_tests::hostile::{encode, picture};
use fsr_tests::packages;
use fsr_tests::page::{Page, Shown, hook};
use image::{ImageFormat, RgbImage};
use serde_json::json;
use std::fs::{self, File};

/// Largest difference between browser and native program: of a score to itself, of a map to its maximum.
const TOLERANCE: f32 = 1e-3;

const TILING: Tiling = Tiling {
    size: 64,
    overlap: 0.25,
};

/// A page whose model, of 64 pixels, looks at tiles of 64, and the model natively.
fn bench() -> Option<(Bench, Detector)> {
    let mut package = packages::tiny("tiled", 21).unwrap();
    package.config = package.config.in_tiles(Some(TILING));
    let detector = Detector::from_package(&package, &Device::flex()).unwrap();
    let good = [picture(160, 100), picture(130, 170)];
    let maps = pollster::block_on(detector.anomaly_maps(&good)).unwrap();
    package.config.calibration =
        Calibration::from_good_maps(&maps, ScoreKind::Std, CalibrationSource::HeldOut);
    let files = packages::files_of(&package, None).unwrap();
    let bench = Bench::start_with(WebGpu::Missing, |site| {
        Bench::serve_model(site, "tiled", &files);
    })?;
    Some((bench, packages::detector_of(&files).unwrap()))
}

const QUERY: &str = "backend=cpu&demo=off&model=tiled";

fn assert_same(shown: &Shown, detector: &Detector, image: &RgbImage) {
    let expected = pollster::block_on(detector.inspect(image)).unwrap();
    assert_eq!(
        (shown.map.width, shown.map.height),
        (expected.map.width, expected.map.height)
    );
    let highest = expected.map.values.iter().copied().fold(0.0, f32::max);
    let pairs = shown.map.values.iter().zip(&expected.map.values);
    let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / highest;
    let std = (shown.scores.std - expected.scores.std).abs() / expected.scores.std;
    let max = (shown.scores.max - expected.scores.max).abs() / expected.scores.max;
    println!(
        "{}: map within {worst:.1e}, scores {std:.1e}, {max:.1e}",
        shown.name
    );
    assert!(worst <= TOLERANCE && std <= TOLERANCE && max <= TOLERANCE);
}

/// Tiles drawn over the image, as the toggle's label counts them; 0 without a toggle.
fn tiles(page: &Page<'_>, bench: &Bench) -> usize {
    let session = &bench.chromium.session;
    if !session.has(&hook("tiles-toggle")).unwrap() {
        assert!(!session.has(&hook("tile-grid")).unwrap());
        return 0;
    }
    let drawn = session
        .execute(
            "const svg = document.querySelector(arguments[0]); \
             return [svg.querySelector('path').getAttribute('d').split('M').length - 1, \
             getComputedStyle(svg).display];",
            &[json!(hook("tile-grid"))],
        )
        .unwrap();
    assert_eq!(drawn[1], "none", "the grid is hidden until asked for");
    page.press("tiles-toggle").unwrap();
    page.wait("the grid", || {
        let shown = session.execute(
            "return getComputedStyle(document.querySelector(arguments[0])).display",
            &[json!(hook("tile-grid"))],
        )?;
        Ok((shown != "none").then_some(()))
    })
    .unwrap();
    drawn[0].as_u64().unwrap() as usize
}

#[test]
fn large_images_are_judged_in_tiles_as_natively() {
    let Some((bench, detector)) = bench() else {
        return;
    };
    let page = bench.open(QUERY);
    // Compared on the page with the map stored in the package, which is of one tile.
    assert_eq!(page.self_test().unwrap(), "passed", "{:?}", page.error());
    for (name, width, height, count) in [
        ("small.png", 60, 40, 0),
        ("large.png", 300, 210, 6 * 5),
        ("strip.png", 700, 20, 15),
    ] {
        let image = picture(width, height);
        let bytes = encode(image.clone(), ImageFormat::Png);
        let shown = page.inspect(&bench.file(name, &bytes)).unwrap().shown();
        assert_same(&shown, &detector, &image);
        let plan = detector.plan(width, height).unwrap();
        assert_eq!(plan.count(), count.max(1), "{name}");
        assert_eq!(tiles(&page, &bench), count, "{name}");
        if count > 0 {
            page.press("tiles-toggle").unwrap();
        }
    }
    // More tiles than are accepted: said so, and the next image is judged.
    let bytes = encode(RgbImage::new(3000, 3000), ImageFormat::Png);
    let message = page
        .inspect(&bench.file("huge.png", &bytes))
        .unwrap()
        .refused();
    assert!(
        message.contains("3000 × 3000") && message.contains("tiles"),
        "{message}"
    );
    let bytes = encode(picture(200, 64), ImageFormat::Png);
    page.inspect(&bench.file("next.png", &bytes))
        .unwrap()
        .shown();
}

#[test]
fn how_far_a_large_image_is_is_told_tile_by_tile() {
    let Some((bench, _)) = bench() else {
        return;
    };
    let page = bench.open(QUERY);
    let session = &bench.chromium.session;
    session
        .execute(
            "window.__told = new Set(); \
             new MutationObserver(() => document.querySelectorAll('.busy-note') \
             .forEach((note) => window.__told.add(note.textContent))) \
             .observe(document.body, { subtree: true, childList: true, characterData: true });",
            &[],
        )
        .unwrap();
    let bytes = encode(picture(900, 700), ImageFormat::Jpeg);
    page.inspect(&bench.file("part.jpg", &bytes))
        .unwrap()
        .shown();
    let told = session.execute("return [...window.__told]", &[]).unwrap();
    let told: Vec<&str> = told
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|note| note.as_str())
        .filter(|note| note.contains("tiles"))
        .collect();
    assert!(told.len() > 3, "{told:?}");
    assert!(
        told.iter().any(|note| note.contains("of 285 tiles")),
        "{told:?}"
    );
}

#[test]
fn a_detector_of_tiles_is_trained_in_the_tab_and_read_natively() {
    let Some((bench, _)) = bench() else {
        return;
    };
    let page = bench.open(QUERY);
    let images: Vec<_> = (0..2)
        .map(|at| {
            let image = picture(400 + 40 * at, 300);
            bench.file(&format!("good{at}.png"), &encode(image, ImageFormat::Png))
        })
        .collect();
    let images: Vec<_> = images.iter().map(|path| path.as_path()).collect();
    page.collect(&images).unwrap();
    let session = &bench.chromium.session;
    session
        .execute(
            "const it = document.querySelector(arguments[0]); it.value = '256'; \
             it.dispatchEvent(new Event('change', { bubbles: true }));",
            &[json!(hook("train-tile"))],
        )
        .unwrap();
    page.train("tiled part", 4).unwrap();
    page.trained().unwrap().unwrap();
    let saved = page
        .save("save-package", &bench.chromium.downloads(), ".zip")
        .unwrap();
    let package = Package::read(&unpack(File::open(&saved).unwrap()).unwrap()).unwrap();
    assert_eq!(package.config.tiles, Some(Tiling::of_size(256)));
    assert_eq!(package.config.format_version, 3);
    assert_eq!(package.config.calibration.as_ref().unwrap().images, 12);
    let detector = Detector::from_package(&package, &Device::flex()).unwrap();
    let test = package.self_test.as_ref().unwrap();
    assert!(pollster::block_on(detector.self_test(test)).unwrap().passed);
    let bytes = fs::read(images[1]).unwrap();
    let shown = page.inspect(images[1]).unwrap().shown();
    assert_same(&shown, &detector, &decode(&bytes).unwrap());
    assert_eq!(tiles(&page, &bench), 2 * 2);
}
