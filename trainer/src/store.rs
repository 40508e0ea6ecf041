//! Model packages on disk, and the runs that hold them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fsr::package::{
    CONFIG_FILE, DEFAULT_SHARD_BYTES, Dtype, INDEX_FILE, MODEL_FILE, Package, PackageFiles,
    is_archive, unpack,
};

use crate::atomic;
use crate::dataset::manifest::{bytes_sha256, manifest_sha256, sha256_of_manifest};
use crate::train::run_folder::{MODEL, checkpoints};

/// A folder of package files.
struct Folder(PathBuf);

impl PackageFiles for Folder {
    fn read(&self, name: &str) -> Option<Result<Cow<'_, [u8]>, String>> {
        match fs::read(self.0.join(name)) {
            Ok(bytes) => Some(Ok(Cow::Owned(bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => Some(Err(error.to_string())),
        }
    }
}

/// The package that `path` means: itself (a folder or a .zip), the finished model of a run, or a run's
/// last checkpoint.
///
/// # Errors
/// When `path` is neither a package nor a run, or a run without a model yet.
pub fn locate(path: &Path) -> Result<PathBuf> {
    if !path.exists() {
        bail!(
            "there is no {}; give a run of `fsr train` or a model package",
            path.display()
        );
    }
    if !path.is_dir() {
        if is_archive(&path.to_string_lossy()) {
            return Ok(path.to_path_buf());
        }
        bail!(
            "{} is a file; give the folder of a run or of a model package, or a package's .zip",
            path.display()
        );
    }
    let is_package = |folder: &Path| folder.join(CONFIG_FILE).is_file();
    let candidates = [path.join(MODEL)]
        .into_iter()
        .chain(
            checkpoints(path)
                .into_iter()
                .rev()
                .map(|(_, checkpoint)| checkpoint),
        )
        // Written while a finished model was being replaced.
        .chain([path.join(format!("{MODEL}.previous"))]);
    if let Some(found) = candidates.into_iter().find(|folder| is_package(folder)) {
        return Ok(found);
    }
    let weights = path.join(MODEL_FILE).exists() || path.join(INDEX_FILE).exists();
    match (is_package(path), weights, path.join("log.jsonl").exists()) {
        (true, false, true) => bail!(
            "the run {} has no model yet; was it interrupted before its first checkpoint?",
            path.display()
        ),
        (true, ..) | (_, true, _) => Ok(path.to_path_buf()),
        _ => bail!(
            "{} is neither a run of `fsr train` nor a model package (no {CONFIG_FILE}, no {MODEL_FILE})",
            path.display()
        ),
    }
}

/// SHA-256 of the manifest of a package's files: settings, tensors and their index. The same for a folder and for
/// its files in one archive.
///
/// # Errors
/// As [`locate`], and when a file cannot be read.
pub fn sha256(path: &Path) -> Result<String> {
    let folder = locate(path)?;
    let counts = |file: &Path| {
        let ending = file.extension();
        ending.is_some_and(|ending| ending == "json" || ending == "safetensors")
    };
    if !folder.is_dir() {
        let files = unpacked(&folder)?;
        let counted = files.iter().filter(|(name, _)| counts(Path::new(name)));
        let lines = counted.map(|(name, bytes)| (name.clone(), bytes_sha256(bytes)));
        return Ok(sha256_of_manifest(lines.collect()));
    }
    let mut files = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let file = entry?.path();
        if counts(&file) {
            files.push(file);
        }
    }
    Ok(manifest_sha256(&folder, files.iter())?)
}

/// Reads the package that `path` means, see [`locate`].
///
/// # Errors
/// Names the folder, the file and the mend.
pub fn read(path: &Path) -> Result<Package> {
    let place = locate(path)?;
    let package = if place.is_dir() {
        Package::read(&Folder(place.clone()))
    } else {
        Package::read(&unpacked(&place)?)
    };
    package.with_context(|| format!("cannot use {}", place.display()))
}

fn unpacked(archive: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let file =
        fs::File::open(archive).with_context(|| format!("cannot read {}", archive.display()))?;
    unpack(file).with_context(|| format!("cannot use {}", archive.display()))
}

/// Writes a package as a folder, complete or not at all; returns the bytes written.
///
/// # Errors
/// When weights are not finite or the disk refuses.
pub fn write(target: &Path, package: &Package, dtype: Dtype) -> Result<u64> {
    write_with(target, package, dtype, Vec::new())
}

/// As [`write`], with more files in the same folder.
///
/// # Errors
/// As [`write`].
pub fn write_with(
    target: &Path,
    package: &Package,
    dtype: Dtype,
    more: Vec<(String, Vec<u8>)>,
) -> Result<u64> {
    let mut files = package
        .write(dtype, DEFAULT_SHARD_BYTES)
        .with_context(|| format!("cannot write {}", target.display()))?;
    files.extend(more);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot make folder {}", parent.display()))?;
    }
    let bytes = files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    atomic::write_folder(target, &files)?;
    Ok(bytes)
}

/// Files of a package folder, or its archive, and their sizes in bytes, by name.
///
/// # Errors
/// When the folder cannot be listed.
pub fn file_sizes(folder: &Path) -> Result<Vec<(String, u64)>> {
    let list = || -> std::io::Result<Vec<(String, u64)>> {
        if folder.is_file() {
            let name = folder.file_name().unwrap_or_default();
            let size = fs::metadata(folder)?.len();
            return Ok(vec![(name.to_string_lossy().into_owned(), size)]);
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_file() {
                files.push((
                    entry.file_name().to_string_lossy().into_owned(),
                    metadata.len(),
                ));
            }
        }
        files.sort();
        Ok(files)
    };
    list().with_context(|| format!("cannot read folder {}", folder.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_run_means_its_model_else_its_newest_checkpoint() {
        let root = tempfile::tempdir().unwrap();
        let run = root.path();
        let put = |file: &str| {
            let path = run.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        };
        let error = |path: &Path| locate(path).unwrap_err().to_string();
        assert!(error(&run.join("absent")).contains("there is no"));
        assert!(error(run).contains("neither a run"));
        put("config.json");
        put("log.jsonl");
        assert!(error(run).contains("no model yet"));
        assert!(error(&run.join("log.jsonl")).contains("is a file"));
        put("checkpoints/step-00000009/config.json");
        put("checkpoints/step-00000010/config.json");
        assert_eq!(locate(run).unwrap(), run.join("checkpoints/step-00000010"));
        put("model/config.json");
        assert_eq!(locate(run).unwrap(), run.join("model"));
    }

    #[test]
    fn an_archive_is_read_like_the_folder_it_was_made_of() {
        let root = tempfile::tempdir().unwrap();
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/default");
        let files: Vec<(String, Vec<u8>)> = file_sizes(&default)
            .unwrap()
            .into_iter()
            .map(|(name, _)| (name.clone(), fs::read(default.join(name)).unwrap()))
            .collect();
        let zip = root.path().join("default.zip");
        fs::write(&zip, fsr::package::pack(&files).unwrap()).unwrap();
        assert_eq!(read(&zip).unwrap(), read(&default).unwrap());
        assert_eq!(sha256(&zip).unwrap(), sha256(&default).unwrap());
        assert_eq!(file_sizes(&zip).unwrap()[0].0, "default.zip");
        fs::write(&zip, b"PK nothing").unwrap();
        let error = format!("{:#}", read(&zip).unwrap_err());
        assert!(
            error.contains("default.zip") && error.contains("not a whole zip"),
            "{error}"
        );
    }
}
