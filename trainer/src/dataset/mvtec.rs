//! The layout of MVTec AD: `<root>/<category>/{train/good, test/<defect>, ground_truth/<defect>}`.

use std::path::{Path, PathBuf};

use super::{Category, DatasetError, TestImage, images_in, read::folders_in};

/// Which half of a category a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `train/good` must be there.
    Train,
    /// `test` must be there.
    Test,
}

/// Resolves `--category` arguments: names as given, `all` for every category below `root`.
///
/// # Errors
/// When the root or a category does not exist; names the categories that do.
pub fn categories(root: &Path, wanted: &[String], part: Part) -> Result<Vec<String>, DatasetError> {
    let known = known_categories(root, part)?;
    let describe = || {
        if root.join("train/good").is_dir() || root.join("test").is_dir() {
            return format!("it looks like a category itself: {}", advice(root));
        }
        match known.len() {
            0 => "no folder in it has train/good or test".into(),
            _ => format!("there are: {}", known.join(", ")),
        }
    };
    let refuse = |name: &str| {
        Err(DatasetError::Category {
            root: root.into(),
            name: name.into(),
            known: describe(),
        })
    };
    if wanted.iter().any(|name| name == "all") {
        return if known.is_empty() {
            refuse("all")
        } else {
            Ok(known)
        };
    }
    let mut chosen: Vec<String> = Vec::new();
    for name in wanted {
        if name.is_empty() || !root.join(name).is_dir() || name.contains("..") {
            return refuse(name);
        }
        if !chosen.contains(name) {
            chosen.push(name.clone());
        }
    }
    Ok(chosen)
}

fn known_categories(root: &Path, part: Part) -> Result<Vec<String>, DatasetError> {
    let marker = if part == Part::Train {
        "train/good"
    } else {
        "test"
    };
    Ok(folders_in(root)?
        .into_iter()
        .filter(|name| root.join(name).join(marker).is_dir())
        .collect())
}

fn advice(root: &Path) -> String {
    match (root.parent(), root.file_name()) {
        (Some(parent), Some(name)) if !parent.as_os_str().is_empty() => {
            format!(
                "use --data {} --category {}",
                parent.display(),
                name.to_string_lossy()
            )
        }
        _ => "give its parent as --data and its name as --category".into(),
    }
}

/// Lists one category's files and checks that what `part` needs is there.
///
/// # Errors
/// [`DatasetError`] for missing or empty folders and for masks that only some defects have.
pub fn scan(root: &Path, name: &str, part: Part) -> Result<Category, DatasetError> {
    let folder = root.join(name);
    let mut category = Category {
        name: name.into(),
        train: Vec::new(),
        test: Vec::new(),
    };
    match part {
        Part::Train => {
            let good = folder.join("train/good");
            if !good.is_dir() {
                return Err(DatasetError::Layout {
                    missing: good,
                    layout: "good images in train/good",
                });
            }
            category.train = images_in(&good)?;
        }
        Part::Test => category.test = test_images(&folder)?,
    }
    Ok(category)
}

fn test_images(folder: &Path) -> Result<Vec<TestImage>, DatasetError> {
    let layout = "images to judge in test/good and test/<defect>";
    let test = folder.join("test");
    if !test.is_dir() {
        return Err(DatasetError::Layout {
            missing: test,
            layout,
        });
    }
    let kinds = folders_in(&test)?;
    if kinds.is_empty() {
        return Err(DatasetError::Layout {
            missing: test.join("good"),
            layout,
        });
    }
    let truth = folder.join("ground_truth");
    let mut images = Vec::new();
    for kind in kinds {
        for path in images_in(&test.join(&kind))? {
            let defect = (kind != "good").then(|| kind.clone());
            let mask = defect
                .as_ref()
                .and_then(|defect| find_mask(&truth.join(defect), &path));
            images.push(TestImage { path, defect, mask });
        }
    }
    // A data set without any masks is fine (pixel metrics are then left out); one with holes is not.
    if images.iter().any(|image| image.mask.is_some())
        && let Some((image, defect)) = images
            .iter()
            .filter(|image| image.mask.is_none())
            .find_map(|image| Some((image, image.defect.as_ref()?)))
    {
        return Err(DatasetError::MaskMissing {
            image: image.path.clone(),
            expected: truth
                .join(defect)
                .join(format!("{}_mask.png", stem(&image.path))),
            folder: truth,
        });
    }
    Ok(images)
}

