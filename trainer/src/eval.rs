//! `fsr eval`: all metrics of a detector on a test set.

pub mod defects;
pub mod evidence;
pub mod figures;
pub mod folder;
mod native;
mod pictures;
pub mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use fsr::calibration::Calibration;
use fsr::detector::Detector;
use fsr::image::resize_nearest_mask;
use fsr::map::{AnomalyMap, ImageScores, ScoreKind};

use self::evidence::Evidence;
use self::figures::{Figures, figures, mean_figures};
use self::folder::EvaluationFolder;
use self::pictures::Artist;
use self::report::{CategoryReport, Counts, Report, Verdicts, row, table, write_scores};
use crate::cli::{DataArgs, DeviceArgs, OutputArgs, VerdictArgs};
use crate::dataset::{self, Category, Part, TestImage, manifest};
use crate::progress::{Progress, print_json, print_text, say};
use crate::train::decoder;
use crate::{device, pipeline, store, tiling};

/// Images that are inspected together.
const BATCH: usize = 4;

/// Measure a detector on a test set with masks.
///
/// Image and pixel AUROC, average precision and F1-max, and AUPRO (false-positive rate up to 0.3), all
/// exact, at the model's input size with masks reduced by nearest neighbour, as the authors do (the map of an image
/// that was cut into tiles is reduced to it; its scores are those of the whole map); with --native
/// also at each image's own size. A figure that the data does not define (no masks, no good images) is null.
/// Also: image figures by each way to reduce a map to a score, detection by kind of defect, and what the
/// threshold, which no label has touched, does on the good and on the defective test images. The JSON names
/// the bytes it rests on: SHA-256 of the model's files and of each category's images and masks.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
    \x20 fsr eval runs/bottle --data data --category bottle\n\
    \x20 fsr eval models/all --data data --category all --json --scores scores.csv\n\
    \x20 fsr eval runs/bottle --data data --category bottle --native --false-alarm-rate 0.1\n\
    \x20 fsr eval runs/bottle --data data --category bottle --out evaluations/bottle\n\
    \x20 fsr report evaluations/bottle --html bottle.html")]
pub struct EvalArgs {
    /// A run of `fsr train`, or a model package.
    #[arg(value_name = "RUN_OR_MODEL")]
    pub model: PathBuf,
    #[command(flatten)]
    pub data: DataArgs,
    /// Write the scores of each image to this CSV file.
    #[arg(long, value_name = "FILE")]
    pub scores: Option<PathBuf>,
    /// Leave in this folder all that `fsr report` shows of an evaluation: figures, curves, scores, and pictures of the
    /// images that say most.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace an evaluation that is already in DIR.
    #[arg(long, requires = "out")]
    pub overwrite: bool,
    /// Measure also at each image's own size, with maps enlarged bilinearly. Takes about 20 bytes of memory for
    /// each pixel of a category's test images.
    #[arg(long)]
    pub native: bool,
    /// False-positive rate up to which AUPRO is measured, above 0 and up to 1.
    #[arg(long, value_name = "RATE", default_value_t = 0.3)]
    pub aupro_limit: f64,
    #[command(flatten)]
    pub verdict: VerdictArgs,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// One inspected test image.
pub struct Inspected<'a> {
    /// What the data set says of it.
    pub test: &'a TestImage,
    /// Its anomaly map, of the model's input size.
    pub map: AnomalyMap,
    /// The map as its tiles gave it, if it was cut and figures at its own size are wanted.
    pub stitched: Option<AnomalyMap>,
    /// Its scores.
    pub scores: ImageScores,
    /// Width and height of the image itself, in pixels.
    pub size: (u32, u32),
    /// Defective pixels, of the map's size.
    pub mask: Option<Vec<bool>>,
}

