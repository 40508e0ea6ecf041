//! The list of answers: on stdout, as CSV and as JSON.

use anyhow::{Context, Result, bail};
use fsr::detector::Timings;
use fsr::map::{ImageScores, ScoreKind};
use serde::Serialize;

use super::PredictArgs;
use crate::atomic;
use crate::progress::{print_json, print_text, say};

/// One image's answer, as listed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Prediction {
    pub image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<&'static str>,
    /// Conformal p-value against the good images that the model was calibrated on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scores: Option<ImageScores>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlay: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
    /// Anomaly value of one grey level of a PNG map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_unit: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
}

#[derive(Debug, Serialize)]
struct Summary {
    pub model: String,
    pub device: String,
    pub score: ScoreKind,
    pub good: usize,
    pub anomalous: usize,
    pub failed: usize,
    pub images: Vec<Prediction>,
}

/// Writes the lists and prints the results.
///
/// # Errors
/// When a list cannot be written, or some images could not be judged.
pub fn report(
    args: &PredictArgs,
    kind: ScoreKind,
    device: &str,
    images: Vec<Prediction>,
) -> Result<()> {
    let count = |name: &str| {
        images
            .iter()
            .filter(|one| one.verdict == Some(name))
            .count()
    };
    let summary = Summary {
        model: args.model.display().to_string(),
        device: device.into(),
        score: kind,
        good: count("good"),
        anomalous: count("anomalous"),
        failed: images.iter().filter(|one| one.error.is_some()).count(),
        images,
    };
    atomic::write_file(
        &args.out.join("predictions.csv"),
        &csv_list(&summary.images)?,
    )?;
    atomic::write_file(
        &args.out.join("predictions.json"),
        &serde_json::to_vec_pretty(&summary)?,
    )?;
    if args.output.json {
        print_json(&summary)?;
    } else {
        for one in &summary.images {
            if let (Some(score), verdict) = (one.score, one.verdict.unwrap_or("unjudged")) {
                let p = one
                    .p_value
                    .map_or_else(String::new, |p| format!("  p {p:.4}"));
                print_text(&format!("{verdict:<10} {score:.4e}{p}  {}", one.image))?;
            }
        }
    }
    for one in summary.images.iter() {
        if let Some(error) = &one.error {
            say(format!("error: {error}"));
        }
    }
    say(format!(
        "{} good, {} anomalous, {} failed; results in {}",
        summary.good,
        summary.anomalous,
        summary.failed,
        args.out.display()
    ));
    if summary.failed > 0 {
        bail!(
            "{} of {} images could not be judged",
            summary.failed,
            summary.images.len()
        );
    }
    Ok(())
}

fn csv_list(predictions: &[Prediction]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "image",
        "verdict",
        "score",
        "threshold",
        "std",
        "max",
        "top1",
        "overlay",
        "map",
        "map_unit",
        "error",
        "p_value",
    ])?;
    let number = |value: Option<f32>| value.map(|value| value.to_string()).unwrap_or_default();
    for one in predictions {
        let score = |kind| number(one.scores.map(|scores| scores.get(kind)));
        writer.write_record([
            one.image.clone(),
            one.verdict.unwrap_or_default().into(),
            number(one.score),
            number(one.threshold),
            score(ScoreKind::Std),
            score(ScoreKind::Max),
            score(ScoreKind::Top1),
            one.overlay.clone().unwrap_or_default(),
            one.map.clone().unwrap_or_default(),
            number(one.map_unit),
            one.error.clone().unwrap_or_default(),
            one.p_value.map(|p| p.to_string()).unwrap_or_default(),
        ])?;
    }
    writer.into_inner().context("cannot put the list together")
}
