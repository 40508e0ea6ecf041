//! One training run from start to end.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use burn::tensor::Device;
use fsr::calibration::Calibration;
use fsr::config::{BackboneKind, ModelConfig};
use fsr::model::Fsr;
use fsr::package::{Dtype, Package, PackageConfig, Provenance, WeightsOrigin};
use fsr::recipe::Recipe;
use fsr::train::{TrainOptions, TrainProgress, Training};
use serde::Serialize;

use super::TrainArgs;
use super::args::{Schedule, Setting};
use super::images::{Selection, select};
use super::run_folder::{MODEL, RunFolder};
use crate::calibrate::calibrate;
use crate::device;
use crate::features::{self, Features, gib};
use crate::interrupt::{self, Interrupted};
use crate::progress::{Progress, print_json, print_text, say};
use crate::{backbone_weights, dataset, memory, store};

/// Lines in a long run's log.
const LOG_LINES: usize = 2000;

/// A slow run is logged at least this often.
const LOG_SECONDS: Duration = Duration::from_secs(10);

/// All settings of a run, as recorded in its folder.
#[derive(Debug, Serialize)]
struct RunConfig<'a> {
    program: String,
    command: Vec<String>,
    data: String,
    categories: Vec<&'a String>,
    setting: Setting,
    shots: Option<u32>,
    shots_seed: u64,
    files: &'a std::collections::BTreeMap<String, Vec<String>>,
    calibration_images: usize,
    model: &'a ModelConfig,
    recipe: &'a Recipe,
    options: &'a TrainOptions,
    backbone_weights: Option<&'a WeightsOrigin>,
    device: &'a str,
}

/// One line of the log: the loss is the mean since the line before.
#[derive(Debug, Serialize)]
struct LogLine {
    step: usize,
    steps: usize,
    epoch: usize,
    loss: f32,
    squared: f32,
    local_cosine: f32,
    global_cosine: f32,
    learning_rate: f64,
    seconds: f64,
}

/// What a finished run reports.
#[derive(Debug, Serialize)]
struct Summary {
    run: String,
    model: String,
    setting: Setting,
    images: usize,
    steps: usize,
    epochs: usize,
    loss: f32,
    seconds: f64,
    device: String,
    calibration: Option<Calibration>,
}

/// Runs the command.
///
/// # Errors
/// One line: what is wrong with arguments, data, weights or device; or [`Interrupted`].
pub fn run(args: &TrainArgs) -> Result<()> {
    let started = Instant::now();
    // Cheap checks first; nothing is written before all of them have passed.
    let config = args.model()?;
    let recipe = args.recipe()?;
    let cache_limit = cache_limit(args.cache_ram)?;
    let selection = select(args)?;
    let setting = args.setting(selection.files.len());
    let schedule = args.schedule(setting, &recipe, selection.train.len())?;
    let weights_source = weights_source(args, &config)?;
    let (backbone, weights) = backbone_weights::load(&weights_source, &config.backbone, args.seed)?;
    let opened = device::open(args.device.device)?;
    let model = Fsr::untrained(&config, &recipe, &backbone, args.seed, &opened.device)?;
    drop(backbone);

    let options = TrainOptions {
        steps: schedule.steps,
        batch: schedule.batch,
        tau: schedule.tau,
        seed: args.seed,
        report_every: report_every(&opened.device, schedule.steps),
    };
    let mut folder = RunFolder::create(&args.out, args.overwrite)?;
    folder.write_config(&RunConfig {
        program: format!("fsr {}", env!("CARGO_PKG_VERSION")),
        command: std::env::args().collect(),
        data: args.data.data.display().to_string(),
        categories: selection.files.keys().collect(),
        setting,
        shots: args.shots,
        shots_seed: args.shots_seed,
        files: &selection.files,
        calibration_images: selection.calibration.len(),
        model: &config,
        recipe: &recipe,
        options: &options,
        backbone_weights: weights.as_ref(),
        device: &opened.name,
    })?;
    say(format!(
        "{} images of {}, {} steps of {}, τ {}, {} recipe, {} on {opened}",
        selection.train.len(),
        selection
            .files
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .join(", "),
        schedule.steps,
        schedule.batch,
        schedule.tau,
        recipe,
        config.backbone.kind,
    ));

    interrupt::listen()?;
    let (training_features, good_features) =
        extract(&model, &selection, cache_limit, folder.path())?;
    let session = Session {
        args,
        model: &model,
        good: &good_features,
        selection: &selection,
        options: &options,
        weights: weights.as_ref(),
    };
    let outcome = session.train(&training_features, schedule, &mut folder)?;
    if let Some(interrupted) = outcome.interrupted {
        return Err(interrupted.into());
    }
    let summary = Summary {
        run: args.out.display().to_string(),
        model: args.out.join(MODEL).display().to_string(),
        setting,
        images: selection.train.len(),
        steps: schedule.steps,
        epochs: outcome.epoch,
        loss: outcome.loss,
        seconds: started.elapsed().as_secs_f64(),
        device: opened.name.clone(),
        calibration: outcome.calibration,
    };
    if args.output.json {
        return print_json(&summary);
    }
    let threshold = summary
        .calibration
        .as_ref()
        .map_or_else(String::new, |known| {
            format!(
                ", threshold {:.4e} from {} good images ({})",
                known.threshold,
                known.images,
                known.source.describe()
            )
        });
    print_text(&format!(
        "{}: loss {:.4} after {} steps in {:.0} s{threshold}",
        summary.model, summary.loss, summary.steps, summary.seconds
    ))
}

