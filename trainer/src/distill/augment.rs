//! Crops of ordinary photographs under other scales, light and colour.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Share of the shorter side that a crop spans. With images twice as large as crops this is half
/// as large again to two thirds of their own scale, evenly about the scale at which detectors look.
const SPAN: core::ops::Range<f32> = 0.33..0.78;

/// A square crop of `side` pixels, flipped half the time, relit, sometimes grey or blurred. Teacher
/// and student see the same crop.
pub fn random_crop(image: &RgbImage, side: u32, rng: &mut ChaCha8Rng) -> RgbImage {
    let (width, height) = image.dimensions();
    let shorter = width.min(height) as f32;
    let span = SPAN.start * (SPAN.end / SPAN.start).powf(rng.random_range(0.0f32..1.0));
    let crop = (shorter * span).max(8.0).min(shorter) as u32;
    let x = rng.random_range(0..=width - crop);
    let y = rng.random_range(0..=height - crop);
    let view = imageops::crop_imm(image, x, y, crop, crop).to_image();
    let mut out = imageops::resize(&view, side, side, FilterType::Triangle);
    if rng.random_bool(0.5) {
        out = imageops::flip_horizontal(&out);
    }
    if rng.random_bool(0.25) {
        out = imageops::rotate90(&out);
    }
    if rng.random_bool(0.1) {
        out = imageops::blur(&out, rng.random_range(0.4f32..1.2));
    }
    let grey = rng.random_bool(0.1);
    let gain: [f32; 3] = {
        let light = rng.random_range(0.7f32..1.3);
        std::array::from_fn(|_| light * rng.random_range(0.9f32..1.1))
    };
    let (contrast, offset) = (
        rng.random_range(0.8f32..1.2),
        rng.random_range(-12.0f32..12.0),
    );
    for Rgb(pixel) in out.pixels_mut() {
        let mut values = pixel.map(f32::from);
        if grey {
            values = [0.299 * values[0] + 0.587 * values[1] + 0.114 * values[2]; 3];
        }
        for (value, (slot, gain)) in values.into_iter().zip(pixel.iter_mut().zip(gain)) {
            *slot = ((value - 128.0) * contrast * gain + 128.0 + offset).clamp(0.0, 255.0) as u8;
        }
    }
    out
}
