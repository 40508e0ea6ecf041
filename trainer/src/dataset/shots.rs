//! Few-shot draws: which `k` training images a run sees.
//!
//! The authors draw with CPython, `random.seed(42); random.sample(sorted_files, k)`. To train on
//! the very same images, this file holds CPython's generator (MT19937, Matsumoto & Nishimura 1998)
//! and its sampling algorithm; any other seed draws as `random.seed(seed)` would.

use std::collections::HashSet;

/// The seed of the authors' draw.
pub const AUTHORS_SEED: u64 = 42;

/// Indices into the sorted file list, in the order drawn: `random.sample(range(images), shots)`.
///
/// Returns `None` when there are fewer images than shots.
pub fn draw(images: usize, shots: usize, seed: u64) -> Option<Vec<usize>> {
    if shots > images {
        return None;
    }
    let mut random = MersenneTwister::from_python_seed(seed);
    // CPython chooses a pool or a set by what is smaller in memory; the two draw differently.
    let mut pool_limit = 21;
    if shots > 5 {
        pool_limit += 4usize.pow((shots as f64 * 3.0).log(4.0).ceil() as u32);
    }
    if images <= pool_limit {
        let mut pool: Vec<usize> = (0..images).collect();
        return Some(
            (0..shots)
                .map(|drawn| {
                    let left = images - drawn;
                    let at = random.below(left);
                    let value = pool[at];
                    pool[at] = pool[left - 1];
                    value
                })
                .collect(),
        );
    }
    let mut seen = HashSet::new();
    Some(
        (0..shots)
            .map(|_| {
                loop {
                    let index = random.below(images);
                    if seen.insert(index) {
                        return index;
                    }
                }
            })
            .collect(),
    )
}

/// MT19937, seeded as CPython seeds it from an integer.
struct MersenneTwister {
    state: [u32; Self::N],
    position: usize,
}

impl MersenneTwister {
    const N: usize = 624;
    const M: usize = 397;

    fn from_python_seed(seed: u64) -> Self {
        let mut key = vec![seed as u32];
        if seed > u64::from(u32::MAX) {
            key.push((seed >> 32) as u32);
        }
        let mut state = Self::linear_seed(19_650_218);
        let (mut i, mut j) = (1, 0);
        for _ in 0..Self::N.max(key.len()) {
            let previous = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] = (state[i] ^ previous.wrapping_mul(1_664_525))
                .wrapping_add(key[j])
                .wrapping_add(j as u32);
            i += 1;
            j = (j + 1) % key.len();
            if i == Self::N {
                state[0] = state[Self::N - 1];
                i = 1;
            }
        }
        for _ in 1..Self::N {
            let previous = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] = (state[i] ^ previous.wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            i += 1;
            if i == Self::N {
                state[0] = state[Self::N - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
        Self {
            state,
            position: Self::N,
        }
    }

    fn linear_seed(seed: u32) -> [u32; Self::N] {
        let mut state = [seed; Self::N];
        for i in 1..Self::N {
            let previous = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] = previous.wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        state
    }

    fn next(&mut self) -> u32 {
        if self.position == Self::N {
            for k in 0..Self::N {
                let joined =
                    (self.state[k] & 0x8000_0000) | (self.state[(k + 1) % Self::N] & 0x7fff_ffff);
                let twist = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[k] = self.state[(k + Self::M) % Self::N] ^ (joined >> 1) ^ twist;
            }
            self.position = 0;
        }
        let mut y = self.state[self.position];
        self.position += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// Uniform in `0..limit` by rejection, like `Random._randbelow`. `limit` must be positive.
    fn below(&mut self, limit: usize) -> usize {
        let bits = usize::BITS - limit.leading_zeros();
        loop {
            let value = (self.next() >> (32 - bits.min(32))) as usize;
            if value < limit {
                return value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn draws_the_authors_shots_of_every_mvtec_class() {
        let first = [163, 28, 6, 189, 70, 62, 57, 35];
        for images in [209, 224, 219, 245, 220, 230, 213, 247, 240] {
            assert_eq!(draw(images, 8, AUTHORS_SEED).unwrap(), first, "{images}");
        }
        for images in [264, 267] {
            assert_eq!(
                draw(images, 8, AUTHORS_SEED).unwrap(),
                [57, 12, 140, 125, 114, 71, 52, 44]
            );
        }
        for images in [280, 320] {
            assert_eq!(
                draw(images, 8, AUTHORS_SEED).unwrap(),
                [57, 12, 140, 125, 114, 71, 52, 279]
            );
        }
        assert_eq!(
            draw(391, 8, AUTHORS_SEED).unwrap(),
            [327, 57, 12, 379, 140, 125, 114, 71]
        );
        assert_eq!(
            draw(60, 8, AUTHORS_SEED).unwrap(),
            [40, 7, 1, 47, 17, 15, 14, 8]
        );
    }

    #[test]
    fn fewer_shots_are_a_prefix_as_in_the_table() {
        for images in [60, 209, 264, 280, 391] {
            let eight = draw(images, 8, AUTHORS_SEED).unwrap();
            assert_eq!(draw(images, 4, AUTHORS_SEED).unwrap(), eight[..4]);
            assert_eq!(draw(images, 2, AUTHORS_SEED).unwrap(), eight[..2]);
        }
    }

    #[test]
    fn other_seeds_follow_cpython_too() {
        // Python 3: random.seed(s); random.sample(range(n), k)
        assert_eq!(draw(50, 5, 0).unwrap(), [24, 48, 26, 2, 16]);
        assert_eq!(draw(10, 4, 1).unwrap(), [2, 1, 4, 0]);
        assert_eq!(draw(1000, 6, 7).unwrap(), [331, 970, 154, 404, 666, 49]);
        assert_eq!(draw(85, 8, 123).unwrap(), [6, 34, 11, 52, 83, 13, 4, 48]);
        assert_eq!(draw(86, 8, 123).unwrap(), [6, 34, 11, 52, 13, 4, 48, 68]);
        assert_eq!(
            draw(209, 12, 2025).unwrap(),
            [142, 21, 165, 122, 44, 135, 0, 95, 96, 145, 59, 16]
        );
        assert_eq!(draw(240, 4, 1099511627779).unwrap(), [56, 15, 140, 213]);
        assert_eq!(draw(191, 4, 4294967295).unwrap(), [162, 158, 52, 55]);
    }

    #[test]
    fn draws_are_distinct_and_in_range() {
        for (images, shots) in [(1, 1), (5, 5), (21, 5), (22, 5), (100, 100), (300, 16)] {
            let drawn = draw(images, shots, 7).unwrap();
            assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), shots);
            assert!(drawn.iter().all(|index| *index < images));
        }
        assert_eq!(draw(3, 4, 7), None);
    }
}