/// Runs the command.
///
/// # Errors
/// One line: what is wrong with the model, the data or the device.
pub fn run(args: &EvalArgs) -> Result<()> {
    // Everything that can be checked cheaply is, before anything long begins.
    if !(args.aupro_limit > 0.0 && args.aupro_limit <= 1.0) {
        bail!(
            "--aupro-limit {} must lie above 0 and be at most 1, such as 0.3",
            args.aupro_limit
        );
    }
    if let Some(out) = &args.out {
        folder::check_target(out, args.overwrite)?;
    }
    let data = args.data.open()?;
    let names = data.categories(&args.data.categories, Part::Test)?;
    let mut categories = Vec::new();
    for name in &names {
        let category = data.scan(name, Part::Test)?;
        dataset::check_masks(&category)?;
        categories.push(category);
    }
    let package = store::read(&args.model)?;
    let opened = device::open(args.device.device)?;
    let detector = Detector::from_package(&package, &opened.device)
        .with_context(|| format!("cannot use {}", args.model.display()))?;
    for test in categories.iter().flat_map(|category| &category.test) {
        tiling::plan(detector.config.tiles, &test.path)?;
    }
    let model_sha256 = store::sha256(&args.model)?;
    let calibrated = detector
        .config
        .calibration
        .as_ref()
        .map(|known| known.score);
    let kind = args.verdict.score.or(calibrated).unwrap_or(ScoreKind::Std);
    say(format!(
        "{} on {opened}: {} categories, image score {kind}",
        args.model.display(),
        categories.len()
    ));

    let mut rows = Vec::new();
    let mut reports = BTreeMap::new();
    let mut left = args.out.as_ref().map(|_| EvaluationFolder::default());
    let decoder = match args.out {
        Some(_) => decoder::read(&args.model, &detector.model.config, &opened.device)?,
        None => None,
    };
    let artist = Artist {
        detector: &detector,
        decoder: decoder.as_ref(),
    };
    for category in &categories {
        let started = Instant::now();
        let calibration = calibration(args, &detector, category)?;
        let calibration = calibration.as_ref();
        let inspected = inspect(&detector, category, args.native)?;
        for one in &inspected {
            rows.push(row(category, one, calibration));
        }
        if let Some(folder) = &mut left {
            let evidence = Evidence::of(&inspected, args.aupro_limit);
            let chosen = pictures::choose(&inspected, kind, calibration);
            let views = artist.draw(&inspected, &chosen, calibration)?;
            folder.add(&category.name, evidence, views);
        }
        let mut figures = figures(&inspected, kind, args.aupro_limit);
        if args.native {
            figures.native = Some(native::figures(&inspected, kind, args.aupro_limit)?);
        }
        let report = CategoryReport {
            figures,
            images: Counts::of(&inspected),
            verdicts: calibration.map(|known| Verdicts::of(&inspected, known)),
            defects: defects::by_kind(&inspected, kind, calibration),
            data_sha256: data_sha256(data.root(), category)?,
            seconds: started.elapsed().as_secs_f64(),
        };
        if inspected.iter().all(|one| one.mask.is_none()) {
            say(format!("{}: no masks, so no pixel figures", category.name));
        }
        reports.insert(category.name.clone(), report);
    }
    if let Some(path) = &args.scores {
        write_scores(path, &rows)?;
    }
    let all: Vec<&Figures> = reports.values().map(|report| &report.figures).collect();
    let report = Report {
        model: args.model.display().to_string(),
        data: args.data.data.display().to_string(),
        device: opened.name,
        image_size: detector.model.config.image_size,
        score: kind,
        aupro_limit: args.aupro_limit,
        model_sha256,
        mean: mean_figures(&all),
        categories: reports,
    };
    if let (Some(out), Some(folder)) = (&args.out, left) {
        folder.write(out, &report, &detector.config)?;
    }
    if args.output.json {
        print_json(&report)
    } else {
        print_text(&table(&report))
    }
}

/// The calibration that judges a category.
fn calibration(
    args: &EvalArgs,
    detector: &Detector,
    category: &Category,
) -> Result<Option<Calibration>> {
    let known = detector.config.calibration_for(Some(&category.name));
    match (known, args.verdict.false_alarm_rate) {
        (known, None) => Ok(known.cloned()),
        (Some(known), Some(rate)) => Ok(Some(known.at_false_alarm_rate(rate)?)),
        (None, Some(_)) => bail!(
            "{} is not calibrated, so there is no threshold for --false-alarm-rate",
            args.model.display()
        ),
    }
}

/// SHA-256 of the manifest of a category's test images and masks.
///
/// # Errors
/// When one of them cannot be read.
pub fn data_sha256(root: &std::path::Path, category: &Category) -> Result<String> {
    let files = category
        .test
        .iter()
        .flat_map(|test| [Some(&test.path), test.mask.as_ref()])
        .flatten();
    Ok(manifest::manifest_sha256(root, files)?)
}

fn inspect<'a>(
    detector: &Detector,
    category: &'a Category,
    native: bool,
) -> Result<Vec<Inspected<'a>>> {
    let cut = detector.config.tiles.is_some();
    let side = detector.model.config.image_size;
    let with_masks = category.test.iter().any(|test| test.mask.is_some());
    let load = |index: usize| {
        let test = &category.test[index];
        let image = dataset::image(&test.path)?;
        let mask = match &test.mask {
            Some(path) => {
                let mask = dataset::mask(path, &test.path, image.dimensions())?;
                Some(resize_nearest_mask(&mask, side as u32, side as u32))
            }
            // A good image has no defective pixel, if defects are drawn at all.
            None => (with_masks && test.defect.is_none()).then(|| vec![false; side * side]),
        };
        let size = image.dimensions();
        Ok((test, tiling::handed(detector, image), mask, size))
    };
    let mut progress = Progress::new(&category.name, category.test.len(), "images");
    let mut inspected = Vec::new();
    let batch = tiling::batch(detector, BATCH);
    pipeline::in_batches(category.test.len(), batch, load, |batch| {
        let count = batch.len();
        let (mut tests, mut images) = (Vec::new(), Vec::new());
        for (test, image, mask, size) in batch {
            tests.push((test, mask, size));
            images.push(image);
        }
        let maps = pollster::block_on(detector.anomaly_maps(&images))?;
        if maps.len() != count {
            bail!(
                "the detector returned {} maps for {count} images",
                maps.len()
            );
        }
        for ((test, mask, size), map) in tests.into_iter().zip(maps) {
            inspected.push(Inspected {
                test,
                scores: map.scores(),
                // A value for each pixel that the reduced mask shows.
                stitched: (cut && native).then(|| map.clone()),
                map: map.resize_bilinear(side, side),
                mask,
                size,
            });
        }
        progress.advance(count);
        Ok(())
    })?;
    Ok(inspected)
}
