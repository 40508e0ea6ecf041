//! One thing that is wrong with a data set.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::dataset::DatasetError;

/// One thing that is wrong, in one line that names the file and the mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The category it is in.
    pub category: String,
    /// What sort of fault.
    pub kind: Kind,
    /// The file or folder.
    pub file: PathBuf,
    /// The line.
    pub message: String,
}

/// Sorts of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A folder or a listed file is not there, or a folder holds no image.
    Missing,
    /// A split file has a line that cannot be used.
    Split,
    /// A file that cannot be decoded, or an empty one.
    Unreadable,
    /// A defective image without a mask among others that have one.
    MaskMissing,
    /// A mask of another size than its image.
    MaskSize,
    /// The mask of a defective image without a defective pixel.
    MaskEmpty,
    /// A mask that belongs to no image.
    MaskStray,
    /// The same image to train on and to judge.
    TrainTestDuplicate,
    /// The same image as good and as defective.
    LabelConflict,
}

impl Finding {
    /// From what a reader says.
    pub fn of(category: &str, error: DatasetError) -> Self {
        let message = error.to_string();
        let (kind, file, mend) = match error {
            DatasetError::MaskMissing { image, .. } => (Kind::MaskMissing, image, ""),
            DatasetError::MaskSize { mask, .. } => (
                Kind::MaskSize,
                mask,
                "; draw it on the image at its own size",
            ),
            DatasetError::Unreadable { path, .. } => {
                (Kind::Unreadable, path, "; replace or remove it")
            }
            DatasetError::Split { path, .. } => (Kind::Split, path, ""),
            DatasetError::Listed { missing, .. } => {
                (Kind::Missing, missing, "; add it or remove the line")
            }
            DatasetError::Empty { path, .. } => (Kind::Missing, path, "; add some or remove it"),
            DatasetError::Folder { path, .. } => (Kind::Missing, path, ""),
            DatasetError::Layout { missing, .. } => (Kind::Missing, missing, "; add them"),
            DatasetError::Category { root, .. } | DatasetError::CategoryNeeded { root, .. } => {
                (Kind::Missing, root, "")
            }
        };
        Self {
            category: category.into(),
            kind,
            file,
            message: message + mend,
        }
    }

    /// The mask of a defective image marks nothing.
    pub fn empty_mask(category: &str, mask: &Path, image: &Path) -> Self {
        Self {
            category: category.into(),
            kind: Kind::MaskEmpty,
            file: mask.into(),
            message: format!(
                "mask {} marks no pixel, but its image {} is said to be defective; draw the defect or move the image to the good ones",
                mask.display(),
                image.display()
            ),
        }
    }

    /// A mask without an image.
    pub fn stray_mask(category: &str, mask: &Path) -> Self {
        Self {
            category: category.into(),
            kind: Kind::MaskStray,
            file: mask.into(),
            message: format!(
                "mask {} belongs to no image; name it as its image is named, or remove it",
                mask.display()
            ),
        }
    }

    /// The same bytes on both sides.
    pub fn duplicate(category: &str, train: &Path, test: &Path) -> Self {
        Self {
            category: category.into(),
            kind: Kind::TrainTestDuplicate,
            file: test.into(),
            message: format!(
                "{} is the same image as {}, which is trained on; remove one of them",
                test.display(),
                train.display()
            ),
        }
    }

    /// The same bytes with two labels.
    pub fn conflict(category: &str, good: &Path, bad: &Path) -> Self {
        Self {
            category: category.into(),
            kind: Kind::LabelConflict,
            file: bad.into(),
            message: format!(
                "{} is the same image as {}, which is said to be good; remove one of them",
                bad.display(),
                good.display()
            ),
        }
    }
}
