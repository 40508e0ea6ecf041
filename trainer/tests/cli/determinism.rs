//! The same seed gives the same weights, bit by bit.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::program::{TINY, command, data, fail, folder, json, succeed};

/// Trains on six bottles in batches of four.
fn train(run: &Path, options: &str) -> String {
    format!(
        "train --data {} --category bottle --batch 4 --steps 8 --seed 5 {} --out {} {options}",
        data().display(),
        TINY.replace("--device cpu", "").replace("--patch 2", ""),
        run.display()
    )
}

#[test]
fn several_devices_train_as_one_does_and_are_resumed_bit_by_bit() {
    let root = folder("devices");
    let loss = |name: &str, options: &str| {
        let summary = json(&train(&root.join(name), &format!("{options} --json")));
        summary["loss"].as_f64().unwrap()
    };
    let one = loss("one", "--devices cpu");
    let two = loss("two", "--devices cpu,cpu");
    assert!((two / one - 1.0).abs() < 1e-5, "{two} {one}");

    let run = root.join("killed");
    let arguments = train(&run, "--devices cpu,cpu --checkpoint-every 1 --resume");
    let mut child = command(&arguments, &[]).spawn().unwrap();
    while !run.join("checkpoints").exists() && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    succeed(&arguments);
    let weights = |name: &str| fs::read(root.join(name).join("model/model.safetensors")).unwrap();
    assert!(weights("killed") == weights("two"));

    let bad = |options: &str, parts: &[&str]| fail(&train(&root.join("bad"), options), parts);
    bad("--devices cpu,cpu,cpu,cpu,cpu", &["--devices", "--batch 5"]);
    bad("--devices cpu,cpu --method padim", &["--devices", "padim"]);
    assert!(!root.join("bad").exists());
}

/// Steps of the events in a run's TensorBoard files, in the order of the files.
fn event_steps(run: &Path) -> Vec<u64> {
    let mut files: Vec<_> = fs::read_dir(run.join("tensorboard"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut steps = Vec::new();
    for file in files {
        let bytes = fs::read(file).unwrap();
        let mut rest = bytes.as_slice();
        while let Some((length, more)) = rest.split_first_chunk::<8>() {
            let length = u64::from_le_bytes(*length) as usize;
            let record = &more[4..4 + length];
            // After the time: field 2, the step, below 128 here; the file's first event has none.
            steps.extend((record[9] == 0x10).then(|| u64::from(record[10])));
            rest = &more[4 + length + 4..];
        }
    }
    steps
}

#[test]
fn tensorboard_is_told_every_logged_step_and_where_a_run_goes_on() {
    let run = folder("tensorboard").join("run");
    let arguments = train(
        &run,
        "--devices cpu --tensorboard --checkpoint-every 2 --resume",
    );
    let mut child = command(&arguments, &[]).spawn().unwrap();
    while !run.join("checkpoints/step-00000004").exists() && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    succeed(&arguments);
    let steps = event_steps(&run);
    assert_eq!(steps.last(), Some(&8));
    assert!((1..=8).all(|step| steps.contains(&step)), "{steps:?}");
    // Where two files meet, the second begins by taking back the steps after the checkpoint.
    let files = fs::read_dir(run.join("tensorboard")).unwrap().count();
    if files > 1 {
        assert!(steps.windows(2).any(|pair| pair[0] == pair[1]), "{steps:?}");
    }
}

#[test]
fn equal_seeds_give_equal_weights_and_others_do_not() {
    let root = folder("determinism");
    let weights = |name: &str, options: &str| {
        let run = root.join(name);
        succeed(&format!(
            "train --data {} --category bottle --shots 4 --steps 8 {TINY} --out {} {options}",
            data().display(),
            run.display()
        ));
        fs::read(run.join("model/model.safetensors")).unwrap()
    };
    let first = weights("first", "--seed 5");
    // The features in a file instead of memory, and checkpoints on the way, change nothing either.
    assert!(first == weights("again", "--seed 5"));
    assert!(first == weights("on_disk", "--seed 5 --cache-ram 0 --checkpoint-every 1"));
    assert!(first != weights("other", "--seed 6"));
    assert!(first != weights("tau", "--seed 5 --tau 0.9"));
}
