//! The training proper: steps, log, checkpoints, and the calibrated model at the end.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use burn::tensor::Device;
use fsr::calibration::Calibration;
use fsr::feature_cache::FeatureSource;
use fsr::model::Fsr;
use fsr::package::{Dtype, Package, PackageConfig, Provenance, WeightsOrigin};
use fsr::train::{TrainOptions, Training};

use super::checkpoint::{self, Checkpoint};
use super::expected;
use super::images::Selection;
use super::log::LossMean;
use super::pool::View;
use super::resolve::Schedule;
use super::run_folder::{MODEL, RunFolder};
use super::tensorboard::EventWriter;
use super::{TrainArgs, augment};
use crate::calibrate::calibrate;
use crate::interrupt::{self, Interrupted};
use crate::progress::Progress;
use crate::store;

/// Lines in a long run's log.
const LOG_LINES: usize = 2000;

/// A slow run is logged at least this often.
const LOG_SECONDS: Duration = Duration::from_secs(10);

/// What a training needs besides its features.
pub struct Fitting<'a> {
    /// The command line.
    pub args: &'a TrainArgs,
    /// The untrained model.
    pub model: &'a Fsr,
    /// Features of the calibration images.
    pub good: &'a View<'a>,
    /// The images.
    pub selection: &'a Selection,
    /// Steps, batch, rate and seed.
    pub options: &'a TrainOptions,
    /// Where the backbone comes from.
    pub weights: Option<&'a WeightsOrigin>,
    /// Devices that share the batches with the model's own.
    pub others: &'a [Device],
}

/// How a training ended.
pub struct Outcome {
    /// Set when Ctrl-C ended it; a checkpoint is saved.
    pub interrupted: Option<Interrupted>,
    /// Passes over the images begun.
    pub epoch: usize,
    /// Mean loss of the last logged steps.
    pub loss: f32,
    /// Calibration of the finished model.
    pub calibration: Option<Calibration>,
}

