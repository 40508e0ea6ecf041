//! What the options of `fsr train` amount to: the setting, the model, the recipe and the schedule.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use fsr::config::{ModelConfig, RestorerKind};
use fsr::map::ScoreKind;
use fsr::recipe::Recipe;
use fsr::rivals::Method;
use fsr::tiles::{DEFAULT_OVERLAP, Tiling};
use serde::{Deserialize, Serialize};

use super::TrainArgs;
use super::tau::TauChoice;

/// The three settings of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// A few images of each category.
    FewShot,
    /// All images of one category.
    Separate,
    /// All images of several categories in one model.
    Unified,
}

impl Setting {
    /// The paper's best shuffling rate.
    pub fn tau(self) -> f64 {
        match self {
            Self::FewShot => 0.1,
            Self::Separate => 0.3,
            Self::Unified => 0.9,
        }
    }

    /// The recipe's batch size.
    pub fn batch(self, recipe: &Recipe) -> usize {
        recipe.batch[self as usize]
    }
}

/// Epochs where neither `--epochs` nor `--steps` says otherwise.
const DEFAULT_EPOCHS: usize = 300;

impl TrainArgs {
    /// The setting: as asked for, else what the choice of images amounts to.
    ///
    /// # Errors
    /// When the choice of images is not of the setting that was asked for.
    pub fn setting(&self, categories: usize) -> Result<Setting> {
        match (self.setting, self.shots, categories) {
            (Some(Setting::FewShot), None, _) => {
                bail!("--setting few-shot needs --shots, the number of images of each category")
            }
            (Some(wanted @ (Setting::Separate | Setting::Unified)), Some(_), _) => bail!(
                "--shots makes a few-shot run; leave it out for --setting {}",
                if wanted == Setting::Separate {
                    "separate"
                } else {
                    "unified"
                }
            ),
            (Some(Setting::Separate), None, 2..) => bail!(
                "--setting separate makes a model of one category, and {categories} are given; run it for each, or a study"
            ),
            (Some(setting), ..) => Ok(setting),
            (None, Some(_), _) => Ok(Setting::FewShot),
            (None, None, 1) => Ok(Setting::Separate),
            (None, None, _) => Ok(Setting::Unified),
        }
    }

    /// The image score of the calibrated model.
    pub fn score(&self) -> ScoreKind {
        self.score.unwrap_or(self.method.score())
    }

    /// The preset with what was changed on the command line.
    ///
    /// # Errors
    /// When sizes do not fit together.
    pub fn model(&self) -> Result<ModelConfig> {
        let mut config = self.preset.config();
        config.image_size = self.size.unwrap_or(config.image_size);
        config.backbone.kind = self.backbone.unwrap_or(config.backbone.kind);
        config.backbone.stride = self.stride.unwrap_or(config.backbone.stride);
        let restorer = &mut config.restorer;
        restorer.kind = self.restorer.unwrap_or(restorer.kind);
        if restorer.kind == RestorerKind::Cnn && self.position.is_some() {
            bail!("--position has no meaning for --restorer cnn, which has none");
        }
        restorer.patch = self.patch.unwrap_or(restorer.patch);
        restorer.width = self.width.unwrap_or(restorer.width);
        restorer.depth = self.depth.unwrap_or(restorer.depth);
        restorer.heads = self.heads.unwrap_or(restorer.heads);
        if let Some(patch) = self.method.patch() {
            if self.patch.is_some_and(|asked| asked != patch) {
                bail!("--patch has no meaning for --method {}", self.method);
            }
            restorer.patch = patch;
        }
        config.validate()?;
        Ok(config)
    }

    /// How images are cut into tiles, if they are.
    ///
    /// # Errors
    /// For tiles that cannot be.
    pub fn tiling(&self) -> Result<Option<Tiling>> {
        let Some(size) = self.tile else {
            return Ok(None);
        };
        let tiling = Tiling {
            size,
            overlap: self.tile_overlap.unwrap_or(DEFAULT_OVERLAP),
        };
        let option = if self.tile_overlap.is_some() {
            "--tile, --tile-overlap"
        } else {
            "--tile"
        };
        tiling.validate().context(option)?;
        Ok(Some(tiling))
    }

