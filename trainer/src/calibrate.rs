//! Calibration of a freshly trained model on good images.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use fsr::calibration::{Calibration, CalibrationSource};
use fsr::feature_cache::FeatureSource;
use fsr::map::{AnomalyMap, ScoreKind};
use fsr::model::Fsr;

/// From this many training images on, a tenth is held out; fewer are too precious.
const HOLD_OUT_FROM: usize = 50;

/// Which images of a category calibrate and which train.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Indices to train on.
    pub train: Vec<usize>,
    /// Indices held out; empty where altered training images stand in.
    pub held_out: Vec<usize>,
}

/// Holds out every tenth image of a long list, so that a whole recording session is covered.
pub fn split(images: usize) -> Split {
    let held = |index: &usize| images >= HOLD_OUT_FROM && index % 10 == 5;
    let (held_out, train) = (0..images).partition(held);
    Split { train, held_out }
}

/// Calibrations of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibrations {
    /// From the images of all categories.
    pub all: Option<Calibration>,
    /// From those of each category; empty if there is only one.
    pub by_category: BTreeMap<String, Calibration>,
}

/// Calibrates a model on the features of good images; `categories` names each one's category.
///
/// # Errors
/// When the features cannot be read or the device fails.
pub fn calibrate(
    model: &Fsr,
    good: &impl FeatureSource,
    categories: &[&str],
    kind: ScoreKind,
    source: CalibrationSource,
) -> Result<Calibrations> {
    let mut maps: BTreeMap<&str, Vec<AnomalyMap>> = BTreeMap::new();
    for (index, category) in categories.iter().enumerate() {
        let tokens = model.tokens(good.batch(&[index], model.device())?);
        let map = pollster::block_on(model.anomaly_maps(tokens)).context("cannot calibrate")?;
        maps.entry(category).or_default().extend(map);
    }
    let mut by_category = BTreeMap::new();
    if maps.len() > 1 {
        for (category, maps) in &maps {
            by_category.extend(
                Calibration::from_good_maps(maps, kind, source)
                    .map(|own| (category.to_string(), own)),
            );
        }
    }
    let all: Vec<AnomalyMap> = maps.into_values().flatten().collect();
    Ok(Calibrations {
        all: Calibration::from_good_maps(&all, kind, source),
        by_category,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_held_out_of_long_lists_only() {
        assert_eq!(
            split(49),
            Split {
                train: (0..49).collect(),
                held_out: vec![]
            }
        );
        let split = split(209);
        assert_eq!((split.train.len(), split.held_out.len()), (188, 21));
        assert!(
            split
                .held_out
                .iter()
                .all(|index| !split.train.contains(index))
        );
    }
}
