//! Judging one image: pixels in, map, scores and the picture to show out.

use fsr::{
    colormap::{ColourScale, heat_rgba},
    detector::{Detector, Inspection},
    image::{GrayImage, RgbImage, resize_lanczos, resize_nearest_mask},
    metrics::auroc,
    tiles::TilePlan,
};
use wasm_bindgen::JsValue;
use web_time::Instant;

use fsr_web::{
    address::SampleSpec,
    backend::Backend,
    post::{bytes_out, floats_out},
    protocol::{Agreement, Answer, Scores, Threshold, TileGrid},
    region::is_hot,
    verdict::scale,
};

/// Longest side of the picture sent to the page; larger images are shown smaller.
const SHOWN_SIDE: u32 = 1024;

/// An image on its way through the detector.
pub struct Subject {
    /// File name or the sample's title.
    pub name: String,
    /// The sample, when it was generated.
    pub sample: Option<SampleSpec>,
    /// The pixels.
    pub image: RgbImage,
    /// Ground truth of a sample.
    pub mask: Option<GrayImage>,
    /// How the pixels came to be, and the milliseconds it took.
    pub made: (&'static str, f64),
}

/// Milliseconds since `start`.
pub fn since(start: Instant) -> f64 {
    1e3 * start.elapsed().as_secs_f64()
}

/// How much of an answer is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Picture, map, heat and mask.
    Full,
    /// A small picture with the heat over it.
    Small {
        /// And the map.
        map: bool,
    },
}

/// The model that judged.
pub struct Judge {
    /// Its calibration.
    pub threshold: Option<Threshold>,
    /// Where it is.
    pub backend: Backend,
    /// How it cut the image.
    pub plan: TilePlan,
    /// Side of its network's input, pixels.
    pub side: usize,
}

/// An answer's head and what is attached to it.
pub struct Answered {
    /// The head.
    pub answer: Answer,
    /// Picture, map, heat, mask; or the small picture alone.
    pub attachments: Vec<JsValue>,
}

/// Puts the answer together.
pub fn answer(subject: Subject, inspection: Inspection, judge: Judge, detail: Detail) -> Answered {
    let Judge {
        threshold,
        backend,
        plan,
        side,
    } = judge;
    let Subject {
        name,
        sample,
        image,
        mask,
        made,
    } = subject;
    let start = Instant::now();
    let reduced;
    let map = match detail {
        // Figures of a folder are those of `fsr eval`: at the input's size, whatever the tiles.
        Detail::Small { map: true } if !plan.is_whole() => {
            reduced = inspection.map.resize_bilinear(side, side);
            &reduced
        }
        _ => &inspection.map,
    };
    let (low, high) = scale(threshold.as_ref(), inspection.scores.max);
    let heat = heat_rgba(map, ColourScale { low, high });
    let mut agreement_found = None;
    let (shown_width, shown_height, attachments) = match detail {
        Detail::Small { map: wanted } => {
            let (width, height, rgba) = small(&image, &heat, map.width, map.height);
            let values: &[f32] = if wanted { &map.values } else { &[] };
            (width, height, vec![bytes_out(&rgba), floats_out(values)])
        }
        Detail::Full => {
            let shown = shown(&image);
            let rgba: Vec<u8> = shown
                .pixels()
                .flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255])
                .collect();
            let mask = mask.filter(|_| {
                sample
                    .as_ref()
                    .is_some_and(|sample| sample.defect.is_some())
            });
            agreement_found = mask.as_ref().map(|mask| {
                let truth = resize_nearest_mask(mask, map.width as u32, map.height as u32);
                agreement(&map.values, &truth, threshold.as_ref())
            });
            let mask_bytes: Vec<u8> = mask.map_or_else(Vec::new, |mask| {
                resize_nearest_mask(&mask, shown.width(), shown.height())
                    .into_iter()
                    .map(|set| if set { 255 } else { 0 })
                    .collect()
            });
            let buffers = vec![
                bytes_out(&rgba),
                floats_out(&map.values),
                bytes_out(&heat),
                bytes_out(&mask_bytes),
            ];
            (shown.width(), shown.height(), buffers)
        }
    };
    let times = inspection.timings;
    // On a GPU the backbone's stage is only its launch; the wait is in the next stage.
    let stages: [(&str, f64); 2] = match backend {
        Backend::Cpu => [
            ("backbone", times.backbone_ms),
            ("restoration", times.restore_ms),
        ],
        Backend::WebGpu => [
            ("launch", times.backbone_ms),
            ("backbone and restoration", times.restore_ms),
        ],
    };
    let timings = [
        (made.0, made.1),
        ("resize", times.resize_ms),
        stages[0],
        stages[1],
        ("map", times.map_ms),
        ("picture", since(start)),
    ]
    .map(|(stage, milliseconds)| (stage.to_owned(), milliseconds))
    .to_vec();
    let answer = Answer {
        name,
        sample,
        width: image.width(),
        height: image.height(),
        shown_width,
        shown_height,
        map_width: map.width as u32,
        map_height: map.height as u32,
        tiles: (!plan.is_whole()).then_some(TileGrid {
            width: plan.columns.side,
            height: plan.rows.side,
            columns: plan.columns.starts,
            rows: plan.rows.starts,
        }),
        scores: Scores {
            std: inspection.scores.std,
            max: inspection.scores.max,
            top1: inspection.scores.top1,
        },
        threshold,
        agreement: agreement_found,
        timings,
        backend,
    };
    Answered {
        answer,
        attachments,
    }
}

