//! Training takes as much memory for many images as for few, once their features go to disk.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{TINY, command, data, folder};

/// A category of `count` images, which are links to the same few.
fn images(root: &Path, count: usize) -> PathBuf {
    let set = root.join(count.to_string());
    let good = set.join("good");
    fs::create_dir_all(&good).unwrap();
    let few: Vec<PathBuf> = fs::read_dir(data().join("bottle/train/good"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let few: Vec<PathBuf> = few
        .iter()
        .enumerate()
        .map(|(index, path)| {
            let own = root.join(format!("{count}-{index}.png"));
            fs::copy(path, &own).unwrap();
            own
        })
        .collect();
    for index in 0..count {
        fs::hard_link(
            &few[index % few.len()],
            good.join(format!("{index:05}.png")),
        )
        .unwrap();
    }
    set
}

/// Highest resident memory of a training run, in kB; `None` where the system does not say.
fn peak(set: &Path, cache: &str) -> Option<i64> {
    let run = set.with_extension(format!("run-{cache}"));
    let line = format!(
        "train --data {} --layout plain --steps 2 {TINY} --cache-ram {cache} --out {}",
        set.display(),
        run.display()
    );
    let output = command(&line, &[])
        .env("FSR_LOG", "fsr=info")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let place = if cache == "0" {
        "in a temporary file"
    } else {
        "in memory"
    };
    assert!(stderr.contains(place), "{stderr}");
    let (_, after) = stderr.split_once("peak memory ")?;
    after.split(' ').next()?.parse().ok()
}

#[test]
fn features_on_disk_bound_the_memory() {
    let root = folder("memory");
    let (few, many) = (images(&root, 100), images(&root, 2500));
    let growth = |cache| Some(peak(&many, cache)? - peak(&few, cache)?);
    let (Some(in_memory), Some(on_disk)) = (growth("8"), growth("0")) else {
        eprintln!("skipped: this system does not tell a process's peak memory");
        return;
    };
    assert!(
        on_disk < in_memory / 3,
        "2400 more images take {on_disk} kB with their features on disk, {in_memory} kB in memory"
    );
}
