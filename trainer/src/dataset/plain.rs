//! A plain folder of one product: `good/`, and if there are any `bad/` (or a folder for each defect) and masks.

use std::path::{Path, PathBuf};

use super::{DatasetError, Listing, TestImage, folders_in, images_in, masks};

/// Where there are defective images, every this many-th good one is kept from training, to be judged.
const TEST_EVERY: usize = 5;

/// The folder's own name, by which its one category is called.
pub fn name(root: &Path) -> String {
    root.canonicalize()
        .unwrap_or_else(|_| root.into())
        .file_name()
        .map_or_else(|| "data".into(), |name| name.to_string_lossy().into_owned())
}

/// Lists the folder. Masks are `masks/<stem>.*`, `masks/<defect>/<stem>.*`, or the same below `ground_truth`.
pub fn list(root: &Path, name: &str) -> Listing {
    let mut listing = Listing::new(name);
    let good_folder = root.join("good");
    let good = if good_folder.is_dir() {
        images_in(&good_folder)
    } else {
        Err(DatasetError::Layout {
            missing: good_folder.clone(),
            layout: "good images in good",
        })
    };
    let good = good.unwrap_or_else(|error| {
        listing.train_faults.push(error);
        Vec::new()
    });
    let truth = ["masks", "mask", "ground_truth"]
        .map(|name| root.join(name))
        .into_iter()
        .find(|folder| folder.is_dir());
    let kinds: Vec<String> = folders_in(root)
        .unwrap_or_default()
        .into_iter()
        .filter(|kind| kind != "good" && Some(root.join(kind)) != truth)
        .collect();
    if kinds.is_empty() {
        listing.category.train = good;
        return listing;
    }
    let held = |index: usize| index % TEST_EVERY == TEST_EVERY - 1;
    let test = &mut listing.category.test;
    for (index, path) in good.into_iter().enumerate() {
        if held(index) {
            test.push(TestImage {
                path,
                defect: None,
                mask: None,
            });
        } else {
            listing.category.train.push(path);
        }
    }
    for kind in &kinds {
        match images_in(&root.join(kind)) {
            Ok(images) => test.extend(images.into_iter().map(|path| TestImage {
                mask: truth.as_ref().and_then(|truth| {
                    masks::find(&truth.join(kind), &path).or_else(|| masks::find(truth, &path))
                }),
                defect: Some(kind.clone()),
                path,
            })),
            Err(error) => listing.test_faults.push(error),
        }
    }
    if let Some(truth) = truth {
        listing
            .test_faults
            .extend(masks::holes(test, &truth, |image| {
                masks::expected(&truth, &image.path)
            }));
        let folders: Vec<PathBuf> = folders_in(&truth)
            .unwrap_or_default()
            .iter()
            .map(|kind| truth.join(kind))
            .chain([truth.clone()])
            .collect();
        listing.stray_masks = masks::strays(folders.into_iter(), test);
    }
    listing
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::folders::tests::touch;
    use super::super::{DataSet, Part};

    fn open(files: &[&str]) -> (tempfile::TempDir, DataSet) {
        let root = tempfile::tempdir().unwrap();
        touch(root.path(), files);
        let data = DataSet::open(root.path(), None).unwrap();
        (root, data)
    }

    #[test]
    fn good_alone_trains_and_cannot_be_evaluated() {
        let (_root, data) = open(&["good/0.png", "good/1.png", "good/2.jpg"]);
        let names = data.categories(&[], Part::Train).unwrap();
        assert_eq!(data.scan(&names[0], Part::Train).unwrap().train.len(), 3);
        let error = data.scan(&names[0], Part::Test).unwrap_err().to_string();
        assert!(
            error.contains("bad") && error.contains("evaluated"),
            "{error}"
        );
    }

    #[test]
    fn with_defects_a_fifth_of_good_is_kept_for_the_test() {
        let good: Vec<String> = (0..10).map(|index| format!("good/{index}.png")).collect();
        let mut files: Vec<&str> = good.iter().map(String::as_str).collect();
        files.extend(["scratch/0.png", "dent/0.png", "dent/1.png"]);
        files.extend([
            "masks/scratch/0.png",
            "masks/dent/0_mask.png",
            "masks/1.bmp",
        ]);
        let (_root, data) = open(&files);
        let name = data.categories(&[], Part::Test).unwrap().remove(0);
        let train = data.scan(&name, Part::Train).unwrap().train;
        let test = data.scan(&name, Part::Test).unwrap().test;
        assert_eq!((train.len(), test.len()), (8, 5));
        assert!(test.iter().all(|one| !train.contains(&one.path)));
        let masked = test.iter().filter(|one| one.mask.is_some()).count();
        let defects = test.iter().filter(|one| one.defect.is_some()).count();
        assert_eq!((masked, defects), (3, 3));
    }

    #[test]
    fn holes_and_strays_among_masks_are_found() {
        let (root, data) = open(&[
            "good/0.png",
            "bad/0.png",
            "bad/1.png",
            "masks/0.png",
            "masks/7.png",
        ]);
        let listing = data.list("x").unwrap();
        assert_eq!(listing.stray_masks, [root.path().join("masks/7.png")]);
        assert_eq!(listing.test_faults.len(), 1);
        assert!(listing.test_faults[0].to_string().contains("1_mask.png"));
    }
}