/// Longest side of a list's picture.
const SMALL_SIDE: u32 = 72;

/// Opacity of the heat over a list's picture.
const SMALL_HEAT: f32 = 0.75;

/// A small picture with the heat over it: width, height, RGBA.
fn small(image: &RgbImage, heat: &[u8], columns: usize, rows: usize) -> (u32, u32, Vec<u8>) {
    let (width, height) = image.dimensions();
    let longest = width.max(height).max(1);
    let side = |side: u32| (side * SMALL_SIDE / longest).clamp(1, SMALL_SIDE);
    let (w, h) = if longest > SMALL_SIDE {
        (side(width), side(height))
    } else {
        (width, height)
    };
    // Every so many pixels first: a filter over the whole of a large photograph would take longer than
    // to inspect it.
    let (dense_w, dense_h) = (width.min(4 * w), height.min(4 * h));
    let pick = |at: u32, dense: u32, full: u32| {
        ((u64::from(2 * at + 1) * u64::from(full)) / u64::from(2 * dense)) as u32
    };
    let dense = RgbImage::from_fn(dense_w, dense_h, |x, y| {
        *image.get_pixel(pick(x, dense_w, width), pick(y, dense_h, height))
    });
    let picture = resize_lanczos(&dense, w, h);
    let mut rgba = Vec::with_capacity((w * h * 4) as usize);
    for (x, y, pixel) in picture.enumerate_pixels() {
        let (column, row) = (
            x as usize * columns / w as usize,
            y as usize * rows / h as usize,
        );
        let at = 4 * (row * columns + column);
        let alpha = SMALL_HEAT * f32::from(heat[at + 3]) / 255.0;
        for channel in 0..3 {
            let (under, over) = (f32::from(pixel[channel]), f32::from(heat[at + channel]));
            rgba.push((under + alpha * (over - under) + 0.5) as u8);
        }
        rgba.push(255);
    }
    (w, h, rgba)
}

/// The image itself, or a smaller one of the same shape.
fn shown(image: &RgbImage) -> RgbImage {
    let (width, height) = image.dimensions();
    let longest = width.max(height);
    if longest <= SHOWN_SIDE {
        return image.clone();
    }
    let scale =
        |side: u32| ((u64::from(side) * u64::from(SHOWN_SIDE) / u64::from(longest)) as u32).max(1);
    resize_lanczos(image, scale(width), scale(height))
}

fn agreement(values: &[f32], truth: &[bool], threshold: Option<&Threshold>) -> Agreement {
    let (low, high) = scale(threshold, values.iter().copied().fold(0.0, f32::max));
    let (mut both, mut either) = (0usize, 0usize);
    for (&value, &defect) in values.iter().zip(truth) {
        let hot = is_hot(value, low, high);
        both += usize::from(hot && defect);
        either += usize::from(hot || defect);
    }
    let area = truth.iter().filter(|&&defect| defect).count() as f64 / truth.len().max(1) as f64;
    Agreement {
        pixel_auroc: auroc(values, truth),
        iou: if either == 0 {
            0.0
        } else {
            both as f64 / either as f64
        },
        area,
    }
}

/// A warm-up image: grey, with an edge, so that no stage is skipped.
pub fn warm_up_image(side: u32) -> RgbImage {
    let mut image = RgbImage::new(side, side);
    for (x, _, pixel) in image.enumerate_pixels_mut() {
        pixel.0 = [if x * 2 < side { 96 } else { 160 }; 3];
    }
    image
}

/// Inspects, turning the error into text; `told` hears of tiles done, and of how many.
pub async fn inspect(
    detector: &Detector,
    image: &RgbImage,
    told: impl FnMut(usize, usize),
) -> Result<Inspection, String> {
    let inspection = detector
        .inspect_telling(image, told)
        .await
        .map_err(|error| error.to_string())?;
    let scores = &inspection.scores;
    if [scores.std, scores.max, scores.top1]
        .iter()
        .all(|score| score.is_finite())
    {
        Ok(inspection)
    } else {
        Err("the scores are not finite numbers".into())
    }
}
