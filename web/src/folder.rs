//! A folder of images with labels, in the layout of MVTec AD: `test/good/*`, `test/<defect>/*` and
//! `ground_truth/<defect>/*_mask.png`.

use std::collections::{BTreeSet, HashMap};

use crate::protocol::Note;

/// Endings of image files.
const IMAGES: [&str; 8] = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif"];

/// Endings of masks, in the order they are looked for, as `fsr eval` does.
const MASKS: [&str; 6] = ["png", "bmp", "PNG", "BMP", "tif", "tiff"];

/// A test image of such a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestImage {
    /// Its place among the files.
    pub file: usize,
    /// Folder and file name, such as `crack/003.png`.
    pub name: String,
    /// It shows a defect: its folder is not `good`.
    pub defect: bool,
    /// Place of its mask among the files.
    pub mask: Option<usize>,
}

/// What a choice of files is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// Files without labels.
    Plain,
    /// The test images of one category, sorted by name. Its training images and masks are no images to judge.
    Category(Vec<TestImage>),
    /// More than one category: their folders.
    Several(Vec<String>),
}

/// Reads the layout off the files' paths, which have `/` between folders.
pub fn layout(paths: &[String]) -> Layout {
    let places: HashMap<&str, usize> = paths
        .iter()
        .enumerate()
        .map(|(at, path)| (path.as_str(), at))
        .collect();
    let mut roots = BTreeSet::new();
    let mut images = Vec::new();
    for (file, path) in paths.iter().enumerate() {
        let parts: Vec<&str> = path.split('/').collect();
        let [root @ .., "test", kind, name] = &parts[..] else {
            continue;
        };
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        let is_image = ending.is_some_and(|ending| IMAGES.contains(&&*ending.to_lowercase()));
        if name.starts_with('.') || !is_image {
            continue;
        }
        roots.insert(root.join("/"));
        let stem = name.rsplit_once('.').map_or(*name, |(stem, _)| stem);
        let mut folder: Vec<&str> = root.to_vec();
        folder.extend(["ground_truth", kind]);
        let folder = folder.join("/");
        let mask = [format!("{stem}_mask"), stem.to_owned()]
            .iter()
            .flat_map(|stem| MASKS.map(|ending| format!("{folder}/{stem}.{ending}")))
            .find_map(|path| places.get(path.as_str()).copied());
        images.push(TestImage {
            file,
            name: format!("{kind}/{name}"),
            defect: *kind != "good",
            mask,
        });
    }
    match roots.len() {
        0 => Layout::Plain,
        1 => {
            images.sort_by(|a, b| a.name.cmp(&b.name));
            Layout::Category(images)
        }
        _ => Layout::Several(roots.into_iter().collect()),
    }
}

/// Why there can be no pixel figures: a defect without a mask, or more images than `most`, whose maps are kept.
pub fn no_pixels(images: &[TestImage], most: usize) -> Option<Note> {
    let mut defects = images.iter().filter(|image| image.defect);
    if images.len() > most {
        let images = images.len();
        return Some(Note::TooMany { most, images });
    }
    if images.iter().all(|image| image.mask.is_none()) {
        return Some(Note::NoMasks);
    }
    let bare = defects.find(|image| image.mask.is_none())?;
    Some(Note::NoMaskFor {
        name: bare.name.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(paths: &[&str]) -> Layout {
        layout(
            &paths
                .iter()
                .map(|&path| path.to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn test_images_have_labels_and_masks() {
        let found = read(&[
            "bottle/train/good/000.png",
            "bottle/test/good/000.png",
            "bottle/test/good/.hidden.png",
            "bottle/test/crack/001.JPG",
            "bottle/test/crack/000.png",
            "bottle/test/crack/notes.txt",
            "bottle/ground_truth/crack/000_mask.png",
            "bottle/ground_truth/crack/001.bmp",
            "bottle/license.txt",
        ]);
        let image = |file, name: &str, defect, mask| TestImage {
            file,
            name: name.into(),
            defect,
            mask,
        };
        let expected = vec![
            image(4, "crack/000.png", true, Some(6)),
            image(3, "crack/001.JPG", true, Some(7)),
            image(1, "good/000.png", false, None),
        ];
        assert_eq!(no_pixels(&expected, 3), None);
        assert_eq!(
            no_pixels(&expected, 2),
            Some(Note::TooMany { most: 2, images: 3 })
        );
        assert_eq!(found, Layout::Category(expected));
    }

    #[test]
    fn a_mask_that_is_missing_is_named() {
        let Layout::Category(images) = read(&[
            "test/good/0.png",
            "test/crack/0.png",
            "test/cut/1.png",
            "ground_truth/crack/0_mask.png",
        ]) else {
            panic!("a category");
        };
        let name = "cut/1.png".into();
        assert_eq!(no_pixels(&images, 9), Some(Note::NoMaskFor { name }));
        assert!(no_pixels(&images[1..2], 9).is_some());
    }

    #[test]
    fn other_folders_are_plain_and_several_categories_are_named() {
        assert_eq!(read(&["photos/a.png", "photos/test.png"]), Layout::Plain);
        assert_eq!(read(&["a.png"]), Layout::Plain);
        assert_eq!(
            read(&["d/grid/test/good/0.png", "d/bottle/test/good/0.png"]),
            Layout::Several(vec!["d/bottle".into(), "d/grid".into()])
        );
    }
}