/// `<stem>_mask.*` or `<stem>.*` in the defect's ground-truth folder.
fn find_mask(folder: &Path, image: &Path) -> Option<PathBuf> {
    let stem = stem(image);
    [format!("{stem}_mask"), stem]
        .iter()
        .flat_map(|name| {
            ["png", "bmp", "PNG", "tif", "tiff"]
                .map(|extension| folder.join(format!("{name}.{extension}")))
        })
        .find(|path| path.is_file())
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    fn touch(root: &Path, files: &[&str]) {
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
    }

    #[test]
    fn finds_images_defects_and_both_kinds_of_mask_names() {
        let root = tempfile::tempdir().unwrap();
        touch(
            root.path(),
            &[
                "nut/train/good/010.png",
                "nut/train/good/002.JPG",
                "nut/train/good/.hidden.png",
                "nut/train/good/readme.txt",
                "nut/test/good/000.png",
                "nut/test/crack/000.png",
                "nut/test/crack/001.png",
                "nut/ground_truth/crack/000_mask.png",
                "nut/ground_truth/crack/001.png",
            ],
        );
        let train = scan(root.path(), "nut", Part::Train).unwrap();
        let names: Vec<_> = train
            .train
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["002.JPG", "010.png"]);
        let test = scan(root.path(), "nut", Part::Test).unwrap().test;
        assert_eq!(test.len(), 3);
        assert!(test[0].mask.as_ref().unwrap().ends_with("000_mask.png"));
        assert!(test[1].mask.as_ref().unwrap().ends_with("001.png"));
        assert_eq!(
            (test[2].defect.as_ref(), test[2].mask.as_ref()),
            (None, None)
        );
        assert_eq!(
            categories(root.path(), &["all".into()], Part::Train).unwrap(),
            ["nut"]
        );
    }

    #[test]
    fn says_what_is_missing_and_where() {
        let root = tempfile::tempdir().unwrap();
        touch(
            root.path(),
            &[
                "nut/test/crack/000.png",
                "nut/test/crack/001.png",
                "nut/ground_truth/crack/001_mask.png",
            ],
        );
        let error = |part| scan(root.path(), "nut", part).unwrap_err().to_string();
        assert!(error(Part::Train).contains("train/good is missing"));
        let message = error(Part::Test);
        assert!(
            message.contains("000_mask.png") && message.contains("remove"),
            "{message}"
        );

        fs::create_dir_all(root.path().join("nut/train/good")).unwrap();
        touch(root.path(), &["nut/train/good/notes.txt"]);
        let message = error(Part::Train);
        assert!(
            message.contains("no images in") && message.contains("notes.txt"),
            "{message}"
        );
    }

    #[test]
    fn unknown_categories_name_the_known_ones() {
        let root = tempfile::tempdir().unwrap();
        touch(
            root.path(),
            &["nut/train/good/0.png", "bolt/train/good/0.png"],
        );
        let error = |root: &Path, name: &str| {
            categories(root, &[name.into()], Part::Train)
                .unwrap_err()
                .to_string()
        };
        assert!(error(root.path(), "screw").contains("bolt, nut"));
        assert!(error(&root.path().join("nut"), "screw").contains("--category nut"));
        assert!(error(root.path(), "../nut").contains("no category"));
        assert!(error(&root.path().join("absent"), "nut").contains("absent"));
    }
}
