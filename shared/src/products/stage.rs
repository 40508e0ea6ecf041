//! From a scene to a sample: expose it whole, expose it damaged, and compare.
//!
//! The mask is measured, not declared: the pixels whose colour the defect changed by
//! [`THRESHOLD`] levels or more, and for logical defects also the whole footprint of
//! the parts concerned. Gaps of a pixel or two are closed.

use image::{GrayImage, Luma, RgbImage};

use super::camera::Camera;
use super::light::Light;
use super::material::{Rgb, Surface};
use super::plane::V2;

/// 8-bit levels, in the channel that differs most, from which a pixel counts as changed.
pub const THRESHOLD: u8 = 8;

/// A product on its stage, ready to be photographed.
pub(super) trait Scene {
    /// What is seen at `p` of the unit square, short of [`Scene::damage`].
    fn surface(&self, p: V2) -> Surface;
    /// What the defect, if there is one, does to the surface at `p`.
    fn damage(&self, p: V2, s: &mut Surface);
    /// Whether the defect is in how the parts lie: [`Scene::surface`] then differs from the sound scene's.
    fn rearranged(&self) -> bool;
    fn light(&self) -> &Light;
    fn camera(&self) -> &Camera;
}

/// A photograph and the scene it shows, point by point.
pub(super) struct Exposure {
    pub(super) image: RgbImage,
    grid: Vec<Surface>,
    radiance: Vec<Rgb>,
}

/// Photographs a sound `scene` at `size`×`size` pixels, four points to a pixel.
pub(super) fn expose(scene: &impl Scene, size: u32) -> Exposure {
    let side = 2 * size as usize;
    let grid: Vec<Surface> = points(side).map(|p| scene.surface(p)).collect();
    let mut radiance = vec![[0.0; 3]; grid.len()];
    scene
        .light()
        .shade(&grid, side, &Window::whole(side), &mut radiance);
    let image = scene.camera().develop(&radiance, size as usize);
    Exposure {
        image,
        grid,
        radiance,
    }
}

/// Photographs the damaged `scene` whose sound twin is `good`, doing again only what the damage
/// reaches.
pub(super) fn expose_damaged(scene: &impl Scene, good: &Exposure) -> Exposure {
    let size = good.image.width() as usize;
    let side = 2 * size;
    let rearranged = scene.rearranged();
    let mut touched = Window::nothing();
    let grid: Vec<Surface> = points(side)
        .zip(&good.grid)
        .enumerate()
        .map(|(i, (p, sound))| {
            let mut s = if rearranged { scene.surface(p) } else { *sound };
            scene.damage(p, &mut s);
            if s != *sound {
                touched.include(i % side, i / side);
            }
            s
        })
        .collect();
    let mut radiance = good.radiance.clone();
    let reach = scene.light().reach(side);
    scene
        .light()
        .shade(&grid, side, &touched.grown(reach, side), &mut radiance);
    let image = scene.camera().develop(&radiance, size);
    Exposure {
        image,
        grid,
        radiance,
    }
}

/// The points of the grid, row by row.
fn points(side: usize) -> impl Iterator<Item = V2> {
    let pitch = 1.0 / side as f32;
    (0..side * side).map(move |i| {
        let (x, y) = (i % side, i / side);
        V2::new((x as f32 + 0.5) * pitch, (y as f32 + 0.5) * pitch)
    })
}

/// A rectangle of the grid: columns and rows from the first to before the second.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) columns: (usize, usize),
    pub(super) rows: (usize, usize),
}

impl Window {
    fn whole(side: usize) -> Self {
        Self {
            columns: (0, side),
            rows: (0, side),
        }
    }

    fn nothing() -> Self {
        Self {
            columns: (usize::MAX, 0),
            rows: (usize::MAX, 0),
        }
    }

    fn include(&mut self, x: usize, y: usize) {
        self.columns = (self.columns.0.min(x), self.columns.1.max(x + 1));
        self.rows = (self.rows.0.min(y), self.rows.1.max(y + 1));
    }

    fn grown(self, by: usize, side: usize) -> Self {
        let grow = |(from, to): (usize, usize)| {
            if from >= to {
                (0, 0)
            } else {
                (from.saturating_sub(by), (to + by).min(side))
            }
        };
        Self {
            columns: grow(self.columns),
            rows: grow(self.rows),
        }
    }
}

/// White where `damaged` departs from `good`.
pub(super) fn difference(good: &Exposure, damaged: &Exposure) -> GrayImage {
    let (width, height) = good.image.dimensions();
    let side = width as usize;
    let raw: Vec<bool> = good
        .image
        .pixels()
        .zip(damaged.image.pixels())
        .enumerate()
        .map(|(i, (a, b))| {
            let at = 2 * (i / side) * 2 * side + 2 * (i % side);
            let points = [at, at + 1, at + 2 * side, at + 2 * side + 1];
            let owned = points
                .iter()
                .filter(|at| damaged.grid[**at].changed)
                .count();
            owned >= 2 || a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) >= THRESHOLD)
        })
        .collect();
    let radius = (width / 160).max(1) as usize;
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
