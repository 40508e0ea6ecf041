//! `fsr predict`: score, verdict and heat map of images.

mod inputs;
mod judge;
mod listing;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use fsr::detector::Detector;

use self::judge::Judge;
use self::listing::{Prediction, report};
use crate::cli::{DeviceArgs, OutputArgs};
use crate::progress::Progress;
use crate::{dataset, device, pipeline, store};

/// Judge images: score, verdict, heat map.
///
/// For each image, DIR gets an overlay at the image's own size on the model's fixed colour scale (a
/// good part stays cool) and the raw anomaly map; predictions.csv and predictions.json list them all.
/// Each answer has a p-value, if the model was calibrated: the share of good images that score as high, the image
/// itself counted among them. An image that cannot be read is reported, the others are still done, and the exit code is 1.
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
    /// Call images anomalous by the threshold for this false-alarm rate, from the good images that the model was
    /// calibrated on.
    #[arg(long, value_name = "RATE", conflicts_with = "threshold")]
    pub false_alarm_rate: Option<f64>,
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

/// Runs the command.
///
/// # Errors
/// One line; also, after everything else is done, when some images could not be used.
pub fn run(args: &PredictArgs) -> Result<()> {
    if !(0.0..=1.0).contains(&args.opacity) {
        bail!("--opacity {} must lie between 0 and 1", args.opacity);
    }
    let (inputs, mut failed) = inputs::list(&args.images);
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
    report(args, judge.kind, &opened.name, predictions)
}
