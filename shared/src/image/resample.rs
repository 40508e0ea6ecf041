//! Resampling that equals Pillow's, pixel for pixel.
//!
//! Pillow's 8-bit path: an antialiasing filter stretched by the reduction factor, coefficients rounded
//! to fixed point, a horizontal pass rounded to 8 bits, then a vertical pass (`Resample.c`). Backbones
//! and published results were made with it, and integer sums make it the same on every machine. The
//! horizontal pass always comes first, as up to Pillow 11; Pillow 13 takes the cheaper order, which for
//! tall images rounds some samples differently.

use image::{GrayImage, RgbImage};

/// Fractional bits of a coefficient: 32 less 8 for the sample and 2 for overshoot.
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// Resizes with the Lanczos filter (a = 3), bit-exact to Pillow's `Image.resize(.., LANCZOS)`.
///
/// The aspect ratio is not kept. An image without pixels gives a black one.
pub fn resize_lanczos(image: &RgbImage, width: u32, height: u32) -> RgbImage {
    resize(image, width, height, &Filter::LANCZOS)
}

/// Resizes with the bicubic filter (a = −½), bit-exact to Pillow's `Image.resize(.., BICUBIC)`.
pub fn resize_bicubic(image: &RgbImage, width: u32, height: u32) -> RgbImage {
    resize(image, width, height, &Filter::BICUBIC)
}

/// Resizes a mask by nearest neighbour (Pillow's NEAREST); `true` where the value is above 127.
///
/// Returns `width * height` values, row by row.
pub fn resize_nearest_mask(mask: &GrayImage, width: u32, height: u32) -> Vec<bool> {
    let columns = nearest_indices(mask.width(), width);
    let rows = nearest_indices(mask.height(), height);
    let stride = mask.width() as usize;
    if mask.as_raw().is_empty() {
        return vec![false; columns.len() * rows.len()];
    }
    let mut target = Vec::with_capacity(columns.len() * rows.len());
    for row in rows {
        let source = &mask.as_raw()[row * stride..(row + 1) * stride];
        target.extend(columns.iter().map(|&column| source[column] > 127));
    }
    target
}

/// For every target position the source position under its centre.
fn nearest_indices(source: u32, target: u32) -> Vec<usize> {
    let step = f64::from(source) / f64::from(target.max(1));
    let last = source.saturating_sub(1) as usize;
    // Pillow adds the step up instead of multiplying; at ties the two can differ.
    let mut position = step * 0.5;
    (0..target)
        .map(|_| {
            let index = (position as usize).min(last);
            position += step;
            index
        })
        .collect()
}

struct Filter {
    /// Half width in source pixels when enlarging.
    support: f64,
    weight: fn(f64) -> f64,
}

impl Filter {
    const LANCZOS: Self = Self {
        support: 3.0,
        weight: lanczos,
    };
    const BICUBIC: Self = Self {
        support: 2.0,
        weight: bicubic,
    };
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let x = x * std::f64::consts::PI;
    // libm and not std: the same bits natively and in wasm.
    libm::sin(x) / x
}

fn lanczos(x: f64) -> f64 {
    if (-3.0..3.0).contains(&x) {
        sinc(x) * sinc(x / 3.0)
    } else {
        0.0
    }
}

fn bicubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// The weights of one target position: source positions `start..start + weights.len()`.
struct Taps {
    start: usize,
    weights: Vec<i32>,
}

/// Fixed-point filter weights for every target position along one axis.
fn taps(source: u32, target: u32, filter: &Filter) -> Vec<Taps> {
    let scale = f64::from(source) / f64::from(target);
    let stretch = scale.max(1.0);
    let support = filter.support * stretch;
    (0..target)
        .map(|position| {
            let centre = (f64::from(position) + 0.5) * scale;
            let start = (centre - support + 0.5).max(0.0) as usize;
            let end = ((centre + support + 0.5) as usize).min(source as usize);
            let weights: Vec<f64> = (start..end)
                .map(|x| (filter.weight)((x as f64 - centre + 0.5) * (1.0 / stretch)))
                .collect();
            let sum: f64 = weights.iter().sum();
            let weights = weights
                .iter()
                .map(|weight| to_fixed_point(if sum == 0.0 { *weight } else { weight / sum }))
                .collect();
            Taps { start, weights }
        })
        .collect()
}

/// Rounds half away from zero.
fn to_fixed_point(weight: f64) -> i32 {
    let scaled = weight * f64::from(1u32 << PRECISION_BITS);
    (scaled + if weight < 0.0 { -0.5 } else { 0.5 }) as i32
}

const HALF: i32 = 1 << (PRECISION_BITS - 1);

