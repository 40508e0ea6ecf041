//! `fsr eval`: all metrics of a detector on a test set.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use fsr::calibration::{Calibration, Verdict};
use fsr::detector::Detector;
use fsr::image::resize_nearest_mask;
use fsr::map::{AnomalyMap, ImageScores, ScoreKind};
use fsr::metrics::{LabelledScores, aupro};
use fsr::preprocess::to_input_size;
use serde::Serialize;

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

/// Figures of one set of scores. `None` where the data does not define them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Ranking {
    /// Area under the ROC curve.
    pub auroc: Option<f64>,
    /// Average precision.
    pub ap: Option<f64>,
    /// Best F1 over all thresholds.
    pub f1_max: Option<f64>,
}

impl Ranking {
    fn of(scores: &[f32], labels: &[bool]) -> Self {
        LabelledScores::new(scores, labels).map_or_else(Self::default, |ranked| Self {
            auroc: Some(ranked.auroc()),
            ap: Some(ranked.average_precision()),
            f1_max: Some(ranked.f1_max().value),
        })
    }

    fn mean(all: &[Self]) -> Self {
        Self {
            auroc: mean(all.iter().map(|one| one.auroc)),
            ap: mean(all.iter().map(|one| one.ap)),
            f1_max: mean(all.iter().map(|one| one.f1_max)),
        }
    }
}

/// [`Ranking`] of all pixels together, and AUPRO.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct PixelFigures {
    /// Ranking of pixels.
    #[serde(flatten)]
    pub ranking: Ranking,
    /// Area under the per-region overlap curve up to a false-positive rate of 0.3, over 0.3.
    pub aupro: Option<f64>,
}

/// All figures of one category, or their means.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Image figures by the chosen score.
    pub image: Ranking,
    /// Pixel figures.
    pub pixel: PixelFigures,
    /// Image figures by each score: std, max, top1.
    pub reductions: BTreeMap<&'static str, Ranking>,
}

#[derive(Debug, Clone, Serialize)]
struct CategoryReport {
    #[serde(flatten)]
    figures: Figures,
    images: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdicts: Option<Verdicts>,
    seconds: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Counts {
    good: usize,
    anomalous: usize,
}

/// How the calibrated threshold does, which no label has touched.
#[derive(Debug, Clone, Copy, Serialize)]
struct Verdicts {
    threshold: f32,
    false_alarm_rate: Option<f64>,
    detection_rate: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Report {
    model: String,
    data: String,
    device: String,
    image_size: usize,
    score: ScoreKind,
    categories: BTreeMap<String, CategoryReport>,
    mean: Figures,
}

/// One inspected test image.
struct Inspected<'a> {
    test: &'a TestImage,
    map: AnomalyMap,
    scores: ImageScores,
    mask: Option<Vec<bool>>,
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
            images: Counts {
                good: inspected
                    .iter()
                    .filter(|one| one.test.defect.is_none())
                    .count(),
                anomalous: inspected
                    .iter()
                    .filter(|one| one.test.defect.is_some())
                    .count(),
            },
            verdicts: calibration.map(|known| verdicts(&inspected, known)),
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

fn figures(inspected: &[Inspected<'_>], kind: ScoreKind) -> Figures {
    let labels: Vec<bool> = inspected
        .iter()
        .map(|one| one.test.defect.is_some())
        .collect();
    let by = |kind: ScoreKind| {
        let scores: Vec<f32> = inspected.iter().map(|one| one.scores.get(kind)).collect();
        Ranking::of(&scores, &labels)
    };
    Figures {
        image: by(kind),
        pixel: pixel_figures(inspected),
        reductions: ScoreKind::ALL
            .into_iter()
            .map(|kind| (kind.name(), by(kind)))
            .collect(),
    }
}

fn pixel_figures(inspected: &[Inspected<'_>]) -> PixelFigures {
    let masked: Vec<(&AnomalyMap, &[bool])> = inspected
        .iter()
        .filter_map(|one| Some((&one.map, one.mask.as_deref()?)))
        .collect();
    let (maps, masks): (Vec<&AnomalyMap>, Vec<&[bool]>) = masked.into_iter().unzip();
    let values: Vec<f32> = maps
        .iter()
        .flat_map(|map| map.values.iter().copied())
        .collect();
    let ranking = Ranking::of(&values, &masks.concat());
    drop(values);
    PixelFigures {
        ranking,
        aupro: aupro(&maps, &masks, 0.3),
    }
}

fn verdicts(inspected: &[Inspected<'_>], calibration: &Calibration) -> Verdicts {
    let share = |defective: bool| {
        let group: Vec<_> = inspected
            .iter()
            .filter(|one| one.test.defect.is_some() == defective)
            .collect();
        let called = group
            .iter()
            .filter(|one| calibration.verdict(&one.scores) == Verdict::Anomalous)
            .count();
        (!group.is_empty()).then(|| called as f64 / group.len() as f64)
    };
    Verdicts {
        threshold: calibration.threshold,
        false_alarm_rate: share(false),
        detection_rate: share(true),
    }
}

fn mean_figures(all: &[&Figures]) -> Figures {
    let rankings = |of: &dyn Fn(&Figures) -> Ranking| {
        Ranking::mean(&all.iter().map(|one| of(one)).collect::<Vec<_>>())
    };
    Figures {
        image: rankings(&|one| one.image),
        pixel: PixelFigures {
            ranking: rankings(&|one| one.pixel.ranking),
            aupro: mean(all.iter().map(|one| one.pixel.aupro)),
        },
        reductions: ScoreKind::ALL
            .into_iter()
            .map(|kind| {
                (
                    kind.name(),
                    rankings(&|one| one.reductions.get(kind.name()).copied().unwrap_or_default()),
                )
            })
            .collect(),
    }
}

/// Mean of what is defined.
fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let defined: Vec<f64> = values.flatten().collect();
    (!defined.is_empty()).then(|| defined.iter().sum::<f64>() / defined.len() as f64)
}

fn row(category: &Category, one: &Inspected<'_>, calibration: Option<&Calibration>) -> [String; 7] {
    let verdict = calibration.map_or("", |known| verdict_name(known.verdict(&one.scores)));
    [
        category.name.clone(),
        one.test.path.display().to_string(),
        one.test.defect.clone().unwrap_or_else(|| "good".into()),
        one.scores.std.to_string(),
        one.scores.max.to_string(),
        one.scores.top1.to_string(),
        verdict.into(),
    ]
}

/// `good` or `anomalous`.
pub fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Anomalous => "anomalous",
    }
}

fn write_scores(path: &Path, rows: &[[String; 7]]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "category", "image", "defect", "std", "max", "top1", "verdict",
    ])?;
    for row in rows {
        writer.write_record(row)?;
    }
    crate::atomic::write_file(
        path,
        &writer
            .into_inner()
            .context("cannot put the scores together")?,
    )
}