/// Reading the loss waits for a GPU; on the CPU it is free, and every step can be interrupted.
fn report_every(device: &Device, steps: usize) -> usize {
    if *device == Device::flex() {
        1
    } else {
        10.min(steps)
    }
}

fn cache_limit(gibibytes: Option<f64>) -> Result<u64> {
    match gibibytes {
        None => Ok(memory::available() / 2),
        Some(value) if value.is_finite() && value >= 0.0 => Ok((value * f64::from(1 << 30)) as u64),
        Some(value) => bail!("--cache-ram {value} must be a number of GiB, such as 4"),
    }
}

fn weights_source(args: &TrainArgs, config: &ModelConfig) -> Result<PathBuf> {
    let Some(source) = &args.backbone_weights else {
        let kind = config.backbone.kind;
        let hint = if kind == BackboneKind::Lite {
            "a package such as models/default, or what `fsr distill` wrote"
        } else {
            "torchvision's or timm's file for it, .pth or .safetensors"
        };
        bail!(
            "--backbone-weights is missing: the {kind} backbone is not trained here; give {hint} (or `random`, to try the program)"
        );
    };
    Ok(source.clone())
}

/// Features of the training and of the calibration images.
fn extract(
    model: &Fsr,
    selection: &Selection,
    limit: u64,
    folder: &Path,
) -> Result<(Features, Features)> {
    let (train, good) = (selection.train.len(), selection.calibration.len());
    let bytes = Features::bytes(&model.config, train);
    let mut training = Features::allocate(&model.config, train, limit, folder)?;
    let left = limit.saturating_sub(if matches!(training, Features::Memory(_)) {
        bytes
    } else {
        0
    });
    let mut calibration = Features::allocate(&model.config, good, left, folder)?;
    let mut progress = Progress::new("features", train + good, "images");
    let load = |index: usize| Ok(dataset::image(&selection.train[index])?);
    features::extract(model, train, load, &mut training, &mut progress)?;
    features::extract(
        model,
        good,
        |index| selection.calibration[index].load(),
        &mut calibration,
        &mut progress,
    )?;
    progress.finish();
    say(format!(
        "features: {:.2} GiB {}",
        gib(bytes),
        training.place()
    ));
    Ok((training, calibration))
}

/// What a training needs besides its features.
struct Session<'a> {
    args: &'a TrainArgs,
    model: &'a Fsr,
    good: &'a Features,
    selection: &'a Selection,
    options: &'a TrainOptions,
    weights: Option<&'a WeightsOrigin>,
}

