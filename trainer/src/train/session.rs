//! One training run from start to end.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use burn::tensor::Device;
use fsr::calibration::Calibration;
use fsr::config::{BackboneKind, ModelConfig};
use fsr::model::{Fsr, RESTORER_PREFIX};
use fsr::package::WeightsOrigin;
use fsr::recipe::{Recipe, Start};
use fsr::restorer::Restorer;
use fsr::rivals::Method;
use fsr::tensors::import;
use fsr::tiles::Tiling;
use fsr::train::TrainOptions;
use serde::Serialize;
use serde_json::Value;

use super::checkpoint;
use super::decoder;
use super::fitting::Fitting;
use super::images::{ImageKey, Selection, load, select};
use super::pool::Pool;
use super::resolve::Setting;
use super::rival;
use super::run_folder::{MODEL, RunFolder};
use super::tau::{self, TauChoice, TauSearch};
use super::{TrainArgs, augment};
use crate::calibrate::leave_one_out::LeaveOneOut;
use crate::device::{self, Opened};
use crate::features::{Features, gib};
use crate::interrupt::{self, Interrupted};
use crate::progress::{print_json, print_text, say};
use crate::{backbone_weights, memory, store};

/// All settings of a run, as recorded in its folder.
#[derive(Debug, Serialize)]
struct RunConfig<'a> {
    program: String,
    command: Vec<String>,
    data: String,
    categories: Vec<&'a String>,
    method: Method,
    coreset: Option<f64>,
    padim_channels: Option<usize>,
    setting: Setting,
    shots: Option<u32>,
    shots_seed: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    augment: Vec<String>,
    files: &'a std::collections::BTreeMap<String, Vec<String>>,
    calibration_images: usize,
    model: &'a ModelConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    tiles: Option<Tiling>,
    recipe: &'a Recipe,
    options: &'a TrainOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    tau_search: Option<&'a TauSearch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_difference: Option<f32>,
    backbone_weights: Option<&'a WeightsOrigin>,
    device: &'a str,
}

/// What a finished run reports.
#[derive(Debug, Serialize)]
pub struct Summary {
    run: String,
    model: String,
    setting: Setting,
    /// Training images.
    pub images: usize,
    /// Optimiser steps.
    pub steps: usize,
    epochs: usize,
    /// Mean loss of the last logged steps.
    pub loss: f32,
    seconds: f64,
    device: String,
    calibration: Option<Calibration>,
}

