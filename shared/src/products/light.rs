//! The light: one key lamp and a studio around it, shading a grid of surfaces.
//!
//! Lambert for the diffuse part, a GGX lobe for the lamp's reflection, Schlick's
//! Fresnel, a soft studio for everything else that mirrors, shadows marched over the
//! height field and a cheap ambient occlusion (how far a point lies below its
//! neighbourhood). Only `+ - * / sqrt`.

use super::draw::Draw;
use super::material::{Rgb, Surface};
use super::plane::{V2, step};
use super::stage::Window;

/// Key lamp and surroundings.
#[derive(Clone, Copy)]
pub(super) struct Light {
    towards: [f32; 3],
    key: f32,
    ambient: f32,
    studio: f32,
    tint: Rgb,
    shadow_reach: f32,
}

impl Light {
    /// A lamp at `azimuth` and `elevation` (radians), each moved a little by `draw`.
    /// `shadow_reach`: the tallest height that may throw a shadow, in image widths.
    pub(super) fn new(draw: &mut Draw, azimuth: f32, elevation: f32, shadow_reach: f32) -> Self {
        let flat = V2::at_angle(azimuth + draw.around(0.16));
        let rise = V2::at_angle(elevation + draw.around(0.07));
        let warmth = draw.around(0.025);
        Self {
            towards: [flat.x * rise.x, flat.y * rise.x, rise.y],
            key: 1.0 + draw.around(0.10),
            ambient: 0.38 + draw.around(0.05),
            studio: 1.0,
            tint: [1.0 + warmth, 1.0, 1.0 - warmth],
            shadow_reach,
        }
    }

    /// Scales the mirrored surroundings.
    pub(super) fn with_studio(mut self, studio: f32) -> Self {
        self.studio = studio;
        self
    }

    /// How far, in points of a grid `side` wide, the shading of a point looks.
    pub(super) fn reach(&self, side: usize) -> usize {
        let slope = self.towards[2] / self.flat().max(1e-3);
        neighbours(side) + (self.shadow_reach / slope * side as f32) as usize + 2
    }

    /// Linear radiance of the points of the `side`×`side` grid that lie in `window`.
    pub(super) fn shade(&self, grid: &[Surface], side: usize, window: &Window, out: &mut [Rgb]) {
        let heights: Vec<f32> = grid.iter().map(|s| s.height).collect();
        let around = neighbourhood(&heights, side, neighbours(side));
        let scale = side as f32;
        for y in window.rows.0..window.rows.1 {
            for x in window.columns.0..window.columns.1 {
                let at = y * side + x;
                let surface = &grid[at];
                let left = y * side + x.saturating_sub(1);
                let right = y * side + (x + 1).min(side - 1);
                let up = y.saturating_sub(1) * side + x;
                let down = (y + 1).min(side - 1) * side + x;
                let normal = normalised([
                    (heights[left] - heights[right]) * 0.5 * scale,
                    (heights[up] - heights[down]) * 0.5 * scale,
                    1.0,
                ]);
                let view = normalised([
                    0.30 * (0.5 - (x as f32 + 0.5) / scale),
                    0.30 * (0.5 - (y as f32 + 0.5) / scale),
                    1.0,
                ]);
                let below = (around[at] - heights[at]) * scale / (scale / 48.0);
                let open = (1.0 - 0.85 * below.max(0.0)).clamp(0.25, 1.0);
                let lit = self.unshadowed(&heights, side, x, y);
                let mut colour = self.reflect(surface, normal, view, open, lit);
                if surface.coat > 0.0 {
                    let normal = normalised([
                        (grid[left].coat_height - grid[right].coat_height) * 0.5 * scale,
                        (grid[up].coat_height - grid[down].coat_height) * 0.5 * scale,
                        1.0,
                    ]);
                    let gleam = self
                        .mirror(normal, view, 0.16, 1.0)
                        .times_fresnel(0.045, 0.16)
                        * surface.coat;
                    for (colour, tint) in colour.iter_mut().zip(self.tint) {
                        *colour += gleam * tint;
                    }
                }
                out[at] = colour;
            }
        }
    }

    fn reflect(
        &self,
        surface: &Surface,
        normal: [f32; 3],
        view: [f32; 3],
        open: f32,
        lit: f32,
    ) -> Rgb {
        let dull = 1.0 - surface.metal;
        let diffuse =
            (self.ambient * open + self.key * dot(normal, self.towards).max(0.0) * lit) * dull;
        let seen = self.mirror(normal, view, surface.roughness, lit);
        let bare = seen.times_fresnel(0.025, surface.roughness) * open * dull;
        let metallic = seen.times_fresnel(1.0, surface.roughness) * open * surface.metal;
        core::array::from_fn(|c| {
            self.tint[c] * (surface.albedo[c] * (diffuse + metallic) + bare) + surface.glow[c]
        })
    }

