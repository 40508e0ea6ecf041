//! Layouts of folders: `<root>/<category>/{train/good, test/<defect>, ground_truth/<defect>}` of MVTec AD and
//! MPDD, and the same with other names of BTAD.

use std::path::Path;

use super::{DatasetError, Listing, TestImage, folders_in, images_in, masks};

/// What such a data set calls its good images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// The folder of good images, in `train` and in `test`.
    pub good: &'static str,
    train: &'static str,
    test: &'static str,
}

impl Names {
    /// MVTec AD and MPDD.
    pub const MVTEC: Self = Self {
        good: "good",
        train: "good images in train/good",
        test: "images to judge in test/good and test/<defect>",
    };
    /// BTAD: ok and ko.
    pub const BTAD: Self = Self {
        good: "ok",
        train: "good images in train/ok",
        test: "images to judge in test/ok and test/ko",
    };
}

/// Lists one category's files.
pub fn list(root: &Path, name: &str, names: Names) -> Listing {
    let folder = root.join(name);
    let mut listing = Listing::new(name);
    let good = folder.join("train").join(names.good);
    if good.is_dir() {
        match images_in(&good) {
            Ok(images) => listing.category.train = images,
            Err(error) => listing.train_faults.push(error),
        }
    } else {
        listing.train_faults.push(DatasetError::Layout {
            missing: good,
            layout: names.train,
        });
    }
    list_test(&folder, names, &mut listing);
    listing
}

fn list_test(folder: &Path, names: Names, listing: &mut Listing) {
    let test = folder.join("test");
    let kinds = if test.is_dir() {
        folders_in(&test)
    } else {
        Err(DatasetError::Layout {
            missing: test.clone(),
            layout: names.test,
        })
    };
    let kinds = kinds.unwrap_or_else(|error| {
        listing.test_faults.push(error);
        Vec::new()
    });
    if kinds.is_empty() && listing.test_faults.is_empty() {
        listing.test_faults.push(DatasetError::Layout {
            missing: test.join(names.good),
            layout: names.test,
        });
    }
    let truth = folder.join("ground_truth");
    let images = &mut listing.category.test;
    for kind in &kinds {
        match images_in(&test.join(kind)) {
            Err(error) => listing.test_faults.push(error),
            Ok(paths) => images.extend(paths.into_iter().map(|path| {
                let defect = (kind != names.good).then(|| kind.clone());
                let mask = defect
                    .as_ref()
                    .and_then(|defect| masks::find(&truth.join(defect), &path));
                TestImage { path, defect, mask }
            })),
        }
    }
    listing
        .test_faults
        .extend(masks::holes(images, &truth, |image| {
            let defect = image.defect.as_deref().unwrap_or_default();
            masks::expected(&truth.join(defect), &image.path)
        }));
    let folders = folders_in(&truth).unwrap_or_default();
    listing.stray_masks = masks::strays(folders.iter().map(|kind| truth.join(kind)), images);
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{DataSet, Part};
    use super::*;
    use std::fs;

    /// Makes files that are no images, for readers that only list.
    pub fn touch(root: &Path, files: &[&str]) {
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
        let data = DataSet::open(root.path(), None).unwrap();
        let train = data.scan("nut", Part::Train).unwrap();
        let names: Vec<_> = train
            .train
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["002.JPG", "010.png"]);
        let test = data.scan("nut", Part::Test).unwrap().test;
        assert_eq!(test.len(), 3);
        assert!(test[0].mask.as_ref().unwrap().ends_with("000_mask.png"));
        assert!(test[1].mask.as_ref().unwrap().ends_with("001.png"));
        assert_eq!(
            (test[2].defect.as_ref(), test[2].mask.as_ref()),
            (None, None)
        );
        assert_eq!(
            data.categories(&["all".into()], Part::Train).unwrap(),
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
        let data = DataSet::open(root.path(), None).unwrap();
        let error = |part| data.scan("nut", part).unwrap_err().to_string();
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
    fn btads_good_is_ok_and_its_masks_may_be_bmp() {
        let root = tempfile::tempdir().unwrap();
        touch(
            root.path(),
            &[
                "03/train/ok/0000.bmp",
                "03/test/ok/0000.bmp",
                "03/test/ko/0001.bmp",
                "03/ground_truth/ko/0001.bmp",
                "01/train/ok/0000.bmp",
                "01/test/ko/0001.bmp",
                "01/ground_truth/ko/0001.png",
                "01/ground_truth/ko/0009.png",
            ],
        );
        let data = DataSet::open(root.path(), None).unwrap();
        assert_eq!(
            data.categories(&["all".into()], Part::Train).unwrap(),
            ["01", "03"]
        );
        for (name, ending) in [("03", "0001.bmp"), ("01", "0001.png")] {
            let test = data.scan(name, Part::Test).unwrap().test;
            let bad: Vec<_> = test.iter().filter(|one| one.defect.is_some()).collect();
            assert_eq!(bad.len(), 1);
            assert_eq!(bad[0].defect.as_deref(), Some("ko"));
            assert!(bad[0].mask.as_ref().unwrap().ends_with(ending));
        }
        let strays = data.list("01").unwrap().stray_masks;
        assert!(strays.len() == 1 && strays[0].ends_with("0009.png"));
        assert!(data.list("03").unwrap().stray_masks.is_empty());
    }
}
