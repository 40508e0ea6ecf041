//! Which files to judge, and what to call their results.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::listing::Prediction;
use crate::dataset::{self, DatasetError};

/// A file to judge and the stem, below `--out`, of what is written for it.
pub struct Input {
    /// The image.
    pub path: PathBuf,
    /// Where its results go, without their endings.
    pub stem: PathBuf,
}

/// Expands folders. What cannot be listed is returned as failed predictions.
pub fn list(paths: &[PathBuf]) -> (Vec<Input>, Vec<Prediction>) {
    let (mut inputs, mut failed) = (Vec::new(), Vec::new());
    let mut taken = HashSet::new();
    let mut add = |path: PathBuf, stem: PathBuf| {
        let mut unique = stem.clone();
        let mut copy = 2;
        while !taken.insert(unique.clone()) {
            unique = PathBuf::from(format!("{}_{copy}", stem.display()));
            copy += 1;
        }
        inputs.push(Input { path, stem: unique });
    };
    for path in paths {
        if !path.is_dir() {
            add(
                path.clone(),
                PathBuf::from(path.file_stem().unwrap_or(path.as_os_str())),
            );
            continue;
        }
        match images_below(path) {
            Ok(images) => {
                for image in images {
                    let stem = image
                        .strip_prefix(path)
                        .unwrap_or(&image)
                        .with_extension("");
                    add(image, stem);
                }
            }
            Err(error) => failed.push(Prediction {
                image: path.display().to_string(),
                error: Some(error.to_string()),
                ..Prediction::default()
            }),
        }
    }
    (inputs, failed)
}

fn images_below(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let below = dataset::folders_in(folder)?;
    let mut images = match dataset::images_in(folder) {
        Ok(images) => images,
        Err(DatasetError::Empty { .. }) if !below.is_empty() => Vec::new(),
        Err(error) => return Err(error),
    };
    for name in below {
        match images_below(&folder.join(name)) {
            Err(DatasetError::Empty { .. }) => {}
            found => images.extend(found?),
        }
    }
    if images.is_empty() {
        return Err(DatasetError::Empty {
            path: folder.into(),
            found: String::new(),
        });
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    #[test]
    fn equal_names_get_different_results_and_missing_folders_are_reported() {
        let root = tempfile::tempdir().unwrap();
        for file in [
            "good/000.png",
            "crack/000.png",
            "crack/001.png",
            "empty/notes.txt",
        ] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
        let single = root.path().join("good/000.png");
        let paths = [
            root.path().join("good"),
            root.path().join("crack"),
            single.clone(),
            root.path().join("empty"),
        ];
        let (inputs, failed) = list(&paths);
        let stems: Vec<_> = inputs
            .iter()
            .map(|input| input.stem.to_str().unwrap().to_string())
            .collect();
        assert_eq!(stems, ["000", "000_2", "001", "000_3"]);
        assert_eq!(failed.len(), 1);
        assert!(failed[0].error.as_ref().unwrap().contains("no images"));

        let (inputs, failed) = list(&[root.path().to_path_buf()]);
        let stems: Vec<_> = inputs
            .iter()
            .map(|input| input.stem.to_str().unwrap().to_string())
            .collect();
        assert_eq!(
            (stems, failed.len()),
            (
                vec![
                    "crack/000".to_string(),
                    "crack/001".into(),
                    "good/000".into()
                ],
                0
            )
        );
    }
}
