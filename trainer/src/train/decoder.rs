//! `fsr train --decoder`: a decoder beside a finished model, that draws its features for `fsr eval --out`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::tensor::Device;
use fsr::config::ModelConfig;
use fsr::decoder::{Decoder, DecoderTraining};
use fsr::detector::Detector;
use fsr::preprocess::to_input_size;
use fsr::weights;
use image::RgbImage;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::TrainArgs;
use super::images::select;
use super::implant::{Implant, implant};
use crate::dataset;
use crate::device::Opened;
use crate::interrupt::{self, Interrupted};
use crate::progress::{Progress, say};
use crate::{atomic, store};

/// The file in a run's folder. Not in its package: no map depends on it.
pub const FILE: &str = "decoder.safetensors";

/// Images in a step.
const BATCH: usize = 2;

/// Decoded images that are kept: 100 MB of the usual size, however many there are to choose from.
const MOST_KEPT: usize = 512;

/// Trains the decoder of a run whose model is finished, and writes it.
///
/// Half of the images it sees have a defect implanted, so that it can also draw what is not in good images: what a
/// restoration lacks shall be missing because it was not restored.
///
/// # Errors
/// When model or images cannot be read, the device fails, or it was interrupted.
pub fn add(args: &TrainArgs, steps: usize, opened: &Opened) -> Result<()> {
    let package = store::read(&args.out)?;
    let detector = Detector::from_package(&package, &opened.device)?;
    let model = &detector.model;
    let side = model.config.image_size;
    let images = select(args)?.train;
    let mut inputs = Inputs::new(&images, side);
    let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
    let mut training = DecoderTraining::begin(model, steps, args.seed)?;
    let mut progress = Progress::new("decoder", steps, "steps");
    let mut mean = None;
    for step in 0..steps {
        if interrupt::asked() {
            let text = "the model is finished, its decoder is not; --resume trains it".to_string();
            return Err(Interrupted(text).into());
        }
        let batch = (0..BATCH)
            .map(|_| one(&mut inputs, &mut rng))
            .collect::<Result<Vec<RgbImage>>>()?;
        let loss = pollster::block_on(training.step(&batch))?;
        // Running mean over about fifty steps.
        let before = mean.unwrap_or(loss);
        mean = Some(before + (loss - before) / 50.0);
        progress.set(step + 1, format!("error {:.4}", mean.unwrap_or(loss)));
    }
    progress.finish();
    let tensors = pollster::block_on(training.decoder().tensors())?;
    // One entry: several would be written in any order, and the file would not be the same twice.
    let about = format!(
        "decoder of {}, {steps} steps, seed {}",
        package.config.name, args.seed
    );
    let metadata = BTreeMap::from([("about".to_string(), about)]);
    let path = args.out.join(FILE);
    atomic::write_file(&path, &weights::write(&tensors, &metadata)?)?;
    say(format!("wrote {}", path.display()));
    Ok(())
}

/// Images of the network's input size; the first so many that are asked for are decoded once.
struct Inputs<'a> {
    images: &'a [PathBuf],
    side: usize,
    known: HashMap<&'a Path, RgbImage>,
}

impl<'a> Inputs<'a> {
    fn new(images: &'a [PathBuf], side: usize) -> Self {
        Self {
            images,
            side,
            known: HashMap::new(),
        }
    }

    fn pick(&mut self, rng: &mut ChaCha8Rng) -> Result<RgbImage> {
        let path = self.images.choose(rng).context("there are no images")?;
        if let Some(image) = self.known.get(path.as_path()) {
            return Ok(image.clone());
        }
        let image = to_input_size(&dataset::image(path)?, self.side);
        if self.known.len() < MOST_KEPT {
            self.known.insert(path, image.clone());
        }
        Ok(image)
    }
}

fn one(inputs: &mut Inputs<'_>, rng: &mut ChaCha8Rng) -> Result<RgbImage> {
    let image = inputs.pick(rng)?;
    if rng.random_bool(0.5) {
        return Ok(image);
    }
    let other = inputs.pick(rng)?;
    let kind = *Implant::ALL.choose(rng).unwrap_or(&Implant::CutPaste);
    Ok(match implant(&image, &other, kind, rng) {
        Some((changed, _)) => changed,
        None => image,
    })
}

/// The decoder beside a run's model, if there is one.
///
/// # Errors
/// When the file cannot be read or belongs to a model of other sizes.
pub fn read(run: &Path, config: &ModelConfig, device: &Device) -> Result<Option<Decoder>> {
    let path = run.join(FILE);
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let named = weights::read(&bytes).with_context(|| format!("cannot use {}", path.display()))?;
    let decoder = Decoder::from_tensors(config, &named, device).with_context(|| {
        format!(
            "{} does not fit the model; remove it, or train it again with `fsr train --decoder --resume`",
            path.display()
        )
    })?;
    Ok(Some(decoder))
}
