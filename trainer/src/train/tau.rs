//! `--tau auto`: the shuffling rate that finds implanted defects best, early in training.
//!
//! No label and no test image is looked at: some good images are left out of short trainings, one for
//! each rate, and get synthetic defects ([`super::implant`]); the rate whose model tells these from the
//! untouched ones best is taken for the whole training.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use fsr::alter::VARIANTS;
use fsr::feature_cache::FeatureSource;
use fsr::map::ScoreKind;
use fsr::metrics::LabelledScores;
use fsr::model::Fsr;
use fsr::tiles::{TilePlan, Tiling};
use fsr::train::{TrainOptions, Training};
use image::RgbImage;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::images::{Change, ImageKey, Selection, load, spread};
use super::implant::{Implant, implant};
use super::pool::{Pool, View};
use crate::features::{self, Features};
use crate::interrupt::{self, Interrupted};
use crate::progress::{Progress, say};

/// The rates that are tried: the paper's three, none, and two between.
pub const CANDIDATES: [f64; 6] = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9];

/// Steps of each short training, at most.
const STEPS: usize = 150;

/// Good images that get defects, at most.
const IMAGES: usize = 12;

/// From this many training images on, the ones with defects are left out of the short trainings.
const LEAVE_OUT_FROM: usize = 8;

/// A rate, or the wish that it be chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TauChoice {
    /// This rate.
    Rate(f64),
    /// Chosen from good images.
    Auto,
}

impl FromStr for TauChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        text.parse()
            .map(Self::Rate)
            .map_err(|_| format!("'{text}' is neither a number from 0 to 1 nor auto"))
    }
}

impl fmt::Display for TauChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => rate.fmt(f),
            Self::Auto => f.write_str("auto"),
        }
    }
}

/// How one rate did on implanted defects.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Trial {
    /// The rate.
    pub tau: f64,
    /// AUROC of images with a defect against untouched ones.
    pub image_auroc: f64,
    /// AUROC of all pixels of images with a defect.
    pub pixel_auroc: f64,
}

impl Trial {
    fn value(&self) -> f64 {
        (self.image_auroc + self.pixel_auroc) / 2.0
    }
}

/// What the search found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TauSearch {
    /// The rate with the best mean of the two figures; the smaller one of equals.
    pub chosen: f64,
    /// Steps of each short training.
    pub steps: usize,
    /// Images with and without defects.
    pub images: [usize; 2],
    /// Every rate that was tried.
    pub trials: Vec<Trial>,
}

/// Searches for the rate; the same seed finds the same.
///
/// # Errors
/// When no defect shows in any image, training or device fail, or it is interrupted.
pub fn search(
    model: &Fsr,
    selection: &Selection,
    pool: &Pool<ImageKey>,
    options: &TrainOptions,
    kind: ScoreKind,
) -> Result<TauSearch> {
    let chosen = spread(selection.train.len(), IMAGES);
    let left_out = selection.train.len() >= LEAVE_OUT_FROM;
    let exempt: Vec<&PathBuf> = chosen
        .iter()
        .map(|&index| &selection.train[index])
        .collect();
    let mut learn = selection.train_keys();
    learn.retain(|key| !left_out || !exempt.contains(&&key.path));
    // Where there are too few to leave any out, altered ones stand for fresh images.
    let good: Vec<ImageKey> = chosen
        .iter()
        .map(|&index| ImageKey {
            path: selection.train[index].clone(),
            change: if left_out {
                Change::None
            } else {
                Change::Slight(index % VARIANTS)
            },
        })
        .collect();
    let (images, masks) = exam(&good, pool.tiling(), model.config.image_size, options.seed)?;
    let with_defect = masks.iter().filter(|mask| mask.is_some()).count();
    if with_defect == 0 {
        bail!("--tau auto: no implanted defect shows in these images; give a rate instead");
    }
    let folder = std::env::temp_dir();
    let mut exam = Features::allocate(&model.config, images.len(), u64::MAX, &folder)?;
    let mut progress = Progress::new("implants", images.len(), "images");
    features::extract(
        model,
        None,
        images.len(),
        |index| Ok(images[index].clone()),
        &mut exam,
        &mut progress,
    )?;
    progress.finish();

    let steps = STEPS.min(options.steps.max(1));
    let source = pool.view(&learn);
    let mut trials = Vec::new();
    let mut progress = Progress::new("tau", CANDIDATES.len(), "rates");
    for tau in CANDIDATES {
        let trial = try_rate(model, &source, (&exam, &masks), options, steps, tau, kind)?;
        trials.push(trial);
        progress.set(trials.len(), format!("τ {tau}: {:.4}", trial.value()));
    }
    progress.finish();
    let best = trials
        .iter()
        .copied()
        .reduce(|best, next| {
            if next.value() > best.value() {
                next
            } else {
                best
            }
        })
        .context("no rate was tried")?;
    say(format!(
        "τ {} chosen on implanted defects after {steps} steps (image AUROC {:.3}, pixel AUROC {:.3})",
        best.tau, best.image_auroc, best.pixel_auroc
    ));
    Ok(TauSearch {
        chosen: best.tau,
        steps,
        images: [with_defect, images.len() - with_defect],
        trials,
    })
}

