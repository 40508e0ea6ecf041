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
