//! `cargo xtask catalogue`: `models/index.json`, the models that the page offers, brought up to date with their files.
//!
//! The format is described in `docs/catalogue.md`. Names, descriptions and needs are written by hand; the files' lengths
//! and hashes are this task's, and a test says when they are stale.

use crate::command::root;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// Name of the file in `models/`.
pub const INDEX: &str = "index.json";

/// All models that a page offers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// `fsr-models`.
    pub format: String,
    /// 1.
    pub format_version: u32,
    /// In the order they are shown.
    pub models: Vec<Entry>,
}

/// One model: the package in `models/ID/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Name of its folder.
    pub id: String,
    /// Name to show.
    pub name: String,
    /// One or two sentences.
    pub description: String,
    /// Both in other languages of the page, by their names in its address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub languages: BTreeMap<String, Texts>,
    /// It is among the files that the page keeps for offline use.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub included: bool,
    /// What a device must have.
    pub needs: Needs,
    /// The package's files.
    pub files: Vec<File>,
}

/// Name and description in another language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// Name to show.
    pub name: String,
    /// One or two sentences.
    pub description: String,
}

/// What a device must have to run a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Bytes of memory; absent when nobody has measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// 16-bit floats on the GPU.
    #[serde(default)]
    pub f16: bool,
}

/// One file of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// In the model's folder.
    pub name: String,
    /// Length.
    pub bytes: u64,
    /// In lower-case hexadecimal.
    pub sha256: String,
}

/// Writes the lengths and hashes of the files in `models/` into its catalogue.
pub fn run() -> Result<()> {
    let models = root().join("models");
    let mut catalogue = read(&models)?;
    for entry in &mut catalogue.models {
        entry.files = files(&models.join(&entry.id))?;
    }
    let mut text = serde_json::to_string_pretty(&catalogue)?;
    text.push('\n');
    let path = models.join(INDEX);
    // Beside, then renamed: an interrupted run leaves the old one.
    let beside = models.join(format!("{INDEX}.new"));
    std::fs::write(&beside, text)
        .and_then(|()| std::fs::rename(&beside, &path))
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}: {} models", path.display(), catalogue.models.len());
    Ok(())
}

/// The catalogue in a folder of models.
///
/// # Errors
/// When there is none or it is not of this format.
pub fn read(models: &Path) -> Result<Catalogue> {
    let path = models.join(INDEX);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let catalogue: Catalogue = serde_json::from_str(&text)
        .with_context(|| format!("{} is not a catalogue of models", path.display()))?;
    ensure!(
        catalogue.format == "fsr-models" && catalogue.format_version == 1,
        "{} is not a catalogue of version 1",
        path.display()
    );
    Ok(catalogue)
}

/// A package's files with their lengths and hashes, by name; without its README.
///
/// # Errors
/// When the folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<File>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if !path.is_file() || name.ends_with(".md") {
            continue;
        }
        let contents =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let sha256 = hex::encode(Sha256::digest(&contents));
        files.push(File {
            name,
            bytes: contents.len() as u64,
            sha256,
        });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_that_of_the_files() {
        let models = root().join("models");
        let catalogue = read(&models).expect("catalogue");
        assert!(!catalogue.models.is_empty());
        for entry in &catalogue.models {
            assert_eq!(
                entry.files,
                files(&models.join(&entry.id)).expect("files"),
                "models/{}: run `cargo xtask catalogue`",
                entry.id
            );
        }
    }

    #[test]
    fn hashes_are_those_of_other_programs() {
        let folder = std::env::temp_dir().join(format!("fsr-catalogue-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("folder");
        std::fs::write(folder.join("README.md"), "words").expect("file");
        std::fs::write(folder.join("a.json"), "abc").expect("file");
        let found = files(&folder).expect("files");
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            found,
            [File {
                name: "a.json".into(),
                bytes: 3,
                sha256: expected.into()
            }]
        );
        let _ = std::fs::remove_dir_all(folder);
    }
}
