//! Pictures of the test images that say most: what is found best and worst, what is missed, what is a false alarm.

use std::io::Cursor;

use anyhow::{Context, Result};
use burn::tensor::Tensor;
use fsr::calibration::{Calibration, Verdict};
use fsr::colormap::{ColourScale, inferno, overlay};
use fsr::decoder::Decoder;
use fsr::detector::Detector;
use fsr::map::{AnomalyMap, ScoreKind};
use fsr::preprocess::to_input_size;
use image::codecs::jpeg::JpegEncoder;
use image::{GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use serde::Serialize;

use super::Inspected;
use crate::dataset;

/// Images of a kind that is shown as an example.
const EXAMPLES: usize = 3;
/// Images of a kind of failure, at most.
const FAILURES: usize = 6;
/// A photograph of 256 pixels in about 15 kB.
const JPEG_QUALITY: u8 = 85;

/// Why an image is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Defective, and called good: lowest score first.
    Missed,
    /// Good, and called anomalous: highest score first.
    FalseAlarm,
    /// The defective images of highest score.
    FoundBest,
    /// Of the defective images that are found, those of lowest score.
    FoundBarely,
    /// Of the good images that pass, those of highest score.
    GoodHighest,
}

/// An image that is shown, and its files.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Picture {
    reason: Reason,
    image: String,
    defect: Option<String>,
    score: f32,
    p_value: Option<f64>,
    /// What the network sees.
    input: String,
    /// The input with the anomaly map over it.
    heat: String,
    /// The mask, white on defects; none for good images and where none is drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<String>,
    /// Where the restorer looks to restore the most anomalous token; none for rivals, and none where it sees tiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    attention: Option<String>,
    /// The features, drawn by a decoder; none without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<String>,
    /// What was restored of them, drawn by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    restored: Option<String>,
}

/// An image that was chosen: why, its place, and its score.
pub type Chosen = (Reason, usize, f32);

/// Chooses the images to show. Without a threshold nothing is missed and nothing a false alarm.
pub fn choose(
    inspected: &[Inspected<'_>],
    kind: ScoreKind,
    calibration: Option<&Calibration>,
) -> Vec<Chosen> {
    let mut order: Vec<usize> = (0..inspected.len()).collect();
    let score = |index: usize| inspected[index].scores.get(kind);
    order.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
    let called = |index: usize| {
        calibration.map(|known| known.verdict(&inspected[index].scores) == Verdict::Anomalous)
    };
    // By falling score.
    let group = |defective: bool, wrong: bool| -> Vec<usize> {
        let chosen = order.iter().copied().filter(|&index| {
            let is = inspected[index].test.defect.is_some();
            is == defective && called(index).is_some_and(|called| called != is) == wrong
        });
        chosen.collect()
    };
    let (found, missed) = (group(true, false), group(true, true));
    let (passed, alarms) = (group(false, false), group(false, true));
    let barely = found.iter().skip(EXAMPLES).rev().take(EXAMPLES);
    let with = |reason: Reason| move |&index: &usize| (reason, index, score(index));
    let missed = missed.iter().rev().take(FAILURES);
    let alarms = alarms.iter().take(FAILURES);
    missed
        .map(with(Reason::Missed))
        .chain(alarms.map(with(Reason::FalseAlarm)))
        .chain(found.iter().take(EXAMPLES).map(with(Reason::FoundBest)))
        .chain(barely.map(with(Reason::FoundBarely)))
        .chain(passed.iter().take(EXAMPLES).map(with(Reason::GoodHighest)))
        .collect()
}

/// What a file shows, its ending, and its bytes.
type View = (&'static str, &'static str, Vec<u8>);

/// A picture and the bytes of its files, by what they show.
pub struct Drawn {
    /// Without file names.
    pub picture: Picture,
    /// `input`, `heat`, `mask`, `attention`, `features`, `restored`: ending and bytes.
    pub files: Vec<View>,
}

/// Whether a file's name is one that [`Drawn::named`] gives.
pub fn is_one(name: &str) -> bool {
    [
        "-input.jpg",
        "-heat.jpg",
        "-mask.png",
        "-attention.jpg",
        "-features.jpg",
        "-restored.jpg",
    ]
    .iter()
    .any(|ending| name.ends_with(ending))
}

impl Drawn {
    /// Names the files `<stem>-<what>.<ending>`, and hands them over.
    pub fn named(self, stem: &str) -> (Picture, Vec<(String, Vec<u8>)>) {
        let Self { mut picture, files } = self;
        let mut named = Vec::with_capacity(files.len());
        for (what, ending, bytes) in files {
            let name = format!("{stem}-{what}.{ending}");
            match what {
                "input" => picture.input.clone_from(&name),
                "heat" => picture.heat.clone_from(&name),
                "mask" => picture.mask = Some(name.clone()),
                "features" => picture.features = Some(name.clone()),
                "restored" => picture.restored = Some(name.clone()),
                _ => picture.attention = Some(name.clone()),
            }
            named.push((name, bytes));
        }
        (picture, named)
    }
}

/// Draws pictures for a detector.
pub struct Artist<'a> {
    /// The detector.
    pub detector: &'a Detector,
    /// Draws its features, if there is one.
    pub decoder: Option<&'a Decoder>,
}

