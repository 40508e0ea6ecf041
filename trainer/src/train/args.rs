//! The options of `fsr train`, and what follows from them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use fsr::config::{BackboneKind, ModelConfig, Preset, StridePlacement};
use fsr::map::ScoreKind;
use fsr::recipe::{LossTerms, PositionKind, Recipe};
use fsr::rivals::Method;
use serde::{Deserialize, Serialize};

use super::tau::TauChoice;
use crate::cli::{DataArgs, DeviceArgs, OutputArgs};
use crate::dataset::shots::AUTHORS_SEED;

/// Train a detector on good images.
///
/// Only ROOT/CATEGORY/train/good is read; no label and no test image has any influence. Backbone
/// features are computed once and kept; then the restorer learns to put shuffled features back. RUN gets
/// config.json (all settings), log.jsonl (one line per report), checkpoints/ and, at the end, model/
/// (a package that eval, predict, export and the page open). Ctrl-C finishes the step and saves; the same
/// command with --resume goes on from there, and on the CPU ends with the same weights, bit by bit.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
    \x20 Few-shot, four images chosen as the paper's authors did (about 3 minutes on 2 cores):\n\
    \x20   fsr train --data data --category bottle --shots 4 --preset compact \\\n\
    \x20       --backbone-weights resnet18.safetensors --epochs 75 --out runs/bottle4\n\
    \x20 One model for one category, all its images:\n\
    \x20   fsr train --data data --category bottle --preset paper \\\n\
    \x20       --backbone-weights wide_resnet50_2.pth --device cuda --out runs/bottle\n\
    \x20 One model for everything:\n\
    \x20   fsr train --data data --category all --preset paper \\\n\
    \x20       --backbone-weights wide_resnet50_2.pth --out runs/all")]
pub struct TrainArgs {
    #[command(flatten)]
    pub data: DataArgs,

    /// Folder for the run; must not hold one already (see --overwrite).
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    /// Move a run that is already in RUN to RUN.previous.
    #[arg(long)]
    pub overwrite: bool,
    /// Go on after the last checkpoint of the run that is in RUN, if there is one; all else must be as it was.
    #[arg(long, conflicts_with = "overwrite")]
    pub resume: bool,

    /// How to learn: fsr, reconstruction (the same network with nothing shuffled and no noise), patchcore
    /// (a memory bank) or padim (a Gaussian for each position), all on the same features.
    #[arg(long, value_name = "NAME", default_value = "fsr")]
    pub method: Method,
    /// The setting, checked against categories and shots: few-shot, separate (one category) or unified.
    /// Default: what categories and --shots amount to.
    #[arg(long, value_enum, value_name = "NAME")]
    pub setting: Option<Setting>,
    /// Train on this many images of each category. Default: all.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub shots: Option<u32>,
    /// Seed of the draw of shots, as Python's random.sample draws; 42 gives the paper's own images.
    #[arg(long, value_name = "SEED", default_value_t = AUTHORS_SEED)]
    pub shots_seed: u64,