/// How a training ended.
struct Outcome {
    interrupted: Option<Interrupted>,
    epoch: usize,
    loss: f32,
    calibration: Option<Calibration>,
}

impl Session<'_> {
    fn train(
        &self,
        source: &Features,
        schedule: Schedule,
        folder: &mut RunFolder,
    ) -> Result<Outcome> {
        let mut training = Training::new(self.model, self.options.clone());
        let mut progress = Progress::new("train", schedule.steps, "steps");
        let mut losses = LossMean::default();
        let mut failed = None;
        let log_every = (schedule.steps / LOG_LINES).max(1);
        let started = Instant::now();
        let (mut logged, mut logged_at, mut saved) = (0, started, 0);
        let mut last = (0, f32::NAN);
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
                let stopping = finished || asked;
                if now.step - logged >= log_every || stopping || logged_at.elapsed() >= LOG_SECONDS
                {
                    (logged, logged_at) = (now.step, Instant::now());
                    folder.log(&losses.line(now, started.elapsed().as_secs_f64()))?;
                    losses = LossMean::default();
                }
                if !finished && (now.step - saved >= schedule.checkpoint_steps || asked) {
                    saved = now.step;
                    self.write(training, now.step, now.epoch, &folder.checkpoint(now.step))?;
                    folder.drop_checkpoints_before(now.step);
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
                "{done} of {} steps are done; the model so far is {}",
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
        let calibration = self.write(&training, done, epoch, &folder.path().join(MODEL))?;
        folder.drop_checkpoints();
        Ok(Outcome {
            interrupted: None,
            epoch,
            loss,
            calibration,
        })
    }

    /// Calibrates the model as it stands and writes it as a package.
    fn write(
        &self,
        training: &Training,
        step: usize,
        epoch: usize,
        target: &Path,
    ) -> Result<Option<Calibration>> {
        let model = Fsr::from_parts(
            &self.model.config,
            &self.model.recipe,
            self.model.backbone.clone(),
            training.restorer(),
            self.model.device(),
        );
        let categories: Vec<&str> = self
            .selection
            .calibration
            .iter()
            .map(|image| image.category.as_str())
            .collect();
        let calibrations = calibrate(
            &model,
            self.good,
            &categories,
            self.args.score,
            self.selection.source,
        )?;
        let name = self
            .args
            .out
            .file_name()
            .map_or_else(|| "fsr".into(), |name| name.to_string_lossy().into_owned());
        let mut config = PackageConfig::new(name, model.config.clone(), model.recipe.clone());
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
            seed: self.args.seed,
            tau: self.options.tau as f32,
            epochs: epoch,
            steps: step,
            commit: option_env!("FSR_COMMIT").map(String::from),
            backbone_weights: self.weights.cloned(),
            ..config.provenance
        };
        let tensors = pollster::block_on(model.tensors())?;
        store::write(
            target,
            &Package {
                config,
                tensors,
                self_test: None,
            },
            Dtype::F32,
        )?;
        Ok(calibrations.all)
    }
}

/// Mean of the loss parts over some steps.
#[derive(Debug, Default)]
struct LossMean {
    steps: usize,
    parts: [f64; 3],
}

impl LossMean {
    fn add(&mut self, now: &TrainProgress) {
        self.steps += 1;
        for (sum, part) in
            self.parts
                .iter_mut()
                .zip([now.squared, now.local_cosine, now.global_cosine])
        {
            *sum += f64::from(part);
        }
    }

    fn part(&self, index: usize) -> f32 {
        (self.parts[index] / self.steps.max(1) as f64) as f32
    }

    fn mean(&self) -> f32 {
        (0..3).map(|index| self.part(index)).sum()
    }

    fn line(&self, now: &TrainProgress, seconds: f64) -> LogLine {
        LogLine {
            step: now.step,
            steps: now.steps,
            epoch: now.epoch,
            loss: self.mean(),
            squared: self.part(0),
            local_cosine: self.part(1),
            global_cosine: self.part(2),
            learning_rate: now.learning_rate,
            seconds,
        }
    }
}
