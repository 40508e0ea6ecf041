//! Data sets in every layout, what `fsr data` says of them, and thresholds from good images.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{TINY, data, fail, folder, json, succeed, trained};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// The bottles' test images: path, defect, mask.
fn test_images() -> Vec<(PathBuf, Option<String>, Option<PathBuf>)> {
    let bottle = data().join("bottle");
    let mut images = Vec::new();
    for kind in files(&bottle.join("test")) {
        let name = kind.file_name().unwrap().to_str().unwrap().to_string();
        for path in files(&kind) {
            let defect = (name != "good").then(|| name.clone());
            let mask = defect.as_ref().map(|defect| {
                let stem = path.file_stem().unwrap().to_str().unwrap();
                bottle.join(format!("ground_truth/{defect}/{stem}_mask.png"))
            });
            images.push((path, defect, mask));
        }
    }
    images
}

/// The bottles in BTAD's layout, as class 03 with its masks in BMP.
fn btad() -> PathBuf {
    let root = folder("layout_btad");
    let class = root.join("03");
    for path in files(&data().join("bottle/train/good")) {
        copy(
            &path,
            &class.join("train/ok").join(path.file_name().unwrap()),
        );
    }
    for (index, (path, defect, mask)) in test_images().iter().enumerate() {
        let kind = if defect.is_some() { "ko" } else { "ok" };
        copy(path, &class.join(format!("test/{kind}/{index:04}.png")));
        if let Some(mask) = mask {
            let target = class.join(format!("ground_truth/ko/{index:04}.bmp"));
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            image::open(mask).unwrap().save(target).unwrap();
        }
    }
    root
}

/// The bottles in VisA's layout, with masks of label values.
fn visa() -> PathBuf {
    let root = folder("layout_visa");
    let mut split = String::from("object,split,label,image,mask\n");
    for (index, path) in files(&data().join("bottle/train/good")).iter().enumerate() {
        let name = format!("bottle/Data/Images/Normal/1{index:03}.png");
        copy(path, &root.join(&name));
        split += &format!("bottle,train,normal,{name},\n");
    }
    for (index, (path, defect, mask)) in test_images().iter().enumerate() {
        let (kind, label) = match defect {
            Some(_) => ("Anomaly", "anomaly"),
            None => ("Normal", "normal"),
        };
        let name = format!("bottle/Data/Images/{kind}/{index:03}.png");
        copy(path, &root.join(&name));
        let mut mask_name = String::new();
        if let Some(mask) = mask {
            mask_name = format!("bottle/Data/Masks/Anomaly/{index:03}.png");
            let target = root.join(&mask_name);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            let mut mask = image::open(mask).unwrap().to_luma8();
            for value in mask.iter_mut() {
                *value = u8::from(*value > 127) * 3;
            }
            mask.save(target).unwrap();
        }
        split += &format!("bottle,test,{label},{name},{mask_name}\n");
    }
    fs::create_dir_all(root.join("split_csv")).unwrap();
    fs::write(root.join("split_csv/1cls.csv"), split).unwrap();
    root
}

/// A plain folder of bottles: the training images and a folder for each defect.
fn plain() -> PathBuf {
    let root = folder("layout_plain");
    for path in files(&data().join("bottle/train/good")) {
        copy(&path, &root.join("good").join(path.file_name().unwrap()));
    }
    for (index, (path, defect, mask)) in test_images().iter().enumerate() {
        if let (Some(defect), Some(mask)) = (defect, mask) {
            copy(path, &root.join(format!("{defect}/{index}.png")));
            copy(mask, &root.join(format!("masks/{defect}/{index}.png")));
        }
    }
    root
}

#[test]
fn the_same_images_give_the_same_figures_in_every_layout() {
    let report = |root: &Path| {
        json(&format!(
            "eval {} --data {} --category all --device cpu --json",
            trained().display(),
            root.display()
        ))
    };
    let mvtec = folder("layout_mvtec");
    let from = data().join("bottle");
    for kind in ["train", "test", "ground_truth"] {
        for below in files(&from.join(kind)) {
            for path in files(&below) {
                copy(
                    &path,
                    &mvtec.join("bottle").join(path.strip_prefix(&from).unwrap()),
                );
            }
        }
    }
    let reference = report(&mvtec);
    for root in [btad(), visa()] {
        let other = report(&root);
        for figures in ["image", "pixel", "reductions"] {
            assert_eq!(
                other["mean"][figures], reference["mean"][figures],
                "{root:?}"
            );
        }
        succeed(&format!("data check {}", root.display()));
        let run = root.join("run");
        let summary = json(&format!(
            "train --data {} --steps 1 {TINY} --out {} --json",
            root.display(),
            run.display()
        ));
        assert_eq!(summary["images"], 6, "{root:?}");
    }
    let root = plain();
    succeed(&format!("data check {}", root.display()));
    let info = json(&format!("data info {} --json", root.display()));
    assert_eq!(info["layout"], "plain");
    let report = report(&root);
    // Every fifth good image is kept from training, to be judged.
    let own = &report["categories"]["layout_plain"];
    assert_eq!(own["images"]["good"], 1);
    assert_eq!(
        own["images"]["anomalous"],
        reference["categories"]["bottle"]["images"]["anomalous"]
    );
    assert!(own["pixel"]["auroc"].is_number());
}

