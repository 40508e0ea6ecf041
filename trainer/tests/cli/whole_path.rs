//! From images to a package: train, eval, predict, export, info.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{TINY, data, folder, json, succeed, trained};

fn number(value: &Value, pointer: &str) -> f64 {
    value
        .pointer(pointer)
        .and_then(Value::as_f64)
        .unwrap_or_else(|| panic!("no number at {pointer} in\n{value:#}"))
}

#[test]
fn a_run_records_its_settings_log_and_model() {
    let run = trained();
    let config: Value =
        serde_json::from_slice(&fs::read(run.join("config.json")).unwrap()).unwrap();
    assert_eq!(config["setting"], "few-shot");
    assert_eq!(config["options"]["tau"], 0.1);
    assert_eq!(config["options"]["batch"], 1);
    // random.seed(42); random.sample(range(6), 4)
    let files = &config["files"]["bottle"];
    assert_eq!(
        *files,
        serde_json::json!(["005.png", "000.png", "004.png", "002.png"])
    );
    let log = fs::read_to_string(run.join("log.jsonl")).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 12);
    assert_eq!(number(&lines[11], "/step"), 12.0);
    let parts = ["/squared", "/local_cosine", "/global_cosine"].map(|part| number(&lines[0], part));
    assert!((parts.iter().sum::<f64>() - number(&lines[0], "/loss")).abs() < 1e-5);
    assert!(
        !run.join("checkpoints").exists(),
        "a finished run needs no checkpoint"
    );
    assert!(run.join("model/README.md").is_file());
}

#[test]
fn eval_reports_every_metric_and_the_scores_of_every_image() {
    let scores = folder("eval").join("scores.csv");
    let report = json(&format!(
        "eval {} --data {} --category bottle --device cpu --json --scores {}",
        trained().display(),
        data().display(),
        scores.display()
    ));
    for figure in [
        "image/auroc",
        "image/ap",
        "image/f1_max",
        "pixel/auroc",
        "pixel/ap",
        "pixel/f1_max",
        "pixel/aupro",
    ] {
        let value = number(&report, &format!("/categories/bottle/{figure}"));
        assert!((0.0..=1.0).contains(&value), "{figure} {value}");
        assert_eq!(value, number(&report, &format!("/mean/{figure}")));
    }
    let std = report.pointer("/categories/bottle/reductions/std").unwrap();
    assert_eq!(std, report.pointer("/categories/bottle/image").unwrap());
    for kind in ["max", "top1"] {
        number(
            &report,
            &format!("/categories/bottle/reductions/{kind}/auroc"),
        );
    }

    let mut reader = csv::Reader::from_path(&scores).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.unwrap()).collect();
    let images = number(&report, "/categories/bottle/images/good")
        + number(&report, "/categories/bottle/images/anomalous");
    assert_eq!(rows.len() as f64, images);
    // The figures can be had from the list: AUROC is the share of pairs in the right order.
    let score = |row: &csv::StringRecord| row[3].parse::<f64>().unwrap();
    let (good, bad): (Vec<_>, Vec<_>) = rows.iter().partition(|row| &row[2] == "good");
    let pairs = bad
        .iter()
        .flat_map(|bad| good.iter().map(move |good| (score(bad), score(good))));
    let right: f64 = pairs
        .map(|(bad, good)| {
            if bad > good {
                1.0
            } else if bad == good {
                0.5
            } else {
                0.0
            }
        })
        .sum();
    let expected = right / (good.len() * bad.len()) as f64;
    assert!((number(&report, "/categories/bottle/image/auroc") - expected).abs() < 1e-9);
}

