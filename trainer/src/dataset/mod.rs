//! Images on disk: which are for training, which for testing, and where their masks are.

mod folders;
mod layout;
pub mod manifest;
mod masks;
mod plain;
mod read;
pub mod shots;
mod visa;

use std::path::PathBuf;

pub use layout::{DataSet, Layout, Part};
pub use read::{check_masks, folders_in, header, image, images_in, mask};

/// One product: good images to train on, good and defective ones to test on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its folder's name.
    pub name: String,
    /// Good images to train on, sorted by file name.
    pub train: Vec<PathBuf>,
    /// Images to judge, sorted by defect, then by file name.
    pub test: Vec<TestImage>,
}

/// All that a data set says of one category, with what is wrong in it.
#[derive(Debug)]
pub struct Listing {
    /// The images of both halves.
    pub category: Category,
    /// Why the training half cannot be used; empty when it can.
    pub train_faults: Vec<DatasetError>,
    /// Why the test half cannot be used; empty when it can.
    pub test_faults: Vec<DatasetError>,
    /// Masks that belong to no image.
    pub stray_masks: Vec<PathBuf>,
}

impl Listing {
    fn new(name: &str) -> Self {
        Self {
            category: Category {
                name: name.into(),
                train: Vec::new(),
                test: Vec::new(),
            },
            train_faults: Vec::new(),
            test_faults: Vec::new(),
            stray_masks: Vec::new(),
        }
    }
}

/// One image to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestImage {
    /// The image file.
    pub path: PathBuf,
    /// The defect's name, `None` for a good image.
    pub defect: Option<String>,
    /// The defect's mask, where the data set has one.
    pub mask: Option<PathBuf>,
}

/// What is wrong with a data set, and how to mend it. Always one line.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The folder does not exist or cannot be listed.
    #[error("cannot read folder {path}: {reason}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// No such category below the root.
    #[error("{root} has no category '{name}'; {known}")]
    Category {
        /// `--data`.
        root: PathBuf,
        /// `--category`.
        name: String,
        /// What is there instead.
        known: String,
    },
    /// A folder that must exist does not.
    #[error("{missing} is missing; a category needs {layout}")]
    Layout {
        /// The folder that is missing.
        missing: PathBuf,
        /// What goes there.
        layout: &'static str,
    },
    /// A folder without images.
    #[error(
        "no images in {path}{found}; readable are .png, .jpg, .jpeg, .webp, .bmp, .tif, .tiff and .gif"
    )]
    Empty {
        /// The folder.
        path: PathBuf,
        /// What it holds instead.
        found: String,
    },
    /// A defective image without a mask among others that have one.
    #[error(
        "the mask of {image} is missing: expected {expected}; add it, or remove {folder} to evaluate without masks"
    )]
    MaskMissing {
        /// The defective image.
        image: PathBuf,
        /// Where the mask is looked for first.
        expected: PathBuf,
        /// `ground_truth`.
        folder: PathBuf,
    },
    /// A mask of another size than its image.
    #[error(
        "mask {mask} is {mask_size}, but its image {image} is {image_size}; they must be equal"
    )]
    MaskSize {
        /// The mask.
        mask: PathBuf,
        /// Its width × height in pixels.
        mask_size: Size,
        /// The image.
        image: PathBuf,
        /// Its width × height in pixels.
        image_size: Size,
    },
    /// No category was asked for where there are several.
    #[error("--category is missing: {root} has {known}")]
    CategoryNeeded {
        /// `--data`.
        root: PathBuf,
        /// What is there.
        known: String,
    },
    /// A line of a split file that cannot be used.
    #[error("{path}, line {line}: {reason}")]
    Split {
        /// The split file.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// An image or mask that a split file names and that is not there.
    #[error("{missing} is missing; {split}, line {line}, names it")]
    Listed {
        /// The file.
        missing: PathBuf,
        /// The split file.
        split: PathBuf,
        /// Its line, from 1.
        line: u64,
    },
    /// A file that is no image, or a damaged one.
    #[error("cannot use {path}: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u32, pub u32);

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}×{} pixels", self.0, self.1)
    }
}
