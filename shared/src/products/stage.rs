//! From a scene to a sample: expose it whole, expose it damaged, and compare.
//!
//! The mask is measured, not declared: the pixels whose colour the defect changed by
//! [`THRESHOLD`] levels or more, and for logical defects also the whole footprint of
//! the parts concerned. Gaps of a pixel or two are closed.

use image::{GrayImage, Luma, RgbImage};

use super::camera::Camera;
use super::light::Light;
use super::material::Surface;
use super::plane::V2;

/// 8-bit levels, in the channel that differs most, from which a pixel counts as changed.
pub const THRESHOLD: u8 = 8;

/// A product on its stage, ready to be photographed.
pub(super) trait Scene {
    /// What is seen at `p` of the unit square.
    fn surface(&self, p: V2) -> Surface;
    fn light(&self) -> &Light;
    fn camera(&self) -> &Camera;
}

/// A photograph and where a logical defect says that the scene is wrong.
pub(super) struct Exposure {
    pub(super) image: RgbImage,
    changed: Vec<bool>,
}

/// Photographs `scene` at `size`×`size` pixels, four points to a pixel.
pub(super) fn expose(scene: &impl Scene, size: u32) -> Exposure {
    let size = size as usize;
    let side = 2 * size;
    let pitch = 1.0 / side as f32;
    let mut grid = Vec::with_capacity(side * side);
    for y in 0..side {
        for x in 0..side {
            grid.push(scene.surface(V2::new((x as f32 + 0.5) * pitch, (y as f32 + 0.5) * pitch)));
        }
    }
    let radiance = scene.light().shade(&grid, side);
    let image = scene.camera().develop(&radiance, size);
    let changed = (0..size * size)
        .map(|i| {
            let at = 2 * (i / size) * side + 2 * (i % size);
            let points = [at, at + 1, at + side, at + side + 1];
            points.iter().filter(|at| grid[**at].changed).count() >= 2
        })
        .collect();
    Exposure { image, changed }
}

/// White where `damaged` departs from `good`.
pub(super) fn difference(good: &Exposure, damaged: &Exposure) -> GrayImage {
    let (width, height) = good.image.dimensions();
    let raw: Vec<bool> = good
        .image
        .pixels()
        .zip(damaged.image.pixels())
        .zip(&damaged.changed)
        .map(|((a, b), changed)| {
            *changed || a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) >= THRESHOLD)
        })
        .collect();
    let radius = (width / 160).max(1) as usize;
    let side = width as usize;
    let grown = spread(&raw, side, radius, true);
    let closed = spread(&grown, side, radius, false);
    GrayImage::from_fn(width, height, |x, y| {
        let at = y as usize * side + x as usize;
        Luma([if closed[at] || raw[at] { 255 } else { 0 }])
    })
}

/// Lets `value` grow over a square of `2 radius + 1` pixels; the border counts as its opposite.
fn spread(mask: &[bool], side: usize, radius: usize, value: bool) -> Vec<bool> {
    let pass = |from: &[bool], columns: bool| -> Vec<bool> {
        (0..from.len())
            .map(|i| {
                let (line, at) = if columns {
                    (i % side, i / side)
                } else {
                    (i / side, i % side)
                };
                let any = (at.saturating_sub(radius)..=(at + radius).min(side - 1)).any(|k| {
                    let j = if columns {
                        k * side + line
                    } else {
                        line * side + k
                    };
                    from[j] == value
                });
                any == value
            })
            .collect()
    };
    pass(&pass(mask, false), true)
}
