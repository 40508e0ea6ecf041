//! `fsr calibrate`: thresholds and colour scale of a finished model, from other good images or by another score.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use fsr::calibration::{Calibration, CalibrationSource};
use fsr::detector::Detector;
use fsr::expected::{ExpectedDifference, ExpectedDifferenceBuilder};
use fsr::map::ScoreKind;
use fsr::package::Dtype;
use image::RgbImage;

use crate::calibrate::{Calibrations, Calibrator, check_rate};
use crate::cli::{DataArgs, DeviceArgs, OutputArgs, VerdictArgs, share};
use crate::dataset::{self, Part};
use crate::export::check_target;
use crate::progress::{Progress, print_json, print_text};
use crate::{device, pipeline, store, tiling};

/// Images that are inspected together.
const BATCH: usize = 4;

/// Calibrate a finished model anew: on other good images, by another image score, for another false-alarm rate.
///
/// ROOT/CATEGORY/train/good is read, and must hold good images that the model was not trained on: what it has seen
/// scores too low, and the threshold then raises false alarms. The weights stay as they are.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
    \x20 fsr calibrate runs/bottle --data other_day --category bottle --out models/bottle\n\
    \x20 fsr calibrate models/all --data fresh --category all --score max --false-alarm-rate 0.05 --out models/all-max")]
pub struct CalibrateArgs {
    /// A run of `fsr train`, or a model package.
    #[arg(value_name = "RUN_OR_MODEL")]
    pub model: PathBuf,
    #[command(flatten)]
    pub data: DataArgs,
    /// Folder for the calibrated package, in single precision; `fsr export` makes it smaller.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace a package that is already in DIR.
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub verdict: VerdictArgs,
    /// Divide maps by what good images differ where the same was restored, to this power: 1 wholly, 0 not at all,
    /// 0.5 if no number is given. Helps models of many good images, of one product or of several; a few shots are not
    /// enough for it. Default: as the model has it.
    #[arg(long, value_name = "SHARE", num_args = 0..=1, default_missing_value = "0.5", value_parser = share)]
    pub expected_difference: Option<f32>,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Runs the command.
///
/// # Errors
/// One line: what is wrong with the model, the data or the device. Nothing is written then.
pub fn run(args: &CalibrateArgs) -> Result<()> {
    check_target(&args.out, args.overwrite)?;
    let data = args.data.open()?;
    let mut images: Vec<(String, PathBuf)> = Vec::new();
    for name in data.categories(&args.data.categories, Part::Train)? {
        let category = data.scan(&name, Part::Train)?;
        images.extend(category.train.into_iter().map(|path| (name.clone(), path)));
    }
    let rate = args.verdict.false_alarm_rate;
    check_rate(rate, images.iter().map(|(name, _)| name.as_str()))?;
    let mut package = store::read(&args.model)?;
    let opened = device::open(args.device.device)?;
    let mut detector = Detector::from_package(&package, &opened.device)
        .with_context(|| format!("cannot use {}", args.model.display()))?;
    if let Some(share) = args.expected_difference {
        if !package.config.method.trains() {
            bail!(
                "--expected-difference is for models that restore, and {} is {}",
                args.model.display(),
                package.config.method
            );
        }
        detector.model.expected = None;
        if share > 0.0 {
            detector.model.expected = expected(&detector, &images, share)?;
        }
        package.tensors = pollster::block_on(detector.model.tensors())?;
        // Its map was another; `fsr export` makes a new one.
        package.self_test = None;
    }
    let known = package.config.calibration.as_ref().map(|known| known.score);
    let kind = args.verdict.score.or(known).unwrap_or(ScoreKind::Std);

    let calibrations = calibrate(&detector, &images, kind)?.at_rate(rate)?;
    package.config.calibration = calibrations.all;
    package.config.category_calibration = calibrations.by_category;
    store::write(&args.out, &package, Dtype::F32)?;

    let config = &package.config;
    if args.output.json {
        let by_category: BTreeMap<&String, &Calibration> =
            config.category_calibration.iter().collect();
        return print_json(&serde_json::json!({
            "model": args.out.display().to_string(),
            "all": config.calibration,
            "categories": by_category,
        }));
    }
    let line = |name: &str, known: &Calibration| {
        format!(
            "{name}: {} above {:.4e} is anomalous, from {} good images",
            known.score, known.threshold, known.images
        )
    };
    let all = config.calibration.iter().map(|known| line("all", known));
    let own = config.category_calibration.iter();
    let lines: Vec<String> = all
        .chain(own.map(|(name, known)| line(name, known)))
        .collect();
    print_text(&lines.join("\n"))
}

/// Hands all images to `consume`, in order: in batches of the network's input size, or one by one and as they are
/// where they are cut into tiles.
fn each_batch(
    detector: &Detector,
    images: &[(String, PathBuf)],
    what: &'static str,
    mut consume: impl FnMut(&[RgbImage]) -> Result<()>,
) -> Result<()> {
    let mut progress = Progress::new(what, images.len(), "images");
    let load = |index: usize| {
        let image = dataset::image(&images[index].1)?;
        Ok(tiling::handed(detector, image))
    };
    let batch = tiling::batch(detector, BATCH);
    pipeline::in_batches(images.len(), batch, load, |batch| {
        consume(&batch)?;
        progress.advance(batch.len());
        Ok(())
    })?;
    progress.finish();
    Ok(())
}

/// The fit on all images.
fn expected(
    detector: &Detector,
    images: &[(String, PathBuf)],
    share: f32,
) -> Result<Option<ExpectedDifference>> {
    let model = &detector.model;
    let mut builder = ExpectedDifferenceBuilder::new(&model.config);
    let side = model.config.image_size;
    each_batch(detector, images, "expected differences", |batch| {
        if detector.config.tiles.is_none() {
            let tokens = model.tokens(model.taps(batch));
            return Ok(pollster::block_on(builder.add(model, tokens))?);
        }
        for image in batch {
            let plan = detector.plan(image.width(), image.height())?;
            for tile in 0..plan.count() {
                let tokens = model.tokens(model.taps(&[plan.input(image, tile, side)]));
                pollster::block_on(builder.add(model, tokens))?;
            }
        }
        Ok(())
    })?;
    Ok(builder.finish(share))
}

fn calibrate(
    detector: &Detector,
    images: &[(String, PathBuf)],
    kind: ScoreKind,
) -> Result<Calibrations> {
    let side = detector.model.config.image_size;
    let sized: Vec<(&str, usize)> = images
        .iter()
        .map(|(name, path)| {
            let values = tiling::map_values(detector.config.tiles, path, side)?;
            Ok((name.as_str(), values))
        })
        .collect::<Result<_>>()?;
    let mut calibrator = Calibrator::new(&sized, kind, CalibrationSource::HeldOut);
    let mut done = 0;
    each_batch(detector, images, "calibrate", |batch| {
        for map in pollster::block_on(detector.anomaly_maps(batch))? {
            calibrator.add(sized[done].0, &map);
            done += 1;
        }
        Ok(())
    })?;
    Ok(calibrator.finish())
}
