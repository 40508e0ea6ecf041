//! Studies: shared out, killed, gone on with, and the same figures as `fsr eval`.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::program::{command, data, fail, folder, json, snapshot, succeed};

const STUDY: &str = r#"
title = "Tiny"
categories = ["bottle", "carpet"]
settings = ["few-shot", "unified"]
seeds = [1, 2]
[fixed]
preset = "lite"
size = 64
backbone-weights = "random"
shots = 2
[[variants]]
method = "fsr"
width = 32
depth = 1
heads = 2
patch = 2
steps = 6
[[variants]]
method = "patchcore"
coreset = 0.2
[[variants]]
method = "padim"
padim-channels = 20
"#;

/// Two settings of two categories, three methods, two seeds.
const CELLS: usize = 3 * 2 * (2 + 1);

fn study(root: &Path) -> std::path::PathBuf {
    let file = root.join("tiny.toml");
    fs::write(&file, STUDY).unwrap();
    file
}

fn arguments(root: &Path, out: &str, more: &str) -> String {
    format!(
        "study {} --data {} --out {} --device cpu --json {more}",
        study(root).display(),
        data().display(),
        root.join(out).display()
    )
}

fn cells(root: &Path, out: &str) -> Vec<Value> {
    let folder = root.join(out).join("cells");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        // Not what is being written at the moment.
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
        .collect()
}

#[test]
fn a_study_is_shared_out_and_nothing_is_done_twice() {
    let root = folder("study_shared");
    let half = json(&arguments(&root, "out", "--array 0/2"));
    assert_eq!(half["cells"], serde_json::json!([CELLS / 2, CELLS]));
    let all = json(&arguments(&root, "out", "--array 1/2"));
    assert_eq!(all["cells"], serde_json::json!([CELLS, CELLS]));
    // Each method in each setting: few-shot has two categories and their mean, so has unified.
    let rows = all["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3 * 2 * 3);
    for row in rows {
        let auroc = &row["figures"]["P-AUROC"];
        assert!((0.0..=1.0).contains(&auroc["mean"].as_f64().unwrap()));
        assert_eq!(auroc["seeds"], 2);
    }
    let before = snapshot(&root.join("out/cells"));
    let again = json(&arguments(&root, "out", ""));
    assert!(snapshot(&root.join("out/cells")) == before);
    assert_eq!(again, all);
    let csv = fs::read_to_string(root.join("out/table.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + rows.len());
    assert!(
        fs::read_to_string(root.join("out/table.md"))
            .unwrap()
            .contains("padim")
    );
    assert!(
        !root.join("out/runs").exists(),
        "models are not kept unasked"
    );
}

#[test]
fn a_cell_says_what_train_and_eval_say() {
    let root = folder("study_same");
    fs::write(
        root.join("tiny.toml"),
        STUDY
            .replace("\"few-shot\", \"unified\"", "\"few-shot\"")
            .replace("[\"bottle\", \"carpet\"]", "[\"bottle\"]")
            .replace("seeds = [1, 2]", "seeds = [3]"),
    )
    .unwrap();
    succeed(&format!(
        "study {} --data {} --out {} --device cpu --keep-models",
        root.join("tiny.toml").display(),
        data().display(),
        root.join("out").display()
    ));
    let cells = cells(&root, "out");
    assert_eq!(cells.len(), 3);
    for cell in cells {
        let hash = cell["hash"].as_str().unwrap();
        let run = root.join("out/runs").join(hash);
        let report = json(&format!(
            "eval {} --data {} --category bottle --device cpu --json",
            run.display(),
            data().display()
        ));
        // The study keeps test features in half precision, which moves ranks of near-equal pixels.
        for figure in ["/image/auroc", "/pixel/auroc", "/pixel/aupro"] {
            let of = |value: &Value| value.pointer(figure).unwrap().as_f64().unwrap();
            let (study, eval) = (
                of(&cell["categories"]["bottle"]),
                of(&report["categories"]["bottle"]),
            );
            assert!(
                (study - eval).abs() < 0.02,
                "{hash} {figure}: {study} {eval}"
            );
        }
    }
}

#[test]
fn a_killed_study_goes_on() {
    let root = folder("study_killed");
    let whole = json(&arguments(&root, "whole", ""));
    let mut rounds = 0;
    while cells(&root, "killed").len() < CELLS / 2 {
        let before = cells(&root, "killed").len();
        let mut child = command(&arguments(&root, "killed", ""), &[])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while cells(&root, "killed").len() <= before && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(3));
        }
        sleep(Duration::from_millis(7 * rounds % 40));
        child.kill().unwrap();
        child.wait().unwrap();
        rounds += 1;
    }
    let resumed = json(&arguments(&root, "killed", ""));
    assert_eq!(resumed["cells"], whole["cells"]);
    assert_eq!(
        resumed["rows"].as_array().unwrap().len(),
        whole["rows"].as_array().unwrap().len()
    );
}

#[test]
fn mistakes_in_a_study_are_named() {
    let root = folder("study_mistakes");
    let with = |from: &str, to: &str| {
        let file = root.join("bad.toml");
        fs::write(&file, STUDY.replace(from, to)).unwrap();
        format!(
            "study {} --data {} --out {} --device cpu",
            file.display(),
            data().display(),
            root.join("out").display()
        )
    };
    fail(&with("steps = 6", "stepps = 6"), &["bad.toml", "stepps"]);
    fail(&with("\"random\"", "\"absent.pth\""), &["absent.pth"]);
    fail(&with("\"carpet\"", "\"carpets\""), &["carpets"]);
    fail(&with("title", "titel"), &["bad.toml"]);
    assert!(
        !root.join("out").exists(),
        "nothing is written before all is checked"
    );
}