fn to_sample(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

fn resize(image: &RgbImage, width: u32, height: u32, filter: &Filter) -> RgbImage {
    if image.as_raw().is_empty() || width == 0 || height == 0 {
        return RgbImage::new(width, height);
    }
    let narrowed = if image.width() == width {
        None
    } else {
        Some(resize_rows(image, width, filter))
    };
    let narrowed = narrowed.as_ref().unwrap_or(image);
    if narrowed.height() == height {
        narrowed.clone()
    } else {
        resize_columns(narrowed, height, filter)
    }
}

/// Horizontal pass: every row to `width` pixels.
fn resize_rows(image: &RgbImage, width: u32, filter: &Filter) -> RgbImage {
    let columns = taps(image.width(), width, filter);
    let mut target = RgbImage::new(width, image.height());
    let source_rows = image.as_raw().chunks_exact(3 * image.width() as usize);
    for (source, row) in source_rows.zip(target.chunks_exact_mut(3 * width as usize)) {
        let (source, _) = source.as_chunks::<3>();
        let (row, _) = row.as_chunks_mut::<3>();
        for (pixel, taps) in row.iter_mut().zip(&columns) {
            let window = &source[taps.start..taps.start + taps.weights.len()];
            let mut sum = [HALF; 3];
            for (sample, &weight) in window.iter().zip(&taps.weights) {
                for (sum, &sample) in sum.iter_mut().zip(sample) {
                    *sum += i32::from(sample) * weight;
                }
            }
            *pixel = sum.map(to_sample);
        }
    }
    target
}

/// Vertical pass: every column to `height` pixels.
fn resize_columns(image: &RgbImage, height: u32, filter: &Filter) -> RgbImage {
    let rows = taps(image.height(), height, filter);
    let stride = 3 * image.width() as usize;
    let mut target = RgbImage::new(image.width(), height);
    let mut sums = vec![0i32; stride];
    for (row, taps) in target.chunks_exact_mut(stride).zip(&rows) {
        sums.fill(HALF);
        let window = image.as_raw()[taps.start * stride..].chunks_exact(stride);
        for (source, &weight) in window.zip(&taps.weights) {
            for (sum, &sample) in sums.iter_mut().zip(source) {
                *sum += i32::from(sample) * weight;
            }
        }
        for (sample, &sum) in row.iter_mut().zip(&sums) {
            *sample = to_sample(sum);
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use image::{Luma, Rgb};

    use super::*;

    fn noise(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let h = (x * 7919 + y * 104_729 + 1).wrapping_mul(2_654_435_761);
            Rgb([(h >> 8) as u8, (h >> 16) as u8, (h >> 24) as u8])
        })
    }

    #[test]
    fn the_same_size_is_the_identity() {
        let image = noise(9, 5);
        assert_eq!(resize_lanczos(&image, 9, 5), image);
        assert_eq!(resize_bicubic(&image, 9, 5), image);
    }

    #[test]
    fn a_constant_image_stays_constant() {
        for (width, height) in [(1, 1), (3, 50), (64, 7), (256, 256)] {
            let image = RgbImage::from_pixel(23, 31, Rgb([3, 128, 255]));
            let expected = RgbImage::from_pixel(width, height, Rgb([3, 128, 255]));
            assert_eq!(resize_lanczos(&image, width, height), expected);
            assert_eq!(resize_bicubic(&image, width, height), expected);
        }
    }

    #[test]
    fn mirrored_input_gives_mirrored_output() {
        let image = noise(40, 24);
        let mirror = image::imageops::flip_horizontal(&image);
        let resized = resize_lanczos(&image, 16, 16);
        assert_eq!(
            image::imageops::flip_horizontal(&resized),
            resize_lanczos(&mirror, 16, 16)
        );
    }

    #[test]
    fn empty_images_are_harmless() {
        assert_eq!(resize_lanczos(&RgbImage::new(0, 0), 4, 4).len(), 48);
        assert_eq!(resize_lanczos(&noise(3, 3), 0, 4).len(), 0);
        assert_eq!(resize_nearest_mask(&GrayImage::new(0, 0), 2, 2), [false; 4]);
    }

    #[test]
    fn masks_take_the_pixel_under_the_centre() {
        let mask = GrayImage::from_fn(4, 4, |x, y| Luma([if x == 2 && y == 1 { 255 } else { 0 }]));
        let enlarged = resize_nearest_mask(&mask, 8, 8);
        assert_eq!(enlarged.iter().filter(|&&defect| defect).count(), 4);
        assert!(enlarged[2 * 8 + 4] && enlarged[3 * 8 + 5]);
        let reduced = resize_nearest_mask(&mask, 2, 2);
        assert_eq!(reduced, [false, false, false, false]);
        assert!(resize_nearest_mask(&mask, 4, 4)[6]);
    }
}