#[test]
fn check_passes_what_is_whole_and_names_what_is_not() {
    let report = json(&format!("data check {} --json", data().display()));
    assert_eq!(report["findings"], serde_json::json!([]));
    assert_eq!(report["categories"]["bottle"]["train"], 6);
    let info = json(&format!(
        "data info {} --category carpet --json",
        data().display()
    ));
    assert_eq!(info["categories"].as_object().unwrap().len(), 1);
    assert_eq!(report["categories"]["carpet"], info["categories"]["carpet"]);

    let root = btad_with_faults();
    let output = crate::program::run(&format!("data check {}", root.display()));
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.trim_end().ends_with(&format!(
            "error: 2 things are wrong with {}",
            root.display()
        )),
        "{stderr}"
    );
    assert!(
        stdout.contains("train/ok/empty.png") && stdout.contains("replace or remove it"),
        "{stdout}"
    );
    assert!(stdout.contains("9999.bmp belongs to no image"), "{stdout}");
    fail(
        &format!("data check {}", root.join("03/train").display()),
        &["no category", "split_csv/1cls.csv"],
    );
    fail(
        &format!("data info {}", root.join("absent").display()),
        &["cannot read folder", "absent"],
    );
}

fn btad_with_faults() -> PathBuf {
    let root = folder("layout_faults");
    let image = data().join("bottle/train/good/000.png");
    copy(&image, &root.join("03/train/ok/0.png"));
    copy(
        &data().join("bottle/train/good/001.png"),
        &root.join("03/test/ok/0.png"),
    );
    fs::write(root.join("03/train/ok/empty.png"), b"").unwrap();
    fs::create_dir_all(root.join("03/ground_truth/ko")).unwrap();
    image::GrayImage::new(4, 4)
        .save(root.join("03/ground_truth/ko/9999.bmp"))
        .unwrap();
    root
}

#[test]
fn native_figures_of_images_of_the_networks_size_are_the_same() {
    let scores = folder("native").join("scores.csv");
    let report = json(&format!(
        "eval {} --data {} --category bottle --device cpu --json --native --aupro-limit 0.05 --scores {}",
        trained().display(),
        data().display(),
        scores.display()
    ));
    let own = &report["categories"]["bottle"];
    assert_eq!(own["native"]["image"], own["image"]);
    assert_eq!(own["native"]["pixel"], own["pixel"]);
    assert_eq!(report["aupro_limit"], 0.05);
    for hash in [&report["model_sha256"], &own["data_sha256"]] {
        assert_eq!(hash.as_str().map(str::len), Some(64));
    }
    let defects = own["defects"].as_object().unwrap();
    let images: u64 = defects
        .values()
        .map(|one| one["images"].as_u64().unwrap())
        .sum();
    assert_eq!(Some(images), own["images"]["anomalous"].as_u64());
    fail(
        &format!(
            "eval {} --data {} --category bottle --aupro-limit 0",
            trained().display(),
            data().display()
        ),
        &["--aupro-limit 0"],
    );
}

