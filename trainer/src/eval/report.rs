//! What `fsr eval` says: JSON for machines, a table for people, a list of scores.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use fsr::calibration::{Calibration, Verdict};
use fsr::map::ScoreKind;
use serde::Serialize;

use super::Inspected;
use super::figures::Figures;
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
    pub false_alarm_rate: Option<f64>,
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
) -> [String; 7] {
    let called = calibration.map_or("", |known| verdict::name(known.verdict(&one.scores)));
    [
        category.name.clone(),
        one.test.path.display().to_string(),
        one.test.defect.clone().unwrap_or_else(|| "good".into()),
        one.scores.std.to_string(),
        one.scores.max.to_string(),
        one.scores.top1.to_string(),
        called.into(),
    ]
}

/// Writes the list of scores as CSV.
///
/// # Errors
/// When the file cannot be written.
pub fn write_scores(path: &Path, rows: &[[String; 7]]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "category", "image", "defect", "std", "max", "top1", "verdict",
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