/// Runs the command.
///
/// # Errors
/// One line: what is wrong with arguments, data, weights or device; or that it was interrupted.
pub fn run(args: &TrainArgs) -> Result<()> {
    let main = args.devices.first().unwrap_or(&args.device.device);
    if args.decoder.is_some() && !args.method.trains() {
        bail!(
            "--decoder shows what was restored, and {} restores nothing",
            args.method
        );
    }
    if args.resume && args.out.join(MODEL).exists() {
        if let Some(steps) = args.decoder
            && !args.out.join(decoder::FILE).exists()
        {
            interrupt::listen()?;
            return decoder::add(args, steps as usize, &device::open(*main)?);
        }
        say(format!(
            "{} is finished already; there is nothing to resume",
            args.out.display()
        ));
        return Ok(());
    }
    let opened = device::open(*main)?;
    interrupt::listen()?;
    let summary = train(args, &opened, None)?;
    if let Some(steps) = args.decoder {
        decoder::add(args, steps as usize, &opened)?;
    }
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

/// One training run; `pool` holds features that other runs of the same backbone left, if any did.
///
/// # Errors
/// As [`run`].
pub fn train(
    args: &TrainArgs,
    opened: &Opened,
    pool: Option<&mut Pool<ImageKey>>,
) -> Result<Summary> {
    let started = Instant::now();
    // Cheap checks first; nothing is written before all of them have passed.
    let config = args.model()?;
    let mut recipe = args.recipe()?;
    if args.from.is_some() {
        recipe.start = Start::Given;
    }
    let tiling = args.tiling()?;
    let cache_limit = cache_limit(args.cache_ram)?;
    let selection = select(args)?;
    let tiles = selection.tiles(tiling)?;
    if args.leave_one_out && selection.train.len() < 2 {
        bail!("--leave-one-out needs at least two images to train on");
    }
    if args.leave_one_out && !args.method.trains() {
        bail!(
            "--leave-one-out is for methods that train, not {}",
            args.method
        );
    }
    if args.expected_difference.is_some() && !args.method.trains() {
        bail!(
            "--expected-difference is for methods that restore, not {}",
            args.method
        );
    }
    let setting = args.setting(selection.files.len())?;
    let schedule = args.schedule(setting, &recipe, tiles.train)?;
    let others = others(args, schedule.batch)?;
    let weights_source = weights_source(args, &config)?;
    let (backbone, weights) = backbone_weights::load(&weights_source, &config.backbone, args.seed)?;
    let mut model = Fsr::untrained(&config, &recipe, &backbone, args.seed, &opened.device)?;
    drop(backbone);
    if let Some(from) = &args.from {
        model.restorer = restorer_of(from, &model)?;
    }

    let resuming = args.resume && RunFolder::exists(&args.out);
    let choose = args.tau == Some(TauChoice::Auto) && !resuming;
    let tau = match args.tau {
        Some(TauChoice::Auto) if resuming => RunFolder::recorded_tau(&args.out)?,
        _ => schedule.tau,
    };
    let mut options = TrainOptions {
        steps: schedule.steps,
        batch: schedule.batch,
        tau,
        seed: args.seed,
        report_every: report_every(&opened.device, schedule.steps),
    };
    let all = std::iter::once(opened).chain(&others);
    let device_names = all.map(Opened::to_string).collect::<Vec<_>>().join(" + ");
    let settings = |options: &TrainOptions, search: Option<&TauSearch>| -> Result<Value> {
        // Through text, so that 32-bit numbers look as they do in the file.
        Ok(serde_json::from_slice(&serde_json::to_vec(&RunConfig {
            program: format!("fsr {}", env!("CARGO_PKG_VERSION")),
            command: std::env::args().collect(),
            data: args.data.data.display().to_string(),
            categories: selection.files.keys().collect(),
            method: args.method,
            coreset: args.coreset,
            padim_channels: args.padim_channels,
            setting,
            shots: args.shots,
            shots_seed: args.shots_seed,
            augment: augment::names(&args.augment),
            files: &selection.files,
            calibration_images: selection.calibration.len(),
            model: &config,
            tiles: tiling,
            recipe: &recipe,
            options,
            tau_search: search,
            from: args.from.as_ref().map(|path| path.display().to_string()),
            expected_difference: args.expected_difference,
            backbone_weights: weights.as_ref(),
            device: &device_names,
        })?)?)
    };
    let (mut folder, checkpoint) = if resuming {
        let mut folder = RunFolder::reopen(&args.out, &settings(&options, None)?)?;
        let checkpoint = checkpoint::newest(&args.out)?;
        folder.cut_log(checkpoint.as_ref().map_or(0, |known| known.state.step))?;
        (folder, checkpoint)
    } else {
        let folder = RunFolder::create(&args.out, args.overwrite)?;
        if !choose {
            folder.write_config(&settings(&options, None)?)?;
        }
        (folder, None)
    };
    let names: Vec<&str> = selection.files.keys().map(String::as_str).collect();
    let how = if args.method.trains() {
        format!(
            "{} steps of {}, τ {}, {recipe} recipe",
            schedule.steps,
            schedule.batch,
            if choose {
                "to be chosen".into()
            } else {
                tau.to_string()
            }
        )
    } else {
        args.method.to_string()
    };
    let cut = tiling.map_or_else(String::new, |tiling| {
        format!(" in {} tiles of {} pixels", tiles.train, tiling.size)
    });
    let copies = match selection.augmentations.len() {
        0 => String::new(),
        augmented => format!(" and {augmented} altered copies of each"),
    };
    say(format!(
        "{} images{copies}{cut} of {}, {how}, {} on {device_names}",
        selection.train.len(),
        names.join(", "),
        config.backbone.kind,
    ));
    match &checkpoint {
        Some(known) => say(format!(
            "going on after step {} of {}",
            known.state.step,
            known.path.display()
        )),
        None if args.resume => say("there is no checkpoint yet: beginning at the first step"),
        None => {}
    }

    let mut own;
    let pool = match pool {
        Some(pool) => pool,
        None => {
            let all = tiles.train + tiles.calibration;
            own = Pool::new(&config, tiling, all, cache_limit, folder.path())?;
            &mut own
        }
    };
    add_features(&model, &selection, tiles.train, pool)?;
    if choose {
        let found = tau::search(&model, &selection, pool, &options, args.score())?;
        options.tau = found.chosen;
        folder.write_config(&settings(&options, Some(&found))?)?;
    }
    let source = pool.view(&selection.train_keys());
    let model = rival::fit(args, setting, model, &source)?;
    let fitting = Fitting {
        args,
        model: &model,
        good: &pool.view(&selection.calibration_keys()),
        selection: &selection,
        options: &options,
        weights: weights.as_ref(),
        others: &others.into_iter().map(|one| one.device).collect::<Vec<_>>(),
    };
    let mut outcome = if args.method.trains() {
        fitting.run(&source, schedule, checkpoint.as_ref(), &mut folder)?
    } else {
        fitting.write_rival(&folder)?
    };
    if let Some(interrupted) = outcome.interrupted {
        return Err(interrupted.into());
    }
    if args.leave_one_out {
        outcome.calibration = LeaveOneOut {
            model: &model,
            options: &options,
            shots: &source,
            copies: selection.copies(),
            altered: fitting.good,
            categories: &selection.calibration_categories(),
            kind: args.score(),
            rate: args.false_alarm_rate,
            expected_difference: args.expected_difference,
        }
        .apply(&args.out.join(MODEL))?;
    }
    Ok(Summary {
        run: args.out.display().to_string(),
        model: args.out.join(MODEL).display().to_string(),
        setting,
        images: selection.train.len(),
        steps: schedule.steps,
        epochs: outcome.epoch,
        loss: outcome.loss,
        seconds: started.elapsed().as_secs_f64(),
        device: device_names,
        calibration: outcome.calibration,
    })
}

/// Reading the loss waits for a GPU; on the CPU it is free, and every step can be interrupted.
fn report_every(device: &Device, steps: usize) -> usize {
    if *device == Device::flex() {
        1
    } else {
        10.min(steps)
    }
}

/// The processors besides the first that a batch is shared out among.
fn others(args: &TrainArgs, batch: usize) -> Result<Vec<Opened>> {
    let count = args.devices.len();
    if count > 1 && !args.method.trains() {
        bail!("--devices is for methods that train, not {}", args.method);
    }
    if count > batch.max(1) {
        bail!(
            "--devices names {count} processors, and a step has {batch} images to share out; give --batch {count} or more, or fewer devices"
        );
    }
    let others = args.devices.iter().skip(1);
    others.map(|&choice| device::open(choice)).collect()
}

fn cache_limit(gibibytes: Option<f64>) -> Result<u64> {
    match gibibytes {
        None => Ok(memory::available() / 2),
        Some(value) if value.is_finite() && value >= 0.0 => Ok((value * f64::from(1 << 30)) as u64),
        Some(value) => bail!("--cache-ram {value} must be a number of GiB, such as 4"),
    }
}

fn weights_source(args: &TrainArgs, config: &ModelConfig) -> Result<PathBuf> {
    let Some(source) = args.backbone_weights.as_ref().or(args.from.as_ref()) else {
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

/// The restorer of a run or package, if it fits `model`.
fn restorer_of(from: &Path, model: &Fsr) -> Result<Restorer> {
    let package = store::read(from)?;
    if package.config.method.trains() && package.config.model == model.config {
        return Ok(import(
            model.restorer.clone(),
            &package.tensors,
            RESTORER_PREFIX,
        )?);
    }
    bail!(
        "--from {} has another architecture than this training; give the --preset, --backbone and sizes it was trained with (`fsr info` tells)",
        from.display()
    )
}

/// An error once Ctrl-C was pressed.
fn go_on() -> Result<()> {
    if interrupt::asked() {
        return Err(Interrupted("training had not begun; nothing is lost".into()).into());
    }
    Ok(())
}

/// Features of the training and of the calibration images, where the pool lacks them.
fn add_features(
    model: &Fsr,
    selection: &Selection,
    tiles: usize,
    pool: &mut Pool<ImageKey>,
) -> Result<()> {
    for keys in [selection.train_keys(), selection.calibration_keys()] {
        pool.add(model, &keys, |key| go_on().and_then(|()| load(key)))?;
    }
    say(format!(
        "features: {:.2} GiB {}",
        gib(Features::bytes(&model.config, tiles)),
        pool.place()
    ));
    Ok(())
}
