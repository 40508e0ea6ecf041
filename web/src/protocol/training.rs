//! Training a detector in the tab: what is asked for, and what is told of it.

use serde::{Deserialize, Serialize};

use crate::address::SampleSpec;

use super::Failure;

/// Fewest good images to train on: one shows nothing of how good parts differ.
pub const FEWEST_IMAGES: usize = 2;

/// Most good images; more belong into the native program.
pub const MOST_IMAGES: usize = 32;

/// Most steps that can be asked for.
pub const MOST_STEPS: usize = 5_000;

/// Sides of tiles that are offered, in pixels of the image.
pub const TILE_SIDES: [u32; 4] = [256, 512, 1024, 2048];

/// How to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainPlan {
    /// Name of the detector to be.
    pub name: String,
    /// Optimiser steps.
    pub steps: usize,
    /// Images in a step.
    pub batch: usize,
    /// Shuffling rate τ.
    pub tau: f64,
    /// Seed of weights, order, shuffles and noise.
    pub seed: u64,
    /// Side of the tiles that images are cut into, in their own pixels; `None`: whole images.
    pub tile: Option<u32>,
}

impl TrainPlan {
    /// The few-shot defaults: τ 0.1 and single images as in the paper, a fast recipe's few hundred steps.
    pub fn few_shot(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            steps: 300,
            batch: 1,
            tau: 0.1,
            seed: 1,
            tile: None,
        }
    }

    /// Checks what a visitor may have typed.
    ///
    /// # Errors
    /// Names the setting and what it may be.
    pub fn check(&self, images: usize) -> Result<(), Failure> {
        if !(FEWEST_IMAGES..=MOST_IMAGES).contains(&images) {
            return Err(Failure::GoodCount { images });
        }
        if !(1..=MOST_STEPS).contains(&self.steps) {
            return Err(Failure::StepCount { steps: self.steps });
        }
        let tile = self.tile.is_none_or(|side| TILE_SIDES.contains(&side));
        if !tile || self.batch == 0 || !(0.0..=1.0).contains(&self.tau) {
            return Err(Failure::Settings);
        }
        Ok(())
    }
}

/// A good image to train on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoodImage {
    /// A file, attached.
    File {
        /// Its name.
        name: String,
    },
    /// A generated sample.
    Sample {
        /// Which.
        sample: SampleSpec,
    },
}

/// What to do with the training under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Steer {
    /// Wait after this step.
    Pause,
    /// Go on.
    Resume,
    /// End here and keep what was learnt.
    Stop,
}

/// How a training goes on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainEvent {
    /// Features of good images, altered copies included, are being computed.
    Features {
        /// Done.
        done: usize,
        /// In all.
        total: usize,
    },
    /// A step was done.
    Step {
        /// Steps done.
        step: usize,
        /// Steps in all.
        steps: usize,
        /// The whole loss (eq. 13).
        loss: f32,
        /// Learning rate of the step.
        learning_rate: f64,
        /// Milliseconds it took.
        milliseconds: f64,
    },
    /// It waits, or goes on after waiting.
    Paused {
        /// Whether it waits now.
        paused: bool,
    },
    /// The threshold is being set from altered good images.
    Calibrating {
        /// Done.
        done: usize,
        /// In all.
        total: usize,
    },
    /// The package is being made and tested.
    Packing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_checked_before_they_travel() {
        let plan = TrainPlan::few_shot("bottle");
        assert!(plan.check(4).is_ok() && plan.check(32).is_ok());
        for images in [0, 1, 33] {
            assert!(plan.check(images).is_err(), "{images}");
        }
        for steps in [0, MOST_STEPS + 1] {
            let plan = TrainPlan {
                steps,
                ..plan.clone()
            };
            assert!(plan.check(4).is_err(), "{steps}");
        }
        for (tile, possible) in [(Some(512), true), (Some(7), false)] {
            let plan = TrainPlan {
                tile,
                ..plan.clone()
            };
            assert_eq!(plan.check(4).is_ok(), possible);
        }
        let plan = TrainPlan {
            tau: f64::NAN,
            ..plan
        };
        assert!(plan.check(4).is_err());
    }
}
