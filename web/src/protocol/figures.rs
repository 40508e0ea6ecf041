//! How well a detector tells the good from the defective images of a labelled folder.

use serde::{Deserialize, Serialize};

use super::{Reduction, Scores, facts::facts};

/// What is to be measured. Attached, when `pixels` is set: for each image its map, and after it its mask's
/// file if it has one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasurePlan {
    /// Which score ranks the images.
    pub reduction: Reduction,
    /// Name of the model that judged.
    pub model: String,
    /// The images.
    pub images: Vec<MeasuredImage>,
    /// Pixel figures are wanted.
    pub pixels: bool,
    /// Width and height of each map; zero when there are none.
    pub map_size: (u32, u32),
    /// What is to be told beside the figures.
    pub notes: Vec<Note>,
}

facts! {
    /// What is to be told beside the figures.
    pub enum Note {
        /// Too many images for figures of pixels.
        TooMany {
            /// The most there may be.
            most: usize,
            /// How many there are.
            images: usize,
        },
        /// No image has a mask.
        NoMasks,
        /// A defective image has no mask.
        NoMaskFor {
            /// Its name.
            name: String,
        },
        /// Images that could not be judged.
        LeftOut {
            /// How many.
            images: usize,
        },
    }
}

impl MeasurePlan {
    /// Maps and masks that travel with it.
    pub fn attachments(&self) -> usize {
        let masks = self.images.iter().filter(|image| image.has_mask).count();
        if self.pixels {
            self.images.len() + masks
        } else {
            0
        }
    }
}

/// A judged image with its label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredImage {
    /// For messages.
    pub name: String,
    /// Its scores.
    pub scores: Scores,
    /// It shows a defect.
    pub defect: bool,
    /// Pixels of the image.
    pub width: u32,
    /// Pixels of the image.
    pub height: u32,
    /// Its mask is attached.
    pub has_mask: bool,
}

/// Figures of one ranking. `None` where the data does not define them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Ranking {
    /// Area under the ROC curve.
    pub auroc: Option<f64>,
    /// Average precision.
    pub ap: Option<f64>,
    /// Best F1 over all thresholds.
    pub f1_max: Option<f64>,
}

/// [`Ranking`] of all pixels together, and AUPRO.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PixelFigures {
    /// Ranking of pixels.
    pub ranking: Ranking,
    /// Area under the per-region overlap curve up to a false-positive rate of 0.3, over that rate.
    pub aupro: Option<f64>,
}

/// All figures of a folder, as `fsr eval` computes them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Which score ranked the images.
    pub reduction: Reduction,
    /// Name of the model that judged.
    pub model: String,
    /// Good images.
    pub good: usize,
    /// Images with a defect.
    pub defective: usize,
    /// Figures of images.
    pub image: Ranking,
    /// Figures of pixels.
    pub pixel: Option<PixelFigures>,
    /// The images' ROC curve: false- and true-positive rate, rising.
    pub roc: Vec<(f64, f64)>,
    /// What is to be told beside the figures.
    pub notes: Vec<Note>,
}

impl Figures {
    /// The ROC curve as `points` of an SVG polyline in a box of `side` × `side`, its origin lower left.
    pub fn roc_line(&self, side: f64) -> String {
        let points = self.roc.iter();
        let points =
            points.map(|(fpr, tpr)| format!("{:.1},{:.1}", side * fpr, side * (1.0 - tpr)));
        points.collect::<Vec<_>>().join(" ")
    }
}
