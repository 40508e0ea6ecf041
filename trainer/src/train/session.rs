//! One training run from start to end.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use burn::tensor::Device;
use fsr::calibration::Calibration;
use fsr::config::{BackboneKind, ModelConfig};
use fsr::model::Fsr;
use fsr::package::WeightsOrigin;
use fsr::recipe::Recipe;
use fsr::train::TrainOptions;
use serde::Serialize;

use super::TrainArgs;
use super::args::Setting;
use super::fitting::Fitting;
use super::images::{Selection, select};
use super::run_folder::{MODEL, RunFolder};
use crate::calibrate::leave_one_out::LeaveOneOut;
use crate::device;
use crate::features::{self, Features, gib};
use crate::interrupt::{self, Interrupted};
use crate::progress::{Progress, print_json, print_text, say};
use crate::{backbone_weights, dataset, memory};

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
/// One line: what is wrong with arguments, data, weights or device; or that it was interrupted.
pub fn run(args: &TrainArgs) -> Result<()> {
    let started = Instant::now();
    // Cheap checks first; nothing is written before all of them have passed.
    let config = args.model()?;
    let recipe = args.recipe()?;
    let cache_limit = cache_limit(args.cache_ram)?;
    let selection = select(args)?;
    if args.leave_one_out && selection.train.len() < 2 {
        bail!("--leave-one-out needs at least two images to train on");
    }
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
    let fitting = Fitting {
        args,
        model: &model,
        good: &good_features,
        selection: &selection,
        options: &options,
        weights: weights.as_ref(),
    };
    let mut outcome = fitting.run(&training_features, schedule, &mut folder)?;
    if let Some(interrupted) = outcome.interrupted {
        return Err(interrupted.into());
    }
    if args.leave_one_out {
        outcome.calibration = LeaveOneOut {
            model: &model,
            options: &options,
            shots: &training_features,
            altered: &good_features,
            categories: &selection.calibration_categories(),
            kind: args.score,
            rate: args.false_alarm_rate,
        }
        .apply(&args.out.join(MODEL))?;
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

/// An error once Ctrl-C was pressed.
fn go_on() -> Result<()> {
    if interrupt::asked() {
        return Err(Interrupted("training had not begun; nothing is lost".into()).into());
    }
    Ok(())
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
    let load = |index: usize| {
        go_on()?;
        Ok(dataset::image(&selection.train[index])?)
    };
    features::extract(model, train, load, &mut training, &mut progress)?;
    features::extract(
        model,
        good,
        |index| go_on().and_then(|()| selection.calibration[index].load()),
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
