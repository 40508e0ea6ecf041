//! Seeded draws: every random choice of a scene comes from here.
//!
//! ChaCha8 is counter-based and specified to the bit, and the floats are made from
//! its words with one multiplication, so a seed means the same scene on every
//! machine, 32-bit WebAssembly included.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of draws, named by what it is for and a seed.
pub(super) struct Draw {
    rng: ChaCha8Rng,
}

impl Draw {
    /// The stream of `seed` for this product and purpose; other names give unrelated streams.
    pub(super) fn new(product: &str, purpose: &str, seed: u64) -> Self {
        let mut hash = Fnv::default();
        hash.write(product.as_bytes());
        hash.write(&[0]);
        hash.write(purpose.as_bytes());
        hash.write(&[0]);
        hash.write(&seed.to_le_bytes());
        Self {
            rng: ChaCha8Rng::seed_from_u64(hash.0),
        }
    }

    /// A seed for the lattice noises.
    pub(super) fn word(&mut self) -> u32 {
        self.rng.next_u32()
    }

    /// Uniform in `[0, 1)`, 24 bits.
    pub(super) fn unit(&mut self) -> f32 {
        (self.rng.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in `[low, high)`.
    pub(super) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `[-reach, reach)`.
    pub(super) fn around(&mut self, reach: f32) -> f32 {
        self.range(-reach, reach)
    }

    /// Any direction, in radians.
    pub(super) fn angle(&mut self) -> f32 {
        self.range(0.0, core::f32::consts::TAU)
    }

    /// Either sign.
    pub(super) fn sign(&mut self) -> f32 {
        if self.rng.next_u32() & 1 == 0 {
            1.0
        } else {
            -1.0
        }
    }

    /// One of `0..count`.
    pub(super) fn index(&mut self, count: u32) -> u32 {
        ((u64::from(self.rng.next_u32()) * u64::from(count)) >> 32) as u32
    }
}

/// FNV-1a, 64 bits: small, well known, and the same in every language that wants to compare.
pub(super) struct Fnv(pub(super) u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    pub(super) fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
