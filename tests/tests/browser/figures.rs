//! A labelled folder on the page: the figures are those of the native program.

use fsr::detector::Detector;
use fsr::image::resize_nearest_mask;
use fsr::map::{AnomalyMap, ScoreKind};
use fsr::metrics::{LabelledScores, aupro, pr_curve, pro_curve, thinned_pro_curve};
use fsr::products::{Product, generate};
use fsr_tests::bench::Bench;
use fsr_tests::chromium::WebGpu;
use fsr_tests::hostile::encode;
use fsr_tests::packages;
use fsr_tests::page::{Page, hook};
use image::{GrayImage, ImageFormat, RgbImage};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Largest difference of a figure between page and native program.
const TOLERANCE: f64 = 1e-6;

const PRODUCT: Product = Product::HexNut;

/// An image with its label, and its mask.
struct Labelled {
    path: String,
    image: RgbImage,
    mask: GrayImage,
    defect: bool,
}

/// Generated test images by their paths: so many of `good` and of each of two defects.
fn labelled(each: u64) -> Vec<Labelled> {
    let defects = PRODUCT.defects();
    let kinds = [None, Some(defects[0]), Some(defects[1])];
    let mut images = Vec::new();
    for (at, kind) in kinds.into_iter().enumerate() {
        for index in 0..each {
            let seed = 800_000 + 100 * at as u64 + index;
            let sample = generate(PRODUCT, kind, seed, 192).unwrap();
            images.push(Labelled {
                path: format!("test/{}/{index:03}.png", kind.unwrap_or("good")),
                image: sample.image,
                mask: sample.mask,
                defect: kind.is_some(),
            });
        }
    }
    images
}

/// Writes them in the layout of MVTec AD, with a training image and a file that is no image.
fn write(root: &Path, images: &[Labelled]) -> PathBuf {
    let put = |path: PathBuf, bytes: Vec<u8>| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let png = |image: &RgbImage| encode(image.clone(), ImageFormat::Png);
    for one in images {
        put(root.join(&one.path), png(&one.image));
        if one.defect {
            let mask = one.path.replace("test/", "ground_truth/");
            let mask = root.join(mask.replace(".png", "_mask.png"));
            put(mask, encode(one.mask.clone(), ImageFormat::Png));
        }
    }
    put(root.join("train/good/000.png"), png(&images[0].image));
    put(root.join("license.txt"), b"free".to_vec());
    root.to_owned()
}

fn tiny_bench() -> Option<(Bench, Detector)> {
    let files = packages::tiny_files("tiny", 11).unwrap();
    let bench = Bench::start_with(WebGpu::Missing, |site| {
        Bench::serve_model(site, "tiny", &files);
    })?;
    Some((bench, packages::detector_of(&files).unwrap()))
}

const QUERY: &str = "backend=cpu&demo=off&model=tiny";

/// Waits for the figures and reads them from the saved JSON.
fn measured(page: &Page<'_>, bench: &Bench) -> Value {
    page.wait("the figures", || {
        let state = page.attribute("figures", "data-state")?;
        Ok(["done", "failed"]
            .contains(&state.as_str())
            .then_some(state))
    })
    .unwrap();
    let line = page.text("figures-line").unwrap();
    assert_eq!(
        page.attribute("figures", "data-state").unwrap(),
        "done",
        "{line}"
    );
    let saved = page
        .save("export-json", &bench.chromium.downloads(), ".json")
        .unwrap();
    serde_json::from_slice(&fs::read(saved).unwrap()).unwrap()
}

fn assert_ranking(found: &Value, scores: &[f32], labels: &[bool]) {
    let ranked = LabelledScores::new(scores, labels).unwrap();
    for (name, expected) in [
        ("auroc", ranked.auroc()),
        ("ap", ranked.average_precision()),
        ("f1_max", ranked.f1_max().value),
    ] {
        let value = found[name].as_f64().unwrap();
        println!("{name}: {value} on the page, {expected} natively");
        assert!(
            (value - expected).abs() <= TOLERANCE,
            "{name}: {value}, natively {expected}"
        );
        assert!(expected > 0.0 && expected < 1.0, "{name} could not differ");
    }
}

