//! Running the program, and the small data set and model that the tests share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// A fresh folder for one test.
pub fn folder(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("cli")
        .join(test);
    if path.exists() {
        fs::remove_dir_all(&path).unwrap();
    }
    fs::create_dir_all(&path).unwrap();
    path
}

/// The program with arguments; paths with blanks go into `extra`.
pub fn command(arguments: &str, extra: &[&Path]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fsr"));
    command
        .args(arguments.split_whitespace())
        .args(extra)
        .stdin(Stdio::null());
    command.env_remove("FSR_LOG");
    command
}

/// Runs to the end.
pub fn run(arguments: &str) -> Output {
    command(arguments, &[]).output().unwrap()
}

/// Runs, and must succeed; returns stdout.
pub fn succeed(arguments: &str) -> String {
    let output = run(arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "fsr {arguments}\n{}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Runs, must succeed, and must print one JSON document and nothing else.
pub fn json(arguments: &str) -> Value {
    let text = succeed(arguments);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("fsr {arguments}: {error}\n{text}"))
}

/// Runs, and must fail with code 1 and one line that holds every one of `parts`.
pub fn fail(arguments: &str, parts: &[&str]) {
    let output = run(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "fsr {arguments}\n{stderr}");
    let errors: Vec<&str> = stderr
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    let last = errors
        .last()
        .unwrap_or_else(|| panic!("no error line from fsr {arguments}\n{stderr}"));
    assert_eq!(
        Some(last),
        stderr.lines().collect::<Vec<_>>().last(),
        "the error comes last:\n{stderr}"
    );
    for part in parts {
        assert!(
            errors.iter().any(|line| line.contains(part)),
            "no '{part}' in\n{stderr}"
        );
    }
    for word in ["panicked", "backtrace", "internal fault", "unwrap"] {
        assert!(!stderr.contains(word), "fsr {arguments}\n{stderr}");
    }
}

/// Generated bottles: 6 to train on, 2 of each kind to test on, 64×64 pixels.
pub fn data() -> &'static Path {
    static DATA: OnceLock<PathBuf> = OnceLock::new();
    DATA.get_or_init(|| {
        let path = folder("shared_data").join("data");
        succeed(&format!(
            "synth --out {} --category bottle --category carpet --train 6 --test 2 --size 64",
            path.display()
        ));
        path
    })
}

/// Options of a model that trains in a second.
pub const TINY: &str = "--preset lite --size 64 --patch 2 --width 32 --depth 1 --heads 2 \
                        --backbone-weights random --device cpu";

/// A run of a tiny model on four bottles.
pub fn trained() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| {
        let path = folder("shared_run").join("run");
        succeed(&format!(
            "train --data {} --category bottle --shots 4 --steps 12 {TINY} --out {}",
            data().display(),
            path.display()
        ));
        path
    })
}

/// A copy of the shared model's package that a test may damage.
pub fn package_copy(test: &str) -> PathBuf {
    let copy = folder(test).join("package");
    fs::create_dir_all(&copy).unwrap();
    for entry in fs::read_dir(trained().join("model")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    copy
}

/// Every file below a folder with its contents.
pub fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}