    /// What a perfect mirror would send to the camera: the lamp's lobe and the studio.
    fn mirror(&self, normal: [f32; 3], view: [f32; 3], roughness: f32, lit: f32) -> Mirrored {
        let half = normalised([
            self.towards[0] + view[0],
            self.towards[1] + view[1],
            self.towards[2] + view[2],
        ]);
        let nh = dot(normal, half).max(0.0);
        let facing = dot(normal, view);
        let nl = dot(normal, self.towards).max(0.0);
        let a = (roughness * roughness).max(0.004);
        let a2 = a * a;
        let spread = nh * nh * (a2 - 1.0) + 1.0;
        let lobe = (a2 / (core::f32::consts::PI * spread * spread) * 0.25 * nl).min(3.0);
        let grazing = 1.0 - facing.max(0.05);
        let grazing2 = grazing * grazing;
        let back = 2.0 * facing;
        let mirrored = [
            normal[0] * back - view[0],
            normal[1] * back - view[1],
            normal[2] * back - view[2],
        ];
        Mirrored {
            radiance: lobe * lit * self.key * 1.6
                + self.surroundings(mirrored, roughness) * self.studio,
            grazing: grazing2 * grazing2 * grazing,
        }
    }

    /// The studio seen in direction `r`: a soft box about the lamp, a fainter one opposite, a grey room.
    fn surroundings(&self, r: [f32; 3], roughness: f32) -> f32 {
        let room = 0.22 + 0.38 * (0.5 + 0.5 * r[2]);
        let soft = 0.10 + 0.45 * roughness;
        let key = step(0.80 - soft, 0.80 + soft, dot(r, self.towards));
        let fill_direction = [-self.towards[0], -self.towards[1], self.towards[2]];
        let fill = step(0.88 - soft, 0.88 + soft, dot(r, fill_direction));
        room + 0.75 * key + 0.22 * fill
    }

    /// Length of the lamp's direction in the image plane.
    fn flat(&self) -> f32 {
        (self.towards[0] * self.towards[0] + self.towards[1] * self.towards[1]).sqrt()
    }

    /// 0 in the shadow of a higher neighbour – 1 in the open.
    fn unshadowed(&self, heights: &[f32], side: usize, x: usize, y: usize) -> f32 {
        if self.shadow_reach <= 0.0 {
            return 1.0;
        }
        let flat = self.flat();
        let slope = self.towards[2] / flat.max(1e-3);
        let reach = self.shadow_reach / slope;
        // One step to a point of the grid or so, ten at most.
        let steps = ((reach * side as f32) as u32).clamp(2, 10);
        let (dx, dy) = (
            self.towards[0] / flat.max(1e-3),
            self.towards[1] / flat.max(1e-3),
        );
        let own = heights[y * side + x];
        let mut deepest: f32 = 0.0;
        for k in 1..=steps {
            let t = reach * k as f32 / steps as f32;
            let sx = (x as f32 + dx * t * side as f32) as usize;
            let sy = (y as f32 + dy * t * side as f32) as usize;
            if sx >= side || sy >= side {
                break;
            }
            let over = heights[sy * side + sx] - own - t * slope;
            deepest = deepest.max(over / (0.25 * self.shadow_reach));
        }
        1.0 - 0.8 * step(0.0, 1.0, deepest)
    }
}

/// The radiance in the mirror direction, and (1 - cos)⁵ for Schlick's Fresnel.
#[derive(Clone, Copy)]
struct Mirrored {
    radiance: f32,
    grazing: f32,
}

impl Mirrored {
    fn times_fresnel(self, f0: f32, roughness: f32) -> f32 {
        self.radiance * (f0 + (1.0 - f0) * self.grazing * (1.0 - roughness))
    }
}

/// Half the width of a point's neighbourhood.
fn neighbours(side: usize) -> usize {
    (side / 48).max(2)
}

/// Mean height over a box of `2 radius + 1` points a side.
fn neighbourhood(heights: &[f32], side: usize, radius: usize) -> Vec<f32> {
    let rows = running_mean(heights, side, radius, false);
    running_mean(&rows, side, radius, true)
}

fn running_mean(values: &[f32], side: usize, radius: usize, columns: bool) -> Vec<f32> {
    let index = |line: usize, at: usize| {
        if columns {
            at * side + line
        } else {
            line * side + at
        }
    };
    let mut out = vec![0.0; values.len()];
    let width = (2 * radius + 1) as f64;
    for line in 0..side {
        let read =
            |at: isize| f64::from(values[index(line, at.clamp(0, side as isize - 1) as usize)]);
        let reach = radius as isize;
        let mut sum: f64 = (-reach..=reach).map(read).sum();
        for at in 0..side {
            out[index(line, at)] = (sum / width) as f32;
            let at = at as isize;
            sum += read(at + reach + 1) - read(at - reach);
        }
    }
    out
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn normalised(a: [f32; 3]) -> [f32; 3] {
    let k = 1.0 / dot(a, a).sqrt();
    [a[0] * k, a[1] * k, a[2] * k]
}
