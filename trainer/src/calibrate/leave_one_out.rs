//! Few-shot calibration on every shot in turn, judged by a model that was trained on the others.
//!
//! Altered copies of training images score too low, because the model knows the originals. A left-out image it has
//! not seen, at the price of one more training for each shot.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};
use std::path::Path;

use anyhow::{Context, Result};
use fsr::calibration::{Calibration, CalibrationSource};
use fsr::feature_cache::{FeatureError, FeatureSource, TapShapes};
use fsr::map::ScoreKind;
use fsr::model::Fsr;
use fsr::package::Dtype;
use fsr::train::{TrainOptions, Training};
use half::f16;

use super::{Calibrations, Calibrator};
use crate::interrupt::{self, Interrupted};
use crate::progress::Progress;
use crate::store;
use crate::train::expected;
use crate::train::pool::View;

/// What a finished few-shot training leaves to calibrate with.
pub struct LeaveOneOut<'a> {
    /// The untrained model.
    pub model: &'a Fsr,
    /// How it was trained.
    pub options: &'a TrainOptions,
    /// Features of the shots, of all tiles of each; after each shot those of its augmented copies.
    pub shots: &'a View<'a>,
    /// How many images a shot is with its copies, 1 without any.
    pub copies: usize,
    /// Features of their alterations: those of the first shot, of the second, and so on.
    pub altered: &'a View<'a>,
    /// The category of each alteration.
    pub categories: &'a [&'a str],
    /// The score that verdicts use.
    pub kind: ScoreKind,
    /// The false-alarm rate that the threshold is for.
    pub rate: Option<f64>,
    /// Share of the expected difference that maps are divided by, if they are.
    pub expected_difference: Option<f32>,
}

impl LeaveOneOut<'_> {
    /// Calibrates, and puts the calibration into the package, whose weights stay as they are.
    ///
    /// # Errors
    /// When a training fails or is interrupted; the package then keeps its earlier calibration.
    pub fn apply(&self, package: &Path) -> Result<Option<Calibration>> {
        let calibrations = self.calibrate()?.at_rate(self.rate)?;
        let mut read = store::read(package)?;
        read.config.calibration = calibrations.all.clone();
        read.config.category_calibration = calibrations.by_category;
        store::write(package, &read, Dtype::F32)?;
        Ok(calibrations.all)
    }

    fn calibrate(&self) -> Result<Calibrations> {
        let count = self.shots.images() / self.copies;
        let variants = self.altered.images() / count.max(1);
        let side = self.model.config.image_size;
        let category = |shot: usize| self.categories[shot * variants];
        // A shot as it is, and its alterations.
        let maps = |shot: usize| {
            let altered =
                (0..variants).map(move |variant| (self.altered, shot * variants + variant));
            [(self.shots, shot * self.copies)]
                .into_iter()
                .chain(altered)
        };
        let values = |shot: usize| -> usize {
            maps(shot)
                .map(|(view, image)| view.map_values(image, side))
                .sum()
        };
        let images: Vec<(&str, usize)> = (0..count)
            .map(|shot| (category(shot), values(shot)))
            .collect();
        let mut calibrator = Calibrator::new(&images, self.kind, CalibrationSource::LeaveOneOut);
        let steps = self.options.steps;
        let mut progress = Progress::new("leave one out", count * steps, "steps");
        for shot in 0..count {
            let first = shot * self.copies;
            let last = first + self.copies - 1;
            let others = Without {
                source: self.shots,
                left_out: self.shots.tiles(first).start..self.shots.tiles(last).end,
            };
            let begun = Training::begin(self.model, self.options.clone(), &others);
            let mut training = pollster::block_on(begun)?;
            let run = training.run(&others, |_, now| {
                progress.set(
                    shot * steps + now.step,
                    format!("without image {}", shot + 1),
                );
                match interrupt::asked() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
            pollster::block_on(run)?;
            if interrupt::asked() {
                let text = "the model is finished, and calibrated on altered training images";
                return Err(Interrupted(text.into()).into());
            }
            let mut model = Fsr::from_parts(
                &self.model.config,
                &self.model.recipe,
                self.model.backbone.clone(),
                training.restorer(),
                self.model.device(),
            );
            expected::fit(&mut model, &others, self.expected_difference)?;
            for (view, image) in maps(shot) {
                let map = view.map(&model, image).context("cannot calibrate")?;
                calibrator.add(category(shot), &map);
            }
        }
        Ok(calibrator.finish())
    }
}

/// Features without those of one shot, which may have several tiles and copies.
struct Without<'a, S> {
    source: &'a S,
    left_out: Range<usize>,
}

impl<S: FeatureSource> FeatureSource for Without<'_, S> {
    fn len(&self) -> usize {
        self.source.len() - self.left_out.len()
    }

    fn shapes(&self) -> TapShapes {
        self.source.shapes()
    }

    fn image(&self, index: usize) -> Result<Cow<'_, [f16]>, FeatureError> {
        let skipped = if index < self.left_out.start {
            0
        } else {
            self.left_out.len()
        };
        self.source.image(index + skipped)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use fsr::feature_cache::FeatureCache;

    #[test]
    fn every_other_image_is_there_once() {
        let mut cache = FeatureCache::new([[1, 1], [1, 1], [1, 1]]);
        for image in 0..4 {
            cache.push(vec![f16::from_f32(image as f32); 3]);
        }
        for left_out in [0..1, 1..2, 3..4, 0..3, 1..3, 2..4] {
            let rest = Without {
                source: &cache,
                left_out: left_out.clone(),
            };
            let seen: Vec<f32> = (0..rest.len())
                .map(|index| rest.image(index).unwrap()[0].to_f32())
                .collect();
            let expected: Vec<f32> = (0..4)
                .filter(|image| !left_out.contains(image))
                .map(|image| image as f32)
                .collect();
            assert_eq!(seen, expected);
            assert!(rest.image(rest.len()).is_err());
        }
    }
}
