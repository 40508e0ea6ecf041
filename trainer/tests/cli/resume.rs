//! A run that was killed and resumed ends with the weights of one that never was.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::program::{TINY, command, data, fail, folder, json, succeed};

/// Enough for every kill to come before the end, and few enough to run in seconds.
const STEPS: usize = 480;
const KILLS: u64 = 20;

fn arguments(run: &Path, more: &str) -> String {
    format!(
        "train --data {} --category bottle --shots 4 --steps {STEPS} --checkpoint-every 1 {TINY} --seed 9 \
         --recipe fast --out {} {more}",
        data().display(),
        run.display()
    )
}

fn start(run: &Path) -> Child {
    command(&arguments(run, "--resume"), &[])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Step of the newest checkpoint.
fn newest(run: &Path) -> usize {
    let names = fs::read_dir(run.join("checkpoints")).into_iter().flatten();
    names
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.strip_prefix("step-")?.parse().ok()
        })
        .max()
        .unwrap_or(0)
}

#[test]
fn twenty_kills_change_nothing() {
    let root = folder("resume");
    let whole = root.join("whole");
    succeed(&arguments(&whole, ""));

    let run = root.join("killed");
    let mut kills = 0;
    for round in 0..KILLS {
        let before = newest(&run);
        let mut child = start(&run);
        // Every round gets further, however slow the machine is, and is killed at another moment of
        // its steps, its writing or its renaming.
        while newest(&run) <= before && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(2));
        }
        sleep(Duration::from_millis((round * 7919) % 41));
        child.kill().unwrap();
        if !child.wait().unwrap().success() {
            kills += 1;
        }
        // The model so far can be opened at every moment.
        let info = json(&format!("info {} --json", run.display()));
        assert!(info["package"]["provenance"]["steps"].as_u64().unwrap() > before as u64);
    }
    assert!(kills > 0);
    succeed(&arguments(&run, "--resume"));
    let weights = |run: &Path| fs::read(run.join("model/model.safetensors")).unwrap();
    assert!(weights(&run) == weights(&whole), "after {kills} kills");

    // The log tells one story: every step once, in order, up to the last.
    let log = fs::read_to_string(run.join("log.jsonl")).unwrap();
    let steps: Vec<u64> = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["step"].as_u64())
        .map(Option::unwrap)
        .collect();
    assert!(steps.is_sorted_by(|a, b| a < b));
    assert_eq!(steps.last(), Some(&(STEPS as u64)));
    // Nothing half-written is left.
    let left: Vec<_> = fs::read_dir(&run).unwrap().flatten().collect();
    assert!(
        left.iter()
            .all(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
    );

    // A finished run has nothing to resume, and says so without touching it.
    succeed(&arguments(&run, "--resume"));
    assert!(weights(&run) == weights(&whole));
}

#[test]
fn a_run_is_resumed_only_as_it_was_begun_and_from_whole_files() {
    let run = folder("resume_other").join("run");
    let mut child = start(&run);
    while newest(&run) < 8 {
        assert!(child.try_wait().unwrap().is_none());
        sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    fail(
        &arguments(&run, "--resume --tau 0.5"),
        &["other settings", "options.tau", "0.5"],
    );
    fail(&arguments(&run, "--resume --jitter 0"), &["other settings"]);
    // A damaged checkpoint is not continued from.
    for entry in fs::read_dir(run.join("checkpoints")).unwrap().flatten() {
        let file = entry.path().join("optimizer.safetensors");
        if let Ok(mut bytes) = fs::read(&file) {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            fs::write(&file, bytes).unwrap();
        }
    }
    fail(
        &arguments(&run, "--resume"),
        &["no checkpoint", "optimizer.safetensors is damaged"],
    );
}
