//! The folder of a run: settings, log, checkpoints, and the finished model.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::tensorboard;
use crate::atomic;
use crate::progress::say;

/// File of all settings.
pub const CONFIG: &str = "config.json";
/// Finished model, a package.
pub const MODEL: &str = "model";
/// Packages of unfinished models, `step-<number>`.
pub const CHECKPOINTS: &str = "checkpoints";
/// One JSON object a line.
const LOG: &str = "log.jsonl";

/// Settings that decide the weights: a run is gone on with only if they are the same.
const SAME: [&str; 14] = [
    "/method",
    "/coreset",
    "/padim_channels",
    "/categories",
    "/shots",
    "/files",
    "/calibration_images",
    "/model",
    "/recipe",
    "/options/steps",
    "/options/batch",
    "/options/tau",
    "/options/seed",
    "/backbone_weights",
];

/// A setting, cut to what fits a line.
fn short(value: Option<&serde_json::Value>) -> String {
    let text = value.map_or_else(|| "missing".into(), ToString::to_string);
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn append(path: &Path) -> Result<File> {
    let file = OpenOptions::new().append(true).open(path);
    file.with_context(|| format!("cannot write {}", path.display()))
}

/// A run's folder, open for writing.
pub struct RunFolder {
    path: PathBuf,
    log: File,
}

impl RunFolder {
    /// Makes the folder. An earlier run in it is refused, or with `overwrite` moved to `<name>.previous`.
    ///
    /// # Errors
    /// When something is in the way.
    pub fn create(path: &Path, overwrite: bool) -> Result<Self> {
        if path.exists() {
            make_room(path, overwrite)?;
        }
        fs::create_dir_all(path)
            .with_context(|| format!("cannot make folder {}", path.display()))?;
        let log = path.join(LOG);
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .open(&log);
        let log = file.with_context(|| format!("cannot write {}", log.display()))?;
        Ok(Self {
            path: path.into(),
            log,
        })
    }

    /// Whether there is a run that could be gone on with.
    pub fn exists(path: &Path) -> bool {
        path.join(CONFIG).is_file() && path.join(LOG).is_file()
    }

    /// The shuffling rate that a run was begun with.
    ///
    /// # Errors
    /// When its settings cannot be read.
    pub fn recorded_tau(path: &Path) -> Result<f64> {
        let config = path.join(CONFIG);
        let text =
            fs::read(&config).with_context(|| format!("cannot read {}", config.display()))?;
        serde_json::from_slice::<serde_json::Value>(&text)
            .ok()
            .and_then(|settings| settings.pointer("/options/tau")?.as_f64())
            .with_context(|| format!("{} is damaged", config.display()))
    }

    /// Opens an unfinished run again, and removes what a killed process left half-written.
    ///
    /// # Errors
    /// When its settings are not `settings`, or the folder cannot be used.
    pub fn reopen(path: &Path, settings: &serde_json::Value) -> Result<Self> {
        let config = path.join(CONFIG);
        let text =
            fs::read(&config).with_context(|| format!("cannot read {}", config.display()))?;
        let earlier: serde_json::Value = serde_json::from_slice(&text)
            .with_context(|| format!("{} is damaged", config.display()))?;
        let differs = |name: &&&str| earlier.pointer(name) != settings.pointer(name);
        if let Some(name) = SAME.iter().find(differs) {
            bail!(
                "{} was begun with other settings: {} was {}, now it is {}; give the same command, or another --out",
                path.display(),
                name.trim_start_matches('/').replace('/', "."),
                short(earlier.pointer(name)),
                short(settings.pointer(name))
            );
        }
        if earlier["device"] != settings["device"] {
            say(
                "the run began on another device: its weights will differ in the last digits from there on",
            );
        }
        for folder in [path.to_path_buf(), path.join(CHECKPOINTS)] {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.starts_with('.') && name.contains(".partial-") {
                    // One of the two fits; a failure only leaves a hidden file behind.
                    let _ = fs::remove_dir_all(entry.path());
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
        Ok(Self {
            path: path.into(),
            log: append(&path.join(LOG))?,
        })
    }

    /// Drops the lines of the log after `step`: they will be written again.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn cut_log(&mut self, step: usize) -> Result<()> {
        let path = self.path.join(LOG);
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let kept: Vec<u8> = text
            .split_inclusive(|byte| *byte == b'\n')
            .filter(|line| {
                // A line that a kill cut short is not JSON.
                serde_json::from_slice::<serde_json::Value>(line)
                    .is_ok_and(|line| line["step"].as_u64().is_some_and(|at| at <= step as u64))
            })
            .flatten()
            .copied()
            .collect();
        atomic::write_file(&path, &kept)?;
        self.log = append(&path)?;
        Ok(())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records the settings.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_config(&self, config: &impl Serialize) -> Result<()> {
        atomic::write_file(&self.path.join(CONFIG), &serde_json::to_vec_pretty(config)?)
    }

    /// Adds a line to the log.
    ///
    /// # Errors
    /// When the file cannot be written, for instance on a full disk.
    pub fn log(&mut self, line: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.log
            .write_all(&text)
            .with_context(|| format!("cannot write {}", self.path.join(LOG).display()))
    }

    /// Where the checkpoint of a step goes.
    pub fn checkpoint(&self, step: usize) -> PathBuf {
        self.path.join(CHECKPOINTS).join(format!("step-{step:08}"))
    }

    /// Removes the checkpoints before `step`. A failure only leaves files behind.
    pub fn drop_checkpoints_before(&self, step: usize) {
        for (other, path) in checkpoints(&self.path) {
            if other < step {
                let _ = fs::remove_dir_all(path);
            }
        }
    }

    /// Removes all checkpoints: the finished model is there.
    pub fn drop_checkpoints(&self) {
        let _ = fs::remove_dir_all(self.path.join(CHECKPOINTS));
    }
}

/// Checkpoints of a run by step, oldest first.
pub fn checkpoints(run: &Path) -> Vec<(usize, PathBuf)> {
    let Ok(entries) = fs::read_dir(run.join(CHECKPOINTS)) else {
        return Vec::new();
    };
    let mut found: Vec<(usize, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            Some((
                entry
                    .file_name()
                    .to_str()?
                    .strip_prefix("step-")?
                    .parse()
                    .ok()?,
                entry.path(),
            ))
        })
        .collect();
    found.sort();
    found
}

fn make_room(path: &Path, overwrite: bool) -> Result<()> {
    if !path.is_dir() {
        bail!("{} is a file; give another --out", path.display());
    }
    let is_run = path.join(MODEL).exists() || path.join(CHECKPOINTS).exists();
    let known = [CONFIG, LOG, tensorboard::FOLDER];
    let foreign = fs::read_dir(path)
        .with_context(|| format!("cannot read folder {}", path.display()))?
        .flatten()
        .find(|entry| {
            let name = entry.file_name();
            // What a killed process of this program left half-written is nobody's.
            let partial = name.to_string_lossy().contains(".partial-");
            !partial && !known.iter().any(|known| name == *known)
        });
    match (is_run, foreign) {
        (false, None) => Ok(()),
        (false, Some(entry)) => bail!(
            "{} holds other things ('{}'); give an empty or new folder as --out",
            path.display(),
            entry.file_name().to_string_lossy()
        ),
        (true, _) if !overwrite => {
            bail!(
                "{} already holds a run; give another --out, or --overwrite to move it aside",
                path.display()
            )
        }
        (true, _) => {
            let previous = atomic::with_suffix(path, "previous")?;
            if previous.exists() {
                fs::remove_dir_all(&previous)
                    .with_context(|| format!("cannot remove {}", previous.display()))?;
            }
            fs::rename(path, &previous)
                .with_context(|| format!("cannot move {} aside", path.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_earlier_run_is_never_lost_by_accident() {
        let root = tempfile::tempdir().unwrap();
        let run = root.path().join("run");
        let mut folder = RunFolder::create(&run, false).unwrap();
        folder.write_config(&"first").unwrap();
        folder.log(&1).unwrap();
        // Failed before its first checkpoint: may be used again.
        RunFolder::create(&run, false).unwrap();
        fs::create_dir_all(run.join(CHECKPOINTS).join("step-00000007")).unwrap();
        fs::create_dir_all(run.join(CHECKPOINTS).join("step-00000030")).unwrap();
        assert!(
            RunFolder::create(&run, false)
                .is_err_and(|error| error.to_string().contains("--overwrite"))
        );
        assert_eq!(checkpoints(&run).last().unwrap().0, 30);
        RunFolder::create(&run, true).unwrap();
        assert!(checkpoints(&run).is_empty());
        assert_eq!(checkpoints(&root.path().join("run.previous")).len(), 2);

        fs::write(root.path().join("photo.jpg"), b"x").unwrap();
        assert!(
            RunFolder::create(root.path(), true)
                .is_err_and(|error| error.to_string().contains("other things"))
        );
        assert!(RunFolder::create(&root.path().join("photo.jpg"), true).is_err());
    }
}