#[test]
fn without_masks_pixel_figures_are_null() {
    let root = folder("no_masks");
    copy_folder(&data().join("bottle"), &root.join("bottle"));
    fs::remove_dir_all(root.join("bottle/ground_truth")).unwrap();
    let report = json(&format!(
        "eval {} --data {} --category bottle --device cpu --json",
        trained().display(),
        root.display()
    ));
    assert_eq!(
        report.pointer("/categories/bottle/pixel").unwrap(),
        &serde_json::json!({"auroc": null, "ap": null, "f1_max": null, "aupro": null})
    );
    number(&report, "/mean/image/auroc");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn predict_writes_overlay_map_and_lists() {
    let out = folder("predict");
    let image = fs::read_dir(data().join("bottle/test/good"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    // A picture of another size and shape than the network's input.
    let wide = out.join("wide.png");
    image::imageops::resize(
        &image::open(&image).unwrap().to_rgb8(),
        150,
        40,
        image::imageops::FilterType::Triangle,
    )
    .save(&wide)
    .unwrap();
    let answer = json(&format!(
        "predict {} {} {} --out {} --device cpu --json",
        trained().display(),
        image.display(),
        wide.display(),
        out.join("npy").display()
    ));
    assert_eq!(
        (
            number(&answer, "/failed"),
            answer["images"].as_array().unwrap().len()
        ),
        (0.0, 2)
    );
    for (index, size) in [(0, (64, 64)), (1, (150, 40))] {
        let one = &answer["images"][index];
        let verdict = if number(one, "/score") > number(one, "/threshold") {
            "anomalous"
        } else {
            "good"
        };
        assert_eq!(one["verdict"], verdict);
        assert_eq!(one["score"], one["scores"]["std"]);
        assert_eq!(
            image::image_dimensions(one["overlay"].as_str().unwrap()).unwrap(),
            size
        );
        let npy = fs::read(one["map"].as_str().unwrap()).unwrap();
        let values: Vec<f32> = npy[128..]
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
            .collect();
        assert_eq!(values.len(), 64 * 64);
        let highest = values.iter().copied().fold(0.0, f32::max);
        assert_eq!(f64::from(highest) as f32, number(one, "/scores/max") as f32);
    }

    // The folder form finds the same image below its folder, and 16-bit maps carry their unit.
    let answer = json(&format!(
        "predict {} {} --out {} --device cpu --json --map png --threshold 0",
        trained().display(),
        data().join("bottle/test").display(),
        out.join("png").display()
    ));
    let one = answer["images"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["image"] == image.display().to_string().as_str())
        .unwrap();
    assert_eq!(one["verdict"], "anomalous");
    let map = image::open(one["map"].as_str().unwrap())
        .unwrap()
        .into_luma16();
    let highest = f64::from(*map.iter().max().unwrap()) * number(one, "/map_unit");
    assert!((highest / number(one, "/scores/max") - 1.0).abs() < 1e-4);
    assert!(
        out.join("png/good").is_dir(),
        "results keep the folders of their images"
    );
    let listed: Value =
        serde_json::from_slice(&fs::read(out.join("png/predictions.json")).unwrap()).unwrap();
    assert_eq!(listed, answer);
    let rows = csv::Reader::from_path(out.join("png/predictions.csv"))
        .unwrap()
        .into_records()
        .count();
    assert_eq!(rows, answer["images"].as_array().unwrap().len());
}

#[test]
fn exported_packages_say_the_same_at_every_precision() {
    let root = folder("export");
    let scores = |model: &Path| -> Vec<f64> {
        let out = root.join("answers");
        let answer = json(&format!(
            "predict {} {} --out {} --device cpu --json --map none",
            model.display(),
            data().join("bottle/test").display(),
            out.display()
        ));
        answer["images"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| number(one, "/score"))
            .collect()
    };
    let metrics = root.join("metrics.json");
    let report = succeed(&format!(
        "eval {} --data {} --category bottle --device cpu --json",
        trained().display(),
        data().display()
    ));
    fs::write(&metrics, &report).unwrap();
    let reference = scores(trained());
    let mut sizes = Vec::new();
    for (dtype, tolerance) in [("f32", 0.0), ("f16", 5e-3), ("q8", 5e-2)] {
        let package = root.join(dtype);
        let exported = json(&format!(
            "export {} --out {} --dtype {dtype} --json --name Bottles --metrics {}",
            trained().display(),
            package.display(),
            metrics.display()
        ));
        sizes.push(number(&exported, "/files/model.safetensors"));
        for (expected, found) in reference.iter().zip(scores(&package)) {
            assert!(
                (found / expected - 1.0).abs() <= tolerance,
                "{dtype}: {found} for {expected}"
            );
        }
        let info = json(&format!("info {} --json", package.display()));
        assert_eq!(info["name"], "Bottles");
        assert_eq!(info["package"]["dtype"], dtype);
        assert_eq!(info["package"]["self_test"], true);
        assert_eq!(number(&info, "/package/provenance/steps"), 12.0);
        let checked = json(&format!(
            "info {} --check --device cpu --json",
            package.display()
        ));
        assert_eq!(checked["package"]["check"]["passed"], true);
        assert_eq!(
            number(&checked, "/package/check/max_map_error_relative"),
            0.0
        );
        number(
            &info,
            "/package/provenance/metrics/categories/bottle/image/auroc",
        );
    }
    assert!(
        sizes[0] > 1.7 * sizes[1] && sizes[1] > 1.5 * sizes[2],
        "{sizes:?}"
    );
    assert!(
        !fs::read_to_string(root.join("q8/config.json"))
            .unwrap()
            .contains(env!("CARGO_TARGET_TMPDIR")),
        "a package holds no path of this machine"
    );
}

#[test]
fn info_counts_the_papers_parameters() {
    let info = json("info --preset paper --json");
    assert_eq!(info["restorer_params"], 100_774_144);
    assert_eq!(info["total_params"], 125_636_672);
    // 37.85 G in the paper leaves out the attention products, 0.81 G.
    assert!((number(&info, "/macs") / 1e9 - 38.6).abs() < 0.1);
    assert!(succeed("info --preset lite").contains("parameters"));
}

#[test]
fn one_model_of_two_categories_is_calibrated_for_each() {
    let run = folder("unified").join("run");
    let summary = json(&format!(
        "train --data {} --category all --steps 3 {TINY} --out {} --json",
        data().display(),
        run.display()
    ));
    assert_eq!(
        (summary["setting"].as_str(), summary["images"].as_u64()),
        (Some("unified"), Some(12))
    );
    let info = json(&format!("info {} --json", run.display()));
    let calibrated: Vec<&String> = info["package"]["category_calibration"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(calibrated, ["bottle", "carpet"]);
    assert_eq!(
        info["package"]["provenance"]["tau"]
            .as_f64()
            .map(|tau| tau as f32),
        Some(0.9)
    );
    let report = json(&format!(
        "eval {} --data {} --category all --device cpu --json",
        run.display(),
        data().display()
    ));
    let both = (number(&report, "/categories/bottle/image/auroc")
        + number(&report, "/categories/carpet/image/auroc"))
        / 2.0;
    assert!((number(&report, "/mean/image/auroc") - both).abs() < 1e-12);
}

#[test]
fn a_model_can_lend_its_backbone() {
    let run = folder("lent").join("run");
    let options = TINY.replace("random", &trained().display().to_string());
    succeed(&format!(
        "train --data {} --category bottle --shots 2 --steps 1 {options} --out {}",
        data().display(),
        run.display()
    ));
}

#[test]
fn a_model_is_calibrated_anew_on_other_images_and_keeps_its_weights() {
    let root = folder("calibrate");
    let out = root.join("anew");
    let line = format!(
        "calibrate {} --data {} --category carpet --score max --device cpu --json --out {}",
        trained().display(),
        data().display(),
        out.display()
    );
    let report = json(&line);
    assert_eq!(report["all"]["score"], "max");
    assert_eq!(report["all"]["images"], 6);
    let weights = |path: &Path| fs::read(path.join("model.safetensors")).unwrap();
    assert_eq!(weights(&out), weights(&trained().join("model")));
    crate::program::fail(&line, &["--overwrite"]);
}

#[test]
fn a_training_fits_the_expected_difference_and_changes_nothing_else() {
    let root = folder("expected_in_training");
    let (run, plain) = (root.join("run"), root.join("plain"));
    let line = |options: &str| {
        format!(
            "train --data {} --category bottle --shots 4 {options} --expected-difference --out {}",
            data().display(),
            run.display()
        )
    };
    succeed(&line(&format!("{TINY} --steps 12")));
    json(&format!(
        "calibrate {} --data {} --category bottle --device cpu --json --expected-difference 0 --out {}",
        run.display(),
        data().display(),
        plain.display()
    ));
    let weights = |path: &Path| fs::read(path.join("model.safetensors")).unwrap();
    assert!(weights(&run.join("model")).len() > weights(&plain).len());
    assert_eq!(weights(&plain), weights(&trained().join("model")));
    let threshold = |model: &Path| {
        let text = fs::read(model.join("config.json")).unwrap();
        let config: Value = serde_json::from_slice(&text).unwrap();
        number(&config, "/calibration/threshold")
    };
    assert_ne!(
        threshold(&run.join("model")),
        threshold(&trained().join("model"))
    );
    crate::program::fail(
        &line("--overwrite --method padim --size 64 --preset lite --backbone-weights random"),
        &["--expected-difference is for methods that restore, not padim"],
    );
}

#[test]
fn a_calibration_divides_by_the_expected_difference_and_takes_it_back() {
    let root = folder("expected");
    let calibrate = |model: &Path, share: &str, out: &Path| {
        json(&format!(
            "calibrate {} --data {} --category carpet --device cpu --json --expected-difference {share} --out {}",
            model.display(),
            data().display(),
            out.display()
        ))
    };
    let (with, without) = (root.join("with"), root.join("without"));
    let divided = calibrate(trained(), "0.5", &with);
    let plain = calibrate(&with, "0", &without);
    assert_ne!(divided["all"]["threshold"], plain["all"]["threshold"]);
    let weights = |path: &Path| fs::read(path.join("model.safetensors")).unwrap();
    assert_eq!(weights(&without), weights(&trained().join("model")));
    assert!(weights(&with).len() > weights(&without).len());
    let refused = crate::program::run(&format!(
        "calibrate {} --data {} --category carpet --out {} --expected-difference 1.5",
        with.display(),
        data().display(),
        root.join("never").display()
    ));
    assert!(!refused.status.success());
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(error.contains("from 0 to 1"), "{error}");
}