impl Artist<'_> {
    /// Draws the chosen images.
    ///
    /// # Errors
    /// When an image cannot be read again or the device fails.
    pub fn draw(
        &self,
        inspected: &[Inspected<'_>],
        chosen: &[Chosen],
        calibration: Option<&Calibration>,
    ) -> Result<Vec<Drawn>> {
        let scale = calibration.map_or_else(|| scale_of(inspected), |known| known.scale);
        let mut drawn = Vec::with_capacity(chosen.len());
        for &(reason, index, score) in chosen {
            let one = &inspected[index];
            let name = one.test.path.file_name().unwrap_or_default();
            drawn.push(Drawn {
                picture: Picture {
                    reason,
                    image: name.to_string_lossy().into_owned(),
                    defect: one.test.defect.clone(),
                    score,
                    p_value: calibration.and_then(|known| known.p_value(&one.scores)),
                    input: String::new(),
                    heat: String::new(),
                    mask: None,
                    attention: None,
                    features: None,
                    restored: None,
                },
                files: self.views(one, scale)?,
            });
        }
        Ok(drawn)
    }

    fn views(&self, one: &Inspected<'_>, scale: ColourScale) -> Result<Vec<View>> {
        let model = &self.detector.model;
        let side = model.config.image_size;
        let input = to_input_size(&dataset::image(&one.test.path)?, side);
        let heat = overlay(&input, &one.map, scale, 1.0);
        let mut files = vec![
            ("input", "jpg", jpeg(&input)?),
            ("heat", "jpg", jpeg(&heat)?),
        ];
        if let (Some(mask), Some(_)) = (&one.mask, &one.test.defect) {
            files.push(("mask", "png", png_mask(mask, side)?));
        }
        // Of tiles there is no one view to show attention or features of.
        if self.detector.config.tiles.is_some() {
            return Ok(files);
        }
        let tokens = model.tokens(model.taps(std::slice::from_ref(&input)));
        if let Some(attention) = pollster::block_on(model.attention(tokens.clone()))? {
            let view = attention_view(&input, &one.map, &attention, model.config.grid());
            files.push(("attention", "jpg", jpeg(&view)?));
        }
        if let Some(decoder) = self.decoder {
            let restored = model.restorer.forward(tokens.clone());
            let views =
                pollster::block_on(decoder.pictures(Tensor::cat(vec![tokens, restored], 0)))?;
            for (what, view) in ["features", "restored"].into_iter().zip(&views) {
                files.push((what, "jpg", jpeg(view)?));
            }
        }
        Ok(files)
    }
}

