//! The options of `fsr train`. What they amount to: [`super::resolve`].

use std::path::PathBuf;

use clap::Args;
use fsr::config::{BackboneKind, Preset, RestorerKind, StridePlacement};
use fsr::map::ScoreKind;
use fsr::recipe::{LossTerms, PositionKind, Recipe};
use fsr::rivals::Method;

use super::augment::Augment;
use super::resolve::Setting;
use super::tau::TauChoice;
use crate::cli::{DataArgs, DeviceArgs, OutputArgs, share};
use crate::dataset::shots::AUTHORS_SEED;
use crate::device::DeviceChoice;

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

    /// Few-shot: train also on altered copies of each image, of one or more kinds; an image that looks like one of them is
    /// then good too. So choose what good parts may show: where a part must not lie otherwise, a turned one would be
    /// missed. Wants more --steps, about three times as many (docs/results.md).
    #[arg(
        long,
        value_enum,
        value_name = "KINDS",
        value_delimiter = ',',
        requires = "shots"
    )]
    pub augment: Vec<Augment>,

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
    /// Cut images into tiles of so many of their own pixels a side, and inspect each tile as a whole image is inspected
    /// otherwise: for small defects in large images. Of the preset's 64 × 64 feature cells each then covers PIXELS / 64
    /// of the image's pixels. The model is trained on all tiles, calibrated on whole images put together again, and
    /// keeps the number. Default: whole images.
    #[arg(long, value_name = "PIXELS", help_heading = "Model")]
    pub tile: Option<u32>,
    /// Least share of a tile that the next one shows too, 0 to 0.5. Default: 0.25.
    #[arg(long, value_name = "SHARE", requires = "tile", help_heading = "Model")]
    pub tile_overlap: Option<f32>,
    /// What restores: vit (a transformer) or cnn (convolutions with as many weights, without position embedding: the
    /// paper's ablation).
    #[arg(long, value_name = "KIND", help_heading = "Model")]
    pub restorer: Option<RestorerKind>,
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
    /// Where paper and authors' code differ: official (the code), paper (as printed), fast (official with
    /// a learning rate of 1e-3 that falls along a cosine), or brief (fast at 3e-4: what the page trains `lite` with).
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
    /// Divide maps by what good images differ where the same was restored, to this power: 1 wholly, 0.5 if no number is
    /// given. Fitted in closed form on the training images when the training is over; not in the paper. Helps with many good
    /// images, of one product or of several; a few shots are not enough for it. Default: maps are left as they are.
    #[arg(
        long,
        value_name = "SHARE",
        num_args = 0..=1,
        default_missing_value = "0.5",
        value_parser = share,
        help_heading = "Training"
    )]
    pub expected_difference: Option<f32>,
    /// Few-shot: calibrate on each image as judged by a model that is trained on the others. Takes one more training for
    /// each image; without it slightly altered training images stand in, which score too low.
    #[arg(long, requires = "shots", help_heading = "Training")]
    pub leave_one_out: bool,
    /// Memory for cached features in GiB; what does not fit goes to a temporary file in RUN.
    /// Default: half of what is free.
    #[arg(long, value_name = "GIB", help_heading = "Training")]
    pub cache_ram: Option<f64>,

    /// Train also a decoder that draws features as pictures, and write it to RUN: `fsr eval --out` and `fsr report` then
    /// show what was restored. No map or score depends on it. The number is that of its steps.
    #[arg(
        long,
        value_name = "STEPS",
        num_args = 0..=1,
        default_missing_value = "800",
        value_parser = clap::value_parser!(u32).range(1..),
        help_heading = "Training"
    )]
    pub decoder: Option<u32>,
    /// Write losses and learning rate also as TensorBoard event files, in RUN/tensorboard.
    #[arg(long, help_heading = "Training")]
    pub tensorboard: bool,

    #[command(flatten)]
    pub device: DeviceArgs,
    /// Share each batch out among several processors, instead of --device: cuda:0,cuda:1 or, to keep two CPU cores
    /// busy where single operations use one, cpu,cpu. The first also steps and calibrates. Needs batches of as many
    /// images.
    #[arg(
        long,
        value_name = "DEVICES",
        value_delimiter = ',',
        conflicts_with = "device"
    )]
    pub devices: Vec<DeviceChoice>,
    #[command(flatten)]
    pub output: OutputArgs,
}
