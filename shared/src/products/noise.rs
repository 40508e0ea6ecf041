//! Lattice noise: value noise and its octaves.
//!
//! Integer hashes and `+ - *` only, so the values are the same bits everywhere.

use super::plane::V2;

/// A well-mixed word for the lattice point `(x, y)`.
pub(super) fn hash(x: i32, y: i32, seed: u32) -> u32 {
    mixed(column(x) ^ row(y) ^ seed)
}

/// Uniform in `[0, 1)` for a lattice point.
pub(super) fn hash_unit(x: i32, y: i32, seed: u32) -> f32 {
    unit(hash(x, y, seed))
}

fn column(x: i32) -> u32 {
    (x as u32).wrapping_mul(0x9e37_79b1)
}

fn row(y: i32) -> u32 {
    (y as u32).wrapping_mul(0x85eb_ca77)
}

/// The finaliser of MurmurHash3.
fn mixed(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x85eb_ca6b);
    h ^= h >> 13;
    h = h.wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

fn unit(word: u32) -> f32 {
    (word >> 8) as i32 as f32 * (1.0 / 16_777_216.0)
}

/// The lattice line below `x`, and how far above it `x` lies.
fn split(x: f32) -> (i32, f32) {
    let cut = x as i32;
    let line = cut - i32::from(cut as f32 > x);
    (line, x - line as f32)
}

/// Value noise in `[-1, 1]`, quintic between lattice points.
pub(super) fn value(p: V2, seed: u32) -> f32 {
    let (ix, fx) = split(p.x);
    let (iy, fy) = split(p.y);
    let (u, v) = (quintic(fx), quintic(fy));
    // Both columns and both rows are hashed half way once, then joined four times.
    let (left, right) = (column(ix), column(ix.wrapping_add(1)));
    let (upper, lower) = (row(iy) ^ seed, row(iy.wrapping_add(1)) ^ seed);
    let a = unit(mixed(left ^ upper));
    let b = unit(mixed(right ^ upper));
    let c = unit(mixed(left ^ lower));
    let d = unit(mixed(right ^ lower));
    let top = a + (b - a) * u;
    let low = c + (d - c) * u;
    2.0 * (top + (low - top) * v) - 1.0
}

/// Octaves of [`value`], each twice as fine and half as strong; about `[-1, 1]`.
pub(super) fn octaves(p: V2, count: u32, seed: u32) -> f32 {
    let (mut sum, mut weight, mut total, mut at) = (0.0, 1.0, 0.0, p);
    for octave in 0..count {
        sum += weight * value(at, seed.wrapping_add(octave.wrapping_mul(0x68bc_21eb)));
        total += weight;
        weight *= 0.5;
        at = at * 2.03 + V2::new(17.1, 5.7);
    }
    sum / total
}

fn quintic(t: f32) -> f32 {
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}