/// Which pixels of an image are defective; none for an untouched one.
type Mask = Option<Vec<bool>>;

/// Each image untouched and with one defect of each kind that shows; where images are cut, one tile of each.
fn exam(
    good: &[ImageKey],
    tiling: Option<Tiling>,
    side: usize,
    seed: u64,
) -> Result<(Vec<RgbImage>, Vec<Mask>)> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0xdefe_c7ed_defe_c7ed);
    let originals: Vec<RgbImage> = good
        .iter()
        .enumerate()
        .map(|(index, key)| {
            let image = load(key)?;
            let plan = TilePlan::new(tiling, image.width(), image.height())?;
            // From the middle on: at the edges of a photograph there is often nothing.
            Ok(plan.input(&image, plan.count() / 2 + index, side))
        })
        .collect::<Result<_>>()?;
    let (mut images, mut masks) = (Vec::new(), Vec::new());
    for (index, image) in originals.iter().enumerate() {
        images.push(image.clone());
        masks.push(None);
        let other = &originals[(index + 1) % originals.len()];
        for kind in Implant::ALL {
            if let Some((changed, mask)) = implant(image, other, kind, &mut rng) {
                images.push(changed);
                masks.push(Some(mask));
            }
        }
    }
    Ok((images, masks))
}

fn try_rate(
    model: &Fsr,
    source: &View<'_>,
    (exam, masks): (&Features, &[Mask]),
    options: &TrainOptions,
    steps: usize,
    tau: f64,
    kind: ScoreKind,
) -> Result<Trial> {
    let mut training = Training::new(
        model,
        TrainOptions {
            steps,
            tau,
            ..options.clone()
        },
    );
    let run = training.run(source, |_, _| {
        if interrupt::asked() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    pollster::block_on(run).with_context(|| format!("--tau auto, at τ {tau}"))?;
    if interrupt::asked() {
        return Err(Interrupted("training had not begun; nothing is lost".into()).into());
    }
    let mut trained = model.clone();
    trained.restorer = training.restorer();
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    let (mut pixels, mut defective) = (Vec::new(), Vec::new());
    for (index, mask) in masks.iter().enumerate() {
        let tokens = trained.tokens(exam.batch(&[index], trained.device())?);
        for map in pollster::block_on(trained.anomaly_maps(tokens))? {
            scores.push(map.scores().get(kind));
            labels.push(mask.is_some());
            if let Some(mask) = mask {
                pixels.extend(map.values);
                defective.extend(mask);
            }
        }
    }
    let auroc = |scores: &[f32], labels: &[bool]| {
        LabelledScores::new(scores, labels).map_or(0.5, |ranked| ranked.auroc())
    };
    Ok(Trial {
        tau,
        image_auroc: auroc(&scores, &labels),
        pixel_auroc: auroc(&pixels, &defective),
    })
}
