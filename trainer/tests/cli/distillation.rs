//! `fsr distill`: interrupted and resumed, it ends with the bits of one that was not.

use std::fs;

use crate::program::{command, data, fail, folder, succeed};

/// A distillation of a few steps against a teacher that knows nothing.
fn arguments(out: &std::path::Path, steps: usize) -> String {
    format!(
        "distill --images {} --teacher resnet18 --teacher-weights random --steps {steps} --batch 2 \
         --crop 32 --seed 3 --save-every 2 --device cpu --out {}",
        data().join("bottle/train").display(),
        out.display()
    )
}

#[test]
fn a_killed_distillation_goes_on_to_the_same_weights() {
    let root = folder("distillation");
    let (whole, killed) = (
        root.join("whole.safetensors"),
        root.join("killed.safetensors"),
    );
    succeed(&arguments(&whole, 8));
    assert!(!root.join("whole.unfinished").exists());

    let line = arguments(&killed, 8);
    let mut child = command(&line, &[]).spawn().unwrap();
    // Killed once there is something to go on from.
    while !root.join("killed.unfinished/state.json").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended too soon");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let unfinished = ["killed.unfinished", "killed.unfinished.previous"];
    if unfinished.iter().any(|name| root.join(name).exists()) {
        fail(&line, &["unfinished", "--resume"]);
        fail(
            &format!("{} --resume", arguments(&killed, 9)),
            &["other settings"],
        );
        succeed(&format!("{line} --resume"));
    }
    let tensors = |path| fsr::weights::read(&fs::read(path).unwrap()).unwrap();
    assert!(tensors(&whole) == tensors(&killed), "the weights differ");
    let steps = |name: &str| fs::read_to_string(root.join(name)).unwrap().lines().count();
    assert_eq!(steps("whole.log.jsonl"), steps("killed.log.jsonl"));
}