    /// The recipe with what was changed on the command line.
    ///
    /// # Errors
    /// For a learning rate that is not a positive number.
    pub fn recipe(&self) -> Result<Recipe> {
        let mut recipe = self.recipe.clone();
        if let Some(rate) = self.lr {
            if !(rate.is_finite() && rate > 0.0) {
                bail!("--lr {rate} must be a positive number, such as 1e-4");
            }
            recipe.learning_rate = rate;
        }
        if let Some(ratio) = self.jitter {
            if !(ratio.is_finite() && ratio >= 0.0) {
                bail!("--jitter {ratio} must be 0 or a positive number, such as 1");
            }
            recipe.jitter_ratio = ratio;
        }
        if self.method == Method::Reconstruction {
            if self.jitter.is_some_and(|ratio| ratio > 0.0) {
                bail!("--method reconstruction has no jitter; use --method fsr --tau 0 with it");
            }
            recipe.jitter_ratio = 0.0;
        }
        recipe.position = self.position.unwrap_or(recipe.position);
        recipe.loss = self.loss.unwrap_or(recipe.loss);
        Ok(recipe)
    }

    /// Steps and batch size for a number of training images, or of their tiles.
    ///
    /// # Errors
    /// For counts that are zero.
    pub fn schedule(&self, setting: Setting, recipe: &Recipe, images: usize) -> Result<Schedule> {
        let batch = self
            .batch
            .unwrap_or(setting.batch(recipe))
            .min(images.max(1));
        let tau = match self.method {
            Method::Fsr => match self.tau {
                Some(TauChoice::Rate(rate)) => rate,
                // Until it is chosen.
                Some(TauChoice::Auto) | None => setting.tau(),
            },
            other if self.tau.is_some_and(|tau| tau != TauChoice::Rate(0.0)) => {
                bail!("--method {other} shuffles nothing; leave --tau out")
            }
            _ => 0.0,
        };
        let epochs = self.epochs.unwrap_or(DEFAULT_EPOCHS);
        if batch == 0 || epochs == 0 || self.steps == Some(0) || self.checkpoint_every == 0 {
            bail!("--batch, --epochs, --steps and --checkpoint-every must be at least 1");
        }
        if !(self.checkpoint_minutes.is_finite() && self.checkpoint_minutes >= 0.0) {
            bail!(
                "--checkpoint-minutes {} must be a number of minutes, or 0",
                self.checkpoint_minutes
            );
        }
        if !(0.0..=1.0).contains(&tau) {
            bail!("--tau {tau} must lie between 0 (nothing shuffled) and 1 (everything)");
        }
        let per_epoch = images.div_ceil(batch);
        let steps = if self.method.trains() {
            self.steps.unwrap_or(epochs * per_epoch)
        } else {
            0
        };
        Ok(Schedule {
            steps,
            batch,
            tau,
            checkpoint_steps: self.checkpoint_every * per_epoch,
            checkpoint_time: (self.checkpoint_minutes > 0.0)
                .then(|| Duration::from_secs_f64(self.checkpoint_minutes.min(1e6) * 60.0)),
        })
    }
}

