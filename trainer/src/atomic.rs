//! Files that are either whole or not there: written beside their place, then renamed into it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Writes a file so that a crash or a full disk leaves the previous content, never half of the new.
///
/// # Errors
/// Names the file; the previous content is then untouched.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = beside(path, "partial")?;
    let written = write_and_sync(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // Best effort: the reason worth reporting is the first one.
        let _ = fs::remove_file(&partial);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a folder of files so that it appears at `target` complete or not at all.
///
/// A folder that is already there is replaced; should the process die between the two renames, it
/// is still beside it as `<name>.previous`.
///
/// # Errors
/// Names the folder; what was there before is then untouched.
pub fn write_folder(target: &Path, files: &[(String, Vec<u8>)]) -> Result<()> {
    let partial = beside(target, "partial")?;
    let fill = || -> Result<()> {
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        fs::create_dir_all(&partial)?;
        for (name, bytes) in files {
            write_and_sync(&partial.join(name), bytes).with_context(|| name.clone())?;
        }
        if !target.exists() {
            return Ok(fs::rename(&partial, target)?);
        }
        let previous = with_suffix(target, "previous")?;
        if previous.exists() {
            fs::remove_dir_all(&previous)?;
        }
        fs::rename(target, &previous)?;
        fs::rename(&partial, target)?;
        Ok(fs::remove_dir_all(&previous)?)
    };
    let written = fill();
    if written.is_err() {
        let _ = fs::remove_dir_all(&partial);
    }
    written.with_context(|| format!("cannot write {}", target.display()))
}

/// `dir/name` → `dir/name.<suffix>`.
///
/// # Errors
/// When the path has no file name, such as `/` or `..`.
pub fn with_suffix(path: &Path, suffix: &str) -> Result<PathBuf> {
    let Some(name) = path.file_name() else {
        bail!("{} is not a name to write to", path.display())
    };
    Ok(path.with_file_name(format!("{}.{suffix}", name.to_string_lossy())))
}

/// A hidden neighbour of this process's own.
fn beside(path: &Path, what: &str) -> Result<PathBuf> {
    let named = with_suffix(path, &format!("{what}-{}", std::process::id()))?;
    let name = named
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(named.with_file_name(format!(".{name}")))
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_a_folder_and_leaves_nothing_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("model");
        let files = |text: &str| [("a".to_string(), text.as_bytes().to_vec())];
        write_folder(&target, &files("one")).unwrap();
        write_folder(&target, &files("two")).unwrap();
        assert_eq!(fs::read(target.join("a")).unwrap(), b"two");
        assert_eq!(names(root.path()), ["model"]);
    }

    #[test]
    fn a_failure_keeps_what_was_there() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("model");
        write_folder(&target, &[("a".to_string(), b"one".to_vec())]).unwrap();
        // A name that cannot be created, after a good one.
        let bad = [
            ("a".to_string(), b"two".to_vec()),
            ("no/such/folder".to_string(), vec![]),
        ];
        let error = format!("{:#}", write_folder(&target, &bad).unwrap_err());
        assert!(
            error.contains("model") && error.contains("no/such/folder"),
            "{error}"
        );
        assert_eq!(fs::read(target.join("a")).unwrap(), b"one");
        assert_eq!(names(root.path()), ["model"]);

        let file = root.path().join("x.json");
        write_file(&file, b"1").unwrap();
        assert!(write_file(&root.path().join("absent/x.json"), b"2").is_err());
        assert_eq!(fs::read(&file).unwrap(), b"1");
    }
}
