//! Calibration of a freshly trained model on good images.

pub mod leave_one_out;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use fsr::calibration::{Calibration, CalibrationBuilder, CalibrationSource, RateError, needed_for};
use fsr::map::{AnomalyMap, ScoreKind};
use fsr::model::Fsr;

use crate::train::pool::View;

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

impl Calibrations {
    /// The same with thresholds for a false-alarm rate, if one is given.
    ///
    /// # Errors
    /// When there are too few good images for it; [`check_rate`] knows beforehand.
    pub fn at_rate(self, rate: Option<f64>) -> Result<Self, RateError> {
        let Some(rate) = rate else { return Ok(self) };
        let set = |known: Calibration| known.at_false_alarm_rate(rate);
        Ok(Self {
            all: self.all.map(set).transpose()?,
            by_category: self
                .by_category
                .into_iter()
                .map(|(name, known)| Ok((name, set(known)?)))
                .collect::<Result<_, RateError>>()?,
        })
    }
}

/// Refuses a false-alarm rate that some category's good images are too few for, before anything is trained.
///
/// # Errors
/// Names the category, and the number of images it takes.
pub fn check_rate<'a>(rate: Option<f64>, categories: impl Iterator<Item = &'a str>) -> Result<()> {
    let Some(rate) = rate else { return Ok(()) };
    if !(rate > 0.0 && rate < 1.0) {
        return Err(RateError::Rate(rate)).context("--false-alarm-rate");
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for category in categories {
        *counts.entry(category).or_default() += 1;
    }
    for (category, images) in counts {
        let needed = needed_for(rate);
        if images < needed {
            bail!(
                "--false-alarm-rate {rate} needs at least {needed} good images to calibrate on, and category '{category}' gives {images}; take a rate of {:.3} or more",
                1.0 / (images + 1) as f64
            );
        }
    }
    Ok(())
}

/// Calibrates a model on the features of good images, of all tiles of each; `categories` names each one's category.
///
/// # Errors
/// When the features cannot be read or the device fails.
pub fn calibrate(
    model: &Fsr,
    good: &View<'_>,
    categories: &[&str],
    kind: ScoreKind,
    source: CalibrationSource,
) -> Result<Calibrations> {
    let side = model.config.image_size;
    let images = categories.iter().enumerate();
    let images: Vec<(&str, usize)> = images
        .map(|(index, &category)| (category, good.map_values(index, side)))
        .collect();
    let mut calibrator = Calibrator::new(&images, kind, source);
    for (index, category) in categories.iter().enumerate() {
        let map = good.map(model, index).context("cannot calibrate")?;
        calibrator.add(category, &map);
    }
    Ok(calibrator.finish())
}

/// Calibrations built map by map: of 10,000 images a thousand calibrate, and their maps would take a quarter of a GiB.
pub struct Calibrator {
    all: CalibrationBuilder,
    own: BTreeMap<String, CalibrationBuilder>,
}

impl Calibrator {
    /// For images of these categories, one entry an image, with the number of values of its maps.
    pub fn new(images: &[(&str, usize)], kind: ScoreKind, source: CalibrationSource) -> Self {
        let builder = |values: usize| CalibrationBuilder::new(kind, source, values);
        let mut values: BTreeMap<&str, usize> = BTreeMap::new();
        for (category, own) in images {
            *values.entry(category).or_default() += own;
        }
        Self {
            all: builder(values.values().sum()),
            own: values
                .into_iter()
                .map(|(category, values)| (category.to_string(), builder(values)))
                .collect(),
        }
    }

    /// Adds a good image's map.
    pub fn add(&mut self, category: &str, map: &AnomalyMap) {
        self.all.add(map);
        if let Some(own) = self.own.get_mut(category) {
            own.add(map);
        }
    }

    /// Of all images, and of each category if there are several.
    pub fn finish(mut self) -> Calibrations {
        if self.own.len() < 2 {
            self.own.clear();
        }
        Calibrations {
            all: self.all.finish(),
            by_category: self
                .own
                .into_iter()
                .filter_map(|(name, own)| Some((name, own.finish()?)))
                .collect(),
        }
    }
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

    #[test]
    fn a_rate_that_the_images_cannot_vouch_for_is_refused_beforehand() {
        let images = |count| std::iter::repeat_n("nut", count).chain(["bolt"; 19]);
        assert!(check_rate(Some(0.05), images(19)).is_ok());
        assert!(check_rate(None, images(1)).is_ok());
        let error = check_rate(Some(0.05), images(18)).map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.contains("'nut'") && text.contains("19")));
        assert!(check_rate(Some(1.5), images(100)).is_err());
    }
}
