//! `fsr eval`: all metrics of a detector on a test set.

pub mod figures;
pub mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use fsr::detector::Detector;
use fsr::image::resize_nearest_mask;
use fsr::map::{AnomalyMap, ImageScores, ScoreKind};
use fsr::preprocess::to_input_size;

use self::figures::{Figures, figures, mean_figures};
use self::report::{CategoryReport, Counts, Report, Verdicts, row, table, write_scores};
use crate::cli::{DataArgs, DeviceArgs, OutputArgs};
use crate::dataset::{self, Category, Part, TestImage};
use crate::progress::{Progress, print_json, print_text, say};
use crate::{device, pipeline, store};

/// Images that are inspected together.
const BATCH: usize = 4;

/// Measure a detector on a test set with masks.
///
/// Image and pixel AUROC, average precision and F1-max, and AUPRO (false-positive rate up to 0.3), all
/// exact, at the model's input size with masks reduced by nearest neighbour, as the authors do. A figure
/// that the data does not define (no masks, no good images) is null.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
    \x20 fsr eval runs/bottle --data data --category bottle\n\
    \x20 fsr eval models/all --data data --category all --json --scores scores.csv")]
pub struct EvalArgs {
    /// A run of `fsr train`, or a model package.
    #[arg(value_name = "RUN_OR_MODEL")]
    pub model: PathBuf,
    #[command(flatten)]
    pub data: DataArgs,
    /// Write the scores of each image to this CSV file.
    #[arg(long, value_name = "FILE")]
    pub scores: Option<PathBuf>,
    /// Image score that the headline figures use: std (the authors'), max, or top1 (mean of the highest 1 %).
    /// Default: the model's own.
    #[arg(long, value_name = "KIND")]
    pub score: Option<ScoreKind>,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// One inspected test image.
pub struct Inspected<'a> {
    /// What the data set says of it.
    pub test: &'a TestImage,
    /// Its anomaly map.
    pub map: AnomalyMap,
    /// Its scores.
    pub scores: ImageScores,
    /// Defective pixels, of the map's size.
    pub mask: Option<Vec<bool>>,
}

/// Runs the command.
///
/// # Errors
/// One line: what is wrong with the model, the data or the device.
pub fn run(args: &EvalArgs) -> Result<()> {
    // Everything that can be checked cheaply is, before anything long begins.
    let names = dataset::categories(&args.data.data, &args.data.categories, Part::Test)?;
    let mut categories = Vec::new();
    for name in &names {
        let category = dataset::scan(&args.data.data, name, Part::Test)?;
        dataset::check_masks(&category)?;
        categories.push(category);
    }
    let package = store::read(&args.model)?;
    let opened = device::open(args.device.device)?;
    let detector = Detector::from_package(&package, &opened.device)
        .with_context(|| format!("cannot use {}", args.model.display()))?;
    let calibrated = detector
        .config
        .calibration
        .as_ref()
        .map(|known| known.score);
    let kind = args.score.or(calibrated).unwrap_or(ScoreKind::Std);
    say(format!(
        "{} on {opened}: {} categories, image score {kind}",
        args.model.display(),
        categories.len()
    ));

    let mut rows = Vec::new();
    let mut reports = BTreeMap::new();
    for category in &categories {
        let started = Instant::now();
        let calibration = detector.config.calibration_for(Some(&category.name));
        let inspected = inspect(&detector, category)?;
        for one in &inspected {
            rows.push(row(category, one, calibration));
        }
        let report = CategoryReport {
            figures: figures(&inspected, kind),
            images: Counts::of(&inspected),
            verdicts: calibration.map(|known| Verdicts::of(&inspected, known)),
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
        mean: mean_figures(&all),
        categories: reports,
    };
    if args.output.json {
        print_json(&report)
    } else {
        print_text(&table(&report))
    }
}

fn inspect<'a>(detector: &Detector, category: &'a Category) -> Result<Vec<Inspected<'a>>> {
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
        Ok((test, to_input_size(&image, side), mask))
    };
    let mut progress = Progress::new(&category.name, category.test.len(), "images");
    let mut inspected = Vec::new();
    pipeline::in_batches(category.test.len(), BATCH, load, |batch| {
        let count = batch.len();
        let (mut tests, mut images, mut masks) = (Vec::new(), Vec::new(), Vec::new());
        for (test, image, mask) in batch {
            tests.push(test);
            images.push(image);
            masks.push(mask);
        }
        let maps = pollster::block_on(detector.anomaly_maps(&images))?;
        if maps.len() != count {
            bail!(
                "the detector returned {} maps for {count} images",
                maps.len()
            );
        }
        for ((test, map), mask) in tests.into_iter().zip(maps).zip(masks) {
            inspected.push(Inspected {
                test,
                scores: map.scores(),
                map,
                mask,
            });
        }
        progress.advance(count);
        Ok(())
    })?;
    Ok(inspected)
}