/// Points of the page's curve, on its two axes.
fn points(curve: &Value) -> Vec<(f64, f64)> {
    let pair = |pair: &Value| (pair[0].as_f64().unwrap(), pair[1].as_f64().unwrap());
    curve.as_array().unwrap().iter().map(pair).collect()
}

/// The curves are the native ones, few enough to be drawn, and have words for those who do not see them.
fn assert_curves(
    bench: &Bench,
    figures: &Value,
    (scores, labels): (&[f32], &[bool]),
    (maps, masks): (&[&AnomalyMap], &[&[bool]]),
) {
    let near = |a: f64, b: f64| (a - b).abs() <= TOLERANCE;
    let found = points(&figures["precision_recall"]);
    let expected = pr_curve(scores, labels).unwrap();
    assert_eq!(found.len(), expected.len());
    for ((recall, precision), point) in found.iter().zip(&expected) {
        assert!(near(*recall, point.recall) && near(*precision, point.precision));
    }
    let found = points(&figures["overlap"]);
    let expected = thinned_pro_curve(&pro_curve(maps, masks).unwrap(), 0.3, 64);
    assert_eq!(found.len(), expected.len());
    for ((fpr, overlap), [expected_fpr, expected_overlap]) in found.iter().zip(&expected) {
        assert!(near(*fpr, *expected_fpr) && near(*overlap, *expected_overlap));
    }
    let last = found.last().unwrap();
    assert!(near(last.0, 0.3) && last.1 > 0.0 && last.1 <= 1.0);
    for (curve, area) in [
        ("roc", &figures["image"]["auroc"]),
        ("precision-recall", &figures["image"]["ap"]),
        ("overlap", &figures["pixel"]["aupro"]),
    ] {
        let label = bench
            .chromium
            .session
            .execute(
                "return document.querySelector(arguments[0]).getAttribute('aria-label')",
                &[json!(hook(&format!("curve-{curve}")))],
            )
            .unwrap();
        let area = format!("{:.1} %", 100.0 * area.as_f64().unwrap());
        let label = label.as_str().unwrap();
        assert!(label.contains(&area) && label.contains(" at "), "{label}");
    }
}

#[test]
fn a_labelled_folder_has_the_figures_of_the_native_program() {
    let Some((bench, detector)) = tiny_bench() else {
        return;
    };
    let page = bench.open(QUERY);
    let images = labelled(6);
    let folder = write(&bench.site().with_file_name("nut"), &images);
    let session = &bench.chromium.session;
    session
        .choose_files(&hook("folder-input"), &[&folder])
        .unwrap();
    let state = page.listed(images.len()).unwrap();
    assert_eq!((state.judged, state.failed), (images.len(), 0));
    let json = measured(&page, &bench);

    let (mut maps, mut masks, mut scores, mut labels) = (vec![], vec![], vec![], vec![]);
    let kind = detector
        .config
        .calibration
        .as_ref()
        .map_or(ScoreKind::Std, |known| known.score);
    for one in &images {
        let found = pollster::block_on(detector.inspect(&one.image)).unwrap();
        let (width, height) = (found.map.width as u32, found.map.height as u32);
        masks.push(resize_nearest_mask(&one.mask, width, height));
        scores.push(found.scores.get(kind));
        labels.push(one.defect);
        maps.push(found.map);
    }
    let figures = &json["figures"];
    assert_eq!(
        (&figures["good"], &figures["defective"]),
        (&6.into(), &12.into())
    );
    assert_eq!(figures["note"], Value::Null);
    assert_ranking(&figures["image"], &scores, &labels);
    let values: Vec<f32> = maps.iter().flat_map(|map| map.values.clone()).collect();
    assert_ranking(&figures["pixel"]["ranking"], &values, &masks.concat());
    let maps: Vec<&AnomalyMap> = maps.iter().collect();
    let masks: Vec<&[bool]> = masks.iter().map(Vec::as_slice).collect();
    let expected = aupro(&maps, &masks, 0.3).unwrap();
    let found = figures["pixel"]["aupro"].as_f64().unwrap();
    println!("aupro: {found} on the page, {expected} natively");
    assert!((found - expected).abs() <= TOLERANCE, "{found}, {expected}");
    assert!(expected > 0.0 && expected < 1.0);
    // The curve runs from corner to corner.
    let roc = figures["roc"].as_array().unwrap();
    assert_eq!(
        (&roc[0], roc.last().unwrap()),
        (&json!([0.0, 0.0]), &json!([1.0, 1.0]))
    );
    let truths = json["images"].as_array().unwrap().iter();
    let defective = truths.filter(|image| image["truth"] == "anomalous");
    assert_eq!(defective.count(), 12);
    let drawn = session
        .execute(
            "return document.querySelectorAll('.roc polyline').length",
            &[],
        )
        .unwrap();
    assert_eq!(drawn, 3);
    assert_curves(&bench, figures, (&scores, &labels), (&maps, &masks));

    // An emptied list has no figures.
    page.press("list-clear").unwrap();
    page.wait("the figures to go", || {
        Ok(page
            .attribute("figures", "data-state")?
            .is_empty()
            .then_some(()))
    })
    .unwrap();
}

