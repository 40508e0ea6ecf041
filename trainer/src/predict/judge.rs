//! Judging one image: scores, overlay and map.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fsr::calibration::{Calibration, Verdict};
use fsr::colormap::{ColourScale, overlay};
use fsr::detector::{Detector, Inspection};
use fsr::map::{AnomalyMap, ScoreKind};
use image::{ImageFormat, RgbImage};

use super::inputs::Input;
use super::listing::Prediction;
use super::{MapFormat, PredictArgs};
use crate::progress::say;
use crate::{atomic, npy, verdict};

/// Inspects images and writes what is seen.
pub struct Judge<'a> {
    detector: &'a Detector,
    args: &'a PredictArgs,
    /// The score that decides.
    pub kind: ScoreKind,
    threshold: Option<f32>,
    scale: Option<ColourScale>,
    calibration: Option<&'a Calibration>,
}

impl<'a> Judge<'a> {
    /// Settles threshold and colour scale.
    ///
    /// # Errors
    /// When the model does not know `--category`.
    pub fn new(detector: &'a Detector, args: &'a PredictArgs) -> Result<Self> {
        if let Some(name) = &args.category
            && !detector.config.provenance.categories.contains(name)
        {
            bail!(
                "the model has no category '{name}'; it has: {}",
                detector.config.provenance.categories.join(", ")
            );
        }
        let calibration = detector.config.calibration_for(args.category.as_deref());
        let at_rate = match (args.false_alarm_rate, calibration) {
            (None, _) => None,
            (Some(rate), Some(known)) => Some(known.at_false_alarm_rate(rate)?.threshold),
            (Some(_), None) => {
                bail!(
                    "the model is not calibrated, so there is no threshold for --false-alarm-rate"
                )
            }
        };
        if calibration.is_none() && args.threshold.is_none() {
            say(
                "the model is not calibrated: there are scores and maps, but no verdicts and no overlays",
            );
        }
        Ok(Self {
            detector,
            args,
            kind: calibration.map_or(ScoreKind::Std, |known| known.score),
            threshold: args
                .threshold
                .or(at_rate)
                .or(calibration.map(|known| known.threshold)),
            scale: calibration.map(|known| known.scale),
            calibration,
        })
    }

    /// Inspects an image and writes its results.
    ///
    /// # Errors
    /// When the device fails or a file cannot be written.
    pub fn answer(&self, input: &Input, image: &RgbImage) -> Result<Prediction> {
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
        let called = self.threshold.map(|threshold| {
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
            verdict: called.map(verdict::name),
            p_value: self.calibration.and_then(|known| known.p_value(&scores)),
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
