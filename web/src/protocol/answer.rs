//! The answer to one image.

use serde::{Deserialize, Serialize};

use crate::{address::SampleSpec, backend::Backend};

use super::{Scores, Threshold, TileGrid};

/// One image, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// File name or the sample's title.
    pub name: String,
    /// The sample, when it was generated.
    pub sample: Option<SampleSpec>,
    /// Pixels of the image as it came.
    pub width: u32,
    /// Pixels of the image as it came.
    pub height: u32,
    /// Pixels of the attached picture (large images are shown smaller).
    pub shown_width: u32,
    /// Pixels of the attached picture.
    pub shown_height: u32,
    /// Pixels of the map.
    pub map_width: u32,
    /// Pixels of the map.
    pub map_height: u32,
    /// The tiles it was cut into; `None` when it was judged as a whole.
    pub tiles: Option<TileGrid>,
    /// The three scores.
    pub scores: Scores,
    /// The calibration that judges it: of its category when the package has one, else of all.
    /// `None`: no calibration in the package, so there is a map and a score but no verdict.
    pub threshold: Option<Threshold>,
    /// Agreement with the ground truth, for generated samples with a defect.
    pub agreement: Option<Agreement>,
    /// Stage and milliseconds, in order.
    pub timings: Vec<(String, f64)>,
    /// Which backend computed it.
    pub backend: Backend,
}

/// How well the map meets the ground truth of one generated sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Area under the pixel ROC curve of this image; `None` when the mask is uniform.
    pub pixel_auroc: Option<f64>,
    /// Intersection over union of the hot region and the mask.
    pub iou: f64,
    /// Share of the mask in the image, 0 to 1.
    pub area: f64,
}
