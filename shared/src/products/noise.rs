//! Lattice noise: value noise and its octaves.
//!
//! Integer hashes and `+ - *` only, so the values are the same bits everywhere.

use super::plane::{V2, Whole};

/// A well-mixed word for the lattice point `(x, y)` (the finaliser of MurmurHash3).
pub(super) fn hash(x: i32, y: i32, seed: u32) -> u32 {
    let mut h = (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77) ^ seed;
    h ^= h >> 16;
    h = h.wrapping_mul(0x85eb_ca6b);
    h ^= h >> 13;
    h = h.wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

/// Uniform in `[0, 1)` for a lattice point.
pub(super) fn hash_unit(x: i32, y: i32, seed: u32) -> f32 {
    (hash(x, y, seed) >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Value noise in `[-1, 1]`, quintic between lattice points.
pub(super) fn value(p: V2, seed: u32) -> f32 {
    let (fx, fy) = (p.x.whole(), p.y.whole());
    let (ix, iy) = (fx as i32, fy as i32);
    let (u, v) = (quintic(p.x - fx), quintic(p.y - fy));
    let a = hash_unit(ix, iy, seed);
    let b = hash_unit(ix.wrapping_add(1), iy, seed);
    let c = hash_unit(ix, iy.wrapping_add(1), seed);
    let d = hash_unit(ix.wrapping_add(1), iy.wrapping_add(1), seed);
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
