//! `fsr predict`: score, verdict and heat map of images.

use std::collections::HashSet;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use fsr::calibration::Verdict;
use fsr::colormap::{ColourScale, overlay};
use fsr::detector::{Detector, Inspection, Timings};
use fsr::map::{AnomalyMap, ImageScores, ScoreKind};
use image::{ImageFormat, RgbImage};
use serde::Serialize;

use crate::cli::{DeviceArgs, OutputArgs};
use crate::eval::verdict_name;
use crate::progress::{Progress, print_json, print_text, say};
use crate::{atomic, dataset, device, npy, pipeline, store};

/// Judge images: score, verdict, heat map.
///
/// For each image, DIR gets an overlay at the image's own size on the model's fixed colour scale (a
/// good part stays cool) and the raw anomaly map; predictions.csv and predictions.json list them all.
/// An image that cannot be read is reported, the others are still done, and the exit code is 1.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
    \x20 fsr predict runs/bottle photo.jpg --out answers\n\
    \x20 fsr predict models/bottle photos/ more/*.png --out answers --map png --json")]
pub struct PredictArgs {
    /// A run of `fsr train`, or a model package.
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// Images, and folders of images (searched with their subfolders).
    #[arg(value_name = "IMAGE", required = true)]
    pub images: Vec<PathBuf>,
    /// Folder for the results; made if it does not exist.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Judge by the calibration of this category, for a model of several.
    #[arg(long, value_name = "NAME")]
    pub category: Option<String>,
    /// Raw anomaly map: npy (32-bit floats for NumPy), png (16-bit, stretched; its unit is in the list), none.
    #[arg(long = "map", value_name = "FORMAT", default_value = "npy")]
    pub map: MapFormat,
    /// Call images above this score anomalous, instead of the model's calibrated threshold.
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    pub threshold: Option<f32>,
    /// Opacity of the heat in the overlay, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.7)]
    pub opacity: f32,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How raw maps are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MapFormat {
    /// NumPy array of 32-bit floats.
    Npy,
    /// 16-bit grey, 65535 being the map's maximum.
    Png,
    /// No raw map.
    None,
}

/// One image's answer, as listed.
#[derive(Debug, Clone, Default, Serialize)]
struct Prediction {
    image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<ImageScores>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overlay: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<String>,
    /// Anomaly value of one grey level of a PNG map.
    #[serde(skip_serializing_if = "Option::is_none")]
    map_unit: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timings: Option<Timings>,
}

#[derive(Debug, Serialize)]
struct Summary {
    model: String,
    device: String,
    score: ScoreKind,
    good: usize,
    anomalous: usize,
    failed: usize,
    images: Vec<Prediction>,
}

/// Runs the command.
///
/// # Errors
/// One line; also, after everything else is done, when some images could not be used.
pub fn run(args: &PredictArgs) -> Result<()> {
    if !(0.0..=1.0).contains(&args.opacity) {
        bail!("--opacity {} must lie between 0 and 1", args.opacity);
    }
    let (inputs, mut failed) = list(&args.images);
    let package = store::read(&args.model)?;
    let opened = device::open(args.device.device)?;
    let detector = Detector::from_package(&package, &opened.device)
        .with_context(|| format!("cannot use {}", args.model.display()))?;
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make folder {}", args.out.display()))?;
    let judge = Judge::new(&detector, args)?;

    let mut progress = Progress::new("predict", inputs.len(), "images");
    let mut predictions = Vec::new();
    // One broken image must not keep the others from being judged, so a failure is a result here.
    let load = |index: usize| Ok((index, dataset::image(&inputs[index].path)));
    pipeline::in_batches(inputs.len(), 2, load, |batch| {
        for (index, image) in batch {
            let input = &inputs[index];
            let answer = match image {
                Ok(image) => judge.answer(input, &image),
                Err(error) => Err(error.into()),
            };
            predictions.push(answer.unwrap_or_else(|error| Prediction {
                image: input.path.display().to_string(),
                error: Some(format!("{error:#}").replace('\n', " ")),
                ..Prediction::default()
            }));
            progress.advance(1);
        }
        Ok(())
    })?;
    progress.finish();
    predictions.append(&mut failed);
    report(args, &judge, &opened.name, predictions)
}

fn report(
    args: &PredictArgs,
    judge: &Judge<'_>,
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
        score: judge.kind,
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
                print_text(&format!("{verdict:<10} {score:.4e}  {}", one.image))?;
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

/// A file to judge and the stem, below `--out`, of what is written for it.
struct Input {
    path: PathBuf,
    stem: PathBuf,
}

/// Expands folders. What cannot be listed is returned as failed predictions.
fn list(paths: &[PathBuf]) -> (Vec<Input>, Vec<Prediction>) {
    let (mut inputs, mut failed) = (Vec::new(), Vec::new());
    let mut taken = HashSet::new();
    let mut add = |path: PathBuf, stem: PathBuf| {
        let mut unique = stem.clone();
        let mut copy = 2;
        while !taken.insert(unique.clone()) {
            unique = PathBuf::from(format!("{}_{copy}", stem.display()));
            copy += 1;
        }
        inputs.push(Input { path, stem: unique });
    };
    for path in paths {
        if !path.is_dir() {
            add(
                path.clone(),
                PathBuf::from(path.file_stem().unwrap_or(path.as_os_str())),
            );
            continue;
        }
        match images_below(path) {
            Ok(images) => {
                for image in images {
                    let stem = image
                        .strip_prefix(path)
                        .unwrap_or(&image)
                        .with_extension("");
                    add(image, stem);
                }
            }
            Err(error) => failed.push(Prediction {
                image: path.display().to_string(),
                error: Some(error.to_string()),
                ..Prediction::default()
            }),
        }
    }
    (inputs, failed)
}

fn images_below(folder: &Path) -> Result<Vec<PathBuf>, dataset::DatasetError> {
    let below = dataset::folders_in(folder)?;
    let mut images = match dataset::images_in(folder) {
        Ok(images) => images,
        Err(dataset::DatasetError::Empty { .. }) if !below.is_empty() => Vec::new(),
        Err(error) => return Err(error),
    };
    for name in below {
        match images_below(&folder.join(name)) {
            Err(dataset::DatasetError::Empty { .. }) => {}
            found => images.extend(found?),
        }
    }
    if images.is_empty() {
        return Err(dataset::DatasetError::Empty {
            path: folder.into(),
            found: String::new(),
        });
    }
    Ok(images)
}

/// Inspects images and writes what is seen.
struct Judge<'a> {
    detector: &'a Detector,
    args: &'a PredictArgs,
    kind: ScoreKind,
    threshold: Option<f32>,
    scale: Option<ColourScale>,
}

impl<'a> Judge<'a> {
    fn new(detector: &'a Detector, args: &'a PredictArgs) -> Result<Self> {
        if let Some(name) = &args.category
            && !detector.config.provenance.categories.contains(name)
        {
            bail!(
                "the model has no category '{name}'; it has: {}",
                detector.config.provenance.categories.join(", ")
            );
        }
        let calibration = detector.config.calibration_for(args.category.as_deref());
        if calibration.is_none() && args.threshold.is_none() {
            say(
                "the model is not calibrated: there are scores and maps, but no verdicts and no overlays",
            );
        }
        Ok(Self {
            detector,
            args,
            kind: calibration.map_or(ScoreKind::Std, |known| known.score),
            threshold: args.threshold.or(calibration.map(|known| known.threshold)),
            scale: calibration.map(|known| known.scale),
        })
    }

    fn answer(&self, input: &Input, image: &RgbImage) -> Result<Prediction> {
        let Inspection {
            map,
            scores,
            timings,
        } = pollster::block_on(self.detector.inspect(image))
            .with_context(|| format!("cannot judge {}", input.path.display()))?;
        let score = scores.get(self.kind);
        let stem = self.args.out.join(&input.stem);
        if let Some(parent) = stem.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot make folder {}", parent.display()))?;
        }
        let overlay_path = match self.scale {
            Some(scale) => Some(self.write_overlay(&stem, image, &map, scale)?),
            None => None,
        };
        let (map_path, map_unit) = self.write_map(&stem, &map)?;
        let verdict = self.threshold.map(|threshold| {
            if score > threshold {
                Verdict::Anomalous
            } else {
                Verdict::Good
            }
        });
        Ok(Prediction {
            image: input.path.display().to_string(),
            error: None,
            score: Some(score),
            threshold: self.threshold,
            verdict: verdict.map(verdict_name),
            scores: Some(scores),
            overlay: overlay_path,
            map: map_path,
            map_unit,
            timings: Some(timings),
        })
    }

    fn write_overlay(
        &self,
        stem: &Path,
        image: &RgbImage,
        map: &AnomalyMap,
        scale: ColourScale,
    ) -> Result<String> {
        let mut bytes = Cursor::new(Vec::new());
        overlay(image, map, scale, self.args.opacity).write_to(&mut bytes, ImageFormat::Png)?;
        write_beside(stem, "_overlay.png", &bytes.into_inner())
    }

    fn write_map(&self, stem: &Path, map: &AnomalyMap) -> Result<(Option<String>, Option<f32>)> {
        match self.args.map {
            MapFormat::None => Ok((None, None)),
            MapFormat::Npy => {
                let path = write_beside(
                    stem,
                    "_map.npy",
                    &npy::array(&[map.height, map.width], &map.values),
                )?;
                Ok((Some(path), None))
            }
            MapFormat::Png => {
                let unit = map.values.iter().copied().fold(f32::MIN_POSITIVE, f32::max)
                    / f32::from(u16::MAX);
                let levels: Vec<u16> = map
                    .values
                    .iter()
                    .map(|value| (value / unit).round() as u16)
                    .collect();
                let grey = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(
                    map.width as u32,
                    map.height as u32,
                    levels,
                )
                .context("the map's size does not fit its values")?;
                let mut bytes = Cursor::new(Vec::new());
                grey.write_to(&mut bytes, ImageFormat::Png)?;
                Ok((
                    Some(write_beside(stem, "_map.png", &bytes.into_inner())?),
                    Some(unit),
                ))
            }
        }
    }
}

fn write_beside(stem: &Path, ending: &str, bytes: &[u8]) -> Result<String> {
    let path = PathBuf::from(format!("{}{ending}", stem.display()));
    atomic::write_file(&path, bytes)?;
    Ok(path.display().to_string())
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
        ])?;
    }
    writer.into_inner().context("cannot put the list together")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn equal_names_get_different_results_and_missing_folders_are_reported() {
        let root = tempfile::tempdir().unwrap();
        for file in [
            "good/000.png",
            "crack/000.png",
            "crack/001.png",
            "empty/notes.txt",
        ] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
        let single = root.path().join("good/000.png");
        let paths = [
            root.path().join("good"),
            root.path().join("crack"),
            single.clone(),
            root.path().join("empty"),
        ];
        let (inputs, failed) = list(&paths);
        let stems: Vec<_> = inputs
            .iter()
            .map(|input| input.stem.to_str().unwrap().to_string())
            .collect();
        assert_eq!(stems, ["000", "000_2", "001", "000_3"]);
        assert_eq!(failed.len(), 1);
        assert!(failed[0].error.as_ref().unwrap().contains("no images"));

        let (inputs, failed) = list(&[root.path().to_path_buf()]);
        let stems: Vec<_> = inputs
            .iter()
            .map(|input| input.stem.to_str().unwrap().to_string())
            .collect();
        assert_eq!(
            (stems, failed.len()),
            (
                vec![
                    "crack/000".to_string(),
                    "crack/001".into(),
                    "good/000".into()
                ],
                0
            )
        );
    }
}