impl Fitting<'_> {
    /// Trains to the end or until interrupted, and writes the model.
    ///
    /// # Errors
    /// When training diverges, the device fails or the disk refuses; the last checkpoint stays.
    pub fn run(
        &self,
        source: &View<'_>,
        schedule: Schedule,
        checkpoint: Option<&Checkpoint>,
        folder: &mut RunFolder,
    ) -> Result<Outcome> {
        let mut training = match checkpoint {
            None => pollster::block_on(Training::begin(self.model, self.options.clone(), source))?,
            Some(known) => Training::resume(
                self.model,
                self.options.clone(),
                &known.state,
                &known.weights,
                &known.moments,
                source.len(),
            )
            .with_context(|| format!("cannot go on from {}", known.path.display()))?,
        }
        .with_devices(self.others);
        let begun = training.steps_done();
        let earlier = checkpoint.map_or(0.0, |known| known.seconds);
        let mut events = match self.args.tensorboard {
            true => Some(EventWriter::create(folder.path(), begun)?),
            false => None,
        };
        let mut progress = Progress::new("train", schedule.steps, "steps");
        let mut losses = LossMean::default();
        let mut failed = None;
        let log_every = (schedule.steps / LOG_LINES).max(1);
        let started = Instant::now();
        let (mut logged, mut logged_at) = (begun, started);
        let (mut saved, mut saved_at) = (begun, started);
        let mut last = (checkpoint.map_or(0, |known| known.state.epoch), f32::NAN);
        let run = training.run(source, |training, now| {
            losses.add(now);
            progress.set(
                now.step,
                format!("epoch {} loss {:.4}", now.epoch, losses.mean()),
            );
            last = (now.epoch, losses.mean());
            // Asked once: what is decided here must be saved here.
            let asked = interrupt::asked();
            let mut report = || -> Result<()> {
                let finished = now.step >= schedule.steps;
                let due = now.step - saved >= schedule.checkpoint_steps
                    || schedule
                        .checkpoint_time
                        .is_some_and(|time| saved_at.elapsed() >= time);
                let save = !finished && (due || asked);
                let seconds = earlier + started.elapsed().as_secs_f64();
                // Logged at every checkpoint, so that a continuation needs no half-summed losses.
                if now.step - logged >= log_every
                    || finished
                    || save
                    || logged_at.elapsed() >= LOG_SECONDS
                {
                    (logged, logged_at) = (now.step, Instant::now());
                    let line = losses.line(now, seconds);
                    folder.log(&line)?;
                    if let Some(events) = &mut events {
                        events.add(now.step, &line.scalars())?;
                    }
                    losses = LossMean::default();
                }
                if save {
                    let place = folder.checkpoint(now.step);
                    let more = checkpoint::files(training, seconds)?;
                    // Without an expected difference: fitting it can take as long as a hundred steps.
                    let model = self.model_of(training);
                    self.write(&model, now.step, now.epoch, &place, more)?;
                    folder.drop_checkpoints_before(now.step);
                    (saved, saved_at) = (now.step, Instant::now());
                }
                Ok(())
            };
            match report() {
                Ok(()) if !asked => ControlFlow::Continue(()),
                Ok(()) => ControlFlow::Break(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        pollster::block_on(run)?;
        if let Some(error) = failed {
            return Err(error);
        }
        progress.finish();
        let (epoch, loss) = last;
        let done = training.steps_done();
        if done < schedule.steps {
            let place = folder.checkpoint(done);
            let text = format!(
                "{done} of {} steps are done; the model so far is {}; --resume goes on",
                schedule.steps,
                place.display()
            );
            return Ok(Outcome {
                interrupted: Some(Interrupted(text)),
                epoch,
                loss,
                calibration: None,
            });
        }
        let mut model = self.model_of(&training);
        expected::fit(&mut model, source, self.args.expected_difference)?;
        let target = folder.path().join(MODEL);
        let calibration = self.write(&model, done, epoch, &target, Vec::new())?;
        folder.drop_checkpoints();
        Ok(Outcome {
            interrupted: None,
            epoch,
            loss,
            calibration,
        })
    }

    /// Writes the model of a method that does not train.
    ///
    /// # Errors
    /// When the device fails or the disk refuses.
    pub fn write_rival(&self, folder: &RunFolder) -> Result<Outcome> {
        let target = folder.path().join(MODEL);
        Ok(Outcome {
            interrupted: None,
            epoch: 1,
            loss: 0.0,
            calibration: self.write(self.model, 0, 1, &target, Vec::new())?,
        })
    }

    fn model_of(&self, training: &Training) -> Fsr {
        Fsr::from_parts(
            &self.model.config,
            &self.model.recipe,
            self.model.backbone.clone(),
            training.restorer(),
            self.model.device(),
        )
    }

    /// Calibrates the model as it stands and writes it as a package, with `more` files beside it.
    fn write(
        &self,
        model: &Fsr,
        step: usize,
        epoch: usize,
        target: &Path,
        more: Vec<(String, Vec<u8>)>,
    ) -> Result<Option<Calibration>> {
        let categories = self.selection.calibration_categories();
        let calibrations = calibrate(
            model,
            self.good,
            &categories,
            self.args.score(),
            self.selection.source,
        )?
        .at_rate(self.args.false_alarm_rate)?;
        let name = self
            .args
            .out
            .file_name()
            .map_or_else(|| "fsr".into(), |name| name.to_string_lossy().into_owned());
        let config = PackageConfig::new(name, model.config.clone(), model.recipe.clone());
        let mut config = config.in_tiles(self.args.tiling()?);
        config.method = self.args.method;
        config.calibration = calibrations.all.clone();
        config.category_calibration = calibrations.by_category;
        config.provenance = Provenance {
            // The folder's name, not its place on this machine.
            data: self
                .args
                .data
                .data
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            categories: self.selection.files.keys().cloned().collect(),
            images: self.selection.train.len(),
            shots: self.args.shots.map(|count| count as usize),
            augment: augment::names(&self.args.augment),
            seed: self.args.seed,
            tau: self.options.tau as f32,
            epochs: epoch,
            steps: step,
            commit: option_env!("FSR_COMMIT").map(String::from),
            backbone_weights: self.weights.cloned(),
            ..config.provenance
        };
        let tensors = pollster::block_on(model.tensors())?;
        let package = Package {
            config,
            tensors,
            self_test: None,
        };
        store::write_with(target, &package, Dtype::F32, more)?;
        Ok(calibrations.all)
    }
}