#[test]
fn a_false_alarm_rate_sets_the_threshold_and_p_values_agree_with_it() {
    let root = folder("rate");
    let run = root.join("run");
    let train = format!(
        "train --data {} --category bottle --steps 3 {TINY} --out {}",
        data().display(),
        run.display()
    );
    fail(
        &format!("{train} --false-alarm-rate 0.001"),
        &["999 good images", "'bottle' gives 24"],
    );
    fail(
        &format!("{train} --false-alarm-rate 2"),
        &["between 0 and 1"],
    );
    assert!(!run.exists());
    let summary = json(&format!("{train} --false-alarm-rate 0.2 --json"));
    let calibration = &summary["calibration"];
    assert_eq!(calibration["false_alarm_rate"], 0.2);
    let good: Vec<f64> = calibration["good_scores"]
        .as_array()
        .unwrap()
        .iter()
        .map(|score| score.as_f64().unwrap())
        .collect();
    assert_eq!(good.len(), 24);
    // (n + 1) α = 5: the fifth highest score is the lowest threshold with p ≤ α above it.
    assert_eq!(calibration["threshold"].as_f64(), Some(good[24 - 5]));

    for (options, rate) in [("", 0.2), (" --false-alarm-rate 0.5", 0.5)] {
        let out = root.join("out");
        let answer = json(&format!(
            "predict {} {} --out {} --device cpu --map none --json{options}",
            run.display(),
            data().join("bottle").display(),
            out.display()
        ));
        let images = answer["images"].as_array().unwrap();
        assert!(images.len() > 10);
        for one in images {
            let score = one["score"].as_f64().unwrap();
            let p = one["p_value"].as_f64().unwrap();
            let at_least = good.iter().filter(|&&good| good >= score).count();
            assert!((p - (1 + at_least) as f64 / 25.0).abs() < 1e-12);
            assert_eq!(one["verdict"] == "anomalous", p <= rate + 1e-9, "{one}");
        }
        let report = json(&format!(
            "eval {} --data {} --category bottle --device cpu --json --scores {}{options}",
            run.display(),
            data().display(),
            root.join("scores.csv").display()
        ));
        let verdicts = &report["categories"]["bottle"]["verdicts"];
        assert_eq!(verdicts["chosen_rate"], rate);
        // The realised rates can be had from the list.
        let rows: Vec<csv::StringRecord> = csv::Reader::from_path(root.join("scores.csv"))
            .unwrap()
            .into_records()
            .map(|row| row.unwrap())
            .collect();
        for (key, is_good) in [("false_alarm_rate", true), ("detection_rate", false)] {
            let group: Vec<_> = rows
                .iter()
                .filter(|row| (&row[2] == "good") == is_good)
                .collect();
            let called = group
                .iter()
                .filter(|row| row[7].parse::<f64>().unwrap() <= rate + 1e-9)
                .count();
            let expected = called as f64 / group.len() as f64;
            assert_eq!(verdicts[key].as_f64(), Some(expected), "{key}");
        }
    }
}

#[test]
fn leaving_one_out_calibrates_anew_and_leaves_the_weights_alone() {
    let root = folder("leave_one_out");
    let train = |name: &str, options: &str| {
        let run = root.join(name);
        let summary = json(&format!(
            "train --data {} --category bottle --shots 3 --steps 4 {TINY} --out {} --json {options}",
            data().display(),
            run.display()
        ));
        let weights = fs::read(run.join("model/model.safetensors")).unwrap();
        (summary, weights, run)
    };
    let (altered, weights, _) = train("altered", "");
    let (left_out, same_weights, run) = train("left_out", "--leave-one-out --false-alarm-rate 0.1");
    assert!(weights == same_weights, "only the calibration may differ");
    let (before, after) = (&altered["calibration"], &left_out["calibration"]);
    assert_eq!(
        (before["source"].as_str(), before["images"].as_u64()),
        (Some("altered_training"), Some(18))
    );
    // Each image itself and its six alterations.
    assert_eq!(
        (after["source"].as_str(), after["images"].as_u64()),
        (Some("leave_one_out"), Some(21))
    );
    assert_eq!(after["false_alarm_rate"], 0.1);
    assert_ne!(before["good_scores"], after["good_scores"]);
    let info = json(&format!("info {} --json", run.display()));
    assert_eq!(info["package"]["calibration"], *after);
    // Augmented copies are left out with their image, and calibrate nothing.
    let (augmented, other_weights, _) = train("augmented", "--leave-one-out --augment mirror,grey");
    assert!(weights != other_weights);
    assert_eq!(augmented["images"], 3);
    assert_eq!(augmented["calibration"]["images"], 21);
    fail(
        &format!(
            "train --data {} --category bottle --shots 1 --leave-one-out {TINY} --out {}",
            data().display(),
            root.join("one").display()
        ),
        &["--leave-one-out needs at least two"],
    );
}

#[test]
fn a_package_without_good_scores_still_judges() {
    let package = crate::program::package_copy("old_package");
    let path = package.join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let calibration = config["calibration"].as_object_mut().unwrap();
    assert!(calibration.remove("good_scores").is_some());
    fs::write(&path, serde_json::to_vec(&config).unwrap()).unwrap();
    let predict = format!(
        "predict {} {} --out {} --device cpu --map none",
        package.display(),
        data().join("bottle/test/good").display(),
        package.join("out").display()
    );
    let answer = json(&format!("{predict} --json"));
    assert!(answer["images"][0]["verdict"].is_string());
    assert!(answer["images"][0].get("p_value").is_none());
    fail(
        &format!("{predict} --false-alarm-rate 0.2"),
        &["keeps no scores of good images"],
    );
}
