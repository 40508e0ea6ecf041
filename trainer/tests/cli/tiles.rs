//! Detectors of tiles: trained, evaluated, asked, exported; and what they are for.

use std::fs;
use std::path::{Path, PathBuf};

use image::{GrayImage, Luma, Rgb, RgbImage};
use serde_json::Value;

use crate::program::{TINY, fail, folder, json, succeed};

/// Bottles of 160 pixels.
fn bottles(root: &Path) -> PathBuf {
    let data = root.join("data");
    succeed(&format!(
        "synth --out {} --category bottle --train 4 --test 1 --size 160",
        data.display()
    ));
    data
}

fn read(path: PathBuf) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_detector_of_tiles_goes_its_whole_way() {
    let root = folder("tiles");
    let data = bottles(&root);
    let data = data.display();
    let run = root.join("run");
    let train = |run: &Path, more: &str| {
        format!(
            "train --data {data} --category bottle --shots 2 --steps 4 {TINY} --tile 64 --out {} {more}",
            run.display()
        )
    };
    succeed(&train(&run, "--leave-one-out"));
    assert_eq!(read(run.join("config.json"))["tiles"]["size"], 64);
    let config = read(run.join("model/config.json"));
    // Programs that do not know tiles refuse it by its version.
    assert_eq!(config["format_version"], 3);
    assert_eq!(config["tiles"]["size"], 64);
    assert_eq!(config["tiles"]["overlap"], 0.25);
    // Whole images calibrate, each as it is and altered six times.
    assert_eq!(config["calibration"]["images"], 2 * 7);

    // The map is as fine as the tiles' own: 160 pixels of the image in tiles of 64 with maps of 64.
    let answers = root.join("answers");
    let image = root.join("data/bottle/test/good/000.png");
    let predict = |model: &Path| {
        json(&format!(
            "predict {} {} --out {} --device cpu --json",
            model.display(),
            image.display(),
            answers.display()
        ))
    };
    let predicted = predict(&run);
    let map = fs::read(answers.join("000_map.npy")).unwrap();
    assert!(String::from_utf8_lossy(&map[..128]).contains("(160, 160,)"));

    // What is exported says the same, and repeats its self-test.
    let package = root.join("package");
    succeed(&format!(
        "export {} --out {} --dtype f32",
        run.display(),
        package.display()
    ));
    succeed(&format!("info {} --check --device cpu", package.display()));
    let said = succeed(&format!("info {}", package.display()));
    assert!(said.contains("tiles of 64×64"), "{said}");
    let card = fs::read_to_string(package.join("README.md")).unwrap();
    assert!(card.contains("64 × 64 pixels, at least 25 %"), "{card}");
    let score = |answer: &Value| answer["images"][0]["scores"].clone();
    assert_eq!(score(&predict(&package)), score(&predicted));

    // Figures at the input's size and at the images' own; the scores are those of the whole maps.
    let scores = root.join("scores.csv");
    let report = json(&format!(
        "eval {} --data {data} --category bottle --native --device cpu --json --scores {} --out {}",
        run.display(),
        scores.display(),
        root.join("evaluation").display()
    ));
    for pointer in ["/mean/pixel/aupro", "/mean/native/pixel/aupro"] {
        assert!(report.pointer(pointer).unwrap().is_f64(), "{report:#}");
    }
    let rows = fs::read_to_string(&scores).unwrap();
    let std = score(&predicted)["std"].as_f64().unwrap() as f32;
    let row = rows
        .lines()
        .find(|row| row.contains("good/000.png"))
        .unwrap();
    let found: f32 = row.split(',').nth(3).unwrap().parse().unwrap();
    assert!((found - std).abs() <= 1e-6 * std, "{row}, {std}");

    // Calibrated anew, on whole images of tiles.
    let again = root.join("again");
    succeed(&format!(
        "calibrate {} --data {data} --category bottle --expected-difference --device cpu --out {}",
        run.display(),
        again.display()
    ));
    assert_eq!(read(again.join("config.json"))["tiles"]["size"], 64);
    assert_ne!(score(&predict(&again)), score(&predicted));

    // The rate is chosen on tiles too, and rivals see tiles.
    succeed(&train(&root.join("auto"), "--tau auto"));
    let padim = root.join("padim");
    succeed(&train(&padim, "--method padim --padim-channels 8").replace("--patch 2", ""));
    assert_eq!(read(padim.join("model/config.json"))["format_version"], 3);
}

/// Whole images and tiles of one backbone, so that a pool of features shared by mistake would show.
const STUDY: &str = r#"
title = "Tiles"
categories = ["bottle"]
settings = ["few-shot"]
seeds = [1]
[fixed]
preset = "lite"
size = 64
backbone-weights = "random"
shots = 2
method = "padim"
padim-channels = 8
[[variants]]
[[variants]]
tile = 64
"#;

