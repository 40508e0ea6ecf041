//! What a report draws besides the figures: the scores of every image, and the PRO curve.

use fsr::map::{AnomalyMap, ImageScores};
use fsr::metrics::{pro_curve, thinned_pro_curve};
use serde::Serialize;

use super::Inspected;

/// Points that a PRO curve is kept at, evenly over false-positive rates.
const POINTS: usize = 64;

/// One test image's scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImageLine {
    /// Its file's name.
    image: String,
    /// The defect's name, none for a good image.
    defect: Option<String>,
    #[serde(flatten)]
    scores: ImageScores,
}

impl ImageLine {
    fn of(one: &Inspected<'_>) -> Self {
        let path = &one.test.path;
        Self {
            image: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            defect: one.test.defect.clone(),
            scores: one.scores,
        }
    }
}

/// Scores and curve of a category.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// The scores of every test image.
    pub scores: Vec<ImageLine>,
    /// False-positive rate and mean overlap, up to the rate that AUPRO is measured to; empty without masks.
    pub pro: Vec<[f64; 2]>,
}

impl Evidence {
    /// Of a category's images.
    pub fn of(inspected: &[Inspected<'_>], limit: f64) -> Self {
        let masked = inspected
            .iter()
            .filter_map(|one| Some((&one.map, one.mask.as_deref()?)));
        let (maps, masks): (Vec<&AnomalyMap>, Vec<&[bool]>) = masked.unzip();
        Self {
            scores: inspected.iter().map(ImageLine::of).collect(),
            pro: pro_curve(&maps, &masks)
                .map_or_else(Vec::new, |curve| thinned_pro_curve(&curve, limit, POINTS)),
        }
    }
}
