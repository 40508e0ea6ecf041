//! Points of the image plane, signed distances to shapes, and soft steps.
//!
//! Units: the image is the square `[0, 1]²`, x to the right, y down. A signed
//! distance is negative inside.

use core::ops::{Add, Mul, Sub};

/// A point or a direction in the image plane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct V2 {
    pub(super) x: f32,
    pub(super) y: f32,
}

impl V2 {
    pub(super) const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// The unit vector at `angle` radians.
    pub(super) fn at_angle(angle: f32) -> Self {
        Self::new(libm::cosf(angle), libm::sinf(angle))
    }

    pub(super) fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }

    pub(super) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// A quarter turn.
    pub(super) fn across(self) -> Self {
        Self::new(-self.y, self.x)
    }
}

impl Add for V2 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

impl Sub for V2 {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for V2 {
    type Output = Self;
    fn mul(self, k: f32) -> Self {
        Self::new(self.x * k, self.y * k)
    }
}

/// How a part lies under the camera: image plane → the part's own plane, centred on it.
#[derive(Clone, Copy)]
pub(super) struct Pose {
    centre: V2,
    axis: V2,
    scale: f32,
}

impl Pose {
    pub(super) fn new(centre: V2, angle: f32, scale: f32) -> Self {
        Self {
            centre,
            axis: V2::at_angle(angle),
            scale,
        }
    }

    /// The point of the part seen at `p`.
    pub(super) fn to_part(self, p: V2) -> V2 {
        let d = (p - self.centre) * (1.0 / self.scale);
        V2::new(d.dot(self.axis), d.dot(self.axis.across()))
    }

    /// A direction of the part, as it points in the image.
    pub(super) fn turned(self, d: V2) -> V2 {
        self.axis * d.x + self.axis.across() * d.y
    }
}

/// Rounding down in two instructions; `f32::floor` is a call on plain x86-64.
pub(super) trait Whole {
    /// The largest whole number not above it (for magnitudes below 2³¹).
    fn whole(self) -> Self;
}

impl Whole for f32 {
    fn whole(self) -> Self {
        let cut = self as i32 as f32;
        if cut > self { cut - 1.0 } else { cut }
    }
}

/// 0 below `low`, 1 above `high`, smooth between.
pub(super) fn step(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// How far inside a shape: 1 where `distance < -edge`, 0 where it is above `edge`.
pub(super) fn inside(distance: f32, edge: f32) -> f32 {
    1.0 - step(-edge, edge, distance)
}

pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// Signed distance to an axis-parallel box about the origin with rounded corners.
pub(super) fn rounded_box(p: V2, half: V2, radius: f32) -> f32 {
    let q = V2::new(p.x.abs() - half.x + radius, p.y.abs() - half.y + radius);
    let outside = V2::new(q.x.max(0.0), q.y.max(0.0)).length();
    outside + q.x.max(q.y).min(0.0) - radius
}

/// Signed distance to a regular hexagon about the origin; `apothem`: centre to flat (flats up and down).
pub(super) fn hexagon(p: V2, apothem: f32) -> f32 {
    const COS: f32 = 0.866_025_4;
    const TAN: f32 = 0.577_350_3;
    let mut q = V2::new(p.x.abs(), p.y.abs());
    let fold = 2.0 * (-COS * q.x + 0.5 * q.y).min(0.0);
    q = q - V2::new(-COS, 0.5) * fold;
    let reach = TAN * apothem;
    let d = V2::new(q.x - q.x.clamp(-reach, reach), q.y - apothem);
    if d.y < 0.0 { -d.length() } else { d.length() }
}

/// Distance from `p` to the segment `a`–`b`, and where along it (0–1) the nearest point lies.
pub(super) fn segment(p: V2, a: V2, b: V2) -> (f32, f32) {
    let (pa, ba) = (p - a, b - a);
    let t = (pa.dot(ba) / ba.dot(ba).max(1e-12)).clamp(0.0, 1.0);
    ((pa - ba * t).length(), t)
}
