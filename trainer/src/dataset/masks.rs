//! Finding an image's mask by its name.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::{DatasetError, TestImage, images_in};

/// `<stem>_mask.*` or `<stem>.*` in a folder of masks.
pub fn find(folder: &Path, image: &Path) -> Option<PathBuf> {
    let stem = stem(image);
    [format!("{stem}_mask"), stem]
        .iter()
        .flat_map(|name| {
            ["png", "bmp", "PNG", "BMP", "tif", "tiff"]
                .map(|extension| folder.join(format!("{name}.{extension}")))
        })
        .find(|path| path.is_file())
}

/// The mask that is looked for first.
pub fn expected(folder: &Path, image: &Path) -> PathBuf {
    folder.join(format!("{}_mask.png", stem(image)))
}

/// Masks in `folders` that no image uses.
pub fn strays(folders: impl Iterator<Item = PathBuf>, images: &[TestImage]) -> Vec<PathBuf> {
    let used: HashSet<&PathBuf> = images.iter().filter_map(|one| one.mask.as_ref()).collect();
    folders
        .flat_map(|folder| images_in(&folder).unwrap_or_default())
        .filter(|mask| !used.contains(mask))
        .collect()
}

/// A data set without any masks is fine (pixel metrics are then left out); one with holes is not.
pub fn holes(
    images: &[TestImage],
    root: &Path,
    expected: impl Fn(&TestImage) -> PathBuf,
) -> Vec<DatasetError> {
    if images.iter().all(|image| image.mask.is_none()) {
        return Vec::new();
    }
    images
        .iter()
        .filter(|image| image.mask.is_none() && image.defect.is_some())
        .map(|image| DatasetError::MaskMissing {
            image: image.path.clone(),
            expected: expected(image),
            folder: root.into(),
        })
        .collect()
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}
