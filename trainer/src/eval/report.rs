//! What `fsr eval` says: JSON for machines, a table for people, a list of scores.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use fsr::calibration::{Calibration, Verdict};
use fsr::map::ScoreKind;
use serde::Serialize;

use super::Inspected;
use super::defects::DefectFigures;
use super::figures::{Figures, PixelFigures, Ranking};
use crate::dataset::Category;
use crate::{atomic, verdict};

/// What is known of one category.
#[derive(Debug, Clone, Serialize)]
pub struct CategoryReport {
    #[serde(flatten)]
    pub figures: Figures,
    pub images: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdicts: Option<Verdicts>,
    /// By kind of defect.
    pub defects: BTreeMap<String, DefectFigures>,
    /// SHA-256 of what `sha256sum` prints for the test images and masks, sorted by path.
    pub data_sha256: String,
    pub seconds: f64,
}

/// Images of each kind.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Counts {
    pub good: usize,
    pub anomalous: usize,
}

/// How the calibrated threshold does, which no label has touched.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Verdicts {
    pub threshold: f32,
    /// The false-alarm rate that the threshold is for; none where it follows from a fit.
    pub chosen_rate: Option<f64>,
    /// Good images that the threshold rests on.
    pub calibration_images: usize,
    /// Share of the good test images above the threshold.
    pub false_alarm_rate: Option<f64>,
    /// Share of the defective test images above the threshold.
    pub detection_rate: Option<f64>,
}

/// Everything that `fsr eval` says.
#[derive(Debug, Serialize)]
pub struct Report {
    pub model: String,
    pub data: String,
    pub device: String,
    pub image_size: usize,
    pub score: ScoreKind,
    pub aupro_limit: f64,
    /// SHA-256 of what `sha256sum` prints for the model's files, sorted by name.
    pub model_sha256: String,
    pub categories: BTreeMap<String, CategoryReport>,
    pub mean: Figures,
}

impl Counts {
    /// Counts a category's images.
    pub fn of(inspected: &[Inspected<'_>]) -> Self {
        let anomalous = inspected
            .iter()
            .filter(|one| one.test.defect.is_some())
            .count();
        Self {
            good: inspected.len() - anomalous,
            anomalous,
        }
    }
}

impl Verdicts {
    /// Judges a category's images by a calibration.
    pub fn of(inspected: &[Inspected<'_>], calibration: &Calibration) -> Self {
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
        Self {
            threshold: calibration.threshold,
            chosen_rate: calibration.false_alarm_rate,
            calibration_images: calibration.images,
            false_alarm_rate: share(false),
            detection_rate: share(true),
        }
    }
}

/// One line of the list of scores.
pub fn row(
    category: &Category,
    one: &Inspected<'_>,
    calibration: Option<&Calibration>,
) -> [String; 8] {
    let called = calibration.map_or("", |known| verdict::name(known.verdict(&one.scores)));
    [
        category.name.clone(),
        one.test.path.display().to_string(),
        one.test.defect.clone().unwrap_or_else(|| "good".into()),
        one.scores.std.to_string(),
        one.scores.max.to_string(),
        one.scores.top1.to_string(),
        called.into(),
        calibration
            .and_then(|known| known.p_value(&one.scores))
            .map_or_else(String::new, |p| p.to_string()),
    ]
}

/// Writes the list of scores as CSV.
///
/// # Errors
/// When the file cannot be written.
pub fn write_scores(path: &Path, rows: &[[String; 8]]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "category", "image", "defect", "std", "max", "top1", "verdict", "p_value",
    ])?;
    for row in rows {
        writer.write_record(row)?;
    }
    atomic::write_file(
        path,
        &writer
            .into_inner()
            .context("cannot put the scores together")?,
    )
}

/// The report as a table.
pub fn table(report: &Report) -> String {
    let percent = |value: Option<f64>| {
        value.map_or_else(|| "     –".into(), |value| format!("{:6.2}", value * 100.0))
    };
    let line = |name: &str, image: Ranking, pixel: PixelFigures| {
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
    let mut rows: Vec<(&str, &Figures)> = report
        .categories
        .iter()
        .map(|(name, one)| (name.as_str(), &one.figures))
        .collect();
    if rows.len() > 1 {
        rows.push(("mean", &report.mean));
    }
    lines.extend(
        rows.iter()
            .map(|(name, one)| line(name, one.image, one.pixel)),
    );
    let native: Vec<String> = rows
        .iter()
        .filter_map(|(name, one)| {
            one.native
                .map(|native| line(name, native.image, native.pixel))
        })
        .collect();
    if !native.is_empty() {
        lines.push("at the images' own sizes".into());
        lines.extend(native);
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
            let chosen = verdicts.chosen_rate.map_or_else(String::new, |rate| {
                format!(" for a false-alarm rate of {:.3} %", rate * 100.0)
            });
            lines.push(format!(
                "{name}: at the threshold {:.4e}{chosen}, from {} good images, {} % of {} good test images are called anomalous, {} % of {} defective ones are found",
                verdicts.threshold,
                verdicts.calibration_images,
                percent(verdicts.false_alarm_rate).trim(),
                one.images.good,
                percent(verdicts.detection_rate).trim(),
                one.images.anomalous,
            ));
        }
        let kinds: Vec<String> = one
            .defects
            .iter()
            .map(|(kind, figures)| {
                let found = figures.detection_rate.map_or_else(String::new, |_| {
                    format!(", found {} %", percent(figures.detection_rate).trim())
                });
                format!(
                    "{kind} ({}): AUROC {}{found}",
                    figures.images,
                    percent(figures.ranking.auroc).trim()
                )
            })
            .collect();
        if !kinds.is_empty() {
            lines.push(format!("{name}, by defect: {}", kinds.join("; ")));
        }
    }
    lines.join("\n")
}