/// Drops a folder, played by entries as the browser hands them out.
const DROP: &str = "
    const [files] = arguments;
    const root = { isDirectory: true, fullPath: '', children: new Map() };
    for (const [path, bytes] of files) {
        const parts = path.split('/');
        let folder = root;
        parts.forEach((part, at) => {
            const fullPath = '/' + parts.slice(0, at + 1).join('/');
            if (!folder.children.has(part)) {
                folder.children.set(part, at + 1 < parts.length
                    ? { isDirectory: true, isFile: false, fullPath, children: new Map() }
                    : { isDirectory: false, isFile: true, fullPath,
                        file: (done) => done(new File([new Uint8Array(bytes)], part)) });
            }
            folder = folder.children.get(part);
        });
    }
    const reads = (folder) => {
        folder.createReader = () => {
            const portions = [[...folder.children.values()], []];
            return { readEntries: (done) => done(portions.shift()) };
        };
        [...folder.children.values()].filter((entry) => entry.isDirectory).forEach(reads);
    };
    reads(root);
    DataTransferItem.prototype.webkitGetAsEntry = () => [...root.children.values()][0];
    const data = new DataTransfer();
    data.items.add(new File(['x'], 'folder'));
    document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: data }));";

#[test]
fn a_dropped_folder_without_masks_has_figures_of_images_and_several_are_refused() {
    let Some((bench, _)) = tiny_bench() else {
        return;
    };
    let page = bench.open(QUERY);
    let images = labelled(2);
    let files = |root: &str| -> Vec<(String, Vec<u8>)> {
        let one = |one: &Labelled| {
            let path = format!("{root}/{}", one.path);
            (path, encode(one.image.clone(), ImageFormat::Jpeg))
        };
        images.iter().map(one).collect()
    };
    let drop = |files: &[(String, Vec<u8>)]| {
        let session = &bench.chromium.session;
        session.execute(DROP, &[json!(files)]).unwrap();
    };
    drop(&[files("all/nut"), files("all/screw")].concat());
    let message = page.wait("to be told", || page.error()).unwrap();
    assert!(
        message.contains("all/nut, all/screw") && message.contains("one of them"),
        "{message}"
    );
    page.forget().unwrap();

    drop(&files("nut"));
    page.listed(images.len()).unwrap();
    let json = measured(&page, &bench);
    let figures = &json["figures"];
    assert!(figures["image"]["auroc"].is_f64(), "{figures}");
    assert_eq!(figures["pixel"], Value::Null);
    let note = figures["note"].as_str().unwrap();
    assert!(note.contains("no masks"), "{note}");
    assert_eq!(
        (&figures["good"], &figures["defective"]),
        (&2.into(), &4.into())
    );

    // Judged once more, they are the same.
    page.press("list-clear").unwrap();
    drop(&files("nut"));
    assert_eq!(measured(&page, &bench)["figures"], *figures);
}
