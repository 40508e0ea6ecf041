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
    /// The images' precision–recall curve: recall, rising, and precision.
    pub precision_recall: Vec<(f64, f64)>,
    /// The regions' overlap curve: false-positive rate of pixels up to [`PRO_LIMIT`], and mean overlap. Empty without
    /// pixel figures.
    pub overlap: Vec<(f64, f64)>,
    /// What is to be told beside the figures.
    pub notes: Vec<Note>,
}

/// False-positive rate of pixels up to which regions' overlap is measured, as `fsr eval` does by default.
pub const PRO_LIMIT: f64 = 0.3;

/// A curve as `points` of an SVG polyline in a box of `side` × `side`, its origin lower left; the box ends at `limit` on
/// the axis below and at 1 on the other.
pub fn polyline(curve: &[(f64, f64)], limit: f64, side: f64) -> String {
    let points = curve
        .iter()
        .map(|(x, y)| format!("{:.1},{:.1}", side * x / limit, side * (1.0 - y)));
    points.collect::<Vec<_>>().join(" ")
}

/// The highest value of a curve at places up to `place`, for those who do not see it.
pub fn reached_at(curve: &[(f64, f64)], place: f64) -> f64 {
    let reached = curve.iter().take_while(|(x, _)| *x <= place + 1e-9);
    reached.map(|(_, y)| *y).fold(0.0, f64::max)
}

/// The highest precision of a precision–recall curve at `recall` or more.
pub fn precision_at(curve: &[(f64, f64)], recall: f64) -> f64 {
    let reached = curve.iter().filter(|(x, _)| *x >= recall - 1e-9);
    reached.map(|(_, y)| *y).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_drawn_from_corner_to_corner() {
        let curve = [(0.0, 0.0), (0.15, 0.5), (0.3, 1.0)];
        assert_eq!(
            polyline(&curve, 0.3, 100.0),
            "0.0,100.0 50.0,50.0 100.0,0.0"
        );
        assert_eq!(polyline(&[], 1.0, 100.0), "");
    }

    #[test]
    fn curves_are_told_at_a_few_places() {
        let roc = [(0.0, 0.0), (0.0, 0.4), (0.1, 0.8), (1.0, 1.0)];
        let at = [0.0, 0.1, 0.5].map(|place| reached_at(&roc, place));
        assert_eq!(at, [0.4, 0.8, 0.8]);
        let precision = [(0.25, 1.0), (0.5, 0.66), (0.5, 0.5), (1.0, 0.75)];
        let at = [0.25, 0.5, 1.0].map(|recall| precision_at(&precision, recall));
        assert_eq!(at, [1.0, 0.75, 0.75]);
        assert_eq!(reached_at(&[], 0.1), 0.0);
    }
}
