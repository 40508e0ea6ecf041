//! Ablation flags, rivals and the choice of τ, each through train, info, eval and predict.

use std::fs;

use serde_json::Value;

use crate::program::{TINY, data, fail, folder, json, succeed};

fn train(run: &std::path::Path, options: &str) -> String {
    format!(
        "train --data {} --category bottle --shots 3 {} --out {} {options}",
        data().display(),
        TINY.replace("--patch 2", ""),
        run.display()
    )
}

fn settings(run: &std::path::Path) -> Value {
    serde_json::from_slice(&fs::read(run.join("config.json")).unwrap()).unwrap()
}

#[test]
fn rivals_are_packages_like_any_other() {
    let root = folder("rivals");
    for (method, options) in [
        ("patchcore", "--coreset 0.5"),
        ("padim", "--padim-channels 12"),
    ] {
        let run = root.join(method);
        succeed(&train(&run, &format!("--method {method} {options}")));
        let report = json(&format!(
            "eval {} --data {} --category bottle --device cpu --json",
            run.display(),
            data().display()
        ));
        assert_eq!(report["score"], "max");
        // Drawn defects on drawn bottles: a method that sees nothing would be at one half.
        let pixel = report["mean"]["pixel"]["auroc"].as_f64().unwrap();
        assert!(pixel > 0.6, "{method}: {pixel}");
        let answers = root.join(format!("{method}_answers"));
        let predicted = json(&format!(
            "predict {} {} --out {} --device cpu --json",
            run.display(),
            data().join("bottle/test/good").display(),
            answers.display()
        ));
        assert!(predicted.to_string().contains("threshold"));
        // Exported, it still says the same of its own test image.
        let package = root.join(format!("{method}_package"));
        succeed(&format!(
            "export {} --out {} --dtype f32",
            run.display(),
            package.display()
        ));
        succeed(&format!("info {} --check --device cpu", package.display()));
        // The same again is the same, bit by bit.
        let again = root.join(format!("{method}_again"));
        succeed(&train(&again, &format!("--method {method} {options}")));
        let weights =
            |run: &std::path::Path| fs::read(run.join("model/model.safetensors")).unwrap();
        assert!(weights(&run) == weights(&again));
    }
    let bad = |options: &str, parts: &[&str]| fail(&train(&root.join("bad"), options), parts);
    bad("--method patchcore --coreset 0", &["coreset", "above 0"]);
    bad("--method padim --padim-channels 9999", &["9999", "256"]);
    bad("--method padim --patch 4", &["--patch"]);
    bad("--method reconstruction --tau 0.5", &["--tau"]);
}

#[test]
fn ablations_train_and_are_recorded() {
    let root = folder("ablations");
    for (name, options, pointer, expected) in [
        (
            "learned",
            "--position learned",
            "/recipe/position",
            "\"learned\"",
        ),
        ("none", "--position none", "/recipe/position", "\"none\""),
        ("jitter", "--jitter 0", "/recipe/jitter_ratio", "0.0"),
        ("loss", "--loss local", "/recipe/loss/squared", "false"),
        ("cnn", "--restorer cnn", "/model/restorer/kind", "\"cnn\""),
        ("rec", "--method reconstruction", "/options/tau", "0.0"),
    ] {
        let run = root.join(name);
        succeed(&train(&run, &format!("{options} --patch 2 --steps 3")));
        let found = settings(&run).pointer(pointer).unwrap().to_string();
        assert_eq!(found, expected, "{name}");
        succeed(&format!(
            "eval {} --data {} --category bottle --device cpu",
            run.display(),
            data().display()
        ));
    }
    // Programs that know transformers only read version 1, and say so of this one.
    let package = |name: &str| -> Value {
        let path = root.join(name).join("model/config.json");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    assert_eq!(package("cnn")["format_version"], 2);
    assert_eq!(package("none")["format_version"], 1);
    assert!(package("none")["model"]["restorer"].get("kind").is_none());
    fail(
        &train(&root.join("bad"), "--restorer cnn --position 1d"),
        &["--position", "cnn"],
    );
}

#[test]
fn a_rate_is_chosen_from_good_images_and_kept() {
    let root = folder("tau_auto");
    let chosen = |name: &str| {
        let run = root.join(name);
        succeed(&train(&run, "--tau auto --patch 2 --steps 10 --seed 4"));
        let settings = settings(&run);
        let search = &settings["tau_search"];
        assert_eq!(search["trials"].as_array().unwrap().len(), 6);
        assert_eq!(search["chosen"], settings["options"]["tau"]);
        // Three images, each untouched and with up to three defects.
        assert_eq!(search["images"][1], 3);
        assert!(search["images"][0].as_u64().unwrap() >= 6);
        let of = |trial: &Value| {
            trial["image_auroc"].as_f64().unwrap() + trial["pixel_auroc"].as_f64().unwrap()
        };
        let trials = search["trials"].as_array().unwrap();
        let best = trials.iter().map(of).fold(0.0, f64::max);
        let taken = trials.iter().find(|trial| trial["tau"] == search["chosen"]);
        assert_eq!(of(taken.unwrap()), best);
        search.clone()
    };
    assert_eq!(chosen("one"), chosen("two"), "the same seed finds the same");
}

#[test]
fn augmented_copies_of_the_shots_are_good_too() {
    let root = folder("augment");
    let mirrored = root.join("mirrored");
    fs::create_dir(&mirrored).unwrap();
    // How anomalous mirrored training images are to a bank of all patches.
    let score = |name: &str, options: &str| {
        let run = root.join(name);
        succeed(&train(
            &run,
            &format!("--method patchcore --coreset 1 {options}"),
        ));
        let settings = settings(&run);
        for file in settings["files"]["bottle"].as_array().unwrap() {
            let file = file.as_str().unwrap();
            let path = data().join("bottle/train/good").join(file);
            let image = image::open(path).unwrap().fliph();
            image.save(mirrored.join(file)).unwrap();
        }
        let answer = json(&format!(
            "predict {} {} --out {} --device cpu --map none --json",
            run.display(),
            mirrored.display(),
            root.join(format!("{name}_answers")).display()
        ));
        let images = answer["images"].as_array().unwrap();
        assert_eq!(images.len(), 3);
        let scores = images.iter().map(|image| image["score"].as_f64().unwrap());
        (scores.fold(0.0, f64::max), settings)
    };
    let (without, settings) = score("without", "");
    assert!(settings.get("augment").is_none());
    let (with, settings) = score("with", "--augment grey,mirror");
    assert_eq!(settings["augment"], serde_json::json!(["grey", "mirror"]));
    assert!(with < 0.1 * without, "{with} {without}");
    let info = succeed(&format!("info {}", root.join("with").display()));
    assert!(
        info.contains("3 shots, altered copies of each (grey, mirror)"),
        "{info}"
    );
    // A copy of the image itself is nothing that mirrored ones are told by.
    let (quarters, _) = score("quarters", "--augment quarter-turns");
    assert!(quarters > 0.3 * without, "{quarters} {without}");
}