    /// Model size: paper (125.6 M parameters), compact (9.6 M) or lite (for the page).
    #[arg(
        long,
        value_name = "NAME",
        default_value = "compact",
        help_heading = "Model"
    )]
    pub preset: Preset,
    /// Backbone weights: a .safetensors or .pth file (torchvision or timm names), a run or package whose
    /// backbone to take, or `random` (to try the program without any).
    #[arg(long, value_name = "FILE", help_heading = "Model")]
    pub backbone_weights: Option<PathBuf>,
    /// Other backbone than the preset's: lite, resnet18, resnet34, resnet50, wide_resnet50_2.
    #[arg(long, value_name = "NAME", help_heading = "Model")]
    pub backbone: Option<BackboneKind>,
    /// Where bottleneck blocks have their stride: v1.5 (torchvision, timm) or v1 (Keras).
    #[arg(long, value_name = "PLACE", help_heading = "Model")]
    pub stride: Option<StridePlacement>,
    /// Side of the square network input, in pixels. Default: the preset's, 256.
    #[arg(long, value_name = "PIXELS", help_heading = "Model")]
    pub size: Option<usize>,
    /// Side of a feature block that is one token, in feature cells (4 pixels each). Default: the preset's.
    #[arg(long, value_name = "CELLS", help_heading = "Model")]
    pub patch: Option<usize>,
    /// Embedding width of the restorer. Default: the preset's.
    #[arg(long, value_name = "CHANNELS", help_heading = "Model")]
    pub width: Option<usize>,
    /// Transformer blocks of the restorer. Default: the preset's.
    #[arg(long, value_name = "BLOCKS", help_heading = "Model")]
    pub depth: Option<usize>,
    /// Attention heads of the restorer. Default: the preset's.
    #[arg(long, value_name = "HEADS", help_heading = "Model")]
    pub heads: Option<usize>,

    /// Begin with the restorer of this run or package, of the same architecture, instead of a new one: to train longer,
    /// or on images of your own. Its backbone is taken too, unless --backbone-weights says otherwise.
    #[arg(long, value_name = "MODEL", help_heading = "Training")]
    pub from: Option<PathBuf>,
    /// Passes over the training images. Default: 300, the paper's.
    #[arg(
        long,
        value_name = "COUNT",
        conflicts_with = "steps",
        help_heading = "Training"
    )]
    pub epochs: Option<usize>,
    /// Optimiser steps, instead of --epochs.
    #[arg(long, value_name = "COUNT", help_heading = "Training")]
    pub steps: Option<usize>,
    /// Images in a step. Default by setting and recipe: few-shot 1, one category 8, several 16.
    #[arg(long, value_name = "IMAGES", help_heading = "Training")]
    pub batch: Option<usize>,
    /// Share of tokens that are shuffled, 0 to 1; or `auto`, to choose it by how well short trainings find
    /// defects implanted in good images. Default: few-shot 0.1, one category 0.3, several 0.9.
    #[arg(long, value_name = "SHARE", help_heading = "Training")]
    pub tau: Option<TauChoice>,
    /// Learning rate of AdamW. Default: the recipe's.
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    pub lr: Option<f64>,
    /// Where paper and authors' code differ: official (the code), paper (as printed), or fast (official with
    /// a learning rate of 1e-3 that falls along a cosine).
    #[arg(
        long,
        value_name = "NAME",
        default_value = "official",
        help_heading = "Training"
    )]
    pub recipe: Recipe,
    /// Noise on embedded tokens: its length over the token's, 0 for none. Default: the recipe's.
    #[arg(long, value_name = "RATIO", help_heading = "Training")]
    pub jitter: Option<f32>,
    /// Position embedding: none, 1d, 2d or learned. Default: the recipe's.
    #[arg(long, value_name = "KIND", help_heading = "Training")]
    pub position: Option<PositionKind>,
    /// Losses to minimise, one or more of squared,local,global. Default: all.
    #[arg(long, value_name = "TERMS", help_heading = "Training")]
    pub loss: Option<LossTerms>,
    /// PatchCore: share of patches kept in the bank. Default: few-shot 0.1, else 0.01.
    #[arg(long, value_name = "SHARE", help_heading = "Rivals")]
    pub coreset: Option<f64>,
    /// PaDiM: channels chosen at random. Default: 100.
    #[arg(long, value_name = "COUNT", help_heading = "Rivals")]
    pub padim_channels: Option<usize>,
    /// Seed of the initial weights, the order of images, shuffles and noise.
    #[arg(
        long,
        value_name = "SEED",
        default_value_t = 1,
        help_heading = "Training"
    )]
    pub seed: u64,
    /// Save a checkpoint after every this many epochs.
    #[arg(
        long,
        value_name = "EPOCHS",
        default_value_t = 25,
        help_heading = "Training"
    )]
    pub checkpoint_every: usize,
    /// Save a checkpoint at least every this many minutes as well; 0 for by epochs alone.
    #[arg(
        long,
        value_name = "MINUTES",
        default_value_t = 10.0,
        help_heading = "Training"
    )]
    pub checkpoint_minutes: f64,
    /// Image score of the calibrated model: std (the authors'), max, or top1 (mean of the highest 1 %).
    /// Default: std; max for patchcore and padim.
    #[arg(long, value_name = "KIND", help_heading = "Training")]
    pub score: Option<ScoreKind>,
    /// Set the threshold so that at most this share of good images is called anomalous, by the scores of good images
    /// kept out of training. Default: three deviations above their mean log score.
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    pub false_alarm_rate: Option<f64>,
    /// Few-shot: calibrate on each image as judged by a model that is trained on the others. Takes one more training for
    /// each image; without it slightly altered training images stand in, which score too low.
    #[arg(long, requires = "shots", help_heading = "Training")]
    pub leave_one_out: bool,
    /// Memory for cached features in GiB; what does not fit goes to a temporary file in RUN.
    /// Default: half of what is free.
    #[arg(long, value_name = "GIB", help_heading = "Training")]
    pub cache_ram: Option<f64>,

    #[command(flatten)]
    pub device: DeviceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

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

    /// Steps and batch size for a number of training images.
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
    use clap::Parser;

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