/// For a model that is not calibrated: from the least to the most that any map of the category shows.
fn scale_of(inspected: &[Inspected<'_>]) -> ColourScale {
    let values = || inspected.iter().flat_map(|one| one.map.values.iter());
    ColourScale {
        low: values().copied().fold(f32::INFINITY, f32::min),
        high: values().copied().fold(f32::NEG_INFINITY, f32::max),
    }
}

/// The attention of the token under the map's highest value, over a dimmed grey image; that token is framed.
fn attention_view(input: &RgbImage, map: &AnomalyMap, attention: &[f32], grid: usize) -> RgbImage {
    let peak = map.values.iter().enumerate();
    let peak = peak.max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |at| at.0);
    let cell = |x: usize, of: usize| (x * grid / of.max(1)).min(grid - 1);
    let (row, column) = (
        cell(peak / map.width, map.height),
        cell(peak % map.width, map.width),
    );
    let length = grid * grid;
    let query = row * grid + column;
    let weights = &attention[query * length..(query + 1) * length];
    // Spread over the whole scale: attention is often nearly even, and what differs is what tells.
    let least = weights.iter().copied().fold(f32::INFINITY, f32::min);
    let most = weights.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let scale = ColourScale {
        low: least,
        high: most,
    };
    let (width, height) = input.dimensions();
    let cell_width = width as usize / grid;
    RgbImage::from_fn(width, height, |x, y| {
        let (own_row, own_column) = (
            cell(y as usize, height as usize),
            cell(x as usize, width as usize),
        );
        if (own_row, own_column) == (row, column) {
            let within = (x as usize % cell_width, y as usize % cell_width);
            let border = |at: usize| at < 2 || at + 2 >= cell_width;
            if border(within.0) || border(within.1) {
                return Rgb([0, 255, 255]);
            }
        }
        let share = scale.position(weights[own_row * grid + own_column]);
        let Rgb([r, g, b]) = *input.get_pixel(x, y);
        let grey = (f32::from(r) + f32::from(g) + f32::from(b)) / 3.0;
        let mixed = inferno(share).map(|heat| (0.3 * grey + 0.7 * f32::from(heat)) as u8);
        Rgb(mixed)
    })
}

fn jpeg(image: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    encoder
        .encode_image(image)
        .context("cannot write a picture")?;
    Ok(bytes)
}

fn png_mask(mask: &[bool], side: usize) -> Result<Vec<u8>> {
    let image = GrayImage::from_fn(side as u32, side as u32, |x, y| {
        let defective = mask[y as usize * side + x as usize];
        Luma([if defective { 255 } else { 0 }])
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::TestImage;
    use fsr::calibration::CalibrationSource;
    use fsr::map::ImageScores;

    #[test]
    fn failures_come_first_and_worst_first() {
        let test = |defect: Option<&str>| TestImage {
            path: "x.png".into(),
            defect: defect.map(String::from),
            mask: None,
        };
        let (good, bad) = (test(None), test(Some("crack")));
        let one = |test, value: f32| Inspected {
            test,
            map: AnomalyMap::new(1, 1, vec![value]),
            stitched: None,
            scores: ImageScores {
                std: value,
                max: value,
                top1: value,
            },
            mask: None,
            size: (1, 1),
        };
        let defective = [9.0, 1.0, 8.0, 2.0, 7.0, 6.0, 5.5].map(|value| one(&bad, value));
        let fine = [1.5, 9.5, 0.5, 4.5].map(|value| one(&good, value));
        let inspected: Vec<Inspected<'_>> = defective.into_iter().chain(fine).collect();
        let maps: Vec<AnomalyMap> = (1..=4)
            .map(|value| AnomalyMap::new(2, 1, vec![0.0, value as f32]))
            .collect();
        let known = Calibration::from_good_maps(&maps, ScoreKind::Max, CalibrationSource::HeldOut)
            .and_then(|known| known.at_false_alarm_rate(0.21).ok());
        let scores = |reason: Reason, known: Option<&Calibration>| -> Vec<f32> {
            let chosen = choose(&inspected, ScoreKind::Max, known);
            let of = chosen.into_iter().filter(|one| one.0 == reason);
            of.map(|one| one.2).collect()
        };
        assert_eq!(scores(Reason::Missed, known.as_ref()), [1.0, 2.0]);
        assert_eq!(scores(Reason::FalseAlarm, known.as_ref()), [9.5, 4.5]);
        assert_eq!(scores(Reason::FoundBest, known.as_ref()), [9.0, 8.0, 7.0]);
        assert_eq!(scores(Reason::FoundBarely, known.as_ref()), [5.5, 6.0]);
        assert_eq!(scores(Reason::GoodHighest, known.as_ref()), [1.5, 0.5]);
        assert!(scores(Reason::Missed, None).is_empty());
        assert_eq!(scores(Reason::FoundBarely, None), [1.0, 2.0, 5.5]);
    }
}