#[test]
fn a_study_says_of_tiles_what_eval_says() {
    let root = folder("tiles_study");
    let data = bottles(&root);
    let study = root.join("tiles.toml");
    fs::write(&study, STUDY).unwrap();
    let out = root.join("out");
    succeed(&format!(
        "study {} --data {} --out {} --device cpu --keep-models",
        study.display(),
        data.display(),
        out.display()
    ));
    let cells: Vec<Value> = fs::read_dir(out.join("cells"))
        .unwrap()
        .map(|entry| read(entry.unwrap().path()))
        .collect();
    assert_eq!(cells.len(), 2);
    for cell in cells {
        let hash = cell["hash"].as_str().unwrap();
        let report = json(&format!(
            "eval {} --data {} --category bottle --device cpu --json",
            out.join("runs").join(hash).display(),
            data.display()
        ));
        for pointer in ["/image/auroc", "/pixel/auroc", "/pixel/aupro"] {
            let number = |value: &Value| value["mean"].pointer(pointer).unwrap().as_f64().unwrap();
            let (found, expected) = (number(&cell), number(&report));
            // Kept features are of half precision.
            assert!(
                (found - expected).abs() < 0.02,
                "{pointer}: {found} {expected}"
            );
        }
    }
}

#[test]
fn impossible_tiles_are_refused_before_anything_is_written() {
    let root = folder("tiles_bad");
    let good = root.join("data/part/train/good");
    fs::create_dir_all(&good).unwrap();
    for name in ["a.png", "b.png"] {
        RgbImage::new(1200, 1200).save(good.join(name)).unwrap();
    }
    let run = root.join("run");
    let bad = |options: &str, parts: &[&str]| {
        let line = format!(
            "train --data {} --category part --steps 1 {TINY} --out {} {options}",
            root.join("data").display(),
            run.display()
        );
        fail(&line, parts);
        assert!(!run.exists());
    };
    bad("--tile 16", &["--tile", "16 pixels", "32 to 16384"]);
    bad("--tile 64 --tile-overlap 0.7", &["--tile-overlap", "0.7"]);
    bad(
        "--tile 32",
        &["a.png", "1200 × 1200", "2500 tiles", "larger tiles"],
    );
}

/// Good images and the same with one short scratch, three pixels wide, each.
fn scratched(root: &Path) -> PathBuf {
    let data = root.join("data");
    succeed(&format!(
        "synth --out {} --category ceramic_tile --train 6 --test 6 --size 512",
        data.display()
    ));
    let category = data.join("ceramic_tile");
    fs::remove_dir_all(category.join("ground_truth")).unwrap();
    for entry in fs::read_dir(category.join("test")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "good" {
            fs::remove_dir_all(path).unwrap();
        }
    }
    let (bad, truth) = (
        category.join("test/scratch"),
        category.join("ground_truth/scratch"),
    );
    fs::create_dir_all(&bad).unwrap();
    fs::create_dir_all(&truth).unwrap();
    for at in 0..6u32 {
        let name = format!("{at:03}.png");
        let image = image::open(category.join("test/good").join(&name)).unwrap();
        let mut image = image.into_rgb8();
        let mut mask = GrayImage::new(image.width(), image.height());
        let (x, y) = (60 + 70 * at, 440 - 65 * at);
        for step in 0..24 {
            for wide in 0..3 {
                let (x, y) = (x + step, y + step / 3 + wide);
                image.put_pixel(x, y, Rgb([40, 36, 34]));
                mask.put_pixel(x, y, Luma([255]));
            }
        }
        image.save(bad.join(&name)).unwrap();
        mask.save(truth.join(format!("{at:03}_mask.png"))).unwrap();
    }
    data
}

#[test]
fn small_scratches_in_large_images_are_found_in_tiles() {
    let root = folder("tiles_worth");
    let data = scratched(&root);
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/default");
    let figures = |name: &str, options: &str| {
        let run = root.join(name);
        succeed(&format!(
            "train --data {} --category ceramic_tile --method padim --padim-channels 40 --preset lite --size 128 \
             --backbone-weights {} --device cpu --out {} {options}",
            data.display(),
            weights.display(),
            run.display()
        ));
        let report = json(&format!(
            "eval {} --data {} --category ceramic_tile --native --device cpu --json",
            run.display(),
            data.display()
        ));
        let figure = |pointer: &str| report.pointer(pointer).unwrap().as_f64().unwrap();
        let found = (
            figure("/mean/image/auroc"),
            figure("/mean/native/pixel/aupro"),
        );
        println!(
            "{name}: image AUROC {:.3}, native AUPRO {:.3}",
            found.0, found.1
        );
        found
    };
    let whole = figures("whole", "");
    let tiles = figures("tiles", "--tile 128");
    assert!(tiles.0 > whole.0 + 0.1, "{tiles:?} {whole:?}");
    assert!(tiles.1 > whole.1 + 0.1, "{tiles:?} {whole:?}");
}
