//! The camera: lens blur, vignette, exposure, tone curve, sensor noise, 8 bits.

use image::{Rgb as Pixel, RgbImage};

use super::draw::Draw;
use super::material::Rgb;
use super::noise;
use super::plane::Whole;

/// One exposure's settings. The noise depends on the pixel alone, so that two
/// exposures of almost the same scene differ only where the scenes do.
#[derive(Clone, Copy)]
pub(super) struct Camera {
    exposure: f32,
    vignette: f32,
    grain: f32,
    balance: Rgb,
    seed: u32,
}

impl Camera {
    /// An exposure about `exposure`, varied as little as a fixed camera varies.
    pub(super) fn new(draw: &mut Draw, exposure: f32) -> Self {
        Self {
            exposure: exposure * (1.0 + draw.around(0.04)),
            vignette: draw.range(0.10, 0.22),
            grain: draw.range(0.8, 1.7),
            balance: [1.0 + draw.around(0.015), 1.0, 1.0 + draw.around(0.015)],
            seed: draw.word(),
        }
    }

    /// Develops a grid of `2 size` × `2 size` radiances to a picture of `size` × `size`.
    pub(super) fn develop(&self, radiance: &[Rgb], size: usize) -> RgbImage {
        let sharp = halved(radiance, size);
        let soft = lens(&lens(&sharp, size, false), size, true);
        let curve = ToneCurve::new();
        let mut picture = RgbImage::new(size as u32, size as u32);
        for y in 0..size {
            for x in 0..size {
                let (cx, cy) = (
                    (x as f32 + 0.5) / size as f32 - 0.5,
                    (y as f32 + 0.5) / size as f32 - 0.5,
                );
                let fall = 1.0 - self.vignette * 2.0 * (cx * cx + cy * cy);
                let shared = normal(x, y, self.seed);
                let mut pixel = [0_u8; 3];
                for c in 0..3 {
                    let light = soft[y * size + x][c] * self.exposure * self.balance[c] * fall;
                    let own = normal(x, y, self.seed.wrapping_add(c as u32 + 1));
                    let grain = self.grain * (0.8 * shared + 0.6 * own);
                    pixel[c] = (curve.level(light) + grain + 0.5).clamp(0.0, 255.0) as u8;
                }
                picture.put_pixel(x as u32, y as u32, Pixel(pixel));
            }
        }
        picture
    }
}

/// 2×2 points to a pixel.
fn halved(radiance: &[Rgb], size: usize) -> Vec<Rgb> {
    let side = 2 * size;
    let mut out = Vec::with_capacity(size * size);
    for y in 0..size {
        for x in 0..size {
            let at = 2 * y * side + 2 * x;
            let mut mean = [0.0; 3];
            for (c, m) in mean.iter_mut().enumerate() {
                // Clipping before the mean keeps a spark from bleeding over its neighbours.
                let clip = |i: usize| radiance[i][c].min(2.0);
                *m = 0.25 * (clip(at) + clip(at + 1) + clip(at + side) + clip(at + side + 1));
            }
            out.push(mean);
        }
    }
    out
}

/// A three-tap blur along one axis: what a good lens does to one pixel.
fn lens(picture: &[Rgb], size: usize, columns: bool) -> Vec<Rgb> {
    let mut out = Vec::with_capacity(picture.len());
    for y in 0..size {
        for x in 0..size {
            let (before, after) = if columns {
                (
                    y.saturating_sub(1) * size + x,
                    (y + 1).min(size - 1) * size + x,
                )
            } else {
                (
                    y * size + x.saturating_sub(1),
                    y * size + (x + 1).min(size - 1),
                )
            };
            let (a, b, c) = (picture[before], picture[y * size + x], picture[after]);
            let tap = |i: usize| 0.125 * a[i] + 0.75 * b[i] + 0.125 * c[i];
            out.push([tap(0), tap(1), tap(2)]);
        }
    }
    out
}

/// About standard normal: four bytes of a hash, summed.
fn normal(x: usize, y: usize, seed: u32) -> f32 {
    let word = noise::hash(x as i32, y as i32, seed);
    let sum = word
        .to_le_bytes()
        .iter()
        .map(|b| f32::from(*b))
        .sum::<f32>();
    (sum - 510.0) / 147.8
}

/// sRGB encoding with a soft shoulder, tabulated.
struct ToneCurve {
    levels: Vec<f32>,
}

impl ToneCurve {
    const STEPS: usize = 2048;
    const BRIGHTEST: f32 = 3.0;

    fn new() -> Self {
        let levels = (0..=Self::STEPS + 1)
            .map(|i| {
                // Squared spacing: fine steps in the shadows, where the curve is steep.
                let t = i as f32 / Self::STEPS as f32;
                255.0 * encoded(shoulder(t * t * Self::BRIGHTEST))
            })
            .collect();
        Self { levels }
    }

    fn level(&self, light: f32) -> f32 {
        let t = (light.clamp(0.0, Self::BRIGHTEST) / Self::BRIGHTEST).sqrt() * Self::STEPS as f32;
        let low = t.whole();
        let (a, b) = (self.levels[low as usize], self.levels[low as usize + 1]);
        a + (b - a) * (t - low)
    }
}

fn shoulder(x: f32) -> f32 {
    const KNEE: f32 = 0.7;
    if x <= KNEE {
        x
    } else {
        let t = (x - KNEE) / (1.0 - KNEE);
        KNEE + (1.0 - KNEE) * t / (1.0 + t)
    }
}

fn encoded(x: f32) -> f32 {
    if x <= 0.003_130_8 {
        12.92 * x
    } else {
        1.055 * libm::powf(x, 1.0 / 2.4) - 0.055
    }
}
