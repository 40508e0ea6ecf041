//! What one point of a scene is made of.

use super::plane::mix;

/// Linear-light red, green, blue.
pub(super) type Rgb = [f32; 3];

/// The surface seen at one point.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Surface {
    /// Height towards the camera, in image widths; the light takes normals and shadows from it.
    pub(super) height: f32,
    /// Diffuse colour, or the reflectance of a metal.
    pub(super) albedo: Rgb,
    /// 0 mirror – 1 chalk.
    pub(super) roughness: f32,
    /// 0 dielectric – 1 metal.
    pub(super) metal: f32,
    /// Light that comes through from behind.
    pub(super) glow: Rgb,
    /// 0–1: a clear layer on top (plastic, glaze, lacquer) that only reflects.
    pub(super) coat: f32,
    /// Height of the clear layer.
    pub(super) coat_height: f32,
    /// Whether a logical defect (a part missing, swapped, turned) owns this point:
    /// the mask then has it even where the colours happen to agree.
    pub(super) changed: bool,
}

impl Surface {
    /// A plain dielectric at height 0.
    pub(super) fn matt(albedo: Rgb, roughness: f32) -> Self {
        Self {
            height: 0.0,
            albedo,
            roughness,
            metal: 0.0,
            glow: [0.0; 3],
            coat: 0.0,
            coat_height: 0.0,
            changed: false,
        }
    }

    /// A plain metal at height 0.
    pub(super) fn metal(albedo: Rgb, roughness: f32) -> Self {
        Self {
            metal: 1.0,
            ..Self::matt(albedo, roughness)
        }
    }

    /// `t` of the way to `other` in everything but the height.
    pub(super) fn blend(&mut self, other: &Self, t: f32) {
        self.albedo = blend(self.albedo, other.albedo, t);
        self.glow = blend(self.glow, other.glow, t);
        self.roughness = mix(self.roughness, other.roughness, t);
        self.metal = mix(self.metal, other.metal, t);
        self.coat = mix(self.coat, other.coat, t);
    }

    /// `t` of the way to `other`, the height too.
    pub(super) fn cover(&mut self, other: &Self, t: f32) {
        self.blend(other, t);
        self.height = mix(self.height, other.height, t);
        self.coat_height = mix(self.coat_height, other.coat_height, t);
        self.changed |= other.changed && t > 0.5;
    }

    /// Tints towards `colour` by `t`.
    pub(super) fn tint(&mut self, colour: Rgb, t: f32) {
        self.albedo = blend(self.albedo, colour, t);
    }

    /// Darkens or lightens.
    pub(super) fn scale(&mut self, k: f32) {
        self.albedo = scaled(self.albedo, k);
    }
}

pub(super) fn blend(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)]
}

pub(super) fn scaled(a: Rgb, k: f32) -> Rgb {
    [a[0] * k, a[1] * k, a[2] * k]
}
