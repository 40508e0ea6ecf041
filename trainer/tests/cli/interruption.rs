//! A run that is killed or interrupted leaves its last checkpoint whole.

use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::program::{TINY, command, data, fail, folder, json, snapshot, succeed};

/// A run that will not end by itself during the test.
fn endless(run: &Path, options: &str) -> Child {
    let arguments = format!(
        "train --data {} --category bottle --shots 4 --epochs 1000000 --checkpoint-every 1 {TINY} --out {} {options}",
        data().display(),
        run.display()
    );
    command(&arguments, &[])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits for the first checkpoint (the test's own time limit is the only one).
fn await_checkpoint(run: &Path, child: &mut Child) {
    let complete = || {
        std::fs::read_dir(run.join("checkpoints")).is_ok_and(|entries| {
            entries
                .flatten()
                .any(|entry| entry.file_name().to_string_lossy().starts_with("step-"))
        })
    };
    while !complete() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended before its first checkpoint"
        );
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_killed_run_keeps_a_readable_checkpoint() {
    let root = folder("killed");
    for round in 0..6u64 {
        let run = root.join(format!("run{round}"));
        let mut child = endless(&run, "");
        await_checkpoint(&run, &mut child);
        // Other moments each time: while computing, while writing, while renaming.
        sleep(Duration::from_millis(23 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let info = json(&format!("info {} --json", run.display()));
        assert!(info["package"]["provenance"]["steps"].as_u64().unwrap() >= 4);
        assert!(info["package"]["calibration"]["threshold"].is_number());
    }
    let run = root.join("run0");
    succeed(&format!(
        "eval {} --data {} --category bottle --device cpu",
        run.display(),
        data().display()
    ));

    // The folder is not overwritten by accident, and moved aside when asked.
    let before = snapshot(&run);
    let again = format!(
        "train --data {} --category bottle --shots 1 --steps 1 {TINY} --out {}",
        data().display(),
        run.display()
    );
    fail(&again, &["already holds a run", "--overwrite"]);
    assert!(snapshot(&run) == before);
    succeed(&format!("{again} --overwrite"));
    assert_eq!(snapshot(&root.join("run0.previous")).len(), before.len());
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_finishes_its_step_and_saves() {
    let run = folder("interrupted").join("run");
    let mut child = endless(&run, "--seed 3");
    await_checkpoint(&run, &mut child);
    let sent = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let info = json(&format!("info {} --json", run.display()));
    let steps = info["package"]["provenance"]["steps"].as_u64().unwrap();
    let log = std::fs::read_to_string(run.join("log.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(
        last["step"].as_u64(),
        Some(steps),
        "the step that was saved was logged"
    );
}
