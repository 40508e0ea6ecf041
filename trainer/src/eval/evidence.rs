//! What a report draws besides the figures: the scores of every image, and the PRO curve.

use fsr::map::{AnomalyMap, ImageScores};
use fsr::metrics::{ProPoint, pro_curve};
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
            pro: pro_curve(&maps, &masks).map_or_else(Vec::new, |curve| thinned(&curve, limit)),
        }
    }
}

/// The curve at evenly spaced false-positive rates from 0 to `limit`, interpolated in between.
fn thinned(curve: &[ProPoint], limit: f64) -> Vec<[f64; 2]> {
    let at = |fpr: f64| {
        // The last point at or before the rate: a curve may rise at one rate.
        let next = curve.partition_point(|point| point.fpr <= fpr);
        match (&curve[next - 1], curve.get(next)) {
            (before, Some(after)) => {
                let part = (fpr - before.fpr) / (after.fpr - before.fpr);
                before.pro + part * (after.pro - before.pro)
            }
            (before, None) => before.pro,
        }
    };
    (0..=POINTS)
        .map(|point| limit * point as f64 / POINTS as f64)
        .map(|fpr| [fpr, at(fpr)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thinned_curve_has_the_same_area() {
        let side = 32;
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        let mask: Vec<bool> = (0..side * side).map(|at| at % side > 24).collect();
        let values = mask
            .iter()
            .map(|&bad| random() + if bad { 0.6 } else { 0.0 });
        let map = AnomalyMap::new(side, side, values.collect());
        let area = fsr::metrics::aupro(&[&map], &[&mask], 0.3).unwrap_or_default();
        let curve = pro_curve(&[&map], &[&mask]).unwrap_or_default();
        let points = thinned(&curve, 0.3);
        let trapezoids = points
            .windows(2)
            .map(|pair| (pair[1][0] - pair[0][0]) * (pair[1][1] + pair[0][1]) / 2.0);
        let thin = trapezoids.sum::<f64>() / 0.3;
        assert!(area > 0.5 && (thin - area).abs() < 5e-3, "{thin} {area}");
        assert_eq!(points.len(), POINTS + 1);
    }
}