/// How long and in what pieces to train.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Optimiser steps in all.
    pub steps: usize,
    /// Images in a step.
    pub batch: usize,
    /// Shuffling rate.
    pub tau: f64,
    /// Steps between checkpoints.
    pub checkpoint_steps: usize,
    /// Longest time between checkpoints, if it is limited.
    pub checkpoint_time: Option<Duration>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::train::augment::Augment;
    use clap::Parser;
    use fsr::recipe::PositionKind;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: TrainArgs,
    }

    fn parse(line: &str) -> TrainArgs {
        let base = "train --data d --category c --out o ";
        Line::try_parse_from((base.to_string() + line).split_whitespace())
            .unwrap()
            .args
    }

    #[test]
    fn defaults_follow_the_setting() {
        let of = |line: &str, categories, images| {
            let args = parse(line);
            let setting = args.setting(categories).unwrap();
            (
                setting,
                args.schedule(setting, &args.recipe().unwrap(), images)
                    .unwrap(),
            )
        };
        let schedule = |steps, batch, tau, checkpoint_steps| Schedule {
            steps,
            batch,
            tau,
            checkpoint_steps,
            checkpoint_time: Some(Duration::from_secs(600)),
        };
        assert_eq!(
            of("--shots 4", 1, 4),
            (Setting::FewShot, schedule(1200, 1, 0.1, 100))
        );
        assert_eq!(
            of("", 1, 188),
            (Setting::Separate, schedule(300 * 24, 8, 0.3, 600))
        );
        assert_eq!(
            of("", 2, 400),
            (Setting::Unified, schedule(300 * 25, 16, 0.9, 625))
        );
        assert_eq!(
            of("--steps 7 --batch 64 --tau 0", 1, 10).1,
            schedule(7, 10, 0.0, 25)
        );
    }

    #[test]
    fn overrides_reach_the_model_and_nonsense_is_refused() {
        let model = parse("--preset lite --size 64 --width 32 --heads 2 --depth 1 --patch 2")
            .model()
            .unwrap();
        assert_eq!(
            (model.image_size, model.restorer.width, model.restorer.patch),
            (64, 32, 2)
        );
        assert!(
            parse("--size 100")
                .model()
                .unwrap_err()
                .to_string()
                .contains("image_size 100")
        );
        for line in [
            "--tau 1.5",
            "--tau NaN",
            "--batch 0",
            "--epochs 0",
            "--checkpoint-every 0",
            "--checkpoint-minutes NaN",
        ] {
            let args = parse(line);
            assert!(
                args.schedule(Setting::FewShot, &args.recipe().unwrap(), 4)
                    .is_err(),
                "{line}"
            );
        }
        for line in ["--lr 0", "--lr inf"] {
            assert!(parse(line).recipe().is_err(), "{line}");
        }
    }

    #[test]
    fn tiles_have_a_usual_overlap_and_possible_sides() {
        assert_eq!(parse("").tiling().unwrap(), None);
        let tiling = parse("--tile 512").tiling().unwrap();
        assert_eq!(tiling, Some(Tiling::of_size(512)));
        let tiling = parse("--tile 300 --tile-overlap 0.1").tiling().unwrap();
        assert_eq!(tiling.map(|tiling| tiling.overlap), Some(0.1));
        for line in ["--tile 0", "--tile 17000", "--tile 512 --tile-overlap 0.6"] {
            let error = format!("{:#}", parse(line).tiling().unwrap_err());
            assert!(
                error.starts_with("--tile") && error.contains("not possible"),
                "{error}"
            );
        }
    }

    #[test]
    fn shots_can_be_augmented_and_nothing_else() {
        let groups = parse("--shots 4 --augment mirror,quarter-turns").augment;
        assert_eq!(groups, [Augment::Mirror, Augment::QuarterTurns]);
        let alone = "train --data d --category c --out o --augment mirror";
        let error = Line::try_parse_from(alone.split_whitespace()).map(|line| line.args.augment);
        assert!(error.is_err_and(|error| error.to_string().contains("--shots")));
    }

    #[test]
    fn a_setting_is_checked_against_the_images() {
        let of =
            |line: &str, categories| parse(line).setting(categories).map_err(|e| e.to_string());
        assert_eq!(of("--setting few-shot --shots 2", 3), Ok(Setting::FewShot));
        assert_eq!(of("--setting separate", 1), Ok(Setting::Separate));
        assert_eq!(of("--setting unified", 1), Ok(Setting::Unified));
        assert!(of("--setting few-shot", 1).unwrap_err().contains("--shots"));
        assert!(
            of("--setting unified --shots 2", 2)
                .unwrap_err()
                .contains("unified")
        );
        assert!(
            of("--setting separate", 2)
                .unwrap_err()
                .contains("one category")
        );
    }

    #[test]
    fn ablations_and_rivals_change_what_they_say() {
        let recipe = |line: &str| parse(line).recipe();
        assert_eq!(recipe("--jitter 0").unwrap().jitter_ratio, 0.0);
        assert_eq!(recipe("--method reconstruction").unwrap().jitter_ratio, 0.0);
        assert!(recipe("--method reconstruction --jitter 1").is_err());
        assert_eq!(
            recipe("--position learned").unwrap().position,
            PositionKind::Learned
        );
        let loss = recipe("--loss squared,global").unwrap().loss;
        assert!(loss.squared && !loss.local && loss.global);
        let schedule = |line: &str| {
            let args = parse(line);
            args.schedule(Setting::Unified, &args.recipe().unwrap(), 40)
        };
        assert_eq!(schedule("--method reconstruction").unwrap().tau, 0.0);
        assert!(schedule("--method reconstruction --tau 0.3").is_err());
        assert_eq!(schedule("--method padim").unwrap().steps, 0);
        assert_eq!(
            parse("--method patchcore").model().unwrap().restorer.patch,
            2
        );
        assert!(parse("--method padim --patch 4").model().is_err());
        assert_eq!(parse("--method padim").score(), ScoreKind::Max);
        assert_eq!(parse("").score(), ScoreKind::Std);
    }
}