fn table(report: &Report) -> String {
    let percent = |value: Option<f64>| {
        value.map_or_else(|| "     –".into(), |value| format!("{:6.2}", value * 100.0))
    };
    let line = |name: &str, figures: &Figures| {
        let (image, pixel) = (figures.image, figures.pixel);
        let columns = [
            image.auroc,
            image.ap,
            image.f1_max,
            pixel.ranking.auroc,
            pixel.ranking.ap,
            pixel.ranking.f1_max,
            pixel.aupro,
        ];
        format!("{name:<20} {}", columns.map(percent).join(" "))
    };
    let mut lines = vec![
        format!("{:<20} image                pixel", ""),
        format!(
            "{:<20}  AUROC     AP F1-max  AUROC     AP F1-max  AUPRO   (%)",
            "category"
        ),
    ];
    lines.extend(
        report
            .categories
            .iter()
            .map(|(name, one)| line(name, &one.figures)),
    );
    if report.categories.len() > 1 {
        lines.push(line("mean", &report.mean));
    }
    let by_score = report
        .mean
        .reductions
        .iter()
        .map(|(name, one)| format!("{name}{}", percent(one.auroc)));
    lines.push(format!(
        "image AUROC by score: {}",
        by_score.collect::<Vec<_>>().join("   ")
    ));
    for (name, one) in &report.categories {
        if let Some(verdicts) = one.verdicts {
            lines.push(format!(
                "{name}: at the calibrated threshold {:.4e}, {} % of {} good images are called anomalous, {} % of {} defective ones are found",
                verdicts.threshold,
                percent(verdicts.false_alarm_rate).trim(),
                one.images.good,
                percent(verdicts.detection_rate).trim(),
                one.images.anomalous,
            ));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_figures_are_null_and_left_out_of_means() {
        assert_eq!(Ranking::of(&[1.0, 2.0], &[true, true]), Ranking::default());
        assert_eq!(mean([Some(1.0), None, Some(0.5)].into_iter()), Some(0.75));
        assert_eq!(mean([None].into_iter()), None);
        let json = serde_json::to_value(PixelFigures::default()).unwrap_or_default();
        assert_eq!(
            json,
            serde_json::json!({"auroc": null, "ap": null, "f1_max": null, "aupro": null})
        );
    }

    #[test]
    fn figures_rank_by_the_chosen_score_and_skip_pixels_without_masks() {
        let test = |defect: Option<&str>| TestImage {
            path: "x.png".into(),
            defect: defect.map(String::from),
            mask: None,
        };
        let (good, bad) = (test(None), test(Some("crack")));
        let one = |test, std, max| Inspected {
            test,
            map: AnomalyMap::new(1, 1, vec![max]),
            scores: ImageScores {
                std,
                max,
                top1: max,
            },
            mask: None,
        };
        // By std the defective image is on top, by maximum it is at the bottom.
        let figures = figures(&[one(&good, 1.0, 9.0), one(&bad, 2.0, 3.0)], ScoreKind::Std);
        assert_eq!(figures.image.auroc, Some(1.0));
        assert_eq!(figures.reductions["max"].auroc, Some(0.0));
        assert_eq!(figures.pixel, PixelFigures::default());
    }
}
